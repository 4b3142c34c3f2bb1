//! Which fields belong together and which way their values travel, as the operator set it.

use serde::{Deserialize, Serialize};

use super::ids::{FieldId, Kind, SalesforceObject};
use super::value::ValueType;

/// The mapping of people and of companies. Rules are sorted by id; a removed rule's id stays unused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mapping {
    pub person: Vec<FieldRule>,
    pub company: Vec<FieldRule>,
}

/// One mapped pair of fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRule {
    pub id: FieldId,
    /// API name of the Salesforce field.
    pub salesforce: String,
    /// The Salesforce objects that carry the field; the rule does not exist for the others.
    pub objects: Vec<SalesforceObject>,
    /// Alias of the Automation field; for a special role the `@name` of the contract.
    pub automation: String,
    pub value_type: ValueType,
    pub role: Role,
    pub arrow: Arrow,
    pub overwritten: Overwritten,
    pub blank: BlankTravel,
    pub concurrent: Concurrent,
}

/// What a rule is besides a pair of plain fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Plain,
    /// Pairs people on first sight; compared lower-cased for that, kept as written otherwise.
    Email,
    /// Pairs companies on first sight: `Account.Name` and `companyname`.
    CompanyName,
    /// `HasOptedOutOfEmail` and `@do_not_contact_email`: decided by consent, never by arrows.
    Consent,
    /// `IsDeleted` to a boolean of Automation: the tombstone's flag.
    Deleted,
    /// `@timeline_link`: the address of the contact's page in Automation.
    TimelineLink,
    /// `@contact_id`: the number of the contact in Automation.
    ContactId,
    /// The owner, compared by e-mail address through the user directory.
    Owner,
    /// The account of a Contact, by its name, and the contact's company.
    Company,
}

/// The set-up guide's arrows: which side has priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrow {
    /// → Salesforce has priority.
    Salesforce,
    /// ← Automation has priority.
    Automation,
    /// ↔ Both may change the field.
    Both,
}

/// What becomes of an edit on the side without priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwritten {
    /// It is kept in the history and shown as diverged.
    #[default]
    Keep,
    /// A person decides: it is a conflict.
    Review,
}

/// Whether a value that was emptied empties the other side too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankTravel {
    #[default]
    Never,
    Clears,
}

/// ↔ only: two different edits since the last agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concurrent {
    #[default]
    Conflict,
    /// The later edit wins, if both are dated.
    Newest,
}

impl Mapping {
    pub fn rules(&self, kind: Kind) -> &[FieldRule] {
        match kind {
            Kind::Person => &self.person,
            Kind::Company => &self.company,
        }
    }

    pub fn rule(&self, kind: Kind, id: FieldId) -> Option<&FieldRule> {
        let rules = self.rules(kind);
        rules
            .binary_search_by_key(&id, |rule| rule.id)
            .ok()
            .map(|index| &rules[index])
    }

    /// The rules that exist on records of this Salesforce object.
    pub fn rules_of(&self, object: SalesforceObject) -> impl Iterator<Item = &FieldRule> {
        self.rules(object.kind())
            .iter()
            .filter(move |rule| rule.objects.contains(&object))
    }

    pub fn with_role(&self, kind: Kind, role: Role) -> Option<&FieldRule> {
        self.rules(kind).iter().find(|rule| rule.role == role)
    }
}

impl FieldRule {
    /// Whether its values are what somebody is called: first and last name, the company's name.
    pub fn is_name(&self) -> bool {
        matches!(self.role, Role::CompanyName | Role::Company)
            || ["FirstName", "LastName", "Name", "Company"].contains(&self.salesforce.as_str())
            || ["firstname", "lastname"].contains(&self.automation.as_str())
    }

    /// Whether its values say for whom somebody works.
    pub fn is_employer(&self) -> bool {
        self.role == Role::Company || self.salesforce == "Company"
    }
}

/// What the operator set beside the mapping.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the set-up guide's own independent check boxes"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    pub mapping: Mapping,
    pub published: bool,
    /// Lead, Contact, Account; Account with at least one of the others.
    pub objects: Vec<SalesforceObject>,
    pub activities: bool,
    /// A blank may be filled against the arrow.
    pub update_blanks: bool,
    /// Lets proven opt-ins travel; without it only opt-outs do.
    pub latest_do_not_contact: bool,
    pub sync_owners: bool,
    /// May a company of Automation become an Account?
    pub create_accounts: bool,
    /// Timeline event keys to transfer, such as `email.read`.
    pub activity_types: Vec<String>,
    /// Prefix of the custom timeline object, empty for none.
    pub namespace: String,
    /// Where contacts' pages are: `https://acme.automation.example`.
    pub automation_url: String,
}

impl Policy {
    pub fn syncs(&self, object: SalesforceObject) -> bool {
        self.objects.contains(&object)
    }
}
