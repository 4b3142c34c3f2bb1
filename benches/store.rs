//! What the store costs: durable batches a second, bytes on disk for each person, the time to open,
//! and memory.
//!
//! `cargo bench --bench store` measures 100,000 people, `cargo bench --bench store -- 1000000` a
//! million.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints figures"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use passerelle::domain::consent::{Consent, ConsentState, ConsentView, Evidence};
use passerelle::domain::ids::{AutomationId, FieldId, Kind, LinkId, SalesforceObject};
use passerelle::domain::link::{AutomationEnd, Base, Link, MatchKey, SalesforceEnd};
use passerelle::domain::record::{Batch, Change, LinkKey, LinkPage, Listing};
use passerelle::domain::row::RowState;
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::{Decimal, Value};
use passerelle::ports::Store;
use passerelle::store::SledStore;

const PEOPLE: u64 = 100_000;

/// As many as one page of a system brings.
const BATCH_SIZE: u64 = 200;

fn main() {
    // Cargo passes `--bench` to every benchmark.
    let people = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(PEOPLE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    small_batches(&folder.path().join("small"));
    groups(&folder.path().join("groups"));
    fill(&folder.path().join("people"), people);
    reopen(&folder.path().join("people"), people);
}

fn small_batches(data: &Path) {
    let store = open(data);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(3) {
        commit(&store, vec![put(count)]);
        count += 1;
    }
    rate("batches of 1 link, one after the other", count, start);
}

fn groups(data: &Path) {
    let store = open(data);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(3) {
        let batches = (count..count + 64).map(|id| store.commit(Batch(vec![put(id)])));
        for answer in run(Box::pin(join_all(batches))) {
            answer.expect("a commit");
        }
        count += 64;
    }
    rate("batches of 1 link, 64 waiting", count, start);
}

fn fill(data: &Path, people: u64) {
    let store = open(data);
    let start = Instant::now();
    let mut id = 0;
    while id < people {
        let end = people.min(id + BATCH_SIZE);
        commit(&store, (id..end).map(put).collect());
        id = end;
    }
    rate("links in batches of 200", people, start);
    memory("after filling");
    let bytes = disk(data);
    println!(
        "{people} people: {} MB on disk, {} bytes each (one is {} bytes of JSON)",
        bytes / 1_000_000,
        bytes / people,
        json_bytes()
    );
    let start = Instant::now();
    for id in (0..people).step_by(10) {
        commit_changed(&store, id);
    }
    rate("changed links, one by one", people.div_ceil(10), start);
    println!("then {} bytes each", disk(data) / people);
}

fn commit_changed(store: &SledStore, id: u64) {
    let mut link = person(id);
    link.field_mut(FieldId(3)).salesforce = Some(Value::Text("Lyon".into()));
    commit(store, vec![Change::PutLink(Box::new(link))]);
}

fn reopen(data: &Path, people: u64) {
    let start = Instant::now();
    let store = open(data);
    println!("open: {} ms", start.elapsed().as_millis());
    let start = Instant::now();
    let recovered = run(store.recover()).expect("recover");
    println!("recover: {} µs", start.elapsed().as_micros());
    assert_eq!(recovered.counts.links, people);
    let start = Instant::now();
    let reads = 20_000.min(people);
    for number in 0..reads {
        let id = number * 7_919 % people;
        let key = LinkKey::Automation(Kind::Person, AutomationId(id));
        let loaded = run(store.load(vec![key], false)).expect("load");
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
        let links = run(store.links(page)).expect("a page");
        match links.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    rate("links listed", people, start);
    memory("in the end");
}

fn open(data: &Path) -> SledStore {
    SledStore::open(data, "a measurement").expect("the store opens")
}

fn commit(store: &SledStore, changes: Vec<Change>) {
    run(store.commit(Batch(changes))).expect("a commit");
}

fn run<T>(future: BoxFuture<'_, T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn put(id: u64) -> Change {
    Change::PutLink(Box::new(person(id)))
}

/// A typical person: both ends, consent, 12 mapped fields that agree.
fn person(id: u64) -> Link {
    let moment = Timestamp(1_772_615_702_000 + i64::try_from(id).unwrap_or(0) * 1_000);
    let salesforce = format!("003Q7{id:010}").parse().expect("an id");
    let mut link = Link::new(LinkId(id), Kind::Person);
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Contact,
        id: salesforce,
        first_id: salesforce,
        state: RowState::Live,
        modified: moment,
        edited_by: Some("005Q70000000001AAA".into()),
        account: Some("001Q70000000001".parse().expect("an id")),
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(id),
        state: RowState::Live,
        modified: moment,
        edited_by: Some("Anne Martin".into()),
        written_since: false,
    });
    let view = Some(ConsentView {
        value: Consent::In,
        since: moment,
        seen: moment,
        evidence: Evidence::default(),
    });
    link.consent = ConsentState {
        agreed: Some(Consent::In),
        opted_out: None,
        salesforce: view,
        automation: view,
    };
    let email = format!("firstname.lastname{id}@example-company.fr");
    for (field, value) in (1..).map(FieldId).zip(values(id, &email)) {
        let state = link.field_mut(field);
        state.base = Some(Base {
            salesforce: value.clone(),
            automation: value.clone(),
        });
        state.salesforce = Some(value.clone());
        state.automation = Some(value);
    }
    link.match_keys = vec![MatchKey::new(Kind::Person, &email)];
    link
}

fn values(id: u64, email: &str) -> [Value; 12] {
    [
        Value::text(email),
        Value::text(&format!("Firstname {}", id % 977)),
        Value::text(&format!("Lastname-{id}")),
        Value::text("Head of purchasing"),
        Value::text(&format!(
            "+33 6 12 {:02} {:02} 78",
            id % 100,
            id / 100 % 100
        )),
        Value::text(&format!("{} rue de la République", id % 211)),
        Value::text("Clermont-Ferrand"),
        Value::text("63000"),
        Value::text("France"),
        Value::Number(Decimal::from((id % 500).cast_signed())),
        Value::many(["Newsletter", "Events"]),
        Value::Bool(id.is_multiple_of(3)),
    ]
}

fn json_bytes() -> usize {
    serde_json::to_vec(&person(12_345)).map_or(0, |json| json.len())
}

fn rate(what: &str, count: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0} a second", count as f64 / seconds);
}

fn disk(data: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("its size");
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    bytes
}

/// The most that the process ever held in memory.
fn memory(when: &str) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("peak memory {when}: {}", peak.unwrap_or("unknown"));
}
