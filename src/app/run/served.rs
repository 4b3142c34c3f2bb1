//! A goal for the pool of the process that serves the instance. It has other work too, so it is done
//! when the command was taken in and nothing is left to do.

use tokio::sync::broadcast::error::RecvError;

use super::{Ended, Goal, ROUNDS_MAX, Shown};
use crate::app::compose::Mode;
use crate::app::error::{AppError, Refused};
use crate::app::house::Served;
use crate::app::out::Out;
use crate::domain::command::{Command, Fact, Instruction, Scope, Survey, Totals};
use crate::domain::ids::Side;
use crate::domain::snapshot::Snapshot;
use crate::engine::{Brake, Writes};

pub(super) async fn run(
    served: &Served,
    mode: Mode,
    goal: &Goal,
    out: &mut Out,
) -> Result<Ended, AppError> {
    let (before, writes) = {
        let snapshot = served.house.handle.snapshots.borrow();
        (snapshot.totals.clone(), snapshot.queued.values().sum())
    };
    if mode.writes == Writes::Count {
        return count(served, goal, before, out).await;
    }
    if mode.brake == Brake::Released {
        carry_out(served, ask(served, Command::ReleaseBrake { writes })?, out).await?;
    }
    let mut rounds = 0;
    let mut is_circling = false;
    match goal {
        Goal::Command(instruction) => carry_out(served, (**instruction).clone(), out).await?,
        Goal::Look(instruction) => begin(served, (**instruction).clone(), out).await?,
        Goal::Once(scope) => cycle(served, *scope, out).await?,
        Goal::UntilIdle => {
            let written = || {
                served
                    .house
                    .handle
                    .snapshots
                    .borrow()
                    .totals
                    .written
                    .clone()
            };
            loop {
                let former = written();
                cycle(served, Scope::ALL, out).await?;
                rounds += 1;
                if written() == former {
                    break;
                }
                if rounds == ROUNDS_MAX {
                    is_circling = true;
                    break;
                }
            }
        }
    }
    let mut snapshot = Snapshot::clone(&served.house.handle.snapshots.borrow());
    snapshot.totals = snapshot.totals.since(&before);
    Ok(Ended {
        snapshot,
        is_interrupted: false,
        is_circling,
    })
}

fn ask(served: &Served, command: Command) -> Result<Instruction, AppError> {
    served
        .door
        .instruction("", command)
        .map_err(|needed| AppError::Denied {
            role: served.door.visitor.role,
            needed,
        })
}

/// What a backfill would send can be counted beside the running sync; everything else cannot: it would
/// read and compare into the same store.
async fn count(
    served: &Served,
    goal: &Goal,
    before: Totals,
    out: &mut Out,
) -> Result<Ended, AppError> {
    let command = match goal {
        Goal::Command(instruction) | Goal::Look(instruction) => &instruction.command,
        Goal::UntilIdle | Goal::Once(_) => {
            return Err(AppError::Usage(
                "this instance is being served, and what a sync would write is written as it is found; \
                 stop the serving process for a dry run"
                    .to_owned(),
            ));
        }
    };
    let Command::Backfill { kind, from, until } = *command else {
        return Err(AppError::Usage("there is nothing to count here".to_owned()));
    };
    let survey = survey(served, Command::Survey { kind, from, until }, out).await?;
    let mut snapshot = Snapshot::clone(&served.house.handle.snapshots.borrow());
    let calls = snapshot.totals.since(&before).calls;
    let mut totals = Totals {
        calls,
        ..Totals::default()
    };
    totals
        .read
        .add(Side::Automation, "activity", survey.examined);
    totals
        .would_write
        .add(Side::Salesforce, "activity", survey.to_send);
    snapshot.totals = totals;
    Ok(Ended {
        snapshot,
        is_interrupted: false,
        is_circling: false,
    })
}

async fn survey(served: &Served, command: Command, out: &mut Out) -> Result<Survey, AppError> {
    let mut facts = served.house.handle.facts();
    send(served, ask(served, command)?).await?;
    loop {
        match next(served, &mut facts, out).await? {
            Fact::Surveyed(survey) => return Ok(survey),
            Fact::SurveyFailed => {
                return Err(AppError::Usage(
                    "counting was broken off; see what stopped with: passerelle status".to_owned(),
                ));
            }
            _ => {}
        }
    }
}

/// A command that is refused or taken in, and then whatever follows from it.
async fn carry_out(
    served: &Served,
    instruction: Instruction,
    out: &mut Out,
) -> Result<(), AppError> {
    let mut facts = served.house.handle.facts();
    send(served, instruction).await?;
    loop {
        match next(served, &mut facts, out).await? {
            Fact::Refused(refusal) => return Err(AppError::Refused(Refused::from(refusal))),
            Fact::Accepted(_) | Fact::AcceptedInPart { .. } => break,
            _ => {}
        }
    }
    rest(served, out).await
}

/// A cycle of our own: one that runs already ends first, and is not it.
async fn cycle(served: &Served, scope: Scope, out: &mut Out) -> Result<(), AppError> {
    begin(served, ask(served, Command::RunCycle(scope))?, out).await
}

async fn begin(served: &Served, instruction: Instruction, out: &mut Out) -> Result<(), AppError> {
    let mut facts = served.house.handle.facts();
    send(served, instruction).await?;
    while next(served, &mut facts, out).await? != Fact::CycleStarted {}
    rest(served, out).await
}

/// Until nothing is left to do.
async fn rest(served: &Served, out: &mut Out) -> Result<(), AppError> {
    let mut snapshots = served.house.handle.snapshots.clone();
    let mut shown = Shown::new(out);
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        shown.show(out, &snapshot)?;
        if snapshot.is_idle {
            return Ok(());
        }
        snapshots.changed().await.map_err(|_| stopped())?;
    }
}

async fn send(served: &Served, instruction: Instruction) -> Result<(), AppError> {
    let sent = served.house.handle.commands.send(instruction).await;
    sent.map_err(|_| stopped())
}

/// What happens next that is for us; what is worth a word is said.
async fn next(
    served: &Served,
    facts: &mut tokio::sync::broadcast::Receiver<crate::domain::command::Told>,
    out: &mut Out,
) -> Result<Fact, AppError> {
    loop {
        match facts.recv().await {
            Ok(told) if told.is_for(served.door.session) => {
                Shown::new(out).tell(out, &told.fact)?;
                return Ok(told.fact);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => out.note(&format!("{missed} messages not shown"))?,
            Err(RecvError::Closed) => return Err(stopped()),
        }
    }
}

fn stopped() -> AppError {
    AppError::Usage("the sync of the serving process has stopped; see its log".to_owned())
}
