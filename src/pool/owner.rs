//! The one task that owns the engine: turns outputs into work and what comes back into inputs.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::domain::command::{Instruction, Told};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::JobId;
#[cfg(debug_assertions)]
use crate::domain::operator::SessionId;
use crate::domain::request::Spent;
use crate::domain::setup::InForce;
use crate::domain::snapshot::{Hearing, Snapshot};
use crate::domain::time::Span;
use crate::engine::{Engine, Input, Output};
use crate::pool::{Journal, Outside, PoolError, worker};
use crate::ports::StoreError;

/// With nothing due, the owner looks at the clock at least so often.
const WAIT_MAX: Span = Span::hours(1);

/// Inputs taken in before the outputs are looked at again: one busy side must not starve the rest.
const DRAIN_MAX: usize = 64;

/// Where whoever watches looks.
pub(super) struct Publish {
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) setups: watch::Sender<Arc<InForce>>,
    pub(super) facts: broadcast::Sender<Told>,
    pub(super) heard: watch::Receiver<Option<Hearing>>,
}

impl Publish {
    fn state_of(&self, engine: &Engine) {
        self.snapshots.send_replace(Arc::new(Snapshot {
            hearing: *self.heard.borrow(),
            ..engine.snapshot()
        }));
        let now = engine.in_force();
        self.setups.send_if_modified(|known| {
            let is_new = !Arc::ptr_eq(known, &now);
            *known = now;
            is_new
        });
    }
}

pub(super) struct Owner {
    engine: Engine,
    outside: Outside,
    publish: Publish,
    journal: Arc<Journal>,
    /// Requests and store calls under way. The engine bounds how many there are.
    tasks: JoinSet<Result<Input, StoreError>>,
    /// Whose request a task carries; the store's has none.
    jobs: HashMap<Id, JobId>,
}

impl Owner {
    pub(super) fn new(
        engine: Engine,
        outside: Outside,
        publish: Publish,
        journal: Arc<Journal>,
    ) -> Self {
        Self {
            engine,
            outside,
            publish,
            journal,
            tasks: JoinSet::new(),
            jobs: HashMap::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Instruction>,
        stop: CancellationToken,
    ) -> Result<Snapshot, PoolError> {
        self.take_in(Input::Timeout);
        let mut heard = self.publish.heard.clone();
        let mut is_stopping = false;
        loop {
            self.send_out();
            self.publish.state_of(&self.engine);
            if self.engine.is_stopped() && self.tasks.is_empty() {
                return Ok(self.engine.snapshot());
            }
            let wait = self.wait();
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.take_ended(ended)?;
                }
                Some(instruction) = commands.recv(), if !is_stopping => {
                    #[cfg(debug_assertions)]
                    if instruction.session != SessionId::OURSELVES {
                        self.journal.breaks.instructed();
                    }
                    self.take_in(Input::Instructed(instruction));
                }
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.take_in(Input::Stop);
                }
                // Published at the top. Nobody can tell more once every handle is gone.
                Ok(()) = heard.changed() => {}
                () = wait => self.take_in(Input::Timeout),
            }
            for _ in 0..DRAIN_MAX {
                let Some(ended) = self.tasks.try_join_next_with_id() else {
                    break;
                };
                self.take_ended(ended)?;
            }
        }
    }

    fn wait(&self) -> futures_util::future::BoxFuture<'static, ()> {
        let now = self.outside.clock.now();
        let span = self
            .engine
            .poll_timeout()
            .map_or(WAIT_MAX, |due| due.since(now));
        self.outside.clock.sleep(span.clamp(Span(1), WAIT_MAX))
    }

    fn take_in(&mut self, input: Input) {
        let now = self.outside.clock.now();
        self.engine.handle(now, input);
    }

    fn take_ended(
        &mut self,
        ended: Result<(Id, Result<Input, StoreError>), JoinError>,
    ) -> Result<(), PoolError> {
        match ended {
            Ok((task, result)) => {
                self.jobs.remove(&task);
                self.take_in(result?);
            }
            // A panic in a worker is that request's failure and nobody else's.
            Err(error) => match self.jobs.remove(&error.id()) {
                Some(job) => {
                    let failure = Failure::new(FailureKind::Unknown, "PANIC", error.to_string());
                    self.take_in(Input::Failed {
                        job,
                        failure,
                        spent: Spent::default(),
                    });
                }
                None => return Err(PoolError::Owner(error)),
            },
        }
        Ok(())
    }

    fn send_out(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let store = Arc::clone(&self.outside.store);
            match output {
                Output::Request { job, request } => {
                    let outside = self.outside.clone();
                    let journal = Arc::clone(&self.journal);
                    let task = self.tasks.spawn(async move {
                        Ok(worker::perform(&outside, &journal, job, request).await)
                    });
                    self.jobs.insert(task.id(), job);
                }
                Output::Load { keys, with_sent } => {
                    self.tasks.spawn(async move {
                        Ok(Input::Loaded(store.load(keys, with_sent).await?))
                    });
                }
                Output::Page(page) => {
                    self.tasks
                        .spawn(async move { Ok(Input::Paged(store.links(page).await?)) });
                }
                Output::PageHeld { after, size_max } => {
                    self.tasks.spawn(async move {
                        Ok(Input::HeldPaged(
                            store.held_activities(after, size_max).await?,
                        ))
                    });
                }
                Output::Persist(batch) => {
                    self.tasks.spawn(async move {
                        store.commit(batch).await?;
                        Ok(Input::Persisted)
                    });
                }
                Output::Tell(told) => {
                    // Whoever hears it looks at the snapshot next, and must not see an older one.
                    self.publish.state_of(&self.engine);
                    // Nobody may be listening; the snapshot says it too.
                    drop(self.publish.facts.send(told));
                }
            }
        }
    }
}
