//! The lines of the list: settings, times, pairs of fields, versions; each as the draft has it.

use ratatui::style::Style;

use super::shown::{Mark, Shown};
use super::{ARROW, Key, SALESFORCE, TABLE};
use crate::console::canvas::Canvas;
use crate::console::list::{Place, Rank};
use crate::console::model::Tone;
use crate::console::query::VERSIONS_MAX;
use crate::console::screens::Scene;
use crate::console::screens::listing::{Cell, Listed};
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::console::words::{Time, Words, moment, sign};
use crate::domain::drift::drifts;
use crate::domain::ids::Kind;
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::record::PolicyVersion;
use crate::domain::request::FieldDescription;
use crate::domain::setup::{Difference, Set, Setting, Weight, differences};

/// One line: what it is, and either a name with its value or a pair of fields.
pub(in crate::console) struct Row {
    pub(super) key: Key,
    section: String,
    /// Its field is no longer as the rule needs it.
    fit: Fit,
    mark: Mark,
    weight: Option<Weight>,
    pub(super) cells: Cells,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Fits,
    Drifted,
    Suspended,
}

pub(super) enum Cells {
    Value(String, String),
    /// Salesforce's field, the arrow, Automation's field, the types, options.
    Pair([String; 5]),
}

/// Columns of a version's number.
const VERSION_WIDTH: u16 = 13;

/// As it is in force: a republish can take the plugin out of publication for a while.
pub(super) fn set(scene: Scene<'_>, shown: &Shown, setting: Setting) -> Set {
    let is_drafted = shown.mark(Key::Setting(setting)) != Mark::Same;
    match setting {
        Setting::Published if !is_drafted => Set::Switch(scene.snapshot.published),
        setting => shown.value(setting),
    }
}

/// The types on both sides, as the two systems describe them.
fn types(words: Words<'_>, shown: &Shown, kind: Kind, rule: &FieldRule) -> String {
    let described = &shown.plugin.described;
    let of = |field: Option<&FieldDescription>| match field {
        None => words.language.text("field-hidden"),
        Some(field) => field.value_type.map_or_else(
            || words.language.text("type-unmappable"),
            |value_type| words.value_type(value_type),
        ),
    };
    let mut salesforce: Vec<&str> = Vec::new();
    for object in &rule.objects {
        salesforce.push(of(described.salesforce_field(*object, rule)));
    }
    salesforce.dedup();
    let automation = match rule.role {
        Role::Consent => words.language.text("type-consent"),
        _ if !rule.has_automation_field() => words.language.text("type-own"),
        _ => of(described.automation_field(kind, rule)),
    };
    format!("{} · {automation}", salesforce.join("/"))
}

/// Every line, the filter left out.
pub(super) fn lines(scene: Scene<'_>, shown: &Shown) -> Vec<Row> {
    let words = scene.words;
    let text = |key| words.language.text(key).to_owned();
    let settings = Setting::ALL.map(|setting| {
        let name = words.setting(setting).to_owned();
        let told = words.set(setting, &set(scene, shown, setting));
        value(words, shown, Key::Setting(setting), (name, told))
    });
    let times = shown.timetable();
    let is_shown = |time: &Time| *time == Time::Schedule || times.is_enabled;
    let times = Time::ALL.into_iter().filter(is_shown).map(|time| {
        let named = (text(time.title()), words.time(time, times));
        value(words, shown, Key::Time(time), named)
    });
    let mut rows: Vec<Row> = settings.into_iter().chain(times).collect();
    for kind in [Kind::Person, Kind::Company] {
        let rules = shown.rules(kind).into_iter();
        rows.extend(rules.map(|rule| pair(words, shown, kind, rule)));
    }
    for version in shown.plugin.versions.iter().take(VERSIONS_MAX) {
        let number = version.version.to_string();
        let name = words.language.with("version", &[("n", &number)]);
        let told = version_words(words, shown, version);
        let key = Key::Version(version.version);
        rows.push(value(words, shown, key, (name, told)));
    }
    rows
}

fn value(words: Words<'_>, shown: &Shown, key: Key, (name, told): (String, String)) -> Row {
    let mut told = told;
    let weight = shown.weight(key);
    if let Some(weight) = weight {
        told = format!("{told} · {}", words.weight(weight));
    }
    if let Some(before) = before(words, shown, key) {
        told = format!("{told} · {before}");
    }
    Row {
        key,
        section: words
            .language
            .text(match key {
                Key::Version(_) => "section-version",
                Key::Time(_) => "section-time",
                _ => "section-setting",
            })
            .to_owned(),
        fit: Fit::Fits,
        mark: shown.mark(key),
        weight,
        cells: Cells::Value(name, told),
    }
}

fn pair(words: Words<'_>, shown: &Shown, kind: Kind, rule: &FieldRule) -> Row {
    let key = Key::Rule(kind, rule.id);
    let (mark, weight) = (shown.mark(key), shown.weight(key));
    let fit = if shown.suspended(kind, rule.id).is_some() {
        Fit::Suspended
    } else if drifts(kind, rule, &shown.plugin.described).is_empty() {
        Fit::Fits
    } else {
        Fit::Drifted
    };
    let mut types = types(words, shown, kind, rule);
    if let Some(weight) = weight {
        types = words.labelled(words.weight(weight), &types);
    }
    let mut options: Vec<&str> = state(words, fit, mark);
    options.extend(words.options(rule));
    Row {
        key,
        section: words.kind(kind).to_owned(),
        fit,
        mark,
        weight,
        cells: Cells::Pair([
            rule.salesforce.clone(),
            sign(rule.arrow).to_owned(),
            rule.automation.clone(),
            types,
            options.join(words.language.text("separator")),
        ]),
    }
}

fn state(words: Words<'_>, fit: Fit, mark: Mark) -> Vec<&str> {
    let fit = match fit {
        Fit::Fits => None,
        Fit::Drifted => Some("state-drifted"),
        Fit::Suspended => Some("state-suspended"),
    };
    let mark = match mark {
        Mark::Same => None,
        Mark::Changed => Some("mark-changed"),
        Mark::Added => Some("mark-added"),
        Mark::Removed => Some("mark-removed"),
    };
    let keys = fit.into_iter().chain(mark);
    keys.map(|key| words.language.text(key)).collect()
}

/// What the draft found there: `before: off`.
pub(super) fn before(words: Words<'_>, shown: &Shown, key: Key) -> Option<String> {
    let value = match (key, shown.before(key)) {
        (Key::Setting(setting), Some(Difference::Setting { before, .. })) => {
            words.set(setting, before)
        }
        (Key::Rule(..), Some(Difference::Changed { before, .. })) => {
            let mut told = vec![Words::pair(before)];
            told.extend(words.options(before).into_iter().map(ToOwned::to_owned));
            told.extend(before.objects.iter().map(|o| words.object(*o).to_owned()));
            told.join(" · ")
        }
        (Key::Time(time), _) if shown.mark(key) == Mark::Changed => {
            words.time(time, &shown.plugin.timetable)
        }
        _ => return None,
    };
    Some(words.language.with("was-before", &[("value", &value)]))
}

/// `2026-03-04 09:10 UTC · claire · 2 changes`.
fn version_words(words: Words<'_>, shown: &Shown, version: &PolicyVersion) -> String {
    let say = words.language;
    let changes = match shown.version(version.version) {
        Some((this, Some(before))) => {
            let count = differences(&before.policy, &this.policy).len() as u64;
            say.count("changes", count + u64::from(is_retimed(before, this)))
        }
        _ => say.text("version-first").to_owned(),
    };
    format!("{} · {} · {changes}", moment(version.at), version.author)
}

/// The first time that somebody sets times from here, there is nothing to compare them with.
pub(super) fn is_retimed(before: &PolicyVersion, after: &PolicyVersion) -> bool {
    before.timetable.is_some() && before.timetable != after.timetable
}

/// What the chosen line means, in a sentence or two.
pub(super) fn summary(scene: Scene<'_>, shown: &Shown, key: Key) -> (Tone, String) {
    let words = scene.words;
    let say = words.language;
    if let Some(objection) = shown.against(key).first() {
        return (Tone::Person, format!("! {}", words.weighed(objection)));
    }
    match key {
        Key::Setting(setting) => (Tone::Plain, words.about_setting(setting).to_owned()),
        Key::Time(time) => (Tone::Plain, say.text(time.about()).to_owned()),
        Key::Version(_) => (Tone::Plain, say.text("about-version").to_owned()),
        Key::Draft => (Tone::Muted, String::new()),
        Key::Rule(kind, id) => {
            let Some(rule) = shown.rule(kind, id) else {
                return (Tone::Muted, String::new());
            };
            if let Some(told) = unfit(words, shown, kind, rule) {
                return (Tone::Person, format!("! {told}"));
            }
            if shown.mark(key) == Mark::Removed {
                return (Tone::Person, say.text("removed-not-saved").to_owned());
            }
            if let Some(before) = before(words, shown, key) {
                return (Tone::Strong, before);
            }
            let role = match rule.role {
                Role::Plain => words.arrow(rule),
                role => words.role(role),
            };
            let mut told = vec![role];
            told.extend(words.options(rule));
            (Tone::Plain, told.join(" · "))
        }
    }
}

/// Why the rule is left alone and since when, or why it would be.
pub(super) fn unfit(
    words: Words<'_>,
    shown: &Shown,
    kind: Kind,
    rule: &FieldRule,
) -> Option<String> {
    if let Some(suspension) = shown.suspended(kind, rule.id) {
        let why = words.drift(rule, suspension.why);
        let since = moment(suspension.since);
        let gaps = [("why", why.as_str()), ("since", since.as_str())];
        return Some(words.language.with("suspended-since", &gaps));
    }
    let drift = drifts(kind, rule, &shown.plugin.described)
        .into_iter()
        .next()?;
    Some(words.drift(rule, drift))
}

impl Row {
    /// Settings come first, then people, companies and versions.
    const fn part(&self) -> i64 {
        match self.key {
            Key::Setting(_) | Key::Draft => 0,
            Key::Time(_) => 1,
            Key::Rule(Kind::Person, _) => 2,
            Key::Rule(Kind::Company, _) => 3,
            Key::Version(_) => 4,
        }
    }

    fn needs_somebody(&self) -> bool {
        self.fit != Fit::Fits || self.weight == Some(Weight::Refused)
    }
}

impl Listed for Row {
    type Key = Key;

    fn key(&self) -> Key {
        self.key
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        let mut states = state(words, self.fit, self.mark);
        states.extend(self.weight.map(|weight| words.weight(weight)));
        let mut texts = vec![("part", self.section.clone()), ("state", states.join(" "))];
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
        let style = match (self.needs_somebody(), self.mark) {
            (true, _) => Tone::Person,
            (false, Mark::Removed) => Tone::Muted,
            (false, Mark::Added | Mark::Changed) => Tone::Strong,
            (false, Mark::Same) => Tone::Plain,
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
        let sign = match (self.needs_somebody(), self.mark) {
            (true, _) => return ("!", theme.person()),
            (false, Mark::Changed | Mark::Added) => "*",
            (false, Mark::Removed) => "-",
            (false, Mark::Same) => "",
        };
        (sign, theme.accent())
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
