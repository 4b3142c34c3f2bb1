//! A configuration that somebody is changing. Nothing of it is in force before it is saved.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::judge::objections;
use super::objection::{Objection, Unfit, Weight};
use super::rule::{Pair, Systems, owners, rule};
use super::{Difference, Set, Setting, Timetable, differences};
use crate::domain::doctor::Told;
use crate::domain::drift::Descriptions;
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::mapping::{FieldRule, Policy, Role};
use crate::domain::record::PolicyVersion;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The version that it was made from.
    pub based_on: u32,
    before: Policy,
    before_timetable: Timetable,
    pub policy: Policy,
    pub timetable: Timetable,
    /// The next number that no rule ever had.
    next: FieldId,
    /// The older version that it was made of, if nobody knows any more when that one ran.
    #[serde(default)]
    pub(super) without_times: Option<u32>,
}

impl Draft {
    /// `next` comes from [`next_field`](super::next_field) over all versions that are kept.
    pub fn new(based_on: u32, policy: &Policy, timetable: Timetable, next: FieldId) -> Self {
        Self {
            based_on,
            before: policy.clone(),
            before_timetable: timetable,
            policy: policy.clone(),
            timetable,
            next,
            without_times: None,
        }
    }

    pub fn is_changed(&self) -> bool {
        self.policy != self.before || self.timetable != self.before_timetable
    }

    pub fn differences(&self) -> Vec<Difference> {
        differences(&self.before, &self.policy)
    }

    /// The timetable before and after, if it changes.
    pub fn retimed(&self) -> Option<(Timetable, Timetable)> {
        let changes = self.timetable != self.before_timetable;
        changes.then_some((self.before_timetable, self.timetable))
    }

    pub fn objections(&self, described: &Descriptions) -> Vec<Objection> {
        let mut found = objections(Some(&self.before), &self.policy, described);
        if self.timetable.overlap < Timetable::OVERLAP_WISE && self.retimed().is_some() {
            let least = Told::Time(Timetable::OVERLAP_WISE);
            let doubt = Unfit::new("doubt-overlap", vec![("least", least)]);
            found.push(doubt.about(None, Weight::Warned));
        }
        found.extend(self.left_times());
        found
    }

    /// That the times stay although an older version is gone back to: nobody knows any more what they were.
    pub fn left_times(&self) -> Option<Objection> {
        let number = self.without_times.filter(|_| self.retimed().is_none())?;
        let gaps = vec![("n", Told::Text(number.to_string()))];
        Some(Unfit::new("doubt-no-times", gaps).about(None, Weight::Warned))
    }

    /// An older version takes the place of everything, with its times if it has any. If it has none, they
    /// were those of the instance file; `in_force`, the version that is gone back from, may have others.
    pub fn go_back(&mut self, to: PolicyVersion, in_force: Option<&PolicyVersion>) {
        self.replace(to.policy);
        match to.timetable {
            Some(times) => self.timetable = times,
            None if in_force.is_some_and(|version| version.timetable.is_some()) => {
                self.without_times = Some(to.version);
            }
            None => {}
        }
    }

    /// Takes the place of everything: an imported file, or an older version. Rules that were there keep
    /// their number, so that what was agreed on stays agreed on.
    pub fn replace(&mut self, mut policy: Policy) {
        for kind in [Kind::Person, Kind::Company] {
            let known = self.before.mapping.rules(kind).to_vec();
            let rules = match kind {
                Kind::Person => &mut policy.mapping.person,
                Kind::Company => &mut policy.mapping.company,
            };
            let mut taken = BTreeSet::new();
            for rule in rules.iter_mut() {
                let mut old = known.iter();
                let old = old.find(|old| is_same_pair(old, rule) && !taken.contains(&old.id));
                rule.id = old.map_or_else(|| self.take_number(), |old| old.id);
                taken.insert(rule.id);
            }
            rules.sort_by_key(|rule| rule.id);
        }
        self.policy = policy;
        self.without_times = None;
    }

    /// Does nothing for a value that is not of the setting's kind: a list for a switch.
    pub fn set(&mut self, setting: Setting, value: Set) {
        let policy = &mut self.policy;
        match (setting, value) {
            (Setting::Published, Set::Switch(on)) => policy.published = on,
            (Setting::Activities, Set::Switch(on)) => policy.activities = on,
            (Setting::LatestDoNotContact, Set::Switch(on)) => policy.latest_do_not_contact = on,
            (Setting::UpdateBlanks, Set::Switch(on)) => policy.update_blanks = on,
            (Setting::CreateAccounts, Set::Switch(on)) => policy.create_accounts = on,
            (Setting::SyncOwners, Set::Switch(on)) => self.set_owners(on),
            (Setting::Objects, Set::Names(names)) => self.set_objects(&names),
            (Setting::ActivityTypes, Set::Names(names)) => policy.activity_types = names,
            (Setting::Namespace, Set::Text(text)) => policy.namespace = text,
            _ => {}
        }
    }

    fn set_owners(&mut self, on: bool) {
        self.policy.sync_owners = on;
        let known = self.policy.mapping.with_role(Kind::Person, Role::Owner);
        if on && known.is_none() {
            let old = self.before.mapping.with_role(Kind::Person, Role::Owner);
            let rule = if let Some(old) = old {
                old.clone()
            } else {
                let id = self.take_number();
                owners(id, &self.policy.objects)
            };
            self.put(Kind::Person, rule);
        } else if !on {
            let rules = &mut self.policy.mapping.person;
            rules.retain(|rule| rule.role != Role::Owner || rule.has_automation_field());
        }
    }

    /// Rules follow the objects that are synced; one that is left without any stays to be seen and is
    /// refused when the draft is saved.
    fn set_objects(&mut self, names: &[String]) {
        let all = SalesforceObject::ALL.into_iter();
        let objects: Vec<SalesforceObject> = all
            .filter(|object| names.iter().any(|name| name == object.name()))
            .collect();
        for rule in &mut self.policy.mapping.person {
            let before = self.before.mapping.rule(Kind::Person, rule.id);
            let wanted = before
                .map_or(&rule.objects, |before| &before.objects)
                .clone();
            let mut kept: Vec<SalesforceObject> = wanted;
            kept.retain(|object| objects.contains(object));
            // Addresses, opt-outs and owners are everybody's.
            if matches!(rule.role, Role::Email | Role::Consent | Role::Owner) {
                kept = objects
                    .iter()
                    .copied()
                    .filter(|object| object.kind() == Kind::Person)
                    .collect();
            }
            if !kept.is_empty() {
                rule.objects = kept;
            }
        }
        self.policy.objects = objects;
    }

    pub fn add(&mut self, kind: Kind, pair: &Pair, systems: Systems<'_>) -> Result<FieldId, Unfit> {
        let mut made = rule(self.next, kind, pair, &self.policy.objects, systems)?;
        // Somebody who takes a pair out and puts it in again has changed nothing.
        let mut known = self.before.mapping.rules(kind).iter();
        let is_free = |old: &FieldRule| self.policy.mapping.rule(kind, old.id).is_none();
        let old = known.find(|old| is_same_pair(old, &made) && is_free(old));
        made.id = match old {
            Some(old) => old.id,
            None => self.take_number(),
        };
        let id = made.id;
        self.put(kind, made);
        Ok(id)
    }

    /// A rule of two other fields is another rule: what was agreed on was agreed on for the old ones.
    pub fn change(
        &mut self,
        kind: Kind,
        id: FieldId,
        pair: &Pair,
        systems: Systems<'_>,
    ) -> Result<FieldId, Unfit> {
        let mut made = rule(id, kind, pair, &self.policy.objects, systems)?;
        let old = self.policy.mapping.rule(kind, id);
        if !old.is_some_and(|old| is_same_pair(old, &made)) {
            made.id = self.take_number();
        }
        let new = made.id;
        self.remove(kind, id);
        self.put(kind, made);
        Ok(new)
    }

    /// Undoes [`remove`](Self::remove): the rule as it was, without being judged anew.
    pub fn put_back(&mut self, kind: Kind, rule: FieldRule) {
        self.put(kind, rule);
    }

    pub fn remove(&mut self, kind: Kind, id: FieldId) {
        self.rules_mut(kind).retain(|rule| rule.id != id);
    }

    fn put(&mut self, kind: Kind, rule: FieldRule) {
        let rules = self.rules_mut(kind);
        rules.retain(|old| old.id != rule.id);
        let at = rules.partition_point(|old| old.id < rule.id);
        rules.insert(at, rule);
    }

    fn rules_mut(&mut self, kind: Kind) -> &mut Vec<FieldRule> {
        match kind {
            Kind::Person => &mut self.policy.mapping.person,
            Kind::Company => &mut self.policy.mapping.company,
        }
    }

    fn take_number(&mut self) -> FieldId {
        let id = self.next;
        self.next = FieldId(id.0.saturating_add(1));
        id
    }
}

/// Of the same two fields, so that what was agreed on holds for both.
fn is_same_pair(a: &FieldRule, b: &FieldRule) -> bool {
    a.salesforce.eq_ignore_ascii_case(&b.salesforce)
        && a.automation == b.automation
        && a.role == b.role
        && a.value_type == b.value_type
        && a.objects.iter().any(|object| b.objects.contains(object))
}
