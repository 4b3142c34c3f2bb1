//! The audit log, the dates of do-not-contact, and the timeline.

use std::collections::{BTreeMap, BTreeSet};

use super::{Session, convert, failure};
use crate::domain::activity::Activity;
use crate::domain::consent::{Consent, Dated, Evidence, Proof};
use crate::domain::failure::Failure;
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::request::{ActivityPage, AuditEntry, AuditPage, AuditedChange};
use crate::domain::time::Timestamp as Moment;
use crate::sim::automation::activity::{self, ActivityKind, ActivityQuery};
use crate::sim::automation::contact::{ContactId, Reason};
use crate::sim::automation::instance::Automation;
use crate::sim::automation::log::{AuditRow, Details};
use crate::sim::automation::php::Php;

/// The audit log after a row. A merge is followed by the deletion of its loser; only the merge
/// counts.
pub(super) fn audit(brain: &Automation, session: &Session, after: u64) -> AuditPage {
    let rows = brain
        .logs()
        .audit
        .iter()
        .filter(|row| u64::from(row.id) > after && matches!(row.object, "lead" | "company"));
    // A merge and its deletion must fit one page.
    let size = session.page_rows.max(2);
    let mut rows: Vec<&AuditRow> = rows.take(size).collect();
    let is_last = rows.len() < size;
    if !is_last && let Some(cut) = first_open_merge(&rows).filter(|cut| *cut > 0) {
        rows.truncate(cut);
    }
    let merged: BTreeSet<u32> = rows
        .iter()
        .filter(|row| row.action == "merge")
        .map(|row| row.object_id)
        .collect();
    let entries = rows
        .iter()
        .filter(|row| row.action != "delete" || !merged.contains(&row.object_id))
        .filter_map(|row| entry(row));
    AuditPage {
        entries: entries.collect(),
        after: rows.last().map_or(after, |row| u64::from(row.id)),
        is_last,
    }
}

/// The first merge whose deletion has not come yet.
fn first_open_merge(rows: &[&AuditRow]) -> Option<usize> {
    rows.iter().enumerate().position(|(index, row)| {
        let is_loser =
            |later: &&AuditRow| later.action == "delete" && later.object_id == row.object_id;
        row.action == "merge" && !rows[index..].iter().any(is_loser)
    })
}

fn entry(row: &AuditRow) -> Option<AuditEntry> {
    let kind = match row.object {
        "lead" => Kind::Person,
        _ => Kind::Company,
    };
    let what = match (row.action, &row.details) {
        ("delete", _) => AuditedChange::Deleted,
        ("merge", Details::MergedInto(winner)) => AuditedChange::MergedInto(convert::id(winner.0)),
        (_, details) => AuditedChange::Consent(email_consent(details)?),
    };
    Some(AuditEntry {
        id: convert::id(row.object_id),
        kind,
        at: convert::moment(row.at),
        what,
    })
}

/// What an entry says about the e-mail channel of do-not-contact.
fn email_consent(details: &Details) -> Option<Consent> {
    let Details::Changes(changes) = details else {
        return None;
    };
    let status = member(changes, "dnc_channel_status")?;
    let email = member(status_entries(status)?, "email")?;
    let old = member(status_entries(email)?, "old_reason");
    match member(status_entries(email)?, "reason")? {
        // A bounce that is cleared is no opt-in.
        Php::Int(0) if old == Some(&Php::Int(2)) => None,
        Php::Int(0) => Some(Consent::In),
        Php::Int(reason) => Reason::coded(*reason).map(convert::consent_of),
        _ => None,
    }
}

const fn status_entries(php: &Php) -> Option<&Vec<(String, Php)>> {
    match php {
        Php::Map(entries) => Some(entries),
        _ => None,
    }
}

fn member<'a>(entries: &'a [(String, Php)], key: &str) -> Option<&'a Php> {
    let mut entries = entries.iter();
    entries.find(|(name, _)| name == key).map(|(_, php)| php)
}

/// The newest dated opt-out and opt-in of each person: the audit log, and the row in force.
pub(super) fn evidence(brain: &Automation, ids: &[AutomationId]) -> Vec<(RemoteId, Evidence)> {
    let asked: BTreeSet<u32> = ids.iter().map(|id| convert::number(*id)).collect();
    let mut found = BTreeMap::new();
    for row in &brain.logs().audit {
        if row.object == "lead"
            && matches!(row.action, "create" | "update")
            && asked.contains(&row.object_id)
            && let Some(consent) = email_consent(&row.details)
        {
            note(&mut found, row.object_id, convert::moment(row.at), consent);
        }
    }
    for id in asked {
        let contact = brain.contact(ContactId(id));
        if let Some(row) = contact.and_then(|contact| contact.dnc_on("email")) {
            let consent = convert::consent_of(row.reason);
            note(&mut found, id, convert::moment(row.added), consent);
        }
    }
    found.into_iter().collect()
}

/// Keeps the newest date each way.
fn note(found: &mut BTreeMap<RemoteId, Evidence>, id: u32, at: Moment, consent: Consent) {
    let id = RemoteId::Automation(Kind::Person, convert::id(id));
    let evidence = found.entry(id).or_default();
    let place = match consent {
        Consent::In => &mut evidence.opted_in,
        Consent::Out(_) => &mut evidence.opted_out,
        Consent::Bounced => return,
    };
    if place.is_none_or(|known| known.latest < at) {
        *place = Some(Dated::exactly(at, Proof::DatedRecord));
    }
}

/// One page of one type of event in `[from, until)`, oldest first.
pub(super) fn activities(
    brain: &mut Automation,
    session: &Session,
    kind: &str,
    (from, until): (Moment, Moment),
    page: u32,
) -> Result<ActivityPage, Failure> {
    let none = ActivityPage {
        activities: Vec::new(),
        unreadable: 0,
        is_last: true,
    };
    let Some(kind) = ActivityKind::named(kind).filter(|_| from < until) else {
        return Ok(none);
    };
    let query = ActivityQuery {
        kinds: vec![kind],
        from: Some(convert::instant(from).whole_second()),
        to: Some(convert::instant(until).plus_millis(-1).whole_second()),
        is_ascending: true,
        page: page.max(1) as usize,
        limit: session.page_rows,
        ..ActivityQuery::default()
    };
    let answered = brain.activities(session.caller, &query);
    let events = answered
        .map_err(|refusal| failure(&refusal, Vec::new()))?
        .events;
    let shown = events.iter().map(activity);
    Ok(ActivityPage {
        activities: shown
            .filter(|activity| (from..until).contains(&activity.at))
            .collect(),
        unreadable: 0,
        is_last: events.len() < session.page_rows,
    })
}

/// An event as the real client spells it. Its name is the type alone: labels are the other skin's.
fn activity(event: &activity::Activity) -> Activity {
    let kind = event.kind.name();
    Activity {
        reference: reference(event),
        contact: convert::id(event.contact.0),
        kind: kind.to_owned(),
        at: convert::moment(event.at),
        name: kind.to_owned(),
        description: String::new(),
    }
}

/// The event's id in the spelling of the plugin before us: `PointGained1531`, page hits bare.
pub fn reference(event: &activity::Activity) -> String {
    if event.kind == ActivityKind::PageHit {
        return event.row.to_string();
    }
    let mut reference = String::new();
    for word in event.kind.name().split('.') {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            reference.extend(first.to_uppercase());
            reference.push_str(chars.as_str());
        }
    }
    format!("{reference}{}", event.row)
}
