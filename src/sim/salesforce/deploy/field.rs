//! What a `CustomField` is made from, by deployment or through the Tooling API, and how it is
//! changed afterwards.
//!
//! Metadata API guide, `CustomField`: names of types and which attributes each must have.

use serde_json::Value as Json;

use super::xml::Element;
use crate::sim::salesforce::schema::{FieldDef, FieldType, ObjectDef, Trait};
use crate::sim::salesforce::value::Value;

/// Metadata API: a field's label.
const LABEL_UNITS_MAX: usize = 40;
/// Metadata API: a field's developer name, without the suffix.
const NAME_CHARACTERS_MAX: usize = 40;
const TEXT_LENGTH_MAX: u32 = 255;
const LONG_TEXT: std::ops::RangeInclusive<u32> = 256..=131_072;
const DIGITS_MAX: u32 = 18;
/// History: fields tracked per object.
pub(crate) const TRACKED_MAX: usize = 20;

/// Why a definition is refused: the code of a Tooling answer, the field it is about, the sentence
/// that a deployment's failure repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(code: &'static str, field: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            field,
            message: message.into(),
        }
    }

    fn integrity(message: impl Into<String>) -> Self {
        Self::new("FIELD_INTEGRITY_EXCEPTION", "Metadata", message)
    }
}

/// The elements a definition may have.
pub(super) const ELEMENTS: [&str; 24] = [
    "fullName",
    "label",
    "type",
    "length",
    "precision",
    "scale",
    "unique",
    "externalId",
    "caseSensitive",
    "required",
    "referenceTo",
    "relationshipName",
    "relationshipLabel",
    "deleteConstraint",
    "visibleLines",
    "trackHistory",
    "trackTrending",
    "trackFeedHistory",
    "defaultValue",
    "description",
    "inlineHelpText",
    "valueSet",
    "displayFormat",
    "lookupFilter",
];

/// `Metadata` of the Tooling API, read as the element it would be in a file.
pub(crate) fn element(name: &str, json: &Json) -> Option<Element> {
    let mut element = Element {
        name: name.to_owned(),
        ..Element::default()
    };
    match json {
        Json::Null => return None,
        Json::Bool(value) => element.text = value.to_string(),
        Json::Number(value) => element.text = value.to_string(),
        Json::String(text) => element.text.clone_from(text),
        Json::Array(_) => {}
        Json::Object(members) => {
            for (name, value) in members {
                if let Json::Array(list) = value {
                    let all = list.iter().filter_map(|one| self::element(name, one));
                    element.children.extend(all);
                } else {
                    element.children.extend(self::element(name, value));
                }
            }
        }
    }
    Some(element)
}

/// `Mautic_url__c`: a letter, then letters, digits and single underscores, and the suffix.
fn check_name(name: &str) -> Result<(), Problem> {
    let developer = name.strip_suffix("__c").unwrap_or_default();
    let plain = developer
        .rsplit_once("__")
        .map_or(developer, |(_, plain)| plain);
    let is_plain = plain.starts_with(|c: char| c.is_ascii_alphabetic())
        && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !plain.ends_with('_');
    if !is_plain || plain.len() > NAME_CHARACTERS_MAX {
        let message = "The Field Name can only contain alphanumeric characters and underscores, \
                       must begin with a letter, must not end with an underscore or contain two \
                       consecutive underscores, and must end with __c";
        return Err(Problem::new("INVALID_FIELD", "DeveloperName", message));
    }
    Ok(())
}

/// A field that is not there yet. `name` is its API name on `object`.
///
/// 1. The name is one, and free.
/// 2. There is a label of at most 40 characters, and a known type.
/// 3. Each type has the attributes it must have, in their range.
/// 4. Only texts and numbers are external ids; only texts are unique.
pub(crate) fn made(object: &ObjectDef, name: &str, from: &Element) -> Result<FieldDef, Problem> {
    check_name(name)?;
    if object.find(name).is_some() {
        let developer = name.trim_end_matches("__c");
        let message = format!(
            "There is already a field named {developer} on {}.",
            object.label
        );
        return Err(Problem::new(
            "DUPLICATE_DEVELOPER_NAME",
            "DeveloperName",
            message,
        ));
    }
    from.check("CustomField", &ELEMENTS)
        .map_err(Problem::integrity)?;
    let label = from
        .text_of("label")
        .ok_or_else(|| Problem::integrity("Must specify a non-empty label for the CustomField"))?;
    if label.encode_utf16().count() > LABEL_UNITS_MAX {
        let message =
            format!("Label: data value too large: {label} (max length={LABEL_UNITS_MAX})");
        return Err(Problem::new("STRING_TOO_LONG", "MasterLabel", message));
    }
    let kind = from
        .text_of("type")
        .ok_or_else(|| Problem::integrity("Must specify a type for the CustomField"))?;
    let field = typed(name, label, kind, from)?;
    traits(field, kind, from)
}

fn number(from: &Element, kind: &str, name: &str) -> Result<u32, Problem> {
    let text = from.text_of(name).ok_or_else(|| {
        Problem::integrity(format!(
            "Must specify '{name}' for a CustomField of type {kind}"
        ))
    })?;
    text.parse().map_err(|_| {
        Problem::integrity(format!(
            "'{text}' is not a valid value for the type xsd:int"
        ))
    })
}

fn typed(name: &str, label: &str, kind: &str, from: &Element) -> Result<FieldDef, Problem> {
    let plain = |kind| FieldDef::new(name, label, kind);
    Ok(match kind {
        "Text" => {
            let length = number(from, kind, "length")?;
            in_range("length", length, 1..=TEXT_LENGTH_MAX)?;
            FieldDef::text(name, label, length)
        }
        "LongTextArea" => {
            let length = number(from, kind, "length")?;
            in_range("length", length, LONG_TEXT)?;
            number(from, kind, "visibleLines")?;
            FieldDef::long_text(name, label, length)
        }
        "Number" | "Currency" | "Percent" => {
            let (precision, scale) = (
                number(from, kind, "precision")?,
                number(from, kind, "scale")?,
            );
            in_range("precision", precision, 1..=DIGITS_MAX)?;
            in_range("scale", scale, 0..=precision)?;
            let mut field = FieldDef::number(name, label, precision, scale);
            field.kind = match kind {
                "Currency" => FieldType::Currency,
                "Percent" => FieldType::Percent,
                _ => FieldType::Double,
            };
            field
        }
        "Checkbox" => {
            let default = from.flag("defaultValue").map_err(Problem::integrity)?;
            if from.text_of("defaultValue").is_none() {
                let message = "Must specify 'defaultValue' for a CustomField of type Checkbox";
                return Err(Problem::integrity(message));
            }
            let mut field = plain(FieldType::Boolean);
            field.default = Value::Bool(default);
            field
        }
        "Lookup" => lookup(name, label, from)?,
        "Picklist" | "MultiselectPicklist" => listed(
            plain(if kind == "Picklist" {
                FieldType::Picklist
            } else {
                FieldType::MultiPicklist
            }),
            from,
        )?,
        "DateTime" => plain(FieldType::DateTime),
        "Date" => plain(FieldType::Date),
        "Url" => plain(FieldType::Url),
        "Email" => plain(FieldType::Email),
        "Phone" => plain(FieldType::Phone),
        "TextArea" => plain(FieldType::TextArea),
        other => {
            let message = format!("'{other}' is not a valid value for the enum 'FieldType'");
            return Err(Problem::new("JSON_PARSER_ERROR", "Metadata", message));
        }
    })
}

fn in_range(name: &str, value: u32, range: std::ops::RangeInclusive<u32>) -> Result<(), Problem> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    let message = format!("{name} must be between {least} and {most}, and is {value}");
    Err(Problem::integrity(message))
}

fn lookup(name: &str, label: &str, from: &Element) -> Result<FieldDef, Problem> {
    let to = from.text_of("referenceTo").ok_or_else(|| {
        Problem::integrity("Must specify 'referenceTo' for a CustomField of type Lookup")
    })?;
    match from.text_of("deleteConstraint") {
        None | Some("SetNull" | "Restrict" | "Cascade") => {}
        Some(other) => {
            let message = format!("'{other}' is not a valid value for the enum 'DeleteConstraint'");
            return Err(Problem::integrity(message));
        }
    }
    // Ours to other objects is named after the field; `relationshipName` names the way back.
    let relationship = name.strip_suffix("__c").map(|stem| format!("{stem}__r"));
    Ok(FieldDef::reference(
        name,
        label,
        relationship.as_deref().unwrap_or_default(),
        &[to],
    ))
}

fn listed(field: FieldDef, from: &Element) -> Result<FieldDef, Problem> {
    let set = from.child("valueSet").and_then(|set| {
        let values = set.child("valueSetDefinition")?;
        Some((set, values))
    });
    let Some((set, values)) = set else {
        let message = "Must specify 'valueSet' for a CustomField of type Picklist";
        return Err(Problem::integrity(message));
    };
    let names: Vec<&str> = values
        .all("value")
        .filter_map(|value| value.text_of("fullName"))
        .collect();
    let field = field.with_values(&names);
    let is_restricted = set.flag("restricted").map_err(Problem::integrity)?;
    Ok(if is_restricted {
        field.with(&[Trait::RestrictedPicklist])
    } else {
        field
    })
}

fn traits(mut field: FieldDef, kind: &str, from: &Element) -> Result<FieldDef, Problem> {
    let flag = |name: &str| from.flag(name).map_err(Problem::integrity);
    let (unique, external) = (flag("unique")?, flag("externalId")?);
    if unique && !matches!(kind, "Text" | "Number" | "Email") {
        return Err(Problem::integrity(format!(
            "A {kind} field can not be unique"
        )));
    }
    if external && !matches!(kind, "Text" | "Number" | "Email") {
        return Err(Problem::integrity(format!(
            "A {kind} field can not be an external ID"
        )));
    }
    if unique {
        field = field.unique();
    }
    if external {
        field = field.external_id();
    }
    field
        .traits
        .set(Trait::CaseSensitive, flag("caseSensitive")?);
    field
        .traits
        .set(Trait::HistoryTracked, flag("trackHistory")?);
    if flag("required")? {
        field = field.required();
    }
    Ok(field)
}

/// Changes a field that is there by what a definition says, and leaves alone what it does not.
///
/// 1. A standard field takes its label, its help and history tracking, nothing else.
/// 2. A custom field keeps its type, apart from text growing into long text.
/// 3. A length may not shrink below what is declared.
pub(crate) fn changed(field: &FieldDef, from: &Element) -> Result<FieldDef, Problem> {
    from.check("CustomField", &ELEMENTS)
        .map_err(Problem::integrity)?;
    let mut changed = field.clone();
    if from.child("trackHistory").is_some() {
        let is_on = from.flag("trackHistory").map_err(Problem::integrity)?;
        changed.traits.set(Trait::HistoryTracked, is_on);
    }
    if !field.is(Trait::Custom) {
        return Ok(changed);
    }
    if let Some(kind) = from.text_of("type") {
        let label = from.text_of("label").unwrap_or(&field.label);
        let wanted = traits(typed(&field.name, label, kind, from)?, kind, from)?;
        if wanted.kind != field.kind || wanted.reference_to != field.reference_to {
            let message = format!(
                "Cannot change the type of the field from {} to {kind}: it has to be deleted first",
                field.kind.name()
            );
            return Err(Problem::integrity(message));
        }
        if wanted.length < field.length {
            let message = format!(
                "Cannot shorten the field from {} to {}: data may be lost",
                field.length, wanted.length
            );
            return Err(Problem::integrity(message));
        }
        return Ok(FieldDef {
            access: field.access,
            profile_access: field.profile_access,
            ..wanted
        });
    }
    if let Some(label) = from.text_of("label") {
        label.clone_into(&mut changed.label);
    }
    Ok(changed)
}
