//! Looking without changing anything: order, copies, a screen held still.

use super::bench::Bench;
use crate::console::Msg;
use crate::domain::command::Command;
use crate::domain::ids::LinkId;

#[test]
fn the_conflicts_are_sorted_by_any_column_either_way_and_the_choice_stays() {
    let mut bench = Bench::new();
    bench.keys("3 j").expect_selected("paul@orion.example");
    bench.expect_screen("Since ↑");
    bench.keys("s").expect_screen("Whom ↑");
    bench.expect_selected("paul@orion.example");
    bench.keys("i").expect_screen("Whom ↓");
    let screen = bench.screen();
    assert!(screen.find("sophie@") < screen.find("claire@"), "{screen}");
    bench.expect_selected("paul@orion.example");
}

#[test]
fn what_is_chosen_is_copied_and_said() {
    let mut bench = Bench::new();
    bench.keys("1 y").expect_screen("Nothing here to copy");
    bench
        .keys("3 y")
        .expect_screen("Copied: claire@orion.example");
    assert_eq!(bench.copied(), ["claire@orion.example"]);
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.keys("2 y");
    assert_eq!(
        bench.copied(),
        ["UNABLE_TO_LOCK_ROW: unable to obtain exclusive access"]
    );
}

#[test]
fn a_view_held_still_says_so_moves_only_when_asked_and_catches_up() {
    let mut bench = Bench::new();
    bench.keys("3 p").expect_screen("paused, as of");
    bench.world.agree(LinkId(1));
    bench.sync_reports().expect_screen("3 contacts need");
    bench.keys("r").expect_screen("2 contacts need");
    bench.world.agree(LinkId(2));
    bench.sync_reports().expect_screen("2 contacts need");
    bench.keys("p").expect_screen("1 contact needs");
}

#[test]
fn a_view_comes_back_as_it_was_left() {
    let mut bench = Bench::new();
    bench.keys("2 /").type_text("state:dead");
    bench.keys("enter 3 /").type_text("email:paul");
    bench.keys("enter").speak_french();
    let kept = bench.model.kept();
    let mut again = Bench::new();
    again.model.restore(&kept);
    again.sync_reports();
    again.expect_screen("1 contact à trancher · / email:paul");
    assert_eq!(again.model.kept(), kept);
    again.keys("2").expect_screen("/ state:dead");
}

/// A cat on the keyboard, in a window that is dragged about: nothing breaks, and nothing is sent that no
/// dialog showed.
#[test]
fn any_keys_in_any_order_at_any_size_break_nothing() {
    const KEYS: [&str; 34] = [
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "j", "k", "G", "pgdn", "enter", "esc", "tab",
        "?", ":", "/", "space", "a", "S", "A", "w", "u", "[", "v", "B", "P", "y", "c", "s", "i",
        "t",
    ];
    let mut bench = Bench::new();
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..1_000 {
        let key = KEYS[draw(KEYS.len() as u64) as usize];
        bench.keys(key);
        if draw(10) == 0 {
            bench.type_text("xé<");
        }
        if draw(20) == 0 {
            let (width, height) = (1 + draw(240) as u16, 1 + draw(60) as u16);
            bench.send(Msg::Resized(width, height));
        }
        assert!(
            !bench.screen().is_empty(),
            "after {round} keys, the last {key}"
        );
        for (reason, command) in bench.commands() {
            let is_count = matches!(command, Command::Survey { .. });
            assert!(
                is_count || !reason.is_empty(),
                "{command:?} without a reason"
            );
        }
    }
}
