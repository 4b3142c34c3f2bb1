//! The object that activities are sent to: there, of the right shape, and on the pages where people
//! look.

use super::{Facts, Seen, Severity, Told, part, seen, settled, text};
use crate::domain::evidence::{Column, DefinedField, Layout, Part};
use crate::domain::ids::SalesforceObject;
use crate::domain::remedy::{Remedy, TIMELINE};
use crate::domain::request::FieldDescription;

/// How the set-up guide has a field of the timeline object created (in `describe`'s terms, see
/// `salesforce-api.md` §10.2).
struct Wanted {
    name: &'static str,
    kind: &'static str,
    /// At least so long.
    length: u32,
    refers_to: Option<&'static str>,
    is_unique: bool,
    is_external_id: bool,
}

const fn plain(name: &'static str, kind: &'static str, length: u32) -> Wanted {
    Wanted {
        name,
        kind,
        length,
        refers_to: None,
        is_unique: false,
        is_external_id: false,
    }
}

const fn lookup(name: &'static str, refers_to: &'static str) -> Wanted {
    Wanted {
        refers_to: Some(refers_to),
        ..plain(name, "reference", 0)
    }
}

const WANTED: [Wanted; 7] = [
    plain("ActivityDate__c", "datetime", 0),
    lookup("contact_id__c", "Contact"),
    plain("Description__c", "textarea", 131_072),
    lookup("WhoId__c", "Lead"),
    Wanted {
        is_external_id: true,
        ..plain("MauticLead__c", "double", 0)
    },
    plain("Mautic_url__c", "url", 255),
    Wanted {
        is_unique: true,
        ..plain("ReferenceId__c", "string", 255)
    },
];

/// The fields of the timeline object, or why they cannot be looked at.
fn described<'a>(facts: &Facts<'a>) -> Result<&'a [FieldDescription], Seen> {
    if !facts.policy.activities {
        return Err(seen(Severity::Note, "seen-activities-off", Vec::new()));
    }
    let described = facts.salesforce_described()?;
    described.timeline.as_deref().ok_or_else(|| {
        let object = ("object", text(facts.prefixed(TIMELINE)));
        seen(Severity::Fault, "seen-timeline-hidden", vec![object])
    })
}

/// Whether things can be made under the configured prefix: if it is the organisation's own, or both
/// have none. What a package brought can only be changed by its maker. Where nobody looked yet, the
/// remedy itself looks before it makes anything.
fn may_make(facts: &Facts<'_>) -> bool {
    let wanted = &facts.policy.namespace;
    let evidence = facts.salesforce().ok();
    match evidence.and_then(|evidence| evidence.namespace.read()) {
        Some(own) => own == wanted,
        None => wanted.is_empty(),
    }
}

/// The prefix is another than the configured one: of an object that is there, or of the organisation,
/// which would put it before the new one. Making the object would make a second one.
fn misplaced(facts: &Facts<'_>) -> Option<Seen> {
    let evidence = facts.salesforce().ok()?;
    let object = facts.prefixed(TIMELINE);
    let known = evidence.timelines.read()?;
    let wanted = ("object", text(&object));
    if known.iter().any(|name| name.eq_ignore_ascii_case(&object)) {
        return None;
    }
    if let Some(found) = known.first() {
        let prefix = found.strip_suffix(TIMELINE).unwrap_or_default();
        let prefix = ("prefix", text(prefix.trim_end_matches('_')));
        let gaps = vec![("found", text(found)), wanted, prefix];
        return Some(seen(Severity::Fault, "seen-timeline-elsewhere", gaps));
    }
    let own = evidence.namespace.read()?;
    let is_own = *own == facts.policy.namespace;
    (!is_own && !own.is_empty()).then(|| {
        let gaps = vec![wanted, ("prefix", text(own))];
        seen(Severity::Fault, "seen-timeline-prefix", gaps)
    })
}

pub(super) fn object(facts: &Facts<'_>) -> Seen {
    let fields = match described(facts) {
        Ok(fields) => fields,
        Err(judged) if judged.severity == Severity::Fault => return hidden(facts, judged),
        Err(judged) => return judged,
    };
    let object = ("object", text(facts.prefixed(TIMELINE)));
    let is_there = |name: &str| {
        let mut fields = fields.iter();
        fields.any(|field| field.name.eq_ignore_ascii_case(&facts.prefixed(name)))
    };
    let missing: Vec<&str> = WANTED
        .iter()
        .map(|wanted| wanted.name)
        .filter(|name| !is_there(name))
        .collect();
    if missing.is_empty() {
        return seen(Severity::Ok, "seen-timeline", vec![object]);
    }
    let remedy = Remedy::TimelineFields(missing.iter().map(|name| (*name).to_owned()).collect());
    let names = missing.iter().map(|name| facts.prefixed(name)).collect();
    seen(
        Severity::Fault,
        "seen-timeline-fields",
        vec![object, ("fields", Told::Names(names))],
    )
    .mended_by(may_make(facts).then_some(remedy))
}

/// Type, length, target, uniqueness. A field that is there is never changed from here: whatever the
/// platform would do to its values is for an administrator to decide.
pub(super) fn shape(facts: &Facts<'_>) -> Seen {
    let judge = || {
        described(facts).map_err(|judged| match judged.severity {
            // Nothing to look at, which is the object's own check.
            Severity::Fault => seen(Severity::Unknown, "seen-no-timeline", Vec::new()),
            _ => judged,
        })?;
        let columns = facts.salesforce()?.timeline.as_deref().unwrap_or_default();
        let mut odd = Vec::new();
        for wanted in &WANTED {
            let name = facts.prefixed(wanted.name);
            let found = columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(&name));
            odd.extend(found.and_then(|column| oddity(wanted, column)));
        }
        let bad = (Severity::Fault, "seen-timeline-odd");
        Ok(super::none_or_names(odd, "seen-timeline-shape", bad))
    };
    settled(judge())
}

/// What of a field is not as the guide has it: `WhoId__c: reference Contact → Lead`.
fn oddity(wanted: &Wanted, is: &Column) -> Option<String> {
    let name = &is.name;
    if is.kind != wanted.kind {
        return Some(format!("{name}: {} → {}", is.kind, wanted.kind));
    }
    if is.length < wanted.length {
        return Some(format!("{name}: {} → {}", is.length, wanted.length));
    }
    if let Some(target) = wanted.refers_to
        && !is.refers_to.iter().any(|known| known == target)
    {
        let refers_to = is.refers_to.join(", ");
        return Some(format!("{name}: reference {refers_to} → {target}"));
    }
    if is.kind == "double" && (is.precision < 18 || is.scale > 0) {
        return Some(format!("{name}: {},{} → 18,0", is.precision, is.scale));
    }
    if wanted.is_unique && !is.is_unique {
        return Some(format!("{name}: → unique"));
    }
    if wanted.is_external_id && !is.is_external_id {
        return Some(format!("{name}: → External ID"));
    }
    None
}

/// The one that keeps an activity from being there twice.
pub(super) fn reference(facts: &Facts<'_>) -> Seen {
    let fields = match described(facts) {
        Ok(fields) => fields,
        Err(other) if other.severity == Severity::Fault => {
            return seen(Severity::Unknown, "seen-no-timeline", Vec::new());
        }
        Err(other) => return other,
    };
    let name = facts.prefixed("ReferenceId__c");
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(&name));
    let name = ("field", text(&name));
    match field {
        None => seen(Severity::Fault, "seen-no-reference", vec![name]),
        Some(field) if field.is_unique => seen(Severity::Ok, "seen-reference", vec![name]),
        Some(_) => seen(Severity::Fault, "seen-reference-double", vec![name]),
    }
}

/// On each page layout of the people that are synced: the timeline's related list, with the date.
pub(super) fn layout(facts: &Facts<'_>) -> Seen {
    if !facts.policy.activities {
        return seen(Severity::Note, "seen-activities-off", Vec::new());
    }
    let judge = || {
        let layouts = part(Some(&facts.salesforce()?.layouts))?;
        let is_synced = |layout: &&Layout| facts.policy.syncs(layout.object);
        let synced: Vec<&Layout> = layouts.iter().filter(is_synced).collect();
        if synced.is_empty() {
            return Ok(seen(Severity::Unknown, "seen-no-layouts", Vec::new()));
        }
        let lacking = |layout: &&&Layout| !shows_timeline(facts, layout);
        let name = |layout: &&Layout| format!("{} “{}”", layout.object, layout.name);
        let names: Vec<String> = synced.iter().filter(lacking).map(name).collect();
        let bad = (Severity::Warning, "seen-layouts-lack");
        Ok(super::none_or_names(names, "seen-layouts", bad))
    };
    settled(judge())
}

fn shows_timeline(facts: &Facts<'_>, layout: &Layout) -> bool {
    let field = match layout.object {
        SalesforceObject::Lead => "WhoId__c",
        _ => "contact_id__c",
    };
    let wanted = format!("{}.{}", facts.prefixed(TIMELINE), facts.prefixed(field));
    let date = facts.prefixed("ActivityDate__c");
    layout.lists.iter().any(|list| {
        let mut columns = list.columns.iter();
        list.name.eq_ignore_ascii_case(&wanted)
            && columns.any(|column| column.eq_ignore_ascii_case(&date))
    })
}

/// Whether the object is not there, or our user may not see it: the set-up tables tell, if they can be
/// read.
fn hidden(facts: &Facts<'_>, judged: Seen) -> Seen {
    if let Some(misplaced) = misplaced(facts) {
        return misplaced;
    }
    let object = facts.prefixed(TIMELINE);
    let fields = facts.salesforce().map(|evidence| &evidence.fields);
    let says = match fields {
        Ok(Part::Read(fields)) => {
            let is_its = |field: &DefinedField| field.object.eq_ignore_ascii_case(&object);
            if fields.iter().any(is_its) {
                "seen-timeline-unseen"
            } else {
                "seen-timeline-absent"
            }
        }
        _ => return judged.mended_by(may_make(facts).then_some(Remedy::Timeline)),
    };
    let object = ("object", text(object));
    seen(Severity::Fault, says, vec![object]).mended_by(may_make(facts).then_some(Remedy::Timeline))
}
