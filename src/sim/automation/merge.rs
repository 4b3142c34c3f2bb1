//! Merging two contacts: what the survivor keeps, and what tells of the other.

use crate::sim::clock::Timestamp;

use super::author::AuthorId;
use super::contact::{Contact, ContactId};
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::Details;
use super::php::Php;
use super::write::Door;

impl Automation {
    /// A user, or the deduplicate command, merges one contact into another.
    pub fn merge(&mut self, now: Timestamp, by: AuthorId, loser: ContactId, winner: ContactId) {
        let (Some(from), Some(into)) = (self.contacts.by_id(loser), self.contacts.by_id(winner))
        else {
            return;
        };
        if loser == winner {
            return;
        }
        let (from, name) = (from.clone(), self.display_name(from));
        let newer = changed_at(&from) > changed_at(into);
        self.logs.audit(
            now,
            by,
            ("lead", loser.0),
            "merge",
            Details::MergedInto(winner),
        );
        self.logs
            .audit(now, by, ("lead", loser.0), "delete", Details::Name(name));
        self.notify(now, Trigger::ContactDeleted, |brain| {
            let contact = Box::new(brain.contacts.by_id(loser)?.clone());
            Some(Payload::ContactDeleted(loser, contact))
        });
        self.contacts.remove(loser, self.fields.unique());
        self.contacts.note_merge(loser, winner);
        self.logs.hand_over(loser, Some(winner));
        self.companies.hand_over(loser, Some(winner));
        self.segments.hand_over(loser, Some(winner));
        self.edit(winner, |into| absorb(into, from, newer));
        self.identify(now, winner);
        let change = vec![("merged".to_owned(), Php::Int(loser.0.into()))];
        self.record(now, by, winner, change, (Door::Inside, false));
    }
}

fn changed_at(contact: &Contact) -> Timestamp {
    contact.modified.at.unwrap_or(contact.added.at)
}

/// What a merge makes of the survivor: the newer record's values win, blanks are filled from the
/// other, points add up, tags and addresses unite, the survivor's owner stays if it has one.
fn absorb(into: &mut Contact, from: Contact, newer: bool) {
    for (position, value) in from.values.iter() {
        if newer || into.values.at(position).is_null() {
            into.values.put(position, value.clone());
        }
    }
    into.points += from.points;
    into.owner = into.owner.or(from.owner);
    into.stage = into.stage.or(from.stage);
    for tag in from.tags {
        if !into.tags.contains(&tag) {
            into.tags.push(tag);
        }
    }
    for address in from.addresses {
        if !into.addresses.contains(&address) {
            into.addresses.push(address);
        }
    }
    into.last_active = into.last_active.max(from.last_active);
    into.identified = match (into.identified, from.identified) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    };
}
