//! What the store costs: durable batches a second, bytes on disk for each person, the time to open,
//! and memory.
//!
//! `cargo bench --bench store` measures 100,000 people, `cargo bench --bench store -- 1000000` a
//! million. Filling and opening run in a process of their own each, so that each tells its own
//! memory.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints figures"
)]

#[path = "common/mod.rs"]
mod common;
#[path = "common/names.rs"]
mod names;
#[path = "common/people.rs"]
mod people;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{disk, peak_megabytes};
use futures_util::future::{BoxFuture, join_all};
use names::names;
use passerelle::domain::audit::Check;
use passerelle::domain::ids::{AutomationId, FieldId, Kind, LinkId, RunId, Side};
use passerelle::domain::record::{
    Batch, Change, Happened, HistoryEntry, LinkKey, LinkPage, Listing,
};
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::Value;
use passerelle::ports::Store;
use passerelle::store::SledStore;
use people::person;
use tokio::runtime::Runtime;

const PEOPLE: u64 = 100_000;

/// As many as one page of a system brings.
const BATCH_SIZE: u64 = 200;

const LINES: u64 = 100_000;

/// Set for a process of its own: the phase it measures.
const PHASE: &str = "PASSERELLE_BENCH_PHASE";

fn main() {
    // Cargo passes `--bench` to every benchmark.
    let people = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(PEOPLE);
    match (std::env::var(PHASE).as_deref(), std::env::args().nth(2)) {
        (Ok("fill"), Some(folder)) => fill(Path::new(&folder), people),
        (Ok("open"), Some(folder)) => reopen(Path::new(&folder), people),
        _ => {
            let folder = tempfile::tempdir().expect("a temporary folder");
            small_batches(&folder.path().join("small"));
            groups(&folder.path().join("groups"));
            audit(&folder.path().join("audit"));
            for phase in ["fill", "open"] {
                alone(phase, &folder.path().join("people"), people);
            }
        }
    }
}

fn alone(phase: &str, folder: &Path, people: u64) {
    let program = std::env::current_exe().expect("this program");
    let status = Command::new(program)
        .env(PHASE, phase)
        .arg(people.to_string())
        .arg(folder)
        .status()
        .expect("the phase runs");
    assert!(status.success(), "{phase} failed");
}

fn small_batches(data: &Path) {
    let store = Opened::at(data);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(3) {
        store.commit(vec![put(count)]);
        count += 1;
    }
    rate("batches of 1 link, one after the other", count, start);
}

fn groups(data: &Path) {
    let store = Opened::at(data);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(3) {
        let batches = (count..count + 64).map(|id| store.store.commit(Batch(vec![put(id)])));
        for answer in store.run(Box::pin(join_all(batches))) {
            answer.expect("a commit");
        }
        count += 64;
    }
    rate("batches of 1 link, 64 waiting", count, start);
}

/// Lines of history about writes, each covered by a seal, and the check of them all.
fn audit(data: &Path) {
    let store = Opened::at(data);
    let start = Instant::now();
    for commit in 0..LINES / BATCH_SIZE {
        let lines = (0..BATCH_SIZE).map(|line| {
            let entry = HistoryEntry {
                at: Timestamp(commit as i64 * 1_000),
                run: RunId(commit),
                what: Happened::Written {
                    side: Side::Salesforce,
                    field: FieldId(3),
                    before: Value::Text("Paris".into()),
                    after: Value::Text("Lyon".into()),
                },
            };
            Change::AddHistory(LinkId(commit * 7 + line), entry)
        });
        store.commit(lines.collect());
    }
    rate("lines of history in batches of 200", LINES, start);
    println!("{} bytes each", disk(data) / LINES);
    let start = Instant::now();
    let mut check = Check::default();
    let mut longest = Duration::ZERO;
    while !check.is_over() {
        let step = Instant::now();
        check = store.run(store.store.check_audit(check)).expect("a step");
        longest = longest.max(step.elapsed());
    }
    rate("of them checked", LINES, start);
    println!("longest step: {} µs", longest.as_micros());
    assert!(check.verdict.is_whole(), "{:?}", check.verdict);
}

fn fill(data: &Path, people: u64) {
    let store = Opened::at(data);
    store.commit(vec![names()]);
    let start = Instant::now();
    let mut id = 0;
    while id < people {
        let end = people.min(id + BATCH_SIZE);
        store.commit((id..end).map(put).collect());
        id = end;
    }
    rate("links in batches of 200", people, start);
    println!("peak memory after filling: {} MB", peak_megabytes());
    let bytes = disk(data);
    println!(
        "{people} people: {} MB on disk, {} bytes each (one is {} bytes of JSON)",
        bytes / 1_000_000,
        bytes / people,
        json_bytes()
    );
    let start = Instant::now();
    // In no order: the step is prime to any number of people that is not its multiple.
    for number in 0..people / 10 {
        let mut link = person(number * 7_919 % people);
        link.field_mut(FieldId(3)).salesforce = Some(Value::Text("Lyon".into()));
        store.commit(vec![Change::PutLink(Box::new(link))]);
    }
    rate("changed links, one by one", people / 10, start);
    println!("then {} bytes each", disk(data) / people);
    let start = Instant::now();
    drop(store);
    println!("close: {} ms", start.elapsed().as_millis());
    println!("then {} bytes each", disk(data) / people);
}

fn reopen(data: &Path, people: u64) {
    let start = Instant::now();
    let store = Opened::at(data);
    println!("open: {} ms", start.elapsed().as_millis());
    println!("peak memory after opening: {} MB", peak_megabytes());
    let start = Instant::now();
    let recovered = store.run(store.store.recover()).expect("recover");
    println!("recover: {} µs", start.elapsed().as_micros());
    assert_eq!(recovered.counts.links, people);
    let start = Instant::now();
    let reads = 20_000.min(people);
    for number in 0..reads {
        let id = number * 7_919 % people;
        let key = LinkKey::Automation(Kind::Person, AutomationId(id));
        let loaded = store.run(store.store.load(vec![key], false)).expect("load");
        assert_eq!(loaded.links.len(), 1);
    }
    rate("links read by a remote id", reads, start);
    let start = Instant::now();
    let mut after = None;
    loop {
        let page = LinkPage {
            listing: Listing::All,
            after,
            size_max: 1_000,
        };
        let links = store.run(store.store.links(page)).expect("a page");
        match links.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    rate("links listed", people, start);
    println!("peak memory after reading all: {} MB", peak_megabytes());
}

struct Opened {
    store: SledStore,
    runtime: Runtime,
}

impl Opened {
    fn at(data: &Path) -> Self {
        Self {
            store: SledStore::open(data, "a measurement").expect("the store opens"),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime"),
        }
    }

    fn run<T>(&self, future: BoxFuture<'_, T>) -> T {
        self.runtime.block_on(future)
    }

    fn commit(&self, changes: Vec<Change>) {
        self.run(self.store.commit(Batch(changes)))
            .expect("a commit");
    }
}

fn put(id: u64) -> Change {
    Change::PutLink(Box::new(person(id)))
}

fn json_bytes() -> usize {
    serde_json::to_vec(&person(12_345)).map_or(0, |json| json.len())
}

fn rate(what: &str, count: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0} a second", count as f64 / seconds);
}
