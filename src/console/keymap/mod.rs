//! Which key does what: the table of actions, the key files, and the meaning of a key in its place.

pub mod action;
pub mod chord;
pub mod file;
pub mod resolve;

pub use action::{ACTIONS, Action, Context, Danger};
pub use chord::{Chord, Sequence};
pub(crate) use file::distance;
pub use file::{Keymap, KeymapError, Preset};
pub use resolve::{Resolved, resolve};
