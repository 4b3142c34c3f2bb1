//! The screens. Each owns what it shows, what it asks for and how it is painted; the switchboard
//! knows them only as [`Screen`]s.

pub(super) mod activities;
pub(super) mod audit;
pub(super) mod conflicts;
pub(super) mod contacts;
pub(super) mod decide;
pub(super) mod doctor;
pub(super) mod flags;
mod lines;
pub(super) mod listing;
pub(super) mod overview;
pub(super) mod plugin;
pub(super) mod queues;

use self::listing::Listing;
use super::canvas::Canvas;
use super::explain::Explained;
use super::filter::Filter;
use super::keymap::{Action, Context};
use super::language::Language;
use super::linear::Reading;
use super::list::Step;
use super::model::{Instance, SyncState, Tone};
use super::query::{Answer, Diagnosis, Query, Ticket};
use super::slot::{Slot, Waiting};
use super::theme::Theme;
use super::words::Words;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::link::{Mark, Pending};
use crate::domain::record::Counts;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Span;

/// What every screen may look at besides its own.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) words: Words<'a>,
    pub(super) theme: Theme,
    pub(super) instance: &'a Instance,
    /// Columns of the screen.
    pub(super) width: u16,
    pub(super) snapshot: &'a Snapshot,
    pub(super) standing: &'a Slot<Counts>,
    pub(super) diagnosis: &'a Slot<Diagnosis>,
    pub(super) sync: SyncState,
}

/// Something the operator must know about an answer that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    None,
    /// The chosen line is no longer in the list.
    ChosenGone,
    /// The contact is another version now: what was chosen on the old one is void.
    ChoicesVoid,
}

impl Notice {
    /// Of whether the chosen line is gone.
    const fn of(is_gone: bool) -> Self {
        if is_gone {
            Self::ChosenGone
        } else {
            Self::None
        }
    }
}

/// Lines of a list's page, its column titles and the lines about the chosen row left out.
pub(super) const fn page_height(body: u16) -> usize {
    let height = body.saturating_sub(4);
    if height == 0 { 1 } else { height as usize }
}

/// One numbered tab.
pub(super) trait Screen {
    /// Where keys count while it is in sight.
    fn context(&self) -> Context;

    /// What is in sight, as an answer that has an age.
    fn slot<'a>(&'a self, scene: Scene<'a>) -> Option<&'a dyn Waiting>;

    /// What it wants to know now, and where the answer goes.
    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)>;

    /// Every place where an answer may go.
    fn slots(&mut self) -> Vec<&mut dyn Waiting>;

    /// Takes the answer to one of its own questions; hands any other back.
    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer>;

    /// With its count and filter.
    fn title(&self, scene: Scene<'_>) -> String;

    /// What can be done here and now, the most useful first.
    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)>;

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>);

    /// The same as texts, whole: for whoever reads lines.
    fn read(&self, scene: Scene<'_>) -> Reading;

    /// Chooses a line by its identity as [`read`](Self::read) wrote it; `false` if it is gone.
    fn choose(&mut self, scene: Scene<'_>, key: &str) -> bool;

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16);

    /// A click on a line below the column titles.
    fn click(&mut self, _scene: Scene<'_>, _line: usize, _body: u16) {}

    /// The filter of the list in sight, with the message that explains it.
    fn filter(&self) -> Option<(&Filter, &'static str)> {
        None
    }

    /// Shows only what the filter lets through.
    fn set_filter(&mut self, _scene: Scene<'_>, _filter: Filter) {}

    /// The list that the screen begins with, if it is one.
    fn list(&self) -> Option<&dyn Listing> {
        None
    }

    fn list_mut(&mut self) -> Option<&mut dyn Listing> {
        None
    }

    /// The list has another order: what was chosen stays chosen.
    fn reordered(&mut self, _scene: Scene<'_>) {}

    /// What the key that copies puts on the clipboard.
    fn copied(&self, _scene: Scene<'_>) -> Option<String> {
        None
    }

    /// One step back inside the screen; `false` at its top.
    fn back(&mut self) -> bool {
        false
    }

    /// Whether what it shows changes by itself as time passes.
    fn is_timed(&self, _scene: Scene<'_>) -> bool {
        false
    }

    /// The sync published a state.
    fn observe(&mut self, _scene: Scene<'_>) {}
}

impl Scene<'_> {
    pub(super) fn say(&self) -> &Language {
        self.words.language
    }

    pub(super) fn count(&self, mark: Mark) -> u64 {
        let counts = self.standing.data.as_ref();
        counts.map_or(0, |counts| counts.marks.get(&mark).copied().unwrap_or(0))
    }

    /// Where a side stopped the sync because it does not let us in.
    fn access_hint(&self) -> Option<(Action, &'static str)> {
        let mut stopped = self.snapshot.stopped.values();
        let is_shut_out = stopped.any(|failure| failure.kind == FailureKind::Unauthorised);
        is_shut_out.then_some((Action::Authorize, "hint-access"))
    }

    /// Time since both sides were read up to, if they ever were.
    pub(super) fn unread(&self) -> Option<Span> {
        let read = Side::BOTH
            .into_iter()
            .map(|side| self.snapshot.coverage.get(&side)?.until())
            .min()??;
        Some(self.words.now.since(read))
    }
}

/// FNV-1a: what has the same text is the same row after a refresh.
fn stable(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `title · / filter · 3 more not shown`.
fn filtered(scene: Scene<'_>, title: String, filter: &Filter, more: u64) -> String {
    let mut title = title;
    if !filter.is_empty() {
        title = format!("{title} · / {}", filter.typed());
    }
    if more > 0 {
        title = format!("{title} · {}", scene.say().count("not-shown", more));
    }
    title
}

/// What a list without rows says: that it is read, that the filter keeps all away, or why it is empty.
fn paint_empty<T>(
    scene: Scene<'_>,
    canvas: &mut Canvas<'_>,
    slot: &Slot<T>,
    filter: &Filter,
    empty: &'static str,
) {
    let text = empty_text(scene, slot, filter, empty);
    let style = super::view::tone(canvas.theme, Tone::Muted);
    canvas.paragraph(1, 1, 4, text, style);
}

fn empty_text<'a, T>(
    scene: Scene<'a>,
    slot: &Slot<T>,
    filter: &Filter,
    empty: &'static str,
) -> &'a str {
    scene
        .words
        .language
        .text(match (&slot.data, filter.is_empty()) {
            (None, _) => "loading",
            (Some(_), true) => empty,
            (Some(_), false) => "filter-empty",
        })
}

/// Rows of a list that stay in sight above what is said of the chosen one.
const ROWS_MIN: u16 = 2;

/// Lines that the longest explanation takes on a screen of that width.
const fn explained_lines(width: u16) -> u16 {
    match width {
        120.. => 4,
        80.. => 5,
        _ => 6,
    }
}

/// Lines below a list for what is said of its chosen row, the rule above it counted: as many as may be
/// needed, while some rows have room. `room` is what rows and explanation have together.
fn foot(width: u16, room: u16) -> u16 {
    let wanted = explained_lines(width) + 1;
    wanted.min(room.saturating_sub(ROWS_MIN)).max(2)
}

/// What a failure means, what helps, and the system's own words: whole, as far as there is room. Of too
/// little room the system's words lose first: they can be copied.
fn paint_explained(explained: &[String; 3], canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let styles = [theme.strong(), theme.plain(), theme.muted()];
    let height = canvas.height();
    let mut y = 0;
    for (after, (text, style)) in (0..3).rev().zip(explained.iter().zip(styles)) {
        let room = height.saturating_sub(y).saturating_sub(after).max(1);
        y += canvas.paragraph(1, y, room, text, style);
    }
}

fn explained(scene: Scene<'_>, side: Side, failure: &Failure) -> [String; 3] {
    told(scene, scene.words.explain(side, failure), failure)
}

/// The same of a write.
fn explained_write(scene: Scene<'_>, pending: &Pending, failure: &Failure) -> [String; 3] {
    told(scene, scene.words.explain_write(pending, failure), failure)
}

fn told(scene: Scene<'_>, explained: Explained, failure: &Failure) -> [String; 3] {
    let raw = failure.to_string();
    let raw = scene.say().with("raw-words", &[("words", &raw)]);
    [explained.sentence, explained.action, raw]
}
