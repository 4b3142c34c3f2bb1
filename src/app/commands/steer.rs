//! The commands that steer: reading again, setting aside, taking apart and back, holding a queue or a
//! plan.

use serde_json::json;

use crate::app::args::{Aside, Links, Queue as Named, Steer, SteerPlan, SteerQueue, Writing};
use crate::app::commands::{Place, inspect, sync};
use crate::app::compose::{Mode, Opened};
use crate::app::error::{AppError, Refused, Status};
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::domain::command::{self, Command, Queue};
use crate::domain::ids::{LinkId, RunId};
use crate::domain::time::{Span, Timestamp};

/// What one of these commands does to the links that it names.
pub(super) async fn links(
    place: &Place,
    asked: &Links,
    command: fn(Vec<LinkId>) -> Command,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    about(place, opened, command(ids(asked)), &asked.writing, out).await
}

pub(super) async fn aside(place: &Place, asked: &Aside, out: &mut Out) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let until = match &asked.until {
        Some(typed) => Some(moment(typed, opened.clock.now())?),
        None => None,
    };
    let links = ids(&asked.links);
    let command = Command::SetAside { links, until };
    about(place, opened, command, &asked.links.writing, out).await
}

pub(super) async fn queue(
    place: &Place,
    asked: &SteerQueue,
    out: &mut Out,
) -> Result<Status, AppError> {
    let queue = match asked.queue {
        Named::Salesforce => Queue::Salesforce,
        Named::Automation => Queue::Automation,
        Named::Activities => Queue::Activities,
    };
    let command = match asked.what {
        Steer::Pause => Command::Pause(queue),
        Steer::Resume => Command::Resume(queue),
        Steer::Stop => {
            return Err(AppError::Usage(
                "a queue is paused or resumed; only a plan can be stopped".to_owned(),
            ));
        }
    };
    let opened = place.open().await?;
    carry_out(place, opened, command, &asked.writing, out).await
}

pub(super) async fn plan(
    place: &Place,
    asked: &SteerPlan,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let run = RunId(asked.run);
    if !opened.recovered.plans.iter().any(|plan| plan.run == run) {
        return Err(AppError::Refused(Refused::NoSuchPlan(run.0)));
    }
    let steer = match asked.what {
        Steer::Pause => command::Steer::Pause,
        Steer::Resume => command::Steer::Resume,
        Steer::Stop => command::Steer::Stop,
    };
    let command = Command::SteerPlan { run, steer };
    carry_out(place, opened, command, &asked.writing, out).await
}

fn ids(asked: &Links) -> Vec<LinkId> {
    asked.links.iter().copied().map(LinkId).collect()
}

/// Says whom it is about before anything is done; one that does not exist stops it all.
async fn about(
    place: &Place,
    opened: Opened,
    command: Command,
    writing: &Writing,
    out: &mut Out,
) -> Result<Status, AppError> {
    let links = match &command {
        Command::Check { links }
        | Command::SetAside { links, .. }
        | Command::Unlink { links }
        | Command::TakeBack { links } => links.clone(),
        _ => Vec::new(),
    };
    for id in links {
        let link = inspect::one(&opened, id).await?;
        let name = inspect::name(inspect::policy(&opened), &link);
        out.note(&format!("link {id}: {name}"))?;
    }
    carry_out(place, opened, command, writing, out).await
}

async fn carry_out(
    place: &Place,
    opened: Opened,
    command: Command,
    writing: &Writing,
    out: &mut Out,
) -> Result<Status, AppError> {
    // Refused before both systems are asked who they are.
    place.instruction(&opened, &writing.reason, command.clone())?;
    if writing.dry_run {
        if out.is_json() {
            out.json(&json!({ "done": false }))?;
        } else {
            out.line("nothing was done")?;
        }
        return Ok(Status::Done);
    }
    let connected = place.connected(opened).await?;
    let instruction = place.instruction(&connected.opened, &writing.reason, command)?;
    let goal = Goal::Command(instruction);
    let report = sync::measured(&connected, Mode::default(), goal, out).await?;
    if report.is_interrupted {
        report.print(out)?;
        return Ok(Status::Failed);
    }
    if out.is_json() {
        out.json(&report)?;
    } else {
        out.line("done")?;
    }
    Ok(Status::Done)
}

/// The beginning of a day, or how long from now.
fn moment(typed: &str, now: Timestamp) -> Result<Timestamp, AppError> {
    let later = Span::parse(typed).map(|span| now + span);
    let day = || {
        let midnight = format!("{typed}T00:00:00Z")
            .parse::<jiff::Timestamp>()
            .ok()?;
        Some(Timestamp(midnight.as_millisecond()))
    };
    later.or_else(day).filter(|at| *at > now).ok_or_else(|| {
        AppError::Usage(format!(
            "--until {typed}: a day to come like 2026-12-24, or “10d”"
        ))
    })
}
