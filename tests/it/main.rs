//! Tests that cross rooms. One binary, so that they link once.

// Clippy takes the helpers of an integration test for production code unless it is told.
#[cfg(test)]
mod adapters;
mod automation_conformance;
mod tidy;
