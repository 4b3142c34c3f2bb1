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

mod examined;
mod fields;
mod guide;
mod remedies;
mod samples;
mod sides;
mod webhook;
mod work;

const NOW: Timestamp = Timestamp(1_772_615_702_000);

/// Everything as it should be.
struct World {
    policy: Policy,
    snapshot: Snapshot,
    counts: Counts,
    described: Option<Descriptions>,
    evidence: Option<Evidence>,
    machine: Option<Machine>,
    bound: Option<Binding>,
    timetable: Option<Timetable>,
    oldest_conflict: Option<Timestamp>,
    refused: Vec<Refused>,
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
    described.salesforce.organisation = "00DQ70000000Xy1MAE".to_owned();
    described.salesforce.api_version = "62.0".to_owned();
    described.automation.instance = "https://acme.automation.example".to_owned();
    described.automation.version = "5.1.1".to_owned();
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
            evidence: Some(samples::evidence(described())),
            machine: Some(samples::machine()),
            bound: Some(samples::bound()),
            timetable: Some(Timetable {
                is_enabled: true,
                pull: every,
                push: every,
                activities: every,
                overlap: Span::minutes(20),
            }),
            oldest_conflict: None,
            refused: Vec::new(),
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
            evidence: self.evidence.as_ref(),
            machine: self.machine.as_ref(),
            bound: self.bound.as_ref(),
            timetable: self.timetable,
            oldest_conflict: self.oldest_conflict,
            refused: &self.refused,
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

    fn salesforce(&mut self) -> &mut SalesforceEvidence {
        let evidence = self.evidence.as_mut().unwrap();
        evidence.salesforce.as_mut().unwrap()
    }

    fn automation(&mut self) -> &mut AutomationEvidence {
        let evidence = self.evidence.as_mut().unwrap();
        evidence.automation.as_mut().unwrap()
    }

    fn described(&mut self) -> &mut Descriptions {
        self.described.as_mut().unwrap()
    }

    /// Nobody asked either system.
    fn blind(&mut self) {
        self.described = None;
        self.evidence = None;
    }

    fn refuse(&mut self, side: Side, field: Option<u16>, code: &str) {
        self.refused.push(Refused {
            side,
            field: field.map(FieldId),
            code: code.to_owned(),
        });
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

fn judged(world: &World, id: &str) -> Seen {
    let check = CHECKS.iter().find(|check| check.id == id).unwrap();
    check.judged(&world.facts()).seen
}

use Severity::{Fault, Note, Unknown, Warning};

fn not_ok(world: &World) -> BTreeSet<&'static str> {
    let findings = examine(&world.facts()).into_iter();
    let not_ok = findings.filter(|finding| finding.seen.severity != Severity::Ok);
    not_ok.map(|finding| finding.check.id).collect()
}

#[test]
fn a_good_set_up_has_nothing_wrong() {
    let world = World::new();
    assert_eq!(examine(&world.facts()).len(), CHECKS.len());
    assert_eq!(not_ok(&world), BTreeSet::new());
}

#[test]
fn what_nobody_looked_at_is_unknown_and_never_good() {
    let mut world = World::new();
    world.evidence = None;
    world.machine = None;
    let findings = examine(&world.facts());
    let unknown = findings.iter().filter(|f| f.seen.severity == Unknown);
    let unknown: BTreeSet<&str> = unknown.map(|finding| finding.check.id).collect();
    assert_eq!(unknown, not_ok(&world), "nothing else is wrong");
    for id in [
        "clock",
        "opt-out-history",
        "timeline-layout",
        "foreign-writer",
        "files",
    ] {
        assert!(unknown.contains(id), "{id}");
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
