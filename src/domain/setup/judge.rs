//! Whether a configuration as a whole can be saved, and what it would mean.

use super::objection::{Objection, Unfit, Weight};
use super::rule::{Pair, Systems, rule, text};
use crate::domain::doctor::Told;
use crate::domain::drift::{Descriptions, narrowing};
use crate::domain::ids::{FieldId, Kind, SalesforceObject, Side};
use crate::domain::mapping::{Arrow, FieldRule, Policy, Role};

/// Everything that speaks against putting one configuration in the place of another, refusals first.
/// Rules that stay as they are were judged when they were made: what became of their fields since is
/// for the drift sentinel and the doctor.
pub fn objections(
    before: Option<&Policy>,
    after: &Policy,
    systems: &Descriptions,
) -> Vec<Objection> {
    let mut found = Vec::new();
    check_settings(after, systems, &mut found);
    for kind in [Kind::Person, Kind::Company] {
        for new in after.mapping.rules(kind) {
            let old = before.and_then(|before| before.mapping.rule(kind, new.id));
            // An object that is synced no more can leave even an old rule without any.
            let is_left = !new.objects.iter().any(|object| after.syncs(*object))
                && after.objects.iter().any(|object| object.kind() == kind);
            if old == Some(new) && !is_left {
                continue;
            }
            check_rule(kind, new, after, systems, &mut found);
        }
        check_targets(kind, after.mapping.rules(kind), &mut found);
    }
    check_pairing(after, &mut found);
    found.sort_by_key(|objection| objection.weight);
    found
}

fn refuse(says: &'static str, gaps: Vec<(&'static str, Told)>) -> Objection {
    Unfit::new(says, gaps).about(None, Weight::Refused)
}

fn warn(says: &'static str, gaps: Vec<(&'static str, Told)>) -> Objection {
    Unfit::new(says, gaps).about(None, Weight::Warned)
}

fn check_settings(policy: &Policy, systems: &Descriptions, found: &mut Vec<Objection>) {
    let has_people =
        policy.syncs(SalesforceObject::Lead) || policy.syncs(SalesforceObject::Contact);
    if !has_people || !policy.syncs(SalesforceObject::Account) {
        found.push(refuse("unfit-accounts", Vec::new()));
    }
    if policy.activities && policy.activity_types.is_empty() {
        found.push(warn("doubt-no-activity-types", Vec::new()));
    }
    let known = &systems.automation.activity_types;
    let unknown = policy.activity_types.iter();
    let unknown: Vec<String> = unknown.filter(|t| !known.contains(t)).cloned().collect();
    if !known.is_empty() && !unknown.is_empty() {
        found.push(warn(
            "doubt-activity-types",
            vec![("names", Told::Names(unknown))],
        ));
    }
    let consent = policy.mapping.with_role(Kind::Person, Role::Consent);
    if let Some(consent) = consent
        && !policy.latest_do_not_contact
    {
        let about = Some((Kind::Person, consent.id));
        found.push(Unfit::new("doubt-opt-in", Vec::new()).about(about, Weight::Warned));
    }
    for (role, says) in [
        (Role::Email, "unfit-email-half"),
        (Role::Consent, "unfit-consent-half"),
    ] {
        check_reach(policy, role, says, found);
    }
    if policy.create_accounts {
        found.push(warn("doubt-accounts", Vec::new()));
    }
}

/// What everybody needs is mapped for every object of people.
fn check_reach(policy: &Policy, role: Role, says: &'static str, found: &mut Vec<Objection>) {
    let Some(rule) = policy.mapping.with_role(Kind::Person, role) else {
        return;
    };
    let people = policy.objects.iter().copied();
    let people = people.filter(|object| object.kind() == Kind::Person);
    let missing: Vec<SalesforceObject> = people.filter(|o| !rule.objects.contains(o)).collect();
    if !missing.is_empty() {
        let gaps = vec![("objects", Told::Objects(missing))];
        let about = Some((Kind::Person, rule.id));
        found.push(Unfit::new(says, gaps).about(about, Weight::Refused));
    }
}

fn check_rule(
    kind: Kind,
    new: &FieldRule,
    policy: &Policy,
    described: &Descriptions,
    found: &mut Vec<Objection>,
) {
    let about = Some((kind, new.id));
    let systems = Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    };
    // The option made it, from no fields of anybody's.
    if new.role == Role::Owner && !new.has_automation_field() && policy.sync_owners {
        return;
    }
    if let Err(unfit) = rule(new.id, kind, &Pair::of(new), &policy.objects, systems) {
        found.push(unfit.about(about, Weight::Refused));
        return;
    }
    let is_lead_company = new.salesforce.eq_ignore_ascii_case("Company")
        && new.objects.contains(&SalesforceObject::Lead)
        && new.automation == "company";
    if is_lead_company {
        found.push(Unfit::new("doubt-lead-company", Vec::new()).about(about, Weight::Warned));
    }
    if let Some(narrow) = narrowing(kind, new, described) {
        let gaps = vec![
            ("field", text(&new.salesforce)),
            ("side", Told::Side(narrow.to)),
            ("from", Told::Number(u64::from(narrow.from_length))),
            ("to", Told::Number(u64::from(narrow.to_length))),
        ];
        found.push(Unfit::new("doubt-narrow", gaps).about(about, Weight::Warned));
    }
    for (side, lacking) in lists(kind, new, described) {
        let gaps = vec![
            ("field", text(&new.salesforce)),
            ("side", Told::Side(side)),
            ("names", Told::Names(lacking)),
        ];
        found.push(Unfit::new("doubt-list", gaps).about(about, Weight::Warned));
    }
}

/// Choices of one side that the closed list of the other lacks, where they would have to travel.
fn lists(kind: Kind, rule: &FieldRule, described: &Descriptions) -> Vec<(Side, Vec<String>)> {
    let automation = described.automation_field(kind, rule);
    let theirs = automation.and_then(|field| field.choices.as_deref());
    let ours = rule.objects.iter().find_map(|object| {
        let field = described.salesforce_field(*object, rule)?;
        field.choices.as_deref()
    });
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return Vec::new();
    };
    let missing = |from: &[String], to: &[String]| -> Vec<String> {
        from.iter().filter(|v| !to.contains(v)).cloned().collect()
    };
    let told = [
        (Side::Automation, missing(ours, theirs)),
        (Side::Salesforce, missing(theirs, ours)),
    ];
    let told = told.into_iter();
    told.filter(|(side, names)| rule.writes(*side) && !names.is_empty())
        .collect()
}

/// One field is written by one rule: two would take it from each other for ever. So would two rules
/// of the same fields that go different ways.
fn check_targets(kind: Kind, rules: &[FieldRule], found: &mut Vec<Objection>) {
    for (index, rule) in rules.iter().enumerate() {
        for other in &rules[..index] {
            let share = |object| other.objects.contains(object);
            if !rule.objects.iter().any(share) {
                continue;
            }
            let same_automation = rule.has_automation_field()
                && other.has_automation_field()
                && rule.automation == other.automation;
            let same_salesforce = rule.salesforce.eq_ignore_ascii_case(&other.salesforce);
            if same_automation && same_salesforce {
                let gaps = vec![
                    ("salesforce", text(&rule.salesforce)),
                    ("automation", text(&rule.automation)),
                ];
                let about = Some((kind, rule.id));
                found.push(Unfit::new("unfit-twice", gaps).about(about, Weight::Refused));
                continue;
            }
            let fields = [
                (Side::Automation, same_automation, &rule.automation),
                (Side::Salesforce, same_salesforce, &rule.salesforce),
            ];
            for (side, is_same, field) in fields {
                if is_same && rule.writes(side) && other.writes(side) {
                    let gaps = vec![("field", text(field)), ("side", Told::Side(side))];
                    let about = Some((kind, rule.id));
                    found
                        .push(Unfit::new("unfit-two-onto-one", gaps).about(about, Weight::Refused));
                }
            }
        }
    }
}

/// What people and companies are paired by, and what keeps people from being mailed.
fn check_pairing(policy: &Policy, found: &mut Vec<Objection>) {
    let Policy { mapping, .. } = policy;
    if mapping.with_role(Kind::Person, Role::Email).is_none() {
        found.push(refuse("unfit-no-email", Vec::new()));
    }
    if mapping.with_role(Kind::Person, Role::Consent).is_none() {
        found.push(refuse("unfit-no-consent", Vec::new()));
    }
    let mut people = mapping.person.iter();
    let writes_accounts =
        people.any(|rule| rule.role == Role::Company && rule.arrow != Arrow::Salesforce);
    let has_name = mapping
        .with_role(Kind::Company, Role::CompanyName)
        .is_some();
    if (writes_accounts || !mapping.company.is_empty()) && !has_name {
        found.push(refuse("unfit-no-company-name", Vec::new()));
    }
}

/// The number of a rule that no version of the configuration ever used.
pub fn next_field<'a>(versions: impl Iterator<Item = &'a Policy>) -> FieldId {
    let rules = versions.flat_map(|policy| [&policy.mapping.person, &policy.mapping.company]);
    let highest = rules.flatten().map(|rule| rule.id.0).max();
    FieldId(highest.map_or(1, |id| id.saturating_add(1)))
}

#[cfg(test)]
mod tests;
