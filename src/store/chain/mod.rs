//! The audit's chain of seals: nobody without its key can change, drop, add or reorder what was
//! sealed, nor cut its end off beyond what the anchor saw, without being found out.
//!
//! Each commit that holds acts or lines of history about external writes gets one seal, in the same
//! atomic batch: its number, the commit, whom and what it covers, a keyed tag of each entry's stored
//! bytes, and a mac over all this and the mac of the seal before.
//!
//! The key and the anchor are files outside the store. With the store's files alone nothing can be
//! forged. Whoever has the key too, root above all, can write the chain and the anchor anew: that
//! shows only against a head that left the machine, in the system's log or on paper.
//!
//! Nothing takes sealed entries away today. Whatever will is to add a seal that says up to which
//! commit; the tags stay, so that the chain can be checked without what they are of.

mod anchor;
mod key;
mod seal;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::domain::audit::{Head, Mac};
use crate::domain::ids::{LinkId, RunId};
use crate::domain::time::Timestamp;
use crate::ports::StoreError;
use crate::store::codec::CodecError;
use crate::store::durable::{Durable, Staged};
use crate::store::{folder, keys};
use anchor::Anchor;
pub(super) use anchor::Telling;
use key::Keyring;
pub(super) use key::{KEY_BYTES, bytes, hex};
pub(super) use verify::step;

pub(super) use seal::{Body, Note};
#[cfg(test)]
pub(super) use {anchor::FILE as ANCHOR, key::FILE as KEY, seal::Seal, seal::read};

/// Inside the data folder, or its ending beside it.
const FOLDER: &str = "audit";

/// Where the key and the anchor of a data folder are. Beside it, so that whoever puts an older copy
/// of the folder back does not put the anchor back with it; inside where nothing of ours can be
/// made there, or where they are inside already.
pub(super) fn beside(data: &Path) -> PathBuf {
    let inside = data.join(FOLDER);
    let Some(name) = data.file_name().filter(|_| !inside.exists()) else {
        return inside;
    };
    let mut name = name.to_owned();
    name.push(".");
    name.push(FOLDER);
    let beside = data.with_file_name(name);
    let is_made = folder::make_private_folder(&beside).is_ok();
    if is_made && folder::is_ours(&beside) {
        beside
    } else {
        inside
    }
}

/// The same where the data folder comes and goes as a whole: a test's, a practice's.
pub(super) fn inside(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// What a commit holds that a seal is to cover.
#[derive(Debug, Default)]
pub(super) struct Covered {
    pub(super) acts: BTreeSet<RunId>,
    /// By the order in which they were added.
    pub(super) history: Vec<(LinkId, u32)>,
    pub(super) sent: BTreeMap<LinkId, Vec<u64>>,
    /// The latest moment that any of it tells.
    pub(super) at: Option<Timestamp>,
}

impl Covered {
    pub(super) fn see(&mut self, at: Timestamp) {
        self.at = self.at.max(Some(at));
    }

    fn is_empty(&self) -> bool {
        self.acts.is_empty() && self.history.is_empty() && self.sent.is_empty()
    }
}

/// The end of the chain, which the next seal is added to.
pub(super) struct Chain {
    keyring: Keyring,
    anchor: Anchor,
    head: Option<Head>,
    /// For the next seal to tell.
    notes: Vec<Note>,
    is_restored: bool,
}

impl Chain {
    pub(super) fn open(
        durable: &Durable,
        folder: &Path,
        telling: Telling,
    ) -> Result<Self, StoreError> {
        let failed = |source: io::Error| folder::not_opened(folder, source.into());
        let head = head(durable)?;
        folder::make_private_folder(folder).map_err(failed)?;
        let keyring = Keyring::open(folder).map_err(failed)?;
        let is_restored = durable.get(keys::RESTORED)?.is_some();
        let mut notes = Vec::new();
        if head.is_none() {
            notes.push(Note::Begun(last_act(durable)?));
        }
        let anchor = Anchor::open(folder, &keyring, head, is_restored, telling);
        let anchor = anchor.map_err(failed)?;
        if is_restored {
            notes.push(Note::Restored(anchor.known()));
        }
        Ok(Self {
            keyring,
            anchor,
            head,
            notes,
            is_restored,
        })
    }

    /// Adds a seal over what the commit holds, if there is anything to cover.
    pub(super) fn seal(
        &self,
        staged: &mut Staged,
        covered: &Covered,
        commit: u64,
    ) -> Result<Option<Head>, StoreError> {
        if covered.is_empty() {
            return Ok(None);
        }
        let not_sealed = |source: CodecError| StoreError::Commit {
            source: source.into(),
        };
        let (sequence, before, at) = self.head.map_or((0, Mac::ZERO, Timestamp::ZERO), |head| {
            (head.sequence, head.mac, head.at)
        });
        let key = self.keyring.newest();
        let mut body = Body {
            sequence: sequence + 1,
            at: covered.at.unwrap_or(at),
            key: key.id(),
            commit,
            notes: self.notes.clone(),
            acts: covered.acts.iter().copied().collect(),
            history: covered.history.clone(),
            sent: covered
                .sent
                .iter()
                .map(|(link, hashes)| {
                    let hashes = hashes.iter().map(|hash| hash.to_le_bytes());
                    (*link, hashes.collect())
                })
                .collect(),
            tags: Vec::new(),
        };
        body.tags = body
            .keys()
            .map(|entry| {
                let value = staged.get(&entry).and_then(Option::as_deref);
                key.tag(&entry, value.unwrap_or_default())
            })
            .collect();
        let (value, mac) = body.sealed(key, before).map_err(not_sealed)?;
        staged.insert(keys::seal(body.sequence), Some(value));
        if self.is_restored {
            staged.insert(keys::RESTORED.to_vec(), None);
        }
        Ok(Some(Head {
            sequence: body.sequence,
            at: body.at,
            mac,
        }))
    }

    /// The commit with that seal is durable.
    pub(super) fn sealed(&mut self, head: Head, covered: &Covered) {
        self.head = Some(head);
        self.notes.clear();
        self.is_restored = false;
        if covered.acts.is_empty() {
            self.anchor.follow(&self.keyring, head);
        } else {
            // Few, and what most is to be proved of.
            self.anchor.hold(&self.keyring, head);
        }
    }

    /// The store is closed: nothing after this is lost by waiting for more.
    pub(super) fn close(&mut self) {
        if let Some(head) = self.head {
            self.anchor.hold(&self.keyring, head);
        }
    }
}

/// The last seal, as it says itself. Of one that cannot be read its place is known.
fn head(durable: &Durable) -> Result<Option<Head>, StoreError> {
    let mut head = None;
    durable.scan_back(keys::SEAL, None, |key, value| {
        let read = seal::read(value);
        head = Some(Head {
            sequence: keys::trailing_number(key).unwrap_or_default(),
            at: read.as_ref().map_or(Timestamp::ZERO, |(body, _)| body.at),
            mac: read.map_or(Mac::ZERO, |(_, seal)| seal.mac),
        });
        false
    })?;
    Ok(head)
}

fn last_act(durable: &Durable) -> Result<Option<RunId>, StoreError> {
    let mut last = None;
    durable.scan_back(keys::ACT, None, |key, _| {
        last = keys::trailing_number(key).map(RunId);
        false
    })?;
    Ok(last)
}
