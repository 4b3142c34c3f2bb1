//! Turns changes into keys and values, index entries and counts included.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::consent::Consent;
use crate::domain::cursor::Stream;
use crate::domain::ids::LinkId;
use crate::domain::link::{Link, Mark};
use crate::domain::record::{Batch, Change, Counts};
use crate::ports::StoreError;
use crate::store::codec::encode;
use crate::store::durable::{Durable, Staged};
use crate::store::packed::PackedLink;
use crate::store::{keys, reader};

/// Changes on their way into one atomic batch. Later changes see the earlier ones.
pub(super) struct Staging<'a> {
    durable: &'a Durable,
    staged: Staged,
    counts: Counts,
    /// Links as they are after the changes so far.
    links: BTreeMap<LinkId, Known>,
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
        for (id, known) in links {
            match known {
                Known::Link(link) => self.encoded(keys::link(id), &PackedLink::from(*link))?,
                Known::Nothing | Known::Damaged(_) => self.remove(keys::link(id)),
            }
        }
        self.counts.marks.retain(|_, count| *count > 0);
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
                let removed = u64::from(self.exists(&key)?);
                self.counts.held_activities = self.counts.held_activities.saturating_sub(removed);
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
            Change::ConfirmRestored => {
                self.remove(keys::EPOCH.to_vec());
                Ok(())
            }
        }
    }

    fn put_link(&mut self, link: Link) -> Result<(), StoreError> {
        let old = self.link(link.id)?;
        let old_keys = old.index_keys(link.id);
        let new_keys = index_keys(&link);
        for key in old_keys.difference(&new_keys) {
            self.remove(key.clone());
        }
        for key in new_keys.difference(&old_keys) {
            self.put(key.clone(), Vec::new());
        }
        self.count(&old, -1);
        let new = Known::Link(Box::new(link));
        self.count(&new, 1);
        if let Known::Link(link) = &new {
            self.links.insert(link.id, new);
        }
        Ok(())
    }

    fn remove_link(&mut self, id: LinkId) -> Result<(), StoreError> {
        let old = self.link(id)?;
        for key in old.index_keys(id) {
            self.remove(key);
        }
        self.count(&old, -1);
        self.links.insert(id, Known::Nothing);
        Ok(())
    }

    fn count(&mut self, known: &Known, step: i64) {
        if matches!(known, Known::Nothing) {
            return;
        }
        self.counts.links = self.counts.links.saturating_add_signed(step);
        for mark in known.marks() {
            let count = self.counts.marks.entry(mark).or_default();
            *count = count.saturating_add_signed(step);
        }
    }

    fn add_sent(&mut self, link: LinkId, hashes: Vec<u64>) -> Result<(), StoreError> {
        let key = keys::sent(link);
        let known = self.value(&key)?;
        let mut all: BTreeSet<u64> = match known {
            Some(bytes) => {
                reader::unless_damaged(self.durable, &bytes, "list of sent events", &key)?
                    .unwrap_or_default()
            }
            None => BTreeSet::new(),
        };
        let before = all.len();
        all.extend(hashes);
        self.counts.sent_activities += (all.len() - before) as u64;
        self.encoded(key, &all)
    }

    /// A damaged link is replaced by what is put. Its marks are known from their entries; what else
    /// points to it is passed over by whoever follows it.
    fn link(&mut self, id: LinkId) -> Result<Known, StoreError> {
        if let Some(known) = self.links.remove(&id) {
            return Ok(known);
        }
        let key = keys::link(id);
        let Some(bytes) = self.durable.get(&key)? else {
            return Ok(Known::Nothing);
        };
        let packed = reader::unless_damaged::<PackedLink>(self.durable, &bytes, "link", &key)?;
        if let Some(packed) = packed {
            return Ok(Known::Link(Box::new(Link::from(packed))));
        }
        let mut marks = Vec::new();
        for mark in Mark::ALL {
            if self.exists(&keys::mark_link(mark, id))? {
                marks.push(mark);
            }
        }
        Ok(Known::Damaged(marks))
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

/// A link as it stood before a change.
enum Known {
    Nothing,
    Link(Box<Link>),
    /// Only its marks can be told.
    Damaged(Vec<Mark>),
}

impl Known {
    fn marks(&self) -> Vec<Mark> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Link(link) => link.marks(),
            Self::Damaged(marks) => marks.clone(),
        }
    }

    fn index_keys(&self, id: LinkId) -> BTreeSet<Vec<u8>> {
        match self {
            Self::Nothing => BTreeSet::new(),
            Self::Link(link) => index_keys(link),
            Self::Damaged(marks) => marks
                .iter()
                .map(|mark| keys::mark_link(*mark, id))
                .collect(),
        }
    }
}

/// Every index entry of a link. Each ends with the link's id and needs no value.
fn index_keys(link: &Link) -> BTreeSet<Vec<u8>> {
    let mut all: BTreeSet<Vec<u8>> = link
        .match_keys
        .iter()
        .map(|key| keys::match_link(*key, link.id))
        .collect();
    all.extend(
        link.salesforce
            .as_ref()
            .map(|end| keys::salesforce_link(end.id, link.id)),
    );
    all.extend(
        link.automation
            .as_ref()
            .map(|end| keys::automation_link(link.kind, end.id, link.id)),
    );
    all.extend(
        link.marks()
            .into_iter()
            .map(|mark| keys::mark_link(mark, link.id)),
    );
    all
}
