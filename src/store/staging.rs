//! Turns changes into keys and values, index entries and counts included.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::consent::Consent;
use crate::domain::cursor::Stream;
use crate::domain::ids::LinkId;
use crate::domain::link::{Link, Mark};
use crate::domain::record::{Batch, Change, Counts, PolicyVersion};
use crate::ports::StoreError;
use crate::store::cache::{Cache, Entries, Stored, without};
use crate::store::chain::Covered;
use crate::store::codec::{CodecError, encode};
use crate::store::durable::{Durable, Staged};
use crate::store::packed::PackedLink;
use crate::store::words::Words;
use crate::store::{acts, keys, policies, reader};

/// Changes on their way into one atomic batch. Later changes see the earlier ones.
pub(super) struct Staging<'a> {
    durable: &'a Durable,
    cache: &'a Cache,
    staged: Staged,
    counts: Counts,
    /// Links as they are after the changes so far.
    links: BTreeMap<LinkId, Known>,
    entries: u32,
    covered: Covered,
    words: Words,
}

impl<'a> Staging<'a> {
    pub(super) fn new(durable: &'a Durable, cache: &'a Cache, counts: Counts) -> Self {
        Self {
            durable,
            cache,
            staged: Staged::new(),
            counts,
            links: BTreeMap::new(),
            entries: 0,
            covered: Covered::default(),
            words: cache.words(),
        }
    }

    /// Without a value it is taken out.
    pub(super) fn pair(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.staged.insert(key, value);
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.pair(key, Some(value));
    }

    pub(super) fn stage(&mut self, batch: Batch) -> Result<(), StoreError> {
        for change in batch.0 {
            self.change(change)?;
        }
        Ok(())
    }

    /// Everything to write, and what is known once it is written.
    pub(super) fn finish(mut self) -> Result<(Staged, Written), StoreError> {
        let mut written = Vec::with_capacity(self.links.len());
        for (id, known) in std::mem::take(&mut self.links) {
            let Known::Link(Stored { link, entries }) = known else {
                self.remove(keys::link(id));
                written.push((id, None));
                continue;
            };
            let packed = PackedLink::from(*link);
            self.encoded(keys::link(id), &packed)?;
            let link = Box::new(Link::from(packed));
            written.push((id, Some(Stored { link, entries })));
        }
        self.counts.marks.retain(|_, count| *count > 0);
        self.counts.commits += 1;
        let counts = self.counts.clone();
        self.encoded(keys::COUNTS.to_vec(), &counts)?;
        if let Some(bytes) = self.words.take_unstored()? {
            self.put(keys::WORDS.to_vec(), bytes);
        }
        let written = Written {
            counts,
            links: written,
            covered: self.covered,
            words: self.words,
        };
        Ok((self.staged, written))
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
                if entry.what.is_sealed() {
                    self.covered.history.push((link, self.entries));
                    self.covered.see(entry.at);
                }
                let key = keys::history_entry(link, self.counts.commits, self.entries);
                self.encoded(key, &entry)
            }
            Change::AddAct(act) => {
                self.covered.acts.insert(act.run);
                self.covered.see(act.at);
                let bytes = acts::encode(&act).map_err(not_staged)?;
                self.put(keys::act(act.run), bytes);
                Ok(())
            }
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
            Change::PutPolicy(version) => self.put_policy(&version),
            Change::PutSuspensions(all) => self.encoded(keys::SUSPENDED.to_vec(), &all),
            Change::AddUnpaired(address) => self.encoded(keys::unpaired(address), &address),
            Change::PutReview(review) => self.encoded(keys::REVIEW.to_vec(), &review),
            Change::PutPlan(plan) => self.encoded(keys::plan(plan.run), &plan),
            Change::RemoveUnpaired(address) => self.removed(keys::unpaired(address)),
            Change::RemovePlan(run) => self.removed(keys::plan(run)),
            Change::EndReview => self.removed(keys::REVIEW.to_vec()),
            Change::ConfirmRestored => self.removed(keys::EPOCH.to_vec()),
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "one arm among others that may fail"
    )]
    fn removed(&mut self, key: Vec<u8>) -> Result<(), StoreError> {
        self.remove(key);
        Ok(())
    }

    fn put_policy(&mut self, version: &PolicyVersion) -> Result<(), StoreError> {
        let bytes = policies::encode(version).map_err(not_staged)?;
        self.put(keys::policy(version.version), bytes);
        self.words.name_by(&version.policy, self.counts.links);
        Ok(())
    }

    fn put_link(&mut self, link: Link) -> Result<(), StoreError> {
        let old = self.entries(link.id)?;
        let new = Entries::of(&link, &self.words.naming);
        let known = old.as_ref();
        self.enter(known.map_or(&[], |old| &old.keys), &new.keys);
        if self.words.holds(link.id) {
            self.enter(known.map_or(&[], |old| &old.words), &new.words);
        }
        self.count(old.as_ref(), -1);
        self.count(Some(&new), 1);
        let id = link.id;
        self.links.insert(
            id,
            Known::Link(Stored {
                link: Box::new(link),
                entries: new,
            }),
        );
        Ok(())
    }

    /// Only what changes is written.
    fn enter(&mut self, old: &[Vec<u8>], new: &[Vec<u8>]) {
        for key in without(old, new) {
            self.remove(key.clone());
        }
        for key in without(new, old) {
            self.put(key.clone(), Vec::new());
        }
    }

    fn remove_link(&mut self, id: LinkId) -> Result<(), StoreError> {
        let old = self.entries(id)?;
        self.count(old.as_ref(), -1);
        if let Some(old) = old {
            self.enter(&old.keys, &[]);
            if self.words.holds(id) {
                self.enter(&old.words, &[]);
            }
        }
        self.links.insert(id, Known::Nothing);
        Ok(())
    }

    fn count(&mut self, known: Option<&Entries>, step: i64) {
        let Some(known) = known else {
            return;
        };
        self.counts.links = self.counts.links.saturating_add_signed(step);
        for mark in &known.marks {
            let count = self.counts.marks.entry(*mark).or_default();
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
        let added: Vec<u64> = hashes
            .into_iter()
            .filter(|hash| all.insert(*hash))
            .collect();
        self.counts.sent_activities += added.len() as u64;
        if !added.is_empty() {
            self.covered.sent.entry(link).or_default().extend(added);
        }
        self.encoded(key, &all)
    }

    /// The entries of a link as it stood before; nothing if there was none. A damaged link is replaced by
    /// what is put: its marks are known from their entries, and what else points to it is passed over
    /// by whoever follows it.
    fn entries(&mut self, id: LinkId) -> Result<Option<Entries>, StoreError> {
        match self.links.remove(&id) {
            Some(Known::Link(stored)) => return Ok(Some(stored.entries)),
            Some(Known::Nothing) => return Ok(None),
            None => {}
        }
        let known = self.cache.take_entries(id);
        if let Some(known) = known.filter(|known| known.named_by == self.words.naming) {
            return Ok(Some(known));
        }
        let key = keys::link(id);
        let Some(bytes) = self.durable.get(&key)? else {
            return Ok(None);
        };
        let packed = reader::unless_damaged::<PackedLink>(self.durable, &bytes, "link", &key)?;
        if let Some(packed) = packed {
            return Ok(Some(Entries::of(&Link::from(packed), &self.words.naming)));
        }
        let mut damaged = Entries::default();
        for mark in Mark::ALL {
            let key = keys::mark_link(mark, id);
            if self.exists(&key)? {
                damaged.keys.push(key);
                damaged.marks.push(mark);
            }
        }
        damaged.keys.sort_unstable();
        Ok(Some(damaged))
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
        self.pair(key, None);
    }

    fn encoded<T: serde::Serialize>(&mut self, key: Vec<u8>, value: &T) -> Result<(), StoreError> {
        let bytes = encode(value).map_err(not_staged)?;
        self.staged.insert(key, Some(bytes));
        Ok(())
    }
}

fn not_staged(source: CodecError) -> StoreError {
    StoreError::Commit {
        source: source.into(),
    }
}

/// What a batch makes of a link.
enum Known {
    Nothing,
    Link(Stored),
}

/// What is known once the batch is durable.
pub(super) struct Written {
    pub(super) counts: Counts,
    /// Links that are stored, and those that are gone.
    pub(super) links: Vec<(LinkId, Option<Stored>)>,
    /// What a seal is to cover.
    pub(super) covered: Covered,
    /// How far the index of words is.
    pub(super) words: Words,
}
