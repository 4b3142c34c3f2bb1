//! Records to JSON and back.

use std::sync::Arc;

use serde_json::{Map, Number, Value as Json, json};

use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::collections::Item;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::query::{Page, Row};
use crate::sim::salesforce::schema::{FieldType, ObjectIndex};
use crate::sim::salesforce::soql::bind::Column;
use crate::sim::salesforce::soql::eval::Subject;
use crate::sim::salesforce::value::Value;

/// What rendering needs to know besides the record.
pub(super) struct Rendering<'a> {
    pub(super) org: &'a Salesforce,
    pub(super) call: &'a Call,
    pub(super) version: &'a str,
}

impl Rendering<'_> {
    pub(super) fn page(&self, page: &Page) -> Json {
        let rows = page
            .rows
            .iter()
            .map(|row| self.row(page.object, &page.columns, row));
        let mut body = Map::new();
        body.insert("totalSize".to_owned(), json!(page.total_size));
        body.insert("done".to_owned(), json!(page.next.is_none()));
        if let Some(next) = page.next {
            let url = format!("/services/data/v{}/query/{next}", self.version);
            body.insert("nextRecordsUrl".to_owned(), json!(url));
        }
        body.insert("records".to_owned(), Json::Array(rows.collect()));
        Json::Object(body)
    }

    /// One record: attributes first, parents nested, a missing parent as null.
    pub(super) fn row(&self, object: ObjectIndex, columns: &Arc<[Column]>, row: &Row) -> Json {
        let mut body = Map::new();
        body.insert("attributes".to_owned(), self.attributes(object, row.id));
        for ((column, value), origin) in columns.iter().zip(&row.values).zip(&row.origins) {
            self.place(&mut body, object, row, column, (value, *origin));
        }
        drop_empty_compounds(&mut body);
        Json::Object(body)
    }

    fn attributes(&self, object: ObjectIndex, id: RecordId) -> Json {
        let name = self.short(&self.org.schema().object(object).name);
        let url = format!("/services/data/v{}/sobjects/{name}/{id}", self.version);
        json!({ "type": name, "url": url })
    }

    fn place(
        &self,
        body: &mut Map<String, Json>,
        object: ObjectIndex,
        row: &Row,
        column: &Column,
        (value, origin): (&Value<'_>, Option<RecordId>),
    ) {
        if column.is_conditional && origin.is_some_and(|id| !self.org.applies(column, id)) {
            return;
        }
        let Some((leaf, parents)) = column.path.split_last() else {
            return;
        };
        let mut target = body;
        for (depth, parent) in parents.iter().enumerate() {
            let key = self.short(parent).to_owned();
            if !target.contains_key(&key) {
                let parent = self.parent(object, row.id, column, depth + 1);
                let nested = parent.map_or(
                    Json::Null,
                    |subject| json!({ "attributes": self.attributes(subject.object, subject.id) }),
                );
                target.insert(key.clone(), nested);
            }
            let Some(Json::Object(nested)) = target.get_mut(&key) else {
                return;
            };
            target = nested;
        }
        if let Some(compound) = &column.compound {
            let nested = target.entry(compound.clone()).or_insert_with(|| json!({}));
            let Json::Object(nested) = nested else { return };
            target = nested;
        }
        target.insert(self.short(leaf).to_owned(), value_json(value, column.kind));
    }

    fn parent(
        &self,
        object: ObjectIndex,
        id: RecordId,
        column: &Column,
        steps: usize,
    ) -> Option<Subject<'_>> {
        let record = self.org.table(object).visible(id)?;
        self.org
            .follow(Subject { object, id, record }, &column.hops[..steps])
    }

    /// With a default namespace, answers leave its prefix out.
    pub(super) fn short<'n>(&self, name: &'n str) -> &'n str {
        let Some(namespace) = self.call.options.default_namespace.as_deref() else {
            return name;
        };
        let rest = name
            .get(namespace.len()..)
            .and_then(|rest| rest.strip_prefix("__"));
        let is_prefixed = name
            .get(..namespace.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(namespace));
        rest.filter(|_| is_prefixed).unwrap_or(name)
    }
}

/// An address without any part is null as a whole.
fn drop_empty_compounds(body: &mut Map<String, Json>) {
    for value in body.values_mut() {
        let Json::Object(nested) = value else {
            continue;
        };
        if nested.contains_key("attributes") {
            drop_empty_compounds(nested);
        } else if nested.values().all(Json::is_null) {
            *value = Json::Null;
        }
    }
}

pub(super) fn value_json(value: &Value<'_>, kind: FieldType) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Bool(value) => json!(value),
        Value::Number(number) if kind == FieldType::Int => json!(*number as i64),
        // Doubles keep their `.0` even when the scale is zero.
        Value::Number(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Instant(at) => json!(at.to_salesforce()),
        Value::Day(day) => json!(day.to_string()),
        Value::Id(id) => json!(id.to_string()),
    }
}

/// A body of fields, without `attributes` and without the id.
pub(super) fn fields(object: &Map<String, Json>) -> Outcome<Fields> {
    let mut fields = Vec::with_capacity(object.len());
    for (name, value) in object {
        if name != "attributes" {
            fields.push((name.clone(), input(name, value)?));
        }
    }
    Ok(fields)
}

/// One row of a collection: type from the attributes, id in any case.
pub(super) fn item(row: &Json) -> Outcome<Item> {
    let Json::Object(row) = row else {
        let message = "Records must be JSON objects";
        return Err(ApiError::new(ErrorCode::JSON_PARSER_ERROR, message));
    };
    let object = row
        .get("attributes")
        .and_then(|attributes| attributes.get("type"));
    let object = object.and_then(Json::as_str).unwrap_or_default().to_owned();
    let is_id = |name: &str| name.eq_ignore_ascii_case("id");
    let id = row
        .iter()
        .find(|(name, _)| is_id(name))
        .and_then(|(_, id)| id.as_str());
    let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
    let rest: Map<String, Json> = row
        .iter()
        .filter(|(name, _)| !is_id(name))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Ok(Item {
        object,
        id,
        fields: fields(&rest)?,
    })
}

fn input(name: &str, value: &Json) -> Outcome<Input> {
    Ok(match value {
        Json::Null => Input::Null,
        Json::Bool(value) => Input::Bool(*value),
        Json::Number(number) => Input::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Input::Text(text.clone()),
        Json::Object(parent) => {
            let mut keys = parent.iter().filter(|(key, _)| *key != "attributes");
            match (keys.next(), keys.next()) {
                (Some((key, value)), None) => Input::Parent {
                    key: key.clone(),
                    value: Box::new(input(key, value)?),
                },
                _ => return Err(unreadable(name, "START_OBJECT")),
            }
        }
        Json::Array(_) => return Err(unreadable(name, "START_ARRAY")),
    })
}

fn unreadable(name: &str, token: &str) -> ApiError {
    let message = format!("Cannot deserialize instance of {name} from {token} token");
    ApiError::new(ErrorCode::JSON_PARSER_ERROR, message)
}
