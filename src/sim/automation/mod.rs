//! A believable Automation: one instance of a Mautic 5.1.1 with its habits and its traps.
//!
//! `Automation` is the brain: pure, synchronous, deterministic, without clock, sockets or JSON. A
//! skin calls its operations directly; `http` is the skin that speaks the REST API on loopback.

pub mod accept;
pub mod activity;
pub mod acts;
pub mod auth;
pub mod author;
pub mod call;
pub mod check;
pub mod choices;
pub mod companies;
pub mod company;
pub mod contact;
pub mod dnc;
pub mod draft;
pub mod field;
pub mod hook;
pub mod http;
pub mod inproc;
pub mod instance;
pub mod log;
pub mod merge;
pub mod operate;
pub mod php;
pub mod query;
pub mod refusal;
pub mod relate;
pub mod search;
pub mod segment;
pub mod select;
pub mod settle;
pub mod stock;
pub mod time;
pub mod user;
pub mod value;
pub mod write;

pub use instance::{Automation, Settings};

#[cfg(test)]
mod tests;
