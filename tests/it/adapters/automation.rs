//! The Automation client against the simulated instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use passerelle::adapters::automation::{AutomationClient, Config, Flow};
use passerelle::adapters::{Limits, SystemClock};
use passerelle::domain::consent::{Consent, Reason};
use passerelle::domain::cursor::{Position, Stream};
use passerelle::domain::failure::{FailureKind, Rejection};
use passerelle::domain::ids::{AutomationId, FieldId, Kind, LinkId, RemoteId};
use passerelle::domain::request::{AuditedChange, RowWrite, Target, Window, WrittenRow};
use passerelle::domain::row::{Row, RowState};
use passerelle::domain::time::{Span, Timestamp};
use passerelle::domain::value::Value;
use passerelle::ports::Automation as _;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::http::{Shared, serve};
use passerelle::sim::automation::user::{NewUser, Right, UserId, Users};
use passerelle::sim::automation::{Automation, author::AuthorId};
use passerelle::sim::clock;
use passerelle::sim::http::Server;

use super::{CITY, EMAIL, LAST_NAME, MemoryVault, NAME, OWNER, PHONE, mapping, policy};

/// 2026-03-04T09:15:02Z
const START: i64 = 1_772_615_702;

/// A running instance and a client that may do everything there.
pub(super) struct Bench {
    pub(super) client: AutomationClient,
    pub(super) shared: Shared,
    seconds: Arc<AtomicI64>,
    _server: Server,
}

impl Bench {
    /// The credential's role may do everything but see fields.
    pub(super) fn close_fields(&self) {
        let mut brain = self.shared.brain();
        let rights = vec![
            Right::ViewContacts,
            Right::EditContacts,
            Right::Users,
            Right::Segments,
        ];
        let now = clock::Timestamp::from_seconds(START);
        let role = brain.add_role(now, "API", "", rights);
        brain.auth_mut().set_role(1, role);
    }

    pub(super) fn makes_columns_later(&self) {
        self.shared.brain().settings.makes_columns_later = true;
    }

    pub(super) fn new() -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let reading = Arc::clone(&seconds);
        let clock: clock::Clock =
            Arc::new(move || clock::Timestamp::from_seconds(reading.load(Ordering::SeqCst)));
        let mut brain = Automation::new(7);
        brain.add_client("Sync", "random", "secret", UserId(1));
        let bruno = NewUser {
            username: "bruno",
            first_name: "Bruno",
            last_name: "Keller",
            email: "Bruno@acme.example",
            password: "x",
            role: Users::ADMINISTRATOR,
        };
        brain.add_user(clock(), &bruno);
        let shared = Shared::new(brain, clock);
        let server = serve(&shared, "127.0.0.1:0".parse().unwrap(), |router| router).unwrap();
        let config = Config {
            base_url: server.url().parse().unwrap(),
            flow: Flow::ClientCredentials {
                client_id: "1_random".into(),
                client_secret: "secret".into(),
            },
            limits: Limits::default(),
        };
        let vault = Arc::new(MemoryVault::default());
        let client = AutomationClient::new(config, Arc::new(SystemClock), vault).unwrap();
        Self {
            client,
            shared,
            seconds,
            _server: server,
        }
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds.load(Ordering::SeqCst))
    }

    async fn write(&self, rows: Vec<RowWrite>) -> Vec<Result<WrittenRow, FailureKind>> {
        let answered = self.client.write(Arc::new(mapping()), rows).await.unwrap();
        let results = answered.value.into_iter();
        results
            .map(|outcome| outcome.result.map_err(|failure| failure.kind))
            .collect()
    }

    async fn create(&self, email: &str) -> AutomationId {
        let mut results = self.write(vec![create(email)]).await;
        match results.remove(0).unwrap().id {
            RemoteId::Automation(Kind::Person, id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn row(&self, id: AutomationId) -> Option<Row> {
        let ids = vec![(Kind::Person, id)];
        let answered = self.client.rows(Arc::new(mapping()), ids).await.unwrap();
        answered.value.into_iter().next()
    }

    async fn changed(&self, stream: Stream, from: i64, until: i64) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let window = Window {
                stream,
                from: Timestamp::from_seconds(from),
                until: Timestamp::from_seconds(until),
                after,
            };
            let answered = self
                .client
                .changes(Arc::new(mapping()), window)
                .await
                .unwrap();
            after = answered.value.rows.last().map(|row| match row.id {
                RemoteId::Automation(_, id) => Position::Id(id),
                RemoteId::Salesforce(..) => panic!("not of this system"),
            });
            rows.extend(answered.value.rows);
            if answered.value.is_last {
                return rows;
            }
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn create(email: &str) -> RowWrite {
    RowWrite {
        link: LinkId(0),
        target: Target::NewAutomation(Kind::Person),
        values: vec![(EMAIL, text(email)), (LAST_NAME, text("Roy"))],
        consent: None,
        unless_modified_since: None,
    }
}

fn edit(id: AutomationId, values: Vec<(FieldId, Value)>) -> RowWrite {
    RowWrite {
        target: Target::Existing(RemoteId::Automation(Kind::Person, id)),
        values,
        ..create("")
    }
}

#[tokio::test]
async fn a_contact_is_created_found_edited_and_cleared() {
    let bench = Bench::new();
    let id = bench.create("Lea+a@x.example").await;
    let find = |email: &str| {
        let emails = vec![email.to_owned()];
        bench.client.find(Arc::new(mapping()), emails, Vec::new())
    };
    assert_eq!(find("lea+A@x.example").await.unwrap().value.len(), 1);
    assert_eq!(find("lea+a@x.exampl").await.unwrap().value.len(), 0);

    bench.pass(5);
    let values = vec![
        (LAST_NAME, text("O'Brien & Fils")),
        (PHONE, text("+33 1 23")),
        (OWNER, text("2")),
    ];
    let written = bench
        .write(vec![edit(id, values.clone())])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(written.stored, Some(values));
    assert_eq!(written.modified, Some(bench.now()));
    let row = bench.row(id).await.unwrap();
    assert_eq!(row.value(LAST_NAME), Some(&text("O'Brien & Fils")));
    assert_eq!(row.value(OWNER), Some(&text("2")));

    let cleared = vec![(PHONE, Value::Blank), (OWNER, Value::Blank)];
    let written = bench
        .write(vec![edit(id, cleared.clone())])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(written.stored, Some(cleared));
    let row = bench.row(id).await.unwrap();
    assert_eq!(row.value(PHONE), Some(&Value::Blank));
    assert_eq!(
        row.value(LAST_NAME),
        Some(&text("O'Brien & Fils")),
        "not sent, not touched"
    );
}

#[tokio::test]
async fn a_creation_that_hits_a_known_address_says_so() {
    let bench = Bench::new();
    let id = bench.create("lea@x.example").await;
    let written = bench
        .write(vec![create("LEA@x.example")])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(written.id, RemoteId::Automation(Kind::Person, id));
    assert!(!written.created);
}

#[tokio::test]
async fn a_window_holds_what_was_made_or_edited_in_it_page_after_page() {
    let bench = Bench::new();
    let old = bench.create("old@x.example").await;
    bench.pass(100);
    let rows: Vec<RowWrite> = (0..450)
        .map(|n| create(&format!("{n}@x.example")))
        .collect();
    assert!(bench.write(rows).await.iter().all(Result::is_ok));
    bench.pass(100);
    bench.write(vec![edit(old, vec![(PHONE, text("1"))])]).await;

    let first = bench
        .changed(Stream::AutomationContacts, START + 50, START + 150)
        .await;
    assert_eq!(first.len(), 450);
    let second = bench
        .changed(Stream::AutomationContacts, START + 150, START + 250)
        .await;
    let ids: Vec<RemoteId> = second.iter().map(|row| row.id).collect();
    assert_eq!(ids, [RemoteId::Automation(Kind::Person, old)]);
}

#[tokio::test]
async fn consent_travels_in_the_row_and_its_dates_can_be_proved() {
    let bench = Bench::new();
    let new = RowWrite {
        consent: Some(Consent::Out(Reason::Unstated)),
        ..create("no@x.example")
    };
    let written = bench.write(vec![new]).await.remove(0).unwrap();
    let RemoteId::Automation(_, id) = written.id else {
        panic!("{written:?}")
    };
    let consent = bench.row(id).await.unwrap().consent;
    assert_eq!(consent, Some(Consent::Out(Reason::Manual)));

    bench.pass(60);
    let back_in = RowWrite {
        consent: Some(Consent::In),
        ..edit(id, Vec::new())
    };
    bench.write(vec![back_in]).await.remove(0).unwrap();
    assert_eq!(bench.row(id).await.unwrap().consent, Some(Consent::In));

    let evidence = bench.client.evidence(vec![id]).await.unwrap().value;
    let (of, evidence) = &evidence[0];
    assert_eq!(*of, RemoteId::Automation(Kind::Person, id));
    assert_eq!(evidence.opted_in.unwrap().latest, bench.now());
    assert_eq!(
        evidence.opted_out.unwrap().latest,
        Timestamp::from_seconds(START)
    );
}

#[tokio::test]
async fn merges_and_deletions_are_seen_by_every_door() {
    let bench = Bench::new();
    let loser = bench.create("a@x.example").await;
    let winner = bench.create("b@x.example").await;
    let deleted = bench.create("c@x.example").await;
    let before = bench.client.audit(0).await.unwrap().value.after;
    bench.pass(10);
    {
        let now = bench.shared.now();
        let contact = |id: AutomationId| ContactId(u32::try_from(id.0).unwrap());
        let mut brain = bench.shared.brain();
        brain.merge(now, AuthorId::SYSTEM, contact(loser), contact(winner));
        brain.user_deletes(now, UserId(1), contact(deleted));
    }
    let row = bench.row(loser).await.unwrap();
    assert_eq!(row.id, RemoteId::Automation(Kind::Person, loser));
    assert_eq!(row.state, RowState::MergedAutomation(winner));
    assert_eq!(bench.row(deleted).await, None);

    let values = vec![(PHONE, text("1"))];
    let rows = [loser, deleted, winner].map(|id| edit(id, values.clone()));
    let results = bench.write(rows.to_vec()).await;
    assert_eq!(results[0], Err(FailureKind::Moved));
    assert_eq!(results[1], Err(FailureKind::Gone));
    assert!(results[2].is_ok());

    let audit = bench.client.audit(before).await.unwrap().value;
    let changes: Vec<_> = audit
        .entries
        .iter()
        .map(|entry| (entry.id, entry.what))
        .collect();
    assert_eq!(
        changes,
        [
            (loser, AuditedChange::MergedInto(winner)),
            (deleted, AuditedChange::Deleted)
        ]
    );
    assert!(audit.is_last && audit.after > before);
}

#[tokio::test]
async fn a_company_is_written_found_and_never_doubled() {
    let bench = Bench::new();
    let company = |values| RowWrite {
        target: Target::NewAutomation(Kind::Company),
        values,
        ..create("")
    };
    let name = "Orion, Fils & Cie";
    let values = vec![(NAME, text(name)), (CITY, text("Metz"))];
    let results = bench.write(vec![company(values.clone())]).await;
    let written = results[0].as_ref().unwrap();
    assert!(written.created);
    assert_eq!(written.stored, Some(values.clone()));
    let again = bench.write(vec![company(values)]).await;
    assert_eq!(again[0], Err(FailureKind::Rejected(Rejection::Duplicate)));

    let names = vec![name.to_uppercase()];
    let found = bench
        .client
        .find(Arc::new(mapping()), Vec::new(), names)
        .await
        .unwrap();
    assert_eq!(found.value.len(), 1);
    let RemoteId::Automation(Kind::Company, id) = found.value[0].id else {
        panic!("{found:?}")
    };
    let cleared = RowWrite {
        target: Target::Existing(RemoteId::Automation(Kind::Company, id)),
        ..company(vec![(CITY, Value::Blank)])
    };
    let results = bench.write(vec![cleared]).await;
    let stored = results[0].as_ref().unwrap().stored.clone();
    assert_eq!(stored, Some(vec![(CITY, Value::Blank)]));

    let changed = bench
        .changed(Stream::AutomationCompanies, START - 1, START + 1)
        .await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].modified, None);
}

#[tokio::test]
async fn events_of_a_type_come_in_order_with_the_old_plugins_references() {
    let bench = Bench::new();
    let id = bench.create("a@x.example").await;
    let email = bench.shared.brain().add_email("May news", "Hello");
    let from = bench.now();
    for _ in 0..3 {
        bench.pass(1);
        let now = bench.shared.now();
        let contact = ContactId(u32::try_from(id.0).unwrap());
        bench.shared.brain().send(now, email, contact);
    }
    bench.pass(1);
    let kind = "email.sent".to_owned();
    let until = bench.now() + Span(500);
    let page = bench
        .client
        .activities(kind, from, until, 1)
        .await
        .unwrap()
        .value;
    let references: Vec<&str> = page
        .activities
        .iter()
        .map(|a| a.reference.as_str())
        .collect();
    assert_eq!(references, ["EmailSent1", "EmailSent2", "EmailSent3"]);
    assert!(page.is_last);
    assert!(
        page.activities
            .iter()
            .all(|a| a.contact == id && a.name.ends_with("- May news"))
    );
}

#[tokio::test]
async fn the_instance_describes_itself() {
    let bench = Bench::new();
    let description = bench
        .client
        .describe(Arc::new(policy()))
        .await
        .unwrap()
        .value;
    assert_eq!(description.version, "5.1.1");
    assert!(description.instance.starts_with("http://127.0.0.1:"));
    assert!(
        description
            .contact_fields
            .iter()
            .any(|field| field.name == "email" && field.is_unique)
    );
    assert!(
        description
            .company_fields
            .iter()
            .any(|field| field.name == "companyname")
    );
    assert!(
        description
            .activity_types
            .contains(&"email.sent".to_owned())
    );
    assert!(
        description
            .users
            .iter()
            .any(|user| user.email == "bruno@acme.example")
    );
}
