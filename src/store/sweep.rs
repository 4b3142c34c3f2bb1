//! How much of the log to clean up with a commit: as much as keeps the file in proportion to its
//! content, and little while it is.

use std::sync::atomic::{AtomicI64, Ordering};

/// Bytes by which the file may grow for each byte of content. With all cleaning done it is about
/// this: a segment is given up when half of it is obsolete.
const GROWTH_MAX: f64 = 1.55;

/// Grown by less the file is not looked at: new segments come half a megabyte at a time.
const SLACK_BYTES: f64 = 8.0 * 1024.0 * 1024.0;

/// Pages moved for each stored pair, while the file is in proportion and while it is not. A pair
/// that is new in a large store makes one page obsolete in each of a few segments.
const SWEEPS_EASY: f64 = 0.1;
const SWEEPS_HARD: f64 = 1.2;

/// What a pair takes besides its key and value.
const PAIR_BYTES: usize = 12;

/// Content and file since the store was opened.
pub(super) struct Proportion {
    file_at_start: u64,
    growth: AtomicI64,
}

impl Proportion {
    pub(super) const fn new(file_at_start: u64) -> Self {
        Self {
            file_at_start,
            growth: AtomicI64::new(0),
        }
    }

    /// A pair took so much before, and takes so much now; nothing if it is not there.
    pub(super) fn note(&self, before: Option<usize>, after: Option<usize>) {
        let bytes = |value: Option<usize>| value.map_or(0, |bytes| bytes + PAIR_BYTES) as i64;
        self.growth
            .fetch_add(bytes(after) - bytes(before), Ordering::Relaxed);
    }

    /// How many pages to move with a commit of so many pairs.
    pub(super) fn sweeps(&self, pairs: usize, file: u64) -> u64 {
        let content = self.growth.load(Ordering::Relaxed) as f64;
        let file = file as f64 - self.file_at_start as f64;
        let rate = if file > content.max(0.0) * GROWTH_MAX + SLACK_BYTES {
            SWEEPS_HARD
        } else {
            SWEEPS_EASY
        };
        (pairs as f64 * rate).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    #[test]
    fn a_file_that_outgrows_its_content_is_swept_harder() {
        let proportion = Proportion::new(50 * MEGABYTE);
        let easy = proportion.sweeps(1_000, 51 * MEGABYTE);
        let hard = proportion.sweeps(1_000, 90 * MEGABYTE);
        assert!(easy < hard, "{easy} {hard}");
        for _ in 0..40 {
            proportion.note(None, Some(MEGABYTE as usize));
        }
        assert_eq!(proportion.sweeps(1_000, 90 * MEGABYTE), easy);
        proportion.note(Some(40 * MEGABYTE as usize), None);
        assert_eq!(proportion.sweeps(1_000, 90 * MEGABYTE), hard);
    }

    #[test]
    fn every_commit_sweeps_a_little() {
        assert_eq!(Proportion::new(0).sweeps(1, 0), 1);
    }
}
