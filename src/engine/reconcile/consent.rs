//! Consent of one link, and what is known of its opt-out.

use super::Case;
use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::ids::{Kind, Side};
use crate::domain::link::Link;
use crate::domain::mapping::Role;
use crate::domain::time::Timestamp;
use crate::engine::consent::{OptIns, Terms, Verdict, is_surely_later, judge};
use crate::engine::pair::opt_out_seen;

impl Case<'_> {
    /// A record without a counterpart says out: that outlives the record, on whatever takes its place,
    /// until the same record says in and dates it.
    pub(super) fn judge_lone_consent(&self, link: &mut Link) {
        if !self.has_consent() {
            return;
        }
        let Some(view) = link.consent.salesforce.or(link.consent.automation) else {
            return;
        };
        match (link.consent.opted_out, view.evidence.opted_in) {
            (None, _) => link.consent.opted_out = opt_out_seen(&view),
            (Some(opted_out), Some(opted_in))
                if view.value == Consent::In && is_surely_later(opted_in, opted_out) =>
            {
                link.consent.opted_out = None;
            }
            _ => {}
        }
    }

    fn has_consent(&self) -> bool {
        let mapping = &self.context.policy.mapping;
        mapping.with_role(Kind::Person, Role::Consent).is_some()
    }

    pub(super) fn judge_consent(&mut self, link: &mut Link) {
        if !self.has_consent() {
            return;
        }
        if let Some(decided) = link.decided_consent {
            self.carry_out_consent(link, decided);
            return;
        }
        let opt_ins = if self.context.policy.latest_do_not_contact {
            OptIns::Travel
        } else {
            OptIns::Stay
        };
        let terms = Terms {
            opt_ins,
            freshness: self.context.freshness,
            salesforce_changed: link
                .salesforce
                .as_ref()
                .map_or(Timestamp::ZERO, |end| end.modified),
        };
        match judge(&link.consent, terms) {
            Verdict::Settled => {}
            Verdict::Agree(consent) => {
                link.consent.agreed = Some(consent);
                link.consent.opted_out = if consent.is_out() {
                    opted_out_date(link, self.context.now)
                } else {
                    None
                };
            }
            Verdict::OptOut { to, reason } => {
                let out = Consent::Out(reason);
                if link.consent.opted_out.is_none() {
                    link.consent.opted_out = opted_out_date(link, self.context.now);
                }
                if link.is_live(to) {
                    self.write_mut(to).consent = Some(out);
                }
            }
            Verdict::OptIn { to } => {
                if link.is_live(to) {
                    self.write_mut(to).consent = Some(Consent::In);
                }
            }
            Verdict::AskForEvidence => self.done.asks_for_evidence = true,
            Verdict::Conflict { opted_in } => {
                self.hold(Subject::Consent, Cause::ConsentWithoutProof { opted_in });
            }
        }
    }

    fn carry_out_consent(&mut self, link: &mut Link, decided: Consent) {
        let view = |side| link.consent.on(side);
        let missing: Vec<Side> = Side::BOTH
            .into_iter()
            .filter(|side| link.is_live(*side))
            .filter(|side| view(*side).is_some_and(|v| v.value.is_out() != decided.is_out()))
            .filter(|side| view(*side).is_some_and(|v| v.value != Consent::Bounced))
            .collect();
        if missing.is_empty() {
            link.consent.agreed = Some(decided);
            let by_operator = Dated::exactly(self.context.now, Proof::Operator);
            link.consent.opted_out = decided.is_out().then_some(by_operator);
            link.decided_consent = None;
        }
        for side in missing {
            self.write_mut(side).consent = Some(decided);
        }
    }
}

/// The strictest word that a one-sided link has: what it says now, or was agreed before. Not an
/// agreement: a counterpart that turns up later is at first sight.
pub fn known_opt_out(link: &Link) -> Option<Consent> {
    let views = [link.consent.salesforce, link.consent.automation];
    let on_its_way = link
        .consent
        .opted_out
        .map(|_| Consent::Out(Reason::Unstated));
    let outs = views
        .into_iter()
        .flatten()
        .map(|view| view.value)
        .chain(link.consent.agreed)
        .chain(on_its_way);
    outs.filter(|consent| consent.is_out()).max()
}

/// When the opt-out happened, as closely as any source says: evidence first, then our own eyes.
fn opted_out_date(link: &Link, now: Timestamp) -> Option<Dated> {
    let views = [link.consent.salesforce, link.consent.automation];
    let dated = views
        .into_iter()
        .flatten()
        .filter_map(|view| opt_out_seen(&view));
    dated.max_by_key(|dated| dated.latest).or(Some(Dated {
        earliest: Timestamp::ZERO,
        latest: now,
        proof: Proof::Observation,
    }))
}
