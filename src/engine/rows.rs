//! Rows that were read: which link each belongs to, and what follows.

use std::collections::BTreeSet;

use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, Dated};
use crate::domain::cursor::Cursor;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{JobId, Kind, LinkId, RemoteId, Side};
use crate::domain::link::{Link, Parked};
use crate::domain::record::{Change, Happened};
use crate::domain::request::{AuditEntry, AuditedChange};
use crate::domain::row::{Row, RowState};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::claims::claimed;
use crate::engine::observe::{Sight, Trust, end_modified, observe};
use crate::engine::pair::{forget_view, move_end, opt_out_seen};
use crate::engine::reconcile::{NOT_VISIBLE, is_unseen, raise};
use crate::engine::work::{Desk, Then};

impl Engine {
    pub(super) fn take_rows(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        job: JobId,
        rows: Vec<Row>,
        then: Then,
    ) {
        // Asked for by id, now: whatever the answer is, a later one would be no surer.
        let is_recheck = matches!(then, Then::Recheck { .. } | Then::Issue { .. });
        for row in &rows {
            if matches!(then, Then::Recheck { .. }) && desk.find(row.id).is_none() {
                self.take_hinted(desk, now, row);
                continue;
            }
            if let RemoteId::Automation(Kind::Person, id) = row.id {
                self.newest_contact = self.newest_contact.max(id.0);
            }
            let trust = self.trust(desk, row, job, is_recheck);
            self.take_row(desk, now, row, trust);
        }
        match then {
            Then::MoveCursor(stream, cursor, covered) => {
                self.move_cursor(desk, stream, cursor, covered);
            }
            Then::Issue { side, pairs } => {
                #[cfg(test)]
                let rows = self.rows_as_looked_at(&pairs, rows);
                self.mark_absent(desk, now, &pairs, &rows);
                // What could not be trusted is read once more, and written after that.
                let (unsure, sure): (Vec<_>, Vec<_>) = pairs
                    .into_iter()
                    .partition(|(_, record)| desk.unsure.contains(record));
                for (link, _) in unsure {
                    self.settle(desk, link, now);
                }
                let links: Vec<LinkId> = sure.into_iter().map(|(link, _)| link).collect();
                self.issue(desk, now, side, &links);
            }
            Then::Create { side, links, keys } => self.create(desk, now, side, &links, keys),
            Then::Recheck { ids } => {
                let known = ids.iter().filter_map(|id| Some((desk.find(*id)?, *id)));
                let pairs: Vec<(LinkId, RemoteId)> = known.collect();
                self.mark_absent(desk, now, &pairs, &rows);
            }
        }
    }

    fn trust(&self, desk: &Desk, row: &Row, job: JobId, is_recheck: bool) -> Trust {
        let link = desk.find(row.id);
        let began_before_write = link
            .and_then(|link| self.written_before.get(&(link, row.id.side())))
            .is_some_and(|end| job <= *end);
        match (began_before_write, is_recheck) {
            (true, _) => Trust::Uncertain,
            (false, true) => Trust::Certain,
            (false, false) => Trust::Likely,
        }
    }

    fn take_row(&mut self, desk: &mut Desk, now: Timestamp, row: &Row, trust: Trust) {
        let Some(id) = desk.find(row.id) else {
            self.take_new(desk, now, row);
            return;
        };
        match row.state {
            RowState::Converted(to) => {
                let object = crate::domain::ids::SalesforceObject::Contact;
                self.follow(desk, now, id, row, RemoteId::Salesforce(object, to));
            }
            RowState::MergedSalesforce(to) => {
                if let RemoteId::Salesforce(object, _) = row.id {
                    self.follow(desk, now, id, row, RemoteId::Salesforce(object, to));
                }
            }
            RowState::MergedAutomation(to) => {
                if let RemoteId::Automation(kind, _) = row.id {
                    self.follow(desk, now, id, row, RemoteId::Automation(kind, to));
                }
            }
            RowState::Live | RowState::Deleted => self.take_known(desk, now, id, row, trust),
        }
    }

    fn take_known(&mut self, desk: &mut Desk, now: Timestamp, id: LinkId, row: &Row, trust: Trust) {
        let side = row.id.side();
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        let (state, consent) = (link.state(side), consent_of(link));
        let old_keys = link.match_keys.clone();
        let was_written = was_written_since(link, side);
        let modified = end_modified(link, side);
        let sight = observe(link, row, &self.mapping, trust, now);
        if end_modified(link, side) != modified {
            // Whatever changed may have been the consent, there and back: its dates are old now, and an
            // operator who vouched for the person did so before it.
            self.fresh.remove(&id);
            link.decided_consent = link.decided_consent.filter(|consent| consent.is_out());
        }
        let is_back = sight != Sight::Stale && forget_unseen(link, side);
        match sight {
            Sight::Stale => {
                self.outbox.recheck(row.id);
                desk.unsure.insert(row.id);
                return;
            }
            Sight::Same => {
                self.totals.unchanged += 1;
                if is_back {
                    self.settle(desk, id, now);
                } else if was_written {
                    // That our write shows is worth remembering: the next row can be trusted again.
                    desk.mark_changed(id);
                }
                return;
            }
            Sight::News => {}
        }
        if consent_of(link) != consent {
            self.fresh.remove(&id);
        }
        let is_half = link.salesforce.is_none() || link.automation.is_none();
        if is_half {
            // A creation that was given up may work with what is new.
            link.pending.retain(|pending| !pending.is_dead());
        }
        let claimed = claimed(link, &self.mapping);
        let keys = link.match_keys.clone();
        let happened = match (state, row.state) {
            (Some(RowState::Live), RowState::Deleted) => Some(Happened::Deleted(side)),
            (Some(RowState::Deleted), RowState::Live) => Some(Happened::Restored(side)),
            _ => None,
        };
        if let Some(contact) = claimed {
            self.outbox.claim(id, contact);
        }
        if is_half || happened.is_some() || keys != old_keys {
            self.outbox.pair_again(&keys);
            // Somebody may wait for an address that is free now.
            self.outbox.pair_again(&old_keys);
        }
        if let Some(what) = happened {
            self.cycle.deletions += u64::from(matches!(what, Happened::Deleted(_)));
            desk.history(id, now, self.cycle.run, what);
        }
        self.settle(desk, id, now);
    }

    /// A record that no link knows. One that lives on as another is none of our business; a deleted
    /// one may be the tombstone of somebody on the other side.
    pub(super) fn take_new(&mut self, desk: &mut Desk, now: Timestamp, row: &Row) {
        if !matches!(row.state, RowState::Live | RowState::Deleted) {
            self.ignore("gone_before_linked");
            return;
        }
        self.tally.next_link += 1;
        self.links_total += 1;
        let id = LinkId(self.tally.next_link);
        let mut link = Link::new(id, row.id.kind());
        observe(&mut link, row, &self.mapping, Trust::Certain, now);
        self.note_claim(&link);
        desk.put(link);
        self.settle(desk, id, now);
        let parked = desk.links.get(&id).and_then(|link| link.parked.clone());
        match parked {
            Some(Parked::NoEmail) => self.ignore("no_email"),
            Some(Parked::ObjectNotSelected) => self.ignore("object_not_selected"),
            Some(Parked::GoneBeforeLinked) => self.ignore("gone_before_linked"),
            _ => {}
        }
    }

    /// A record lives on as another one: a conversion, or a merge. The link follows the winner; if
    /// the winner has a pair of its own, a person must say which of the two stays.
    fn follow(&mut self, desk: &mut Desk, now: Timestamp, id: LinkId, row: &Row, to: RemoteId) {
        let side = row.id.side();
        let winner = desk.find(to);
        if winner == Some(id) {
            return;
        }
        if side == Side::Automation {
            self.look_back(desk, now);
        }
        let run = self.cycle.run;
        let Some(link) = desk.links.get(&id) else {
            return;
        };
        let is_half = link.remote(side.other()).is_none();
        let winner_is_half = winner
            .and_then(|winner| desk.links.get(&winner))
            .is_none_or(|winner| winner.remote(side.other()).is_none());
        if let (true, Some(winner)) = (is_half, winner) {
            // Nothing was paired with the loser: it ends here, but for its opt-out.
            self.inherit_opt_out(desk, now, id, winner);
            if let Some(loser) = desk.remove(id) {
                self.pass_on_creations(desk, now, &loser, winner);
                // One fewer has the address.
                self.outbox.pair_again(&loser.match_keys);
            }
            return;
        }
        if let Some(winner) = winner.filter(|winner| lives_on(desk, id, side.other(), *winner)) {
            self.inherit_opt_out(desk, now, id, winner);
            desk.remove(id);
            return;
        }
        if !winner_is_half {
            self.end_in_conflict(desk, now, id, row, to, winner);
            return;
        }
        let moved = Happened::Moved {
            side,
            from: row.id.to_string(),
            to: to.to_string(),
        };
        desk.history(id, now, run, moved);
        if let Some(mut absorbed) = winner.and_then(|winner| desk.remove(winner)) {
            if let Some(link) = desk.links.get_mut(&id) {
                move_end(link, &mut absorbed, side);
            }
        } else if let Some(link) = desk.links.get_mut(&id) {
            readdress(link, to);
            self.outbox.recheck(to);
        }
        if let Some(link) = desk.links.get(&id).cloned() {
            desk.index(&link);
            self.outbox.pair_again(&link.match_keys);
        }
        self.fresh.remove(&id);
        self.settle(desk, id, now);
    }

    /// Whoever merges two records says that they are one person: if one of them opted out, all of
    /// that person did.
    fn inherit_opt_out(&mut self, desk: &mut Desk, now: Timestamp, loser: LinkId, winner: LinkId) {
        // It is in force today, whenever it was said: only an opt-in after the merge is newer.
        let opted_out = desk
            .links
            .get(&loser)
            .and_then(|link| link.consent.opted_out.or_else(|| seen_out(link)))
            .map(|dated| Dated {
                latest: dated.latest.max(now),
                ..dated
            });
        let Some(link) = desk.links.get_mut(&winner) else {
            return;
        };
        if opted_out.is_some() && !link.consent.is_suppressed() {
            link.consent.opted_out = opted_out;
            self.settle(desk, winner, now);
        }
    }

    fn end_in_conflict(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        id: LinkId,
        row: &Row,
        to: RemoteId,
        winner: Option<LinkId>,
    ) {
        let side = row.id.side();
        let paired_with = winner
            .and_then(|winner| desk.links.get(&winner))
            .and_then(|winner| winner.remote(side.other()));
        if let Some(winner) = winner {
            self.inherit_opt_out(desk, now, id, winner);
        }
        let mut matches = vec![to];
        matches.extend(paired_with);
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        set_state(link, side, row.state);
        raise(
            link,
            Subject::Identity,
            Cause::SeveralMatch { matches },
            now,
        );
        desk.history(
            id,
            now,
            self.cycle.run,
            Happened::ConflictRaised(Subject::Identity),
        );
        self.settle(desk, id, now);
    }

    /// Records that were asked for by id and not answered. Automation says so of deleted ones;
    /// Salesforce also of those that the user may not see, so a person must look.
    fn mark_absent(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        asked: &[(LinkId, RemoteId)],
        rows: &[Row],
    ) {
        let shown: BTreeSet<RemoteId> = rows.iter().map(|row| row.id).collect();
        for (id, record) in asked {
            let side = record.side();
            let Some(link) = desk.links.get_mut(id) else {
                continue;
            };
            // Its answer may have moved the link on to the record in which it lives on.
            let was_moved = link.remote(side) != Some(*record);
            if was_moved || shown.contains(record) || !link.is_live(side) {
                continue;
            }
            match side {
                Side::Automation => {
                    set_state(link, side, RowState::Deleted);
                    self.outbox.pair_again(&link.match_keys);
                    self.cycle.deletions += 1;
                    desk.history(*id, now, self.cycle.run, Happened::Deleted(side));
                }
                Side::Salesforce => {
                    let failure = Failure::new(
                        FailureKind::Gone,
                        NOT_VISIBLE,
                        "the record is purged, or this user may not see it",
                    );
                    let value = crate::domain::value::Value::Blank;
                    let cause = Cause::Refused {
                        side,
                        value,
                        failure,
                    };
                    raise(link, Subject::Write(side), cause, now);
                    if let Some(pending) = link.pending_mut(side) {
                        pending.state = crate::domain::link::PendingState::Dead;
                    }
                }
            }
            self.settle(desk, *id, now);
        }
    }

    pub(super) fn take_audit(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        entries: &[AuditEntry],
        cursor: Cursor,
    ) {
        for entry in entries {
            let id = RemoteId::Automation(entry.kind, entry.id);
            let Some(link) = desk.find(id) else { continue };
            match entry.what {
                AuditedChange::Consent(consent) => {
                    self.take_dated_consent(desk, now, link, consent, entry.at);
                }
                AuditedChange::MergedInto(winner) => {
                    self.audited_state(desk, now, link, entry, RowState::MergedAutomation(winner));
                }
                AuditedChange::Deleted => {
                    self.audited_state(desk, now, link, entry, RowState::Deleted);
                }
            }
        }
        let stream = crate::domain::cursor::Stream::AutomationAudit;
        self.move_cursor(desk, stream, cursor, None);
    }

    fn audited_state(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        link: LinkId,
        entry: &AuditEntry,
        state: RowState,
    ) {
        let row = Row {
            id: RemoteId::Automation(entry.kind, entry.id),
            modified: Some(entry.at),
            edited_by: None,
            state,
            values: Vec::new(),
            consent: None,
            account: None,
        };
        let is_live = desk
            .links
            .get(&link)
            .is_some_and(|link| link.is_live(Side::Automation));
        if is_live {
            // The log is the system's own word, however old the entry.
            match state {
                RowState::Deleted => {
                    if let Some(link) = desk.links.get_mut(&link) {
                        set_state(link, Side::Automation, state);
                        self.outbox.pair_again(&link.match_keys);
                    }
                    self.cycle.deletions += 1;
                    desk.history(
                        link,
                        now,
                        self.cycle.run,
                        Happened::Deleted(Side::Automation),
                    );
                    self.settle(desk, link, now);
                }
                _ => self.take_row(desk, now, &row, Trust::Certain),
            }
        }
    }

    pub(super) fn move_cursor(
        &mut self,
        desk: &mut Desk,
        stream: crate::domain::cursor::Stream,
        cursor: Cursor,
        covered: Option<Timestamp>,
    ) {
        let before = self.cursors.insert(stream, cursor);
        if before != Some(cursor) {
            desk.batch.push(Change::PutCursor(stream, cursor));
        }
        if let Some(until) = covered {
            let from = before.unwrap_or_default().from;
            let side = stream.side();
            self.cycle.covered(stream, from, until);
            if let Some((from, until)) = self.cycle.covered_by_all(side) {
                let coverage = self.coverage.entry(side).or_default();
                coverage.add(from, until);
                desk.batch.push(Change::PutCoverage(side, coverage.clone()));
            }
        }
    }
}

/// Whether that end of the link was merged into the record that the other link has there.
fn lives_on(desk: &Desk, id: LinkId, side: Side, winner: LinkId) -> bool {
    let (Some(link), Some(winner)) = (desk.links.get(&id), desk.links.get(&winner)) else {
        return false;
    };
    match (link.state(side), winner.remote(side)) {
        (
            Some(RowState::MergedSalesforce(to) | RowState::Converted(to)),
            Some(RemoteId::Salesforce(_, id)),
        ) => to == id,
        (Some(RowState::MergedAutomation(to)), Some(RemoteId::Automation(_, id))) => to == id,
        _ => false,
    }
}

/// Of somebody who is left alone, an opt-out was seen and not judged.
fn seen_out(link: &Link) -> Option<Dated> {
    let views = [link.consent.salesforce, link.consent.automation];
    views.iter().flatten().find_map(opt_out_seen)
}

/// Whether we wrote to a side's record after the last row of it that was taken in.
fn was_written_since(link: &Link, side: Side) -> bool {
    match side {
        Side::Salesforce => link
            .salesforce
            .as_ref()
            .is_some_and(|end| end.written_since),
        Side::Automation => link
            .automation
            .as_ref()
            .is_some_and(|end| end.written_since),
    }
}

fn consent_of(link: &Link) -> [Option<Consent>; 2] {
    [link.consent.salesforce, link.consent.automation].map(|view| view.map(|view| view.value))
}

/// A record that did not show is there again, or is known to be gone: nobody needs to look for it. Says
/// whether anybody was asked to.
pub(super) fn forget_unseen(link: &mut Link, side: Side) -> bool {
    let is_it = |held: &Conflict| held.subject == Subject::Write(side) && is_unseen(&held.cause);
    if !link.conflicts.iter().any(is_it) {
        return false;
    }
    link.conflicts.retain(|held| !is_it(held));
    link.pending
        .retain(|pending| pending.side != side || !pending.is_dead());
    true
}

pub(super) fn set_state(link: &mut Link, side: Side, state: RowState) {
    match side {
        Side::Salesforce => {
            if let Some(end) = &mut link.salesforce {
                end.state = state;
            }
        }
        Side::Automation => {
            if let Some(end) = &mut link.automation {
                end.state = state;
            }
        }
    }
}

/// Points an end at the record in which it lives on; what that shows is not known yet.
fn readdress(link: &mut Link, to: RemoteId) {
    forget_view(link, to.side());
    match to {
        RemoteId::Salesforce(object, id) => {
            if let Some(end) = &mut link.salesforce {
                end.object = object;
                end.id = id;
                end.state = RowState::Live;
                end.modified = Timestamp::ZERO;
                end.written_since = false;
            }
        }
        RemoteId::Automation(Kind::Person | Kind::Company, id) => {
            if let Some(end) = &mut link.automation {
                end.id = id;
                end.state = RowState::Live;
                end.modified = Timestamp::ZERO;
                end.written_since = false;
            }
        }
    }
}
