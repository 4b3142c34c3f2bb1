//! A believable French company in both systems, drawn from a seed: the same number is the same
//! world. Everybody in it is invented.
//!
//! Holds every situation that the sync must master: people known on both sides and on one, every
//! kind of conflict, opt-outs in every constellation, deletions, conversions, merges, and a week of
//! activities.

mod cast;
mod history;
mod names;
mod stage;
pub mod traffic;

use crate::sim::automation::Automation;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::Salesforce;

pub use stage::{AUTOMATION_KEY, AUTOMATION_SECRET, SALESFORCE_KEY, SALESFORCE_SECRET};

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
mod tests {
    use super::*;
    use crate::sim::salesforce::schema::{CONTACT, LEAD};

    #[test]
    fn the_same_seed_is_the_same_world() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let look = |seed| {
            let world = World::new(seed, 120, now);
            let leads: Vec<String> = world
                .salesforce
                .records(LEAD)
                .map(|(id, _)| format!("{:?}", world.salesforce.value(id, "Email")))
                .collect();
            (leads, world.automation.contacts().len())
        };
        assert_eq!(look(7), look(7));
        assert_ne!(look(7), look(8));
    }

    #[test]
    fn a_world_has_about_as_many_people_as_asked_for() {
        let world = World::new(1, 500, Timestamp::from_seconds(1_790_000_000));
        let people = world.salesforce.count(LEAD) + world.salesforce.count(CONTACT);
        assert!((400..=600).contains(&people), "{people}");
    }
}
