//! The decision table, line by line, and the properties that hold over all of it.

use proptest::prelude::*;

use super::*;
use crate::domain::ids::{FieldId, SalesforceObject};
use crate::domain::link::Base;
use crate::domain::mapping::Role;
use crate::domain::time::Timestamp;
use crate::domain::value::ValueType;

fn rule(words: &str) -> FieldRule {
    let has = |word: &str| words.split(' ').any(|w| w == word);
    FieldRule {
        id: FieldId(1),
        salesforce: "Phone".into(),
        objects: vec![SalesforceObject::Lead, SalesforceObject::Contact],
        automation: "phone".into(),
        value_type: ValueType::Text,
        role: Role::Plain,
        arrow: if has("→") {
            Arrow::Salesforce
        } else if has("←") {
            Arrow::Automation
        } else {
            Arrow::Both
        },
        overwritten: if has("review") {
            Overwritten::Review
        } else {
            Overwritten::Keep
        },
        blank: if has("clear") {
            BlankTravel::Clears
        } else {
            BlankTravel::Never
        },
        concurrent: if has("newest") {
            Concurrent::Newest
        } else {
            Concurrent::Conflict
        },
    }
}

/// `-` is blank, `?` is not shown (or no base), anything else is text.
fn value(word: &str) -> Option<Value> {
    match word {
        "?" => None,
        "-" => Some(Value::Blank),
        text => Some(Value::text(text)),
    }
}

fn state(base: &str, salesforce: &str, automation: &str) -> FieldState {
    FieldState {
        field: FieldId(1),
        base: value(base).map(|v| Base {
            salesforce: v.clone(),
            automation: v,
        }),
        salesforce: value(salesforce),
        automation: value(automation),
        salesforce_edited: None,
        automation_edited: None,
    }
}

fn shown(outcome: &Outcome) -> String {
    let short = |value: &Value| {
        if value.is_blank() {
            "-".into()
        } else {
            value.to_string()
        }
    };
    match outcome {
        Outcome::Settled => "settled".into(),
        Outcome::Agree => "agree".into(),
        Outcome::Diverge => "diverge".into(),
        Outcome::Write { to, value, lost } => {
            let lost = lost
                .as_ref()
                .map(|v| format!(", {} lost", short(v)))
                .unwrap_or_default();
            format!("write {} to {to}{lost}", short(value))
        }
        Outcome::Conflict(cause) => match cause {
            Cause::BothChanged { .. } => "conflict: both changed".into(),
            Cause::BothSet { .. } => "conflict: both set".into(),
            Cause::AgainstArrow { edited, .. } => format!("conflict: {edited} against arrow"),
            other => format!("unexpected {other:?}"),
        },
    }
}

/// Each line: rule words, base, Salesforce, Automation, what must come out. `blanks` among the
/// words switches *update blank values* on.
#[track_caller]
fn check(table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [words, base, salesforce, automation, expected] = cells[..] else {
            panic!("five cells, please: {line}");
        };
        let update_blanks = words.split(' ').any(|word| word == "blanks");
        let decision = decide(
            &rule(words),
            &state(base, salesforce, automation),
            update_blanks,
        );
        assert_eq!(
            shown(&decision.outcome),
            expected,
            "{line}\n{:?}",
            decision.trace
        );
        assert!(!decision.trace.is_empty(), "no reason given: {line}");
    }
}

#[test]
fn every_line_of_the_decision_table_holds() {
    check(
        "
        →               | a | a | a | settled
        →               | a | b | b | agree
        →               | a | b | a | write b to Automation
        →               | a | b | c | write b to Automation, c lost
        → review        | a | b | c | conflict: Automation against arrow
        →               | a | a | c | diverge
        → review        | a | a | c | conflict: Automation against arrow
        ←               | a | a | c | write c to Salesforce
        ←               | a | b | c | write c to Salesforce, b lost
        ← review        | a | b | c | conflict: Salesforce against arrow
        ←               | a | b | a | diverge
        ← review        | a | b | a | conflict: Salesforce against arrow
        ↔               | a | b | a | write b to Automation
        ↔               | a | a | c | write c to Salesforce
        ↔               | a | b | c | conflict: both changed
        ↔ newest        | a | b | c | conflict: both changed
        ",
    );
}

#[test]
fn a_blank_never_clears_unless_the_rule_says_so() {
    check(
        "
        →               | a | - | a | diverge
        → blanks        | a | - | a | write a to Salesforce
        → clear         | a | - | a | write - to Automation
        → clear         | a | - | c | write - to Automation, c lost
        →               | a | - | c | diverge
        → blanks        | a | - | c | write c to Salesforce
        →               | a | a | - | write a to Automation
        → clear         | a | a | - | diverge
        ←               | a | a | - | diverge
        ←               | a | - | a | write a to Salesforce
        ← blanks        | a | a | - | write a to Automation
        ↔               | a | - | a | diverge
        ↔ blanks        | a | - | a | write a to Salesforce
        ↔ clear         | a | - | a | write - to Automation
        ↔               | a | - | c | write c to Salesforce, - lost
        ↔ clear         | a | - | c | conflict: both changed
        ↔               | a | - | - | agree
        ",
    );
}

#[test]
fn at_first_sight_the_arrow_fills_blanks_and_settles_differences() {
    check(
        "
        →               | ? | a | a | agree
        →               | ? | a | - | write a to Automation
        →               | ? | - | c | diverge
        → blanks        | ? | - | c | write c to Salesforce
        →               | ? | a | c | write a to Automation, c lost
        ←               | ? | a | c | write c to Salesforce, a lost
        ←               | ? | a | - | diverge
        ← blanks        | ? | a | - | write a to Automation
        ←               | ? | - | c | write c to Salesforce
        ↔               | ? | a | - | write a to Automation
        ↔               | ? | - | c | write c to Salesforce
        ↔               | ? | a | c | conflict: both set
        ↔               | ? | - | - | agree
        ",
    );
}

#[test]
fn a_field_that_a_side_does_not_show_is_left_alone() {
    check(
        "
        →               | a | ? | c | settled
        ↔ clear         | a | b | ? | settled
        ",
    );
}

#[test]
fn newest_wins_only_if_the_two_edits_are_surely_apart() {
    let at = |minutes: i64| Timestamp(minutes * 60_000);
    let edited = |after, by| {
        Some(Edited {
            after: at(after),
            by: at(by),
        })
    };
    let outcome = |salesforce_edited, automation_edited| {
        let state = FieldState {
            salesforce_edited,
            automation_edited,
            ..state("a", "b", "c")
        };
        shown(&decide(&rule("↔ newest"), &state, false).outcome)
    };
    assert_eq!(
        outcome(edited(100, 120), edited(0, 89)),
        "write b to Automation, c lost"
    );
    assert_eq!(
        outcome(edited(0, 89), edited(100, 120)),
        "write c to Salesforce, b lost"
    );
    assert_eq!(
        outcome(edited(100, 120), edited(0, 90)),
        "conflict: both changed"
    );
    assert_eq!(outcome(edited(100, 120), None), "conflict: both changed");
}

#[test]
fn a_value_that_a_system_keeps_in_its_own_form_is_settled() {
    let mut state = state("?", "a <b> c", "a  c");
    state.base = Some(Base {
        salesforce: Value::text("a <b> c"),
        automation: Value::text("a  c"),
    });
    assert_eq!(shown(&decide(&rule("→"), &state, false).outcome), "settled");
    state.salesforce = Some(Value::text("d"));
    assert_eq!(
        shown(&decide(&rule("→"), &state, false).outcome),
        "write d to Automation"
    );
}

fn any_value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Blank)),
        "[abc]".prop_map(|text| Some(Value::text(&text))),
    ]
}

fn any_rule() -> impl Strategy<Value = FieldRule> {
    (0_usize..3, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(arrow, review, clear, newest)| {
            let words = [
                ["→", "←", "↔"][arrow],
                if review { "review" } else { "" },
                if clear { "clear" } else { "" },
                if newest { "newest" } else { "" },
            ];
            rule(&words.join(" "))
        },
    )
}

fn any_state() -> impl Strategy<Value = FieldState> {
    let edited = || {
        proptest::option::of((0_i64..60, 0_i64..60)).prop_map(|edited| {
            edited.map(|(a, b)| Edited {
                after: Timestamp(a.min(b) * 60_000),
                by: Timestamp(a.max(b) * 60_000),
            })
        })
    };
    (
        any_value(),
        any_value(),
        any_value(),
        any_value(),
        edited(),
        edited(),
    )
        .prop_map(
            |(base_salesforce, base_automation, salesforce, automation, s_edited, a_edited)| {
                FieldState {
                    field: FieldId(1),
                    base: base_salesforce
                        .zip(base_automation)
                        .map(|(salesforce, automation)| Base {
                            salesforce,
                            automation,
                        }),
                    salesforce,
                    automation,
                    salesforce_edited: s_edited,
                    automation_edited: a_edited,
                }
            },
        )
}

fn mirrored(rule: &FieldRule, state: &FieldState) -> (FieldRule, FieldState) {
    let mut rule = rule.clone();
    rule.arrow = match rule.arrow {
        Arrow::Salesforce => Arrow::Automation,
        Arrow::Automation => Arrow::Salesforce,
        Arrow::Both => Arrow::Both,
    };
    let state = FieldState {
        field: state.field,
        base: state.base.clone().map(|base| Base {
            salesforce: base.automation,
            automation: base.salesforce,
        }),
        salesforce: state.automation.clone(),
        automation: state.salesforce.clone(),
        salesforce_edited: state.automation_edited,
        automation_edited: state.salesforce_edited,
    };
    (rule, state)
}

fn mirror_words(words: &str) -> String {
    words
        .replace("Salesforce", "#")
        .replace("Automation", "Salesforce")
        .replace('#', "Automation")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn carrying_out_a_decision_settles_the_field(
        rule in any_rule(), mut state in any_state(), blanks: bool,
    ) {
        match decide(&rule, &state, blanks).outcome {
            Outcome::Write { to: Side::Salesforce, value, .. } => state.salesforce = Some(value),
            Outcome::Write { to: Side::Automation, value, .. } => state.automation = Some(value),
            _ => {}
        }
        if state.salesforce == state.automation
            && let (Some(salesforce), Some(automation)) = (&state.salesforce, &state.automation)
        {
            state.base =
                Some(Base { salesforce: salesforce.clone(), automation: automation.clone() });
            prop_assert_eq!(decide(&rule, &state, blanks).outcome, Outcome::Settled);
        }
    }

    #[test]
    fn no_edit_vanishes(rule in any_rule(), state in any_state(), blanks: bool) {
        // Whatever a write overwrites is either what was agreed on, a blank, or named as lost.
        if let Outcome::Write { to, lost, .. } = decide(&rule, &state, blanks).outcome {
            let there = state.on(to).expect("only shown fields are written");
            let known = there.is_blank() || state.base_on(to) == Some(there);
            prop_assert!(known || lost.as_ref() == Some(there), "{to} loses {there:?} unsaid");
        }
    }

    #[test]
    fn the_table_is_its_own_mirror_image(rule in any_rule(), state in any_state(), blanks: bool) {
        let (mirrored_rule, mirrored_state) = mirrored(&rule, &state);
        let direct = shown(&decide(&rule, &state, blanks).outcome);
        let mirror = shown(&decide(&mirrored_rule, &mirrored_state, blanks).outcome);
        prop_assert_eq!(mirror_words(&direct), mirror);
    }

    #[test]
    fn a_blank_is_written_only_by_a_rule_that_clears(
        rule in any_rule(), state in any_state(), blanks: bool,
    ) {
        if let Outcome::Write { value, .. } = decide(&rule, &state, blanks).outcome
            && value.is_blank()
        {
            prop_assert_eq!(rule.blank, BlankTravel::Clears);
        }
    }
}
