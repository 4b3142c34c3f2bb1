//! The screens. Each owns what it shows and how it is painted; keys come from the switchboard.

pub(super) mod conflicts;
pub(super) mod contacts;
pub(super) mod decide;
pub(super) mod overview;
pub(super) mod queues;
