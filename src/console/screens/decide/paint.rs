//! What one contact's conflicts look like: a line each with what was chosen, and below them all about the
//! one pointed at. What finds no room is counted, and scrolled to.

use super::{Decide, joined, on_its_way, settled};
use crate::console::canvas::Canvas;
use crate::console::list::{Step, page_top};
use crate::console::preview;
use crate::console::query::Person;
use crate::console::safe::Safe;
use crate::console::screens::Scene;
use crate::console::screens::lines::paint_nobody;
use crate::console::theme::Theme;
use crate::console::words::{Words, moment};
use crate::domain::conflict::{Choice, Conflict, Subject};
use crate::domain::ids::{FieldId, Side};
use crate::domain::link::Link;

/// Where values stand, beside the title that says whose they are.
const VALUES: u16 = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Muted,
    Strong,
    Accent,
    /// Needs a person.
    Person,
}

/// A text at its place, with a title before it where it has one.
struct Told {
    title: Option<(Ink, String)>,
    x: u16,
    ink: Ink,
    text: String,
}

fn told(x: u16, ink: Ink, text: impl Into<String>) -> Told {
    Told {
        title: None,
        x,
        ink,
        text: text.into(),
    }
}

fn titled(ink: Ink, title: impl Into<String>, text: Told) -> Told {
    Told {
        title: Some((ink, title.into())),
        ..text
    }
}

impl Ink {
    fn style(self, theme: Theme) -> ratatui::style::Style {
        match self {
            Self::Plain => theme.plain(),
            Self::Muted => theme.muted(),
            Self::Strong => theme.strong(),
            Self::Accent => theme.accent(),
            Self::Person => theme.person(),
        }
    }
}

impl Decide {
    pub(super) fn paint_whole(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let Some(person) = self.person() else {
            return paint_nobody(words, self.slot.data.is_some(), canvas);
        };
        let conflicts = &person.link.conflicts;
        let rows = rows(conflicts.len(), canvas.height());
        let top = page_top(self.selection.index(), rows.max(1));
        let mut y = 0;
        for conflict in conflicts.iter().skip(top).take(rows) {
            self.paint_row(words, &person.link, conflict, canvas, y);
            y += 1;
        }
        if y > 0 {
            canvas.rule(y);
            let below = conflicts.len().saturating_sub(top + rows);
            if let Some(hidden) = hidden(words, top, below) {
                canvas.text(1, y, &format!(" {hidden} "), theme.person());
            }
            y += 1;
        }
        let height = canvas.height().saturating_sub(y);
        let mut part = canvas.part(0, y, canvas.width(), height);
        let lines = laid(self.about_it(words, person), theme, part.width());
        paint_scrolled(words, &lines, self.scroll, &mut part);
    }

    /// All about the conflict pointed at; of a contact whose conflicts are decided, how it stands.
    fn about_it(&self, words: Words<'_>, person: &Person) -> Vec<Told> {
        match self.conflict() {
            Some(conflict) => self.detail(words, person, conflict),
            None if person.link.conflicts.is_empty() => self.settled_told(words, &person.link),
            None => Vec::new(),
        }
    }

    /// A step through what is told; `false` if it is one through the conflicts.
    pub(super) fn scroll_by(&mut self, scene: Scene<'_>, step: Step, body: u16) -> bool {
        let Some(person) = self.person() else {
            return false;
        };
        let conflicts = person.link.conflicts.len();
        let rows = rows(conflicts, body) as u16;
        let room = usize::from(body.saturating_sub(rows + u16::from(rows > 0)));
        let told = self.about_it(scene.words, person);
        let lines = laid(told, scene.theme, scene.width).len();
        let page = room.saturating_sub(1).max(1);
        let last = lines.saturating_sub(page);
        let is_page = matches!(step, Step::PageDown | Step::PageUp);
        if lines <= room || !(is_page || conflicts < 2) {
            return false;
        }
        let moved = match step {
            Step::Down => self.scroll + 1,
            Step::Up => self.scroll.saturating_sub(1),
            Step::First => 0,
            Step::Last => last,
            Step::PageDown => self.scroll + page,
            Step::PageUp => self.scroll.saturating_sub(page),
        };
        self.scroll = moved.min(last);
        true
    }

    /// Nothing is left to decide: what is on its way, or that both agree; and what both systems show now of
    /// that which was decided here.
    fn settled_told(&self, words: Words<'_>, link: &Link) -> Vec<Told> {
        let blank = || told(1, Ink::Plain, "");
        let mut lines = vec![
            blank(),
            told(1, Ink::Strong, words.language.text(settled(link))),
        ];
        for pending in &link.pending {
            let text = on_its_way(words, link.kind, pending);
            lines.push(told(3, Ink::Plain, text));
        }
        for (subject, shown) in self.decided(words, link) {
            lines.extend([blank(), told(1, Ink::Strong, subject)]);
            for (side, value) in Side::BOTH.iter().zip(shown) {
                let value = told(VALUES, Ink::Plain, value);
                lines.push(titled(Ink::Accent, side.to_string(), value));
            }
        }
        lines
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

    /// Why it waits, what both systems say, what the choice writes, and the rules that led there.
    fn detail(&self, words: Words<'_>, person: &Person, conflict: &Conflict) -> Vec<Told> {
        let say = words.language;
        let link = &person.link;
        let cause = format!("{} {}", say.text("held-because"), words.cause(conflict));
        let mut lines = vec![told(1, Ink::Strong, cause)];
        lines.extend(match conflict.subject {
            Subject::Field(field) => values(words, link, field),
            Subject::Consent => consent(words, link),
            _ => records(words, link),
        });
        if let Some(choice) = self.choices.get(&conflict.subject) {
            let writes = preview::lines(words, link, conflict.subject, choice).into_iter();
            lines.extend(writes.map(|write| told(1, Ink::Accent, format!("→ {write}"))));
        }
        let pairing = words.pairing(conflict);
        lines.extend(pairing.map(|text| told(1, Ink::Muted, text)));
        if let Subject::Field(field) = conflict.subject {
            let steps = person.why.get(&field).map_or(&[][..], Vec::as_slice);
            lines.extend((1..).zip(steps).map(|(place, step)| {
                let step = words.step(*step);
                told(3, Ink::Muted, format!("{place}. {step}"))
            }));
        }
        for choice in [Choice::Salesforce, Choice::Automation, Choice::Base] {
            if let Some(again) = preview::in_vain(link, conflict, &choice) {
                let text = words.labelled(&words.choice(&choice), &again.told(words));
                lines.push(told(1, Ink::Person, text));
            }
        }
        lines
    }
}

/// Lines for the conflicts of a contact: at most a third of the screen.
fn rows(conflicts: usize, height: u16) -> usize {
    conflicts.min(usize::from(height / 3))
}

/// How many conflicts are out of sight, and which way.
fn hidden(words: Words<'_>, above: usize, below: usize) -> Option<String> {
    let parts = [("decide-above", above), ("decide-below", below)];
    let parts = parts.into_iter().filter(|(_, n)| *n > 0);
    let parts: Vec<String> = parts
        .map(|(key, n)| words.language.count(key, n as u64))
        .collect();
    (!parts.is_empty()).then(|| parts.join(words.language.text("separator")))
}

/// As many lines as they take on a screen of that width.
fn laid(all: Vec<Told>, theme: Theme, width: u16) -> Vec<Told> {
    let mut lines = Vec::new();
    for Told {
        mut title,
        x,
        ink,
        text,
    } in all
    {
        let room = usize::from(width.saturating_sub(x + 1));
        for part in Safe::new(&theme.spelled(&text)).wrapped(room) {
            lines.push(Told {
                title: title.take(),
                x,
                ink,
                text: part.into_string(),
            });
        }
    }
    lines
}

/// A page of it; its last line then says what else there is.
fn paint_scrolled(words: Words<'_>, lines: &[Told], top: usize, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let room = usize::from(canvas.height());
    let is_cut = lines.len() > room;
    let count = room - usize::from(is_cut && room > 0);
    let top = top.min(lines.len().saturating_sub(count));
    for (y, line) in (0..).zip(lines.iter().skip(top).take(count)) {
        if let Some((ink, title)) = &line.title {
            canvas.within(1, y, VALUES - 2, title, ink.style(theme));
        }
        canvas.text(line.x, y, &line.text, line.ink.style(theme));
    }
    if is_cut {
        let more = match lines.len().saturating_sub(top + count) as u64 {
            0 => words.language.text("dialog-end").to_owned(),
            below => words.language.count("dialog-more", below),
        };
        canvas.text(1, count as u16, &more, theme.person());
    }
}

/// Base, Salesforce, Automation: the value, since when, and who edited the record last.
fn values(words: Words<'_>, link: &Link, field: FieldId) -> Vec<Told> {
    let say = words.language;
    let Some(state) = link.field(field) else {
        return Vec::new();
    };
    let base = match &state.base {
        Some(base) => words.value(Some(&base.salesforce)),
        None => say.text("never-agreed").to_owned(),
    };
    let base = told(VALUES, Ink::Plain, base);
    let mut lines = vec![titled(Ink::Muted, say.text("base"), base)];
    for side in Side::BOTH {
        let value = told(VALUES, Ink::Strong, words.value(state.on(side)));
        lines.push(titled(Ink::Accent, side.to_string(), value));
        let edited = words.edited(state.edited(side));
        let when = joined(words, [edited, words.last_edit(link, side)]);
        if !when.is_empty() {
            lines.push(told(VALUES, Ink::Muted, when));
        }
    }
    lines
}

fn consent(words: Words<'_>, link: &Link) -> Vec<Told> {
    let say = words.language;
    let agreed = told(VALUES, Ink::Plain, words.consent(link.consent.agreed));
    let mut lines = vec![titled(Ink::Muted, say.text("base"), agreed)];
    for side in Side::BOTH {
        let view = link.consent.on(side);
        let value = words.consent(view.map(|view| view.value));
        let value = told(VALUES, Ink::Strong, value);
        lines.push(titled(Ink::Accent, side.to_string(), value));
        if let Some(view) = view {
            let text = say.with("seen-since", &[("at", &moment(view.since))]);
            lines.push(told(VALUES, Ink::Muted, text));
        }
    }
    lines
}

fn records(words: Words<'_>, link: &Link) -> Vec<Told> {
    let lines = Side::BOTH.map(|side| {
        let text = link.state(side).map_or_else(
            || words.language.text("no-record").to_owned(),
            |state| {
                let last = words.last_edit(link, side);
                let separator = words.language.text("separator");
                format!("{}{separator}{last}", words.row_state(state))
            },
        );
        titled(
            Ink::Accent,
            side.to_string(),
            told(VALUES, Ink::Plain, text),
        )
    });
    lines.into()
}
