//! The rows of each setup table.

use serde_json::{Map, Value as Json, json};

use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Layout, ListedSite, Salesforce};
use crate::sim::salesforce::rules::{DuplicateRule, ValidationRule};
use crate::sim::salesforce::schema::{
    FieldDef, FieldType, ObjectDef, ObjectIndex, Trait, UserRight,
};
use crate::sim::salesforce::value::FieldIndex;

/// Fields of one object at most, for ids that name both.
const FIELDS_MAX: usize = 4_096;

/// All rows of a table. Which tables there are depends on the API that is asked: layouts, sites
/// and validation rules are the Tooling API's alone, duplicate rules the data API's.
pub(super) fn rows(org: &Salesforce, table: &str, is_tooling: bool) -> Option<Vec<Json>> {
    let setup = &org.setup;
    Some(match (table.to_ascii_lowercase().as_str(), is_tooling) {
        ("fielddefinition", _) => fields(org),
        ("entitydefinition", _) => {
            let objects = org.schema().objects();
            objects.map(|(_, object)| entity(object)).collect()
        }
        ("remoteproxy", true) => sites(&setup.remote_sites, ("SiteName", "0rp")),
        ("csptrustedsite", true) => sites(&setup.trusted_sites, ("DeveloperName", "08y")),
        ("validationrule", true) => {
            let rules = org.rules.validations.iter().enumerate();
            rules.map(|(at, rule)| validation(org, at, rule)).collect()
        }
        ("layout", true) => {
            let layouts = setup.layouts.iter().enumerate();
            layouts.map(|(at, one)| layout(org, at, one)).collect()
        }
        ("customfield", true) => custom_fields(org),
        ("customobject", true) => custom_objects(org),
        ("duplicaterule", false) => {
            let rules = org.rules.duplicates.iter().enumerate();
            rules.map(|(at, rule)| duplicate(org, at, rule)).collect()
        }
        ("userpermissionaccess", false) => vec![own_rights(org)],
        _ => return None,
    })
}

pub(super) fn validation_id(at: usize) -> RecordId {
    Salesforce::setup_id("03d", at)
}

pub(super) fn layout_id(at: usize) -> RecordId {
    Salesforce::setup_id("00h", at)
}

pub(super) fn field_id(object: ObjectIndex, field: FieldIndex) -> RecordId {
    let place = usize::from(object.0) * FIELDS_MAX + usize::from(field.0);
    Salesforce::setup_id("00N", place)
}

/// The object's own name, or for a custom object the id of its definition.
fn table_enum_or_id(org: &Salesforce, object: ObjectIndex) -> String {
    let definition = org.schema().object(object);
    if definition.is_custom {
        Salesforce::setup_id("01I", usize::from(object.0)).to_string()
    } else {
        definition.name.clone()
    }
}

fn namespace(name: &str) -> Option<&str> {
    let stem = name.strip_suffix("__c")?;
    stem.split_once("__").map(|(namespace, _)| namespace)
}

fn developer_name(name: &str) -> &str {
    let stem = name.strip_suffix("__c").unwrap_or(name);
    stem.rsplit_once("__").map_or(stem, |(_, name)| name)
}

fn entity(object: &ObjectDef) -> Json {
    json!({
        "DurableId": object.name,
        "QualifiedApiName": object.name,
        "DeveloperName": developer_name(&object.name),
        "NamespacePrefix": namespace(&object.name),
        "Label": object.label,
        "PluralLabel": object.label_plural,
        "KeyPrefix": object.prefix.to_string(),
        "IsQueryable": true,
        "IsFieldHistoryTracked": object.is_history_enabled,
    })
}

fn fields(org: &Salesforce) -> Vec<Json> {
    let mut rows = Vec::new();
    for (_, object) in org.schema().objects() {
        for (_, field) in object.fields() {
            rows.push(json!({
                "DurableId": format!("{}.{}", object.name, field.name),
                "QualifiedApiName": field.name,
                "DeveloperName": developer_name(&field.name),
                "NamespacePrefix": namespace(&field.name),
                "Label": field.label,
                "DataType": field.kind.name(),
                "Length": field.length,
                "IsFieldHistoryTracked": field.is(Trait::HistoryTracked) && object.is_history_enabled,
                "IsIndexed": field.is(Trait::Indexed),
                "IsNillable": field.is(Trait::Nillable),
                "EntityDefinitionId": object.name,
                "EntityDefinition": entity(object),
            }));
        }
    }
    rows
}

fn sites(listed: &[ListedSite], (name, prefix): (&str, &str)) -> Vec<Json> {
    let site = |(at, site): (usize, &ListedSite)| {
        let mut row = Map::new();
        row.insert(
            "Id".to_owned(),
            json!(Salesforce::setup_id(prefix, at).to_string()),
        );
        row.insert(name.to_owned(), json!(site.name));
        row.insert("EndpointUrl".to_owned(), json!(site.url));
        row.insert("IsActive".to_owned(), json!(site.is_active));
        row.insert("Description".to_owned(), Json::Null);
        Json::Object(row)
    };
    listed.iter().enumerate().map(site).collect()
}

fn validation(org: &Salesforce, at: usize, rule: &ValidationRule) -> Json {
    let object = org.schema().object(rule.object);
    json!({
        "Id": validation_id(at).to_string(),
        "ValidationName": rule.name,
        "FullName": format!("{}.{}", object.name, rule.name),
        "Active": rule.is_active,
        "Description": null,
        "ErrorMessage": rule.message,
        "ErrorDisplayField": rule.field,
        "EntityDefinitionId": table_enum_or_id(org, rule.object),
        "EntityDefinition": entity(object),
        "NamespacePrefix": null,
        "Metadata": {
            "active": rule.is_active,
            "description": null,
            "errorConditionFormula": rule.formula,
            "errorDisplayField": rule.field,
            "errorMessage": rule.message,
            "urls": null,
        },
    })
}

fn layout(org: &Salesforce, at: usize, one: &Layout) -> Json {
    let object = org.schema().object(one.object);
    let lists = one.related_lists.iter().map(|list| {
        json!({
            "customButtons": [],
            "excludeButtons": [],
            "fields": list.fields,
            "quickActions": [],
            "relatedList": list.list,
            "sortField": null,
            "sortOrder": null,
        })
    });
    json!({
        "Id": layout_id(at).to_string(),
        "Name": one.name,
        "FullName": format!("{}-{}", object.name, one.name),
        "LayoutType": "Standard",
        "TableEnumOrId": table_enum_or_id(org, one.object),
        "EntityDefinitionId": table_enum_or_id(org, one.object),
        "EntityDefinition": entity(object),
        "NamespacePrefix": null,
        "Metadata": { "layoutSections": [], "relatedLists": lists.collect::<Vec<_>>() },
    })
}

fn custom_objects(org: &Salesforce) -> Vec<Json> {
    let custom = org
        .schema()
        .objects()
        .filter(|(_, object)| object.is_custom);
    let row = |(at, object): (ObjectIndex, &ObjectDef)| {
        json!({
            "Id": Salesforce::setup_id("01I", usize::from(at.0)).to_string(),
            "DeveloperName": developer_name(&object.name),
            "NamespacePrefix": namespace(&object.name),
        })
    };
    custom.map(row).collect()
}

fn custom_fields(org: &Salesforce) -> Vec<Json> {
    let mut rows = Vec::new();
    for (at, object) in org.schema().objects() {
        for (place, field) in object.fields().filter(|(_, field)| field.is(Trait::Custom)) {
            rows.push(json!({
                "Id": field_id(at, place).to_string(),
                "DeveloperName": developer_name(&field.name),
                "FullName": format!("{}.{}", object.name, field.name),
                "TableEnumOrId": table_enum_or_id(org, at),
                "EntityDefinitionId": table_enum_or_id(org, at),
                "EntityDefinition": entity(object),
                "NamespacePrefix": namespace(&field.name),
                "Metadata": field_metadata(field),
            }));
        }
    }
    rows
}

/// A field as the Metadata API would write it down.
fn field_metadata(field: &FieldDef) -> Json {
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("label", json!(field.label));
    put("type", json!(type_name(field)));
    match field.kind {
        FieldType::String => {
            put("length", json!(field.length));
        }
        FieldType::TextArea if field.length > 255 => {
            put("length", json!(field.length));
            put("visibleLines", json!(5));
        }
        FieldType::Boolean => {
            put(
                "defaultValue",
                json!(field.default.as_bool().unwrap_or(false).to_string()),
            );
        }
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            put("precision", json!(field.precision));
            put("scale", json!(field.scale));
        }
        FieldType::Reference => {
            put("referenceTo", json!(field.reference_to.first()));
            put("deleteConstraint", json!("SetNull"));
        }
        FieldType::Picklist | FieldType::MultiPicklist => {
            let values = field.picklist.iter().map(|one| {
                json!({ "fullName": one.value, "label": one.value, "default": one.is_default })
            });
            put(
                "valueSet",
                json!({
                    "restricted": field.is(Trait::RestrictedPicklist),
                    "valueSetDefinition": { "sorted": false, "value": values.collect::<Vec<_>>() },
                }),
            );
        }
        _ => {}
    }
    put(
        "required",
        json!(!field.is(Trait::Nillable) && field.kind != FieldType::Boolean),
    );
    put("unique", json!(field.is(Trait::Unique)));
    put("externalId", json!(field.is(Trait::ExternalId)));
    put("caseSensitive", json!(field.is(Trait::CaseSensitive)));
    put("trackHistory", json!(field.is(Trait::HistoryTracked)));
    Json::Object(body)
}

const fn type_name(field: &FieldDef) -> &'static str {
    match field.kind {
        FieldType::Boolean => "Checkbox",
        FieldType::Int | FieldType::Double => "Number",
        FieldType::Currency => "Currency",
        FieldType::Percent => "Percent",
        FieldType::Date => "Date",
        FieldType::DateTime => "DateTime",
        FieldType::Email => "Email",
        FieldType::Phone => "Phone",
        FieldType::Url => "Url",
        FieldType::TextArea if field.length > 255 => "LongTextArea",
        FieldType::TextArea => "TextArea",
        FieldType::Picklist => "Picklist",
        FieldType::MultiPicklist => "MultiselectPicklist",
        FieldType::Reference => "Lookup",
        _ => "Text",
    }
}

fn duplicate(org: &Salesforce, at: usize, rule: &DuplicateRule) -> Json {
    json!({
        "Id": Salesforce::setup_id("0Bm", at).to_string(),
        "DeveloperName": rule.name,
        "MasterLabel": rule.name.replace('_', " "),
        "SobjectType": org.schema().object(rule.object).name,
        "SobjectSubtype": "None",
        "IsActive": rule.is_active,
        "Language": "fr",
        "NamespacePrefix": null,
    })
}

fn own_rights(org: &Salesforce) -> Json {
    let mut row = Map::new();
    row.insert("Id".to_owned(), json!("000000000000000AAA"));
    for right in UserRight::EVERY {
        row.insert(right.column().to_owned(), json!(org.has_right(right)));
    }
    Json::Object(row)
}
