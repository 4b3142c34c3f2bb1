//! The built program at a pseudo-terminal, with an emulator that shows what a person would see.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{FlowArg, LocalFlags, Termios, tcflow, tcgetattr};
use nix::unistd::Pid;

/// Longer than any of these takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the program switches on, and off again: alternate screen, pasting, mouse, cursor.
const MODES: [(&str, &str); 4] = [
    ("?1049h", "?1049l"),
    ("?2004h", "?2004l"),
    ("?1000h", "?1000l"),
    ("?25l", "?25h"),
];

/// The size of the screens that everything must work on.
const ROWS: NonZeroU16 = NonZeroU16::new(24).expect("not zero");
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).expect("not zero");

/// A screen that shows the time changes every second, and so is never silent.
const PIECES_MAX: u32 = 400;

pub(crate) struct AtTerminal {
    pub(crate) child: Child,
    keyboard: Option<File>,
    /// Kept open: its settings are what the program must give back.
    terminal: OwnedFd,
    before: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    screen: vt100::Parser,
}

impl AtTerminal {
    /// Practice among so many people, at 80×24.
    pub(crate) fn demo(people: u32) -> Self {
        Self::runs(&["demo", "--people", &people.to_string()])
    }

    pub(crate) fn runs(arguments: &[&str]) -> Self {
        Self::starts(Command::new(env!("CARGO_BIN_EXE_passerelle")).args(arguments))
    }

    /// The same with that fault in it.
    pub(crate) fn breaks(arguments: &[&str], what: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        Self::starts(command.args(arguments).env("PASSERELLE_BREAKS", what))
    }

    /// Nobody gives the terminal back if it cannot do so itself.
    pub(crate) fn unguarded(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        Self::starts(command.args(arguments).env("PASSERELLE_GUARD", "0"))
    }

    /// Of somebody who came over SSH.
    pub(crate) fn attaches_from_afar(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        let line = "192.0.2.7 50000 192.0.2.1 22";
        Self::starts(command.args(arguments).env("SSH_CONNECTION", line))
    }

    /// The same as the terminal's own program, as a shell starts it: it is told when the size changes.
    /// Without colours, so that the chosen line is the one in reverse.
    pub(crate) fn owns(arguments: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_passerelle");
        let mut command = Command::new("setsid");
        command.args(["--ctty", program]).args(arguments);
        Self::starts(command.env("NO_COLOR", "1"))
    }

    fn starts(command: &mut Command) -> Self {
        let size = Winsize {
            ws_row: ROWS.get(),
            ws_col: COLUMNS.get(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command
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
            keyboard: Some(File::from(pty.master)),
            terminal: pty.slave,
            before,
            output,
            seen: Vec::new(),
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
        }
    }

    /// Every byte so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.seen
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("the line is there");
        keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// The line breaks.
    pub(crate) fn hang_up(&mut self) {
        self.keyboard = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// As ctrl-s does: the terminal takes nothing any more.
    pub(crate) fn stalls(&self) {
        tcflow(&self.terminal, FlowArg::TCOOFF).unwrap();
    }

    /// Waits for the end, whatever the terminal is like by then.
    #[track_caller]
    pub(crate) fn ends_somehow(mut self) -> ExitStatus {
        let (report, ended) = mpsc::sync_channel(1);
        thread::spawn(move || report.send(self.child.wait().unwrap()));
        ended.recv_timeout(PATIENCE).expect("an end")
    }

    /// What a person sees now.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// The window has another size, and the emulator with it.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let size = ["cols", &columns.to_string(), "rows", &rows.to_string()].map(str::to_owned);
        let told = Command::new("stty")
            .args(size)
            .stdin(Stdio::from(self.terminal.try_clone().unwrap()))
            .status();
        assert!(told.unwrap().success());
        let size = NonZeroU16::new(rows).zip(NonZeroU16::new(columns));
        let (rows, columns) = size.expect("not zero");
        self.screen.screen_mut().set_size(rows, columns);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let (_, columns) = self.screen.screen().size();
        let lines = self.screen.screen().rows(0, columns.get());
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    /// The line that the next key acts on.
    pub(crate) fn chosen(&self) -> Option<String> {
        let screen = self.screen.screen();
        let is_reverse = |row: usize| {
            let cell = screen.cell(row as u16, 1);
            row > 2 && cell.is_some_and(vt100::Cell::inverse)
        };
        let mut lines = self.lines().into_iter().enumerate();
        lines
            .find(|(row, _)| is_reverse(*row))
            .map(|(_, line)| line)
    }

    /// Reads until the screen is as it is wanted.
    #[track_caller]
    pub(crate) fn shows(&mut self, what: &str, is_it: impl Fn(&Self) -> bool) -> &mut Self {
        for _ in 0..PIECES_MAX {
            if is_it(self) {
                return self;
            }
            self.read_more(what);
        }
        panic!("not {what}:\n{}", self.screen());
    }

    #[track_caller]
    fn read_more(&mut self, what: &str) {
        match self.output.recv_timeout(PATIENCE) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.seen.extend(bytes);
            }
            Err(error) => panic!("no “{what}” ({error}) on\n{}", self.screen()),
        }
    }

    /// Reads until the screen shows a text. A screen that goes on changing is no answer.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        for _ in 0..PIECES_MAX {
            if self.screen().contains(text) {
                return self;
            }
            self.read_more(text);
        }
        panic!("no “{text}” on\n{}", self.screen());
    }

    /// Reads until the screen does not show a text any more.
    #[track_caller]
    pub(crate) fn loses(&mut self, text: &str) -> &mut Self {
        for _ in 0..PIECES_MAX {
            if !self.screen().contains(text) {
                return self;
            }
            self.read_more(text);
        }
        panic!("still “{text}” on\n{}", self.screen());
    }

    /// Reads until the program has sent these bytes.
    #[track_caller]
    pub(crate) fn hears(&mut self, text: &str) {
        for _ in 0..PIECES_MAX {
            if self.said().contains(text) {
                return;
            }
            self.read_more(text);
        }
        panic!("no “{text}” in {}", self.said());
    }

    pub(crate) fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.terminal).unwrap();
        !now.local_flags.contains(LocalFlags::ICANON)
    }

    /// Waits for the end, and checks that the terminal is as it was.
    #[track_caller]
    pub(crate) fn ends(mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        for (on, off) in MODES {
            while self.said().rfind(on) > self.said().rfind(off) {
                self.read_more(off);
            }
        }
        let now = tcgetattr(&self.terminal).unwrap();
        assert_eq!(now.local_flags, self.before.local_flags);
        assert_eq!(now.input_flags, self.before.input_flags);
        status
    }
}
