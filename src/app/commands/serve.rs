//! `serve`: the store and the sync without a terminal, for as long as the machine runs.

use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::Place;
use crate::adapters::SystemClock;
use crate::app::args::Serve;
use crate::app::compose::Connected;
use crate::app::console;
use crate::app::error::{AppError, Status};
use crate::app::hooks;
use crate::app::house::House;
use crate::app::notify::Manager;
use crate::app::out::Out;
use crate::console::Ground;
use crate::domain::time::Span;
use crate::ports::{Clock, StoreError};
use crate::session::Listener;

/// Between two looks at whether another process is there yet, and how often.
const LOOK: Span = Span(100);
const LOOKS_MAX: u32 = 100;

pub(super) async fn perform(
    place: &Place,
    asked: &Serve,
    out: &mut Out,
) -> Result<Status, AppError> {
    if asked.detach {
        // Refused only to the leader of a group, which a shell in the foreground makes of us: then the
        // terminal's end is heard below and changes nothing either.
        let _ = nix::unistd::setsid();
    }
    // Listened for before anything is begun: a stop in the first second is a stop in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Whoever started us may leave; the work stays.
    let mut hang_up = signal(SignalKind::hangup())?;
    let manager = Manager::of(&place.env);
    let connected = if asked.detach {
        patiently(place).await?
    } else {
        place.connect().await?
    };
    console::check_compared(&connected)?;
    connected.opened.vault.ask_ahead().await?;
    let clock = connected.outside.clock.clone();
    let serve = connected.opened.instance.serve.clone();
    let name = connected.opened.instance.name.clone();
    let listener = Listener::bind(&serve.socket, serve.group.as_deref()).map_err(|source| {
        AppError::Listen {
            socket: serve.socket.display().to_string(),
            source,
        }
    })?;
    let file = place.file()?.clone();
    let (house, pool, chronicle) = House::open(connected, Ground::Real, file);
    let reception = tokio::spawn(Arc::clone(&house).receive(listener));
    let receiver = hooks::begin(&house).await;
    let mut snapshots = pool.snapshots.clone();
    let mut beat = interval(manager.beat().unwrap_or(BEAT));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if receiver.is_ok() {
        manager.ready();
        out.note(&format!("serving {name} at {}", serve.socket.display()))?;
    }
    while receiver.is_ok() {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {}
            // The pool ended by itself: its error is told below, and ends us.
            changed = snapshots.changed() => if changed.is_err() { break },
            _ = beat.tick() => manager.alive(),
        }
    }
    manager.stopping();
    house.closing.cancel();
    // Whoever is there is told; a fault there changes nothing here.
    let _ = reception.await;
    let ended = match receiver {
        Ok(Some(receiver)) => receiver.await.map_err(|_| AppError::Console),
        Ok(None) => Ok(()),
        // Nothing was waited for: whoever asked for webhooks is to know that none would come.
        Err(error) => Err(error),
    };
    let stopped = console::stop(pool, &*clock, out).await;
    chronicle.end().await;
    stopped?;
    ended.map(|()| Status::Done)
}

/// Whoever left us the work has the store for another moment.
async fn patiently(place: &Place) -> Result<Connected, AppError> {
    for _ in 0..LOOKS_MAX {
        match place.connect().await {
            Err(AppError::Store(StoreError::Held { .. })) => SystemClock.sleep(LOOK).await,
            connected => return connected,
        }
    }
    place.connect().await
}

/// A console that owned the sync was left while something was going on. Nothing goes on unasked, and
/// nobody is waited for who asked this process to end.
pub(super) async fn offer(
    place: &Place,
    clock: &dyn Clock,
    stopped: impl Future<Output = ()>,
    out: &mut Out,
) -> Result<(), AppError> {
    let mut stopped = pin!(stopped);
    out.note("the sync stopped with this console. Leave it running in the background? [y/N]")?;
    let answer = tokio::select! {
        // No line is no.
        answer = place.asker.line("") => answer.map_err(AppError::Unanswered)?.unwrap_or_default(),
        () = &mut stopped => String::new(),
    };
    let answer = answer.trim().to_lowercase();
    if !matches!(answer.as_str(), "y" | "yes" | "o" | "oui") {
        out.note("stopped; the next start goes on")?;
        return Ok(());
    }
    let mut child = std::process::Command::new(std::env::current_exe()?)
        .args(["serve", "--detach", "--config"])
        .arg(place.file()?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    for _ in 0..LOOKS_MAX {
        if place.knock().await?.is_some() {
            out.note(&format!(
                "it goes on as process {}; look at it with: passerelle; stop it with: kill {}",
                child.id(),
                child.id()
            ))?;
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(AppError::Usage(format!(
                "it did not start ({status}); see why with: passerelle serve"
            )));
        }
        tokio::select! {
            () = clock.sleep(LOOK) => {}
            () = &mut stopped => {
                out.note(&format!("it starts as process {}, unseen from here", child.id()))?;
                return Ok(());
            }
        }
    }
    Err(AppError::Silent)
}

/// Without a service manager nobody counts the beats.
const BEAT: Duration = Duration::from_secs(60);
