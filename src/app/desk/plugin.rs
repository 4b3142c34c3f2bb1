//! What is configured: versions from the store, descriptions and the timetable from the process, and a
//! real value of a mapped field.

use std::sync::Arc;

use super::{Desk, PAGE_MAX};
use crate::console::query::{Example, Plugin, VERSIONS_MAX};
use crate::domain::ids::{FieldId, Kind, Side};
use crate::domain::link::Link;
use crate::domain::mapping::Role;
use crate::domain::record::Listing;
use crate::domain::row::RowState;
use crate::domain::setup::next_field;
use crate::domain::value::Value;
use crate::ports::StoreError;

/// Versions looked through for numbers of rules: more than anybody ever saves.
pub(in crate::app) const KEPT_MAX: usize = 10_000;

/// Contacts looked through for one that has a value.
const LOOKED_AT_MAX: usize = 2_000;

impl Desk {
    pub(super) async fn plugin(&self) -> Result<Plugin, StoreError> {
        let in_force = self.in_force();
        let mut versions = self.store.policies(KEPT_MAX).await?;
        let all = versions.iter().map(|version| &version.policy);
        let next = next_field(all.chain([&*in_force.policy]));
        versions.truncate(VERSIONS_MAX + 1);
        Ok(Plugin {
            version: in_force.version,
            policy: Arc::clone(&in_force.policy),
            timetable: in_force.timetable,
            suspended: in_force.suspended.clone(),
            described: Arc::clone(&in_force.described),
            next,
            versions,
        })
    }

    /// The first that has a value on both sides, else the first that has one at all.
    pub(super) async fn example(
        &self,
        kind: Kind,
        field: FieldId,
    ) -> Result<Option<Example>, StoreError> {
        let mut one_sided = None;
        let mut after = None;
        for _ in 0..LOOKED_AT_MAX / PAGE_MAX {
            let page = self.page(Listing::All, after).await?;
            let is_last = page.len() < PAGE_MAX;
            after = page.last().map(|link| link.id);
            for link in page.iter().filter(|link| link.kind == kind) {
                let [salesforce, automation] = Side::BOTH.map(|side| self.shown(link, field, side));
                let has_value =
                    |value: &Option<Value>| value.as_ref().is_some_and(|v| !v.is_blank());
                let sides = [&salesforce, &automation].map(has_value);
                if sides == [false, false] || (one_sided.is_some() && sides != [true, true]) {
                    continue;
                }
                let example = Example {
                    link: link.id,
                    name: self.name(link),
                    salesforce,
                    automation,
                };
                if sides == [true, true] {
                    return Ok(Some(example));
                }
                one_sided = Some(example);
            }
            if is_last {
                break;
            }
        }
        Ok(one_sided)
    }

    /// What is kept apart from the fields is made to look like one.
    fn shown(&self, link: &Link, field: FieldId, side: Side) -> Option<Value> {
        let policy = self.policy();
        let rule = policy.mapping.rule(link.kind, field)?;
        if rule.role == Role::Consent {
            let view = link.consent.on(side);
            return view.map(|view| Value::Bool(view.value.is_out()));
        }
        let stored = link.field(field).and_then(|state| state.on(side).cloned());
        match (rule.role, side) {
            (Role::Deleted, Side::Salesforce) => {
                let state = link.state(side)?;
                Some(Value::Bool(state == RowState::Deleted))
            }
            (Role::ContactId, Side::Automation) => {
                let id = link.automation.as_ref()?.id;
                Some(Value::text(&id.to_string()))
            }
            _ => stored,
        }
    }
}
