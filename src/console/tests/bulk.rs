//! One choice for many contacts.

use super::bench::{Bench, MOBILE};
use crate::domain::command::Command;
use crate::domain::conflict::{Choice, Subject};
use crate::domain::ids::LinkId;

#[test]
fn a_bulk_act_is_about_exactly_what_the_filter_shows_and_says_what_it_refuses() {
    let mut bench = Bench::new();
    bench
        .keys("3 A")
        .expect_screen("for the 3 contacts that the filter shows");
    bench.expect_screen("1 contact is written (Salesforce 1, Automation 0)");
    bench.expect_screen("2 contacts stay, for their conflicts do not take this:");
    bench.expect_screen("consent 1,");
    bench.expect_screen("identity 1");
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
    bench.keys("a").expect_screen("2 contacts wait");
    bench
        .keys("O")
        .expect_screen("for the 2 contacts that the filter shows");
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
    bench.expect_screen("Show only");
    assert!(bench.commands().is_empty());
}
