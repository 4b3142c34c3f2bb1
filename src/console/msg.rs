//! What happens to the console, and what it asks for. Plain data, both.

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use serde::{Deserialize, Serialize};

use super::query::{Answer, Query, Ticket};
use crate::domain::access::Why;
use crate::domain::command::{Command, Fact};
use crate::domain::ids::LinkId;
use crate::domain::mapping::Policy;
use crate::domain::operator::{Present, Role};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Msg {
    Key(KeyEvent),
    Pasted(String),
    /// One line, where lines are read instead of keys.
    Typed(String),
    Mouse(MouseEvent),
    Resized(u16, u16),
    Now(Timestamp),
    Snapshot(Arc<Snapshot>),
    /// The configuration that is in force from now on.
    Configured(Arc<Policy>),
    Told(Fact),
    /// So many facts came too fast to be shown.
    Missed(u64),
    Answered(Ticket, Answer),
    /// The question could not be answered, and why.
    Unanswered(
        Ticket,
        #[serde(deserialize_with = "super::query::why_or_words")] Why,
    ),
    /// The question was not handed on: too many wait already, or nobody takes them any more.
    Unasked(Ticket),
    /// The sync has more to do than it can take in: the command was not sent.
    Busy,
    /// The operator's role does not allow the command; this one does.
    Denied(Role),
    /// Who is here, whoever they are.
    Present(Arc<Vec<Present>>),
    /// The sync ended by itself.
    Ended,
    /// From now on everything is recorded, into that file.
    Recording(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask(Ticket, Query),
    /// The operator's name is added by whoever knows it.
    Command {
        reason: String,
        command: Command,
    },
    /// Which contact the operator looks at, for the others to see.
    Look(Option<LinkId>),
    /// Put on the clipboard of the operator's own terminal.
    Copy(String),
    Leave,
}
