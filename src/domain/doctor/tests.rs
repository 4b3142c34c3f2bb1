//! Each check by itself: once as it should be, once for every way in which it can be wrong.

use std::collections::BTreeSet;

use super::*;
use crate::domain::command::BySide;
use crate::domain::cursor::Coverage;
use crate::domain::drift::samples::{field, rule};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::link::Mark;
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::request::{FieldAccess, FieldDescription, User};
use crate::domain::snapshot::Budget;
use crate::domain::value::ValueType;

const NOW: Timestamp = Timestamp(1_772_615_702_000);

/// Everything as it should be.
struct World {
    policy: Policy,
    snapshot: Snapshot,
    counts: Counts,
    described: Option<Descriptions>,
    timetable: Option<Timetable>,
    oldest_conflict: Option<Timestamp>,
    disk: Option<Disk>,
}

fn user(name: &str) -> User {
    User {
        id: name.to_owned(),
        email: format!("{name}@acme.example"),
        name: name.to_owned(),
        is_active: true,
    }
}

fn typed(id: u16, names: (&str, &str), role: Role, value_type: ValueType) -> FieldRule {
    FieldRule {
        value_type,
        ..rule(id, names.0, names.1, role)
    }
}

fn mapping() -> Mapping {
    let text = ValueType::Text;
    let company = |id, names, role, value_type| FieldRule {
        objects: vec![SalesforceObject::Account],
        ..typed(id, names, role, value_type)
    };
    Mapping {
        person: vec![
            typed(1, ("Email", "email"), Role::Email, ValueType::Email),
            typed(2, ("LastName", "lastname"), Role::Plain, text),
            typed(
                3,
                ("HasOptedOutOfEmail", "@do_not_contact_email"),
                Role::Consent,
                ValueType::Bool,
            ),
            typed(
                4,
                ("IsDeleted", "crm_deleted"),
                Role::Deleted,
                ValueType::Bool,
            ),
            typed(5, ("Link__c", "@timeline_link"), Role::TimelineLink, text),
            typed(6, ("Id__c", "@contact_id"), Role::ContactId, text),
        ],
        company: vec![
            company(7, ("Name", "companyname"), Role::CompanyName, text),
            company(8, ("IsDeleted", "gone"), Role::Deleted, ValueType::Bool),
        ],
    }
}

fn described() -> Descriptions {
    let mut described = Descriptions {
        at: NOW - Span::minutes(1),
        ..Descriptions::default()
    };
    let fields = |names: &[(&str, ValueType)]| -> Vec<FieldDescription> {
        names.iter().map(|(name, of)| field(name, *of)).collect()
    };
    let (text, flag) = (ValueType::Text, ValueType::Bool);
    let lead = [
        ("Email", ValueType::Email),
        ("LastName", text),
        ("HasOptedOutOfEmail", flag),
        ("IsDeleted", flag),
        ("Link__c", text),
        ("Id__c", text),
    ];
    let account = [("Name", text), ("IsDeleted", flag)];
    let objects = &mut described.salesforce.objects;
    objects.insert("Lead".to_owned(), fields(&lead));
    objects.insert("Account".to_owned(), fields(&account));
    let mut timeline = fields(&[
        ("ns__ActivityDate__c", ValueType::Moment),
        ("ns__contact_id__c", text),
        ("ns__Description__c", text),
        ("ns__WhoId__c", text),
        ("ns__MauticLead__c", ValueType::Number),
        ("ns__Mautic_url__c", text),
        ("ns__ReferenceId__c", text),
    ]);
    timeline[6].is_unique = true;
    described.salesforce.timeline = Some(timeline);
    described.salesforce.users = vec![user("claire")];
    described.automation.users = vec![user("claire")];
    described.automation.activity_types = vec!["email.read".to_owned()];
    let contact = [
        ("email", ValueType::Email),
        ("lastname", text),
        ("crm_deleted", flag),
    ];
    described.automation.contact_fields = fields(&contact);
    described.automation.company_fields = fields(&[("companyname", text), ("gone", flag)]);
    described
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot {
        published: true,
        limit: Some((1_000, 15_000)),
        budget: Some(Budget {
            spent: 200,
            allowed: 7_500,
            reserved: 375,
            lately: 20,
            eases: None,
        }),
        ..Snapshot::default()
    };
    let mut read = Coverage::default();
    read.add(NOW - Span::days(2), NOW - Span::minutes(1));
    for side in Side::BOTH {
        snapshot.coverage.insert(side, read.clone());
        snapshot.answered.insert(side, NOW);
    }
    snapshot.totals.written.add(Side::Salesforce, "update", 3);
    snapshot
}

impl World {
    fn new() -> Self {
        let every = Some(Span::hours(1));
        Self {
            policy: Policy {
                mapping: mapping(),
                published: true,
                objects: vec![SalesforceObject::Lead, SalesforceObject::Account],
                activities: true,
                update_blanks: false,
                latest_do_not_contact: true,
                sync_owners: true,
                create_accounts: true,
                activity_types: vec!["email.read".to_owned()],
                namespace: "ns".to_owned(),
                automation_url: "https://acme.automation.example".to_owned(),
            },
            snapshot: snapshot(),
            counts: Counts {
                sent_activities: 12,
                ..Counts::default()
            },
            described: Some(described()),
            timetable: Some(Timetable {
                is_enabled: true,
                pull: every,
                push: every,
                activities: every,
                overlap: Span::minutes(20),
            }),
            oldest_conflict: None,
            disk: Some(Disk {
                used_bytes: 5_000_000,
                free_bytes: 20 << 30,
            }),
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            now: NOW,
            policy: &self.policy,
            snapshot: &self.snapshot,
            counts: &self.counts,
            described: self.described.as_ref(),
            timetable: self.timetable,
            oldest_conflict: self.oldest_conflict,
            disk: self.disk,
        }
    }

    fn stop(&mut self, kind: FailureKind) {
        let failure = Failure::new(kind, "401", "no");
        self.snapshot.stopped.insert(Side::Salesforce, failure);
    }

    fn lead(&mut self, name: &str) -> &mut FieldDescription {
        let described = self.described.as_mut().unwrap();
        let lead = described.salesforce.objects.get_mut("Lead").unwrap();
        lead.iter_mut().find(|field| field.name == name).unwrap()
    }

    fn described(&mut self) -> &mut Descriptions {
        self.described.as_mut().unwrap()
    }

    fn unmap(&mut self, id: u16) {
        let mapping = &mut self.policy.mapping;
        mapping.person.retain(|rule| rule.id != FieldId(id));
        mapping.company.retain(|rule| rule.id != FieldId(id));
    }
}

/// The check, what is wrong, and what it then says.
type Case = (&'static str, fn(&mut World), Severity, &'static str);

fn hold(cases: &[Case]) {
    for (id, change, severity, says) in cases {
        let check = CHECKS.iter().find(|check| check.id == *id).unwrap();
        let mut world = World::new();
        change(&mut world);
        let found = check.judged(&world.facts());
        assert_eq!(
            (found.seen.severity, &*found.seen.says),
            (*severity, *says),
            "{id}"
        );
    }
}

use Severity::{Fault, Note, Unknown, Warning};

#[test]
fn a_good_set_up_has_nothing_wrong_and_what_cannot_be_seen_is_unknown() {
    let world = World::new();
    let findings = examine(&world.facts());
    assert_eq!(findings.len(), CHECKS.len());
    let not_ok: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding.seen.severity != Severity::Ok)
        .map(|finding| finding.check.id)
        .collect();
    let unseen = ["clock", "opt-out-history", "timeline-layout"];
    assert_eq!(not_ok, BTreeSet::from(unseen));
    for id in unseen {
        let finding = findings.iter().find(|f| f.check.id == id).unwrap();
        assert_eq!(finding.seen.severity, Unknown, "{id}");
    }
}

#[test]
fn the_worst_stands_first_and_no_two_checks_share_a_name() {
    let mut world = World::new();
    world.snapshot.is_braked = true;
    world.snapshot.published = false;
    let findings = examine(&world.facts());
    let ids: Vec<&str> = findings.iter().map(|finding| finding.check.id).collect();
    assert_eq!(ids[..2], ["published", "brake"]);
    assert!(findings.is_sorted_by_key(|finding| finding.seen.severity));
    let names: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(names.len(), CHECKS.len());
}

#[test]
fn sides_that_do_not_answer_or_are_read_with_gaps() {
    hold(&[
        (
            "salesforce",
            |w| w.stop(FailureKind::Transient),
            Fault,
            "seen-stopped",
        ),
        (
            "salesforce",
            |w| {
                w.snapshot.waits_until.insert(Side::Salesforce, NOW);
            },
            Note,
            "seen-waits",
        ),
        (
            "automation",
            |w| {
                w.snapshot.answered.clear();
                w.described = None;
            },
            Unknown,
            "seen-silent",
        ),
        (
            "salesforce",
            |w| w.stop(FailureKind::Unauthorised),
            Note,
            "seen-refusing",
        ),
        (
            "credentials",
            |w| w.stop(FailureKind::Unauthorised),
            Fault,
            "seen-refused",
        ),
        (
            "credentials",
            |w| w.described = None,
            Unknown,
            "seen-not-described",
        ),
        (
            "clock",
            |w| {
                let coverage = w.snapshot.coverage.get_mut(&Side::Automation).unwrap();
                coverage.add(NOW, NOW + Span::minutes(5));
            },
            Warning,
            "seen-clock-ahead",
        ),
        (
            "calls",
            |w| w.snapshot.limit = Some((14_000, 15_000)),
            Warning,
            "seen-calls",
        ),
        (
            "calls",
            |w| w.snapshot.limit = None,
            Unknown,
            "seen-calls-unknown",
        ),
        (
            "budget",
            |w| w.snapshot.budget.as_mut().unwrap().spent = 7_200,
            Fault,
            "seen-budget-spent",
        ),
        (
            "budget",
            |w| w.timetable.as_mut().unwrap().pull = Some(Span::seconds(10)),
            Fault,
            "seen-budget-short",
        ),
        (
            "budget",
            |w| w.snapshot.budget = None,
            Unknown,
            "seen-budget-unknown",
        ),
        (
            "coverage-salesforce",
            |w| {
                let mut read = Coverage::default();
                read.add(NOW - Span::hours(23), NOW);
                w.snapshot.coverage.insert(Side::Salesforce, read);
            },
            Warning,
            "seen-gaps",
        ),
        (
            "coverage-automation",
            |w| {
                let mut read = Coverage::default();
                read.add(NOW - Span::days(9), NOW - Span::days(3));
                w.snapshot.coverage.insert(Side::Automation, read);
            },
            Warning,
            "seen-late",
        ),
        (
            "coverage-automation",
            |w| w.snapshot.coverage.clear(),
            Unknown,
            "seen-unread",
        ),
    ]);
}

#[test]
fn fields_that_are_hidden_locked_retyped_short_missing_or_unique() {
    hold(&[
        (
            "fields-seen",
            |w| w.lead("LastName").name.push('x'),
            Fault,
            "seen-hidden",
        ),
        (
            "fields-seen",
            |w| w.described = None,
            Unknown,
            "seen-not-described",
        ),
        (
            "fields-writable",
            |w| w.lead("LastName").access = FieldAccess::ReadOnly,
            Fault,
            "seen-locked",
        ),
        (
            "fields-typed",
            |w| w.lead("LastName").value_type = Some(ValueType::Date),
            Fault,
            "seen-retyped",
        ),
        (
            "fields-typed",
            |w| w.lead("LastName").value_type = None,
            Fault,
            "seen-retyped",
        ),
        (
            "fields-long-enough",
            |w| w.lead("LastName").length_max = Some(255),
            Note,
            "seen-shorter",
        ),
        (
            "required",
            |w| {
                w.unmap(2);
                w.lead("LastName").is_required = true;
            },
            Fault,
            "seen-required-missing",
        ),
        (
            "required",
            |w| w.policy.objects = vec![SalesforceObject::Contact],
            Note,
            "seen-nothing-created",
        ),
        (
            "unique",
            |w| w.lead("LastName").is_unique = true,
            Note,
            "seen-unique",
        ),
    ]);
}

#[test]
fn what_the_guide_asks_for_and_is_not_so() {
    hold(&[
        (
            "published",
            |w| w.snapshot.published = false,
            Fault,
            "seen-unpublished",
        ),
        (
            "schedule",
            |w| w.timetable.as_mut().unwrap().is_enabled = false,
            Warning,
            "seen-schedule-off",
        ),
        (
            "schedule",
            |w| w.timetable = None,
            Unknown,
            "seen-schedule-unknown",
        ),
        (
            "objects",
            |w| w.policy.objects = vec![SalesforceObject::Lead],
            Fault,
            "seen-objects-missing",
        ),
        (
            "owners",
            |w| w.described().salesforce.users.push(user("paul")),
            Warning,
            "seen-owners-alone",
        ),
        (
            "owners",
            |w| w.policy.sync_owners = false,
            Note,
            "seen-owners-off",
        ),
        ("opt-out", |w| w.unmap(3), Fault, "seen-opt-out-unmapped"),
        (
            "opt-out",
            |w| w.policy.latest_do_not_contact = false,
            Warning,
            "seen-opt-in-off",
        ),
        ("deleted", |w| w.unmap(4), Warning, "seen-deleted-unmapped"),
        ("deleted", |w| w.unmap(8), Note, "seen-deleted-unmapped"),
        (
            "timeline-link",
            |w| w.unmap(5),
            Note,
            "seen-no-timeline-link",
        ),
        (
            "timeline",
            |w| w.described().salesforce.timeline = None,
            Fault,
            "seen-timeline-hidden",
        ),
        (
            "timeline",
            |w| w.policy.namespace.clear(),
            Fault,
            "seen-timeline-fields",
        ),
        (
            "timeline",
            |w| w.policy.activities = false,
            Note,
            "seen-activities-off",
        ),
        (
            "timeline-reference",
            |w| w.described().salesforce.timeline.as_mut().unwrap()[6].is_unique = false,
            Fault,
            "seen-reference-double",
        ),
        (
            "timeline-reference",
            |w| w.described().salesforce.timeline = None,
            Unknown,
            "seen-not-described",
        ),
        (
            "activity-types",
            |w| w.policy.activity_types.clear(),
            Fault,
            "seen-no-types",
        ),
        (
            "activity-types",
            |w| w.policy.activity_types.push("sms.sent".to_owned()),
            Warning,
            "seen-types-strange",
        ),
        (
            "activities-sent",
            |w| w.counts.sent_activities = 0,
            Warning,
            "seen-none-sent",
        ),
    ]);
}

#[test]
fn what_waits_is_stopped_or_runs_out() {
    hold(&[
        (
            "writes-arrive",
            |w| w.snapshot.totals.written = BySide::default(),
            Unknown,
            "seen-no-writes",
        ),
        (
            "activities-held",
            |w| w.counts.held_activities = 2,
            Warning,
            "seen-held",
        ),
        (
            "given-up",
            |w| {
                w.counts.marks.insert(Mark::Dead, 2);
            },
            Warning,
            "seen-given-up",
        ),
        (
            "conflicts",
            |w| {
                w.counts.marks.insert(Mark::Conflict, 2);
                w.oldest_conflict = Some(NOW - Span::days(8));
            },
            Warning,
            "seen-conflicts",
        ),
        (
            "conflicts",
            |w| {
                w.counts.marks.insert(Mark::Conflict, 2);
                w.oldest_conflict = Some(NOW - Span::days(1));
            },
            Note,
            "seen-conflicts",
        ),
        (
            "conflicts",
            |w| {
                w.counts.marks.insert(Mark::Conflict, 2);
            },
            Unknown,
            "seen-conflicts-undated",
        ),
        (
            "paused",
            |w| {
                w.snapshot.paused.insert(Queue::Activities);
            },
            Warning,
            "seen-paused",
        ),
        (
            "brake",
            |w| w.snapshot.is_braked = true,
            Fault,
            "seen-braked",
        ),
        (
            "disk",
            |w| w.disk.as_mut().unwrap().free_bytes = 1 << 20,
            Warning,
            "seen-disk",
        ),
        ("disk", |w| w.disk = None, Unknown, "seen-disk-unknown"),
    ]);
}

#[test]
fn the_evidence_names_what_it_saw() {
    let mut world = World::new();
    world.lead("LastName").value_type = Some(ValueType::Date);
    let check = CHECKS
        .iter()
        .find(|check| check.id == "fields-typed")
        .unwrap();
    let names = vec!["Lead.LastName (text → date)".to_owned()];
    let gaps = check.judged(&world.facts()).seen.gaps;
    assert_eq!(gaps[1], ("fields".into(), Told::Names(names)));
    assert_eq!(world.policy.mapping.rules(Kind::Person).len(), 6);
}
