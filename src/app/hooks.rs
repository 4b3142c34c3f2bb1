//! Automation's webhooks, received: whoever does something there is looked at within seconds. What a call
//! says is a hint whom to look at, and nothing else of it is believed; whatever is lost on the way is
//! found by reading changes, as it is without webhooks.

mod hints;
mod listen;
mod registered;
mod registrar;
mod secret;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::app::error::AppError;
use crate::app::house::House;
use crate::app::log::TOLD;
use crate::domain::command::{Command, Instruction};
use crate::domain::snapshot::Hearing;
use crate::domain::time::Span;
use crate::ports::Clock;

use hints::Hints;
pub(super) use registered::{ordered, told};
pub(super) use registrar::Registrar;
use secret::Whereabouts;

/// How long hints gather after the first one: a form that is submitted makes several calls.
const GATHERED: Span = Span::seconds(2);

/// What the connections and the one who gathers share. Held for moments, never over an await.
pub(super) struct Ear {
    hints: Mutex<Hints>,
    /// Something is there to be told.
    heard: Notify,
    /// So much that it does not wait.
    full: Notify,
    clock: Arc<dyn Clock>,
}

impl Ear {
    fn with<T>(&self, act: impl FnOnce(&mut Hints) -> T) -> T {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut hints)
    }
}

/// Begins to receive, if the instance file says where. Ends with the house.
pub(super) async fn begin(house: &Arc<House>) -> Result<Option<JoinHandle<()>>, AppError> {
    let Some(registrar) = house.connected.registrar.clone() else {
        return Ok(None);
    };
    if registrar.whereabouts().await? == Whereabouts::Nowhere {
        tracing::warn!(
            target: TOLD,
            "webhook calls are refused until there is a secret that signs them; run: passerelle webhook \
             register"
        );
    }
    let webhook = &registrar.webhook;
    let listener = TcpListener::bind(webhook.listen)
        .await
        .map_err(|source| AppError::Receive {
            address: webhook.listen,
            source,
        })?;
    if !webhook.listen.ip().is_loopback() {
        let address = webhook.listen.to_string();
        tracing::warn!(
            target: TOLD, address, "webhooks are received from other machines, and not by TLS of ours"
        );
    }
    Ok(Some(tokio::spawn(receive(
        Arc::clone(house),
        listener,
        registrar,
    ))))
}

async fn receive(house: Arc<House>, listener: TcpListener, registrar: Arc<Registrar>) {
    let clock = Arc::clone(&house.connected.outside.clock);
    let ear = Arc::new(Ear {
        hints: Mutex::new(Hints::new(clock.now())),
        heard: Notify::new(),
        full: Notify::new(),
        clock,
    });
    let address = registrar.webhook.listen.to_string();
    tracing::info!(target: TOLD, address, "webhooks are received");
    house.handle.heard(Hearing::default());
    let serving = listen::serve(Arc::clone(&ear), listener, registrar, house.closing.clone());
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::error!(target: TOLD, kind = ?error.kind(), "webhooks are received no more");
        },
        () = gather(&ear, &house) => {}
        () = house.closing.cancelled() => {}
    }
}

/// Passes on what was heard, in turns.
async fn gather(ear: &Ear, house: &House) {
    let mut before = Hearing::default();
    loop {
        ear.heard.notified().await;
        tokio::select! {
            () = ear.clock.sleep(GATHERED) => {}
            () = ear.full.notified() => {}
        }
        let published = house.handle.snapshots.borrow().published;
        let (commands, hearing) = ear.with(|hints| (hints.take(published), hints.hearing));
        house.handle.heard(hearing);
        tell(&before, &hearing);
        before = hearing;
        for command in commands {
            if pass_on(house, command).await.is_none() {
                // The sync ended: nobody looks any more.
                return;
            }
        }
    }
}

async fn pass_on(house: &House, command: Command) -> Option<()> {
    let instruction = Instruction::ourselves(command);
    house.handle.commands.send(instruction).await.ok()
}

/// A line for the log of every turn; what is wrong is said louder.
fn tell(before: &Hearing, now: &Hearing) {
    let (received, looked_at) = (
        now.received - before.received,
        now.looked_at - before.looked_at,
    );
    let refused = now.refused - before.refused;
    let unreadable = now.unreadable - before.unreadable;
    let dropped = now.dropped - before.dropped;
    if refused + unreadable + dropped > 0 {
        tracing::warn!(
            target: TOLD, received, looked_at, refused, unreadable, dropped,
            "webhook calls were refused or left to the next reading"
        );
    } else {
        tracing::debug!(target: TOLD, received, looked_at, "webhook calls were received");
    }
}
