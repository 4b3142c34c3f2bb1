//! What operators ask for: each checked against how things stand now, recorded, then carried out by
//! the same rules as everything else.

use crate::domain::command::{Command, Fact, Instruction, Refusal, Scope};
use crate::domain::conflict::{Cause, Choice, Conflict, Resolution, Subject};
use crate::domain::consent::Consent;
use crate::domain::ids::{Generation, LinkId, RemoteId, RunId};
use crate::domain::link::{Base, Decided, Link, PendingState};
use crate::domain::record::{Act, Change, Happened, LinkKey, Plan, UndoStep};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::pair::{move_end, remote};
use crate::engine::reconcile::agree;
use crate::engine::work::{Desk, Work};
use crate::engine::{Engine, Writes};

/// The links that a command is about.
pub(super) fn keys(instruction: &Instruction) -> Vec<LinkKey> {
    match &instruction.command {
        Command::RunCycle(_) | Command::Backfill { .. } => Vec::new(),
        Command::Resolve(resolution) => {
            let mut keys = vec![LinkKey::Id(resolution.link)];
            for (_, choice) in &resolution.choices {
                match *choice {
                    Choice::Pair(RemoteId::Salesforce(_, id)) => keys.push(LinkKey::Salesforce(id)),
                    Choice::Pair(RemoteId::Automation(kind, id)) => {
                        keys.push(LinkKey::Automation(kind, id));
                    }
                    _ => {}
                }
            }
            keys
        }
        Command::Retry { links } => links.iter().copied().map(LinkKey::Id).collect(),
        Command::RetryActivities { held } => {
            held.iter().map(|held| LinkKey::Id(held.link)).collect()
        }
        Command::Undo { act } => act.undo.iter().map(|step| LinkKey::Id(step.link)).collect(),
    }
}

impl Engine {
    pub(super) fn on_instructed(&mut self, instruction: Instruction) {
        if let Command::RunCycle(scope) = instruction.command {
            self.want_cycle(scope);
            return;
        }
        let run = self.next_run();
        self.queue(Work::Instruction(run, instruction));
    }

    pub(super) fn carry_out(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        run: RunId,
        instruction: Instruction,
    ) {
        let Instruction {
            operator,
            reason,
            command,
        } = instruction;
        let done = match command {
            Command::RunCycle(_) => return,
            Command::Resolve(resolution) => self.resolve(desk, now, run, &operator, &resolution),
            Command::Retry { links } => Ok(self.retry_links(desk, now, &links)),
            Command::RetryActivities { held } => {
                let count = held.len();
                for mut held in held {
                    held.failure.kind = crate::domain::failure::FailureKind::Transient;
                    desk.batch.push(Change::PutHeldActivity(held));
                }
                self.want_cycle(Scope {
                    pull: false,
                    push: false,
                    activities: true,
                });
                Ok(("retry activities", count.to_string(), Vec::new()))
            }
            Command::Undo { act } => self.undo(desk, now, &act),
            Command::Backfill { kind, from, until } => {
                let plan = Plan {
                    run,
                    kind,
                    operator: operator.clone(),
                    reason: reason.clone(),
                    started: now,
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
                self.plans.insert(run, plan);
                self.want_cycle(Scope {
                    pull: false,
                    push: false,
                    activities: true,
                });
                Ok(("backfill", format!("{from} to {until}"), Vec::new()))
            }
        };
        match done {
            Ok((act, object, undo)) => {
                let act = act.to_owned();
                let act = Act {
                    run,
                    at: now,
                    operator,
                    act,
                    object,
                    reason,
                    undo,
                };
                if self.settings.writes == Writes::Send {
                    desk.batch.push(Change::AddAct(act));
                }
                self.tell(Fact::Accepted(run));
            }
            Err(refusal) => self.tell(Fact::Refused(refusal)),
        }
    }

    fn resolve(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        run: RunId,
        operator: &str,
        resolution: &Resolution,
    ) -> Result<Done, Refusal> {
        let id = resolution.link;
        let link = desk.links.get(&id).ok_or(Refusal::NoSuchLink(id))?;
        if link.generation != resolution.generation {
            return Err(Refusal::OlderGeneration {
                link: id,
                asked: resolution.generation,
                now: link.generation,
            });
        }
        let mut changed = link.clone();
        let mut undo = Vec::new();
        for (subject, choice) in &resolution.choices {
            let index = changed
                .conflicts
                .binary_search_by_key(subject, |conflict| conflict.subject)
                .map_err(|_| Refusal::NoSuchConflict(id))?;
            let conflict = changed.conflicts.remove(index);
            if let Choice::Pair(record) = choice {
                pair_with(desk, &mut changed, *record)?;
            } else {
                choose(&mut changed, &conflict, choice, &mut undo)
                    .ok_or(Refusal::ChoiceDoesNotFit(id))?;
            }
            let what = Happened::ConflictResolved {
                subject: *subject,
                by: operator.to_owned(),
            };
            desk.history(id, now, run, what);
        }
        // Whoever looked before this decision decides on something else.
        changed.generation = Generation(changed.generation.0 + 1);
        desk.put(changed);
        self.settle(desk, id, now);
        self.want_cycle(Scope::OUTBOX);
        Ok(("resolve", id.to_string(), undo))
    }

    fn retry_links(&mut self, desk: &mut Desk, now: Timestamp, links: &[LinkId]) -> Done {
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
            self.settle(desk, *id, now);
        }
        self.want_cycle(Scope::OUTBOX);
        ("retry", links.len().to_string(), Vec::new())
    }

    /// A compensating write, and only where both sides still show what the act put there.
    fn undo(&mut self, desk: &mut Desk, now: Timestamp, act: &Act) -> Result<Done, Refusal> {
        if act.undo.is_empty() {
            return Err(Refusal::NothingToUndo);
        }
        let mut redo = Vec::new();
        for step in &act.undo {
            let Some(link) = desk.links.get_mut(&step.link) else {
                continue;
            };
            let state = link.field_mut(step.before.field);
            let shown = Base {
                salesforce: state.salesforce.clone().unwrap_or_default(),
                automation: state.automation.clone().unwrap_or_default(),
            };
            if shown != step.after {
                // Somebody changed it since: whatever the rules say of that holds.
                continue;
            }
            redo.push(UndoStep {
                link: step.link,
                before: state.clone(),
                after: Base {
                    salesforce: step.before.salesforce.clone().unwrap_or_default(),
                    automation: step.before.automation.clone().unwrap_or_default(),
                },
            });
            let target = Base {
                salesforce: step.before.salesforce.clone().unwrap_or_default(),
                automation: step.before.automation.clone().unwrap_or_default(),
            };
            let agreed = step.before.base.clone();
            decide_field(link, step.before.field, target, shown, agreed);
            self.settle(desk, step.link, now);
        }
        if redo.is_empty() {
            return Err(Refusal::NothingToUndo);
        }
        self.want_cycle(Scope::OUTBOX);
        Ok(("undo", act.run.to_string(), redo))
    }
}

/// Name of the act, what it was done to, what undo needs.
type Done = (&'static str, String, Vec<UndoStep>);

/// Puts an operator's choice into the link. `None` if it does not fit the conflict.
fn choose(
    link: &mut Link,
    conflict: &Conflict,
    choice: &Choice,
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
            let value = match choice {
                Choice::Salesforce => state.salesforce.clone()?,
                Choice::Automation => state.automation.clone()?,
                Choice::Base => state.base.as_ref()?.salesforce.clone(),
                Choice::Typed(value) => value.clone(),
                _ => return None,
            };
            let target = Base {
                salesforce: value.clone(),
                automation: value,
            };
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
            let reason = crate::domain::consent::Reason::Manual;
            link.decided_consent = Some(Consent::Out(reason));
            Some(())
        }
        (Subject::Consent, Choice::OptIn) => {
            link.decided_consent = Some(Consent::In);
            Some(())
        }
        (Subject::Deletion, Choice::KeepBoth) => {
            accept_as_is(link);
            Some(())
        }
        _ => None,
    }
}

fn decide_field(
    link: &mut Link,
    field: crate::domain::ids::FieldId,
    target: Base,
    saw: Base,
    agreed: Option<Base>,
) {
    link.decided.retain(|decided| decided.field != field);
    link.decided.push(Decided {
        field,
        target,
        saw,
        agreed,
    });
    link.decided.sort_by_key(|decided| decided.field);
}

/// Whatever the two sides show is how it stays.
fn accept_as_is(link: &mut Link) {
    for state in &mut link.fields {
        if state.salesforce.is_none() && state.automation == Some(Value::Bool(true)) {
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

/// Pairs a lone link with a record that another link holds alone.
fn pair_with(desk: &mut Desk, link: &mut Link, record: RemoteId) -> Result<(), Refusal> {
    let side = record.side();
    let other = desk.find(record).filter(|other| *other != link.id);
    let other = other.ok_or(Refusal::NoSuchLink(link.id))?;
    let is_lone = |link: &Link| remote(link, side.other()).is_none();
    let fits = remote(link, side).is_none_or(|_| !link.is_live(side))
        && desk.links.get(&other).is_some_and(is_lone);
    if !fits {
        return Err(Refusal::ChoiceDoesNotFit(link.id));
    }
    let mut absorbed = desk.remove(other).ok_or(Refusal::NoSuchLink(other))?;
    move_end(link, &mut absorbed, side);
    Ok(())
}
