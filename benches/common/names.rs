//! Which fields of the typical people hold names, for the store's index of words.

use passerelle::domain::ids::{FieldId, SalesforceObject};
use passerelle::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use passerelle::domain::record::{Change, PolicyVersion};
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::ValueType;

/// First name, last name and company.
pub(crate) fn names() -> Change {
    let rule = |id, name: &str, role| FieldRule {
        id: FieldId(id),
        salesforce: name.to_owned(),
        objects: vec![SalesforceObject::Contact],
        automation: name.to_lowercase(),
        value_type: ValueType::Text,
        role,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    };
    Change::PutPolicy(Box::new(PolicyVersion {
        version: 1,
        at: Timestamp(0),
        author: "a measurement".to_owned(),
        policy: Policy {
            mapping: Mapping {
                person: vec![
                    rule(2, "FirstName", Role::Plain),
                    rule(3, "LastName", Role::Plain),
                    rule(7, "AccountId", Role::Company),
                ],
                company: Vec::new(),
            },
            ..Policy::default()
        },
        timetable: None,
    }))
}
