//! Whether every mapped field is there, can be written, and is of the type and length it needs.

use super::{Facts, Seen, Severity, Told, not_described, seen as say};
use crate::domain::drift::{Drift, drifts, narrowing};
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::{FieldRule, Role};

fn rules<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (Kind, &'a FieldRule)> {
    let mapping = &facts.policy.mapping;
    [Kind::Person, Kind::Company]
        .into_iter()
        .flat_map(move |kind| mapping.rules(kind).iter().map(move |rule| (kind, rule)))
}

/// `Lead.Phone`, or `Automation phone`.
fn named(rule: &FieldRule, side: Side, object: Option<SalesforceObject>) -> String {
    match (side, object) {
        (Side::Salesforce, Some(object)) => format!("{}.{}", object.name(), rule.salesforce),
        (side, _) => format!("{side} {}", rule.automation),
    }
}

fn some_or_ok(
    facts: &Facts<'_>,
    (severity, bad): (Severity, &'static str),
    good: &'static str,
    names: Vec<String>,
) -> Seen {
    if names.is_empty() {
        let count = rules(facts).count() as u64;
        return say(Severity::Ok, good, vec![("n", Told::Number(count))]);
    }
    let count = Told::Number(names.len() as u64);
    say(
        severity,
        bad,
        vec![("n", count), ("fields", Told::Names(names))],
    )
}

/// All mapped fields that drifted in one way are one fault.
fn drifted(
    facts: &Facts<'_>,
    (bad, good): (&'static str, &'static str),
    name: impl Fn(&FieldRule, Drift) -> Option<String>,
) -> Seen {
    let Some(described) = facts.described else {
        return not_described();
    };
    let mut names = Vec::new();
    for (kind, rule) in rules(facts) {
        let drifts = drifts(kind, rule, described).into_iter();
        names.extend(drifts.filter_map(|drift| name(rule, drift)));
    }
    names.dedup();
    some_or_ok(facts, (Severity::Fault, bad), good, names)
}

pub(super) fn seen(facts: &Facts<'_>) -> Seen {
    drifted(
        facts,
        ("seen-hidden", "seen-visible"),
        |rule, drift| match drift {
            Drift::ObjectHidden(object) => Some(object.name().to_owned()),
            Drift::FieldHidden(side, object) => Some(named(rule, side, object)),
            _ => None,
        },
    )
}

pub(super) fn writable(facts: &Facts<'_>) -> Seen {
    drifted(
        facts,
        ("seen-locked", "seen-writable"),
        |rule, drift| match drift {
            Drift::ReadOnly(side, object) => Some(named(rule, side, object)),
            _ => None,
        },
    )
}

pub(super) fn typed(facts: &Facts<'_>) -> Seen {
    drifted(
        facts,
        ("seen-retyped", "seen-typed"),
        |rule, drift| match drift {
            Drift::Retyped(side, object, Some(is)) => {
                let name = named(rule, side, object);
                Some(format!("{name} ({} → {is})", rule.value_type))
            }
            Drift::Retyped(side, object, None) => Some(named(rule, side, object)),
            _ => None,
        },
    )
}

pub(super) fn long_enough(facts: &Facts<'_>) -> Seen {
    let Some(described) = facts.described else {
        return not_described();
    };
    let narrow = rules(facts).filter_map(|(kind, rule)| {
        let narrow = narrowing(kind, rule, described)?;
        let (from, to) = (narrow.from_length, narrow.to_length);
        let name = match narrow.to {
            Side::Salesforce => &rule.salesforce,
            Side::Automation => &rule.automation,
        };
        Some(format!("{} {name} ({from} → {to})", narrow.to))
    });
    let narrow = narrow.collect();
    some_or_ok(
        facts,
        (Severity::Note, "seen-shorter"),
        "seen-long-enough",
        narrow,
    )
}

/// Required fields of the objects that the sync creates records of.
pub(super) fn required(facts: &Facts<'_>) -> Seen {
    let Some(described) = facts.described else {
        return not_described();
    };
    let policy = facts.policy;
    let mut created = Vec::new();
    if policy.syncs(SalesforceObject::Lead) {
        created.push(SalesforceObject::Lead);
    }
    if policy.create_accounts && policy.syncs(SalesforceObject::Account) {
        created.push(SalesforceObject::Account);
    }
    if created.is_empty() {
        return say(Severity::Note, "seen-nothing-created", Vec::new());
    }
    let mut missing = Vec::new();
    for object in &created {
        let fields = described.salesforce.objects.get(object.name());
        for field in fields.into_iter().flatten().filter(|f| f.is_required) {
            let is_mapped = policy
                .mapping
                .rules_of(*object)
                .any(|rule| rule.salesforce.eq_ignore_ascii_case(&field.name));
            if !is_mapped {
                missing.push(format!("{}.{}", object.name(), field.name));
            }
        }
    }
    if missing.is_empty() {
        let names = ("objects", Told::Objects(created));
        return say(Severity::Ok, "seen-required-mapped", vec![names]);
    }
    let names = ("fields", Told::Names(missing));
    say(Severity::Fault, "seen-required-missing", vec![names])
}

/// Beyond the field that pairs people and companies.
pub(super) fn unique(facts: &Facts<'_>) -> Seen {
    let Some(described) = facts.described else {
        return not_described();
    };
    let mut names = Vec::new();
    for (kind, rule) in rules(facts) {
        if !matches!(rule.role, Role::Plain) {
            continue;
        }
        for object in &rule.objects {
            let field = described.salesforce_field(*object, rule);
            if field.is_some_and(|field| field.is_unique) && rule.writes(Side::Salesforce) {
                names.push(named(rule, Side::Salesforce, Some(*object)));
            }
        }
        let field = described.automation_field(kind, rule);
        if field.is_some_and(|field| field.is_unique) && rule.writes(Side::Automation) {
            names.push(named(rule, Side::Automation, None));
        }
    }
    some_or_ok(
        facts,
        (Severity::Note, "seen-unique"),
        "seen-none-unique",
        names,
    )
}
