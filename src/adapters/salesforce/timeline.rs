//! Rows of the timeline object: by collections, or by Bulk jobs when there are many.
//!
//! The reference of a row is unique in Salesforce, so sending again is safe: what is there already
//! answers so.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::super::failures::{Effect, Fault, not_sent};
use super::bulk;
use super::describe;
use super::errors::{self, ApiError};
use super::org::{HEAVY_SUBREQUESTS_MAX, Org, Sub, SubReply};
use super::prefixed;
use super::soql::Name;
use super::write::{COLLECTION_ROWS_MAX, collection, item, refused, unanswered};
use crate::domain::activity::ActivityRow;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::SalesforceObject;
use crate::domain::request::{ActivityOutcome, ActivitySent, FieldAccess, Spent};
use crate::ports::Clock;

/// Up to here collections cost no more calls than a Bulk job, and answer sooner. A thousand rows are
/// one call; a job is three (create, upload, close), two looks, and a file of results or two.
pub(super) const COLLECTED_ROWS_MAX: usize = 6_000;

const REFERENCE_CHARS_MAX: usize = 255;
const NAME_CHARS_MAX: usize = 80;
const URL_CHARS_MAX: usize = 255;
const DESCRIPTION_UNITS_MAX: usize = 131_072;

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// The timeline object under one prefix, as far as sending depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    pub(super) object: String,
    pub(super) reference: String,
    date: String,
    description: String,
    url: String,
    automation: String,
    lead: String,
    contact: String,
    /// An auto-number names its rows itself.
    sends_name: bool,
    /// Whether the reference may be the key of an upsert.
    pub(super) upserts: bool,
}

impl Timeline {
    pub(super) async fn read(
        org: &Org,
        spent: &mut Spent,
        namespace: &str,
    ) -> std::result::Result<Self, Fault> {
        let object = prefixed(namespace, "mautic_timeline__c");
        let path = format!("/sobjects/{}/describe", Name::new(&object)?);
        let body = org.get(spent, path).await.map_err(|mut fault| {
            // The object is missing or hidden, which only a person can change.
            if fault.failure.code == "NOT_FOUND" {
                fault.failure.kind = FailureKind::Forbidden;
                fault.failure.message = format!(
                    "this user does not see the object {object}; create it as the set-up guide \
                     says, or give the user the right to it"
                );
            }
            errors::of_request(fault)
        })?;
        let fields = describe::read_fields(&body);
        let field = |name: &str| {
            let mut fields = fields.iter();
            fields.find(|field| field.name.eq_ignore_ascii_case(name))
        };
        let mut timeline = Self::named(namespace);
        timeline.upserts = field(&timeline.reference).is_some_and(|field| field.is_upsert_key);
        timeline.sends_name =
            field("Name").is_none_or(|field| field.access == FieldAccess::Writable);
        Ok(timeline)
    }

    fn named(namespace: &str) -> Self {
        let own = |name| prefixed(namespace, name);
        Self {
            object: own("mautic_timeline__c"),
            reference: own("ReferenceId__c"),
            date: own("ActivityDate__c"),
            description: own("Description__c"),
            url: own("Mautic_url__c"),
            automation: own("MauticLead__c"),
            lead: own("WhoId__c"),
            contact: own("contact_id__c"),
            sends_name: true,
            upserts: false,
        }
    }

    /// The columns of a row and their texts.
    pub(super) fn cells(&self, row: &ActivityRow) -> Vec<(&str, String)> {
        let (who, id) = row.person;
        let mut cells = vec![
            (self.reference.as_str(), row.reference.clone()),
            (&self.date, row.at.to_string()),
            (
                &self.description,
                cut_units(&row.description, DESCRIPTION_UNITS_MAX),
            ),
            (&self.url, cut(&row.url, URL_CHARS_MAX)),
            (&self.automation, row.automation.to_string()),
        ];
        let (set, unset) = match who {
            SalesforceObject::Lead => (&self.lead, &self.contact),
            SalesforceObject::Contact | SalesforceObject::Account => (&self.contact, &self.lead),
        };
        cells.push((set, id.to_string()));
        cells.push((unset, String::new()));
        // Columns stand in one order, whoever the row is about.
        cells[5..].sort_by(|one, other| one.0.cmp(other.0));
        if self.sends_name {
            cells.push(("Name", cut(&row.name, NAME_CHARS_MAX)));
        }
        cells
    }

    fn record(&self, row: &ActivityRow) -> Json {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({"type": self.object}));
        for (column, text) in self.cells(row) {
            let value = if column == self.automation {
                row.automation.0.into()
            } else {
                Json::String(text)
            };
            if value != "" {
                record.insert(column.to_owned(), value);
            }
        }
        Json::Object(record)
    }

    /// What a refused row means: a reference that is there already is a success.
    pub(super) fn refusal(&self, error: &ApiError) -> Result<ActivitySent> {
        let is_about_reference = || {
            let message = error.message.to_lowercase();
            // Within one request the platform knows neither field nor record yet.
            message.contains(&self.reference.to_lowercase()) || message.contains("<unknown>")
        };
        if error.code == "DUPLICATE_VALUE" && is_about_reference() {
            return Ok(ActivitySent::AlreadyThere);
        }
        Err(error.failure(Effect::Writes, &|_| None))
    }
}

/// Sends all rows; one outcome for each, in order. An error only if nothing was carried out.
pub(super) async fn send(
    org: &Org,
    clock: &dyn Clock,
    spent: &mut Spent,
    timeline: &Timeline,
    (rows, bulk_above): (&[ActivityRow], usize),
) -> std::result::Result<Vec<ActivityOutcome>, Fault> {
    let mut sending = Sending::new(timeline, rows);
    let failed = if sending.order.len() > bulk_above {
        bulk::send(org, clock, spent, &mut sending).await
    } else {
        collect(org, spent, &mut sending).await
    };
    match failed {
        Some(fault) if !sending.is_carried_out => Err(fault),
        _ => Ok(sending.outcomes()),
    }
}

/// Rows on their way.
pub(super) struct Sending<'a> {
    pub(super) timeline: &'a Timeline,
    pub(super) rows: &'a [ActivityRow],
    /// Indices of the rows to send, each reference once, sorted by person: parallel requests for
    /// one person wait for each other's lock.
    pub(super) order: Vec<usize>,
    /// Rows whose reference an earlier row has: the index of that row.
    repeats: Vec<(usize, usize)>,
    pub(super) results: Vec<Option<Result<ActivitySent>>>,
    pub(super) is_carried_out: bool,
}

impl<'a> Sending<'a> {
    fn new(timeline: &'a Timeline, rows: &'a [ActivityRow]) -> Self {
        let mut sending = Self {
            timeline,
            rows,
            order: Vec::with_capacity(rows.len()),
            repeats: Vec::new(),
            results: vec![None; rows.len()],
            is_carried_out: false,
        };
        // The platform compares references without case.
        let mut first: HashMap<String, usize> = HashMap::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            if let Some(failure) = refusal_of_ours(row) {
                sending.results[index] = Some(Err(failure));
            } else if let Some(first) = first.get(&row.reference.to_lowercase()) {
                sending.repeats.push((index, *first));
            } else {
                first.insert(row.reference.to_lowercase(), index);
                sending.order.push(index);
            }
        }
        sending.order.sort_by_key(|index| rows[*index].person);
        sending
    }

    pub(super) fn fail(&mut self, indices: &[usize], failure: &Failure) {
        for index in indices {
            self.results[*index].get_or_insert_with(|| Err(failure.clone()));
        }
    }

    fn outcomes(mut self) -> Vec<ActivityOutcome> {
        for (repeat, first) in std::mem::take(&mut self.repeats) {
            self.results[repeat] = match &self.results[first] {
                Some(Ok(_)) => Some(Ok(ActivitySent::AlreadyThere)),
                result => result.clone(),
            };
        }
        let results = self.rows.iter().zip(self.results);
        results
            .map(|(row, result)| ActivityOutcome {
                reference: row.reference.clone(),
                result: result.unwrap_or_else(|| Err(unanswered())),
            })
            .collect()
    }
}

/// What need not be sent to know its refusal.
fn refusal_of_ours(row: &ActivityRow) -> Option<Failure> {
    let refused = |code: &str, message: &str| {
        let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
        Some(Failure::new(kind, code, message))
    };
    if row.reference.chars().count() > REFERENCE_CHARS_MAX {
        return refused("STRING_TOO_LONG", "the reference exceeds 255 characters");
    }
    if row.person.0 == SalesforceObject::Account {
        return refused("PERSON", "an event belongs to a Lead or a Contact");
    }
    None
}

/// Collections of 200, five to a call.
async fn collect(org: &Org, spent: &mut Spent, sending: &mut Sending<'_>) -> Option<Fault> {
    let order = std::mem::take(&mut sending.order);
    let mut failed: Option<Fault> = None;
    for chunk in order.chunks(COLLECTION_ROWS_MAX * HEAVY_SUBREQUESTS_MAX) {
        if let Some(fault) = &failed {
            sending.fail(chunk, &not_sent(&fault.failure));
            continue;
        }
        let subs: Vec<Sub> = chunk
            .chunks(COLLECTION_ROWS_MAX)
            .map(|rows| sending.sub(rows))
            .collect();
        match org.composite(spent, &subs, Effect::Writes).await {
            Ok(replies) => {
                sending.is_carried_out = true;
                for (rows, reply) in chunk.chunks(COLLECTION_ROWS_MAX).zip(replies) {
                    sending.read(rows, reply.as_ref());
                }
            }
            Err(fault) => {
                sending.is_carried_out |= fault.failure.kind == FailureKind::Unknown;
                sending.fail(chunk, &fault.failure);
                failed = Some(fault);
            }
        }
    }
    failed
}

impl Sending<'_> {
    fn sub(&self, indices: &[usize]) -> Sub {
        let rows = indices.iter().map(|index| &self.rows[*index]);
        let records: Vec<Json> = rows.map(|row| self.timeline.record(row)).collect();
        if self.timeline.upserts {
            let Timeline {
                object, reference, ..
            } = self.timeline;
            let path = format!("/composite/sobjects/{object}/{reference}");
            collection(Method::PATCH, &path, records)
        } else {
            collection(Method::POST, "/composite/sobjects", records)
        }
    }

    fn read(&mut self, indices: &[usize], reply: Option<&SubReply>) {
        for (position, index) in indices.iter().enumerate() {
            let result = match reply {
                None => Err(unanswered()),
                Some(reply) if !reply.is_success() => Err(refused(reply, &|_| None)),
                Some(reply) => self.outcome(item(reply, indices.len(), position)),
            };
            self.results[*index] = Some(result);
        }
    }

    fn outcome(&self, item: Option<&Json>) -> Result<ActivitySent> {
        let item = item.ok_or_else(unanswered)?;
        if item["success"].as_bool() == Some(true) {
            return Ok(match item["created"].as_bool() {
                Some(false) => ActivitySent::AlreadyThere,
                _ => ActivitySent::Created,
            });
        }
        let error = ApiError::first(&item["errors"]).ok_or_else(unanswered)?;
        self.timeline.refusal(&error)
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// The platform counts UTF-16 units in long texts; no character is cut in half.
fn cut_units(text: &str, units_max: usize) -> String {
    let mut left = units_max;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AutomationId;
    use crate::domain::time::Timestamp;

    fn row(reference: &str, object: SalesforceObject) -> ActivityRow {
        ActivityRow {
            reference: reference.to_owned(),
            at: Timestamp::from_seconds(1_772_615_702),
            name: "n".repeat(90),
            description: String::new(),
            url: "https://acme.automation.example/s/contacts/view/7".to_owned(),
            person: (object, "003Q70000000A1b".parse().unwrap()),
            automation: AutomationId(7),
        }
    }

    #[test]
    fn a_row_fills_one_of_the_two_persons_under_the_prefix() {
        let timeline = Timeline::named("ns");
        let record = timeline.record(&row(
            "EmailRead1-003Q70000000A1bIAE",
            SalesforceObject::Contact,
        ));
        assert_eq!(
            record,
            json!({
                "attributes": {"type": "ns__mautic_timeline__c"},
                "ns__ReferenceId__c": "EmailRead1-003Q70000000A1bIAE",
                "ns__ActivityDate__c": "2026-03-04T09:15:02Z",
                "ns__Mautic_url__c": "https://acme.automation.example/s/contacts/view/7",
                "ns__MauticLead__c": 7,
                "ns__contact_id__c": "003Q70000000A1bIAE",
                "Name": "n".repeat(80),
            })
        );
    }

    #[test]
    fn columns_stand_in_one_order_for_leads_and_contacts() {
        let timeline = Timeline::named("");
        let columns = |object| {
            let row = row("r", object);
            let cells = timeline.cells(&row);
            cells
                .into_iter()
                .map(|(column, _)| column.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            columns(SalesforceObject::Lead),
            columns(SalesforceObject::Contact)
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut_units("a🎉b", 2), "a");
        assert_eq!(cut_units("a🎉b", 3), "a🎉");
        assert_eq!(cut("éàü", 2), "éà");
    }

    #[test]
    fn a_repeated_reference_is_sent_once_and_a_long_one_never() {
        let timeline = Timeline::named("");
        let rows = [
            row("A-1", SalesforceObject::Lead),
            row("a-1", SalesforceObject::Lead),
            row(&"x".repeat(256), SalesforceObject::Lead),
        ];
        let mut sending = Sending::new(&timeline, &rows);
        assert_eq!(sending.order, [0]);
        sending.results[0] = Some(Ok(ActivitySent::Created));
        let results: Vec<_> = sending.outcomes().into_iter().map(|o| o.result).collect();
        assert_eq!(results[0], Ok(ActivitySent::Created));
        assert_eq!(results[1], Ok(ActivitySent::AlreadyThere));
        assert_eq!(results[2].as_ref().unwrap_err().code, "STRING_TOO_LONG");
    }

    #[test]
    fn only_a_repeated_reference_counts_as_sent() {
        let timeline = Timeline::named("");
        let error = |message: &str| ApiError {
            code: "DUPLICATE_VALUE".into(),
            message: message.into(),
            fields: Vec::new(),
        };
        let there =
            error("duplicate value found: ReferenceId__c duplicates value on record with id: a0B");
        assert_eq!(timeline.refusal(&there), Ok(ActivitySent::AlreadyThere));
        let other =
            error("duplicate value found: Other__c duplicates value on record with id: a0B");
        assert!(timeline.refusal(&other).is_err());
    }
}
