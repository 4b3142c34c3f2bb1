//! The parameters of list calls: paging, order, where clauses.

use serde_json::Value;

use super::super::accept::escape_html;
use super::super::field::{Fields, Subject};
use super::super::instance::Automation;
use super::super::query::{Clause, Column, ContactQuery, Direction, Expression};
use super::super::refusal::Refusal;
use super::super::search::Search;
use super::request::Node;

/// Paging of a list: start and limit, where limit 0 is everything.
pub(super) fn paging(query: &Node, default: usize) -> Result<(usize, Option<usize>), Refusal> {
    let number = |key: &str, default: usize| match query.text(key) {
        None | Some("") => Ok(default),
        // Negative and unreadable limits reach the database, which refuses them.
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::Broken),
    };
    let limit = number("limit", default)?;
    Ok((number("start", 0)?, (limit > 0).then_some(limit)))
}

/// Rows of anything but contacts and companies in the order asked for, by the names that the rows
/// themselves show. A name that is none of theirs reaches the database, which refuses it.
pub(super) fn in_order(mut rows: Vec<Value>, query: &Node) -> Result<Vec<Value>, Refusal> {
    let names = query.text("orderBy").filter(|names| !names.is_empty());
    let names: Vec<&str> = names
        .into_iter()
        .flat_map(|names| names.split(','))
        .collect();
    for name in names.iter().rev() {
        let name = name.trim();
        let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
        if rows.iter().any(|row| row.get(name).is_none()) {
            return Err(Refusal::Broken);
        }
        rows.sort_by_cached_key(|row| sortable(&row[name]));
    }
    if direction(query.text("orderByDir")) == Direction::Descending && !names.is_empty() {
        rows.reverse();
    }
    Ok(rows)
}

/// Numbers by value, everything else as text.
fn sortable(value: &Value) -> (i64, String) {
    match value {
        Value::Number(number) => (number.as_i64().unwrap_or(0), String::new()),
        Value::String(text) => (0, text.to_lowercase()),
        other => (0, other.to_string()),
    }
}

/// Rows under their ids, as a list is shown; an empty one is `[]`.
pub(super) fn keyed(rows: impl Iterator<Item = Value>) -> Value {
    let rows: serde_json::Map<String, Value> =
        rows.map(|row| (row["id"].to_string(), row)).collect();
    if rows.is_empty() {
        Value::Array(Vec::new())
    } else {
        Value::Object(rows)
    }
}

pub(super) fn contact_query(brain: &Automation, query: &Node) -> Result<ContactQuery, Refusal> {
    let (start, limit) = paging(query, 30)?;
    let mut order = order(brain.fields(), Subject::Contact, query)?;
    if order.is_empty() {
        order = ContactQuery::default().order;
    }
    Ok(ContactQuery {
        clauses: clauses(brain.fields(), Subject::Contact, query)?,
        search: query.text("search").and_then(Search::parse),
        order,
        start,
        limit,
    })
}

/// `order[i][col]` if there, else `orderBy` with commas. Only snake_case columns are known.
pub(super) fn order(
    fields: &Fields,
    subject: Subject,
    query: &Node,
) -> Result<Vec<(Column, Direction)>, Refusal> {
    let column = |name: &str| Column::named(fields, subject, name).ok_or(Refusal::Broken);
    if let Some(orders) = query.at("order") {
        let one = |node: &Node| {
            let column = column(node.text("col").unwrap_or_default())?;
            Ok((column, direction(node.text("dir"))))
        };
        return orders.children().map(one).collect();
    }
    let direction = direction(query.text("orderByDir"));
    let names = query.text("orderBy").filter(|names| !names.is_empty());
    let names = names.into_iter().flat_map(|names| names.split(','));
    names
        .map(|name| Ok((column(name.trim())?, direction)))
        .collect()
}

fn direction(text: Option<&str>) -> Direction {
    match text {
        Some(text) if text.eq_ignore_ascii_case("desc") => Direction::Descending,
        _ => Direction::Ascending,
    }
}

pub(super) fn clauses(
    fields: &Fields,
    subject: Subject,
    query: &Node,
) -> Result<Vec<Clause>, Refusal> {
    let Some(clauses) = query.at("where") else {
        return Ok(Vec::new());
    };
    let read = |node: &Node| clause(fields, subject, node, true);
    Ok(clauses
        .children()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// One clause; `None` for an expression nobody knows, which is ignored.
///
/// 1. A clause needs an expression, and unless it is a group a column: else an exception.
/// 2. Groups know snake_case columns only, flat clauses both spellings.
/// 3. Values are HTML-escaped before use, so `eq` never finds an apostrophe. `in` decodes first.
/// 4. `in` takes one comma-separated text, `between` a list of two: else an exception.
fn clause(
    fields: &Fields,
    subject: Subject,
    node: &Node,
    is_flat: bool,
) -> Result<Option<Clause>, Refusal> {
    let name = node.text("expr").ok_or(Refusal::Broken)?;
    if matches!(name, "andX" | "orX") {
        let parts = node.at("val").map(Node::entries).unwrap_or_default();
        let parts = parts
            .iter()
            .map(|(_, part)| clause(fields, subject, part, false));
        let parts = parts
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        return Ok(Some(if name == "andX" {
            Clause::All(parts)
        } else {
            Clause::Any(parts)
        }));
    }
    let column = node.text("col").ok_or(Refusal::Broken)?;
    let Some(expression) = Expression::named(name) else {
        return Ok(None);
    };
    let column = if is_flat {
        Column::named_either_way(fields, subject, column)
    } else {
        Column::named(fields, subject, column)
    };
    let column = column.ok_or(Refusal::Broken)?;
    let texts = operands(expression, node.at("val"))?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Ok(Some(Clause::test(column, expression, &texts)))
}

/// The texts a comparison gets, by the rules of its expression.
pub(super) fn operands(
    expression: Expression,
    value: Option<&Node>,
) -> Result<Vec<String>, Refusal> {
    match expression {
        Expression::In | Expression::NotIn => {
            let text = value.and_then(Node::as_text).ok_or(Refusal::Broken)?;
            Ok(comma_separated(text))
        }
        Expression::Between | Expression::NotBetween => {
            let texts = value.map(Node::texts).unwrap_or_default();
            if texts.len() == 2 {
                Ok(texts.iter().map(|text| escape_html(text)).collect())
            } else {
                Err(Refusal::Broken)
            }
        }
        Expression::IsNull
        | Expression::IsNotNull
        | Expression::IsEmpty
        | Expression::IsNotEmpty => Ok(Vec::new()),
        _ => match value {
            Some(Node::Text(text)) => Ok(vec![escape_html(text)]),
            None => Ok(vec![String::new()]),
            Some(Node::Map(_)) => Err(Refusal::Broken),
        },
    }
}

/// A line of comma-separated values, double quotes keeping commas.
fn comma_separated(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    out.iter().map(|part| part.trim().to_owned()).collect()
}

/// Whether a flag parameter is set: `1`, `true`.
pub(super) fn is_set(query: &Node, key: &str) -> bool {
    query
        .text(key)
        .is_some_and(|text| super::request::input(&Value::from(text)).is_truthy())
}
