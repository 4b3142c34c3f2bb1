//! What a configuration would do to a link, before it is in force: the same rules, on a copy.

use crate::domain::ids::{FieldId, Side};
use crate::domain::link::{FieldState, Intent, Link, Pending};
use crate::domain::mapping::Policy;
use crate::domain::request::{AutomationDescription, SalesforceDescription};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::accounts::Accounts;
use crate::engine::consent::Freshness;
use crate::engine::limits::FieldLimits;
use crate::engine::observe::{Trust, observe};
use crate::engine::owners::Directory;
use crate::engine::reconcile::{Context, reconcile};

/// Two configurations, and the systems they are compared on.
pub struct Forecast<'a> {
    before: &'a Policy,
    after: &'a Policy,
    directory: Directory,
    limits: FieldLimits,
    accounts: Accounts,
}

/// How one link would stand otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Values that would be written and are not on their way by the rules in force, by side.
    pub writes: Vec<(Side, FieldId)>,
    /// Where a counterpart would be looked for, and made if there is none.
    pub creates: Option<Side>,
    /// Conflicts more, or less, than now.
    pub conflicts: i64,
    /// Nothing but an opt-out that leaves at once, or an opt-in.
    pub consent: bool,
}

impl Change {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl<'a> Forecast<'a> {
    pub fn new(
        before: &'a Policy,
        after: &'a Policy,
        (salesforce, automation): (&SalesforceDescription, &AutomationDescription),
    ) -> Self {
        let mut forecast = Self {
            before,
            after,
            directory: Directory::default(),
            limits: FieldLimits::default(),
            accounts: Accounts::default(),
        };
        forecast.limits.replace_salesforce(salesforce);
        forecast.limits.replace_automation(automation);
        forecast
            .directory
            .replace(Side::Salesforce, &salesforce.users);
        forecast
            .directory
            .replace(Side::Automation, &automation.users);
        forecast
    }

    /// From what is remembered of the link. Fields that only the new rules know are not among it: read
    /// the records with the new mapping and give their rows.
    pub fn of(&self, link: &Link, rows: &[Row], now: Timestamp) -> Change {
        let mut stands = link.clone();
        reconcile(&mut stands, self.context(self.before, now));
        let mut would = link.clone();
        let known = |state: &FieldState| self.after.mapping.rule(link.kind, state.field).is_some();
        would.fields.retain(known);
        for row in rows {
            observe(&mut would, row, &self.after.mapping, Trust::Certain, now);
        }
        reconcile(&mut would, self.context(self.after, now));
        let mut change = Change {
            conflicts: would.conflicts.len() as i64 - stands.conflicts.len() as i64,
            ..Change::default()
        };
        for pending in &would.pending {
            let old = stands.pending(pending.side);
            if pending.write == Intent::Create {
                let is_new = old.is_none_or(|old| old.write != Intent::Create);
                change.creates = change.creates.or(is_new.then_some(pending.side));
            }
            let is_new = |(field, value): &&(FieldId, Value)| {
                !old.is_some_and(|old| old.values.contains(&(*field, value.clone())))
            };
            let new = pending.values.iter().filter(is_new);
            change
                .writes
                .extend(new.map(|(field, _)| (pending.side, *field)));
            change.consent |= pending.consent != old.and_then(|old: &Pending| old.consent);
        }
        change
    }

    fn context<'b>(&'b self, policy: &'b Policy, now: Timestamp) -> Context<'b> {
        Context {
            policy,
            directory: &self.directory,
            limits: &self.limits,
            accounts: &self.accounts,
            freshness: Freshness::Stale,
            now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Kind, LinkId, SalesforceId, SalesforceObject};
    use crate::domain::link::{MatchKey, SalesforceEnd};
    use crate::domain::row::RowState;

    fn policy(objects: &[SalesforceObject]) -> Policy {
        Policy {
            objects: objects.to_vec(),
            published: true,
            ..Policy::default()
        }
    }

    #[test]
    fn whoever_is_synced_from_then_on_is_looked_for_on_the_other_side() {
        let id = SalesforceId::from_bytes(*b"00Q000000000001").expect("an id");
        let mut link = Link::new(LinkId(1), Kind::Person);
        link.salesforce = Some(SalesforceEnd {
            object: SalesforceObject::Lead,
            id,
            first_id: id,
            state: RowState::Live,
            modified: Timestamp(1),
            edited_by: None,
            account: None,
            written_since: false,
        });
        link.match_keys = vec![MatchKey::new(Kind::Person, "ada@orion.example")];
        let contacts = policy(&[SalesforceObject::Contact]);
        let both = policy(&[SalesforceObject::Lead, SalesforceObject::Contact]);
        let systems = (
            SalesforceDescription::default(),
            AutomationDescription::default(),
        );
        let creates = |before: &Policy, after: &Policy| {
            let systems = (&systems.0, &systems.1);
            let forecast = Forecast::new(before, after, systems);
            forecast.of(&link, &[], Timestamp(2)).creates
        };
        assert_eq!(creates(&contacts, &both), Some(Side::Automation));
        assert_eq!(creates(&both, &both), None, "it is looked for already");
        assert_eq!(creates(&both, &contacts), None);
    }
}
