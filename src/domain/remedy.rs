//! What can be mended from here, and what mending it would send. Everything adds: no remedy changes or
//! weakens what is there, but for the webhook that is ours.

use serde::{Deserialize, Serialize};

use super::ids::{Kind, SalesforceObject, Side};

/// The timeline object without a prefix.
pub const TIMELINE: &str = "mautic_timeline__c";

/// The field for “ID Webmecanik” of the set-up guide.
pub const ID_FIELD: &str = "ID_Webmecanik__c";

/// The field that says who must not be mailed.
pub const OPT_OUT_FIELD: &str = "HasOptedOutOfEmail";

/// The boolean field for what was deleted, if the mapping names none.
pub const DELETED_FIELD: &str = "deleted_in_salesforce";

/// One thing to make in one system. It carries all that decides what is made, so that what was
/// previewed is what is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// The timeline object with its fields, and our user's right to them.
    Timeline,
    /// Fields of it that are missing, without the prefix, and our user's right to all of them.
    TimelineFields(Vec<String>),
    /// Salesforce may call this address.
    RemoteSite(String),
    /// Salesforce's pages may load from this address.
    TrustedSite(String),
    /// Our user may see and write these fields: object and field by their API names.
    GrantFields(Vec<(String, String)>),
    /// Our user may see these fields.
    ShowFields(Vec<(String, String)>),
    /// The history of opt-outs is kept.
    TrackHistory(Vec<SalesforceObject>),
    /// A number for Automation's id, as an external id.
    IdField(Vec<SalesforceObject>),
    /// A boolean field with this alias, published, for segments to filter by.
    DeletedField(Kind, String),
    /// A segment of everybody whose field with this alias is set.
    DeletedSegment(String),
    /// Automation posts to this address of ours, for the events that we look at: one webhook, made or put
    /// right.
    Webhook(String),
}

impl Remedy {
    /// The system that it changes.
    pub const fn side(&self) -> Side {
        match self {
            Self::DeletedField(..) | Self::DeletedSegment(_) | Self::Webhook(_) => Side::Automation,
            _ => Side::Salesforce,
        }
    }

    /// For the audit.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Timeline => "timeline object",
            Self::TimelineFields(_) => "timeline fields",
            Self::RemoteSite(_) => "remote site",
            Self::TrustedSite(_) => "trusted site",
            Self::GrantFields(_) => "field permissions",
            Self::ShowFields(_) => "field visibility",
            Self::TrackHistory(_) => "field history",
            Self::IdField(_) => "id field",
            Self::DeletedField(..) => "deleted field",
            Self::DeletedSegment(_) => "deleted segment",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Only our user sees what was made: everybody else waits for an administrator.
    pub const fn is_ours_alone(&self) -> bool {
        matches!(
            self,
            Self::Timeline | Self::TimelineFields(_) | Self::IdField(_)
        )
    }
}

/// Exactly what a remedy would send.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    /// In order; nothing if all of it is there already.
    pub steps: Vec<Step>,
    /// What the system refused of a trial run that changed nothing; nothing if it would take it, or
    /// offers no trial.
    pub refusals: Vec<String>,
    /// Whether there was a trial run.
    pub is_tried: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Method and address: `POST /services/data/v62.0/metadata/deployRequest`.
    pub request: String,
    /// The name of a file within it, or nothing.
    pub file: String,
    /// The file's text, or the request's body.
    pub content: String,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mended {
    /// In the systems' own names; nothing if all of it was there already.
    pub made: Vec<String>,
    /// What was refused of it, and why.
    #[serde(default)]
    pub refused: Vec<String>,
}
