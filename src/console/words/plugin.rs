//! What is configured, said to a person in the vendor's terms.

use super::Words;
use crate::domain::drift::Drift;
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::request::{FieldAccess, FieldDescription};
use crate::domain::setup::{Difference, Set, Setting};
use crate::domain::value::ValueType;

impl Words<'_> {
    pub(in crate::console) fn setting(&self, setting: Setting) -> &str {
        self.language.text(match setting {
            Setting::Published => "set-published",
            Setting::Objects => "set-objects",
            Setting::Activities => "set-activities",
            Setting::ActivityTypes => "set-activity-types",
            Setting::LatestDoNotContact => "set-latest",
            Setting::UpdateBlanks => "set-blanks",
            Setting::SyncOwners => "set-owners",
            Setting::CreateAccounts => "set-accounts",
            Setting::Namespace => "set-namespace",
            Setting::AutomationUrl => "set-url",
        })
    }

    /// `name: value`, with the language's own colon.
    pub(in crate::console) fn labelled(&self, name: &str, value: &str) -> String {
        self.language.labelled(name, value)
    }

    /// What it does.
    pub(in crate::console) fn about_setting(&self, setting: Setting) -> &str {
        self.language.text(match setting {
            Setting::Published => "about-published",
            Setting::Objects => "about-objects",
            Setting::Activities => "about-activities",
            Setting::ActivityTypes => "about-activity-types",
            Setting::LatestDoNotContact => "about-latest",
            Setting::UpdateBlanks => "about-blanks",
            Setting::SyncOwners => "about-owners",
            Setting::CreateAccounts => "about-accounts",
            Setting::Namespace => "about-namespace",
            Setting::AutomationUrl => "about-url",
        })
    }

    pub(in crate::console) fn set(&self, setting: Setting, set: &Set) -> String {
        match set {
            Set::Names(names) if setting == Setting::Objects => {
                let known = |name: &String| {
                    let mut all = SalesforceObject::ALL.into_iter();
                    all.find(|object| object.name() == name)
                };
                let objects = names.iter().filter_map(known);
                let objects: Vec<&str> = objects.map(|object| self.object(object)).collect();
                objects.join(", ")
            }
            Set::Switch(is_on) => self.switch(*is_on).to_owned(),
            Set::Names(names) if names.is_empty() => self.language.text("set-none").to_owned(),
            Set::Text(text) if text.is_empty() => self.language.text("set-none").to_owned(),
            Set::Names(names) => names.join(", "),
            Set::Text(text) => text.clone(),
        }
    }

    pub(in crate::console) fn switch(&self, is_on: bool) -> &str {
        self.language.text(if is_on { "set-on" } else { "set-off" })
    }

    pub(in crate::console) fn kind(&self, kind: Kind) -> &str {
        self.language.text(match kind {
            Kind::Person => "kind-person",
            Kind::Company => "kind-company",
        })
    }

    pub(in crate::console) fn value_type(&self, value_type: ValueType) -> &str {
        self.language.text(match value_type {
            ValueType::Text => "type-text",
            ValueType::Email => "type-email",
            ValueType::Bool => "type-bool",
            ValueType::Number => "type-number",
            ValueType::Date => "type-date",
            ValueType::Moment => "type-moment",
            ValueType::Time => "type-time",
            ValueType::Choice => "type-choice",
            ValueType::Choices => "type-choices",
        })
    }

    /// `text, up to 80; required; unique`.
    pub(in crate::console) fn described(&self, field: Option<&FieldDescription>) -> String {
        let say = self.language;
        let Some(field) = field else {
            return say.text("field-hidden").to_owned();
        };
        let mut words = match field.value_type {
            Some(value_type) => self.value_type(value_type).to_owned(),
            None => say.text("type-unmappable").to_owned(),
        };
        if let Some(length) = field.length_max {
            let length = say.number(u64::from(length));
            words = format!("{words} {}", say.with("field-length", &[("n", &length)]));
        }
        if let Some(choices) = &field.choices {
            let choices = say.count("field-choices", choices.len() as u64);
            words = format!("{words}{}{choices}", say.text("separator"));
        }
        let access = match field.access {
            FieldAccess::Writable => None,
            FieldAccess::ReadOnly => Some("field-read-only"),
            FieldAccess::CreateOnly => Some("field-create-only"),
            FieldAccess::UpdateOnly => Some("field-update-only"),
        };
        let traits = [
            field.is_required.then_some("field-required"),
            field.is_unique.then_some("field-unique"),
            access,
        ];
        for key in traits.into_iter().flatten() {
            words = format!("{words}{}{}", say.text("separator"), say.text(key));
        }
        words
    }

    /// Which side has priority, and what that does.
    pub(in crate::console) fn arrow(&self, rule: &FieldRule) -> &str {
        self.language.text(match (rule.role, rule.arrow) {
            (Role::Consent, _) => "arrow-consent",
            (Role::Deleted | Role::TimelineLink | Role::ContactId, _) => "arrow-one-way",
            (_, Arrow::Salesforce) => "arrow-salesforce",
            (_, Arrow::Automation) => "arrow-automation",
            (_, Arrow::Both) => "arrow-both",
        })
    }

    pub(in crate::console) fn role(&self, role: Role) -> &str {
        self.language.text(match role {
            Role::Plain => "role-plain",
            Role::Email => "role-email",
            Role::CompanyName => "role-company-name",
            Role::Consent => "role-consent",
            Role::Deleted => "role-deleted",
            Role::TimelineLink => "role-timeline-link",
            Role::ContactId => "role-contact-id",
            Role::Owner => "role-owner",
            Role::Company => "role-company",
        })
    }

    /// What differs from the ordinary: nothing says nothing.
    pub(in crate::console) fn options(&self, rule: &FieldRule) -> Vec<&str> {
        let options = [
            (rule.overwritten == Overwritten::Review).then_some("option-review"),
            (rule.blank == BlankTravel::Clears).then_some("option-clear"),
            (rule.arrow == Arrow::Both && rule.concurrent == Concurrent::Newest)
                .then_some("option-newest"),
        ];
        let options = options.into_iter().flatten();
        options.map(|key| self.language.text(key)).collect()
    }

    fn place(&self, side: Side, object: Option<SalesforceObject>) -> String {
        match object {
            Some(object) => format!("{side}, {}", self.object(object)),
            None => side.to_string(),
        }
    }

    pub(in crate::console) fn drift(&self, rule: &FieldRule, drift: Drift) -> String {
        let say = self.language;
        let of = |side, object| {
            let name = match side {
                Side::Salesforce => rule.salesforce.clone(),
                Side::Automation => rule.automation.clone(),
            };
            (name, self.place(side, object))
        };
        match drift {
            Drift::ObjectHidden(object) => {
                let object = self.object(object);
                say.with("drift-object", &[("object", object)])
            }
            Drift::FieldHidden(side, object) => {
                let (field, place) = of(side, object);
                say.with("drift-field", &[("field", &field), ("place", &place)])
            }
            Drift::Retyped(side, object, is) => {
                let (field, place) = of(side, object);
                let is = is.map_or(say.text("type-unmappable"), |is| self.value_type(is));
                let was = self.value_type(rule.value_type);
                let gaps = [("field", field.as_str()), ("place", &place)];
                let gaps = [gaps[0], gaps[1], ("is", is), ("was", was)];
                say.with("drift-type", &gaps)
            }
            Drift::ReadOnly(side, object) => {
                let (field, place) = of(side, object);
                say.with("drift-read-only", &[("field", &field), ("place", &place)])
            }
        }
    }

    pub(in crate::console) fn pair(rule: &FieldRule) -> String {
        format!(
            "{} {} {}",
            rule.salesforce,
            sign(rule.arrow),
            rule.automation
        )
    }

    /// One line or two about what changed.
    pub(in crate::console) fn difference(&self, difference: &Difference) -> Vec<String> {
        let say = self.language;
        let pair = |key, kind, rule: &FieldRule| {
            let gaps = [("kind", self.kind(kind)), ("rule", &Self::pair(rule))];
            say.with(key, &gaps)
        };
        match difference {
            Difference::Setting {
                setting,
                before,
                after,
            } => {
                let (before, after) = (self.set(*setting, before), self.set(*setting, after));
                let name = self.setting(*setting);
                let gaps = [("name", name), ("before", &before), ("after", &after)];
                vec![say.with("changed-setting", &gaps)]
            }
            Difference::Added(kind, rule) => vec![pair("changed-added", *kind, rule)],
            Difference::Removed(kind, rule) => vec![pair("changed-removed", *kind, rule)],
            Difference::Changed {
                kind,
                before,
                after,
            } => {
                let mut lines = vec![pair("changed-rule", *kind, after)];
                for (key, rule) in [("changed-before", before), ("changed-after", after)] {
                    let mut words = vec![
                        Self::pair(rule),
                        self.value_type(rule.value_type).to_owned(),
                        rule.objects
                            .iter()
                            .map(|o| self.object(*o))
                            .collect::<Vec<_>>()
                            .join(", "),
                    ];
                    words.extend(self.options(rule).into_iter().map(ToOwned::to_owned));
                    lines.push(say.with(key, &[("what", &words.join(" · "))]));
                }
                lines
            }
        }
    }
}

pub(in crate::console) const fn sign(arrow: Arrow) -> &'static str {
    match arrow {
        Arrow::Salesforce => "→",
        Arrow::Automation => "←",
        Arrow::Both => "↔",
    }
}
