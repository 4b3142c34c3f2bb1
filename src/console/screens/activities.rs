//! Has the timeline reached Salesforce? What is on its way and how fast; what was refused, by cause,
//! type or contact; counting a backfill before it begins.

mod paint;

use std::collections::BTreeMap;

use super::listing::{Cell, List, Listed, Nothing, Topic};
use super::{Scene, foot};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Column, Rank, Table, column};
use crate::console::model::Tone;
use crate::console::pace::Pace;
use crate::console::query::{Answer, Held, HeldRow, Query};
use crate::console::words::{Words, moment};
use crate::domain::activity::{HeldActivity, calls_to_send};
use crate::domain::command::{Queue, Survey};
use crate::domain::ids::{LinkId, Side};
use crate::domain::record::PlanKind;
use crate::domain::time::{Span, Timestamp};

pub(in crate::console) type Model = List<Activities>;

#[derive(Debug, Default)]
pub(in crate::console) struct Activities {
    grouping: Grouping,
    pub(in crate::console) draft: Draft,
    /// What was counted for the plan begun here.
    pub(in crate::console) expected: Option<Survey>,
    /// Events looked at by the transfer under way.
    pace: Pace,
}

/// A backfill that is not begun yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::console) enum Draft {
    #[default]
    None,
    Counting(Timestamp),
    /// What was found, and how long that took.
    Counted(Survey, Span),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::console) enum Grouping {
    #[default]
    Cause,
    Kind,
    Person,
    Each,
}

/// What a line of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Key {
    /// By the hash of what its members have in common.
    Group(u64),
    Person(LinkId),
    Event(u64),
}

/// One line: events that have something in common, or one of them.
pub(in crate::console) struct Line<'a> {
    key: Key,
    grouping: Grouping,
    pub(in crate::console) title: String,
    pub(in crate::console) members: Vec<&'a HeldRow>,
}

impl Grouping {
    const ALL: [Self; 4] = [Self::Cause, Self::Kind, Self::Person, Self::Each];

    /// In the kept view; nothing for what the screen begins with.
    const fn kept_as(self) -> &'static str {
        match self {
            Self::Cause => "",
            Self::Kind => "type",
            Self::Person => "whom",
            Self::Each => "each",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Cause => Self::Kind,
            Self::Kind => Self::Person,
            Self::Person => Self::Each,
            Self::Each => Self::Cause,
        }
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::Cause => &BY_CAUSE,
            Self::Kind => &BY_KIND,
            Self::Person => &BY_PERSON,
            Self::Each => &EACH,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Cause => "group-cause",
            Self::Kind => "group-kind",
            Self::Person => "group-person",
            Self::Each => "group-each",
        }
    }

    fn key(self, row: &HeldRow) -> Key {
        let held = &row.held;
        match self {
            Self::Cause => Key::Group(super::stable(&held.failure.code)),
            Self::Kind => Key::Group(super::stable(&held.activity.kind)),
            Self::Person => Key::Person(held.link),
            Self::Each => Key::Event(super::stable(&held.activity.reference)),
        }
    }

    fn name(self, row: &HeldRow) -> String {
        match self {
            Self::Cause => row.held.failure.code.clone(),
            Self::Kind => row.held.activity.kind.clone(),
            Self::Person => row.brief.name.clone(),
            Self::Each => row.held.activity.name.clone(),
        }
    }
}

const COUNT: Column = column("count", "column-count", 8, 9).downwards();

const fn groups(columns: &'static [Column]) -> Table {
    Table {
        columns,
        // The largest group first.
        sorted_by: Some(0),
        left: 1,
    }
}

const BY_CAUSE: Table = groups(&[
    COUNT,
    column("cause", "column-cause", 20, 34).identifies(),
    column("what", "column-what", 20, 33),
]);
const BY_KIND: Table = groups(&[
    COUNT,
    column("type", "column-type", 20, 34).identifies(),
    column("cause", "column-cause", 20, 33),
]);
const BY_PERSON: Table = groups(&[
    COUNT,
    column("whom", "column-whom", 20, 34).identifies(),
    column("cause", "column-cause", 20, 33),
]);
const EACH: Table = Table {
    columns: &[
        column("at", "column-at", 16, 17).downwards(),
        column("event", "column-event", 20, 30).identifies(),
        column("whom", "column-whom", 20, 30),
    ],
    // As the store has them.
    sorted_by: None,
    left: 1,
};

/// Events by the code of what they failed with, the most frequent first: how many, and one of them.
pub(in crate::console) fn causes<'a>(
    events: impl Iterator<Item = &'a HeldActivity>,
) -> Vec<(u64, &'a HeldActivity)> {
    let mut causes: BTreeMap<&str, (u64, &HeldActivity)> = BTreeMap::new();
    for held in events {
        causes.entry(&held.failure.code).or_insert((0, held)).0 += 1;
    }
    let mut causes: Vec<_> = causes.into_values().collect();
    causes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    causes
}

impl Line<'_> {
    /// Why its events failed, in three lines: one cause whole, of several each with its count.
    fn explained(&self, scene: Scene<'_>) -> Option<[String; 3]> {
        let causes = causes(self.members.iter().map(|row| &row.held));
        if let [(_, only)] = causes[..] {
            return Some(super::explained(scene, Side::Salesforce, &only.failure));
        }
        let say = scene.say();
        let mut lines: [String; 3] = Default::default();
        for (line, (count, held)) in lines.iter_mut().zip(&causes) {
            let why = scene
                .words
                .explain(Side::Salesforce, &held.failure)
                .sentence;
            let n = say.number(*count);
            let gaps = [
                ("n", n.as_str()),
                ("code", &held.failure.code),
                ("why", &why),
            ];
            *line = say.with("cause-counted", &gaps);
        }
        let hidden = causes.len().saturating_sub(lines.len() - 1) as u64;
        if hidden > 1 {
            lines[2] = say.count("causes-more", hidden);
        }
        (!causes.is_empty()).then_some(lines)
    }
}

impl Listed for Line<'_> {
    type Key = Key;

    fn key(&self) -> Key {
        self.key
    }

    /// Their members were looked at before they became one line.
    fn texts(&self, _words: Words<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let Some(first) = self.members.first() else {
            return Vec::new();
        };
        let held = &first.held;
        let title = (Tone::Plain, self.title.clone());
        if self.grouping == Grouping::Each {
            let at = moment(held.activity.at);
            let at = at.trim_end_matches(" UTC").to_owned();
            let whom = (Tone::Plain, first.brief.name.clone());
            return vec![(Tone::Muted, at), title, whom];
        }
        let count = words.language.number(self.members.len() as u64);
        let causes = causes(self.members.iter().map(|row| &row.held));
        let other = match (self.grouping, causes.len() as u64) {
            (Grouping::Cause, _) => words.explain(Side::Salesforce, &held.failure).sentence,
            (_, 1) => held.failure.code.clone(),
            (_, several) => words.language.count("causes", several),
        };
        vec![
            (Tone::Person, format!("{count:>8}")),
            title,
            (Tone::Muted, other),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match (column, self.grouping, self.members.first()) {
            (0, Grouping::Each, Some(first)) => Rank::Number(first.held.activity.at.0),
            (0, ..) => Rank::Number(self.members.len() as i64),
            _ => self.text_rank(words, column),
        }
    }
}

impl Model {
    /// Events that the filter lets through.
    fn events(&self) -> impl Iterator<Item = &HeldRow> {
        let rows = self
            .slot
            .data
            .as_ref()
            .map_or(&[][..], |held| &held.rows.rows);
        rows.iter().filter(|row| {
            self.filter.keeps(&[
                ("email", row.brief.name.clone()),
                ("type", row.held.activity.kind.clone()),
                ("cause", row.held.failure.to_string()),
                ("code", row.held.failure.code.clone()),
                ("link", row.held.link.to_string()),
                ("activity", row.held.activity.name.clone()),
            ])
        })
    }

    pub(in crate::console) fn regroup(&mut self, scene: Scene<'_>) {
        self.own.grouping = self.own.grouping.next();
        self.begin_anew(scene);
    }

    /// Enter on a group shows its members; on one event, whose it is.
    pub(in crate::console) fn enter(&mut self, scene: Scene<'_>) -> Option<LinkId> {
        let line = self.chosen(scene)?;
        let first = line.members.first()?;
        if line.members.len() == 1 && self.own.grouping == Grouping::Each {
            return Some(first.held.link);
        }
        let held = &first.held;
        self.filter = match self.own.grouping {
            Grouping::Cause => Filter::exactly("code", &held.failure.code),
            Grouping::Kind => Filter::exactly("type", &held.activity.kind),
            Grouping::Person => Filter::exactly("link", &held.link.to_string()),
            Grouping::Each => return None,
        };
        self.own.grouping = Grouping::Each;
        self.begin_anew(scene);
        None
    }

    /// The survey asked for here has ended.
    pub(in crate::console) fn counted(&mut self, survey: Survey, now: Timestamp) {
        if let Draft::Counting(since) = self.own.draft {
            self.own.draft = Draft::Counted(survey, now.since(since));
        }
    }

    /// What was counted for the plan under way, if it was counted here.
    fn survey(&self, scene: Scene<'_>) -> Option<&Survey> {
        let run = scene.snapshot.transfer?.plan?;
        let plan = scene.snapshot.plans.iter().find(|plan| plan.run == run)?;
        let survey = self.own.expected.as_ref()?;
        let is_it = (plan.kind, plan.from, plan.until) == (survey.kind, survey.from, survey.until);
        is_it.then_some(survey)
    }

    /// Events that the plan under way will look at.
    fn expected(&self, scene: Scene<'_>) -> Option<u64> {
        self.survey(scene).map(|survey| survey.examined)
    }

    /// Calls that are left to us and calls that the transfer under way still needs, where it needs more
    /// of them: no pace says then when it ends.
    fn calls_short(&self, scene: Scene<'_>) -> Option<(u64, u64)> {
        let transfer = scene.snapshot.transfer.filter(|t| !t.is_survey)?;
        let budget = scene.snapshot.budget?;
        let counted = self.survey(scene).map_or(0, |survey| survey.to_send);
        let unsent = counted.saturating_sub(transfer.sent + transfer.held);
        let needed = calls_to_send(unsent.max(transfer.gathered));
        let spent = budget.spent.saturating_add(budget.reserved);
        let left = u64::from(budget.allowed.saturating_sub(spent));
        (needed > left).then_some((left, needed))
    }

    /// How much of what the plan under way will look at it has looked at.
    fn part(&self, scene: Scene<'_>) -> Option<f64> {
        let transfer = scene.snapshot.transfer?;
        let part = match self.expected(scene) {
            Some(expected) if expected > 0 => transfer.examined as f64 / expected as f64,
            _ => f64::from(transfer.kinds_read) / f64::from(transfer.kinds.max(1)),
        };
        Some(part.clamp(0.0, 1.0))
    }

    /// Seconds until everything is read, by the pace of the last seconds.
    fn seconds_left(&self, scene: Scene<'_>) -> Option<u64> {
        let transfer = scene.snapshot.transfer?;
        let expected = self.expected(scene)?;
        let rate = self.own.pace.rate().filter(|rate| *rate > 0.0)?;
        Some((expected.saturating_sub(transfer.examined) as f64 / rate).ceil() as u64)
    }
}

impl Key {
    const fn bits(self) -> (u8, u64) {
        match self {
            Self::Group(hash) => (0, hash),
            Self::Person(link) => (1, link.0),
            Self::Event(hash) => (2, hash),
        }
    }
}

impl Topic for Activities {
    type Data = Held;
    type Key = Key;
    type Row<'a> = Line<'a>;
    type Open = Nothing;

    const CONTEXTS: [Context; 2] = [Context::Activities; 2];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-activities");

    fn table(list: &Model) -> &'static Table {
        list.own.grouping.table()
    }

    fn shown<'a>(list: &'a Model, _scene: Scene<'a>) -> Vec<Line<'a>> {
        let grouping = list.own.grouping;
        let mut lines: Vec<Line<'_>> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in list.events() {
            let key = grouping.key(row);
            let place = *places.entry(key.bits()).or_insert(lines.len());
            if place == lines.len() {
                lines.push(Line {
                    key,
                    grouping,
                    title: grouping.name(row),
                    members: Vec::new(),
                });
            }
            lines[place].members.push(row);
        }
        lines
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Held)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Held(held) = answer else {
            return Err(answer);
        };
        list.slot.answer(held, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let held = list.slot.data.as_ref();
        let more = held.map_or(0, |held| held.rows.more);
        let count = list.events().count() as u64;
        let title = scene.say().count("title-activities", count);
        list.titled(scene, title, more)
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        if scene.snapshot.plans.is_empty() {
            hints.push((Action::Backfill, "hint-backfill"));
            hints.push((Action::Republish, "hint-republish"));
        } else {
            hints.push((Action::HoldPlan, "hint-hold-plan"));
            hints.push((Action::StopPlan, "hint-stop-plan"));
        }
        if list.key().is_some() {
            let open = match list.own.grouping {
                Grouping::Each => "hint-open",
                _ => "hint-show",
            };
            hints.push((Action::Open, open));
            hints.push((Action::Retry, "hint-retry"));
            hints.push((Action::Discard, "hint-discard"));
            hints.push((Action::Down, "hint-move"));
            hints.push((Action::Regroup, "hint-regroup"));
            hints.push((Action::Filter, "hint-filter"));
        }
        let is_paused = scene.snapshot.paused.contains(&Queue::Activities);
        let pause = if is_paused {
            "hint-resume"
        } else {
            "hint-pause"
        };
        hints.push((Action::PauseQueue, pause));
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let head = list.paint_head(scene, canvas);
        let height = canvas.height().saturating_sub(head);
        let mut part = canvas.part(0, head, canvas.width(), height);
        list.paint_list(scene, &mut part);
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        super::empty_text(scene, &list.slot, &list.filter, "activities-empty").to_owned()
    }

    fn head(list: &Model, scene: Scene<'_>) -> Vec<String> {
        list.read_head(scene)
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let line = list.chosen(scene);
        let explained = line.and_then(|line| line.explained(scene));
        explained.into_iter().flatten().collect()
    }

    /// What the list is grouped by is between the head and the titles of the columns.
    fn head_height(list: &Model, scene: Scene<'_>) -> u16 {
        list.head_lines(scene) + 1
    }

    fn page(list: &Model, scene: Scene<'_>, body: u16) -> usize {
        let room = list_room(list.head_lines(scene), body);
        usize::from(room.saturating_sub(foot(scene.width, room)).max(1))
    }

    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        let line = list.chosen(scene)?;
        let causes = causes(line.members.iter().map(|row| &row.held)).into_iter();
        let causes = causes.map(|(_, first)| first.failure.to_string());
        Some(causes.collect::<Vec<_>>().join("\n"))
    }

    fn is_timed(list: &Model, scene: Scene<'_>) -> bool {
        scene.snapshot.transfer.is_some()
            || list.own.draft != Draft::None
            || scene.snapshot.budget.is_some_and(|b| b.eases.is_some())
    }

    fn grouped_by(list: &Model) -> &'static str {
        list.own.grouping.kept_as()
    }

    fn group_by(list: &mut Model, name: &str) {
        let named = Grouping::ALL.into_iter();
        let mut named = named.filter(|grouping| grouping.kept_as() == name);
        if let Some(grouping) = named.next() {
            list.own.grouping = grouping;
        }
    }

    fn observe(list: &mut Model, scene: Scene<'_>) {
        match scene.snapshot.transfer {
            Some(transfer) => list.own.pace.observe(scene.words.now, transfer.examined),
            None => list.own.pace.clear(),
        }
    }
}

/// Lines for rows and for what is said of the chosen one, below the head and two lines of titles.
const fn list_room(head: u16, body: u16) -> u16 {
    body.saturating_sub(head + 2)
}

/// What a plan is called.
pub(in crate::console) fn plan_words(
    words: Words<'_>,
    plan: &crate::domain::record::Plan,
) -> String {
    let key = match plan.kind {
        PlanKind::Backfill => "now-backfill",
        PlanKind::Republish => "now-republish",
    };
    let from = crate::console::words::moment(plan.from);
    let run = plan.run.to_string();
    let gaps = [
        ("from", from.as_str()),
        ("by", plan.operator.as_str()),
        ("run", run.as_str()),
    ];
    words.language.with(key, &gaps)
}
