//! What a piece of work is, and how its links are changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::activity::{Activity, HeldActivity};
use crate::domain::command::Instruction;
use crate::domain::consent::{Consent, Dated, Evidence, Proof, Reason};
use crate::domain::cursor::{Cursor, Position, Stream};
use crate::domain::ids::{JobId, LinkId, RemoteId, RunId, SalesforceId, Side};
use crate::domain::link::{Intent, Link, Mark, MatchKey, Parked, PendingState};
use crate::domain::record::{Change, Happened, HistoryEntry, LinkKey, Loaded, Review, Suppression};
use crate::domain::request::{ActivityOutcome, AuditEntry, Request, RowWrite};
use crate::domain::row::Row;
use crate::domain::setup::Suspension;
use crate::domain::time::Timestamp;
use crate::engine::claims::Claim;
use crate::engine::consent::Freshness;
use crate::engine::outcomes::Outcomes;
use crate::engine::reconcile::{Context, Lost, reconcile};
use crate::engine::transaction::After;
use crate::engine::{Engine, Output, keys};

/// Pending links are listed in pages of this size after a start.
pub(super) const RECOVERY_PAGE_MAX: usize = 500;

/// What is done as one transaction with the store.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// After a start: what was on its way, and what waits for a moment.
    Recover {
        mark: Mark,
        after: Option<LinkId>,
    },
    Rows {
        job: JobId,
        rows: Vec<Row>,
        then: Then,
    },
    Pair {
        keys: Vec<MatchKey>,
    },
    /// Contacts that Salesforce records name as their own.
    Claims {
        claims: Vec<Claim>,
    },
    /// One of them, with everybody who bears either address.
    Claim {
        claim: Claim,
        keys: Vec<MatchKey>,
    },
    /// What they waited for is over, or their request failed before it told anything.
    Settle {
        links: Vec<LinkId>,
    },
    Outcomes {
        side: Side,
        rows: Vec<RowWrite>,
        outcomes: Outcomes,
    },
    Evidence {
        side: Side,
        links: Vec<LinkId>,
        evidence: Vec<(RemoteId, Evidence)>,
    },
    Audit {
        entries: Vec<AuditEntry>,
        cursor: Cursor,
    },
    /// Records of Salesforce that are gone for good.
    Purged {
        ids: Vec<RemoteId>,
    },
    ActivityPage {
        activities: Vec<Activity>,
        is_last: bool,
    },
    ActivitiesSent {
        outcomes: Vec<ActivityOutcome>,
        then: TransferStep,
    },
    ListHeld {
        after: Option<String>,
    },
    Held {
        held: Vec<HeldActivity>,
    },
    Instruction(RunId, Instruction),
    /// Rules that no longer fit a system, all of them.
    Suspend {
        suspended: Vec<Suspension>,
    },
    ListReview {
        after: Option<LinkId>,
    },
    /// Links to be looked at again by a configuration that changed; none ends the review.
    Review {
        review: Review,
        links: Vec<LinkId>,
    },
}

/// What follows when the rows of a read are taken in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Then {
    MoveCursor(Stream, Cursor, Option<Timestamp>),
    /// The rows were read because writes to these links are about to go out, to these records.
    Issue {
        side: Side,
        pairs: Vec<(LinkId, RemoteId)>,
    },
    /// The rows were looked for because these links have no counterpart on that side.
    Create {
        side: Side,
        links: Vec<LinkId>,
        keys: Vec<MatchKey>,
    },
    /// These records were read again, to be taken as they are.
    Recheck {
        ids: Vec<RemoteId>,
    },
}

/// How far a transfer of activities is once its outcomes are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferStep {
    More,
    Done,
}

/// A request under way, and what its answer is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Job {
    Describe(Side),
    Changes(Side, Vec<Stream>),
    Audit,
    PreRead {
        side: Side,
        pairs: Vec<(LinkId, RemoteId)>,
    },
    Find {
        side: Side,
        links: Vec<LinkId>,
        keys: Vec<MatchKey>,
    },
    FindAccounts {
        links: Vec<LinkId>,
        names: Vec<String>,
    },
    Recheck {
        side: Side,
        ids: Vec<RemoteId>,
    },
    Evidence {
        side: Side,
        links: Vec<LinkId>,
    },
    Write {
        side: Side,
        rows: Vec<RowWrite>,
    },
    ReadActivities,
    SendActivities,
}

impl Job {
    pub(super) const fn side(&self) -> Side {
        match self {
            Self::Describe(side)
            | Self::Changes(side, _)
            | Self::PreRead { side, .. }
            | Self::Find { side, .. }
            | Self::Recheck { side, .. }
            | Self::Evidence { side, .. }
            | Self::Write { side, .. } => *side,
            Self::Audit | Self::ReadActivities => Side::Automation,
            Self::SendActivities | Self::FindAccounts { .. } => Side::Salesforce,
        }
    }

    /// Under which its calls are counted.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Describe(_) => "describe",
            Self::Changes(..) => "changes",
            Self::Audit => "audit",
            Self::PreRead { .. } | Self::Recheck { .. } => "rows",
            Self::Find { .. } | Self::FindAccounts { .. } => "find",
            Self::Evidence { .. } => "evidence",
            Self::Write { .. } => "write",
            Self::ReadActivities | Self::SendActivities => "activities",
        }
    }
}

/// The links of the work at hand, and what is to become durable about them.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) links: BTreeMap<LinkId, Link>,
    by_remote: BTreeMap<RemoteId, LinkId>,
    by_salesforce: BTreeMap<SalesforceId, LinkId>,
    pub(super) suppressions: BTreeMap<MatchKey, Suppression>,
    pub(super) sent: BTreeMap<LinkId, BTreeSet<u64>>,
    pub(super) changed: BTreeSet<LinkId>,
    /// Under which the links at hand are found, or were.
    pub(super) keys: Vec<LinkKey>,
    pub(super) lost: BTreeMap<LinkId, Vec<Lost>>,
    /// Records whose row may be older than what is known: left out, to be read again.
    pub(super) unsure: BTreeSet<RemoteId>,
    pub(super) batch: Vec<Change>,
    pub(super) after: After,
}

impl Desk {
    fn new(loaded: Loaded) -> Self {
        let mut desk = Self::default();
        for suppression in loaded.suppressions {
            desk.suppressions.insert(suppression.address, suppression);
        }
        desk.sent = loaded
            .sent
            .into_iter()
            .map(|(link, hashes)| (link, hashes.into_iter().collect()))
            .collect();
        for link in loaded.links {
            desk.put(link);
        }
        desk
    }

    pub(super) fn put(&mut self, link: Link) {
        self.index(&link);
        self.links.insert(link.id, link);
    }

    /// To be called whenever an end of a link becomes another record.
    pub(super) fn index(&mut self, link: &Link) {
        self.keys.extend(keys::of_link(link));
        if let Some(end) = &link.salesforce {
            self.by_salesforce.insert(end.id, link.id);
        }
        if let Some(id) = link.remote(Side::Automation) {
            self.by_remote.insert(id, link.id);
        }
    }

    pub(super) fn find(&self, id: RemoteId) -> Option<LinkId> {
        let found = match id {
            // A Lead and a Contact never share an id, so the id alone is enough.
            RemoteId::Salesforce(_, id) => self.by_salesforce.get(&id),
            RemoteId::Automation(..) => self.by_remote.get(&id),
        };
        found.copied().filter(|link| self.links.contains_key(link))
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let link = self.links.remove(&id)?;
        self.changed.remove(&id);
        self.batch.push(Change::RemoveLink(id));
        Some(link)
    }

    pub(super) fn mark_changed(&mut self, id: LinkId) {
        self.changed.insert(id);
    }

    pub(super) fn history(&mut self, link: LinkId, at: Timestamp, run: RunId, what: Happened) {
        self.batch
            .push(Change::AddHistory(link, HistoryEntry { at, run, what }));
    }
}

impl Engine {
    /// A page of links that were on their way when the last process ended.
    pub(super) fn on_paged(&mut self, now: Timestamp, links: Vec<Link>) {
        let mark = match self.transactions.loading.take() {
            Some(Work::Recover { mark, .. }) => mark,
            Some(Work::ListReview { .. }) => {
                self.on_review_listed(&links);
                return;
            }
            _ => return,
        };
        if links.len() == RECOVERY_PAGE_MAX {
            let after = links.last().map(|link| link.id);
            self.inbox.push_front(Work::Recover { mark, after });
        }
        let mut desk = Desk::default();
        // Beside a write that was given up there is no place for a question: it is asked anew.
        let is_asking = |link: &&Link| {
            let mut pending = link.pending.iter();
            mark == Mark::Dead || pending.any(|pending| pending.state == PendingState::Asking)
        };
        let asking: Vec<LinkId> = links.iter().filter(is_asking).map(|link| link.id).collect();
        for links in asking.chunks(self.settings.chunk_size_max) {
            let links = links.to_vec();
            self.queue(Work::Settle { links });
        }
        // Those of which anything is under way came with the others.
        let links = if mark == Mark::Dead {
            Vec::new()
        } else {
            links
        };
        for mut link in links {
            for pending in &mut link.pending {
                // In doubt: every write reads or looks before it is sent, so planning is enough. A creation
                // may not show yet.
                if pending.state == PendingState::Issued {
                    pending.state = match pending.write {
                        Intent::Create => PendingState::Waiting(now + self.unanswered()),
                        Intent::Update => PendingState::Planned,
                    };
                    desk.changed.insert(link.id);
                }
            }
            self.outbox.track(&link, now);
            self.note_claim(&link);
            if link.match_keys.len() > 1 {
                // An address may be on its way that was not looked for yet.
                self.outbox.pair_again(&link.match_keys);
            }
            desk.put(link);
        }
        self.close(desk);
    }

    pub(super) fn on_held_paged(&mut self, held: Vec<HeldActivity>) {
        if !matches!(
            self.transactions.loading.take(),
            Some(Work::ListHeld { .. })
        ) {
            return;
        }
        let is_last = held.len() < RECOVERY_PAGE_MAX;
        if let (false, Some(last)) = (is_last, held.last()) {
            let after = Some(last.activity.reference.clone());
            self.inbox.push_front(Work::ListHeld { after });
        }
        self.inbox.push_front(Work::Held { held });
    }

    pub(super) fn keys(&self, work: &Work) -> Vec<LinkKey> {
        let mut keys = match work {
            Work::Rows { rows, then, .. } => keys::of_rows(rows, then),
            Work::Pair { keys } => keys.iter().copied().map(LinkKey::Match).collect(),
            Work::Claims { claims } => claims.iter().flat_map(keys::of_claim).collect(),
            Work::Claim { claim, keys } => {
                let bearers = keys.iter().copied().map(LinkKey::Match);
                bearers.chain(keys::of_claim(claim)).collect()
            }
            Work::Outcomes { rows, .. } => rows.iter().map(|row| LinkKey::Id(row.link)).collect(),
            Work::Settle { links } | Work::Evidence { links, .. } => {
                links.iter().copied().map(LinkKey::Id).collect()
            }
            Work::Audit { entries, .. } => keys::of_audit(entries),
            Work::Purged { ids } => ids.iter().map(|id| keys::of_record(*id)).collect(),
            Work::ActivityPage { activities, .. } => {
                let person = crate::domain::ids::Kind::Person;
                activities
                    .iter()
                    .map(|a| LinkKey::Automation(person, a.contact))
                    .collect()
            }
            Work::ActivitiesSent { outcomes, .. } => self.sent_keys(outcomes),
            Work::Held { held, .. } => keys::of_held(held),
            Work::Instruction(_, instruction) => super::commands::keys(instruction),
            Work::Review { links, .. } => links.iter().copied().map(LinkKey::Id).collect(),
            Work::Recover { .. }
            | Work::ListHeld { .. }
            | Work::ListReview { .. }
            | Work::Suspend { .. } => Vec::new(),
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    pub(super) fn perform(&mut self, now: Timestamp, work: Work, loaded: Loaded) {
        let mut desk = Desk::new(loaded);
        self.send_leaving_of(&desk);
        match work {
            Work::Rows { job, rows, then } => self.take_rows(&mut desk, now, job, rows, then),
            Work::Pair { keys } => self.pair_keys(&mut desk, now, &keys),
            Work::Claims { claims } => self.take_claims(&desk, &claims),
            Work::Claim { claim, keys } => self.take_claim(&mut desk, now, claim, &keys),
            Work::Settle { links } => {
                for id in links {
                    self.settle(&mut desk, id, now);
                }
            }
            Work::Outcomes {
                side,
                rows,
                outcomes,
            } => {
                self.take_outcomes(&mut desk, now, side, rows, outcomes);
            }
            Work::Evidence {
                side,
                links,
                evidence,
            } => {
                self.take_evidence(&mut desk, now, side, &links, evidence);
            }
            Work::Audit { entries, cursor } => self.take_audit(&mut desk, now, &entries, cursor),
            Work::Purged { ids } => self.take_purged(&mut desk, now, &ids),
            Work::ActivityPage {
                activities,
                is_last,
            } => {
                self.take_activities(&mut desk, activities, is_last);
            }
            Work::ActivitiesSent { outcomes, then } => {
                self.take_activities_sent(&mut desk, outcomes, then);
            }
            Work::Held { held } => self.take_held(&mut desk, held),
            Work::Instruction(run, instruction) => {
                self.carry_out(&mut desk, now, run, instruction);
            }
            Work::Suspend { suspended } => self.suspend(&mut desk, now, suspended),
            Work::Review { review, links } => self.take_review(&mut desk, now, review, links),
            Work::Recover { .. } | Work::ListHeld { .. } | Work::ListReview { .. } => {}
        }
        self.close(desk);
    }

    pub(super) fn request(&mut self, job: Job, request: Request) {
        self.next_job += 1;
        let id = JobId(self.next_job);
        if let Job::Write { side, .. } = &job {
            self.side_mut(*side).writes_open += 1;
        }
        self.jobs.insert(id, job);
        self.outputs.push_back(Output::Request { job: id, request });
    }

    /// Brings a link in line with the rules and keeps the outbox in step with it.
    pub(super) fn settle(&mut self, desk: &mut Desk, id: LinkId, now: Timestamp) {
        let freshness = if self.fresh.contains(&id) {
            Freshness::Fresh
        } else {
            Freshness::Stale
        };
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        let was_suppressed = link.consent.is_suppressed();
        let was_selected = link.parked != Some(Parked::ObjectNotSelected);
        #[cfg(test)]
        let (mut planted, freshness) = {
            let mut planted = link.clone();
            self.plant_before(&mut planted, now);
            let is_fresh = freshness == Freshness::Fresh || self.fresh.contains(&id);
            (
                planted,
                if is_fresh {
                    Freshness::Fresh
                } else {
                    freshness
                },
            )
        };
        #[cfg(test)]
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        #[cfg(test)]
        std::mem::swap(link, &mut planted);
        let context = Context {
            policy: &self.settings.policy,
            directory: &self.directory,
            limits: &self.limits,
            accounts: &self.accounts,
            freshness,
            now,
        };
        let reconciled = reconcile(link, context);
        #[cfg(test)]
        self.plant_after(link);
        if let Some(name) = reconciled.asks_for_account {
            self.outbox.ask_for_account(id, name);
        }
        if reconciled.waits_for_account {
            self.outbox.put_off(id);
        }
        if reconciled.asks_for_evidence {
            self.outbox.ask_for_evidence(link);
        }
        if was_selected && link.parked == Some(Parked::ObjectNotSelected) {
            // Whoever stepped aside for it does so no longer.
            self.outbox.pair_again(&link.match_keys);
        }
        self.outbox.track(link, now);
        let suppressions = suppressions(link, was_suppressed);
        desk.batch
            .extend(suppressions.into_iter().map(Change::PutSuppression));
        let run = self.cycle.run;
        for subject in reconciled.raised {
            desk.history(id, now, run, Happened::ConflictRaised(subject));
        }
        desk.lost.insert(id, reconciled.lost);
        desk.changed.insert(id);
    }

    pub(super) fn context(&self, now: Timestamp) -> Context<'_> {
        Context {
            policy: &self.settings.policy,
            directory: &self.directory,
            limits: &self.limits,
            accounts: &self.accounts,
            freshness: Freshness::Stale,
            now,
        }
    }

    pub(super) fn ignore(&mut self, reason: &str) {
        *self.totals.ignored.entry(reason.to_owned()).or_default() += 1;
    }
}

/// What the ledger of addresses learns when a person is opted out or in.
fn suppressions(link: &Link, was_suppressed: bool) -> Vec<Suppression> {
    let is_suppressed = link.consent.is_suppressed();
    if was_suppressed == is_suppressed {
        return Vec::new();
    }
    let consent = if is_suppressed {
        Consent::Out(Reason::Unstated)
    } else {
        Consent::In
    };
    let opted_out = link.consent.opted_out.unwrap_or(Dated {
        earliest: Timestamp::ZERO,
        latest: Timestamp::ZERO,
        proof: Proof::Observation,
    });
    let of_address = |address: &MatchKey| Suppression {
        address: *address,
        consent,
        opted_out,
    };
    link.match_keys.iter().map(of_address).collect()
}

/// The place of a row in its stream.
pub(super) fn position(row: &Row) -> Position {
    match row.id {
        RemoteId::Salesforce(_, id) => Position::Stamp(row.modified.unwrap_or_default(), id),
        RemoteId::Automation(_, id) => Position::Id(id),
    }
}
