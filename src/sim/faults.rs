//! What may go wrong on a call, as data both simulators share.
//!
//! A plan draws at most one fault per call: scripted entries first, in order, then the rates, from
//! one seeded generator. It knows nothing of HTTP; `layer` carries out the transport and protocol
//! faults around any router, and hands the data faults to the brain that can act them out.

mod layer;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use layer::{Dialect, Drawn, FaultGate, Pauses, Reply, layer};

use super::random::Random;

/// One thing that goes wrong. `Before` means nothing was done, `After` that the work was committed
/// and only the answer suffers: to a client the two look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    ResetBefore,
    ResetAfter,
    StallBefore,
    StallAfter,
    SlowBody,
    TruncatedBody,
    WrongContentLength,
    HugeBody,
    GzipBomb,
    TooManyRequests,
    UnavailableBefore,
    UnavailableAfter,
    InternalErrorBefore,
    InternalErrorAfter,
    /// A proxy's HTML page, served with status 200.
    ProxyPage,
    SessionExpired,
    QuotaSpent,
    EmptyBody,
    MalformedJson,
    ByteOrderMark,
    RedirectElsewhere,
    /// Data faults, from here on: the brain acts them out.
    LocatorExpired,
    RowLocked,
    RowMissing,
    RowsReordered,
}

impl FaultKind {
    pub const ALL: [Self; 25] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::StallBefore,
        Self::StallAfter,
        Self::SlowBody,
        Self::TruncatedBody,
        Self::WrongContentLength,
        Self::HugeBody,
        Self::GzipBomb,
        Self::TooManyRequests,
        Self::UnavailableBefore,
        Self::UnavailableAfter,
        Self::InternalErrorBefore,
        Self::InternalErrorAfter,
        Self::ProxyPage,
        Self::SessionExpired,
        Self::QuotaSpent,
        Self::EmptyBody,
        Self::MalformedJson,
        Self::ByteOrderMark,
        Self::RedirectElsewhere,
        Self::LocatorExpired,
        Self::RowLocked,
        Self::RowMissing,
        Self::RowsReordered,
    ];

    /// True if the brain acts the fault out, whichever skin it wears.
    pub const fn is_data(self) -> bool {
        matches!(
            self,
            Self::LocatorExpired | Self::RowLocked | Self::RowMissing | Self::RowsReordered
        )
    }

    /// True if the call does its work before the fault shows.
    pub const fn is_after_commit(self) -> bool {
        matches!(
            self,
            Self::ResetAfter
                | Self::StallAfter
                | Self::SlowBody
                | Self::TruncatedBody
                | Self::WrongContentLength
                | Self::UnavailableAfter
                | Self::InternalErrorAfter
                | Self::ProxyPage
                | Self::EmptyBody
                | Self::MalformedJson
                | Self::ByteOrderMark
        )
    }
}

/// What a plan may look at to choose a fault.
#[derive(Clone, Copy, Debug)]
pub struct CallInfo<'a> {
    pub method: &'a str,
    /// Path and query for HTTP; the operation's name in process.
    pub path: &'a str,
}

/// Which calls an entry is about. The default matches every call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallMatcher {
    pub method: Option<String>,
    pub path_contains: String,
    /// How many matching calls pass unharmed first.
    pub skip: u32,
}

impl CallMatcher {
    pub fn path(part: &str) -> Self {
        Self {
            path_contains: part.to_owned(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn matches(&self, call: &CallInfo<'_>) -> bool {
        let method = self.method.as_deref();
        method.is_none_or(|method| method.eq_ignore_ascii_case(call.method))
            && call.path.contains(&self.path_contains)
    }
}

/// One scripted fault, spent after `times` hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScriptedFault {
    #[serde(flatten)]
    pub call: CallMatcher,
    pub kind: FaultKind,
    #[serde(default = "once")]
    pub times: u32,
}

const fn once() -> u32 {
    1
}

/// The faults of one side: a script, then rates.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    random: Random,
    rates: BTreeMap<FaultKind, f64>,
    /// Rates apply to matching calls only: the "targeted" phase of a storm.
    target: CallMatcher,
    script: Vec<ScriptedFault>,
    drawn: BTreeMap<FaultKind, u64>,
}

impl FaultPlan {
    /// A plan under which nothing goes wrong.
    pub fn calm(seed: u64) -> Self {
        Self {
            random: Random::seeded(seed),
            rates: BTreeMap::new(),
            target: CallMatcher::default(),
            script: Vec::new(),
            drawn: BTreeMap::new(),
        }
    }

    /// Every kind at the same rate: the "chaos" phase.
    pub fn storm(seed: u64, rate: f64) -> Self {
        let mut plan = Self::calm(seed);
        plan.rates = FaultKind::ALL
            .into_iter()
            .map(|kind| (kind, rate))
            .collect();
        plan
    }

    /// The probability of a kind per call; 0 takes it out.
    pub fn rate(&mut self, kind: FaultKind, per_call: f64) -> &mut Self {
        if per_call > 0.0 {
            self.rates.insert(kind, per_call);
        } else {
            self.rates.remove(&kind);
        }
        self
    }

    pub fn aim(&mut self, target: CallMatcher) -> &mut Self {
        self.target = target;
        self
    }

    pub fn script(&mut self, call: CallMatcher, kind: FaultKind) -> &mut Self {
        self.script_times(call, kind, 1)
    }

    pub fn script_times(&mut self, call: CallMatcher, kind: FaultKind, times: u32) -> &mut Self {
        self.script.push(ScriptedFault { call, kind, times });
        self
    }

    /// Faults off, counters kept: the "heal" phase.
    pub fn heal(&mut self) {
        self.rates.clear();
        self.script.clear();
    }

    /// How often each kind struck.
    pub fn drawn(&self) -> &BTreeMap<FaultKind, u64> {
        &self.drawn
    }

    /// Decides the fate of one call.
    ///
    /// 1. The first scripted entry that matches and has let its `skip` calls pass strikes.
    /// 2. Otherwise one random number is compared with the rates laid end to end, so that adding a
    ///    kind does not shift the draws of later calls.
    pub fn draw(&mut self, call: &CallInfo<'_>) -> Option<FaultKind> {
        let kind = self.scripted(call).or_else(|| self.by_rate(call))?;
        *self.drawn.entry(kind).or_default() += 1;
        Some(kind)
    }

    fn scripted(&mut self, call: &CallInfo<'_>) -> Option<FaultKind> {
        for position in 0..self.script.len() {
            let entry = &mut self.script[position];
            if !entry.call.matches(call) {
                continue;
            }
            if entry.call.skip > 0 {
                entry.call.skip -= 1;
                continue;
            }
            let kind = entry.kind;
            entry.times = entry.times.saturating_sub(1);
            if entry.times == 0 {
                self.script.remove(position);
            }
            return Some(kind);
        }
        None
    }

    fn by_rate(&mut self, call: &CallInfo<'_>) -> Option<FaultKind> {
        if self.rates.is_empty() || !self.target.matches(call) {
            return None;
        }
        let mut left = self.random.unit();
        for (kind, rate) in &self.rates {
            if left < *rate {
                return Some(*kind);
            }
            left -= rate;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: CallInfo<'_> = CallInfo {
        method: "GET",
        path: "/services/data/v62.0/query?q=",
    };
    const WRITE: CallInfo<'_> = CallInfo {
        method: "POST",
        path: "/composite/sobjects",
    };

    #[test]
    fn a_script_strikes_the_named_call_once_after_its_skips() {
        let mut plan = FaultPlan::calm(1);
        plan.script(CallMatcher::path("/query").after(1), FaultKind::ResetAfter);
        assert_eq!(plan.draw(&WRITE), None);
        assert_eq!(plan.draw(&QUERY), None);
        assert_eq!(plan.draw(&QUERY), Some(FaultKind::ResetAfter));
        assert_eq!(plan.draw(&QUERY), None);
        assert_eq!(plan.drawn()[&FaultKind::ResetAfter], 1);
    }

    #[test]
    fn rates_are_kept_on_average_and_replay_from_the_seed() {
        let run = || {
            let mut plan = FaultPlan::calm(42);
            plan.rate(FaultKind::UnavailableBefore, 0.25);
            (0..4000).map(|_| plan.draw(&WRITE)).collect::<Vec<_>>()
        };
        let hits = run().iter().flatten().count();
        assert!((900..1100).contains(&hits), "{hits}");
        assert_eq!(run(), run());
    }

    #[test]
    fn an_aimed_storm_spares_the_other_calls_and_healing_ends_it() {
        let mut plan = FaultPlan::storm(3, 0.04);
        plan.aim(CallMatcher::path("/query").with_method("get"));
        assert!((0..500).all(|_| plan.draw(&WRITE).is_none()));
        assert!((0..50).any(|_| plan.draw(&QUERY).is_some()));
        plan.heal();
        assert!((0..500).all(|_| plan.draw(&QUERY).is_none()));
    }
}
