//! What a failure means and what helps: one sentence and one action, beside the system's own words.

use super::words::Words;
use crate::domain::activity::NOT_LINKED;
use crate::domain::drift::FIELD_CHANGED;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::Side;
use crate::domain::link::Pending;

pub(super) struct Explained {
    pub(super) sentence: String,
    pub(super) action: String,
}

impl Words<'_> {
    /// `side` is the system that refused.
    pub(super) fn explain(&self, side: Side, failure: &Failure) -> Explained {
        let key = key(failure);
        let side = side.to_string();
        let gaps = [("side", side.as_str())];
        Explained {
            sentence: self.language.with(key.0, &gaps),
            action: self.language.with(key.1, &gaps),
        }
    }

    /// The same of a write. What would pass by itself does not once the write was given up.
    pub(super) fn explain_write(&self, pending: &Pending, failure: &Failure) -> Explained {
        let explained = self.explain(pending.side, failure);
        if !pending.is_dead() || !passes(&failure.kind) {
            return explained;
        }
        let tries = u64::from(pending.attempts);
        Explained {
            action: self.language.count("fail-given-up", tries),
            ..explained
        }
    }
}

/// Whether it is tried again by itself, as long as the write is not given up.
const fn passes(kind: &FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Throttled { .. }
            | FailureKind::LimitReached
            | FailureKind::Transient
            | FailureKind::Unknown
            | FailureKind::Stale
            | FailureKind::Moved
    )
}

fn key(failure: &Failure) -> (&'static str, &'static str) {
    if failure.code == NOT_LINKED {
        return ("fail-not-linked", "fail-not-linked-do");
    }
    if failure.code == FIELD_CHANGED {
        return ("fail-field", "fail-field-do");
    }
    match &failure.kind {
        FailureKind::Throttled { .. } => ("fail-throttled", "fail-throttled-do"),
        FailureKind::LimitReached => ("fail-limit", "fail-limit-do"),
        FailureKind::Transient => ("fail-transient", "fail-transient-do"),
        FailureKind::Unknown => ("fail-unknown", "fail-unknown-do"),
        FailureKind::Rejected(Rejection::Values(_)) => ("fail-values", "fail-values-do"),
        FailureKind::Rejected(Rejection::Required(_)) => ("fail-required", "fail-required-do"),
        FailureKind::Rejected(Rejection::Duplicate) => ("fail-duplicate", "fail-duplicate-do"),
        FailureKind::Stale => ("fail-stale", "fail-stale-do"),
        FailureKind::Gone => ("fail-gone", "fail-gone-do"),
        FailureKind::Moved => ("fail-moved", "fail-moved-do"),
        FailureKind::Unauthorised => ("fail-unauthorised", "fail-unauthorised-do"),
        FailureKind::Forbidden => ("fail-forbidden", "fail-forbidden-do"),
        FailureKind::Broken => ("fail-broken", "fail-broken-do"),
    }
}
