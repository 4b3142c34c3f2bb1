//! Putting the audit into a file. The file is written by whoever may; here it is only asked for.

use crate::console::keymap::Action;
use crate::console::model::{Model, Tone};
use crate::console::query::{Export, Exported, Format, Older, Query};
use crate::console::slot::Slot;

/// Exactly what the filter shows; without a filter everything there is, older acts included.
pub(in crate::console) fn ask_export(model: &mut Model, action: Action) {
    let format = match action {
        Action::ExportJson => Format::JsonLines,
        _ => Format::Csv,
    };
    let scene = model.scene();
    let audit = &model.audit;
    let runs = match &audit.open {
        Some(open) => Some(vec![open.act.run]),
        None if audit.is_filtered() => {
            Some(audit.rows(scene).into_iter().map(|act| act.run).collect())
        }
        None => None,
    };
    let is_nothing = match &runs {
        Some(runs) => runs.is_empty(),
        None => audit.rows(scene).is_empty(),
    };
    if is_nothing {
        super::tell(model, Tone::Person, "nothing-to-export");
        return;
    }
    let at = model.shell.now;
    let query = Query::ExportActs(Export { format, runs, at });
    model.export = Some((Slot::default(), query));
}

pub(in crate::console) fn say_exported(model: &mut Model, exported: &Exported) {
    let say = &model.shell.language;
    let (tone, text) = match exported {
        Exported::Written { acts, path, older } => {
            let text = format!("{} {path}", say.count("exported", *acts));
            match older {
                Older::Nothing => (Tone::Strong, text),
                Older::NotShown => {
                    let older = say.text("older-not-exported");
                    (Tone::Person, format!("{text} · {older}"))
                }
            }
        }
        Exported::Bundle { path } => (Tone::Strong, say.with("bundled", &[("path", path)])),
        Exported::Failed { path, error } => {
            let gaps = [("path", path.as_str()), ("error", error.as_str())];
            (Tone::Person, say.with("export-failed", &gaps))
        }
    };
    model.shell.toast(tone, text);
}
