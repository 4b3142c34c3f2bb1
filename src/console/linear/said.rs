//! What is said besides the screens: greetings, messages, questions, help; and when.

use super::{ARRIVAL, Outcome, PATIENCE, Phase, Show, page};
use crate::console::Effect;
use crate::console::access;
use crate::console::chooser::Chooser;
use crate::console::keymap::action::Entry;
use crate::console::keymap::{ACTIONS, Action, Context, Danger};
use crate::console::language::Language;
use crate::console::model::{Ground, Model, Overlay, Prompt, SyncState, Tab, Tone};
use crate::console::msg::Msg;
use crate::domain::command::{Command, Fact};
use crate::domain::operator::{Present, Role};

/// Where one is, as whom, and how to go on.
pub(super) fn greet(model: &mut Model) {
    let say = &model.shell.language;
    let instance = &model.shell.instance;
    let mut lines = Vec::new();
    match instance.ground {
        Ground::Practice => lines.push(say.text("practice").to_owned()),
        Ground::Bundle(made) => {
            lines.push(say.with("bundle-of", &[("at", &made.to_string())]));
        }
        Ground::Real => {}
    }
    if instance.role == Role::Viewer {
        let text = say.text("read-only");
        lines.push(say.with("linear-attention", &[("text", text)]));
    }
    lines.push(say.text("linear-begin").to_owned());
    for line in lines {
        model.say(&line);
    }
}

/// A message for the operator, told apart from what the screens say.
pub(in crate::console) fn tone(model: &mut Model, tone: Tone, text: &str) {
    let key = match tone {
        Tone::Person => "linear-attention",
        _ => "linear-note",
    };
    let line = model.shell.language.with(key, &[("text", text)]);
    model.say(&line);
}

/// Before the message is taken in: who came and went, and whether it answers a command.
pub(in crate::console) fn around(model: &mut Model, msg: &Msg) {
    match msg {
        Msg::Present(present) => presence(model, present),
        Msg::Denied(_) => answered(model, Outcome::Denied),
        Msg::Ended => {
            if model.shell.sync == SyncState::Running {
                let text = model.shell.language.text("sync-ended").to_owned();
                tone(model, Tone::Person, &text);
            }
            answered(model, Outcome::Failed);
        }
        Msg::Told(fact) => heard(model, fact),
        Msg::Busy => answered(model, Outcome::Failed),
        _ => {}
    }
}

fn heard(model: &mut Model, fact: &Fact) {
    match fact {
        Fact::Accepted(_) | Fact::Surveyed(_) => answered(model, Outcome::Done),
        Fact::AcceptedInPart { .. } => {
            answered(model, Outcome::Done);
            model.end_as(Outcome::Failed);
        }
        Fact::Refused(_) | Fact::SurveyFailed => answered(model, Outcome::Failed),
        // A cycle that was asked for is not answered, but begins. Any other is no answer to anything.
        Fact::CycleStarted if is_in(model, |phase| matches!(phase, Phase::Beginning(_))) => {
            answered(model, Outcome::Done);
        }
        _ => {}
    }
}

fn is_in(model: &Model, asked: impl Fn(&Phase) -> bool) -> bool {
    let linear = model.linear.as_ref();
    linear.is_some_and(|linear| asked(&linear.phase))
}

fn answered(model: &mut Model, outcome: Outcome) {
    let Some(linear) = &mut model.linear else {
        return;
    };
    let is_done = outcome == Outcome::Done;
    match linear.phase {
        Phase::Acting(_) | Phase::Beginning(_) if is_done => {
            linear.phase = Phase::Arriving(model.shell.now);
        }
        Phase::Acting(_) | Phase::Beginning(_) | Phase::Counting => linear.phase = Phase::Ready,
        // What was taken in is on its way, and something else of it was not taken in.
        Phase::Arriving(_) if !is_done => {
            linear.outcome = outcome;
            return;
        }
        _ => return,
    }
    linear.outcome = outcome;
    linear.show = Show::Changes;
    if linear.phase == Phase::Ready {
        model.begin_looking();
        model.look_anew();
    }
}

fn presence(model: &mut Model, present: &[Present]) {
    let me = model.shell.instance.session;
    let before = std::sync::Arc::clone(&model.shell.present);
    let say = &model.shell.language;
    let mut told = Vec::new();
    let knows = |list: &[Present], one: &Present| list.iter().any(|p| p.session == one.session);
    let is_first = !before.iter().any(|one| one.session == me);
    for one in present.iter().filter(|one| one.session != me) {
        let who = [("who", one.operator.name.as_str())];
        if !knows(&before, one) {
            let key = if is_first {
                "linear-here"
            } else {
                "linear-came"
            };
            told.push((Tone::Plain, say.with(key, &who)));
        }
        let looked = before.iter().find(|p| p.session == one.session);
        let link = model.looks_at();
        let is_new = looked.is_none_or(|looked| looked.looks_at != one.looks_at);
        if link.is_some() && one.looks_at == link && is_new {
            told.push((Tone::Person, model.shell.words().company(one)));
        }
    }
    for one in before.iter().filter(|one| one.session != me) {
        if !knows(present, one) {
            let who = [("who", one.operator.name.as_str())];
            told.push((Tone::Plain, say.with("linear-left", &who)));
        }
    }
    for (how, text) in told {
        tone(model, how, &text);
    }
}

impl Model {
    /// Whoever waits for the sync looks again once it rests.
    pub(in crate::console) fn look_once_at_rest(&mut self) {
        let newest = self.known.held.as_ref().unwrap_or(&self.known.snapshot);
        // Nothing of a bundle moves.
        let is_kept = matches!(self.shell.instance.ground, Ground::Bundle(_));
        let rests = newest.is_idle || self.shell.sync == SyncState::Ended || is_kept;
        let now = self.shell.now;
        let is_over = match self.linear.as_ref().map(|linear| &linear.phase) {
            Some(Phase::Arriving(since)) => rests || now.since(*since) >= ARRIVAL,
            Some(Phase::Resting) if rests => {
                let key = if is_kept {
                    "bundle-rests"
                } else {
                    "linear-rests"
                };
                let text = self.shell.language.text(key).to_owned();
                tone(self, Tone::Plain, &text);
                true
            }
            _ => false,
        };
        if is_over {
            self.show(Show::Changes);
            self.begin_looking();
            self.look_anew();
        }
    }

    /// After a message: what it told, and what is in sight once nothing more is waited for.
    pub(in crate::console) fn settle(&mut self, effects: &[Effect]) {
        if let Some(toast) = self.shell.toast.take() {
            tone(self, toast.tone, &toast.text);
        }
        for effect in effects {
            self.note(effect);
        }
        let now = self.shell.now;
        let Some(linear) = &mut self.linear else {
            return;
        };
        match &mut linear.phase {
            Phase::Acting(since) | Phase::Beginning(since) if now.since(*since) >= PATIENCE => {
                linear.outcome = Outcome::Failed;
                let text = self.shell.language.text("linear-unanswered").to_owned();
                tone(self, Tone::Person, &text);
                self.begin_looking();
            }
            Phase::Looking { .. } => self.look_on(),
            _ => {}
        }
    }

    fn note(&mut self, effect: &Effect) {
        let now = self.shell.now;
        let Some(linear) = &mut self.linear else {
            return;
        };
        match (effect, &mut linear.phase) {
            (Effect::Command { command, .. }, phase) => {
                *phase = match command {
                    Command::Survey { .. } => Phase::Counting,
                    Command::RunCycle(_) => Phase::Beginning(now),
                    _ => Phase::Acting(now),
                };
            }
            (Effect::Ask(ticket, _), Phase::Looking { tickets, .. }) => {
                tickets.insert(*ticket);
            }
            _ => {}
        }
    }

    /// Says what is in sight if all that was asked is answered.
    fn look_on(&mut self) {
        let waiting = self.awaited();
        let now = self.shell.now;
        let slow = self.asked.undo.is_some()
            || self.asked.bulk.is_some()
            || self.asked.release.is_some()
            || self.asked.export.is_some()
            || self.asked.mending.is_some();
        let Some(linear) = &mut self.linear else {
            return;
        };
        let Phase::Looking { since, tickets } = &mut linear.phase else {
            return;
        };
        tickets.retain(|ticket| waiting.contains(ticket));
        let is_late = now.since(*since) >= PATIENCE;
        if slow || (!tickets.is_empty() && !is_late) {
            return;
        }
        let show = std::mem::replace(&mut linear.show, Show::Nothing);
        linear.phase = Phase::Ready;
        if !page::say(self, show) && show != Show::Nothing && self.overlay.is_none() {
            nothing(self);
        }
        overlay(self);
    }
}

/// Said if a command changed nothing that could be said.
pub(in crate::console) fn nothing(model: &mut Model) {
    let Some(linear) = &model.linear else {
        return;
    };
    if !linear.spoke {
        let text = model.shell.language.text("linear-nothing").to_owned();
        tone(model, Tone::Muted, &text);
    }
}

/// What lies over the screen: its lines, then what may be answered.
pub(in crate::console) fn overlay(model: &mut Model) {
    let say = &model.shell.language;
    let lines = match &model.overlay {
        None | Some(Overlay::Finder(_)) => return,
        Some(Overlay::Dialog(dialog)) => dialog.read(say),
        Some(Overlay::Here) => crate::console::here::read(model),
        Some(Overlay::Papers(_)) => crate::console::papers::read(model),
        Some(Overlay::Access) => accessed(model),
        Some(Overlay::Boxes(boxes)) => boxes.read(say),
        Some(Overlay::Picker(picker)) => picker.read(say),
        Some(Overlay::Columns(_)) => match model.screen().list() {
            Some(list) => {
                let mut lines = vec![say.text("columns-title").to_owned()];
                lines.extend(Chooser::read(list, say));
                lines.push(say.text("linear-ask-column").to_owned());
                lines
            }
            None => return,
        },
        Some(other) => match other.prompt() {
            Some(prompt) => asked(model, prompt),
            None => return,
        },
    };
    for line in lines {
        model.say(&line);
    }
    // Nothing is asked there: it is gone once it was read.
    if matches!(model.overlay, Some(Overlay::Here | Overlay::Papers(_))) {
        model.overlay = None;
    }
}

/// What stands there, then what may be answered.
fn accessed(model: &Model) -> Vec<String> {
    let say = &model.shell.language;
    let lines = access::lines(model);
    let mut lines: Vec<String> = lines.iter().filter_map(access::Line::text).collect();
    lines.push(say.text(access::asked(model)).to_owned());
    lines
}

fn asked(model: &Model, prompt: &Prompt) -> Vec<String> {
    let say = &model.shell.language;
    let mut lines = vec![prompt.title.clone()];
    match &prompt.problem {
        Some(problem) => lines.push(say.with("linear-attention", &[("text", problem)])),
        None => lines.push(prompt.hint.clone()),
    }
    let text = prompt.field.text();
    if !text.is_empty() {
        lines.push(say.with("linear-now", &[("text", &text)]));
    }
    let takes_blank = model.overlay.as_ref().is_some_and(Overlay::takes_blank);
    lines.push(if takes_blank {
        let blank = say.text("linear-blank");
        say.with("linear-ask-text-or-blank", &[("blank", blank)])
    } else {
        say.text("linear-ask-text").to_owned()
    });
    lines
}

/// The actions of this place, with one line each: first what can be done to what is chosen.
pub(in crate::console) fn help(model: &mut Model) {
    let say = &model.shell.language;
    let role = model.shell.instance.role;
    let contexts = model.screen_contexts();
    let hinted = model.screen().hints(model.scene()).into_iter();
    let mut now: Vec<Action> = hinted.map(|(action, _)| action).collect();
    let here = |context| {
        let first = |entry: &&Entry| contexts.iter().find(|c| entry.contexts.contains(c));
        let entries = ACTIONS.iter();
        entries.filter(move |entry| first(entry) == Some(context))
    };
    let others = contexts.iter().flat_map(here).map(|entry| entry.action);
    let mut also: Vec<Action> = others.collect();
    let is_for = |action: &Action| {
        let is_elsewhere = *action == Action::Papers && model.papers.is_empty();
        role >= action.needed() && *action != Action::Palette && !is_elsewhere
    };
    now.retain(is_for);
    also.retain(|action| is_for(action) && !now.contains(action));
    let mut lines = vec![say.text("linear-help").to_owned()];
    lines.push(say.text("linear-help-now").to_owned());
    lines.extend(now.iter().map(|action| described(say, *action)));
    lines.push(say.text("linear-help-also").to_owned());
    lines.extend(also.iter().map(|action| described(say, *action)));
    for (name, description) in [
        ("choose N", "linear-do-choose"),
        ("wait", "linear-do-wait"),
        ("lang fr, lang en", "palette-lang"),
    ] {
        lines.push(say.labelled(name, say.text(description)));
    }
    for line in lines {
        model.say(&line);
    }
}

fn described(say: &Language, action: Action) -> String {
    let entry = action.entry();
    let writes = match entry.danger {
        Danger::None => "",
        Danger::Writes => "! ",
    };
    say.labelled(
        &format!("{writes}{}", entry.name),
        say.text(entry.description),
    )
}

/// For what an action is, if not for here.
pub(in crate::console) fn places(model: &Model, contexts: &[Context]) -> String {
    let say = &model.shell.language;
    let mut names: Vec<&str> = Vec::new();
    for context in contexts {
        let tab = match context {
            Context::Overview => Tab::Overview,
            Context::Queues => Tab::Queues,
            Context::Conflicts | Context::Decide => Tab::Conflicts,
            Context::Contacts | Context::Contact => Tab::Contacts,
            Context::Flags | Context::Flag => Tab::Flags,
            Context::Activities => Tab::Activities,
            Context::Plugin | Context::Rule => Tab::Plugin,
            Context::Doctor | Context::Check => Tab::Doctor,
            Context::Audit | Context::Act => Tab::Audit,
            Context::Columns => {
                names.push("columns");
                continue;
            }
            Context::Access => {
                names.push("authorize");
                continue;
            }
            Context::Boxes => {
                names.push("boxes");
                continue;
            }
            Context::Everywhere | Context::List | Context::Dialog | Context::Text => continue,
        };
        names.push(say.text(tab.title()));
    }
    names.dedup();
    names.join(", ")
}
