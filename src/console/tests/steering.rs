//! Pausing, releasing the brake, giving up: from the overview and the queues.

use super::bench::{Bench, MOBILE, NOW};
use crate::domain::command::{Command, Queue, Scope};
use crate::domain::failure::FailureKind;
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Intent, Pending, PendingState};
use crate::domain::snapshot::{Budget, Hearing};
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::Value;

#[test]
fn a_queue_is_paused_from_one_of_its_rows_and_let_go_on_and_both_are_in_sight() {
    let mut bench = Bench::new();
    bench
        .keys("2 P")
        .expect_screen("1 writes to Salesforce; 2 writes to Automation; 3 activities");
    bench.keys("backspace").type_text("4");
    bench
        .keys("enter")
        .expect_screen("Type the number of a queue: 1, 2 or 3");
    bench.keys("backspace").type_text("2");
    bench
        .keys("enter")
        .expect_screen("Nothing more leaves of: writes to Automation");
    bench.keys("esc");
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.sync_reports();
    bench
        .keys("P enter")
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
    bench.keys("2 P enter").type_text("over");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::Resume(Queue::Salesforce))]
    ));
}

#[test]
fn the_brake_is_released_from_the_overview_with_what_would_leave() {
    let mut bench = Bench::new();
    bench.keys("L").expect_screen("No write is stopped");
    bench.sync_reports_that(|snapshot| {
        snapshot.is_braked = true;
        snapshot.queued = [(Side::Automation, 1_200)].into();
    });
    bench.expect_screen("L shows what would be written");
    bench.expect_screen("L let go");
    bench.world.change(LinkId(2), |link| {
        link.pending.push(planned());
    });
    bench
        .keys("L")
        .expect_screen("Automation: 1,200")
        .expect_screen("about 0 calls")
        .expect_screen("This cannot be undone")
        .expect_screen("paul@orion.example · no. 2: Automation: ")
        .expect_screen("mobile = 0609");
    bench.type_text("a wanted import");
    bench.keys("enter").type_text("let it");
    assert!(bench.keys("enter enter").commands().is_empty());
    for _ in "let it".chars() {
        bench.keys("backspace");
    }
    bench.type_text("let go");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(&commands[..], [(_, Command::ReleaseBrake { .. })]));
}

/// A write that waits behind the brake.
fn planned() -> Pending {
    Pending {
        side: Side::Automation,
        write: Intent::Update,
        values: vec![(MOBILE, Value::text("0609"))],
        consent: None,
        state: PendingState::Planned,
        attempts: 0,
        failure: None,
    }
}

#[test]
fn a_given_up_write_is_explained_and_dropped_only_with_the_word() {
    let mut bench = Bench::new();
    bench.keys("2 D").expect_screen("only that can be dropped");
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.sync_reports();
    bench.expect_screen("Salesforce was busy, or the record was locked");
    bench.expect_screen("Its exact answer: UNABLE_TO_LOCK_ROW");
    bench.keys("D").expect_screen("each system keeps what");
    bench.type_text("wrong import");
    assert!(bench.keys("enter enter enter").commands().is_empty());
    bench.type_text("drop");
    let commands = bench.keys("enter enter").commands();
    let [(_, Command::Discard { writes })] = &commands[..] else {
        panic!("{commands:?}");
    };
    let seen = &bench.world.links[&LinkId(1)].pending[0];
    let [only] = &writes[..] else {
        panic!("{writes:?}");
    };
    assert_eq!((only.link, &only.looked_at), (LinkId(1), seen));
}

#[test]
fn a_write_to_one_side_is_dropped_and_the_one_to_the_other_is_not() {
    let mut bench = Bench::new();
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench.world.change(LinkId(1), |link| {
        let mut other = link.pending[0].clone();
        other.side = Side::Automation;
        link.pending.push(other);
    });
    bench.keys("2 /").type_text("side:automation");
    bench.keys("enter D");
    bench.expect_screen("Automation: given up: mobile = 0602");
    bench.type_text("wrong import");
    bench.keys("enter").type_text("drop");
    let commands = bench.keys("enter enter").commands();
    let [(_, Command::Discard { writes })] = &commands[..] else {
        panic!("{commands:?}");
    };
    let sides: Vec<Side> = writes.iter().map(|write| write.looked_at.side).collect();
    assert_eq!(sides, [Side::Automation]);
}

#[test]
fn what_was_tried_out_does_not_promise_to_be_tried_again_by_itself() {
    let mut bench = Bench::new();
    bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
    bench
        .keys("2")
        .expect_screen("Given up after 8 tries")
        .expect_screen("t sends it again")
        .lacks("Nothing to do");
    bench.world.give_up(LinkId(2), "UNABLE_TO_LOCK_ROW");
    bench.world.change(LinkId(1), |link| {
        link.pending[0].state = PendingState::Waiting(NOW);
    });
    bench.sync_reports();
    bench.keys("/").type_text("email:claire");
    bench.keys("enter").expect_screen("Nothing to do");
}

#[test]
fn an_event_that_is_held_is_found_by_whose_it_is() {
    let mut bench = Bench::new();
    bench
        .world
        .refuse(LinkId(1), 1, FailureKind::Unknown, "504");
    bench
        .world
        .refuse(LinkId(2), 2, FailureKind::Unknown, "504");
    bench.keys("2 /").type_text("email:paul");
    bench
        .keys("enter")
        .expect_screen("Queues: 1")
        .expect_selected("paul@orion.example");
    bench.keys("D").expect_screen("Email read - Newsletter 2");
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
        draining.contains("510 waiting, falling; done in about"),
        "{draining}"
    );
    assert!(
        draining.contains("6,000 of 7,500 in 24 h; spent in about 1 h"),
        "{draining}"
    );
    let growing = waits(510, 20);
    assert!(growing.contains("1,490 waiting, rising"), "{growing}");
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
    bench
        .expect_screen("Not synced since start: 12 deleted before they were paired · 4 without an");
    bench.expect_screen("1 of_tomorrow");
    bench.expect_screen("Automation 0 · 17 not synced");
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
    bench.lacks("4 refused");
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
    bench.expect_screen("5 left to the next read");
}
