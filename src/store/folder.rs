//! The folders and files around a store: private to their owner, held by one process.

use std::error::Error;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::ports::StoreError;

/// Locked by whoever has the store, and names them.
const LOCK: &str = "store.lock";

pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder that nobody else made or can look into.
pub(super) fn is_ours(path: &Path) -> bool {
    let ours = nix::unistd::geteuid().as_raw();
    fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == ours && meta.mode() & 0o777 == 0o700)
}

pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// A store that was never whole; nothing but the parts of one is ever removed.
pub(super) fn remove_unready(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_known = matches!(&*name, "conf" | "db" | "blobs") || name.starts_with("snap.");
        if !is_known {
            let message = format!("its folder holds {name}, which is not passerelle's");
            return Err(io::Error::other(message));
        }
    }
    fs::remove_dir_all(path)
}

/// Takes the lock of a data folder, or says who holds it.
pub(super) fn lock(data: &Path, holder: &str) -> Result<Flock<File>, StoreError> {
    let shown = data.display().to_string();
    let failed = |source: io::Error| not_opened(data, source.into());
    let file = private_file(&data.join(LOCK)).map_err(failed)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut file) => {
            file.set_len(0)
                .and_then(|()| file.rewind())
                .map_err(failed)?;
            file.write_all(holder.as_bytes()).map_err(failed)?;
            Ok(file)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(failed)?;
            Err(StoreError::Held {
                path: shown.clone(),
                holder,
            })
        }
        Err((_, errno)) => Err(failed(errno.into())),
    }
}

pub(super) fn remove_unfinished_snapshots(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

pub(super) fn not_opened(data: &Path, source: Box<dyn Error + Send + Sync>) -> StoreError {
    StoreError::Open {
        path: data.display().to_string(),
        source,
    }
}
