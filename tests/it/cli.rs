//! The built program against the practice company, and against whatever people get wrong: what it
//! prints, and the status it ends with.

mod audit;
mod audited;
mod doctor;
mod init;
mod plugin;
mod practice;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use passerelle::adapters::SystemClock;
use passerelle::app::args::Faults;
use passerelle::app::practice::{Practice, Serving};
use passerelle::store::SledStore;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::world::private;

/// The practice company, served by this process.
pub(crate) struct Company {
    pub(crate) serving: Serving,
    pub(crate) file: PathBuf,
    folder: TempDir,
    /// The commands block; the simulators answer on threads of their own.
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Company {
    pub(crate) fn new(seed: u64, people: u32) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let practice = Practice {
            seed,
            people,
            salesforce: any,
            automation: any,
            latency: Duration::ZERO,
            faults: Faults::None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let inside = runtime.enter();
        let serving = practice.serve(Arc::new(SystemClock)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = serving.write_instance(folder.path()).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            private(&path, &text);
        }
        drop(inside);
        Self {
            serving,
            file,
            folder,
            runtime,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.file, arguments)
    }

    /// With one part of the instance file replaced.
    fn with(&self, from: &str, to: &str) -> PathBuf {
        let text = std::fs::read_to_string(&self.file).unwrap();
        assert!(text.contains(from), "{text}");
        let file = self.folder.path().join("changed.toml");
        private(&file, &text.replacen(from, to, 1));
        file
    }
}

fn command(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.env_clear().env("USER", "ada");
    command.args(arguments).arg("--config").arg(file);
    command
}

/// With lines for standard input.
fn answered(command: &mut Command, answers: &[String]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut typed = running.stdin.take().unwrap();
    for answer in answers {
        writeln!(typed, "{answer}").unwrap();
    }
    drop(typed);
    running.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Exactly one JSON value on standard output.
fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", printed(output), said(output)))
}

/// The program must fail with that status and say that.
#[track_caller]
fn refused(file: &Path, arguments: &[&str], status: i32, words: &[&str]) {
    let output = command(file, arguments).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(status), "{said}");
    for word in words {
        assert!(said.contains(word), "“{word}” is not in: {said}");
    }
    assert_eq!(printed(&output), "", "nothing on standard output");
}

const SYNC: &[&str] = &["sync", "--until-idle", "--json"];

#[test]
fn a_wrong_instance_file_is_wrong_usage_and_says_what_to_do() {
    let company = Company::new(1, 3);
    let changed = |from, to| company.with(from, to);
    let file = changed("[plugin]", "[plugin]\nsync_ownres = true");
    refused(&file, SYNC, 2, &["line", "sync_ownres"]);
    let text = std::fs::read_to_string(&company.file).unwrap();
    let secret = text
        .lines()
        .find(|line| line.starts_with("client_secret"))
        .unwrap();
    let file = changed(secret, "");
    refused(
        &file,
        SYNC,
        1,
        &["not authorised yet", "passerelle authorize"],
    );
    let file = changed(secret, "client_secret = { env = \"NOT_SET\" }");
    refused(&file, SYNC, 2, &["line", "NOT_SET"]);
    let file = changed("http://127.0.0.1", "http://crm.acme.example");
    refused(&file, SYNC, 2, &["line", "https"]);
    let file = changed("salesforce = \"Phone\"", "salesforce = \"Phoen\"");
    refused(&file, SYNC, 2, &["Phoen", "did you mean"]);
    let missing = company.folder.path().join("missing.toml");
    refused(&missing, SYNC, 2, &["missing.toml", "--config"]);
    refused(&company.file, &["sync"], 2, &["--until-idle"]);
    refused(&company.file, &["sync", "--now"], 2, &["--now"]);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let company = Company::new(1, 3);
    let open = std::fs::Permissions::from_mode(0o644);
    let secret = company.folder.path().join("automation.secret");
    std::fs::set_permissions(secret, open).unwrap();
    refused(&company.file, SYNC, 2, &["chmod go-rwx"]);
}

#[test]
fn a_host_that_does_not_answer_is_a_failure_that_names_it() {
    let company = Company::new(1, 3);
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let text = std::fs::read_to_string(&company.file).unwrap();
    let url = text
        .lines()
        .find(|line| line.starts_with("login_url"))
        .unwrap();
    let nobody = format!("login_url = \"http://{}\"", port.unwrap());
    let file = company.with(url, &nobody);
    refused(&file, SYNC, 1, &["Salesforce cannot be reached"]);
}

#[test]
fn wrong_credentials_are_a_failure_that_names_the_side() {
    let company = Company::new(1, 3);
    for (name, side, keys) in [
        ("salesforce", "Salesforce", "consumer secret"),
        ("automation", "Automation", "secret key"),
    ] {
        let secret = company.folder.path().join(format!("{name}.secret"));
        let right = std::fs::read_to_string(&secret).unwrap();
        private(&secret, "wrong");
        refused(&company.file, SYNC, 1, &[side, keys]);
        private(&secret, &right);
    }
}

#[test]
fn the_store_of_another_organisation_is_refused() {
    let (first, second) = (Company::new(1, 3), Company::new(2, 3));
    assert!(
        first
            .command(SYNC)
            .output()
            .unwrap()
            .status
            .code()
            .is_some()
    );
    let data = |company: &Company| company.folder.path().join("data").display().to_string();
    let file = second.with(&data(&second), &data(&first));
    refused(&file, SYNC, 2, &["belongs to", "another data folder"]);
}

#[test]
fn a_damaged_store_is_left_as_it_is_and_said() {
    let company = Company::new(1, 3);
    company.command(SYNC).output().unwrap();
    let data = company.folder.path().join("data");
    let mut spoilt = Vec::new();
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("db") || path.ends_with("conf") {
                let mut bytes = std::fs::read(&path).unwrap();
                for byte in &mut bytes {
                    *byte ^= 0x55;
                }
                std::fs::write(&path, &bytes).unwrap();
                spoilt.push((path, bytes));
            }
        }
    }
    assert!(!spoilt.is_empty());
    let output = company.command(SYNC).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("store"), "{}", said(&output));
    for (path, bytes) in spoilt {
        assert_eq!(std::fs::read(path).unwrap(), bytes, "left as it is");
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_store() {
    let company = Company::new(1, 3);
    let data = company.folder.path().join("data");
    let held = SledStore::open(&data, "process 7 of eve").unwrap();
    refused(&company.file, SYNC, 1, &["in use by process 7 of eve"]);
    drop(held);
    assert!(company.command(SYNC).output().unwrap().status.code() != Some(1));
}

#[test]
fn every_command_explains_itself() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        let output = command.args(arguments).arg("--help").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        printed(&output)
    };
    let overview = help(&[]);
    for command in [
        "demo",
        "sim",
        "sync",
        "status",
        "queues",
        "conflicts",
        "contact",
        "resolve",
        "backfill",
        "republish",
        "retry",
        "undo",
        "audit",
        "backup",
    ] {
        assert!(overview.contains(command), "{overview}");
        assert!(help(&[command]).contains("Usage: passerelle"), "{command}");
    }
}

#[test]
fn the_report_has_the_keys_of_the_contract() {
    let company = Company::new(1, 3);
    let output = company.command(SYNC).output().unwrap();
    let report = json(&output);
    for key in ["read", "written", "calls"] {
        for side in ["salesforce", "automation"] {
            assert!(report[key][side].is_object(), "{key} {side}");
        }
    }
    for key in ["unchanged", "diverged", "conflicts", "held", "dead"] {
        assert!(report[key].is_u64(), "{key}");
    }
    assert!(report["ignored"].is_object());
    assert!(report["seconds"].is_f64());
    let remains = ["conflicts", "held", "dead"].map(|key| report[key].as_u64().unwrap());
    let status = if remains.iter().sum::<u64>() > 0 {
        3
    } else {
        0
    };
    assert_eq!(output.status.code(), Some(status));
}
