//! What is configured? Settings, timetable, every mapped pair as both systems describe it, and the
//! versions of all that. What is changed here is a draft until it is saved.

mod detail;
mod preview;
mod rows;
mod shown;

pub(in crate::console) use detail::Detail;
pub(in crate::console) use preview::changes;
pub(in crate::console) use shown::{Mark, Shown};

use super::listing::{List, Topic};
use super::{Scene, page_height};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Table, column};
use crate::console::query::{Answer, Query, VERSIONS_MAX};
use crate::console::slot::Waiting as _;
use crate::console::view::tone;
use crate::console::words::Time;
use crate::domain::drift::drifts;
use crate::domain::ids::{FieldId, Kind};
use crate::domain::setup::{Draft, Left, Setting};
use rows::{Cells, Row, lines, summary};

pub(in crate::console) type Model = List<Setup>;

/// Settings, timetable, pairs of fields, versions.
#[derive(Debug, Default)]
pub(in crate::console) struct Setup {
    /// Left behind by an earlier session, until it is known what is in force.
    pub(in crate::console) resumed: Option<Draft>,
    /// There was a draft in this session, whatever became of it.
    pub(in crate::console) has_drafted: bool,
}

/// The columns of Salesforce's field and of the arrow.
const SALESFORCE: usize = 1;
const ARROW: usize = 2;

const TABLE: Table = Table {
    columns: &[
        column("part", "column-part", 9, 9),
        column("salesforce", "column-salesforce", 13, 25).identifies(),
        column("arrow", "column-arrow", 1, 1),
        column("automation", "column-automation", 15, 26).identifies(),
        column("types", "column-types", 14, 32),
        column("options", "column-options", 20, 22).extra(),
    ],
    // As the configuration has them.
    sorted_by: Some(0),
    left: 2,
};

/// What a line of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Key {
    Setting(Setting),
    Time(Time),
    Rule(Kind, FieldId),
    /// One version of all this, by its number.
    Version(u32),
    /// What would be saved: no line, but opened like one.
    Draft,
}

impl Model {
    /// Opens the chosen line; `false` if none is.
    pub(in crate::console) fn open_chosen(&mut self) -> bool {
        self.open = self.key().map(Detail::new);
        self.open.is_some()
    }

    /// What a key acts on: what is open, else the chosen line.
    pub(in crate::console) fn acted_on(&self) -> Option<Key> {
        let open = self.open.as_ref().map(Detail::key);
        open.or_else(|| self.key())
    }

    pub(in crate::console) fn shown(&self) -> Option<&Shown> {
        self.slot.data.as_ref()
    }

    pub(in crate::console) fn shown_mut(&mut self) -> Option<&mut Shown> {
        self.slot.data.as_mut()
    }

    /// What outlives the session.
    pub(in crate::console) fn unsaved(&self) -> Option<Draft> {
        match self.shown() {
            Some(shown) => shown.drafted().map(|drafted| drafted.draft.clone()),
            None => self.own.resumed.clone(),
        }
    }

    /// The chosen line is this one now, if the filter lets it through.
    pub(in crate::console) fn point_at(&mut self, keys: &[Key], key: Key) {
        if let Some(index) = keys.iter().position(|known| *known == key) {
            self.selection.choose(keys, index);
        }
    }
}

impl Topic for Setup {
    type Data = Shown;
    type Key = Key;
    type Row<'a> = Row;
    type Open = Detail;

    const CONTEXTS: [Context; 2] = [Context::Plugin, Context::Rule];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-plugin");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<Row> {
        let Some(shown) = &list.slot.data else {
            return Vec::new();
        };
        let mut rows = lines(scene, shown);
        rows.retain(|row| list.is_kept(scene.words, row));
        rows
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Plugin)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Plugin(plugin) = answer else {
            return Err(answer);
        };
        let known = list.slot.data.take().and_then(Shown::into_draft);
        let resumed = list
            .own
            .resumed
            .take()
            .map(|draft| (draft, Left::default()));
        let shown = Shown::new(plugin, known.or(resumed));
        list.own.has_drafted |= shown.drafted().is_some();
        list.slot.answer(shown, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let versions = list.slot.data.as_ref();
        let versions = versions.map_or(0, |shown| shown.plugin.versions.len());
        let title = list.titled(scene, named(list, scene), 0);
        if versions > VERSIONS_MAX {
            return format!("{title} · {}", scene.say().text("older-not-shown"));
        }
        title
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        let shown = list.slot.data.as_ref();
        let is_drafted = shown.is_some_and(|shown| shown.drafted().is_some());
        if shown.is_some_and(Shown::is_outdated) {
            hints.push((Action::RedoDraft, "hint-redo"));
        } else if is_drafted {
            hints.push((Action::SaveDraft, "hint-save"));
        }
        if let Some(key) = list.chosen(scene).map(|row| row.key) {
            hints.push((Action::Open, "hint-open"));
            hints.extend(hints_for(key));
        }
        hints.push((Action::AddPair, "hint-add-pair"));
        if is_drafted {
            hints.push((Action::DiscardDraft, "hint-discard-draft"));
        }
        hints.push((Action::Filter, "hint-filter"));
        hints.push((Action::Down, "hint-move"));
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let rows = list.rows(scene);
        if rows.is_empty() {
            let style = if list.slot.error().is_some() {
                theme.person()
            } else {
                theme.muted()
            };
            canvas.paragraph(1, 1, 4, &Self::empty(list, scene), style);
            return;
        }
        list.paint_rows(scene, canvas, &rows, page_height(canvas.height()));
        if let (Some(shown), Some(key)) = (&list.slot.data, list.key()) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let (style, told) = summary(scene, shown, key);
            canvas.paragraph(1, y + 1, 2, &told, tone(theme, style));
        }
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        if list.slot.data.is_none() && list.slot.error().is_some() {
            return scene.say().text("plugin-unread").to_owned();
        }
        super::empty_text(scene, &list.slot, &list.filter, "loading").to_owned()
    }

    /// Whoever hears it has no title to look at.
    fn head(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let shown = list.slot.data.as_ref();
        let drafted = shown.filter(|shown| shown.drafted().is_some());
        drafted
            .map(|shown| drafted_words(scene, shown))
            .into_iter()
            .collect()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let chosen = list.slot.data.as_ref().zip(list.key());
        let told = chosen.map(|(shown, key)| summary(scene, shown, key).1);
        told.into_iter().collect()
    }

    /// Both names of the pair, or the setting with its value.
    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        Some(match list.chosen(scene)?.cells {
            Cells::Value(name, value) => scene.words.labelled(&name, &value),
            Cells::Pair([salesforce, arrow, automation, ..]) => {
                format!("{salesforce} {arrow} {automation}")
            }
        })
    }
}

/// What can be done to the line.
fn hints_for(key: Key) -> Vec<(Action, &'static str)> {
    match key {
        Key::Setting(Setting::AutomationUrl) | Key::Draft => Vec::new(),
        Key::Setting(_) | Key::Time(_) => vec![(Action::Change, "hint-change")],
        Key::Rule(..) => vec![
            (Action::TurnArrow, "hint-turn"),
            (Action::Change, "hint-options"),
            (Action::RemovePair, "hint-remove"),
        ],
        Key::Version(_) => vec![(Action::RollBack, "hint-roll-back")],
    }
}

/// `Plugin: 21 mapped fields · ! not published`, or how the draft stands.
fn named(list: &Model, scene: Scene<'_>) -> String {
    let say = scene.say();
    let shown = list.slot.data.as_ref();
    let mut parts = Vec::new();
    match shown {
        Some(shown) if shown.drafted().is_some() => parts.push(drafted_words(scene, shown)),
        _ => {
            let mapping = &scene.words.policy.mapping;
            let rules = mapping.person.len() + mapping.company.len();
            parts.push(say.count("title-plugin", rules as u64));
        }
    }
    if let Some(review) = scene.snapshot.review {
        let (done, all) = (say.number(review.looked_at), say.number(review.of));
        let gaps = [("done", done.as_str()), ("all", all.as_str())];
        parts.push(say.with("title-review", &gaps));
    }
    if !scene.snapshot.published {
        parts.push(format!("! {}", say.text("title-unpublished")));
    }
    if let Some(shown) = shown {
        let suspended = shown.plugin.suspended.len() as u64;
        let drifted = drifted(shown);
        for (key, count) in [("title-suspended", suspended), ("title-drifted", drifted)] {
            if count > 0 {
                parts.push(format!("! {}", say.count(key, count)));
            }
        }
    }
    parts.join(" · ")
}

/// Pairs that no longer fit and work on all the same.
fn drifted(shown: &Shown) -> u64 {
    let kinds = [Kind::Person, Kind::Company].into_iter();
    let drifted = kinds.flat_map(|kind| {
        let rules = shown.plugin.policy.mapping.rules(kind).iter();
        rules.filter(move |rule| {
            shown.suspended(kind, rule.id).is_none()
                && !drifts(kind, rule, &shown.plugin.described).is_empty()
        })
    });
    drifted.count() as u64
}

/// `draft: 3 changes, not saved · ! 1 refused`.
fn drafted_words(scene: Scene<'_>, shown: &Shown) -> String {
    let say = scene.say();
    let Some(drafted) = shown.drafted() else {
        return String::new();
    };
    let mut text = say.count("draft-changes", drafted.count());
    if shown.is_outdated() {
        let number = shown.plugin.version.to_string();
        let told = match shown.version(shown.plugin.version) {
            Some((version, _)) => {
                let gaps = [("n", number.as_str()), ("author", &version.author)];
                say.with("draft-outdated", &gaps)
            }
            None => say.with("draft-outdated-by", &[("n", &number)]),
        };
        // First, so that it is not what a small screen cuts off.
        text = format!("! {told} · {text}");
    }
    for (key, count) in [
        ("draft-refused", drafted.refusals()),
        ("draft-left", drafted.left.count()),
    ] {
        if count > 0 {
            text = format!("{text} · ! {}", say.count(key, count));
        }
    }
    text
}
