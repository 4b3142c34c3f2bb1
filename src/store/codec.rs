//! Stored values: a version, the value, a checksum. The tests hold the bytes of each form.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of most forms. A new form gets a new number and keeps reading the old: see `acts.rs`.
const VERSION: u8 = 1;

const CHECKSUM_BYTES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodecError {
    #[error("too short")]
    Short,
    #[error("its checksum does not fit")]
    Checksum,
    #[error("of format {0}, which this version does not know")]
    Version(u8),
    #[error("not of the expected form")]
    Form,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    encode_as(VERSION, value)
}

/// For what has had more than one form.
pub(super) fn encode_as<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = postcard::to_extend(value, vec![version]).map_err(|_| CodecError::Form)?;
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match opened(bytes)? {
        (VERSION, value) => form(value),
        (version, _) => Err(CodecError::Version(version)),
    }
}

pub(super) fn form<T: DeserializeOwned>(value: &[u8]) -> Result<T, CodecError> {
    postcard::from_bytes(value).map_err(|_| CodecError::Form)
}

/// The version and the value, if the checksum fits.
pub(super) fn opened(bytes: &[u8]) -> Result<(u8, &[u8]), CodecError> {
    let split = bytes
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .ok_or(CodecError::Short)?;
    let (value, checksum) = bytes.split_at(split);
    if crc32fast::hash(value).to_le_bytes() != checksum {
        return Err(CodecError::Checksum);
    }
    let (version, value) = value.split_first().ok_or(CodecError::Short)?;
    Ok((*version, value))
}
