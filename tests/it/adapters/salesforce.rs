//! The Salesforce client against the simulated organisation.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::BoxFuture;
use passerelle::adapters::Limits;
use passerelle::adapters::salesforce::{ApiVersion, Config, Flow, SalesforceClient};
use passerelle::domain::activity::ActivityRow;
use passerelle::domain::consent::{Consent, Reason};
use passerelle::domain::cursor::{Position, Stream};
use passerelle::domain::failure::{FailureKind, Rejection};
use passerelle::domain::ids::SalesforceObject::{Account, Contact, Lead};
use passerelle::domain::ids::{
    AutomationId, FieldId, LinkId, RemoteId, SalesforceId, SalesforceObject,
};
use passerelle::domain::request::{ActivitySent, RowOutcome, RowWrite, Target, Window, WrittenRow};
use passerelle::domain::row::{Row, RowState};
use passerelle::domain::time::{Span, Timestamp};
use passerelle::domain::value::Value;
use passerelle::ports::{Clock, Salesforce as _, Vault as _};
use passerelle::sim::clock;
use passerelle::sim::http::Server;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::http::{Site, start};
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::oauth::{App, RefreshPolicy};
use passerelle::sim::salesforce::people::ConvertInto;
use passerelle::sim::salesforce::schema::{self, ReferenceKey};
use passerelle::sim::salesforce::value::Value as Cell;
use passerelle::sim::salesforce::{Call, OrgConfig, Salesforce};

use super::{COMPANY, EMAIL, LAST_NAME, MemoryVault, NAME, OWNER, PHONE, mapping, policy, rule};

/// 2026-03-04T09:15:02Z
const START: i64 = 1_772_615_702;

/// A clock whose waits pass at once, on both sides of the wire.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        self.0.fetch_add(span.0, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

/// A running organisation and a client of it.
pub(super) struct Bench {
    pub(super) client: SalesforceClient,
    config: Config,
    pub(super) site: Arc<Site>,
    hand: Hand,
    vault: Arc<MemoryVault>,
    _server: Server,
}

impl Bench {
    fn new() -> Self {
        Self::with(OrgConfig::default(), false)
    }

    pub(super) fn with(org: OrgConfig, is_interactive: bool) -> Self {
        let hand = Hand(Arc::new(AtomicI64::new(START * 1_000)));
        let reading = Arc::clone(&hand.0);
        let clock: clock::Clock =
            Arc::new(move || clock::Timestamp::from_millis(reading.load(Ordering::SeqCst)));
        let mut brain = Salesforce::new(org);
        let mut app = App::new("app", "secret");
        app.run_as = Some(brain.integration_user());
        app.callbacks = vec!["http://localhost:1717/callback".to_owned()];
        app.refresh = RefreshPolicy::Rotating;
        brain.add_app(app);
        brain.track_history(schema::LEAD, "HasOptedOutOfEmail", true);
        brain.track_history(schema::CONTACT, "HasOptedOutOfEmail", true);
        let site = Arc::new(Site::new(brain, clock));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = start(Arc::clone(&site), listener).unwrap();
        let client_secret = "secret".into();
        let config = Config {
            login_url: server.url().parse().unwrap(),
            client_id: "app".to_owned(),
            flow: if is_interactive {
                Flow::AuthorizationCode {
                    client_secret: Some(client_secret),
                }
            } else {
                Flow::ClientCredentials { client_secret }
            },
            api_version: ApiVersion::Auto,
            limits: Limits::default(),
        };
        let vault = Arc::new(MemoryVault::default());
        let clock = Arc::new(hand.clone());
        let client =
            SalesforceClient::new(config.clone(), clock, Arc::<MemoryVault>::clone(&vault));
        Self {
            client: client.unwrap(),
            config,
            site,
            hand,
            vault,
            _server: server,
        }
    }

    fn pass(&self, seconds: i64) {
        self.hand.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub(super) fn people<T>(&self, act: impl FnOnce(&mut Salesforce, &Call) -> T) -> T {
        let now = self.site.now();
        self.site.with_brain(|brain| {
            let call = Call::person(now, brain.integration_user());
            act(brain, &call)
        })
    }

    async fn outcomes(&self, rows: Vec<RowWrite>) -> Vec<RowOutcome> {
        let answered = self.client.write(Arc::new(mapping()), rows).await;
        answered.unwrap().value
    }

    async fn write(&self, row: RowWrite) -> Result<WrittenRow, FailureKind> {
        let outcome = self.outcomes(vec![row]).await.remove(0);
        outcome.result.map_err(|failure| failure.kind)
    }

    async fn create(&self, object: SalesforceObject, name: &str) -> SalesforceId {
        let written = self.write(create(object, name)).await.unwrap();
        let RemoteId::Salesforce(_, id) = written.id else {
            panic!("{written:?}")
        };
        id
    }

    async fn row(&self, object: SalesforceObject, id: SalesforceId) -> Option<Row> {
        let ids = vec![(object, id)];
        let answered = self.client.rows(Arc::new(mapping()), ids).await.unwrap();
        answered.value.into_iter().next()
    }

    /// Rows of a window, read to its end, and the calls it took.
    async fn changed(&self, stream: Stream, from: i64, until: i64) -> (Vec<Row>, u32) {
        let (mut rows, mut calls, mut after) = (Vec::new(), 0, None);
        loop {
            let window = Window {
                stream,
                from: Timestamp::from_seconds(from),
                until: Timestamp::from_seconds(until),
                after,
            };
            let answered = self.client.changes(Arc::new(mapping()), vec![window]).await;
            let mut answered = answered.unwrap();
            calls += answered.spent.calls;
            let page = answered.value.remove(0);
            after = page.rows.last().map(position);
            rows.extend(page.rows);
            if page.is_last {
                return (rows, calls);
            }
        }
    }
}

fn position(row: &Row) -> Position {
    match row.id {
        RemoteId::Salesforce(_, id) => Position::Stamp(row.modified.unwrap(), id),
        RemoteId::Automation(..) => panic!("not of this system"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn create(object: SalesforceObject, name: &str) -> RowWrite {
    let mut values = match object {
        Account => vec![(NAME, text(name))],
        Lead | Contact => vec![
            (EMAIL, text(&format!("{name}@x.example"))),
            (LAST_NAME, text(name)),
        ],
    };
    if object == Lead {
        values.push((FieldId(7), text("Orion SARL")));
    }
    RowWrite {
        link: LinkId(0),
        target: Target::NewSalesforce(object),
        values,
        consent: None,
        unless_modified_since: None,
    }
}

fn edit(object: SalesforceObject, id: SalesforceId, values: Vec<(FieldId, Value)>) -> RowWrite {
    RowWrite {
        target: Target::Existing(RemoteId::Salesforce(object, id)),
        values,
        ..create(object, "")
    }
}

fn record(id: SalesforceId) -> RecordId {
    RecordId::parse(&id.to_string()).unwrap()
}

fn identity(id: RecordId) -> SalesforceId {
    id.to_string().parse().unwrap()
}

/// Ten thousand contacts that were always there.
fn crowd(bench: &Bench, size: usize) -> Vec<SalesforceId> {
    let at = bench.site.now();
    bench.site.with_brain(|brain| {
        let user = brain.integration_user();
        (0..size)
            .map(|n| {
                let fields = [
                    ("LastName", Cell::text(format!("Person {n}"))),
                    ("Email", Cell::text(format!("{n}@x.example"))),
                ];
                identity(brain.seed(schema::CONTACT, &fields, user, at))
            })
            .collect()
    })
}

#[tokio::test]
async fn the_organisation_describes_itself_in_one_call() {
    let bench = Bench::new();
    let answered = bench.client.describe(Arc::new(policy())).await.unwrap();
    assert_eq!(answered.spent.calls, 1);
    let description = answered.value;
    assert_eq!(description.organisation_name, "Orion SARL");
    assert_eq!(description.api_version, "67.0");
    assert_eq!(description.objects.len(), 3);
    let lead = &description.objects["Lead"];
    assert!(
        lead.iter()
            .any(|field| field.name == "LastName" && field.is_required)
    );
    assert!(description.timeline.is_some());
    assert!(!description.users.is_empty());
}

#[tokio::test]
async fn people_are_created_found_edited_and_cleared() {
    let bench = Bench::new();
    let owner = bench.people(|brain, call| {
        brain.add_user(("Ada", "Admin"), "Ada@acme.example.invalid", call.now)
    });
    let account = bench.create(Account, "Orion").await;
    let contact = bench.create(Contact, "o'brien").await;
    bench.create(Lead, "o'brien").await;
    let found = bench.client.find(
        Arc::new(mapping()),
        vec![Lead, Contact],
        vec![
            "O'Brien@X.example".to_owned(),
            "nobody@x.example".to_owned(),
        ],
        vec!["ORION".to_owned()],
    );
    let found = found.await.unwrap();
    assert_eq!((found.value.len(), found.spent.calls), (3, 1));

    bench.pass(5);
    let values = vec![
        (PHONE, text("+33 1")),
        (OWNER, text(&owner.to_string())),
        (COMPANY, text(&account.to_string())),
    ];
    bench.write(edit(Contact, contact, values)).await.unwrap();
    let row = bench.row(Contact, contact).await.unwrap();
    assert_eq!(row.value(PHONE), Some(&text("+33 1")));
    assert_eq!(row.value(OWNER), Some(&text(&owner.to_string())));
    assert_eq!(row.value(COMPANY), Some(&text("Orion")));
    assert_eq!(row.account, Some(account));
    assert_eq!(row.modified, Some(Timestamp::from_seconds(START + 5)));
    assert!(row.edited_by.is_some());

    let values = vec![(PHONE, Value::Blank), (COMPANY, Value::Blank)];
    bench.write(edit(Contact, contact, values)).await.unwrap();
    let row = bench.row(Contact, contact).await.unwrap();
    assert_eq!(row.value(PHONE), Some(&Value::Blank));
    assert_eq!(
        (row.value(COMPANY), row.account),
        (Some(&Value::Blank), None)
    );
}

#[tokio::test]
async fn ten_thousand_people_are_read_and_written_within_the_budget() {
    let bench = Bench::with(
        OrgConfig {
            undercuts_pages: true,
            ..OrgConfig::default()
        },
        false,
    );
    let ids = crowd(&bench, 10_000);
    let (rows, read) = bench.changed(Stream::Contacts, START, START + 1).await;
    let mut seen: Vec<SalesforceId> = rows
        .iter()
        .map(|row| match row.id {
            RemoteId::Salesforce(_, id) => id,
            RemoteId::Automation(..) => panic!("not of this system"),
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        (rows.len(), seen.len()),
        (10_000, 10_000),
        "ties on one second lose nobody"
    );
    let people = seen.iter().map(|id| (Contact, *id)).collect();
    let evidence = bench.client.evidence(people).await.unwrap();
    assert!(
        read + evidence.spent.calls <= 15,
        "{read} + {}",
        evidence.spent.calls
    );

    let rows: Vec<RowWrite> = ids
        .iter()
        .map(|id| edit(Contact, *id, vec![(PHONE, text("1"))]))
        .collect();
    let answered = bench.client.write(Arc::new(mapping()), rows).await.unwrap();
    assert!(answered.value.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(answered.spent.calls, 10);
    let people = ids.iter().map(|id| (Contact, *id)).collect();
    let again = bench
        .client
        .rows(Arc::new(mapping()), people)
        .await
        .unwrap();
    assert_eq!(again.value.len(), 10_000);
    assert!(
        again
            .value
            .iter()
            .all(|row| row.value(PHONE) == Some(&text("1")))
    );
}

#[tokio::test]
async fn refusals_name_the_field_and_a_duplicate_is_one() {
    let bench = Bench::new();
    let long = edit(
        Contact,
        bench.create(Contact, "a").await,
        vec![(LAST_NAME, text(&"x".repeat(81)))],
    );
    let values = FailureKind::Rejected(Rejection::Values(vec![LAST_NAME]));
    assert_eq!(bench.write(long).await, Err(values));
    let mut nameless = create(Contact, "b");
    nameless.values.truncate(1);
    let required = FailureKind::Rejected(Rejection::Required(vec![LAST_NAME]));
    assert_eq!(bench.write(nameless).await, Err(required));
}

#[tokio::test]
async fn a_row_edited_since_it_was_read_is_stale_and_the_others_go_through() {
    let bench = Bench::new();
    let (touched, quiet) = (
        bench.create(Contact, "a").await,
        bench.create(Contact, "b").await,
    );
    bench.pass(60);
    bench.people(|brain, call| {
        let fields = vec![("Phone".to_owned(), Input::Text("9".to_owned()))];
        brain.update(call, record(touched), &fields).unwrap();
    });
    let conditional = |id| RowWrite {
        unless_modified_since: Some(Timestamp::from_seconds(START + 30)),
        ..edit(Contact, id, vec![(PHONE, text("1"))])
    };
    let outcomes = bench
        .outcomes(vec![conditional(touched), conditional(quiet)])
        .await;
    assert_eq!(
        outcomes[0].result.as_ref().unwrap_err().kind,
        FailureKind::Stale
    );
    assert!(outcomes[1].result.is_ok());
}

#[tokio::test]
async fn deleted_merged_and_converted_records_say_what_became_of_them() {
    let bench = Bench::new();
    let deleted = bench.create(Contact, "a").await;
    let (loser, winner) = (
        bench.create(Contact, "b").await,
        bench.create(Contact, "c").await,
    );
    let lead = bench.create(Lead, "d").await;
    bench.pass(10);
    let became = bench.people(|brain, call| {
        brain.delete(call, record(deleted)).unwrap();
        let losers = [record(loser)];
        brain
            .merge(call, record(winner), &losers, &Vec::new())
            .unwrap();
        let into = ConvertInto::default();
        brain.convert_lead(call, record(lead), into).unwrap()
    });
    let (contacts, _) = bench.changed(Stream::Contacts, START + 1, START + 60).await;
    let state = |id: SalesforceId| {
        let mut rows = contacts.iter();
        rows.find(|row| row.id == RemoteId::Salesforce(Contact, id))
            .map(|row| row.state)
    };
    assert_eq!(state(deleted), Some(RowState::Deleted));
    assert_eq!(state(loser), Some(RowState::MergedSalesforce(winner)));
    assert_eq!(state(winner), Some(RowState::Live));
    let (leads, _) = bench.changed(Stream::Leads, START + 1, START + 60).await;
    assert_eq!(
        leads[0].state,
        RowState::Converted(identity(became.contact))
    );

    let phone = vec![(PHONE, text("1"))];
    let gone = bench.write(edit(Contact, deleted, phone.clone())).await;
    assert_eq!(gone, Err(FailureKind::Gone));
    let moved = bench.write(edit(Lead, lead, phone)).await;
    assert_eq!(moved, Err(FailureKind::Moved));
    let emails = vec!["d@x.example".to_owned()];
    let found = bench
        .client
        .find(Arc::new(mapping()), vec![Lead], emails, Vec::new())
        .await;
    assert_eq!(
        found.unwrap().value,
        [],
        "a converted lead is nobody to pair with"
    );
}

#[tokio::test]
async fn an_opt_out_is_dated_by_the_history() {
    let bench = Bench::new();
    let id = bench.create(Contact, "a").await;
    let consent = |consent| RowWrite {
        consent: Some(consent),
        ..edit(Contact, id, Vec::new())
    };
    bench.pass(10);
    bench
        .write(consent(Consent::Out(Reason::Unsubscribed)))
        .await
        .unwrap();
    let row = bench.row(Contact, id).await.unwrap();
    assert_eq!(row.consent, Some(Consent::Out(Reason::Unstated)));
    bench.pass(10);
    bench.write(consent(Consent::In)).await.unwrap();
    let answered = bench
        .client
        .evidence(vec![(Contact, id), (Account, id)])
        .await
        .unwrap();
    let (_, evidence) = &answered.value[0];
    assert_eq!(
        evidence.opted_out.unwrap().latest,
        Timestamp::from_seconds(START + 10)
    );
    assert_eq!(
        evidence.opted_in.unwrap().latest,
        Timestamp::from_seconds(START + 20)
    );
}

fn activities(people: &[SalesforceId], each: usize) -> Vec<ActivityRow> {
    let mut rows = Vec::new();
    for (n, person) in people.iter().enumerate() {
        for event in 0..each {
            rows.push(ActivityRow {
                reference: format!("EmailRead{}-{person}", n * each + event),
                at: Timestamp::from_seconds(START),
                name: "Email read - \"May\", é".to_owned(),
                description: "https://acme.automation.example/x\r\nline".to_owned(),
                url: "https://acme.automation.example/s/contacts/view/7".to_owned(),
                person: (Contact, *person),
                automation: AutomationId(7),
            });
        }
    }
    rows
}

/// Sends twice; the second time everything is there already.
async fn sends_once(org: OrgConfig, people: usize, each: usize, calls_max: u32) {
    let namespace = org.namespace.clone().unwrap_or_default();
    let bench = Bench::with(org, false);
    let people = crowd(&bench, people);
    let rows = activities(&people, each);
    for expected in [ActivitySent::Created, ActivitySent::AlreadyThere] {
        let answered = bench
            .client
            .send_activities(namespace.clone(), rows.clone())
            .await;
        let answered = answered.unwrap();
        assert_eq!(answered.value.len(), rows.len());
        for (row, outcome) in rows.iter().zip(&answered.value) {
            assert_eq!(outcome.reference, row.reference);
            assert_eq!(outcome.result, Ok(expected), "{}", row.reference);
        }
        assert!(
            answered.spent.calls <= calls_max,
            "{} calls",
            answered.spent.calls
        );
    }
}

#[tokio::test]
async fn activities_are_inserted_once_where_the_reference_is_only_unique() {
    sends_once(OrgConfig::default(), 300, 4, 3).await;
}

#[tokio::test]
async fn activities_are_upserted_where_the_reference_is_a_key_under_a_namespace() {
    let org = OrgConfig {
        timeline: Some(ReferenceKey::UniqueExternalId),
        namespace: Some("ns".to_owned()),
        ..OrgConfig::default()
    };
    sends_once(org, 300, 4, 3).await;
}

#[tokio::test]
async fn ten_thousand_activities_go_in_bulk_once_each() {
    let org = OrgConfig {
        timeline: Some(ReferenceKey::UniqueExternalId),
        ..OrgConfig::default()
    };
    // Description, create, upload, close, two looks, one file of results.
    sends_once(org, 1_000, 10, 7).await;
    sends_once(OrgConfig::default(), 1_000, 10, 7).await;
}

#[tokio::test]
async fn a_timeline_that_is_missing_asks_for_a_person() {
    let org = OrgConfig {
        timeline: None,
        ..OrgConfig::default()
    };
    let bench = Bench::with(org, false);
    let description = bench
        .client
        .describe(Arc::new(policy()))
        .await
        .unwrap()
        .value;
    assert_eq!(description.timeline, None);
    let rows = activities(&crowd(&bench, 1), 1);
    let error = bench
        .client
        .send_activities(String::new(), rows)
        .await
        .unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Forbidden);
}

#[tokio::test]
async fn a_login_keeps_a_rotating_refresh_token_and_survives_the_end_of_sessions() {
    let bench = Bench::with(OrgConfig::default(), true);
    let redirect = "http://localhost:1717/callback".parse().unwrap();
    let pending = SalesforceClient::authorize(&bench.config, redirect).unwrap();
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let mut url = pending.url.clone();
    url.query_pairs_mut()
        .append_pair("login_hint", "integration@orion.example");
    let answer = browser.get(url).send().await.unwrap();
    let redirected = answer.headers()["location"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    pending
        .finish(&redirected, &*bench.vault, None)
        .await
        .unwrap();
    let kept = || bench.vault.read("salesforce-refresh-token");
    let first = kept().await.unwrap().unwrap();

    bench.create(Contact, "a").await;
    let second = kept().await.unwrap().unwrap();
    assert_ne!(first, second, "each refresh rotates");
    bench.site.with_brain(Salesforce::expire_sessions);
    bench.create(Contact, "b").await;
    assert_ne!(kept().await.unwrap().unwrap(), second);

    bench.site.with_brain(Salesforce::revoke_all_grants);
    let answered = bench
        .client
        .write(Arc::new(mapping()), vec![create(Contact, "c")])
        .await;
    assert_eq!(
        answered.unwrap_err().failure.kind,
        FailureKind::Unauthorised
    );
}

#[tokio::test]
async fn a_spent_day_is_told_from_a_refusal() {
    let bench = Bench::new();
    bench.create(Contact, "a").await;
    let now = bench.site.now();
    bench
        .site
        .with_brain(|brain| brain.spend_calls(200_000, now));
    let answered = bench
        .client
        .write(Arc::new(mapping()), vec![create(Contact, "b")])
        .await;
    assert_eq!(
        answered.unwrap_err().failure.kind,
        FailureKind::LimitReached
    );
}

#[tokio::test]
async fn a_hidden_field_asks_for_a_person_and_is_named() {
    let bench = Bench::new();
    let now = bench.site.now();
    bench.site.with_brain(|brain| {
        let hidden = passerelle::sim::salesforce::schema::FieldAccess::Hidden;
        brain.grant(schema::CONTACT, "HasOptedOutOfEmail", hidden, now)
    });
    let window = Window {
        stream: Stream::Contacts,
        from: Timestamp::from_seconds(START),
        until: Timestamp::from_seconds(START + 1),
        after: None,
    };
    let answered = bench
        .client
        .changes(Arc::new(mapping()), vec![window])
        .await;
    let error = answered.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Forbidden);
    assert!(error.failure.message.contains("HasOptedOutOfEmail"));
    // The rest of a mapping goes on once the rule is gone.
    let mut without = mapping();
    without.person = vec![rule(
        EMAIL,
        "Email",
        &[Contact],
        "email",
        passerelle::domain::mapping::Role::Email,
    )];
    bench
        .client
        .changes(Arc::new(without), vec![window])
        .await
        .unwrap();
}
