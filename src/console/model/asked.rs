//! What keys asked for, and what of it is not answered yet.

use crate::console::query::{Diagnosis, Exported, Mending, Query, Queues, Ticket, UndoPreview};
use crate::console::sent::Sent;
use crate::console::slot::{Slot, Waiting};
use crate::domain::conflict::Choice;
use crate::domain::ids::LinkId;
use crate::domain::link::Link;
use crate::domain::time::Timestamp;

#[derive(Default)]
pub(in crate::console) struct Asked {
    /// Asked for by the undo key; its answer opens a dialog.
    pub(in crate::console) undo: Option<Slot<Option<Box<UndoPreview>>>>,
    /// Asked for by a key that decides for many; its answer opens a dialog.
    pub(in crate::console) bulk: Option<Bulk>,
    /// What waits behind the brake is asked for, to offer letting it go on.
    pub(in crate::console) release: Option<Slot<Queues>>,
    /// Asked for by a key; its answer says where the file is.
    pub(in crate::console) export: Option<(Slot<Exported>, Query)>,
    /// Both systems are read again; the answer goes where the diagnosis is.
    pub(in crate::console) look: Option<Slot<Diagnosis>>,
    /// When that was last begun.
    pub(in crate::console) looked: Option<Timestamp>,
    /// A remedy that is prepared, or being made.
    pub(in crate::console) mending: Option<(Slot<Mending>, Query)>,
    /// Commands that are not answered yet.
    pub(in crate::console) sent: Sent,
    pub(in crate::console) tickets: u64,
}

/// One choice for many contacts.
pub(in crate::console) struct Bulk {
    pub(in crate::console) choice: Choice,
    pub(in crate::console) links: Vec<LinkId>,
    pub(in crate::console) reach: Reach,
    pub(in crate::console) slot: Slot<Vec<(Link, String)>>,
}

/// How the contacts of a bulk act were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Reach {
    Marked {
        /// Of them, kept out of sight by the filter.
        hidden: u64,
    },
    /// Exactly what the filter shows.
    Shown {
        /// That wait too, and were not read.
        more: u64,
    },
}

impl Asked {
    /// Each place that an answer is wanted for, with what it asks.
    pub(super) fn questions(&mut self) -> Vec<(&mut dyn Waiting, Query)> {
        let mut questions: Vec<(&mut dyn Waiting, Query)> = Vec::new();
        if let Some(undo) = &mut self.undo {
            questions.push((undo, Query::LastAct));
        }
        if let Some(bulk) = &mut self.bulk {
            questions.push((&mut bulk.slot, Query::Links(bulk.links.clone())));
        }
        if let Some(release) = &mut self.release {
            questions.push((release, Query::Queues));
        }
        if let Some((slot, query)) = &mut self.export {
            questions.push((slot, query.clone()));
        }
        if let Some(look) = &mut self.look {
            questions.push((look, Query::Examine));
        }
        if let Some((slot, query)) = &mut self.mending {
            questions.push((slot, query.clone()));
        }
        questions
    }

    /// The questions that are not answered yet.
    pub(super) fn waiting(&mut self) -> Vec<Ticket> {
        let questions = self.questions().into_iter();
        questions.filter_map(|(slot, _)| slot.waiting()).collect()
    }

    /// Whether something that a dialog is wanted of is out of date.
    pub(super) fn is_stale(&self) -> bool {
        self.undo.as_ref().is_some_and(Waiting::is_stale)
            || self.bulk.as_ref().is_some_and(|bulk| bulk.slot.is_stale())
            || self.release.as_ref().is_some_and(Waiting::is_stale)
    }
}
