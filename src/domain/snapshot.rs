//! What screens and commands may know of the running sync.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::command::{Queue, Totals};
use super::cursor::Coverage;
use super::failure::Failure;
use super::ids::{RunId, Side};
use super::record::Plan;
use super::setup::Suspension;
use super::time::Timestamp;

/// Small: counts and states, never all links.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub totals: Totals,
    pub phase: Phase,
    pub is_idle: bool,
    pub queued: BTreeMap<Side, u64>,
    pub waiting: u64,
    pub stopped: BTreeMap<Side, Failure>,
    /// When that was.
    #[serde(default)]
    pub stopped_at: BTreeMap<Side, Timestamp>,
    pub waits_until: BTreeMap<Side, Timestamp>,
    pub is_braked: bool,
    /// The schedule runs only while the plugin is published.
    pub published: bool,
    pub coverage: BTreeMap<Side, Coverage>,
    /// The organisation's calls of the day: used by everybody, allowed.
    pub limit: Option<(u32, u32)>,
    pub budget: Option<Budget>,
    pub plans: Vec<Plan>,
    /// The transfer of activities under way.
    pub transfer: Option<Transfer>,
    pub paused: BTreeSet<Queue>,
    /// Rules that are left alone because a system changed.
    #[serde(default)]
    pub suspended: Vec<Suspension>,
    /// Everybody is looked at again by a configuration that changed.
    #[serde(default)]
    pub review: Option<Reviewing>,
    /// What Automation's webhooks told, where this process receives them.
    #[serde(default)]
    pub hearing: Option<Hearing>,
    /// When each side last answered.
    pub answered: BTreeMap<Side, Timestamp>,
    /// When the schedule begins the next cycle; `None` while one runs, or without a schedule.
    pub next_cycle: Option<Timestamp>,
    /// By what is written.
    #[serde(default)]
    pub rounds: BTreeMap<Queue, Rounds>,
}

/// When what is written there was last seen to since the process began, and when the schedule sees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rounds {
    pub last: Option<Timestamp>,
    pub next: Option<Timestamp>,
}

/// Webhook calls since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hearing {
    /// Calls that the secret vouches for.
    pub received: u64,
    /// Calls that it does not vouch for.
    pub refused: u64,
    /// Of those received, the same as an earlier one.
    pub repeated: u64,
    /// Of those received, those that could not be read.
    pub unreadable: u64,
    /// Events of types that concern nobody.
    pub ignored: u64,
    /// Events about a record that another one was about already.
    pub coalesced: u64,
    /// Records that there was no room for: a round of reading Automation's changes was asked for.
    pub dropped: u64,
    /// Records that were looked at because of them.
    pub looked_at: u64,
    /// When the last call was received.
    pub last: Option<Timestamp>,
}

/// Our part of Salesforce's calls of the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub spent: u32,
    pub allowed: u32,
    /// Of `allowed`, kept for opt-outs.
    pub reserved: u32,
    /// Spent in the last full hour and the one under way.
    pub lately: u32,
    /// When the oldest hour's calls count no more; nothing was called if `None`.
    pub eases: Option<Timestamp>,
}

/// How far a transfer of activities is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// `None` for the regular one.
    pub plan: Option<RunId>,
    /// It only counts.
    pub is_survey: bool,
    /// Types of event read to the end, and how many there are.
    pub kinds_read: u32,
    pub kinds: u32,
    pub examined: u64,
    /// Read, and to be sent with the next request.
    pub gathered: u64,
    pub sent: u64,
    pub already_there: u64,
    pub held: u64,
}

/// How far a review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewing {
    pub looked_at: u64,
    pub of: u64,
}

/// How far a cycle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    #[default]
    Idle,
    Describing,
    Reading,
    Pushing,
    Transferring,
}

impl Phase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Describing => "describing",
            Self::Reading => "reading",
            Self::Pushing => "writing",
            Self::Transferring => "transferring activities",
        }
    }
}
