//! May this address be mailed? What each side says, since when, and how we know.

use serde::{Deserialize, Serialize};

use super::ids::Side;
use super::time::Timestamp;

/// What one side says about mailing a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Consent {
    /// May be mailed.
    In,
    /// Must not be mailed.
    Out(Reason),
    /// The address bounced. Not an opt-out: it never travels and the sync never undoes it.
    Bounced,
}

impl Consent {
    pub const fn is_out(self) -> bool {
        matches!(self, Self::Out(_))
    }
}

/// Why a person opted out. Ordered from poorer to richer; a richer one is never overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Salesforce's checkbox says no more than this.
    Unstated,
    /// Automation's reason 3: set by a user or an integration.
    Manual,
    /// Automation's reason 1: by the person, through a link.
    Unsubscribed,
}

/// When something happened, as closely as we know: not before `earliest`, not after `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dated {
    pub earliest: Timestamp,
    pub latest: Timestamp,
    pub proof: Proof,
}

impl Dated {
    pub const fn exactly(at: Timestamp, proof: Proof) -> Self {
        Self {
            earliest: at,
            latest: at,
            proof,
        }
    }
}

/// What dates a consent. A record's own modified date is never one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A row of `LeadHistory` or `ContactHistory`.
    FieldHistory,
    /// Automation's do-not-contact record or its audit log.
    DatedRecord,
    /// We saw the record one way, then the other way.
    Observation,
    /// An operator with a reason.
    Operator,
}

/// The last dated changes of consent that a side can show for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Evidence {
    pub opted_out: Option<Dated>,
    pub opted_in: Option<Dated>,
}

/// One side of a link's consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConsentView {
    pub value: Consent,
    /// When this value was first and last seen on the record.
    pub since: Timestamp,
    pub seen: Timestamp,
    pub evidence: Evidence,
}

/// What a link knows about consent. `agreed` is the base: what both sides last had in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ConsentState {
    pub agreed: Option<Consent>,
    /// When the opt-out happened that is agreed on or on its way.
    pub opted_out: Option<Dated>,
    pub salesforce: Option<ConsentView>,
    pub automation: Option<ConsentView>,
}

impl ConsentState {
    /// What a side shows, if its record was read.
    pub const fn on(&self, side: Side) -> Option<ConsentView> {
        match side {
            Side::Salesforce => self.salesforce,
            Side::Automation => self.automation,
        }
    }

    pub const fn on_mut(&mut self, side: Side) -> &mut Option<ConsentView> {
        match side {
            Side::Salesforce => &mut self.salesforce,
            Side::Automation => &mut self.automation,
        }
    }

    /// An opt-out was agreed on, or is on its way to the other side.
    pub fn is_suppressed(&self) -> bool {
        self.agreed.is_some_and(Consent::is_out) || self.opted_out.is_some()
    }
}
