//! An e-mail address that moves: to nobody's, to somebody else's, and back to nobody's.

use passerelle::domain::command::{Command, Fact, Refusal};
use passerelle::domain::conflict::{Cause, Choice, Resolution, Subject};
use passerelle::domain::ids::{LinkId, Side};
use passerelle::domain::link::Link;
use passerelle::domain::value::Value;
use passerelle::ports::Store as _;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;

use crate::world::{World, agreed};

/// Three people in agreement on both sides; the first one's Lead is given the second one's address.
async fn moved() -> (World, Vec<RecordId>) {
    let (world, leads) = agreed(3).await;
    world.edits(leads[0], "Email", Input::text("p1@x.example"));
    world.drive().await;
    (world, leads)
}

async fn the_one_held(world: &World) -> (Link, LinkId) {
    let links = world.conflicts().await;
    assert_eq!(links.len(), 1, "{links:?}");
    let link = &links[0];
    let by = match link.conflicts[0].cause {
        Cause::EmailTaken { by, .. } => by,
        _ => link.id,
    };
    assert_ne!(by, link.id, "{:?}", link.conflicts);
    let expected = Cause::EmailTaken {
        side: Side::Automation,
        address: Value::Text("p1@x.example".to_owned()),
        by,
    };
    assert_eq!(link.conflicts[0].cause, expected);
    (link.clone(), by)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_somebody_else_is_held_and_merges_nobody() {
    let (world, leads) = moved().await;
    the_one_held(&world).await;
    let (first, second) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    assert_ne!(first, second, "still two people");
    // What else is edited goes on.
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.drive().await;
    assert_eq!(world.field(first, "position"), "Buyer");
    assert_eq!(world.field(first, "email"), "p0@x.example");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leaves_once_the_address_is_free() {
    let (world, leads) = moved().await;
    let first = world.by_email("p0@x.example");
    world.edits(leads[1], "Email", Input::text("new@x.example"));
    world.drive().await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.field(first, "email"), "p1@x.example");
    assert_eq!(
        world.field(world.by_email("new@x.example"), "lastname"),
        "p1"
    );
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_is_refused_in_part_leaves_no_trace() {
    let (world, _) = moved().await;
    let (link, _) = the_one_held(&world).await;
    let before = world.store.history(link.id, 100).await.unwrap();
    let own = Choice::Typed(Value::Text("own@x.example".to_owned()));
    let refused = world
        .order(Command::Resolve(vec![Resolution {
            link: link.id,
            generation: link.generation,
            choices: vec![
                (link.conflicts[0].subject, own),
                (Subject::Deletion, Choice::KeepBoth),
            ],
        }]))
        .await;
    let expected = Fact::Refused(Refusal::NoSuchConflict(link.id));
    assert!(refused.facts.contains(&expected), "{:?}", refused.facts);
    assert_eq!(world.store.history(link.id, 100).await.unwrap(), before);
    assert_eq!(world.conflicts().await, [link]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_can_take_another_address_but_nobody_elses() {
    let (world, leads) = moved().await;
    let (link, by) = the_one_held(&world).await;
    let decide = |link: &Link, choice| {
        Command::Resolve(vec![Resolution {
            link: link.id,
            generation: link.generation,
            choices: vec![(link.conflicts[0].subject, choice)],
        }])
    };
    let typed = |text: &str| Choice::Typed(Value::Text(text.to_owned()));
    let refused = world.order(decide(&link, Choice::Salesforce)).await;
    let expected = Fact::Refused(Refusal::ChoiceDoesNotFit(link.id));
    assert!(refused.facts.contains(&expected), "{:?}", refused.facts);
    let refused = world.order(decide(&link, typed("P1@x.example "))).await;
    let expected = Fact::Refused(Refusal::AddressTaken { link: link.id, by });
    assert!(refused.facts.contains(&expected), "{:?}", refused.facts);
    world.instruct(decide(&link, typed("own@x.example"))).await;
    let first = world.by_email("own@x.example");
    assert_eq!(world.field(first, "lastname"), "p0");
    assert_eq!(world.text(leads[0], "Email"), "own@x.example");
    world.drive().await.wrote_nothing();
    assert_eq!(world.conflicts().await, []);
}
