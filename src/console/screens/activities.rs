//! Has the timeline reached Salesforce? What is on its way and how fast; what was refused, by cause,
//! type or contact; counting a backfill before it begins.

mod paint;

use super::{Notice, Scene, Screen, filtered, page_height};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step};
use crate::console::pace::Pace;
use crate::console::query::{Answer, Held, HeldRow, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::command::Survey;
use crate::domain::ids::LinkId;
use crate::domain::record::PlanKind;
use crate::domain::time::{Span, Timestamp};

/// Lines above the list: what runs, how far, how fast, what it costs.
const HEAD: u16 = 5;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Held>,
    filter: Filter,
    grouping: Grouping,
    selection: Selection<Key>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// By the hash of what its members have in common.
    Group(u64),
    Person(LinkId),
    Event(u64),
}

/// One line: events that have something in common, or one of them.
pub(in crate::console) struct Line<'a> {
    key: Key,
    pub(in crate::console) title: String,
    pub(in crate::console) members: Vec<&'a HeldRow>,
}

impl Grouping {
    const fn next(self) -> Self {
        match self {
            Self::Cause => Self::Kind,
            Self::Kind => Self::Person,
            Self::Person => Self::Each,
            Self::Each => Self::Cause,
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

impl Model {
    fn shown(&self) -> impl Iterator<Item = &HeldRow> {
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

    /// The largest group first; single events as the store orders them.
    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in self.shown() {
            let key = self.grouping.key(row);
            let place = *places.entry(key.bits()).or_insert(lines.len());
            if place == lines.len() {
                lines.push(Line {
                    key,
                    title: self.grouping.name(row),
                    members: Vec::new(),
                });
            }
            lines[place].members.push(row);
        }
        if self.grouping != Grouping::Each {
            lines.sort_by_key(|line| std::cmp::Reverse(line.members.len()));
        }
        lines
    }

    fn keys(&self) -> Vec<Key> {
        self.lines().iter().map(|line| line.key).collect()
    }

    fn settle(&mut self) -> bool {
        let keys = self.keys();
        self.selection.settle(&keys)
    }

    /// The line under the cursor.
    pub(in crate::console) fn chosen(&self) -> Option<Line<'_>> {
        let key = self.selection.key()?;
        self.lines().into_iter().find(|line| line.key == key)
    }

    pub(in crate::console) fn regroup(&mut self) {
        self.grouping = self.grouping.next();
        self.selection = Selection::default();
        self.settle();
    }

    /// Enter on a group shows its members; on one event, whose it is.
    pub(in crate::console) fn open(&mut self) -> Option<LinkId> {
        let line = self.chosen()?;
        let first = line.members.first()?;
        if line.members.len() == 1 && self.grouping == Grouping::Each {
            return Some(first.held.link);
        }
        let column = match self.grouping {
            Grouping::Cause => format!("cause:{}", first.held.failure.code),
            Grouping::Kind => format!("type:{}", first.held.activity.kind),
            Grouping::Person => format!("email:{}", first.brief.name),
            Grouping::Each => return None,
        };
        self.filter = Filter::new(&column.to_lowercase());
        self.grouping = Grouping::Each;
        self.selection = Selection::default();
        self.settle();
        None
    }

    /// The survey asked for here has ended.
    pub(in crate::console) fn counted(&mut self, survey: Survey, now: Timestamp) {
        if let Draft::Counting(since) = self.draft {
            self.draft = Draft::Counted(survey, now.since(since));
        }
    }

    /// Events that the plan under way will look at, if it is the one that was counted here.
    fn expected(&self, scene: Scene<'_>) -> Option<u64> {
        let run = scene.snapshot.transfer?.plan?;
        let plan = scene.snapshot.plans.iter().find(|plan| plan.run == run)?;
        let survey = self.expected.as_ref()?;
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
        let rate = self.pace.rate().filter(|rate| *rate > 0.0)?;
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

impl Screen for Model {
    fn context(&self) -> Context {
        Context::Activities
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(&self.slot)
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        Some((&mut self.slot, Query::Held))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        vec![&mut self.slot]
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        match answer {
            Answer::Held(held) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(held, scene.words.now);
                Ok(Notice::of(self.settle()))
            }
            answer => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        let held = self.slot.data.as_ref();
        let more = held.map_or(0, |held| held.rows.more);
        let count = self.shown().count() as u64;
        let title = scene.say().count("title-activities", count);
        filtered(scene, title, &self.filter, more)
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = Vec::new();
        if scene.snapshot.plans.is_empty() {
            hints.push((Action::Backfill, "hint-backfill"));
            hints.push((Action::Republish, "hint-republish"));
        } else {
            hints.push((Action::HoldPlan, "hint-hold-plan"));
            hints.push((Action::StopPlan, "hint-stop-plan"));
        }
        if self.selection.key().is_some() {
            let open = match self.grouping {
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

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        self.paint_head(scene, canvas);
        let height = canvas.height().saturating_sub(HEAD);
        let mut list = canvas.part(0, HEAD, canvas.width(), height);
        self.paint_list(scene, &mut list);
    }

    fn step(&mut self, _scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys();
        self.selection.step(&keys, step, list_height(body));
    }

    fn click(&mut self, _scene: Scene<'_>, line: usize, body: u16) {
        let above = usize::from(HEAD + 1);
        let Some(line) = line.checked_sub(above) else {
            return;
        };
        if line < list_height(body) {
            let keys = self.keys();
            self.selection.click(&keys, line, list_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        Some((&self.filter, "filter-hint-activities"))
    }

    fn copied(&self, _scene: Scene<'_>) -> Option<String> {
        let line = self.chosen()?;
        Some(line.members.first()?.held.failure.to_string())
    }

    fn set_filter(&mut self, _scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        self.settle();
    }

    fn is_timed(&self, scene: Scene<'_>) -> bool {
        scene.snapshot.transfer.is_some()
            || self.draft != Draft::None
            || scene.snapshot.budget.is_some_and(|b| b.eases.is_some())
    }

    fn observe(&mut self, scene: Scene<'_>) {
        match scene.snapshot.transfer {
            Some(transfer) => self.pace.observe(scene.words.now, transfer.examined),
            None => self.pace.clear(),
        }
    }
}

/// Lines of the list's page: title and column titles above it, four lines of explanation below.
fn list_height(body: u16) -> usize {
    page_height(body.saturating_sub(HEAD + 3))
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
