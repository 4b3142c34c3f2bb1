//! What an operator steers with: pausing a queue, releasing the brake, setting a contact aside, reading
//! it again, giving a write up, counting and steering a backfill.

use passerelle::domain::command::{Command, Fact, Queue, Refusal, Scope, Steer};
use passerelle::domain::conflict::{Cause, Choice, Resolution};
use passerelle::domain::ids::{AutomationId, Generation, Kind, LinkId, Side};
use passerelle::domain::link::{Link, Mark, Parked};
use passerelle::domain::record::{Act, LinkKey, LinkPage, Listing, PlanKind};
use passerelle::domain::time::{Span, Timestamp};
use passerelle::engine::Brake;
use passerelle::ports::Store as _;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::CONTACT;

use crate::world::{World, agreed, input};

async fn link_of(world: &World, name: &str) -> LinkId {
    let contact = world.by_email(&format!("{name}@x.example"));
    let key = LinkKey::Automation(Kind::Person, AutomationId(contact.0.into()));
    let loaded = world.store.load(vec![key], false).await;
    loaded.expect("a store in memory does not fail").links[0].id
}

const fn is_answer(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Accepted(_) | Fact::AcceptedInPart { .. } | Fact::Refused(_)
    )
}

fn accepted(facts: &[Fact]) -> bool {
    facts.iter().any(|fact| matches!(fact, Fact::Accepted(_)))
}

/// The title of each lead is edited on both sides; their links, in conflict now.
async fn disagreeing(world: &World, leads: &[RecordId]) -> Vec<Link> {
    for (number, lead) in leads.iter().enumerate() {
        world.edits(*lead, "Title", Input::text("Buyer"));
        let contact = world.by_email(&format!("p{number}@x.example"));
        let edited = input(&format!("p{number}")).with("position", "Seller");
        world.user_edits(contact, edited);
    }
    world.drive().await;
    let links = world.conflicts().await;
    assert_eq!(links.len(), leads.len(), "{links:?}");
    links
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_queue_lets_only_opt_outs_out_over_restarts_until_it_is_resumed() {
    let (world, leads) = agreed(3).await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.edits(leads[1], "HasOptedOutOfEmail", Input::Bool(true));
    let paused = world.order(Command::Pause(Queue::Automation)).await;
    assert!(accepted(&paused.facts));
    let held = world.drive().await;
    assert_eq!(held.snapshot.paused, [Queue::Automation].into());
    let (first, second) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    assert_eq!(world.field(first, "position"), "");
    assert!(world.dnc(second).is_some(), "an opt-out always passes");
    world.instruct(Command::Resume(Queue::Automation)).await;
    assert_eq!(world.field(first, "position"), "Buyer");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_released_brake_lets_one_cycle_pass_and_watches_the_next() {
    const SIZE: usize = 40;
    let (mut world, leads) = agreed(SIZE).await;
    world.brake = Brake::On {
        links_max: 10,
        percent_max: 25,
    };
    let overwrite = |world: &World, name: &str| {
        for lead in &leads {
            world.edits(*lead, "LastName", Input::text(name));
        }
    };
    let overwritten = |world: &World, name: &str| {
        let all = (0..SIZE).map(|number| world.by_email(&format!("p{number}@x.example")));
        all.filter(|id| world.field(*id, "lastname") == name)
            .count()
    };
    overwrite(&world, "First");
    let held = world.drive().await;
    assert!(held.snapshot.is_braked);
    assert!(overwritten(&world, "First") < SIZE);
    let writes = held.snapshot.queued.values().sum();
    let released = world.instruct(Command::ReleaseBrake { writes }).await;
    assert!(!released.snapshot.is_braked);
    assert_eq!(overwritten(&world, "First"), SIZE);
    let again = world.order(Command::ReleaseBrake { writes }).await;
    assert!(again.facts.contains(&Fact::Refused(Refusal::NoBrake)));
    overwrite(&world, "Second");
    assert!(world.drive().await.snapshot.is_braked);
    assert!(overwritten(&world, "Second") < SIZE);
    // Somebody saw that three wait: forty are not let go by that.
    let few = world.instruct(Command::ReleaseBrake { writes: 3 }).await;
    assert!(few.snapshot.is_braked);
    assert!(overwritten(&world, "Second") < SIZE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_set_aside_is_left_alone_until_its_day_and_then_caught_up() {
    let (world, leads) = agreed(2).await;
    let link = link_of(&world, "p0").await;
    let until = world.moment() + Span::hours(2);
    world
        .instruct(Command::SetAside {
            links: vec![link],
            until: Some(until),
        })
        .await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.drive().await.wrote_nothing();
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "position"), "");
    world.pass(Span::hours(3));
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Buyer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_taken_apart_stays_so_until_it_is_taken_back_and_then_read_again() {
    let (world, leads) = agreed(2).await;
    let link = link_of(&world, "p0").await;
    world.instruct(Command::Unlink { links: vec![link] }).await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.pass(Span::days(40));
    world.drive().await.wrote_nothing();
    let aside = LinkPage {
        listing: Listing::Marked(Mark::SetAside),
        after: None,
        size_max: 10,
    };
    let listed = world.store.links(aside).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].parked, Some(Parked::Unlinked));
    world
        .instruct(Command::TakeBack { links: vec![link] })
        .await;
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.field(contact, "position"), "Buyer");
    assert_eq!(world.store.links(aside).await.unwrap(), Vec::new());
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_taken_apart_is_not_asked_about_any_more_until_taken_back() {
    let (world, _) = agreed(0).await;
    world.contact("both");
    world.record(CONTACT, "both");
    world.drive().await;
    let second = world.record(CONTACT, "both");
    world.drive().await;
    let asked = world.conflicts().await;
    let [link] = &asked[..] else {
        panic!("{asked:?}");
    };
    let end = link.salesforce.as_ref().map(|end| end.id.to_string());
    assert_eq!(end, Some(second.to_string()));
    let links = vec![link.id];
    world
        .instruct(Command::Unlink {
            links: links.clone(),
        })
        .await;
    assert_eq!(world.conflicts().await, []);
    world.drive().await.wrote_nothing();
    world.instruct(Command::TakeBack { links }).await;
    world.drive().await;
    assert_eq!(world.conflicts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_read_again_is_brought_in_line_without_a_cycle_of_everything() {
    let (world, leads) = agreed(2).await;
    let link = link_of(&world, "p0").await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.edits(leads[1], "Title", Input::text("Seller"));
    world.instruct(Command::Check { links: vec![link] }).await;
    let (first, second) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    assert_eq!(world.field(first, "position"), "Buyer");
    assert_eq!(world.field(second, "position"), "", "nobody else was read");
    let nobody = Command::Check {
        links: vec![LinkId(9_999)],
    };
    let refused = world.order(nobody).await;
    assert!(
        refused
            .facts
            .contains(&Fact::Refused(Refusal::NoSuchLink(LinkId(9_999))))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_decides_second_is_told_who_was_first_and_when() {
    let (world, leads) = agreed(2).await;
    let links = disagreeing(&world, &leads).await;
    // The second one decides on both, of which one is still as it was seen.
    let (first, second) = (
        vec![decision(&links[0])],
        links.iter().map(decision).collect(),
    );
    let facts = world
        .instruct_twice(Command::Resolve(first), Command::Resolve(second))
        .await;
    let in_part = |fact: &Fact| match fact {
        Fact::AcceptedInPart { refused, .. } => Some(refused.clone()),
        _ => None,
    };
    let refused: Vec<_> = facts.iter().filter_map(in_part).flatten().collect();
    let [(link, Refusal::OlderGeneration { decided, .. })] = &refused[..] else {
        panic!("{facts:?}");
    };
    let Some((by, at)) = decided else {
        panic!("{refused:?}");
    };
    assert_eq!((*link, by.as_str()), (links[0].id, "passerelle"));
    assert!(*at > Timestamp::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conflicts_are_decided_as_one_act_and_one_undo_takes_it_back() {
    let (world, leads) = agreed(3).await;
    let links = disagreeing(&world, &leads[..2]).await;
    let mut resolutions: Vec<Resolution> = links.iter().map(decision).collect();
    // Somebody decided for the third one meanwhile: that is refused, and nothing else.
    let third = link_of(&world, "p2").await;
    resolutions.push(Resolution {
        link: third,
        generation: Generation(9),
        choices: vec![(links[0].conflicts[0].subject, Choice::Automation)],
    });
    let decided = world.instruct(Command::Resolve(resolutions)).await;
    let answers: Vec<&Fact> = decided
        .facts
        .iter()
        .filter(|fact| is_answer(fact))
        .collect();
    let [Fact::AcceptedInPart { refused, .. }] = answers[..] else {
        panic!("one answer to one command: {answers:?}");
    };
    assert!(
        matches!(&refused[..], [(link, Refusal::OlderGeneration { .. })] if *link == third),
        "{refused:?}"
    );
    let titles = |world: &World| {
        leads[..2]
            .iter()
            .map(|l| world.text(*l, "Title"))
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(&world), ["Seller", "Seller"]);
    let act = world.store.acts(1).await.unwrap().remove(0);
    assert_eq!(
        (act.act.as_str(), act.object.as_str()),
        ("resolve", "2 links")
    );
    world.instruct(Command::Undo { act }).await;
    assert_eq!(titles(&world), ["Buyer", "Buyer"]);
    assert_eq!(world.conflicts().await.len(), 2, "in question again");
}

/// The first lead's title, on which both sides disagree, decided for Automation's.
async fn decided(world: &World, lead: RecordId) -> Act {
    let links = disagreeing(world, &[lead]).await;
    let resolve = Command::Resolve(vec![decision(&links[0])]);
    assert!(accepted(&world.instruct(resolve).await.facts));
    assert_eq!(world.text(lead, "Title"), "Seller");
    let acts = world.store.acts(1).await;
    acts.expect("a store in memory does not fail").remove(0)
}

fn decision(link: &Link) -> Resolution {
    Resolution {
        link: link.id,
        generation: link.generation,
        choices: vec![(link.conflicts[0].subject, Choice::Automation)],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_since_is_not_undone_but_a_person_decides() {
    let (world, leads) = agreed(1).await;
    let act = decided(&world, leads[0]).await;
    world.edits(leads[0], "Title", Input::text("Director"));
    world.drive().await;
    let undone = world.instruct(Command::Undo { act: act.clone() }).await;
    assert!(accepted(&undone.facts), "{:?}", undone.facts);
    let contact = world.by_email("p0@x.example");
    assert_eq!(world.text(leads[0], "Title"), "Director");
    assert_eq!(world.field(contact, "position"), "Director");
    let held = world.conflicts().await.remove(0);
    assert!(
        matches!(held.conflicts[0].cause, Cause::ChangedSince { .. }),
        "{held:?}"
    );
    world.drive().await.wrote_nothing();
    // A second time there is nothing more to hold.
    let again = world.order(Command::Undo { act }).await;
    assert!(again.facts.contains(&Fact::Refused(Refusal::NothingToUndo)));
    let base = Resolution {
        link: held.id,
        generation: held.generation,
        choices: vec![(held.conflicts[0].subject, Choice::Base)],
    };
    world.instruct(Command::Resolve(vec![base])).await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.text(leads[0], "Title"), "Buyer");
    assert_eq!(world.field(contact, "position"), "Seller");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_to_be_undone_and_changes_once_more_is_for_the_rules_again() {
    let (world, leads) = agreed(1).await;
    let act = decided(&world, leads[0]).await;
    world.edits(leads[0], "Title", Input::text("Director"));
    world.drive().await;
    world.instruct(Command::Undo { act }).await;
    let contact = world.by_email("p0@x.example");
    world.user_edits(contact, input("p0").with("position", "Head of sales"));
    world.edits(leads[0], "Title", Input::text("Head of sales"));
    world.drive().await;
    assert_eq!(world.conflicts().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_is_undone_at_once_is_not_carried_out() {
    let (world, leads) = agreed(1).await;
    let links = disagreeing(&world, &leads).await;
    world.order(Command::Pause(Queue::Salesforce)).await;
    world
        .order(Command::Resolve(vec![decision(&links[0])]))
        .await;
    let act = world.store.acts(1).await.unwrap().remove(0);
    let undone = world.order(Command::Undo { act }).await;
    assert!(accepted(&undone.facts), "{:?}", undone.facts);
    world.instruct(Command::Resume(Queue::Salesforce)).await;
    assert_eq!(world.text(leads[0], "Title"), "Buyer");
    assert_eq!(world.conflicts().await.len(), 1, "in question again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_a_visitor_come_along_when_they_turn_out_to_be_somebody_known() {
    let (world, _) = agreed(1).await;
    let visitor = world.contact_with(ContactInput::default().with("lastname", "Visitor"));
    world.earns(visitor, 2);
    for _ in 0..2 {
        world.pass(Span::hours(2));
        world.drive().await;
    }
    assert_eq!(world.references(), Vec::<String>::new());
    world.merges(visitor, world.by_email("p0@x.example"));
    world.drive().await;
    assert_eq!(world.references().len(), 2);
}

fn last_week(world: &World, kind: PlanKind) -> (Command, Command) {
    let until = world.moment();
    let from = until - Span::days(7);
    (
        Command::Survey { kind, from, until },
        Command::Backfill { kind, from, until },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_counts_what_the_backfill_then_sends_and_leaves_nothing_behind() {
    let (world, _) = agreed(2).await;
    let (first, second) = (
        world.by_email("p0@x.example"),
        world.by_email("p1@x.example"),
    );
    world.earns(first, 3);
    world.cycle(Scope::ALL).await;
    world.earns(first, 2);
    world.earns(second, 1);
    // Somebody who is in Automation alone, and may not be made in Salesforce without a company.
    world.contact_with(input("visitor"));
    world.pass(Span::hours(1));
    let before = world.store.recover().await.unwrap();
    let (survey, backfill) = last_week(&world, PlanKind::Backfill);
    let counted = world.instruct(survey).await;
    let found = counted.facts.iter().find_map(|fact| match fact {
        Fact::Surveyed(survey) => Some(survey.clone()),
        _ => None,
    });
    let found = found.expect("the survey ends");
    assert_eq!((found.to_send, found.people), (3, 2));
    assert_eq!(found.already_there, 3);
    assert_eq!(
        found.samples.len(),
        1,
        "each name once: {:?}",
        found.samples
    );
    assert_eq!(counted.written(Side::Salesforce), 0, "nothing was sent");
    let after = world.store.recover().await.unwrap();
    assert_eq!(after.plans, before.plans);
    assert_eq!(
        after.tally.next_run, before.tally.next_run,
        "and it is no act"
    );
    let sent = world.instruct(backfill).await;
    let activities = &sent.snapshot.totals.written.salesforce;
    assert_eq!(activities.get("activity"), Some(&3));
    assert_eq!(world.references().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_asked_for_while_a_cycle_runs_is_done_by_the_next_one() {
    let (world, _) = agreed(1).await;
    world.earns(world.by_email("p0@x.example"), 2);
    world.pass(Span::hours(1));
    let (survey, _) = last_week(&world, PlanKind::Backfill);
    let facts = world
        .instruct_twice(Command::RunCycle(Scope::ALL), survey)
        .await;
    assert!(!facts.contains(&Fact::SurveyFailed), "{facts:?}");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Surveyed(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_is_stopped_ends_and_one_that_does_not_exist_is_refused() {
    let (world, _) = agreed(1).await;
    world.earns(world.by_email("p0@x.example"), 2);
    world.pass(Span::hours(1));
    // Paused before it begins: the plan waits in the store.
    world.order(Command::Pause(Queue::Activities)).await;
    let (_, backfill) = last_week(&world, PlanKind::Republish);
    let begun = world.instruct(backfill).await;
    let [plan] = &begun.snapshot.plans[..] else {
        panic!("{:?}", begun.snapshot.plans);
    };
    let run = plan.run;
    let steer = |steer| Command::SteerPlan { run, steer };
    let paused = world.order(steer(Steer::Pause)).await;
    assert!(paused.snapshot.plans[0].is_paused);
    world.instruct(Command::Resume(Queue::Activities)).await;
    assert_eq!(world.store.recover().await.unwrap().plans.len(), 1);
    world.order(steer(Steer::Stop)).await;
    assert_eq!(world.store.recover().await.unwrap().plans, Vec::new());
    let refused = world.order(steer(Steer::Resume)).await;
    assert!(
        refused
            .facts
            .contains(&Fact::Refused(Refusal::NoSuchPlan(run)))
    );
}
