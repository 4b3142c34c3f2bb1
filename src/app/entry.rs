//! Puts on record what the process does itself, outside the sync, before it is done: what nobody answers
//! for is not done.

use crate::app::door::Door;
use crate::app::error::AppError;
use crate::domain::command::Command;
use crate::domain::ids::RunId;
use crate::domain::time::Span;
use crate::pool::Handle;
use crate::ports::{Clock, Store, StoreError};

/// Acts looked through for one that was just made.
const ACTS_MAX: usize = 200;

/// Until the store is asked again.
const LOOK_EVERY: Span = Span(20);

/// An act as it will stand in the audit.
pub(in crate::app) struct Entry<'a> {
    pub(in crate::app) command: Command,
    pub(in crate::app) act: &'static str,
    pub(in crate::app) object: String,
    pub(in crate::app) reason: &'a str,
}

/// Has the running sync, which numbers the acts, record one. Back once it is durable, which is a moment
/// after it is accepted, and which the store alone knows: of one session several wishes may be under way.
pub(in crate::app) async fn enter(
    pool: &Handle,
    (store, clock): (&dyn Store, &dyn Clock),
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
    let unrecorded = || AppError::Unrecorded(entry.act);
    let sent = pool.commands.send(instruction).await;
    sent.map_err(|_| unrecorded())?;
    loop {
        let is_over = pool.commands.is_closed();
        if is_on_record(store, before, door, &entry).await? {
            return Ok(());
        }
        if is_over {
            return Err(unrecorded());
        }
        tokio::select! {
            () = clock.sleep(LOOK_EVERY) => {}
            () = pool.commands.closed() => {}
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
