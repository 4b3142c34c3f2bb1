//! What this machine shows of an instance: who can get at its files, and whether a service runs it.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::app::config::Instance;
use crate::domain::evidence::{Files, Machine, Part};

/// Entries looked at; a store has a few dozen.
const ENTRIES_MAX: u64 = 10_000;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

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

/// The data folder and the audit beside it are the owner's alone, key and tokens above all; nobody else
/// may change the instance file or put another socket in the socket's place.
fn files(home: &Home) -> Part<Files> {
    let mut seen = Files::default();
    let beside = || {
        let mut audit = home.data.clone().into_os_string();
        audit.push(".audit");
        PathBuf::from(audit)
    };
    let audit = home.audit.clone().unwrap_or_else(beside);
    for folder in [&home.data, &audit] {
        if let Err(error) = below(folder, home, &mut seen) {
            return Part::Unread(format!("{}: {error}", folder.display()));
        }
    }
    let beside = home.socket.parent();
    let writable = [Some(home.file.as_path()), beside];
    for path in writable.into_iter().flatten() {
        match fs::metadata(path) {
            Ok(meta) => {
                let others = if meta.is_dir() && home.is_shared {
                    0o002
                } else {
                    0o022
                };
                // In a sticky folder nobody takes away what is another's.
                let is_sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
                note(path, &meta, if is_sticky { 0 } else { others }, &mut seen);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Part::Unread(format!("{}: {error}", path.display())),
        }
    }
    Part::Read(seen)
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
