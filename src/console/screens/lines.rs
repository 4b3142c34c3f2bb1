//! A text of lines, some in three columns: what, Salesforce, Automation. It scrolls; nothing in it is
//! chosen.

use crate::console::canvas::Canvas;
use crate::console::list::Step;
use crate::console::model::Tone;
use crate::console::safe::Safe;
use crate::console::view::tone;
use crate::console::words::Words;
use crate::domain::ids::Side;

/// In the place of a contact that is still asked for, or is not there any more.
pub(super) fn paint_nobody(words: Words<'_>, is_answered: bool, canvas: &mut Canvas<'_>) {
    let key = if is_answered {
        "person-gone"
    } else {
        "loading"
    };
    canvas.text(1, 1, words.language.text(key), canvas.theme.muted());
}

pub(super) struct Line {
    tone: Tone,
    text: String,
    columns: Option<[String; 2]>,
}

pub(super) fn line(tone: Tone, text: impl Into<String>) -> Line {
    Line {
        tone,
        text: text.into(),
        columns: None,
    }
}

pub(super) fn columns(
    tone: Tone,
    text: impl Into<String>,
    salesforce: String,
    automation: String,
) -> Line {
    Line {
        tone,
        text: text.into(),
        columns: Some([salesforce, automation]),
    }
}

/// The same lines for whoever hears them: what, then what each side says.
pub(super) fn spoken(words: Words<'_>, lines: &[Line]) -> Vec<String> {
    let say = |line: &Line| {
        let text = line.text.trim();
        let Some([salesforce, automation]) = &line.columns else {
            return Some(text.to_owned()).filter(|text| !text.is_empty());
        };
        if salesforce.is_empty() && automation.is_empty() {
            return None;
        }
        // The titles of the columns: each line says them.
        if *salesforce == Side::Salesforce.to_string() {
            return Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        let sides = [
            (Side::Salesforce, salesforce),
            (Side::Automation, automation),
        ];
        let told = sides.map(|(side, text)| {
            let text = if text.is_empty() { "-" } else { text };
            format!("{side} {text}")
        });
        let name = match text.strip_prefix("≠ ") {
            Some(name) => format!("{} {name}", words.language.text("linear-differs")),
            None => text.to_owned(),
        };
        Some(words.labelled(&name, &told.join(words.language.text("separator"))))
    };
    lines.iter().filter_map(say).collect()
}

/// Where the three columns stand on a screen of that width: the cells of the first, and of each other.
const fn places(width: u16) -> (u16, u16) {
    let name = width * 3 / 10;
    (name, (width - name) / 2)
}

/// The same lines, each text in as many as it takes in its column.
pub(super) fn wrapped(lines: Vec<Line>, width: u16) -> Vec<Line> {
    let (name, column) = places(width);
    let room = usize::from(width.saturating_sub(2));
    let parts = |text: &str, cells: u16| {
        let parts = Safe::new(text).wrapped(usize::from(cells)).into_iter();
        parts.map(Safe::into_string)
    };
    let wrap = |whole: Line| match &whole.columns {
        None if whole.text.is_empty() => vec![whole],
        None => {
            let parts = Safe::new(&whole.text).wrapped(room).into_iter();
            parts
                .map(|part| line(whole.tone, part.into_string()))
                .collect()
        }
        Some([salesforce, automation]) => {
            let mut texts = parts(&whole.text, name.saturating_sub(2));
            let mut salesforce = parts(salesforce, column.saturating_sub(1));
            let mut automation = parts(automation, column);
            let mut rows = Vec::new();
            loop {
                let row = [texts.next(), salesforce.next(), automation.next()];
                if row.iter().all(Option::is_none) {
                    break rows;
                }
                let [text, salesforce, automation] = row.map(Option::unwrap_or_default);
                rows.push(columns(whole.tone, text, salesforce, automation));
            }
        }
    };
    lines.into_iter().flat_map(wrap).collect()
}

/// How far a text is scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scroll {
    top: usize,
}

impl Scroll {
    pub(super) fn step(&mut self, lines: usize, step: Step, page: usize) {
        let last = lines.saturating_sub(page.max(1));
        let moved = match step {
            Step::Down => self.top + 1,
            Step::Up => self.top.saturating_sub(1),
            Step::First => 0,
            Step::Last => last,
            Step::PageDown => self.top + page,
            Step::PageUp => self.top.saturating_sub(page),
        };
        self.top = moved.min(last);
    }

    pub(super) fn paint(self, lines: &[Line], canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let (name, column) = places(canvas.width());
        let height = usize::from(canvas.height());
        for (y, line) in lines.iter().skip(self.top).take(height).enumerate() {
            let y = y as u16;
            let style = tone(theme, line.tone);
            match &line.columns {
                None => {
                    canvas.text(1, y, &line.text, style);
                }
                Some([salesforce, automation]) => {
                    canvas.within(1, y, name - 2, &line.text, style);
                    canvas.within(name, y, column - 1, salesforce, style);
                    canvas.within(name + column, y, column, automation, style);
                }
            }
        }
    }
}
