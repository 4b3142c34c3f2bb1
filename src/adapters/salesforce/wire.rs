//! Their JSON to our nouns and back: which columns a mapping needs, records to rows, values to JSON.

use serde_json::{Map, Value as Json};

use super::super::failures::Fault;
use super::super::values;
use super::soql::Name;
use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{FieldId, RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::row::{Row, RowState};
use crate::domain::value::{Value, ValueType};

pub(super) const OPT_OUT: &str = "HasOptedOutOfEmail";

/// What a sandbox refresh appends to the addresses of users.
const SANDBOX_SUFFIX: &str = ".invalid";

/// The columns of a query for rows of this object: the mapped ones, and what state, identity and
/// the special roles need.
pub(super) fn columns(mapping: &Mapping, object: SalesforceObject) -> Result<Vec<Name>, Fault> {
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
            (Role::Consent, _) => columns.push(OPT_OUT),
            (Role::Owner, _) => columns.push("OwnerId"),
            (Role::Company, SalesforceObject::Contact) => {
                columns.extend(["AccountId", "Account.Name"]);
            }
            _ => columns.push(&rule.salesforce),
        }
    }
    let mut names: Vec<Name> = Vec::with_capacity(columns.len());
    for column in columns {
        let name = Name::new(column)?;
        let is_repeated = names
            .iter()
            .any(|known| known.as_str().eq_ignore_ascii_case(column));
        if !is_repeated {
            names.push(name);
        }
    }
    Ok(names)
}

/// The column that a rule writes on this object; `None` if it writes nothing there.
pub(super) fn written_column(rule: &FieldRule, object: SalesforceObject) -> Option<&str> {
    match (rule.role, object) {
        _ if !rule.objects.contains(&object) => None,
        (Role::Deleted | Role::Consent, _) => None,
        (Role::Owner, _) => Some("OwnerId"),
        (Role::Company, SalesforceObject::Contact) => Some("AccountId"),
        _ => Some(&rule.salesforce),
    }
}

/// The rule that an error about this column is about.
pub(super) fn rule_of_column(
    mapping: &Mapping,
    object: SalesforceObject,
    column: &str,
) -> Option<FieldId> {
    mapping
        .rules_of(object)
        .find(|rule| {
            let written = match rule.role {
                Role::Consent => Some(OPT_OUT),
                _ => written_column(rule, object),
            };
            written.is_some_and(|written| written.eq_ignore_ascii_case(column))
        })
        .map(|rule| rule.id)
}

/// A record of an answer as a row.
pub(super) fn row(
    mapping: &Mapping,
    object: SalesforceObject,
    record: &Json,
) -> Result<Row, Fault> {
    let id = id_at(record, "Id")
        .ok_or_else(|| Fault::broken("record", format!("a {object} has no readable Id")))?;
    let has_consent = mapping
        .rules_of(object)
        .any(|rule| rule.role == Role::Consent);
    let text = |name: &str| column(record, name)?.as_str();
    Ok(Row {
        id: RemoteId::Salesforce(object, id),
        modified: text("SystemModstamp").and_then(values::moment),
        edited_by: text("LastModifiedBy.Name").map(str::to_owned),
        state: state(record),
        values: mapping
            .rules_of(object)
            .filter_map(|rule| Some((rule.id, read(rule, object, record)?)))
            .collect(),
        consent: has_consent
            .then(|| flag(record, OPT_OUT).map(consent))
            .flatten(),
        account: id_at(record, "AccountId"),
    })
}

fn state(record: &Json) -> RowState {
    let is = |column: &str| flag(record, column) == Some(true);
    if is("IsDeleted") {
        return id_at(record, "MasterRecordId")
            .map_or(RowState::Deleted, RowState::MergedSalesforce);
    }
    match id_at(record, "ConvertedContactId") {
        Some(contact) if is("IsConverted") => RowState::Converted(contact),
        _ => RowState::Live,
    }
}

const fn consent(has_opted_out: bool) -> Consent {
    if has_opted_out {
        Consent::Out(Reason::Unstated)
    } else {
        Consent::In
    }
}

/// A rule's value on a record; `None` if the record does not show it.
fn read(rule: &FieldRule, object: SalesforceObject, record: &Json) -> Option<Value> {
    match (rule.role, object) {
        (Role::Consent, _) => None,
        (Role::Deleted, _) => flag(record, "IsDeleted").map(Value::Bool),
        // A user or a queue; in the form in which users are described.
        (Role::Owner, _) => id_at(record, "OwnerId").map(|id| Value::Text(id.to_string())),
        (Role::Company, SalesforceObject::Contact) => {
            value(ValueType::Text, column(record, "Account.Name")?)
        }
        _ => value(rule.value_type, column(record, &rule.salesforce)?),
    }
}

/// A column by its API name, in any case, across relationships.
fn column<'a>(record: &'a Json, name: &str) -> Option<&'a Json> {
    name.split('.')
        .try_fold(record, |record, part| match record {
            // The parent is missing, and with it everything of it.
            Json::Null => Some(record),
            Json::Object(fields) => fields.get(part).or_else(|| {
                let mut fields = fields.iter();
                fields
                    .find(|(key, _)| key.eq_ignore_ascii_case(part))
                    .map(|(_, field)| field)
            }),
            _ => None,
        })
}

fn flag(record: &Json, name: &str) -> Option<bool> {
    column(record, name)?.as_bool()
}

/// A value by its type; `None` if the JSON is not of that type.
pub(super) fn value(value_type: ValueType, json: &Json) -> Option<Value> {
    if json.is_null() {
        return Some(Value::Blank);
    }
    let text = values::text(json);
    match value_type {
        ValueType::Text | ValueType::Email | ValueType::Choice => Some(Value::text(&text?)),
        ValueType::Bool => json.as_bool().map(Value::Bool),
        ValueType::Number => values::number(json),
        ValueType::Date => values::day(&text?).map(Value::Date),
        ValueType::Moment => values::moment(&text?).map(Value::Moment),
        ValueType::Time => values::time(&text?),
        ValueType::Choices => Some(Value::many(text?.split(';'))),
    }
}

/// A value as Salesforce wants it. Blank is null, which empties the field.
pub(super) fn to_json(value_type: ValueType, value: &Value) -> Json {
    match value {
        Value::Blank => Json::Null,
        Value::Text(time) if value_type == ValueType::Time => format!("{time}:00.000Z").into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Number(decimal) => values::number_json(*decimal),
        Value::Date(day) => day.to_string().into(),
        Value::Moment(moment) => moment.to_string().into(),
        Value::Many(options) => options.join(";").into(),
    }
}

/// The fields of a write, in the mapping's order; blanks clear on an update and are left out of a
/// creation, where they could only hide a default.
pub(super) fn fields(
    mapping: &Mapping,
    object: SalesforceObject,
    values: &[(FieldId, Value)],
    consent: Option<Consent>,
    is_new: bool,
) -> Map<String, Json> {
    let mut fields = Map::new();
    for (field, value) in values {
        let Some(rule) = mapping.rule(object.kind(), *field) else {
            continue;
        };
        if is_new && value.is_blank() {
            continue;
        }
        if let Some(column) = written_column(rule, object) {
            fields.insert(column.to_owned(), to_json(rule.value_type, value));
        }
    }
    match consent {
        Some(Consent::Out(_)) => drop(fields.insert(OPT_OUT.to_owned(), true.into())),
        Some(Consent::In) => drop(fields.insert(OPT_OUT.to_owned(), false.into())),
        // A bounce is not an opt-out and does not travel.
        Some(Consent::Bounced) | None => {}
    }
    fields
}

/// Lower-cased, without what a sandbox refresh appends.
pub(super) fn user_email(email: &str) -> String {
    let email = email.trim().to_lowercase();
    match email.strip_suffix(SANDBOX_SUFFIX) {
        Some(real) if real.contains('@') => real.to_owned(),
        _ => email,
    }
}

pub(super) fn id_at(record: &Json, column: &str) -> Option<SalesforceId> {
    self::column(record, column)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::adapters::testing::rule;
    use crate::domain::ids::SalesforceObject::{Account, Contact, Lead};
    use crate::domain::time::{Day, Timestamp};
    use crate::domain::value::Decimal;

    fn person(rules: Vec<FieldRule>) -> Mapping {
        Mapping {
            person: rules,
            company: Vec::new(),
        }
    }

    fn any_typed_value() -> impl Strategy<Value = (ValueType, Value)> {
        prop_oneof![
            any::<String>().prop_map(|text| (ValueType::Text, Value::text(&text))),
            any::<bool>().prop_map(|value| (ValueType::Bool, Value::Bool(value))),
            any::<i64>().prop_map(|n| (ValueType::Number, Value::Number(Decimal::from(n)))),
            (any::<i64>(), 1_u8..9).prop_map(|(n, scale)| {
                let text = format!("{n}e-{scale}");
                (ValueType::Number, Value::Number(text.parse().unwrap()))
            }),
            (-100_000_i32..200_000).prop_map(|day| (ValueType::Date, Value::Date(Day(day)))),
            (-2_000_000_000_i64..4_000_000_000)
                .prop_map(|s| (ValueType::Moment, Value::Moment(Timestamp::from_seconds(s)))),
            (0_u8..24, 0_u8..60)
                .prop_map(|(h, m)| (ValueType::Time, Value::Text(format!("{h:02}:{m:02}")))),
            proptest::collection::vec("[^;\r\n]{0,8}", 0..4)
                .prop_map(|options| (ValueType::Choices, Value::many(options))),
        ]
    }

    proptest! {
        #[test]
        fn a_value_comes_back_as_it_was_sent((value_type, sent) in any_typed_value()) {
            let wire = serde_json::to_string(&to_json(value_type, &sent)).unwrap();
            let json: Json = serde_json::from_str(&wire).unwrap();
            prop_assert_eq!(value(value_type, &json), Some(sent));
        }
    }

    #[test]
    fn a_number_with_a_needless_fraction_is_the_whole_number() {
        let json: Json = serde_json::from_str("1234.0").unwrap();
        let expected = Value::Number(Decimal::from(1234));
        assert_eq!(value(ValueType::Number, &json), Some(expected));
    }

    #[test]
    fn a_query_asks_for_what_the_roles_need_and_nothing_twice() {
        let mapping = person(vec![
            rule(1, "Email", &[Lead, Contact], "email", Role::Email),
            rule(
                2,
                "HasOptedOutOfEmail",
                &[Lead, Contact],
                "@do_not_contact_email",
                Role::Consent,
            ),
            rule(3, "OwnerId", &[Lead, Contact], "owner", Role::Owner),
            rule(4, "AccountId", &[Contact], "company", Role::Company),
            rule(5, "IsDeleted", &[Lead, Contact], "deleted", Role::Deleted),
            rule(6, "email", &[Lead], "email_2", Role::Plain),
        ]);
        let texts = |object| {
            let columns = columns(&mapping, object).unwrap();
            let texts: Vec<_> = columns.iter().map(ToString::to_string).collect();
            texts.join(" ")
        };
        assert_eq!(
            texts(Lead),
            "Id IsDeleted SystemModstamp LastModifiedBy.Name MasterRecordId IsConverted \
             ConvertedContactId Email HasOptedOutOfEmail OwnerId"
        );
        assert_eq!(
            texts(Contact),
            "Id IsDeleted SystemModstamp LastModifiedBy.Name MasterRecordId Email \
             HasOptedOutOfEmail OwnerId AccountId Account.Name"
        );
    }

    #[test]
    fn a_mapping_with_a_query_in_a_name_is_refused() {
        let mapping = person(vec![rule(
            1,
            "Email FROM User",
            &[Lead],
            "email",
            Role::Plain,
        )]);
        assert!(columns(&mapping, Lead).is_err());
    }

    #[test]
    fn a_record_becomes_a_row_with_state_consent_and_account() {
        let mapping = person(vec![
            rule(1, "Email", &[Contact], "email", Role::Email),
            rule(
                2,
                "HasOptedOutOfEmail",
                &[Contact],
                "@do_not_contact_email",
                Role::Consent,
            ),
            rule(3, "OwnerId", &[Contact], "owner", Role::Owner),
            rule(4, "AccountId", &[Contact], "company", Role::Company),
            rule(5, "Hidden__c", &[Contact], "hidden", Role::Plain),
        ]);
        let record = json!({
            "attributes": {"type": "Contact"},
            "Id": "003Q70000000A1bIAE",
            "IsDeleted": false,
            "SystemModstamp": "2026-03-04T09:15:02.000+0000",
            "LastModifiedBy": {"Name": "Ada Admin"},
            "MasterRecordId": null,
            "Email": " Lea@Example.org",
            "HasOptedOutOfEmail": true,
            "OwnerId": "005Q70000000T2eIAE",
            "AccountId": "001Q70000000A1bIAE",
            "Account": {"Name": "Orion SARL"},
        });
        let row = row(&mapping, Contact, &record).unwrap();
        assert_eq!(row.modified, Some(Timestamp::from_seconds(1_772_615_702)));
        assert_eq!(row.edited_by.as_deref(), Some("Ada Admin"));
        assert_eq!(row.state, RowState::Live);
        assert_eq!(row.consent, Some(Consent::Out(Reason::Unstated)));
        assert_eq!(row.account, "001Q70000000A1bIAE".parse().ok());
        assert_eq!(
            row.values,
            [
                (FieldId(1), Value::Text("Lea@Example.org".into())),
                (FieldId(3), Value::Text("005Q70000000T2eIAE".into())),
                (FieldId(4), Value::Text("Orion SARL".into())),
            ]
        );
    }

    #[test]
    fn merged_deleted_and_converted_records_say_what_they_live_on_as() {
        let state_of = |record: Json| state(&record);
        let id: SalesforceId = "003Q70000000A1b".parse().unwrap();
        let winner = json!({"IsDeleted": true, "MasterRecordId": id.to_string()});
        assert_eq!(state_of(winner), RowState::MergedSalesforce(id));
        let deleted = json!({"IsDeleted": true, "MasterRecordId": null});
        assert_eq!(state_of(deleted), RowState::Deleted);
        let converted =
            json!({"IsDeleted": false, "IsConverted": true, "ConvertedContactId": id.to_string()});
        assert_eq!(state_of(converted), RowState::Converted(id));
    }

    #[test]
    fn a_write_names_the_columns_of_the_object_and_leaves_blanks_out_of_a_creation() {
        let mut mapping = person(vec![
            rule(1, "Email", &[Lead, Contact], "email", Role::Email),
            rule(3, "OwnerId", &[Lead, Contact], "owner", Role::Owner),
            rule(4, "AccountId", &[Contact], "company", Role::Company),
            rule(5, "Title", &[Lead, Contact], "position", Role::Plain),
        ]);
        mapping.company = vec![rule(
            9,
            "Name",
            &[Account],
            "companyname",
            Role::CompanyName,
        )];
        let text = |text: &str| Value::Text(text.into());
        let values = [
            (FieldId(1), text("a@x.example")),
            (FieldId(3), text("005Q70000000T2eIAE")),
            (FieldId(4), text("001Q70000000A1bIAE")),
            (FieldId(5), Value::Blank),
        ];
        let out = Some(Consent::Out(Reason::Manual));
        assert_eq!(
            Json::Object(fields(&mapping, Contact, &values, out, false)),
            json!({"Email": "a@x.example", "OwnerId": "005Q70000000T2eIAE",
                   "AccountId": "001Q70000000A1bIAE", "Title": null, "HasOptedOutOfEmail": true})
        );
        assert_eq!(
            Json::Object(fields(&mapping, Lead, &values, None, true)),
            json!({"Email": "a@x.example", "OwnerId": "005Q70000000T2eIAE"})
        );
        assert_eq!(
            rule_of_column(&mapping, Contact, "ACCOUNTID"),
            Some(FieldId(4))
        );
    }
}
