//! One file for each group of commands; this one only says which is which.

mod audit;
mod doctor;
mod inspect;
mod keys;
mod practice;
mod replay;
mod resolve;
mod screenshots;
mod sync;
mod work;

use std::path::PathBuf;

use crate::app::args::{Arguments, BackupCommand, Command};
use crate::app::compose::{self, Environment, Opened};
use crate::app::config;
use crate::app::console::{self, Seat};
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;
use crate::console::Ground;
use crate::domain::command::{Command as Wish, Instruction};
use crate::domain::operator::{Operator, SessionId};
use crate::store;

pub(super) async fn perform(
    arguments: Arguments,
    env: Environment,
    log: &Log,
    out: &mut Out,
) -> Result<Status, AppError> {
    let Arguments {
        config,
        record,
        command,
    } = arguments;
    let is_console = match &command {
        None => true,
        Some(Command::Demo(demo)) => !demo.headless,
        Some(_) => false,
    };
    if record.is_some() && !is_console {
        return Err(AppError::Usage(
            "--record is for the console: passerelle --record FILE, or passerelle demo --record FILE"
                .to_owned(),
        ));
    }
    let place = Place {
        file: config::path(config, &env),
        record: record.or_else(|| env.get("PASSERELLE_RECORD").map(PathBuf::from)),
        env,
    };
    let Some(command) = command else {
        return open(&place, log, out).await;
    };
    match command {
        Command::Demo(demo) => practice::demo(&place, &demo, log, out).await,
        Command::Sim(sim) => practice::sim(&sim, out).await,
        Command::Sync(sync) => sync::perform(&place, &sync, out).await,
        Command::Status(_) => inspect::status(&place, out).await,
        Command::Doctor(_) => doctor::perform(&place, out).await,
        Command::Queues(_) => inspect::queues(&place, out).await,
        Command::Conflicts(conflicts) => inspect::conflicts(&place, conflicts.show, out).await,
        Command::Contact(contact) => inspect::contact(&place, &contact.who, out).await,
        Command::Resolve(resolve) => resolve::perform(&place, &resolve, out).await,
        Command::Backfill(backfill) => work::backfill(&place, &backfill, out).await,
        Command::Republish(republish) => work::republish(&place, &republish.writing, out).await,
        Command::Retry(retry) => work::retry(&place, &retry, out).await,
        Command::Undo(undo) => work::undo(&place, &undo, out).await,
        Command::Audit(asked) => audit::perform(&place, &asked.what, out).await,
        Command::Keys(keys) => keys::perform(&place, &keys, out),
        Command::Replay(asked) => replay::perform(&place, &asked, out).await,
        Command::Screenshots(asked) => screenshots::perform(&asked, out).await,
        Command::Backup(backup) => copy(&place, backup.what, out).await,
    }
}

/// One process, one command.
const COMMAND: SessionId = SessionId(1);

/// Where the instance file is, and what the environment says.
pub(super) struct Place {
    file: Option<PathBuf>,
    /// Where a console records what it is told.
    record: Option<PathBuf>,
    env: Environment,
}

impl Place {
    fn file(&self) -> Result<&PathBuf, AppError> {
        self.file
            .as_ref()
            .ok_or(AppError::Config(config::ConfigError::NoHome))
    }

    async fn open(&self) -> Result<Opened, AppError> {
        compose::open(self.file()?, &self.env).await
    }

    async fn connect(&self) -> Result<compose::Connected, AppError> {
        compose::connect(self.open().await?, self.file()?).await
    }

    /// A wish of whoever gave the command.
    fn instruction(&self, reason: &str, command: Wish) -> Box<Instruction> {
        Box::new(Instruction {
            session: COMMAND,
            operator: Operator {
                name: self.operator(),
                from: "command".to_owned(),
            },
            reason: reason.to_owned(),
            command,
        })
    }

    /// Login name of whoever asks, for the audit: the machine's own word, not the environment's,
    /// except for who stands behind root.
    fn operator(&self) -> String {
        let uid = nix::unistd::getuid();
        let behind_root = self.env.get("SUDO_USER").filter(|_| uid.is_root()).cloned();
        let user = || {
            nix::unistd::User::from_uid(uid)
                .ok()
                .flatten()
                .map(|user| user.name)
        };
        behind_root
            .or_else(user)
            .unwrap_or_else(|| format!("user {uid}"))
    }
}

/// The console over the sync of an instance.
async fn open(place: &Place, log: &Log, out: &mut Out) -> Result<Status, AppError> {
    console::check_terminal(&place.env)?;
    let connected = place.connect().await?;
    let seat = Seat {
        operator: place.operator(),
        ground: Ground::Real,
        record: place.record.as_deref(),
        env: &place.env,
        log,
    };
    console::open(&connected, seat, out).await
}

async fn copy(place: &Place, what: BackupCommand, out: &mut Out) -> Result<Status, AppError> {
    match what {
        BackupCommand::Export { file } => {
            let opened = place.open().await?;
            let count = store::export(&opened.store, &file)?;
            out.line(&format!("{count} entries copied to {}", file.display()))?;
        }
        BackupCommand::Restore { file } => {
            let instance = config::load(place.file()?, &place.env)?;
            let count = store::restore(&file, &instance.data, "a restore")?;
            out.line(&format!(
                "{count} entries restored into {}; the next sync reads and compares before it \
                 writes",
                instance.data.display()
            ))?;
        }
    }
    Ok(Status::Done)
}
