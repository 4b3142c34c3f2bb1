//! An operator's word on a conflict, and taking it back.

use super::{Done, Order};
use crate::domain::command::{Refusal, Scope};
use crate::domain::conflict::{Cause, Choice, Conflict, Resolution, Subject};
use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{FieldId, Generation, LinkId, RemoteId, Side};
use crate::domain::link::{Base, Decided, FieldState, Link, MatchKey};
use crate::domain::mapping::Role;
use crate::domain::record::{Act, Happened, UndoStep};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::Engine;
use crate::engine::pair::{bears, is_somebody_else, meet_anew, move_end};
use crate::engine::reconcile::{agree, raise};
use crate::engine::work::Desk;

/// Decisions remembered for whoever looked at the same contact and comes second.
const DECISIONS_MAX: usize = 1_000;

impl Engine {
    /// Each resolution stands for itself. Those that are refused are told with the answer; if none is
    /// left, the whole is refused.
    pub(super) fn resolve(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        resolutions: &[Resolution],
    ) -> Result<Done, Refusal> {
        let mut undo = Vec::new();
        let mut done = Vec::new();
        let mut refused = Vec::new();
        for resolution in resolutions {
            match self.resolve_one(desk, order, resolution, &mut undo) {
                Ok(()) => done.push(resolution.link),
                Err(refusal) => refused.push((resolution.link, refusal)),
            }
        }
        if done.is_empty()
            && let Some((_, first)) = refused.first()
        {
            return Err(first.clone());
        }
        self.want_cycle(Scope::OUTBOX);
        Ok(Done {
            undo,
            refused,
            ..Done::on("resolve", &done)
        })
    }

    fn resolve_one(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        resolution: &Resolution,
        undo: &mut Vec<UndoStep>,
    ) -> Result<(), Refusal> {
        let id = resolution.link;
        let link = desk.links.get(&id).ok_or(Refusal::NoSuchLink(id))?;
        if link.generation != resolution.generation {
            return Err(Refusal::OlderGeneration {
                link: id,
                asked: resolution.generation,
                now: link.generation,
                decided: self.decided.get(&id).cloned(),
            });
        }
        let mut changed = link.clone();
        let mut steps = Vec::new();
        let mut absorbed = None;
        for (subject, choice) in &resolution.choices {
            let index = changed
                .conflicts
                .binary_search_by_key(subject, |conflict| conflict.subject)
                .map_err(|_| Refusal::NoSuchConflict(id))?;
            let conflict = changed.conflicts.remove(index);
            if let Choice::Typed(value) = choice
                && let Some(by) = self.bearer_of(desk, &changed, *subject, value)
            {
                return Err(Refusal::AddressTaken { link: id, by });
            }
            if let Choice::Pair(record) = choice {
                absorbed = Some(pair_with(desk, &mut changed, *record)?);
            } else {
                let target = self.target(&changed, *subject, choice);
                choose(&mut changed, &conflict, (choice, target), &mut steps)
                    .ok_or(Refusal::ChoiceDoesNotFit(id))?;
            }
        }
        // Nothing is left to refuse: from here on it is done.
        if let Some(absorbed) = absorbed {
            desk.remove(absorbed);
        }
        for (subject, _) in &resolution.choices {
            let what = Happened::ConflictResolved {
                subject: *subject,
                by: order.operator.name.clone(),
            };
            desk.history(id, order.at, order.run, what);
        }
        // Whoever looked before this decision decides on something else.
        changed.generation = Generation(changed.generation.0 + 1);
        self.outbox.pair_again(&changed.match_keys);
        desk.put(changed);
        self.settle(desk, id, order.at);
        self.remember_decision(id, order);
        undo.extend(steps);
        Ok(())
    }

    /// What a choice puts on each side of a field. A user has an id of their own in each system, and
    /// is the same one by their address.
    fn target(&self, link: &Link, subject: Subject, choice: &Choice) -> Option<Base> {
        let Subject::Field(field) = subject else {
            return None;
        };
        let state = link.field(field)?;
        let rule = self.mapping.rule(link.kind, field);
        let is_owner = rule.is_some_and(|rule| rule.role == Role::Owner);
        let (chosen, value) = match choice {
            Choice::Base => return state.base.clone(),
            Choice::Salesforce => (Some(Side::Salesforce), state.salesforce.clone()?),
            Choice::Automation => (Some(Side::Automation), state.automation.clone()?),
            Choice::Typed(value) => (None, value.clone()),
            _ => return None,
        };
        if !is_owner {
            return Some(Base {
                salesforce: value.clone(),
                automation: value,
            });
        }
        let person = match chosen {
            Some(side) => self.directory.person(Some(state), side)?,
            None => value.clone(),
        };
        let on = |side| {
            if chosen == Some(side) {
                return Some(value.clone());
            }
            self.directory.id_on(side, &person).map(Value::Text)
        };
        Some(Base {
            salesforce: on(Side::Salesforce)?,
            automation: on(Side::Automation)?,
        })
    }

    /// Whose record has the address that somebody typed.
    fn bearer_of(
        &self,
        desk: &Desk,
        link: &Link,
        subject: Subject,
        value: &Value,
    ) -> Option<LinkId> {
        let mut rules = self.mapping.rules(link.kind).iter();
        let rule = rules.find(|rule| Subject::Field(rule.id) == subject)?;
        let text = value.as_text().filter(|_| rule.role == Role::Email)?;
        let key = MatchKey::new(link.kind, text);
        let has_it = |other: &&Link| {
            let mut sides = Side::BOTH.into_iter();
            is_somebody_else(link, other)
                && sides.any(|side| bears(other, &self.mapping, side, key))
        };
        desk.links.values().find(has_it).map(|other| other.id)
    }

    fn remember_decision(&mut self, link: LinkId, order: &Order) {
        self.decided
            .insert(link, (order.operator.name.clone(), order.at));
        if self.decided.len() > DECISIONS_MAX {
            let oldest = self.decided.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(link, _)| *link) {
                self.decided.remove(&oldest);
            }
        }
    }

    /// A compensating write where both sides still show what the act put there, or it is on its way. What
    /// somebody changed since is a conflict: a person looks at both.
    pub(super) fn undo(
        &mut self,
        desk: &mut Desk,
        order: &Order,
        act: &Act,
    ) -> Result<Done, Refusal> {
        let mut redo = Vec::new();
        let mut links = Vec::new();
        for step in &act.undo {
            let Some(link) = desk.links.get_mut(&step.link) else {
                continue;
            };
            match take_back(link, step, order.at) {
                TakenBack::Nothing => continue,
                TakenBack::Held => {}
                TakenBack::Written(step) => redo.push(*step),
            }
            links.push(step.link);
            self.settle(desk, step.link, order.at);
        }
        if links.is_empty() {
            return Err(Refusal::NothingToUndo);
        }
        self.want_cycle(Scope::OUTBOX);
        Ok(Done {
            links,
            undo: redo,
            ..Done::new("undo", act.run.to_string())
        })
    }
}

/// What became of one step of an act that is undone.
enum TakenBack {
    /// Both sides show what was there before, or cannot be compared.
    Nothing,
    /// Changed since: a conflict, and nothing is written.
    Held,
    /// Written back; this step would bring the act back in turn.
    Written(Box<UndoStep>),
}

fn take_back(link: &mut Link, step: &UndoStep, at: Timestamp) -> TakenBack {
    let field = step.before.field;
    let shown = |state: &FieldState| Base {
        salesforce: state.salesforce.clone().unwrap_or_default(),
        automation: state.automation.clone().unwrap_or_default(),
    };
    let target = shown(&step.before);
    let mut decided = link.decided.iter();
    let is_on_its_way = decided.any(|it| it.field == field && it.target == step.after);
    let state = link.field_mut(field).clone();
    let now = shown(&state);
    if now == step.after || is_on_its_way {
        let agreed = step.before.base.clone();
        let redo = UndoStep {
            link: step.link,
            after: target.clone(),
            before: state,
        };
        decide_field(link, field, target, step.after.clone(), agreed);
        return TakenBack::Written(Box::new(redo));
    }
    let subject = Subject::Field(field);
    let is_held = link.conflicts.iter().any(|held| held.subject == subject);
    if now == target || is_held || !link.is_whole() {
        return TakenBack::Nothing;
    }
    link.decided.retain(|decided| decided.field != field);
    link.field_mut(field).base = Some(target);
    let cause = Cause::ChangedSince {
        salesforce: now.salesforce,
        automation: now.automation,
    };
    raise(link, subject, cause, at);
    TakenBack::Held
}

/// Puts an operator's choice into the link: what it puts on the two sides of a field, if it does.
/// `None` if it does not fit the conflict.
fn choose(
    link: &mut Link,
    conflict: &Conflict,
    (choice, target): (&Choice, Option<Base>),
    undo: &mut Vec<UndoStep>,
) -> Option<()> {
    match (conflict.subject, choice) {
        (Subject::Field(field), Choice::KeepBoth) => {
            agree(link.field_mut(field));
            Some(())
        }
        (Subject::Field(_) | Subject::Write(_), Choice::Retry) => {
            if let Subject::Write(side) = conflict.subject {
                link.pending.retain(|pending| pending.side != side);
            }
            Some(())
        }
        (Subject::Field(field), choice) => {
            let state = link.field(field)?.clone();
            if is_taken(conflict, &state, choice) {
                return None;
            }
            let target = target?;
            let saw = Base {
                salesforce: state.salesforce.clone().unwrap_or_default(),
                automation: state.automation.clone().unwrap_or_default(),
            };
            undo.push(UndoStep {
                link: link.id,
                before: state,
                after: target.clone(),
            });
            decide_field(link, field, target.clone(), saw, Some(target));
            Some(())
        }
        (Subject::Consent, Choice::OptOut) => {
            link.decided_consent = Some(Consent::Out(Reason::Manual));
            Some(())
        }
        (Subject::Consent, Choice::OptIn) => {
            link.decided_consent = Some(Consent::In);
            Some(())
        }
        (Subject::Deletion, Choice::KeepBoth) => {
            let is_restored = matches!(conflict.cause, Cause::Restored);
            accept_as_is(link, |state| !is_restored || is_flag(state));
            Some(())
        }
        _ => None,
    }
}

/// Whether the choice is the very address that somebody else has.
fn is_taken(conflict: &Conflict, state: &FieldState, choice: &Choice) -> bool {
    let chosen = match choice {
        Choice::Salesforce => state.salesforce.as_ref(),
        Choice::Automation => state.automation.as_ref(),
        _ => return false,
    };
    matches!(&conflict.cause, Cause::EmailTaken { address, .. } if chosen == Some(address))
}

fn decide_field(link: &mut Link, field: FieldId, target: Base, saw: Base, agreed: Option<Base>) {
    link.decided.retain(|decided| decided.field != field);
    link.decided.push(Decided {
        field,
        target,
        saw,
        agreed,
    });
    link.decided.sort_by_key(|decided| decided.field);
}

/// The tombstone's flag, set.
fn is_flag(state: &FieldState) -> bool {
    state.salesforce.is_none() && state.automation == Some(Value::Bool(true))
}

/// Whatever the two sides show of these fields is how it stays.
fn accept_as_is(link: &mut Link, is_asked: impl Fn(&FieldState) -> bool) {
    for state in link.fields.iter_mut().filter(|state| is_asked(state)) {
        if is_flag(state) {
            // The tombstone's flag of a record that came back: kept on purpose.
            state.base = Some(Base {
                salesforce: Value::Bool(false),
                automation: Value::Bool(true),
            });
        } else {
            agree(state);
        }
    }
}

/// Pairs a link with a record that another link holds alone: gives the record's end to the link. Returns the link that had it, which ends by that.
fn pair_with(desk: &Desk, link: &mut Link, record: RemoteId) -> Result<LinkId, Refusal> {
    let side = record.side();
    let other = desk.find(record).filter(|other| *other != link.id);
    let other = other.ok_or(Refusal::NoSuchLink(link.id))?;
    let is_lone = |link: &Link| link.remote(side.other()).is_none();
    let fits = link.remote(side).is_none_or(|_| !link.is_live(side))
        && desk.links.get(&other).is_some_and(is_lone);
    let mut absorbed = match desk.links.get(&other) {
        Some(absorbed) if fits => absorbed.clone(),
        _ => return Err(Refusal::ChoiceDoesNotFit(link.id)),
    };
    let is_other = link.remote(side).is_some();
    move_end(link, &mut absorbed, side);
    if is_other {
        meet_anew(link);
    }
    Ok(other)
}
