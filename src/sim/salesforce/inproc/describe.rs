//! The organisation as it describes itself.

use std::collections::BTreeMap;

use super::convert;
use crate::domain::ids::SalesforceObject;
use crate::domain::mapping::Policy;
use crate::domain::request::{FieldAccess, FieldDescription, SalesforceDescription, User};
use crate::domain::value::ValueType;
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::schema::{FieldDef, FieldType, ObjectIndex, Trait, USER};

pub(super) fn describe(org: &Salesforce, policy: &Policy) -> SalesforceDescription {
    let objects: BTreeMap<String, Vec<FieldDescription>> = SalesforceObject::ALL
        .into_iter()
        .filter_map(|object| {
            let index = org.schema().find(object.name(), None)?;
            Some((object.name().to_owned(), fields(org, index)))
        })
        .collect();
    let timeline = match policy.namespace.as_str() {
        "" => "mautic_timeline__c".to_owned(),
        namespace => format!("{namespace}__mautic_timeline__c"),
    };
    let timeline = org.schema().find(&timeline, None);
    SalesforceDescription {
        organisation: org.organization().to_string(),
        organisation_name: org.config().name.clone(),
        is_sandbox: org.config().is_sandbox,
        api_version: "62.0".to_owned(),
        objects,
        timeline: timeline.map(|index| fields(org, index)),
        users: users(org),
    }
}

fn fields(org: &Salesforce, object: ObjectIndex) -> Vec<FieldDescription> {
    let fields = org.schema().object(object).fields();
    let shown = fields.filter(|(_, field)| field.is_readable());
    shown.map(|(_, field)| description(field)).collect()
}

fn description(field: &FieldDef) -> FieldDescription {
    let value_type = value_type(field.kind);
    let is_text = matches!(
        value_type,
        Some(ValueType::Text | ValueType::Email | ValueType::Choice)
    );
    let access = match (field.is_createable(), field.is_updateable()) {
        (true, true) => FieldAccess::Writable,
        (true, false) => FieldAccess::CreateOnly,
        (false, true) => FieldAccess::UpdateOnly,
        (false, false) => FieldAccess::ReadOnly,
    };
    let is_required = field.is(Trait::Createable)
        && !field.is(Trait::Nillable)
        && !field.is(Trait::DefaultedOnCreate)
        && field.kind != FieldType::Boolean;
    FieldDescription {
        name: field.name.clone(),
        label: field.label.clone(),
        value_type,
        length_max: (is_text && field.length > 0).then_some(field.length),
        hides_length: false,
        decimals: field
            .kind
            .is_numeric()
            .then(|| u8::try_from(field.scale).unwrap_or(u8::MAX)),
        is_required,
        access,
        is_unique: field.is(Trait::Unique),
        is_upsert_key: field.is(Trait::IdLookup) || field.is(Trait::ExternalId),
        // The simulator checks values of restricted lists itself.
        choices: None,
    }
}

const fn value_type(kind: FieldType) -> Option<ValueType> {
    Some(match kind {
        FieldType::Id
        | FieldType::Reference
        | FieldType::String
        | FieldType::Phone
        | FieldType::Url
        | FieldType::TextArea => ValueType::Text,
        FieldType::Email => ValueType::Email,
        FieldType::Boolean => ValueType::Bool,
        FieldType::Int | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            ValueType::Number
        }
        FieldType::Date => ValueType::Date,
        FieldType::DateTime => ValueType::Moment,
        FieldType::Picklist => ValueType::Choice,
        FieldType::MultiPicklist => ValueType::Choices,
        FieldType::Address | FieldType::AnyType => return None,
    })
}

fn users(org: &Salesforce) -> Vec<User> {
    let users = org.records(USER).map(|(id, _)| {
        let text = |field: &str| convert::text(&org.value(id, field)).unwrap_or_default();
        User {
            id: id.to_string(),
            email: text("Email").trim().to_lowercase(),
            name: text("Name"),
            is_active: org.value(id, "IsActive").as_bool() != Some(false),
        }
    });
    users.collect()
}
