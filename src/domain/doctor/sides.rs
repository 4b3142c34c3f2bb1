//! Whether both systems answer, let us in, and were read without gaps within what we may call.

use super::{Facts, Seen, Severity, Told, seen, settled, text};
use crate::domain::evidence::Part;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::time::Span;

/// Two clocks that differ by less do no harm.
const CLOCKS_APART_MAX: Span = Span::minutes(1);

pub(super) fn salesforce(facts: &Facts<'_>) -> Seen {
    answers(facts, Side::Salesforce)
}

pub(super) fn automation(facts: &Facts<'_>) -> Seen {
    answers(facts, Side::Automation)
}

fn answers(facts: &Facts<'_>, side: Side) -> Seen {
    let of = ("side", Told::Side(side));
    let snapshot = facts.snapshot;
    if let Some(failure) = snapshot.stopped.get(&side) {
        if is_refusal(failure) {
            return seen(Severity::Note, "seen-refusing", vec![of]);
        }
        let failure = ("failure", text(failure.to_string()));
        return seen(Severity::Fault, "seen-stopped", vec![of, failure]);
    }
    if let Some(until) = snapshot.waits_until.get(&side) {
        let until = ("when", Told::At(*until));
        return seen(Severity::Note, "seen-waits", vec![of, until]);
    }
    let described = facts.described.map(|described| described.at);
    match snapshot.answered.get(&side).copied().or(described) {
        Some(at) => seen(
            Severity::Ok,
            "seen-answered",
            vec![of, ("when", Told::At(at))],
        ),
        None => seen(Severity::Unknown, "seen-silent", vec![of]),
    }
}

/// It answers, and does not let us in: a matter of credentials and rights.
const fn is_refusal(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Unauthorised | FailureKind::Forbidden
    )
}

pub(super) fn credentials(facts: &Facts<'_>) -> Seen {
    for (side, failure) in &facts.snapshot.stopped {
        if is_refusal(failure) {
            return seen(
                Severity::Fault,
                "seen-refused",
                vec![
                    ("side", Told::Side(*side)),
                    ("failure", text(failure.to_string())),
                ],
            );
        }
    }
    let judge = || {
        let salesforce = facts.salesforce_described()?;
        let instance = facts.automation_instance()?;
        let kind = if salesforce.is_sandbox {
            "seen-sandbox"
        } else {
            "seen-production"
        };
        Ok(seen(
            Severity::Ok,
            "seen-let-in",
            vec![
                ("organisation", text(&salesforce.organisation_name)),
                ("kind", Told::Message(kind.into())),
                ("instance", text(instance)),
                ("version", text(facts.automation_version().unwrap_or("?"))),
            ],
        ))
    };
    settled(judge())
}

/// A side that was read up to a moment of ours that has not come yet has a clock ahead of ours.
pub(super) fn clock(facts: &Facts<'_>) -> Seen {
    for (side, coverage) in &facts.snapshot.coverage {
        let ahead = coverage.until().map(|until| until.since(facts.now));
        if let Some(ahead) = ahead.filter(|ahead| *ahead > CLOCKS_APART_MAX) {
            return seen(
                Severity::Warning,
                "seen-clock-ahead",
                vec![("side", Told::Side(*side)), ("time", Told::Time(ahead))],
            );
        }
    }
    let mut known = Vec::new();
    let evidence = facts.evidence;
    let salesforce = evidence.and_then(|evidence| evidence.salesforce.as_ref().ok());
    let automation = evidence.and_then(|evidence| evidence.automation.as_ref().ok());
    let salesforce = salesforce.map(|evidence| &evidence.clock_ahead);
    let automation = automation.map(|evidence| &evidence.clock_ahead);
    for (side, ahead) in Side::BOTH.into_iter().zip([salesforce, automation]) {
        let Some(Part::Read(ahead)) = ahead else {
            return seen(Severity::Unknown, "seen-clock-unknown", Vec::new());
        };
        let apart = ("time", Told::Time(Span(ahead.0.abs())));
        if ahead.0.abs() > CLOCKS_APART_MAX.0 {
            let says = if ahead.0 > 0 {
                "seen-clock-ahead"
            } else {
                "seen-clock-behind"
            };
            return seen(
                Severity::Warning,
                says,
                vec![("side", Told::Side(side)), apart],
            );
        }
        known.push(ahead.0.abs());
    }
    let apart = known.into_iter().max().unwrap_or(0);
    seen(
        Severity::Ok,
        "seen-clocks",
        vec![("n", Told::Number(apart.unsigned_abs().div_ceil(1_000)))],
    )
}

pub(super) fn calls(facts: &Facts<'_>) -> Seen {
    let told = facts.salesforce().ok().and_then(|evidence| evidence.limit);
    let Some((used, allowed)) = facts.snapshot.limit.or(told) else {
        return seen(Severity::Unknown, "seen-calls-unknown", Vec::new());
    };
    let is_scarce = u64::from(used) * 10 >= u64::from(allowed) * 9;
    let severity = if is_scarce {
        Severity::Warning
    } else {
        Severity::Ok
    };
    seen(
        severity,
        "seen-calls",
        vec![
            ("used", Told::Number(u64::from(used))),
            ("allowed", Told::Number(u64::from(allowed))),
        ],
    )
}

/// Against what was spent, and what the schedule takes at the least: one call for each cycle.
pub(super) fn budget(facts: &Facts<'_>) -> Seen {
    let Some(budget) = facts.snapshot.budget else {
        return seen(Severity::Unknown, "seen-budget-unknown", Vec::new());
    };
    let shortest = facts.timetable.and_then(|timetable| timetable.shortest());
    let need = shortest.map_or(0, |every| Span::days(1).0 / every.0.max(1));
    let need = u32::try_from(need).unwrap_or(u32::MAX);
    let left = budget
        .allowed
        .saturating_sub(budget.spent.saturating_add(budget.reserved));
    let (severity, says) = if left == 0 {
        (Severity::Fault, "seen-budget-spent")
    } else if need > budget.allowed {
        (Severity::Fault, "seen-budget-short")
    } else {
        (Severity::Ok, "seen-budget")
    };
    let number = |n: u32| Told::Number(u64::from(n));
    seen(
        severity,
        says,
        vec![
            ("spent", number(budget.spent)),
            ("allowed", number(budget.allowed)),
            ("need", number(need)),
        ],
    )
}

pub(super) fn salesforce_coverage(facts: &Facts<'_>) -> Seen {
    coverage(facts, Side::Salesforce)
}

pub(super) fn automation_coverage(facts: &Facts<'_>) -> Seen {
    coverage(facts, Side::Automation)
}

fn coverage(facts: &Facts<'_>, side: Side) -> Seen {
    let of = ("side", Told::Side(side));
    let coverage = facts.snapshot.coverage.get(&side);
    let Some((coverage, until)) = coverage.and_then(|c| Some((c, c.until()?))) else {
        return seen(Severity::Unknown, "seen-unread", vec![of]);
    };
    let day_ago = facts.now - Span::hours(24);
    let read = ("when", Told::At(until));
    if until < day_ago {
        return seen(Severity::Warning, "seen-late", vec![of, read]);
    }
    let gaps = coverage.gaps(day_ago, until);
    if gaps.is_empty() {
        return seen(Severity::Ok, "seen-no-gaps", vec![of, read]);
    }
    let missing: i64 = gaps.iter().map(|gap| gap.until.since(gap.from).0).sum();
    seen(
        Severity::Warning,
        "seen-gaps",
        vec![
            of,
            ("n", Told::Number(gaps.len() as u64)),
            ("time", Told::Time(Span(missing))),
        ],
    )
}
