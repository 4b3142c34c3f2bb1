//! A typed line: the name of an action, a row by its number, or the answer to what is asked. It does
//! what a key would do, by the same way.

mod access;

use super::{acts, keys};
use crate::console::keymap::{ACTIONS, Action, Sequence, distance};
use crate::console::language::Tongue;
use crate::console::linear::{self, Outcome, Phase, Show};
use crate::console::model::{Model, Overlay, Tab, Tone};
use crate::console::msg::Effect;
use crate::console::theme::Shade;

/// A longer line is no command, and longer than any text that is taken.
const LINE_MAX: usize = 4_000;

/// Words that are no actions: rows are chosen and the sync is awaited without keys of their own.
const CHOOSE: &str = "choose";
const WAIT: &str = "wait";

pub(super) fn on_typed(model: &mut Model, line: &str) -> Vec<Effect> {
    if model.linear.is_none() {
        model.speak_lines(None);
    }
    model.show(Show::Changes);
    if let Some(linear) = &mut model.linear {
        linear.spoke = false;
    }
    let line = line.trim_end_matches(['\r', '\n']);
    if line.len() > LINE_MAX {
        misused(model, "linear-too-long", &[]);
        return Vec::new();
    }
    let is_dialog = matches!(model.overlay, Some(Overlay::Dialog(_)));
    let effects = match &model.overlay {
        Some(Overlay::Dialog(_)) => answer(model, line.trim()),
        Some(Overlay::Columns(_)) => column(model, line.trim()),
        Some(Overlay::Access) => access::line(model, line),
        Some(Overlay::Boxes(_)) => boxed(model, line.trim()),
        Some(Overlay::Picker(_)) => picked(model, line.trim()),
        Some(_) => text(model, line),
        None => word(model, line.trim()),
    };
    let is_refused = model
        .shell
        .toast
        .as_ref()
        .is_some_and(|toast| toast.tone == Tone::Person);
    if is_refused && model.outcome() == Outcome::Done {
        model.end_as(Outcome::Failed);
    }
    // What was only asked changes nothing in sight.
    if is_dialog && model.overlay.is_some() {
        model.show(Show::Nothing);
    }
    let is_free = model
        .linear
        .as_ref()
        .is_some_and(|l| l.phase == Phase::Ready);
    if is_free {
        model.begin_looking();
    }
    effects
}

/// One command.
fn word(model: &mut Model, line: &str) -> Vec<Effect> {
    // So that a script may explain itself.
    if line.is_empty() || line.starts_with('#') {
        model.show(Show::Nothing);
        return Vec::new();
    }
    if let Some(wanted) = line.strip_prefix('/') {
        return act(model, Action::Filter, wanted.trim());
    }
    let line = line.strip_prefix(':').unwrap_or(line).trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match named(model, name) {
        Some(Action::Authorize) => return access::open(model, rest),
        Some(action) => return act(model, action, rest),
        None => {}
    }
    match (name, rest) {
        (CHOOSE, number) => {
            if row(model, number) {
                model.show(Show::Chosen);
            }
            Vec::new()
        }
        (WAIT, "") => {
            if let Some(linear) = &mut model.linear {
                linear.phase = Phase::Resting;
            }
            Vec::new()
        }
        ("lang" | "theme", setting) => {
            set(model, name, setting);
            Vec::new()
        }
        _ => other(model, line),
    }
}

/// By its name; a screen's also without `go-`, or as the language calls it.
fn named(model: &Model, name: &str) -> Option<Action> {
    let say = &model.shell.language;
    let is_tab = |tab: &&Tab| say.text(tab.title()).to_lowercase() == name.to_lowercase();
    let go = |name: &str| Action::named(&format!("go-{name}"));
    let tab = Tab::ALL.iter().find(is_tab);
    Action::named(name)
        .or_else(|| go(name))
        .or_else(|| go(tab?.title().strip_prefix("tab-")?))
}

/// A key that counts here, as it would be pressed; a row by its number; else nothing that is known.
fn other(model: &mut Model, line: &str) -> Vec<Effect> {
    if let Some(sequence) = Sequence::parse(line) {
        let keymap = &model.shell.keymap;
        let contexts = model.screen_contexts();
        let mut found = contexts
            .iter()
            .filter_map(|c| keymap.action(*c, &sequence.0));
        if let Some(action) = found.next() {
            return act(model, action, "");
        }
    }
    if line.parse::<usize>().is_ok() {
        return act(model, Action::Open, line);
    }
    let names = ACTIONS.iter().map(|entry| entry.name);
    let tabs = names.clone().filter_map(|name| name.strip_prefix("go-"));
    let known = names.chain(tabs).chain([CHOOSE, WAIT, "lang", "theme"]);
    let typed = line.split_whitespace().next().unwrap_or_default();
    let near = known.map(|name| (distance(typed, name), name)).min();
    let near = near.filter(|(distance, name)| *distance <= 1 + name.len() / 4);
    match near {
        Some((_, name)) => misused(
            model,
            "linear-unknown-near",
            &[("word", typed), ("near", name)],
        ),
        None => misused(model, "linear-unknown", &[("word", typed)]),
    }
    Vec::new()
}

/// What an action takes besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// The number of a row, which is chosen first.
    Row,
    /// The text that it would ask for.
    Text,
    RowAndText,
}

const fn takes(action: Action) -> Takes {
    match action {
        Action::Filter
        | Action::Search
        | Action::Backfill
        | Action::TypeValue
        | Action::AddPair => Takes::Text,
        Action::SetAside => Takes::RowAndText,
        Action::Open
        | Action::OpenContact
        | Action::Copy
        | Action::PauseQueue
        | Action::Retry
        | Action::RetryCause
        | Action::Discard
        | Action::Mark
        | Action::TakeSalesforce
        | Action::TakeAutomation
        | Action::TakeBase
        | Action::KeepBoth
        | Action::OptOut
        | Action::OptIn
        | Action::TryAgain
        | Action::ClearChoice
        | Action::ReadAgain
        | Action::TakeBack
        | Action::Change
        | Action::TurnArrow
        | Action::RemovePair
        | Action::RollBack => Takes::Row,
        _ => Takes::Nothing,
    }
}

fn act(model: &mut Model, action: Action, rest: &str) -> Vec<Effect> {
    let entry = action.entry();
    let contexts = model.screen_contexts();
    if !entry
        .contexts
        .iter()
        .any(|context| contexts.contains(context))
    {
        let places = linear::places(model, entry.contexts);
        let gaps = [("name", entry.name), ("places", places.as_str())];
        let key = if places.is_empty() {
            "linear-only-asked"
        } else {
            "linear-not-here"
        };
        misused(model, key, &gaps);
        return Vec::new();
    }
    let (number, wanted) = match takes(action) {
        _ if rest.is_empty() => ("", ""),
        Takes::Text => ("", rest),
        Takes::Row => (rest, ""),
        Takes::RowAndText => match rest.split_once(char::is_whitespace) {
            Some((number, wanted)) => (number, wanted.trim()),
            None if rest.parse::<usize>().is_ok() => (rest, ""),
            None => ("", rest),
        },
        Takes::Nothing => {
            misused(model, "linear-takes-nothing", &[("name", entry.name)]);
            return Vec::new();
        }
    };
    if !number.is_empty() && !row(model, number) {
        return Vec::new();
    }
    if model.shell.instance.role < action.needed() {
        model.end_as(Outcome::Denied);
    }
    let effects = perform(model, action);
    if !wanted.is_empty() && matches!(model.overlay, Some(Overlay::Picker(_))) {
        return picked(model, wanted);
    }
    if !wanted.is_empty() && is_asking(model) {
        return text(model, wanted);
    }
    effects
}

/// By the way that its key would go, but for what only a painted screen can show.
fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help | Action::Palette => {
            linear::help(model);
            model.show(Show::Nothing);
            return Vec::new();
        }
        // There is no clipboard: it is said.
        Action::Copy => {
            let text = model.screen().copied(model.scene()).unwrap_or_default();
            for line in text.lines() {
                model.say(line);
            }
            if text.is_empty() {
                linear::nothing(model);
            }
            model.show(Show::Nothing);
            return Vec::new();
        }
        _ => {}
    }
    let before = model.tab;
    let effects = keys::run(model, action);
    if keys::movement(action).is_some() {
        model.show(Show::Chosen);
    } else if keys::choice(action).is_some() || matches!(action, Action::Mark | Action::MarkAll) {
        // Decided on what was said; nothing is asked anew under it.
    } else {
        let is_whole = action == Action::Refresh
            || (before == model.tab && keys::destination(action).is_some());
        if is_whole {
            model.show(Show::Whole);
        }
        model.look_anew();
    }
    effects
}

/// Chooses a row by the number that it was said with; says so if it is gone.
fn row(model: &mut Model, number: &str) -> bool {
    let number = number.trim_end_matches('.');
    let key = number.parse().ok().and_then(|number| {
        let linear = model.linear.as_ref()?;
        linear.said_key(number)
    });
    let Some(key) = key else {
        misused(model, "linear-no-row", &[("n", number)]);
        return false;
    };
    let (scene, screen) = model.front();
    if screen.choose(scene, &key) {
        return true;
    }
    let text = model
        .shell
        .language
        .with("linear-row-gone", &[("n", number)]);
    linear::tone(model, Tone::Person, &text);
    model.end_as(Outcome::Failed);
    model.show(Show::Nothing);
    false
}

fn set(model: &mut Model, name: &str, setting: &str) {
    let shades = [
        ("dark", Shade::Dark),
        ("light", Shade::Light),
        ("contrast", Shade::Contrast),
    ];
    let shade = shades.into_iter().find(|(shade, _)| *shade == setting);
    match (name, Tongue::named(setting), shade) {
        ("lang", Some(tongue), _) => {
            model.shell.language.tongue = tongue;
            model.show(Show::Whole);
        }
        ("theme", _, Some((_, shade))) => {
            model.shell.theme.shade = shade;
            let text = model.shell.language.text("linear-theme").to_owned();
            linear::tone(model, Tone::Plain, &text);
            model.show(Show::Nothing);
        }
        _ => {
            let known = match name {
                "lang" => "fr, en",
                _ => "dark, light, contrast",
            };
            misused(
                model,
                "linear-settings",
                &[("name", name), ("known", known)],
            );
        }
    }
}

/// Whether a text is asked for.
fn is_asking(model: &Model) -> bool {
    model.overlay.as_ref().and_then(Overlay::prompt).is_some()
}

/// The text that is asked for. An empty line is none.
fn text(model: &mut Model, line: &str) -> Vec<Effect> {
    if line.trim().is_empty() {
        let is_new = model.tab == Tab::Contacts && model.screens.contacts.own.wanted.is_none();
        keys::cancel(model);
        if is_new {
            model.show(Show::Whole);
        }
        model.look_anew();
        return Vec::new();
    }
    let blank = model.shell.language.text("linear-blank");
    let is_blank = matches!(line.trim(), "blank") || line.trim() == blank;
    let takes_blank = model.overlay.as_ref().is_some_and(Overlay::takes_blank);
    if let Some(prompt) = model.overlay.as_mut().and_then(Overlay::prompt_mut)
        && !prompt
            .field
            .replace(if is_blank && takes_blank { "" } else { line })
    {
        too_long(model);
        return Vec::new();
    }
    keys::typed(model);
    let effects = keys::accept(model);
    if is_asking(model) {
        model.end_as(Outcome::Misused);
        model.show(Show::Nothing);
    }
    model.look_anew();
    effects
}

/// A dialog asks for the reason, then for the word or a yes. Anything else writes nothing.
fn answer(model: &mut Model, line: &str) -> Vec<Effect> {
    let say = &model.shell.language;
    let is_yes = line == "yes" || line == say.text("linear-yes");
    let Some(Overlay::Dialog(dialog)) = &mut model.overlay else {
        return Vec::new();
    };
    if line == "?" {
        return Vec::new();
    }
    if line.is_empty() || line == "cancel" {
        keys::cancel(model);
        return Vec::new();
    }
    if !dialog.has_reason() {
        if !dialog.give_reason(line) {
            too_long(model);
        }
        return Vec::new();
    }
    if !dialog.give_word(line, is_yes) {
        keys::cancel(model);
        model.end_as(Outcome::Failed);
        return Vec::new();
    }
    let effects = keys::press(model);
    // What the dialog was opened on is not as it was.
    if effects.is_empty() {
        model.end_as(Outcome::Failed);
    }
    effects
}

/// A column by its number is hidden, or shown again.
fn column(model: &mut Model, line: &str) -> Vec<Effect> {
    let number = line.strip_prefix("toggle-column").unwrap_or(line).trim();
    if matches!(number, "" | "cancel" | "back") {
        keys::cancel(model);
        model.show(Show::Whole);
        return Vec::new();
    }
    let count = model
        .screen()
        .list()
        .map_or(0, |list| list.table().columns.len());
    let index = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    match (index.filter(|index| *index < count), &mut model.overlay) {
        (Some(index), Some(Overlay::Columns(chooser))) => {
            chooser.choose(index);
            acts::columns::toggle(model);
            model.show(Show::Nothing);
        }
        _ => misused(model, "linear-no-row", &[("n", number)]),
    }
    Vec::new()
}

/// A box by its number is ticked, or not any more; a word takes them as they are.
fn boxed(model: &mut Model, line: &str) -> Vec<Effect> {
    let say = &model.shell.language;
    let is_taken = line == "accept" || line == say.text("linear-yes") || line == "yes";
    if matches!(line, "" | "cancel" | "back") {
        keys::cancel(model);
        model.show(Show::Whole);
        return Vec::new();
    }
    if is_taken {
        let effects = keys::accept(model);
        model.look_anew();
        return effects;
    }
    let number = line.strip_prefix("toggle-box").unwrap_or(line).trim();
    let index = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let is_toggled = match (index, &mut model.overlay) {
        (Some(index), Some(Overlay::Boxes(boxes))) if index < boxes.len() => {
            boxes.choose(index);
            boxes.toggle();
            true
        }
        _ => false,
    };
    if is_toggled {
        model.show(Show::Nothing);
    } else {
        misused(model, "linear-no-row", &[("n", number)]);
    }
    Vec::new()
}

/// A field by its number is taken; anything else is looked for.
fn picked(model: &mut Model, line: &str) -> Vec<Effect> {
    if matches!(line, "" | "cancel" | "back") {
        keys::cancel(model);
        model.show(Show::Whole);
        return Vec::new();
    }
    let Some(Overlay::Picker(picker)) = &mut model.overlay else {
        return Vec::new();
    };
    let number = line.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    if let Some(index) = number {
        if picker.choose(index) {
            let effects = keys::accept(model);
            model.look_anew();
            return effects;
        }
        misused(model, "linear-no-row", &[("n", line)]);
        return Vec::new();
    }
    if !picker.field.replace(line) {
        too_long(model);
        return Vec::new();
    }
    keys::typed(model);
    model.show(Show::Nothing);
    Vec::new()
}

/// What was asked is still asked.
fn too_long(model: &mut Model) {
    keys::too_long(model);
    model.end_as(Outcome::Misused);
}

fn misused(model: &mut Model, key: &str, gaps: &[(&str, &str)]) {
    let text = model.shell.language.with(key, gaps);
    linear::tone(model, Tone::Person, &text);
    model.end_as(Outcome::Misused);
    model.show(Show::Nothing);
}
