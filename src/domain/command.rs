//! What an operator or a schedule may ask, and what happened on the way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::access::AccessAct;
use super::activity::HeldActivity;
use super::conflict::Resolution;
use super::failure::Failure;
use super::ids::{Generation, LinkId, RemoteId, RunId, Side};
use super::link::Pending;
use super::mapping::Policy;
use super::operator::{Operator, SessionId};
use super::record::{Act, Plan, PlanKind};
use super::remedy::Remedy;
use super::setup::{Objection, Timetable};
use super::time::Timestamp;

/// A wish, with the one whose wish it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    /// Who is told what became of it.
    pub session: SessionId,
    pub operator: Operator,
    pub reason: String,
    pub command: Command,
}

impl Instruction {
    /// What passerelle asks of itself.
    pub fn ourselves(command: Command) -> Self {
        Self {
            session: SessionId::OURSELVES,
            operator: Operator::ourselves(),
            reason: String::new(),
            command,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    RunCycle(Scope),
    /// Each is checked by itself; what is refused does not stop the rest. One act, undone as one.
    Resolve(Vec<Resolution>),
    /// Send writes again that were given up.
    Retry {
        links: Vec<LinkId>,
    },
    /// Give writes up for good: what differs stays and is agreed on. An opt-out is never discarded, and
    /// nothing is unless every write is still what was looked at.
    Discard {
        writes: Vec<GivenUp>,
    },
    RetryActivities {
        held: Vec<HeldActivity>,
    },
    /// These events never go to Salesforce.
    DiscardActivities {
        held: Vec<HeldActivity>,
    },
    Undo {
        act: Act,
    },
    /// Read the records of these links again, now, and do what the rules say.
    Check {
        links: Vec<LinkId>,
    },
    /// Somebody says that these records are worth a look: read them now, those that no link knows too,
    /// and do what the rules say. Nothing else that was said of them is believed. No act.
    Look {
        records: Vec<RemoteId>,
    },
    /// Leave these links alone, until then or until they are taken back. An opt-out that is not on
    /// both sides yet waits too.
    SetAside {
        links: Vec<LinkId>,
        until: Option<Timestamp>,
    },
    /// Take a pair of records apart: neither is written because of the other any more.
    Unlink {
        links: Vec<LinkId>,
    },
    /// Ends what [`SetAside`](Self::SetAside) and [`Unlink`](Self::Unlink) began.
    TakeBack {
        links: Vec<LinkId>,
    },
    /// Lets nothing more out of a queue. Opt-outs pass.
    Pause(Queue),
    Resume(Queue),
    /// Lets the next cycle write as much as was seen to wait. What comes on top of that is watched.
    ReleaseBrake {
        writes: u64,
    },
    /// Count what a backfill of this stretch would send. Writes nothing, and is no act.
    Survey {
        kind: PlanKind,
        from: Timestamp,
        until: Timestamp,
    },
    /// Examine a stretch of time for events that are not in Salesforce yet.
    Backfill {
        kind: PlanKind,
        from: Timestamp,
        until: Timestamp,
    },
    SteerPlan {
        run: RunId,
        steer: Steer,
    },
    /// Adds to a system's set-up. The engine only records who asked; whoever asked makes it, once this
    /// was taken in.
    Mend(Remedy),
    /// An act outside the sync, for the audit; what it does is somebody else's.
    Enter {
        act: &'static str,
        object: String,
    },
    /// Put a configuration in the place of the one in force, if that is still the one it was made from.
    Configure {
        based_on: u32,
        policy: Box<Policy>,
        timetable: Timetable,
    },
    /// Put on record that somebody let us in at a side, or ended that. It was done already.
    NoteAccess {
        side: Side,
        act: AccessAct,
    },
}

impl Command {
    /// Whether it goes into the audit: everything but beginning a cycle, looking and counting.
    pub const fn is_act(&self) -> bool {
        !matches!(
            self,
            Self::RunCycle(_) | Self::Look { .. } | Self::Survey { .. }
        )
    }
}

/// A write that was given up, as whoever drops it looked at it. Another side's write of the same link is
/// another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    pub link: LinkId,
    pub looked_at: Pending,
}

impl GivenUp {
    /// Whether a write of that link is still the one that was looked at. How often it was tried since, and
    /// what it was answered, is no matter.
    pub fn is(&self, pending: &Pending) -> bool {
        let seen = &self.looked_at;
        pending.is_dead()
            && (pending.side, pending.write, pending.consent)
                == (seen.side, seen.write, seen.consent)
            && pending.values == seen.values
    }
}

/// What leaves in an order of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Writes to Salesforce, activities left out.
    Salesforce,
    /// Writes to Automation.
    Automation,
    /// Activities to Salesforce.
    Activities,
}

impl Queue {
    pub const ALL: [Self; 3] = [Self::Salesforce, Self::Automation, Self::Activities];

    /// The queue of the writes to a side.
    pub const fn to(side: Side) -> Self {
        match side {
            Side::Salesforce => Self::Salesforce,
            Side::Automation => Self::Automation,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    Pause,
    Resume,
    /// Ends it; what was sent stays sent.
    Stop,
}

/// What a backfill would do, counted without doing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    pub kind: PlanKind,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Events that were looked at.
    pub examined: u64,
    pub to_send: u64,
    /// People whose events they are.
    pub people: u64,
    /// We sent them before.
    pub already_there: u64,
    /// Of nobody we know, or of people who are not in Salesforce.
    pub left_out: u64,
    /// Names of some that would be sent, each once.
    pub samples: Vec<String>,
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

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            pull: self.pull || other.pull,
            push: self.push || other.push,
            activities: self.activities || other.activities,
        }
    }
}

/// A fact, and whose wish it answers: everybody's if nobody is named.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub to: Option<SessionId>,
    pub fact: Fact,
}

impl Told {
    /// Whether a session is to hear it.
    pub fn is_for(&self, session: SessionId) -> bool {
        self.to.is_none_or(|to| to == session)
    }
}

/// Past tense, for whoever watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    CycleStarted,
    CycleEnded,
    /// The command was taken in, and its act is durable.
    Accepted(RunId),
    /// The same, but some of what it asked was refused: the rest was done.
    AcceptedInPart {
        run: RunId,
        refused: Vec<(LinkId, Refusal)>,
    },
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
    /// With what it came to.
    PlanFinished(Plan),
    Surveyed(Survey),
    /// A survey was broken off; why was told before.
    SurveyFailed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    /// The link changed since: its conflicts are of another generation.
    OlderGeneration {
        link: LinkId,
        asked: Generation,
        now: Generation,
        /// Who decided meanwhile, and when; nobody if a system changed it.
        decided: Option<(String, Timestamp)>,
    },
    NoSuchLink(LinkId),
    NoSuchConflict(LinkId),
    /// The choice does not fit this kind of conflict.
    ChoiceDoesNotFit(LinkId),
    NothingToUndo,
    /// The brake does not hold anything: somebody let go before, or it was never pulled.
    NoBrake,
    /// Somebody changed the configuration meanwhile: who, and when.
    OlderConfiguration {
        asked: u32,
        now: u32,
        made: Option<(String, Timestamp)>,
    },
    /// The configuration cannot be saved like this.
    Objected(Vec<Objection>),
    /// It is in force already.
    NothingChanges,
    /// The plan ended meanwhile.
    NoSuchPlan(RunId),
    /// An opt-out is on its way, and nobody may drop it.
    OptOutStays(LinkId),
    /// The write that was looked at is not given up any more, or carries something else.
    OtherWrite(LinkId),
    /// The address that was typed is on somebody else's record.
    AddressTaken {
        link: LinkId,
        by: LinkId,
    },
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

impl Totals {
    /// What was done after an earlier look at the same run.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut ignored = self.ignored.clone();
        subtract(&mut ignored, &earlier.ignored);
        Self {
            read: self.read.since(&earlier.read),
            written: self.written.since(&earlier.written),
            calls: self.calls.since(&earlier.calls),
            unchanged: self.unchanged - earlier.unchanged.min(self.unchanged),
            ignored,
            would_write: self.would_write.since(&earlier.would_write),
        }
    }
}

fn subtract(counts: &mut BTreeMap<String, u64>, earlier: &BTreeMap<String, u64>) {
    for (kind, count) in earlier {
        if let Some(total) = counts.get_mut(kind) {
            *total = total.saturating_sub(*count);
        }
    }
    counts.retain(|_, count| *count > 0);
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BySide {
    pub salesforce: BTreeMap<String, u64>,
    pub automation: BTreeMap<String, u64>,
}

impl BySide {
    fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.clone();
        subtract(&mut counts.salesforce, &earlier.salesforce);
        subtract(&mut counts.automation, &earlier.automation);
        counts
    }

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
