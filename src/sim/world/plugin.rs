//! The connector that the sync replaces, still at work by its schedule: it writes timeline rows
//! and pushes contacts under a user of its own, and knows of nobody else.
//!
//! It runs for as long as its user in Salesforce is active. References are spelled as it spells
//! them (`reference/old-plugin-measured.md`, section 3).

use super::traffic::{Outcome, pairs};
use crate::sim::automation::Automation;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::field::Subject;
use crate::sim::clock::Timestamp;
use crate::sim::random::Random;
use crate::sim::salesforce::Salesforce;
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::error::{ApiError, ErrorCode};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Call;
use crate::sim::salesforce::schema::{LEAD, USER};
use crate::sim::salesforce::value::Value;

/// The address, and the user name, of its user in Salesforce.
pub const USER_ADDRESS: &str = "integration.mautic@orion.example";

/// People that one run concerns at most.
const PEOPLE_MAX: u64 = 3;

/// Its user, whether active or not.
pub fn user(org: &Salesforce) -> Option<RecordId> {
    let mut users = org.records(USER).map(|(id, _)| id);
    users.find(|id| org.value(*id, "Username") == Value::text(USER_ADDRESS))
}

pub fn is_running(org: &Salesforce) -> bool {
    user(org).is_some_and(|id| org.value(id, "IsActive") == Value::Bool(true))
}

/// Switches it on or off; its user is made when it is first needed.
pub fn switch(org: &mut Salesforce, is_on: bool, now: Timestamp) -> Result<(), ApiError> {
    match user(org) {
        Some(id) => org.set_active(id, is_on, now),
        None if is_on => {
            org.add_user(("Intégration", "Mautic"), USER_ADDRESS, now);
            Ok(())
        }
        None => Ok(()),
    }
}

/// One run: for a few people whom both sides know, the latest page hit becomes a timeline row,
/// and the mobile number of Automation overwrites that of Salesforce. A row that is there already
/// is refused as a duplicate, which it takes for success.
pub fn run(org: &mut Salesforce, brain: &mut Automation, now: Timestamp, seed: u64) -> Outcome {
    let Some(user) = user(org).filter(|_| is_running(org)) else {
        return Outcome::Nobody;
    };
    let mut random = Random::seeded(seed);
    let mut pairs = pairs(org, brain);
    pairs.retain(|(_, contact)| brain.logs().hits.of(*contact).next().is_some());
    random.shuffle(&mut pairs);
    pairs.truncate(1 + random.below(PEOPLE_MAX) as usize);
    if pairs.is_empty() {
        return Outcome::Nobody;
    }
    let call = Call::person(org.own_time(now), user);
    for (record, contact) in pairs {
        let done = write_hit(org, brain, &call, (record, contact))
            .and_then(|()| push_mobile(org, brain, &call, (record, contact)));
        if let Err(error) = done {
            return Outcome::Refused(error.to_string());
        }
        brain.connector_notes(now, contact, "Salesforce");
    }
    Outcome::Done
}

fn write_hit(
    org: &mut Salesforce,
    brain: &Automation,
    call: &Call,
    (record, contact): (RecordId, ContactId),
) -> Result<(), ApiError> {
    let namespace = org.config().namespace.clone();
    let named = |name: &str| match &namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    };
    let timeline = org.find_object(call, &named("mautic_timeline__c"))?;
    let Some(hit) = brain.logs().hits.of(contact).next_back() else {
        return Ok(());
    };
    let person = if org.object_of(record) == Some(LEAD) {
        "WhoId__c"
    } else {
        "contact_id__c"
    };
    let view = format!("{}/s/contacts/view/{}", brain.settings.base_url, contact.0);
    let title = hit.what.title.clone();
    let fields: Fields = vec![
        (
            "Name".to_owned(),
            Input::Text(format!("Page hit - {title}")),
        ),
        (named("ActivityDate__c"), Input::Instant(hit.at)),
        (named("Description__c"), Input::Text(hit.what.url.clone())),
        (named("Mautic_url__c"), Input::Text(view)),
        (
            named("ReferenceId__c"),
            Input::Text(format!("{}-{record}", hit.id)),
        ),
        (named(person), Input::Id(record)),
    ];
    match org.insert(call, timeline, &fields) {
        Err(error) if error.code != ErrorCode::DUPLICATE_VALUE => Err(error),
        _ => Ok(()),
    }
}

fn push_mobile(
    org: &mut Salesforce,
    brain: &Automation,
    call: &Call,
    (record, contact): (RecordId, ContactId),
) -> Result<(), ApiError> {
    let field = brain.fields().by_alias(Subject::Contact, "mobile");
    let mobile = field
        .zip(brain.contact(contact))
        .and_then(|(field, contact)| contact.values.at(field.position).to_text());
    let Some(mobile) = mobile else {
        return Ok(());
    };
    let fields = vec![("MobilePhone".to_owned(), Input::Text(mobile))];
    org.update(call, record, &fields)
}
