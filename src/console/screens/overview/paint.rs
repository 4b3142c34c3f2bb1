//! What the overview looks like: a sentence, a line each about the sync, then the numbers.

use super::{Model, NUMBERS, everything, left_out, read, rounds, sides, verdict};
use crate::console::canvas::Canvas;
use crate::console::model::Tone;
use crate::console::safe::Safe;
use crate::console::screens::Scene;
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::domain::ids::Side;
use crate::domain::time::Span;

/// What was read, what was written, and how many there are of everything.
const TOTALS_HEIGHT: u16 = 4;

/// Columns of the titles on the left.
const TITLE_WIDTH: u16 = 24;

/// A verdict names queues, so it can take more than a line.
const VERDICT_LINES_MAX: u16 = 3;

/// Before what waits: after the sync and both sides.
const STRIPS_AT: usize = 3;

/// From this width on the numbers stand in two columns.
const TWO_COLUMNS_FROM: u16 = 80;

/// Where a number begins in its column, and so the room of its title.
const NUMBER_AT: u16 = 30;

impl Model {
    /// Where there is little room the strips go first, then what was read and written so far; the numbers
    /// that lead somewhere stay.
    pub(super) fn paint_all(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let (style, words) = verdict::verdict(self, scene);
        let room = canvas.width().saturating_sub(2);
        let verdict = lines_of(theme, &words, room).min(VERDICT_LINES_MAX);
        canvas.paragraph(1, 0, verdict, &words, tone(theme, style));
        let mut lines = self.lines(scene, Some(theme));
        let room = canvas.width().saturating_sub(TITLE_WIDTH + 1);
        let height = |(_, (_, text)): &(String, (Tone, String))| lines_of(theme, text, room);
        let taken: u16 = lines.iter().map(height).sum();
        let numbers = numbers_height(canvas.width());
        let mut spare = canvas.height().saturating_sub(verdict + taken + numbers);
        if spare >= Side::BOTH.len() as u16 {
            let strips = Side::BOTH.map(|side| strip_line(scene, side, theme, room));
            spare -= strips.len() as u16;
            lines.splice(STRIPS_AT..STRIPS_AT, strips);
        }
        let rounds = rounds(scene);
        if spare >= rounds.len() as u16 {
            spare -= rounds.len() as u16;
            lines.extend(rounds);
        }
        // A blank line above, and one between, where nothing has to go for them.
        let mut y = verdict + u16::from(spare > TOTALS_HEIGHT);
        for (title, (style, words)) in &lines {
            label(canvas, y, title);
            let lines = lines_of(theme, words, room);
            y += canvas.paragraph(TITLE_WIDTH, y, lines, words, tone(theme, *style));
        }
        let top = y + u16::from(spare > TOTALS_HEIGHT + 1);
        self.paint_numbers(scene, canvas, top);
        paint_totals(scene, canvas, top + numbers);
    }

    /// Two columns of them where there is room, read down and then across.
    fn paint_numbers(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>, top: u16) {
        let theme = canvas.theme;
        let say = scene.say();
        let chosen = self.selection.key().unwrap_or(NUMBERS[0]);
        let rows = numbers_height(canvas.width());
        let columns = (NUMBERS.len() as u16).div_ceil(rows);
        let width = canvas.width() / columns;
        for (index, number) in (0..).zip(NUMBERS) {
            let height = canvas.height();
            let mut part = canvas.part(width * (index / rows), top, width, height);
            let y = index % rows;
            let is_urgent = number.is_urgent(self, scene);
            let style = if is_urgent {
                theme.person()
            } else {
                theme.plain()
            };
            let mark = if is_urgent { "!" } else { " " };
            part.text(1, y, mark, theme.person());
            part.within(3, y, NUMBER_AT - 4, say.text(number.title()), style);
            let shown = number.shown(self, scene);
            part.text(NUMBER_AT, y, &format!("{shown:>9}"), style);
            if number == chosen {
                part.line_style(y, theme.selected());
            }
        }
    }
}

/// The last 24 hours, oldest on the left: which half hours, or hours where there is less room, were
/// read whole, in part, not at all.
fn strip_line(scene: Scene<'_>, side: Side, theme: Theme, room: u16) -> (String, (Tone, String)) {
    let title = scene
        .say()
        .with("label-coverage", &[("side", &side.to_string())]);
    let cells = if room < 48 { 24 } else { 48 };
    (title, (Tone::Plain, strip(scene, side, theme, cells)))
}

fn strip(scene: Scene<'_>, side: Side, theme: Theme, cells: usize) -> String {
    let none = theme.sign("·", ".");
    let Some(coverage) = scene.snapshot.coverage.get(&side) else {
        return none.repeat(cells);
    };
    let start = scene.words.now - Span::hours(24);
    let each = Span(Span::hours(24).0 / cells as i64);
    (0..cells as i64)
        .map(|cell| {
            let from = start + Span(each.0 * cell);
            let until = from + each;
            let gaps = coverage.gaps(from, until);
            let unread: i64 = gaps.iter().map(|gap| gap.until.since(gap.from).0).sum();
            if unread == 0 {
                theme.sign("█", "#")
            } else if unread < each.0 {
                theme.sign("▒", "+")
            } else {
                none
            }
        })
        .collect()
}

/// Lines of the numbers that lead somewhere.
const fn numbers_height(width: u16) -> u16 {
    let all = NUMBERS.len() as u16;
    if width >= TWO_COLUMNS_FROM {
        all.div_ceil(2)
    } else {
        all
    }
}

fn lines_of(theme: Theme, text: &str, room: u16) -> u16 {
    let lines = Safe::new(&theme.spelled(text)).wrapped(usize::from(room));
    lines.len() as u16
}

fn label(canvas: &mut Canvas<'_>, y: u16, text: &str) {
    let style = canvas.theme.muted();
    canvas.within(1, y, TITLE_WIDTH - 2, text, style);
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
