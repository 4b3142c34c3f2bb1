//! Changing what is configured. Everything goes into a draft of this console; nothing of it is in force
//! before it is saved.

mod edit;
mod save;

pub(in crate::console) use edit::{
    change, replace, take_boxes, take_picked, take_setting, toggle_box,
};
pub(in crate::console) use save::{discard, may_send};

use super::tell;
use crate::console::keymap::Action;
use crate::console::model::{Model, Tone};
use crate::console::picker::refused;
use crate::console::screens::plugin::{Key, Shown};
use crate::domain::setup::{Draft, Systems, Unfit};

/// What one of this screen's own actions does.
pub(in crate::console) fn run(model: &mut Model, action: Action) {
    if model.screens.plugin.shown().is_none() {
        tell(model, Tone::Muted, "loading");
        return;
    }
    match action {
        Action::Change => change(model),
        Action::TurnArrow => edit::turn(model),
        Action::AddPair => edit::add(model),
        Action::RemovePair => edit::remove(model),
        Action::Publish => edit::publish(model),
        Action::RollBack => edit::roll_back(model),
        Action::RedoDraft => save::redo(model),
        Action::DiscardDraft => save::ask_discard(model),
        _ => save::offer(model),
    }
}

/// Changes the draft, or says why that cannot be.
fn draft<T>(
    model: &mut Model,
    change: impl FnOnce(&mut Draft, Systems<'_>) -> Result<T, Unfit>,
) -> Option<T> {
    match model.screens.plugin.shown_mut()?.edit(change) {
        Ok(done) => {
            settle(model);
            Some(done)
        }
        Err(unfit) => {
            let told = refused(model.shell.words(), unfit);
            model.shell.toast(Tone::Person, told);
            None
        }
    }
}

/// The same where nothing can be unfit.
fn put(model: &mut Model, change: impl FnOnce(&mut Draft)) {
    if let Some(shown) = model.screens.plugin.shown_mut() {
        shown.put(change);
        settle(model);
    }
}

/// Lines came or went: what was chosen stays chosen.
fn settle(model: &mut Model) {
    model.screens.plugin.own.has_drafted = true;
    let mut list = std::mem::take(&mut model.screens.plugin);
    list.settle(model.scene());
    model.screens.plugin = list;
}

/// What a key acts on, or a word that nothing is chosen.
fn acted_on(model: &mut Model) -> Option<Key> {
    let key = model.screens.plugin.acted_on();
    if key.is_none() {
        tell(model, Tone::Muted, "choose-first");
    }
    key
}

/// What speaks against a line stands beside it; here is said that it is not saved.
fn say_drafted(model: &mut Model) {
    let drafted = model.screens.plugin.shown().and_then(Shown::drafted);
    let key = match drafted {
        Some(_) => "draft-so-far",
        None => "draft-as-before",
    };
    tell(model, Tone::Plain, key);
}
