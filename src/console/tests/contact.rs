//! One contact: why its sides differ, what was said about it, how it was before, and acts on it.

use super::bench::{Bench, MOBILE};
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Reason};
use crate::domain::exchange::{About, Asked, Exchange, Whom};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{LinkId, RunId, Side};
use crate::domain::link::Parked;
use crate::domain::record::{Happened, HistoryEntry};
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::Value;

fn exchange(asked: Asked, answer: Result<u64, Failure>) -> Exchange {
    Exchange {
        at: Timestamp::from_seconds(1_772_615_702),
        took: Span(180),
        side: Side::Salesforce,
        asked,
        rows: 1,
        answer,
        about: vec![About::of(Whom::Link(LinkId(1)))],
    }
}

fn opened(bench: &mut Bench) -> &mut Bench {
    bench.keys("4").type_text("claire");
    bench.keys("enter enter")
}

#[test]
fn a_contact_says_why_its_sides_differ_and_what_the_systems_answered() {
    let mut bench = Bench::new();
    let mut write = exchange(Asked::Write, Ok(1));
    write.about[0].carried = vec![(MOBILE, Value::text("0602"))];
    write.about[0].consent = Some(Consent::Out(Reason::Manual));
    write.about[0].refused = Some(Failure::new(
        FailureKind::Transient,
        "UNABLE_TO_LOCK_ROW",
        "busy",
    ));
    let down = Failure::new(FailureKind::Unknown, "504", "no answer");
    bench.world.exchanges = vec![write, exchange(Asked::Rows, Err(down))];
    opened(&mut bench).expect_screen("Why they differ");
    bench.expect_screen(
        "MobilePhone ↔ mobile: Salesforce changed it since they last agreed; Automation",
    );
    bench.keys("G");
    bench.expect_screen("write, 180 ms: UNABLE_TO_LOCK_ROW: busy (MobilePhone");
    bench.expect_screen("0602, opted out (set by a user or an integration))");
    bench.expect_screen("read by number, 180 ms: 504: no answer");
}

#[test]
fn its_history_is_gone_through_backwards_and_forwards() {
    let mut bench = Bench::new();
    // The bench's own first entry, that the records were paired, comes before it.
    bench.world.flags.history = vec![HistoryEntry {
        at: Timestamp::from_seconds(1_772_615_702),
        run: RunId(2),
        what: Happened::Written {
            side: Side::Salesforce,
            field: MOBILE,
            before: Value::text("0500"),
            after: Value::text("0601"),
        },
    }];
    opened(&mut bench).expect_screen("0601");
    bench
        .keys("[")
        .expect_screen("as our own writes tell (1 of 2 back)");
    bench.expect_screen("≠ MobilePhone          0500");
    bench.keys("[ [").expect_screen("Nothing earlier is known");
    bench
        .keys("] ]")
        .expect_screen("≠ MobilePhone          0601");
    bench.keys("]").expect_screen("This is how it is now");
}

#[test]
fn the_moment_looked_at_stays_the_same_when_something_new_happens() {
    let mut bench = Bench::new();
    let written = |at: i64, before: &str, after: &str| HistoryEntry {
        at: Timestamp::from_seconds(at),
        run: RunId(2),
        what: Happened::Written {
            side: Side::Salesforce,
            field: MOBILE,
            before: Value::text(before),
            after: Value::text(after),
        },
    };
    bench.world.flags.history = vec![written(1_772_615_702, "0500", "0601")];
    opened(&mut bench).keys("[");
    bench.expect_screen("≠ MobilePhone          0500");
    let newer = written(1_772_615_703, "0601", "0777");
    bench.world.flags.history.insert(0, newer);
    bench.sync_reports();
    bench
        .expect_screen("(2 of 3 back)")
        .expect_screen("≠ MobilePhone          0500");
    bench
        .keys("]")
        .expect_screen("(1 of 3 back)")
        .expect_screen("≠ MobilePhone          0601");
}

#[test]
fn it_is_read_again_set_aside_taken_apart_and_taken_back_with_a_reason_each() {
    let mut bench = Bench::new();
    opened(&mut bench)
        .keys("t")
        .expect_screen("claire@orion.example · no. 1");
    bench.type_text("customer on the phone");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(&commands[..], [(_, Command::Check { links })] if links[..] == [LinkId(1)]));
    bench.keys("h").type_text("3");
    bench.keys("enter").type_text("until friday");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::SetAside { links, until: Some(_) })] if links[..] == [LinkId(1)]
    ));
    bench
        .keys("U")
        .expect_screen("separated: neither is written");
    bench.type_text("two people");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(&commands[..], [(_, Command::Unlink { links })] if links[..] == [LinkId(1)]));
    bench.keys("b").expect_screen("set aside");
    assert!(bench.commands().is_empty(), "nobody is set aside yet");
    bench
        .world
        .change(LinkId(1), |link| link.parked = Some(Parked::Unlinked));
    bench.sync_reports();
    bench.keys("b").type_text("a mistake");
    let commands = bench.keys("enter enter").commands();
    assert!(
        matches!(&commands[..], [(_, Command::TakeBack { links })] if links[..] == [LinkId(1)])
    );
}

#[test]
fn a_contact_that_waits_is_set_aside_until_a_date_or_opened_from_its_conflict() {
    for open in ["3", "3 enter"] {
        let mut bench = Bench::new();
        bench.keys(open).keys("h").type_text("7");
        bench
            .keys("enter")
            .expect_screen("claire@orion.example · no. 1")
            .expect_screen("Taking back ends it at any time");
        bench.type_text("the agency decides");
        let commands = bench.keys("enter enter").commands();
        assert!(matches!(
            &commands[..],
            [(_, Command::SetAside { links, until: Some(_) })] if links[..] == [LinkId(1)]
        ));
        bench.keys("C").expect_screen("Why they differ");
    }
    let mut bench = Bench::new();
    bench
        .keys("3 j h enter")
        .expect_screen("its opt-out or deletion waits too");
}
