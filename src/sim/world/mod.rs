//! A believable French company in both systems, drawn from a seed: the same number is the same
//! world. Everybody in it is invented.
//!
//! Holds every situation that the sync must master: people known on both sides and on one, every
//! kind of conflict, opt-outs in every constellation, deletions, conversions, merges, and a week of
//! activities.

mod cast;
mod history;
mod names;
pub mod plugin;
mod stage;
pub mod traffic;
pub mod wrong;

use crate::sim::automation::Automation;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::Salesforce;

pub use stage::{
    AUTOMATION_ADDRESS, AUTOMATION_KEY, AUTOMATION_SECRET, SALESFORCE_KEY, SALESFORCE_SECRET,
    address_sites,
};

/// Both systems, full of people.
pub struct World {
    pub salesforce: Salesforce,
    pub automation: Automation,
}

impl World {
    /// `people` in each system, more or less, as they are at `now`.
    pub fn new(seed: u64, people: u32, now: Timestamp) -> Self {
        let mut stage = stage::Stage::new(seed, people, now);
        cast::enter(&mut stage, people);
        history::write(&mut stage);
        stage.into_world()
    }
}

/// The mapping of the practice instance, as the instance file has it.
pub const MAPPING: &str = include_str!("mapping.toml");

#[cfg(test)]
mod tests;
