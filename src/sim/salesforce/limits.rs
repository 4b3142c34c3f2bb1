//! Allocation and metering, as an operation of the brain: every skin counts calls here.

use std::collections::BTreeMap;

use super::error::Outcome;
use super::error::{ApiError, ErrorCode};
use super::meter::CallKind;
use super::org::{Call, Salesforce};
use super::query::{Deleted, Page};
use super::soql::ast::Query;
use crate::sim::clock::Timestamp;

/// REST: subrequests of one composite, and how many of them may be collections or queries.
pub const SUBREQUESTS_MAX: usize = 25;
pub const HEAVY_SUBREQUESTS_MAX: usize = 5;

/// Use of the daily allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiUsage {
    pub used: u64,
    pub allowed: u64,
}

impl Salesforce {
    /// Counts one request, whatever it carries, and refuses it when the day's allocation is spent.
    /// Time-driven state is brought up to date first, so that every request sees the same world.
    pub fn begin_call(&mut self, kind: CallKind, now: Timestamp) -> Outcome<()> {
        self.advance(now);
        self.meter.count(kind, now)
    }

    pub fn api_usage(&mut self, now: Timestamp) -> ApiUsage {
        ApiUsage {
            used: self.meter.used(now),
            allowed: self.meter.allowed,
        }
    }

    /// Calls so far, per kind; refused ones included.
    pub fn calls(&self) -> &BTreeMap<CallKind, u64> {
        self.meter.kinds()
    }

    pub fn set_daily_allocation(&mut self, allowed: u64) {
        self.meter.allowed = allowed;
    }

    /// Calls other integrations of the organisation made: they spend the same allocation.
    pub fn spend_calls(&mut self, calls: u64, now: Timestamp) {
        self.meter.add(calls, now);
    }

    /// Up to five queries in one request, as a composite carries them. Counts one call.
    pub fn composite_queries(
        &mut self,
        call: &Call,
        queries: &[(Query, Deleted)],
    ) -> Outcome<Vec<Outcome<Page>>> {
        self.begin_call(CallKind::Composite, call.now)?;
        check_composite(queries.len(), queries.len())?;
        Ok(queries
            .iter()
            .map(|(query, deleted)| self.query(call, query, *deleted))
            .collect())
    }
}

/// The bounds of a composite.
pub fn check_composite(subrequests: usize, heavy: usize) -> Outcome<()> {
    let refused = |message: String| Err(ApiError::new(ErrorCode::LIMIT_EXCEEDED, message));
    if subrequests > SUBREQUESTS_MAX {
        return refused(format!(
            "Limit of {SUBREQUESTS_MAX} reached for operations in composite"
        ));
    }
    if heavy > HEAVY_SUBREQUESTS_MAX {
        return refused(format!(
            "Limit of {HEAVY_SUBREQUESTS_MAX} reached for query and collection operations in \
             composite"
        ));
    }
    Ok(())
}
