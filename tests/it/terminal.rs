//! The built program at a real pseudo-terminal: what it leaves behind on every way out.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;

/// Longer than any of these takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct AtTerminal {
    child: Child,
    keyboard: File,
    /// Kept open: its settings are what the program must give back.
    terminal: OwnedFd,
    before: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl AtTerminal {
    fn demo() -> Self {
        Self::runs(&["demo", "--people", "20"])
    }

    fn runs(arguments: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_passerelle"))
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("PASSERELLE_LANG")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let mut master = File::from(pty.master.try_clone().unwrap());
        let (report, output) = mpsc::sync_channel(1_024);
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                if report.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard: File::from(pty.master),
            terminal: pty.slave,
            before,
            output,
            seen: Vec::new(),
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads until the program has shown a text.
    #[track_caller]
    fn until(&mut self, text: &str) {
        while !self.said().contains(text) {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(error) => panic!("no “{text}” ({error}) in {}", self.said()),
            }
        }
    }

    fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.terminal).unwrap();
        !now.local_flags.contains(LocalFlags::ICANON)
    }

    /// Waits for the end, and checks that the terminal is as it was.
    #[track_caller]
    fn ends(mut self) -> ExitStatus {
        self.until("\u{1b}[?1049l");
        self.until("\u{1b}[?25h");
        let status = self.child.wait().unwrap();
        let now = tcgetattr(&self.terminal).unwrap();
        assert_eq!(now.local_flags, self.before.local_flags);
        assert_eq!(now.input_flags, self.before.input_flags);
        let said = self.said();
        for (on, off) in [
            ("?1049h", "?1049l"),
            ("?2004h", "?2004l"),
            ("?1000h", "?1000l"),
        ] {
            assert!(said.rfind(on) < said.rfind(off), "{off} follows {on}");
        }
        status
    }
}

#[test]
fn leaving_by_key_and_by_every_signal_gives_the_terminal_back() {
    for signal in [
        None,
        Some(Signal::SIGTERM),
        Some(Signal::SIGINT),
        Some(Signal::SIGHUP),
    ] {
        let mut console = AtTerminal::demo();
        console.until("PRACTICE");
        console.until("1 Over");
        assert!(console.is_raw());
        match signal {
            None => console.keyboard.write_all(b"\x03").unwrap(),
            Some(signal) => kill(Pid::from_raw(console.child.id() as i32), signal).unwrap(),
        }
        let status = console.ends();
        assert_eq!(status.code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_paste_is_no_command_and_keys_are_taken_by_the_real_thing() {
    let mut console = AtTerminal::demo();
    console.until("1 Over");
    console
        .keyboard
        .write_all(b"\x1b[200~q\rq\r\x03\x1b[201~")
        .unwrap();
    console.until("Pasted");
    console.keyboard.write_all(b"?").unwrap();
    console.until("What can be done here");
    console.keyboard.write_all(b"\x03").unwrap();
    assert_eq!(console.ends().code(), Some(0));
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
    console.until("personal data included, into");
    console.until("1 Over");
    console.keyboard.write_all(b"?").unwrap();
    console.until("What can be done here");
    console.keyboard.write_all(b"\x03").unwrap();
    console.until("messages recorded");
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
    player.until("0 of ");
    player.keyboard.write_all(b"\x1b[F").unwrap();
    player.until("What can be done here");
    player.keyboard.write_all(b"q").unwrap();
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
    console.until("name a file that does not exist yet");
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
