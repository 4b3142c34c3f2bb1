//! What is moving, waiting, given up? Writes on their way by state, what was given up by cause.

use super::{Notice, Scene, Screen, filtered, page_height, paint_empty, paint_explained};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Answer, Query, QueuedWrite, Queues, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::activity::HeldActivity;
use crate::domain::command::Queue;
use crate::domain::failure::Failure;
use crate::domain::ids::{LinkId, Side};

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Queues>,
    pub(in crate::console) filter: Filter,
    selection: Selection<Key>,
}

/// What a line of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Key {
    Write(LinkId, Side),
    /// By the place of its reference's text in the store's order, which does not change.
    Held(LinkId, u64),
}

#[derive(Debug, Clone, Copy)]
pub(in crate::console) enum Row<'a> {
    Write(&'a QueuedWrite),
    Held(&'a HeldActivity),
}

impl Row<'_> {
    fn key(self) -> Key {
        match self {
            Self::Write(write) => Key::Write(write.brief.id, write.pending.side),
            Self::Held(held) => Key::Held(held.link, super::stable(&held.activity.reference)),
        }
    }

    pub(in crate::console) fn link(self) -> LinkId {
        match self {
            Self::Write(write) => write.brief.id,
            Self::Held(held) => held.link,
        }
    }

    pub(in crate::console) const fn queue(self) -> Queue {
        match self {
            Self::Write(write) => Queue::to(write.pending.side),
            Self::Held(_) => Queue::Activities,
        }
    }

    /// What failed, on which system.
    fn failed(&self) -> Option<(Side, &Failure)> {
        match self {
            Self::Write(write) => Some((write.pending.side, write.pending.failure.as_ref()?)),
            Self::Held(held) => Some((Side::Salesforce, &held.failure)),
        }
    }

    /// The system's code, if the row failed.
    pub(in crate::console) fn code(self) -> Option<String> {
        match self {
            Self::Write(write) => write.pending.failure.as_ref().map(|f| f.code.clone()),
            Self::Held(held) => Some(held.failure.code.clone()),
        }
    }

    pub(in crate::console) fn is_given_up(self) -> bool {
        match self {
            Self::Write(write) => write.pending.is_dead(),
            Self::Held(_) => true,
        }
    }

    fn columns(self, words: Words<'_>) -> [(&'static str, String); 4] {
        match self {
            Self::Write(write) => [
                ("state", words.pending(write.pending.state)),
                ("side", write.pending.side.to_string()),
                ("email", write.brief.name.clone()),
                ("cause", self.failure()),
            ],
            Self::Held(held) => [
                ("state", words.language.text("pending-dead").to_owned()),
                ("side", Side::Salesforce.to_string()),
                ("email", held.activity.name.clone()),
                ("cause", self.failure()),
            ],
        }
    }

    pub(in crate::console) fn failure(self) -> String {
        match self {
            Self::Write(write) => write
                .pending
                .failure
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            Self::Held(held) => held.failure.to_string(),
        }
    }
}

impl Model {
    fn rows(&self, words: Words<'_>) -> Vec<Row<'_>> {
        let Some(queues) = &self.slot.data else {
            return Vec::new();
        };
        let writes = queues.writes.rows.iter().map(Row::Write);
        let held = queues.held.rows.iter().map(Row::Held);
        writes
            .chain(held)
            .filter(|row| self.filter.keeps(&row.columns(words)))
            .collect()
    }

    fn keys(&self, words: Words<'_>) -> Vec<Key> {
        self.rows(words).into_iter().map(Row::key).collect()
    }

    /// Answers whether the chosen row is gone.
    fn settle(&mut self, words: Words<'_>) -> bool {
        let keys = self.keys(words);
        self.selection.settle(&keys)
    }

    pub(in crate::console) fn chosen(&self, words: Words<'_>) -> Option<Row<'_>> {
        let key = self.selection.key()?;
        self.rows(words).into_iter().find(|row| row.key() == key)
    }

    fn hidden(&self) -> u64 {
        let queues = self.slot.data.as_ref();
        queues.map_or(0, |queues| queues.writes.more + queues.held.more)
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        Context::Queues
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(&self.slot)
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        Some((&mut self.slot, Query::Queues))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        vec![&mut self.slot]
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        match answer {
            Answer::Queues(queues) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(queues, scene.words.now);
                Ok(Notice::of(self.settle(scene.words)))
            }
            answer => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        let rows = self.rows(scene.words).len() as u64;
        let title = scene.say().count("title-queues", rows);
        filtered(scene, title, &self.filter, self.hidden())
    }

    /// Only what can be sent again is offered to be.
    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        if let Some(row) = self.chosen(scene.words) {
            hints.push((Action::Open, "hint-open"));
            if row.is_given_up() {
                hints.push((Action::Retry, "hint-retry"));
                hints.push((Action::RetryCause, "hint-retry-cause"));
                hints.push((Action::Discard, "hint-discard"));
            }
        }
        let paused = &scene.snapshot.paused;
        let chosen = self.chosen(scene.words).map(Row::queue);
        let is_paused = chosen.map_or(!paused.is_empty(), |queue| paused.contains(&queue));
        if is_paused {
            hints.push((Action::PauseQueue, "hint-resume"));
        } else if chosen.is_some() {
            hints.push((Action::PauseQueue, "hint-pause"));
        }
        hints.push((Action::SyncNow, "hint-sync"));
        hints.push((Action::Filter, "hint-filter"));
        hints
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys(scene.words);
        self.selection.step(&keys, step, list_height(body));
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        let keys = self.keys(scene.words);
        self.selection.click(&keys, line, list_height(body));
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        Some((&self.filter, "filter-hint-queues"))
    }

    fn copied(&self, scene: Scene<'_>) -> Option<String> {
        let failure = self.chosen(scene.words)?.failure();
        Some(failure).filter(|failure| !failure.is_empty())
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene.words);
        self.selection.narrow(&keys);
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let say = words.language;
        let rows = self.rows(words);
        if rows.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "queues-empty");
            return;
        }
        let width = canvas.width();
        let cause_x = width.saturating_sub(width / 3).max(52);
        for (x, title) in [
            (1, "column-state"),
            (19, "column-to"),
            (31, "column-whom"),
            (cause_x, "column-cause"),
        ] {
            canvas.text(x, 0, say.text(title), theme.muted());
        }
        let height = list_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            let [state, side, whom, cause] = row.columns(words).map(|(_, text)| text);
            let style = if row.is_given_up() {
                theme.person()
            } else {
                theme.plain()
            };
            canvas.within(1, y, 17, &state, style);
            canvas.within(19, y, 11, &side, theme.plain());
            canvas.within(31, y, cause_x - 32, &whom, theme.plain());
            canvas.within(cause_x, y, width - cause_x, &cause, theme.plain());
            if self.selection.key() == Some(row.key()) {
                canvas.line_style(y, theme.selected());
            }
        }
        if let Some(row) = self.chosen(words) {
            let y = canvas.height().saturating_sub(4);
            canvas.rule(y);
            let mut part = canvas.part(0, y + 1, width, 3);
            match row.failed() {
                Some((side, failure)) => paint_explained(scene, side, failure, &mut part),
                None => {
                    part.text(1, 0, say.text("no-failure"), theme.muted());
                }
            }
        }
    }
}

/// Lines of the list's page: column titles above it, a rule and three lines below.
fn list_height(body: u16) -> usize {
    page_height(body.saturating_sub(1))
}
