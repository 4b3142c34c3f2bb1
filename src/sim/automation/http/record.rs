//! Contacts and companies as JSON, in each of the renderings the API has.

use serde_json::{Map, Number, Value as Json, json};

use super::super::author::AuthorId;
use super::super::company::Company;
use super::super::contact::{Contact, LastEdit, Stamp};
use super::super::draft::Echo;
use super::super::field::{Field, Group, Kind, Position, Subject};
use super::super::instance::Automation;
use super::super::php::Php;
use super::super::stock;
use super::super::time::Shown;
use super::super::user::{User, UserId};
use super::super::value::{Value, Values};
use crate::sim::clock::Timestamp;

/// Which of its renderings a record gets.
#[derive(Clone, Debug, Default)]
pub(super) struct View<'a> {
    pub form: Form,
    /// How the answer of a write differs from what was stored.
    pub echo: &'a [(Position, Echo)],
    /// Values of a refused row, shown though they were not saved.
    pub unsaved: Option<&'a Map<String, Json>>,
    /// Columns asked for; members without a value are then left out.
    pub selected: Option<&'a [String]>,
    pub is_minimal: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// One record, read or edited: fields in display order.
    #[default]
    Read,
    /// Fresh from its creation: the fields' own definitions, with numbers as ids.
    Created,
    /// A member of a list: fields in column order.
    Listed,
}

pub(super) fn moment(at: Option<Timestamp>) -> Json {
    at.map_or(Json::Null, |at| Json::String(at.iso()))
}

pub(super) fn contact(brain: &Automation, contact: &Contact, view: &View<'_>) -> Json {
    let mut out = stamps(brain, Some(contact.added), contact.modified);
    out.insert("id".into(), json!(contact.id.0));
    out.insert("points".into(), json!(contact.points));
    out.insert("color".into(), Json::Null);
    out.insert("fields".into(), contact_fields(brain, contact, view, true));
    if view.is_minimal {
        return Json::Object(out);
    }
    out.extend(surroundings(brain, contact, view.form));
    if view.selected.is_some() {
        return without_nulls(Json::Object(out), &["fields"]);
    }
    Json::Object(out)
}

/// A deleted record: shown once more, without its id.
pub(super) fn without_id(mut record: Json) -> Json {
    record["id"] = Json::Null;
    if let Some(all) = record["fields"].get_mut("all") {
        all["id"] = Json::Null;
    }
    record
}

/// The rendering of the do-not-contact and UTM routes: nulls left out, core values at the top, the
/// owner in full, do-not-contact rows with their dates.
pub(super) fn contact_unfiltered(brain: &Automation, contact: &Contact) -> Json {
    let view = View::default();
    let mut out = stamps(brain, Some(contact.added), contact.modified);
    out.insert("id".into(), json!(contact.id.0));
    out.insert("points".into(), json!(contact.points));
    out.extend(top_values(brain, contact));
    out.insert(
        "fields".into(),
        contact_fields(brain, contact, &view, false),
    );
    out.extend(surroundings(brain, contact, Form::Read));
    if let Some(owner) = contact.owner.and_then(|id| brain.users().by_id(id)) {
        out.insert("owner".into(), user_full(brain, owner));
    }
    let rows = contact.dnc.iter().map(|row| {
        json!({
            "id": row.id, "dateAdded": row.added.iso(), "reason": row.reason.code(),
            "comments": row.comments, "channel": row.channel,
        })
    });
    out.insert("doNotContact".into(), Json::Array(rows.collect()));
    without_nulls(Json::Object(out), &["fields"])
}

/// The contact of a webhook: grouped fields only, and for some triggers the core values at the top.
pub(super) fn contact_in_hook(
    brain: &Automation,
    contact: &Contact,
    form: Form,
    with_top: bool,
) -> Json {
    let mut out = stamps(brain, Some(contact.added), contact.modified);
    out.insert("id".into(), json!(contact.id.0));
    out.insert("points".into(), json!(contact.points));
    out.insert("color".into(), Json::Null);
    if with_top {
        out.extend(top_values(brain, contact));
    }
    let view = View {
        form,
        ..View::default()
    };
    out.insert(
        "fields".into(),
        contact_fields(brain, contact, &view, false),
    );
    out.extend(surroundings(brain, contact, form));
    Json::Object(out)
}

pub(super) fn company(brain: &Automation, company: &Company) -> Json {
    let mut out = Map::new();
    out.insert("id".into(), json!(company.id.0));
    out.insert("score".into(), json!(company.score));
    out.insert(
        "fields".into(),
        company_fields(brain, company, Form::Read, true),
    );
    Json::Object(out)
}

pub(super) fn company_in_hook(brain: &Automation, company: &Company, form: Form) -> Json {
    let mut out = stamps(brain, Some(company.added), company.modified);
    out.insert("id".into(), json!(company.id.0));
    let parts = [
        "name",
        "email",
        "address1",
        "address2",
        "phone",
        "city",
        "state",
        "zipcode",
        "country",
        "website",
        "industry",
        "description",
    ];
    for part in parts {
        let field = brain
            .fields()
            .by_alias(Subject::Company, &format!("company{part}"));
        let value = field.map_or(Json::Null, |field| {
            plain(field, company.values.at(field.position))
        });
        out.insert(part.into(), value);
    }
    out.insert("score".into(), json!(company.score));
    out.insert("fields".into(), company_fields(brain, company, form, false));
    Json::Object(out)
}

/// isPublished to modifiedByUser, which open most records.
pub(super) fn stamps(
    brain: &Automation,
    added: Option<Stamp>,
    modified: impl Into<LastEdit>,
) -> Map<String, Json> {
    let modified = modified.into();
    let user = |by: Option<AuthorId>| by.and_then(|by| brain.authors().of(by).user).map(|u| u.0);
    let name = |by: Option<AuthorId>| by.map(|by| author_name(brain, by));
    let creator = added.map(|stamp| stamp.by);
    let mut out = Map::new();
    out.insert("isPublished".into(), json!(true));
    out.insert("dateAdded".into(), moment(added.map(|stamp| stamp.at)));
    out.insert("dateModified".into(), moment(modified.at));
    out.insert("createdBy".into(), json!(user(creator)));
    let creator = name(creator.filter(|by| *by != AuthorId::SYSTEM));
    out.insert("createdByUser".into(), json!(creator));
    out.insert("modifiedBy".into(), json!(user(modified.by)));
    out.insert("modifiedByUser".into(), json!(name(modified.by)));
    out
}

fn author_name(brain: &Automation, by: AuthorId) -> String {
    brain.authors().of(by).name.clone()
}

/// Members after the fields.
fn surroundings(brain: &Automation, contact: &Contact, form: Form) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("lastActive".into(), moment(contact.last_active));
    let owner = contact.owner.and_then(|id| brain.users().by_id(id));
    out.insert(
        "owner".into(),
        owner.map_or(Json::Null, |owner| owner_json(brain, owner)),
    );
    let addresses = contact.addresses.iter().map(|ip| {
        (
            ip.to_string(),
            json!({ "ip": ip, "ipDetails": { "city": "", "country": "" } }),
        )
    });
    let addresses: Map<String, Json> = addresses.collect();
    let addresses = if addresses.is_empty() {
        json!([])
    } else {
        Json::Object(addresses)
    };
    out.insert("ipAddresses".into(), addresses);
    out.insert("tags".into(), tags(brain, contact, form));
    out.insert("utmtags".into(), utm_tags(brain, contact, form));
    out.insert("stage".into(), stage(brain, contact));
    out.insert("dateIdentified".into(), moment(contact.identified));
    out.insert("preferredProfileImage".into(), Json::Null);
    let rows = contact.dnc.iter().map(|row| {
        json!({
            "id": row.id, "reason": row.reason.code(), "comments": row.comments,
            "channel": row.channel, "channelId": row.channel_id,
        })
    });
    out.insert("doNotContact".into(), Json::Array(rows.collect()));
    out.insert("frequencyRules".into(), json!([]));
    out
}

/// In the order given at creation, by name ever after.
fn tags(brain: &Automation, contact: &Contact, form: Form) -> Json {
    let mut tags: Vec<(u32, &str)> = contact
        .tags
        .iter()
        .map(|tag| (tag.0, brain.tags().name(*tag)))
        .collect();
    if form != Form::Created {
        tags.sort_by_key(|(_, name)| name.to_lowercase());
    }
    tags.iter()
        .map(|(id, tag)| json!({ "id": id, "tag": tag, "description": null }))
        .collect()
}

fn utm_tags(brain: &Automation, contact: &Contact, form: Form) -> Json {
    if form == Form::Created {
        return Json::Null;
    }
    let rows = brain.logs().utm.of(contact.id).map(|row| {
        json!({
            "id": row.id, "query": [], "utmCampaign": row.what.campaign,
            "utmContent": row.what.content, "utmMedium": row.what.medium,
            "utmSource": row.what.source, "utmTerm": row.what.term,
        })
    });
    Json::Array(rows.collect())
}

fn stage(brain: &Automation, contact: &Contact) -> Json {
    match contact
        .stage
        .and_then(|id| Some((id, brain.stages().name(id)?)))
    {
        Some((id, name)) => json!({
            "createdByUser": null, "modifiedByUser": null, "id": id.0, "name": name, "weight": 0,
        }),
        None => Json::Null,
    }
}

fn owner_json(brain: &Automation, user: &User) -> Json {
    json!({
        "createdByUser": user.added.map(|stamp| author_name(brain, stamp.by)),
        "modifiedByUser": null, "id": user.id.0, "username": user.username,
        "firstName": user.first_name, "lastName": user.last_name,
    })
}

fn user_full(brain: &Automation, user: &User) -> Json {
    let mut out = stamps(brain, user.added, None);
    out.insert("id".into(), json!(user.id.0));
    out.insert("username".into(), json!(user.username));
    out.insert("firstName".into(), json!(user.first_name));
    out.insert("lastName".into(), json!(user.last_name));
    out.insert("email".into(), json!(user.email));
    let role = brain.users().role(user.role).map(|role| {
        json!({
            "isPublished": true, "id": role.id.0, "name": role.name,
            "description": role.description, "isAdmin": role.is_administrator(),
        })
    });
    out.insert("role".into(), role.unwrap_or_default());
    Json::Object(out)
}

/// The values that are properties of the record as well as fields.
fn top_values(brain: &Automation, contact: &Contact) -> Map<String, Json> {
    let aliases = [
        "title",
        "firstname",
        "lastname",
        "company",
        "position",
        "email",
        "phone",
        "mobile",
        "address1",
        "address2",
        "city",
        "state",
        "zipcode",
        "timezone",
        "country",
    ];
    let entry = |alias: &str| {
        let field = brain.fields().by_alias(Subject::Contact, alias)?;
        Some((
            alias.to_owned(),
            plain(field, contact.values.at(field.position)),
        ))
    };
    aliases.into_iter().filter_map(entry).collect()
}

fn contact_fields(brain: &Automation, contact: &Contact, view: &View<'_>, with_all: bool) -> Json {
    let ranked = brain.fields().ranked(Subject::Contact);
    let places: Vec<&str> = ranked.iter().map(|field| field.alias.as_str()).collect();
    let mut fields = ranked.clone();
    if view.form == Form::Listed {
        fields.sort_by_key(|field| column_place(field));
    }
    let mut groups: Vec<(Group, Map<String, Json>)> = [
        Group::Core,
        Group::Social,
        Group::Personal,
        Group::Professional,
    ]
    .map(|group| (group, Map::new()))
    .into();
    let mut all = Map::new();
    all.insert("id".into(), Json::String(contact.id.to_string()));
    for field in fields.into_iter().filter(|field| field.is_published()) {
        let mut value = contact_value(contact, field, view);
        if let Some(selected) = view.selected
            && !selected.contains(&field.alias)
        {
            if view.form == Form::Listed {
                continue;
            }
            // Reading one record with a selection puts the field's place where its value belongs.
            value = json!(places.iter().position(|alias| *alias == field.alias));
        }
        all.insert(field.alias.clone(), value.clone());
        let described = described(field, value, view.form);
        if let Some((_, group)) = groups.iter_mut().find(|(group, _)| *group == field.group) {
            group.insert(field.alias.clone(), described);
        }
    }
    let mut out = Map::new();
    for (group, members) in groups {
        let members = if members.is_empty() {
            json!([])
        } else {
            Json::Object(members)
        };
        out.insert(group.name().into(), members);
    }
    if with_all {
        out.insert("all".into(), Json::Object(all));
    }
    Json::Object(out)
}

/// Stock fields in table order, own fields by age, then the social ones.
fn column_place(field: &Field) -> (bool, usize) {
    let stock = stock::COLUMN_ORDER
        .iter()
        .position(|alias| *alias == field.alias);
    (
        field.group == Group::Social,
        stock.unwrap_or(stock::COLUMN_ORDER.len() + field.id as usize),
    )
}

fn contact_value(contact: &Contact, field: &Field, view: &View<'_>) -> Json {
    if let Some(sent) = view.unsaved.and_then(|unsaved| unsaved.get(&field.alias)) {
        return sent.clone();
    }
    match field.alias.as_str() {
        "points" => json!(contact.points),
        "last_active" => {
            let before = view.echo.iter().find_map(|(position, echo)| match echo {
                Echo::Before(at) if *position == field.position => Some(*at),
                _ => None,
            });
            json!(before.unwrap_or(contact.last_active).map(Shown::sql))
        }
        _ => {
            let echo = view
                .echo
                .iter()
                .find(|(position, _)| *position == field.position);
            match echo {
                Some((_, Echo::Truth(truth))) => json!(truth),
                Some((_, Echo::Zero)) if field.decimals() > 0 => json!(0.0),
                Some((_, Echo::Zero)) => json!(0),
                Some((_, Echo::Empty)) => json!(""),
                Some((_, Echo::Before(_))) => Json::Null,
                None => match contact.values.at(field.position) {
                    // Lists show the column as it is, which for a boolean is text.
                    Value::Bool(value) if view.form == Form::Listed => {
                        json!(u8::from(*value).to_string())
                    }
                    value => plain(field, value),
                },
            }
        }
    }
}

/// The plain JSON of a stored value: booleans are 1 and 0, decimals keep their point.
pub(super) fn plain(field: &Field, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(u8::from(*value)),
        Value::Int(value) => json!(value),
        Value::Float(value) if field.decimals() == 0 => json!(*value as i64),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.to_string()),
    }
}

fn described(field: &Field, value: Json, form: Form) -> Json {
    let normal = normalised(field, &value);
    let mut out = Map::new();
    let mut put = |key: &str, value: Json| drop(out.insert(key.to_owned(), value));
    if form == Form::Created {
        put("id", json!(field.id));
        put("group", json!(field.group.name()));
        put("label", json!(field.label));
        put("alias", json!(field.alias));
        put("type", json!(field.kind.name()));
        if field.subject == Subject::Contact {
            put("properties", properties(field, true));
        }
    } else {
        put("id", json!(field.id.to_string()));
        put("label", json!(field.label));
        put("alias", json!(field.alias));
        put("type", json!(field.kind.name()));
        put("group", json!(field.group.name()));
        put("object", json!(field.subject.name()));
        let is_fixed = field.traits.has(super::super::field::Traits::FIXED);
        put("is_fixed", json!(if is_fixed { "1" } else { "0" }));
        put("properties", json!(properties_php(field).serialise()));
        put("default_value", json!(field.default));
    }
    put("value", value);
    put("normalizedValue", normal);
    Json::Object(out)
}

/// Labels of choices and booleans; empty text for null.
fn normalised(field: &Field, value: &Json) -> Json {
    if value.is_null() {
        return json!("");
    }
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Bool(truth) => u8::from(*truth).to_string(),
        other => other.to_string(),
    };
    let label = |choices: &[super::super::field::Choice], part: &str| {
        let choice = choices.iter().find(|choice| choice.value == part);
        choice.map_or_else(|| part.to_owned(), |choice| choice.label.clone())
    };
    match &field.kind {
        Kind::Select(choices) => json!(label(choices, &text)),
        Kind::Multiselect(choices) => {
            let labels: Vec<String> = text.split('|').map(|part| label(choices, part)).collect();
            json!(labels.join("|"))
        }
        Kind::Boolean { no, yes } if !text.is_empty() => json!(if text == "1" { yes } else { no }),
        _ => value.clone(),
    }
}

/// A field's properties as the field routes show them. `empty_list` where an empty one is `[]`.
pub(super) fn properties(field: &Field, empty_list: bool) -> Json {
    let choices = |choices: &[super::super::field::Choice]| {
        let entries = choices
            .iter()
            .map(|c| json!({ "label": c.label, "value": c.value }));
        json!({ "list": entries.collect::<Vec<_>>() })
    };
    match &field.kind {
        Kind::Boolean { no, yes } => json!({ "no": no, "yes": yes }),
        Kind::Select(list) | Kind::Multiselect(list) => choices(list),
        Kind::Lookup(list) => json!({ "list": list }),
        // Stock fields keep numbers, created ones the text they were sent.
        Kind::Number(Some(scale)) if field.added.is_none() => {
            json!({ "roundmode": 4, "scale": scale })
        }
        Kind::Number(Some(scale)) => json!({ "roundmode": "4", "scale": scale.to_string() }),
        _ if empty_list => json!([]),
        _ => json!({}),
    }
}

fn properties_php(field: &Field) -> Php {
    fn php(value: &Json) -> Php {
        match value {
            Json::String(text) => Php::text(text),
            Json::Array(items) => Php::List(items.iter().map(php).collect()),
            Json::Object(members) => Php::Map(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), php(value)))
                    .collect(),
            ),
            Json::Number(number) => Php::Int(number.as_i64().unwrap_or_default()),
            Json::Bool(value) => Php::Bool(*value),
            Json::Null => Php::Null,
        }
    }
    php(&properties(field, true))
}

fn company_fields(brain: &Automation, company: &Company, form: Form, with_all: bool) -> Json {
    // Fresh from its creation a company shows the groups a contact has.
    let names: &[&str] = match form {
        Form::Created => &["core", "professional", "social", "personal"],
        _ => &["core", "professional", "other"],
    };
    let mut groups: Vec<(&str, Map<String, Json>)> =
        names.iter().map(|group| (*group, Map::new())).collect();
    let mut all = Map::new();
    all.insert("id".into(), json!(company.id.0));
    let fields = brain.fields().ranked(Subject::Company);
    for field in fields.into_iter().filter(|field| field.is_published()) {
        let value = plain(field, company.values.at(field.position));
        all.insert(field.alias.clone(), value.clone());
        let described = described(field, value, form);
        if let Some((_, group)) = groups
            .iter_mut()
            .find(|(name, _)| *name == field.group.name())
        {
            group.insert(field.alias.clone(), described);
        }
    }
    let mut out = Map::new();
    for (name, members) in groups {
        let members = if members.is_empty() {
            json!([])
        } else {
            Json::Object(members)
        };
        out.insert(name.into(), members);
    }
    if with_all {
        out.insert("all".into(), Json::Object(all));
    }
    Json::Object(out)
}

/// Leaves out members that are null, at every depth but under the kept ones.
fn without_nulls(value: Json, kept: &[&str]) -> Json {
    match value {
        Json::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                let value = if kept.contains(&key.as_str()) {
                    value
                } else {
                    without_nulls(value, kept)
                };
                (key, value)
            })
            .collect(),
        Json::Array(items) => items
            .into_iter()
            .map(|item| without_nulls(item, kept))
            .collect(),
        other => other,
    }
}

/// Raw columns of a company as one contact's company list shows them: all text, nulls left out.
pub(super) fn company_row(
    brain: &Automation,
    company: &Company,
    values: &Values,
) -> Map<String, Json> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), Json::String(value));
        }
    };
    let number = |id: Option<UserId>| id.map(|id| id.0.to_string());
    let by = |stamp: Option<Stamp>| stamp.map(|stamp| brain.authors().of(stamp.by).clone());
    let (created, modified) = (by(Some(company.added)), by(company.modified));
    put("id", Some(company.id.0.to_string()));
    put("owner_id", number(company.owner));
    put("is_published", Some("1".to_owned()));
    put("date_added", Some(company.added.at.sql()));
    put(
        "created_by",
        created.as_ref().and_then(|author| number(author.user)),
    );
    put("created_by_user", created.map(|author| author.name));
    put(
        "date_modified",
        company.modified.map(|stamp| stamp.at.sql()),
    );
    put(
        "modified_by",
        modified.as_ref().and_then(|author| number(author.user)),
    );
    put("modified_by_user", modified.map(|author| author.name));
    put("social_cache", Some("a:0:{}".to_owned()));
    put("score", Some(company.score.to_string()));
    for field in brain.fields().of(Subject::Company) {
        put(&field.alias, values.at(field.position).to_text());
    }
    out
}
