//! What screens ask for beyond the snapshot, and what comes back. A question carries a ticket; an
//! answer whose ticket nobody waits for any more is dropped.

use std::collections::BTreeMap;

use crate::domain::activity::HeldActivity;
use crate::domain::conflict::Conflict;
use crate::domain::exchange::Exchange;
use crate::domain::ids::{FieldId, LinkId, RemoteId};
use crate::domain::link::{Link, Pending};
use crate::domain::record::{Act, Counts, HistoryEntry};
use crate::domain::time::Timestamp;
use crate::domain::trace::Step;

/// Tells the answer to one question from that to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Standing(Counts),
    Conflicts(Page<ConflictRow>),
    Queues(Queues),
    Held(Held),
    Person(Option<Box<Person>>),
    Found(Page<Brief>),
    /// Each with its name.
    Links(Vec<(Link, String)>),
    LastAct(Option<Box<UndoPreview>>),
}

/// Rows of a list, with how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Not shown, because nobody reads a longer list.
    pub more: u64,
}

/// A person or company in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    pub id: LinkId,
    /// The e-mail address or company name; empty if neither side shows one.
    pub name: String,
    pub records: Vec<RemoteId>,
    pub conflicts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    pub brief: Brief,
    pub conflicts: Vec<Conflict>,
    /// When the oldest of them was raised.
    pub raised: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Queues {
    pub writes: Page<QueuedWrite>,
    pub held: Page<HeldActivity>,
    /// Links of every write that was given up, by the system's code. Whole, whatever is shown.
    pub dead: BTreeMap<String, Vec<LinkId>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub rows: Page<HeldRow>,
}

/// An activity that could not be sent, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldRow {
    pub brief: Brief,
    pub held: HeldActivity,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueuedWrite {
    pub brief: Brief,
    pub pending: Pending,
}

/// Entries of one contact's history that are shown.
pub const HISTORY_MAX: usize = 200;

/// One person or company with everything that is known about it.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub struct UndoPreview {
    pub act: Act,
    pub links: Vec<(Link, String)>,
}
