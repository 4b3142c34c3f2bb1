//! passerelle keeps Salesforce and Webmecanik Automation in agreement.
//!
//! The rooms, in reading order. `tests/it/tidy.rs` holds who may import whom.

pub mod adapters;
pub mod domain;
pub mod ports;
pub mod sim;

pub mod app;
