//! The switchboard: what a message does to the model, and what is to be done because of it.

mod acts;
mod keys;
mod pointer;

use super::model::{Model, Overlay, SyncState, Tab, Tone};
use super::msg::{Effect, Msg};
use super::query::{Answer, Ticket};
use super::screens::decide;
use crate::domain::command::Fact;

/// Takes one message in. No clock, no file, no waiting.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(key) => keys::on_key(model, key),
        Msg::Pasted(text) => keys::on_pasted(model, &text),
        Msg::Mouse(event) => pointer::on_mouse(model, event),
        Msg::Resized(width, height) => {
            model.shell.size = (width, height);
            Vec::new()
        }
        Msg::Now(now) => {
            model.shell.now = now;
            Vec::new()
        }
        Msg::Snapshot(snapshot) => {
            model.snapshot = snapshot;
            model.doubt_all();
            Vec::new()
        }
        Msg::Told(fact) => on_told(model, &fact),
        Msg::Missed(count) => {
            let text = model.shell.language.count("missed", count);
            model.shell.toast(Tone::Plain, text);
            Vec::new()
        }
        Msg::Answered(ticket, answer) => on_answered(model, ticket, answer),
        Msg::Unanswered(ticket, error) => on_unanswered(model, ticket, error),
        Msg::Busy => {
            let text = model.shell.language.text("busy").to_owned();
            model.shell.toast(Tone::Person, text);
            Vec::new()
        }
        Msg::Ended => {
            model.shell.sync = SyncState::Ended;
            Vec::new()
        }
    };
    effects.extend(model.questions());
    effects
}

fn on_told(model: &mut Model, fact: &Fact) -> Vec<Effect> {
    model.doubt_all();
    if let Some(text) = model.shell.words().fact(fact) {
        let tone = match fact {
            Fact::Accepted(_) | Fact::PlanFinished(_) => Tone::Strong,
            _ => Tone::Person,
        };
        model.shell.toast(tone, text);
    }
    Vec::new()
}

fn on_answered(model: &mut Model, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    let now = model.shell.now;
    let mut gone = false;
    match answer {
        Answer::Standing(counts) => {
            if model.standing.is_waiting_for(ticket) {
                model.standing.answer(counts, now);
            }
        }
        Answer::Conflicts(page) => {
            if model.conflicts.slot.is_waiting_for(ticket) {
                model.conflicts.slot.answer(page, now);
                gone = model.conflicts.settle(model.shell.words()) && model.tab == Tab::Conflicts;
            }
        }
        Answer::Queues(queues) => {
            if model.queues.slot.is_waiting_for(ticket) {
                model.queues.slot.answer(queues, now);
                gone = model.queues.settle(model.shell.words()) && model.tab == Tab::Queues;
            }
        }
        Answer::Found(page) => {
            if model.contacts.slot.is_waiting_for(ticket) {
                model.contacts.slot.answer(page, now);
                gone = model.contacts.settle();
            }
        }
        Answer::Person(person) => {
            on_person(model, ticket, person);
        }
        Answer::LastAct(act) => {
            if model
                .undo
                .as_ref()
                .is_some_and(|slot| slot.is_waiting_for(ticket))
            {
                model.undo = None;
                acts::offer_undo(model, act.map(|act| *act));
            }
        }
    }
    if gone && model.overlay.is_none() {
        let text = model.shell.language.text("chosen-gone").to_owned();
        model.shell.toast(Tone::Plain, text);
    }
    Vec::new()
}

fn on_person(model: &mut Model, ticket: Ticket, person: Option<Box<super::query::Person>>) {
    let now = model.shell.now;
    if let Some(open) = &mut model.contacts.open
        && open.slot.is_waiting_for(ticket)
    {
        open.slot.answer(person, now);
        return;
    }
    let Some(open) = &mut model.conflicts.open else {
        return;
    };
    if !open.slot.is_waiting_for(ticket) {
        return;
    }
    open.slot.answer(person, now);
    if open.settle() == decide::Change::ChoicesVoid {
        let text = model.shell.language.text("choices-void").to_owned();
        model.shell.toast(Tone::Person, text);
    }
}

fn on_unanswered(model: &mut Model, ticket: Ticket, error: String) -> Vec<Effect> {
    if model.standing.is_waiting_for(ticket) {
        model.standing.fail(error);
    } else if model.queues.slot.is_waiting_for(ticket) {
        model.queues.slot.fail(error);
    } else if model.conflicts.slot.is_waiting_for(ticket) {
        model.conflicts.slot.fail(error);
    } else if model.contacts.slot.is_waiting_for(ticket) {
        model.contacts.slot.fail(error);
    } else if let Some(open) = &mut model.conflicts.open
        && open.slot.is_waiting_for(ticket)
    {
        open.slot.fail(error);
    } else if let Some(open) = &mut model.contacts.open
        && open.slot.is_waiting_for(ticket)
    {
        open.slot.fail(error);
    } else if model
        .undo
        .as_ref()
        .is_some_and(|slot| slot.is_waiting_for(ticket))
    {
        model.undo = None;
        model.shell.toast(Tone::Person, error);
    }
    Vec::new()
}

/// Opens a screen as it was left.
fn go(model: &mut Model, tab: Tab) {
    model.tab = tab;
    model.overlay = None;
    match tab {
        Tab::Overview => {}
        Tab::Queues => model.queues.slot.doubt(),
        Tab::Conflicts => model.conflicts.doubt(),
        Tab::Contacts => {
            if model.contacts.wanted.is_none() && model.contacts.open.is_none() {
                acts::ask_whom(model);
            }
        }
    }
}

/// One step back; `false` at the top.
fn back(model: &mut Model) -> bool {
    if model.overlay.take().is_some() {
        return true;
    }
    match model.tab {
        Tab::Conflicts if model.conflicts.open.take().is_some() => {
            model.conflicts.slot.renew();
            true
        }
        Tab::Contacts if model.contacts.open.take().is_some() => true,
        Tab::Conflicts if !model.conflicts.filter.is_empty() => {
            model.conflicts.filter = super::filter::Filter::default();
            model.conflicts.settle(model.shell.words());
            true
        }
        Tab::Queues if !model.queues.filter.is_empty() => {
            model.queues.filter = super::filter::Filter::default();
            model.queues.settle(model.shell.words());
            true
        }
        Tab::Overview => false,
        _ => {
            model.tab = Tab::Overview;
            true
        }
    }
}

/// Whether a dialog, which nothing but the operator may close, is open.
const fn is_dialog(overlay: Option<&Overlay>) -> bool {
    matches!(overlay, Some(Overlay::Dialog(_)))
}
