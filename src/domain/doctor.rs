//! What is wrong with the set-up: one table of checks, each a pure function over what is known. What
//! cannot be known is unknown, with what would tell; it is never taken as good.

mod access;
mod fields;
mod guide;
mod machine;
mod rules;
mod sides;
#[cfg(test)]
mod tests;
mod timeline;
mod webhook;
mod work;

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command::Queue;
use super::drift::Descriptions;
use super::evidence::{AutomationEvidence, Evidence, Machine, Part, SalesforceEvidence};
use super::failure::Failure;
use super::ids::{FieldId, Kind, SalesforceObject, Side};
use super::mapping::Policy;
use super::record::{Binding, Counts};
use super::remedy::Remedy;
use super::request::{FieldDescription, SalesforceDescription, User};
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
    /// As both systems described themselves when they were last asked.
    pub described: Option<&'a Descriptions>,
    /// What was read of the set-up beyond that.
    pub evidence: Option<&'a Evidence>,
    pub machine: Option<&'a Machine>,
    /// What the store belongs to.
    pub bound: Option<&'a Binding>,
    pub timetable: Option<Timetable>,
    /// When the oldest conflict that still waits was raised.
    pub oldest_conflict: Option<Timestamp>,
    /// Writes that a system refused and that wait for a person.
    pub refused: &'a [Refused],
    pub disk: Option<Disk>,
}

/// One write that a system refused: of a field, or of a record as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    pub side: Side,
    pub field: Option<FieldId>,
    /// The system's own word for it.
    pub code: String,
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
    /// What would mend it, if that can be done from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
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
    "scopes" "path-scopes" access::scopes;
    "identity" "path-identity" access::identity;
    "api-version" "path-api-version" access::versions;
    "rights-salesforce" "path-rights-salesforce" access::salesforce;
    "rights-automation" "path-rights-automation" access::automation;
    "clock" "path-clock" sides::clock;
    "calls" "path-calls" sides::calls;
    "budget" "path-budget" sides::budget;
    "coverage-salesforce" "path-coverage" sides::salesforce_coverage;
    "coverage-automation" "path-coverage" sides::automation_coverage;
    "writes-arrive" "path-writes" work::writes_arrive;
    "remote-site" "path-remote-site" rules::remote_site;
    "trusted-site" "path-trusted-site" rules::trusted_site;
    "validation-rules" "path-validation-rules" rules::validation;
    "duplicate-rules" "path-duplicate-rules" rules::duplicates;
    "foreign-writer" "path-foreign-writer" rules::foreign_writer;
    "webhook" "path-webhook" webhook::registered;
    "published" "path-published" guide::published;
    "schedule" "path-schedule" guide::schedule;
    "objects" "path-objects" guide::objects;
    "fields-seen" "path-field-security" fields::seen;
    "fields-writable" "path-field-security" fields::writable;
    "fields-published" "path-fields-published" fields::published;
    "fields-typed" "path-types" fields::typed;
    "fields-long-enough" "path-lengths" fields::long_enough;
    "choices" "path-choices" fields::choices;
    "required" "path-mapping" fields::required;
    "unique" "path-unique" fields::unique;
    "owners" "path-owners" guide::owners;
    "queue-owned" "path-queue-owned" rules::queue_owned;
    "opt-out" "path-opt-out" guide::opt_out;
    "opt-out-visible" "path-opt-out-visible" guide::opt_out_visible;
    "opt-out-history" "path-history" guide::history;
    "history-readable" "path-history-readable" guide::history_readable;
    "deleted" "path-deleted" guide::deleted;
    "deleted-field" "path-deleted-field" guide::deleted_field;
    "deleted-segment" "path-deleted-segment" guide::deleted_segment;
    "timeline-link" "path-mapping" guide::timeline_link;
    "id-field" "path-id-field" guide::id_field;
    "timeline" "path-timeline" timeline::object;
    "timeline-shape" "path-timeline-shape" timeline::shape;
    "timeline-reference" "path-reference" timeline::reference;
    "timeline-layout" "path-layout" timeline::layout;
    "activity-types" "path-activity-types" guide::activity_types;
    "activities-sent" "path-activities" guide::activities_sent;
    "activities-held" "path-held" work::activities_held;
    "given-up" "path-queues" work::given_up;
    "conflicts" "path-conflicts" work::conflicts;
    "paused" "path-paused" work::paused;
    "brake" "path-brake" work::brake;
    "disk" "path-disk" work::disk;
    "files" "path-files" machine::files;
    "service" "path-service" machine::service;
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
        remedy: None,
    }
}

impl Seen {
    fn mended_by(self, remedy: Option<Remedy>) -> Self {
        Self { remedy, ..self }
    }
}

impl<'a> Facts<'a> {
    /// What Salesforce showed, or why nothing is known of it.
    fn salesforce(&self) -> Result<&'a SalesforceEvidence, Seen> {
        answered(self.evidence.map(|evidence| &evidence.salesforce))
    }

    fn automation(&self) -> Result<&'a AutomationEvidence, Seen> {
        answered(self.evidence.map(|evidence| &evidence.automation))
    }

    /// Salesforce as it described itself, whatever became of Automation.
    fn salesforce_described(&self) -> Result<&'a SalesforceDescription, Seen> {
        match (self.described, self.evidence) {
            (Some(described), _) => Ok(&described.salesforce),
            (None, None) => Err(not_described()),
            (None, Some(_)) => Ok(&self.salesforce()?.description),
        }
    }

    /// Automation's published fields of one kind, if the role shows them.
    fn automation_fields(&self, kind: Kind) -> Result<&'a [FieldDescription], Seen> {
        match (self.described, self.evidence) {
            (Some(described), _) => Ok(described.automation.fields(kind)),
            (None, None) => Err(not_described()),
            (None, Some(_)) => {
                let evidence = self.automation()?;
                let fields = match kind {
                    Kind::Person => &evidence.contact_fields,
                    Kind::Company => &evidence.company_fields,
                };
                Ok(part(Some(fields))?)
            }
        }
    }

    fn automation_instance(&self) -> Result<&'a str, Seen> {
        match (self.described, self.evidence) {
            (Some(described), _) => Ok(&described.automation.instance),
            (None, None) => Err(not_described()),
            (None, Some(_)) => Ok(&self.automation()?.instance),
        }
    }

    fn automation_version(&self) -> Result<&'a str, Seen> {
        match (self.described, self.evidence) {
            (Some(described), _) => Ok(&described.automation.version),
            (None, None) => Err(not_described()),
            (None, Some(_)) => Ok(part(Some(&self.automation()?.version))?),
        }
    }

    fn activity_types(&self) -> Result<&'a [String], Seen> {
        match (self.described, self.evidence) {
            (Some(described), _) => Ok(&described.automation.activity_types),
            (None, None) => Err(not_described()),
            (None, Some(_)) => Ok(part(Some(&self.automation()?.activity_types))?),
        }
    }

    /// A description holds nobody where the role shows no users, so what was looked at goes first.
    fn automation_users(&self) -> Result<&'a [User], Seen> {
        match (self.evidence, self.described) {
            (Some(_), _) => Ok(part(Some(&self.automation()?.users))?),
            (None, Some(described)) => Ok(&described.automation.users),
            (None, None) => Err(not_described()),
        }
    }

    /// Writes of this field, or of whole records, that the side refused.
    fn refusals(&self, side: Side) -> impl Iterator<Item = &'a Refused> {
        let refused = self.refused.iter();
        refused.filter(move |refused| refused.side == side)
    }

    /// An object or a field of the timeline, with the configured prefix.
    fn prefixed(&self, name: &str) -> String {
        prefixed(&self.policy.namespace, name)
    }
}

fn prefixed(namespace: &str, name: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}__{name}"),
    }
}

fn answered<T>(side: Option<&Result<T, Failure>>) -> Result<&T, Seen> {
    match side {
        None => Err(not_examined()),
        Some(Ok(evidence)) => Ok(evidence),
        Some(Err(failure)) => Err(unreadable(&failure.to_string())),
    }
}

const NOT_EXAMINED: &str = "seen-not-examined";

fn not_examined() -> Seen {
    seen(Severity::Unknown, NOT_EXAMINED, Vec::new())
}

impl Finding {
    /// As it is told by a bundle: what was not looked at before it was made cannot be looked at in it.
    #[must_use]
    pub fn out_of_reach(mut self) -> Self {
        if self.seen.says == NOT_EXAMINED {
            self.seen.says = "seen-not-in-bundle".into();
        }
        self
    }
}

fn unreadable(why: &str) -> Seen {
    seen(
        Severity::Unknown,
        "seen-unreadable",
        vec![("why", text(why))],
    )
}

/// What was read, or that it is unknown and why.
fn part<T>(part: Option<&Part<T>>) -> Result<&T, Seen> {
    match part {
        None => Err(not_examined()),
        Some(Part::Read(value)) => Ok(value),
        Some(Part::Unread(why)) => Err(unreadable(why)),
    }
}

/// A judgement that may end early because something is not known.
fn settled(judged: Result<Seen, Seen>) -> Seen {
    judged.unwrap_or_else(|unknown| unknown)
}

/// Names of what is wrong; good if there are none.
fn none_or_names(
    names: Vec<String>,
    good: &'static str,
    (severity, bad): (Severity, &'static str),
) -> Seen {
    if names.is_empty() {
        return seen(Severity::Ok, good, Vec::new());
    }
    let count = ("n", Told::Number(names.len() as u64));
    seen(severity, bad, vec![count, ("names", Told::Names(names))])
}

/// What only the two systems' descriptions can tell.
fn not_described() -> Seen {
    seen(Severity::Unknown, "seen-not-described", Vec::new())
}

fn text(text: impl Into<String>) -> Told {
    Told::Text(text.into())
}
