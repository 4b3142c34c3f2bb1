//! sled, opened and committed to so that what is acknowledged survives a kill and a power cut.
//! The only file that names sled.
//!
//! Stock sled 0.34.7 keeps neither promise: killed while it opens it may leave a snapshot that no
//! later open can read, and its flush asks the kernel to begin writing without waiting for the
//! disk. So, at every open: our own lock first, half-made snapshots away, a marker that says the
//! store was once whole. And after every commit: its flush, then our own `fdatasync`.
//!
//! Nor does it ever sync the files that it makes for large pages. A page holds up to 17 values, and
//! one above 128 KiB gets a file of its own; so no value is stored longer than 4 KiB in one piece.
//!
//! Two things that it leaves undone are done here. Of the log's segments that are mostly obsolete it
//! moves one page whenever it rewrites another for its own reasons, far too seldom: the file grew to
//! three times its content. And it notes where its pages are only when it opens: the next open
//! reads all that was written since.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use nix::fcntl::Flock;
use tokio::sync::watch;

use crate::ports::StoreError;
use crate::store::folder::{
    lock, make_private_folder, not_opened, private_file, remove_unfinished_snapshots,
    remove_unready,
};
use crate::store::keys;
use crate::store::sweep::Proportion;
use crate::store::watch::Watch;

/// Its presence says that the store was once opened whole and may hold acknowledged data.
const READY: &str = "READY";
pub(super) const FOLDER: &str = "store";

/// sled's own default is a gigabyte; the whole program is to live in less. Pages take about three
/// times what sled counts for them.
const CACHE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Holds one key, which is written for no other purpose than to make sled clean up.
const BROOM: &str = "broom";

/// sled rewrites a page that was changed so often, and moves one obsolete page each time.
const CHANGES_PER_MOVE: u64 = 10;

/// A page takes 10 KiB at most. sled uses a segment again no sooner than one whole segment, half a
/// megabyte, after the page was moved out of it: with a sync in between, the page is safe by then.
const MOVES_PER_SYNC: u64 = 48;

/// A log that has grown by more is noted at the end, so that the next open need not read it again.
const UNNOTED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Longer values are stored in pieces, see above.
const PIECE_BYTES_MAX: usize = 4 * 1024;

/// Keys of the pieces after the first: this, the value's own key, the piece's number.
const PIECES: u8 = b'z';

/// How many pieces follow is the first byte or, from this on, the first three of what is stored.
const MANY_PIECES: u8 = u8::MAX;

/// An open store. One in the world for each folder.
pub(super) struct Durable {
    /// First to end: its thread holds the store too.
    watch: Watch,
    stuck: Arc<watch::Sender<bool>>,
    db: sled::Db,
    broom: sled::Tree,
    /// What the broom wrote last: an equal value would be no change.
    stroke: AtomicU64,
    proportion: Proportion,
    /// The log file, for our own sync.
    log: File,
    /// After all that uses the store, before the lock: in this order they end.
    ending: Ending,
    path: PathBuf,
    /// Held by a commit and by whoever must see the store between two commits.
    quiet: Mutex<()>,
    /// Written while a batch is applied, read while the pieces of one value are gathered.
    applying: RwLock<()>,
    /// Values that could not be read since the start.
    damaged: AtomicU64,
    _lock: Option<Flock<File>>,
}

/// Key and value; no value removes the key.
pub(super) type Staged = std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Durable {
    /// Opens or makes the store inside `data`. Says who holds it if it is held.
    ///
    /// Every store holds the pair `founding`: one that lacks it has lost its files.
    ///
    /// 1. Take the lock, so that nothing below can race another process.
    /// 2. A folder without the marker never acknowledged anything: begin anew.
    /// 3. Remove half-made snapshots.
    /// 4. Open; sled's own background flush off, since every commit is flushed.
    /// 5. Sync the log; the first time also every file and folder, then set the marker.
    pub(super) fn open(
        data: &Path,
        holder: &str,
        founding: (&[u8], &[u8]),
    ) -> Result<Self, StoreError> {
        make_private_folder(data).map_err(|source| not_opened(data, source.into()))?;
        let lock = lock(data, holder)?;
        Self::open_held(data, Some(lock), founding)
    }

    /// The same where the caller holds the lock of a folder around this one.
    pub(super) fn open_held(
        data: &Path,
        lock: Option<Flock<File>>,
        founding: (&[u8], &[u8]),
    ) -> Result<Self, StoreError> {
        let failed = |source: io::Error| not_opened(data, source.into());
        let path = data.join(FOLDER);
        let is_new = !path.join(READY).exists();
        if is_new {
            remove_unready(&path).map_err(failed)?;
        } else if fs::metadata(path.join("db")).map_err(failed)?.len() == 0 {
            return Err(not_opened(data, LOST.into()));
        }
        make_private_folder(&path).map_err(failed)?;
        remove_unfinished_snapshots(&path).map_err(failed)?;
        let (config, db) = open_sled(&path).map_err(|source| not_opened(data, source))?;
        let stuck = Arc::new(watch::Sender::new(false));
        let watch = watch_over(&path, (config, db.clone()), Arc::clone(&stuck)).map_err(failed)?;
        let opening = watch.begin();
        let broom = db
            .open_tree(BROOM)
            .map_err(|source| not_opened(data, source.into()))?;
        let log = File::open(path.join("db")).map_err(failed)?;
        let size = log.metadata().map_err(failed)?.len();
        drop(opening);
        let store = Self {
            watch,
            stuck,
            db,
            broom,
            stroke: AtomicU64::new(0),
            proportion: Proportion::new(size),
            log,
            ending: Ending {
                path: path.clone(),
                written: AtomicU64::new(0),
                is_poisoned: AtomicBool::new(false),
            },
            path,
            quiet: Mutex::new(()),
            applying: RwLock::new(()),
            damaged: AtomicU64::new(0),
            _lock: lock,
        };
        let (key, value) = founding;
        if is_new {
            store.commit(Staged::from([(key.to_vec(), Some(value.to_vec()))]))?;
            store.mark_ready(data).map_err(failed)?;
        } else if store.get(key)?.is_none() {
            return Err(not_opened(data, LOST.into()));
        } else {
            store.sync().map_err(|source| not_opened(data, source))?;
        }
        Ok(store)
    }

    /// One atomic batch, durable when this returns. After any error nothing is accepted any more.
    pub(super) fn commit(&self, staged: Staged) -> Result<(), StoreError> {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ending.is_poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        let _watched = self.watch.begin();
        self.ending.note_written(&staged);
        let batch = self.batch(staged).inspect_err(|_| self.poison())?;
        let applying = self.applying.write();
        let applied = self.db.apply_batch(batch).map_err(Into::into);
        drop(applying);
        let synced: Result<(), Cause> = applied.and_then(|()| self.sync());
        drop(quiet);
        synced.map_err(|source| {
            // A sync that failed once may report success the next time with the pages lost.
            self.poison();
            StoreError::Commit { source }
        })
    }

    /// Nothing is accepted any more.
    pub(super) fn poison(&self) {
        self.ending.is_poisoned.store(true, Ordering::Release);
    }

    /// Ends if the disk is given up: whoever waits for it is to wait no longer.
    pub(super) async fn given_up(&self) -> StoreError {
        let mut stuck = self.stuck.subscribe();
        // The sender lives as long as this does.
        let _ = stuck.wait_for(|is_stuck| *is_stuck).await;
        self.poison();
        StoreError::Commit {
            source: given_up(&self.path).into(),
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        *self.stuck.borrow()
    }

    /// What `look` sees lies between two commits.
    pub(super) fn quietly<T>(&self, look: impl FnOnce() -> T) -> T {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = look();
        drop(quiet);
        seen
    }

    /// Counts a value that cannot be read and answers how many those are.
    pub(super) fn note_damaged(&self) -> u64 {
        self.damaged.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.raw(key)? {
            Some(first) => self.joined(key, &first),
            None => Ok(None),
        }
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
            let (key, first) = entry.map_err(not_read)?;
            // Pieces are behind all other keys.
            if !key.starts_with(prefix) || key.first() == Some(&PIECES) {
                break;
            }
            let Some(value) = self.joined(&key, &first)? else {
                continue;
            };
            if !take(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// The same from the last key with the prefix backwards, or from the one before that key.
    pub(super) fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        mut take: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let entries = match before {
            Some(before) => self.db.range(prefix..before),
            None => self.db.scan_prefix(prefix),
        };
        for entry in entries.rev() {
            let (key, first) = entry.map_err(not_read)?;
            let Some(value) = self.joined(&key, &first)? else {
                continue;
            };
            if !take(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// The first key that is not before that one.
    pub(super) fn first(&self, from: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.db.range(from.to_vec()..).keys().next() {
            Some(key) => Ok(Some(key.map_err(not_read)?.to_vec())),
            None => Ok(None),
        }
    }

    /// Bytes on disk.
    pub(super) fn size(&self) -> Result<u64, StoreError> {
        self.db.size_on_disk().map_err(not_read)
    }

    fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(key).map_err(not_read)
    }

    /// Splits long values, and removes the pieces of those that are replaced.
    fn batch(&self, staged: Staged) -> Result<sled::Batch, StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in staged {
            if keys::is_entry(&key) {
                self.enter(&mut batch, key, value.is_some());
                continue;
            }
            let old = self.raw(&key)?;
            let old_pieces = old.as_deref().and_then(leading_count).map_or(0, |(n, _)| n);
            self.proportion.note(
                old.as_ref()
                    .map(|old| key.len() + old.len() + usize::from(old_pieces) * PIECE_BYTES_MAX),
                value.as_ref().map(|value| key.len() + value.len()),
            );
            let Some(value) = value else {
                for number in 0..old_pieces {
                    batch.remove(piece_key(&key, number));
                }
                batch.remove(key);
                continue;
            };
            let split = value.len().min(PIECE_BYTES_MAX);
            let (start, rest) = value.split_at(split);
            let pieces = rest.len().div_ceil(PIECE_BYTES_MAX);
            let count = u16::try_from(pieces).map_err(|source| StoreError::Commit {
                source: source.into(),
            })?;
            for (number, piece) in (0..count).zip(rest.chunks(PIECE_BYTES_MAX)) {
                batch.insert(piece_key(&key, number), piece);
            }
            for number in count..old_pieces {
                batch.remove(piece_key(&key, number));
            }
            let mut first = match u8::try_from(count) {
                Ok(few) if few < MANY_PIECES => vec![few],
                _ => [&[MANY_PIECES], &count.to_le_bytes()[..]].concat(),
            };
            first.extend_from_slice(start);
            batch.insert(key, first);
        }
        Ok(batch)
    }

    /// An entry of an index. It is staged only where it changes, so there is no need to look.
    fn enter(&self, batch: &mut sled::Batch, key: Vec<u8>, is_put: bool) {
        if is_put {
            self.proportion.note(None, Some(key.len()));
            batch.insert(key, vec![0]);
        } else {
            self.proportion.note(Some(key.len()), None);
            batch.remove(key);
        }
    }

    /// The whole value; `None` if it was removed meanwhile. A missing piece leaves it short: its
    /// checksum tells whoever decodes it.
    fn joined(&self, key: &[u8], first: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match leading_count(first) {
            None => return Ok(Some(Vec::new())),
            Some((0, value)) => return Ok(Some(value.to_vec())),
            Some(_) => {}
        }
        let applying = self.applying.read();
        let Some(first) = self.raw(key)? else {
            return Ok(None);
        };
        let (pieces, start) = leading_count(&first).unwrap_or((0, &[]));
        let mut value = start.to_vec();
        for number in 0..pieces {
            let piece = self.raw(&piece_key(key, number))?;
            value.extend_from_slice(piece.as_deref().unwrap_or_default());
        }
        drop(applying);
        Ok(Some(value))
    }

    /// Whether any value is kept in more than one piece.
    #[cfg(test)]
    pub(super) fn holds_pieces(&self) -> bool {
        self.db.scan_prefix([PIECES]).next().is_some()
    }

    /// Cleans up after a commit of so many pairs, until nothing is left to do or somebody waits. Moves
    /// pages that are mostly obsolete; changes nothing that can be read.
    pub(super) fn tidy(
        &self,
        pairs: usize,
        somebody_waits: impl Fn() -> bool,
    ) -> Result<(), StoreError> {
        let _watched = self.watch.begin();
        self.sweep_all(pairs, somebody_waits).map_err(|source| {
            self.poison();
            StoreError::Commit { source }
        })
    }

    fn sweep_all(&self, pairs: usize, somebody_waits: impl Fn() -> bool) -> Result<(), Cause> {
        self.proportion.see(self.log.metadata()?.len());
        let mut due = self.proportion.due(pairs);
        while due > 0 || (self.proportion.owed() > 0 && !somebody_waits()) {
            let moves = self.proportion.owed().min(MOVES_PER_SYNC);
            self.sweep(moves)?;
            self.sync()?;
            self.proportion.paid(moves);
            due = due.saturating_sub(moves);
        }
        Ok(())
    }

    /// Makes sled move pages out of segments that are mostly obsolete, so that these can be used
    /// again. It offers no call for that.
    fn sweep(&self, moves: u64) -> Result<(), Cause> {
        for _ in 0..moves * CHANGES_PER_MOVE {
            let stroke = self.stroke.fetch_add(1, Ordering::Relaxed);
            self.broom.insert([], &stroke.to_le_bytes()[..1])?;
        }
        Ok(())
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
                let file = File::open(entry.path())?;
                file.set_permissions(Permissions::from_mode(0o600))?;
                file.sync_all()?;
            }
        }
        let folder = File::open(&self.path)?;
        folder.sync_all()?;
        private_file(&self.path.join(READY))?.sync_all()?;
        folder.sync_all()?;
        File::open(data)?.sync_all()
    }
}

/// The end of an open store.
struct Ending {
    path: PathBuf,
    /// Bytes handed to sled since it was opened, about.
    written: AtomicU64,
    is_poisoned: AtomicBool,
}

impl Ending {
    fn note_written(&self, staged: &Staged) {
        let bytes: usize = staged
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len))
            .sum();
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// sled notes where its pages are when it opens and at no other time.
    fn note_pages(&self) -> Result<(), Cause> {
        remove_unfinished_snapshots(&self.path)?;
        drop(open_sled(&self.path)?);
        File::open(self.path.join("db"))?.sync_all()?;
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let is_short = *self.written.get_mut() <= UNNOTED_BYTES_MAX;
        if is_short || *self.is_poisoned.get_mut() {
            return;
        }
        if let Err(error) = self.note_pages() {
            // Nothing is lost: the next open reads the log instead.
            tracing::warn!(error = %error, "the next start will be slow");
        }
    }
}

/// sled may wait for ever for a write that failed in another of its threads: of two places that note
/// the failure, one does not wake those who wait. Whoever flushes after that does: it is told of
/// the failure at once, and wakes all others before it returns.
///
/// A disk that neither answers nor fails for [`BEATS_MAX`] is given up.
fn watch_over(
    path: &Path,
    (config, db): (sled::Config, sled::Db),
    stuck: Arc<watch::Sender<bool>>,
) -> io::Result<Watch> {
    let path = path.to_owned();
    Watch::new(BEAT, move |beats| {
        if config.global_error().is_err() {
            // The waiter reports the failure.
            drop(db.flush());
        } else if beats == BEATS_MAX {
            tracing::error!("{}", given_up(&path));
            stuck.send_replace(true);
        }
    })
}

/// For whoever waits for a store that was given up.
fn given_up(path: &Path) -> String {
    format!(
        "the disk under {} has not taken a change for {} seconds; see to the disk, then start \
         passerelle again: nothing acknowledged is lost",
        path.display(),
        BEAT.as_secs() * u64::from(BEATS_MAX)
    )
}

/// How long a failed write may keep others waiting.
const BEAT: Duration = Duration::from_secs(1);

/// A change takes milliseconds, on the slowest of disks seconds.
const BEATS_MAX: u32 = 60;

type Cause = Box<dyn std::error::Error + Send + Sync>;

const LOST: &str = "its files are empty or gone, and it once held data";

/// The number of pieces that follow, and the start of the value.
fn leading_count(first: &[u8]) -> Option<(u16, &[u8])> {
    match first {
        [MANY_PIECES, low, high, start @ ..] => Some((u16::from_le_bytes([*low, *high]), start)),
        [few, start @ ..] => Some((u16::from(*few), start)),
        [] => None,
    }
}

fn piece_key(key: &[u8], number: u16) -> Vec<u8> {
    [&[PIECES], key, &number.to_be_bytes()[..]].concat()
}

fn not_read(source: sled::Error) -> StoreError {
    StoreError::Read {
        source: source.into(),
    }
}

/// sled panics on some damaged files instead of saying so. A store that does not open is never
/// touched: what can be saved of it is for a person to decide.
fn open_sled(path: &Path) -> Result<(sled::Config, sled::Db), Cause> {
    let config = sled::Config::new()
        .path(path)
        .flush_every_ms(None)
        .cache_capacity(CACHE_BYTES_MAX);
    let mut tries = 0;
    loop {
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened {
            Ok(Ok(db)) => return Ok((config, db)),
            Ok(Err(source)) if is_locked(&source) && tries < LOCK_TRIES_MAX => {
                tries += 1;
                pause();
            }
            Ok(Err(source)) => return Err(source.into()),
            Err(_) => return Err("its files are damaged".into()),
        }
    }
}

/// sled's own lock, which a store that was just closed in this process may hold a moment longer: its
/// threads end after it. Ours is held around all this, so it is nobody else's.
fn is_locked(error: &sled::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// Two seconds in all.
const LOCK_TRIES_MAX: u32 = 200;

#[expect(
    clippy::disallowed_methods,
    reason = "opening has no clock, and there is nothing to wait on"
)]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}
