//! What an instance shows of its set-up: the parts of its description and about ten small requests.
//! What the role refuses is said in its own place; an instance that refuses everything did not let us
//! in.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::super::failures::Fault;
use super::super::super::values;
use super::super::api::{Api, Start};
use super::super::describe::{self, is_published};
use super::super::query::{Query, Where};
use super::super::wire;
use crate::domain::evidence::{
    Area, AutomationEvidence, FieldState, Filter, Part, Segment, Writer,
};
use crate::domain::failure::FailureKind;
use crate::domain::ids::Kind;
use crate::domain::request::{FieldDescription, Spent};
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
    let user = user(api, spent).await?;
    let clock_ahead = spent.server_time.map_or_else(
        || Part::Unread("the answer has no date".to_owned()),
        |theirs| Part::Read(theirs.since(clock.now())),
    );
    let areas = areas(api, spent).await?;
    let (version, activity_types) = apart(describe::activity(api, spent).await);
    let people = part(definitions(api, spent, Kind::Person).await);
    let companies = part(definitions(api, spent, Kind::Company).await);
    Ok(AutomationEvidence {
        instance: describe::instance(api),
        version,
        activity_types,
        contact_fields: described(&people),
        company_fields: described(&companies),
        users: part(describe::users(api, spent).await),
        clock_ahead,
        user,
        areas,
        fields: states(&people, &companies),
        segments: part(segments(api, spent).await),
        writers: part(writers(api, clock, spent).await),
    })
}

fn part<T>(read: Result<T, Fault>) -> Part<T> {
    read.map_or_else(|fault| Part::Unread(fault.failure.to_string()), Part::Read)
}

fn apart<A, B>(read: Result<(A, B), Fault>) -> (Part<A>, Part<B>) {
    match part(read) {
        Part::Read((first, second)) => (Part::Read(first), Part::Read(second)),
        Part::Unread(why) => (Part::Unread(why.clone()), Part::Unread(why)),
    }
}

/// Anything but a refusal is no matter of the role: the instance does not answer as it should.
async fn user(api: &Api, spent: &mut Spent) -> Result<Part<String>, Fault> {
    let body = match api.get(spent, "/users/self", Query::default()).await {
        Err(fault) if fault.failure.kind != FailureKind::Forbidden => return Err(fault),
        body => body,
    };
    Ok(part(body.and_then(|body| {
        values::text(&body["username"])
            .ok_or_else(|| Fault::broken("user", "the answer names nobody"))
    })))
}

async fn areas(api: &Api, spent: &mut Spent) -> Result<BTreeMap<Area, Part<()>>, Fault> {
    let mut areas = BTreeMap::new();
    let mut first = None;
    for area in Area::ALL {
        let probed = probe(api, spent, area).await;
        areas.insert(
            area,
            match probed {
                Ok(()) => Part::Read(()),
                Err(fault) => {
                    let why = fault.failure.to_string();
                    first.get_or_insert(fault);
                    Part::Unread(why)
                }
            },
        );
    }
    let is_open = areas.values().any(|area| area.read().is_some());
    match first {
        Some(fault) if !is_open => Err(fault),
        _ => Ok(areas),
    }
}

/// One row of an area, for whether we are let in.
async fn probe(api: &Api, spent: &mut Spent, area: Area) -> Result<(), Fault> {
    let path = match area {
        Area::Contacts => "/contacts",
        Area::Companies => "/companies",
        Area::Fields => "/fields/contact",
        Area::Segments => "/segments",
        Area::Users => "/users",
        Area::AuditLog => {
            let table = api.table(spent, "audit_log", 1, Start::After(0), &[]);
            return table.await.map(|_| ());
        }
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
async fn definitions(api: &Api, spent: &mut Spent, kind: Kind) -> Result<Vec<Json>, Fault> {
    describe::pages(api, spent, fields_path(kind), "fields").await
}

fn described(records: &Part<Vec<Json>>) -> Part<Vec<FieldDescription>> {
    match records {
        Part::Read(records) => Part::Read(describe::fields(records)),
        Part::Unread(why) => Part::Unread(why.clone()),
    }
}

fn states(people: &Part<Vec<Json>>, companies: &Part<Vec<Json>>) -> Part<Vec<FieldState>> {
    let mut all = Vec::new();
    for (kind, records) in [(Kind::Person, people), (Kind::Company, companies)] {
        match records {
            Part::Read(records) => all.extend(records.iter().filter_map(|one| state(kind, one))),
            Part::Unread(why) => return Part::Unread(why.clone()),
        }
    }
    Part::Read(all)
}

fn state(kind: Kind, record: &Json) -> Option<FieldState> {
    Some(FieldState {
        kind,
        alias: record["alias"].as_str()?.to_owned(),
        value_type: describe::value_type(record["type"].as_str().unwrap_or_default()),
        is_published: is_published(record),
        is_listable: is_listable(record),
    })
}

pub(super) fn is_listable(record: &Json) -> bool {
    !matches!(
        values::text(&record["isListable"]).as_deref(),
        Some("false" | "0")
    )
}

async fn segments(api: &Api, spent: &mut Spent) -> Result<Vec<Segment>, Fault> {
    let records = describe::pages(api, spent, "/segments", "lists").await?;
    Ok(records.iter().map(segment).collect())
}

pub(super) fn segment(record: &Json) -> Segment {
    let filters = wire::records(&record["filters"]);
    Segment {
        name: values::text(&record["name"]).unwrap_or_default(),
        is_published: is_published(record),
        filters: filters.into_iter().filter_map(filter).collect(),
    }
}

/// Older answers hold the value beside the operator, newer ones below its properties.
fn filter(filter: &Json) -> Option<Filter> {
    let value = [&filter["properties"]["filter"], &filter["filter"]];
    Some(Filter {
        field: filter["field"].as_str()?.to_owned(),
        operator: filter["operator"].as_str().unwrap_or_default().to_owned(),
        value: value.into_iter().find_map(values::text).unwrap_or_default(),
    })
}

/// Contacts that a connector made or identified leave a row in the event log, under its name.
async fn writers(api: &Api, clock: &dyn Clock, spent: &mut Spent) -> Result<Vec<Writer>, Fault> {
    let since = clock.now() + Span(-LOOK_BACK.0);
    let filters = [
        Where::equal("bundle", "plugin"),
        Where::Column("date_added", "gte", values::naive(since)),
    ];
    let table = api
        .table(spent, "lead_event_log", ROWS_MAX, Start::After(0), &filters)
        .await?;
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for row in &table.rows {
        let name = values::text(&row["object"]).unwrap_or_default();
        *names.entry(name).or_default() += 1;
    }
    let names = names.into_iter();
    Ok(names.map(|(name, rows)| Writer { name, rows }).collect())
}
