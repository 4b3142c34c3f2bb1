//! A console without a terminal: keys are typed as a person would, the real desk answers, the real
//! pool carries commands out, and the screen is a buffer.

use std::collections::VecDeque;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::app::compose::Connected;
use crate::app::desk::Desk;
use crate::app::error::AppError;
use crate::console::keymap::Sequence;
use crate::console::{Effect, Model, Msg, paint, update};
use crate::domain::command::{Fact, Instruction, Told};
use crate::domain::operator::{Operator, SessionId};
use crate::domain::time::{Span, Timestamp};
use crate::pool::Pool;
use crate::ports::Clock;

/// Between two keys: longer than a screen waits before it asks the same again.
const KEY: Span = Span(500);

/// A command that is not carried out by then never will be.
const PATIENCE: Span = Span::minutes(1);

/// Nobody else is there.
const SESSION: SessionId = SessionId(1);

pub(super) struct Stage<'a> {
    model: Model,
    desk: Desk,
    pool: &'a Pool,
    facts: broadcast::Receiver<Told>,
    clock: Arc<dyn Clock>,
    operator: String,
    now: Timestamp,
}

impl<'a> Stage<'a> {
    /// The console shows the moment it is told, which passes with the keys and not by itself.
    pub(super) async fn new(
        model: Model,
        connected: &Connected,
        pool: &'a Pool,
        (operator, now): (&str, Timestamp),
    ) -> Result<Self, AppError> {
        let mut stage = Self {
            model,
            desk: Desk::of(connected, &pool.handle()),
            facts: pool.facts(),
            pool,
            clock: Arc::clone(&connected.outside.clock),
            operator: operator.to_owned(),
            now,
        };
        stage.look().await?;
        Ok(stage)
    }

    /// Keys with spaces between them, as key files write them.
    pub(super) async fn keys(&mut self, keys: &str) -> Result<(), AppError> {
        for word in keys.split_whitespace() {
            let unknown = || AppError::Usage(format!("there is no key “{word}”"));
            let chord = Sequence::parse(word).ok_or_else(unknown)?.0[0];
            self.key(KeyEvent::new(chord.code, chord.modifiers)).await?;
        }
        Ok(())
    }

    pub(super) async fn type_text(&mut self, text: &str) -> Result<(), AppError> {
        for letter in text.chars() {
            self.key(KeyCode::Char(letter).into()).await?;
        }
        Ok(())
    }

    pub(super) fn screen(&self) -> Buffer {
        let (width, height) = self.model.size();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        paint(&self.model, &mut buffer);
        buffer
    }

    async fn key(&mut self, key: KeyEvent) -> Result<(), AppError> {
        self.now = self.now + KEY;
        self.send(Msg::Now(self.now)).await?;
        if self.send(Msg::Key(key)).await? {
            self.look().await?;
        }
        Ok(())
    }

    /// Takes in how the sync stands now, and asks again what that puts in doubt.
    async fn look(&mut self) -> Result<(), AppError> {
        let snapshot = Arc::clone(&self.pool.snapshots.borrow());
        self.send(Msg::Snapshot(snapshot)).await?;
        self.now = self.now + KEY;
        self.send(Msg::Now(self.now)).await?;
        Ok(())
    }

    /// Answers whether a command was carried out on the way.
    async fn send(&mut self, msg: Msg) -> Result<bool, AppError> {
        let mut waiting = VecDeque::from([msg]);
        let mut has_acted = false;
        while let Some(msg) = waiting.pop_front() {
            for effect in update(&mut self.model, msg) {
                match effect {
                    Effect::Leave | Effect::Copy(_) | Effect::Look(_) => {}
                    Effect::Ask(ticket, query) => {
                        waiting.push_back(self.desk.answered(ticket, query).await);
                    }
                    Effect::Command { reason, command } => {
                        let instruction = Instruction {
                            session: SESSION,
                            operator: Operator {
                                name: self.operator.clone(),
                                from: String::new(),
                            },
                            reason,
                            command,
                        };
                        has_acted = true;
                        waiting.extend(self.carried_out(instruction).await?);
                    }
                }
            }
        }
        Ok(has_acted)
    }

    /// Sends a command and waits until nothing is left to do because of it.
    async fn carried_out(&mut self, instruction: Instruction) -> Result<Vec<Msg>, AppError> {
        let mut told = Vec::new();
        // A closed channel shows below.
        drop(self.pool.commands.send(instruction).await);
        let patience = self.clock.sleep(PATIENCE);
        let facts = &mut self.facts;
        let mut snapshots = self.pool.snapshots.clone();
        let done = async {
            loop {
                match facts.recv().await {
                    Ok(Told { fact, .. }) => {
                        let is_answer = matches!(
                            fact,
                            Fact::Accepted(_)
                                | Fact::AcceptedInPart { .. }
                                | Fact::Refused(_)
                                | Fact::Surveyed(_)
                                | Fact::SurveyFailed
                        );
                        told.push(Msg::Told(fact));
                        if is_answer {
                            break;
                        }
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
            // A pool that ended is told by whoever awaits it.
            let _ = snapshots.wait_for(|snapshot| snapshot.is_idle).await;
        };
        tokio::select! {
            () = done => {}
            () = patience => {
                return Err(AppError::Usage("the practice company does not come to rest".to_owned()));
            }
        }
        Ok(told)
    }
}
