//! What is configured? Settings, timetable, every mapped pair as both systems describe it, and the
//! versions of all that. It is only read here.

mod detail;

use detail::Detail;

use super::{Notice, Scene, Screen, filtered, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::model::Tone;
use crate::console::query::{Answer, Plugin, Query, Ticket, VERSIONS_MAX};
use crate::console::slot::{Slot, Waiting};
use crate::console::view::tone;
use crate::console::words::{Words, moment, sign};
use crate::domain::drift::{Drift, drifts};
use crate::domain::ids::{FieldId, Kind};
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::record::PolicyVersion;
use crate::domain::request::FieldDescription;
use crate::domain::setup::{Set, Setting, differences};
use crate::domain::time::Span;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Box<Plugin>>,
    filter: Filter,
    selection: Selection<Key>,
    pub(in crate::console) open: Option<Detail>,
}

/// What a line of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Setting(Setting),
    Time(Time),
    Rule(Kind, FieldId),
    /// One version of all this, by its number.
    Version(u32),
}

/// A part of the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Schedule,
    Pull,
    Push,
    Activities,
    Overlap,
}

/// One line: what it is, and either a name with its value or a pair of fields.
struct Row {
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

/// Where the columns begin: section, Salesforce, arrow, Automation, types, options.
const fn columns(width: u16) -> [u16; 6] {
    let rest = width.saturating_sub(12);
    let (salesforce, automation, options) = if width < 100 {
        (rest * 29 / 100, rest * 33 / 100, width)
    } else {
        (rest * 24 / 100, rest * 25 / 100, 12 + rest * 78 / 100)
    };
    let arrow = 12 + salesforce;
    [2, 12, arrow, arrow + 2, arrow + 2 + automation, options]
}

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
    /// What the filter shows.
    fn rows(&self, scene: Scene<'_>) -> Vec<Row> {
        let Some(plugin) = self.slot.data.as_deref() else {
            return Vec::new();
        };
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
        rows.retain(|row| self.filter.keeps(&row.texts(words)));
        rows
    }

    fn keys(&self, scene: Scene<'_>) -> Vec<Key> {
        self.rows(scene).iter().map(|row| row.key).collect()
    }

    /// Opens the chosen line; `false` if none is.
    pub(in crate::console) fn open_chosen(&mut self) -> bool {
        self.open = self.selection.key().map(Detail::new);
        self.open.is_some()
    }

    fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = scene.say();
        let rows = self.rows(scene);
        if rows.is_empty() {
            if self.slot.data.is_none() && self.slot.error().is_some() {
                canvas.paragraph(1, 1, 4, say.text("plugin-unread"), theme.person());
                return;
            }
            paint_empty(scene, canvas, &self.slot, &self.filter, "loading");
            return;
        }
        let at = columns(canvas.width());
        for (x, title) in [
            (at[0], "column-part"),
            (at[1], "column-salesforce"),
            (at[3], "column-automation"),
            (at[4], "column-types"),
            (at[5], "column-options"),
        ] {
            canvas.text(x, 0, say.text(title), theme.muted());
        }
        let height = page_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            paint_row(row, at, canvas, y);
            if self.selection.key() == Some(row.key) {
                canvas.line_style(y, theme.selected());
            }
        }
        if let (Some(plugin), Some(key)) = (&self.slot.data, self.selection.key()) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let (style, told) = summary(scene, plugin, key);
            canvas.paragraph(1, y + 1, 2, &told, tone(theme, style));
        }
    }
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
    /// What a filter looks at.
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
}

fn paint_row(row: &Row, at: [u16; 6], canvas: &mut Canvas<'_>, y: u16) {
    let theme = canvas.theme;
    if row.is_drifted {
        canvas.text(0, y, "!", theme.person());
    }
    canvas.within(at[0], y, at[1] - at[0] - 1, &row.section, theme.muted());
    let width = canvas.width();
    match &row.cells {
        Cells::Value(name, value) => {
            let room = match row.key {
                Key::Version(_) => VERSION_WIDTH,
                _ => (width * 2 / 5).min(40),
            };
            canvas.within(at[1], y, room - 1, name, theme.plain());
            let x = at[1] + room;
            canvas.within(x, y, width.saturating_sub(x), value, theme.strong());
        }
        Cells::Pair(cells) => {
            let style = if row.is_drifted {
                theme.person()
            } else {
                theme.plain()
            };
            for (index, text) in cells.iter().enumerate() {
                let x = at[index + 1];
                let end = at.get(index + 2).copied().unwrap_or(width);
                let gap = u16::from(index != 1);
                canvas.within(x, y, end.saturating_sub(x + gap), text, style);
            }
        }
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        match self.open {
            Some(_) => Context::Rule,
            None => Context::Plugin,
        }
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(&self.slot)
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        if let Some(open) = &mut self.open
            && let Key::Rule(kind, field) = open.key
        {
            return Some((&mut open.example, Query::Example(kind, field)));
        }
        Some((&mut self.slot, Query::Plugin))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let open = self.open.as_mut();
        super::places(&mut self.slot, open.map(|open| &mut open.example as _))
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match (answer, &mut self.open) {
            (Answer::Plugin(plugin), _) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(plugin, now);
                let keys = self.keys(scene);
                Ok(Notice::of(
                    self.selection.settle(&keys) && self.open.is_none(),
                ))
            }
            (Answer::Example(example), Some(open)) if open.example.is_waiting_for(ticket) => {
                open.example.answer(example, now);
                Ok(Notice::None)
            }
            (answer, _) => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        let say = scene.say();
        if let (Some(open), Some(plugin)) = (&self.open, self.slot.data.as_deref()) {
            return open.title(scene, plugin);
        }
        let mapping = &scene.words.policy.mapping;
        let rules = mapping.person.len() + mapping.company.len();
        let mut title = say.count("title-plugin", rules as u64);
        if !scene.snapshot.published {
            title = format!("{title} · ! {}", say.text("title-unpublished"));
        }
        if let Some(plugin) = self.slot.data.as_deref() {
            let drifted = [Kind::Person, Kind::Company].into_iter().flat_map(|kind| {
                let rules = mapping.rules(kind).iter();
                rules.filter(move |rule| !drifts(kind, rule, &plugin.described).is_empty())
            });
            let drifted = drifted.count() as u64;
            if drifted > 0 {
                title = format!("{title} · ! {}", say.count("title-drifted", drifted));
            }
        }
        let versions = self.slot.data.as_ref().map_or(0, |p| p.versions.len());
        let title = filtered(scene, title, &self.filter, 0);
        if versions > VERSIONS_MAX {
            return format!("{title} · {}", say.text("older-not-shown"));
        }
        title
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        if let Some(open) = &self.open {
            return open.hints();
        }
        let mut hints = vec![(Action::Filter, "hint-filter"), (Action::Down, "hint-move")];
        if self.selection.key().is_some() && !self.rows(scene).is_empty() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match (&self.open, self.slot.data.as_deref()) {
            (Some(open), Some(plugin)) => open.paint(scene, plugin, canvas),
            _ => self.paint_list(scene, canvas),
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys(scene);
        match (&mut self.open, self.slot.data.as_deref()) {
            (Some(open), Some(plugin)) => open.step(scene, plugin, step, body),
            _ => self.selection.step(&keys, step, page_height(body)),
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys(scene);
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none();
        is_list.then_some((&self.filter, "filter-hint-plugin"))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene);
        self.selection.narrow(&keys);
    }

    /// Both names of the pair, or the setting with its value.
    fn copied(&self, scene: Scene<'_>) -> Option<String> {
        if let (Some(open), Some(plugin)) = (&self.open, self.slot.data.as_deref()) {
            return Some(open.title(scene, plugin));
        }
        let key = self.selection.key()?;
        let rows = self.rows(scene);
        let row = rows.iter().find(|row| row.key == key)?;
        Some(match &row.cells {
            Cells::Value(name, value) => scene.words.labelled(name, value),
            Cells::Pair([salesforce, arrow, automation, ..]) => {
                format!("{salesforce} {arrow} {automation}")
            }
        })
    }

    fn back(&mut self) -> bool {
        let was_open = self.open.take().is_some();
        if was_open {
            self.slot.renew();
        }
        was_open
    }
}
