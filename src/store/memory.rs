//! The store's contract in memory: for the simulation, where a process is killed thousands of
//! times a second, and for a dry run that must leave nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{self, BoxFuture, FutureExt};

use crate::domain::activity::HeldActivity;
use crate::domain::audit::{Check, Stage};
use crate::domain::consent::Consent;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::link::{Link, MatchKey};
use crate::domain::record::{
    Act, Batch, Binding, Change, Counts, HistoryEntry, LinkKey, LinkPage, Listing, Loaded, Named,
    PolicyVersion, Recovered, Suppression, WordPage,
};
use crate::ports::{Store, StoreError};
use crate::store::describe;
use crate::store::words::Naming;

/// Everything that was committed.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub links: BTreeMap<LinkId, Link>,
    index: BTreeSet<(LinkKey, LinkId)>,
    pub suppressions: BTreeMap<MatchKey, Suppression>,
    pub held: BTreeMap<String, HeldActivity>,
    pub sent: BTreeMap<LinkId, BTreeSet<u64>>,
    pub history: BTreeMap<LinkId, Vec<HistoryEntry>>,
    pub acts: Vec<Act>,
    pub policies: Vec<PolicyVersion>,
    pub recovered: Recovered,
}

impl Kept {
    pub fn apply(&mut self, batch: Batch) {
        for change in batch.0 {
            self.change(change);
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::PutLink(link) => {
                self.remove_link(link.id);
                self.index
                    .extend(keys(&link).into_iter().map(|key| (key, link.id)));
                self.links.insert(link.id, *link);
            }
            Change::RemoveLink(id) => self.remove_link(id),
            Change::PutSuppression(suppression) if suppression.consent == Consent::In => {
                self.suppressions.remove(&suppression.address);
            }
            Change::PutSuppression(suppression) => {
                self.suppressions.insert(suppression.address, suppression);
            }
            Change::PutHeldActivity(held) => {
                self.held.insert(held.activity.reference.clone(), held);
            }
            Change::RemoveHeldActivity(reference) => {
                self.held.remove(&reference);
            }
            Change::AddSent(link, hashes) => self.sent.entry(link).or_default().extend(hashes),
            Change::AddHistory(link, entry) => self.history.entry(link).or_default().push(entry),
            Change::AddAct(act) => self.acts.push(act),
            Change::PutCursor(stream, cursor) => {
                self.recovered.cursors.insert(stream, cursor);
            }
            Change::PutCoverage(side, coverage) => {
                self.recovered.coverage.insert(side, coverage);
            }
            Change::PutTally(tally) => self.recovered.tally = tally,
            Change::PutPolicy(version) => {
                self.recovered.policy = Some((*version).clone());
                self.policies.push(*version);
            }
            Change::PutSuspensions(all) => self.recovered.suspended = all,
            Change::AddUnpaired(address) => {
                let waiting = &mut self.recovered.unpaired;
                if let Err(index) = waiting.binary_search(&address) {
                    waiting.insert(index, address);
                }
            }
            Change::RemoveUnpaired(address) => {
                self.recovered.unpaired.retain(|other| *other != address);
            }
            Change::PutReview(review) => self.recovered.review = Some(review),
            Change::EndReview => self.recovered.review = None,
            Change::PutPlan(plan) => {
                self.recovered.plans.retain(|old| old.run != plan.run);
                self.recovered.plans.push(plan);
                self.recovered.plans.sort_by_key(|plan| plan.run);
            }
            Change::ConfirmRestored => self.recovered.is_restored = false,
            Change::RemovePlan(run) => self.recovered.plans.retain(|plan| plan.run != run),
        }
    }

    fn remove_link(&mut self, id: LinkId) {
        if let Some(old) = self.links.remove(&id) {
            for key in keys(&old) {
                self.index.remove(&(key, id));
            }
        }
    }

    pub fn recover(&self) -> Recovered {
        let mut counts = Counts {
            links: self.links.len() as u64,
            held_activities: self.held.len() as u64,
            sent_activities: self.sent.values().map(|sent| sent.len() as u64).sum(),
            ..Counts::default()
        };
        for mark in self.links.values().flat_map(Link::marks) {
            *counts.marks.entry(mark).or_default() += 1;
        }
        Recovered {
            counts,
            ..self.recovered.clone()
        }
    }

    pub fn load(&self, wanted: &[LinkKey], with_sent: bool) -> Loaded {
        let mut found = BTreeSet::new();
        let mut loaded = Loaded::default();
        for key in wanted {
            if let LinkKey::Id(id) = key {
                found.insert(*id);
            }
            if let LinkKey::Match(address) = key {
                loaded.suppressions.extend(self.suppressions.get(address));
            }
            let matching = self
                .index
                .range((*key, LinkId(0))..=(*key, LinkId(u64::MAX)));
            found.extend(matching.map(|(_, id)| *id));
        }
        for id in found {
            loaded.links.extend(self.links.get(&id).cloned());
            if let (true, Some(sent)) = (with_sent, self.sent.get(&id)) {
                loaded.sent.insert(id, sent.iter().copied().collect());
            }
        }
        loaded
    }

    pub fn page(&self, page: LinkPage) -> Vec<Link> {
        let after = page.after.map_or(0, |id| id.0 + 1);
        let listed = |link: &&Link| match page.listing {
            Listing::All => true,
            Listing::Marked(mark) => link.marks().contains(&mark),
        };
        let links = self.links.range(LinkId(after)..).map(|(_, link)| link);
        links.filter(listed).take(page.size_max).cloned().collect()
    }

    pub fn named(&self, page: &WordPage) -> Named {
        let policy = self.recovered.policy.as_ref();
        let naming = policy.map_or_else(Naming::default, |version| Naming::of(&version.policy));
        let after = page.after.map_or(0, |id| id.0 + 1);
        let links = self.links.range(LinkId(after)..).map(|(_, link)| link);
        let found =
            links.filter(|link| !page.words.is_empty() && naming.answers(link, &page.words));
        let links: Vec<Link> = found.take(page.size_max).cloned().collect();
        let is_full = links.len() == page.size_max;
        Named {
            after: links.last().map(|link| link.id).filter(|_| is_full),
            links,
        }
    }

    /// What an index of words would hold.
    #[cfg(test)]
    pub(super) fn word_entries(&self) -> Vec<(String, u64)> {
        let policy = self.recovered.policy.as_ref();
        let naming = policy.map_or_else(Naming::default, |version| Naming::of(&version.policy));
        let links = self.links.values();
        let entries = links.flat_map(|link| {
            let words = naming.words(link).into_iter();
            words.map(|word| (word, link.id.0))
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries
    }

    pub fn held_page(&self, after: Option<String>, max: usize) -> Vec<HeldActivity> {
        let rest = self
            .held
            .iter()
            .filter(|(key, _)| after.as_ref().is_none_or(|a| *key > a));
        rest.take(max).map(|(_, held)| held.clone()).collect()
    }
}

/// The keys under which a link is found.
fn keys(link: &Link) -> Vec<LinkKey> {
    let mut keys: Vec<LinkKey> = link
        .match_keys
        .iter()
        .copied()
        .map(LinkKey::Match)
        .collect();
    keys.extend(
        link.salesforce
            .as_ref()
            .map(|end| LinkKey::Salesforce(end.id)),
    );
    keys.extend(
        link.automation
            .as_ref()
            .map(|end| LinkKey::Automation(link.kind, end.id)),
    );
    keys
}

#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

impl MemoryStore {
    pub fn new(kept: Kept) -> Self {
        Self(Mutex::new(kept))
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whatever a panicking holder left is complete: every change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept().apply(batch);
        future::ready(Ok(())).boxed()
    }

    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>> {
        future::ready(Ok(self.kept().recover())).boxed()
    }

    fn bind(&self, binding: Binding) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut kept = self.kept();
        let answer = match &kept.recovered.binding {
            Some(known) if *known != binding => Err(StoreError::Foreign {
                path: "in memory".into(),
                owner: describe(known),
                asked: describe(&binding),
            }),
            _ => Ok(()),
        };
        if answer.is_ok() {
            kept.recovered.binding = Some(binding);
        }
        drop(kept);
        future::ready(answer).boxed()
    }

    fn load(
        &self,
        keys: Vec<LinkKey>,
        with_sent: bool,
    ) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        future::ready(Ok(self.kept().load(&keys, with_sent))).boxed()
    }

    fn links(&self, page: LinkPage) -> BoxFuture<'_, Result<Vec<Link>, StoreError>> {
        future::ready(Ok(self.kept().page(page))).boxed()
    }

    fn named(&self, page: WordPage) -> BoxFuture<'_, Result<Named, StoreError>> {
        future::ready(Ok(self.kept().named(&page))).boxed()
    }

    fn history(
        &self,
        link: LinkId,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryEntry>, StoreError>> {
        let kept = self.kept();
        let entries = kept.history.get(&link).map_or(&[][..], Vec::as_slice);
        let newest = entries.iter().rev().take(max).cloned().collect();
        drop(kept);
        future::ready(Ok(newest)).boxed()
    }

    fn held_activities(
        &self,
        after: Option<String>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HeldActivity>, StoreError>> {
        future::ready(Ok(self.kept().held_page(after, max))).boxed()
    }

    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>> {
        future::ready(Ok(self
            .kept()
            .acts
            .iter()
            .rev()
            .take(max)
            .cloned()
            .collect()))
        .boxed()
    }

    fn acts_before(&self, run: RunId, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>> {
        let kept = self.kept();
        let older = kept.acts.iter().rev().filter(|act| act.run < run);
        let page = older.take(max).cloned().collect();
        drop(kept);
        future::ready(Ok(page)).boxed()
    }

    /// Nobody but us can reach into this process: there is nothing to find.
    fn check_audit(&self, mut check: Check) -> BoxFuture<'_, Result<Check, StoreError>> {
        check.stage = Stage::Over;
        check.verdict.entries = self.kept().acts.len() as u64;
        check.verdict.is_over = true;
        future::ready(Ok(check)).boxed()
    }

    fn policies(&self, max: usize) -> BoxFuture<'_, Result<Vec<PolicyVersion>, StoreError>> {
        future::ready(Ok(self
            .kept()
            .policies
            .iter()
            .rev()
            .take(max)
            .cloned()
            .collect()))
        .boxed()
    }
}
