//! The simulated Salesforce: a pure brain, and an HTTP skin over it.
//!
//! The brain (`org::Salesforce` and the operations beside it) is deterministic: time comes in as an
//! argument, chance from a seed. `http` serves it over loopback as the REST, Composite and Bulk APIs.
//! It is built from the vendor's documentation, not from what any client happens to send.

pub mod access;
pub mod bulk;
pub mod coerce;
pub mod collections;
pub mod cursors;
pub mod deploy;
pub mod error;
mod history;
pub mod http;
pub mod ids;
pub mod inproc;
pub mod limits;
pub mod meter;
pub mod oauth;
pub mod org;
pub mod people;
pub mod query;
pub mod replication;
pub mod rules;
pub mod schema;
pub mod setup;
pub mod soql;
pub mod table;
pub mod value;
pub mod write;

pub use org::{Call, OrgConfig, Salesforce};

#[cfg(test)]
mod tests;
