//! Backfills and republishing: counted before, begun, steered.

use super::{Done, Order};
use crate::domain::command::{Fact, Refusal, Scope, Steer};
use crate::domain::cursor::Stream;
use crate::domain::ids::{RunId, Side};
use crate::domain::operator::{Operator, SessionId};
use crate::domain::record::{Change, Plan, PlanKind};
use crate::domain::time::Timestamp;
use crate::engine::activities::UNKNOWN_MAX;
use crate::engine::cycle::Asked;
use crate::engine::work::Desk;
use crate::engine::{Engine, Writes};

/// A cycle that transfers activities and nothing else.
const ACTIVITIES: Scope = Scope {
    activities: true,
    ..Scope::OUTBOX
};

impl Engine {
    /// One at a time: whoever asked before and was not answered is told to ask again.
    pub(super) fn want_survey(&mut self, asked: Asked) {
        if let Some(former) = self.survey.replace(asked) {
            self.answer(former.session, Fact::SurveyFailed);
        }
        self.want_cycle(Scope::OUTBOX);
    }

    pub(super) fn plan(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        kind: PlanKind,
        (from, until): (Timestamp, Timestamp),
    ) -> Done {
        if self.settings.writes == Writes::Send && kind == PlanKind::Republish {
            self.publish(desk, order);
        }
        let plan = self.put_plan(desk, order, kind, (from, until));
        self.plans.insert(order.run, plan);
        self.want_cycle(ACTIVITIES);
        let act = match kind {
            PlanKind::Backfill => "backfill",
            PlanKind::Republish => "republish",
        };
        Done::new(act, format!("{from} to {until}"))
    }

    fn put_plan(
        &self,
        desk: &mut Desk,
        order: &Order,
        kind: PlanKind,
        (from, until): (Timestamp, Timestamp),
    ) -> Plan {
        let plan = Plan {
            run: order.run,
            kind,
            operator: order.operator.name.clone(),
            reason: order.reason.clone(),
            started: order.at,
            from,
            until,
            kinds: self.settings.policy.activity_types.clone(),
            next: (0, 1),
            examined: 0,
            sent: 0,
            already_there: 0,
            held: 0,
            is_paused: false,
        };
        if self.settings.writes == Writes::Send {
            desk.batch.push(Change::PutPlan(plan.clone()));
        }
        plan
    }

    /// Events follow a merge to its winner and keep their dates. Those of a contact who was nobody until
    /// then may be from before what the next transfer reads, so as much is examined again as of the unknown.
    pub(in crate::engine) fn look_back(&mut self, desk: &mut Desk, now: Timestamp) {
        let is_planned = self
            .plans
            .values()
            .any(|plan| plan.operator == Operator::OURSELVES);
        // The first transfer reaches back further by itself.
        let has_transferred = self.cursors.contains_key(&Stream::Activities);
        let is_wanted = self.settings.policy.activities && self.settings.writes == Writes::Send;
        if is_planned || !has_transferred || !is_wanted {
            return;
        }
        let order = Order {
            session: SessionId::OURSELVES,
            run: self.next_run(),
            at: now,
            operator: Operator::ourselves(),
            reason: "a merge may have brought events".to_owned(),
        };
        let until = self.side(Side::Automation).server_time(now).floor_second();
        let window = (until - UNKNOWN_MAX, until);
        let plan = self.put_plan(desk, &order, PlanKind::Backfill, window);
        self.plans.insert(plan.run, plan);
    }

    /// Durable together with the plan: there is no moment at which it is left unpublished.
    fn publish(&mut self, desk: &mut Desk, order: &Order) {
        if self.settings.policy.published {
            return;
        }
        let in_force = self.in_force();
        let mut policy = (*in_force.policy).clone();
        policy.published = true;
        self.put_policy(desk, order, policy, in_force.timetable);
    }

    pub(super) fn steer_plan(
        &mut self,
        desk: &mut Desk,
        run: RunId,
        steer: Steer,
    ) -> Result<Done, Refusal> {
        let plan = self.plans.get_mut(&run).ok_or(Refusal::NoSuchPlan(run))?;
        let act = match steer {
            Steer::Pause => "pause plan",
            Steer::Resume => "resume plan",
            Steer::Stop => "stop plan",
        };
        if steer == Steer::Stop {
            self.plans.remove(&run);
            desk.batch.push(Change::RemovePlan(run));
        } else {
            plan.is_paused = steer == Steer::Pause;
            desk.batch.push(Change::PutPlan(plan.clone()));
        }
        // What was read and not sent is read again when it goes on.
        self.leave_transfer_of(run);
        if steer == Steer::Resume {
            self.want_cycle(ACTIVITIES);
        }
        Ok(Done::new(act, run.to_string()))
    }
}
