//! Whether the two systems still show every mapped field as its rule needs it.

use serde::{Deserialize, Serialize};

use super::ids::{Kind, SalesforceObject, Side};
use super::mapping::{Arrow, FieldRule, Role};
use super::request::{AutomationDescription, FieldAccess, FieldDescription, SalesforceDescription};
use super::time::Timestamp;
use super::value::ValueType;

/// Both systems as they described themselves, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Descriptions {
    pub at: Timestamp,
    pub salesforce: SalesforceDescription,
    pub automation: AutomationDescription,
}

/// The code of a failure: a field without which nothing may be synced is not as its rule needs it.
pub const FIELD_CHANGED: &str = "FIELD_CHANGED";

/// How a system no longer is what a rule was made for. The object is Salesforce's; Automation has
/// none to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    ObjectHidden(SalesforceObject),
    FieldHidden(Side, Option<SalesforceObject>),
    /// `None`: of a type that cannot be mapped.
    Retyped(Side, Option<SalesforceObject>, Option<ValueType>),
    ReadOnly(Side, Option<SalesforceObject>),
}

impl Drift {
    pub const fn side(self) -> Side {
        match self {
            Self::ObjectHidden(_) => Side::Salesforce,
            Self::FieldHidden(side, _) | Self::Retyped(side, _, _) | Self::ReadOnly(side, _) => {
                side
            }
        }
    }

    /// Which object of Salesforce's, if it is one.
    pub const fn object(self) -> Option<SalesforceObject> {
        match self {
            Self::ObjectHidden(object) => Some(object),
            Self::FieldHidden(_, object)
            | Self::Retyped(_, object, _)
            | Self::ReadOnly(_, object) => object,
        }
    }

    /// For the audit, which is read in every language.
    pub fn told(self) -> String {
        let of = self.object().map_or_else(
            || self.side().to_string(),
            |object| format!("{} {object}", self.side()),
        );
        match self {
            Self::ObjectHidden(_) => format!("{of}: the object is not visible"),
            Self::FieldHidden(..) => format!("{of}: the field is not visible"),
            Self::Retyped(_, _, Some(is)) => format!("{of}: the field is of type {is} now"),
            Self::Retyped(_, _, None) => format!("{of}: the field's type cannot be mapped"),
            Self::ReadOnly(..) => format!("{of}: the field cannot be written"),
        }
    }
}

/// A text that one side takes may be longer than the other side stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrowing {
    pub to: Side,
    pub from_length: u32,
    pub to_length: u32,
}

impl Descriptions {
    pub fn salesforce_field(
        &self,
        object: SalesforceObject,
        rule: &FieldRule,
    ) -> Option<&FieldDescription> {
        self.salesforce.mapped(object, rule)
    }

    pub fn automation_field(&self, kind: Kind, rule: &FieldRule) -> Option<&FieldDescription> {
        rule.among(self.automation.fields(kind))
    }
}

impl SalesforceDescription {
    /// The rule's field of one object.
    pub fn mapped(&self, object: SalesforceObject, rule: &FieldRule) -> Option<&FieldDescription> {
        let fields = self.objects.get(object.name())?;
        let is_it = |field: &&FieldDescription| field.name.eq_ignore_ascii_case(&rule.salesforce);
        fields.iter().find(is_it)
    }
}

impl AutomationDescription {
    pub fn fields(&self, kind: Kind) -> &[FieldDescription] {
        match kind {
            Kind::Person => &self.contact_fields,
            Kind::Company => &self.company_fields,
        }
    }
}

impl FieldRule {
    /// The rule's field among those of Automation.
    pub fn among<'a>(&self, fields: &'a [FieldDescription]) -> Option<&'a FieldDescription> {
        fields.iter().find(|field| field.name == self.automation)
    }

    /// Whether Automation's part is one of its fields, and not something it works out.
    pub const fn has_automation_field(&self) -> bool {
        !matches!(
            self.role,
            Role::Consent | Role::TimelineLink | Role::ContactId | Role::Owner
        )
    }

    /// Whether the sync may write that side's field.
    pub fn writes(&self, side: Side) -> bool {
        match (self.role, side) {
            (Role::Deleted, side) => side == Side::Automation,
            (Role::TimelineLink | Role::ContactId, side) => side == Side::Salesforce,
            (Role::Consent, _) => true,
            (_, Side::Salesforce) => self.arrow != Arrow::Salesforce,
            (_, Side::Automation) => self.arrow != Arrow::Automation,
        }
    }

    /// Whether values are carried as they are, so that the two types have to be one.
    const fn is_typed(&self) -> bool {
        !matches!(self.role, Role::Owner | Role::Company | Role::TimelineLink)
    }

    fn fits(&self, described: Option<ValueType>) -> bool {
        match described {
            None => false,
            Some(_) if !self.is_typed() => true,
            Some(is) => is == self.value_type || (is.is_text() && self.value_type.is_text()),
        }
    }
}

/// Everything about one rule that is not as it was when the rule was made.
pub fn drifts(kind: Kind, rule: &FieldRule, described: &Descriptions) -> Vec<Drift> {
    let mut found = salesforce_drifts(rule, &described.salesforce);
    found.extend(automation_drifts(rule, described.automation.fields(kind)));
    found
}

/// What of it is Salesforce's doing.
pub fn salesforce_drifts(rule: &FieldRule, described: &SalesforceDescription) -> Vec<Drift> {
    let mut found = Vec::new();
    for object in &rule.objects {
        if !described.objects.contains_key(object.name()) {
            found.push(Drift::ObjectHidden(*object));
            continue;
        }
        let field = described.mapped(*object, rule);
        judge(rule, (Side::Salesforce, Some(*object)), field, &mut found);
    }
    found
}

/// What of it is Automation's doing, by the fields of the rule's kind.
pub fn automation_drifts(rule: &FieldRule, fields: &[FieldDescription]) -> Vec<Drift> {
    let mut found = Vec::new();
    if rule.has_automation_field() {
        let field = rule.among(fields);
        judge(rule, (Side::Automation, None), field, &mut found);
    }
    found
}

fn judge(
    rule: &FieldRule,
    (side, object): (Side, Option<SalesforceObject>),
    field: Option<&FieldDescription>,
    found: &mut Vec<Drift>,
) {
    let Some(field) = field else {
        found.push(Drift::FieldHidden(side, object));
        return;
    };
    if !rule.fits(field.value_type) {
        found.push(Drift::Retyped(side, object, field.value_type));
    }
    if field.access == FieldAccess::ReadOnly && rule.writes(side) {
        found.push(Drift::ReadOnly(side, object));
    }
}

/// The worst case of a text that travels into a shorter field.
pub fn narrowing(kind: Kind, rule: &FieldRule, described: &Descriptions) -> Option<Narrowing> {
    let field = described.automation_field(kind, rule)?;
    narrowed(rule, &described.salesforce, field)
}

/// As [`narrowing`], with Automation's part of the rule.
pub fn narrowed(
    rule: &FieldRule,
    described: &SalesforceDescription,
    automation: &FieldDescription,
) -> Option<Narrowing> {
    if !matches!(rule.role, Role::Plain | Role::Email | Role::CompanyName) {
        return None;
    }
    let automation = automation.length_max;
    let lengths = rule.objects.iter().filter_map(|object| {
        let salesforce = described.mapped(*object, rule)?.length_max?;
        let automation = automation?;
        let (to, from_length, to_length) = if salesforce > automation {
            (Side::Automation, salesforce, automation)
        } else {
            (Side::Salesforce, automation, salesforce)
        };
        (from_length > to_length && rule.writes(to)).then_some(Narrowing {
            to,
            from_length,
            to_length,
        })
    });
    lengths.min_by_key(|narrowing| narrowing.to_length)
}

#[cfg(test)]
pub(crate) mod samples {
    //! Two systems with a field each, for tests here and next door.

    use super::*;
    use crate::domain::ids::FieldId;
    use crate::domain::mapping::{BlankTravel, Concurrent, Overwritten};

    pub(crate) fn field(name: &str, value_type: ValueType) -> FieldDescription {
        FieldDescription {
            name: name.to_owned(),
            label: name.to_owned(),
            value_type: Some(value_type),
            length_max: (value_type == ValueType::Text).then_some(80),
            hides_length: false,
            decimals: None,
            is_required: false,
            access: FieldAccess::Writable,
            is_unique: false,
            is_upsert_key: false,
            choices: None,
        }
    }

    pub(crate) fn rule(id: u16, salesforce: &str, automation: &str, role: Role) -> FieldRule {
        FieldRule {
            id: FieldId(id),
            salesforce: salesforce.to_owned(),
            objects: vec![SalesforceObject::Lead],
            automation: automation.to_owned(),
            value_type: ValueType::Text,
            role,
            arrow: Arrow::Both,
            overwritten: Overwritten::Keep,
            blank: BlankTravel::Never,
            concurrent: Concurrent::Conflict,
        }
    }

    /// Lead with `Phone`, contacts with `phone`.
    pub(crate) fn described() -> Descriptions {
        let mut described = Descriptions::default();
        let lead = vec![field("Phone", ValueType::Text)];
        described.salesforce.objects.insert("Lead".to_owned(), lead);
        described.automation.contact_fields = vec![field("phone", ValueType::Text)];
        described
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{described, rule};
    use super::*;

    fn found(rule: &FieldRule, change: impl FnOnce(&mut Descriptions)) -> Vec<Drift> {
        let mut described = described();
        change(&mut described);
        drifts(Kind::Person, rule, &described)
    }

    fn lead(described: &mut Descriptions) -> &mut Vec<FieldDescription> {
        described.salesforce.objects.get_mut("Lead").unwrap()
    }

    #[test]
    fn what_is_hidden_retyped_or_locked_is_found_on_its_side() {
        let phone = rule(1, "Phone", "phone", Role::Plain);
        let on_lead = Some(SalesforceObject::Lead);
        assert_eq!(found(&phone, |_| {}), []);
        assert_eq!(
            found(&phone, |d| d.salesforce.objects.clear()),
            [Drift::ObjectHidden(SalesforceObject::Lead)]
        );
        assert_eq!(
            found(&phone, |d| lead(d).clear()),
            [Drift::FieldHidden(Side::Salesforce, on_lead)]
        );
        assert_eq!(
            found(&phone, |d| d.automation.contact_fields.clear()),
            [Drift::FieldHidden(Side::Automation, None)]
        );
        assert_eq!(
            found(&phone, |d| lead(d)[0].value_type = Some(ValueType::Number)),
            [Drift::Retyped(
                Side::Salesforce,
                on_lead,
                Some(ValueType::Number)
            )]
        );
        assert_eq!(
            found(&phone, |d| lead(d)[0].value_type = Some(ValueType::Email)),
            [],
            "kinds of text are one"
        );
        let lock = |d: &mut Descriptions| lead(d)[0].access = FieldAccess::ReadOnly;
        assert_eq!(
            found(&phone, lock),
            [Drift::ReadOnly(Side::Salesforce, on_lead)]
        );
        let mut read_only = phone;
        read_only.arrow = Arrow::Salesforce;
        assert_eq!(found(&read_only, lock), [], "it is only read");
    }

    #[test]
    fn special_roles_have_no_field_in_automation() {
        let link = rule(1, "Phone", "@timeline_link", Role::TimelineLink);
        assert_eq!(found(&link, |d| d.automation.contact_fields.clear()), []);
    }

    #[test]
    fn only_a_text_that_travels_into_a_shorter_field_is_narrowed() {
        let mut phone = rule(1, "Phone", "phone", Role::Plain);
        let mut described = described();
        assert_eq!(narrowing(Kind::Person, &phone, &described), None);
        described.automation.contact_fields[0].length_max = Some(64);
        let cut = Narrowing {
            to: Side::Automation,
            from_length: 80,
            to_length: 64,
        };
        assert_eq!(narrowing(Kind::Person, &phone, &described), Some(cut));
        phone.arrow = Arrow::Automation;
        assert_eq!(narrowing(Kind::Person, &phone, &described), None);
    }
}
