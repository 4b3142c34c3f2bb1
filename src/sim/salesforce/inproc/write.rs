//! Writing rows and timeline rows: each row on its own, one outcome for each, in order.

use super::{Session, call, convert};
use crate::domain::activity::ActivityRow;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::Mapping;
use crate::domain::request::{
    ActivityOutcome, ActivitySent, RowOutcome, RowWrite, Target, WrittenRow,
};
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::collections::{Atomicity, Item, RECORDS_MAX, Results, Verb};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::{AutoAssign, Salesforce};
use crate::sim::salesforce::schema::Trait;

/// A row on its way, with its place in the caller's list.
struct Outgoing {
    index: usize,
    object: SalesforceObject,
    id: Option<SalesforceId>,
    fields: Fields,
}

type Results1 = Vec<Option<Result<WrittenRow, Failure>>>;

/// Writes all rows. Creations and updates never share a collection; guarded rows go one by one.
pub(super) fn write(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    rows: &[RowWrite],
) -> Vec<RowOutcome> {
    let mut results: Results1 = vec![None; rows.len()];
    let (mut creations, mut updates) = (Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let Some(out) = outgoing(mapping, index, row) else {
            let message = "a row for Automation was handed to Salesforce";
            results[index] = Some(Err(Failure::new(FailureKind::Broken, "target", message)));
            continue;
        };
        match (out.id, row.unless_modified_since) {
            (None, _) => creations.push(out),
            (Some(id), Some(since)) if is_newer(org, id, since) => {
                let message = "the record was modified after that moment";
                let failure = Failure::new(FailureKind::Stale, "412", message);
                results[index] = Some(Err(failure));
            }
            (Some(_), _) => updates.push(out),
        }
    }
    for (verb, mut rows) in [(Verb::Update, updates), (Verb::Insert, creations)] {
        rows.sort_by_key(|row| (row.object, row.index));
        for chunk in rows.chunks(RECORDS_MAX) {
            write_chunk(org, session, mapping, (verb, chunk), &mut results);
        }
    }
    let outcomes = rows.iter().zip(results).map(|(row, result)| RowOutcome {
        link: row.link,
        result: result.unwrap_or_else(|| Err(unanswered())),
    });
    outcomes.collect()
}

fn outgoing(mapping: &Mapping, index: usize, row: &RowWrite) -> Option<Outgoing> {
    let (object, id) = match row.target {
        Target::NewSalesforce(object) => (object, None),
        Target::Existing(RemoteId::Salesforce(object, id)) => (object, Some(id)),
        Target::NewAutomation(_) | Target::Existing(RemoteId::Automation(..)) => return None,
    };
    let fields = convert::fields(mapping, object, &row.values, row.consent, id.is_none());
    Some(Outgoing {
        index,
        object,
        id,
        fields,
    })
}

/// A condition is weighed against the newest version, whoever may see it already.
fn is_newer(org: &Salesforce, id: SalesforceId, since: crate::domain::time::Timestamp) -> bool {
    let record = org.record(convert::record(id));
    record.is_some_and(|record| convert::moment(record.modified) > since.floor_second())
}

fn write_chunk(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    (verb, rows): (Verb, &[Outgoing]),
    results: &mut Results1,
) {
    let items: Vec<Item> = rows
        .iter()
        .map(|row| Item {
            object: row.object.name().to_owned(),
            id: row.id.map(|id| id.to_string()),
            fields: row.fields.clone(),
        })
        .collect();
    let assigns = match verb {
        Verb::Insert => AutoAssign::On,
        Verb::Update => AutoAssign::Off,
    };
    let call = call(org, session, assigns);
    let written = org.write_collection(&call, verb, &items, Atomicity::EachAlone);
    for (position, row) in rows.iter().enumerate() {
        let field = |name: &str| convert::rule_of(mapping, row.object, name);
        results[row.index] = match at(&written, rows.len(), position) {
            None => Some(Err(unanswered())),
            Some(Err(refused)) => Some(Err(convert::failure(refused, &field))),
            Some(Ok(done)) => convert::id(done.id).map(|id| {
                Ok(WrittenRow {
                    id: RemoteId::Salesforce(row.object, id),
                    created: done.is_created,
                    modified: None,
                    stored: None,
                })
            }),
        };
    }
}

/// The result at a place; `None` if there are fewer results than rows, so that none can be matched.
fn at(
    written: &Outcome<Results>,
    rows: usize,
    position: usize,
) -> Option<Result<crate::sim::salesforce::write::Upserted, &ApiError>> {
    match written {
        Err(refused) => Some(Err(refused)),
        Ok(results) if results.len() == rows => results.get(position).map(|result| match result {
            Ok(done) => Ok(*done),
            Err(refused) => Err(refused),
        }),
        Ok(_) => None,
    }
}

fn unanswered() -> Failure {
    let message = "the answer says nothing about this row";
    Failure::new(FailureKind::Unknown, "no-outcome", message)
}

/// Inserts rows of the timeline object; a reference that is there already is a success.
pub(super) fn send_activities(
    org: &mut Salesforce,
    session: &Session,
    namespace: &str,
    rows: &[ActivityRow],
) -> Outcome<Vec<ActivityOutcome>> {
    let own = |name: &str| match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}__{name}"),
    };
    let call = call(org, session, AutoAssign::Off);
    let name = own("mautic_timeline__c");
    let object = org.find_object(&call, &name).map_err(|_| {
        let message = format!("the object {name} is not there");
        ApiError::new(ErrorCode::INSUFFICIENT_ACCESS_OR_READONLY, message)
    })?;
    let key = own("ReferenceId__c");
    let definition = org.schema().object(object);
    let is_key = definition
        .find(&key)
        .is_some_and(|field| definition.field(field).is(Trait::IdLookup));
    let mut outcomes = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(RECORDS_MAX) {
        let items: Vec<Item> = chunk
            .iter()
            .map(|row| timeline_item(row, &name, &own))
            .collect();
        let written = if is_key {
            org.upsert_collection(&call, (object, &key), &items, Atomicity::EachAlone)
        } else {
            org.write_collection(&call, Verb::Insert, &items, Atomicity::EachAlone)
        };
        for (position, row) in chunk.iter().enumerate() {
            let result = match at(&written, chunk.len(), position) {
                None => Err(unanswered()),
                Some(Ok(done)) if done.is_created => Ok(ActivitySent::Created),
                Some(Ok(_)) => Ok(ActivitySent::AlreadyThere),
                Some(Err(refused))
                    if refused.code == ErrorCode::DUPLICATE_VALUE
                        && refused.message.contains(&key) =>
                {
                    Ok(ActivitySent::AlreadyThere)
                }
                Some(Err(refused)) => Err(convert::failure(refused, &|_| None)),
            };
            outcomes.push(ActivityOutcome {
                reference: row.reference.clone(),
                result,
            });
        }
    }
    Ok(outcomes)
}

fn timeline_item(row: &ActivityRow, object: &str, own: &dyn Fn(&str) -> String) -> Item {
    let (who, id) = row.person;
    let person = match who {
        SalesforceObject::Lead => "WhoId__c",
        SalesforceObject::Contact | SalesforceObject::Account => "contact_id__c",
    };
    let text = |text: &str| Input::text(text);
    let fields = vec![
        (own("ReferenceId__c"), text(&row.reference)),
        (
            own("ActivityDate__c"),
            Input::Instant(convert::instant(row.at)),
        ),
        (own("Description__c"), text(&row.description)),
        (own("Mautic_url__c"), text(&row.url)),
        (own("MauticLead__c"), Input::Number(row.automation.0 as f64)),
        (own(person), Input::Id(convert::record(id))),
        ("Name".to_owned(), text(&row.name)),
    ];
    Item {
        object: object.to_owned(),
        id: None,
        fields,
    }
}
