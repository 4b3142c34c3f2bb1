//! The lists of the console's screens, for scripts and for whoever has no screen.

use std::sync::Arc;

use serde_json::json;

use crate::app::commands::{Place, inspect};
use crate::app::compose::Opened;
use crate::app::desk::Desk;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::console::{Answer, Language, Query, Tongue, spoken_flag};
use crate::domain::flag::Urgency;
use crate::domain::mapping::Policy;

/// Lines of a list; the rest is in the JSON.
const SHOWN_MAX: usize = 200;

pub(super) async fn flags(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let (opened, policy) = known(place).await?;
    let Answer::Flags(page) = ask(&opened, &policy, Query::Flags).await? else {
        return Ok(Status::Done);
    };
    let waits = page
        .rows
        .iter()
        .any(|row| row.flag.standing.urgency() == Urgency::Person);
    let status = if waits {
        Status::WorkRemains
    } else {
        Status::Done
    };
    if out.is_json() {
        out.json(&json!({ "flags": page.rows, "not_listed": page.more }))?;
        return Ok(status);
    }
    if page.rows.is_empty() {
        out.line("Nobody is deleted or opted out.")?;
    }
    let language = Language::new(Tongue::English);
    let now = opened.clock.now();
    for row in page.rows.iter().take(SHOWN_MAX) {
        let told = spoken_flag(&language, &policy, now, row);
        out.line(&format!(
            "link {}  {}  {}: {}",
            row.brief.id, row.brief.name, told.matter, told.standing
        ))?;
        out.line(&format!("  {}", told.next))?;
    }
    more(out, page.rows.len(), page.more)?;
    Ok(status)
}

pub(super) async fn activities(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let (opened, policy) = known(place).await?;
    let Answer::Held(held) = ask(&opened, &policy, Query::Held).await? else {
        return Ok(Status::Done);
    };
    let page = held.rows;
    let counts = &opened.recovered.counts;
    let plans = &opened.recovered.plans;
    let status = if page.rows.is_empty() {
        Status::Done
    } else {
        Status::WorkRemains
    };
    if out.is_json() {
        out.json(&json!({
            "sent": counts.sent_activities,
            "held": page.rows,
            "not_listed": page.more,
            "plans": plans,
        }))?;
        return Ok(status);
    }
    out.figure("Sent so far", &counts.sent_activities.to_string(), "")?;
    out.figure("Not in Salesforce", &counts.held_activities.to_string(), "")?;
    for plan in plans {
        let state = if plan.is_paused {
            "paused"
        } else {
            "under way"
        };
        out.line(&format!(
            "plan {} of {}: {state}, {} examined, {} sent, {} were there already",
            plan.run, plan.operator, plan.examined, plan.sent, plan.already_there
        ))?;
    }
    for row in page.rows.iter().take(SHOWN_MAX) {
        let (held, activity) = (&row.held, &row.held.activity);
        out.line(&format!(
            "link {}  {}  {} at {}",
            held.link, row.brief.name, activity.kind, activity.at
        ))?;
        out.line(&format!("  {}", held.failure))?;
    }
    more(out, page.rows.len(), page.more)?;
    Ok(status)
}

/// An instance that has been synced, so that it has a configuration.
pub(super) async fn known(place: &Place) -> Result<(Opened, Arc<Policy>), AppError> {
    let opened = place.open().await?;
    let policy = inspect::policy(&opened)
        .cloned()
        .ok_or(AppError::NothingYet)?;
    Ok((opened, Arc::new(policy)))
}

async fn ask(opened: &Opened, policy: &Arc<Policy>, query: Query) -> Result<Answer, AppError> {
    Ok(Desk::at_rest(opened, Arc::clone(policy))
        .answer(query)
        .await?)
}

fn more(out: &mut Out, listed: usize, unlisted: u64) -> Result<(), AppError> {
    let hidden = listed.saturating_sub(SHOWN_MAX) as u64 + unlisted;
    if hidden > 0 {
        out.line(&format!("and {hidden} more"))?;
    }
    Ok(())
}
