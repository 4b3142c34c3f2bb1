//! What a decision will write, and where. The same questions as the engine's own, asked before.

use super::words::Words;
use crate::domain::conflict::{Cause, Choice, Conflict, Subject};
use crate::domain::ids::{RemoteId, Side};
use crate::domain::link::{Base, FieldState, Link};
use crate::domain::mapping::Role;
use crate::domain::record::UndoStep;
use crate::domain::value::Value;

/// Which choices this conflict takes; every other one would be refused.
pub(super) fn fits(link: &Link, conflict: &Conflict, choice: &Choice) -> bool {
    match (conflict.subject, choice) {
        (Subject::Field(_) | Subject::Write(_), Choice::Retry)
        | (Subject::Field(_), Choice::KeepBoth | Choice::Typed(_))
        | (Subject::Consent, Choice::OptIn | Choice::OptOut)
        | (Subject::Deletion, Choice::KeepBoth) => true,
        (Subject::Field(_), _) => {
            let value = decided_on(link, conflict.subject, choice, Side::Salesforce);
            value.is_some_and(|value| !is_taken(conflict, &value))
        }
        (Subject::Identity, Choice::Pair(record)) => candidates(conflict).contains(record),
        _ => false,
    }
}

/// Whether the value is the address that somebody else has.
fn is_taken(conflict: &Conflict, value: &Value) -> bool {
    matches!(&conflict.cause, Cause::EmailTaken { address, .. } if address == value)
}

/// The records that an identity conflict can be settled with.
pub(super) fn candidates(conflict: &Conflict) -> &[RemoteId] {
    match &conflict.cause {
        Cause::SeveralMatch { matches } => matches,
        _ => &[],
    }
}

/// The value that a side shows.
fn shown_on(link: &Link, subject: Subject, side: Side) -> Option<&Value> {
    let Subject::Field(field) = subject else {
        return None;
    };
    link.field(field)?.on(side)
}

/// The value that a choice puts on a side.
fn decided_on(link: &Link, subject: Subject, choice: &Choice, side: Side) -> Option<Value> {
    let Subject::Field(field) = subject else {
        return None;
    };
    let state = link.field(field)?;
    match choice {
        Choice::Salesforce => state.salesforce.clone(),
        Choice::Automation => state.automation.clone(),
        Choice::Base => state.base_on(side).cloned(),
        Choice::Typed(value) => Some(value.clone()),
        _ => None,
    }
}

/// A choice that has been tried in vain, and would be again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Again {
    /// That side would refuse it; the longest text that it takes, if it said so.
    Refused(Side, Option<usize>),
    /// That side would take it and keep this, as it did.
    NotKept(Side, Value),
}

/// Whether a choice writes what that side refused, what is too long for it by its own words, or what it
/// took without keeping it. Only a new try can tell whether it takes it by now.
pub(super) fn in_vain(link: &Link, conflict: &Conflict, choice: &Choice) -> Option<Again> {
    let (side, again) = match &conflict.cause {
        Cause::Refused {
            side,
            value,
            failure,
        } => {
            let length_max = length_max(&failure.message);
            let decided = decided_on(link, conflict.subject, choice, *side)?;
            let is_too_long = match (&decided, length_max) {
                (Value::Text(text), Some(length_max)) => text.chars().count() > length_max,
                _ => false,
            };
            let is_same = decided == *value || is_too_long;
            (*side, is_same.then_some(Again::Refused(*side, length_max))?)
        }
        Cause::NotKept { side, sent, kept } => {
            let decided = decided_on(link, conflict.subject, choice, *side)?;
            // Somebody else changed it since: what that side makes of the value now is not known.
            let shows_it = shown_on(link, conflict.subject, *side) == Some(kept);
            let is_same = decided == *sent && shows_it;
            (*side, is_same.then(|| Again::NotKept(*side, kept.clone()))?)
        }
        _ => return None,
    };
    let writes = written_sides(link, conflict.subject, choice).contains(&side);
    writes.then_some(again)
}

/// `… (max length=40)`, as both the platform and our own check say it.
fn length_max(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("max length=")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

impl Again {
    pub(super) fn told(&self, words: Words<'_>) -> String {
        let say = words.language;
        match self {
            Self::Refused(side, Some(most)) => {
                let (side, most) = (side.to_string(), say.number(*most as u64));
                say.with("refused-again-long", &[("side", &side), ("most", &most)])
            }
            Self::Refused(side, None) => say.with("refused-again", &[("side", &side.to_string())]),
            Self::NotKept(side, kept) => {
                let (side, kept) = (side.to_string(), words.value(Some(kept)));
                say.with("not-kept-again", &[("side", &side), ("kept", &kept)])
            }
        }
    }

    /// The same in a few words behind what it is about.
    pub(super) fn told_of(&self, words: Words<'_>, about: &str) -> String {
        let key = match self {
            Self::Refused(..) => "bulk-refused-again",
            Self::NotKept(..) => "bulk-not-kept-again",
        };
        words.language.with(key, &[("about", about)])
    }
}

/// The sides that a choice writes to.
pub(super) fn written_sides(link: &Link, subject: Subject, choice: &Choice) -> Vec<Side> {
    let is_written = |side: &Side| match (subject, choice) {
        (Subject::Consent, Choice::OptOut) => !consent_on(link, *side).is_some_and(|out| out),
        (Subject::Consent, Choice::OptIn) => consent_on(link, *side).is_some_and(|out| out),
        (Subject::Write(refused), Choice::Retry) => *side == refused,
        (Subject::Field(field), choice) => {
            let shown = link.field(field).and_then(|state| state.on(*side));
            let decided = decided_on(link, subject, choice, *side);
            decided.is_some_and(|value| shown != Some(&value))
        }
        _ => false,
    };
    Side::BOTH
        .into_iter()
        .filter(is_written)
        .filter(|side| link.state(*side).is_some())
        .collect()
}

/// Whether that side says that the person must not be mailed.
fn consent_on(link: &Link, side: Side) -> Option<bool> {
    let view = link.consent.on(side);
    view.map(|view| view.value.is_out())
}

/// One line for each write of one choice: the system, the field, from what to what.
pub(super) fn lines(
    words: Words<'_>,
    link: &Link,
    subject: Subject,
    choice: &Choice,
) -> Vec<String> {
    let say = words.language;
    let sides = written_sides(link, subject, choice);
    let mut lines: Vec<String> = sides
        .iter()
        .map(|side| match (subject, choice) {
            (Subject::Field(field), choice) => {
                let before = link.field(field).and_then(|state| state.on(*side));
                let after = decided_on(link, subject, choice, *side);
                let after = if is_owner(words, link, subject) && !is_chosen(choice, *side) {
                    say.text("preview-own-user").to_owned()
                } else {
                    words.value(after.as_ref())
                };
                write_line(words, link, *side, (field, before, &after))
            }
            (Subject::Consent, Choice::OptOut) => {
                say.with("preview-opt-out", &[("side", &side.to_string())])
            }
            (Subject::Consent, _) => say.with("preview-opt-in", &[("side", &side.to_string())]),
            _ => say.with("preview-again", &[("side", &side.to_string())]),
        })
        .collect();
    if lines.is_empty() {
        lines.push(match (subject, choice) {
            (_, Choice::Pair(record)) => {
                say.with("preview-pair", &[("record", &words.record_of(*record))])
            }
            (Subject::Field(_), Choice::Retry) => say.text("preview-rules-again").to_owned(),
            _ => say.text("preview-nothing").to_owned(),
        });
    }
    lines
}

/// Whether what is put on a side is what it shows, or was agreed on with it.
const fn is_chosen(choice: &Choice, side: Side) -> bool {
    match choice {
        Choice::Salesforce => matches!(side, Side::Salesforce),
        Choice::Automation => matches!(side, Side::Automation),
        _ => matches!(choice, Choice::Base),
    }
}

/// A user has another id in each system.
fn is_owner(words: Words<'_>, link: &Link, subject: Subject) -> bool {
    let Subject::Field(field) = subject else {
        return false;
    };
    let rule = words.policy.mapping.rule(link.kind, field);
    rule.is_some_and(|rule| rule.role == Role::Owner)
}

type Written<'a> = (crate::domain::ids::FieldId, Option<&'a Value>, &'a str);

fn write_line(words: Words<'_>, link: &Link, side: Side, (field, from, to): Written<'_>) -> String {
    words.language.with(
        "preview-write",
        &[
            ("side", &side.to_string()),
            ("record", &record_on(words, link, side)),
            ("field", &words.field_on(link.kind, field, side)),
            ("from", &words.value(from)),
            ("to", to),
        ],
    )
}

fn record_on(words: Words<'_>, link: &Link, side: Side) -> String {
    let record = link.remote(side);
    record.map_or_else(String::new, |record| words.record(record))
}

/// What taking one step of an act back will write; nothing where a side shows another value since.
pub(super) fn undo_lines(words: Words<'_>, link: &Link, step: &UndoStep) -> Vec<String> {
    let field = step.before.field;
    let shown = |side| link.field(field).and_then(|state| state.on(side)).cloned();
    let now = Base {
        salesforce: shown(Side::Salesforce).unwrap_or_default(),
        automation: shown(Side::Automation).unwrap_or_default(),
    };
    if now != step.after {
        let name = words.field(link.kind, field);
        return vec![
            words
                .language
                .with("preview-changed-since", &[("field", &name)]),
        ];
    }
    let before = |state: &FieldState, side| state.on(side).cloned().unwrap_or_default();
    Side::BOTH
        .into_iter()
        .filter(|side| link.state(*side).is_some())
        .filter_map(|side| {
            let (from, to) = (shown(side), before(&step.before, side));
            (from.as_ref() != Some(&to)).then(|| {
                write_line(
                    words,
                    link,
                    side,
                    (field, from.as_ref(), &words.value(Some(&to))),
                )
            })
        })
        .collect()
}
