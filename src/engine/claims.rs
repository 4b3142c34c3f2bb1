//! Pairs that somebody made before us: a Salesforce record that carries the number of its contact.
//!
//! The plugin that came before wrote that number into a field of the customer's. At first sight it says
//! more than an e-mail address that was changed on one side since. It is believed only where no address
//! says otherwise: a record that was cloned carries the number of somebody else.

use std::collections::BTreeMap;

use crate::domain::ids::{AutomationId, Kind, LinkId, Side};
use crate::domain::link::{Link, MatchKey};
use crate::domain::mapping::{Mapping, Role};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::Engine;
use crate::engine::pair::{bears, is_free};
use crate::engine::work::{Desk, Work};

/// Claims looked at in one transaction.
const CLAIMS_MAX: usize = 400;

/// A link without a contact, and the contact that its Salesforce record names.
pub(super) type Claim = (LinkId, AutomationId);

/// The contact that the record names as its own, if it has no pair yet.
pub(super) fn claimed(link: &Link, mapping: &Mapping) -> Option<AutomationId> {
    let is_half = link.automation.is_none() && link.is_live(Side::Salesforce);
    if link.kind != Kind::Person || !is_half || !is_free(link) {
        return None;
    }
    let rule = mapping.with_role(Kind::Person, Role::ContactId)?;
    let number = match link.field(rule.id)?.salesforce.as_ref()? {
        Value::Number(number) => number.to_string().parse().ok()?,
        value => value.as_text()?.trim().parse().ok()?,
    };
    Some(AutomationId(number)).filter(|id| id.0 > 0)
}

impl Engine {
    pub(super) fn note_claim(&mut self, link: &Link) {
        if let Some(contact) = claimed(link, &self.mapping) {
            self.outbox.claim(link.id, contact);
        }
    }

    /// Before anybody is paired by address. Returns whether anything was begun.
    pub(super) fn look_at_claims(&mut self) -> bool {
        if !self.outbox.has_claims() || !self.inbox.is_empty() || !self.transactions.is_empty() {
            return false;
        }
        let claims = self.outbox.take_claims();
        let mut claimants: BTreeMap<AutomationId, u32> = BTreeMap::new();
        for (_, contact) in &claims {
            *claimants.entry(*contact).or_default() += 1;
        }
        // A record and its clone name the same contact: which of them it is, the address tells or nobody.
        let is_alone = |(_, contact): &Claim| claimants.get(contact) == Some(&1);
        let claims: Vec<Claim> = claims.into_iter().filter(is_alone).collect();
        for claims in claims.chunks(CLAIMS_MAX) {
            let claims = claims.to_vec();
            self.queue(Work::Claims { claims });
        }
        true
    }

    /// Where the addresses agree they pair the two, and where the contact is unknown or taken they
    /// decide alone. What is left needs everybody who bears either address.
    pub(super) fn take_claims(&mut self, desk: &Desk, claims: &[Claim]) {
        for (link, contact) in claims {
            let Some((ours, theirs)) = halves(desk, *link, *contact) else {
                continue;
            };
            let mut shared = ours.match_keys.iter();
            if shared.any(|key| theirs.match_keys.contains(key)) {
                continue;
            }
            let keys = [&ours.match_keys[..], &theirs.match_keys[..]].concat();
            let claim = (*link, *contact);
            self.queue(Work::Claim { claim, keys });
        }
    }

    pub(super) fn take_claim(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        (link, contact): Claim,
        keys: &[MatchKey],
    ) {
        let Some((ours, theirs)) = halves(desk, link, contact) else {
            return;
        };
        let (ours, theirs) = (ours.id, theirs.id);
        let is_contested = desk.links.values().any(|other| {
            let is_party = other.id == ours || other.id == theirs;
            let mut keys = keys.iter();
            let bears_one = keys.any(|key| {
                let mut sides = Side::BOTH.into_iter();
                sides.any(|side| bears(other, &self.mapping, side, *key))
            });
            !is_party && bears_one
        });
        if !is_contested {
            self.join(desk, now, ours.min(theirs), ours.max(theirs));
        }
    }
}

/// Both as they are now: two records that nobody paired.
fn halves(desk: &Desk, link: LinkId, contact: AutomationId) -> Option<(&Link, &Link)> {
    let ours = desk.links.get(&link)?;
    let theirs = desk.links.values().find(|link| {
        let end = link.automation.as_ref();
        link.kind == Kind::Person && end.is_some_and(|end| end.id == contact)
    })?;
    let is_ours = ours.automation.is_none() && ours.is_live(Side::Salesforce) && is_free(ours);
    let is_theirs =
        theirs.salesforce.is_none() && theirs.is_live(Side::Automation) && is_free(theirs);
    (is_ours && is_theirs).then_some((ours, theirs))
}
