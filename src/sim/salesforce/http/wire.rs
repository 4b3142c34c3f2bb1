//! A request taken apart, and an answer not yet put together.

use axum::http::HeaderMap;
use serde_json::{Map, Value as Json, json};

use super::Host;
use crate::sim::clock::Timestamp;
use crate::sim::faults::FaultKind;
use crate::sim::salesforce::error::{ApiError, DuplicatesFound, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{AutoAssign, Call, CallOptions};

/// REST: from this version on a caller may insist on a duplicate.
const DUPLICATE_HEADER_FROM: u32 = 52;

/// One request, from outside or from within a composite.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Decoded, empty ones dropped: a trailing slash makes no difference.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) now: Timestamp,
    pub(super) fault: Option<FaultKind>,
    pub(super) host: Option<(Host, String)>,
    /// Set once the session is known.
    pub(super) user: Option<RecordId>,
}

impl Asked {
    pub(super) fn new(method: &str, target: &str, now: Timestamp) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: Vec<(String, String)> = form(query.as_bytes());
        let over = query
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("_HttpMethod"));
        let method = match over {
            Some((_, over)) if method.eq_ignore_ascii_case("POST") => over.as_str(),
            _ => method,
        };
        // HEAD asks for the headers of what GET answers; the server leaves the body out.
        let method = if method.eq_ignore_ascii_case("HEAD") {
            "GET"
        } else {
            method
        };
        Self {
            method: method.to_ascii_uppercase(),
            segments: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decoded)
                .collect(),
            query,
            headers: HeaderMap::new(),
            body: Vec::new(),
            now,
            fault: None,
            host: None,
            user: None,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        super::text(&self.headers, name)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .query
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The version in the path: 62 of `v62.0`; 0 if there is none.
    pub(super) fn version(&self) -> u32 {
        let version = self.segments.get(2).and_then(|version| {
            let (major, _) = version.strip_prefix(['v', 'V'])?.split_once('.')?;
            major.parse().ok()
        });
        version.unwrap_or(0)
    }

    pub(super) fn base_url(&self) -> &str {
        self.host.as_ref().map_or("", |(_, url)| url)
    }

    pub(super) fn call(&self) -> Call {
        let user = self.user.unwrap_or(RecordId::from_u64(0));
        let is_off = |value: &str| value.trim().eq_ignore_ascii_case("false");
        let auto_assign = match self.header("sforce-auto-assign") {
            Some(value) if is_off(value) => AutoAssign::Off,
            _ => AutoAssign::On,
        };
        let duplicates = self.header("sforce-duplicate-rule-header");
        let options = CallOptions {
            default_namespace: option(self.header("sforce-call-options"), "defaultNamespace"),
            auto_assign,
            allows_duplicates: self.version() >= DUPLICATE_HEADER_FROM
                && option(duplicates, "allowSave")
                    .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            batch_size: option(self.header("sforce-query-options"), "batchSize")
                .and_then(|size| size.parse().ok()),
        };
        Call {
            options,
            fault: self.fault,
            ..Call::new(self.now, user)
        }
    }

    pub(super) fn json(&self) -> Outcome<Json> {
        if self.body.is_empty() {
            let message = "The HTTP entity body is required, but this request has no entity body.";
            return Err(ApiError::new(ErrorCode::JSON_PARSER_ERROR, message));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!(
                "{error} at [line:{}, column:{}]",
                error.line(),
                error.column()
            );
            ApiError::new(ErrorCode::JSON_PARSER_ERROR, message)
        })
    }

    pub(super) fn json_object(&self) -> Outcome<Map<String, Json>> {
        if let Json::Object(object) = self.json()? {
            return Ok(object);
        }
        let message = "Unexpected content: the body must be a JSON object";
        Err(ApiError::new(ErrorCode::JSON_PARSER_ERROR, message))
    }
}

/// `name=value; name=value`, names in any case.
fn option(header: Option<&str>, name: &str) -> Option<String> {
    header?.split([';', ',']).find_map(|part| {
        let (known, value) = part.split_once('=')?;
        let is_named = known.trim().eq_ignore_ascii_case(name);
        (is_named && !value.trim().is_empty()).then(|| value.trim().to_owned())
    })
}

pub(super) fn form(bytes: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

/// Percent-decoding without turning `+` into a space: this is a path.
fn decoded(segment: &str) -> String {
    // Nor do `=` and `&` mean anything here, as they do to the reader of forms.
    let protected = segment
        .replace('+', "%2B")
        .replace('=', "%3D")
        .replace('&', "%26");
    let mut pairs = url::form_urlencoded::parse(protected.as_bytes());
    pairs
        .next()
        .map_or_else(|| segment.to_owned(), |(name, _)| name.into_owned())
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Empty,
    Json(Json),
    Text(&'static str, String),
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
}

impl Answer {
    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
        }
    }

    pub(super) const fn json(status: u16, json: Json) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(json),
        }
    }

    pub(super) const fn text(content_type: &'static str, text: String) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            content: Content::Text(content_type, text),
        }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::json(
            error.status,
            Json::Array(vec![error_json(&error, "errorCode")]),
        )
    }
}

impl From<Outcome<Self>> for Answer {
    fn from(outcome: Outcome<Self>) -> Self {
        outcome.unwrap_or_else(Self::from)
    }
}

/// One error. Top-level errors call the code `errorCode`, collection rows call it `statusCode`.
pub(super) fn error_json(error: &ApiError, code: &str) -> Json {
    let mut object = Map::new();
    object.insert("message".to_owned(), json!(error.message));
    object.insert(code.to_owned(), json!(error.code.0));
    if !error.fields.is_empty() || code == "statusCode" {
        object.insert("fields".to_owned(), json!(error.fields));
    }
    if let Some(found) = &error.duplicates {
        // The vendor's own spelling.
        object.insert(
            "duplicateResut".to_owned(),
            duplicates_json(found, &error.message),
        );
    }
    Json::Object(object)
}

fn duplicates_json(found: &DuplicatesFound, message: &str) -> Json {
    let matches = found.matches.iter().map(|(object, ids)| {
        let records = ids.iter().map(|id| {
            json!({
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": { "attributes": { "type": object }, "Id": id.to_string() },
            })
        });
        json!({
            "entityType": object,
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "matchRecords": records.collect::<Vec<_>>(),
            "rule": found.rule,
            "size": ids.len(),
            "success": true,
        })
    });
    json!({
        "allowSave": found.can_be_overridden,
        "duplicateRule": found.rule,
        "duplicateRuleEntityType": found.object,
        "errorMessage": message,
        "matchResults": matches.collect::<Vec<_>>(),
    })
}
