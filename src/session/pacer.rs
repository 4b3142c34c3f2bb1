//! When to draw: only if something changed, never before the terminal has taken the last frame, and
//! not more often than an eye can follow, except for a key: who presses it waits for what it does. Pure.

use crate::domain::time::{Span, Timestamp};

/// The least time between two frames: a sync reports faster than anybody reads.
const FRAME_MIN: Span = Span(33);

/// The same when somebody pressed a key: a wheel turns and a held key repeats faster than this.
const PRESSED_MIN: Span = Span(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pacer {
    screen: Screen,
    terminal: Terminal,
    /// The least time between the last frame and the next.
    rest: Span,
    drawn: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    Clean,
    Dirty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Ready,
    /// A frame is on its way. Frames are differences: one that was drawn is never dropped.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Draw,
    /// Draw after this, if nothing happens before.
    Wait(Span),
    /// Nothing to draw, or the terminal is not ready.
    Rest,
}

impl Pacer {
    pub(super) const fn new() -> Self {
        Self {
            screen: Screen::Dirty,
            terminal: Terminal::Ready,
            rest: FRAME_MIN,
            drawn: Timestamp::ZERO,
        }
    }

    pub(super) const fn changed(&mut self) {
        self.screen = Screen::Dirty;
    }

    /// The screen changed because of the operator.
    pub(super) const fn pressed(&mut self) {
        self.screen = Screen::Dirty;
        self.rest = PRESSED_MIN;
    }

    pub(super) const fn drew(&mut self, now: Timestamp) {
        self.screen = Screen::Clean;
        self.terminal = Terminal::Busy;
        self.rest = FRAME_MIN;
        self.drawn = now;
    }

    pub(super) const fn taken(&mut self) {
        self.terminal = Terminal::Ready;
    }

    pub(super) fn is_busy(self) -> bool {
        self.terminal == Terminal::Busy
    }

    pub(super) fn next(self, now: Timestamp) -> Next {
        if self.screen == Screen::Clean || self.terminal == Terminal::Busy {
            return Next::Rest;
        }
        let waited = now.since(self.drawn);
        // A clock that was set back must not stop the screen.
        if waited >= self.rest || waited < Span::ZERO {
            Next::Draw
        } else {
            Next::Wait(Span(self.rest.0 - waited.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence of what can happen, up to a length.
    fn every(length: u32, mut check: impl FnMut(&[u32])) {
        for number in 0..4_u32.pow(length) {
            let events: Vec<u32> = (0..length).map(|n| number / 4_u32.pow(n) % 4).collect();
            check(&events);
        }
    }

    #[test]
    fn no_change_is_left_undrawn_and_no_frame_leaves_before_the_last_was_taken() {
        every(7, |events| {
            let mut pacer = Pacer::new();
            let mut now = Timestamp(1_000);
            let mut in_flight = 0;
            for event in events {
                match event {
                    0 => pacer.changed(),
                    3 => pacer.pressed(),
                    1 => {
                        pacer.taken();
                        in_flight = 0;
                    }
                    _ => now = now + Span(20),
                }
                if pacer.next(now) == Next::Draw {
                    assert_eq!(in_flight, 0, "{events:?}");
                    in_flight += 1;
                    pacer.drew(now);
                }
            }
            let is_dirty = pacer.screen == Screen::Dirty;
            pacer.taken();
            let later = pacer.next(now + FRAME_MIN);
            assert_eq!(later == Next::Draw, is_dirty, "{events:?}");
        });
    }

    #[test]
    fn what_a_key_does_is_drawn_before_the_next_report_would_be() {
        let mut pacer = Pacer::new();
        pacer.drew(Timestamp(1_000));
        pacer.taken();
        pacer.changed();
        assert_eq!(pacer.next(Timestamp(1_010)), Next::Wait(Span(23)));
        pacer.pressed();
        assert_eq!(pacer.next(Timestamp(1_010)), Next::Draw);
        pacer.drew(Timestamp(1_010));
        pacer.taken();
        pacer.changed();
        assert_eq!(pacer.next(Timestamp(1_020)), Next::Wait(Span(23)));
    }
}
