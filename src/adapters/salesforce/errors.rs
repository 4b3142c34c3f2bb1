//! Salesforce's error codes and what a decision depends on.

use serde_json::Value as Json;

use super::super::failures::{Effect, Fault};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::FieldId;

/// One error of an answer, in any of its spellings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ApiError {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) fields: Vec<String>,
}

/// Refused sessions that a new token does not cure; refreshing on these loops for ever.
const INCURABLE_SESSIONS: [&str; 2] = [
    "Connected app is not attached to Agent",
    "This session is not valid for use with the REST API",
];

impl ApiError {
    /// The first error of a body: top-level errors say `errorCode`, rows say `statusCode`.
    pub(super) fn first(body: &Json) -> Option<Self> {
        let error = body.get(0)?;
        let code = error["errorCode"]
            .as_str()
            .or_else(|| error["statusCode"].as_str())?;
        let fields = error["fields"].as_array();
        Some(Self {
            code: code.to_owned(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            fields: fields
                .into_iter()
                .flatten()
                .filter_map(|field| Some(field.as_str()?.to_owned()))
                .collect(),
        })
    }

    /// A row of Bulk's failed results: `CODE:message:field, field --`.
    pub(super) fn from_bulk(text: &str) -> Self {
        let (code, rest) = text.split_once(':').unwrap_or((text, ""));
        let (message, fields) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let fields = fields.trim().trim_end_matches("--").split(',');
        Self {
            code: code.trim().to_owned(),
            message: message.trim().to_owned(),
            fields: fields
                .map(str::trim)
                .filter(|field| !field.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    pub(super) fn is_expired_session(&self) -> bool {
        self.code == "INVALID_SESSION_ID"
            && !INCURABLE_SESSIONS
                .iter()
                .any(|text| self.message.contains(text))
    }

    pub(super) fn failure(
        &self,
        effect: Effect,
        field: &dyn Fn(&str) -> Option<FieldId>,
    ) -> Failure {
        let kind = self.kind(effect, field);
        Failure::new(kind, self.code.clone(), self.message.clone())
    }

    fn kind(&self, effect: Effect, field: &dyn Fn(&str) -> Option<FieldId>) -> FailureKind {
        let ids = |names: &[String]| {
            let mut ids: Vec<FieldId> = names.iter().filter_map(|name| field(name)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        match class(&self.code) {
            Class::Quota if self.message.contains("Concurrent") => {
                FailureKind::Throttled { until: None }
            }
            Class::Quota => FailureKind::LimitReached,
            Class::BulkQuota => FailureKind::Throttled { until: None },
            Class::Session => FailureKind::Unauthorised,
            Class::Lost => effect.lost(),
            Class::Passing => FailureKind::Transient,
            Class::Ours => FailureKind::Broken,
            Class::Setup => FailureKind::Forbidden,
            Class::Moved => FailureKind::Moved,
            Class::Stale => FailureKind::Stale,
            Class::Duplicate => FailureKind::Rejected(Rejection::Duplicate),
            // With fields it is a reference in the row that leads nowhere, not the row itself.
            Class::Gone if self.fields.is_empty() => FailureKind::Gone,
            // A customer's own trigger or flow failed; under load the cause is often a lock.
            Class::Automation if self.message.contains("UNABLE_TO_LOCK_ROW") => {
                FailureKind::Transient
            }
            Class::Required if self.fields.is_empty() => {
                FailureKind::Rejected(Rejection::Required(ids(&bracketed(&self.message))))
            }
            Class::Required => FailureKind::Rejected(Rejection::Required(ids(&self.fields))),
            Class::Gone | Class::Automation | Class::Data => {
                FailureKind::Rejected(Rejection::Values(ids(&self.fields)))
            }
        }
    }
}

/// What a code is about, before the message, the fields and what was asked are looked at.
#[derive(Debug, Clone, Copy)]
enum Class {
    Session,
    Quota,
    BulkQuota,
    /// The platform itself does not say whether it did anything.
    Lost,
    /// Refused now, perhaps not next time.
    Passing,
    /// We asked for nonsense.
    Ours,
    /// Rights, fields, objects: an administrator's matter.
    Setup,
    Gone,
    Moved,
    Stale,
    Duplicate,
    Required,
    /// A customer's trigger or flow.
    Automation,
    /// Validation rules, lengths, pick lists, formats, inactive owners: the row's own matter.
    Data,
}

fn class(code: &str) -> Class {
    match code {
        "INVALID_SESSION_ID" => Class::Session,
        "REQUEST_LIMIT_EXCEEDED" => Class::Quota,
        "ExceededQuota" | "EXCEEDEDQUOTA" => Class::BulkQuota,
        "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "INTERNAL_ERROR"
        | "INTERNAL_SERVER_ERROR"
        | "REQUEST_RUNNING_TOO_LONG"
        | "QUERY_TIMEOUT" => Class::Lost,
        "UNABLE_TO_LOCK_ROW"
        | "TXN_SECURITY_METERING_ERROR"
        | "TOO_MANY_APEX_REQUESTS"
        | "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
        | "ENTITY_IS_LOCKED"
        | "RECORD_IN_USE_BY_WORKFLOW"
        | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        | "PROCESSING_HALTED"
        | "INVALID_QUERY_LOCATOR"
        | "EXCEEDED_ID_LIMIT"
        | "OPERATION_TOO_LARGE"
        | "QUERY_TOO_COMPLICATED" => Class::Passing,
        "INVALID_AUTH_HEADER"
        | "MALFORMED_QUERY"
        | "MALFORMED_ID"
        | "INVALID_REPLICATION_DATE" => Class::Ours,
        "INVALID_FIELD"
        | "INVALID_TYPE"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "STORAGE_LIMIT_EXCEEDED"
        | "TRANSFER_REQUIRES_READ"
        | "INVALID_OPERATION"
        | "FUNCTIONALITY_NOT_ENABLED"
        // The text of a Bulk job whose columns the object does not have.
        | "InvalidBatch" => Class::Setup,
        "NOT_FOUND" | "INVALID_CROSS_REFERENCE_KEY" | "ENTITY_IS_DELETED" => Class::Gone,
        "CANNOT_UPDATE_CONVERTED_LEAD" => Class::Moved,
        "MATCH_PRECONDITION_FAILED" | "PRECONDITION_FAILED" => Class::Stale,
        "DUPLICATES_DETECTED" | "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => Class::Duplicate,
        "REQUIRED_FIELD_MISSING" => Class::Required,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" | "APEX_ERROR" => {
            Class::Automation
        }
        _ => Class::Data,
    }
}

/// A subrequest's or a whole request's failure, from its status and its body.
pub(super) fn fault(status: u16, body: &Json, effect: Effect) -> Fault {
    failure(status, body, effect, &|_| None).into()
}

pub(super) fn failure(
    status: u16,
    body: &Json,
    effect: Effect,
    field: &dyn Fn(&str) -> Option<FieldId>,
) -> Failure {
    let said = ApiError::first(body);
    let (code, message) = said.as_ref().map_or_else(
        || (status.to_string(), format!("HTTP {status}")),
        |error| (error.code.clone(), error.message.clone()),
    );
    let kind = match (status, &said) {
        (412, _) => FailureKind::Stale,
        (300, _) => FailureKind::Rejected(Rejection::Duplicate),
        // No status of an answer at all; and those that say nothing of what was done.
        (..200 | 420, _) | (500.. | 408, None) => effect.lost(),
        (429, said) => match said.as_ref().map(|error| error.kind(effect, field)) {
            Some(FailureKind::LimitReached) => FailureKind::LimitReached,
            _ => FailureKind::Throttled { until: None },
        },
        (401, None) => FailureKind::Unauthorised,
        (403, None) => FailureKind::Forbidden,
        (404, None) => FailureKind::Gone,
        (410 | 414 | 431, _) | (_, None) => FailureKind::Broken,
        (500.., Some(error)) => match error.kind(effect, field) {
            FailureKind::Rejected(_) => effect.lost(),
            kind => kind,
        },
        (_, Some(error)) => error.kind(effect, field),
    };
    Failure::new(kind, code, message)
}

/// A failure of a request that is about no record. What would be said of a record makes no sense
/// then: a proxy that does not find the address must not look like a deletion.
pub(super) fn of_request(mut fault: Fault) -> Fault {
    if matches!(
        fault.failure.kind,
        FailureKind::Gone | FailureKind::Moved | FailureKind::Stale | FailureKind::Rejected(_)
    ) {
        fault.failure.kind = FailureKind::Broken;
    }
    fault
}

/// `Required fields are missing: [LastName, Company]`.
fn bracketed(message: &str) -> Vec<String> {
    let names = message
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(names, _)| names);
    names
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(code: &str, message: &str, fields: &[&str], expected: FailureKind) {
        let error = ApiError {
            code: code.into(),
            message: message.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        };
        let field = |name: &str| (name == "LastName").then_some(FieldId(7));
        assert_eq!(
            error.failure(Effect::Writes, &field).kind,
            expected,
            "{code}"
        );
    }

    #[test]
    fn each_code_becomes_the_kind_its_reaction_needs() {
        let rejected = |fields: &[u16]| {
            FailureKind::Rejected(Rejection::Values(
                fields.iter().copied().map(FieldId).collect(),
            ))
        };
        let throttled = FailureKind::Throttled { until: None };
        check(
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
            &[],
            FailureKind::LimitReached,
        );
        check(
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded.",
            &[],
            throttled,
        );
        check("UNABLE_TO_LOCK_ROW", "", &[], FailureKind::Transient);
        check("UNKNOWN_EXCEPTION", "", &[], FailureKind::Unknown);
        check(
            "INVALID_FIELD",
            "No such column",
            &[],
            FailureKind::Forbidden,
        );
        check("INVALID_CROSS_REFERENCE_KEY", "", &[], FailureKind::Gone);
        check(
            "INVALID_CROSS_REFERENCE_KEY",
            "",
            &["AccountId"],
            rejected(&[]),
        );
        check("ENTITY_IS_DELETED", "", &[], FailureKind::Gone);
        check("CANNOT_UPDATE_CONVERTED_LEAD", "", &[], FailureKind::Moved);
        check(
            "STRING_TOO_LONG",
            "Nom: data value too large",
            &["LastName"],
            rejected(&[7]),
        );
        check(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "Ask sales",
            &[],
            rejected(&[]),
        );
        check(
            "APEX_ERROR",
            "caused by: UNABLE_TO_LOCK_ROW",
            &[],
            FailureKind::Transient,
        );
        for code in [
            "DUPLICATES_DETECTED",
            "DUPLICATE_VALUE",
            "DUPLICATE_EXTERNAL_ID",
        ] {
            check(code, "", &[], FailureKind::Rejected(Rejection::Duplicate));
        }
        check(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName, Company]",
            &[],
            FailureKind::Rejected(Rejection::Required(vec![FieldId(7)])),
        );
    }

    #[test]
    fn a_refused_session_is_renewed_unless_that_would_loop() {
        let error = |message: &str| {
            let body = json!([{"errorCode": "INVALID_SESSION_ID", "message": message}]);
            ApiError::first(&body).unwrap()
        };
        assert!(error("Session expired or invalid").is_expired_session());
        for text in INCURABLE_SESSIONS {
            assert!(!error(text).is_expired_session());
        }
    }

    #[test]
    fn a_status_without_a_body_still_has_a_kind() {
        let kind = |status, effect| failure(status, &Json::Null, effect, &|_| None).kind;
        assert_eq!(kind(503, Effect::Reads), FailureKind::Transient);
        assert_eq!(kind(503, Effect::Writes), FailureKind::Unknown);
        assert_eq!(kind(412, Effect::Writes), FailureKind::Stale);
        assert_eq!(kind(401, Effect::Writes), FailureKind::Unauthorised);
    }

    #[test]
    fn a_bulk_error_reads_like_the_others() {
        let error = ApiError::from_bulk(
            "STRING_TOO_LONG:Nom: data value too large: x (max length=80):LastName --",
        );
        assert_eq!(error.code, "STRING_TOO_LONG");
        assert_eq!(error.fields, ["LastName"]);
        assert!(error.message.starts_with("Nom: data value"));
    }
}
