//! Is the sync healthy, and what needs me? Every number leads to where it comes from.

use super::{Notice, Scene, Screen};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step};
use crate::console::model::{Tab, Tone};
use crate::console::query::{Answer, Query, Ticket};
use crate::console::slot::Waiting;
use crate::console::view::tone;
use crate::console::words::moment;
use crate::domain::command::{BySide, Scope};
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::snapshot::Phase;
use crate::domain::time::Span;

/// A sync of everything, asked for by hand.
pub(in crate::console) const EVERYTHING: Scope = Scope::ALL;

/// Columns of the titles on the left.
const TITLE_WIDTH: u16 = 24;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    selection: Selection<Number>,
}

/// A number that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Conflicts,
    Pending,
    Dead,
    Held,
}

const NUMBERS: [Number; 4] = [
    Number::Conflicts,
    Number::Pending,
    Number::Dead,
    Number::Held,
];

impl Number {
    const fn title(self) -> &'static str {
        match self {
            Self::Conflicts => "count-conflicts",
            Self::Pending => "count-pending",
            Self::Dead => "count-dead",
            Self::Held => "count-held",
        }
    }

    fn count(self, scene: Scene<'_>) -> u64 {
        match self {
            Self::Conflicts => scene.count(Mark::Conflict),
            Self::Pending => scene.count(Mark::Pending),
            Self::Dead => scene.count(Mark::Dead),
            Self::Held => held(scene),
        }
    }
}

impl Model {
    pub(in crate::console) fn destination(&mut self) -> Tab {
        self.selection.settle(&NUMBERS);
        match self.selection.key() {
            Some(Number::Conflicts) | None => Tab::Conflicts,
            Some(Number::Pending | Number::Dead | Number::Held) => Tab::Queues,
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

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Down, "hint-move"),
            (Action::Open, "hint-go"),
            (Action::SyncNow, "hint-sync"),
        ]
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        paint(scene, self.selection.key(), canvas);
    }

    fn step(&mut self, _scene: Scene<'_>, step: Step, _body: u16) {
        self.selection.settle(&NUMBERS);
        self.selection.step(&NUMBERS, step, NUMBERS.len());
    }

    fn is_timed(&self, scene: Scene<'_>) -> bool {
        scene.snapshot.next_cycle.is_some() || !scene.snapshot.waits_until.is_empty()
    }
}

fn held(scene: Scene<'_>) -> u64 {
    let counts = scene.standing.data.as_ref();
    counts.map_or(0, |counts| counts.held_activities)
}

/// Healthy is said only when nothing waits for a person and both sides were read.
fn verdict(scene: Scene<'_>) -> (Tone, String) {
    let say = scene.say();
    let snapshot = scene.snapshot;
    let needs = NUMBERS
        .into_iter()
        .filter(|number| *number != Number::Pending)
        .map(|number| number.count(scene))
        .sum::<u64>();
    if snapshot.is_braked {
        return (Tone::Person, say.text("verdict-braked").to_owned());
    }
    if !snapshot.stopped.is_empty() {
        return (Tone::Person, say.text("verdict-stopped").to_owned());
    }
    if scene.standing.data.is_none() {
        return (Tone::Muted, say.text("loading").to_owned());
    }
    if needs > 0 {
        return (Tone::Person, say.count("verdict-person", needs));
    }
    if scene.unread().is_none() {
        return (Tone::Muted, say.text("verdict-unread").to_owned());
    }
    if snapshot.is_idle && scene.count(Mark::Pending) == 0 {
        (Tone::Strong, say.text("verdict-healthy").to_owned())
    } else {
        (Tone::Plain, say.text("verdict-working").to_owned())
    }
}

fn paint(scene: Scene<'_>, chosen: Option<Number>, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let say = scene.say();
    let (style, words) = verdict(scene);
    canvas.text(1, 0, &words, tone(theme, style));
    let mut y = 2;
    label(canvas, y, say.text("label-sync"));
    canvas.text(TITLE_WIDTH, y, &sync_words(scene), theme.plain());
    y += 1;
    for side in Side::BOTH {
        label(canvas, y, &side.to_string());
        let (style, words) = side_words(scene, side);
        canvas.text(TITLE_WIDTH, y, &words, tone(theme, style));
        y += 1;
    }
    for side in Side::BOTH {
        let title = say.with("label-coverage", &[("side", &side.to_string())]);
        label(canvas, y, &title);
        canvas.text(TITLE_WIDTH, y, &strip(scene, side, canvas), theme.plain());
        y += 1;
    }
    if let Some((used, allowed)) = scene.snapshot.limit {
        label(canvas, y, say.text("label-calls"));
        let words = say.with(
            "calls-used",
            &[
                ("used", &say.number(u64::from(used))),
                ("allowed", &say.number(u64::from(allowed))),
            ],
        );
        canvas.text(TITLE_WIDTH, y, &words, theme.plain());
        y += 1;
    }
    y += 1;
    y = paint_numbers(scene, chosen, canvas, y);
    paint_totals(scene, canvas, y + 1);
}

fn label(canvas: &mut Canvas<'_>, y: u16, text: &str) {
    let style = canvas.theme.muted();
    canvas.within(1, y, TITLE_WIDTH - 2, text, style);
}

fn sync_words(scene: Scene<'_>) -> String {
    let words = scene.words;
    let phase = words.phase(scene.snapshot.phase).to_owned();
    match scene.snapshot.next_cycle {
        Some(next) => words.language.with(
            "sync-next",
            &[("phase", &phase), ("when", &words.relative(next))],
        ),
        None if scene.snapshot.phase == Phase::Idle => words
            .language
            .with("sync-unscheduled", &[("phase", &phase)]),
        None => phase,
    }
}

fn side_words(scene: Scene<'_>, side: Side) -> (Tone, String) {
    let words = scene.words;
    let say = words.language;
    if let Some(failure) = scene.snapshot.stopped.get(&side) {
        let why = failure.to_string();
        return (Tone::Person, say.with("side-stopped", &[("failure", &why)]));
    }
    if let Some(until) = scene.snapshot.waits_until.get(&side) {
        let when = words.relative(*until);
        return (Tone::Plain, say.with("side-waits", &[("when", &when)]));
    }
    let coverage = scene.snapshot.coverage.get(&side);
    let Some((coverage, until)) = coverage.and_then(|c| Some((c, c.until()?))) else {
        return (Tone::Muted, say.text("side-unread").to_owned());
    };
    let day_ago = scene.words.now - Span::hours(24);
    let gaps = coverage.gaps(day_ago, until).len() as u64;
    let read = say.with("side-read", &[("until", &moment(until))]);
    if gaps == 0 {
        (Tone::Plain, format!("{read}; {}", say.text("no-gaps")))
    } else {
        (Tone::Person, format!("{read}; {}", say.count("gaps", gaps)))
    }
}

/// The last 24 hours, oldest on the left: which half hours were read whole, in part, not at all.
fn strip(scene: Scene<'_>, side: Side, canvas: &Canvas<'_>) -> String {
    let theme = canvas.theme;
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
        let count = number.count(scene);
        let is_urgent = count > 0 && number != Number::Pending;
        let style = if is_urgent {
            theme.person()
        } else {
            theme.plain()
        };
        let mark = if is_urgent { "!" } else { " " };
        canvas.text(1, y, mark, theme.person());
        canvas.within(3, y, 30, say.text(number.title()), style);
        let shown = if scene.standing.data.is_some() {
            say.number(count)
        } else {
            "?".to_owned()
        };
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
    for (title, by_side) in [
        ("total-read", &totals.read),
        ("total-written", &totals.written),
    ] {
        label(canvas, y, say.text(title));
        canvas.text(TITLE_WIDTH, y, &sides(scene, by_side), theme.plain());
        y += 1;
    }
    let Some(counts) = &scene.standing.data else {
        return;
    };
    let mark = |mark| say.number(counts.marks.get(&mark).copied().unwrap_or(0));
    let words = say.with(
        "standing",
        &[
            ("links", &say.number(counts.links)),
            ("out", &mark(Mark::OptedOut)),
            ("deleted", &mark(Mark::DeletedInSalesforce)),
            ("sent", &say.number(counts.sent_activities)),
        ],
    );
    canvas.paragraph(1, y, 2, &words, theme.muted());
}

fn sides(scene: Scene<'_>, by_side: &BySide) -> String {
    let say = scene.say();
    let on = |side| format!("{side} {}", say.number(by_side.sum(side)));
    format!("{} · {}", on(Side::Salesforce), on(Side::Automation))
}
