//! Why a decision went the way it did.

use serde::{Deserialize, Serialize};

use super::ids::Side;

/// One rule that applied, in order. The console prints these and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    NotShown(Side),
    Equal,
    AsAgreed,
    FirstSight,
    Changed(Side),
    /// The change emptied the value, and blanks do not travel here.
    BlankNeverClears(Side),
    BlankClears(Side),
    /// *Update blank values* lets the other side's value fill this blank.
    FillsBlank(Side),
    /// The set-up guide's option is off, so the blank stays.
    BlankStays(Side),
    Priority(Side),
    /// The edit is on the side without priority.
    AgainstArrow(Side),
    HeldForReview,
    EditLost(Side),
    Later(Side),
    NotDated,
    BothWays,
}
