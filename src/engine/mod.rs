//! Decides. Touches no file, socket, clock or chance: inputs come in, outputs go out, as data.

pub mod consent;
pub mod decide;
pub mod observe;
