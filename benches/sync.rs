//! The whole sync: real engine, pool and store, both simulators in process, no network and no
//! latency. Then 100,000 activities with a latency of 200 ms for each call to Salesforce.
//!
//! `cargo bench --bench sync` takes 100,000 people, `cargo bench --bench sync -- 10000` ten
//! thousand.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints figures"
)]

#[path = "common/mod.rs"]
mod common;
#[path = "common/rules.rs"]
mod rules;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{disk, peak_megabytes};
use futures_util::future::BoxFuture;
use passerelle::adapters::SystemClock;
use passerelle::domain::command::{BySide, Command, Fact, Instruction, Scope};
use passerelle::domain::drift::Descriptions;
use passerelle::domain::ids::Side;
use passerelle::domain::link::Mark;
use passerelle::domain::mapping::Policy;
use passerelle::domain::record::{Batch, Change, PolicyVersion};
use passerelle::domain::setup::Timetable;
use passerelle::domain::snapshot::Snapshot;
use passerelle::domain::time::{Span, Timestamp};
use passerelle::engine::{Brake, Engine, Settings, Writes};
use passerelle::pool::{Outside, Pool};
use passerelle::ports::{Clock, Store};
use passerelle::sim::automation::Automation;
use passerelle::sim::automation::acts::Visit;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::schema::CONTACT;
use passerelle::sim::salesforce::{Call, Salesforce};
use passerelle::sim::world::World;
use passerelle::sim::{automation, clock, salesforce};
use passerelle::store::SledStore;
use rules::rules;

const PEOPLE: u32 = 100_000;

/// One in so many is edited on each side before the second measurement.
const EDITED_ONE_IN: usize = 10;

const ACTIVITIES: usize = 100_000;

/// Those who are active.
const VISITORS: u32 = 1_000;

const LATENCY: Duration = Duration::from_millis(200);

/// More cycles than this would be going in circles.
const CYCLES_MAX: u32 = 12;

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Cargo passes `--bench` to every benchmark.
    let people = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(PEOPLE);
    whole_sync(people).await;
    activities().await;
}

async fn whole_sync(people: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::new(folder.path(), people, Duration::ZERO).await;
    println!(
        "the two simulators of {people} people: {} MB",
        peak_megabytes()
    );
    let first = place.run(Scope::ALL, CYCLES_MAX).await;
    first.print("first sync", people);
    place.print_size(people).await;
    place.run(Scope::ALL, CYCLES_MAX).await.wrote_nothing();
    println!("run again: 0 writes");
    let edited = place.edit();
    let drifted = place.run(Scope::ALL, CYCLES_MAX).await;
    drifted.print("after edits on both sides", edited);
    place.run(Scope::ALL, CYCLES_MAX).await.wrote_nothing();
    println!("run again: 0 writes");
    println!("peak memory with the simulators: {} MB", peak_megabytes());
    place.print_size(people).await;
}

async fn activities() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::new(folder.path(), VISITORS, LATENCY).await;
    place.run(Scope::ALL, CYCLES_MAX).await;
    place.visit();
    let only = Scope {
        activities: true,
        ..Scope::OUTBOX
    };
    let sent = place.run(only, 1).await;
    sent.print("activities with 200 ms for each call", ACTIVITIES as u32);
    place.run(Scope::ALL, CYCLES_MAX).await.wrote_nothing();
    println!("run again: 0 writes");
}

/// The machine's clock, set forward by as much as should have passed between two measurements.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn pass(&self, span: Span) {
        self.0.fetch_add(span.0, Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Span(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        SystemClock.sleep(span)
    }
}

/// Both systems and a passerelle between them.
struct Place {
    salesforce: Arc<Mutex<Salesforce>>,
    automation: Arc<Mutex<Automation>>,
    store: Arc<SledStore>,
    clock: Ahead,
    outside: Outside,
    policy: Arc<Policy>,
    described: Descriptions,
    data: std::path::PathBuf,
}

impl Place {
    async fn new(folder: &Path, people: u32, latency: Duration) -> Self {
        let clock = Ahead::default();
        let reading = clock.clone();
        let sim_clock: clock::Clock =
            Arc::new(move || clock::Timestamp::from_millis(reading.now().0));
        let mut world = World::new(1, people, sim_clock());
        let caller = world.automation.caller_for_user(UserId(1));
        let salesforce = Arc::new(Mutex::new(world.salesforce));
        let automation = Arc::new(Mutex::new(world.automation));
        let salesforce_port =
            salesforce::inproc::InProcess::new(Arc::clone(&salesforce), Arc::clone(&sim_clock))
                .with_latency(latency);
        let automation_port = automation::inproc::InProcess::new(
            Arc::clone(&automation),
            sim_clock,
            caller.expect("the administrator"),
        );
        let data = folder.join("data");
        let store = Arc::new(SledStore::open(&data, "a measurement").expect("the store opens"));
        let outside = Outside {
            salesforce: Arc::new(salesforce_port),
            automation: Arc::new(automation_port),
            store: store.clone(),
            clock: Arc::new(clock.clone()),
        };
        let (policy, described) = rules(folder, &outside).await;
        let version = PolicyVersion {
            version: 1,
            at: clock.now(),
            author: "a measurement".to_owned(),
            policy: (*policy).clone(),
            timetable: None,
        };
        let put = Batch(vec![Change::PutPolicy(Box::new(version))]);
        store.commit(put).await.expect("a commit");
        Self {
            salesforce,
            automation,
            store,
            clock,
            outside,
            policy,
            described,
            data,
        }
    }

    /// Cycles until one writes nothing. Then an hour passes.
    async fn run(&self, scope: Scope, cycles_max: u32) -> Done {
        let start = Instant::now();
        let pool = Pool::spawn(self.engine().await, self.outside.clone());
        let mut facts = pool.facts();
        let run_cycle = || Instruction::ourselves(Command::RunCycle(scope));
        pool.commands.send(run_cycle()).await.expect("a pool");
        let mut written = BySide::default();
        let mut cycles = 0;
        loop {
            if facts.recv().await.expect("a pool").fact != Fact::CycleEnded {
                continue;
            }
            cycles += 1;
            let totals = pool.snapshots.borrow().totals.written.clone();
            if totals == written || cycles == cycles_max {
                break;
            }
            written = totals;
            pool.commands.send(run_cycle()).await.expect("a pool");
        }
        pool.stop();
        let snapshot = pool.ended().await.expect("a sync without an error");
        assert!(cycles < CYCLES_MAX, "going in circles: {snapshot:#?}");
        assert!(snapshot.stopped.is_empty(), "{:#?}", snapshot.stopped);
        let seconds = start.elapsed().as_secs_f64();
        self.clock.pass(Span::hours(1));
        Done {
            seconds,
            cycles,
            snapshot,
        }
    }

    async fn engine(&self) -> Engine {
        let settings = Settings {
            policy: Arc::clone(&self.policy),
            timetable: Timetable {
                overlap: Span::minutes(20),
                ..Timetable::default()
            },
            daily_share: 1.0,
            writes: Writes::Send,
            brake: Brake::Released,
            chunk_size_max: 400,
        };
        let recovered = self.store.recover().await.expect("recover");
        let mut engine = Engine::new(settings, recovered);
        engine.take_descriptions(&self.described);
        engine
    }

    async fn print_size(&self, people: u32) {
        let counts = self.store.recover().await.expect("recover").counts;
        let waiting = counts.marks.get(&Mark::Conflict).copied().unwrap_or(0);
        let bytes = disk(&self.data);
        println!(
            "{} links, {waiting} wait for a person, {} MB on disk, {} bytes for each person",
            counts.links,
            bytes / 1_000_000,
            bytes / u64::from(people)
        );
    }

    /// People edit on both sides; answers how many records they changed.
    fn edit(&self) -> u32 {
        let now = clock::Timestamp::from_millis(self.clock.now().0);
        let mut edited = 0;
        let mut brain = locked(&self.salesforce);
        let call = Call::person(now, brain.integration_user());
        let live = brain
            .records(CONTACT)
            .filter(|(_, record)| !record.is_deleted);
        let ids: Vec<_> = live.map(|(id, _)| id).step_by(EDITED_ONE_IN / 2).collect();
        for (number, id) in ids.into_iter().enumerate() {
            let fields = vec![(
                "Phone".to_owned(),
                Input::Text(format!("+33 4 73 {number}")),
            )];
            edited += u32::from(brain.update(&call, id, &fields).is_ok());
        }
        drop(brain);
        let mut brain = locked(&self.automation);
        let all = brain.contacts().all().map(|contact| contact.id);
        let ids: Vec<_> = all.skip(1).step_by(EDITED_ONE_IN).collect();
        for (number, id) in ids.into_iter().enumerate() {
            let input = ContactInput::default().with("position", format!("Buyer {number}"));
            let done = brain.user_edits(now, UserId(1), id, &input);
            edited += u32::from(done.is_ok());
        }
        drop(brain);
        self.clock.pass(Span::hours(1));
        edited
    }

    /// A second between one page hit and the next, after everybody is linked.
    fn visit(&self) {
        self.clock.pass(Span::seconds(ACTIVITIES as i64 + 60));
        let now = clock::Timestamp::from_millis(self.clock.now().0);
        let mut brain = locked(&self.automation);
        let people: Vec<_> = brain.contacts().all().map(|contact| contact.id).collect();
        let visit = Visit {
            url: "https://orion.example/tarifs",
            title: "Tarifs",
            address: "192.0.2.7",
            ..Visit::default()
        };
        for number in 0..ACTIVITIES {
            let at = now.plus_millis(-1_000 * (ACTIVITIES - number) as i64);
            brain.hit(at, people[number % people.len()], &visit);
        }
        drop(brain);
        self.clock.pass(Span::hours(1));
    }
}

/// What a run until idle came to.
struct Done {
    seconds: f64,
    cycles: u32,
    snapshot: Snapshot,
}

impl Done {
    fn print(&self, what: &str, count: u32) {
        let totals = &self.snapshot.totals;
        println!(
            "{what}: {count} in {:.1} s and {} cycles, {:.0} a second; {} read, {} written; {} calls \
             to Salesforce, {} to Automation",
            self.seconds,
            self.cycles,
            f64::from(count) / self.seconds,
            Side::BOTH
                .map(|side| totals.read.sum(side))
                .iter()
                .sum::<u64>(),
            Side::BOTH
                .map(|side| totals.written.sum(side))
                .iter()
                .sum::<u64>(),
            totals.calls.sum(Side::Salesforce),
            totals.calls.sum(Side::Automation),
        );
    }

    fn wrote_nothing(&self) {
        assert_eq!(self.snapshot.totals.written, BySide::default());
    }
}

fn locked<B>(brain: &Mutex<B>) -> MutexGuard<'_, B> {
    brain.lock().unwrap_or_else(PoisonError::into_inner)
}
