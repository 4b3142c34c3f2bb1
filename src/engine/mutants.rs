//! Bugs planted on purpose, for the simulation to find: a test that has never failed proves nothing.

use crate::domain::consent::{Consent, Dated, Proof};
use crate::domain::ids::{FieldId, LinkId, RemoteId, Side};
use crate::domain::link::{Intent, Link, Pending, PendingState};
use crate::domain::record::Happened;
use crate::domain::request::{RowOutcome, RowWrite, Target, WrittenRow};
use crate::domain::row::{Row, RowState};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::work::Desk;

/// One planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A write is sent again although nothing differs.
    NoEchoSuppression,
    /// Of two words on consent, the one seen last wins.
    LatestConsentWins,
    /// A batch that was answered counts as done, whatever its rows say.
    NoRowResults,
    CreatesWithoutLooking,
    /// A creation that was not answered is looked for at once, and made again.
    CreatesAgainAtOnce,
    /// Writes without reading the record again.
    NoPreRead,
    /// Equal on both sides is agreed, opted out before or not.
    BothEqualIsAgreed,
    NoOverlap,
    /// The lost edit is stored after the write that overwrites it.
    LostEditStoredLate,
    /// The cursor is stored before the rows that it covers.
    CursorBeforeData,
    /// Rows with the same stamp as the last one of a page are skipped.
    TiesDropped,
    /// An opt-in needs no proof that it is newer than the opt-out.
    OptInWithoutProof,
    /// The opt-in is written even if the record changed since it was read.
    OptInUnguarded,
    /// An activity's reference is another one at each attempt.
    NewReferenceOnRetry,
    /// Whoever was agreed on under the old rules is not looked at by the new ones.
    NoReview,
}

impl Engine {
    pub(super) fn is_mutant(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Bugs in judging a link, planted before it is judged.
    pub(super) fn plant_before(&mut self, link: &mut Link, now: Timestamp) {
        let consent = &mut link.consent;
        let (Some(salesforce), Some(automation)) = (consent.salesforce, consent.automation) else {
            return;
        };
        let are_in = [salesforce, automation].map(|view| view.value == Consent::In);
        if self.is_mutant(Mutant::BothEqualIsAgreed) && are_in == [true, true] {
            consent.agreed = Some(Consent::In);
            consent.opted_out = None;
        }
        let is_later = match are_in {
            [true, false] => salesforce.since >= automation.since,
            [false, true] => automation.since >= salesforce.since,
            _ => return,
        };
        let believes = self.is_mutant(Mutant::LatestConsentWins) && is_later
            || self.is_mutant(Mutant::OptInWithoutProof);
        if believes && consent.agreed.is_some_and(Consent::is_out) {
            let claims = if are_in[0] {
                &mut consent.salesforce
            } else {
                &mut consent.automation
            };
            if let Some(view) = claims {
                let later = Timestamp(now.0 + 86_400_000);
                view.evidence.opted_in = Some(Dated::exactly(later, Proof::Observation));
            }
            self.fresh.insert(link.id);
        }
    }

    /// Bugs in what follows from judging a link, planted after it was judged.
    pub(super) fn plant_after(&self, link: &mut Link) {
        let field = FieldId(3);
        let shown = link.field(field).and_then(|state| state.automation.clone());
        let Some(shown) = shown.filter(|_| link.is_whole() && link.pending.is_empty()) else {
            return;
        };
        if self.is_mutant(Mutant::NoEchoSuppression) {
            link.pending.push(Pending {
                side: Side::Automation,
                write: Intent::Update,
                values: vec![(field, shown)],
                consent: None,
                state: PendingState::Planned,
                attempts: 0,
                failure: None,
            });
        }
    }

    /// Without the read before a write, everything counts as there.
    pub(super) fn rows_as_looked_at(
        &self,
        pairs: &[(LinkId, RemoteId)],
        rows: Vec<Row>,
    ) -> Vec<Row> {
        if !self.is_mutant(Mutant::NoPreRead) {
            return rows;
        }
        let known = pairs.iter().map(|(_, id)| Row {
            id: *id,
            modified: None,
            edited_by: None,
            state: RowState::Live,
            values: Vec::new(),
            consent: None,
            account: None,
        });
        known.collect()
    }

    pub(super) fn plant_outcomes(&self, rows: &[RowWrite], outcomes: &mut Vec<RowOutcome>) {
        if !self.is_mutant(Mutant::NoRowResults) {
            return;
        }
        for (row, outcome) in rows.iter().zip(outcomes) {
            if let (Target::Existing(id), true) = (row.target, outcome.result.is_err()) {
                outcome.result = Ok(WrittenRow {
                    id,
                    created: false,
                    modified: None,
                    stored: None,
                });
            }
        }
    }

    pub(super) fn plant_late_history(
        &self,
        desk: &mut Desk,
        now: Timestamp,
        (side, row): (Side, &RowWrite),
        before: &Link,
    ) {
        if !self.is_mutant(Mutant::LostEditStoredLate) {
            return;
        }
        for (field, by) in &row.values {
            let Some(state) = before.field(*field) else {
                continue;
            };
            if let Some(lost) = state
                .on(side)
                .filter(|lost| state.base_on(side) != Some(*lost))
            {
                let what = Happened::Overwritten {
                    side,
                    field: *field,
                    lost: lost.clone(),
                    by: by.clone(),
                };
                desk.history(row.link, now, self.cycle.run, what);
            }
        }
    }
}
