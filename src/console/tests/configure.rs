//! Changing what is configured: a draft, what speaks against it, what it would do, and its end.

use std::collections::BTreeMap;

use super::Msg;
use super::bench::{Bench, MOBILE, NOW};
use super::plugin::{bench as plugin_bench, field};
use crate::console::query::{Foreseen, Query, Sample, Searched};
use crate::console::tests::bench::start;
use crate::console::{Kept, Model};
use crate::domain::command::Command;
use crate::domain::drift::Drift;
use crate::domain::ids::{Kind, SalesforceObject, Side};
use crate::domain::mapping::{Arrow, Overwritten, Policy};
use crate::domain::operator::Role;
use crate::domain::record::PolicyVersion;
use crate::domain::request::FieldAccess;
use crate::domain::setup::Suspension;
use crate::domain::snapshot::Reviewing;
use crate::domain::time::Span;
use crate::domain::value::ValueType;

/// With everything that a configuration needs, and two fields that nobody mapped yet.
pub(super) fn bench() -> Bench {
    let mut bench = plugin_bench();
    let known = &mut bench.world.plugin;
    for version in &mut known.versions {
        version.policy.objects.push(SalesforceObject::Account);
    }
    let described = &mut known.described;
    for object in ["Lead", "Contact"] {
        let fields = described.salesforce.objects.get_mut(object).unwrap();
        fields.push(field("Fax", ValueType::Text));
        let mut created = field("CreatedDate", ValueType::Moment);
        created.access = FieldAccess::ReadOnly;
        fields.push(created);
    }
    let contact = &mut described.automation.contact_fields;
    contact.push(field("fax", ValueType::Text));
    contact.push(field("points", ValueType::Number));
    described.automation.activity_types = vec!["email.read".to_owned(), "page.hit".to_owned()];
    known.foreseen = Foreseen {
        searched: Searched::All,
        looked_at: 5_000,
        changed: 1_200,
        values: BTreeMap::from([(Side::Automation, 1_300)]),
        conflicts: 2,
        samples: vec![
            "claire@orion.example".to_owned(),
            "paul@orion.example".to_owned(),
        ],
        sample: Some(Sample::Read {
            looked_at: 200,
            changed: 37,
        }),
        calls: BTreeMap::from([(Side::Salesforce, 2), (Side::Automation, 12)]),
        ..Foreseen::default()
    };
    bench.keys("r");
    bench
}

/// The list with only what matches, and its first line chosen.
fn at(filter: &str) -> Bench {
    let mut bench = bench();
    find(&mut bench, filter);
    bench
}

fn find(bench: &mut Bench, filter: &str) {
    // Whatever was looked for before: an empty filter is none.
    let kept = bench.model.screen().filter();
    if kept.is_some_and(|(filter, _)| !filter.is_empty()) {
        bench.keys("esc");
    }
    bench.keys("/ esc /").type_text(filter);
    bench.keys("enter g g");
}

/// Somebody else saved another configuration.
fn another_saves(bench: &mut Bench, change: impl FnOnce(&mut Policy)) {
    let versions = &mut bench.world.plugin.versions;
    let mut policy = versions[0].policy.clone();
    change(&mut policy);
    let version = PolicyVersion {
        version: versions[0].version + 1,
        at: NOW,
        author: "paul".to_owned(),
        policy,
        timetable: None,
    };
    versions.insert(0, version);
    bench.sync_reports();
}

#[test]
fn an_arrow_goes_round_in_a_draft_and_nothing_is_sent() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a");
    bench
        .expect_screen("draft: 1 change, not saved")
        .expect_screen("* Contact   MobilePhone         → mobile")
        .expect_screen("before: MobilePhone ↔ mobile");
    bench
        .keys("a")
        .expect_screen("MobilePhone         ← mobile");
    bench
        .keys("a")
        .expect_screen("As it is in force: there is nothing to save.");
    bench.lacks("draft:");
    assert_eq!(bench.commands(), []);
}

#[test]
fn a_one_way_pair_is_not_turned_round() {
    let mut bench = at("salesforce:isdeleted");
    for version in &mut bench.world.plugin.versions {
        for rule in &mut version.policy.mapping.person {
            if rule.salesforce == "IsDeleted" {
                rule.arrow = Arrow::Salesforce;
                rule.value_type = ValueType::Bool;
            }
        }
    }
    let described = &mut bench.world.plugin.described;
    for fields in described.salesforce.objects.values_mut() {
        fields[2].value_type = Some(ValueType::Bool);
    }
    described.automation.contact_fields[2].value_type = Some(ValueType::Bool);
    bench.keys("r a");
    bench
        .expect_screen("refused: “IsDeleted” and “crm_deleted” go one way only: to Automation")
        .lacks("draft:");
}

#[test]
fn a_switch_is_turned_at_once_and_what_that_means_is_said() {
    let mut bench = at("name:blank");
    bench
        .keys("e")
        .expect_screen("Update blank values             on · before: off");
    bench.keys("e").lacks("draft:");
    let mut bench = at("name:published");
    bench
        .keys("P")
        .expect_screen("nothing runs by the schedule; what is asked for by hand")
        .expect_screen("off · before: on");
}

#[test]
fn objects_are_ticked_and_account_is_needed() {
    let mut bench = at("name:objects");
    bench.keys("e").expect_screen("[x] Account");
    bench.keys("j j space").expect_screen("[ ] Account");
    bench.keys("enter");
    bench
        .expect_screen("! 1 refused")
        .expect_screen("! refused: Account must be synced, and Lead or Contact with it");
    bench
        .keys("w")
        .expect_screen("It cannot be saved like this");
    bench
        .keys("w")
        .expect_screen("correct or take out what is refused");
    assert_eq!(bench.commands(), []);
    bench
        .keys("esc e j j space esc")
        .expect_screen("! 1 refused");
}

#[test]
fn types_of_activity_come_from_the_instance_and_unknown_ones_are_shown_as_such() {
    let mut bench = bench();
    bench.world.plugin.versions[0].policy.activity_types = vec!["sms.sent".to_owned()];
    bench.keys("r");
    find(&mut bench, "name:types");
    bench.keys("e");
    bench
        .expect_screen("[ ] email.read")
        .expect_screen("[ ] page.hit")
        .expect_screen("[x] sms.sent")
        .expect_screen("this Automation does not know it");
    bench.keys("enter").lacks("draft:");
    bench.keys("e space enter");
    bench
        .expect_screen("sms.sent, email.read")
        .expect_screen("does not know the types of activity sms.sent");
}

#[test]
fn a_prefix_and_a_time_are_typed_and_checked() {
    let mut bench = at("name:prefix");
    bench.keys("e").type_text("9x");
    bench.keys("enter").expect_screen("A prefix has at most 15");
    bench.keys("backspace backspace").type_text("acme");
    bench.keys("enter").expect_screen("acme · before: none");
    find(&mut bench, "name:looks");
    bench.keys("e").expect_screen("20m");
    bench.keys("backspace backspace backspace").type_text("5s");
    bench.keys("enter").expect_screen("That is no time");
    bench.keys("backspace backspace").type_text("30m");
    bench.keys("enter").expect_screen("30 min · before: 20 min");
    bench.expect_screen("draft: 2 changes, not saved");
}

#[test]
fn the_options_of_a_pair_are_ticked() {
    let mut bench = at("salesforce:mobile");
    bench.keys("e").expect_screen("[ ] to decide");
    bench.keys("space enter");
    bench.expect_screen("draft: 1 change");
    bench.keys("w w");
    bench.keys("tab").type_text("they asked");
    bench.keys("enter enter");
    let commands = bench.commands();
    let [
        (
            reason,
            Command::Configure {
                policy, based_on, ..
            },
        ),
    ] = &commands[..]
    else {
        panic!("{commands:?}");
    };
    let rule = policy.mapping.rule(Kind::Person, MOBILE).unwrap();
    assert_eq!((reason.as_str(), *based_on), ("they asked", 2));
    assert_eq!(rule.overwritten, Overwritten::Review);
}

#[test]
fn a_pair_for_other_objects_is_another_one_and_stays_in_sight() {
    let mut bench = bench();
    bench.world.plugin.versions[0].policy.mapping.person[1].objects = vec![SalesforceObject::Lead];
    bench.keys("r");
    find(&mut bench, "salesforce:mobile");
    bench.keys("enter e j j j space j space enter");
    bench
        .expect_screen("Contact: MobilePhone ↔ mobile")
        .expect_screen("New: an example is shown once");
    bench.keys("esc").expect_selected("MobilePhone");
    bench
        .expect_screen("draft: 2 changes, not saved")
        .expect_screen("- Contact   MobilePhone")
        .expect_screen("* Contact   MobilePhone");
}

#[test]
fn a_pair_without_any_object_is_refused_in_its_place() {
    let mut bench = at("salesforce:mobile");
    bench.keys("e j j j space j space enter");
    bench
        .expect_screen("refused: “MobilePhone” is mapped for objects that are not synced")
        .expect_screen("[ ] Lead");
    bench.keys("esc").lacks("draft:");
}

#[test]
fn a_pair_is_taken_out_shown_so_and_put_back_by_the_same_key() {
    let mut bench = at("salesforce:mobile");
    bench.keys("D");
    bench
        .expect_screen("draft: 1 change, not saved")
        .expect_screen("- Contact   MobilePhone")
        .expect_screen("Taken out of the draft; the same key puts it back");
    bench.keys("a").lacks("MobilePhone         →");
    bench.keys("D").lacks("draft:");
    bench.expect_selected("MobilePhone");
}

#[test]
fn what_it_would_do_is_shown_before_it_is_saved_and_the_draft_ends_in_force() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a w");
    bench
        .expect_screen("Nothing of it is in force yet")
        .expect_screen("Contact, changed: MobilePhone → mobile")
        .expect_screen("1,200 contacts or companies would change")
        .expect_screen("Automation: 1,300 values would be written")
        .expect_screen("2 conflicts more")
        .expect_screen("New pairs: of 200 looked at, 37 would change")
        .expect_screen("Calls, about: 2 to Salesforce, 12 to Automation")
        .expect_screen("claire@orion.example, paul@orion.example");
    bench.keys("w").expect_screen("[> Cancel <]");
    bench.keys("enter").expect_screen("nothing was written");
    bench.keys("w tab").type_text("priority agreed");
    bench.keys("enter enter");
    let commands = bench.commands();
    let [(_, Command::Configure { policy, .. })] = &commands[..] else {
        panic!("{commands:?}");
    };
    bench.expect_screen("draft: 1 change, not saved");
    another_saves(&mut bench, |now| *now = (**policy).clone());
    bench.lacks("draft:");
    bench.sync_reports_that(|snapshot| {
        snapshot.review = Some(Reviewing {
            looked_at: 1_200,
            of: 5_000,
        });
    });
    bench.expect_screen("looked at 1,200 of 5,000");
}

#[test]
fn a_forecast_is_asked_for_once_and_again_only_when_it_is_wanted() {
    let mut bench = at("salesforce:mobile");
    bench.asked();
    bench.keys("a w");
    let forecasts = |bench: &mut Bench| {
        let asked = bench.asked().into_iter();
        asked
            .filter(|(_, query)| matches!(query, Query::Forecast(_)))
            .count()
    };
    assert_eq!(forecasts(&mut bench), 1);
    bench.sync_reports();
    bench.sync_reports();
    assert_eq!(forecasts(&mut bench), 0);
    bench.keys("r");
    assert_eq!(forecasts(&mut bench), 1);
}

#[test]
fn a_draft_can_be_saved_before_all_is_counted_and_that_is_said() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a");
    bench.world.plugin.foreseen.searched = Searched::SoFar(3_000);
    bench
        .keys("w")
        .expect_screen("Reading… 3,000 looked at so far");
    bench.keys("w");
    bench.expect_screen("What it would do is not counted to the end yet.");
}

#[test]
fn a_draft_is_kept_until_it_is_discarded_by_name() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a esc esc 1 7");
    bench.expect_screen("draft: 1 change, not saved");
    bench.keys("X").expect_screen("1 change is forgotten.");
    bench.expect_screen("[> Cancel <]").lacks("Reason");
    bench.keys("enter").expect_screen("draft: 1 change");
    bench
        .keys("X tab enter")
        .expect_screen("The draft is forgotten");
    bench.lacks("draft:");
    assert_eq!(bench.commands(), []);
    bench.keys("X").expect_screen("There is no draft");
}

#[test]
fn a_draft_outlives_the_session() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a");
    let kept = serde_json::to_string(&bench.model.kept()).unwrap();
    let mut model = Model::new(start().settings().unwrap());
    model.restore(&serde_json::from_str(&kept).unwrap());
    bench.model = model;
    bench.sync_reports();
    bench.keys("7").expect_screen("draft: 1 change, not saved");
    let again = serde_json::to_string(&bench.model.kept()).unwrap();
    assert_eq!(kept, again);

    let left: Kept = serde_json::from_str(&kept).unwrap();
    let mut other = plugin_bench();
    let beside = |bench: &Bench| bench.model.kept_beside(Some(left.clone())).draft;
    assert_eq!(
        beside(&other),
        left.draft,
        "a session without a draft leaves it"
    );
    find(&mut other, "name:blank");
    other.keys("e X tab enter");
    assert_eq!(beside(&other), None, "one that had one decides");
}

#[test]
fn what_another_saved_meanwhile_is_said_and_the_changes_are_made_on_it() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a");
    another_saves(&mut bench, |policy| policy.update_blanks = true);
    bench.expect_screen("! paul saved version 3");
    bench.keys("w w").expect_screen("R makes its changes");
    assert_eq!(bench.commands(), []);
    bench
        .keys("R")
        .expect_screen("draft's changes are made on the version in");
    bench.keys("w tab").type_text("again");
    bench.keys("enter enter");
    let commands = bench.commands();
    let [
        (
            _,
            Command::Configure {
                policy, based_on, ..
            },
        ),
    ] = &commands[..]
    else {
        panic!("{commands:?}");
    };
    assert_eq!(*based_on, 3);
    assert!(policy.update_blanks, "what the other one saved stays");
    let rule = policy.mapping.rule(Kind::Person, MOBILE).unwrap();
    assert_eq!(rule.arrow, Arrow::Salesforce);
}

#[test]
fn what_both_changed_is_left_and_stays_in_sight() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a");
    another_saves(&mut bench, |policy| {
        policy.mapping.person[1].arrow = Arrow::Automation;
    });
    bench.keys("R").expect_screen("Redone, but for 1 change");
    bench.expect_screen("! 1 not redone");
    bench.keys("w");
    bench
        .expect_screen("Changed by somebody else too, and left as they saved it:")
        .expect_screen("Contact, changed: MobilePhone → mobile");
    bench.keys("w").expect_screen("There is no draft");
}

#[test]
fn a_dialog_stays_what_it_was_opened_on_and_is_refused_when_another_saved() {
    let mut bench = at("salesforce:mobile");
    bench.keys("a w w tab").type_text("mine");
    bench.keys("enter");
    another_saves(&mut bench, |policy| policy.update_blanks = true);
    bench
        .expect_screen("1 change comes into force at once")
        .expect_screen("mine");
    bench.keys("enter");
    bench.expect_screen("Another version is in force");
    assert_eq!(bench.commands(), []);
}

#[test]
fn boxes_stay_open_while_the_sync_reports() {
    let mut bench = at("salesforce:mobile");
    bench.keys("e space");
    bench.sync_reports();
    bench.expect_screen("[x] to decide");
    bench.keys("enter").expect_screen("draft: 1 change");
}

#[test]
fn an_older_version_becomes_the_draft() {
    let mut bench = at("part:version");
    bench.keys("j B");
    bench
        .expect_screen("The draft is version 1 now")
        .expect_screen("draft: 3 changes, not saved");
    bench
        .keys("B")
        .expect_screen("Replace the draft")
        .expect_screen("3 changes are forgotten.")
        .expect_screen("Version 1 becomes the draft in its place.")
        .expect_screen("[> Cancel <]");
    bench.keys("enter").expect_screen("draft: 3 changes");
    bench
        .keys("k B tab enter")
        .lacks("draft:")
        .expect_screen("As it is in force");
    bench.keys("j B").expect_screen("draft: 3 changes");
    bench.keys("X tab enter k");
    bench.keys("B").expect_screen("As it is in force");
    find(&mut bench, "salesforce:mobile");
    bench.keys("B").expect_screen("Choose a version first");
    find(&mut bench, "part:version");
    bench.keys("e").expect_screen("B makes a draft of it");
}

#[test]
fn whoever_is_no_admin_sees_all_and_is_told_who_may() {
    for role in [Role::Viewer, Role::Operator] {
        let mut bench = at("salesforce:mobile");
        bench.model.shell.instance.role = role;
        for key in ["e", "a", "+", "D", "P", "B", "X", "w", "R"] {
            bench.keys(key).expect_screen("admin").lacks("draft:");
        }
        bench.keys("esc");
        find(&mut bench, "name:latest");
        bench.keys("enter enter").expect_screen("admin");
    }
}

#[test]
fn a_suspended_pair_says_why_and_since_when() {
    let mut bench = bench();
    bench.world.plugin.suspended = vec![Suspension {
        kind: Kind::Person,
        field: MOBILE,
        since: NOW - Span::hours(2),
        why: Drift::FieldHidden(Side::Salesforce, Some(SalesforceObject::Lead)),
    }];
    bench.keys("r").expect_screen("! 1 suspended");
    find(&mut bench, "state:suspended");
    bench
        .expect_screen("! Contact   MobilePhone")
        .expect_screen("! suspended since 2026-03-04 07:15 UTC: “MobilePhone” is no longer");
    bench
        .keys("enter")
        .expect_screen("suspended since 2026-03-04");
}

#[test]
fn owners_are_changed_by_their_option_alone() {
    let mut bench = at("name:owner");
    bench.keys("e").expect_screen("draft: 2 changes");
    find(&mut bench, "salesforce:owner");
    for key in ["a", "D", "e"] {
        bench
            .keys(key)
            .expect_screen("belongs to the option “Synchronise");
    }
    find(&mut bench, "name:owner");
    bench.keys("e").lacks("draft:");
}

#[test]
fn a_click_or_the_wheel_confirms_nothing() {
    let mut bench = bench();
    bench.keys("+");
    bench.click(10, 10).expect_screen("Add a pair");
    bench.keys("esc");
    find(&mut bench, "salesforce:mobile");
    bench.keys("e").click(10, 10).expect_screen("[ ] to decide");
}

#[test]
fn drafts_in_both_languages_and_every_size() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter /").type_text("mobile");
        bench
            .keys("enter a e")
            .matches(&format!("options-{language}"));
        bench.keys("esc esc + ");
        bench.matches(&format!("picker-{language}"));
        bench.keys("enter");
        bench.matches(&format!("draft-{language}"));
        bench.keys("w").matches(&format!("preview-{language}"));
        bench.keys("w").matches(&format!("save-{language}"));
        bench
            .keys("esc X")
            .matches(&format!("discard-draft-{language}"));
    }
    for (name, size) in [("60x20", (60, 20)), ("120x40", (120, 40))] {
        let mut bench = at("salesforce:mobile");
        bench.send(Msg::Resized(size.0, size.1));
        bench.keys("a").matches(&format!("draft-{name}"));
        bench.keys("w").matches(&format!("preview-{name}"));
        bench.keys("w").matches(&format!("save-{name}"));
        bench.keys("esc esc +").matches(&format!("picker-{name}"));
    }
}
