//! The command `doctor`: the checks of the console's screen. Asks both systems to describe themselves
//! if they answer, and writes nothing.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::commands::{Place, inspect};
use crate::app::compose::Opened;
use crate::app::desk;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::app::policy;
use crate::console::{Language, Spoken, Tongue, spoken};
use crate::domain::doctor::{Facts, Finding, Severity, examine};
use crate::domain::drift::Descriptions;
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::snapshot::Snapshot;

pub(super) async fn perform(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let opened = place.open().await?;
    // If it was never synced: what the instance file would have it be.
    let url = opened.instance.automation.base_url.as_str();
    let assumed = policy::assumed(&opened.instance.plugin, url);
    let policy = inspect::policy(&opened).unwrap_or(&assumed);
    let mut snapshot = snapshot(&opened, policy);
    let described = describe(&opened, &mut snapshot).await?;
    let now = opened.clock.now();
    let facts = Facts {
        now,
        policy,
        snapshot: &snapshot,
        counts: &opened.recovered.counts,
        described: described.as_ref(),
        timetable: Some(opened.timetable()),
        oldest_conflict: desk::oldest_conflict(&*opened.store).await?,
        disk: desk::disk(opened.instance.data.clone()).await,
    };
    let language = Language::new(Tongue::English);
    let findings = examine(&facts);
    let told: Vec<(&Finding, Spoken)> = findings
        .iter()
        .map(|finding| (finding, spoken(&language, policy, now, finding)))
        .collect();
    report(&opened.instance.name, &told, out)?;
    let needs_person = findings
        .iter()
        .any(|finding| finding.seen.severity.needs_person());
    Ok(if needs_person {
        Status::WorkRemains
    } else {
        Status::Done
    })
}

/// What the store knows of a sync that does not run.
pub(super) fn snapshot(opened: &Opened, policy: &Policy) -> Snapshot {
    let recovered = &opened.recovered;
    Snapshot {
        published: policy.published,
        is_braked: recovered.tally.is_braked,
        paused: recovered.tally.paused.clone(),
        coverage: recovered.coverage.clone(),
        ..Snapshot::default()
    }
}

/// A system that does not answer is evidence, not the end.
pub(super) async fn describe(
    opened: &Opened,
    snapshot: &mut Snapshot,
) -> Result<Option<Descriptions>, AppError> {
    match opened.describe().await {
        Ok(described) => {
            snapshot.answered = BTreeMap::from(Side::BOTH.map(|side| (side, described.at)));
            Ok(Some(described))
        }
        Err(AppError::Connect { side, error }) => {
            snapshot.stopped.insert(side, error.failure);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

const fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Fault => "!!",
        Severity::Warning => "!",
        Severity::Unknown => "?",
        Severity::Note | Severity::Ok => "",
    }
}

fn report(instance: &str, told: &[(&Finding, Spoken)], out: &mut Out) -> Result<(), AppError> {
    let count = |severity| {
        let of_it = told.iter().filter(|(f, _)| f.seen.severity == severity);
        of_it.count()
    };
    let faults = count(Severity::Fault);
    let warnings = count(Severity::Warning);
    let unknown = count(Severity::Unknown);
    if out.is_json() {
        let checks = told.iter().map(|(finding, spoken)| {
            json!({
                "check": finding.check.id,
                "state": finding.seen.severity.name(),
                "seen": spoken.evidence,
                "why": spoken.why,
                "do": spoken.path,
            })
        });
        out.json(&json!({
            "instance": instance,
            "faults": faults,
            "warnings": warnings,
            "unknown": unknown,
            "checks": checks.collect::<Vec<_>>(),
        }))?;
        return Ok(());
    }
    out.line(&format!(
        "{instance}: faults {faults}, warnings {warnings}, unknown {unknown}"
    ))?;
    for (finding, spoken) in told {
        let severity = finding.seen.severity;
        out.line(&format!(
            "{:<2} {:<8} {}: {}",
            mark(severity),
            severity.name(),
            spoken.name,
            spoken.evidence
        ))?;
        if severity.needs_person() {
            out.line(&format!("{:12}{}", "", spoken.why))?;
            out.line(&format!("{:12}{}", "", spoken.path))?;
        }
    }
    Ok(())
}
