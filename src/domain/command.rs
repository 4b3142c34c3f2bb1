//! What an operator or a schedule may ask, and what happened on the way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::activity::HeldActivity;
use super::conflict::Resolution;
use super::failure::Failure;
use super::ids::{Generation, LinkId, RunId, Side};
use super::record::{Act, PlanKind};
use super::time::Timestamp;

/// A wish, with the one whose wish it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    pub operator: String,
    pub reason: String,
    pub command: Command,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    RunCycle(Scope),
    Resolve(Resolution),
    /// Send writes again that were given up.
    Retry {
        links: Vec<LinkId>,
    },
    RetryActivities {
        held: Vec<HeldActivity>,
    },
    Undo {
        act: Act,
    },
    /// Examine a stretch of time for events that are not in Salesforce yet.
    Backfill {
        kind: PlanKind,
        from: Timestamp,
        until: Timestamp,
    },
}

/// What a cycle does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Salesforce's changes to Automation.
    pub pull: bool,
    /// Automation's changes to Salesforce.
    pub push: bool,
    pub activities: bool,
}

impl Scope {
    pub const ALL: Self = Self {
        pull: true,
        push: true,
        activities: true,
    };
    /// Only what is waiting already.
    pub const OUTBOX: Self = Self {
        pull: false,
        push: false,
        activities: false,
    };
}

/// Past tense, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    CycleStarted,
    CycleEnded,
    Accepted(RunId),
    /// The command was refused; nothing was changed.
    Refused(Refusal),
    SideStopped {
        side: Side,
        failure: Failure,
    },
    SideWaits {
        side: Side,
        until: Timestamp,
        failure: Failure,
    },
    BrakePulled {
        overwrites: u64,
        deletions: u64,
    },
    PlanFinished(RunId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The link changed since: its conflicts are of another generation.
    OlderGeneration {
        link: LinkId,
        asked: Generation,
        now: Generation,
    },
    NoSuchLink(LinkId),
    NoSuchConflict(LinkId),
    /// The choice does not fit this kind of conflict.
    ChoiceDoesNotFit(LinkId),
    NothingToUndo,
}

/// What a run did, by side and kind. The `--json` of `sync` prints this.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub read: BySide,
    pub written: BySide,
    pub calls: BySide,
    /// Rows that told nothing new.
    pub unchanged: u64,
    /// Rows left out, by reason.
    pub ignored: BTreeMap<String, u64>,
    /// Dry run: what would have been written.
    pub would_write: BySide,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BySide {
    pub salesforce: BTreeMap<String, u64>,
    pub automation: BTreeMap<String, u64>,
}

impl BySide {
    pub fn add(&mut self, side: Side, kind: &str, count: u64) {
        if count == 0 {
            return;
        }
        let kinds = match side {
            Side::Salesforce => &mut self.salesforce,
            Side::Automation => &mut self.automation,
        };
        match kinds.get_mut(kind) {
            Some(total) => *total += count,
            None => {
                kinds.insert(kind.to_owned(), count);
            }
        }
    }

    pub fn sum(&self, side: Side) -> u64 {
        match side {
            Side::Salesforce => self.salesforce.values().sum(),
            Side::Automation => self.automation.values().sum(),
        }
    }
}
