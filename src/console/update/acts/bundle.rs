//! An incident bundle. It is written by whoever may; here it is only asked for.

use crate::console::dialog::{Dialog, OnYes};
use crate::console::model::{Model, Overlay, Tone};
use crate::console::query::Query;
use crate::console::slot::Slot;
use crate::domain::ids::LinkId;

/// Each with what it holds.
const PARTS: [&str; 4] = [
    "bundle-part-settings",
    "bundle-part-status",
    "bundle-part-told",
    "bundle-part-screens",
];

/// With the open contact's part, where one is open. Nothing is written before it was read what is in it.
pub(in crate::console) fn offer(model: &mut Model) {
    let contact = model.looks_at();
    let say = &model.shell.language;
    let mut lines = vec![(Tone::Plain, say.text("bundle-explained").to_owned())];
    lines.extend(PARTS.map(|part| (Tone::Plain, say.text(part).to_owned())));
    if let Some(link) = contact {
        let text = say.with("bundle-part-contact", &[("link", &link.to_string())]);
        lines.push((Tone::Plain, text));
    }
    lines.push((Tone::Muted, say.text("bundle-masked").to_owned()));
    let title = say.text("dialog-bundle").to_owned();
    let dialog = Dialog::question(title, lines, OnYes::Bundle(contact));
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

pub(super) fn make(model: &mut Model, contact: Option<LinkId>, reason: String) {
    let query = Query::Bundle(contact, model.shell.now, reason);
    model.asked.export = Some((Slot::default(), query));
}
