//! Keys in, screens out: each action as an operator meets it.

mod access;
mod activities;
mod audit;
mod bench;
mod bulk;
mod company;
mod configure;
mod contact;
mod doctor;
mod flags;
mod health;
mod hints;
mod keeping;
mod linear;
mod lists;
mod looking;
mod picker;
mod plugin;
mod sentences;
mod steering;
mod tape;
mod tasks;

use super::Msg;
use super::query::Query;
use crate::domain::access::Why;
use crate::domain::command::{Command, Fact, Refusal};
use crate::domain::conflict::{Choice, Subject};
use crate::domain::ids::{FieldId, Generation, LinkId};
use crate::domain::link::Link;
use crate::domain::value::Value;
use bench::{Bench, MOBILE};

#[test]
fn a_newcomer_resolves_a_conflict_from_the_hints_alone() {
    let mut bench = Bench::new();
    bench.expect_screen("! Conflicts                          3");
    bench
        .keys("enter")
        .expect_screen("3 contacts need a decision");
    bench
        .keys("enter")
        .expect_screen("Cause: both systems changed it");
    bench.expect_screen("both systems changed it since they last agreed");
    bench.expect_screen("1. Salesforce changed it since they last agreed");
    bench.keys("a").expect_screen("→ Automation's value");
    bench.expect_screen("→ Salesforce, Lead 00Q000000000001EAA: MobilePhone from “0601” to “0602”");
    bench.keys("w").expect_screen("[> Cancel <]");
    assert!(
        bench.keys("enter").commands().is_empty(),
        "it opens on Cancel"
    );
    bench.keys("w tab").type_text("asked by phone");
    let commands = bench.keys("enter enter").commands();
    let [(reason, Command::Resolve(resolutions))] = &commands[..] else {
        panic!("{commands:?}");
    };
    let [resolution] = &resolutions[..] else {
        panic!("{resolutions:?}");
    };
    assert_eq!(reason, "asked by phone");
    assert_eq!(
        (resolution.link, resolution.generation),
        (LinkId(1), Generation(4))
    );
    assert_eq!(
        resolution.choices,
        [(Subject::Field(MOBILE), Choice::Automation)]
    );
    bench.expect_screen("Sent to the sync");
    bench.world.agree(LinkId(1));
    bench.sync_reports();
    bench.expect_screen("both systems agree");
    bench.expect_screen("MobilePhone ↔ mobile\n Salesforce   0602\n Automation   0602");
    bench.expect_screen("Conf !2");
}

#[test]
fn undo_shows_what_it_writes_and_sends_the_act_it_showed() {
    let mut bench = Bench::new();
    bench
        .keys("u")
        .expect_screen("There is no decision that can be undone");
    bench.world.add_act(LinkId(1));
    bench.keys("u").expect_screen("Undo a decision");
    bench.expect_screen("MobilePhone from “0601” to");
    bench.keys("tab").type_text("wrong");
    let commands = bench.keys("tab enter").commands();
    assert!(matches!(&commands[..], [(_, Command::Undo { act })] if act.run.0 == 9));
}

#[test]
fn undo_says_whose_act_it_is_and_that_a_newer_one_of_ones_own_cannot_be_taken_back() {
    let mut bench = Bench::new();
    bench.world.add_act(LinkId(1));
    bench.world.act.as_mut().unwrap().operator = "claire".to_owned();
    bench
        .keys("u")
        .expect_screen("Undo a decision")
        .lacks("Not your own act")
        .lacks("Your newest act");
    bench.keys("esc");
    let mut newer = bench.world.act.clone().unwrap();
    newer.act = "pause".to_owned();
    newer.undo = Vec::new();
    newer.object = "Salesforce".to_owned();
    bench.world.newer = vec![newer];
    let act = bench.world.act.as_mut().unwrap();
    act.operator = "paul".to_owned();
    act.act = "undo".to_owned();
    bench
        .keys("u")
        .expect_screen("Undo an undo")
        .expect_screen("Not your own act: paul decided it at 2026-03-04 09:15 UTC")
        .expect_screen("Your newest act, ")
        .expect_screen("cannot be undone. This is an older one.");
}

#[test]
fn a_question_that_nobody_could_be_asked_says_so_in_the_operators_language() {
    let mut bench = Bench::new();
    bench.keys("3");
    bench.holds_answers = true;
    bench.keys("r");
    let (ticket, _) = bench.asked().pop().unwrap();
    bench.send(Msg::Unasked(ticket));
    bench.expect_screen("too much at once; r tries again");
}

#[test]
fn nothing_is_sent_without_a_reason() {
    let mut bench = Bench::new();
    bench.keys("3 enter s w shift-tab enter");
    bench.expect_screen("Say why; it is kept in the audit");
    assert!(bench.commands().is_empty());
}

#[test]
fn letters_typed_while_a_dialog_stands_on_cancel_begin_the_reason() {
    let mut bench = Bench::new();
    bench.keys("3 enter s w").type_text("quick fix");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(&commands[..], [(reason, _)] if reason == "quick fix"));
}

#[test]
fn an_opt_in_asks_for_the_word_shown() {
    let mut bench = Bench::new();
    bench.keys("3 j enter O w").expect_screen("Type opt-in:");
    bench.keys("tab").type_text("she asked");
    bench
        .keys("tab tab enter")
        .expect_screen("That is not the word shown");
    assert!(bench.commands().is_empty());
    bench.type_text("opt-in");
    let commands = bench.keys("tab enter").commands();
    assert!(
        matches!(&commands[..], [(_, Command::Resolve(r))] if r[0].choices[0].1 == Choice::OptIn)
    );
}

#[test]
fn a_choice_made_on_an_older_version_is_taken_away_and_said() {
    let mut bench = Bench::new();
    bench.keys("3 enter s");
    bench
        .world
        .change(LinkId(1), |link| link.generation = Generation(5));
    bench.sync_reports();
    bench.expect_screen("your choices were taken away");
    bench.keys("w").expect_screen("Nothing is chosen yet");
}

#[test]
fn a_dialog_keeps_what_it_was_opened_on_and_is_refused_if_that_changed() {
    let mut bench = Bench::new();
    bench.keys("3 enter s w tab").type_text("why");
    bench
        .world
        .change(LinkId(1), |link| link.generation = Generation(5));
    bench.sync_reports();
    bench.expect_screen("to “0601”");
    let commands = bench.keys("tab enter").commands();
    assert!(commands.is_empty(), "{commands:?}");
    bench.expect_screen("the contact changed while the dialog was open");
}

#[test]
fn a_typed_value_is_read_by_the_fields_type_and_shown_before_it_is_written() {
    let mut bench = Bench::new();
    bench
        .keys("3 enter e")
        .expect_screen("alt-enter begins a new line");
    for _ in 0..4 {
        bench.keys("backspace");
    }
    bench.type_text("0699");
    bench.keys("enter").expect_screen("→ typed: 0699");
    bench.expect_screen("Automation, contact 1: mobile from “0602” to “0699”");
    bench.keys("c").expect_screen("not decided yet");
}

#[test]
fn a_refresh_never_moves_the_choice_to_another_contact() {
    let mut bench = Bench::new();
    bench.keys("3 j").expect_selected("paul@orion.example");
    bench.world.agree(LinkId(1));
    bench.sync_reports();
    bench.expect_selected("paul@orion.example");
    bench.world.agree(LinkId(2));
    bench.sync_reports();
    bench.expect_screen("no longer in the list");
    bench
        .keys("enter")
        .expect_screen("1 contact needs a decision");
}

#[test]
fn a_filter_shows_what_matches_while_it_is_typed_and_says_so() {
    let mut bench = Bench::new();
    bench.keys("3 /").type_text("email:paul");
    bench.expect_screen("1 contact needs a decision · / email:paul");
    bench.keys("enter esc").expect_screen("3 contacts need");
    bench.keys("/").type_text("nobody");
    bench.expect_screen("Nothing matches the filter");
    bench.keys("esc").expect_screen("3 contacts need");
}

#[test]
fn the_records_of_an_identity_conflict_are_chosen_by_number() {
    let mut bench = Bench::new();
    bench.keys("3 G enter e").type_text("3");
    bench
        .keys("enter")
        .expect_screen("No record has that number");
    bench.keys("backspace").type_text("2");
    bench
        .keys("enter")
        .expect_screen("→ pair with Automation contact 8");
    bench.keys("s").expect_screen("does not take that choice");
}

#[test]
fn a_contact_is_found_and_shown_side_by_side_with_its_history() {
    let mut bench = Bench::new();
    bench.keys("4").type_text("claire");
    bench.keys("enter").expect_screen("Found: 1 · “claire”");
    bench.keys("enter").expect_screen("≠ MobilePhone");
    bench.expect_screen("the two records were paired");
    bench
        .keys("enter")
        .expect_screen("Cause: both systems changed it");
}

#[test]
fn what_was_given_up_can_be_sent_again_alone_or_by_cause() {
    let mut bench = Bench::new();
    bench.keys("2").expect_screen("Nothing is on its way");
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.world.give_up(LinkId(2), "UNABLE_TO_LOCK_ROW");
    bench.sync_reports();
    bench.expect_screen("UNABLE_TO_LOCK_ROW");
    bench
        .keys("T")
        .expect_screen("The writes of 2 contacts are worked out again");
    bench.keys("tab").type_text("locks are gone");
    let commands = bench.keys("tab enter").commands();
    let all = vec![LinkId(1), LinkId(2)];
    assert!(matches!(&commands[..], [(_, Command::Retry { links })] if *links == all));
    bench.keys("t tab").type_text("one");
    let commands = bench.keys("tab enter").commands();
    assert!(matches!(&commands[..], [(_, Command::Retry { links })] if links.len() == 1));
}

#[test]
fn a_sync_by_hand_is_asked_for_in_a_dialog() {
    let mut bench = Bench::new();
    bench
        .keys("S")
        .expect_screen("Reads every change of both systems");
    bench.keys("tab").type_text("new list");
    let commands = bench.keys("tab enter").commands();
    assert!(matches!(&commands[..], [(_, Command::RunCycle(_))]));
}

#[test]
fn help_shows_what_is_bound_here_finds_it_and_does_it() {
    let mut bench = Bench::new();
    bench.keys("3 enter ?").expect_screen("take-salesforce");
    bench.type_text("base");
    bench.expect_screen("decide for the value last agreed on");
    bench
        .keys("enter")
        .expect_screen("→ the value last agreed on");
}

#[test]
fn the_palette_changes_the_language_while_running() {
    let mut bench = Bench::new();
    bench.keys("3 :").type_text("lang fr");
    bench.keys("enter").expect_screen("3 contacts à trancher");
    bench.keys(":").type_text("go-overview");
    bench.keys("enter").expect_screen("Écritures en route");
}

#[test]
fn wrong_keys_and_pastes_do_nothing_and_say_so() {
    let mut bench = Bench::new();
    bench.keys("3 enter s");
    bench
        .keys("z")
        .expect_screen("“z” does nothing here; ? shows what does");
    bench.send(Msg::Pasted("w\ry\rw\r".to_owned()));
    bench.expect_screen("Pasted text is ignored here");
    assert!(bench.commands().is_empty());
    bench
        .keys("esc esc esc")
        .expect_screen("This is the first screen");
}

#[test]
fn leaving_is_for_the_key_that_leaves() {
    let mut bench = Bench::new();
    bench
        .keys("3 enter q q")
        .expect_screen("things need a person");
    assert!(!bench.has_left());
    bench.keys("q");
    assert!(bench.has_left());
    let mut bench = Bench::new();
    bench.keys("3 enter s w ctrl-c");
    assert!(bench.has_left() && bench.commands().is_empty());
}

#[test]
fn what_the_sync_says_is_told() {
    let mut bench = Bench::new();
    let refusal = Refusal::NoSuchConflict(LinkId(1));
    bench.send(Msg::Told(Fact::Refused(refusal)));
    bench.expect_screen("Refused: contact no. 1 does not have this conflict any more");
    bench
        .send(Msg::Missed(3))
        .expect_screen("3 messages came too fast");
    bench.send(Msg::Busy).expect_screen("Not sent");
    bench.send(Msg::Ended).expect_screen("The sync has stopped");
    bench.keys("S tab").type_text("x");
    assert!(bench.keys("tab enter").commands().is_empty());
}

#[test]
fn an_answer_nobody_waits_for_any_more_is_dropped() {
    let mut bench = Bench::new();
    bench.keys("3");
    bench.holds_answers = true;
    bench.keys("enter");
    let late = bench.held();
    bench.keys("esc");
    bench.holds_answers = false;
    for msg in late {
        bench.send(msg);
    }
    bench.expect_screen("Whom");
}

#[test]
fn a_store_that_cannot_be_read_is_said_and_what_was_known_stays() {
    let mut bench = Bench::new();
    bench.keys("3");
    bench.holds_answers = true;
    bench.keys("r");
    let asked = bench.asked();
    for (ticket, query) in asked {
        if query == Query::Conflicts {
            bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
        }
    }
    bench.expect_screen("cannot be read: disk on fire");
    bench.expect_screen("claire@orion.example");
}

#[test]
fn nothing_from_outside_reaches_the_screen_raw() {
    let mut bench = Bench::new();
    let hostile = "\u{1b}]0;x\u{7}\u{202e}evil\u{e0041}\u{9b}2J";
    bench.world.change(LinkId(1), |link: &mut Link| {
        link.field_mut(FieldId(1)).salesforce = Some(Value::Text(hostile.to_owned()));
        link.field_mut(MOBILE).salesforce = Some(Value::Text(hostile.to_owned()));
    });
    bench.sync_reports();
    for keys in ["3", "enter", "s", "w", "esc", "4"] {
        let screen = bench.keys(keys).screen();
        let is_raw = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}' || c > '\u{e0000}');
        assert!(!screen.contains(is_raw), "{screen:?}");
    }
    bench
        .keys("esc 3 esc")
        .expect_screen("<U+001B>]0;x<U+0007>");
}

#[test]
fn every_screen_says_what_would_be_there_when_it_is_empty() {
    let mut bench = Bench::empty();
    bench.expect_screen("both systems were not read");
    bench
        .keys("2")
        .expect_screen("nothing was given up. Writes appear here");
    bench
        .keys("3")
        .expect_screen("What no rule can decide appears here");
    bench
        .keys("4 esc")
        .expect_screen("Nobody was searched for yet");
}

#[test]
fn too_small_a_window_says_so_and_any_size_is_painted() {
    let mut bench = Bench::new();
    for (width, height) in [(1, 1), (10, 3), (59, 24), (80, 19)] {
        bench.send(Msg::Resized(width, height));
        bench.screen();
    }
    bench
        .send(Msg::Resized(59, 24))
        .expect_screen("at least 60×20");
    for keys in [
        "1", "2", "3", "enter", "s", "w", "esc", "?", "esc", "e", "esc", "4",
    ] {
        bench.keys(keys);
        for (width, height) in [(60, 20), (80, 24), (120, 40), (240, 60)] {
            bench.send(Msg::Resized(width, height));
            assert!(bench.screen().contains("PRACTICE"));
        }
    }
}

#[test]
fn a_quiet_screen_wants_no_time_and_an_age_does() {
    let mut bench = Bench::new();
    // Until the faults of the set-up were counted once more.
    bench.keys(&"j ".repeat(12));
    assert!(!bench.model.wants_time());
    bench.keys("3");
    assert!(bench.model.wants_time());
    bench.keys("enter");
    assert!(!bench.model.wants_time());
}

#[test]
fn a_click_chooses_a_tab_or_a_row_and_confirms_nothing() {
    let mut bench = Bench::new();
    bench
        .click(35, 0)
        .expect_screen("3 contacts need a decision");
    bench.click(5, 5).expect_selected("paul@orion.example");
    bench.keys("k enter s w").click(10, 14);
    assert!(bench.commands().is_empty());
}

#[test]
fn screens_at_80_by_24_in_both_languages() {
    for language in ["en", "fr"] {
        let mut bench = Bench::new();
        bench.world.give_up(LinkId(2), "UNABLE_TO_LOCK_ROW");
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter r");
        bench.matches(&format!("overview-{language}"));
        bench.keys("2 ").matches(&format!("queues-{language}"));
        bench.keys("3").matches(&format!("conflicts-{language}"));
        bench.keys("enter a").matches(&format!("decide-{language}"));
        bench.keys("w").matches(&format!("write-{language}"));
        bench.keys("esc ?").matches(&format!("help-{language}"));
        bench.keys("esc 4").type_text("claire");
        bench
            .keys("enter enter")
            .matches(&format!("contact-{language}"));
    }
}
