//! What webhook calls hint at, until it is looked at. No clock, no socket: moments and calls come in,
//! commands go out. Bounded, whatever comes in.

use std::collections::{BTreeSet, VecDeque};

use crate::adapters::automation::hook::Heard;
use crate::domain::command::{Command, Scope};
use crate::domain::ids::RemoteId;
use crate::domain::snapshot::Hearing;
use crate::domain::time::{Span, Timestamp};

/// Records that wait. More than so many at once is an import, and read page by page in fewer requests.
const WAITING_MAX: usize = 10_000;

/// Records in one look: a page of Automation.
pub(super) const LOOK_MAX: usize = 200;

/// Calls whose repetition is known. Far more than come in while a look is under way.
const REMEMBERED_MAX: usize = 4_096;

/// Refusals that are answered at once, and how soon there may be another: a mistaken secret shows, and
/// whoever tries many gets nothing out of it.
const REFUSALS_MAX: u32 = 20;
const REFUSAL_EVERY: Span = Span::seconds(1);

/// What tells two calls apart.
pub(super) type Digest = [u8; 32];

#[derive(Debug)]
pub(super) struct Hints {
    pub(super) hearing: Hearing,
    waiting: BTreeSet<RemoteId>,
    has_dropped: bool,
    remembered: BTreeSet<Digest>,
    /// The same, oldest first.
    order: VecDeque<Digest>,
    /// Refusals left, and since when they grow again.
    refusals: u32,
    refilled: Timestamp,
}

impl Hints {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            hearing: Hearing::default(),
            waiting: BTreeSet::new(),
            has_dropped: false,
            remembered: BTreeSet::new(),
            order: VecDeque::new(),
            refusals: REFUSALS_MAX,
            refilled: now,
        }
    }

    /// A call that the secret vouches for comes in. Answers whether it is the first of its kind.
    pub(super) fn is_news(&mut self, now: Timestamp, digest: Digest) -> bool {
        self.hearing.received += 1;
        self.hearing.last = Some(now);
        if !self.remembered.insert(digest) {
            self.hearing.repeated += 1;
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        true
    }

    pub(super) fn take_in(&mut self, heard: Heard) {
        self.hearing.ignored += heard.other + heard.nameless;
        for record in heard.records {
            if self.waiting.contains(&record) {
                self.hearing.coalesced += 1;
            } else if self.waiting.len() < WAITING_MAX {
                self.waiting.insert(record);
            } else {
                self.hearing.dropped += 1;
                self.has_dropped = true;
            }
        }
    }

    pub(super) const fn note_unreadable(&mut self) {
        self.hearing.unreadable += 1;
    }

    /// Whether there is enough for a look of its own.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= LOOK_MAX
    }

    pub(super) const fn note_refused(&mut self) {
        self.hearing.refused += 1;
    }

    /// A call is none of ours, for whatever reason. Answers whether it is worth an answer of its own.
    pub(super) fn turn_away(&mut self, now: Timestamp) -> bool {
        let grown = now.since(self.refilled).0.max(0) / REFUSAL_EVERY.0;
        if grown > 0 || now < self.refilled {
            let grown = u32::try_from(grown).unwrap_or(REFUSALS_MAX);
            self.refusals = self.refusals.saturating_add(grown).min(REFUSALS_MAX);
            self.refilled = now;
        }
        let is_left = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        is_left
    }

    /// What is to be looked at now. While the plugin is unpublished nothing is.
    pub(super) fn take(&mut self, is_published: bool) -> Vec<Command> {
        let waiting: Vec<RemoteId> = std::mem::take(&mut self.waiting).into_iter().collect();
        let has_dropped = std::mem::take(&mut self.has_dropped);
        if !is_published {
            self.hearing.ignored += waiting.len() as u64;
            return Vec::new();
        }
        self.hearing.looked_at += waiting.len() as u64;
        let looks = waiting.chunks(LOOK_MAX).map(|records| Command::Look {
            records: records.to_vec(),
        });
        let reading = has_dropped.then_some(Command::RunCycle(Scope {
            push: true,
            ..Scope::OUTBOX
        }));
        looks.chain(reading).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AutomationId, Kind};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn hints() -> Hints {
        Hints::new(NOW)
    }

    fn about(ids: impl IntoIterator<Item = u64>) -> Heard {
        let record = |id| RemoteId::Automation(Kind::Person, AutomationId(id));
        Heard {
            records: ids.into_iter().map(record).collect(),
            ..Heard::default()
        }
    }

    fn looked_at(commands: &[Command]) -> Vec<usize> {
        let counts = commands.iter().filter_map(|command| match command {
            Command::Look { records } => Some(records.len()),
            _ => None,
        });
        counts.collect()
    }

    #[test]
    fn the_same_call_a_hundred_times_is_one_look() {
        let mut hints = hints();
        for _ in 0..100 {
            if hints.is_news(NOW, [7; 32]) {
                hints.take_in(about([51]));
            }
        }
        assert_eq!(looked_at(&hints.take(true)), [1]);
        assert_eq!((hints.hearing.received, hints.hearing.repeated), (100, 99));
        assert!(!hints.is_news(NOW, [7; 32]), "nor after the look");
        assert!(hints.take(true).is_empty());
    }

    #[test]
    fn several_calls_about_one_contact_are_one_look() {
        let mut hints = hints();
        for _ in 0..5 {
            hints.take_in(about([51]));
        }
        assert_eq!(looked_at(&hints.take(true)), [1]);
        assert_eq!(hints.hearing.coalesced, 4);
    }

    #[test]
    fn a_flood_is_bounded_and_what_is_dropped_is_left_to_one_reading() {
        let mut hints = hints();
        for number in 0..100_000_u64 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert!(hints.is_news(NOW, digest));
            hints.take_in(about([number + 1]));
        }
        assert_eq!(hints.waiting.len(), WAITING_MAX);
        assert_eq!(hints.remembered.len(), REMEMBERED_MAX);
        assert_eq!(hints.order.len(), REMEMBERED_MAX);
        let commands = hints.take(true);
        assert_eq!(looked_at(&commands), [LOOK_MAX; WAITING_MAX / LOOK_MAX]);
        let Some(Command::RunCycle(scope)) = commands.last() else {
            panic!("nothing reads what was dropped");
        };
        assert!(scope.push && !scope.pull);
        assert_eq!(hints.hearing.dropped, 90_000);
        assert!(hints.take(true).is_empty(), "once");
    }

    #[test]
    fn while_unpublished_hints_are_counted_and_nothing_else() {
        let mut hints = hints();
        hints.take_in(about([1, 2]));
        assert!(hints.take(false).is_empty());
        assert_eq!((hints.hearing.ignored, hints.hearing.looked_at), (2, 0));
        assert!(hints.take(true).is_empty());
    }

    #[test]
    fn refusals_run_out_and_come_back_slowly() {
        let mut hints = hints();
        let answered = (0..100).filter(|_| hints.turn_away(NOW)).count();
        assert_eq!(answered, REFUSALS_MAX as usize);
        let later = NOW + Span::seconds(3);
        let answered = (0..100).filter(|_| hints.turn_away(later)).count();
        assert_eq!(answered, 3);
        let long_after = later + Span::hours(1_000_000);
        let answered = (0..100).filter(|_| hints.turn_away(long_after)).count();
        assert_eq!(answered, REFUSALS_MAX as usize);
    }
}
