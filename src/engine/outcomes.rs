//! What became of the writes that left, row by row.

use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::{Consent, ConsentView};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{FieldId, JobId, LinkId, RemoteId, Side};
use crate::domain::link::{
    AutomationEnd, Base, Intent, Link, Pending, PendingState, SalesforceEnd,
};
use crate::domain::mapping::Role;
use crate::domain::record::Happened;
use crate::domain::request::{RowOutcome, RowWrite, Target, WrittenRow};
use crate::domain::row::RowState;
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::Value;
use crate::engine::Engine;
use crate::engine::reconcile::{raise, refuse_field};
use crate::engine::rows::set_state;
use crate::engine::sides::backoff;
use crate::engine::work::Desk;

/// A write that failed so often in passing ways is given up until a person retries it.
const ATTEMPTS_MAX: u8 = 5;

/// When a write is tried again that failed so often and is not given up: longer than a cycle is patient.
const LATER: Span = Span::minutes(15);

/// How long a creation that was not answered may still be at work on the other end: the platform ends a
/// request after ten minutes (`reference/salesforce-api.md`, 5.3).
const UNANSWERED: Span = Span::minutes(10);

/// What the rows of one write request came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcomes {
    OfRows(Vec<RowOutcome>),
    /// The request as a whole failed.
    Failed(Failure),
}

/// What a failure speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    Row,
    /// Nothing is said of any one row.
    Request,
}

impl Engine {
    pub(super) fn take_outcomes(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        rows: Vec<RowWrite>,
        outcomes: Outcomes,
    ) {
        let outcomes = match outcomes {
            Outcomes::OfRows(outcomes) => outcomes,
            Outcomes::Failed(failure) => {
                for row in rows {
                    self.take_refused(desk, now, side, &row, (failure.clone(), Blame::Request));
                    self.settle(desk, row.link, now);
                }
                return;
            }
        };
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
                Err(failure) => {
                    self.take_refused(desk, now, side, &row, (failure, Blame::Row));
                }
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
        if let Target::Existing(asked) = row.target
            && link.remote(side) != Some(asked)
        {
            // Another record took its place while the write was under way: what was written shows on
            // that one, whoever has it now. This one's write is planned by what it shows.
            link.pending
                .retain(|pending| pending.side != side || pending.state != PendingState::Issued);
            self.outbox.recheck(asked);
            return;
        }
        let is_create = !matches!(row.target, Target::Existing(_));
        if is_create && !written.created {
            // It met somebody whom the look before did not show, and who may belong to another link.
            let keys = link.match_keys.clone();
            meet(link, side, now);
            self.outbox.recheck(written.id);
            self.outbox.pair_again(&keys);
            return;
        }
        let field_of = |role| self.mapping.with_role(link.kind, role).map(|rule| rule.id);
        let (company, email) = (field_of(Role::Company), field_of(Role::Email));
        let before = link.clone();
        link.pending.retain(|pending| pending.side != side);
        if is_create || link.remote(side) != Some(written.id) {
            put_written_end(link, written.id);
        }
        touch_end(link, side, written.modified);
        take_stored(link, now, row, &written, (company, email));
        if let Some(consent) = row.consent {
            let what = put_written_consent(link, side, consent, now);
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
        if !is_create {
            for what in written_values(&before, side, row) {
                desk.history(row.link, now, run, what);
            }
        }
    }

    /// How long a creation that was not answered is left alone.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, reason = "a planted bug is looked up in it")
    )]
    pub(super) fn unanswered(&self) -> Span {
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::CreatesAgainAtOnce) {
            return Span::ZERO;
        }
        UNANSWERED
    }

    /// A creation of a link that ended may still be at work: the one that takes its place waits as long
    /// before it looks for what was made.
    pub(super) fn pass_on_creations(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        ended: &Link,
        heir: LinkId,
    ) {
        let Some(link) = desk.links.get_mut(&heir) else {
            return;
        };
        let mut is_news = false;
        let creations = ended.pending.iter();
        for creation in creations.filter(|pending| pending.write == Intent::Create) {
            let until = match creation.state {
                PendingState::Waiting(until) => until,
                PendingState::Issued => now + self.unanswered(),
                _ => continue,
            };
            let side = creation.side;
            let own = link.pending(side).map(|own| own.state);
            let waits = match own {
                None | Some(PendingState::Planned | PendingState::Asking) => true,
                Some(PendingState::Waiting(own)) => own < until,
                Some(PendingState::Issued | PendingState::Dead) => false,
            };
            if link.remote(side).is_some() || !waits {
                continue;
            }
            is_news = true;
            link.pending.retain(|pending| pending.side != side);
            link.pending.push(Pending {
                side,
                write: Intent::Create,
                values: Vec::new(),
                consent: None,
                state: PendingState::Waiting(until),
                attempts: 0,
                failure: None,
            });
        }
        if is_news {
            self.settle(desk, heir, now);
        }
    }

    /// A record made without an opt-out may be mailed: both systems start that way.
    fn new_consent(&self, link: &mut Link, now: Timestamp, side: Side) {
        let kind = link.kind;
        if self.mapping.with_role(kind, Role::Consent).is_none() {
            return;
        }
        let slot = link.consent.on_mut(side);
        if slot.is_none() {
            *slot = Some(ConsentView {
                value: Consent::In,
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
        (failure, blame): (Failure, Blame),
    ) {
        let run = self.cycle.run;
        let Some(link) = desk.links.get_mut(&row.link) else {
            return;
        };
        let Some(pending) = link.pending_mut(side) else {
            return;
        };
        let before = pending.failure.replace(failure.clone());
        let attempts = pending.attempts;
        match &failure.kind {
            FailureKind::Transient | FailureKind::Throttled { .. } | FailureKind::LimitReached => {
                pending.state = retry(pending, blame, now);
            }
            // It may have been carried out: the read before the next try will show it. A creation may
            // still be at work, and shows only when it is done: looked for too early, somebody would be
            // made twice.
            FailureKind::Unknown | FailureKind::Stale => {
                let is_creation = pending.write == Intent::Create;
                pending.state = match attempts {
                    ATTEMPTS_MAX.. => retry(pending, blame, now),
                    _ if is_creation => PendingState::Waiting(now + self.unanswered()),
                    _ => PendingState::Planned,
                };
            }
            FailureKind::Gone | FailureKind::Moved => {
                pending.state = PendingState::Planned;
                if let Some(record) = link.remote(side) {
                    self.outbox.recheck(record);
                }
                if attempts >= ATTEMPTS_MAX {
                    give_up(link, side, failure.clone(), now);
                }
            }
            FailureKind::Rejected(rejection) => {
                reject(link, side, rejection, &failure, now);
                // An opt-out is tried for as long as it takes: that it is refused is remembered once.
                if before.is_none_or(|before| before.code != failure.code) {
                    desk.history(row.link, now, run, refusal(side, &failure));
                }
            }
            FailureKind::Unauthorised | FailureKind::Forbidden | FailureKind::Broken => {
                if pending.consent.is_some_and(Consent::is_out) {
                    pending.state = PendingState::Waiting(now + LATER);
                } else {
                    give_up(link, side, failure.clone(), now);
                }
            }
        }
        if failure.kind == FailureKind::Forbidden {
            self.side_mut(side).is_doubted = true;
        }
        let link = desk.links.get_mut(&row.link);
        if let Some(link) = link.filter(|link| link.pending(side).is_some_and(Pending::is_dead))
            && failure_is_passing(&failure)
        {
            give_up(link, side, failure, now);
        }
    }
}

fn refusal(side: Side, failure: &Failure) -> Happened {
    Happened::Refused {
        side,
        code: failure.code.clone(),
        message: failure.message.clone(),
    }
}

/// What the system now shows is what that side has. A value that it kept in its own form is
/// agreed on in that form; one that it dropped is a conflict. An answer that shows what was written
/// and leaves a field out kept what was there before.
fn take_stored(
    link: &mut Link,
    now: Timestamp,
    row: &RowWrite,
    written: &WrittenRow,
    (company, email): (Option<FieldId>, Option<FieldId>),
) {
    let side = written.id.side();
    for (field, sent) in &row.values {
        if side == Side::Salesforce && company == Some(*field) {
            // Written by the Account's id, shown by its name: the one that Automation has.
            let state = link.field_mut(*field);
            state.salesforce.clone_from(&state.automation);
            continue;
        }
        let before = link.field(*field).and_then(|state| state.on(side)).cloned();
        let stored = match &written.stored {
            None => sent,
            Some(stored) => stored.iter().find(|(id, _)| id == field).map_or_else(
                || before.as_ref().unwrap_or(&Value::Blank),
                |(_, stored)| stored,
            ),
        };
        // Mail to an address that was altered reaches nobody, or somebody else.
        let is_altered = || email == Some(*field) && !is_same_address(stored, sent);
        let is_kept_back =
            || before.as_ref() == Some(stored) || before.is_none() && stored.is_blank();
        let is_dropped = stored != sent && (is_kept_back() || is_altered());
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

fn is_same_address(one: &Value, other: &Value) -> bool {
    let plain = |value: &Value| value.as_text().map(|text| text.trim().to_lowercase());
    plain(one) == plain(other)
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

/// When a write that failed in passing is tried again. After many times it is given up, unless nothing
/// speaks against itself, or an opt-out is in it: then it is tried again in a later cycle.
fn retry(pending: &Pending, blame: Blame, now: Timestamp) -> PendingState {
    let attempts = pending.attempts;
    let is_kept = blame == Blame::Request || pending.consent.is_some_and(Consent::is_out);
    match (attempts >= ATTEMPTS_MAX, is_kept) {
        (false, _) => PendingState::Waiting(now + backoff(u32::from(attempts))),
        (true, true) => PendingState::Waiting(now + LATER),
        (true, false) => PendingState::Dead,
    }
}

/// Fields that the system named are held one by one, and the rest of the write goes on without
/// them; a refusal of the whole write is a conflict of the whole. A field that was not written cannot be
/// left out of the next write: naming it refuses the whole.
fn reject(link: &mut Link, side: Side, rejection: &Rejection, failure: &Failure, now: Timestamp) {
    let Some(pending) = link.pending_mut(side) else {
        return;
    };
    let carried: Vec<FieldId> = pending.values.iter().map(|(field, _)| *field).collect();
    let is_out = pending.consent.is_some_and(Consent::is_out);
    let mut named: Vec<FieldId> = match rejection {
        Rejection::Values(fields) | Rejection::Required(fields) => fields.clone(),
        Rejection::Duplicate => Vec::new(),
    };
    named.retain(|field| carried.contains(field));
    if pending.write == Intent::Create {
        give_up(link, side, failure.clone(), now);
    } else if !named.is_empty() {
        hold_fields(link, side, named, failure, now);
    } else if !is_out {
        give_up(link, side, failure.clone(), now);
    } else if carried.is_empty() {
        pending.state = PendingState::Waiting(now + LATER);
    } else {
        // Whatever is wrong with the rest: the opt-out leaves by itself.
        hold_fields(link, side, carried, failure, now);
    }
}

fn hold_fields(
    link: &mut Link,
    side: Side,
    fields: Vec<FieldId>,
    failure: &Failure,
    now: Timestamp,
) {
    for field in fields {
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
pub(super) fn write_kind(desk: &Desk, write: &RowWrite) -> &'static str {
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

/// The consent that we wrote shows from now on. Answers what is to be remembered of it.
fn put_written_consent(
    link: &mut Link,
    side: Side,
    consent: crate::domain::consent::Consent,
    now: Timestamp,
) -> Happened {
    let view = ConsentView {
        value: consent,
        since: now,
        seen: now,
        evidence: crate::domain::consent::Evidence::default(),
    };
    let slot = link.consent.on_mut(side);
    let before = slot.replace(view).map(|view| view.value);
    Happened::ConsentChanged {
        side,
        before,
        after: consent,
        proof: link.consent.opted_out,
        by_us: true,
    }
}

/// What was written over what.
fn written_values<'a>(
    before: &'a Link,
    side: Side,
    row: &'a RowWrite,
) -> impl Iterator<Item = Happened> + 'a {
    row.values.iter().map(move |(field, after)| {
        let state = before.field(*field);
        let before = state.and_then(|state| state.on(side)).cloned();
        Happened::Written {
            side,
            field: *field,
            before: before.unwrap_or_default(),
            after: after.clone(),
        }
    })
}
