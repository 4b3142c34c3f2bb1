//! A seal as it is stored.

use serde::{Deserialize, Serialize};

use super::key::{Key, TAG_BYTES, Tag};
use crate::domain::audit::Mac;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::time::Timestamp;
use crate::store::codec::{self, CodecError};
use crate::store::keys;

/// The body as its mac was made over it, byte by byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Seal {
    pub(in crate::store) body: Vec<u8>,
    pub(in crate::store) mac: Mac,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Body {
    pub(in crate::store) sequence: u64,
    pub(in crate::store) at: Timestamp,
    /// Which key made it.
    pub(in crate::store) key: u32,
    /// The commit that it came with.
    pub(in crate::store) commit: u64,
    pub(in crate::store) notes: Vec<Note>,
    pub(in crate::store) acts: Vec<RunId>,
    /// Which line of the commit, of which link.
    pub(in crate::store) history: Vec<(LinkId, u32)>,
    /// Fingerprints of activities: these are in the seal itself, so that they need no tag.
    pub(in crate::store) sent: Vec<(LinkId, Vec<[u8; 8]>)>,
    /// Of the acts, then of the history.
    pub(in crate::store) tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) enum Note {
    /// The chain begins. The last act before it, which nothing covers.
    Begun(Option<RunId>),
    /// A backup was put back; the anchor knew so many seals.
    Restored(u64),
}

impl Body {
    /// Where the tagged entries are stored.
    pub(super) fn keys(&self) -> impl Iterator<Item = Vec<u8>> {
        let acts = self.acts.iter().map(|run| keys::act(*run));
        let history = self.history.iter();
        acts.chain(history.map(|(link, index)| keys::history_entry(*link, self.commit, *index)))
    }

    /// The value to store, and its mac.
    pub(super) fn sealed(&self, key: &Key, before: Mac) -> Result<(Vec<u8>, Mac), CodecError> {
        let body = postcard::to_extend(self, Vec::with_capacity(self.tags.len() * TAG_BYTES * 2))
            .map_err(|_| CodecError::Form)?;
        let mac = key.seal(before, self.sequence, &body);
        let value = codec::encode(&Seal { body, mac })?;
        Ok((value, mac))
    }
}

pub(in crate::store) fn read(value: &[u8]) -> Option<(Body, Seal)> {
    let seal: Seal = codec::decode(value).ok()?;
    let body = postcard::from_bytes(&seal.body).ok()?;
    Some((body, seal))
}
