//! Faults that an administrator of Automation makes and mends.

use super::Fault;
use super::salesforce::{NEW_INTEREST, STRANGER};
use crate::sim::automation::Automation;
use crate::sim::automation::field::{Choice, Kind, NewField, Subject};
use crate::sim::automation::hook::{Hook, HookId, Trigger};
use crate::sim::automation::user::{NewUser, Right, RoleId, Users};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::Salesforce;

const DELETED: &str = "crm_deleted";
const COMPANY: &str = "lead_company";
const SHORT: usize = 20;
/// What the practice world gives its texts.
const LONG: usize = 191;
/// What an address ends with under which we were reached before.
const FORMER: &str = "-former";
const UNWATCHED: [Trigger; 2] = [Trigger::FormSubmitted, Trigger::ContactDeleted];
const ROLE: &str = "API limitée";
const FIELDLESS: &str = "API sans les champs";
const PEOPLE: &[Right] = &[
    Right::ViewContacts,
    Right::EditContacts,
    Right::CreateContacts,
    Right::DeleteContacts,
];
/// The practice instance's credential is the first there is.
const CLIENT: u32 = 1;

pub(super) fn wrong(fault: Fault, brain: &mut Automation, now: Timestamp) {
    match fault {
        Fault::DeletedFieldUnpublished => {
            brain.publish_field(DELETED, false);
        }
        Fault::DeletedFieldNotBoolean => remake_deleted(brain, Kind::Text, now),
        Fault::FieldTooShort => limit(brain, SHORT),
        Fault::RoleLacksRights => {
            let rights = [PEOPLE, &[Right::Fields, Right::Segments]].concat();
            let role = limited_role(brain, ROLE, rights, now);
            brain.auth_mut().set_role(CLIENT, role);
        }
        Fault::FieldsClosed => {
            let rights = [PEOPLE, &[Right::Segments, Right::Users]].concat();
            let role = limited_role(brain, FIELDLESS, rights, now);
            brain.auth_mut().set_role(CLIENT, role);
        }
        Fault::WebhookUnpublished => each_hook(brain, |hook| hook.is_published = false),
        Fault::WebhookElsewhere => each_hook(brain, |hook| {
            if !hook.url.ends_with(FORMER) {
                hook.url.push_str(FORMER);
            }
        }),
        Fault::WebhookLacksEvents => each_hook(brain, |hook| {
            hook.triggers.retain(|trigger| !UNWATCHED.contains(trigger));
        }),
        _ => {}
    }
}

pub(super) fn mend(fault: Fault, org: &Salesforce, brain: &mut Automation, now: Timestamp) {
    match fault {
        Fault::DeletedFieldUnpublished => {
            brain.publish_field(DELETED, true);
        }
        Fault::DeletedFieldNotBoolean => {
            let yes_no = Kind::Boolean {
                no: "Non".to_owned(),
                yes: "Oui".to_owned(),
            };
            remake_deleted(brain, yes_no, now);
        }
        Fault::FieldTooShort => limit(brain, LONG),
        Fault::RoleLacksRights | Fault::FieldsClosed => {
            brain.auth_mut().set_role(CLIENT, Users::ADMINISTRATOR);
        }
        Fault::WebhookUnpublished => each_hook(brain, |hook| {
            hook.is_published = true;
            hook.failures = 0;
        }),
        Fault::WebhookElsewhere => each_hook(brain, |hook| {
            let url = hook.url.trim_end_matches(FORMER).to_owned();
            hook.url = url;
        }),
        Fault::WebhookLacksEvents => each_hook(brain, |hook| {
            hook.triggers.retain(|trigger| !UNWATCHED.contains(trigger));
            hook.triggers.extend(UNWATCHED);
        }),
        Fault::ChoiceMissing => add_choice(brain),
        Fault::OwnerUnknown if is_stranger(org) => add_stranger(brain, now),
        _ => {}
    }
}

/// The practice instance has no other hooks than ours.
fn each_hook(brain: &mut Automation, change: impl Fn(&mut Hook)) {
    let ids: Vec<HookId> = brain.hooks().all().map(|hook| hook.id).collect();
    for id in ids {
        if let Some(hook) = brain.hooks_mut().by_id_mut(id) {
            change(hook);
        }
    }
}

/// Another type takes another field: the old one goes, with its values out of sight.
fn remake_deleted(brain: &mut Automation, kind: Kind, now: Timestamp) {
    let Some(field) = brain.fields().by_alias(Subject::Contact, DELETED) else {
        return;
    };
    if field.kind.name() == kind.name() {
        return;
    }
    let (id, label) = (field.id, field.label.clone());
    brain.remove_field(id);
    let mut new = NewField::contact(DELETED, &label, kind);
    new.length_limit = Some(LONG);
    let made = brain.add_field(now, new);
    debug_assert!(made.is_some(), "the alias was just freed");
}

fn limit(brain: &mut Automation, characters: usize) {
    let field = brain.fields().by_alias(Subject::Contact, COMPANY);
    if let Some(id) = field.map(|field| field.id) {
        brain.alter_field(id, |field| field.length_limit = Some(characters));
    }
}

fn limited_role(brain: &mut Automation, name: &str, rights: Vec<Right>, now: Timestamp) -> RoleId {
    let roles = brain.users().roles();
    if let Some(role) = roles.iter().find(|role| role.name == name) {
        return role.id;
    }
    brain.add_role(now, name, "Pour la synchronisation", rights)
}

fn add_choice(brain: &mut Automation) {
    let field = brain.fields().by_alias(Subject::Contact, "interests");
    let Some(id) = field.map(|field| field.id) else {
        return;
    };
    brain.alter_field(id, |field| {
        if let Kind::Multiselect(choices) = &mut field.kind
            && choices.iter().all(|one| one.value != NEW_INTEREST)
        {
            choices.push(Choice::new(NEW_INTEREST, NEW_INTEREST));
        }
    });
}

fn is_stranger(org: &Salesforce) -> bool {
    use crate::sim::salesforce::schema::USER;
    use crate::sim::salesforce::value::Value;
    let mut users = org.records(USER).map(|(id, _)| id);
    users.any(|id| org.value(id, "Username") == Value::text(STRANGER.2))
}

fn add_stranger(brain: &mut Automation, now: Timestamp) {
    let (first_name, last_name, email) = STRANGER;
    let username = email.split('@').next().unwrap_or(email);
    if brain.users().by_username(username).is_some() {
        return;
    }
    let new = NewUser {
        username,
        first_name,
        last_name,
        email,
        password: "practice",
        role: Users::ADMINISTRATOR,
    };
    brain.add_user(now, &new);
}
