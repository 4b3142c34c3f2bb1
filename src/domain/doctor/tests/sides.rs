//! Whether both systems answer and were read.

use super::*;

const CASES: &[Case] = &[
    (
        "salesforce",
        |w| w.stop(FailureKind::Transient),
        Fault,
        "seen-stopped",
    ),
    (
        "salesforce",
        |w| {
            w.snapshot.waits_until.insert(Side::Salesforce, NOW);
        },
        Note,
        "seen-waits",
    ),
    (
        "automation",
        |w| {
            w.snapshot.answered.clear();
            w.described = None;
        },
        Unknown,
        "seen-silent",
    ),
    (
        "salesforce",
        |w| w.stop(FailureKind::Unauthorised),
        Note,
        "seen-refusing",
    ),
    (
        "credentials",
        |w| w.stop(FailureKind::Unauthorised),
        Fault,
        "seen-refused",
    ),
    ("credentials", World::blind, Unknown, "seen-not-described"),
    (
        "clock",
        |w| {
            let coverage = w.snapshot.coverage.get_mut(&Side::Automation).unwrap();
            coverage.add(NOW, NOW + Span::minutes(5));
        },
        Warning,
        "seen-clock-ahead",
    ),
    (
        "calls",
        |w| w.snapshot.limit = Some((14_000, 15_000)),
        Warning,
        "seen-calls",
    ),
    (
        "calls",
        |w| w.snapshot.limit = None,
        Unknown,
        "seen-calls-unknown",
    ),
    (
        "calls",
        |w| {
            w.snapshot.limit = None;
            w.salesforce().limit = Some((1_000, 15_000));
        },
        Severity::Ok,
        "seen-calls",
    ),
    (
        "budget",
        |w| w.snapshot.budget.as_mut().unwrap().spent = 7_200,
        Fault,
        "seen-budget-spent",
    ),
    (
        "budget",
        |w| w.timetable.as_mut().unwrap().pull = Some(Span::seconds(10)),
        Fault,
        "seen-budget-short",
    ),
    (
        "budget",
        |w| w.snapshot.budget = None,
        Unknown,
        "seen-budget-unknown",
    ),
    (
        "coverage-salesforce",
        |w| {
            let mut read = Coverage::default();
            read.add(NOW - Span::hours(23), NOW);
            w.snapshot.coverage.insert(Side::Salesforce, read);
        },
        Warning,
        "seen-gaps",
    ),
    (
        "coverage-automation",
        |w| {
            let mut read = Coverage::default();
            read.add(NOW - Span::days(9), NOW - Span::days(3));
            w.snapshot.coverage.insert(Side::Automation, read);
        },
        Warning,
        "seen-late",
    ),
    (
        "coverage-automation",
        |w| w.snapshot.coverage.clear(),
        Unknown,
        "seen-unread",
    ),
];

#[test]
fn sides_that_do_not_answer_or_are_read_with_gaps() {
    hold(CASES);
}
