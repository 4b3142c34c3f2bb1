//! The setup tables a client may look into: which fields exist whoever may see them, which are
//! tracked, which sites, rules and layouts there are; and the few of them that can be changed.
//!
//! Tooling API guide; the shapes of `Metadata` are those of the Metadata API guide.

mod sobjects;
mod tables;

use serde_json::{Map, Value as Json, json};

use super::routes::Resource;
use super::wire::Answer;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::soql::ast::{Expr, Item, Literal, Op, OrderBy, Path, Query, Select};

pub(super) fn answer(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    rest: &[&str],
) -> Outcome<Answer> {
    match rest {
        [] => Ok(Answer::json(
            200,
            json!({
                "query": resource.url("tooling/query"),
                "sobjects": resource.url("tooling/sobjects"),
            }),
        )),
        ["sobjects", table] => sobjects::create(org, resource, table),
        ["sobjects", table, _] => sobjects::row(org, resource, table),
        _ => Err(ApiError::resource_missing()),
    }
}

/// Answers a query on a setup table; none if it is on anything else.
pub(super) fn query(
    org: &Salesforce,
    resource: &Resource<'_>,
    query: &Query,
) -> Option<Outcome<Answer>> {
    let is_tooling = resource
        .path
        .first()
        .is_some_and(|part| part.eq_ignore_ascii_case("tooling"));
    let rows = tables::rows(org, &query.from, is_tooling)?;
    Some(select(resource, query, rows))
}

fn select(resource: &Resource<'_>, query: &Query, mut rows: Vec<Json>) -> Outcome<Answer> {
    if let Some(filter) = &query.filter {
        check_definitions(&query.from, filter)?;
        let mut kept = Vec::new();
        for row in rows {
            if holds(&row, filter)? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    for order in query.order.iter().rev() {
        sort(&mut rows, order)?;
    }
    rows.truncate(query.limit.unwrap_or(usize::MAX));
    let total = rows.len();
    let Select::Items(items) = &query.select else {
        let body = json!({ "totalSize": total, "done": true, "records": [] });
        return Ok(Answer::json(200, body));
    };
    check_single(items, total)?;
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

/// The definitions of objects and fields take neither OR nor NOT nor LIKE (Object Reference,
/// `EntityDefinition` and `FieldDefinition`: SOQL limitations).
fn check_definitions(table: &str, filter: &Expr) -> Outcome<()> {
    let mut names = ["EntityDefinition", "FieldDefinition"].iter();
    if !names.any(|name| name.eq_ignore_ascii_case(table)) {
        return Ok(());
    }
    let refused = |what: &str| {
        let message = format!("{what} is not supported on {table}");
        Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message))
    };
    match filter {
        Expr::And(list) => list
            .iter()
            .try_for_each(|one| check_definitions(table, one)),
        Expr::Or(_) => refused("OR"),
        Expr::Not(_)
        | Expr::In {
            is_negated: true, ..
        } => refused("NOT"),
        Expr::Compare { op: Op::Like, .. } => refused("LIKE"),
        _ => Ok(()),
    }
}

/// `Metadata` and `FullName` are retrieved one row at a time.
fn check_single(items: &[Item], total: usize) -> Outcome<()> {
    let is_single = |item: &Item| {
        matches!(item, Item::Field(path) if path.names.len() == 1
            && ["Metadata", "FullName"].iter().any(|name| name.eq_ignore_ascii_case(&path.names[0])))
    };
    if total <= 1 || !items.iter().any(is_single) {
        return Ok(());
    }
    let message = format!(
        "When retrieving results with Metadata or FullName fields, the query qualifications must \
         specify no more than one row for retrieval. Result size: {total}"
    );
    Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message))
}

/// Texts without regard to case; a stable sort, so that later keys may go first.
fn sort(rows: &mut [Json], order: &OrderBy) -> Outcome<()> {
    if let Some(row) = rows.first() {
        value(row, &order.path)?;
    }
    rows.sort_by_cached_key(|row| {
        value(row, &order.path).map_or_else(
            |_| String::new(),
            |value| match value {
                Json::String(text) => text.to_lowercase(),
                other => other.to_string(),
            },
        )
    });
    if order.is_descending {
        rows.reverse();
    }
    Ok(())
}

fn record(resource: &Resource<'_>, query: &Query, items: &[Item], row: &Json) -> Outcome<Json> {
    let mut body = Map::new();
    let durable = ["DurableId", "Id"]
        .iter()
        .find_map(|name| row.get(*name)?.as_str());
    let durable = durable.unwrap_or_default();
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
        Expr::Compare {
            path,
            op: Op::Like,
            literal: Literal::Text(pattern),
        } => value(row, path)?
            .as_str()
            .is_some_and(|text| is_like(text, pattern)),
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

/// `%` is anything; nothing else is special on a setup table.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
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
