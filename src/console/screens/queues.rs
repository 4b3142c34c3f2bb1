//! What is moving, waiting, given up? Writes on their way by state, what was given up by cause.

use super::listing::{Cell, List, Listed, Nothing, Topic};
use super::{Scene, foot, paint_empty, paint_explained};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Rank, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Answer, HeldRow, Query, QueuedWrite, Queues};
use crate::console::words::Words;
use crate::domain::command::Queue;
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::PendingState;

pub(in crate::console) type Model = List<Work>;

/// Writes and activities that are on their way or were given up.
#[derive(Debug, Default)]
pub(in crate::console) struct Work;

const TABLE: Table = Table {
    columns: &[
        column("state", "column-state", 12, 17),
        column("to", "column-to", 10, 11),
        column("whom", "column-whom", 16, 26).identifies(),
        column("cause", "column-cause", 14, 27),
    ],
    // What needs a person first.
    sorted_by: Some(0),
    left: 1,
};

/// What a line of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Key {
    Write(LinkId, Side),
    /// By the place of its reference's text in the store's order, which does not change.
    Held(LinkId, u64),
}

#[derive(Debug, Clone, Copy)]
pub(in crate::console) enum Row<'a> {
    Write(&'a QueuedWrite),
    Held(&'a HeldRow),
}

impl Row<'_> {
    pub(in crate::console) fn link(self) -> LinkId {
        match self {
            Self::Write(write) => write.brief.id,
            Self::Held(row) => row.held.link,
        }
    }

    pub(in crate::console) const fn queue(self) -> Queue {
        match self {
            Self::Write(write) => Queue::to(write.pending.side),
            Self::Held(_) => Queue::Activities,
        }
    }

    /// Why it failed, if it did.
    fn explained(&self, scene: Scene<'_>) -> Option<[String; 3]> {
        Some(match self {
            Self::Write(write) => {
                let failure = write.pending.failure.as_ref()?;
                super::explained_write(scene, &write.pending, failure)
            }
            Self::Held(row) => super::explained(scene, Side::Salesforce, &row.held.failure),
        })
    }

    /// The system's code, if the row failed.
    pub(in crate::console) fn code(self) -> Option<String> {
        match self {
            Self::Write(write) => write.pending.failure.as_ref().map(|f| f.code.clone()),
            Self::Held(row) => Some(row.held.failure.code.clone()),
        }
    }

    pub(in crate::console) fn is_given_up(self) -> bool {
        match self {
            Self::Write(write) => write.pending.is_dead(),
            Self::Held(_) => true,
        }
    }

    fn columns(&self, words: Words<'_>) -> [(&'static str, String); 4] {
        match self {
            Self::Write(write) => [
                ("state", words.pending(write.pending.state)),
                ("side", write.pending.side.to_string()),
                ("email", write.brief.name.clone()),
                ("cause", self.failure()),
            ],
            Self::Held(row) => [
                ("state", words.language.text("pending-dead").to_owned()),
                ("side", Side::Salesforce.to_string()),
                ("email", row.brief.name.clone()),
                ("cause", self.failure()),
            ],
        }
    }

    /// Given up, waiting, on its way, not begun.
    fn urgency(self) -> i64 {
        match self {
            Self::Held(_) => 0,
            Self::Write(write) => match write.pending.state {
                PendingState::Dead => 0,
                PendingState::Waiting(_) => 1,
                PendingState::Issued => 2,
                PendingState::Asking => 3,
                PendingState::Planned => 4,
            },
        }
    }

    pub(in crate::console) fn failure(self) -> String {
        match self {
            Self::Write(write) => write
                .pending
                .failure
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            Self::Held(row) => row.held.failure.to_string(),
        }
    }
}

impl Listed for Row<'_> {
    type Key = Key;

    fn key(&self) -> Key {
        match self {
            Self::Write(write) => Key::Write(write.brief.id, write.pending.side),
            Self::Held(row) => {
                let held = &row.held;
                Key::Held(held.link, super::stable(&held.activity.reference))
            }
        }
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        self.columns(words).into()
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let state = if self.is_given_up() {
            Tone::Person
        } else {
            Tone::Plain
        };
        let tones = [state, Tone::Plain, Tone::Plain, Tone::Plain];
        let texts = self.columns(words).map(|(_, text)| text);
        tones.into_iter().zip(texts).collect()
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            0 => Rank::Number(self.urgency()),
            _ => self.text_rank(words, column),
        }
    }
}

impl Model {
    fn hidden(&self) -> u64 {
        let queues = self.slot.data.as_ref();
        queues.map_or(0, |queues| queues.writes.more + queues.held.more)
    }
}

impl Topic for Work {
    type Data = Queues;
    type Key = Key;
    type Row<'a> = Row<'a>;
    type Open = Nothing;

    const CONTEXTS: [Context; 2] = [Context::Queues; 2];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-queues");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<Row<'a>> {
        let Some(queues) = &list.slot.data else {
            return Vec::new();
        };
        let writes = queues.writes.rows.iter().map(Row::Write);
        let held = queues.held.rows.iter().map(Row::Held);
        writes
            .chain(held)
            .filter(|row| list.is_kept(scene.words, row))
            .collect()
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Queues)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Queues(queues) = answer else {
            return Err(answer);
        };
        list.slot.answer(queues, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let rows = Self::shown(list, scene).len() as u64;
        let title = scene.say().count("title-queues", rows);
        list.titled(scene, title, list.hidden())
    }

    /// Only what can be sent again is offered to be.
    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        if let Some(row) = list.chosen(scene) {
            hints.push((Action::Open, "hint-open"));
            if row.is_given_up() {
                hints.push((Action::Retry, "hint-retry"));
                hints.push((Action::RetryCause, "hint-retry-cause"));
                hints.push((Action::Discard, "hint-discard"));
            }
        }
        let paused = &scene.snapshot.paused;
        let chosen = list.chosen(scene).map(Row::queue);
        let is_paused = chosen.map_or(!paused.is_empty(), |queue| paused.contains(&queue));
        let pause = if is_paused {
            "hint-resume"
        } else {
            "hint-pause"
        };
        hints.push((Action::PauseQueue, pause));
        hints.push((Action::SyncNow, "hint-sync"));
        hints.push((Action::Filter, "hint-filter"));
        hints
    }

    /// The titles of the columns are above it.
    fn page(_list: &Model, scene: Scene<'_>, body: u16) -> usize {
        let room = body.saturating_sub(1);
        usize::from(room.saturating_sub(foot(scene.width, room)).max(1))
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        super::empty_text(scene, &list.slot, &list.filter, "queues-empty").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let Some(row) = list.chosen(scene) else {
            return Vec::new();
        };
        match row.explained(scene) {
            Some(explained) => explained.into(),
            None => vec![scene.say().text("no-failure").to_owned()],
        }
    }

    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        let failure = list.chosen(scene)?.failure();
        Some(failure).filter(|failure| !failure.is_empty())
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let rows = list.rows(scene);
        if rows.is_empty() {
            paint_empty(scene, canvas, &list.slot, &list.filter, "queues-empty");
            return;
        }
        let page = Self::page(list, scene, canvas.height());
        list.paint_rows(scene, canvas, &rows, page);
        if let Some(row) = list.chosen(scene) {
            let lines = foot(scene.width, canvas.height().saturating_sub(1));
            let y = canvas.height().saturating_sub(lines);
            canvas.rule(y);
            let mut part = canvas.part(0, y + 1, canvas.width(), lines - 1);
            match row.explained(scene) {
                Some(explained) => paint_explained(&explained, &mut part),
                None => {
                    part.text(1, 0, scene.say().text("no-failure"), theme.muted());
                }
            }
        }
    }
}
