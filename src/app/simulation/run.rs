//! One run: the engine, what it kept, the two systems and everything under way between them, on one
//! thread and a clock that jumps from event to event.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::simulation::knobs::{Faults, Knobs};
use crate::app::simulation::operator::Screen;
use crate::app::simulation::world::{Key, START, World};
use crate::domain::command::{Command, Fact, Instruction, Scope};
use crate::domain::consent::Consent;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{FieldId, JobId, Kind, Side};
use crate::domain::link::PendingState;
use crate::domain::mapping::Policy;
use crate::domain::record::{Batch, Change};
use crate::domain::request::{
    Answer, AutomationRequest, Request, SalesforceRequest, Spent, Target,
};
use crate::domain::setup::Timetable;
use crate::domain::time::{Span, Timestamp};
use crate::engine::mutants::Mutant;
use crate::engine::{Brake, Engine, Input, Output, Settings, Writes};
use crate::sim::faults::FaultKind;
use crate::sim::random::Random;
use crate::sim::{automation, salesforce};
use crate::store::memory::Kept;

/// Steps of one run; more means that something goes round in circles.
const STEPS_MAX: u64 = 60_000;

/// What was given up is carried out no later than this: the engine waits a little longer.
const LATE_MAX: Span = Span::minutes(9);

/// Seeds from here on are lives of nothing but consent.
pub(super) const NARROW_SEEDS: u64 = 1_000_000;

/// Something that will happen.
#[derive(Debug, Clone)]
enum Event {
    /// A request reaches its system.
    Arrive(JobId, Request),
    /// A request that nobody waits for any more is carried out all the same.
    Late(Request),
    /// An answer, or what the store says, reaches the engine.
    Tell(Input),
    Act,
    Operate,
    Hint,
    Cycle,
}

impl Event {
    /// It happens whatever becomes of the process.
    const fn is_of_others(&self) -> bool {
        matches!(
            self,
            Self::Act | Self::Operate | Self::Hint | Self::Cycle | Self::Late(_)
        )
    }
}

pub(super) struct Run {
    pub(super) knobs: Knobs,
    pub(super) world: World,
    pub(super) kept: Kept,
    engine: Engine,
    mutant: Option<Mutant>,
    pub(super) now: Timestamp,
    pub(super) random: Random,
    pub(super) screen: Screen,
    faults: Faults,
    queue: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    steps: u64,
    /// When the engine last looked at each record by its id, or for its address.
    pub(super) looked: BTreeMap<Key, Timestamp>,
    /// Write requests that reached a system, and rows that were made by us.
    pub(super) writes: u64,
    pub(super) created: Vec<(Side, String, Key)>,
    /// Events that were read while their person's Salesforce record was in the Recycle Bin or merged
    /// with somebody else's: left out or held, and sent by a backfill once that is decided.
    pub(super) left_out: BTreeSet<String>,
    pub(super) crashes: u64,
    pub(super) cycles: u64,
    /// As the life began.
    pub(super) first_policy: Policy,
    /// Fields whose rule changed on the way, or that were hidden: what was edited meanwhile is not owed.
    pub(super) reconfigured: BTreeSet<FieldId>,
    /// What happened, if somebody wants to read it.
    pub(super) log: Option<Vec<String>>,
    pub(super) broken: Option<String>,
}

impl Run {
    pub(super) fn new(seed: u64, mutant: Option<Mutant>, keeps_log: bool) -> Self {
        let mut random = Random::seeded(seed.wrapping_mul(0x9E37_79B9).wrapping_add(77));
        let drawn = Knobs::draw(&mut random);
        // Too rare for ordinary lives; the engine without the bug lives the same narrow ones.
        let knobs = match seed {
            NARROW_SEEDS.. => drawn.narrowed_to_consent(),
            _ => drawn,
        };
        let kept = Kept::default();
        let engine = Engine::new(settings(&knobs), kept.recover());
        let mut run = Self {
            world: World::new(seed, &knobs),
            faults: knobs.faults,
            first_policy: knobs.policy.clone(),
            reconfigured: BTreeSet::new(),
            knobs,
            kept,
            engine,
            mutant,
            now: START,
            random,
            screen: Screen::default(),
            queue: BTreeMap::new(),
            sequence: 0,
            steps: 0,
            looked: BTreeMap::new(),
            writes: 0,
            created: Vec::new(),
            left_out: BTreeSet::new(),
            crashes: 0,
            cycles: 0,
            log: keeps_log.then(Vec::new),
            broken: None,
        };
        run.log(|run| format!("{:#?}", run.knobs));
        run.start_engine();
        run
    }

    pub(super) fn log(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = format!("{} {}", self.now.since(START).0, line(self));
            if let Some(log) = &mut self.log {
                log.push(line);
            }
        }
    }

    pub(super) fn fail(&mut self, what: String) {
        self.log(|_| format!("BROKEN: {what}"));
        self.broken.get_or_insert(what);
    }

    fn start_engine(&mut self) {
        self.engine = Engine::new(settings(&self.knobs), self.kept.recover());
        self.engine.mutant = self.mutant;
        self.handle(Input::Timeout);
    }

    /// People act and things go wrong.
    pub(super) fn chaos(&mut self) {
        for _ in 0..self.knobs.acts {
            let at = self.act_time();
            self.put(at, Event::Act);
        }
        for at in self.operator_times() {
            self.put(at, Event::Operate);
        }
        for at in self.hint_times() {
            self.put(at, Event::Hint);
        }
        self.put(Span::seconds(1), Event::Cycle);
        let end = self.now + self.knobs.chaos;
        while self.now < end && self.step(end) {}
        self.now = self.now.max(end);
    }

    fn act_time(&mut self) -> Span {
        let at = Span(self.random.below(self.knobs.chaos.0 as u64) as i64);
        if !self.knobs.acts_meet_cycles {
            return at;
        }
        let every = self.knobs.between_cycles.0;
        let width = self.knobs.latency.0 as u64 * 4 + 1_000;
        Span(at.0 / every * every + self.random.below(width) as i64)
    }

    /// Faults off, people still.
    pub(super) fn heal(&mut self) {
        self.faults = Faults::default();
        self.show_all();
        self.world.salesforce.lag = salesforce::org::CommitLag::default();
        let is_under_way = |event: &Event| !event.is_of_others() || matches!(event, Event::Late(_));
        self.queue.retain(|_, event| is_under_way(event));
        self.log(|_| "-- heal".to_owned());
        self.settle();
        self.now = self.now + Span::hours(1);
    }

    /// Runs one whole cycle; says how many writes it sent.
    pub(super) fn cycle(&mut self) -> u64 {
        let before = self.writes;
        self.log(|_| "-- cycle".to_owned());
        self.want_cycle();
        self.settle();
        self.now = self.now + Span::hours(1);
        self.writes - before
    }

    pub(super) fn restart(&mut self) {
        self.log(|_| "-- restart".to_owned());
        self.start_engine();
        self.settle();
    }

    fn want_cycle(&mut self) {
        self.cycles += 1;
        self.instruct(Command::RunCycle(Scope::ALL));
    }

    pub(super) fn instruct(&mut self, command: Command) {
        self.excuse_undone(&command);
        self.handle(Input::Instructed(Instruction::ourselves(command)));
    }

    /// Until nothing is under way and the engine is idle.
    fn settle(&mut self) {
        while self.broken.is_none() {
            let is_over = self.queue.is_empty() && self.engine.is_idle();
            if is_over || !self.step(Timestamp::MAX) {
                return;
            }
        }
    }

    /// The next event, or the engine's own deadline. False if there is none before the end.
    fn step(&mut self, end: Timestamp) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.fail("the run does not end".to_owned());
        }
        if self.broken.is_some() {
            return false;
        }
        let event = self.queue.keys().next().map(|(at, _)| *at);
        let deadline = self.engine.poll_timeout();
        let Some(next) = event.into_iter().chain(deadline).min() else {
            return false;
        };
        if next >= end {
            return false;
        }
        self.now = self.now.max(next);
        match self.queue.first_key_value() {
            Some(((at, _), _)) if *at <= self.now => {
                if let Some((_, event)) = self.queue.pop_first() {
                    self.happen(event);
                }
            }
            _ => self.handle(Input::Timeout),
        }
        true
    }

    fn put(&mut self, after: Span, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), event);
    }

    fn latency(&mut self) -> Span {
        let max = self.knobs.latency.0 as u64;
        let longest = if self.random.below(10) == 0 {
            max
        } else {
            max / 8
        };
        Span(1 + self.random.below(longest + 1) as i64)
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        per_mille > 0 && self.random.below(1_000) < per_mille
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act => {
                if let Some(act) = self.world.act(&self.knobs, self.now) {
                    if let Some(heir) = act.heir {
                        self.note_heir(heir);
                    }
                    self.log(|_| format!("ACT {}", act.words));
                    if self.knobs.hints > 0 {
                        let wait = Span(self.random.below(4_000) as i64);
                        self.put(wait, Event::Hint);
                    }
                }
            }
            Event::Operate => self.operate(),
            Event::Hint => self.hint(),
            Event::Cycle => {
                self.want_cycle();
                let every = self.knobs.between_cycles;
                self.put(every, Event::Cycle);
            }
            Event::Tell(input) => self.handle(input),
            Event::Late(request) => {
                let answered = self.answer(&request);
                self.log(|_| format!("LATE {}", brief(&format!("{answered:?}"))));
            }
            Event::Arrive(job, request) => {
                let answer = self.arrive(job, request);
                if let Some(input) = answer {
                    let latency = self.latency();
                    self.put(latency, Event::Tell(input));
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.log(|_| format!("IN  {}", brief(&format!("{input:?}"))));
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll_output() {
            if self.chance(self.faults.crash) {
                self.crash(Some(output));
                return;
            }
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        self.log(|_| format!("OUT {}", brief(&format!("{output:?}"))));
        let input = match output {
            Output::Request { job, request } => {
                self.check_intent(&request);
                self.meet_opt_ins(&request);
                let latency = self.latency();
                self.put(latency, Event::Arrive(job, request));
                return;
            }
            Output::Load { keys, with_sent } => Input::Loaded(self.kept.load(&keys, with_sent)),
            Output::Page(page) => Input::Paged(self.kept.page(page)),
            Output::PageHeld { after, size_max } => {
                Input::HeldPaged(self.kept.held_page(after, size_max))
            }
            Output::Persist(batch) => {
                self.commit(batch);
                Input::Persisted
            }
            Output::Tell(told) => {
                self.hear(&told.fact);
                return;
            }
        };
        let wait = Span(self.random.below(20) as i64);
        self.put(wait, Event::Tell(input));
    }

    fn commit(&mut self, batch: Batch) {
        for change in &batch.0 {
            if let Change::AddAct(act) = change {
                // Whoever asked may never hear it, if the process ends now: it holds all the same.
                self.hear(&Fact::Accepted(act.run));
            }
            if let Change::PutPolicy(version) = change {
                self.take_policy(&version.policy);
            }
            if let Change::PutCursor(stream, cursor) = change
                && let Some(before) = self.kept.recovered.cursors.get(stream)
                && cursor.from < before.from
            {
                self.fail(format!(
                    "I-14: {stream:?} moved from {before:?} back to {cursor:?}"
                ));
            }
        }
        self.kept.apply(batch);
    }

    fn take_policy(&mut self, policy: &Policy) {
        let before = &self.knobs.policy.mapping;
        let rules = before.person.iter().chain(&policy.mapping.person);
        let changed = rules.filter(|rule| {
            before.rule(Kind::Person, rule.id) != policy.mapping.rule(Kind::Person, rule.id)
        });
        self.reconfigured.extend(changed.map(|rule| rule.id));
        self.knobs.policy = policy.clone();
    }

    /// One who is being opted in changes their mind before the write arrives.
    fn meet_opt_ins(&mut self, request: &Request) {
        let (Request::Salesforce(SalesforceRequest::Write { rows, .. })
        | Request::Automation(AutomationRequest::Write { rows, .. })) = request
        else {
            return;
        };
        if !self.knobs.acts_meet_opt_ins {
            return;
        }
        for row in rows.iter().filter(|row| row.consent == Some(Consent::In)) {
            let Target::Existing(id) = row.target else {
                continue;
            };
            if self.random.below(2) == 0
                && let Some(key) = Key::of(id)
                && let Some(act) = self.world.change_mind(&self.knobs, self.now, key)
            {
                self.log(|_| format!("ACT {}", act.words));
            }
        }
    }

    /// No write leaves before its intent is stored.
    fn check_intent(&mut self, request: &Request) {
        let (side, rows) = match request {
            Request::Salesforce(SalesforceRequest::Write { rows, .. }) => (Side::Salesforce, rows),
            Request::Automation(AutomationRequest::Write { rows, .. }) => (Side::Automation, rows),
            _ => return,
        };
        for row in rows {
            let link = self.kept.links.get(&row.link);
            let pending = link.and_then(|link| link.pending(side));
            if pending.is_none_or(|pending| pending.state != PendingState::Issued) {
                let link = row.link;
                self.fail(format!(
                    "a write of link {link} left before its intent was stored"
                ));
                return;
            }
        }
    }

    /// The process ends at this output. What was handed over may still be carried out.
    fn crash(&mut self, last: Option<Output>) {
        self.crashes += 1;
        self.log(|_| "CRASH".to_owned());
        if let Some(Output::Persist(batch)) = last
            && self.random.below(2) == 0
        {
            self.commit(batch);
        }
        let under_way: Vec<(JobId, Request)> = self
            .queue
            .values()
            .filter_map(|event| match event {
                Event::Arrive(job, request) => Some((*job, request.clone())),
                _ => None,
            })
            .collect();
        self.screen.forget_asked();
        self.queue.retain(|_, event| event.is_of_others());
        for (job, request) in under_way {
            if self.random.below(2) == 0 {
                self.arrive(job, request);
            }
        }
        self.start_engine();
    }

    /// A request at its system. Gives what the engine will hear.
    fn arrive(&mut self, job: JobId, request: Request) -> Option<Input> {
        let failed = |kind, code: &str| {
            Some(Input::Failed {
                job,
                failure: Failure::new(kind, code, "as drawn"),
                spent: Spent::default(),
            })
        };
        let is_write = matches!(
            request,
            Request::Salesforce(
                SalesforceRequest::Write { .. } | SalesforceRequest::SendActivities { .. }
            ) | Request::Automation(AutomationRequest::Write { .. })
        );
        let lost = if is_write {
            FailureKind::Unknown
        } else {
            FailureKind::Transient
        };
        if self.chance(self.faults.throttled) {
            let until = (self.random.below(2) == 0).then(|| self.now + Span::seconds(90));
            return failed(FailureKind::Throttled { until }, "429");
        }
        if self.chance(self.faults.lost_request) {
            self.log(|_| format!("LOST request {job}"));
            return failed(lost, "reset");
        }
        if let Some(creations) = creations_of(&request)
            && self.chance(self.faults.late)
        {
            self.log(|_| format!("LATE request {job}"));
            let wait = Span(self.random.below(LATE_MAX.0 as u64) as i64);
            self.put(wait, Event::Late(creations));
            return failed(lost, "timeout");
        }
        let answered = self.answer(&request);
        self.log(|_| format!("DID {job} {}", brief(&format!("{answered:?}"))));
        if self.chance(self.faults.lost_answer) {
            self.log(|_| format!("LOST answer {job}"));
            return failed(lost, "timeout");
        }
        Some(match answered {
            Ok((answer, spent)) => Input::Answered { job, answer, spent },
            Err((failure, spent)) => Input::Failed {
                job,
                failure,
                spent,
            },
        })
    }

    fn answer(&mut self, request: &Request) -> Result<(Answer, Spent), (Failure, Spent)> {
        match request {
            Request::Salesforce(request) => {
                let now = World::clock(&self.knobs, Side::Salesforce, self.now);
                let mut session = salesforce::inproc::Session::at(now);
                session.page_rows = self.knobs.page_rows[0];
                if let SalesforceRequest::Write { rows, .. } = request {
                    self.before_write(Side::Salesforce, rows);
                }
                let is_write = matches!(
                    request,
                    SalesforceRequest::Write { .. } | SalesforceRequest::SendActivities { .. }
                );
                if is_write && self.chance(self.faults.row_locked) {
                    session.fault = Some(FaultKind::RowLocked);
                } else if is_write && self.chance(self.faults.row_missing) {
                    session.fault = Some(FaultKind::RowMissing);
                }
                if let SalesforceRequest::SendActivities { .. } = request {
                    self.writes += 1;
                }
                let answer =
                    salesforce::inproc::answer(&mut self.world.salesforce, &session, request);
                if let (SalesforceRequest::Write { rows, .. }, Ok((answer, _))) = (request, &answer)
                {
                    self.after_write(rows, answer);
                }
                self.note_look(matches!(request, SalesforceRequest::Rows { .. }), &answer);
                answer
            }
            Request::Automation(request) => {
                let now = World::clock(&self.knobs, Side::Automation, self.now);
                let mut session = automation::inproc::Session::new(now, self.world.caller);
                session.page_rows = self.knobs.page_rows[1];
                if let AutomationRequest::Write { rows, .. } = request {
                    self.before_write(Side::Automation, rows);
                }
                let answer =
                    automation::inproc::answer(&mut self.world.automation, &session, request);
                if let (AutomationRequest::Write { rows, .. }, Ok((answer, _))) = (request, &answer)
                {
                    self.after_write(rows, answer);
                }
                self.note_look(matches!(request, AutomationRequest::Rows { .. }), &answer);
                if let Ok((Answer::Activities(page), _)) = &answer {
                    self.note_left_out(&page.activities);
                }
                answer
            }
        }
    }
}

/// The part of a request that makes records, if it makes any.
fn creations_of(request: &Request) -> Option<Request> {
    let mut request = request.clone();
    let (Request::Salesforce(SalesforceRequest::Write { rows, .. })
    | Request::Automation(AutomationRequest::Write { rows, .. })) = &mut request
    else {
        return None;
    };
    rows.retain(|row| !matches!(row.target, Target::Existing(_)));
    (!rows.is_empty()).then_some(request)
}

fn settings(knobs: &Knobs) -> Settings {
    Settings {
        policy: std::sync::Arc::new(knobs.policy.clone()),
        timetable: Timetable {
            overlap: knobs.overlap,
            ..Timetable::default()
        },
        daily_share: 1.0,
        writes: Writes::Send,
        brake: Brake::Released,
        chunk_size_max: knobs.chunk_size,
    }
}

/// The beginning of a long line.
fn brief(text: &str) -> String {
    text.chars().take(1_500).collect()
}
