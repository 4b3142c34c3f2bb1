//! Carries out what [`pair`](super::pair) says, and makes records that are nowhere to be found.

use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{Kind, LinkId, RemoteId, SalesforceObject, Side};
use crate::domain::link::{Link, MatchKey, Parked, Pending, PendingState};
use crate::domain::record::{Change, Happened, Suppression};
use crate::domain::request::{RowWrite, Target};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::observe::match_text;
use crate::engine::pair::{
    Pairing, bears, is_pairing_cause, is_somebody_else, meet_anew, move_end, pair, taken,
};
use crate::engine::reconcile::{creation_values, known_opt_out, raise};
use crate::engine::work::Desk;

impl Engine {
    pub(super) fn pair_keys(&mut self, desk: &mut Desk, now: Timestamp, keys: &[MatchKey]) {
        for key in keys {
            for id in self.pair_key(desk, now, *key) {
                self.look_for_counterpart(desk, now, id);
            }
        }
        self.outbox.paired(keys);
    }

    /// Pairs the links of one address; answers those that are alone with it.
    fn pair_key(&mut self, desk: &mut Desk, now: Timestamp, key: MatchKey) -> Vec<LinkId> {
        let group: Vec<&Link> = desk
            .links
            .values()
            .filter(|link| link.match_keys.contains(&key))
            .collect();
        let pairings = pair(&group, &self.mapping, key);
        let asked_before: Vec<LinkId> = group
            .iter()
            .filter(|link| link.conflicts.iter().any(|c| is_pairing_cause(&c.cause)))
            .map(|link| link.id)
            .collect();
        let still_ambiguous = |id: LinkId| {
            pairings
                .iter()
                .any(|p| matches!(p, Pairing::Ambiguous { link, .. } if *link == id))
        };
        for id in asked_before {
            if !still_ambiguous(id)
                && let Some(link) = desk.links.get_mut(&id)
                && is_half(link)
            {
                link.conflicts
                    .retain(|conflict| !is_pairing_cause(&conflict.cause));
                self.settle(desk, id, now);
            }
        }
        self.end_shadows(desk, now, key, &pairings);
        let mut alone = Vec::new();
        for pairing in pairings {
            match pairing {
                Pairing::Alone(id) => alone.push(id),
                other => self.carry_out_pairing(desk, now, other),
            }
        }
        self.suppress(desk, now, key);
        self.hold_taken(desk, now, key);
        alone
    }

    /// A Lead whose Contact no longer bears the address, or is gone, is a person of its own again.
    fn end_shadows(&mut self, desk: &mut Desk, now: Timestamp, key: MatchKey, said: &[Pairing]) {
        let is_said = |id: LinkId| {
            let mut said = said.iter();
            said.any(|one| matches!(one, Pairing::Shadow { lead, .. } if *lead == id))
        };
        let is_over = |link: &&mut Link| {
            let is_shadowed = matches!(link.parked, Some(Parked::ShadowedByContact(_)));
            is_shadowed && link.match_keys.contains(&key) && !is_said(link.id)
        };
        let over = desk.links.values_mut().filter(is_over).map(|link| {
            link.parked = None;
            link.id
        });
        let over: Vec<LinkId> = over.collect();
        for id in over {
            self.settle(desk, id, now);
        }
    }

    /// An address does not leave for a side where somebody else has it, until they no longer do.
    fn hold_taken(&mut self, desk: &mut Desk, now: Timestamp, key: MatchKey) {
        let bearers = desk.links.values();
        let group: Vec<&Link> = bearers
            .filter(|link| link.match_keys.contains(&key))
            .collect();
        let judge = |link: &&Link| Some((link.id, taken(link, &group, &self.mapping, key)?));
        let judged: Vec<_> = group.iter().filter_map(judge).collect();
        for (id, (field, cause)) in judged {
            let Some(link) = desk.links.get_mut(&id) else {
                continue;
            };
            let subject = Subject::Field(field);
            match cause {
                Some(cause) => raise(link, subject, cause, now),
                None => link.conflicts.retain(|held| held.subject != subject),
            }
            self.settle(desk, id, now);
        }
    }

    /// An opt-out belongs to the address: it holds on whatever record the address turns up, by an edit
    /// or a merge too, until a dated opt-in is proven to be newer.
    fn suppress(&mut self, desk: &mut Desk, now: Timestamp, key: MatchKey) {
        let bearers: Vec<&Link> = desk
            .links
            .values()
            .filter(|link| link.match_keys.contains(&key))
            .collect();
        let known = desk
            .suppressions
            .get(&key)
            .filter(|known| known.consent.is_out())
            .map(|known| known.opted_out);
        let told = || bearers.iter().find_map(|link| link.consent.opted_out);
        let Some(opted_out) = known.or_else(told) else {
            return;
        };
        let open: Vec<LinkId> = bearers
            .iter()
            .filter(|link| !link.consent.is_suppressed())
            .map(|link| link.id)
            .collect();
        if known.is_none() {
            let suppression = Suppression {
                address: key,
                consent: Consent::Out(Reason::Unstated),
                opted_out,
            };
            desk.suppressions.insert(key, suppression);
            desk.batch.push(Change::PutSuppression(suppression));
        }
        for id in open {
            if let Some(link) = desk.links.get_mut(&id) {
                link.consent.opted_out = Some(opted_out);
                self.settle(desk, id, now);
            }
        }
    }

    fn carry_out_pairing(&mut self, desk: &mut Desk, now: Timestamp, pairing: Pairing) {
        match pairing {
            Pairing::Join(keep, absorb) => self.join(desk, now, keep, absorb),
            Pairing::Shadow { lead, by } => {
                if let Some(link) = desk.links.get_mut(&lead) {
                    link.parked = Some(Parked::ShadowedByContact(by));
                    link.pending.clear();
                    self.settle(desk, lead, now);
                }
            }
            Pairing::Replace { whole, contact } => self.replace_lead(desk, now, whole, contact),
            Pairing::Ambiguous { link, matches } => {
                self.question(desk, now, link, Cause::SeveralMatch { matches });
            }
            Pairing::Tombstone { link, deleted } => {
                self.question(desk, now, link, Cause::DeletedAndEdited { deleted });
            }
            Pairing::Alone(_) => {}
        }
    }

    pub(super) fn join(&mut self, desk: &mut Desk, now: Timestamp, keep: LinkId, absorb: LinkId) {
        let Some(mut absorbed) = desk.remove(absorb) else {
            return;
        };
        self.links_total = self.links_total.saturating_sub(1);
        let Some(link) = desk.links.get_mut(&keep) else {
            return;
        };
        let side = if absorbed.salesforce.is_some() {
            Side::Salesforce
        } else {
            Side::Automation
        };
        let is_other = link.remote(side).is_some();
        move_end(link, &mut absorbed, side);
        if is_other {
            meet_anew(link);
        }
        let link = link.clone();
        desk.index(&link);
        desk.history(keep, now, self.cycle.run, Happened::Linked);
        self.settle(desk, keep, now);
    }

    /// The Contact takes the Lead's place in the pair; the Lead steps aside under the Contact's link.
    fn replace_lead(&mut self, desk: &mut Desk, now: Timestamp, whole: LinkId, contact: LinkId) {
        let Some(mut half) = desk.remove(contact) else {
            return;
        };
        let Some(link) = desk.links.get_mut(&whole) else {
            return;
        };
        let mut lead = Link::new(contact, link.kind);
        move_end(&mut lead, &mut link.clone(), Side::Salesforce);
        let id_of = |link: &Link| {
            let end = link.salesforce.as_ref();
            end.map_or(String::new(), |end| end.id.to_string())
        };
        let moved = Happened::Moved {
            side: Side::Salesforce,
            from: id_of(&lead),
            to: id_of(&half),
        };
        move_end(link, &mut half, Side::Salesforce);
        lead.parked = Some(Parked::ShadowedByContact(whole));
        let link = link.clone();
        desk.index(&link);
        desk.put(lead);
        desk.history(whole, now, self.cycle.run, moved);
        self.settle(desk, contact, now);
        self.settle(desk, whole, now);
    }

    /// Whose record it is, a person must say.
    fn question(&mut self, desk: &mut Desk, now: Timestamp, id: LinkId, cause: Cause) {
        if let Some(link) = desk.links.get_mut(&id) {
            raise(link, Subject::Identity, cause, now);
            self.settle(desk, id, now);
        }
    }

    /// Puts a lone link up for looking on the other side, if it may be made there at all.
    fn look_for_counterpart(&mut self, desk: &mut Desk, now: Timestamp, id: LinkId) {
        let Some((to, text, may)) = self.creation(desk, id) else {
            return;
        };
        if !may {
            self.forbid_creation(desk, id, now);
            return;
        }
        if let Some(link) = desk.links.get(&id) {
            self.outbox.look_for(to, link, &text);
        }
    }

    /// Where a lone link would be made, under which address, and whether that is allowed.
    fn creation(&self, desk: &Desk, id: LinkId) -> Option<(Side, String, bool)> {
        let link = desk.links.get(&id)?;
        if link.parked.is_some() || !link.pending.iter().any(is_planned) {
            return None;
        }
        let to = if link.salesforce.is_some() {
            Side::Automation
        } else {
            Side::Salesforce
        };
        let text = match_text(link, &self.mapping, to.other())?.to_owned();
        let policy = &self.settings.policy;
        let may = match (link.kind, to) {
            (Kind::Person, Side::Automation) => true,
            (Kind::Person, Side::Salesforce) => policy.syncs(SalesforceObject::Lead),
            (Kind::Company, Side::Automation) => policy.syncs(SalesforceObject::Account),
            (Kind::Company, Side::Salesforce) => policy.create_accounts,
        };
        Some((to, text, may))
    }

    fn forbid_creation(&mut self, desk: &mut Desk, id: LinkId, now: Timestamp) {
        if let Some(link) = desk.links.get_mut(&id) {
            link.pending.clear();
            link.parked = Some(Parked::CreationNotAllowed);
            self.outbox.track(link, now);
            desk.mark_changed(id);
            self.ignore("creation_not_allowed");
        }
    }

    /// The counterparts were looked for: what was found is on the desk. Who is still alone is made.
    pub(super) fn create(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        links: &[LinkId],
        mut keys: Vec<MatchKey>,
    ) {
        keys.sort_unstable();
        keys.dedup();
        let mut writes = Vec::new();
        for key in &keys {
            for id in self.pair_key(desk, now, *key) {
                let allowed = self
                    .creation(desk, id)
                    .filter(|(to, _, may)| *to == side && *may);
                if allowed.is_none() || !links.contains(&id) {
                    continue;
                }
                match self.bearer(desk, id, side, *key) {
                    // Left alone, or asked about: it is not written over by making it once more.
                    Some(record) => {
                        let matches = vec![record];
                        self.question(desk, now, id, Cause::SeveralMatch { matches });
                    }
                    None => writes.extend(self.creation_write(desk, now, side, id)),
                }
            }
        }
        self.outbox.paired(&keys);
        self.send(desk, now, side, writes);
    }

    /// Whose live record has the address on that side.
    fn bearer(&self, desk: &Desk, id: LinkId, side: Side, key: MatchKey) -> Option<RemoteId> {
        let link = desk.links.get(&id)?;
        let has_it =
            |other: &&Link| is_somebody_else(link, other) && bears(other, &self.mapping, side, key);
        desk.links.values().find(has_it)?.remote(side)
    }

    fn creation_write(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        id: LinkId,
    ) -> Option<RowWrite> {
        let link = desk.links.get(&id)?;
        let (target, object) = match (side, link.kind) {
            (Side::Automation, kind) => (Target::NewAutomation(kind), None),
            (Side::Salesforce, Kind::Person) => (
                Target::NewSalesforce(SalesforceObject::Lead),
                Some(SalesforceObject::Lead),
            ),
            (Side::Salesforce, Kind::Company) => (
                Target::NewSalesforce(SalesforceObject::Account),
                Some(SalesforceObject::Account),
            ),
        };
        let values = creation_values(link, side, object, self.context(now));
        let suppressed = link
            .match_keys
            .iter()
            .filter_map(|key| desk.suppressions.get(key))
            .map(|suppression| suppression.consent)
            .find(|consent| consent.is_out());
        let consent = known_opt_out(link).max(suppressed);
        if let Some(object) = object
            && let Some(blank) = self.required_blank(object, &values)
        {
            let link = desk.links.get_mut(&id)?;
            let cause = Cause::RequiredBlank {
                side,
                fields: blank,
            };
            raise(link, Subject::Write(side), cause, now);
            if let Some(pending) = link.pending_mut(side) {
                pending.state = PendingState::Dead;
            }
            self.settle(desk, id, now);
            return None;
        }
        let link = desk.links.get_mut(&id)?;
        if let Some(pending) = link.pending_mut(side) {
            pending.values.clone_from(&values);
            pending.consent = consent;
        }
        desk.mark_changed(id);
        Some(RowWrite {
            link: id,
            target,
            values,
            consent,
            unless_modified_since: None,
        })
    }

    fn required_blank(
        &self,
        object: SalesforceObject,
        values: &[(crate::domain::ids::FieldId, crate::domain::value::Value)],
    ) -> Option<Vec<crate::domain::ids::FieldId>> {
        let required = self
            .limits
            .required_for_creation(object, self.mapping.rules_of(object));
        let blank: Vec<_> = required
            .into_iter()
            .map(|rule| rule.id)
            .filter(|field| !values.iter().any(|(id, _)| id == field))
            .collect();
        if blank.is_empty() { None } else { Some(blank) }
    }
}

/// Whether a link never had a record on one of the sides.
fn is_half(link: &Link) -> bool {
    link.salesforce.is_none() || link.automation.is_none()
}

fn is_planned(pending: &Pending) -> bool {
    pending.state == PendingState::Planned
}
