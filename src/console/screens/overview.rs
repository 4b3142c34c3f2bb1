//! Is the sync healthy, and what needs me? Every number leads to where it comes from.

mod hearing;
mod paint;
mod verdict;

use super::{Notice, Scene, Screen};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::linear::{ReadRow, Reading};
use crate::console::list::{Selection, Step};
use crate::console::model::{Tab, Tone};
use crate::console::pace::Pace;
use crate::console::query::{Answer, ConflictRow, Page, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::theme::Theme;
use crate::domain::command::{BySide, Queue};
use crate::domain::conflict::Subject;
use crate::domain::cursor::Coverage;
use crate::domain::doctor::Severity;
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::snapshot::{Budget, Phase};
use crate::domain::time::Span;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    selection: Selection<Number>,
    /// Writes that wait to leave.
    backlog: Pace,
    /// Those that can be listed; some of them are about consent.
    conflicts: Slot<Page<ConflictRow>>,
}

/// A number that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Conflicts,
    Pending,
    Dead,
    Held,
    Faults,
    /// Conflicts about consent: nobody is mailed, or spared, by a guess.
    Consents,
}

const NUMBERS: [Number; 6] = [
    Number::Conflicts,
    Number::Consents,
    Number::Dead,
    Number::Pending,
    Number::Held,
    Number::Faults,
];

impl Number {
    const fn title(self) -> &'static str {
        match self {
            Self::Conflicts => "count-conflicts",
            Self::Pending => "count-pending",
            Self::Dead => "count-dead",
            Self::Held => "count-held",
            Self::Faults => "count-faults",
            Self::Consents => "count-consents",
        }
    }

    fn count(self, model: &Model, scene: Scene<'_>) -> u64 {
        match self {
            Self::Conflicts => scene.count(Mark::Conflict),
            Self::Pending => scene.count(Mark::Pending),
            Self::Dead => scene.count(Mark::Dead),
            Self::Held => held(scene),
            Self::Faults => faults(scene).unwrap_or(0),
            Self::Consents => model.consents(),
        }
    }

    fn is_urgent(self, model: &Model, scene: Scene<'_>) -> bool {
        self != Self::Pending && self.count(model, scene) > 0
    }

    fn shown(self, model: &Model, scene: Scene<'_>) -> String {
        let page = model.conflicts.data.as_ref();
        let (is_known, is_least) = match self {
            Self::Faults => (faults(scene).is_some(), false),
            Self::Consents => (page.is_some(), page.is_some_and(|page| page.more > 0)),
            _ => (scene.standing.data.is_some(), false),
        };
        let count = scene.say().number(self.count(model, scene));
        if is_known && is_least {
            format!("≥ {count}")
        } else if is_known {
            count
        } else {
            "?".to_owned()
        }
    }
}

impl Model {
    pub(in crate::console) fn destination(&mut self) -> Tab {
        self.selection.settle(&NUMBERS);
        match self.selection.key() {
            Some(Number::Conflicts) | None => Tab::Conflicts,
            Some(Number::Pending | Number::Dead | Number::Held) => Tab::Queues,
            Some(Number::Faults) => Tab::Doctor,
            Some(Number::Consents) => Tab::Flags,
        }
    }

    /// Contacts whose consent waits for a person.
    fn consents(&self) -> u64 {
        let rows = self.conflicts.data.as_ref();
        let rows = rows.map_or(&[][..], |page| &page.rows).iter();
        let about_consent = |row: &&ConflictRow| {
            let mut held = row.conflicts.iter();
            held.any(|conflict| conflict.subject == Subject::Consent)
        };
        rows.filter(about_consent).count() as u64
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        Context::Overview
    }

    fn slot<'a>(&'a self, scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(scene.standing)
    }

    /// How things stand the shell asks, for every screen; of the conflicts this one asks what they are about.
    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        Some((&mut self.conflicts, Query::Conflicts))
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        vec![&mut self.conflicts]
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        match answer {
            Answer::Conflicts(page) if self.conflicts.is_waiting_for(ticket) => {
                self.conflicts.answer(page, scene.words.now);
                Ok(Notice::None)
            }
            other => Err(other),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        let gaps = [
            ("name", scene.instance.name.as_str()),
            ("operator", &scene.instance.operator),
        ];
        scene.say().with("title-overview", &gaps)
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![
            (Action::Down, "hint-move"),
            (Action::Open, "hint-go"),
            (Action::SyncNow, "hint-sync"),
        ];
        if scene.snapshot.is_braked {
            hints.insert(0, (Action::ReleaseBrake, "hint-release-brake"));
        }
        hints.splice(0..0, scene.access_hint());
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        self.paint_all(scene, canvas);
    }

    fn read(&self, scene: Scene<'_>) -> Reading {
        let words = scene.words;
        let mut head = vec![verdict::verdict(self, scene).1];
        let lines = self.lines(scene, None).into_iter().chain(rounds(scene));
        head.extend(lines.map(|(title, (_, text))| words.labelled(&title, &text)));
        let rows = NUMBERS.map(|number| {
            let urgent = if number.is_urgent(self, scene) {
                "! "
            } else {
                ""
            };
            let title = format!("{urgent}{}", scene.say().text(number.title()));
            ReadRow {
                key: format!("{number:?}"),
                text: words.labelled(&title, &number.shown(self, scene)),
            }
        });
        let chosen = self.selection.key().unwrap_or(NUMBERS[0]);
        Reading {
            head,
            rows: rows.into(),
            chosen: NUMBERS.iter().position(|number| *number == chosen),
            foot: totals(scene),
            ..Reading::default()
        }
    }

    fn choose(&mut self, _scene: Scene<'_>, key: &str) -> bool {
        let found = NUMBERS
            .iter()
            .position(|number| format!("{number:?}") == key);
        if let Some(index) = found {
            self.selection.choose(&NUMBERS, index);
        }
        found.is_some()
    }

    fn step(&mut self, _scene: Scene<'_>, step: Step, _body: u16) {
        self.selection.settle(&NUMBERS);
        self.selection.step(&NUMBERS, step, NUMBERS.len());
    }

    fn is_timed(&self, scene: Scene<'_>) -> bool {
        scene.snapshot.next_cycle.is_some()
            || !scene.snapshot.waits_until.is_empty()
            || !scene.snapshot.answered.is_empty()
            || scene.snapshot.hearing.is_some()
            || !rounds(scene).is_empty()
    }

    fn observe(&mut self, scene: Scene<'_>) {
        self.backlog.observe(scene.words.now, backlog(scene));
    }
}

/// What is wrong with the set-up, once it was looked at.
fn faults(scene: Scene<'_>) -> Option<u64> {
    let diagnosis = scene.diagnosis.data.as_ref()?;
    Some(diagnosis.count(Severity::Fault))
}

fn held(scene: Scene<'_>) -> u64 {
    let counts = scene.standing.data.as_ref();
    counts.map_or(0, |counts| counts.held_activities)
}

/// Stretches of the last 24 hours that were not read of a side, up to where it was read.
fn gaps(scene: Scene<'_>, side: Side) -> u64 {
    let coverage = scene.snapshot.coverage.get(&side);
    let Some((coverage, until)) = coverage.and_then(|c| Some((c, c.until()?))) else {
        return 0;
    };
    let day_ago = scene.words.now - Span::hours(24);
    coverage.gaps(day_ago, until).len() as u64
}

impl Model {
    /// The sync, both sides, what waits, the calls. Bars need signs.
    fn lines(&self, scene: Scene<'_>, signs: Option<Theme>) -> Vec<(String, (Tone, String))> {
        let say = scene.say();
        let mut lines = vec![(say.text("label-sync").to_owned(), sync_words(scene))];
        lines.extend(Side::BOTH.map(|side| (side.to_string(), side_words(scene, side))));
        let backlog = self.backlog_words(scene, signs);
        lines.push((say.text("label-backlog").to_owned(), backlog));
        lines.extend(hearing::line(scene));
        lines.extend(calls(scene));
        lines
    }

    /// How much waits, which way it goes, and when it will be gone.
    fn backlog_words(&self, scene: Scene<'_>, signs: Option<Theme>) -> (Tone, String) {
        let say = scene.say();
        let waits = backlog(scene);
        let rate = self.backlog.rate().unwrap_or_default();
        if waits == 0 {
            return (Tone::Muted, say.text("backlog-none").to_owned());
        }
        let count = say.number(waits);
        let words = if rate < -0.05 {
            let seconds = (waits as f64 / -rate).ceil() as i64;
            let time = scene.words.span(Span::seconds(seconds));
            say.with("backlog-draining", &[("n", &count), ("time", &time)])
        } else if rate > 0.05 {
            say.with("backlog-growing", &[("n", &count)])
        } else {
            say.with("backlog-steady", &[("n", &count)])
        };
        let Some(theme) = signs else {
            return (Tone::Plain, words);
        };
        let bars = self.backlog.sparkline(theme);
        let bars: Vec<char> = bars.chars().rev().take(16).collect();
        let bars: String = bars.into_iter().rev().collect();
        (Tone::Plain, format!("{bars} {words}"))
    }
}

/// When what is written where was last seen to, and will be next.
fn rounds(scene: Scene<'_>) -> Vec<(String, (Tone, String))> {
    let (words, say) = (scene.words, scene.say());
    let known = scene.snapshot.rounds.iter();
    let lines = known.filter_map(|(queue, rounds)| {
        let parts = [("round-last", rounds.last), ("round-next", rounds.next)];
        let parts = parts.into_iter().filter_map(|(key, at)| {
            let when = words.relative(at?);
            Some(say.with(key, &[("when", &when)]))
        });
        let parts: Vec<String> = parts.collect();
        let title = say.text(match queue {
            Queue::Salesforce => "label-to-salesforce",
            Queue::Automation => "label-to-automation",
            Queue::Activities => "label-activities",
        });
        let told = (Tone::Plain, parts.join(say.text("separator")));
        (!parts.is_empty()).then(|| (title.to_owned(), told))
    });
    lines.collect()
}

/// Writes ready to leave, waiting for a retry, and events read and not sent.
fn backlog(scene: Scene<'_>) -> u64 {
    let snapshot = scene.snapshot;
    let events = snapshot.transfer.filter(|transfer| !transfer.is_survey);
    snapshot.queued.values().sum::<u64>()
        + snapshot.waiting
        + events.map_or(0, |transfer| transfer.gathered)
}

/// The organisation's calls, and our part of them with its forecast.
fn calls(scene: Scene<'_>) -> Vec<(String, (Tone, String))> {
    let say = scene.say();
    let number = |n: u32| say.number(u64::from(n));
    let mut lines = Vec::new();
    if let Some((used, allowed)) = scene.snapshot.limit {
        let gaps = [("used", number(used)), ("allowed", number(allowed))];
        let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
        let title = say.text("label-calls").to_owned();
        lines.push((title, (Tone::Plain, say.with("calls-used", &gaps))));
    }
    if let Some(budget) = scene.snapshot.budget {
        let (style, words) = budget_words(scene, budget);
        lines.push((say.text("label-budget").to_owned(), (style, words)));
    }
    lines
}

/// What is spent of our part, what is kept for opt-outs, and whether it will last.
pub(in crate::console) fn budget_words(scene: Scene<'_>, budget: Budget) -> (Tone, String) {
    let say = scene.say();
    let number = |n: u32| say.number(u64::from(n));
    let spent = say.with(
        "budget-spent",
        &[
            ("spent", &number(budget.spent)),
            ("allowed", &number(budget.allowed)),
        ],
    );
    let left = budget
        .allowed
        .saturating_sub(budget.spent + budget.reserved);
    if left == 0 {
        let when = budget.eases.map(|eases| scene.words.relative(eases));
        let when = when.unwrap_or_default();
        let eases = say.with("budget-eases", &[("when", &when)]);
        return (
            Tone::Person,
            format!("{spent}{}{eases}", say.text("separator")),
        );
    }
    // Of the last full hour and the part of this one.
    let hour = Span::hours(1).0;
    let hours = 1.0 + scene.words.now.0.rem_euclid(hour) as f64 / hour as f64;
    let lasts = f64::from(left) * hours / f64::from(budget.lately.max(1));
    if lasts < 24.0 {
        let time = scene.words.span(Span((lasts * hour as f64) as i64));
        let forecast = say.with("budget-lasts", &[("time", &time)]);
        return (
            Tone::Person,
            format!("{spent}{}{forecast}", say.text("separator")),
        );
    }
    let reserved = number(budget.reserved);
    let kept = say.with("budget-kept", &[("reserved", &reserved)]);
    (Tone::Plain, format!("{spent}, {kept}"))
}

fn sync_words(scene: Scene<'_>) -> (Tone, String) {
    let words = scene.words;
    let say = words.language;
    let snapshot = scene.snapshot;
    let phase = words.phase(snapshot.phase).to_owned();
    if !snapshot.published {
        let state = say.text("plugin-unpublished");
        return (
            Tone::Person,
            format!("{phase}{}{state}", say.text("separator")),
        );
    }
    let text = match snapshot.next_cycle {
        Some(next) => say.with(
            "sync-next",
            &[("phase", &phase), ("when", &words.relative(next))],
        ),
        None if snapshot.phase == Phase::Idle => say.with("sync-unscheduled", &[("phase", &phase)]),
        None => phase,
    };
    (Tone::Plain, text)
}

fn side_words(scene: Scene<'_>, side: Side) -> (Tone, String) {
    let say = scene.say();
    if let Some(failure) = scene.snapshot.stopped.get(&side) {
        let why = failure.to_string();
        return (Tone::Person, say.with("side-stopped", &[("failure", &why)]));
    }
    if let Some(until) = scene.snapshot.waits_until.get(&side) {
        let when = scene.words.relative(*until);
        return (Tone::Plain, say.with("side-waits", &[("when", &when)]));
    }
    let coverage = scene.snapshot.coverage.get(&side);
    let Some(until) = coverage.and_then(Coverage::until) else {
        return (Tone::Muted, say.text("side-unread").to_owned());
    };
    let gaps = gaps(scene, side);
    let (tone, gaps) = match gaps {
        0 => (Tone::Plain, say.text("no-gaps").to_owned()),
        _ => (Tone::Person, say.count("gaps", gaps)),
    };
    let read = say.with(
        "side-read",
        &[("until", &scene.words.clock_or_day(until)), ("gaps", &gaps)],
    );
    let Some(answered) = scene.snapshot.answered.get(&side) else {
        return (tone, read);
    };
    let when = scene.words.relative(*answered);
    let answered = say.with("side-answered", &[("when", &when)]);
    (tone, format!("{read}{}{answered}", say.text("separator")))
}

/// What was read and is none of ours, and why: the most frequent reasons first.
fn left_out(scene: Scene<'_>) -> Option<String> {
    let say = scene.say();
    let mut reasons: Vec<(&String, u64)> = Vec::new();
    reasons.extend(
        scene
            .snapshot
            .totals
            .ignored
            .iter()
            .map(|(reason, n)| (reason, *n)),
    );
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = reasons.iter().map(|(reason, count)| {
        let why = scene.words.left_out(reason);
        format!("{} {why}", say.number(*count))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| say.with("left-out", &[("reasons", &told.join(" · "))]))
}

/// How many there are of everything.
fn everything(scene: Scene<'_>) -> Option<String> {
    let say = scene.say();
    let counts = scene.standing.data.as_ref()?;
    let mark = |mark| say.number(counts.marks.get(&mark).copied().unwrap_or(0));
    Some(say.with(
        "standing",
        &[
            ("links", &say.number(counts.links)),
            ("out", &mark(Mark::OptedOut)),
            ("deleted", &mark(Mark::DeletedInSalesforce)),
            ("sent", &say.number(counts.sent_activities)),
        ],
    ))
}

/// The lines below the numbers, for whoever reads lines.
fn totals(scene: Scene<'_>) -> Vec<String> {
    let totals = &scene.snapshot.totals;
    let pairs = [
        ("total-read", read(scene)),
        ("total-written", sides(scene, &totals.written)),
    ];
    let told = pairs.map(|(title, words)| {
        let title = scene.say().text(title);
        scene.words.labelled(title, &words)
    });
    told.into_iter()
        .chain(everything(scene))
        .chain(left_out(scene))
        .collect()
}

/// What was read, and how much of it is none of ours: where there is no room for why, it is counted.
fn read(scene: Scene<'_>) -> String {
    let totals = &scene.snapshot.totals;
    let words = sides(scene, &totals.read);
    let ignored: u64 = totals.ignored.values().sum();
    if ignored == 0 {
        return words;
    }
    let ignored = scene.say().number(ignored);
    let ignored = scene.say().with("left-out-count", &[("n", &ignored)]);
    format!("{words} · {ignored}")
}

fn sides(scene: Scene<'_>, by_side: &BySide) -> String {
    let say = scene.say();
    let on = |side| format!("{side} {}", say.number(by_side.sum(side)));
    format!("{} · {}", on(Side::Salesforce), on(Side::Automation))
}
