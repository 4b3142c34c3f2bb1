//! Text made safe for a terminal, and its width in cells. The only text that is ever painted.

use std::fmt::{self, Write as _};

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Marks stacked on one letter beyond this are cut: they would paint over the lines around.
const MARKS_MAX: usize = 4;

/// Text in which every character that could steer a terminal, or hide what it says, is shown as
/// `<U+202E>`. Line ends become visible too: what is painted stays on its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Safe(String);

impl Safe {
    pub fn new(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        let mut marks = 0;
        for c in text.chars() {
            if is_hazard(c) {
                marks = 0;
                let _ = write!(shown, "<U+{:04X}>", c as u32); // Writing into a string cannot fail.
                continue;
            }
            marks = if is_mark(c) { marks + 1 } else { 0 };
            if marks <= MARKS_MAX {
                shown.push(c);
            }
        }
        Self(shown)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// Cells that it takes on a screen.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// At most so many cells. What is cut ends with `…`, at the end of a word if one is near.
    #[must_use]
    pub fn fit(&self, cells: usize) -> Self {
        if self.width() <= cells {
            return self.clone();
        }
        let mut kept = String::new();
        let mut width = 0;
        let mut word_end = 0;
        for grapheme in self.0.graphemes(true) {
            let next = width + grapheme.width();
            if next + 1 > cells {
                break;
            }
            if !grapheme.chars().all(char::is_alphanumeric) && width * 2 > cells {
                word_end = kept.len();
            }
            kept.push_str(grapheme);
            width = next;
        }
        if word_end > 0 {
            kept.truncate(word_end);
        }
        if cells > 0 {
            kept.push('…');
        }
        Self(kept)
    }

    /// Lines of at most so many cells, broken between words where that is possible.
    pub fn wrapped(&self, cells: usize) -> Vec<Self> {
        let cells = cells.max(1);
        let mut lines = vec![String::new()];
        let mut width = 0;
        for word in words(&self.0) {
            if width + word.trim_end().width() > cells && width > 0 {
                lines.push(String::new());
                width = 0;
            }
            for grapheme in word.graphemes(true) {
                if width + grapheme.width() > cells && grapheme == " " {
                    continue;
                }
                if width + grapheme.width() > cells && width > 0 {
                    lines.push(String::new());
                    width = 0;
                }
                if let Some(line) = lines.last_mut() {
                    line.push_str(grapheme);
                }
                width += grapheme.width();
            }
        }
        lines.into_iter().map(Self).collect()
    }
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each with the blank behind it. The groups of three digits of one number stay together, and so does a
/// sign that French sets apart with what it belongs to: no line begins with a colon.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let group = after.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = group == 3 && before.ends_with(|c: char| c.is_ascii_digit());
        let is_closing = after.starts_with([':', ';', '!', '?', '»']);
        if is_number || is_closing || before.ends_with('«') {
            continue;
        }
        words.push(&text[start..=at]);
        start = at + 1;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// What steers, or is not seen: control and format characters, fillers, variation selectors.
fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{0600}'..='\u{0605}' | '\u{061C}' | '\u{06DD}' | '\u{070F}'
            | '\u{0890}'..='\u{0891}' | '\u{08E2}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// What is painted over the letter before it.
fn is_mark(c: char) -> bool {
    c.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let hostile = "\u{1b}]52;c;eA==\u{7}\u{9b}2J\u{202e}nomis\u{200b}\r\n\u{e0041}\u{2028}";
        let shown = Safe::new(hostile);
        assert!(shown.as_str().chars().all(|c| !is_hazard(c)), "{shown}");
        assert!(
            shown.as_str().contains("<U+001B>]52") && shown.as_str().contains("<U+202E>nomis"),
            "{shown}"
        );
    }

    #[test]
    fn letters_of_every_language_stay_as_they_are() {
        for text in ["Hélène Lefèvre-Özdemir", "שלום", "山田", "e\u{301}"] {
            assert_eq!(Safe::new(text).as_str(), text);
        }
    }

    #[test]
    fn stacked_marks_are_cut() {
        let zalgo = format!("a{}", "\u{0301}".repeat(200));
        assert_eq!(Safe::new(&zalgo).as_str().chars().count(), 1 + MARKS_MAX);
    }

    /// Whatever Unicode calls it: what takes no cell is either spelled out or few.
    #[test]
    fn no_character_is_stacked_without_end() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let shown = Safe::new(&format!("a{}", c.to_string().repeat(10)));
            let unseen = shown.as_str().chars().filter(|c| c.width() == Some(0));
            assert!(unseen.count() <= MARKS_MAX, "{:04X}", c as u32);
        }
    }

    #[test]
    fn what_is_not_seen_is_spelled_out() {
        let hidden = [
            '\u{180b}',
            '\u{180d}',
            '\u{180e}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{1bca0}',
            '\u{1bca3}',
            '\u{1d173}',
            '\u{1d17a}',
            '\u{13430}',
            '\u{1343f}',
            '\u{70f}',
            '\u{600}',
            '\u{6dd}',
            '\u{8e2}',
            '\u{110bd}',
            '\u{feff}',
            '\u{ad}',
        ];
        for c in hidden {
            let expected = format!("a<U+{:04X}>b", c as u32);
            assert_eq!(Safe::new(&format!("a{c}b")).as_str(), expected);
        }
    }

    #[test]
    fn what_is_cut_fits_in_cells_and_not_in_characters() {
        assert_eq!(Safe::new("山田太郎").width(), 8);
        assert_eq!(Safe::new("山田太郎").fit(6).as_str(), "山田…");
        assert_eq!(
            Safe::new("claire.vasseur@orion.example").fit(24).as_str(),
            "claire.vasseur@orion…"
        );
        assert_eq!(Safe::new("abc").fit(0).as_str(), "");
        for cells in 0..12 {
            assert!(Safe::new("é山 b.c d@e 田太").fit(cells).width() <= cells);
        }
    }

    #[test]
    fn long_text_is_broken_between_words() {
        let lines = Safe::new("both systems changed it").wrapped(12);
        let lines: Vec<&str> = lines.iter().map(|line| line.as_str().trim_end()).collect();
        assert_eq!(lines, ["both systems", "changed it"]);
        let lines = Safe::new("there are 12 345 678 of them").wrapped(15);
        let lines: Vec<&str> = lines.iter().map(|line| line.as_str().trim_end()).collect();
        assert_eq!(lines, ["there are", "12 345 678 of", "them"]);
        let lines = Safe::new("de « 0601 » à « 0602 » : non").wrapped(10);
        let lines: Vec<&str> = lines.iter().map(|line| line.as_str().trim_end()).collect();
        assert_eq!(lines, ["de", "« 0601 » à", "« 0602 » :", "non"]);
        assert!(
            Safe::new(&"x".repeat(50))
                .wrapped(7)
                .iter()
                .all(|line| line.width() <= 7)
        );
    }
}
