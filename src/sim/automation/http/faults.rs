//! How this system words what goes wrong on the way, and how it acts out faults in its data.

use axum::http::StatusCode;
use serde_json::Value;

use crate::sim::faults::{Dialect, FaultKind, Reply};

use super::answer::{Answer, Body};

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// The canned answers of the fault layer. There is no Retry-After on 429, and maintenance pages
/// come from the proxy in front, as HTML.
pub fn dialect() -> Dialect {
    Dialect {
        too_many_requests: Reply::new(
            StatusCode::TOO_MANY_REQUESTS,
            JSON,
            r#"{"errors":[{"code":429,"message":"You exceeded the rate limit of 1000 API calls per hour.","details":[]}]}"#,
        ),
        unavailable: Reply::new(
            StatusCode::SERVICE_UNAVAILABLE,
            HTML,
            "<html><head><title>503 Service Unavailable</title></head></html>",
        ),
        internal_error: Reply::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            JSON,
            r#"{"errors":[{"message":"Looks like I encountered an error (error #500). If I do it again, please report me to the system administrator!","code":500,"type":null}]}"#,
        ),
        session_expired: Reply::new(
            StatusCode::UNAUTHORIZED,
            JSON,
            r#"{"errors":[{"message":"The access token provided has expired.","code":401,"type":"invalid_grant"}]}"#,
        ),
        quota_spent: Reply::new(
            StatusCode::TOO_MANY_REQUESTS,
            JSON,
            r#"{"errors":[{"code":429,"message":"You exceeded the rate limit of 1000 API calls per hour.","details":[]}]}"#,
        ),
    }
}

/// Spoils the rows of an answer: one goes missing, or they come in another order. The system has
/// no cursors to lose, and its row locks show as an exception, with nothing done.
pub(super) fn act_out(kind: FaultKind, answer: &mut Answer) {
    let Body::Json(body) = &mut answer.body else {
        return;
    };
    for key in ["contacts", "companies", "stats", "events"] {
        match (kind, body.get_mut(key)) {
            (FaultKind::RowMissing, Some(Value::Array(rows))) => drop(rows.pop()),
            (FaultKind::RowMissing, Some(Value::Object(rows))) => {
                let last = rows.keys().next_back().cloned();
                last.map(|key| rows.remove(&key));
            }
            (FaultKind::RowsReordered, Some(Value::Array(rows))) => rows.reverse(),
            (FaultKind::RowsReordered, Some(Value::Object(rows))) => {
                *rows = std::mem::take(rows).into_iter().rev().collect();
            }
            _ => {}
        }
    }
}
