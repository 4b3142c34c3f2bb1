//! Which columns of a list are shown: a small list of them over the screen. What is changed in it is
//! seen behind it at once.

use super::canvas::Canvas;
use super::language::Language;
use super::list::page_top;
use super::screens::listing::Listing;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Chooser {
    selected: usize,
}

/// Cells of the frame and of a box before each name.
const WIDTH: u16 = 56;
const BOX: u16 = 4;
const NAME: u16 = 24;

impl Chooser {
    pub(super) fn step(&mut self, down: bool, list: &dyn Listing) {
        let last = list.table().columns.len().saturating_sub(1);
        self.selected = if down {
            (self.selected + 1).min(last)
        } else {
            self.selected.saturating_sub(1)
        };
    }

    /// Hides the column or shows it again; `false` if it cannot be hidden.
    pub(super) fn toggle(self, list: &mut dyn Listing) -> bool {
        let column = list.table().columns.get(self.selected).copied();
        column.is_none_or(|column| list.shape_mut().toggle(column))
    }

    pub(super) const fn choose(&mut self, index: usize) {
        self.selected = index;
    }

    /// Each column, and whether it is shown.
    pub(super) fn read(list: &dyn Listing, say: &Language) -> Vec<String> {
        let columns = list.table().columns.iter().enumerate();
        let read = columns.map(|(index, column)| {
            let state = match (column.is_fixed(), list.shape().is_hidden(*column)) {
                (true, _) => "column-fixed",
                (false, true) => "column-hidden",
                (false, false) => "column-shown",
            };
            let told = say.labelled(say.text(column.title), say.text(state));
            format!("{}. {told}", index + 1)
        });
        read.collect()
    }

    /// `width` is that of the screen.
    pub(super) fn paint(
        self,
        list: &dyn Listing,
        width: u16,
        canvas: &mut Canvas<'_>,
        say: &Language,
    ) {
        let theme = canvas.theme;
        let table = list.table();
        let places = list.shape().places(table, list.width(width));
        let rows = canvas.height().saturating_sub(4);
        let height = (table.columns.len() as u16).min(rows) + 4;
        let x = canvas.width().saturating_sub(WIDTH) / 2;
        let y = canvas.height().saturating_sub(height) / 2;
        let mut part = canvas.part(x, y, WIDTH, height);
        part.framed(say.text("columns-title"));
        let count = usize::from(rows);
        let top = page_top(self.selected, count);
        let columns = table.columns.iter().enumerate();
        for (y, (index, column)) in columns.skip(top).take(count).enumerate() {
            let y = 1 + y as u16;
            let is_hidden = list.shape().is_hidden(*column);
            let has_place = places.iter().any(|place| place.column == index);
            let state = match (column.is_fixed(), is_hidden, has_place) {
                (true, _, true) => "column-fixed",
                (false, true, _) => "column-hidden",
                (_, false, true) => "column-shown",
                _ => "column-no-room",
            };
            let mark = if is_hidden { "[ ]" } else { "[x]" };
            part.text(2, y, mark, theme.accent());
            let name = say.text(column.title);
            part.within(2 + BOX, y, NAME, name, theme.plain());
            let x = 3 + BOX + NAME;
            let style = if state == "column-no-room" {
                theme.person()
            } else {
                theme.muted()
            };
            part.within(x, y, WIDTH - x - 1, say.text(state), style);
            if index == self.selected {
                let mut line = part.part(1, y, WIDTH - 2, 1);
                line.line_style(0, theme.selected());
            }
        }
        let last = part.height().saturating_sub(2);
        part.within(2, last, WIDTH - 4, say.text("columns-keys"), theme.muted());
    }
}
