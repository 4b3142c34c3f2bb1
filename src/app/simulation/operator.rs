//! An operator who decides conflicts, takes decisions back, retries and backfills, while everything
//! else goes on. Sometimes they decide on what they looked at too long ago.

use crate::app::simulation::knobs::{PLAIN, pick};
use crate::app::simulation::run::Run;
use crate::app::simulation::world::{Key, Word, World};
use crate::domain::command::{Command, Fact};
use crate::domain::conflict::{Choice, Conflict, Resolution, Subject};
use crate::domain::ids::{AutomationId, Generation, Kind, LinkId, RemoteId, Side};
use crate::domain::link::{Link, Pending};
use crate::domain::mapping::Arrow;
use crate::domain::record::PlanKind;
use crate::domain::setup::Timetable;
use crate::domain::time::Span;
use crate::domain::value::Value;
use crate::sim::salesforce::schema::{CONTACT, FieldAccess, LEAD};

/// What the operator has on the screen.
#[derive(Debug, Clone, Default)]
pub(super) struct Screen {
    /// A conflict that was looked at and not decided yet.
    seen: Option<(LinkId, Generation, Conflict)>,
    /// The resolution that waits for its answer.
    asked: Option<Resolution>,
}

impl Screen {
    /// The process ended before it answered.
    pub(super) fn forget_asked(&mut self) {
        self.asked = None;
    }
}

impl Run {
    /// One act of the operator.
    pub(super) fn operate(&mut self) {
        let command = match self.random.below(10) {
            0 => self.undo_the_last(),
            1 => Some(Command::Retry {
                links: self.dead_links(),
            }),
            2 => Some(Command::Backfill {
                kind: PlanKind::Backfill,
                from: self.now - Span::days(1),
                until: self.now,
            }),
            3 => Some(self.reconfigure()),
            4 => {
                self.hide_or_show();
                None
            }
            _ => self.decide(),
        };
        self.look();
        if let Some(command) = command {
            self.log(|_| format!("OPERATOR {command:?}"));
            self.instruct(command);
        }
    }

    /// The operator opens a conflict; what is decided later is decided on this view of it.
    fn look(&mut self) {
        let open: Vec<&Link> = self
            .kept
            .links
            .values()
            .filter(|link| !link.conflicts.is_empty())
            .collect();
        if open.is_empty() {
            return;
        }
        let link = open[self.random.below(open.len() as u64) as usize];
        let conflicts = &link.conflicts;
        let conflict = conflicts[self.random.below(conflicts.len() as u64) as usize].clone();
        self.screen.seen = Some((link.id, link.generation, conflict));
    }

    fn decide(&mut self) -> Option<Command> {
        let (link, generation, conflict) = self.screen.seen.take()?;
        let choice = self.choice(&conflict);
        let resolution = Resolution {
            link,
            generation,
            choices: vec![(conflict.subject, choice)],
        };
        self.screen.asked = Some(resolution.clone());
        Some(Command::Resolve(vec![resolution]))
    }

    /// Any choice, fitting or not: the engine refuses those that do not fit.
    fn choice(&mut self, conflict: &Conflict) -> Choice {
        let typed = Choice::Typed(Value::Text(self.world.fresh("Typed")));
        let choices = match conflict.subject {
            Subject::Consent => vec![Choice::OptOut, Choice::OptIn],
            Subject::Field(_) => vec![
                Choice::Salesforce,
                Choice::Automation,
                Choice::Base,
                Choice::KeepBoth,
                Choice::Retry,
                typed,
            ],
            _ => vec![Choice::Retry, Choice::KeepBoth],
        };
        choices[self.random.below(choices.len() as u64) as usize].clone()
    }

    fn undo_the_last(&mut self) -> Option<Command> {
        let acts = self.kept.acts.iter().rev();
        let act = acts.filter(|act| !act.undo.is_empty()).take(2).last()?;
        Some(Command::Undo { act: act.clone() })
    }

    fn dead_links(&mut self) -> Vec<LinkId> {
        let links = self.kept.links.values();
        let dead = links.filter(|link| link.pending.iter().any(Pending::is_dead));
        dead.map(|link| link.id).collect()
    }

    /// What the engine said to the operator. A decision that was taken is the last word on what it is
    /// about: that of a person, later than the others.
    pub(super) fn hear(&mut self, fact: &Fact) {
        let is_accepted = match fact {
            Fact::Accepted(_) | Fact::AcceptedInPart { .. } => true,
            Fact::Refused(_) => false,
            _ => return,
        };
        let Some(resolution) = self.screen.asked.take().filter(|_| is_accepted) else {
            return;
        };
        let Some(link) = self.kept.links.get(&resolution.link) else {
            return;
        };
        let keys: Vec<Key> = Side::BOTH
            .into_iter()
            .filter_map(|side| link.remote(side).and_then(Key::of))
            .collect();
        for (subject, choice) in &resolution.choices {
            let word = match choice {
                Choice::OptIn => Some(Word::In),
                Choice::OptOut => Some(Word::Out),
                _ => None,
            };
            for key in &keys {
                if let Some(word) = word {
                    self.world.say(*key, self.now, word);
                }
                self.excuse(*key, *subject);
            }
        }
    }

    /// Edits that the operator decided about may be gone.
    pub(super) fn excuse(&mut self, key: Key, subject: Subject) {
        for edit in &mut self.world.journal.edits {
            let is_decided = match subject {
                Subject::Field(field) => edit.field == field,
                _ => true,
            };
            edit.is_excused |= edit.key == key && is_decided;
        }
    }

    /// An undo puts back what was there: no edit of these people is owed any more.
    pub(super) fn excuse_undone(&mut self, command: &Command) {
        let Command::Undo { act } = command else {
            return;
        };
        for step in &act.undo {
            let link = self.kept.links.get(&step.link);
            let ends = link.map(|link| Side::BOTH.map(|side| link.remote(side).and_then(Key::of)));
            for key in ends.into_iter().flatten().flatten() {
                self.excuse(key, Subject::Field(step.before.field));
            }
        }
    }

    /// A rule taken out, put in again, or changed. Now and then on a version that is not in force.
    fn reconfigure(&mut self) -> Command {
        let mut policy = self.knobs.policy.clone();
        let (id, ..) = pick(&mut self.random, &PLAIN);
        let rules = &mut policy.mapping.person;
        match rules.binary_search_by_key(&id, |rule| rule.id) {
            Ok(at) if self.random.below(3) == 0 => {
                rules.remove(at);
            }
            Ok(at) => {
                let arrows = [Arrow::Salesforce, Arrow::Automation, Arrow::Both];
                rules[at].arrow = pick(&mut self.random, &arrows);
            }
            Err(at) => {
                let first = &self.first_policy.mapping;
                rules.extend(first.rule(Kind::Person, id).cloned());
                rules[at..].rotate_right(1);
            }
        }
        let known = self.kept.recovered.policy.as_ref();
        let version = known.map_or(0, |known| known.version);
        let late = u32::from(self.random.below(8) == 0);
        Command::Configure {
            based_on: version.saturating_sub(late),
            policy: Box::new(policy),
            timetable: Timetable {
                overlap: self.knobs.overlap,
                ..Timetable::default()
            },
        }
    }

    /// An administrator takes a field away from the sync's user, or gives it back.
    fn hide_or_show(&mut self) {
        let (id, field, _) = pick(&mut self.random, &PLAIN);
        let object = pick(&mut self.random, &[LEAD, CONTACT]);
        let access = if self.random.below(2) == 0 {
            FieldAccess::Hidden
        } else {
            FieldAccess::Full
        };
        self.reconfigured.insert(id);
        let at = World::clock(&self.knobs, Side::Salesforce, self.now);
        self.world.salesforce.grant(object, field, access, at);
        self.log(|_| format!("ADMINISTRATOR {field} is {access:?}"));
    }

    /// Everything is given back.
    pub(super) fn show_all(&mut self) {
        let at = World::clock(&self.knobs, Side::Salesforce, self.now);
        for (_, field, _) in PLAIN {
            for object in [LEAD, CONTACT] {
                self.world
                    .salesforce
                    .grant(object, field, FieldAccess::Full, at);
            }
        }
    }

    /// Automation says of some contacts that something happened to them: of whoever is there, and of
    /// numbers that are nobody's, or somebody's who is gone, merged or without a name.
    pub(super) fn hint(&mut self) {
        let people = self.world.people();
        let highest = self.world.automation.contacts().all().map(|c| c.id.0).max();
        let highest = u64::from(highest.unwrap_or(0));
        let records = (0..=self.random.below(3)).filter_map(|_| {
            if self.random.below(8) == 0 && !people.is_empty() {
                return self
                    .world
                    .remote(Key::Salesforce(pick(&mut self.random, &people)));
            }
            let id = AutomationId(1 + self.random.below(highest + 3));
            Some(RemoteId::Automation(Kind::Person, id))
        });
        let records = records.collect();
        self.log(|_| format!("HINT {records:?}"));
        self.instruct(Command::Look { records });
    }

    /// When hints come that nothing happened for, if any come.
    pub(super) fn hint_times(&mut self) -> Vec<Span> {
        (0..self.knobs.hints)
            .map(|_| Span(self.random.below(self.knobs.chaos.0 as u64) as i64))
            .collect()
    }

    /// How much the operator does, if there is one.
    pub(super) fn operator_times(&mut self) -> Vec<Span> {
        let acts = pick(&mut self.random, &[0, 0, 3, 12]);
        (0..acts)
            .map(|_| Span(self.random.below(self.knobs.chaos.0 as u64) as i64))
            .collect()
    }
}
