//! Reading changes: windows over both sides' time, page by page, and the answers to every request.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::command::Scope;
use crate::domain::cursor::{Cursor, Position, Stream};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{JobId, LinkId, RemoteId, Side};
use crate::domain::request::{
    ActivityPage, Answer, AuditPage, AutomationRequest, Page, Request, RowOutcome,
    SalesforceRequest, Spent, Window,
};
use crate::domain::row::Row;
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;
use crate::engine::outcomes::Outcomes;
use crate::engine::sides::Purpose;
use crate::engine::work::{Job, Then, Work, position};

/// Pages taken in but not yet worked through; reading ahead further would only fill memory.
const INBOX_MAX: usize = 16;

/// A stream's window in this cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    window: Window,
    /// After a window that an earlier process left half read, the next one begins: until then.
    then_until: Option<Timestamp>,
    state: ReadState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    Ready,
    Asked,
    Done,
}

impl Read {
    pub(super) fn is_done(&self) -> bool {
        self.state == ReadState::Done
    }
}

impl Engine {
    /// Asks for the next pages. Returns whether any request was begun.
    pub(super) fn read_streams(&mut self, now: Timestamp) -> bool {
        if self.cycle.reads.is_empty() {
            self.open_windows(now);
        }
        if self.inbox.len() >= INBOX_MAX {
            return false;
        }
        let mut begun = self.read_salesforce(now);
        for stream in [Stream::AutomationContacts, Stream::AutomationCompanies] {
            begun |= self.read_automation(now, stream);
        }
        // What the log says of somebody who is still on their way here would find nobody.
        let is_read = |stream| self.cycle.reads.get(&stream).is_none_or(Read::is_done);
        if is_read(Stream::AutomationContacts) && is_read(Stream::AutomationCompanies) {
            begun |= self.read_automation(now, Stream::AutomationAudit);
        }
        begun
    }

    fn open_windows(&mut self, now: Timestamp) {
        let scope = self.cycle.scope.unwrap_or(Scope::OUTBOX);
        let policy = Arc::clone(&self.settings.policy);
        for stream in Stream::ALL {
            let is_wanted = match stream {
                Stream::Leads => {
                    scope.pull && policy.syncs(crate::domain::ids::SalesforceObject::Lead)
                }
                Stream::Contacts => {
                    scope.pull && policy.syncs(crate::domain::ids::SalesforceObject::Contact)
                }
                Stream::Accounts => scope.pull && !policy.mapping.company.is_empty(),
                Stream::AutomationContacts | Stream::AutomationAudit => scope.push,
                Stream::AutomationCompanies => scope.push && !policy.mapping.company.is_empty(),
                Stream::Activities => false,
            };
            if !is_wanted {
                continue;
            }
            let cursor = self.cursors.get(&stream).copied().unwrap_or_default();
            // One second more than the remote's clock: its timestamps are whole seconds.
            let server_now = self.side(stream.side()).server_time(now).floor_second();
            let until_now = server_now + Span::seconds(1);
            let until = cursor.until.unwrap_or(until_now);
            let window = Window {
                stream,
                from: cursor.from,
                until,
                after: cursor.after,
            };
            self.cycle.reads.insert(
                stream,
                Read {
                    window,
                    then_until: (until < until_now).then_some(until_now),
                    state: ReadState::Ready,
                },
            );
        }
    }

    /// All of Salesforce's streams in one request, since that is one call.
    fn read_salesforce(&mut self, now: Timestamp) -> bool {
        let is_ready = |read: &&mut Read| {
            read.window.stream.side() == Side::Salesforce && read.state == ReadState::Ready
        };
        let is_asking = self
            .jobs
            .values()
            .any(|job| matches!(job, Job::Changes(Side::Salesforce, _)));
        let may = self.side(Side::Salesforce).may_call(now)
            && self.check_budget(now, Side::Salesforce, Purpose::Ordinary);
        if is_asking || !may {
            return false;
        }
        let mut windows = Vec::new();
        for read in self.cycle.reads.values_mut().filter(is_ready) {
            read.state = ReadState::Asked;
            windows.push(read.window);
        }
        if windows.is_empty() {
            return false;
        }
        let streams = windows.iter().map(|window| window.stream).collect();
        let mapping = Arc::clone(&self.mapping);
        let request = Request::Salesforce(SalesforceRequest::Changes { mapping, windows });
        self.request(Job::Changes(Side::Salesforce, streams), request);
        true
    }

    fn read_automation(&mut self, now: Timestamp, stream: Stream) -> bool {
        if !self.side(Side::Automation).may_call(now) {
            return false;
        }
        let Some(read) = self.cycle.reads.get_mut(&stream) else {
            return false;
        };
        if read.state != ReadState::Ready {
            return false;
        }
        read.state = ReadState::Asked;
        let window = read.window;
        if stream == Stream::AutomationAudit {
            let after = audit_position(window.after);
            let request = Request::Automation(AutomationRequest::Audit { after });
            self.request(Job::Audit, request);
        } else {
            let mapping = Arc::clone(&self.mapping);
            let request = Request::Automation(AutomationRequest::Changes { mapping, window });
            self.request(Job::Changes(Side::Automation, vec![stream]), request);
        }
        true
    }

    pub(super) fn on_answered(&mut self, now: Timestamp, id: JobId, answer: Answer, spent: Spent) {
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        self.on_spent(now, job.side(), job.kind(), spent);
        self.on_side_answered(job.side());
        match (job, answer) {
            (Job::Describe(_), Answer::SalesforceDescribed(description)) => {
                self.take_salesforce_description(&description, now);
            }
            (Job::Describe(_), Answer::AutomationDescribed(description)) => {
                self.take_automation_description(&description, now);
            }
            (Job::Changes(..), Answer::Changes(pages)) => {
                for page in pages {
                    self.on_page(id, page);
                }
            }
            (Job::Audit, Answer::Audit(page)) => self.on_audit_page(page),
            (Job::PreRead { side, pairs }, Answer::Rows(rows)) => {
                self.queue_pre_read(id, rows, side, &pairs);
            }
            (Job::Find { side, links, keys }, Answer::Rows(rows)) => {
                let then = Then::Create { side, links, keys };
                self.totals.read.add(side, "found", rows.len() as u64);
                self.queue_rows(id, rows, then);
            }
            (Job::FindAccounts { links, names }, Answer::Rows(rows)) => {
                self.on_accounts(&links, &names, &rows);
            }
            (Job::Recheck { ids, .. }, Answer::Rows(rows)) => {
                self.queue_rows(id, rows, Then::Recheck { ids });
            }
            (Job::Evidence { side, links }, Answer::Evidence(evidence)) => {
                self.queue(Work::Evidence {
                    side,
                    links,
                    evidence,
                });
            }
            (Job::Write { side, rows }, Answer::Written(outcomes)) => {
                self.on_write_ended(side);
                self.queue_outcomes(side, rows, outcomes);
            }
            (Job::ReadActivities, Answer::Activities(page)) => self.on_activity_page(page),
            (Job::SendActivities, Answer::ActivitiesSent(outcomes)) => {
                self.on_activities_sent(outcomes);
            }
            (job, _) => self.on_wrong_answer(job),
        }
    }

    fn on_activity_page(&mut self, page: ActivityPage) {
        let (activities, is_last) = (page.activities, page.is_last);
        let count = activities.len() as u64;
        self.totals.read.add(Side::Automation, "activity", count);
        for _ in 0..page.unreadable {
            self.ignore("activity_unreadable");
        }
        self.queue(Work::ActivityPage {
            activities,
            is_last,
        });
    }

    fn on_wrong_answer(&mut self, job: Job) {
        let failure = Failure::new(
            FailureKind::Broken,
            "WRONG_ANSWER",
            "the answer is of another kind",
        );
        self.undo_request(job, &failure);
        self.tell(crate::domain::command::Fact::SideStopped {
            side: Side::Salesforce,
            failure,
        });
    }

    fn queue_rows(&mut self, job: JobId, rows: Vec<Row>, then: Then) {
        self.queue(Work::Rows { job, rows, then });
    }

    pub(super) fn on_failed(&mut self, now: Timestamp, id: JobId, failure: Failure, spent: Spent) {
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        let side = job.side();
        self.on_spent(now, side, job.kind(), spent);
        self.undo_request(job, &failure);
        self.on_side_failed(now, side, failure);
    }

    /// A request that told nothing: whatever it was for is to be done again.
    fn undo_request(&mut self, job: Job, failure: &Failure) {
        match job {
            Job::Describe(_) => {}
            Job::Changes(_, streams) => {
                for stream in streams {
                    self.set_ready(stream);
                }
            }
            Job::Audit => self.set_ready(Stream::AutomationAudit),
            Job::PreRead { pairs, .. } => {
                let links = pairs.into_iter().map(|(link, _)| link).collect();
                self.queue(Work::Settle { links });
            }
            Job::Find { links, .. }
            | Job::FindAccounts { links, .. }
            | Job::Evidence { links, .. } => {
                self.queue(Work::Settle { links });
            }
            Job::Recheck { ids, .. } => {
                for id in ids {
                    self.outbox.recheck(id);
                }
            }
            Job::Write { side, rows } => {
                self.on_write_ended(side);
                // The request as a whole failed: that says nothing against any one row of it.
                let kind = whole_request(&failure.kind);
                let failure = Failure {
                    kind,
                    ..failure.clone()
                };
                let size_max = self.settings.chunk_size_max;
                for rows in rows.chunks(size_max) {
                    self.queue(Work::Outcomes {
                        side,
                        rows: rows.to_vec(),
                        outcomes: Outcomes::Failed(failure.clone()),
                    });
                }
            }
            Job::ReadActivities | Job::SendActivities => self.on_transfer_failed(),
        }
    }

    fn set_ready(&mut self, stream: Stream) {
        if let Some(read) = self.cycle.reads.get_mut(&stream) {
            read.state = ReadState::Ready;
        }
    }

    fn on_write_ended(&mut self, side: Side) {
        let state = self.side_mut(side);
        state.writes_open = state.writes_open.saturating_sub(1);
    }

    fn queue_outcomes(
        &mut self,
        side: Side,
        mut rows: Vec<crate::domain::request::RowWrite>,
        mut outcomes: Vec<RowOutcome>,
    ) {
        let size_max = self.settings.chunk_size_max;
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(size_max));
            let rest_outcomes = outcomes.split_off(outcomes.len().min(size_max));
            self.queue(Work::Outcomes {
                side,
                rows,
                outcomes: Outcomes::OfRows(outcomes),
            });
            rows = rest;
            outcomes = rest_outcomes;
        }
    }

    /// Rows that were read before a write, in pieces that fit a transaction, each with its links.
    fn queue_pre_read(
        &mut self,
        job: JobId,
        rows: Vec<Row>,
        side: Side,
        pairs: &[(LinkId, RemoteId)],
    ) {
        let mut rows: BTreeMap<RemoteId, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        for chunk in pairs.chunks(self.settings.chunk_size_max) {
            let chunk_rows = chunk.iter().filter_map(|(_, id)| rows.remove(id)).collect();
            let pairs = chunk.to_vec();
            let then = Then::Issue { side, pairs };
            self.queue(Work::Rows {
                job,
                rows: chunk_rows,
                then,
            });
        }
    }

    fn on_page(&mut self, job: JobId, page: Page) {
        let Some(read) = self.cycle.reads.get(&page.stream) else {
            return;
        };
        let (stream, window) = (page.stream, read.window);
        self.turn_page(stream, page.is_last, page.rows.last().map(position));
        let count = page.rows.len() as u64;
        self.totals
            .read
            .add(stream.side(), stream_kind(stream), count);
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::CursorBeforeData) && page.is_last {
            let then = Then::MoveCursor(stream, self.cursor_after(window), None);
            let rows = Vec::new();
            self.queue(Work::Rows { job, rows, then });
        }
        for ids in page.purged.chunks(self.settings.chunk_size_max) {
            let ids = ids.to_vec();
            self.queue(Work::Purged { ids });
        }
        self.queue_page(job, page, window);
    }

    /// Where the stream goes on after a page.
    fn turn_page(&mut self, stream: Stream, is_last: bool, last: Option<Position>) {
        let Some(read) = self.cycle.reads.get_mut(&stream) else {
            return;
        };
        if is_last {
            read.state = ReadState::Done;
            if let Some(until) = read.then_until.take() {
                let window = read.window;
                read.window.from = window
                    .from
                    .max(window.until - self.settings.timetable.overlap);
                read.window.until = until;
                read.window.after = None;
                read.state = ReadState::Ready;
            }
            return;
        }
        read.window.after = last.or(read.window.after);
        #[cfg(test)]
        if self.mutant == Some(crate::engine::mutants::Mutant::TiesDropped)
            && let Some(Position::Stamp(at, _)) = read.window.after
            && let Ok(id) = "zzzzzzzzzzzzzzz".parse()
        {
            read.window.after = Some(Position::Stamp(at, id));
        }
        // A page that neither moves on nor ends would be asked for for ever.
        read.state = match last {
            Some(_) => ReadState::Ready,
            None => ReadState::Done,
        };
    }

    /// The rows of a page in pieces that fit a transaction, each with how far the cursor moves with it.
    fn queue_page(&mut self, job: JobId, page: Page, window: Window) {
        let stream = page.stream;
        let mut rows = page.rows;
        loop {
            let rest = rows.split_off(rows.len().min(self.settings.chunk_size_max));
            let is_end = rest.is_empty();
            let then = if is_end && page.is_last {
                let covered = window.until - Span::seconds(1);
                Then::MoveCursor(stream, self.cursor_after(window), Some(covered))
            } else {
                let cursor = Cursor {
                    from: window.from,
                    until: Some(window.until),
                    after: rows.last().map(position).or(window.after),
                };
                Then::MoveCursor(stream, cursor, None)
            };
            self.queue_rows(job, rows, then);
            if is_end {
                return;
            }
            rows = rest;
        }
    }

    /// Where the next window begins once this one is covered.
    fn cursor_after(&self, window: Window) -> Cursor {
        let overlap = self.settings.timetable.overlap;
        #[cfg(test)]
        let overlap = if self.is_mutant(crate::engine::mutants::Mutant::NoOverlap) {
            Span::ZERO
        } else {
            overlap
        };
        Cursor {
            from: window.from.max(window.until - overlap),
            until: None,
            after: None,
        }
    }

    fn on_audit_page(&mut self, page: AuditPage) {
        let Some(read) = self.cycle.reads.get_mut(&Stream::AutomationAudit) else {
            return;
        };
        let after = Some(Position::Audit(page.after));
        let is_stuck = audit_position(read.window.after) == page.after;
        read.window.after = after;
        read.state = if page.is_last || is_stuck {
            ReadState::Done
        } else {
            ReadState::Ready
        };
        let cursor = Cursor {
            from: Timestamp::ZERO,
            until: None,
            after,
        };
        self.totals
            .read
            .add(Side::Automation, "audit", page.entries.len() as u64);
        self.queue(Work::Audit {
            entries: page.entries,
            cursor,
        });
    }
}

/// What the failure of a whole request means for one of its rows: wait, or look before trying again.
const fn whole_request(kind: &FailureKind) -> FailureKind {
    match kind {
        FailureKind::Throttled { until } => FailureKind::Throttled { until: *until },
        FailureKind::LimitReached | FailureKind::Transient => FailureKind::Transient,
        _ => FailureKind::Unknown,
    }
}

fn audit_position(after: Option<Position>) -> u64 {
    match after {
        Some(Position::Audit(row)) => row,
        _ => 0,
    }
}

const fn stream_kind(stream: Stream) -> &'static str {
    match stream {
        Stream::Leads => "Lead",
        Stream::Contacts => "Contact",
        Stream::Accounts => "Account",
        Stream::AutomationContacts => "contact",
        Stream::AutomationCompanies => "company",
        Stream::AutomationAudit => "audit",
        Stream::Activities => "activity",
    }
}
