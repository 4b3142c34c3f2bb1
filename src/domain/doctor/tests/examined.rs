//! What only a look at the two systems and at this machine tells, and what would mend it.

use super::*;
use crate::domain::evidence::{Area, DefinedField, Part, Rule, Writer};
use crate::domain::remedy::{DELETED_FIELD, ID_FIELD, OPT_OUT_FIELD, Remedy};

fn unread<T>() -> Part<T> {
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

/// A mapped field that is there, whoever may see it.
fn defined(world: &mut World, object: &str, name: &str) {
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
        Warning,
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
        Warning,
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
            w.automation().writers = writer();
            w.salesforce().writers = unread();
        },
        Fault,
        "seen-foreign-writer",
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

fn judged(world: &World, id: &str) -> Seen {
    let check = CHECKS.iter().find(|check| check.id == id).unwrap();
    check.judged(&world.facts()).seen
}

fn remedy(id: &str, change: impl FnOnce(&mut World)) -> Option<Remedy> {
    let mut world = World::new();
    change(&mut world);
    judged(&world, id).remedy
}

fn pair(object: &str, field: &str) -> (String, String) {
    (object.to_owned(), field.to_owned())
}

#[test]
fn fields_that_exist_are_granted_and_those_that_do_not_are_left_to_a_person() {
    let hide = |w: &mut World| w.lead("LastName").name = "Other".to_owned();
    assert_eq!(remedy("fields-seen", hide), None);
    let granted = remedy("fields-seen", |w| {
        hide(w);
        defined(w, "Lead", "LastName");
    });
    let fields = vec![pair("Lead", "LastName")];
    assert_eq!(granted, Some(Remedy::GrantFields(fields.clone())));
    let lock = |w: &mut World| w.lead("LastName").access = FieldAccess::ReadOnly;
    assert_eq!(
        remedy("fields-writable", lock),
        Some(Remedy::GrantFields(fields))
    );
    let calculated = remedy("fields-writable", |w| {
        lock(w);
        w.salesforce().grantable.clear();
    });
    assert_eq!(calculated, None, "no right makes a formula writable");
    let hidden = remedy("opt-out-visible", |w| w.lead(OPT_OUT_FIELD).name.clear());
    let fields = vec![pair("Lead", OPT_OUT_FIELD)];
    assert_eq!(hidden, Some(Remedy::GrantFields(fields)));
}

#[test]
fn the_timeline_is_made_where_we_may_make_it_and_lacks_are_added() {
    let hide = |w: &mut World| w.described().salesforce.timeline = None;
    assert_eq!(remedy("timeline", hide), Some(Remedy::Timeline));
    let foreign = remedy("timeline", |w| {
        hide(w);
        w.salesforce().namespace = Part::Read(String::new());
    });
    assert_eq!(foreign, None, "a package's object is its maker's");
    let lacking = remedy("timeline", |w| {
        w.described()
            .salesforce
            .timeline
            .as_mut()
            .unwrap()
            .remove(3);
    });
    let fields = vec!["WhoId__c".to_owned()];
    assert_eq!(lacking, Some(Remedy::TimelineFields(fields)));
    let rights = remedy("rights-salesforce", |w| {
        let rights = &mut w.salesforce().rights;
        rights.get_mut("ns__mautic_timeline__c").unwrap().creates = false;
    });
    assert_eq!(rights, Some(Remedy::Timeline));
}

#[test]
fn sites_history_and_the_number_are_made_in_salesforce() {
    let url = "https://acme.automation.example".to_owned();
    let site = remedy("remote-site", |w| {
        w.salesforce().remote_sites = Part::Read(Vec::new());
    });
    assert_eq!(site, Some(Remedy::RemoteSite(url.clone())));
    let site = remedy("trusted-site", |w| {
        w.salesforce().trusted_sites = Part::Read(Vec::new());
    });
    assert_eq!(site, Some(Remedy::TrustedSite(url)));
    let history = remedy("opt-out-history", |w| {
        w.salesforce().fields = Part::Read(Vec::new());
    });
    let lead = vec![SalesforceObject::Lead];
    assert_eq!(history, Some(Remedy::TrackHistory(lead.clone())));
    assert_eq!(
        remedy("id-field", |w| w.unmap(6)),
        Some(Remedy::IdField(lead))
    );
    let there = remedy("id-field", |w| {
        w.unmap(6);
        defined(w, "Lead", ID_FIELD);
    });
    assert_eq!(there, None, "it only has to be mapped");
}

#[test]
fn the_deleted_flag_is_made_in_automation_field_first() {
    let states = |w: &mut World, change: fn(&mut Vec<crate::domain::evidence::FieldState>)| {
        let Part::Read(fields) = &mut w.automation().fields else {
            panic!("no fields");
        };
        change(fields);
    };
    let field = |alias: &str| Some(Remedy::DeletedField(Kind::Person, alias.to_owned()));
    let unmapped = remedy("deleted", |w| w.unmap(4));
    assert_eq!(unmapped, field(DELETED_FIELD));
    let missing = |w: &mut World| {
        states(w, |fields| {
            fields.remove(2);
        });
    };
    assert_eq!(remedy("deleted-field", missing), field("crm_deleted"));
    let hidden = remedy("deleted-field", |w| {
        states(w, |fields| fields[2].is_published = false);
    });
    assert_eq!(hidden, field("crm_deleted"));
    let text = remedy("deleted-field", |w| {
        states(w, |fields| fields[2].value_type = Some(ValueType::Text));
    });
    assert_eq!(text, None, "a type cannot be changed");
    let empty = |w: &mut World| w.automation().segments = Part::Read(Vec::new());
    let segment = Some(Remedy::DeletedSegment("crm_deleted".to_owned()));
    assert_eq!(remedy("deleted-segment", empty), segment);
    let too_soon = remedy("deleted-segment", |w| {
        empty(w);
        missing(w);
    });
    assert_eq!(too_soon, None, "a filter needs its field");
}
