//! The stored forms of an act. The first one told neither where the operator sat nor whom several
//! links were; it is still read.

use serde::Deserialize;

use crate::domain::ids::{LinkId, RunId};
use crate::domain::record::{Act, UndoStep};
use crate::domain::time::Timestamp;
use crate::ports::StoreError;
use crate::store::codec::{self, CodecError};
use crate::store::durable::Durable;
use crate::store::{keys, reader};

const VERSION: u8 = 2;

#[derive(Deserialize)]
struct First {
    run: RunId,
    at: Timestamp,
    operator: String,
    act: String,
    object: String,
    reason: String,
    undo: Vec<UndoStep>,
}

impl From<First> for Act {
    fn from(first: First) -> Self {
        let mut act = Self {
            run: first.run,
            at: first.at,
            operator: first.operator,
            from: String::new(),
            act: first.act,
            object: first.object,
            links: Vec::new(),
            reason: first.reason,
            undo: first.undo,
        };
        let mut links: Vec<LinkId> = act.undo.iter().map(|step| step.link).collect();
        links.extend(act.link());
        links.sort_unstable();
        links.dedup();
        act.links = links;
        act
    }
}

pub(super) fn encode(act: &Act) -> Result<Vec<u8>, CodecError> {
    codec::encode_as(VERSION, act)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Act, CodecError> {
    match codec::opened(bytes)? {
        (1, value) => codec::form::<First>(value).map(Act::from),
        (VERSION, value) => codec::form(value),
        (version, _) => Err(CodecError::Version(version)),
    }
}

/// The last acts, last first; before that one if it is given. Damaged ones are passed over.
pub(super) fn newest(
    durable: &Durable,
    before: Option<RunId>,
    max: usize,
) -> Result<Vec<Act>, StoreError> {
    let mut acts = Vec::new();
    let mut read = Ok(());
    let before = before.map(keys::act);
    durable.scan_back(keys::ACT, before.as_deref(), |key, value| {
        if acts.len() >= max {
            return false;
        }
        let act = reader::read(decode(value), "act", key);
        read = reader::passed_over(durable, act).map(|act| acts.extend(act));
        read.is_ok()
    })?;
    read.map(|()| acts)
}
