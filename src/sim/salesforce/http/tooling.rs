//! The few setup tables a client may look into: which fields exist whoever may see them, which
//! are tracked, which sites are listed.

use serde_json::{Map, Value as Json, json};

use super::routes::Resource;
use super::wire::Answer;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::{ListedSite, Salesforce};
use crate::sim::salesforce::schema::{ObjectDef, Trait};
use crate::sim::salesforce::soql::ast::{Expr, Item, Literal, Op, Path, Query, Select};

pub(super) fn answer(resource: &Resource<'_>, rest: &[&str]) -> Outcome<Answer> {
    match rest {
        [] => Ok(Answer::json(
            200,
            json!({ "query": resource.url("tooling/query") }),
        )),
        _ => Err(ApiError::resource_missing()),
    }
}

/// Answers a query on a setup table; none if it is on anything else.
pub(super) fn query(
    org: &Salesforce,
    resource: &Resource<'_>,
    query: &Query,
) -> Option<Outcome<Answer>> {
    let rows = match query.from.to_ascii_lowercase().as_str() {
        "fielddefinition" => fields(org),
        "entitydefinition" => org
            .schema()
            .objects()
            .map(|(_, object)| entity(object))
            .collect(),
        "remoteproxy" => sites(&org.setup.remote_sites, "SiteName"),
        "csptrustedsite" => sites(&org.setup.trusted_sites, "DeveloperName"),
        _ => return None,
    };
    Some(select(resource, query, rows))
}

fn entity(object: &ObjectDef) -> Json {
    json!({
        "DurableId": object.name,
        "QualifiedApiName": object.name,
        "DeveloperName": object.name.trim_end_matches("__c"),
        "Label": object.label,
        "KeyPrefix": object.prefix.to_string(),
        "IsQueryable": true,
    })
}

fn fields(org: &Salesforce) -> Vec<Json> {
    let mut rows = Vec::new();
    for (_, object) in org.schema().objects() {
        for (_, field) in object.fields() {
            rows.push(json!({
                "DurableId": format!("{}.{}", object.name, field.name),
                "QualifiedApiName": field.name,
                "DeveloperName": field.name.trim_end_matches("__c"),
                "Label": field.label,
                "DataType": field.kind.name(),
                "Length": field.length,
                "IsFieldHistoryTracked": field.is(Trait::HistoryTracked) && object.is_history_enabled,
                "IsIndexed": field.is(Trait::Indexed),
                "IsNillable": field.is(Trait::Nillable),
                "EntityDefinitionId": object.name,
                "EntityDefinition": entity(object),
            }));
        }
    }
    rows
}

fn sites(listed: &[ListedSite], name: &str) -> Vec<Json> {
    let site = |site: &ListedSite| {
        let mut row = Map::new();
        row.insert(name.to_owned(), json!(site.name));
        row.insert("EndpointUrl".to_owned(), json!(site.url));
        row.insert("IsActive".to_owned(), json!(site.is_active));
        Json::Object(row)
    };
    listed.iter().map(site).collect()
}

fn select(resource: &Resource<'_>, query: &Query, mut rows: Vec<Json>) -> Outcome<Answer> {
    if let Some(filter) = &query.filter {
        let mut kept = Vec::new();
        for row in rows {
            if holds(&row, filter)? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    rows.truncate(query.limit.unwrap_or(usize::MAX));
    let total = rows.len();
    let Select::Items(items) = &query.select else {
        let body = json!({ "totalSize": total, "done": true, "records": [] });
        return Ok(Answer::json(200, body));
    };
    let records = rows.iter().map(|row| record(resource, query, items, row));
    let records = records.collect::<Outcome<Vec<_>>>()?;
    let body = json!({
        "size": total,
        "totalSize": total,
        "done": true,
        "queryLocator": null,
        "entityTypeName": query.from,
        "records": records,
    });
    Ok(Answer::json(200, body))
}

fn record(resource: &Resource<'_>, query: &Query, items: &[Item], row: &Json) -> Outcome<Json> {
    let mut body = Map::new();
    let durable = row
        .get("DurableId")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let url = resource.url(&format!("tooling/sobjects/{}/{durable}", query.from));
    body.insert(
        "attributes".to_owned(),
        json!({ "type": query.from, "url": url }),
    );
    for item in items {
        let Item::Field(path) = item else {
            let message = "only plain fields can be selected here";
            return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
        };
        let value = value(row, path)?;
        match path.names.as_slice() {
            [parent, leaf] => {
                let nested = body
                    .entry(parent.clone())
                    .or_insert_with(|| json!({ "attributes": { "type": parent } }));
                if let Json::Object(nested) = nested {
                    nested.insert(leaf.clone(), value);
                }
            }
            _ => {
                body.insert(path.names.join("."), value);
            }
        }
    }
    Ok(Json::Object(body))
}

fn value(row: &Json, path: &Path) -> Outcome<Json> {
    let mut value = row;
    for name in &path.names {
        let found = value.as_object().and_then(|object| {
            object
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        });
        let (_, found) = found.ok_or_else(|| {
            let message = format!("No such column '{name}' on this entity.");
            ApiError::new(ErrorCode::INVALID_FIELD, message)
        })?;
        value = found;
    }
    Ok(value.clone())
}

fn holds(row: &Json, filter: &Expr) -> Outcome<bool> {
    let refused = || {
        let message = "this condition is not supported on a setup table";
        ApiError::new(ErrorCode::MALFORMED_QUERY, message)
    };
    Ok(match filter {
        Expr::And(list) => list.iter().map(|one| holds(row, one)).try_fold(true, and)?,
        Expr::Or(list) => list.iter().map(|one| holds(row, one)).try_fold(false, or)?,
        Expr::Not(inner) => !holds(row, inner)?,
        Expr::Compare {
            path,
            op: Op::Equal,
            literal,
        } => is_equal(&value(row, path)?, literal),
        Expr::Compare {
            path,
            op: Op::NotEqual,
            literal,
        } => !is_equal(&value(row, path)?, literal),
        Expr::In {
            path,
            is_negated,
            list,
        } => {
            let value = value(row, path)?;
            list.iter().any(|literal| is_equal(&value, literal)) != *is_negated
        }
        _ => return Err(refused()),
    })
}

fn and(so_far: bool, next: Outcome<bool>) -> Outcome<bool> {
    next.map(|next| so_far && next)
}

fn or(so_far: bool, next: Outcome<bool>) -> Outcome<bool> {
    next.map(|next| so_far || next)
}

fn is_equal(value: &Json, literal: &Literal) -> bool {
    match literal {
        Literal::Text(text) => value
            .as_str()
            .is_some_and(|found| found.eq_ignore_ascii_case(text)),
        Literal::Bool(wanted) => value.as_bool() == Some(*wanted),
        Literal::Null => value.is_null(),
        _ => false,
    }
}
