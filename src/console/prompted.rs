//! Which overlays ask for a line.

use super::model::{Overlay, Prompt};

impl Overlay {
    /// The line that is asked for, if it asks for one.
    pub(super) const fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Filter(prompt)
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
    }

    /// Whether an empty text is an answer of its own: a blank value, no end, no prefix.
    pub(super) const fn takes_blank(&self) -> bool {
        matches!(self, Self::Editor(_) | Self::Until(..) | Self::Setting(..))
    }

    pub(super) const fn prompt_mut(&mut self) -> Option<&mut Prompt> {
        match self {
            Self::Filter(prompt)
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
    }
}
