//! Where a command's words go: results to standard output, notes to standard error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::app::text::safe;

/// The two streams, and how results are wanted.
pub struct Out {
    results: Box<dyn Write + Send>,
    notes: Box<dyn Write + Send>,
    is_json: bool,
    is_terminal: bool,
}

impl Out {
    pub fn standard(is_json: bool) -> Self {
        let is_terminal = io::stderr().is_terminal() && io::stdout().is_terminal();
        Self {
            results: Box::new(io::stdout()),
            notes: Box::new(io::stderr()),
            is_json,
            is_terminal,
        }
    }

    pub fn new(
        results: Box<dyn Write + Send>,
        notes: Box<dyn Write + Send>,
        is_json: bool,
    ) -> Self {
        Self {
            results,
            notes,
            is_json,
            is_terminal: false,
        }
    }

    pub const fn is_json(&self) -> bool {
        self.is_json
    }

    /// Bars are for people who look; a script gets plain lines.
    pub const fn shows_progress(&self) -> bool {
        self.is_terminal && !self.is_json
    }

    /// One line of the result. Whatever came from outside is made safe here.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.results, "{}", safe(text))
    }

    pub fn json<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.results, value)?;
        writeln!(self.results)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.results.flush()
    }

    /// How far the work is, for a reader without a terminal; on one, a bar shows it.
    pub fn progress(&mut self, text: &str) -> io::Result<()> {
        if self.is_json || self.is_terminal {
            Ok(())
        } else {
            self.note(text)
        }
    }

    /// Something to know that is not the result.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.notes, "{}", safe(text))
    }

    /// An error with everything that led to it, one cause a line.
    pub fn error(&mut self, error: &dyn std::error::Error) -> io::Result<()> {
        for (index, line) in error.to_string().lines().enumerate() {
            let prefix = if index == 0 { "passerelle: " } else { "" };
            writeln!(self.notes, "{prefix}{}", safe(line))?;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            writeln!(self.notes, "  because {}", safe(&cause.to_string()))?;
            source = cause.source();
        }
        Ok(())
    }
}
