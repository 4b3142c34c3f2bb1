//! Query jobs: a statement that runs later, fetched as pages of CSV.

use std::sync::Arc;

use super::{JobState, Schedule, check_version, csv, no_such_job, wrong_state};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::query::Deleted;
use crate::sim::salesforce::schema::{FieldType, ObjectIndex};
use crate::sim::salesforce::soql::ast::{Item, Query, Select};
use crate::sim::salesforce::soql::bind::Bound;
use crate::sim::salesforce::value::Value;

/// Bulk: rows of one result page unless the client asks for fewer.
const PAGE_ROWS: usize = 50_000;
/// Bulk: result pages listed at a time for parallel download.
const PAGES_LISTED: usize = 5;

#[derive(Clone, Debug)]
pub struct BulkQuery {
    pub id: RecordId,
    pub user: RecordId,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub api_version: String,
    pub object: ObjectIndex,
    pub deleted: Deleted,
    pub state: JobState,
    schedule: Schedule,
    query: Arc<Bound>,
    ids: Vec<RecordId>,
}

impl BulkQuery {
    pub fn processed(&self) -> usize {
        self.ids.len()
    }
}

/// One page of a finished job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkPage {
    pub csv: String,
    pub records: usize,
    /// Where the next page starts; none at the end.
    pub next: Option<usize>,
}

impl Salesforce {
    pub fn open_bulk_query(
        &mut self,
        call: &Call,
        query: &Query,
        deleted: Deleted,
        api_version: &str,
    ) -> Outcome<RecordId> {
        let refused = |what: &str| {
            let message = format!("{what} is not supported in Bulk API 2.0 queries");
            Err(ApiError::new(ErrorCode("API_ERROR"), message))
        };
        match &query.select {
            Select::Count => return refused("COUNT()"),
            Select::Items(items)
                if items.iter().any(|item| matches!(item, Item::TypeOf { .. })) =>
            {
                return refused("TYPEOF");
            }
            Select::Items(_) if query.offset > 0 => return refused("OFFSET"),
            Select::Items(_) => {}
        }
        let bound = self.bind(call, query)?;
        if bound.columns.iter().any(|column| column.compound.is_some()) {
            return refused("selecting compound data");
        }
        let rows = self.count(bound.object);
        let schedule = self.schedule(call.now, rows / 10);
        let id = self.jobs.next_id();
        let job = BulkQuery {
            id,
            user: call.user,
            created: call.now,
            modified: call.now,
            api_version: api_version.to_owned(),
            object: bound.object,
            deleted,
            state: JobState::UploadComplete,
            schedule,
            query: Arc::new(bound),
            ids: Vec::new(),
        };
        self.jobs.queries.insert(id, job);
        Ok(id)
    }

    pub fn bulk_query(&self, id: RecordId, api_version: &str) -> Outcome<&BulkQuery> {
        let job = self.jobs.queries.get(&id).ok_or_else(no_such_job)?;
        check_version(&job.api_version, api_version)?;
        Ok(job)
    }

    pub fn bulk_queries(&self) -> impl Iterator<Item = &BulkQuery> {
        self.jobs.queries.values()
    }

    pub fn abort_bulk_query(&mut self, id: RecordId, now: Timestamp) -> Outcome<()> {
        let job = self.jobs.queries.get_mut(&id).ok_or_else(no_such_job)?;
        if job.state.is_over() {
            return Err(wrong_state(job.state));
        }
        job.state = JobState::Aborted;
        job.modified = now;
        Ok(())
    }

    pub fn delete_bulk_query(&mut self, id: RecordId) -> Outcome<()> {
        let job = self.jobs.queries.get(&id).ok_or_else(no_such_job)?;
        if !job.state.is_over() {
            return Err(wrong_state(job.state));
        }
        self.jobs.queries.remove(&id);
        Ok(())
    }

    /// A page of results from an offset on.
    pub fn bulk_results(
        &self,
        id: RecordId,
        offset: usize,
        rows_max: Option<usize>,
    ) -> Outcome<BulkPage> {
        let job = self.jobs.queries.get(&id).ok_or_else(no_such_job)?;
        if job.state != JobState::JobComplete {
            return Err(wrong_state(job.state));
        }
        let columns = &job.query.columns;
        let mut text = String::new();
        let names: Vec<String> = columns.iter().map(|column| column.path.join(".")).collect();
        csv::line(&mut text, names.iter().map(String::as_str), ',');
        let rows_max = rows_max.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS);
        let mut records = 0;
        for id in job.ids.iter().skip(offset).take(rows_max) {
            let Some(row) = self.row(job.object, *id, columns) else {
                continue;
            };
            let cells: Vec<String> = row
                .values
                .iter()
                .zip(columns)
                .map(|(value, column)| cell(value, column.kind))
                .collect();
            csv::line(&mut text, cells.iter().map(String::as_str), ',');
            records += 1;
        }
        let end = offset + rows_max;
        let next = (end < job.ids.len()).then_some(end);
        Ok(BulkPage {
            csv: text,
            records,
            next,
        })
    }

    /// Offsets of the next few pages, and whether more follow.
    pub fn bulk_result_pages(&self, id: RecordId, from: usize) -> Outcome<(Vec<usize>, bool)> {
        let job = self.jobs.queries.get(&id).ok_or_else(no_such_job)?;
        if job.state != JobState::JobComplete {
            return Err(wrong_state(job.state));
        }
        let mut pages: Vec<usize> = (from..job.ids.len().max(1))
            .step_by(PAGE_ROWS)
            .take(PAGES_LISTED + 1)
            .collect();
        let has_more = pages.len() > PAGES_LISTED;
        pages.truncate(PAGES_LISTED);
        Ok((pages, has_more))
    }

    pub(super) fn advance_bulk_queries(&mut self, now: Timestamp) {
        let mut due = Vec::new();
        for job in self
            .jobs
            .queries
            .values_mut()
            .filter(|job| !job.state.is_over())
        {
            if job.schedule.ends <= now {
                due.push(job.id);
            } else if job.schedule.starts <= now {
                job.state = JobState::InProgress;
            }
        }
        for id in due {
            let Some(mut job) = self.jobs.queries.remove(&id) else {
                continue;
            };
            job.modified = job.schedule.ends;
            match self.select(&job.query, job.deleted) {
                Ok(mut ids) => {
                    // Chunked by key and merged: only an ORDER BY keeps an order.
                    if job.query.order.is_empty() {
                        self.random.shuffle(&mut ids);
                    }
                    job.ids = ids;
                    job.state = JobState::JobComplete;
                }
                Err(_) => job.state = JobState::Failed,
            }
            self.jobs.queries.insert(id, job);
        }
    }
}

/// How a value stands in a CSV cell; null is empty.
fn cell(value: &Value<'_>, kind: FieldType) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) if kind == FieldType::Int => format!("{number:.0}"),
        Value::Number(number) => format!("{number:?}"),
        Value::Instant(at) => at.to_iso(),
        Value::Day(day) => day.to_string(),
        Value::Id(id) => id.to_string(),
    }
}
