//! Describe: what the calling user may know of objects and fields.

use serde_json::{Map, Value as Json, json};

use super::json::value_json;
use super::routes::Resource;
use super::wire::Answer;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::error::Outcome;
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::schema::{
    Ability, FieldDef, FieldType, ObjectDef, ObjectIndex, ObjectRight, Source, Trait,
};

pub(super) fn all(org: &Salesforce, resource: &Resource<'_>) -> Answer {
    if let Some(unchanged) = unchanged(org, resource) {
        return unchanged;
    }
    let objects = org
        .schema()
        .objects()
        .filter(|(_, object)| object.is_readable())
        .map(|(_, object)| Json::Object(summary(resource, object)));
    let body = json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects.collect::<Vec<_>>() });
    Answer::json(200, body).with("Last-Modified", org.schema_changed.to_http_date())
}

pub(super) fn basic(org: &Salesforce, resource: &Resource<'_>, object: ObjectIndex) -> Answer {
    let object = org.schema().object(object);
    Answer::json(
        200,
        json!({ "objectDescribe": summary(resource, object), "recentItems": [] }),
    )
}

pub(super) fn one(org: &Salesforce, resource: &Resource<'_>, name: &str) -> Outcome<Answer> {
    // Describe ignores a default namespace: it always speaks of full names.
    let found = org.schema().find(name, None);
    let object = found.filter(|object| org.schema().object(*object).is_readable());
    let object = object.ok_or_else(crate::sim::salesforce::error::ApiError::resource_missing)?;
    if let Some(unchanged) = unchanged(org, resource) {
        return Ok(unchanged);
    }
    let definition = org.schema().object(object);
    let mut body = summary(resource, definition);
    let fields = definition.fields().filter(|(_, field)| field.is_readable());
    let fields: Vec<Json> = fields.map(|(_, field)| field_json(field)).collect();
    body.insert("fields".to_owned(), Json::Array(fields));
    body.insert(
        "childRelationships".to_owned(),
        children(org, &definition.name),
    );
    body.insert(
        "recordTypeInfos".to_owned(),
        json!([{
            "active": true,
            "available": true,
            "defaultRecordTypeMapping": true,
            "developerName": "Master",
            "master": true,
            "name": "Master",
            "recordTypeId": "012000000000000AAA",
        }]),
    );
    Ok(Answer::json(200, Json::Object(body))
        .with("Last-Modified", org.schema_changed.to_http_date()))
}

fn unchanged(org: &Salesforce, resource: &Resource<'_>) -> Option<Answer> {
    let since = Timestamp::parse_http_date(resource.asked.header("if-modified-since")?)?;
    (org.schema_changed.whole_second() <= since).then(|| Answer::empty(304))
}

fn summary(resource: &Resource<'_>, object: &ObjectDef) -> Map<String, Json> {
    let is_mergeable = object.ability == Ability::Mergeable;
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("activateable", json!(false));
    put("createable", json!(object.may(ObjectRight::Create)));
    put("custom", json!(object.is_custom));
    put("customSetting", json!(false));
    put("deletable", json!(object.may(ObjectRight::Delete)));
    put("deprecatedAndHidden", json!(false));
    put("feedEnabled", json!(false));
    put("keyPrefix", json!(object.prefix.to_string()));
    put("label", json!(object.label));
    put("labelPlural", json!(object.label_plural));
    put("layoutable", json!(object.is_writable()));
    put("mergeable", json!(is_mergeable));
    put("name", json!(object.name));
    put("queryable", json!(true));
    put("replicateable", json!(object.is_writable()));
    put("retrieveable", json!(true));
    put("searchable", json!(object.is_writable()));
    put("triggerable", json!(object.is_writable()));
    put("undeletable", json!(object.may(ObjectRight::Delete)));
    put("updateable", json!(object.may(ObjectRight::Edit)));
    let own = resource.url(&format!("sobjects/{}", object.name));
    let urls = json!({
        "sobject": own,
        "describe": format!("{own}/describe"),
        "rowTemplate": format!("{own}/{{ID}}"),
    });
    put("urls", urls);
    body
}

fn children(org: &Salesforce, name: &str) -> Json {
    let mut children = Vec::new();
    let objects = org.schema().objects();
    for (_, object) in objects.filter(|(_, object)| object.is_readable()) {
        for (_, field) in object.fields() {
            if field.reference_to.iter().any(|to| to == name) && field.is_readable() {
                children.push(json!({
                    "cascadeDelete": false,
                    "childSObject": object.name,
                    "deprecatedAndHidden": false,
                    "field": field.name,
                    "relationshipName": super::trees::children_name(object, field),
                    "restrictedDelete": false,
                }));
            }
        }
    }
    Json::Array(children)
}

fn field_json(field: &FieldDef) -> Json {
    let kind = field.kind;
    let is_computed = matches!(
        field.source,
        Source::Joined(_) | Source::IsSet(_) | Source::Constant(_)
    );
    let default = if field.default.is_null() {
        Json::Null
    } else {
        value_json(&field.default, kind)
    };
    let is_long = kind == FieldType::TextArea && field.length > 255;
    let extra = if is_long {
        json!("plaintextarea")
    } else {
        Json::Null
    };
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("name", json!(field.name));
    put("label", json!(field.label));
    put("type", json!(kind.name()));
    put("soapType", json!(kind.soap_name()));
    put("extraTypeInfo", extra);
    put(
        "calculated",
        json!(field.is(Trait::Calculated) || is_computed),
    );
    put("compoundFieldName", json!(field.compound));
    put("createable", json!(field.is_createable()));
    put("updateable", json!(field.is_updateable()));
    put("defaultValue", default);
    put(
        "namePointing",
        json!(field.reference_to.iter().any(|to| to == "Group")),
    );
    put("picklistValues", picklist(field));
    put("polymorphicForeignKey", json!(field.reference_to.len() > 1));
    put("referenceTo", json!(field.reference_to));
    put("relationshipName", json!(field.relationship));
    for (name, one) in TRAITS {
        put(name, json!(field.is(one)));
    }
    for name in ["dependentPicklist", "deprecatedAndHidden", "htmlFormatted"] {
        put(name, json!(false));
    }
    put("inlineHelpText", Json::Null);
    body.extend(sizes(field));
    Json::Object(body)
}

/// What describe shows of a field's traits as they are.
const TRAITS: [(&str, Trait); 14] = [
    ("aggregatable", Trait::Filterable),
    ("autoNumber", Trait::AutoNumber),
    ("caseSensitive", Trait::CaseSensitive),
    ("custom", Trait::Custom),
    ("defaultedOnCreate", Trait::DefaultedOnCreate),
    ("externalId", Trait::ExternalId),
    ("filterable", Trait::Filterable),
    ("groupable", Trait::Groupable),
    ("idLookup", Trait::IdLookup),
    ("nameField", Trait::NameField),
    ("nillable", Trait::Nillable),
    ("permissionable", Trait::Permissionable),
    ("restrictedPicklist", Trait::RestrictedPicklist),
    ("sortable", Trait::Sortable),
];

/// Lengths for texts, digits for whole numbers, precision and scale for the others.
fn sizes(field: &FieldDef) -> Map<String, Json> {
    let kind = field.kind;
    let length = if kind.is_numeric() { 0 } else { field.length };
    let is_int = kind == FieldType::Int;
    let mut body = Map::new();
    let mut put = |name: &str, value: u32| body.insert(name.to_owned(), json!(value));
    put("length", length);
    put(
        "byteLength",
        if kind.is_text() { length * 3 } else { length },
    );
    put("digits", if is_int { field.precision } else { 0 });
    put("precision", if is_int { 0 } else { field.precision });
    put("scale", field.scale);
    body.insert("unique".to_owned(), json!(field.is(Trait::Unique)));
    body
}

fn picklist(field: &FieldDef) -> Json {
    let values = field.picklist.iter().map(|value| {
        json!({
            "active": value.is_active,
            "defaultValue": value.is_default,
            "label": value.value,
            "validFor": null,
            "value": value.value,
        })
    });
    Json::Array(values.collect())
}
