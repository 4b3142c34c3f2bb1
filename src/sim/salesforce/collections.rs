//! Up to 200 records in one call: results in input order, each row on its own unless the caller
//! asks for all or none.

use std::collections::BTreeMap;

use super::coerce::{Fields, Input, shown};
use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Salesforce};
use super::schema::ObjectIndex;
use super::write::{UpsertMode, Upserted};
use crate::sim::faults::FaultKind;

/// REST: records of one collection.
pub const RECORDS_MAX: usize = 200;
/// REST: runs of equal type a collection is cut into.
const RUNS_MAX: usize = 10;
/// REST: ids of one collection read by POST.
pub const READ_IDS_MAX: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    AllOrNone,
    EachAlone,
}

/// One row of a collection write.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The type's API name, as the row's attributes give it.
    pub object: String,
    /// As the client wrote it; required by update, absent on insert.
    pub id: Option<String>,
    pub fields: Fields,
}

/// Per row, in input order. A missing row (a fault) makes the list shorter than the input.
pub type Results = Vec<Outcome<Upserted>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Insert,
    Update,
}

impl Salesforce {
    pub fn write_collection(
        &mut self,
        call: &Call,
        verb: Verb,
        items: &[Item],
        atomicity: Atomicity,
    ) -> Outcome<Results> {
        check_size(items.len(), RECORDS_MAX)?;
        check_runs(items)?;
        let keys = items
            .iter()
            .map(|item| item.id.as_ref().map(|id| folded_id(id)));
        let repeated = if verb == Verb::Update {
            repeated(keys)
        } else {
            vec![false; items.len()]
        };
        Ok(self.rows(call, items.len(), atomicity, |org, call, at| {
            let item = &items[at];
            if repeated[at] {
                let id = item.id.as_deref().unwrap_or_default();
                let message = format!("Duplicate id in update: {id}");
                return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
            }
            let object = org.item_object(call, &item.object)?;
            if verb == Verb::Insert {
                if item.id.is_some() {
                    let message = "cannot specify Id in an insert call";
                    return Err(ApiError::new(
                        ErrorCode::INVALID_FIELD_FOR_INSERT_UPDATE,
                        message,
                    ));
                }
                let id = org.insert(call, object, &item.fields)?;
                return Ok(Upserted {
                    id,
                    is_created: true,
                });
            }
            let id = item.id.as_deref().ok_or_else(|| {
                ApiError::new(
                    ErrorCode::MISSING_ARGUMENT,
                    "Id not specified in an update call",
                )
            })?;
            let id = org.typed_id(object, id)?;
            org.update(call, id, &item.fields)?;
            Ok(Upserted {
                id,
                is_created: false,
            })
        }))
    }

    /// Each row carries its key among its fields. All rows are of one type.
    pub fn upsert_collection(
        &mut self,
        call: &Call,
        (object, key): (ObjectIndex, &str),
        items: &[Item],
        atomicity: Atomicity,
    ) -> Outcome<Results> {
        check_size(items.len(), RECORDS_MAX)?;
        let name = self.schema.object(object).name.clone();
        let keys: Vec<Option<Input>> = items.iter().map(|item| key_of(item, key)).collect();
        let folded = keys
            .iter()
            .map(|key| key.as_ref().map(|key| shown(key).trim().to_lowercase()));
        let repeated = repeated(folded);
        // A key nobody may look up by is wrong for the whole call.
        self.key_matches(call, object, key, &Input::Null)
            .or_else(|error| {
                if error.code == ErrorCode::NOT_FOUND {
                    Err(error)
                } else {
                    Ok(Vec::new())
                }
            })?;
        Ok(self.rows(call, items.len(), atomicity, |org, call, at| {
            let item = &items[at];
            if !item.object.is_empty() && org.item_object(call, &item.object)? != object {
                let message = format!("record type does not match request: {name}");
                return Err(ApiError::new(ErrorCode::INVALID_TYPE, message));
            }
            let value = keys[at].clone().unwrap_or(Input::Null);
            if repeated[at] {
                let message = format!("Duplicate external id specified: {}", shown(&value));
                return Err(ApiError::new(ErrorCode::DUPLICATE_VALUE, message));
            }
            let is_key = |field: &str| field.eq_ignore_ascii_case(key);
            let fields = item
                .fields
                .iter()
                .filter(|(field, _)| !is_key(field))
                .cloned()
                .collect();
            org.upsert(
                call,
                object,
                (key, &value),
                &fields,
                UpsertMode::CreateOrUpdate,
            )
        }))
    }

    pub fn delete_collection(
        &mut self,
        call: &Call,
        ids: &[String],
        atomicity: Atomicity,
    ) -> Outcome<Results> {
        check_size(ids.len(), RECORDS_MAX)?;
        let repeated = repeated(ids.iter().map(|id| Some(folded_id(id))));
        Ok(self.rows(call, ids.len(), atomicity, |org, call, at| {
            if repeated[at] {
                return Err(ApiError::new(
                    ErrorCode::INVALID_INPUT,
                    "Duplicate id in delete",
                ));
            }
            let id = RecordId::parse(&ids[at]);
            let id = id.ok_or_else(|| Self::malformed_id(&ids[at], "Record ID"))?;
            org.delete(call, id)?;
            Ok(Upserted {
                id,
                is_created: false,
            })
        }))
    }

    /// Runs the rows in order, each in its own transaction or all in one.
    ///
    /// With all-or-none, rows that did nothing wrong are refused too, as rolled back.
    fn rows(
        &mut self,
        call: &Call,
        count: usize,
        atomicity: Atomicity,
        mut row: impl FnMut(&mut Self, &Call, usize) -> Outcome<Upserted>,
    ) -> Results {
        let victim = self.victim(call, count);
        let healthy = Call {
            fault: None,
            ..call.clone()
        };
        let mut results: Results = Vec::with_capacity(count);
        let done = self.atomically(|org| {
            for at in 0..count {
                let is_victim = victim == Some(at) && call.fault == Some(FaultKind::RowLocked);
                let call = if is_victim { call } else { &healthy };
                results.push(row(org, call, at));
            }
            let failed = results.iter().any(Result::is_err);
            if failed && atomicity == Atomicity::AllOrNone {
                Err(())
            } else {
                Ok(())
            }
        });
        if done.is_err() {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                let message = "Record rolled back because not all records were valid and the request was \
                     using AllOrNone header";
                let code = ErrorCode::ALL_OR_NONE_OPERATION_ROLLED_BACK;
                *result = Err(ApiError::new(code, message));
            }
        }
        if let (Some(FaultKind::RowMissing), Some(victim)) = (call.fault, victim) {
            // The fault is that this row's result is lost.
            drop(results.remove(victim));
        }
        results
    }

    /// The row a data fault strikes.
    fn victim(&mut self, call: &Call, count: usize) -> Option<usize> {
        (call.fault.is_some() && count > 0).then(|| self.random.below(count as u64) as usize)
    }

    fn item_object(&self, call: &Call, name: &str) -> Outcome<ObjectIndex> {
        self.find_object(call, name).map_err(|_| {
            let message = format!("sObject type '{name}' is not supported.");
            ApiError::new(ErrorCode::INVALID_TYPE, message)
        })
    }

    /// An id that must belong to an object.
    pub fn typed_id(&self, object: ObjectIndex, text: &str) -> Outcome<RecordId> {
        let label = format!("{} ID", self.schema.object(object).label);
        let id = RecordId::parse(text).filter(|id| self.object_of(*id) == Some(object));
        id.ok_or_else(|| Self::malformed_id(text, &label).on("Id"))
    }
}

fn check_size(count: usize, most: usize) -> Outcome<()> {
    if count > most {
        let message = format!("The number of records in the request exceeds the limit of {most}");
        return Err(ApiError::new(ErrorCode::EXCEEDED_ID_LIMIT, message));
    }
    Ok(())
}

fn check_runs(items: &[Item]) -> Outcome<()> {
    let changes = items
        .windows(2)
        .filter(|pair| !pair[0].object.eq_ignore_ascii_case(&pair[1].object));
    if changes.count() + 1 > RUNS_MAX {
        let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the \
                       data to reduce chunking.";
        return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
    }
    Ok(())
}

/// Both spellings of an id are the same id.
fn folded_id(text: &str) -> String {
    RecordId::parse(text).map_or_else(|| text.to_owned(), |id| id.to_string())
}

/// Marks every row that shares its key with another.
fn repeated(keys: impl Iterator<Item = Option<String>>) -> Vec<bool> {
    let keys: Vec<Option<String>> = keys.collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for key in keys.iter().flatten().filter(|key| !key.is_empty()) {
        *counts.entry(key).or_default() += 1;
    }
    let is_repeated = |key: &Option<String>| {
        key.as_deref()
            .and_then(|key| counts.get(key))
            .is_some_and(|count| *count > 1)
    };
    keys.iter().map(is_repeated).collect()
}

fn key_of(item: &Item, key: &str) -> Option<Input> {
    if key.eq_ignore_ascii_case("Id") {
        return item.id.as_ref().map(|id| Input::Text(id.clone()));
    }
    let found = item
        .fields
        .iter()
        .find(|(field, _)| field.eq_ignore_ascii_case(key));
    found.map(|(_, value)| value.clone())
}
