//! sled, opened and committed to so that what is acknowledged survives a kill and a power cut.
//! The only file that names sled.
//!
//! Stock sled 0.34.7 keeps neither promise: killed while it opens it may leave a snapshot that no
//! later open can read, and its flush asks the kernel to begin writing without waiting for the
//! disk. So, at every open: our own lock first, half-made snapshots away, a marker that says the
//! store was once whole. And after every commit: its flush, then our own `fdatasync`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{Flock, FlockArg};

use crate::ports::StoreError;

/// Its presence says that the store was once opened whole and may hold acknowledged data.
const READY: &str = "READY";
const LOCK: &str = "store.lock";
const FOLDER: &str = "store";

/// sled's own default is a gigabyte; the whole program is to live in less.
const CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An open store. One in the world for each folder.
pub(super) struct Durable {
    db: sled::Db,
    /// The log file, for our own sync.
    log: File,
    path: PathBuf,
    is_poisoned: AtomicBool,
    _lock: Flock<File>,
}

/// Key and value; no value removes the key.
pub(super) type Staged = std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Durable {
    /// Opens or makes the store inside `data`. Says who holds it if it is held.
    ///
    /// 1. Take the lock, so that nothing below can race another process.
    /// 2. A folder without the marker never acknowledged anything: begin anew.
    /// 3. Remove half-made snapshots.
    /// 4. Open; sled's own background flush off, since every commit is flushed.
    /// 5. Sync the log; the first time also every file and folder, then set the marker.
    pub(super) fn open(data: &Path, holder: &str) -> Result<Self, StoreError> {
        let shown = data.display().to_string();
        let failed = |source: io::Error| StoreError::Open {
            path: shown.clone(),
            source: Box::new(source),
        };
        fs::create_dir_all(data).map_err(failed)?;
        let lock = lock(data, holder)?;
        let path = data.join(FOLDER);
        if path.exists() && !path.join(READY).exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        remove_unfinished_snapshots(&path).map_err(failed)?;
        let db = open_sled(&path)?;
        let log = OpenOptions::new()
            .read(true)
            .open(path.join("db"))
            .map_err(failed)?;
        let store = Self {
            db,
            log,
            path,
            is_poisoned: AtomicBool::new(false),
            _lock: lock,
        };
        store.sync().map_err(|source| StoreError::Open {
            path: shown.clone(),
            source,
        })?;
        if !store.path.join(READY).exists() {
            store.mark_ready(data).map_err(failed)?;
        }
        Ok(store)
    }

    /// One atomic batch, durable when this returns. After any error nothing is accepted any more.
    pub(super) fn commit(&self, staged: Staged) -> Result<(), StoreError> {
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        let mut batch = sled::Batch::default();
        for (key, value) in staged {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let applied = self.db.apply_batch(batch).map_err(Into::into);
        let synced: Result<(), Cause> = applied.and_then(|()| self.sync());
        synced.map_err(|source| {
            // A sync that failed once may report success the next time with the pages lost.
            self.is_poisoned.store(true, Ordering::Release);
            StoreError::Commit { source }
        })
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.db.get(key).map_err(|source| StoreError::Read {
            source: source.into(),
        })?;
        Ok(found.map(|value| value.to_vec()))
    }

    /// Keys with the prefix, after that key if one is given, in order, while `take` says so.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        mut take: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let start = match after {
            // The next possible key: the same with a zero behind it.
            Some(after) => [after, &[0]].concat(),
            None => prefix.to_vec(),
        };
        for entry in self.db.range(start..) {
            let (key, value) = entry.map_err(|source| StoreError::Read {
                source: source.into(),
            })?;
            if !key.starts_with(prefix) || !take(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// The same from the last key with the prefix backwards.
    pub(super) fn scan_back(
        &self,
        prefix: &[u8],
        mut take: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        for entry in self.db.scan_prefix(prefix).rev() {
            let (key, value) = entry.map_err(|source| StoreError::Read {
                source: source.into(),
            })?;
            if !take(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// Bytes on disk.
    pub(super) fn size(&self) -> Result<u64, StoreError> {
        self.db.size_on_disk().map_err(|source| StoreError::Read {
            source: source.into(),
        })
    }

    fn sync(&self) -> Result<(), Cause> {
        self.db.flush()?;
        self.log.sync_data()?;
        Ok(())
    }

    fn mark_ready(&self, data: &Path) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                File::open(entry.path())?.sync_all()?;
            }
        }
        let folder = File::open(&self.path)?;
        folder.sync_all()?;
        File::create(self.path.join(READY))?.sync_all()?;
        folder.sync_all()?;
        File::open(data)?.sync_all()
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn lock(data: &Path, holder: &str) -> Result<Flock<File>, StoreError> {
    let path = data.join(LOCK);
    let shown = data.display().to_string();
    let failed = |source: io::Error| StoreError::Open {
        path: shown.clone(),
        source: Box::new(source),
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
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

fn remove_unfinished_snapshots(path: &Path) -> io::Result<()> {
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

/// sled panics on some damaged files instead of saying so. A store that does not open is never
/// touched: what can be saved of it is for a person to decide.
fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .flush_every_ms(None)
        .cache_capacity(CACHE_BYTES_MAX);
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
    let shown = path.display().to_string();
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(source)) => Err(StoreError::Open {
            path: shown,
            source: source.into(),
        }),
        Err(_) => Err(StoreError::Open {
            path: shown,
            source: "its files are damaged".into(),
        }),
    }
}
