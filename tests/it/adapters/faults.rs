//! Whatever goes wrong on a write, no outcome may lie: a row that is reported written is there, a
//! row that is reported refused is not, and everything else is unknown.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use passerelle::adapters::{Limits, SystemClock, automation, salesforce};
use passerelle::domain::failure::FailureKind;
use passerelle::domain::ids::{Kind, LinkId, RemoteId, SalesforceObject};
use passerelle::domain::request::{RowOutcome, RowWrite, Target};
use passerelle::domain::value::Value;
use passerelle::ports::{Answered, Automation as _, PortError, Salesforce as _};
use passerelle::sim;
use passerelle::sim::clock::Timestamp;
use passerelle::sim::faults::{CallMatcher, FaultGate, FaultKind, FaultPlan, Pauses, layer};
use passerelle::sim::salesforce::schema::CONTACT;

use super::{EMAIL, LAST_NAME, MemoryVault, mapping};

const START: Timestamp = Timestamp::from_seconds(1_772_615_702);

const LIMITS: Limits = Limits {
    read_timeout: Duration::from_secs(10),
    write_timeout: Duration::from_millis(700),
    body_bytes_max: 4 << 20,
};

const PAUSES: Pauses = Pauses {
    stall: Duration::from_secs(2),
    between_slow_bytes: Duration::from_millis(50),
    huge_body_bytes: 8 << 20,
};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn creations(target: Target) -> Vec<RowWrite> {
    let text = |text: String| Value::Text(text);
    (0..)
        .zip(NAMES)
        .map(|(link, name)| RowWrite {
            link: LinkId(link),
            target,
            values: vec![
                (EMAIL, text(format!("{name}@x.example"))),
                (LAST_NAME, text(name.to_owned())),
            ],
            consent: None,
            unless_modified_since: None,
        })
        .collect()
}

type Written = Result<Answered<Vec<RowOutcome>>, PortError>;

/// Compares what was reported with who is there: id by e-mail address.
#[track_caller]
fn check(kind: FaultKind, written: Written, there: &BTreeMap<String, String>) {
    let outcomes = match written {
        Ok(answered) => answered.value,
        Err(error) => {
            assert_ne!(error.failure.kind, FailureKind::Unknown, "{kind:?}");
            assert!(there.is_empty(), "{kind:?} {error}");
            return;
        }
    };
    assert_eq!(outcomes.len(), NAMES.len(), "{kind:?}");
    for (outcome, name) in outcomes.into_iter().zip(NAMES) {
        let id = there.get(&format!("{name}@x.example"));
        match outcome.result {
            Ok(written) => {
                let reported = match written.id {
                    RemoteId::Salesforce(_, id) => id.to_string(),
                    RemoteId::Automation(_, id) => id.to_string(),
                };
                // Nothing in Salesforce's answer to a creation could show that it was mixed up.
                if kind != FaultKind::RowsReordered
                    || matches!(written.id, RemoteId::Automation(..))
                {
                    assert_eq!(id, Some(&reported), "{kind:?} {name}");
                }
            }
            Err(failure) if failure.kind == FailureKind::Unknown => {}
            Err(failure) => assert_eq!(id, None, "{kind:?} {name} {failure}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_outcome_of_a_salesforce_write_lies() {
    for kind in FaultKind::ALL {
        let mut brain = sim::salesforce::Salesforce::new(sim::salesforce::OrgConfig::default());
        let mut app = sim::salesforce::oauth::App::new("app", "secret");
        app.run_as = Some(brain.integration_user());
        brain.add_app(app);
        let mut plan = FaultPlan::calm(1);
        plan.script(CallMatcher::path("/composite"), kind);
        let site = sim::salesforce::http::Site::new(brain, Arc::new(|| START));
        let site = Arc::new(site.with_faults(plan, PAUSES));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = sim::salesforce::http::start(Arc::clone(&site), listener).unwrap();
        let config = salesforce::Config {
            login_url: server.url().parse().unwrap(),
            client_id: "app".to_owned(),
            flow: salesforce::Flow::ClientCredentials {
                client_secret: "secret".into(),
            },
            api_version: salesforce::ApiVersion::Auto,
            limits: LIMITS,
        };
        let vault = Arc::new(MemoryVault::default());
        let client = salesforce::SalesforceClient::new(config, Arc::new(SystemClock), vault);
        let rows = creations(Target::NewSalesforce(SalesforceObject::Contact));
        let written = client.unwrap().write(Arc::new(mapping()), rows).await;
        let struck = site.gate.with_plan(|plan| plan.drawn().contains_key(&kind));
        assert!(struck, "{kind:?}");
        let there = site.with_brain(|brain| {
            let ids: Vec<_> = brain.records(CONTACT).map(|(id, _)| id).collect();
            ids.into_iter()
                .map(|id| {
                    let email = brain.value(id, "Email");
                    (
                        email.as_text().unwrap_or_default().to_owned(),
                        id.to_string(),
                    )
                })
                .collect()
        });
        check(kind, written, &there);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_outcome_of_an_automation_write_lies() {
    use sim::automation::user::UserId;

    for kind in FaultKind::ALL {
        let mut brain = sim::automation::Automation::new(1);
        brain.add_client("Sync", "random", "secret", UserId(1));
        let mut plan = FaultPlan::calm(1);
        plan.script(CallMatcher::path("/batch/"), kind);
        let gate = FaultGate::new(plan, sim::automation::http::dialect(), PAUSES);
        let shared = sim::automation::http::Shared::new(brain, Arc::new(|| START));
        let address = "127.0.0.1:0".parse().unwrap();
        let wrap = |router| layer(router, Arc::clone(&gate));
        let server = sim::automation::http::serve(&shared, address, wrap).unwrap();
        let config = automation::Config {
            base_url: server.url().parse().unwrap(),
            flow: automation::Flow::ClientCredentials {
                client_id: "1_random".into(),
                client_secret: "secret".into(),
            },
            limits: LIMITS,
        };
        let vault = Arc::new(MemoryVault::default());
        let client = automation::AutomationClient::new(config, Arc::new(SystemClock), vault);
        let client = client.unwrap();
        let rows = creations(Target::NewAutomation(Kind::Person));
        let written = client.write(Arc::new(mapping()), rows).await;
        let struck = gate.with_plan(|plan| plan.drawn().contains_key(&kind));
        assert!(struck, "{kind:?}");
        // The script is spent: what is there can be asked by the client itself.
        let emails = NAMES
            .iter()
            .map(|name| format!("{name}@x.example"))
            .collect();
        let found = client
            .find(Arc::new(mapping()), emails, Vec::new())
            .await
            .unwrap();
        let there = found.value.iter().map(|row| {
            let RemoteId::Automation(_, id) = row.id else {
                panic!("{row:?}")
            };
            (row.value(EMAIL).unwrap().to_string(), id.to_string())
        });
        check(kind, written, &there.collect());
    }
}
