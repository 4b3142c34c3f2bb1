//! The loop of a session: take in what happened, all of it, then draw once. Idle, it sleeps.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use crossterm::event::Event;
use ratatui::backend::Backend as _;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::backend::Memory;
use super::pacer::{Next, Pacer};
use super::{Host, Input, Sent, Wires};
use crate::console::{Effect, Model, Msg, Outcome, update, view};
use crate::domain::command::Told;
use crate::domain::operator::SessionId;
use crate::domain::time::Span;

/// Messages taken in before the next frame: a flood must not stop the screen.
const BATCH_MAX: usize = 256;

/// A larger window than this is a mistake, and would cost a frame its weight in memory.
const SIZE_MAX: (u16, u16) = (500, 300);

/// How often a time that is shown moves on.
const TICK: Span = Span::seconds(1);

/// Begins and ends a frame: terminals that know it show the frame at once, the others ignore it.
pub(super) const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
pub(super) const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// Why a session ended.
#[derive(Debug)]
pub enum Ended {
    /// The operator left.
    Left,
    /// The same, or the lines ended: what the last of them came to.
    Lines(Outcome),
    Terminated,
    /// The terminal is gone.
    HungUp,
    Failed(io::Error),
}

/// Runs the console until the operator leaves or the terminal does.
pub async fn drive(model: &mut Model, wires: &mut Wires, host: &mut dyn Host) -> Ended {
    match Driver::new(model, wires) {
        Ok(mut driver) => match driver.run(host).await {
            Ok(ended) => ended,
            Err(error) => Ended::Failed(error),
        },
        Err(error) => Ended::Failed(error),
    }
}

struct Driver<'a> {
    model: &'a mut Model,
    wires: &'a mut Wires,
    terminal: Terminal<Memory>,
    pacer: Pacer,
    suspends: bool,
    /// To be put on the terminal's clipboard with the next frame.
    copies: Vec<u8>,
    sources: Sources,
}

/// Whether the sync still reports. A closed channel is always ready and must not be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sources {
    Open,
    Closed,
}

/// What the loop woke up for.
enum Woke {
    Message(Msg),
    Input(Option<Input>),
    Taken(Option<io::Result<()>>),
    SourcesClosed,
    Tick,
}

impl<'a> Driver<'a> {
    fn new(model: &'a mut Model, wires: &'a mut Wires) -> io::Result<Self> {
        let size = bounded(model.size());
        let area = Rect::new(0, 0, size.0, size.1);
        let options = TerminalOptions {
            viewport: Viewport::Fixed(area),
        };
        Ok(Self {
            terminal: Terminal::with_options(Memory::new(size), options)?,
            model,
            wires,
            pacer: Pacer::new(),
            suspends: false,
            copies: Vec::new(),
            sources: Sources::Open,
        })
    }

    async fn run(&mut self, host: &mut dyn Host) -> io::Result<Ended> {
        let size = self.terminal.backend_mut().size()?;
        let size = (size.width, size.height);
        if size == self.model.size() {
            self.terminal.clear()?;
        } else {
            self.resize(size)?;
        }
        let first = self.wires.snapshots.borrow_and_update().clone();
        if let Some(ended) = self.take_in(Msg::Snapshot(first)) {
            return Ok(ended);
        }
        let present = self.present();
        self.take_in(present);
        loop {
            if self.suspends && !self.pacer.is_busy() {
                self.suspends = false;
                let size = host.suspend()?;
                self.resize(size)?;
            }
            let next = self.pacer.next(self.wires.time.now());
            if next == Next::Draw && !self.suspends {
                self.draw()?;
                continue;
            }
            let woke = self.wake(next).await;
            let now = self.wires.time.now();
            if let Some(ended) = self.take_in(Msg::Now(now)) {
                return Ok(ended);
            }
            if let Some(ended) = self.take(woke)? {
                return Ok(ended);
            }
            for _ in 0..BATCH_MAX {
                let Some(woke) = self.ready() else {
                    break;
                };
                if let Some(ended) = self.take(woke)? {
                    return Ok(ended);
                }
            }
        }
    }

    /// Waits for the next thing to happen.
    async fn wake(&mut self, next: Next) -> Woke {
        let wait = match next {
            Next::Wait(span) => Some(span),
            _ if self.model.wants_time() => Some(TICK),
            _ => None,
        };
        let time = self.wires.time.clone();
        let sleep = async move {
            match wait {
                Some(span) => time.sleep(span).await,
                None => std::future::pending().await,
            }
        };
        let is_open = self.sources == Sources::Open;
        tokio::select! {
            input = self.wires.inputs.recv() => Woke::Input(input),
            taken = self.wires.taken.recv() => Woke::Taken(taken),
            Some(answer) = self.wires.answers.recv() => Woke::Message(answer),
            changed = self.wires.snapshots.changed(), if is_open => match changed {
                Ok(()) => {
                    let snapshot = self.wires.snapshots.borrow_and_update().clone();
                    Woke::Message(Msg::Snapshot(snapshot))
                }
                Err(_) => Woke::SourcesClosed,
            },
            Ok(()) = self.wires.setups.changed() => Woke::Message(configured(self.wires)),
            Ok(()) = self.wires.present.changed() => Woke::Message(self.present()),
            told = self.wires.facts.recv(), if is_open => heard(self.wires.session, told),
            () = sleep => Woke::Tick,
        }
    }

    /// What is there already, without waiting.
    fn ready(&mut self) -> Option<Woke> {
        if let Ok(input) = self.wires.inputs.try_recv() {
            return Some(Woke::Input(Some(input)));
        }
        if let Ok(taken) = self.wires.taken.try_recv() {
            return Some(Woke::Taken(Some(taken)));
        }
        if let Ok(answer) = self.wires.answers.try_recv() {
            return Some(Woke::Message(answer));
        }
        if self.wires.present.has_changed().unwrap_or(false) {
            return Some(Woke::Message(self.present()));
        }
        if self.wires.setups.has_changed().unwrap_or(false) {
            return Some(Woke::Message(configured(self.wires)));
        }
        if self.sources == Sources::Closed {
            return None;
        }
        match self.wires.facts.try_recv() {
            Ok(told) => return Some(heard(self.wires.session, Ok(told))),
            Err(TryRecvError::Lagged(missed)) => {
                return Some(Woke::Message(Msg::Missed(missed)));
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => {}
        }
        // The newest state last: it may be what a fact spoke of.
        if self.wires.snapshots.has_changed().unwrap_or(false) {
            let snapshot = self.wires.snapshots.borrow_and_update().clone();
            return Some(Woke::Message(Msg::Snapshot(snapshot)));
        }
        None
    }

    fn present(&mut self) -> Msg {
        Msg::Present(Arc::clone(&self.wires.present.borrow_and_update()))
    }

    fn take(&mut self, woke: Woke) -> io::Result<Option<Ended>> {
        Ok(match woke {
            Woke::Message(msg) => self.take_in(msg),
            Woke::Input(Some(Input::Terminate)) => Some(Ended::Terminated),
            Woke::Input(Some(Input::Suspend)) => {
                self.suspends = true;
                None
            }
            Woke::Input(Some(Input::Event(event))) => self.take_event(event)?,
            Woke::Taken(Some(Ok(()))) => {
                self.pacer.taken();
                None
            }
            // No more keys, or nobody takes frames any more: the line is dead.
            Woke::Input(None | Some(Input::HungUp)) | Woke::Taken(Some(Err(_)) | None) => {
                Some(Ended::HungUp)
            }
            Woke::SourcesClosed => {
                self.sources = Sources::Closed;
                self.take_in(Msg::Ended)
            }
            // Nobody who has keys sends lines.
            Woke::Tick | Woke::Input(Some(Input::Line(_) | Input::End)) => None,
        })
    }

    fn take_event(&mut self, event: Event) -> io::Result<Option<Ended>> {
        let msg = match event {
            Event::Key(key) => Msg::Key(key),
            Event::Paste(text) => Msg::Pasted(text),
            Event::Mouse(mouse) => Msg::Mouse(mouse),
            Event::Resize(width, height) => {
                self.resize((width, height))?;
                return Ok(None);
            }
            Event::FocusGained | Event::FocusLost => return Ok(None),
        };
        let ended = self.take_in(msg);
        self.pacer.pressed();
        Ok(ended)
    }

    fn take_in(&mut self, msg: Msg) -> Option<Ended> {
        // A moment passing changes the screen only where a time is shown.
        if !matches!(msg, Msg::Now(_)) || self.model.wants_time() {
            self.pacer.changed();
        }
        let done = perform(self.model, self.wires, msg);
        if let Some(text) = done.copied {
            self.copies = clipboard(&text);
        }
        done.has_left.then_some(Ended::Left)
    }

    fn resize(&mut self, size: (u16, u16)) -> io::Result<()> {
        let size = bounded(size);
        self.terminal.backend_mut().resize(size);
        self.terminal.resize(Rect::new(0, 0, size.0, size.1))?;
        self.terminal.clear()?;
        self.take_in(Msg::Resized(size.0, size.1));
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        let model = &*self.model;
        self.terminal.draw(|frame| view(model, frame))?;
        let drawn = self.terminal.backend_mut().take();
        let copies = std::mem::take(&mut self.copies);
        let frame = [FRAME_BEGINS, &drawn, FRAME_ENDS, &copies].concat();
        // There is room: the last frame was taken. A closed channel shows as a dead line.
        let _ = self.wires.frames.try_send(frame);
        self.pacer.drew(self.wires.time.now());
        Ok(())
    }
}

pub(super) fn configured(wires: &mut Wires) -> Msg {
    Msg::Configured(Arc::clone(&wires.setups.borrow_and_update().policy))
}

/// What a message led to besides what the wires carry.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) has_left: bool,
    pub(super) copied: Option<String>,
}

/// Takes one message in, and hands on what is to be done because of it.
pub(super) fn perform(model: &mut Model, wires: &mut Wires, msg: Msg) -> Done {
    let mut done = Done::default();
    let mut effects = VecDeque::from(feed(model, wires, msg));
    while let Some(effect) = effects.pop_front() {
        match effect {
            Effect::Copy(text) => done.copied = Some(text),
            Effect::Leave => done.has_left = true,
            Effect::Look(link) => (wires.looks)(link),
            Effect::Ask(ticket, query) => {
                if wires.questions.try_send((ticket, query)).is_err() {
                    effects.extend(feed(model, wires, Msg::Unasked(ticket)));
                }
            }
            Effect::Command { reason, command } => {
                let told = match (wires.commands)(reason, command) {
                    Sent::Yes => continue,
                    Sent::Full => Msg::Busy,
                    Sent::Closed => Msg::Ended,
                    Sent::Denied(needed) => Msg::Denied(needed),
                };
                effects.extend(feed(model, wires, told));
            }
        }
    }
    done
}

fn feed(model: &mut Model, wires: &mut Wires, msg: Msg) -> Vec<Effect> {
    match model.overheard(&msg) {
        Some(veiled) => (wires.heard)(&veiled),
        None => (wires.heard)(&msg),
    }
    update(model, msg)
}

/// OSC 52: terminals that know it put the text on the clipboard, over any number of hops.
fn clipboard(text: &str) -> Vec<u8> {
    let text = base64::engine::general_purpose::STANDARD.encode(text);
    format!("\x1b]52;c;{text}\x07").into_bytes()
}

/// As large as a window may be.
pub(super) fn bounded((width, height): (u16, u16)) -> (u16, u16) {
    (width.clamp(1, SIZE_MAX.0), height.clamp(1, SIZE_MAX.1))
}

/// What somebody else asked for is theirs to hear; its consequences show in the snapshot.
fn heard(session: SessionId, told: Result<Told, RecvError>) -> Woke {
    match told {
        Ok(told) if told.is_for(session) => Woke::Message(Msg::Told(told.fact)),
        Ok(_) => Woke::Tick,
        Err(RecvError::Lagged(missed)) => Woke::Message(Msg::Missed(missed)),
        Err(RecvError::Closed) => Woke::SourcesClosed,
    }
}
