//! What is logged. Into files of JSON lines in the data folder, by every process that owns the store.
//! And warnings to standard error, except while a console has the screen: then they are kept, and told
//! when it is given back.

mod files;
mod layer;
mod sink;
mod told;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::{EnvFilter, dynamic_filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use crate::app::compose::{Environment, Opened};
use crate::app::error::{AppError, Status};
use layer::{Lines, Sled};
use sink::Sink;

pub(super) use sink::Detail;
pub(super) use told::Chronicle;

/// Events of this target are written for the log: every field of theirs may be in it.
pub(super) const TOLD: &str = "passerelle::told";

/// Lines kept while the screen is taken; older ones are counted.
const KEPT_MAX: usize = 200;

#[derive(Clone, Default)]
pub struct Log {
    kept: Arc<Mutex<Option<Kept>>>,
    sink: Sink,
}

/// What was logged while nothing could be printed.
#[derive(Debug, Default)]
pub struct Kept {
    pub lines: VecDeque<String>,
    pub dropped: u64,
}

impl Log {
    /// From now on everything that is logged comes here. On standard error only errors, unless
    /// `PASSERELLE_LOG` asks for more.
    pub(super) fn listen(&self, env: &Environment) {
        let filter = env.get("PASSERELLE_LOG").map_or("error", String::as_str);
        let filter = format!("{filter},{TOLD}=off,{}=off", crate::session::PANICKED);
        let told = tracing_subscriber::fmt::layer()
            .with_writer(self.clone())
            .with_ansi(false)
            .with_filter(EnvFilter::new(filter));
        let sink = self.sink.clone();
        let lines = Lines(self.sink.clone()).with_filter(dynamic_filter_fn(move |event, _| {
            Lines::takes(&sink, event)
        }));
        let subscriber = tracing_subscriber::registry().with(told).with(lines);
        // Only a second one could be refused, and there is none.
        let _ = tracing::subscriber::set_global_default(subscriber);
        if log::set_boxed_logger(Box::new(Sled(self.sink.clone()))).is_ok() {
            log::set_max_level(log::LevelFilter::Warn);
        }
    }

    /// Begins the files of an instance whose store this process owns. Without them the work goes on.
    pub(super) fn begin(&self, opened: &Opened, purpose: &str, env: &Environment) {
        if let Some(asked) = env.get("PASSERELLE_LOG_LEVEL") {
            match asked.parse() {
                Ok(detail) => self.sink.set_detail(detail),
                Err(error) => tracing::error!(error, "PASSERELLE_LOG_LEVEL is passed over"),
            }
        }
        let clock = Arc::clone(&opened.clock);
        if let Err(error) = self.sink.open(&opened.instance.data, clock) {
            tracing::error!(%error, "no log can be written into the data folder");
            return;
        }
        tracing::info!(
            target: TOLD,
            purpose,
            version = env!("CARGO_PKG_VERSION"),
            instance = opened.instance.name,
            process = std::process::id(),
            links = opened.recovered.counts.links,
            store_bytes = opened.store.size().unwrap_or_default(),
            is_braked = opened.recovered.tally.is_braked,
            is_restored = opened.recovered.is_restored,
            "process started"
        );
    }

    /// The last line, and everything before it on the disk.
    pub(super) fn end(&self, result: &Result<Status, AppError>) {
        match result {
            Ok(status) => {
                tracing::info!(target: TOLD, status = *status as u8, "process stopped");
            }
            Err(error) => told::failed(error),
        }
        self.sink.close();
    }

    /// Nothing more goes into the files, which may be taken away.
    pub(super) fn close(&self) {
        self.sink.close();
    }

    pub(super) fn detail(&self) -> Detail {
        self.sink.detail()
    }

    /// Says so in the log, whatever its level is.
    pub(super) fn set_detail(&self, detail: Detail, operator: &str) {
        let before = self.sink.detail().name();
        self.sink.set_detail(detail);
        let fields = [
            ("what", "the level of the log was changed"),
            ("operator", operator),
            ("before", before),
            ("now", detail.name()),
        ];
        let fields = fields.map(|(name, text)| (name.to_owned(), text.into()));
        self.sink
            .take(tracing::Level::INFO, fields.into_iter().collect());
    }

    /// Keeps what is logged from now on.
    pub fn hold(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_default();
    }

    /// Logs to standard error again; answers what was kept.
    pub fn release(&self) -> Kept {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().unwrap_or_default()
    }
}

/// The latest lines of an instance's log, the oldest of them first.
pub(super) fn latest(data: &Path, max: usize) -> io::Result<Vec<String>> {
    files::latest(&files::folder(data), max)
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = kept.as_mut() else {
            return io::stderr().write(bytes);
        };
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            if kept.lines.len() == KEPT_MAX {
                kept.lines.pop_front();
                kept.dropped += 1;
            }
            kept.lines.push_back(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_screen_is_taken_lines_are_kept_and_the_oldest_are_counted() {
        let mut log = Log::default();
        log.hold();
        for number in 0..KEPT_MAX + 3 {
            log.write_all(format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let kept = log.release();
        assert_eq!((kept.lines.len(), kept.dropped), (KEPT_MAX, 3));
        assert_eq!(kept.lines[0], "line 3");
        assert!(log.release().lines.is_empty());
    }
}
