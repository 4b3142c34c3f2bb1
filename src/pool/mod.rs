//! Runs the engine against the outside: one owner task, workers for requests and for the
//! store's calls. Decides nothing.

#[cfg(debug_assertions)]
pub mod breaking;
mod journal;
mod owner;
mod worker;

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::domain::command::{Instruction, Told};
use crate::domain::setup::InForce;
use crate::domain::snapshot::{Hearing, Snapshot};
use crate::engine::Engine;
use crate::ports::{Automation, Clock, Salesforce, Store, StoreError};

pub use journal::Journal;

/// Commands that wait to be taken in. A person types slower than the owner takes one; a script that
/// fills this is told so at once.
const COMMANDS_MAX: usize = 64;

/// Facts that a slow watcher may miss before it is told how many it missed.
const FACTS_MAX: usize = 256;

/// Everything that is not ours.
#[derive(Clone)]
pub struct Outside {
    pub salesforce: Arc<dyn Salesforce>,
    pub automation: Arc<dyn Automation>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
}

/// A running pool.
pub struct Pool {
    pub commands: mpsc::Sender<Instruction>,
    /// The latest state; a slow reader skips versions.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What the sync works by now.
    pub setups: watch::Receiver<Arc<InForce>>,
    /// The latest requests and answers.
    pub journal: Arc<Journal>,
    /// Taken into every snapshot from then on.
    hearing: watch::Sender<Option<Hearing>>,
    facts: broadcast::Sender<Told>,
    stop: CancellationToken,
    owner: JoinHandle<Result<Snapshot, PoolError>>,
}

/// What a session holds of a running pool. It does not keep the pool alive.
#[derive(Clone)]
pub struct Handle {
    pub commands: mpsc::Sender<Instruction>,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub setups: watch::Receiver<Arc<InForce>>,
    pub journal: Arc<Journal>,
    hearing: watch::Sender<Option<Hearing>>,
    facts: broadcast::Sender<Told>,
}

impl Handle {
    /// Whoever receives webhooks tells how it goes.
    pub fn heard(&self, hearing: Hearing) {
        self.hearing.send_replace(Some(hearing));
    }

    /// What happens from now on.
    pub fn facts(&self) -> broadcast::Receiver<Told> {
        self.facts.subscribe()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("the sync stopped: {0}")]
    Store(#[from] StoreError),
    #[error("the sync stopped because of a fault in passerelle itself")]
    Owner(#[source] tokio::task::JoinError),
}

impl Pool {
    /// Starts the owner task on the current runtime.
    pub fn spawn(engine: Engine, outside: Outside) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let (publish, snapshots) = watch::channel(Arc::new(engine.snapshot()));
        let (publish_setup, setups) = watch::channel(engine.in_force());
        let (hearing, heard) = watch::channel(None);
        let (facts, _) = broadcast::channel(FACTS_MAX);
        let stop = CancellationToken::new();
        let journal = Arc::new(Journal::default());
        let publish = owner::Publish {
            snapshots: publish,
            setups: publish_setup,
            facts: facts.clone(),
            heard,
        };
        let owner = owner::Owner::new(engine, outside, publish, Arc::clone(&journal));
        let owner = tokio::spawn(owner.run(inbox, stop.clone()));
        Self {
            commands,
            snapshots,
            setups,
            journal,
            hearing,
            facts,
            stop,
            owner,
        }
    }

    /// What happens from now on.
    pub fn facts(&self) -> broadcast::Receiver<Told> {
        self.facts.subscribe()
    }

    pub fn handle(&self) -> Handle {
        Handle {
            commands: self.commands.clone(),
            snapshots: self.snapshots.clone(),
            setups: self.setups.clone(),
            journal: Arc::clone(&self.journal),
            hearing: self.hearing.clone(),
            facts: self.facts.clone(),
        }
    }

    /// Issue nothing new; what is under way ends and is made durable.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends when the owner has: after a stop, or on an error of the store.
    pub async fn ended(self) -> Result<Snapshot, PoolError> {
        self.owner.await.map_err(PoolError::Owner)?
    }
}
