//! Putting the audit into a file. The file is written by whoever may; here it is only asked for.

use crate::console::dialog::{Dialog, OnYes};
use crate::console::keymap::Action;
use crate::console::model::{Model, Overlay, Tone};
use crate::console::query::{Export, Exported, Format, Query, Wanted};
use crate::console::slot::Slot;

/// Exactly what the filter keeps, of all there is: acts that are too old to be shown too.
pub(in crate::console) fn ask_export(model: &mut Model, action: Action) {
    let format = match action {
        Action::ExportJson => Format::JsonLines,
        _ => Format::Csv,
    };
    let scene = model.scene();
    let audit = &model.screens.audit;
    let wanted = match audit.act() {
        Some(open) => Wanted::One(open.act.run),
        None => audit.wanted(scene.words),
    };
    let is_nothing = audit.open.is_none() && audit.rows(scene).is_empty();
    // With older ones behind, what is shown does not tell what the filter keeps.
    if is_nothing && !audit.has_older() {
        super::tell(model, Tone::Person, "nothing-to-export");
        return;
    }
    let say = &model.shell.language;
    let (title, text) = (say.text("dialog-export"), say.text("export-explained"));
    let lines = vec![(Tone::Person, text.to_owned())];
    let at = model.shell.now;
    let on_yes = OnYes::Export(Export { format, wanted, at });
    let dialog = Dialog::question(title.to_owned(), lines, on_yes);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// The file has the name of the moment at which it is written.
pub(super) fn export(model: &mut Model, export: Export, reason: String) {
    let at = model.shell.now;
    let query = Query::ExportActs(Export { at, ..export }, reason);
    model.asked.export = Some((Slot::default(), query));
}

pub(in crate::console) fn say_exported(model: &mut Model, exported: &Exported) {
    let say = &model.shell.language;
    let (tone, text) = match exported {
        Exported::Written { acts, path } => {
            let text = format!("{} {path}", say.count("exported", *acts));
            (Tone::Strong, text)
        }
        Exported::Bundle { path } => (Tone::Strong, say.with("bundled", &[("path", path)])),
        Exported::Failed { path, error } => {
            let gaps = [("path", path.as_str()), ("error", error.as_str())];
            (Tone::Person, say.with("export-failed", &gaps))
        }
    };
    model.shell.toast(tone, text);
}
