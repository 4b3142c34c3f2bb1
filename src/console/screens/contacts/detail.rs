//! One contact: both records side by side, why they differ, what was said to the two systems, what
//! happened; and the same as it was at an earlier moment.

use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::Step;
use crate::console::model::Tone;
use crate::console::query::{Answer, Brief, HISTORY_MAX, Page, Person, Query};
use crate::console::screens::lines::{Line, Scroll, columns, line, paint_nobody, spoken, wrapped};
use crate::console::screens::listing::Opened;
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::{Words, clock, moment};
use crate::domain::exchange::Exchange;
use crate::domain::ids::{FieldId, LinkId, Side};
use crate::domain::link::{FieldState, Link};
use crate::domain::mapping::Role;
use crate::domain::record::{Happened, HistoryEntry};
use crate::domain::value::Value;

/// One contact, how far it is scrolled, and how far back in time.
#[derive(Debug)]
pub(in crate::console) struct Detail {
    pub(in crate::console) link: LinkId,
    pub(in crate::console) slot: Slot<Option<Box<Person>>>,
    scroll: Scroll,
    /// The oldest entry of its history that is taken back, and how far back it was when last looked at.
    /// What is written to the history meanwhile does not move it.
    back: Option<(HistoryEntry, usize)>,
}

impl Detail {
    pub(in crate::console) fn new(link: LinkId) -> Self {
        Self {
            link,
            slot: Slot::default(),
            scroll: Scroll::default(),
            back: None,
        }
    }

    pub(in crate::console) fn person(&self) -> Option<&Person> {
        self.slot.data.as_ref()?.as_deref()
    }

    /// One entry of its history further back, or nearer to now; `false` at an end.
    pub(in crate::console) fn travel(&mut self, earlier: bool) -> bool {
        let Some(person) = self.person() else {
            return false;
        };
        let back = self.back(person);
        let wanted = if earlier {
            Some(back + 1)
        } else {
            back.checked_sub(1)
        };
        let Some(wanted) = wanted.filter(|back| *back <= person.history.len()) else {
            return false;
        };
        self.back = wanted
            .checked_sub(1)
            .map(|index| (person.history[index].clone(), wanted));
        self.scroll = Scroll::default();
        true
    }

    /// Entries of the history, newest first, that are taken back; none for now. Newer ones only ever
    /// come before it, so of equal entries it is the first that is not nearer than it was.
    fn back(&self, person: &Person) -> usize {
        let Some((entry, before)) = &self.back else {
            return 0;
        };
        let entries = person.history.iter().enumerate().skip(before - 1);
        let found = entries.into_iter().find(|(_, known)| *known == entry);
        // Older than all that are kept: as far back as there is anything.
        found.map_or(person.history.len(), |(index, _)| index + 1)
    }

    fn titled(&self, words: Words<'_>) -> String {
        let named = |person: &Person| words.titled(&person.name, person.link.id);
        self.person().map_or_else(String::new, named)
    }

    fn offered(&self) -> Vec<(Action, &'static str)> {
        let person = self.person();
        let is_held = person.is_some_and(|person| !person.link.conflicts.is_empty());
        let is_aside = person.is_some_and(|person| person.link.is_set_aside());
        let mut hints = Vec::new();
        if is_held {
            hints.push((Action::Open, "hint-decide"));
        }
        hints.push((Action::ReadAgain, "hint-read-again"));
        if is_aside {
            hints.push((Action::TakeBack, "hint-take-back"));
        } else {
            hints.push((Action::SetAside, "hint-set-aside"));
            hints.push((Action::Unlink, "hint-unlink"));
        }
        hints.push((Action::Earlier, "hint-earlier"));
        hints.push((Action::Later, "hint-later"));
        hints
    }

    fn scroll(&mut self, scene: Scene<'_>, step: Step, page: usize) {
        let lines = |person| wrapped(lines(scene.words, person, self.back(person)), scene.width);
        let lines = self.person().map_or(0, |person| lines(person).len());
        self.scroll.step(lines, step, page);
    }

    fn paint_whole(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let Some(person) = self.person() else {
            return paint_nobody(words, self.slot.data.is_some(), canvas);
        };
        let lines = wrapped(lines(words, person, self.back(person)), canvas.width());
        self.scroll.paint(&lines, canvas);
    }
}

impl Opened<Page<Brief>> for Detail {
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
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, _: Option<&Page<Brief>>) -> String {
        self.titled(scene.words)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, _: Option<&Page<Brief>>, canvas: &mut Canvas<'_>) {
        self.paint_whole(scene.words, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&Page<Brief>>) -> Reading {
        let words = scene.words;
        match self.person() {
            Some(person) => Reading::of(spoken(words, &lines(words, person, self.back(person)))),
            None => Reading::without(words, self.slot.data.is_some()),
        }
    }

    fn step(&mut self, scene: Scene<'_>, _: Option<&Page<Brief>>, step: Step, body: u16) {
        self.scroll(scene, step, usize::from(body));
    }

    fn copied(&self, _scene: Scene<'_>, _: Option<&Page<Brief>>) -> Option<String> {
        self.person().map(|person| person.name.clone())
    }
}

/// Everything about a person, line by line.
fn lines(words: Words<'_>, person: &Person, back: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(entry) = back
        .checked_sub(1)
        .and_then(|index| person.history.get(index))
    {
        let gaps = [
            ("at", moment(entry.at)),
            ("n", back.to_string()),
            ("of", person.history.len().to_string()),
        ];
        let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
        let text = words.language.with("as-it-was", &gaps);
        lines.push(line(Tone::Person, text));
    }
    lines.extend(records(words, &before(person, back)));
    lines.push(line(Tone::Plain, ""));
    lines.extend(standing(words, &person.link));
    lines.extend(why(words, person));
    lines.extend(exchanges(words, person));
    lines.extend(history(words, person, back));
    lines
}

/// The link before the newest so many entries of its history, as far as our own writes tell.
fn before(person: &Person, back: usize) -> Link {
    let mut link = person.link.clone();
    for entry in person.history.iter().take(back) {
        match &entry.what {
            Happened::Written {
                side,
                field,
                before,
                ..
            } => set(&mut link, *side, *field, before),
            Happened::Overwritten {
                side, field, lost, ..
            } => set(&mut link, *side, *field, lost),
            Happened::ConsentChanged { side, before, .. } => {
                let view = link.consent.on_mut(*side);
                match (view.as_mut(), before) {
                    (Some(view), Some(before)) => view.value = *before,
                    _ => *view = None,
                }
            }
            _ => {}
        }
    }
    link
}

fn set(link: &mut Link, side: Side, field: FieldId, value: &Value) {
    let state = link.field_mut(field);
    let shown = match side {
        Side::Salesforce => &mut state.salesforce,
        Side::Automation => &mut state.automation,
    };
    *shown = Some(value.clone());
}

/// The rules that applied to each field whose sides differ.
fn why(words: Words<'_>, person: &Person) -> Vec<Line> {
    let link = &person.link;
    let differing = person.why.iter().filter(|(field, _)| {
        let state = link.field(**field);
        state.is_some_and(|state| differs(words, link, state) && is_carried(words, link, state))
    });
    let mut lines = Vec::new();
    for (field, steps) in differing {
        if lines.is_empty() {
            lines.push(line(Tone::Muted, words.language.text("why-differs")));
        }
        let steps: Vec<String> = steps.iter().map(|step| words.step(*step)).collect();
        let steps = steps.join(words.language.text("separator"));
        let text = words.labelled(&words.field(link.kind, *field), &steps);
        lines.push(line(Tone::Plain, text));
    }
    lines
}

/// What was asked of the two systems about this contact, and what they said.
fn exchanges(words: Words<'_>, person: &Person) -> Vec<Line> {
    let say = words.language;
    let mut lines = vec![line(Tone::Muted, say.text("exchanges"))];
    if person.exchanges.is_empty() {
        lines.push(line(Tone::Muted, say.text("exchanges-empty")));
    }
    for exchange in &person.exchanges {
        let (tone, text) = exchange_words(words, person, exchange);
        lines.push(line(tone, text));
    }
    lines
}

fn exchange_words(words: Words<'_>, person: &Person, exchange: &Exchange) -> (Tone, String) {
    let say = words.language;
    let kind = person.link.kind;
    let refused = exchange
        .about
        .iter()
        .find_map(|about| about.refused.as_ref());
    let failure = exchange.answer.as_ref().err().or(refused);
    let (tone, answer) = match (failure, &exchange.answer) {
        (Some(failure), _) => (Tone::Person, failure.to_string()),
        (None, Ok(rows)) => (Tone::Plain, say.count("exchange-told", *rows)),
        (None, Err(_)) => (Tone::Plain, String::new()),
    };
    let carried: Vec<String> = exchange
        .about
        .iter()
        .flat_map(|about| &about.carried)
        .map(|(field, value)| {
            let name = words.field_on(kind, *field, exchange.side);
            format!("{name} = {}", words.value(Some(value)))
        })
        .chain(exchange.about.iter().filter_map(|about| {
            let consent = about.consent?;
            Some(words.consent(Some(consent)).to_owned())
        }))
        .collect();
    let carried = if carried.is_empty() {
        String::new()
    } else {
        format!(" ({})", carried.join(", "))
    };
    let gaps = [
        ("at", clock(exchange.at)),
        ("side", exchange.side.to_string()),
        ("asked", words.asked(exchange.asked).to_owned()),
        ("carried", carried),
        ("took", say.number(exchange.took.0.unsigned_abs())),
        ("answer", answer),
    ];
    let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
    (tone, say.with("exchange", &gaps))
}

/// Both records side by side, field by field.
fn records(words: Words<'_>, link: &Link) -> Vec<Line> {
    let say = words.language;
    let row = |tone, title: &str, of: &dyn Fn(Side) -> String| {
        let [salesforce, automation] = Side::BOTH.map(of);
        columns(tone, title, salesforce, automation)
    };
    let mut lines = vec![
        row(Tone::Muted, "", &|side| side.to_string()),
        row(Tone::Strong, say.text("row-record"), &|side| {
            record(words, link, side)
        }),
        row(Tone::Plain, say.text("row-state"), &|side| {
            let state = link.state(side);
            state.map_or_else(String::new, |state| words.row_state(state))
        }),
        row(Tone::Plain, say.text("row-consent"), &|side| {
            let view = link.consent.on(side);
            words.consent(view.map(|view| view.value)).to_owned()
        }),
    ];
    for state in link
        .fields
        .iter()
        .filter(|state| is_carried(words, link, state))
    {
        let name = words.field_on(link.kind, state.field, Side::Salesforce);
        let (tone, sign) = if differs(words, link, state) {
            (Tone::Strong, "≠ ")
        } else {
            (Tone::Plain, "  ")
        };
        lines.push(row(tone, &format!("{sign}{name}"), &|side| {
            words.value(state.on(side))
        }));
    }
    lines
}

/// Why it is left alone, what is held, what is on its way.
fn standing(words: Words<'_>, link: &Link) -> Vec<Line> {
    let parked = link.parked.iter();
    let parked = parked.map(|parked| line(Tone::Strong, words.parked(parked)));
    let held = link.conflicts.iter().map(|conflict| {
        let subject = words.subject(link.kind, conflict.subject);
        line(
            Tone::Person,
            words.labelled(&format!("! {subject}"), &words.cause(conflict)),
        )
    });
    let pending = link.pending.iter().map(|pending| {
        let state = words.pending(pending.state);
        line(
            Tone::Strong,
            words.labelled(&pending.side.to_string(), &state),
        )
    });
    parked.chain(held).chain(pending).collect()
}

fn history(words: Words<'_>, person: &Person, back: usize) -> Vec<Line> {
    let say = words.language;
    let mut lines = vec![line(Tone::Muted, say.text("history"))];
    if person.history.is_empty() {
        lines.push(line(Tone::Muted, say.text("history-empty")));
    }
    for (index, entry) in person.history.iter().enumerate() {
        let what = words.happened(person.link.kind, &entry.what);
        // What came after the moment that is shown.
        let tone = if index < back {
            Tone::Muted
        } else {
            Tone::Plain
        };
        lines.push(line(tone, format!("{}  {what}", moment(entry.at))));
    }
    if person.history.len() >= HISTORY_MAX {
        lines.push(line(Tone::Muted, say.text("history-cut")));
    }
    lines
}

pub(in crate::console::screens) fn record(words: Words<'_>, link: &Link, side: Side) -> String {
    let record = link.remote(side);
    record.map_or_else(
        || words.language.text("no-record").to_owned(),
        |record| words.record(record),
    )
}

/// Whether both systems show the field, and not the same. An owner has another id in each system:
/// what was agreed on is a pair of them.
fn differs(words: Words<'_>, link: &Link, state: &FieldState) -> bool {
    let Some((salesforce, automation)) = state.salesforce.as_ref().zip(state.automation.as_ref())
    else {
        return false;
    };
    let rule = words.policy.mapping.rule(link.kind, state.field);
    if rule.is_some_and(|rule| rule.role == Role::Owner) {
        let agreed = state.base.as_ref();
        return agreed
            .is_some_and(|base| base.salesforce != *salesforce || base.automation != *automation);
    }
    salesforce != automation
}

/// Whether the kind of record that the link has in Salesforce carries the field.
fn is_carried(words: Words<'_>, link: &Link, state: &FieldState) -> bool {
    let rule = words.policy.mapping.rule(link.kind, state.field);
    let object = link.salesforce.as_ref().map(|end| end.object);
    rule.zip(object)
        .is_none_or(|(rule, object)| rule.objects.contains(&object))
}
