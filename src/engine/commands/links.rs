//! Acts on single links: send again, give up, read again, leave alone, take apart.

use super::{Done, Order};
use crate::domain::activity::HeldActivity;
use crate::domain::command::{GivenUp, Refusal, Scope};
use crate::domain::conflict::Cause;
use crate::domain::consent::Consent;
use crate::domain::failure::FailureKind;
use crate::domain::ids::{Kind, LinkId, RemoteId, Side};
use crate::domain::link::{Base, FieldState, Intent, Link, Parked, Pending, PendingState};
use crate::domain::record::{Change, Happened};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
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
    /// is left alone. An opt-out is not dropped by anybody, and a write that is another one since it was
    /// looked at is not dropped unseen: neither is any of the others then.
    pub(super) fn discard(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        writes: &[GivenUp],
    ) -> Result<Done, Refusal> {
        for write in writes {
            let link = desk.links.get(&write.link);
            let link = link.ok_or(Refusal::NoSuchLink(write.link))?;
            let found = link.pending.iter().find(|pending| write.is(pending));
            let found = found.ok_or(Refusal::OtherWrite(link.id))?;
            if found.consent.is_some_and(Consent::is_out) {
                return Err(Refusal::OptOutStays(link.id));
            }
        }
        let mut links: Vec<LinkId> = writes.iter().map(|write| write.link).collect();
        links.dedup();
        for write in writes {
            let Some(link) = desk.links.get_mut(&write.link) else {
                continue;
            };
            let (dropped, kept) = std::mem::take(&mut link.pending)
                .into_iter()
                .partition(|pending| write.is(pending));
            link.pending = kept;
            let dropped: Vec<Pending> = dropped;
            for pending in dropped {
                if pending.write == Intent::Create {
                    link.parked = Some(Parked::Quarantined { until: None });
                }
                for (field, value) in pending.values {
                    link.decided.retain(|decided| decided.field != field);
                    leave(link.field_mut(field), pending.side, value);
                }
            }
        }
        for id in &links {
            note(desk, order, *id, "discard");
            self.settle(desk, *id, order.at);
        }
        Ok(Done::on("discard", &links))
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
            // Nor is it asked any more whom of the same address it is, or it is asked again.
            self.outbox.pair_again(&link.match_keys);
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

/// What the side shows is agreed to, whatever would have been written there. Of what is worked out and
/// stands on one side only, the other half of the agreement is the value that was given up.
fn leave(state: &mut FieldState, side: Side, given_up: Value) {
    if state.salesforce.is_some() && state.automation.is_some() {
        agree(state);
        return;
    }
    let Some(shown) = state.on(side).cloned() else {
        return;
    };
    state.base = Some(match side {
        Side::Salesforce => Base {
            salesforce: shown,
            automation: given_up,
        },
        Side::Automation => Base {
            salesforce: given_up,
            automation: shown,
        },
    });
}

/// As if they had been sent: no later transfer or backfill takes them up again.
pub(super) fn discard_activities(desk: &mut Desk, held: Vec<HeldActivity>) -> Done {
    let links = held.iter().map(|held| held.link).collect();
    let count = held.len();
    for held in held {
        let person = RemoteId::Automation(Kind::Person, held.activity.contact);
        // The link it was held for may have become part of another.
        let heir = desk.find(person).unwrap_or(held.link);
        let end = desk.links.get(&heir).and_then(|l| l.salesforce.as_ref());
        let reference = end.map_or_else(
            || held.activity.reference.clone(),
            |end| held.activity.reference_for(end.first_id),
        );
        let sent = Change::AddSent(heir, vec![fingerprint(&reference)]);
        desk.batch.push(sent);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::{AutomationId, FieldId, Kind, RunId, SalesforceId, SalesforceObject};
    use crate::domain::link::{AutomationEnd, Mark, SalesforceEnd};
    use crate::domain::mapping::{
        Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
    };
    use crate::domain::operator::{Operator, SessionId};
    use crate::domain::record::Recovered;
    use crate::domain::row::RowState;
    use crate::domain::setup::Timetable;
    use crate::domain::value::ValueType;
    use crate::engine::work::Work;
    use crate::engine::{Brake, Settings, Writes};

    const ID: LinkId = LinkId(7);
    const EMAIL: FieldId = FieldId(1);
    const TO_AUTOMATION: FieldId = FieldId(2);
    const TO_SALESFORCE: FieldId = FieldId(3);
    const NUMBER: FieldId = FieldId(4);
    const NOW: Timestamp = Timestamp(1_772_615_700_000);

    fn rule(id: FieldId, name: &str, role: Role, arrow: Arrow) -> FieldRule {
        FieldRule {
            id,
            salesforce: name.to_owned(),
            objects: vec![SalesforceObject::Lead],
            automation: name.to_lowercase(),
            value_type: ValueType::Text,
            role,
            arrow,
            overwritten: Overwritten::Keep,
            blank: BlankTravel::Never,
            concurrent: Concurrent::Conflict,
        }
    }

    fn engine() -> Engine {
        let person = vec![
            rule(EMAIL, "Email", Role::Email, Arrow::Both),
            rule(TO_AUTOMATION, "Phone", Role::Plain, Arrow::Both),
            rule(TO_SALESFORCE, "City", Role::Plain, Arrow::Both),
            rule(NUMBER, "Number__c", Role::ContactId, Arrow::Automation),
        ];
        let policy = Policy {
            mapping: Mapping {
                person,
                company: Vec::new(),
            },
            objects: vec![SalesforceObject::Lead],
            published: true,
            ..Policy::default()
        };
        let settings = Settings {
            policy: Arc::new(policy),
            timetable: Timetable::default(),
            daily_share: 1.0,
            writes: Writes::Send,
            brake: Brake::DEFAULT,
            chunk_size_max: 400,
        };
        Engine::new(settings, Recovered::default())
    }

    fn order() -> Order {
        Order {
            session: SessionId(1),
            run: RunId(1),
            at: NOW,
            operator: Operator::ourselves(),
            reason: "wrong import".to_owned(),
        }
    }

    /// A value that was agreed on, and was then changed on one side.
    fn changed(link: &mut Link, field: FieldId, on: Option<Side>) {
        let state = link.field_mut(field);
        state.base = Some(Base {
            salesforce: Value::text("old"),
            automation: Value::text("old"),
        });
        let on_side = |side| Some(Value::text(if on == Some(side) { "new" } else { "old" }));
        state.salesforce = on_side(Side::Salesforce);
        state.automation = on_side(Side::Automation);
    }

    /// A link of which a write to each side was given up.
    fn desk(engine: &mut Engine) -> Desk {
        let mut link = Link::new(ID, Kind::Person);
        let lead = SalesforceId::from_bytes(*b"00Q000000000001").expect("an id");
        link.salesforce = Some(SalesforceEnd {
            object: SalesforceObject::Lead,
            id: lead,
            first_id: lead,
            state: RowState::Live,
            modified: NOW,
            edited_by: None,
            account: None,
            written_since: false,
        });
        link.automation = Some(AutomationEnd {
            id: AutomationId(1),
            state: RowState::Live,
            modified: NOW,
            edited_by: None,
            written_since: false,
        });
        changed(&mut link, EMAIL, None);
        changed(&mut link, TO_AUTOMATION, Some(Side::Salesforce));
        changed(&mut link, TO_SALESFORCE, Some(Side::Automation));
        let mut desk = Desk::default();
        desk.put(link);
        engine.settle(&mut desk, ID, NOW);
        for pending in &mut desk.links.get_mut(&ID).expect("it was put there").pending {
            pending.state = PendingState::Dead;
        }
        assert_eq!(sides(&desk), [Side::Salesforce, Side::Automation]);
        desk
    }

    fn sides(desk: &Desk) -> Vec<Side> {
        let dead = desk.links[&ID].pending.iter().filter(|p| p.is_dead());
        let mut sides: Vec<Side> = dead.map(|pending| pending.side).collect();
        sides.sort_unstable();
        sides
    }

    fn seen(desk: &Desk, side: Side) -> GivenUp {
        let pending = desk.links[&ID].pending.iter();
        let looked_at = pending.clone().find(|pending| pending.side == side);
        GivenUp {
            link: ID,
            looked_at: looked_at.expect("it was given up").clone(),
        }
    }

    #[test]
    fn giving_up_the_write_to_one_side_leaves_the_one_to_the_other() {
        let mut engine = engine();
        let mut desk = desk(&mut engine);
        let write = seen(&desk, Side::Salesforce);
        assert!(engine.discard(&mut desk, &order(), &[write]).is_ok());
        assert_eq!(sides(&desk), [Side::Automation]);
    }

    #[test]
    fn what_is_worked_out_and_was_given_up_is_not_written_again() {
        let mut engine = engine();
        let mut desk = desk(&mut engine);
        let shows = |engine: &mut Engine, desk: &mut Desk, number: &str| {
            let link = desk.links.get_mut(&ID).expect("it was put there");
            link.field_mut(NUMBER).salesforce = Some(Value::text(number));
            engine.settle(desk, ID, NOW);
            let writes = desk.links[&ID].pending(Side::Salesforce);
            let values = writes.map(|pending| pending.values.clone());
            values.is_some_and(|values| values.contains(&(NUMBER, Value::text("1"))))
        };
        assert!(
            shows(&mut engine, &mut desk, "7"),
            "the contact is number 1"
        );
        let dead = &mut desk.links.get_mut(&ID).expect("it was put there").pending;
        for pending in dead {
            pending.state = PendingState::Dead;
        }
        let write = seen(&desk, Side::Salesforce);
        assert!(engine.discard(&mut desk, &order(), &[write]).is_ok());
        assert_eq!(sides(&desk), [Side::Automation]);
        assert!(!shows(&mut engine, &mut desk, "7"));
        assert!(shows(&mut engine, &mut desk, "8"), "changed since");
    }

    /// A question is stored for the next process, unless a write to the same side was given up.
    #[test]
    fn beside_a_write_that_was_given_up_a_new_process_asks_again() {
        let mut engine = engine();
        let link = desk(&mut engine)
            .links
            .remove(&ID)
            .expect("it was put there");
        while engine.inbox.pop_front().is_some() {}
        engine.transactions.loading = Some(Work::Recover {
            mark: Mark::Dead,
            after: None,
        });
        engine.on_paged(NOW, vec![link]);
        let settled = engine.inbox.pop_front();
        assert!(
            matches!(&settled, Some(Work::Settle { links }) if *links == [ID]),
            "{settled:?}"
        );
    }

    #[test]
    fn a_write_that_carries_something_else_by_now_is_not_given_up_and_neither_is_any_other() {
        let mut engine = engine();
        let mut desk = desk(&mut engine);
        let mut other = seen(&desk, Side::Automation);
        other.looked_at.values[0].1 = Value::text("older");
        let writes = [seen(&desk, Side::Salesforce), other];
        let refused = engine.discard(&mut desk, &order(), &writes).err();
        assert_eq!(refused, Some(Refusal::OtherWrite(ID)));
        assert_eq!(sides(&desk), [Side::Salesforce, Side::Automation]);
    }
}
