//! The loop of a session that is read line by line: a line is taken in once the one before it has been
//! answered and its answer has been taken. What happens by itself is said as it comes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;

use super::driver::{bounded, configured, perform};
use super::{Ended, INPUTS_MAX, Input, Wires};
use crate::console::{Model, Msg};
use crate::domain::command::Told;
use crate::domain::time::Span;

/// How often the model is told the time while it waits for an answer.
const TICK: Span = Span::seconds(1);

/// Says that a line may be typed, where somebody types it.
const PROMPT: &[u8] = b"> ";

/// Runs the console until the lines end, the operator leaves, or nobody takes what it says.
pub async fn drive_lines(model: &mut Model, wires: &mut Wires, width: Option<u16>) -> Ended {
    let width = width.map(|width| bounded((width, 1)).0);
    model.speak_lines(width);
    let mut lines = Lines {
        prompt: if width.is_some() {
            Prompt::Due
        } else {
            Prompt::Never
        },
        model,
        wires,
        waiting: VecDeque::new(),
        line: Line::Free,
        input: Source::Open,
        sync: Source::Open,
        leaving: None,
    };
    lines.run().await
}

struct Lines<'a> {
    model: &'a mut Model,
    wires: &'a mut Wires,
    /// Typed ahead.
    waiting: VecDeque<String>,
    line: Line,
    prompt: Prompt,
    input: Source,
    sync: Source,
    /// Once what is left to say has been said.
    leaving: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Free,
    /// What was said last is not taken yet.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Never,
    Due,
    /// It is the last thing on the terminal.
    Shown,
}

/// A closed channel is always ready, and must not be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    Closed,
}

enum Woke {
    Input(Option<Input>),
    Taken(Option<io::Result<()>>),
    Message(Msg),
    Told(Result<Told, RecvError>),
    SnapshotsClosed,
    Tick,
}

impl Lines<'_> {
    async fn run(&mut self) -> Ended {
        self.newest();
        let present = Arc::clone(&self.wires.present.borrow_and_update());
        self.feed(Msg::Present(present));
        loop {
            self.speak();
            if self.line == Line::Free {
                if let Some(ended) = self.leaving.take() {
                    return ended;
                }
                if self.model.takes_line() {
                    if let Some(line) = self.waiting.pop_front() {
                        self.newest();
                        self.feed(Msg::Typed(line));
                        continue;
                    }
                    if self.input == Source::Closed {
                        return Ended::Lines(self.model.outcome());
                    }
                }
            }
            let woke = self.wake().await;
            let now = self.wires.time.now();
            self.feed(Msg::Now(now));
            if let Some(ended) = self.take(woke) {
                return ended;
            }
        }
    }

    /// Hands on what there is to say, if the last of it was taken.
    fn speak(&mut self) {
        if self.line == Line::Busy {
            return;
        }
        let said = self.model.take_lines();
        let mut bytes = Vec::new();
        if !said.is_empty() {
            if self.prompt == Prompt::Shown {
                bytes.push(b'\n');
                self.prompt = Prompt::Due;
            }
            for line in said {
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(b'\n');
            }
        }
        let is_open = self.input == Source::Open && self.leaving.is_none();
        let is_idle = self.waiting.is_empty() && self.model.takes_line();
        if self.prompt == Prompt::Due && is_open && is_idle {
            bytes.extend_from_slice(PROMPT);
            self.prompt = Prompt::Shown;
        }
        if !bytes.is_empty() {
            // There is room: the last piece was taken. A closed channel shows as a dead line.
            let _ = self.wires.frames.try_send(bytes);
            self.line = Line::Busy;
        }
    }

    async fn wake(&mut self) -> Woke {
        let wants_time = self.model.wants_time();
        let time = Arc::clone(&self.wires.time);
        let sleep = async move {
            if wants_time {
                time.sleep(TICK).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let takes_more = self.input == Source::Open && self.waiting.len() < INPUTS_MAX;
        let is_synced = self.sync == Source::Open;
        tokio::select! {
            // Whether there still is anybody comes before what they said.
            biased;
            taken = self.wires.taken.recv() => Woke::Taken(taken),
            Some(answer) = self.wires.answers.recv() => Woke::Message(answer),
            told = self.wires.facts.recv(), if is_synced => Woke::Told(told),
            Ok(()) = self.wires.setups.changed() => Woke::Message(configured(self.wires)),
            changed = self.wires.snapshots.changed(), if is_synced => match changed {
                Ok(()) => Woke::Message(Msg::Snapshot(self.wires.snapshots.borrow_and_update().clone())),
                Err(_) => Woke::SnapshotsClosed,
            },
            Ok(()) = self.wires.present.changed() => {
                Woke::Message(Msg::Present(Arc::clone(&self.wires.present.borrow_and_update())))
            }
            input = self.wires.inputs.recv(), if takes_more => Woke::Input(input),
            () = sleep => Woke::Tick,
        }
    }

    fn take(&mut self, woke: Woke) -> Option<Ended> {
        match woke {
            Woke::Taken(Some(Ok(()))) => self.line = Line::Free,
            Woke::Taken(Some(Err(_)) | None) | Woke::Input(Some(Input::HungUp)) => {
                return Some(Ended::HungUp);
            }
            Woke::Input(Some(Input::Terminate)) => return Some(Ended::Terminated),
            Woke::Input(Some(Input::Line(line))) => {
                if self.prompt == Prompt::Shown {
                    self.prompt = Prompt::Due;
                }
                self.waiting.push_back(line);
            }
            Woke::Input(Some(Input::End) | None) => self.input = Source::Closed,
            Woke::Input(Some(Input::Event(crossterm::event::Event::Resize(width, height)))) => {
                let (width, height) = bounded((width, height));
                self.feed(Msg::Resized(width, height));
            }
            // A terminal that is read by lines suspends by itself.
            Woke::Input(Some(Input::Event(_) | Input::Suspend)) | Woke::Tick => {}
            Woke::Message(msg) => self.feed(msg),
            Woke::Told(Ok(told)) => {
                if told.is_for(self.wires.session) {
                    // The state that the fact speaks of was published before it.
                    self.newest();
                    self.feed(Msg::Told(told.fact));
                }
            }
            Woke::Told(Err(RecvError::Lagged(missed))) => self.feed(Msg::Missed(missed)),
            Woke::Told(Err(RecvError::Closed)) | Woke::SnapshotsClosed => {
                self.sync = Source::Closed;
                self.feed(Msg::Ended);
            }
        }
        None
    }

    /// How the sync stands now.
    fn newest(&mut self) {
        let snapshot = self.wires.snapshots.borrow_and_update().clone();
        self.feed(Msg::Snapshot(snapshot));
    }

    fn feed(&mut self, msg: Msg) {
        if perform(self.model, self.wires, msg).has_left {
            self.leaving = Some(Ended::Lines(self.model.outcome()));
        }
    }
}
