//! One choice for many contacts: asked for, tried out, shown in three groups, then decided as one act.

use std::collections::BTreeMap;

use super::{SAMPLES_MAX, offer as offer_dialog, tell};
use crate::console::model::{Bulk, Model, Reach, Tone};
use crate::console::preview;
use crate::console::slot::Slot;
use crate::console::words::Words;
use crate::domain::command::Command;
use crate::domain::conflict::{Choice, Resolution};
use crate::domain::ids::Side;
use crate::domain::link::Link;

/// Records read again, and written, by one call of Salesforce.
const READ_BY_CALL: u64 = 4_000;
const WRITTEN_BY_CALL: u64 = 1_000;

/// Salesforce's calls for so many of its records.
pub(super) const fn calls(written: u64) -> u64 {
    written.div_ceil(READ_BY_CALL) + written.div_ceil(WRITTEN_BY_CALL)
}

/// Asks for the marked contacts, or those that the filter shows, as they are now.
pub(in crate::console) fn ask(model: &mut Model, choice: Choice) {
    let (links, reach) = model.screens.conflicts.many(model.scene());
    if links.is_empty() {
        return tell(model, Tone::Person, "nothing-chosen-here");
    }
    model.asked.bulk = Some(Bulk {
        choice,
        links,
        reach,
        slot: Slot::default(),
    });
}

/// What the choice would do to each contact.
#[derive(Default)]
struct Trial {
    resolutions: Vec<Resolution>,
    changed: Vec<String>,
    unchanged: u64,
    /// Contacts none of whose conflicts takes the choice, by what their conflict is about.
    refused: BTreeMap<String, u64>,
    writes: [u64; 2],
    is_undoable: bool,
}

fn trial(words: Words<'_>, links: &[(Link, String)], choice: &Choice) -> Trial {
    let mut trial = Trial {
        is_undoable: !matches!(choice, Choice::KeepBoth | Choice::OptOut | Choice::Retry),
        ..Trial::default()
    };
    for (link, name) in links {
        let fitting = link.conflicts.iter();
        let in_vain = |conflict| preview::in_vain(link, conflict, choice);
        let fitting = fitting.filter(|conflict| {
            preview::fits(link, conflict, choice) && in_vain(conflict).is_none()
        });
        let subjects: Vec<_> = fitting.map(|conflict| conflict.subject).collect();
        if subjects.is_empty() {
            let about = link.conflicts.first().map_or_else(
                || words.language.text("bulk-decided").to_owned(),
                |conflict| {
                    let about = words.subject(link.kind, conflict.subject);
                    match in_vain(conflict) {
                        Some(again) => again.told_of(words, &about),
                        None => about,
                    }
                },
            );
            *trial.refused.entry(about).or_default() += 1;
            continue;
        }
        let sides = subjects
            .iter()
            .flat_map(|subject| preview::written_sides(link, *subject, choice));
        let mut writes = [0; 2];
        for side in sides {
            writes[side as usize] = 1;
        }
        if writes == [0; 2] {
            trial.unchanged += 1;
        } else {
            trial.changed.push(words.titled(name, link.id));
        }
        for side in Side::BOTH {
            trial.writes[side as usize] += writes[side as usize];
        }
        trial.resolutions.push(Resolution {
            link: link.id,
            generation: link.generation,
            choices: subjects.into_iter().map(|s| (s, choice.clone())).collect(),
        });
    }
    trial
}

/// The contacts came: a dialog with what changes, what does not, and what is refused.
pub(in crate::console) fn offer(model: &mut Model, bulk: &Bulk, links: &[(Link, String)]) {
    if model.overlay.is_some() {
        // Something else was opened meanwhile; it must not be replaced under the operator's hands.
        return tell(model, Tone::Person, "answer-dropped");
    }
    let words = model.shell.words();
    let mut trial = trial(words, links, &bulk.choice);
    let gone = bulk.links.len().saturating_sub(links.len()) as u64;
    if gone > 0 {
        let about = words.language.text("bulk-decided").to_owned();
        *trial.refused.entry(about).or_default() += gone;
    }
    if trial.resolutions.is_empty() {
        return tell(model, Tone::Person, "bulk-fits-nobody");
    }
    let lines = lines(words, bulk, &trial);
    let command = Command::Resolve(trial.resolutions);
    offer_dialog(model, "dialog-bulk", lines, command);
}

fn lines(words: Words<'_>, bulk: &Bulk, trial: &Trial) -> Vec<(Tone, String)> {
    let say = words.language;
    let choice = words.choice(&bulk.choice);
    let (reach, key, besides) = match bulk.reach {
        Reach::Marked { hidden } => ("bulk-marked", "bulk-hidden", hidden),
        Reach::Shown { more } => ("bulk-shown", "not-in-list", more),
    };
    let reach = say.count(reach, bulk.links.len() as u64);
    let mut lines = vec![(Tone::Strong, say.labelled(&choice, &reach))];
    if besides > 0 {
        lines.push((Tone::Person, say.count(key, besides)));
    }
    let changed = say.count("bulk-changed", trial.changed.len() as u64);
    let writes: Vec<String> = Side::BOTH
        .into_iter()
        .map(|side| format!("{side} {}", say.number(trial.writes[side as usize])))
        .collect();
    lines.push((Tone::Plain, format!("{changed} ({})", writes.join(", "))));
    if trial.unchanged > 0 {
        lines.push((Tone::Plain, say.count("bulk-unchanged", trial.unchanged)));
    }
    if !trial.refused.is_empty() {
        let count = trial.refused.values().sum();
        let about: Vec<String> = trial
            .refused
            .iter()
            .map(|(about, count)| format!("{about} {}", say.number(*count)))
            .collect();
        let refused = say.count("bulk-refused", count);
        lines.push((Tone::Person, format!("{refused} {}", about.join(", "))));
    }
    let written = trial.writes[Side::Salesforce as usize];
    lines.push((Tone::Muted, say.count("bulk-calls", calls(written))));
    let (tone, undo) = if trial.is_undoable {
        (Tone::Muted, "bulk-undo")
    } else {
        (Tone::Person, "cannot-be-undone")
    };
    lines.push((tone, say.text(undo).to_owned()));
    let samples = trial.changed.iter().take(SAMPLES_MAX);
    lines.extend(samples.map(|name| (Tone::Muted, format!("  {name}"))));
    if let Some(more) = trial
        .changed
        .len()
        .checked_sub(SAMPLES_MAX)
        .filter(|n| *n > 0)
    {
        lines.push((Tone::Muted, say.count("not-shown-lines", more as u64)));
    }
    lines
}
