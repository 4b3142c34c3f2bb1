//! Writes on their way out: what was read again is issued, made durable, gathered into full requests.

use std::sync::Arc;

use crate::domain::command::Fact;
use crate::domain::consent::Consent;
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Intent, PendingState};
use crate::domain::record::Happened;
use crate::domain::request::{AutomationRequest, Request, RowWrite, SalesforceRequest, Target};
use crate::domain::time::Timestamp;
use crate::engine::outcomes::write_kind;
use crate::engine::work::{Desk, Job, Then, Work};
use crate::engine::{Brake, Engine, Writes};

/// Rows in one write request: five collections of 200 fill one Composite.
const WRITE_MAX: usize = 1_000;

impl Engine {
    /// The records were just read again: what is still wanted leaves now.
    pub(super) fn issue(&mut self, desk: &mut Desk, now: Timestamp, side: Side, links: &[LinkId]) {
        let mut writes = Vec::with_capacity(links.len());
        for id in links {
            // Rows that told nothing new were not settled; their plan must be as fresh as theirs.
            if !desk.lost.contains_key(id) {
                self.settle(desk, *id, now);
            }
            let Some(link) = desk.links.get(id) else {
                continue;
            };
            let Some(pending) = link.pending(side) else {
                continue;
            };
            if pending.state != PendingState::Planned || pending.write != Intent::Update {
                continue;
            }
            let Some(record) = link.remote(side) else {
                continue;
            };
            // An operator's word and an opt-in go only onto the record that was looked at.
            let is_guarded = !link.decided.is_empty()
                || pending.consent.is_some_and(|consent| !consent.is_out());
            #[cfg(test)]
            let is_guarded =
                is_guarded && !self.is_mutant(crate::engine::mutants::Mutant::OptInUnguarded);
            let modified = match side {
                Side::Salesforce => link.salesforce.as_ref().map(|end| end.modified),
                Side::Automation => link.automation.as_ref().map(|end| end.modified),
            };
            writes.push(RowWrite {
                link: *id,
                target: Target::Existing(record),
                values: pending.values.clone(),
                consent: pending.consent,
                unless_modified_since: modified.filter(|_| is_guarded),
            });
        }
        self.send(desk, now, side, writes);
    }

    /// Marks writes as issued and lets them out once that is durable.
    pub(super) fn send(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        writes: Vec<RowWrite>,
    ) {
        for write in writes {
            if self.settings.writes == Writes::Count {
                self.count(desk, side, &write);
                continue;
            }
            if !self.passes_brake(desk, side, &write) {
                self.outbox.hold_back(side, write.link);
                continue;
            }
            self.mark_issued(desk, now, side, &write);
            desk.after.writes[side as usize].push(write);
        }
    }

    /// Durable writes leave in full requests: as soon as one is full, and when nothing under way can
    /// add to the last one. Returns whether any left.
    pub(super) fn send_leaving(&mut self) -> bool {
        let mut begun = false;
        for side in Side::BOTH {
            while !self.side(side).leaving.is_empty() {
                let is_full = self.side(side).leaving.len() >= WRITE_MAX;
                if !is_full && self.is_gathering(side) {
                    break;
                }
                self.send_write(side);
                begun = true;
            }
        }
        begun
    }

    /// Whatever is durable leaves now.
    pub(super) fn send_all_leaving(&mut self, side: Side) {
        while !self.is_stopping && !self.side(side).leaving.is_empty() {
            self.send_write(side);
        }
    }

    /// A durable write leaves before anything changes the link that it belongs to: what leaves is
    /// always what is stored.
    pub(super) fn send_leaving_of(&mut self, desk: &Desk) {
        for side in Side::BOTH {
            let is_touched = |row: &RowWrite| desk.links.contains_key(&row.link);
            while !self.is_stopping && self.side(side).leaving.iter().any(is_touched) {
                self.send_write(side);
            }
        }
    }

    fn is_gathering(&self, side: Side) -> bool {
        let adds = |work: &Work| match work {
            Work::Rows { then, .. } => match then {
                Then::Issue { side: to, .. } | Then::Create { side: to, .. } => *to == side,
                Then::MoveCursor(..) | Then::Recheck { .. } => false,
            },
            _ => false,
        };
        let begun = &self.transactions;
        begun.writes_to(side) || begun.loading.iter().chain(&self.inbox).any(adds)
    }

    fn send_write(&mut self, side: Side) {
        let leaving = &mut self.side_mut(side).leaving;
        let rows: Vec<RowWrite> = leaving.drain(..leaving.len().min(WRITE_MAX)).collect();
        let mapping = Arc::clone(&self.mapping);
        let (job, rows) = (
            Job::Write {
                side,
                rows: rows.clone(),
            },
            rows,
        );
        let request = match side {
            Side::Salesforce => Request::Salesforce(SalesforceRequest::Write { mapping, rows }),
            Side::Automation => Request::Automation(AutomationRequest::Write { mapping, rows }),
        };
        self.request(job, request);
    }

    fn count(&mut self, desk: &Desk, side: Side, write: &RowWrite) {
        self.totals
            .would_write
            .add(side, write_kind(desk, write), 1);
        self.outbox.hold_back(side, write.link);
    }

    fn mark_issued(&mut self, desk: &mut Desk, now: Timestamp, side: Side, write: &RowWrite) {
        let id = write.link;
        if let Some(link) = desk.links.get_mut(&id) {
            if let Some(pending) = link.pending_mut(side) {
                pending.state = PendingState::Issued;
                pending.attempts = pending.attempts.saturating_add(1);
            }
            self.outbox.track(link, now);
            desk.mark_changed(id);
        }
        // The edit that is about to be overwritten is durable before the request leaves.
        #[cfg(test)]
        if self.is_mutant(crate::engine::mutants::Mutant::LostEditStoredLate) {
            return;
        }
        let mut overwritten = desk.lost.remove(&id).unwrap_or_default();
        overwritten.retain(|lost| lost.side == side);
        let known = self.overwritten.remove(&(id, side)).unwrap_or_default();
        for lost in &overwritten {
            // A retry overwrites the same edit, unless somebody typed meanwhile.
            if known.contains(lost) {
                continue;
            }
            let what = Happened::Overwritten {
                side,
                field: lost.field,
                lost: lost.value.clone(),
                by: lost.by.clone(),
            };
            desk.history(id, now, self.cycle.run, what);
        }
        if !overwritten.is_empty() {
            self.overwritten.insert((id, side), overwritten);
        }
    }

    /// A cycle that would overwrite the values of very many stops and asks. Opt-outs always pass.
    fn passes_brake(&mut self, desk: &Desk, side: Side, write: &RowWrite) -> bool {
        let Brake::On {
            links_max,
            percent_max,
        } = self.settings.brake
        else {
            return true;
        };
        if write.consent.is_some_and(Consent::is_out) {
            return true;
        }
        let overwrites = desk.links.get(&write.link).is_some_and(|link| {
            write.values.iter().any(|(field, _)| {
                let there = link.field(*field).and_then(|state| state.on(side));
                there.is_some_and(|there| !there.is_blank())
            })
        });
        if self.cycle.passes > 0 {
            self.cycle.passes -= u64::from(overwrites);
            return true;
        }
        self.cycle.overwrites += u64::from(overwrites);
        let allowed = links_max.max(self.links_total * percent_max / 100);
        let is_too_much = self.cycle.overwrites + self.cycle.deletions > allowed;
        // Once pulled, it holds until a person releases it: over cycles and restarts.
        if !is_too_much && !self.tally.is_braked {
            return true;
        }
        if !self.cycle.is_braked {
            self.cycle.is_braked = true;
            self.tally.is_braked = true;
            let (overwrites, deletions) = (self.cycle.overwrites, self.cycle.deletions);
            self.tell(Fact::BrakePulled {
                overwrites,
                deletions,
            });
        }
        false
    }
}
