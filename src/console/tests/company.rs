//! Several people at once: who may do what, who is here, and who looks at the same contact.

use std::sync::Arc;

use super::bench::{Bench, NOW};
use crate::console::Msg;
use crate::console::keymap::{ACTIONS, Action};
use crate::domain::command::{Fact, Refusal};
use crate::domain::ids::{Generation, LinkId};
use crate::domain::operator::{Operator, Present, Role, SessionId};
use crate::domain::time::Span;

fn present(session: u64, name: &str, looks_at: Option<LinkId>) -> Present {
    Present {
        session: SessionId(session),
        operator: Operator {
            name: name.to_owned(),
            from: "ssh 192.0.2.7".to_owned(),
        },
        role: Role::Operator,
        since: NOW - Span::minutes(7),
        looks_at,
    }
}

fn accompanied(looks_at: Option<LinkId>) -> Bench {
    let mut bench = Bench::new();
    let here = vec![present(1, "zoe", None), present(2, "claire", looks_at)];
    bench.send(Msg::Present(Arc::new(here)));
    bench
}

fn as_a(role: Role) -> Bench {
    let mut bench = Bench::new();
    bench.model.shell.instance.role = role;
    bench
}

#[test]
fn who_only_looks_can_do_nothing_else_and_sees_it_on_every_screen() {
    for screen in ["1", "2", "3", "4 esc", "5", "6", "7", "8", "9"] {
        let mut bench = as_a(Role::Viewer);
        bench.keys(screen).expect_screen("READ ONLY");
        let contexts = bench.model.contexts();
        let acts = ACTIONS
            .iter()
            .filter(|entry| entry.action.needed() > Role::Viewer);
        let keymap = bench.model.shell.keymap.clone();
        let mut tried = 0;
        for key in acts.filter_map(|entry| keymap.hint(&contexts, entry.action)) {
            bench.keys(&key).expect_screen("yours is viewer");
            assert!(bench.model.overlay.is_none(), "{key}");
            tried += 1;
        }
        assert!(tried > 0 && bench.commands().is_empty(), "{screen}");
    }
}

#[test]
fn what_takes_an_admin_is_refused_to_an_operator_with_the_role_it_takes() {
    let mut bench = as_a(Role::Operator);
    bench.keys("3 enter s w").expect_screen("Cancel");
    let mut bench = as_a(Role::Operator);
    let contexts = bench.model.contexts();
    let key = bench
        .model
        .shell
        .keymap
        .hint(&contexts, Action::ReleaseBrake);
    bench
        .keys(&key.unwrap())
        .expect_screen("only the role admin may do this, and yours is operator");
    // What is judged by whoever carries it out comes back as a word too.
    bench.send(Msg::Denied(Role::Admin));
    bench.expect_screen("only the role admin may do this");
}

#[test]
fn others_are_counted_and_told_which_contact_is_open_here() {
    let mut bench = accompanied(None);
    bench.expect_screen("2 here");
    bench.keys("3 enter");
    let opened = bench.shown.clone();
    bench.keys("esc");
    assert_eq!(opened, [Some(LinkId(1))]);
    assert_eq!(bench.shown, [Some(LinkId(1)), None]);
}

#[test]
fn who_has_the_same_contact_open_is_named_there_and_in_the_dialog() {
    let mut bench = accompanied(Some(LinkId(1)));
    bench.keys("3").lacks("claire (here since");
    bench.keys("enter").expect_screen("claire (here since");
    bench
        .keys("s w")
        .expect_screen("claire (here since")
        .expect_screen("Whoever writes first decides");
}

#[test]
fn who_comes_second_hears_who_decided_and_when() {
    let mut bench = Bench::new();
    let refusal = Refusal::OlderGeneration {
        link: LinkId(1),
        asked: Generation(1),
        now: Generation(2),
        decided: Some(("claire".to_owned(), NOW)),
    };
    bench.send(Msg::Told(Fact::Refused(refusal)));
    bench.expect_screen("claire already decided on contact no. 1");
}

#[test]
fn who_is_here_and_what_is_under_way_can_be_looked_at_from_anywhere() {
    let mut bench = accompanied(Some(LinkId(12)));
    bench.keys("W").matches("here-en");
    bench.keys("enter").lacks("Consoles open");
    bench.speak_french().keys("W").matches("here-fr");
    bench.keys("esc").lacks("Consoles ouvertes");
}
