//! What must hold once everything is quiet, judged by the two systems and the people's journal.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::simulation::run::Run;
use crate::app::simulation::world::{Key, World};
use crate::domain::conflict::{Cause, Subject};
use crate::domain::consent::Consent;
use crate::domain::ids::{Kind, RemoteId, Side};
use crate::domain::link::Link;
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::record::Happened;
use crate::domain::request::{Answer, AutomationRequest, SalesforceRequest};
use crate::domain::row::{Row, RowState};
use crate::domain::value::Value;
use crate::engine::decide::{Outcome, decide};
use crate::sim::automation::activity::ActivityKind;
use crate::sim::{automation, salesforce};

/// Cycles that may still write after faults end.
const CYCLES_MAX: u64 = 5;

impl Run {
    /// The whole run, checks and all. What broke, if anything.
    pub(super) fn play(&mut self) -> Result<(), String> {
        self.chaos();
        self.heal();
        let mut cycles = 0;
        while self.broken.is_none() && self.cycle() > 0 {
            cycles += 1;
            if cycles > CYCLES_MAX {
                self.fail(format!("I-2: still writing after {cycles} quiet cycles"));
            }
        }
        for _ in 0..2 {
            self.expect_silence("a cycle more");
        }
        self.restart();
        self.expect_silence("a restart");
        if self.broken.is_none() {
            self.check_links();
            self.check_edits();
            self.check_activities();
        }
        self.broken.take().map_or(Ok(()), Err)
    }

    fn expect_silence(&mut self, after: &str) {
        if self.broken.is_none() && self.cycle() > 0 {
            self.fail(format!("I-3: a quiet system writes after {after}"));
        }
    }

    /// Every record as its system shows it.
    fn shown(&mut self) -> BTreeMap<RemoteId, Row> {
        let mapping = std::sync::Arc::new(self.knobs.policy.mapping.clone());
        let people = self.world.people().into_iter().map(Key::Salesforce);
        let people: Vec<RemoteId> = people.filter_map(|key| self.world.remote(key)).collect();
        let ids = people.iter().filter_map(|id| match *id {
            RemoteId::Salesforce(object, id) => Some((object, id)),
            RemoteId::Automation(..) => None,
        });
        let request = SalesforceRequest::Rows {
            mapping: mapping.clone(),
            ids: ids.collect(),
        };
        let now = World::clock(&self.knobs, Side::Salesforce, self.now);
        let session = salesforce::inproc::Session::at(now);
        let mut shown = BTreeMap::new();
        let answered = salesforce::inproc::answer(&mut self.world.salesforce, &session, &request);
        if let Ok((Answer::Rows(rows), _)) = answered {
            shown.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        let ids = self.world.contacts().into_iter().map(|id| {
            (
                Kind::Person,
                crate::domain::ids::AutomationId(u64::from(id.0)),
            )
        });
        let request = AutomationRequest::Rows {
            mapping,
            ids: ids.collect(),
        };
        let now = World::clock(&self.knobs, Side::Automation, self.now);
        let session = automation::inproc::Session::new(now, self.world.caller);
        let answered = automation::inproc::answer(&mut self.world.automation, &session, &request);
        if let Ok((Answer::Rows(rows), _)) = answered {
            shown.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        shown
    }

    fn check_links(&mut self) {
        let shown = self.shown();
        let links: Vec<Link> = self.kept.links.values().cloned().collect();
        let mut known = BTreeSet::new();
        for link in &links {
            for side in Side::BOTH {
                let Some(id) = link.remote(side) else {
                    continue;
                };
                if !known.insert(id) {
                    self.fail(format!("two links hold {id}"));
                }
                let is_live = link.is_live(side);
                match shown.get(&id) {
                    Some(row) if is_live => self.check_sight(link, side, row),
                    None if !is_live => {}
                    Some(_) => {
                        self.fail(format!("I-1: {id} is alive, link {} says not", link.id));
                    }
                    None => self.fail(format!("I-1: {id} is gone, link {} says not", link.id)),
                }
            }
            if let (Some(left), Some(right)) = (
                link.remote(Side::Salesforce).and_then(|id| shown.get(&id)),
                link.remote(Side::Automation).and_then(|id| shown.get(&id)),
            ) {
                self.check_pair(link, left, right);
                self.check_consent(link, left, right);
            }
        }
        for (id, row) in &shown {
            if !known.contains(id) && row.state == RowState::Live {
                self.fail(format!("I-1: {id} was never seen"));
            }
        }
    }

    /// What the engine believes of a record is what the record shows.
    fn check_sight(&mut self, link: &Link, side: Side, row: &Row) {
        for (field, value) in &row.values {
            let rule = self.knobs.policy.mapping.rule(link.kind, *field);
            let is_ours = rule.is_none_or(|rule| {
                rule.role == Role::Consent || rule.role == Role::Deleted && side == Side::Salesforce
            });
            let believed = link.field(*field).and_then(|state| state.on(side));
            if !is_ours && believed != Some(value) {
                let (id, link) = (row.id, link.id);
                self.fail(format!(
                    "I-1: {id} shows {value:?} in field {field}, link {link} believes {believed:?}"
                ));
            }
        }
        let view = link.consent.on(side);
        let believed = view.map(|view| view.value.is_out());
        if row.consent.map(Consent::is_out) != believed {
            let (id, link, shown) = (row.id, link.id, row.consent);
            self.fail(format!(
                "I-1: {id} shows consent {shown:?}, link {link} believes {view:?}"
            ));
        }
    }

    fn is_held(link: &Link) -> bool {
        let is_held = |subject: Subject| {
            matches!(
                subject,
                Subject::Identity | Subject::Deletion | Subject::Write(_)
            )
        };
        link.parked.is_some()
            || link
                .conflicts
                .iter()
                .any(|conflict| is_held(conflict.subject))
            || link
                .pending
                .iter()
                .any(crate::domain::link::Pending::is_dead)
    }

    fn check_pair(&mut self, link: &Link, left: &Row, right: &Row) {
        let RemoteId::Salesforce(object, _) = left.id else {
            return;
        };
        let rules: Vec<FieldRule> = self
            .knobs
            .policy
            .mapping
            .rules_of(object)
            .cloned()
            .collect();
        for rule in rules {
            if matches!(rule.role, Role::Consent | Role::Deleted) {
                continue;
            }
            let (Some(one), Some(other)) = (left.value(rule.id), right.value(rule.id)) else {
                continue;
            };
            let has_conflict = link
                .conflicts
                .iter()
                .any(|conflict| conflict.subject == Subject::Field(rule.id));
            if one == other || has_conflict || Self::is_held(link) {
                continue;
            }
            let decided = link
                .field(rule.id)
                .map(|state| decide(&rule, state, self.knobs.policy.update_blanks).outcome);
            if !matches!(decided, Some(Outcome::Diverge | Outcome::Settled)) {
                let (id, field) = (link.id, rule.id);
                self.fail(format!(
                    "I-1: link {id} field {field} differs without a word: {one:?}, {other:?}, \
                     {decided:?}"
                ));
            }
        }
    }

    /// Whoever said out last, and was not let in since by a person, is out on both sides.
    fn check_consent(&mut self, link: &Link, left: &Row, right: &Row) {
        let keys = [left.id, right.id].map(Key::of);
        let keys: Vec<Key> = keys.into_iter().flatten().collect();
        let (out, back) = self.world.journal.last_words(&keys);
        let (out, back) = (out.map(|out| out.at), back.map(|back| back.at));
        let must_be_out = out.is_some() && back < out;
        // What was said of the deleted record that one of these took the place of is not known here.
        let returned = &self.world.journal.returned;
        if !must_be_out || keys.iter().any(|key| returned.contains(key)) {
            return;
        }
        let is_out = |row: &Row| row.consent.is_some_and(|consent| consent != Consent::In);
        let (left, right) = (is_out(left), is_out(right));
        let asks = link
            .conflicts
            .iter()
            .any(|conflict| matches!(conflict.subject, Subject::Consent | Subject::Write(_)));
        if left && right || asks && (left || right) {
            return;
        }
        let id = link.id;
        self.fail(format!(
            "I-6: link {id} may be mailed (Salesforce out: {left}, Automation out: {right}), \
             though the last word was out at {out:?}: {:?}",
            link.consent
        ));
    }

    /// Every value that a person typed is there, was replaced by a later person, or is kept.
    fn check_edits(&mut self) {
        let mut last: BTreeMap<(Key, crate::domain::ids::FieldId), usize> = BTreeMap::new();
        let edits = self.world.journal.edits.clone();
        for (index, edit) in edits.iter().enumerate() {
            let newest = last.entry((edit.key, edit.field)).or_insert(index);
            if edits[*newest].at <= edit.at {
                *newest = index;
            }
        }
        let kept = self.kept_texts();
        let times: BTreeMap<&str, crate::domain::time::Timestamp> = edits
            .iter()
            .map(|edit| (edit.value.as_str(), edit.at))
            .collect();
        let shown = self.shown();
        for index in last.into_values() {
            let edit = &edits[index];
            let is_excused = edit.is_excused || self.reconfigured.contains(&edit.field);
            if is_excused || edit.value.is_empty() || kept.contains(&edit.value) {
                continue;
            }
            let id = self.world.remote(edit.key);
            let mut links = self.kept.links.values();
            let link = links.find(|link| Side::BOTH.iter().any(|side| link.remote(*side) == id));
            let was_merged = link.is_some_and(|link| {
                let ends = Side::BOTH.map(|side| link.remote(side).and_then(Key::of));
                let merged = &self.world.journal.readdressed;
                ends.into_iter().flatten().any(|key| merged.contains(&key))
            });
            if was_merged {
                // A merge on either side chose among values: that was a person, later.
                continue;
            }
            let row = id.and_then(|id| shown.get(&id));
            let Some(value) = row.and_then(|row| row.value(edit.field)) else {
                continue;
            };
            let text = value.as_text().unwrap_or_default();
            let is_later = times.get(text).is_some_and(|at| *at > edit.at);
            // A blank that a person made on the other side, and that clears.
            let may_clear = value.is_blank();
            if text != edit.value && !is_later && !may_clear {
                self.fail(format!(
                    "I-4: {:?} typed {:?} at {}, now it is {value:?} and nobody kept it",
                    edit.key, edit.value, edit.at
                ));
            }
        }
    }

    /// Texts that an operator still finds: in conflicts and in the history of lost edits.
    fn kept_texts(&self) -> BTreeSet<String> {
        let mut kept = BTreeSet::new();
        let mut keep = |value: &Value| kept.extend(value.as_text().map(str::to_owned));
        for entry in self.kept.history.values().flatten() {
            if let Happened::Overwritten { lost, .. } = &entry.what {
                keep(lost);
            }
        }
        for conflict in self.kept.links.values().flat_map(|link| &link.conflicts) {
            match &conflict.cause {
                Cause::BothChanged {
                    salesforce,
                    automation,
                }
                | Cause::BothSet {
                    salesforce,
                    automation,
                }
                | Cause::ChangedSince {
                    salesforce,
                    automation,
                } => {
                    keep(salesforce);
                    keep(automation);
                }
                Cause::AgainstArrow { value, .. } | Cause::Refused { value, .. } => keep(value),
                Cause::EmailTaken { address, .. } => keep(address),
                _ => {}
            }
        }
        kept
    }

    /// The references in Salesforce are those of the events of linked people, each once.
    fn check_activities(&mut self) {
        let sent = self.sent_references();
        if let Some((twice, _)) = sent.iter().find(|(_, count)| **count > 1) {
            self.fail(format!("I-11: {twice} is there twice"));
        }
        for event in self.events() {
            let id = crate::domain::ids::AutomationId(u64::from(event.contact.0));
            let id = RemoteId::Automation(Kind::Person, id);
            let mut links = self.kept.links.values();
            let link = links.find(|link| link.remote(Side::Automation) == Some(id));
            let Some(link) = link.filter(|link| link.is_whole()) else {
                continue;
            };
            let Some(end) = &link.salesforce else {
                continue;
            };
            let reference = automation::inproc::reference(&event);
            if self.left_out.contains(&reference) || self.waits_for_a_person(&reference) {
                continue;
            }
            let full = format!("{reference}-{}", end.first_id);
            let copies = sent.keys().filter(|sent| sent.starts_with(&full));
            if copies.count() > 1 {
                self.fail(format!("I-11: {full} is there twice"));
                return;
            }
            // Under any id of its person: it may have been sent when they were somebody else.
            let prefix = format!("{reference}-");
            if !sent.keys().any(|sent| sent.starts_with(&prefix)) {
                let contact = event.contact;
                self.fail(format!("I-11: {reference} of contact {contact} is lost"));
            }
        }
    }

    /// The references of the timeline in Salesforce, and how often each is there.
    fn sent_references(&self) -> BTreeMap<String, u64> {
        let mut sent = BTreeMap::new();
        let salesforce = &self.world.salesforce;
        let Some(timeline) = salesforce.schema().find("mautic_timeline__c", None) else {
            return sent;
        };
        for (id, _) in salesforce.records(timeline) {
            let reference = salesforce.value(id, "ReferenceId__c");
            let reference = reference.as_text().unwrap_or_default().to_owned();
            *sent.entry(reference).or_default() += 1;
        }
        sent
    }

    /// The events of Automation of the kinds that are sent.
    fn events(&mut self) -> Vec<automation::activity::Activity> {
        let query = automation::activity::ActivityQuery {
            kinds: vec![
                ActivityKind::PageHit,
                ActivityKind::EmailSent,
                ActivityKind::EmailRead,
                ActivityKind::FormSubmitted,
                ActivityKind::PointGained,
            ],
            from: Some(crate::sim::clock::Timestamp::from_millis(
                crate::app::simulation::world::START.0,
            )),
            limit: 10_000,
            ..automation::activity::ActivityQuery::default()
        };
        let page = self.world.automation.activities(self.world.caller, &query);
        page.map(|page| page.events).unwrap_or_default()
    }

    /// Held, and shown as held, for somebody whose record a person must decide about.
    fn waits_for_a_person(&self, reference: &str) -> bool {
        let mut held = self.kept.held.values();
        held.any(|held| {
            let link = self.kept.links.get(&held.link);
            let is_live = link.is_some_and(|link| link.is_live(Side::Salesforce));
            held.activity.reference == reference && !is_live
        })
    }
}
