//! Pausing, releasing the brake, giving up: from the overview and the queues.

use super::bench::Bench;
use crate::domain::command::{Command, Queue, Scope};
use crate::domain::ids::{LinkId, Side};
use crate::domain::snapshot::{Budget, Hearing};
use crate::domain::time::{Span, Timestamp};

#[test]
fn a_queue_is_paused_from_one_of_its_rows_and_let_go_on_and_both_are_in_sight() {
    let mut bench = Bench::new();
    bench.keys("2 P").expect_screen("Nothing is chosen");
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.sync_reports();
    bench
        .keys("P")
        .expect_screen("Nothing more leaves of: writes to Salesforce");
    bench.type_text("freeze at the customer's");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::Pause(Queue::Salesforce))]
    ));
    bench.sync_reports_that(|snapshot| snapshot.paused = [Queue::Salesforce].into());
    bench
        .keys("1")
        .expect_screen("Paused by an operator: writes to Salesforce");
    bench.keys("2 P").type_text("over");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::Resume(Queue::Salesforce))]
    ));
}

#[test]
fn the_brake_is_released_from_the_overview_with_what_would_leave() {
    let mut bench = Bench::new();
    bench.keys("L").expect_screen("Nothing is held back");
    bench.sync_reports_that(|snapshot| {
        snapshot.is_braked = true;
        snapshot.queued = [(Side::Automation, 1_200)].into();
    });
    bench.expect_screen("L shows what leaves");
    bench.expect_screen("L let go on");
    bench.keys("L").expect_screen("Automation: 1,200");
    bench.type_text("a wanted import");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(&commands[..], [(_, Command::ReleaseBrake)]));
}

#[test]
fn a_given_up_write_is_explained_and_dropped_only_with_the_word() {
    let mut bench = Bench::new();
    bench.keys("2 D").expect_screen("only that can be dropped");
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.sync_reports();
    bench.expect_screen("Salesforce was busy, or the record was locked");
    bench.expect_screen("In its own words: UNABLE_TO_LOCK_ROW");
    bench.keys("D").expect_screen("both systems keep what");
    bench.type_text("wrong import");
    assert!(bench.keys("enter enter enter").commands().is_empty());
    bench.type_text("give up");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::Discard { links })] if links[..] == [LinkId(1)]
    ));
}

#[test]
fn what_is_due_is_written_now_from_the_queues() {
    let mut bench = Bench::new();
    bench
        .keys("2 S")
        .expect_screen("Writes what is due to both systems");
    bench.type_text("customer waits");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::RunCycle(Scope::OUTBOX))]
    ));
}

#[test]
fn the_overview_says_which_way_the_backlog_goes_and_whether_the_calls_last() {
    let mut bench = Bench::new();
    bench.expect_screen("nothing waits to be written");
    let mut waits = |from: u64, step: i64| {
        for round in 0..50 {
            let count = from.saturating_add_signed(round * step);
            bench.sync_reports_that(|snapshot| {
                snapshot.queued = [(Side::Salesforce, count)].into();
                snapshot.budget = Some(Budget {
                    spent: 6_000,
                    allowed: 7_500,
                    reserved: 375,
                    lately: 900,
                    eases: Some(Timestamp::ZERO + Span::hours(2)),
                });
            });
        }
        bench.screen()
    };
    let draining = waits(1_000, -10);
    assert!(
        draining.contains("510 waiting, draining; done in about"),
        "{draining}"
    );
    assert!(
        draining.contains("6,000 of 7,500 in 24 h; spent in about 1 h"),
        "{draining}"
    );
    let growing = waits(510, 20);
    assert!(growing.contains("1,490 waiting, growing"), "{growing}");
    let steady = waits(1_490, 0);
    assert!(steady.contains("1,490 waiting, steady"), "{steady}");
}

#[test]
fn the_overview_counts_what_is_left_out_and_says_why_the_most_frequent_first() {
    let mut bench = Bench::new();
    bench.lacks("Left out");
    bench.sync_reports_that(|snapshot| {
        let ignored = [
            ("no_email", 4),
            ("gone_before_linked", 12),
            ("of_tomorrow", 1),
        ];
        let counted = ignored.map(|(reason, count)| (reason.to_owned(), count));
        snapshot.totals.ignored = counted.into();
    });
    bench.expect_screen(
        "Left out since start: 12 gone before they were known · 4 without an e-mail",
    );
    bench.expect_screen("1 of_tomorrow");
    bench.expect_screen("Automation 0 · 17 left out");
}

#[test]
fn webhooks_are_one_line_of_the_overview_where_they_are_received() {
    let mut bench = Bench::new();
    bench.sync_reports();
    assert!(!bench.screen().contains("Webhooks"));
    let last = crate::console::tests::bench::NOW;
    bench.sync_reports_that(|snapshot| {
        snapshot.hearing = Some(Hearing {
            received: 1_200,
            last: Some(last),
            ..Hearing::default()
        });
    });
    bench.expect_screen("Webhooks");
    bench.expect_screen("1,200 calls");
    assert!(!bench.screen().contains("refused"));
    bench.sync_reports_that(|snapshot| {
        snapshot.hearing = Some(Hearing {
            received: 1,
            refused: 3,
            unreadable: 1,
            dropped: 5,
            ..Hearing::default()
        });
    });
    bench.expect_screen("1 call");
    bench.expect_screen("4 refused");
    bench.expect_screen("5 left to the next reading");
}
