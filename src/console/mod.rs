//! What an operator sees and does, as pure functions: `update(model, msg) -> effects` and
//! `view(model, frame)`. No clock, no file, no socket: time, data and keys come in as messages, and
//! what is to be done goes out as effects.

mod access;
mod boxes;
mod canvas;
mod chooser;
mod dialog;
mod explain;
mod field;
mod filter;
mod finder;
mod here;
pub mod hidden;
mod hints;
mod kept;
pub mod keymap;
pub mod language;
mod linear;
mod list;
mod model;
mod msg;
mod pace;
mod papers;
mod picker;
mod preview;
mod prompted;
pub mod query;
pub mod safe;
mod screens;
mod sent;
mod slot;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod theme;
mod update;
mod view;
mod words;

pub use kept::Kept;
pub use language::{Language, Tongue};
pub use linear::Outcome;
pub use model::{Ground, Instance, Model, Settings};
pub use msg::{Effect, Msg};
pub use papers::introduced;
pub use query::{Answer, Query, Ticket};
pub use safe::Safe;
pub use screens::audit::ActFilter;
pub use update::update;
pub use view::{paint, view};
pub use words::{
    Spoken, SpokenFlag, SpokenVerdict, Time, objected, spoken, spoken_changes, spoken_flag,
    spoken_forecast, spoken_verdict,
};
