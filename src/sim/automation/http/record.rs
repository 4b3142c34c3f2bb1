//! Contacts and companies as JSON, in each of the renderings the API has.

use serde_json::{Map, Value as Json, json};

use super::super::author::AuthorId;
use super::super::company::Company;
use super::super::contact::{Contact, LastEdit, Stamp};
use super::super::draft::Echo;
use super::super::field::{Position, Subject};
use super::super::instance::Automation;
use super::super::time::Shown;
use super::super::user::{User, UserId};
use super::super::value::Values;
use super::described::{company_fields, contact_fields, plain};
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
