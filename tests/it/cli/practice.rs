//! A day with the practice company, command by command.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use futures_util::future::BoxFuture;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use passerelle::app::args::Traffic;
use passerelle::domain::time::{Span, Timestamp};
use passerelle::ports::Clock;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::field::Subject;
use passerelle::sim::automation::hook::Trigger;
use passerelle::sim::automation::http::signature;
use passerelle::sim::automation::settle::NewHook;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::salesforce::Salesforce;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD};
use serde_json::Value as Json;

use super::{Company, SYNC, command, json, printed, said};

/// Enough for every situation that the practice company knows.
const PEOPLE: u32 = 50;

impl Company {
    #[track_caller]
    fn does(&self, arguments: &[&str], status: i32) -> Json {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        json(&output)
    }

    fn mobile_in_salesforce(&self, id: &str) -> String {
        let id = RecordId::parse(id).unwrap();
        self.serving.site.with_brain(|brain| {
            let value = brain.value(id, "MobilePhone");
            value.as_text().unwrap_or("").to_owned()
        })
    }

    fn mobile_in_automation(&self, id: u64) -> String {
        let brain = self.serving.automation.brain();
        let field = brain.fields().by_alias(Subject::Contact, "mobile").unwrap();
        let contact = brain.contact(ContactId(id as u32)).unwrap();
        let value = contact.values.at(field.position);
        value.to_text().unwrap_or_default()
    }
}

/// The contact of which both systems had a mobile number, and different ones.
fn both_set(company: &Company) -> (u64, String, u64, u64) {
    let listed = company.does(&["conflicts", "--json"], 3);
    let waiting = listed["conflicts"].as_array().unwrap();
    let of_mobile = |link: &&Json| link["conflicts"].to_string().contains("obile");
    let link = waiting.iter().find(of_mobile);
    let link = link.unwrap_or_else(|| panic!("{listed}"));
    (
        link["link"].as_u64().unwrap(),
        link["salesforce"]["id"].as_str().unwrap().to_owned(),
        link["automation"]["id"].as_u64().unwrap(),
        link["generation"].as_u64().unwrap(),
    )
}

#[test]
fn a_choice_brings_both_systems_to_agreement_and_undo_puts_both_back() {
    let company = Company::new(1, PEOPLE);
    company.does(SYNC, 3);
    let (link, record, contact, generation) = both_set(&company);
    let shown = || {
        (
            company.mobile_in_salesforce(&record),
            company.mobile_in_automation(contact),
        )
    };
    let before = shown();
    assert_ne!(before.0, before.1);
    let link = link.to_string();
    let choose = ["--choose", "MobilePhone=automation", "--json"];
    let old = (generation + 1).to_string();
    let stale = [&["resolve", &link, "--generation", &old], &choose[..]].concat();
    let output = company.command(&stale).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("look again"), "{}", said(&output));
    assert_eq!(shown(), before);

    company.does(&[&["resolve", &link], &choose[..]].concat(), 0);
    assert_eq!(shown(), (before.1.clone(), before.1.clone()));
    let after = company.does(&["conflicts", "show", &link, "--json"], 0);
    assert_eq!(after["conflicts"].as_array().map(Vec::len), Some(0));

    company.does(&["undo", "--json"], 3);
    assert_eq!(shown(), before);
    let quiet = company.does(SYNC, 3);
    assert_eq!(quiet["written"]["salesforce"].to_string(), "{}");
    assert_eq!(quiet["written"]["automation"].to_string(), "{}");
    assert_eq!(shown(), before, "and nobody writes over it");
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_it_would() {
    let company = Company::new(1, PEOPLE);
    let dry = company.does(&["sync", "--until-idle", "--dry-run", "--json"], 3);
    assert_eq!(dry["written"]["salesforce"].to_string(), "{}");
    assert_eq!(dry["written"]["automation"].to_string(), "{}");
    assert!(dry["would_write"]["salesforce"].to_string().len() > 2);
}

#[test]
fn the_commands_work_on_the_company_that_sim_serves() {
    let mut sim = Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .args(["sim", "--people", &PEOPLE.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(sim.stderr.take().unwrap()).lines();
    let named = notes.find_map(|line| {
        let line = line.unwrap();
        let (_, file) = line.split_once("its instance file is ")?;
        Some(std::path::PathBuf::from(file))
    });
    let file = named.unwrap();
    // Everything is served when its lines are printed.
    let mut lines = BufReader::new(sim.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with('#'));
    let does = |arguments: &[&str], status: i32| {
        let output = command(&file, arguments).output().unwrap();
        let code = output.status.code();
        assert_eq!(code, Some(status), "{arguments:?}: {}", said(&output));
        output
    };
    let report = json(&does(SYNC, 3));
    let status = json(&does(&["status", "--json"], 3));
    assert_eq!(status["conflicts"], report["conflicts"]);
    assert_eq!(status["held_activities"], report["held"]);
    let doctor = json(&does(&["doctor", "--json"], 3));
    assert_eq!(doctor["faults"], 0, "{doctor}");
    let checks = doctor["checks"].as_array().unwrap();
    let state = |id: &str| {
        let check = checks.iter().find(|check| check["check"] == id);
        check.unwrap()["state"].clone()
    };
    assert_eq!(
        [state("schedule"), state("fields-seen"), state("clock")],
        ["warning", "ok", "ok"]
    );
    let queues = json(&does(&["queues", "--json"], 3));
    assert_eq!(queues["held_activities"], report["held"]);
    let listed = json(&does(&["conflicts", "--json"], 3));
    let link = listed["conflicts"][0]["link"].to_string();
    let shown = json(&does(&["conflicts", "show", &link, "--json"], 3));
    assert_eq!(shown["generation"], listed["conflicts"][0]["generation"]);
    let who = format!("link:{link}");
    let contact = json(&does(&["contact", &who, "--json"], 0));
    assert!(
        contact
            .to_string()
            .contains(&shown["fields"][0]["base"].to_string())
    );
    for work in [
        &["backfill", "--last", "7d", "--json"][..],
        &["republish", "--json"],
        &["retry", "--json"],
    ] {
        let report = json(&does(work, 3));
        let written = &report["written"]["salesforce"];
        assert_eq!(written.to_string(), "{}", "{work:?}: all was sent before");
    }
    does(&["undo"], 1);
    does(&["contact", "nobody@x.example"], 2);
    does(&["backfill", "--last", "soon"], 2);
    assert!(printed(&does(&["status"], 3)).contains("practice"));
    kill(Pid::from_raw(sim.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(sim.wait().unwrap().code(), Some(0));
    assert!(!file.exists(), "its folder is removed");
}

/// A minute passes at each wait.
struct Minutes(AtomicI64);

impl Clock for Minutes {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Span) -> BoxFuture<'static, ()> {
        self.0.fetch_add(Span::minutes(1).0, Ordering::SeqCst);
        Box::pin(tokio::task::yield_now())
    }
}

#[test]
fn people_work_on_while_the_company_is_served_and_webhooks_tell_of_it() {
    let mut company = Company::new(1, PEOPLE);
    let runtime = company.runtime.handle().clone();
    let _inside = runtime.enter();
    let (tell, told) = mpsc::channel();
    let ear = axum::Router::new().fallback(move |headers: HeaderMap, body: String| async move {
        let signature = headers["webhook-signature"].to_str().unwrap().to_owned();
        // Nobody listens any more once the test has heard enough.
        let _ = tell.send((signature, body));
        StatusCode::OK
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = passerelle::sim::http::serve(listener, ear).unwrap();
    {
        let automation = &company.serving.automation;
        let mut brain = automation.brain();
        let by = brain.caller_for_user(UserId(1)).unwrap().by;
        let hook = NewHook {
            url: server.url(),
            secret: Some("s3cret".to_owned()),
            triggers: vec![Trigger::EmailOpened],
            ..NewHook::default()
        };
        brain.add_hook(automation.now(), by, hook);
    }
    let changes = |company: &Company| {
        let site = &company.serving.site;
        let modified = |brain: &mut Salesforce| {
            let leads = brain.records(LEAD).chain(brain.records(CONTACT));
            leads.map(|(_, record)| record.modified).max()
        };
        let edits = site.with_brain(modified);
        (edits, company.serving.automation.brain().logs().audit.len())
    };
    let before = changes(&company);
    let clock = Arc::new(Minutes(AtomicI64::new(0)));
    company.serving.live_on(Traffic::Calm, 1, clock);
    let heard = || told.recv_timeout(Duration::from_secs(60)).unwrap();
    let (seal, body) = heard();
    assert_eq!(seal, signature("s3cret", body.as_bytes()));
    assert!(body.starts_with(r#"{"mautic.email_on_open":["#), "{body}");
    loop {
        let after = changes(&company);
        if after.0 > before.0 && after.1 > before.1 {
            break;
        }
        heard();
    }
}
