//! What an operator waits for: a console of 200 × 60 over a store of many people, with the pool at work
//! on others. Every key goes the whole way: session, model, frame, terminal.
//!
//! `cargo bench --bench console` takes 100,000 people, `cargo bench --bench console -- 1000000` a
//! million.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints figures"
)]

#[path = "common/mod.rs"]
mod common;
#[path = "common/names.rs"]
mod names;
#[path = "common/people.rs"]
mod people;
#[path = "common/rules.rs"]
mod rules;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{disk, peak_megabytes};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::future::BoxFuture;
use names::names;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use passerelle::adapters::SystemClock;
use passerelle::app::desk::Desk;
use passerelle::console::keymap::{Keymap, Preset};
use passerelle::console::query::{Answer, Found, Searched};
use passerelle::console::theme::{Depth, Shade, Signs, Theme};
use passerelle::console::{
    Ground, Instance, Language, Model, Msg, Query, Settings, Ticket, Tongue,
};
use passerelle::domain::command::{Command, Instruction, Scope};
use passerelle::domain::mapping::Policy;
use passerelle::domain::operator::{Role, SessionId};
use passerelle::domain::record::{Batch, Change};
use passerelle::domain::setup::Timetable;
use passerelle::domain::time::{Span, Timestamp};
use passerelle::engine::{Brake, Engine, Settings as EngineSettings, Writes};
use passerelle::pool::{Outside, Pool};
use passerelle::ports::{Clock, Store};
use passerelle::session::{Ended, Host, Input, Sent, Time, Wires, drive};
use passerelle::sim::automation::user::UserId;
use passerelle::sim::world::World;
use passerelle::sim::{automation, clock, salesforce};
use passerelle::store::SledStore;
use people::person;
use rules::rules;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const PEOPLE: u64 = 100_000;

/// Numbers of the people in the store begin here, far from those that the pool gives.
const FIRST: u64 = 10_000_000;

/// As many as one page of a system brings.
const BATCH_SIZE: u64 = 200;

/// Whom the pool brings to agreement meanwhile: a minute of work and more.
const AT_WORK: u32 = 40_000;

const SIZE: (u16, u16) = (200, 60);

const KEYS: usize = 600;

/// Between two keys: a little faster than they repeat, and in no rhythm with the frames.
const BETWEEN_KEYS: Duration = Duration::from_millis(29);

const IDLE: Duration = Duration::from_secs(10);

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Cargo passes `--bench` to every benchmark.
    let people = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(PEOPLE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = Instant::now();
    let place = Place::new(folder.path(), people).await;
    println!(
        "{people} people in the store, {} MB, written in {:.0} s",
        disk(&place.data) / 1_000_000,
        start.elapsed().as_secs_f64()
    );
    for what in ["idle", "at work"] {
        let pool = place.pool(what == "at work").await;
        println!("the pool is {what}:");
        let mut operator = place.sit_down(&pool).await;
        operator.presses_keys().await;
        if what == "idle" {
            operator.does_nothing().await;
        }
        operator.leaves().await;
        place.searches(&pool, people).await;
        let is_idle = pool.snapshots.borrow().is_idle;
        assert_eq!(is_idle, what == "idle", "the pool worked to the end");
        pool.stop();
        pool.ended().await.expect("a sync without an error");
    }
    println!("peak memory with the simulators: {} MB", peak_megabytes());
}

struct Place {
    outside: Outside,
    policy: Arc<Policy>,
    engine: EngineSettings,
    described: passerelle::domain::drift::Descriptions,
    data: std::path::PathBuf,
}

impl Place {
    async fn new(folder: &Path, people: u64) -> Self {
        let data = folder.join("data");
        let store = Arc::new(SledStore::open(&data, "a measurement").expect("the store opens"));
        let named = store.commit(Batch(vec![names()])).await;
        named.expect("a commit");
        let mut id = 0;
        while id < people {
            let end = people.min(id + BATCH_SIZE);
            let puts = (id..end).map(|id| Change::PutLink(Box::new(person(FIRST + id))));
            store.commit(Batch(puts.collect())).await.expect("a commit");
            id = end;
        }
        let sim_clock: clock::Clock =
            Arc::new(|| clock::Timestamp::from_millis(SystemClock.now().0));
        let mut world = World::new(1, AT_WORK, sim_clock());
        let caller = world.automation.caller_for_user(UserId(1));
        let salesforce = salesforce::inproc::InProcess::new(
            Arc::new(Mutex::new(world.salesforce)),
            Arc::clone(&sim_clock),
        );
        let automation = automation::inproc::InProcess::new(
            Arc::new(Mutex::new(world.automation)),
            sim_clock,
            caller.expect("the administrator"),
        );
        let outside = Outside {
            salesforce: Arc::new(salesforce),
            automation: Arc::new(automation),
            store,
            clock: Arc::new(SystemClock),
        };
        let (policy, described) = rules(folder, &outside).await;
        let engine = EngineSettings {
            policy: Arc::clone(&policy),
            timetable: Timetable {
                overlap: Span::minutes(20),
                ..Timetable::default()
            },
            daily_share: 1.0,
            writes: Writes::Send,
            brake: Brake::Released,
            chunk_size_max: 400,
        };
        Self {
            outside,
            policy,
            engine,
            described,
            data,
        }
    }

    async fn pool(&self, is_at_work: bool) -> Pool {
        let recovered = self.outside.store.recover().await.expect("recover");
        let mut engine = Engine::new(self.engine.clone(), recovered);
        engine.take_descriptions(&self.described);
        let pool = Pool::spawn(engine, self.outside.clone());
        if is_at_work {
            let cycle = Instruction::ourselves(Command::RunCycle(Scope::ALL));
            pool.commands.send(cycle).await.expect("a pool");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        pool
    }

    fn desk(&self, pool: &Pool) -> Desk {
        Desk {
            reception: None,
            store: self.outside.store.clone(),
            setups: pool.setups.clone(),
            journal: Arc::clone(&pool.journal),
            data: self.data.clone(),
            settings: serde_json::Value::Null,
            doctor: passerelle::app::desk::Doctor::default(),
            snapshots: pool.snapshots.clone(),
            clock: self.outside.clock.clone(),
            role: Role::Admin,
            outside: Some(self.outside.clone()),
        }
    }

    /// Opens a console; answers once its first useful frame is there.
    async fn sit_down(&self, pool: &Pool) -> Operator {
        let start = Instant::now();
        let (inputs, inbox) = mpsc::channel(64);
        let (questions, asked) = mpsc::channel(16);
        let (told, answers) = mpsc::channel(16);
        let (frames, mut drawn) = mpsc::channel::<Vec<u8>>(1);
        let (took, taken) = mpsc::channel(1);
        let desk = tokio::spawn(self.desk(pool).serve(asked, told));
        let mut wires = Wires {
            session: SessionId(1),
            inputs: inbox,
            snapshots: pool.snapshots.clone(),
            setups: pool.setups.clone(),
            facts: pool.facts(),
            present: tokio::sync::watch::channel(Arc::default()).1,
            questions,
            answers,
            commands: Box::new(|_, _| Sent::Yes),
            looks: Box::new(|_| {}),
            heard: Box::new(|_| {}),
            frames,
            taken,
            time: Arc::new(Machine),
        };
        let mut model = Model::new(self.settings());
        let session = tokio::spawn(async move { drive(&mut model, &mut wires, &mut NoHost).await });
        let bytes = Arc::new(AtomicU64::new(0));
        let (seen, shown) = mpsc::channel(1_024);
        let counted = Arc::clone(&bytes);
        tokio::spawn(async move {
            while let Some(frame) = drawn.recv().await {
                counted.fetch_add(frame.len() as u64, Ordering::Relaxed);
                let is_useful = frame.windows(6).any(|part| part == b"linked");
                let _ = seen.try_send((Instant::now(), is_useful));
                if took.send(Ok(())).await.is_err() {
                    return;
                }
            }
        });
        let mut operator = Operator {
            inputs,
            shown,
            bytes,
            session,
            desk,
        };
        let (first, mut is_useful) = operator.frame().await;
        println!("  first paint: {}", milliseconds(first - start));
        let mut at = first;
        while !is_useful {
            (at, is_useful) = operator.frame().await;
        }
        println!("  first useful frame: {}", milliseconds(at - start));
        operator
    }

    fn settings(&self) -> Settings {
        Settings {
            instance: Instance {
                name: "measurement".to_owned(),
                operator: "claire".to_owned(),
                ground: Ground::Practice,
                session: SessionId(1),
                role: Role::Admin,
            },
            policy: Arc::clone(&self.policy),
            language: Language::new(Tongue::English),
            theme: Theme {
                depth: Depth::True,
                shade: Shade::Dark,
                signs: Signs::Unicode,
            },
            keymap: Keymap::preset(Preset::Default).expect("the default keys"),
            now: SystemClock.now(),
            size: SIZE,
        }
    }

    /// By a part of a name that many have, by one that only the last has, and by one that nobody has,
    /// left for another search.
    async fn searches(&self, pool: &Pool, people: u64) {
        let (questions, asked) = mpsc::channel(16);
        let (told, answers) = mpsc::channel(16);
        let desk = tokio::spawn(self.desk(pool).serve(asked, told));
        let mut search = Searching {
            questions,
            answers,
            tickets: 0,
        };
        let (first, all) = search.run("sophie lefebvre").await;
        println!(
            "  search of many: first results {}, all {}",
            milliseconds(first),
            milliseconds(all)
        );
        let last = person(FIRST + people - 1);
        let email = last.fields[0].salesforce.as_ref().expect("an address");
        let (first, _) = search.run(&email.to_string()).await;
        println!("  search by address: {}", milliseconds(first));
        let (_, all) = search.run("nobody is called this").await;
        println!("  search of nobody: all {}", milliseconds(all));
        search
            .ask(Query::Search("nobody is called that".to_owned()))
            .await;
        let mut others: Vec<Duration> = Vec::new();
        for _ in 0..50 {
            let start = Instant::now();
            let ticket = search.ask(Query::Standing).await;
            search.until(ticket).await;
            others.push(start.elapsed());
        }
        print("another question meanwhile", &mut others);
        let (first, _) = search.run("sophie lefebvre").await;
        println!("  a newer search, first results: {}", milliseconds(first));
        desk.abort();
    }
}

struct Searching {
    questions: mpsc::Sender<(Ticket, Query)>,
    answers: mpsc::Receiver<Msg>,
    tickets: u64,
}

impl Searching {
    async fn ask(&mut self, query: Query) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.questions.send((ticket, query)).await.expect("a desk");
        ticket
    }

    async fn until(&mut self, wanted: Ticket) -> Answer {
        loop {
            match self.answers.recv().await.expect("an answer") {
                Msg::Answered(ticket, answer) if ticket == wanted => return answer,
                Msg::Unanswered(_, error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    /// How long until the first rows are there, and until all are.
    async fn run(&mut self, wanted: &str) -> (Duration, Duration) {
        let start = Instant::now();
        let ticket = self.ask(Query::Search(wanted.to_owned())).await;
        let mut first = None;
        loop {
            let Answer::Found(Found { page, searched }) = self.until(ticket).await else {
                panic!("an answer to another question");
            };
            if !page.rows.is_empty() {
                first.get_or_insert_with(|| start.elapsed());
            }
            if searched == Searched::All {
                let all = start.elapsed();
                return (first.unwrap_or(all), all);
            }
        }
    }
}

/// Somebody before a terminal that takes every frame at once.
struct Operator {
    inputs: mpsc::Sender<Input>,
    /// When each frame was there, and whether it shows what the store holds.
    shown: mpsc::Receiver<(Instant, bool)>,
    bytes: Arc<AtomicU64>,
    session: JoinHandle<Ended>,
    desk: JoinHandle<()>,
}

impl Operator {
    async fn frame(&mut self) -> (Instant, bool) {
        self.shown.recv().await.expect("a frame")
    }

    async fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        let key = Event::Key(KeyEvent::new(code, modifiers));
        self.inputs
            .send(Input::Event(key))
            .await
            .expect("a session");
    }

    /// Goes through the screens and up and down in them.
    async fn presses_keys(&mut self) {
        let keys = [
            '1', 'j', 'j', '2', '3', 'j', 'k', '5', 'j', 'G', 'k', '6', '9', '?',
        ];
        let mut took = Vec::with_capacity(KEYS);
        for key in keys.into_iter().cycle().take(KEYS) {
            tokio::time::sleep(BETWEEN_KEYS).await;
            while self.shown.try_recv().is_ok() {}
            let start = Instant::now();
            let code = if key == '?' {
                KeyCode::Esc
            } else {
                KeyCode::Char(key)
            };
            self.press(code, KeyModifiers::NONE).await;
            let (at, _) = self.frame().await;
            took.push(at - start);
        }
        print("from a key to its frame", &mut took);
    }

    async fn does_nothing(&self) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (bytes, used) = (self.bytes.load(Ordering::Relaxed), processor());
        tokio::time::sleep(IDLE).await;
        println!(
            "  {} s without a change: {} bytes written, {} of processor time",
            IDLE.as_secs(),
            self.bytes.load(Ordering::Relaxed) - bytes,
            milliseconds(processor().saturating_sub(used))
        );
    }

    async fn leaves(self) {
        self.press(KeyCode::Char('c'), KeyModifiers::CONTROL).await;
        let ended = self.session.await.expect("a session");
        assert!(matches!(ended, Ended::Left), "{ended:?}");
        self.desk.abort();
    }
}

struct NoHost;

impl Host for NoHost {
    fn suspend(&mut self) -> std::io::Result<(u16, u16)> {
        Ok(SIZE)
    }
}

struct Machine;

impl Time for Machine {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        SystemClock.sleep(span)
    }
}

/// What this process used of it so far.
fn processor() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("figures");
    let used = usage.user_time() + usage.system_time();
    Duration::from_micros(used.num_microseconds().cast_unsigned())
}

fn print(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: usize| milliseconds(took[(took.len() - 1) * share / 100]);
    println!(
        "  {what}: p50 {}, p99 {}, worst {}",
        at(50),
        at(99),
        at(100)
    );
}

fn milliseconds(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1_000.0)
}
