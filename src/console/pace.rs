//! How fast a number moves, from what was seen of it lately.

use std::collections::VecDeque;

use super::theme::Theme;
use crate::domain::time::{Span, Timestamp};

/// Samples kept: as many as a sparkline shows.
const SAMPLES_MAX: usize = 40;

/// Two samples are at least so far apart.
const STEP: Span = Span(500);

/// A rate is of the last so long.
const LATELY: Span = Span::seconds(20);

#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    samples: VecDeque<(Timestamp, u64)>,
}

impl Pace {
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Notes the number as it is now. The newest sample follows it until the next is due.
    pub(super) fn observe(&mut self, now: Timestamp, value: u64) {
        let count = self.samples.len();
        let is_due = count < 2 || now.since(self.samples[count - 2].0) >= STEP;
        match self.samples.back_mut() {
            Some(last) if !is_due => *last = (now, value),
            _ => self.samples.push_back((now, value)),
        }
        while self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }

    /// By how much it grew a second lately; negative if it shrank, `None` if that is not known yet.
    pub(super) fn rate(&self) -> Option<f64> {
        let (now, value) = *self.samples.back()?;
        let first = self.samples.iter().find(|(at, _)| now.since(*at) <= LATELY);
        let (since, before) = *first?;
        let seconds = now.since(since).0 as f64 / 1_000.0;
        (seconds >= 1.0).then(|| (value as f64 - before as f64) / seconds)
    }

    /// The samples as a line of bars, the newest on the right; empty while they are all zero.
    pub(super) fn sparkline(&self, theme: Theme) -> String {
        const BARS: [(&str, &str); 8] = [
            ("▁", "_"),
            ("▂", "."),
            ("▃", ","),
            ("▄", "-"),
            ("▅", "="),
            ("▆", "+"),
            ("▇", "*"),
            ("█", "#"),
        ];
        let most = self.samples.iter().map(|(_, value)| *value).max();
        let Some(most) = most.filter(|most| *most > 0) else {
            return String::new();
        };
        let bar = |value: u64| {
            let height = (value * (BARS.len() as u64 - 1)).div_ceil(most);
            let (unicode, ascii) = BARS[height as usize];
            theme.sign(unicode, ascii)
        };
        self.samples.iter().map(|(_, value)| bar(*value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_000_000) + Span::seconds(seconds)
    }

    #[test]
    fn a_rate_is_of_the_last_seconds_and_not_known_at_once() {
        let mut pace = Pace::default();
        pace.observe(at(0), 0);
        assert_eq!(pace.rate(), None);
        pace.observe(at(10), 100);
        assert_eq!(pace.rate(), Some(10.0));
        for second in 11..=60 {
            pace.observe(at(second), 100);
        }
        assert_eq!(pace.rate(), Some(0.0), "what was long ago counts no more");
        pace.observe(at(61), 80);
        assert!(pace.rate().is_some_and(|rate| rate < 0.0));
    }

    #[test]
    fn bars_are_as_high_as_their_part_of_the_highest_and_none_is_shown_of_nothing() {
        let mut pace = Pace::default();
        assert_eq!(pace.sparkline(Theme::PLAIN), "");
        for (second, value) in [(0, 0), (1, 1), (2, 70), (3, 35)] {
            pace.observe(at(second), value);
        }
        assert_eq!(pace.sparkline(Theme::PLAIN), "▁▂█▅");
    }
}
