//! What the company's people do, checked without a server.

use std::collections::BTreeSet;

use super::*;
use crate::sim::clock::MINUTE_MS;
use crate::sim::salesforce::schema::{CONTACT, LEAD};
use crate::sim::world::World;

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn minutes(count: i64) -> Timestamp {
    START.plus_millis(count * MINUTE_MS)
}

#[test]
fn the_same_seed_gives_the_same_acts_however_often_somebody_asks() {
    let at_once = |seed| Traffic::new(seed, Pace::Busy, START).due(minutes(5));
    let mut slowly = Traffic::new(7, Pace::Busy, START);
    let steps = (0..=300).map(|second| START.plus_millis(second * SECOND_MS));
    let step_by_step: Vec<Act> = steps.flat_map(|now| slowly.due(now)).collect();
    assert_eq!(at_once(7), step_by_step);
    assert_eq!(at_once(7), at_once(7));
    assert_ne!(at_once(7), at_once(8));
}

#[test]
fn several_acts_a_minute_are_calm_and_one_a_second_is_busy() {
    let per_minute =
        |pace, count| Traffic::new(1, pace, START).due(minutes(count)).len() as i64 / count;
    assert_eq!(per_minute(Pace::Calm, 100), 5);
    let busy = per_minute(Pace::Busy, 9);
    assert!((55..=65).contains(&busy), "{busy}");
}

#[test]
fn a_machine_that_slept_does_not_make_up_for_it() {
    let mut traffic = Traffic::new(1, Pace::Busy, START);
    assert_eq!(traffic.due(minutes(600)).len(), DUE_MAX);
    assert_eq!(traffic.due(minutes(600)).len(), 0);
    let next = traffic.due(minutes(601));
    assert!((50..70).contains(&next.len()), "{}", next.len());
    assert!(next.iter().all(|act| act.due > minutes(600)));
}

/// Everything that happens in so many acts, one a second.
fn live(seed: u64, acts: i64) -> (World, Vec<(Act, Outcome)>) {
    let mut world = World::new(seed, 60, START);
    let mut traffic = Traffic::new(seed, Pace::Busy, START);
    let mut story = Vec::new();
    for second in 0..acts {
        let now = START.plus_millis(second * SECOND_MS);
        world.salesforce.advance(now);
        for act in traffic.due(now) {
            let outcome = perform(&mut world.salesforce, &mut world.automation, now, &act);
            story.push((act, outcome));
        }
    }
    (world, story)
}

#[test]
fn both_systems_accept_every_act_and_every_deed_is_done() {
    let (world, story) = live(3, 4_000);
    let refused: Vec<_> = story
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_)))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    let done = story
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Done);
    let done: BTreeSet<Deed> = done.map(|(act, _)| act.deed).collect();
    let all: BTreeSet<Deed> = DEEDS.iter().map(|(deed, _)| *deed).collect();
    assert_eq!(
        all.difference(&done).collect::<Vec<_>>(),
        Vec::<&Deed>::new()
    );
    let people = world.salesforce.count(LEAD) + world.salesforce.count(CONTACT);
    assert!(people > 60, "the company goes on: {people}");
}

#[test]
fn the_same_seed_and_times_lead_to_the_same_company() {
    let look = |seed| {
        let (world, story) = live(seed, 600);
        let values = |id| format!("{id}{:?}", world.salesforce.value(id, "LastName"));
        let leads: Vec<String> = world
            .salesforce
            .records(LEAD)
            .map(|(id, _)| values(id))
            .collect();
        let contacts: Vec<String> = world
            .automation
            .contacts()
            .all()
            .map(|contact| format!("{contact:?}"))
            .collect();
        (story, leads, contacts)
    };
    assert_eq!(look(5), look(5));
}
