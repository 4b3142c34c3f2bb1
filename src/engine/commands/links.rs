//! Acts on single links: send again, give up, read again, leave alone, take apart.

use super::{Done, Order};
use crate::domain::activity::HeldActivity;
use crate::domain::command::{Refusal, Scope};
use crate::domain::conflict::Cause;
use crate::domain::consent::Consent;
use crate::domain::failure::FailureKind;
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Intent, Link, Parked, PendingState};
use crate::domain::record::{Change, Happened};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::activities::fingerprint;
use crate::engine::reconcile::agree;
use crate::engine::work::Desk;

impl Engine {
    pub(super) fn retry(&mut self, desk: &mut Desk, order: &Order, links: &[LinkId]) -> Done {
        for id in links {
            let Some(link) = desk.links.get_mut(id) else {
                continue;
            };
            link.pending.retain(|pending| !pending.is_dead());
            link.conflicts.retain(|conflict| {
                !matches!(
                    conflict.cause,
                    Cause::Refused { .. } | Cause::NotKept { .. } | Cause::RequiredBlank { .. }
                )
            });
            for pending in &mut link.pending {
                if matches!(pending.state, PendingState::Waiting(_)) {
                    pending.state = PendingState::Planned;
                }
            }
            self.settle(desk, *id, order.at);
        }
        self.want_cycle(Scope::OUTBOX);
        Done::on("retry", links)
    }

    /// What a given-up write carried stays as each side shows it. A record that could not be created
    /// is left alone. An opt-out is not dropped by anybody.
    pub(super) fn discard(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        links: &[LinkId],
    ) -> Result<Done, Refusal> {
        let carries_opt_out = |link: &&Link| {
            let mut pending = link.pending.iter();
            pending.any(|p| p.is_dead() && p.consent.is_some_and(Consent::is_out))
        };
        if let Some(link) = desk.links.values().find(carries_opt_out) {
            return Err(Refusal::OptOutStays(link.id));
        }
        for id in links {
            let Some(link) = desk.links.get_mut(id) else {
                continue;
            };
            let (dead, alive) = std::mem::take(&mut link.pending)
                .into_iter()
                .partition(crate::domain::link::Pending::is_dead);
            link.pending = alive;
            for pending in dead {
                if pending.write == Intent::Create {
                    link.parked = Some(Parked::Quarantined { until: None });
                }
                for (field, _) in pending.values {
                    link.decided.retain(|decided| decided.field != field);
                    agree(link.field_mut(field));
                }
            }
            note(desk, order, *id, "discard");
            self.settle(desk, *id, order.at);
        }
        Ok(Done::on("discard", links))
    }

    /// Whatever the records show now is taken in, and the rules run over it.
    pub(super) fn check(&mut self, desk: &mut Desk, links: &[LinkId]) -> Result<Done, Refusal> {
        let mut records = Vec::new();
        for id in links {
            let link = desk.links.get(id).ok_or(Refusal::NoSuchLink(*id))?;
            let ends = Side::BOTH.into_iter().filter_map(|side| link.remote(side));
            records.extend(ends);
        }
        for record in records {
            self.outbox.recheck(record);
        }
        self.want_cycle(Scope::OUTBOX);
        Ok(Done::on("read again", links))
    }

    pub(super) fn set_aside(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        links: &[LinkId],
        until: Option<Timestamp>,
    ) -> Result<Done, Refusal> {
        let parked = Parked::Quarantined { until };
        self.park(desk, order, links, "set aside", &|_| Some(parked.clone()))
    }

    pub(super) fn unlink(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        links: &[LinkId],
    ) -> Result<Done, Refusal> {
        self.park(desk, order, links, "unlink", &|_| Some(Parked::Unlinked))
    }

    pub(super) fn take_back(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        links: &[LinkId],
    ) -> Result<Done, Refusal> {
        let done = self.park(desk, order, links, "take back", &|link| {
            let is_ours = matches!(
                link.parked,
                Some(Parked::Quarantined { .. } | Parked::Unlinked)
            );
            link.parked.clone().filter(|_| !is_ours)
        });
        // It may have missed much while it was left alone.
        self.check(desk, links)?;
        done
    }

    fn park(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        links: &[LinkId],
        act: &'static str,
        parked: &dyn Fn(&Link) -> Option<Parked>,
    ) -> Result<Done, Refusal> {
        for id in links {
            let link = desk.links.get_mut(id).ok_or(Refusal::NoSuchLink(*id))?;
            link.parked = parked(link);
            // Whatever this link asked for before is not wanted any more.
            link.pending.retain(|p| p.state == PendingState::Issued);
            note(desk, order, *id, act);
            self.settle(desk, *id, order.at);
        }
        self.want_cycle(Scope::OUTBOX);
        Ok(Done::on(act, links))
    }

    pub(super) fn retry_activities(&mut self, desk: &mut Desk, held: Vec<HeldActivity>) -> Done {
        let links = held.iter().map(|held| held.link).collect();
        let count = held.len();
        for mut held in held {
            held.failure.kind = FailureKind::Transient;
            desk.batch.push(Change::PutHeldActivity(held));
        }
        self.want_cycle(Scope {
            activities: true,
            ..Scope::OUTBOX
        });
        Done {
            links,
            ..Done::new("retry activities", count.to_string())
        }
    }
}

/// As if they had been sent: no later transfer or backfill takes them up again.
pub(super) fn discard_activities(desk: &mut Desk, held: Vec<HeldActivity>) -> Done {
    let links = held.iter().map(|held| held.link).collect();
    let count = held.len();
    for held in held {
        let end = desk
            .links
            .get(&held.link)
            .and_then(|l| l.salesforce.as_ref());
        if let Some(end) = end {
            let reference = held.activity.reference_for(end.first_id);
            let sent = Change::AddSent(held.link, vec![fingerprint(&reference)]);
            desk.batch.push(sent);
        }
        let held = Change::RemoveHeldActivity(held.activity.reference);
        desk.batch.push(held);
    }
    Done {
        links,
        ..Done::new("discard activities", count.to_string())
    }
}

/// The contact's own history says who did what.
fn note(desk: &mut Desk, order: &Order, link: LinkId, act: &str) {
    let what = Happened::Operator {
        by: order.operator.name.clone(),
        act: act.to_owned(),
        reason: order.reason.clone(),
    };
    desk.history(link, order.at, order.run, what);
}
