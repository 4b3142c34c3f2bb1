//! Composite: up to 25 subrequests in one call, which may refer to each other's answers.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};

use super::routes::{Resource, check_version, inside};
use super::wire::{Answer, Asked, Content};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::limits::{SUBREQUESTS_MAX, check_composite};
use crate::sim::salesforce::meter::CallKind;
use crate::sim::salesforce::org::Salesforce;

/// REST: from this version on independent subrequests may be reordered unless told otherwise.
const COLLATES_FROM: u32 = 49;
/// REST: from this version on a composite may hold collections.
const COLLECTIONS_FROM: u32 = 43;
/// REST: from this version on one bad reference id fails the whole request.
const STRICT_REFERENCES_FROM: u32 = 52;

pub(super) struct Subrequest<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) reference: &'a str,
    body: Option<&'a Json>,
    headers: HeaderMap,
}

/// 1. The request as a whole is checked: size, kinds, reference ids, headers.
/// 2. Subrequests run in order; collation may change that order when none refers to another.
/// 3. With `allOrNone` the first failure undoes everything.
pub(super) fn composite(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let body = resource.asked.json_object()?;
    let Some(Json::Array(list)) = body.get("compositeRequest") else {
        let message = "The compositeRequest attribute is required";
        return Err(ApiError::new(ErrorCode::MISSING_ARGUMENT, message));
    };
    let subrequests = list.iter().map(subrequest).collect::<Outcome<Vec<_>>>()?;
    let heavy = subrequests.iter().filter(|one| is_heavy(one.url)).count();
    check_composite(subrequests.len(), heavy)?;
    check_references(&subrequests, resource.number())?;
    let flag = |name: &str| body.get(name).and_then(Json::as_bool);
    let unity = if flag("allOrNone").unwrap_or(false) {
        Unity::AllOrNone
    } else {
        Unity::EachAlone
    };
    let collates = flag("collateSubrequests").unwrap_or(resource.number() >= COLLATES_FROM)
        && unity == Unity::EachAlone;
    let order = order(org, &subrequests, collates);
    let (answers, _) = executed(org, resource, &subrequests, order, unity);
    Ok(Answer::json(200, json!({ "compositeResponse": answers })))
}

/// Whether subrequests stand or fall together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unity {
    AllOrNone,
    EachAlone,
}

/// Runs subrequests in this order. Answers in theirs, and whether all stands.
pub(super) fn executed(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    subrequests: &[Subrequest<'_>],
    order: Vec<usize>,
    unity: Unity,
) -> (Vec<Json>, bool) {
    let mut answers: BTreeMap<usize, Answer> = BTreeMap::new();
    let has_failed = |answer: &Answer| {
        is_failed(answer) || unity == Unity::AllOrNone && has_failed_rows(&answer.content)
    };
    let done = org.atomically(|org| {
        for at in order {
            let answer = run(org, (resource, unity), subrequests, at, &answers);
            let failed = has_failed(&answer);
            answers.insert(at, answer);
            if failed && unity == Unity::AllOrNone {
                return Err(());
            }
        }
        Ok(())
    });
    let rendered = subrequests.iter().enumerate().map(|(at, one)| {
        let answer = answers
            .remove(&at)
            .filter(|answer| done.is_ok() || has_failed(answer));
        rendered(answer.unwrap_or_else(halted), one.reference)
    });
    (rendered.collect(), done.is_ok())
}

/// A collection answers 200 even if rows of it failed.
fn has_failed_rows(content: &Content) -> bool {
    let Content::Json(Json::Array(rows)) = content else {
        return false;
    };
    rows.iter().any(|row| row["success"] == json!(false))
}

fn halted() -> Answer {
    let message = "The transaction was rolled back since another operation in the same transaction \
                   failed.";
    Answer::from(ApiError::new(ErrorCode::PROCESSING_HALTED, message))
}

const fn is_failed(answer: &Answer) -> bool {
    answer.status >= 300 && answer.status != 304
}

fn rendered(answer: Answer, reference: &str) -> Json {
    let headers: Map<String, Json> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "body": content_json(answer.content),
        "httpHeaders": headers,
        "httpStatusCode": answer.status,
        "referenceId": reference,
    })
}

fn content_json(content: Content) -> Json {
    match content {
        Content::Empty => Json::Null,
        Content::Json(json) => json,
        Content::Text(_, text) => json!(text),
    }
}

pub(super) fn subrequest(one: &Json) -> Outcome<Subrequest<'_>> {
    let text = |name: &str| {
        one.get(name).and_then(Json::as_str).ok_or_else(|| {
            let message = format!("{name} is required in every subrequest");
            ApiError::new(ErrorCode::MISSING_ARGUMENT, message)
        })
    };
    let mut headers = HeaderMap::new();
    for (name, value) in one
        .get("httpHeaders")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        if ["accept", "authorization", "content-type"]
            .iter()
            .any(|no| name.eq_ignore_ascii_case(no))
        {
            let message = format!("The header {name} is not allowed in a subrequest");
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        }
        let value = value.as_str().unwrap_or_default();
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        headers.extend(parsed);
    }
    Ok(Subrequest {
        method: text("method")?,
        url: text("url")?,
        reference: text("referenceId")?,
        body: one.get("body"),
        headers,
    })
}

/// Queries and collections: five of them per composite.
fn is_heavy(url: &str) -> bool {
    let path = url
        .split('?')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(3);
    match parts.next() {
        Some("query" | "queryall") => true,
        Some("composite") => parts.next() == Some("sobjects"),
        _ => false,
    }
}

pub(super) fn check_references(subrequests: &[Subrequest<'_>], version: u32) -> Outcome<()> {
    let mut seen = Vec::new();
    for one in subrequests {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_legal = one.reference.chars().all(is_word)
            && one
                .reference
                .starts_with(|c: char| c.is_ascii_alphanumeric());
        if version >= STRICT_REFERENCES_FROM && !is_legal {
            let message = format!(
                "Provided referenceId '{}' must start with a letter or a number, and it can contain \
                 only letters, numbers and underscores ('_').",
                one.reference
            );
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        }
        if seen.contains(&one.reference) {
            let message = format!("Duplicate referenceId provided: {}", one.reference);
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        }
        seen.push(one.reference);
    }
    Ok(())
}

/// Collated subrequests run in no promised order, which clients that forget to say so find out here.
fn order(org: &mut Salesforce, subrequests: &[Subrequest<'_>], collates: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..subrequests.len()).collect();
    let refers = |one: &Subrequest<'_>| {
        one.url.contains("@{") || one.body.is_some_and(|body| body.to_string().contains("@{"))
    };
    let is_free = subrequests
        .iter()
        .all(|one| !refers(one) && one.headers.is_empty());
    if collates && is_free {
        org.random.shuffle(&mut order);
    }
    order
}

fn run(
    org: &mut Salesforce,
    (resource, unity): (&Resource<'_>, Unity),
    subrequests: &[Subrequest<'_>],
    at: usize,
    answers: &BTreeMap<usize, Answer>,
) -> Answer {
    let one = &subrequests[at];
    let known = |reference: &str| {
        let at = subrequests
            .iter()
            .position(|other| other.reference == reference)?;
        match answers
            .get(&at)
            .filter(|answer| !is_failed(answer))?
            .content
        {
            Content::Json(ref json) => Some(json),
            _ => None,
        }
    };
    let target = match substituted(one.url, &known) {
        Ok(Json::String(target)) => target,
        Ok(other) => plain(&other),
        Err(error) => return error.into(),
    };
    let body = match one.body.map(|body| resolved(body, &known)).transpose() {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    // A subrequest's URL may hold raw spaces: it never travelled as one.
    let mut asked = Asked::new(one.method, &target, resource.asked.now);
    asked.headers = inherited(&resource.asked.headers, &one.headers);
    asked.body = body
        .map(|body| body.to_string().into_bytes())
        .unwrap_or_default();
    asked.fault = resource.asked.fault;
    asked.user = resource.asked.user;
    if unity == Unity::AllOrNone {
        unite(&mut asked);
    }
    let is_data = asked.segments.len() > 3
        && asked.segments[0].eq_ignore_ascii_case("services")
        && asked.segments[1].eq_ignore_ascii_case("data");
    let is_early = is_heavy(&target)
        && asked.version() < COLLECTIONS_FROM
        && asked
            .segments
            .iter()
            .any(|part| part.eq_ignore_ascii_case("composite"));
    if !is_data || is_composed(&asked) || is_early || check_version(&asked.segments[2]).is_err() {
        return ApiError::resource_missing().into();
    }
    inside(org, &asked).into()
}

/// Composed requests hold no others; collections are none.
fn is_composed(asked: &Asked) -> bool {
    let is = |at: usize, name: &str| {
        asked
            .segments
            .get(at)
            .is_some_and(|part| part.eq_ignore_ascii_case(name))
    };
    is(3, "composite") && !is(4, "sobjects")
}

/// What the outer request says of unity overrules a collection's own word.
fn unite(asked: &mut Asked) {
    let is_flag = |name: &str| name.eq_ignore_ascii_case("allOrNone");
    asked.query.retain(|(name, _)| !is_flag(name));
    asked
        .query
        .push(("allOrNone".to_owned(), "true".to_owned()));
    if let Ok(mut body) = asked.json_object()
        && body.contains_key("records")
    {
        body.retain(|name, _| !is_flag(name));
        body.insert("allOrNone".to_owned(), json!(true));
        asked.body = Json::Object(body).to_string().into_bytes();
    }
}

/// The outer request's wishes hold inside, unless a subrequest has its own.
fn inherited(outer: &HeaderMap, own: &HeaderMap) -> HeaderMap {
    let is_wish = |name: &HeaderName| name.as_str().starts_with("sforce-");
    let mut headers: HeaderMap = outer
        .iter()
        .filter(|(name, _)| is_wish(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

type Known<'a> = dyn Fn(&str) -> Option<&'a Json> + 'a;

fn resolved(body: &Json, known: &Known<'_>) -> Outcome<Json> {
    Ok(match body {
        Json::String(text) => substituted(text, known)?,
        Json::Array(list) => Json::Array(
            list.iter()
                .map(|one| resolved(one, known))
                .collect::<Outcome<_>>()?,
        ),
        Json::Object(object) => {
            let pairs = object.iter().map(|(key, value)| {
                let key = plain(&substituted(key, known)?);
                Ok((key, resolved(value, known)?))
            });
            Json::Object(pairs.collect::<Outcome<_>>()?)
        }
        other => other.clone(),
    })
}

/// Replaces `@{reference.path[0].Id}`; a text that is nothing but a reference keeps its type.
fn substituted(text: &str, known: &Known<'_>) -> Outcome<Json> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("@{") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let expression = &rest[start + 2..start + length];
        let value = looked_up(expression, known)?;
        if start == 0 && out.is_empty() && length + 1 == rest.len() {
            return Ok(value);
        }
        out.push_str(&rest[..start]);
        out.push_str(&plain(&value));
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(Json::String(out))
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn looked_up(expression: &str, known: &Known<'_>) -> Outcome<Json> {
    let (reference, path) = expression.split_once('.').unwrap_or((expression, ""));
    let (reference, index) = reference
        .split_once('[')
        .map_or((reference, None), |(name, at)| {
            (name, at.trim_end_matches(']').parse::<usize>().ok())
        });
    let missing = || {
        let message =
            format!("Invalid reference specified. No value for {path} found in {reference}");
        ApiError::new(ErrorCode::PROCESSING_HALTED, message)
    };
    let mut value = known(reference).ok_or_else(missing)?;
    if let Some(index) = index {
        value = value.get(index).ok_or_else(missing)?;
    }
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        value = value.get(name).ok_or_else(missing)?;
        if let Ok(index) = index.trim_end_matches(']').parse::<usize>() {
            value = value.get(index).ok_or_else(missing)?;
        }
    }
    Ok(value.clone())
}

/// Independent, serial, and each one counts.
pub(super) fn batch(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let body = resource.asked.json_object()?;
    let Some(Json::Array(list)) = body.get("batchRequests") else {
        let message = "The batchRequests attribute is required";
        return Err(ApiError::new(ErrorCode::MISSING_ARGUMENT, message));
    };
    if list.len() > SUBREQUESTS_MAX {
        let message = format!("Limit of {SUBREQUESTS_MAX} reached for operations in batch");
        return Err(ApiError::new(ErrorCode::LIMIT_EXCEEDED, message));
    }
    let halts = body
        .get("haltOnError")
        .and_then(Json::as_bool)
        .unwrap_or(false);
    let mut has_errors = false;
    let mut results = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        let text = |name: &str| one.get(name).and_then(Json::as_str).unwrap_or_default();
        let answer = if has_errors && halts {
            Answer {
                status: 412,
                ..halted()
            }
        } else {
            // Batch URLs may leave the leading `services/data` out.
            let url = text("url").trim_start_matches('/');
            let target = if url.starts_with("services/data/") {
                format!("/{url}")
            } else {
                format!("/services/data/{url}")
            };
            let mut asked = Asked::new(text("method"), &target, resource.asked.now);
            asked.user = resource.asked.user;
            asked.headers = inherited(&resource.asked.headers, &HeaderMap::new());
            let input = one.get("richInput");
            asked.body = input
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default();
            let counted = if at == 0 {
                Ok(())
            } else {
                org.begin_call(CallKind::Batch, asked.now)
            };
            let runs = |()| {
                if is_composed(&asked) {
                    return Err(ApiError::resource_missing());
                }
                inside(org, &asked)
            };
            counted.and_then(runs).into()
        };
        has_errors |= answer.status >= 300;
        results
            .push(json!({ "statusCode": answer.status, "result": content_json(answer.content) }));
    }
    Ok(Answer::json(
        200,
        json!({ "hasErrors": has_errors, "results": results }),
    ))
}
