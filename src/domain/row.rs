//! One record as a side shows it at one moment.

use serde::{Deserialize, Serialize};

use super::consent::Consent;
use super::ids::{AutomationId, FieldId, RemoteId, SalesforceId};
use super::time::Timestamp;
use super::value::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: RemoteId,
    /// Salesforce: `SystemModstamp`. Automation: `dateModified`, or `dateAdded` if never edited;
    /// `None` for companies of Automation, whose answers carry no date.
    pub modified: Option<Timestamp>,
    /// Who made the last edit, as the system names them; for people to read.
    pub edited_by: Option<String>,
    pub state: RowState,
    /// One entry for each mapped rule that this record carries, sorted by field. A rule whose field
    /// the system did not show (hidden, unpublished) is absent, which is not the same as blank. An
    /// owner is a user's (or a queue's) id. Consent is not among them.
    pub values: Vec<(FieldId, Value)>,
    /// `None` if the system did not show it, or the record is a company.
    pub consent: Option<Consent>,
    /// A Contact's account.
    pub account: Option<SalesforceId>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    Live,
    /// In the recycle bin, or deleted in Automation.
    Deleted,
    /// A merge's loser: it lives on in the winner.
    MergedSalesforce(SalesforceId),
    MergedAutomation(AutomationId),
    /// A converted Lead lives on as this Contact.
    Converted(SalesforceId),
}

impl Row {
    pub fn value(&self, field: FieldId) -> Option<&Value> {
        let index = self
            .values
            .binary_search_by_key(&field, |(id, _)| *id)
            .ok()?;
        Some(&self.values[index].1)
    }
}
