//! What the outside must offer: one trait per outside system.
