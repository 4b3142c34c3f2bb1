//! Two people at two screens, about one person, neither knowing of the other.

use super::super::names;
use super::{Act, Clash, Deed, Outcome, one_of};
use crate::sim::automation::Automation;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::draft::{ContactInput, DncInput};
use crate::sim::automation::field::Subject;
use crate::sim::automation::user::UserId;
use crate::sim::clock::Timestamp;
use crate::sim::random::Random;
use crate::sim::salesforce::Salesforce;
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Call;
use crate::sim::salesforce::value::Value;

/// Does one act on both sides, now. Any other act concerns nobody here.
pub(super) fn at_both(
    org: &mut Salesforce,
    brain: &mut Automation,
    now: Timestamp,
    act: &Act,
) -> Outcome {
    let Deed::Both(clash) = act.deed else {
        return Outcome::Nobody;
    };
    let mut random = Random::seeded(act.seed);
    let mut pairs = pairs(org, brain);
    if clash == Clash::OneLetsInOneEdits {
        pairs.retain(|(record, contact)| {
            let is_out = org.value(*record, "HasOptedOutOfEmail") == Value::Bool(true);
            let contact = brain.contact(*contact);
            is_out && contact.is_some_and(|contact| contact.dnc_on("email").is_some())
        });
    }
    let (Some((record, contact)), Some(clerk)) = (
        one_of(&mut random, &pairs),
        one_of(&mut random, &super::salesforce::staff(org)),
    ) else {
        return Outcome::Nobody;
    };
    let call = Call::person(org.own_time(now), clerk);
    let (here, there) = (names::phone(&mut random), names::phone(&mut random));
    let done = match clash {
        Clash::BothEdit | Clash::OneLetsInOneEdits => {
            let fields = vec![("MobilePhone".to_owned(), Input::text(&here))];
            org.update(&call, record, &fields)
        }
        Clash::OneDeletesOneEdits => org.delete(&call, record),
    };
    if let Err(error) = done {
        return Outcome::Refused(format!("{error:?}"));
    }
    if clash == Clash::OneLetsInOneEdits {
        let back = DncInput {
            reason: 0,
            ..DncInput::default()
        };
        brain.user_sets_dnc(now, UserId(1), contact, &back);
        return Outcome::Done;
    }
    let input = ContactInput::default().with("mobile", there);
    match brain.user_edits(now, UserId(1), contact, &input) {
        Ok(_) => Outcome::Done,
        Err(refusal) => Outcome::Refused(refusal.to_string()),
    }
}

/// People who have one record on each side, found by their address.
pub(in crate::sim::world) fn pairs(
    org: &Salesforce,
    brain: &Automation,
) -> Vec<(RecordId, ContactId)> {
    let Some(field) = brain.fields().by_alias(Subject::Contact, "email") else {
        return Vec::new();
    };
    let mut known: Vec<(String, RecordId)> = super::salesforce::people(org)
        .into_iter()
        .filter_map(|id| {
            let email = org.value(id, "Email").as_text()?.to_lowercase();
            Some((email, id))
        })
        .collect();
    known.sort();
    let alone: Vec<&(String, RecordId)> = known
        .chunk_by(|one, other| one.0 == other.0)
        .filter(|same| same.len() == 1)
        .map(|same| &same[0])
        .collect();
    let found = alone.into_iter().filter_map(|(email, id)| {
        let contacts = brain.contacts().unique_equal(field.position, email);
        (contacts.len() == 1).then(|| (*id, contacts[0]))
    });
    found.collect()
}
