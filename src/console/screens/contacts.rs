//! What happened to this contact? Found by address, name or id; both records side by side, then
//! what was said and what happened, newest first.

mod detail;

use super::{Notice, Scene, Screen, filtered, page_height};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Answer, Brief, Found, Page, Person, Query, Searched, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::ids::LinkId;
use crate::domain::time::Timestamp;

pub(in crate::console) use detail::Detail;
pub(super) use detail::record;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    /// What is looked for, once something is.
    pub(in crate::console) wanted: Option<String>,
    pub(in crate::console) slot: Slot<Page<Brief>>,
    /// How far the search is.
    searched: Searched,
    selection: Selection<LinkId>,
    pub(in crate::console) open: Option<Detail>,
}

impl Model {
    pub(in crate::console) fn search(&mut self, wanted: String) {
        self.wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        self.slot = Slot::default();
        self.searched = Searched::SoFar(0);
        self.selection = Selection::default();
        self.open = None;
    }

    /// Shows what was found. One that looks again shows less than is known only when it is over.
    fn take(&mut self, found: Found, now: Timestamp) -> bool {
        self.searched = found.searched;
        let known = self.slot.data.as_ref().map_or(0, |page| page.rows.len());
        match found.searched {
            Searched::All => self.slot.answer(found.page, now),
            Searched::SoFar(_) if found.page.rows.len() < known => return false,
            Searched::SoFar(_) => self.slot.begin_answer(found.page, now),
        }
        true
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
                (Some(_), Some(_)) if self.searched != Searched::All => "loading",
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
        match self.open {
            Some(_) => Context::Contact,
            None => Context::Contacts,
        }
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
        let open = self.open.as_mut();
        super::places(&mut self.slot, open.map(|open| &mut open.slot as _))
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match (answer, &mut self.open) {
            (Answer::Found(found), _) if self.slot.is_waiting_for(ticket) => {
                if !self.take(found, now) {
                    return Ok(Notice::None);
                }
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
        let title = match self.searched {
            Searched::SoFar(read) if self.slot.data.is_some() => {
                format!("{title} · {}", scene.say().count("still-looking", read))
            }
            _ => title,
        };
        let more = page.map_or(0, |page| page.more);
        filtered(scene, title, &Filter::default(), more)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        match &self.open {
            Some(open) => open.hints(),
            None => vec![
                (Action::Search, "hint-search"),
                (Action::Down, "hint-move"),
                (Action::Open, "hint-open"),
            ],
        }
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
            Some(open) => open.scroll(scene, step, usize::from(body)),
            None => self.selection.step(&keys, step, page_height(body)),
        }
    }

    fn click(&mut self, _scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys();
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn copied(&self, _scene: Scene<'_>) -> Option<String> {
        if let Some(open) = &self.open {
            return open.person().map(|person| person.name.clone());
        }
        let key = self.selection.key()?;
        let rows = &self.slot.data.as_ref()?.rows;
        let row = rows.iter().find(|row| row.id == key)?;
        Some(row.name.clone())
    }

    fn back(&mut self) -> bool {
        self.open.take().is_some()
    }
}
