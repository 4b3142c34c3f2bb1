//! Has the timeline reached Salesforce? What is on its way and how fast; what was refused, by cause,
//! type or contact; counting a backfill before it begins.

mod paint;

use super::listing::{Cell, List, Listed, Nothing, Topic};
use super::{Scene, page_height};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Column, Rank, Table, column};
use crate::console::model::Tone;
use crate::console::pace::Pace;
use crate::console::query::{Answer, Held, HeldRow, Query};
use crate::console::words::{Words, moment};
use crate::domain::command::Survey;
use crate::domain::ids::{LinkId, Side};
use crate::domain::record::PlanKind;
use crate::domain::time::{Span, Timestamp};

pub(in crate::console) type Model = List<Activities>;

/// Lines above the list: what runs, how far, how fast, what it costs.
const HEAD: u16 = 5;

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
        let other = match self.grouping {
            Grouping::Cause => words.explain(Side::Salesforce, &held.failure).sentence,
            _ => held.failure.code.clone(),
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
        let column = match self.own.grouping {
            Grouping::Cause => format!("cause:{}", first.held.failure.code),
            Grouping::Kind => format!("type:{}", first.held.activity.kind),
            Grouping::Person => format!("email:{}", first.brief.name),
            Grouping::Each => return None,
        };
        self.filter = Filter::new(&column.to_lowercase());
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

    /// Events that the plan under way will look at, if it is the one that was counted here.
    fn expected(&self, scene: Scene<'_>) -> Option<u64> {
        let run = scene.snapshot.transfer?.plan?;
        let plan = scene.snapshot.plans.iter().find(|plan| plan.run == run)?;
        let survey = self.own.expected.as_ref()?;
        let is_it = (plan.kind, plan.from, plan.until) == (survey.kind, survey.from, survey.until);
        is_it.then_some(survey.examined)
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
    const HEAD: u16 = HEAD + 1;

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
            hints.push((Action::Regroup, "hint-regroup"));
            hints.push((Action::Filter, "hint-filter"));
        }
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        list.paint_head(scene, canvas);
        let height = canvas.height().saturating_sub(HEAD);
        let mut part = canvas.part(0, HEAD, canvas.width(), height);
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
        let first = line.as_ref().and_then(|line| line.members.first());
        let explained =
            first.map(|first| super::explained(scene, Side::Salesforce, &first.held.failure));
        explained.into_iter().flatten().collect()
    }

    /// Title and column titles are above it, four lines of explanation below.
    fn page(body: u16) -> usize {
        page_height(body.saturating_sub(HEAD + 3))
    }

    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        let line = list.chosen(scene)?;
        Some(line.members.first()?.held.failure.to_string())
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
