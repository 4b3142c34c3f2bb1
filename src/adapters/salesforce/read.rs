//! Reading rows: windows of changes, records by id, records by e-mail address or name, and the
//! history of opt-outs.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::failures::{Effect, Fault};
use super::super::values;
use super::org::{HEAVY_SUBREQUESTS_MAX, Org, QueryPage, Sub, missing};
use super::purged;
use super::soql::{
    Condition, LITERAL_CHARS_MAX, Literal, Name, Order, STATEMENT_CHARS_MAX, Select,
};
use super::wire;
use crate::domain::consent::{Dated, Evidence, Proof};
use crate::domain::cursor::{Position, Stream};
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::Mapping;
use crate::domain::request::{Page, Spent, Window};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;

/// Changes of an opt-out that are read back for one list of people, in pages.
const HISTORY_PAGES_MAX: usize = 20;

/// Windows of changes, five to a call.
pub(super) async fn changes(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    windows: &[Window],
) -> Result<Vec<Page>, Fault> {
    let mut pages = Vec::with_capacity(windows.len());
    for windows in windows.chunks(HEAVY_SUBREQUESTS_MAX) {
        loop {
            match pages_of(org, spent, mapping, windows).await {
                Ok(read) => pages.extend(read),
                Err(fault) if org.shrinks(&fault) => continue,
                Err(fault) => return Err(fault),
            }
            break;
        }
    }
    Ok(pages)
}

async fn pages_of(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    windows: &[Window],
) -> Result<Vec<Page>, Fault> {
    let page_rows = org.portion();
    let mut subs = Vec::with_capacity(windows.len());
    for window in windows {
        subs.push(Sub::query_all(&window_query(mapping, window, page_rows)?));
    }
    let lists: Vec<Option<Sub>> = windows
        .iter()
        .map(purged::listing)
        .collect::<Result<_, _>>()?;
    subs.extend(lists.iter().flatten().cloned());
    let mut answers = org.composite(spent, &subs, Effect::Reads).await?;
    let mut told = answers.split_off(windows.len()).into_iter();
    let mut pages = Vec::with_capacity(windows.len());
    for ((window, answer), list) in windows.iter().zip(answers).zip(lists) {
        let object = object_of(window.stream)?;
        let answer = QueryPage::read(answer.ok_or_else(missing)?)?;
        let answer = org.filled(spent, answer).await?;
        let listed = match list {
            Some(_) => purged::listed(window, told.next().flatten()),
            None => Vec::new(),
        };
        let rows = rows_of(mapping, object, &answer.records)?;
        check_order(&rows)?;
        // A page cut short by the platform is no end; the next query starts after its last row,
        // so that a locator is needed only past an empty page.
        pages.push(Page {
            stream: window.stream,
            is_last: answer.is_done && rows.len() < page_rows,
            purged: purged::gone(org, spent, object, listed).await?,
            rows,
        });
    }
    Ok(pages)
}

/// The next query starts after the last row, so a row out of order would be passed over for ever.
/// Rows of one second stand in whatever order the platform gives ids.
fn check_order(rows: &[Row]) -> Result<(), Fault> {
    let is_dated = rows.iter().all(|row| row.modified.is_some());
    if is_dated && rows.is_sorted_by_key(|row| row.modified) {
        return Ok(());
    }
    let message = "the platform answers changes in another order than asked for";
    Err(Fault::broken("order", message))
}

fn window_query(mapping: &Mapping, window: &Window, page_rows: usize) -> Result<Select, Fault> {
    let object = object_of(window.stream)?;
    let stamp = Name::known("SystemModstamp");
    let id = Name::known("Id");
    let mut conditions = Vec::new();
    if let Some(Position::Stamp(at, last)) = window.after {
        let at = Literal::Moment(at);
        conditions.push(Condition::Any(vec![
            Condition::Greater(stamp.clone(), at.clone()),
            Condition::All(vec![
                Condition::Equal(stamp.clone(), at),
                Condition::Greater(id.clone(), Literal::Id(last)),
            ]),
        ]));
    }
    conditions.push(Condition::AtLeast(
        stamp.clone(),
        Literal::Moment(window.from),
    ));
    conditions.push(Condition::Less(
        stamp.clone(),
        Literal::Moment(window.until),
    ));
    Ok(Select {
        fields: wire::columns(mapping, object)?,
        from: Name::known(object.name()),
        condition: Some(Condition::All(conditions)),
        order: vec![(stamp, Order::Ascending), (id, Order::Ascending)],
        limit: Some(page_rows),
    })
}

pub(super) fn object_of(stream: Stream) -> Result<SalesforceObject, Fault> {
    match stream {
        Stream::Leads => Ok(SalesforceObject::Lead),
        Stream::Contacts => Ok(SalesforceObject::Contact),
        Stream::Accounts => Ok(SalesforceObject::Account),
        Stream::AutomationContacts
        | Stream::AutomationCompanies
        | Stream::AutomationAudit
        | Stream::Activities => {
            let message = format!("{stream:?} is not a stream of Salesforce");
            Err(Fault::broken("stream", message))
        }
    }
}

fn rows_of(
    mapping: &Mapping,
    object: SalesforceObject,
    records: &[Json],
) -> Result<Vec<Row>, Fault> {
    let rows = records.iter();
    rows.map(|record| wire::row(mapping, object, record))
        .collect()
}

/// Records by id, deleted ones included.
pub(super) async fn rows(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    ids: &[(SalesforceObject, SalesforceId)],
) -> Result<Vec<Row>, Fault> {
    let by_object = by_object(ids);
    let plan = |keys_max| {
        let mut queries = Vec::new();
        for (object, ids) in &by_object {
            let keys = ids.iter().copied().map(Literal::Id).collect();
            for select in selects_in(mapping, *object, ("Id", keys, keys_max), None)? {
                queries.push((*object, Sub::query_all(&select)));
            }
        }
        Ok(queries)
    };
    run(org, spent, mapping, plan).await
}

/// Live records by e-mail address or name. The platform compares without case.
pub(super) async fn find(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    objects: &[SalesforceObject],
    emails: &[String],
    accounts: &[String],
) -> Result<Vec<Row>, Fault> {
    let plan = |keys_max| {
        let mut queries = Vec::new();
        for object in [SalesforceObject::Contact, SalesforceObject::Lead] {
            if !objects.contains(&object) {
                continue;
            }
            let unconverted = Condition::Equal(Name::known("IsConverted"), Literal::Bool(false));
            let also = (object == SalesforceObject::Lead).then_some(unconverted);
            let keys = ("Email", text_keys(emails), keys_max);
            for select in selects_in(mapping, object, keys, also)? {
                queries.push((object, Sub::query(&select)));
            }
        }
        let object = SalesforceObject::Account;
        let keys = ("Name", text_keys(accounts), keys_max);
        for select in selects_in(mapping, object, keys, None)? {
            queries.push((object, Sub::query(&select)));
        }
        Ok(queries)
    };
    run(org, spent, mapping, plan).await
}

/// Runs queries, in smaller ones if the platform finds them too much.
async fn run(
    org: &Org,
    spent: &mut Spent,
    mapping: &Mapping,
    plan: impl Fn(usize) -> Result<Vec<(SalesforceObject, Sub)>, Fault>,
) -> Result<Vec<Row>, Fault> {
    let (objects, results) = loop {
        let (objects, subs): (Vec<_>, Vec<_>) = plan(org.portion())?.into_iter().unzip();
        match org.whole_queries(spent, &subs).await {
            Ok(results) => break (objects, results),
            Err(fault) if org.shrinks(&fault) => {}
            Err(fault) => return Err(fault),
        }
    };
    let mut rows = Vec::new();
    for (object, records) in objects.into_iter().zip(results) {
        rows.extend(rows_of(mapping, object, &records)?);
    }
    Ok(rows)
}

/// Queries for rows by keys, as many as the platform's limits ask for.
fn selects_in(
    mapping: &Mapping,
    object: SalesforceObject,
    (key, keys, keys_max): (&'static str, Vec<Literal>, usize),
    also: Option<Condition>,
) -> Result<Vec<Select>, Fault> {
    let fields = wire::columns(mapping, object)?;
    let select = |keys: Vec<Literal>| {
        let mut conditions = vec![Condition::In(Name::known(key), keys)];
        conditions.extend(also.clone());
        Select {
            fields: fields.clone(),
            from: Name::known(object.name()),
            condition: Some(Condition::All(conditions)),
            order: Vec::new(),
            limit: None,
        }
    };
    let room = STATEMENT_CHARS_MAX.saturating_sub(select(Vec::new()).to_string().chars().count());
    let lists = chunks(keys, keys_max, room);
    Ok(lists.into_iter().map(select).collect())
}

/// Lists of keys that fit a statement with so much room.
fn chunks(keys: Vec<Literal>, keys_max: usize, room: usize) -> Vec<Vec<Literal>> {
    let mut chunks: Vec<Vec<Literal>> = Vec::new();
    let mut left = 0;
    for key in keys {
        let length = key.to_string().chars().count() + 1;
        let is_full = chunks.last().is_none_or(|chunk| chunk.len() >= keys_max);
        if is_full || left < length {
            chunks.push(Vec::new());
            left = room;
        }
        left = left.saturating_sub(length);
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(key);
        }
    }
    chunks
}

/// Each text once, without case. No field holds texts that are longer than a literal may be.
fn text_keys(texts: &[String]) -> Vec<Literal> {
    let unique: BTreeMap<String, &String> = texts
        .iter()
        .filter(|text| !text.trim().is_empty() && text.chars().count() < LITERAL_CHARS_MAX / 2)
        .map(|text| (text.to_lowercase(), text))
        .collect();
    unique
        .into_values()
        .map(|text| Literal::Text(text.clone()))
        .collect()
}

fn by_object(
    ids: &[(SalesforceObject, SalesforceId)],
) -> BTreeMap<SalesforceObject, Vec<SalesforceId>> {
    let mut by_object: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (object, id) in ids {
        by_object.entry(*object).or_default().push(*id);
    }
    for ids in by_object.values_mut() {
        ids.sort_unstable();
        ids.dedup();
    }
    by_object
}

/// The newest opt-out and the newest opt-in of each person in the field history.
pub(super) async fn evidence(
    org: &Org,
    spent: &mut Spent,
    ids: &[(SalesforceObject, SalesforceId)],
) -> Result<Vec<(RemoteId, Evidence)>, Fault> {
    loop {
        match histories(org, spent, ids).await {
            Err(fault) if org.shrinks(&fault) => {}
            other => return other,
        }
    }
}

async fn histories(
    org: &Org,
    spent: &mut Spent,
    ids: &[(SalesforceObject, SalesforceId)],
) -> Result<Vec<(RemoteId, Evidence)>, Fault> {
    let mut lists = Vec::new();
    for (object, ids) in by_object(ids) {
        let Some(history) = History::of(object) else {
            continue;
        };
        for ids in ids.chunks(org.portion()) {
            lists.push((history, ids.to_vec()));
        }
    }
    let mut found = BTreeMap::new();
    for lists in lists.chunks(HEAVY_SUBREQUESTS_MAX) {
        read_histories(org, spent, lists.to_vec(), &mut found).await?;
    }
    Ok(found.into_iter().collect())
}

/// Reads lists of histories newest first, until each list has been read to its end.
async fn read_histories(
    org: &Org,
    spent: &mut Spent,
    lists: Vec<(History, Vec<SalesforceId>)>,
    found: &mut BTreeMap<RemoteId, Evidence>,
) -> Result<(), Fault> {
    let mut open: Vec<_> = lists
        .into_iter()
        .map(|(history, ids)| (history, ids, None))
        .collect();
    let page_rows = org.portion();
    for _ in 0..HISTORY_PAGES_MAX {
        if open.is_empty() {
            return Ok(());
        }
        let subs: Vec<Sub> = open
            .iter()
            .map(|(history, ids, after)| Sub::query(&history.query(ids, *after, page_rows)))
            .collect();
        let pages = org.queries(spent, &subs).await?;
        let mut still_open = Vec::new();
        for ((history, ids, _), page) in open.into_iter().zip(pages) {
            let page = org.filled(spent, page).await?;
            let last = history.collect(&page.records, found);
            if let Some(last) = last
                && !(page.is_done && page.records.len() < page_rows)
            {
                still_open.push((history, ids, Some(last)));
            }
        }
        open = still_open;
    }
    Ok(())
}

/// One of the two history objects.
#[derive(Debug, Clone, Copy)]
struct History {
    object: SalesforceObject,
    name: &'static str,
    person: &'static str,
}

impl History {
    const fn of(object: SalesforceObject) -> Option<Self> {
        let (name, person) = match object {
            SalesforceObject::Lead => ("LeadHistory", "LeadId"),
            SalesforceObject::Contact => ("ContactHistory", "ContactId"),
            SalesforceObject::Account => return None,
        };
        Some(Self {
            object,
            name,
            person,
        })
    }

    fn query(
        self,
        ids: &[SalesforceId],
        before: Option<(Timestamp, SalesforceId)>,
        page_rows: usize,
    ) -> Select {
        let (created, id) = (Name::known("CreatedDate"), Name::known("Id"));
        let ids = ids.iter().copied().map(Literal::Id).collect();
        let mut conditions = vec![
            Condition::Equal(
                Name::known("Field"),
                Literal::Text(wire::OPT_OUT.to_owned()),
            ),
            Condition::In(Name::known(self.person), ids),
        ];
        if let Some((at, last)) = before {
            conditions.push(Condition::Any(vec![
                Condition::Less(created.clone(), Literal::Moment(at)),
                Condition::All(vec![
                    Condition::Equal(created.clone(), Literal::Moment(at)),
                    Condition::Less(id.clone(), Literal::Id(last)),
                ]),
            ]));
        }
        Select {
            fields: vec![
                id.clone(),
                Name::known(self.person),
                Name::known("NewValue"),
                created.clone(),
            ],
            from: Name::known(self.name),
            condition: Some(Condition::All(conditions)),
            order: vec![(created, Order::Descending), (id, Order::Descending)],
            limit: Some(page_rows),
        }
    }

    /// Keeps the newest change each way. Answers where the page ended.
    fn collect(
        self,
        records: &[Json],
        found: &mut BTreeMap<RemoteId, Evidence>,
    ) -> Option<(Timestamp, SalesforceId)> {
        let mut last = None;
        for record in records {
            let at = record["CreatedDate"].as_str().and_then(values::moment);
            let (Some(at), Some(person)) = (at, wire::id_at(record, self.person)) else {
                continue;
            };
            last = wire::id_at(record, "Id").map(|id| (at, id)).or(last);
            let evidence = found
                .entry(RemoteId::Salesforce(self.object, person))
                .or_default();
            let dated = Dated::exactly(at, Proof::FieldHistory);
            let keep = |known: &mut Option<Dated>| {
                if known.is_none_or(|known| known.latest < dated.latest) {
                    *known = Some(dated);
                }
            };
            // The type of a checkbox's history is not documented: a boolean or its text.
            match values::text(&record["NewValue"]).as_deref() {
                Some("true") => keep(&mut evidence.opted_out),
                Some("false") => keep(&mut evidence.opted_in),
                _ => {}
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::rule;
    use crate::domain::mapping::Role;

    fn mapping() -> Mapping {
        let objects = [SalesforceObject::Lead, SalesforceObject::Contact];
        Mapping {
            person: vec![rule(1, "Email", &objects, "email", Role::Email)],
            company: Vec::new(),
        }
    }

    #[test]
    fn a_window_is_read_by_stamp_and_id_between_two_bounds() {
        let last: SalesforceId = "003Q70000000A1b".parse().unwrap();
        let window = Window {
            stream: Stream::Contacts,
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(60),
            after: Some(Position::Stamp(Timestamp::from_seconds(30), last)),
        };
        let soql = window_query(&mapping(), &window, 2_000)
            .unwrap()
            .to_string();
        assert!(
            soql.ends_with(
                "FROM Contact WHERE (SystemModstamp > 1970-01-01T00:00:30Z OR \
                 (SystemModstamp = 1970-01-01T00:00:30Z AND Id > '003Q70000000A1bIAE')) AND \
                 SystemModstamp >= 1970-01-01T00:00:00Z AND SystemModstamp < 1970-01-01T00:01:00Z \
                 ORDER BY SystemModstamp, Id LIMIT 2000"
            ),
            "{soql}"
        );
    }

    #[test]
    fn lists_of_keys_keep_within_the_statement_and_lose_none() {
        let emails: Vec<String> = (0..9_000)
            .map(|n| format!("{n}-{}@x.example", "a".repeat(60)))
            .collect();
        let object = SalesforceObject::Contact;
        let selects = selects_in(
            &mapping(),
            object,
            ("Email", text_keys(&emails), 2_000),
            None,
        )
        .unwrap();
        let mut keys = 0;
        for select in &selects {
            assert!(select.to_string().len() <= STATEMENT_CHARS_MAX);
            if let Some(Condition::All(conditions)) = &select.condition
                && let Condition::In(_, list) = &conditions[0]
            {
                assert!(list.len() <= 2_000);
                keys += list.len();
            }
        }
        assert_eq!(keys, 9_000);
    }

    #[test]
    fn history_tells_the_newest_change_each_way() {
        let history = History::of(SalesforceObject::Lead).unwrap();
        let person = "00QQ70000000A1b";
        let change = |id: &str, at: &str, value: Json| serde_json::json!({"Id": id, "LeadId": person, "CreatedDate": at, "NewValue": value});
        let mut found = BTreeMap::new();
        history.collect(
            &[
                change(
                    "017000000000003",
                    "2026-03-04T09:00:03.000+0000",
                    true.into(),
                ),
                change(
                    "017000000000002",
                    "2026-03-04T09:00:02.000+0000",
                    "false".into(),
                ),
                change(
                    "017000000000001",
                    "2026-03-04T09:00:01.000+0000",
                    true.into(),
                ),
            ],
            &mut found,
        );
        let id = RemoteId::Salesforce(SalesforceObject::Lead, person.parse().unwrap());
        let at = |text| {
            let at = values::moment(text).unwrap();
            Some(Dated::exactly(at, Proof::FieldHistory))
        };
        assert_eq!(found[&id].opted_out, at("2026-03-04T09:00:03Z"));
        assert_eq!(found[&id].opted_in, at("2026-03-04T09:00:02Z"));
    }
}
