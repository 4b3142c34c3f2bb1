//! How much of the log to clean up: as much as keeps the file in proportion to its content.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Bytes by which the file may grow for each byte of content. With all cleaning done it is about 1.55:
/// a segment is given up when half of it is obsolete. The nearer to that, the more pages are moved
/// to win a byte; each costs as much as a change.
const GROWTH_MAX: f64 = 2.0;

/// Grown by less the file is not looked at: a small store is not worth the work.
const SLACK_BYTES: f64 = 32.0 * 1024.0 * 1024.0;

/// What a page moved frees, in a large store whose segments each hold a bit of many pages.
const BYTES_PER_MOVE: u64 = 128;

/// With more owed a waiting commit waits a little longer: it pays so many pages for each pair.
const PATIENCE_MAX: u64 = 2_000;
const MOVES_PER_PAIR: f64 = 1.5;

/// What a pair takes besides its key and value.
const PAIR_BYTES: usize = 12;

/// Content and file since the store was opened.
pub(super) struct Proportion {
    file_at_start: u64,
    file_before: AtomicU64,
    content: AtomicI64,
    /// Pages to be moved.
    owed: AtomicU64,
}

impl Proportion {
    pub(super) const fn new(file_at_start: u64) -> Self {
        Self {
            file_at_start,
            file_before: AtomicU64::new(file_at_start),
            content: AtomicI64::new(0),
            owed: AtomicU64::new(0),
        }
    }

    /// A pair took so much before, and takes so much now; nothing if it is not there.
    pub(super) fn note(&self, before: Option<usize>, after: Option<usize>) {
        let bytes = |value: Option<usize>| value.map_or(0, |bytes| bytes + PAIR_BYTES) as i64;
        self.content
            .fetch_add(bytes(after) - bytes(before), Ordering::Relaxed);
    }

    /// The file is so long now. Growing is a sign that no segment was free; while it keeps its
    /// length, or its proportion, there is nothing to do.
    pub(super) fn see(&self, file: u64) {
        let before = self.file_before.swap(file, Ordering::Relaxed);
        let content = self.content.load(Ordering::Relaxed).max(0) as f64;
        let excess = (file as f64 - self.file_at_start as f64) - content * GROWTH_MAX - SLACK_BYTES;
        let grown = file.saturating_sub(before).min(excess.max(0.0) as u64);
        self.owed
            .fetch_add(grown / BYTES_PER_MOVE, Ordering::Relaxed);
    }

    pub(super) fn owed(&self) -> u64 {
        self.owed.load(Ordering::Relaxed)
    }

    /// How many pages to move after a commit of so many pairs, whoever waits.
    pub(super) fn due(&self, pairs: usize) -> u64 {
        let owed = self.owed();
        if owed > PATIENCE_MAX {
            owed.min((pairs as f64 * MOVES_PER_PAIR).ceil() as u64)
        } else {
            0
        }
    }

    pub(super) fn paid(&self, moves: u64) {
        // Nobody else pays.
        self.owed
            .fetch_sub(moves.min(self.owed()), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    #[test]
    fn a_file_that_outgrows_its_content_owes_until_it_is_paid() {
        let proportion = Proportion::new(50 * MEGABYTE);
        proportion.see(51 * MEGABYTE);
        assert_eq!(proportion.owed(), 0);
        proportion.see(90 * MEGABYTE);
        let owed = proportion.owed();
        assert!(owed > 0);
        proportion.see(90 * MEGABYTE);
        assert_eq!(proportion.owed(), owed);
        assert_eq!(proportion.due(10), 15);
        proportion.paid(owed);
        assert_eq!((proportion.owed(), proportion.due(10)), (0, 0));
    }

    #[test]
    fn a_file_that_grows_with_its_content_owes_nothing() {
        let proportion = Proportion::new(0);
        proportion.note(None, Some(100 * MEGABYTE as usize));
        proportion.see(140 * MEGABYTE);
        assert_eq!(proportion.owed(), 0);
        proportion.note(Some(100 * MEGABYTE as usize), None);
        proportion.see(141 * MEGABYTE);
        assert!(proportion.owed() > 0);
    }
}
