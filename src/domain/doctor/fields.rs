//! Whether every mapped field is there, can be written, and is of the type and length it needs.

use std::collections::BTreeMap;

use super::{Facts, Seen, Severity, Told, part, seen as say, settled};
use crate::domain::drift::{Drift, automation_drifts, narrowed, salesforce_drifts};
use crate::domain::evidence::Part;
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::remedy::Remedy;
use crate::domain::request::FieldDescription;

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

/// All mapped fields that drifted in one way are one fault. What cannot be looked at on one side says
/// nothing against the other.
fn drifted(
    facts: &Facts<'_>,
    (bad, good): (&'static str, &'static str),
    name: impl Fn(&FieldRule, Drift) -> Option<String>,
) -> Seen {
    let mut names = Vec::new();
    let mut unknown = None;
    let salesforce = facts.salesforce_described();
    for (kind, rule) in rules(facts) {
        let mut drifts = Vec::new();
        match &salesforce {
            Ok(described) => drifts.extend(salesforce_drifts(rule, described)),
            Err(seen) => unknown = Some(seen.clone()),
        }
        match facts.automation_fields(kind) {
            Ok(fields) => drifts.extend(automation_drifts(rule, fields)),
            Err(seen) => unknown = Some(seen),
        }
        names.extend(drifts.into_iter().filter_map(|drift| name(rule, drift)));
    }
    names.dedup();
    match unknown {
        Some(unknown) if names.is_empty() => unknown,
        _ => some_or_ok(facts, (Severity::Fault, bad), good, names),
    }
}

pub(super) fn seen(facts: &Facts<'_>) -> Seen {
    let mut judged = drifted(
        facts,
        ("seen-hidden", "seen-visible"),
        |rule, drift| match drift {
            Drift::ObjectHidden(object) => Some(object.name().to_owned()),
            // There, and its own check says what is wrong with it.
            Drift::FieldHidden(Side::Automation, _) if is_unpublished(facts, rule) => None,
            Drift::FieldHidden(side, object) => Some(named(rule, side, object)),
            _ => None,
        },
    );
    if judged.severity != Severity::Fault {
        return judged;
    }
    // What the set-up tables know is there and only hidden; the rest has to be made first.
    let hidden = hidden(facts);
    if hidden.is_empty() {
        return judged;
    }
    let names = hidden
        .keys()
        .map(|(object, name)| format!("{object}.{name}"));
    judged.says = "seen-hidden-granted".into();
    judged
        .gaps
        .push(("hidden".into(), Told::Names(names.collect())));
    // The right to write is refused for a formula, and not needed where nothing is written. What is
    // only shown comes after what is written: the next look offers it.
    let of = |wanted: bool| -> Vec<(String, String)> {
        let chosen = hidden.iter().filter(|(_, writes)| **writes == wanted);
        chosen.map(|(field, _)| field.clone()).collect()
    };
    let written = of(true);
    let remedy = if written.is_empty() {
        Remedy::ShowFields(of(false))
    } else {
        Remedy::GrantFields(written)
    };
    judged.mended_by(Some(remedy))
}

/// Whether Automation's field is there and not published.
fn is_unpublished(facts: &Facts<'_>, rule: &FieldRule) -> bool {
    let states = facts.automation().map(|evidence| &evidence.fields);
    let Ok(Part::Read(states)) = states else {
        return false;
    };
    let mut states = states.iter();
    states.any(|state| state.alias == rule.automation && !state.is_published)
}

/// Mapped fields of Salesforce that exist and are not shown to our user, and whether the sync writes
/// them.
fn hidden(facts: &Facts<'_>) -> BTreeMap<(String, String), bool> {
    let mut hidden = BTreeMap::new();
    let defined = facts.salesforce().map(|evidence| &evidence.fields);
    let (Ok(Part::Read(defined)), Ok(described)) = (defined, facts.salesforce_described()) else {
        return hidden;
    };
    for (_, rule) in rules(facts) {
        for drift in salesforce_drifts(rule, described) {
            let Drift::FieldHidden(Side::Salesforce, Some(object)) = drift else {
                continue;
            };
            let field = defined.iter().find(|field| {
                field.object == object.name() && field.name.eq_ignore_ascii_case(&rule.salesforce)
            });
            if let Some(field) = field {
                let key = (field.object.clone(), field.name.clone());
                *hidden.entry(key).or_default() |= rule.writes(Side::Salesforce);
            }
        }
    }
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
    let (Ok(evidence), Ok(described)) = (facts.salesforce(), facts.salesforce_described()) else {
        return Vec::new();
    };
    let mut locked = Vec::new();
    for (_, rule) in rules(facts) {
        for drift in salesforce_drifts(rule, described) {
            let Drift::ReadOnly(Side::Salesforce, Some(object)) = drift else {
                continue;
            };
            let field = described.mapped(object, rule);
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

/// Values that one side's list offers and the other side's closed list would refuse. What is in the
/// lists of the product itself, such as countries, is not told.
pub(super) fn choices(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let evidence = facts.salesforce()?;
        let described = facts.salesforce_described()?;
        let mut names = Vec::new();
        let mut untold = Vec::new();
        let mut severity = Severity::Note;
        for (kind, rule) in rules(facts).filter(|(_, rule)| rule.role == Role::Plain) {
            let theirs = rule.among(facts.automation_fields(kind)?);
            if theirs.is_some_and(FieldDescription::hides_choices) && rule.writes(Side::Automation)
            {
                untold.push(format!("{} → {}", rule.salesforce, rule.automation));
                if is_refused(facts, rule) {
                    severity = Severity::Warning;
                }
            }
            let theirs = theirs.and_then(|field| field.choices.as_ref());
            for object in &rule.objects {
                let field = described.mapped(*object, rule);
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
        if names.is_empty() && !untold.is_empty() {
            let bad = (severity, "seen-choices-untold");
            return Ok(some_or_ok(facts, bad, "seen-choices", untold));
        }
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

/// What a field takes that does not tell its limit shows in the first text that is refused.
pub(super) fn long_enough(facts: &Facts<'_>) -> Seen {
    settled(judged_lengths(facts))
}

fn judged_lengths(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let described = facts.salesforce_described()?;
    let (mut narrow, mut untold, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, rule) in rules(facts) {
        let Some(field) = rule.among(facts.automation_fields(kind)?) else {
            continue;
        };
        if field.hides_length && rule.writes(Side::Automation) {
            let is_refused = is_refused(facts, rule);
            let names = if is_refused {
                &mut refused
            } else {
                &mut untold
            };
            names.push(named(rule, Side::Automation, None));
        }
        if let Some(narrow_pair) = narrowed(rule, described, field) {
            let (from, to) = (narrow_pair.from_length, narrow_pair.to_length);
            let name = match narrow_pair.to {
                Side::Salesforce => &rule.salesforce,
                Side::Automation => &rule.automation,
            };
            narrow.push(format!("{} {name} ({from} → {to})", narrow_pair.to));
        }
    }
    let (bad, names) = if !refused.is_empty() {
        ((Severity::Warning, "seen-lengths-refused"), refused)
    } else if !narrow.is_empty() {
        ((Severity::Note, "seen-shorter"), narrow)
    } else {
        ((Severity::Note, "seen-lengths-untold"), untold)
    };
    Ok(some_or_ok(facts, bad, "seen-long-enough", names))
}

/// Whether Automation refused a value of this pair that waits for a person.
fn is_refused(facts: &Facts<'_>, rule: &FieldRule) -> bool {
    let mut refusals = facts.refusals(Side::Automation);
    refusals.any(|refused| refused.field == Some(rule.id))
}

/// Required fields of the objects that the sync creates records of.
pub(super) fn required(facts: &Facts<'_>) -> Seen {
    settled(judged_required(facts))
}

fn judged_required(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let described = facts.salesforce_described()?;
    let policy = facts.policy;
    let mut created = Vec::new();
    if policy.syncs(SalesforceObject::Lead) {
        created.push(SalesforceObject::Lead);
    }
    if policy.create_accounts && policy.syncs(SalesforceObject::Account) {
        created.push(SalesforceObject::Account);
    }
    if created.is_empty() {
        return Ok(say(Severity::Note, "seen-nothing-created", Vec::new()));
    }
    let mut missing = Vec::new();
    for object in &created {
        let fields = described.objects.get(object.name());
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
        return Ok(say(Severity::Ok, "seen-required-mapped", vec![names]));
    }
    let names = ("fields", Told::Names(missing));
    Ok(say(Severity::Fault, "seen-required-missing", vec![names]))
}

/// Beyond the field that pairs people and companies.
pub(super) fn unique(facts: &Facts<'_>) -> Seen {
    settled(judged_unique(facts))
}

fn judged_unique(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let described = facts.salesforce_described()?;
    let mut names = Vec::new();
    for (kind, rule) in rules(facts) {
        if !matches!(rule.role, Role::Plain) {
            continue;
        }
        for object in &rule.objects {
            let field = described.mapped(*object, rule);
            if field.is_some_and(|field| field.is_unique) && rule.writes(Side::Salesforce) {
                names.push(named(rule, Side::Salesforce, Some(*object)));
            }
        }
        let field = rule.among(facts.automation_fields(kind)?);
        if field.is_some_and(|field| field.is_unique) && rule.writes(Side::Automation) {
            names.push(named(rule, Side::Automation, None));
        }
    }
    let bad = (Severity::Note, "seen-unique");
    Ok(some_or_ok(facts, bad, "seen-none-unique", names))
}
