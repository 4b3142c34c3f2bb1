//! The console of another process on this terminal.

use tokio::net::UnixStream;

use super::{Place, forward};
use crate::app::compose::Environment;
use crate::app::console::{self, Look};
use crate::app::error::{AppError, Status};
use crate::app::lines;
use crate::app::log::Log;
use crate::app::out::Out;
use crate::console::tape::Keys;
use crate::session::wire::Wish;
use crate::session::{self, Over, Panics, Tty, attach, attach_lines};

/// What the terminal shows and which language is spoken. Nothing else of the environment leaves.
const VARIABLES: [&str; 10] = [
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "PASSERELLE_LANG",
    "PASSERELLE_THEME",
    "PASSERELLE_ASCII",
];

pub(super) async fn perform(
    place: &Place,
    is_read_only: bool,
    log: &Log,
    out: &mut Out,
) -> Result<Status, AppError> {
    place.check_terminal()?;
    let stream = place.knock().await?.ok_or(AppError::NotServed)?;
    let mut place = place.clone();
    place.claims.is_read_only = is_read_only;
    show(stream, &place, log, out).await
}

/// Until the operator leaves, or the other process does.
pub(super) async fn show(
    stream: UnixStream,
    place: &Place,
    log: &Log,
    out: &mut Out,
) -> Result<Status, AppError> {
    if place.record.is_some() {
        return Err(AppError::Usage(
            "a console of the serving process cannot be recorded from here: it is drawn there, and only \
             bytes arrive. --record works where no process serves the instance: stop it, then run \
             passerelle --record FILE; or send what a contact met with: passerelle bundle --contact WHO"
                .to_owned(),
        ));
    }
    let keys = console::keys(&place.env)?;
    // Refused before the other side is asked.
    keys.keymap()?;
    let variables = variables(&place.env);
    let keys = match keys {
        Keys::Default => None,
        Keys::File { name, text } => Some((name, text)),
    };
    let wish = match place.look() {
        Look::Screens => Wish::Console {
            size: Tty::size()?,
            variables,
            keys,
        },
        Look::Lines => Wish::Linear {
            width: session::width(),
            variables,
            keys,
        },
    };
    let hello = forward::hello(place.claims.clone(), wish);
    let panics = Panics::keep();
    log.hold();
    let over = match place.look() {
        Look::Screens => attach(stream, hello, console::mouse(&place.env)).await,
        Look::Lines => tokio::select! {
            over = attach_lines(stream, hello, session::stdio()?) => over,
            () = lines::stopped()? => Ok(Over::HungUp),
        },
    };
    console::tell_afterwards(log, None, panics, out);
    match over? {
        Over::Ended(farewell) => {
            if !farewell.word.is_empty() {
                out.note(&farewell.word)?;
            }
            Ok(Status::of(farewell.status))
        }
        Over::Refused(why) => Err(AppError::Turned(why)),
        Over::Vanished(error) => Err(AppError::Vanished(error)),
        Over::Silent => Err(AppError::Silent),
        Over::HungUp => Ok(Status::Done),
    }
}

fn variables(env: &Environment) -> Environment {
    let known = |(name, _): &(&String, &String)| VARIABLES.contains(&name.as_str());
    env.iter()
        .filter(known)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
