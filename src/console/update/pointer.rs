//! The mouse: a click chooses a tab or a row, the wheel moves. It never confirms anything.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{acts, go, is_dialog, keys};
use crate::console::keymap::Action;
use crate::console::list::Step;
use crate::console::model::{Model, Overlay};
use crate::console::msg::Effect;
use crate::console::papers;
use crate::console::screens::page_height;
use crate::console::view::{BODY_TOP, tab_at};

pub(super) fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if model.is_hidden() || is_dialog(model.overlay.as_ref()) {
        return Vec::new();
    }
    match event.kind {
        MouseEventKind::ScrollDown => wheel(model, true),
        MouseEventKind::ScrollUp => wheel(model, false),
        MouseEventKind::Down(MouseButton::Left) => click(model, event.column, event.row),
        _ => {}
    }
    Vec::new()
}

fn wheel(model: &mut Model, down: bool) {
    match &mut model.overlay {
        Some(Overlay::Finder(finder)) => finder.step(down),
        Some(Overlay::Columns(_)) => acts::columns::step(model, down),
        Some(Overlay::Boxes(boxes)) => boxes.step(down),
        Some(Overlay::Picker(picker)) => picker.step(down),
        Some(Overlay::Papers(_)) => {
            let action = if down { Action::Down } else { Action::Up };
            papers::run(model, action);
        }
        Some(_) => {}
        None => keys::step(model, if down { Step::Down } else { Step::Up }),
    }
}

fn click(model: &mut Model, column: u16, row: u16) {
    if model.overlay.is_some() {
        return;
    }
    if row == 0 {
        if let Some(tab) = tab_at(model, column) {
            go(model, tab);
        }
        return;
    }
    // The first line of a list's body names its columns.
    let body = model.shell.body_height();
    let Some(line) = row.checked_sub(BODY_TOP + 1).map(usize::from) else {
        return;
    };
    if line < page_height(body) {
        let (scene, screen) = model.front();
        screen.click(scene, line, body);
    }
}
