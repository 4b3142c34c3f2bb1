//! Pieces of work one after the other: load the links, change them, persist, let the consequences out.
//!
//! While one piece becomes durable the next is loaded and done, if no link of the one can be among
//! those of the other: then what the store answers is the same before and after. Its own changes and
//! consequences wait until the one before is durable. So the order in which things become durable, and
//! what has to be durable before something leaves, are as if one were begun when the other has ended.

use crate::domain::command::Fact;
use crate::domain::ids::Side;
use crate::domain::operator::SessionId;
use crate::domain::record::{Batch, Change, LinkKey, LinkPage, Listing, Loaded};
use crate::domain::request::{Request, RowWrite};
use crate::domain::time::Timestamp;
use crate::engine::work::{Desk, Job, RECOVERY_PAGE_MAX, Work};
use crate::engine::{Engine, Output, keys};

/// Work that is under way with the store: at most one piece in each state.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pub(super) loading: Option<Work>,
    /// Done, while the piece before it is not durable yet.
    done: Option<Done>,
    persisting: Option<Done>,
}

/// What is to become durable, and what follows.
#[derive(Debug)]
struct Done {
    batch: Vec<Change>,
    after: After,
    /// Under which its links are found, before or after: sorted.
    keys: Vec<LinkKey>,
}

/// What leaves once the work that it belongs to is durable.
#[derive(Debug, Default)]
pub(super) struct After {
    pub(super) requests: Vec<(Job, Request)>,
    /// By side. Gathered with those of other work into full requests.
    pub(super) writes: [Vec<RowWrite>; 2],
    /// That what somebody asked for was taken in: told when it would survive a power cut, and not before.
    pub(super) accepted: Vec<(SessionId, Fact)>,
}

impl Transactions {
    pub(super) fn is_empty(&self) -> bool {
        self.loading.is_none() && self.done.is_none() && self.persisting.is_none()
    }

    /// Whether anything that is done will write to that side.
    pub(super) fn writes_to(&self, side: Side) -> bool {
        let done = self.done.iter().chain(&self.persisting);
        done.into_iter()
            .any(|done| !done.after.writes[side as usize].is_empty())
    }

    /// Whether that work may begin with what becomes durable now.
    fn may_join(&self, work: &Work, keys: &[LinkKey]) -> bool {
        let Some(persisting) = &self.persisting else {
            return true;
        };
        let is_of_links = matches!(
            work,
            Work::Rows { .. } | Work::Outcomes { .. } | Work::Pair { .. } | Work::Settle { .. }
        );
        let mut keys = keys.iter();
        is_of_links && !keys.any(|key| persisting.keys.binary_search(key).is_ok())
    }
}

impl Engine {
    /// Starts the next piece of work, if that may be.
    pub(super) fn begin_work(&mut self, now: Timestamp) -> bool {
        if self.transactions.loading.is_some() || self.transactions.done.is_some() {
            return false;
        }
        let Some(work) = self.inbox.pop_front() else {
            return false;
        };
        let keys = self.keys(&work);
        if !self.transactions.may_join(&work, &keys) {
            self.inbox.push_front(work);
            return false;
        }
        match &work {
            Work::Recover { mark, after } => {
                let listing = Listing::Marked(*mark);
                let page = LinkPage {
                    listing,
                    after: *after,
                    size_max: RECOVERY_PAGE_MAX,
                };
                self.outputs.push_back(Output::Page(page));
            }
            Work::ListReview { after } => {
                let page = LinkPage {
                    listing: Listing::All,
                    after: *after,
                    size_max: Self::review_page_max(),
                };
                self.outputs.push_back(Output::Page(page));
            }
            Work::ListHeld { after } => {
                let after = after.clone();
                self.outputs.push_back(Output::PageHeld {
                    after,
                    size_max: RECOVERY_PAGE_MAX,
                });
            }
            _ if keys.is_empty() => {
                self.perform(now, work, Loaded::default());
                return true;
            }
            _ => {
                let with_sent = matches!(
                    work,
                    Work::ActivityPage { .. } | Work::ActivitiesSent { .. } | Work::Held { .. }
                );
                self.outputs.push_back(Output::Load { keys, with_sent });
            }
        }
        self.transactions.loading = Some(work);
        true
    }

    pub(super) fn on_loaded(&mut self, now: Timestamp, loaded: Loaded) {
        if let Some(work) = self.transactions.loading.take() {
            self.perform(now, work, loaded);
        }
    }

    pub(super) fn on_persisted(&mut self) {
        if let Some(done) = self.transactions.persisting.take() {
            self.let_out(done.after);
        }
        if let Some(done) = self.transactions.done.take() {
            self.persist(done);
        }
    }

    /// What follows once the work is durable.
    fn let_out(&mut self, after: After) {
        for (session, fact) in after.accepted {
            self.answer(session, fact);
        }
        for (job, request) in after.requests {
            self.request(job, request);
        }
        for side in Side::BOTH {
            let rows = &after.writes[side as usize];
            self.side_mut(side).leaving.extend_from_slice(rows);
        }
    }

    /// Persists what changed; the requests follow when it is durable.
    pub(super) fn close(&mut self, mut desk: Desk) {
        desk.batch.extend(self.outbox.take_unsaved());
        for id in std::mem::take(&mut desk.changed) {
            if let Some(link) = desk.links.remove(&id) {
                desk.keys.extend(keys::of_link(&link));
                desk.batch.push(Change::PutLink(Box::new(link)));
            }
        }
        if !desk.batch.is_empty() {
            let calls = &self.side(Side::Salesforce).calls;
            self.tally.calls = calls.iter().copied().collect();
            desk.batch.push(Change::PutTally(self.tally.clone()));
        }
        desk.keys
            .extend(desk.batch.iter().filter_map(keys::of_address));
        desk.keys.sort_unstable();
        desk.keys.dedup();
        let done = Done {
            batch: desk.batch,
            after: desk.after,
            keys: desk.keys,
        };
        if self.transactions.persisting.is_some() {
            self.transactions.done = Some(done);
        } else {
            self.persist(done);
        }
    }

    /// Changes that concern no link.
    pub(super) fn persist_batch(&mut self, batch: Vec<Change>) {
        self.persist(Done {
            batch,
            after: After::default(),
            keys: Vec::new(),
        });
    }

    fn persist(&mut self, mut done: Done) {
        let batch = std::mem::take(&mut done.batch);
        if batch.is_empty() {
            self.let_out(done.after);
            return;
        }
        self.outputs.push_back(Output::Persist(Batch(batch)));
        self.transactions.persisting = Some(done);
    }
}
