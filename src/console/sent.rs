//! Commands that were sent and are not answered yet. What was typed for them is forgotten when they are
//! taken in, not when they leave.

use std::collections::VecDeque;

use super::dialog::Dialog;
use crate::domain::command::Command;
use crate::domain::conflict::Subject;
use crate::domain::ids::LinkId;

/// More commands than anybody sends before the first is answered.
const WAITING_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Sent {
    /// The oldest first: they are answered in that order.
    waiting: VecDeque<Waits>,
    /// What the last command was asked for with, until it is known whether it left.
    dialog: Option<Box<Dialog>>,
}

/// What is to happen once a command is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Waits {
    /// These choices are written.
    Choices(Vec<(LinkId, Vec<Subject>)>),
    Act,
    /// Answered by its numbers.
    Survey,
    /// Answered by nothing.
    Cycle,
}

impl Waits {
    fn of(command: &Command) -> Self {
        match command {
            Command::Resolve(resolutions) => {
                let chosen = resolutions.iter().map(|resolution| {
                    let choices = resolution.choices.iter();
                    let subjects = choices.map(|(subject, _)| *subject).collect();
                    (resolution.link, subjects)
                });
                Self::Choices(chosen.collect())
            }
            Command::Survey { .. } => Self::Survey,
            command if command.is_act() => Self::Act,
            _ => Self::Cycle,
        }
    }

    const fn is_act(&self) -> bool {
        matches!(self, Self::Choices(_) | Self::Act)
    }
}

impl Sent {
    pub(super) fn hold(&mut self, dialog: Box<Dialog>) {
        self.dialog = Some(dialog);
    }

    /// The last command left.
    pub(super) fn release(&mut self) {
        self.dialog = None;
    }

    pub(super) fn send(&mut self, command: &Command) {
        self.waiting.push_back(Waits::of(command));
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// The oldest act was taken in, or refused.
    pub(super) fn answered(&mut self) -> Option<Waits> {
        let act = self.waiting.iter().position(Waits::is_act)?;
        self.waiting.remove(act)
    }

    /// The numbers of the oldest survey came, or will not come.
    pub(super) fn surveyed(&mut self) {
        let survey = self.waiting.iter().position(|one| *one == Waits::Survey);
        survey.and_then(|index| self.waiting.remove(index));
    }

    /// The last command did not leave. With what it was asked for with.
    pub(super) fn stayed(&mut self) -> (Option<Waits>, Option<Box<Dialog>>) {
        (self.waiting.pop_back(), self.dialog.take())
    }

    /// Whether choices of a contact are on their way.
    pub(super) fn decides(&self, link: LinkId) -> bool {
        self.waiting.iter().any(|one| match one {
            Waits::Choices(chosen) => chosen.iter().any(|(of, _)| *of == link),
            _ => false,
        })
    }

    /// Nobody knows any more what was answered.
    pub(super) fn lose_count(&mut self) {
        self.waiting.clear();
    }
}
