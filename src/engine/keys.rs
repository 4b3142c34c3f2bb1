//! Under which keys the links of a piece of work are found.

use crate::domain::activity::HeldActivity;
use crate::domain::ids::{Kind, RemoteId};
use crate::domain::link::Link;
use crate::domain::record::{Change, LinkKey};
use crate::domain::request::{AuditEntry, AuditedChange};
use crate::domain::row::{Row, RowState};
use crate::engine::claims::Claim;
use crate::engine::work::Then;

pub(super) const fn of_record(id: RemoteId) -> LinkKey {
    match id {
        RemoteId::Salesforce(_, id) => LinkKey::Salesforce(id),
        RemoteId::Automation(kind, id) => LinkKey::Automation(kind, id),
    }
}

pub(super) fn of_rows(rows: &[Row], then: &Then) -> Vec<LinkKey> {
    let mut keys = Vec::with_capacity(rows.len() * 2);
    for row in rows {
        keys.push(of_record(row.id));
        match (row.state, row.id) {
            (RowState::Converted(id) | RowState::MergedSalesforce(id), _) => {
                keys.push(LinkKey::Salesforce(id));
            }
            (RowState::MergedAutomation(id), RemoteId::Automation(kind, _)) => {
                keys.push(LinkKey::Automation(kind, id));
            }
            _ => {}
        }
    }
    match then {
        Then::Issue { pairs, .. } => keys.extend(pairs.iter().map(|(link, _)| LinkKey::Id(*link))),
        Then::Create {
            links,
            keys: addresses,
            ..
        } => {
            keys.extend(links.iter().copied().map(LinkKey::Id));
            keys.extend(addresses.iter().copied().map(LinkKey::Match));
        }
        Then::Recheck { ids } => keys.extend(ids.iter().map(|id| match *id {
            RemoteId::Salesforce(_, id) => LinkKey::Salesforce(id),
            RemoteId::Automation(kind, id) => LinkKey::Automation(kind, id),
        })),
        Then::MoveCursor(..) => {}
    }
    keys
}

pub(super) fn of_claim(&(link, contact): &Claim) -> [LinkKey; 2] {
    [
        LinkKey::Id(link),
        LinkKey::Automation(Kind::Person, contact),
    ]
}

/// All under which a link is found.
pub(super) fn of_link(link: &Link) -> impl Iterator<Item = LinkKey> + '_ {
    let addresses = link.match_keys.iter().copied().map(LinkKey::Match);
    let salesforce = link.salesforce.as_ref();
    let automation = link.automation.as_ref();
    addresses
        .chain([LinkKey::Id(link.id)])
        .chain(salesforce.map(|end| LinkKey::Salesforce(end.id)))
        .chain(automation.map(|end| LinkKey::Automation(link.kind, end.id)))
}

/// The address of which a change says whether it may be mailed: it is found with the address.
pub(super) fn of_address(change: &Change) -> Option<LinkKey> {
    match change {
        Change::PutSuppression(suppression) => Some(LinkKey::Match(suppression.address)),
        _ => None,
    }
}

/// The link it was held for, or the one that has the contact now.
pub(super) fn of_held(held: &[HeldActivity]) -> Vec<LinkKey> {
    held.iter()
        .flat_map(|held| {
            let contact = LinkKey::Automation(Kind::Person, held.activity.contact);
            [LinkKey::Id(held.link), contact]
        })
        .collect()
}

pub(super) fn of_audit(entries: &[AuditEntry]) -> Vec<LinkKey> {
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries {
        keys.push(LinkKey::Automation(entry.kind, entry.id));
        if let AuditedChange::MergedInto(winner) = entry.what {
            keys.push(LinkKey::Automation(entry.kind, winner));
        }
    }
    keys
}
