//! From the instance file and the two systems' own descriptions to the rules the engine works by.

use crate::app::config::{Mapped, Plugin};
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::mapping::{Arrow, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role};
use crate::domain::request::{
    AutomationDescription, FieldAccess, FieldDescription, SalesforceDescription,
};
use crate::domain::value::ValueType;

/// What is wrong with the mapping: in which line of the file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct MappingProblem {
    pub line: usize,
    pub problem: String,
}

/// Both systems as they described themselves.
#[derive(Debug, Clone, Copy)]
pub struct Systems<'a> {
    pub salesforce: &'a SalesforceDescription,
    pub automation: &'a AutomationDescription,
}

/// Works out every rule, or says everything that is wrong at once.
pub fn build(
    plugin: &Plugin,
    systems: Systems<'_>,
    automation_url: &str,
) -> Result<Policy, Vec<MappingProblem>> {
    let mut problems = Vec::new();
    let mut next = 1;
    let mut rules = |mapped: &[Mapped], kind| {
        let mut rules = Vec::with_capacity(mapped.len());
        for mapped in mapped {
            let id = FieldId(next);
            next += 1;
            match rule(id, mapped, kind, plugin, systems) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.push(MappingProblem {
                    line: mapped.line,
                    problem,
                }),
            }
        }
        rules
    };
    let mut person = rules(&plugin.person, Kind::Person);
    let company = rules(&plugin.company, Kind::Company);
    if plugin.sync_owners && person.iter().all(|rule| rule.role != Role::Owner) {
        person.push(owner(FieldId(next), plugin));
    }
    let writes_accounts = person
        .iter()
        .any(|rule| rule.role == Role::Company && rule.arrow != Arrow::Salesforce);
    if writes_accounts && company.iter().all(|rule| rule.role != Role::CompanyName) {
        let problem = "a Contact's account is found by its name: add [[mapping.company]] with \
                       salesforce = \"Name\" and automation = \"companyname\""
            .to_owned();
        problems.push(MappingProblem { line: 1, problem });
    }
    if problems.is_empty() && person.iter().all(|rule| rule.role != Role::Email) {
        let problem = "people are paired by e-mail: add [[mapping.person]] with salesforce = \
                       \"Email\" and automation = \"email\""
            .to_owned();
        problems.push(MappingProblem { line: 1, problem });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Policy {
        mapping: Mapping { person, company },
        published: plugin.published,
        objects: plugin.objects.clone(),
        activities: plugin.activities,
        update_blanks: plugin.update_blanks,
        latest_do_not_contact: plugin.latest_do_not_contact,
        sync_owners: plugin.sync_owners,
        create_accounts: plugin.create_accounts,
        activity_types: plugin.activity_types.clone(),
        namespace: plugin.namespace.clone(),
        automation_url: automation_url.trim_end_matches('/').to_owned(),
    })
}

fn rule(
    id: FieldId,
    mapped: &Mapped,
    kind: Kind,
    plugin: &Plugin,
    systems: Systems<'_>,
) -> Result<FieldRule, String> {
    let role = role(mapped, kind)?;
    let selected = mapped
        .objects
        .iter()
        .copied()
        .filter(|object| plugin.objects.contains(object));
    let objects: Vec<SalesforceObject> = selected.collect();
    if objects.is_empty() {
        return Err(format!(
            "“{}” is mapped for objects that are not among [plugin] objects",
            mapped.salesforce
        ));
    }
    let mut salesforce = Vec::with_capacity(objects.len());
    for object in &objects {
        salesforce.push(salesforce_field(
            systems.salesforce,
            *object,
            &mapped.salesforce,
        )?);
    }
    let automation = match role {
        Role::Consent | Role::TimelineLink | Role::ContactId => None,
        _ => Some(automation_field(
            systems.automation,
            kind,
            &mapped.automation,
        )?),
    };
    let value_type = value_type(mapped, role, &salesforce, automation)?;
    check_access(mapped, role, &salesforce)?;
    Ok(FieldRule {
        id,
        salesforce: salesforce
            .first()
            .map_or_else(|| mapped.salesforce.clone(), |field| field.name.clone()),
        objects,
        automation: mapped.automation.clone(),
        value_type,
        role,
        arrow: arrow(mapped, role),
        overwritten: mapped.overwritten,
        blank: mapped.blank,
        concurrent: mapped.concurrent,
    })
}

fn role(mapped: &Mapped, kind: Kind) -> Result<Role, String> {
    let salesforce = mapped.salesforce.to_ascii_lowercase();
    Ok(
        match (kind, mapped.automation.as_str(), salesforce.as_str()) {
            (Kind::Person, "@do_not_contact_email", "hasoptedoutofemail") => Role::Consent,
            (_, "@do_not_contact_email", _) | (_, _, "hasoptedoutofemail") => {
                return Err(
                    "“HasOptedOutOfEmail” and “@do_not_contact_email” belong to each other \
                        and to nothing else"
                        .to_owned(),
                );
            }
            (Kind::Person, "@timeline_link", _) => Role::TimelineLink,
            (Kind::Person, "@contact_id", _) => Role::ContactId,
            (_, special, _) if special.starts_with('@') => {
                return Err(format!(
                    "there is no “{special}”; known are @timeline_link, @contact_id and \
                 @do_not_contact_email, for people"
                ));
            }
            (_, _, "isdeleted") => Role::Deleted,
            (Kind::Person, _, "email") => Role::Email,
            (Kind::Company, _, "name") => Role::CompanyName,
            (Kind::Person, _, "accountid") => Role::Company,
            (Kind::Person, _, "ownerid") => Role::Owner,
            _ => Role::Plain,
        },
    )
}

/// One-way roles have their own direction, whatever the file says.
const fn arrow(mapped: &Mapped, role: Role) -> Arrow {
    match role {
        Role::Deleted => Arrow::Salesforce,
        Role::TimelineLink | Role::ContactId => Arrow::Automation,
        _ => mapped.arrow,
    }
}

fn salesforce_field<'a>(
    description: &'a SalesforceDescription,
    object: SalesforceObject,
    name: &str,
) -> Result<&'a FieldDescription, String> {
    let fields = description.objects.get(object.name()).ok_or_else(|| {
        format!("this user does not see the object {object} in Salesforce; give it the right")
    })?;
    fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let near = nearest(name, fields.iter().map(|field| field.name.as_str()));
        format!(
            "{object} has no field “{name}” that this user may see{near}; check its name and its \
             field-level security in Salesforce"
        )
    })
}

fn automation_field<'a>(
    description: &'a AutomationDescription,
    kind: Kind,
    alias: &str,
) -> Result<&'a FieldDescription, String> {
    let (fields, of) = match kind {
        Kind::Person => (&description.contact_fields, "contact"),
        Kind::Company => (&description.company_fields, "company"),
    };
    fields
        .iter()
        .find(|field| field.name == alias)
        .ok_or_else(|| {
            let near = nearest(alias, fields.iter().map(|field| field.name.as_str()));
            format!("Automation has no published {of} field with the alias “{alias}”{near}")
        })
}

/// Both must be of one type; kinds of text are one.
fn value_type(
    mapped: &Mapped,
    role: Role,
    salesforce: &[&FieldDescription],
    automation: Option<&FieldDescription>,
) -> Result<ValueType, String> {
    let mut types = Vec::with_capacity(salesforce.len() + 1);
    for field in salesforce.iter().copied().chain(automation) {
        let Some(value_type) = field.value_type else {
            return Err(format!(
                "“{}” is of a type that cannot be mapped",
                field.name
            ));
        };
        types.push((field, value_type));
    }
    let Some((first, first_type)) = types.first().copied() else {
        return Ok(ValueType::Text);
    };
    if matches!(role, Role::Owner | Role::Company | Role::TimelineLink) {
        return Ok(ValueType::Text);
    }
    let is_text =
        |t: ValueType| matches!(t, ValueType::Text | ValueType::Email | ValueType::Choice);
    for (field, other) in &types {
        if *other != first_type && !(is_text(*other) && is_text(first_type)) {
            return Err(format!(
                "“{}” is a {first_type} and “{}” a {other}; map fields of one type",
                first.name, field.name
            ));
        }
    }
    if role == Role::Deleted && first_type != ValueType::Bool {
        return Err(format!(
            "“{}” must be mapped to a boolean field",
            mapped.salesforce
        ));
    }
    Ok(if types.iter().all(|(_, t)| *t == first_type) {
        first_type
    } else {
        ValueType::Text
    })
}

/// A field that Salesforce does not let us write can only be read.
fn check_access(
    mapped: &Mapped,
    role: Role,
    salesforce: &[&FieldDescription],
) -> Result<(), String> {
    let writes_salesforce = match role {
        Role::Deleted => false,
        Role::TimelineLink | Role::ContactId | Role::Consent => true,
        _ => arrow(mapped, role) != Arrow::Salesforce,
    };
    let read_only = salesforce
        .iter()
        .find(|field| field.access == FieldAccess::ReadOnly);
    match read_only {
        Some(field) if writes_salesforce => Err(format!(
            "“{}” cannot be written in Salesforce by this user; use arrow = \"salesforce\", or \
             change its field-level security",
            field.name
        )),
        _ => Ok(()),
    }
}

fn owner(id: FieldId, plugin: &Plugin) -> FieldRule {
    let people = [SalesforceObject::Lead, SalesforceObject::Contact];
    FieldRule {
        id,
        salesforce: "OwnerId".to_owned(),
        objects: people
            .into_iter()
            .filter(|object| plugin.objects.contains(object))
            .collect(),
        automation: "owner".to_owned(),
        value_type: ValueType::Text,
        role: Role::Owner,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: crate::domain::mapping::BlankTravel::Never,
        concurrent: Concurrent::Newest,
    }
}

/// ` (did you mean “Phone”?)`, or nothing if no name is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|known| (distance(name, known), known)).min();
    match near {
        Some((far, known)) if far <= 3 && far < name.len() => format!(" (did you mean “{known}”?)"),
        _ => String::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_if_it_is_near() {
        assert_eq!(
            nearest("Phon", ["Phone", "Fax"].into_iter()),
            " (did you mean “Phone”?)"
        );
        assert_eq!(nearest("Phone", ["Salutation"].into_iter()), "");
    }
}
