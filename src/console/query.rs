//! What screens ask for beyond the snapshot, and what comes back. A question carries a ticket; an
//! answer whose ticket nobody waits for any more is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::console::hidden::Hidden;
use crate::console::language::Tongue;
use crate::domain::access::{Access, Admitted, Why};
use crate::domain::activity::HeldActivity;
use crate::domain::audit::Verdict;
use crate::domain::conflict::Conflict;
use crate::domain::consent::ConsentState;
use crate::domain::doctor::{Finding, Severity};
use crate::domain::drift::Descriptions;
use crate::domain::exchange::Exchange;
use crate::domain::flag::{Flag, Matter};
use crate::domain::ids::{FieldId, Kind, LinkId, RemoteId, RunId, Side};
use crate::domain::link::{Link, Parked, Pending};
use crate::domain::mapping::Policy;
use crate::domain::record::{Act, Counts, HistoryEntry, PolicyVersion};
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::domain::row::RowState;
use crate::domain::setup::{Suspension, Timetable};
use crate::domain::time::Timestamp;
use crate::domain::trace::Step;
use crate::domain::value::Value;

/// Tells the answer to one question from that to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// How many there are of everything.
    Standing,
    Conflicts,
    Queues,
    /// Activities that could not be sent.
    Held,
    Person(LinkId),
    /// By e-mail address, either id, or a part of any text.
    Search(String),
    /// These links as they are now.
    Links(Vec<LinkId>),
    /// The last act that can be taken back.
    LastAct,
    /// Who is deleted or opted out.
    Flags,
    /// The last acts, newest first.
    Acts,
    /// One of them, with the contacts it touched.
    Act(Box<Act>),
    /// With the reason, which is on record before the file is there.
    ExportActs(Export, String),
    /// An incident bundle in the data folder, with one contact's part if one is named. The time names
    /// the file; the reason is on record before it is made.
    Bundle(Option<LinkId>, Timestamp, String),
    /// Whether anybody changed the audit.
    CheckAudit,
    /// What is configured.
    Plugin,
    /// A real contact or company with a value in that field.
    Example(Kind, FieldId),
    /// What that configuration would do, if it were the one in force.
    Forecast(Box<Policy>),
    /// What is wrong with the set-up, from what was read last.
    Doctor,
    /// The same, with both systems read first.
    Examine,
    /// What a remedy would send.
    Preview(Remedy),
    /// Make it, for this reason.
    Mend(Remedy, String),
    /// Whether both sides let us in.
    Access,
    /// Something is done about that.
    Admit(Side, Admit),
}

/// What is done about being let in at a side. Ends when the session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admit {
    Check,
    LogIn {
        /// That was asked for.
        secret: Option<Hidden>,
        reason: String,
    },
    /// Where the browser of a login under way ended.
    Redirected(Hidden),
    /// Waits for nobody any more.
    BreakOff,
    Revoke {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Standing(Counts),
    Conflicts(Page<ConflictRow>),
    Queues(Queues),
    Held(Held),
    Person(Option<Box<Person>>),
    Found(Found),
    /// Each with its name.
    Links(Vec<(Link, String)>),
    LastAct(Option<Box<UndoPreview>>),
    Flags(Page<FlagRow>),
    Acts(Acts),
    Act(Box<UndoPreview>),
    Exported(Exported),
    /// More than once: so far, then in the end.
    Checked(Box<Verdict>),
    Plugin(Box<Plugin>),
    Example(Option<Example>),
    /// More than once: so far, then in the end.
    Forecast(Box<Foreseen>),
    Doctor(Diagnosis),
    Access(Vec<Access>),
    /// More than once: how far it is, then what came of it.
    Admitted(Box<Admitted>),
    Mending(Box<Mending>),
}

/// Rows of a list, with how many there are in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Not shown, because nobody reads a longer list.
    pub more: u64,
}

/// Whom a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub page: Page<Brief>,
    pub searched: Searched,
}

/// How much was looked through. A search answers more than once, and ends with all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Searched {
    #[default]
    All,
    SoFar(u64),
}

/// A person or company in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    pub id: LinkId,
    /// The e-mail address or company name; empty if neither side shows one.
    pub name: String,
    pub records: Vec<RemoteId>,
    pub conflicts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRow {
    pub brief: Brief,
    pub conflicts: Vec<Conflict>,
    /// When the oldest of them was raised.
    pub raised: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queues {
    pub writes: Page<QueuedWrite>,
    pub held: Page<HeldRow>,
    /// Links of every write that was given up, by the system's code. Whole, whatever is shown.
    pub dead: BTreeMap<String, Vec<LinkId>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub rows: Page<HeldRow>,
}

/// An activity that could not be sent, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldRow {
    pub brief: Brief,
    pub held: HeldActivity,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedWrite {
    pub brief: Brief,
    pub pending: Pending,
}

/// Entries of one contact's history that are shown.
pub const HISTORY_MAX: usize = 200;

/// One person or company with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub link: Link,
    pub name: String,
    /// The rules that applied to each field whose sides differ, as the engine applied them.
    pub why: BTreeMap<FieldId, Vec<Step>>,
    /// Newest first, at most [`HISTORY_MAX`].
    pub history: Vec<HistoryEntry>,
    /// The latest requests about it and their answers, newest first. Forgotten when the process ends.
    pub exchanges: Vec<Exchange>,
}

/// An act, and the links it touched as they are now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoPreview {
    pub act: Act,
    pub links: Vec<(Link, String)>,
    /// What was done after it and cannot be taken back, newest first, if the last act was asked for.
    #[serde(default)]
    pub newer: Vec<Act>,
}

/// A deletion or an opt-out of one contact or company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagRow {
    pub brief: Brief,
    pub kind: Kind,
    pub flag: Flag,
    pub consent: ConsentState,
    /// Salesforce's record, then Automation's.
    pub states: [Option<RowState>; 2],
    /// Whether Automation shows the flag of a deletion.
    pub is_flagged: Option<bool>,
    pub parked: Option<Parked>,
}

/// Tells one entry of the flags from all others: a person can be deleted and opted out.
pub type FlagKey = (LinkId, Matter);

impl FlagRow {
    pub const fn key(&self) -> FlagKey {
        (self.brief.id, self.flag.matter)
    }

    /// By an operator, not by a rule.
    pub const fn is_set_aside(&self) -> bool {
        matches!(
            self.parked,
            Some(Parked::Quarantined { .. } | Parked::Unlinked)
        )
    }
}

/// The audit's last acts, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acts {
    pub rows: Vec<Act>,
    pub older: Older,
    /// What the first contact of each is called now.
    #[serde(default)]
    pub names: BTreeMap<LinkId, String>,
}

/// Whether there is more than what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Older {
    Nothing,
    /// Not counted: the store would have to be read to its beginning.
    NotShown,
}

/// What is to be written to a file in the data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub format: Format,
    pub wanted: Wanted,
    /// Names the file.
    pub at: Timestamp,
}

/// Which acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    All,
    One(RunId),
    /// What a filter keeps as it was typed, of all there are and not only of those shown.
    Filtered {
        typed: String,
        tongue: Tongue,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    Csv,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exported {
    Written {
        acts: u64,
        path: String,
    },
    Bundle {
        path: String,
    },
    /// Nothing was written, and why, in the system's words.
    Failed {
        path: String,
        error: String,
    },
}

/// Versions of the configuration that are shown.
pub const VERSIONS_MAX: usize = 50;

/// The configuration as the store and the process have it, beside the rules that the console knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plugin {
    /// The version in force, with its rules; 0 if none was ever stored.
    pub version: u32,
    pub policy: Arc<Policy>,
    pub timetable: Timetable,
    /// Rules of it that are left alone.
    pub suspended: Vec<Suspension>,
    /// As both systems described themselves last.
    pub described: Arc<Descriptions>,
    /// The number for the next rule: none that is kept ever had it.
    pub next: FieldId,
    /// Newest first, at most [`VERSIONS_MAX`] and one more to compare the last with.
    pub versions: Vec<PolicyVersion>,
}

/// Names of a forecast's contacts that are shown.
pub const SAMPLES_MAX: usize = 10;

/// What a configuration would do to everybody, counted without doing it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Foreseen {
    pub searched: Searched,
    /// Contacts and companies whose remembered values were looked at.
    pub looked_at: u64,
    /// Those of which something would be written.
    pub changed: u64,
    /// Values that would be written to each side.
    pub values: BTreeMap<Side, u64>,
    /// Counterparts that would be looked for on each side, and made where there is none.
    pub creations: BTreeMap<Side, u64>,
    /// Conflicts more than now, or fewer.
    pub conflicts: i64,
    /// Consents that would travel.
    pub consents: u64,
    /// Names of some that would change.
    pub samples: Vec<String>,
    /// Of pairs that were not read before; `None` if there is none.
    pub sample: Option<Sample>,
    /// Calls to each side: for reading everybody again and for the writes.
    pub calls: BTreeMap<Side, u64>,
}

/// Pairs that are new have to be read, and that is done for some only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sample {
    Read {
        looked_at: u64,
        changed: u64,
    },
    /// A side did not answer, and what it said.
    Unread(#[serde(deserialize_with = "why_or_words")] Why),
    /// No calls are left today for anything that can wait.
    NoCallsLeft,
}

/// A field as a real contact or company has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    pub link: LinkId,
    pub name: String,
    pub salesforce: Option<Value>,
    pub automation: Option<Value>,
}

/// Every check of the set-up, the worst first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub findings: Vec<Finding>,
    /// When the two systems described what the checks of fields go by.
    pub described: Timestamp,
    /// When the set-up beyond that was read; nobody looked yet if there is no time.
    #[serde(default)]
    pub examined: Option<Timestamp>,
}

/// What became of a remedy that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mending {
    Previewed(Preview),
    Made(Mended),
    Failed(#[serde(deserialize_with = "why_or_words")] Why),
}

/// Recordings of earlier versions have words alone.
pub(super) fn why_or_words<'de, D: Deserializer<'de>>(from: D) -> Result<Why, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Why(Why),
        Words(String),
    }
    Either::deserialize(from).map(|either| match either {
        Either::Why(why) => why,
        Either::Words(words) => Why::raw(words),
    })
}

impl Diagnosis {
    pub fn count(&self, severity: Severity) -> u64 {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.seen.severity == severity)
            .count() as u64
    }
}
