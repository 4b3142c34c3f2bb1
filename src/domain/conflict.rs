//! What no rule can decide, with what a person needs to decide it.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::ids::{FieldId, Generation, LinkId, RemoteId, Side};
use super::time::Timestamp;
use super::value::Value;

/// One thing to decide about a link. Holds that thing only; the rest of the link flows on, except
/// where the identity itself is at stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub subject: Subject,
    pub cause: Cause,
    pub raised: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Identity,
    Deletion,
    Consent,
    /// A write that a side refused as a whole.
    Write(Side),
    Field(FieldId),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Both sides changed the field, differently, and no rule prefers one.
    BothChanged {
        salesforce: Value,
        automation: Value,
    },
    /// First sight: both sides have a value, different, and the arrow goes both ways.
    BothSet {
        salesforce: Value,
        automation: Value,
    },
    /// An edit against the arrow, held for review.
    AgainstArrow { edited: Side, value: Value },
    /// Several records match one e-mail address.
    SeveralMatch { matches: Vec<RemoteId> },
    /// The address would be written to a side where somebody else's record has it.
    EmailTaken {
        side: Side,
        address: Value,
        by: LinkId,
    },
    /// Deleted on one side, edited on the other since.
    DeletedAndEdited { deleted: Side },
    /// One side says in, the other out, and no dated proof tells which is newer.
    ConsentWithoutProof { opted_in: Side },
    /// The record is back from the recycle bin, and the flag of its deletion is still set.
    Restored,
    /// The system refused the write; for a field, of this value.
    Refused {
        side: Side,
        value: Value,
        failure: Failure,
    },
    /// The other system requires a value that is blank.
    RequiredBlank { side: Side, fields: Vec<FieldId> },
    /// The system took the value and kept another.
    NotKept {
        side: Side,
        sent: Value,
        kept: Value,
    },
    /// There is no Account of that name, and none is made: the operator did not allow it, or it failed.
    AccountMissing { name: String },
    /// An act was to be undone, and these are not what it wrote any more. What it would have brought
    /// back stands as the value last agreed on.
    ChangedSince {
        salesforce: Value,
        automation: Value,
    },
    /// Several Accounts have that name.
    SeveralAccounts { name: String },
}

/// An operator's answer to one conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Salesforce's value goes to both.
    Salesforce,
    /// Automation's value goes to both.
    Automation,
    /// The value last agreed on goes to both.
    Base,
    /// This value goes to both.
    Typed(Value),
    /// Leave both as they are and call that the agreement.
    KeepBoth,
    /// Consent: the person must not be mailed, on either side.
    OptOut,
    /// Consent: an operator vouches that the person may be mailed.
    OptIn,
    /// Identity: pair with this record.
    Pair(RemoteId),
    /// Send the same write again.
    Retry,
}

/// An operator's answers for one link, on the generation they looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub link: LinkId,
    pub generation: Generation,
    pub choices: Vec<(Subject, Choice)>,
}
