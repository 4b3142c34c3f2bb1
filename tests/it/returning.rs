//! People who come back, are left alone, or are refused in part: nobody is made twice, nothing is written
//! over unseen, and an opt-out leaves whatever becomes of the rest.

use passerelle::domain::command::{Command, Scope};
use passerelle::domain::conflict::{Cause, Choice, Resolution, Subject};
use passerelle::domain::ids::{Kind, LinkId, SalesforceObject, Side};
use passerelle::domain::link::{Link, MatchKey, Pending, PendingState};
use passerelle::domain::time::Span;
use passerelle::sim::automation::draft::DncInput;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::faults::{CallMatcher, FaultKind};
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::rules::ValidationRule;
use passerelle::sim::salesforce::schema::{ACCOUNT, CONTACT, LEAD};
use passerelle::sim::salesforce::soql::ast::{Expr, Literal, Op};
use passerelle::sim::salesforce::value::Value as Cell;

use crate::world::{World, agreed, input};

fn with_address(world: &World, email: &str) -> Vec<Link> {
    let key = MatchKey::new(Kind::Person, email);
    let links = world.links().into_iter();
    links
        .filter(|link| link.match_keys.contains(&key))
        .collect()
}

/// Salesforce refuses each save of a lead whose `Phone` is blank.
fn refuses_without_phone(world: &World, shown_at: Option<&str>) {
    world.clerk(|org, _| {
        org.rules.validations.push(ValidationRule {
            name: "Phone_first".to_owned(),
            object: LEAD,
            is_active: true,
            formula: "ISBLANK(Phone)".to_owned(),
            refuses_when: Expr::compare("Phone", Op::Equal, Literal::Null),
            message: "A phone number, please.".to_owned(),
            field: shown_at.map(ToOwned::to_owned),
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_deleted_in_automation_and_signs_up_again_is_the_same_lead() {
    let (world, leads) = agreed(1).await;
    world.edits(leads[0], "Phone", Input::text("+33 1 00 00 00 01"));
    world.drive().await;
    world.deletes(world.by_email("p0@x.example"));
    world.drive().await;
    let again = world.contact("p0");
    world.drive().await;
    assert_eq!(world.records(LEAD), leads, "nobody is made twice");
    assert_eq!(world.field(again, "phone"), "+33 1 00 00 00 01");
    assert_eq!(world.text(leads[0], "Phone"), "+33 1 00 00 00 01");
    assert_eq!(with_address(&world, "p0@x.example").len(), 1);
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_opted_out_stays_out_when_they_are_entered_again() {
    let (world, leads) = agreed(1).await;
    world.opts_out(world.by_email("p0@x.example"));
    world.drive().await;
    world.deletes(world.by_email("p0@x.example"));
    world.drive().await;
    let again = world.contact("p0");
    world.drive().await;
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
    assert!(world.dnc(again).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_entered_again_is_paired_and_writes_over_nothing() {
    let (world, leads) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    world.user_edits(contact, input("p0").with("position", "Director"));
    world.drive().await;
    world.clerk(|org, call| org.delete(call, leads[0])).unwrap();
    world.drive().await;
    let again = world.record(LEAD, "p0");
    world.edits(again, "Title", Input::text("Buyer"));
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Director");
    assert_eq!(world.text(again, "Title"), "Buyer");
    let [link] = &with_address(&world, "p0@x.example")[..] else {
        panic!("one link: {:?}", world.links());
    };
    let causes: Vec<&Cause> = link.conflicts.iter().map(|held| &held.cause).collect();
    assert!(
        matches!(causes[..], [Cause::Restored, Cause::BothSet { .. }]),
        "{causes:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_set_aside_is_not_written_over_by_somebody_of_its_address() {
    let mut world = World::new().await;
    world
        .policy
        .objects
        .retain(|object| *object != SalesforceObject::Lead);
    let contact = world.contact_with(input("p0").with("position", "Director"));
    world.drive().await;
    let links: Vec<LinkId> = with_address(&world, "p0@x.example")
        .iter()
        .map(|link| link.id)
        .collect();
    assert_eq!(links.len(), 1, "{:?}", world.links());
    world.order(Command::SetAside { links, until: None }).await;
    let new = world.record(CONTACT, "p0");
    world.edits(new, "Title", Input::text("Buyer"));
    world.drive().await;
    assert_eq!(world.field(contact, "position"), "Director");
    let asked = world.conflicts().await;
    assert!(
        matches!(asked[0].conflicts[0].cause, Cause::SeveralMatch { .. }),
        "{asked:?}"
    );
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_names_what_was_not_written_is_told_once_and_sent_once() {
    let (world, leads) = agreed(1).await;
    refuses_without_phone(&world, Some("Phone"));
    let contact = world.by_email("p0@x.example");
    world.user_edits(contact, input("p0").with("position", "Director"));
    let done = world.drive().await;
    assert!(done.calls() < 10, "{} calls", done.calls());
    assert_eq!(world.text(leads[0], "Title"), "");
    let held = world.conflicts().await;
    assert_eq!(
        held[0].conflicts[0].subject,
        Subject::Write(Side::Salesforce)
    );
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_leaves_without_what_is_refused_beside_it() {
    let (world, leads) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    world.clerk(|org, _| {
        org.rules.validations.push(ValidationRule {
            name: "No_directors".to_owned(),
            object: LEAD,
            is_active: true,
            formula: "Title = \"Director\"".to_owned(),
            refuses_when: Expr::compare("Title", Op::Equal, Literal::Text("Director".to_owned())),
            message: "No directors here.".to_owned(),
            field: None,
        });
    });
    world.user_edits(contact, input("p0").with("position", "Director"));
    world.opts_out(contact);
    world.drive().await;
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
    assert_eq!(world.text(leads[0], "Title"), "");
    assert_eq!(world.conflicts().await.len(), 1);
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_contact_that_is_left_alone_are_not_written() {
    let (world, leads) = agreed(2).await;
    let id = |name: &str| with_address(&world, name)[0].id;
    let (first, second) = (id("p0@x.example"), id("p1@x.example"));
    world.order(Command::Unlink { links: vec![first] }).await;
    let aside = Command::SetAside {
        links: vec![second],
        until: None,
    };
    world.order(aside).await;
    world.earns(world.by_email("p0@x.example"), 1);
    world.earns(world.by_email("p1@x.example"), 1);
    for _ in 0..2 {
        world.pass(Span::hours(2));
        world.drive().await;
    }
    assert_eq!(world.references(), Vec::<String>::new());
    world
        .instruct(Command::TakeBack {
            links: vec![second],
        })
        .await;
    world.drive().await;
    let sent = world.references();
    assert_eq!(sent.len(), 1, "what was set aside is caught up: {sent:?}");
    assert!(sent[0].contains(&leads[1].to_string()), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounce_that_is_cleared_opts_nobody_in() {
    let (world, leads) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    let sets = |reason| {
        let input = DncInput {
            reason,
            ..DncInput::default()
        };
        let now = world.now();
        let mut brain = world.shared.brain();
        assert!(brain.user_sets_dnc(now, UserId(1), contact, &input));
    };
    let (bounced, cleared) = (2, 0);
    sets(bounced);
    world.drive().await;
    world.edits(leads[0], "HasOptedOutOfEmail", Input::Bool(true));
    world.drive().await;
    world.pass(Span::hours(1));
    sets(cleared);
    world.drive().await;
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
    assert!(
        world.dnc(contact).is_some(),
        "the opt-out is in force here too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_automation_altered_is_told() {
    let (world, leads) = agreed(1).await;
    world.edits(leads[0], "Email", Input::text("h\u{e9}l\u{e8}ne@x.example"));
    world.drive().await;
    let held = world.conflicts().await;
    assert!(
        matches!(held[0].conflicts[0].cause, Cause::NotKept { .. }),
        "{:?}",
        held[0].conflicts
    );
    assert_eq!(world.text(leads[0], "Email"), "h\u{e9}l\u{e8}ne@x.example");
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_new_whose_address_automation_alters_is_made_once_and_told() {
    let world = World::new().await;
    let lead = world.record(LEAD, "p0");
    let sent = "h\u{e9}l\u{e8}ne@x.example";
    world.edits(lead, "Email", Input::text(sent));
    world.drive().await;
    for _ in 0..3 {
        world.pass(Span::minutes(15));
        world.drive().await;
    }
    let contacts = world.shared.brain().contacts().all().count();
    assert_eq!(contacts, 1, "made once");
    assert_eq!(world.records(LEAD), [lead], "and nobody is made of it");
    let contact = world.by_email("hlne@x.example");
    let link = world.link_of(contact);
    assert!(link.is_whole(), "{link:?}");
    let [held] = &link.conflicts[..] else {
        panic!("one conflict: {link:?}");
    };
    assert!(
        matches!(held.cause, Cause::NotKept { .. }),
        "{:?}",
        held.cause
    );
    assert_eq!(world.text(lead, "Email"), sent);
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_purged_between_two_cycles_is_told_the_next_day() {
    let (world, leads) = agreed(3).await;
    let contacts = [0, 1, 2].map(|n| world.by_email(&format!("p{n}@x.example")));
    let stranger = world.record(LEAD, "stranger");
    world.clerk(|org, call| {
        org.delete(call, leads[0]).unwrap();
        org.delete(call, stranger).unwrap();
        org.delete(call, leads[1]).unwrap();
        org.undelete(call, leads[1]).unwrap();
        org.empty_bin(LEAD);
    });
    let known = world.links().len();
    world.drive().await;
    assert_eq!(
        world.field(contacts[0], "crm_deleted"),
        "",
        "nothing shows it yet"
    );
    world.pass(Span::days(1));
    world.drive().await;
    let flags = contacts.map(|contact| world.field(contact, "crm_deleted"));
    assert_eq!(
        flags,
        ["1", "", ""],
        "and those who are there are not touched"
    );
    assert_eq!(
        world.links().len(),
        known,
        "nobody is made of who was not known"
    );
    assert_eq!(world.conflicts().await, []);
    world.pass(Span::days(1));
    let done = world.drive().await;
    done.wrote_nothing();
    assert_eq!(done.metered, 2, "what is listed is looked for once more");
    world.pass(Span::days(3));
    world.drive().await;
    world.pass(Span::days(1));
    let done = world.drive().await;
    done.wrote_nothing();
    assert_eq!(done.metered, 1, "a day without deletions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_the_place_of_somebody_whose_creation_was_not_answered_waits_too() {
    let mut waited = 0;
    for unharmed in 0..8 {
        let world = World::new().await;
        let [loser, winner] = ["p0", "p1"]
            .map(|name| world.contact_with(input(name).with("lead_company", "Orion SARL")));
        let later = CallMatcher::path("composite").after(unharmed);
        world.salesforce_fails(later, FaultKind::ResetBefore, 1);
        world.cycle(Scope::ALL).await;
        let is_waiting = |id| {
            let mut pending = world.link_of(id).pending.into_iter();
            pending.any(|pending| matches!(pending.state, PendingState::Waiting(_)))
        };
        if !world.records(LEAD).is_empty() || !is_waiting(loser) || !is_waiting(winner) {
            continue;
        }
        waited += 1;
        let third = world.contact_with(input("p2").with("lead_company", "Orion SARL"));
        world.merges(loser, third);
        world.drive().await;
        assert_eq!(world.records(LEAD), [], "it may still be at work");
        world.pass(Span::minutes(10));
        world.drive().await;
        assert_eq!(world.records(LEAD).len(), 2);
    }
    assert_eq!(waited, 1, "one of the calls makes the records");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_a_flag_as_it_is_agrees_on_nothing_else() {
    let (world, leads) = agreed(1).await;
    let contact = world.by_email("p0@x.example");
    world.clerk(|org, call| org.delete(call, leads[0])).unwrap();
    world.drive().await;
    world
        .clerk(|org, call| org.undelete(call, leads[0]))
        .unwrap();
    world.drive().await;
    world.edits(leads[0], "Title", Input::text("Buyer"));
    world.user_edits(contact, input("p0").with("position", "Director"));
    world.drive().await;
    let held = world.conflicts().await.remove(0);
    assert_eq!(held.conflicts.len(), 2, "{held:?}");
    let answer = Resolution {
        link: held.id,
        generation: held.generation,
        choices: vec![(Subject::Deletion, Choice::KeepBoth)],
    };
    world.instruct(Command::Resolve(vec![answer])).await;
    let left = world.conflicts().await.remove(0);
    assert!(
        matches!(left.conflicts[..], [ref one] if matches!(one.cause, Cause::BothChanged { .. })),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_made_in_the_same_run_is_no_question() {
    let world = World::new().await;
    let contact = world.record(CONTACT, "p0");
    world.contact("p0");
    world.drive().await;
    let person = world.by_email("p0@x.example");
    world.user_edits(person, input("p0").with("company", "Nova SAS"));
    let done = world.cycle(Scope::ALL).await;
    assert_eq!(world.conflicts().await, [], "{:?}", done.facts);
    world.drive().await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.records(ACCOUNT).len(), 1);
    assert_ne!(world.cell(contact, "AccountId"), Cell::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_the_two_ends_the_question_which_it_is() {
    let world = World::new().await;
    world.contact("both");
    let (first, second) = (world.record(LEAD, "both"), world.record(LEAD, "both"));
    world.drive().await;
    assert_eq!(
        world.conflicts().await.len(),
        3,
        "all three are asked about"
    );
    world
        .clerk(|org, call| org.merge(call, first, &[second], &Vec::new()))
        .unwrap();
    world.drive().await;
    assert_eq!(world.conflicts().await, []);
    let person = world.link_of(world.by_email("both@x.example"));
    assert!(person.is_whole(), "{person:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_of_a_pair_that_was_taken_apart_is_asked_about() {
    let (world, _) = agreed(1).await;
    let pair = with_address(&world, "p0@x.example")[0].clone();
    world
        .order(Command::Unlink {
            links: vec![pair.id],
        })
        .await;
    world.record(CONTACT, "p0");
    world.drive().await;
    let after = world.links().into_iter().find(|link| link.id == pair.id);
    let end = |link: &Link| link.salesforce.as_ref().map(|end| end.id);
    assert_eq!(after.as_ref().and_then(end), end(&pair), "it is left alone");
    assert_eq!(world.conflicts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_were_given_up_before_their_person_had_a_record_stay_away() {
    let world = World::new().await;
    refuses_without_phone(&world, None);
    let contact = world.contact_with(input("p0").with("lead_company", "Orion SARL"));
    world.earns(contact, 2);
    for _ in 0..2 {
        world.pass(Span::hours(2));
        world.drive().await;
    }
    let held: Vec<_> = world.store.kept().held.values().cloned().collect();
    assert_eq!(held.len(), 2);
    world.order(Command::DiscardActivities { held }).await;
    world.user_edits(contact, input("p0").with("phone", "+33 1 00 00 00 01"));
    for _ in 0..2 {
        world.pass(Span::hours(2));
        world.drive().await;
    }
    assert_eq!(world.records(LEAD).len(), 1);
    assert_eq!(world.references(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_was_not_answered_is_looked_for_when_it_must_be_done() {
    let mut waited = 0;
    for unharmed in 0..8 {
        let world = World::new().await;
        world.contact_with(input("p0").with("lead_company", "Orion SARL"));
        let later = CallMatcher::path("composite").after(unharmed);
        world.salesforce_fails(later, FaultKind::ResetAfter, 1);
        world.cycle(Scope::ALL).await;
        let person = world.link_of(world.by_email("p0@x.example"));
        let is_waiting = |pending: &Pending| matches!(pending.state, PendingState::Waiting(_));
        let was_made = !world.records(LEAD).is_empty();
        if was_made && !person.is_whole() {
            assert!(person.pending.iter().all(is_waiting), "{person:?}");
            waited += 1;
        }
        world.pass(Span::minutes(10));
        world.drive().await;
        assert_eq!(world.records(LEAD).len(), 1);
        assert!(world.link_of(world.by_email("p0@x.example")).is_whole());
    }
    assert_eq!(waited, 1, "one of the calls makes the record");
}
