//! `doctor --fix`: each remedy is shown as it would be sent, asked for, recorded, made, and its check
//! done again.

use serde_json::{Value as Json, json};

use super::judged;
use crate::app::args::Doctor;
use crate::app::commands::Place;
use crate::app::commands::init::file;
use crate::app::commands::plugin::Proposed;
use crate::app::compose::{Mendable, Opened};
use crate::app::entry::{self, Entry};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::console::{Language, Tongue, spoken};
use crate::domain::command::Command;
use crate::domain::doctor::Finding;
use crate::domain::ids::{FieldId, Kind, Side};
use crate::domain::mapping::{Policy, Role};
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::domain::setup::{assume, deleted};

/// What became of one remedy.
enum Ended {
    /// Nothing was to be made, or only to be shown, or nobody wanted it.
    Left(&'static str),
    /// The trial run was refused.
    Refused,
    Made(Mended),
    Failed(String),
}

pub(super) async fn perform(
    place: &Place,
    opened: Opened,
    asked: &Doctor,
    out: &mut Out,
) -> Result<Status, AppError> {
    // Refused before the systems are asked who they are.
    place.instruction(&opened, &asked.reason, Command::Mend(Remedy::Timeline))?;
    let ground = Mendable::of(opened).await?;
    let policy = ground.policy.clone();
    let mut tried: Vec<Remedy> = Vec::new();
    let mut told: Vec<Json> = Vec::new();
    let mut fields = Vec::new();
    let mut status = Status::Done;
    // Each look may show what only became possible by what was made before.
    while let Some((finding, remedy)) = next(place, &ground, asked, &tried).await? {
        tried.push(remedy.clone());
        let unmapped = unmapped(&remedy, &policy);
        let preview = ground
            .examiner
            .preview(policy.clone(), remedy.clone())
            .await;
        let (preview, ended) = match preview {
            Ok(preview) => {
                show(&finding, &remedy, &policy, &preview, out)?;
                let ended = one(place, &ground, asked, (&remedy, &preview), out).await?;
                (preview, ended)
            }
            Err(error) => (Preview::default(), Ended::Failed(error.to_string())),
        };
        status = worse(status, &ended);
        let now = match ended {
            Ended::Made(_) => find(place, &ground, &finding).await?,
            _ => None,
        };
        say((&remedy, &ended), now.as_ref(), &ground, out)?;
        if let (Ended::Made(_), Some(field)) = (&ended, unmapped) {
            fields.push((told.len(), field));
        }
        told.push(line(&finding, &remedy, &preview, &ended, now.as_ref()));
    }
    let unread = unread(&ground);
    for (side, why) in &unread {
        out.note(&format!(
            "{side} could not be looked at, so nothing of it was mended: {why}"
        ))?;
    }
    if status == Status::Done && !unread.is_empty() {
        status = Status::WorkRemains;
    }
    let is_first = asked.is_first || ground.opened.recovered.policy.is_none();
    // The next ones open the store anew.
    drop(ground);
    for (at, (kind, field)) in fields {
        let is_mapped = if is_first {
            map_in_file(place, asked, &policy, (kind, &field), out).await?
        } else if unread.is_empty() {
            map(place, asked, (kind, &field), out).await?
        } else {
            out.note(&format!(
                "{field} is not mapped, which takes both systems; the screen Plugin maps it"
            ))?;
            false
        };
        told[at]["mapped"] = json!(is_mapped);
    }
    report(&told, &unread, out)?;
    Ok(status)
}

fn report(told: &[Json], unread: &[(Side, String)], out: &mut Out) -> Result<(), AppError> {
    if out.is_json() {
        let unread = unread
            .iter()
            .map(|(side, why)| json!({ "in": side.to_string(), "why": why }));
        let unread: Vec<Json> = unread.collect();
        out.json(&json!({ "fixes": told, "unread": unread }))?;
    } else if told.is_empty() {
        out.line("nothing to mend from here")?;
    }
    Ok(())
}

/// What the last look could not read, and why.
fn unread(ground: &Mendable) -> Vec<(Side, String)> {
    let Some(evidence) = ground.examiner.latest() else {
        return Vec::new();
    };
    let failed = [
        (Side::Salesforce, evidence.salesforce.as_ref().err()),
        (Side::Automation, evidence.automation.as_ref().err()),
    ];
    let failed = failed.into_iter();
    failed
        .filter_map(|(side, failure)| Some((side, failure?.to_string())))
        .collect()
}

/// The first finding that can be mended and was not tried yet.
async fn next(
    place: &Place,
    ground: &Mendable,
    asked: &Doctor,
    tried: &[Remedy],
) -> Result<Option<(Finding, Remedy)>, AppError> {
    let opened = &ground.opened;
    let findings = judged(place, opened, &ground.policy, &ground.examiner).await?;
    let mut wanted = findings.into_iter().filter(|finding| {
        asked.checks.is_empty() || asked.checks.iter().any(|id| finding.check.id == id)
    });
    Ok(wanted.find_map(|finding| {
        let remedy = finding.seen.remedy.clone();
        let remedy = remedy.filter(|remedy| !tried.contains(remedy))?;
        Some((finding, remedy))
    }))
}

/// The same check as it stands now.
async fn find(
    place: &Place,
    ground: &Mendable,
    finding: &Finding,
) -> Result<Option<Finding>, AppError> {
    let opened = &ground.opened;
    let findings = judged(place, opened, &ground.policy, &ground.examiner).await?;
    let mut findings = findings.into_iter();
    Ok(findings.find(|now| now.check == finding.check))
}

async fn one(
    place: &Place,
    ground: &Mendable,
    asked: &Doctor,
    (remedy, preview): (&Remedy, &Preview),
    out: &mut Out,
) -> Result<Ended, AppError> {
    if !preview.refusals.is_empty() {
        return Ok(Ended::Refused);
    }
    if preview.steps.is_empty() {
        return Ok(Ended::Left("nothing is to be made: it is there already"));
    }
    if asked.dry_run {
        return Ok(Ended::Left("nothing was made"));
    }
    if !asked.yes && !is_wanted(place, "make it?", out).await? {
        return Ok(Ended::Left("nothing was made"));
    }
    let command = Command::Mend(remedy.clone());
    let instruction = place.instruction(&ground.opened, &asked.reason, command)?;
    ground.bind().await?;
    let entry = Entry::mend(remedy, &instruction.reason);
    entry::put(&ground.opened, &instruction.operator, entry).await?;
    Ok(
        match ground
            .examiner
            .mend(ground.policy.clone(), remedy.clone())
            .await
        {
            Ok(mended) => Ended::Made(mended),
            Err(error) => Ended::Failed(error.to_string()),
        },
    )
}

/// A field for what was deleted, which serves nothing before it is mapped.
fn unmapped(remedy: &Remedy, policy: &Policy) -> Option<(Kind, String)> {
    match remedy {
        Remedy::DeletedField(kind, field)
            if policy.mapping.with_role(*kind, Role::Deleted).is_none() =>
        {
            Some((*kind, field.clone()))
        }
        _ => None,
    }
}

/// Puts the pair into the configuration in force. Answers whether it is there.
async fn map(
    place: &Place,
    asked: &Doctor,
    (kind, field): (Kind, &str),
    out: &mut Out,
) -> Result<bool, AppError> {
    let Some(proposed) = Proposed::deleted(place, (kind, field), out).await? else {
        return Ok(true);
    };
    out.note(&format!("{field} is to be mapped:"))?;
    for line in proposed.told().await? {
        out.note(&format!("  {line}"))?;
    }
    if !asked.yes && !is_wanted(place, "put it in force?", out).await? {
        out.note("it was made and is not mapped; the screen Plugin maps it")?;
        return Ok(false);
    }
    proposed.put(place, &asked.reason, out).await
}

/// Adds the pair to the instance file, which is the truth before the first sync.
async fn map_in_file(
    place: &Place,
    asked: &Doctor,
    policy: &Policy,
    (kind, field): (Kind, &str),
    out: &mut Out,
) -> Result<bool, AppError> {
    let pair = deleted(policy, kind, field);
    let Some(rule) = assume(FieldId(0), kind, &pair, &policy.objects) else {
        return Ok(false);
    };
    let path = place.file()?;
    let text = file::mapping(&[(kind, rule)]);
    out.note(&format!("{field} is to be mapped, in {}:", path.display()))?;
    for line in text.lines().filter(|line| !line.is_empty()) {
        out.note(&format!("  {line}"))?;
    }
    if !asked.yes && !is_wanted(place, "add it?", out).await? {
        return Ok(false);
    }
    file::add(path, &text)?;
    Ok(true)
}

async fn is_wanted(place: &Place, what: &str, out: &mut Out) -> Result<bool, AppError> {
    out.flush()?;
    let text = format!("{what} (y, or anything else for no) ");
    let answer = place.asker.line(&text).await;
    let answer = answer.map_err(AppError::Unanswered)?.ok_or_else(|| {
        AppError::Usage("nobody answers here whether to do it; say --yes, or --dry-run".to_owned())
    })?;
    Ok(matches!(answer.trim(), "y" | "yes" | "o" | "oui"))
}

fn show(
    finding: &Finding,
    remedy: &Remedy,
    policy: &Policy,
    preview: &Preview,
    out: &mut Out,
) -> Result<(), AppError> {
    if out.is_json() {
        return Ok(());
    }
    let language = Language::new(Tongue::English);
    let at = crate::domain::time::Timestamp::ZERO;
    let spoken = spoken(&language, policy, at, finding);
    out.line(&format!("{}: {}", spoken.name, remedy.name()))?;
    out.line(&format!("  to be made in {}:", remedy.side()))?;
    if unmapped(remedy, policy).is_some() {
        out.line("  (that it is mapped then is asked for next)")?;
    }
    for step in &preview.steps {
        out.line(&format!("  {} {}", step.request, step.file))?;
        for line in step.content.lines() {
            out.line(&format!("    {line}"))?;
        }
    }
    if remedy.is_ours_alone() {
        out.line(&format!("  {}", language.text("mend-ours")))?;
    }
    for refusal in &preview.refusals {
        out.line(&format!("  refused by a trial run: {refusal}"))?;
    }
    if preview.is_tried && preview.refusals.is_empty() {
        out.line("  a trial run of it was accepted")?;
    }
    Ok(())
}

fn say(
    (remedy, ended): (&Remedy, &Ended),
    now: Option<&Finding>,
    ground: &Mendable,
    out: &mut Out,
) -> Result<(), AppError> {
    if out.is_json() {
        return Ok(());
    }
    match ended {
        Ended::Left(why) => out.line(&format!("  {why}"))?,
        Ended::Refused => out.line("  nothing was made")?,
        Ended::Made(mended) => {
            if !mended.made.is_empty() {
                out.line(&format!("  made: {}", mended.made.join(", ")))?;
            }
            for refusal in &mended.refused {
                out.line(&format!("  refused: {refusal}"))?;
            }
            if remedy.is_ours_alone() && !mended.made.is_empty() {
                let language = Language::new(Tongue::English);
                out.line(&format!("  {}", language.text("mend-ours")))?;
            }
        }
        Ended::Failed(why) => out.line(&format!("  not made: {why}"))?,
    }
    if let Some(finding) = now {
        let language = Language::new(Tongue::English);
        let now = ground.opened.clock.now();
        let spoken = spoken(&language, &ground.policy, now, finding);
        let state = finding.seen.severity.name();
        out.line(&format!("  now {state}: {}", spoken.evidence))?;
    }
    Ok(())
}

fn line(
    finding: &Finding,
    remedy: &Remedy,
    preview: &Preview,
    ended: &Ended,
    now: Option<&Finding>,
) -> Json {
    let steps = preview
        .steps
        .iter()
        .map(|step| json!({ "request": step.request, "file": step.file, "content": step.content }));
    let (made, error) = match ended {
        Ended::Made(mended) => {
            let refused = (!mended.refused.is_empty()).then(|| mended.refused.join("; "));
            (mended.made.clone(), refused)
        }
        Ended::Failed(why) => (Vec::new(), Some(why.clone())),
        Ended::Left(_) | Ended::Refused => (Vec::new(), None),
    };
    json!({
        "check": finding.check.id,
        "makes": remedy.name(),
        "in": remedy.side().to_string(),
        "steps": steps.collect::<Vec<_>>(),
        "refusals": preview.refusals,
        "made": made,
        "error": error,
        "state": now.unwrap_or(finding).seen.severity.name(),
    })
}

fn worse(status: Status, ended: &Ended) -> Status {
    match (status, ended) {
        (_, Ended::Failed(_)) | (Status::Failed, _) => Status::Failed,
        (_, Ended::Made(mended)) if !mended.refused.is_empty() => Status::Failed,
        (_, Ended::Refused) => Status::WorkRemains,
        (status, Ended::Left(_) | Ended::Made(_)) => status,
    }
}
