//! Counting calls: against the organisation's rolling allocation, and per kind for whoever wants
//! to know what a piece of work cost.

use std::collections::{BTreeMap, VecDeque};

use super::error::{ApiError, ErrorCode, Outcome};
use crate::sim::clock::{DAY_MS, MINUTE_MS, Timestamp};

/// What kind of request a call is. One composite is one call, whatever it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    Query,
    QueryMore,
    RowRead,
    RowWrite,
    CollectionRead,
    CollectionWrite,
    Composite,
    Batch,
    Replication,
    Describe,
    Limits,
    BulkIngest,
    BulkQuery,
    Tooling,
    Metadata,
    Identity,
    Other,
}

impl CallKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::QueryMore => "query-more",
            Self::RowRead => "row-read",
            Self::RowWrite => "row-write",
            Self::CollectionRead => "collection-read",
            Self::CollectionWrite => "collection-write",
            Self::Composite => "composite",
            Self::Batch => "batch",
            Self::Replication => "replication",
            Self::Describe => "describe",
            Self::Limits => "limits",
            Self::BulkIngest => "bulk-ingest",
            Self::BulkQuery => "bulk-query",
            Self::Tooling => "tooling",
            Self::Metadata => "metadata",
            Self::Identity => "identity",
            Self::Other => "other",
        }
    }
}

/// Rolling use is kept per bucket of this length: forgetting a whole bucket at once is close
/// enough to 24 hours, and bounds the memory of a busy day.
const BUCKET_MS: i64 = 5 * MINUTE_MS;

#[derive(Clone, Debug)]
pub(crate) struct Meter {
    pub(crate) allowed: u64,
    buckets: VecDeque<(i64, u64)>,
    used: u64,
    kinds: BTreeMap<CallKind, u64>,
}

impl Meter {
    pub(crate) const fn new(allowed: u64) -> Self {
        Self {
            allowed,
            buckets: VecDeque::new(),
            used: 0,
            kinds: BTreeMap::new(),
        }
    }

    pub(crate) fn count(&mut self, kind: CallKind, now: Timestamp) -> Outcome<()> {
        *self.kinds.entry(kind).or_default() += 1;
        self.forget(now);
        if self.used >= self.allowed {
            let message = "TotalRequests Limit exceeded.";
            return Err(ApiError::new(ErrorCode::REQUEST_LIMIT_EXCEEDED, message));
        }
        self.add(1, now);
        Ok(())
    }

    pub(crate) fn add(&mut self, calls: u64, now: Timestamp) {
        let bucket = now.as_millis().div_euclid(BUCKET_MS);
        self.used += calls;
        match self.buckets.back_mut() {
            Some((last, count)) if *last == bucket => *count += calls,
            _ => self.buckets.push_back((bucket, calls)),
        }
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.forget(now);
        self.used
    }

    pub(crate) fn kinds(&self) -> &BTreeMap<CallKind, u64> {
        &self.kinds
    }

    fn forget(&mut self, now: Timestamp) {
        let oldest = now.as_millis().saturating_sub(DAY_MS).div_euclid(BUCKET_MS);
        while let Some((bucket, calls)) = self.buckets.front().copied() {
            if bucket > oldest {
                return;
            }
            self.used -= calls;
            self.buckets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_forgotten_a_day_later_and_refused_calls_cost_nothing() {
        let mut meter = Meter::new(2);
        let start = Timestamp::from_seconds(1_772_612_102);
        for _ in 0..2 {
            meter.count(CallKind::Query, start).unwrap();
        }
        let refused = meter.count(CallKind::Query, start).unwrap_err();
        assert_eq!(
            (refused.code, refused.status),
            (ErrorCode::REQUEST_LIMIT_EXCEEDED, 403)
        );
        assert_eq!(meter.used(start), 2);
        let next_day = start.plus_millis(DAY_MS + BUCKET_MS);
        assert_eq!(meter.used(next_day), 0);
        assert!(meter.count(CallKind::Query, next_day).is_ok());
        assert_eq!(meter.kinds()[&CallKind::Query], 4);
    }
}
