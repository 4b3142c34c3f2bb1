//! The ways a request can fail that a decision depends on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::FieldId;
use super::time::Timestamp;

/// Why a request, or one row of it, did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// The system's own code, such as `UNABLE_TO_LOCK_ROW` or `404`.
    pub code: String,
    /// The system's own words, cut to 500 characters. Never translated, never holds a secret.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The system asks us to wait; until then if it said so.
    Throttled { until: Option<Timestamp> },
    /// The day's API calls are spent.
    LimitReached,
    /// It may work next time: a lock, a busy server. Nothing was written.
    Transient,
    /// The request may or may not have been carried out: a timeout, a reset, a broken answer.
    Unknown,
    /// The system refuses these values: a validation, a type, a length. Not before a person acts.
    Rejected(Rejection),
    /// The record changed since it was read.
    Stale,
    /// The record is deleted, or not there.
    Gone,
    /// The record's identity moved: a merge or a conversion. Read it again.
    Moved,
    /// The credentials are no longer good. A person must authorise again.
    Unauthorised,
    /// The user lacks a right, a field or an object is hidden or missing. A person must set it up.
    Forbidden,
    /// The answer makes no sense, or our request did not.
    Broken,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// A validation rule, a length, a picklist, a type; the fields, where the system named them.
    Values(Vec<FieldId>),
    /// A required field is blank.
    Required(Vec<FieldId>),
    /// A duplicate rule or a unique field matched another record.
    Duplicate,
}

impl FailureKind {
    /// For logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::LimitReached => "limit reached",
            Self::Transient => "transient",
            Self::Unknown => "unknown",
            Self::Rejected(_) => "rejected",
            Self::Stale => "stale",
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Unauthorised => "unauthorised",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
        }
    }
}

/// A longer code is none.
const CODE_LENGTH_MAX: usize = 64;

/// Codes have no more digits than a status; a phone number has.
const CODE_DIGITS_MAX: usize = 4;

impl Failure {
    /// The code, unless it looks like something that a person typed: it comes from outside.
    pub fn plain_code(&self) -> &str {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
        let digits = self.code.chars().filter(char::is_ascii_digit).count();
        let is_code = self.code.len() <= CODE_LENGTH_MAX
            && digits <= CODE_DIGITS_MAX
            && self.code.chars().all(is_letter);
        if is_code { &self.code } else { "" }
    }

    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((index, _)) = message.char_indices().nth(500) {
            message.truncate(index);
        }
        Self {
            kind,
            code: code.into(),
            message,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.code, self.message)
        }
    }
}

impl std::error::Error for Failure {}
