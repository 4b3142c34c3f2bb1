//! Somebody who is a Lead and a Contact at once: the Contact is what is synced, an opt-out is heard on
//! either, and the Lead is a person of its own again once it has another address, or its Contact is gone.

use passerelle::domain::command::Scope;
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
    let world = World::new().await;
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
    let link = world
        .links()
        .into_iter()
        .find(|link| {
            let end = link.salesforce.as_ref();
            end.is_some_and(|end| end.id.to_string() == lead.to_string())
        })
        .expect("the Lead's link");
    assert_eq!(link.parked, None, "{link:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_taken_for_somebody_before_all_was_read() {
    for unharmed in 0..12 {
        let by_one = OrgConfig {
            page_rows_max: 1,
            ..OrgConfig::default()
        };
        let world = World::with(by_one, MAPPING).await;
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
