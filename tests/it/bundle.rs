//! The incident bundle of the built program, and the pages that it prints about itself.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use passerelle::store::SledStore;
use serde_json::Value as Json;

use crate::cli::Company;
use crate::logs::{REASON, Served, canaries, holds_none};
use crate::world::private;

const PEOPLE: u32 = 50;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn does(mut command: Command, status: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{}", said(&output));
    printed(&output)
}

/// What is in the file, as it is.
fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(path).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// A company that was synced, with a contact that was acted on.
fn synced() -> (Company, String) {
    let company = Company::new(1, PEOPLE);
    does(company.command(&["sync", "--until-idle", "--json"]), 3);
    let listed = does(company.command(&["conflicts", "--json"]), 3);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let waiting = listed["conflicts"].as_array().unwrap().iter();
    let of_mobile = |link: &&Json| link["conflicts"].to_string().contains("obile");
    let link = waiting.clone().find(of_mobile).unwrap()["link"].to_string();
    let resolve = [
        "resolve",
        &link,
        "--choose",
        "MobilePhone=automation",
        "--reason",
        REASON,
    ];
    let output = company.command(&resolve).output().unwrap();
    assert_ne!(output.status.code(), Some(1), "{}", said(&output));
    (company, format!("link:{link}"))
}

#[test]
fn whoever_takes_data_away_is_on_record_at_home_and_served() {
    let company = Company::new(1, 3);
    let folder = company.file.parent().unwrap();
    for place in ["home", "served"] {
        let served = (place == "served").then(|| Served::begin(&company));
        let file = |name: &str| folder.join(format!("{place}-{name}")).display().to_string();
        let (copy, acts, bundle) = (file("copy"), file("acts"), file("bundle"));
        let mut asked = vec![
            vec!["backup", "export", &copy],
            vec!["audit", "export", &acts, "--format", "csv"],
            vec!["bundle", "--yes", "--out", &bundle],
        ];
        if served.is_some() {
            asked.push(vec!["log", "level", "debug"]);
        }
        for arguments in asked {
            let arguments = [&arguments[..], &["--reason", REASON]].concat();
            does(company.command(&arguments), 0);
        }
        let text = fs::read_to_string(&acts).unwrap();
        assert!(text.contains("export audit"), "before it is done: {text}");
        if let Some(served) = served {
            served.stop();
        }
    }
    let listed = does(company.command(&["audit", "list", "--json"]), 0);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let acts = listed["acts"].as_array().unwrap();
    let done = |name: &str| {
        let done = acts.iter().filter(|act| act["act"] == name);
        done.filter(|act| act["reason"] == REASON).count()
    };
    let names = ["export backup", "export audit", "make bundle", "log level"];
    assert_eq!(names.map(done), [2, 2, 2, 1], "{acts:#?}");
    // Where the files are is for the audit alone.
    let path = folder.join("last");
    let asked = ["bundle", "--yes", "--out", path.to_str().unwrap()];
    does(company.command(&asked), 0);
    let text = unpacked(&path);
    assert!(text.contains("export backup"));
    let place = folder.display().to_string();
    assert!(!text.contains(&place), "{place} is in it");
}

#[test]
fn a_bundle_with_a_contact_names_nobody_and_no_secret() {
    let (company, who) = synced();
    let path = company.file.with_file_name("bundle.json.gz");
    let out = path.to_str().unwrap();
    let asked = ["bundle", "--contact", &who, "--out", out];
    // Nobody can be asked here.
    let refused = company.command(&asked).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let listed = does(company.command(&[&asked[..], &["--dry-run"]].concat()), 0);
    assert!(
        listed.contains("contact") && listed.contains("bytes"),
        "{listed}"
    );
    assert!(!path.exists());

    let told = does(company.command(&[&asked[..], &["--yes"]].concat()), 0);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = unpacked(&path);
    let mut forbidden = canaries(&company);
    // Who sits here, and where the instance is.
    forbidden.insert(company.file.parent().unwrap().display().to_string());
    holds_none(&forbidden, &text);

    let bundle: Json = serde_json::from_str(&text).unwrap();
    let token = bundle["contact"]["who"].as_str().unwrap();
    assert!(told.contains(token), "{told}");
    let acts = bundle["audit"].as_array().unwrap();
    assert!(acts.iter().any(|act| act["object"] == token), "{acts:#?}");
    let lines = bundle["log"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["link"] == token), "{lines:#?}");
    assert!(bundle["contact"]["history"].as_array().unwrap().len() > 1);
    assert!(bundle["status"]["links"].as_u64() > Some(10));
    assert!(bundle["doctor"].as_array().unwrap().len() > 5);
    assert_eq!(
        bundle["settings"]["salesforce"]["flow"],
        "client_credentials"
    );
    // None are set up here, and it says so.
    assert!(bundle["settings"].get("webhook").unwrap().is_null());
    assert!(bundle["status"].get("webhooks_heard").unwrap().is_null());
    let screens = &bundle["screens"];
    let number = u64::from_str_radix(&token[7..17], 16).unwrap();
    assert_eq!(screens["contact"], number);
    let links = screens["links"].as_array().unwrap();
    let asked_for = links.iter().find(|link| link["id"] == number).unwrap();
    assert!(asked_for.to_string().contains(token), "{asked_for:#}");
    assert!(links.len() > 3 && links.len() as u64 <= PEOPLE.into());

    let again = company
        .command(&[&asked[..], &["--yes"]].concat())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2), "nothing is written over");

    let shown = does(company.command(&["open", out]), 0);
    for words in [
        "== contact ==",
        "== doctor ==",
        "== log ==",
        "process started",
        token,
    ] {
        assert!(shown.contains(words), "“{words}” is not in: {shown}");
    }
    let part = does(company.command(&["open", out, "--part", "status"]), 0);
    assert!(
        part.contains("links: ") && !part.contains("== log =="),
        "{part}"
    );
    let json = does(company.command(&["open", out, "--json"]), 0);
    assert_eq!(serde_json::from_str::<Json>(&json).unwrap(), bundle);
}

#[test]
fn the_serving_process_makes_it_and_whoever_asked_writes_it() {
    let (company, who) = synced();
    let served = Served::begin(&company);
    // What the systems are asked and answer meanwhile goes along, written by an undo.
    let undone = company.command(&["undo", "--json"]).output().unwrap();
    assert_ne!(undone.status.code(), Some(1), "{}", said(&undone));
    let path = company.file.with_file_name("served.json.gz");
    let asked = [
        "bundle",
        "--contact",
        &who,
        "--yes",
        "--out",
        path.to_str().unwrap(),
    ];
    does(company.command(&asked), 0);
    served.stop();
    let text = unpacked(&path);
    holds_none(&canaries(&company), &text);
    let bundle: Json = serde_json::from_str(&text).unwrap();
    let exchanges = bundle["contact"]["exchanges"].as_array().unwrap();
    let has_written = |exchange: &Json| exchange["asked"] == "Write";
    assert!(exchanges.iter().any(has_written), "{exchanges:#?}");
    assert_eq!(bundle["status"]["phase"], "idle");
}

/// The console over a bundle, read by lines from a pipe: how it ends, and what it said.
fn opened(path: &Path, lines: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    let mut child = command
        .env_clear()
        .args(["open", path.to_str().unwrap(), "--linear"])
        .args(["--config", "/nowhere/instance.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    typed.write_all(lines.as_bytes()).unwrap();
    drop(typed);
    let output = child.wait_with_output().unwrap();
    assert_eq!(said(&output), "");
    (output.status.code(), printed(&output))
}

#[test]
fn a_bundle_is_read_by_lines_too_and_says_that_nobody_had_the_systems_examined() {
    let (company, who) = synced();
    let path = company.file.with_file_name("lines.json.gz");
    let out = path.to_str().unwrap();
    let asked = ["bundle", "--contact", &who, "--yes", "--out", out];
    does(company.command(&asked), 0);
    let screens = &serde_json::from_str::<Json>(&unpacked(&path)).unwrap()["screens"];
    assert_eq!(screens["examined"], Json::Null);

    let (status, told) = opened(&path, "conflicts\nopen 1\nwait\npapers\n8\nopen 1\n");
    assert_eq!(status, Some(0), "{told}");
    for part in [
        "bundle of ",
        "\nColumns: Whom; What; Since",
        ": not decided yet",
        "nothing goes on",
        "== log ==",
        "Nobody had both systems examined before this bundle was made",
        "Not in this bundle",
    ] {
        assert!(told.contains(part), "“{part}” is not in: {told}");
    }
    assert!(!told.contains("r reads both"), "{told}");
    let (status, told) = opened(&path, "sync-now\n");
    assert_eq!(status, Some(4), "{told}");
    assert!(told.contains("Nothing can be changed from it"), "{told}");
    let both = does(company.command(&["open", out, "--linear", "--print"]), 2);
    assert_eq!(both, "");
}

#[test]
fn what_the_doctor_read_before_is_in_the_bundle_with_its_time() {
    let (company, _) = synced();
    let served = Served::begin(&company);
    does(company.command(&["doctor", "--json"]), 3);
    let path = company.file.with_file_name("examined.json.gz");
    let asked = ["bundle", "--yes", "--out", path.to_str().unwrap()];
    does(company.command(&asked), 0);
    served.stop();
    let text = unpacked(&path);
    holds_none(&canaries(&company), &text);
    let bundle: Json = serde_json::from_str(&text).unwrap();
    let timeline = bundle["doctor"].as_array().unwrap().iter();
    let timeline = timeline.clone().find(|one| one["check"] == "timeline");
    assert_eq!(timeline.unwrap()["state"], "ok");
    let (_, told) = opened(&path, "8\nopen 30\n");
    for part in ["Both systems were read on ", "ok; Remote site"] {
        assert!(told.contains(part), "“{part}” is not in: {told}");
    }
}

#[test]
fn a_store_that_another_process_holds_is_no_reason_against_a_bundle() {
    let company = Company::new(1, 3);
    let data = company.file.with_file_name("data");
    let held = SledStore::open(&data, "process 7 of eve").unwrap();
    let path = company.file.with_file_name("poor.json.gz");
    let asked = ["bundle", "--yes", "--out", path.to_str().unwrap()];
    does(company.command(&asked), 0);
    drop(held);
    let text = unpacked(&path);
    let bundle: Json = serde_json::from_str(&text).unwrap();
    let why = bundle["store"]["why"].as_str().unwrap();
    assert!(why.contains("another process"), "{why}");
    assert!(!text.contains("eve"));
}

#[test]
fn what_is_no_bundle_is_refused_in_a_sentence() {
    let company = Company::new(1, 3);
    let path = company.file.with_file_name("hostile.json.gz");
    let packed = |bytes: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let bomb = packed(&vec![b' '; 256 * 1_024 * 1_024]);
    let other = packed(b"{\"about\":{\"format\":\"x\"}}");
    for (bytes, says) in [
        (b"\x1f\x8b\x08 damaged".to_vec(), "damaged"),
        (bomb, "more than any bundle"),
        (other, "another version"),
    ] {
        fs::write(&path, bytes).unwrap();
        let output = company
            .command(&["open", path.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(says), "{says}: {}", said(&output));
        assert_eq!(printed(&output), "");
    }
}

#[test]
fn who_only_looks_gets_no_bundle() {
    let company = Company::new(1, 3);
    let ourselves = nix::unistd::User::from_uid(nix::unistd::getuid());
    let name = ourselves.unwrap().unwrap().name;
    let text = fs::read_to_string(&company.file).unwrap();
    private(
        &company.file,
        &format!("{text}\n[operators]\nviewer = [\"{name}\"]\n"),
    );
    let output = company.command(&["bundle", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
}

/// Every command, as `--help` lists them.
fn commands() -> Vec<String> {
    let help = does(program(&["--help"]), 0);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = listed.take_while(|line| line.starts_with("  "));
    // Words of a description that goes on stand further to the right.
    let names = lines.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.env_clear().args(arguments);
    command
}

#[test]
fn every_command_is_completed_in_every_shell_and_has_its_page() {
    let commands = commands();
    for shell in ["bash", "zsh", "fish"] {
        let script = does(program(&["completions", shell]), 0);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    does(program(&["man", "--out", out]), 0);
    let main = does(program(&["man"]), 0);
    for command in &commands {
        let page = folder.path().join(format!("passerelle-{command}.1"));
        let text = fs::read_to_string(&page).unwrap_or_else(|e| panic!("{command}: {e}"));
        assert!(
            text.contains(".SH SYNOPSIS") && text.contains(".TH passerelle"),
            "{text}"
        );
        let listed = format!("passerelle\\-{}(1)", command.replace('-', "\\-"));
        assert!(main.contains(&listed), "{listed}: {main}");
    }
}
