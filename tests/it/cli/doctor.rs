//! The doctor on the practice company: every fault of its wrong set-up is found, and what can be
//! mended from here is.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use passerelle::sim::salesforce::Call;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::LEAD;
use passerelle::sim::salesforce::value::Value;
use passerelle::sim::world::traffic::Outcome;
use passerelle::sim::world::wrong::{Fault, WrongSetup};
use passerelle::sim::world::{AUTOMATION_KEY, SALESFORCE_KEY, plugin};
use serde_json::Value as Json;

use super::{Company, SYNC, answered, command, json, printed, refused, said};
use crate::world::private;

const PEOPLE: u32 = 50;

/// For companies that were deleted in Salesforce.
const FIELD: &str = "deleted_in_salesforce_co";

/// The check that finds it, and how bad it is.
const fn found_by(fault: Fault) -> (&'static str, &'static str) {
    match fault {
        Fault::OptOutHidden => ("opt-out-visible", "fault"),
        Fault::HistoryUntracked => ("opt-out-history", "warning"),
        Fault::TimelineMissing | Fault::TimelineFieldsMissing => ("timeline", "fault"),
        Fault::TimelineFieldWrong => ("timeline-shape", "fault"),
        Fault::ReferenceNotUnique => ("timeline-reference", "fault"),
        Fault::TimelineNotCreateable => ("rights-salesforce", "fault"),
        Fault::RemoteSiteMissing => ("remote-site", "note"),
        Fault::TrustedSiteInactive => ("trusted-site", "note"),
        // They become warnings with the first refusal.
        Fault::ValidationRuleRefuses => ("validation-rules", "note"),
        Fault::DuplicateRuleBlocks => ("duplicate-rules", "note"),
        Fault::QueueOwnsLeads => ("queue-owned", "warning"),
        Fault::OwnerUnknown => ("owners", "warning"),
        Fault::DeletedFieldUnpublished | Fault::DeletedFieldNotBoolean => {
            ("deleted-field", "fault")
        }
        // Automation's description of a field does not tell its limit (`automation-live.md`): the first
        // refused text does.
        Fault::FieldTooShort => ("fields-long-enough", "note"),
        Fault::ChoiceMissing => ("choices", "warning"),
        Fault::RoleLacksRights | Fault::FieldsClosed => ("rights-automation", "fault"),
        Fault::RelatedListMissing => ("timeline-layout", "warning"),
        Fault::OldPluginRuns => ("foreign-writer", "fault"),
        Fault::IsSandbox => ("identity", "fault"),
        Fault::ClockOff => ("clock", "warning"),
        Fault::WebhookUnpublished | Fault::WebhookElsewhere | Fault::WebhookLacksEvents => {
            ("webhook", "warning")
        }
    }
}

impl Company {
    /// That Automation posts to, though nobody listens.
    fn called() -> Self {
        let company = Self::new(1, PEOPLE);
        let folder = company.folder.path();
        company.serving.add_webhook(&company.file, folder).unwrap();
        let secret = folder.join("webhook.secret");
        private(&secret, &std::fs::read_to_string(&secret).unwrap());
        company
    }

    fn go_wrong(&self, fault: Fault) {
        let now = self.serving.site.now();
        self.serving.site.with_brain(|org| {
            let brain = &mut self.serving.automation.brain();
            WrongSetup::one(fault, org, brain, now);
            if fault == Fault::OldPluginRuns {
                let wrote = plugin::run(org, brain, now, 1);
                assert_eq!(wrote, Outcome::Done, "its hour has come");
            }
        });
    }

    fn mend(&self, fault: Fault) {
        let now = self.serving.site.now();
        self.serving.site.with_brain(|org| {
            WrongSetup::mend(fault, org, &mut self.serving.automation.brain(), now);
        });
    }

    fn asked(&self, arguments: &[&str]) -> Json {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.code() != Some(1), "{}", said(&output));
        json(&output)
    }

    fn check(&self, id: &str) -> Json {
        let doctor = self.asked(&["doctor", id, "--json"]);
        doctor["checks"][0].clone()
    }
}

#[test]
fn every_fault_of_the_wrong_set_up_is_found_and_gone_when_somebody_mends_it() {
    let company = Company::called();
    company.asked(SYNC);
    for fault in Fault::ALL {
        let (id, state) = found_by(fault);
        let before = company.check(id);
        // Some fields are shorter in any case.
        if fault != Fault::FieldTooShort {
            assert_ne!(before["state"], state, "{fault:?}: {before}");
        }
        company.go_wrong(fault);
        let check = company.check(id);
        assert_eq!(check["state"], state, "{fault:?}: {check}");
        if fault != Fault::FieldTooShort {
            assert_ne!(check["seen"], before["seen"], "{fault:?}");
        }
        company.mend(fault);
        let after = company.check(id);
        // What the old connector wrote stays written, for a day.
        if fault != Fault::OldPluginRuns {
            assert_eq!(after["state"], before["state"], "{fault:?}: {after}");
        }
    }
}

#[test]
fn what_can_be_mended_from_here_is_shown_made_recorded_and_found_good() {
    let company = Company::called();
    company.asked(SYNC);
    let faults = [
        Fault::OptOutHidden,
        Fault::HistoryUntracked,
        Fault::TimelineFieldsMissing,
        Fault::TimelineNotCreateable,
        Fault::RemoteSiteMissing,
        Fault::DeletedFieldUnpublished,
        Fault::WebhookElsewhere,
        Fault::WebhookUnpublished,
        Fault::WebhookLacksEvents,
    ];
    for fault in faults {
        company.go_wrong(fault);
    }
    let dry = company.asked(&["doctor", "--fix", "--dry-run", "--json"]);
    let steps = dry["fixes"].as_array().unwrap().iter();
    assert!(
        steps
            .filter(|fix| fix["steps"] != Json::Array(Vec::new()))
            .count()
            >= 7
    );
    for fault in faults {
        let (id, state) = found_by(fault);
        assert_eq!(company.check(id)["state"], state, "nothing was made");
    }

    let fix = ["doctor", "--fix", "--yes", "--reason", "by phone", "--json"];
    let fixed = company.asked(&fix);
    for fix in fixed["fixes"].as_array().unwrap() {
        assert_eq!(fix["error"], Json::Null, "{fix}");
    }
    for fault in faults {
        let check = company.check(found_by(fault).0);
        assert_eq!(check["state"], "ok", "{check}");
    }
    let audit = company.asked(&["audit", "list", "--json"]).to_string();
    for remedy in [
        "timeline object",
        "remote site",
        "field history",
        "deleted field",
        "webhook",
    ] {
        assert!(audit.contains(remedy), "{remedy}: {audit}");
    }
    assert!(audit.contains("by phone"));
    let again = company.asked(&fix);
    let made = again["fixes"].as_array().unwrap().iter();
    let made: Vec<&Json> = made
        .filter(|fix| fix["made"] != Json::Array(Vec::new()))
        .collect();
    assert!(made.is_empty(), "{made:?}");
}

#[test]
fn a_role_without_the_fields_is_named_and_nothing_else_is_blamed() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    company.go_wrong(Fault::FieldsClosed);
    let rights = company.check("rights-automation");
    assert_eq!(rights["state"], "fault");
    assert!(
        rights["seen"].to_string().contains("lead:fields"),
        "{rights}"
    );
    for id in [
        "credentials",
        "identity",
        "api-version",
        "opt-out-visible",
        "timeline",
    ] {
        assert_eq!(company.check(id)["state"], "ok", "{id}");
    }
    assert_eq!(company.check("fields-published")["state"], "unknown");
}

#[test]
fn a_text_that_a_field_refuses_tells_the_limit_that_its_definition_does_not() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    company.go_wrong(Fault::FieldTooShort);
    let before = company.check("fields-long-enough");
    assert_eq!(before["state"], "note", "{before}");
    company.serving.site.with_brain(|org| {
        let live = org.records(LEAD).filter(|(_, record)| !record.is_deleted);
        let mut leads: Vec<RecordId> = live.map(|(id, _)| id).collect();
        leads.retain(|id| org.value(*id, "IsConverted") == Value::Bool(false));
        let call = Call::person(
            org.own_time(company.serving.site.now()),
            org.integration_user(),
        );
        let fields = vec![("Company".to_owned(), Input::text(&"Boulangerie ".repeat(5)))];
        org.update(&call, leads[0], &fields).unwrap();
    });
    company.asked(SYNC);
    let after = company.check("fields-long-enough");
    assert_eq!(after["state"], "warning", "{after}");
    assert!(
        after["seen"].to_string().contains("lead_company"),
        "{after}"
    );
}

#[test]
fn looking_at_remedies_binds_a_store_to_nothing() {
    let company = Company::new(1, PEOPLE);
    company.go_wrong(Fault::RemoteSiteMissing);
    company.asked(&["doctor", "--fix", "--dry-run", "--json"]);
    let identity = company.check("identity");
    assert_eq!(identity["state"], "unknown", "{identity}");
    company.asked(&[
        "doctor",
        "--fix",
        "remote-site",
        "--yes",
        "--reason",
        "why",
        "--json",
    ]);
    assert_eq!(company.check("identity")["state"], "ok");
}

#[test]
fn one_system_is_mended_while_the_other_one_does_not_let_us_in() {
    for is_synced in [false, true] {
        let company = Company::new(1, PEOPLE);
        if is_synced {
            company.asked(SYNC);
        }
        for (closed, key, fault) in [
            ("Automation", AUTOMATION_KEY, Fault::RemoteSiteMissing),
            ("Salesforce", SALESFORCE_KEY, Fault::DeletedFieldUnpublished),
        ] {
            company.go_wrong(fault);
            let (id, _) = found_by(fault);
            let key = format!("client_id = \"{key}\"");
            let file = company.with(&key, "client_id = \"nobody\"");
            let fix = ["doctor", "--fix", id, "--yes", "--reason", "by phone"];
            let mut fixing = command(&file, &[&fix[..], &["--json"]].concat());
            let fixed = fixing.output().unwrap();
            assert_eq!(fixed.status.code(), Some(3), "{}", said(&fixed));
            let told = said(&fixed);
            let why = format!("{closed} could not be looked at");
            assert!(told.contains(&why), "{told}");
            let fixed = json(&fixed);
            assert_eq!(fixed["unread"][0]["in"], closed, "{fixed}");
            assert_eq!(fixed["fixes"][0]["error"], Json::Null, "{fixed}");
            assert_eq!(company.check(id)["state"], "ok", "{fixed}");
        }
        let audit = company.asked(&["audit", "list", "--json"]);
        let acts = audit["acts"].as_array().unwrap().iter();
        let mended: Vec<&Json> = acts.filter(|act| act["act"] == "mend").collect();
        assert_eq!(mended.len(), 2, "{audit}");
        assert!(
            mended.iter().all(|act| act["reason"] == "by phone"),
            "{audit}"
        );

        let text = std::fs::read_to_string(&company.file).unwrap();
        let text = text.replace(AUTOMATION_KEY, "nobody");
        let neither = company.folder.path().join("neither.toml");
        private(&neither, &text.replace(SALESFORCE_KEY, "nobody"));
        refused(&neither, &["doctor", "--fix", "--yes"], 1, &["Salesforce"]);
    }
}

#[test]
fn a_field_that_is_made_for_deleted_companies_is_mapped_once_somebody_says_so() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    let check = company.check("deleted");
    assert_eq!(
        (&check["state"], &check["fix"]["makes"]),
        (&"note".into(), &"deleted field".into())
    );
    let fix = |more: &[&str], typed: &[&str]| {
        let fix = ["doctor", "--fix", "deleted", "--reason", "by phone"];
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        answered(&mut company.command(&[&fix, more].concat()), &typed)
    };
    let mapped = || company.asked(&["plugin", "--json"])["policy"]["mapping"]["company"].clone();
    let is_mapped = || mapped().to_string().contains(FIELD);
    let dry = printed(&fix(&["--dry-run"], &[]));
    assert!(dry.contains("asked for next"), "{dry}");
    let told = said(&fix(&[], &["y", "n"]));
    assert!(told.contains(&format!("{FIELD} is to be mapped")), "{told}");
    assert!(told.contains("IsDeleted"), "{told}");
    assert!(!is_mapped(), "{told}");

    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    let all = [
        "doctor", "--fix", "deleted", "--yes", "--reason", "by phone", "--json",
    ];
    let fixed = company.asked(&all);
    assert_eq!(fixed["fixes"][0]["mapped"], true, "{fixed}");
    let plugin = company.asked(&["plugin", "--json"]);
    let mapping = &plugin["policy"]["mapping"]["company"];
    assert!(mapping.to_string().contains(FIELD), "{mapping}");
    assert_eq!(company.check("deleted")["state"], "ok");
}

#[test]
fn the_process_that_serves_the_instance_maps_what_it_has_made() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    let mut serving = company.command(&["serve"]);
    let mut serving = serving.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(serving.stderr.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains("serving")), "it serves");
    let all = [
        "doctor", "--fix", "deleted", "--yes", "--reason", "by phone", "--json",
    ];
    let fixed = company.asked(&all);
    let plugin = company.asked(&["plugin", "--json"]);
    kill(Pid::from_raw(serving.id() as i32), Signal::SIGTERM).unwrap();
    serving.wait().unwrap();
    assert_eq!(fixed["fixes"][0]["mapped"], true, "{fixed}");
    assert!(plugin.to_string().contains(FIELD), "{plugin}");
}

#[test]
fn before_the_first_sync_the_pair_goes_into_the_instance_file() {
    let company = Company::new(1, PEOPLE);
    let all = [
        "doctor", "--fix", "deleted", "--yes", "--reason", "by phone", "--json",
    ];
    let fixed = company.asked(&all);
    assert_eq!(fixed["fixes"][0]["mapped"], true, "{fixed}");
    let text = std::fs::read_to_string(&company.file).unwrap();
    assert!(text.contains(FIELD), "{text}");
    company.asked(SYNC);
    assert_eq!(company.check("deleted")["state"], "ok");
}

#[test]
fn where_no_webhooks_are_received_none_is_missed_and_where_they_are_a_missing_one_is_made() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    let check = company.check("webhook");
    assert_eq!(check["state"], "ok");
    assert!(
        check["seen"]
            .as_str()
            .unwrap()
            .starts_with("Not applicable")
    );

    let company = Company::called();
    company.asked(SYNC);
    let hooks = || company.serving.automation.brain().hooks().all().count();
    let id = company
        .serving
        .automation
        .brain()
        .hooks()
        .all()
        .next()
        .unwrap()
        .id;
    company.serving.automation.brain().hooks_mut().remove(id);
    let check = company.check("webhook");
    assert_eq!(check["state"], "warning", "{check}");
    assert_eq!(check["fix"]["makes"], "webhook");
    let fix = [
        "doctor", "--fix", "webhook", "--yes", "--reason", "test", "--json",
    ];
    let fixed = company.asked(&fix);
    let fix = &fixed["fixes"][0];
    assert_eq!(fix["steps"][0]["request"], "POST /api/hooks/new");
    let shown = fix["steps"][0]["content"].as_str().unwrap();
    assert!(shown.contains("mautic.form_on_submit"), "{shown}");
    let secret = std::fs::read_to_string(company.folder.path().join("webhook.secret")).unwrap();
    assert!(!fixed.to_string().contains(&secret), "{fixed}");
    assert_eq!((hooks(), &fix["state"]), (1, &Json::from("ok")), "{fixed}");
}

#[test]
fn without_a_yes_nothing_is_made_where_nobody_can_be_asked() {
    let company = Company::new(1, PEOPLE);
    company.asked(SYNC);
    company.go_wrong(Fault::RemoteSiteMissing);
    let fix = ["doctor", "--fix", "remote-site", "--reason", "why"];
    let output = company.command(&fix).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--yes"), "{}", said(&output));
    assert_eq!(company.check("remote-site")["state"], "note");
    let output = company
        .command(&["doctor", "no-such-check"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
