//! What waits, is stopped or runs out.

use super::*;

const CASES: &[Case] = &[
    (
        "writes-arrive",
        |w| w.snapshot.totals.written = BySide::default(),
        Unknown,
        "seen-no-writes",
    ),
    (
        "writes-arrive",
        |w| w.refuse(Side::Salesforce, None, "INSUFFICIENT_ACCESS_OR_READONLY"),
        Warning,
        "seen-writes-refused",
    ),
    (
        "activities-held",
        |w| w.counts.held_activities = 2,
        Warning,
        "seen-held",
    ),
    (
        "given-up",
        |w| {
            w.counts.marks.insert(Mark::Dead, 2);
        },
        Warning,
        "seen-given-up",
    ),
    (
        "conflicts",
        |w| {
            w.counts.marks.insert(Mark::Conflict, 2);
            w.oldest_conflict = Some(NOW - Span::days(8));
        },
        Warning,
        "seen-conflicts",
    ),
    (
        "conflicts",
        |w| {
            w.counts.marks.insert(Mark::Conflict, 2);
            w.oldest_conflict = Some(NOW - Span::days(1));
        },
        Note,
        "seen-conflicts",
    ),
    (
        "conflicts",
        |w| {
            w.counts.marks.insert(Mark::Conflict, 2);
        },
        Unknown,
        "seen-conflicts-undated",
    ),
    (
        "paused",
        |w| {
            w.snapshot.paused.insert(Queue::Activities);
        },
        Warning,
        "seen-paused",
    ),
    (
        "brake",
        |w| w.snapshot.is_braked = true,
        Fault,
        "seen-braked",
    ),
    (
        "disk",
        |w| w.disk.as_mut().unwrap().free_bytes = 1 << 20,
        Warning,
        "seen-disk",
    ),
    ("disk", |w| w.disk = None, Unknown, "seen-disk-unknown"),
];

#[test]
fn what_waits_is_stopped_or_runs_out() {
    hold(CASES);
}
