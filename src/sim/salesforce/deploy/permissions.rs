//! `permissionsets/X.permissionset`: the set and its rows. Assigning it is another matter.

use super::components::{Source, not_named};
use super::manifest::Manifest;
use super::xml::{Element, parse};
use super::{Component, Made};
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::error::ApiError;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::schema::{
    FIELD_PERMISSIONS, OBJECT_PERMISSIONS, ObjectIndex, ObjectRight, PERMISSION_SET, Trait,
    UserRight,
};
use crate::sim::salesforce::value::Value;

const ELEMENTS: [&str; 7] = [
    "fullName",
    "label",
    "description",
    "hasActivationRequired",
    "fieldPermissions",
    "objectPermissions",
    "userPermissions",
];

pub(super) fn apply(
    org: &mut Salesforce,
    call: &Call,
    source: &Source<'_>,
    manifest: &Manifest,
) -> Vec<Component> {
    if !manifest.names(source.kind, source.name) {
        return vec![not_named(source)];
    }
    let done = parse(source.bytes, "PermissionSet").and_then(|from| {
        from.check("PermissionSet", &ELEMENTS)?;
        // A set is deployed with all its rows or not at all.
        org.atomically(|org| write(org, call, source.name, &from))
    });
    vec![match done {
        Ok(made) => Component::done(source.kind, source.name, source.path, made),
        Err(problem) => Component::failed(source.kind, source.name, source.path, problem),
    }]
}

fn write(org: &mut Salesforce, call: &Call, name: &str, from: &Element) -> Result<Made, String> {
    let label = from
        .text_of("label")
        .ok_or("Required fields are missing: [label]")?;
    let mut fields: Fields = vec![("Label".to_owned(), Input::text(label))];
    if let Some(text) = from.text_of("description") {
        fields.push(("Description".to_owned(), Input::text(text)));
    }
    for one in from.all("userPermissions") {
        one.check("PermissionSetUserPermission", &["enabled", "name"])?;
        let column = format!("Permissions{}", one.text_of("name").unwrap_or_default());
        if !UserRight::EVERY
            .iter()
            .any(|right| right.column() == column)
        {
            return Err(format!(
                "Unknown user permission: {}",
                one.text_of("name").unwrap_or_default()
            ));
        }
        fields.push((column, Input::Bool(one.flag("enabled")?)));
    }
    let existing = org
        .records(PERMISSION_SET)
        .find(|(id, row)| !row.is_deleted && org.value(*id, "Name") == Value::text(name))
        .map(|(id, _)| id);
    let (set, made) = if let Some(set) = existing {
        org.update(call, set, &fields).map_err(sentence)?;
        (set, Made::Changed)
    } else {
        fields.push(("Name".to_owned(), Input::text(name)));
        let set = org.insert(call, PERMISSION_SET, &fields);
        (set.map_err(sentence)?, Made::Created)
    };
    for one in from.all("objectPermissions") {
        object_row(org, call, set, one)?;
    }
    for one in from.all("fieldPermissions") {
        field_row(org, call, set, one)?;
    }
    Ok(made)
}

fn sentence(error: ApiError) -> String {
    error.message
}

fn object_row(
    org: &mut Salesforce,
    call: &Call,
    set: RecordId,
    from: &Element,
) -> Result<(), String> {
    let mut known: Vec<&str> = ObjectRight::EVERY
        .iter()
        .map(|right| right.element())
        .collect();
    known.extend(["object", "viewAllFields"]);
    from.check("PermissionSetObjectPermissions", &known)?;
    let object = from.text_of("object").unwrap_or_default();
    if org.schema().find(object, None).is_none() {
        return Err(format!(
            "In field: field - no CustomObject named {object} found"
        ));
    }
    let mut fields: Fields = vec![("SobjectType".to_owned(), Input::text(object))];
    for right in ObjectRight::EVERY {
        let is_on = from.flag(right.element())?;
        fields.push((right.column().to_owned(), Input::Bool(is_on)));
    }
    row(
        org,
        call,
        OBJECT_PERMISSIONS,
        (set, "SobjectType", object),
        fields,
    )
}

fn field_row(
    org: &mut Salesforce,
    call: &Call,
    set: RecordId,
    from: &Element,
) -> Result<(), String> {
    from.check(
        "PermissionSetFieldPermissions",
        &["editable", "field", "readable"],
    )?;
    let name = from.text_of("field").unwrap_or_default();
    let Some((object, index)) = org.qualified(name) else {
        return Err(format!(
            "In field: field - no CustomField named {name} found"
        ));
    };
    let definition = org.schema().object(object);
    let field = definition.field(index);
    if !field.is(Trait::Permissionable) {
        return Err(format!("You cannot deploy to a required field: {name}"));
    }
    let (object, editable) = (definition.name.clone(), from.flag("editable")?);
    let fields: Fields = vec![
        ("SobjectType".to_owned(), Input::text(&object)),
        ("Field".to_owned(), Input::text(name)),
        (
            "PermissionsRead".to_owned(),
            Input::Bool(from.flag("readable")?),
        ),
        ("PermissionsEdit".to_owned(), Input::Bool(editable)),
    ];
    row(org, call, FIELD_PERMISSIONS, (set, "Field", name), fields)
}

/// One row of the set per object or field: the one that is there is changed.
fn row(
    org: &mut Salesforce,
    call: &Call,
    rows: ObjectIndex,
    (set, key, value): (RecordId, &str, &str),
    mut fields: Fields,
) -> Result<(), String> {
    let is_same = |id: RecordId| {
        org.value(id, "ParentId") == Value::Id(set)
            && org
                .value(id, key)
                .as_text()
                .is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    let existing = org
        .records(rows)
        .filter(|(_, row)| !row.is_deleted)
        .map(|(id, _)| id)
        .find(|id| is_same(*id));
    if let Some(id) = existing {
        fields.retain(|(name, _)| name.starts_with("Permissions"));
        return org.update(call, id, &fields).map_err(sentence);
    }
    fields.push(("ParentId".to_owned(), Input::Id(set)));
    org.insert(call, rows, &fields).map(drop).map_err(sentence)
}
