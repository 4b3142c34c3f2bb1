//! Is the sync healthy, and what needs me? Every number leads to where it comes from.

mod hearing;
mod verdict;

use super::{Notice, Scene, Screen};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::linear::{ReadRow, Reading};
use crate::console::list::{Selection, Step};
use crate::console::model::{Tab, Tone};
use crate::console::pace::Pace;
use crate::console::query::{Answer, Query, Ticket};
use crate::console::slot::Waiting;
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::domain::command::BySide;
use crate::domain::cursor::Coverage;
use crate::domain::doctor::Severity;
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::snapshot::{Budget, Phase};
use crate::domain::time::Span;

/// Lines read, lines written, and how many there are of everything.
const TOTALS_HEIGHT: u16 = 4;

/// Columns of the titles on the left.
const TITLE_WIDTH: u16 = 24;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    selection: Selection<Number>,
    /// Writes that wait to leave.
    backlog: Pace,
}

/// A number that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Conflicts,
    Pending,
    Dead,
    Held,
    Faults,
}

const NUMBERS: [Number; 5] = [
    Number::Conflicts,
    Number::Pending,
    Number::Dead,
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
        }
    }

    fn count(self, scene: Scene<'_>) -> u64 {
        match self {
            Self::Conflicts => scene.count(Mark::Conflict),
            Self::Pending => scene.count(Mark::Pending),
            Self::Dead => scene.count(Mark::Dead),
            Self::Held => held(scene),
            Self::Faults => faults(scene).unwrap_or(0),
        }
    }

    fn is_urgent(self, scene: Scene<'_>) -> bool {
        self != Self::Pending && self.count(scene) > 0
    }

    fn shown(self, scene: Scene<'_>) -> String {
        let is_known = match self {
            Self::Faults => faults(scene).is_some(),
            _ => scene.standing.data.is_some(),
        };
        if is_known {
            scene.say().number(self.count(scene))
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
        }
    }
}

impl Screen for Model {
    fn context(&self) -> Context {
        Context::Overview
    }

    fn slot<'a>(&'a self, scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(scene.standing)
    }

    /// The shell asks how things stand, for every screen.
    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        None
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        Vec::new()
    }

    fn answered(&mut self, _: Scene<'_>, _: Ticket, answer: Answer) -> Result<Notice, Answer> {
        Err(answer)
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
        let mut head = vec![verdict::verdict(scene).1];
        let lines = self.lines(scene, None).into_iter();
        head.extend(lines.map(|(title, (_, text))| words.labelled(&title, &text)));
        let rows = NUMBERS.map(|number| {
            let urgent = if number.is_urgent(scene) { "! " } else { "" };
            let title = format!("{urgent}{}", scene.say().text(number.title()));
            ReadRow {
                key: format!("{number:?}"),
                text: words.labelled(&title, &number.shown(scene)),
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
    fn paint_all(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let (style, words) = verdict::verdict(scene);
        canvas.paragraph(1, 0, 2, &words, tone(theme, style));
        let lines = self.lines(scene, Some(theme));
        for (y, (title, (style, words))) in lines.iter().enumerate() {
            let y = 2 + y as u16;
            label(canvas, y, title);
            canvas.text(TITLE_WIDTH, y, words, tone(theme, *style));
        }
        // The blank line goes first when there is little room.
        let end = 2 + lines.len() as u16;
        let below = NUMBERS.len() as u16 + TOTALS_HEIGHT;
        let top = end + u16::from(end + 1 + below <= canvas.height());
        let y = paint_numbers(scene, self.selection.key(), canvas, top);
        paint_totals(scene, canvas, y);
    }

    /// The sync, both sides, what waits, the calls. Strips and bars need signs.
    fn lines(&self, scene: Scene<'_>, signs: Option<Theme>) -> Vec<(String, (Tone, String))> {
        let say = scene.say();
        let mut lines = vec![(say.text("label-sync").to_owned(), sync_words(scene))];
        lines.extend(Side::BOTH.map(|side| (side.to_string(), side_words(scene, side))));
        for (side, theme) in Side::BOTH.into_iter().zip(signs.into_iter().cycle()) {
            let title = say.with("label-coverage", &[("side", &side.to_string())]);
            lines.push((title, (Tone::Plain, strip(scene, side, theme))));
        }
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

fn label(canvas: &mut Canvas<'_>, y: u16, text: &str) {
    let style = canvas.theme.muted();
    canvas.within(1, y, TITLE_WIDTH - 2, text, style);
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

/// The last 24 hours, oldest on the left: which half hours were read whole, in part, not at all.
fn strip(scene: Scene<'_>, side: Side, theme: Theme) -> String {
    let none = theme.sign("·", ".");
    let Some(coverage) = scene.snapshot.coverage.get(&side) else {
        return none.repeat(48);
    };
    let start = scene.words.now - Span::hours(24);
    (0..48)
        .map(|half_hour| {
            let from = start + Span::minutes(30 * half_hour);
            let until = from + Span::minutes(30);
            let gaps = coverage.gaps(from, until);
            let unread: i64 = gaps.iter().map(|gap| gap.until.since(gap.from).0).sum();
            if unread == 0 {
                theme.sign("█", "#")
            } else if unread < Span::minutes(30).0 {
                theme.sign("▒", "+")
            } else {
                none
            }
        })
        .collect()
}

fn paint_numbers(
    scene: Scene<'_>,
    chosen: Option<Number>,
    canvas: &mut Canvas<'_>,
    top: u16,
) -> u16 {
    let theme = canvas.theme;
    let say = scene.say();
    let chosen = chosen.unwrap_or(NUMBERS[0]);
    for (index, number) in NUMBERS.into_iter().enumerate() {
        let y = top + index as u16;
        let is_urgent = number.is_urgent(scene);
        let style = if is_urgent {
            theme.person()
        } else {
            theme.plain()
        };
        let mark = if is_urgent { "!" } else { " " };
        canvas.text(1, y, mark, theme.person());
        canvas.within(3, y, 30, say.text(number.title()), style);
        let shown = number.shown(scene);
        canvas.text(34, y, &format!("{shown:>9}"), style);
        if number == chosen {
            canvas.line_style(y, theme.selected());
        }
    }
    top + NUMBERS.len() as u16
}

fn paint_totals(scene: Scene<'_>, canvas: &mut Canvas<'_>, top: u16) {
    let theme = canvas.theme;
    let say = scene.say();
    let totals = &scene.snapshot.totals;
    let mut y = top;
    for (title, words) in [
        ("total-read", read(scene)),
        ("total-written", sides(scene, &totals.written)),
    ] {
        label(canvas, y, say.text(title));
        canvas.text(TITLE_WIDTH, y, &words, theme.plain());
        y += 1;
    }
    if let Some(words) = everything(scene) {
        y += canvas.paragraph(1, y, 2, &words, theme.muted());
    }
    if let Some(words) = left_out(scene) {
        canvas.paragraph(1, y, 2, &words, theme.muted());
    }
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
