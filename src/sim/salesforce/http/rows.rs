//! Single records: by id, by key, conditionally.

use serde_json::{Map, Value as Json, json};

use super::json::{Rendering, fields};
use super::routes::{Resource, method_not_allowed};
use super::wire::Answer;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::schema::{ACCOUNT, ObjectIndex};
use crate::sim::salesforce::write::UpsertMode;

/// `/sobjects/{S}`: what it is, or one more of it.
pub(super) fn object(org: &mut Salesforce, resource: &Resource<'_>, name: &str) -> Outcome<Answer> {
    let call = resource.asked.call();
    let object = org.find_object(&call, name)?;
    match resource.asked.method.as_str() {
        "GET" => Ok(super::describe::basic(org, resource, object)),
        "POST" => create(org, resource, &call, object),
        other => Err(method_not_allowed(other)),
    }
}

/// `/sobjects/{S}/{id}`
pub(super) fn row(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    name: &str,
    id: &str,
) -> Outcome<Answer> {
    let call = resource.asked.call();
    let object = org.find_object(&call, name)?;
    if id.eq_ignore_ascii_case("id") && resource.asked.method == "POST" {
        // The upsert endpoint used as insert.
        return create(org, resource, &call, object);
    }
    let missing = || {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {id}");
        ApiError::new(ErrorCode::NOT_FOUND, message)
    };
    let id = RecordId::parse(id)
        .filter(|id| org.object_of(*id) == Some(object))
        .ok_or_else(missing)?;
    by_id(org, resource, &call, object, id)
}

/// `/sobjects/{S}/{field}/{value}`
pub(super) fn row_by_key(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    name: &str,
    (key, value): (&str, &str),
) -> Outcome<Answer> {
    let asked = resource.asked;
    let call = asked.call();
    let object = org.find_object(&call, name)?;
    let input = Input::text(value);
    let matches = org.key_matches(&call, object, key, &input)?;
    if matches.len() > 1 {
        let name = &org.schema().object(object).name;
        let urls: Vec<String> = matches
            .iter()
            .map(|id| resource.url(&format!("sobjects/{name}/{id}")))
            .collect();
        return Ok(Answer::json(300, json!(urls)));
    }
    match (asked.method.as_str(), matches.first()) {
        ("PATCH", found) => {
            check_dates(resource)?;
            let body = asked.json_object()?;
            if body.keys().any(|name| name.eq_ignore_ascii_case(key)) {
                let message =
                    format!("The {key} field should not be specified in the sobject data.");
                return Err(ApiError::new(ErrorCode::INVALID_FIELD, message));
            }
            if let Some(id) = found {
                check_conditions(org, resource, *id)?;
            }
            let is_update_only = asked
                .parameter("updateOnly")
                .is_some_and(|only| only.eq_ignore_ascii_case("true"));
            let mode = if is_update_only {
                UpsertMode::UpdateOnly
            } else {
                UpsertMode::CreateOrUpdate
            };
            let saved = org.upsert(&call, object, (key, &input), &fields(&body)?, mode)?;
            let status = if saved.is_created { 201 } else { 200 };
            // Before 46.0 an update answered without a body.
            if !saved.is_created && resource.number() < 46 {
                return Ok(Answer::empty(204));
            }
            let mut body = saved_json(saved.id);
            body.insert("created".to_owned(), json!(saved.is_created));
            Ok(Answer::json(status, Json::Object(body)))
        }
        (_, Some(id)) => by_id(org, resource, &call, object, *id),
        (_, None) => Err(ApiError::resource_missing()),
    }
}

fn create(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    call: &Call,
    object: ObjectIndex,
) -> Outcome<Answer> {
    check_dates(resource)?;
    let body = resource.asked.json_object()?;
    let id = org.insert(call, object, &fields(&body)?)?;
    let name = &org.schema().object(object).name;
    let location = resource.url(&format!("sobjects/{name}/{id}"));
    Ok(Answer::json(201, Json::Object(saved_json(id))).with("Location", location))
}

fn saved_json(id: RecordId) -> Map<String, Json> {
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(id.to_string()));
    body.insert("success".to_owned(), json!(true));
    body.insert("errors".to_owned(), json!([]));
    body
}

fn by_id(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    call: &Call,
    object: ObjectIndex,
    id: RecordId,
) -> Outcome<Answer> {
    // On rows the vendor speaks of the resource where collections speak of a cross reference.
    org.existing(id).map_err(|error| {
        if error.code == ErrorCode::INVALID_CROSS_REFERENCE_KEY {
            ApiError::resource_missing()
        } else {
            error
        }
    })?;
    match resource.asked.method.as_str() {
        "GET" => read(org, resource, call, object, id),
        "PATCH" => {
            check_dates(resource)?;
            let body = resource.asked.json_object()?;
            if body.keys().any(|name| name.eq_ignore_ascii_case("id")) {
                let message = "The Id field should not be specified in the sobject data.";
                return Err(ApiError::new(ErrorCode::INVALID_FIELD, message));
            }
            check_conditions(org, resource, id)?;
            org.update(call, id, &fields(&body)?)?;
            Ok(Answer::empty(204))
        }
        "DELETE" => {
            org.delete(call, id)?;
            Ok(Answer::empty(204))
        }
        other => Err(method_not_allowed(other)),
    }
}

fn read(
    org: &Salesforce,
    resource: &Resource<'_>,
    call: &Call,
    object: ObjectIndex,
    id: RecordId,
) -> Outcome<Answer> {
    let tag = entity_tag(org, id);
    let has_tag = tag
        .as_deref()
        .is_some_and(|tag| names_tag(resource, "if-none-match", tag));
    if has_tag || is_unmodified(org, resource, id) {
        return Ok(Answer::empty(304));
    }
    check_conditions(org, resource, id)?;
    let asked = resource.asked.parameter("fields");
    let mut names: Vec<&str> = match asked {
        Some(names) => names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect(),
        None => org.readable_fields(object),
    };
    if !names.iter().any(|name| name.eq_ignore_ascii_case("Id")) {
        names.push("Id");
    }
    let (columns, row) = org.retrieve(call, object, id, &names)?;
    let rendering = Rendering {
        org,
        call,
        version: resource.version,
    };
    let modified = last_modified(org, id)
        .map(Timestamp::to_http_date)
        .unwrap_or_default();
    let body = rendering.row(object, &columns, &row);
    let answer = Answer::json(200, body).with("Last-Modified", modified);
    Ok(match tag {
        Some(tag) => answer.with("ETag", tag),
        None => answer,
    })
}

/// Only accounts have one.
fn entity_tag(org: &Salesforce, id: RecordId) -> Option<String> {
    if org.object_of(id) != Some(ACCOUNT) {
        return None;
    }
    let stamp = org.record(id)?.stamp.as_millis();
    Some(format!("\"{stamp:x}\""))
}

/// Whether a header lists this tag, or `*`.
fn names_tag(resource: &Resource<'_>, header: &str, tag: &str) -> bool {
    let listed = resource.asked.header(header).unwrap_or_default();
    listed
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

fn last_modified(org: &Salesforce, id: RecordId) -> Option<Timestamp> {
    org.record(id).map(|record| record.modified.whole_second())
}

fn date(resource: &Resource<'_>, header: &str) -> Option<Timestamp> {
    resource
        .asked
        .header(header)
        .and_then(Timestamp::parse_http_date)
}

/// `If-Modified-Since` on a read.
fn is_unmodified(org: &Salesforce, resource: &Resource<'_>, id: RecordId) -> bool {
    date(resource, "if-modified-since")
        .zip(last_modified(org, id))
        .is_some_and(|(since, modified)| modified <= since)
}

/// A date that is none is the client's mistake on a write, and ignored on a read.
fn check_dates(resource: &Resource<'_>) -> Outcome<()> {
    for header in ["if-unmodified-since", "if-modified-since"] {
        if resource.asked.header(header).is_some() && date(resource, header).is_none() {
            let message = format!("Invalid date in header {header}");
            return Err(ApiError::new(ErrorCode::BAD_REQUEST, message));
        }
    }
    Ok(())
}

/// Compared with the last modification, to the second: two edits in one second look the same.
fn check_conditions(org: &Salesforce, resource: &Resource<'_>, id: RecordId) -> Outcome<()> {
    let Some(modified) = last_modified(org, id) else {
        return Ok(());
    };
    let is_write = resource.asked.method != "GET";
    let changed = date(resource, "if-unmodified-since").is_some_and(|since| modified > since);
    let unchanged = is_write
        && resource.asked.method != "DELETE"
        && date(resource, "if-modified-since").is_some_and(|since| modified <= since);
    let is_other = resource.asked.header("if-match").is_some()
        && entity_tag(org, id).is_some_and(|tag| !names_tag(resource, "if-match", &tag));
    if (changed && resource.asked.method != "DELETE") || unchanged || is_other {
        let message = "The record has been changed by another user since it was read";
        return Err(ApiError::new(ErrorCode::MATCH_PRECONDITION_FAILED, message));
    }
    Ok(())
}
