//! An incident bundle. It is written by whoever may; here it is only asked for.

use crate::console::model::Model;
use crate::console::query::Query;
use crate::console::slot::Slot;

/// With the open contact's part, where one is open.
pub(in crate::console) fn ask(model: &mut Model) {
    let contact = model.looks_at();
    let query = Query::Bundle(contact, model.shell.now);
    model.asked.export = Some((Slot::default(), query));
}
