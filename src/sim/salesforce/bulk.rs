//! Bulk API 2.0: jobs that take a file, work on it later, and give the rows back in another order.

pub mod csv;
mod ingest;
mod query;

use std::collections::BTreeMap;

pub use ingest::{Ingest, NewIngest, Operation};
pub use query::{BulkPage, BulkQuery};

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::{KeyPrefix, RecordId};
use super::org::Salesforce;
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl JobState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    pub const fn is_over(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// How long jobs wait and work.
#[derive(Clone, Copy, Debug)]
pub struct BulkPace {
    pub queued_ms: i64,
    pub per_thousand_rows_ms: i64,
    /// Ends the next ingest job as failed after so many rows, the rest unprocessed.
    pub fails_after_rows: Option<usize>,
}

impl Default for BulkPace {
    fn default() -> Self {
        Self {
            queued_ms: 2_000,
            per_thousand_rows_ms: 1_500,
            fails_after_rows: None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) pace: BulkPace,
    pub(crate) ingests: BTreeMap<RecordId, Ingest>,
    pub(crate) queries: BTreeMap<RecordId, BulkQuery>,
    serial: u64,
}

impl Jobs {
    fn next_id(&mut self) -> RecordId {
        self.serial += 1;
        KeyPrefix::parse("750").map_or(RecordId::from_u64(self.serial), |jobs| jobs.id(self.serial))
    }
}

/// When a closed job starts and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) starts: Timestamp,
    pub(crate) ends: Timestamp,
}

impl Salesforce {
    pub fn set_bulk_pace(&mut self, pace: BulkPace) {
        self.jobs.pace = pace;
    }

    pub(crate) fn schedule(&self, now: Timestamp, rows: usize) -> Schedule {
        let pace = self.jobs.pace;
        let starts = now.plus_millis(pace.queued_ms);
        let thousands = rows.div_ceil(1_000) as i64;
        Schedule {
            starts,
            ends: starts.plus_millis(thousands * pace.per_thousand_rows_ms),
        }
    }

    /// Jobs whose time has come do their work, in the order they end.
    pub(crate) fn advance_jobs(&mut self, now: Timestamp) {
        self.advance_ingests(now);
        self.advance_bulk_queries(now);
    }
}

fn no_such_job() -> ApiError {
    ApiError::resource_missing()
}

fn wrong_state(state: JobState) -> ApiError {
    let message = format!("Invalid job state for this operation: {}", state.name());
    ApiError::new(ErrorCode::INVALIDJOBSTATE, message)
}

fn invalid_job(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALIDJOB, message)
}

/// A job answers only under the version it was made with.
fn check_version(made_with: &str, asked_with: &str) -> Outcome<()> {
    if made_with == asked_with {
        return Ok(());
    }
    let message = format!("API version mismatch: the job was created with {made_with}");
    Err(ApiError::new(ErrorCode::VERSION_MISMATCH, message))
}
