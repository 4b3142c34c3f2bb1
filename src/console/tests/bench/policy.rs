//! The rules under which the small world is synced.

use super::{CONSENT, EMAIL, FLAG, MOBILE};
use crate::domain::ids::{FieldId, SalesforceObject};
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use crate::domain::value::ValueType;

fn rule(id: FieldId, salesforce: &str, automation: &str, role: Role) -> FieldRule {
    FieldRule {
        id,
        salesforce: salesforce.to_owned(),
        objects: vec![SalesforceObject::Lead, SalesforceObject::Contact],
        automation: automation.to_owned(),
        value_type: ValueType::Text,
        role,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

pub(in crate::console::tests) fn policy() -> Policy {
    Policy {
        mapping: Mapping {
            person: vec![
                rule(EMAIL, "Email", "email", Role::Email),
                rule(MOBILE, "MobilePhone", "mobile", Role::Plain),
                rule(FLAG, "IsDeleted", "crm_deleted", Role::Deleted),
                rule(
                    CONSENT,
                    "HasOptedOutOfEmail",
                    "@do_not_contact_email",
                    Role::Consent,
                ),
            ],
            company: Vec::new(),
        },
        published: true,
        objects: vec![SalesforceObject::Lead, SalesforceObject::Contact],
        activities: true,
        update_blanks: false,
        latest_do_not_contact: true,
        sync_owners: false,
        create_accounts: false,
        activity_types: Vec::new(),
        namespace: String::new(),
        automation_url: "https://acme.automation.example".to_owned(),
    }
}
