//! What the store keeps, and the changes of it that the engine asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::activity::HeldActivity;
use super::command::Queue;
use super::consent::{Consent, Dated};
use super::cursor::{Coverage, Cursor, Stream};
use super::ids::{AutomationId, FieldId, Kind, LinkId, RemoteId, RunId, SalesforceId, Side};
use super::link::{Base, FieldState, Link, Mark, MatchKey};
use super::mapping::Policy;
use super::setup::{Suspension, Timetable};
use super::time::Timestamp;
use super::value::Value;

/// Changes that become durable together or not at all, applied in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch(pub Vec<Change>);

#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Replaces the link and every index entry that its former version had.
    PutLink(Box<Link>),
    RemoveLink(LinkId),
    PutSuppression(Suppression),
    PutHeldActivity(HeldActivity),
    /// By event reference.
    RemoveHeldActivity(String),
    /// Events of this link that are in Salesforce now. Hashes of the full reference.
    AddSent(LinkId, Vec<u64>),
    AddHistory(LinkId, HistoryEntry),
    AddAct(Act),
    PutCursor(Stream, Cursor),
    PutCoverage(Side, Coverage),
    PutTally(Tally),
    PutPolicy(Box<PolicyVersion>),
    /// All of them, in the place of those before.
    PutSuspensions(Vec<Suspension>),
    /// The links of this address must be looked at together.
    AddUnpaired(MatchKey),
    /// They were.
    RemoveUnpaired(MatchKey),
    PutReview(Review),
    /// Everybody was looked at.
    EndReview,
    PutPlan(Plan),
    RemovePlan(RunId),
    /// What a backup brought back was compared with both systems: `Recovered::is_restored` ends.
    ConfirmRestored,
}

/// How a link can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKey {
    Id(LinkId),
    Salesforce(SalesforceId),
    Automation(Kind, AutomationId),
    /// Finds every link that has the key, and the suppression of the address.
    Match(MatchKey),
}

/// What a lookup by keys found. Each link once, sorted by id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    pub links: Vec<Link>,
    pub suppressions: Vec<Suppression>,
    /// Hashes of the references already sent, for links that were asked for with their events.
    pub sent: BTreeMap<LinkId, Vec<u64>>,
}

/// An address that must not be mailed, whatever record it turns up on. Outlives its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub address: MatchKey,
    pub consent: Consent,
    pub opted_out: Dated,
}

/// One line of what happened to a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub run: RunId,
    pub what: Happened,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    Linked,
    Created(Side),
    /// A field was written; `before` is what that side had.
    Written {
        side: Side,
        field: FieldId,
        before: Value,
        after: Value,
    },
    /// An edit lost against the arrow; it can be restored.
    Overwritten {
        side: Side,
        field: FieldId,
        lost: Value,
        by: Value,
    },
    /// The system stored another form of what was written.
    StoredAs {
        side: Side,
        field: FieldId,
        sent: Value,
        stored: Value,
    },
    ConsentChanged {
        side: Side,
        before: Option<Consent>,
        after: Consent,
        proof: Option<Dated>,
        by_us: bool,
    },
    ConflictRaised(super::conflict::Subject),
    ConflictResolved {
        subject: super::conflict::Subject,
        by: String,
    },
    Deleted(Side),
    Restored(Side),
    /// The end now is another record: a conversion or a merge.
    Moved {
        side: Side,
        from: String,
        to: String,
    },
    Refused {
        side: Side,
        code: String,
        message: String,
    },
    Operator {
        by: String,
        act: String,
        reason: String,
    },
}

/// One operator's act, or one run, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub run: RunId,
    pub at: Timestamp,
    /// Login name, or `passerelle` for what the schedule did.
    pub operator: String,
    /// Where they sat, see [`Operator::from`](super::operator::Operator::from); empty in acts from
    /// before it was kept.
    #[serde(default)]
    pub from: String,
    pub act: String,
    pub object: String,
    /// Whom it was about, each once, in order.
    #[serde(default)]
    pub links: Vec<LinkId>,
    pub reason: String,
    /// What undo needs: every field that was decided, as it was before.
    pub undo: Vec<UndoStep>,
}

/// Acts whose object is a link's number, if they were about one link.
const ABOUT_LINKS: [&str; 8] = [
    "resolve",
    "retry",
    "discard",
    "read again",
    "set aside",
    "unlink",
    "take back",
    "make bundle",
];

/// Acts whose object is somebody's record or file.
const PUSH: &str = "push contact";
const NAMING: [&str; 3] = [PUSH, "export backup", "export audit"];

impl Act {
    /// Whether it was about contacts or companies, one or more.
    pub fn is_about_links(&self) -> bool {
        ABOUT_LINKS.contains(&self.act.as_str())
    }

    /// The one link that it was about.
    pub fn link(&self) -> Option<LinkId> {
        let object = self.is_about_links().then(|| self.object.parse().ok());
        object.flatten().map(LinkId)
    }

    /// Whether its object is a name that is for the audit alone.
    pub fn is_naming(&self) -> bool {
        NAMING.contains(&self.act.as_str())
    }

    /// The record of Automation that it was about, if no link knew that one.
    pub fn record(&self) -> Option<RemoteId> {
        let (object, id) = self.object.split_once(' ').filter(|_| self.act == PUSH)?;
        let kind = match object {
            "contact" => Kind::Person,
            "company" => Kind::Company,
            _ => return None,
        };
        Some(RemoteId::Automation(kind, AutomationId(id.parse().ok()?)))
    }
}

/// How one field stood before an operator's act, and what the act put on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    pub link: LinkId,
    pub before: FieldState,
    pub after: Base,
}

/// Counters that only grow, and the ids given out so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub next_link: u64,
    pub next_run: u64,
    /// Rows that were left out, by reason.
    pub ignored: BTreeMap<String, u64>,
    pub activities_sent: u64,
    /// Our own Salesforce calls of the last day, by hour since 1970: a restart does not forget what
    /// was spent.
    pub calls: Vec<(i64, u32)>,
    /// The brake was pulled, and nobody released it yet.
    pub is_braked: bool,
    /// What operators let nothing out of.
    pub paused: BTreeSet<Queue>,
}

/// The configuration that was in force from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    pub version: u32,
    pub at: Timestamp,
    pub author: String,
    pub policy: Policy,
    /// When the sync runs; `None` for as the instance file says.
    pub timetable: Option<Timetable>,
}

/// Everybody is looked at again by a configuration that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The version that it began with.
    pub version: u32,
    /// The last link that was looked at.
    pub after: Option<LinkId>,
    pub looked_at: u64,
    /// The records are read again, too: some mapped fields were not read before.
    pub reads: bool,
}

/// A backfill or a republish on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub run: RunId,
    pub kind: PlanKind,
    pub operator: String,
    pub reason: String,
    pub started: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Types of event, in the order in which they are read.
    pub kinds: Vec<String>,
    /// The next page to read: index into `kinds`, and its page.
    pub next: (u16, u32),
    pub examined: u64,
    pub sent: u64,
    pub already_there: u64,
    pub held: u64,
    pub is_paused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    Backfill,
    /// A backfill of the last 7 days under the guide's own name; the plugin is published when done.
    Republish,
}

/// What this store belongs to. Set at first use; anything else is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub organisation: String,
    pub is_sandbox: bool,
    pub automation: String,
}

/// All that the engine needs at a start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recovered {
    pub cursors: BTreeMap<Stream, Cursor>,
    pub coverage: BTreeMap<Side, Coverage>,
    pub tally: Tally,
    pub policy: Option<PolicyVersion>,
    pub suspended: Vec<Suspension>,
    /// Addresses whose links were not looked at together since something changed about one.
    pub unpaired: Vec<MatchKey>,
    pub review: Option<Review>,
    pub plans: Vec<Plan>,
    pub binding: Option<Binding>,
    pub counts: Counts,
    /// A backup was put back and `Change::ConfirmRestored` not committed since: read and compare
    /// before writing.
    pub is_restored: bool,
}

/// How many there are, kept up to date with every batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub links: u64,
    pub marks: BTreeMap<Mark, u64>,
    pub held_activities: u64,
    pub sent_activities: u64,
    /// Commits so far; orders what was added in them.
    pub commits: u64,
}

/// Which links to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    All,
    Marked(Mark),
}

/// A page of links by id, after one id, at most so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkPage {
    pub listing: Listing,
    pub after: Option<LinkId>,
    pub size_max: usize,
}

/// Links by the words of their names, in the order of their ids, after one id, at most so many. All
/// words must match; each is the beginning of one of the link's, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPage {
    pub words: Vec<String>,
    pub after: Option<LinkId>,
    pub size_max: usize,
}

/// What a lookup by words found in one step of a few milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Named {
    pub links: Vec<Link>,
    /// After which to look on; `None` at the end.
    pub after: Option<LinkId>,
}
