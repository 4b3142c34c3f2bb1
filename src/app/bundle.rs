//! The incident bundle: what somebody else needs to see what is wrong, without anybody's name in it.
//! One JSON document in parts, compressed, in a file that only its owner may read.

mod contact;
mod file;
mod gather;
mod settings;

use serde_json::{Map, Value as Json};

pub(super) use file::{file_name, parse, read, write};
pub(super) use gather::{Sources, gather, without_store};
pub(super) use settings::settings;

/// Of the whole document before it is compressed: what fits into an e-mail afterwards.
const BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// What says that a document is a bundle.
const FORMAT: &str = "passerelle-bundle-1";

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

    pub(super) fn bytes(&self) -> Vec<u8> {
        Json::Object(self.0.clone()).to_string().into_bytes()
    }
}
