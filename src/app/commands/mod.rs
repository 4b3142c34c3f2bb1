//! One file for each group of commands; this one only says which is which.

mod attach;
mod audit;
mod authorize;
mod bundle;
mod doctor;
mod forward;
mod init;
mod inspect;
mod keys;
mod lists;
mod logs;
mod manual;
mod names;
mod open;
mod plugin;
mod practice;
mod push;
mod replay;
mod resolve;
mod screenshots;
mod serve;
mod steer;
mod sync;
mod unit;
mod webhook;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::args::{Arguments, BackupCommand, Command, ContactCommand};
use crate::app::compose::{self, Connected, Environment, Opened};
use crate::app::config;
use crate::app::console::{self, Look, Seat};
use crate::app::door::{self, Door, Visitor};
use crate::app::entry::{self, Entry};
use crate::app::error::{AppError, Status};
use crate::app::house::House;
use crate::app::lines;
use crate::app::log::Log;
use crate::app::out::Out;
use crate::console::Ground;
use crate::domain::command::{Command as Wish, Instruction};
use crate::domain::operator::{Role, SessionId};
use crate::domain::snapshot::Hearing;
use crate::session::Asker;
use crate::session::wire::Claims;
use crate::store;

pub(super) use forward::serve;

pub(super) async fn perform(
    arguments: Arguments,
    env: Environment,
    log: &Log,
    out: &mut Out,
) -> Result<Status, AppError> {
    let Arguments {
        config,
        record,
        socket,
        linear,
        command,
    } = arguments;
    let is_console = match &command {
        None | Some(Command::Attach(_)) => true,
        Some(Command::Demo(demo)) => !demo.headless,
        Some(_) => false,
    };
    if record.is_some() && !is_console {
        return Err(AppError::Usage(
            "--record is for the console: passerelle --record FILE, or passerelle demo --record FILE"
                .to_owned(),
        ));
    }
    if linear && !is_console && !matches!(command, Some(Command::Open(_))) {
        return Err(AppError::Usage(
            "--linear is for the console: passerelle --linear, passerelle attach --linear, passerelle \
             open FILE --linear, or passerelle demo --linear"
                .to_owned(),
        ));
    }
    let named = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let set = |name: &str| named(name).map(PathBuf::from);
    let place = Place {
        file: config::path(config, &env),
        socket: socket.or_else(|| set("PASSERELLE_SOCKET")),
        record: record.or_else(|| set("PASSERELLE_RECORD")),
        claims: forward::claims(&env),
        folder: PathBuf::new(),
        served: None,
        purpose: command.as_ref().map_or("console", names::of),
        log: log.clone(),
        asker: Asker::ours(),
        is_linear: linear,
        env,
    };
    match command {
        None => Box::pin(console(&place, log, out)).await,
        Some(Command::Demo(demo)) => practice::demo(&place, &demo, log, out).await,
        Some(Command::Serve(asked)) => serve::perform(&place, &asked, out).await,
        Some(Command::Attach(asked)) => attach::perform(&place, asked.read_only, log, out).await,
        Some(Command::Replay(asked)) => replay::perform(&place, &asked, out).await,
        Some(Command::Bundle(asked)) => bundle::perform(&place, &asked, out).await,
        Some(Command::Open(asked)) => open::perform(&place, &asked, out).await,
        Some(mut command) => {
            let read = match &mut command {
                Command::Plugin(asked) => plugin::read(asked)?,
                _ => Vec::new(),
            };
            if forward::is_served(&command)
                && let Some(stream) = place.knock().await?
            {
                return forward::forward(stream, place.claims, read, out).await;
            }
            Box::pin(carry_out(&place, command, out)).await
        }
    }
}

/// Every command that needs no terminal of its own, in the process that has the store.
async fn carry_out(place: &Place, command: Command, out: &mut Out) -> Result<Status, AppError> {
    match command {
        Command::Demo(_)
        | Command::Serve(_)
        | Command::Attach(_)
        | Command::Replay(_)
        | Command::Open(_) => Err(AppError::Usage(
            "this command has a process of its own".to_owned(),
        )),
        Command::Sim(sim) => practice::sim(&sim, out).await,
        Command::Init(asked) => Box::pin(init::perform(place, &asked, out)).await,
        Command::Authorize(asked) => Box::pin(authorize::perform(place, &asked, out)).await,
        Command::Revoke(asked) => authorize::revoke(place, &asked, out).await,
        Command::Sync(sync) => sync::perform(place, &sync, out).await,
        Command::Status(_) => inspect::status(place, out).await,
        Command::Doctor(asked) => doctor::perform(place, &asked, out).await,
        Command::Queues(_) => inspect::queues(place, out).await,
        Command::Conflicts(conflicts) => inspect::conflicts(place, conflicts.show, out).await,
        Command::Contact(contact) => match (&contact.what, &contact.who) {
            (Some(ContactCommand::Push(asked)), _) => {
                Box::pin(push::perform(place, asked, out)).await
            }
            (None, who) => inspect::contact(place, who.as_deref().unwrap_or(""), out).await,
        },
        Command::Webhook(asked) => Box::pin(webhook::perform(place, &asked.what, out)).await,
        Command::Resolve(resolve) => resolve::perform(place, &resolve, out).await,
        Command::Backfill(backfill) => work::backfill(place, &backfill, out).await,
        Command::Republish(republish) => work::republish(place, &republish.writing, out).await,
        Command::Retry(retry) => work::retry(place, &retry, out).await,
        Command::Undo(undo) => work::undo(place, &undo, out).await,
        Command::Discard(discard) => work::discard(place, &discard, out).await,
        Command::Check(asked) => {
            steer::links(place, &asked, |links| Wish::Check { links }, out).await
        }
        Command::Aside(aside) => Box::pin(steer::aside(place, &aside, out)).await,
        Command::Unlink(asked) => {
            steer::links(place, &asked, |links| Wish::Unlink { links }, out).await
        }
        Command::TakeBack(asked) => {
            steer::links(place, &asked, |links| Wish::TakeBack { links }, out).await
        }
        Command::Queue(asked) => steer::queue(place, &asked, out).await,
        Command::Plan(asked) => steer::plan(place, &asked, out).await,
        Command::Flags(_) => lists::flags(place, out).await,
        Command::Activities(_) => lists::activities(place, out).await,
        Command::Plugin(asked) => plugin::perform(place, &asked, out).await,
        Command::Audit(asked) => audit::perform(place, &asked.what, out).await,
        Command::Keys(keys) => keys::perform(place, &keys, out),
        Command::Bundle(asked) => bundle::perform(place, &asked, out).await,
        Command::Completions { shell } => manual::completions(shell, out),
        Command::Man(asked) => manual::man(&asked, out),
        Command::Log(asked) => logs::perform(place, &asked.what, out).await,
        Command::Screenshots(asked) => screenshots::perform(&asked, out).await,
        Command::Unit(asked) => unit::perform(place, &asked, out),
        Command::Backup(backup) => copy(place, backup.what, out).await,
    }
}

/// One process, one command.
const COMMAND: SessionId = SessionId(1);

/// Where the instance is, and who asks for it.
#[derive(Clone)]
pub(super) struct Place {
    file: Option<PathBuf>,
    /// Where the serving process listens, if it was said.
    socket: Option<PathBuf>,
    /// Where a console records what it is told.
    record: Option<PathBuf>,
    claims: Claims,
    /// What relative names belong to; empty is this process's own.
    folder: PathBuf,
    /// The house that carries the command out for somebody, and their way in.
    served: Option<(Arc<House>, Door)>,
    /// What this process is for, and where it logs.
    purpose: &'static str,
    log: Log,
    /// For questions to whoever gave the command.
    asker: Asker,
    /// A console is read line by line.
    is_linear: bool,
    env: Environment,
}

impl Place {
    fn file(&self) -> Result<&PathBuf, AppError> {
        self.file
            .as_ref()
            .ok_or(AppError::Config(config::ConfigError::NoHome))
    }

    async fn open(&self) -> Result<Opened, AppError> {
        if let Some((house, door)) = &self.served {
            return house.opened(door).await;
        }
        let mut opened = compose::open(self.file()?, &self.env).await?;
        self.log.begin(&opened, self.purpose, &self.env);
        opened.log = self.log.clone();
        Ok(opened)
    }

    async fn connect(&self) -> Result<Connected, AppError> {
        self.connected(self.open().await?).await
    }

    async fn connected(&self, opened: Opened) -> Result<Connected, AppError> {
        compose::connect(opened, self.file()?).await
    }

    /// The process that serves the instance, if one does.
    async fn knock(&self) -> Result<Option<tokio::net::UnixStream>, AppError> {
        let socket = match &self.socket {
            Some(socket) => socket.clone(),
            None => config::socket(self.file()?, &self.env)?,
        };
        match tokio::net::UnixStream::connect(&socket).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if self.socket.is_none() && is_nobody(&error) => Ok(None),
            Err(source) => Err(AppError::Knock {
                socket: socket.display().to_string(),
                source,
            }),
        }
    }

    /// What webhooks told the process that serves the instance, if it receives any.
    fn hearing(&self) -> Option<Hearing> {
        let (house, _) = self.served.as_ref()?;
        house.handle.snapshots.borrow().hearing
    }

    const fn look(&self) -> Look {
        if self.is_linear {
            Look::Lines
        } else {
            Look::Screens
        }
    }

    /// Refused before anything is started: a screen needs a terminal, and lines need none.
    fn check_terminal(&self) -> Result<(), AppError> {
        if self.is_linear {
            return Ok(());
        }
        console::check_terminal(&self.env)
    }

    fn visitor(&self, opened: &Opened) -> Visitor {
        match &self.served {
            Some((_, door)) => door.visitor.clone(),
            None => door::ourselves(&self.claims, &opened.instance.operators),
        }
    }

    /// Refused unless whoever asks has the role.
    fn require(&self, opened: &Opened, needed: Role) -> Result<(), AppError> {
        let role = self.visitor(opened).role;
        if role < needed {
            return Err(AppError::Denied { role, needed });
        }
        Ok(())
    }

    /// Where a file that was named is to be written: by the account that has the store, so nobody else
    /// may say where.
    fn written(&self, opened: &Opened, file: &Path) -> Result<PathBuf, AppError> {
        if self.visitor(opened).is_owner {
            return Ok(self.folder.join(file));
        }
        Err(AppError::Usage(
            "the file would be written by the account of the serving process, which is not yours; \
             give the command as that account, or export from the console into the data folder"
                .to_owned(),
        ))
    }

    /// A wish of whoever gave the command, if their role allows it.
    fn instruction(
        &self,
        opened: &Opened,
        reason: &str,
        command: Wish,
    ) -> Result<Box<Instruction>, AppError> {
        self.require(opened, Role::needed(&command))?;
        let visitor = self.visitor(opened);
        if visitor.role < Role::Admin && reason.trim().is_empty() && command.is_act() {
            return Err(AppError::NoReason);
        }
        let session = match &self.served {
            Some((_, door)) => door.session,
            None => COMMAND,
        };
        Ok(Box::new(Instruction {
            session,
            operator: visitor.operator,
            reason: reason.to_owned(),
            command,
        }))
    }
}

impl Place {
    /// Records an act that this process does itself, before it is done.
    async fn enter(
        &self,
        opened: &Opened,
        (act, object): (&'static str, String),
        reason: &str,
    ) -> Result<(), AppError> {
        let entry = Entry::of(act, object, reason);
        let instruction = self.instruction(opened, reason, entry.command.clone())?;
        entry::put(opened, &instruction.operator, entry).await
    }
}

/// Nobody listens there: there is no socket, or a dead process left it behind.
fn is_nobody(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

/// The console over the sync of an instance: of the process that serves it, or of this one.
async fn console(place: &Place, log: &Log, out: &mut Out) -> Result<Status, AppError> {
    place.check_terminal()?;
    if let Some(stream) = place.knock().await? {
        return attach::show(stream, place, log, out).await;
    }
    let connected = place.connect().await?;
    let seat = Seat {
        claims: place.claims.clone(),
        ground: Ground::Real,
        file: place.file()?,
        record: place.record.as_deref(),
        env: &place.env,
        look: place.look(),
        log,
    };
    let clock = Arc::clone(&connected.outside.clock);
    // Listened for before the console is left: the signals are taken from their defaults by then.
    let stopped = lines::stopped()?;
    let closed = console::open(connected, seat, out).await?;
    if closed.leaves_work {
        serve::offer(place, &*clock, stopped, out).await?;
    }
    Ok(closed.status)
}

async fn copy(place: &Place, what: BackupCommand, out: &mut Out) -> Result<Status, AppError> {
    match what {
        BackupCommand::Export { file, why } => {
            let opened = place.open().await?;
            // Everything about everybody leaves with it.
            place.require(&opened, Role::Admin)?;
            let file = place.written(&opened, &file)?;
            let act = ("export backup", file.display().to_string());
            place.enter(&opened, act, &why.reason).await?;
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
