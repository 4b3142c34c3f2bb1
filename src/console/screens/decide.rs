//! One contact's conflicts: what each system says, since when, which rule holds it, and what the
//! operator chose. Nothing is written from here without the dialog.

mod paint;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use super::listing::{Opened, written};
use super::{Notice, Scene};
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::{Selection, Step};
use crate::console::preview;
use crate::console::query::{Answer, ConflictRow, Page, Person, Query};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::conflict::{Choice, Conflict, Subject};
use crate::domain::ids::{Generation, Kind, LinkId, Side};
use crate::domain::link::{Link, Pending};

#[derive(Debug)]
pub(in crate::console) struct Decide {
    pub(in crate::console) link: LinkId,
    pub(in crate::console) slot: Slot<Option<Box<Person>>>,
    selection: Selection<Subject>,
    /// All that was in conflict since this was opened: what both systems show of it stays in sight once it
    /// is decided.
    seen: BTreeSet<Subject>,
    pub(in crate::console) choices: BTreeMap<Subject, Choice>,
    /// The version that the choices were made on.
    made_on: Option<Generation>,
    /// Lines of what is told about the chosen conflict that are scrolled off.
    scroll: usize,
}

/// What was chosen for one contact and is not written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Choices {
    pub(in crate::console) link: LinkId,
    choices: BTreeMap<Subject, Choice>,
    made_on: Option<Generation>,
}

impl Choices {
    pub(in crate::console) fn count(&self) -> u64 {
        self.choices.len() as u64
    }

    /// Takes out what was written; `false` if nothing else is left.
    pub(in crate::console) fn written(&mut self, subjects: &[Subject]) -> bool {
        self.choices
            .retain(|subject, _| !subjects.contains(subject));
        !self.choices.is_empty()
    }
}

impl Decide {
    /// What was chosen here, if anything was, for whoever comes back.
    pub(in crate::console) fn put_away(self) -> Option<Choices> {
        let is_kept = !self.choices.is_empty();
        is_kept.then_some(Choices {
            link: self.link,
            choices: self.choices,
            made_on: self.made_on,
        })
    }

    /// What was chosen before. It is void if the contact is another version by now.
    pub(in crate::console) fn take_up(&mut self, kept: Choices) {
        self.choices = kept.choices;
        self.made_on = kept.made_on;
    }

    /// These choices were taken in by the sync.
    pub(in crate::console) fn written(&mut self, subjects: &[Subject]) {
        self.choices
            .retain(|subject, _| !subjects.contains(subject));
    }

    pub(in crate::console) fn new(link: LinkId) -> Self {
        Self {
            link,
            slot: Slot::default(),
            selection: Selection::default(),
            seen: BTreeSet::new(),
            choices: BTreeMap::new(),
            made_on: None,
            scroll: 0,
        }
    }

    pub(in crate::console) fn person(&self) -> Option<&Person> {
        self.slot.data.as_ref()?.as_deref()
    }

    fn subjects(&self) -> Vec<Subject> {
        let conflicts = self.person().map_or(&[][..], |p| &p.link.conflicts);
        conflicts.iter().map(|conflict| conflict.subject).collect()
    }

    fn settle(&mut self) -> Notice {
        let subjects = self.subjects();
        self.selection.settle(&subjects);
        self.seen.extend(subjects);
        let generation = self.person().map(|person| person.link.generation);
        if self.choices.is_empty() || generation == self.made_on {
            return Notice::None;
        }
        self.choices.clear();
        Notice::ChoicesVoid
    }

    fn step_to(&mut self, step: Step, page: usize) {
        let subjects = self.subjects();
        self.selection.step(&subjects, step, page);
        self.scroll = 0;
    }

    pub(in crate::console) fn conflict(&self) -> Option<&Conflict> {
        let subject = self.selection.key()?;
        let link = &self.person()?.link;
        link.conflicts.iter().find(|c| c.subject == subject)
    }

    /// Notes a choice for the chosen conflict; `false` if it does not take it.
    pub(in crate::console) fn choose(&mut self, choice: Choice) -> bool {
        let Some((person, conflict)) = self.person().zip(self.conflict()) else {
            return false;
        };
        if !preview::fits(&person.link, conflict, &choice) {
            return false;
        }
        let (subject, generation) = (conflict.subject, person.link.generation);
        self.made_on = Some(generation);
        self.choices.insert(subject, choice);
        self.scroll = 0;
        // On to the next one that is still open, so that a list of fields is gone through quickly.
        let subjects = self.subjects();
        let open = subjects.iter().position(|s| !self.choices.contains_key(s));
        if let Some(index) = open {
            self.selection.choose(&subjects, index);
        }
        true
    }

    pub(in crate::console) fn clear(&mut self) -> bool {
        let subject = self.selection.key();
        subject.is_some_and(|subject| self.choices.remove(&subject).is_some())
    }

    fn titled(&self, words: Words<'_>) -> String {
        let named = |person: &Person| words.titled(&person.name, person.link.id);
        self.person().map_or_else(String::new, named)
    }

    /// Only the choices that the conflict under the cursor takes.
    fn offered(&self) -> Vec<(Action, &'static str)> {
        let Some((person, conflict)) = self.person().zip(self.conflict()) else {
            let has_more = !self.subjects().is_empty();
            let mut hints = vec![
                (Action::Undo, "hint-undo"),
                (Action::OpenContact, "hint-contact"),
            ];
            if has_more {
                hints.insert(0, (Action::Down, "hint-move"));
            }
            return hints;
        };
        let mut hints = Vec::new();
        if !self.choices.is_empty() {
            hints.push((Action::Write, "hint-write"));
        }
        for (choice, action, label) in [
            (
                Choice::Salesforce,
                Action::TakeSalesforce,
                "hint-salesforce",
            ),
            (
                Choice::Automation,
                Action::TakeAutomation,
                "hint-automation",
            ),
            (Choice::Base, Action::TakeBase, "hint-base"),
            (Choice::KeepBoth, Action::KeepBoth, "hint-keep"),
            (Choice::OptOut, Action::OptOut, "hint-opt-out"),
            (Choice::OptIn, Action::OptIn, "hint-opt-in"),
            (Choice::Retry, Action::TryAgain, "hint-again"),
        ] {
            let is_vain = preview::in_vain(&person.link, conflict, &choice).is_some();
            if preview::fits(&person.link, conflict, &choice) && !is_vain {
                hints.push((action, label));
            }
        }
        let is_field = matches!(conflict.subject, Subject::Field(_));
        if is_field || !preview::candidates(conflict).is_empty() {
            let at = hints.len().min(3);
            hints.insert(at, (Action::TypeValue, "hint-type"));
        }
        if self.choices.contains_key(&conflict.subject) {
            hints.push((Action::ClearChoice, "hint-clear"));
        }
        if person.link.conflicts.len() > 1 {
            hints.push((Action::Down, "hint-move"));
        }
        hints.push((Action::Back, "hint-back"));
        hints.push((Action::SetAside, "hint-set-aside"));
        hints.push((Action::OpenContact, "hint-contact"));
        hints
    }

    /// What was decided since this was opened, and what either system shows of it now.
    fn decided(&self, words: Words<'_>, link: &Link) -> Vec<(String, [String; 2])> {
        let shown = |subject: &Subject| {
            let values = match subject {
                Subject::Field(id) => {
                    let field = link.field(*id)?;
                    Side::BOTH.map(|side| words.value(field.on(side)))
                }
                Subject::Consent => Side::BOTH.map(|side| {
                    words
                        .consent(link.consent.on(side).map(|view| view.value))
                        .to_owned()
                }),
                Subject::Identity | Subject::Deletion | Subject::Write(_) => return None,
            };
            Some((words.subject(link.kind, *subject), values))
        };
        self.seen.iter().filter_map(shown).collect()
    }
}

impl Opened<Page<ConflictRow>> for Decide {
    fn slot(&self) -> Option<&dyn Waiting> {
        Some(&self.slot)
    }

    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        Some(&mut self.slot)
    }

    fn query(&self) -> Option<Query> {
        Some(Query::Person(self.link))
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let Answer::Person(answer) = answer else {
            return Err(answer);
        };
        self.slot.answer(answer, scene.words.now);
        Ok(self.settle())
    }

    fn title(&self, scene: Scene<'_>, _: Option<&Page<ConflictRow>>) -> String {
        self.titled(scene.words)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, _: Option<&Page<ConflictRow>>, canvas: &mut Canvas<'_>) {
        self.paint_whole(scene, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&Page<ConflictRow>>) -> Reading {
        self.read_whole(scene.words)
    }

    fn choose(&mut self, key: &str) -> bool {
        let subjects = self.subjects();
        let found = subjects.iter().position(|known| written(known) == key);
        if let Some(index) = found {
            self.selection.choose(&subjects, index);
            self.scroll = 0;
        }
        found.is_some()
    }

    fn step(&mut self, scene: Scene<'_>, _: Option<&Page<ConflictRow>>, step: Step, body: u16) {
        if !self.scroll_by(scene, step, body) {
            self.step_to(step, super::page_height(body));
        }
    }

    fn copied(&self, _scene: Scene<'_>, _: Option<&Page<ConflictRow>>) -> Option<String> {
        self.person().map(|person| person.name.clone())
    }
}

fn joined(words: Words<'_>, texts: [String; 2]) -> String {
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    texts
        .collect::<Vec<_>>()
        .join(words.language.text("separator"))
}

/// The message that says how it stands with a link whose conflicts are decided.
fn settled(link: &Link) -> &'static str {
    let is_on_its_way = !link.pending.is_empty();
    match (
        is_on_its_way,
        link.diverged > 0 || link.decided_consent.is_some(),
    ) {
        (true, _) => "arriving",
        (false, true) => "settled-differs",
        (false, false) if link.is_whole() => "settled-agree",
        (false, false) => "settled",
    }
}

/// Where to, how it stands, and what it carries.
pub(in crate::console) fn on_its_way(words: Words<'_>, kind: Kind, pending: &Pending) -> String {
    let fields: Vec<String> = pending
        .values
        .iter()
        .map(|(field, value)| {
            let name = words.field_on(kind, *field, pending.side);
            format!("{name} = {}", words.value(Some(value)))
        })
        .collect();
    let state = words.pending(pending.state);
    let told = words.labelled(&state, &fields.join(", "));
    words.labelled(&pending.side.to_string(), &told)
}
