//! Runs a pool until its work is done, and shows how far it is.

mod served;

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use crate::app::compose::{Connected, Mode};
use crate::app::error::{AppError, Refused};
use crate::app::log::Chronicle;
use crate::app::out::Out;
use crate::domain::command::{BySide, Command, Fact, Instruction, Scope};
use crate::domain::ids::Side;
use crate::domain::snapshot::{Phase, Snapshot};
use crate::pool::{Handle, Pool};
use crate::ports::Store as _;

/// A run that still writes after so many rounds is going in circles: better to stop and say so.
const ROUNDS_MAX: u32 = 10;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub snapshot: Snapshot,
    /// A signal asked us to stop before the end.
    pub is_interrupted: bool,
    pub is_circling: bool,
}

/// What the run is to do.
#[derive(Debug, Clone)]
pub enum Goal {
    /// Cycle after cycle, until one writes nothing.
    UntilIdle,
    Once(Scope),
    /// Carry a command out, and whatever follows from it.
    Command(Box<Instruction>),
    /// Look at records, and do whatever follows from it.
    Look(Box<Instruction>),
}

/// Starts a pool, lets it reach the goal, stops it. Where a process serves the instance already, its
/// own pool is given the goal.
pub async fn run(
    connected: &Connected,
    mode: Mode,
    goal: Goal,
    out: &mut Out,
) -> Result<Ended, AppError> {
    if let Some(served) = &connected.opened.served {
        return served::run(served, mode, &goal, out).await;
    }
    let recovered = connected.opened.store.recover().await?;
    let pool = Pool::spawn(connected.engine(mode, recovered), connected.outside.clone());
    let outside = &connected.outside;
    let told_to = (outside.store.clone(), Arc::clone(&outside.clock));
    let chronicle = Chronicle::of_one(&pool.handle(), told_to);
    let watched = watch(&pool.handle(), &goal, out).await;
    pool.stop();
    let ended = pool.ended().await;
    chronicle.end().await;
    let snapshot = ended?;
    let (is_interrupted, is_circling) = watched?;
    Ok(Ended {
        snapshot,
        is_interrupted,
        is_circling,
    })
}

async fn watch(pool: &Handle, goal: &Goal, out: &mut Out) -> Result<(bool, bool), AppError> {
    let mut facts = pool.facts();
    let mut snapshots = pool.snapshots.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut shown = Shown::new(out);
    let first = match goal {
        Goal::UntilIdle => cycle(Scope::ALL),
        Goal::Once(scope) => cycle(*scope),
        Goal::Command(instruction) | Goal::Look(instruction) => (**instruction).clone(),
    };
    let mut is_accepted = !matches!(goal, Goal::Command(_));
    send(pool, first).await;
    let mut rounds = 1;
    let mut written = BySide::default();
    loop {
        tokio::select! {
            told = facts.recv() => match told.map(|told| told.fact) {
                Ok(Fact::CycleEnded) => {
                    let totals = pool.snapshots.borrow().totals.written.clone();
                    let is_done = !matches!(goal, Goal::UntilIdle) || totals == written;
                    if is_accepted && (is_done || rounds == ROUNDS_MAX) {
                        return Ok((false, !is_done));
                    }
                    if is_accepted {
                        written = totals;
                        rounds += 1;
                        send(pool, cycle(Scope::ALL)).await;
                    }
                }
                Ok(Fact::Accepted(_) | Fact::AcceptedInPart { .. }) => {
                    is_accepted = true;
                    // Some commands have no cycle for a consequence.
                    if pool.snapshots.borrow().is_idle {
                        return Ok((false, false));
                    }
                }
                Ok(Fact::Refused(refusal)) => {
                    return Err(AppError::Refused(Refused::from(refusal)));
                }
                Ok(fact) => shown.tell(out, &fact)?,
                Err(RecvError::Lagged(missed)) => {
                    out.note(&format!("{missed} messages not shown"))?;
                }
                // The owner ended by itself: its error is told by whoever awaits it.
                Err(RecvError::Closed) => return Ok((false, false)),
            },
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok((false, false));
                }
                let snapshot = snapshots.borrow_and_update().clone();
                shown.show(out, &snapshot)?;
                if is_accepted && snapshot.is_idle && matches!(goal, Goal::Command(_)) {
                    return Ok((false, false));
                }
            }
            _ = terminate.recv() => return Ok((true, false)),
            _ = interrupt.recv() => return Ok((true, false)),
        }
    }
}

fn cycle(scope: Scope) -> Instruction {
    Instruction::ourselves(Command::RunCycle(scope))
}

async fn send(pool: &Handle, instruction: Instruction) {
    // A closed channel means that the owner ended: its error is told where it is awaited.
    drop(pool.commands.send(instruction).await);
}

/// How far the work is: a bar on a terminal, a line for each phase elsewhere. Gone when it is dropped.
struct Shown {
    bar: ProgressBar,
    phase: Phase,
    backlog: u64,
}

impl Shown {
    fn new(out: &Out) -> Self {
        Self {
            bar: progress(out),
            phase: Phase::Idle,
            backlog: 0,
        }
    }

    fn show(&mut self, out: &mut Out, snapshot: &Snapshot) -> Result<(), AppError> {
        show(&self.bar, &mut self.backlog, snapshot);
        if snapshot.phase != self.phase && !snapshot.is_idle {
            self.phase = snapshot.phase;
            out.progress(&line(snapshot))?;
        }
        Ok(())
    }

    fn tell(&self, out: &mut Out, fact: &Fact) -> Result<(), AppError> {
        tell(&self.bar, out, fact)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn progress(out: &Out) -> ProgressBar {
    if !out.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1);
    bar.set_style(
        ProgressStyle::with_template("{spinner} {elapsed} {bar:12} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// How much of what was found to write has left: full once nothing waits. While reading, nobody knows
/// how much will be found, and the bar grows longer as more is.
fn show(bar: &ProgressBar, backlog: &mut u64, snapshot: &Snapshot) {
    let written = &snapshot.totals.written;
    let done = written.sum(Side::Salesforce) + written.sum(Side::Automation);
    let queued: u64 = snapshot.queued.values().sum::<u64>() + snapshot.waiting;
    *backlog = (*backlog).max(done + queued);
    bar.set_length((*backlog).max(1));
    bar.set_position(done);
    bar.set_message(line(snapshot));
}

/// One line: what is being done, what was read and written so far (Salesforce + Automation), what
/// waits. Fits 80 columns with the numbers of a million people.
fn line(snapshot: &Snapshot) -> String {
    let totals = &snapshot.totals;
    let sum = |by: &BySide| {
        format!(
            "{} + {}",
            by.sum(Side::Salesforce),
            by.sum(Side::Automation)
        )
    };
    let waiting: u64 = snapshot.queued.values().sum::<u64>() + snapshot.waiting;
    let (read, wrote) = (sum(&totals.read), sum(&totals.written));
    format!(
        "{}: read {read}, wrote {wrote}, {waiting} waiting",
        snapshot.phase.name()
    )
}

fn tell(bar: &ProgressBar, out: &mut Out, fact: &Fact) -> Result<(), AppError> {
    let words = match fact {
        Fact::SideWaits {
            side,
            until,
            failure,
        } => {
            format!("{side} is left alone until {until}: {failure}")
        }
        Fact::SideStopped { side, failure } => format!("{side} stopped: {failure}"),
        Fact::BrakePulled {
            overwrites,
            deletions,
        } => format!(
            "stopped before overwriting very many records ({overwrites} overwrites, {deletions} \
             deletions in this round); look at them, then go on with --release-brake"
        ),
        Fact::PlanFinished(plan) => format!(
            "plan {} is finished: {} activities sent, {} were there already, {} held",
            plan.run, plan.sent, plan.already_there, plan.held
        ),
        Fact::CycleStarted
        | Fact::CycleEnded
        | Fact::Accepted(_)
        | Fact::AcceptedInPart { .. }
        | Fact::Refused(_)
        | Fact::Surveyed(_)
        | Fact::SurveyFailed => return Ok(()),
    };
    bar.suspend(|| out.note(&words))?;
    Ok(())
}
