//! Which records are the same person or company, at first sight. Afterwards only ids count.
//!
//! Looks at every link that bears one address (or company name) at once, so that the order in which
//! pages arrived cannot matter.

use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::{ConsentView, Dated, Proof};
use crate::domain::ids::{AutomationId, FieldId, Kind, LinkId, RemoteId, SalesforceObject, Side};
use crate::domain::link::{Link, MatchKey, Parked};
use crate::domain::mapping::{Mapping, Role};
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::observe::match_text;

/// What is to be done with the links of one address. Ids are of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// The second becomes part of the first.
    Join(LinkId, LinkId),
    /// The Lead steps aside for the Contact of the same person.
    Shadow { lead: LinkId, by: LinkId },
    /// A Contact turned up for a person who is paired as a Lead: it takes the Lead's place.
    Replace { whole: LinkId, contact: LinkId },
    /// Nothing can tell which belongs to which.
    Ambiguous {
        link: LinkId,
        matches: Vec<RemoteId>,
    },
    /// The person was deleted on that side before, and is not made again by us.
    Tombstone { link: LinkId, deleted: Side },
    /// Seen on one side only.
    Alone(LinkId),
}

/// The rules, for the links that bear the address on a live record:
///
/// 1. A Contact comes before a Lead: a Lead alone steps aside, a paired one is replaced.
/// 2. One record on each side, and no pair yet: they are paired.
/// 3. More than one that could be paired: all of them wait for a person.
/// 4. One beside a pair: it waits for a person, the pair goes on.
/// 5. One alone takes the place of the deleted record in a pair whose other record is live and bears the
///    address: somebody came back, and is not made a second time.
/// 6. One alone is paired with a deleted record of the same person that was never paired, so that
///    the deletion is told and nothing is made again. If the person's pair was deleted, it waits
///    for a person. Else it is alone.
pub fn pair(group: &[&Link], mapping: &Mapping, key: MatchKey) -> Vec<Pairing> {
    let bears = |link: &Link, side| bears(link, mapping, side, key);
    let whole = || group.iter().copied().filter(|link| link.is_whole());
    let halves = |side: Side| {
        let lone = |link: &&Link| {
            is_free(link) && link.remote(side.other()).is_none() && bears(link, side)
        };
        group.iter().copied().filter(lone).collect::<Vec<&Link>>()
    };
    // Pairs of which that side lives on alone.
    let survivors = |side: Side| {
        let is_one = |link: &&Link| {
            let is_gone = link.state(side.other()) == Some(RowState::Deleted);
            is_free(link) && is_gone && bears(link, side)
        };
        let known = |link: &&Link| Side::BOTH.iter().all(|side| link.remote(*side).is_some());
        let both = group.iter().copied().filter(known);
        both.filter(is_one).collect::<Vec<&Link>>()
    };
    let (contacts, leads): (Vec<&Link>, Vec<&Link>) = halves(Side::Salesforce)
        .into_iter()
        .partition(|link| !is_lead(link));
    let automation = halves(Side::Automation);
    let paired_contact = || whole().find(|link| !is_lead(link) && bears(link, Side::Salesforce));
    let contact = contacts.first().copied().or_else(paired_contact);
    let mut pairings = Vec::new();
    let salesforce = match contact {
        Some(by) => {
            pairings.extend(leads.iter().map(|lead| Pairing::Shadow {
                lead: lead.id,
                by: by.id,
            }));
            contacts
        }
        None => leads,
    };
    let pair = whole().find(|link| Side::BOTH.iter().any(|side| bears(link, *side)));
    match (pair, &salesforce[..], &automation[..]) {
        (_, [], []) => {}
        (None, [one], [other]) if Side::BOTH.iter().all(|side| survivors(*side).is_empty()) => {
            let (keep, absorb) = (one.id.min(other.id), one.id.max(other.id));
            pairings.push(Pairing::Join(keep, absorb));
        }
        (None, [one], []) | (None, [], [one]) => {
            let missing = if one.salesforce.is_none() {
                Side::Salesforce
            } else {
                Side::Automation
            };
            pairings.push(match &survivors(missing)[..] {
                [] => alone(one, missing, group),
                [survivor] => Pairing::Join(survivor.id, one.id),
                _ => ambiguous(one, group),
            });
        }
        (Some(pair), [contact], _) if is_free(pair) && is_lead(pair) && !is_lead(contact) => {
            pairings.push(Pairing::Replace {
                whole: pair.id,
                contact: contact.id,
            });
            pairings.extend(automation.iter().map(|link| ambiguous(link, group)));
        }
        _ => {
            let all = salesforce.iter().chain(&automation);
            pairings.extend(all.map(|link| ambiguous(link, group)));
        }
    }
    pairings
}

/// Whether a live record of the link shows the address (or company name) on that side.
pub fn bears(link: &Link, mapping: &Mapping, side: Side, key: MatchKey) -> bool {
    let text = match_text(link, mapping, side).filter(|_| link.is_live(side));
    text.is_some_and(|text| MatchKey::new(link.kind, text) == key)
}

/// Another person than the link's: not itself, nor the Lead that stepped aside for it.
pub fn is_somebody_else(link: &Link, other: &Link) -> bool {
    other.id != link.id && other.parked != Some(Parked::ShadowedByContact(link.id))
}

/// Whether an address that is about to be written is somebody else's on that side: Automation would
/// refuse it or merge the two people. Answers the e-mail field and what to hold it for, or that what
/// it was held for is over; nothing if all stays as it is.
pub fn taken(
    link: &Link,
    group: &[&Link],
    mapping: &Mapping,
    key: MatchKey,
) -> Option<(FieldId, Option<Cause>)> {
    let mut rules = mapping.rules(link.kind).iter();
    let field = rules.find(|rule| rule.role == Role::Email)?.id;
    let is_asked = |address: &Value| {
        let text = address.as_text();
        text.is_some_and(|text| MatchKey::new(link.kind, text) == key)
    };
    let held = link.conflicts.iter().find_map(|conflict| {
        let is_of_field = conflict.subject == Subject::Field(field);
        match &conflict.cause {
            Cause::EmailTaken { side, address, .. } if is_of_field => Some((*side, address)),
            _ => None,
        }
    });
    let planned = link.pending.iter().find_map(|pending| {
        let mut values = pending.values.iter();
        let (_, address) = values.find(|(id, _)| *id == field)?;
        Some((pending.side, address))
    });
    let (side, address) = held.or(planned).filter(|(_, address)| is_asked(address))?;
    let has_it = |other: &&&Link| is_somebody_else(link, other) && bears(other, mapping, side, key);
    let owner = group.iter().filter(has_it).map(|other| other.id).min();
    match owner {
        Some(by) => {
            let address = address.clone();
            Some((field, Some(Cause::EmailTaken { side, address, by })))
        }
        None => held.map(|_| (field, None)),
    }
}

/// Neither a person nor its kind keeps it from being paired.
pub fn is_free(link: &Link) -> bool {
    !matches!(
        link.parked,
        Some(Parked::Unlinked | Parked::Quarantined { .. } | Parked::ObjectNotSelected)
    )
}

fn alone(link: &Link, missing: Side, group: &[&Link]) -> Pairing {
    let gone = |other: &&&Link| other.state(missing) == Some(RowState::Deleted);
    match group.iter().filter(gone).min_by_key(|other| other.id) {
        // Deleted before the two were ever paired: they are paired as what they are now.
        Some(other) if other.remote(missing.other()).is_none() => {
            Pairing::Join(link.id.min(other.id), link.id.max(other.id))
        }
        Some(_) => Pairing::Tombstone {
            link: link.id,
            deleted: missing,
        },
        None => Pairing::Alone(link.id),
    }
}

fn ambiguous(link: &Link, group: &[&Link]) -> Pairing {
    let others = group.iter().filter(|other| other.id != link.id);
    let mut matches: Vec<RemoteId> = others
        .flat_map(|other| Side::BOTH.map(|side| other.remote(side).filter(|_| other.is_live(side))))
        .flatten()
        .collect();
    matches.sort();
    Pairing::Ambiguous {
        link: link.id,
        matches,
    }
}

fn is_lead(link: &Link) -> bool {
    link.salesforce
        .as_ref()
        .is_some_and(|end| end.object == SalesforceObject::Lead)
}

/// Another record takes a side's place. That it may be mailed is no opt-in: nobody changed anything,
/// and a merge does not carry the opt-out along. What was agreed or seen stays on its way as an
/// opt-out.
pub fn forget_view(link: &mut Link, side: Side) {
    let view = match side {
        Side::Salesforce => link.consent.salesforce.take(),
        Side::Automation => link.consent.automation.take(),
    };
    if let (None, Some(view)) = (link.consent.opted_out, view) {
        link.consent.opted_out = opt_out_seen(&view);
    }
    if link.consent.opted_out.is_some() {
        link.consent.agreed = None;
    }
}

/// When a side's opt-out happened: by its evidence, else before it was first seen. `None` if it may
/// be mailed.
pub fn opt_out_seen(view: &ConsentView) -> Option<Dated> {
    let seen = Dated {
        earliest: Timestamp::ZERO,
        latest: view.since,
        proof: Proof::Observation,
    };
    let dated = view.evidence.opted_out.unwrap_or(seen);
    view.value.is_out().then_some(dated)
}

/// Moves one side of `from` into `into`: the record, its values, its word on consent. Whatever was
/// agreed about consent stays at its strictest.
pub fn move_end(into: &mut Link, from: &mut Link, side: Side) {
    forget_view(into, side);
    match side {
        Side::Salesforce => {
            let first = into.salesforce.as_ref().map(|end| end.first_id);
            into.salesforce = from.salesforce.take();
            if let (Some(end), Some(first)) = (&mut into.salesforce, first) {
                end.first_id = first;
            }
            into.consent.salesforce = from.consent.salesforce.take();
        }
        Side::Automation => {
            into.automation = from.automation.take();
            into.consent.automation = from.consent.automation.take();
        }
    }
    // A field that the new record does not carry is not shown by it.
    for state in &mut into.fields {
        *value_mut(state, side) = None;
    }
    for state in &mut from.fields {
        if let Some(value) = value_mut(state, side).take() {
            *value_mut(into.field_mut(state.field), side) = Some(value);
        }
    }
    for key in from.match_keys.clone() {
        if let Err(index) = into.match_keys.binary_search(&key) {
            into.match_keys.insert(index, key);
        }
    }
    if from.consent.is_suppressed() && !into.consent.is_suppressed() {
        into.consent.agreed = from.consent.agreed;
        into.consent.opted_out = from.consent.opted_out;
    }
    for link in [into, from] {
        link.conflicts
            .retain(|conflict| conflict.subject != Subject::Identity);
        link.pending.clear();
    }
}

fn value_mut(
    state: &mut crate::domain::link::FieldState,
    side: Side,
) -> &mut Option<crate::domain::value::Value> {
    match side {
        Side::Salesforce => &mut state.salesforce,
        Side::Automation => &mut state.automation,
    }
}

/// Somebody else's record, or a new one of the same person, has the place of a deleted one: the two sides
/// meet for the first time.
pub fn meet_anew(link: &mut Link) {
    link.decided.clear();
    for state in &mut link.fields {
        state.base = None;
        state.salesforce_edited = None;
        state.automation_edited = None;
    }
}

/// Whether this cause is one that pairing raised and may lift again.
pub const fn is_pairing_cause(cause: &Cause) -> bool {
    matches!(cause, Cause::SeveralMatch { .. })
}

/// The Automation record that a link has, if it is of that kind.
pub fn automation_id(link: &Link, kind: Kind) -> Option<AutomationId> {
    link.automation
        .as_ref()
        .filter(|_| link.kind == kind)
        .map(|end| end.id)
}
