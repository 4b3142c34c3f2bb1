//! One rule with both fields as described and a real value, one setting, or what one version changed.

use super::{Key, set};
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::Step;
use crate::console::model::Tone;
use crate::console::query::{Answer, Example, Plugin, Query, Ticket};
use crate::console::screens::lines::{Line, Scroll, columns, line, spoken, wrapped};
use crate::console::screens::listing::Opened;
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::view::tone;
use crate::console::words::{Words, moment};
use crate::domain::drift::{drifts, narrowing};
use crate::domain::ids::{Kind, LinkId, Side};
use crate::domain::mapping::{BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::setup::differences;

/// Lines that the sentences above the table may take on the smallest screen.
const HEAD: u16 = 8;

#[derive(Debug)]
pub(in crate::console) struct Detail {
    pub(super) key: Key,
    pub(super) example: Slot<Option<Example>>,
    scroll: Scroll,
}

impl Detail {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            example: Slot::default(),
            scroll: Scroll::default(),
        }
    }

    /// Whose value is shown.
    pub(in crate::console) fn contact(&self) -> Option<LinkId> {
        let example = self.example.data.as_ref()?.as_ref()?;
        Some(example.link)
    }

    fn titled(&self, scene: Scene<'_>, plugin: &Plugin) -> String {
        let words = scene.words;
        let say = words.language;
        match self.key {
            Key::Setting(setting) => {
                let value = words.set(setting, &set(scene, setting));
                words.labelled(words.setting(setting), &value)
            }
            Key::Time(time) => {
                let name = say.text(time.title());
                words.labelled(name, &time.value(words, plugin))
            }
            Key::Version(number) => say.with("version", &[("n", &number.to_string())]),
            Key::Rule(kind, id) => match words.policy.mapping.rule(kind, id) {
                Some(rule) => words.labelled(words.kind(kind), &Words::pair(rule)),
                None => String::new(),
            },
        }
    }

    fn offered(&self) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        if self.contact().is_some() {
            hints.push((Action::Open, "hint-contact"));
        }
        if matches!(self.key, Key::Rule(..) | Key::Version(_)) {
            hints.push((Action::Down, "hint-scroll"));
        }
        hints
    }

    fn scroll(&mut self, scene: Scene<'_>, plugin: &Plugin, step: Step, body: u16) {
        let lines = wrapped(self.lines(scene.words, plugin), scene.width).len();
        let page = usize::from(body.saturating_sub(HEAD)).max(1);
        self.scroll.step(lines, step, page);
    }

    fn paint_whole(&self, scene: Scene<'_>, plugin: &Plugin, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let (width, height) = (canvas.width(), canvas.height());
        let mut y = 0;
        for (style, text) in self.head(scene, plugin) {
            let room = HEAD.saturating_sub(y).max(1);
            y += canvas.paragraph(1, y, room, &text, tone(theme, style));
        }
        let lines = wrapped(self.lines(scene.words, plugin), width);
        let left = height.saturating_sub(y + 1);
        let mut part = canvas.part(0, y + 1, width, left);
        self.scroll.paint(&lines, &mut part);
    }

    /// Sentences that are always in sight.
    fn head(&self, scene: Scene<'_>, plugin: &Plugin) -> Vec<(Tone, String)> {
        let words = scene.words;
        let say = words.language;
        let text = |key| (Tone::Muted, say.text(key).to_owned());
        match self.key {
            Key::Setting(setting) => vec![
                (Tone::Plain, words.about_setting(setting).to_owned()),
                text("set-where"),
            ],
            Key::Time(time) => vec![
                (Tone::Plain, say.text(time.about()).to_owned()),
                text("time-where"),
            ],
            Key::Version(number) => version_head(words, plugin, number),
            Key::Rule(kind, id) => {
                let Some(rule) = words.policy.mapping.rule(kind, id) else {
                    return Vec::new();
                };
                let found = drifts(kind, rule, &plugin.described).into_iter();
                let mut head: Vec<(Tone, String)> = found
                    .map(|drift| (Tone::Person, format!("! {}", words.drift(rule, drift))))
                    .collect();
                if let Some(narrow) = narrowing(kind, rule, &plugin.described) {
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
        }
    }

    fn lines(&self, words: Words<'_>, plugin: &Plugin) -> Vec<Line> {
        match self.key {
            Key::Setting(_) | Key::Time(_) => Vec::new(),
            Key::Version(number) => version_lines(words, plugin, number),
            Key::Rule(kind, id) => match words.policy.mapping.rule(kind, id) {
                Some(rule) => self.rule_lines(words, plugin, kind, rule),
                None => Vec::new(),
            },
        }
    }

    fn rule_lines(
        &self,
        words: Words<'_>,
        plugin: &Plugin,
        kind: Kind,
        rule: &FieldRule,
    ) -> Vec<Line> {
        let say = words.language;
        let [salesforce, automation] = Side::BOTH.map(|side| side.to_string());
        let described = &plugin.described;
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
        lines.extend(self.example_lines(words, rule));
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

impl Opened<Box<Plugin>> for Detail {
    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        Some(&mut self.example)
    }

    /// A setting or a version is known already.
    fn query(&self) -> Option<Query> {
        match self.key {
            Key::Rule(kind, field) => Some(Query::Example(kind, field)),
            _ => None,
        }
    }

    fn awaits(&self, ticket: Ticket) -> bool {
        self.example.is_waiting_for(ticket)
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let Answer::Example(example) = answer else {
            return Err(answer);
        };
        self.example.answer(example, scene.words.now);
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, plugin: Option<&Box<Plugin>>) -> String {
        plugin.map_or_else(String::new, |plugin| self.titled(scene, plugin))
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, plugin: Option<&Box<Plugin>>, canvas: &mut Canvas<'_>) {
        if let Some(plugin) = plugin {
            self.paint_whole(scene, plugin, canvas);
        }
    }

    fn read(&self, scene: Scene<'_>, plugin: Option<&Box<Plugin>>) -> Reading {
        let Some(plugin) = plugin else {
            return Reading::without(scene.words, false);
        };
        let head = self.head(scene, plugin).into_iter().map(|(_, text)| text);
        let lines = spoken(scene.words, &self.lines(scene.words, plugin));
        Reading::of(head.chain(lines))
    }

    fn step(&mut self, scene: Scene<'_>, plugin: Option<&Box<Plugin>>, step: Step, body: u16) {
        if let Some(plugin) = plugin {
            self.scroll(scene, plugin, step, body);
        }
    }

    fn copied(&self, scene: Scene<'_>, plugin: Option<&Box<Plugin>>) -> Option<String> {
        plugin.map(|plugin| self.titled(scene, plugin))
    }
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

fn version_head(words: Words<'_>, plugin: &Plugin, number: u32) -> Vec<(Tone, String)> {
    let say = words.language;
    let Some((version, before)) = plugin.version(number) else {
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

fn version_lines(words: Words<'_>, plugin: &Plugin, number: u32) -> Vec<Line> {
    let Some((version, Some(before))) = plugin.version(number) else {
        return Vec::new();
    };
    let found = differences(&before.policy, &version.policy);
    if found.is_empty() {
        let text = words.language.text("version-same");
        return vec![line(Tone::Muted, text)];
    }
    let lines = found.iter().flat_map(|found| words.difference(found));
    lines.map(|text| line(Tone::Plain, text)).collect()
}
