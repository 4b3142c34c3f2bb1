//! Faults that an administrator of Salesforce makes and mends.

use super::Fault;
use crate::sim::clock::{MINUTE_MS, Timestamp};
use crate::sim::salesforce::Salesforce;
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{Call, ListedSite, RelatedList};
use crate::sim::salesforce::rules::{DuplicateAction, DuplicateRule, ValidationRule};
use crate::sim::salesforce::schema::{
    CONTACT, FieldAccess, FieldDef, FieldType, GROUP, LEAD, ObjectIndex, ObjectRight, ObjectRights,
    PicklistValue, ReferenceKey, USER,
};
use crate::sim::salesforce::soql::ast::{Expr, Literal, Op};
use crate::sim::salesforce::value::Value;
use crate::sim::world::plugin;
use crate::sim::world::stage::{AUTOMATION_ADDRESS, SITE};

const OPT_OUT: &str = "HasOptedOutOfEmail";
const RULE: &str = "Telephone_obligatoire";
const DUPLICATES: &str = "Prospects_en_double";
const QUEUE: &str = "Prospects_web";
/// Who owns leads and is nobody in Automation.
pub(super) const STRANGER: (&str, &str, &str) =
    ("Julien", "Marchetti", "julien.marchetti@orion.example");
pub(super) const NEW_INTEREST: &str = "Podcast";
const SKEW_MS: i64 = 3 * MINUTE_MS;
/// Leads that change hands for a fault about owners.
const LEADS: usize = 2;

pub(super) fn wrong(fault: Fault, org: &mut Salesforce, now: Timestamp) {
    match fault {
        Fault::OptOutHidden => {
            org.grant(CONTACT, OPT_OUT, FieldAccess::Hidden, now);
        }
        Fault::HistoryUntracked => {
            org.track_history(CONTACT, OPT_OUT, false);
        }
        Fault::RemoteSiteMissing => org.setup.remote_sites.retain(|site| site.name != SITE),
        Fault::TrustedSiteInactive => set_trusted(org, false),
        Fault::ValidationRuleRefuses => refuse_without_phone(org),
        Fault::DuplicateRuleBlocks => block_duplicates(org),
        Fault::QueueOwnsLeads => {
            let queue = named(org, GROUP, "DeveloperName", QUEUE);
            let queue = queue.unwrap_or_else(|| org.add_queue(QUEUE, now));
            hand_over(org, queue, 0, now);
        }
        Fault::OwnerUnknown => {
            let (first, last, address) = STRANGER;
            let stranger = named(org, USER, "Username", address);
            let stranger = stranger.unwrap_or_else(|| org.add_user((first, last), address, now));
            hand_over(org, stranger, LEADS, now);
        }
        Fault::ChoiceMissing => add_interest(org, now),
        Fault::OldPluginRuns => {
            let done = plugin::switch(org, true, now);
            debug_assert!(done.is_ok(), "{done:?}");
        }
        Fault::IsSandbox => org.set_sandbox(true),
        Fault::ClockOff => org.set_clock_skew(SKEW_MS),
        other => wrong_timeline(other, org, now),
    }
}

pub(super) fn mend(fault: Fault, org: &mut Salesforce, now: Timestamp) {
    match fault {
        Fault::OptOutHidden => {
            org.grant(CONTACT, OPT_OUT, FieldAccess::Full, now);
        }
        Fault::HistoryUntracked => {
            org.track_history(CONTACT, OPT_OUT, true);
        }
        Fault::RemoteSiteMissing => list_remote_site(org),
        Fault::TrustedSiteInactive => set_trusted(org, true),
        Fault::ValidationRuleRefuses => {
            org.rules.validations.retain(|rule| rule.name != RULE);
        }
        Fault::DuplicateRuleBlocks => {
            org.rules.duplicates.retain(|rule| rule.name != DUPLICATES);
        }
        Fault::QueueOwnsLeads => {
            if let Some(queue) = named(org, GROUP, "DeveloperName", QUEUE) {
                take_back(org, queue, now);
            }
        }
        Fault::OldPluginRuns => {
            let done = plugin::switch(org, false, now);
            debug_assert!(done.is_ok(), "{done:?}");
        }
        Fault::IsSandbox => org.set_sandbox(false),
        Fault::ClockOff => org.set_clock_skew(0),
        other => mend_timeline(other, org, now),
    }
}

/// `[ns__]name`
fn prefixed(org: &Salesforce, name: &str) -> String {
    match &org.config().namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    }
}

fn timeline(org: &Salesforce) -> Option<ObjectIndex> {
    org.schema()
        .find(&prefixed(org, "mautic_timeline__c"), None)
}

fn wrong_timeline(fault: Fault, org: &mut Salesforce, now: Timestamp) {
    let Some(timeline) = timeline(org) else {
        return;
    };
    let own = |org: &Salesforce, name: &str| prefixed(org, name);
    match fault {
        Fault::TimelineMissing => {
            org.remove_object(timeline, now);
        }
        Fault::TimelineFieldsMissing => {
            for name in ["MauticLead__c", "Mautic_url__c"] {
                let name = own(org, name);
                org.remove_field(timeline, &name, now);
            }
        }
        Fault::TimelineFieldWrong => {
            let field = FieldDef::text(&own(org, "Description__c"), "Description", 255);
            replace(org, timeline, field, now);
        }
        Fault::ReferenceNotUnique => {
            let field = FieldDef::text(&own(org, "ReferenceId__c"), "ReferenceId", 255);
            replace(org, timeline, field, now);
        }
        Fault::TimelineNotCreateable => {
            let read = ObjectRights::NONE.with(ObjectRight::Read);
            org.grant_object(timeline, read, now);
        }
        Fault::RelatedListMissing => {
            let lists = format!("{}.", org.schema().object(timeline).name);
            for layout in org
                .setup
                .layouts
                .iter_mut()
                .filter(|one| one.object == LEAD)
            {
                layout
                    .related_lists
                    .retain(|one| !one.list.starts_with(&lists));
            }
        }
        _ => {}
    }
}

fn mend_timeline(fault: Fault, org: &mut Salesforce, now: Timestamp) {
    let timeline = match (timeline(org), fault) {
        (Some(timeline), _) => timeline,
        (None, Fault::TimelineMissing) => {
            let timeline = org.add_timeline(ReferenceKey::Unique, now);
            list_on_layout(org, timeline, CONTACT);
            list_on_layout(org, timeline, LEAD);
            return;
        }
        (None, _) => return,
    };
    let own = |org: &Salesforce, name: &str| prefixed(org, name);
    match fault {
        Fault::TimelineFieldsMissing => {
            let fields = [
                FieldDef::number(&own(org, "MauticLead__c"), "MauticLead", 18, 0).external_id(),
                FieldDef::new(&own(org, "Mautic_url__c"), "Mautic_url", FieldType::Url),
            ];
            for field in fields {
                if org.schema().object(timeline).find(&field.name).is_none() {
                    org.add_field(timeline, field, now);
                }
            }
        }
        Fault::TimelineFieldWrong => {
            let field = FieldDef::long_text(&own(org, "Description__c"), "Description", 131_072);
            replace(org, timeline, field, now);
        }
        Fault::ReferenceNotUnique => {
            let field = FieldDef::text(&own(org, "ReferenceId__c"), "ReferenceId", 255);
            replace(org, timeline, field.unique(), now);
        }
        Fault::TimelineNotCreateable => org.grant_object(timeline, ObjectRights::ALL, now),
        Fault::RelatedListMissing => list_on_layout(org, timeline, LEAD),
        _ => {}
    }
}

/// Redefines a field in place; its values stay.
fn replace(org: &mut Salesforce, object: ObjectIndex, field: FieldDef, now: Timestamp) {
    org.add_field(object, field, now);
}

fn list_on_layout(org: &mut Salesforce, timeline: ObjectIndex, object: ObjectIndex) {
    let target = org.schema().object(object).name.clone();
    let definition = org.schema().object(timeline);
    let lookup = definition
        .fields()
        .find(|(_, field)| field.reference_to.contains(&target));
    let Some((_, lookup)) = lookup else {
        return;
    };
    let list = format!("{}.{}", definition.name, lookup.name);
    let date = prefixed(org, "ActivityDate__c");
    for layout in org
        .setup
        .layouts
        .iter_mut()
        .filter(|one| one.object == object)
    {
        if layout.related_lists.iter().all(|one| one.list != list) {
            let fields = ["NAME", date.as_str()];
            layout.related_lists.push(RelatedList::new(&list, &fields));
        }
    }
}

fn set_trusted(org: &mut Salesforce, is_active: bool) {
    let sites = org.setup.trusted_sites.iter_mut();
    for site in sites.filter(|site| site.name == SITE) {
        site.is_active = is_active;
    }
}

/// At the address the trusted site has.
fn list_remote_site(org: &mut Salesforce) {
    let setup = &mut org.setup;
    if setup.remote_sites.iter().any(|site| site.name == SITE) {
        return;
    }
    let trusted = setup.trusted_sites.iter().find(|site| site.name == SITE);
    let url = trusted.map_or(AUTOMATION_ADDRESS, |site| site.url.as_str());
    setup.remote_sites.push(ListedSite {
        name: SITE.to_owned(),
        url: url.to_owned(),
        is_active: true,
    });
}

fn refuse_without_phone(org: &mut Salesforce) {
    if org.rules.validations.iter().any(|rule| rule.name == RULE) {
        return;
    }
    org.rules.validations.push(ValidationRule {
        name: RULE.to_owned(),
        object: LEAD,
        is_active: true,
        formula: "ISBLANK(Phone)".to_owned(),
        refuses_when: Expr::compare("Phone", Op::Equal, Literal::Null),
        message: "Un prospect doit avoir un numéro de téléphone.".to_owned(),
        field: Some("Phone".to_owned()),
    });
}

fn block_duplicates(org: &mut Salesforce) {
    if org
        .rules
        .duplicates
        .iter()
        .any(|rule| rule.name == DUPLICATES)
    {
        return;
    }
    org.rules.duplicates.push(DuplicateRule {
        name: DUPLICATES.to_owned(),
        object: LEAD,
        is_active: true,
        field: "Email".to_owned(),
        against: vec![(LEAD, "Email".to_owned()), (CONTACT, "Email".to_owned())],
        action: DuplicateAction::Block,
        message: "Cette adresse est déjà connue.".to_owned(),
    });
}

fn add_interest(org: &mut Salesforce, now: Timestamp) {
    for object in [LEAD, CONTACT] {
        let definition = org.schema().object(object);
        let Some(index) = definition.find("Interests__c") else {
            continue;
        };
        let mut field = definition.field(index).clone();
        if field.picklist.iter().all(|one| one.value != NEW_INTEREST) {
            field.picklist.push(PicklistValue {
                value: NEW_INTEREST.to_owned(),
                is_active: true,
                is_default: false,
            });
            org.add_field(object, field, now);
        }
    }
}

fn named(org: &Salesforce, object: ObjectIndex, field: &str, name: &str) -> Option<RecordId> {
    let mut all = org.records(object).map(|(id, _)| id);
    all.find(|id| org.value(*id, field) == Value::text(name))
}

/// Leads that somebody may still work on, by id.
fn open_leads(org: &Salesforce) -> Vec<RecordId> {
    let live = org.records(LEAD).filter(|(_, record)| !record.is_deleted);
    live.map(|(id, _)| id)
        .filter(|id| org.value(*id, "IsConverted") != Value::Bool(true))
        .collect()
}

/// The leads after so many change owner, unless the new one has some already.
fn hand_over(org: &mut Salesforce, owner: RecordId, after: usize, now: Timestamp) {
    let leads = open_leads(org);
    if leads
        .iter()
        .any(|id| org.value(*id, "OwnerId") == Value::Id(owner))
    {
        return;
    }
    for lead in leads.into_iter().skip(after).take(LEADS) {
        give(org, lead, owner, now);
    }
}

/// Whatever the owner has goes to the first of the staff.
fn take_back(org: &mut Salesforce, owner: RecordId, now: Timestamp) {
    let Some(first) = crate::sim::world::traffic::staff(org).first().copied() else {
        return;
    };
    for lead in open_leads(org) {
        if org.value(lead, "OwnerId") == Value::Id(owner) {
            give(org, lead, first, now);
        }
    }
}

fn give(org: &mut Salesforce, lead: RecordId, owner: RecordId, now: Timestamp) {
    let call = Call::person(org.own_time(now), org.integration_user());
    let fields: Fields = vec![("OwnerId".to_owned(), Input::Id(owner))];
    // A rule that another fault brought may refuse the lead for something else: it stays.
    let _ = org.update(&call, lead, &fields);
}
