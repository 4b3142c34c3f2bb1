//! What an organisation shows of its set-up. One call describes it, one Composite reads rows, and the
//! Tooling API costs one call for each of its tables and for each page layout; the login's own resource
//! beside the API is asked once. What is refused is said in its own place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use url::form_urlencoded;

use super::super::super::failures::{Effect, Fault};
use super::super::org::{Org, QueryPage, Sub, SubReply, missing};
use super::super::soql::{Condition, Literal, Name, Order, Select};
use super::super::{SalesforceClient, describe, errors, wire};
use super::package::timeline_fields;
use super::prefixed;
use crate::domain::evidence::{
    Column, DefinedField, Layout, ObjectRights, Part, RelatedList, Rule, SalesforceEvidence, Site,
    TokenFacts, Writer,
};
use crate::domain::ids::{SalesforceId, SalesforceObject};
use crate::domain::mapping::Policy;
use crate::domain::remedy::{ID_FIELD, OPT_OUT_FIELD, TIMELINE};
use crate::domain::request::Spent;
use crate::domain::time::Span;

/// Page layouts looked at, a call each; an organisation with more has them made by a program.
const LAYOUTS_MAX: usize = 20;

/// Rows looked at for others who make them.
const ROWS_MAX: usize = 2_000;

/// How far back others are looked for.
const LOOK_BACK: Span = Span::days(1);

/// The timeline object's name without its prefix and suffix.
const TIMELINE_NAME: &str = "mautic_timeline";

/// Leads of queues; `Owner.Type` has been seen under both names.
const QUEUE_OWNED: &str =
    "SELECT COUNT() FROM Lead WHERE IsConverted = false AND Owner.Type IN ('Queue', 'Group')";

pub(super) async fn examine(
    client: &SalesforceClient,
    spent: &mut Spent,
    policy: &Policy,
) -> Result<SalesforceEvidence, Fault> {
    let org = &client.org;
    let timeline = prefixed(&policy.namespace, TIMELINE);
    let described = describe::read(org, spent, &timeline).await?;
    let ours = client.clock.now();
    let clock_ahead = spent.server_time.map_or_else(
        || Part::Unread("the answer has no date".to_owned()),
        |theirs| Part::Read(theirs.since(ours)),
    );
    let token = token(client, spent).await;
    let has_timeline = described.objects.contains_key(&timeline);
    let limit = spent.limit;
    let others = match &token {
        Part::Read(token) if has_timeline => Others::new(&timeline, &token.user),
        Part::Read(_) => Err("our user sees no timeline object".to_owned()),
        Part::Unread(why) => Err(why.clone()),
    };
    let rows = rows(client, spent, others).await;
    let objects = [
        SalesforceObject::ALL
            .map(|object| object.name().to_owned())
            .as_slice(),
        std::slice::from_ref(&timeline),
    ]
    .concat();
    let namespace = described.namespace.unwrap_or_default();
    let interesting = interesting(policy, &namespace);
    let fields = defined_fields(org, spent, &objects, &interesting).await;
    let owners = part(owners(org, spent, &policy.objects).await);
    Ok(SalesforceEvidence {
        clock_ahead,
        limit,
        token,
        namespace: Part::Read(namespace),
        rights: rights(&described.objects),
        grantable: grantable(&described.objects),
        picklists: picklists(&described.objects),
        fields: part(fields),
        history: rows.history,
        timelines: part(timelines(org, spent).await),
        timeline: described.objects.get(&timeline).map(columns),
        layouts: part(layouts(org, spent).await),
        remote_sites: part(sites(org, spent, "RemoteProxy", "SiteName").await),
        trusted_sites: part(sites(org, spent, "CspTrustedSite", "DeveloperName").await),
        validation_rules: part(validation_rules(org, spent, &objects).await),
        duplicate_rules: rows.duplicate_rules,
        queue_owned: rows.queue_owned,
        owners,
        writers: rows.writers,
        description: described.description,
    })
}

fn part<T>(read: Result<T, Fault>) -> Part<T> {
    read.map_or_else(|fault| Part::Unread(fault.failure.to_string()), Part::Read)
}

/// The mapped fields, and those of the set-up guide. Fields that were made in the organisation have its
/// own prefix; those of the timeline have the plugin's.
fn interesting(policy: &Policy, own: &str) -> BTreeSet<String> {
    let rules = policy.mapping.person.iter().chain(&policy.mapping.company);
    let mut names: BTreeSet<String> = rules.map(|rule| rule.salesforce.clone()).collect();
    names.extend([OPT_OUT_FIELD.to_owned(), prefixed(own, ID_FIELD)]);
    names.extend(timeline_fields().map(|name| prefixed(&policy.namespace, name)));
    names
}

pub(super) async fn our_user(org: &Org, spent: &mut Spent) -> Result<SalesforceId, Fault> {
    let identity = org.identity(spent).await?;
    wire::id_at(&identity, "user_id")
        .ok_or_else(|| Fault::broken("identity", "the answer names no user"))
}

async fn token(client: &SalesforceClient, spent: &mut Spent) -> Part<TokenFacts> {
    let identity = match client.org.identity(spent).await {
        Ok(identity) => identity,
        Err(fault) => return Part::Unread(fault.failure.to_string()),
    };
    let Some(user) = wire::id_at(&identity, "user_id") else {
        return Part::Unread("the answer names no user".to_owned());
    };
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let scopes = client.org.scopes().await.ok();
    Part::Read(TokenFacts {
        user: user.to_string(),
        user_name: text(&identity["preferred_username"]),
        // A login that says nothing of them does not say that there are none.
        scopes: scopes.filter(|scopes| !scopes.is_empty()),
    })
}

/// Rows of the timeline object that others than our user made.
struct Others {
    timeline: Name,
    ours: SalesforceId,
}

impl Others {
    fn new(timeline: &str, ours: &str) -> Result<Self, String> {
        let ours = ours
            .parse()
            .map_err(|_| "our user's id cannot be read".to_owned());
        let timeline = Name::new(timeline).map_err(|fault| fault.failure.to_string());
        Ok(Self {
            timeline: timeline?,
            ours: ours?,
        })
    }
}

/// What one Composite reads.
struct Rows {
    history: BTreeMap<SalesforceObject, Part<()>>,
    queue_owned: Part<u64>,
    duplicate_rules: Part<Vec<Rule>>,
    writers: Part<Vec<Writer>>,
}

async fn rows(
    client: &SalesforceClient,
    spent: &mut Spent,
    others: Result<Others, String>,
) -> Rows {
    let people = [SalesforceObject::Lead, SalesforceObject::Contact];
    let subs = asked(client, others.as_ref().ok());
    let replies = match client.org.composite(spent, &subs, Effect::Reads).await {
        Ok(replies) => replies,
        Err(fault) => {
            let why = fault.failure.to_string();
            return Rows {
                history: people
                    .map(|object| (object, Part::Unread(why.clone())))
                    .into(),
                queue_owned: Part::Unread(why.clone()),
                duplicate_rules: Part::Unread(why.clone()),
                writers: Part::Unread(why),
            };
        }
    };
    let mut replies = replies.into_iter();
    let mut next = || judged(replies.next().flatten());
    let history = people.map(|object| (object, part(next().map(|_| ()))));
    let queue_owned = next().and_then(|reply| {
        let count = reply.body["totalSize"].as_u64();
        count.ok_or_else(|| Fault::broken("count", "the answer counts nothing"))
    });
    let duplicate_rules = next().and_then(QueryPage::read).map(|page| {
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        let rule = |row: &Json| Rule {
            object: text(&row["SobjectType"]),
            name: text(&row["DeveloperName"]),
            says: String::new(),
        };
        page.records.iter().map(rule).collect()
    });
    let writers = match others {
        Ok(_) => part(
            next()
                .and_then(QueryPage::read)
                .map(|page| writers(&page.records)),
        ),
        Err(why) => Part::Unread(why),
    };
    Rows {
        history: history.into(),
        queue_owned: part(queue_owned),
        duplicate_rules: part(duplicate_rules),
        writers,
    }
}

/// At most five queries: what the platform takes in one Composite.
fn asked(client: &SalesforceClient, others: Option<&Others>) -> Vec<Sub> {
    let mut history = ["LeadHistory", "ContactHistory"].map(|table| Select {
        fields: vec![Name::known("Id")],
        from: Name::known(table),
        condition: None,
        order: Vec::new(),
        limit: Some(1),
    });
    let encoded: String = form_urlencoded::byte_serialize(QUEUE_OWNED.as_bytes()).collect();
    let rules = Select {
        fields: ["DeveloperName", "SobjectType"].map(Name::known).to_vec(),
        from: Name::known("DuplicateRule"),
        condition: Some(Condition::Equal(
            Name::known("IsActive"),
            Literal::Bool(true),
        )),
        order: Vec::new(),
        limit: None,
    };
    let mut subs: Vec<Sub> = history
        .iter_mut()
        .map(|select| Sub::query(select))
        .collect();
    subs.push(Sub::get(format!("/query?q={encoded}")));
    subs.push(Sub::query(&rules));
    if let Some(others) = others {
        let since = client.clock.now() + Span(-LOOK_BACK.0);
        let created = Name::known("CreatedDate");
        subs.push(Sub::query(&Select {
            fields: ["Id", "CreatedBy.Name"].map(Name::known).to_vec(),
            from: others.timeline.clone(),
            condition: Some(Condition::All(vec![
                Condition::AtLeast(created.clone(), Literal::Moment(since)),
                // What we made alone may be more than a page.
                Condition::Differs(Name::known("CreatedById"), Literal::Id(others.ours)),
            ])),
            order: vec![(created, Order::Descending)],
            limit: Some(ROWS_MAX),
        }));
    }
    subs
}

fn judged(reply: Option<SubReply>) -> Result<SubReply, Fault> {
    let reply = reply.ok_or_else(missing)?;
    if reply.is_success() {
        return Ok(reply);
    }
    Err(errors::fault(reply.status, &reply.body, Effect::Reads))
}

/// Who owns records of these objects: one call.
async fn owners(
    org: &Org,
    spent: &mut Spent,
    objects: &[SalesforceObject],
) -> Result<BTreeSet<String>, Fault> {
    let owning = |object: &SalesforceObject| {
        // No name here comes from outside.
        let query = format!(
            "SELECT Email FROM User WHERE IsActive = true AND Id IN (SELECT OwnerId FROM {object})"
        );
        let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        Sub::get(format!("/query?q={encoded}"))
    };
    let subs: Vec<Sub> = objects.iter().map(owning).collect();
    if subs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut owners = BTreeSet::new();
    for reply in org.composite(spent, &subs, Effect::Reads).await? {
        let page = QueryPage::read(judged(reply)?)?;
        let page = org.filled(spent, page).await?;
        let addresses = page.records.iter().filter_map(|row| row["Email"].as_str());
        owners.extend(addresses.map(wire::user_email));
    }
    Ok(owners)
}

/// By who made them.
fn writers(rows: &[Json]) -> Vec<Writer> {
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        let name = row["CreatedBy"]["Name"].as_str().unwrap_or("?");
        *others.entry(name.to_owned()).or_default() += 1;
    }
    let others = others.into_iter();
    others.map(|(name, rows)| Writer { name, rows }).collect()
}

fn rights(objects: &BTreeMap<String, Json>) -> BTreeMap<String, ObjectRights> {
    let of = |body: &Json| {
        let may = |name: &str| body[name].as_bool() == Some(true);
        ObjectRights {
            reads: may("queryable"),
            creates: may("createable"),
            updates: may("updateable"),
            deletes: may("deletable"),
        }
    };
    let objects = objects.iter();
    objects
        .map(|(name, body)| (name.clone(), of(body)))
        .collect()
}

fn each_field(objects: &BTreeMap<String, Json>) -> impl Iterator<Item = (String, &Json)> {
    objects.iter().flat_map(|(object, body)| {
        let fields = body["fields"].as_array().into_iter().flatten();
        fields.filter_map(move |field| {
            let name = field["name"].as_str()?;
            Some((format!("{object}.{name}"), field))
        })
    })
}

fn grantable(objects: &BTreeMap<String, Json>) -> BTreeSet<String> {
    let may = |field: &Json| {
        let is = |name: &str| field[name].as_bool() == Some(true);
        is("permissionable") && !is("calculated") && !is("autoNumber")
    };
    each_field(objects)
        .filter(|(_, field)| may(field))
        .map(|(name, _)| name)
        .collect()
}

fn picklists(objects: &BTreeMap<String, Json>) -> BTreeMap<String, Vec<String>> {
    let is_list = |field: &Json| {
        let kind = field["type"].as_str().unwrap_or_default();
        matches!(kind, "picklist" | "multipicklist")
    };
    each_field(objects)
        .filter(|(_, field)| is_list(field))
        .map(|(name, field)| (name, describe::choices(&field["picklistValues"])))
        .collect()
}

fn columns(body: &Json) -> Vec<Column> {
    let fields = body["fields"].as_array().into_iter().flatten();
    fields.map(column).collect()
}

fn column(field: &Json) -> Column {
    let is = |name: &str| field[name].as_bool() == Some(true);
    let number = |name: &str| {
        let number = field[name].as_u64().unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let refers_to = field["referenceTo"].as_array().into_iter().flatten();
    Column {
        name: field["name"].as_str().unwrap_or_default().to_owned(),
        kind: field["type"].as_str().unwrap_or_default().to_owned(),
        length: number("length"),
        precision: number("precision"),
        scale: number("scale"),
        refers_to: refers_to
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect(),
        is_unique: is("unique"),
        is_external_id: is("externalId"),
    }
}

/// All rows of a set-up table. One call.
pub(super) async fn tooling(
    org: &Org,
    spent: &mut Spent,
    select: &Select,
) -> Result<Vec<Json>, Fault> {
    let path = format!("/tooling/query?q={}", select.encoded());
    let body = org.get(spent, path).await?;
    Ok(QueryPage::read(SubReply { status: 200, body })?.records)
}

fn listed(from: &'static str, fields: &[&'static str], condition: Option<Condition>) -> Select {
    Select {
        fields: fields.iter().copied().map(Name::known).collect(),
        from: Name::known(from),
        condition,
        order: Vec::new(),
        limit: None,
    }
}

fn texts(names: impl IntoIterator<Item = String>) -> Vec<Literal> {
    names.into_iter().map(Literal::Text).collect()
}

/// Which of the fields exist on which of the objects, whoever may see them. One call.
pub(super) async fn defined_fields(
    org: &Org,
    spent: &mut Spent,
    objects: &[String],
    fields: &BTreeSet<String>,
) -> Result<Vec<DefinedField>, Fault> {
    let object = Name::known("EntityDefinition.QualifiedApiName");
    let condition = Condition::All(vec![
        Condition::In(object, texts(objects.iter().cloned())),
        Condition::In(
            Name::known("QualifiedApiName"),
            texts(fields.iter().cloned()),
        ),
    ]);
    let columns = [
        "QualifiedApiName",
        "EntityDefinition.QualifiedApiName",
        "IsFieldHistoryTracked",
    ];
    let select = listed("FieldDefinition", &columns, Some(condition));
    let rows = tooling(org, spent, &select).await?;
    let field = |row: &Json| {
        Some(DefinedField {
            object: row["EntityDefinition"]["QualifiedApiName"]
                .as_str()?
                .to_owned(),
            name: row["QualifiedApiName"].as_str()?.to_owned(),
            is_tracked: row["IsFieldHistoryTracked"].as_bool().unwrap_or(false),
        })
    };
    Ok(rows.iter().filter_map(field).collect())
}

/// Every custom object of the timeline's name, with its prefix. One call.
pub(super) async fn timelines(org: &Org, spent: &mut Spent) -> Result<Vec<String>, Fault> {
    let named = Condition::Equal(
        Name::known("DeveloperName"),
        Literal::Text(TIMELINE_NAME.to_owned()),
    );
    let columns = ["DeveloperName", "NamespacePrefix"];
    let rows = tooling(org, spent, &listed("CustomObject", &columns, Some(named))).await?;
    let full = |row: &Json| {
        prefixed(
            row["NamespacePrefix"].as_str().unwrap_or_default(),
            TIMELINE,
        )
    };
    Ok(rows.iter().map(full).collect())
}

/// One call.
pub(super) async fn sites(
    org: &Org,
    spent: &mut Spent,
    table: &'static str,
    name: &'static str,
) -> Result<Vec<Site>, Fault> {
    let select = listed(table, &[name, "EndpointUrl", "IsActive"], None);
    let rows = tooling(org, spent, &select).await?;
    let site = |row: &Json| {
        Some(Site {
            name: row[name].as_str()?.to_owned(),
            url: row["EndpointUrl"].as_str()?.to_owned(),
            is_active: row["IsActive"].as_bool().unwrap_or(false),
        })
    };
    Ok(rows.iter().filter_map(site).collect())
}

async fn validation_rules(
    org: &Org,
    spent: &mut Spent,
    objects: &[String],
) -> Result<Vec<Rule>, Fault> {
    let object = Name::known("EntityDefinition.QualifiedApiName");
    let condition = Condition::All(vec![
        Condition::In(object, texts(objects.iter().cloned())),
        Condition::Equal(Name::known("Active"), Literal::Bool(true)),
    ]);
    let columns = [
        "ValidationName",
        "ErrorMessage",
        "EntityDefinition.QualifiedApiName",
    ];
    let select = listed("ValidationRule", &columns, Some(condition));
    let rows = tooling(org, spent, &select).await?;
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let rule = |row: &Json| Rule {
        object: text(&row["EntityDefinition"]["QualifiedApiName"]),
        name: text(&row["ValidationName"]),
        says: text(&row["ErrorMessage"]),
    };
    Ok(rows.iter().map(rule).collect())
}

/// The page layouts of people: one call, and one for each.
async fn layouts(org: &Org, spent: &mut Spent) -> Result<Vec<Layout>, Fault> {
    let object = Name::known("TableEnumOrId");
    let people = [SalesforceObject::Lead, SalesforceObject::Contact];
    let condition = Condition::In(object, texts(people.map(|object| object.name().to_owned())));
    let columns = ["Id", "Name", "TableEnumOrId"];
    let rows = tooling(org, spent, &listed("Layout", &columns, Some(condition))).await?;
    if rows.len() > LAYOUTS_MAX {
        let message = format!(
            "there are {} page layouts, and {LAYOUTS_MAX} are looked at",
            rows.len()
        );
        return Err(Fault::broken("layouts", message));
    }
    let mut layouts = Vec::new();
    for row in &rows {
        let object = row["TableEnumOrId"].as_str();
        let object = people
            .into_iter()
            .find(|known| Some(known.name()) == object);
        let (Some(object), Some(id)) = (object, wire::id_at(row, "Id")) else {
            continue;
        };
        let body = org
            .get(spent, format!("/tooling/sobjects/Layout/{id}"))
            .await?;
        layouts.push(Layout {
            object,
            name: row["Name"].as_str().unwrap_or_default().to_owned(),
            lists: related_lists(&body["Metadata"]["relatedLists"]),
        });
    }
    Ok(layouts)
}

fn related_lists(lists: &Json) -> Vec<RelatedList> {
    let names = |json: &Json| -> Vec<String> {
        let names = json.as_array().into_iter().flatten();
        names
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    };
    let lists = lists.as_array().into_iter().flatten();
    let list = |list: &Json| RelatedList {
        name: list["relatedList"].as_str().unwrap_or_default().to_owned(),
        columns: names(&list["fields"]),
    };
    lists.map(list).collect()
}
