//! Which contacts wait for a person, and why? The list; one contact is the business of `decide`.

use super::decide::Decide;
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{ConflictRow, Page};
use crate::console::slot::Slot;
use crate::console::words::Words;
use crate::domain::ids::{Kind, LinkId, RemoteId};

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Page<ConflictRow>>,
    pub(in crate::console) filter: Filter,
    selection: Selection<LinkId>,
    pub(in crate::console) open: Option<Decide>,
}

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
        rows.iter()
            .filter(|row| {
                let causes: Vec<String> = row.conflicts.iter().map(|c| words.cause(c)).collect();
                self.filter.keeps(&[
                    ("email", row.brief.name.clone()),
                    ("field", subjects(words, row)),
                    ("cause", causes.join(" ")),
                    ("record", words.records(&row.brief.records)),
                ])
            })
            .collect()
    }

    fn keys(&self, words: Words<'_>) -> Vec<LinkId> {
        self.rows(words).iter().map(|row| row.brief.id).collect()
    }

    pub(in crate::console) fn count(&self, words: Words<'_>) -> usize {
        self.rows(words).len()
    }

    pub(in crate::console) fn settle(&mut self, words: Words<'_>) -> bool {
        let keys = self.keys(words);
        self.selection.settle(&keys)
    }

    pub(in crate::console) fn step(&mut self, words: Words<'_>, step: Step, page: usize) {
        let keys = self.keys(words);
        self.selection.step(&keys, step, page);
    }

    pub(in crate::console) fn click(&mut self, words: Words<'_>, line: usize, page: usize) {
        let keys = self.keys(words);
        let index = page_top(self.selection.index(), page) + line;
        self.selection.choose(&keys, index);
    }

    pub(in crate::console) fn chosen(&self) -> Option<LinkId> {
        self.selection.key()
    }

    pub(in crate::console) fn shows_age(&self) -> bool {
        let rows = self.slot.data.as_ref().map_or(0, |page| page.rows.len());
        self.open.is_none() && rows > 0
    }

    pub(in crate::console) fn is_stale(&self) -> bool {
        match &self.open {
            Some(open) => open.slot.is_stale(),
            None => self.slot.is_stale(),
        }
    }

    pub(in crate::console) fn doubt(&mut self) {
        self.slot.doubt();
        if let Some(open) = &mut self.open {
            open.slot.doubt();
        }
    }

    pub(in crate::console) fn paint(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = words.language;
        let rows = self.rows(words);
        if rows.is_empty() {
            let key = match (&self.slot.data, self.filter.is_empty()) {
                (None, _) => "loading",
                (Some(_), true) => "conflicts-empty",
                (Some(_), false) => "filter-empty",
            };
            canvas.paragraph(1, 1, 4, say.text(key), theme.muted());
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
            canvas.text(x, 0, say.text(title), theme.muted());
        }
        let height = usize::from(canvas.height().saturating_sub(4));
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
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
