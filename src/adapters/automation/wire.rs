//! Their JSON to our nouns and back.

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::super::failures::Fault;
use super::super::values;
use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{AutomationId, FieldId, Kind, RemoteId};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::row::{Row, RowState};
use crate::domain::time::Timestamp;
use crate::domain::value::{Decimal, Value, ValueType};

/// What reading a record needs beside the record.
pub(super) struct Context<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) kind: Kind,
    pub(super) base: &'a Url,
}

/// The records of a list, whatever holds them: an object keyed by id, or an array.
pub(super) fn records(container: &Json) -> Vec<&Json> {
    match container {
        Json::Array(records) => records.iter().collect(),
        Json::Object(records) => records.values().collect(),
        _ => Vec::new(),
    }
}

/// A batch's part at a row's place. PHP turns a list without gaps into an array, and any other into
/// an object.
pub(super) fn at(container: &Json, index: usize) -> Option<&Json> {
    match container {
        Json::Array(items) => items.get(index),
        Json::Object(items) => items.get(&index.to_string()),
        _ => None,
    }
}

pub(super) fn id(record: &Json) -> Result<AutomationId, Fault> {
    values::id(&record["id"])
        .map(AutomationId)
        .ok_or_else(|| Fault::broken("record", "a record has no readable id"))
}

impl Context<'_> {
    pub(super) fn row(&self, record: &Json) -> Result<Row, Fault> {
        let id = id(record)?;
        let rules = self.mapping.rules(self.kind).iter();
        Ok(Row {
            id: RemoteId::Automation(self.kind, id),
            modified: modified(record),
            edited_by: ["modifiedByUser", "createdByUser"]
                .into_iter()
                .find_map(|name| Some(record[name].as_str()?.trim().to_owned()))
                .filter(|name| !name.is_empty()),
            state: RowState::Live,
            values: rules
                .filter_map(|rule| Some((rule.id, self.read(rule, record)?)))
                .collect(),
            consent: consent(record),
            account: None,
        })
    }

    /// A rule's value on a record; `None` if the record does not show it.
    fn read(&self, rule: &FieldRule, record: &Json) -> Option<Value> {
        let id = values::id(&record["id"])?;
        match rule.role {
            Role::Consent => None,
            Role::ContactId => {
                let number = Decimal::from(i64::try_from(id).ok()?);
                Some(match rule.value_type {
                    ValueType::Number => Value::Number(number),
                    _ => Value::Text(id.to_string()),
                })
            }
            Role::TimelineLink => {
                let base = self.base.as_str().trim_end_matches('/');
                Some(Value::Text(format!("{base}/s/contacts/view/{id}")))
            }
            _ => stored(rule, record),
        }
    }
}

/// A field that can be written, as an answer shows it: an owner as a user's id.
pub(super) fn stored(rule: &FieldRule, record: &Json) -> Option<Value> {
    match rule.role {
        Role::Owner => match record.get("owner")? {
            Json::Null => Some(Value::Blank),
            owner => Some(Value::Text(values::id(&owner["id"])?.to_string())),
        },
        _ => value(
            rule.value_type,
            record["fields"]["all"].get(&rule.automation)?,
        ),
    }
}

/// When the record was last edited, or made if it never was. Companies show neither.
pub(super) fn modified(record: &Json) -> Option<Timestamp> {
    ["dateModified", "dateAdded"]
        .into_iter()
        .find_map(|name| values::moment(record[name].as_str()?))
}

/// What the e-mail channel's do-not-contact says; `None` if the record does not show it.
pub(super) fn consent(record: &Json) -> Option<Consent> {
    let channels = record.get("doNotContact")?;
    // Anything but a list is no word that the person may be mailed.
    if !matches!(channels, Json::Array(_) | Json::Object(_)) {
        return None;
    }
    let is_email = |entry: &&Json| {
        let channel = entry["channel"].as_str().unwrap_or("email");
        channel.trim().eq_ignore_ascii_case("email")
    };
    let email = records(channels).into_iter().filter(is_email);
    let said = email.map(|entry| consent_of(values::id(&entry["reason"]).unwrap_or(3)));
    // There should be one entry of a channel. If there are more, whatever keeps out counts.
    let strictness = |consent: &Consent| match consent {
        Consent::In => 0,
        Consent::Bounced => 1,
        Consent::Out(Reason::Unstated) => 2,
        Consent::Out(Reason::Manual) => 3,
        Consent::Out(Reason::Unsubscribed) => 4,
    };
    Some(said.max_by_key(strictness).unwrap_or(Consent::In))
}

pub(super) const fn consent_of(reason: u64) -> Consent {
    match reason {
        0 => Consent::In,
        1 => Consent::Out(Reason::Unsubscribed),
        2 => Consent::Bounced,
        _ => Consent::Out(Reason::Manual),
    }
}

/// A value by its type; `None` if the JSON is not of that type.
pub(super) fn value(value_type: ValueType, json: &Json) -> Option<Value> {
    if json.is_null() {
        return Some(Value::Blank);
    }
    let text = values::text(json);
    if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
        return Some(Value::Blank);
    }
    match value_type {
        ValueType::Text | ValueType::Email | ValueType::Choice => Some(Value::text(&text?)),
        ValueType::Bool => boolean(&text?),
        ValueType::Number => values::number(json),
        ValueType::Date => values::day(&text?).map(Value::Date),
        ValueType::Moment => values::moment(&text?).map(Value::Moment),
        ValueType::Time => values::time(&text?),
        ValueType::Choices => match json {
            Json::Array(options) => Some(Value::many(options.iter().filter_map(Json::as_str))),
            _ => Some(Value::many(text?.split('|'))),
        },
    }
}

/// `"1"` in lists, `1` alone, `true` in the answer of a write.
fn boolean(text: &str) -> Option<Value> {
    match text {
        "1" | "true" => Some(Value::Bool(true)),
        "0" | "false" => Some(Value::Bool(false)),
        _ => None,
    }
}

pub(super) fn to_json(rule: &FieldRule, value: &Value) -> Json {
    match value {
        Value::Blank => Json::Null,
        Value::Text(user) if rule.role == Role::Owner => user
            .parse::<u64>()
            .map_or_else(|_| user.as_str().into(), Json::from),
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Number(decimal) => values::number_json(*decimal),
        Value::Date(day) => day.to_string().into(),
        Value::Moment(moment) => values::naive(*moment).into(),
        Value::Many(options) => options.clone().into(),
    }
}

/// The member of a body that a rule writes; `None` if Automation works it out itself.
pub(super) fn written_member(rule: &FieldRule) -> Option<&str> {
    match rule.role {
        Role::Consent | Role::TimelineLink | Role::ContactId => None,
        Role::Owner => Some("owner"),
        _ if rule.automation.starts_with('@') => None,
        _ => Some(&rule.automation),
    }
}

pub(super) fn rule_of_member(mapping: &Mapping, kind: Kind, member: &str) -> Option<FieldId> {
    let rules = mapping.rules(kind).iter();
    rules
        .filter(|rule| written_member(rule) == Some(member))
        .map(|rule| rule.id)
        .next()
}

/// The body of one row.
pub(super) fn body(
    mapping: &Mapping,
    kind: Kind,
    values: &[(FieldId, Value)],
    consent: Option<Consent>,
    id: Option<AutomationId>,
) -> Map<String, Json> {
    let mut body = Map::new();
    if let Some(id) = id {
        body.insert("id".to_owned(), id.0.into());
    }
    let mut clears = false;
    for (field, value) in values {
        let Some(rule) = mapping.rule(kind, *field) else {
            continue;
        };
        if let Some(member) = written_member(rule)
            && !(id.is_none() && value.is_blank())
        {
            clears |= value.is_blank() && rule.role != Role::Owner;
            body.insert(member.to_owned(), to_json(rule, value));
        }
    }
    // Without it a null is ignored; with it only what is sent is touched. Companies always clear.
    if clears && kind == Kind::Person {
        body.insert("overwriteWithBlank".to_owned(), true.into());
    }
    if let Some(reason) = consent.and_then(|consent| reason_of(consent, id.is_none())) {
        let channel = json!([{"channel": "email", "reason": reason}]);
        body.insert("doNotContact".to_owned(), channel);
    }
    body
}

/// Automation's number for a consent. Nobody needs to be let in who was never kept out, and a bounce
/// does not travel.
const fn reason_of(consent: Consent, is_new: bool) -> Option<u8> {
    match consent {
        Consent::Out(Reason::Unsubscribed) => Some(1),
        Consent::Out(Reason::Manual | Reason::Unstated) => Some(3),
        Consent::In if !is_new => Some(0),
        Consent::In | Consent::Bounced => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::adapters::testing::rule;
    use crate::domain::ids::SalesforceObject::Contact;
    use crate::domain::time::Day;

    fn typed(value_type: ValueType) -> FieldRule {
        FieldRule {
            value_type,
            ..rule(1, "X", &[Contact], "x", Role::Plain)
        }
    }

    fn any_typed_value() -> impl Strategy<Value = (ValueType, Value)> {
        prop_oneof![
            any::<String>().prop_map(|text| (ValueType::Text, Value::text(&text))),
            any::<bool>().prop_map(|value| (ValueType::Bool, Value::Bool(value))),
            any::<i64>().prop_map(|n| (ValueType::Number, Value::Number(Decimal::from(n)))),
            (-100_000_i32..200_000).prop_map(|day| (ValueType::Date, Value::Date(Day(day)))),
            (-2_000_000_000_i64..4_000_000_000)
                .prop_map(|s| (ValueType::Moment, Value::Moment(Timestamp::from_seconds(s)))),
            (0_u8..24, 0_u8..60)
                .prop_map(|(h, m)| (ValueType::Time, Value::Text(format!("{h:02}:{m:02}")))),
            proptest::collection::vec("[^|\r\n]{0,8}", 0..4)
                .prop_map(|options| (ValueType::Choices, Value::many(options))),
        ]
    }

    proptest! {
        #[test]
        fn a_value_comes_back_as_it_was_sent((value_type, sent) in any_typed_value()) {
            let wire = to_json(&typed(value_type), &sent).to_string();
            let json: Json = serde_json::from_str(&wire).unwrap();
            prop_assert_eq!(value(value_type, &json), Some(sent));
        }
    }

    #[test]
    fn a_boolean_is_read_in_each_of_its_spellings() {
        for (json, expected) in [
            (json!("1"), true),
            (json!(1), true),
            (json!(true), true),
            (json!("0"), false),
            (json!(0), false),
            (json!(false), false),
        ] {
            assert_eq!(value(ValueType::Bool, &json), Some(Value::Bool(expected)));
        }
        assert_eq!(value(ValueType::Bool, &Json::Null), Some(Value::Blank));
    }

    #[test]
    fn a_recorded_contact_becomes_a_row() {
        let mapping = Mapping {
            person: vec![
                rule(1, "Email", &[Contact], "email", Role::Email),
                FieldRule {
                    value_type: ValueType::Choices,
                    ..rule(2, "Interests__c", &[Contact], "interests", Role::Plain)
                },
                FieldRule {
                    value_type: ValueType::Moment,
                    ..rule(3, "Trial__c", &[Contact], "trial_ends_at", Role::Plain)
                },
                rule(4, "OwnerId", &[Contact], "owner", Role::Owner),
                rule(5, "Phone", &[Contact], "unpublished", Role::Plain),
                rule(6, "Title", &[Contact], "mobile", Role::Plain),
                rule(
                    7,
                    "Link__c",
                    &[Contact],
                    "@timeline_link",
                    Role::TimelineLink,
                ),
            ],
            company: Vec::new(),
        };
        let record = json!({
            "dateAdded": "2026-11-22T21:39:27+00:00", "dateModified": "2026-11-22T21:41:57+00:00",
            "createdByUser": "Ada Admin", "modifiedByUser": "Sync rig [1]", "id": 1, "points": 7,
            "owner": {"id": 2, "username": "bruno"},
            "doNotContact": [
                {"id": 9, "reason": 3, "channel": "sms"},
                {"id": 1, "reason": 1, "comments": "asked by phone", "channel": "email"}],
            "fields": {"all": {"id": "1", "email": "elodie.brien@example.org", "mobile": null,
                "interests": "tea|coffee", "trial_ends_at": "2026-12-24 18:30:00"}}
        });
        let base = "https://acme.automation.example/".parse().unwrap();
        let context = Context {
            mapping: &mapping,
            kind: Kind::Person,
            base: &base,
        };
        let row = context.row(&record).unwrap();
        assert_eq!(row.id, RemoteId::Automation(Kind::Person, AutomationId(1)));
        assert_eq!(row.modified, values::moment("2026-11-22T21:41:57Z"));
        assert_eq!(row.edited_by.as_deref(), Some("Sync rig [1]"));
        assert_eq!(row.consent, Some(Consent::Out(Reason::Unsubscribed)));
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            row.values,
            [
                (FieldId(1), text("elodie.brien@example.org")),
                (FieldId(2), Value::many(["coffee", "tea"])),
                (
                    FieldId(3),
                    Value::Moment(values::moment("2026-12-24T18:30:00Z").unwrap())
                ),
                (FieldId(4), text("2")),
                (FieldId(6), Value::Blank),
                (
                    FieldId(7),
                    text("https://acme.automation.example/s/contacts/view/1")
                ),
            ]
        );
    }

    #[test]
    fn a_blank_goes_out_as_null_with_leave_to_overwrite_and_only_then() {
        let mapping = Mapping {
            person: vec![
                rule(1, "Phone", &[Contact], "phone", Role::Plain),
                rule(2, "OwnerId", &[Contact], "owner", Role::Owner),
            ],
            company: Vec::new(),
        };
        let id = Some(AutomationId(5));
        let clears = [(FieldId(1), Value::Blank)];
        assert_eq!(
            Json::Object(body(&mapping, Kind::Person, &clears, Some(Consent::In), id)),
            json!({"id": 5, "phone": null, "overwriteWithBlank": true,
                   "doNotContact": [{"channel": "email", "reason": 0}]})
        );
        let owner = [(FieldId(2), Value::Text("2".into()))];
        assert_eq!(
            Json::Object(body(&mapping, Kind::Person, &owner, None, id)),
            json!({"id": 5, "owner": 2})
        );
        let new = Consent::Out(Reason::Unstated);
        assert_eq!(
            Json::Object(body(&mapping, Kind::Person, &clears, Some(new), None)),
            json!({"doNotContact": [{"channel": "email", "reason": 3}]})
        );
    }
}
