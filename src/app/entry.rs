//! Puts on record what the process does itself, outside the sync, before it is done: what nobody answers
//! for is not done.

use tokio::sync::broadcast::error::RecvError;

use crate::app::door::Door;
use crate::app::error::AppError;
use crate::domain::command::{Command, Fact};
use crate::domain::ids::RunId;
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

/// Has the running sync, which numbers the acts, record one. Back once it is durable.
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
    let unrecorded = || AppError::Unrecorded(entry.act);
    let sent = pool.commands.send(instruction).await;
    sent.map_err(|_| unrecorded())?;
    loop {
        let is_over = tokio::select! {
            told = facts.recv() => match told {
                Ok(told) if !told.is_for(door.session) || !matches!(told.fact, Fact::Accepted(_)) => {
                    continue;
                }
                // Of one session several wishes may be under way, and what was missed may be the
                // answer: it is durable before it is told, so the store knows.
                Ok(_) | Err(RecvError::Lagged(_)) => false,
                Err(RecvError::Closed) => true,
            },
            () = pool.commands.closed() => true,
        };
        if is_on_record(store, before, door, &entry).await? {
            return Ok(());
        }
        if is_over {
            return Err(unrecorded());
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
