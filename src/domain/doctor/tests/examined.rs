//! What only a look at the two systems and at this machine tells.

use super::*;
use crate::domain::evidence::{Area, DefinedField, Part, Rule, Writer};
use crate::domain::remedy::OPT_OUT_FIELD;

pub(super) fn unread<T>() -> Part<T> {
    Part::Unread("403: this user may not".to_owned())
}

fn rule(object: &str) -> Part<Vec<Rule>> {
    Part::Read(vec![Rule {
        object: object.to_owned(),
        name: "Phone_needed".to_owned(),
        says: "Give a number".to_owned(),
    }])
}

fn writer() -> Part<Vec<Writer>> {
    Part::Read(vec![Writer {
        name: "Intégration Mautic".to_owned(),
        rows: 12,
    }])
}

fn connector(name: &str) -> Part<Vec<Writer>> {
    Part::Read(vec![Writer {
        name: name.to_owned(),
        rows: 3,
    }])
}

/// A mapped field that is there, whoever may see it.
pub(super) fn defined(world: &mut World, object: &str, name: &str) {
    let Part::Read(fields) = &mut world.salesforce().fields else {
        panic!("no fields");
    };
    fields.push(DefinedField {
        object: object.to_owned(),
        name: name.to_owned(),
        is_tracked: false,
    });
}

fn column<'a>(world: &'a mut World, name: &str) -> &'a mut crate::domain::evidence::Column {
    let columns = world.salesforce().timeline.as_mut().unwrap();
    let column = columns
        .iter_mut()
        .find(|column| column.name.ends_with(name));
    column.unwrap()
}

const ACCESS: &[Case] = &[
    (
        "scopes",
        |w| w.salesforce().token = unread(),
        Unknown,
        "seen-unreadable",
    ),
    (
        "scopes",
        |w| {
            let Part::Read(token) = &mut w.salesforce().token else {
                panic!()
            };
            token.scopes = Some(vec!["openid".to_owned()]);
        },
        Fault,
        "seen-scopes-missing",
    ),
    (
        "scopes",
        |w| {
            let Part::Read(token) = &mut w.salesforce().token else {
                panic!()
            };
            token.scopes = None;
        },
        Unknown,
        "seen-scopes-untold",
    ),
    (
        "identity",
        |w| w.bound.as_mut().unwrap().is_sandbox = true,
        Fault,
        "seen-identity-other",
    ),
    ("identity", |w| w.bound = None, Unknown, "seen-unbound"),
    (
        "api-version",
        |w| w.described().automation.version = "4.4.9".to_owned(),
        Warning,
        "seen-version-old",
    ),
    (
        "api-version",
        |w| w.described().automation.version.clear(),
        Unknown,
        "seen-version-untold",
    ),
    (
        "rights-salesforce",
        |w| w.salesforce().rights.get_mut("Lead").unwrap().creates = false,
        Fault,
        "seen-rights-missing",
    ),
    (
        "rights-salesforce",
        |w| {
            w.salesforce().rights.remove("Account");
        },
        Fault,
        "seen-rights-missing",
    ),
    (
        "rights-automation",
        |w| {
            w.automation().areas.insert(Area::Fields, unread());
        },
        Fault,
        "seen-role-lacks",
    ),
    (
        "clock",
        |w| w.salesforce().clock_ahead = Part::Read(Span::minutes(3)),
        Warning,
        "seen-clock-ahead",
    ),
    (
        "clock",
        |w| w.automation().clock_ahead = Part::Read(Span(-Span::minutes(3).0)),
        Warning,
        "seen-clock-behind",
    ),
    (
        "clock",
        |w| w.automation().clock_ahead = unread(),
        Unknown,
        "seen-clock-unknown",
    ),
];

#[test]
fn who_we_are_and_what_we_may() {
    hold(ACCESS);
}

const AROUND: &[Case] = &[
    (
        "remote-site",
        |w| w.salesforce().remote_sites = Part::Read(Vec::new()),
        Note,
        "seen-site-missing",
    ),
    (
        "trusted-site",
        |w| {
            let Part::Read(sites) = &mut w.salesforce().trusted_sites else {
                panic!()
            };
            sites[0].is_active = false;
        },
        Note,
        "seen-site-asleep",
    ),
    (
        "trusted-site",
        |w| w.salesforce().trusted_sites = unread(),
        Unknown,
        "seen-unreadable",
    ),
    (
        "trusted-site",
        |w| w.evidence = None,
        Unknown,
        "seen-not-examined",
    ),
    (
        "validation-rules",
        |w| w.salesforce().validation_rules = rule("Lead"),
        Note,
        "seen-validation-rules",
    ),
    (
        "validation-rules",
        |w| {
            w.salesforce().validation_rules = rule("Lead");
            w.refuse(Side::Salesforce, None, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
        },
        Warning,
        "seen-validation-rules",
    ),
    (
        "validation-rules",
        |w| w.salesforce().validation_rules = rule("Case"),
        Severity::Ok,
        "seen-no-validation-rules",
    ),
    (
        "duplicate-rules",
        |w| w.salesforce().duplicate_rules = rule("Account"),
        Note,
        "seen-duplicate-rules",
    ),
    (
        "duplicate-rules",
        |w| {
            w.salesforce().duplicate_rules = rule("Account");
            w.refuse(Side::Salesforce, None, "DUPLICATES_DETECTED");
        },
        Warning,
        "seen-duplicate-rules",
    ),
    (
        "queue-owned",
        |w| w.salesforce().queue_owned = Part::Read(4),
        Warning,
        "seen-queue-owned",
    ),
    (
        "queue-owned",
        |w| {
            w.salesforce().queue_owned = Part::Read(4);
            w.policy.objects = vec![SalesforceObject::Contact];
        },
        Note,
        "seen-queue-owned",
    ),
    (
        "queue-owned",
        |w| {
            w.salesforce().queue_owned = Part::Read(4);
            w.policy.sync_owners = false;
        },
        Note,
        "seen-queue-owned",
    ),
    (
        "foreign-writer",
        |w| w.salesforce().writers = writer(),
        Fault,
        "seen-foreign-writer",
    ),
    (
        "foreign-writer",
        |w| {
            w.automation().writers = connector("Salesforce");
            w.salesforce().writers = unread();
        },
        Fault,
        "seen-foreign-writer",
    ),
    (
        "foreign-writer",
        |w| w.automation().writers = connector("Hubspot"),
        Note,
        "seen-other-connectors",
    ),
    (
        "foreign-writer",
        |w| w.salesforce().writers = unread(),
        Unknown,
        "seen-unreadable",
    ),
    (
        "files",
        |w| {
            let Part::Read(files) = &mut w.machine.as_mut().unwrap().files else {
                panic!()
            };
            files.open.push("tokens 0644".to_owned());
        },
        Fault,
        "seen-files-open",
    ),
    (
        "files",
        |w| {
            let Part::Read(files) = &mut w.machine.as_mut().unwrap().files else {
                panic!()
            };
            files.key_inside = Some("/var/lib/acme/key".to_owned());
        },
        Warning,
        "seen-key-inside",
    ),
    (
        "service",
        |w| w.machine.as_mut().unwrap().is_served = false,
        Warning,
        "seen-service-stopped",
    ),
    (
        "service",
        |w| w.machine.as_mut().unwrap().unit = Part::Read(false),
        Note,
        "seen-service-by-hand",
    ),
    (
        "service",
        |w| {
            let machine = w.machine.as_mut().unwrap();
            (machine.unit, machine.is_served) = (Part::Read(false), false);
        },
        Warning,
        "seen-no-service",
    ),
    (
        "service",
        |w| w.machine.as_mut().unwrap().unit = unread(),
        Unknown,
        "seen-unreadable",
    ),
];

#[test]
fn what_lives_around_the_sync() {
    hold(AROUND);
}

const GUIDE: &[Case] = &[
    (
        "fields-published",
        |w| {
            let Part::Read(fields) = &mut w.automation().fields else {
                panic!()
            };
            fields[1].is_published = false;
        },
        Fault,
        "seen-fields-unpublished",
    ),
    (
        "choices",
        |w| {
            let list = ["Hot", "Cold"].map(str::to_owned).to_vec();
            w.salesforce()
                .picklists
                .insert("Lead.LastName".to_owned(), list);
            let field = &mut w.described().automation.contact_fields[1];
            field.choices = Some(vec!["Hot".to_owned()]);
        },
        Warning,
        "seen-choices-lack",
    ),
    (
        "choices",
        |w| {
            let field = &mut w.described().automation.contact_fields[1];
            field.value_type = Some(ValueType::Choice);
        },
        Note,
        "seen-choices-untold",
    ),
    (
        "choices",
        |w| {
            let field = &mut w.described().automation.contact_fields[1];
            field.value_type = Some(ValueType::Choice);
            w.refuse(Side::Automation, Some(2), "400");
        },
        Warning,
        "seen-choices-untold",
    ),
    (
        "opt-out-visible",
        |w| w.lead(OPT_OUT_FIELD).access = FieldAccess::ReadOnly,
        Fault,
        "seen-opt-out-hidden",
    ),
    (
        "opt-out-history",
        |w| {
            let Part::Read(fields) = &mut w.salesforce().fields else {
                panic!()
            };
            fields[0].is_tracked = false;
        },
        Warning,
        "seen-history-off",
    ),
    (
        "history-readable",
        |w| {
            let history = &mut w.salesforce().history;
            history.insert(SalesforceObject::Lead, unread());
        },
        Warning,
        "seen-history-closed",
    ),
    (
        "deleted-field",
        |w| {
            let Part::Read(fields) = &mut w.automation().fields else {
                panic!()
            };
            fields[2].value_type = Some(ValueType::Text);
        },
        Fault,
        "seen-deleted-field-type",
    ),
    (
        "deleted-segment",
        |w| w.automation().segments = Part::Read(Vec::new()),
        Note,
        "seen-no-segment",
    ),
    (
        "deleted-segment",
        |w| {
            let Part::Read(segments) = &mut w.automation().segments else {
                panic!()
            };
            segments[0].filters[0].operator = "!=".to_owned();
        },
        Note,
        "seen-no-segment",
    ),
    ("id-field", |w| w.unmap(6), Note, "seen-no-id"),
    (
        "timeline",
        |w| {
            w.described().salesforce.timeline = None;
            defined(w, "ns__mautic_timeline__c", "ns__WhoId__c");
        },
        Fault,
        "seen-timeline-unseen",
    ),
    (
        "timeline-layout",
        |w| {
            let Part::Read(layouts) = &mut w.salesforce().layouts else {
                panic!()
            };
            layouts[0].lists[0].columns.pop();
        },
        Warning,
        "seen-layouts-lack",
    ),
    (
        "timeline-layout",
        |w| w.salesforce().layouts = Part::Read(Vec::new()),
        Unknown,
        "seen-no-layouts",
    ),
];

#[test]
fn what_the_guide_asks_for_and_only_a_look_tells() {
    hold(GUIDE);
}

#[test]
fn a_timeline_field_of_another_shape_is_named_with_what_it_should_be() {
    type Change = fn(&mut World);
    let cases: [(Change, &str); 6] = [
        (
            |w| column(w, "ActivityDate__c").kind = "date".to_owned(),
            "ns__ActivityDate__c: date → datetime",
        ),
        (
            |w| column(w, "Description__c").length = 32_768,
            "ns__Description__c: 32768 → 131072",
        ),
        (
            |w| column(w, "WhoId__c").refers_to = vec!["Contact".to_owned()],
            "ns__WhoId__c: reference Contact → Lead",
        ),
        (
            |w| column(w, "MauticLead__c").precision = 10,
            "ns__MauticLead__c: 10,0 → 18,0",
        ),
        (
            |w| column(w, "MauticLead__c").is_external_id = false,
            "ns__MauticLead__c: → External ID",
        ),
        (
            |w| column(w, "ReferenceId__c").is_unique = false,
            "ns__ReferenceId__c: → unique",
        ),
    ];
    for (change, says) in cases {
        let mut world = World::new();
        change(&mut world);
        let found = judged(&world, "timeline-shape");
        assert_eq!(found.severity, Fault, "{says}");
        let names = Told::Names(vec![says.to_owned()]);
        assert_eq!(found.gaps[1], ("names".into(), names));
        assert_eq!(found.remedy, None, "what is there is never changed");
    }
}

#[test]
fn what_nobody_looked_at_is_told_by_a_bundle_without_a_key_that_would_look() {
    let mut world = World::new();
    let looked_at = examine(&world.facts());
    world.evidence = None;
    let unseen = examine(&world.facts());
    let told = |findings: Vec<Finding>| -> Vec<Seen> {
        let findings = findings.into_iter().map(Finding::out_of_reach);
        findings.map(|finding| finding.seen).collect()
    };
    let is_unseen = |seen: &Seen| seen.says == "seen-not-in-bundle";
    let (looked_at, unseen) = (told(looked_at), told(unseen));
    assert!(!looked_at.iter().any(is_unseen), "{looked_at:?}");
    assert!(
        unseen.iter().filter(|seen| is_unseen(seen)).count() > 5,
        "{unseen:?}"
    );
    assert!(unseen.iter().all(|seen| seen.says != "seen-not-examined"));
}
