//! Events of Automation's timeline on their way to the timeline object in Salesforce.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::ids::{AutomationId, LinkId, SalesforceId, SalesforceObject};
use super::time::{Span, Timestamp};

/// One event as Automation shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The event in the spelling of the plugin that came before: `PointGained1531`,
    /// `Segment_membership274`, a bare number for page hits.
    pub reference: String,
    pub contact: AutomationId,
    /// Key of its type, such as `email.read`.
    pub kind: String,
    pub at: Timestamp,
    /// `<type> - <label>` in the language of the instance; cut to 80 characters when sent.
    pub name: String,
    /// The event's own link, or empty.
    pub description: String,
}

/// One row for `[ns__]mautic_timeline__c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// `<event>-<18-character id of the person as first linked>`, at most 255 characters.
    pub reference: String,
    pub at: Timestamp,
    /// At most 80 characters.
    pub name: String,
    /// At most 131,072 UTF-16 units.
    pub description: String,
    /// The contact's page in Automation, at most 255 characters.
    pub url: String,
    /// Whose event it is: `WhoId__c` for a Lead, `contact_id__c` for a Contact.
    pub person: (SalesforceObject, SalesforceId),
    /// `MauticLead__c`.
    pub automation: AutomationId,
}

/// An event that could not be sent, kept until it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldActivity {
    pub link: LinkId,
    pub activity: Activity,
    pub failure: Failure,
    pub attempts: u8,
}

/// The code of an event whose person is known, but has no record in Salesforce yet.
pub const NOT_LINKED: &str = "NOT_LINKED";

/// What a republish examines: the set-up guide's promise, the contacts of the last seven days.
pub const REPUBLISH_REACH: Span = Span::days(7);

/// Salesforce calls that sending so many events takes. Measured by the figures of the README: a
/// call for each 1,000 up to 6,000, a bulk job of 6 calls for each 100,000 beyond.
pub const fn calls_to_send(events: u64) -> u64 {
    if events <= 6_000 {
        events.div_ceil(1_000)
    } else {
        events.div_ceil(100_000) * 6
    }
}

impl Activity {
    /// The key under which Salesforce keeps the event only once.
    pub fn reference_for(&self, first: SalesforceId) -> String {
        format!("{}-{first}", self.reference)
    }
}
