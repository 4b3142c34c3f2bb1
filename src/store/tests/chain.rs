//! Whatever is done to the audit in the store's files is found, and said for what it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::slice;

use crate::domain::audit::{Check, Entry, Finding, Verdict};
use crate::domain::ids::{FieldId, LinkId, RunId, Side};
use crate::domain::record::{Change, Happened, HistoryEntry};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::ports::Store;
use crate::store::chain::{self, Seal};
use crate::store::durable::Staged;
use crate::store::tests::{commit, generate, open, person, put, run};
use crate::store::{SledStore, acts, codec, export, keys, restore};

fn line(run: u64, what: Happened) -> HistoryEntry {
    HistoryEntry {
        at: Timestamp(run as i64 * 10_000),
        run: RunId(run),
        what,
    }
}

fn written(run: u64, after: &str) -> HistoryEntry {
    line(
        run,
        Happened::Written {
            side: Side::Salesforce,
            field: FieldId(1),
            before: Value::Blank,
            after: Value::text(after),
        },
    )
}

/// One commit with all that a seal covers, and some that none does.
pub(super) fn work(run: u64) -> Vec<Change> {
    vec![
        put(person(1)),
        Change::AddHistory(LinkId(1), line(run, Happened::Linked)),
        Change::AddHistory(LinkId(1), written(run, "one")),
        Change::AddHistory(LinkId(2), written(run, "two")),
        Change::AddAct(generate::act(run * 2)),
        Change::AddAct(generate::act(run * 2 + 1)),
        Change::AddSent(LinkId(1), vec![run, run + 100]),
    ]
}

pub(super) struct Filled {
    folder: tempfile::TempDir,
    store: Option<SledStore>,
}

impl Filled {
    /// Four seals: the anchor knows all, since the store was closed once.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("data"));
        for run in 1..=4 {
            commit(&store, vec![put(person(3))]).unwrap();
            commit(&store, work(run)).unwrap();
        }
        drop(store);
        let mut filled = Self {
            folder,
            store: None,
        };
        filled.reopen();
        filled
    }

    pub(super) fn reopen(&mut self) {
        self.store = None;
        self.store = Some(open(&self.folder.path().join("data")));
    }

    pub(super) fn store(&self) -> &SledStore {
        self.store.as_ref().unwrap()
    }

    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("data/audit").join(name)
    }

    pub(super) fn get(&self, key: &[u8]) -> Vec<u8> {
        self.store().durable.get(key).unwrap().expect("a value")
    }

    pub(super) fn set(&self, key: &[u8], value: Option<Vec<u8>>) {
        let staged = Staged::from([(key.to_vec(), value)]);
        self.store().durable.commit(staged).unwrap();
    }

    pub(super) fn swap(&self, one: &[u8], other: &[u8]) {
        let (first, second) = (self.get(one), self.get(other));
        self.set(one, Some(second));
        self.set(other, Some(first));
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        verdict(self.store()).findings
    }
}

pub(super) fn verdict(store: &SledStore) -> Verdict {
    let mut check = Check::default();
    for _ in 0..10_000 {
        check = run(store.check_audit(check)).unwrap();
        if check.is_over() {
            return check.verdict;
        }
    }
    panic!("the check has no end");
}

/// Commits are numbered from 0, and each work comes after another commit.
const fn second_commit() -> u64 {
    3
}

fn history(link: u64, index: u32) -> Vec<u8> {
    keys::history_entry(LinkId(link), second_commit(), index)
}

#[test]
fn what_nobody_touched_is_whole() {
    let filled = Filled::new();
    let verdict = verdict(filled.store());
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.seals, verdict.entries), (4, 4 * 6));
    assert_eq!(verdict.head.unwrap().sequence, 4);
    for name in [chain::KEY, chain::ANCHOR] {
        let mode = fs::metadata(filled.file(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let text = fs::read_to_string(filled.file(chain::ANCHOR)).unwrap();
    assert!(
        text.starts_with("begun 0 ") && text.contains("\nhead 4 "),
        "{text}"
    );
}

#[test]
fn a_store_without_an_audit_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![put(person(3))]).unwrap();
    assert!(verdict(&store).is_whole());
    assert_eq!(verdict(&store).seals, 0);
}

#[test]
fn an_edited_entry_is_found() {
    let filled = Filled::new();
    let mut act = acts::decode(&filled.get(&keys::act(RunId(4)))).unwrap();
    act.operator = "somebody else".to_owned();
    filled.set(&keys::act(RunId(4)), Some(acts::encode(&act).unwrap()));
    let forged = codec::encode(&written(2, "zwei")).unwrap();
    filled.set(&history(2, 3), Some(forged));
    let expected = [
        Finding::Edited(Entry::Act(RunId(4))),
        Finding::Edited(Entry::History(LinkId(2), second_commit(), 3)),
    ];
    assert_eq!(filled.findings(), expected);
}

#[test]
fn a_dropped_entry_is_found() {
    let filled = Filled::new();
    filled.set(&keys::act(RunId(4)), None);
    filled.set(&history(1, 2), None);
    let fewer = codec::encode(&vec![1_u64, 3, 4, 101, 102, 103, 104]).unwrap();
    filled.set(&keys::sent(LinkId(1)), Some(fewer));
    let expected = [
        Finding::Missing(Entry::Act(RunId(4))),
        Finding::Missing(Entry::History(LinkId(1), second_commit(), 2)),
        Finding::Missing(Entry::Sent(LinkId(1))),
    ];
    assert_eq!(filled.findings(), expected);
}

#[test]
fn swapped_entries_are_found() {
    let filled = Filled::new();
    filled.swap(&keys::act(RunId(2)), &keys::act(RunId(9)));
    filled.swap(&history(1, 2), &history(2, 3));
    let expected = [
        Finding::Swapped(Entry::Act(RunId(2))),
        Finding::Swapped(Entry::History(LinkId(1), second_commit(), 2)),
        Finding::Swapped(Entry::History(LinkId(2), second_commit(), 3)),
        Finding::Swapped(Entry::Act(RunId(9))),
    ];
    assert_eq!(filled.findings(), expected);
}

#[test]
fn an_entry_that_was_put_in_is_found() {
    let filled = Filled::new();
    let act = acts::encode(&generate::act(50)).unwrap();
    filled.set(&keys::act(RunId(50)), Some(act));
    let forged = codec::encode(&written(2, "never")).unwrap();
    filled.set(&history(7, 9), Some(forged.clone()));
    // In a commit that has no seal.
    filled.set(&keys::history_entry(LinkId(8), 4, 1), Some(forged));
    let expected = [
        Finding::Added(Entry::Act(RunId(50))),
        Finding::Added(Entry::History(LinkId(7), second_commit(), 9)),
        Finding::Added(Entry::History(LinkId(8), 4, 1)),
    ];
    assert_eq!(filled.findings(), expected);
}

#[test]
fn seals_that_are_gone_swapped_or_written_without_the_key_are_found() {
    let filled = Filled::new();
    let seal = filled.get(&keys::seal(2));
    filled.set(&keys::seal(2), None);
    let found = filled.findings();
    assert!(found.contains(&Finding::SealsMissing(2, 2)), "{found:?}");
    assert!(found.contains(&Finding::Added(Entry::Act(RunId(4)))));
    filled.set(&keys::seal(2), Some(seal));
    assert_eq!(filled.findings(), []);
    filled.swap(&keys::seal(2), &keys::seal(3));
    let found = filled.findings();
    for sequence in [2, 3] {
        assert!(found.contains(&Finding::SealSwapped(sequence)), "{found:?}");
    }
    filled.swap(&keys::seal(2), &keys::seal(3));
    let (mut body, mut forged) = chain::read(&filled.get(&keys::seal(3))).unwrap();
    body.acts.pop();
    body.tags.remove(1);
    forged.body = postcard::to_stdvec(&body).unwrap();
    filled.set(&keys::seal(3), Some(codec::encode(&forged).unwrap()));
    let found = filled.findings();
    assert!(found.contains(&Finding::SealEdited(3)), "{found:?}");
    assert!(found.contains(&Finding::Added(Entry::Act(RunId(7)))));
}

#[test]
fn a_cut_tail_is_found_by_the_anchor_also_after_work_went_on() {
    let mut filled = Filled::new();
    for sequence in [3, 4] {
        filled.set(&keys::seal(sequence), None);
    }
    for run in 6..10 {
        filled.set(&keys::act(RunId(run)), None);
    }
    for commit in [5, 7] {
        for (link, index) in [(1, 2), (2, 3)] {
            filled.set(&keys::history_entry(LinkId(link), commit, index), None);
        }
    }
    let cut = Finding::TailCut {
        head: 2,
        anchored: 4,
    };
    assert_eq!(filled.findings(), slice::from_ref(&cut));
    filled.reopen();
    assert_eq!(filled.findings(), [cut]);
    for run in 11..16 {
        commit(filled.store(), work(run)).unwrap();
    }
    assert_eq!(filled.findings(), [3, 4].map(Finding::AnchorDiffers));
}

#[test]
fn a_chain_written_anew_without_the_key_is_found() {
    let filled = Filled::new();
    let other = Filled::new();
    // With a key of their own.
    for sequence in 1..=4 {
        let theirs = other.get(&keys::seal(sequence));
        filled.set(&keys::seal(sequence), Some(theirs));
    }
    let found = filled.findings();
    assert!(found.contains(&Finding::AnchorDiffers(4)), "{found:?}");
    let is_key = |finding: &Finding| {
        matches!(
            finding,
            Finding::KeyMissing {
                first: 1,
                last: 4,
                ..
            }
        )
    };
    assert!(found.iter().any(is_key), "{found:?}");
    // Under the name of ours.
    let real = chain::read(&filled_key(&filled)).unwrap().0.key;
    for sequence in 1..=4 {
        let (mut body, mut seal) = chain::read(&other.get(&keys::seal(sequence))).unwrap();
        body.key = real;
        seal.body = postcard::to_stdvec(&body).unwrap();
        filled.set(&keys::seal(sequence), Some(codec::encode(&seal).unwrap()));
    }
    let found = filled.findings();
    for sequence in 1..=4 {
        assert!(found.contains(&Finding::SealEdited(sequence)), "{found:?}");
    }
}

/// A seal that our own key made.
fn filled_key(filled: &Filled) -> Vec<u8> {
    commit(filled.store(), work(30)).unwrap();
    filled.get(&keys::seal(5))
}

#[test]
fn an_anchor_that_is_gone_or_edited_is_found() {
    let mut filled = Filled::new();
    let path = filled.file(chain::ANCHOR);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("head 4", "head 3")).unwrap();
    assert_eq!(filled.findings(), [Finding::AnchorEdited(5)]);
    // What a power cut tore is none, once another line follows.
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    assert_eq!(filled.findings(), []);
    filled.reopen();
    commit(filled.store(), work(9)).unwrap();
    filled.reopen();
    assert_eq!(filled.findings(), []);
    fs::remove_file(&path).unwrap();
    let missing = |head| Finding::AnchorMissing {
        path: path.display().to_string(),
        head,
    };
    assert_eq!(filled.findings(), [missing(0)]);
    filled.reopen();
    assert_eq!(filled.findings(), [missing(5)]);
}

#[test]
fn a_key_that_is_gone_is_found_and_put_back_it_checks_the_old_seals_again() {
    let mut filled = Filled::new();
    let path = filled.file(chain::KEY);
    let former = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let missing = |last| Finding::KeyMissing {
        path: path.display().to_string(),
        first: 1,
        last,
    };
    let known = |found: Vec<Finding>| {
        found
            .into_iter()
            .map(|finding| match finding {
                Finding::KeyMissing { path, last, .. } => Finding::KeyMissing {
                    path,
                    first: 1,
                    last,
                },
                other => other,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(known(filled.findings()), [missing(4)]);
    filled.reopen();
    commit(filled.store(), work(9)).unwrap();
    assert_eq!(known(filled.findings()), [missing(4)]);
    let newer = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{former}{newer}")).unwrap();
    assert_eq!(filled.findings(), []);
}

#[test]
fn a_backup_that_was_put_back_is_told_as_that() {
    let mut filled = Filled::new();
    let backup = filled.folder.path().join("copy");
    export(filled.store(), &backup).unwrap();
    for run in 11..14 {
        commit(filled.store(), work(run)).unwrap();
    }
    filled.store = None;
    let data = filled.folder.path().join("data");
    fs::remove_dir_all(data.join("store")).unwrap();
    restore(&backup, &data, "a restore").unwrap();
    filled.reopen();
    let restored = Finding::Restored {
        head: 4,
        until: Timestamp(40_000),
        anchored: 7,
    };
    assert_eq!(filled.findings(), slice::from_ref(&restored));
    filled.reopen();
    for run in 21..28 {
        commit(filled.store(), work(run)).unwrap();
        assert_eq!(filled.findings(), slice::from_ref(&restored), "{run}");
    }
    filled.reopen();
    assert_eq!(filled.findings(), [restored]);
}

#[test]
fn a_backup_on_another_machine_says_that_key_and_anchor_are_missing() {
    let filled = Filled::new();
    let backup = filled.folder.path().join("copy");
    export(filled.store(), &backup).unwrap();
    let elsewhere = filled.folder.path().join("elsewhere");
    restore(&backup, &elsewhere, "a restore").unwrap();
    let codes = |data: &Path| {
        let found = verdict(&open(data)).findings;
        found.iter().map(Finding::code).collect::<Vec<_>>()
    };
    let all = ["anchor-missing", "key-missing", "restored"];
    assert_eq!(codes(&elsewhere), all);
    // With the two files brought along, all can be checked.
    for name in [chain::KEY, chain::ANCHOR] {
        fs::copy(filled.file(name), elsewhere.join("audit").join(name)).unwrap();
    }
    assert_eq!(codes(&elsewhere), ["restored"]);
}

#[test]
fn entries_from_before_the_chain_are_counted_and_not_taken_for_forged() {
    let filled = Filled::new();
    for sequence in 1..=4 {
        filled.set(&keys::seal(sequence), None);
    }
    for name in [chain::KEY, chain::ANCHOR] {
        fs::remove_file(filled.file(name)).unwrap();
    }
    let mut filled = filled;
    filled.reopen();
    commit(filled.store(), work(20)).unwrap();
    let verdict = verdict(filled.store());
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.unsealed, 4 * 4);
}

#[test]
fn the_key_and_the_anchor_of_an_instance_are_beside_its_folder_where_that_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("acme");
    let store = SledStore::open_instance(&data, "a test").unwrap();
    commit(&store, work(1)).unwrap();
    assert!(folder.path().join("acme.audit").join(chain::KEY).exists());
    assert!(verdict(&store).is_whole());
    // Somebody else's, or open to others.
    let other = folder.path().join("other");
    fs::create_dir(folder.path().join("other.audit")).unwrap();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path().join("other.audit"), open).unwrap();
    drop(SledStore::open_instance(&other, "a test").unwrap());
    assert!(other.join("audit").join(chain::KEY).exists());
    drop(SledStore::open_instance(&other, "a test").unwrap());
}

/// Every byte of everything that is covered, and of every seal, with a checksum that fits.
#[test]
fn no_byte_can_be_changed_and_nothing_taken_away_unseen() {
    let filled = Filled::new();
    let mut places: Vec<Vec<u8>> = (1..=4).map(keys::seal).collect();
    places.push(keys::act(RunId(5)));
    places.push(history(1, 2));
    for place in places {
        let value = filled.get(&place);
        let body = value.len() - 4;
        for at in 0..body {
            let mut changed = value[..body].to_vec();
            changed[at] ^= 1 << (at % 8);
            changed.extend(crc32fast::hash(&changed).to_le_bytes());
            filled.set(&place, Some(changed));
            assert_ne!(filled.findings(), [], "{place:?} {at}");
        }
        filled.set(&place, None);
        assert_ne!(filled.findings(), [], "{place:?}");
        filled.set(&place, Some(value));
        assert_eq!(filled.findings(), [], "{place:?}");
    }
}

#[test]
fn findings_beyond_what_is_told_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let acts = (1..=150).map(|run| Change::AddAct(generate::act(run)));
    commit(&store, acts.collect()).unwrap();
    let staged: Staged = (1..=150).map(|run| (keys::act(RunId(run)), None)).collect();
    store.durable.commit(staged).unwrap();
    let verdict = verdict(&store);
    assert_eq!((verdict.findings.len(), verdict.more), (100, 50));
    let seal: Seal = codec::decode(&store.durable.get(&keys::seal(1)).unwrap().unwrap()).unwrap();
    assert!(!seal.body.is_empty());
}
