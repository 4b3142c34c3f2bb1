//! Windows of changes, records by id, by address or name, and the history of opt-outs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Session, call, convert};
use crate::domain::consent::{Dated, Evidence, Proof};
use crate::domain::cursor::{Position, Stream};
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::request::{Page, Window};
use crate::domain::row::{Row, RowState};
use crate::domain::value::{Value as Noun, ValueType};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::{AutoAssign, Call, Salesforce};
use crate::sim::salesforce::query::{self, Deleted};
use crate::sim::salesforce::soql::ast::{Expr, Literal, Op, Query};
use crate::sim::salesforce::value::Value;

/// Keys of one `IN` list.
const KEYS_MAX: usize = 2_000;

/// The columns that rows of an object are read by.
fn columns(mapping: &Mapping, object: SalesforceObject) -> Vec<&str> {
    let mut columns = vec![
        "Id",
        "IsDeleted",
        "SystemModstamp",
        "LastModifiedBy.Name",
        "MasterRecordId",
    ];
    if object == SalesforceObject::Lead {
        columns.extend(["IsConverted", "ConvertedContactId"]);
    }
    for rule in mapping.rules_of(object) {
        match (rule.role, object) {
            (Role::Deleted, _) => {}
            (Role::Consent, _) => columns.push(convert::OPT_OUT),
            (Role::Owner, _) => columns.push("OwnerId"),
            (Role::Company, SalesforceObject::Contact) => {
                columns.extend(["AccountId", "Account.Name"]);
            }
            _ => columns.push(&rule.salesforce),
        }
    }
    let mut seen = BTreeSet::new();
    columns.retain(|column| seen.insert(column.to_lowercase()));
    columns
}

/// One record of an answer, by the names of the columns that were asked for.
struct Shown<'a> {
    columns: &'a [&'a str],
    row: &'a query::Row,
}

impl Shown<'_> {
    fn get(&self, column: &str) -> Option<&Value<'static>> {
        let mut columns = self.columns.iter();
        let at = columns.position(|known| known.eq_ignore_ascii_case(column))?;
        self.row.values.get(at)
    }

    fn is(&self, column: &str) -> bool {
        self.get(column).and_then(Value::as_bool) == Some(true)
    }

    fn id(&self, column: &str) -> Option<SalesforceId> {
        convert::id(self.get(column)?.as_id()?)
    }

    fn to_row(&self, mapping: &Mapping, object: SalesforceObject) -> Option<Row> {
        let mut rules = mapping.rules_of(object);
        let has_consent = rules.any(|rule| rule.role == Role::Consent);
        let modified = match self.get("SystemModstamp") {
            Some(Value::Instant(at)) => Some(convert::moment(*at)),
            _ => None,
        };
        Some(Row {
            id: RemoteId::Salesforce(object, convert::id(self.row.id)?),
            modified,
            edited_by: self.get("LastModifiedBy.Name").and_then(convert::text),
            state: self.state(),
            values: mapping
                .rules_of(object)
                .filter_map(|rule| Some((rule.id, self.read(rule, object)?)))
                .collect(),
            consent: has_consent.then(|| convert::consent(self.is(convert::OPT_OUT))),
            account: self.id("AccountId"),
        })
    }

    fn state(&self) -> RowState {
        if self.is("IsDeleted") {
            let master = self.id("MasterRecordId");
            return master.map_or(RowState::Deleted, RowState::MergedSalesforce);
        }
        match self.id("ConvertedContactId") {
            Some(contact) if self.is("IsConverted") => RowState::Converted(contact),
            _ => RowState::Live,
        }
    }

    fn read(&self, rule: &FieldRule, object: SalesforceObject) -> Option<Noun> {
        match (rule.role, object) {
            (Role::Consent, _) => None,
            (Role::Deleted, _) => Some(Noun::Bool(self.is("IsDeleted"))),
            // A user or a queue; in the form in which users are described.
            (Role::Owner, _) => self.id("OwnerId").map(|id| Noun::Text(id.to_string())),
            (Role::Company, SalesforceObject::Contact) => {
                convert::value(ValueType::Text, self.get("Account.Name")?)
            }
            _ => convert::value(rule.value_type, self.get(&rule.salesforce)?),
        }
    }
}

/// Runs a query and makes rows of its records. Says whether the platform has more.
fn run(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    object: SalesforceObject,
    asked: (&Query, Deleted),
) -> Outcome<(Vec<Row>, bool)> {
    let call = call(org, session, AutoAssign::Off);
    let columns = columns(mapping, object);
    let page = org.query(&call, asked.0, asked.1)?;
    let rows = page.rows.iter().filter_map(|row| {
        let columns = &columns;
        Shown { columns, row }.to_row(mapping, object)
    });
    Ok((rows.collect(), page.next.is_some()))
}

/// All rows of a query: lists of keys may match more rows than a page holds.
fn run_whole(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    object: SalesforceObject,
    asked: (&Query, Deleted),
) -> Outcome<Vec<Row>> {
    let call = call(org, session, AutoAssign::Off);
    let columns = columns(mapping, object);
    let columns = &columns;
    let rows = whole(org, &call, asked)?;
    let rows = rows
        .iter()
        .filter_map(|row| Shown { columns, row }.to_row(mapping, object));
    Ok(rows.collect())
}

/// Page after page.
fn whole(
    org: &mut Salesforce,
    call: &Call,
    (query, deleted): (&Query, Deleted),
) -> Outcome<Vec<query::Row>> {
    let mut page = org.query(call, query, deleted)?;
    let mut rows = page.rows;
    while let Some(next) = page.next {
        page = org.query_more(call, next)?;
        rows.append(&mut page.rows);
    }
    Ok(rows)
}

pub(super) fn changes(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    windows: &[Window],
) -> Outcome<Vec<Page>> {
    let mut pages = Vec::with_capacity(windows.len());
    for window in windows {
        let object = object_of(window.stream)?;
        let query = window_query(mapping, object, window, session.page_rows);
        let (rows, has_more) = run(org, session, mapping, object, (&query, Deleted::Included))?;
        pages.push(Page {
            stream: window.stream,
            is_last: !has_more && rows.len() < session.page_rows,
            purged: purged(org, session, object, window),
            rows,
        });
    }
    Ok(pages)
}

/// What is listed as deleted and is not there by its id. A list that is refused is made up for by the
/// next.
fn purged(
    org: &Salesforce,
    session: &Session,
    object: SalesforceObject,
    window: &Window,
) -> Vec<RemoteId> {
    let Some(since) = window.lists_deleted_since() else {
        return Vec::new();
    };
    let asked = (convert::instant(since), convert::instant(window.until));
    let listed = org
        .schema()
        .find(object.name(), None)
        .and_then(|index| org.deleted(index, asked, session.now).ok());
    let mut gone: Vec<RemoteId> = listed
        .into_iter()
        .flat_map(|listed| listed.records)
        .filter(|entry| org.record(entry.id).is_none())
        .filter_map(|entry| Some(RemoteId::Salesforce(object, convert::id(entry.id)?)))
        .collect();
    gone.sort_unstable();
    gone.dedup();
    gone
}

fn window_query(
    mapping: &Mapping,
    object: SalesforceObject,
    window: &Window,
    page_rows: usize,
) -> Query {
    let stamp = |op, at| {
        let at = Literal::Instant(convert::instant(at));
        Expr::compare("SystemModstamp", op, at)
    };
    let mut filter = vec![
        stamp(Op::GreaterOrEqual, window.from),
        stamp(Op::Less, window.until),
    ];
    if let Some(Position::Stamp(at, last)) = window.after {
        let after = Expr::compare("Id", Op::Greater, Literal::Text(last.to_string()));
        let tied = Expr::And(vec![stamp(Op::Equal, at), after]);
        filter.push(Expr::Or(vec![stamp(Op::Greater, at), tied]));
    }
    Query::select(&columns(mapping, object), object.name())
        .filtered(Expr::And(filter))
        .ordered("SystemModstamp")
        .ordered("Id")
        .limited(page_rows)
}

fn object_of(stream: Stream) -> Outcome<SalesforceObject> {
    match stream {
        Stream::Leads => Ok(SalesforceObject::Lead),
        Stream::Contacts => Ok(SalesforceObject::Contact),
        Stream::Accounts => Ok(SalesforceObject::Account),
        _ => {
            let message = format!("{stream:?} is not a stream of Salesforce");
            Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message))
        }
    }
}

/// Records by id, deleted ones included.
pub(super) fn rows(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    ids: &[(SalesforceObject, SalesforceId)],
) -> Outcome<Vec<Row>> {
    let mut rows = Vec::with_capacity(ids.len());
    for (object, ids) in by_object(ids) {
        for ids in ids.chunks(KEYS_MAX) {
            let query = Query::select(&columns(mapping, object), object.name())
                .filtered(Expr::is_in("Id", texts(ids)));
            let asked = (&query, Deleted::Included);
            rows.extend(run_whole(org, session, mapping, object, asked)?);
        }
    }
    Ok(rows)
}

fn texts(ids: &[SalesforceId]) -> Vec<Literal> {
    let texts = ids.iter().map(|id| Literal::Text(id.to_string()));
    texts.collect()
}

/// Live, unconverted records by address, Accounts by name; without case, as the platform compares.
pub(super) fn find(
    org: &mut Salesforce,
    session: &Session,
    mapping: &Mapping,
    objects: &[SalesforceObject],
    (emails, accounts): (&[String], &[String]),
) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let people = [SalesforceObject::Contact, SalesforceObject::Lead];
    let people = people.into_iter().filter(|object| objects.contains(object));
    let looked = people.map(|object| (object, "Email", emails));
    for (object, column, keys) in looked.chain([(SalesforceObject::Account, "Name", accounts)]) {
        let keys: BTreeMap<String, &String> = keys
            .iter()
            .filter(|key| !key.trim().is_empty())
            .map(|key| (key.to_lowercase(), key))
            .collect();
        let keys: Vec<Literal> = keys.into_values().cloned().map(Literal::Text).collect();
        for keys in keys.chunks(KEYS_MAX) {
            let mut query = Query::select(&columns(mapping, object), object.name())
                .filtered(Expr::is_in(column, keys.to_vec()));
            if object == SalesforceObject::Lead {
                let unconverted = Literal::Bool(false);
                query = query.filtered(Expr::compare("IsConverted", Op::Equal, unconverted));
            }
            let asked = (&query, Deleted::Excluded);
            rows.extend(run_whole(org, session, mapping, object, asked)?);
        }
    }
    Ok(rows)
}

fn by_object(
    ids: &[(SalesforceObject, SalesforceId)],
) -> BTreeMap<SalesforceObject, Vec<SalesforceId>> {
    let mut by_object: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (object, id) in ids {
        by_object.entry(*object).or_default().insert(*id);
    }
    let listed = by_object.into_iter();
    listed
        .map(|(object, ids)| (object, ids.into_iter().collect()))
        .collect()
}

/// The newest opt-out and the newest opt-in of each person in the field history.
pub(super) fn evidence(
    org: &mut Salesforce,
    session: &Session,
    ids: &[(SalesforceObject, SalesforceId)],
) -> Outcome<Vec<(RemoteId, Evidence)>> {
    let mut found: BTreeMap<RemoteId, Evidence> = BTreeMap::new();
    for (object, ids) in by_object(ids) {
        let (history, person) = match object {
            SalesforceObject::Lead => ("LeadHistory", "LeadId"),
            SalesforceObject::Contact => ("ContactHistory", "ContactId"),
            SalesforceObject::Account => continue,
        };
        for ids in ids.chunks(KEYS_MAX) {
            let field = Literal::Text(convert::OPT_OUT.to_owned());
            let query = Query::select(&[person, "NewValue", "CreatedDate"], history)
                .filtered(Expr::compare("Field", Op::Equal, field))
                .filtered(Expr::is_in(person, texts(ids)));
            let call = call(org, session, AutoAssign::Off);
            for row in whole(org, &call, (&query, Deleted::Excluded))? {
                note(object, &row, &mut found);
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn note(object: SalesforceObject, row: &query::Row, found: &mut BTreeMap<RemoteId, Evidence>) {
    let [Value::Id(person), new, Value::Instant(at)] = &row.values[..] else {
        return;
    };
    let Some(person) = convert::id(*person) else {
        return;
    };
    let evidence = found
        .entry(RemoteId::Salesforce(object, person))
        .or_default();
    let place = match convert::text(new).as_deref() {
        Some("true") => &mut evidence.opted_out,
        Some("false") => &mut evidence.opted_in,
        _ => return,
    };
    let dated = Dated::exactly(convert::moment(*at), Proof::FieldHistory);
    if place.is_none_or(|known| known.latest <= dated.latest) {
        *place = Some(dated);
    }
}
