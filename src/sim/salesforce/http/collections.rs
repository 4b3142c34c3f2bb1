//! Collections: up to 200 records in one call.

use serde_json::{Value as Json, json};

use super::json::{Rendering, item};
use super::routes::{Resource, method_not_allowed};
use super::wire::{Answer, error_json};
use crate::sim::salesforce::collections::{Atomicity, Item, READ_IDS_MAX, Results, Verb};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Salesforce;

pub(super) fn answer(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    rest: &[&str],
) -> Outcome<Answer> {
    let asked = resource.asked;
    match (asked.method.as_str(), rest) {
        ("POST", []) => write(org, resource, Verb::Insert),
        ("PATCH", []) => write(org, resource, Verb::Update),
        ("DELETE", []) => delete(org, resource),
        ("GET", [_]) => {
            let list = |name: &str| split(asked.parameter(name).unwrap_or_default());
            read(org, resource, &list("ids"), &list("fields"))
        }
        ("POST", [_]) => {
            let body = asked.json_object()?;
            let list = |name: &str| {
                let values = body.get(name).and_then(Json::as_array);
                let texts = values.into_iter().flatten().filter_map(Json::as_str);
                texts.map(str::to_owned).collect::<Vec<_>>()
            };
            read(org, resource, &list("ids"), &list("fields"))
        }
        ("PATCH", [_, _]) => upsert(org, resource),
        (other, _) => Err(method_not_allowed(other)),
    }
}

fn split(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

fn body(resource: &Resource<'_>) -> Outcome<(Atomicity, Vec<Item>)> {
    let body = resource.asked.json_object()?;
    let all = body
        .get("allOrNone")
        .and_then(Json::as_bool)
        .unwrap_or(false);
    let Some(Json::Array(records)) = body.get("records") else {
        let message = "The records attribute is required";
        return Err(ApiError::new(ErrorCode::MISSING_ARGUMENT, message));
    };
    let items = records.iter().map(item).collect::<Outcome<Vec<_>>>()?;
    Ok((
        if all {
            Atomicity::AllOrNone
        } else {
            Atomicity::EachAlone
        },
        items,
    ))
}

fn write(org: &mut Salesforce, resource: &Resource<'_>, verb: Verb) -> Outcome<Answer> {
    let (atomicity, items) = body(resource)?;
    let results = org.write_collection(&resource.asked.call(), verb, &items, atomicity)?;
    Ok(Answer::json(200, results_json(&results, Created::Untold)))
}

fn upsert(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let (atomicity, items) = body(resource)?;
    let call = resource.asked.call();
    let object = org.find_object(&call, resource.path[2])?;
    let key = resource.path[3];
    let results = org.upsert_collection(&call, (object, key), &items, atomicity)?;
    Ok(Answer::json(200, results_json(&results, Created::Told)))
}

fn delete(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let asked = resource.asked;
    let ids = split(asked.parameter("ids").unwrap_or_default());
    let all = asked
        .parameter("allOrNone")
        .is_some_and(|all| all.eq_ignore_ascii_case("true"));
    let atomicity = if all {
        Atomicity::AllOrNone
    } else {
        Atomicity::EachAlone
    };
    let results = org.delete_collection(&asked.call(), &ids, atomicity)?;
    Ok(Answer::json(200, results_json(&results, Created::Untold)))
}

/// Input order is kept; what cannot be read is null.
fn read(
    org: &Salesforce,
    resource: &Resource<'_>,
    ids: &[String],
    fields: &[String],
) -> Outcome<Answer> {
    let call = resource.asked.call();
    let object = org.find_object(&call, resource.path[2])?;
    if ids.len() > READ_IDS_MAX {
        let message = format!("The number of ids exceeds the limit of {READ_IDS_MAX}");
        return Err(ApiError::new(ErrorCode::EXCEEDED_ID_LIMIT, message));
    }
    if fields.is_empty() {
        return Err(ApiError::new(
            ErrorCode::MISSING_ARGUMENT,
            "The fields attribute is required",
        ));
    }
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    let rendering = Rendering {
        org,
        call: &call,
        version: resource.version,
    };
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        let id = RecordId::parse(id).filter(|id| org.object_of(*id) == Some(object));
        let found = id
            .map(|id| org.retrieve(&call, object, id, &names))
            .transpose();
        records.push(match found {
            Ok(Some((columns, row))) => rendering.row(object, &columns, &row),
            Ok(None) => Json::Null,
            Err(error) if error.status == 404 => Json::Null,
            Err(error) => return Err(error),
        });
    }
    Ok(Answer::json(200, Json::Array(records)))
}

/// Only upserts say whether they created.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Created {
    Told,
    Untold,
}

fn results_json(results: &Results, created: Created) -> Json {
    let rows = results.iter().map(|result| match result {
        Ok(saved) if created == Created::Told => json!({
            "id": saved.id.to_string(),
            "success": true,
            "errors": [],
            "created": saved.is_created,
        }),
        Ok(saved) => json!({ "id": saved.id.to_string(), "success": true, "errors": [] }),
        Err(error) => {
            json!({ "success": false, "errors": [error_json(error, "statusCode")] })
        }
    });
    Json::Array(rows.collect())
}
