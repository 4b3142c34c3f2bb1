//! A list as texts: the titles of its columns once, then its rows whole.

use super::{List, Listed as _, Topic, written};
use crate::console::linear::{ReadRow, Reading};
use crate::console::screens::Scene;
use crate::console::theme::Theme;

impl<T: Topic> List<T> {
    pub(super) fn read_list(&self, scene: Scene<'_>) -> Reading {
        let words = scene.words;
        let table = T::table(self);
        let columns = table.columns.iter().enumerate();
        let shown = columns.filter(|(_, column)| !self.shape.is_hidden(**column));
        let (numbers, titles): (Vec<usize>, Vec<String>) = shown
            .map(|(index, column)| (index, words.language.text(column.title).to_owned()))
            .unzip();
        let rows = self.rows(scene);
        let mut head = T::head(self, scene);
        if rows.is_empty() {
            head.push(T::empty(self, scene));
            return Reading {
                head,
                ..Reading::default()
            };
        }
        let chosen = self.key();
        Reading {
            head,
            titles,
            chosen: rows.iter().position(|row| Some(row.key()) == chosen),
            rows: rows
                .iter()
                .map(|row| self.read_row(scene, row, &numbers))
                .collect(),
            foot: T::foot(self, scene),
        }
    }

    /// An empty cell is said too, so that the others are counted right.
    fn read_row(&self, scene: Scene<'_>, row: &T::Row<'_>, columns: &[usize]) -> ReadRow {
        let words = scene.words;
        let cells = row.cells(words);
        let text = |column: &usize| match cells.get(*column) {
            Some((_, text)) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => "-".to_owned(),
        };
        let texts: Vec<String> = columns.iter().map(text).collect();
        let mut said = texts.join(words.language.text("separator"));
        let (sign, _) = row.sign(Theme::PLAIN);
        if !sign.trim().is_empty() {
            said = format!("{sign} {said}");
        }
        if self.marks.contains(&row.key()) {
            said = format!("{} {said}", words.language.text("linear-marked"));
        }
        ReadRow {
            key: written(row.key()),
            text: said,
        }
    }
}
