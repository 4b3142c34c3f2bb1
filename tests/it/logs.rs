//! The log of the built program: what is in it, what never is, who may read it, and its level.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use passerelle::sim::salesforce::schema::{ACCOUNT, CONTACT, LEAD, USER};
use passerelle::sim::world::{
    AUTOMATION_KEY, AUTOMATION_SECRET, SALESFORCE_KEY, SALESFORCE_SECRET,
};
use serde_json::Value as Json;

use crate::cli::Company;
use crate::world::private;

/// Enough for every situation that the practice company knows.
const PEOPLE: u32 = 50;

const SYNC: &[&str] = &["sync", "--until-idle", "--json"];

/// What an operator typed.
pub(crate) const REASON: &str = "asked by phone by madame Canariola";

/// Everything that must not be found: who the company knows, and what opens its systems.
pub(crate) fn canaries(company: &Company) -> BTreeSet<String> {
    const FIELDS: [&str; 7] = [
        "LastName",
        "Email",
        "Phone",
        "MobilePhone",
        "Company",
        "Username",
        "Title",
    ];
    let mut found: BTreeSet<String> = company.serving.site.with_brain(|brain| {
        let people = [LEAD, CONTACT, USER];
        let ids = people.map(|object| brain.records(object).map(|(id, _)| id));
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        let accounts = brain.records(ACCOUNT).map(|(id, _)| (id, "Name"));
        let fields = ids.iter().flat_map(|id| FIELDS.map(|field| (*id, field)));
        let all = fields.chain(accounts);
        all.filter_map(|(id, field)| brain.value(id, field).as_text().map(str::to_owned))
            .collect()
    });
    // “Dr” and such are in other words too.
    found.retain(|text| text.chars().count() > 4);
    assert!(found.len() > 100, "{found:?}");
    assert!(found.iter().any(|text| text.contains('@')));
    let secrets = [
        SALESFORCE_KEY,
        SALESFORCE_SECRET,
        AUTOMATION_KEY,
        AUTOMATION_SECRET,
        REASON,
        "Canariola",
        "Bearer",
        "access_token",
    ];
    found.extend(secrets.map(str::to_owned));
    found
}

#[track_caller]
pub(crate) fn holds_none(canaries: &BTreeSet<String>, text: &str) {
    for canary in canaries {
        let at = text.find(canary.as_str());
        let around = at.map(|at| text[at.saturating_sub(80)..].chars().take(200));
        let around: Option<String> = around.map(Iterator::collect);
        assert!(around.is_none(), "“{canary}” is in it: {around:?}");
    }
}

fn data(company: &Company) -> PathBuf {
    company.file.parent().unwrap().join("data")
}

/// All that was logged, as it is in the files.
fn logged(company: &Company) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(data(company).join("log")).unwrap() {
        text.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    text
}

pub(crate) fn lines(company: &Company) -> Vec<Json> {
    let text = logged(company);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn find<'a>(lines: &'a [Json], what: &str) -> &'a Json {
    let found = lines.iter().find(|line| line["what"] == what);
    found.unwrap_or_else(|| panic!("“{what}” is not in {lines:#?}"))
}

#[test]
fn the_most_detailed_log_of_a_sync_names_nobody_and_no_secret() {
    let company = Company::new(1, PEOPLE);
    let backfill = &["backfill", "--last", "7d", "--reason", REASON, "--json"][..];
    for arguments in [SYNC, backfill] {
        let mut command = company.command(arguments);
        command.env("PASSERELLE_LOG_LEVEL", "trace");
        let output = command.output().unwrap();
        assert_ne!(output.status.code(), Some(1), "{}", said(&output));
    }
    holds_none(&canaries(&company), &logged(&company));

    let lines = lines(&company);
    assert_eq!(lines[0]["what"], "process started");
    assert_eq!(lines[0]["purpose"], "sync");
    assert_eq!(lines[0]["version"], env!("CARGO_PKG_VERSION"));
    find(&lines, "cycle started");
    assert!(find(&lines, "cycle ended")["salesforce_read"].as_u64() > Some(0));
    assert_eq!(find(&lines, "a request was answered")["asked"], "Changes");
    assert_eq!(find(&lines, "command accepted")["act"], "backfill");
    assert!(find(&lines, "plan finished")["examined"].is_u64());
    assert_eq!(lines.last().unwrap()["what"], "process stopped");

    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data(&company).join("log")), 0o700);
    assert_eq!(mode(data(&company).join("log/passerelle.jsonl")), 0o600);
}

#[test]
fn a_side_that_lets_nobody_in_is_logged_by_its_code_and_nothing_on_the_terminal() {
    let company = Company::new(1, 3);
    let secret = company.file.parent().unwrap().join("automation.secret");
    private(&secret, "wrong-and-secret");
    let output = company.command(SYNC).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !said(&output).contains("process started"),
        "{}",
        said(&output)
    );
    let lines = lines(&company);
    let failed = find(&lines, "a side could not be reached");
    assert_eq!(
        (&failed["side"], &failed["kind"]),
        (&"Automation".into(), &"unauthorised".into())
    );
    assert!(!logged(&company).contains("wrong-and-secret"));
}

/// A process that serves the company, until it is dropped.
pub(crate) struct Served(Child);

impl Served {
    pub(crate) fn begin(company: &Company) -> Self {
        let mut command = company.command(&["serve"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut notes = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert!(notes.read_line(&mut line).unwrap() > 0, "it ended");
        }
        // Whatever it says later is read, so that it does not wait for us.
        std::thread::spawn(move || notes.lines().count());
        Self(child)
    }

    pub(crate) fn stop(mut self) {
        kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM).unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn printed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_level_of_the_serving_process_is_changed_while_it_runs() {
    let company = Company::new(1, 3);
    let nobody = company
        .command(&["log", "level", "debug"])
        .output()
        .unwrap();
    assert_ne!(nobody.status.code(), Some(0));
    assert!(
        said(&nobody).contains("no process serves"),
        "{}",
        said(&nobody)
    );

    let served = Served::begin(&company);
    assert!(printed(company.command(&["log", "level"])).contains("level info"));
    assert!(printed(company.command(&["log", "level", "debug"])).contains("level debug"));
    let loud = company.command(&["log", "level", "loud"]).output().unwrap();
    assert_eq!(loud.status.code(), Some(2), "{}", said(&loud));
    let synced = company.command(&["sync", "--until-idle"]).output().unwrap();
    assert_ne!(synced.status.code(), Some(1), "{}", said(&synced));
    let shown = printed(company.command(&["log", "show", "--lines", "500"]));
    for what in [
        "process started",
        "purpose=serve",
        "now=debug",
        "a command came in  ",
        "cycle ended",
    ] {
        assert!(shown.contains(what), "“{what}” is not in: {shown}");
    }
    served.stop();
    assert_eq!(lines(&company).last().unwrap()["what"], "process stopped");
    // The files are read without any process.
    let last = printed(company.command(&["log", "show", "--lines", "1", "--json"]));
    let last: Json = serde_json::from_str(&last).unwrap();
    assert_eq!(last["lines"][0]["what"], "process stopped");
}

#[test]
fn many_cycles_in_a_row_are_one_line_that_counts_them() {
    let company = Company::new(1, 3);
    let synced = company.command(&["sync", "--until-idle"]).output().unwrap();
    assert_ne!(synced.status.code(), Some(1), "{}", said(&synced));
    let before = lines(&company).len();
    let served = Served::begin(&company);
    for _ in 0..6 {
        let synced = company
            .command(&["sync", "--once", "all"])
            .output()
            .unwrap();
        assert_ne!(synced.status.code(), Some(1), "{}", said(&synced));
    }
    served.stop();
    let lines = lines(&company).split_off(before);
    let told = lines.iter().filter(|line| line["what"] == "cycle ended");
    let counts: Vec<u64> = told.map(|line| line["cycles"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 6, "{counts:?}");
    // More than one, if the machine was busy for a minute.
    assert!(counts.len() < 6, "{counts:?}");
}

#[test]
fn who_only_looks_neither_changes_the_level_nor_reads_the_log() {
    let company = Company::new(1, 3);
    let ourselves = nix::unistd::User::from_uid(nix::unistd::getuid());
    let name = ourselves.unwrap().unwrap().name;
    let text = fs::read_to_string(&company.file).unwrap();
    let text = format!("{text}\n[operators]\nviewer = [\"{name}\"]\n");
    private(&company.file, &text);
    let served = Served::begin(&company);
    for arguments in [&["log", "level", "debug"][..], &["log", "show"]] {
        let output = company.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    }
    served.stop();
}
