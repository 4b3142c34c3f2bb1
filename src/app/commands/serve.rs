//! `serve`: the store and the sync without a terminal, for as long as the machine runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::Place;
use crate::app::compose::Mode;
use crate::app::console;
use crate::app::error::{AppError, Status};
use crate::app::house::House;
use crate::app::log::Chronicle;
use crate::app::notify::Manager;
use crate::app::out::Out;
use crate::console::Ground;
use crate::pool::Pool;
use crate::session::Listener;

pub(super) async fn perform(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    // Listened for before anything is begun: a stop in the first second is a stop in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Whoever started us may leave; the work stays.
    let mut hang_up = signal(SignalKind::hangup())?;
    let manager = Manager::of(&place.env);
    let connected = place.connect().await?;
    console::check_compared(&connected)?;
    let clock = connected.outside.clock.clone();
    let serve = connected.opened.instance.serve.clone();
    let name = connected.opened.instance.name.clone();
    let listener = Listener::bind(&serve.socket, serve.group.as_deref()).map_err(|source| {
        AppError::Listen {
            socket: serve.socket.display().to_string(),
            source,
        }
    })?;
    let mut engine = connected.engine(Mode::default());
    engine.start_schedule(clock.now());
    let pool = Pool::spawn(engine, connected.outside.clone());
    let house = House::new(
        connected,
        pool.handle(),
        Ground::Real,
        place.file()?.clone(),
    );
    let chronicle = Chronicle::begin(
        &house.handle,
        house.connected.outside.store.clone(),
        house.present(),
    );
    let reception = tokio::spawn(Arc::clone(&house).receive(listener));
    let mut snapshots = pool.snapshots.clone();
    let mut beat = interval(manager.beat().unwrap_or(BEAT));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    manager.ready();
    out.note(&format!("serving {name} at {}", serve.socket.display()))?;
    loop {
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
    let stopped = console::stop(pool, &*clock, out).await;
    chronicle.end().await;
    stopped?;
    Ok(Status::Done)
}

/// Without a service manager nobody counts the beats.
const BEAT: Duration = Duration::from_secs(60);
