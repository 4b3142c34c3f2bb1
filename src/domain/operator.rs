//! Who asks for something, and what each may ask for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::conflict::Choice;
use super::ids::LinkId;
use super::time::Timestamp;

/// One console or one command of a process: what it asked for is answered to it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

impl SessionId {
    /// passerelle itself, which no answer is kept for.
    pub const OURSELVES: Self = Self(0);
}

/// A person, as the audit names them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Operator {
    /// Login name, or `passerelle` for what the schedule does.
    pub name: String,
    /// Where they sit: `ssh 192.0.2.7`, `tty`, `command`; empty for the schedule.
    pub from: String,
}

impl Operator {
    pub const OURSELVES: &'static str = "passerelle";

    /// passerelle itself.
    pub fn ourselves() -> Self {
        Self {
            name: Self::OURSELVES.to_owned(),
            from: String::new(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Somebody who has a console open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    pub session: SessionId,
    pub operator: Operator,
    pub role: Role,
    pub since: Timestamp,
    /// The contact or company they have open.
    pub looks_at: Option<LinkId>,
}

/// What somebody may do. Each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Decides, contact by contact or for many, and steers the queues.
    Operator,
    /// Also what cannot be taken back, or concerns everybody.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The lowest role that may give this command.
    pub fn needed(command: &Command) -> Self {
        match command {
            // Mails people again, overwrites as much as is found, or concerns everybody who works in a
            // system: an admin answers for it. Also the configuration: it concerns everybody.
            Command::ReleaseBrake { .. }
            | Command::Configure { .. }
            | Command::Mend(_)
            | Command::NoteAccess { .. } => Self::Admin,
            Command::Resolve(resolutions)
                if resolutions.iter().any(|resolution| {
                    let choices = &mut resolution.choices.iter();
                    choices.any(|(_, choice)| *choice == Choice::OptIn)
                }) =>
            {
                Self::Admin
            }
            Command::RunCycle(_)
            | Command::Resolve(_)
            | Command::Retry { .. }
            | Command::Discard { .. }
            | Command::RetryActivities { .. }
            | Command::DiscardActivities { .. }
            | Command::Undo { .. }
            | Command::Check { .. }
            | Command::Look { .. }
            | Command::Enter { .. }
            | Command::SetAside { .. }
            | Command::Unlink { .. }
            | Command::TakeBack { .. }
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Survey { .. }
            | Command::Backfill { .. }
            | Command::SteerPlan { .. } => Self::Operator,
        }
    }

    pub fn may(self, command: &Command) -> bool {
        self >= Self::needed(command)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
