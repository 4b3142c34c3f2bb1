//! Reading contacts and companies: windows of changes, by id, by e-mail address or name.
//!
//! Rows are read whole. A column selection would make them small, but then members that are null are
//! left out of the answer, and a value that was emptied could not be told from a field that was
//! hidden.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::failures::Fault;
use super::super::values;
use super::api::{Api, Request, is_last};
use super::query::{Query, Where};
use super::wire::{self, Context};
use crate::domain::cursor::{Position, Stream};
use crate::domain::failure::FailureKind;
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::mapping::Mapping;
use crate::domain::request::{Page, Spent, Window};
use crate::domain::row::{Row, RowState};

/// About 12 kB a contact: two megabytes a page, and no page can reach the limit of an answer.
pub(super) const PAGE_ROWS: usize = 200;

/// Addresses of one look-up; they travel in the URL.
const KEYS_MAX: usize = 50;

/// Pages of one look-up. More records than this with fifty addresses is no look-up.
const FIND_PAGES_MAX: usize = 20;

pub(super) async fn changes(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    window: Window,
) -> Result<Page, Fault> {
    let kind = kind_of(window.stream)?;
    // A record has no date of edit until its first one. Rows edited after the window's end are
    // shown as they are now, which costs nothing.
    let mut filters = vec![Where::Any(vec![
        Where::within("date_modified", window.from, window.until),
        Where::within("date_added", window.from, window.until),
    ])];
    if let Some(Position::Id(last)) = window.after {
        filters.push(Where::after("id", last.0));
    }
    let page = list(api, spent, kind, &filters, true).await?;
    let rows = rows_of(api, mapping, kind, &page.records)?;
    if let Some(Position::Id(last)) = window.after
        && rows
            .first()
            .is_some_and(|row| row.id <= RemoteId::Automation(kind, last))
    {
        let message = "the server does not keep to the filter of a list";
        return Err(Fault::broken("list", message));
    }
    Ok(Page {
        stream: window.stream,
        rows,
        purged: Vec::new(),
        is_last: page.is_last,
    })
}

struct Listed {
    /// In the order of ids.
    records: Vec<Json>,
    is_last: bool,
}

fn kind_of(stream: Stream) -> Result<Kind, Fault> {
    match stream {
        Stream::AutomationContacts => Ok(Kind::Person),
        Stream::AutomationCompanies => Ok(Kind::Company),
        _ => {
            let message = format!("{stream:?} is not a list of Automation");
            Err(Fault::broken("stream", message))
        }
    }
}

/// A page of a list, in the order of ids.
async fn list(
    api: &Api,
    spent: &mut Spent,
    kind: Kind,
    filters: &[Where],
    leaves_out_visitors: bool,
) -> Result<Listed, Fault> {
    let (path, plural) = names(kind);
    let mut query = Query::list(PAGE_ROWS, filters);
    if kind == Kind::Person && leaves_out_visitors {
        query.add("search", "!is:anonymous");
    }
    let mut body = api.get(spent, path, query.clone()).await?;
    if wire::records(&body[plural]).is_empty() && values::id(&body["total"]).unwrap_or(0) > 0 {
        // Either the count is old, or the page lost its rows on the way: the second answer counts.
        body = api.get(spent, path, query).await?;
    }
    // Nothing else is an empty list: those who are not in one count as gone.
    if !matches!(body[plural], Json::Array(_) | Json::Object(_)) {
        let message = format!("the answer holds no {plural}");
        return Err(Fault::new(FailureKind::Transient, "list", message));
    }
    let mut records: Vec<(AutomationId, Json)> = wire::records(&body[plural])
        .into_iter()
        .map(|record| Ok((wire::id(record)?, record.clone())))
        .collect::<Result<_, Fault>>()?;
    records.sort_by_key(|(id, _)| *id);
    Ok(Listed {
        is_last: is_last(&body["total"], records.len(), PAGE_ROWS),
        records: records.into_iter().map(|(_, record)| record).collect(),
    })
}

pub(super) const fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Person => ("/contacts", "contacts"),
        Kind::Company => ("/companies", "companies"),
    }
}

fn rows_of(api: &Api, mapping: &Mapping, kind: Kind, records: &[Json]) -> Result<Vec<Row>, Fault> {
    let context = context(api, mapping, kind);
    records.iter().map(|record| context.row(record)).collect()
}

fn context<'a>(api: &'a Api, mapping: &'a Mapping, kind: Kind) -> Context<'a> {
    Context {
        mapping,
        kind,
        base: &api.base,
    }
}

pub(super) async fn rows(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    ids: &[(Kind, AutomationId)],
) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    for kind in [Kind::Person, Kind::Company] {
        let asked: BTreeSet<AutomationId> = ids
            .iter()
            .filter(|(of, _)| *of == kind)
            .map(|(_, id)| *id)
            .collect();
        let asked: Vec<AutomationId> = asked.into_iter().collect();
        for asked in asked.chunks(PAGE_ROWS) {
            let found = by_id(api, spent, kind, asked).await?;
            let records: Vec<Json> = found.values().cloned().collect();
            rows.extend(rows_of(api, mapping, kind, &records)?);
            for id in asked.iter().filter(|id| !found.contains_key(id)) {
                rows.extend(unlisted(api, spent, mapping, kind, *id).await?);
            }
        }
    }
    Ok(rows)
}

/// Records that are listed under these ids. A merged contact is not.
pub(super) async fn by_id(
    api: &Api,
    spent: &mut Spent,
    kind: Kind,
    ids: &[AutomationId],
) -> Result<BTreeMap<AutomationId, Json>, Fault> {
    let filter = Where::one_of("id", ids.iter().map(ToString::to_string));
    let mut found = BTreeMap::new();
    let records = listed(api, spent, kind, filter).await?;
    for record in records {
        let id = wire::id(&record)?;
        if ids.contains(&id) {
            found.insert(id, record);
        }
    }
    Ok(found)
}

/// All records that a filter lets through, page after page.
async fn listed(
    api: &Api,
    spent: &mut Spent,
    kind: Kind,
    filter: Where,
) -> Result<Vec<Json>, Fault> {
    let mut found = Vec::new();
    let mut after: Option<AutomationId> = None;
    for _ in 0..FIND_PAGES_MAX {
        let mut filters = vec![filter.clone()];
        filters.extend(after.map(|AutomationId(last)| Where::after("id", last)));
        let page = list(api, spent, kind, &filters, false).await?;
        let last = page.records.last().map(wire::id).transpose()?;
        found.extend(page.records);
        // A page without progress would come again and again.
        if page.is_last || last <= after {
            break;
        }
        after = last;
    }
    Ok(found)
}

/// A record that no list shows: merged into another, or gone. Only the server's word about this one
/// record says that it is gone; a list without it does not.
async fn unlisted(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    kind: Kind,
    id: AutomationId,
) -> Result<Option<Row>, Fault> {
    let Some(record) = alone(api, spent, kind, id).await? else {
        return Ok(None);
    };
    let winner = wire::id(&record)?;
    let mut row = context(api, mapping, kind).row(&record)?;
    if winner == id {
        return Ok(Some(row));
    }
    if kind == Kind::Company {
        let message = format!("company {winner} was answered for {id}");
        return Err(Fault::broken("record", message));
    }
    row.id = RemoteId::Automation(kind, id);
    row.state = RowState::MergedAutomation(winner);
    Ok(Some(row))
}

/// One record. Under the id of a merged contact the server answers the winner.
pub(super) async fn alone(
    api: &Api,
    spent: &mut Spent,
    kind: Kind,
    id: AutomationId,
) -> Result<Option<Json>, Fault> {
    let (path, single) = match kind {
        Kind::Person => (format!("/contacts/{id}"), "contact"),
        Kind::Company => (format!("/companies/{id}"), "company"),
    };
    let answered = api.send(spent, Request::one(&path)).await;
    match answered.and_then(|reply| reply.json()) {
        Ok(mut body) => Ok(Some(body[single].take())),
        Err(fault) if fault.failure.kind == FailureKind::Gone => Ok(None),
        Err(fault) => Err(fault),
    }
}

pub(super) async fn find(
    api: &Api,
    spent: &mut Spent,
    mapping: &Mapping,
    emails: &[String],
    companies: &[String],
) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    for (kind, column, keys) in [
        (Kind::Person, "email", emails),
        (Kind::Company, "companyname", companies),
    ] {
        let keys: BTreeSet<String> = keys
            .iter()
            .map(|key| key.trim().to_lowercase())
            .filter(|key| !key.is_empty())
            .collect();
        let keys: Vec<String> = keys.into_iter().collect();
        for keys in keys.chunks(KEYS_MAX) {
            let records = matching(api, spent, kind, column, keys).await?;
            rows.extend(rows_of(api, mapping, kind, &records)?);
        }
    }
    Ok(rows)
}

/// Records whose column equals one of the keys. The server's comparison is looser than ours (accents,
/// trailing blanks), so its word is checked.
async fn matching(
    api: &Api,
    spent: &mut Spent,
    kind: Kind,
    column: &'static str,
    keys: &[String],
) -> Result<Vec<Json>, Fault> {
    let records = listed(api, spent, kind, Where::one_of(column, keys)).await?;
    let matches = |record: &Json| {
        let value = record["fields"]["all"][column].as_str().unwrap_or_default();
        keys.binary_search(&value.trim().to_lowercase()).is_ok()
    };
    Ok(records.into_iter().filter(matches).collect())
}
