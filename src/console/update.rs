//! The switchboard: what a message does to the model, and what is to be done because of it.

mod acts;
mod keys;
mod pointer;
mod typed;

use std::sync::Arc;

pub(super) use acts::tell as say;
pub(super) use keys::movement;

use super::filter::Filter;
use super::linear;
use super::model::{Bulk, Model, Overlay, SyncState, Tab, Tone, scene};
use super::msg::{Effect, Msg};
use super::query::{Answer, Diagnosis, Ticket};
use super::screens::Notice;
use super::sent::Waits;
use super::slot::{Slot, Waiting as _};
use crate::domain::command::{Fact, Refusal};
use crate::domain::ids::LinkId;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

/// A look costs some twenty calls: it is not repeated by itself before this.
const LOOK_AGE_MAX: Span = Span::minutes(10);

/// Takes one message in. No clock, no file, no waiting.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    if model.linear.is_some() {
        linear::around(model, &msg);
    }
    let is_about_the_last = matches!(msg, Msg::Busy);
    if !is_about_the_last {
        model.asked.sent.release();
    }
    let mut effects = take_in(model, msg);
    for effect in &effects {
        if let Effect::Command { command, .. } = effect {
            model.asked.sent.send(command);
        }
    }
    if model.linear.is_some() {
        model.look_once_at_rest();
    }
    look_if_old(model);
    effects.extend(model.questions());
    let looks_at = model.looks_at();
    if looks_at != model.shell.shown {
        model.shell.shown = looks_at;
        effects.push(Effect::Look(looks_at));
    }
    if model.linear.is_some() {
        model.settle(&effects);
    }
    effects
}

fn take_in(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => keys::on_key(model, key),
        Msg::Pasted(text) => keys::on_pasted(model, &text),
        Msg::Typed(line) => typed::on_typed(model, &line),
        Msg::Mouse(event) => pointer::on_mouse(model, event),
        Msg::Resized(width, height) => {
            model.shell.size = (width, height);
            Vec::new()
        }
        Msg::Now(now) => {
            model.shell.now = now;
            Vec::new()
        }
        Msg::Snapshot(snapshot) if model.known.held.is_some() => {
            model.known.held = Some(snapshot);
            Vec::new()
        }
        Msg::Snapshot(snapshot) => {
            observe(model, snapshot);
            Vec::new()
        }
        Msg::Configured(policy) => {
            model.shell.policy = policy;
            model.doubt_all();
            Vec::new()
        }
        Msg::Told(fact) => on_told(model, &fact),
        Msg::Missed(count) => {
            missed(model, count);
            Vec::new()
        }
        Msg::Answered(ticket, answer) => on_answered(model, ticket, answer),
        Msg::Unanswered(ticket, why) => {
            let error = model.shell.words().why_not(&why);
            on_unanswered(model, ticket, error)
        }
        Msg::Unasked(ticket) => {
            let error = model.shell.language.text("unasked").to_owned();
            on_unanswered(model, ticket, error)
        }
        Msg::Busy => {
            stayed(model);
            let text = model.shell.language.text("busy").to_owned();
            model.shell.toast(Tone::Person, text);
            Vec::new()
        }
        Msg::Denied(needed) => {
            stayed(model);
            acts::deny(model, needed);
            Vec::new()
        }
        Msg::Present(present) => {
            model.shell.present = present;
            Vec::new()
        }
        Msg::Ended => {
            ended(model);
            Vec::new()
        }
        Msg::Recording(file) => {
            let text = model.shell.language.with("recording", &[("file", &file)]);
            model.shell.toast(Tone::Person, text);
            Vec::new()
        }
    }
}

fn observe(model: &mut Model, snapshot: Arc<Snapshot>) {
    model.known.snapshot = snapshot;
    model.doubt_all();
    for tab in Tab::ALL {
        let (scene, screen) = model.stage(tab);
        screen.observe(scene);
    }
}

/// That it ended is said where the last message stood.
fn ended(model: &mut Model) {
    model.shell.sync = SyncState::Ended;
    model.shell.toast = None;
    model.asked.sent.lose_count();
    acts::activities::count_lost(model);
}

/// An answer may have been among them: nobody waits for one any more.
fn missed(model: &mut Model, count: u64) {
    model.asked.sent.lose_count();
    acts::activities::count_lost(model);
    let text = model.shell.language.count("missed", count);
    model.shell.toast(Tone::Plain, text);
}

/// The last command was not sent: what it was asked for with lies there again, with all that was typed.
/// Whoever reads lines is told, and asks again: their next line was meant for something else.
fn stayed(model: &mut Model) {
    let (waits, dialog) = model.asked.sent.stayed();
    if waits == Some(Waits::Survey) {
        acts::activities::count_lost(model);
    }
    if let Some(dialog) = dialog
        && model.overlay.is_none()
        && model.linear.is_none()
    {
        model.overlay = Some(Overlay::Dialog(dialog.again()));
    }
}

fn on_told(model: &mut Model, fact: &Fact) -> Vec<Effect> {
    if model.known.held.is_none() {
        model.doubt_all();
    }
    match fact {
        Fact::Surveyed(survey) => {
            model.asked.sent.surveyed();
            acts::activities::counted(model, survey.clone());
        }
        Fact::SurveyFailed => {
            model.asked.sent.surveyed();
            acts::activities::count_lost(model);
        }
        Fact::Accepted(_) => taken_in(model, &[]),
        Fact::AcceptedInPart { refused, .. } => taken_in(model, refused),
        Fact::Refused(_) => {
            model.asked.sent.answered();
        }
        _ => {}
    }
    if let Some(text) = model.shell.words().fact(fact) {
        let tone = match fact {
            Fact::Accepted(_) | Fact::PlanFinished(_) => Tone::Strong,
            _ => Tone::Person,
        };
        model.shell.toast(tone, text);
    }
    Vec::new()
}

/// What was chosen is written, but for what was refused of it.
fn taken_in(model: &mut Model, refused: &[(LinkId, Refusal)]) {
    if let Some(Waits::Choices(chosen)) = model.asked.sent.answered() {
        let is_refused = |link| refused.iter().any(|(of, _)| *of == link);
        for (link, subjects) in chosen {
            if !is_refused(link) {
                model.screens.conflicts.written(link, &subjects);
            }
        }
    }
}

fn on_answered(model: &mut Model, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Standing(counts) => {
            if model.known.standing.is_waiting_for(ticket) {
                model.known.standing.answer(counts, model.shell.now);
            }
        }
        Answer::Doctor(diagnosis) => on_diagnosis(model, ticket, diagnosis),
        Answer::Access(access) => {
            if model.access.slot.is_waiting_for(ticket) {
                model.access.slot.answer(access, model.shell.now);
            }
        }
        Answer::Admitted(admitted) => acts::access::answered(model, ticket, *admitted),
        Answer::LastAct(act) => {
            let is_wanted = |slot: &Slot<_>| slot.is_waiting_for(ticket);
            if model.asked.undo.as_ref().is_some_and(is_wanted) {
                model.asked.undo = None;
                acts::undo::offer_undo(model, act.map(|act| *act));
            }
        }
        Answer::Links(links) => {
            let is_wanted = |bulk: &mut Bulk| bulk.slot.is_waiting_for(ticket);
            if let Some(bulk) = model.asked.bulk.take_if(is_wanted) {
                acts::bulk::offer(model, &bulk, &links);
            }
        }
        Answer::Queues(queues) if acts::queues::awaits(model, ticket) => {
            acts::queues::offer_release(model, &queues);
        }
        Answer::Exported(exported) => {
            let is_wanted = |(slot, _): &(Slot<_>, _)| slot.is_waiting_for(ticket);
            if model.asked.export.as_ref().is_some_and(is_wanted) {
                model.asked.export = None;
                acts::audit::say_exported(model, &exported);
            }
        }
        Answer::Mending(mending) => {
            let is_wanted = |(slot, _): &mut (Slot<_>, _)| slot.is_waiting_for(ticket);
            if let Some((_, asked)) = model.asked.mending.take_if(is_wanted) {
                acts::doctor::answered(model, asked, *mending);
            }
        }
        answer => {
            let mut answer = answer;
            for tab in Tab::ALL {
                let (scene, screen) = model.stage(tab);
                match screen.answered(scene, ticket, answer) {
                    Ok(notice) => {
                        notify(model, tab, notice);
                        break;
                    }
                    Err(given_back) => answer = given_back,
                }
            }
        }
    }
    Vec::new()
}

fn on_diagnosis(model: &mut Model, ticket: Ticket, diagnosis: Diagnosis) {
    let is_wanted = |slot: &Slot<_>| slot.is_waiting_for(ticket);
    if model.asked.look.as_ref().is_some_and(is_wanted) {
        acts::doctor::looked(model);
        // A question about the rest may be on its way; its own answer ends it.
        model
            .known
            .diagnosis
            .begin_answer(diagnosis, model.shell.now);
        model.screens.doctor.offer_anew();
        doctor_answered(model);
    } else if model.known.diagnosis.is_waiting_for(ticket) {
        model.known.diagnosis.answer(diagnosis, model.shell.now);
        doctor_answered(model);
    }
}

/// What is on the doctor's screen is not to be older than some minutes; nobody waits for it.
fn look_if_old(model: &mut Model) {
    let now = model.shell.now;
    let is_old = |at: Option<Timestamp>| at.is_none_or(|at| now.since(at) >= LOOK_AGE_MAX);
    let examined = model
        .known
        .diagnosis
        .data
        .as_ref()
        .map(|data| data.examined);
    if model.tab == Tab::Doctor && examined.is_some_and(is_old) && is_old(model.asked.looked) {
        acts::doctor::look(model);
    }
}

/// The chosen check stays chosen, wherever it stands in the list now.
fn doctor_answered(model: &mut Model) {
    let notice = model.screens.doctor.examined(scene!(model));
    notify(model, Tab::Doctor, notice);
}

/// Says what an answer did to what the operator had chosen, if they can see it.
fn notify(model: &mut Model, tab: Tab, notice: Notice) {
    let (tone, key) = match notice {
        Notice::None => return,
        Notice::ChosenGone if model.tab != tab || model.overlay.is_some() => return,
        Notice::ChosenGone => (Tone::Plain, "chosen-gone"),
        // It is another version because of what was decided here.
        Notice::ChoicesVoid
            if model
                .looks_at()
                .is_some_and(|link| model.asked.sent.decides(link)) =>
        {
            return;
        }
        Notice::ChoicesVoid => (Tone::Person, "choices-void"),
    };
    let text = model.shell.language.text(key).to_owned();
    model.shell.toast(tone, text);
}

fn on_unanswered(model: &mut Model, ticket: Ticket, error: String) -> Vec<Effect> {
    if acts::access::unanswered(model, ticket, &error) {
        return Vec::new();
    }
    if acts::nobody_answers(model, ticket) {
        let text = model
            .shell
            .language
            .with("unanswered", &[("error", &error)]);
        model.shell.toast(Tone::Person, text);
        return Vec::new();
    }
    model.each_slot(|slot| {
        if slot.is_waiting_for(ticket) {
            slot.fail(error.clone());
        }
    });
    Vec::new()
}

/// Opens a screen as it was left.
fn go(model: &mut Model, tab: Tab) {
    model.tab = tab;
    model.overlay = None;
    model.known.diagnosis.doubt();
    for slot in model.front().1.slots() {
        slot.doubt();
    }
    if tab == Tab::Activities {
        acts::activities::offer_plan(model);
    }
    if tab == Tab::Contacts
        && model.screens.contacts.own.wanted.is_none()
        && model.screens.contacts.open.is_none()
    {
        acts::ask_whom(model);
    }
}

/// One step back; `false` at the top.
fn back(model: &mut Model) -> bool {
    if model.overlay.take().is_some() {
        return true;
    }
    let left = model.looks_at();
    if model.front().1.back() {
        acts::decide::say_kept(model, left);
        return true;
    }
    let (scene, screen) = model.front();
    if screen
        .filter()
        .is_some_and(|(filter, _)| !filter.is_empty())
    {
        screen.set_filter(scene, Filter::default());
        return true;
    }
    let is_top = model.tab == Tab::Overview;
    model.tab = Tab::Overview;
    !is_top
}

/// Whether a dialog, which nothing but the operator may close, is open.
const fn is_dialog(overlay: Option<&Overlay>) -> bool {
    matches!(overlay, Some(Overlay::Dialog(_)))
}
