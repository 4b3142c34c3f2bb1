//! A text being typed: one line or several. Keys that steer go through the keymap first; what comes
//! here is text and its editing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;
use tui_textarea::{CursorMove, TextArea};

use super::canvas::Canvas;

/// Characters. Longer text is not taken in: Salesforce's longest field would be a file, not a decision.
pub(super) const TEXT_MAX: usize = 4_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Several,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    area: TextArea<'static>,
    lines: Lines,
}

impl Field {
    pub(super) fn new(lines: Lines, text: &str) -> Self {
        let mut area = TextArea::new(text.split('\n').map(ToOwned::to_owned).collect());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area, lines }
    }

    pub(super) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Another text altogether, taken in as a paste is; `false` if it is too long.
    #[must_use]
    pub(super) fn replace(&mut self, text: &str) -> bool {
        let mut other = Self::new(self.lines, "");
        let is_taken = other.paste(text);
        if is_taken {
            *self = other;
        }
        is_taken
    }

    /// `false` if there is no room for its letter.
    #[must_use]
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let is_new_line = match key.code {
            KeyCode::Enter => true,
            KeyCode::Char('m' | 'j') => key.modifiers.contains(KeyModifiers::CONTROL),
            _ => false,
        };
        if is_new_line && self.lines == Lines::One {
            return true;
        }
        let mut changed = self.area.clone();
        changed.input(key);
        let letters = |area: &TextArea<'_>| letters(&area.lines().join("\n"));
        let is_room = letters(&changed) <= TEXT_MAX.max(letters(&self.area));
        if is_room {
            self.area = changed;
        }
        is_room
    }

    /// What is pasted is text, whatever keys it would have been. `false` if all of it has no room: then
    /// none of it is taken in.
    #[must_use]
    pub(super) fn paste(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = match self.lines {
            Lines::One => text.replace('\n', " "),
            Lines::Several => text,
        };
        let is_room = letters(&self.text()) + letters(&text) <= TEXT_MAX;
        if is_room {
            self.area.insert_str(text);
        }
        is_room
    }

    /// Paints the text with its cursor, scrolled so that the cursor is seen.
    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, is_focused: bool) {
        let theme = canvas.theme;
        let cursor = self.area.cursor();
        let height = usize::from(canvas.height());
        let width = usize::from(canvas.width());
        let top = cursor.0.saturating_sub(height.saturating_sub(1));
        let lines = self.area.lines().iter().enumerate().skip(top);
        for (y, (index, line)) in lines.take(height).enumerate() {
            let start = cursor.1.saturating_sub(width.saturating_sub(2));
            let start = if index == cursor.0 { start } else { 0 };
            let before: String = line.chars().take(cursor.1).skip(start).collect();
            let y = y as u16;
            if !is_focused || index != cursor.0 {
                let shown: String = line.chars().skip(start).collect();
                canvas.text(0, y, &shown, theme.plain());
                continue;
            }
            let x = canvas.text(0, y, &before, theme.plain());
            let under: String = line.chars().skip(cursor.1).take(1).collect();
            let under = if under.is_empty() {
                " ".to_owned()
            } else {
                under
            };
            let x = canvas.text(x, y, &under, theme.plain().add_modifier(Modifier::REVERSED));
            let after: String = line.chars().skip(cursor.1 + 1).collect();
            canvas.text(x, y, &after, theme.plain());
        }
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}
