//! One contact's conflicts: what each system says, since when, which rule holds it, and what the
//! operator chose. Nothing is written from here without the dialog.

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
use crate::console::words::{Words, moment};
use crate::domain::conflict::{Choice, Conflict, Subject};
use crate::domain::ids::{FieldId, Generation, Kind, LinkId, Side};
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
        hints.push((Action::SetAside, "hint-set-aside"));
        hints.push((Action::OpenContact, "hint-contact"));
        hints
    }

    fn paint_whole(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = words.language;
        let Some(person) = self.person() else {
            let key = if self.slot.data.is_some() {
                "person-gone"
            } else {
                "loading"
            };
            canvas.text(1, 1, say.text(key), theme.muted());
            return;
        };
        let link = &person.link;
        if link.conflicts.is_empty() {
            self.paint_settled(words, link, canvas);
            return;
        }
        let mut y = 0;
        let rows = link.conflicts.len().min(usize::from(canvas.height() / 3));
        let top = crate::console::list::page_top(self.selection.index(), rows);
        for conflict in link.conflicts.iter().skip(top).take(rows) {
            self.paint_row(words, link, conflict, canvas, y);
            y += 1;
        }
        canvas.rule(y);
        if let Some(conflict) = self.conflict() {
            let height = canvas.height().saturating_sub(y + 1);
            let mut part = canvas.part(0, y + 1, canvas.width(), height);
            self.paint_detail(words, person, conflict, &mut part);
        }
    }

    /// Nothing is left to decide: what is on its way, or that both agree; and what both systems show now of
    /// that which was decided here.
    fn paint_settled(&self, words: Words<'_>, link: &Link, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let key = settled(link);
        let mut y = 1 + canvas.paragraph(1, 1, 3, words.language.text(key), theme.strong());
        for pending in &link.pending {
            let text = on_its_way(words, link.kind, pending);
            y += canvas.paragraph(3, y, 3, &text, theme.plain());
        }
        for (subject, shown) in self.decided(words, link) {
            y += 1;
            canvas.text(1, y, &subject, theme.strong());
            y += 1;
            for (side, value) in Side::BOTH.iter().zip(shown) {
                canvas.text(1, y, &side.to_string(), theme.accent());
                y += canvas.paragraph(14, y, 2, &value, theme.plain());
            }
        }
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

    fn paint_row(
        &self,
        words: Words<'_>,
        link: &Link,
        conflict: &Conflict,
        canvas: &mut Canvas<'_>,
        y: u16,
    ) {
        let theme = canvas.theme;
        let half = canvas.width() / 2;
        let subject = words.subject(link.kind, conflict.subject);
        canvas.within(1, y, half - 2, &subject, theme.strong());
        if let Some(choice) = self.choices.get(&conflict.subject) {
            let sign = theme.sign("→", "->");
            let text = format!("{sign} {}", words.choice(choice));
            canvas.within(half, y, half - 1, &text, theme.accent());
        } else {
            let text = words.language.text("undecided");
            canvas.within(half, y, half - 1, text, theme.person());
        }
        if self.selection.key() == Some(conflict.subject) {
            canvas.line_style(y, theme.selected());
        }
    }

    fn paint_detail(
        &self,
        words: Words<'_>,
        person: &Person,
        conflict: &Conflict,
        canvas: &mut Canvas<'_>,
    ) {
        let theme = canvas.theme;
        let say = words.language;
        let bottom = canvas.height();
        let cause = format!("{} {}", say.text("held-because"), words.cause(conflict));
        let mut y = canvas.paragraph(1, 0, 3, &cause, theme.strong());
        y = match conflict.subject {
            Subject::Field(field) => paint_values(words, &person.link, field, canvas, y),
            Subject::Consent => paint_consent(words, &person.link, canvas, y),
            _ => paint_records(words, &person.link, canvas, y),
        };
        if let Some(text) = words.pairing(conflict) {
            y += canvas.paragraph(1, y, bottom.saturating_sub(y), &text, theme.muted());
        }
        if let Subject::Field(field) = conflict.subject {
            let steps = person.why.get(&field).map_or(&[][..], Vec::as_slice);
            for (index, step) in steps.iter().enumerate() {
                let text = format!("{}. {}", index + 1, words.step(*step));
                y += canvas.paragraph(3, y, bottom.saturating_sub(y), &text, theme.muted());
            }
        }
        for choice in [Choice::Salesforce, Choice::Automation, Choice::Base] {
            if let Some(again) = preview::in_vain(&person.link, conflict, &choice) {
                let text = words.labelled(&words.choice(&choice), &again.told(words));
                y += canvas.paragraph(1, y, bottom.saturating_sub(y), &text, theme.person());
            }
        }
        if let Some(choice) = self.choices.get(&conflict.subject) {
            for line in preview::lines(words, &person.link, conflict.subject, choice) {
                let text = format!("{} {line}", theme.sign("→", "->"));
                y += canvas.paragraph(1, y, bottom.saturating_sub(y), &text, theme.accent());
            }
        }
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
        self.paint_whole(scene.words, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&Page<ConflictRow>>) -> Reading {
        self.read_whole(scene.words)
    }

    fn choose(&mut self, key: &str) -> bool {
        let subjects = self.subjects();
        let found = subjects.iter().position(|known| written(known) == key);
        if let Some(index) = found {
            self.selection.choose(&subjects, index);
        }
        found.is_some()
    }

    fn step(&mut self, _: Scene<'_>, _: Option<&Page<ConflictRow>>, step: Step, body: u16) {
        self.step_to(step, super::page_height(body));
    }

    fn copied(&self, _scene: Scene<'_>, _: Option<&Page<ConflictRow>>) -> Option<String> {
        self.person().map(|person| person.name.clone())
    }
}

/// Base, Salesforce, Automation: the value, since when, and who edited the record last.
fn paint_values(
    words: Words<'_>,
    link: &Link,
    field: FieldId,
    canvas: &mut Canvas<'_>,
    top: u16,
) -> u16 {
    let theme = canvas.theme;
    let say = words.language;
    let Some(state) = link.field(field) else {
        return top;
    };
    let mut y = top;
    let base = match &state.base {
        Some(base) => words.value(Some(&base.salesforce)),
        None => say.text("never-agreed").to_owned(),
    };
    canvas.text(1, y, say.text("base"), theme.muted());
    canvas.text(14, y, &base, theme.plain());
    y += 1;
    for side in Side::BOTH {
        canvas.text(1, y, &side.to_string(), theme.accent());
        let text = words.value(state.on(side));
        y += canvas.paragraph(14, y, 2, &text, theme.strong());
        let edited = words.edited(state.edited(side));
        let last = words.last_edit(link, side);
        let when = joined(words, [edited, last]);
        y += canvas.paragraph(14, y, 2, &when, theme.muted());
    }
    y
}

fn joined(words: Words<'_>, texts: [String; 2]) -> String {
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    texts
        .collect::<Vec<_>>()
        .join(words.language.text("separator"))
}

fn paint_consent(words: Words<'_>, link: &Link, canvas: &mut Canvas<'_>, top: u16) -> u16 {
    let theme = canvas.theme;
    let mut y = top;
    let agreed = words.consent(link.consent.agreed);
    canvas.text(1, y, words.language.text("base"), theme.muted());
    canvas.text(14, y, agreed, theme.plain());
    y += 1;
    for side in Side::BOTH {
        let view = link.consent.on(side);
        canvas.text(1, y, &side.to_string(), theme.accent());
        canvas.text(
            14,
            y,
            words.consent(view.map(|view| view.value)),
            theme.strong(),
        );
        y += 1;
        if let Some(view) = view {
            let seen = moment(view.since);
            let text = words.language.with("seen-since", &[("at", &seen)]);
            canvas.text(14, y, &text, theme.muted());
            y += 1;
        }
    }
    y
}

fn paint_records(words: Words<'_>, link: &Link, canvas: &mut Canvas<'_>, top: u16) -> u16 {
    let theme = canvas.theme;
    let mut y = top;
    for side in Side::BOTH {
        let state = link.state(side);
        let text = state.map_or_else(
            || words.language.text("no-record").to_owned(),
            |state| {
                let last = words.last_edit(link, side);
                format!(
                    "{}{}{last}",
                    words.row_state(state),
                    words.language.text("separator")
                )
            },
        );
        canvas.text(1, y, &side.to_string(), theme.accent());
        y += canvas.paragraph(14, y, 2, &text, theme.plain());
    }
    y
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
