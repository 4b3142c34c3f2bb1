//! Keys and pasted text: to whatever lies on top, else to the action that the keymap names.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{acts, back, go};
use crate::console::dialog::{Frozen, OnYes, Pressed};
use crate::console::field::TEXT_MAX;
use crate::console::filter::Filter;
use crate::console::finder::{Finder, Order, Purpose};
use crate::console::keymap::{Action, Chord, Resolved, resolve};
use crate::console::list::Step;
use crate::console::model::{Model, Overlay, Tab, Tone};
use crate::console::msg::Effect;
use crate::console::papers;
use crate::domain::command::Command;
use crate::domain::conflict::Choice;

/// Lines by which a list that is looked through moves.
const PAGE: usize = 10;

pub(super) fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if model.is_hidden() {
        return on_hidden_key(model, key);
    }
    model.shell.toast = None;
    let contexts = model.contexts();
    let chord = Chord::of(key);
    let shell = &mut model.shell;
    match resolve(&shell.keymap, &contexts, &mut shell.pending, chord) {
        // A key held down repeats moves and letters, never anything that leads to a write.
        Resolved::Run(action) if key.kind == KeyEventKind::Repeat && !is_move(action) => Vec::new(),
        Resolved::Run(action) => run(model, action),
        Resolved::Wait(_) => Vec::new(),
        Resolved::Text(_) => {
            type_key(model, key);
            Vec::new()
        }
        Resolved::Unbound if begins_reason(model, key) => {
            type_key(model, key);
            Vec::new()
        }
        Resolved::Unbound => {
            let shell = &mut model.shell;
            let key = chord.to_string();
            let help = shell.keymap.hint(&contexts, Action::Help);
            let text = match help {
                Some(help) => {
                    let gaps = [("key", key.as_str()), ("help", help.as_str())];
                    shell.language.with("unbound", &gaps)
                }
                None => shell.language.with("unbound-here", &[("key", &key)]),
            };
            shell.toast(Tone::Muted, text);
            Vec::new()
        }
    }
}

/// Where nothing is shown, nothing is done but leaving.
fn on_hidden_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let contexts = model.contexts();
    let shell = &mut model.shell;
    match resolve(&shell.keymap, &contexts, &mut shell.pending, Chord::of(key)) {
        Resolved::Run(Action::Leave) => vec![Effect::Leave],
        _ => Vec::new(),
    }
}

/// Whether a letter is the first of a dialog's reason, or of an address.
fn begins_reason(model: &mut Model, key: KeyEvent) -> bool {
    let steers = KeyModifiers::CONTROL | KeyModifiers::ALT;
    let is_letter = matches!(key.code, KeyCode::Char(letter) if letter != ' ');
    if !is_letter || key.modifiers.intersects(steers) {
        return false;
    }
    match &mut model.overlay {
        Some(Overlay::Dialog(dialog)) => {
            dialog.begin_text();
            true
        }
        Some(Overlay::Access) => model.access.begin_text().is_some(),
        _ => false,
    }
}

const fn is_move(action: Action) -> bool {
    matches!(
        action,
        Action::Down | Action::Up | Action::PageDown | Action::PageUp
    )
}

/// Text goes where text is typed, and is never a command.
pub(super) fn on_pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    if model.is_hidden() {
        return Vec::new();
    }
    let field = match &mut model.overlay {
        Some(Overlay::Dialog(dialog)) => dialog.field(),
        Some(Overlay::Finder(finder)) => Some(&mut finder.field),
        Some(Overlay::Access) => {
            if let Some(field) = model.access.begin_text() {
                field.paste(text);
                return Vec::new();
            }
            None
        }
        Some(Overlay::Picker(picker)) => Some(&mut picker.field),
        Some(other) => other.prompt_mut().map(|prompt| &mut prompt.field),
        None => None,
    };
    if let Some(field) = field {
        if field.paste(text) {
            typed(model);
        } else {
            too_long(model);
        }
    } else {
        let text = model.shell.language.text("paste-ignored").to_owned();
        model.shell.toast(Tone::Muted, text);
    }
    Vec::new()
}

fn type_key(model: &mut Model, key: KeyEvent) {
    let is_taken = match &mut model.overlay {
        Some(Overlay::Dialog(dialog)) => dialog.field().is_none_or(|field| field.key(key)),
        Some(Overlay::Finder(finder)) => finder.field.key(key),
        Some(Overlay::Access) => {
            if let Some(field) = model.access.field() {
                field.key(key);
            }
            true
        }
        Some(Overlay::Picker(picker)) => picker.field.key(key),
        Some(other) => {
            let prompt = other.prompt_mut();
            prompt.is_none_or(|prompt| prompt.field.key(key))
        }
        None => true,
    };
    if is_taken {
        typed(model);
    } else {
        too_long(model);
    }
}

/// Nothing of a text was taken in.
pub(super) fn too_long(model: &mut Model) {
    let max = model.shell.language.number(TEXT_MAX as u64);
    let text = model.shell.language.with("text-too-long", &[("max", &max)]);
    model.shell.toast(Tone::Person, text);
}

/// What follows at once from a text that changed.
pub(super) fn typed(model: &mut Model) {
    match &mut model.overlay {
        Some(Overlay::Finder(finder)) => finder.typed(),
        Some(Overlay::Picker(picker)) => picker.typed(),
        Some(
            Overlay::Editor(prompt)
            | Overlay::Window(prompt)
            | Overlay::Setting(prompt, _)
            | Overlay::Queue(prompt)
            | Overlay::Until(prompt, _),
        ) => prompt.problem = None,
        Some(Overlay::Filter(prompt, _)) => {
            let typed = Filter::new(&prompt.field.text());
            acts::filter(model, typed);
        }
        _ => {}
    }
}

pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    let needed = action.needed();
    if model.shell.instance.role < needed {
        acts::deny(model, needed);
        return Vec::new();
    }
    if let Some(effects) = over_access(model, action) {
        return effects;
    }
    if papers::run(model, action).is_some() {
        return Vec::new();
    }
    if let Some(tab) = destination(action) {
        go(model, tab);
    } else if let Some(movement) = movement(action) {
        if model.overlay.is_some() {
            turn(model, movement == Step::PageDown);
        } else {
            step(model, movement);
        }
    } else if let Some(choice) = choice(action) {
        acts::decide::choose(model, choice);
    } else if let Some(choice) = choice_for_all(action) {
        acts::bulk::ask(model, choice);
    } else {
        return act(model, action);
    }
    Vec::new()
}

pub(super) const fn destination(action: Action) -> Option<Tab> {
    Some(match action {
        Action::GoOverview => Tab::Overview,
        Action::GoQueues => Tab::Queues,
        Action::GoConflicts => Tab::Conflicts,
        Action::GoContacts => Tab::Contacts,
        Action::GoFlags => Tab::Flags,
        Action::GoActivities => Tab::Activities,
        Action::GoPlugin => Tab::Plugin,
        Action::GoDoctor => Tab::Doctor,
        Action::GoAudit => Tab::Audit,
        _ => return None,
    })
}

pub(in crate::console) const fn movement(action: Action) -> Option<Step> {
    Some(match action {
        Action::Down => Step::Down,
        Action::Up => Step::Up,
        Action::First => Step::First,
        Action::Last => Step::Last,
        Action::PageDown => Step::PageDown,
        Action::PageUp => Step::PageUp,
        _ => return None,
    })
}

/// For the conflict under the cursor.
pub(super) const fn choice(action: Action) -> Option<Choice> {
    Some(match action {
        Action::TakeSalesforce => Choice::Salesforce,
        Action::TakeAutomation => Choice::Automation,
        Action::TakeBase => Choice::Base,
        Action::KeepBoth => Choice::KeepBoth,
        Action::OptOut => Choice::OptOut,
        Action::OptIn => Choice::OptIn,
        Action::TryAgain => Choice::Retry,
        _ => return None,
    })
}

/// For all that are marked or shown. Nobody is opted in so.
const fn choice_for_all(action: Action) -> Option<Choice> {
    Some(match action {
        Action::AllSalesforce => Choice::Salesforce,
        Action::AllAutomation => Choice::Automation,
        Action::AllBase => Choice::Base,
        Action::AllKeepBoth => Choice::KeepBoth,
        Action::AllOptOut => Choice::OptOut,
        Action::AllAgain => Choice::Retry,
        _ => return None,
    })
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Leave => return vec![Effect::Leave],
        Action::BackOrLeave => return back_or_leave(model),
        Action::Back => back_or_say(model),
        Action::Help | Action::Palette => open_finder(model, action),
        Action::Refresh => acts::refresh(model),
        Action::PauseView => acts::pause_view(model),
        Action::Here => model.overlay = Some(Overlay::Here),
        Action::Papers => papers::open(model),
        Action::Authorize
        | Action::CopyCallback
        | Action::CheckAccess
        | Action::LogIn
        | Action::Revoke => return acts::access::run(model, action),
        Action::Copy => return acts::copy(model),
        Action::Sort | Action::Invert => acts::reorder(model, action == Action::Sort),
        Action::Columns => acts::columns::open(model),
        Action::ToggleColumn => acts::columns::toggle(model),
        Action::Undo => acts::undo::ask_undo(model),
        Action::Open => acts::open(model),
        Action::OpenContact => acts::open_whom(model),
        Action::Filter => acts::ask_filter(model),
        Action::Search => acts::ask_whom(model),
        Action::SyncNow => acts::offer_sync(model),
        Action::ReleaseBrake => acts::queues::ask_release(model),
        Action::PauseQueue => acts::queues::ask_pause(model),
        Action::Retry | Action::RetryCause | Action::Discard => act_on_failed(model, action),
        Action::Backfill => acts::activities::ask_window(model),
        Action::Republish => return acts::activities::republish(model),
        Action::StopPlan => acts::activities::offer_stop(model),
        Action::HoldPlan => acts::activities::offer_hold(model),
        Action::Regroup => acts::regroup(model),
        Action::Mark => mark(model),
        Action::MarkAll => acts::mark_all(model),
        Action::TypeValue => acts::decide::ask_value(model),
        Action::ClearChoice => acts::decide::clear_choice(model),
        Action::Write => acts::decide::offer_resolution(model),
        Action::ReadAgain
        | Action::ReadShownAgain
        | Action::SetAside
        | Action::SetShownAside
        | Action::TakeBack
        | Action::TakeShownBack
        | Action::Unlink => acts::aside::run(model, action),
        Action::Earlier | Action::Later => acts::travel(model, action == Action::Earlier),
        Action::ExportCsv | Action::ExportJson => acts::audit::ask_export(model, action),
        Action::IncidentBundle => acts::bundle::offer(model),
        Action::Mend => acts::doctor::ask(model),
        Action::CheckAudit => model.screens.audit.check(),
        Action::ToggleBox => acts::plugin::toggle_box(model),
        Action::Change
        | Action::TurnArrow
        | Action::AddPair
        | Action::RemovePair
        | Action::Publish
        | Action::RollBack
        | Action::RedoDraft
        | Action::DiscardDraft
        | Action::SaveDraft => acts::plugin::run(model, action),
        Action::Next | Action::Previous => move_focus(model, action == Action::Next),
        Action::Press => return press(model),
        Action::Cancel => cancel(model),
        Action::Accept => return accept(model),
        // The groups above; a test holds that each of them does something.
        _ => {}
    }
    Vec::new()
}

/// What was given up is sent again, or never.
fn act_on_failed(model: &mut Model, action: Action) {
    use acts::queues::Reach;
    match (action, model.tab) {
        (Action::Retry, Tab::Activities) => acts::activities::offer_retry(model),
        (Action::Retry, _) => acts::queues::offer_retry(model, Reach::Chosen),
        (Action::RetryCause, _) => acts::queues::offer_retry(model, Reach::Cause),
        (_, Tab::Queues) => acts::queues::offer_discard(model),
        (..) => acts::activities::offer_discard(model),
    }
}

/// What keys that count elsewhere too do over who lets us in.
fn over_access(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if !matches!(model.overlay, Some(Overlay::Access)) {
        return None;
    }
    Some(match action {
        Action::Cancel => acts::access::cancel(model),
        Action::Open | Action::Accept => acts::access::accept(model),
        Action::Copy => acts::access::copy(model, action),
        _ => return None,
    })
}

/// Marks a line or unmarks it, and goes on to the next.
fn mark(model: &mut Model) {
    model.screens.conflicts.mark();
    step(model, Step::Down);
}

fn back_or_leave(model: &mut Model) -> Vec<Effect> {
    if back(model) {
        Vec::new()
    } else {
        vec![Effect::Leave]
    }
}

/// The key never leaves: at the top it says so.
fn back_or_say(model: &mut Model) {
    if !back(model) {
        let text = model.shell.language.text("at-the-top").to_owned();
        model.shell.toast(Tone::Muted, text);
    }
}

fn open_finder(model: &mut Model, action: Action) {
    let purpose = match action {
        Action::Help => Purpose::Help,
        _ => Purpose::Palette,
    };
    let contexts = model.screen_contexts();
    let shell = &model.shell;
    let mut finder = Finder::new(purpose, &shell.keymap, &contexts, &shell.language);
    if model.papers.is_empty() {
        finder.leave_out(Action::Papers);
    }
    model.overlay = Some(Overlay::Finder(finder));
}

pub(super) fn step(model: &mut Model, step: Step) {
    let body = model.shell.body_height();
    let (scene, screen) = model.front();
    screen.step(scene, step, body);
}

/// A page of what lies over the screen.
fn turn(model: &mut Model, is_down: bool) {
    let size = (model.shell.size.0, model.shell.body_height());
    match &mut model.overlay {
        Some(Overlay::Dialog(dialog)) => dialog.turn(model.shell.theme, size, is_down),
        Some(Overlay::Finder(finder)) => {
            for _ in 0..PAGE {
                finder.step(is_down);
            }
        }
        Some(Overlay::Picker(picker)) => {
            for _ in 0..PAGE {
                picker.step(is_down);
            }
        }
        _ => {}
    }
}

fn move_focus(model: &mut Model, forward: bool) {
    match &mut model.overlay {
        Some(Overlay::Dialog(dialog)) if forward => dialog.next(),
        Some(Overlay::Dialog(dialog)) => dialog.previous(),
        Some(Overlay::Finder(finder)) => finder.step(forward),
        Some(Overlay::Columns(_)) => acts::columns::step(model, forward),
        Some(Overlay::Access) => acts::access::step(model),
        Some(Overlay::Boxes(boxes)) => boxes.step(forward),
        Some(Overlay::Picker(picker)) => picker.step(forward),
        _ => {}
    }
}

pub(super) fn press(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlay, Some(Overlay::Here)) {
        model.overlay = None;
    }
    let Some(Overlay::Dialog(dialog)) = &mut model.overlay else {
        return Vec::new();
    };
    match dialog.press() {
        Pressed::Nothing => Vec::new(),
        Pressed::Cancelled => {
            cancel(model);
            Vec::new()
        }
        Pressed::Confirmed { reason } => acts::confirm(model, reason),
    }
}

pub(super) fn cancel(model: &mut Model) {
    match model.overlay.take() {
        Some(Overlay::Filter(_, before)) => acts::filter(model, before),
        Some(Overlay::Dialog(dialog)) => {
            let text = model.shell.language.text("nothing-written").to_owned();
            model.shell.toast(Tone::Muted, text);
            let is_access = |frozen: &Frozen| matches!(frozen.command, Command::NoteAccess { .. });
            if matches!(&dialog.on_yes, OnYes::Send(frozen) if is_access(frozen)) {
                model.overlay = Some(Overlay::Access);
            }
        }
        _ => {}
    }
}

/// Enter in a text: what it is for.
pub(super) fn accept(model: &mut Model) -> Vec<Effect> {
    match &mut model.overlay {
        // In a dialog Enter leads on; the button is pressed by another Enter.
        Some(Overlay::Dialog(dialog)) => dialog.next(),
        Some(Overlay::Finder(finder)) => {
            let order = finder.order();
            let Some(order) = order else {
                return Vec::new();
            };
            model.overlay = None;
            return carry_out(model, order);
        }
        Some(Overlay::Filter(..)) => model.overlay = None,
        Some(Overlay::Search(prompt)) => {
            let text = prompt.field.text().trim().to_owned();
            model.overlay = None;
            model.screens.contacts.search(text);
        }
        Some(Overlay::Editor(_)) => acts::decide::take_typed(model),
        Some(Overlay::Until(..)) => acts::aside::take_until(model),
        Some(Overlay::Window(_)) => return acts::activities::take_window(model),
        Some(Overlay::Queue(_)) => acts::queues::take_queue(model),
        Some(Overlay::Setting(..)) => acts::plugin::take_setting(model),
        Some(Overlay::Boxes(_)) => acts::plugin::take_boxes(model),
        Some(Overlay::Picker(_)) => acts::plugin::take_picked(model),
        Some(Overlay::Columns(_) | Overlay::Here | Overlay::Access | Overlay::Papers(_)) | None => {
        }
    }
    Vec::new()
}

fn carry_out(model: &mut Model, order: Order) -> Vec<Effect> {
    match order {
        Order::Run(action) => return run(model, action),
        Order::Speak(tongue) => model.shell.language.tongue = tongue,
        Order::Shade(shade) => model.shell.theme.shade = shade,
        Order::Admit(side) => acts::access::open(model, Some(side)),
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::ACTIONS;

    #[test]
    fn every_action_is_in_one_group_or_has_an_arm_of_its_own() {
        let source = include_str!("keys.rs");
        let arms = source.split("fn act(").nth(1).unwrap();
        let arms = arms.split("fn mark(").next().unwrap();
        for entry in ACTIONS {
            let action = entry.action;
            let groups = [
                destination(action).is_some(),
                movement(action).is_some(),
                choice(action).is_some(),
                choice_for_all(action).is_some(),
            ];
            let is_grouped = groups.into_iter().filter(|is_in| *is_in).count();
            let name = format!("Action::{action:?}");
            let has_arm = arms
                .split(|c: char| !c.is_alphanumeric() && c != ':')
                .any(|w| w == name);
            assert_eq!(is_grouped + usize::from(has_arm), 1, "{name}");
        }
    }
}
