//! How each side is doing: what it lets us do, how long to leave it alone, what it costs.

use std::collections::VecDeque;

use crate::domain::command::Fact;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::request::{RowWrite, Spent};
use crate::domain::snapshot::Budget;
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;

/// After so many failures in a row a side is given up for this cycle.
const FAILURES_MAX: u32 = 8;

/// After so many answers in a row that make no sense a person must look.
const BROKEN_MAX: u32 = 3;

/// The platform's day is a rolling one; when its calls are spent, look again after this.
const LIMIT_RETRY: Span = Span::minutes(15);

/// Of the calls that are ours, the last ones are for opt-outs only.
const RESERVE_PERCENT: u64 = 5;

/// And never fewer than these. What leaves without asking again, such as the writes of a group that
/// was read before, stays within them: the share itself is never exceeded.
const RESERVE_MIN: u64 = 20;

/// What one group of opt-outs takes: the look before, the write, a second look.
const OPT_OUT_CALLS: u64 = 3;

#[derive(Debug, Clone, Default)]
pub(super) struct SideState {
    /// Failures since the last answer.
    failures: u32,
    pub(super) waits_until: Option<Timestamp>,
    /// A person must act before this side works again.
    pub(super) stopped: Option<Failure>,
    /// When it was last stopped.
    pub(super) stopped_at: Option<Timestamp>,
    /// The remote's clock minus ours, from its last answer.
    pub(super) clock_ahead: Span,
    /// The organisation's calls of the day: used by everybody, allowed.
    pub(super) limit: Option<(u32, u32)>,
    /// Our own calls by hour of the last day, oldest first.
    pub(super) calls: VecDeque<(i64, u32)>,
    /// When it last answered, by our clock.
    pub(super) answered: Option<Timestamp>,
    pub(super) is_described: bool,
    /// A write was refused for a field or an object, or something was made: it may be no longer what it
    /// said.
    pub(super) is_doubted: bool,
    /// Durable writes that wait for their request to fill.
    pub(super) leaving: Vec<RowWrite>,
    /// Write requests under way.
    pub(super) writes_open: u32,
}

/// What a call is for, as far as the budget cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Ordinary,
    OptOut,
}

impl SideState {
    pub(super) fn may_call(&self, now: Timestamp) -> bool {
        self.stopped.is_none() && self.waits_until.is_none_or(|until| until <= now)
    }

    pub(super) fn server_time(&self, now: Timestamp) -> Timestamp {
        now + self.clock_ahead
    }

    fn spend(&mut self, now: Timestamp, spent: Spent) {
        if let Some(server_time) = spent.server_time {
            self.clock_ahead = server_time.since(now);
        }
        if spent.limit.is_some() {
            self.limit = spent.limit;
        }
        let hour = now.0.div_euclid(Span::hours(1).0);
        match self.calls.back_mut() {
            Some((last, calls)) if *last == hour => *calls += spent.calls,
            _ => self.calls.push_back((hour, spent.calls)),
        }
        while self
            .calls
            .front()
            .is_some_and(|(first, _)| *first <= hour - 24)
        {
            self.calls.pop_front();
        }
    }

    /// Whether the day's budget has room for one more call. Unknown limits do not bind.
    pub(super) fn has_budget(&self, daily_share: f64, purpose: Purpose) -> bool {
        let Some((used, allowed)) = self.limit else {
            return true;
        };
        let share = share(allowed, daily_share);
        let kept = match purpose {
            Purpose::Ordinary => reserve(share),
            Purpose::OptOut => OPT_OUT_CALLS.min(share / 2),
        };
        self.spent() + kept < share && u64::from(used) + kept < u64::from(allowed)
    }

    fn spent(&self) -> u64 {
        self.calls.iter().map(|(_, calls)| u64::from(*calls)).sum()
    }

    /// Known once the platform told its limit.
    pub(super) fn budget(&self, daily_share: f64) -> Option<Budget> {
        let (_, allowed) = self.limit?;
        let share = share(allowed, daily_share);
        let lately = self.calls.iter().rev().take(2).map(|(_, calls)| *calls);
        let eases = self.calls.front().map(|(hour, _)| {
            let first = Timestamp(hour * Span::hours(1).0);
            first + Span::hours(25)
        });
        Some(Budget {
            spent: self.spent() as u32,
            allowed: share as u32,
            reserved: reserve(share) as u32,
            lately: lately.sum(),
            eases,
        })
    }
}

fn share(allowed: u32, daily_share: f64) -> u64 {
    (f64::from(allowed) * daily_share) as u64
}

/// What ordinary calls leave to opt-outs.
fn reserve(share: u64) -> u64 {
    (share * RESERVE_PERCENT / 100)
        .max(RESERVE_MIN)
        .min(share / 2)
}

impl Engine {
    pub(super) fn on_spent(&mut self, now: Timestamp, side: Side, kind: &str, spent: Spent) {
        let state = self.side_mut(side);
        state.spend(now, spent);
        state.answered = Some(now);
        self.totals.calls.add(side, kind, u64::from(spent.calls));
    }

    pub(super) fn on_side_answered(&mut self, side: Side) {
        let state = self.side_mut(side);
        state.failures = 0;
        state.waits_until = None;
    }

    /// A request failed as a whole: wait and try again, or stop the side until a person acts.
    pub(super) fn on_side_failed(&mut self, now: Timestamp, side: Side, failure: Failure) {
        // What waits grows old: the dates of consent are read again before anybody is opted in.
        self.fresh.clear();
        let state = self.side_mut(side);
        state.failures += 1;
        let wait = match failure.kind {
            FailureKind::Throttled { until: Some(until) } => Some(until),
            FailureKind::LimitReached => Some(now + LIMIT_RETRY),
            FailureKind::Throttled { until: None }
            | FailureKind::Transient
            | FailureKind::Unknown
            | FailureKind::Stale => {
                (state.failures < FAILURES_MAX).then(|| now + backoff(state.failures))
            }
            // One answer that makes no sense may be a proxy's bad moment; three are a fault.
            FailureKind::Broken => {
                (state.failures < BROKEN_MAX).then(|| now + backoff(state.failures))
            }
            FailureKind::Rejected(_)
            | FailureKind::Gone
            | FailureKind::Moved
            | FailureKind::Unauthorised
            | FailureKind::Forbidden => None,
        };
        if let Some(until) = wait {
            state.waits_until = Some(until);
            self.tell(Fact::SideWaits {
                side,
                until,
                failure,
            });
        } else {
            state.stopped = Some(failure.clone());
            state.stopped_at = Some(now);
            self.tell(Fact::SideStopped { side, failure });
        }
    }

    /// Parks a side whose budget is spent. Returns whether it has room.
    pub(super) fn check_budget(&mut self, now: Timestamp, side: Side, purpose: Purpose) -> bool {
        if side == Side::Automation
            || self
                .side(side)
                .has_budget(self.settings.daily_share, purpose)
        {
            return true;
        }
        let until = now + LIMIT_RETRY;
        if self.side(side).waits_until.is_none_or(|old| old < until)
            && self.side(side).may_call(now)
        {
            let failure = Failure::new(
                FailureKind::LimitReached,
                "API_BUDGET",
                "our share of the day's Salesforce calls is spent",
            );
            self.side_mut(side).waits_until = Some(until);
            self.tell(Fact::SideWaits {
                side,
                until,
                failure,
            });
        }
        false
    }
}

/// How long to wait after the nth failure in a row: one second, doubling, at most a minute.
pub(super) fn backoff(failures: u32) -> Span {
    let seconds = 1_i64 << failures.saturating_sub(1).min(6);
    Span::seconds(seconds.min(60))
}
