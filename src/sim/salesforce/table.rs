//! The records of one object: slots by serial, a stamp index, equality indexes, the delete log, and
//! the versions readers still see while a newer one waits to become visible.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::ids::{KeyPrefix, RecordId};
use super::schema::{ObjectDef, Source, Trait};
use super::value::{Cells, FieldIndex, OwnedValue, Value};
use crate::sim::clock::Timestamp;

/// Serials start well above zero, as in an organisation with a past.
const SERIAL_FIRST: u64 = 38_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub created: Timestamp,
    pub created_by: RecordId,
    pub modified: Timestamp,
    pub modified_by: RecordId,
    pub stamp: Timestamp,
    pub is_deleted: bool,
    pub cells: Cells,
}

/// One entry of the delete log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub id: RecordId,
    pub at: Timestamp,
}

/// What readers see of a record until its newest version is committed.
#[derive(Clone, Debug)]
struct Shadow {
    until: Timestamp,
    /// When the hidden transaction took its stamp.
    since: Timestamp,
    before: Option<Record>,
}

#[derive(Clone, Debug)]
pub struct Table {
    prefix: KeyPrefix,
    slots: Vec<Option<Record>>,
    live: usize,
    by_stamp: BTreeSet<(Timestamp, RecordId)>,
    by_key: BTreeMap<FieldIndex, BTreeSet<(u64, RecordId)>>,
    shadows: BTreeMap<RecordId, Shadow>,
    pub deletions: Vec<Deletion>,
}

impl Table {
    pub fn new(object: &ObjectDef) -> Self {
        let mut table = Self {
            prefix: object.prefix,
            slots: Vec::new(),
            live: 0,
            by_stamp: BTreeSet::new(),
            by_key: BTreeMap::new(),
            shadows: BTreeMap::new(),
            deletions: Vec::new(),
        };
        table.index_fields(object);
        table
    }

    /// Builds the indexes that the object's fields ask for and the table does not have yet.
    pub fn index_fields(&mut self, object: &ObjectDef) {
        for (field, definition) in object.fields() {
            let wants = definition.is(Trait::Indexed) && definition.source == Source::Cell;
            if !wants || self.by_key.contains_key(&field) {
                continue;
            }
            let keys = self
                .records()
                .filter_map(|(id, record)| record.cells.get(field).key().map(|key| (key, id)));
            let index = keys.collect();
            self.by_key.insert(field, index);
        }
    }

    /// Drops the indexes of places that the object does not have.
    pub fn forget_indexes(&mut self, object: &ObjectDef) {
        self.by_key
            .retain(|field, _| usize::from(field.0) < object.places());
    }

    pub fn next_id(&self) -> RecordId {
        self.prefix.id(SERIAL_FIRST + self.slots.len() as u64)
    }

    fn slot(&self, id: RecordId) -> Option<usize> {
        let slot = id.serial().checked_sub(SERIAL_FIRST)? as usize;
        (id.prefix() == self.prefix && slot < self.slots.len()).then_some(slot)
    }

    /// The newest version, committed or not.
    pub fn get(&self, id: RecordId) -> Option<&Record> {
        self.slots[self.slot(id)?].as_ref()
    }

    /// What a reader sees.
    pub fn visible(&self, id: RecordId) -> Option<&Record> {
        if !self.shadows.is_empty()
            && let Some(shadow) = self.shadows.get(&id)
        {
            return shadow.before.as_ref();
        }
        self.get(id)
    }

    pub fn records(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.slots.iter().enumerate().filter_map(|(slot, record)| {
            record
                .as_ref()
                .map(|record| (self.prefix.id(SERIAL_FIRST + slot as u64), record))
        })
    }

    /// Records not in the Recycle Bin.
    pub const fn live(&self) -> usize {
        self.live
    }

    /// Puts a version in place (none removes the record for good) and gives back the earlier one.
    pub fn put(&mut self, id: RecordId, record: Option<Record>) -> Option<Record> {
        let slot = (id.serial() - SERIAL_FIRST) as usize;
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        let before = self.slots[slot].take();
        self.reindex(id, before.as_ref(), record.as_ref());
        let counts = |record: Option<&Record>| usize::from(record.is_some_and(|r| !r.is_deleted));
        self.live = self.live + counts(record.as_ref()) - counts(before.as_ref());
        self.slots[slot] = record;
        before
    }

    fn reindex(&mut self, id: RecordId, before: Option<&Record>, after: Option<&Record>) {
        if before.map(|record| record.stamp) != after.map(|record| record.stamp) {
            if let Some(before) = before {
                self.by_stamp.remove(&(before.stamp, id));
            }
            if let Some(after) = after {
                self.by_stamp.insert((after.stamp, id));
            }
        }
        for (field, index) in &mut self.by_key {
            let key = |record: Option<&Record>| record.and_then(|r| r.cells.get(*field).key());
            let (old, new) = (key(before), key(after));
            if old == new {
                continue;
            }
            if let Some(old) = old {
                index.remove(&(old, id));
            }
            if let Some(new) = new {
                index.insert((new, id));
            }
        }
    }

    /// Hides the newest version from readers until an instant.
    pub fn shadow(
        &mut self,
        id: RecordId,
        before: Option<Record>,
        since: Timestamp,
        until: Timestamp,
    ) {
        let shadow = self.shadows.entry(id).or_insert(Shadow {
            until,
            since,
            before,
        });
        shadow.until = shadow.until.max(until);
        shadow.since = shadow.since.min(since);
    }

    /// Lets readers see what was committed by now.
    pub fn settle(&mut self, now: Timestamp) {
        if !self.shadows.is_empty() {
            self.shadows.retain(|_, shadow| shadow.until > now);
        }
    }

    /// When the oldest transaction still open took its stamp.
    pub fn open_since(&self) -> Option<Timestamp> {
        self.shadows.values().map(|shadow| shadow.since).min()
    }

    /// Ids whose stamp lies in `[from, to]`, by stamp then id, plus every record that is hidden and
    /// may look different to readers (at the end, because the caller tests and sorts anyway).
    pub fn in_window(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = RecordId> {
        let low = Bound::Included((from, RecordId::from_u64(0)));
        let high = Bound::Included((to, RecordId::from_u64(u64::MAX)));
        let range = (from <= to).then(|| self.by_stamp.range((low, high)));
        range
            .into_iter()
            .flatten()
            .map(|(_, id)| *id)
            .filter(|id| !self.shadows.contains_key(id))
            .chain(self.shadowed())
    }

    pub fn shadowed(&self) -> impl Iterator<Item = RecordId> {
        self.shadows.keys().copied()
    }

    pub fn has_shadows(&self) -> bool {
        !self.shadows.is_empty()
    }

    pub fn is_indexed(&self, field: FieldIndex) -> bool {
        self.by_key.contains_key(&field)
    }

    /// Ids whose indexed field may equal the value: equal keys are a hint to be verified.
    pub fn by_key(&self, field: FieldIndex, value: &Value<'_>) -> impl Iterator<Item = RecordId> {
        let range = self
            .by_key
            .get(&field)
            .zip(value.key())
            .map(|(index, key)| {
                index.range((key, RecordId::from_u64(0))..=(key, RecordId::from_u64(u64::MAX)))
            });
        range.into_iter().flatten().map(|(_, id)| *id)
    }

    /// Newest versions, Recycle Bin excluded, whose cell equals the value.
    pub fn holders(
        &self,
        field: FieldIndex,
        value: &OwnedValue,
        case_sensitive: bool,
    ) -> Vec<RecordId> {
        let holds = |record: &Record| {
            !record.is_deleted
                && record.cells.get(field).compare(value, case_sensitive)
                    == Some(std::cmp::Ordering::Equal)
        };
        if self.is_indexed(field) {
            let found = self.by_key(field, value);
            return found
                .filter(|id| self.get(*id).is_some_and(holds))
                .collect();
        }
        self.records()
            .filter(|(_, record)| holds(record))
            .map(|(id, _)| id)
            .collect()
    }
}
