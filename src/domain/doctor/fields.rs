//! Whether every mapped field is there, can be written, and is of the type and length it needs.

use super::{Facts, Seen, Severity, Told, not_described, part, seen as say, settled};
use crate::domain::drift::{Drift, drifts, narrowing};
use crate::domain::evidence::Part;
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::remedy::Remedy;

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
    let mut judged = drifted(
        facts,
        ("seen-hidden", "seen-visible"),
        |rule, drift| match drift {
            Drift::ObjectHidden(object) => Some(object.name().to_owned()),
            Drift::FieldHidden(side, object) => Some(named(rule, side, object)),
            _ => None,
        },
    );
    if judged.severity != Severity::Fault {
        return judged;
    }
    // What the set-up tables know is there and only hidden; the rest has to be made first.
    let hidden = hidden(facts);
    if !hidden.is_empty() {
        let names = hidden
            .iter()
            .map(|(object, name)| format!("{object}.{name}"));
        judged.says = "seen-hidden-granted".into();
        judged
            .gaps
            .push(("hidden".into(), Told::Names(names.collect())));
    }
    judged.mended_by((!hidden.is_empty()).then_some(Remedy::GrantFields(hidden)))
}

/// Mapped fields of Salesforce that exist and are not shown to our user.
fn hidden(facts: &Facts<'_>) -> Vec<(String, String)> {
    let defined = facts.salesforce().map(|evidence| &evidence.fields);
    let (Ok(Part::Read(defined)), Some(described)) = (defined, facts.described) else {
        return Vec::new();
    };
    let mut hidden = Vec::new();
    for (kind, rule) in rules(facts) {
        for drift in drifts(kind, rule, described) {
            let Drift::FieldHidden(Side::Salesforce, Some(object)) = drift else {
                continue;
            };
            let field = defined.iter().find(|field| {
                field.object == object.name() && field.name.eq_ignore_ascii_case(&rule.salesforce)
            });
            hidden.extend(field.map(|field| (field.object.clone(), field.name.clone())));
        }
    }
    hidden.sort();
    hidden.dedup();
    hidden
}

pub(super) fn writable(facts: &Facts<'_>) -> Seen {
    let judged = drifted(
        facts,
        ("seen-locked", "seen-writable"),
        |rule, drift| match drift {
            Drift::ReadOnly(side, object) => Some(named(rule, side, object)),
            _ => None,
        },
    );
    let locked = locked(facts);
    judged.mended_by((!locked.is_empty()).then_some(Remedy::GrantFields(locked)))
}

/// Mapped fields of Salesforce that only field-level security keeps from being written.
fn locked(facts: &Facts<'_>) -> Vec<(String, String)> {
    let (Ok(evidence), Some(described)) = (facts.salesforce(), facts.described) else {
        return Vec::new();
    };
    let mut locked = Vec::new();
    for (kind, rule) in rules(facts) {
        for drift in drifts(kind, rule, described) {
            let Drift::ReadOnly(Side::Salesforce, Some(object)) = drift else {
                continue;
            };
            let field = described.salesforce_field(object, rule);
            let name = field.map(|field| field.name.clone());
            let may = |name: &String| evidence.grantable.contains(&format!("{object}.{name}"));
            locked.extend(
                name.filter(may)
                    .map(|name| (object.name().to_owned(), name)),
            );
        }
    }
    locked.sort();
    locked.dedup();
    locked
}

/// Automation ignores what is sent to a field that is not published, and says so to nobody.
pub(super) fn published(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let states = part(Some(&facts.automation()?.fields))?;
        let mut names = Vec::new();
        for (kind, rule) in rules(facts).filter(|(_, rule)| rule.has_automation_field()) {
            let mut of_it = states.iter().filter(|state| state.alias == rule.automation);
            if of_it.any(|state| state.kind == kind && !state.is_published) {
                names.push(named(rule, Side::Automation, None));
            }
        }
        names.dedup();
        let bad = (Severity::Fault, "seen-fields-unpublished");
        Ok(some_or_ok(facts, bad, "seen-fields-published", names))
    };
    settled(judge())
}

/// Values that one side's list offers and the other side's closed list would refuse.
pub(super) fn choices(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let evidence = facts.salesforce()?;
        let described = facts.described.ok_or_else(not_described)?;
        let mut names = Vec::new();
        for (kind, rule) in rules(facts).filter(|(_, rule)| rule.role == Role::Plain) {
            let theirs = described.automation_field(kind, rule);
            let theirs = theirs.and_then(|field| field.choices.as_ref());
            for object in &rule.objects {
                let field = described.salesforce_field(*object, rule);
                let ours = field.and_then(|field| {
                    let name = format!("{object}.{}", field.name);
                    evidence.picklists.get(&name)
                });
                let (Some(ours), Some(theirs)) = (ours, theirs) else {
                    continue;
                };
                let is_closed = field.is_some_and(|field| field.choices.is_some());
                let lacks = |from: &[String], into: &[String], to: &str| -> Vec<String> {
                    let lacking = from.iter().filter(|value| !into.contains(value));
                    lacking.map(|value| format!("{to} “{value}”")).collect()
                };
                if rule.writes(Side::Automation) {
                    let to = named(rule, Side::Automation, None);
                    names.extend(lacks(ours, theirs, &to));
                }
                if rule.writes(Side::Salesforce) && is_closed {
                    let to = named(rule, Side::Salesforce, Some(*object));
                    names.extend(lacks(theirs, ours, &to));
                }
            }
        }
        names.dedup();
        let bad = (Severity::Warning, "seen-choices-lack");
        Ok(some_or_ok(facts, bad, "seen-choices", names))
    };
    settled(judge())
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
