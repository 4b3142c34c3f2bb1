//! Text that came from outside, made safe for a terminal.

use std::fmt::Write as _;

/// Marks stacked on one letter beyond this are cut: they would paint over the lines around.
const MARKS_MAX: usize = 4;

/// The text with every character that could steer a terminal, or hide what it says, shown as
/// `<U+202E>`. Line ends become visible too: what is printed stays on its line.
pub fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            continue;
        }
        if is_hazard(c) {
            let _ = write!(shown, "<U+{:04X}>", c as u32); // Writing into a string cannot fail.
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}'
        | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let hostile = "\u{1b}]52;c;eA==\u{7}\u{9b}2J\u{202e}nomis\u{200b}\r\n\u{e0041}";
        let shown = safe(hostile);
        assert!(shown.chars().all(|c| !is_hazard(c)), "{shown}");
        assert!(
            shown.contains("<U+001B>]52") && shown.contains("<U+202E>nomis"),
            "{shown}"
        );
    }

    #[test]
    fn letters_of_every_language_stay_as_they_are() {
        for text in ["Hélène Lefèvre-Özdemir", "שלום", "山田", "e\u{301}"] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn stacked_marks_are_cut() {
        let zalgo = format!("a{}", "\u{0301}".repeat(200));
        assert_eq!(safe(&zalgo).chars().count(), 1 + MARKS_MAX);
    }
}
