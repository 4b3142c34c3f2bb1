//! A backup brings back everything but the tokens, and nothing at all unless it is whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::record::Change;
use crate::domain::value::Value;
use crate::ports::{Store, StoreError, Vault};
use crate::store::durable::Staged;
use crate::store::tests::{binding, commit, every_link, generate, open, person, put, run};
use crate::store::{BackupError, KeySource, SealedVault, SledStore, codec, export, keys, restore};

const SECRET: &[u8] = b"a refresh token";

/// A folder with a store of 700 links, its backup, and where it is to be restored.
struct Copied {
    folder: tempfile::TempDir,
    store: Arc<SledStore>,
    backup: PathBuf,
}

impl Copied {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let store = Arc::new(open(&data));
        let mut changes: Vec<_> = (0..250).map(|id| put(person(id))).collect();
        let mut long = person(7);
        long.field_mut(crate::domain::ids::FieldId(1)).salesforce =
            Some(Value::Text("long ".repeat(20_000)));
        changes.push(put(long));
        changes.push(Change::AddAct(generate::act(4)));
        commit(&store, changes).unwrap();
        run(store.bind(binding())).unwrap();
        let vault = SealedVault::new(Arc::clone(&store), "acme", vec![KeySource::Beside(data)]);
        run(vault.write("salesforce", SECRET.to_vec())).unwrap();
        let backup = folder.path().join("nightly.backup");
        export(&store, &backup).unwrap();
        Self {
            folder,
            store,
            backup,
        }
    }

    fn restored(&self) -> PathBuf {
        self.folder.path().join("restored")
    }
}

fn refused(from: &Path, data: &Path) -> BackupError {
    match restore(from, data, "a restore") {
        Ok(_) => panic!("it was restored"),
        Err(error) => error,
    }
}

#[test]
fn a_backup_brings_everything_back_but_the_tokens() {
    let copied = Copied::new();
    restore(&copied.backup, &copied.restored(), "a restore").unwrap();
    let store = open(&copied.restored());
    assert_eq!(
        run(store.links(every_link())).unwrap(),
        run(copied.store.links(every_link())).unwrap()
    );
    assert_eq!(run(store.acts(9)).unwrap(), [generate::act(4)]);
    let (mut before, after) = (
        run(copied.store.recover()).unwrap(),
        run(store.recover()).unwrap(),
    );
    assert!(!before.is_restored && after.is_restored);
    before.is_restored = true;
    assert_eq!(after, before);
    assert!(matches!(
        store.durable.get(&keys::vault("salesforce")),
        Ok(None)
    ));
    let key = fs::read(copied.folder.path().join("data.key")).unwrap();
    let bytes = fs::read(&copied.backup).unwrap();
    for secret in [SECRET, b"c/vault/", &key[..64]] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    }
}

#[test]
fn the_mark_of_a_restore_stays_until_it_is_confirmed() {
    let copied = Copied::new();
    let data = copied.restored();
    restore(&copied.backup, &data, "a restore").unwrap();
    let store = open(&data);
    commit(&store, vec![put(person(9))]).unwrap();
    drop(store);
    let store = open(&data);
    assert!(run(store.recover()).unwrap().is_restored);
    commit(&store, vec![Change::ConfirmRestored]).unwrap();
    assert!(!run(store.recover()).unwrap().is_restored);
    drop(store);
    assert!(!run(open(&data).recover()).unwrap().is_restored);
}

#[test]
fn a_truncated_or_edited_backup_is_refused_and_nothing_is_made() {
    let copied = Copied::new();
    let whole = fs::read(&copied.backup).unwrap();
    let bad = copied.folder.path().join("bad.backup");
    let mut attempts = Vec::new();
    for cut in [0, 3, 16, 20, whole.len() / 2, whole.len() - 1] {
        attempts.push(whole[..cut].to_vec());
    }
    for at in [
        0,
        18,
        30,
        whole.len() / 2,
        whole.len() - 14,
        whole.len() - 2,
    ] {
        let mut edited = whole.clone();
        edited[at] ^= 0x10;
        attempts.push(edited);
    }
    for (number, attempt) in attempts.into_iter().enumerate() {
        fs::write(&bad, attempt).unwrap();
        let told = refused(&bad, &copied.restored());
        assert!(
            matches!(told, BackupError::Damaged { .. }),
            "{number}: {told}"
        );
        assert!(!copied.restored().exists(), "{number}");
    }
}

#[test]
fn a_folder_that_holds_a_store_is_not_overwritten() {
    let copied = Copied::new();
    let told = refused(&copied.backup, &copied.folder.path().join("data"));
    assert!(matches!(told, BackupError::NotEmpty { .. }), "{told}");
}

#[test]
fn a_restore_that_was_cut_short_leaves_no_store_and_can_be_repeated() {
    let copied = Copied::new();
    let data = copied.restored();
    fs::create_dir_all(data.join("restore.unfinished/store")).unwrap();
    fs::write(data.join("restore.unfinished/store/db"), b"half").unwrap();
    restore(&copied.backup, &data, "a restore").unwrap();
    assert!(!data.join("restore.unfinished").exists());
    assert!(run(open(&data).recover()).unwrap().is_restored);
}

#[test]
fn a_backup_of_a_newer_format_is_refused_and_nothing_is_made() {
    let copied = Copied::new();
    let newer = codec::encode(&9_u32).unwrap();
    let staged = Staged::from([(keys::FORMAT.to_vec(), Some(newer))]);
    copied.store.durable.commit(staged).unwrap();
    export(&copied.store, &copied.backup).unwrap();
    let told = refused(&copied.backup, &copied.restored());
    assert!(
        matches!(told, BackupError::Store(StoreError::Newer { found: 9, .. })),
        "{told}"
    );
    assert!(!copied.restored().exists());
}

#[test]
fn a_backup_can_be_read_by_its_owner_only_and_leaves_nothing_unfinished() {
    let copied = Copied::new();
    let mode = fs::metadata(&copied.backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(copied.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // Beside the data and the key of what is kept there.
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn a_backup_is_written_through_no_link_and_into_nobody_elses_file() {
    let copied = Copied::new();
    let elsewhere = copied.folder.path().join("elsewhere");
    fs::write(&elsewhere, b"of somebody else").unwrap();
    let left = copied.folder.path().join("nightly.backup.unfinished");
    std::os::unix::fs::symlink(&elsewhere, &left).unwrap();
    export(&copied.store, &copied.backup).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"of somebody else");
    assert!(!left.exists());
    fs::write(&left, b"half").unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
    export(&copied.store, &copied.backup).unwrap();
    let meta = fs::symlink_metadata(&copied.backup).unwrap();
    assert!(meta.is_file());
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    let link = copied.folder.path().join("latest.backup");
    std::os::unix::fs::symlink(&copied.backup, &link).unwrap();
    let told = export(&copied.store, &link).unwrap_err();
    assert!(matches!(told, BackupError::Link { .. }), "{told}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}
