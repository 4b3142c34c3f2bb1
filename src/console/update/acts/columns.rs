//! Choosing which columns of a list are shown.

use super::tell;
use crate::console::chooser::Chooser;
use crate::console::model::{Model, Overlay, Tone};

pub(in crate::console) fn open(model: &mut Model) {
    if model.screen().list().is_some() {
        model.overlay = Some(Overlay::Columns(Chooser::default()));
    }
}

pub(in crate::console) fn step(model: &mut Model, down: bool) {
    let Some(Overlay::Columns(chooser)) = model.overlay else {
        return;
    };
    let mut chooser = chooser;
    if let Some(list) = model.screen().list() {
        chooser.step(down, list);
    }
    model.overlay = Some(Overlay::Columns(chooser));
}

pub(in crate::console) fn toggle(model: &mut Model) {
    let Some(Overlay::Columns(chooser)) = model.overlay else {
        return;
    };
    let (_, screen) = model.front();
    let is_done = screen.list_mut().is_some_and(|list| chooser.toggle(list));
    if !is_done {
        tell(model, Tone::Muted, "column-stays");
    }
}
