//! What the set-up guide asks for: the plugin's settings, do-not-contact, deletions, the timeline.

use std::collections::BTreeSet;

use super::{Facts, Seen, Severity, Told, not_described, seen, text};
use crate::domain::ids::{Kind, SalesforceObject};
use crate::domain::mapping::Role;
use crate::domain::request::{FieldDescription, User};
use crate::domain::time::Span;

/// The timeline object's own fields, as the guide has them created.
const TIMELINE_FIELDS: [&str; 7] = [
    "ActivityDate__c",
    "contact_id__c",
    "Description__c",
    "WhoId__c",
    "MauticLead__c",
    "Mautic_url__c",
    "ReferenceId__c",
];

pub(super) fn published(facts: &Facts<'_>) -> Seen {
    if facts.snapshot.published {
        seen(Severity::Ok, "seen-published", Vec::new())
    } else {
        seen(Severity::Fault, "seen-unpublished", Vec::new())
    }
}

pub(super) fn schedule(facts: &Facts<'_>) -> Seen {
    let Some(timetable) = facts.timetable else {
        return seen(Severity::Unknown, "seen-schedule-unknown", Vec::new());
    };
    if !timetable.is_enabled {
        return seen(Severity::Warning, "seen-schedule-off", Vec::new());
    }
    let every = |span: Option<Span>| span.map_or(Told::Message("set-none".into()), Told::Time);
    seen(
        Severity::Ok,
        "seen-schedule",
        vec![
            ("pull", every(timetable.pull)),
            ("push", every(timetable.push)),
            ("activities", every(timetable.activities)),
        ],
    )
}

pub(super) fn objects(facts: &Facts<'_>) -> Seen {
    let policy = facts.policy;
    let has_people =
        policy.syncs(SalesforceObject::Lead) || policy.syncs(SalesforceObject::Contact);
    let names = ("objects", Told::Objects(policy.objects.clone()));
    if has_people && policy.syncs(SalesforceObject::Account) {
        seen(Severity::Ok, "seen-objects", vec![names])
    } else {
        seen(Severity::Fault, "seen-objects-missing", vec![names])
    }
}

/// Active users on either side whom the other side does not know by their address.
pub(super) fn owners(facts: &Facts<'_>) -> Seen {
    if !facts.policy.sync_owners {
        return seen(Severity::Note, "seen-owners-off", Vec::new());
    }
    let Some(described) = facts.described else {
        return not_described();
    };
    let active = |users: &[User]| -> BTreeSet<String> {
        let active = users.iter().filter(|user| user.is_active);
        active.map(|user| user.email.clone()).collect()
    };
    let salesforce = active(&described.salesforce.users);
    let automation = active(&described.automation.users);
    let alone: Vec<String> = salesforce
        .symmetric_difference(&automation)
        .cloned()
        .collect();
    if alone.is_empty() {
        let both = Told::Number(salesforce.len() as u64);
        return seen(Severity::Ok, "seen-owners", vec![("n", both)]);
    }
    seen(
        Severity::Warning,
        "seen-owners-alone",
        vec![
            ("n", Told::Number(alone.len() as u64)),
            ("users", Told::Names(alone)),
        ],
    )
}

pub(super) fn opt_out(facts: &Facts<'_>) -> Seen {
    let policy = facts.policy;
    let rule = policy.mapping.with_role(Kind::Person, Role::Consent);
    match rule {
        None => seen(Severity::Fault, "seen-opt-out-unmapped", Vec::new()),
        Some(_) if !policy.latest_do_not_contact => {
            seen(Severity::Warning, "seen-opt-in-off", Vec::new())
        }
        Some(_) => seen(Severity::Ok, "seen-opt-out", Vec::new()),
    }
}

/// No description says which fields have their history tracked.
pub(super) fn history(_: &Facts<'_>) -> Seen {
    seen(Severity::Unknown, "seen-history-unknown", Vec::new())
}

pub(super) fn deleted(facts: &Facts<'_>) -> Seen {
    let mapping = &facts.policy.mapping;
    let mut kinds = vec![(Kind::Person, "set-people")];
    if facts.policy.syncs(SalesforceObject::Account) && !mapping.company.is_empty() {
        kinds.push((Kind::Company, "set-companies"));
    }
    let missing = kinds
        .iter()
        .find(|(kind, _)| mapping.with_role(*kind, Role::Deleted).is_none());
    if let Some((kind, of)) = missing {
        let severity = match kind {
            Kind::Person => Severity::Warning,
            Kind::Company => Severity::Note,
        };
        let of = ("of", Told::Message((*of).into()));
        return seen(severity, "seen-deleted-unmapped", vec![of]);
    }
    let rules = kinds
        .iter()
        .filter_map(|(kind, _)| mapping.with_role(*kind, Role::Deleted));
    let names = rules.map(|rule| rule.automation.clone()).collect();
    seen(
        Severity::Ok,
        "seen-deleted",
        vec![("fields", Told::Names(names))],
    )
}

pub(super) fn timeline_link(facts: &Facts<'_>) -> Seen {
    let mapping = &facts.policy.mapping;
    let role = |role| mapping.with_role(Kind::Person, role);
    match (role(Role::TimelineLink), role(Role::ContactId)) {
        (Some(link), Some(id)) => seen(
            Severity::Ok,
            "seen-timeline-link",
            vec![
                ("link", text(&link.salesforce)),
                ("id", text(&id.salesforce)),
            ],
        ),
        _ => seen(Severity::Note, "seen-no-timeline-link", Vec::new()),
    }
}

/// The fields of the timeline object, or why they cannot be looked at.
fn timeline_fields<'a>(facts: &Facts<'a>) -> Result<&'a [FieldDescription], Seen> {
    if !facts.policy.activities {
        return Err(seen(Severity::Note, "seen-activities-off", Vec::new()));
    }
    let described = facts.described.ok_or_else(not_described)?;
    described.salesforce.timeline.as_deref().ok_or_else(|| {
        let object = ("object", text(own(facts, "mautic_timeline__c")));
        seen(Severity::Fault, "seen-timeline-hidden", vec![object])
    })
}

/// With the prefix.
fn own(facts: &Facts<'_>, name: &str) -> String {
    match facts.policy.namespace.as_str() {
        "" => name.to_owned(),
        namespace => format!("{namespace}__{name}"),
    }
}

pub(super) fn timeline(facts: &Facts<'_>) -> Seen {
    let fields = match timeline_fields(facts) {
        Ok(fields) => fields,
        Err(seen) => return seen,
    };
    let object = ("object", text(own(facts, "mautic_timeline__c")));
    let wanted = TIMELINE_FIELDS.map(|name| own(facts, name));
    let is_there = |name: &str| {
        let mut fields = fields.iter();
        fields.any(|field| field.name.eq_ignore_ascii_case(name))
    };
    let missing: Vec<String> = wanted.into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return seen(Severity::Ok, "seen-timeline", vec![object]);
    }
    let missing = ("fields", Told::Names(missing));
    seen(
        Severity::Fault,
        "seen-timeline-fields",
        vec![object, missing],
    )
}

/// The one that keeps an activity from being there twice.
pub(super) fn reference(facts: &Facts<'_>) -> Seen {
    let fields = match timeline_fields(facts) {
        Ok(fields) => fields,
        Err(other) if other.severity == Severity::Fault => return not_described(),
        Err(other) => return other,
    };
    let name = own(facts, "ReferenceId__c");
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

/// No description shows page layouts.
pub(super) fn layout(facts: &Facts<'_>) -> Seen {
    if facts.policy.activities {
        seen(Severity::Unknown, "seen-layout-unknown", Vec::new())
    } else {
        seen(Severity::Note, "seen-activities-off", Vec::new())
    }
}

pub(super) fn activity_types(facts: &Facts<'_>) -> Seen {
    let chosen = &facts.policy.activity_types;
    if !facts.policy.activities {
        return seen(Severity::Note, "seen-activities-off", Vec::new());
    }
    if chosen.is_empty() {
        return seen(Severity::Fault, "seen-no-types", Vec::new());
    }
    let Some(described) = facts.described else {
        return not_described();
    };
    let known = &described.automation.activity_types;
    let mut strange = chosen.clone();
    strange.retain(|kind| !known.contains(kind));
    if strange.is_empty() {
        let count = Told::Number(chosen.len() as u64);
        return seen(Severity::Ok, "seen-types", vec![("n", count)]);
    }
    let strange = ("types", Told::Names(strange));
    seen(Severity::Warning, "seen-types-strange", vec![strange])
}

pub(super) fn activities_sent(facts: &Facts<'_>) -> Seen {
    let sent = facts.counts.sent_activities;
    match (facts.policy.activities, sent) {
        (false, _) => seen(Severity::Note, "seen-activities-off", Vec::new()),
        (true, 0) => seen(Severity::Warning, "seen-none-sent", Vec::new()),
        (true, sent) => seen(Severity::Ok, "seen-sent", vec![("n", Told::Number(sent))]),
    }
}
