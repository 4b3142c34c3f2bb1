//! May this person be mailed? The one decision to which neither arrows nor blanks ever apply.
//!
//! Unsure means out. An opt-out travels always and at once; an opt-in only with dated proof that is
//! newer than the opt-out it removes. A bounce is neither.

use crate::domain::consent::{Consent, ConsentState, ConsentView, Dated, Proof, Reason};
use crate::domain::ids::Side;
use crate::domain::time::Timestamp;
use crate::engine::decide::CLOCK_MARGIN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No side shows consent, or nothing is to be done.
    Settled,
    /// Both sides say the same: that is the agreement now.
    Agree(Consent),
    OptOut {
        to: Side,
        reason: Reason,
    },
    OptIn {
        to: Side,
    },
    /// The dates on both sides must be read afresh before this can be decided.
    AskForEvidence,
    /// A person must decide; until then the strictest word stays where it is.
    Conflict {
        opted_in: Side,
    },
}

/// Whether the evidence in the state was read after the values it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Stale,
}

/// Whether *use the latest do-not-contact record* is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptIns {
    Travel,
    Stay,
}

/// What the judgement depends on besides the two sides' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub opt_ins: OptIns,
    pub freshness: Freshness,
    /// When the Salesforce record last changed in any field. Never a proof, but a doubt: a box that was
    /// unticked and ticked again looks like one that was never touched.
    pub salesforce_changed: Timestamp,
}

/// The rules:
///
/// 1. A side that does not show consent says nothing.
/// 2. Out on both sides is agreement, and so is out on one and a bounce on the other: the bounced
///    address is not mailed, and the bounce must not be overwritten by a poorer reason.
/// 3. Out on one side only, and the agreement is not out: the opt-out travels. At first sight too:
///    an import never clears an opt-out, whatever the dates.
/// 4. Out on one side only, and the agreement was out: the other side claims an opt-in. It travels
///    if opt-ins may, and its proof is newer than the opt-out beyond the clocks' margin. If the
///    opt-out is surely the newer one, the opt-out travels. Else it is a conflict. It is one too if
///    the Salesforce record to be opted in changed after the opt-in and no field history says that
///    the change was another one.
/// 5. Out nowhere, and the agreement was out or an opt-out was on its way: equal is not agreed, since two blanked boxes look the
///    same. With a dated opt-in newer than the opt-out on either side it is agreement; without
///    proof the opt-out is put back on both, Automation first, since that is where mail is sent.
/// 6. Out nowhere, and never was: agreement to be in.
pub fn judge(state: &ConsentState, terms: Terms) -> Verdict {
    let (Some(salesforce), Some(automation)) = (&state.salesforce, &state.automation) else {
        return Verdict::Settled;
    };
    let was_out = state.agreed.is_some_and(Consent::is_out);
    match (out_reason(salesforce.value), out_reason(automation.value)) {
        (Some(left), Some(right)) => agree(state, Consent::Out(left.max(right))),
        (Some(reason), None) if automation.value == Consent::Bounced => {
            agree(state, Consent::Out(reason))
        }
        (Some(reason), None) => one_out(state, Side::Salesforce, reason, was_out, terms),
        (None, Some(reason)) => one_out(state, Side::Automation, reason, was_out, terms),
        (None, None) if state.is_suppressed() => both_in_after_out(state, terms.freshness),
        (None, None) => agree(state, Consent::In),
    }
}

fn one_out(
    state: &ConsentState,
    out: Side,
    reason: Reason,
    was_out: bool,
    terms: Terms,
) -> Verdict {
    let claims = out.other();
    if !was_out {
        return Verdict::OptOut { to: claims, reason };
    }
    if terms.opt_ins == OptIns::Stay {
        return Verdict::Conflict { opted_in: claims };
    }
    if terms.freshness == Freshness::Stale {
        return Verdict::AskForEvidence;
    }
    let opted_in = view(state, claims).and_then(|view| view.evidence.opted_in);
    let opted_out = last_opt_out(state);
    match (opted_in, opted_out) {
        (Some(opted_in), Some(opted_out)) if is_surely_later(opted_in, opted_out) => {
            let was_touched = terms.salesforce_changed + CLOCK_MARGIN >= opted_in.earliest;
            if out == Side::Salesforce && was_touched && !has_field_history(state) {
                Verdict::Conflict { opted_in: claims }
            } else {
                Verdict::OptIn { to: out }
            }
        }
        (Some(opted_in), Some(opted_out)) if is_surely_later(opted_out, opted_in) => {
            Verdict::OptOut { to: claims, reason }
        }
        _ => Verdict::Conflict { opted_in: claims },
    }
}

fn both_in_after_out(state: &ConsentState, freshness: Freshness) -> Verdict {
    if freshness == Freshness::Stale {
        return Verdict::AskForEvidence;
    }
    let opted_out = last_opt_out(state);
    let is_proven = Side::BOTH.into_iter().any(|side| {
        let opted_in = view(state, side).and_then(|view| view.evidence.opted_in);
        matches!((opted_in, opted_out), (Some(i), Some(o)) if is_surely_later(i, o))
    });
    if is_proven {
        return Verdict::Agree(Consent::In);
    }
    let reason = state
        .agreed
        .and_then(out_reason)
        .unwrap_or(Reason::Unstated);
    let bounced = view(state, Side::Automation).is_some_and(|v| v.value == Consent::Bounced);
    let to = if bounced {
        Side::Salesforce
    } else {
        Side::Automation
    };
    Verdict::OptOut { to, reason }
}

/// Salesforce's own field history dates the box.
fn has_field_history(state: &ConsentState) -> bool {
    let opted_out = view(state, Side::Salesforce).and_then(|view| view.evidence.opted_out);
    opted_out.is_some_and(|dated| dated.proof == Proof::FieldHistory)
}

/// The latest opt-out that any source dates: the ledger's, or either side's evidence.
fn last_opt_out(state: &ConsentState) -> Option<Dated> {
    let sides = Side::BOTH
        .into_iter()
        .filter_map(|side| view(state, side).and_then(|view| view.evidence.opted_out));
    sides
        .chain(state.opted_out)
        .max_by_key(|dated| dated.latest)
}

/// Later even if both clocks are off by the margin, and even at the unkind end of both intervals.
pub(super) fn is_surely_later(later: Dated, earlier: Dated) -> bool {
    later.earliest > earlier.latest + CLOCK_MARGIN
}

fn agree(state: &ConsentState, consent: Consent) -> Verdict {
    if state.agreed == Some(consent) {
        Verdict::Settled
    } else {
        Verdict::Agree(consent)
    }
}

const fn out_reason(consent: Consent) -> Option<Reason> {
    match consent {
        Consent::Out(reason) => Some(reason),
        Consent::In | Consent::Bounced => None,
    }
}

const fn view(state: &ConsentState, side: Side) -> Option<&ConsentView> {
    match side {
        Side::Salesforce => state.salesforce.as_ref(),
        Side::Automation => state.automation.as_ref(),
    }
}

#[cfg(test)]
mod tests;
