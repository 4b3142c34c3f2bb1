//! One round of the work: describe, read both sides, write, transfer activities. And when the next
//! one is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::command::{Fact, Queue, Scope};
use crate::domain::cursor::Stream;
use crate::domain::ids::{RunId, Side};
use crate::domain::operator::SessionId;
use crate::domain::record::PlanKind;
use crate::domain::request::{AutomationRequest, Request, SalesforceRequest};
pub(super) use crate::domain::snapshot::Phase;
use crate::domain::snapshot::Rounds;
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;
use crate::engine::read::Read;
use crate::engine::sides::Purpose;
use crate::engine::work::{Job, Work};

/// A cycle does not wait for a side or a retry longer than this; the next cycle does it.
const PATIENCE: Span = Span::minutes(5);

/// What cycles of hints overwrite and delete counts together for the brake, so long: many small ones
/// are as much as a big one.
const COUNTED_TOGETHER: Span = Span::hours(1);

/// What a survey looks at, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) session: SessionId,
    pub(super) kind: PlanKind,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// What a cycle was asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Begun {
    #[default]
    Ordinarily,
    ByHint,
}

#[derive(Debug, Default)]
pub(super) struct Cycle {
    pub(super) phase: Phase,
    pub(super) run: RunId,
    pub(super) began: Timestamp,
    /// Where it goes on once both sides are described; nothing: they are read first.
    pub(super) goes_on: Option<Phase>,
    pub(super) scope: Option<Scope>,
    /// Asked for while another one runs.
    pub(super) wanted: Option<Scope>,
    pub(super) reads: BTreeMap<Stream, Read>,
    /// Stretches that each stream finished in this cycle.
    covered: BTreeMap<Stream, (Timestamp, Timestamp)>,
    pub(super) overwrites: u64,
    pub(super) deletions: u64,
    /// Since when both are counted.
    counted_since: Timestamp,
    by: Begun,
    /// The next one.
    pub(super) next_by: Begun,
    pub(super) is_braked: bool,
    /// What a backfill would send is to be counted in this cycle.
    pub(super) survey: Option<Asked>,
    /// The brake was released: so many overwrites pass in this cycle, or in the next one.
    pub(super) passes: u64,
    pub(super) passes_next: u64,
    next_pull: Option<Timestamp>,
    next_push: Option<Timestamp>,
    next_activities: Option<Timestamp>,
    /// When the last cycle that wrote there began.
    last: BTreeMap<Queue, Timestamp>,
}

impl Cycle {
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Idle && self.wanted.is_none()
    }

    pub(super) fn next_start(&self) -> Option<Timestamp> {
        if self.phase != Phase::Idle {
            return None;
        }
        [self.next_pull, self.next_push, self.next_activities]
            .into_iter()
            .flatten()
            .min()
    }

    /// The last and the next round of each queue.
    pub(super) fn rounds(&self) -> BTreeMap<Queue, Rounds> {
        let next = |queue| match queue {
            Queue::Salesforce => self.next_push,
            Queue::Automation => self.next_pull,
            Queue::Activities => self.next_activities,
        };
        let rounds = Queue::ALL.into_iter().map(|queue| {
            let last = self.last.get(&queue).copied();
            let next = next(queue);
            (queue, Rounds { last, next })
        });
        rounds.collect()
    }

    pub(super) fn covered(&mut self, stream: Stream, from: Timestamp, until: Timestamp) {
        let known = self.covered.get(&stream).copied();
        // A window that was resumed and the one after it are one stretch.
        let from = known.map_or(
            from,
            |(first, last)| if from <= last { first } else { from },
        );
        self.covered.insert(stream, (from, until));
    }

    /// The stretch that every stream of a side has finished, once the last one has.
    pub(super) fn covered_by_all(&self, side: Side) -> Option<(Timestamp, Timestamp)> {
        let is_dated = |stream: &Stream| {
            stream.side() == side && !matches!(stream, Stream::AutomationAudit | Stream::Activities)
        };
        let mut both: Option<(Timestamp, Timestamp)> = None;
        for stream in self.reads.keys().copied().filter(|stream| is_dated(stream)) {
            let (from, until) = *self.covered.get(&stream)?;
            both = Some(match both {
                None => (from, until),
                Some((a, b)) => (a.max(from), b.min(until)),
            });
        }
        both
    }
}

impl Engine {
    /// Does whatever can be done now.
    pub(super) fn advance(&mut self, now: Timestamp) {
        loop {
            if self.begin_work(now) {
                continue;
            }
            // What waits to leave when the engine stops is in doubt at the next start, and looked at.
            if self.is_stopping || !(self.send_leaving() || self.step(now)) {
                return;
            }
        }
    }

    /// One step of the cycle. Returns whether anything was begun.
    fn step(&mut self, now: Timestamp) -> bool {
        match self.cycle.phase {
            Phase::Idle => self.start_cycle(now),
            Phase::Describing => self.describe(now),
            Phase::Reading => {
                let opt_outs = self.push_sides(now, Purpose::OptOut);
                opt_outs || self.read_streams(now) || self.end_reading(now)
            }
            Phase::Pushing if self.waits_to_review() => false,
            Phase::Pushing if self.is_to_compare() => {
                if self.is_quiet() {
                    self.compare_first();
                    return true;
                }
                self.ask_questions(now)
            }
            Phase::Pushing => {
                self.ask_questions(now)
                    || self.push_sides(now, Purpose::Ordinary)
                    || self.end_pushing(now)
            }
            Phase::Transferring => self.transfer(now),
        }
    }

    fn start_cycle(&mut self, now: Timestamp) -> bool {
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let scheduled = Scope {
            pull: due(self.cycle.next_pull),
            push: due(self.cycle.next_push),
            activities: due(self.cycle.next_activities),
        };
        let is_due = scheduled != Scope::OUTBOX && self.settings.policy.published;
        let scope = match self.cycle.wanted.take() {
            // Else whoever asks for cycle after cycle would keep the schedule waiting.
            Some(scope) if is_due => scope.with(scheduled),
            Some(scope) => scope,
            None if is_due => scheduled,
            None => return false,
        };
        let by = match scope {
            Scope::OUTBOX => self.cycle.next_by,
            _ => Begun::Ordinarily,
        };
        let (overwrites, deletions, counted_since) = self.counted(now, by);
        let schedule = self.settings.timetable.running();
        let again = |is_due: bool, every: Option<Span>, old: Option<Timestamp>| match every {
            Some(every) if is_due || old.is_none() => Some(now + every),
            _ => old,
        };
        let run = self.next_run();
        self.cycle = Cycle {
            phase: Phase::Describing,
            run,
            began: now,
            scope: Some(scope),
            overwrites,
            deletions,
            counted_since,
            by,
            passes: self.cycle.passes_next,
            survey: self.survey.take(),
            last: std::mem::take(&mut self.cycle.last),
            next_pull: again(scope.pull, schedule.pull, self.cycle.next_pull),
            next_push: again(scope.push, schedule.push, self.cycle.next_push),
            next_activities: again(
                scope.activities,
                schedule.activities,
                self.cycle.next_activities,
            ),
            ..Cycle::default()
        };
        self.accounts.forget();
        let links = self.outbox.release_held_back();
        if !links.is_empty() {
            self.queue(Work::Settle { links });
        }
        self.expire_descriptions(now);
        self.tell(Fact::CycleStarted);
        true
    }

    /// What the brake counts already as a cycle begins, and since when.
    fn counted(&self, now: Timestamp, by: Begun) -> (u64, u64, Timestamp) {
        let last = &self.cycle;
        let is_one = [by, last.by] == [Begun::ByHint; 2] && last.passes_next == 0;
        if is_one && now < last.counted_since + COUNTED_TOGETHER {
            (last.overwrites, last.deletions, last.counted_since)
        } else {
            (0, 0, now)
        }
    }

    fn describe(&mut self, now: Timestamp) -> bool {
        let mut begun = false;
        for side in Side::BOTH {
            let state = self.side(side);
            if state.is_described || state.stopped.is_some() || self.has_job(side) {
                continue;
            }
            let is_waiting = !state.may_call(now);
            let share = self.settings.daily_share;
            let is_spent = side == Side::Salesforce && !state.has_budget(share, Purpose::Ordinary);
            if is_waiting || is_spent {
                // A long wait goes by what it last said: the other side, and opt-outs, are not to wait too.
                let is_short = is_waiting && !self.is_given_up(now, side);
                self.side_mut(side).is_described = !is_short && self.was_described();
                continue;
            }
            let policy = Arc::clone(&self.settings.policy);
            let request = match side {
                Side::Salesforce => Request::Salesforce(SalesforceRequest::Describe(policy)),
                Side::Automation => Request::Automation(AutomationRequest::Describe(policy)),
            };
            self.request(Job::Describe(side), request);
            begun = true;
        }
        begun || self.end_describing(now)
    }

    fn end_describing(&mut self, now: Timestamp) -> bool {
        let is_over = |side: Side| {
            let state = self.side(side);
            state.stopped.is_some() || !state.is_described && self.is_given_up(now, side)
        };
        if Side::BOTH.into_iter().any(is_over) && self.is_quiet() {
            self.end_cycle();
            return true;
        }
        if !self.sides.iter().all(|side| side.is_described) || self.is_suspending() {
            return false;
        }
        if let Some((side, failure)) = self.essential_drift() {
            self.on_side_failed(now, side, failure);
            return true;
        }
        self.cycle.phase = self.cycle.goes_on.take().unwrap_or(Phase::Reading);
        true
    }

    pub(super) fn has_job(&self, side: Side) -> bool {
        self.jobs.values().any(|job| job.side() == side)
    }

    fn push_sides(&mut self, now: Timestamp, purpose: Purpose) -> bool {
        let mut begun = false;
        for side in Side::BOTH {
            if self.is_asked(side) {
                begun |= self.push_side(now, side, purpose);
            }
        }
        begun
    }

    /// Whether this cycle writes to a side: a pull alone to Automation, a push alone to Salesforce.
    pub(super) fn is_asked(&self, side: Side) -> bool {
        let scope = self.cycle.scope.unwrap_or(Scope::OUTBOX);
        match side {
            Side::Salesforce => scope.push || !scope.pull,
            Side::Automation => scope.pull || !scope.push,
        }
    }

    fn end_reading(&mut self, now: Timestamp) -> bool {
        let is_done = self.cycle.reads.values().all(Read::is_done);
        let mut sides = Side::BOTH.into_iter();
        let is_over = is_done || sides.any(|side| self.is_given_up(now, side));
        if !is_over || !self.is_quiet() {
            return false;
        }
        if !self.cycle.reads.is_empty() {
            self.is_partly_read = !is_done;
        }
        self.cycle.phase = Phase::Pushing;
        true
    }

    fn end_pushing(&mut self, now: Timestamp) -> bool {
        if !self.is_quiet() {
            return false;
        }
        let patience = now + PATIENCE;
        let waits = Side::BOTH.into_iter().any(|side| {
            let has_work = self.outbox.ready(side) > 0 || self.outbox.has_questions();
            let until = self.side(side).waits_until;
            has_work && until.is_some_and(|until| until > now && until <= patience)
        });
        let retries = self.outbox.next_due().is_some_and(|due| due <= patience);
        if (waits || retries) && !self.cycle.is_braked {
            return false;
        }
        let scope = self.cycle.scope.unwrap_or(Scope::OUTBOX);
        if self.cycle.survey.is_some() || scope.activities && self.may_transfer() {
            self.begin_transfer(now);
            self.cycle.phase = Phase::Transferring;
        } else {
            self.end_cycle();
        }
        true
    }

    /// No answer is awaited and nothing waits to be taken in.
    pub(super) fn is_quiet(&self) -> bool {
        self.jobs.is_empty() && self.inbox.is_empty() && self.transactions.is_empty()
    }

    /// Stopped, or waiting for longer than a cycle is patient.
    pub(super) fn is_given_up(&self, now: Timestamp, side: Side) -> bool {
        let state = self.side(side);
        state.stopped.is_some()
            || state
                .waits_until
                .is_some_and(|until| until > now + PATIENCE)
    }

    pub(super) fn end_cycle(&mut self) {
        let asked = Side::BOTH.into_iter().filter(|side| self.is_asked(*side));
        let mut queues: Vec<Queue> = asked.map(Queue::to).collect();
        if self.cycle.scope.is_some_and(|scope| scope.activities) {
            queues.push(Queue::Activities);
        }
        let began = self.cycle.began;
        let ended = queues.into_iter().map(|queue| (queue, began));
        self.cycle.last.extend(ended);
        self.cycle.phase = Phase::Idle;
        self.cycle.scope = None;
        self.written_before.clear();
        if let Some(asked) = self.cycle.survey.take() {
            self.answer(asked.session, Fact::SurveyFailed);
        }
        self.tell(Fact::CycleEnded);
    }

    /// Begins the schedule: the first cycle after a full interval.
    pub fn start_schedule(&mut self, now: Timestamp) {
        let schedule = self.settings.timetable.running();
        self.cycle.next_pull = schedule.pull.map(|every| now + every);
        self.cycle.next_push = schedule.push.map(|every| now + every);
        self.cycle.next_activities = schedule.activities.map(|every| now + every);
    }

    pub(super) fn want_cycle(&mut self, scope: Scope) {
        let old = self.cycle.wanted.unwrap_or(Scope::OUTBOX);
        self.cycle.wanted = Some(old.with(scope));
    }

    pub(super) fn queue(&mut self, work: Work) {
        self.inbox.push_back(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Command, Instruction};
    use crate::domain::mapping::Policy;
    use crate::domain::record::Recovered;
    use crate::domain::setup::Timetable;
    use crate::engine::{Brake, Input, Settings, Writes};

    #[test]
    fn whoever_asks_for_cycle_after_cycle_does_not_keep_the_schedule_waiting() {
        let every = Some(Span::minutes(10));
        let settings = Settings {
            policy: Arc::new(Policy {
                published: true,
                ..Policy::default()
            }),
            timetable: Timetable {
                is_enabled: true,
                pull: every,
                push: every,
                activities: None,
                ..Timetable::default()
            },
            daily_share: 1.0,
            writes: Writes::Send,
            brake: Brake::DEFAULT,
            chunk_size_max: 400,
        };
        let mut engine = Engine::new(settings, Recovered::default());
        let start = Timestamp::from_seconds(1_772_615_700);
        engine.start_schedule(start);
        let asked = Instruction::ourselves(Command::RunCycle(Scope::OUTBOX));
        engine.handle(start + Span::minutes(11), Input::Instructed(asked));
        let scope = engine.cycle.scope.expect("a cycle has begun");
        assert!(scope.pull && scope.push);
        assert!(!scope.activities);
    }
}
