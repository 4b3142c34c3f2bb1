//! The check that nobody changed the audit, and what it may find.
//!
//! Every commit with an act or an external write in it adds one seal to a chain: what it covers, a
//! tag of each entry, and a mac over all that and the seal before. See `store/chain.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{LinkId, RunId};
use super::record::{Act, Happened};
use super::time::Timestamp;

/// Findings that are told one by one: whoever rewrote all would fill the memory with them.
pub const FINDINGS_MAX: usize = 100;

impl Happened {
    /// Whether a seal covers it: what was written to a system, what that overwrote, all about consent,
    /// and what operators did. What a system showed by itself can be read there again.
    pub const fn is_sealed(&self) -> bool {
        match self {
            Self::Created(_)
            | Self::Written { .. }
            | Self::Overwritten { .. }
            | Self::StoredAs { .. }
            | Self::ConsentChanged { .. }
            | Self::ConflictResolved { .. }
            | Self::Operator { .. } => true,
            Self::Linked
            | Self::ConflictRaised(_)
            | Self::Deleted(_)
            | Self::Restored(_)
            | Self::Moved { .. }
            | Self::Refused { .. } => false,
        }
    }
}

/// An entry that a seal covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Entry {
    Act(RunId),
    /// One line of a link's history: the commit in which it was added, and which one of it.
    History(LinkId, u64, u32),
    /// An activity of that link that was sent to Salesforce.
    Sent(LinkId),
}

/// One thing that is not as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// An entry is not what was sealed.
    Edited(Entry),
    /// An entry was sealed and is gone.
    Missing(Entry),
    /// An entry of which no seal knows.
    Added(Entry),
    /// The entry that stands here belongs to another place.
    Swapped(Entry),
    /// A seal does not fit its mac: it, or the one before, was changed or written without the key.
    SealEdited(u64),
    /// Seals from the first to the last are gone.
    SealsMissing(u64, u64),
    /// At this place stands the seal of another.
    SealSwapped(u64),
    /// The anchor knows more seals than the store has.
    TailCut { head: u64, anchored: u64 },
    /// The store has another seal there than the anchor saw.
    AnchorDiffers(u64),
    /// A line of the anchor was changed or taken away.
    AnchorEdited(u64),
    /// There was no anchor when the chain stood at that seal already.
    AnchorMissing { path: String, head: u64 },
    /// Seals from the first to the last are under a key that is not there.
    KeyMissing { path: String, first: u64, last: u64 },
    /// A backup was put back that ends with that seal; the anchor knew later ones.
    Restored {
        head: u64,
        until: Timestamp,
        anchored: u64,
    },
}

impl Finding {
    /// The name that scripts and messages know it by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Edited(_) => "edited",
            Self::Missing(_) => "missing",
            Self::Added(_) => "added",
            Self::Swapped(_) => "out-of-order",
            Self::SealEdited(_) => "seal-edited",
            Self::SealsMissing(..) => "seals-missing",
            Self::SealSwapped(_) => "seal-out-of-order",
            Self::TailCut { .. } => "tail-cut",
            Self::AnchorDiffers(_) => "anchor-differs",
            Self::AnchorEdited(_) => "anchor-edited",
            Self::AnchorMissing { .. } => "anchor-missing",
            Self::KeyMissing { .. } => "key-missing",
            Self::Restored { .. } => "restored",
        }
    }

    /// The entry that it is about.
    pub const fn entry(&self) -> Option<Entry> {
        match self {
            Self::Edited(entry)
            | Self::Missing(entry)
            | Self::Added(entry)
            | Self::Swapped(entry) => Some(*entry),
            _ => None,
        }
    }
}

/// The name of the act by which an admin accepts findings. Its object is their tokens.
pub const ACCEPTED: &str = "accept findings";

/// Between the tokens.
const BETWEEN: &str = ", ";

impl Finding {
    /// A name for exactly this finding, if it can have an explanation: a backup that was put back, a
    /// key that was lost, an anchor that did not move along. A later one of the kind has another, since
    /// the chain has grown. Entries and seals that were changed have none: nothing explains them.
    pub fn token(&self) -> Option<String> {
        let code = self.code();
        match self {
            // Before the first seal there is nothing to explain.
            Self::AnchorMissing { head: 0, .. } => None,
            Self::AnchorMissing { head, .. } => Some(format!("{code} {head}")),
            Self::KeyMissing { first, last, .. } => Some(format!("{code} {first}-{last}")),
            Self::Restored { head, anchored, .. } => Some(format!("{code} {head}-{anchored}")),
            _ => None,
        }
    }
}

/// What an act that accepts these is about.
pub fn accepting(tokens: &[String]) -> String {
    tokens.join(BETWEEN)
}

/// A finding with who accepted it, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub finding: Finding,
    pub by: String,
    pub at: Timestamp,
    pub why: String,
}

/// Where a head that was noted elsewhere stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    pub sequence: u64,
    pub at: Timestamp,
}

/// The newest seal. Whoever writes it down elsewhere can tell later whether it is still in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub sequence: u64,
    pub at: Timestamp,
    pub mac: Mac,
}

/// Of a seal.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mac(pub [u8; 32]);

impl Mac {
    /// Before the first seal.
    pub const ZERO: Self = Self([0; 32]);

    /// As much of it as the anchor keeps.
    pub fn short(self) -> String {
        let digits = self.0[..16].iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// A check under way. It begins as [`Check::default`], and the store takes it on step by step until
/// it [is over](Self::is_over).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    pub verdict: Verdict,
    pub stage: Stage,
    /// The seal before the next one.
    pub last: Option<Head>,
    /// What the anchor saw: the number of a seal, and as much of its mac as it keeps.
    pub anchored: BTreeMap<u64, String>,
    /// The highest number that the anchor ever saw, of what a restore took away too.
    pub highest: u64,
    /// Acts that no seal was seen of yet.
    pub acts: BTreeSet<RunId>,
    /// Lines of history that seals cover and that are there, by their commit.
    pub lines: BTreeMap<u64, u32>,
    /// Before this commit nothing was sealed.
    pub began: Option<u64>,
    /// Seals under an unknown key.
    pub unknown: Option<(u64, u64)>,
    /// Up to this act nothing was sealed.
    pub unsealed: Option<RunId>,
    /// Commits before this one were made before the check began, or have their seal looked at.
    pub ended: u64,
    /// Acts that accept findings, each under a seal that holds.
    pub acceptances: Vec<Act>,
    /// The beginning of a mac that is looked for, in the digits that [`Mac::short`] has.
    pub sought: Option<String>,
    pub noted: Option<Noted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    #[default]
    Anchor,
    Acts(Option<RunId>),
    Seals,
    /// Behind that key of the store.
    History(Vec<u8>),
    Over,
}

impl Check {
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    pub fn found(&mut self, finding: Finding) {
        if self.verdict.findings.len() < FINDINGS_MAX {
            self.verdict.findings.push(finding);
        } else {
            self.verdict.more += 1;
        }
    }

    /// At the end: what was accepted is no longer found, and is told with who accepted it.
    pub fn settle(&mut self) {
        let findings = std::mem::take(&mut self.verdict.findings);
        for finding in findings {
            let token = finding.token();
            let is_it = |act: &&Act| {
                let mut tokens = act.object.split(BETWEEN);
                token
                    .as_deref()
                    .is_some_and(|token| tokens.any(|one| one == token))
            };
            match self.acceptances.iter().find(is_it) {
                Some(act) => self.verdict.accepted.push(Accepted {
                    by: act.operator.clone(),
                    at: act.at,
                    why: act.reason.clone(),
                    finding,
                }),
                None => self.verdict.findings.push(finding),
            }
        }
    }
}

/// What a check came to, so far or in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    /// Found, and too many to be told one by one.
    pub more: u64,
    /// Seals looked at.
    pub seals: u64,
    /// Entries that they cover.
    pub entries: u64,
    /// Acts and lines of history from before the first seal.
    pub unsealed: u64,
    pub head: Option<Head>,
    /// Where the anchor is.
    pub anchor: String,
    pub is_over: bool,
    /// Found, and accepted by an admin since.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

impl Verdict {
    pub fn is_whole(&self) -> bool {
        self.is_over && self.findings.is_empty() && self.more == 0
    }
}
