//! Where a command's words go: results to standard output, notes to standard error.

use std::fs::File;
use std::io::{self, IsTerminal, LineWriter, Write};
use std::os::fd::AsFd as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::app::text::safe;

/// Support sees this on 80 columns.
const LINE_CELLS_MAX: usize = 79;
const LABEL_CELLS: usize = 28;
const AMOUNT_CELLS: usize = 9;

/// A terminal that takes nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The two streams, and how results are wanted.
pub struct Out {
    results: Box<dyn Write + Send>,
    notes: Box<dyn Write + Send>,
    is_json: bool,
    is_terminal: bool,
}

/// Standard error as far as its terminal takes it.
struct Brief {
    is_stuck: bool,
}

impl Write for Brief {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_stuck {
            return Ok(bytes.len());
        }
        let (done, written) = mpsc::sync_channel(1);
        let text = bytes.to_vec();
        // Past the lock of the standard stream, which a stuck writer would hold.
        let mut terminal = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        thread::Builder::new()
            .name("notes".to_owned())
            .spawn(move || {
                // Nobody may be waiting any more.
                let _ = done.send(terminal.write_all(&text));
            })?;
        if let Ok(written) = written.recv_timeout(PATIENCE) {
            return written.map(|()| bytes.len());
        }
        self.is_stuck = true;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

    /// A terminal that was a console's may be stuck, and whoever ends must not wait for it: from now on
    /// a note is given up that it does not take, and all after it.
    pub fn be_brief(&mut self) {
        if io::stderr().is_terminal() {
            self.notes = Box::new(LineWriter::new(Brief { is_stuck: false }));
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

    /// A line of a report: what, how much, and words about it. The words are broken between words where
    /// the narrowest terminal ends, and go on under their beginning.
    pub fn figure(&mut self, title: &str, amount: &str, words: &str) -> io::Result<()> {
        let lead = format!("{title:<LABEL_CELLS$} {amount:>AMOUNT_CELLS$}");
        let indent = lead.chars().count();
        self.paragraph(&lead, indent, words)
    }

    /// Words behind what their first line begins with, broken in the same way; the lines that follow are
    /// indented.
    pub fn paragraph(&mut self, lead: &str, indent: usize, words: &str) -> io::Result<()> {
        let mut line = lead.to_owned();
        for word in words.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > LINE_CELLS_MAX {
                self.line(line.trim_end())?;
                line = " ".repeat(indent);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(line.trim_end())
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

    /// Results of another process of ours, which made them safe.
    pub fn pass_result(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.results.write_all(bytes)?;
        self.results.flush()
    }

    /// The same for its notes.
    pub fn pass_note(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.notes.write_all(bytes)
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn words_of_a_report_are_broken_between_words_at_eighty_columns() {
        let page = Page::default();
        let mut out = Out::new(Box::new(page.clone()), Box::new(io::sink()), false);
        let words = "records deleted, merged or converted before they were known to us";
        out.figure("Left out", "36", words).unwrap();
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines.iter().all(|line| line.chars().count() < 80), "{text}");
        assert_eq!(lines[1].trim_start(), "before they were known to us");
        assert_eq!(lines[1].find("before"), lines[0].find("records"));
    }
}
