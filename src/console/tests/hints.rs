//! The keys at the foot of the screen: whoever reads them alone can do the three tasks.

use super::activities::refused;
use super::bench::Bench;
use crate::console::Msg;
use crate::domain::ids::LinkId;

/// The last two lines, as they are painted.
fn hints(bench: &Bench) -> String {
    let screen = bench.screen();
    let lines: Vec<&str> = screen.lines().collect();
    lines[lines.len() - 2..].join(" ")
}

#[track_caller]
fn expect_keys(bench: &Bench, keys: &[&str]) {
    let hints = hints(bench);
    let shown: Vec<&str> = hints.split("  ").map(str::trim).collect();
    for key in keys {
        let is_shown = |hint: &&&str| hint.split_whitespace().next() == Some(*key);
        assert!(shown.iter().find(is_shown).is_some(), "no {key} in {hints}");
    }
}

fn in_both(check: impl Fn(&mut Bench)) {
    for tongue in ["en", "fr"] {
        let mut bench = refused();
        bench.keys(":").type_text(&format!("lang {tongue}"));
        bench.keys("enter");
        check(&mut bench);
    }
}

#[test]
fn the_keys_of_a_conflict_are_all_in_sight_from_the_list_to_the_undo() {
    in_both(|bench| {
        bench.keys("3");
        expect_keys(
            bench,
            &[
                "j", "enter", "u", "space", "a", "S", "A", "B", "X", "/", "?",
            ],
        );
        bench.keys("enter");
        expect_keys(bench, &["s", "a", "e", "b", "x", "esc", "?"]);
        bench.keys("a");
        expect_keys(bench, &["w", "s", "a", "e", "b", "x", "c", "esc", "?"]);
        bench.world.agree(LinkId(1));
        bench.sync_reports();
        expect_keys(bench, &["u", "esc", "?"]);
    });
}

#[test]
fn a_contact_with_several_conflicts_says_how_to_go_from_one_to_the_next() {
    in_both(|bench| {
        bench.world.change(LinkId(1), |link| {
            let mut second = link.conflicts[0].clone();
            second.subject = crate::domain::conflict::Subject::Consent;
            link.conflicts.push(second);
        });
        bench.sync_reports();
        bench.keys("3 enter a k");
        expect_keys(bench, &["w", "s", "a", "e", "b", "x", "c", "j", "esc", "?"]);
    });
}

#[test]
fn the_keys_of_queues_activities_and_flags_are_all_in_sight() {
    in_both(|bench| {
        bench.world.give_up(LinkId(2), "UNABLE_TO_LOCK_ROW");
        bench.keys("2 r");
        expect_keys(bench, &["enter", "t", "T", "D", "P", "S", "/", "?"]);
        bench.keys("6");
        expect_keys(bench, &["B", "R", "enter", "t", "D", "v", "/", "P", "?"]);
        bench.keys("5");
        expect_keys(bench, &["enter", "t", "h", "T", "H", "B", "/", "?"]);
    });
}

#[test]
fn a_key_that_finds_no_room_is_counted_beside_the_help_that_has_it() {
    in_both(|bench| {
        bench.send(Msg::Resized(60, 20));
        bench.keys("3");
        let screen = bench.screen();
        let last = screen.lines().last().unwrap_or_default();
        assert!(
            last.contains("? help, ") || last.contains("? aide, "),
            "{last}"
        );
        assert!(
            last.starts_with(" j "),
            "the most useful come first: {last}"
        );
        bench.send(Msg::Resized(240, 60));
        let screen = bench.screen();
        let last = screen.lines().last().unwrap_or_default();
        assert!(
            !last.contains("? help,") && !last.contains("? aide,"),
            "{last}"
        );
    });
}
