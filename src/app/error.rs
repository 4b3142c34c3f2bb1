//! Why a command failed, and the status with which the program then ends.

use std::process::ExitCode;

use crate::adapters::{Attempt, Denial};
use crate::app::config::ConfigError;
use crate::app::policy::MappingProblem;
use crate::console::keymap::KeymapError;
use crate::console::tape::TapeError;
use crate::console::{Language, Tongue, objected};
use crate::domain::command::Refusal;
use crate::domain::failure::Failure;
use crate::domain::ids::Side;
use crate::domain::operator::Role;
use crate::domain::time::Timestamp;
use crate::pool::PoolError;
use crate::ports::{PortError, StoreError};
use crate::store::BackupError;

/// How the program ends; a contract that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Done = 0,
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Done as far as it goes; the rest needs a person.
    WorkRemains = 3,
    /// Refused for lack of rights.
    Refused = 4,
}

impl Status {
    /// As another process of ours said it.
    pub const fn of(status: u8) -> Self {
        match status {
            0 => Self::Done,
            2 => Self::Usage,
            3 => Self::WorkRemains,
            4 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the mapping in {path} does not fit the two systems:\n{}", listed(.problems))]
    Mapping {
        path: String,
        problems: Vec<MappingProblem>,
    },
    #[error("the address of {side} in the instance file cannot be used: {failure}")]
    Client { side: Side, failure: Failure },
    #[error("{side} cannot be reached or did not let us in; {}", advice(*.side, .error))]
    Connect {
        side: Side,
        #[source]
        error: Box<PortError>,
    },
    /// In the words of [`Denial`], which name the remedy.
    #[error(transparent)]
    NotLetIn(Denial),
    #[error(
        "somebody is logging in to {0} right now, or ending that; try again once they are done"
    )]
    LoginUnderWay(Side),
    /// What nobody answers for is not done.
    #[error(
        "“{0}” could not be put on record, so it was not done: the sync has stopped; see the log"
    )]
    Unrecorded(&'static str),
    /// A question was not answered.
    #[error("nothing was typed that could be used, so everything was left as it was")]
    Unanswered(#[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("{0}")]
    Refused(Refused),
    #[error(
        "this takes the role {needed}, and yours is {role}; the instance file's [operators] says who \
         has which"
    )]
    Denied { role: Role, needed: Role },
    #[error("say why with --reason; only an admin may leave it out")]
    NoReason,
    #[error(
        "nothing was synced here yet, so there is no configuration: run `passerelle sync \
         --until-idle --dry-run` first"
    )]
    NothingYet,
    #[error("nobody can be reached at the socket {socket}")]
    Knock {
        socket: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the socket {socket} cannot be opened, so nobody could attach")]
    Listen {
        socket: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "webhooks cannot be received at {address}; set another [webhook] listen, or end what listens \
         there"
    )]
    Receive {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "no process serves this instance; start one with: passerelle serve, or open the console here \
         with: passerelle"
    )]
    NotServed,
    /// In the serving process's own words.
    #[error("{0}")]
    Turned(String),
    #[error(
        "the process that serves this instance is gone; what was under way is safe, and the next start \
         goes on"
    )]
    Vanished(#[source] std::io::Error),
    #[error("the process that serves this instance does not answer; it was left as it is")]
    Silent,
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Keymap(#[from] KeymapError),
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error(
        "the console stopped because of a fault in passerelle itself; the sync was not touched"
    )]
    Console,
    #[error("the output could not be written")]
    Output(#[from] std::io::Error),
}

/// A refusal in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "link {link} changed since you looked at it (generation {asked}, now {now}{}); look again \
         with: passerelle conflicts show {link}", decision(.decided.as_ref())
    )]
    OlderGeneration {
        link: u64,
        asked: u32,
        now: u32,
        /// Who decided meanwhile, and when.
        decided: Option<(String, Timestamp)>,
    },
    #[error("there is no link {0}")]
    NoSuchLink(u64),
    #[error("link {0} has no such conflict; see: passerelle conflicts show {0}")]
    NoSuchConflict(u64),
    #[error("that choice does not fit this kind of conflict of link {0}")]
    ChoiceDoesNotFit(u64),
    #[error("nothing of it still stands as it was put, so there is nothing to undo")]
    NothingToUndo,
    #[error("there is no plan {0} any more: it ended or was stopped")]
    NoSuchPlan(u64),
    #[error("the write of link {0} carries an opt-out, which nobody may drop; retry it instead")]
    OptOutStays(u64),
    #[error("the given-up write of link {0} is another one by now; look again: passerelle queues")]
    OtherWrite(u64),
    #[error("link {link} cannot have that e-mail address: it is on the record of link {by}")]
    AddressTaken { link: u64, by: u64 },
    #[error(
        "the configuration is version {now} now, not {asked}{}; look at it again",
        maker(.made.as_ref())
    )]
    OlderConfiguration {
        asked: u32,
        now: u32,
        made: Option<(String, Timestamp)>,
    },
    #[error("the configuration cannot be saved like this:\n{}", .0.join("\n"))]
    Objected(Vec<String>),
    #[error("the brake does not hold anything back: there is nothing to let go")]
    NoBrake,
    #[error("nothing would change: that configuration is in force already")]
    NothingChanges,
}

fn maker(made: Option<&(String, Timestamp)>) -> String {
    made.map_or_else(String::new, |(by, at)| format!(", by {by} at {at}"))
}

fn decision(decided: Option<&(String, Timestamp)>) -> String {
    decided.map_or_else(String::new, |(by, at)| format!("; {by} decided at {at}"))
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OlderGeneration {
                link,
                asked,
                now,
                decided,
            } => Self::OlderGeneration {
                link: link.0,
                asked: asked.0,
                now: now.0,
                decided,
            },
            Refusal::NoSuchLink(link) => Self::NoSuchLink(link.0),
            Refusal::NoSuchConflict(link) => Self::NoSuchConflict(link.0),
            Refusal::ChoiceDoesNotFit(link) => Self::ChoiceDoesNotFit(link.0),
            Refusal::NothingToUndo => Self::NothingToUndo,
            Refusal::NoBrake => Self::NoBrake,
            Refusal::NoSuchPlan(run) => Self::NoSuchPlan(run.0),
            Refusal::OptOutStays(link) => Self::OptOutStays(link.0),
            Refusal::OtherWrite(link) => Self::OtherWrite(link.0),
            Refusal::AddressTaken { link, by } => Self::AddressTaken {
                link: link.0,
                by: by.0,
            },
            Refusal::OlderConfiguration { asked, now, made } => {
                Self::OlderConfiguration { asked, now, made }
            }
            Refusal::Objected(objections) => {
                let language = Language::new(Tongue::English);
                let said = objections.iter();
                Self::Objected(
                    said.map(|one| format!("  {}", objected(&language, one)))
                        .collect(),
                )
            }
            Refusal::NothingChanges => Self::NothingChanges,
        }
    }
}

impl AppError {
    pub const fn status(&self) -> Status {
        match self {
            Self::Config(_)
            | Self::Keymap(_)
            | Self::Tape(_)
            | Self::Client { .. }
            | Self::Store(StoreError::Foreign { .. })
            | Self::Mapping { .. }
            | Self::NotLetIn(Denial::WrongBox { .. } | Denial::OtherOrganisation { .. })
            | Self::NoReason
            | Self::NothingYet
            | Self::Refused(Refused::Objected(_))
            | Self::Usage(_) => Status::Usage,
            Self::Denied { .. } => Status::Refused,
            _ => Status::Failed,
        }
    }
}

fn listed(problems: &[MappingProblem]) -> String {
    problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// One action for each way in which a connection fails.
fn advice(side: Side, error: &PortError) -> String {
    use crate::domain::failure::FailureKind as Kind;
    let known = match Attempt::of(side).denial(&error.failure) {
        Denial::Other { .. } | Denial::Busy(..) | Denial::TooMany(_) => None,
        denial => Some(denial.to_string()),
    };
    let general = match error.failure.kind {
        Kind::Unauthorised => {
            "check the keys of this side in the instance file, and that its user may still log in"
        }
        Kind::Forbidden => "give the integration's user the right that is named below",
        Kind::LimitReached | Kind::Throttled { .. } => "its limit is reached; try again later",
        Kind::Transient | Kind::Unknown => {
            "check the address in the instance file and the network, then try again"
        }
        _ => "see the answer below",
    };
    known.unwrap_or_else(|| general.to_owned())
}
