//! Who lets us in, by lines: the same acts, and the texts that they ask for.

use super::{Model, misused};
use crate::console::access::{Stage, is_way_out};
use crate::console::keymap::Action;
use crate::console::linear::{Outcome, Show};
use crate::console::model::Tone;
use crate::console::msg::Effect;
use crate::console::update::{acts, keys};
use crate::domain::ids::Side;

/// What can be named here besides the actions.
fn side(name: &str) -> Option<Side> {
    let mut sides = Side::BOTH.into_iter();
    sides.find(|side| side.to_string().eq_ignore_ascii_case(name))
}

/// `authorize`, or `authorize salesforce`.
pub(super) fn open(model: &mut Model, wanted: &str) -> Vec<Effect> {
    let side = side(wanted);
    if side.is_none() && !wanted.is_empty() {
        let gaps = [("name", "authorize"), ("known", "salesforce, automation")];
        misused(model, "linear-settings", &gaps);
        return Vec::new();
    }
    acts::access::open(model, side);
    model.show(Show::Nothing);
    Vec::new()
}

pub(super) fn line(model: &mut Model, line: &str) -> Vec<Effect> {
    model.show(Show::Nothing);
    let stage = model.access.attempt.as_ref().map(|attempt| &attempt.stage);
    match stage {
        // No line is one, where there is another or need be none.
        Some(Stage::Secret { .. }) if line.trim() != "cancel" => secret(model, line),
        Some(Stage::AtBrowser { .. }) if !is_way_out(line) => text(model, line),
        _ if is_way_out(line) => leave(model),
        Some(Stage::Ended(_) | Stage::Unanswered(_)) => {
            model.access.attempt = None;
            act(model, line.trim())
        }
        Some(_) => {
            misused(model, "access-busy", &[]);
            Vec::new()
        }
        None => act(model, line.trim()),
    }
}

/// Back to where one was before any of this: there is nothing to look at between.
fn leave(model: &mut Model) -> Vec<Effect> {
    let effects = acts::access::cancel(model);
    if model.access.is_over() {
        model.access.attempt = None;
        model.overlay = None;
    }
    effects
}

fn act(model: &mut Model, name: &str) -> Vec<Effect> {
    if let Some(side) = side(name) {
        acts::access::open(model, Some(side));
        return Vec::new();
    }
    let action = match name {
        "check" => Some(Action::CheckAccess),
        name => Action::named(name),
    };
    let Some(action @ (Action::CheckAccess | Action::LogIn | Action::Revoke)) = action else {
        misused(model, "linear-unknown", &[("word", name)]);
        return Vec::new();
    };
    if model.shell.instance.role < action.needed() {
        model.end_as(Outcome::Denied);
    }
    keys::run(model, action)
}

/// On a terminal that shows what is typed, no secret is taken.
fn secret(model: &mut Model, line: &str) -> Vec<Effect> {
    let is_seen = model.linear.as_ref().is_some_and(|linear| linear.is_seen());
    if is_seen && !line.trim().is_empty() {
        model.access.attempt = None;
        let said = model.shell.language.text("login-secret-shown").to_owned();
        model.shell.toast(Tone::Person, said);
        return Vec::new();
    }
    text(model, line)
}

fn text(model: &mut Model, line: &str) -> Vec<Effect> {
    if let Some(field) = model.access.begin_text() {
        field.paste(line);
    }
    acts::access::accept(model)
}
