//! A command that the process with the store carries out for another one: the client's side, which only
//! passes words on, and the serving side, which does the same work as at home.

use std::fs::File;
use std::io::{self, LineWriter, Read as _};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser as _;
use std::future::pending;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

use super::{Place, carry_out, names};
use crate::app::args::{Arguments, BackupCommand, Command};
use crate::app::compose::Environment;
use crate::app::door::Door;
use crate::app::error::{AppError, Status};
use crate::app::house::House;
use crate::app::log::TOLD;
use crate::app::out::Out;
use crate::session::wire::{self, Claims, Down, Farewell, Hello, Up, Wish};
use crate::session::{Asker, Guest};

/// Bytes read of the file in which sshd says how somebody was let in.
const SSH_KEY_BYTES_MAX: u64 = 16 * 1_024;

/// Whether the process with the store does it.
pub(super) const fn is_served(command: &Command) -> bool {
    match command {
        Command::Authorize(_)
        | Command::Revoke(_)
        | Command::Sync(_)
        | Command::Status(_)
        | Command::Doctor(_)
        | Command::Queues(_)
        | Command::Conflicts(_)
        | Command::Contact(_)
        | Command::Resolve(_)
        | Command::Backfill(_)
        | Command::Republish(_)
        | Command::Retry(_)
        | Command::Undo(_)
        | Command::Log(_)
        | Command::Bundle(_)
        | Command::Discard(_)
        | Command::Check(_)
        | Command::Aside(_)
        | Command::Unlink(_)
        | Command::TakeBack(_)
        | Command::Queue(_)
        | Command::Plan(_)
        | Command::Flags(_)
        | Command::Activities(_)
        | Command::Plugin(_)
        | Command::Webhook(_)
        | Command::Audit(_) => true,
        Command::Backup(backup) => matches!(backup.what, BackupCommand::Export { .. }),
        Command::Demo(_)
        | Command::Init(_)
        | Command::Sim(_)
        | Command::Serve(_)
        | Command::Attach(_)
        | Command::Unit(_)
        | Command::Keys(_)
        | Command::Replay(_)
        | Command::Open(_)
        | Command::Completions { .. }
        | Command::Man(_)
        | Command::Screenshots(_) => false,
    }
}

/// What this process says of who sits before it.
pub(super) fn claims(env: &Environment) -> Claims {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    Claims {
        sudo_user: set("SUDO_USER"),
        ssh_connection: set("SSH_CONNECTION"),
        ssh_key: set("SSH_USER_AUTH").and_then(|path| {
            let mut text = String::new();
            // Not there, or not text: then nothing is known.
            let file = File::open(path).ok()?;
            file.take(SSH_KEY_BYTES_MAX)
                .read_to_string(&mut text)
                .ok()?;
            text.lines()
                .find(|line| line.starts_with("publickey"))
                .map(str::to_owned)
        }),
        is_read_only: false,
    }
}

pub(super) fn hello(claims: Claims, wish: Wish) -> Hello {
    Hello {
        version: wire::VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        claims,
        wish,
    }
}

/// Passes this command on, with what was read for it here, and its words back.
pub(super) async fn forward(
    mut stream: UnixStream,
    claims: Claims,
    read: Vec<String>,
    out: &mut Out,
) -> Result<Status, AppError> {
    let mut arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.into_string().map_err(|_| not_text()))
        .collect::<Result<Vec<_>, _>>()?;
    arguments.extend(read);
    let folder = std::env::current_dir()?;
    let folder = folder
        .into_os_string()
        .into_string()
        .map_err(|_| not_text())?;
    let hello = hello(claims, Wish::Command { arguments, folder });
    let up = Up::Hello(Box::new(hello));
    wire::write_up(&mut stream, &up)
        .await
        .map_err(AppError::Vanished)?;
    let (mut from, mut to) = stream.into_split();
    let asker = Asker::ours();
    // Nothing is asked yet; each new question takes the place of the one before it.
    let mut answer: BoxFuture<'_, io::Result<Option<String>>> = Box::pin(pending());
    let mut down = Box::pin(next(&mut from));
    loop {
        tokio::select! {
            told = &mut down => {
                let (told, half) = told;
                down = Box::pin(next(half));
                match told.map_err(AppError::Vanished)? {
                    Some(Down::Result(bytes)) => out.pass_result(&bytes)?,
                    Some(Down::Note(bytes)) => out.pass_note(&bytes)?,
                    Some(Down::Refused(why)) => return Err(AppError::Turned(why)),
                    Some(Down::Ended(farewell)) => return Ok(Status::of(farewell.status)),
                    Some(Down::Ask(question)) => {
                        let asker = asker.clone();
                        answer = Box::pin(async move { asker.answer(&question).await });
                    }
                    Some(Down::Welcome | Down::Screen(_)) => {}
                    None => return Err(AppError::Vanished(io::ErrorKind::UnexpectedEof.into())),
                }
            }
            line = &mut answer => {
                answer = Box::pin(pending());
                let up = line.map_err(AppError::Unanswered)?.map_or(Up::End, Up::Line);
                wire::write_up(&mut to, &up).await.map_err(AppError::Vanished)?;
            }
        }
    }
}

/// The next frame, and the half of the line that it came by. Dropped, it may lose a frame's beginning.
async fn next(from: &mut OwnedReadHalf) -> (io::Result<Option<Down>>, &mut OwnedReadHalf) {
    (wire::read_down(from).await, from)
}

fn not_text() -> AppError {
    AppError::Usage("an argument or the folder is not text that can be passed on".to_owned())
}

/// Carries a guest's command out. Whoever is gone before its end has it broken off, but for what the
/// sync has taken in already.
pub(in crate::app) async fn serve(
    guest: Guest,
    house: Arc<House>,
    door: Door,
    (arguments, folder): (Vec<String>, PathBuf),
) -> io::Result<()> {
    let typed = std::iter::once("passerelle".to_owned()).chain(arguments);
    let command = Arguments::try_parse_from(typed)
        .ok()
        .and_then(|arguments| arguments.command)
        .filter(is_served);
    let Some(command) = command else {
        let why = "this is no command that the process with the store carries out for others";
        return guest.refuse(why.to_owned()).await;
    };
    let (session, operator) = (door.session.0, door.visitor.operator.name.as_str());
    let given = names::of(&command);
    tracing::debug!(target: TOLD, session, operator, given, "a command came in");
    let mut line = guest.serve().await?;
    let mut out = Out::new(
        Box::new(LineWriter::new(line.results())),
        Box::new(LineWriter::new(line.notes())),
        crate::app::is_json(&command),
    );
    let place = Place {
        file: Some(house.file().clone()),
        socket: None,
        record: None,
        claims: Claims::default(),
        folder,
        env: Environment::new(),
        is_linear: false,
        served: Some((Arc::clone(&house), door)),
        purpose: names::of(&command),
        asker: line.asker(),
        log: house.connected.opened.log.clone(),
    };
    let status = {
        let work = AssertUnwindSafe(carry_out(&place, command, &mut out)).catch_unwind();
        tokio::select! {
            ended = work => ended.unwrap_or(Err(AppError::Console)),
            () = line.hung_up() => return Ok(()),
            () = house.closing.cancelled() => {
                Err(AppError::Vanished(io::ErrorKind::ConnectionAborted.into()))
            }
        }
    };
    let status = match status {
        Ok(status) => status,
        Err(error) => {
            // Whoever takes no words is told by the status.
            let _ = out.error(&error);
            error.status()
        }
    };
    let is_told = out.flush().is_ok();
    drop(out);
    let status = if is_told { status } else { Status::Failed };
    line.end(Farewell {
        status: status as u8,
        word: String::new(),
    })
    .await
}
