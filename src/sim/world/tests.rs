//! What a company of fifty holds, whatever the seed.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::sim::automation::contact::{Contact, Reason};
use crate::sim::automation::field::Subject;
use crate::sim::clock::DAY_MS;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::schema::{CONTACT, LEAD};
use crate::sim::salesforce::value::Value;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const SEEDS: [u64; 3] = [1, 2, 77];

fn company(seed: u64) -> World {
    World::new(seed, 50, NOW)
}

fn people(world: &World) -> Vec<RecordId> {
    let org = &world.salesforce;
    let both = org.records(LEAD).chain(org.records(CONTACT));
    both.map(|(id, _)| id).collect()
}

fn text(world: &World, contact: &Contact, alias: &str) -> String {
    let field = world.automation.fields().by_alias(Subject::Contact, alias);
    let value = contact.values.at(field.unwrap().position).to_text();
    value.unwrap_or_default()
}

#[test]
fn the_same_seed_is_the_same_world() {
    let look = |seed| {
        let world = World::new(seed, 120, NOW);
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
    let world = World::new(1, 500, NOW);
    let people = world.salesforce.count(LEAD) + world.salesforce.count(CONTACT);
    assert!((400..=600).contains(&people), "{people}");
}

/// Who is out where: in Salesforce and whether its history says so, and in Automation by which reason.
#[test]
fn consent_is_there_in_every_constellation() {
    for seed in SEEDS {
        let world = company(seed);
        let org = &world.salesforce;
        let mut there: BTreeMap<String, bool> = BTreeMap::new();
        for id in people(&world) {
            let email = org
                .value(id, "Email")
                .as_text()
                .unwrap_or("")
                .to_lowercase();
            let out = org.value(id, "HasOptedOutOfEmail") == Value::Bool(true);
            *there.entry(email).or_default() |= out;
        }
        let mut seen = BTreeSet::new();
        let mut known = BTreeSet::new();
        for contact in world.automation.contacts().all() {
            let email = text(&world, contact, "email").to_lowercase();
            let reason = contact.dnc_on("email").map(|row| row.reason);
            let is_texts = contact.dnc_on("sms").is_some();
            seen.insert((
                there.get(&email).copied(),
                reason.map(Reason::code),
                is_texts,
            ));
            known.insert(email);
        }
        let lonely = there.iter().filter(|(email, _)| !known.contains(*email));
        let lonely: BTreeSet<bool> = lonely.map(|(_, is_out)| *is_out).collect();
        assert_eq!(
            lonely,
            [false, true].into(),
            "seed {seed}: only in Salesforce"
        );
        for wanted in [
            (Some(false), None, false),
            (Some(true), None, false),
            (Some(false), Some(1), false),
            (Some(false), Some(2), false),
            (Some(false), Some(3), false),
            (Some(true), Some(1), false),
            (Some(true), Some(2), false),
            (None, None, false),
            (None, Some(1), false),
            // Kept out of another channel only.
            (Some(false), None, true),
        ] {
            assert!(
                seen.contains(&wanted),
                "seed {seed}: {wanted:?} in {seen:?}"
            );
        }
        // Field history dates an opt-in and an opt-out.
        let mut dated = BTreeSet::new();
        for history in ["LeadHistory", "ContactHistory"] {
            let object = org.schema().find(history, None).unwrap();
            for (id, _) in org.records(object) {
                if org.value(id, "Field").as_text() == Some("HasOptedOutOfEmail") {
                    dated.insert(format!("{:?}", org.value(id, "NewValue")));
                }
            }
        }
        assert_eq!(dated.len(), 2, "seed {seed}: {dated:?}");
    }
}

#[test]
fn deletions_conversions_merges_and_every_side_alone_are_there() {
    for seed in SEEDS {
        let world = company(seed);
        let org = &world.salesforce;
        let people = people(&world);
        let is = |field: &'static str| {
            let org = &world.salesforce;
            let mut people = people.iter();
            people.any(|id| org.value(*id, field) == Value::Bool(true))
        };
        assert!(is("IsConverted") && is("IsDeleted"), "seed {seed}");
        let has_master = |id: &&RecordId| !org.value(**id, "MasterRecordId").is_null();
        assert!(
            people.iter().any(|id| has_master(&id)),
            "seed {seed}: merged"
        );
        let without = |field: &'static str| {
            let org = &world.salesforce;
            people.iter().any(|id| org.value(*id, field).is_null())
        };
        assert!(without("Email") && without("AccountId"), "seed {seed}");
    }
}

#[test]
fn every_hostile_text_is_somebodys_note_on_both_sides() {
    for seed in SEEDS {
        let world = company(seed);
        let there: BTreeSet<String> = people(&world)
            .into_iter()
            .filter_map(|id| {
                world
                    .salesforce
                    .value(id, "Description")
                    .as_text()
                    .map(str::to_owned)
            })
            .collect();
        let here: BTreeSet<String> = world
            .automation
            .contacts()
            .all()
            .map(|contact| text(&world, contact, "crm_note"))
            .collect();
        for (number, (name, _)) in names::HOSTILE_NOTES.iter().enumerate() {
            let note = names::hostile_note(number * 2);
            assert!(there.contains(&note), "seed {seed}: {name} in Salesforce");
            assert!(here.contains(&note), "seed {seed}: {name} in Automation");
        }
    }
}

#[test]
fn odd_phone_numbers_and_several_alphabets_are_there() {
    let world = World::new(1, 500, NOW);
    let values = |field: &'static str| -> Vec<String> {
        let org = &world.salesforce;
        let people = people(&world).into_iter();
        people
            .filter_map(|id| org.value(id, field).as_text().map(str::to_owned))
            .collect()
    };
    let phones = values("Phone");
    let starts: BTreeSet<String> = phones
        .iter()
        .map(|phone| phone.chars().take_while(|c| !c.is_ascii_digit()).collect())
        .collect();
    assert!(starts.len() >= 2, "{starts:?}");
    assert!(
        phones
            .iter()
            .any(|phone| names::ODD_PHONES.contains(&phone.as_str()))
    );
    let names = values("FirstName").join(" ") + &values("LastName").join(" ");
    for sample in ["é", "Ł", "美", "ü", "ø", "ễ"] {
        assert!(names.contains(sample), "{sample}");
    }
}

#[test]
fn a_week_of_activities_is_there_with_every_day_and_kind() {
    for seed in SEEDS {
        let world = World::new(seed, 200, NOW);
        let logs = world.automation.logs();
        let week = NOW.plus_millis(-7 * DAY_MS);
        let mut days = BTreeSet::new();
        let mut count = |moments: Vec<Timestamp>, what: &str| {
            assert!(!moments.is_empty(), "seed {seed}: {what}");
            for at in moments {
                assert!(at >= week && at <= NOW, "seed {seed}: {what} at {at}");
                days.insert(at.day());
            }
        };
        count(
            logs.hits.rows().iter().map(|row| row.at).collect(),
            "page hits",
        );
        count(
            logs.submissions.rows().iter().map(|row| row.at).collect(),
            "forms",
        );
        count(
            logs.mails.rows().iter().map(|row| row.at).collect(),
            "mails",
        );
        count(
            logs.points.rows().iter().map(|row| row.at).collect(),
            "points",
        );
        let read = logs.mails.rows().iter().filter_map(|row| row.what.read);
        count(read.collect(), "mails read");
        assert!(days.len() >= 7, "seed {seed}: {days:?}");
    }
}
