//! One choice for many contacts.

use std::sync::Arc;

use super::bench::{Bench, MOBILE};
use crate::domain::command::Command;
use crate::domain::conflict::{Cause, Choice, Subject};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{LinkId, Side};
use crate::domain::mapping::Role;
use crate::domain::value::Value;

#[test]
fn a_bulk_act_is_about_exactly_what_the_filter_shows_and_says_what_it_refuses() {
    let mut bench = Bench::new();
    bench
        .keys("3 A")
        .expect_screen("for the 3 contacts that the filter shows");
    bench.expect_screen("1 contact is written (Salesforce 1, Automation 0)");
    bench.expect_screen("2 contacts stay, for their conflicts do not take this:");
    bench.expect_screen("consent 1,");
    bench.expect_screen("duplicate 1");
    bench.expect_screen("claire@orion.example");
    bench.expect_screen("about 2 calls");
    bench.matches("bulk-en");
    bench.keys("esc /").type_text("email:claire");
    bench
        .keys("enter A")
        .expect_screen("for the one contact that is shown");
    bench.type_text("clean-up");
    let commands = bench.keys("enter enter").commands();
    let [(_, Command::Resolve(resolutions))] = &commands[..] else {
        panic!("{commands:?}");
    };
    let [only] = &resolutions[..] else {
        panic!("{resolutions:?}");
    };
    assert_eq!(only.link, LinkId(1));
    assert_eq!(only.choices, [(Subject::Field(MOBILE), Choice::Automation)]);
}

#[test]
fn marks_are_of_contacts_not_of_lines_and_go_before_the_filter() {
    let mut bench = Bench::new();
    bench.keys("3 space").expect_screen("1 marked");
    bench.expect_selected("paul@orion.example");
    bench.keys("S").expect_screen("for the marked contact");
    bench.keys("esc a").expect_screen("3 marked");
    bench.keys("space").expect_screen("2 marked");
    bench.world.agree(LinkId(1));
    bench.sync_reports();
    bench.expect_screen("1 marked");
    bench.keys("a").expect_screen("2 marked");
    bench.keys("a").expect_screen("2 contacts need");
    bench
        .keys("O")
        .expect_screen("for the 2 contacts that the filter shows");
}

#[test]
fn marks_outlive_a_filter_that_hides_them_and_the_dialog_says_so() {
    let mut bench = Bench::new();
    bench.keys("3 space /").type_text("email:paul");
    bench.keys("enter").expect_screen("1 marked, 1 hidden");
    bench.sync_reports();
    bench.keys("a").expect_screen("2 marked, 1 hidden");
    bench
        .keys("S")
        .expect_screen("for the 2 marked contacts")
        .expect_screen("1 of them is hidden by the filter, and is decided too.");
    bench.keys("esc a").expect_screen("1 marked, 1 hidden");
    bench.keys("esc").expect_screen("1 marked").lacks("hidden");
}

#[test]
fn contacts_that_were_not_read_are_said_not_to_be_decided() {
    let mut bench = Bench::new();
    bench.keys("3");
    bench
        .model
        .screens
        .conflicts
        .slot
        .data
        .as_mut()
        .unwrap()
        .more = 7;
    bench
        .keys("A")
        .expect_screen("for the 3 contacts that the filter shows")
        .expect_screen("7 more, not in the list, stay as they are.");
}

#[test]
fn a_choice_that_fits_nobody_and_one_of_an_empty_list_are_refused_in_words() {
    let mut bench = Bench::new();
    bench.keys("3 /").type_text("paul");
    bench
        .keys("enter S")
        .expect_screen("None of these conflicts takes that choice");
    Bench::empty()
        .keys("3 S")
        .expect_screen("Nothing is chosen");
}

#[test]
fn a_dialog_opened_meanwhile_is_not_replaced() {
    let mut bench = Bench::new();
    bench.keys("3");
    bench.holds_answers = true;
    bench.keys("A /");
    for answer in bench.held() {
        bench.send(answer);
    }
    bench
        .expect_screen("Show only")
        .expect_screen("something else is open: close that and ask again");
    assert!(bench.commands().is_empty());
}

/// Salesforce refused Automation's value.
fn refuse(bench: &mut Bench, link: LinkId, message: &str) {
    bench.world.change(link, |link| {
        let value = Value::text("0602");
        link.conflicts
            .retain(|c| c.subject == Subject::Field(MOBILE));
        link.conflicts[0].cause = Cause::Refused {
            side: Side::Salesforce,
            value,
            failure: Failure::new(
                FailureKind::Rejected(Rejection::Values(vec![MOBILE])),
                "STRING_TOO_LONG",
                message,
            ),
        };
    });
    bench.sync_reports();
}

#[test]
fn a_value_that_was_refused_is_not_offered_again_alone_nor_for_many() {
    let mut bench = Bench::new();
    let mut other = bench.world.links[&LinkId(1)].clone();
    other.id = LinkId(2);
    bench.world.links.insert(LinkId(2), other);
    let message = "Mobile: data value too large: 0602 (max length=3)";
    refuse(&mut bench, LinkId(1), message);
    bench
        .keys("3 enter")
        .expect_screen("Automation's value: too long: Salesforce takes at most 3 characters");
    let hints = bench.screen();
    let lines: Vec<&str> = hints.lines().collect();
    let hints = lines[lines.len() - 2..].join(" ");
    assert!(!hints.contains("a Automation"), "{hints}");
    bench
        .keys("a")
        .expect_screen("not decided yet")
        .expect_screen("Type a shorter one");
    bench.keys("t").expect_screen("→ try");
    bench.keys("c e backspace backspace backspace backspace");
    bench.type_text("06999");
    bench.keys("enter").expect_screen("at most 3 characters");
    bench.keys("backspace backspace enter");
    bench.expect_screen("→ typed: 069");
    bench.keys("esc A").expect_screen("1 contact is written");
    bench.expect_screen("mobile (refused before, and would be again) 1");
    assert!(bench.commands().is_empty());
}

/// Salesforce was sent 0602 and kept 0601; what it shows by now.
fn not_kept(bench: &mut Bench, shown: &str) {
    bench.world.change(LinkId(1), |link| {
        link.conflicts
            .retain(|c| c.subject == Subject::Field(MOBILE));
        let state = link.field_mut(MOBILE);
        state.salesforce = Some(Value::text(shown));
        state.automation = Some(Value::text("0602"));
        link.conflicts[0].cause = Cause::NotKept {
            side: Side::Salesforce,
            sent: Value::text("0602"),
            kept: Value::text("0601"),
        };
    });
    bench.sync_reports();
}

#[test]
fn a_value_that_was_not_kept_is_not_offered_again_alone_nor_for_many() {
    let mut bench = Bench::new();
    let mut other = bench.world.links[&LinkId(1)].clone();
    other.id = LinkId(2);
    bench.world.links.insert(LinkId(2), other);
    not_kept(&mut bench, "0601");
    let told = "Automation's value: Salesforce took this value and stored “0601”";
    bench.keys("3 enter").expect_screen(told);
    let hints = bench.screen();
    let lines: Vec<&str> = hints.lines().collect();
    let hints = lines[lines.len() - 2..].join(" ");
    assert!(!hints.contains("a Automation"), "{hints}");
    assert!(hints.contains("s Salesforce"), "{hints}");
    bench.keys("a").expect_screen("not decided yet");
    bench.keys("e backspace").type_text("2");
    bench.keys("enter").expect_screen("and would again");
    bench.keys("backspace").type_text("9");
    bench.keys("enter").expect_screen("→ typed: 0609");
    // It may keep it by now.
    bench.keys("t").expect_screen("→ try");
    bench.keys("c esc A").expect_screen("1 contact is written");
    bench.expect_screen("mobile (stored otherwise before, and would be again) 1");
    assert!(bench.commands().is_empty());
}

#[test]
fn a_value_that_was_not_kept_may_be_chosen_once_that_side_shows_another_one() {
    let mut bench = Bench::new();
    not_kept(&mut bench, "0604");
    bench.keys("3 enter a").expect_screen("→ Automation");
}

#[test]
fn a_refusal_that_names_no_length_is_told_as_one_of_the_value() {
    let mut bench = Bench::new();
    refuse(&mut bench, LinkId(1), "said the rule");
    bench
        .keys("3 enter a")
        .expect_screen("Salesforce refused this value, and would again");
    bench.keys("e backspace").type_text("9");
    bench.keys("enter").expect_screen("→ typed: 0609");
    // It may be allowed by now.
    bench.keys("t w").expect_screen("try");
}

#[test]
fn an_owner_is_shown_as_what_each_system_is_really_sent() {
    let mut bench = Bench::new();
    let mut policy = (*bench.model.shell.policy).clone();
    policy.mapping.person[1].role = Role::Owner;
    bench.model.shell.policy = Arc::new(policy);
    bench.keys("3 enter s").expect_screen("the user there");
    bench.keys("w").expect_screen("the user there");
}
