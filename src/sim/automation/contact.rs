//! Contact records, compact, with the indexes that lists and matching need.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

use super::author::AuthorId;
use super::field::Position;
use super::segment::StageId;
use super::user::UserId;
use super::value::{Value, Values};
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactId(pub u32);

impl fmt::Display for ContactId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Why an address may not be mailed. Contactable is the absence of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Unsubscribed,
    Bounced,
    Manual,
}

impl Reason {
    pub const fn code(self) -> i64 {
        match self {
            Self::Unsubscribed => 1,
            Self::Bounced => 2,
            Self::Manual => 3,
        }
    }

    pub const fn coded(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Unsubscribed),
            2 => Some(Self::Bounced),
            3 => Some(Self::Manual),
            _ => None,
        }
    }
}

/// One do-not-contact row; a contact has at most one per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Dnc {
    pub id: u32,
    pub channel: Box<str>,
    pub reason: Reason,
    pub comments: Box<str>,
    pub channel_id: Option<u32>,
    pub added: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagId(pub u32);

/// When, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub at: Timestamp,
    pub by: AuthorId,
}

/// The last edit. A save that changes nothing leaves its author without a date; a company link
/// leaves a date without a new author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastEdit {
    /// None until the first edit.
    pub at: Option<Timestamp>,
    pub by: Option<AuthorId>,
}

impl From<Option<Stamp>> for LastEdit {
    fn from(stamp: Option<Stamp>) -> Self {
        Self {
            at: stamp.map(|stamp| stamp.at),
            by: stamp.map(|stamp| stamp.by),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub id: ContactId,
    /// Every field except points and last_active, which are members of the record.
    pub values: Values,
    pub points: i64,
    pub owner: Option<UserId>,
    pub stage: Option<StageId>,
    pub tags: Vec<TagId>,
    pub dnc: Vec<Dnc>,
    pub addresses: Vec<Box<str>>,
    pub added: Stamp,
    pub modified: LastEdit,
    /// None for an anonymous visitor.
    pub identified: Option<Timestamp>,
    pub last_active: Option<Timestamp>,
}

impl Contact {
    pub fn is_anonymous(&self) -> bool {
        self.identified.is_none()
    }

    pub fn dnc_on(&self, channel: &str) -> Option<&Dnc> {
        self.dnc.iter().find(|row| &*row.channel == channel)
    }
}

/// What the indexes hold about one record.
#[derive(PartialEq)]
struct Keys {
    added: Timestamp,
    modified: Option<Timestamp>,
    unique: Vec<(Position, Box<str>)>,
    dnc: Vec<u32>,
}

/// All contacts, and who was merged into whom.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    records: BTreeMap<ContactId, Contact>,
    by_added: BTreeSet<(Timestamp, ContactId)>,
    by_modified: BTreeSet<(Timestamp, ContactId)>,
    /// Values of unique identifier fields in lower case: the database compares without case.
    by_unique: BTreeMap<Position, BTreeSet<(Box<str>, ContactId)>>,
    by_dnc: BTreeMap<u32, ContactId>,
    merged: BTreeMap<ContactId, ContactId>,
    last_id: u32,
}

impl Contacts {
    /// Adds a record under the next id.
    pub fn insert(
        &mut self,
        unique: &[Position],
        make: impl FnOnce(ContactId) -> Contact,
    ) -> ContactId {
        self.last_id += 1;
        let id = ContactId(self.last_id);
        let contact = make(id);
        self.index(id, &keys(&contact, unique));
        self.records.insert(id, contact);
        id
    }

    /// Changes a record and keeps the indexes true.
    pub fn edit<T>(
        &mut self,
        id: ContactId,
        unique: &[Position],
        change: impl FnOnce(&mut Contact) -> T,
    ) -> Option<T> {
        let contact = self.records.get_mut(&id)?;
        let before = keys(contact, unique);
        let outcome = change(contact);
        let after = keys(contact, unique);
        if before != after {
            self.unindex(id, &before);
            self.index(id, &after);
        }
        Some(outcome)
    }

    pub fn remove(&mut self, id: ContactId, unique: &[Position]) -> Option<Contact> {
        let contact = self.records.remove(&id)?;
        self.unindex(id, &keys(&contact, unique));
        Some(contact)
    }

    /// Rebuilds the index of unique values after the set of unique fields changed.
    pub fn reindex_unique(&mut self, unique: &[Position]) {
        self.by_unique.clear();
        let all: Vec<(ContactId, Keys)> = self
            .records
            .values()
            .map(|contact| (contact.id, keys(contact, unique)))
            .collect();
        for (id, keys) in all {
            for (position, text) in keys.unique {
                self.by_unique
                    .entry(position)
                    .or_default()
                    .insert((text, id));
            }
        }
    }

    pub fn note_merge(&mut self, loser: ContactId, winner: ContactId) {
        self.merged.insert(loser, winner);
    }

    pub fn by_id(&self, id: ContactId) -> Option<&Contact> {
        self.records.get(&id)
    }

    /// The record, or the one it was merged into, however long the chain.
    pub fn resolve(&self, id: ContactId) -> Option<&Contact> {
        let mut id = id;
        loop {
            match self.records.get(&id) {
                Some(contact) => return Some(contact),
                None => id = *self.merged.get(&id)?,
            }
        }
    }

    /// The id the youngest contact got, deleted ones included.
    pub const fn last_id(&self) -> ContactId {
        ContactId(self.last_id)
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Contact> {
        self.records.values()
    }

    pub fn between(&self, range: Range<ContactId>) -> impl DoubleEndedIterator<Item = &Contact> {
        self.records
            .range(range.bounds())
            .map(|(_, contact)| contact)
    }

    pub fn modified_between(
        &self,
        range: Range<Timestamp>,
    ) -> impl DoubleEndedIterator<Item = ContactId> {
        self.by_modified.range(pairs(range)).map(|(_, id)| *id)
    }

    pub fn added_between(
        &self,
        range: Range<Timestamp>,
    ) -> impl DoubleEndedIterator<Item = ContactId> {
        self.by_added.range(pairs(range)).map(|(_, id)| *id)
    }

    /// Contacts whose unique field starts with the text, in lower case; `None` if it is not unique.
    pub fn unique_prefixed<'a>(
        &'a self,
        position: Position,
        prefix: &'a str,
    ) -> Option<impl Iterator<Item = (&'a str, ContactId)> + 'a> {
        let index = self.by_unique.get(&position)?;
        let from = (Box::from(prefix), ContactId(0));
        let found = index
            .range(from..)
            .take_while(move |(text, _)| text.starts_with(prefix));
        Some(found.map(|(text, id)| (&**text, *id)))
    }

    /// Contacts whose unique field has exactly that value, whatever the letter case.
    pub fn unique_equal(&self, position: Position, text: &str) -> Vec<ContactId> {
        let text = text.to_lowercase();
        match self.unique_prefixed(position, &text) {
            Some(found) => found
                .filter(|(key, _)| *key == text)
                .map(|(_, id)| id)
                .collect(),
            None => Vec::new(),
        }
    }

    /// Do-not-contact rows in order of their ids.
    pub fn dnc_rows(&self) -> impl DoubleEndedIterator<Item = (ContactId, &Dnc)> {
        self.by_dnc.iter().filter_map(|(row, id)| {
            let contact = self.records.get(id)?;
            Some((*id, contact.dnc.iter().find(|dnc| dnc.id == *row)?))
        })
    }

    fn index(&mut self, id: ContactId, keys: &Keys) {
        self.by_dnc.extend(keys.dnc.iter().map(|row| (*row, id)));
        self.by_added.insert((keys.added, id));
        if let Some(modified) = keys.modified {
            self.by_modified.insert((modified, id));
        }
        for (position, text) in &keys.unique {
            self.by_unique
                .entry(*position)
                .or_default()
                .insert((text.clone(), id));
        }
    }

    fn unindex(&mut self, id: ContactId, keys: &Keys) {
        for row in &keys.dnc {
            self.by_dnc.remove(row);
        }
        self.by_added.remove(&(keys.added, id));
        if let Some(modified) = keys.modified {
            self.by_modified.remove(&(modified, id));
        }
        for (position, text) in &keys.unique {
            if let Some(index) = self.by_unique.get_mut(position) {
                index.remove(&(text.clone(), id));
            }
        }
    }
}

fn keys(contact: &Contact, unique: &[Position]) -> Keys {
    let unique = unique.iter().filter_map(|position| {
        let text = contact.values.at(*position).to_text()?;
        Some((*position, text.to_lowercase().into_boxed_str()))
    });
    Keys {
        added: contact.added.at,
        modified: contact.modified.at,
        unique: unique.collect(),
        dnc: contact.dnc.iter().map(|row| row.id).collect(),
    }
}

/// Inclusive bounds, either open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    pub from: Option<T>,
    pub to: Option<T>,
}

impl<T: Copy + Ord> Range<T> {
    pub const OPEN: Self = Self {
        from: None,
        to: None,
    };

    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    pub fn is_empty(&self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if from > to)
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            from: self.from.max(other.from),
            to,
        }
    }

    /// The smallest range holding what either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let both = |one: Option<T>, two: Option<T>, pick: fn(T, T) -> T| Some(pick(one?, two?));
        Self {
            from: both(self.from, other.from, T::min),
            to: both(self.to, other.to, T::max),
        }
    }

    fn bounds(self) -> (Bound<T>, Bound<T>) {
        if let (true, Some(from)) = (self.is_empty(), self.from) {
            // The map panics on crossed bounds; this pair holds nothing.
            return (Bound::Included(from), Bound::Excluded(from));
        }
        let bound = |edge: Option<T>| edge.map_or(Bound::Unbounded, Bound::Included);
        (bound(self.from), bound(self.to))
    }
}

fn pairs(
    range: Range<Timestamp>,
) -> (Bound<(Timestamp, ContactId)>, Bound<(Timestamp, ContactId)>) {
    let range = Range {
        from: range.from.map(|moment| (moment, ContactId(0))),
        to: range.to.map(|moment| (moment, ContactId(u32::MAX))),
    };
    range.bounds()
}

/// The text of a value, empty for null.
pub fn text_of(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}
