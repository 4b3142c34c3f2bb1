//! What each command is called, for the log.

use crate::app::args::Command;

/// As it is typed.
pub(super) const fn of(command: &Command) -> &'static str {
    match command {
        Command::Demo(_) => "demo",
        Command::Sim(_) => "sim",
        Command::Serve(_) => "serve",
        Command::Attach(_) => "attach",
        Command::Unit(_) => "unit",
        Command::Init(_) => "init",
        Command::Authorize(_) => "authorize",
        Command::Revoke(_) => "revoke",
        Command::Sync(_) => "sync",
        Command::Status(_) => "status",
        Command::Doctor(_) => "doctor",
        Command::Queues(_) => "queues",
        Command::Conflicts(_) => "conflicts",
        Command::Contact(_) => "contact",
        Command::Resolve(_) => "resolve",
        Command::Backfill(_) => "backfill",
        Command::Republish(_) => "republish",
        Command::Retry(_) => "retry",
        Command::Undo(_) => "undo",
        Command::Audit(_) => "audit",
        Command::Discard(_) => "discard",
        Command::Check(_) => "check",
        Command::Aside(_) => "aside",
        Command::Unlink(_) => "unlink",
        Command::TakeBack(_) => "take-back",
        Command::Queue(_) => "queue",
        Command::Plan(_) => "plan",
        Command::Flags(_) => "flags",
        Command::Activities(_) => "activities",
        Command::Plugin(_) => "plugin",
        Command::Webhook(_) => "webhook",
        Command::Keys(_) => "keys",
        Command::Replay(_) => "replay",
        Command::Screenshots(_) => "screenshots",
        Command::Log(_) => "log",
        Command::Bundle(_) => "bundle",
        Command::Open(_) => "open",
        Command::Completions { .. } => "completions",
        Command::Man(_) => "man",
        Command::Backup(_) => "backup",
    }
}
