//! The command `doctor`: the checks of the console's screen, with both systems read anew. It writes
//! nothing, unless it is told to mend.

mod fix;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::app::args::Doctor;
use crate::app::commands::{Place, inspect};
use crate::app::compose::Opened;
use crate::app::desk;
use crate::app::error::{AppError, Status};
use crate::app::examiner::Examiner;
use crate::app::machine::{self, Home};
use crate::app::out::Out;
use crate::console::{Language, Spoken, Tongue, spoken};
use crate::domain::doctor::{CHECKS, Facts, Finding, Severity, examine};
use crate::domain::drift::Descriptions;
use crate::domain::failure::Failure;
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Timestamp;

/// What a first sync brings along, and nothing speaks of before it.
const AFTER_FIRST_SYNC: [&str; 3] = ["schedule", "service", "activities-sent"];

/// Before the first sync. Answers whether anything is to be seen to that does not come with it.
pub(super) async fn before_first_sync(
    place: &Place,
    asked: &Doctor,
    out: &mut Out,
) -> Result<Status, AppError> {
    looked(place, asked, &AFTER_FIRST_SYNC, out).await
}

pub(super) async fn perform(
    place: &Place,
    asked: &Doctor,
    out: &mut Out,
) -> Result<Status, AppError> {
    looked(place, asked, &[], out).await
}

async fn looked(
    place: &Place,
    asked: &Doctor,
    uncounted: &[&str],
    out: &mut Out,
) -> Result<Status, AppError> {
    for id in &asked.checks {
        if !CHECKS.iter().any(|check| check.id == id) {
            return Err(AppError::Usage(format!(
                "there is no check “{id}”; `passerelle doctor --json` names them all"
            )));
        }
    }
    let opened = place.open().await?;
    if asked.fix {
        return Box::pin(fix::perform(place, opened, asked, out)).await;
    }
    // If it was never synced: what the instance file would have it be.
    let assumed = opened.assumed(None);
    let policy = inspect::policy(&opened).unwrap_or(&assumed);
    let examiner = opened.examiner()?;
    let findings = judged(place, &opened, policy, &examiner).await?;
    let wanted = |finding: &&Finding| {
        asked.checks.is_empty() || asked.checks.iter().any(|id| finding.check.id == id)
    };
    let language = Language::new(Tongue::English);
    let now = opened.clock.now();
    let told: Vec<(&Finding, Spoken)> = findings
        .iter()
        .filter(wanted)
        .map(|finding| (finding, spoken(&language, policy, now, finding)))
        .collect();
    report(&opened.instance.name, &told, asked.brief, out)?;
    let needs_person = told.iter().any(|(finding, _)| {
        finding.seen.severity.needs_person() && !uncounted.contains(&finding.check.id)
    });
    Ok(if needs_person {
        Status::WorkRemains
    } else {
        Status::Done
    })
}

/// Reads both systems and judges everything, the worst first.
async fn judged(
    place: &Place,
    opened: &Opened,
    policy: &Policy,
    examiner: &Arc<Examiner>,
) -> Result<Vec<Finding>, AppError> {
    let evidence = examiner.examine(Arc::new(policy.clone())).await;
    let mut snapshot = match &place.served {
        Some((house, _)) => (**house.handle.snapshots.borrow()).clone(),
        None => snapshot(opened, policy),
    };
    let salesforce = evidence.salesforce.as_ref().err();
    heard(&mut snapshot, Side::Salesforce, salesforce, evidence.at);
    let automation = evidence.automation.as_ref().err();
    heard(&mut snapshot, Side::Automation, automation, evidence.at);
    let described = evidence.descriptions();
    let assumed = opened.assumed(described.as_ref());
    let policy = inspect::policy(opened).unwrap_or(&assumed);
    let home = Home::of(&opened.instance, &opened.file);
    let machine = machine::look(home, place.served.is_some()).await;
    let waiting = desk::waiting(&*opened.store).await?;
    let facts = Facts {
        now: opened.clock.now(),
        policy,
        snapshot: &snapshot,
        counts: &opened.recovered.counts,
        described: described.as_ref(),
        evidence: Some(&evidence),
        machine: machine.as_ref(),
        bound: opened.recovered.binding.as_ref(),
        timetable: Some(opened.timetable()),
        oldest_conflict: waiting.oldest,
        refused: &waiting.refused,
        disk: desk::disk(opened.instance.data.clone()).await,
    };
    Ok(examine(&facts))
}

/// Which side answered just now, and which did not. Why a sync stopped stays, whoever answers: it has
/// stopped all the same.
fn heard(snapshot: &mut Snapshot, side: Side, failure: Option<&Failure>, at: Timestamp) {
    if let Some(failure) = failure {
        let known = snapshot.stopped.entry(side);
        known.or_insert_with(|| failure.clone());
    } else {
        snapshot.answered.insert(side, at);
    }
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
            let answered = Side::BOTH.map(|side| (side, described.at));
            snapshot.answered = answered.into_iter().collect();
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

fn told(finding: &Finding, spoken: &Spoken) -> Json {
    let remedy = finding.seen.remedy.as_ref();
    json!({
        "check": finding.check.id,
        "state": finding.seen.severity.name(),
        "seen": spoken.evidence,
        "why": spoken.why,
        "do": spoken.path,
        "fix": remedy.map(|remedy| json!({
            "makes": remedy.name(),
            "in": remedy.side().to_string(),
        })),
    })
}

fn report(
    instance: &str,
    told_of: &[(&Finding, Spoken)],
    is_brief: bool,
    out: &mut Out,
) -> Result<(), AppError> {
    let count = |severity| {
        let of_it = told_of.iter().filter(|(f, _)| f.seen.severity == severity);
        of_it.count()
    };
    let faults = count(Severity::Fault);
    let warnings = count(Severity::Warning);
    let unknown = count(Severity::Unknown);
    if out.is_json() {
        let checks = told_of
            .iter()
            .map(|(finding, spoken)| told(finding, spoken));
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
    for (finding, spoken) in told_of {
        let severity = finding.seen.severity;
        if is_brief && !severity.needs_person() {
            continue;
        }
        let lead = format!("{:<2} {:<8}", mark(severity), severity.name());
        let indent = lead.chars().count();
        let seen = format!("{}: {}", spoken.name, spoken.evidence);
        out.paragraph(&lead, indent, &seen)?;
        let margin = " ".repeat(indent);
        if severity.needs_person() {
            out.paragraph(&margin, indent, &spoken.why)?;
            out.paragraph(&margin, indent, &spoken.path)?;
        }
        if finding.seen.remedy.is_some() {
            let mend = format!("or: passerelle doctor --fix {}", finding.check.id);
            out.paragraph(&margin, indent, &mend)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;

    #[test]
    fn why_a_sync_stopped_is_not_forgotten_because_somebody_else_gets_an_answer() {
        let failure = |code| Failure::new(FailureKind::Broken, code, "no");
        let mut snapshot = Snapshot::default();
        let stopped = failure("FIELD_CHANGED");
        snapshot.stopped.insert(Side::Salesforce, stopped.clone());
        heard(&mut snapshot, Side::Salesforce, None, Timestamp(1));
        assert_eq!(snapshot.stopped[&Side::Salesforce], stopped);
        assert_eq!(snapshot.answered[&Side::Salesforce], Timestamp(1));
        let other = failure("401");
        heard(&mut snapshot, Side::Salesforce, Some(&other), Timestamp(2));
        assert_eq!(snapshot.stopped[&Side::Salesforce], stopped, "nor replaced");
        heard(&mut snapshot, Side::Automation, Some(&other), Timestamp(2));
        assert_eq!(snapshot.stopped[&Side::Automation], other);
    }
}
