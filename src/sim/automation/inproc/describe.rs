//! The instance as it describes itself.

use crate::domain::request::{AutomationDescription, FieldAccess, FieldDescription, User};
use crate::domain::value::ValueType;
use crate::sim::automation::activity::ActivityKind;
use crate::sim::automation::field::{Field, Kind, Subject, Traits};
use crate::sim::automation::instance::Automation;

/// The column of a text field without a limit of its own.
const TEXT_CHARS_MAX: u32 = 191;

pub(super) fn describe(brain: &Automation) -> AutomationDescription {
    let fields = |subject| {
        let fields = brain
            .fields()
            .of(subject)
            .filter(|field| field.is_published());
        fields.map(description).collect()
    };
    let users = brain.users().all().iter().map(|user| User {
        id: user.id.0.to_string(),
        email: user.email.trim().to_lowercase(),
        name: user.full_name(),
        is_active: true,
    });
    AutomationDescription {
        instance: brain.settings.base_url.clone(),
        version: brain.settings.version.clone(),
        contact_fields: fields(Subject::Contact),
        company_fields: fields(Subject::Company),
        activity_types: ActivityKind::ALL
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect(),
        users: users.collect(),
    }
}

fn description(field: &Field) -> FieldDescription {
    let value_type = value_type(&field.kind);
    // A field's own limit is not among what an instance tells of it.
    let length_max = match (&field.kind, value_type) {
        (Kind::Textarea | Kind::Html, _) => None,
        (_, ValueType::Text | ValueType::Email | ValueType::Choice) => Some(TEXT_CHARS_MAX),
        _ => None,
    };
    let is_limited = matches!(
        field.kind,
        Kind::Text | Kind::Lookup(_) | Kind::Tel | Kind::Url
    );
    let choices = match &field.kind {
        Kind::Select(choices) | Kind::Multiselect(choices) => {
            Some(choices.iter().map(|choice| choice.value.clone()).collect())
        }
        _ => None,
    };
    FieldDescription {
        name: field.alias.clone(),
        label: field.label.clone(),
        value_type: Some(value_type),
        length_max,
        hides_length: is_limited && !field.traits.has(Traits::FIXED),
        decimals: matches!(field.kind, Kind::Number(_)).then(|| field.decimals()),
        is_required: false,
        access: FieldAccess::Writable,
        is_unique: field.is_unique(),
        is_upsert_key: false,
        choices,
    }
}

const fn value_type(kind: &Kind) -> ValueType {
    match kind {
        Kind::Boolean { .. } => ValueType::Bool,
        Kind::Date => ValueType::Date,
        Kind::Datetime => ValueType::Moment,
        Kind::Email => ValueType::Email,
        Kind::Multiselect(_) => ValueType::Choices,
        Kind::Number(_) => ValueType::Number,
        Kind::Time => ValueType::Time,
        Kind::Country | Kind::Locale | Kind::Region | Kind::Select(_) | Kind::Timezone => {
            ValueType::Choice
        }
        Kind::Html | Kind::Lookup(_) | Kind::Tel | Kind::Text | Kind::Textarea | Kind::Url => {
            ValueType::Text
        }
    }
}
