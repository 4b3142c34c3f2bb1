//! The way to the log's files: a thread of its own, so that a slow disk delays no work. What it cannot
//! take in time is counted.

use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use tracing::Level;

use super::files::{self, Files};
use crate::ports::Clock;

/// Lines that wait for the disk: a burst of a second at the most detailed level.
const WAITING_MAX: usize = 4_096;

/// Whoever leaves waits no longer for the disk.
const LEAVING_MAX: Duration = Duration::from_secs(2);

const LEVELS: [(Level, &str); 5] = [
    (Level::ERROR, "error"),
    (Level::WARN, "warn"),
    (Level::INFO, "info"),
    (Level::DEBUG, "debug"),
    (Level::TRACE, "trace"),
];

/// How much is logged; each also has what the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app) struct Detail(usize);

impl Detail {
    pub(in crate::app) const ORDINARY: Self = Self(2);

    pub(in crate::app) fn name(self) -> &'static str {
        LEVELS[self.0].1
    }

    pub(super) fn of(level: Level) -> Self {
        let found = LEVELS.iter().position(|(known, _)| *known == level);
        found.map_or(Self::ORDINARY, Self)
    }
}

impl FromStr for Detail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = LEVELS.iter().position(|(_, name)| *name == text);
        found
            .map(Self)
            .ok_or_else(|| format!("“{text}” is no level: error, warn, info, debug or trace"))
    }
}

/// Where lines go, once a log was begun. Copies are the same one.
#[derive(Clone)]
pub(super) struct Sink(Arc<Inner>);

struct Inner {
    detail: AtomicUsize,
    lost: AtomicU64,
    open: Mutex<Option<Open>>,
}

struct Open {
    lines: SyncSender<Vec<u8>>,
    /// Says nothing: its other end is gone when everything is written.
    over: Receiver<()>,
    clock: Arc<dyn Clock>,
}

impl Default for Sink {
    fn default() -> Self {
        Self(Arc::new(Inner {
            detail: AtomicUsize::new(Detail::ORDINARY.0),
            lost: AtomicU64::new(0),
            open: Mutex::new(None),
        }))
    }
}

impl Sink {
    pub(super) fn open(&self, data: &Path, clock: Arc<dyn Clock>) -> io::Result<()> {
        let files = Files::open(&files::folder(data))?;
        let (lines, waiting) = sync_channel(WAITING_MAX);
        let (ended, over) = sync_channel(0);
        let inner = Arc::clone(&self.0);
        let stamp = Arc::clone(&clock);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                write_all(files, &waiting, &inner.lost, &*stamp);
                drop::<SyncSender<()>>(ended);
            })?;
        *self.held() = Some(Open { lines, over, clock });
        Ok(())
    }

    /// Whatever is waiting is written before this returns, unless the disk does not take it.
    pub(super) fn close(&self) {
        let Some(open) = self.held().take() else {
            return;
        };
        drop(open.lines);
        // Either way it is over: written, or given up.
        let _ = open.over.recv_timeout(LEAVING_MAX);
    }

    pub(super) fn detail(&self) -> Detail {
        Detail(self.0.detail.load(Ordering::Relaxed))
    }

    pub(super) fn set_detail(&self, detail: Detail) {
        self.0.detail.store(detail.0, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        self.held().is_some()
    }

    /// One event. Never waits.
    pub(super) fn take(&self, level: Level, fields: Map<String, Json>) {
        let held = self.held();
        let Some(open) = held.as_ref() else {
            return;
        };
        let line = line(open.clock.now().to_string(), Detail::of(level), fields);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            open.lines.try_send(line)
        {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(at: String, detail: Detail, fields: Map<String, Json>) -> Vec<u8> {
    let mut all = Map::new();
    all.insert("at".to_owned(), Json::String(at));
    all.insert("level".to_owned(), json!(detail.name()));
    all.extend(fields);
    let mut line = Json::Object(all).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Until nobody can send any more. A full disk loses lines, and says so when it has room again.
fn write_all(mut files: Files, waiting: &Receiver<Vec<u8>>, lost: &AtomicU64, clock: &dyn Clock) {
    while let Ok(bytes) = waiting.recv() {
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let mut fields = Map::new();
            fields.insert("what".to_owned(), json!("lines of the log were lost"));
            fields.insert("lines".to_owned(), json!(missing));
            let note = line(clock.now().to_string(), Detail(1), fields);
            if files.write(&note).is_err() {
                lost.fetch_add(missing, Ordering::Relaxed);
            }
        }
        if files.write(&bytes).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::SystemClock;

    #[test]
    fn what_was_taken_is_written_when_it_is_closed_and_what_was_lost_is_counted() {
        let data = tempfile::tempdir().unwrap();
        let sink = Sink::default();
        sink.take(Level::INFO, Map::new());
        sink.open(data.path(), Arc::new(SystemClock)).unwrap();
        sink.0.lost.store(3, Ordering::Relaxed);
        let what = |text: &str| Map::from_iter([("what".to_owned(), json!(text))]);
        sink.take(Level::ERROR, what("two\nlines \u{1b}[2J"));
        sink.close();
        sink.take(Level::ERROR, what("too late"));
        let lines = files::latest(&files::folder(data.path()), 10).unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let read = |line: &String| serde_json::from_str::<Json>(line).unwrap();
        assert_eq!(read(&lines[0])["lines"], json!(3));
        assert_eq!(read(&lines[1])["what"], "two\nlines \u{1b}[2J");
        assert_eq!(read(&lines[1])["level"], "error");
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
    }

    #[test]
    fn levels_have_their_names() {
        for name in ["error", "warn", "info", "debug", "trace"] {
            assert_eq!(name.parse::<Detail>().unwrap().name(), name);
        }
        assert!("loud".parse::<Detail>().is_err());
        assert!(Detail::of(Level::ERROR) < Detail::of(Level::TRACE));
    }
}
