//! The store against kills and a failing disk: whatever was acknowledged is there afterwards,
//! whole, and the store opens.
//!
//! The child is this test binary itself, run again with one test chosen and a folder named in the
//! environment. It prints the number of each batch once the store has acknowledged it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::BoxFuture;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use passerelle::domain::audit::Check;
use passerelle::domain::ids::{FieldId, Kind, LinkId, RunId};
use passerelle::domain::link::{Link, Mark, MatchKey};
use passerelle::domain::record::{
    Act, Batch, Change, Happened, HistoryEntry, LinkKey, LinkPage, Listing,
};
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::Value;
use passerelle::ports::{Store, StoreError};
use passerelle::store::SledStore;

/// Set for the child: where its store is.
const FOLDER: &str = "PASSERELLE_TEST_STORE";
/// Set for the child: how many batches it commits.
const BATCHES: &str = "PASSERELLE_TEST_BATCHES";

/// Set for the child: no file may grow beyond so many bytes. The write that would is cut there, as
/// a torn one is, and the next one kills the child.
const BYTES: &str = "PASSERELLE_TEST_BYTES";
/// Set for the child: the next one fails instead, as on a full disk.
const FULL: &str = "PASSERELLE_TEST_FULL";

/// Links that each batch rewrites; all of them must tell the same number afterwards.
const LINKS: u64 = 4;

/// Random kills in one run of the tests.
const KILLS: u64 = 60;

/// The system calls that change what is on disk.
const MUTATING: &str = "write,pwrite64,writev,pwritev,fsync,fdatasync,sync_file_range,rename,\
                        renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat,rmdir,openat,\
                        fallocate,fchmod,chmod";

/// Not a test of its own: what the children of the other tests run. Without a folder it does
/// nothing.
#[test]
fn child_commits_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let batches: u64 = std::env::var(BATCHES).map_or(u64::MAX, |text| text.parse().unwrap());
    if std::env::var_os(FULL).is_some() {
        // The threads that the store starts inherit it.
        SigSet::from(Signal::SIGXFSZ).thread_block().unwrap();
    }
    if let Ok(bytes) = std::env::var(BYTES) {
        let bytes = bytes.parse().unwrap();
        setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes).unwrap();
    }
    let store = match SledStore::open(Path::new(&folder), "the child") {
        Ok(store) => store,
        Err(error) => return say(&format!("unopened {error:?}")),
    };
    let start = newest(&store);
    say("opened");
    for number in start + 1..=start.saturating_add(batches) {
        match run(store.commit(batch(number))) {
            Ok(()) => say(&format!("acknowledged {number}")),
            Err(error) => {
                say(&format!("failed {error}"));
                let again = run(store.commit(batch(number)));
                assert!(again.is_err(), "a store that failed took another batch");
                return say("refused");
            }
        }
    }
}

/// Past the test runner's capture, in one write.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n#{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// One batch touches values, index entries that move, counts, history, and a value long enough to
/// be kept in pieces.
fn batch(number: u64) -> Batch {
    let mut changes: Vec<Change> = (0..LINKS)
        .map(|id| {
            let mut link = Link::new(LinkId(id), Kind::Person);
            link.match_keys = vec![MatchKey(number * LINKS + id)];
            link.diverged = u8::from(number.is_multiple_of(2));
            let long = if id == 0 { 9_000 } else { 30 };
            link.field_mut(FieldId(1)).salesforce =
                Some(Value::Text(format!("{number} {}", "x".repeat(long))));
            Change::PutLink(Box::new(link))
        })
        .collect();
    let entry = HistoryEntry {
        at: Timestamp(number as i64),
        run: RunId(number),
        what: Happened::Linked,
    };
    changes.push(Change::AddHistory(LinkId(0), entry));
    changes.push(Change::AddAct(Act {
        run: RunId(number),
        at: Timestamp(number as i64),
        operator: "anne".to_owned(),
        from: String::new(),
        act: "retry".to_owned(),
        object: "0".to_owned(),
        links: vec![LinkId(0)],
        reason: String::new(),
        undo: Vec::new(),
    }));
    Batch(changes)
}

fn run<T>(future: BoxFuture<'_, T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn number_of(link: &Link) -> u64 {
    let value = link.field(FieldId(1)).unwrap().salesforce.as_ref().unwrap();
    let text = value.as_text().unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// The number of the last batch in the store.
fn newest(store: &SledStore) -> u64 {
    let loaded = run(store.load(vec![LinkKey::Id(LinkId(0))], false)).unwrap();
    loaded.links.first().map_or(0, number_of)
}

/// Opens the store and checks that it is as one of the batches left it, none missing that was
/// acknowledged, none in part. Answers the number of that batch.
fn inspect(folder: &Path, acknowledged: u64, case: &str) -> u64 {
    let store = SledStore::open(folder, "the parent")
        .unwrap_or_else(|error| panic!("{case}: does not open: {error:?}"));
    let number = newest(&store);
    assert!(
        number >= acknowledged,
        "{case}: {acknowledged} was acknowledged and {number} is there"
    );
    let page = |listing| {
        run(store.links(LinkPage {
            listing,
            after: None,
            size_max: 100,
        }))
        .unwrap()
    };
    let links = page(Listing::All);
    assert_eq!(store.damaged(), 0, "{case}");
    if number == 0 {
        assert!(links.is_empty(), "{case}: a part of the first batch");
        return 0;
    }
    assert_eq!(links.len() as u64, LINKS, "{case}");
    assert!(links.iter().all(|link| number_of(link) == number), "{case}");
    let even = number.is_multiple_of(2);
    let diverged = page(Listing::Marked(Mark::Diverged)).len() as u64;
    assert_eq!(diverged, if even { LINKS } else { 0 }, "{case}");
    for (of, expected) in [(number, 1), (number - 1, 0), (number + 1, 0)] {
        let keys = vec![LinkKey::Match(MatchKey(of * LINKS))];
        let found = run(store.load(keys, false)).unwrap().links.len();
        assert_eq!(
            found, expected,
            "{case}: index of batch {of} after {number}"
        );
    }
    let history = run(store.history(LinkId(0), usize::MAX)).unwrap();
    let runs: Vec<u64> = history.iter().map(|entry| entry.run.0).collect();
    assert_eq!(runs, (1..=number).rev().collect::<Vec<_>>(), "{case}");
    let counts = run(store.recover()).unwrap().counts;
    assert_eq!((counts.links, counts.commits), (LINKS, number), "{case}");
    check_audit(&store, number, case);
    number
}

/// Each batch has its seal, and no kill looks like somebody who changed the audit.
fn check_audit(store: &SledStore, number: u64, case: &str) {
    let mut check = Check::default();
    while !check.is_over() {
        check = run(store.check_audit(check)).unwrap();
    }
    let verdict = check.verdict;
    assert!(verdict.is_whole(), "{case}: {verdict:?}");
    assert_eq!(verdict.seals, number, "{case}");
}

fn child(folder: &Path, batches: u64, tracer: &[String]) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match tracer.split_first() {
        Some((strace, arguments)) => {
            let mut command = Command::new(strace);
            command.args(arguments).arg(this);
            command
        }
        None => Command::new(this),
    };
    command
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("store_kill::child_commits_until_it_is_killed")
        .env(FOLDER, folder)
        .env(BATCHES, batches.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// What a child said before it ended.
#[derive(Debug, Default)]
struct Said {
    opened: bool,
    acknowledged: u64,
    /// A failure that was reported, at opening or at a commit.
    failed: Option<String>,
    refused: bool,
    was_killed: bool,
}

fn listen(mut child: Child) -> Said {
    let mut said = Said::default();
    let mut text = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    for line in String::from_utf8_lossy(&text).lines() {
        hear(line, &mut said);
    }
    let status = child.wait().unwrap();
    // strace ends as the program did that it traced; a shell's way to say it is 128 + 9.
    said.was_killed = status.signal().is_some() || status.code() == Some(137);
    said
}

fn hear(line: &str, said: &mut Said) {
    match line.strip_prefix('#').and_then(|line| line.split_once(' ')) {
        Some(("acknowledged", number)) => said.acknowledged = number.parse().unwrap(),
        Some(("failed" | "unopened", why)) => said.failed = Some(why.to_owned()),
        _ => match line {
            "#opened" => said.opened = true,
            "#refused" => said.refused = true,
            _ => {}
        },
    }
}

/// Numbers that only look random: the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A third of the kills falls into the first 15 ms, where the store is being made or opened.
#[test]
fn what_was_acknowledged_survives_kills_at_random_moments() {
    let mut seeded = Seeded(0x9e37_79b9_7f4a_7c15);
    let mut folder = tempfile::tempdir().unwrap();
    let (mut reached, mut acknowledged) = (0, 0);
    for kill in 0..KILLS {
        if kill.is_multiple_of(8) {
            folder = tempfile::tempdir().unwrap();
            (reached, acknowledged) = (0, 0);
        }
        let early = kill.is_multiple_of(3);
        let wait = Duration::from_micros(seeded.below(if early { 15_000 } else { 120_000 }));
        let mut child = child(folder.path(), u64::MAX, &[]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The time passes in waiting for the child's end, which the kill brings.
        let id = nix::unistd::Pid::from_raw(child.id().cast_signed());
        let killer = std::thread::spawn(move || {
            std::thread::park_timeout(wait);
            nix::sys::signal::kill(id, Signal::SIGKILL).unwrap();
        });
        let mut said = Said::default();
        while let Some(Ok(line)) = lines.next() {
            hear(&line, &mut said);
        }
        killer.join().unwrap();
        child.wait().unwrap();
        acknowledged = said.acknowledged.max(acknowledged);
        let case = format!("kill {kill} after {wait:?}");
        let now = inspect(folder.path(), acknowledged.max(reached), &case);
        reached = now;
    }
}

/// How strace is called, or nothing (said aloud) where it is missing or may not trace.
fn strace(left_out: &str) -> Option<Vec<String>> {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if tried.is_ok_and(|status| status.success()) {
        return Some(vec!["strace".into(), "-f".into(), "-qq".into()]);
    }
    say(&format!("LEFT OUT, strace cannot be used here: {left_out}"));
    None
}

fn tracing(strace: &[String], log: &Path, more: &[String]) -> Vec<String> {
    let mut all = strace.to_vec();
    all.extend(["-o".into(), log.display().to_string()]);
    all.extend_from_slice(more);
    all
}

/// The calls of one traced run that change the folder: their names, and which of the calls of that
/// name in its thread it was, as `when=` of strace counts them.
fn mutating_calls(log: &Path, folder: &Path) -> BTreeSet<(String, usize)> {
    let text = fs::read_to_string(log).unwrap();
    let folder = folder.display().to_string();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = BTreeSet::new();
    for line in text.lines() {
        let Some((head, arguments)) = line.split_once('(') else {
            continue;
        };
        let name = head.split_whitespace().next_back().unwrap_or_default();
        if !MUTATING.split(',').any(|known| known == name) {
            continue;
        }
        // The head is the thread and the name.
        let place = counts.entry(head).or_default();
        *place += 1;
        // `-y` shows the path behind every descriptor.
        let reads_only = name == "openat" && !arguments.contains("O_CREAT");
        if arguments.contains(&folder) && !reads_only {
            calls.insert((name.to_owned(), *place));
        }
    }
    calls
}

/// Kills the child at the entry of each call that changes the store's folder, one after the other:
/// the making of a store with its first batches, and the opening of one that holds some.
///
/// strace counts the calls of each thread, and sled writes from several: of calls that are equally
/// many in their threads, the first is hit. The test below cuts the log at every place instead.
#[test]
fn what_was_acknowledged_survives_a_kill_at_every_change_of_the_disk() {
    let Some(strace) = strace("kills at every system call") else {
        return;
    };
    for before in [0, 3] {
        let calls = traced_calls(&strace, before);
        assert!(calls.len() > 12, "too few calls were seen: {calls:?}");
        let mut killed = 0;
        for (name, place) in &calls {
            let outer = tempfile::tempdir().unwrap();
            let folder = outer.path().join("data");
            prepare(&folder, before);
            let inject = [
                "-e".into(),
                format!("trace={name}"),
                "-e".into(),
                format!("inject={name}:signal=SIGKILL:when={place}"),
            ];
            let tracer = tracing(&strace, Path::new("/dev/null"), &inject);
            let said = listen(child(&folder, 2, &tracer).spawn().unwrap());
            killed += u32::from(said.was_killed);
            let case = format!("{name} {place} on {before} batches");
            inspect(&folder, said.acknowledged.max(before), &case);
        }
        // The work may fall to other threads than it did when it was traced.
        let aimed = calls.len();
        assert!(killed as usize * 10 >= aimed * 7, "{killed} of {aimed}");
    }
}

fn traced_calls(strace: &[String], before: u64) -> BTreeSet<(String, usize)> {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    prepare(&folder, before);
    let log = outer.path().join("log");
    let what = ["-y".into(), "-e".into(), format!("trace={MUTATING}")];
    let said = listen(
        child(&folder, 2, &tracing(strace, &log, &what))
            .spawn()
            .unwrap(),
    );
    assert_eq!(said.acknowledged, before + 2, "{said:?}");
    mutating_calls(&log, &folder)
}

/// A store with so many batches, closed.
fn prepare(folder: &Path, batches: u64) {
    if batches == 0 {
        return;
    }
    let store = SledStore::open(folder, "the parent").unwrap();
    for number in 1..=batches {
        run(store.commit(batch(number))).unwrap();
    }
}

/// Where the files are cut off: around each of the first writes, then at places inside batches.
fn byte_limits() -> impl Iterator<Item = u64> {
    let first = [
        0, 1, 9, 57, 58, 61, 62, 95, 96, 97, 119, 120, 121, 145, 146, 147, 170, 171,
    ];
    first.into_iter().chain((1_000..60_000).step_by(2_711))
}

/// The write that passes the limit is torn there, and the child killed.
#[test]
fn what_was_acknowledged_survives_a_kill_inside_a_torn_write() {
    let mut killed = 0;
    for bytes in byte_limits() {
        let said = limited(bytes, &[]);
        killed += u32::from(said.was_killed);
    }
    assert!(killed > 30, "{killed}");
}

/// The write that passes the limit is torn there, and every later one fails.
#[test]
fn a_file_that_cannot_grow_is_reported_and_loses_nothing_acknowledged() {
    let mut reported = 0;
    for bytes in byte_limits() {
        let said = limited(bytes, &[(FULL, "1")]);
        check_reported(&said, 5, &format!("no file above {bytes} bytes: {said:?}"));
        reported += u32::from(said.failed.is_some());
    }
    assert!(reported > 30, "{reported}");
}

/// A child that commits five batches into a new store whose files may not grow beyond a limit.
fn limited(bytes: u64, more: &[(&str, &str)]) -> Said {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let mut child = child(&folder, 5, &[]);
    child
        .env(BYTES, bytes.to_string())
        .envs(more.iter().copied());
    let said = listen(child.spawn().unwrap());
    let case = format!("no file above {bytes} bytes: {said:?}");
    inspect(&folder, said.acknowledged, &case);
    said
}

/// Either all was done, or the error was reported and the store took nothing more.
#[track_caller]
fn check_reported(said: &Said, all: u64, case: &str) {
    assert!(!said.was_killed, "it did not end by itself: {case}");
    let all = said.acknowledged == all;
    assert!(
        all || said.failed.is_some(),
        "neither done nor reported: {case}"
    );
    assert!(all || !said.opened || said.refused, "not poisoned: {case}");
}

/// The n-th sync reports an error of the disk: the store says so, takes nothing more, and what it
/// had acknowledged is there when it opens again.
#[test]
fn a_failing_sync_is_reported_and_loses_nothing_acknowledged() {
    failing_disk("fdatasync", "EIO", 5);
}

/// The disk is full from the n-th write of each of the store's threads on. sled alone waits for ever
/// in about one of 150 such runs.
#[test]
fn a_full_disk_is_reported_and_loses_nothing_acknowledged() {
    failing_disk("pwrite64", "ENOSPC", 40);
}

fn failing_disk(call: &str, error: &str, batches: u64) {
    let Some(strace) = strace(error) else {
        return;
    };
    let before = 3;
    let mut reported = 0;
    for place in 1..=8 {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        prepare(&folder, before);
        let inject = [
            "-e".into(),
            format!("trace={call}"),
            "-e".into(),
            format!("inject={call}:error={error}:when={place}+"),
        ];
        let mut tracer = tracing(&strace, Path::new("/dev/null"), &inject);
        tracer.extend(["timeout", "-s", "KILL", PATIENCE_SECONDS].map(str::to_owned));
        let said = listen(child(&folder, batches, &tracer).spawn().unwrap());
        let case = format!("{error} from {call} {place} on: {said:?}");
        check_reported(&said, before + batches, &case);
        reported += u32::from(said.failed.is_some());
        inspect(&folder, said.acknowledged.max(before), &case);
    }
    assert!(
        reported >= 4,
        "the errors never reached the store: {reported}"
    );
}

/// A child that has said nothing for so long has hung: the store gives a disk less time than that.
const PATIENCE_SECONDS: &str = "90";

/// What a power cut may leave: the log as it was at the last acknowledged sync, and of what was
/// written after it any part, none, or zeros. The model covers the tail of the log file; it does
/// not cover writes that overtake each other inside the synced part, nor disks that lie.
#[test]
fn an_unsynced_tail_that_is_lost_or_zeroed_loses_nothing_acknowledged() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let synced = outer.path().join("synced");
    prepare(&folder, 5);
    let before = copy(&folder, &synced);
    prepare_more(&folder, 6..=9);
    let after = fs::read(folder.join("store/db")).unwrap();
    let first = before
        .iter()
        .zip(&after)
        .position(|(old, new)| old != new)
        .unwrap_or(before.len());
    let mut seeded = Seeded(7);
    for case in 0..40 {
        let torn = outer.path().join(format!("torn-{case}"));
        copy(&synced, &torn);
        // The tail reaches the disk up to a random byte; what is behind it is as before, or zero.
        let reach = first + seeded.below((after.len() - first) as u64) as usize;
        let mut bytes = after[..reach].to_vec();
        match case % 3 {
            0 => {}
            1 => bytes.resize(after.len(), 0),
            _ => bytes.extend_from_slice(before.get(reach..).unwrap_or_default()),
        }
        fs::write(torn.join("store/db"), bytes).unwrap();
        let number = inspect(
            &torn,
            5,
            &format!("case {case}, {reach} of {}", after.len()),
        );
        assert!(number <= 9);
    }
}

fn prepare_more(folder: &Path, numbers: std::ops::RangeInclusive<u64>) {
    let store = SledStore::open(folder, "the parent").unwrap();
    for number in numbers {
        run(store.commit(batch(number))).unwrap();
    }
}

/// Copies a data folder and answers its log.
fn copy(from: &Path, to: &Path) -> Vec<u8> {
    fs::create_dir_all(to.join("store/blobs")).unwrap();
    fs::create_dir_all(to.join("audit")).unwrap();
    for part in ["store", "audit"] {
        for entry in fs::read_dir(from.join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::read(to.join("store/db")).unwrap()
}

/// A child that opened and was refused tells so; a holder in another process is named.
#[test]
fn a_second_process_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), "the parent").unwrap();
    let said = listen(child(folder.path(), 1, &[]).spawn().unwrap());
    let told = said.failed.unwrap_or_default();
    assert!(
        told.contains("Held") && told.contains("the parent"),
        "{told}"
    );
    drop(store);
    let refused: Result<SledStore, StoreError> = SledStore::open(folder.path(), "again");
    assert!(refused.is_ok());
}
