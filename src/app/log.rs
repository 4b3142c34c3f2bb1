//! Where warnings go: to standard error, except while a console has the screen. Then they are kept,
//! and told when it is given back.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Lines kept while the screen is taken; older ones are counted.
const KEPT_MAX: usize = 200;

#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Option<Kept>>>);

/// What was logged while nothing could be printed.
#[derive(Debug, Default)]
pub struct Kept {
    pub lines: VecDeque<String>,
    pub dropped: u64,
}

impl Log {
    /// Keeps what is logged from now on.
    pub fn hold(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_default();
    }

    /// Logs to standard error again; answers what was kept.
    pub fn release(&self) -> Kept {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().unwrap_or_default()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = kept.as_mut() else {
            return io::stderr().write(bytes);
        };
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            if kept.lines.len() == KEPT_MAX {
                kept.lines.pop_front();
                kept.dropped += 1;
            }
            kept.lines.push_back(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_screen_is_taken_lines_are_kept_and_the_oldest_are_counted() {
        let mut log = Log::default();
        log.hold();
        for number in 0..KEPT_MAX + 3 {
            log.write_all(format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let kept = log.release();
        assert_eq!((kept.lines.len(), kept.dropped), (KEPT_MAX, 3));
        assert_eq!(kept.lines[0], "line 3");
        assert!(log.release().lines.is_empty());
    }
}
