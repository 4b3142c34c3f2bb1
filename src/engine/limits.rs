//! What the two systems say about their fields, so that a value they would refuse is never sent.

use std::collections::BTreeMap;

use crate::domain::conflict::Cause;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::link::Link;
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::request::{
    AutomationDescription, FieldAccess, FieldDescription, SalesforceDescription,
};
use crate::domain::value::Value;

/// Field descriptions by object and name. Empty until the systems were asked: then nothing is
/// refused here, and the systems refuse for themselves.
#[derive(Debug, Clone, Default)]
pub struct FieldLimits {
    salesforce: BTreeMap<SalesforceObject, BTreeMap<String, FieldDescription>>,
    automation: BTreeMap<Kind, BTreeMap<String, FieldDescription>>,
}

impl FieldLimits {
    pub fn replace_salesforce(&mut self, description: &SalesforceDescription) {
        for object in SalesforceObject::ALL {
            if let Some(fields) = description.objects.get(object.name()) {
                self.salesforce.insert(object, by_name(fields));
            }
        }
    }

    pub fn replace_automation(&mut self, description: &AutomationDescription) {
        self.automation
            .insert(Kind::Person, by_name(&description.contact_fields));
        self.automation
            .insert(Kind::Company, by_name(&description.company_fields));
    }

    /// Why this value cannot be written there, if that is known beforehand.
    pub fn refuse(&self, link: &Link, rule: &FieldRule, to: Side, value: &Value) -> Option<Cause> {
        let object = link.salesforce.as_ref().map(|end| end.object);
        let field = self.field((link.kind, object), rule, to)?;
        if field.is_required && value.is_blank() {
            return Some(Cause::RequiredBlank {
                side: to,
                fields: vec![rule.id],
            });
        }
        let problem = problem(field, rule, value)?;
        let kind = FailureKind::Rejected(Rejection::Values(vec![rule.id]));
        let failure = Failure::new(kind, problem.0, problem.1);
        Some(Cause::Refused {
            side: to,
            value: value.clone(),
            failure,
        })
    }

    /// Whether a record can be made without this value, and not with it.
    pub fn is_better_left_out(
        &self,
        of: (Kind, Option<SalesforceObject>),
        rule: &FieldRule,
        to: Side,
        value: &Value,
    ) -> bool {
        let is_optional = |field: &&FieldDescription| !field.is_required;
        let field = self.field(of, rule, to).filter(is_optional);
        rule.role == Role::Plain && field.is_some_and(|field| problem(field, rule, value).is_some())
    }

    fn field(
        &self,
        (kind, object): (Kind, Option<SalesforceObject>),
        rule: &FieldRule,
        to: Side,
    ) -> Option<&FieldDescription> {
        match to {
            Side::Salesforce => {
                let fields = self.salesforce.get(&object?)?;
                fields.get(&rule.salesforce.to_lowercase())
            }
            Side::Automation => self.automation.get(&kind)?.get(&rule.automation),
        }
    }

    /// Mapped fields that must not be blank when a record is made on that object.
    pub fn required_for_creation<'a>(
        &self,
        object: SalesforceObject,
        rules: impl Iterator<Item = &'a FieldRule>,
    ) -> Vec<&'a FieldRule> {
        let Some(fields) = self.salesforce.get(&object) else {
            return Vec::new();
        };
        rules
            .filter(|rule| {
                fields
                    .get(&rule.salesforce.to_lowercase())
                    .is_some_and(|field| field.is_required)
            })
            .collect()
    }
}

fn by_name(fields: &[FieldDescription]) -> BTreeMap<String, FieldDescription> {
    fields
        .iter()
        .map(|field| (field.name.to_lowercase(), field.clone()))
        .collect()
}

/// The code and the words of what is wrong with a value, in the words of the system's own error.
fn problem(
    field: &FieldDescription,
    rule: &FieldRule,
    value: &Value,
) -> Option<(&'static str, String)> {
    if rule.role != Role::Plain && rule.role != Role::Email {
        return None;
    }
    if matches!(field.access, FieldAccess::ReadOnly) {
        return Some((
            "READ_ONLY",
            format!("{}: the field cannot be written", field.label),
        ));
    }
    if let (Value::Text(text), Some(length_max)) = (value, field.length_max) {
        let length = text.chars().count();
        if length > length_max as usize {
            let words = format!(
                "{}: {length} characters (max length={length_max})",
                field.label
            );
            return Some(("STRING_TOO_LONG", words));
        }
    }
    let choices = field.choices.as_ref()?;
    let offered = |choice: &str| choices.iter().any(|known| known == choice);
    let unknown = match value {
        Value::Text(text) if !offered(text) => Some(text.as_str()),
        Value::Many(many) => many
            .iter()
            .map(String::as_str)
            .find(|choice| !offered(choice)),
        _ => None,
    }?;
    Some((
        "NOT_A_CHOICE",
        format!("{}: “{unknown}” is not among its values", field.label),
    ))
}
