//! A place on a screen for the answer to one question, which says how old it is.

use super::query::Ticket;
use crate::domain::time::{Span, Timestamp};

/// The same question is not asked more often than this, however fast the sync reports.
const PACE: Span = Span(400);

/// A question whose answer takes long waits so many times as long before it is asked again.
const REST: i64 = 10;

#[derive(Debug, Clone)]
pub(super) struct Slot<T> {
    pub(super) data: Option<T>,
    /// When the answer came: the “as of” of the screen.
    at: Timestamp,
    error: Option<String>,
    waiting: Option<Ticket>,
    freshness: Freshness,
    asked: Timestamp,
    /// Before this has passed, the question is not asked again.
    pace: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            data: None,
            at: Timestamp::ZERO,
            error: None,
            waiting: None,
            freshness: Freshness::Stale,
            asked: Timestamp::ZERO,
            pace: PACE,
        }
    }
}

/// A slot without regard to what goes into it.
pub(super) trait Waiting {
    /// Something may have changed since the last answer.
    fn doubt(&mut self);
    /// Ask again at once.
    fn renew(&mut self);
    /// The same, whatever was asked already.
    fn ask_anew(&mut self);
    fn is_stale(&self) -> bool;
    /// A ticket, if it is time to ask.
    fn question(&mut self, tickets: &mut u64, now: Timestamp) -> Option<Ticket>;
    fn is_waiting_for(&self, ticket: Ticket) -> bool;
    /// The ticket that is not answered yet.
    fn waiting(&self) -> Option<Ticket>;
    /// What was known stays, and says how old it is.
    fn fail(&mut self, error: String);
    fn error(&self) -> Option<&str>;
    /// When the answer came, if one did.
    fn as_of(&self) -> Option<Timestamp>;
}

impl<T> Waiting for Slot<T> {
    fn doubt(&mut self) {
        self.freshness = Freshness::Stale;
    }

    fn renew(&mut self) {
        self.freshness = Freshness::Stale;
        self.asked = Timestamp::ZERO;
        self.pace = PACE;
    }

    fn ask_anew(&mut self) {
        self.waiting = None;
        self.renew();
    }

    fn is_stale(&self) -> bool {
        self.freshness == Freshness::Stale && self.waiting.is_none()
    }

    fn question(&mut self, tickets: &mut u64, now: Timestamp) -> Option<Ticket> {
        if !self.is_stale() || now.since(self.asked) < self.pace {
            return None;
        }
        *tickets += 1;
        self.waiting = Some(Ticket(*tickets));
        self.freshness = Freshness::Fresh;
        self.asked = now;
        self.waiting
    }

    fn is_waiting_for(&self, ticket: Ticket) -> bool {
        self.waiting == Some(ticket)
    }

    fn waiting(&self) -> Option<Ticket> {
        self.waiting
    }

    fn fail(&mut self, error: String) {
        self.error = Some(error);
        self.waiting = None;
    }

    fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn as_of(&self) -> Option<Timestamp> {
        self.data.as_ref().map(|_| self.at)
    }
}

impl<T> Slot<T> {
    pub(super) fn answer(&mut self, data: T, now: Timestamp) {
        self.begin_answer(data, now);
        self.waiting = None;
        let took = now.since(self.asked);
        self.pace = PACE.max(Span(took.0.saturating_mul(REST)));
    }

    /// The first part of an answer that goes on.
    pub(super) fn begin_answer(&mut self, data: T, now: Timestamp) {
        self.data = Some(data);
        self.at = now;
        self.error = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_once_and_again_only_when_in_doubt_and_not_too_soon() {
        let mut slot: Slot<u8> = Slot::default();
        let mut tickets = 0;
        let at = |ms: i64| Timestamp(1_000_000 + ms);
        let first = slot.question(&mut tickets, at(0)).unwrap();
        assert_eq!(slot.question(&mut tickets, at(1)), None, "one at a time");
        slot.doubt();
        assert!(slot.is_waiting_for(first));
        slot.answer(7, at(2));
        assert_eq!(slot.question(&mut tickets, at(3)), None, "too soon");
        assert!(slot.is_stale(), "and not forgotten");
        assert!(slot.question(&mut tickets, at(500)).is_some());
        slot.begin_answer(8, at(600));
        slot.doubt();
        assert!(!slot.is_stale(), "it goes on");
        slot.answer(9, at(1_500));
        slot.doubt();
        assert_eq!(
            slot.question(&mut tickets, at(9_000)),
            None,
            "it took a second"
        );
        assert!(slot.question(&mut tickets, at(10_500)).is_some());
    }
}
