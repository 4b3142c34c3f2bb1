//! From nothing to a first sync, by answers on standard input.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Company, answered, command, printed, said};

/// As somebody types who gets some of it wrong first.
fn answers(company: &Company) -> Vec<String> {
    let text = std::fs::read_to_string(&company.file).unwrap();
    let address = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (salesforce, automation) = (address("login_url"), address("base_url"));
    [
        "my instance",
        "acme",
        "ftp://nowhere.example",
        &salesforce,
        "9",
        "2",
        "practice-consumer-key",
        &automation,
        "1",
        "1_practicepublickey",
        "",
        "perhaps",
        "y",
        "",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn init(file: &Path, answers: &[String]) -> Output {
    let mut init = command(file, &["init"]);
    let home = file.parent().unwrap();
    answered(init.env("HOME", home), answers)
}

const SECRETS: [&str; 2] = ["practice-consumer-secret", "practicesecretkey"];

#[test]
fn a_first_run_writes_a_file_rehearses_and_writes_to_the_systems_only_at_the_word() {
    let company = Company::new(3, 60);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conf/instance.toml");
    let mut typed = answers(&company);
    typed.extend(SECRETS.map(str::to_owned));
    typed.extend(["everything but three", "3", "", "not yet"].map(str::to_owned));
    let first = init(&file, &typed);
    let told = said(&first);
    assert_eq!(first.status.code(), Some(3), "{told}{}", printed(&first));
    for sentence in [
        "letters, digits",
        "an address like https://",
        "numbers of the list",
        "nothing was written to either system",
        "Country → country   (a closed list of Automation",
    ] {
        assert!(told.contains(sentence), "{sentence}: {told}");
    }
    assert!(
        printed(&first).contains("Would be written"),
        "{}",
        printed(&first)
    );
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("[[mapping.person]]") && text.contains("enabled = false"),
        "{text}"
    );
    for secret in SECRETS {
        assert!(!text.contains(secret) && !told.contains(secret), "{secret}");
    }

    // What is in the file is the truth until the first sync has begun.
    super::private(
        &file,
        &text.replace("update_blanks = false", "update_blanks = true"),
    );
    let second = init(&file, &[String::new(), "begin".to_owned()]);
    let told = said(&second);
    assert!(told.contains("going on with it"), "{told}");
    assert!(told.contains("in already, at Orion SARL"), "{told}");
    assert!(told.contains("taken as it is now"), "{told}");
    assert!(matches!(second.status.code(), Some(0 | 3)), "{told}");
    let mut again = command(&file, &["sync", "--until-idle", "--json"]);
    let again = again.env("HOME", file.parent().unwrap()).output().unwrap();
    let report = super::json(&again);
    assert_eq!(
        report["written"]["salesforce"],
        serde_json::json!({}),
        "{report}"
    );
    assert_eq!(
        report["written"]["automation"],
        serde_json::json!({}),
        "{report}"
    );
}

#[test]
fn answers_that_stop_half_way_leave_no_file_behind() {
    let company = Company::new(3, 20);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("instance.toml");
    let cut = init(&file, &answers(&company)[..5]);
    assert_eq!(cut.status.code(), Some(1), "{}", said(&cut));
    assert!(!file.exists());
}

/// What it says on standard error, up to a question.
fn asked(child: &mut Child, question: &str) -> String {
    let mut told = Vec::new();
    let mut byte = [0];
    let notes = child.stderr.as_mut().unwrap();
    while !String::from_utf8_lossy(&told).contains(question) {
        let read = notes.read(&mut byte).unwrap();
        assert_eq!(read, 1, "{}", String::from_utf8_lossy(&told));
        told.push(byte[0]);
    }
    String::from_utf8(told).unwrap()
}

#[test]
fn whoever_is_asked_to_end_at_the_last_question_ends_and_has_written_nothing() {
    let company = Company::new(3, 20);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut init = command(&company.file, &["init"]);
        init.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = init.stderr(Stdio::piped()).spawn().unwrap();
        let mut typed = child.stdin.take().unwrap();
        // Nothing is to be mended.
        typed.write_all(b"\n").unwrap();
        asked(&mut child, "type “begin”");
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        asked(&mut child, "nothing was written to either system");
        assert_eq!(child.wait().unwrap().code(), Some(3), "{signal}");
        drop(typed);
    }
}
