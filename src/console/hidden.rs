//! A secret on its way from a key to whoever seals it, and the field that it is typed in. What is hidden
//! has no serialised form, so that no message can hold it, and no recording; nor does `Debug` show it.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use secrecy::{ExposeSecret as _, SecretString};

use super::canvas::Canvas;
use super::msg::Msg;

/// Longer text is no secret and no address.
const TEXT_MAX: usize = 4_000;

/// Stands for one character that is not shown.
const VEIL: char = '•';

/// What nobody is shown.
#[derive(Clone)]
pub struct Hidden(SecretString);

impl Hidden {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Hidden {}

/// A text that is shown by its first characters, or not at all. It grows and shrinks at its end only:
/// nothing hidden ever moves to where it would be shown.
pub(super) struct Veiled {
    text: String,
    /// Characters at its beginning that may be seen.
    clear: usize,
}

impl Veiled {
    /// Of which nothing is shown.
    pub(super) const fn secret() -> Self {
        Self {
            text: String::new(),
            clear: 0,
        }
    }

    /// So much is shown that one sees whether it begins as an address does.
    pub(super) const fn address() -> Self {
        Self {
            text: String::new(),
            clear: 8,
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What was typed; the field is empty afterwards.
    pub(super) fn take(&mut self) -> Hidden {
        let hidden = Hidden::new(self.text.trim());
        self.text.clear();
        hidden
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        let is_steering = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if is_steering => self.text.clear(),
            KeyCode::Char('h') if is_steering => drop(self.text.pop()),
            KeyCode::Char(letter) if is_letter(key) => self.paste(letter.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => drop(self.text.pop()),
            _ => {}
        }
    }

    /// Line ends and whatever else steers is not part of it.
    pub(super) fn paste(&mut self, text: &str) {
        let room = TEXT_MAX.saturating_sub(self.length());
        self.text
            .extend(text.chars().filter(|c| !c.is_control()).take(room));
    }

    fn length(&self) -> usize {
        self.text.chars().count()
    }

    pub(super) fn shown(&self) -> String {
        veiled(&self.text, self.clear)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let width = usize::from(canvas.width()).saturating_sub(1);
        let shown: Vec<char> = self.shown().chars().collect();
        let kept: String = shown.iter().take(width).collect();
        let x = canvas.text(0, 0, &kept, theme.plain());
        canvas.text(x, 0, theme.sign("▏", "_"), theme.accent());
    }

    /// A message as a recording may hear it: what the field hides is hidden there too, one sign for one
    /// character, so that the recording shows the same screens.
    pub(super) fn overheard(&self, msg: &Msg) -> Option<Msg> {
        let clear = self.clear.saturating_sub(self.length());
        Some(match msg {
            Msg::Key(key) if is_letter(*key) && clear == 0 => Msg::Key(KeyEvent {
                code: KeyCode::Char(VEIL),
                ..*key
            }),
            Msg::Pasted(text) => Msg::Pasted(veiled(text, clear)),
            // A line is the whole of it.
            Msg::Typed(text) => Msg::Typed(veiled(text, self.clear)),
            _ => return None,
        })
    }
}

fn is_letter(key: KeyEvent) -> bool {
    let steers = KeyModifiers::CONTROL | KeyModifiers::ALT;
    matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(steers)
}

fn veiled(text: &str, clear: usize) -> String {
    let mut left = clear;
    let veil = |c: char| {
        if c.is_control() {
            return c;
        }
        if left == 0 {
            return VEIL;
        }
        left -= 1;
        c
    };
    text.chars().map(veil).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_in_no_debug_text() {
        assert_eq!(format!("{:?}", Hidden::new("hunter2")), "…");
    }

    #[test]
    fn an_address_is_shown_by_its_beginning_and_a_secret_not_at_all() {
        let mut address = Veiled::address();
        address.paste("http://localhost:1717/?code=aPrx\r\n");
        assert_eq!(address.shown(), format!("http://l{}", "•".repeat(24)));
        let mut secret = Veiled::secret();
        secret.paste("hunter2");
        secret.key(KeyCode::Backspace.into());
        assert_eq!(secret.shown(), "••••••");
        assert_eq!(secret.take(), Hidden::new("hunter"));
        assert!(secret.is_blank());
    }

    #[test]
    fn a_recording_hears_as_much_as_the_screen_shows() {
        let mut field = Veiled::address();
        let mut replayed = Veiled::address();
        for text in ["http", "://localhost", "\u{1b}/?code=aPrx", "山"] {
            let Some(Msg::Pasted(heard)) = field.overheard(&Msg::Pasted(text.to_owned())) else {
                panic!("not hidden");
            };
            assert!(!heard.contains("aPrx"), "{heard}");
            field.paste(text);
            replayed.paste(&heard);
            assert_eq!(field.shown(), replayed.shown());
        }
        let key = Msg::Key(KeyCode::Char('x').into());
        assert_ne!(field.overheard(&key), Some(key));
        assert_eq!(field.overheard(&Msg::Busy), None);
    }
}
