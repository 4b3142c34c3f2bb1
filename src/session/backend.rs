//! Draws into memory. It never asks a terminal anything: the size is what the session was told.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Bytes of one frame, shared with the backend that writes them.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut frame = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Memory {
    inner: CrosstermBackend<Shared>,
    bytes: Shared,
    size: Size,
}

impl Memory {
    pub(super) fn new(size: (u16, u16)) -> Self {
        // Whether there are colours is for each session's own theme to say, not for the environment of
        // the process that draws for all of them.
        crossterm::style::force_color_output(true);
        let bytes = Shared::default();
        Self {
            inner: CrosstermBackend::new(bytes.clone()),
            bytes,
            size: size.into(),
        }
    }

    pub(super) fn resize(&mut self, size: (u16, u16)) {
        self.size = size.into();
    }

    /// The frame drawn since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut frame = self.bytes.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *frame)
    }
}

impl Backend for Memory {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn a_serving_process_that_wants_no_colours_takes_them_from_nobodys_screen() {
        // What `NO_COLOR` in its environment does.
        crossterm::style::force_color_output(false);
        let mut memory = Memory::new((80, 24));
        let mut cell = Cell::new("x");
        cell.set_style(Style::new().fg(Color::Rgb(1, 2, 3)));
        memory.draw(std::iter::once((0, 0, &cell))).unwrap();
        let frame = String::from_utf8(memory.take()).unwrap();
        assert!(frame.contains("38;2;1;2;3"), "{frame:?}");
    }
}
