//! The skin that speaks the REST API: JSON and HTTP over one brain.
//!
//! `respond` turns a request into an answer without any I/O; the rest binds it to a loopback port.

mod answer;
mod companies;
mod contacts;
mod described;
mod faults;
mod fields;
mod filter;
mod fringe;
mod hooks;
mod oauth;
mod people;
mod post;
mod record;
mod request;
mod route;
mod segments;
mod serve;
mod stats;
mod tables;
mod timeline;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Body};
pub use faults::dialect;
pub use hooks::{Delivery, next_delivery, signature};
pub use post::{post_waiting, poster};
pub use request::{Node, Request};
pub use route::respond;
pub use serve::{CallNote, Shared, router, serve};
