//! From a pair of fields as somebody asks for it to a rule, or to why it can be none.

use super::objection::Unfit;
use crate::domain::doctor::Told;
use crate::domain::ids::{FieldId, Kind, SalesforceObject, Side};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::request::{
    AutomationDescription, FieldAccess, FieldDescription, SalesforceDescription,
};
use crate::domain::value::ValueType;

/// Special names that stand for something of Automation which is no field.
pub const TIMELINE_LINK: &str = "@timeline_link";
pub const CONTACT_ID: &str = "@contact_id";
pub const DO_NOT_CONTACT: &str = "@do_not_contact_email";

/// The set-up guide: “Noyau - ID du contact” works, “ID du contact” does not.
const DEAD_CONTACT_IDS: [&str; 3] = ["id", "contact_id", "contactid"];

/// Two fields to be mapped to each other, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub salesforce: String,
    /// The objects whose field it is; at least one.
    pub objects: Vec<SalesforceObject>,
    /// An alias, or one of the special names that begin with `@`.
    pub automation: String,
    pub arrow: Arrow,
    pub overwritten: Overwritten,
    pub blank: BlankTravel,
    pub concurrent: Concurrent,
}

/// Both systems as they described themselves.
#[derive(Debug, Clone, Copy)]
pub struct Systems<'a> {
    pub salesforce: &'a SalesforceDescription,
    pub automation: &'a AutomationDescription,
}

impl Pair {
    /// As a rule would be asked for again.
    pub fn of(rule: &FieldRule) -> Self {
        Self {
            salesforce: rule.salesforce.clone(),
            objects: rule.objects.clone(),
            automation: rule.automation.clone(),
            arrow: rule.arrow,
            overwritten: rule.overwritten,
            blank: rule.blank,
            concurrent: rule.concurrent,
        }
    }
}

/// The rule for a pair, for as many of its objects as are synced.
pub fn rule(
    id: FieldId,
    kind: Kind,
    pair: &Pair,
    synced: &[SalesforceObject],
    systems: Systems<'_>,
) -> Result<FieldRule, Unfit> {
    let role = role(pair, kind)?;
    let selected = pair.objects.iter().copied();
    let objects: Vec<SalesforceObject> = selected.filter(|o| synced.contains(o)).collect();
    if objects.is_empty() {
        let field = text(&pair.salesforce);
        return Err(Unfit::new("unfit-objects", vec![("field", field)]));
    }
    let mut salesforce = Vec::with_capacity(objects.len());
    for object in &objects {
        let field = salesforce_field(systems.salesforce, *object, &pair.salesforce)?;
        salesforce.push(field);
    }
    let automation = match role {
        Role::Consent | Role::TimelineLink | Role::ContactId => None,
        _ => Some(automation_field(
            systems.automation,
            kind,
            &pair.automation,
        )?),
    };
    let value_type = value_type(role, &salesforce, automation)?;
    let arrow = arrow(pair, role)?;
    let rule = FieldRule {
        id,
        salesforce: salesforce
            .first()
            .map_or_else(|| pair.salesforce.clone(), |field| field.name.clone()),
        objects,
        automation: pair.automation.clone(),
        value_type,
        role,
        arrow,
        overwritten: pair.overwritten,
        blank: pair.blank,
        concurrent: pair.concurrent,
    };
    check_access(&rule, &salesforce, automation)?;
    Ok(rule)
}

/// The rule that the pair would be if both systems showed its fields as it needs them; none if no
/// system could.
pub fn assume(
    id: FieldId,
    kind: Kind,
    pair: &Pair,
    synced: &[SalesforceObject],
) -> Option<FieldRule> {
    let role = role(pair, kind).ok()?;
    let selected = pair.objects.iter().copied();
    let objects: Vec<SalesforceObject> = selected.filter(|o| synced.contains(o)).collect();
    let value_type = match role {
        Role::Consent | Role::Deleted => ValueType::Bool,
        Role::Email => ValueType::Email,
        _ => ValueType::Text,
    };
    (!objects.is_empty()).then(|| FieldRule {
        id,
        salesforce: pair.salesforce.clone(),
        objects,
        automation: pair.automation.clone(),
        value_type,
        role,
        arrow: arrow(pair, role).unwrap_or(pair.arrow),
        overwritten: pair.overwritten,
        blank: pair.blank,
        concurrent: pair.concurrent,
    })
}

fn role(pair: &Pair, kind: Kind) -> Result<Role, Unfit> {
    let salesforce = pair.salesforce.to_ascii_lowercase();
    let automation = pair.automation.as_str();
    Ok(match (kind, automation, salesforce.as_str()) {
        (Kind::Person, DO_NOT_CONTACT, "hasoptedoutofemail") => Role::Consent,
        (_, DO_NOT_CONTACT, _) | (_, _, "hasoptedoutofemail") => {
            return Err(Unfit::new("unfit-consent", Vec::new()));
        }
        (Kind::Person, TIMELINE_LINK, _) => Role::TimelineLink,
        (Kind::Person, CONTACT_ID, _) => Role::ContactId,
        (_, special, _) if special.starts_with('@') => {
            return Err(Unfit::new("unfit-special", vec![("name", text(special))]));
        }
        (Kind::Person, dead, _) if DEAD_CONTACT_IDS.contains(&dead) => {
            return Err(Unfit::new("unfit-contact-id", vec![("name", text(dead))]));
        }
        (_, _, "isdeleted") => Role::Deleted,
        // Only these are asked for when somebody is looked for: another field's text pairs nobody.
        (Kind::Person, "email", "email") => Role::Email,
        (Kind::Company, "companyname", "name") => Role::CompanyName,
        (Kind::Person, _, "accountid") => Role::Company,
        (Kind::Person, _, "ownerid") => Role::Owner,
        _ => Role::Plain,
    })
}

/// What is worked out by one side goes one way only.
fn arrow(pair: &Pair, role: Role) -> Result<Arrow, Unfit> {
    let only = match role {
        Role::Deleted => Arrow::Salesforce,
        Role::TimelineLink | Role::ContactId => Arrow::Automation,
        _ => return Ok(pair.arrow),
    };
    if pair.arrow == only {
        return Ok(only);
    }
    let to = match only {
        Arrow::Salesforce => Side::Automation,
        Arrow::Automation | Arrow::Both => Side::Salesforce,
    };
    let gaps = vec![
        ("field", text(&pair.salesforce)),
        ("other", text(&pair.automation)),
        ("side", Told::Side(to)),
    ];
    Err(Unfit::new("unfit-one-way", gaps))
}

fn salesforce_field<'a>(
    described: &'a SalesforceDescription,
    object: SalesforceObject,
    name: &str,
) -> Result<&'a FieldDescription, Unfit> {
    let of = ("object", Told::Objects(vec![object]));
    let Some(fields) = described.objects.get(object.name()) else {
        return Err(Unfit::new("unfit-object-hidden", vec![of]));
    };
    let known = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let names = fields.iter().map(|field| field.name.as_str());
        let says = ("unfit-salesforce-field", "unfit-salesforce-field-near");
        unknown(says, name, nearest(name, names), of)
    })
}

fn automation_field<'a>(
    described: &'a AutomationDescription,
    kind: Kind,
    alias: &str,
) -> Result<&'a FieldDescription, Unfit> {
    let (fields, of) = match kind {
        Kind::Person => (&described.contact_fields, "contact"),
        Kind::Company => (&described.company_fields, "company"),
    };
    let known = fields.iter().find(|field| field.name == alias);
    known.ok_or_else(|| {
        let names = fields.iter().map(|field| field.name.as_str());
        let says = ("unfit-automation-field", "unfit-automation-field-near");
        unknown(says, alias, nearest(alias, names), ("of", text(of)))
    })
}

fn unknown(
    (says, near_says): (&'static str, &'static str),
    name: &str,
    near: Option<&str>,
    of: (&'static str, Told),
) -> Unfit {
    let mut gaps = vec![("field", text(name)), of];
    let Some(near) = near else {
        return Unfit::new(says, gaps);
    };
    gaps.push(("near", text(near)));
    Unfit::new(near_says, gaps)
}

/// Both must be of one type; kinds of text are one: what one holds the other takes as it is.
fn value_type(
    role: Role,
    salesforce: &[&FieldDescription],
    automation: Option<&FieldDescription>,
) -> Result<ValueType, Unfit> {
    let mut types = Vec::with_capacity(salesforce.len() + 1);
    for field in salesforce.iter().copied().chain(automation) {
        let Some(value_type) = field.value_type else {
            let gaps = vec![("field", text(&field.name))];
            return Err(Unfit::new("unfit-type", gaps));
        };
        types.push((field, value_type));
    }
    let Some((first, first_type)) = types.first().copied() else {
        return Ok(ValueType::Text);
    };
    if matches!(role, Role::Owner | Role::Company | Role::TimelineLink) {
        return Ok(ValueType::Text);
    }
    if role == Role::Deleted
        && let Some((field, is)) = types.iter().find(|(_, is)| *is != ValueType::Bool)
    {
        let gaps = vec![("field", text(&field.name)), ("type", Told::Type(*is))];
        return Err(Unfit::new("unfit-deleted", gaps));
    }
    for (field, other) in &types {
        if *other != first_type && !(other.is_text() && first_type.is_text()) {
            let gaps = vec![
                ("field", text(&first.name)),
                ("type", Told::Type(first_type)),
                ("other", text(&field.name)),
                ("other_type", Told::Type(*other)),
            ];
            return Err(Unfit::new("unfit-types", gaps));
        }
    }
    Ok(if types.iter().all(|(_, other)| *other == first_type) {
        first_type
    } else {
        ValueType::Text
    })
}

/// A field that a system does not let us write can only be read.
fn check_access(
    rule: &FieldRule,
    salesforce: &[&FieldDescription],
    automation: Option<&FieldDescription>,
) -> Result<(), Unfit> {
    let locked = |field: &&&FieldDescription| field.access == FieldAccess::ReadOnly;
    if rule.writes(Side::Salesforce)
        && let Some(field) = salesforce.iter().find(locked)
    {
        let gaps = vec![("field", text(&field.name))];
        return Err(Unfit::new("unfit-salesforce-locked", gaps));
    }
    if rule.writes(Side::Automation)
        && let Some(field) = automation.filter(|field| field.access == FieldAccess::ReadOnly)
    {
        let gaps = vec![("field", text(&field.name))];
        return Err(Unfit::new("unfit-automation-locked", gaps));
    }
    Ok(())
}

/// The rule for the owners, which the option *sync owners* adds and nobody has to map.
pub fn owners(id: FieldId, synced: &[SalesforceObject]) -> FieldRule {
    let people = [SalesforceObject::Lead, SalesforceObject::Contact];
    FieldRule {
        id,
        salesforce: "OwnerId".to_owned(),
        objects: people
            .into_iter()
            .filter(|object| synced.contains(object))
            .collect(),
        automation: "owner".to_owned(),
        value_type: ValueType::Text,
        role: Role::Owner,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Newest,
    }
}

/// The name that somebody probably meant, if one is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (distance(name, known), known)).min();
    let (far, known) = near?;
    (far <= 3 && far < name.len()).then_some(known)
}

/// Edits between two names, case left aside.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

pub(super) fn text(text: &str) -> Told {
    Told::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_if_it_is_near() {
        assert_eq!(nearest("Phon", ["Phone", "Fax"].into_iter()), Some("Phone"));
        assert_eq!(nearest("Phone", ["Salutation"].into_iter()), None);
    }
}
