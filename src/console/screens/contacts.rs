//! What happened to this contact? Found by address, name or id; both records side by side, then
//! what was said and what happened, newest first.

mod detail;

use ratatui::style::Style;

use super::listing::{Cell, List, Listed, Topic};
use super::{Scene, page_height};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Answer, Brief, Found, Page, Query, Searched};
use crate::console::slot::{Slot, Waiting};
use crate::console::theme::Theme;
use crate::console::words::Words;
use crate::domain::ids::LinkId;
use crate::domain::time::Timestamp;

pub(in crate::console) use detail::Detail;
pub(super) use detail::record;

pub(in crate::console) type Model = List<Contacts>;

/// Contacts that are looked for.
#[derive(Debug, Default)]
pub(in crate::console) struct Contacts {
    /// What is looked for, once something is.
    pub(in crate::console) wanted: Option<String>,
    /// How far the search is.
    searched: Searched,
}

const TABLE: Table = Table {
    columns: &[
        column("whom", "column-whom", 20, 39).identifies(),
        column("records", "column-records", 20, 40),
    ],
    // As they are found: the exact ones first.
    sorted_by: None,
    left: 1,
};

impl Listed for Brief {
    type Key = LinkId;

    fn key(&self) -> LinkId {
        self.id
    }

    /// A search looks for itself.
    fn texts(&self, _words: Words<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let name = if self.name.is_empty() {
            words.language.text("no-address").to_owned()
        } else {
            self.name.clone()
        };
        let records = words.records_under(&self.records);
        vec![(Tone::Plain, name), (Tone::Muted, records)]
    }

    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        let sign = if self.conflicts > 0 { "!" } else { " " };
        (sign, theme.person())
    }
}

impl Model {
    pub(in crate::console) fn search(&mut self, wanted: String) {
        self.own.wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        self.slot = Slot::default();
        self.own.searched = Searched::SoFar(0);
        self.selection = Selection::default();
        self.open = None;
    }

    /// Shows what was found. One that looks again shows less than is known only when it is over.
    fn found(&mut self, found: Found, now: Timestamp) {
        self.own.searched = found.searched;
        let known = self.slot.data.as_ref().map_or(0, |page| page.rows.len());
        match found.searched {
            Searched::All => self.slot.answer(found.page, now),
            Searched::SoFar(_) if found.page.rows.len() < known => {}
            Searched::SoFar(_) => self.slot.begin_answer(found.page, now),
        }
    }
}

impl Topic for Contacts {
    type Data = Page<Brief>;
    type Key = LinkId;
    type Row<'a> = &'a Brief;
    type Open = Detail;

    const CONTEXTS: [Context; 2] = [Context::Contacts, Context::Contact];
    const FILTER_HINT: Option<&'static str> = None;

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, _scene: Scene<'a>) -> Vec<&'a Brief> {
        let page = list.slot.data.as_ref();
        page.map_or_else(Vec::new, |page| page.rows.iter().collect())
    }

    fn query(list: &Model) -> Option<Query> {
        list.own.wanted.clone().map(Query::Search)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Found(found) = answer else {
            return Err(answer);
        };
        list.found(found, scene.words.now);
        Ok(())
    }

    fn slot<'a>(list: &'a Model, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        list.own.wanted.as_ref().map(|_| &list.slot as &dyn Waiting)
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let Some(wanted) = &list.own.wanted else {
            return scene.say().text("title-contacts").to_owned();
        };
        let page = list.slot.data.as_ref();
        let count = page.map_or(0, |page| page.rows.len() as u64);
        let (found, wanted) = (
            scene.say().count("title-found", count),
            scene.say().quoted(wanted),
        );
        let title = format!("{found} · {wanted}");
        let title = match list.own.searched {
            Searched::SoFar(read) if list.slot.data.is_some() => {
                format!("{title} · {}", scene.say().count("still-looking", read))
            }
            _ => title,
        };
        let more = page.map_or(0, |page| page.more);
        list.titled(scene, title, more)
    }

    fn hints(_list: &Model, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "hint-search"),
            (Action::Down, "hint-move"),
            (Action::Open, "hint-open"),
        ]
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let rows = list.rows(scene);
        if rows.is_empty() {
            let style = canvas.theme.muted();
            canvas.paragraph(1, 1, 4, &Self::empty(list, scene), style);
            return;
        }
        list.paint_rows(scene, canvas, &rows, page_height(canvas.height()));
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        let key = match (&list.own.wanted, &list.slot.data) {
            (None, _) => "contacts-empty",
            (Some(_), None) => "loading",
            (Some(_), Some(_)) if list.own.searched != Searched::All => "loading",
            (Some(_), Some(_)) => "contacts-nobody",
        };
        scene.say().text(key).to_owned()
    }

    fn foot(_list: &Model, _scene: Scene<'_>) -> Vec<String> {
        Vec::new()
    }

    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        Some(list.chosen(scene)?.name.clone())
    }
}
