//! `log`: the latest lines, and how much is logged.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::app::args::LogCommand;
use crate::app::commands::Place;
use crate::app::config;
use crate::app::error::{AppError, Status};
use crate::app::log::{self, Detail};
use crate::app::out::Out;
use crate::domain::operator::Role;

/// Nobody reads more, and the answer stays within a few megabytes.
const LINES_MAX: usize = 10_000;

pub(super) async fn perform(
    place: &Place,
    what: &LogCommand,
    out: &mut Out,
) -> Result<Status, AppError> {
    match what {
        LogCommand::Show { lines } => show(place, (*lines).min(LINES_MAX), out).await,
        LogCommand::Level { level, why } => {
            change(place, (level.as_deref(), &why.reason), out).await
        }
    }
}

/// Without a serving process the files are read as they are: whoever may read them may see them.
async fn show(place: &Place, max: usize, out: &mut Out) -> Result<Status, AppError> {
    let data = if place.served.is_some() {
        let opened = place.open().await?;
        // Who sits where is in it.
        place.require(&opened, Role::Operator)?;
        opened.instance.data
    } else {
        config::load(place.file()?, &place.env)?.data
    };
    let lines = log::latest(&data, max)?;
    let parsed: Vec<Option<Json>> = lines
        .iter()
        .map(|line| serde_json::from_str(line).ok())
        .collect();
    if out.is_json() {
        out.json(&json!({ "lines": parsed.into_iter().flatten().collect::<Vec<_>>() }))?;
        return Ok(Status::Done);
    }
    if lines.is_empty() {
        out.note("nothing was logged yet")?;
    }
    for (line, parsed) in lines.iter().zip(parsed) {
        match parsed {
            Some(Json::Object(fields)) => out.line(&readable(&fields))?,
            _ => out.line(line)?,
        }
    }
    Ok(Status::Done)
}

/// `2026-03-04T09:15:02Z info  cycle ended  salesforce_read=3 …`.
pub(in crate::app) fn readable(fields: &Map<String, Json>) -> String {
    let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default();
    let mut line = format!("{} {:<5} {}", text("at"), text("level"), text("what"));
    for (name, value) in fields {
        if matches!(name.as_str(), "at" | "level" | "what") {
            continue;
        }
        let value = match value {
            Json::String(text) if text.contains(' ') => format!("“{text}”"),
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(line, "  {name}={value}"); // Into a string: cannot fail.
    }
    line
}

async fn change(
    place: &Place,
    (level, reason): (Option<&str>, &str),
    out: &mut Out,
) -> Result<Status, AppError> {
    if place.served.is_none() {
        return Err(AppError::NotServed);
    }
    let opened = place.open().await?;
    if let Some(level) = level {
        place.require(&opened, Role::Admin)?;
        let detail: Detail = level.parse().map_err(AppError::Usage)?;
        let act = ("log level", detail.name().to_owned());
        place.enter(&opened, act, reason).await?;
        let operator = place.visitor(&opened).operator.name;
        opened.log.set_detail(detail, &operator);
    }
    let level = opened.log.detail().name();
    if out.is_json() {
        out.json(&json!({ "level": level }))?;
    } else {
        out.line(&format!("the serving process logs at the level {level}"))?;
    }
    Ok(Status::Done)
}
