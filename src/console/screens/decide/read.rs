//! One contact's conflicts as texts: each with what was chosen, then all about the one pointed at.

use super::{Decide, joined, on_its_way, settled};
use crate::console::linear::{ReadRow, Reading};
use crate::console::preview;
use crate::console::query::Person;
use crate::console::screens::listing::written;
use crate::console::words::{Words, moment};
use crate::domain::conflict::{Choice, Conflict, Subject};
use crate::domain::ids::{FieldId, Side};
use crate::domain::link::Link;

impl Decide {
    pub(super) fn read_whole(&self, words: Words<'_>) -> Reading {
        let Some(person) = self.person() else {
            return Reading::without(words, self.slot.data.is_some());
        };
        let link = &person.link;
        if link.conflicts.is_empty() {
            let told = words.language.text(settled(link)).to_owned();
            let pending = link.pending.iter();
            let pending = pending.map(|pending| on_its_way(words, link.kind, pending));
            let decided = self.decided(words, link).into_iter();
            let decided = decided.map(|(subject, shown)| {
                let sides = Side::BOTH.iter().zip(shown);
                let sides = sides.map(|(side, value)| words.labelled(&side.to_string(), &value));
                let sides: Vec<String> = sides.collect();
                words.labelled(&subject, &sides.join(words.language.text("separator")))
            });
            return Reading::of(std::iter::once(told).chain(pending).chain(decided));
        }
        let rows = link.conflicts.iter().map(|conflict| {
            let subject = words.subject(link.kind, conflict.subject);
            let choice = self.choices.get(&conflict.subject).map_or_else(
                || words.language.text("undecided").to_owned(),
                |choice| words.choice(choice),
            );
            ReadRow {
                key: written(conflict.subject),
                text: words.labelled(&subject, &choice),
            }
        });
        let chosen = self.selection.key();
        let conflict = self.conflict();
        Reading {
            rows: rows.collect(),
            chosen: self.subjects().iter().position(|s| Some(*s) == chosen),
            foot: conflict.map_or_else(Vec::new, |conflict| self.about(words, person, conflict)),
            ..Reading::default()
        }
    }

    fn about(&self, words: Words<'_>, person: &Person, conflict: &Conflict) -> Vec<String> {
        let link = &person.link;
        let held = words.language.text("held-because");
        let mut told = vec![format!("{held} {}", words.cause(conflict))];
        match conflict.subject {
            Subject::Field(field) => {
                told.extend(values(words, link, field));
                let steps = person.why.get(&field).map_or(&[][..], Vec::as_slice);
                let steps: Vec<String> = steps.iter().map(|step| words.step(*step)).collect();
                if !steps.is_empty() {
                    let why = words.language.text("linear-why");
                    told.push(words.labelled(why, &steps.join(words.language.text("separator"))));
                }
            }
            Subject::Consent => told.extend(consent(words, link)),
            _ => told.extend(records(words, link)),
        }
        told.extend(words.pairing(conflict));
        for choice in [Choice::Salesforce, Choice::Automation, Choice::Base] {
            if let Some(again) = preview::in_vain(link, conflict, &choice) {
                told.push(words.labelled(&words.choice(&choice), &again.told(words)));
            }
        }
        if let Some(choice) = self.choices.get(&conflict.subject) {
            let writes = words.language.text("linear-writes");
            let lines = preview::lines(words, link, conflict.subject, choice);
            told.extend(lines.iter().map(|line| words.labelled(writes, line)));
        }
        told
    }
}

/// Base, Salesforce, Automation: the value, since when, and who edited the record last.
fn values(words: Words<'_>, link: &Link, field: FieldId) -> Vec<String> {
    let say = words.language;
    let Some(state) = link.field(field) else {
        return Vec::new();
    };
    let base = match &state.base {
        Some(base) => words.value(Some(&base.salesforce)),
        None => say.text("never-agreed").to_owned(),
    };
    let sides = Side::BOTH.map(|side| {
        let value = words.value(state.on(side));
        let when = joined(
            words,
            [
                words.edited(state.edited(side)),
                words.last_edit(link, side),
            ],
        );
        words.labelled(&side.to_string(), &joined(words, [value, when]))
    });
    let base = words.labelled(say.text("base"), &base);
    std::iter::once(base).chain(sides).collect()
}

fn consent(words: Words<'_>, link: &Link) -> Vec<String> {
    let say = words.language;
    let agreed = words.labelled(say.text("base"), words.consent(link.consent.agreed));
    let sides = Side::BOTH.map(|side| {
        let view = link.consent.on(side);
        let value = words.consent(view.map(|view| view.value)).to_owned();
        let since = view.map_or_else(String::new, |view| {
            say.with("seen-since", &[("at", &moment(view.since))])
        });
        words.labelled(&side.to_string(), &joined(words, [value, since]))
    });
    std::iter::once(agreed).chain(sides).collect()
}

fn records(words: Words<'_>, link: &Link) -> Vec<String> {
    let told = Side::BOTH.map(|side| {
        let state = link.state(side).map_or_else(
            || words.language.text("no-record").to_owned(),
            |state| joined(words, [words.row_state(state), words.last_edit(link, side)]),
        );
        words.labelled(&side.to_string(), &state)
    });
    told.into()
}
