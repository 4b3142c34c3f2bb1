//! The audit: what operators did, whether anybody changed the record of it, and all of it as a file.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::app::args::{AuditAccept, AuditCommand, AuditExport, AuditFormat, AuditList};
use crate::app::commands::{Place, inspect};
use crate::app::compose::Opened;
use crate::app::desk;
use crate::app::desk::export::{self, Exporting};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::console::query::Format;
use crate::console::{Language, Tongue, spoken_verdict};
use crate::domain::audit::{ACCEPTED, Check, Finding, Noted, Verdict, accepting};
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
        AuditCommand::Verify(asked) => verify(&opened, asked.head.as_deref(), out).await,
        AuditCommand::Accept(asked) => accept(place, opened, asked, out).await,
        AuditCommand::Export(asked) => {
            place.require(&opened, Role::Operator)?;
            let file = place.written(&opened, &asked.file)?;
            let act = ("export audit", file.display().to_string());
            place.enter(&opened, act, &asked.why.reason).await?;
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

/// Digits of a head that say which one is meant: nobody finds another seal with the same.
const HEAD_DIGITS_MIN: usize = 16;

/// As much of a mac as is kept and told anywhere.
const HEAD_DIGITS_MAX: usize = 32;

/// A head as it was noted, in the digits that are compared.
fn head(typed: &str) -> Result<String, AppError> {
    let digits = typed.trim().to_ascii_lowercase();
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
    if is_hex && (HEAD_DIGITS_MIN..=HEAD_DIGITS_MAX).contains(&digits.len()) {
        return Ok(digits);
    }
    Err(AppError::Usage(format!(
        "“{typed}” is no head: give {HEAD_DIGITS_MIN} to {HEAD_DIGITS_MAX} hexadecimal digits, as `audit \
         verify` and the system log tell them"
    )))
}

async fn verify(opened: &Opened, noted: Option<&str>, out: &mut Out) -> Result<Status, AppError> {
    let sought = noted.map(head).transpose()?;
    let mut check = Check {
        sought: sought.clone(),
        ..Check::default()
    };
    while !check.is_over() {
        check = opened.store.check_audit(check).await?;
    }
    let Check { verdict, noted, .. } = check;
    let is_lost = sought.is_some() && noted.is_none();
    let status = if verdict.is_whole() && !is_lost {
        Status::Done
    } else {
        Status::Failed
    };
    if out.is_json() {
        out.json(&as_json(&verdict, sought.as_deref(), noted))?;
        return Ok(status);
    }
    let spoken = spoken_verdict(&Language::new(Tongue::English), &verdict);
    out.line(&spoken.summary)?;
    for (_, what, remedy) in &spoken.findings {
        out.line(&format!("  {what}"))?;
        out.line(&format!("    {remedy}"))?;
    }
    for note in &spoken.notes {
        out.line(note)?;
    }
    match (sought, noted) {
        (Some(sought), Some(Noted { sequence, at })) => {
            out.line(&format!("the head {sought} is that of seal {sequence}, of {at}"))?;
        }
        (Some(sought), None) => out.line(&format!(
            "the head {sought} is not in the chain: it belongs to another instance, or what it stood at the \
             end of was cut off or written anew; compare with the last backup"
        ))?,
        (None, _) => {}
    }
    Ok(status)
}

fn as_json(verdict: &Verdict, sought: Option<&str>, noted: Option<Noted>) -> Json {
    let spoken = spoken_verdict(&Language::new(Tongue::English), verdict);
    let findings = verdict.findings.iter().zip(&spoken.findings);
    let findings = findings.map(|(finding, (code, what, remedy))| {
        json!({ "code": code, "what": what, "remedy": remedy, "where": finding })
    });
    let accepted = verdict.accepted.iter().map(|accepted| {
        json!({
            "code": accepted.finding.code(),
            "by": accepted.by,
            "at": accepted.at.to_string(),
            "why": accepted.why,
            "where": accepted.finding,
        })
    });
    json!({
        "is_whole": verdict.is_whole(),
        "findings": findings.collect::<Vec<_>>(),
        "more": verdict.more,
        "accepted": accepted.collect::<Vec<_>>(),
        "seals": verdict.seals,
        "entries": verdict.entries,
        "unsealed": verdict.unsealed,
        "head": verdict.head.map(|head| json!({
            "seal": head.sequence,
            "at": head.at.to_string(),
            "mac": head.mac.short(),
        })),
        "anchor": verdict.anchor,
        "noted": sought.map(|sought| json!({
            "head": sought,
            "seal": noted.map(|noted| noted.sequence),
            "at": noted.map(|noted| noted.at.to_string()),
        })),
    })
}

/// Puts on record that what was found has an explanation. Entries and seals that were changed have none.
async fn accept(
    place: &Place,
    opened: Opened,
    asked: &AuditAccept,
    out: &mut Out,
) -> Result<Status, AppError> {
    place.require(&opened, Role::Admin)?;
    let known = ["restored", "key-missing", "anchor-missing"];
    if let Some(other) = asked
        .kinds
        .iter()
        .find(|kind| !known.contains(&kind.as_str()))
    {
        return Err(AppError::Usage(format!(
            "“{other}” cannot be accepted; what can have an explanation is {}",
            known.join(", ")
        )));
    }
    if asked.writing.reason.trim().is_empty() {
        return Err(AppError::Usage(
            "say with --reason what explains it; whoever checks later reads that".to_owned(),
        ));
    }
    let verdict = desk::check_audit(&*opened.store).await?;
    let is_asked = |finding: &&Finding| {
        asked.kinds.is_empty() || asked.kinds.iter().any(|kind| kind == finding.code())
    };
    let tokens = verdict
        .findings
        .iter()
        .filter(is_asked)
        .filter_map(Finding::token);
    let tokens: Vec<String> = tokens.collect();
    if tokens.is_empty() {
        return Err(AppError::Usage(
            "nothing was found that could be accepted; see what was found with: passerelle audit verify"
                .to_owned(),
        ));
    }
    let is_done = !asked.writing.dry_run;
    if is_done {
        let act = (ACCEPTED, accepting(&tokens));
        place.enter(&opened, act, &asked.writing.reason).await?;
    }
    if out.is_json() {
        out.json(&json!({ "done": is_done, "accepted": tokens }))?;
        return Ok(Status::Done);
    }
    let done = if is_done {
        "accepted"
    } else {
        "would be accepted"
    };
    for token in &tokens {
        out.line(&format!("{done}: {token}"))?;
    }
    Ok(Status::Done)
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
