//! Turns changes into keys and values, index entries and counts included.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::consent::Consent;
use crate::domain::cursor::Stream;
use crate::domain::ids::LinkId;
use crate::domain::link::Link;
use crate::domain::record::{Batch, Change, Counts};
use crate::ports::StoreError;
use crate::store::codec::{decode, encode};
use crate::store::durable::{Durable, Staged};
use crate::store::packed::PackedLink;
use crate::store::{keys, reader};

/// Changes on their way into one atomic batch. Later changes see the earlier ones.
pub(super) struct Staging<'a> {
    durable: &'a Durable,
    staged: Staged,
    counts: Counts,
    /// Links as they are after the changes so far.
    links: BTreeMap<LinkId, Option<Link>>,
    entries: u32,
}

impl<'a> Staging<'a> {
    pub(super) fn new(durable: &'a Durable, counts: Counts) -> Self {
        Self {
            durable,
            staged: Staged::new(),
            counts,
            links: BTreeMap::new(),
            entries: 0,
        }
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.staged.insert(key, Some(value));
    }

    pub(super) fn stage(&mut self, batch: Batch) -> Result<(), StoreError> {
        for change in batch.0 {
            self.change(change)?;
        }
        Ok(())
    }

    /// Everything to write, and the counts as they are then.
    pub(super) fn finish(mut self) -> Result<(Staged, Counts), StoreError> {
        let links = std::mem::take(&mut self.links);
        for (id, link) in links {
            match link {
                Some(link) => self.encoded(keys::link(id), &PackedLink::from(link))?,
                None => self.remove(keys::link(id)),
            }
        }
        self.counts.commits += 1;
        let counts = self.counts.clone();
        self.encoded(keys::COUNTS.to_vec(), &counts)?;
        Ok((self.staged, counts))
    }

    fn change(&mut self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::PutLink(link) => self.put_link(*link),
            Change::RemoveLink(id) => self.remove_link(id),
            Change::PutSuppression(suppression) => {
                let key = keys::suppression(suppression.address);
                if suppression.consent == Consent::In {
                    self.remove(key);
                    return Ok(());
                }
                self.encoded(key, &suppression)
            }
            Change::PutHeldActivity(held) => {
                let key = keys::held(&held.activity.reference);
                self.counts.held_activities += u64::from(!self.exists(&key)?);
                self.encoded(key, &held)
            }
            Change::RemoveHeldActivity(reference) => {
                let key = keys::held(&reference);
                self.counts.held_activities -= u64::from(self.exists(&key)?);
                self.remove(key);
                Ok(())
            }
            Change::AddSent(link, hashes) => self.add_sent(link, hashes),
            Change::AddHistory(link, entry) => {
                self.entries += 1;
                let key = keys::history_entry(link, self.counts.commits, self.entries);
                self.encoded(key, &entry)
            }
            Change::AddAct(act) => self.encoded(keys::act(act.run), &act),
            Change::PutCursor(stream, cursor) => {
                let at = Stream::ALL
                    .iter()
                    .position(|known| *known == stream)
                    .unwrap_or(0);
                self.encoded(keys::cursor(at as u8), &(stream, cursor))
            }
            Change::PutCoverage(side, coverage) => {
                self.encoded(keys::coverage(side as u8), &(side, coverage))
            }
            Change::PutTally(tally) => self.encoded(keys::TALLY.to_vec(), &tally),
            Change::PutPolicy(version) => self.encoded(keys::policy(version.version), &*version),
            Change::PutPlan(plan) => self.encoded(keys::plan(plan.run), &plan),
            Change::RemovePlan(run) => {
                self.remove(keys::plan(run));
                Ok(())
            }
        }
    }

    fn put_link(&mut self, link: Link) -> Result<(), StoreError> {
        let old = self.link(link.id)?;
        let old_keys = old.as_ref().map(index_keys).unwrap_or_default();
        let new_keys = index_keys(&link);
        for key in old_keys.difference(&new_keys) {
            // Another link may have taken the key over in this batch.
            if self.still_ours(key, link.id)? {
                self.remove(key.clone());
            }
        }
        for key in new_keys.difference(&old_keys) {
            let value = index_value(key, link.id);
            self.put(key.clone(), value);
        }
        self.count(old.as_ref(), Some(&link));
        self.links.insert(link.id, Some(link));
        Ok(())
    }

    fn remove_link(&mut self, id: LinkId) -> Result<(), StoreError> {
        let Some(old) = self.link(id)? else {
            return Ok(());
        };
        for key in index_keys(&old) {
            if self.still_ours(&key, id)? {
                self.remove(key);
            }
        }
        self.count(Some(&old), None);
        self.links.insert(id, None);
        Ok(())
    }

    fn count(&mut self, old: Option<&Link>, new: Option<&Link>) {
        self.counts.links -= u64::from(old.is_some());
        self.counts.links += u64::from(new.is_some());
        for mark in old.into_iter().flat_map(Link::marks) {
            let count = self.counts.marks.entry(mark).or_default();
            *count = count.saturating_sub(1);
        }
        for mark in new.into_iter().flat_map(Link::marks) {
            *self.counts.marks.entry(mark).or_default() += 1;
        }
    }

    fn add_sent(&mut self, link: LinkId, hashes: Vec<u64>) -> Result<(), StoreError> {
        let key = keys::sent(link);
        let known = self.value(&key)?;
        let mut all: BTreeSet<u64> = match known {
            Some(bytes) => reader::stored(&bytes, "list of sent events", &key)?,
            None => BTreeSet::new(),
        };
        let before = all.len();
        all.extend(hashes);
        self.counts.sent_activities += (all.len() - before) as u64;
        self.encoded(key, &all)
    }

    /// An index entry with one owner is only ours if it names us.
    fn still_ours(&self, key: &[u8], id: LinkId) -> Result<bool, StoreError> {
        if !matches!(key.first(), Some(b's' | b'a')) {
            return Ok(true);
        }
        Ok(self
            .value(key)?
            .is_some_and(|value| value == id.0.to_be_bytes()))
    }

    fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError> {
        if let Some(link) = self.links.get(&id) {
            return Ok(link.clone());
        }
        let key = keys::link(id);
        let Some(bytes) = self.durable.get(&key)? else {
            return Ok(None);
        };
        // A damaged link is replaced by what is put: its index entries are found again by reading.
        Ok(decode::<PackedLink>(&bytes).ok().map(Link::from))
    }

    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.staged.get(key) {
            Some(staged) => Ok(staged.clone()),
            None => self.durable.get(key),
        }
    }

    fn exists(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.value(key)?.is_some())
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.staged.insert(key, None);
    }

    fn encoded<T: serde::Serialize>(&mut self, key: Vec<u8>, value: &T) -> Result<(), StoreError> {
        let bytes = encode(value).map_err(|source| StoreError::Commit {
            source: source.into(),
        })?;
        self.staged.insert(key, Some(bytes));
        Ok(())
    }
}

/// Every index entry of a link.
fn index_keys(link: &Link) -> BTreeSet<Vec<u8>> {
    let mut all: BTreeSet<Vec<u8>> = link
        .match_keys
        .iter()
        .map(|key| keys::match_link(*key, link.id))
        .collect();
    all.extend(link.salesforce.as_ref().map(|end| keys::salesforce(end.id)));
    all.extend(
        link.automation
            .as_ref()
            .map(|end| keys::automation(link.kind, end.id)),
    );
    all.extend(
        link.marks()
            .into_iter()
            .map(|mark| keys::mark_link(mark, link.id)),
    );
    all
}

/// Entries that end with the link's id need no value.
fn index_value(key: &[u8], id: LinkId) -> Vec<u8> {
    match key.first() {
        Some(b's' | b'a') => id.0.to_be_bytes().to_vec(),
        _ => Vec::new(),
    }
}
