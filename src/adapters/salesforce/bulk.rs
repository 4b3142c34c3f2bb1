//! Bulk API 2.0 ingest: a job is created, filled, closed, watched, and its results are read back.
//!
//! Nothing runs before a job is closed. After that, a row whose outcome cannot be read is `Unknown`;
//! results come in no order and are matched by the row's reference.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::super::failures::{Effect, Fault, not_sent};
use super::super::http::{Body, Reply};
use super::csv;
use super::errors::{self, ApiError};
use super::org::{Org, Request};
use super::timeline::Sending;
use super::wire;
use super::write::unanswered;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::SalesforceId;
use crate::domain::request::{ActivitySent, Spent};
use crate::domain::time::Span;
use crate::ports::Clock;

const JOB_ROWS_MAX: usize = 100_000;

/// Far below the platform's 100 MB: the results repeat the rows, and have to fit an answer.
const JOB_BYTES_MAX: usize = 20 << 20;

/// Each look is a call, so the first comes when the job may well be done.
const POLL_FIRST: Span = Span::seconds(2);
const POLL_PER_THOUSAND_ROWS: Span = Span::seconds(1);
const POLL_LAST: Span = Span::minutes(1);

/// A job that is not done by then is left alone; sending its rows again is harmless.
const WAIT_MAX: Span = Span::minutes(20);

/// Failed looks at a job in a row.
const BLIND_POLLS_MAX: u32 = 3;

/// Sends all rows of `sending.order`. The failure, if one stopped it.
pub(super) async fn send(
    org: &Org,
    clock: &dyn Clock,
    spent: &mut Spent,
    sending: &mut Sending<'_>,
) -> Option<Fault> {
    let mut failed: Option<Fault> = None;
    for job in jobs(sending) {
        if let Some(fault) = &failed {
            sending.fail(&job.indices, &not_sent(&fault.failure));
            continue;
        }
        if let Err(fault) = run(org, clock, spent, sending, &job).await {
            sending.is_carried_out |= fault.failure.kind == FailureKind::Unknown;
            sending.fail(&job.indices, &fault.failure);
            failed = Some(fault);
        }
    }
    failed
}

/// Rows of one job and their text.
struct Job {
    indices: Vec<usize>,
    csv: String,
}

fn jobs(sending: &mut Sending<'_>) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for index in std::mem::take(&mut sending.order) {
        let cells = sending.timeline.cells(&sending.rows[index]);
        let texts: Vec<&str> = cells.iter().map(|(_, text)| text.as_str()).collect();
        let line = csv::line(&texts);
        let is_full = jobs.last().is_none_or(|job| {
            job.indices.len() >= JOB_ROWS_MAX || job.csv.len() + line.len() > JOB_BYTES_MAX
        });
        if is_full {
            let columns: Vec<&str> = cells.iter().map(|(column, _)| *column).collect();
            jobs.push(Job {
                indices: Vec::new(),
                csv: csv::line(&columns),
            });
        }
        if let Some(job) = jobs.last_mut() {
            job.indices.push(index);
            job.csv.push_str(&line);
        }
    }
    jobs
}

async fn run(
    org: &Org,
    clock: &dyn Clock,
    spent: &mut Spent,
    sending: &mut Sending<'_>,
    job: &Job,
) -> Result<(), Fault> {
    let id = create(org, spent, sending)
        .await
        .map_err(errors::of_request)?;
    let path = format!("/jobs/ingest/{id}");
    let csv = Body::Bytes("text/csv", job.csv.clone().into_bytes());
    let upload = request(Method::PUT, format!("{path}/batches"), csv, Effect::Reads);
    let mut ready = org.send(spent, upload).await;
    if ready.is_ok() {
        let close = state(&path, "UploadComplete", Effect::Writes);
        ready = org.send(spent, close).await;
    }
    if let Err(fault) = ready.map_err(errors::of_request) {
        if fault.failure.kind != FailureKind::Unknown {
            // Nothing runs in an open job, but it would stay open for a day.
            let abort = state(&path, "Aborted", Effect::Reads);
            let _ = org.send(spent, abort).await;
        }
        return Err(fault);
    }
    sending.is_carried_out = true;
    let thousands = i64::try_from(job.indices.len() / 1_000).unwrap_or(i64::MAX);
    let first = Span(POLL_FIRST.0 + POLL_PER_THOUSAND_ROWS.0.saturating_mul(thousands));
    let info = watch(org, clock, spent, &path, first)
        .await
        .map_err(unknown)?;
    read(org, spent, sending, job, &path, &info)
        .await
        .map_err(unknown)
}

async fn create(
    org: &Org,
    spent: &mut Spent,
    sending: &Sending<'_>,
) -> Result<SalesforceId, Fault> {
    let timeline = sending.timeline;
    let mut job = json!({
        "object": timeline.object,
        "operation": "insert",
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    });
    if timeline.upserts {
        job["operation"] = "upsert".into();
        job["externalIdFieldName"] = timeline.reference.as_str().into();
    }
    let body = Body::Bytes("application/json", job.to_string().into_bytes());
    let create = request(Method::POST, "/jobs/ingest".to_owned(), body, Effect::Reads);
    let info = org.send(spent, create).await?.json()?;
    wire::id_at(&info, "id").ok_or_else(|| Fault::broken("job", "the new job has no readable id"))
}

/// Waits for the end of a job.
async fn watch(
    org: &Org,
    clock: &dyn Clock,
    spent: &mut Spent,
    path: &str,
    first: Span,
) -> Result<Json, Fault> {
    let (mut pause, mut waited, mut blind) = (first, Span::ZERO, 0);
    loop {
        clock.sleep(pause).await;
        waited = Span(waited.0 + pause.0);
        pause = Span(pause.0.saturating_mul(2)).min(POLL_LAST);
        match org.get(spent, path.to_owned()).await {
            Ok(info) if is_over(&info) => return Ok(info),
            Ok(info) => {
                blind = 0;
                if info["state"] == "Open" {
                    // The answer to its closing was a proxy's; nothing runs in an open job.
                    let close = state(path, "UploadComplete", Effect::Writes);
                    org.send(spent, close).await?;
                }
            }
            Err(fault) if is_passing(&fault.failure.kind) => {
                blind += 1;
                if blind >= BLIND_POLLS_MAX {
                    return Err(fault);
                }
            }
            Err(fault) => return Err(fault),
        }
        if waited >= WAIT_MAX {
            let message = "the job does not end; its rows may still be written";
            return Err(Fault::new(FailureKind::Unknown, "job-timeout", message));
        }
    }
}

const fn is_passing(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::Transient | FailureKind::Throttled { .. })
}

fn is_over(info: &Json) -> bool {
    matches!(
        info["state"].as_str(),
        Some("JobComplete" | "Failed" | "Aborted")
    )
}

/// Reads as few results as tell every row's outcome.
async fn read(
    org: &Org,
    spent: &mut Spent,
    sending: &mut Sending<'_>,
    job: &Job,
    path: &str,
    info: &Json,
) -> Result<(), Fault> {
    let count = |name: &str| info[name].as_u64();
    let is_whole = info["state"] == "JobComplete"
        && count("numberRecordsProcessed") == u64::try_from(job.indices.len()).ok();
    let mut by_reference: HashMap<String, usize> = job
        .indices
        .iter()
        .map(|index| (sending.rows[*index].reference.trim().to_lowercase(), *index))
        .collect();
    if !is_whole || count("numberRecordsFailed") != Some(0) {
        let results = results(org, spent, sending, &format!("{path}/failedResults")).await?;
        let told = u64::try_from(results.len()).ok();
        if is_whole && told != count("numberRecordsFailed") {
            // A row that is missing among the failed would pass for a written one.
            let message = "the job says that more rows failed than it lists";
            return Err(Fault::new(FailureKind::Unknown, "job-results", message));
        }
        for result in results {
            if let Some(index) = by_reference.remove(&result.reference) {
                let error = ApiError::from_bulk(&result.error);
                sending.results[index] = Some(sending.timeline.refusal(&error));
            }
        }
    }
    if is_whole && !sending.timeline.upserts {
        // All were processed, and these did not fail.
        for index in by_reference.into_values() {
            sending.results[index] = Some(Ok(ActivitySent::Created));
        }
        return Ok(());
    }
    let results = results(org, spent, sending, &format!("{path}/successfulResults")).await?;
    for result in results {
        if let Some(index) = by_reference.remove(&result.reference) {
            sending.results[index] = Some(Ok(if result.is_created {
                ActivitySent::Created
            } else {
                ActivitySent::AlreadyThere
            }));
        }
    }
    let unprocessed: Vec<usize> = by_reference.into_values().collect();
    let processed = count("numberRecordsProcessed").and_then(|count| usize::try_from(count).ok());
    let left = processed.map_or(job.indices.len(), |count| {
        job.indices.len().saturating_sub(count)
    });
    if unprocessed.len() > left && info["state"] == "JobComplete" {
        // More rows without a word than the job left out: some of them may be written.
        sending.fail(&unprocessed, &unanswered());
        return Ok(());
    }
    sending.fail(&unprocessed, &unprocessed_because(info));
    Ok(())
}

/// A job that ended early leaves rows unwritten; one whose columns are refused will always do so.
fn unprocessed_because(info: &Json) -> Failure {
    let said = info["errorMessage"].as_str().unwrap_or_default();
    if said.starts_with("InvalidBatch") {
        return ApiError::from_bulk(said).failure(Effect::Writes, &|_| None);
    }
    let message = format!("the job ended before this row {said}");
    Failure::new(FailureKind::Transient, "unprocessed", message.trim_end())
}

/// One row of a result file.
struct Outcome {
    reference: String,
    error: String,
    is_created: bool,
}

async fn results(
    org: &Org,
    spent: &mut Spent,
    sending: &Sending<'_>,
    path: &str,
) -> Result<Vec<Outcome>, Fault> {
    let get = request(Method::GET, path.to_owned(), Body::Empty, Effect::Reads);
    let reply = org.send(spent, get).await?;
    outcomes(&reply, &sending.timeline.reference)
        .ok_or_else(|| Fault::broken("job-results", "the results of the job cannot be read"))
}

fn outcomes(reply: &Reply, reference: &str) -> Option<Vec<Outcome>> {
    let text = std::str::from_utf8(&reply.body).ok()?;
    let mut lines = csv::parse(text)?.into_iter();
    let Some(header) = lines.next() else {
        return Some(Vec::new());
    };
    let column = |name: &str| {
        header
            .iter()
            .position(|cell| cell.eq_ignore_ascii_case(name))
    };
    let reference = column(reference)?;
    let (error, created) = (column("sf__Error"), column("sf__Created"));
    lines
        .filter(|line| line.len() > 1)
        .map(|line| {
            let cell = |index: Option<usize>| index.and_then(|index| line.get(index));
            Some(Outcome {
                reference: line.get(reference)?.trim().to_lowercase(),
                error: cell(error).cloned().unwrap_or_default(),
                is_created: cell(created).is_none_or(|cell| cell == "true"),
            })
        })
        .collect()
}

fn request(method: Method, path: String, body: Body, effect: Effect) -> Request {
    Request {
        method,
        path,
        headers: Vec::new(),
        body,
        effect,
    }
}

fn state(path: &str, state: &str, effect: Effect) -> Request {
    let body = json!({"state": state}).to_string().into_bytes();
    let body = Body::Bytes("application/json", body);
    request(Method::PATCH, path.to_owned(), body, effect)
}

/// The job runs whatever becomes of our looking at it.
fn unknown(mut fault: Fault) -> Fault {
    fault.failure.kind = FailureKind::Unknown;
    fault
}
