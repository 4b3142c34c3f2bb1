//! Builds, starts and stops everything in order; holds the commands.

pub mod args;
pub mod compose;
pub mod config;
pub mod desk;
mod door;
pub mod error;
mod house;
mod lines;
pub mod log;
mod notify;
pub mod out;
pub mod policy;
pub mod practice;
pub mod run;
pub mod text;
mod view_state;

mod commands;
mod console;
mod picture;
mod record;
#[cfg(test)]
mod simulation;
mod stage;
mod words;

use std::process::ExitCode;

use clap::Parser;
use nix::sys::stat::{Mode, umask};

use crate::app::args::{Arguments, AuditCommand, Command};
use crate::app::compose::Environment;
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    // Before anything is made: nothing of ours may be read by others.
    umask(Mode::from_bits_truncate(0o077));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let status = if error.use_stderr() {
                Status::Usage
            } else {
                Status::Done
            };
            // Nowhere to complain to if even this cannot be printed.
            let _ = error.print();
            return status.into();
        }
    };
    let env: Environment = std::env::vars().collect();
    let mut out = Out::standard(arguments.command.as_ref().is_some_and(is_json));
    let log = Log::default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = out.error(&error); // The status says it failed all the same.
            return Status::Failed.into();
        }
    };
    log_to(&log, &env);
    let result = runtime.block_on(commands::perform(arguments, env, &log, &mut out));
    match result {
        Ok(status) => status.into(),
        Err(AppError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            // Whoever read our output has had enough.
            Status::Done.into()
        }
        Err(error) => {
            let _ = out.error(&error); // As above.
            error.status().into()
        }
    }
}

/// Warnings only, unless `PASSERELLE_LOG` asks for more. Never a value of a record.
fn log_to(log: &Log, env: &Environment) {
    let filter = env.get("PASSERELLE_LOG").map_or("error", String::as_str);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // Only a second subscriber could be refused, and there is none.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

pub(crate) const fn is_json(command: &Command) -> bool {
    match command {
        Command::Demo(demo) => demo.json,
        Command::Sync(sync) => sync.json,
        Command::Status(json) | Command::Doctor(json) | Command::Queues(json) => json.json,
        Command::Conflicts(conflicts) => conflicts.json,
        Command::Contact(contact) => contact.json,
        Command::Resolve(resolve) => resolve.writing.json,
        Command::Backfill(backfill) => backfill.writing.json,
        Command::Republish(republish) => republish.writing.json,
        Command::Retry(retry) => retry.writing.json,
        Command::Undo(undo) => undo.writing.json,
        Command::Keys(keys) => keys.json,
        Command::Audit(audit) => match &audit.what {
            AuditCommand::List(list) => list.json,
            AuditCommand::Verify(json) => json.json,
            AuditCommand::Export(_) => false,
        },
        Command::Serve
        | Command::Attach(_)
        | Command::Unit(_)
        | Command::Sim(_)
        | Command::Backup(_)
        | Command::Screenshots(_)
        | Command::Replay(_) => false,
    }
}
