//! The commands that set work going: `backfill`, `republish`, `retry`, `undo`.

use serde_json::json;

use crate::app::args::{Backfill, Discard, Retry, Undo, Writing};
use crate::app::commands::{Place, inspect, sync};
use crate::app::compose::{Mode, Opened};
use crate::app::error::{AppError, Refused, Status};
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::domain::activity::{HeldActivity, REPUBLISH_REACH};
use crate::domain::command::{Command, GivenUp};
use crate::domain::ids::LinkId;
use crate::domain::link::{Mark, Pending};
use crate::domain::record::{Act, Listing, PlanKind};
use crate::domain::time::Span;
use crate::engine::Writes;
use crate::ports::Store;

/// Acts looked through for the last one that can be undone.
const ACTS_MAX: usize = 1_000;

/// Held activities are read from the store in pages of this size.
const PAGE_MAX: usize = 500;

pub(super) async fn backfill(
    place: &Place,
    arguments: &Backfill,
    out: &mut Out,
) -> Result<Status, AppError> {
    let last = Span::parse_reach(&arguments.last)
        .filter(|span| *span > Span::ZERO)
        .ok_or_else(|| AppError::Usage("--last is a time like “7d” or “12h”".to_owned()))?;
    transfer(place, PlanKind::Backfill, last, &arguments.writing, out).await
}

pub(super) async fn republish(
    place: &Place,
    writing: &Writing,
    out: &mut Out,
) -> Result<Status, AppError> {
    transfer(place, PlanKind::Republish, REPUBLISH_REACH, writing, out).await
}

async fn transfer(
    place: &Place,
    kind: PlanKind,
    last: Span,
    writing: &Writing,
    out: &mut Out,
) -> Result<Status, AppError> {
    let connected = place.connect().await?;
    let until = connected.opened.clock.now();
    let command = Command::Backfill {
        kind,
        from: until - last,
        until,
    };
    let instruction = place.instruction(&connected.opened, &writing.reason, command)?;
    let writes = if writing.dry_run {
        Writes::Count
    } else {
        Writes::Send
    };
    let mode = Mode {
        writes,
        ..Mode::default()
    };
    let report = sync::measured(&connected, mode, Goal::Command(instruction), out).await?;
    report.print(out)?;
    Ok(report.status())
}

/// What is done with whatever was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Retry,
    Discard,
}

impl Deed {
    fn commands(self, writes: Vec<GivenUp>, held: Vec<HeldActivity>) -> Vec<Command> {
        let mut commands = Vec::new();
        if !writes.is_empty() {
            commands.push(match self {
                Self::Retry => Command::Retry {
                    links: links(&writes),
                },
                Self::Discard => Command::Discard { writes },
            });
        }
        if !held.is_empty() {
            commands.push(match self {
                Self::Retry => Command::RetryActivities { held },
                Self::Discard => Command::DiscardActivities { held },
            });
        }
        commands
    }
}

pub(super) async fn retry(
    place: &Place,
    arguments: &Retry,
    out: &mut Out,
) -> Result<Status, AppError> {
    given_up(place, Deed::Retry, arguments, out).await
}

pub(super) async fn discard(
    place: &Place,
    arguments: &Discard,
    out: &mut Out,
) -> Result<Status, AppError> {
    if !arguments.yes && !arguments.what.writing.dry_run {
        return Err(AppError::Usage(
            "what is discarded is never sent; count it with --dry-run, then say --yes".to_owned(),
        ));
    }
    given_up(place, Deed::Discard, &arguments.what, out).await
}

async fn given_up(
    place: &Place,
    deed: Deed,
    arguments: &Retry,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let dead = dead_writes(&opened, arguments).await?;
    let held = held(&opened, arguments).await?;
    if arguments.writing.dry_run {
        let (writes, activities) = (dead.len(), held.len());
        if out.is_json() {
            out.json(&json!({ "writes": writes, "activities": activities }))?;
        } else {
            let what = match deed {
                Deed::Retry => "sent again",
                Deed::Discard => "discarded",
            };
            out.line(&format!(
                "{writes} writes and {activities} activities would be {what}"
            ))?;
        }
        return Ok(Status::Done);
    }
    if dead.is_empty() && held.is_empty() {
        out.note("nothing like that was given up, so there is nothing to do")?;
        return Ok(Status::Done);
    }
    let connected = place.connected(opened).await?;
    let mut last = None;
    for command in deed.commands(dead, held) {
        let goal = Goal::Command(place.instruction(
            &connected.opened,
            &arguments.writing.reason,
            command,
        )?);
        let report = sync::measured(&connected, Mode::default(), goal, out).await?;
        let is_interrupted = report.is_interrupted;
        last = Some(report);
        if is_interrupted {
            break;
        }
    }
    let Some(report) = last else {
        return Ok(Status::Done);
    };
    report.print(out)?;
    Ok(report.status())
}

/// Each link once.
fn links(writes: &[GivenUp]) -> Vec<LinkId> {
    let mut links: Vec<LinkId> = writes.iter().map(|write| write.link).collect();
    links.dedup();
    links
}

async fn dead_writes(opened: &Opened, arguments: &Retry) -> Result<Vec<GivenUp>, AppError> {
    let is_asked = |pending: &Pending| {
        let code = pending
            .failure
            .as_ref()
            .map(|failure| failure.code.as_str());
        pending.is_dead()
            && arguments
                .cause
                .as_deref()
                .is_none_or(|cause| code == Some(cause))
    };
    let links = inspect::all(opened, Listing::Marked(Mark::Dead)).await?;
    Ok(links
        .into_iter()
        .filter(|link| arguments.link.is_none_or(|asked| asked == link.id.0))
        .flat_map(|link| {
            let dead = link.pending.into_iter().filter(is_asked);
            let dead = dead.map(move |looked_at| GivenUp {
                link: link.id,
                looked_at,
            });
            dead.collect::<Vec<_>>()
        })
        .collect())
}

async fn held(opened: &Opened, arguments: &Retry) -> Result<Vec<HeldActivity>, AppError> {
    let mut held = Vec::new();
    let mut after = None;
    loop {
        let page = opened.store.held_activities(after.take(), PAGE_MAX).await?;
        let is_last = page.len() < PAGE_MAX;
        after = page.last().map(|held| held.activity.reference.clone());
        held.extend(page.into_iter().filter(|held| {
            arguments.link.is_none_or(|asked| asked == held.link.0)
                && arguments
                    .cause
                    .as_deref()
                    .is_none_or(|cause| cause == held.failure.code)
        }));
        if is_last {
            return Ok(held);
        }
    }
}

pub(super) async fn undo(
    place: &Place,
    arguments: &Undo,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let acts = opened.store.acts(ACTS_MAX).await?;
    let is_asked = |act: &&Act| match arguments.run {
        Some(run) => act.run.0 == run,
        None => !act.undo.is_empty(),
    };
    let Some(act) = acts.iter().find(is_asked).cloned() else {
        return Err(AppError::Refused(Refused::NothingToUndo));
    };
    if arguments.writing.dry_run {
        for step in &act.undo {
            let link = inspect::one(&opened, step.link).await?;
            let name = crate::app::words::field(inspect::policy(&opened), &link, step.before.field);
            let value = |v| crate::app::words::value(v);
            out.line(&format!(
                "link {}, {name}: Salesforce back to {}, Automation back to {}",
                step.link,
                value(step.before.salesforce.as_ref()),
                value(step.before.automation.as_ref())
            ))?;
        }
        return Ok(Status::Done);
    }
    let connected = place.connected(opened).await?;
    let goal = Goal::Command(place.instruction(
        &connected.opened,
        &arguments.writing.reason,
        Command::Undo { act },
    )?);
    let report = sync::measured(&connected, Mode::default(), goal, out).await?;
    report.print(out)?;
    Ok(report.status())
}
