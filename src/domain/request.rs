//! What the engine asks of the two systems, and what they answer. Plain data: a worker carries a
//! request to a port and the answer back, and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::activity::{Activity, ActivityRow};
use super::consent::{Consent, Evidence};
use super::cursor::{Position, Stream};
use super::failure::Failure;
use super::ids::{
    AutomationId, FieldId, Kind, LinkId, RemoteId, SalesforceId, SalesforceObject, Side,
};
use super::mapping::{Mapping, Policy};
use super::row::Row;
use super::time::{Span, Timestamp};
use super::value::{Value, ValueType};

#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Salesforce(SalesforceRequest),
    Automation(AutomationRequest),
}

#[derive(Debug, Clone, PartialEq)]
pub enum SalesforceRequest {
    /// Organisation, objects, fields, users, in as few calls as possible.
    Describe(Arc<Policy>),
    /// The next rows of each open stream. One call when little has changed.
    Changes {
        mapping: Arc<Mapping>,
        windows: Vec<Window>,
    },
    /// These records as they are now, deleted ones included, in any number.
    Rows {
        mapping: Arc<Mapping>,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    },
    /// All live, unconverted records of the objects with one of these e-mail addresses, and Accounts
    /// with one of these names. Compared as the platform does: without case.
    Find {
        mapping: Arc<Mapping>,
        objects: Vec<SalesforceObject>,
        emails: Vec<String>,
        accounts: Vec<String>,
    },
    /// The field history of `HasOptedOutOfEmail`.
    Evidence {
        ids: Vec<(SalesforceObject, SalesforceId)>,
    },
    Write {
        mapping: Arc<Mapping>,
        rows: Vec<RowWrite>,
    },
    SendActivities {
        namespace: String,
        rows: Vec<ActivityRow>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum AutomationRequest {
    Describe(Arc<Policy>),
    Changes {
        mapping: Arc<Mapping>,
        window: Window,
    },
    Audit {
        after: u64,
    },
    Rows {
        mapping: Arc<Mapping>,
        ids: Vec<(Kind, AutomationId)>,
    },
    /// Contacts with exactly one of these e-mail addresses, companies with exactly one of these names.
    Find {
        mapping: Arc<Mapping>,
        emails: Vec<String>,
        companies: Vec<String>,
    },
    /// Dates of do-not-contact: the current rows and the audit log's changes.
    Evidence {
        ids: Vec<AutomationId>,
    },
    Write {
        mapping: Arc<Mapping>,
        rows: Vec<RowWrite>,
    },
    /// One page of one type of event in `[from, until)`.
    Activities {
        kind: String,
        from: Timestamp,
        until: Timestamp,
        page: u32,
    },
}

/// Part of a stream: rows with `from <= modified < until` that come after `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub stream: Stream,
    pub from: Timestamp,
    pub until: Timestamp,
    pub after: Option<Position>,
}

impl Window {
    /// Salesforce tells for so long what was deleted.
    pub const DELETED_REACH: Span = Span::days(15);

    /// From when on deleted records are to be listed too, if they are: with the first window that reaches
    /// into another day. Once a record left the Recycle Bin no query shows it, and the list is all that
    /// tells of it. It goes back further than the window, so that a list that failed is made up for.
    /// Before the first reading nobody is known who could be missed.
    pub fn lists_deleted_since(&self) -> Option<Timestamp> {
        let day = |at: Timestamp| at.seconds().div_euclid(86_400);
        let is_first = self.after.is_none() && self.from > Timestamp::ZERO;
        (is_first && day(self.from) != day(self.until)).then(|| {
            let reach = self.until - Self::DELETED_REACH + Span::hours(1);
            reach.max(self.from - Span::days(2))
        })
    }
}

/// One record to create or change.
#[derive(Debug, Clone, PartialEq)]
pub struct RowWrite {
    pub link: LinkId,
    pub target: Target,
    /// Only what changes; for a creation every mapped value that is not blank. A blank clears.
    /// Values of special roles are already worked out: an owner is a user's id, a Contact's account
    /// an Account's id, a contact's company its name.
    pub values: Vec<(FieldId, Value)>,
    /// To be written in the same request, before anything else where the system needs two steps.
    pub consent: Option<Consent>,
    /// Refuse with [`FailureKind::Stale`](super::failure::FailureKind::Stale) if the record changed
    /// after this moment. Salesforce: a conditional request, 25 per call instead of 1,000.
    pub unless_modified_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    NewSalesforce(SalesforceObject),
    NewAutomation(Kind),
    Existing(RemoteId),
}

impl Target {
    pub const fn side(self) -> Side {
        match self {
            Self::NewSalesforce(_) => Side::Salesforce,
            Self::NewAutomation(_) => Side::Automation,
            Self::Existing(id) => id.side(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    SalesforceDescribed(Box<SalesforceDescription>),
    AutomationDescribed(Box<AutomationDescription>),
    /// For each window that was asked for, its rows in order.
    Changes(Vec<Page>),
    Audit(AuditPage),
    /// Records that are not there any more are absent. A merged Automation contact is answered under
    /// the id that was asked for, with the state that names the winner.
    Rows(Vec<Row>),
    Evidence(Vec<(RemoteId, Evidence)>),
    /// One outcome for each row of the request, in its order.
    Written(Vec<RowOutcome>),
    Activities(ActivityPage),
    ActivitiesSent(Vec<ActivityOutcome>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub stream: Stream,
    pub rows: Vec<Row>,
    /// Records that were deleted and left the Recycle Bin: listed, and not there by their id. Of
    /// Salesforce, and only where the window [lists them](Window::lists_deleted_since).
    pub purged: Vec<RemoteId>,
    /// The window may hold more after the last of these rows.
    pub is_last: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Number of the last row read, whether it mattered or not.
    pub after: u64,
    pub is_last: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: AutomationId,
    pub kind: Kind,
    pub at: Timestamp,
    pub what: AuditedChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditedChange {
    Deleted,
    /// The merge's loser was `id`.
    MergedInto(AutomationId),
    /// The e-mail channel of do-not-contact changed.
    Consent(Consent),
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowOutcome {
    pub link: LinkId,
    pub result: Result<WrittenRow, Failure>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WrittenRow {
    /// The record that was written; for Automation not always the one that was addressed.
    pub id: RemoteId,
    pub created: bool,
    /// The record's modified date after the write, where the answer says it.
    pub modified: Option<Timestamp>,
    /// The written fields as the system now shows them, where the answer says it; `None` where it
    /// does not (Salesforce).
    pub stored: Option<Vec<(FieldId, Value)>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ActivityPage {
    /// In the order of the answer; types that were not asked for are left out.
    pub activities: Vec<Activity>,
    /// Events of contacts in the window that lack what an activity needs: counted, never sent.
    pub unreadable: u64,
    pub is_last: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ActivityOutcome {
    pub reference: String,
    pub result: Result<ActivitySent, Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivitySent {
    Created,
    /// The reference was there already: an earlier attempt or the plugin before us.
    AlreadyThere,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SalesforceDescription {
    /// 18-character organisation id.
    pub organisation: String,
    pub organisation_name: String,
    pub is_sandbox: bool,
    pub api_version: String,
    pub objects: BTreeMap<String, Vec<FieldDescription>>,
    /// The timeline object under the configured prefix, if the user may see it.
    pub timeline: Option<Vec<FieldDescription>>,
    pub users: Vec<User>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AutomationDescription {
    /// Scheme and host: what the store is bound to.
    pub instance: String,
    pub version: String,
    pub contact_fields: Vec<FieldDescription>,
    pub company_fields: Vec<FieldDescription>,
    pub activity_types: Vec<String>,
    pub users: Vec<User>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers of the systems about one field"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDescription {
    /// API name or alias.
    pub name: String,
    pub label: String,
    /// `None` for types the sync does not carry, such as addresses.
    pub value_type: Option<ValueType>,
    /// Longest text in characters, if limited.
    pub length_max: Option<u32>,
    /// It may take less than that, and the system does not tell how much.
    #[serde(default)]
    pub hides_length: bool,
    pub decimals: Option<u8>,
    pub is_required: bool,
    pub access: FieldAccess,
    pub is_unique: bool,
    /// May be used as the key of an upsert.
    pub is_upsert_key: bool,
    /// The only values allowed, if the list is closed.
    pub choices: Option<Vec<String>>,
}

impl FieldDescription {
    /// A closed list whose values are not told: countries, regions, languages, time zones.
    pub fn hides_choices(&self) -> bool {
        self.value_type == Some(ValueType::Choice) && self.choices.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldAccess {
    ReadOnly,
    CreateOnly,
    UpdateOnly,
    Writable,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    /// Lower-cased, without the `.invalid` that a sandbox refresh appends.
    pub email: String,
    pub name: String,
    pub is_active: bool,
}

/// What a request cost, whether it worked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Calls that the system counts against its limit (Salesforce), or requests (Automation).
    pub calls: u32,
    /// The remote's clock in its last answer.
    pub server_time: Option<Timestamp>,
    /// The day's calls of the whole organisation, of every program: used and allowed.
    pub limit: Option<(u32, u32)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_records_are_listed_once_a_day_and_no_further_back_than_they_are_told() {
        let hours = |n: i64| Timestamp::from_seconds(n * 3_600);
        let window = |from, until| Window {
            stream: Stream::Leads,
            from: hours(from),
            until: hours(until),
            after: None,
        };
        let since = |from, until| window(from, until).lists_deleted_since();
        assert_eq!(since(1_000 * 24 + 1, 1_000 * 24 + 23), None, "the same day");
        assert_eq!(
            since(1_000 * 24 + 23, 1_001 * 24),
            Some(hours(998 * 24 + 23))
        );
        assert_eq!(since(900 * 24, 1_000 * 24), Some(hours(985 * 24 + 1)));
        assert_eq!(since(0, 1_000 * 24), None, "nobody is known yet");
        let mut later = window(1_000 * 24 + 23, 1_001 * 24);
        later.after = Some(Position::Id(AutomationId(1)));
        assert_eq!(
            later.lists_deleted_since(),
            None,
            "with its first page only"
        );
    }
}
