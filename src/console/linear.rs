//! The console as plain lines: what a screen says, said once, and what changed after each command.
//! Nothing is painted; the model and what it does are those of the painted console.

mod page;
mod said;

use std::collections::BTreeSet;

use super::model::{Model, Overlay, Tab};
use super::query::Ticket;
use super::slot::Waiting as _;
use super::words::Words;
use crate::domain::time::{Span, Timestamp};

pub(super) use page::Page;
pub(super) use said::{around, help, nothing, places, tone};

/// Lines and bytes that wait to be taken: a part of what one frame to a client holds.
/// What is more is counted and said so.
const LINES_MAX: usize = 2_000;
const BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// Cells of the pretended screen: a page of a list, and what would have room beside it.
const SIZE: (u16, u16) = (200, 30);

/// An answer that does not come within this is not waited for: the line is free again.
const PATIENCE: Span = Span::seconds(10);

/// What the last act came to, and what was typed after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    #[default]
    Done,
    /// It was refused, or broken off.
    Failed,
    /// It was not understood, or means nothing here.
    Misused,
    /// The operator's role does not allow it.
    Denied,
}

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// Broken between words at its width.
    Terminal,
    Pipe,
}

#[derive(Debug)]
pub(super) struct Linear {
    ground: Ground,
    said: Vec<String>,
    /// Of all of them.
    bytes: usize,
    dropped: u64,
    /// Whether anything was said since the last line.
    pub(super) spoke: bool,
    pub(super) page: Option<Page>,
    pub(super) phase: Phase,
    pub(super) show: Show,
    pub(super) outcome: Outcome,
}

/// What was taken in has arrived within this, or it is not waited for.
const ARRIVAL: Span = Span::seconds(3);

/// What the next line waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Ready,
    /// Answers that what is in sight needs.
    Looking {
        since: Timestamp,
        tickets: BTreeSet<Ticket>,
    },
    /// What became of a command.
    Acting(Timestamp),
    /// That a cycle begins, which was asked for.
    Beginning(Timestamp),
    /// A survey, which takes as long as it takes.
    Counting,
    /// The sync comes to rest, for as long as that takes.
    Resting,
    /// What was asked for arrives, or takes longer than anybody waits for.
    Arriving(Timestamp),
}

/// What is said once the answers are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Nothing,
    /// What is not as it was said last.
    Changes,
    /// Only what is chosen.
    Chosen,
    Whole,
}

/// One screen as texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reading {
    pub(super) head: Vec<String>,
    /// Of the columns.
    pub(super) titles: Vec<String>,
    pub(super) rows: Vec<ReadRow>,
    pub(super) chosen: Option<usize>,
    /// About the chosen row.
    pub(super) foot: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadRow {
    /// What stays the same while the row is there.
    pub(super) key: String,
    pub(super) text: String,
}

impl Reading {
    /// Without rows.
    pub(super) fn of(lines: impl IntoIterator<Item = String>) -> Self {
        Self {
            head: lines.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Of somebody who is not there yet, or not any more.
    pub(super) fn without(words: Words<'_>, is_answered: bool) -> Self {
        let key = if is_answered {
            "person-gone"
        } else {
            "loading"
        };
        Self::of([words.language.text(key).to_owned()])
    }
}

impl Linear {
    fn new(ground: Ground, now: Timestamp) -> Self {
        Self {
            ground,
            said: Vec::new(),
            bytes: 0,
            dropped: 0,
            spoke: false,
            page: None,
            phase: Phase::Looking {
                since: now,
                tickets: BTreeSet::new(),
            },
            show: Show::Whole,
            outcome: Outcome::Done,
        }
    }

    /// Rows of a list that are said at once: a page on a terminal, everything in a pipe.
    fn page_rows(&self, model: &Model) -> usize {
        let body = model.shell.body_height();
        match (self.ground, model.screen().list()) {
            (Ground::Pipe, _) => usize::MAX,
            (Ground::Terminal, Some(list)) => list.page(model.scene(), body),
            (Ground::Terminal, None) => super::screens::page_height(body),
        }
    }

    fn push(&mut self, line: String) {
        self.spoke = true;
        if self.said.len() < LINES_MAX && self.bytes + line.len() <= BYTES_MAX {
            self.bytes += line.len();
            self.said.push(line);
        } else {
            self.dropped += 1;
        }
    }

    /// Whether what is typed is seen by whoever sits there.
    pub(super) fn is_seen(&self) -> bool {
        self.ground == Ground::Terminal
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.phase != Phase::Ready
    }
}

impl Model {
    /// From now on it speaks in lines: broken at a terminal's width, or whole.
    pub fn speak_lines(&mut self, width: Option<u16>) {
        let ground = width.map_or(Ground::Pipe, |_| Ground::Terminal);
        self.shell.size = (width.unwrap_or(SIZE.0), SIZE.1);
        self.linear = Some(Box::new(Linear::new(ground, self.shell.now)));
        said::greet(self);
    }

    /// Whether the next line may come: the last one has been answered.
    pub fn takes_line(&self) -> bool {
        let linear = self.linear.as_ref();
        linear.is_none_or(|linear| linear.phase == Phase::Ready)
    }

    /// What is to be said now, line by line: safe for any terminal.
    pub fn take_lines(&mut self) -> Vec<String> {
        let Some(linear) = &mut self.linear else {
            return Vec::new();
        };
        let mut lines = std::mem::take(&mut linear.said);
        let dropped = std::mem::take(&mut linear.dropped);
        linear.bytes = 0;
        if dropped > 0 {
            lines.push(self.shell.language.count("not-shown-lines", dropped));
        }
        lines
    }

    /// What went wrong since the last act that was done, if anything did; an act that was asked for and not confirmed is not done.
    pub fn outcome(&self) -> Outcome {
        let asked = match &self.overlay {
            Some(Overlay::Dialog(_)) => true,
            Some(Overlay::Access) => self.access.is_asking(),
            _ => false,
        };
        match &self.linear {
            None => Outcome::Done,
            // Whoever sees what happened needs no status.
            Some(linear) if linear.ground == Ground::Terminal => Outcome::Done,
            Some(linear) if linear.outcome == Outcome::Done && asked => Outcome::Failed,
            Some(linear) => linear.outcome,
        }
    }

    /// Says one thing, in as many lines as it takes. Made safe here, and nowhere else.
    pub(super) fn say(&mut self, text: &str) {
        let theme = self.shell.theme;
        let width = usize::from(self.shell.size.0);
        let Some(linear) = &mut self.linear else {
            return;
        };
        let is_gap = |pair: &&str| !pair.is_empty();
        let text: Vec<&str> = text.split(' ').filter(is_gap).collect();
        let safe = super::Safe::new(&theme.spelled(&text.join(" ")));
        match linear.ground {
            // Whoever looks for words in them types the space that keyboards have.
            Ground::Pipe => linear.push(safe.into_string().replace('\u{a0}', " ")),
            Ground::Terminal => {
                for line in safe.wrapped(width) {
                    linear.push(line.as_str().trim_end().to_owned());
                }
            }
        }
    }

    pub(super) fn end_as(&mut self, outcome: Outcome) {
        if let Some(linear) = &mut self.linear {
            linear.outcome = outcome;
        }
    }

    pub(super) fn show(&mut self, show: Show) {
        if let Some(linear) = &mut self.linear {
            linear.show = show;
        }
    }

    /// Everything in sight is asked for anew, whatever was asked before.
    pub(super) fn look_anew(&mut self) {
        match self.tab {
            Tab::Doctor => self.known.diagnosis.ask_anew(),
            Tab::Overview => self.known.standing.ask_anew(),
            _ => {}
        }
        for slot in self.front().1.slots() {
            slot.ask_anew();
        }
    }

    pub(super) fn begin_looking(&mut self) {
        let since = self.shell.now;
        if let Some(linear) = &mut self.linear {
            linear.phase = Phase::Looking {
                since,
                tickets: BTreeSet::new(),
            };
        }
    }
}
