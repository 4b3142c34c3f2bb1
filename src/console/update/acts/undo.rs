//! Taking the last act back.

use super::tell;
use crate::console::dialog::{Dialog, Frozen};
use crate::console::model::{Model, Overlay, Tone};
use crate::console::preview;
use crate::console::query::UndoPreview;
use crate::console::slot::Slot;
use crate::console::words::moment;
use crate::domain::command::Command;

pub(in crate::console) fn ask_undo(model: &mut Model) {
    model.undo = Some(Slot::default());
}

/// The last act came: a dialog that shows what taking it back writes.
pub(in crate::console) fn offer_undo(model: &mut Model, last: Option<UndoPreview>) {
    if model.overlay.is_some() {
        // Something else was opened meanwhile; it must not be replaced under the operator's hands.
        return;
    }
    let Some(UndoPreview { act, links }) = last else {
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
    let mut lines = vec![
        (Tone::Strong, say.with("act-summary", &gaps)),
        (
            Tone::Muted,
            say.with("undo-reason", &[("reason", &act.reason)]),
        ),
    ];
    for step in &act.undo {
        let Some((link, name)) = links.iter().find(|(link, _)| link.id == step.link) else {
            continue;
        };
        lines.push((Tone::Plain, words.titled(name, link.id)));
        for line in preview::undo_lines(words, link, step) {
            lines.push((Tone::Strong, format!("→ {line}")));
        }
    }
    lines.push((Tone::Muted, say.text("undo-honest").to_owned()));
    let title = say.text("dialog-undo").to_owned();
    let frozen = Frozen {
        command: Command::Undo { act },
        looked_at: None,
    };
    model.overlay = Some(Overlay::Dialog(Box::new(Dialog::new(title, lines, frozen))));
}
