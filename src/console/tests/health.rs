//! When the overview calls the sync healthy, and what it says instead.

use super::bench::{Bench, NOW};
use crate::console::Msg;
use crate::console::query::Query;
use crate::domain::command::Queue;
use crate::domain::cursor::Coverage;
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::snapshot::{Rounds, Snapshot};
use crate::domain::time::{Span, Timestamp};

fn read(from: Timestamp, until: Timestamp) -> Coverage {
    let mut coverage = Coverage::default();
    coverage.add(from, until);
    coverage
}

/// Published, with a schedule, both sides read without gaps until a minute ago.
fn well(snapshot: &mut Snapshot) {
    let whole = read(NOW - Span::days(3), NOW - Span::minutes(1));
    snapshot.coverage = Side::BOTH.map(|side| (side, whole.clone())).into();
    snapshot.next_cycle = Some(NOW + Span::minutes(10));
    let rounds = Rounds {
        last: Some(NOW - Span::minutes(5)),
        next: Some(NOW + Span::minutes(10)),
    };
    snapshot.rounds.insert(Queue::Automation, rounds);
}

#[test]
fn a_sync_that_ended_is_not_healthy_and_messages_are_still_shown() {
    let mut bench = Bench::empty();
    bench.sync_reports_that(well);
    bench.expect_screen("Healthy: both systems agree");
    bench.send(Msg::Ended);
    bench
        .lacks("Healthy")
        .expect_screen("The sync has ended: nothing is read or written any more.")
        .expect_screen("nothing here changes any more");
    bench.keys("f9").expect_screen("f9");
    bench
        .keys("2")
        .expect_screen("nothing here changes any more");
}

#[test]
fn healthy_is_said_only_when_nothing_speaks_against_it() {
    type Change = fn(&mut Snapshot);
    let cases: [(&str, Change); 6] = [
        ("Healthy: both systems agree", |_| {}),
        ("the plugin is not published", |s| {
            s.published = false;
        }),
        ("nothing runs by a schedule.", |s| {
            s.next_cycle = None;
        }),
        ("some minutes of Automation were not read", |s| {
            let mut with_gap = read(NOW - Span::days(3), NOW - Span::hours(5));
            with_gap.add(NOW - Span::hours(4), NOW - Span::minutes(1));
            s.coverage.insert(Side::Automation, with_gap);
        }),
        ("a system was last read 2 d ago", |s| {
            let old = read(NOW - Span::days(9), NOW - Span::days(2));
            s.coverage.insert(Side::Salesforce, old);
        }),
        ("Working. Nothing needs a person.", |s| {
            s.is_idle = false;
        }),
    ];
    for (told, change) in cases {
        let mut bench = Bench::empty();
        bench.sync_reports_that(|snapshot| {
            well(snapshot);
            change(snapshot);
        });
        bench.expect_screen(told);
        assert_eq!(
            bench.screen().contains("Healthy"),
            told.starts_with("Healthy")
        );
    }
}

#[test]
fn the_last_and_the_next_round_of_each_way_are_said() {
    let mut bench = Bench::empty();
    bench.sync_reports_that(well);
    bench.expect_screen("To Automation          last 5 min ago; next in 9 min");
    bench.lacks("To Salesforce");
}

#[test]
fn a_set_up_that_nobody_examined_is_not_called_healthy() {
    let mut bench = Bench::empty();
    bench.holds_answers = true;
    bench.model.known.diagnosis = crate::console::slot::Slot::default();
    bench.sync_reports_that(well);
    let mut asked = bench.asked();
    asked.retain(|(_, query)| matches!(query, Query::Doctor));
    for answer in bench.held() {
        if !matches!(&answer, Msg::Answered(ticket, _) if asked.iter().any(|(t, _)| t == ticket)) {
            bench.send(answer);
        }
    }
    bench.expect_screen("the set-up was not examined yet");
}

#[test]
fn until_when_a_side_was_read_has_its_day_unless_it_is_today() {
    let mut bench = Bench::empty();
    bench.sync_reports_that(|snapshot| {
        well(snapshot);
        let old = read(NOW - Span::days(9), NOW - Span::days(2));
        snapshot.coverage.insert(Side::Salesforce, old);
    });
    bench
        .expect_screen("read until 2026-03-02 09:15 UTC")
        .expect_screen("read until 09:14:02 UTC");
    assert_eq!(bench.model.scene().count(Mark::Conflict), 0);
}
