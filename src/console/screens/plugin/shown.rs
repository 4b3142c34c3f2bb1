//! What is in force, with the draft that is being made of it on this console. Nothing of the draft is
//! in force before it is saved.

use crate::console::query::Plugin;
use crate::console::words::Time;
use crate::domain::ids::{FieldId, Kind};
use crate::domain::mapping::{FieldRule, Policy};
use crate::domain::record::PolicyVersion;
use crate::domain::setup::{
    Difference, Draft, Left, Objection, Set, Setting, Suspension, Systems, Timetable, Unfit, Weight,
};

use super::Key;

#[derive(Debug)]
pub(in crate::console) struct Shown {
    pub(in crate::console) plugin: Box<Plugin>,
    drafted: Option<Drafted>,
}

/// A draft, judged.
#[derive(Debug, Clone)]
pub(in crate::console) struct Drafted {
    pub(in crate::console) draft: Draft,
    pub(in crate::console) differences: Vec<Difference>,
    pub(in crate::console) against: Vec<Objection>,
    /// Changes that could not be made again on what somebody else saved.
    pub(in crate::console) left: Left,
}

/// How a line differs from what is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Mark {
    Same,
    Changed,
    Added,
    Removed,
}

impl Drafted {
    fn new(draft: Draft, left: Left, plugin: &Plugin) -> Self {
        Self {
            differences: draft.differences(),
            against: draft.objections(&plugin.described),
            draft,
            left,
        }
    }

    /// Settings, times and pairs that change.
    pub(in crate::console) fn count(&self) -> u64 {
        let times = self.draft.retimed().map_or(0, |(before, after)| {
            let all = Time::ALL.into_iter();
            all.filter(|time| time.differs(&before, &after)).count()
        });
        (self.differences.len() + times) as u64
    }

    pub(in crate::console) fn refusals(&self) -> u64 {
        self.against.iter().filter(|one| one.is_refusal()).count() as u64
    }
}

impl Shown {
    /// A draft that is in force by now is none any more.
    pub(super) fn new(plugin: Box<Plugin>, draft: Option<(Draft, Left)>) -> Self {
        let is_open =
            |draft: &Draft| draft.policy != *plugin.policy || draft.timetable != plugin.timetable;
        let kept = draft.filter(|(draft, left)| is_open(draft) || left.count() > 0);
        let drafted = kept.map(|(draft, left)| Drafted::new(draft, left, &plugin));
        Self { plugin, drafted }
    }

    pub(super) fn into_draft(self) -> Option<(Draft, Left)> {
        self.drafted.map(|drafted| (drafted.draft, drafted.left))
    }

    pub(in crate::console) fn drafted(&self) -> Option<&Drafted> {
        self.drafted.as_ref()
    }

    pub(in crate::console) fn policy(&self) -> &Policy {
        let draft = self.drafted.as_ref().map(|drafted| &drafted.draft.policy);
        draft.unwrap_or(&self.plugin.policy)
    }

    pub(in crate::console) fn timetable(&self) -> &Timetable {
        let draft = self.drafted.as_ref();
        draft.map_or(&self.plugin.timetable, |drafted| &drafted.draft.timetable)
    }

    pub(in crate::console) fn systems(&self) -> Systems<'_> {
        Systems {
            salesforce: &self.plugin.described.salesforce,
            automation: &self.plugin.described.automation,
        }
    }

    /// Somebody saved another configuration since the draft was begun.
    pub(in crate::console) fn is_outdated(&self) -> bool {
        let draft = self.drafted.as_ref();
        draft.is_some_and(|drafted| drafted.draft.based_on != self.plugin.version)
    }

    fn fresh(&self) -> Draft {
        let plugin = &self.plugin;
        Draft::new(
            plugin.version,
            &plugin.policy,
            plugin.timetable,
            plugin.next,
        )
    }

    /// Changes the draft, or begins one. What changes nothing in the end is no draft.
    pub(in crate::console) fn edit<T>(
        &mut self,
        change: impl FnOnce(&mut Draft, Systems<'_>) -> Result<T, Unfit>,
    ) -> Result<T, Unfit> {
        let drafted = self.drafted.as_ref();
        let mut draft = drafted.map_or_else(|| self.fresh(), |drafted| drafted.draft.clone());
        let done = change(&mut draft, self.systems())?;
        let left = self.drafted.take().map_or_else(Left::default, |d| d.left);
        if draft.is_changed() || left.count() > 0 {
            self.drafted = Some(Drafted::new(draft, left, &self.plugin));
        }
        Ok(done)
    }

    /// The same where nothing can be unfit.
    pub(in crate::console) fn put(&mut self, change: impl FnOnce(&mut Draft)) {
        // Nothing in it is refused, so there is no refusal to lose.
        let _ = self.edit(|draft, _| {
            change(draft);
            Ok(())
        });
    }

    pub(in crate::console) fn discard(&mut self) {
        self.drafted = None;
    }

    /// Makes the draft's changes on what is in force now; answers how many could not be made.
    pub(in crate::console) fn redo(&mut self) -> Option<u64> {
        let drafted = self.drafted.take()?;
        let (draft, mut left) = drafted.draft.redone_on(self.fresh(), self.systems());
        let count = left.count();
        left.add(drafted.left);
        if draft.is_changed() || left.count() > 0 {
            self.drafted = Some(Drafted::new(draft, left, &self.plugin));
        }
        Some(count)
    }

    pub(in crate::console) fn value(&self, setting: Setting) -> Set {
        setting.of(self.policy())
    }

    /// The rule, also if the draft takes it out.
    pub(in crate::console) fn rule(&self, kind: Kind, id: FieldId) -> Option<&FieldRule> {
        let kept = self.policy().mapping.rule(kind, id);
        kept.or_else(|| self.plugin.policy.mapping.rule(kind, id))
    }

    /// Rules by their number, those that the draft takes out too.
    pub(super) fn rules(&self, kind: Kind) -> Vec<&FieldRule> {
        let before = self.plugin.policy.mapping.rules(kind).iter();
        let after = &self.policy().mapping;
        let removed = before.filter(|rule| after.rule(kind, rule.id).is_none());
        let mut rules: Vec<&FieldRule> = after.rules(kind).iter().chain(removed).collect();
        rules.sort_by_key(|rule| rule.id);
        rules
    }

    /// What the line was before the draft.
    pub(super) fn before(&self, key: Key) -> Option<&Difference> {
        let drafted = self.drafted.as_ref()?;
        drafted
            .differences
            .iter()
            .find(|change| match (key, change) {
                (Key::Setting(of), Difference::Setting { setting, .. }) => of == *setting,
                (
                    Key::Rule(kind, id),
                    Difference::Added(of, rule) | Difference::Removed(of, rule),
                ) => (kind, id) == (*of, rule.id),
                (
                    Key::Rule(kind, id),
                    Difference::Changed {
                        kind: of, after, ..
                    },
                ) => (kind, id) == (*of, after.id),
                _ => false,
            })
    }

    pub(in crate::console) fn mark(&self, key: Key) -> Mark {
        if let Key::Time(time) = key {
            let retimed = self.drafted.as_ref().and_then(|d| d.draft.retimed());
            let differs = retimed.is_some_and(|(before, after)| time.differs(&before, &after));
            return if differs { Mark::Changed } else { Mark::Same };
        }
        match self.before(key) {
            None => Mark::Same,
            Some(Difference::Added(..)) => Mark::Added,
            Some(Difference::Removed(..)) => Mark::Removed,
            Some(Difference::Setting { .. } | Difference::Changed { .. }) => Mark::Changed,
        }
    }

    /// What speaks against this line of the draft, refusals first.
    pub(in crate::console) fn against(&self, key: Key) -> Vec<&Objection> {
        let all = self.drafted.iter().flat_map(|drafted| &drafted.against);
        all.filter(|objection| is_about(objection, key)).collect()
    }

    pub(super) fn weight(&self, key: Key) -> Option<Weight> {
        let weights = self.against(key).into_iter();
        weights.map(|objection| objection.weight).min()
    }

    pub(super) fn suspended(&self, kind: Kind, id: FieldId) -> Option<&Suspension> {
        let mut all = self.plugin.suspended.iter();
        all.find(|one| (one.kind, one.field) == (kind, id))
    }

    /// The version, and the one that it replaced.
    pub(in crate::console) fn version(
        &self,
        number: u32,
    ) -> Option<(&PolicyVersion, Option<&PolicyVersion>)> {
        let versions = &self.plugin.versions;
        let at = versions.iter().position(|one| one.version == number)?;
        Some((&versions[at], versions.get(at + 1)))
    }
}

/// An objection to no rule belongs to the setting that it can be met with.
fn is_about(objection: &Objection, key: Key) -> bool {
    let setting = match &*objection.says {
        "unfit-accounts" => Some(Setting::Objects),
        "doubt-no-activity-types" | "doubt-activity-types" => Some(Setting::ActivityTypes),
        "doubt-accounts" => Some(Setting::CreateAccounts),
        "doubt-opt-in" => Some(Setting::LatestDoNotContact),
        _ => None,
    };
    match key {
        Key::Setting(of) => setting == Some(of),
        Key::Rule(kind, id) => objection.about == Some((kind, id)),
        _ => false,
    }
}
