//! A configuration that changes while the sync runs: everybody is looked at again by it, and what no
//! longer fits a system is left alone until it fits again.

use std::sync::Arc;

use passerelle::app::desk::Desk;
use passerelle::console::query::{Foreseen, Sample};
use passerelle::console::{Answer, Msg, Query, Ticket};
use passerelle::domain::command::{Command, Fact, Refusal, Scope};
use passerelle::domain::conflict::Cause;
use passerelle::domain::ids::{AutomationId, Kind, RemoteId, Side};
use passerelle::domain::mapping::{Arrow, BlankTravel, Concurrent, Overwritten, Policy};
use passerelle::domain::operator::Role;
use passerelle::domain::setup::{Draft, InForce, Pair, Systems, Timetable, next_field};
use passerelle::domain::time::Span;
use passerelle::ports::Store as _;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::faults::{CallMatcher, FaultKind};
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::schema::{CONTACT, FieldAccess, LEAD};

use tokio::sync::{mpsc, watch};

use crate::world::{World, agreed};

const OVERLAP: Timetable = Timetable {
    is_enabled: false,
    pull: None,
    push: None,
    activities: None,
    overlap: Span::minutes(20),
};

/// What is in force, to be changed.
async fn draft(world: &World) -> Draft {
    let recovered = world.store.recover().await;
    let known = recovered.expect("a store in memory does not fail").policy;
    let policy = known.as_ref().map_or(&world.policy, |known| &known.policy);
    let versions = world.store.policies(100).await;
    let versions = versions.expect("a store in memory does not fail");
    let all = versions.iter().map(|version| &version.policy);
    let next = next_field(all.chain([&world.policy]));
    let version = known.as_ref().map_or(0, |known| known.version);
    Draft::new(version, policy, OVERLAP, next)
}

fn saved(draft: Draft) -> Command {
    Command::Configure {
        based_on: draft.based_on,
        policy: Box::new(draft.policy),
        timetable: draft.timetable,
    }
}

fn rule_of(policy: &Policy, salesforce: &str) -> passerelle::domain::mapping::FieldRule {
    let mut rules = policy.mapping.person.iter();
    let found = rules.find(|rule| rule.salesforce == salesforce);
    found.expect("a mapped field").clone()
}

fn systems(world: &World) -> Systems<'_> {
    Systems {
        salesforce: &world.described().salesforce,
        automation: &world.described().automation,
    }
}

fn pair(salesforce: &str, automation: &str, arrow: Arrow) -> Pair {
    Pair {
        salesforce: salesforce.to_owned(),
        objects: vec![
            passerelle::domain::ids::SalesforceObject::Lead,
            passerelle::domain::ids::SalesforceObject::Contact,
        ],
        automation: automation.to_owned(),
        arrow,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arrow_that_is_turned_lets_what_differed_travel_without_another_edit() {
    let (world, leads) = agreed(3).await;
    let mut new = draft(&world).await;
    let title = rule_of(&new.policy, "Title");
    let turned = Pair {
        arrow: Arrow::Automation,
        ..Pair::of(&title)
    };
    new.change(Kind::Person, title.id, &turned, systems(&world))
        .unwrap();
    world.instruct(saved(new)).await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.drive().await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(
        world.field(contact, "position"),
        "",
        "Automation has priority"
    );

    let mut back = draft(&world).await;
    back.change(Kind::Person, title.id, &Pair::of(&title), systems(&world))
        .unwrap();
    world.instruct(saved(back)).await;
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_that_is_added_is_read_for_everybody_and_one_taken_out_is_left_alone() {
    let (world, leads) = agreed(3).await;
    world.edits(leads[1], "Fax", Input::text("+33 1 00 00 00 01"));
    world.drive().await.wrote_nothing();
    let mut new = draft(&world).await;
    let wanted = pair("Fax", "fax", Arrow::Salesforce);
    let id = new.add(Kind::Person, &wanted, systems(&world)).unwrap();
    // The edit is older than anything that a regular reading would look at.
    world.pass(Span::days(3));
    let done = world.instruct(saved(new)).await;
    assert!(done.snapshot.review.is_none(), "{:?}", done.snapshot.review);
    let contact = world.by_email("p1@x.example");
    assert_eq!(world.field(contact, "fax"), "+33 1 00 00 00 01");

    let mut without = draft(&world).await;
    without.remove(Kind::Person, id);
    world.instruct(saved(without)).await;
    let known = world.links().iter().any(|link| link.field(id).is_some());
    assert!(!known, "what was remembered of the pair is gone");
    world.edits(leads[1], "Fax", Input::text("+33 1 00 00 00 02"));
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_of_a_pair_that_is_taken_out_ends() {
    let (world, leads) = agreed(1).await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    let contact = world.by_email("p0@x.example");
    world.user_edits(contact, ContactInput::default().with("position", "Seller"));
    world.drive().await;
    assert_eq!(world.conflicts().await.len(), 1);
    let mut without = draft(&world).await;
    let id = rule_of(&without.policy, "Title").id;
    without.remove(Kind::Person, id);
    world.instruct(saved(without)).await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.text(leads[0], "Title"), "Buyer");
    assert_eq!(world.field(contact, "position"), "Seller");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_that_was_cut_short_goes_on_with_the_next_process() {
    let (world, leads) = agreed(3).await;
    world.edits(leads[2], "Fax", Input::text("+33 1 00 00 00 03"));
    world.drive().await;
    let mut new = draft(&world).await;
    let wanted = pair("Fax", "fax", Arrow::Salesforce);
    new.add(Kind::Person, &wanted, systems(&world)).unwrap();
    // Salesforce does not answer, for longer than a cycle is patient.
    let all = CallMatcher::path("/composite");
    world.salesforce_fails(all, FaultKind::UnavailableBefore, 10_000);
    let done = world.instruct(saved(new)).await;
    let is_accepted = |fact: &Fact| matches!(fact, Fact::Accepted(_));
    assert!(done.facts.iter().any(is_accepted));
    let kept = world.store.recover().await.unwrap();
    let review = kept.review.expect("a review under way");
    assert_eq!((review.after, review.reads), (None, true));
    world.salesforce_recovers();
    world.cycle(Scope::OUTBOX).await;
    let contact = world.by_email("p2@x.example");
    assert_eq!(world.field(contact, "fax"), "+33 1 00 00 00 03");
    assert_eq!(world.store.recover().await.unwrap().review, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_of_two_who_changed_the_same_version_is_told_who_was_first() {
    let (world, _) = agreed(1).await;
    let (mut first, mut second) = (draft(&world).await, draft(&world).await);
    first.policy.update_blanks = !first.policy.update_blanks;
    second.policy.latest_do_not_contact = !second.policy.latest_do_not_contact;
    let base = world
        .store
        .recover()
        .await
        .unwrap()
        .policy
        .map(|known| known.version);
    assert_eq!(base, None);
    world.instruct(saved(first)).await;
    let refused = world.order(saved(second)).await;
    let is_told = refused.facts.iter().any(|fact| {
        matches!(
            fact,
            Fact::Refused(Refusal::OlderConfiguration {
                asked: 0,
                now: 1,
                made: Some(_)
            })
        )
    });
    assert!(is_told, "{:?}", refused.facts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_speaks_against_a_configuration_keeps_it_from_being_saved() {
    let (world, _) = agreed(1).await;
    let mut bad = draft(&world).await;
    let email = rule_of(&bad.policy, "Email").id;
    bad.remove(Kind::Person, email);
    let refused = world.order(saved(bad)).await;
    let is_told = |fact: &Fact| match fact {
        Fact::Refused(Refusal::Objected(said)) => {
            said.iter().any(|one| one.says == "unfit-no-email")
        }
        _ => false,
    };
    assert!(refused.facts.iter().any(is_told), "{:?}", refused.facts);
    let same = draft(&world).await;
    let nothing = world.order(saved(same)).await;
    assert!(
        nothing
            .facts
            .contains(&Fact::Refused(Refusal::NothingChanges))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpublished_plugin_takes_a_configuration_in_and_writes_nothing_by_it() {
    let (world, leads) = agreed(1).await;
    let mut off = draft(&world).await;
    off.policy.published = false;
    world.order(saved(off)).await;
    world.edits(leads[0], "Fax", Input::text("+33 1 00 00 00 04"));
    let mut new = draft(&world).await;
    let wanted = pair("Fax", "fax", Arrow::Salesforce);
    new.add(Kind::Person, &wanted, systems(&world)).unwrap();
    let done = world.order(saved(new)).await;
    assert_eq!(done.written(Side::Automation), 0);
    let mut on = draft(&world).await;
    on.policy.published = true;
    world.instruct(saved(on)).await;
    world.drive().await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "fax"), "+33 1 00 00 00 04");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_vanishes_is_left_alone_and_caught_up_when_it_is_back() {
    let (mut world, leads) = agreed(2).await;
    world.asks = true;
    world.sees(LEAD, "Title", false);
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.edits(leads[1], "Phone", Input::text("+33 1 00 00 00 05"));
    let done = world.drive().await;
    assert_eq!(done.snapshot.stopped, std::collections::BTreeMap::new());
    assert_eq!(
        done.snapshot.suspended.len(),
        1,
        "{:?}",
        done.snapshot.suspended
    );
    let (first, second) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    assert_eq!(world.field(second, "phone"), "+33 1 00 00 00 05");
    assert_eq!(world.field(first, "position"), "");
    let kept = world.store.recover().await.unwrap();
    assert_eq!(
        kept.suspended, done.snapshot.suspended,
        "known after a restart"
    );

    world.pass(Span::days(3));
    world.sees(LEAD, "Title", true);
    let done = world.drive().await;
    assert_eq!(done.snapshot.suspended, []);
    assert_eq!(world.field(first, "position"), "Buyer");
    let acts = world.store.acts(10).await.unwrap();
    let told: Vec<&str> = acts.iter().map(|act| act.act.as_str()).collect();
    assert_eq!(told, ["restore mapping", "suspend mapping"]);
    world.drive().await.wrote_nothing();
}

/// Both have the title Seller, then Automation's field is not published any more, and Salesforce's is
/// edited.
async fn unpublished(asks: bool) -> (World, passerelle::sim::salesforce::ids::RecordId) {
    let (mut world, leads) = agreed(1).await;
    world.edits(leads[0], "Title", Input::text("Seller"));
    world.drive().await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "position"), "Seller");
    world.asks = asks;
    world.shared.brain().publish_field("position", false);
    world.edits(leads[0], "Title", Input::text("Buyer"));
    (world, leads[0])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_not_published_is_left_alone_until_it_is_again() {
    let (world, lead) = unpublished(true).await;
    let done = world.drive().await;
    assert_eq!(done.snapshot.suspended.len(), 1);
    assert_eq!(done.written(Side::Automation), 0);
    world.pass(Span::days(3));
    world.shared.brain().publish_field("position", true);
    world.drive().await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "position"), "Buyer");
    assert_eq!(
        world.text(lead, "Title"),
        "Buyer",
        "nothing stale came back"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_the_answer_does_not_show_was_not_kept() {
    // Unpublished after the last look at what Automation is.
    let (world, lead) = unpublished(false).await;
    world.drive().await;
    let held = world.conflicts().await;
    let causes: Vec<_> = held.iter().flat_map(|link| &link.conflicts).collect();
    let is_told = |cause: &Cause| {
        matches!(
            cause,
            Cause::NotKept {
                side: Side::Automation,
                ..
            }
        )
    };
    assert!(
        matches!(causes[..], [conflict] if is_told(&conflict.cause)),
        "{causes:?}"
    );
    world.drive().await.wrote_nothing();
    world.shared.brain().publish_field("position", true);
    let contact = world.by_email("p0@x.example");
    // Anything, so that the contact is read again.
    world.user_edits(
        contact,
        ContactInput::default().with("phone", "+33 1 00 00 00 09"),
    );
    world.drive().await;
    assert_eq!(
        world.text(lead, "Title"),
        "Buyer",
        "nothing stale came back"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_writes_compares_first_and_one_that_does_not_costs_no_more_for_it() {
    let (mut world, leads) = agreed(2).await;
    // A schedule of minutes: the run before this one has asked.
    world.told_ago = Span::minutes(5);
    let idle = world.drive().await;
    idle.wrote_nothing();
    assert_eq!(idle.metered, 1);

    // Unpublished, a field is left out of records, and writes of it are ignored without a word.
    world.shared.brain().publish_field("position", false);
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.edits(leads[1], "Phone", Input::text("+33 1 00 00 00 07"));
    let done = world.drive().await;
    assert_eq!(done.snapshot.suspended.len(), 1, "{:?}", done.snapshot);
    assert_eq!(world.conflicts().await, []);
    let second = world.by_email("p1@x.example");
    assert_eq!(world.field(second, "phone"), "+33 1 00 00 00 07");

    world.shared.brain().publish_field("position", true);
    world.edits(leads[1], "Phone", Input::text("+33 1 00 00 00 08"));
    let done = world.drive().await;
    assert_eq!(done.snapshot.suspended, []);
    let first = world.by_email("p0@x.example");
    assert_eq!(world.field(first, "position"), "Buyer");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_refused_for_a_field_is_followed_by_a_comparison() {
    let (world, leads) = agreed(1).await;
    let now = world.now();
    world.site.with_brain(|brain| {
        let read_only = FieldAccess::ReadOnly;
        assert!(brain.grant(LEAD, "Title", read_only, now));
    });
    let contact = world.by_email("p0@x.example");
    world.user_edits(contact, ContactInput::default().with("position", "Buyer"));
    let id = RemoteId::Automation(Kind::Person, AutomationId(u64::from(contact.0)));
    let hint = Command::Look { records: vec![id] };
    let done = world
        .instruct_each(vec![hint, Command::RunCycle(Scope::OUTBOX)])
        .await;
    assert_eq!(done.snapshot.suspended.len(), 1, "{:?}", done.snapshot);
    assert_eq!(world.text(leads[0], "Title"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_synced_while_opt_outs_cannot_be_seen() {
    let (mut world, leads) = agreed(1).await;
    world.asks = true;
    world.sees(CONTACT, "HasOptedOutOfEmail", false);
    world.edits(leads[0], "Phone", Input::text("+33 1 00 00 00 06"));
    let done = world.drive().await;
    let stopped = &done.snapshot.stopped[&Side::Salesforce];
    assert!(
        stopped.message.contains("Contact.HasOptedOutOfEmail"),
        "{stopped}"
    );
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "phone"), "");
    world.sees(CONTACT, "HasOptedOutOfEmail", true);
    world.drive().await;
    assert_eq!(world.field(contact, "phone"), "+33 1 00 00 00 06");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_that_cannot_be_written_stops_nothing_else_and_is_written_when_it_can() {
    let (mut world, leads) = agreed(2).await;
    world.asks = true;
    world.grants(LEAD, "HasOptedOutOfEmail", FieldAccess::ReadOnly);
    world.opts_out(world.by_email("p0@x.example"));
    world.edits(leads[1], "HasOptedOutOfEmail", Input::Bool(true));
    world.edits(leads[1], "Phone", Input::text("+33 1 00 00 00 06"));
    let done = world.drive().await;
    assert_eq!(done.snapshot.stopped, std::collections::BTreeMap::new());
    let contact = world.by_email("p1@x.example");
    assert_eq!(world.field(contact, "phone"), "+33 1 00 00 00 06");
    assert!(world.dnc(contact).is_some(), "it is heard");
    let refused = world.link_of(world.by_email("p0@x.example"));
    let failure = refused.pending[0].failure.as_ref();
    assert!(failure.is_some(), "what was refused is told: {refused:?}");
    world.grants(LEAD, "HasOptedOutOfEmail", FieldAccess::Full);
    world.pass(Span::hours(1));
    world.drive().await;
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
    assert_eq!(world.conflicts().await, []);
}

/// What the console would be told that a configuration would do.
async fn foreseen(world: &World, policy: Policy) -> Foreseen {
    let recovered = world.store.recover().await;
    let known = recovered.expect("a store in memory does not fail").policy;
    let in_force = InForce {
        version: known.as_ref().map_or(0, |known| known.version),
        policy: Arc::new(known.map_or_else(|| world.policy.clone(), |known| known.policy)),
        described: Arc::new(world.described().clone()),
        ..InForce::default()
    };
    let outside = world.outside().clone();
    let desk = Desk {
        store: outside.store.clone(),
        setups: watch::channel(Arc::new(in_force)).1,
        journal: Arc::default(),
        data: std::path::PathBuf::new(),
        settings: serde_json::Value::Null,
        snapshots: watch::channel(Arc::default()).1,
        clock: outside.clock.clone(),
        role: Role::Admin,
        reception: None,
        outside: Some(outside),
        doctor: passerelle::app::desk::Doctor::default(),
    };
    let (questions, asked) = mpsc::channel(1);
    let (told, mut answers) = mpsc::channel(1);
    let query = Query::Forecast(Box::new(policy));
    let sent = questions.send((Ticket(1), query)).await;
    sent.expect("the desk takes questions");
    let serving = tokio::spawn(desk.serve(asked, told));
    let answer = answers.recv().await;
    drop(questions);
    serving
        .await
        .expect("the desk ends when nobody asks any more");
    let Some(Msg::Answered(_, Answer::Forecast(seen))) = answer else {
        return Foreseen::default();
    };
    *seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_foreseen_is_what_is_written_when_it_is_saved() {
    let (world, leads) = agreed(5).await;
    for lead in &leads[..3] {
        world.edits(*lead, "Fax", Input::text("+33 1 00 00 00 01"));
    }
    world.drive().await.wrote_nothing();
    let mut new = draft(&world).await;
    let wanted = pair("Fax", "fax", Arrow::Salesforce);
    new.add(Kind::Person, &wanted, systems(&world)).unwrap();
    let seen = foreseen(&world, new.policy.clone()).await;
    let sample = Sample::Read {
        looked_at: 5,
        changed: 3,
    };
    assert_eq!((seen.changed, seen.sample), (0, Some(sample)));
    assert_eq!(
        seen.calls[&Side::Automation],
        2,
        "one to read, one to write"
    );
    world.drive().await.wrote_nothing();
    let done = world.instruct(saved(new)).await;
    assert_eq!(done.written(Side::Automation), 3);

    let title = rule_of(&draft(&world).await.policy, "Title");
    world.edits(leads[4], "Title", Input::text("Buyer"));
    let mut turned = draft(&world).await;
    let away = Pair {
        arrow: Arrow::Automation,
        ..Pair::of(&title)
    };
    turned
        .change(Kind::Person, title.id, &away, systems(&world))
        .unwrap();
    world.instruct(saved(turned)).await;
    world.drive().await.wrote_nothing();
    let mut back = draft(&world).await;
    back.change(Kind::Person, title.id, &Pair::of(&title), systems(&world))
        .unwrap();
    let seen = foreseen(&world, back.policy.clone()).await;
    assert_eq!((seen.changed, seen.sample.clone()), (1, None), "{seen:?}");
    assert_eq!(seen.samples, ["p4@x.example"]);
    let done = world.instruct(saved(back)).await;
    assert_eq!(
        done.written(Side::Automation),
        seen.values[&Side::Automation]
    );
}
