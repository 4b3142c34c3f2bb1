//! What the instance is made of: version, fields, users, types of events.

use serde_json::Value as Json;

use super::super::failures::Fault;
use super::super::values;
use super::api::{Api, Request};
use super::query::Query;
use super::wire;
use crate::domain::access::Entrant;
use crate::domain::failure::FailureKind;
use crate::domain::request::{AutomationDescription, FieldAccess, FieldDescription, Spent, User};
use crate::domain::value::ValueType;

/// The default page of thirty would hide fields of any real instance.
const PAGE: usize = 200;

/// Pages of fields or users.
const PAGES_MAX: usize = 50;

/// What a text column holds; a field of the instance's own may take less, and does not say so.
const TEXT_CHARS_MAX: u32 = 191;

pub(super) async fn describe(api: &Api, spent: &mut Spent) -> Result<AutomationDescription, Fault> {
    let (version, activity_types) = activity(api, spent).await?;
    let contact_fields = pages(api, spent, "/fields/contact", "fields").await?;
    let company_fields = pages(api, spent, "/fields/company", "fields").await?;
    // Without the right to see users there is no map of owners, and that is all that is missing.
    let users = match users(api, spent).await {
        Err(fault) if fault.failure.kind == FailureKind::Forbidden => Vec::new(),
        users => users?,
    };
    Ok(AutomationDescription {
        instance: instance(api),
        version,
        contact_fields: fields(&contact_fields),
        company_fields: fields(&company_fields),
        activity_types,
        users,
    })
}

pub(super) fn instance(api: &Api) -> String {
    api.base.origin().ascii_serialization()
}

/// The version and the types of events that it knows.
pub(super) async fn activity(api: &Api, spent: &mut Spent) -> Result<(String, Vec<String>), Fault> {
    let query = Query::default().with("limit", "1");
    let request = Request::get("/contacts/activity", query);
    let reply = api.send(spent, request).await?;
    let version = reply
        .header("mautic-version")
        .unwrap_or_default()
        .to_owned();
    let types = reply.json()?;
    let types = types["types"].as_object();
    let types = types.map(|types| types.keys().cloned().collect());
    Ok((version, types.unwrap_or_default()))
}

/// A credential's own token is nobody in particular: then the name is the credential's.
pub(super) async fn identity(api: &Api) -> Result<Entrant, Fault> {
    let request = Request::get("/users/self", Query::default());
    let reply = api.send(&mut Spent::default(), request).await?;
    let user = reply.json()?;
    let text = |name: &str| user[name].as_str().unwrap_or_default();
    let place = api.base.origin().ascii_serialization();
    Ok(Entrant {
        user: text("username").to_owned(),
        user_name: format!("{} {}", text("firstName"), text("lastName"))
            .trim()
            .to_owned(),
        place_name: place.clone(),
        place,
        version: reply
            .header("mautic-version")
            .unwrap_or_default()
            .to_owned(),
        ..Entrant::default()
    })
}

/// One that is not published is listed too, and neither shown in a record nor written.
pub(super) fn fields(records: &[Json]) -> Vec<FieldDescription> {
    let published = records.iter().filter(|record| is_published(record));
    published.filter_map(field).collect()
}

pub(super) fn is_published(record: &Json) -> bool {
    !matches!(
        values::text(&record["isPublished"]).as_deref(),
        Some("false" | "0")
    )
}

/// Everybody who may own a record.
pub(super) async fn users(api: &Api, spent: &mut Spent) -> Result<Vec<User>, Fault> {
    let records = pages(api, spent, "/users", "users").await?;
    Ok(records.iter().filter_map(user).collect())
}

pub(super) async fn pages(
    api: &Api,
    spent: &mut Spent,
    path: &str,
    plural: &str,
) -> Result<Vec<Json>, Fault> {
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let query = Query::list(PAGE, &[]).with("start", all.len().to_string());
        let body = api.get(spent, path, query).await?;
        // A list that is not there would look as if every field were unpublished.
        if !matches!(body[plural], Json::Array(_) | Json::Object(_)) {
            let message = format!("the answer holds no {plural}");
            return Err(Fault::new(FailureKind::Transient, "list", message));
        }
        let records = wire::records(&body[plural]);
        let seen = all.len() + records.len();
        let has_more = values::id(&body["total"]).is_some_and(|total| total > seen as u64);
        let is_last = records.is_empty() || (records.len() < PAGE && !has_more);
        all.extend(records.into_iter().cloned());
        if is_last {
            break;
        }
    }
    Ok(all)
}

fn field(field: &Json) -> Option<FieldDescription> {
    let is = |name: &str| matches!(values::text(&field[name]).as_deref(), Some("true" | "1"));
    let kind = field["type"].as_str().unwrap_or_default();
    let value_type = value_type(kind);
    let limit = values::id(&field["charLengthLimit"]).and_then(|limit| u32::try_from(limit).ok());
    Some(FieldDescription {
        name: field["alias"].as_str()?.to_owned(),
        label: field["label"].as_str().unwrap_or_default().to_owned(),
        value_type,
        length_max: match kind {
            "textarea" | "html" => limit,
            _ if matches!(
                value_type,
                Some(ValueType::Text | ValueType::Email | ValueType::Choice)
            ) =>
            {
                Some(limit.unwrap_or(TEXT_CHARS_MAX))
            }
            _ => None,
        },
        hides_length: limit.is_none()
            && !is("isFixed")
            && matches!(kind, "text" | "lookup" | "tel" | "url"),
        decimals: (kind == "number").then(|| {
            let scale = values::id(&field["properties"]["scale"]).unwrap_or(0);
            u8::try_from(scale).unwrap_or(u8::MAX)
        }),
        is_required: is("isRequired"),
        access: FieldAccess::Writable,
        is_unique: is("isUniqueIdentifier") || is("isUniqueIdentifer"),
        is_upsert_key: false,
        choices: matches!(kind, "select" | "multiselect")
            .then(|| choices(&field["properties"]["list"])),
    })
}

pub(super) fn value_type(kind: &str) -> Option<ValueType> {
    Some(match kind {
        "text" | "textarea" | "tel" | "url" | "lookup" | "html" => ValueType::Text,
        "email" => ValueType::Email,
        "boolean" => ValueType::Bool,
        "number" => ValueType::Number,
        "date" => ValueType::Date,
        "datetime" => ValueType::Moment,
        "time" => ValueType::Time,
        // Closed lists; those of the product itself are not told.
        "select" | "country" | "region" | "locale" | "timezone" => ValueType::Choice,
        "multiselect" => ValueType::Choices,
        _ => return None,
    })
}

/// Options are plain texts or pairs of label and value, and their texts are escaped for HTML.
fn choices(list: &Json) -> Vec<String> {
    wire::records(list)
        .into_iter()
        .filter_map(|option| {
            let value = option.get("value").unwrap_or(option);
            values::text(value).map(|text| unescaped(&text))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    // The ampersand last, or an escaped escape would be undone twice.
    [
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (escape, plain)| {
        text.replace(escape, plain)
    })
}

fn user(record: &Json) -> Option<User> {
    let name = |part: &str| record[part].as_str().unwrap_or_default();
    let full = format!("{} {}", name("firstName"), name("lastName"));
    Some(User {
        id: values::id(&record["id"])?.to_string(),
        email: record["email"].as_str()?.trim().to_lowercase(),
        name: full.trim().to_owned(),
        is_active: is_published(record),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recorded_fields_are_described() {
        let number = field(
            &json!({"id": 45, "label": "Annual budget", "alias": "annual_budget",
            "type": "number", "isRequired": false, "isUniqueIdentifier": false,
            "properties": {"roundmode": "4", "scale": "2"}}),
        )
        .unwrap();
        assert_eq!(number.decimals, Some(2));
        assert_eq!(number.value_type, Some(ValueType::Number));
        let tier = field(&json!({"label": "Tier", "alias": "tier", "type": "select",
            "isUniqueIdentifier": 1,
            "properties": {"list": [{"label": "R&#38;D", "value": "R&#38;D"}, {"value": "b"}]}}))
        .unwrap();
        assert_eq!(tier.choices, Some(vec!["R&D".to_owned(), "b".to_owned()]));
        assert!(tier.is_unique);
        let country = field(&json!({"alias": "country", "type": "country", "isFixed": true}));
        let country = country.unwrap();
        assert_eq!(country.value_type, Some(ValueType::Choice));
        assert_eq!(country.choices, None, "its values are not told");
    }

    #[test]
    fn an_own_text_may_be_shorter_than_its_column() {
        let hides = |is_fixed: bool, limit: Json| {
            let described = field(
                &json!({"alias": "note", "type": "text", "isFixed": is_fixed,
                "charLengthLimit": limit}),
            );
            let described = described.unwrap();
            (described.length_max, described.hides_length)
        };
        assert_eq!(hides(true, Json::Null), (Some(191), false));
        assert_eq!(hides(false, Json::Null), (Some(191), true));
        assert_eq!(hides(false, json!(64)), (Some(64), false));
    }

    #[test]
    fn what_is_not_published_is_no_field() {
        let records = [
            json!({"alias": "city", "type": "text", "isPublished": true}),
            json!({"alias": "fax", "type": "text", "isPublished": false}),
        ];
        let names: Vec<String> = fields(&records)
            .into_iter()
            .map(|field| field.name)
            .collect();
        assert_eq!(names, ["city"]);
    }
}
