//! What the simulator refuses, in the vendor's words: a code, a sentence, the fields concerned.

use std::fmt;

use super::ids::RecordId;

/// A code of the vendor's closed but very long list. A newtype rather than an enum: the code is
/// data to every client, and nothing here branches on more than a handful of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorCode(pub &'static str);

macro_rules! codes {
    ($($name:ident)*) => {
        impl ErrorCode {
            $(pub const $name: Self = Self(stringify!($name));)*
        }
    };
}

codes! {
    ALL_OR_NONE_OPERATION_ROLLED_BACK API_DISABLED_FOR_ORG BAD_REQUEST CANNOT_EXECUTE_FLOW_TRIGGER
    CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_UPDATE_CONVERTED_LEAD DUPLICATES_DETECTED
    DUPLICATE_EXTERNAL_ID DUPLICATE_VALUE ENTITY_IS_DELETED EXCEEDED_ID_LIMIT
    FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION GONE INACTIVE_OWNER_OR_USER
    INSUFFICIENT_ACCESS_OR_READONLY INVALID_AUTH_HEADER INVALID_BATCH_SIZE
    INVALID_CROSS_REFERENCE_KEY INVALID_EMAIL_ADDRESS INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE
    INVALID_INPUT INVALID_JOB INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_QUERY_FILTER_OPERATOR
    INVALID_QUERY_LOCATOR INVALID_REPLICATION_DATE INVALID_SESSION_ID INVALID_TYPE
    INVALID_TYPE_ON_FIELD_IN_RECORD INVALIDJOB INVALIDJOBSTATE JSON_PARSER_ERROR MALFORMED_ID
    MALFORMED_QUERY MALFORMED_REQUEST METHOD_NOT_ALLOWED MISSING_ARGUMENT NOT_FOUND
    NUMBER_OUTSIDE_VALID_RANGE OPERATION_TOO_LARGE PROCESSING_HALTED REQUEST_LIMIT_EXCEEDED
    REQUIRED_FIELD_MISSING STORAGE_LIMIT_EXCEEDED STRING_TOO_LONG UNABLE_TO_LOCK_ROW
    UNKNOWN_EXCEPTION UNSUPPORTED_MEDIA_TYPE URI_TOO_LONG VERSION_MISMATCH LIMIT_EXCEEDED
    DUPLICATE_COMM_NICKNAME MATCH_PRECONDITION_FAILED DUPLICATE_DEVELOPER_NAME
    INSUFFICIENT_ACCESS INVALID_OPERATION
    INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY
}

/// One refusal. `status` is the HTTP status of a call that fails for this alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub code: ErrorCode,
    pub status: u16,
    pub message: String,
    pub fields: Vec<String>,
    pub duplicates: Option<Box<DuplicatesFound>>,
}

/// What a duplicate rule found, told to the client with `DUPLICATES_DETECTED`.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicatesFound {
    pub rule: String,
    pub object: String,
    pub can_be_overridden: bool,
    pub matches: Vec<(String, Vec<RecordId>)>,
}

pub type Outcome<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status: status_of(code),
            message: message.into(),
            fields: Vec::new(),
            duplicates: None,
        }
    }

    #[must_use]
    pub fn on(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn resource_missing() -> Self {
        Self::new(
            ErrorCode::NOT_FOUND,
            "The requested resource does not exist",
        )
    }

    pub fn entity_is_deleted() -> Self {
        Self::new(ErrorCode::ENTITY_IS_DELETED, "entity is deleted")
    }

    pub fn invalid_cross_reference() -> Self {
        Self::new(
            ErrorCode::INVALID_CROSS_REFERENCE_KEY,
            "invalid cross reference id",
        )
    }

    pub fn unable_to_lock(id: RecordId) -> Self {
        Self::new(
            ErrorCode::UNABLE_TO_LOCK_ROW,
            format!("unable to obtain exclusive access to this record or 1 records: {id}"),
        )
    }
}

const fn status_of(code: ErrorCode) -> u16 {
    match code.0.as_bytes() {
        b"INVALID_SESSION_ID" | b"INVALID_AUTH_HEADER" => 401,
        b"REQUEST_LIMIT_EXCEEDED"
        | b"INSUFFICIENT_ACCESS"
        | b"INSUFFICIENT_ACCESS_OR_READONLY"
        | b"API_DISABLED_FOR_ORG" => 403,
        b"NOT_FOUND" | b"ENTITY_IS_DELETED" => 404,
        b"METHOD_NOT_ALLOWED" => 405,
        b"VERSION_MISMATCH" => 409,
        b"GONE" => 410,
        b"MATCH_PRECONDITION_FAILED" => 412,
        b"URI_TOO_LONG" => 414,
        b"UNSUPPORTED_MEDIA_TYPE" => 415,
        b"UNKNOWN_EXCEPTION" => 500,
        _ => 400,
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
