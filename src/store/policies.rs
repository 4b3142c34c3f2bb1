//! The stored forms of a configuration. The first one had no timetable of its own; it is still read.

use serde::Deserialize;

use crate::domain::mapping::Policy;
use crate::domain::record::PolicyVersion;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;
use crate::store::codec::{self, CodecError};
use crate::store::durable::Durable;
use crate::store::{keys, reader};

const VERSION: u8 = 2;

#[derive(Deserialize)]
struct First {
    version: u32,
    at: Timestamp,
    author: String,
    policy: Policy,
}

impl From<First> for PolicyVersion {
    fn from(first: First) -> Self {
        Self {
            version: first.version,
            at: first.at,
            author: first.author,
            policy: first.policy,
            timetable: None,
        }
    }
}

pub(super) fn encode(version: &PolicyVersion) -> Result<Vec<u8>, CodecError> {
    codec::encode_as(VERSION, version)
}

pub(super) fn decode(bytes: &[u8]) -> Result<PolicyVersion, CodecError> {
    match codec::opened(bytes)? {
        (1, value) => codec::form::<First>(value).map(PolicyVersion::from),
        (VERSION, value) => codec::form(value),
        (version, _) => Err(CodecError::Version(version)),
    }
}

/// The one in force. If it is damaged, that is an error: an older one must not take its place.
pub(super) fn last(durable: &Durable) -> Result<Option<PolicyVersion>, StoreError> {
    let found = reader::backwards(durable, keys::POLICY, 1, |key, value| {
        reader::read(decode(value), "policy", key).map(Some)
    })?;
    Ok(found.into_iter().next())
}

/// The newest first. Damaged ones are passed over.
pub(super) fn newest(durable: &Durable, max: usize) -> Result<Vec<PolicyVersion>, StoreError> {
    reader::backwards(durable, keys::POLICY, max, |key, value| {
        reader::passed_over(durable, reader::read(decode(value), "policy", key))
    })
}
