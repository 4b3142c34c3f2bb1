//! What a key means here. Pure: the keys pressed so far are handed in.

use super::action::{Action, Context};
use super::chord::{Chord, Sequence};
use super::file::Keymap;

/// What a key comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    Run(Action),
    /// More keys are needed: what they may be, and what each would do.
    Wait(Vec<(Sequence, Action)>),
    /// A letter for whoever takes text.
    Text(Chord),
    Unbound,
}

/// 1. The contexts are asked in order; the first that binds the keys, or waits for more, decides.
/// 2. Where text is typed nothing but that context is asked, and what it does not bind is text.
/// 3. Keys that lead nowhere are forgotten.
pub fn resolve(
    keymap: &Keymap,
    contexts: &[Context],
    pending: &mut Vec<Chord>,
    chord: Chord,
) -> Resolved {
    pending.push(chord);
    for context in contexts {
        if let Some(action) = keymap.action(*context, pending) {
            pending.clear();
            return Resolved::Run(action);
        }
        let next = keymap.following(*context, pending);
        if !next.is_empty() {
            return Resolved::Wait(next);
        }
    }
    pending.clear();
    if contexts.contains(&Context::Text) {
        Resolved::Text(chord)
    } else {
        Resolved::Unbound
    }
}
