//! The nouns of the product and their invariants. Imports std, serde and an error derive.

pub mod access;
pub mod activity;
pub mod audit;
pub mod command;
pub mod conflict;
pub mod consent;
pub mod cursor;
pub mod doctor;
pub mod drift;
pub mod evidence;
pub mod exchange;
pub mod failure;
pub mod flag;
pub mod ids;
pub mod link;
pub mod mapping;
pub mod operator;
pub mod record;
pub mod remedy;
pub mod request;
pub mod row;
pub mod setup;
pub mod snapshot;
pub mod time;
pub mod trace;
pub mod value;
