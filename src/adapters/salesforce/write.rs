//! Writing rows: collections of 200 and single conditional rows, packed into as few Composites as
//! the platform allows: 25 subrequests each, five of them collections. 10,000 rows are ten calls. A
//! Bulk job would not be cheaper: create, upload, close, four looks or more, and both files of
//! results, for each object and verb, with neither assignment rules nor conditions.
//!
//! 1. Creations and updates never share a collection: assignment rules run for the first only.
//! 2. Rows are sorted by object and account, so that requests neither mix many types nor fight for
//!    the lock of one account.
//! 3. A request that fails after it left makes all its rows `Unknown`, unless the platform says that
//!    it refused the request as a whole. What was not sent yet stays unsent.
//! 4. A collection that is refused as a whole for what one row holds is sent again row by row, so
//!    that the row alone bears it. Nothing of it was carried out.

use std::cmp::Ordering;

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::super::batches;
use super::super::failures::{Effect, Fault, not_sent};
use super::errors::{self, ApiError};
use super::org::{HEAVY_SUBREQUESTS_MAX, Org, SUBREQUESTS_MAX, Sub, SubReply};
use super::wire;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{FieldId, RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{Mapping, Role};
use crate::domain::request::{RowOutcome, RowWrite, Spent, Target, WrittenRow};
use crate::domain::time::Timestamp;

/// The platform's limit of one collection.
pub(super) const COLLECTION_ROWS_MAX: usize = 200;

/// Rows that are sent again one by one. If more are refused, it is not about one row, and eight calls
/// for each collection would only spend the day's allowance.
const SUSPECTS_MAX: usize = 2 * COLLECTION_ROWS_MAX;

/// The header that decides whether assignment rules hand a record to somebody else. Its default is
/// yes, which would reassign Leads on every update.
const AUTO_ASSIGN: &str = "sforce-auto-assign";

/// A row on its way, with its place in the caller's list.
struct Outgoing<'a> {
    index: usize,
    row: &'a RowWrite,
    object: SalesforceObject,
    /// `None` for a creation.
    id: Option<SalesforceId>,
    fields: Map<String, Json>,
}

type Result<T> = std::result::Result<T, Failure>;

/// Writes all rows; one outcome for each, in order. An error only if nothing was carried out.
pub(super) async fn write(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    rows: &[RowWrite],
) -> std::result::Result<Vec<RowOutcome>, Fault> {
    let mut writing = Writing {
        mapping,
        results: vec![None; rows.len()],
        failed: None,
        is_carried_out: false,
    };
    let (mut creations, mut updates, mut conditional) = (Vec::new(), Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        match outgoing(mapping, index, row) {
            Ok(row) if row.id.is_none() => creations.push(row),
            Ok(row) if row.row.unless_modified_since.is_some() => conditional.push(row),
            Ok(row) => updates.push(row),
            Err(failure) => writing.results[index] = Some(Err(failure)),
        }
    }
    let mut parts = collections(updates, mapping);
    parts.extend(conditional.into_iter().map(Part::Single));
    parts.extend(collections(creations, mapping));
    let mut suspects = Vec::new();
    for request in packed(parts) {
        suspects.extend(writing.send(org, spent, request).await);
    }
    writing.spare(suspects.split_off(suspects.len().min(SUSPECTS_MAX)));
    for request in packed(suspects.into_iter().map(Part::Single)) {
        writing.send(org, spent, request).await;
    }
    writing.end(rows)
}

/// What became of the rows so far.
struct Writing<'a> {
    mapping: &'a Mapping,
    results: Vec<Option<Result<WrittenRow>>>,
    /// The failure after which nothing more is sent.
    failed: Option<Fault>,
    is_carried_out: bool,
}

impl Writing<'_> {
    /// Sends one request. Answers the rows of collections that were refused whole.
    async fn send<'r>(
        &mut self,
        org: &Org,
        spent: &mut Spent,
        request: Request<'r>,
    ) -> Vec<Outgoing<'r>> {
        if let Some(fault) = &self.failed {
            let failure = not_sent(&fault.failure);
            request.fail(&failure, &mut self.results);
            return Vec::new();
        }
        match org.composite(spent, &request.subs(), Effect::Writes).await {
            Ok(replies) => {
                self.is_carried_out = true;
                request.read(self.mapping, &replies, &mut self.results);
                request.suspects(&replies)
            }
            Err(fault) => {
                self.is_carried_out |= fault.failure.kind == FailureKind::Unknown;
                request.fail(&fault.failure, &mut self.results);
                self.failed = Some(fault);
                Vec::new()
            }
        }
    }

    /// Rows that shared a collection with a bad one and were not written, nor looked at alone.
    fn spare(&mut self, rows: Vec<Outgoing>) {
        for row in rows {
            let message = "the collection of this row was refused; nothing of it was written";
            let failure = Failure::new(FailureKind::Transient, "collection-refused", message);
            self.results[row.index] = Some(Err(failure));
        }
    }

    fn end(self, rows: &[RowWrite]) -> std::result::Result<Vec<RowOutcome>, Fault> {
        match self.failed {
            Some(fault) if !self.is_carried_out => Err(fault),
            _ => Ok(rows
                .iter()
                .zip(self.results)
                .map(|(row, result)| RowOutcome {
                    link: row.link,
                    result: result.unwrap_or_else(|| Err(unanswered())),
                })
                .collect()),
        }
    }
}

fn outgoing<'a>(mapping: &Mapping, index: usize, row: &'a RowWrite) -> Result<Outgoing<'a>> {
    let (object, id) = match row.target {
        Target::NewSalesforce(object) => (object, None),
        Target::Existing(RemoteId::Salesforce(object, id)) => (object, Some(id)),
        Target::NewAutomation(_) | Target::Existing(RemoteId::Automation(..)) => {
            let message = "a row for Automation was handed to Salesforce";
            return Err(Failure::new(FailureKind::Broken, "target", message));
        }
    };
    Ok(Outgoing {
        index,
        row,
        object,
        id,
        fields: wire::fields(mapping, object, &row.values, row.consent, id.is_none()),
    })
}

/// One Composite.
struct Request<'a> {
    parts: Vec<Part<'a>>,
}

/// One subrequest.
enum Part<'a> {
    Collection(Vec<Outgoing<'a>>),
    Single(Outgoing<'a>),
}

fn collections<'a>(mut rows: Vec<Outgoing<'a>>, mapping: &Mapping) -> Vec<Part<'a>> {
    rows.sort_by(|one, other| by_object_and_account(mapping, one, other));
    let collections = batches::without_repeats(rows, COLLECTION_ROWS_MAX, |row| row.id);
    collections.into_iter().map(Part::Collection).collect()
}

/// Fills one Composite after the other, in this order: two writes of one record keep theirs.
fn packed<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Vec<Request<'a>> {
    let mut requests: Vec<Request<'a>> = Vec::new();
    let mut heavy = 0;
    for part in parts {
        let is_heavy = matches!(part, Part::Collection(_));
        let is_full = requests.last().is_none_or(|request| {
            request.parts.len() >= SUBREQUESTS_MAX || is_heavy && heavy >= HEAVY_SUBREQUESTS_MAX
        });
        if is_full {
            requests.push(Request { parts: Vec::new() });
            heavy = 0;
        }
        heavy += usize::from(is_heavy);
        if let Some(request) = requests.last_mut() {
            request.parts.push(part);
        }
    }
    requests
}

fn by_object_and_account(mapping: &Mapping, one: &Outgoing, other: &Outgoing) -> Ordering {
    let account = |row: &Outgoing| -> Option<String> {
        let rule = mapping.with_role(row.object.kind(), Role::Company)?;
        let (_, value) = row.row.values.iter().find(|(field, _)| *field == rule.id)?;
        value.as_text().map(str::to_owned)
    };
    (one.object, account(one), one.id, one.index).cmp(&(
        other.object,
        account(other),
        other.id,
        other.index,
    ))
}

impl<'a> Request<'a> {
    fn subs(&self) -> Vec<Sub> {
        self.parts.iter().map(Part::sub).collect()
    }

    fn read(
        &self,
        mapping: &Mapping,
        replies: &[Option<SubReply>],
        results: &mut [Option<Result<WrittenRow>>],
    ) {
        for (part, reply) in self.parts.iter().zip(replies) {
            let reply = reply.as_ref().filter(|reply| !is_mixed_up(part, reply));
            for (position, row) in part.rows().iter().enumerate() {
                results[row.index] = Some(match reply {
                    Some(reply) => row.outcome(mapping, part, reply, position),
                    None => Err(unanswered()),
                });
            }
        }
    }

    /// Rows of collections that were refused for what some row of them holds.
    fn suspects(self, replies: &[Option<SubReply>]) -> Vec<Outgoing<'a>> {
        let parts = self.parts.into_iter().zip(replies);
        parts
            .flat_map(|(part, reply)| match (part, reply) {
                (Part::Collection(rows), Some(reply))
                    if rows.len() > 1 && is_about_a_row(reply) =>
                {
                    rows
                }
                _ => Vec::new(),
            })
            .collect()
    }

    fn fail(&self, failure: &Failure, results: &mut [Option<Result<WrittenRow>>]) {
        for row in self.parts.iter().flat_map(Part::rows) {
            results[row.index] = Some(Err(failure.clone()));
        }
    }
}

impl<'a> Part<'a> {
    fn rows(&self) -> &[Outgoing<'a>] {
        match self {
            Self::Collection(rows) => rows,
            Self::Single(row) => std::slice::from_ref(row),
        }
    }

    fn sub(&self) -> Sub {
        match self {
            Self::Collection(rows) => {
                let is_new = rows.first().is_some_and(|row| row.id.is_none());
                let records: Vec<Json> = rows.iter().map(Outgoing::record).collect();
                let method = if is_new { Method::POST } else { Method::PATCH };
                let mut sub = collection(method, "/composite/sobjects", records);
                sub.headers.push(auto_assign(is_new));
                sub
            }
            Self::Single(row) => row.sub(),
        }
    }
}

/// Assignment rules run for new records only.
fn auto_assign(is_new: bool) -> (&'static str, String) {
    let assigns = if is_new { "TRUE" } else { "FALSE" };
    (AUTO_ASSIGN, assigns.to_owned())
}

/// Was a collection refused for what one row holds? Nothing of it was carried out then.
fn is_about_a_row(reply: &SubReply) -> bool {
    let is_refused = (400..500).contains(&reply.status);
    is_refused
        && matches!(
            refused(reply, &|_| None).kind,
            FailureKind::Rejected(_) | FailureKind::Gone | FailureKind::Broken
        )
}

/// A collection of up to 200 records as a subrequest.
pub(super) fn collection(method: Method, path: &str, records: Vec<Json>) -> Sub {
    Sub {
        method: if method == Method::POST {
            "POST"
        } else {
            "PATCH"
        },
        path: path.to_owned(),
        headers: Vec::new(),
        body: Some(json!({"allOrNone": false, "records": records})),
    }
}

impl Outgoing<'_> {
    /// The row as a subrequest of its own.
    fn sub(&self) -> Sub {
        let mut headers = vec![auto_assign(self.id.is_none())];
        if let Some(moment) = self.row.unless_modified_since {
            headers.push(("If-Unmodified-Since", http_date(moment)));
        }
        let (method, path) = match self.id {
            Some(id) => ("PATCH", format!("/sobjects/{}/{id}", self.object)),
            None => ("POST", format!("/sobjects/{}", self.object)),
        };
        Sub {
            method,
            path,
            headers,
            body: Some(Json::Object(self.fields.clone())),
        }
    }

    fn record(&self) -> Json {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({"type": self.object.name()}));
        if let Some(id) = self.id {
            record.insert("id".to_owned(), id.to_string().into());
        }
        record.extend(self.fields.clone());
        Json::Object(record)
    }

    fn outcome(
        &self,
        mapping: &Mapping,
        part: &Part,
        reply: &SubReply,
        position: usize,
    ) -> Result<WrittenRow> {
        let field = |name: &str| wire::rule_of_column(mapping, self.object, name);
        if !reply.is_success() {
            return Err(refused(reply, &field));
        }
        let id = match part {
            Part::Single(_) => {
                let id = self.id.or_else(|| wire::id_at(&reply.body, "id"));
                id.ok_or_else(unanswered)?
            }
            Part::Collection(rows) => {
                let item = item(reply, rows.len(), position).ok_or_else(unanswered)?;
                if item["success"].as_bool() != Some(true) {
                    let error = ApiError::first(&item["errors"]).ok_or_else(unanswered)?;
                    return Err(error.failure(Effect::Writes, &field));
                }
                let id = wire::id_at(item, "id").or(self.id);
                id.ok_or_else(unanswered)?
            }
        };
        Ok(WrittenRow {
            id: RemoteId::Salesforce(self.object, id),
            created: self.id.is_none(),
            modified: None,
            stored: None,
        })
    }
}

/// Does the answer name other records than were addressed? Results stand in the order of the rows; if
/// some do not, none can be told to be of its row, a refusal least of all, as it names no record.
fn is_mixed_up(part: &Part, reply: &SubReply) -> bool {
    let Part::Collection(rows) = part else {
        return false;
    };
    let items = reply.body.as_array().into_iter().flatten();
    rows.iter().zip(items).any(|(row, item)| {
        row.id
            .zip(wire::id_at(item, "id"))
            .is_some_and(|(asked, answered)| asked != answered)
    })
}

/// The result at this place, if there are as many results as rows: a shorter list cannot be matched.
pub(super) fn item(reply: &SubReply, rows: usize, position: usize) -> Option<&Json> {
    let items = reply.body.as_array()?;
    (items.len() == rows).then(|| items.get(position)).flatten()
}

/// A subrequest that failed as a whole. An expired session refused it before anything was done.
pub(super) fn refused(reply: &SubReply, field: &dyn Fn(&str) -> Option<FieldId>) -> Failure {
    let mut failure = errors::failure(reply.status, &reply.body, Effect::Writes, field);
    if reply.is_expired() {
        failure.kind = FailureKind::Transient;
    }
    failure
}

pub(super) fn unanswered() -> Failure {
    let message = "the answer says nothing about this row";
    Failure::new(FailureKind::Unknown, "no-outcome", message)
}

/// `Wed, 04 Mar 2026 09:15:02 GMT`.
fn http_date(moment: Timestamp) -> String {
    jiff::Timestamp::from_second(moment.seconds())
        .and_then(|at| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at))
        .unwrap_or_default()
}
