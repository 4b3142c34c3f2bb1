//! A draft's end: seen whole, saved, redone on what somebody else saved, or forgotten.

use super::{settle, tell};
use crate::console::dialog::{Dialog, Frozen, OnYes};
use crate::console::model::{Model, Overlay, Tab, Tone};
use crate::console::query::Searched;
use crate::console::screens::plugin::{Detail, Key, Shown, changes};
use crate::domain::command::Command;

/// Lines of changes that the dialog repeats; all of them were in the preview.
const CHANGES_MAX: usize = 6;

/// First the preview, from there the dialog.
pub(super) fn offer(model: &mut Model) {
    let Some(drafted) = model.screens.plugin.shown().and_then(Shown::drafted) else {
        tell(model, Tone::Muted, "draft-none");
        return;
    };
    let is_seen = model.screens.plugin.open.as_ref().map(Detail::key) == Some(Key::Draft);
    if !is_seen {
        let wanted = drafted.draft.policy.clone();
        model.screens.plugin.open = Some(Detail::preview(wanted));
        return;
    }
    let refused = drafted.refusals() > 0;
    if model.screens.plugin.shown().is_some_and(Shown::is_outdated) {
        tell(model, Tone::Person, "preview-outdated");
    } else if refused {
        tell(model, Tone::Person, "preview-refused");
    } else if drafted.count() == 0 {
        tell(model, Tone::Person, "draft-none");
    } else {
        ask(model);
    }
}

fn ask(model: &mut Model) {
    let Some(shown) = model.screens.plugin.shown() else {
        return;
    };
    let Some(drafted) = shown.drafted() else {
        return;
    };
    let words = model.shell.words();
    let say = words.language;
    let mut lines = vec![(Tone::Strong, say.count("save-changes", drafted.count()))];
    let foreseen = model
        .screens
        .plugin
        .open
        .as_ref()
        .and_then(Detail::foreseen);
    match foreseen {
        // Samples and calls were in the preview.
        Some(seen) if seen.searched == Searched::All => {
            lines.extend(words.foreseen(seen).into_iter().skip(1));
        }
        _ => lines.push((Tone::Person, say.text("save-not-foreseen").to_owned())),
    }
    for objection in &drafted.against {
        lines.push((Tone::Person, format!("! {}", words.weighed(objection))));
    }
    let changes = changes(words, shown);
    let hidden = changes.len().saturating_sub(CHANGES_MAX) as u64;
    let shown_changes = changes.into_iter().take(CHANGES_MAX);
    lines.extend(shown_changes.map(|line| (Tone::Plain, line)));
    if hidden > 0 {
        lines.push((Tone::Muted, say.count("not-shown-lines", hidden)));
    }
    lines.push((Tone::Muted, say.text("save-can-be-rolled-back").to_owned()));
    let frozen = Frozen {
        command: Command::Configure {
            based_on: drafted.draft.based_on,
            policy: Box::new(drafted.draft.policy.clone()),
            timetable: drafted.draft.timetable,
        },
        looked_at: None,
    };
    let dialog = Dialog::new(say.text("dialog-save").to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// What the dialog froze was made from what is still in force. The preview closes: it was seen.
pub(in crate::console) fn may_send(model: &mut Model, based_on: u32) -> bool {
    let now = model
        .screens
        .plugin
        .shown()
        .map(|shown| shown.plugin.version);
    if now.is_some_and(|now| now != based_on) {
        tell(model, Tone::Person, "preview-outdated");
        return false;
    }
    if model.tab == Tab::Plugin {
        model.screens.plugin.open = None;
    }
    true
}

pub(super) fn redo(model: &mut Model) {
    let is_outdated = model.screens.plugin.shown().is_some_and(Shown::is_outdated);
    if !is_outdated {
        tell(model, Tone::Muted, "redo-not-needed");
        return;
    }
    let Some(left) = model.screens.plugin.shown_mut().and_then(Shown::redo) else {
        return;
    };
    settle(model);
    // What it would do is another thing now.
    if model.screens.plugin.open.as_ref().map(Detail::key) == Some(Key::Draft) {
        let drafted = model.screens.plugin.shown().and_then(Shown::drafted);
        model.screens.plugin.open =
            drafted.map(|drafted| Detail::preview(drafted.draft.policy.clone()));
    }
    let say = &model.shell.language;
    let (tone, told) = if left == 0 {
        (Tone::Strong, say.text("redone").to_owned())
    } else {
        (Tone::Person, say.count("redone-but", left))
    };
    model.shell.toast(tone, told);
}

/// Asked, because nothing brings it back.
pub(super) fn ask_discard(model: &mut Model) {
    if !ask_to_lose(model, "dialog-discard-draft", OnYes::ForgetDraft) {
        tell(model, Tone::Muted, "draft-none");
    }
}

/// Asks before the draft is lost; `false` if there is none.
pub(super) fn ask_to_lose(model: &mut Model, title: &str, on_yes: OnYes) -> bool {
    let Some(drafted) = model.screens.plugin.shown().and_then(Shown::drafted) else {
        return false;
    };
    let say = &model.shell.language;
    let mut lines = vec![
        (Tone::Strong, say.count("discard-draft", drafted.count())),
        (Tone::Muted, say.text("discard-draft-means").to_owned()),
    ];
    if let OnYes::ReplaceDraft(version) = on_yes {
        let text = say.with("replace-draft-with", &[("n", &version.to_string())]);
        lines.push((Tone::Plain, text));
    }
    let dialog = Dialog::question(say.text(title).to_owned(), lines, on_yes);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
    true
}

pub(in crate::console) fn discard(model: &mut Model) {
    if let Some(shown) = model.screens.plugin.shown_mut() {
        shown.discard();
    }
    // What was open may have been part of it.
    model.screens.plugin.open = None;
    settle(model);
    tell(model, Tone::Plain, "draft-discarded");
}
