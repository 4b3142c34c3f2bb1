//! Which overlays ask for a line.

use super::model::{Overlay, Prompt};

/// The line that an overlay asks for, if it asks for one: to be read, or to be changed.
macro_rules! prompt_of {
    ($overlay:expr) => {
        match $overlay {
            Self::Filter(prompt, _)
            | Self::Search(prompt)
            | Self::Window(prompt)
            | Self::Editor(prompt)
            | Self::Setting(prompt, _)
            | Self::Queue(prompt)
            | Self::Until(prompt, _) => Some(prompt),
            Self::Finder(_)
            | Self::Dialog(_)
            | Self::Boxes(_)
            | Self::Picker(_)
            | Self::Columns(_)
            | Self::Here
            | Self::Access
            | Self::Papers(_) => None,
        }
    };
}

impl Overlay {
    pub(super) const fn prompt(&self) -> Option<&Prompt> {
        prompt_of!(self)
    }

    pub(super) const fn prompt_mut(&mut self) -> Option<&mut Prompt> {
        prompt_of!(self)
    }

    /// Whether an empty text is an answer of its own: a blank value, no end, no prefix.
    pub(super) const fn takes_blank(&self) -> bool {
        matches!(
            self,
            Self::Filter(..) | Self::Editor(_) | Self::Until(..) | Self::Setting(..)
        )
    }
}
