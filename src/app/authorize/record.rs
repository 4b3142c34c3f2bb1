//! Whose doing it is, put on record before it is done.

use crate::app::compose::Opened;
use crate::app::entry::{self, Entry};
use crate::app::error::AppError;
use crate::app::log::TOLD;
use crate::domain::access::AccessAct;
use crate::domain::command::Command;
use crate::domain::ids::{RunId, Side};
use crate::domain::operator::Operator;
use crate::domain::record::{Act, Batch, Change};
use crate::ports::Store;

/// Who does it, and why.
#[derive(Debug, Clone)]
pub(in crate::app) struct By {
    pub(in crate::app) operator: Operator,
    pub(in crate::app) reason: String,
}

/// Where a sync runs it numbers the acts, so it records this one too. Back once it is durable.
pub(super) async fn record(
    opened: &Opened,
    (side, act): (Side, AccessAct),
    by: &By,
) -> Result<(), AppError> {
    if let Some(served) = &opened.served {
        let entry = Entry {
            command: Command::NoteAccess { side, act },
            act: act.name(),
            object: side.to_string(),
            reason: &by.reason,
        };
        let pool = &served.house.handle;
        let kept = (&*opened.store as &dyn Store, &*opened.clock);
        entry::enter(pool, kept, &served.door, entry).await?;
    } else {
        let mut tally = opened.store.recover().await?.tally;
        tally.next_run += 1;
        let entry = Act {
            run: RunId(tally.next_run),
            at: opened.clock.now(),
            operator: by.operator.name.clone(),
            from: by.operator.from.clone(),
            act: act.name().to_owned(),
            object: side.to_string(),
            links: Vec::new(),
            reason: by.reason.clone(),
            undo: Vec::new(),
        };
        let changes = vec![Change::AddAct(entry), Change::PutTally(tally)];
        opened.store.commit(Batch(changes)).await?;
    }
    let (act, operator) = (act.name(), by.operator.name.as_str());
    tracing::info!(target: TOLD, act, %side, operator, "access is being changed");
    Ok(())
}
