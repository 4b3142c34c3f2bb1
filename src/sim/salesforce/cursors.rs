//! Query locators: where a client left off. They belong to the user who opened them and die after
//! two days, or when a fault says so.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::{KeyPrefix, RecordId};
use super::soql::bind::Bound;
use crate::sim::clock::{DAY_MS, Timestamp};

/// REST: a locator lives two days at most.
const LIFE_MS: i64 = 2 * DAY_MS;
/// A user may hold this many cursors open; the oldest gives way.
const OPEN_MAX: usize = 10;

/// Names a cursor and the next row to hand out: `01gQ70000000Lc2IAE-2000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locator {
    pub id: RecordId,
    pub offset: usize,
}

impl Locator {
    pub fn parse(text: &str) -> Option<Self> {
        let (id, offset) = text.split_once('-')?;
        Some(Self {
            id: RecordId::parse(id)?,
            offset: offset.parse().ok()?,
        })
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.id, self.offset)
    }
}

/// The ids a query selected; the values are read when a page is.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    pub(crate) user: RecordId,
    pub(crate) opened: Timestamp,
    pub(crate) query: Arc<Bound>,
    pub(crate) ids: Arc<[RecordId]>,
    pub(crate) page_size: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cursors {
    open: BTreeMap<RecordId, Cursor>,
    serial: u64,
}

impl Cursors {
    pub(crate) fn open(&mut self, cursor: Cursor) -> RecordId {
        let held = self
            .open
            .iter()
            .filter(|(_, open)| open.user == cursor.user);
        let held: Vec<RecordId> = held.map(|(id, _)| *id).collect();
        if held.len() >= OPEN_MAX {
            self.open.remove(&held[0]);
        }
        self.serial += 1;
        let prefix =
            KeyPrefix::parse("01g").map_or(RecordId::from_u64(0), |prefix| prefix.id(self.serial));
        self.open.insert(prefix, cursor);
        prefix
    }

    pub(crate) fn find(&self, locator: Locator, user: RecordId, now: Timestamp) -> Outcome<Cursor> {
        self.open
            .get(&locator.id)
            .filter(|cursor| cursor.user == user && now.millis_since(cursor.opened) <= LIFE_MS)
            .filter(|cursor| locator.offset <= cursor.ids.len())
            .cloned()
            .ok_or_else(invalid)
    }

    pub(crate) fn expire(&mut self) {
        self.open.clear();
    }
}

pub(crate) fn invalid() -> ApiError {
    ApiError::new(ErrorCode::INVALID_QUERY_LOCATOR, "invalid query locator")
}
