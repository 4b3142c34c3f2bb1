//! The real clients against the simulators over loopback HTTP.

mod automation;
mod automation_matrix;
mod faults;
mod matrix;
mod salesforce;
mod setup;

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use passerelle::domain::ids::{FieldId, SalesforceObject};
use passerelle::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use passerelle::domain::value::ValueType;
use passerelle::ports::{StoreError, Vault};

/// Refresh tokens in memory.
#[derive(Default)]
pub(crate) struct MemoryVault(Mutex<BTreeMap<&'static str, Vec<u8>>>);

impl Vault for MemoryVault {
    fn read(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let secret = self.0.lock().unwrap().get(name).cloned();
        Box::pin(std::future::ready(Ok(secret)))
    }

    fn write(&self, name: &'static str, secret: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.lock().unwrap().insert(name, secret);
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove(&self, name: &'static str) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.lock().unwrap().remove(name);
        Box::pin(std::future::ready(Ok(())))
    }
}

const EMAIL: FieldId = FieldId(1);
const LAST_NAME: FieldId = FieldId(2);
const PHONE: FieldId = FieldId(3);
const OWNER: FieldId = FieldId(4);
const COMPANY: FieldId = FieldId(5);
const NAME: FieldId = FieldId(20);
const CITY: FieldId = FieldId(21);

fn rule(
    id: FieldId,
    salesforce: &str,
    objects: &[SalesforceObject],
    automation: &str,
    role: Role,
) -> FieldRule {
    FieldRule {
        id,
        salesforce: salesforce.to_owned(),
        objects: objects.to_vec(),
        automation: automation.to_owned(),
        value_type: match role {
            Role::Email => ValueType::Email,
            Role::Consent => ValueType::Bool,
            _ => ValueType::Text,
        },
        role,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Clears,
        concurrent: Concurrent::Conflict,
    }
}

fn mapping() -> Mapping {
    use SalesforceObject::{Account, Contact, Lead};
    let person = [Lead, Contact];
    Mapping {
        person: vec![
            rule(EMAIL, "Email", &person, "email", Role::Email),
            rule(LAST_NAME, "LastName", &person, "lastname", Role::Plain),
            rule(PHONE, "Phone", &person, "phone", Role::Plain),
            rule(OWNER, "OwnerId", &person, "owner", Role::Owner),
            rule(COMPANY, "AccountId", &[Contact], "company", Role::Company),
            rule(
                FieldId(6),
                "HasOptedOutOfEmail",
                &person,
                "@do_not_contact_email",
                Role::Consent,
            ),
            rule(FieldId(7), "Company", &[Lead], "employer", Role::Plain),
        ],
        company: vec![
            rule(NAME, "Name", &[Account], "companyname", Role::CompanyName),
            rule(CITY, "BillingCity", &[Account], "companycity", Role::Plain),
        ],
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        mapping: mapping(),
        published: true,
        objects: SalesforceObject::ALL.to_vec(),
        activities: true,
        update_blanks: false,
        latest_do_not_contact: true,
        sync_owners: true,
        create_accounts: true,
        activity_types: vec!["email.sent".to_owned()],
        namespace: String::new(),
        automation_url: String::new(),
    }
}
