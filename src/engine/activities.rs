//! Events of the timeline to Salesforce: regularly, by backfill, by republish. One way of working
//! for all three: read page by page, leave out what was sent before, send in large groups.

mod row;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::activity::{Activity, HeldActivity, NOT_LINKED, REPUBLISH_REACH};
use crate::domain::command::{Fact, Queue};
use crate::domain::conflict::Subject;
use crate::domain::cursor::{Cursor, Stream};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{Kind, LinkId, RemoteId, RunId, Side};
use crate::domain::link::Parked;
use crate::domain::record::{Change, LinkKey};
use crate::domain::request::{ActivityOutcome, AutomationRequest, Request, SalesforceRequest};
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;
use crate::engine::Writes;
use crate::engine::activities::row::activity_row;
use crate::engine::activities::transfer::{Counts, Gathered, Purpose, TransferState};
use crate::engine::sides;
use crate::engine::work::{Desk, Job, TransferStep, Work};

pub(super) use row::fingerprint;
pub(super) use transfer::Transfer;

/// Events gathered before they are sent: one bulk job takes so many.
const GATHER_MAX: usize = 100_000;

/// Outcomes made durable in one transaction.
const OUTCOMES_MAX: usize = 2_000;

/// Events of contacts nobody knows are looked at again for so long: most are visitors without a name,
/// who never will be known.
pub(super) const UNKNOWN_MAX: Span = Span::days(1);

/// Names that a survey shows of what would be sent.
const SAMPLES_MAX: usize = 10;

impl Engine {
    /// A survey first, then plans, and the regular transfer after the last of them.
    pub(super) fn begin_transfer(&mut self, now: Timestamp) {
        let server_now = self.side(Side::Automation).server_time(now).floor_second();
        let kinds = self.settings.policy.activity_types.clone();
        let end = server_now + Span::seconds(1);
        let transfer = if let Some(asked) = self.cycle.survey.take() {
            let purpose = Purpose::Survey {
                session: asked.session,
                kind: asked.kind,
                people: BTreeSet::new(),
                to_send: 0,
                left_out: 0,
                samples: Vec::new(),
            };
            Transfer {
                state: TransferState::Ready,
                ..Transfer::new(purpose, kinds, (asked.from, asked.until.min(end)))
            }
        } else if let Some(plan) = self.plans.values().find(|plan| !plan.is_paused) {
            let window = (plan.from, plan.until.min(end));
            Transfer {
                next: plan.next,
                examined: plan.examined,
                counts: Counts {
                    sent: plan.sent,
                    already_there: plan.already_there,
                    held: plan.held,
                },
                ..Transfer::new(Purpose::Plan(plan.run), plan.kinds.clone(), window)
            }
        } else {
            let known = self.cursors.get(&Stream::Activities).copied();
            let from = known.map_or(server_now - REPUBLISH_REACH, |cursor| cursor.from);
            Transfer::new(Purpose::Regular, kinds, (from, end))
        };
        self.transfer = Some(transfer);
    }

    /// Its plan was paused or ended: whatever was read and not sent is forgotten.
    pub(super) fn leave_transfer_of(&mut self, run: RunId) {
        let is_its = |transfer: &Transfer| transfer.purpose == Purpose::Plan(run);
        if self.transfer.as_ref().is_some_and(is_its) {
            self.transfer = None;
        }
    }

    /// One step of the transfer. Returns whether anything was begun.
    pub(super) fn transfer(&mut self, now: Timestamp) -> bool {
        if !self.is_quiet() {
            return false;
        }
        let is_survey = self.transfer.as_ref().is_some_and(Transfer::is_survey);
        if !is_survey && !self.may_transfer() {
            self.transfer = None;
        }
        let Some(transfer) = &mut self.transfer else {
            self.end_cycle();
            return true;
        };
        match transfer.state {
            TransferState::Held => {
                transfer.state = TransferState::Ready;
                self.queue(Work::ListHeld { after: None });
                true
            }
            TransferState::Ready => {
                let is_read = usize::from(transfer.next.0) >= transfer.kinds.len();
                if transfer.gathered.len() >= GATHER_MAX || is_read && !transfer.gathered.is_empty()
                {
                    self.send_gathered(now)
                } else if is_read {
                    self.finish_transfer()
                } else {
                    self.read_activities(now)
                }
            }
            TransferState::Busy => {
                let waits = Side::BOTH
                    .into_iter()
                    .any(|side| self.is_given_up(now, side));
                if waits {
                    self.drop_transfer();
                }
                waits
            }
            TransferState::Finished => {
                // A dry run of a plan counts the plan alone, and a survey sends nothing.
                let is_asked = self.cycle.scope.is_some_and(|scope| scope.activities);
                let goes_on = transfer.purpose != Purpose::Regular
                    && is_asked
                    && self.settings.writes == Writes::Send;
                self.transfer = None;
                if goes_on {
                    self.begin_transfer(now);
                }
                true
            }
        }
    }

    fn read_activities(&mut self, now: Timestamp) -> bool {
        if !self.side(Side::Automation).may_call(now) {
            return self.drop_if_given_up(now, Side::Automation);
        }
        let Some(transfer) = &mut self.transfer else {
            return false;
        };
        transfer.state = TransferState::Busy;
        let (kind, page) = transfer.next;
        let request = Request::Automation(AutomationRequest::Activities {
            kind: transfer.kinds[usize::from(kind)].clone(),
            from: transfer.from,
            until: transfer.until,
            page,
        });
        self.request(Job::ReadActivities, request);
        true
    }

    fn send_gathered(&mut self, now: Timestamp) -> bool {
        let may = self.side(Side::Salesforce).may_call(now)
            && self.check_budget(now, Side::Salesforce, sides::Purpose::Ordinary);
        if !may {
            return self.drop_if_given_up(now, Side::Salesforce);
        }
        let Some(transfer) = &mut self.transfer else {
            return false;
        };
        if self.settings.writes == Writes::Count {
            let count = transfer.gathered.len() as u64;
            transfer.gathered.clear();
            self.totals
                .would_write
                .add(Side::Salesforce, "activity", count);
            return true;
        }
        transfer.state = TransferState::Busy;
        let rows = transfer
            .gathered
            .values()
            .map(|gathered| gathered.row.clone())
            .collect();
        let namespace = self.settings.policy.namespace.clone();
        let request = Request::Salesforce(SalesforceRequest::SendActivities { namespace, rows });
        self.request(Job::SendActivities, request);
        true
    }

    /// What was read and not yet sent is read again by the next cycle: nothing moved.
    fn drop_if_given_up(&mut self, now: Timestamp, side: Side) -> bool {
        if self.is_given_up(now, side) {
            self.drop_transfer();
            return true;
        }
        false
    }

    fn drop_transfer(&mut self) {
        let dropped = self.transfer.take();
        if let Some(session) = dropped.and_then(|dropped| dropped.surveyed_for()) {
            self.answer(session, Fact::SurveyFailed);
        }
    }

    /// Whether events may go to Salesforce.
    pub(super) fn may_transfer(&self) -> bool {
        self.settings.policy.activities
            && !self.cycle.is_braked
            && !self.is_paused(Queue::Activities)
    }

    pub(super) fn on_transfer_failed(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.state = TransferState::Ready;
        }
    }

    pub(super) fn take_activities(
        &mut self,
        desk: &mut Desk,
        activities: Vec<Activity>,
        is_last: bool,
    ) {
        for activity in activities {
            self.take_activity(desk, activity, 0);
        }
        let Some(transfer) = &mut self.transfer else {
            return;
        };
        transfer.next = if is_last {
            (transfer.next.0 + 1, 1)
        } else {
            (transfer.next.0, transfer.next.1 + 1)
        };
        transfer.state = TransferState::Ready;
    }

    fn take_activity(&mut self, desk: &mut Desk, activity: Activity, attempts: u8) {
        if let Some(transfer) = &mut self.transfer {
            transfer.examined += 1;
        }
        let person = RemoteId::Automation(Kind::Person, activity.contact);
        let Some(id) = desk.find(person) else {
            self.leave_unknown(&activity);
            return;
        };
        let Some(link) = desk.links.get(&id) else {
            return;
        };
        let is_discarded = |sent: &BTreeSet<u64>| sent.contains(&fingerprint(&activity.reference));
        if desk.sent.get(&id).is_some_and(is_discarded) {
            self.ignore("activity_discarded");
            return;
        }
        let Some(row) = activity_row(link, &activity, &self.settings.policy.automation_url) else {
            self.hold_or_ignore(desk, id, activity);
            return;
        };
        if desk
            .sent
            .get(&id)
            .is_some_and(|sent| sent.contains(&fingerprint(&row.reference)))
        {
            if let Some(transfer) = &mut self.transfer {
                transfer.counts.already_there += 1;
            }
            return;
        }
        #[cfg(test)]
        let row = if self.is_mutant(crate::engine::mutants::Mutant::NewReferenceOnRetry) {
            let reference = format!("{}-{}", row.reference, self.next_job);
            crate::domain::activity::ActivityRow { reference, ..row }
        } else {
            row
        };
        let Some(transfer) = &mut self.transfer else {
            return;
        };
        if let Purpose::Survey {
            people,
            to_send,
            samples,
            ..
        } = &mut transfer.purpose
        {
            people.insert(id);
            *to_send += 1;
            if samples.len() < SAMPLES_MAX && !samples.contains(&row.name) {
                samples.push(row.name);
            }
            return;
        }
        let gathered = Gathered {
            link: id,
            activity,
            row,
            attempts,
        };
        transfer
            .gathered
            .insert(gathered.row.reference.clone(), gathered);
    }

    /// A survey only counts what no plan would send. Answers whether there is one.
    fn left_out_of_survey(&mut self) -> bool {
        let purpose = self.transfer.as_mut().map(|transfer| &mut transfer.purpose);
        let Some(Purpose::Survey { left_out, .. }) = purpose else {
            return false;
        };
        *left_out += 1;
        true
    }

    /// Nobody's event: a visitor without a name, or somebody whose contact was made or merged after
    /// contacts were last read. The latter's is looked at again when they have been.
    fn leave_unknown(&mut self, activity: &Activity) {
        if self.left_out_of_survey() {
            return;
        }
        let contacts = self.cursors.get(&Stream::AutomationContacts);
        let read_until = contacts.copied().unwrap_or_default().from;
        let may_be_unread = activity.at >= read_until || activity.contact.0 > self.newest_contact;
        match &mut self.transfer {
            Some(transfer) if may_be_unread => {
                let since = transfer.unknown_since.get_or_insert(activity.at);
                *since = activity.at.min(*since);
            }
            _ => self.ignore("activity_of_unknown_contact"),
        }
    }

    /// A person who is about to get a record keeps their events; one who never will does not.
    fn hold_or_ignore(&mut self, desk: &mut Desk, id: LinkId, activity: Activity) {
        if self.left_out_of_survey() {
            return;
        }
        let Some(link) = desk.links.get(&id) else {
            return;
        };
        let may_come = matches!(link.parked, None | Some(Parked::Quarantined { .. }));
        // Merged with somebody else's record: a person will say whose events these are.
        let is_asked = link
            .conflicts
            .iter()
            .any(|conflict| conflict.subject == Subject::Identity);
        let is_set_aside = link.parked.is_some();
        let waits = may_come && (link.salesforce.is_none() || is_asked || is_set_aside);
        if !waits {
            self.ignore("activity_of_person_not_in_salesforce");
            return;
        }
        if let Some(transfer) = &mut self.transfer {
            transfer.counts.held += 1;
        }
        let failure = Failure::new(
            FailureKind::Transient,
            NOT_LINKED,
            "the person is not in Salesforce yet",
        );
        let held = HeldActivity {
            link: id,
            activity,
            failure,
            attempts: 0,
        };
        desk.batch.push(Change::PutHeldActivity(held));
    }

    /// Held events whose person has a record now are sent with the rest.
    pub(super) fn take_held(&mut self, desk: &mut Desk, held: Vec<HeldActivity>) {
        for held in held {
            let waits_for_retry = held.failure.code == NOT_LINKED
                || matches!(
                    held.failure.kind,
                    // Gone when it was sent: sent once its person is alive again, and not before.
                    FailureKind::Transient | FailureKind::Unknown | FailureKind::Gone
                );
            if !waits_for_retry {
                continue;
            }
            // The link it was held for may have become part of another.
            let person = RemoteId::Automation(Kind::Person, held.activity.contact);
            let heir = || desk.find(person).and_then(|id| desk.links.get(&id));
            let Some(link) = desk.links.get(&held.link).or_else(heir) else {
                continue;
            };
            let id = link.id;
            let url = &self.settings.policy.automation_url;
            let Some(row) = activity_row(link, &held.activity, url) else {
                continue;
            };
            let sent = desk.sent.get(&id);
            if sent.is_some_and(|sent| sent.contains(&fingerprint(&row.reference))) {
                let reference = held.activity.reference;
                desk.batch.push(Change::RemoveHeldActivity(reference));
                continue;
            }
            if let Some(transfer) = &mut self.transfer {
                let reference = row.reference.clone();
                let attempts = held.attempts + 1;
                let gathered = Gathered {
                    link: id,
                    activity: held.activity,
                    row,
                    attempts,
                };
                transfer.gathered.insert(reference, gathered);
            }
        }
    }

    pub(super) fn on_activities_sent(&mut self, mut outcomes: Vec<ActivityOutcome>) {
        loop {
            let rest = outcomes.split_off(outcomes.len().min(OUTCOMES_MAX));
            let is_end = rest.is_empty();
            let then = if is_end {
                TransferStep::Done
            } else {
                TransferStep::More
            };
            self.queue(Work::ActivitiesSent { outcomes, then });
            if is_end {
                return;
            }
            outcomes = rest;
        }
    }

    pub(super) fn sent_keys(&self, outcomes: &[ActivityOutcome]) -> Vec<LinkKey> {
        let Some(transfer) = &self.transfer else {
            return Vec::new();
        };
        let gathered = outcomes
            .iter()
            .filter_map(|outcome| transfer.gathered.get(&outcome.reference));
        gathered
            .map(|gathered| LinkKey::Id(gathered.link))
            .collect()
    }

    pub(super) fn take_activities_sent(
        &mut self,
        desk: &mut Desk,
        outcomes: Vec<ActivityOutcome>,
        then: TransferStep,
    ) {
        let Some(transfer) = &mut self.transfer else {
            return;
        };
        let mut sent: BTreeMap<LinkId, BTreeSet<u64>> = BTreeMap::new();
        for outcome in outcomes {
            let Some(gathered) = transfer.gathered.remove(&outcome.reference) else {
                continue;
            };
            let is_there = match &outcome.result {
                Ok(crate::domain::request::ActivitySent::Created) => {
                    transfer.counts.sent += 1;
                    self.tally.activities_sent += 1;
                    true
                }
                Ok(crate::domain::request::ActivitySent::AlreadyThere) => {
                    transfer.counts.already_there += 1;
                    true
                }
                Err(_) => false,
            };
            match outcome.result {
                Ok(_) => {
                    sent.entry(gathered.link)
                        .or_default()
                        .insert(fingerprint(&outcome.reference));
                    if gathered.attempts > 0 {
                        let reference = gathered.activity.reference;
                        desk.batch.push(Change::RemoveHeldActivity(reference));
                    }
                }
                Err(failure) => {
                    transfer.counts.held += 1;
                    let Gathered {
                        link,
                        activity,
                        attempts,
                        ..
                    } = gathered;
                    let held = HeldActivity {
                        link,
                        activity,
                        failure,
                        attempts,
                    };
                    desk.batch.push(Change::PutHeldActivity(held));
                }
            }
            self.totals
                .written
                .add(Side::Salesforce, "activity", u64::from(is_there));
        }
        for (link, hashes) in sent {
            desk.batch
                .push(Change::AddSent(link, hashes.into_iter().collect()));
        }
        if then == TransferStep::Done {
            // What the answer did not name is sent again: the reference keeps it single.
            transfer.state = TransferState::Ready;
            self.put_progress(desk);
        }
    }

    fn put_progress(&mut self, desk: &mut Desk) {
        let Some(transfer) = &self.transfer else {
            return;
        };
        if !transfer.gathered.is_empty() {
            return;
        }
        if let Some(plan) = transfer.plan().and_then(|run| self.plans.get_mut(&run)) {
            plan.next = transfer.next;
            plan.examined = transfer.examined;
            plan.sent = transfer.counts.sent;
            plan.already_there = transfer.counts.already_there;
            plan.held = transfer.counts.held;
            desk.batch.push(Change::PutPlan(plan.clone()));
        }
    }

    fn finish_transfer(&mut self) -> bool {
        let Some(transfer) = &mut self.transfer else {
            return false;
        };
        transfer.state = TransferState::Finished;
        if let Some((session, survey)) = transfer.survey() {
            self.answer(session, Fact::Surveyed(survey));
            return true;
        }
        if self.settings.writes == Writes::Count {
            // Counted once; the plan itself, if it was stored before, waits for a real run.
            if let Some(plan) = transfer.plan().and_then(|run| self.plans.remove(&run)) {
                self.tell(Fact::PlanFinished(plan));
            }
            return true;
        }
        let mut batch = Vec::new();
        if let Some(run) = transfer.plan() {
            batch.push(Change::RemovePlan(run));
            let counts = transfer.counts;
            if let Some(mut plan) = self.plans.remove(&run) {
                plan.examined = transfer.examined;
                plan.sent = counts.sent;
                plan.already_there = counts.already_there;
                plan.held = counts.held;
                self.tell(Fact::PlanFinished(plan));
            }
        } else {
            let from = transfer
                .from
                .max(transfer.until - self.settings.timetable.overlap);
            let unknown_since = transfer.unknown_since.unwrap_or(from);
            let from = from.min(unknown_since.max(transfer.until - UNKNOWN_MAX));
            let cursor = Cursor {
                from,
                until: None,
                after: None,
            };
            if self.cursors.insert(Stream::Activities, cursor) != Some(cursor) {
                batch.push(Change::PutCursor(Stream::Activities, cursor));
            }
        }
        if !batch.is_empty() {
            self.persist_batch(batch);
        }
        true
    }
}
