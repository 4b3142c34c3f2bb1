//! Builds, starts and stops everything in order; holds the commands.

pub mod args;
pub mod config;
pub mod policy;

use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
