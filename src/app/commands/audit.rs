//! The audit: what operators did, whether anybody changed the record of it, and all of it as a file.

use std::path::PathBuf;

use serde_json::json;

use crate::app::args::{AuditCommand, AuditExport, AuditFormat, AuditList};
use crate::app::commands::{Place, inspect};
use crate::app::compose::Opened;
use crate::app::desk;
use crate::app::desk::export::{self, Exporting};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::console::query::Format;
use crate::console::{Language, Tongue, spoken_verdict};
use crate::domain::ids::LinkId;
use crate::domain::operator::Role;
use crate::domain::record::Act;
use crate::domain::time::{Span, Timestamp};
use crate::ports::Store;

/// Acts are read from the store in pages of this size.
const PAGE_MAX: usize = 500;

pub(super) async fn perform(
    place: &Place,
    what: &AuditCommand,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    match what {
        AuditCommand::List(asked) => list(&opened, asked, out).await,
        AuditCommand::Verify(_) => verify(&opened, out).await,
        AuditCommand::Export(asked) => {
            place.require(&opened, Role::Operator)?;
            let file = place.written(&opened, &asked.file)?;
            export_to(&opened, asked, file, out).await
        }
    }
}

async fn list(opened: &Opened, asked: &AuditList, out: &mut Out) -> Result<Status, AppError> {
    let since = match &asked.since {
        Some(typed) => Some(moment(typed, opened.clock.now())?),
        None => None,
    };
    let link = asked.link.map(LinkId);
    let is_asked = |act: &Act| {
        asked
            .operator
            .as_ref()
            .is_none_or(|name| act.operator == *name)
            && since.is_none_or(|since| act.at >= since)
            && link.is_none_or(|link| {
                let decided = act.undo.iter().any(|step| step.link == link);
                decided || act.links.contains(&link)
            })
    };
    let mut acts = Vec::new();
    let mut before = None;
    while acts.len() < asked.max {
        let page = match before {
            None => opened.store.acts(PAGE_MAX).await?,
            Some(run) => opened.store.acts_before(run, PAGE_MAX).await?,
        };
        before = page.last().map(|act| act.run);
        if page.is_empty() {
            break;
        }
        acts.extend(page.into_iter().filter(is_asked));
    }
    acts.truncate(asked.max);
    if out.is_json() {
        let contacts = export::contacts(&*opened.store, inspect::policy(opened), &acts).await?;
        let acts: Vec<_> = acts
            .iter()
            .map(|act| export::json_of(act, &contacts))
            .collect();
        out.json(&json!({ "acts": acts }))?;
        return Ok(Status::Done);
    }
    if acts.is_empty() {
        out.line("No such act.")?;
    }
    for act in &acts {
        let from = if act.from.is_empty() {
            String::new()
        } else {
            format!(" ({})", act.from)
        };
        out.line(&format!(
            "{}  run {}  {}{from}: {} {}",
            act.at, act.run, act.operator, act.act, act.object
        ))?;
        if !act.reason.is_empty() {
            out.line(&format!("    {}", act.reason))?;
        }
    }
    Ok(Status::Done)
}

async fn verify(opened: &Opened, out: &mut Out) -> Result<Status, AppError> {
    let verdict = desk::check_audit(&*opened.store).await?;
    let status = if verdict.is_whole() {
        Status::Done
    } else {
        Status::Failed
    };
    let spoken = spoken_verdict(&Language::new(Tongue::English), &verdict);
    if out.is_json() {
        let findings: Vec<_> = verdict
            .findings
            .iter()
            .zip(&spoken.findings)
            .map(|(finding, (code, what, remedy))| {
                json!({ "code": code, "what": what, "remedy": remedy, "where": finding })
            })
            .collect();
        out.json(&json!({
            "is_whole": verdict.is_whole(),
            "findings": findings,
            "more": verdict.more,
            "seals": verdict.seals,
            "entries": verdict.entries,
            "unsealed": verdict.unsealed,
            "head": verdict.head.map(|head| json!({
                "seal": head.sequence,
                "at": head.at.to_string(),
                "mac": head.mac.short(),
            })),
            "anchor": verdict.anchor,
        }))?;
        return Ok(status);
    }
    out.line(&spoken.summary)?;
    for (_, what, remedy) in &spoken.findings {
        out.line(&format!("  {what}"))?;
        out.line(&format!("    {remedy}"))?;
    }
    for note in &spoken.notes {
        out.line(note)?;
    }
    Ok(status)
}

async fn export_to(
    opened: &Opened,
    asked: &AuditExport,
    file: PathBuf,
    out: &mut Out,
) -> Result<Status, AppError> {
    let exporting = Exporting {
        store: &*opened.store,
        policy: inspect::policy(opened),
        format: match asked.format {
            AuditFormat::Jsonl => Format::JsonLines,
            AuditFormat::Csv => Format::Csv,
        },
    };
    let shown = file.display().to_string();
    let count = exporting.write(file, |_, _| true).await??;
    out.line(&format!("{count} acts written to {shown}"))?;
    Ok(Status::Done)
}

/// A day, a moment, or how long ago.
fn moment(typed: &str, now: Timestamp) -> Result<Timestamp, AppError> {
    if let Some(ago) = Span::parse(typed) {
        return Ok(now - ago);
    }
    let midnight = format!("{typed}T00:00:00Z");
    let parsed = [typed, &midnight]
        .into_iter()
        .find_map(|text| text.parse::<jiff::Timestamp>().ok());
    let parsed = parsed.map(|at| Timestamp(at.as_millisecond()));
    parsed.ok_or_else(|| {
        AppError::Usage(format!(
            "“{typed}” is no time: write a day (2026-03-04), a moment (2026-03-04T09:15:00Z) or how \
             long ago (7d)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_how_long_ago() {
        let now = Timestamp(1_772_615_702_000);
        let parsed = |typed| moment(typed, now).ok();
        assert_eq!(parsed("2h"), Some(now - Span::hours(2)));
        assert_eq!(parsed("2026-03-04"), Some(Timestamp(1_772_582_400_000)));
        assert_eq!(parsed("2026-03-04T09:15:02Z"), Some(now));
        for bad in ["", "yesterday", "2026-13-01", "-1d"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
