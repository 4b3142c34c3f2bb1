//! One terminal attached to one console: keys in, frames out, paced to what the terminal takes. It
//! knows neither the pool nor the store; whoever starts it hands it the wires.

mod asking;
mod attach;
mod backend;
mod driver;
mod guard;
mod lines;
mod pacer;
mod panics;
mod replay;
mod server;
mod stdio;
mod tty;
pub mod wire;

use std::sync::Arc;

use crossterm::event::Event;
use futures_util::future::BoxFuture;
use tokio::sync::{broadcast, mpsc, watch};

use crate::console::{Msg, Query, Ticket};
use crate::domain::command::{Command, Told};
use crate::domain::ids::LinkId;
use crate::domain::operator::{Present, Role, SessionId};
use crate::domain::setup::InForce;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

pub use asking::{Asker, type_secret};
pub use attach::{Over, attach, attach_lines};
pub use driver::{Ended, drive};
pub use guard::{GUARDED, is_guarded, stand_guard};
pub use lines::drive_lines;
pub use panics::{PANICKED, Panics, log_panics};
pub use replay::replay;
pub use server::{CommandLine, Guest, Line, Listener, Peer, Words};
pub use stdio::{stdio, width};
pub use tty::{Mouse, Tty, TtyWires};

/// Keys and the like that wait to be taken in. A person is slower; a paste is one event.
pub const INPUTS_MAX: usize = 64;

/// Questions under way: one for each place on the screens, and a little more.
pub const QUESTIONS_MAX: usize = 16;

/// The clock, as far as a session needs it.
pub trait Time: Send + Sync {
    fn now(&self) -> Timestamp;
    fn sleep(&self, span: Span) -> BoxFuture<'static, ()>;
}

/// What comes from the terminal and its process.
#[derive(Debug)]
pub enum Input {
    Event(Event),
    /// Where lines are typed instead of keys.
    Line(String),
    /// No more lines.
    End,
    /// The process is to stop until it is continued.
    Suspend,
    /// A signal asks the process to end.
    Terminate,
    /// The terminal is gone.
    HungUp,
}

/// Whoever holds the real terminal.
pub trait Host: Send {
    /// Gives the terminal back, stops until continued, takes it again; answers its size.
    fn suspend(&mut self) -> std::io::Result<(u16, u16)>;
}

/// The channels that a session is given.
pub struct Wires {
    pub inputs: mpsc::Receiver<Input>,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub setups: watch::Receiver<Arc<InForce>>,
    /// Whose answers are for this console.
    pub session: SessionId,
    pub facts: broadcast::Receiver<Told>,
    /// Who has a console open.
    pub present: watch::Receiver<Arc<Vec<Present>>>,
    pub questions: mpsc::Sender<(Ticket, Query)>,
    pub answers: mpsc::Receiver<Msg>,
    /// An operator's wish and its reason.
    pub commands: Box<dyn FnMut(String, Command) -> Sent + Send>,
    /// Told which contact is open here.
    pub looks: Box<dyn FnMut(Option<LinkId>) + Send>,
    /// Told of every message before the console takes it in.
    pub heard: Box<dyn FnMut(&Msg) + Send>,
    pub frames: mpsc::Sender<Vec<u8>>,
    /// One for each frame, once the terminal has taken it.
    pub taken: mpsc::Receiver<std::io::Result<()>>,
    pub time: Arc<dyn Time>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Yes,
    /// Too many wait already.
    Full,
    /// Nobody takes them any more.
    Closed,
    /// Whoever asks may not; this role may.
    Denied(Role),
}

#[cfg(test)]
mod tests;
