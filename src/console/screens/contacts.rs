//! What happened to this contact? Found by address, name or id; both records side by side, then
//! what happened, newest first.

use super::lines::{Line, Scroll, columns, line};
use super::{Notice, Scene, Screen, filtered, page_height};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::model::Tone;
use crate::console::query::{Answer, Brief, HISTORY_MAX, Page, Person, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::{Words, moment};
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{FieldState, Link};
use crate::domain::mapping::Role;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    /// What is looked for, once something is.
    pub(in crate::console) wanted: Option<String>,
    pub(in crate::console) slot: Slot<Page<Brief>>,
    selection: Selection<LinkId>,
    pub(in crate::console) open: Option<Detail>,
}

/// One contact, and how far it is scrolled.
#[derive(Debug)]
pub(in crate::console) struct Detail {
    pub(in crate::console) link: LinkId,
    pub(in crate::console) slot: Slot<Option<Box<Person>>>,
    scroll: Scroll,
}

impl Detail {
    pub(in crate::console) fn new(link: LinkId) -> Self {
        Self {
            link,
            slot: Slot::default(),
            scroll: Scroll::default(),
        }
    }

    pub(in crate::console) fn person(&self) -> Option<&Person> {
        self.slot.data.as_ref()?.as_deref()
    }
}

impl Model {
    pub(in crate::console) fn search(&mut self, wanted: String) {
        self.wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        self.slot = Slot::default();
        self.selection = Selection::default();
        self.open = None;
    }

    fn keys(&self) -> Vec<LinkId> {
        let rows = self.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        rows.iter().map(|row| row.id).collect()
    }

    pub(in crate::console) fn chosen(&self) -> Option<LinkId> {
        self.selection.key()
    }

    fn paint_list(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = words.language;
        let rows = self.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        if rows.is_empty() {
            let key = match (&self.wanted, &self.slot.data) {
                (None, _) => "contacts-empty",
                (Some(_), None) => "loading",
                (Some(_), Some(_)) => "contacts-nobody",
            };
            canvas.paragraph(1, 1, 4, say.text(key), theme.muted());
            return;
        }
        let half = canvas.width() / 2;
        canvas.text(1, 0, say.text("column-whom"), theme.muted());
        canvas.text(half, 0, say.text("column-records"), theme.muted());
        let height = page_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            let mark = if row.conflicts > 0 { "!" } else { " " };
            canvas.text(0, y, mark, theme.person());
            let name = if row.name.is_empty() {
                say.text("no-address")
            } else {
                &row.name
            };
            canvas.within(1, y, half - 2, name, theme.plain());
            let records = words.records(&row.records);
            canvas.within(half, y, half, &records, theme.muted());
            if self.selection.key() == Some(row.id) {
                canvas.line_style(y, theme.selected());
            }
        }
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        Context::Contacts
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        match &self.open {
            Some(open) => Some(&open.slot),
            None => self.wanted.as_ref().map(|_| &self.slot as &dyn Waiting),
        }
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        if let Some(open) = &mut self.open {
            return Some((&mut open.slot, Query::Person(open.link)));
        }
        let query = Query::Search(self.wanted.clone()?);
        Some((&mut self.slot, query))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let mut slots: Vec<&mut dyn Waiting> = vec![&mut self.slot];
        if let Some(open) = &mut self.open {
            slots.push(&mut open.slot);
        }
        slots
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match (answer, &mut self.open) {
            (Answer::Found(page), _) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(page, now);
                let keys = self.keys();
                let is_gone = self.selection.settle(&keys) && self.open.is_none();
                Ok(Notice::of(is_gone))
            }
            (Answer::Person(person), Some(open)) if open.slot.is_waiting_for(ticket) => {
                open.slot.answer(person, now);
                Ok(Notice::None)
            }
            (answer, _) => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        if let Some(open) = &self.open {
            let named = |person: &Person| scene.words.titled(&person.name, person.link.id);
            return open.person().map_or_else(String::new, named);
        }
        let Some(wanted) = &self.wanted else {
            return scene.say().text("title-contacts").to_owned();
        };
        let page = self.slot.data.as_ref();
        let count = page.map_or(0, |page| page.rows.len() as u64);
        let title = format!("{} · “{wanted}”", scene.say().count("title-found", count));
        let more = page.map_or(0, |page| page.more);
        filtered(scene, title, &Filter::default(), more)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "hint-search"),
            (Action::Down, "hint-move"),
            (Action::Open, "hint-open"),
        ]
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match &self.open {
            Some(open) => open.paint(scene.words, canvas),
            None => self.paint_list(scene.words, canvas),
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys();
        match &mut self.open {
            Some(open) => open.scroll(scene.words, step, usize::from(body)),
            None => self.selection.step(&keys, step, page_height(body)),
        }
    }

    fn click(&mut self, _scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys();
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn back(&mut self) -> bool {
        self.open.take().is_some()
    }
}

impl Detail {
    fn scroll(&mut self, words: Words<'_>, step: Step, page: usize) {
        let lines = self.person().map_or(0, |person| lines(words, person).len());
        self.scroll.step(lines, step, page);
    }

    fn paint(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let Some(person) = self.person() else {
            let key = if self.slot.data.is_some() {
                "person-gone"
            } else {
                "loading"
            };
            canvas.text(1, 1, words.language.text(key), theme.muted());
            return;
        };
        self.scroll.paint(&lines(words, person), canvas);
    }
}

/// Everything about a person, line by line.
fn lines(words: Words<'_>, person: &Person) -> Vec<Line> {
    let mut lines = records(words, &person.link);
    lines.push(line(Tone::Plain, ""));
    lines.extend(standing(words, &person.link));
    lines.extend(history(words, person));
    lines
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
            let view = match side {
                Side::Salesforce => link.consent.salesforce,
                Side::Automation => link.consent.automation,
            };
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
            format!("! {subject}: {}", words.cause(conflict)),
        )
    });
    let pending = link.pending.iter().map(|pending| {
        let state = words.pending(pending.state);
        line(Tone::Strong, format!("{}: {state}", pending.side))
    });
    parked.chain(held).chain(pending).collect()
}

fn history(words: Words<'_>, person: &Person) -> Vec<Line> {
    let say = words.language;
    let mut lines = vec![line(Tone::Muted, say.text("history"))];
    if person.history.is_empty() {
        lines.push(line(Tone::Muted, say.text("history-empty")));
    }
    for entry in &person.history {
        let what = words.happened(person.link.kind, &entry.what);
        lines.push(line(Tone::Plain, format!("{}  {what}", moment(entry.at))));
    }
    if person.history.len() >= HISTORY_MAX {
        lines.push(line(Tone::Muted, say.text("history-cut")));
    }
    lines
}

pub(super) fn record(words: Words<'_>, link: &Link, side: Side) -> String {
    use crate::domain::ids::RemoteId;
    let record = match side {
        Side::Salesforce => link
            .salesforce
            .as_ref()
            .map(|end| RemoteId::Salesforce(end.object, end.id)),
        Side::Automation => link
            .automation
            .as_ref()
            .map(|end| RemoteId::Automation(link.kind, end.id)),
    };
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
