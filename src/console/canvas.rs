//! The one way to paint: every text is made safe and cut to its place before it reaches the buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::safe::Safe;
use super::theme::Theme;

pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub(super) area: Rect,
    pub(super) theme: Theme,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        let area = buffer.area;
        Self {
            buffer,
            area,
            theme,
        }
    }

    pub(super) fn width(&self) -> u16 {
        self.area.width
    }

    pub(super) fn height(&self) -> u16 {
        self.area.height
    }

    /// A part of this one, cut to it.
    pub(super) fn part(&mut self, x: u16, y: u16, width: u16, height: u16) -> Canvas<'_> {
        let wanted = Rect {
            x: self.area.x.saturating_add(x),
            y: self.area.y.saturating_add(y),
            width,
            height,
        };
        Canvas {
            area: wanted.intersection(self.area),
            buffer: self.buffer,
            theme: self.theme,
        }
    }

    /// Paints one line at a place of its own; answers the column after it.
    pub(super) fn text(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        let width = self.area.width.saturating_sub(x);
        self.within(x, y, width, text, style)
    }

    /// The same, in at most so many cells.
    pub(super) fn within(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        if y >= self.area.height || x >= self.area.width {
            return x;
        }
        let width = width.min(self.area.width - x);
        let safe = Safe::new(&self.theme.spelled(text)).fit(usize::from(width));
        let (left, top) = (self.area.x + x, self.area.y + y);
        let (end, _) = self
            .buffer
            .set_stringn(left, top, safe.as_str(), usize::from(width), style);
        end - self.area.x
    }

    /// Ends in the last column but one.
    pub(super) fn right(&mut self, y: u16, text: &str, style: Style) {
        let width = Safe::new(&self.theme.spelled(text)).width() as u16;
        let x = self.area.width.saturating_sub(width + 1);
        self.text(x, y, text, style);
    }

    /// In as many lines as it takes, at most so many; answers how many it took.
    pub(super) fn paragraph(
        &mut self,
        x: u16,
        y: u16,
        lines_max: u16,
        text: &str,
        style: Style,
    ) -> u16 {
        let width = self.area.width.saturating_sub(x + 1);
        let lines = Safe::new(&self.theme.spelled(text)).wrapped(usize::from(width));
        let count = lines.len().min(usize::from(lines_max));
        for (index, line) in lines.iter().take(count).enumerate() {
            let is_cut = index + 1 == count && count < lines.len();
            let shown = if is_cut {
                format!("{line}…{}", lines[count])
            } else {
                line.to_string()
            };
            self.within(x, y + index as u16, width, &shown, style);
        }
        count as u16
    }

    /// Lays a style over a whole line.
    pub(super) fn line_style(&mut self, y: u16, style: Style) {
        if y < self.area.height {
            let line = Rect {
                y: self.area.y + y,
                height: 1,
                ..self.area
            };
            self.buffer.set_style(line, style);
        }
    }

    pub(super) fn rule(&mut self, y: u16) {
        let sign = self.theme.sign("─", "-");
        let line = sign.repeat(usize::from(self.area.width));
        let style = self.theme.muted();
        self.text(0, y, &line, style);
    }

    /// Empties it.
    pub(super) fn blank(&mut self) {
        let theme = self.theme;
        let blank = " ".repeat(usize::from(self.area.width));
        for y in 0..self.area.height {
            self.buffer.set_style(
                Rect {
                    y: self.area.y + y,
                    height: 1,
                    ..self.area
                },
                Style::reset(),
            );
            self.text(0, y, &blank, theme.plain());
        }
    }

    /// Empties it and draws a frame with a title.
    pub(super) fn framed(&mut self, title: &str) {
        let theme = self.theme;
        let width = usize::from(self.area.width);
        let height = self.area.height;
        self.blank();
        let flat = theme.sign("─", "-").repeat(width.saturating_sub(2));
        let ends = match theme.signs {
            super::theme::Signs::Unicode => [("┌", "┐"), ("└", "┘")],
            super::theme::Signs::Ascii => [("+", "+"), ("+", "+")],
        };
        let (top, bottom) = (ends[0], ends[1]);
        self.text(0, 0, &format!("{}{flat}{}", top.0, top.1), theme.muted());
        let last = height.saturating_sub(1);
        self.text(
            0,
            last,
            &format!("{}{flat}{}", bottom.0, bottom.1),
            theme.muted(),
        );
        let side = theme.sign("│", "|");
        for y in 1..last {
            self.text(0, y, side, theme.muted());
            self.text(self.area.width.saturating_sub(1), y, side, theme.muted());
        }
        self.text(2, 0, &format!(" {title} "), theme.accent());
    }
}
