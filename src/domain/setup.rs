//! What is configured beside the mapping, setting by setting, and what changed between two versions.

mod draft;
mod judge;
mod objection;
mod redo;
mod rule;
mod suggest;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use draft::Draft;
pub use judge::{next_field, objections};
pub use objection::{Objection, Unfit, Weight};
pub use redo::Left;
pub use rule::{CONTACT_ID, DO_NOT_CONTACT, Pair, Systems, TIMELINE_LINK, assume, owners, rule};
pub use suggest::{consent, deleted, suggestions};

use super::drift::{Descriptions, Drift};
use super::ids::{FieldId, Kind};
use super::mapping::{FieldRule, Policy};
use super::time::{Span, Timestamp};

/// What the sync works by now: the configuration, when it runs, and what of it is suspended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InForce {
    pub version: u32,
    /// With the rules that are suspended.
    pub policy: Arc<Policy>,
    pub timetable: Timetable,
    pub suspended: Vec<Suspension>,
    /// As both systems described themselves last.
    pub described: Arc<Descriptions>,
}

/// A rule that is left alone because a system no longer is what it was made for. It comes into force
/// again by itself when the system is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub kind: Kind,
    pub field: FieldId,
    pub since: Timestamp,
    pub why: Drift,
}

/// A setting of the plugin, by the set-up guide's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Setting {
    Published,
    Objects,
    Activities,
    ActivityTypes,
    LatestDoNotContact,
    UpdateBlanks,
    SyncOwners,
    CreateAccounts,
    Namespace,
    AutomationUrl,
}

/// How a setting is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Set {
    Switch(bool),
    Names(Vec<String>),
    Text(String),
}

/// How often the schedule runs what, and how far each run looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timetable {
    pub is_enabled: bool,
    pub pull: Option<Span>,
    pub push: Option<Span>,
    pub activities: Option<Span>,
    pub overlap: Span,
}

/// One thing that is not the same in two versions of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    Setting {
        setting: Setting,
        before: Set,
        after: Set,
    },
    Added(Kind, FieldRule),
    Removed(Kind, FieldRule),
    Changed {
        kind: Kind,
        before: FieldRule,
        after: FieldRule,
    },
}

impl Setting {
    pub const ALL: [Self; 10] = [
        Self::Published,
        Self::Objects,
        Self::Activities,
        Self::ActivityTypes,
        Self::LatestDoNotContact,
        Self::UpdateBlanks,
        Self::SyncOwners,
        Self::CreateAccounts,
        Self::Namespace,
        Self::AutomationUrl,
    ];

    /// Whether it can be changed here; the rest comes with the connection.
    pub const fn is_ours(self) -> bool {
        !matches!(self, Self::AutomationUrl)
    }

    pub fn of(self, policy: &Policy) -> Set {
        match self {
            Self::Published => Set::Switch(policy.published),
            Self::Objects => {
                let objects = policy.objects.iter();
                Set::Names(objects.map(|object| object.name().to_owned()).collect())
            }
            Self::Activities => Set::Switch(policy.activities),
            Self::ActivityTypes => Set::Names(policy.activity_types.clone()),
            Self::LatestDoNotContact => Set::Switch(policy.latest_do_not_contact),
            Self::UpdateBlanks => Set::Switch(policy.update_blanks),
            Self::SyncOwners => Set::Switch(policy.sync_owners),
            Self::CreateAccounts => Set::Switch(policy.create_accounts),
            Self::Namespace => Set::Text(policy.namespace.clone()),
            Self::AutomationUrl => Set::Text(policy.automation_url.clone()),
        }
    }
}

impl Timetable {
    /// The shortest that anything of it may be.
    pub const SPAN_MIN: Span = Span::seconds(10);

    /// Salesforce shows some changes minutes after the moment that they are stamped with: a shorter overlap
    /// can miss them.
    pub const OVERLAP_WISE: Span = Span::minutes(10);

    /// A time as it is typed, if it is not too short.
    pub fn typed(text: &str) -> Option<Span> {
        Span::parse_typed(text).filter(|span| *span >= Self::SPAN_MIN)
    }

    /// What runs by itself: nothing while the schedule is off.
    #[must_use]
    pub fn running(self) -> Self {
        if self.is_enabled {
            return self;
        }
        Self {
            pull: None,
            push: None,
            activities: None,
            ..self
        }
    }

    /// The shortest time between two runs of anything.
    pub fn shortest(&self) -> Option<Span> {
        let all = [self.pull, self.push, self.activities];
        all.into_iter().flatten().min()
    }
}

/// Whether it can stand before `__` in an API name: letters, digits and single underscores, 15 at most,
/// beginning with a letter. None is none.
pub fn is_namespace(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_one = begins && text.chars().all(is_plain) && !text.contains("__");
    text.is_empty() || (is_one && text.len() <= 15 && !text.ends_with('_'))
}

/// Everything that changed: settings first, then rules by their number.
pub fn differences(before: &Policy, after: &Policy) -> Vec<Difference> {
    let mut found = Vec::new();
    for setting in Setting::ALL {
        let (was, is) = (setting.of(before), setting.of(after));
        if was != is {
            found.push(Difference::Setting {
                setting,
                before: was,
                after: is,
            });
        }
    }
    for kind in [Kind::Person, Kind::Company] {
        for rule in after.mapping.rules(kind) {
            match before.mapping.rule(kind, rule.id) {
                None => found.push(Difference::Added(kind, rule.clone())),
                Some(was) if was != rule => found.push(Difference::Changed {
                    kind,
                    before: was.clone(),
                    after: rule.clone(),
                }),
                Some(_) => {}
            }
        }
        for rule in before.mapping.rules(kind) {
            if after.mapping.rule(kind, rule.id).is_none() {
                found.push(Difference::Removed(kind, rule.clone()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{FieldId, SalesforceObject};
    use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Mapping, Overwritten, Role};
    use crate::domain::value::ValueType;

    fn rule(id: u16, name: &str) -> FieldRule {
        FieldRule {
            id: FieldId(id),
            salesforce: name.to_owned(),
            objects: vec![SalesforceObject::Lead],
            automation: name.to_lowercase(),
            value_type: ValueType::Text,
            role: Role::Plain,
            arrow: Arrow::Both,
            overwritten: Overwritten::Keep,
            blank: BlankTravel::Never,
            concurrent: Concurrent::Conflict,
        }
    }

    fn policy() -> Policy {
        Policy {
            mapping: Mapping {
                person: vec![rule(1, "Phone"), rule(2, "Title")],
                company: Vec::new(),
            },
            published: true,
            objects: vec![SalesforceObject::Lead],
            activities: false,
            update_blanks: false,
            latest_do_not_contact: false,
            sync_owners: false,
            create_accounts: false,
            activity_types: Vec::new(),
            namespace: String::new(),
            automation_url: "https://acme.automation.example".to_owned(),
        }
    }

    #[test]
    fn every_setting_and_rule_that_changed_is_found_and_nothing_else() {
        let before = policy();
        assert_eq!(differences(&before, &before), []);
        let mut after = policy();
        after.update_blanks = true;
        after.mapping.person.remove(1);
        after.mapping.person[0].arrow = Arrow::Salesforce;
        after.mapping.company.push(rule(3, "Name"));
        let found = differences(&before, &after);
        assert_eq!(
            found[0],
            Difference::Setting {
                setting: Setting::UpdateBlanks,
                before: Set::Switch(false),
                after: Set::Switch(true),
            }
        );
        assert!(
            matches!(&found[1], Difference::Changed { after, .. } if after.arrow == Arrow::Salesforce)
        );
        assert_eq!(
            found[2],
            Difference::Removed(Kind::Person, rule(2, "Title"))
        );
        assert_eq!(found[3], Difference::Added(Kind::Company, rule(3, "Name")));
        assert_eq!(found.len(), 4);
    }
}
