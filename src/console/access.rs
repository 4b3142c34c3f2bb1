//! Who lets us in, and letting in: over any screen. What is typed here is hidden; see
//! [`hidden`](super::hidden).

mod paint;

use super::hidden::{Hidden, Veiled};
use super::msg::Msg;
use super::query::Ticket;
use super::slot::Slot;
use crate::domain::access::{Access, Outcome, Progress, SecretWanted, Why};
use crate::domain::ids::Side;

pub(super) use paint::{Line, asked, copied, hints, lines, paint};

/// What is known of both sides, and the attempt under way.
pub(super) struct Model {
    pub(super) slot: Slot<Vec<Access>>,
    pub(super) chosen: Side,
    pub(super) attempt: Option<Attempt>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            slot: Slot::default(),
            chosen: Side::Salesforce,
            attempt: None,
        }
    }
}

/// What somebody does about one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Check,
    LogIn,
    Revoke,
}

pub(super) struct Attempt {
    pub(super) side: Side,
    pub(super) deed: Deed,
    pub(super) reason: String,
    /// Of the question whose answers tell how far it is.
    pub(super) ticket: Option<Ticket>,
    /// Of an address that was handed on.
    pub(super) handed: Option<Ticket>,
    pub(super) stage: Stage,
    /// What stands below the stage: why the last text was not taken.
    pub(super) problem: Option<Problem>,
}

pub(super) enum Problem {
    /// It is being looked at.
    Handed,
    NeedsSecret,
    Denied(Why),
    /// In the words of whoever could not take it.
    Raw(String),
}

pub(super) enum Stage {
    /// A secret is asked for before anything is begun.
    Secret {
        wanted: SecretWanted,
        field: Veiled,
    },
    /// Waits for a person: what it shows, and the address that comes back.
    AtBrowser {
        shown: Progress,
        field: Veiled,
        focus: Focus,
    },
    Working(Progress),
    Ended(Outcome),
    /// It did not even begin, or nobody answered.
    Unanswered(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Keys,
    Field,
}

impl Model {
    /// What is known of the chosen side.
    pub(super) fn access(&self) -> Option<&Access> {
        self.of(self.chosen)
    }

    pub(super) fn of(&self, side: Side) -> Option<&Access> {
        let known = self.slot.data.as_ref()?;
        known.iter().find(|access| access.side == side)
    }

    /// Where letters go.
    pub(super) fn field(&mut self) -> Option<&mut Veiled> {
        match &mut self.attempt.as_mut()?.stage {
            Stage::Secret { field, .. }
            | Stage::AtBrowser {
                field,
                focus: Focus::Field,
                ..
            } => Some(field),
            _ => None,
        }
    }

    pub(super) fn is_on_text(&self) -> bool {
        let stage = self.attempt.as_ref().map(|attempt| &attempt.stage);
        matches!(
            stage,
            Some(
                Stage::Secret { .. }
                    | Stage::AtBrowser {
                        focus: Focus::Field,
                        ..
                    }
            )
        )
    }

    /// Whether it waits for what a person types or pastes.
    pub(super) fn is_asking(&self) -> bool {
        let stage = self.attempt.as_ref().map(|attempt| &attempt.stage);
        matches!(stage, Some(Stage::Secret { .. } | Stage::AtBrowser { .. }))
    }

    /// A letter or a pasted text goes to the address, wherever the cursor is.
    pub(super) fn begin_text(&mut self) -> Option<&mut Veiled> {
        if let Some(Attempt {
            stage: Stage::AtBrowser { focus, .. },
            ..
        }) = &mut self.attempt
        {
            *focus = Focus::Field;
        }
        self.field()
    }

    /// A message as a recording may hear it, if it holds what is hidden.
    pub(super) fn overheard(&self, msg: &Msg) -> Option<Msg> {
        match &self.attempt.as_ref()?.stage {
            // It is none of the text.
            _ if matches!(msg, Msg::Typed(line) if is_way_out(line)) => None,
            Stage::Secret { field, .. } | Stage::AtBrowser { field, .. } => field.overheard(msg),
            // Too late for the field, and an address with its code all the same.
            _ if matches!(msg, Msg::Pasted(_) | Msg::Typed(_)) => Veiled::secret().overheard(msg),
            _ => None,
        }
    }

    /// Nothing of it goes on.
    pub(super) fn is_over(&self) -> bool {
        self.attempt
            .as_ref()
            .is_none_or(|attempt| matches!(attempt.stage, Stage::Ended(_) | Stage::Unanswered(_)))
    }

    /// The answer that lines wait for: not while a person is waited for.
    pub(super) fn waiting(&self) -> Option<Ticket> {
        let attempt = self.attempt.as_ref()?;
        match attempt.stage {
            Stage::Working(_) => attempt.ticket,
            Stage::AtBrowser { .. } => attempt.handed,
            _ => None,
        }
    }
}

/// A line that answers nothing.
pub(super) fn is_way_out(line: &str) -> bool {
    matches!(line.trim(), "" | "cancel")
}

impl Attempt {
    pub(super) const fn new(side: Side, deed: Deed, reason: String, stage: Stage) -> Self {
        Self {
            side,
            deed,
            reason,
            ticket: None,
            handed: None,
            stage,
            problem: None,
        }
    }

    /// It went on.
    pub(super) fn follow(&mut self, progress: Progress) {
        self.handed = None;
        self.problem = None;
        self.stage = match progress {
            Progress::AtBrowser { .. } => Stage::AtBrowser {
                shown: progress,
                field: Veiled::address(),
                focus: Focus::Keys,
            },
            Progress::NotTheAnswer(why) => {
                self.problem = Some(Problem::Denied(why));
                return;
            }
            Progress::Ended(outcome) => Stage::Ended(outcome),
            progress => Stage::Working(progress),
        };
    }

    /// The text that was typed, if there is one.
    pub(super) fn take_text(&mut self) -> Option<Hidden> {
        let (Stage::Secret { field, .. } | Stage::AtBrowser { field, .. }) = &mut self.stage else {
            return None;
        };
        (!field.is_blank()).then(|| field.take())
    }
}

impl super::model::Model {
    /// A message as a recording may hear it.
    pub fn overheard(&self, msg: &Msg) -> Option<Msg> {
        let is_in_sight = matches!(self.overlay, Some(super::model::Overlay::Access));
        self.access.overheard(msg).filter(|_| is_in_sight)
    }
}
