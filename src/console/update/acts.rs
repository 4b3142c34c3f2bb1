//! What actions do: open, choose, ask, and offer what can be written in a dialog.

pub(super) mod access;
pub(super) mod activities;
pub(super) mod aside;
pub(super) mod audit;
pub(super) mod bulk;
pub(super) mod bundle;
pub(super) mod columns;
pub(super) mod decide;
pub(super) mod doctor;
pub(super) mod plugin;
pub(super) mod queues;
pub(super) mod undo;

use std::sync::Arc;

use super::go;
use crate::console::dialog::{Dialog, Frozen, OnYes};
use crate::console::field::{Field, Lines};
use crate::console::filter::Filter;
use crate::console::keymap::Action;
use crate::console::model::{Ground, Model, Overlay, Prompt, SyncState, Tab, Tone};
use crate::console::msg::Effect;
use crate::console::query::Ticket;
use crate::console::screens;
use crate::console::screens::contacts::Detail;
use crate::console::screens::flags::Entry;
use crate::console::screens::plugin::Key;
use crate::console::screens::queues::Row;
use crate::console::slot::Waiting;
use crate::domain::command::{Command, Scope};
use crate::domain::ids::LinkId;
use crate::domain::operator::Role;

/// Samples shown of what a retry sends again.
const SAMPLES_MAX: usize = 10;

pub(in crate::console) fn tell(model: &mut Model, tone: Tone, key: &str) {
    let text = model.shell.language.text(key).to_owned();
    model.shell.toast(tone, text);
}

/// What was asked takes another role.
pub(super) fn deny(model: &mut Model, needed: Role) {
    if matches!(model.shell.instance.ground, Ground::Bundle(_)) {
        tell(model, Tone::Person, "bundle-refused");
        return;
    }
    let words = model.shell.words();
    let (needed, own) = (words.right(needed), words.right(model.shell.instance.role));
    let gaps = [("needed", needed), ("role", own)];
    let text = words.language.with("denied", &gaps);
    model.shell.toast(Tone::Person, text);
}

/// A question that an operator waits for by itself, on no screen, will not be answered. Whether it was one.
pub(super) fn nobody_answers(model: &mut Model, ticket: Ticket) -> bool {
    let is_it = |slot: &dyn Waiting| slot.is_waiting_for(ticket);
    if model.asked.look.as_ref().is_some_and(|slot| is_it(slot)) {
        doctor::looked(model);
        return true;
    }
    model.asked.undo.take_if(|slot| is_it(slot)).is_some()
        || model.asked.bulk.take_if(|bulk| is_it(&bulk.slot)).is_some()
        || model.asked.release.take_if(|slot| is_it(slot)).is_some()
        || model
            .asked
            .export
            .take_if(|(slot, _)| is_it(slot))
            .is_some()
        || model
            .asked
            .mending
            .take_if(|(slot, _)| is_it(slot))
            .is_some()
}

pub(super) fn refresh(model: &mut Model) {
    if model.tab == Tab::Doctor {
        doctor::look(model);
    }
    if let Some(open) = &mut model.screens.plugin.open {
        open.foresee_again();
    }
    model.each_slot(|slot| slot.renew());
}

pub(super) fn open(model: &mut Model) {
    match model.tab {
        Tab::Overview => {
            let tab = model.screens.overview.destination();
            go(model, tab);
        }
        Tab::Queues => {
            let link = model.screens.queues.chosen(model.scene()).map(Row::link);
            if let Some(link) = link {
                open_contact(model, link);
            }
        }
        Tab::Activities => {
            if let Some(link) = enter_group(model) {
                open_contact(model, link);
            }
        }
        Tab::Conflicts if model.screens.conflicts.open.is_some() => decide::offer_resolution(model),
        Tab::Conflicts => {
            if let Some(link) = model.screens.conflicts.key() {
                model.screens.conflicts.decide(link);
            }
        }
        Tab::Contacts => match &model.screens.contacts.open {
            None => model.screens.contacts.open = model.screens.contacts.key().map(Detail::new),
            Some(open) => {
                let link = open.link;
                if open.person().is_some_and(|p| !p.link.conflicts.is_empty()) {
                    open_conflict(model, link);
                } else {
                    tell(model, Tone::Muted, "nothing-to-open");
                }
            }
        },
        Tab::Flags => open_flag(model),
        Tab::Plugin => open_setting(model),
        Tab::Doctor => open_check(model),
        Tab::Audit => open_act(model),
    }
}

fn open_conflict(model: &mut Model, link: LinkId) {
    model.screens.conflicts.decide(link);
    go(model, Tab::Conflicts);
}

fn open_contact(model: &mut Model, link: LinkId) {
    model.screens.contacts.open = Some(Detail::new(link));
    go(model, Tab::Contacts);
}

/// From a conflict to everything else about its contact.
pub(super) fn open_whom(model: &mut Model) {
    let open = model.screens.conflicts.open.as_ref().map(|open| open.link);
    match open.or_else(|| model.screens.conflicts.key()) {
        Some(link) => open_contact(model, link),
        None => tell(model, Tone::Muted, "choose-first"),
    }
}

/// The entry; from there its conflict, if one waits, else the contact.
fn open_flag(model: &mut Model) {
    let Some(open) = &model.screens.flags.open else {
        let key = model.screens.flags.key();
        model.screens.flags.open = key.map(Entry::new);
        if key.is_none() {
            tell(model, Tone::Muted, "choose-first");
        }
        return;
    };
    let link = open.key.0;
    match open.person() {
        Some(person) if !person.link.conflicts.is_empty() => open_conflict(model, link),
        Some(_) => open_contact(model, link),
        None => {}
    }
}

/// The setting, rule or version; from a rule the contact of its example, from a setting its editor.
fn open_setting(model: &mut Model) {
    if let Some(open) = &model.screens.plugin.open {
        match (open.contact(), open.key()) {
            (Some(link), _) => open_contact(model, link),
            (None, Key::Setting(_) | Key::Time(_)) => {
                let needed = Action::Change.needed();
                if model.shell.instance.role < needed {
                    deny(model, needed);
                } else {
                    plugin::change(model);
                }
            }
            (None, _) => tell(model, Tone::Muted, "nothing-further"),
        }
        return;
    }
    if !model.screens.plugin.open_chosen() {
        tell(model, Tone::Muted, "choose-first");
    }
}

/// The check; from there the screen on which it is mended, if there is one.
fn open_check(model: &mut Model) {
    match (
        model.screens.doctor.is_open(),
        model.screens.doctor.destination(),
    ) {
        (true, Some(tab)) => go(model, tab),
        (true, None) => tell(model, Tone::Muted, "nothing-further"),
        (false, _) if model.screens.doctor.open_chosen() => {}
        (false, _) => tell(model, Tone::Muted, "choose-first"),
    }
}

/// The act; from there the contact that is pointed at.
fn open_act(model: &mut Model) {
    if model.screens.audit.open.is_none() {
        let act = model.screens.audit.chosen(model.scene());
        let act = act.map(|row| row.act.clone());
        if act.is_none() {
            tell(model, Tone::Muted, "choose-first");
        }
        model.screens.audit.open = act.map(screens::audit::Over::act);
        return;
    }
    match model
        .screens
        .audit
        .act()
        .and_then(screens::audit::Detail::contact)
    {
        Some(link) => open_contact(model, link),
        None => tell(model, Tone::Muted, "no-contact-here"),
    }
}

pub(super) fn ask_filter(model: &mut Model) {
    let Some((filter, hint)) = model.screen().filter() else {
        return;
    };
    let say = &model.shell.language;
    let prompt = Prompt::new(
        say.text("filter-title").to_owned(),
        say.text(hint).to_owned(),
        Field::new(Lines::One, filter.typed()),
    );
    let before = filter.clone();
    model.overlay = Some(Overlay::Filter(prompt, before));
}

/// Shows only what matches, while it is typed.
pub(super) fn filter(model: &mut Model, filter: Filter) {
    let (scene, screen) = model.front();
    screen.set_filter(scene, filter);
}

pub(super) fn ask_whom(model: &mut Model) {
    let say = &model.shell.language;
    let prompt = Prompt::new(
        say.text("search-title").to_owned(),
        say.text("search-hint").to_owned(),
        Field::new(Lines::One, ""),
    );
    model.overlay = Some(Overlay::Search(prompt));
}

/// The contact in sight as it was before or after one more entry of its history.
pub(super) fn travel(model: &mut Model, earlier: bool) {
    let moved = match &mut model.screens.contacts.open {
        Some(open) => open.travel(earlier),
        None => return,
    };
    if !moved {
        let key = if earlier { "no-earlier" } else { "no-later" };
        tell(model, Tone::Muted, key);
    }
}

/// Nothing moves under the operator's eyes until they let it; what they ask for is still read.
pub(super) fn pause_view(model: &mut Model) {
    if let Some(newest) = model.known.held.take() {
        model.known.snapshot = newest;
        model.doubt_all();
        tell(model, Tone::Plain, "view-live");
    } else {
        model.known.held = Some(Arc::clone(&model.known.snapshot));
        tell(model, Tone::Plain, "view-paused");
    }
}

/// The name or the words of what is chosen, to the operator's own clipboard.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let text = model.screen().copied(model.scene());
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        tell(model, Tone::Muted, "nothing-to-copy");
        return Vec::new();
    };
    let told = model.shell.language.with("copied", &[("text", &text)]);
    model.shell.toast(Tone::Plain, told);
    vec![Effect::Copy(text)]
}

/// Sorts by the next column, or the other way round.
pub(super) fn reorder(model: &mut Model, by_next: bool) {
    let (scene, screen) = model.front();
    let Some(list) = screen.list_mut() else {
        return;
    };
    let table = list.table();
    if by_next {
        list.shape_mut().next(table);
    } else {
        list.shape_mut().invert();
    }
    screen.reordered(scene);
}

pub(super) fn mark_all(model: &mut Model) {
    let shown = model.screens.conflicts.keys(model.scene());
    model.screens.conflicts.mark_all(shown);
}

pub(super) fn regroup(model: &mut Model) {
    // Out of the model for as long as the rest of it is looked at.
    let mut activities = std::mem::take(&mut model.screens.activities);
    activities.regroup(model.scene());
    model.screens.activities = activities;
}

/// Enter on a group shows its members; on one event, whose it is.
fn enter_group(model: &mut Model) -> Option<LinkId> {
    let mut activities = std::mem::take(&mut model.screens.activities);
    let link = activities.enter(model.scene());
    model.screens.activities = activities;
    link
}

/// A sync of everything, or, from the queues, of what is due.
pub(super) fn offer_sync(model: &mut Model) {
    let (scope, title, explained) = match model.tab {
        Tab::Queues => (Scope::OUTBOX, "dialog-run-now", "run-now-explained"),
        _ => (Scope::ALL, "dialog-sync", "sync-explained"),
    };
    let text = model.shell.language.text(explained).to_owned();
    offer(
        model,
        title,
        vec![(Tone::Plain, text)],
        Command::RunCycle(scope),
    );
}

/// Opens a dialog about a command that is not about one version of one contact.
fn offer(model: &mut Model, title: &str, lines: Vec<(Tone, String)>, command: Command) {
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let title = model.shell.language.text(title).to_owned();
    let dialog = Dialog::new(title, lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// The operator confirmed: what the dialog froze is checked once more, then sent as it was shown.
pub(super) fn confirm(model: &mut Model, reason: String) -> Vec<Effect> {
    let Some(Overlay::Dialog(dialog)) = model.overlay.take() else {
        return Vec::new();
    };
    let frozen = match &dialog.on_yes {
        OnYes::Send(frozen) => (**frozen).clone(),
        OnYes::Export(export) => {
            audit::export(model, export.clone(), reason);
            return Vec::new();
        }
        OnYes::Bundle(contact) => {
            bundle::make(model, *contact, reason);
            return Vec::new();
        }
        OnYes::ForgetDraft => {
            plugin::discard(model);
            return Vec::new();
        }
        OnYes::ReplaceDraft(version) => {
            plugin::replace(model, *version);
            return Vec::new();
        }
    };
    if model.shell.sync == SyncState::Ended {
        tell(model, Tone::Person, "sync-ended");
        return Vec::new();
    }
    if let Some((link, generation)) = frozen.looked_at
        && let Some(open) = &model.screens.conflicts.open
        && open.link == link
        && open
            .person()
            .is_none_or(|person| person.link.generation != generation)
    {
        tell(model, Tone::Person, "changed-meanwhile");
        return Vec::new();
    }
    if let Command::NoteAccess { side, act } = frozen.command {
        return access::confirmed(model, (side, act), reason);
    }
    if let Command::Mend(remedy) = frozen.command {
        doctor::mend(model, remedy, reason);
        return Vec::new();
    }
    if let Command::Configure { based_on, .. } = &frozen.command
        && !plugin::may_send(model, *based_on)
    {
        return Vec::new();
    }
    let told = match frozen.command {
        Command::Backfill { .. } => "plan-begun",
        _ => "sent",
    };
    tell(model, Tone::Plain, told);
    model.asked.sent.hold(dialog);
    vec![Effect::Command {
        reason,
        command: frozen.command,
    }]
}
