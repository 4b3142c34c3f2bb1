//! passerelle keeps Salesforce and Webmecanik Automation in agreement.
//!
//! The rooms, in reading order. `tests/it/tidy.rs` holds who may import whom.

pub mod domain;

pub mod engine;

pub mod ports;

pub mod adapters;
pub mod pool;
pub mod sim;
pub mod store;

pub mod console;
pub mod session;

pub mod app;
