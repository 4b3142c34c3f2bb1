//! What is configured? Settings, timetable, every mapped pair as both systems describe it, and the
//! versions of all that. It is only read here.

mod detail;

use detail::Detail;
use ratatui::style::Style;

use super::listing::{Cell, List, Listed, Topic};
use super::{Scene, page_height};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Place, Rank, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Answer, Plugin, Query, VERSIONS_MAX};
use crate::console::slot::Waiting as _;
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::console::words::{Words, moment, sign};
use crate::domain::drift::{Drift, drifts};
use crate::domain::ids::{FieldId, Kind};
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::record::PolicyVersion;
use crate::domain::request::FieldDescription;
use crate::domain::setup::{Set, Setting, differences};
use crate::domain::time::Span;

pub(in crate::console) type Model = List<Setup>;

/// Settings, timetable, pairs of fields, versions.
#[derive(Debug, Default)]
pub(in crate::console) struct Setup;

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
}

/// A part of the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Time {
    Schedule,
    Pull,
    Push,
    Activities,
    Overlap,
}

/// One line: what it is, and either a name with its value or a pair of fields.
pub(in crate::console) struct Row {
    key: Key,
    section: String,
    is_drifted: bool,
    cells: Cells,
}

enum Cells {
    Value(String, String),
    /// Salesforce's field, the arrow, Automation's field, the types, options.
    Pair([String; 5]),
}

/// Columns of a version's number.
const VERSION_WIDTH: u16 = 13;

impl Time {
    const ALL: [Self; 5] = [
        Self::Schedule,
        Self::Pull,
        Self::Push,
        Self::Activities,
        Self::Overlap,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Schedule => "time-schedule",
            Self::Pull => "time-pull",
            Self::Push => "time-push",
            Self::Activities => "time-activities",
            Self::Overlap => "time-overlap",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Schedule => "about-schedule",
            Self::Pull => "about-pull",
            Self::Push => "about-push",
            Self::Activities => "about-activity-runs",
            Self::Overlap => "about-overlap",
        }
    }

    fn value(self, words: Words<'_>, plugin: &Plugin) -> String {
        let times = plugin.timetable;
        let every = |span: Option<Span>| match span {
            Some(span) => words.span(span),
            None => words.language.text("set-none").to_owned(),
        };
        match self {
            Self::Schedule => words.switch(times.is_enabled).to_owned(),
            Self::Pull => every(times.pull),
            Self::Push => every(times.push),
            Self::Activities => every(times.activities),
            Self::Overlap => words.span(times.overlap),
        }
    }
}

impl Plugin {
    /// The version, and the one that it replaced.
    pub(super) fn version(&self, number: u32) -> Option<(&PolicyVersion, Option<&PolicyVersion>)> {
        let mut versions = self.versions.iter();
        let at = versions.position(|version| version.version == number)?;
        Some((&self.versions[at], self.versions.get(at + 1)))
    }
}

/// As it is in force: a republish can take the plugin out of publication for a while.
fn set(scene: Scene<'_>, setting: Setting) -> Set {
    match setting {
        Setting::Published => Set::Switch(scene.snapshot.published),
        setting => setting.of(scene.words.policy),
    }
}

/// The types on both sides, as the two systems describe them.
fn types(words: Words<'_>, plugin: &Plugin, kind: Kind, rule: &FieldRule) -> String {
    let of = |field: Option<&FieldDescription>| match field {
        None => words.language.text("field-hidden"),
        Some(field) => field.value_type.map_or_else(
            || words.language.text("type-unmappable"),
            |value_type| words.value_type(value_type),
        ),
    };
    let mut salesforce: Vec<&str> = Vec::new();
    for object in &rule.objects {
        salesforce.push(of(plugin.described.salesforce_field(*object, rule)));
    }
    salesforce.dedup();
    let automation = match rule.role {
        Role::Consent => words.language.text("type-consent"),
        _ if !rule.has_automation_field() => words.language.text("type-own"),
        _ => of(plugin.described.automation_field(kind, rule)),
    };
    format!("{} · {automation}", salesforce.join("/"))
}

impl Model {
    /// Opens the chosen line; `false` if none is.
    pub(in crate::console) fn open_chosen(&mut self) -> bool {
        self.open = self.key().map(Detail::new);
        self.open.is_some()
    }
}

/// Every line, the filter left out.
fn lines(scene: Scene<'_>, plugin: &Plugin) -> Vec<Row> {
    let words = scene.words;
    let text = |key| words.language.text(key).to_owned();
    let value = |key, name: String, value: String| Row {
        key,
        section: text(match key {
            Key::Version(_) => "section-version",
            Key::Time(_) => "section-time",
            _ => "section-setting",
        }),
        is_drifted: false,
        cells: Cells::Value(name, value),
    };
    let settings = Setting::ALL.map(|setting| {
        let name = words.setting(setting).to_owned();
        let told = words.set(setting, &set(scene, setting));
        value(Key::Setting(setting), name, told)
    });
    let times = Time::ALL
        .into_iter()
        .filter(|time| *time == Time::Schedule || plugin.timetable.is_enabled)
        .map(|time| {
            value(
                Key::Time(time),
                text(time.title()),
                time.value(words, plugin),
            )
        });
    let mut rows: Vec<Row> = settings.into_iter().chain(times).collect();
    for kind in [Kind::Person, Kind::Company] {
        let rules = words.policy.mapping.rules(kind).iter();
        rows.extend(rules.map(|rule| pair(words, plugin, kind, rule)));
    }
    for version in plugin.versions.iter().take(VERSIONS_MAX) {
        let number = version.version.to_string();
        let name = words.language.with("version", &[("n", &number)]);
        let told = version_words(words, plugin, version);
        rows.push(value(Key::Version(version.version), name, told));
    }
    rows
}

fn pair(words: Words<'_>, plugin: &Plugin, kind: Kind, rule: &FieldRule) -> Row {
    Row {
        key: Key::Rule(kind, rule.id),
        section: words.kind(kind).to_owned(),
        is_drifted: !drifts(kind, rule, &plugin.described).is_empty(),
        cells: Cells::Pair([
            rule.salesforce.clone(),
            sign(rule.arrow).to_owned(),
            rule.automation.clone(),
            types(words, plugin, kind, rule),
            words.options(rule).join("; "),
        ]),
    }
}

/// `2026-03-04 09:10 UTC · claire · 2 changes`.
fn version_words(words: Words<'_>, plugin: &Plugin, version: &PolicyVersion) -> String {
    let say = words.language;
    let changes = match plugin.version(version.version) {
        Some((this, Some(before))) => {
            let count = differences(&before.policy, &this.policy).len();
            say.count("changes", count as u64)
        }
        _ => say.text("version-first").to_owned(),
    };
    format!("{} · {} · {changes}", moment(version.at), version.author)
}

/// What the chosen line means, in a sentence or two.
fn summary(scene: Scene<'_>, plugin: &Plugin, key: Key) -> (Tone, String) {
    let words = scene.words;
    let say = words.language;
    match key {
        Key::Setting(setting) => (Tone::Plain, words.about_setting(setting).to_owned()),
        Key::Time(time) => (Tone::Plain, say.text(time.about()).to_owned()),
        Key::Version(_) => (Tone::Plain, say.text("about-version").to_owned()),
        Key::Rule(kind, id) => {
            let Some(rule) = words.policy.mapping.rule(kind, id) else {
                return (Tone::Muted, String::new());
            };
            let drifts: Vec<Drift> = drifts(kind, rule, &plugin.described);
            if let Some(drift) = drifts.first() {
                return (Tone::Person, format!("! {}", words.drift(rule, *drift)));
            }
            let role = match rule.role {
                Role::Plain => words.arrow(rule),
                role => words.role(role),
            };
            let mut told = vec![role];
            let options = words.options(rule);
            told.extend(options);
            (Tone::Plain, told.join(" · "))
        }
    }
}

impl Row {
    /// Settings come first, then people, companies and versions.
    const fn part(&self) -> i64 {
        match self.key {
            Key::Setting(_) => 0,
            Key::Time(_) => 1,
            Key::Rule(Kind::Person, _) => 2,
            Key::Rule(Kind::Company, _) => 3,
            Key::Version(_) => 4,
        }
    }
}

impl Listed for Row {
    type Key = Key;

    fn key(&self) -> Key {
        self.key
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        let state = if self.is_drifted {
            words.language.text("state-drifted").to_owned()
        } else {
            String::new()
        };
        let mut texts = vec![("part", self.section.clone()), ("state", state)];
        match &self.cells {
            Cells::Value(name, value) => {
                texts.push(("name", name.clone()));
                texts.push(("value", value.clone()));
            }
            Cells::Pair([salesforce, _, automation, types, options]) => {
                texts.push(("salesforce", salesforce.clone()));
                texts.push(("automation", automation.clone()));
                texts.push(("type", types.clone()));
                texts.push(("option", options.clone()));
            }
        }
        texts
    }

    /// A setting is named and has its value where a pair has its two fields.
    fn cells(&self, _words: Words<'_>) -> Vec<Cell> {
        let style = if self.is_drifted {
            Tone::Person
        } else {
            Tone::Plain
        };
        let section = (Tone::Muted, self.section.clone());
        let others: Vec<Cell> = match &self.cells {
            Cells::Value(name, value) => vec![
                (Tone::Plain, name.clone()),
                (Tone::Plain, String::new()),
                (Tone::Strong, value.clone()),
            ],
            Cells::Pair(cells) => cells.iter().map(|text| (style, text.clone())).collect(),
        };
        std::iter::once(section).chain(others).collect()
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            0 => Rank::Number(self.part()),
            _ => self.text_rank(words, column),
        }
    }

    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        let sign = if self.is_drifted { "!" } else { "" };
        (sign, theme.person())
    }

    /// A setting's name and value are longer than a field's: they take the rest of the line.
    fn paint(&self, words: Words<'_>, places: &[Place], canvas: &mut Canvas<'_>, y: u16) {
        let theme = canvas.theme;
        let cells = self.cells(words);
        let begin = places.iter().find(|place| place.column == SALESFORCE);
        let begin = begin.map_or(TABLE.left, |place| place.x);
        for place in places {
            let is_value = matches!(self.cells, Cells::Value(..));
            if let Some((style, text)) = cells.get(place.column)
                && !(is_value && place.column >= SALESFORCE)
            {
                // The arrow stands close to what it points at.
                let gap = u16::from(place.column == ARROW);
                let style = tone(theme, *style);
                canvas.within(place.x, y, place.width + gap, text, style);
            }
        }
        if let Cells::Value(name, value) = &self.cells {
            let width = canvas.width();
            let room = match self.key {
                Key::Version(_) => VERSION_WIDTH,
                _ => (width * 2 / 5).min(40),
            };
            canvas.within(begin, y, room - 1, name, theme.plain());
            let x = begin + room;
            canvas.within(x, y, width.saturating_sub(x), value, theme.strong());
        }
    }
}

impl Topic for Setup {
    type Data = Box<Plugin>;
    type Key = Key;
    type Row<'a> = Row;
    type Open = Detail;

    const CONTEXTS: [Context; 2] = [Context::Plugin, Context::Rule];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-plugin");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<Row> {
        let Some(plugin) = list.slot.data.as_deref() else {
            return Vec::new();
        };
        let mut rows = lines(scene, plugin);
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
        list.slot.answer(plugin, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let say = scene.say();
        let mapping = &scene.words.policy.mapping;
        let rules = mapping.person.len() + mapping.company.len();
        let mut title = say.count("title-plugin", rules as u64);
        if !scene.snapshot.published {
            title = format!("{title} · ! {}", say.text("title-unpublished"));
        }
        if let Some(plugin) = list.slot.data.as_deref() {
            let drifted = [Kind::Person, Kind::Company].into_iter().flat_map(|kind| {
                let rules = mapping.rules(kind).iter();
                rules.filter(move |rule| !drifts(kind, rule, &plugin.described).is_empty())
            });
            let drifted = drifted.count() as u64;
            if drifted > 0 {
                title = format!("{title} · ! {}", say.count("title-drifted", drifted));
            }
        }
        let versions = list.slot.data.as_ref().map_or(0, |p| p.versions.len());
        let title = list.titled(scene, title, 0);
        if versions > VERSIONS_MAX {
            return format!("{title} · {}", say.text("older-not-shown"));
        }
        title
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![(Action::Filter, "hint-filter"), (Action::Down, "hint-move")];
        if list.chosen(scene).is_some() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
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
        if let (Some(plugin), Some(key)) = (&list.slot.data, list.key()) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let (style, told) = summary(scene, plugin, key);
            canvas.paragraph(1, y + 1, 2, &told, tone(theme, style));
        }
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        if list.slot.data.is_none() && list.slot.error().is_some() {
            return scene.say().text("plugin-unread").to_owned();
        }
        super::empty_text(scene, &list.slot, &list.filter, "loading").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let chosen = list.slot.data.as_ref().zip(list.key());
        let told = chosen.map(|(plugin, key)| summary(scene, plugin, key).1);
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
