//! `objects/X.object`: makes a custom object, or extends one that is there, with its fields.

use super::components::{Source, not_named};
use super::field;
use super::manifest::Manifest;
use super::xml::{Element, parse};
use super::{Component, Made};
use crate::sim::salesforce::org::{Call, Salesforce};
use crate::sim::salesforce::schema::{Ability, FieldDef, ObjectDef, ObjectIndex, Trait};
use crate::sim::salesforce::value::FieldIndex;

const ELEMENTS: [&str; 22] = [
    "fullName",
    "label",
    "pluralLabel",
    "nameField",
    "deploymentStatus",
    "sharingModel",
    "externalSharingModel",
    "description",
    "enableHistory",
    "enableActivities",
    "enableBulkApi",
    "enableFeeds",
    "enableLicensing",
    "enableReports",
    "enableSearch",
    "enableSharing",
    "enableStreamingApi",
    "allowInChatterGroups",
    "visibility",
    "gender",
    "startsWith",
    "fields",
];

/// 1. The manifest names the object, or, for an object that is there, at least its fields.
/// 2. A custom object that is not there is made from what it must have.
/// 3. History is switched before the fields that are tracked.
/// 4. Each field is made or changed, and reported by itself.
pub(super) fn apply(
    org: &mut Salesforce,
    call: &Call,
    source: &Source<'_>,
    manifest: &Manifest,
) -> Vec<Component> {
    let element = match parse(source.bytes, "CustomObject").and_then(|element| {
        element.check("CustomObject", &ELEMENTS)?;
        Ok(element)
    }) {
        Ok(element) => element,
        Err(problem) => return vec![failed(source, problem)],
    };
    let is_named = manifest.names("CustomObject", source.name);
    let full_name = prefixed(org, source.name);
    let existing = org.schema().find(&full_name, None);
    let mut done = Vec::new();
    let object = match existing {
        Some(object) => {
            if is_named {
                done.push(match extend(org, object, &element) {
                    Ok(()) => made(source, Made::Changed),
                    Err(problem) => failed(source, problem),
                });
            }
            object
        }
        None if !is_named => return vec![not_named(source)],
        None => match create(org, call, &full_name, &element) {
            Ok(object) => {
                done.push(made(source, Made::Created));
                object
            }
            Err(problem) => return vec![failed(source, problem)],
        },
    };
    for one in element.all("fields") {
        done.push(one_field(
            org,
            call,
            source,
            (manifest, is_named),
            object,
            one,
        ));
    }
    if done.is_empty() {
        done.push(not_named(source));
    }
    done
}

/// What is custom and has no prefix takes the organisation's own.
fn prefixed(org: &Salesforce, name: &str) -> String {
    let stem = name.strip_suffix("__c");
    match &org.config().namespace {
        Some(namespace) if stem.is_some_and(|stem| !stem.contains("__")) => {
            format!("{namespace}__{name}")
        }
        _ => name.to_owned(),
    }
}

fn failed(source: &Source<'_>, problem: impl Into<String>) -> Component {
    Component::failed(source.kind, source.name, source.path, problem)
}

fn made(source: &Source<'_>, made: Made) -> Component {
    Component::done(source.kind, source.name, source.path, made)
}

/// What a custom object must have: label, plural, name field, sharing model, deployment status.
fn create(
    org: &mut Salesforce,
    call: &Call,
    name: &str,
    from: &Element,
) -> Result<ObjectIndex, String> {
    if !name.ends_with("__c") {
        // Standard objects cannot be made; one that is not here is none of this organisation.
        return Err(format!(
            "Entity of type 'CustomObject' named '{name}' cannot be found"
        ));
    }
    let must = |element: &str| {
        let missing = || format!("Must specify a non-empty {element} for the CustomObject");
        from.text_of(element).ok_or_else(missing)
    };
    let (label, plural) = (must("label")?, must("pluralLabel")?);
    let sharing = must("sharingModel")?;
    if ![
        "ReadWrite",
        "Read",
        "Private",
        "ControlledByParent",
        "FullAccess",
    ]
    .contains(&sharing)
    {
        return Err(format!(
            "'{sharing}' is not a valid value for the enum 'SharingModel'"
        ));
    }
    match from.text_of("deploymentStatus") {
        None | Some("Deployed" | "InDevelopment") => {}
        Some(other) => {
            return Err(format!(
                "'{other}' is not a valid value for the enum 'DeploymentStatus'"
            ));
        }
    }
    let name_field = from
        .child("nameField")
        .ok_or("Must specify a nameField of type Text or AutoNumber")?;
    if !matches!(name_field.text_of("type"), Some("Text" | "AutoNumber")) {
        return Err("Must specify a nameField of type Text or AutoNumber".to_owned());
    }
    let mut object = org.custom_object(name, label);
    plural.clone_into(&mut object.label_plural);
    let index = org.add_made_object(object, call.now);
    extend(org, index, from)?;
    Ok(index)
}

/// Deploying a file only changes what it contains.
fn extend(org: &mut Salesforce, object: ObjectIndex, from: &Element) -> Result<(), String> {
    if from.child("enableHistory").is_some() {
        let is_on = from.flag("enableHistory")?;
        let definition = org.schema.object_mut(object);
        let is_kept = definition.is_custom || definition.ability == Ability::Mergeable;
        if is_on && !is_kept {
            return Err(format!(
                "{} does not support history tracking",
                definition.name
            ));
        }
        definition.is_history_enabled = is_on;
    }
    if let Some(name_field) = from.child("nameField")
        && org.schema().object(object).is_custom
    {
        rename(org.schema.object_mut(object), name_field);
    }
    if let Some(label) = from.text_of("label")
        && org.schema().object(object).is_custom
    {
        label.clone_into(&mut org.schema.object_mut(object).label);
    }
    Ok(())
}

/// The name field as a file has it, whatever it was before.
fn rename(object: &mut ObjectDef, from: &Element) {
    let label = object.label.clone();
    let Some(index) = object.name_field() else {
        return;
    };
    let field = object.field_mut(index);
    from.text_of("label")
        .unwrap_or(&label)
        .clone_into(&mut field.label);
    let is_numbered = from.text_of("type") == Some("AutoNumber");
    field.traits.set(Trait::AutoNumber, is_numbered);
    field.traits.set(Trait::Createable, !is_numbered);
    field.traits.set(Trait::Updateable, !is_numbered);
}

fn one_field(
    org: &mut Salesforce,
    call: &Call,
    source: &Source<'_>,
    (manifest, is_named): (&Manifest, bool),
    object: ObjectIndex,
    from: &Element,
) -> Component {
    let name = from.text_of("fullName").unwrap_or_default();
    let full_name = format!("{}.{name}", source.name);
    let failed = |problem: &str| Component::failed("CustomField", &full_name, source.path, problem);
    if name.is_empty() {
        return failed("Must specify a fullName for the CustomField");
    }
    if !is_named && !manifest.names("CustomField", &full_name) {
        return failed("Not in package.xml");
    }
    let prefixed = prefixed(org, name);
    let was_there = org.schema().object(object).find(&prefixed).is_some();
    match org.define_field(object, &prefixed, from, call) {
        Ok(_) => {
            let made = if was_there {
                Made::Changed
            } else {
                Made::Created
            };
            Component::done("CustomField", &full_name, source.path, made)
        }
        Err(problem) => failed(&problem.message),
    }
}

impl Salesforce {
    /// Makes a field or changes the one of that name.
    ///
    /// 1. What it refers to must be there.
    /// 2. At most twenty fields are tracked, and only where history is kept.
    /// 3. A field whose values repeat cannot become unique.
    pub(crate) fn define_field(
        &mut self,
        object: ObjectIndex,
        name: &str,
        from: &Element,
        call: &Call,
    ) -> Result<FieldIndex, field::Problem> {
        let definition = self.schema().object(object);
        let existing = definition.find(name);
        let wanted = match existing {
            Some(index) => field::changed(definition.field(index), from)?,
            None => field::made(definition, name, from)?,
        };
        let problem =
            |message: String| field::Problem::new("FIELD_INTEGRITY_EXCEPTION", "Metadata", message);
        for to in &wanted.reference_to {
            if self.schema().find(to, None).is_none() {
                let message =
                    format!("referenceTo value of '{to}' does not resolve to a valid sObject type");
                return Err(problem(message));
            }
        }
        self.check_tracking(object, existing, &wanted)
            .map_err(problem)?;
        if wanted.is(Trait::Unique)
            && let Some(index) = existing
            && self.has_repeats(object, index)
        {
            return Err(problem(format!(
                "{name} holds values that repeat, and cannot be made unique"
            )));
        }
        if existing.is_some() {
            let index = self.add_field(object, wanted, call.now);
            self.refresh_access();
            return Ok(index);
        }
        Ok(self.add_made_field(object, wanted, call.now))
    }

    fn check_tracking(
        &self,
        object: ObjectIndex,
        existing: Option<FieldIndex>,
        wanted: &FieldDef,
    ) -> Result<(), String> {
        if !wanted.is(Trait::HistoryTracked) {
            return Ok(());
        }
        let definition = self.schema().object(object);
        if !definition.is_history_enabled {
            return Err(format!(
                "Field history tracking is not enabled for {}",
                definition.name
            ));
        }
        let others = definition
            .fields()
            .filter(|(index, field)| Some(*index) != existing && field.is(Trait::HistoryTracked));
        if others.count() >= field::TRACKED_MAX {
            return Err(format!(
                "Only {} fields of {} can be tracked",
                field::TRACKED_MAX,
                definition.name
            ));
        }
        Ok(())
    }

    fn has_repeats(&self, object: ObjectIndex, field: FieldIndex) -> bool {
        let mut keys: Vec<u64> = self
            .records(object)
            .filter(|(_, record)| !record.is_deleted)
            .filter_map(|(_, record)| record.cells.get(field).key())
            .collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        keys.len() < all
    }
}
