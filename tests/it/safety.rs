//! What keeps a customer safe from their own sync: the budget of calls, the brake, the dry run, the
//! suppression of addresses; and owners, who travel as people.

use passerelle::domain::command::{Command, Fact, Scope};
use passerelle::domain::conflict::{Choice, Resolution};
use passerelle::domain::ids::Side;
use passerelle::domain::record::PlanKind;
use passerelle::domain::time::Span;
use passerelle::engine::{Brake, Writes};
use passerelle::ports::Store as _;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::LEAD;
use passerelle::sim::salesforce::value::OwnedValue;

use crate::world::{MAPPING, World, agreed, input, owned_by};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_share_of_calls_is_never_exceeded_and_its_end_is_kept_for_opt_outs() {
    let (world, leads) = agreed(3).await;
    // Half of it is ours, and every call so far was ours too.
    world
        .site
        .with_brain(|brain| brain.set_daily_allocation(180));
    let mut title = String::new();
    for number in 0..100 {
        title = format!("Title {number}");
        world.edits(leads[0], "Title", Input::text(&title));
        if world.cycle(Scope::ALL).await.waited_for(Side::Salesforce) {
            break;
        }
    }
    let spent = world.metered();
    assert!((60..=75).contains(&spent), "{spent}");
    let contact = world.by_email("p1@x.example");
    world.opts_out(contact);
    world.pass(Span::minutes(20));
    let scope = Scope {
        pull: false,
        ..Scope::ALL
    };
    world.cycle(scope).await;
    assert!(world.flag(leads[1], "HasOptedOutOfEmail"));
    assert!(world.metered() <= 90, "{}", world.metered());
    // The platform's day is over: work goes on by itself.
    world.pass(Span::hours(25));
    world.drive().await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "position"), title);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mass_overwrite_stops_and_asks_but_opt_outs_pass() {
    const SIZE: usize = 40;
    let (mut world, leads) = agreed(SIZE).await;
    for lead in &leads {
        world.edits(*lead, "LastName", Input::text("Overwritten"));
    }
    world.edits(leads[7], "HasOptedOutOfEmail", Input::Bool(true));
    world.brake = Brake::On {
        links_max: 10,
        percent_max: 25,
    };
    let braked = world.drive().await;
    assert!(braked.snapshot.is_braked);
    assert!(
        braked
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::BrakePulled { .. }))
    );
    let overwritten = |world: &World| {
        let all = (0..SIZE).map(|number| world.by_email(&format!("p{number}@x.example")));
        all.filter(|id| world.field(*id, "lastname") == "Overwritten")
            .count()
    };
    // The opt-out takes its record's other values along.
    assert!(overwritten(&world) <= 11, "{}", overwritten(&world));
    let out = world.by_email("p7@x.example");
    assert!(world.dnc(out).is_some());
    world.brake = Brake::Released;
    world.drive().await;
    assert_eq!(overwritten(&world), SIZE);
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_nothing_and_counts_what_the_next_run_writes() {
    let (mut world, leads) = agreed(5).await;
    for lead in &leads[..3] {
        world.edits(*lead, "Title", Input::text("Buyer"));
    }
    let contact = world.by_email("p4@x.example");
    world.user_edits(contact, input("p4").with("phone", "+33 1 02 03 04 05"));
    let newcomer = input("newcomer").with("lead_company", "Orion SARL");
    world.contact_with(newcomer.with("vip", "0"));
    world.writes = Writes::Count;
    let counted = world.drive().await;
    counted.wrote_nothing();
    world.writes = Writes::Send;
    let sent = world.cycle(Scope::ALL).await;
    assert_eq!(
        counted.snapshot.totals.would_write,
        sent.snapshot.totals.written
    );
    assert_eq!(sent.written(Side::Salesforce), 2);
    assert_eq!(sent.written(Side::Automation), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_of_a_backfill_counts_once_and_leaves_no_plan_behind() {
    let (mut world, _) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    world.earns(contact, 3);
    world.pass(Span::hours(1));
    let until = world.moment();
    let backfill = Command::Backfill {
        kind: PlanKind::Backfill,
        from: until - Span::days(7),
        until,
    };
    world.writes = Writes::Count;
    let counted = world.instruct(backfill.clone()).await;
    let would = &counted.snapshot.totals.would_write;
    assert_eq!(would.salesforce.get("activity"), Some(&3));
    assert_eq!(world.references(), Vec::<String>::new());
    let kept = world.store.recover().await.unwrap();
    assert!(kept.plans.is_empty(), "{:?}", kept.plans);
    assert!(world.store.acts(10).await.unwrap().is_empty());
    world.writes = Writes::Send;
    world.instruct(backfill).await;
    assert_eq!(world.references().len(), 3);
    assert!(world.store.recover().await.unwrap().plans.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_turns_up_again_under_an_address_that_opted_out_is_out() {
    let (world, leads) = agreed(2).await;
    world.edits(leads[0], "HasOptedOutOfEmail", Input::Bool(true));
    world.drive().await;
    world.clerk(|brain, call| brain.delete(call, leads[0]).unwrap());
    world.deletes(world.by_email("p0@x.example"));
    world.drive().await;
    // Somebody else's record gets that address: nobody may mail it there either.
    let other = world.by_email("p1@x.example");
    world.user_edits(other, ContactInput::default().with("email", "p0@x.example"));
    world.drive().await;
    assert!(world.dnc(other).is_some(), "{:?}", world.link_of(other));
    assert!(world.flag(leads[1], "HasOptedOutOfEmail"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_made_for_an_address_that_opted_out_is_made_opted_out() {
    let (world, _) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    world.opts_out(contact);
    world.drive().await;
    // The Lead's address was typed wrong, and somebody enters the person again.
    let lead = world.records(LEAD)[0];
    world.edits(lead, "Email", Input::text("moved@x.example"));
    world.drive().await;
    let again = world.record(LEAD, "p0");
    world.drive().await;
    let made = world.by_email("p0@x.example");
    assert!(world.dnc(made).is_some(), "{:?}", world.link_of(made));
    assert!(world.flag(again, "HasOptedOutOfEmail"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_comes_along_when_its_record_is_merged_away() {
    let (world, leads) = agreed(2).await;
    let (loser, winner) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    world.opts_out(loser);
    world.drive().await;
    world.merges(loser, winner);
    world.drive().await;
    assert!(world.dnc(winner).is_some());
    assert!(world.flag(leads[1], "HasOptedOutOfEmail"));
}

const WITH_OWNERS: &str = "
[plugin]
sync_owners = true
activity_types = []
";

/// Sellers with a user in each system, and one person in agreement.
async fn with_sellers() -> (World, RecordId, ContactId, [(RecordId, UserId); 3]) {
    let mut world = World::new().await;
    let lead = world.record(LEAD, "roy");
    let contact = world.contact("roy");
    let now = world.now();
    let names = [
        ("Ada", "ada@acme.example"),
        ("Bo", "bo@acme.example"),
        ("Cy", "cy@acme.example"),
    ];
    let sellers = names.map(|(name, email)| {
        let number = world.hires_in_automation(name, email);
        let record = world
            .site
            .with_brain(|brain| brain.add_user((name, "Seller"), email, now));
        (record, number)
    });
    world.set_up(WITH_OWNERS, MAPPING).await;
    world.drive().await;
    (world, lead, contact, sellers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_travels_both_ways_as_the_person_with_that_address() {
    let (world, lead, contact, sellers) = with_sellers().await;
    let [(ada, ada_number), (bo, bo_number), _] = sellers;
    world.edits(lead, "OwnerId", Input::Text(ada.to_string()));
    world.drive().await;
    assert_eq!(world.owner(contact), Some(ada_number));
    world.user_edits(contact, owned_by(bo_number));
    world.drive().await;
    assert_eq!(world.cell(lead, "OwnerId"), OwnedValue::Id(bo));
    world.drive().await.wrote_nothing();
    assert_ne!(ada, bo);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decided_owner_is_each_systems_own_user() {
    let (world, lead, contact, sellers) = with_sellers().await;
    let [(ada, _), (bo, bo_number), (_, cy_number)] = sellers;
    world.edits(lead, "OwnerId", Input::Text(ada.to_string()));
    world.drive().await;
    world.edits(lead, "OwnerId", Input::Text(bo.to_string()));
    world.user_edits(contact, owned_by(cy_number));
    world.drive().await;
    let links = world.conflicts().await;
    assert_eq!(links.len(), 1, "{links:?}");
    let decide = |choice| {
        Command::Resolve(vec![Resolution {
            link: links[0].id,
            generation: links[0].generation,
            choices: vec![(links[0].conflicts[0].subject, choice)],
        }])
    };
    world.instruct(decide(Choice::Salesforce)).await;
    assert_eq!(world.owner(contact), Some(bo_number));
    assert_eq!(world.cell(lead, "OwnerId"), OwnedValue::Id(bo));
    world.drive().await.wrote_nothing();
}
