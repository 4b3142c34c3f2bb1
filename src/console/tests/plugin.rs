//! The screen of what is configured.

use std::sync::Arc;

use super::Msg;
use super::bench::{Bench, MOBILE, NOW, World, brief, policy};
use crate::console::query::{Answer, Example, Foreseen, Plugin, Query};
use crate::domain::access::Why;
use crate::domain::drift::Descriptions;
use crate::domain::ids::{FieldId, LinkId, SalesforceObject};
use crate::domain::mapping::{Arrow, Policy};
use crate::domain::record::PolicyVersion;
use crate::domain::request::{FieldAccess, FieldDescription};
use crate::domain::setup::{Suspension, Timetable};
use crate::domain::time::Span;
use crate::domain::value::{Value, ValueType};

/// What the desk would know.
#[derive(Default)]
pub(super) struct Configured {
    pub(super) described: Descriptions,
    pub(super) versions: Vec<PolicyVersion>,
    is_scheduled: bool,
    pub(super) foreseen: Foreseen,
    pub(super) suspended: Vec<Suspension>,
}

pub(super) fn answer(world: &World, query: &Query) -> Answer {
    let configured = &world.plugin;
    if let Query::Example(kind, field) = query {
        let mut links = world.links.values().filter(|link| link.kind == *kind);
        let found = links.find_map(|link| {
            let state = link.field(*field)?;
            Some(Example {
                link: link.id,
                name: brief(link).name,
                salesforce: state.salesforce.clone(),
                automation: state.automation.clone(),
            })
        });
        return Answer::Example(found);
    }
    let hourly = Some(Span::hours(1));
    if let Query::Forecast(_) = query {
        return Answer::Forecast(Box::new(configured.foreseen.clone()));
    }
    Answer::Plugin(Box::new(Plugin {
        version: configured
            .versions
            .first()
            .map_or(1, |version| version.version),
        policy: Arc::new(
            configured
                .versions
                .first()
                .map_or_else(policy, |v| v.policy.clone()),
        ),
        suspended: configured.suspended.clone(),
        next: FieldId(50),
        described: Arc::new(configured.described.clone()),
        timetable: Timetable {
            is_enabled: configured.is_scheduled,
            pull: hourly,
            push: hourly,
            activities: hourly,
            overlap: Span::minutes(20),
        },
        versions: configured.versions.clone(),
    }))
}

pub(super) fn field(name: &str, value_type: ValueType) -> FieldDescription {
    FieldDescription {
        name: name.to_owned(),
        label: name.to_owned(),
        value_type: Some(value_type),
        length_max: (value_type == ValueType::Text).then_some(40),
        hides_length: false,
        decimals: None,
        is_required: false,
        access: FieldAccess::Writable,
        is_unique: false,
        is_upsert_key: false,
        choices: None,
    }
}

/// As the rules of the small world need them.
pub(super) fn described() -> Descriptions {
    let mut described = Descriptions {
        at: NOW - Span::minutes(10),
        ..Descriptions::default()
    };
    let person = [
        field("Email", ValueType::Email),
        field("MobilePhone", ValueType::Text),
        field("IsDeleted", ValueType::Text),
        field("HasOptedOutOfEmail", ValueType::Bool),
    ];
    for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
        let name = object.name().to_owned();
        described.salesforce.objects.insert(name, person.to_vec());
    }
    described.automation.contact_fields = vec![
        field("email", ValueType::Email),
        field("mobile", ValueType::Text),
        field("crm_deleted", ValueType::Text),
    ];
    for fields in described.salesforce.objects.values_mut() {
        fields[3].value_type = Some(ValueType::Text);
    }
    described
}

fn version(number: u32, author: &str, change: impl FnOnce(&mut Policy)) -> PolicyVersion {
    let mut policy = policy();
    change(&mut policy);
    PolicyVersion {
        timetable: None,
        version: number,
        at: NOW - Span::days(10 - i64::from(number)),
        author: author.to_owned(),
        policy,
    }
}

pub(super) fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.world.plugin = Configured {
        described: described(),
        versions: vec![
            version(2, "claire", |_| {}),
            version(1, "instance file", |policy| {
                policy.latest_do_not_contact = false;
                policy.mapping.person[1].arrow = Arrow::Salesforce;
                policy.mapping.person.pop();
            }),
        ],
        is_scheduled: true,
        ..Configured::default()
    };
    bench.keys("7");
    bench
}

#[test]
fn settings_times_pairs_and_versions_are_one_list() {
    let mut bench = bench();
    bench
        .expect_screen("Plugin: 4 mapped fields")
        .expect_screen("Latest do-not-contact")
        .expect_screen("Reads every")
        .expect_selected("Published");
    bench.keys("G").expect_selected("Version 1");
    bench
        .expect_screen("MobilePhone")
        .expect_screen("2026-02-24");
    bench.expect_screen("claire · 3 changes");
}

#[test]
fn a_rule_shows_both_descriptions_its_options_and_a_real_value() {
    let mut bench = bench();
    bench.keys("/").type_text("salesforce:mobile");
    bench.keys("enter enter");
    bench
        .expect_screen("Contact: MobilePhone ↔ mobile")
        .expect_screen("text ≤ 40")
        .expect_screen("Two edits at once: a conflict for a person")
        .expect_screen("For example: claire@orion.example · no. 1")
        .expect_screen("0601");
    bench.keys("enter").expect_screen("claire@orion.example");
    bench.keys("7").expect_screen("MobilePhone ↔ mobile");
    bench.keys("esc").expect_selected("MobilePhone");
}

#[test]
fn a_field_that_changed_is_marked_and_told_and_found_by_the_filter() {
    let mut bench = bench();
    let lead = |bench: &mut Bench, change: fn(&mut Vec<FieldDescription>)| {
        let objects = &mut bench.world.plugin.described.salesforce.objects;
        change(objects.get_mut("Lead").unwrap());
    };
    lead(&mut bench, |fields| drop(fields.remove(0)));
    lead(&mut bench, |fields| {
        fields[0].value_type = Some(ValueType::Number);
    });
    bench.keys("r").expect_screen("! 2 no longer fit");
    bench.keys("/").type_text("state:longer");
    bench
        .keys("enter")
        .expect_screen("“Email” is no longer visible to us (Salesforce, Lead).");
    bench.keys("j enter");
    bench.expect_screen("“MobilePhone” is now number and not text (Salesforce, Lead).");
}

#[test]
fn a_version_says_who_made_it_and_what_changed() {
    let mut bench = bench();
    bench.keys("/").type_text("part:version");
    bench.keys("enter enter");
    bench
        .expect_screen("by claire")
        .expect_screen("What changed since version 1:")
        .expect_screen("Latest do-not-contact: off → on")
        .expect_screen("Contact, changed: MobilePhone ↔ mobile")
        .expect_screen("before: MobilePhone → mobile")
        .expect_screen("Contact, added: HasOptedOutOfEmail");
    bench.keys("esc j enter");
    bench.expect_screen("No former version is known");
}

#[test]
fn the_chosen_line_stays_chosen_whatever_comes_before_it() {
    let mut bench = bench();
    bench.keys("/").type_text("part:contact");
    bench.keys("enter j").expect_selected("MobilePhone");
    bench.world.plugin.is_scheduled = false;
    bench.sync_reports();
    bench.expect_selected("MobilePhone");
    bench.keys("esc").expect_selected("MobilePhone");
}

#[test]
fn a_setting_says_what_it_does_and_where_it_comes_from() {
    let mut bench = bench();
    bench.keys("/").type_text("latest");
    bench.keys("enter enter");
    bench
        .expect_screen("Latest do-not-contact: on")
        .expect_screen("Opt-outs are always passed on")
        .expect_screen("at the first start");
    bench
        .keys("enter")
        .expect_screen("Latest do-not-contact: off")
        .expect_screen("! warning: without “use the latest do-not-contact record”")
        .expect_screen("before: on");
    bench
        .keys("enter")
        .expect_screen("Latest do-not-contact: on");
    bench.sync_reports_that(|snapshot| snapshot.published = false);
    bench.keys("esc esc").expect_screen("! not published");
}

#[test]
fn what_cannot_be_read_is_said() {
    let mut bench = Bench::new();
    bench.holds_answers = true;
    bench.keys("7").expect_screen("Reading…");
    for (ticket, query) in bench.asked() {
        if query == Query::Plugin {
            bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
        }
    }
    bench.expect_screen("cannot be read: disk on fire");
    bench.expect_screen("The configuration could not be read; r reads it again.");
    bench.keys("/").type_text("zzz");
    bench.holds_answers = false;
    bench
        .keys("enter r")
        .expect_screen("Nothing matches the filter");
}

#[test]
fn nothing_from_outside_reaches_the_screen_raw() {
    let mut bench = bench();
    let hostile = "\u{1b}]0;x\u{7}\u{202e}evil";
    bench.world.plugin.versions[0].author = hostile.to_owned();
    bench.world.change(LinkId(1), |link| {
        link.field_mut(MOBILE).salesforce = Some(Value::Text(hostile.to_owned()));
    });
    let is_raw = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    for keys in ["r", "G k", "enter", "esc k k k", "enter"] {
        let screen = bench.keys(keys).screen();
        assert!(!screen.contains(is_raw), "{screen:?}");
    }
    bench.expect_screen("<U+001B>]0;x");
}

#[test]
fn an_example_that_is_nowhere_is_said() {
    let mut bench = bench();
    for id in [1, 2, 3] {
        bench.world.change(LinkId(id), |link| link.fields.clear());
    }
    bench.keys("/").type_text("salesforce:mobile");
    bench
        .keys("enter enter")
        .expect_screen("No contact looked at has a value in it.");
}

#[test]
fn plugin_in_both_languages_and_every_size() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter").matches(&format!("plugin-{language}"));
        bench.keys("G").matches(&format!("plugin-end-{language}"));
        bench.keys("/").type_text("mobile");
        bench.keys("enter enter");
        bench.matches(&format!("rule-{language}"));
        bench.keys("esc esc /").type_text("version");
        bench.keys("enter g g enter");
        bench.matches(&format!("version-{language}"));
    }
    for (name, size) in [
        ("60x20", (60, 20)),
        ("120x40", (120, 40)),
        ("240x60", (240, 60)),
    ] {
        let mut bench = bench();
        bench.send(Msg::Resized(size.0, size.1));
        bench.keys("G");
        if size.0 < 240 {
            bench.matches(&format!("plugin-{name}"));
        }
        bench.keys("enter").expect_screen("PRACTICE");
    }
}
