//! What the set-up guide asks for: the plugin's settings, do-not-contact, deletions, the timeline.

use std::collections::BTreeSet;

use super::{Facts, Seen, Severity, Told, part, prefixed, seen, settled, text};
use crate::domain::evidence::{FieldState, Part, Segment};
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::Role;
use crate::domain::remedy::{DELETED_FIELD, ID_FIELD, OPT_OUT_FIELD, Remedy};
use crate::domain::request::{FieldAccess, User};
use crate::domain::time::Span;
use crate::domain::value::ValueType;

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

/// Who owns what is synced, and whom the other side does not know by their address. Whoever owns
/// nothing is nobody's loss.
pub(super) fn owners(facts: &Facts<'_>) -> Seen {
    if !facts.policy.sync_owners {
        return seen(Severity::Note, "seen-owners-off", Vec::new());
    }
    settled(judged_owners(facts))
}

fn judged_owners(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let active = |users: &[User]| -> BTreeSet<String> {
        let active = users.iter().filter(|user| user.is_active);
        active.map(|user| user.email.clone()).collect()
    };
    let owners = part(Some(&facts.salesforce()?.owners))?;
    let salesforce = active(&facts.salesforce_described()?.users);
    let automation = active(facts.automation_users()?);
    let of = |users: Vec<String>| {
        let count = ("n", Told::Number(users.len() as u64));
        vec![count, ("users", Told::Names(users))]
    };
    let alone: Vec<String> = owners.difference(&automation).cloned().collect();
    if !alone.is_empty() {
        return Ok(seen(Severity::Warning, "seen-owners-alone", of(alone)));
    }
    let rule = facts.policy.mapping.with_role(Kind::Person, Role::Owner);
    let comes_back = rule.is_some_and(|rule| rule.writes(Side::Salesforce));
    let unmatched: Vec<String> = automation.difference(&salesforce).cloned().collect();
    if comes_back && !unmatched.is_empty() {
        return Ok(seen(Severity::Note, "seen-owners-unmatched", of(unmatched)));
    }
    let count = ("n", Told::Number(owners.len() as u64));
    Ok(seen(Severity::Ok, "seen-owners", vec![count]))
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

/// The objects of people that are synced.
fn people(facts: &Facts<'_>) -> Vec<SalesforceObject> {
    let people = [SalesforceObject::Lead, SalesforceObject::Contact];
    let synced = people
        .into_iter()
        .filter(|object| facts.policy.syncs(*object));
    synced.collect()
}

/// Many profiles do not see the field by default; without it no opt-out is read or written.
pub(super) fn opt_out_visible(facts: &Facts<'_>) -> Seen {
    settled(judged_opt_out(facts))
}

fn judged_opt_out(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let described = facts.salesforce_described()?;
    let is_open = |object: &SalesforceObject| {
        let fields = described.objects.get(object.name());
        let mut fields = fields.into_iter().flatten();
        fields.any(|field| field.name == OPT_OUT_FIELD && field.access != FieldAccess::ReadOnly)
    };
    let mut lacking = people(facts);
    lacking.retain(|object| !is_open(object));
    if lacking.is_empty() {
        let objects = ("objects", Told::Objects(people(facts)));
        return Ok(seen(Severity::Ok, "seen-opt-out-visible", vec![objects]));
    }
    // The right to a field is no right to an object that is hidden altogether.
    let shown = lacking
        .iter()
        .filter(|object| described.objects.contains_key(object.name()));
    let field = |object: &SalesforceObject| (object.name().to_owned(), OPT_OUT_FIELD.to_owned());
    let fields: Vec<(String, String)> = shown.map(field).collect();
    let remedy = (!fields.is_empty()).then_some(Remedy::GrantFields(fields));
    let objects = ("objects", Told::Objects(lacking));
    Ok(seen(Severity::Fault, "seen-opt-out-hidden", vec![objects]).mended_by(remedy))
}

/// Opt-ins travel on dated proof only, which is this history.
pub(super) fn history(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let defined = part(Some(&facts.salesforce()?.fields))?;
        let is_tracked = |object: &SalesforceObject| {
            let mut fields = defined.iter();
            fields.any(|field| {
                field.object == object.name() && field.name == OPT_OUT_FIELD && field.is_tracked
            })
        };
        let mut untracked = people(facts);
        untracked.retain(|object| !is_tracked(object));
        if untracked.is_empty() {
            let objects = ("objects", Told::Objects(people(facts)));
            return Ok(seen(Severity::Ok, "seen-history", vec![objects]));
        }
        let remedy = Remedy::TrackHistory(untracked.clone());
        let objects = ("objects", Told::Objects(untracked));
        let judged = seen(Severity::Warning, "seen-history-off", vec![objects]);
        Ok(judged.mended_by(Some(remedy)))
    };
    settled(judge())
}

pub(super) fn history_readable(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let history = &facts.salesforce()?.history;
        for object in people(facts) {
            if let Some(Part::Unread(why)) = history.get(&object) {
                let object = ("objects", Told::Objects(vec![object]));
                let gaps = vec![object, ("why", text(why))];
                return Ok(seen(Severity::Warning, "seen-history-closed", gaps));
            }
        }
        let objects = ("objects", Told::Objects(people(facts)));
        Ok(seen(Severity::Ok, "seen-history-open", vec![objects]))
    };
    settled(judge())
}

/// What is deleted in Salesforce, by kind, and what each is called.
fn deleted_kinds(facts: &Facts<'_>) -> Vec<(Kind, &'static str)> {
    let mapping = &facts.policy.mapping;
    let mut kinds = vec![(Kind::Person, "set-people")];
    if facts.policy.syncs(SalesforceObject::Account) && !mapping.company.is_empty() {
        kinds.push((Kind::Company, "set-companies"));
    }
    kinds
}

pub(super) fn deleted(facts: &Facts<'_>) -> Seen {
    let mapping = &facts.policy.mapping;
    let kinds = deleted_kinds(facts);
    let missing = kinds
        .iter()
        .find(|(kind, _)| mapping.with_role(*kind, Role::Deleted).is_none());
    if let Some((kind, of)) = missing {
        let severity = match kind {
            Kind::Person => Severity::Warning,
            Kind::Company => Severity::Note,
        };
        let of = ("of", Told::Message((*of).into()));
        let judged = seen(severity, "seen-deleted-unmapped", vec![of]);
        return judged.mended_by(new_deleted_field(facts, *kind));
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

/// A field to map to, unless it is there already and only waits to be mapped.
fn new_deleted_field(facts: &Facts<'_>, kind: Kind) -> Option<Remedy> {
    let states = facts.automation().ok()?.fields.read()?;
    // An alias is one across contacts and companies.
    let (own, other) = match kind {
        Kind::Person => (DELETED_FIELD.to_owned(), format!("{DELETED_FIELD}_pe")),
        Kind::Company => (format!("{DELETED_FIELD}_co"), format!("{DELETED_FIELD}_2")),
    };
    let is_taken = |state: &FieldState| state.alias == own && state.kind != kind;
    let alias = if states.iter().any(is_taken) {
        other
    } else {
        own
    };
    let is_there =
        |state: &FieldState| state.alias == alias && state.kind == kind && state.is_published;
    let is_missing = !states.iter().any(is_there);
    is_missing.then_some(Remedy::DeletedField(kind, alias))
}

/// The mapped fields for it, as Automation has them.
pub(super) fn deleted_field(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let states = part(Some(&facts.automation()?.fields))?;
        let mut names = Vec::new();
        for (kind, _) in deleted_kinds(facts) {
            let rule = facts.policy.mapping.with_role(kind, Role::Deleted);
            let Some(rule) = rule else { continue };
            let alias = &rule.automation;
            let state = states
                .iter()
                .find(|state| state.kind == kind && state.alias == *alias);
            let field = ("field", text(alias));
            let remedy = Some(Remedy::DeletedField(kind, alias.clone()));
            let fault = |says| seen(Severity::Fault, says, vec![field.clone()]);
            match state {
                None => return Ok(fault("seen-deleted-field-missing").mended_by(remedy)),
                Some(state) if state.value_type != Some(ValueType::Bool) => {
                    return Ok(fault("seen-deleted-field-type"));
                }
                Some(state) if !state.is_published => {
                    return Ok(fault("seen-deleted-field-hidden").mended_by(remedy));
                }
                Some(_) => names.push(alias.clone()),
            }
        }
        if names.is_empty() {
            return Ok(seen(Severity::Note, "seen-deleted-nowhere", Vec::new()));
        }
        let fields = ("fields", Told::Names(names));
        Ok(seen(Severity::Ok, "seen-deleted-field", vec![fields]))
    };
    settled(judge())
}

/// The guide's way to act on deletions in Automation: a segment, then a campaign.
pub(super) fn deleted_segment(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let rule = facts.policy.mapping.with_role(Kind::Person, Role::Deleted);
        let Some(rule) = rule else {
            return Ok(seen(Severity::Note, "seen-deleted-nowhere", Vec::new()));
        };
        let evidence = facts.automation()?;
        let segments = part(Some(&evidence.segments))?;
        let is_it = |segment: &&Segment| {
            let mut filters = segment.filters.iter();
            segment.is_published && filters.any(|filter| filter.is_set(&rule.automation))
        };
        if let Some(segment) = segments.iter().find(is_it) {
            let name = ("segment", text(&segment.name));
            return Ok(seen(Severity::Ok, "seen-segment", vec![name]));
        }
        let field = ("field", text(&rule.automation));
        let states = part(Some(&evidence.fields))?;
        // A filter needs the field first.
        let usable = states.iter().find(|state| {
            let is_it = state.alias == rule.automation && state.kind == Kind::Person;
            is_it && state.is_published && state.value_type == Some(ValueType::Bool)
        });
        let alias = rule.automation.clone();
        let (says, remedy) = match usable {
            None => ("seen-no-segment", None),
            Some(state) if state.is_listable => {
                ("seen-no-segment", Some(Remedy::DeletedSegment(alias)))
            }
            Some(_) => (
                "seen-segment-unlisted",
                Some(Remedy::DeletedField(Kind::Person, alias)),
            ),
        };
        Ok(seen(Severity::Note, says, vec![field]).mended_by(remedy))
    };
    settled(judge())
}

/// “ID Webmecanik”: Automation's number of the contact, for reports and links in Salesforce.
pub(super) fn id_field(facts: &Facts<'_>) -> Seen {
    let judge = || {
        if let Some(rule) = facts
            .policy
            .mapping
            .with_role(Kind::Person, Role::ContactId)
        {
            let field = ("field", text(&rule.salesforce));
            return Ok(seen(Severity::Ok, "seen-id-mapped", vec![field]));
        }
        let evidence = facts.salesforce()?;
        let defined = part(Some(&evidence.fields))?;
        // It is made in the organisation, so it has the organisation's own prefix.
        let own = evidence.namespace.read().map_or("", String::as_str);
        let name = prefixed(own, ID_FIELD);
        let is_there = |object: &SalesforceObject| {
            let mut fields = defined.iter();
            fields.any(|field| {
                field.object == object.name() && field.name.eq_ignore_ascii_case(&name)
            })
        };
        let mut lacking = people(facts);
        lacking.retain(|object| !is_there(object));
        let field = ("field", text(name));
        if lacking.is_empty() {
            return Ok(seen(Severity::Note, "seen-id-unmapped", vec![field]));
        }
        let judged = seen(Severity::Note, "seen-no-id", vec![field]);
        Ok(judged.mended_by(Some(Remedy::IdField(lacking))))
    };
    settled(judge())
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

pub(super) fn activity_types(facts: &Facts<'_>) -> Seen {
    let chosen = &facts.policy.activity_types;
    if !facts.policy.activities {
        return seen(Severity::Note, "seen-activities-off", Vec::new());
    }
    if chosen.is_empty() {
        return seen(Severity::Fault, "seen-no-types", Vec::new());
    }
    let known = match facts.activity_types() {
        Ok(known) => known,
        Err(unknown) => return unknown,
    };
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
