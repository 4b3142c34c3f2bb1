//! What a judgement leaves behind: writes on their way, conflicts, questions.

use super::{Case, Planned};
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::ids::{Generation, Side};
use crate::domain::link::{Intent, Link, Pending, PendingState};

impl Case<'_> {
    pub(super) fn finish(&mut self, link: &mut Link) {
        self.keep_refused_writes(link);
        self.put_pending(link);
        self.put_conflicts(link);
        link.diverged = self.diverged;
    }

    /// A write that a side refused as a whole stays a conflict as long as it would be the same.
    fn keep_refused_writes(&mut self, link: &Link) {
        for side in Side::BOTH {
            let subject = Subject::Write(side);
            let Some(old) = link
                .conflicts
                .iter()
                .find(|conflict| conflict.subject == subject)
            else {
                continue;
            };
            let is_same = link.pending(side).is_some_and(|pending| {
                pending.is_dead() && same_write(pending, &self.writes[side as usize])
            });
            let is_unseen = is_unseen(&old.cause) && link.is_live(side);
            if is_same || is_unseen {
                self.conflicts.insert(subject, old.cause.clone());
            }
        }
    }

    /// Replaces what is planned; leaves alone what is under way, and what would be the same again.
    fn put_pending(&mut self, link: &mut Link) {
        link.pending
            .retain(|pending| pending.state != PendingState::Asking);
        for side in Side::BOTH {
            let planned = std::mem::take(self.write_mut(side));
            let old = link.pending.iter().position(|pending| pending.side == side);
            if let Some(index) = old {
                let pending = &mut link.pending[index];
                if pending.state == PendingState::Issued || self.may_come(pending, &planned) {
                    continue;
                }
                if same_write(pending, &planned) {
                    // A wait that is over ends here, and nowhere else.
                    if matches!(pending.state, PendingState::Waiting(until) if until <= self.context.now)
                    {
                        pending.state = PendingState::Planned;
                    }
                    continue;
                }
                link.pending.remove(index);
            }
            if planned.is_nothing() {
                continue;
            }
            link.pending.push(Pending {
                side,
                write: if planned.is_create {
                    Intent::Create
                } else {
                    Intent::Update
                },
                values: planned.values,
                consent: planned.consent,
                state: PendingState::Planned,
                attempts: 0,
                failure: None,
            });
        }
        self.put_asking(link);
        link.pending.sort_by_key(|pending| pending.side);
    }

    /// Whether a creation that was not answered may still be done, and nothing else is to be written there:
    /// also whoever is asked about, or takes over, has to wait for it.
    fn may_come(&self, pending: &Pending, planned: &Planned) -> bool {
        let waits =
            matches!(pending.state, PendingState::Waiting(until) if until > self.context.now);
        pending.write == Intent::Create && waits && planned.is_nothing()
    }

    /// What waits for an answer must be found again after a restart; a write of that side that is on
    /// its way already sees to it.
    fn put_asking(&self, link: &mut Link) {
        let asking = [
            (
                Side::Salesforce,
                self.done.asks_for_account.is_some() || self.done.waits_for_account,
            ),
            (Side::Automation, self.done.asks_for_evidence),
        ];
        for (side, asks) in asking {
            if asks && link.pending(side).is_none() {
                link.pending.push(Pending {
                    side,
                    write: Intent::Update,
                    values: Vec::new(),
                    consent: None,
                    state: PendingState::Asking,
                    attempts: 0,
                    failure: None,
                });
            }
        }
    }

    fn put_conflicts(&mut self, link: &mut Link) {
        let wanted = std::mem::take(&mut self.conflicts);
        let is_same = link.conflicts.len() == wanted.len()
            && link
                .conflicts
                .iter()
                .zip(&wanted)
                .all(|(old, (subject, cause))| old.subject == *subject && old.cause == *cause);
        if is_same {
            return;
        }
        let old = std::mem::take(&mut link.conflicts);
        for (subject, cause) in wanted {
            let known = old.iter().find(|conflict| conflict.subject == subject);
            if known.is_none() {
                self.done.raised.push(subject);
            }
            let raised = match known {
                Some(conflict) if conflict.cause == cause => conflict.raised,
                _ => self.context.now,
            };
            link.conflicts.push(Conflict {
                subject,
                cause,
                raised,
            });
        }
        link.generation = Generation(link.generation.0 + 1);
    }
}

/// The side does not show the record, and said nothing of a deletion.
pub const NOT_VISIBLE: &str = "NOT_VISIBLE";

/// Held until the record shows again.
pub fn is_unseen(cause: &Cause) -> bool {
    matches!(cause, Cause::Refused { failure, .. } if failure.code == NOT_VISIBLE)
}

/// A creation is the same whatever it carries: its values are put together when it is sent.
fn same_write(pending: &Pending, planned: &Planned) -> bool {
    let is_create = pending.write == Intent::Create;
    is_create == planned.is_create
        && (is_create || pending.consent == planned.consent && pending.values == planned.values)
}
