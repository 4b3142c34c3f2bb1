//! The records of both systems, named so that nobody takes one system's for the other's.

use super::Words;
use crate::domain::ids::{Kind, RemoteId, SalesforceObject};

impl Words<'_> {
    /// A record where its system is named beside it already.
    pub(in crate::console) fn record(&self, record: RemoteId) -> String {
        match record {
            RemoteId::Salesforce(object, id) => format!("{} {id}", self.object(object)),
            RemoteId::Automation(Kind::Person, id) => {
                format!("{} {id}", self.language.text("automation-contact"))
            }
            RemoteId::Automation(Kind::Company, id) => {
                format!("{} {id}", self.language.text("automation-company"))
            }
        }
    }

    /// A record with the system that has it.
    pub(in crate::console) fn record_of(&self, record: RemoteId) -> String {
        let gaps = [
            ("side", &*record.side().to_string()),
            ("record", &self.record(record)),
        ];
        self.language.with("record-of", &gaps)
    }

    pub(in crate::console) fn object(&self, object: SalesforceObject) -> &str {
        self.language.text(match object {
            SalesforceObject::Lead => "object-lead",
            SalesforceObject::Contact => "object-contact",
            SalesforceObject::Account => "object-account",
        })
    }

    /// The records of one contact, where the systems are named above them.
    pub(in crate::console) fn records_under(&self, records: &[RemoteId]) -> String {
        let names: Vec<String> = records.iter().map(|record| self.record(*record)).collect();
        names.join(" ↔ ")
    }

    pub(in crate::console) fn records(&self, records: &[RemoteId]) -> String {
        let records = records.iter();
        let names: Vec<String> = records.map(|record| self.record_of(*record)).collect();
        names.join(" ↔ ")
    }

    /// `1. Contact 003… · 2. contact 12`: what the operator types the number of.
    pub(super) fn numbered(&self, records: &[RemoteId]) -> String {
        let lines = records.iter().enumerate();
        let lines: Vec<String> = lines
            .map(|(index, record)| format!("{}. {}", index + 1, self.record_of(*record)))
            .collect();
        lines.join(" · ")
    }
}
