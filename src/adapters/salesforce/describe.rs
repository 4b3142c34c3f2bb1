//! What the organisation is made of: itself, its objects' fields, its users; one call, and one more
//! for every 2,000 users.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::failures::{Effect, Fault};
use super::errors;
use super::org::{Org, QueryPage, Sub, SubReply, missing};
use super::soql::{Condition, Literal, Name, Order, Select};
use super::wire;
use crate::domain::failure::FailureKind;
use crate::domain::ids::{SalesforceId, SalesforceObject};
use crate::domain::request::{FieldAccess, FieldDescription, SalesforceDescription, Spent, User};
use crate::domain::value::ValueType;

/// Users of one page.
const USERS_PAGE: usize = 2_000;

/// Pages of users: more than this is no company but a portal.
const USER_PAGES_MAX: usize = 25;

/// An organisation's description, and what it was read from.
pub(super) struct Described {
    pub(super) description: SalesforceDescription,
    /// The platform's own answers about each object that the user may see, by name.
    pub(super) objects: BTreeMap<String, Json>,
    pub(super) namespace: Option<String>,
}

pub(super) async fn describe(
    org: &Org,
    spent: &mut Spent,
    timeline: &str,
) -> Result<SalesforceDescription, Fault> {
    let described = read(org, spent, timeline).await?;
    Ok(described.description)
}

pub(super) async fn read(org: &Org, spent: &mut Spent, timeline: &str) -> Result<Described, Fault> {
    let mut subs: Vec<Sub> = SalesforceObject::ALL
        .iter()
        .map(|object| Sub::get(format!("/sobjects/{object}/describe")))
        .collect();
    subs.push(Sub::get(format!(
        "/sobjects/{}/describe",
        Name::new(timeline)?
    )));
    subs.push(Sub::query(&organisation_query()));
    subs.push(Sub::query(&users_query(None)));
    let replies = org.composite(spent, &subs, Effect::Reads).await?;
    let mut replies = replies.into_iter();
    let mut next = || replies.next().flatten().ok_or_else(missing);

    let mut description = SalesforceDescription {
        api_version: org.version().await?.to_owned(),
        ..SalesforceDescription::default()
    };
    let mut objects = BTreeMap::new();
    for object in SalesforceObject::ALL {
        if let Some(body) = visible(next()?)? {
            let fields = read_fields(&body);
            description.objects.insert(object.name().to_owned(), fields);
            objects.insert(object.name().to_owned(), body);
        }
    }
    if let Some(body) = visible(next()?)? {
        description.timeline = Some(read_fields(&body));
        objects.insert(timeline.to_owned(), body);
    }
    let organisation = first_record(next()?)?;
    description.organisation = wire::id_at(&organisation, "Id")
        .map(|id| id.to_string())
        .ok_or_else(|| Fault::broken("organisation", "the organisation has no readable Id"))?;
    description.organisation_name = text(&organisation["Name"]);
    description.is_sandbox = organisation["IsSandbox"].as_bool().unwrap_or(false);
    description.users = users(org, spent, next()?).await?;
    Ok(Described {
        description,
        objects,
        namespace: organisation["NamespacePrefix"].as_str().map(str::to_owned),
    })
}

/// What decides how things are made in an organisation.
pub(super) struct Ground {
    pub(super) is_sandbox: bool,
    /// The prefix of what is made there; empty if it has none.
    pub(super) namespace: String,
}

/// Which kind of organisation it is, alone: one call.
pub(super) async fn ground(org: &Org, spent: &mut Spent) -> Result<Ground, Fault> {
    let subs = [Sub::query(&organisation_query())];
    let mut replies = org.composite(spent, &subs, Effect::Reads).await?;
    let organisation = first_record(replies.pop().flatten().ok_or_else(missing)?)?;
    Ok(Ground {
        is_sandbox: organisation["IsSandbox"].as_bool().unwrap_or(false),
        namespace: text(&organisation["NamespacePrefix"]),
    })
}

/// A describe answer; `None` if the user may not see the object, or there is none.
fn visible(reply: SubReply) -> Result<Option<Json>, Fault> {
    if !reply.is_success() {
        let fault = errors::fault(reply.status, &reply.body, Effect::Reads);
        return match fault.failure.kind {
            FailureKind::Gone | FailureKind::Forbidden => Ok(None),
            _ => Err(fault),
        };
    }
    Ok(Some(reply.body))
}

pub(super) fn read_fields(body: &Json) -> Vec<FieldDescription> {
    let fields = body["fields"].as_array().into_iter().flatten();
    fields.filter_map(field).collect()
}

fn field(field: &Json) -> Option<FieldDescription> {
    let is = |name: &str| field[name].as_bool() == Some(true);
    let kind = field["type"].as_str().unwrap_or_default();
    let value_type = value_type(kind);
    let number = |name: &str| field[name].as_u64().and_then(|n| u32::try_from(n).ok());
    let is_text = matches!(
        value_type,
        Some(ValueType::Text | ValueType::Email | ValueType::Choice)
    );
    Some(FieldDescription {
        name: field["name"].as_str()?.to_owned(),
        label: text(&field["label"]),
        value_type,
        length_max: number("length").filter(|length| is_text && *length > 0),
        hides_length: false,
        decimals: match kind {
            "int" => Some(0),
            "double" | "currency" | "percent" => {
                number("scale").and_then(|scale| u8::try_from(scale).ok())
            }
            _ => None,
        },
        is_required: is("createable") && !is("nillable") && !is("defaultedOnCreate"),
        access: match (is("createable"), is("updateable")) {
            _ if is("calculated") || is("autoNumber") => FieldAccess::ReadOnly,
            (true, true) => FieldAccess::Writable,
            (true, false) => FieldAccess::CreateOnly,
            (false, true) => FieldAccess::UpdateOnly,
            (false, false) => FieldAccess::ReadOnly,
        },
        is_unique: is("unique"),
        is_upsert_key: is("idLookup") || is("externalId"),
        choices: is("restrictedPicklist").then(|| choices(&field["picklistValues"])),
    })
}

fn value_type(kind: &str) -> Option<ValueType> {
    Some(match kind {
        "string" | "textarea" | "phone" | "url" | "combobox" | "id" | "reference"
        | "encryptedstring" => ValueType::Text,
        "email" => ValueType::Email,
        "boolean" => ValueType::Bool,
        "int" | "double" | "currency" | "percent" => ValueType::Number,
        "date" => ValueType::Date,
        "datetime" => ValueType::Moment,
        "time" => ValueType::Time,
        "picklist" => ValueType::Choice,
        "multipicklist" => ValueType::Choices,
        _ => return None,
    })
}

pub(super) fn choices(values: &Json) -> Vec<String> {
    let values = values.as_array().into_iter().flatten();
    values
        .filter(|value| value["active"].as_bool() != Some(false))
        .filter_map(|value| Some(value["value"].as_str()?.to_owned()))
        .collect()
}

pub(super) fn organisation_query() -> Select {
    Select {
        fields: ["Id", "Name", "IsSandbox", "NamespacePrefix"]
            .map(Name::known)
            .to_vec(),
        from: Name::known("Organization"),
        condition: None,
        order: Vec::new(),
        limit: None,
    }
}

/// Employees only: a portal has a user for every customer.
fn users_query(after: Option<SalesforceId>) -> Select {
    let standard = Literal::Text("Standard".to_owned());
    let mut conditions = vec![Condition::Equal(Name::known("UserType"), standard)];
    if let Some(id) = after {
        conditions.push(Condition::Greater(Name::known("Id"), Literal::Id(id)));
    }
    Select {
        fields: ["Id", "Name", "Email", "IsActive"]
            .map(Name::known)
            .to_vec(),
        from: Name::known("User"),
        condition: Some(Condition::All(conditions)),
        order: vec![(Name::known("Id"), Order::Ascending)],
        limit: Some(USERS_PAGE),
    }
}

async fn users(org: &Org, spent: &mut Spent, first: SubReply) -> Result<Vec<User>, Fault> {
    let mut users = Vec::new();
    let mut reply = first;
    for _ in 0..USER_PAGES_MAX {
        let page = org.filled(spent, QueryPage::read(reply)?).await?;
        let records = page.records;
        let last = records.last().and_then(|record| wire::id_at(record, "Id"));
        users.extend(records.iter().filter_map(user));
        match last {
            // A page may be cut short without being the last.
            Some(id) if !page.is_done || records.len() >= USERS_PAGE => {
                let page = [Sub::query(&users_query(Some(id)))];
                let mut replies = org.composite(spent, &page, Effect::Reads).await?;
                reply = replies.pop().flatten().ok_or_else(missing)?;
            }
            _ => break,
        }
    }
    Ok(users)
}

fn user(record: &Json) -> Option<User> {
    Some(User {
        id: wire::id_at(record, "Id")?.to_string(),
        email: wire::user_email(record["Email"].as_str()?),
        name: text(&record["Name"]),
        is_active: record["IsActive"].as_bool().unwrap_or(false),
    })
}

pub(super) fn first_record(reply: SubReply) -> Result<Json, Fault> {
    let mut records = QueryPage::read(reply)?.records;
    if records.is_empty() {
        return Err(Fault::broken(
            "organisation",
            "the organisation is not visible",
        ));
    }
    Ok(records.swap_remove(0))
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_described_by_what_can_be_done_with_it() {
        let described = field(&json!({
            "name": "ReferenceId__c", "label": "ReferenceId", "type": "string", "length": 255,
            "nillable": true, "createable": true, "updateable": true, "unique": true,
            "externalId": false, "idLookup": true
        }))
        .unwrap();
        assert_eq!(described.length_max, Some(255));
        assert_eq!(described.access, FieldAccess::Writable);
        assert!(described.is_unique && described.is_upsert_key && !described.is_required);

        let number = json!({"name": "Score__c", "type": "double", "scale": 2, "length": 0,
            "calculated": true, "createable": false, "updateable": false});
        let number = field(&number).unwrap();
        assert_eq!(number.decimals, Some(2));
        assert_eq!(number.length_max, None);
        assert_eq!(number.access, FieldAccess::ReadOnly);

        let list = json!({"name": "Rating", "type": "picklist", "length": 40, "restrictedPicklist": true,
            "nillable": false, "createable": true, "defaultedOnCreate": false,
            "picklistValues": [{"value": "Hot", "active": true}, {"value": "Old", "active": false}]});
        let list = field(&list).unwrap();
        assert_eq!(list.choices, Some(vec!["Hot".to_owned()]));
        assert_eq!(list.value_type, Some(ValueType::Choice));
        assert!(list.is_required);

        assert_eq!(
            field(&json!({"name": "MailingAddress", "type": "address"}))
                .unwrap()
                .value_type,
            None
        );
    }
}
