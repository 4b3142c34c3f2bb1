//! The lasting pairing of two records, and everything the product remembers about it.
//!
//! A link may hold one end only: a record seen on one side whose counterpart is not known, or must
//! not be made. All that belongs to a person or company is in one value, so that one write to the
//! store changes it as a whole.

use serde::{Deserialize, Serialize};

use super::conflict::Conflict;
use super::consent::{Consent, ConsentState, ConsentView};
use super::failure::Failure;
use super::ids::{
    AutomationId, FieldId, Generation, Kind, LinkId, SalesforceId, SalesforceObject, Side,
};
use super::row::RowState;
use super::time::Timestamp;
use super::value::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub id: LinkId,
    pub kind: Kind,
    pub salesforce: Option<SalesforceEnd>,
    pub automation: Option<AutomationEnd>,
    /// Sorted by field; one entry for each rule that either end carries.
    pub fields: Vec<FieldState>,
    pub consent: ConsentState,
    /// Grows whenever `conflicts` changes.
    pub generation: Generation,
    /// What a person must decide. Sorted by subject, at most one for each.
    pub conflicts: Vec<Conflict>,
    /// Operators' words that are not yet carried out on both sides. Sorted by field.
    pub decided: Vec<Decided>,
    pub decided_consent: Option<Consent>,
    /// Writes that are planned, under way or in doubt; at most one for each side.
    pub pending: Vec<Pending>,
    /// Why nothing is done with this link, if so.
    pub parked: Option<Parked>,
    /// How many of its fields differ because no rule lets the edit travel.
    pub diverged: u8,
    /// Under which it is found on first sight: its e-mail addresses or company names. Sorted.
    pub match_keys: Vec<MatchKey>,
}

/// A stable hash of what pairs records on first sight. Lookups by it are checked against the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatchKey(pub u64);

impl MatchKey {
    /// Of an e-mail address or a company name. Trimmed and lower-cased, as both systems compare.
    /// FNV-1a: it is stored, so it must never change with a compiler or library.
    pub fn new(kind: Kind, text: &str) -> Self {
        let seed = match kind {
            Kind::Person => 0xcbf2_9ce4_8422_2325,
            Kind::Company => 0x9ae1_6a3b_2f90_404f,
        };
        let hash = text
            .trim()
            .to_lowercase()
            .bytes()
            .fold(seed, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        Self(hash)
    }
}

/// What a list of links can be asked for. Worked out from the link alone, kept as an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A person must decide something.
    Conflict,
    /// A write is planned, under way or waiting.
    Pending,
    /// A write was given up.
    Dead,
    /// Some fields differ on purpose.
    Diverged,
    Parked,
    DeletedInSalesforce,
    DeletedInAutomation,
    /// At least one side says that the person must not be mailed.
    OptedOut,
    /// One end only.
    OneSided,
    /// An operator set it aside or took it apart.
    SetAside,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceEnd {
    pub object: SalesforceObject,
    pub id: SalesforceId,
    /// The id under which the person was first linked: activities keep carrying it, so that a
    /// conversion does not send them twice.
    pub first_id: SalesforceId,
    pub state: RowState,
    /// `SystemModstamp` of the last row seen.
    pub modified: Timestamp,
    pub edited_by: Option<String>,
    pub account: Option<SalesforceId>,
    /// We wrote to the record after `modified`: a row no newer than that may be from before it.
    pub written_since: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationEnd {
    pub id: AutomationId,
    pub state: RowState,
    /// `dateModified` or `dateAdded` of the last row seen; zero for companies.
    pub modified: Timestamp,
    pub edited_by: Option<String>,
    pub written_since: bool,
}

/// One mapped pair of fields of one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    pub field: FieldId,
    /// The pair of values last agreed on. The two differ where a system stores a value in its own
    /// form, such as text without its tags.
    pub base: Option<Base>,
    /// What each side shows now; `None` if that end is missing or does not show the field.
    pub salesforce: Option<Value>,
    pub automation: Option<Value>,
    /// When the value now on that side was first seen there; set while it differs from the base.
    pub salesforce_edited: Option<Edited>,
    pub automation_edited: Option<Edited>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    pub salesforce: Value,
    pub automation: Value,
}

/// What an operator decided about one field: these values on the two sides, whatever the rule.
/// Void as soon as a side shows a value that is neither the one decided nor the one they saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub field: FieldId,
    pub target: Base,
    pub saw: Base,
    /// What counts as agreed on once both sides show their target; `None` leaves them unagreed, as
    /// the undo of a resolution does.
    pub agreed: Option<Base>,
}

/// When a value got where it is: after the last look that still showed another, and no later than
/// the record's modified date when it was first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    pub after: Timestamp,
    pub by: Timestamp,
}

/// A write that is on its way: the outbox. Stored before the request leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub side: Side,
    pub write: Intent,
    /// The values that the write carries, sorted by field.
    pub values: Vec<(FieldId, Value)>,
    pub consent: Option<Consent>,
    pub state: PendingState,
    /// Requests made for it so far.
    pub attempts: u8,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// After looking for the person by e-mail and finding nobody.
    Create,
    Update,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingState {
    /// Not sent yet.
    Planned,
    /// Handed to a worker. After a restart this means: in doubt, look before sending again.
    Issued,
    /// Failed in a way that may pass; not before this moment.
    Waiting(Timestamp),
    /// Given up: a person must retry or discard it.
    Dead,
    /// Carries nothing yet: the dates of consent, or an Account, are being asked for first. Stored so
    /// that a restart asks again.
    Asking,
}

/// Why a link is left alone. Counted and shown, never silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parked {
    /// Nothing pairs people but the e-mail, and this one has none.
    NoEmail,
    /// The operator does not sync this object.
    ObjectNotSelected,
    /// A Lead whose e-mail belongs to a linked Contact too.
    ShadowedByContact(LinkId),
    /// A record gone before it was ever linked.
    GoneBeforeLinked,
    /// An operator set it aside until then.
    Quarantined { until: Option<Timestamp> },
    /// An operator took the pair apart.
    Unlinked,
    /// An Account or company that may not be created on the other side.
    CreationNotAllowed,
}

impl Mark {
    pub const ALL: [Self; 10] = [
        Self::Conflict,
        Self::Pending,
        Self::Dead,
        Self::Diverged,
        Self::Parked,
        Self::DeletedInSalesforce,
        Self::DeletedInAutomation,
        Self::OptedOut,
        Self::OneSided,
        Self::SetAside,
    ];
}

impl Link {
    pub const fn new(id: LinkId, kind: Kind) -> Self {
        Self {
            id,
            kind,
            salesforce: None,
            automation: None,
            fields: Vec::new(),
            consent: ConsentState {
                agreed: None,
                opted_out: None,
                salesforce: None,
                automation: None,
            },
            generation: Generation(0),
            conflicts: Vec::new(),
            decided: Vec::new(),
            decided_consent: None,
            pending: Vec::new(),
            parked: None,
            diverged: 0,
            match_keys: Vec::new(),
        }
    }

    /// Every mark that this link bears, sorted.
    pub fn marks(&self) -> Vec<Mark> {
        let gone = |state: Option<RowState>| state.is_some_and(|state| state != RowState::Live);
        let out = |view: Option<ConsentView>| view.is_some_and(|view| view.value.is_out());
        let marks = [
            (Mark::Conflict, !self.conflicts.is_empty()),
            (
                Mark::Pending,
                self.pending.iter().any(|pending| !pending.is_dead()),
            ),
            (Mark::Dead, self.pending.iter().any(Pending::is_dead)),
            (Mark::Diverged, self.diverged > 0),
            (Mark::Parked, self.parked.is_some()),
            (
                Mark::DeletedInSalesforce,
                gone(self.state(Side::Salesforce)),
            ),
            (
                Mark::DeletedInAutomation,
                gone(self.state(Side::Automation)),
            ),
            (
                Mark::OptedOut,
                out(self.consent.salesforce) || out(self.consent.automation),
            ),
            (
                Mark::OneSided,
                self.salesforce.is_none() || self.automation.is_none(),
            ),
            (Mark::SetAside, self.is_set_aside()),
        ];
        marks
            .into_iter()
            .filter(|(_, bears)| *bears)
            .map(|(mark, _)| mark)
            .collect()
    }

    pub fn field(&self, field: FieldId) -> Option<&FieldState> {
        let index = self
            .fields
            .binary_search_by_key(&field, |state| state.field)
            .ok()?;
        Some(&self.fields[index])
    }

    /// The state of a field, made if it is new.
    pub fn field_mut(&mut self, field: FieldId) -> &mut FieldState {
        let index = match self
            .fields
            .binary_search_by_key(&field, |state| state.field)
        {
            Ok(index) => index,
            Err(index) => {
                self.fields.insert(index, FieldState::new(field));
                index
            }
        };
        &mut self.fields[index]
    }

    pub fn pending(&self, side: Side) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.side == side)
    }

    pub fn pending_mut(&mut self, side: Side) -> Option<&mut Pending> {
        self.pending.iter_mut().find(|pending| pending.side == side)
    }

    /// By an operator, not by a rule.
    pub const fn is_set_aside(&self) -> bool {
        matches!(
            self.parked,
            Some(Parked::Quarantined { .. } | Parked::Unlinked)
        )
    }

    /// Both records are there and alive.
    pub fn is_whole(&self) -> bool {
        self.is_live(Side::Salesforce) && self.is_live(Side::Automation)
    }

    pub fn is_live(&self, side: Side) -> bool {
        self.state(side) == Some(RowState::Live)
    }

    pub fn state(&self, side: Side) -> Option<RowState> {
        match side {
            Side::Salesforce => self.salesforce.as_ref().map(|end| end.state),
            Side::Automation => self.automation.as_ref().map(|end| end.state),
        }
    }
}

impl FieldState {
    pub const fn new(field: FieldId) -> Self {
        Self {
            field,
            base: None,
            salesforce: None,
            automation: None,
            salesforce_edited: None,
            automation_edited: None,
        }
    }

    pub const fn on(&self, side: Side) -> Option<&Value> {
        match side {
            Side::Salesforce => self.salesforce.as_ref(),
            Side::Automation => self.automation.as_ref(),
        }
    }

    pub const fn base_on(&self, side: Side) -> Option<&Value> {
        match (&self.base, side) {
            (None, _) => None,
            (Some(base), Side::Salesforce) => Some(&base.salesforce),
            (Some(base), Side::Automation) => Some(&base.automation),
        }
    }

    pub const fn edited(&self, side: Side) -> Option<Edited> {
        match side {
            Side::Salesforce => self.salesforce_edited,
            Side::Automation => self.automation_edited,
        }
    }
}

impl Pending {
    pub const fn is_dead(&self) -> bool {
        matches!(self.state, PendingState::Dead)
    }
}
