//! Each fault shows where it should, alone, and is gone when it is mended.

use super::*;
use crate::sim::automation::author::AuthorId;
use crate::sim::automation::field::{Kind, Subject};
use crate::sim::automation::hook::Trigger;
use crate::sim::automation::settle::NewHook;
use crate::sim::automation::user::Right;
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::error::ErrorCode;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Call;
use crate::sim::salesforce::schema::{
    CONTACT, GROUP, LEAD, ORGANIZATION, ObjectRight, Trait, USER,
};
use crate::sim::salesforce::value::Value;
use crate::sim::world::traffic::Outcome;
use crate::sim::world::{AUTOMATION_ADDRESS, World, address_sites, plugin};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn later(seconds: i64) -> Timestamp {
    NOW.plus_millis(seconds * 1_000)
}

/// Whether the fault can be seen.
fn shows(fault: Fault, world: &World) -> bool {
    let (org, brain) = (&world.salesforce, &world.automation);
    let timeline = org.schema().find("mautic_timeline__c", None);
    let own = |name: &str| {
        let object = org.schema().object(timeline?);
        Some(object.field(object.find(name)?))
    };
    let opt_out = {
        let contact = org.schema().object(CONTACT);
        contact.field(contact.find("HasOptedOutOfEmail").unwrap())
    };
    let contact_field = |alias: &str| brain.fields().by_alias(Subject::Contact, alias);
    match fault {
        Fault::OptOutHidden => !opt_out.is_readable(),
        Fault::HistoryUntracked => !opt_out.is(Trait::HistoryTracked),
        Fault::TimelineMissing => timeline.is_none(),
        Fault::TimelineFieldsMissing => timeline.is_some() && own("Mautic_url__c").is_none(),
        Fault::TimelineFieldWrong => own("Description__c").is_some_and(|one| one.length == 255),
        Fault::ReferenceNotUnique => {
            own("ReferenceId__c").is_some_and(|one| !one.is(Trait::Unique))
        }
        Fault::TimelineNotCreateable => {
            timeline.is_some_and(|at| !org.schema().object(at).may(ObjectRight::Create))
        }
        Fault::RemoteSiteMissing => org.setup.remote_sites.is_empty(),
        Fault::TrustedSiteInactive => !org.setup.trusted_sites[0].is_active,
        Fault::ValidationRuleRefuses => !org.rules.validations.is_empty(),
        Fault::DuplicateRuleBlocks => !org.rules.duplicates.is_empty(),
        Fault::QueueOwnsLeads => owned_by(world, GROUP),
        Fault::OwnerUnknown => org.records(USER).any(|(id, _)| {
            let is_owner = owners(world).contains(&id);
            let address = org.value(id, "Email").into_owned();
            is_owner
                && !brain
                    .users()
                    .all()
                    .iter()
                    .any(|user| Value::text(&user.email) == address)
        }),
        Fault::DeletedFieldUnpublished => !contact_field("crm_deleted").unwrap().is_published(),
        Fault::DeletedFieldNotBoolean => !matches!(
            contact_field("crm_deleted").unwrap().kind,
            Kind::Boolean { .. }
        ),
        Fault::FieldTooShort => contact_field("lead_company").unwrap().length_limit == Some(20),
        Fault::ChoiceMissing => {
            let lead = org.schema().object(LEAD);
            let listed = &lead.field(lead.find("Interests__c").unwrap()).picklist;
            let Kind::Multiselect(choices) = &contact_field("interests").unwrap().kind else {
                panic!("interests are a multiselect");
            };
            let is_known = |value: &str| choices.iter().any(|one| one.value == value);
            listed.iter().any(|one| !is_known(&one.value))
        }
        Fault::RoleLacksRights => {
            let caller = brain.caller_for_client(1).unwrap();
            brain.may(caller, Right::Users).is_err() && brain.may(caller, Right::Webhooks).is_err()
        }
        Fault::FieldsClosed => {
            let caller = brain.caller_for_client(1).unwrap();
            brain.may(caller, Right::ViewFields).is_err()
        }
        Fault::RelatedListMissing => {
            let mut layouts = org.setup.layouts.iter().filter(|one| one.object == LEAD);
            timeline.is_some()
                && layouts.all(|one| {
                    one.related_lists
                        .iter()
                        .all(|one| !one.list.contains("mautic_timeline__c."))
                })
        }
        Fault::OldPluginRuns => plugin::is_running(org),
        Fault::IsSandbox => {
            let (id, _) = org.records(ORGANIZATION).next().unwrap();
            org.value(id, "IsSandbox") == Value::Bool(true)
        }
        Fault::ClockOff => org.own_time(NOW) != NOW,
        Fault::WebhookUnpublished => brain.hooks().all().any(|hook| !hook.is_published),
        Fault::WebhookElsewhere => brain.hooks().all().any(|hook| hook.url != HOOK),
        Fault::WebhookLacksEvents => {
            let mut hooks = brain.hooks().all();
            hooks.any(|hook| !hook.triggers.contains(&Trigger::FormSubmitted))
        }
    }
}

/// Where our webhook is posted to.
const HOOK: &str = "https://hooks.practice.example/automation";

/// With everything that can go wrong.
fn world() -> World {
    let mut world = World::new(7, 50, NOW);
    let hook = NewHook {
        name: "passerelle practice".to_owned(),
        url: HOOK.to_owned(),
        triggers: Trigger::ALL.to_vec(),
        ..NewHook::default()
    };
    world.automation.add_hook(NOW, AuthorId::SYSTEM, hook);
    world
}

fn owners(world: &World) -> Vec<RecordId> {
    let leads = world
        .salesforce
        .records(LEAD)
        .filter(|(_, row)| !row.is_deleted);
    leads
        .filter_map(|(id, _)| world.salesforce.value(id, "OwnerId").as_id())
        .collect()
}

fn owned_by(world: &World, object: crate::sim::salesforce::schema::ObjectIndex) -> bool {
    let mut owners = owners(world).into_iter();
    owners.any(|owner| world.salesforce.object_of(owner) == Some(object))
}

fn showing(world: &World) -> Vec<Fault> {
    Fault::ALL
        .into_iter()
        .filter(|fault| shows(*fault, world))
        .collect()
}

#[test]
fn every_fault_shows_alone_and_is_gone_when_mended() {
    let mut world = world();
    assert_eq!(
        showing(&world),
        [],
        "the company starts with a right set-up"
    );
    for (at, fault) in Fault::ALL.into_iter().enumerate() {
        let (org, brain) = (&mut world.salesforce, &mut world.automation);
        let now = later(at as i64 * 10);
        WrongSetup::one(fault, org, brain, now);
        WrongSetup::one(fault, org, brain, now);
        assert_eq!(showing(&world), [fault]);
        let (org, brain) = (&mut world.salesforce, &mut world.automation);
        WrongSetup::mend(fault, org, brain, now);
        assert_eq!(showing(&world), [], "{fault:?} was mended");
    }
}

#[test]
fn all_together_show_and_all_can_be_mended_in_any_order() {
    let mut world = world();
    let (org, brain) = (&mut world.salesforce, &mut world.automation);
    WrongSetup::all(org, brain, NOW);
    let wanted: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|one| one.goes_with_others())
        .collect();
    assert_eq!(wanted.len(), 21);
    assert_eq!(showing(&world), wanted);
    for fault in wanted.into_iter().rev() {
        let (org, brain) = (&mut world.salesforce, &mut world.automation);
        WrongSetup::mend(fault, org, brain, later(10));
        assert!(!shows(fault, &world), "{fault:?}");
    }
    assert_eq!(showing(&world), []);
}

#[test]
fn the_refusing_faults_refuse() {
    let mut world = World::new(7, 50, NOW);
    let (org, brain) = (&mut world.salesforce, &mut world.automation);
    WrongSetup::all(org, brain, NOW);
    let call = Call::new(later(5), org.integration_user());
    let field = |name: &str, text: &str| (name.to_owned(), Input::text(text));
    let lead = vec![field("LastName", "Roy"), field("Company", "Vega")];
    let refused = org.insert(&call, LEAD, &lead).unwrap_err();
    assert_eq!(refused.code, ErrorCode::FIELD_CUSTOM_VALIDATION_EXCEPTION);
    let known = org
        .records(CONTACT)
        .find_map(|(id, _)| org.value(id, "Email").as_text().map(str::to_owned));
    let lead = vec![
        field("LastName", "Roy"),
        field("Company", "Vega"),
        field("Phone", "+33 1 02 03 04 05"),
        field("Email", &known.unwrap()),
    ];
    let refused = org.insert(&call, LEAD, &lead).unwrap_err();
    assert_eq!(refused.code, ErrorCode::DUPLICATES_DETECTED);
    let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
    let refused = org
        .insert(&call, timeline, &vec![field("Name", "x")])
        .unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY
    );
}

#[test]
fn the_old_plugin_writes_under_its_own_name_until_it_is_switched_off() {
    let mut world = World::new(7, 50, NOW);
    let (org, brain) = (&mut world.salesforce, &mut world.automation);
    assert_eq!(plugin::run(org, brain, later(1), 1), Outcome::Nobody);
    WrongSetup::one(Fault::OldPluginRuns, org, brain, NOW);
    assert_eq!(plugin::run(org, brain, later(2), 1), Outcome::Done);
    let user = plugin::user(org).unwrap();
    let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
    let rows: Vec<RecordId> = org.records(timeline).map(|(id, _)| id).collect();
    assert!(!rows.is_empty());
    for row in &rows {
        assert_eq!(org.record(*row).unwrap().created_by, user);
        let reference = org.value(*row, "ReferenceId__c").into_owned();
        let (hit, person) = reference.as_text().unwrap().split_once('-').unwrap();
        assert!(hit.parse::<u32>().is_ok() && RecordId::parse(person).is_some());
    }
    // The same people again: the rows are there already, which it takes for success.
    assert_eq!(plugin::run(org, brain, later(3), 1), Outcome::Done);
    assert_eq!(org.records(timeline).count(), rows.len());
    let notes = brain.logs().notes.rows().iter();
    assert!(notes.filter(|row| row.what.bundle == "plugin").count() >= rows.len());
    WrongSetup::mend(Fault::OldPluginRuns, org, brain, NOW);
    assert_eq!(plugin::run(org, brain, later(4), 1), Outcome::Nobody);
}

#[test]
fn sites_move_to_where_automation_is_served() {
    let mut world = World::new(7, 20, NOW);
    assert_eq!(
        world.salesforce.setup.remote_sites[0].url,
        AUTOMATION_ADDRESS
    );
    address_sites(&mut world.salesforce, "http://127.0.0.1:4000");
    let setup = &world.salesforce.setup;
    let urls = [&setup.remote_sites[0].url, &setup.trusted_sites[0].url];
    assert_eq!(urls, ["http://127.0.0.1:4000", "http://127.0.0.1:4000"]);
}
