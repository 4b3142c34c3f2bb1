//! Backfills and republishing: counted before, begun, steered.

use std::sync::Arc;

use super::{Done, Order};
use crate::domain::command::{Refusal, Scope, Steer};
use crate::domain::ids::RunId;
use crate::domain::record::{Change, Plan, PlanKind, PolicyVersion};
use crate::domain::time::Timestamp;
use crate::engine::work::Desk;
use crate::engine::{Engine, Writes};

/// A cycle that transfers activities and nothing else.
const ACTIVITIES: Scope = Scope {
    activities: true,
    ..Scope::OUTBOX
};

impl Engine {
    pub(super) fn want_survey(&mut self, kind: PlanKind, from: Timestamp, until: Timestamp) {
        self.survey = Some((kind, from, until));
        self.want_cycle(Scope::OUTBOX);
    }

    pub(super) fn plan(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        kind: PlanKind,
        (from, until): (Timestamp, Timestamp),
    ) -> Done {
        let plan = Plan {
            run: order.run,
            kind,
            operator: order.operator.clone(),
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
            if kind == PlanKind::Republish {
                self.publish(desk, order);
            }
            desk.batch.push(Change::PutPlan(plan.clone()));
        }
        self.plans.insert(order.run, plan);
        self.want_cycle(ACTIVITIES);
        let act = match kind {
            PlanKind::Backfill => "backfill",
            PlanKind::Republish => "republish",
        };
        Done::new(act, format!("{from} to {until}"))
    }

    /// Durable together with the plan: there is no moment at which it is left unpublished.
    fn publish(&mut self, desk: &mut Desk, order: &Order) {
        if self.settings.policy.published {
            return;
        }
        let mut policy = (*self.settings.policy).clone();
        policy.published = true;
        self.policy_version += 1;
        desk.batch.push(Change::PutPolicy(Box::new(PolicyVersion {
            version: self.policy_version,
            at: order.at,
            author: order.operator.clone(),
            policy: policy.clone(),
        })));
        self.settings.policy = Arc::new(policy);
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
