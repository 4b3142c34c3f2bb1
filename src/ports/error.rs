//! How a port fails.

use std::error::Error;

use crate::domain::failure::Failure;
use crate::domain::request::Spent;

/// A request that failed as a whole. Rows that fail alone are outcomes, not errors.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {failure}")]
pub struct PortError {
    /// What was tried, in words an operator knows: `reading changed leads`.
    pub operation: &'static str,
    pub failure: Failure,
    /// Calls that the failed attempt cost all the same.
    pub spent: Spent,
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}
