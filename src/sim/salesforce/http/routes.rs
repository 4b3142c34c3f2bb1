//! Which resource a path names. Last segments are matched in any case, as the vendor does.

use super::wire::{Answer, Asked};
use super::{
    catalog, collections, composite, deploys, describe, graphs, jobs, oauth, queries, rows,
    tooling, trees,
};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::meter::CallKind;
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::schema::UserRight;

/// REST: versions answered; anything older is retired.
pub(super) const VERSION_OLDEST: u32 = 31;
pub(super) const VERSION_NEWEST: u32 = 67;

/// One data request under a version.
pub(super) struct Resource<'a> {
    pub(super) asked: &'a Asked,
    /// `67.0`
    pub(super) version: &'a str,
    /// What follows the version, as sent.
    pub(super) path: Vec<&'a str>,
}

impl Resource<'_> {
    pub(super) fn number(&self) -> u32 {
        self.version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn url(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }
}

/// A request from outside: routed, counted, and told how much of the allocation is left.
pub(super) fn answer(org: &mut Salesforce, mut asked: Asked) -> Answer {
    let segments: Vec<String> = asked
        .segments
        .iter()
        .map(|s| s.to_ascii_lowercase())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = match segments.as_slice() {
        ["services", "data"] if asked.method == "GET" => return catalog::versions(),
        ["services", "data"] => Answer::from(method_not_allowed(&asked.method)),
        ["services", "oauth2", resource] => return oauth::answer(org, &asked, resource),
        [".well-known", "openid-configuration"] => return oauth::discovery(&asked),
        ["id", ..] => oauth::identity(org, &mut asked),
        ["services", "data", _, ..] => outside(org, &mut asked).into(),
        _ => Answer::from(ApiError::resource_missing()),
    };
    let usage = org.api_usage(asked.now);
    answer.with(
        "Sforce-Limit-Info",
        format!("api-usage={}/{}", usage.used, usage.allowed),
    )
}

/// 1. The version must exist, and not be retired.
/// 2. The session must be alive, and its user one that may use the API.
/// 3. The call is counted, unless the allocation is spent.
fn outside(org: &mut Salesforce, asked: &mut Asked) -> Outcome<Answer> {
    check_version(&asked.segments[2])?;
    authenticate(org, asked)?;
    check_enabled(org)?;
    org.begin_call(kind(asked), asked.now)?;
    check_content_type(asked)?;
    inside(org, asked)
}

fn check_enabled(org: &Salesforce) -> Outcome<()> {
    if org.has_right(UserRight::ApiEnabled) {
        return Ok(());
    }
    let message = "The REST API is not enabled for this Organization or Partner";
    Err(ApiError::new(ErrorCode::API_DISABLED_FOR_ORG, message))
}

/// Bodies are JSON, but for those of Bulk and of deployments, which look at them themselves.
fn check_content_type(asked: &Asked) -> Outcome<()> {
    let Some(content_type) = asked.header("content-type") else {
        return Ok(());
    };
    let content_type = content_type.to_ascii_lowercase();
    let is_bulk = asked.segments[3..].first().is_some_and(|part| {
        part.eq_ignore_ascii_case("jobs") || part.eq_ignore_ascii_case("metadata")
    });
    if asked.method == "GET"
        || asked.body.is_empty()
        || content_type.starts_with("application/json")
        || is_bulk && !content_type.starts_with("application/x-www-form-urlencoded")
    {
        return Ok(());
    }
    let message =
        format!("Content-Type header specified in HTTP request is not supported: {content_type}");
    Err(ApiError::new(ErrorCode::UNSUPPORTED_MEDIA_TYPE, message))
}

/// A data request whose caller is known: from outside, or part of a composite.
pub(super) fn inside(org: &mut Salesforce, asked: &Asked) -> Outcome<Answer> {
    let segment = asked
        .segments
        .get(2)
        .ok_or_else(ApiError::resource_missing)?;
    check_version(segment)?;
    let version = segment.trim_start_matches(['v', 'V']);
    let path: Vec<&str> = asked.segments[3..].iter().map(String::as_str).collect();
    let resource = Resource {
        asked,
        version,
        path,
    };
    let lower: Vec<String> = resource
        .path
        .iter()
        .map(|part| part.to_ascii_lowercase())
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    if resource.number() < since(&lower) {
        return Err(ApiError::resource_missing());
    }
    if !methods(&lower).contains(&asked.method.as_str()) {
        return Err(method_not_allowed(&asked.method));
    }
    match lower.as_slice() {
        [] => Ok(catalog::root(&resource)),
        ["limits"] => catalog::limits(org, asked.now),
        ["limits", "recordcount"] => Ok(catalog::record_counts(org, asked)),
        ["sobjects"] => Ok(describe::all(org, &resource)),
        ["sobjects", object, rest @ ..] => sobject(org, &resource, object, rest),
        ["query" | "queryall"] => queries::query(org, &resource, lower[0] == "queryall"),
        ["query" | "queryall", _] => queries::more(org, &resource, resource.path[1]),
        ["composite"] => composite::composite(org, &resource),
        ["composite", "batch"] => composite::batch(org, &resource),
        ["composite", "graph"] => graphs::graph(org, &resource),
        ["composite", "tree", object] => trees::tree(org, &resource, object),
        ["composite", "sobjects", rest @ ..] => collections::answer(org, &resource, rest),
        ["jobs", rest @ ..] => jobs::answer(org, &resource, rest),
        ["tooling", "query" | "queryall"] => queries::query(org, &resource, lower[1] == "queryall"),
        ["tooling", rest @ ..] => tooling::answer(org, &resource, rest),
        ["metadata", rest @ ..] => deploys::answer(org, &resource, rest),
        _ => Err(ApiError::resource_missing()),
    }
}

fn sobject(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    object: &str,
    rest: &[&str],
) -> Outcome<Answer> {
    match rest {
        [] => rows::object(org, resource, object),
        ["describe"] => describe::one(org, resource, object),
        ["updated"] => queries::updated(org, resource, object),
        ["deleted"] => queries::deleted(org, resource, object),
        [_] => rows::row(org, resource, object, resource.path[2]),
        [_, _] => rows::row_by_key(org, resource, object, (resource.path[2], resource.path[3])),
        _ => Err(ApiError::resource_missing()),
    }
}

pub(super) fn check_version(segment: &str) -> Outcome<()> {
    let number = segment
        .strip_prefix(['v', 'V'])
        .and_then(|version| version.strip_suffix(".0"));
    match number.and_then(|number| number.parse::<u32>().ok()) {
        Some(VERSION_OLDEST..=VERSION_NEWEST) => Ok(()),
        Some(1..VERSION_OLDEST) => Err(ApiError::new(
            ErrorCode::GONE,
            "The requested API version has been retired",
        )),
        _ => Err(ApiError::resource_missing()),
    }
}

pub(super) fn authenticate(org: &mut Salesforce, asked: &mut Asked) -> Outcome<()> {
    let header = asked.header("authorization").unwrap_or("");
    let Some((scheme, token)) = header.split_once(' ') else {
        let message = if header.is_empty() {
            "Session expired or invalid"
        } else {
            "INVALID_HEADER_TYPE"
        };
        let code = if header.is_empty() {
            ErrorCode::INVALID_SESSION_ID
        } else {
            ErrorCode::INVALID_AUTH_HEADER
        };
        return Err(ApiError::new(code, message));
    };
    if !scheme.eq_ignore_ascii_case("Bearer") && !scheme.eq_ignore_ascii_case("OAuth") {
        return Err(ApiError::new(
            ErrorCode::INVALID_AUTH_HEADER,
            "INVALID_HEADER_TYPE",
        ));
    }
    let user = org.authenticate(token.trim(), asked.now)?;
    asked.user = Some(user);
    Ok(())
}

/// REST: the version that brought a resource.
fn since(path: &[&str]) -> u32 {
    match path {
        ["jobs", "ingest", ..] => 41,
        ["jobs", "query", ..] => 47,
        ["metadata", ..] | ["composite", "sobjects", _, _] => 46,
        ["composite", "sobjects", ..] => 42,
        ["composite", "graph"] => 50,
        _ => 0,
    }
}

/// What may be done to a resource; those that have more to say about it say it themselves.
fn methods(path: &[&str]) -> &'static [&'static str] {
    match path {
        []
        | ["limits" | "query" | "queryall", ..]
        | ["sobjects"]
        | ["sobjects", _, "describe" | "updated" | "deleted"] => &["GET"],
        ["composite"]
        | ["composite", "batch" | "graph"]
        | ["composite", "tree", _]
        | ["sobjects", _, "id"] => &["POST"],
        ["sobjects", _, _] | ["sobjects", _, _, _] => &["GET", "PATCH", "DELETE"],
        ["sobjects", _] => &["GET", "POST"],
        _ => &["GET", "POST", "PATCH", "PUT", "DELETE"],
    }
}

pub(super) fn method_not_allowed(method: &str) -> ApiError {
    let message =
        format!("HTTP Method '{method}' not allowed. Allowed are HEAD,GET,POST,PATCH,DELETE");
    ApiError::new(ErrorCode::METHOD_NOT_ALLOWED, message)
}

fn kind(asked: &Asked) -> CallKind {
    let lower: Vec<String> = asked.segments[3..]
        .iter()
        .map(|s| s.to_ascii_lowercase())
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let is_read = asked.method == "GET";
    match lower.as_slice() {
        ["limits", ..] => CallKind::Limits,
        ["sobjects"] | ["sobjects", _, "describe"] => CallKind::Describe,
        ["sobjects", _, "updated" | "deleted"] => CallKind::Replication,
        ["sobjects", ..] if is_read => CallKind::RowRead,
        ["sobjects", ..] => CallKind::RowWrite,
        ["query" | "queryall"] => CallKind::Query,
        ["query" | "queryall", _] => CallKind::QueryMore,
        ["composite"] | ["composite", "graph"] => CallKind::Composite,
        ["composite", "batch"] => CallKind::Batch,
        ["composite", "sobjects", _] if matches!(asked.method.as_str(), "GET" | "POST") => {
            CallKind::CollectionRead
        }
        ["composite", "sobjects" | "tree", ..] => CallKind::CollectionWrite,
        ["jobs", "ingest", ..] => CallKind::BulkIngest,
        ["jobs", "query", ..] => CallKind::BulkQuery,
        ["tooling", ..] => CallKind::Tooling,
        ["metadata", ..] => CallKind::Metadata,
        _ => CallKind::Other,
    }
}
