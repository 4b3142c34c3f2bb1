//! A screen that is a list, with what is open over it. What all of them do alike is done here; a
//! [`Topic`] says what is its own.

mod any;
mod nothing;
mod read;

use std::collections::BTreeSet;
use std::fmt::Debug;

use ratatui::style::Style;

pub(in crate::console) use any::Listing;
pub(in crate::console) use nothing::Nothing;

use super::{Notice, Scene, Screen};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::linear::Reading;
use crate::console::list::{Place, Rank, Selection, Shape, Step, Table, page_top};
use crate::console::model::Tone;
use crate::console::query::{Answer, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::console::words::Words;
use crate::domain::folded::fold;

/// The text of one line in one column.
pub(super) type Cell = (Tone, String);

/// One line of a list.
pub(in crate::console) trait Listed {
    type Key: Copy + Ord + Debug;

    fn key(&self) -> Self::Key;

    /// What a filter looks at.
    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)>;

    /// One for each column of the table, in its order.
    fn cells(&self, words: Words<'_>) -> Vec<Cell>;

    /// By what a column sorts it.
    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        self.text_rank(words, column)
    }

    fn text_rank(&self, words: Words<'_>, column: usize) -> Rank {
        let cell = self.cells(words).into_iter().nth(column);
        Rank::Text(cell.map_or_else(String::new, |(_, text)| fold(&text)))
    }

    /// Before the first column, so that no meaning is in a colour alone.
    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        ("", theme.plain())
    }

    fn paint(&self, words: Words<'_>, places: &[Place], canvas: &mut Canvas<'_>, y: u16) {
        let cells = self.cells(words);
        for place in places {
            if let Some((style, text)) = cells.get(place.column) {
                let style = tone(canvas.theme, *style);
                canvas.within(place.x, y, place.width, text, style);
            }
        }
    }
}

/// What is open over a list. `D` is what the list shows.
pub(in crate::console) trait Opened<D> {
    /// What it shows as an answer that has an age; the list's own, if none.
    fn slot(&self) -> Option<&dyn Waiting> {
        None
    }

    /// Where the answer to its own question goes.
    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        None
    }

    fn query(&self) -> Option<Query> {
        None
    }

    fn awaits(&self, ticket: Ticket) -> bool {
        self.slot().is_some_and(|slot| slot.is_waiting_for(ticket))
    }

    /// Takes in the answer to its question; hands any other back.
    fn take(&mut self, _scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        Err(answer)
    }

    fn title(&self, scene: Scene<'_>, data: Option<&D>) -> String;

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)>;

    fn paint(&self, scene: Scene<'_>, data: Option<&D>, canvas: &mut Canvas<'_>);

    /// The same as texts, whole.
    fn read(&self, scene: Scene<'_>, data: Option<&D>) -> Reading;

    /// Chooses a line by its identity; `false` if there is none such.
    fn choose(&mut self, _key: &str) -> bool {
        false
    }

    fn step(&mut self, scene: Scene<'_>, data: Option<&D>, step: Step, body: u16);

    fn copied(&self, _scene: Scene<'_>, _data: Option<&D>) -> Option<String> {
        None
    }
}

impl<T: Listed> Listed for &T {
    type Key = T::Key;

    fn key(&self) -> T::Key {
        (*self).key()
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        (*self).texts(words)
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        (*self).cells(words)
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        (*self).rank(words, column)
    }

    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        (*self).sign(theme)
    }

    fn paint(&self, words: Words<'_>, places: &[Place], canvas: &mut Canvas<'_>, y: u16) {
        (*self).paint(words, places, canvas, y);
    }
}

/// What a list is about, and whatever that screen alone has to remember.
pub(in crate::console) trait Topic: Default + Debug + 'static {
    type Data: 'static;
    type Key: Copy + Ord + Debug;
    type Row<'a>: Listed<Key = Self::Key>;
    type Open: Opened<Self::Data> + 'static;

    /// Where keys count: on the list, and on what is open over it.
    const CONTEXTS: [Context; 2];

    /// The message that explains the filter, if there is one.
    const FILTER_HINT: Option<&'static str>;

    fn table(list: &List<Self>) -> &'static Table;

    /// What the filter lets through, as it came.
    fn shown<'a>(list: &'a List<Self>, scene: Scene<'a>) -> Vec<Self::Row<'a>>;

    fn query(list: &List<Self>) -> Option<Query>;

    /// Takes in the answer to the list's own question; hands any other back.
    fn take(list: &mut List<Self>, scene: Scene<'_>, answer: Answer) -> Result<(), Answer>;

    fn title(list: &List<Self>, scene: Scene<'_>) -> String;

    fn hints(list: &List<Self>, scene: Scene<'_>) -> Vec<(Action, &'static str)>;

    fn paint(list: &List<Self>, scene: Scene<'_>, canvas: &mut Canvas<'_>);

    /// What a list without rows says.
    fn empty(list: &List<Self>, scene: Scene<'_>) -> String;

    /// What stands above the list.
    fn head(_list: &List<Self>, _scene: Scene<'_>) -> Vec<String> {
        Vec::new()
    }

    /// What there is to know about the chosen row.
    fn foot(list: &List<Self>, scene: Scene<'_>) -> Vec<String>;

    /// Lines of the list on one page.
    fn page(_list: &List<Self>, _scene: Scene<'_>, body: u16) -> usize {
        super::page_height(body)
    }

    /// Lines between the top of the screen and the titles of the columns.
    fn head_height(_list: &List<Self>, _scene: Scene<'_>) -> u16 {
        0
    }

    /// Cells that the list has; the rest of the screen is for what stands beside it.
    fn width(width: u16) -> u16 {
        width
    }

    /// Where the age of what is in sight stands, if not in the list's own place.
    fn slot<'a>(list: &'a List<Self>, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(&list.slot)
    }

    fn copied(_list: &List<Self>, _scene: Scene<'_>) -> Option<String> {
        None
    }

    fn is_timed(_list: &List<Self>, _scene: Scene<'_>) -> bool {
        false
    }

    /// What its lines have in common, as the kept view writes it; nothing for what it begins with.
    fn grouped_by(_list: &List<Self>) -> &'static str {
        ""
    }

    /// As it was left. A name that it does not have is passed over.
    fn group_by(_list: &mut List<Self>, _name: &str) {}

    /// Everything that can be marked, whatever the filter shows; nothing if not all of it was read.
    fn whole(_list: &List<Self>) -> Option<BTreeSet<Self::Key>> {
        None
    }

    fn observe(_list: &mut List<Self>, _scene: Scene<'_>) {}

    /// The operator left what was open.
    fn closed(_list: &mut List<Self>, _open: Self::Open) {}
}

/// Rows, and how an operator looks at them.
#[derive(Debug)]
pub(in crate::console) struct List<T: Topic> {
    pub(in crate::console) slot: Slot<T::Data>,
    pub(in crate::console) filter: Filter,
    pub(super) selection: Selection<T::Key>,
    pub(super) marks: BTreeSet<T::Key>,
    shape: Shape,
    /// What was chosen in an earlier session, until the rows come.
    resumed: String,
    pub(in crate::console) open: Option<T::Open>,
    pub(in crate::console) own: T,
}

impl<T: Topic> Default for List<T> {
    fn default() -> Self {
        Self {
            slot: Slot::default(),
            filter: Filter::default(),
            selection: Selection::default(),
            marks: BTreeSet::new(),
            shape: Shape::default(),
            resumed: String::new(),
            open: None,
            own: T::default(),
        }
    }
}

/// An identity as the kept view writes it; one that is written otherwise since is passed over.
pub(super) fn written(key: impl Debug) -> String {
    format!("{key:?}")
}

impl<T: Topic> List<T> {
    /// What the filter lets through, in the order that the operator wants.
    pub(in crate::console) fn rows<'a>(&'a self, scene: Scene<'a>) -> Vec<T::Row<'a>> {
        let mut rows = T::shown(self, scene);
        let rank = |row: &T::Row<'a>, column| row.rank(scene.words, column);
        self.shape.sort(T::table(self), &mut rows, rank);
        rows
    }

    pub(super) fn is_kept(&self, words: Words<'_>, row: &impl Listed) -> bool {
        self.filter.is_empty() || self.filter.keeps(&row.texts(words))
    }

    pub(in crate::console) fn key(&self) -> Option<T::Key> {
        self.selection.key()
    }

    pub(in crate::console) fn chosen<'a>(&'a self, scene: Scene<'a>) -> Option<T::Row<'a>> {
        let key = self.key()?;
        let mut rows = T::shown(self, scene).into_iter();
        rows.find(|row| row.key() == key)
    }

    pub(in crate::console) fn keys(&self, scene: Scene<'_>) -> Vec<T::Key> {
        self.rows(scene).iter().map(Listed::key).collect()
    }

    /// The rows are others now. Answers whether the chosen one is gone.
    pub(in crate::console) fn settle(&mut self, scene: Scene<'_>) -> bool {
        let keys = self.keys(scene);
        if let Some(all) = T::whole(self) {
            self.marks.retain(|key| all.contains(key));
        }
        if !keys.is_empty() && !self.resumed.is_empty() {
            let resumed = std::mem::take(&mut self.resumed);
            self.selection.resume(&keys, |key| written(key) == resumed);
        }
        self.selection.settle(&keys)
    }

    /// Other rows altogether: nothing of them is chosen yet.
    pub(super) fn begin_anew(&mut self, scene: Scene<'_>) {
        self.selection = Selection::default();
        self.settle(scene);
    }

    /// `title · / filter · by Whom · 3 more not shown`.
    pub(super) fn titled(&self, scene: Scene<'_>, title: String, more: u64) -> String {
        let title = super::filtered(scene, title, &self.filter, more);
        match self.unseen_order(scene) {
            Some(order) => format!("{title} · {order}"),
            None => title,
        }
    }

    /// By what the list is sorted, where no column in sight says it.
    fn unseen_order(&self, scene: Scene<'_>) -> Option<String> {
        let table = T::table(self);
        let (column, way) = self.shape.order(table);
        let Some(column) = column else {
            let is_turned = self.shape.is_inverted;
            return is_turned.then(|| scene.say().text("sorted-backwards").to_owned());
        };
        let places = self.shape.places(table, T::width(scene.width));
        if places.iter().any(|place| place.column == column) {
            return None;
        }
        let name = scene.say().text(table.columns[column].title);
        let gaps = [("column", name), ("sign", way.sign())];
        Some(scene.say().with("sorted-by", &gaps))
    }

    /// The titles of the columns and one page of rows.
    pub(super) fn paint_rows(
        &self,
        scene: Scene<'_>,
        canvas: &mut Canvas<'_>,
        rows: &[T::Row<'_>],
        page: usize,
    ) {
        let theme = canvas.theme;
        let table = T::table(self);
        let places = self.shape.places(table, canvas.width());
        let (sorted, way) = self.shape.order(table);
        for place in &places {
            let title = scene.say().text(table.columns[place.column].title);
            let sign = if sorted == Some(place.column) {
                way.sign()
            } else {
                ""
            };
            // Of a column of one cell only the sign has room.
            if place.width < 3 {
                canvas.within(place.x, 0, 1, sign, theme.muted());
                continue;
            }
            let room = place.width.saturating_sub(2 * u16::from(!sign.is_empty()));
            let end = canvas.within(place.x, 0, room, title, theme.muted());
            canvas.within(end + 1, 0, 1, sign, theme.muted());
        }
        // Where the chosen row stands now: the order may have changed since it was chosen.
        let chosen = self.key();
        let found = rows.iter().position(|row| Some(row.key()) == chosen);
        let index = found.unwrap_or_else(|| self.selection.index());
        let top = page_top(index.min(rows.len().saturating_sub(1)), page);
        for (y, row) in rows.iter().skip(top).take(page).enumerate() {
            let y = 1 + y as u16;
            let (sign, style) = if self.marks.contains(&row.key()) {
                (theme.sign("●", "*"), theme.accent())
            } else {
                row.sign(theme)
            };
            canvas.text(0, y, sign, style);
            row.paint(scene.words, &places, canvas, y);
            if chosen == Some(row.key()) {
                canvas.line_style(y, theme.selected());
            }
        }
    }
}

impl<T: Topic> Screen for List<T> {
    fn context(&self) -> Context {
        T::CONTEXTS[usize::from(self.open.is_some())]
    }

    fn slot<'a>(&'a self, scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        let open = self.open.as_ref().and_then(Opened::slot);
        open.or_else(|| T::slot(self, scene))
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        let query = T::query(self);
        if let Some(open) = &mut self.open
            && let Some(asked) = open.query()
            && let Some(slot) = open.slot_mut()
        {
            return Some((slot, asked));
        }
        Some((&mut self.slot, query?))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let open = self.open.as_mut().and_then(Opened::slot_mut);
        let list: &mut dyn Waiting = &mut self.slot;
        std::iter::once(list).chain(open).collect()
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        if self.slot.is_waiting_for(ticket) {
            T::take(self, scene, answer)?;
            let is_gone = self.settle(scene) && self.open.is_none();
            return Ok(Notice::of(is_gone));
        }
        match &mut self.open {
            Some(open) if open.awaits(ticket) => open.take(scene, answer),
            _ => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        match &self.open {
            Some(open) => open.title(scene, self.slot.data.as_ref()),
            None => T::title(self, scene),
        }
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        if let Some(open) = &self.open {
            return open.hints(scene);
        }
        let mut hints = T::hints(self, scene);
        if self.key().is_some() {
            hints.push((Action::Sort, "hint-sort"));
            hints.push((Action::Columns, "hint-columns"));
        }
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match &self.open {
            Some(open) => open.paint(scene, self.slot.data.as_ref(), canvas),
            None => T::paint(self, scene, canvas),
        }
    }

    fn read(&self, scene: Scene<'_>) -> Reading {
        match &self.open {
            Some(open) => open.read(scene, self.slot.data.as_ref()),
            None => self.read_list(scene),
        }
    }

    fn choose(&mut self, scene: Scene<'_>, key: &str) -> bool {
        if let Some(open) = &mut self.open {
            return open.choose(key);
        }
        let keys = self.keys(scene);
        let found = keys.iter().position(|known| written(known) == key);
        if let Some(index) = found {
            self.selection.choose(&keys, index);
        }
        found.is_some()
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        if let Some(open) = &mut self.open {
            open.step(scene, self.slot.data.as_ref(), step, body);
        } else {
            let keys = self.keys(scene);
            let page = T::page(self, scene, body);
            self.selection.step(&keys, step, page);
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        let page = T::page(self, scene, body);
        let Some(line) = line.checked_sub(usize::from(T::head_height(self, scene))) else {
            return;
        };
        if self.open.is_none() && line < page {
            let keys = self.keys(scene);
            self.selection.click(&keys, line, page);
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let hint = T::FILTER_HINT.filter(|_| self.open.is_none())?;
        Some((&self.filter, hint))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene);
        self.selection.narrow(&keys);
    }

    fn list(&self) -> Option<&dyn Listing> {
        Some(self)
    }

    fn list_mut(&mut self) -> Option<&mut dyn Listing> {
        Some(self)
    }

    fn reordered(&mut self, scene: Scene<'_>) {
        self.settle(scene);
    }

    fn copied(&self, scene: Scene<'_>) -> Option<String> {
        match &self.open {
            Some(open) => open.copied(scene, self.slot.data.as_ref()),
            None => T::copied(self, scene),
        }
    }

    fn back(&mut self) -> bool {
        let Some(open) = self.open.take() else {
            return false;
        };
        T::closed(self, open);
        self.slot.renew();
        true
    }

    fn is_timed(&self, scene: Scene<'_>) -> bool {
        T::is_timed(self, scene)
    }

    fn observe(&mut self, scene: Scene<'_>) {
        T::observe(self, scene);
    }
}
