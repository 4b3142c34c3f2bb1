//! The configuration in force: taken from operators, suspended in part where a system is no longer
//! what a rule was made for, and everybody looked at again by it when it changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::command::{Queue, Refusal, Scope};
use crate::domain::drift::{Descriptions, Drift, FIELD_CHANGED, drifts};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{Kind, LinkId, Side};
use crate::domain::link::Link;
use crate::domain::mapping::{FieldRule, Policy, Role};
use crate::domain::operator::Operator;
use crate::domain::record::{Act, Change, PolicyVersion, Review};
use crate::domain::request::{AutomationDescription, SalesforceDescription};
use crate::domain::setup::{InForce, Objection, Suspension, Timetable, objections};
use crate::domain::time::{Span, Timestamp};
use crate::engine::commands::{Done, Order};
use crate::engine::cycle::Phase;
use crate::engine::work::{Desk, Job, Work};
use crate::engine::{Engine, Writes};

/// The systems describe themselves again before a run, unless they did so lately. A schedule of minutes
/// would spend its calls on that alone, so within this time only a run that is about to write asks, before
/// its first write: one call to Salesforce, and none for a run in which nothing changed. Hints wait for
/// nothing: what they write goes by what was described within this time.
const DESCRIBED_FOR: Span = Span::minutes(15);

/// What was asked this shortly before a run is the run's own: whoever connects has just asked.
const DESCRIBED_JUST_NOW: Span = Span::minutes(1);

/// Links looked at again in one transaction.
const REVIEW_PAGE_MAX: usize = 400;

#[derive(Debug, Default)]
pub(super) struct Setup {
    /// With the rules that are suspended; [`Settings::policy`](super::Settings) is without them.
    in_force: Arc<InForce>,
    /// Who made the version in force, and when.
    made: Option<(String, Timestamp)>,
    /// An operator chose when the sync runs, and not the instance file.
    is_retimed: bool,
    review: Option<Review>,
    /// Nothing that was asked for before the configuration changed is awaited any more.
    is_review_begun: bool,
    /// The last link of the page that is looked at now.
    listed: Option<LinkId>,
    /// So many links are in that page.
    listed_count: u64,
    /// A change of the suspended rules is on its way into the store.
    is_suspending: bool,
}

impl Setup {
    /// A configuration as it was stored, or as the instance file has it.
    pub(super) fn new(
        policy: Arc<Policy>,
        timetable: Timetable,
        (version, suspended): (Option<&PolicyVersion>, Vec<Suspension>),
        review: Option<Review>,
    ) -> Self {
        let in_force = InForce {
            version: version.map_or(0, |version| version.version),
            policy,
            timetable,
            suspended,
            described: Arc::default(),
        };
        Self {
            in_force: Arc::new(in_force),
            made: version.map(|version| (version.author.clone(), version.at)),
            is_retimed: version.is_some_and(|version| version.timetable.is_some()),
            review,
            listed: review.and_then(|review| review.after),
            ..Self::default()
        }
    }

    /// A page may not be listed before the last one is done with: its place would be lost.
    fn is_listing(&self) -> bool {
        self.listed != self.review.and_then(|review| review.after)
    }

    pub(super) fn review(&self) -> Option<Review> {
        self.review
    }

    pub(super) fn suspended(&self) -> &[Suspension] {
        &self.in_force.suspended
    }
}

/// The rules that can be worked by while these are suspended.
pub(super) fn active(policy: &Policy, suspended: &[Suspension]) -> Policy {
    let mut active = policy.clone();
    for kind in [Kind::Person, Kind::Company] {
        let rules = match kind {
            Kind::Person => &mut active.mapping.person,
            Kind::Company => &mut active.mapping.company,
        };
        rules.retain_mut(|rule| {
            let of_it = suspended
                .iter()
                .filter(|suspension| (suspension.kind, suspension.field) == (kind, rule.id));
            for suspension in of_it {
                match suspension.why.object() {
                    Some(object) => rule.objects.retain(|of| *of != object),
                    None => rule.objects.clear(),
                }
            }
            !rule.objects.is_empty()
        });
    }
    active
}

/// Without these nobody can be paired, and an opt-out could not be seen: nothing is done rather than
/// something wrong.
const fn is_essential(rule: &FieldRule) -> bool {
    matches!(rule.role, Role::Email | Role::CompanyName | Role::Consent)
}

/// An opt-out that can be read is kept from being mailed, wherever it cannot be written: each that is
/// refused there is told, and sent again when the field can be written.
fn stops(rule: &FieldRule, drift: Drift) -> bool {
    let is_heard = rule.role == Role::Consent && matches!(drift, Drift::ReadOnly(..));
    is_essential(rule) && !is_heard
}

impl Engine {
    /// What the sync works by now.
    pub fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.setup.in_force)
    }

    /// Both systems as they described themselves before the engine was made: saves asking again.
    pub fn take_descriptions(&mut self, described: &Descriptions) {
        self.take_salesforce_description(&described.salesforce, described.at);
        self.take_automation_description(&described.automation, described.at);
    }

    pub(super) fn take_salesforce_description(
        &mut self,
        description: &SalesforceDescription,
        at: Timestamp,
    ) {
        self.limits.replace_salesforce(description);
        self.directory.replace(Side::Salesforce, &description.users);
        self.described(Side::Salesforce, |described| {
            described.salesforce = description.clone();
            described.at = at;
        });
    }

    pub(super) fn take_automation_description(
        &mut self,
        description: &AutomationDescription,
        at: Timestamp,
    ) {
        self.limits.replace_automation(description);
        self.directory.replace(Side::Automation, &description.users);
        self.described(Side::Automation, |described| {
            described.automation = description.clone();
            described.at = at;
        });
    }

    fn described(&mut self, side: Side, put: impl FnOnce(&mut Descriptions)) {
        self.side_mut(side).is_described = true;
        let in_force = Arc::make_mut(&mut self.setup.in_force);
        put(Arc::make_mut(&mut in_force.described));
        if Side::BOTH.iter().all(|side| self.side(*side).is_described) {
            self.look_for_drift();
        }
    }

    /// Whether the systems must describe themselves before this run.
    pub(super) fn expire_descriptions(&mut self, now: Timestamp) {
        let at = self.setup.in_force.described.at;
        let is_old = now.since(at) >= DESCRIBED_FOR;
        for side in &mut self.sides {
            // Whatever stopped it may have changed what it is.
            if side.stopped.take().is_some() || std::mem::take(&mut side.is_doubted) || is_old {
                side.is_described = false;
            }
        }
    }

    /// Whether both systems ever said what they look like, while this engine runs.
    pub(super) fn was_described(&self) -> bool {
        self.setup.in_force.described.at != Timestamp::ZERO
    }

    /// Whether the mapping was not compared in this run, and something is to be written by it.
    pub(super) fn is_to_compare(&self) -> bool {
        let at = self.setup.in_force.described.at;
        if self.cycle.scope.unwrap_or(Scope::OUTBOX) == Scope::OUTBOX
            || self.cycle.began.since(at) < DESCRIBED_JUST_NOW
        {
            return false;
        }
        let mut written = Side::BOTH.into_iter().filter(|side| self.is_asked(*side));
        written.any(|side| self.outbox.ready(side) > 0 && !self.is_paused(Queue::to(side)))
    }

    /// Has both systems describe themselves once more, when nothing else is under way.
    pub(super) fn compare_first(&mut self) {
        for side in &mut self.sides {
            side.is_described = false;
        }
        self.cycle.phase = Phase::Describing;
        self.cycle.goes_on = Some(Phase::Pushing);
    }

    /// Compares the mapping with what both systems say they are.
    fn look_for_drift(&mut self) {
        let in_force = &self.setup.in_force;
        let mut suspended = Vec::new();
        for kind in [Kind::Person, Kind::Company] {
            for rule in in_force.policy.mapping.rules(kind) {
                if is_essential(rule) {
                    continue;
                }
                for why in drifts(kind, rule, &in_force.described) {
                    let known = in_force
                        .suspended
                        .iter()
                        .find(|known| (known.kind, known.field, known.why) == (kind, rule.id, why));
                    let since = known.map_or(in_force.described.at, |known| known.since);
                    suspended.push(Suspension {
                        kind,
                        field: rule.id,
                        since,
                        why,
                    });
                }
            }
        }
        if suspended != in_force.suspended {
            self.setup.is_suspending = true;
            self.queue(Work::Suspend { suspended });
        }
    }

    /// What must not be lost, and is: whoever reads this knows which field to bring back.
    pub(super) fn essential_drift(&self) -> Option<(Side, Failure)> {
        let in_force = &self.setup.in_force;
        let kinds = [Kind::Person, Kind::Company].into_iter();
        let mut rules = kinds.flat_map(|kind| {
            let rules = in_force.policy.mapping.rules(kind).iter();
            rules.map(move |rule| (kind, rule))
        });
        rules.find_map(|(kind, rule)| {
            let mut drifts = drifts(kind, rule, &in_force.described).into_iter();
            let drift = drifts.find(|drift| stops(rule, *drift))?;
            let side = drift.side();
            let field = match (side, drift.object()) {
                (Side::Salesforce, Some(object)) => format!("{object}.{}", rule.salesforce),
                _ => rule.automation.clone(),
            };
            let message = format!(
                "{field} in {side} is not as the mapping needs it; nothing is synced before it is \
                 back, because people are paired and kept from being mailed by it"
            );
            let failure = Failure::new(FailureKind::Gone, FIELD_CHANGED, message);
            Some((side, failure))
        })
    }

    /// Whether the answer to a description is still on its way into the store.
    pub(super) fn is_suspending(&self) -> bool {
        self.setup.is_suspending
    }

    /// Leaves the rules alone that no longer fit, and takes up those that fit again.
    pub(super) fn suspend(&mut self, desk: &mut Desk, now: Timestamp, suspended: Vec<Suspension>) {
        self.setup.is_suspending = false;
        let before = self.setup.in_force.suspended.clone();
        let rule_of = |suspension: &Suspension| {
            let policy = &self.setup.in_force.policy;
            policy
                .mapping
                .rule(suspension.kind, suspension.field)
                .cloned()
        };
        let is_known = |all: &[Suspension], one: &Suspension| all.contains(one);
        let mut acts = Vec::new();
        for (act, these, those) in [
            ("suspend mapping", &suspended, &before),
            ("restore mapping", &before, &suspended),
        ] {
            for suspension in these.iter().filter(|one| !is_known(those, one)) {
                if let Some(rule) = rule_of(suspension) {
                    acts.push((act, rule, suspension.why));
                }
            }
        }
        let is_back = before.iter().any(|one| !is_known(&suspended, one));
        if self.settings.writes == Writes::Send {
            for (act, rule, why) in acts {
                let run = self.next_run();
                desk.batch.push(Change::AddAct(Act {
                    run,
                    at: now,
                    operator: Operator::OURSELVES.to_owned(),
                    from: String::new(),
                    act: act.to_owned(),
                    object: format!("{} · {}", rule.salesforce, rule.automation),
                    links: Vec::new(),
                    reason: why.told(),
                    undo: Vec::new(),
                }));
            }
            desk.batch.push(Change::PutSuspensions(suspended.clone()));
        }
        let in_force = Arc::make_mut(&mut self.setup.in_force);
        in_force.suspended = suspended;
        self.work_by_what_is_in_force();
        if is_back {
            // What happened to the fields meanwhile was not read.
            self.begin_review(desk, true);
        }
    }

    pub(super) fn work_by_what_is_in_force(&mut self) {
        let InForce {
            policy, suspended, ..
        } = &*self.setup.in_force;
        let active = Arc::new(active(policy, suspended));
        self.mapping = Arc::new(active.mapping.clone());
        self.settings.policy = active;
    }

    /// Puts a configuration in the place of the one in force.
    pub(super) fn configure(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        based_on: u32,
        (policy, timetable): (Policy, Timetable),
    ) -> Result<Done, Refusal> {
        let before = Arc::clone(&self.setup.in_force);
        if based_on != before.version {
            return Err(Refusal::OlderConfiguration {
                asked: based_on,
                now: before.version,
                made: self.setup.made.clone(),
            });
        }
        let is_described = Side::BOTH.iter().all(|side| self.side(*side).is_described);
        if is_described {
            let against = objections(Some(&before.policy), &policy, &before.described);
            let refused: Vec<Objection> =
                against.into_iter().filter(Objection::is_refusal).collect();
            if !refused.is_empty() {
                return Err(Refusal::Objected(refused));
            }
        }
        if policy == *before.policy && timetable == before.timetable {
            return Err(Refusal::NothingChanges);
        }
        self.put_policy(desk, order, policy, timetable);
        let policy = Arc::clone(&self.setup.in_force.policy);
        if let Some(reads) = looks_again(&before.policy, &policy) {
            self.begin_review(desk, reads);
        }
        if timetable != before.timetable {
            self.start_schedule(order.at);
        }
        if policy.published {
            self.want_cycle(Scope::OUTBOX);
        }
        let version = self.setup.in_force.version;
        Ok(Done::new("configure", format!("version {version}")))
    }

    /// Makes a new version, durable with the work at hand, and works by it from now on.
    pub(super) fn put_policy(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        policy: Policy,
        timetable: Timetable,
    ) {
        // What is durable under the old rules leaves under them.
        for side in Side::BOTH {
            self.send_all_leaving(side);
        }
        let old = &self.setup.in_force;
        self.setup.is_retimed |= timetable != old.timetable;
        let version = PolicyVersion {
            version: old.version + 1,
            at: order.at,
            author: order.operator.name.clone(),
            policy: policy.clone(),
            timetable: self.setup.is_retimed.then_some(timetable),
        };
        self.setup.made = Some((version.author.clone(), version.at));
        let in_force = Arc::make_mut(&mut self.setup.in_force);
        in_force.version = version.version;
        in_force.policy = Arc::new(policy);
        in_force.timetable = timetable;
        let Policy { mapping, .. } = &*in_force.policy;
        in_force
            .suspended
            .retain(|suspension| mapping.rule(suspension.kind, suspension.field).is_some());
        let suspended = in_force.suspended.clone();
        self.settings.timetable = timetable;
        self.work_by_what_is_in_force();
        desk.batch.push(Change::PutPolicy(Box::new(version)));
        desk.batch.push(Change::PutSuspensions(suspended));
        // Rules that are new may not fit what was described long ago.
        if Side::BOTH.iter().all(|side| self.side(*side).is_described) {
            self.look_for_drift();
        }
    }

    /// Everybody is looked at again, from the first. A review under way begins anew.
    fn begin_review(&mut self, desk: &mut Desk, reads: bool) {
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::NoReview) {
            return;
        }
        let reads = reads || self.setup.review.is_some_and(|review| review.reads);
        let review = Review {
            version: self.setup.in_force.version,
            after: None,
            looked_at: 0,
            reads,
        };
        self.setup.review = Some(review);
        self.setup.is_review_begun = false;
        self.setup.listed = None;
        self.setup.listed_count = 0;
        if self.settings.writes == Writes::Send {
            desk.batch.push(Change::PutReview(review));
        }
    }

    /// Answers of requests that were made under the old rules are taken in before anything else is
    /// asked: who was looked at must not be told less than the new rules want to know.
    pub(super) fn waits_to_review(&self) -> bool {
        self.setup.review.is_some() && !self.setup.is_review_begun && !self.jobs.is_empty()
    }

    fn is_reading_again(&self) -> bool {
        let mut jobs = self.jobs.values();
        self.outbox.has_rechecks() || jobs.any(|job| matches!(job, Job::Recheck { .. }))
    }

    /// One step of a review: the next page, once all of the last one is known.
    pub(super) fn review(&mut self) -> bool {
        if self.setup.review.is_none()
            || !self.inbox.is_empty()
            || !self.transactions.is_empty()
            || self.is_reading_again()
            || self.waits_to_review()
        {
            return false;
        }
        self.setup.is_review_begun = true;
        if let Some(review) = &mut self.setup.review {
            review.after = self.setup.listed;
            review.looked_at += std::mem::take(&mut self.setup.listed_count);
            let after = review.after;
            self.queue(Work::ListReview { after });
        }
        true
    }

    /// A page of links to be looked at again.
    pub(super) fn on_review_listed(&mut self, links: &[Link]) {
        let Some(review) = self.setup.review else {
            return;
        };
        // A review that began meanwhile has a first page of its own.
        if self.setup.is_listing() || !self.setup.is_review_begun {
            return;
        }
        let links: Vec<LinkId> = links.iter().map(|link| link.id).collect();
        if let Some(last) = links.last() {
            self.setup.listed = Some(*last);
            self.setup.listed_count = links.len() as u64;
        }
        self.queue(Work::Review { review, links });
    }

    pub(super) const fn review_page_max() -> usize {
        REVIEW_PAGE_MAX
    }

    pub(super) fn take_review(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        review: Review,
        links: Vec<LinkId>,
    ) {
        // Another one began meanwhile.
        if self.setup.review != Some(review) {
            return;
        }
        let change = if links.is_empty() {
            self.setup.review = None;
            Change::EndReview
        } else {
            Change::PutReview(review)
        };
        for id in links {
            self.look_again(desk, now, id, review.reads);
        }
        if self.settings.writes == Writes::Send {
            desk.batch.push(change);
        }
    }

    fn look_again(&mut self, desk: &mut Desk, now: Timestamp, id: LinkId, reads: bool) {
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        let before = link.clone();
        let (kind, mapping) = (link.kind, &self.setup.in_force.policy.mapping);
        link.fields
            .retain(|state| mapping.rule(kind, state.field).is_some());
        let records: Vec<_> = Side::BOTH
            .into_iter()
            .filter(|side| link.is_live(*side))
            .filter_map(|side| link.remote(side))
            .collect();
        self.settle(desk, id, now);
        if desk.links.get(&id) == Some(&before) {
            desk.changed.remove(&id);
        }
        if reads {
            for record in records {
                self.outbox.recheck(record);
            }
        }
    }
}

/// Whether links stand otherwise by the new rules, and if so, whether their records must be read for
/// that.
fn looks_again(before: &Policy, after: &Policy) -> Option<bool> {
    let apart = |policy: &Policy| {
        // None of these changes what becomes of a link.
        Policy {
            published: false,
            activities: false,
            activity_types: Vec::new(),
            namespace: String::new(),
            ..policy.clone()
        }
    };
    if apart(before) == apart(after) {
        return None;
    }
    let grows = |kind: Kind| {
        after.mapping.rules(kind).iter().any(|rule| {
            let old = before.mapping.rule(kind, rule.id);
            old.is_none_or(|old| {
                let old: BTreeSet<_> = old.objects.iter().collect();
                rule.objects.iter().any(|object| !old.contains(object))
            })
        })
    };
    Some(grows(Kind::Person) || grows(Kind::Company))
}
