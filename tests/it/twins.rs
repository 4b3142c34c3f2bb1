//! Somebody who is a Lead and a Contact at once: the Contact is what is synced, an opt-out is heard on
//! either, and the Lead is a person of its own again once it has another address, or its Contact is gone.

use passerelle::domain::command::{Command, Scope};
use passerelle::domain::ids::SalesforceObject;
use passerelle::domain::link::Link;
use passerelle::domain::time::Span;
use passerelle::sim::faults::{CallMatcher, FaultKind};
use passerelle::sim::salesforce::OrgConfig;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD};

use crate::world::{MAPPING, World};

async fn twins() -> (World, RecordId, RecordId) {
    twins_in(World::new().await).await
}

async fn twins_in(world: World) -> (World, RecordId, RecordId) {
    let lead = world.record(LEAD, "both");
    let contact = world.record(CONTACT, "both");
    world.drive().await;
    world.drive().await.wrote_nothing();
    assert_eq!(world.contacts().len(), 1, "one person in Automation");
    (world, lead, contact)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_on_the_lead_reaches_automation_and_the_contact() {
    let (world, lead, contact) = twins().await;
    world.edits(lead, "HasOptedOutOfEmail", Input::Bool(true));
    world.drive().await;
    assert!(world.dnc(world.by_email("both@x.example")).is_some());
    assert!(world.flag(contact, "HasOptedOutOfEmail"));
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_with_another_address_is_somebody_else_again() {
    let (world, lead, _) = twins().await;
    world.edits(lead, "Email", Input::text("alone@x.example"));
    world.drive().await;
    let alone = world.by_email("alone@x.example");
    world.edits(lead, "Title", Input::text("Buyer"));
    world.drive().await;
    assert_eq!(world.field(alone, "position"), "Buyer");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_whose_contact_was_deleted_waits_for_nobody() {
    let (world, lead, contact) = twins().await;
    world.clerk(|org, call| org.delete(call, contact)).unwrap();
    world.drive().await;
    let link = link_of(&world, lead);
    assert_eq!(link.parked, None, "{link:?}");
}

fn link_of(world: &World, lead: RecordId) -> Link {
    let is_its = |link: &Link| {
        let end = link.salesforce.as_ref();
        end.is_some_and(|end| end.id.to_string() == lead.to_string())
    };
    let mut links = world.links().into_iter();
    links.find(is_its).expect("the Lead's link")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_left_unpaired_the_next_one_pairs() {
    for unharmed in 0..8 {
        let world = World::with(by_one(), MAPPING).await;
        let (world, lead, contact) = twins_in(world).await;
        world.clerk(|org, call| org.delete(call, contact)).unwrap();
        world.pass(Span::minutes(1));
        world.record(CONTACT, "other");
        let later = CallMatcher::default().after(unharmed);
        world.salesforce_fails(later, FaultKind::UnavailableBefore, u32::MAX);
        world.cycle(Scope::ALL).await;
        world.salesforce_recovers();
        world.pass(Span::hours(1));
        world.drive().await;
        let link = link_of(&world, lead);
        assert_eq!(link.parked, None, "after {unharmed} calls: {link:?}");
    }
}

/// Every query answers row by row, so that a read can end in its middle.
fn by_one() -> OrgConfig {
    OrgConfig {
        page_rows_max: 1,
        ..OrgConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_taken_for_somebody_before_all_was_read() {
    for unharmed in 0..12 {
        let world = World::with(by_one(), MAPPING).await;
        world.contact("both");
        world.record(CONTACT, "other");
        world.record(LEAD, "both");
        let contact = world.record(CONTACT, "both");
        let later = CallMatcher::default().after(unharmed);
        world.salesforce_fails(later, FaultKind::UnavailableBefore, u32::MAX);
        world.cycle(Scope::ALL).await;
        let is_lead = |link: &&Link| {
            let end = link.salesforce.as_ref();
            link.is_whole() && end.is_some_and(|end| end.object == SalesforceObject::Lead)
        };
        let links = world.links();
        let paired = links.iter().find(is_lead);
        assert_eq!(paired, None, "after {unharmed} calls, the Contact unread");
        world.salesforce_recovers();
        world.pass(Span::hours(1));
        world.drive().await;
        let person = world.link_of(world.by_email("both@x.example"));
        let end = person.salesforce.expect("it is paired");
        assert_eq!(end.id.to_string(), contact.to_string());
        assert_eq!(world.contacts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pairs_that_are_merged_on_both_sides_are_one() {
    let world = World::new().await;
    let leads = ["one", "two"].map(|name| world.record(LEAD, name));
    let contacts = ["one", "two"].map(|name| world.contact(name));
    world.drive().await;
    world
        .clerk(|org, call| org.merge(call, leads[1], &leads[..1], &Vec::new()))
        .unwrap();
    world.drive().await;
    assert_eq!(
        world.conflicts().await.len(),
        1,
        "which of the two contacts"
    );
    let link = world.conflicts().await[0].id;
    world.order(Command::Check { links: vec![link] }).await;
    world.drive().await;
    assert_eq!(world.conflicts().await.len(), 1, "until somebody says so");
    world.merges(contacts[0], contacts[1]);
    world.drive().await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.links().len(), 1, "{:?}", world.links());
}
