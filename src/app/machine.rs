//! What this machine shows of an instance: who can get at its files, and whether a service runs it.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::app::config::{Instance, OwnKey};
use crate::domain::evidence::{Files, Machine, Part};

/// Entries looked at; a store has a few dozen.
const ENTRIES_MAX: u64 = 10_000;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Rights by which others change something, or put something else in its place.
const WRITING: u32 = 0o022;

/// Where systemd says that it runs this machine.
const SYSTEMD: &str = "/run/systemd/system";

/// Where units are.
const UNITS: [&str; 3] = [
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];

/// Where an instance lives.
#[derive(Debug, Clone)]
pub(in crate::app) struct Home {
    pub data: PathBuf,
    /// Where the audit's key and anchor are, if not beside the data folder.
    pub audit: Option<PathBuf>,
    pub file: PathBuf,
    pub socket: PathBuf,
    /// Where the key of the kept secrets may be, outside the data folder.
    pub keys: Vec<PathBuf>,
    /// Where the instance file says that secrets are.
    pub secrets: Vec<PathBuf>,
    /// The socket is for a group too.
    pub is_shared: bool,
}

impl Home {
    pub(in crate::app) fn of(instance: &Instance, file: &Path) -> Self {
        Self {
            data: instance.data.clone(),
            file: file.to_owned(),
            audit: instance.audit.clone(),
            socket: instance.serve.socket.clone(),
            keys: match &instance.keys.own {
                OwnKey::Beside => vec![with_end(&instance.data, ".key")],
                OwnKey::File(path) => vec![path.clone()],
                OwnKey::Passphrase(_) | OwnKey::Asked => Vec::new(),
            },
            secrets: instance.secret_files.clone(),
            is_shared: instance.serve.group.is_some(),
        }
    }
}

pub(in crate::app) async fn look(home: Home, is_served: bool) -> Option<Machine> {
    let looked = tokio::task::spawn_blocking(move || Machine {
        files: files(&home),
        is_served,
        unit: unit(&home.file, Path::new(SYSTEMD), &UNITS.map(Path::new)),
    });
    looked.await.ok()
}

/// `acme` with `.key` is `acme.key`.
fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(end);
    PathBuf::from(path)
}

/// The data folder, the audit beside it, and whatever holds a key or a secret, are the owner's alone.
/// Nobody else may change the instance file, put another file in the place of one of these, or another
/// socket in the socket's.
fn files(home: &Home) -> Part<Files> {
    match looked_at(home) {
        Ok(seen) => Part::Read(seen),
        Err((path, error)) => Part::Unread(format!("{}: {error}", path.display())),
    }
}

type Unread = (PathBuf, std::io::Error);

fn looked_at(home: &Home) -> Result<Files, Unread> {
    let mut seen = Files::default();
    let beside = || with_end(&home.data, ".audit");
    let audit = home.audit.clone().unwrap_or_else(beside);
    for folder in [home.data.clone(), audit] {
        below(&folder, home, &mut seen).map_err(|error| (folder, error))?;
    }
    let secret = home.keys.iter().chain(&home.secrets);
    for path in secret.clone() {
        one(path, OTHERS, &mut seen)?;
    }
    one(&home.file, WRITING, &mut seen)?;
    // Each once, and the socket's by its own rule.
    let beside = home.socket.parent();
    let kept = [&home.file, &home.data].into_iter().chain(secret);
    let folders: BTreeSet<&Path> = kept.filter_map(|path| folder_of(path)).collect();
    for folder in folders {
        let is_sockets = home.is_shared && Some(folder) == beside;
        one(folder, if is_sockets { 0 } else { WRITING }, &mut seen)?;
    }
    if let Some(folder) = beside {
        let others = if home.is_shared { 0o002 } else { WRITING };
        let is_seen = folder == home.data;
        one(folder, if is_seen { 0 } else { others }, &mut seen)?;
    }
    let inside = home.data.join("key");
    seen.key_inside = inside.exists().then(|| inside.display().to_string());
    Ok(seen)
}

/// The folder that holds a file, where its name says so.
fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().map(|folder| {
        if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        }
    })
}

/// What is not there is nobody's to get at.
fn one(path: &Path, forbidden: u32, seen: &mut Files) -> Result<(), Unread> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err((path.to_owned(), error)),
    };
    // In a sticky folder nobody takes away what is another's.
    let is_sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
    note(path, &meta, if is_sticky { 0 } else { forbidden }, seen);
    Ok(())
}

fn below(folder: &Path, home: &Home, seen: &mut Files) -> std::io::Result<()> {
    let meta = match fs::symlink_metadata(folder) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    note(folder, &meta, OTHERS, seen);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if seen.checked >= ENTRIES_MAX {
            return Ok(());
        }
        // What vanishes while it is looked at is nobody's to read.
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            below(&path, home, seen)?;
        } else if !meta.file_type().is_socket() || !home.is_shared {
            note(&path, &meta, OTHERS, seen);
        }
    }
    Ok(())
}

fn note(path: &Path, meta: &Metadata, forbidden: u32, seen: &mut Files) {
    seen.checked += 1;
    if meta.file_type().is_symlink() || meta.mode() & forbidden == 0 {
        return;
    }
    let mode = meta.mode() & 0o777;
    seen.open.push(format!("{} {mode:04o}", path.display()));
}

/// A unit whose command serves this instance.
fn unit(file: &Path, systemd: &Path, folders: &[&Path]) -> Part<bool> {
    if !systemd.is_dir() {
        return Part::Unread("this machine is not run by systemd".to_owned());
    }
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let file = file.display().to_string();
    let serves = |text: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| {
            line.starts_with("ExecStart=") && line.contains(" serve") && line.contains(&file)
        })
    };
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    for entry in entries.flatten().flatten() {
        let path = entry.path();
        let is_unit = path.extension().is_some_and(|end| end == "service");
        if is_unit && fs::read_to_string(&path).is_ok_and(|text| serves(&text)) {
            return Part::Read(true);
        }
    }
    Part::Read(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn home(folder: &Path) -> Home {
        let data = folder.join("data");
        fs::create_dir(&data).unwrap();
        set(&data, 0o700);
        set(folder, 0o700);
        Home {
            audit: None,
            socket: data.join("console.sock"),
            file: folder.join("instance.toml"),
            keys: vec![with_end(&data, ".key")],
            secrets: vec![folder.join("secret")],
            data,
            is_shared: false,
        }
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn open(home: &Home) -> Vec<String> {
        files(home).read().unwrap().open.clone()
    }

    #[test]
    fn a_file_that_others_may_read_is_named_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let file = home.data.join("tokens");
        fs::write(&file, "x").unwrap();
        set(&file, 0o600);
        assert_eq!(open(&home), [] as [String; 0]);
        set(&file, 0o640);
        assert_eq!(open(&home), [format!("{} 0640", file.display())]);
    }

    #[test]
    fn an_instance_file_that_others_may_change_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        fs::write(&home.file, "x").unwrap();
        set(&home.file, 0o644);
        assert_eq!(open(&home), [] as [String; 0], "it holds no secret");
        set(&home.file, 0o664);
        assert_eq!(open(&home).len(), 1);
    }

    #[test]
    fn a_key_or_secret_that_others_may_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        for path in home.keys.iter().chain(&home.secrets) {
            fs::write(path, "x").unwrap();
            set(path, 0o600);
            assert_eq!(open(&home), [] as [String; 0]);
            set(path, 0o604);
            assert_eq!(open(&home), [format!("{} 0604", path.display())]);
            set(path, 0o600);
        }
    }

    #[test]
    fn a_folder_in_which_others_may_swap_files_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        set(folder.path(), 0o777);
        assert_eq!(open(&home), [format!("{} 0777", folder.path().display())]);
        // Nobody takes away what is another's.
        set(folder.path(), 0o1777);
        assert_eq!(open(&home), [] as [String; 0]);
        set(folder.path(), 0o755);
        assert_eq!(open(&home), [] as [String; 0]);
    }

    #[test]
    fn a_key_inside_the_data_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let key = home.data.join("key");
        assert_eq!(files(&home).read().unwrap().key_inside, None);
        fs::write(&key, "x").unwrap();
        set(&key, 0o600);
        let told = files(&home).read().unwrap().key_inside.clone();
        assert_eq!(told, Some(key.display().to_string()));
    }

    #[test]
    fn a_unit_counts_if_it_serves_this_instance() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("acme.toml");
        let here = [folder.path()];
        let found = || unit(&file, folder.path(), &here);
        assert_eq!(found(), Part::Read(false));
        let text = format!(
            "[Service]\nExecStart=/usr/bin/passerelle serve --config {}\n",
            file.display()
        );
        fs::write(folder.path().join("acme.service"), text).unwrap();
        assert_eq!(found(), Part::Read(true));
        let none = folder.path().join("none");
        assert!(matches!(unit(&file, &none, &here), Part::Unread(_)));
    }
}
