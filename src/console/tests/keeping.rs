//! What an operator chose or typed is not lost on the way: not by leaving, not by a sync that is busy.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::bench::{Bench, MOBILE};
use crate::console::Msg;
use crate::domain::command::{Command, Fact, Refusal};
use crate::domain::ids::{Generation, LinkId, RunId};
use crate::domain::value::Value;

#[test]
fn a_busy_sync_loses_neither_choices_nor_reason_and_the_dialog_lies_there_again() {
    let mut bench = Bench::new();
    bench.keys("3 enter a w tab").type_text("asked by phone");
    bench.keys("enter enter");
    assert_eq!(bench.commands().len(), 1);
    bench.send(Msg::Busy);
    bench
        .expect_screen("too many commands waiting")
        .expect_screen("[> Cancel <]")
        .expect_screen("asked by phone");
    let commands = bench.keys("tab tab enter").commands();
    assert!(matches!(&commands[..], [(reason, Command::Resolve(_))] if reason == "asked by phone"));
    bench.expect_screen("→ Automation's value");
}

#[test]
fn choices_go_when_the_sync_took_them_in_and_stay_when_it_refused() {
    let mut bench = Bench::new();
    bench.keys("3 enter a w tab").type_text("by phone");
    bench.keys("enter enter");
    bench
        .keys("w")
        .expect_screen("Sent to the sync")
        .lacks("[> Cancel <]");
    bench.send(Msg::Told(Fact::Refused(Refusal::NoSuchLink(LinkId(1)))));
    bench.expect_screen("→ Automation's value");
    bench.keys("w tab").type_text("by phone");
    bench.keys("enter enter");
    bench.send(Msg::Told(Fact::Accepted(RunId(3))));
    bench
        .lacks("→ Automation's value")
        .expect_screen("not decided yet");
}

/// Two acts on their way: the second is the one about the choices.
fn two_under_way() -> Bench {
    let mut bench = Bench::new();
    bench.world.give_up(LinkId(2), "UNABLE_TO_LOCK_ROW");
    bench.keys("2 t tab").type_text("locks are gone");
    bench
        .keys("enter enter 3 enter a w tab")
        .type_text("by phone");
    bench.keys("enter enter");
    assert_eq!(bench.commands().len(), 2);
    bench
}

#[test]
fn an_answer_to_an_earlier_act_is_not_taken_for_one_to_the_choices() {
    let mut bench = two_under_way();
    bench.send(Msg::Told(Fact::Accepted(RunId(3))));
    bench.expect_screen("→ Automation's value");
    bench.send(Msg::Told(Fact::Accepted(RunId(4))));
    bench.lacks("→ Automation's value");
}

#[test]
fn a_bulk_that_is_refused_in_part_is_one_answer_to_one_command() {
    let mut bench = two_under_way();
    let refused = vec![
        (LinkId(7), Refusal::NoSuchLink(LinkId(7))),
        (LinkId(8), Refusal::NoSuchLink(LinkId(8))),
    ];
    let run = RunId(3);
    bench.send(Msg::Told(Fact::AcceptedInPart { run, refused }));
    bench
        .expect_screen("→ Automation's value")
        .expect_screen("Accepted as act 3, all but 2. Refused: there is no contact no. 7");
    let refused = vec![(LinkId(1), Refusal::NoSuchConflict(LinkId(1)))];
    let run = RunId(4);
    bench.send(Msg::Told(Fact::AcceptedInPart { run, refused }));
    bench.expect_screen("→ Automation's value");
}

#[test]
fn that_a_contact_changed_by_what_was_decided_here_is_no_news() {
    let mut bench = Bench::new();
    bench.keys("3 enter a w tab").type_text("by phone");
    bench.keys("enter enter");
    bench.world.agree(LinkId(1));
    bench.sync_reports();
    bench
        .lacks("your choices were taken away")
        .expect_screen("both systems agree");
}

#[test]
fn choices_outlive_leaving_the_contact_and_opening_another() {
    let mut bench = Bench::new();
    bench
        .keys("3 enter a esc")
        .expect_screen("1 choice of it is kept here, not written");
    bench.keys("j enter o esc k enter");
    bench
        .expect_screen("claire@orion.example")
        .expect_screen("→ Automation's value");
    bench.keys("esc j enter").expect_screen("→ opted out");
    // From elsewhere too.
    bench.keys("4").type_text("claire");
    bench.keys("enter enter enter");
    bench.expect_screen("→ Automation's value");
}

#[test]
fn kept_choices_are_void_once_the_contact_is_another_version() {
    let mut bench = Bench::new();
    bench.keys("3 enter a esc");
    bench
        .world
        .change(LinkId(1), |link| link.generation = Generation(5));
    bench
        .keys("enter")
        .expect_screen("your choices were taken away")
        .expect_screen("not decided yet");
}

#[test]
fn counting_that_cannot_end_can_be_asked_for_again() {
    for lost in [Msg::Busy, Msg::Missed(3)] {
        let mut bench = Bench::new();
        bench.keys("6 R").expect_screen("Counting");
        bench.send(lost);
        let before = bench.commands().len();
        bench.keys("R");
        assert_eq!((before, bench.commands().len()), (1, 1));
    }
}

#[test]
fn a_busy_sync_does_not_end_a_counting_that_was_taken_in() {
    let mut bench = Bench::new();
    bench.keys("6 R");
    bench.keys("1 S tab").type_text("new list");
    bench.keys("enter enter");
    bench.send(Msg::Busy);
    bench.keys("esc 6 R").expect_screen("on their way");
}

#[test]
fn a_long_dialog_is_scrolled_also_while_the_reason_is_typed_and_says_what_is_left() {
    let mut bench = Bench::new();
    bench.send(Msg::Resized(60, 20));
    bench.world.change(LinkId(1), |link| {
        let long = (0..40).map(|n| format!("line{n:02}")).collect::<Vec<_>>();
        link.field_mut(MOBILE).automation = Some(Value::text(&long.join(" ")));
    });
    bench.keys("3 enter a w");
    bench
        .expect_screen("more lines below; pgdn shows them")
        .expect_screen("about 2 calls")
        .lacks("line39");
    bench
        .keys("tab")
        .type_text("why")
        .keys("pgdn pgdn pgdn pgdn");
    bench
        .expect_screen("line39")
        .expect_screen("this is the end; pgup goes back")
        .expect_screen("Reason: why");
    bench.keys("pgup pgup pgup pgup").lacks("line39");
    let commands = bench.keys("tab enter").commands();
    assert!(matches!(&commands[..], [(reason, _)] if reason == "why"));
}

#[test]
fn a_text_that_is_too_long_is_refused_whole_and_said_so() {
    let mut bench = Bench::new();
    bench.keys("3 enter a w tab").type_text("why ");
    bench.send(Msg::Pasted("é".repeat(3_997)));
    bench
        .expect_screen("Not taken: a text has at most 4,000 characters")
        .expect_screen("Reason: why  ");
    bench.send(Msg::Pasted("é".repeat(3_996)));
    bench.lacks("Reason: why  ");
    bench
        .type_text("x")
        .expect_screen("at most 4,000 characters");
    bench
        .keys("backspace")
        .type_text("x")
        .lacks("at most 4,000");
    let commands = bench.keys("enter enter").commands();
    let [(reason, _)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(*reason, format!("why {}x", "é".repeat(3_995)));
}

#[test]
fn where_nothing_is_shown_nothing_is_done_but_leaving() {
    let mut bench = Bench::new();
    bench.keys("3 enter a w tab").type_text("by phone");
    bench.keys("enter");
    bench.send(Msg::Resized(59, 20));
    bench
        .expect_screen("needs at least 60×20")
        .expect_screen("ctrl-c");
    bench.keys("enter");
    bench.send(Msg::Pasted("more".to_owned()));
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 1,
        row: 0,
        modifiers: KeyModifiers::NONE,
    };
    bench.send(Msg::Mouse(click));
    assert_eq!(bench.commands(), []);
    bench.send(Msg::Resized(80, 24));
    bench
        .expect_screen("[> Confirm <]")
        .expect_screen("Reason: by phone ");
    bench.send(Msg::Resized(80, 19));
    assert!(!bench.has_left());
    bench.keys("ctrl-c");
    assert!(bench.has_left());
}

#[test]
fn a_filter_that_stood_is_back_when_another_one_is_given_up() {
    let mut bench = Bench::new();
    bench.keys("3 /").type_text("orion");
    bench.keys("enter").expect_screen("/ orion");
    bench.keys("/ backspace backspace").type_text("xyz");
    bench.keys("esc").expect_screen("/ orion");
    bench.keys("esc").lacks("/ orion");
}

#[test]
fn a_dialog_on_the_smallest_screen_keeps_to_its_frame() {
    for language in ["en", "fr"] {
        let mut bench = Bench::new();
        bench.send(Msg::Resized(60, 20));
        bench.keys(":").type_text(&format!("lang {language}"));
        let screen = bench.keys("enter 3 enter a w").screen();
        let buttons = screen.lines().find(|line| line.contains("[> ")).unwrap();
        assert!(buttons.trim_end().ends_with('│'), "{screen}");
    }
}
