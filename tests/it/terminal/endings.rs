//! The ways out that nothing in the process can catch, and faults in the middle of it: what a person's
//! terminal is like afterwards. The built program breaks on demand, see `src/pool/breaking.rs`.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::stage::AtTerminal;
use crate::cli::Company;

/// The console behind a guard: its only child.
fn console_of(guard: &AtTerminal) -> Option<Pid> {
    let id = guard.child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let first = children.split_whitespace().next()?;
    first.parse().ok().map(Pid::from_raw)
}

fn practice() -> AtTerminal {
    let mut console = AtTerminal::demo(20);
    console.sees("PRACTICE").sees("Backlog");
    assert!(console.is_raw());
    console
}

#[test]
fn a_console_that_is_killed_leaves_the_terminal_as_it_was() {
    for signal in [Signal::SIGKILL, Signal::SIGABRT] {
        let mut console = practice();
        kill(console_of(&console).expect("a console"), signal).unwrap();
        console.hears(&format!("the console was ended by {signal}"));
        assert_eq!(console.ends().code(), Some(128 + signal as i32));
    }
}

#[test]
fn an_abort_and_a_stack_that_overflows_leave_it_as_it_was() {
    for what in ["abort", "overflow"] {
        let mut console = AtTerminal::breaks(&["demo", "--people", "20"], what);
        console.sees("Backlog").type_keys("3");
        console.hears("the console was ended by SIGABRT");
        assert_eq!(console.ends().code(), Some(134), "{what}");
    }
}

#[test]
fn a_guard_that_is_killed_takes_its_console_along_in_order() {
    let console = practice();
    let child = console_of(&console).expect("a console");
    console.signal(Signal::SIGKILL);
    let status = console.ends();
    assert_eq!(status.code(), None, "{status}");
    // Somebody else's child by now: gone as soon as it ended.
    let path = format!("/proc/{child}/stat");
    let is_over = || fs::read_to_string(&path).map_or(true, |stat| stat.contains(") Z "));
    let mut looks = 0;
    while !is_over() {
        looks += 1;
        assert!(looks < 1_000_000, "the console goes on");
        std::thread::yield_now();
    }
}

#[test]
fn both_told_to_stop_stop_once_and_go_on_together() {
    let mut console = practice();
    let (guard, child) = (
        Pid::from_raw(console.child.id() as i32),
        console_of(&console).expect("a console"),
    );
    // As `kill -TSTP %1` tells the whole job.
    for process in [guard, child] {
        kill(process, Signal::SIGTSTP).unwrap();
    }
    console.hears("\u{1b}[?1049l");
    let stopped = waitpid(guard, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    assert!(!console.is_raw());
    for process in [guard, child] {
        kill(process, Signal::SIGCONT).unwrap();
    }
    console.type_keys("3");
    console.sees("Conflicts:");
    assert!(console.is_raw());
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn without_a_guard_there_is_one_process() {
    let mut console = AtTerminal::unguarded(&["demo", "--people", "20"]);
    console.sees("Backlog");
    assert_eq!(console_of(&console), None);
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_panic_of_the_console_is_told_afterwards_and_logged() {
    let company = Company::new(1, 3);
    let file = company.file.to_str().unwrap();
    let mut console = AtTerminal::breaks(&["--config", file], "view");
    console.sees("Backlog").type_keys("3");
    console.hears("broken on demand");
    let said = console.said();
    let restored = said.rfind("\u{1b}[?1049l").expect("the screen given back");
    assert!(said.find("broken on demand") > Some(restored), "{said}");
    assert_eq!(console.ends().code(), Some(1));
    let log = logged(&company);
    assert!(log.contains("a thread panicked"), "{log}");
}

/// A panic anywhere else is that request's failure, or the sync's end; the screen is nobody else's.
#[test]
fn a_panic_in_the_pool_is_said_on_the_screen_and_paints_nothing_over_it() {
    for (what, says) in [("worker", "PANIC"), ("owner", "The sync has stopped")] {
        let company = Company::new(1, 3);
        let file = company.file.to_str().unwrap();
        let mut console = AtTerminal::breaks(&["--config", file], what);
        console.sees("Backlog").type_keys("S");
        console.sees("Cancel").type_keys("to see it break\r");
        console.sees("> Confirm <").type_keys("\r");
        console.sees(says);
        assert!(console.is_raw());
        assert!(!console.said().contains("panicked at"), "{what}");
        // By a key, work that is left would be offered to go on.
        console.signal(Signal::SIGTERM);
        console.hears("broken on demand");
        let status = console.ends().code();
        assert_eq!(status, Some(i32::from(what == "owner")), "{what}");
        let log = logged(&company);
        assert!(log.contains("a thread panicked"), "{log}");
    }
}

fn logged(company: &Company) -> String {
    let folder = company.file.with_file_name("data").join("log");
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}
