//! Bugs planted on purpose, for the simulation to find: a test that has never failed proves nothing.

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
    /// Clocks are taken to agree to the second.
    NoClockMargin,
    /// An opt-in needs no proof that it is newer than the opt-out.
    OptInWithoutProof,
    /// The opt-in is written even if the record changed since it was read.
    OptInUnguarded,
    /// An activity's reference is another one at each attempt.
    NewReferenceOnRetry,
}

impl Mutant {
    pub(crate) const ALL: [Self; 14] = [
        Self::NoEchoSuppression,
        Self::LatestConsentWins,
        Self::NoRowResults,
        Self::CreatesWithoutLooking,
        Self::NoPreRead,
        Self::BothEqualIsAgreed,
        Self::NoOverlap,
        Self::LostEditStoredLate,
        Self::CursorBeforeData,
        Self::TiesDropped,
        Self::NoClockMargin,
        Self::OptInWithoutProof,
        Self::OptInUnguarded,
        Self::NewReferenceOnRetry,
    ];
}
