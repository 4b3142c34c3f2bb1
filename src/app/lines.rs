//! The console as plain lines at this process's own standard input and output.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::app::console::{self, Look, Seat, Visit};
use crate::app::door;
use crate::app::error::{AppError, Status};
use crate::app::house::{Away, House};
use crate::app::out::Out;
use crate::app::record::Recorder;
use crate::console::Outcome;
use crate::console::tape::Keys;
use crate::session::{self, Ended, Panics};

/// What a script may tell from the exit status.
pub(super) const fn status(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Done => Status::Done,
        Outcome::Failed => Status::Failed,
        Outcome::Misused => Status::Usage,
        Outcome::Denied => Status::Refused,
    }
}

/// Until Ctrl-C, or until somebody asks the process to end.
pub(super) fn stopped() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// The session of whoever started this process. A practice is brought to agreement first: a script
/// must find the same company every time.
pub(super) async fn attend(
    house: &Arc<House>,
    seat: &Seat<'_>,
    keys: Keys,
    (practice, out): (Option<&mut JoinHandle<()>>, &mut Out),
) -> Result<Ended, AppError> {
    let operators = &house.connected.opened.instance.operators;
    let width = session::width();
    let mut visit = Visit {
        door: house.door(door::ourselves(&seat.claims, operators)),
        variables: seat.env.clone(),
        keys,
        // Nothing is painted.
        size: (width.unwrap_or(80), 24),
        look: Look::Lines,
        width,
        recorder: None,
    };
    if let Some(path) = seat.record {
        visit.recorder = Some(Recorder::new(path, console::begin(house, &visit), out)?);
    }
    let recorder = visit.recorder.clone();
    let panics = Panics::keep();
    seat.log.hold();
    let session = async {
        if let Some(practice) = practice {
            // One that failed shows on the screens.
            let _ = practice.await;
        }
        let ends = session::stdio()?;
        console::sit(house, visit, ends, &mut Away).await
    };
    let ended = tokio::select! {
        ended = session => ended,
        () = stopped()? => Ok(Ended::Terminated),
    };
    console::tell_afterwards(seat.log, recorder, panics, out);
    ended
}
