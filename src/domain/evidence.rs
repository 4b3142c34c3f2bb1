//! What the two systems and this machine show of the set-up, as it was read. Each part is there, or
//! says why it could not be read: what is not readable is unknown, never good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::drift::Descriptions;
use super::failure::Failure;
use super::ids::{Kind, SalesforceObject};
use super::request::{AutomationDescription, FieldDescription, SalesforceDescription, User};
use super::time::{Span, Timestamp};
use super::value::ValueType;
use super::webhook::Registered;

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part<T> {
    Read(T),
    /// Not readable, and why, in the system's words.
    Unread(String),
}

/// Both systems, and when they were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub at: Timestamp,
    /// Or why the organisation does not even describe itself.
    pub salesforce: Result<SalesforceEvidence, Failure>,
    pub automation: Result<AutomationEvidence, Failure>,
    /// `None`: this instance receives no webhooks.
    pub webhook: Option<Part<Registered>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceEvidence {
    pub description: SalesforceDescription,
    /// Their clock against ours; more than zero if theirs is ahead.
    pub clock_ahead: Part<Span>,
    /// Calls used and allowed in 24 hours, if an answer said so.
    pub limit: Option<(u32, u32)>,
    pub token: Part<TokenFacts>,
    /// The prefix of what is made in this organisation; empty if it has none.
    pub namespace: Part<String>,
    /// What our user may do with each object that it sees at all.
    pub rights: BTreeMap<String, ObjectRights>,
    /// `Lead.Phone`: fields whose visibility is a matter of field-level security, as far as we see
    /// them.
    pub grantable: BTreeSet<String>,
    /// `Lead.Rating`: the active values of every pick list, whether it is closed or not.
    pub picklists: BTreeMap<String, Vec<String>>,
    /// The mapped fields and those of the guide that exist, whoever may see them.
    pub fields: Part<Vec<DefinedField>>,
    /// Whether the history of an object can be read.
    pub history: BTreeMap<SalesforceObject, Part<()>>,
    /// Custom objects that are called like the timeline, by their full names, whatever their prefix and
    /// whoever may see them.
    pub timelines: Part<Vec<String>>,
    /// The timeline object's fields; `None` if our user sees no such object.
    pub timeline: Option<Vec<Column>>,
    pub layouts: Part<Vec<Layout>>,
    pub remote_sites: Part<Vec<Site>>,
    pub trusted_sites: Part<Vec<Site>>,
    /// Active ones only.
    pub validation_rules: Part<Vec<Rule>>,
    /// Active ones only.
    pub duplicate_rules: Part<Vec<Rule>>,
    /// Leads that belong to a queue.
    pub queue_owned: Part<u64>,
    /// Addresses of the active users who own records that are synced, in lower case.
    pub owners: Part<BTreeSet<String>>,
    /// Who else than our user made rows of the timeline object in the last day.
    pub writers: Part<Vec<Writer>>,
}

/// Whose token it is and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFacts {
    pub user: String,
    pub user_name: String,
    /// `None` if the login did not say.
    pub scopes: Option<Vec<String>>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "the platform's own independent check boxes"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ObjectRights {
    pub reads: bool,
    pub creates: bool,
    pub updates: bool,
    pub deletes: bool,
}

/// A field as the set-up tables have it, whoever may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinedField {
    pub object: String,
    pub name: String,
    pub is_tracked: bool,
}

/// A field in the platform's own terms, see `describe`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// `datetime`, `reference`, `textarea`, `double`, `url`, `string`.
    pub kind: String,
    pub length: u32,
    pub precision: u32,
    pub scale: u32,
    pub refers_to: Vec<String>,
    pub is_unique: bool,
    pub is_external_id: bool,
}

/// A page layout of Lead or Contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub object: SalesforceObject,
    pub name: String,
    pub lists: Vec<RelatedList>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedList {
    /// Such as `mautic_timeline__c.WhoId__c`.
    pub name: String,
    pub columns: Vec<String>,
}

/// An address that Salesforce may call or load from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    pub url: String,
    pub is_active: bool,
}

/// A rule that may refuse what is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub object: String,
    pub name: String,
    /// What it tells whoever it refuses, if it says so.
    pub says: String,
}

/// Somebody else who writes what we write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    pub name: String,
    pub rows: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationEvidence {
    /// Where it answers.
    pub instance: String,
    /// The parts of its description, each of which a role may close.
    pub version: Part<String>,
    pub activity_types: Part<Vec<String>>,
    pub contact_fields: Part<Vec<FieldDescription>>,
    pub company_fields: Part<Vec<FieldDescription>>,
    pub users: Part<Vec<User>>,
    /// As [`SalesforceEvidence::clock_ahead`].
    pub clock_ahead: Part<Span>,
    /// Who we are there.
    pub user: Part<String>,
    /// What was tried, and whether we are let in.
    pub areas: BTreeMap<Area, Part<()>>,
    pub fields: Part<Vec<FieldState>>,
    pub segments: Part<Vec<Segment>>,
    /// Connectors that made or identified contacts in the last day.
    pub writers: Part<Vec<Writer>>,
}

/// What a role of Automation opens or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    Contacts,
    Companies,
    Fields,
    Segments,
    Users,
    /// Without it neither deletions nor the dates of opt-outs are seen.
    AuditLog,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    pub kind: Kind,
    pub alias: String,
    /// `None` for types that the sync does not carry.
    pub value_type: Option<ValueType>,
    pub is_published: bool,
    /// Segments may filter by it.
    pub is_listable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub name: String,
    pub is_published: bool,
    pub filters: Vec<Filter>,
}

/// What a segment asks of a field: `crm_deleted = 1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub field: String,
    pub operator: String,
    pub value: String,
}

/// The machine that this process runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub files: Part<Files>,
    /// Whether a process serves the instance right now.
    pub is_served: bool,
    /// Whether a service unit for it is installed.
    pub unit: Part<bool>,
}

/// How the instance's files may be read and written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Files {
    /// Files and folders that were looked at.
    pub checked: u64,
    /// Those that others than their owner can get at, with their modes: `tokens 0644`.
    pub open: Vec<String>,
    /// Where the key of the kept secrets is, if it lies among them: a copy of them opens them.
    #[serde(default)]
    pub key_inside: Option<String>,
}

impl<T> Part<T> {
    pub const fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread(_) => None,
        }
    }
}

impl Evidence {
    /// Both systems as they described themselves, if both did.
    pub fn descriptions(&self) -> Option<Descriptions> {
        Some(Descriptions {
            at: self.at,
            salesforce: self.salesforce.as_ref().ok()?.description.clone(),
            automation: self.automation.as_ref().ok()?.description()?,
        })
    }
}

impl AutomationEvidence {
    /// As the instance describes itself, if the role lets us see all of it but the users.
    pub fn description(&self) -> Option<AutomationDescription> {
        Some(AutomationDescription {
            instance: self.instance.clone(),
            version: self.version.read()?.clone(),
            contact_fields: self.contact_fields.read()?.clone(),
            company_fields: self.company_fields.read()?.clone(),
            activity_types: self.activity_types.read()?.clone(),
            users: self.users.read().cloned().unwrap_or_default(),
        })
    }
}

impl Filter {
    /// Whether it takes those in whose boolean field is set, and nobody else.
    pub fn is_set(&self, alias: &str) -> bool {
        let is_yes = matches!(self.value.trim(), "1" | "true");
        let is_no = matches!(self.value.trim(), "0" | "false");
        let takes_set = match self.operator.as_str() {
            "=" => is_yes,
            "!=" => is_no,
            _ => false,
        };
        self.field == alias && takes_set
    }
}

impl Area {
    pub const ALL: [Self; 6] = [
        Self::Contacts,
        Self::Companies,
        Self::Fields,
        Self::Segments,
        Self::Users,
        Self::AuditLog,
    ];
}
