//! What waits for a person, what is stopped, and whether there is room to go on.

use std::collections::BTreeMap;

use super::{Facts, Seen, Severity, Told, seen};
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::time::Span;

/// A conflict that waits longer was forgotten.
const CONFLICT_AGE_MAX: Span = Span::days(7);

/// The store rewrites its files as it goes: with less free than this it may stop.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Rows that one side took are the proof that it lets us write, unless others were refused since.
pub(super) fn writes_arrive(facts: &Facts<'_>) -> Seen {
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for refused in facts.refusals(Side::Salesforce) {
        *codes.entry(&refused.code).or_default() += 1;
    }
    if !codes.is_empty() {
        let count = codes.values().sum();
        let codes = codes.into_iter().map(|(code, n)| format!("{code} ({n})"));
        return seen(
            Severity::Warning,
            "seen-writes-refused",
            vec![
                ("n", Told::Number(count)),
                ("codes", Told::Names(codes.collect())),
            ],
        );
    }
    let written = &facts.snapshot.totals.written;
    let count = written.sum(Side::Salesforce);
    if count == 0 {
        return seen(Severity::Unknown, "seen-no-writes", Vec::new());
    }
    seen(
        Severity::Ok,
        "seen-writes",
        vec![("n", Told::Number(count))],
    )
}

fn marked(facts: &Facts<'_>, mark: Mark) -> u64 {
    facts.counts.marks.get(&mark).copied().unwrap_or(0)
}

fn none_or(count: u64, none: &'static str, some: &'static str) -> Seen {
    if count == 0 {
        return seen(Severity::Ok, none, Vec::new());
    }
    seen(Severity::Warning, some, vec![("n", Told::Number(count))])
}

pub(super) fn activities_held(facts: &Facts<'_>) -> Seen {
    let held = facts.counts.held_activities;
    none_or(held, "seen-none-held", "seen-held")
}

pub(super) fn given_up(facts: &Facts<'_>) -> Seen {
    let dead = marked(facts, Mark::Dead);
    none_or(dead, "seen-none-given-up", "seen-given-up")
}

pub(super) fn conflicts(facts: &Facts<'_>) -> Seen {
    let count = marked(facts, Mark::Conflict);
    let n = ("n", Told::Number(count));
    match facts.oldest_conflict {
        _ if count == 0 => seen(Severity::Ok, "seen-no-conflicts", Vec::new()),
        None => seen(Severity::Unknown, "seen-conflicts-undated", vec![n]),
        Some(raised) => {
            let severity = if facts.now.since(raised) > CONFLICT_AGE_MAX {
                Severity::Warning
            } else {
                Severity::Note
            };
            let when = ("when", Told::At(raised));
            seen(severity, "seen-conflicts", vec![n, when])
        }
    }
}

pub(super) fn paused(facts: &Facts<'_>) -> Seen {
    let paused = &facts.snapshot.paused;
    if paused.is_empty() {
        return seen(Severity::Ok, "seen-none-paused", Vec::new());
    }
    let queues = Told::Queues(paused.iter().copied().collect());
    seen(Severity::Warning, "seen-paused", vec![("queues", queues)])
}

pub(super) fn brake(facts: &Facts<'_>) -> Seen {
    if facts.snapshot.is_braked {
        seen(Severity::Fault, "seen-braked", Vec::new())
    } else {
        seen(Severity::Ok, "seen-unbraked", Vec::new())
    }
}

pub(super) fn disk(facts: &Facts<'_>) -> Seen {
    let Some(disk) = facts.disk else {
        return seen(Severity::Unknown, "seen-disk-unknown", Vec::new());
    };
    let is_short = disk.free_bytes < FREE_BYTES_MIN.max(disk.used_bytes);
    let severity = if is_short {
        Severity::Warning
    } else {
        Severity::Ok
    };
    seen(
        severity,
        "seen-disk",
        vec![
            ("used", Told::Bytes(disk.used_bytes)),
            ("free", Told::Bytes(disk.free_bytes)),
        ],
    )
}
