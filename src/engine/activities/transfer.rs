//! How far one transfer of activities is, and what it is for.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::activity::{Activity, ActivityRow};
use crate::domain::command::Survey;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::operator::SessionId;
use crate::domain::record::PlanKind;
use crate::domain::snapshot;
use crate::domain::time::Timestamp;

#[derive(Debug)]
pub(in crate::engine) struct Transfer {
    pub(super) purpose: Purpose,
    pub(super) kinds: Vec<String>,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// The next page to read: index into `kinds`, and its page.
    pub(super) next: (u16, u32),
    pub(super) state: TransferState,
    pub(super) gathered: BTreeMap<String, Gathered>,
    pub(super) examined: u64,
    pub(super) counts: Counts,
    /// The first event of a contact that is so new that it may not have been read yet: the next
    /// transfer begins there.
    pub(super) unknown_since: Option<Timestamp>,
}

/// What a transfer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    Regular,
    Plan(RunId),
    /// Counting what a plan would send.
    Survey {
        session: SessionId,
        kind: PlanKind,
        people: BTreeSet<LinkId>,
        to_send: u64,
        left_out: u64,
        samples: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) already_there: u64,
    pub(super) held: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferState {
    /// Held events come first: their person may be in Salesforce by now.
    Held,
    Ready,
    Busy,
    Finished,
}

#[derive(Debug, Clone)]
pub(super) struct Gathered {
    pub(super) link: LinkId,
    pub(super) activity: Activity,
    pub(super) row: ActivityRow,
    pub(super) attempts: u8,
}

impl Transfer {
    pub(super) const fn new(
        purpose: Purpose,
        kinds: Vec<String>,
        window: (Timestamp, Timestamp),
    ) -> Self {
        Self {
            purpose,
            kinds,
            from: window.0,
            until: window.1,
            next: (0, 1),
            state: TransferState::Held,
            gathered: BTreeMap::new(),
            examined: 0,
            counts: Counts {
                sent: 0,
                already_there: 0,
                held: 0,
            },
            unknown_since: None,
        }
    }

    pub(super) const fn plan(&self) -> Option<RunId> {
        match self.purpose {
            Purpose::Plan(run) => Some(run),
            Purpose::Regular | Purpose::Survey { .. } => None,
        }
    }

    pub(super) const fn is_survey(&self) -> bool {
        matches!(self.purpose, Purpose::Survey { .. })
    }

    /// Whose question it answers, if it counts.
    pub(super) const fn surveyed_for(&self) -> Option<SessionId> {
        match self.purpose {
            Purpose::Survey { session, .. } => Some(session),
            Purpose::Regular | Purpose::Plan(_) => None,
        }
    }

    /// What was counted, and for whom.
    pub(super) fn survey(&self) -> Option<(SessionId, Survey)> {
        let Purpose::Survey {
            session,
            kind,
            people,
            to_send,
            left_out,
            samples,
        } = &self.purpose
        else {
            return None;
        };
        let survey = Survey {
            kind: *kind,
            from: self.from,
            until: self.until,
            examined: self.examined,
            to_send: *to_send,
            people: people.len() as u64,
            already_there: self.counts.already_there,
            left_out: *left_out,
            samples: samples.clone(),
        };
        Some((*session, survey))
    }

    pub(in crate::engine) fn progress(&self) -> snapshot::Transfer {
        let to_send = match &self.purpose {
            Purpose::Survey { to_send, .. } => *to_send,
            Purpose::Regular | Purpose::Plan(_) => self.gathered.len() as u64,
        };
        snapshot::Transfer {
            plan: self.plan(),
            is_survey: self.is_survey(),
            kinds_read: u32::from(self.next.0),
            kinds: self.kinds.len() as u32,
            examined: self.examined,
            gathered: to_send,
            sent: self.counts.sent,
            already_there: self.counts.already_there,
            held: self.counts.held,
        }
    }
}
