//! Tests that cross rooms. One binary, so that they link once.

mod adapters;
mod automation_conformance;
