//! Text that came from outside, made safe for a terminal: by the same rules as on the screens.

use crate::console::Safe;

/// The text with every character that could steer a terminal, or hide what it says, made visible.
pub fn safe(text: &str) -> String {
    Safe::new(text).into_string()
}
