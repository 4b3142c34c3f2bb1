//! Whose doing it is, put on record before it is done.

use crate::app::compose::Opened;
use crate::app::entry::{self, Entry};
use crate::app::error::AppError;
use crate::app::log::TOLD;
use crate::domain::access::AccessAct;
use crate::domain::command::Command;
use crate::domain::ids::Side;
use crate::domain::operator::Operator;

/// Who does it, and why.
#[derive(Debug, Clone)]
pub(in crate::app) struct By {
    pub(in crate::app) operator: Operator,
    pub(in crate::app) reason: String,
}

/// Back once it is durable.
pub(super) async fn record(
    opened: &Opened,
    (side, act): (Side, AccessAct),
    by: &By,
) -> Result<(), AppError> {
    let entry = Entry {
        command: Command::NoteAccess { side, act },
        act: act.name(),
        object: side.to_string(),
        reason: &by.reason,
    };
    entry::put(opened, &by.operator, entry).await?;
    let (act, operator) = (act.name(), by.operator.name.as_str());
    tracing::info!(target: TOLD, act, %side, operator, "access is being changed");
    Ok(())
}
