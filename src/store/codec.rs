//! Stored values: a version, the value, a checksum. The tests hold the bytes of each form.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The one version that is written. A new form gets a new number and keeps reading the old.
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
    let mut bytes = postcard::to_extend(value, vec![VERSION]).map_err(|_| CodecError::Form)?;
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let split = bytes
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .ok_or(CodecError::Short)?;
    let (value, checksum) = bytes.split_at(split);
    if crc32fast::hash(value).to_le_bytes() != checksum {
        return Err(CodecError::Checksum);
    }
    match value.split_first() {
        Some((&VERSION, value)) => postcard::from_bytes(value).map_err(|_| CodecError::Form),
        Some((version, _)) => Err(CodecError::Version(*version)),
        None => Err(CodecError::Short),
    }
}
