//! What the work costs in calls to Salesforce, counted by the simulated organisation itself and by
//! our own totals.

use passerelle::domain::command::Scope;
use passerelle::domain::ids::Side;
use passerelle::domain::time::Span;
use passerelle::sim::automation::acts::Visit;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::{ACCOUNT, CONTACT};
use passerelle::sim::salesforce::value::Value as Cell;

use crate::world::World;

/// Unoptimised builds do the same work on a tenth of the people, against the same bounds: only a release
/// build (`PASSERELLE_SLOW=1 cargo test --release --test it figures::`) proves the figures.
const SHARE: usize = if cfg!(debug_assertions) { 10 } else { 1 };

/// Contacts of accounts on both sides, in agreement, with the last name as given.
fn crowd(world: &World, size: usize) -> Vec<RecordId> {
    let now = world.now();
    world.site.with_brain(|brain| {
        let user = brain.integration_user();
        let accounts: Vec<RecordId> = (0..20)
            .map(|number| {
                let name = Cell::text(format!("Company {number}"));
                brain.seed(ACCOUNT, &[("Name", name)], user, now)
            })
            .collect();
        (0..size)
            .map(|number| {
                let fields = [
                    ("LastName", Cell::text(format!("Person {number}"))),
                    ("Email", Cell::text(format!("{number}@x.example"))),
                    ("AccountId", Cell::Id(accounts[number % 20])),
                ];
                brain.seed(CONTACT, &fields, user, now)
            })
            .collect()
    })
}

fn mirrored(world: &World, size: usize) {
    let now = world.now();
    let rows: Vec<ContactInput> = (0..size)
        .map(|number| {
            ContactInput::default()
                .with("email", format!("{number}@x.example"))
                .with("lastname", format!("Person {number}"))
                .with("company", format!("Company {}", number % 20))
        })
        .collect();
    let mut brain = world.shared.brain();
    let caller = brain.caller_for_user(passerelle::sim::automation::user::UserId(1));
    assert_eq!(brain.seed(now, caller.unwrap(), &rows).len(), size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_cycle_is_one_call_and_no_write() {
    let world = World::new().await;
    crowd(&world, 50);
    mirrored(&world, 50);
    world.drive().await;
    let idle = world.drive().await;
    idle.wrote_nothing();
    assert_eq!((idle.metered, idle.calls(), idle.cycles), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_people_are_pulled_and_pushed_within_the_budget() {
    const SIZE: usize = 10_000 / SHARE;
    if !crate::world::runs_slow_tests() {
        return;
    }
    let world = World::new().await;
    let ids = crowd(&world, SIZE);
    mirrored(&world, SIZE);
    let first = world.drive().await;
    println!(
        "first look: {} metered, {} ours, {} cycles",
        first.metered,
        first.calls(),
        first.cycles
    );
    println!("{:#?}", first.snapshot.totals);
    let again = world.drive().await;
    again.wrote_nothing();
    world.clerk(|brain, call| {
        for (number, id) in ids.iter().enumerate() {
            let mut fields = vec![("Phone".to_owned(), Input::Text(format!("+33 {number}")))];
            if number % 10 == 0 {
                fields.push(("HasOptedOutOfEmail".to_owned(), Input::Bool(true)));
            }
            brain.update(call, *id, &fields).unwrap();
        }
    });
    let pull = world.drive().await;
    println!(
        "pull: {} metered, {} ours, {} cycles",
        pull.metered,
        pull.calls(),
        pull.cycles
    );
    println!("{:#?}", pull.snapshot.totals);
    assert_eq!(pull.written(Side::Salesforce), 0);
    assert!(pull.metered <= 15 && pull.calls() <= 15, "{}", pull.metered);
    world.drive().await.wrote_nothing();
    // Past the overlap: what the pull wrote and read again is not part of a push.
    world.pass(Span::minutes(30));
    world.drive().await.wrote_nothing();
    {
        let now = world.now();
        let mut brain = world.shared.brain();
        let people: Vec<_> = brain.contacts().all().map(|contact| contact.id).collect();
        for (number, id) in people.into_iter().enumerate() {
            let input = ContactInput::default()
                .with("position", format!("Buyer {number}"))
                .with("company", format!("Company {}", (number + 1) % 20));
            let user = passerelle::sim::automation::user::UserId(1);
            brain.user_edits(now, user, id, &input).unwrap();
        }
    }
    let push = world.drive().await;
    println!(
        "push: {} metered, {} ours, {} cycles",
        push.metered,
        push.calls(),
        push.cycles
    );
    println!("{:#?}", push.snapshot.totals);
    assert_eq!(push.written(Side::Salesforce), SIZE as u64);
    assert!(push.metered <= 20 && push.calls() <= 20, "{}", push.metered);
    world.drive().await.wrote_nothing();
}

fn events(world: &World, count: usize) {
    let now = world.now();
    let mut brain = world.shared.brain();
    let people: Vec<_> = brain.contacts().all().map(|contact| contact.id).collect();
    let visit = Visit {
        url: "https://x.example/prices",
        title: "Prices",
        address: "192.0.2.7",
        ..Visit::default()
    };
    for number in 0..count {
        let at = now.plus_millis(-1_000 * (count - number) as i64);
        brain.hit(at, people[number % people.len()], &visit);
    }
}

async fn transferred(count: usize, calls_max: u64) {
    let world = World::new().await;
    crowd(&world, 1_000 / SHARE);
    mirrored(&world, 1_000 / SHARE);
    world.drive().await;
    world.pass(Span::seconds(count as i64 + 60));
    events(&world, count);
    let only = Scope {
        activities: true,
        ..Scope::OUTBOX
    };
    let sent = world.cycle(only).await;
    println!(
        "{count} events: {} metered, {} ours",
        sent.metered,
        sent.calls()
    );
    println!("{:#?}", sent.snapshot.totals);
    let references = world.references();
    assert_eq!(references.len(), count);
    assert!(references.windows(2).all(|two| two[0] != two[1]));
    assert!(sent.metered <= calls_max && sent.calls() <= calls_max);
    let again = world.drive().await;
    again.wrote_nothing();
    assert_eq!(world.references().len(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_activities_take_a_dozen_calls_and_the_second_run_writes_nothing() {
    transferred(10_000 / SHARE, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_activities_take_forty_calls() {
    transferred(100_000 / SHARE, 40).await;
}
