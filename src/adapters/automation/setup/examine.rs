//! What an instance shows of its set-up: its description, then about ten small requests. What the role
//! refuses is said in its own place.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::super::failures::Fault;
use super::super::super::values;
use super::super::api::Api;
use super::super::query::{Query, Where};
use super::super::{describe, wire};
use crate::domain::evidence::{Area, AutomationEvidence, FieldState, Part, Segment, Writer};
use crate::domain::ids::Kind;
use crate::domain::request::Spent;
use crate::domain::time::Span;
use crate::ports::Clock;

/// Rows of the event log looked at for other connectors.
const ROWS_MAX: usize = 500;

/// How far back other connectors are looked for.
const LOOK_BACK: Span = Span::days(1);

pub(super) async fn examine(
    api: &Api,
    clock: &dyn Clock,
    spent: &mut Spent,
) -> Result<AutomationEvidence, Fault> {
    let description = describe::describe(api, spent).await?;
    let user = user(api, spent).await;
    let clock_ahead = spent.server_time.map_or_else(
        || Part::Unread("the answer has no date".to_owned()),
        |theirs| Part::Read(theirs.since(clock.now())),
    );
    let mut areas = BTreeMap::new();
    for area in Area::ALL {
        areas.insert(area, part(probe(api, spent, area).await));
    }
    let fields = match fields(api, spent, Kind::Person).await {
        Ok(mut all) => fields(api, spent, Kind::Company).await.map(|companies| {
            all.extend(companies);
            all
        }),
        Err(fault) => Err(fault),
    };
    Ok(AutomationEvidence {
        clock_ahead,
        user: part(user),
        areas,
        fields: part(fields),
        segments: part(segments(api, spent).await),
        writers: part(writers(api, clock, spent).await),
        description,
    })
}

fn part<T>(read: Result<T, Fault>) -> Part<T> {
    read.map_or_else(|fault| Part::Unread(fault.failure.to_string()), Part::Read)
}

async fn user(api: &Api, spent: &mut Spent) -> Result<String, Fault> {
    let body = api.get(spent, "/users/self", Query::default()).await?;
    values::text(&body["username"]).ok_or_else(|| Fault::broken("user", "the answer names nobody"))
}

/// One row of an area, for whether we are let in.
async fn probe(api: &Api, spent: &mut Spent, area: Area) -> Result<(), Fault> {
    let path = match area {
        Area::Contacts => "/contacts",
        Area::Companies => "/companies",
        Area::Fields => "/fields/contact",
        Area::Segments => "/segments",
        Area::Users => "/users",
        Area::AuditLog => return api.table(spent, "audit_log", 1, 0, &[]).await.map(|_| ()),
    };
    let query = Query::default().with("limit", "1");
    api.get(spent, path, query).await.map(|_| ())
}

pub(super) const fn fields_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "/fields/contact",
        Kind::Company => "/fields/company",
    }
}

/// Fields that are not published are listed too.
async fn fields(api: &Api, spent: &mut Spent, kind: Kind) -> Result<Vec<FieldState>, Fault> {
    let records = describe::pages(api, spent, fields_path(kind), "fields").await?;
    let field = |record: &Json| {
        Some(FieldState {
            kind,
            alias: record["alias"].as_str()?.to_owned(),
            value_type: describe::value_type(record["type"].as_str().unwrap_or_default()),
            is_published: describe::is_published(record),
        })
    };
    Ok(records.iter().filter_map(field).collect())
}

async fn segments(api: &Api, spent: &mut Spent) -> Result<Vec<Segment>, Fault> {
    let records = describe::pages(api, spent, "/segments", "lists").await?;
    Ok(records.iter().map(segment).collect())
}

pub(super) fn segment(record: &Json) -> Segment {
    let filters = wire::records(&record["filters"]);
    Segment {
        name: values::text(&record["name"]).unwrap_or_default(),
        is_published: describe::is_published(record),
        fields: filters
            .iter()
            .filter_map(|filter| Some(filter["field"].as_str()?.to_owned()))
            .collect(),
    }
}

/// Contacts that a connector made or identified leave a row in the event log, under its name.
async fn writers(api: &Api, clock: &dyn Clock, spent: &mut Spent) -> Result<Vec<Writer>, Fault> {
    let since = clock.now() + Span(-LOOK_BACK.0);
    let filters = [
        Where::equal("bundle", "plugin"),
        Where::Column("date_added", "gte", values::naive(since)),
    ];
    let table = api
        .table(spent, "lead_event_log", ROWS_MAX, 0, &filters)
        .await?;
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for row in &table.rows {
        let name = values::text(&row["object"]).unwrap_or_default();
        *names.entry(name).or_default() += 1;
    }
    let names = names.into_iter();
    Ok(names.map(|(name, rows)| Writer { name, rows }).collect())
}
