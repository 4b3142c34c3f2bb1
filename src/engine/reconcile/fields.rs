//! One pair of records, field by field.

use super::{Case, Lost};
use crate::domain::conflict::{Cause, Subject};
use crate::domain::ids::{FieldId, Side};
use crate::domain::link::{Base, FieldState, Link, PendingState};
use crate::domain::mapping::{Arrow, FieldRule, Policy, Role};
use crate::domain::row::RowState;
use crate::domain::value::{Decimal, Value, ValueType};
use crate::engine::accounts::Found;
use crate::engine::decide::{Outcome, decide};
use crate::engine::reconcile::agree;

impl Case<'_> {
    pub(super) fn judge_pair(&mut self, link: &mut Link) {
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
        if self.carry_out_decided(link, rule) {
            return;
        }
        if !link.is_whole() {
            self.judge_edit_of_deleted(link, rule);
            return;
        }
        if self.waits_for_an_undo(link, rule.id) {
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
            Outcome::Conflict(cause) => {
                if !self.was_not_kept(link, rule.id) {
                    self.hold(Subject::Field(rule.id), cause);
                }
            }
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

    /// Whether a person still has to say what becomes of what an undo found changed: until one of the
    /// two values changes once more.
    fn waits_for_an_undo(&mut self, link: &Link, field: FieldId) -> bool {
        let shown = |side| link.field(field).and_then(|state| state.on(side));
        self.hold_on(link, field, |cause| match cause {
            Cause::ChangedSince {
                salesforce,
                automation,
            } => {
                shown(Side::Salesforce) == Some(salesforce)
                    && shown(Side::Automation) == Some(automation)
            }
            _ => false,
        })
    }

    /// Holds a field for what it was held for before, if that still stands. Answers whether it does.
    fn hold_on(&mut self, link: &Link, field: FieldId, stands: impl Fn(&Cause) -> bool) -> bool {
        let subject = Subject::Field(field);
        let mut held = link.conflicts.iter();
        let old = held.find(|conflict| conflict.subject == subject && stands(&conflict.cause));
        if let Some(old) = old {
            self.hold(subject, old.cause.clone());
        }
        old.is_some()
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
    fn carry_out_decided(&mut self, link: &mut Link, rule: &FieldRule) -> bool {
        let field = rule.id;
        let Some(index) = link
            .decided
            .iter()
            .position(|decided| decided.field == field)
        else {
            return false;
        };
        let decided = link.decided[index].clone();
        let is_under_way = link.pending.iter().any(|pending| {
            let mut values = pending.values.iter();
            pending.state == PendingState::Issued && values.any(|(id, _)| *id == field)
        });
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
            if is_under_way {
                // Taken back while it is written: what arrives has to be written back.
                return true;
            }
            // Carried out. An undo brings back values that the rules may have to hold again.
            state.base.clone_from(&decided.agreed);
            link.decided.remove(index);
            return false;
        }
        for side in missing {
            let value = of(&decided.target, side);
            if self.is_refused_before(link, side, field, value) {
                continue;
            }
            // An account is decided by its name; an owner already by each side's own id.
            let value = match rule.role {
                Role::Company => self.by_id(rule, side, value),
                _ => Some(value.clone()),
            };
            self.write_mut(side)
                .values
                .extend(value.map(|value| (field, value)));
        }
        true
    }

    /// The tombstone's flag is set, never cleared: a record that came back is a person's business.
    fn judge_flag(&mut self, link: &mut Link, rule: &FieldRule) {
        if self.carry_out_decided(link, rule) {
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
        let accepted = |deleted: bool, set: bool| {
            let base = link.field(rule.id).and_then(|state| state.base.as_ref());
            base.is_some_and(|base| {
                base.salesforce == Value::Bool(deleted) && base.automation == Value::Bool(set)
            })
        };
        let is_accepted = accepted(false, true);
        let is_given_up = accepted(true, false);
        if is_given_up && !is_deleted {
            // What was said of that deletion is not said of the next.
            link.field_mut(rule.id).base = None;
        } else if is_deleted && !is_set && !is_given_up {
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
        let is_given_up = || {
            let base = link.field(rule.id).and_then(|state| state.base.as_ref());
            base.is_some_and(|base| Some(&base.salesforce) == shown && base.automation == value)
        };
        if shown.is_some_and(|shown| *shown != value) && !is_given_up() {
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
                    Some(Found::Nobody)
                        if self.context.policy.create_accounts
                            && !self.context.accounts.was_missed(name) =>
                    {
                        self.done.waits_for_account = true;
                        None
                    }
                    Some(Found::Nobody) => {
                        let cause = Cause::AccountMissing { name: name.clone() };
                        self.hold(Subject::Field(rule.id), cause);
                        None
                    }
                    Some(Found::Several) => {
                        let cause = Cause::SeveralAccounts { name: name.clone() };
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

    /// Whether a side still shows what it made of the other's value.
    fn was_not_kept(&mut self, link: &Link, field: FieldId) -> bool {
        let shown = |side| link.field(field).and_then(|state| state.on(side));
        self.hold_on(link, field, |cause| match cause {
            Cause::NotKept { side, sent, kept } => {
                shown(*side) == Some(kept) && shown(side.other()) == Some(sent)
            }
            _ => false,
        })
    }

    /// A value that a system refused or did not keep is not sent to it again.
    fn is_refused_before(&mut self, link: &Link, to: Side, field: FieldId, value: &Value) -> bool {
        self.hold_on(link, field, |cause| match cause {
            Cause::Refused {
                side,
                value: refused,
                ..
            } => *side == to && refused == value,
            Cause::EmailTaken { side, address, .. } => *side == to && address == value,
            Cause::NotKept { side, sent, kept } => {
                let shown = link.field(field).and_then(|state| state.on(to));
                *side == to && sent == value && shown == Some(kept)
            }
            _ => false,
        })
    }
}

const fn of(base: &Base, side: Side) -> &Value {
    match side {
        Side::Salesforce => &base.salesforce,
        Side::Automation => &base.automation,
    }
}

pub(super) fn derived(rule: &FieldRule, id: u64, policy: &Policy) -> Option<Value> {
    Some(match (rule.role, rule.value_type) {
        (Role::TimelineLink, _) => {
            let url = policy.automation_url.trim_end_matches('/');
            Value::Text(format!("{url}/s/contacts/view/{id}"))
        }
        (_, ValueType::Number) => Value::Number(Decimal::from(i64::try_from(id).ok()?)),
        _ => Value::Text(id.to_string()),
    })
}
