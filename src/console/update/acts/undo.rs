//! Taking the last act back.

use super::tell;
use crate::console::dialog::{Dialog, Frozen};
use crate::console::model::{Model, Overlay, Tone};
use crate::console::preview;
use crate::console::query::UndoPreview;
use crate::console::slot::Slot;
use crate::console::words::{Words, moment};
use crate::domain::command::Command;
use crate::domain::record::Act;

/// What the engine calls an act that took another one back.
const UNDO: &str = "undo";

pub(in crate::console) fn ask_undo(model: &mut Model) {
    model.asked.undo = Some(Slot::default());
}

/// The last act came: a dialog that shows what taking it back writes.
pub(in crate::console) fn offer_undo(model: &mut Model, last: Option<UndoPreview>) {
    if model.overlay.is_some() {
        // Something else was opened meanwhile; it must not be replaced under the operator's hands.
        tell(model, Tone::Person, "answer-dropped");
        return;
    }
    let Some(UndoPreview { act, links, newer }) = last else {
        tell(model, Tone::Person, "nothing-to-undo");
        return;
    };
    let words = model.shell.words();
    let say = words.language;
    let at = moment(act.at);
    let (what, object) = (words.act(&act.act), words.acted_on(&act));
    let gaps = [
        ("act", what),
        ("object", object.as_str()),
        ("by", act.operator.as_str()),
        ("at", at.as_str()),
    ];
    let mut lines = whose(words, &model.shell.instance.operator, &act, &newer);
    lines.push((Tone::Strong, say.with("act-summary", &gaps)));
    // What it writes comes first: it must not be what a small screen leaves out.
    for step in &act.undo {
        let Some((link, name)) = links.iter().find(|(link, _)| link.id == step.link) else {
            continue;
        };
        lines.push((Tone::Plain, words.titled(name, link.id)));
        for line in preview::undo_lines(words, link, step) {
            lines.push((Tone::Strong, format!("→ {line}")));
        }
    }
    let reason = say.with("undo-reason", &[("reason", &act.reason)]);
    lines.push((Tone::Muted, say.text("undo-honest").to_owned()));
    lines.push((Tone::Muted, reason));
    let title = if act.act == UNDO {
        "dialog-redo"
    } else {
        "dialog-undo"
    };
    let title = say.text(title).to_owned();
    let frozen = Frozen {
        command: Command::Undo { act },
        looked_at: None,
    };
    model.overlay = Some(Overlay::Dialog(Box::new(Dialog::new(title, lines, frozen))));
}

/// What whoever presses the key might not expect: it is somebody else's act, or an older one than their
/// last.
fn whose(words: Words<'_>, me: &str, act: &Act, newer: &[Act]) -> Vec<(Tone, String)> {
    let say = words.language;
    let mut lines = Vec::new();
    if act.operator != me {
        let at = format!("{} ({})", moment(act.at), words.relative(act.at));
        let gaps = [("by", act.operator.as_str()), ("at", at.as_str())];
        lines.push((Tone::Person, say.with("undo-of-another", &gaps)));
    }
    if let Some(mine) = newer.iter().find(|newer| newer.operator == me) {
        let (what, object, at) = (words.act(&mine.act), words.acted_on(mine), moment(mine.at));
        let gaps = [
            ("act", what),
            ("object", object.as_str()),
            ("at", at.as_str()),
        ];
        lines.push((Tone::Person, say.with("undo-not-the-newest", &gaps)));
    }
    lines
}
