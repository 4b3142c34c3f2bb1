//! Decides. Touches no file, socket, clock or chance: inputs come in, outputs go out, as data.
//!
//! Five verbs: [`Engine::handle`], [`Engine::poll_output`], [`Engine::poll_timeout`],
//! [`Engine::snapshot`], and [`Engine::new`] before them. The same inputs in the same order give the
//! same outputs. Two orderings hold over every trace: a cursor never moves before what it covers is
//! persisted, and a write never leaves before the intent that names it is persisted.
//!
//! Inside, one piece of work is done after the other: its links are loaded, changed and persisted. The
//! next may begin before that is durable only if it shares no link with it, so no two pieces can
//! disagree about one. Requests to the two systems run beside that, and their answers become work.

pub mod accounts;
pub mod consent;
pub mod decide;
mod evidence;
pub mod forecast;
pub mod limits;
#[cfg(test)]
pub(crate) mod mutants;
pub mod observe;
pub mod owners;
pub mod pair;
pub mod reconcile;

mod activities;
mod claims;
mod commands;
mod cycle;
mod keys;
mod leaving;
mod outcomes;
mod pairing;
mod purged;
mod push;
mod read;
mod rows;
mod setup;
mod sides;
mod transaction;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use commands::has_read_everybody;

use crate::domain::activity::HeldActivity;
use crate::domain::command::{Fact, Instruction, Told, Totals};
use crate::domain::cursor::{Coverage, Cursor, Stream};
use crate::domain::failure::Failure;
use crate::domain::ids::{JobId, LinkId, RunId, Side};
use crate::domain::link::{Link, Mark};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::operator::SessionId;
use crate::domain::record::{Batch, LinkKey, LinkPage, Loaded, Plan, Recovered, Tally};
use crate::domain::request::{Answer, Request, Spent};
use crate::domain::setup::Timetable;
use crate::domain::snapshot::{Reviewing, Snapshot};
use crate::domain::time::Timestamp;
use crate::engine::accounts::Accounts;
use crate::engine::activities::Transfer;
use crate::engine::cycle::Cycle;
use crate::engine::limits::FieldLimits;
use crate::engine::owners::Directory;
use crate::engine::push::Outbox;
use crate::engine::reconcile::Lost;
use crate::engine::sides::SideState;
use crate::engine::transaction::Transactions;
use crate::engine::work::{Job, Work};

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Answered {
        job: JobId,
        answer: Answer,
        spent: Spent,
    },
    Failed {
        job: JobId,
        failure: Failure,
        spent: Spent,
    },
    Loaded(Loaded),
    Paged(Vec<Link>),
    HeldPaged(Vec<HeldActivity>),
    Persisted,
    Instructed(Instruction),
    Timeout,
    /// Issue nothing new; what is under way may end.
    Stop,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Request {
        job: JobId,
        request: Request,
    },
    /// Answered by [`Input::Loaded`]. At most one of the three that read is open at a time, and one
    /// [`Persist`](Self::Persist) beside it.
    Load {
        keys: Vec<LinkKey>,
        with_sent: bool,
    },
    /// Answered by [`Input::Paged`].
    Page(LinkPage),
    /// Answered by [`Input::HeldPaged`].
    PageHeld {
        after: Option<String>,
        size_max: usize,
    },
    /// Answered by [`Input::Persisted`] once it would survive a power cut.
    Persist(Batch),
    Tell(Told),
}

/// How the engine is to work. The policy is the operator's; this is how far it may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub policy: Arc<Policy>,
    /// Its overlap is read again before the end of the last window: late commits turn up there.
    pub timetable: Timetable,
    /// Of the organisation's daily API calls, the share that is ours.
    pub daily_share: f64,
    pub writes: Writes,
    /// A cycle that would overwrite or delete more than this stops and asks.
    pub brake: Brake,
    /// Rows per transaction with the store; a batch's memory grows with it.
    pub chunk_size_max: usize,
}

/// Whether anything leaves for the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    Send,
    /// Dry run: the same work, with the writes counted and left out.
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brake {
    On { links_max: u64, percent_max: u64 },
    Released,
}

impl Brake {
    /// Fewer than five hundred overwrites are a day's work; a third of everybody is a mistake.
    pub const DEFAULT: Self = Self::On {
        links_max: 500,
        percent_max: 30,
    };
}

pub struct Engine {
    settings: Settings,
    mapping: Arc<Mapping>,
    directory: Directory,
    accounts: Accounts,
    limits: FieldLimits,
    tally: Tally,
    links_total: u64,
    /// The highest number of a contact that was read: whoever has a higher one may be unread.
    newest_contact: u64,
    cursors: BTreeMap<Stream, Cursor>,
    coverage: BTreeMap<Side, Coverage>,
    plans: BTreeMap<RunId, Plan>,
    sides: [SideState; 2],
    outbox: Outbox,
    cycle: Cycle,
    /// The last cycle that read had to leave a stream before its end.
    is_partly_read: bool,
    transfer: Option<Transfer>,
    /// What a backfill would send is to be counted in the next cycle.
    survey: Option<cycle::Asked>,
    /// Who decided what in this process, for whoever comes second.
    decided: BTreeMap<LinkId, (String, Timestamp)>,
    setup: setup::Setup,
    inbox: VecDeque<Work>,
    transactions: Transactions,
    jobs: BTreeMap<JobId, Job>,
    next_job: u64,
    /// When the last write to that side of a link ended in this cycle: a request numbered up to the
    /// one noted began before that, and may show the record as it was.
    written_before: BTreeMap<(LinkId, Side), JobId>,
    /// Edits that a write still on its way overwrites, once they are in the history.
    overwritten: BTreeMap<(LinkId, Side), Vec<Lost>>,
    /// Links whose evidence was read after the last news of their consent.
    fresh: BTreeSet<LinkId>,
    totals: Totals,
    outputs: VecDeque<Output>,
    is_stopping: bool,
    #[cfg(test)]
    pub(crate) mutant: Option<mutants::Mutant>,
}

impl Engine {
    pub fn new(settings: Settings, recovered: Recovered) -> Self {
        let mut engine = Self {
            mapping: Arc::default(),
            setup: setup::Setup::new(
                Arc::clone(&settings.policy),
                settings.timetable,
                (recovered.policy.as_ref(), recovered.suspended),
                recovered.review,
            ),
            settings,
            directory: Directory::default(),
            accounts: Accounts::default(),
            limits: FieldLimits::default(),
            tally: recovered.tally,
            links_total: recovered.counts.links,
            newest_contact: 0,
            cursors: recovered.cursors,
            coverage: recovered.coverage,
            plans: recovered
                .plans
                .into_iter()
                .map(|plan| (plan.run, plan))
                .collect(),
            sides: [SideState::default(), SideState::default()],
            outbox: Outbox::default(),
            cycle: Cycle::default(),
            is_partly_read: false,
            transfer: None,
            survey: None,
            decided: BTreeMap::new(),
            inbox: VecDeque::new(),
            transactions: Transactions::default(),
            jobs: BTreeMap::new(),
            next_job: 0,
            written_before: BTreeMap::new(),
            overwritten: BTreeMap::new(),
            fresh: BTreeSet::new(),
            totals: Totals::default(),
            outputs: VecDeque::new(),
            is_stopping: false,
            #[cfg(test)]
            mutant: None,
        };
        if engine.settings.brake == Brake::Released {
            engine.tally.is_braked = false;
        }
        engine.outbox.recover(recovered.unpaired);
        engine.work_by_what_is_in_force();
        engine.side_mut(Side::Salesforce).calls = engine.tally.calls.iter().copied().collect();
        for mark in [Mark::Pending, Mark::SetAside, Mark::Dead] {
            engine.inbox.push_back(Work::Recover { mark, after: None });
        }
        engine
    }

    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Answered { job, answer, spent } => self.on_answered(now, job, answer, spent),
            Input::Failed {
                job,
                failure,
                spent,
            } => self.on_failed(now, job, failure, spent),
            Input::Loaded(loaded) => self.on_loaded(now, loaded),
            Input::Paged(links) => self.on_paged(now, links),
            Input::HeldPaged(held) => self.on_held_paged(held),
            Input::Persisted => self.on_persisted(),
            Input::Instructed(instruction) => self.on_instructed(instruction),
            Input::Timeout => {}
            Input::Stop => self.is_stopping = true,
        }
        for side in &mut self.sides {
            // A wait that is over is no deadline any more, or whoever asks would ask for ever.
            side.waits_until = side.waits_until.filter(|until| *until > now);
        }
        self.advance(now);
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`] if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.is_stopping {
            return None;
        }
        // Retries are taken up while writing; at any other time they wait for a cycle.
        let is_pushing = self.cycle.phase == cycle::Phase::Pushing;
        let due = self.outbox.next_due().filter(|_| is_pushing);
        let sides = self.sides.iter().filter_map(|side| side.waits_until);
        sides.chain(due).chain(self.cycle.next_start()).min()
    }

    pub fn snapshot(&self) -> Snapshot {
        let both = Side::BOTH.into_iter();
        Snapshot {
            totals: self.totals.clone(),
            phase: self.cycle.phase,
            next_cycle: self.cycle.next_start(),
            rounds: self.cycle.rounds(),
            is_idle: self.is_idle(),
            queued: both
                .clone()
                .map(|side| (side, self.outbox.queued(side) as u64))
                .collect(),
            waiting: self.outbox.waiting() as u64,
            stopped: both
                .clone()
                .filter_map(|side| Some((side, self.side(side).stopped.clone()?)))
                .collect(),
            stopped_at: both
                .clone()
                .filter(|side| self.side(*side).stopped.is_some())
                .filter_map(|side| Some((side, self.side(side).stopped_at?)))
                .collect(),
            waits_until: both
                .clone()
                .filter_map(|side| Some((side, self.side(side).waits_until?)))
                .collect(),
            answered: both
                .filter_map(|side| Some((side, self.side(side).answered?)))
                .collect(),
            is_braked: self.tally.is_braked,
            coverage: self.coverage.clone(),
            limit: self.side(Side::Salesforce).limit,
            budget: self
                .side(Side::Salesforce)
                .budget(self.settings.daily_share),
            transfer: self.transfer.as_ref().map(Transfer::progress),
            paused: self.tally.paused.clone(),
            published: self.settings.policy.published,
            plans: self.plans.values().cloned().collect(),
            suspended: self.setup.suspended().to_vec(),
            // Known to whoever receives them.
            hearing: None,
            review: self.setup.review().map(|review| Reviewing {
                looked_at: review.looked_at,
                of: self.links_total,
            }),
        }
    }

    /// Nothing is under way and nothing is left to do now. Writes that wait for a retry, and a
    /// schedule that has not come, do not count.
    pub fn is_idle(&self) -> bool {
        !self.is_busy() && self.cycle.is_over()
    }

    /// After a stop: nothing is under way any more.
    pub fn is_stopped(&self) -> bool {
        self.is_stopping && !self.is_busy()
    }

    fn is_busy(&self) -> bool {
        !self.transactions.is_empty()
            || !self.jobs.is_empty()
            || !self.outputs.is_empty()
            || !self.inbox.is_empty() && !self.is_stopping
    }

    fn side(&self, side: Side) -> &SideState {
        &self.sides[side as usize]
    }

    fn side_mut(&mut self, side: Side) -> &mut SideState {
        &mut self.sides[side as usize]
    }

    fn tell(&mut self, fact: Fact) {
        self.outputs
            .push_back(Output::Tell(Told { to: None, fact }));
    }

    /// Tells only whoever asked.
    fn answer(&mut self, session: SessionId, fact: Fact) {
        let to = Some(session);
        self.outputs.push_back(Output::Tell(Told { to, fact }));
    }

    fn next_run(&mut self) -> RunId {
        self.tally.next_run += 1;
        RunId(self.tally.next_run)
    }
}
