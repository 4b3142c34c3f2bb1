//! The built program at a real pseudo-terminal: the three tasks by keys alone, what it sends, and what it
//! leaves behind on every way out.

mod bundles;
mod endings;
mod restless;
pub(crate) mod stage;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use stage::AtTerminal;

#[test]
fn leaving_by_key_and_by_every_signal_gives_the_terminal_back() {
    for signal in [
        None,
        Some(Signal::SIGTERM),
        Some(Signal::SIGINT),
        Some(Signal::SIGHUP),
    ] {
        let mut console = AtTerminal::demo(20);
        console.sees("PRACTICE").sees("Backlog");
        assert!(console.is_raw());
        match signal {
            None => console.type_keys("\x03"),
            Some(signal) => console.signal(signal),
        }
        let status = console.ends();
        assert_eq!(status.code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_stop_gives_the_terminal_back_and_a_continue_takes_it_again() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog");
    let id = Pid::from_raw(console.child.id() as i32);
    console.signal(Signal::SIGTSTP);
    console.hears("\u{1b}[?1049l");
    let stopped = waitpid(id, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    assert!(!console.is_raw());
    console.signal(Signal::SIGCONT);
    console.type_keys("3");
    console.sees("Conflicts:");
    assert!(console.is_raw());
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_terminal_that_takes_nothing_keeps_nobody_from_ending() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog");
    console.stalls();
    console.signal(Signal::SIGTERM);
    assert_eq!(console.ends_somehow().code(), Some(0));
}

#[test]
fn a_line_that_breaks_ends_the_program_in_order() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog");
    console.hang_up();
    console.signal(Signal::SIGHUP);
    assert_eq!(console.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_paste_is_no_command_and_keys_are_taken_by_the_real_thing() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog");
    console.type_keys("\x1b[200~q\rq\r\x03\x1b[201~");
    console.sees("Pasted");
    console.type_keys("?");
    console.sees("What can be done here");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

/// Nobody tells the newcomer what to press: every key is on the screen before it is pressed.
#[test]
fn a_newcomer_resolves_a_conflict_sees_it_arrive_and_takes_it_back() {
    let mut console = AtTerminal::demo(100);
    console.sees("things need a person").sees("enter go there");
    console.type_keys("\r");
    console.sees("need a decision").sees("enter open");
    // A field in question, whatever else there is.
    console.type_keys("/");
    console.sees("Show only");
    console.type_keys("phone\r");
    console.sees("/ phone").sees(" ↔ ");
    console.type_keys("\r");
    console.sees("Cause:").sees("a Automation");
    console.type_keys("a");
    console.sees("Automation's value").sees("w see writes");
    console.type_keys("w");
    console.sees("What will be written").sees("[> Cancel <]");
    console.type_keys("asked by phone\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.sees("both systems agree").sees("u undo");
    console.type_keys("u");
    console.sees("Undo a decision").sees("asked by phone");
    console.type_keys("a mistake\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.sees("Cause:");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_newcomer_republishes_and_backfills_and_sees_the_numbers_before_and_after() {
    let mut console = AtTerminal::demo(100);
    console.sees("activities sent").sees("S sync now");
    console.type_keys("6");
    console.sees("B backfill").sees("R republish");
    console.type_keys("R");
    console
        .sees("are sent to Salesforce")
        .sees("published and stays published");
    console.type_keys("as the guide says\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.sees("Transfer finished");
    console.type_keys("B");
    console.sees("7d");
    console.type_keys("\r");
    console.sees("Nothing is missing").sees("are there already");
    console.type_keys("\x1b");
    console.sees("Cancelled; nothing was written");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

/// The people of the practice include those whose names and notes try to steer a terminal.
#[test]
fn nothing_but_our_own_sequences_reaches_the_terminal_whatever_people_are_called() {
    let mut console = AtTerminal::demo(100);
    console.sees("things need a person");
    for (keys, shown) in [
        ("2", "Queues:"),
        ("3", " ago"),
        ("\r", "Cause:"),
        ("9", "Audit"),
        ("5", "agreed"),
        ("\r", "read again"),
        ("6", "Activities:"),
        ("4", "Find"),
        ("exe\r", "↔ contact"),
        ("\r", "Record  "),
        ("/", "Find"),
        ("ici\r", "↔ contact"),
        ("\r", "Record  "),
        ("y", "Copied"),
        ("?", "What can be done here"),
        ("\x1b", "Record  "),
        (":", "by its name"),
    ] {
        console.type_keys(keys);
        console.sees(shown);
    }
    console.type_keys("\x03");
    console.hears("\u{1b}[?1049l");
    let said = String::from_utf8(console.bytes().to_vec()).expect("UTF-8 and nothing else");
    foreign(&said);
    assert_eq!(console.ends().code(), Some(0));
}

/// Every control sequence is one of ours, and no character hides or turns text.
fn foreign(said: &str) {
    let mut rest = said;
    while let Some(at) = rest.find('\u{1b}') {
        rest = &rest[at + 1..];
        if let Some(copied) = rest.strip_prefix("]52;c;") {
            let end = copied.find('\u{7}').expect("it ends");
            let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            assert!(copied[..end].chars().all(is_base64), "{}", &copied[..end]);
            continue;
        }
        let Some(sequence) = rest.strip_prefix('[') else {
            panic!("ESC {}", rest.chars().take(12).collect::<String>());
        };
        let end = sequence
            .find(|c: char| c.is_ascii_alphabetic())
            .expect("it ends");
        let (parameters, last) = (&sequence[..end], &sequence[end..=end]);
        let is_plain = parameters
            .chars()
            .all(|c| c.is_ascii_digit() || ";?:".contains(c));
        assert!(
            is_plain && "HJKmhlABCDGdXu".contains(last),
            "CSI {parameters}{last}"
        );
    }
    let hides = |c: &char| {
        matches!(*c,
            '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}'
            | '\u{e0000}'..='\u{e007f}')
    };
    assert_eq!(said.chars().find(hides), None);
}

#[test]
fn without_a_terminal_the_console_is_refused_with_a_remedy() {
    let output = Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .arg("demo")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the console needs a terminal"), "{said}");
}

#[test]
fn pictures_are_drawn_by_the_program_alone() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .args(["screenshots", "--lang", "fr", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for (name, shown) in [
        ("overview", ">EXERCICE<"),
        ("decide", "pas encore"),
        ("write", "→"),
        ("flags", "Salesforce"),
        ("backfill", "Confirmer"),
        ("audit", "asked by phone"),
    ] {
        let picture = fs::read_to_string(folder.path().join(format!("{name}.svg"))).unwrap();
        assert!(picture.contains(shown), "no “{shown}” in {name}: {picture}");
    }
}

fn replayed(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn what_was_recorded_at_a_terminal_is_replayed_at_one_and_printed_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("console.rec");
    let file = path.to_str().unwrap();
    let mut console = AtTerminal::runs(&["demo", "--people", "20", "--record", file]);
    console.hears("personal data included, into");
    console.sees("Backlog");
    console.type_keys("?");
    console.sees("What can be done here");
    console.type_keys("\x03");
    console.hears("messages recorded");
    assert_eq!(console.ends().code(), Some(0));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let output = replayed(&[file, "--print"]);
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(screen.contains("What can be done here"), "{screen}");
    assert_eq!(screen.lines().count(), 24);
    let output = replayed(&[file, "--print", "--until", "0"]);
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(
        screen.contains("PRACTICE") && !screen.contains("What can"),
        "{screen}"
    );
    let output = replayed(&[file, "--print", "--until", "999999"]);
    assert_eq!(output.status.code(), Some(2));

    let mut player = AtTerminal::runs(&["replay", file]);
    player.sees("0 of ");
    player.type_keys("\x1b[F");
    player.sees("What can be done here");
    player.type_keys("q");
    assert_eq!(player.ends().code(), Some(0));
}

#[test]
fn a_recording_is_never_written_over_a_file_or_through_a_link_and_goes_with_a_console() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("elsewhere");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut console =
        AtTerminal::runs(&["demo", "--people", "20", "--record", link.to_str().unwrap()]);
    console.hears("name a file that does not exist yet");
    assert_eq!(console.child.wait().unwrap().code(), Some(2));
    assert!(!target.exists());

    let output = Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .args(["keys", "--record", link.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    fs::write(&target, "[instance]\n").unwrap();
    let output = replayed(&[target.to_str().unwrap(), "--print"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("line 1: this is not a recording"), "{said}");
}
