//! What the plugin that passerelle replaces was measured to do wrong, finding by finding, and the
//! right ending of each.

mod failures;
mod taking_over;

use passerelle::domain::conflict::Cause;
use passerelle::domain::ids::{SalesforceObject, Side};
use passerelle::domain::time::Span;
use passerelle::sim::automation::acts::Visit;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::org::CommitLag;
use passerelle::sim::salesforce::people::ConvertInto;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD, ObjectIndex};
use passerelle::sim::salesforce::value::Value as Cell;

use crate::world::{World, input};

fn change(alias: &str, value: &str) -> ContactInput {
    ContactInput::default().with(alias, value)
}

/// A person on both sides, linked and in agreement.
async fn pair(world: &World, object: ObjectIndex, name: &str) -> (RecordId, ContactId) {
    let record = world.record(object, name);
    let contact = world.contact(name);
    world.drive().await;
    assert_eq!(world.links().len(), 1, "one person, one link");
    (record, contact)
}

#[tokio::test]
async fn a_push_never_erases_an_opt_out() {
    let world = World::new().await;
    let record = world.seeds(
        CONTACT,
        &[
            ("LastName", Cell::text("roy")),
            ("Email", Cell::text("roy@x.example")),
            ("HasOptedOutOfEmail", Cell::Bool(true)),
        ],
    );
    let contact = world.contact("roy");
    world.user_edits(contact, change("position", "Buyer"));
    world.drive().await;
    world.user_edits(contact, change("position", "Head of buying"));
    world.drive().await;
    assert_eq!(world.text(record, "Title"), "Head of buying");
    assert!(world.flag(record, "HasOptedOutOfEmail"));
    assert!(world.dnc(contact).is_some(), "and Automation knows");
}

#[tokio::test]
async fn changed_leads_are_pushed_with_leads_and_contacts_both_on() {
    let world = World::new().await;
    let mut people = Vec::new();
    for number in 0..30 {
        for (object, stem) in [(LEAD, "lead"), (CONTACT, "contact")] {
            let name = format!("{stem}{number}");
            people.push((world.record(object, &name), world.contact(&name)));
        }
    }
    world.drive().await;
    for (_, contact) in &people {
        world.user_edits(*contact, change("position", "Buyer"));
    }
    let done = world.drive().await;
    assert_eq!(done.written(Side::Salesforce), people.len() as u64);
    for (record, _) in people {
        assert_eq!(world.text(record, "Title"), "Buyer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_activities_of_all_people_arrive() {
    const PEOPLE: usize = 150;
    let world = World::new().await;
    let people: Vec<ContactId> = (0..PEOPLE)
        .map(|number| {
            world.record(LEAD, &format!("p{number}"));
            world.contact(&format!("p{number}"))
        })
        .collect();
    world.drive().await;
    for round in 0..3 {
        let now = world.now();
        let mut brain = world.shared.brain();
        for id in &people {
            let visit = Visit {
                url: "https://x.example/prices",
                address: "192.0.2.7",
                ..Visit::default()
            };
            brain.hit(now, *id, &visit);
            brain.earn(now, *id, "Visit", "prices", round + 1);
        }
        drop(brain);
        world.pass(Span::seconds(1));
    }
    world.drive().await;
    let references = world.references();
    assert_eq!(references.len(), PEOPLE * 6);
    assert!(references.windows(2).all(|two| two[0] != two[1]));
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn an_edit_in_a_long_pause_between_two_runs_is_not_lost() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    world.pass(Span::days(3));
    world.edits(record, "Title", Input::text("Buyer"));
    world.pass(Span::days(40));
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
}

#[tokio::test]
async fn rows_that_become_visible_long_after_their_stamp_are_not_lost() {
    let world = World::new().await;
    let people: Vec<_> = (0..50)
        .map(|number| {
            let name = format!("p{number}");
            (world.record(LEAD, &name), world.contact(&name))
        })
        .collect();
    world.drive().await;
    world.site.with_brain(|brain| {
        brain.lag = CommitLag {
            people_ms_max: 4 * 60_000,
            api_ms_max: 0,
        };
    });
    for (record, _) in &people {
        world.edits(*record, "Title", Input::text("Buyer"));
    }
    for _ in 0..6 {
        world.drive().await;
    }
    for (_, contact) in people {
        assert_eq!(world.field(contact, "position"), "Buyer");
    }
}

#[tokio::test]
async fn false_zero_and_cleared_values_travel_from_salesforce_or_a_person_is_told() {
    let world = World::new().await;
    let record = world.record(CONTACT, "roy");
    for (field, value) in [
        ("Vip__c", Input::Bool(true)),
        ("Loyalty__c", Input::Number(88.0)),
        ("Phone", Input::text("+33 1")),
    ] {
        world.edits(record, field, value);
    }
    let contact = world.contact("roy");
    world.drive().await;
    let shown = |alias| world.field(contact, alias);
    assert_eq!(["vip", "loyalty", "phone"].map(shown), ["1", "88", "+33 1"]);
    for (field, value) in [
        ("Vip__c", Input::Bool(false)),
        ("Loyalty__c", Input::Number(0.0)),
        ("Phone", Input::Null),
    ] {
        world.edits(record, field, value);
    }
    world.drive().await;
    assert_eq!(["vip", "phone"].map(shown), ["0", ""]);
    let link = world.link_of(contact);
    let is_told = link
        .conflicts
        .iter()
        .any(|conflict| matches!(conflict.cause, Cause::NotKept { .. }));
    assert!(shown("loyalty") == "0" || is_told, "{:?}", link.conflicts);
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn false_zero_and_cleared_values_travel_to_salesforce() {
    let world = World::new().await;
    let (record, contact) = pair(&world, CONTACT, "roy").await;
    let filled = ContactInput::default()
        .with("vip", true)
        .with("loyalty", 88.0)
        .with("phone", "+33 1");
    world.user_edits(contact, filled);
    world.drive().await;
    assert!(world.flag(record, "Vip__c"));
    assert_eq!(world.text(record, "Phone"), "+33 1");
    let emptied = ContactInput::default()
        .with("vip", false)
        .with("loyalty", 0.0)
        .with("phone", "");
    world.user_edits(contact, emptied);
    world.drive().await;
    assert!(!world.flag(record, "Vip__c"));
    assert_eq!(world.cell(record, "Loyalty__c"), Cell::Number(0.0));
    assert_eq!(world.cell(record, "Phone"), Cell::Null);
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn semicolons_and_pipes_in_free_text_survive_both_ways() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    let note = "Vu au salon; rappeler | demain";
    world.edits(record, "Description", Input::text(note));
    world.edits(record, "Interests__c", Input::text("Salon;Webinar"));
    world.drive().await;
    assert_eq!(world.field(contact, "crm_note"), note);
    assert_eq!(world.field(contact, "interests"), "Salon|Webinar");
    world.user_edits(contact, change("crm_note", "a | b; c|d;e"));
    world.drive().await;
    assert_eq!(world.text(record, "Description"), "a | b; c|d;e");
    assert_eq!(world.text(record, "Interests__c"), "Salon;Webinar");
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn a_blank_last_name_never_becomes_unknown() {
    let world = World::new().await;
    let record = world.record(LEAD, "bernard");
    let nameless = |name: &str| change("email", &format!("{name}@x.example"));
    let contact = world.contact_with(nameless("bernard"));
    let stranger = world.contact_with(nameless("stranger"));
    world.drive().await;
    world.user_edits(contact, change("lastname", ""));
    world.user_edits(contact, change("position", "Buyer"));
    world.drive().await;
    assert_eq!(world.text(record, "LastName"), "bernard");
    assert_eq!(world.text(record, "Company"), "Orion SARL");
    assert_eq!(world.text(record, "Title"), "Buyer");
    assert_eq!(world.records(LEAD), [record], "nobody is made up");
    let conflicts = world.link_of(stranger).conflicts;
    let is_told = conflicts
        .iter()
        .any(|conflict| matches!(conflict.cause, Cause::RequiredBlank { .. }));
    assert!(is_told, "{conflicts:?}");
}

#[tokio::test]
async fn an_old_opt_in_of_salesforce_never_erases_a_later_unsubscribe() {
    let world = World::new().await;
    let (record, contact) = pair(&world, CONTACT, "roy").await;
    for opted_out in [true, false] {
        // Longer than the two clocks may differ.
        world.pass(Span::minutes(20));
        world.edits(record, "HasOptedOutOfEmail", Input::Bool(opted_out));
        world.drive().await;
        assert_eq!(world.dnc(contact).is_some(), opted_out);
    }
    world.pass(Span::minutes(20));
    {
        let now = world.now();
        let mut brain = world.shared.brain();
        let email = brain.add_email("News", "News");
        let mail = brain.send(now, email, contact).unwrap();
        brain.unsubscribe(now, mail);
    }
    world.pass(Span::minutes(2));
    world.edits(record, "Phone", Input::text("+33 2"));
    world.drive().await;
    assert_eq!(world.dnc(contact), Some(1), "unsubscribed, as they said");
    assert!(world.flag(record, "HasOptedOutOfEmail"));
    assert_eq!(world.field(contact, "phone"), "+33 2");
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn a_deleted_lead_is_flagged_and_never_comes_back() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    world.clerk(|brain, call| brain.delete(call, record).unwrap());
    world.drive().await;
    assert_eq!(world.field(contact, "crm_deleted"), "1");
    world.user_edits(contact, change("position", "Buyer"));
    world.drive().await;
    assert_eq!(world.records(LEAD), []);
    assert_eq!(world.records(CONTACT), []);
}

#[tokio::test]
async fn a_merged_lead_is_followed_to_the_survivor() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    let survivor = world.record(LEAD, "roy");
    world.clerk(|brain, call| {
        let none = Vec::new();
        brain.merge(call, survivor, &[record], &none).unwrap();
    });
    world.drive().await;
    world.user_edits(contact, change("position", "Buyer"));
    world.drive().await;
    assert_eq!(world.text(survivor, "Title"), "Buyer");
    assert_eq!(world.records(LEAD), [survivor]);
    assert_eq!(world.contacts(), [contact]);
}

#[tokio::test]
async fn a_converted_lead_is_followed_to_the_contact() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    let conversion = world.clerk(|brain, call| {
        brain
            .convert_lead(call, record, ConvertInto::default())
            .unwrap()
    });
    world.drive().await;
    let end = world.link_of(contact).salesforce.unwrap();
    assert_eq!(end.object, SalesforceObject::Contact);
    world.user_edits(contact, change("position", "Buyer"));
    world.drive().await;
    assert_eq!(world.text(conversion.contact, "Title"), "Buyer");
    assert_eq!(world.records(CONTACT), [conversion.contact]);
    assert_eq!(world.contacts(), [contact]);
}

#[tokio::test]
async fn an_e_mail_change_on_either_side_makes_no_second_person() {
    let world = World::new().await;
    let (record, contact) = pair(&world, LEAD, "roy").await;
    world.edits(record, "Email", Input::text("ada@x.example"));
    world.drive().await;
    assert_eq!(world.field(contact, "email"), "ada@x.example");
    world.user_edits(contact, change("email", "eve@x.example"));
    world.edits(record, "Phone", Input::text("+33 3"));
    world.drive().await;
    assert_eq!(world.text(record, "Email"), "eve@x.example");
    assert_eq!(world.field(contact, "phone"), "+33 3");
    assert_eq!(world.contacts(), [contact]);
    assert_eq!(world.records(LEAD), [record]);
    assert_eq!(world.by_email("eve@x.example"), contact);
    let now = world.now();
    let known = world
        .shared
        .brain()
        .user_creates(now, UserId(1), &input("zoe"));
    assert!(known.unwrap().is_new, "others are made as before");
}
