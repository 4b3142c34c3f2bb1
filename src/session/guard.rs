//! A small process that waits for the console and gives the terminal back where the console cannot:
//! after SIGKILL, an abort, a stack that overflowed. It owns nothing, reads nothing and writes nothing
//! before that. The console is its child, in the same group and at the same terminal.
//!
//! Without it everything works but that: if the guard cannot be started there is none, and if it is
//! killed the console ends in order.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::termios::{FlushArg, SetArg, Termios, tcflush, tcgetattr, tcsetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp, getppid, tcgetpgrp};

use super::tty::write_patiently;

/// Says to the console which process is its guard.
pub const GUARDED: &str = "PASSERELLE_GUARDED";

/// This very program, wherever its file is by now.
const OURSELVES: &str = "/proc/self/exe";

/// Handed on to the console. Whoever meant the whole group has told it already: twice is no harm.
const HANDED_ON: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGCONT,
];

/// A console that was told to stop with its whole group has stopped by then. Told a second time it would
/// stop again as soon as it goes on.
const STOPPING: Duration = Duration::from_millis(500);

/// Everything that a console may have switched on, off again: the mouse, pastes in brackets, the other
/// screen, a frame that was begun, colours; and the cursor on.
const RESET: &[u8] =
    b"\x1b[?2026l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\
\x1b[?1049l\x1b[?25h\x1b[0m";

/// For a console: whether that guard is ours. If so, its signals are ours to take, and we end with it.
pub fn is_guarded(by: Option<&String>) -> bool {
    let guard = by.and_then(|guard| guard.parse().ok()).map(Pid::from_raw);
    if guard != Some(getppid()) {
        return false;
    }
    // The guard waits for them and so keeps them back; that was handed down. If it cannot be undone,
    // nobody could end us: then the first write to a dead line does.
    let _ = SigSet::all().thread_unblock();
    // An older kernel's console goes on without its guard.
    let _ = set_pdeathsig(Signal::SIGTERM);
    true
}

/// Starts this program again as the console, and waits for its end; answers its exit status. An error
/// means that there is no guard, and nothing was begun.
pub fn stand_guard() -> io::Result<u8> {
    let found = tcgetattr(io::stdin())?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(OURSELVES);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    command.env(GUARDED, std::process::id().to_string());
    let mut heard = SigSet::empty();
    heard.extend(HANDED_ON);
    heard.extend([Signal::SIGCHLD, Signal::SIGTSTP]);
    let mut blocked = heard;
    // The terminal's settings are put back from the background, too, if it is ours.
    blocked.add(Signal::SIGTTOU);
    blocked.thread_block()?;
    let started = listen(heard).and_then(|signals| Ok((signals, command.spawn()?)));
    let (signals, child) = match started {
        Ok(started) => started,
        Err(error) => {
            blocked.thread_unblock()?;
            return Err(error);
        }
    };
    let console = Pid::from_raw(child.id() as i32);
    Ok(wait(console, &signals, &found))
}

/// A thread of its own waits for signals, so that waiting for them can end by itself.
fn listen(heard: SigSet) -> io::Result<mpsc::Receiver<Signal>> {
    let (tell, signals) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("guard".to_owned())
        .spawn(move || {
            while let Ok(signal) = heard.wait() {
                if tell.send(signal).is_err() {
                    return;
                }
            }
        })?;
    Ok(signals)
}

fn wait(console: Pid, signals: &mpsc::Receiver<Signal>, found: &Termios) -> u8 {
    loop {
        // Whether it still is there is told by the next look.
        match signals.recv() {
            Ok(Signal::SIGCHLD) | Err(_) => {}
            Ok(Signal::SIGTSTP) => match signals.recv_timeout(STOPPING) {
                Ok(Signal::SIGCHLD) => {}
                Ok(other) => {
                    let _ = kill(console, Signal::SIGTSTP);
                    let _ = kill(console, other);
                }
                Err(_) => drop(kill(console, Signal::SIGTSTP)),
            },
            Ok(signal) => drop(kill(console, signal)),
        }
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
        match waitpid(console, Some(flags)) {
            Ok(WaitStatus::Exited(_, status)) => return status as u8,
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                give_back(found, signal);
                return 128 + signal as u8;
            }
            Ok(WaitStatus::Stopped(..)) => {
                // The job is stopped if we are, too; and goes on if we do.
                let _ = kill(Pid::this(), Signal::SIGSTOP);
                let _ = kill(console, Signal::SIGCONT);
            }
            Ok(_) => {}
            // Somebody else waited for it: how it ended nobody knows.
            Err(_) => return 1,
        }
    }
}

/// A console that was killed while the terminal was its own leaves it as no shell can use it.
fn give_back(found: &Termios, signal: Signal) {
    let stdin = io::stdin();
    let Ok(now) = tcgetattr(&stdin) else {
        // The line is gone, too.
        return;
    };
    let is_taken = now.local_flags != found.local_flags || now.input_flags != found.input_flags;
    // Where nobody controls jobs it is ours.
    let is_ours = tcgetpgrp(&stdin).map_or(true, |group| group == getpgrp());
    if !is_taken || !is_ours {
        return;
    }
    // Nothing is left to try with a terminal that refuses this.
    let _ = tcsetattr(&stdin, SetArg::TCSANOW, found);
    let _ = tcflush(&stdin, FlushArg::TCIFLUSH);
    let Ok(out) = io::stdout().as_fd().try_clone_to_owned() else {
        return;
    };
    let mut bytes = RESET.to_vec();
    // Cannot fail: into memory.
    let _ = writeln!(
        bytes,
        "passerelle: the console was ended by {signal}; the terminal is as it was before. What was under \
         way is looked at by the next start."
    );
    write_patiently(File::from(out), bytes);
}
