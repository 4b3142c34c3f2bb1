//! Who may open a store, and what opening does to what a kill or a bad disk left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::domain::ids::FieldId;
use crate::domain::record::{Batch, Binding, Change};
use crate::domain::value::Value;
use crate::ports::{Store, StoreError};
use crate::store::SledStore;
use crate::store::tests::{binding, commit, every_link, ids, open, person, put, run};

fn refusal(data: &Path) -> StoreError {
    match SledStore::open(data, "a second one") {
        Ok(_) => panic!("the store opened"),
        Err(error) => error,
    }
}

/// A store with one link, closed.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    commit(&open(folder.path()), vec![put(person(1))]).unwrap();
    // sled writes its snapshot when it opens what is there.
    drop(open(folder.path()));
    folder
}

/// Every file with what is in it, besides the lock, which names its last holder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn snapshot(folder: &Path) -> std::path::PathBuf {
    let name = files(folder)
        .into_iter()
        .map(|(name, _)| name)
        .find(|name| name.starts_with("snap."));
    folder.join(name.expect("sled wrote a snapshot"))
}

#[test]
fn a_second_open_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let first = SledStore::open(folder.path(), "process 42 of anne").unwrap();
    let told = refusal(folder.path()).to_string();
    assert!(told.ends_with("is in use by process 42 of anne"), "{told}");
    drop(first);
    drop(open(folder.path()));
}

#[test]
fn a_store_of_another_organisation_or_instance_is_refused_naming_both() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    run(store.bind(binding())).unwrap();
    run(store.bind(binding())).unwrap();
    let others = [
        Binding {
            organisation: "00DQ70000000002MAA".into(),
            ..binding()
        },
        Binding {
            automation: "https://other.automation.example".into(),
            ..binding()
        },
        Binding {
            is_sandbox: false,
            ..binding()
        },
    ];
    for other in others {
        let told = run(store.bind(other.clone())).unwrap_err().to_string();
        assert!(
            told.contains("sandbox 00DQ70000000001MAA with https://acme.automation.example"),
            "{told}"
        );
        assert!(told.contains(&other.organisation), "{told}");
        assert!(told.contains(&other.automation), "{told}");
    }
    drop(store);
    let known = run(open(folder.path()).recover()).unwrap().binding;
    assert_eq!(known, Some(binding()));
}

#[test]
fn a_folder_that_was_never_whole_is_begun_anew() {
    let folder = filled();
    fs::remove_file(folder.path().join("store/READY")).unwrap();
    fs::write(folder.path().join("store/conf"), b"torn").unwrap();
    let store = open(folder.path());
    assert!(run(store.links(every_link())).unwrap().is_empty());
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("store/thesis.odt");
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(&theirs, b"years of work").unwrap();
    assert!(matches!(refusal(folder.path()), StoreError::Open { .. }));
    assert_eq!(fs::read(theirs).unwrap(), b"years of work");
}

#[test]
fn a_half_made_snapshot_is_removed() {
    let folder = filled();
    let half = folder.path().join("store/snap.00000000000000FF.generating");
    fs::write(&half, b"torn").unwrap();
    let store = open(folder.path());
    assert!(!half.exists());
    assert_eq!(ids(&run(store.links(every_link())).unwrap()), [1]);
}

#[test]
fn damaged_files_are_refused_and_left_as_they_are() {
    for damage in ["conf", "snapshot"] {
        let folder = filled();
        let store = folder.path().join("store");
        let damaged = match damage {
            "snapshot" => snapshot(&store),
            name => store.join(name),
        };
        let mut bytes = fs::read(&damaged).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&damaged, bytes).unwrap();
        let before = files(&store);
        assert!(
            matches!(refusal(folder.path()), StoreError::Open { .. }),
            "{damage}"
        );
        // It is not held on to either: the second attempt says the same.
        assert!(
            matches!(refusal(folder.path()), StoreError::Open { .. }),
            "{damage}"
        );
        assert_eq!(files(&store), before, "{damage}");
    }
}

#[test]
fn a_store_whose_files_are_empty_or_gone_is_not_taken_for_a_new_one() {
    for name in ["db", "conf"] {
        for emptied in [true, false] {
            let folder = filled();
            let file = folder.path().join("store").join(name);
            if emptied {
                fs::write(&file, b"").unwrap();
            } else {
                fs::remove_file(&file).unwrap();
            }
            match SledStore::open(folder.path(), "a test") {
                Err(error) => assert!(matches!(error, StoreError::Open { .. }), "{error}"),
                // sled can do without its own settings, which are the default ones.
                Ok(store) => {
                    assert_eq!(name, "conf");
                    assert_eq!(ids(&run(store.links(every_link())).unwrap()), [1]);
                }
            }
        }
    }
}

#[test]
fn nobody_else_can_look_into_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("deep/data");
    drop(open(&data));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("store")), 0o700);
    for file in ["store.lock", "store/READY", "store/db", "store/conf"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_store_that_was_closed_is_whole_when_it_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    for id in 0..5 {
        let store = open(folder.path());
        assert_eq!(run(store.recover()).unwrap().counts.links, id);
        run(store.commit(Batch(vec![put(person(id))]))).unwrap();
    }
}

/// Links whose values are long, so that few of them fill much of a log.
fn long(number: u64) -> Vec<Change> {
    let text = |id: u64| Value::Text(format!("{number} {id} {}", "x".repeat(3_000)));
    (0..100)
        .map(|id| {
            let mut link = person(id);
            link.field_mut(FieldId(2)).salesforce = Some(text(id));
            put(link)
        })
        .collect()
}

#[test]
fn a_log_that_is_rewritten_over_and_over_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..100 {
        commit(&store, long(number)).unwrap();
    }
    let content = 100 * 3_000;
    let size = store.size().unwrap();
    assert!(size < 30 * content, "{size} bytes for {content}");
}

#[test]
fn what_was_written_is_not_read_again_by_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..60 {
        commit(&store, long(number)).unwrap();
    }
    drop(store);
    let noted = snapshot(&folder.path().join("store"));
    let store = open(folder.path());
    assert_eq!(snapshot(&folder.path().join("store")), noted);
    assert_eq!(run(store.links(every_link())).unwrap().len(), 100);
}
