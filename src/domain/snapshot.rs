//! What screens and commands may know of the running sync.

use std::collections::BTreeMap;

use super::command::Totals;
use super::cursor::Coverage;
use super::failure::Failure;
use super::ids::Side;
use super::record::Plan;
use super::time::Timestamp;

/// Small: counts and states, never all links.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    pub totals: Totals,
    pub phase: Phase,
    pub is_idle: bool,
    pub queued: BTreeMap<Side, u64>,
    pub waiting: u64,
    pub stopped: BTreeMap<Side, Failure>,
    pub waits_until: BTreeMap<Side, Timestamp>,
    pub is_braked: bool,
    pub coverage: BTreeMap<Side, Coverage>,
    pub limit: Option<(u32, u32)>,
    pub plans: Vec<Plan>,
    /// When the schedule begins the next cycle; `None` while one runs, or without a schedule.
    pub next_cycle: Option<Timestamp>,
}

/// How far a cycle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
