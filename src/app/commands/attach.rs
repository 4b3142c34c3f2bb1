//! The console of another process on this terminal.

use tokio::net::UnixStream;

use super::{Place, forward};
use crate::app::compose::Environment;
use crate::app::console;
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;
use crate::console::tape::Keys;
use crate::session::wire::Wish;
use crate::session::{Over, Panics, Tty, attach};

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
    console::check_terminal(&place.env)?;
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
            "a console of the serving process cannot be recorded from here; --record works where no \
             process serves the instance, and in: passerelle demo"
                .to_owned(),
        ));
    }
    let keys = console::keys(&place.env)?;
    // Refused before the other side is asked.
    keys.keymap()?;
    let wish = Wish::Console {
        size: Tty::size()?,
        variables: variables(&place.env),
        keys: match keys {
            Keys::Default => None,
            Keys::File { name, text } => Some((name, text)),
        },
    };
    let hello = forward::hello(place.claims.clone(), wish);
    let mouse = console::mouse(&place.env);
    let panics = Panics::keep();
    log.hold();
    let over = attach(stream, hello, mouse).await;
    console::tell_afterwards(log, None, panics, out)?;
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
