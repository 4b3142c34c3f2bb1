//! A failure on its way out of this room: what the engine decides on, and the cause for the log.

use std::error::Error;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::request::Spent;
use crate::ports::{Answered, PortError};

/// Set on rows whose request never left because an earlier one of the same call failed.
pub(super) const NOT_SENT: &str = "not-sent";

/// What a request does on the other side; decides what a broken connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

impl Effect {
    /// The answer is lost or makes no sense. A read can simply be asked again; a write may have
    /// been carried out.
    pub(super) const fn lost(self) -> FailureKind {
        match self {
            Self::Reads => FailureKind::Transient,
            Self::Writes => FailureKind::Unknown,
        }
    }
}

/// A failure and its cause.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) failure: Failure,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    pub(super) fn new(
        kind: FailureKind,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Failure::new(kind, code, message).into()
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Our own request or their answer makes no sense.
    pub(super) fn broken(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Broken, code, message)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            source: None,
        }
    }
}

/// Ends a call of a port.
pub(super) fn answer<T>(
    operation: &'static str,
    spent: Spent,
    result: Result<T, Fault>,
) -> Result<Answered<T>, PortError> {
    match result {
        Ok(value) => Ok(Answered { value, spent }),
        Err(Fault { failure, source }) => Err(PortError {
            operation,
            failure,
            spent,
            source,
        }),
    }
}

/// For rows whose request never left.
pub(super) fn not_sent(after: &Failure) -> Failure {
    Failure::new(
        FailureKind::Transient,
        NOT_SENT,
        format!("not sent, because an earlier request failed: {after}"),
    )
}
