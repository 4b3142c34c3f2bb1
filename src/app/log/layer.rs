//! Which events become lines of the log, and which of their fields. Whatever could be somebody's is left
//! out unless it is known not to be: a field has to be on the list here to be written.

use std::fmt;

use serde_json::{Map, Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::TOLD;
use super::sink::{Detail, Sink};
use crate::app::mask;

/// Fields of text that hold words of ours alone, whoever logs them.
const OUR_WORDS: [&str; 9] = [
    "message", "side", "kind", "code", "asked", "thread", "place", "says", "job",
];

/// Rooms whose errors are about files and sockets.
const OUR_ERRORS: [&str; 3] = [
    "passerelle::store",
    "passerelle::app",
    "passerelle::session",
];

/// The simulators play people, and their log says what those do.
const PLAYED: [&str; 2] = ["passerelle::sim", "passerelle::app::practice"];

/// Characters of one text.
const TEXT_MAX: usize = 500;

pub(super) struct Lines(pub(super) Sink);

impl Lines {
    /// Whether the log takes such an event now.
    pub(super) fn takes(sink: &Sink, event: &Metadata<'_>) -> bool {
        let target = event.target();
        target.starts_with("passerelle")
            && !PLAYED.iter().any(|played| target.starts_with(played))
            && Detail::of(*event.level()) <= sink.detail()
            && sink.is_open()
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields {
            target: event.metadata().target(),
            kept: Map::new(),
        };
        event.record(&mut fields);
        self.0.take(*event.metadata().level(), fields.kept);
    }
}

struct Fields<'a> {
    target: &'a str,
    kept: Map<String, Json>,
}

impl Fields<'_> {
    fn text(&mut self, field: &Field, text: &dyn fmt::Display) {
        let name = field.name();
        let is_error = name == "error" && OUR_ERRORS.iter().any(|r| self.target.starts_with(r));
        if self.target != TOLD && !OUR_WORDS.contains(&name) && !is_error {
            return;
        }
        let text: String = text.to_string().chars().take(TEXT_MAX).collect();
        let text = mask::without_addresses(&text);
        // The first field of a line says what happened.
        let name = if name == "message" { "what" } else { name };
        self.kept.insert(name.to_owned(), Json::String(text));
    }
}

impl Visit for Fields<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.kept.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.kept.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.kept.insert(field.name().to_owned(), json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format_args!("{value:?}"));
    }
}

/// sled speaks through `log`: its warnings and errors are about files and offsets. What it says about
/// trees could name keys, and is left out.
pub(super) struct Sled(pub(super) Sink);

impl log::Log for Sled {
    fn enabled(&self, about: &log::Metadata<'_>) -> bool {
        about.level() <= log::Level::Warn && about.target().starts_with("sled")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Error => tracing::Level::ERROR,
            _ => tracing::Level::WARN,
        };
        let mut fields = Map::new();
        let place = format!("{}:{}", record.target(), record.line().unwrap_or_default());
        fields.insert("what".to_owned(), json!("the embedded database warns"));
        fields.insert("place".to_owned(), json!(place));
        if !record.target().starts_with("sled::tree") {
            let says: String = record.args().to_string().chars().take(TEXT_MAX).collect();
            fields.insert("says".to_owned(), json!(mask::without_addresses(&says)));
        }
        self.0.take(level, fields);
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::adapters::SystemClock;
    use crate::app::log::latest;

    #[test]
    fn a_panic_is_logged_by_its_place_and_its_words_only_where_they_are_ours() {
        let data = tempfile::tempdir().unwrap();
        let sink = Sink::default();
        sink.open(data.path(), Arc::new(SystemClock)).unwrap();
        let subscriber = tracing_subscriber::registry().with(Lines(sink.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let panics = crate::session::Panics::keep();
            let name = "Claire";
            for is_ours in [true, false] {
                let fault = || assert!(!is_ours, "a fault of ours");
                let caught = std::panic::catch_unwind(|| {
                    fault();
                    panic!("of {name}")
                });
                assert!(caught.is_err());
            }
            drop(panics);
        });
        sink.close();
        let lines = latest(data.path(), 100).unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("a fault of ours") && lines[0].contains("layer.rs"));
        assert!(!lines[1].contains("Claire") && lines[1].contains("layer.rs"));
    }

    #[test]
    fn only_what_is_known_to_be_nobodys_becomes_a_line() {
        let data = tempfile::tempdir().unwrap();
        let sink = Sink::default();
        sink.open(data.path(), Arc::new(SystemClock)).unwrap();
        let filter = sink.clone();
        let filter = tracing_subscriber::filter::dynamic_filter_fn(move |event, _| {
            Lines::takes(&filter, event)
        });
        let lines = Lines(sink.clone()).with_filter(filter);
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || {
            let name = "Claire";
            tracing::info!(target: "passerelle::pool", rows = 3, name, error = name, "asked");
            tracing::warn!(target: "passerelle::store", error = "no room for a@b.fr", "failed");
            tracing::info!(target: TOLD, operator = name, "told");
            tracing::error!(target: crate::session::PANICKED, thread = "t", says = "x", "panicked");
            tracing::debug!(target: TOLD, "too detailed");
            tracing::error!(target: "passerelle::sim::world", name, "played");
            tracing::error!(target: "reqwest", name, "not ours");
        });
        let says = |record: &log::Record<'_>| log::Log::log(&Sled(sink.clone()), record);
        let record = |target, level| {
            let mut record = log::Record::builder();
            record.target(target).level(level);
            record
        };
        let mut warning = record("sled::config", log::Level::Warn);
        says(&warning.args(format_args!("the disk is full")).build());
        let mut of_keys = record("sled::tree", log::Level::Error);
        says(&of_keys.args(format_args!("Claire")).build());
        let mut too_much = record("sled::tree", log::Level::Debug);
        says(&too_much.args(format_args!("a key")).build());
        let mut other = record("rustls", log::Level::Error);
        says(&other.args(format_args!("Claire")).build());
        sink.close();

        let lines = latest(data.path(), 100).unwrap();
        let without_time = |line: &String| {
            let mut line: Map<String, Json> = serde_json::from_str(line).unwrap();
            line.shift_remove("at");
            Json::Object(line)
        };
        let lines: Vec<Json> = lines.iter().map(without_time).collect();
        let warns = "the embedded database warns";
        assert_eq!(
            lines,
            [
                json!({ "level": "info", "what": "asked", "rows": 3 }),
                json!({ "level": "warn", "what": "failed", "error": "no room for <address>" }),
                json!({ "level": "info", "what": "told", "operator": "Claire" }),
                json!({ "level": "error", "what": "panicked", "thread": "t", "says": "x" }),
                json!({ "level": "warn", "what": warns, "place": "sled::config:0", "says": "the disk is full" }),
                json!({ "level": "error", "what": warns, "place": "sled::tree:0" }),
            ]
        );
    }
}
