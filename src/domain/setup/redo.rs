//! The changes of a draft, made once more on a configuration that somebody else saved meanwhile.

use super::rule::{Pair, Systems};
use super::{Difference, Draft, Timetable};

/// Changes that could not be made again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Left {
    pub changes: Vec<Difference>,
    pub times: Option<(Timetable, Timetable)>,
}

impl Left {
    pub fn count(&self) -> u64 {
        self.changes.len() as u64 + u64::from(self.times.is_some())
    }

    /// With those of an earlier time.
    pub fn add(&mut self, earlier: Self) {
        self.changes.splice(0..0, earlier.changes);
        self.times = self.times.take().or(earlier.times);
    }
}

impl Draft {
    /// Makes these changes on a draft of the configuration that is in force now. A change of
    /// something that the other one changed too is not made, and answered: whoever made it decides
    /// again, and nothing is lost without a word.
    #[must_use]
    pub fn redone_on(&self, mut onto: Self, systems: Systems<'_>) -> (Self, Left) {
        let mut left = Left::default();
        onto.without_times = self.without_times;
        for change in self.differences() {
            if !onto.redo(&change, systems) {
                left.changes.push(change);
            }
        }
        if let Some((before, after)) = self.retimed() {
            if onto.timetable == before {
                onto.timetable = after;
            } else if onto.timetable != after {
                left.times = Some((before, after));
            }
        }
        (onto, left)
    }

    fn redo(&mut self, change: &Difference, systems: Systems<'_>) -> bool {
        match change {
            Difference::Setting {
                setting,
                before,
                after,
            } => {
                let now = setting.of(&self.policy);
                if now == *before {
                    self.set(*setting, after.clone());
                }
                now == *before || now == *after
            }
            Difference::Added(kind, rule) => {
                let known = self.policy.mapping.rules(*kind).iter();
                let is_there = known.into_iter().any(|old| Pair::of(old) == Pair::of(rule));
                is_there || self.add(*kind, &Pair::of(rule), systems).is_ok()
            }
            Difference::Removed(kind, rule) => {
                let now = self.policy.mapping.rule(*kind, rule.id);
                let is_free = now.is_none_or(|now| now == rule);
                if is_free {
                    self.remove(*kind, rule.id);
                }
                is_free
            }
            Difference::Changed {
                kind,
                before,
                after,
            } => match self.policy.mapping.rule(*kind, before.id) {
                Some(now) if now == after => true,
                Some(now) if now == before => {
                    let pair = Pair::of(after);
                    self.change(*kind, before.id, &pair, systems).is_ok()
                }
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::drift::Descriptions;
    use crate::domain::drift::samples::{described, rule};
    use crate::domain::ids::{FieldId, Kind, SalesforceObject};
    use crate::domain::mapping::{Arrow, Mapping, Policy, Role};
    use crate::domain::setup::{Difference, Draft, Pair, Set, Setting, Systems, Timetable};
    use crate::domain::time::Span;

    fn systems(described: &Descriptions) -> Systems<'_> {
        Systems {
            salesforce: &described.salesforce,
            automation: &described.automation,
        }
    }

    fn policy() -> Policy {
        Policy {
            mapping: Mapping {
                person: vec![rule(1, "Phone", "phone", Role::Plain)],
                company: Vec::new(),
            },
            objects: vec![SalesforceObject::Lead],
            ..Policy::default()
        }
    }

    fn draft(policy: &Policy) -> Draft {
        Draft::new(1, policy, Timetable::default(), FieldId(9))
    }

    fn turned(draft: &mut Draft, arrow: Arrow, described: &Descriptions) {
        let pair = Pair {
            arrow,
            ..Pair::of(&draft.policy.mapping.person[0])
        };
        let id = FieldId(1);
        draft
            .change(Kind::Person, id, &pair, systems(described))
            .unwrap();
    }

    #[test]
    fn what_nobody_else_touched_is_made_again_beside_what_they_made() {
        let described = described();
        let mut mine = draft(&policy());
        turned(&mut mine, Arrow::Salesforce, &described);
        let theirs = Policy {
            update_blanks: true,
            ..policy()
        };
        let (made, left) = mine.redone_on(draft(&theirs), systems(&described));
        assert_eq!(left.count(), 0);
        assert!(made.policy.update_blanks);
        assert_eq!(made.policy.mapping.person[0].arrow, Arrow::Salesforce);
        assert_eq!(made.differences().len(), 1, "only mine is to be saved");
    }

    #[test]
    fn what_both_changed_is_left_as_the_other_saved_it_and_told() {
        let described = described();
        let mut mine = draft(&policy());
        turned(&mut mine, Arrow::Salesforce, &described);
        mine.set(Setting::UpdateBlanks, Set::Switch(true));
        let mut theirs = policy();
        theirs.mapping.person[0].arrow = Arrow::Automation;
        let (made, left) = mine.redone_on(draft(&theirs), systems(&described));
        assert!(
            matches!(&left.changes[..], [Difference::Changed { .. }]),
            "{left:?}"
        );
        assert!(made.policy.update_blanks);
        assert_eq!(made.policy.mapping.person[0].arrow, Arrow::Automation);
    }

    #[test]
    fn times_that_both_changed_stay_as_the_other_saved_them() {
        let described = described();
        let mut mine = draft(&policy());
        mine.timetable.is_enabled = true;
        let mut onto = draft(&policy());
        let (made, left) = mine.redone_on(onto.clone(), systems(&described));
        assert_eq!((made.timetable.is_enabled, left.count()), (true, 0));
        onto.timetable.overlap = Span::minutes(5);
        let (made, left) = mine.redone_on(onto, systems(&described));
        assert_eq!((made.timetable.is_enabled, left.count()), (false, 1));
    }

    #[test]
    fn a_pair_that_is_gone_meanwhile_cannot_be_changed_and_need_not_be_taken_out() {
        let described = described();
        let mut changed = draft(&policy());
        turned(&mut changed, Arrow::Salesforce, &described);
        let theirs = Policy {
            mapping: Mapping::default(),
            ..policy()
        };
        let (made, left) = changed.redone_on(draft(&theirs), systems(&described));
        assert_eq!((left.count(), made.is_changed()), (1, false));
        let mut removed = draft(&policy());
        removed.remove(Kind::Person, FieldId(1));
        let (made, left) = removed.redone_on(draft(&theirs), systems(&described));
        assert_eq!((left.count(), made.is_changed()), (0, false));
    }
}
