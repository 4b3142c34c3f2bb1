//! Consent, line by line and exhaustively.

use super::*;
use crate::domain::consent::{Evidence, Proof};

const NEVER: i64 = -1;

fn dated(minute: i64) -> Option<Dated> {
    (minute != NEVER).then(|| Dated::exactly(Timestamp(minute * 60_000), Proof::FieldHistory))
}

fn seen(value: Consent, opted_out: i64, opted_in: i64) -> ConsentView {
    ConsentView {
        value,
        since: Timestamp::ZERO,
        seen: Timestamp::ZERO,
        evidence: Evidence {
            opted_out: dated(opted_out),
            opted_in: dated(opted_in),
        },
    }
}

/// `in`, `out`, `unsub`, `bounce`, or `?` for not shown; with `-N` the minute of the last opt-out
/// and `+N` of the last opt-in behind it; `~N` an opt-out that was observed, not read in a history.
fn parse(words: &str) -> Option<ConsentView> {
    let mut parts = words.split(' ');
    let value = consent(parts.next()?)?;
    let mut view = seen(value, NEVER, NEVER);
    for part in parts {
        let at = dated(part[1..].parse().unwrap());
        match part.chars().next() {
            Some('-') => view.evidence.opted_out = at,
            Some('~') => {
                let proof = Proof::Observation;
                view.evidence.opted_out = at.map(|at| Dated { proof, ..at });
            }
            _ => view.evidence.opted_in = at,
        }
    }
    Some(view)
}

fn consent(word: &str) -> Option<Consent> {
    match word {
        "in" => Some(Consent::In),
        "out" => Some(Consent::Out(Reason::Unstated)),
        "unsub" => Some(Consent::Out(Reason::Unsubscribed)),
        "bounce" => Some(Consent::Bounced),
        _ => None,
    }
}

#[track_caller]
fn check(table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [option, agreed, salesforce, automation, expected] = cells[..] else {
            panic!("five cells, please: {line}");
        };
        let state = ConsentState {
            agreed: consent(agreed),
            opted_out: None,
            salesforce: parse(salesforce),
            automation: parse(automation),
        };
        let opt_ins = if option.contains("latest") {
            OptIns::Travel
        } else {
            OptIns::Stay
        };
        let freshness = if option.contains("stale") {
            Freshness::Stale
        } else {
            Freshness::Fresh
        };
        let minute = if option.contains("touched") { 950 } else { 0 };
        let terms = Terms {
            opt_ins,
            freshness,
            salesforce_changed: Timestamp(minute * 60_000),
        };
        let shown = match judge(&state, terms) {
            Verdict::Settled => "settled".to_owned(),
            Verdict::Agree(Consent::Out(reason)) => format!("agree out {reason:?}"),
            Verdict::Agree(consent) => format!("agree {consent:?}"),
            Verdict::OptOut { to, reason } => format!("opt out {to} {reason:?}"),
            Verdict::OptIn { to } => format!("opt in {to}"),
            Verdict::AskForEvidence => "ask".into(),
            Verdict::Conflict { opted_in } => format!("conflict, {opted_in} says in"),
        };
        assert_eq!(shown, expected, "{line}");
    }
}

#[test]
fn an_opt_out_travels_at_once_and_without_proof() {
    check(
        "
               | ?   | out         | in      | opt out Automation Unstated
               | ?   | in          | unsub   | opt out Salesforce Unsubscribed
               | in  | in          | out     | opt out Salesforce Unstated
        latest | in  | out         | in      | opt out Automation Unstated
        latest | ?   | out -10     | in +900 | opt out Automation Unstated
        stale  | in  | in          | unsub   | opt out Salesforce Unsubscribed
        ",
    );
}

#[test]
fn an_opt_in_travels_only_with_the_option_and_newer_proof() {
    check(
        "
               | out | in +900 | out -10  | conflict, Salesforce says in
        latest | out | in +900 | out -10  | opt in Automation
        latest | out | in +900 | unsub -10 | opt in Automation
        latest | out | out -10 | in +900  | opt in Salesforce
        latest | out | in      | out -10  | conflict, Salesforce says in
        latest | out | in +900 | out      | conflict, Salesforce says in
        latest | out | in +15  | out -10  | conflict, Salesforce says in
        latest | out | in +20  | out -10  | conflict, Salesforce says in
        latest | out | in +21  | out -10  | opt in Automation
        latest | out | in +10  | out -900 | opt out Salesforce Unstated
        latest stale | out | in +900 | out -10 | ask
        ",
    );
}

#[test]
fn a_salesforce_record_that_changed_after_the_opt_in_needs_its_field_history() {
    check(
        "
        latest         | out | out ~10 | in +900 | opt in Salesforce
        latest touched | out | out ~10 | in +900 | conflict, Automation says in
        latest touched | out | out -10 | in +900 | opt in Salesforce
        latest touched | out | in +900 | out -10 | opt in Automation
        ",
    );
}

#[test]
fn a_bounce_neither_travels_nor_is_undone() {
    check(
        "
        latest | ?   | in      | bounce | agree In
        latest | in  | in      | bounce | settled
        latest | out | out     | bounce | settled
        latest | ?   | out     | bounce | agree out Unstated
        ",
    );
}

#[test]
fn equal_is_not_agreed_when_an_opt_out_vanished_on_both_sides() {
    check(
        "
        latest | unsub | in | in               | opt out Automation Unsubscribed
               | unsub | in | in               | opt out Automation Unsubscribed
        latest | out   | in +900 -10 | in      | agree In
        latest | out   | in | in +5 -10        | opt out Automation Unstated
        latest | out   | in | bounce           | opt out Salesforce Unstated
        latest stale | out | in | in           | ask
        ",
    );
}

#[test]
fn the_richer_reason_is_kept() {
    check(
        "
        | ?     | out   | unsub | agree out Unsubscribed
        | unsub | unsub | out   | settled
        | in    | ?     | out   | settled
        ",
    );
}

/// Every combination of what can be known, against the two promises.
#[test]
fn over_all_inputs_no_opt_in_is_written_without_newer_proof_and_no_opt_out_is_lost() {
    let values = ["in", "out", "unsub", "bounce"].map(|word| consent(word).unwrap());
    let minutes = [NEVER, 10, 15, 40];
    let views: Vec<ConsentView> = values
        .into_iter()
        .flat_map(|value| minutes.map(|out| (value, out)))
        .flat_map(|(value, out)| minutes.map(|into| seen(value, out, into)))
        .collect();
    let agreed = [None, Some(Consent::In), Some(Consent::Out(Reason::Manual))];
    let mut judged = 0_u32;
    // Salesforce's checkbox knows no bounce.
    for salesforce in views.iter().filter(|view| view.value != Consent::Bounced) {
        for automation in &views {
            for agreed in agreed {
                for opt_ins in [OptIns::Travel, OptIns::Stay] {
                    for freshness in [Freshness::Fresh, Freshness::Stale] {
                        let state = ConsentState {
                            agreed,
                            opted_out: None,
                            salesforce: Some(*salesforce),
                            automation: Some(*automation),
                        };
                        let terms = Terms {
                            opt_ins,
                            freshness,
                            salesforce_changed: Timestamp::ZERO,
                        };
                        promise(&state, opt_ins, judge(&state, terms));
                        judged += 1;
                    }
                }
            }
        }
    }
    assert_eq!(judged, 48 * 64 * 3 * 2 * 2);
}

#[track_caller]
fn promise(state: &ConsentState, opt_ins: OptIns, verdict: Verdict) {
    let was_out = state.agreed.is_some_and(Consent::is_out);
    let value = |side| view(state, side).unwrap().value;
    let evidence = |side| view(state, side).unwrap().evidence;
    let outs = Side::BOTH.map(|side| value(side).is_out());
    match verdict {
        Verdict::OptIn { to } => {
            assert_eq!(opt_ins, OptIns::Travel, "{state:?}");
            let proof = evidence(to.other()).opted_in.expect("proof").earliest;
            for side in Side::BOTH {
                if let Some(out) = evidence(side).opted_out {
                    assert!(proof > out.latest + CLOCK_MARGIN, "{state:?}");
                }
            }
        }
        Verdict::Agree(Consent::In) => {
            assert_eq!(outs, [false, false], "{state:?}");
            let proven = Side::BOTH
                .iter()
                .any(|side| evidence(*side).opted_in.is_some());
            assert!(!was_out || proven, "{state:?}");
        }
        Verdict::OptOut { to, .. } => {
            assert!(!value(to).is_out(), "{state:?}");
            assert!(
                value(to) != Consent::Bounced,
                "a bounce overwritten: {state:?}"
            );
        }
        Verdict::Settled => {
            let one_out = outs[0] != outs[1];
            let bounced = value(Side::Automation) == Consent::Bounced;
            assert!(!one_out || bounced, "an opt-out stays home: {state:?}");
            assert!(
                !was_out || outs[0] || outs[1],
                "an opt-out vanished: {state:?}"
            );
        }
        Verdict::Agree(_) | Verdict::AskForEvidence | Verdict::Conflict { .. } => {}
    }
}
