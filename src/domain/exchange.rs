//! One request to a system and its answer, as an operator may see it: no address, no header, no
//! credential.

use serde::{Deserialize, Serialize};

use super::consent::Consent;
use super::failure::Failure;
use super::ids::{FieldId, LinkId, RemoteId, Side};
use super::time::{Span, Timestamp};
use super::value::Value;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the request left.
    pub at: Timestamp,
    /// Until the answer was there.
    pub took: Span,
    pub side: Side,
    pub asked: Asked,
    /// Rows that the request named, and that the answer told of; a failure is that of the whole.
    pub rows: u64,
    pub answer: Result<u64, Failure>,
    /// What it was about, each link or record once.
    pub about: Vec<About>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    Describe,
    Changes,
    Audit,
    /// Named records as they are now.
    Rows,
    /// Whoever has one of these addresses or names.
    Find,
    /// The dates of consent.
    Evidence,
    Write,
    ReadActivities,
    SendActivities,
}

/// One link's or record's part of a request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub whom: Whom,
    /// What was to be written, sorted by field.
    pub carried: Vec<(FieldId, Value)>,
    pub consent: Option<Consent>,
    /// The row's own refusal.
    pub refused: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Whom {
    Link(LinkId),
    Record(RemoteId),
}

impl About {
    pub const fn of(whom: Whom) -> Self {
        Self {
            whom,
            carried: Vec::new(),
            consent: None,
            refused: None,
        }
    }
}
