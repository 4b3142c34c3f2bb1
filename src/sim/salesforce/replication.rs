//! Which ids changed or went away in a window: `updated` and `deleted`.

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::Salesforce;
use super::schema::ObjectIndex;
use super::table::Deletion;
use crate::sim::clock::{DAY_MS, MINUTE_MS, Timestamp};

/// Replication: how far back each list reaches.
const UPDATED_REACH_MS: i64 = 30 * DAY_MS;
const DELETED_REACH_MS: i64 = 15 * DAY_MS;
/// Replication: ids of one answer.
const IDS_MAX: usize = 600_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    pub ids: Vec<RecordId>,
    pub latest_covered: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    pub records: Vec<Deletion>,
    pub earliest_available: Timestamp,
    pub latest_covered: Timestamp,
}

impl Salesforce {
    pub fn updated(
        &self,
        object: ObjectIndex,
        window: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Outcome<Updated> {
        let (start, end) = self.bounds(window, now, UPDATED_REACH_MS)?;
        let table = self.table(object);
        let is_changed = |id: &RecordId| {
            table.visible(*id).is_some_and(|record| {
                !record.is_deleted && record.stamp >= start && record.stamp <= end
            })
        };
        let mut ids: Vec<RecordId> = table.in_window(start, end).filter(is_changed).collect();
        check_count(ids.len())?;
        ids.sort_unstable();
        Ok(Updated {
            ids,
            latest_covered: self.covered(object, end, now),
        })
    }

    pub fn deleted(
        &self,
        object: ObjectIndex,
        window: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Outcome<Deleted> {
        let (start, end) = self.bounds(window, now, DELETED_REACH_MS)?;
        let table = self.table(object);
        let earliest_available = table
            .deletions
            .first()
            .map_or(self.config.created, |one| one.at);
        // A deletion still hidden by a slow commit is not in the log yet.
        let is_known = |entry: &&Deletion| {
            entry.at >= start
                && entry.at <= end
                && table
                    .visible(entry.id)
                    .is_none_or(|record| record.is_deleted)
        };
        let mut records: Vec<Deletion> = table.deletions.iter().filter(is_known).copied().collect();
        check_count(records.len())?;
        records.sort_unstable_by_key(|entry| (entry.at, entry.id));
        Ok(Deleted {
            records,
            earliest_available,
            latest_covered: self.covered(object, end, now),
        })
    }

    /// A job that runs every two hours drops old entries of the delete log.
    pub fn purge_deletions(&mut self, object: ObjectIndex, before: Timestamp) {
        self.purge_delete_log(object, before);
    }

    /// With a long transaction running, coverage stays at its start.
    fn covered(&self, object: ObjectIndex, end: Timestamp, now: Timestamp) -> Timestamp {
        let until = end.whole_minute().min(now.whole_minute());
        let open = self.table(object).open_since().map(Timestamp::whole_minute);
        open.map_or(until, |open| until.min(open))
    }

    /// Seconds are cut off both bounds; the start must come more than a minute before the end, and not
    /// before there was an organisation.
    fn bounds(
        &self,
        (start, end): (Timestamp, Timestamp),
        now: Timestamp,
        reach_ms: i64,
    ) -> Outcome<(Timestamp, Timestamp)> {
        let is_apart = end.millis_since(start) > MINUTE_MS;
        let (start, end) = (start.whole_minute(), end.whole_minute());
        let invalid =
            |message: &str| Err(ApiError::new(ErrorCode::INVALID_REPLICATION_DATE, message));
        if !is_apart {
            return invalid("startDate must precede endDate by more than one minute");
        }
        if now.millis_since(start) > reach_ms {
            return invalid("startDate is too far in the past");
        }
        if start < self.config.created.whole_minute() {
            return invalid("startDate is before the organization was created");
        }
        // The last minute counts whole.
        Ok((start, end.plus_millis(MINUTE_MS - 1)))
    }
}

fn check_count(ids: usize) -> Outcome<()> {
    if ids > IDS_MAX {
        let message = "too many ids in the window";
        return Err(ApiError::new(ErrorCode::EXCEEDED_ID_LIMIT, message));
    }
    Ok(())
}
