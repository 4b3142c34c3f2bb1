//! Kept secrets: sealed in the store, opened by their own key alone, and never lost to a wrong one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::ports::{StoreError, Vault};
use crate::store::tests::{open, run};
use crate::store::{Job, KeySource, Question, SealedVault, SledStore, keys};

const NAME: &str = "salesforce-refresh-token";
const SECRET: &str = "5Aep861-a-refresh-token-that-nobody-may-see";

struct Bench {
    folder: tempfile::TempDir,
    store: Arc<SledStore>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open(&folder.path().join("data")));
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn vault(&self, sources: Vec<KeySource>) -> SealedVault {
        SealedVault::new(Arc::clone(&self.store), "acme", sources)
    }

    fn beside(&self) -> SealedVault {
        self.vault(vec![KeySource::Beside(self.path("data"))])
    }

    fn key_file(&self, name: &str, digit: char) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("{}\n", digit.to_string().repeat(64))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn raw(&self) -> Option<Vec<u8>> {
        self.store.durable.get(&keys::vault(NAME)).unwrap()
    }

    fn put_raw(&self, value: &[u8]) {
        let put = |answer| Job::Put(keys::vault(NAME), Some(value.to_vec()), answer);
        run(self.store.queue(put)).unwrap();
    }
}

fn write(vault: &SealedVault, secret: &str) -> Result<(), StoreError> {
    run(vault.write(NAME, secret.as_bytes().to_vec()))
}

fn read(vault: &SealedVault) -> Result<Option<String>, StoreError> {
    let kept = run(vault.read(NAME))?;
    Ok(kept.map(|bytes| String::from_utf8(bytes).unwrap()))
}

fn phrase(text: &str) -> KeySource {
    KeySource::Passphrase(SecretString::from(text))
}

fn is_anywhere_below(folder: &Path, needle: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_anywhere_below(&path, needle);
        }
        let bytes = fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|part| part == needle)
    })
}

#[test]
fn what_is_kept_opens_again_and_no_file_holds_it() {
    let bench = Bench::new();
    write(&bench.beside(), SECRET).unwrap();
    assert_eq!(read(&bench.beside()).unwrap().as_deref(), Some(SECRET));
    let key = bench.path("data.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // sled compresses nothing here: its files would show it.
    assert!(!is_anywhere_below(bench.folder.path(), SECRET.as_bytes()));
    let digits = fs::read(&key).unwrap()[..64].to_vec();
    assert!(!is_anywhere_below(&bench.path("data"), &digits));
}

#[test]
fn the_same_secret_is_never_sealed_to_the_same_bytes() {
    let bench = Bench::new();
    let vault = bench.beside();
    write(&vault, SECRET).unwrap();
    let first = bench.raw();
    write(&vault, SECRET).unwrap();
    assert_ne!(first, bench.raw());
}

#[test]
fn a_value_from_before_there_were_seals_is_read_and_sealed_when_it_is_written_again() {
    let bench = Bench::new();
    bench.put_raw(SECRET.as_bytes());
    let vault = bench.beside();
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
    write(&vault, SECRET).unwrap();
    assert!(bench.raw().unwrap().starts_with(b"\xffpsl\x01"));
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
}

#[test]
fn a_wrong_key_is_named_opens_nothing_and_overwrites_nothing() {
    let bench = Bench::new();
    let ours = KeySource::File(bench.key_file("ours.key", '1'));
    let other = bench.key_file("other.key", '2');
    write(&bench.vault(vec![ours.clone()]), SECRET).unwrap();
    let before = bench.raw();

    let wrong = bench.vault(vec![KeySource::File(other.clone())]);
    for error in [read(&wrong).unwrap_err(), write(&wrong, "new").unwrap_err()] {
        let told = error.to_string();
        for word in [
            other.to_str().unwrap(),
            "salesforce refresh token",
            "revoke",
        ] {
            assert!(told.contains(word), "{word} is not in: {told}");
        }
    }
    assert_eq!(bench.raw(), before);
    // Another name is refused as well: two keys for one vault would be two half vaults.
    let error = run(wrong.write("automation-secret", b"x".to_vec())).unwrap_err();
    assert!(matches!(error, StoreError::Secret(_)));
    assert_eq!(
        read(&bench.vault(vec![ours])).unwrap().as_deref(),
        Some(SECRET)
    );
    // Forgetting needs no key.
    run(wrong.remove(NAME)).unwrap();
    write(&wrong, "new").unwrap();
    assert_eq!(read(&wrong).unwrap().as_deref(), Some("new"));
}

#[test]
fn a_lost_key_file_is_not_made_anew_over_what_it_sealed() {
    let bench = Bench::new();
    write(&bench.beside(), SECRET).unwrap();
    let running = bench.beside();
    read(&running).unwrap();
    fs::remove_file(bench.path("data.key")).unwrap();
    assert!(read(&bench.beside()).is_err());
    assert!(write(&bench.beside(), "new").is_err());
    assert!(!bench.path("data.key").exists());
    // Whoever has read it goes on: a rotated token must not be lost to a removed file.
    write(&running, "rotated").unwrap();
    assert_eq!(read(&running).unwrap().as_deref(), Some("rotated"));
}

#[test]
fn the_service_managers_key_comes_first_and_the_file_of_before_still_opens() {
    let bench = Bench::new();
    let file = KeySource::File(bench.key_file("file.key", '3'));
    let credential = KeySource::Credential(bench.key_file("passerelle.key", '4'));
    write(&bench.vault(vec![file.clone()]), SECRET).unwrap();
    let both = bench.vault(vec![credential.clone(), file]);
    assert_eq!(read(&both).unwrap().as_deref(), Some(SECRET));
    write(&both, "rotated").unwrap();
    let alone = bench.vault(vec![credential]);
    assert_eq!(read(&alone).unwrap().as_deref(), Some("rotated"));
}

#[test]
fn a_key_file_that_others_may_read_or_that_holds_no_key_is_refused() {
    let bench = Bench::new();
    let path = bench.key_file("a.key", '5');
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let vault = bench.vault(vec![KeySource::File(path.clone())]);
    let told = write(&vault, SECRET).unwrap_err().to_string();
    assert!(told.contains("chmod go-rwx"), "{told}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "open sesame\n").unwrap();
    let told = write(&vault, SECRET).unwrap_err().to_string();
    assert!(
        told.contains("64 hexadecimal") && !told.contains("sesame"),
        "{told}"
    );
    assert_eq!(bench.raw(), None);
}

#[test]
fn one_passphrase_is_one_key_and_another_is_none() {
    let bench = Bench::new();
    write(&bench.vault(vec![phrase("correct horse")]), SECRET).unwrap();
    let again = bench.vault(vec![phrase("correct horse")]);
    assert_eq!(read(&again).unwrap().as_deref(), Some(SECRET));
    run(again.write("automation-secret", b"x".to_vec())).unwrap();
    let told = read(&bench.vault(vec![phrase("battery staple")])).unwrap_err();
    let told = told.to_string();
    assert!(
        told.contains("passphrase") && !told.contains("staple"),
        "{told}"
    );
    // Asked for once, however often it is needed; and again after a wrong one.
    let typed = Arc::new(std::sync::Mutex::new(vec!["correct horse", "wrong"]));
    let answers = Arc::clone(&typed);
    let asked = KeySource::Asked(Arc::new(move |question| {
        assert_eq!(question, Question::Known);
        let answer = answers.lock().unwrap().pop();
        let answer = answer.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(SecretString::from(answer))
    }));
    let vault = bench.vault(vec![asked]);
    read(&vault).unwrap_err();
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
}

#[test]
fn a_value_that_was_moved_changed_or_cut_does_not_open() {
    let bench = Bench::new();
    let source = KeySource::File(bench.key_file("a.key", '6'));
    let vault = bench.vault(vec![source.clone()]);
    run(vault.write("automation-secret", SECRET.as_bytes().to_vec())).unwrap();
    let sealed = bench.store.durable.get(&keys::vault("automation-secret"));
    let sealed = sealed.unwrap().unwrap();
    bench.put_raw(&sealed);
    assert!(read(&vault).is_err(), "moved to another name");
    let elsewhere = SealedVault::new(Arc::clone(&bench.store), "globex", vec![source]);
    assert!(
        run(elsewhere.read("automation-secret")).is_err(),
        "of another instance"
    );
    run(vault.write(NAME, SECRET.as_bytes().to_vec())).unwrap();
    let whole = bench.raw().unwrap();
    for at in 5..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        bench.put_raw(&changed);
        assert!(read(&vault).is_err(), "byte {at} was changed");
        bench.put_raw(&whole[..at]);
        assert!(read(&vault).is_err(), "cut at {at}");
    }
}

/// Whoever types these answers, and what they were asked.
fn types(answers: &[&'static str]) -> (KeySource, Arc<std::sync::Mutex<Vec<Question>>>) {
    let questions = Arc::new(std::sync::Mutex::new(Vec::new()));
    let asked = Arc::clone(&questions);
    let answers = answers.to_vec();
    let source = KeySource::Asked(Arc::new(move |question| {
        let mut asked = asked.lock().unwrap();
        asked.push(question);
        let answer = answers.get(asked.len() - 1);
        let answer = answer.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(SecretString::from(*answer))
    }));
    (source, questions)
}

#[test]
fn a_new_passphrase_is_typed_twice_before_anything_is_at_work_and_then_no_more() {
    let bench = Bench::new();
    let (slip, _) = types(&["correct horse", "correct hose"]);
    let told = run(Box::pin(bench.vault(vec![slip]).ask_ahead()))
        .unwrap_err()
        .to_string();
    assert!(told.contains("differ") && !told.contains("hors"), "{told}");

    let (source, questions) = types(&["correct horse", "correct horse"]);
    let vault = bench.vault(vec![source]);
    run(Box::pin(vault.ask_ahead())).unwrap();
    write(&vault, SECRET).unwrap();
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
    assert_eq!(*questions.lock().unwrap(), [Question::New, Question::Again]);

    let (source, questions) = types(&["correct horse"]);
    let vault = bench.vault(vec![source]);
    run(Box::pin(vault.ask_ahead())).unwrap();
    assert_eq!(read(&vault).unwrap().as_deref(), Some(SECRET));
    assert_eq!(*questions.lock().unwrap(), [Question::Known]);
    let (wrong, _) = types(&["battery staple"]);
    assert!(
        run(Box::pin(bench.vault(vec![wrong]).ask_ahead())).is_err(),
        "before any screen"
    );
}

#[test]
fn nobody_who_could_type_a_passphrase_is_no_matter_while_nothing_is_kept() {
    let bench = Bench::new();
    let (nobody, _) = types(&[]);
    run(Box::pin(bench.vault(vec![nobody.clone()]).ask_ahead())).unwrap();
    write(&bench.vault(vec![phrase("correct horse")]), SECRET).unwrap();
    assert!(run(Box::pin(bench.vault(vec![nobody]).ask_ahead())).is_err());
    // Of other keys nothing is asked, and none is made.
    let empty = Bench::new();
    run(Box::pin(empty.beside().ask_ahead())).unwrap();
    assert!(!empty.path("data.key").exists());
}

#[test]
fn everything_that_is_kept_is_sealed_anew_so_that_the_key_of_before_may_go() {
    let bench = Bench::new();
    let old = KeySource::File(bench.key_file("old.key", '3'));
    let new = KeySource::Credential(bench.key_file("passerelle.key", '4'));
    let before = bench.vault(vec![old.clone()]);
    write(&before, SECRET).unwrap();
    run(before.write("automation-secret", b"x".to_vec())).unwrap();
    let both = bench.vault(vec![new.clone(), old]);
    assert_eq!(run(Box::pin(both.seal_anew())).unwrap(), 2);
    assert_eq!(run(Box::pin(both.seal_anew())).unwrap(), 0);
    let alone = bench.vault(vec![new]);
    assert_eq!(read(&alone).unwrap().as_deref(), Some(SECRET));
    write(&alone, "rotated").unwrap();
    // What was never sealed is too.
    bench.put_raw(SECRET.as_bytes());
    assert_eq!(run(Box::pin(alone.seal_anew())).unwrap(), 1);
    assert!(bench.raw().unwrap().starts_with(b"\xffpsl\x01"));
}

#[test]
fn a_key_goes_into_the_data_folder_only_where_nothing_may_be_made_beside_it() {
    let bench = Bench::new();
    // Something in the way is for a person to see.
    fs::create_dir(bench.path("data.key.new")).unwrap();
    let told = write(&bench.beside(), SECRET).unwrap_err().to_string();
    assert!(told.contains("data.key"), "{told}");
    assert!(!bench.path("data").join("key").exists());
}
