//! Is the sync healthy, and what needs me? Every number leads to where it comes from.

use crate::console::canvas::Canvas;
use crate::console::list::{Selection, Step};
use crate::console::model::{Model as Console, Tab, Tone};
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

    fn count(self, console: &Console) -> u64 {
        match self {
            Self::Conflicts => console.count(Mark::Conflict),
            Self::Pending => console.count(Mark::Pending),
            Self::Dead => console.count(Mark::Dead),
            Self::Held => held(console),
        }
    }
}

impl Model {
    pub(in crate::console) fn step(&mut self, step: Step, page: usize) {
        self.selection.settle(&NUMBERS);
        self.selection.step(&NUMBERS, step, page);
    }

    pub(in crate::console) fn destination(&mut self) -> Tab {
        self.selection.settle(&NUMBERS);
        match self.selection.key() {
            Some(Number::Conflicts) | None => Tab::Conflicts,
            Some(Number::Pending | Number::Dead | Number::Held) => Tab::Queues,
        }
    }
}

fn held(console: &Console) -> u64 {
    let counts = console.standing.data.as_ref();
    counts.map_or(0, |counts| counts.held_activities)
}

/// Healthy is said only when nothing waits for a person and both sides were read.
fn verdict(console: &Console) -> (Tone, String) {
    let say = &console.shell.language;
    let snapshot = &console.snapshot;
    let needs = NUMBERS
        .into_iter()
        .filter(|number| *number != Number::Pending)
        .map(|number| number.count(console))
        .sum::<u64>();
    if snapshot.is_braked {
        return (Tone::Person, say.text("verdict-braked").to_owned());
    }
    if !snapshot.stopped.is_empty() {
        return (Tone::Person, say.text("verdict-stopped").to_owned());
    }
    if console.standing.data.is_none() {
        return (Tone::Muted, say.text("loading").to_owned());
    }
    if needs > 0 {
        return (Tone::Person, say.count("verdict-person", needs));
    }
    if console.unread().is_none() {
        return (Tone::Muted, say.text("verdict-unread").to_owned());
    }
    if snapshot.is_idle && console.count(Mark::Pending) == 0 {
        (Tone::Strong, say.text("verdict-healthy").to_owned())
    } else {
        (Tone::Plain, say.text("verdict-working").to_owned())
    }
}

pub(in crate::console) fn paint(console: &Console, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let say = &console.shell.language;
    let (style, words) = verdict(console);
    canvas.text(1, 0, &words, tone(theme, style));
    let mut y = 2;
    label(canvas, y, say.text("label-sync"));
    canvas.text(TITLE_WIDTH, y, &sync_words(console), theme.plain());
    y += 1;
    for side in Side::BOTH {
        label(canvas, y, &side.to_string());
        let (style, words) = side_words(console, side);
        canvas.text(TITLE_WIDTH, y, &words, tone(theme, style));
        y += 1;
    }
    for side in Side::BOTH {
        let title = say.with("label-coverage", &[("side", &side.to_string())]);
        label(canvas, y, &title);
        canvas.text(TITLE_WIDTH, y, &strip(console, side, canvas), theme.plain());
        y += 1;
    }
    if let Some((used, allowed)) = console.snapshot.limit {
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
    y = paint_numbers(console, canvas, y);
    paint_totals(console, canvas, y + 1);
}

fn label(canvas: &mut Canvas<'_>, y: u16, text: &str) {
    let style = canvas.theme.muted();
    canvas.within(1, y, TITLE_WIDTH - 2, text, style);
}

fn sync_words(console: &Console) -> String {
    let words = console.shell.words();
    let phase = words.phase(console.snapshot.phase).to_owned();
    match console.snapshot.next_cycle {
        Some(next) => words.language.with(
            "sync-next",
            &[("phase", &phase), ("when", &words.relative(next))],
        ),
        None if console.snapshot.phase == Phase::Idle => words
            .language
            .with("sync-unscheduled", &[("phase", &phase)]),
        None => phase,
    }
}

fn side_words(console: &Console, side: Side) -> (Tone, String) {
    let words = console.shell.words();
    let say = words.language;
    if let Some(failure) = console.snapshot.stopped.get(&side) {
        let why = failure.to_string();
        return (Tone::Person, say.with("side-stopped", &[("failure", &why)]));
    }
    if let Some(until) = console.snapshot.waits_until.get(&side) {
        let when = words.relative(*until);
        return (Tone::Plain, say.with("side-waits", &[("when", &when)]));
    }
    let coverage = console.snapshot.coverage.get(&side);
    let Some((coverage, until)) = coverage.and_then(|c| Some((c, c.until()?))) else {
        return (Tone::Muted, say.text("side-unread").to_owned());
    };
    let day_ago = console.shell.now - Span::hours(24);
    let gaps = coverage.gaps(day_ago, until).len() as u64;
    let read = say.with("side-read", &[("until", &moment(until))]);
    if gaps == 0 {
        (Tone::Plain, format!("{read}; {}", say.text("no-gaps")))
    } else {
        (Tone::Person, format!("{read}; {}", say.count("gaps", gaps)))
    }
}

/// The last 24 hours, oldest on the left: which half hours were read whole, in part, not at all.
fn strip(console: &Console, side: Side, canvas: &Canvas<'_>) -> String {
    let theme = canvas.theme;
    let none = theme.sign("·", ".");
    let Some(coverage) = console.snapshot.coverage.get(&side) else {
        return none.repeat(48);
    };
    let start = console.shell.now - Span::hours(24);
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

fn paint_numbers(console: &Console, canvas: &mut Canvas<'_>, top: u16) -> u16 {
    let theme = canvas.theme;
    let say = &console.shell.language;
    let chosen = console.overview.selection.key().unwrap_or(NUMBERS[0]);
    for (index, number) in NUMBERS.into_iter().enumerate() {
        let y = top + index as u16;
        let count = number.count(console);
        let is_urgent = count > 0 && number != Number::Pending;
        let style = if is_urgent {
            theme.person()
        } else {
            theme.plain()
        };
        let mark = if is_urgent { "!" } else { " " };
        canvas.text(1, y, mark, theme.person());
        canvas.within(3, y, 30, say.text(number.title()), style);
        let shown = if console.standing.data.is_some() {
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

fn paint_totals(console: &Console, canvas: &mut Canvas<'_>, top: u16) {
    let theme = canvas.theme;
    let say = &console.shell.language;
    let totals = &console.snapshot.totals;
    let mut y = top;
    for (title, by_side) in [
        ("total-read", &totals.read),
        ("total-written", &totals.written),
    ] {
        label(canvas, y, say.text(title));
        canvas.text(TITLE_WIDTH, y, &sides(console, by_side), theme.plain());
        y += 1;
    }
    let Some(counts) = &console.standing.data else {
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

fn sides(console: &Console, by_side: &BySide) -> String {
    let say = &console.shell.language;
    let on = |side| format!("{side} {}", say.number(by_side.sum(side)));
    format!("{} · {}", on(Side::Salesforce), on(Side::Automation))
}
