//! The outbox in memory: which links have something to write, and in which order it goes.
//!
//! Before a write leaves, its record is read again (an update) or looked for (a creation); what
//! that shows goes through the same rules, and only what is still wanted is issued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::command::Queue;
use crate::domain::consent::{Consent, ConsentView};
#[cfg(test)]
use crate::domain::ids::JobId;
use crate::domain::ids::{AutomationId, Kind, LinkId, RemoteId, SalesforceObject, Side};
use crate::domain::link::{Intent, Link, MatchKey, Parked, PendingState};
use crate::domain::record::Change;
use crate::domain::request::{AutomationRequest, Request, SalesforceRequest};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::claims::Claim;
use crate::engine::sides::Purpose;
#[cfg(test)]
use crate::engine::work::Then;
use crate::engine::work::{Job, Work};

/// Records read again before a write, in one request: one Composite call reads so many.
const PRE_READ_MAX: [usize; 2] = [10_000, 1_000];

/// Links paired in one transaction.
const PAIR_MAX: usize = 400;

/// People or Accounts looked for in one request.
const FIND_MAX: usize = 2_000;

/// Links whose evidence is read in one request.
const EVIDENCE_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    sides: [SideOutbox; 2],
    /// Links with a write that failed in passing, by when it may be tried again.
    waiting: BTreeMap<Timestamp, BTreeSet<LinkId>>,
    /// Links that operators set aside until a moment.
    set_aside: BTreeMap<Timestamp, BTreeSet<LinkId>>,
    /// Addresses whose links must be compared.
    unpaired: BTreeSet<MatchKey>,
    /// Those of them that the store knows of, or will with the work at hand.
    stored: BTreeSet<MatchKey>,
    unsaved: Vec<Change>,
    /// Links whose Salesforce record names a contact as its own.
    claims: BTreeMap<LinkId, AutomationId>,
    /// Records to read again because what was seen of them was uncertain.
    rechecks: BTreeSet<RemoteId>,
    evidence: BTreeMap<LinkId, (RemoteId, RemoteId)>,
    /// Not to be written in this cycle: counted by a dry run, or held by the brake.
    held_back: BTreeSet<(LinkId, Side)>,
    /// Links whose Account must be found by name.
    accounts: BTreeMap<LinkId, String>,
    /// They wait for what this cycle may make.
    next_cycle: BTreeSet<LinkId>,
}

#[derive(Debug, Default)]
struct SideOutbox {
    opt_outs: BTreeMap<LinkId, RemoteId>,
    updates: BTreeMap<LinkId, RemoteId>,
    /// To be looked for on this side, by address or name.
    creations: BTreeMap<LinkId, (Kind, String)>,
}

impl Outbox {
    /// Brings the outbox in step with a link.
    pub(super) fn track(&mut self, link: &Link, now: Timestamp) {
        for side in &mut self.sides {
            side.opt_outs.remove(&link.id);
            side.updates.remove(&link.id);
            side.creations.remove(&link.id);
        }
        if let Some(Parked::Quarantined { until: Some(until) }) = link.parked {
            self.set_aside.entry(until).or_default().insert(link.id);
        }
        for pending in &link.pending {
            if self.held_back.contains(&(link.id, pending.side)) {
                continue;
            }
            match (pending.state, pending.write) {
                (PendingState::Planned, Intent::Create) => {
                    self.unpaired.extend(&link.match_keys);
                }
                (PendingState::Planned, Intent::Update) => {
                    let Some(id) = link.remote(pending.side) else {
                        continue;
                    };
                    let side = &mut self.sides[pending.side as usize];
                    let is_opt_out = pending.consent.is_some_and(Consent::is_out);
                    let queue = if is_opt_out {
                        &mut side.opt_outs
                    } else {
                        &mut side.updates
                    };
                    queue.insert(link.id, id);
                }
                (PendingState::Waiting(until), _) => {
                    let until = until.max(now);
                    self.waiting.entry(until).or_default().insert(link.id);
                }
                (PendingState::Issued | PendingState::Dead | PendingState::Asking, _) => {}
            }
        }
    }

    pub(super) fn look_for(&mut self, side: Side, link: &Link, text: &str) {
        let wanted = (link.kind, text.to_owned());
        self.sides[side as usize].creations.insert(link.id, wanted);
    }

    pub(super) fn claim(&mut self, link: LinkId, contact: AutomationId) {
        self.claims.insert(link, contact);
    }

    pub(super) fn has_claims(&self) -> bool {
        !self.claims.is_empty()
    }

    pub(super) fn take_claims(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.claims).into_iter().collect()
    }

    pub(super) fn recheck(&mut self, id: RemoteId) {
        self.rechecks.insert(id);
    }

    /// How many records are to be read again.
    pub(super) fn rechecks(&self) -> usize {
        self.rechecks.len()
    }

    /// The links of these addresses must be looked at together: by the next process, if not by this one.
    pub(super) fn pair_again(&mut self, keys: &[MatchKey]) {
        self.unpaired.extend(keys);
        let new = keys.iter().filter(|key| self.stored.insert(**key));
        self.unsaved
            .extend(new.map(|key| Change::AddUnpaired(*key)));
    }

    pub(super) fn paired(&mut self, keys: &[MatchKey]) {
        for key in keys {
            self.unpaired.remove(key);
            if self.stored.remove(key) {
                self.unsaved.push(Change::RemoveUnpaired(*key));
            }
        }
    }

    /// What another process left.
    pub(super) fn recover(&mut self, unpaired: Vec<MatchKey>) {
        self.stored = unpaired.into_iter().collect();
        self.unpaired.extend(&self.stored);
    }

    /// What is to be stored of it, with the change that made it so.
    pub(super) fn take_unsaved(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.unsaved)
    }

    /// The write stays planned, for another cycle.
    pub(super) fn hold_back(&mut self, side: Side, link: LinkId) {
        self.held_back.insert((link, side));
        let side = &mut self.sides[side as usize];
        side.opt_outs.remove(&link);
        side.updates.remove(&link);
        side.creations.remove(&link);
    }

    /// Answers whose writes a new cycle may send again.
    pub(super) fn release_held_back(&mut self) -> Vec<LinkId> {
        let held = std::mem::take(&mut self.held_back);
        let mut links = std::mem::take(&mut self.next_cycle);
        links.extend(held.into_iter().map(|(link, _)| link));
        links.into_iter().collect()
    }

    /// Looked at again as the next cycle begins.
    pub(super) fn put_off(&mut self, link: LinkId) {
        self.next_cycle.insert(link);
    }

    pub(super) fn ask_for_account(&mut self, link: LinkId, name: String) {
        self.accounts.insert(link, name);
    }

    /// All links that wait for one of the first names: few names may keep very many waiting.
    fn take_accounts(&mut self) -> Vec<(LinkId, String)> {
        let mut names = BTreeSet::new();
        for name in self.accounts.values() {
            if names.len() < FIND_MAX {
                names.insert(name.clone());
            }
        }
        let waiting = std::mem::take(&mut self.accounts).into_iter();
        let (asked, rest): (Vec<_>, Vec<_>) = waiting.partition(|(_, name)| names.contains(name));
        self.accounts = rest.into_iter().collect();
        asked
    }

    /// The dates of consent on both sides. The record that says the person may be mailed is read again
    /// first: what was seen of it may be from before a wait, and dates alone need not tell of an opt-out
    /// since (Salesforce dates a field only where its history is tracked).
    pub(super) fn ask_for_evidence(&mut self, link: &Link) {
        let records = (link.remote(Side::Salesforce), link.remote(Side::Automation));
        let (Some(salesforce), Some(automation)) = records else {
            return;
        };
        let is_new = self
            .evidence
            .insert(link.id, (salesforce, automation))
            .is_none();
        let is_in = |view: Option<ConsentView>| view.is_some_and(|view| !view.value.is_out());
        if is_new && is_in(link.consent.salesforce) {
            self.recheck(salesforce);
        }
        if is_new && is_in(link.consent.automation) {
            self.recheck(automation);
        }
    }

    pub(super) fn ready(&self, side: Side) -> usize {
        let side = &self.sides[side as usize];
        side.opt_outs.len() + side.updates.len() + side.creations.len()
    }

    /// As many wait for a cycle, or for whoever lets the brake go.
    pub(super) fn queued(&self, side: Side) -> usize {
        let held_back = self.held_back.iter().filter(|(_, to)| *to == side);
        self.ready(side) + held_back.count()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(BTreeSet::len).sum()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.keys().next().copied()
    }

    pub(super) fn has_rechecks(&self) -> bool {
        !self.rechecks.is_empty()
    }

    pub(super) fn has_questions(&self) -> bool {
        !self.unpaired.is_empty()
            || !self.claims.is_empty()
            || !self.rechecks.is_empty()
            || !self.evidence.is_empty()
            || !self.accounts.is_empty()
    }

    /// Links whose waiting is over: they are settled again, which plans their writes anew.
    fn take_due(&mut self, now: Timestamp) -> Vec<LinkId> {
        let mut due = BTreeSet::new();
        for waiting in [&mut self.waiting, &mut self.set_aside] {
            while let Some(entry) = waiting.first_entry()
                && *entry.key() <= now
            {
                due.extend(entry.remove());
            }
        }
        due.into_iter().collect()
    }
}

impl Engine {
    /// Asks for what must be known before writes can leave. Returns whether anything was begun.
    pub(super) fn ask_questions(&mut self, now: Timestamp) -> bool {
        let links = self.outbox.take_due(now);
        for link in &links {
            self.fresh.remove(link);
        }
        if !links.is_empty() {
            self.inbox.push_back(Work::Settle { links });
            return true;
        }
        // Whoever was left unread may be the one that somebody else is taken for.
        let may_pair = !self.is_partly_read;
        if self.review() || may_pair && self.look_at_claims() {
            return true;
        }
        let is_settled = self.inbox.is_empty() && self.transactions.is_empty();
        if !self.outbox.unpaired.is_empty() && may_pair && is_settled {
            while !self.outbox.unpaired.is_empty() {
                let keys = take_first(&mut self.outbox.unpaired, PAIR_MAX);
                self.inbox.push_back(Work::Pair { keys });
            }
            return true;
        }
        let mut begun = false;
        if !self.outbox.accounts.is_empty()
            && self.may_ask(now, Side::Salesforce, Purpose::Ordinary)
        {
            let asked = self.outbox.take_accounts();
            self.ask_accounts(asked);
            begun = true;
        }
        for side in Side::BOTH {
            if self.may_ask(now, side, Purpose::OptOut) {
                begun |= self.ask_rechecks(side) || self.ask_evidence(side);
            }
        }
        begun
    }

    /// Sends the next group of writes of a side on its way, opt-outs first.
    pub(super) fn push_side(&mut self, now: Timestamp, side: Side, purpose: Purpose) -> bool {
        if self.side(side).writes_open > 0 || !self.may_ask(now, side, purpose) {
            return false;
        }
        let is_paused = self.is_paused(Queue::to(side));
        let outbox = &mut self.outbox.sides[side as usize];
        let size_max = PRE_READ_MAX[side as usize];
        if !outbox.opt_outs.is_empty() {
            let group = pop(&mut outbox.opt_outs, size_max);
            self.pre_read(side, group);
            return true;
        }
        if purpose == Purpose::OptOut || is_paused {
            return false;
        }
        if !outbox.updates.is_empty() {
            let group = pop(&mut outbox.updates, size_max);
            self.pre_read(side, group);
            return true;
        }
        if !outbox.creations.is_empty() {
            let group = pop(&mut outbox.creations, FIND_MAX);
            self.find(side, group);
            return true;
        }
        false
    }

    /// One question at a time for each side, so that what it shows is never older than a write.
    fn may_ask(&mut self, now: Timestamp, side: Side, purpose: Purpose) -> bool {
        let is_asking = self.jobs.values().any(|job| {
            job.side() == side
                && matches!(
                    job,
                    Job::PreRead { .. }
                        | Job::FindAccounts { .. }
                        | Job::Find { .. }
                        | Job::Recheck { .. }
                        | Job::Evidence { .. }
                )
        });
        !is_asking
            && self.inbox.is_empty()
            && self.transactions.is_empty()
            && self.side(side).may_call(now)
            && self.check_budget(now, side, purpose)
    }

    fn pre_read(&mut self, side: Side, pairs: Vec<(LinkId, RemoteId)>) {
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::NoPreRead) {
            let (job, rows) = (JobId(self.next_job), Vec::new());
            let then = Then::Issue { side, pairs };
            self.queue(Work::Rows { job, rows, then });
            return;
        }
        let ids: Vec<RemoteId> = pairs.iter().map(|(_, id)| *id).collect();
        let request = self.rows_request(&ids);
        self.request(Job::PreRead { side, pairs }, request);
    }

    fn ask_rechecks(&mut self, side: Side) -> bool {
        let of_side = self.outbox.rechecks.iter().filter(|id| id.side() == side);
        let ids: Vec<RemoteId> = of_side.take(PRE_READ_MAX[side as usize]).copied().collect();
        if ids.is_empty() {
            return false;
        }
        for id in &ids {
            self.outbox.rechecks.remove(id);
        }
        let request = self.rows_request(&ids);
        self.request(Job::Recheck { side, ids }, request);
        true
    }

    /// Both sides are asked one after the other; the second answer makes the link's evidence fresh.
    fn ask_evidence(&mut self, side: Side) -> bool {
        if side == Side::Automation || self.outbox.evidence.is_empty() {
            return false;
        }
        let group = pop(&mut self.outbox.evidence, EVIDENCE_MAX);
        let links = group.iter().map(|(link, _)| *link).collect();
        let ids = group
            .iter()
            .filter_map(|(_, (salesforce, _))| match *salesforce {
                RemoteId::Salesforce(object, id) => Some((object, id)),
                RemoteId::Automation(..) => None,
            })
            .collect();
        let request = Request::Salesforce(SalesforceRequest::Evidence { ids });
        self.request(Job::Evidence { side, links }, request);
        true
    }

    fn rows_request(&self, ids: &[RemoteId]) -> Request {
        let mapping = Arc::clone(&self.mapping);
        let mut salesforce = Vec::new();
        let mut automation = Vec::new();
        for id in ids {
            match *id {
                RemoteId::Salesforce(object, id) => salesforce.push((object, id)),
                RemoteId::Automation(kind, id) => automation.push((kind, id)),
            }
        }
        if automation.is_empty() {
            Request::Salesforce(SalesforceRequest::Rows {
                mapping,
                ids: salesforce,
            })
        } else {
            Request::Automation(AutomationRequest::Rows {
                mapping,
                ids: automation,
            })
        }
    }

    fn find(&mut self, side: Side, group: Vec<(LinkId, (Kind, String))>) {
        let mapping = Arc::clone(&self.mapping);
        let links: Vec<LinkId> = group.iter().map(|(link, _)| *link).collect();
        let keys: Vec<MatchKey> = group
            .iter()
            .map(|(_, (kind, text))| MatchKey::new(*kind, text))
            .collect();
        let (people, companies): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|(_, wanted)| wanted)
            .partition(|(kind, _)| *kind == Kind::Person);
        let texts = |group: Vec<(Kind, String)>| group.into_iter().map(|(_, text)| text).collect();
        let emails = texts(people);
        let names = texts(companies);
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::CreatesWithoutLooking) {
            let (job, rows) = (JobId(self.next_job), Vec::new());
            let then = Then::Create { side, links, keys };
            self.queue(Work::Rows { job, rows, then });
            return;
        }
        let request = match side {
            Side::Salesforce => {
                let policy = &self.settings.policy;
                let people = [SalesforceObject::Lead, SalesforceObject::Contact];
                let objects = people
                    .into_iter()
                    .filter(|object| policy.syncs(*object))
                    .collect();
                let accounts = names;
                Request::Salesforce(SalesforceRequest::Find {
                    mapping,
                    objects,
                    emails,
                    accounts,
                })
            }
            Side::Automation => Request::Automation(AutomationRequest::Find {
                mapping,
                emails,
                companies: names,
            }),
        };
        self.request(Job::Find { side, links, keys }, request);
    }
}

fn pop<K: Ord + Copy, V>(queue: &mut BTreeMap<K, V>, size_max: usize) -> Vec<(K, V)> {
    let mut group = Vec::with_capacity(queue.len().min(size_max));
    while group.len() < size_max
        && let Some(entry) = queue.pop_first()
    {
        group.push(entry);
    }
    group
}

fn take_first<K: Ord + Copy>(queue: &mut BTreeSet<K>, size_max: usize) -> Vec<K> {
    let mut group = Vec::with_capacity(queue.len().min(size_max));
    while group.len() < size_max
        && let Some(entry) = queue.pop_first()
    {
        group.push(entry);
    }
    group
}
