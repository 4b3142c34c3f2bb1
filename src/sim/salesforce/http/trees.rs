//! sObject Tree: records and their children created together, or not at all.

use serde_json::{Map, Value as Json, json};

use super::json::fields;
use super::routes::Resource;
use super::wire::{Answer, error_json};
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::schema::{FieldDef, ObjectDef, ObjectIndex};

/// REST: records of one request, children included, and how deep they may hang.
const RECORDS_MAX: usize = 200;
const LEVELS_MAX: usize = 5;

/// How a parent names its children: the child's plural; a custom object's ends in `__r`.
pub(super) fn children_name(child: &ObjectDef, field: &FieldDef) -> Option<String> {
    if !field.is_createable() || field.name == "OwnerId" {
        return None;
    }
    let plural = child.label_plural.replace(' ', "");
    Some(if child.is_custom {
        format!("{plural}__r")
    } else {
        plural
    })
}

pub(super) fn tree(org: &mut Salesforce, resource: &Resource<'_>, object: &str) -> Outcome<Answer> {
    let call = resource.asked.call();
    let object = org.find_object(&call, object)?;
    let body = resource.asked.json_object()?;
    let records = records(body.get("records"))?;
    let mut growing = Growing {
        call,
        results: Vec::new(),
        references: Vec::new(),
    };
    let grown = org.atomically(|org| {
        for record in records {
            growing.plant(org, object, record, (None, 1))?;
        }
        Ok(())
    });
    match grown {
        Ok(()) => Ok(Answer::json(
            201,
            json!({ "hasErrors": false, "results": growing.results }),
        )),
        Err(Withered::Request(error)) => Err(error),
        Err(Withered::Record(reference, error)) => Ok(Answer::json(
            400,
            json!({
                "hasErrors": true,
                "results": [{
                    "referenceId": reference,
                    "errors": [error_json(&error, "statusCode")],
                }],
            }),
        )),
    }
}

fn records(list: Option<&Json>) -> Outcome<&Vec<Json>> {
    list.and_then(Json::as_array).ok_or_else(|| {
        let message = "The records attribute is required";
        ApiError::new(ErrorCode::MISSING_ARGUMENT, message)
    })
}

/// Why nothing was created.
enum Withered {
    Request(ApiError),
    /// The record with this reference was refused.
    Record(String, ApiError),
}

struct Growing {
    call: Call,
    results: Vec<Json>,
    references: Vec<String>,
}

impl Growing {
    fn plant(
        &mut self,
        org: &mut Salesforce,
        object: ObjectIndex,
        record: &Json,
        (parent, level): (Option<(&str, RecordId)>, usize),
    ) -> Result<(), Withered> {
        let refused = |code, message: &str| Err(Withered::Request(ApiError::new(code, message)));
        let Json::Object(record) = record else {
            return refused(ErrorCode::JSON_PARSER_ERROR, "Records must be JSON objects");
        };
        let said = |name: &str| record.get("attributes").and_then(|all| all[name].as_str());
        let reference = said("referenceId").unwrap_or_default().to_owned();
        if reference.is_empty() || self.references.contains(&reference) {
            return refused(
                ErrorCode::INVALID_INPUT,
                "Every record needs a referenceId of its own.",
            );
        }
        let is_right = said("type").and_then(|name| org.schema().find(name, self.call.namespace()))
            == Some(object);
        if !is_right {
            return refused(
                ErrorCode::INVALID_INPUT,
                "The type of a record does not match its place in the tree.",
            );
        }
        self.references.push(reference.clone());
        if self.references.len() > RECORDS_MAX || level > LEVELS_MAX {
            return refused(
                ErrorCode::INVALID_INPUT,
                "A tree holds 200 records on 5 levels at most.",
            );
        }
        let (branches, leaves): (Map<String, Json>, Map<String, Json>) = record
            .clone()
            .into_iter()
            .partition(|(_, value)| value.get("records").is_some());
        let create = |org: &mut Salesforce| -> Outcome<RecordId> {
            let mut fields = fields(&leaves)?;
            if let Some((field, id)) = parent {
                fields.push((field.to_owned(), Input::Id(id)));
            }
            org.insert(&self.call, object, &fields)
        };
        let id = create(org).map_err(|error| Withered::Record(reference.clone(), error))?;
        self.results
            .push(json!({ "referenceId": reference, "id": id.to_string() }));
        for (name, branch) in branches {
            let Some((child, field)) = branch_of(org, object, &name) else {
                let message = format!("No such relationship: {name}");
                let error = ApiError::new(ErrorCode::INVALID_FIELD, message);
                return Err(Withered::Record(reference, error));
            };
            let list = records(branch.get("records")).map_err(Withered::Request)?;
            for record in list {
                self.plant(org, child, record, (Some((&field, id)), level + 1))?;
            }
        }
        Ok(())
    }
}

/// The child object and its lookup field that a parent's relationship stands for.
fn branch_of(org: &Salesforce, parent: ObjectIndex, name: &str) -> Option<(ObjectIndex, String)> {
    let parent = &org.schema().object(parent).name;
    org.schema().objects().find_map(|(child, definition)| {
        let mut fields = definition.fields();
        let (_, field) = fields.find(|(_, field)| {
            field.reference_to.contains(parent)
                && children_name(definition, field)
                    .is_some_and(|known| known.eq_ignore_ascii_case(name))
        })?;
        Some((child, field.name.clone()))
    })
}
