//! The terminal of this process: taken at the start, given back on every way out that can be
//! caught. SIGKILL, an abort and a stack overflow cannot be: see `guard.rs`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    EventStream,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{QueueableCommand as _, cursor};
use futures_util::StreamExt as _;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal as listen};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Host, INPUTS_MAX, Input};

/// A terminal that takes nothing for so long is left as it is: the process must end.
const RESTORE_PATIENCE: Duration = Duration::from_secs(1);

/// Whether the mouse is ours; if not, the terminal's own selection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    Ours,
    Terminals,
}

/// The terminal, taken. Dropping this gives it back.
pub struct Tty {
    out: File,
    mouse: Mouse,
    state: State,
    /// Reads the keyboard until the end.
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Taken,
    GivenBack,
}

impl Tty {
    /// Raw mode, the other screen, pastes in brackets, the mouse.
    pub fn take(mouse: Mouse) -> io::Result<Self> {
        // A descriptor of our own: the lock of the standard output may be held by a stuck writer.
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let mut tty = Self {
            out,
            mouse,
            state: State::GivenBack,
            listener: None,
        };
        tty.enter()?;
        Ok(tty)
    }

    pub fn size() -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.state = State::Taken;
        let mut bytes = Vec::new();
        bytes
            .queue(EnterAlternateScreen)?
            .queue(EnableBracketedPaste)?
            .queue(cursor::Hide)?;
        if self.mouse == Mouse::Ours {
            bytes.queue(EnableMouseCapture)?;
        }
        self.out.write_all(&bytes)
    }

    /// Gives the terminal back. Once is enough; a second call does nothing.
    pub fn give_back(&mut self) {
        if self.state == State::GivenBack {
            return;
        }
        self.state = State::GivenBack;
        // Nothing is left to try with a terminal that refuses this.
        let _ = disable_raw_mode();
        let mut bytes = Vec::new();
        let queued = bytes
            .queue(DisableMouseCapture)
            .and_then(|bytes| bytes.queue(DisableBracketedPaste))
            .and_then(|bytes| bytes.queue(LeaveAlternateScreen))
            .and_then(|bytes| bytes.queue(cursor::Show));
        let Ok(out) = self.out.try_clone() else {
            return;
        };
        if queued.is_err() {
            return;
        }
        write_patiently(out, bytes);
    }

    /// Gives the terminal back, its keyboard too: whoever asks something on it next is answered.
    pub async fn end(mut self) {
        self.give_back();
        if let Some(listener) = self.listener.take() {
            listener.abort();
            // Aborted, or at its own end.
            let _ = listener.await;
        }
    }

    /// The task that hands on keys and signals, and the thread that writes frames.
    pub fn wires(&mut self) -> io::Result<TtyWires> {
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        self.listener = Some(tokio::spawn(listen_to(inputs)?));
        // One frame at a time, by the pacer's rule.
        let (frames, mut waiting) = mpsc::channel::<Vec<u8>>(1);
        let (report, taken) = mpsc::channel(1);
        let mut out = self.out.try_clone()?;
        thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || {
                while let Some(frame) = waiting.blocking_recv() {
                    let written = out.write_all(&frame);
                    if report.blocking_send(written).is_err() {
                        return;
                    }
                }
            })?;
        Ok(TtyWires {
            inputs: inbox,
            frames,
            taken,
        })
    }
}

/// A terminal that was stopped blocks whoever writes to it.
pub(super) fn write_patiently(mut out: File, bytes: Vec<u8>) {
    let (done, written) = blocking::sync_channel(1);
    thread::spawn(move || {
        // The line may be dead; then there is nothing to restore.
        let _ = out.write_all(&bytes);
        let _ = done.send(());
    });
    let _ = written.recv_timeout(RESTORE_PATIENCE);
}

/// The terminal's ends of a session's wires.
pub struct TtyWires {
    pub inputs: mpsc::Receiver<Input>,
    pub frames: mpsc::Sender<Vec<u8>>,
    pub taken: mpsc::Receiver<io::Result<()>>,
}

fn listen_to(inputs: mpsc::Sender<Input>) -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut stop = listen(SignalKind::from_raw(Signal::SIGTSTP as i32))?;
    let mut events = EventStream::new();
    Ok(async move {
        loop {
            let input = tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => Input::Event(event),
                    Some(Err(_)) | None => Input::HungUp,
                },
                _ = terminate.recv() => Input::Terminate,
                _ = interrupt.recv() => Input::Terminate,
                _ = hang_up.recv() => Input::HungUp,
                _ = stop.recv() => Input::Suspend,
            };
            let is_last = matches!(input, Input::HungUp);
            if inputs.send(input).await.is_err() || is_last {
                return;
            }
        }
    })
}

impl Host for Tty {
    fn suspend(&mut self) -> io::Result<(u16, u16)> {
        self.give_back();
        signal::kill(Pid::this(), Signal::SIGSTOP)?;
        // Continued.
        self.enter()?;
        Self::size()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.give_back();
    }
}
