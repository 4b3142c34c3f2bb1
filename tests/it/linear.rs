//! The console as plain lines: the built program with pipes, by lines alone.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sessions::House;
use crate::terminal::stage::AtTerminal;

/// The program, spoken to in lines.
pub(crate) struct Spoken {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    said: String,
}

impl Spoken {
    fn demo(more: &[&str]) -> Self {
        let arguments = [&["demo", "--people", "60", "--linear"], more].concat();
        Self::of(program().args(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            said: String::new(),
        }
    }

    fn types(&mut self, line: &str) {
        let to = self.to.as_mut().expect("the input is open");
        writeln!(to, "{line}").unwrap();
    }

    /// Types a line and reads until a line with this is said; answers what was said until then.
    #[track_caller]
    fn asks(&mut self, line: &str, wanted: &str) -> String {
        self.types(line);
        self.hears(wanted)
    }

    #[track_caller]
    fn hears(&mut self, wanted: &str) -> String {
        let begin = self.said.len();
        loop {
            let before = self.said.len();
            let count = self.from.read_line(&mut self.said).unwrap();
            assert_ne!(count, 0, "no “{wanted}” in:\n{}", self.said);
            if self.said[before..].contains(wanted) {
                return self.said[begin..].to_owned();
            }
        }
    }

    /// Ends the input; answers the exit status and everything that was said.
    #[track_caller]
    fn ends(mut self) -> (Option<i32>, String) {
        self.to = None;
        self.from.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        assert!(is_plain(&self.said), "{}", self.said);
        (status.code(), self.said)
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command
        .env("LANG", "en_US.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("PASSERELLE_LANG");
    command
}

/// No byte that could steer a terminal.
fn is_plain(said: &str) -> bool {
    said.chars().all(|c| c == '\n' || !c.is_control())
}

/// The number of the first row that has this.
#[track_caller]
fn row(said: &str, part: &str) -> String {
    let line = said.lines().find(|line| line.contains(part));
    let line = line.unwrap_or_else(|| panic!("no “{part}” in:\n{said}"));
    line.split('.').next().unwrap().to_owned()
}

fn script(command: &mut Command, lines: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn demo_script(lines: &str) -> (Option<i32>, String) {
    let output = script(
        program().args(["demo", "--people", "60", "--linear"]),
        lines,
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(is_plain(&said), "{said}");
    (output.status.code(), said)
}

/// Decides the first conflict about a mobile number, sees it arrive, and takes it back.
#[track_caller]
fn resolve(spoken: &mut Spoken) {
    spoken.types("conflicts");
    spoken.hears("Columns: Whom; What; Since");
    let rows = spoken.hears("Chosen: 1");
    let number = row(&rows, "; MobilePhone ↔ mobile");
    let open = spoken.asks(&format!("open {number}"), "Why: ");
    assert!(
        open.contains("MobilePhone ↔ mobile: not decided yet"),
        "{open}"
    );
    assert!(
        open.contains("\nLast agreed: ") && open.contains("\nSalesforce: "),
        "{open}"
    );
    let chosen = spoken.asks("take-automation", "Will write: Salesforce");
    assert!(
        chosen.contains("MobilePhone ↔ mobile: Automation's value"),
        "{chosen}"
    );
    let dialog = spoken.asks("write", "Reason? ");
    assert!(dialog.contains("It can be undone"), "{dialog}");
    spoken.asks("asked by phone", "Type yes to confirm");
    spoken.asks("yes", "note: Accepted as act");
    spoken.hears("both systems agree");
    spoken.asks("wait", "note: the sync is at rest");
    let undo = spoken.asks("undo", "Reason? ");
    assert!(undo.contains("Reason given: asked by phone"), "{undo}");
    spoken.asks("the wrong person", "Type yes to confirm");
    spoken.asks("yes", "note: Accepted as act");
    spoken.hears("MobilePhone ↔ mobile: not decided yet");
    spoken.asks("audit", "Chosen: 1");
}

#[test]
fn a_conflict_is_resolved_arrives_and_is_taken_back_by_lines_alone() {
    let mut spoken = Spoken::demo(&[]);
    resolve(&mut spoken);
    let (status, said) = spoken.ends();
    assert_eq!(status, Some(0));
    assert!(said.contains("Audit: 2 acts"), "{said}");
}

#[test]
fn the_same_is_done_in_french() {
    let mut command = program();
    command
        .env("PASSERELLE_LANG", "fr")
        .args(["demo", "--people", "60", "--linear"]);
    let lines = "Conflits\nopen 5\ntake-salesforce\nwrite\nappel de madame\noui\nundo\nerreur\noui\nhistorique\n";
    let output = script(&mut command, lines);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "the last word is none");
    for part in [
        "attention : le mot « historique » n'existe pas",
        "Motif ? ",
        "Saisissez oui pour confirmer.",
        "note : Pris en compte",
        "les deux systèmes sont d'accord",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(
        said.matches("pas encore décidé").count(),
        2,
        "before and after: {said}"
    );
}

#[test]
fn republishing_is_counted_confirmed_and_seen_to_its_end() {
    let mut spoken = Spoken::demo(&[]);
    spoken.types("activities");
    let counted = spoken.asks("republish", "Reason? ");
    assert!(
        counted.contains("\nRepublish\n") && counted.contains("stays published"),
        "{counted}"
    );
    spoken.asks("monday's outage", "Type yes to confirm");
    spoken.asks("yes", "Transfer finished");
    let (status, said) = spoken.ends();
    assert_eq!(status, Some(0));
    assert!(said.contains(" 6 refused"), "{said}");
}

#[test]
fn a_backfill_ends_with_what_was_refused_by_cause_and_is_retried() {
    let (status, said) = demo_script(
        "activities\nbackfill 7d\nsupport case 12\nyes\nwait\nrefresh\nopen 1\nopen 1\n6\nretry 1\nagain\nyes\nwait\n",
    );
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("\nBackfill\n") && said.contains("Transfer finished"),
        "{said}"
    );
    assert!(
        said.contains("NOT_LINKED; The person is not in Salesforce yet."),
        "{said}"
    );
    assert_eq!(said.matches("note: Accepted as act").count(), 2, "{said}");
}

#[test]
fn the_status_of_a_script_is_that_of_its_last_act() {
    for (lines, status) in [
        ("", 0),
        ("conflicts\n", 0),
        ("conflicts\nleave\nxyz\n", 0),
        ("xyz\n", 2),
        ("sync-now\n", 1),
        ("sync-now\nbecause\n", 1),
        ("sync-now\nbecause\nno\n", 1),
        ("xyz\nsync-now\nbecause\nyes\nwait\n", 0),
        ("undo\n", 0),
    ] {
        let (ended, said) = demo_script(lines);
        assert_eq!(ended, Some(status), "{lines}: {said}");
    }
}

#[test]
fn hostile_names_and_hostile_lines_stay_plain_on_every_screen() {
    let lines = "contacts\na\nopen 3\nback\nsearch \u{1b}]52;c;eA==\u{7}\u{202e}\n\u{1b}[2J\nflags\n\
                 queues\nactivities\nplugin\ndoctor\naudit\nlang fr\nconflicts\nopen 2\nhelp\nzzz\n";
    let (_, said) = demo_script(lines);
    assert!(said.contains("<U+001B>]52"), "{said}");
    assert!(!said.contains('\u{202e}'));
    assert!(
        said.contains("\nColonnes") && said.contains("n'existe pas"),
        "{said}"
    );
}

#[test]
fn nobody_who_reads_is_no_fault_and_ctrl_c_leaves() {
    let spoken = Spoken::demo(&[]);
    let Spoken {
        mut child,
        to,
        from,
        ..
    } = spoken;
    drop(from);
    let mut to = to.unwrap();
    // It may be gone before it is spoken to.
    let _ = to.write_all(b"conflicts\nqueues\n");
    drop(to);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut spoken = Spoken::demo(&[]);
    spoken.hears("Chosen: 1");
    kill(Pid::from_raw(spoken.child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(spoken.child.wait().unwrap().code(), Some(0));
}

#[test]
fn who_cannot_be_told_afterwards_has_done_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program()
        .args(["demo", "--people", "20", "--linear", "--record"])
        .arg(folder.path().join("tape"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("recording") {
        line.clear();
        assert_ne!(notes.read_line(&mut line).unwrap(), 0);
    }
    drop(notes);
    child.stdin.take().unwrap().write_all(b"queues\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn only_a_console_is_read_by_lines() {
    let output = program().args(["status", "--linear"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("--linear is for the console"), "{told}");
}

#[test]
fn at_a_terminal_lines_keep_to_its_width_and_its_settings() {
    let mut terminal = AtTerminal::owns(&["demo", "--people", "60", "--linear"]);
    terminal.hears("in Salesforce · 0 activities sent");
    terminal.hears("> ");
    assert!(!terminal.is_raw());
    terminal.type_keys("conflicts\n");
    terminal.hears("Columns: Whom; What; Since");
    terminal.type_keys("open 1\n");
    terminal.hears("Why: ");
    assert!(!terminal.bytes().contains(&0x1b), "{}", terminal.said());
    let said = terminal.said();
    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(82), "{said}");
    // The terminal's own key for the end of what is typed.
    terminal.type_keys("\u{4}");
    assert_eq!(terminal.ends().code(), Some(0));
}

#[test]
fn a_serving_process_is_spoken_to_in_the_same_words() {
    let house = House::of(60).in_agreement();
    let attach = |more: &[&str]| {
        let mut command = program();
        command
            .args(["attach", "--linear", "--config"])
            .arg(&house.file);
        command.args(more);
        command
    };
    let mut spoken = Spoken::of(&mut attach(&[]));
    resolve(&mut spoken);
    let mut other = Spoken::of(&mut attach(&["--read-only"]));
    let greeted = other.hears("is here too");
    assert!(greeted.contains("attention: READ ONLY"), "{greeted}");
    spoken.hears(" came");
    other.types("conflicts");
    other.asks("open 1", "Cause: ");
    other.asks("take-base", "attention: Not done");
    let (status, _) = other.ends();
    assert_eq!(status, Some(4), "refused for lack of rights");
    spoken.hears(" left");
    // A conflict that somebody decides meanwhile is not there any more under its number.
    let (status, said) = spoken.ends();
    assert_eq!(status, Some(0));
    assert!(said.ends_with(" left\n"), "{said}");
    let (_, _, field) = house.conflict();
    assert!(!field.is_empty(), "the serving process goes on");
    let mut spoken = Spoken::of(&mut attach(&[]));
    spoken.hears("Chosen: 1");
    house.signal(Signal::SIGTERM);
    let status = spoken.child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "told that the process was stopped");
}
