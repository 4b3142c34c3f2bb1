//! A configuration as a file: written, read again, it changes nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::domain::drift::Descriptions;
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Mapping, Overwritten};
use crate::domain::request::{FieldAccess, FieldDescription};
use crate::domain::setup::{Timetable, owners, rule};
use crate::domain::time::Span;
use crate::domain::value::ValueType;

/// Pairs that fit each other, companies after people.
const PAIRS: [(&str, &str, Kind); 12] = [
    ("Email", "email", Kind::Person),
    ("Phone", "phone", Kind::Person),
    ("Fax", "fax", Kind::Person),
    ("Title", "position", Kind::Person),
    ("Timeline_Link__c", "@timeline_link", Kind::Person),
    ("ID_Webmecanik__c", "@contact_id", Kind::Person),
    ("HasOptedOutOfEmail", "@do_not_contact_email", Kind::Person),
    ("IsDeleted", "crm_deleted", Kind::Person),
    ("AccountId", "company", Kind::Person),
    ("Name", "companyname", Kind::Company),
    ("Phone", "companyphone", Kind::Company),
    ("Website", "companywebsite", Kind::Company),
];

fn described() -> Descriptions {
    let field = |name: &str| FieldDescription {
        name: name.to_owned(),
        label: name.to_owned(),
        value_type: Some(match name {
            "HasOptedOutOfEmail" | "IsDeleted" | "crm_deleted" => ValueType::Bool,
            "ID_Webmecanik__c" => ValueType::Number,
            "Email" | "email" => ValueType::Email,
            _ => ValueType::Text,
        }),
        length_max: None,
        hides_length: false,
        decimals: None,
        is_required: false,
        access: FieldAccess::Writable,
        is_unique: false,
        is_upsert_key: false,
        choices: None,
    };
    let mut described = Descriptions::default();
    for object in SalesforceObject::ALL {
        let of_it = PAIRS.iter().filter(|(.., kind)| *kind == object.kind());
        let fields = of_it.map(|(name, ..)| field(name)).collect();
        let objects = &mut described.salesforce.objects;
        objects.insert(object.name().to_owned(), fields);
    }
    let of = |kind| {
        let of_it = PAIRS.iter().filter(|(.., of)| *of == kind);
        of_it.map(|(_, name, _)| field(name)).collect()
    };
    described.automation.contact_fields = of(Kind::Person);
    described.automation.company_fields = of(Kind::Company);
    described
}

type Chosen = (usize, usize, bool, bool, bool, bool);

fn made(id: u16, chosen: Chosen, objects: &[SalesforceObject]) -> Option<(Kind, FieldRule)> {
    let (index, arrow, leads_only, review, clear, newest) = chosen;
    let (salesforce, automation, kind) = PAIRS[index];
    let all = SalesforceObject::ALL.into_iter();
    let fitting = all.filter(|o| o.kind() == kind && objects.contains(o));
    let fitting = fitting.filter(|o| !leads_only || *o != SalesforceObject::Contact);
    let pair = Pair {
        salesforce: salesforce.to_owned(),
        objects: fitting.collect(),
        automation: automation.to_owned(),
        arrow: [Arrow::Salesforce, Arrow::Automation, Arrow::Both][arrow],
        overwritten: if review {
            Overwritten::Review
        } else {
            Overwritten::Keep
        },
        blank: if clear {
            BlankTravel::Clears
        } else {
            BlankTravel::Never
        },
        concurrent: if newest {
            Concurrent::Newest
        } else {
            Concurrent::Conflict
        },
    };
    let described = described();
    let systems = Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    };
    rule(FieldId(id), kind, &pair, objects, systems)
        .ok()
        .map(|rule| (kind, rule))
}

/// Whatever can be in force: rules of any kind with gaps between their numbers, any settings.
fn policies() -> impl Strategy<Value = Policy> {
    let chosen = (
        0..3_usize,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let rules = subsequence((0..PAIRS.len()).collect::<Vec<_>>(), 1..=PAIRS.len());
    let rules = (rules, proptest::collection::vec(chosen, PAIRS.len()));
    let objects = prop_oneof![
        Just(SalesforceObject::ALL.to_vec()),
        Just(vec![SalesforceObject::Account, SalesforceObject::Lead]),
        Just(vec![SalesforceObject::Contact, SalesforceObject::Account]),
    ];
    let switches = proptest::collection::vec(any::<bool>(), 6);
    let types = proptest::collection::vec("[a-z.\"\\\\é]{1,8}", 0..4);
    (rules, objects, switches, types, "[a-z]{0,5}").prop_map(
        |((indices, chosen), objects, on, activity_types, namespace)| {
            let mut mapping = Mapping::default();
            for (number, index) in (1_u16..).step_by(3).zip(indices) {
                let (arrow, leads, review, clear, newest) = chosen[index];
                let all = (index, arrow, leads, review, clear, newest);
                match made(number, all, &objects) {
                    Some((Kind::Person, rule)) => mapping.person.push(rule),
                    Some((Kind::Company, rule)) => mapping.company.push(rule),
                    None => {}
                }
            }
            if on[0] {
                mapping.person.push(owners(FieldId(90), &objects));
            }
            Policy {
                mapping,
                published: on[1],
                objects,
                activities: on[2],
                update_blanks: on[3],
                latest_do_not_contact: on[4],
                sync_owners: on[0],
                create_accounts: on[5],
                activity_types,
                namespace,
                automation_url: "https://acme.automation.example".to_owned(),
            }
        },
    )
}

fn timetables() -> impl Strategy<Value = Timetable> {
    let span = || (10..200_000_i64).prop_map(Span::seconds);
    (any::<bool>(), span(), span(), span(), span()).prop_map(
        |(is_enabled, pull, push, activities, overlap)| Timetable {
            is_enabled,
            pull: Some(pull),
            push: Some(push),
            activities: Some(activities),
            overlap,
        },
    )
}

/// What importing a text into a configuration makes of it.
fn imported((policy, times): (&Policy, Timetable), text: &str, described: &Descriptions) -> Draft {
    let setup = config::setup("plugin.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(setup.left_out, Vec::<String>::new());
    let wanted = super::policy::on(policy, &setup, described).unwrap();
    let mut draft = Draft::new(3, policy, times, FieldId(500));
    draft.replace(wanted);
    draft.timetable = setup.timetable.unwrap_or(times);
    draft
}

proptest! {
    #[test]
    fn what_was_exported_changes_nothing_when_it_is_imported(
        policy in policies(),
        times in timetables(),
    ) {
        let text = file::text(&policy, &times);
        let same = imported((&policy, times), &text, &described());
        prop_assert!(!same.is_changed(), "{:?}\n{text}", same.differences());
        // Not even where a system shows nothing of it any more.
        let hidden = imported((&policy, times), &text, &Descriptions::default());
        prop_assert!(!hidden.is_changed(), "{:?}\n{text}", hidden.differences());
    }

    #[test]
    fn what_was_exported_here_is_what_is_in_force_there(
        ours in policies(),
        theirs in policies(),
        times in timetables(),
    ) {
        let text = file::text(&ours, &times);
        let there = imported((&theirs, Timetable::default()), &text, &described());
        prop_assert_eq!(there.timetable, times);
        let pairs = |policy: &Policy, kind| {
            let mut pairs: Vec<String> = policy
                .mapping
                .rules(kind)
                .iter()
                .map(|rule| format!("{:?} {:?} {:?}", Pair::of(rule), rule.role, rule.value_type))
                .collect();
            pairs.sort();
            pairs
        };
        for kind in [Kind::Person, Kind::Company] {
            // A file without any pair says nothing about pairs.
            if text.contains("[[mapping") {
                prop_assert_eq!(pairs(&there.policy, kind), pairs(&ours, kind));
            }
        }
        let apart = |policy: &Policy| Policy {
            mapping: Mapping::default(),
            namespace: String::new(),
            ..policy.clone()
        };
        prop_assert_eq!(apart(&there.policy), apart(&ours));
        prop_assert_eq!(&there.policy.namespace, &theirs.namespace);
    }
}

#[test]
fn a_part_that_a_file_does_not_have_stays_and_others_are_left_out() {
    let setup = config::setup("x", "[schedule]\nenabled = true\n[salesforce]\nflow = 1\n").unwrap();
    assert!(setup.plugin.is_none() && setup.mapping.is_none());
    assert!(setup.timetable.unwrap().is_enabled);
    assert_eq!(setup.left_out, ["salesforce"]);
}

#[test]
fn a_mistake_names_its_line() {
    for (text, words) in [
        ("[plugin]\npublished = 3\n", "x, line 2"),
        ("[plugin]\nobjects = [\"Lead\"]\n", "“Account”, and"),
        (
            "[schedule]\n\npull = \"soon\"\n",
            "x, line 3: a time is like",
        ),
        ("[plugin]\npublishd = true\n", "x, line 2"),
    ] {
        let error = config::setup("x", text).unwrap_err().to_string();
        let words = words.replace(['“', '”'], "\"");
        assert!(error.contains(&words), "{words} is not in: {error}");
    }
}

#[test]
fn a_file_is_ours_alone_and_takes_no_others_place_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.toml");
    file::put(&path, "one", false).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(file::put(&path, "two", false).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    // Whatever a killed one left does not stand in the way.
    fs::write(folder.path().join("plugin.toml.new"), "half").unwrap();
    file::put(&path, "two", true).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    let link = folder.path().join("link.toml");
    symlink(&path, &link).unwrap();
    for force in [false, true] {
        assert!(file::put(&link, "three", force).is_err());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
