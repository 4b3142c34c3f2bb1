//! Which contacts wait for a person, and why? The list; one contact is the business of `decide`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ratatui::style::Style;

use super::decide::{Choices, Decide};
use super::listing::{Cell, List, Listed, Topic};
use super::{Scene, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Rank, Table, column};
use crate::console::model::{Reach, Tone};
use crate::console::query::{Answer, ConflictRow, Page, Query};
use crate::console::theme::Theme;
use crate::console::words::Words;
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::ids::{Kind, LinkId, RemoteId};
use crate::domain::time::Timestamp;

pub(in crate::console) type Model = List<Conflicts>;

/// Contacts of which choices are kept: nobody leaves more of them half decided.
const KEPT_MAX: usize = 100;

/// Contacts that wait for a person.
#[derive(Debug, Default)]
pub(in crate::console) struct Conflicts {
    /// Choices of contacts that were left before they were written, the one left last at the end.
    kept: VecDeque<Choices>,
}

/// Lines at the foot: a rule, the records, and why it waits.
const FOOT: u16 = 5;

const TABLE: Table = Table {
    columns: &[
        column("whom", "column-whom", 18, 40).identifies(),
        column("what", "column-what", 20, 26),
        column("since", "column-since", 13, 13),
    ],
    // The oldest first.
    sorted_by: Some(2),
    left: 1,
};

fn kind(row: &ConflictRow) -> Kind {
    row.brief
        .records
        .first()
        .map_or(Kind::Person, |record| RemoteId::kind(*record))
}

fn subjects(words: Words<'_>, row: &ConflictRow) -> String {
    let subjects: Vec<String> = row
        .conflicts
        .iter()
        .map(|conflict| words.subject(kind(row), conflict.subject))
        .collect();
    subjects.join(", ")
}

fn name(words: Words<'_>, row: &ConflictRow) -> String {
    if row.brief.name.is_empty() {
        words.language.text("no-address").to_owned()
    } else {
        row.brief.name.clone()
    }
}

/// One link that waits. Several that question the same records, one person's, stand under each other.
pub(in crate::console) struct Line<'a> {
    pub(in crate::console) row: &'a ConflictRow,
    /// Its place among them, from one, and how many they are.
    place: usize,
    of: usize,
    /// When the first of them began to wait: they stay together.
    since: Timestamp,
}

impl Line<'_> {
    /// Why it waits; of several that question the same records, that they are one decision.
    fn cause(&self, words: Words<'_>) -> Option<String> {
        if self.of > 1 {
            return Some(words.language.count("question-lines", self.of as u64));
        }
        self.row.conflicts.first().map(|held| words.cause(held))
    }
}

/// Its own records and those that could be the same: all links of one question name the same.
fn questioned(row: &ConflictRow) -> Option<Vec<RemoteId>> {
    let matches = row.conflicts.iter().find_map(|held| match &held.cause {
        Cause::SeveralMatch { matches } => Some(matches),
        _ => None,
    })?;
    let mut records: Vec<RemoteId> = row.brief.records.iter().chain(matches).copied().collect();
    records.sort_unstable();
    records.dedup();
    Some(records)
}

/// The rows, those of one question under its first one.
fn together<'a>(rows: Vec<&'a ConflictRow>) -> Vec<Line<'a>> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<Vec<&'a ConflictRow>> = Vec::new();
    for row in rows {
        let place = match questioned(row) {
            Some(records) => *places.entry(records).or_insert(groups.len()),
            None => groups.len(),
        };
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(row);
    }
    let lines = groups.into_iter().flat_map(|group| {
        let of = group.len();
        let since = group.iter().map(|row| row.raised).min().unwrap_or_default();
        let members = group.into_iter().zip(1..);
        members.map(move |(row, place)| Line {
            row,
            place,
            of,
            since,
        })
    });
    lines.collect()
}

impl Listed for Line<'_> {
    type Key = LinkId;

    fn key(&self) -> LinkId {
        self.row.brief.id
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        self.row.texts(words)
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let mut cells = self.row.cells(words);
        if self.of > 1 {
            let [place, of] = [self.place, self.of].map(|n| words.language.number(n as u64));
            let gaps = [
                ("what", cells[1].1.as_str()),
                ("place", &place),
                ("of", &of),
            ];
            cells[1].1 = words.language.with("conflict-place", &gaps);
        }
        cells
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            2 => Rank::Number(self.since.0),
            _ => self.row.rank(words, column),
        }
    }

    /// Those under the first one hang on it.
    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        if self.place > 1 {
            (theme.sign("└", "`"), theme.muted())
        } else {
            self.row.sign(theme)
        }
    }
}

impl Listed for ConflictRow {
    type Key = LinkId;

    fn key(&self) -> LinkId {
        self.brief.id
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        let causes: Vec<String> = self.conflicts.iter().map(|c| words.cause(c)).collect();
        vec![
            ("email", self.brief.name.clone()),
            ("field", subjects(words, self)),
            ("cause", causes.join(" ")),
            ("record", words.records(&self.brief.records)),
        ]
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        vec![
            (Tone::Plain, name(words, self)),
            (Tone::Plain, subjects(words, self)),
            (Tone::Muted, words.relative(self.raised)),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            2 => Rank::Number(self.raised.0),
            _ => self.text_rank(words, column),
        }
    }
}

impl Model {
    /// Opens a contact with what was chosen for it before. What was chosen for another one is kept.
    pub(in crate::console) fn decide(&mut self, link: LinkId) {
        if let Some(open) = self.open.take() {
            self.keep(open);
        }
        let mut open = Decide::new(link);
        let found = self.own.kept.iter().position(|kept| kept.link == link);
        if let Some(kept) = found.and_then(|index| self.own.kept.remove(index)) {
            open.take_up(kept);
        }
        self.open = Some(open);
    }

    fn keep(&mut self, open: Decide) {
        if let Some(choices) = open.put_away() {
            self.own.kept.retain(|kept| kept.link != choices.link);
            self.own.kept.push_back(choices);
            while self.own.kept.len() > KEPT_MAX {
                self.own.kept.pop_front();
            }
        }
    }

    /// Choices that are kept for a contact that is not open.
    pub(in crate::console) fn kept(&self, link: LinkId) -> u64 {
        let kept = self.own.kept.iter().find(|kept| kept.link == link);
        kept.map_or(0, Choices::count)
    }

    /// The sync took these choices in.
    pub(in crate::console) fn written(&mut self, link: LinkId, subjects: &[Subject]) {
        if let Some(open) = self.open.as_mut().filter(|open| open.link == link) {
            open.written(subjects);
        }
        self.own
            .kept
            .retain_mut(|kept| kept.link != link || kept.written(subjects));
    }

    /// Marks the chosen contact, or takes its mark away.
    pub(in crate::console) fn mark(&mut self) {
        if let Some(link) = self.key()
            && !self.marks.remove(&link)
        {
            self.marks.insert(link);
        }
    }

    /// Marks all that the filter shows, or takes their marks away if all have one.
    pub(in crate::console) fn mark_all(&mut self, shown: Vec<LinkId>) {
        if shown.iter().all(|link| self.marks.contains(link)) {
            self.marks.retain(|link| !shown.contains(link));
        } else {
            self.marks.extend(shown);
        }
    }

    /// What a bulk act is about: the marked contacts, else exactly what the filter shows.
    pub(in crate::console) fn many(&self, scene: Scene<'_>) -> (Vec<LinkId>, Reach) {
        if self.marks.is_empty() {
            let more = self.slot.data.as_ref().map_or(0, |page| page.more);
            (self.keys(scene), Reach::Shown { more })
        } else {
            let hidden = self.hidden_marks(scene);
            let marked = self.marks.iter().copied().collect();
            (marked, Reach::Marked { hidden })
        }
    }

    /// Marked contacts that are not in sight: the filter hides them.
    fn hidden_marks(&self, scene: Scene<'_>) -> u64 {
        let shown: BTreeSet<LinkId> = self.keys(scene).into_iter().collect();
        self.marks.difference(&shown).count() as u64
    }
}

/// What can be decided for many contacts that wait for the same as this one.
fn for_many(conflicts: &[Conflict]) -> Vec<(Action, &'static str)> {
    let is = |of: fn(&Subject) -> bool| conflicts.iter().any(|held| of(&held.subject));
    let is_field = is(|subject| matches!(subject, Subject::Field(_)));
    let was_sent = |held: &Conflict| {
        let is_write = matches!(held.subject, Subject::Write(_));
        is_write || matches!(held.cause, Cause::Refused { .. } | Cause::NotKept { .. })
    };
    let mut hints = Vec::new();
    if is_field {
        hints.push((Action::AllSalesforce, "hint-all-salesforce"));
        hints.push((Action::AllAutomation, "hint-all-automation"));
    }
    if conflicts.iter().any(was_sent) {
        hints.push((Action::AllAgain, "hint-all-again"));
    }
    if is_field {
        hints.push((Action::AllBase, "hint-all-base"));
    }
    if is(|subject| *subject == Subject::Consent) {
        hints.push((Action::AllOptOut, "hint-all-opt-out"));
    }
    if is_field || is(|subject| *subject == Subject::Deletion) {
        hints.push((Action::AllKeepBoth, "hint-all-keep"));
    }
    hints
}

impl Topic for Conflicts {
    type Data = Page<ConflictRow>;
    type Key = LinkId;
    type Row<'a> = Line<'a>;
    type Open = Decide;

    const CONTEXTS: [Context; 2] = [Context::Conflicts, Context::Decide];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-conflicts");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<Line<'a>> {
        let rows = list.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        let rows = rows.iter();
        together(rows.filter(|row| list.is_kept(scene.words, row)).collect())
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Conflicts)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Conflicts(page) = answer else {
            return Err(answer);
        };
        list.slot.answer(page, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let shown = Self::shown(list, scene);
        let questions = shown.iter().filter(|line| line.place == 1).count() as u64;
        let more = list.slot.data.as_ref().map_or(0, |page| page.more);
        let count = shown.len() as u64;
        let marked = list.marks.len() as u64;
        if marked == 0 {
            let mut title = scene.say().count("title-conflicts", count);
            if questions < count {
                title = format!("{title} · {}", scene.say().count("questions", questions));
            }
            return list.titled(scene, title, more);
        }
        // Short, and before the filter: what an act is about must not be what a small screen leaves out.
        let tab = scene.say().text("tab-conflicts");
        let title = scene.words.labelled(tab, &scene.say().number(count));
        let mut title = format!("{title} · {}", scene.say().count("marked", marked));
        let hidden = list.hidden_marks(scene);
        if hidden > 0 {
            title = format!("{title}, {}", scene.say().count("marked-hidden", hidden));
        }
        list.titled(scene, title, more)
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![
            (Action::Down, "hint-move"),
            (Action::Open, "hint-open"),
            (Action::Undo, "hint-undo"),
            (Action::Mark, "hint-mark"),
            (Action::MarkAll, "hint-mark-all"),
        ];
        if let Some(line) = list.chosen(scene) {
            hints.extend(for_many(&line.row.conflicts));
        }
        hints.extend([
            (Action::Filter, "hint-filter"),
            (Action::SetAside, "hint-set-aside"),
            (Action::OpenContact, "hint-contact"),
        ]);
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let rows = list.rows(scene);
        if rows.is_empty() {
            paint_empty(scene, canvas, &list.slot, &list.filter, "conflicts-empty");
            return;
        }
        let page = Self::page(list, scene, canvas.height());
        list.paint_rows(scene, canvas, &rows, page);
        if let Some(line) = list.chosen(scene) {
            let y = canvas.height().saturating_sub(FOOT);
            canvas.rule(y);
            let records = words.records(&line.row.brief.records);
            canvas.text(1, y + 1, &records, theme.muted());
            if let Some(cause) = line.cause(words) {
                canvas.paragraph(1, y + 2, FOOT - 2, &cause, theme.plain());
            }
        }
    }

    /// The titles of the columns are above it.
    fn page(_list: &Model, _scene: Scene<'_>, body: u16) -> usize {
        usize::from(body.saturating_sub(FOOT + 1).max(1))
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        super::empty_text(scene, &list.slot, &list.filter, "conflicts-empty").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let Some(line) = list.chosen(scene) else {
            return Vec::new();
        };
        let cause = line.cause(scene.words);
        let records = scene.words.records(&line.row.brief.records);
        std::iter::once(records).chain(cause).collect()
    }

    fn whole(list: &Model) -> Option<BTreeSet<LinkId>> {
        let page = list.slot.data.as_ref().filter(|page| page.more == 0)?;
        Some(page.rows.iter().map(|row| row.brief.id).collect())
    }

    fn closed(list: &mut Model, open: Decide) {
        list.keep(open);
    }

    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        Some(list.chosen(scene)?.row.brief.name.clone())
    }

    fn is_timed(list: &Model, _scene: Scene<'_>) -> bool {
        let rows = list.slot.data.as_ref().map_or(0, |page| page.rows.len());
        list.open.is_none() && rows > 0
    }
}
