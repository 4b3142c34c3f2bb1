//! Writes on their way out, and what became of them.

use std::sync::Arc;

use crate::domain::command::Fact;
use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::{Consent, ConsentView};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{FieldId, JobId, LinkId, RemoteId, Side};
use crate::domain::link::{AutomationEnd, Base, Intent, Link, PendingState, SalesforceEnd};
use crate::domain::mapping::Role;
use crate::domain::record::Happened;
use crate::domain::request::{
    AutomationRequest, Request, RowOutcome, RowWrite, SalesforceRequest, Target, WrittenRow,
};
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::pair::remote;
use crate::engine::reconcile::{raise, refuse_field};
use crate::engine::rows::set_state;
use crate::engine::sides::backoff;
use crate::engine::work::{Desk, Job, Then, Transaction, Work};
use crate::engine::{Brake, Engine, Output, Writes};

/// Rows in one write request: five collections of 200 fill one Composite.
const WRITE_MAX: usize = 1_000;

/// A write that failed so often in passing ways is given up until a person retries it.
const ATTEMPTS_MAX: u8 = 5;

impl Engine {
    /// The records were just read again: what is still wanted leaves now.
    pub(super) fn issue(&mut self, desk: &mut Desk, now: Timestamp, side: Side, links: &[LinkId]) {
        let mut writes = Vec::with_capacity(links.len());
        for id in links {
            // Rows that told nothing new were not settled; their plan must be as fresh as theirs.
            if !desk.lost.contains_key(id) {
                self.settle(desk, *id, now);
            }
            let Some(link) = desk.links.get(id) else {
                continue;
            };
            let Some(pending) = link.pending(side) else {
                continue;
            };
            if pending.state != PendingState::Planned || pending.write != Intent::Update {
                continue;
            }
            let Some(record) = remote(link, side) else {
                continue;
            };
            // An operator's word and an opt-in go only onto the record that was looked at.
            let is_guarded = !link.decided.is_empty()
                || pending.consent.is_some_and(|consent| !consent.is_out());
            #[cfg(test)]
            let is_guarded =
                is_guarded && !self.is_mutant(crate::engine::mutants::Mutant::OptInUnguarded);
            let modified = match side {
                Side::Salesforce => link.salesforce.as_ref().map(|end| end.modified),
                Side::Automation => link.automation.as_ref().map(|end| end.modified),
            };
            writes.push(RowWrite {
                link: *id,
                target: Target::Existing(record),
                values: pending.values.clone(),
                consent: pending.consent,
                unless_modified_since: modified.filter(|_| is_guarded),
            });
        }
        self.send(desk, now, side, writes);
    }

    /// Marks writes as issued and lets them out once that is durable.
    pub(super) fn send(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        writes: Vec<RowWrite>,
    ) {
        for write in writes {
            if self.settings.writes == Writes::Count {
                self.count(desk, side, &write);
                continue;
            }
            if !self.passes_brake(desk, side, &write) {
                self.outbox.hold_back(side, write.link);
                continue;
            }
            self.mark_issued(desk, now, side, &write);
            desk.after.writes[side as usize].push(write);
        }
    }

    /// Durable writes leave in full requests: as soon as one is full, and when nothing under way can
    /// add to the last one. Returns whether any left.
    pub(super) fn send_leaving(&mut self) -> bool {
        let mut begun = false;
        for side in Side::BOTH {
            while !self.side(side).leaving.is_empty() {
                let is_full = self.side(side).leaving.len() >= WRITE_MAX;
                if !is_full && self.is_gathering(side) {
                    break;
                }
                self.send_write(side);
                begun = true;
            }
        }
        begun
    }

    fn is_gathering(&self, side: Side) -> bool {
        let adds = |work: &Work| match work {
            Work::Rows { then, .. } => match then {
                Then::Issue { side: to, .. } | Then::Create { side: to, .. } => *to == side,
                Then::MoveCursor(..) | Then::Recheck { .. } => false,
            },
            _ => false,
        };
        let is_under_way = match &self.transaction {
            Some(Transaction::Loading(work)) => adds(work),
            Some(Transaction::Persisting(after)) => !after.writes[side as usize].is_empty(),
            None => false,
        };
        is_under_way || self.inbox.iter().any(adds)
    }

    fn send_write(&mut self, side: Side) {
        let leaving = &mut self.side_mut(side).leaving;
        let rows: Vec<RowWrite> = leaving.drain(..leaving.len().min(WRITE_MAX)).collect();
        let mapping = Arc::clone(&self.mapping);
        let (job, rows) = (
            Job::Write {
                side,
                rows: rows.clone(),
            },
            rows,
        );
        let request = match side {
            Side::Salesforce => Request::Salesforce(SalesforceRequest::Write { mapping, rows }),
            Side::Automation => Request::Automation(AutomationRequest::Write { mapping, rows }),
        };
        self.request(job, request);
    }

    fn count(&mut self, desk: &Desk, side: Side, write: &RowWrite) {
        self.totals
            .would_write
            .add(side, write_kind(desk, write), 1);
        self.outbox.hold_back(side, write.link);
    }

    fn mark_issued(&mut self, desk: &mut Desk, now: Timestamp, side: Side, write: &RowWrite) {
        let id = write.link;
        if let Some(link) = desk.links.get_mut(&id) {
            if let Some(pending) = link.pending_mut(side) {
                pending.state = PendingState::Issued;
                pending.attempts = pending.attempts.saturating_add(1);
            }
            self.outbox.track(link, now);
            desk.mark_changed(id);
        }
        // The edit that is about to be overwritten is durable before the request leaves.
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::LostEditStoredLate) {
            return;
        }
        let mut overwritten = desk.lost.remove(&id).unwrap_or_default();
        overwritten.retain(|lost| lost.side == side);
        let known = self.overwritten.remove(&(id, side)).unwrap_or_default();
        for lost in &overwritten {
            // A retry overwrites the same edit, unless somebody typed meanwhile.
            if known.contains(lost) {
                continue;
            }
            let what = Happened::Overwritten {
                side,
                field: lost.field,
                lost: lost.value.clone(),
                by: lost.by.clone(),
            };
            desk.history(id, now, self.cycle.run, what);
        }
        if !overwritten.is_empty() {
            self.overwritten.insert((id, side), overwritten);
        }
    }

    /// A cycle that would overwrite the values of very many stops and asks. Opt-outs always pass.
    fn passes_brake(&mut self, desk: &Desk, side: Side, write: &RowWrite) -> bool {
        let Brake::On {
            links_max,
            percent_max,
        } = self.settings.brake
        else {
            return true;
        };
        if write.consent.is_some_and(Consent::is_out) {
            return true;
        }
        let overwrites = desk.links.get(&write.link).is_some_and(|link| {
            write.values.iter().any(|(field, _)| {
                let there = link.field(*field).and_then(|state| state.on(side));
                there.is_some_and(|there| !there.is_blank())
            })
        });
        self.cycle.overwrites += u64::from(overwrites);
        let allowed = links_max.max(self.links_total * percent_max / 100);
        let is_too_much = self.cycle.overwrites + self.cycle.deletions > allowed;
        // Once pulled, it holds until a person releases it: over cycles and restarts.
        if !is_too_much && !self.tally.is_braked {
            return true;
        }
        if !self.cycle.is_braked {
            self.cycle.is_braked = true;
            self.tally.is_braked = true;
            let (overwrites, deletions) = (self.cycle.overwrites, self.cycle.deletions);
            self.outputs.push_back(Output::Tell(Fact::BrakePulled {
                overwrites,
                deletions,
            }));
        }
        false
    }

    pub(super) fn take_outcomes(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        rows: Vec<RowWrite>,
        outcomes: Vec<RowOutcome>,
    ) {
        #[cfg(test)]
        let mut outcomes = outcomes;
        #[cfg(test)]
        self.plant_outcomes(&rows, &mut outcomes);
        let mut outcomes = outcomes.into_iter();
        for row in rows {
            let result = match outcomes.next() {
                Some(outcome) if outcome.link == row.link => outcome.result,
                // An answer that does not name the row says nothing about it.
                _ => Err(Failure::new(
                    FailureKind::Unknown,
                    "NO_OUTCOME",
                    "no answer for this row",
                )),
            };
            match result {
                Ok(written) => self.take_written(desk, now, side, &row, written),
                Err(failure) => self.take_refused(desk, now, side, &row, failure),
            }
            self.settle(desk, row.link, now);
        }
    }

    fn take_written(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        row: &RowWrite,
        written: WrittenRow,
    ) {
        self.totals.written.add(side, write_kind(desk, row), 1);
        self.fresh.remove(&row.link);
        self.written_before
            .insert((row.link, side), JobId(self.next_job));
        self.overwritten.remove(&(row.link, side));
        let run = self.cycle.run;
        let Some(link) = desk.links.get_mut(&row.link) else {
            return;
        };
        let is_create = !matches!(row.target, Target::Existing(_));
        if is_create && !written.created {
            // It met somebody whom the look before did not show, and who may belong to another link.
            let keys = link.match_keys.clone();
            meet(link, side, now);
            self.outbox.recheck(written.id);
            self.outbox.pair_again(&keys);
            return;
        }
        let company = self
            .mapping
            .with_role(link.kind, Role::Company)
            .map(|rule| rule.id);
        let before = link.clone();
        link.pending.retain(|pending| pending.side != side);
        if is_create || remote(link, side) != Some(written.id) {
            put_written_end(link, written.id);
        }
        touch_end(link, side, written.modified);
        take_stored(link, now, row, &written, company);
        if let Some(consent) = row.consent {
            let view = ConsentView {
                value: consent,
                since: now,
                seen: now,
                evidence: crate::domain::consent::Evidence::default(),
            };
            let slot = match side {
                Side::Salesforce => &mut link.consent.salesforce,
                Side::Automation => &mut link.consent.automation,
            };
            let old = slot.map(|view| view.value);
            *slot = Some(view);
            let what = Happened::ConsentChanged {
                side,
                before: old,
                after: consent,
                proof: link.consent.opted_out,
                by_us: true,
            };
            desk.history(row.link, now, run, what);
        } else if is_create {
            self.new_consent(link, now, side);
        }
        let Some(link) = desk.links.get(&row.link).cloned() else {
            return;
        };
        desk.index(&link);
        if is_create {
            desk.history(row.link, now, run, Happened::Created(side));
            // What the system made of it (its owner, its defaults) is not known yet.
            self.outbox.recheck(written.id);
        }
        #[cfg(test)]
        self.plant_late_history(desk, now, (side, row), &before);
        for (field, after) in &row.values {
            let state = before.field(*field);
            let before = state
                .and_then(|state| state.on(side))
                .cloned()
                .unwrap_or_default();
            if !is_create {
                let what = Happened::Written {
                    side,
                    field: *field,
                    before,
                    after: after.clone(),
                };
                desk.history(row.link, now, run, what);
            }
        }
    }

    /// A record made without an opt-out may be mailed: both systems start that way.
    fn new_consent(&self, link: &mut Link, now: Timestamp, side: Side) {
        let kind = link.kind;
        if self.mapping.with_role(kind, Role::Consent).is_none() {
            return;
        }
        let slot = match side {
            Side::Salesforce => &mut link.consent.salesforce,
            Side::Automation => &mut link.consent.automation,
        };
        if slot.is_none() {
            *slot = Some(ConsentView {
                value: crate::domain::consent::Consent::In,
                since: now,
                seen: now,
                evidence: crate::domain::consent::Evidence::default(),
            });
        }
    }

    fn take_refused(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        row: &RowWrite,
        failure: Failure,
    ) {
        let run = self.cycle.run;
        let Some(link) = desk.links.get_mut(&row.link) else {
            return;
        };
        let Some(pending) = link.pending_mut(side) else {
            return;
        };
        pending.failure = Some(failure.clone());
        let attempts = pending.attempts;
        match &failure.kind {
            FailureKind::Transient | FailureKind::Throttled { .. } | FailureKind::LimitReached => {
                pending.state = retry(attempts, now);
            }
            // It may have been carried out: the read or the look before the next try will show it.
            FailureKind::Unknown | FailureKind::Stale => {
                pending.state = if attempts >= ATTEMPTS_MAX {
                    PendingState::Dead
                } else {
                    PendingState::Planned
                };
            }
            FailureKind::Gone | FailureKind::Moved => {
                pending.state = PendingState::Planned;
                if let Some(record) = remote(link, side) {
                    self.outbox.recheck(record);
                }
                if attempts >= ATTEMPTS_MAX {
                    give_up(link, side, failure.clone(), now);
                }
            }
            FailureKind::Rejected(rejection) => {
                reject(link, side, rejection, &failure, now);
                let what = Happened::Refused {
                    side,
                    code: failure.code.clone(),
                    message: failure.message.clone(),
                };
                desk.history(row.link, now, run, what);
            }
            FailureKind::Unauthorised | FailureKind::Forbidden | FailureKind::Broken => {
                give_up(link, side, failure.clone(), now);
            }
        }
        let dead = desk
            .links
            .get(&row.link)
            .and_then(|link| link.pending(side));
        if dead.is_some_and(|pending| pending.is_dead() && failure_is_passing(&failure)) {
            let link = desk.links.get_mut(&row.link);
            if let Some(link) = link {
                give_up(link, side, failure, now);
            }
        }
    }
}

/// What the system now shows is what that side has. A value that it kept in its own form is
/// agreed on in that form; one that it dropped is a conflict.
fn take_stored(
    link: &mut Link,
    now: Timestamp,
    row: &RowWrite,
    written: &WrittenRow,
    company: Option<FieldId>,
) {
    let side = written.id.side();
    for (field, sent) in &row.values {
        if side == Side::Salesforce && company == Some(*field) {
            // Written by the Account's id, shown by its name: the one that Automation has.
            let state = link.field_mut(*field);
            state.salesforce.clone_from(&state.automation);
            continue;
        }
        let stored = written
            .stored
            .as_ref()
            .and_then(|stored| stored.iter().find(|(id, _)| id == field))
            .map_or(sent, |(_, stored)| stored);
        let before = link.field(*field).and_then(|state| state.on(side)).cloned();
        let is_dropped = stored != sent
            && (before.as_ref() == Some(stored) || before.is_none() && stored.is_blank());
        if is_dropped {
            let cause = Cause::NotKept {
                side,
                sent: sent.clone(),
                kept: stored.clone(),
            };
            raise(link, Subject::Field(*field), cause, now);
        }
        let state = link.field_mut(*field);
        match side {
            Side::Salesforce => state.salesforce = Some(stored.clone()),
            Side::Automation => state.automation = Some(stored.clone()),
        }
        if stored != sent
            && !is_dropped
            && state.on(side.other()) == Some(sent)
            && let (Some(salesforce), Some(automation)) =
                (state.salesforce.clone(), state.automation.clone())
        {
            state.base = Some(Base {
                salesforce,
                automation,
            });
        }
    }
}

/// A creation that made nothing: it is looked for once more, a few times at most.
fn meet(link: &mut Link, side: Side, now: Timestamp) {
    let Some(pending) = link.pending_mut(side) else {
        return;
    };
    pending.state = PendingState::Planned;
    if pending.attempts >= ATTEMPTS_MAX {
        let message = "the address belongs to a record of somebody else";
        let kind = FailureKind::Rejected(Rejection::Duplicate);
        give_up(link, side, Failure::new(kind, "MET", message), now);
    }
}

const fn failure_is_passing(failure: &Failure) -> bool {
    !matches!(failure.kind, FailureKind::Rejected(_))
}

fn retry(attempts: u8, now: Timestamp) -> PendingState {
    if attempts >= ATTEMPTS_MAX {
        PendingState::Dead
    } else {
        PendingState::Waiting(now + backoff(u32::from(attempts)))
    }
}

/// Fields that the system named are held one by one, and the rest of the write goes on without
/// them; a refusal of the whole write is a conflict of the whole.
fn reject(link: &mut Link, side: Side, rejection: &Rejection, failure: &Failure, now: Timestamp) {
    let is_create = link
        .pending(side)
        .is_some_and(|pending| pending.write == Intent::Create);
    let named: Vec<FieldId> = match rejection {
        Rejection::Values(fields) | Rejection::Required(fields) => fields.clone(),
        Rejection::Duplicate => Vec::new(),
    };
    if named.is_empty() || is_create {
        give_up(link, side, failure.clone(), now);
        return;
    }
    for field in named {
        refuse_field(link, side, field, failure.clone(), now);
    }
    link.pending.retain(|pending| pending.side != side);
}

fn give_up(link: &mut Link, side: Side, failure: Failure, now: Timestamp) {
    if let Some(pending) = link.pending_mut(side) {
        pending.state = PendingState::Dead;
    }
    let cause = Cause::Refused {
        side,
        value: Value::Blank,
        failure,
    };
    raise(link, Subject::Write(side), cause, now);
}

fn put_written_end(link: &mut Link, id: RemoteId) {
    match id {
        RemoteId::Salesforce(object, id) => {
            let first_id = link.salesforce.as_ref().map_or(id, |end| end.first_id);
            link.salesforce = Some(SalesforceEnd {
                object,
                id,
                first_id,
                state: RowState::Live,
                modified: Timestamp::ZERO,
                edited_by: None,
                account: None,
                written_since: true,
            });
        }
        RemoteId::Automation(_, id) => {
            link.automation = Some(AutomationEnd {
                id,
                state: RowState::Live,
                modified: Timestamp::ZERO,
                edited_by: None,
                written_since: true,
            });
        }
    }
}

fn touch_end(link: &mut Link, side: Side, modified: Option<Timestamp>) {
    match side {
        Side::Salesforce => {
            if let Some(end) = &mut link.salesforce {
                end.written_since = modified.is_none();
                end.modified = modified.unwrap_or(end.modified);
            }
        }
        Side::Automation => {
            if let Some(end) = &mut link.automation {
                end.written_since = modified.is_none();
                end.modified = modified.unwrap_or(end.modified);
            }
        }
    }
    set_state(link, side, RowState::Live);
}

/// What a written row counts as: the object on Salesforce's side, the kind on Automation's.
fn write_kind(desk: &Desk, write: &RowWrite) -> &'static str {
    let kind = match write.target {
        Target::NewSalesforce(object) | Target::Existing(RemoteId::Salesforce(object, _)) => {
            return object.name();
        }
        Target::NewAutomation(kind) | Target::Existing(RemoteId::Automation(kind, _)) => kind,
    };
    debug_assert!(
        desk.links
            .get(&write.link)
            .is_none_or(|link| link.kind == kind)
    );
    match kind {
        crate::domain::ids::Kind::Person => "contact",
        crate::domain::ids::Kind::Company => "company",
    }
}
