//! The incident bundle: what somebody else needs to see what is wrong, without anybody's name in it.
//! One JSON document in parts, compressed, in a file that only its owner may read.

mod contact;
mod desk;
mod file;
mod gather;
mod screens;
mod settings;
mod veil;

use serde_json::{Map, Value as Json};

use crate::domain::time::Timestamp;

pub(super) use desk::Exhibit;
pub(super) use file::{file_name, parse, read, write};
pub(super) use gather::{Sources, gather, without_store};
pub(super) use screens::Screens;
pub(super) use settings::settings;

/// Of the whole document before it is compressed: what fits into an e-mail afterwards.
const BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// What says that a document is a bundle. Those of the first form have no screens.
const FORMAT: &str = "passerelle-bundle-2";
const FIRST_FORMAT: &str = "passerelle-bundle-1";

/// The end of 2100: a later moment is no bundle's.
const MADE_MAX: Timestamp = Timestamp(4_133_980_799_000);

/// The parts in their order, each with its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bundle(pub(super) Map<String, Json>);

impl Bundle {
    /// Every part with the bytes that it takes.
    pub(super) fn sizes(&self) -> Vec<(&str, usize)> {
        let parts = self.0.iter();
        parts
            .map(|(name, part)| (name.as_str(), part.to_string().len()))
            .collect()
    }

    /// What the console can show of it, or what is wrong with that in one sentence.
    pub(super) fn screens(&self) -> Result<Screens, String> {
        match self.0.get("screens") {
            Some(part) => Screens::read(part),
            None => Ok(Screens::of_old(&self.0)),
        }
    }

    /// When it was made.
    pub(super) fn made(&self) -> Option<Timestamp> {
        let made = self.0.get("about")?["made"].as_str()?;
        let made: jiff::Timestamp = made.parse().ok()?;
        let made = Timestamp(made.as_millisecond());
        (Timestamp::ZERO..=MADE_MAX).contains(&made).then_some(made)
    }

    /// What a part says under that name, if it is a text.
    pub(super) fn text(&self, part: &str, name: &str) -> &str {
        let text = self.0.get(part).and_then(|part| part[name].as_str());
        text.unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        Json::Object(self.0.clone()).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests;
