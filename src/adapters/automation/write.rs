//! Writing contacts and companies in batches of 200, never by PUT, which would empty what it is not
//! given.
//!
//! 1. No id and no unique value repeats in a batch: a repeated id fails the batch half-way, a
//!    repeated address writes one row over the other.
//! 2. The status of a batch says nothing about its rows; each has its own.
//! 3. What the answer shows is what was stored: zeros, fractions and unknown fields are dropped
//!    without a word, so every written field is read back from it.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value as Json};

use super::super::batches;
use super::super::failures::{Effect, Fault, not_sent};
use super::super::values;
use super::api::{Api, Request, row_failure};
use super::read;
use super::wire;
use crate::domain::consent::Consent;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{AutomationId, FieldId, Kind, RemoteId};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::request::{RowOutcome, RowWrite, Spent, Target, WrittenRow};
use crate::domain::value::Value;

/// The server's limit; one row more fails the batch as a whole.
const BATCH_ROWS_MAX: usize = 200;

type Result<T> = std::result::Result<T, Failure>;

/// A row on its way, with its place in the caller's list.
struct Outgoing<'a> {
    index: usize,
    row: &'a RowWrite,
    kind: Kind,
    /// `None` for a creation.
    id: Option<AutomationId>,
    body: Map<String, Json>,
}

/// A batch and its answer, at the place of one of its rows.
struct Reply<'a> {
    answer: &'a Json,
    records: &'a Json,
    position: usize,
    batch: &'a [&'a Outgoing<'a>],
}

/// Rows with an outcome so far.
type Results = [Option<Result<WrittenRow>>];

/// Writes all rows; one outcome for each, in order. An error only if nothing was carried out.
pub(super) async fn write(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    rows: &[RowWrite],
) -> std::result::Result<Vec<RowOutcome>, Fault> {
    let mut results: Vec<Option<Result<WrittenRow>>> = vec![None; rows.len()];
    let mut groups: BTreeMap<(bool, Kind), Vec<Outgoing>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        match outgoing(mapping, index, row) {
            Ok(row) => groups
                .entry((row.id.is_none(), row.kind))
                .or_default()
                .push(row),
            Err(failure) => results[index] = Some(Err(failure)),
        }
    }
    let mut batches = Vec::new();
    for rows in groups.into_values() {
        batches.extend(batches::without_repeats(rows, BATCH_ROWS_MAX, |row| {
            row.key(mapping)
        }));
    }
    let mut failed: Option<Fault> = None;
    let mut is_carried_out = false;
    for batch in batches {
        if let Some(fault) = &failed {
            fail(&batch, &not_sent(&fault.failure), &mut results);
            continue;
        }
        match send(api, spent, mapping, &batch, &mut results).await {
            Ok(()) => is_carried_out = true,
            Err(fault) => {
                is_carried_out |= fault.failure.kind == FailureKind::Unknown;
                fail(&batch, &fault.failure, &mut results);
                failed = Some(fault);
            }
        }
    }
    if let Some(fault) = failed
        && !is_carried_out
    {
        return Err(fault);
    }
    Ok(rows
        .iter()
        .zip(results)
        .map(|(row, result)| RowOutcome {
            link: row.link,
            result: result.unwrap_or_else(|| Err(unanswered())),
        })
        .collect())
}

fn outgoing<'a>(mapping: &Mapping, index: usize, row: &'a RowWrite) -> Result<Outgoing<'a>> {
    let (kind, id) = match row.target {
        Target::NewAutomation(kind) => (kind, None),
        Target::Existing(RemoteId::Automation(kind, id)) => (kind, Some(id)),
        Target::NewSalesforce(_) | Target::Existing(RemoteId::Salesforce(..)) => {
            let message = "a row for Salesforce was handed to Automation";
            return Err(Failure::new(FailureKind::Broken, "target", message));
        }
    };
    let consent = row.consent.filter(|_| kind == Kind::Person);
    let body = wire::body(mapping, kind, &row.values, consent, id);
    if body.is_empty() {
        // The server would make an empty record of it.
        let message = "a record without any value is not created";
        let kind = FailureKind::Rejected(Rejection::Required(Vec::new()));
        return Err(Failure::new(kind, "empty", message));
    }
    Ok(Outgoing {
        index,
        row,
        kind,
        id,
        body,
    })
}

fn fail(batch: &[Outgoing], failure: &Failure, results: &mut Results) {
    for row in batch {
        results[row.index].get_or_insert_with(|| Err(failure.clone()));
    }
}

async fn send(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    batch: &[Outgoing<'_>],
    results: &mut Results,
) -> std::result::Result<(), Fault> {
    refuse_stale(api, spent, batch, results).await?;
    let batch: Vec<&Outgoing> = batch
        .iter()
        .filter(|row| results[row.index].is_none())
        .collect();
    let Some(first) = batch.first() else {
        return Ok(());
    };
    let (path, plural) = read::names(first.kind);
    let (method, path) = match first.id {
        Some(_) => (Method::PATCH, format!("{path}/batch/edit")),
        None => (Method::POST, format!("{path}/batch/new")),
    };
    let bodies: Vec<Json> = batch
        .iter()
        .map(|row| Json::Object(row.body.clone()))
        .collect();
    let request = Request::write(method, &path, Json::Array(bodies));
    let answer = api.send(spent, request).await?.json()?;
    for (position, row) in batch.iter().enumerate() {
        let reply = Reply {
            answer: &answer,
            records: &answer[plural],
            position,
            batch: &batch,
        };
        let result = row.outcome(mapping, &reply);
        results[row.index] = Some(match result {
            Err(failure) if failure.kind == FailureKind::Gone => {
                Err(moved_or_gone(api, spent, row, failure).await)
            }
            result => result,
        });
    }
    Ok(())
}

/// There are no conditional writes here: the rows are read once more, right before.
async fn refuse_stale(
    api: &Api,
    spent: &mut Spent,
    batch: &[Outgoing<'_>],
    results: &mut Results,
) -> std::result::Result<(), Fault> {
    let conditional: Vec<(AutomationId, &Outgoing)> = batch
        .iter()
        .filter(|row| row.kind == Kind::Person && row.row.unless_modified_since.is_some())
        .filter_map(|row| Some((row.id?, row)))
        .collect();
    if conditional.is_empty() {
        return Ok(());
    }
    let ids: Vec<AutomationId> = conditional.iter().map(|(id, _)| *id).collect();
    let now = read::by_id(api, spent, Kind::Person, &ids).await?;
    for (id, row) in conditional {
        let modified = now.get(&id).and_then(wire::modified);
        if modified > row.row.unless_modified_since {
            let message = "the contact was edited after it was read";
            let failure = Failure::new(FailureKind::Stale, "stale", message);
            results[row.index] = Some(Err(failure));
        }
    }
    Ok(())
}

/// A batch does not follow merges; a single read does, and names the winner.
async fn moved_or_gone(api: &Api, spent: &mut Spent, row: &Outgoing<'_>, gone: Failure) -> Failure {
    let Some(id) = row.id.filter(|_| row.kind == Kind::Person) else {
        return gone;
    };
    match read::alone(api, spent, Kind::Person, id).await {
        Ok(Some(record)) => match wire::id(&record) {
            Ok(winner) => moved(id, winner),
            Err(fault) => fault.failure,
        },
        Ok(None) => gone,
        Err(fault) => {
            let message = format!("not found, and not known why: {}", fault.failure);
            Failure::new(FailureKind::Transient, gone.code, message)
        }
    }
}

fn moved(asked: AutomationId, winner: AutomationId) -> Failure {
    let message = format!("contact {asked} was merged into contact {winner}");
    Failure::new(FailureKind::Moved, "merged", message)
}

impl Outgoing<'_> {
    /// What must not repeat in a batch.
    fn key(&self, mapping: &Mapping) -> Option<String> {
        if let Some(id) = self.id {
            return Some(id.to_string());
        }
        let rule = self.key_rule(mapping)?;
        let (_, value) = self
            .row
            .values
            .iter()
            .find(|(field, _)| *field == rule.id)?;
        value.as_text().map(|text| text.trim().to_lowercase())
    }

    fn outcome(&self, mapping: &Mapping, reply: &Reply<'_>) -> Result<WrittenRow> {
        let (answer, position) = (reply.answer, reply.position);
        let status = wire::at(&answer["statusCodes"], position)
            .and_then(values::id)
            .and_then(|status| u16::try_from(status).ok())
            .ok_or_else(unanswered)?;
        if !matches!(status, 200 | 201) {
            let error = wire::at(&answer["errors"], position);
            let field = |alias: &str| wire::rule_of_member(mapping, self.kind, alias);
            let failure = row_failure(status, error, &field);
            return Err(self.required_if_blank(failure));
        }
        let record = self.own(mapping, reply).ok_or_else(unanswered)?;
        let id = wire::id(record).map_err(|_| unanswered())?;
        self.check_consent(mapping, record)?;
        Ok(WrittenRow {
            id: RemoteId::Automation(self.kind, id),
            created: status == 201,
            modified: wire::modified(record),
            stored: Some(self.stored(mapping, record)),
        })
    }

    /// The record of this row: the one at its place, if it is the one that was addressed. If an
    /// answer ever came in another order, a row would be linked to somebody else's record.
    fn own<'r>(&self, mapping: &Mapping, reply: &Reply<'r>) -> Option<&'r Json> {
        let is_own = |record: &&Json| match self.id {
            Some(id) => values::id(&record["id"]) == Some(id.0),
            None => self.has_own_key(mapping, record),
        };
        let placed = wire::at(reply.records, reply.position);
        placed
            .filter(is_own)
            .or_else(|| wire::records(reply.records).into_iter().find(is_own))
            .or_else(|| placed.filter(|record| self.is_altered(mapping, record, reply.batch)))
    }

    /// Whether a created record shows the address or name that was sent; true if none was.
    fn has_own_key(&self, mapping: &Mapping, record: &Json) -> bool {
        let Some(sent) = self.key(mapping) else {
            return true;
        };
        self.shown_key(mapping, record)
            .is_none_or(|shown| shown == sent)
    }

    /// Whether a created record shows what is left of the address or name that was sent, with characters
    /// taken out of it, and is no other row's. `hélène@` is kept as `hlne@`, with a status of success.
    fn is_altered(&self, mapping: &Mapping, record: &Json, batch: &[&Outgoing<'_>]) -> bool {
        if self.id.is_some() {
            return false;
        }
        let (Some(sent), Some(shown)) = (self.key(mapping), self.shown_key(mapping, record)) else {
            return false;
        };
        let mut sent = sent.chars();
        let is_left_of_it = shown.chars().all(|one| sent.any(|other| other == one));
        let is_of_another = |row: &&Outgoing<'_>| row.key(mapping).as_ref() == Some(&shown);
        is_left_of_it && !batch.iter().any(is_of_another)
    }

    fn shown_key(&self, mapping: &Mapping, record: &Json) -> Option<String> {
        let rule = self.key_rule(mapping)?;
        let shown = record["fields"]["all"][&rule.automation].as_str()?;
        Some(shown.trim().to_lowercase())
    }

    fn key_rule<'m>(&self, mapping: &'m Mapping) -> Option<&'m FieldRule> {
        let role = match self.kind {
            Kind::Person => Role::Email,
            Kind::Company => Role::CompanyName,
        };
        mapping.with_role(self.kind, role)
    }

    /// The texts of refusals are localised; that a field is required shows in its being blank.
    fn required_if_blank(&self, mut failure: Failure) -> Failure {
        if let FailureKind::Rejected(Rejection::Values(fields)) = &failure.kind {
            let sent = |field: &FieldId| {
                let mut values = self.row.values.iter();
                values.any(|(id, value)| id == field && !value.is_blank())
            };
            if !fields.is_empty() && !fields.iter().any(sent) {
                failure.kind = FailureKind::Rejected(Rejection::Required(fields.clone()));
            }
        }
        failure
    }

    fn stored(&self, mapping: &Mapping, record: &Json) -> Vec<(FieldId, Value)> {
        let written = self.row.values.iter();
        written
            .filter_map(|(field, _)| {
                let rule = mapping.rule(self.kind, *field)?;
                wire::written_member(rule)?;
                Some((*field, wire::stored(rule, record)?))
            })
            .collect()
    }

    /// A consent that was not kept is a failure of the row: nothing else of it matters as much.
    fn check_consent(&self, mapping: &Mapping, record: &Json) -> Result<()> {
        let Some(asked) = self.row.consent.filter(|_| self.kind == Kind::Person) else {
            return Ok(());
        };
        let is_kept = match (asked, wire::consent(record)) {
            (Consent::Bounced, _) => true,
            (Consent::Out(_), Some(kept)) => kept.is_out() || kept == Consent::Bounced,
            (Consent::In, Some(kept)) => kept == Consent::In,
            (_, None) => false,
        };
        if is_kept {
            return Ok(());
        }
        let rule = mapping.with_role(Kind::Person, Role::Consent);
        let fields = rule.map(|rule| rule.id).into_iter().collect();
        let kind = FailureKind::Rejected(Rejection::Values(fields));
        let message = "Automation answered well and did not keep the do-not-contact";
        Err(Failure::new(kind, "consent-not-kept", message))
    }
}

fn unanswered() -> Failure {
    let message = "the answer says nothing about this row";
    Failure::new(Effect::Writes.lost(), "no-outcome", message)
}
