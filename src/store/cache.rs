//! What is known of links without reading them: those just written, and the index entries of those
//! just read. Only ever what the store holds: whatever a commit touches is forgotten before it is
//! applied, and known anew once it is durable.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::LinkId;
use crate::domain::link::{Link, Mark};
use crate::store::keys;
use crate::store::words::{Naming, Words};

/// Links take a few kilobytes each. A side is written in portions of a thousand: those that were
/// issued come back with their outcomes.
const LINKS_MAX: usize = 1_024;

/// Entries are short. All links of a piece of work, and of the next ones.
const ENTRIES_MAX: usize = 4_096;

/// The index entries of a link, in order, and its marks, which are among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entries {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) marks: Vec<Mark>,
    /// Those of the index of words, if it holds the link, and which fields they were made of.
    pub(super) words: Vec<Vec<u8>>,
    pub(super) named_by: Arc<Naming>,
}

impl Entries {
    /// Each ends with the link's id and needs no value.
    pub(super) fn of(link: &Link, naming: &Arc<Naming>) -> Self {
        let marks = link.marks();
        let mut keys = Vec::with_capacity(link.match_keys.len() + 2 + marks.len());
        keys.extend(
            link.match_keys
                .iter()
                .map(|key| keys::match_link(*key, link.id)),
        );
        let salesforce = link.salesforce.as_ref();
        keys.extend(salesforce.map(|end| keys::salesforce_link(end.id, link.id)));
        let automation = link.automation.as_ref();
        keys.extend(automation.map(|end| keys::automation_link(link.kind, end.id, link.id)));
        keys.extend(marks.iter().map(|mark| keys::mark_link(*mark, link.id)));
        keys.sort_unstable();
        keys.dedup();
        Self {
            keys,
            marks,
            words: naming.entries(link),
            named_by: Arc::clone(naming),
        }
    }
}

/// Those of some sorted keys that others lack.
pub(super) fn without<'a>(
    keys: &'a [Vec<u8>],
    others: &'a [Vec<u8>],
) -> impl Iterator<Item = &'a Vec<u8>> {
    let lacks = |key: &&Vec<u8>| others.binary_search(key).is_err();
    keys.iter().filter(lacks)
}

/// A link as it is stored.
pub(super) struct Stored {
    pub(super) link: Box<Link>,
    pub(super) entries: Entries,
}

pub(super) struct Cache {
    known: Mutex<Known>,
    words: Mutex<Words>,
}

#[derive(Default)]
struct Known {
    links: Recent<Box<Link>>,
    entries: Recent<Entries>,
    /// What changed since each of those who read began: they may have read what is no longer there.
    readers: BTreeMap<u64, HashSet<LinkId>>,
    next_reader: u64,
}

/// Somebody who reads, from before the first look to the end.
pub(super) struct Reading<'a> {
    cache: &'a Cache,
    number: u64,
}

impl Reading<'_> {
    /// The entries of the links that were read; of what changed meanwhile nothing is kept.
    pub(super) fn note(self, read: Vec<(LinkId, Entries)>) {
        let mut known = self.cache.known();
        let changed = known.readers.remove(&self.number).unwrap_or_default();
        for (id, entries) in read {
            if !changed.contains(&id) {
                known.entries.put(id, entries, ENTRIES_MAX);
            }
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.cache.known().readers.remove(&self.number);
    }
}

impl Known {
    fn forget(&mut self, id: LinkId) {
        self.links.take(id);
        self.entries.take(id);
        for changed in self.readers.values_mut() {
            changed.insert(id);
        }
    }
}

impl Cache {
    pub(super) fn new(words: Words) -> Self {
        Self {
            known: Mutex::default(),
            words: Mutex::new(words),
        }
    }

    /// The index of words as the last commit left it.
    pub(super) fn words(&self) -> Words {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.clone()
    }

    pub(super) fn note_words(&self, words: Words) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    pub(super) fn begin_read(&self) -> Reading<'_> {
        let mut known = self.known();
        let number = known.next_reader;
        known.next_reader += 1;
        known.readers.insert(number, HashSet::new());
        Reading {
            cache: self,
            number,
        }
    }

    /// The link, if it is known. It is not kept: whoever loads a link mostly writes it next.
    pub(super) fn take(&self, id: LinkId) -> Option<Box<Link>> {
        self.known().links.take(id)
    }

    pub(super) fn take_entries(&self, id: LinkId) -> Option<Entries> {
        self.known().entries.take(id)
    }

    /// These links are about to change.
    pub(super) fn forget(&self, ids: impl Iterator<Item = LinkId>) {
        let mut known = self.known();
        for id in ids {
            known.forget(id);
        }
    }

    /// These links are stored; those of which there is nothing are gone.
    pub(super) fn note_written(&self, written: Vec<(LinkId, Option<Stored>)>) {
        let mut known = self.known();
        for (id, stored) in written {
            // Whoever began to read after the first time may have noted what was before.
            known.forget(id);
            if let Some(Stored { link, entries }) = stored {
                known.links.put(id, link, LINKS_MAX);
                known.entries.put(id, entries, ENTRIES_MAX);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values by link. When there are too many, the half that was put first goes.
struct Recent<V> {
    new: HashMap<LinkId, V>,
    old: HashMap<LinkId, V>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self {
            new: HashMap::new(),
            old: HashMap::new(),
        }
    }
}

impl<V> Recent<V> {
    fn take(&mut self, id: LinkId) -> Option<V> {
        let new = self.new.remove(&id);
        let old = self.old.remove(&id);
        new.or(old)
    }

    fn put(&mut self, id: LinkId, value: V, size_max: usize) {
        if self.new.len() >= size_max / 2 {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(id, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Kind;

    fn stored(id: u64) -> (LinkId, Option<Stored>) {
        let link = Box::new(Link::new(LinkId(id), Kind::Person));
        let entries = Entries::of(&link, &Arc::default());
        (LinkId(id), Some(Stored { link, entries }))
    }

    fn entry(name: &str) -> Entries {
        Entries {
            keys: vec![name.into()],
            ..Entries::default()
        }
    }

    #[test]
    fn what_was_read_before_or_during_a_commit_is_not_kept_after_it() {
        let cache = Cache::new(Words::default());
        let before = cache.begin_read();
        cache.forget([LinkId(1)].into_iter());
        let (during, late) = (cache.begin_read(), cache.begin_read());
        before.note(vec![
            (LinkId(1), entry("before")),
            (LinkId(2), entry("another")),
        ]);
        assert_eq!(cache.take_entries(LinkId(1)), None);
        assert_eq!(cache.take_entries(LinkId(2)), Some(entry("another")));
        during.note(vec![(LinkId(1), entry("during"))]);
        cache.note_written(vec![stored(1)]);
        late.note(vec![(LinkId(1), entry("late"))]);
        let (_, known) = stored(1);
        let known = known.map(|stored| stored.entries);
        assert_eq!(cache.take_entries(LinkId(1)), known);
    }

    #[test]
    fn a_link_that_is_removed_is_not_known_any_more() {
        let cache = Cache::new(Words::default());
        cache.note_written(vec![stored(1)]);
        cache.forget([LinkId(1)].into_iter());
        cache.note_written(vec![(LinkId(1), None)]);
        assert!(cache.take(LinkId(1)).is_none() && cache.take_entries(LinkId(1)).is_none());
    }

    #[test]
    fn whoever_reads_no_more_is_forgotten() {
        let cache = Cache::new(Words::default());
        drop(cache.begin_read());
        assert!(cache.known().readers.is_empty());
    }

    #[test]
    fn only_so_many_are_kept_and_the_last_ones_among_them() {
        let cache = Cache::new(Words::default());
        let all = 0..3 * LINKS_MAX as u64;
        cache.note_written(all.clone().map(stored).collect());
        let kept = all.clone().filter(|id| cache.take(LinkId(*id)).is_some());
        let kept: Vec<u64> = kept.collect();
        assert!(kept.len() <= LINKS_MAX && kept.len() >= LINKS_MAX / 2);
        assert_eq!(kept.last(), all.last().as_ref());
    }
}
