//! One key with its modifiers, and sequences of them, as key files write them: `ctrl-d`, `g g`.

use std::cmp::Ordering;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as pressed. A capital letter is the letter itself, not shift and a small one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    pub code: KeyCode,
    pub modifiers: KeyModifiers,
}

/// Keys pressed one after the other; never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub Vec<Chord>);

/// A sequence longer than this is not remembered by anybody.
const SEQUENCE_MAX: usize = 3;

const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

impl Chord {
    /// One form for one key, however the terminal reports it.
    pub fn of(event: KeyEvent) -> Self {
        let mut code = event.code;
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if code == KeyCode::BackTab {
            modifiers |= KeyModifiers::SHIFT;
            code = KeyCode::Tab;
        }
        if let KeyCode::Char(c) = code {
            if modifiers.contains(KeyModifiers::SHIFT) && c.is_lowercase() {
                code = KeyCode::Char(c.to_ascii_uppercase());
            }
            if modifiers.contains(KeyModifiers::CONTROL) {
                code = KeyCode::Char(c.to_ascii_lowercase());
            }
            modifiers -= KeyModifiers::SHIFT;
            // Each is one byte with the key that has a name.
            let named = match code {
                KeyCode::Char('[') => Some(KeyCode::Esc),
                KeyCode::Char('i') => Some(KeyCode::Tab),
                KeyCode::Char('m') => Some(KeyCode::Enter),
                _ => None,
            };
            if modifiers == KeyModifiers::CONTROL
                && let Some(named) = named
            {
                return Self {
                    code: named,
                    modifiers: KeyModifiers::NONE,
                };
            }
        }
        Self { code, modifiers }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((name, after)) = rest.split_once('-').filter(|(_, after)| !after.is_empty())
        {
            modifiers |= match name.to_lowercase().as_str() {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => break,
            };
            rest = after;
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => named(&rest.to_lowercase())?,
        };
        Some(Self::of(KeyEvent::new(code, modifiers)))
    }

    /// The letter that this key types, if it types one.
    pub fn letter(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }
}

fn named(name: &str) -> Option<KeyCode> {
    if let Some(number) = name.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
        return (1..=12).contains(&number).then_some(KeyCode::F(number));
    }
    NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, code)| *code)
}

impl Sequence {
    pub fn parse(text: &str) -> Option<Self> {
        let chords: Option<Vec<Chord>> = text.split_whitespace().map(Chord::parse).collect();
        chords
            .filter(|chords| !chords.is_empty() && chords.len() <= SEQUENCE_MAX)
            .map(Self)
    }

    pub fn starts_with(&self, other: &[Chord]) -> bool {
        self.0.starts_with(other)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "f{n}"),
            code => match NAMED.iter().find(|(_, known)| *known == code) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "<{code:?}>"),
            },
        }
    }
}

/// By what is printed, which differs for every two keys.
impl Ord for Chord {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for Chord {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, chord) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{chord}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again_as_the_same() {
        for text in [
            "g g",
            "ctrl-d",
            "alt-x",
            "shift-tab",
            "G",
            "?",
            "-",
            "ctrl--",
            "f10",
            "space",
            "pgdn",
            "alt-<",
        ] {
            let read = Sequence::parse(text).unwrap();
            assert_eq!(read.to_string(), text);
        }
        for text in ["", "ctrl", "f13", "hyper-x", "a b c d"] {
            assert_eq!(Sequence::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_same_key_is_the_same_however_a_terminal_reports_it() {
        let shifted = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(Chord::of(shifted).to_string(), "G");
        let back = KeyEvent::new(KeyCode::BackTab, KeyModifiers::NONE);
        assert_eq!(Chord::of(back).to_string(), "shift-tab");
    }
}
