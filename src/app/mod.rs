//! Builds, starts and stops everything in order; holds the commands.

pub mod args;
mod authorize;
mod bundle;
pub mod compose;
pub mod config;
pub mod desk;
mod door;
mod entry;
pub mod error;
mod examiner;
mod hooks;
mod house;
mod lines;
pub mod log;
mod machine;
mod mask;
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
mod said;
#[cfg(test)]
mod simulation;
mod stage;
mod words;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

use crate::app::args::{Arguments, AuditCommand, Command, ContactCommand, WebhookCommand};
use crate::app::compose::Environment;
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;
use crate::session::{GUARDED, is_guarded, stand_guard};

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    // Before anything is made: nothing of ours may be read by others.
    umask(Mode::from_bits_truncate(0o077));
    // A picture of our memory would hold secrets. Where this is refused there is none either.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
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
    if let Some(status) = guarded(&arguments, &env) {
        return status;
    }
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
    log.listen(&env);
    crate::session::log_panics();
    let result = runtime.block_on(commands::perform(arguments, env, &log, &mut out));
    log.end(&result);
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

/// An interactive console has a guard that gives the terminal back if the console is killed: this process
/// is the guard, and answers with the console's status, or the console itself.
fn guarded(arguments: &Arguments, env: &Environment) -> Option<ExitCode> {
    let is_off = matches!(
        env.get("PASSERELLE_GUARD").map(String::as_str),
        Some("0" | "off")
    );
    if is_off || !takes_terminal(arguments) || is_guarded(env.get(GUARDED)) {
        return None;
    }
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    // Without one everything works, but that.
    is_terminal
        .then(stand_guard)
        .and_then(Result::ok)
        .map(ExitCode::from)
}

/// Whether it shows screens on our own terminal.
const fn takes_terminal(arguments: &Arguments) -> bool {
    !arguments.linear
        && match &arguments.command {
            None | Some(Command::Attach(_)) => true,
            Some(Command::Demo(demo)) => !demo.headless,
            Some(Command::Replay(replay)) => !replay.print,
            Some(Command::Open(open)) => !(open.print || open.json || open.part.is_some()),
            Some(_) => false,
        }
}

pub(crate) const fn is_json(command: &Command) -> bool {
    match command {
        Command::Demo(demo) => demo.json,
        Command::Authorize(authorize) => authorize.json,
        Command::Revoke(revoke) => revoke.writing.json,
        Command::Sync(sync) => sync.json,
        Command::Status(json)
        | Command::Queues(json)
        | Command::Flags(json)
        | Command::Activities(json) => json.json,
        Command::Plugin(plugin) => plugin.json,
        Command::Conflicts(conflicts) => conflicts.json,
        Command::Contact(contact) => match &contact.what {
            Some(ContactCommand::Push(push)) => push.writing.json,
            None => contact.json,
        },
        Command::Webhook(webhook) => match &webhook.what {
            WebhookCommand::Status(json) => json.json,
            WebhookCommand::Register(asked) | WebhookCommand::Unregister(asked) => {
                asked.writing.json
            }
        },
        Command::Doctor(doctor) => doctor.json,
        Command::Resolve(resolve) => resolve.writing.json,
        Command::Backfill(backfill) => backfill.writing.json,
        Command::Republish(republish) => republish.writing.json,
        Command::Retry(retry) => retry.writing.json,
        Command::Discard(discard) => discard.what.writing.json,
        Command::Check(links) | Command::Unlink(links) | Command::TakeBack(links) => {
            links.writing.json
        }
        Command::Aside(aside) => aside.links.writing.json,
        Command::Queue(steer) => steer.writing.json,
        Command::Plan(steer) => steer.writing.json,
        Command::Undo(undo) => undo.writing.json,
        Command::Keys(keys) => keys.json,
        Command::Log(log) => log.json,
        Command::Open(open) => open.json,
        Command::Audit(audit) => match &audit.what {
            AuditCommand::List(list) => list.json,
            AuditCommand::Verify(verify) => verify.json,
            AuditCommand::Accept(accept) => accept.writing.json,
            AuditCommand::Export(_) => false,
        },
        Command::Serve(_)
        | Command::Init(_)
        | Command::Attach(_)
        | Command::Unit(_)
        | Command::Sim(_)
        | Command::Backup(_)
        | Command::Bundle(_)
        | Command::Completions { .. }
        | Command::Man(_)
        | Command::Screenshots(_)
        | Command::Replay(_) => false,
    }
}
