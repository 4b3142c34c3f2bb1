//! Builds, starts and stops everything in order; holds the commands.

use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
