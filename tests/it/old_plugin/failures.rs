//! Findings about two runs at once, lost connections, refusals and a wrong set-up.

use passerelle::domain::failure::FailureKind;
use passerelle::domain::ids::Side;
use passerelle::ports::StoreError;
use passerelle::sim::automation::acts::Visit;
use passerelle::sim::faults::{CallMatcher, FaultKind};
use passerelle::sim::salesforce::OrgConfig;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::schema::{FieldAccess, LEAD};
use passerelle::store::SledStore;

use crate::world::{MAPPING, World, input};

#[test]
fn two_syncs_at_once_are_impossible_and_the_second_is_told_who_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let held = SledStore::open(folder.path(), "process 7 of ada").unwrap();
    match SledStore::open(folder.path(), "process 8 of eve") {
        Err(StoreError::Held { holder, .. }) => assert_eq!(holder, "process 7 of ada"),
        other => panic!("{:?}", other.map(drop)),
    }
    drop(held);
    SledStore::open(folder.path(), "process 8 of eve").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_while_leads_are_created_makes_no_duplicate() {
    const SIZE: usize = 30;
    for kind in [FaultKind::ResetAfter, FaultKind::UnavailableAfter] {
        // Whichever call it is that suffers: a look, the creation, the look after it.
        for spared in 0..5 {
            let world = World::new().await;
            for number in 0..SIZE {
                world.contact_with(input(&format!("p{number}")).with("lead_company", "Orion"));
            }
            let call = CallMatcher::path("/composite").after(spared);
            world.salesforce_fails(call, kind, 1);
            world.drive().await;
            let drawn = world.site.gate.with_plan(|plan| plan.drawn().clone());
            assert_eq!(drawn.get(&kind), Some(&1), "{kind:?} after {spared}");
            let leads = world.records(LEAD);
            let mut emails: Vec<String> = leads.iter().map(|id| world.text(*id, "Email")).collect();
            emails.sort();
            emails.dedup();
            assert_eq!(
                (leads.len(), emails.len()),
                (SIZE, SIZE),
                "{kind:?} after {spared}"
            );
            // What was not answered is looked for once it must be done.
            world.pass(passerelle::domain::time::Span::minutes(10));
            world.drive().await;
            assert_eq!(world.records(LEAD).len(), SIZE, "{kind:?} after {spared}");
            world.drive().await.wrote_nothing();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_fails_loses_nothing() {
    // An optimised build reads two pages, another one a page and its end.
    const SIZE: usize = if cfg!(debug_assertions) { 250 } else { 2_100 };
    for spared in 0..2 {
        let world = World::new().await;
        for number in 0..SIZE {
            world.record(LEAD, &format!("p{number}"));
        }
        let call = CallMatcher::default().after(spared);
        world.salesforce_fails(call, FaultKind::UnavailableBefore, 1);
        world.drive().await;
        let drawn = world.site.gate.with_plan(|plan| plan.drawn().len());
        assert_eq!((world.contacts().len(), drawn), (SIZE, 1), "after {spared}");
    }
}

#[tokio::test]
async fn spent_calls_are_told_and_lose_nothing() {
    let world = World::new().await;
    let record = world.record(LEAD, "roy");
    let contact = world.contact("roy");
    world.drive().await;
    world.edits(record, "Title", Input::text("Buyer"));
    world.site.with_brain(|brain| brain.set_daily_allocation(1));
    let done = world.drive().await;
    assert!(done.waited_for(Side::Salesforce), "{:?}", done.snapshot);
    world
        .site
        .with_brain(|brain| brain.set_daily_allocation(100_000));
    world.pass(passerelle::domain::time::Span::minutes(20));
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
}

#[tokio::test]
async fn a_hidden_field_stops_that_side_with_a_sentence_and_loses_nothing() {
    let world = World::new().await;
    let record = world.record(LEAD, "roy");
    let contact = world.contact("roy");
    world.drive().await;
    let hide = |access| {
        let now = world.now();
        world
            .site
            .with_brain(|brain| assert!(brain.grant(LEAD, "HasOptedOutOfEmail", access, now)));
    };
    hide(FieldAccess::Hidden);
    world.edits(record, "Title", Input::text("Buyer"));
    let done = world.drive().await;
    let failure = &done.snapshot.stopped[&Side::Salesforce];
    assert!(failure.message.contains("HasOptedOutOfEmail"), "{failure}");
    hide(FieldAccess::Full);
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
}

#[tokio::test]
async fn a_missing_timeline_object_is_said_in_a_sentence_and_its_events_are_kept() {
    let org = OrgConfig {
        timeline: None,
        ..OrgConfig::default()
    };
    let world = World::with(org, MAPPING).await;
    let record = world.record(LEAD, "roy");
    let contact = world.contact("roy");
    world.drive().await;
    {
        let now = world.now();
        let visit = Visit {
            url: "https://x.example/prices",
            address: "192.0.2.7",
            ..Visit::default()
        };
        world.shared.brain().hit(now, contact, &visit);
    }
    world.edits(record, "Title", Input::text("Buyer"));
    let done = world.drive().await;
    assert_eq!(
        world.field(contact, "position"),
        "Buyer",
        "the rest flows on"
    );
    let failure = done.snapshot.stopped.get(&Side::Salesforce);
    let failure = failure.unwrap_or_else(|| panic!("{:#?}", done.snapshot));
    assert!(failure.message.contains("mautic_timeline__c"), "{failure}");
    assert!(done.calls() < 10, "and it does not ask thousands of times");
}

#[tokio::test]
async fn credentials_that_are_no_longer_good_stop_that_side_and_ask_for_a_person() {
    let world = World::new().await;
    let record = world.record(LEAD, "roy");
    let contact = world.contact("roy");
    world.drive().await;
    world.edits(record, "Title", Input::text("Buyer"));
    let change_secret = |secret: &str| {
        world.site.with_brain(|brain| {
            brain.app_mut("app").unwrap().client_secret = Some(secret.to_owned());
            brain.expire_sessions();
        });
    };
    change_secret("another");
    let done = world.drive().await;
    let failure = &done.snapshot.stopped[&Side::Salesforce];
    assert_eq!(failure.kind, FailureKind::Unauthorised, "{failure}");
    change_secret("secret");
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
}
