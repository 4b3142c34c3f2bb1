//! Which contacts wait for a person, and why? The list; one contact is the business of `decide`.

use std::collections::BTreeSet;

use super::decide::Decide;
use super::{Notice, Scene, Screen, filtered, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Order, Selection, Step, page_top};
use crate::console::model::Reach;
use crate::console::query::{Answer, ConflictRow, Page, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::ids::{Kind, LinkId, RemoteId};

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Page<ConflictRow>>,
    pub(in crate::console) filter: Filter,
    selection: Selection<LinkId>,
    marks: BTreeSet<LinkId>,
    order: Order,
    pub(in crate::console) open: Option<Decide>,
}

/// By which the list can be sorted, the oldest first unless it is asked for otherwise.
const COLUMNS: [&str; 3] = ["column-since", "column-whom", "column-what"];

fn kind(row: &ConflictRow) -> Kind {
    row.brief
        .records
        .first()
        .map_or(Kind::Person, |record| RemoteId::kind(*record))
}

fn subjects(words: Words<'_>, row: &ConflictRow) -> String {
    let subjects: Vec<String> = row
        .conflicts
        .iter()
        .map(|conflict| words.subject(kind(row), conflict.subject))
        .collect();
    subjects.join(", ")
}

fn name(words: Words<'_>, row: &ConflictRow) -> String {
    if row.brief.name.is_empty() {
        words.language.text("no-address").to_owned()
    } else {
        row.brief.name.clone()
    }
}

impl Model {
    fn rows(&self, words: Words<'_>) -> Vec<&ConflictRow> {
        let rows = self.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        let mut rows: Vec<&ConflictRow> = rows
            .iter()
            .filter(|row| {
                let causes: Vec<String> = row.conflicts.iter().map(|c| words.cause(c)).collect();
                self.filter.keeps(&[
                    ("email", row.brief.name.clone()),
                    ("field", subjects(words, row)),
                    ("cause", causes.join(" ")),
                    ("record", words.records(&row.brief.records)),
                ])
            })
            .collect();
        self.order.sort(&mut rows, |row, column| match column {
            0 => (Some(row.raised), String::new()),
            1 => (None, row.brief.name.to_lowercase()),
            _ => (None, subjects(words, row)),
        });
        rows
    }

    fn keys(&self, words: Words<'_>) -> Vec<LinkId> {
        self.rows(words).iter().map(|row| row.brief.id).collect()
    }

    fn settle(&mut self, words: Words<'_>) -> bool {
        let keys = self.keys(words);
        self.marks.retain(|link| keys.contains(link));
        self.selection.settle(&keys)
    }

    /// Marks the chosen contact, or takes its mark away.
    pub(in crate::console) fn mark(&mut self) {
        if let Some(link) = self.selection.key()
            && !self.marks.remove(&link)
        {
            self.marks.insert(link);
        }
    }

    /// Marks all that the filter shows, or none if all are marked.
    pub(in crate::console) fn mark_all(&mut self, words: Words<'_>) {
        let shown: BTreeSet<LinkId> = self.keys(words).into_iter().collect();
        self.marks = if self.marks == shown {
            BTreeSet::new()
        } else {
            shown
        };
    }

    /// What a bulk act is about: the marked contacts, else exactly what the filter shows.
    pub(in crate::console) fn many(&self, words: Words<'_>) -> (Vec<LinkId>, Reach) {
        if self.marks.is_empty() {
            (self.keys(words), Reach::Shown)
        } else {
            (self.marks.iter().copied().collect(), Reach::Marked)
        }
    }

    pub(in crate::console) fn chosen(&self) -> Option<LinkId> {
        self.selection.key()
    }

    fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let say = words.language;
        let rows = self.rows(words);
        if rows.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "conflicts-empty");
            return;
        }
        let width = canvas.width();
        let age_x = width.saturating_sub(13);
        let what_x = (width / 2).min(44);
        for (x, title) in [
            (1, "column-whom"),
            (what_x, "column-what"),
            (age_x, "column-since"),
        ] {
            let column = COLUMNS.iter().position(|column| *column == title);
            let sign = self.order.sign(column.unwrap_or_default(), theme);
            canvas.text(x, 0, &format!("{} {sign}", say.text(title)), theme.muted());
        }
        let height = page_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            if self.marks.contains(&row.brief.id) {
                canvas.text(0, y, theme.sign("●", "*"), theme.accent());
            }
            canvas.within(1, y, what_x - 2, &name(words, row), theme.plain());
            let what = subjects(words, row);
            canvas.within(what_x, y, age_x - what_x - 1, &what, theme.plain());
            canvas.within(age_x, y, 13, &words.relative(row.raised), theme.muted());
            if self.selection.key() == Some(row.brief.id) {
                canvas.line_style(y, theme.selected());
            }
        }
        let chosen = self.selection.key();
        if let Some(row) = rows.iter().find(|row| Some(row.brief.id) == chosen) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let records = words.records(&row.brief.records);
            canvas.text(1, y + 1, &records, theme.muted());
            if let Some(conflict) = row.conflicts.first() {
                canvas.text(1, y + 2, &words.cause(conflict), theme.plain());
            }
        }
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        match self.open {
            Some(_) => Context::Decide,
            None => Context::Conflicts,
        }
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(match &self.open {
            Some(open) => &open.slot,
            None => &self.slot,
        })
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        Some(match &mut self.open {
            Some(open) => (&mut open.slot, Query::Person(open.link)),
            None => (&mut self.slot, Query::Conflicts),
        })
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let open = self.open.as_mut();
        super::places(&mut self.slot, open.map(|open| &mut open.slot as _))
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match (answer, &mut self.open) {
            (Answer::Conflicts(page), _) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(page, now);
                let is_gone = self.settle(scene.words) && self.open.is_none();
                Ok(Notice::of(is_gone))
            }
            (Answer::Person(person), Some(open)) if open.slot.is_waiting_for(ticket) => {
                open.slot.answer(person, now);
                Ok(open.settle())
            }
            (answer, _) => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        if let Some(open) = &self.open {
            return open.title(scene.words);
        }
        let count = self.rows(scene.words).len() as u64;
        let more = self.slot.data.as_ref().map_or(0, |page| page.more);
        let title = scene.say().count("title-conflicts", count);
        let title = filtered(scene, title, &self.filter, more);
        match self.marks.len() as u64 {
            0 => title,
            marked => format!("{title} · {}", scene.say().count("marked", marked)),
        }
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        match &self.open {
            Some(open) => open.hints(),
            None => vec![
                (Action::Down, "hint-move"),
                (Action::Open, "hint-open"),
                (Action::Mark, "hint-mark"),
                (Action::MarkAll, "hint-mark-all"),
                (Action::AllSalesforce, "hint-all-salesforce"),
                (Action::AllAutomation, "hint-all-automation"),
                (Action::Filter, "hint-filter"),
                (Action::Undo, "hint-undo"),
            ],
        }
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match &self.open {
            Some(open) => open.paint(scene.words, canvas),
            None => self.paint_list(scene, canvas),
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let page = page_height(body);
        let keys = self.keys(scene.words);
        match &mut self.open {
            Some(open) => open.step(step, page),
            None => self.selection.step(&keys, step, page),
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys(scene.words);
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none();
        is_list.then_some((&self.filter, "filter-hint-conflicts"))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene.words);
        self.selection.narrow(&keys);
    }

    fn order(&mut self) -> Option<(&mut Order, usize)> {
        let is_list = self.open.is_none();
        is_list.then_some((&mut self.order, COLUMNS.len()))
    }

    fn reordered(&mut self, scene: Scene<'_>) {
        self.settle(scene.words);
    }

    fn copied(&self, scene: Scene<'_>) -> Option<String> {
        if let Some(open) = &self.open {
            return open.person().map(|person| person.name.clone());
        }
        let key = self.selection.key()?;
        let rows = self.rows(scene.words);
        let row = rows.iter().find(|row| row.brief.id == key)?;
        Some(row.brief.name.clone())
    }

    fn back(&mut self) -> bool {
        let was_open = self.open.take().is_some();
        if was_open {
            self.slot.renew();
        }
        was_open
    }

    fn is_timed(&self, _scene: Scene<'_>) -> bool {
        let rows = self.slot.data.as_ref().map_or(0, |page| page.rows.len());
        self.open.is_none() && rows > 0
    }
}
