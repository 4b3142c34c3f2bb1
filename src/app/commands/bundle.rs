//! `bundle` and `open`: an incident for somebody else to look at, and that somebody's look.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json};
use tokio::net::UnixStream;

use super::{Place, doctor, forward, inspect, logs};
use crate::adapters::SystemClock;
use crate::app::args::{Bundle as Asked, Open};
use crate::app::bundle::{self, Bundle, Sources};
use crate::app::config;
use crate::app::door;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::domain::operator::Role;
use crate::ports::{Clock as _, StoreError};

/// What the serving process answers is longer than the bundle only by its blanks.
const ANSWER_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Columns before a part of a part.
const INDENT: usize = 2;

/// Parts within parts are shown so deep; ours have no more.
const DEPTH_MAX: usize = 8;

pub(super) async fn perform(
    place: &Place,
    asked: &Asked,
    out: &mut Out,
) -> Result<Status, AppError> {
    if place.served.is_some() {
        // For somebody else's process, which lists, asks and writes.
        let bundle = make(place, asked).await?;
        out.json(&bundle.0)?;
        return Ok(Status::Done);
    }
    let bundle = match place.knock().await? {
        Some(stream) => match fetch(stream, place).await? {
            Ok(bundle) => bundle,
            Err(status) => return Ok(status),
        },
        None => make(place, asked).await?,
    };
    for (part, bytes) in bundle.sizes() {
        out.line(&format!("{part:<12} {bytes:>9} bytes"))?;
    }
    if let (Some(who), Some(contact)) = (&asked.contact, bundle.0.get("contact")) {
        let token = contact["who"].as_str().unwrap_or_default();
        out.line(&format!("{who} is {token} in it"))?;
    }
    out.line("names, addresses and values are not in it; see for yourself with: passerelle open")?;
    if asked.dry_run {
        return Ok(Status::Done);
    }
    let made = bundle.0["about"]["made"].as_str().unwrap_or_default();
    let path = asked.out.clone();
    let path = path.unwrap_or_else(|| bundle::file_name(made).into());
    if !asked.yes && !is_wanted(&path.display().to_string(), out)? {
        out.note("nothing was written")?;
        return Ok(Status::Done);
    }
    let bytes = bundle::write(&path, &bundle).map_err(|error| {
        let path = path.display();
        AppError::Usage(format!(
            "{path} cannot be written ({error}); name a file that does not exist yet with --out"
        ))
    })?;
    out.line(&format!("{bytes} bytes written to {}", path.display()))?;
    Ok(Status::Done)
}

fn is_wanted(path: &str, out: &mut Out) -> Result<bool, AppError> {
    if !io::stdin().is_terminal() {
        return Err(AppError::Usage(
            "nobody can be asked here whether to write it; say --yes, or --dry-run".to_owned(),
        ));
    }
    out.flush()?;
    out.note(&format!("write it to {path}? (y, or anything else for no)"))?;
    let mut answer = String::new();
    io::stdin().lock().take(64).read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes" | "o" | "oui"))
}

/// In the process that has the store.
async fn make(place: &Place, asked: &Asked) -> Result<Bundle, AppError> {
    let opened = match place.open().await {
        Ok(opened) => opened,
        Err(AppError::Store(error)) if asked.contact.is_none() => return poor(place, &error),
        Err(error) => return Err(error),
    };
    place.require(&opened, Role::Operator)?;
    let link = match &asked.contact {
        None => None,
        Some(who) => Some(inspect::only(&opened, who).await?),
    };
    // What somebody else's process lists has left this one already.
    if place.served.is_some() || !asked.dry_run {
        let about = link.as_ref().map(|link| link.id.to_string());
        let act = ("make bundle", about.unwrap_or_default());
        place.enter(&opened, act, &asked.why.reason).await?;
    }
    let policy = inspect::policy(&opened);
    let house = place.served.as_ref().map(|(house, _)| house);
    let mut snapshot = match (house, policy) {
        (Some(house), _) => (**house.handle.snapshots.borrow()).clone(),
        (None, Some(policy)) => doctor::snapshot(&opened, policy),
        (None, None) => crate::domain::snapshot::Snapshot::default(),
    };
    let described = match policy {
        Some(_) => doctor::describe(&opened, &mut snapshot).await?,
        None => None,
    };
    let evidence = house.and_then(|house| house.connected.examiner.latest());
    let settings = bundle::settings(&opened.instance);
    bundle::gather(&Sources {
        settings: &settings,
        store: &*opened.store,
        recovered: &opened.recovered,
        policy,
        described: described.as_ref(),
        timetable: opened.timetable(),
        snapshot: &snapshot,
        evidence: evidence.as_deref(),
        journal: house.map(|house| &*house.handle.journal),
        data: &opened.instance.data,
        now: opened.clock.now(),
        contact: link.as_ref(),
    })
    .await
}

/// A store that cannot be opened is a reason for a bundle, not against one.
fn poor(place: &Place, why: &StoreError) -> Result<Bundle, AppError> {
    let instance = config::load(place.file()?, &place.env)?;
    let role = door::ourselves(&place.claims, &instance.operators).role;
    if role < Role::Operator {
        let needed = Role::Operator;
        return Err(AppError::Denied { role, needed });
    }
    let settings = bundle::settings(&instance);
    bundle::without_store(&settings, &instance.data, SystemClock.now(), why)
}

/// From the process that has the store.
async fn fetch(stream: UnixStream, place: &Place) -> Result<Result<Bundle, Status>, AppError> {
    let page = Page::default();
    let mut inner = Out::new(Box::new(page.clone()), Box::new(io::stderr()), true);
    let status = forward::forward(stream, place.claims.clone(), Vec::new(), &mut inner).await?;
    if status != Status::Done {
        return Ok(Err(status));
    }
    let bytes = page.0.lock().unwrap_or_else(PoisonError::into_inner);
    bundle::parse(&bytes).map(Ok).map_err(|error| {
        AppError::Usage(format!(
            "what the serving process answered is no bundle: {error}"
        ))
    })
}

/// Keeps what is written, within reason.
#[derive(Clone, Default)]
pub(super) struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    /// What was written so far.
    pub(super) fn text(&self) -> String {
        let page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&page).into_owned()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if page.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::other("the answer is longer than any bundle"));
        }
        page.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Its parts, printed.
pub(super) fn show(bundle: Bundle, asked: &Open, out: &mut Out) -> Result<Status, AppError> {
    let path = asked.bundle.display();
    let parts: Map<String, Json> = match &asked.part {
        None => bundle.0,
        Some(name) => {
            let known: Vec<&str> = bundle.0.keys().map(String::as_str).collect();
            let known = known.join(", ");
            let part = bundle.0.get(name).cloned().ok_or_else(|| {
                AppError::Usage(format!("{path} has no part “{name}”; it has {known}"))
            })?;
            Map::from_iter([(name.clone(), part)])
        }
    };
    if out.is_json() {
        out.json(&parts)?;
        return Ok(Status::Done);
    }
    let is_paged = !asked.print && io::stdin().is_terminal() && io::stdout().is_terminal();
    let count = parts.len();
    for (index, (name, part)) in parts.iter().enumerate() {
        out.line(&format!("== {name} =="))?;
        paint(name, part, 0, out)?;
        out.line("")?;
        if is_paged && index + 1 < count && !goes_on(out)? {
            break;
        }
    }
    Ok(Status::Done)
}

fn goes_on(out: &mut Out) -> Result<bool, AppError> {
    out.flush()?;
    out.note("-- enter: the next part; q: enough --")?;
    let mut answer = String::new();
    let read = io::stdin().lock().take(64).read_line(&mut answer)?;
    Ok(read > 0 && !answer.trim().eq_ignore_ascii_case("q"))
}

/// One line for what is plain, and what is not below its name.
pub(super) fn paint(part: &str, value: &Json, depth: usize, out: &mut Out) -> io::Result<()> {
    let blank = " ".repeat(depth * INDENT);
    if depth > DEPTH_MAX {
        return out.line(&format!("{blank}…"));
    }
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                if let Some(text) = plain(value) {
                    out.line(&format!("{blank}{name}: {text}"))?;
                } else {
                    out.line(&format!("{blank}{name}:"))?;
                    paint(part, value, depth + 1, out)?;
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                paint_item(part, item, depth, out)?;
            }
        }
        other => out.line(&format!("{blank}{}", plain(other).unwrap_or_default()))?,
    }
    Ok(())
}

fn paint_item(part: &str, item: &Json, depth: usize, out: &mut Out) -> io::Result<()> {
    let blank = " ".repeat(depth * INDENT);
    let Json::Object(fields) = item else {
        return paint(part, item, depth, out);
    };
    if matches!(part, "log" | "errors") {
        return out.line(&format!("{blank}{}", logs::readable(fields)));
    }
    if let Some(line) = in_one(fields) {
        return out.line(&format!("{blank}- {line}"));
    }
    out.line(&format!("{blank}-"))?;
    paint(part, item, depth + 1, out)
}

/// What fits on a line: a value, or values after each other.
fn plain(value: &Json) -> Option<String> {
    match value {
        Json::Null => Some("–".to_owned()),
        Json::Bool(true) => Some("yes".to_owned()),
        Json::Bool(false) => Some("no".to_owned()),
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        Json::Array(items) if items.is_empty() => Some("none".to_owned()),
        Json::Array(items)
            if items
                .iter()
                .all(|item| !item.is_array() && !item.is_object()) =>
        {
            Some(
                items
                    .iter()
                    .filter_map(plain)
                    .collect::<Vec<_>>()
                    .join(", "),
            )
        }
        Json::Object(fields) if fields.is_empty() => Some("none".to_owned()),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn in_one(fields: &Map<String, Json>) -> Option<String> {
    let parts: Option<Vec<String>> = fields
        .iter()
        .map(|(name, value)| plain(value).map(|text| format!("{name}: {text}")))
        .collect();
    parts.map(|parts| parts.join(" · "))
}
