//! Puts on record what the process does itself, outside the sync, before it is done: what nobody answers
//! for is not done.

use tokio::sync::broadcast::error::RecvError;

use crate::app::compose::Opened;
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::app::log::TOLD;
use crate::domain::command::{Command, Fact};
use crate::domain::ids::RunId;
use crate::domain::operator::Operator;
use crate::domain::record::{Act, Batch, Change};
use crate::domain::remedy::Remedy;
use crate::pool::Handle;
use crate::ports::{Store, StoreError};

/// Acts looked through for one that was just made.
const ACTS_MAX: usize = 200;

/// An act as it will stand in the audit.
pub(in crate::app) struct Entry<'a> {
    pub(in crate::app) command: Command,
    pub(in crate::app) act: &'static str,
    pub(in crate::app) object: String,
    pub(in crate::app) reason: &'a str,
}

impl<'a> Entry<'a> {
    /// Anything else that no wish of its own is for.
    pub(in crate::app) fn of(act: &'static str, object: String, reason: &'a str) -> Self {
        Self {
            command: Command::Enter {
                act,
                object: object.clone(),
            },
            act,
            object,
            reason,
        }
    }

    /// What is about to be made in one of the two systems.
    pub(in crate::app) fn mend(remedy: &Remedy, reason: &'a str) -> Self {
        Self {
            command: Command::Mend(remedy.clone()),
            act: "mend",
            object: remedy.name().to_owned(),
            reason,
        }
    }
}

/// By the sync that runs, where one runs: it numbers the acts. Back once it is durable.
pub(in crate::app) async fn put(
    opened: &Opened,
    operator: &Operator,
    entry: Entry<'_>,
) -> Result<(), AppError> {
    if let Some(served) = &opened.served {
        return enter(&served.house.handle, &*opened.store, &served.door, entry).await;
    }
    let mut tally = opened.store.recover().await?.tally;
    tally.next_run += 1;
    let act = Act {
        run: RunId(tally.next_run),
        at: opened.clock.now(),
        operator: operator.name.clone(),
        from: operator.from.clone(),
        act: entry.act.to_owned(),
        object: entry.object,
        links: Vec::new(),
        reason: entry.reason.to_owned(),
        undo: Vec::new(),
    };
    let changes = vec![Change::AddAct(act), Change::PutTally(tally.clone())];
    opened.store.commit(Batch(changes)).await?;
    let (run, act, operator) = (tally.next_run, entry.act, operator.name.as_str());
    tracing::info!(target: TOLD, run, operator, act, "act recorded");
    Ok(())
}

/// Has the running sync record one. Back once it is durable. Of one session several wishes may be under
/// way, so that one was accepted does not say which.
pub(in crate::app) async fn enter(
    pool: &Handle,
    store: &dyn Store,
    door: &Door,
    entry: Entry<'_>,
) -> Result<(), AppError> {
    let before = store.acts(1).await?;
    let before = before.first().map_or(RunId(0), |act| act.run);
    let instruction = door.instruction(entry.reason, entry.command.clone());
    let instruction = instruction.map_err(|needed| AppError::Denied {
        role: door.visitor.role,
        needed,
    })?;
    let mut facts = pool.facts();
    let sent = pool.commands.send(instruction).await;
    sent.map_err(|_| AppError::Unrecorded(entry.act))?;
    loop {
        let is_over = tokio::select! {
            told = facts.recv() => match told {
                Ok(told) if told.is_for(door.session) => match told.fact {
                    Fact::Accepted(_) | Fact::AcceptedInPart { .. } => false,
                    _ => continue,
                },
                Ok(_) => continue,
                // That it was accepted may be among what was missed.
                Err(RecvError::Lagged(_)) => false,
                Err(RecvError::Closed) => true,
            },
            () = pool.commands.closed() => true,
        };
        if is_on_record(store, before, door, &entry).await? {
            return Ok(());
        }
        if is_over {
            return Err(AppError::Unrecorded(entry.act));
        }
    }
}

async fn is_on_record(
    store: &dyn Store,
    before: RunId,
    door: &Door,
    entry: &Entry<'_>,
) -> Result<bool, StoreError> {
    let operator = &door.visitor.operator;
    let acts = store.acts(ACTS_MAX).await?;
    let mut new = acts.iter().take_while(|act| act.run > before);
    Ok(new.any(|act| {
        act.act == entry.act
            && act.object == entry.object
            && act.operator == operator.name
            && act.from == operator.from
            && act.reason == entry.reason
    }))
}
