//! Ingest jobs: open, upload once, close, wait, fetch three result files.

use std::collections::BTreeSet;

use super::csv::{self, Csv, DELIMITERS};
use super::{JobState, Schedule, check_version, invalid_job, no_such_job, wrong_state};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{AutoAssign, Call, Salesforce};
use crate::sim::salesforce::schema::{ObjectIndex, Trait};
use crate::sim::salesforce::write::{UpsertMode, Upserted};

/// Bulk: rows are saved in chunks of this many, chunks in no particular order.
const CHUNK_ROWS: usize = 200;
/// Bulk: a job is split into batches of this many rows.
const BATCH_ROWS: usize = 10_000;
/// Bulk: the first line of an upload.
const HEADER_CHARACTERS_MAX: usize = 32_000;
/// Bulk: one upload, before base64.
const UPLOAD_BYTES_MAX: usize = 100 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

impl Operation {
    pub const ALL: [(&'static str, Self); 5] = [
        ("insert", Self::Insert),
        ("update", Self::Update),
        ("upsert", Self::Upsert),
        ("delete", Self::Delete),
        ("hardDelete", Self::HardDelete),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, operation)| operation)
    }

    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, one)| *one == self)
            .map_or("", |(name, _)| name)
    }
}

/// What a client asks for when it opens a job.
#[derive(Clone, Debug, Default)]
pub struct NewIngest {
    pub object: String,
    pub operation: Option<Operation>,
    pub external_id: Option<String>,
    pub line_ending: Option<String>,
    pub delimiter: Option<String>,
    pub assignment_rule: Option<String>,
    pub api_version: String,
}

#[derive(Clone, Debug)]
pub struct Ingest {
    pub id: RecordId,
    pub user: RecordId,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub api_version: String,
    pub object: ObjectIndex,
    pub operation: Operation,
    pub external_id: Option<String>,
    pub line_ending: String,
    pub delimiter: String,
    pub assignment_rule: Option<String>,
    pub state: JobState,
    pub error: Option<String>,
    content: Option<String>,
    schedule: Option<Schedule>,
    csv: Csv,
    /// Row number and what became of it, in the order of processing.
    results: Vec<(usize, Outcome<Upserted>)>,
}

impl Ingest {
    pub fn processed(&self) -> usize {
        self.results.len()
    }

    /// What a closed job takes of the day's batches.
    pub fn batches(&self) -> usize {
        let waiting = self.content.as_deref().filter(|_| self.schedule.is_some());
        let rows = waiting.map_or(self.csv.rows.len(), |content| {
            content.lines().count().saturating_sub(1)
        });
        rows.div_ceil(BATCH_ROWS)
    }

    pub fn failed(&self) -> usize {
        self.results
            .iter()
            .filter(|(_, result)| result.is_err())
            .count()
    }

    fn separator(&self) -> char {
        let known = DELIMITERS.iter().find(|(name, _)| *name == self.delimiter);
        known.map_or(',', |(_, separator)| *separator)
    }

    pub fn successful_results(&self) -> String {
        let rows = self.results.iter().filter_map(|(row, result)| {
            let saved = result.as_ref().ok()?;
            Some((*row, [saved.id.to_string(), saved.is_created.to_string()]))
        });
        self.file(["sf__Id", "sf__Created"], rows)
    }

    pub fn failed_results(&self) -> String {
        let id_column = self
            .csv
            .header
            .iter()
            .position(|name| name.eq_ignore_ascii_case("Id"));
        let rows = self.results.iter().filter_map(|(row, result)| {
            let error = result.as_ref().err()?;
            let id = id_column
                .and_then(|at| self.csv.rows[*row].get(at))
                .cloned();
            let fields = error.fields.join(",");
            let error = format!("{}:{}:{fields} --", error.code, error.message);
            Some((*row, [id.unwrap_or_default(), error]))
        });
        self.file(["sf__Id", "sf__Error"], rows)
    }

    pub fn unprocessed_records(&self) -> String {
        let mut out = String::new();
        csv::line(
            &mut out,
            self.csv.header.iter().map(String::as_str),
            self.separator(),
        );
        let done: BTreeSet<usize> = self.results.iter().map(|(row, _)| *row).collect();
        for (at, row) in self.csv.rows.iter().enumerate() {
            if self.state.is_over() && !done.contains(&at) {
                csv::line(&mut out, row.iter().map(String::as_str), self.separator());
            }
        }
        out
    }

    fn file(&self, columns: [&str; 2], rows: impl Iterator<Item = (usize, [String; 2])>) -> String {
        let mut out = String::new();
        let header = columns
            .into_iter()
            .chain(self.csv.header.iter().map(String::as_str));
        csv::line(&mut out, header, self.separator());
        for (row, cells) in rows {
            let input = self.csv.rows[row].iter().map(String::as_str);
            csv::line(
                &mut out,
                cells.iter().map(String::as_str).chain(input),
                self.separator(),
            );
        }
        out
    }
}

impl Salesforce {
    pub fn open_ingest(&mut self, call: &Call, new: NewIngest) -> Outcome<RecordId> {
        let operation = new
            .operation
            .ok_or_else(|| invalid_job("Unable to find operation"))?;
        let object = self
            .schema
            .find(&new.object, call.namespace())
            .ok_or_else(|| invalid_job(format!("Unable to find object: {}", new.object)))?;
        if operation == Operation::Upsert {
            let key = new.external_id.as_deref().unwrap_or_default();
            let definition = self.schema.object(object);
            let field = definition.find(key).map(|field| definition.field(field));
            if !field.is_some_and(|field| field.is(Trait::IdLookup)) {
                let message =
                    format!("Field name provided, {key} is not an External ID or indexed field");
                return Err(ApiError::new(ErrorCode::INVALIDJOB, message));
            }
        }
        let delimiter = new.delimiter.unwrap_or_else(|| "COMMA".to_owned());
        if !DELIMITERS.iter().any(|(name, _)| *name == delimiter) {
            return Err(invalid_job(format!(
                "Unsupported column delimiter: {delimiter}"
            )));
        }
        let line_ending = new.line_ending.unwrap_or_else(|| "LF".to_owned());
        if !matches!(line_ending.as_str(), "LF" | "CRLF") {
            return Err(invalid_job(format!(
                "Unsupported line ending: {line_ending}"
            )));
        }
        let id = self.jobs.next_id();
        let job = Ingest {
            id,
            user: call.user,
            created: call.now,
            modified: call.now,
            api_version: new.api_version,
            object,
            operation,
            external_id: new.external_id,
            line_ending,
            delimiter,
            assignment_rule: new.assignment_rule,
            state: JobState::Open,
            error: None,
            content: None,
            schedule: None,
            csv: Csv::default(),
            results: Vec::new(),
        };
        self.jobs.ingests.insert(id, job);
        Ok(id)
    }

    pub fn ingest(&self, id: RecordId, api_version: &str) -> Outcome<&Ingest> {
        let job = self.jobs.ingests.get(&id).ok_or_else(no_such_job)?;
        check_version(&job.api_version, api_version)?;
        Ok(job)
    }

    pub fn ingests(&self) -> impl Iterator<Item = &Ingest> {
        self.jobs.ingests.values()
    }

    pub fn upload(&mut self, id: RecordId, content: String) -> Outcome<()> {
        let job = self.jobs.ingests.get_mut(&id).ok_or_else(no_such_job)?;
        if job.state != JobState::Open {
            return Err(wrong_state(job.state));
        }
        if job.content.is_some() {
            let message = "Found multiple contents for job, please upload the content once";
            return Err(invalid_job(message));
        }
        if content.len() > UPLOAD_BYTES_MAX {
            return Err(invalid_job("Maximum content size exceeded"));
        }
        job.content = Some(content);
        Ok(())
    }

    /// Nothing runs before this.
    pub fn close_ingest(&mut self, id: RecordId, now: Timestamp) -> Outcome<()> {
        let job = self.jobs.ingests.get_mut(&id).ok_or_else(no_such_job)?;
        if job.state != JobState::Open {
            return Err(wrong_state(job.state));
        }
        job.state = JobState::UploadComplete;
        job.modified = now;
        let rows = job
            .content
            .as_deref()
            .map_or(0, |content| content.lines().count());
        let schedule = self.schedule(now, rows);
        if let Some(job) = self.jobs.ingests.get_mut(&id) {
            job.schedule = Some(schedule);
        }
        Ok(())
    }

    pub fn abort_ingest(&mut self, id: RecordId, now: Timestamp) -> Outcome<()> {
        let job = self.jobs.ingests.get_mut(&id).ok_or_else(no_such_job)?;
        if job.state.is_over() {
            return Err(wrong_state(job.state));
        }
        let separator = job.separator();
        // What was uploaded comes back as unprocessed.
        job.csv = csv::parse(job.content.as_deref().unwrap_or(""), separator).unwrap_or_default();
        job.state = JobState::Aborted;
        job.modified = now;
        Ok(())
    }

    pub fn delete_ingest(&mut self, id: RecordId) -> Outcome<()> {
        let job = self.jobs.ingests.get(&id).ok_or_else(no_such_job)?;
        if !job.state.is_over() && job.state != JobState::UploadComplete {
            return Err(wrong_state(job.state));
        }
        self.jobs.ingests.remove(&id);
        Ok(())
    }

    pub(super) fn advance_ingests(&mut self, now: Timestamp) {
        let mut due: Vec<(Timestamp, RecordId)> = Vec::new();
        for job in self.jobs.ingests.values_mut() {
            let Some(schedule) = job.schedule.filter(|_| !job.state.is_over()) else {
                continue;
            };
            if schedule.ends <= now {
                due.push((schedule.ends, job.id));
            } else if schedule.starts <= now {
                job.state = JobState::InProgress;
            }
        }
        due.sort_unstable();
        for (at, id) in due {
            if let Some(mut job) = self.jobs.ingests.remove(&id) {
                self.run_ingest(&mut job, at);
                self.jobs.ingests.insert(id, job);
            }
        }
    }

    fn run_ingest(&mut self, job: &mut Ingest, at: Timestamp) {
        job.modified = at;
        let content = job.content.take().unwrap_or_default();
        let columns = csv::parse(&content, job.separator())
            .map_err(|error| format!("InvalidBatch : Failed to parse CSV at line {}", error.line))
            .and_then(|csv| check_text(&content, &job.line_ending, &csv).map(|()| csv))
            .and_then(|csv| {
                job.csv = csv;
                self.known_columns(job)
            });
        if let Err(message) = columns {
            job.error = Some(message);
            job.state = JobState::Failed;
            return;
        }
        let mut call = Call::new(at, job.user);
        // Bulk: assignment rules run only when the job names one.
        if job.assignment_rule.is_none() {
            call.options.auto_assign = AutoAssign::Off;
        }
        let mut chunks: Vec<Vec<usize>> = (0..job.csv.rows.len())
            .collect::<Vec<_>>()
            .chunks(CHUNK_ROWS)
            .map(<[usize]>::to_vec)
            .collect();
        self.random.shuffle(&mut chunks);
        // Within a chunk rows finish in order, but results are merged from several machines.
        for chunk in &mut chunks {
            self.random.shuffle(chunk);
        }
        let stop = self.jobs.pace.fails_after_rows.take().unwrap_or(usize::MAX);
        for row in chunks.into_iter().flatten().take(stop) {
            let result = self.run_row(&call, job, row);
            job.results.push((row, result));
        }
        job.state = JobState::JobComplete;
        if job.results.len() < job.csv.rows.len() {
            job.state = JobState::Failed;
            job.error = Some("InternalServerError : the job was stopped".to_owned());
        }
    }

    /// One unknown column fails the whole job.
    fn known_columns(&self, job: &Ingest) -> Result<(), String> {
        for name in &job.csv.header {
            let name = name
                .rsplit_once(':')
                .map_or(name.as_str(), |(_, name)| name);
            let definition = self.schema.object(job.object);
            let found = match name.split_once('.') {
                Some((relationship, _)) => definition.find_relationship(relationship),
                None => definition.find(name),
            };
            let is_known = found.is_some_and(|field| definition.field(field).is_readable());
            if !is_known {
                return Err(format!("InvalidBatch : Field name not found : {name}"));
            }
        }
        Ok(())
    }

    fn run_row(&mut self, call: &Call, job: &Ingest, row: usize) -> Outcome<Upserted> {
        let (id, mut fields) = row_fields(&job.csv, row);
        let named_id = || {
            let id = id.as_deref().filter(|id| !id.is_empty());
            id.ok_or_else(|| ApiError::new(ErrorCode::MISSING_ARGUMENT, "Id not specified"))
        };
        match job.operation {
            Operation::Insert => {
                let id = self.insert(call, job.object, &fields)?;
                Ok(Upserted {
                    id,
                    is_created: true,
                })
            }
            Operation::Update => {
                let id = self.typed_id(job.object, named_id()?)?;
                self.update(call, id, &fields)?;
                Ok(Upserted {
                    id,
                    is_created: false,
                })
            }
            Operation::Delete | Operation::HardDelete => {
                let id = self.typed_id(job.object, named_id()?)?;
                self.delete(call, id)?;
                if job.operation == Operation::HardDelete {
                    let _: Outcome<()> = self.atomically(|org| {
                        org.put(id, None, None);
                        Ok(())
                    });
                }
                Ok(Upserted {
                    id,
                    is_created: false,
                })
            }
            Operation::Upsert => {
                let key = job.external_id.clone().unwrap_or_default();
                let value = if key.eq_ignore_ascii_case("Id") {
                    id.map_or(Input::Null, Input::Text)
                } else {
                    let at = fields
                        .iter()
                        .position(|(name, _)| name.eq_ignore_ascii_case(&key));
                    at.map_or(Input::Null, |at| fields.remove(at).1)
                };
                let mode = UpsertMode::CreateOrUpdate;
                self.upsert(call, job.object, (&key, &value), &fields, mode)
            }
        }
    }
}

/// Lines must end as the job said, and the header must not be endless.
fn check_text(content: &str, line_ending: &str, csv: &Csv) -> Result<(), String> {
    let header: usize = csv.header.iter().map(|name| name.chars().count() + 1).sum();
    if header > HEADER_CHARACTERS_MAX {
        return Err("InvalidBatch : The header row is too long".to_owned());
    }
    // Names hold no line breaks, so the first one ends the header.
    let Some((header, _)) = content.split_once('\n') else {
        return Ok(());
    };
    if header.ends_with('\r') == (line_ending == "CRLF") {
        return Ok(());
    }
    Err(format!(
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"
    ))
}

/// Empty leaves a field alone, `#N/A` clears it. The id column is kept apart.
fn row_fields(csv: &Csv, row: usize) -> (Option<String>, Fields) {
    let mut id = None;
    let mut fields = Vec::new();
    for (name, cell) in csv.header.iter().zip(&csv.rows[row]) {
        if name.eq_ignore_ascii_case("Id") {
            id = Some(cell.trim().to_owned());
            continue;
        }
        if cell.is_empty() {
            continue;
        }
        let value = if cell == "#N/A" {
            Input::Null
        } else {
            Input::Text(cell.clone())
        };
        let name = name
            .rsplit_once(':')
            .map_or(name.as_str(), |(_, name)| name);
        match name.split_once('.') {
            Some((relationship, key)) => {
                let value = Input::Parent {
                    key: key.to_owned(),
                    value: Box::new(value),
                };
                fields.push((relationship.to_owned(), value));
            }
            None => fields.push((name.to_owned(), value)),
        }
    }
    (id, fields)
}
