//! What every list does alike: order, columns, a choice that stays and comes back.

use super::Msg;
use super::bench::{Bench, EMAIL, MOBILE, NOW, person};
use crate::domain::conflict::Cause;
use crate::domain::consent::{Consent, ConsentView, Evidence, Reason};
use crate::domain::failure::{FailureKind, Rejection};
use crate::domain::ids::{Kind, LinkId, RemoteId, Side};
use crate::domain::link::Link;
use crate::domain::time::Span;
use crate::domain::value::Value;

/// Opted out in Automation, so long ago.
fn opted_out(number: u64, hours: i64) -> Link {
    let mut link = person(number, &format!("p{number}@orion.example"));
    link.consent.automation = Some(ConsentView {
        value: Consent::Out(Reason::Unsubscribed),
        since: NOW - Span::hours(hours),
        seen: NOW,
        evidence: Evidence::default(),
    });
    link.consent.salesforce = link.consent.automation;
    link.consent.agreed = Some(Consent::Out(Reason::Unsubscribed));
    link
}

fn crowd(count: u64) -> Bench {
    let mut bench = Bench::empty();
    for number in 1..=count {
        bench
            .world
            .links
            .insert(LinkId(number), opted_out(number, number as i64));
    }
    bench.sync_reports();
    bench
}

#[test]
fn every_list_is_sorted_by_each_column_and_says_so_in_its_head() {
    let mut bench = Bench::new();
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    for (keys, first, next) in [
        ("2", "State ↑", "To ↑"),
        ("3", "Since ↑", "Whom ↑"),
        ("5", "State ↑", "Whom ↑"),
        ("7", "Part ↑", "Salesforce ↑"),
    ] {
        bench.keys(keys).expect_screen(first);
        let other = first.replace('↑', "↓");
        bench.keys("i").expect_screen(&other);
        let at_first = bench.screen();
        for _ in 0..8 {
            bench.keys("s");
            if bench.screen().contains(next) {
                break;
            }
        }
        bench.expect_screen(next);
        assert_ne!(bench.screen(), at_first);
    }
}

#[test]
fn people_are_found_in_an_order_of_their_own_until_they_are_sorted() {
    let mut bench = Bench::new();
    bench.keys("4").type_text("orion");
    bench.keys("enter").expect_selected("claire@");
    assert!(!bench.screen().contains('↑'));
    bench.keys("s").expect_screen("Whom ↑");
    bench.keys("i").expect_screen("Whom ↓");
    let screen = bench.screen();
    assert!(screen.find("sophie@") < screen.find("claire@"), "{screen}");
    bench.expect_selected("claire@");
    bench.keys("s s i").expect_screen("the other way round");
}

#[test]
fn columns_are_chosen_in_a_list_of_them_and_what_the_line_is_about_stays() {
    let mut bench = Bench::new();
    bench.keys("3 c").expect_screen("[x] Whom");
    bench.expect_screen("always shown");
    bench
        .keys("space")
        .expect_screen("it stays")
        .expect_screen("[x] Whom");
    bench
        .keys("x")
        .expect_screen("“x” does nothing here; the keys that do are below");
    bench.keys("j space").expect_screen("[ ] What");
    bench.keys("esc");
    let screen = bench.screen();
    assert!(!screen.contains("MobilePhone"), "{screen}");
    bench.expect_screen("Whom ").expect_screen("Since ↑");
    bench
        .keys("c j j space enter")
        .expect_screen("· by Since ↑");
    bench.keys("s").expect_screen("Whom ↑");
    bench.keys("c k k j space esc").expect_screen("MobilePhone");
    assert!(bench.commands().is_empty());
}

#[test]
fn what_does_not_fit_is_said_and_hiding_others_makes_room_for_it() {
    let mut bench = crowd(3);
    bench.keys("5 c").expect_screen("no room at this width");
    let before = bench.screen();
    assert!(before.contains("[x] What"), "{before}");
    bench.keys("esc").expect_screen("agreed");
    bench
        .keys("c j j space j space j space")
        .expect_screen("[ ] State");
    bench.keys("enter").expect_screen("What");
    bench
        .send(Msg::Resized(60, 20))
        .keys("c")
        .expect_screen("Columns");
    bench
        .keys("q")
        .send(Msg::Resized(240, 60))
        .keys("c j j space j space j space esc")
        .expect_screen("Salesforce");
}

#[test]
fn the_chooser_of_columns_in_both_languages() {
    for language in ["en", "fr"] {
        let mut bench = Bench::new();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter 5 c j");
        bench.matches(&format!("columns-{language}"));
    }
}

#[test]
fn order_columns_and_choice_come_back_in_the_next_session() {
    let mut bench = Bench::new();
    bench
        .keys("3 s i k c j space esc 7 s j j 5 c j j space esc 3")
        .expect_selected("paul@");
    let kept = bench.model.kept();
    let text = serde_json::to_string(&kept).unwrap();
    let mut again = Bench::new();
    again.model.restore(&serde_json::from_str(&text).unwrap());
    again.sync_reports();
    again.expect_screen("Whom ↓").expect_selected("paul@");
    let screen = again.screen();
    assert!(!screen.contains("MobilePhone"), "{screen}");
    again.keys("7").expect_screen("Salesforce ↑");
    again.keys("3");
    bench.keys("7 3");
    assert_eq!(again.model.kept(), bench.model.kept());
    // What was chosen is gone by now: the first one is offered, as ever.
    let mut later = Bench::new();
    later.world.agree(LinkId(2));
    later.model.restore(&kept);
    later.sync_reports();
    later.expect_selected("sophie@");
}

#[test]
fn a_view_kept_by_an_older_or_a_newer_version_is_taken_as_far_as_it_is_known() {
    let text = r#"{"screen": 3, "filters": {"3": "orion"},
        "lists": {"3": {"sorted_by": "mood", "hidden": ["whom", "mood"], "chosen": "Nobody(1)"},
                  "40": {"sorted_by": "what"}}}"#;
    let mut bench = Bench::new();
    bench.model.restore(&serde_json::from_str(text).unwrap());
    bench.sync_reports();
    bench.expect_screen("Since ↑").expect_selected("claire@");
    let mut bench = Bench::new();
    let old = r#"{"language": "en", "screen": 3, "filters": {}}"#;
    bench.model.restore(&serde_json::from_str(old).unwrap());
    bench.sync_reports();
    bench.expect_selected("claire@");
}

#[test]
fn a_name_with_an_accent_is_sorted_and_filtered_as_without() {
    let mut bench = Bench::new();
    for (link, email) in [(1, "Emile@orion.example"), (2, "élodie@orion.example")] {
        bench.world.change(LinkId(link), |link| {
            let state = link.field_mut(EMAIL);
            state.salesforce = Some(Value::text(email));
            state.automation = Some(Value::text(email));
        });
    }
    bench.sync_reports();
    bench.keys("3 s");
    let screen = bench.screen();
    let at = |name: &str| {
        screen
            .find(name)
            .unwrap_or_else(|| panic!("{name}: {screen}"))
    };
    assert!(at("élodie@") < at("Emile@"), "{screen}");
    assert!(at("Emile@") < at("sophie@"), "{screen}");
    bench.keys("/").type_text("elodie");
    bench.keys("enter").expect_selected("élodie@");
}

#[test]
fn what_activities_are_grouped_by_comes_back_in_the_next_session() {
    let mut bench = Bench::new();
    let kind = FailureKind::Rejected(Rejection::Duplicate);
    for event in 1..4 {
        let code = "FIELD_INTEGRITY_EXCEPTION";
        bench.world.refuse(LinkId(1), event, kind.clone(), code);
    }
    bench
        .keys("6 v v")
        .expect_screen("Whom")
        .expect_selected("claire@");
    let text = serde_json::to_string(&bench.model.kept()).unwrap();
    let mut again = Bench::new();
    again.world.held.clone_from(&bench.world.held);
    again.model.restore(&serde_json::from_str(&text).unwrap());
    again.sync_reports();
    again.expect_selected("claire@");
    assert_eq!(again.model.kept(), bench.model.kept());
    // As it begins it is not written down, and what nobody knows is passed over.
    bench.keys("v v").expect_selected("FIELD_INTEGRITY");
    assert!(!bench.model.kept().lists.contains_key(&6));
    let odd = text.replace("whom", "mood");
    let mut odd_one = Bench::new();
    odd_one.world.held.clone_from(&bench.world.held);
    odd_one.model.restore(&serde_json::from_str(&odd).unwrap());
    odd_one.sync_reports();
    odd_one.expect_selected("FIELD_INTEGRITY");
}

/// Two Contacts and a contact of Automation bear one address: three links, one person.
#[test]
fn the_lines_of_one_person_stand_together_and_say_that_they_are_one_decision() {
    let mut bench = Bench::new();
    let record = |number| bench.world.links[&LinkId(number)].salesforce.clone();
    let records = [
        (11, record(1), None),
        (12, record(2), None),
        (30, None, bench.world.links[&LinkId(1)].automation.clone()),
    ];
    let ids: Vec<RemoteId> = records
        .iter()
        .map(|(number, salesforce, automation)| {
            let mut link = Link::new(LinkId(*number), Kind::Person);
            (link.salesforce, link.automation) = (salesforce.clone(), automation.clone());
            let ends = Side::BOTH.into_iter().find_map(|side| link.remote(side));
            ends.expect("one end")
        })
        .collect();
    for (number, salesforce, automation) in records {
        let mut link = bench.world.links[&LinkId(3)].clone();
        link.id = LinkId(number);
        (link.salesforce, link.automation) = (salesforce, automation);
        let own = Side::BOTH.into_iter().find_map(|side| link.remote(side));
        let others = ids.iter().copied().filter(|id| Some(*id) != own);
        let matches = others.collect();
        link.conflicts[0].cause = Cause::SeveralMatch { matches };
        link.conflicts[0].raised = NOW - Span::hours(number as i64);
        bench.world.links.insert(link.id, link);
    }
    bench.sync_reports();
    bench.keys("3");
    bench.expect_screen("6 contacts need a decision · 4 decisions");
    let screen = bench.screen();
    let at = |part: &str| {
        let lines = screen.lines().enumerate();
        let mut found = lines.filter(|(_, line)| line.contains(part));
        found.next().unwrap_or_else(|| panic!("{part}: {screen}")).0
    };
    let first = at("duplicate (1 of 3)");
    assert_eq!(at("duplicate (2 of 3)"), first + 1);
    assert_eq!(at("└"), first + 1);
    assert_eq!(at("duplicate (3 of 3)"), first + 2);
    // Whichever way and by whatever: they stay together. The other one with a question stands alone.
    for keys in ["i", "s", "s", "i"] {
        bench.keys(keys);
        let screen = bench.screen();
        let lines = screen.lines().filter(|line| line.contains("duplicate"));
        let places: Vec<bool> = lines.map(|line| line.contains("of 3")).collect();
        assert_eq!(places.len(), 4, "{screen}");
        let there = places.iter().filter(|is_of_group| **is_of_group).count();
        assert_eq!(there, 3, "{screen}");
        assert!(places[0] != places[3], "{screen}");
    }
    // One of the group stands at one end of the list.
    bench.keys("/").type_text("cause:several");
    bench.keys("enter home");
    if !bench.screen().contains("one decision") {
        bench.keys("end").expect_screen("one decision");
    }
    bench
        .keys("enter")
        .expect_screen("3 records have this address or name");
    bench.expect_screen("is merged into another one of its own");
}

/// Rows come in above, change their state and leave while one is chosen far down.
#[test]
fn a_row_of_flags_stays_chosen_and_in_sight_under_a_running_sync() {
    let mut bench = crowd(40);
    bench.keys("5 pgdn j j j j");
    bench.expect_selected("p17@orion.example");
    for number in 41..=70 {
        bench
            .world
            .links
            .insert(LinkId(number), opted_out(number, 0));
        bench.sync_reports();
        bench.expect_selected("p17@orion.example");
    }
    for number in 1..=14 {
        bench.world.links.remove(&LinkId(number));
        bench.sync_reports();
        bench.expect_selected("p17@orion.example");
    }
    bench.keys("s").expect_selected("p17@orion.example");
    bench.keys("i").expect_selected("p17@orion.example");
    bench.speak_french();
    bench.expect_selected("p17@orion.example");
    bench
        .send(Msg::Resized(80, 20))
        .expect_selected("p17@orion.example");
    // It turns into a mismatch, which comes first.
    bench.world.change(LinkId(17), |link| {
        link.consent.salesforce = None;
        link.consent.agreed = None;
        link.field_mut(MOBILE).salesforce = None;
    });
    bench.sync_reports();
    bench.expect_selected("p17@orion.example");
    bench.keys("t").expect_screen("p17@orion.example");
}
