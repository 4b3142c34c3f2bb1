//! The raw tables: deletions, merges and consents of the audit log, and the dates of
//! do-not-contact.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::failures::Fault;
use super::super::values;
use super::api::{Api, Start};
use super::php::Php;
use super::query::Where;
use super::read;
use super::wire;
use crate::domain::consent::{Consent, Dated, Evidence, Proof};
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::request::{AuditEntry, AuditPage, AuditedChange, Spent};
use crate::domain::time::Timestamp;

/// Rows of one page; entries of edits hold all changed values, a kilobyte or more.
const PAGE_ROWS: usize = 500;

/// People of one question; their ids travel in the URL.
const PEOPLE_MAX: usize = 200;

/// Pages of a table that are read to date the consent of so many people.
const PAGES_MAX: usize = 40;

/// The audit log after a row. A merge is followed by the deletion of its loser; only the merge counts.
pub(super) async fn audit(api: &Api, spent: &mut Spent, after: u64) -> Result<AuditPage, Fault> {
    let filters = [Where::one_of("object", ["lead", "company"])];
    let page = api
        .table(spent, "audit_log", PAGE_ROWS, Start::After(after), &filters)
        .await?;
    let (mut rows, is_last) = (page.rows, page.is_last);
    if !is_last {
        // The deletion that belongs to the page's last merge may be on the next page.
        let cut = first_open_merge(&rows).filter(|cut| *cut > 0);
        rows.truncate(cut.unwrap_or(rows.len()));
    }
    let merged: BTreeSet<Option<u64>> = rows
        .iter()
        .filter(|row| row["action"] == "merge")
        .map(|row| values::id(&row["object_id"]))
        .collect();
    let mut entries = Vec::new();
    for row in &rows {
        if row["action"] == "delete" && merged.contains(&values::id(&row["object_id"])) {
            continue;
        }
        match entry(row) {
            Some(entry) => entries.push(entry),
            None => entries.extend(unexplained(api, spent, row).await?),
        }
    }
    let last = rows.last().and_then(|row| values::id(&row["id"]));
    Ok(AuditPage {
        entries,
        after: last.unwrap_or(after),
        is_last,
    })
}

/// A merge whose entry does not say into whom, in words that we read: whoever answers under the id
/// of the loser is the winner.
async fn unexplained(
    api: &Api,
    spent: &mut Spent,
    row: &Json,
) -> Result<Option<AuditEntry>, Fault> {
    let (true, Some(loser), Some(at)) = (
        row["object"] == "lead" && row["action"] == "merge",
        values::id(&row["object_id"]).map(AutomationId),
        date(row),
    ) else {
        return Ok(None);
    };
    let record = read::alone(api, spent, Kind::Person, loser).await?;
    let what = match record.as_ref().map(wire::id).transpose()? {
        // It is there, whatever the log says.
        Some(id) if id == loser => return Ok(None),
        Some(winner) => AuditedChange::MergedInto(winner),
        None => AuditedChange::Deleted,
    };
    Ok(Some(AuditEntry {
        id: loser,
        kind: Kind::Person,
        at,
        what,
    }))
}

/// The first merge whose deletion has not come yet.
fn first_open_merge(rows: &[Json]) -> Option<usize> {
    rows.iter().enumerate().position(|(index, row)| {
        let is_loser =
            |later: &Json| later["action"] == "delete" && later["object_id"] == row["object_id"];
        row["action"] == "merge" && !rows[index..].iter().any(is_loser)
    })
}

fn entry(row: &Json) -> Option<AuditEntry> {
    let kind = match row["object"].as_str()? {
        "lead" => Kind::Person,
        "company" => Kind::Company,
        _ => return None,
    };
    let what = match row["action"].as_str()? {
        "delete" => AuditedChange::Deleted,
        "merge" => {
            let details = Php::parse(row["details"].as_str()?)?;
            let winner = details.member("merged_into")?.number()?;
            AuditedChange::MergedInto(AutomationId(winner))
        }
        _ => AuditedChange::Consent(email_consent(row)?),
    };
    Some(AuditEntry {
        id: AutomationId(values::id(&row["object_id"])?),
        kind,
        at: date(row)?,
        what,
    })
}

/// What an entry says about the e-mail channel of do-not-contact. That a bounce was cleared is nobody's
/// word on being mailed.
fn email_consent(row: &Json) -> Option<Consent> {
    let details = row["details"].as_str()?;
    // Parsing each edit's details for nothing would be most of the work of a page.
    if !details.contains("dnc_channel_status") {
        return None;
    }
    let details = Php::parse(details)?;
    let email = details.member("dnc_channel_status")?.member("email")?;
    let consent = wire::consent_of(email.member("reason")?.number()?);
    let before = email.member("old_reason").and_then(Php::number);
    let was_bounced = before.map(wire::consent_of) == Some(Consent::Bounced);
    (consent != Consent::In || !was_bounced).then_some(consent)
}

fn date(row: &Json) -> Option<Timestamp> {
    values::moment(row["date_added"].as_str()?)
}

/// The newest dated opt-out and opt-in of each person.
pub(super) async fn evidence(
    api: &Api,
    spent: &mut Spent,
    ids: &[AutomationId],
) -> Result<Vec<(RemoteId, Evidence)>, Fault> {
    let ids: BTreeSet<AutomationId> = ids.iter().copied().collect();
    let ids: Vec<AutomationId> = ids.into_iter().collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(PEOPLE_MAX) {
        logged(api, spent, ids, &mut found).await?;
        current(api, spent, ids, &mut found).await?;
    }
    Ok(found.into_iter().collect())
}

type Found = BTreeMap<RemoteId, Evidence>;

/// Changes in the audit log: the only place that dates an opt-in. Newest first, until everybody's newest
/// change each way was met: each edit of a contact is an entry, and only what is older stays unread.
async fn logged(
    api: &Api,
    spent: &mut Spent,
    ids: &[AutomationId],
    found: &mut Found,
) -> Result<(), Fault> {
    let mut open: Vec<AutomationId> = ids.to_vec();
    let mut before = None;
    for _ in 0..PAGES_MAX {
        let filters = [
            Where::equal("object", "lead"),
            // A contact may be made opted out.
            Where::one_of("action", ["create", "update"]),
            Where::one_of("object_id", open.iter().map(ToString::to_string)),
        ];
        let page = api
            .table(
                spent,
                "audit_log",
                PAGE_ROWS,
                Start::Before(before),
                &filters,
            )
            .await?;
        for row in &page.rows {
            if let (Some(id), Some(at), Some(consent)) =
                (values::id(&row["object_id"]), date(row), email_consent(row))
            {
                note(found, id, at, consent);
            }
        }
        open.retain(|id| !is_dated_each_way(found, *id));
        if page.is_last || open.is_empty() {
            return Ok(());
        }
        let last = page.rows.last().and_then(|row| values::id(&row["id"]));
        before = last.or(before);
    }
    leave_unread("audit_log", open.len());
    Ok(())
}

fn is_dated_each_way(found: &Found, id: AutomationId) -> bool {
    let evidence = found.get(&RemoteId::Automation(Kind::Person, id));
    evidence.is_some_and(|evidence| evidence.opted_in.is_some() && evidence.opted_out.is_some())
}

/// What is not dated is no proof, so an opt-in waits for a person; why, must be findable.
fn leave_unread(table: &'static str, people: usize) {
    let rows = PAGE_ROWS * PAGES_MAX;
    tracing::warn!(
        table,
        people,
        rows,
        "older rows were left unread: consent that changed before them is not dated"
    );
}

/// The do-not-contact in force, which is there even if the audit log was purged.
async fn current(
    api: &Api,
    spent: &mut Spent,
    ids: &[AutomationId],
    found: &mut Found,
) -> Result<(), Fault> {
    let filters = [
        Where::one_of("lead_id", ids.iter().map(ToString::to_string)),
        Where::equal("channel", "email"),
    ];
    let mut before = None;
    for _ in 0..PAGES_MAX {
        let start = Start::Before(before);
        let page = api
            .table(spent, "lead_donotcontact", PAGE_ROWS, start, &filters)
            .await?;
        for row in &page.rows {
            if let (Some(id), Some(at), Some(reason)) = (
                values::id(&row["lead_id"]),
                date(row),
                values::id(&row["reason"]),
            ) {
                note(found, id, at, wire::consent_of(reason));
            }
        }
        if page.is_last {
            return Ok(());
        }
        let last = page.rows.last().and_then(|row| values::id(&row["id"]));
        before = last.or(before);
    }
    leave_unread("lead_donotcontact", ids.len());
    Ok(())
}

/// Keeps the newest date each way.
fn note(found: &mut Found, id: u64, at: Timestamp, consent: Consent) {
    let id = RemoteId::Automation(Kind::Person, AutomationId(id));
    let evidence = found.entry(id).or_default();
    let place = match consent {
        Consent::In => &mut evidence.opted_in,
        Consent::Out(_) => &mut evidence.opted_out,
        // A bounce is no decision of anybody.
        Consent::Bounced => return,
    };
    if place.is_none_or(|known| known.latest < at) {
        *place = Some(Dated::exactly(at, Proof::DatedRecord));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::consent::Reason;

    fn log(id: u64, object_id: u64, action: &str, details: &str) -> Json {
        json!({"id": id.to_string(), "bundle": "lead", "object": "lead",
               "object_id": object_id.to_string(), "action": action, "details": details,
               "date_added": "2026-11-22 21:50:26"})
    }

    #[test]
    fn recorded_entries_become_changes() {
        let merge = log(602, 15, "merge", r#"a:1:{s:11:"merged_into";i:228;}"#);
        let entry_of = |row: &Json| entry(row).map(|entry| (entry.id.0, entry.what));
        let merged = AuditedChange::MergedInto(AutomationId(228));
        assert_eq!(entry_of(&merge), Some((15, merged)));
        let out = log(
            9,
            228,
            "update",
            r#"a:1:{s:18:"dnc_channel_status";a:1:{s:5:"email";a:2:{s:6:"reason";i:1;s:8:"comments";s:18:"User unsubscribed.";}}}"#,
        );
        let unsubscribed = AuditedChange::Consent(Consent::Out(Reason::Unsubscribed));
        assert_eq!(entry_of(&out), Some((228, unsubscribed)));
        let sms = log(
            9,
            228,
            "update",
            r#"a:1:{s:18:"dnc_channel_status";a:1:{s:3:"sms";a:2:{s:6:"reason";i:3;s:8:"comments";s:0:"";}}}"#,
        );
        assert_eq!(entry_of(&sms), None);
        assert_eq!(
            entry(&log(9, 5, "delete", "a:0:{}")).unwrap().at,
            values::moment("2026-11-22T21:50:26Z").unwrap()
        );
    }

    #[test]
    fn a_full_page_ends_before_a_merge_whose_deletion_is_still_to_come() {
        let merge = |id, of| log(id, of, "merge", "");
        let delete = |id, of| log(id, of, "delete", "");
        let rows = [merge(1, 5), delete(2, 5), delete(3, 6), merge(4, 7)];
        assert_eq!(first_open_merge(&rows), Some(3));
        assert_eq!(first_open_merge(&rows[..3]), None);
    }

    #[test]
    fn the_newest_date_each_way_is_kept_and_bounces_are_not() {
        let mut found = Found::new();
        let at = Timestamp::from_seconds;
        note(&mut found, 1, at(10), Consent::Out(Reason::Manual));
        note(&mut found, 1, at(5), Consent::Out(Reason::Unsubscribed));
        note(&mut found, 1, at(7), Consent::In);
        note(&mut found, 1, at(99), Consent::Bounced);
        let evidence = found.into_values().next().unwrap();
        assert_eq!(
            evidence.opted_out,
            Some(Dated::exactly(at(10), Proof::DatedRecord))
        );
        assert_eq!(
            evidence.opted_in,
            Some(Dated::exactly(at(7), Proof::DatedRecord))
        );
    }
}
