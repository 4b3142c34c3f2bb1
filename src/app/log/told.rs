//! What the sync tells, as lines of the log: one listener for each pool. People are named by the number
//! of their link, and what a system said by its code alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::TOLD;
use crate::app::error::AppError;
use crate::domain::command::{BySide, Fact, Refusal, Told, Totals};
use crate::domain::failure::Failure;
use crate::domain::ids::{LinkId, RunId, Side};
use crate::domain::operator::{Present, SessionId};
use crate::domain::record::Act;
use crate::domain::snapshot::{Phase, Snapshot};
use crate::domain::time::{Span, Timestamp};
use crate::pool::Handle;
use crate::ports::{Clock, Store};

/// Acts looked through for the one that is told of: no more facts than so many wait for a listener.
const ACTS_MAX: usize = 256;

/// Cycles that follow sooner are summed up in the next line: each hint may begin one, and a flood of them
/// would leave nothing else in the log.
const TOLD_EVERY: Span = Span::minutes(1);

/// Whoever leaves waits no longer for what was told last.
const LEAVING_MAX: Duration = Duration::from_secs(2);

/// A listener under way.
pub(in crate::app) struct Chronicle {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

type Roster = watch::Receiver<Arc<Vec<Present>>>;

struct Listener {
    store: Arc<dyn Store>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    phase: Phase,
    /// When the cycle under way began, or the first one that was not told of.
    before: Totals,
    clock: Arc<dyn Clock>,
    /// When the last cycle was told of.
    told_at: Option<Timestamp>,
    /// Cycles that ended since, as many small ones do when much is hinted at.
    untold: u64,
    /// The cycle under way is one of them.
    is_quiet: bool,
    present: BTreeMap<SessionId, Present>,
}

impl Chronicle {
    /// Listens to a pool, and to who comes and goes.
    pub(in crate::app) fn begin(
        handle: &Handle,
        (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
        roster: Roster,
    ) -> Self {
        let stop = CancellationToken::new();
        let listener = Listener {
            store,
            snapshots: handle.snapshots.clone(),
            phase: Phase::Idle,
            before: handle.snapshots.borrow().totals.clone(),
            clock,
            told_at: None,
            untold: 0,
            is_quiet: false,
            present: BTreeMap::new(),
        };
        let task = tokio::spawn(listener.listen(handle.facts(), roster, stop.clone()));
        Self { stop, task }
    }

    /// The same, where nobody comes.
    pub(in crate::app) fn of_one(
        handle: &Handle,
        (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
    ) -> Self {
        Self::begin(handle, (store, clock), watch::channel(Arc::default()).1)
    }

    /// After the pool's end: what it told last is logged too.
    pub(in crate::app) async fn end(self) {
        self.stop.cancel();
        // A fault of the listener was logged by whoever logs panics; a store that does not answer it
        // keeps nobody from leaving.
        let _ = tokio::time::timeout(LEAVING_MAX, self.task).await;
    }
}

impl Listener {
    async fn listen(
        mut self,
        mut facts: broadcast::Receiver<Told>,
        mut roster: Roster,
        stop: CancellationToken,
    ) {
        let mut somebody_may_come = true;
        let mut steps = self.snapshots.clone();
        let mut sync_runs = true;
        loop {
            tokio::select! {
                biased;
                told = facts.recv() => match told {
                    Ok(told) => self.told(told).await,
                    Err(RecvError::Lagged(missed)) => missed_some(missed),
                    Err(RecvError::Closed) => return,
                },
                changed = roster.changed(), if somebody_may_come => {
                    somebody_may_come = changed.is_ok();
                    let present = roster.borrow_and_update().clone();
                    self.came_and_went(&present);
                }
                changed = steps.changed(), if sync_runs => {
                    sync_runs = changed.is_ok();
                    let phase = steps.borrow_and_update().phase;
                    self.stepped(phase);
                }
                () = stop.cancelled() => break,
            }
        }
        loop {
            match facts.try_recv() {
                Ok(told) => self.told(told).await,
                Err(TryRecvError::Lagged(missed)) => missed_some(missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.tell_of_cycles();
    }

    fn stepped(&mut self, phase: Phase) {
        if phase != self.phase {
            self.phase = phase;
            tracing::debug!(target: TOLD, phase = phase.name(), "the sync goes on");
        }
    }

    async fn told(&mut self, told: Told) {
        match told.fact {
            Fact::CycleStarted => {
                let now = self.clock.now();
                self.is_quiet = self.told_at.is_some_and(|at| now.since(at) < TOLD_EVERY);
                if self.is_quiet {
                    tracing::debug!(target: TOLD, "cycle started");
                } else {
                    self.tell_of_cycles();
                    self.told_at = Some(now);
                    self.before = self.snapshots.borrow().totals.clone();
                    tracing::info!(target: TOLD, "cycle started");
                }
            }
            Fact::CycleEnded => {
                self.untold += 1;
                if !self.is_quiet {
                    self.tell_of_cycles();
                }
            }
            Fact::Accepted(run) => {
                let session = told.to.unwrap_or(SessionId::OURSELVES);
                self.name_accepted(run, session).await;
            }
            Fact::AcceptedInPart {
                run,
                refused: parts,
            } => {
                let session = told.to.unwrap_or(SessionId::OURSELVES);
                self.name_accepted(run, session).await;
                for (_, refusal) in &parts {
                    refused(refusal, told.to);
                }
            }
            Fact::Refused(refusal) => refused(&refusal, told.to),
            Fact::SideStopped { side, failure } => {
                let (kind, code) = of(&failure);
                let side = side.to_string();
                tracing::warn!(target: TOLD, side, kind, code, "a side stopped");
            }
            Fact::SideWaits {
                side,
                until,
                failure,
            } => {
                let (kind, code) = of(&failure);
                let (side, until) = (side.to_string(), until.to_string());
                tracing::warn!(target: TOLD, side, until, kind, code, "a side waits");
            }
            Fact::BrakePulled {
                overwrites,
                deletions,
            } => tracing::warn!(target: TOLD, overwrites, deletions, "the brake stopped the sync"),
            Fact::PlanFinished(plan) => {
                let (examined, sent, there) = (plan.examined, plan.sent, plan.already_there);
                let (run, held) = (plan.run.0, plan.held);
                tracing::info!(
                    target: TOLD, run, examined, sent, already_there = there, held, "plan finished"
                );
            }
            Fact::Surveyed(survey) => {
                let (examined, to_send) = (survey.examined, survey.to_send);
                tracing::info!(target: TOLD, examined, to_send, "a plan was counted");
            }
            Fact::SurveyFailed => tracing::warn!(target: TOLD, "a plan could not be counted"),
        }
    }

    /// What was done since cycles were told of: by one, or by all that were too many for a line each.
    fn tell_of_cycles(&mut self) {
        let cycles = std::mem::take(&mut self.untold);
        if cycles == 0 {
            return;
        }
        let snapshot = self.snapshots.borrow().clone();
        let done = snapshot.totals.since(&self.before);
        let sums = |by: &BySide| Side::BOTH.map(|side| by.sum(side));
        let ([salesforce_read, automation_read], [salesforce_written, automation_written]) =
            (sums(&done.read), sums(&done.written));
        let [salesforce_calls, automation_calls] = sums(&done.calls);
        let ignored: u64 = done.ignored.values().sum();
        let queued: u64 = snapshot.queued.values().sum();
        tracing::info!(
            target: TOLD,
            cycles,
            salesforce_read,
            automation_read,
            salesforce_written,
            automation_written,
            salesforce_calls,
            automation_calls,
            unchanged = done.unchanged,
            ignored,
            queued,
            "cycle ended"
        );
        self.before = snapshot.totals.clone();
    }

    /// Who did what is in the store by now.
    async fn name_accepted(&self, run: RunId, session: SessionId) {
        // A store that cannot be read says so itself.
        let acts = self.store.acts(ACTS_MAX).await.unwrap_or_default();
        if let Some(act) = acts.iter().find(|act| act.run == run) {
            accepted(act, session);
        } else {
            // A dry run keeps nothing.
            let (run, session) = (run.0, session.0);
            tracing::warn!(target: TOLD, run, session, "command accepted, and not kept");
        }
    }

    fn came_and_went(&mut self, now: &[Present]) {
        for came in now {
            if self.present.contains_key(&came.session) {
                continue;
            }
            tracing::info!(
                target: TOLD,
                session = came.session.0,
                operator = came.operator.name,
                from = came.operator.from,
                role = came.role.name(),
                "a console was opened"
            );
            self.present.insert(came.session, came.clone());
        }
        self.present.retain(|session, who| {
            let is_here = now.iter().any(|present| present.session == *session);
            if !is_here {
                let (session, operator) = (session.0, who.operator.name.as_str());
                tracing::info!(target: TOLD, session, operator, "a console was closed");
            }
            is_here
        });
    }
}

fn accepted(act: &Act, session: SessionId) {
    let (run, session) = (act.run.0, session.0);
    let link = act.link().map(|link| link.0);
    let is_told = link.is_none() && !act.is_naming();
    let object = is_told.then_some(act.object.as_str());
    let (operator, act) = (act.operator.as_str(), act.act.as_str());
    // A field without a value is not written.
    tracing::info!(target: TOLD, run, session, operator, act, link, object, "command accepted");
}

fn missed_some(facts: u64) {
    tracing::warn!(target: TOLD, facts, "so much happened that some of it is not in the log");
}

fn of(failure: &Failure) -> (&'static str, &str) {
    (failure.kind.name(), failure.plain_code())
}

fn refused(refusal: &Refusal, to: Option<SessionId>) {
    let session = to.unwrap_or(SessionId::OURSELVES).0;
    let (why, about): (_, Option<LinkId>) = match *refusal {
        Refusal::OlderGeneration { link, .. } => ("it changed since it was looked at", Some(link)),
        Refusal::NoSuchLink(link) => ("there is no such link", Some(link)),
        Refusal::NoSuchConflict(link) => ("there is no such conflict", Some(link)),
        Refusal::ChoiceDoesNotFit(link) => ("the choice does not fit", Some(link)),
        Refusal::NoBrake => ("the brake does not hold anything", None),
        Refusal::NothingToUndo => ("there is nothing to undo", None),
        Refusal::NoSuchPlan(_) => ("the plan ended meanwhile", None),
        Refusal::OptOutStays(link) => ("an opt-out is on its way", Some(link)),
        Refusal::OtherWrite(link) => ("the write is another one by now", Some(link)),
        Refusal::AddressTaken { link, .. } => ("the address is taken", Some(link)),
        Refusal::OlderConfiguration { .. } => ("the configuration changed meanwhile", None),
        Refusal::Objected(_) => ("the configuration cannot be saved like this", None),
        Refusal::NothingChanges => ("it is in force already", None),
    };
    let link = about.map(|link| link.0);
    // A field without a value is not written.
    tracing::info!(target: TOLD, session, link, why, "command refused");
}

/// The end of a process that failed: its words only where no system's are among them.
pub(super) fn failed(error: &AppError) {
    let status = error.status() as u8;
    match error {
        AppError::Connect { side, error } => {
            let (kind, code) = of(&error.failure);
            let side = side.to_string();
            tracing::error!(target: TOLD, status, side, kind, code, "a side could not be reached");
        }
        AppError::Store(_) | AppError::Pool(_) => {
            let mut why = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                why = format!("{why}: {cause}");
                source = cause.source();
            }
            tracing::error!(target: TOLD, status, why, "the store or the sync failed");
        }
        _ => tracing::warn!(target: TOLD, status, "process stopped with an error"),
    }
}
