//! What the draft would change, what speaks against it and what it would do to everybody: all that is
//! asked about when it is saved.

use super::shown::Shown;
use crate::console::model::Tone;
use crate::console::query::Foreseen;
use crate::console::screens::lines::{Line, line};
use crate::console::slot::{Slot, Waiting as _};
use crate::console::words::Words;
use crate::domain::setup::{Difference, Set, Setting};

/// That it is not saved, and whether it can be.
pub(super) fn head(words: Words<'_>, shown: &Shown) -> Vec<(Tone, String)> {
    let say = words.language;
    let Some(drafted) = shown.drafted() else {
        return vec![(Tone::Muted, say.text("draft-none").to_owned())];
    };
    let key = if shown.is_outdated() {
        "preview-outdated"
    } else if drafted.refusals() > 0 {
        "preview-refused"
    } else {
        return vec![(Tone::Muted, say.text("preview-not-saved").to_owned())];
    };
    vec![(Tone::Person, say.text(key).to_owned())]
}

pub(super) fn lines(words: Words<'_>, shown: &Shown, foreseen: &Slot<Box<Foreseen>>) -> Vec<Line> {
    let say = words.language;
    let Some(drafted) = shown.drafted() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for objection in &drafted.against {
        let style = if objection.is_refusal() {
            Tone::Person
        } else {
            Tone::Strong
        };
        lines.push(line(style, format!("! {}", words.weighed(objection))));
    }
    lines.extend(left(words, shown));
    if !lines.is_empty() {
        lines.push(line(Tone::Plain, ""));
    }
    lines.push(line(Tone::Muted, say.text("preview-changes")));
    let changes = changes(words, shown).into_iter();
    lines.extend(changes.map(|text| line(Tone::Plain, text)));
    lines.push(line(Tone::Plain, ""));
    lines.push(line(Tone::Muted, say.text("preview-consequences")));
    let told = consequences(words, shown, foreseen).into_iter();
    lines.extend(told.map(|(style, text)| line(style, text)));
    lines
}

/// A line or three for each change.
pub(in crate::console) fn changes(words: Words<'_>, shown: &Shown) -> Vec<String> {
    let Some(drafted) = shown.drafted() else {
        return Vec::new();
    };
    let found = drafted.differences.iter();
    let found = found.flat_map(|found| words.difference(found));
    found
        .chain(words.retimed(drafted.draft.retimed()))
        .collect()
}

/// What was changed by two at once, and is as the other one saved it.
fn left(words: Words<'_>, shown: &Shown) -> Vec<Line> {
    let Some(drafted) = shown.drafted().filter(|drafted| drafted.left.count() > 0) else {
        return Vec::new();
    };
    let title = line(Tone::Person, words.language.text("preview-left"));
    let changes = drafted.left.changes.iter();
    let changes = changes.flat_map(|change| words.difference(change));
    let changes = changes.chain(words.retimed(drafted.left.times));
    let changes = changes.map(|text| line(Tone::Person, format!("  {text}")));
    std::iter::once(title).chain(changes).collect()
}

fn consequences(
    words: Words<'_>,
    shown: &Shown,
    foreseen: &Slot<Box<Foreseen>>,
) -> Vec<(Tone, String)> {
    let say = words.language;
    let mut told = Vec::new();
    let drafted = shown.drafted().into_iter();
    for change in drafted.flat_map(|drafted| &drafted.differences) {
        if let Difference::Setting {
            setting: Setting::Published,
            after: Set::Switch(is_on),
            ..
        } = change
        {
            let key = if *is_on {
                "publish-means"
            } else {
                "unpublish-means"
            };
            told.push((Tone::Strong, say.text(key).to_owned()));
        }
    }
    match (&foreseen.data, foreseen.error()) {
        (_, Some(error)) => {
            let text = say.with("store-error", &[("error", error)]);
            told.push((Tone::Person, text));
        }
        (Some(seen), None) => told.extend(words.foreseen(seen)),
        (None, None) => told.push((Tone::Muted, say.text("loading").to_owned())),
    }
    told
}
