//! What would mend it, and what nobody may mend from here.

use super::examined::{defined, unread};
use super::*;
use crate::domain::evidence::{Area, Part};
use crate::domain::remedy::{DELETED_FIELD, ID_FIELD, OPT_OUT_FIELD, Remedy};

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
    let object = remedy("opt-out-visible", |w| {
        w.described().salesforce.objects.remove("Lead");
    });
    assert_eq!(object, None, "a field is no right to its object");
}

#[test]
fn what_the_sync_only_reads_is_only_shown() {
    let shown = remedy("fields-seen", |w| {
        w.lead("LastName").name = "Other".to_owned();
        defined(w, "Lead", "LastName");
        w.policy.mapping.person[1].arrow = crate::domain::mapping::Arrow::Salesforce;
    });
    let fields = vec![pair("Lead", "LastName")];
    assert_eq!(shown, Some(Remedy::ShowFields(fields)));
}

#[test]
fn a_role_that_closes_the_fields_closes_nothing_else() {
    let mut world = World::new();
    world.described = None;
    let closed = world.automation();
    closed.areas.insert(Area::Fields, unread());
    closed.contact_fields = unread();
    closed.company_fields = unread();
    closed.fields = unread();
    let seen = |id: &str| judged(&world, id).severity;
    for id in [
        "credentials",
        "identity",
        "api-version",
        "owners",
        "timeline",
        "required",
    ] {
        assert_eq!(seen(id), Severity::Ok, "{id}");
    }
    assert_eq!(seen("rights-automation"), Fault);
    for id in ["fields-typed", "fields-published", "choices"] {
        assert_eq!(seen(id), Unknown, "{id}");
    }
    world.described = None;
    let mut hidden = described();
    hidden.salesforce.objects.clear();
    world.salesforce().description = hidden.salesforce;
    assert_eq!(
        judged(&world, "fields-seen").severity,
        Fault,
        "of Salesforce's side"
    );
}

#[test]
fn the_timeline_is_made_where_we_may_make_it_and_lacks_are_added() {
    let hide = |w: &mut World| w.described().salesforce.timeline = None;
    assert_eq!(remedy("timeline", hide), Some(Remedy::Timeline));
    let foreign = remedy("timeline", |w| {
        hide(w);
        w.salesforce().namespace = Part::Read(String::new());
        w.salesforce().timelines = Part::Read(Vec::new());
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
    let asleep = remedy("remote-site", |w| {
        let Part::Read(sites) = &mut w.salesforce().remote_sites else {
            panic!("no sites");
        };
        sites[0].is_active = false;
    });
    assert_eq!(asleep, None, "it is an administrator's");
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
        defined(w, "Lead", &format!("ns__{ID_FIELD}"));
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
    let taken = remedy("deleted", |w| {
        w.unmap(4);
        states(w, |fields| {
            fields[4].alias = DELETED_FIELD.to_owned();
        });
    });
    assert_eq!(
        taken,
        field("deleted_in_salesforce_pe"),
        "an alias is taken once"
    );
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
    let unlisted = remedy("deleted-segment", |w| {
        empty(w);
        states(w, |fields| fields[2].is_listable = false);
    });
    assert_eq!(
        unlisted,
        field("crm_deleted"),
        "segments cannot filter by it yet"
    );
    let too_soon = remedy("deleted-segment", |w| {
        empty(w);
        missing(w);
    });
    assert_eq!(too_soon, None, "a filter needs its field");
}
