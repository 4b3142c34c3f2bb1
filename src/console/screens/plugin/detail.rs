//! One rule with both fields as described and a real value, one setting, what one version changed, or
//! what the draft would.

use super::rows::{before, is_retimed, set, unfit};
use super::shown::{Mark, Shown};
use super::{Key, drafted_words, preview};
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::Step;
use crate::console::model::Tone;
use crate::console::query::{Answer, Example, Foreseen, Query, Searched, Ticket};
use crate::console::screens::lines::{Line, Scroll, columns, line, spoken, wrapped};
use crate::console::screens::listing::Opened;
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::view::tone;
use crate::console::words::{Words, moment};
use crate::domain::drift::narrowing;
use crate::domain::ids::{Kind, LinkId, Side};
use crate::domain::mapping::{BlankTravel, Concurrent, FieldRule, Overwritten, Policy, Role};
use crate::domain::setup::{Setting, differences};

/// Lines that the sentences above the table may take on the smallest screen.
const HEAD: u16 = 8;

#[derive(Debug)]
pub(in crate::console) struct Detail {
    pub(super) key: Key,
    pub(super) example: Slot<Option<Example>>,
    /// What the draft would do, as it was when the preview was opened.
    foreseen: Slot<Box<Foreseen>>,
    wanted: Option<Box<Policy>>,
    scroll: Scroll,
}

impl Detail {
    pub(in crate::console) fn new(key: Key) -> Self {
        Self {
            key,
            example: Slot::default(),
            foreseen: Slot::default(),
            wanted: None,
            scroll: Scroll::default(),
        }
    }

    /// Of what a draft would do.
    pub(in crate::console) fn preview(wanted: Policy) -> Self {
        Self {
            wanted: Some(Box::new(wanted)),
            ..Self::new(Key::Draft)
        }
    }

    pub(in crate::console) const fn key(&self) -> Key {
        self.key
    }

    /// So far, if it is not all known yet.
    pub(in crate::console) fn foreseen(&self) -> Option<&Foreseen> {
        self.foreseen.data.as_deref()
    }

    /// Counts it anew.
    pub(in crate::console) fn foresee_again(&mut self) {
        self.foreseen = Slot::default();
    }

    /// Whose value is shown.
    pub(in crate::console) fn contact(&self) -> Option<LinkId> {
        let example = self.example.data.as_ref()?.as_ref()?;
        Some(example.link)
    }

    fn titled(&self, scene: Scene<'_>, shown: &Shown) -> String {
        let words = scene.words;
        let say = words.language;
        match self.key {
            Key::Setting(setting) => {
                let value = words.set(setting, &set(scene, shown, setting));
                words.labelled(words.setting(setting), &value)
            }
            Key::Time(time) => {
                let name = say.text(time.title());
                words.labelled(name, &words.time(time, shown.timetable()))
            }
            Key::Version(number) => say.with("version", &[("n", &number.to_string())]),
            Key::Draft => drafted_words(scene, shown),
            Key::Rule(kind, id) => match shown.rule(kind, id) {
                Some(rule) => words.labelled(words.kind(kind), &Words::pair(rule)),
                None => String::new(),
            },
        }
    }

    fn offered(&self) -> Vec<(Action, &'static str)> {
        let mut hints = super::hints_for(self.key);
        if self.contact().is_some() {
            hints.push((Action::Open, "hint-contact"));
        }
        if self.key == Key::Draft {
            hints.push((Action::SaveDraft, "hint-save"));
            hints.push((Action::DiscardDraft, "hint-discard-draft"));
        }
        if matches!(self.key, Key::Rule(..) | Key::Version(_) | Key::Draft) {
            hints.push((Action::Down, "hint-scroll"));
        }
        hints
    }

    fn scroll(&mut self, scene: Scene<'_>, shown: &Shown, step: Step, body: u16) {
        let lines = wrapped(self.lines(scene, shown), scene.width).len();
        let page = usize::from(body.saturating_sub(HEAD)).max(1);
        self.scroll.step(lines, step, page);
    }

    fn paint_whole(&self, scene: Scene<'_>, shown: &Shown, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let (width, height) = (canvas.width(), canvas.height());
        let mut y = 0;
        for (style, text) in self.head(scene, shown) {
            let room = HEAD.saturating_sub(y).max(1);
            y += canvas.paragraph(1, y, room, &text, tone(theme, style));
        }
        let lines = wrapped(self.lines(scene, shown), width);
        let left = height.saturating_sub(y + 1);
        let mut part = canvas.part(0, y + 1, width, left);
        self.scroll.paint(&lines, &mut part);
    }

    /// Sentences that are always in sight.
    fn head(&self, scene: Scene<'_>, shown: &Shown) -> Vec<(Tone, String)> {
        let words = scene.words;
        let say = words.language;
        let text = |key| (Tone::Muted, say.text(key).to_owned());
        let against = shown.against(self.key).into_iter();
        let mut head: Vec<(Tone, String)> = against
            .map(|objection| (Tone::Person, format!("! {}", words.weighed(objection))))
            .collect();
        head.extend(before(words, shown, self.key).map(|told| (Tone::Strong, told)));
        match self.key {
            Key::Setting(setting) => {
                head.push((Tone::Plain, words.about_setting(setting).to_owned()));
                head.push(text(match setting {
                    Setting::AutomationUrl => "set-where-connection",
                    _ => "set-where",
                }));
            }
            Key::Time(time) => {
                head.push((Tone::Plain, say.text(time.about()).to_owned()));
                head.push(text("time-where"));
            }
            Key::Version(number) => head.extend(version_head(words, shown, number)),
            Key::Draft => head.extend(preview::head(words, shown)),
            Key::Rule(kind, id) => {
                if let Some(rule) = shown.rule(kind, id) {
                    head.extend(rule_head(words, shown, kind, rule));
                }
            }
        }
        head
    }

    fn lines(&self, scene: Scene<'_>, shown: &Shown) -> Vec<Line> {
        let words = scene.words;
        match self.key {
            Key::Setting(_) | Key::Time(_) => Vec::new(),
            Key::Version(number) => version_lines(words, shown, number),
            Key::Draft => preview::lines(words, shown, &self.foreseen),
            Key::Rule(kind, id) => match shown.rule(kind, id) {
                Some(rule) => self.rule_lines(words, shown, kind, rule),
                None => Vec::new(),
            },
        }
    }

    fn rule_lines(
        &self,
        words: Words<'_>,
        shown: &Shown,
        kind: Kind,
        rule: &FieldRule,
    ) -> Vec<Line> {
        let say = words.language;
        let [salesforce, automation] = Side::BOTH.map(|side| side.to_string());
        let described = &shown.plugin.described;
        let mut lines = vec![
            columns(Tone::Muted, "", salesforce, automation),
            columns(
                Tone::Plain,
                say.text("row-field"),
                rule.salesforce.clone(),
                rule.automation.clone(),
            ),
        ];
        let mut ours = match rule.role {
            Role::Consent => say.text("type-consent").to_owned(),
            _ if !rule.has_automation_field() => say.text("type-own").to_owned(),
            _ => words.described(described.automation_field(kind, rule)),
        };
        for object in &rule.objects {
            let field = described.salesforce_field(*object, rule);
            let name = words.object(*object);
            let ours = std::mem::take(&mut ours);
            lines.push(columns(Tone::Plain, name, words.described(field), ours));
        }
        lines.extend(options(words, rule));
        lines.push(line(Tone::Plain, ""));
        if shown.mark(Key::Rule(kind, rule.id)) == Mark::Added {
            lines.push(line(Tone::Muted, say.text("example-later")));
        } else {
            lines.extend(self.example_lines(words, rule));
        }
        lines.push(line(Tone::Plain, ""));
        let at = moment(described.at);
        lines.push(line(Tone::Muted, say.with("described-at", &[("at", &at)])));
        lines
    }

    /// The first contact that has a value.
    fn example_lines(&self, words: Words<'_>, rule: &FieldRule) -> Vec<Line> {
        let say = words.language;
        match (&self.example.data, self.example.error()) {
            (None, Some(error)) => {
                let text = say.with("store-error", &[("error", error)]);
                vec![line(Tone::Person, text)]
            }
            (None, None) => vec![line(Tone::Muted, say.text("loading"))],
            (Some(None), _) => vec![line(Tone::Muted, say.text("example-none"))],
            (Some(Some(example)), _) => {
                let whom = words.titled(&example.name, example.link);
                vec![
                    line(Tone::Strong, say.with("example", &[("whom", &whom)])),
                    columns(
                        Tone::Plain,
                        say.text("row-value"),
                        words.value(example.salesforce.as_ref()),
                        match &example.automation {
                            None if !rule.has_automation_field() => say.text("type-own").to_owned(),
                            value => words.value(value.as_ref()),
                        },
                    ),
                ]
            }
        }
    }
}

impl Opened<Shown> for Detail {
    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        match self.key {
            Key::Draft => Some(&mut self.foreseen),
            _ => Some(&mut self.example),
        }
    }

    /// A setting or a version is known already; a forecast reads from both systems, so it is asked for
    /// once.
    fn query(&self) -> Option<Query> {
        match self.key {
            Key::Rule(kind, field) => Some(Query::Example(kind, field)),
            Key::Draft if self.foreseen.data.is_none() && self.foreseen.error().is_none() => {
                self.wanted.clone().map(Query::Forecast)
            }
            _ => None,
        }
    }

    fn awaits(&self, ticket: Ticket) -> bool {
        self.example.is_waiting_for(ticket) || self.foreseen.is_waiting_for(ticket)
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match answer {
            Answer::Example(example) => self.example.answer(example, now),
            Answer::Forecast(seen) if seen.searched == Searched::All => {
                self.foreseen.answer(seen, now);
            }
            Answer::Forecast(seen) => self.foreseen.begin_answer(seen, now),
            answer => return Err(answer),
        }
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, shown: Option<&Shown>) -> String {
        shown.map_or_else(String::new, |shown| self.titled(scene, shown))
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, shown: Option<&Shown>, canvas: &mut Canvas<'_>) {
        if let Some(shown) = shown {
            self.paint_whole(scene, shown, canvas);
        }
    }

    fn read(&self, scene: Scene<'_>, shown: Option<&Shown>) -> Reading {
        let Some(shown) = shown else {
            return Reading::without(scene.words, false);
        };
        let head = self.head(scene, shown).into_iter().map(|(_, text)| text);
        let lines = spoken(scene.words, &self.lines(scene, shown));
        Reading::of(head.chain(lines))
    }

    fn step(&mut self, scene: Scene<'_>, shown: Option<&Shown>, step: Step, body: u16) {
        if let Some(shown) = shown {
            self.scroll(scene, shown, step, body);
        }
    }

    fn copied(&self, scene: Scene<'_>, shown: Option<&Shown>) -> Option<String> {
        shown.map(|shown| self.titled(scene, shown))
    }
}

fn rule_head(words: Words<'_>, shown: &Shown, kind: Kind, rule: &FieldRule) -> Vec<(Tone, String)> {
    let say = words.language;
    let told = unfit(words, shown, kind, rule);
    let mut head: Vec<(Tone, String)> = told
        .map(|told| (Tone::Person, format!("! {told}")))
        .into_iter()
        .collect();
    if shown.mark(Key::Rule(kind, rule.id)) == Mark::Removed {
        head.push((Tone::Person, say.text("removed-not-saved").to_owned()));
    }
    if let Some(narrow) = narrowing(kind, rule, &shown.plugin.described) {
        let number = |n: u32| say.number(u64::from(n));
        let gaps = [
            ("from", number(narrow.from_length)),
            ("to", number(narrow.to_length)),
            ("side", narrow.to.to_string()),
        ];
        let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
        head.push((Tone::Plain, say.with("drift-narrow", &gaps)));
    }
    if rule.role != Role::Plain {
        head.push((Tone::Strong, words.role(rule.role).to_owned()));
    }
    head.push((Tone::Plain, words.arrow(rule).to_owned()));
    head
}

/// What the rule does beyond its arrow.
fn options(words: Words<'_>, rule: &FieldRule) -> Vec<Line> {
    let say = words.language;
    let value_type = say.with("rule-type", &[("type", words.value_type(rule.value_type))]);
    let mut lines = vec![line(Tone::Plain, ""), line(Tone::Plain, value_type)];
    if matches!(
        rule.role,
        Role::Consent | Role::Deleted | Role::TimelineLink | Role::ContactId
    ) {
        return lines;
    }
    let overwritten = match rule.overwritten {
        Overwritten::Keep => "rule-keep",
        Overwritten::Review => "rule-review",
    };
    let blank = match rule.blank {
        BlankTravel::Never => "rule-blank-never",
        BlankTravel::Clears => "rule-blank-clears",
    };
    let mut keys = vec![overwritten, blank];
    if rule.writes(Side::Salesforce) && rule.writes(Side::Automation) {
        keys.push(match rule.concurrent {
            Concurrent::Conflict => "rule-conflict",
            Concurrent::Newest => "rule-newest",
        });
    }
    lines.extend(keys.into_iter().map(|key| line(Tone::Plain, say.text(key))));
    lines
}

fn version_head(words: Words<'_>, shown: &Shown, number: u32) -> Vec<(Tone, String)> {
    let say = words.language;
    let Some((version, before)) = shown.version(number) else {
        return Vec::new();
    };
    let at = moment(version.at);
    let gaps = [("at", at.as_str()), ("author", version.author.as_str())];
    let made = (Tone::Strong, say.with("version-made", &gaps));
    let since = match before {
        None => say.text("version-no-former").to_owned(),
        Some(before) => {
            let former = before.version.to_string();
            say.with("version-since", &[("n", &former)])
        }
    };
    vec![made, (Tone::Muted, since)]
}

fn version_lines(words: Words<'_>, shown: &Shown, number: u32) -> Vec<Line> {
    let Some((version, Some(before))) = shown.version(number) else {
        return Vec::new();
    };
    let found = differences(&before.policy, &version.policy);
    let times = is_retimed(before, version);
    let times = before.timetable.zip(version.timetable).filter(|_| times);
    let times = words.retimed(times);
    if found.is_empty() && times.is_empty() {
        let text = words.language.text("version-same");
        return vec![line(Tone::Muted, text)];
    }
    let lines = found.iter().flat_map(|found| words.difference(found));
    let lines = lines.chain(times);
    lines.map(|text| line(Tone::Plain, text)).collect()
}
