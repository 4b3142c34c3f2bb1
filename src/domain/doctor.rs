//! What is wrong with the set-up: one table of checks, each a pure function over what is known. What
//! cannot be known is unknown, with what would tell; it is never taken as good.

mod fields;
mod guide;
mod sides;
#[cfg(test)]
mod tests;
mod work;

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command::Queue;
use super::drift::Descriptions;
use super::ids::{SalesforceObject, Side};
use super::mapping::Policy;
use super::record::Counts;
use super::setup::Timetable;
use super::snapshot::Snapshot;
use super::time::{Span, Timestamp};
use super::value::ValueType;

/// Everything that checks may look at.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub now: Timestamp,
    pub policy: &'a Policy,
    pub snapshot: &'a Snapshot,
    pub counts: &'a Counts,
    /// As both systems described themselves when the process connected to them.
    pub described: Option<&'a Descriptions>,
    pub timetable: Option<Timetable>,
    /// When the oldest conflict that still waits was raised.
    pub oldest_conflict: Option<Timestamp>,
    pub disk: Option<Disk>,
}

/// The folder in which the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    pub used_bytes: u64,
    pub free_bytes: u64,
}

/// The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Something does not work.
    Fault,
    /// Something will not work, or waits for a person.
    Warning,
    /// It cannot be seen from here; the evidence says what would tell.
    Unknown,
    /// Worth knowing, nothing to do.
    Note,
    Ok,
}

/// One check: the messages that name it and say why it matters and where to click, and its judgement.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    pub id: &'static str,
    pub name: &'static str,
    pub why: &'static str,
    pub path: &'static str,
    judge: fn(&Facts<'_>) -> Seen,
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The key of a message: one of ours, or one that was recorded.
pub type Message = Cow<'static, str>;

/// Recorded by its name.
impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        let known = CHECKS.iter().find(|check| check.id == id);
        known
            .copied()
            .ok_or_else(|| D::Error::custom(format!("no check “{id}”")))
    }
}

/// What was read, as a message and the values in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub severity: Severity,
    pub says: Message,
    pub gaps: Vec<(Message, Told)>,
}

/// A value in a sentence, put into words by whoever says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    Text(String),
    Names(Vec<String>),
    Number(u64),
    Bytes(u64),
    At(Timestamp),
    Time(Span),
    Side(Side),
    Queues(Vec<Queue>),
    Objects(Vec<SalesforceObject>),
    Type(ValueType),
    /// Another message.
    Message(Message),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub check: Check,
    pub seen: Seen,
}

macro_rules! checks {
    ($($id:literal $path:literal $judge:path;)*) => {
        /// Every check, in the order in which the set-up guide comes to it.
        pub const CHECKS: &[Check] = &[$(Check {
            id: $id,
            name: concat!("check-", $id),
            why: concat!("matters-", $id),
            path: $path,
            judge: $judge,
        }),*];
    };
}

checks! {
    "salesforce" "path-connection" sides::salesforce;
    "automation" "path-connection" sides::automation;
    "credentials" "path-credentials" sides::credentials;
    "clock" "path-clock" sides::clock;
    "calls" "path-calls" sides::calls;
    "budget" "path-budget" sides::budget;
    "coverage-salesforce" "path-coverage" sides::salesforce_coverage;
    "coverage-automation" "path-coverage" sides::automation_coverage;
    "writes-arrive" "path-sites" work::writes_arrive;
    "published" "path-published" guide::published;
    "schedule" "path-schedule" guide::schedule;
    "objects" "path-objects" guide::objects;
    "fields-seen" "path-field-security" fields::seen;
    "fields-writable" "path-field-security" fields::writable;
    "fields-typed" "path-types" fields::typed;
    "fields-long-enough" "path-lengths" fields::long_enough;
    "required" "path-mapping" fields::required;
    "unique" "path-unique" fields::unique;
    "owners" "path-owners" guide::owners;
    "opt-out" "path-opt-out" guide::opt_out;
    "opt-out-history" "path-history" guide::history;
    "deleted" "path-deleted" guide::deleted;
    "timeline-link" "path-mapping" guide::timeline_link;
    "timeline" "path-timeline" guide::timeline;
    "timeline-reference" "path-reference" guide::reference;
    "timeline-layout" "path-layout" guide::layout;
    "activity-types" "path-activity-types" guide::activity_types;
    "activities-sent" "path-activities" guide::activities_sent;
    "activities-held" "path-held" work::activities_held;
    "given-up" "path-queues" work::given_up;
    "conflicts" "path-conflicts" work::conflicts;
    "paused" "path-paused" work::paused;
    "brake" "path-brake" work::brake;
    "disk" "path-disk" work::disk;
}

impl Check {
    pub fn judged(self, facts: &Facts<'_>) -> Finding {
        Finding {
            check: self,
            seen: (self.judge)(facts),
        }
    }
}

impl Severity {
    /// Whether somebody has to do something.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Fault | Self::Warning)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Note => "note",
            Self::Ok => "ok",
        }
    }
}

/// Judges everything, the worst first.
pub fn examine(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().map(|check| check.judged(facts)).collect();
    findings.sort_by_key(|finding| finding.seen.severity);
    findings
}

fn seen(severity: Severity, says: &'static str, gaps: Vec<(&'static str, Told)>) -> Seen {
    let gaps = gaps.into_iter();
    Seen {
        severity,
        says: Cow::Borrowed(says),
        gaps: gaps
            .map(|(name, told)| (Cow::Borrowed(name), told))
            .collect(),
    }
}

/// What only the two systems' descriptions can tell.
fn not_described() -> Seen {
    seen(Severity::Unknown, "seen-not-described", Vec::new())
}

fn text(text: impl Into<String>) -> Told {
    Told::Text(text.into())
}
