//! Every refusal and every doubt, each from the smallest configuration that deserves it.

use super::*;
use crate::domain::drift::samples::field;
use crate::domain::mapping::{BlankTravel, Concurrent, Mapping, Overwritten};
use crate::domain::request::{FieldAccess, FieldDescription};
use crate::domain::setup::{Draft, Set, Setting, Timetable, owners, suggestions};
use crate::domain::time::Span;
use crate::domain::value::ValueType;

/// Two systems with the usual fields.
fn systems() -> Descriptions {
    let text = |name| field(name, ValueType::Text);
    let flag = |name| field(name, ValueType::Bool);
    let locked = |field: FieldDescription| FieldDescription {
        access: FieldAccess::ReadOnly,
        ..field
    };
    let person = vec![
        field("Email", ValueType::Email),
        text("Phone"),
        text("Fax"),
        text("Company"),
        flag("HasOptedOutOfEmail"),
        locked(flag("IsDeleted")),
        locked(field("CreatedDate", ValueType::Moment)),
        field("Loyalty__c", ValueType::Number),
        field("ID_Webmecanik__c", ValueType::Number),
        text("Timeline_Link__c"),
        text("Note_commerciale__c"),
        FieldDescription {
            value_type: None,
            ..text("MailingAddress")
        },
        FieldDescription {
            choices: Some(vec!["Hot".to_owned(), "Cold".to_owned()]),
            ..field("Rating", ValueType::Choice)
        },
    ];
    let mut described = Descriptions::default();
    let objects = &mut described.salesforce.objects;
    objects.insert("Lead".to_owned(), person.clone());
    objects.insert("Contact".to_owned(), person);
    objects.insert("Account".to_owned(), vec![text("Name"), text("Phone")]);
    described.automation.contact_fields = vec![
        field("email", ValueType::Email),
        text("phone"),
        text("fax"),
        text("company"),
        text("note_commerciale"),
        flag("crm_deleted"),
        locked(text("points")),
        field("loyalty", ValueType::Number),
        FieldDescription {
            length_max: Some(10),
            ..text("short")
        },
        FieldDescription {
            choices: Some(vec!["Hot".to_owned()]),
            ..field("rating", ValueType::Choice)
        },
    ];
    described.automation.company_fields = vec![text("companyname"), text("companyphone")];
    described.automation.activity_types = vec!["email.read".to_owned()];
    described
}

fn pair(salesforce: &str, automation: &str) -> Pair {
    Pair {
        salesforce: salesforce.to_owned(),
        objects: vec![SalesforceObject::Lead, SalesforceObject::Contact],
        automation: automation.to_owned(),
        arrow: Arrow::Salesforce,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

fn both(described: &Descriptions) -> Systems<'_> {
    Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    }
}

/// People by e-mail with their opt-outs, companies by name: nothing speaks against it.
fn policy() -> Policy {
    let described = systems();
    let all = SalesforceObject::ALL;
    let rule = |id, kind, pair: &Pair| rule(FieldId(id), kind, pair, &all, both(&described));
    let company = Pair {
        objects: vec![SalesforceObject::Account],
        ..pair("Name", "companyname")
    };
    let opt_out = Pair {
        arrow: Arrow::Both,
        ..pair("HasOptedOutOfEmail", "@do_not_contact_email")
    };
    Policy {
        mapping: Mapping {
            person: vec![
                rule(1, Kind::Person, &pair("Email", "email")).unwrap(),
                rule(3, Kind::Person, &opt_out).unwrap(),
            ],
            company: vec![rule(2, Kind::Company, &company).unwrap()],
        },
        published: true,
        objects: all.to_vec(),
        latest_do_not_contact: true,
        ..Policy::default()
    }
}

fn draft() -> Draft {
    Draft::new(1, &policy(), Timetable::default(), FieldId(10))
}

fn says(objections: &[Objection]) -> Vec<&str> {
    objections.iter().map(|one| &*one.says).collect()
}

#[test]
fn a_sound_configuration_meets_no_objection() {
    assert_eq!(objections(None, &policy(), &systems()), []);
    assert!(!draft().is_changed());
}

#[test]
fn a_pair_that_cannot_work_is_refused_with_its_reason() {
    let described = systems();
    let refused = |pair: &Pair| {
        let added = draft().add(Kind::Person, pair, both(&described));
        added.expect_err("a pair that cannot work").says
    };
    let flowing = |salesforce, automation, arrow| Pair {
        arrow,
        ..pair(salesforce, automation)
    };
    let cases = [
        (pair("Loyalty__c", "phone"), "unfit-types"),
        (pair("MailingAddress", "phone"), "unfit-type"),
        (pair("Phon", "phone"), "unfit-salesforce-field-near"),
        (pair("Shoe_Size__c", "phone"), "unfit-salesforce-field"),
        (pair("Phone", "phona"), "unfit-automation-field-near"),
        (pair("Phone", "shoe_size"), "unfit-automation-field"),
        (pair("Phone", "@telephone"), "unfit-special"),
        (pair("ID_Webmecanik__c", "contact_id"), "unfit-contact-id"),
        (pair("ID_Webmecanik__c", "id"), "unfit-contact-id"),
        (pair("HasOptedOutOfEmail", "crm_deleted"), "unfit-consent"),
        (pair("Phone", "@do_not_contact_email"), "unfit-consent"),
        (pair("IsDeleted", "phone"), "unfit-deleted"),
        (
            flowing("IsDeleted", "crm_deleted", Arrow::Both),
            "unfit-one-way",
        ),
        (pair("ID_Webmecanik__c", "@contact_id"), "unfit-one-way"),
        (pair("Timeline_Link__c", "@timeline_link"), "unfit-one-way"),
        (flowing("CreatedDate", "phone", Arrow::Both), "unfit-types"),
        (pair("Phone", "points"), "unfit-automation-locked"),
    ];
    for (pair, why) in &cases {
        assert_eq!(refused(pair), *why, "{pair:?}");
    }
    let mut locked = systems();
    let lead = locked.salesforce.objects.get_mut("Lead").unwrap();
    lead.retain(|field| field.name != "Phone");
    lead.push(FieldDescription {
        access: FieldAccess::ReadOnly,
        ..field("Phone", ValueType::Text)
    });
    let both_ways = flowing("Phone", "phone", Arrow::Both);
    let unfit = draft().add(Kind::Person, &both_ways, both(&locked));
    assert_eq!(unfit.expect_err("locked").says, "unfit-salesforce-locked");
    locked.salesforce.objects.remove("Lead");
    let unfit = draft().add(Kind::Person, &both_ways, both(&locked));
    assert_eq!(unfit.expect_err("hidden").says, "unfit-object-hidden");
    let mut leads_only = draft();
    leads_only.set(
        Setting::Objects,
        Set::Names(vec!["Lead".into(), "Account".into()]),
    );
    let contacts = Pair {
        objects: vec![SalesforceObject::Contact],
        ..pair("Phone", "phone")
    };
    let unfit = leads_only.add(Kind::Person, &contacts, both(&described));
    assert_eq!(unfit.expect_err("not synced").says, "unfit-objects");
}

#[test]
fn a_configuration_as_a_whole_is_refused_where_it_could_not_work() {
    let described = systems();
    let said = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        let found = draft.objections(&described);
        let refused: Vec<Objection> = found.into_iter().filter(Objection::is_refusal).collect();
        says(&refused).join(", ")
    };
    let add = |draft: &mut Draft, pair: &Pair| {
        draft.add(Kind::Person, pair, both(&described)).unwrap();
    };
    let names = |names: &[&str]| Set::Names(names.iter().map(|&name| name.to_owned()).collect());
    let leads = names(&["Lead"]);
    assert_eq!(
        said(&|draft| draft.set(Setting::Objects, leads.clone())),
        "unfit-accounts"
    );
    let accounts = names(&["Account"]);
    assert_eq!(
        said(&|draft| draft.set(Setting::Objects, accounts.clone())),
        "unfit-accounts"
    );
    assert_eq!(
        said(&|draft| draft.remove(Kind::Person, FieldId(1))),
        "unfit-no-email"
    );
    assert_eq!(
        said(&|draft| draft.remove(Kind::Person, FieldId(3))),
        "unfit-no-consent"
    );
    let elsewhere = said(&|draft| {
        draft.remove(Kind::Person, FieldId(1));
        add(draft, &pair("Email", "fax"));
    });
    assert_eq!(
        elsewhere, "unfit-no-email",
        "nobody is looked for by another field"
    );
    let leads_only = Pair {
        objects: vec![SalesforceObject::Lead],
        ..pair("Email", "email")
    };
    let halved = said(&|draft| {
        let id = FieldId(1);
        let changed = draft.change(Kind::Person, id, &leads_only, both(&described));
        changed.unwrap();
    });
    assert_eq!(halved, "unfit-email-half");
    let widened = said(&|draft| {
        draft.set(Setting::Objects, names(&["Lead", "Account"]));
        draft.set(Setting::Objects, names(&["Lead", "Contact", "Account"]));
    });
    assert_eq!(widened, "");
    let both_ways = said(&|draft| {
        add(draft, &pair("Phone", "phone"));
        let back = Pair {
            arrow: Arrow::Automation,
            ..pair("Phone", "phone")
        };
        add(draft, &back);
    });
    assert_eq!(both_ways, "unfit-twice", "each would undo the other");
    let nameless = said(&|draft| {
        let phone = Pair {
            objects: vec![SalesforceObject::Account],
            ..pair("Phone", "companyphone")
        };
        draft.add(Kind::Company, &phone, both(&described)).unwrap();
        draft.remove(Kind::Company, FieldId(2));
    });
    assert_eq!(nameless, "unfit-no-company-name");
    let twice = said(&|draft| {
        add(draft, &pair("Phone", "phone"));
        add(draft, &pair("Fax", "phone"));
    });
    assert_eq!(twice, "unfit-two-onto-one");
    let fan_out = said(&|draft| {
        add(draft, &pair("Phone", "phone"));
        add(draft, &pair("Phone", "fax"));
    });
    assert_eq!(fan_out, "", "one field may fill two");
    let apart = said(&|draft| {
        for (object, field) in [
            (SalesforceObject::Lead, "Phone"),
            (SalesforceObject::Contact, "Fax"),
        ] {
            let pair = Pair {
                objects: vec![object],
                ..pair(field, "phone")
            };
            add(draft, &pair);
        }
    });
    assert_eq!(apart, "", "one record is never both");
}

#[test]
fn what_can_be_saved_but_may_surprise_is_warned_of() {
    let described = systems();
    let warned = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        let found = draft.objections(&described);
        assert!(!found.iter().any(Objection::is_refusal), "{found:?}");
        says(&found).join(", ")
    };
    let with = |salesforce: &'static str, automation: &'static str| {
        warned(&|draft| {
            let pair = pair(salesforce, automation);
            draft.add(Kind::Person, &pair, both(&described)).unwrap();
        })
    };
    assert_eq!(with("Company", "company"), "doubt-lead-company");
    assert_eq!(with("Phone", "short"), "doubt-narrow");
    assert_eq!(with("Rating", "rating"), "doubt-list");
    let opted = warned(&|draft| draft.set(Setting::LatestDoNotContact, Set::Switch(false)));
    assert_eq!(opted, "doubt-opt-in");
    let hasty = warned(&|draft| draft.timetable.overlap = Span::minutes(1));
    assert_eq!(hasty, "doubt-overlap");
    let accounts = warned(&|draft| draft.set(Setting::CreateAccounts, Set::Switch(true)));
    assert_eq!(accounts, "doubt-accounts");
    let on = |draft: &mut Draft| draft.set(Setting::Activities, Set::Switch(true));
    assert_eq!(warned(&on), "doubt-no-activity-types");
    let unknown = warned(&|draft| {
        on(draft);
        draft.set(
            Setting::ActivityTypes,
            Set::Names(vec!["carrier.pigeon".to_owned()]),
        );
    });
    assert_eq!(unknown, "doubt-activity-types");
}

#[test]
fn a_rule_that_stays_is_not_judged_again_by_what_became_of_its_field() {
    let mut gone = systems();
    gone.automation
        .contact_fields
        .retain(|field| field.name != "email");
    let mut draft = draft();
    draft.set(Setting::UpdateBlanks, Set::Switch(true));
    assert_eq!(draft.objections(&gone), []);
}

#[test]
fn a_pair_keeps_its_number_while_its_fields_stay_and_never_gets_an_old_one() {
    let described = systems();
    let mut draft = draft();
    let id = draft
        .add(Kind::Person, &pair("Phone", "phone"), both(&described))
        .unwrap();
    assert_eq!(id, FieldId(10));
    let turned = Pair {
        arrow: Arrow::Both,
        ..pair("Phone", "phone")
    };
    let same = draft
        .change(Kind::Person, id, &turned, both(&described))
        .unwrap();
    assert_eq!(same, id, "what was agreed on holds whatever the arrow");
    let other = draft
        .change(Kind::Person, id, &pair("Fax", "phone"), both(&described))
        .unwrap();
    assert_eq!(other, FieldId(11));
    assert!(draft.policy.mapping.rule(Kind::Person, id).is_none());

    draft.remove(Kind::Person, FieldId(1));
    let again = draft
        .add(Kind::Person, &pair("Email", "email"), both(&described))
        .unwrap();
    assert_eq!(
        again,
        FieldId(1),
        "taken out and put in again: nothing changed"
    );
    draft.remove(Kind::Person, other);
    assert!(!draft.is_changed());
    let versions = [policy(), draft.policy.clone()];
    assert_eq!(next_field(versions.iter()), FieldId(4));
}

#[test]
fn an_imported_configuration_keeps_the_numbers_of_the_pairs_that_were_there() {
    let mut imported = policy();
    imported.mapping.person[0].id = FieldId(700);
    imported.mapping.person[0].arrow = Arrow::Both;
    let mut fax = imported.mapping.person[0].clone();
    (fax.salesforce, fax.automation) = ("Fax".to_owned(), "fax".to_owned());
    imported.mapping.person.insert(0, fax);
    let mut draft = draft();
    draft.replace(imported);
    let numbers: Vec<u16> = draft
        .policy
        .mapping
        .person
        .iter()
        .map(|rule| rule.id.0)
        .collect();
    assert_eq!(numbers, [1, 3, 10]);
    assert_eq!(draft.differences().len(), 2);
}

#[test]
fn a_pair_that_is_split_by_object_becomes_two_and_each_is_taken_out_alone() {
    let described = systems();
    let mut before = draft();
    let pair = pair("Phone", "phone");
    let old = before.add(Kind::Person, &pair, both(&described)).unwrap();
    let mut imported = before.policy.clone();
    let index = imported.mapping.person.iter().position(|r| r.id == old);
    let rule = &mut imported.mapping.person[index.unwrap()];
    rule.objects = vec![SalesforceObject::Lead];
    let mut contacts = rule.clone();
    contacts.objects = vec![SalesforceObject::Contact];
    imported.mapping.person.push(contacts);
    let mut draft = Draft::new(2, &before.policy, Timetable::default(), FieldId(20));
    draft.replace(imported);
    let numbers = |draft: &Draft| -> Vec<u16> {
        let rules = draft.policy.mapping.person.iter();
        rules.map(|rule| rule.id.0).collect()
    };
    assert_eq!(numbers(&draft), [1, 3, old.0, 20]);
    draft.remove(Kind::Person, old);
    assert_eq!(numbers(&draft), [1, 3, 20]);
}

#[test]
fn syncing_owners_brings_its_own_rule_and_takes_it_away_again() {
    let mut draft = draft();
    draft.set(Setting::SyncOwners, Set::Switch(true));
    let owner = draft
        .policy
        .mapping
        .with_role(Kind::Person, Role::Owner)
        .cloned();
    assert_eq!(owner, Some(owners(FieldId(10), &draft.policy.objects)));
    assert_eq!(draft.objections(&systems()), []);
    draft.set(Setting::SyncOwners, Set::Switch(false));
    assert!(!draft.is_changed());
}

#[test]
fn usual_pairs_are_suggested_where_their_fields_are_free_and_fit() {
    let described = systems();
    let mut bare = draft();
    bare.remove(Kind::Person, FieldId(3));
    let told: Vec<(String, String)> = suggestions(&bare.policy, both(&described))
        .into_iter()
        .map(|(_, pair)| (pair.salesforce, pair.automation))
        .collect();
    let has = |salesforce: &str, automation: &str| {
        told.contains(&(salesforce.to_owned(), automation.to_owned()))
    };
    assert!(
        has("Phone", "phone") && has("Phone", "companyphone"),
        "{told:?}"
    );
    assert!(
        has("HasOptedOutOfEmail", "@do_not_contact_email"),
        "{told:?}"
    );
    assert!(has("ID_Webmecanik__c", "@contact_id"), "{told:?}");
    assert!(has("Timeline_Link__c", "@timeline_link"), "{told:?}");
    assert!(has("IsDeleted", "crm_deleted"), "{told:?}");
    assert!(has("Note_commerciale__c", "note_commerciale"), "{told:?}");
    assert!(!has("Email", "email"), "it is mapped");
    assert!(
        !told.iter().any(|(_, automation)| automation == "company"),
        "no AccountId here"
    );
    for (kind, pair) in suggestions(&policy(), both(&described)) {
        assert!(
            draft().add(kind, &pair, both(&described)).is_ok(),
            "{pair:?}"
        );
    }
}

#[test]
fn a_rule_that_loses_its_only_object_is_refused_though_nobody_touched_it() {
    let described = systems();
    let systems = both(&described);
    let all = SalesforceObject::ALL;
    let only_leads = Pair {
        objects: vec![SalesforceObject::Lead],
        ..pair("Fax", "fax")
    };
    let rules = [pair("Email", "email"), only_leads];
    let rules = (1..).zip(rules);
    let person = rules.map(|(id, pair)| rule(FieldId(id), Kind::Person, &pair, &all, systems));
    let before = Policy {
        mapping: Mapping {
            person: person.collect::<Result<_, _>>().unwrap(),
            company: Vec::new(),
        },
        objects: all.to_vec(),
        ..Policy::default()
    };
    let mut draft = Draft::new(1, &before, Timetable::default(), FieldId(9));
    let objects = ["Contact", "Account"].map(str::to_owned).to_vec();
    draft.set(Setting::Objects, Set::Names(objects));
    let against = draft.objections(&described);
    let refused = against.iter().find(|objection| objection.is_refusal());
    let refused = refused.expect("the Lead's pair has nothing left to be mapped for");
    assert_eq!(
        (refused.says.as_ref(), refused.about),
        ("unfit-objects", Some((Kind::Person, FieldId(2))))
    );
}
