//! Stored values to the program's nouns and back; refusals to the failures a decision depends on.

use crate::domain::consent::{Consent, Reason};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{FieldId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::time::{Day, Timestamp as Moment};
use crate::domain::value::{Value as Noun, ValueType};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::error::{ApiError, ErrorCode};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::value::Value;

pub(super) const OPT_OUT: &str = "HasOptedOutOfEmail";

pub(super) const fn moment(at: Timestamp) -> Moment {
    Moment(at.as_millis())
}

pub(super) const fn instant(at: Moment) -> Timestamp {
    Timestamp::from_millis(at.0)
}

pub(super) fn id(id: RecordId) -> Option<SalesforceId> {
    id.to_string().parse().ok()
}

pub(super) fn record(id: SalesforceId) -> RecordId {
    RecordId::parse(&id.to_string()).unwrap_or(RecordId::from_u64(0))
}

pub(super) fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Id(id) => Some(id.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Instant(_) | Value::Day(_) => None,
    }
}

/// A stored value by the mapped type; `None` if it is of another type.
pub(super) fn value(value_type: ValueType, value: &Value<'_>) -> Option<Noun> {
    if value.is_null() {
        return Some(Noun::Blank);
    }
    match value_type {
        ValueType::Text | ValueType::Email | ValueType::Choice => Some(Noun::text(&text(value)?)),
        ValueType::Bool => value.as_bool().map(Noun::Bool),
        ValueType::Number => text(value)?.parse().ok().map(Noun::Number),
        ValueType::Date => match value {
            Value::Day(day) => Some(Noun::Date(Day(day.as_days()))),
            _ => None,
        },
        ValueType::Moment => match value {
            Value::Instant(at) => Some(Noun::Moment(moment(*at))),
            _ => None,
        },
        ValueType::Time => text(value)?.get(..5).map(Noun::text),
        ValueType::Choices => Some(Noun::many(text(value)?.split(';'))),
    }
}

pub(super) fn input(value_type: ValueType, value: &Noun) -> Input {
    match value {
        Noun::Blank => Input::Null,
        Noun::Text(time) if value_type == ValueType::Time => Input::Text(format!("{time}:00.000Z")),
        Noun::Text(text) => Input::text(text),
        Noun::Bool(value) => Input::Bool(*value),
        Noun::Number(number) => number
            .to_string()
            .parse()
            .map_or_else(|_| Input::Text(number.to_string()), Input::Number),
        Noun::Date(day) => Input::Text(day.to_string()),
        Noun::Moment(at) => Input::Instant(instant(*at)),
        Noun::Many(options) => Input::Text(options.join(";")),
    }
}

/// The column that a rule writes on this object; `None` if it writes nothing there.
fn written_column(rule: &FieldRule, object: SalesforceObject) -> Option<&str> {
    match (rule.role, object) {
        _ if !rule.objects.contains(&object) => None,
        (Role::Deleted | Role::Consent, _) => None,
        (Role::Owner, _) => Some("OwnerId"),
        (Role::Company, SalesforceObject::Contact) => Some("AccountId"),
        _ => Some(&rule.salesforce),
    }
}

/// The fields of a write. Blanks clear on an update and are left out of a creation.
pub(super) fn fields(
    mapping: &Mapping,
    object: SalesforceObject,
    values: &[(FieldId, Noun)],
    consent: Option<Consent>,
    is_new: bool,
) -> Fields {
    let mut fields = Fields::new();
    for (field, value) in values {
        if let Some(rule) = mapping.rule(object.kind(), *field)
            && let Some(column) = written_column(rule, object)
            && !(is_new && value.is_blank())
        {
            fields.push((column.to_owned(), input(rule.value_type, value)));
        }
    }
    match consent {
        Some(Consent::Out(_)) => fields.push((OPT_OUT.to_owned(), Input::Bool(true))),
        Some(Consent::In) => fields.push((OPT_OUT.to_owned(), Input::Bool(false))),
        Some(Consent::Bounced) | None => {}
    }
    fields
}

/// The rule that a refusal of this column is about.
pub(super) fn rule_of(
    mapping: &Mapping,
    object: SalesforceObject,
    column: &str,
) -> Option<FieldId> {
    let is_of = |rule: &&FieldRule| {
        let written = match rule.role {
            Role::Consent => Some(OPT_OUT),
            _ => written_column(rule, object),
        };
        written.is_some_and(|written| written.eq_ignore_ascii_case(column))
    };
    mapping.rules_of(object).find(is_of).map(|rule| rule.id)
}

pub(super) const fn consent(has_opted_out: bool) -> Consent {
    if has_opted_out {
        Consent::Out(Reason::Unstated)
    } else {
        Consent::In
    }
}

/// What a refusal means to a decision.
pub(super) fn failure(refused: &ApiError, field: &dyn Fn(&str) -> Option<FieldId>) -> Failure {
    let mut named: Vec<FieldId> = refused
        .fields
        .iter()
        .filter_map(|name| field(name))
        .collect();
    named.sort_unstable();
    named.dedup();
    let kind = match refused.code {
        ErrorCode::INVALID_SESSION_ID => FailureKind::Unauthorised,
        ErrorCode::REQUEST_LIMIT_EXCEEDED => FailureKind::LimitReached,
        ErrorCode::UNKNOWN_EXCEPTION => FailureKind::Unknown,
        ErrorCode::UNABLE_TO_LOCK_ROW
        | ErrorCode::PROCESSING_HALTED
        | ErrorCode::INVALID_QUERY_LOCATOR
        | ErrorCode::EXCEEDED_ID_LIMIT
        | ErrorCode::OPERATION_TOO_LARGE
        | ErrorCode::ALL_OR_NONE_OPERATION_ROLLED_BACK => FailureKind::Transient,
        ErrorCode::MALFORMED_QUERY | ErrorCode::MALFORMED_ID => FailureKind::Broken,
        ErrorCode::INVALID_FIELD
        | ErrorCode::INVALID_TYPE
        | ErrorCode::INVALID_FIELD_FOR_INSERT_UPDATE
        | ErrorCode::INSUFFICIENT_ACCESS_OR_READONLY
        | ErrorCode::STORAGE_LIMIT_EXCEEDED
        | ErrorCode::API_DISABLED_FOR_ORG => FailureKind::Forbidden,
        ErrorCode::INVALID_CROSS_REFERENCE_KEY if !refused.fields.is_empty() => {
            FailureKind::Rejected(Rejection::Values(named))
        }
        ErrorCode::NOT_FOUND
        | ErrorCode::INVALID_CROSS_REFERENCE_KEY
        | ErrorCode::ENTITY_IS_DELETED => FailureKind::Gone,
        ErrorCode::CANNOT_UPDATE_CONVERTED_LEAD => FailureKind::Moved,
        ErrorCode::MATCH_PRECONDITION_FAILED => FailureKind::Stale,
        ErrorCode::DUPLICATES_DETECTED
        | ErrorCode::DUPLICATE_VALUE
        | ErrorCode::DUPLICATE_EXTERNAL_ID => FailureKind::Rejected(Rejection::Duplicate),
        ErrorCode::REQUIRED_FIELD_MISSING => FailureKind::Rejected(Rejection::Required(named)),
        _ => FailureKind::Rejected(Rejection::Values(named)),
    };
    Failure::new(kind, refused.code.0, refused.message.clone())
}
