//! The commands that only read: `status`, `queues`, `conflicts`, `contact`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::app::args::ConflictsCommand;
use crate::app::commands::{Place, webhook};
use crate::app::compose::Opened;
use crate::app::desk;
use crate::app::error::{AppError, Refused, Status};
use crate::app::out::Out;
use crate::app::words;
use crate::domain::cursor::Coverage;
use crate::domain::ids::{FieldId, LinkId, Side};
use crate::domain::link::{Link, Mark};
use crate::domain::mapping::Policy;
use crate::domain::record::{LinkKey, LinkPage, Listing};
use crate::domain::time::{Span, Timestamp};
use crate::engine::decide::decide;
use crate::ports::Store;

/// Lists are read from the store in pages of this size.
const PAGE_MAX: usize = 200;

/// A person reads no longer list than this; the rest is counted, and `--json` has all of it.
const SHOWN_MAX: usize = 50;

/// Entries of one contact's history that are shown.
const HISTORY_MAX: usize = 30;

pub(super) async fn status(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let counts = &opened.recovered.counts;
    let mark = |mark| counts.marks.get(&mark).copied().unwrap_or_default();
    let now = opened.clock.now();
    let is_braked = opened.recovered.tally.is_braked;
    let waiting = mark(Mark::Conflict) + mark(Mark::Dead) + counts.held_activities;
    let remaining = waiting + u64::from(is_braked);
    let store_bytes = opened.store.size()?;
    if out.is_json() {
        out.json(&json!({
            "instance": opened.instance.name,
            "bound_to": opened.recovered.binding,
            "links": counts.links,
            "conflicts": mark(Mark::Conflict),
            "pending": mark(Mark::Pending),
            "dead": mark(Mark::Dead),
            "diverged": mark(Mark::Diverged),
            "opted_out": mark(Mark::OptedOut),
            "deleted_in_salesforce": mark(Mark::DeletedInSalesforce),
            "held_activities": counts.held_activities,
            "sent_activities": counts.sent_activities,
            "read_until": read_until(&opened.recovered.coverage),
            "is_braked": is_braked,
            "plans": opened.recovered.plans,
            "webhooks": place.hearing(),
            "store_bytes": store_bytes,
        }))?;
        return Ok(status_of(remaining));
    }
    let verdict = if remaining == 0 {
        "nothing waits for a person"
    } else {
        "needs a person"
    };
    out.line(&format!("{}: {verdict}", opened.instance.name))?;
    for side in Side::BOTH {
        let coverage = opened.recovered.coverage.get(&side);
        out.line(&format!(
            "{:<28} {}",
            format!("Read, {side}"),
            read_words(coverage, now)
        ))?;
    }
    for (title, count) in [
        ("Links", counts.links),
        ("Conflicts", mark(Mark::Conflict)),
        ("Writes on their way", mark(Mark::Pending)),
        ("Writes given up", mark(Mark::Dead)),
        ("Differ on purpose", mark(Mark::Diverged)),
        ("Opted out", mark(Mark::OptedOut)),
        ("Deleted in Salesforce", mark(Mark::DeletedInSalesforce)),
        ("Activities sent", counts.sent_activities),
        ("Activities held", counts.held_activities),
    ] {
        out.figure(title, &count.to_string(), "")?;
    }
    if let Some(hearing) = place.hearing() {
        webhook::show(&hearing, out)?;
    }
    unfinished(&opened, out)?;
    Ok(status_of(remaining))
}

/// What was stopped, and what goes on.
fn unfinished(opened: &Opened, out: &mut Out) -> Result<(), AppError> {
    if opened.recovered.tally.is_braked {
        out.line("Stopped by the brake: look at the last changes, then sync --release-brake")?;
    }
    for plan in &opened.recovered.plans {
        out.line(&format!(
            "Plan {}: events from {} to {}, {} examined, {} sent",
            plan.run, plan.from, plan.until, plan.examined, plan.sent
        ))?;
    }
    Ok(())
}

fn status_of(remaining: u64) -> Status {
    if remaining == 0 {
        Status::Done
    } else {
        Status::WorkRemains
    }
}

fn read_until(coverage: &BTreeMap<Side, Coverage>) -> BTreeMap<Side, String> {
    coverage
        .iter()
        .filter_map(|(side, coverage)| Some((*side, coverage.until()?.to_string())))
        .collect()
}

fn read_words(coverage: Option<&Coverage>, now: Timestamp) -> String {
    let Some((coverage, until)) = coverage.and_then(|c| Some((c, c.until()?))) else {
        return "never".to_owned();
    };
    let gaps = coverage.gaps(now - Span::hours(24), until).len();
    let gaps = match gaps {
        0 => "no gap in the last 24 hours".to_owned(),
        1 => "1 gap in the last 24 hours".to_owned(),
        n => format!("{n} gaps in the last 24 hours"),
    };
    format!("until {until}; {gaps}")
}

/// How often each cause occurred, and its words.
type Causes = BTreeMap<String, (u64, String)>;

fn count_cause(causes: &mut Causes, code: &str, message: &str) {
    let cause = causes.entry(code.to_owned()).or_default();
    *cause = (cause.0 + 1, message.to_owned());
}

pub(super) async fn queues(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let (writes, causes) = queued_writes(&opened).await?;
    let held = held(&opened).await?;
    let mut held_causes = Causes::new();
    for (code, message) in &held {
        count_cause(&mut held_causes, code, message);
    }
    let dead = opened
        .recovered
        .counts
        .marks
        .get(&Mark::Dead)
        .copied()
        .unwrap_or_default();
    let status = status_of(dead + held.len() as u64);
    if out.is_json() {
        out.json(&json!({
            "writes": writes,
            "write_causes": named(&causes),
            "held_activities": held.len(),
            "held_causes": named(&held_causes),
        }))?;
        return Ok(status);
    }
    if writes.is_empty() && held.is_empty() {
        out.line("Nothing is on its way and nothing was given up.")?;
        return Ok(Status::Done);
    }
    out.line(&format!(
        "{} writes, {} activities held",
        writes.len(),
        held.len()
    ))?;
    for (title, causes) in [("writes", &causes), ("activities", &held_causes)] {
        for (code, (count, message)) in causes {
            out.line(&format!("  {count:>6} {title}: {code}: {message}"))?;
        }
    }
    for write in writes.iter().take(SHOWN_MAX) {
        let text = |key: &str| write[key].as_str().unwrap_or_default().to_owned();
        out.line(&format!(
            "  link {} to {}: {}",
            write["link"],
            text("side"),
            text("state")
        ))?;
    }
    more(out, writes.len())?;
    Ok(status)
}

/// Every write on its way or given up, and their causes counted.
async fn queued_writes(opened: &Opened) -> Result<(Vec<Json>, Causes), AppError> {
    let policy = policy(opened);
    let mut causes = Causes::new();
    let mut writes = Vec::new();
    for mark in [Mark::Pending, Mark::Dead] {
        for link in all(opened, Listing::Marked(mark)).await? {
            let of_mark = link
                .pending
                .iter()
                .filter(|pending| pending.is_dead() == (mark == Mark::Dead));
            for pending in of_mark {
                let failure = pending.failure.as_ref();
                if let Some(failure) = failure {
                    count_cause(&mut causes, &failure.code, &failure.message);
                }
                let fields = pending.values.iter();
                let fields = fields.map(|(id, _)| words::field(policy, &link, *id));
                writes.push(json!({
                    "link": link.id,
                    "side": pending.side,
                    "state": words::pending(pending.state),
                    "attempts": pending.attempts,
                    "fields": fields.collect::<Vec<_>>(),
                    "cause": failure.map(ToString::to_string),
                }));
            }
        }
    }
    Ok((writes, causes))
}

fn named(causes: &Causes) -> Vec<Json> {
    causes
        .iter()
        .map(|(code, (count, message))| json!({ "code": code, "count": count, "message": message }))
        .collect()
}

async fn held(opened: &Opened) -> Result<Vec<(String, String)>, AppError> {
    let mut causes = Vec::new();
    let mut after = None;
    loop {
        let page = opened
            .store
            .held_activities(after.clone(), PAGE_MAX)
            .await?;
        let is_last = page.len() < PAGE_MAX;
        after = page.last().map(|held| held.activity.reference.clone());
        causes.extend(
            page.into_iter()
                .map(|held| (held.failure.code, held.failure.message)),
        );
        if is_last {
            return Ok(causes);
        }
    }
}

pub(super) async fn conflicts(
    place: &Place,
    show: Option<ConflictsCommand>,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    if let Some(ConflictsCommand::Show { link }) = show {
        let link = one(&opened, LinkId(link)).await?;
        return show_link(&opened, &link, out).await;
    }
    let links = all(&opened, Listing::Marked(Mark::Conflict)).await?;
    let policy = policy(&opened);
    if out.is_json() {
        let list: Vec<Json> = links.iter().map(|link| link_json(policy, link)).collect();
        out.json(&json!({ "conflicts": list }))?;
        return Ok(status_of(links.len() as u64));
    }
    if links.is_empty() {
        out.line("No conflicts: nothing waits for a person.")?;
        return Ok(Status::Done);
    }
    out.line(&format!(
        "{} contacts and companies wait for a person:",
        links.len()
    ))?;
    for link in links.iter().take(SHOWN_MAX) {
        out.line(&format!(
            "link {:<8} {}  {}",
            link.id.0,
            name(policy, link),
            words::records(link)
        ))?;
        for conflict in &link.conflicts {
            let subject = words::subject(policy, link, conflict.subject);
            out.line(&format!("  {subject}: {}", words::cause(conflict)))?;
        }
    }
    more(out, links.len())?;
    out.line("Look at one with: passerelle conflicts show LINK")?;
    Ok(Status::WorkRemains)
}

fn more(out: &mut Out, count: usize) -> Result<(), AppError> {
    if count > SHOWN_MAX {
        out.line(&format!(
            "… and {} more; --json lists all",
            count - SHOWN_MAX
        ))?;
    }
    Ok(())
}

pub(super) async fn contact(place: &Place, who: &str, out: &mut Out) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let links = found(&opened, who).await?;
    if links.is_empty() {
        return Err(nobody(who));
    }
    if out.is_json() {
        let policy = policy(&opened);
        let mut list = Vec::with_capacity(links.len());
        for link in &links {
            let mut shown = link_json(policy, link);
            let history = opened.store.history(link.id, HISTORY_MAX).await?;
            shown["history"] = history
                .iter()
                .map(|entry| {
                    let what = words::happened(policy, link, &entry.what);
                    json!({ "at": entry.at.to_string(), "run": entry.run, "what": what })
                })
                .collect();
            list.push(shown);
        }
        out.json(&json!({ "contacts": list }))?;
        return Ok(Status::Done);
    }
    for link in &links {
        show_link(&opened, link, out).await?;
    }
    Ok(Status::Done)
}

/// The one that is meant.
pub(super) async fn only(opened: &Opened, who: &str) -> Result<Link, AppError> {
    let mut links = found(opened, who).await?;
    match (links.pop(), links.is_empty()) {
        (Some(link), true) => Ok(link),
        (None, _) => Err(nobody(who)),
        (Some(_), false) => Err(AppError::Usage(format!(
            "several are known as “{who}”; say which with link:N, as `contact` shows them"
        ))),
    }
}

pub(super) fn nobody(who: &str) -> AppError {
    AppError::Usage(format!(
        "nobody is known as “{who}”; give an e-mail address, a Salesforce id, an Automation id or \
         link:N"
    ))
}

/// By address, either id, or the link's number.
pub(super) async fn found(opened: &Opened, who: &str) -> Result<Vec<Link>, AppError> {
    let keys = desk::keys(who);
    Ok(opened.store.load(keys, false).await?.links)
}

async fn show_link(opened: &Opened, link: &Link, out: &mut Out) -> Result<Status, AppError> {
    let policy = policy(opened);
    if out.is_json() {
        out.json(&link_json(policy, link))?;
        return Ok(status_of(link.conflicts.len() as u64));
    }
    out.line(&format!(
        "link {}, generation {}: {}  {}",
        link.id,
        link.generation,
        name(policy, link),
        words::records(link)
    ))?;
    for side in Side::BOTH {
        if let Some(state) = link.state(side) {
            let (modified, by) = last_edit(link, side);
            out.line(&format!(
                "  {side}: {}, last edited {modified}{by}",
                words::state(state)
            ))?;
        }
    }
    if let Some(parked) = &link.parked {
        out.line(&format!("  Left alone: it {}", words::parked(parked)))?;
    }
    show_fields(policy, link, out)?;
    let view = |side| link.consent.on(side);
    for side in Side::BOTH {
        let consent = words::consent(view(side).map(|view| view.value));
        out.line(&format!("  consent in {side}: {consent}"))?;
    }
    for conflict in &link.conflicts {
        let subject = words::subject(policy, link, conflict.subject);
        out.line(&format!("  HELD {subject}: {}", words::cause(conflict)))?;
    }
    for pending in &link.pending {
        let state = words::pending(pending.state);
        out.line(&format!(
            "  write to {}: {state}",
            words::side(pending.side)
        ))?;
    }
    let history = opened.store.history(link.id, HISTORY_MAX).await?;
    for entry in &history {
        out.line(&format!(
            "  {}  {}",
            entry.at,
            words::happened(policy, link, &entry.what)
        ))?;
    }
    Ok(status_of(link.conflicts.len() as u64))
}

fn last_edit(link: &Link, side: Side) -> (String, String) {
    let (modified, by) = match side {
        Side::Salesforce => {
            let end = link.salesforce.as_ref();
            (
                end.map(|end| end.modified),
                end.and_then(|end| end.edited_by.clone()),
            )
        }
        Side::Automation => {
            let end = link.automation.as_ref();
            (
                end.map(|end| end.modified),
                end.and_then(|end| end.edited_by.clone()),
            )
        }
    };
    let modified = modified.filter(|at| *at > Timestamp::ZERO);
    (
        modified.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string()),
        by.map(|by| format!(" by {by}")).unwrap_or_default(),
    )
}

/// Each field with its three values, and why it stands as it does where the sides differ.
fn show_fields(policy: Option<&Policy>, link: &Link, out: &mut Out) -> Result<(), AppError> {
    for state in link
        .fields
        .iter()
        .filter(|state| is_of_object(policy, link, state.field))
    {
        let name = words::field(policy, link, state.field);
        if state.salesforce == state.automation {
            out.line(&format!(
                "  {name}: {}",
                words::value(state.salesforce.as_ref())
            ))?;
            continue;
        }
        out.line(&format!("  {name}"))?;
        let base = state.base.as_ref().map(|base| &base.salesforce);
        let base = base.map_or_else(|| "never agreed".to_owned(), |v| words::value(Some(v)));
        out.line(&format!("    agreed      {base}"))?;
        for side in Side::BOTH {
            out.line(&format!(
                "    {:<11} {}",
                words::side(side),
                words::value(state.on(side))
            ))?;
        }
        if let Some(policy) = policy
            && let Some(rule) = policy.mapping.rule(link.kind, state.field)
        {
            for step in decide(rule, state, policy.update_blanks).trace {
                out.line(&format!("    because {}", words::step(step)))?;
            }
        }
    }
    Ok(())
}

fn link_json(policy: Option<&Policy>, link: &Link) -> Json {
    let fields: Vec<Json> = link
        .fields
        .iter()
        .filter(|state| is_of_object(policy, link, state.field))
        .map(|state| {
            let shown = |side| state.on(side).map(ToString::to_string);
            let rule = policy.and_then(|policy| policy.mapping.rule(link.kind, state.field));
            let trace = rule.zip(policy).map(|(rule, policy)| {
                let trace = decide(rule, state, policy.update_blanks).trace;
                trace.into_iter().map(words::step).collect::<Vec<_>>()
            });
            json!({
                "field": words::field(policy, link, state.field),
                "base": state.base.as_ref().map(|base| base.salesforce.to_string()),
                "salesforce": shown(Side::Salesforce),
                "automation": shown(Side::Automation),
                "why": trace,
            })
        })
        .collect();
    let conflicts: Vec<Json> = link
        .conflicts
        .iter()
        .map(|conflict| {
            json!({
                "subject": words::subject(policy, link, conflict.subject),
                "why": words::cause(conflict),
                "raised": conflict.raised.to_string(),
            })
        })
        .collect();
    json!({
        "link": link.id,
        "generation": link.generation,
        "kind": link.kind,
        "salesforce": link.salesforce.as_ref().map(|end| json!({
            "object": end.object, "id": end.id, "state": words::state(end.state),
            "modified": end.modified.to_string(), "by": end.edited_by,
        })),
        "automation": link.automation.as_ref().map(|end| json!({
            "id": end.id, "state": words::state(end.state),
            "modified": end.modified.to_string(), "by": end.edited_by,
        })),
        "parked": link.parked.as_ref().map(words::parked),
        "fields": fields,
        "consent": {
            "salesforce": words::consent(link.consent.salesforce.map(|view| view.value)),
            "automation": words::consent(link.consent.automation.map(|view| view.value)),
            "agreed": words::consent(link.consent.agreed),
        },
        "conflicts": conflicts,
        "pending": link.pending.iter().map(|pending| json!({
            "side": pending.side, "state": words::pending(pending.state),
            "cause": pending.failure.as_ref().map(ToString::to_string),
        })).collect::<Vec<_>>(),
    })
}

/// Whether a field is carried by the kind of record that the link has in Salesforce.
fn is_of_object(policy: Option<&Policy>, link: &Link, field: FieldId) -> bool {
    let rule = policy.and_then(|policy| policy.mapping.rule(link.kind, field));
    let object = link.salesforce.as_ref().map(|end| end.object);
    rule.zip(object)
        .is_none_or(|(rule, object)| rule.objects.contains(&object))
}

/// What a person calls the record: its address or company name.
pub(super) fn name(policy: Option<&Policy>, link: &Link) -> String {
    let Some(policy) = policy else {
        return String::new();
    };
    let on = |side| crate::engine::observe::match_text(link, &policy.mapping, side);
    on(Side::Salesforce)
        .or_else(|| on(Side::Automation))
        .unwrap_or("(no address)")
        .to_owned()
}

pub(super) fn policy(opened: &Opened) -> Option<&Policy> {
    opened
        .recovered
        .policy
        .as_ref()
        .map(|version| &version.policy)
}

pub(super) async fn one(opened: &Opened, id: LinkId) -> Result<Link, AppError> {
    let loaded = opened.store.load(vec![LinkKey::Id(id)], false).await?;
    loaded
        .links
        .into_iter()
        .next()
        .ok_or(AppError::Refused(Refused::NoSuchLink(id.0)))
}

pub(super) async fn all(opened: &Opened, listing: Listing) -> Result<Vec<Link>, AppError> {
    let mut links: Vec<Link> = Vec::new();
    loop {
        let after = links.last().map(|link| link.id);
        let page = LinkPage {
            listing,
            after,
            size_max: PAGE_MAX,
        };
        let page = opened.store.links(page).await?;
        let is_last = page.len() < PAGE_MAX;
        links.extend(page);
        if is_last {
            return Ok(links);
        }
    }
}
