//! What operators ask for: each checked against how things stand now, recorded, then carried out by
//! the same rules as everything else.

mod decide;
mod links;
mod look;
mod plans;

use crate::domain::activity::HeldActivity;
use crate::domain::command::{Command, Fact, Instruction, Queue, Refusal, Scope};
use crate::domain::conflict::{Choice, Resolution};
use crate::domain::ids::{Kind, LinkId, RemoteId, RunId};
use crate::domain::link::MatchKey;
use crate::domain::operator::{Operator, SessionId};
use crate::domain::record::{Act, Change, LinkKey, UndoStep};
use crate::domain::time::Timestamp;
use crate::engine::cycle::Asked;
use crate::engine::work::{Desk, Work};
use crate::engine::{Engine, Writes};
use links::discard_activities;
pub use look::has_read_everybody;

/// Who asked, when, and why.
pub(super) struct Order {
    session: SessionId,
    run: RunId,
    pub(super) at: Timestamp,
    pub(super) operator: Operator,
    reason: String,
}

/// An act, for the audit.
pub(super) struct Done {
    act: &'static str,
    object: String,
    /// Whom it was about.
    links: Vec<LinkId>,
    /// What taking it back needs.
    undo: Vec<UndoStep>,
    /// What of it was not done.
    refused: Vec<(LinkId, Refusal)>,
}

impl Done {
    pub(super) const fn new(act: &'static str, object: String) -> Self {
        Self {
            act,
            object,
            links: Vec::new(),
            undo: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn on(act: &'static str, links: &[LinkId]) -> Self {
        Self {
            links: links.to_vec(),
            ..Self::new(act, named(links))
        }
    }
}

/// One link by its number, more by how many they are.
fn named(links: &[LinkId]) -> String {
    match links {
        [link] => link.to_string(),
        _ => format!("{} links", links.len()),
    }
}

/// The links that a command is about.
pub(super) fn keys(instruction: &Instruction) -> Vec<LinkKey> {
    match &instruction.command {
        Command::Resolve(resolutions) => resolutions.iter().flat_map(keys_of).collect(),
        Command::Retry { links }
        | Command::Check { links }
        | Command::SetAside { links, .. }
        | Command::Unlink { links }
        | Command::TakeBack { links } => links.iter().copied().map(LinkKey::Id).collect(),
        Command::Discard { writes } => writes.iter().map(|write| LinkKey::Id(write.link)).collect(),
        Command::RetryActivities { held } | Command::DiscardActivities { held } => {
            let keys_of = |held: &HeldActivity| {
                let contact = held.activity.contact;
                [
                    LinkKey::Id(held.link),
                    LinkKey::Automation(Kind::Person, contact),
                ]
            };
            held.iter().flat_map(keys_of).collect()
        }
        Command::Undo { act } => act.undo.iter().map(|step| LinkKey::Id(step.link)).collect(),
        Command::RunCycle(_)
        | Command::Look { .. }
        | Command::Backfill { .. }
        | Command::Survey { .. }
        | Command::SteerPlan { .. }
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::ReleaseBrake { .. }
        | Command::Enter { .. }
        | Command::Configure { .. }
        | Command::Mend(_)
        | Command::NoteAccess { .. } => Vec::new(),
    }
}

fn keys_of(resolution: &Resolution) -> Vec<LinkKey> {
    let mut keys = vec![LinkKey::Id(resolution.link)];
    for (_, choice) in &resolution.choices {
        match *choice {
            Choice::Pair(RemoteId::Salesforce(_, id)) => keys.push(LinkKey::Salesforce(id)),
            Choice::Pair(RemoteId::Automation(kind, id)) => {
                keys.push(LinkKey::Automation(kind, id));
            }
            // Should it be an e-mail address: whoever has it already.
            Choice::Typed(ref value) => keys.extend(
                value
                    .as_text()
                    .map(|text| LinkKey::Match(MatchKey::new(Kind::Person, text))),
            ),
            _ => {}
        }
    }
    keys
}

impl Engine {
    pub(super) fn on_instructed(&mut self, instruction: Instruction) {
        match instruction.command {
            // None writes anything by itself, so none is an act.
            Command::RunCycle(scope) => self.want_cycle(scope),
            Command::Look { records } => self.look(records),
            Command::Survey { kind, from, until } => self.want_survey(Asked {
                session: instruction.session,
                kind,
                from,
                until,
            }),
            _ => {
                let run = self.next_run();
                self.queue(Work::Instruction(run, instruction));
            }
        }
    }

    pub(super) fn carry_out(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        run: RunId,
        instruction: Instruction,
    ) {
        let order = Order {
            session: instruction.session,
            run,
            at: now,
            operator: instruction.operator,
            reason: instruction.reason,
        };
        let done = match instruction.command {
            Command::RunCycle(_) | Command::Look { .. } | Command::Survey { .. } => return,
            Command::Resolve(resolutions) => self.resolve(desk, &order, &resolutions),
            Command::Undo { act } => self.undo(desk, &order, &act),
            Command::Retry { links } => Ok(self.retry(desk, &order, &links)),
            Command::Discard { writes } => self.discard(desk, &order, &writes),
            Command::Check { links } => self.check(desk, &links),
            Command::SetAside { links, until } => self.set_aside(desk, &order, &links, until),
            Command::Unlink { links } => self.unlink(desk, &order, &links),
            Command::TakeBack { links } => self.take_back(desk, &order, &links),
            Command::RetryActivities { held } => Ok(self.retry_activities(desk, held)),
            Command::DiscardActivities { held } => Ok(discard_activities(desk, held)),
            Command::Pause(queue) => Ok(self.pause(queue)),
            Command::Resume(queue) => Ok(self.resume(queue)),
            Command::ReleaseBrake { writes } => self.release_brake(writes),
            Command::Mend(remedy) => {
                // What is made is seen by the next run.
                self.side_mut(remedy.side()).is_doubted = true;
                Ok(Done::new("mend", remedy.name().to_owned()))
            }
            Command::Backfill { kind, from, until } => {
                Ok(self.plan(desk, &order, kind, (from, until)))
            }
            Command::SteerPlan { run, steer } => self.steer_plan(desk, run, steer),
            Command::Enter { act, object } => Ok(Done::new(act, object)),
            Command::Configure {
                based_on,
                policy,
                timetable,
            } => self.configure(desk, &order, based_on, (*policy, timetable)),
            Command::NoteAccess { side, act } => Ok(Done::new(act.name(), side.to_string())),
        };
        match done {
            Ok(done) => self.record(desk, order, done),
            Err(refusal) => self.answer(order.session, Fact::Refused(refusal)),
        }
    }

    fn record(&mut self, desk: &mut Desk, order: Order, mut done: Done) {
        done.links.sort_unstable();
        done.links.dedup();
        let (session, run) = (order.session, order.run);
        if self.settings.writes == Writes::Send {
            desk.batch.push(Change::AddAct(Act {
                run,
                at: order.at,
                operator: order.operator.name,
                from: order.operator.from,
                act: done.act.to_owned(),
                object: done.object,
                links: done.links,
                reason: order.reason,
                undo: done.undo,
            }));
        }
        let fact = if done.refused.is_empty() {
            Fact::Accepted(run)
        } else {
            let refused = done.refused;
            Fact::AcceptedInPart { run, refused }
        };
        desk.after.accepted.push((session, fact));
    }

    fn pause(&mut self, queue: Queue) -> Done {
        self.tally.paused.insert(queue);
        Done::new("pause", queue_name(queue).to_owned())
    }

    fn resume(&mut self, queue: Queue) -> Done {
        self.tally.paused.remove(&queue);
        self.want_cycle(Scope {
            activities: queue == Queue::Activities,
            ..Scope::OUTBOX
        });
        Done::new("resume", queue_name(queue).to_owned())
    }

    pub(super) fn is_paused(&self, queue: Queue) -> bool {
        self.tally.paused.contains(&queue)
    }

    /// As many writes as were looked at pass in the cycle that follows; what is beyond, and the next
    /// cycle, is watched again.
    fn release_brake(&mut self, writes: u64) -> Result<Done, Refusal> {
        if !self.tally.is_braked {
            return Err(Refusal::NoBrake);
        }
        self.tally.is_braked = false;
        self.cycle.passes_next = writes;
        self.want_cycle(Scope::OUTBOX);
        Ok(Done::new("release brake", String::new()))
    }
}

const fn queue_name(queue: Queue) -> &'static str {
    match queue {
        Queue::Salesforce => "Salesforce",
        Queue::Automation => "Automation",
        Queue::Activities => "activities",
    }
}

#[cfg(test)]
mod tests {
    use std::iter::from_fn;
    use std::sync::Arc;

    use super::*;
    use crate::domain::command::Told;
    use crate::domain::mapping::Policy;
    use crate::domain::record::Recovered;
    use crate::domain::setup::Timetable;
    use crate::engine::{Brake, Input, Output, Settings};

    #[test]
    fn an_order_is_accepted_when_its_act_is_durable_and_not_before() {
        let settings = Settings {
            policy: Arc::new(Policy::default()),
            timetable: Timetable::default(),
            daily_share: 1.0,
            writes: Writes::Send,
            brake: Brake::DEFAULT,
            chunk_size_max: 400,
        };
        let mut engine = Engine::new(settings, Recovered::default());
        let now = Timestamp::from_seconds(1_772_615_700);
        engine.handle(now, Input::Timeout);
        while let Some(Output::Page(_)) = engine.poll_output() {
            engine.handle(now, Input::Paged(Vec::new()));
        }
        let pause = Instruction::ourselves(Command::Pause(Queue::Automation));
        engine.handle(now, Input::Instructed(pause));
        let before: Vec<Output> = from_fn(|| engine.poll_output()).collect();
        assert!(matches!(before[..], [Output::Persist(_)]), "{before:?}");
        engine.handle(now, Input::Persisted);
        let after: Vec<Output> = from_fn(|| engine.poll_output()).collect();
        let [Output::Tell(Told { to, fact }), ..] = &after[..] else {
            panic!("{after:?}");
        };
        assert_eq!(*to, Some(SessionId::OURSELVES));
        assert!(matches!(fact, Fact::Accepted(_)), "{fact:?}");
    }
}
