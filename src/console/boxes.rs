//! Several things of which some are chosen: a small list of boxes over the screen. Nothing is taken
//! before Enter says so.

use super::canvas::Canvas;
use super::language::Language;
use super::list::page_top;
use super::safe::Safe;
use super::screens::plugin::Key;
use crate::domain::ids::SalesforceObject;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Boxes {
    pub(super) title: String,
    /// What the boxes belong to.
    pub(super) about: Key,
    rows: Vec<Ticked>,
    selected: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticked {
    pub(super) what: Choice,
    pub(super) name: String,
    /// What there is to know about it.
    pub(super) note: String,
    pub(super) is_on: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Object(SalesforceObject),
    /// A type of activity, by its key.
    Type(String),
    Review,
    Clear,
    Newest,
}

/// Cells of a box before each name, and of the name.
const BOX: u16 = 4;
const NAME: u16 = 26;

/// Whether its line has no room for its note.
fn is_cut(row: &Ticked, width: u16) -> bool {
    let name = Safe::new(&row.name).width() as u16;
    let x = (2 + BOX + name).max(2 + BOX + NAME) + 1;
    Safe::new(&row.note).width() as u16 + x + 1 > width
}

impl Boxes {
    pub(super) const fn new(title: String, about: Key, rows: Vec<Ticked>) -> Self {
        Self {
            title,
            about,
            rows,
            selected: 0,
        }
    }

    pub(super) fn step(&mut self, down: bool) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = if down {
            (self.selected + 1).min(last)
        } else {
            self.selected.saturating_sub(1)
        };
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) const fn choose(&mut self, index: usize) {
        self.selected = index;
    }

    pub(super) fn toggle(&mut self) {
        if let Some(row) = self.rows.get_mut(self.selected) {
            row.is_on = !row.is_on;
        }
    }

    pub(super) fn is_on(&self, choice: &Choice) -> bool {
        self.rows.iter().any(|row| row.what == *choice && row.is_on)
    }

    pub(super) fn has(&self, choice: &Choice) -> bool {
        self.rows.iter().any(|row| row.what == *choice)
    }

    /// What is ticked, in the order in which it stands.
    pub(super) fn ticked(&self) -> impl Iterator<Item = &Choice> {
        let ticked = self.rows.iter().filter(|row| row.is_on);
        ticked.map(|row| &row.what)
    }

    /// Each box with its number, then what may be answered.
    pub(super) fn read(&self, say: &Language) -> Vec<String> {
        let mut lines = vec![self.title.clone()];
        lines.extend(self.rows.iter().enumerate().map(|(index, row)| {
            let state = say.text(if row.is_on { "set-on" } else { "set-off" });
            let note = match row.note.as_str() {
                "" => String::new(),
                note => format!(" ({note})"),
            };
            let told = say.labelled(&row.name, &format!("{state}{note}"));
            format!("{}. {told}", index + 1)
        }));
        let yes = say.text("linear-yes");
        lines.push(say.with("linear-ask-boxes", &[("yes", yes)]));
        lines
    }

    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, say: &Language) {
        let theme = canvas.theme;
        let width = canvas.width().saturating_sub(4).min(76);
        let rows = canvas.height().saturating_sub(4);
        let height = (self.rows.len() as u16).min(rows) + 4;
        let x = canvas.width().saturating_sub(width) / 2;
        let y = canvas.height().saturating_sub(height) / 2;
        let mut part = canvas.part(x, y, width, height);
        part.framed(&self.title);
        let count = usize::from(rows);
        let top = page_top(self.selected, count);
        let shown = self.rows.iter().enumerate().skip(top).take(count);
        for (y, (index, row)) in shown.enumerate() {
            let y = 1 + y as u16;
            let mark = if row.is_on { "[x]" } else { "[ ]" };
            part.text(2, y, mark, theme.accent());
            let end = part.within(2 + BOX, y, width - BOX - 4, &row.name, theme.plain());
            let x = end.max(2 + BOX + NAME) + 1;
            let room = width.saturating_sub(x + 1);
            part.within(x, y, room, &row.note, theme.muted());
            if index == self.selected {
                let mut line = part.part(1, y, width - 2, 1);
                line.line_style(0, theme.selected());
            }
        }
        let last = part.height().saturating_sub(2);
        let chosen = self.rows.get(self.selected);
        if let Some(cut) = chosen.filter(|row| is_cut(row, width)) {
            let mut place = part.part(1, last - 1, width - 2, 2);
            place.paragraph(1, 0, 2, &cut.note, theme.plain());
        } else {
            part.within(2, last, width - 4, say.text("boxes-keys"), theme.muted());
        }
        if self.rows.len() > count {
            let place = format!("{}/{} ", self.selected + 1, self.rows.len());
            part.right(last, &place, theme.muted());
        }
    }
}
