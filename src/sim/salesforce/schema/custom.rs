//! The one custom object the product relies on: the timeline that activities are written to.

use super::standard::{audit_fields, owner};
use super::{Ability, FieldDef, FieldType, ObjectDef, Trait};
use crate::sim::salesforce::ids::KeyPrefix;

/// How the timeline's unique reference was set up: the set-up guide makes it unique, and only some
/// administrators also tick "external ID", which is what makes an upsert by it possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKey {
    Unique,
    UniqueExternalId,
}

/// `[ns__]mautic_timeline__c`. Only names ending in `__c` or `__r` take the namespace.
pub fn timeline(namespace: Option<&str>, prefix: KeyPrefix, reference: ReferenceKey) -> ObjectDef {
    let named = |name: &str| match namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    };
    let mut object = ObjectDef::new(
        &named("mautic_timeline__c"),
        "Timeline",
        prefix,
        Ability::Full,
    );
    let lookup = |name: &str, label: &str, relationship: &str, to: &str| {
        FieldDef::reference(&named(name), label, &named(relationship), &[to])
    };
    let mut key = FieldDef::text(&named("ReferenceId__c"), "ReferenceId", 255).unique();
    if reference == ReferenceKey::UniqueExternalId {
        key = key.external_id();
    }
    let fields = [
        owner(&["Group", "User"]),
        FieldDef::text("Name", "Timeline Name", 80).with(&[
            Trait::NameField,
            Trait::IdLookup,
            Trait::Indexed,
        ]),
        FieldDef::new(
            &named("ActivityDate__c"),
            "ActivityDate",
            FieldType::DateTime,
        ),
        lookup("contact_id__c", "contact_id", "contact_id__r", "Contact"),
        lookup("WhoId__c", "WhoId", "WhoId__r", "Lead"),
        FieldDef::long_text(&named("Description__c"), "Description", 131_072),
        FieldDef::number(&named("MauticLead__c"), "MauticLead", 18, 0).external_id(),
        FieldDef::new(&named("Mautic_url__c"), "Mautic_url", FieldType::Url),
        key,
    ];
    fields.into_iter().chain(audit_fields()).for_each(|field| {
        object.add(field);
    });
    object
}

/// What a custom object has before anybody adds a field.
pub fn custom_columns(label: &str) -> Vec<FieldDef> {
    let name = FieldDef::text("Name", &format!("{label} Name"), 80).with(&[
        Trait::NameField,
        Trait::IdLookup,
        Trait::Indexed,
    ]);
    [owner(&["Group", "User"]), name]
        .into_iter()
        .chain(audit_fields())
        .collect()
}
