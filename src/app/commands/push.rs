//! `contact push WHO`: one contact is read again, written as the rules say, waited for, and told about.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::app::args::ContactPush;
use crate::app::commands::{Place, inspect, sync};
use crate::app::compose::{Connected, Mode, Opened};
use crate::app::console::check_compared;
use crate::app::desk::{self, Desk};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::app::words;
use crate::console::query::{Answer, Query};
use crate::domain::command::Command;
use crate::domain::ids::{AutomationId, Kind, RemoteId, SalesforceObject, Side};
use crate::domain::link::Link;
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::record::{HistoryEntry, LinkKey};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;
use crate::engine::forecast::{Change, Forecast};
use crate::engine::has_read_everybody;
use crate::ports::{Call, Store as _};

/// Entries of the history that one push may add.
const HISTORY_MAX: usize = 100;

/// People of one name that are listed.
const NAMES_MAX: usize = 10;

/// Whom it is about.
enum Whom {
    Linked(Box<Link>),
    /// In Automation, and no reading found them yet.
    Unlinked(RemoteId, Option<String>),
}

/// What became of it.
struct Told {
    link: Option<Link>,
    happened: Vec<String>,
    /// Calls by the report of the run.
    report: sync::Report,
}

pub(super) async fn perform(
    place: &Place,
    asked: &ContactPush,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let known = linked(&opened, &asked.who).await?;
    // Refused before both systems are asked who they are.
    let links = known.iter().map(|link| link.id).collect();
    place.instruction(&opened, &asked.writing.reason, Command::Check { links })?;
    let connected = place.connected(opened).await?;
    let whom = match known {
        Some(link) => Whom::Linked(link),
        None => unlinked(&connected, &asked.who).await?,
    };
    if asked.writing.dry_run {
        return foretell(&connected, whom, out).await;
    }
    let told = push(place, &connected, (whom, &asked.writing.reason), out).await?;
    tell(&connected, &told, out)
}

/// The one that is meant among those who are known: by a key, else by a name.
async fn linked(opened: &Opened, who: &str) -> Result<Option<Box<Link>>, AppError> {
    let mut links = inspect::found(opened, who).await?;
    if links.len() > 1 {
        return Err(several(who));
    }
    if let Some(link) = links.pop() {
        return Ok(Some(Box::new(link)));
    }
    let is_key = !desk::keys(who).is_empty() && (who.contains('@') || is_number(who));
    let Some(policy) = inspect::policy(opened).filter(|_| !is_key) else {
        return Ok(None);
    };
    let desk = Desk::at_rest(opened, Arc::new(policy.clone()));
    let Answer::Found(found) = desk.answer(Query::Search(who.to_owned())).await? else {
        return Ok(None);
    };
    match &found.page.rows[..] {
        [] => Ok(None),
        [one] => Ok(Some(Box::new(inspect::one(opened, one.id).await?))),
        many => {
            let listed = many.iter().take(NAMES_MAX);
            let listed = listed.map(|brief| format!("\n  link:{} {}", brief.id, brief.name));
            Err(AppError::Usage(format!(
                "several are known as “{who}”; say which:{}",
                listed.collect::<String>()
            )))
        }
    }
}

fn is_number(who: &str) -> bool {
    !who.is_empty() && who.bytes().all(|c| c.is_ascii_digit())
}

fn several(who: &str) -> AppError {
    AppError::Usage(format!(
        "several are known as “{who}”; say which with link:N, as `contact` shows them"
    ))
}

/// Somebody in Automation whom we do not know yet: by number or address.
async fn unlinked(connected: &Connected, who: &str) -> Result<Whom, AppError> {
    let mapping = Arc::new(connected.policy.mapping.clone());
    let automation = &connected.outside.automation;
    let rows = if is_number(who) {
        let id = who.parse().map_err(|_| inspect::nobody(who))?;
        let ids = vec![(Kind::Person, AutomationId(id))];
        asked(Side::Automation, automation.rows(mapping, ids)).await?
    } else if who.contains('@') {
        let emails = vec![who.trim().to_owned()];
        asked(
            Side::Automation,
            automation.find(mapping, emails, Vec::new()),
        )
        .await?
    } else {
        Vec::new()
    };
    match &rows[..] {
        [] => Err(inspect::nobody(who)),
        [row] => Ok(Whom::Unlinked(
            row.id,
            address(&connected.policy.mapping, row),
        )),
        _ => Err(AppError::Usage(format!(
            "several contacts of Automation have the address {who}; say which by its number"
        ))),
    }
}

fn address(mapping: &Mapping, row: &Row) -> Option<String> {
    let rule = mapping.with_role(Kind::Person, crate::domain::mapping::Role::Email)?;
    row.value(rule.id)?.as_text().map(str::to_owned)
}

async fn asked<T>(side: Side, call: Call<'_, T>) -> Result<T, AppError> {
    let answered = call.await.map_err(|error| AppError::Connect {
        side,
        error: Box::new(error),
    })?;
    Ok(answered.value)
}

async fn push(
    place: &Place,
    connected: &Connected,
    (whom, reason): (Whom, &str),
    out: &mut Out,
) -> Result<Told, AppError> {
    let opened = &connected.opened;
    let began = opened.clock.now();
    let (key, report) = match &whom {
        Whom::Linked(link) => {
            let links = vec![link.id];
            let instruction = place.instruction(opened, reason, Command::Check { links })?;
            let goal = Goal::Command(instruction);
            let report = sync::measured(connected, Mode::default(), goal, out).await?;
            (key_of(link), report)
        }
        Whom::Unlinked(record, _) => {
            check_compared(connected)?;
            check_may_look(connected)?;
            let act = ("push contact", record.to_string());
            place.enter(opened, act, reason).await?;
            let records = vec![*record];
            let look = place.instruction(opened, reason, Command::Look { records })?;
            let report = sync::measured(connected, Mode::default(), Goal::Look(look), out).await?;
            let RemoteId::Automation(kind, id) = *record else {
                return Err(inspect::nobody(&record.to_string()));
            };
            (vec![LinkKey::Automation(kind, id)], report)
        }
    };
    let links = opened.store.load(key, false).await?.links;
    let link = links.into_iter().next();
    let mut happened = Vec::new();
    if let Some(link) = &link {
        let policy = Some(&*connected.policy);
        let history = opened.store.history(link.id, HISTORY_MAX).await?;
        let new = history.iter().rev().filter(|entry| is_ours(entry, began));
        happened.extend(new.map(|entry| words::happened(policy, link, &entry.what)));
    }
    Ok(Told {
        link,
        happened,
        report,
    })
}

/// Where it can be found afterwards, whatever its number is by then.
fn key_of(link: &Link) -> Vec<LinkKey> {
    let salesforce = link.salesforce.as_ref();
    let automation = link.automation.as_ref();
    let keys = [
        Some(LinkKey::Id(link.id)),
        salesforce.map(|end| LinkKey::Salesforce(end.id)),
        automation.map(|end| LinkKey::Automation(link.kind, end.id)),
    ];
    keys.into_iter().flatten().collect()
}

fn is_ours(entry: &HistoryEntry, began: Timestamp) -> bool {
    use crate::domain::record::Happened;
    entry.at >= began && !matches!(entry.what, Happened::Operator { .. })
}

/// A hint would be passed over: better to say so.
fn check_may_look(connected: &Connected) -> Result<(), AppError> {
    if !connected.policy.published {
        return Err(AppError::Usage(
            "the plugin is unpublished, so nobody new is taken in; publish it first".to_owned(),
        ));
    }
    if !has_read_everybody(&connected.policy, &connected.opened.recovered.cursors) {
        return Err(AppError::Usage(
            "not everybody was read yet, so this person may be in Salesforce under another address; \
             run `passerelle sync --until-idle` first"
                .to_owned(),
        ));
    }
    Ok(())
}

fn tell(connected: &Connected, told: &Told, out: &mut Out) -> Result<Status, AppError> {
    let policy = Some(&*connected.policy);
    let Some(link) = &told.link else {
        return Err(AppError::Usage(
            "the contact was read, and nothing became of it: it is gone, or has no e-mail address"
                .to_owned(),
        ));
    };
    let waits: Vec<String> = waiting(link);
    let held = link.conflicts.iter().map(|conflict| {
        let subject = words::subject(policy, link, conflict.subject);
        format!("{subject}: {}", words::cause(conflict))
    });
    let held: Vec<String> = held.collect();
    let remains = !waits.is_empty() || !held.is_empty() || !told.report.stopped.is_empty();
    let status = if !told.report.stopped.is_empty() || told.report.is_interrupted {
        Status::Failed
    } else if remains {
        Status::WorkRemains
    } else {
        Status::Done
    };
    if out.is_json() {
        out.json(&json!({
            "link": link.id,
            "salesforce": link.salesforce.as_ref().map(|end| end.id.to_string()),
            "automation": link.automation.as_ref().map(|end| end.id),
            "done": told.happened,
            "waiting": waits,
            "held": held,
            "stopped": told.report.stopped,
            "calls": told.report.calls,
        }))?;
        return Ok(status);
    }
    out.line(&format!(
        "link {}: {}  {}",
        link.id,
        inspect::name(policy, link),
        words::records(link)
    ))?;
    for words in &told.happened {
        out.line(&format!("  {words}"))?;
    }
    if let Some(parked) = &link.parked {
        out.line(&format!("  Left alone: it {}", words::parked(parked)))?;
    }
    for words in &waits {
        out.line(&format!("  NOT THERE YET: {words}"))?;
    }
    for words in &held {
        out.line(&format!("  HELD {words}"))?;
    }
    for (side, failure) in &told.report.stopped {
        out.line(&format!("  Stopped at {side}: {failure}"))?;
    }
    if told.happened.is_empty() && !remains && link.parked.is_none() {
        out.line("  nothing was to be written")?;
    }
    Ok(status)
}

fn waiting(link: &Link) -> Vec<String> {
    let pending = link.pending.iter().map(|pending| {
        let cause = pending.failure.as_ref();
        let cause = cause.map_or(String::new(), |failure| format!(": {failure}"));
        let state = words::pending(pending.state);
        format!("write to {}: {state}{cause}", words::side(pending.side))
    });
    pending.collect()
}

/// The same rules on a copy, with the records as they are now. Nothing is kept.
async fn foretell(connected: &Connected, whom: Whom, out: &mut Out) -> Result<Status, AppError> {
    let words = match &whom {
        Whom::Linked(link) => linked_words(connected, link).await?,
        Whom::Unlinked(record, address) => {
            check_may_look(connected)?;
            vec![unlinked_words(connected, *record, address.as_deref()).await?]
        }
    };
    if out.is_json() {
        out.json(&json!({ "done": false, "would": words }))?;
        return Ok(Status::Done);
    }
    if words.is_empty() {
        out.line("nothing would be written")?;
    }
    for words in words {
        out.line(&words)?;
    }
    Ok(Status::Done)
}

async fn linked_words(connected: &Connected, link: &Link) -> Result<Vec<String>, AppError> {
    let policy = &connected.policy;
    let mapping = Arc::new(policy.mapping.clone());
    let mut rows = Vec::new();
    for side in Side::BOTH {
        rows.extend(match link.remote(side) {
            Some(RemoteId::Salesforce(object, id)) => {
                let call = connected
                    .outside
                    .salesforce
                    .rows(Arc::clone(&mapping), vec![(object, id)]);
                asked(side, call).await?
            }
            Some(RemoteId::Automation(kind, id)) => {
                let call = connected
                    .outside
                    .automation
                    .rows(Arc::clone(&mapping), vec![(kind, id)]);
                asked(side, call).await?
            }
            None => Vec::new(),
        });
    }
    let described = (
        &connected.described.salesforce,
        &connected.described.automation,
    );
    let forecast = Forecast::new(policy, policy, described);
    let change = forecast.of(link, &rows, connected.opened.clock.now());
    let mut words = waiting(link);
    words.extend(change_words(policy, link, &rows, &change));
    Ok(words)
}

fn change_words(policy: &Policy, link: &Link, rows: &[Row], change: &Change) -> Vec<String> {
    let writes: BTreeSet<_> = change.writes.iter().copied().collect();
    let mut words: Vec<String> = writes
        .into_iter()
        .map(|(side, field)| {
            let from = rows.iter().find(|row| row.id.side() == side.other());
            let value = words::value(from.and_then(|row| row.value(field)));
            let field = words::field(Some(policy), link, field);
            format!("would write {field} to {}: {value}", words::side(side))
        })
        .collect();
    if change.consent {
        words.push("would bring the consent of both sides together".to_owned());
    }
    if change.conflicts > 0 {
        words.push(format!(
            "would hold {} fields for a person",
            change.conflicts
        ));
    }
    words
}

async fn unlinked_words(
    connected: &Connected,
    record: RemoteId,
    address: Option<&str>,
) -> Result<String, AppError> {
    let Some(address) = address.filter(|address| !address.trim().is_empty()) else {
        return Ok(format!(
            "would leave {record} alone: it has no e-mail address"
        ));
    };
    let policy = &connected.policy;
    let people = [SalesforceObject::Contact, SalesforceObject::Lead];
    let objects = people.into_iter().filter(|object| policy.syncs(*object));
    let call = connected.outside.salesforce.find(
        Arc::new(policy.mapping.clone()),
        objects.collect(),
        vec![address.to_owned()],
        Vec::new(),
    );
    let found = asked(Side::Salesforce, call).await?;
    let found: Vec<String> = found.iter().map(|row| row.id.to_string()).collect();
    Ok(match &found[..] {
        [] if policy.syncs(SalesforceObject::Lead) => {
            format!("would create a Lead for {record}: nobody in Salesforce has its address")
        }
        [] => format!("would leave {record} alone: Leads are not among the objects of the plugin"),
        [one] => format!("would pair {record} with {one}, which has its address"),
        many => format!(
            "would look at {} records of Salesforce with the address of {record}: a Contact goes before \
             a Lead, and of several a person must say which",
            many.len()
        ),
    })
}
