//! One link against the rules: what is agreed, what must be written where, what a person decides.
//!
//! Level-triggered: looks only at how things stand, never at how they came to. Running it twice
//! changes nothing the second time, so it may run after every observation, answer and restart.

use std::collections::BTreeMap;

use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::failure::Failure;
use crate::domain::ids::{FieldId, Generation, Kind, SalesforceObject, Side};
use crate::domain::link::{Base, FieldState, Intent, Link, Parked, Pending, PendingState};
use crate::domain::mapping::{Arrow, FieldRule, Policy, Role};
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::domain::value::{Decimal, Value, ValueType};
use crate::engine::accounts::{Accounts, Found};
use crate::engine::consent::{Freshness, OptIns, Terms, Verdict, is_surely_later, judge};
use crate::engine::decide::{Outcome, decide};
use crate::engine::limits::FieldLimits;
use crate::engine::owners::Directory;
use crate::engine::pair::opt_out_seen;

/// All that a reconciliation may look at besides the link.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub policy: &'a Policy,
    pub directory: &'a Directory,
    pub limits: &'a FieldLimits,
    pub accounts: &'a Accounts,
    pub freshness: Freshness,
    pub now: Timestamp,
}

/// What the caller has to see to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Edits that a planned write overwrites: kept in the history when it is issued.
    pub lost: Vec<Lost>,
    /// The dates of consent must be read before this link's consent can be decided.
    pub asks_for_evidence: bool,
    /// The Account of this name must be found before the link can be written.
    pub asks_for_account: Option<String>,
    /// Conflicts that are new.
    pub raised: Vec<Subject>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub side: Side,
    pub field: FieldId,
    pub value: Value,
    pub by: Value,
}

/// Brings a link in line with the rules, as far as that can be done without writing anywhere.
pub fn reconcile(link: &mut Link, context: Context<'_>) -> Reconciled {
    let mut case = Case {
        context,
        conflicts: BTreeMap::new(),
        writes: [Planned::default(), Planned::default()],
        done: Reconciled::default(),
        diverged: 0,
    };
    case.keep_identity_conflicts(link);
    case.park_or_unpark(link);
    if link.parked.is_none() {
        case.judge_ends(link);
    }
    case.finish(link);
    case.done
}

#[derive(Debug, Default)]
struct Planned {
    values: Vec<(FieldId, Value)>,
    consent: Option<Consent>,
    is_create: bool,
}

struct Case<'a> {
    context: Context<'a>,
    conflicts: BTreeMap<Subject, Cause>,
    /// By side, Salesforce first.
    writes: [Planned; 2],
    done: Reconciled,
    diverged: u8,
}

impl Case<'_> {
    fn write_mut(&mut self, side: Side) -> &mut Planned {
        &mut self.writes[side as usize]
    }

    /// Whose record this is was questioned; only an operator or a new look at both sides ends that.
    fn keep_identity_conflicts(&mut self, link: &Link) {
        for conflict in &link.conflicts {
            if conflict.subject == Subject::Identity {
                self.conflicts
                    .insert(Subject::Identity, conflict.cause.clone());
            }
        }
    }

    fn park_or_unpark(&mut self, link: &mut Link) {
        match link.parked {
            Some(Parked::Quarantined { until: Some(until) }) if until <= self.context.now => {
                link.parked = None;
            }
            Some(Parked::Quarantined { .. } | Parked::Unlinked | Parked::ShadowedByContact(_)) => {
                return;
            }
            _ => link.parked = None,
        }
        let one_sided = link.salesforce.is_none() || link.automation.is_none();
        if let Some(end) = &link.salesforce
            && !self.context.policy.syncs(end.object)
        {
            link.parked = Some(Parked::ObjectNotSelected);
        } else if one_sided && link.match_keys.is_empty() {
            link.parked = Some(Parked::NoEmail);
        } else if one_sided && !Side::BOTH.iter().any(|side| link.is_live(*side)) {
            link.parked = Some(Parked::GoneBeforeLinked);
        }
    }

    fn judge_ends(&mut self, link: &mut Link) {
        match (&link.salesforce, &link.automation) {
            (Some(_), Some(_)) => {
                self.judge_pair(link);
                self.judge_consent(link);
            }
            (Some(_), None) => {
                self.judge_lone_consent(link);
                self.plan_creation(Side::Automation);
            }
            (None, Some(_)) => {
                self.judge_lone_consent(link);
                self.plan_creation(Side::Salesforce);
            }
            (None, None) => {}
        }
    }

    /// A record without a counterpart says out: that outlives the record, on whatever takes its place,
    /// until the same record says in and dates it.
    fn judge_lone_consent(&self, link: &mut Link) {
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

    /// A record without a counterpart. Looking for one, and leave to make one, come when the write
    /// is about to be sent: everything must have been read before.
    fn plan_creation(&mut self, to: Side) {
        if self.conflicts.contains_key(&Subject::Identity) {
            return;
        }
        self.write_mut(to).is_create = true;
    }

    fn judge_pair(&mut self, link: &mut Link) {
        let Some(object) = link.salesforce.as_ref().map(|end| end.object) else {
            return;
        };
        let policy = self.context.policy;
        for rule in policy.mapping.rules(link.kind) {
            if !rule.objects.contains(&object) || rule.role == Role::Consent {
                continue;
            }
            match rule.role {
                Role::Deleted => self.judge_flag(link, rule),
                Role::TimelineLink | Role::ContactId => self.judge_derived(link, rule),
                _ => self.judge_field(link, rule),
            }
        }
    }

    fn judge_field(&mut self, link: &mut Link, rule: &FieldRule) {
        if self.carry_out_decided(link, rule.id) {
            return;
        }
        if !link.is_whole() {
            self.judge_edit_of_deleted(link, rule);
            return;
        }
        let Some(state) = link.field(rule.id) else {
            return;
        };
        let Some(compared) = self.comparable(rule, state) else {
            return;
        };
        // At first sight the owner is whom Salesforce assigned; later both sides may change it.
        let first_owner = FieldRule {
            arrow: Arrow::Salesforce,
            ..rule.clone()
        };
        let is_first_owner = rule.role == Role::Owner && compared.base.is_none();
        let rule_now = if is_first_owner { &first_owner } else { rule };
        let decision = decide(rule_now, &compared, self.context.policy.update_blanks);
        match decision.outcome {
            Outcome::Settled => {}
            Outcome::Agree => agree(link.field_mut(rule.id)),
            Outcome::Diverge => self.diverged = self.diverged.saturating_add(1),
            Outcome::Conflict(cause) => self.hold(Subject::Field(rule.id), cause),
            Outcome::Write { to, value, lost } => {
                self.want(link, rule, to, &value);
                if let Some(lost) = lost {
                    let lost = Lost {
                        side: to,
                        field: rule.id,
                        value: lost,
                        by: value,
                    };
                    self.done.lost.push(lost);
                }
            }
        }
    }

    /// Nothing flows from or to a record that is gone; an edit of the other one since they last agreed
    /// is for a person to look at.
    fn judge_edit_of_deleted(&mut self, link: &Link, rule: &FieldRule) {
        let Some(state) = link.field(rule.id).filter(|state| state.base.is_some()) else {
            return;
        };
        for deleted in Side::BOTH {
            let live = deleted.other();
            if !link.is_live(deleted) && link.is_live(live) && state.edited(live).is_some() {
                self.hold(Subject::Deletion, Cause::DeletedAndEdited { deleted });
            }
        }
    }

    /// Owners are compared as people, not as the two systems' numbers for them.
    fn comparable(&self, rule: &FieldRule, state: &FieldState) -> Option<FieldState> {
        if rule.role == Role::Owner {
            self.context.directory.comparable(state)
        } else {
            Some(state.clone())
        }
    }

    /// Returns true if an operator's word about the field stands and rules the field.
    fn carry_out_decided(&mut self, link: &mut Link, field: FieldId) -> bool {
        let Some(index) = link
            .decided
            .iter()
            .position(|decided| decided.field == field)
        else {
            return false;
        };
        let decided = link.decided[index].clone();
        let state = link.field_mut(field);
        let stands = Side::BOTH.iter().all(|side| {
            let shown = state.on(*side);
            shown.is_none()
                || shown == Some(of(&decided.target, *side))
                || shown == Some(of(&decided.saw, *side))
        });
        if !stands {
            link.decided.remove(index);
            return false;
        }
        let missing: Vec<Side> = Side::BOTH
            .into_iter()
            .filter(|side| {
                state
                    .on(*side)
                    .is_some_and(|v| v != of(&decided.target, *side))
            })
            .collect();
        if missing.is_empty() {
            // Carried out. An undo brings back values that the rules may have to hold again.
            state.base.clone_from(&decided.agreed);
            link.decided.remove(index);
            return false;
        }
        for side in missing {
            let value = of(&decided.target, side).clone();
            if !self.is_refused_before(link, side, field, &value) {
                self.write_mut(side).values.push((field, value));
            }
        }
        true
    }

    /// The tombstone's flag is set, never cleared: a record that came back is a person's business.
    fn judge_flag(&mut self, link: &mut Link, rule: &FieldRule) {
        if self.carry_out_decided(link, rule.id) {
            return;
        }
        let Some(shown) = link
            .field(rule.id)
            .and_then(|state| state.automation.clone())
        else {
            return;
        };
        let is_deleted = link.state(Side::Salesforce) == Some(RowState::Deleted);
        let is_set = shown == Value::Bool(true);
        let is_accepted = link
            .field(rule.id)
            .and_then(|state| state.base.as_ref())
            .is_some_and(|base| base.salesforce == Value::Bool(false));
        if is_deleted && !is_set {
            self.want(link, rule, Side::Automation, &Value::Bool(true));
        } else if !is_deleted && is_set && !is_accepted {
            self.hold(Subject::Deletion, Cause::Restored);
        }
    }

    /// The contact's number and the address of its page: worked out, one way only.
    fn judge_derived(&mut self, link: &mut Link, rule: &FieldRule) {
        let Some(id) = link.automation.as_ref().map(|end| end.id) else {
            return;
        };
        let Some(value) = derived(rule, id.0, self.context.policy) else {
            return;
        };
        let shown = link
            .field(rule.id)
            .and_then(|state| state.salesforce.as_ref());
        if shown.is_some_and(|shown| *shown != value) {
            self.want(link, rule, Side::Salesforce, &value);
        }
    }

    /// Plans one value, unless it cannot be written or was refused before.
    fn want(&mut self, link: &Link, rule: &FieldRule, to: Side, value: &Value) {
        if !link.is_live(to) {
            return;
        }
        if let Some(cause) = self.context.limits.refuse(link, rule, to, value) {
            self.hold(Subject::Field(rule.id), cause);
            return;
        }
        if self.is_refused_before(link, to, rule.id, value) {
            return;
        }
        if let Some(value) = self.by_id(rule, to, value) {
            self.write_mut(to).values.push((rule.id, value));
        }
    }

    /// Owners and accounts are written by the side's own ids. `None` if there is none, or none is
    /// known yet.
    fn by_id(&mut self, rule: &FieldRule, to: Side, value: &Value) -> Option<Value> {
        match (rule.role, to, value) {
            (Role::Owner, _, value) => self.context.directory.id_on(to, value).map(Value::Text),
            (Role::Company, Side::Salesforce, Value::Text(name)) => {
                match self.context.accounts.find(name) {
                    Some(Found::One(id)) => Some(Value::Text(id.to_string())),
                    Some(Found::Nobody | Found::Several) => {
                        let cause = Cause::AccountMissing { name: name.clone() };
                        self.hold(Subject::Field(rule.id), cause);
                        None
                    }
                    None => {
                        self.done.asks_for_account = Some(name.clone());
                        None
                    }
                }
            }
            _ => Some(value.clone()),
        }
    }

    /// A value that a system refused or did not keep is not sent to it again.
    fn is_refused_before(&mut self, link: &Link, to: Side, field: FieldId, value: &Value) -> bool {
        let subject = Subject::Field(field);
        let Some(old) = link
            .conflicts
            .iter()
            .find(|conflict| conflict.subject == subject)
        else {
            return false;
        };
        let is_same = match &old.cause {
            Cause::Refused {
                side,
                value: refused,
                ..
            } => *side == to && refused == value,
            Cause::NotKept { side, sent, kept } => {
                let shown = link.field(field).and_then(|state| state.on(to));
                *side == to && sent == value && shown == Some(kept)
            }
            _ => false,
        };
        if is_same {
            self.conflicts.insert(subject, old.cause.clone());
        }
        is_same
    }

    fn judge_consent(&mut self, link: &mut Link) {
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
        let view = |side| match side {
            Side::Salesforce => link.consent.salesforce,
            Side::Automation => link.consent.automation,
        };
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

    fn hold(&mut self, subject: Subject, cause: Cause) {
        self.conflicts.insert(subject, cause);
    }

    fn finish(&mut self, link: &mut Link) {
        self.keep_refused_writes(link);
        self.put_pending(link);
        self.put_conflicts(link);
        link.diverged = self.diverged;
    }

    /// A write that a side refused as a whole stays a conflict as long as it would be the same.
    fn keep_refused_writes(&mut self, link: &Link) {
        for side in Side::BOTH {
            let subject = Subject::Write(side);
            let Some(old) = link
                .conflicts
                .iter()
                .find(|conflict| conflict.subject == subject)
            else {
                continue;
            };
            let is_same = link.pending(side).is_some_and(|pending| {
                pending.is_dead() && same_write(pending, &self.writes[side as usize])
            });
            if is_same {
                self.conflicts.insert(subject, old.cause.clone());
            }
        }
    }

    /// Replaces what is planned; leaves alone what is under way, and what would be the same again.
    fn put_pending(&mut self, link: &mut Link) {
        link.pending
            .retain(|pending| pending.state != PendingState::Asking);
        for side in Side::BOTH {
            let planned = std::mem::take(self.write_mut(side));
            let old = link.pending.iter().position(|pending| pending.side == side);
            if let Some(index) = old {
                let pending = &mut link.pending[index];
                if pending.state == PendingState::Issued {
                    continue;
                }
                if same_write(pending, &planned) {
                    // A wait that is over ends here, and nowhere else.
                    if matches!(pending.state, PendingState::Waiting(until) if until <= self.context.now)
                    {
                        pending.state = PendingState::Planned;
                    }
                    continue;
                }
                link.pending.remove(index);
            }
            if planned.values.is_empty() && planned.consent.is_none() && !planned.is_create {
                continue;
            }
            link.pending.push(Pending {
                side,
                write: if planned.is_create {
                    Intent::Create
                } else {
                    Intent::Update
                },
                values: planned.values,
                consent: planned.consent,
                state: PendingState::Planned,
                attempts: 0,
                failure: None,
            });
        }
        self.put_asking(link);
        link.pending.sort_by_key(|pending| pending.side);
    }

    /// What waits for an answer must be found again after a restart; a write of that side that is on
    /// its way already sees to it.
    fn put_asking(&self, link: &mut Link) {
        let asking = [
            (Side::Salesforce, self.done.asks_for_account.is_some()),
            (Side::Automation, self.done.asks_for_evidence),
        ];
        for (side, asks) in asking {
            if asks && link.pending(side).is_none() {
                link.pending.push(Pending {
                    side,
                    write: Intent::Update,
                    values: Vec::new(),
                    consent: None,
                    state: PendingState::Asking,
                    attempts: 0,
                    failure: None,
                });
            }
        }
    }

    fn put_conflicts(&mut self, link: &mut Link) {
        let wanted = std::mem::take(&mut self.conflicts);
        let is_same = link.conflicts.len() == wanted.len()
            && link
                .conflicts
                .iter()
                .zip(&wanted)
                .all(|(old, (subject, cause))| old.subject == *subject && old.cause == *cause);
        if is_same {
            return;
        }
        let old = std::mem::take(&mut link.conflicts);
        for (subject, cause) in wanted {
            let known = old.iter().find(|conflict| conflict.subject == subject);
            if known.is_none() {
                self.done.raised.push(subject);
            }
            let raised = match known {
                Some(conflict) if conflict.cause == cause => conflict.raised,
                _ => self.context.now,
            };
            link.conflicts.push(Conflict {
                subject,
                cause,
                raised,
            });
        }
        link.generation = Generation(link.generation.0 + 1);
    }
}

/// A creation is the same whatever it carries: its values are put together when it is sent.
fn same_write(pending: &Pending, planned: &Planned) -> bool {
    let is_create = pending.write == Intent::Create;
    is_create == planned.is_create
        && (is_create || pending.consent == planned.consent && pending.values == planned.values)
}

/// Both sides show the same: remember the pair.
pub fn agree(state: &mut FieldState) {
    if let (Some(salesforce), Some(automation)) = (&state.salesforce, &state.automation) {
        state.base = Some(Base {
            salesforce: salesforce.clone(),
            automation: automation.clone(),
        });
        state.salesforce_edited = None;
        state.automation_edited = None;
    }
}

pub const fn of(base: &Base, side: Side) -> &Value {
    match side {
        Side::Salesforce => &base.salesforce,
        Side::Automation => &base.automation,
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

/// The values with which a record is made on one side: every mapped value of the other that is not
/// blank, and what is worked out.
pub fn creation_values(
    link: &Link,
    to: Side,
    object: Option<SalesforceObject>,
    context: Context<'_>,
) -> Vec<(FieldId, Value)> {
    let rules = context.policy.mapping.rules(link.kind).iter();
    let on_object = rules.filter(|rule| object.is_none_or(|o| rule.objects.contains(&o)));
    let mut values = Vec::new();
    for rule in on_object {
        let value = match rule.role {
            Role::Consent | Role::Deleted => continue,
            Role::TimelineLink | Role::ContactId if to == Side::Automation => continue,
            Role::TimelineLink | Role::ContactId => link
                .automation
                .as_ref()
                .and_then(|end| derived(rule, end.id.0, context.policy)),
            Role::Owner => {
                let person = context.directory.person(link.field(rule.id), to.other());
                person
                    .and_then(|value| context.directory.id_on(to, &value))
                    .map(Value::Text)
            }
            _ => link
                .field(rule.id)
                .and_then(|state| state.on(to.other()))
                .cloned(),
        };
        if let Some(value) = value.filter(|value| !value.is_blank()) {
            values.push((rule.id, value));
        }
    }
    values
}

fn derived(rule: &FieldRule, id: u64, policy: &Policy) -> Option<Value> {
    Some(match (rule.role, rule.value_type) {
        (Role::TimelineLink, _) => {
            let url = policy.automation_url.trim_end_matches('/');
            Value::Text(format!("{url}/s/contacts/view/{id}"))
        }
        (_, ValueType::Number) => Value::Number(Decimal::from(i64::try_from(id).ok()?)),
        _ => Value::Text(id.to_string()),
    })
}

/// Marks a field's write as refused by that side: it is a conflict until the value changes. An
/// operator's word that a side refuses is void, so that it is not put to the other side in turn.
pub fn refuse_field(link: &mut Link, side: Side, field: FieldId, failure: Failure, now: Timestamp) {
    let value = link
        .pending(side)
        .and_then(|pending| pending.values.iter().find(|(id, _)| *id == field))
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    link.decided.retain(|decided| decided.field != field);
    raise(
        link,
        Subject::Field(field),
        Cause::Refused {
            side,
            value,
            failure,
        },
        now,
    );
}

/// Adds or replaces one conflict.
pub fn raise(link: &mut Link, subject: Subject, cause: Cause, now: Timestamp) {
    let conflict = Conflict {
        subject,
        cause,
        raised: now,
    };
    match link
        .conflicts
        .binary_search_by_key(&subject, |conflict| conflict.subject)
    {
        Ok(index) if link.conflicts[index].cause == conflict.cause => return,
        Ok(index) => link.conflicts[index] = conflict,
        Err(index) => link.conflicts.insert(index, conflict),
    }
    link.generation = Generation(link.generation.0 + 1);
}
