//! One organisation, one client, and one thing that is done until it is done.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use passerelle::adapters::Limits;
use passerelle::adapters::salesforce::{ApiVersion, Config, Flow, SalesforceClient};
use passerelle::domain::activity::ActivityRow;
use passerelle::domain::cursor::Stream;
use passerelle::domain::failure::FailureKind;
use passerelle::domain::ids::SalesforceObject::{Contact, Lead};
use passerelle::domain::ids::{AutomationId, LinkId, RemoteId, SalesforceId};
use passerelle::domain::request::{RowWrite, Target, Window};
use passerelle::domain::row::Row;
use passerelle::domain::time::{Span, Timestamp};
use passerelle::domain::value::Value;
use passerelle::ports::{Answered, Clock, PortError, Salesforce as _, Vault as _};
use passerelle::sim::clock;
use passerelle::sim::faults::{CallMatcher, FaultKind, FaultPlan, Pauses};
use passerelle::sim::http::Server;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::http::{Site, start};
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::oauth::{App, AuthorizeRequest};
use passerelle::sim::salesforce::schema::{CONTACT, ReferenceKey};
use passerelle::sim::salesforce::value::Value as Cell;
use passerelle::sim::salesforce::{Call, OrgConfig, Salesforce};

use super::super::{EMAIL, LAST_NAME, MemoryVault, mapping, policy};

const START: i64 = 1_772_615_702;
const CALLBACK: &str = "http://localhost:1717/callback";

/// Who is there from the start; the first of them has opted out once.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// More than one page of a query whose rows are wide.
const CROWD: usize = 5;
const PAGE_ROWS: usize = 2;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Describe,
    Changes,
    Rows,
    RowsAfterLogin,
    Find,
    FindInPages,
    Evidence,
    Create,
    Update,
    UpdateIf,
    Insert,
    Upsert,
    Bulk,
    /// One of the rows is refused whatever happens.
    BulkWithRefusal,
}

/// What a try came to: `None` is success. An error is a broken promise.
pub(super) type Attempt = Result<Option<FailureKind>, String>;

/// A clock whose waits pass at once, on both sides of the wire.
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

pub(super) struct Stage {
    task: Task,
    site: Arc<Site>,
    pub(super) hasty: SalesforceClient,
    /// For what comes after a fault that has to time out: the machine may be busy.
    patient: Option<SalesforceClient>,
    vault: Arc<MemoryVault>,
    people: Vec<SalesforceId>,
    /// Rows of a write that are still to be done, by their place.
    open: Mutex<Vec<usize>>,
    _server: Server,
}

impl Stage {
    pub(super) fn new(task: Task, fault: FaultKind, haste: Duration) -> Self {
        let time = Arc::new(AtomicI64::new(START * 1_000));
        let reading = Arc::clone(&time);
        let clock: clock::Clock =
            Arc::new(move || clock::Timestamp::from_millis(reading.load(Ordering::SeqCst)));
        let timeline = match task {
            Task::Insert => ReferenceKey::Unique,
            _ => ReferenceKey::UniqueExternalId,
        };
        let mut brain = Salesforce::new(OrgConfig {
            timeline: Some(timeline),
            page_rows_max: if task == Task::FindInPages {
                PAGE_ROWS
            } else {
                usize::MAX
            },
            ..OrgConfig::default()
        });
        let mut app = App::new("app", "secret");
        app.run_as = Some(brain.integration_user());
        app.callbacks = vec![CALLBACK.to_owned()];
        brain.add_app(app);
        let people = populate(&mut brain, task);
        let pauses = Pauses {
            stall: Duration::from_secs(600),
            between_slow_bytes: Duration::from_secs(1),
            huge_body_bytes: 2 << 20,
        };
        let site = Site::new(brain, clock).with_faults(FaultPlan::calm(1), pauses);
        let site = Arc::new(site);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = start(Arc::clone(&site), listener).unwrap();
        let vault = Arc::new(MemoryVault::default());
        let above = match task {
            Task::Bulk | Task::BulkWithRefusal => 0,
            _ => 4_000,
        };
        let clock = Arc::new(Hand(time));
        let client = |timeout| {
            let config = config(task, timeout, &server);
            let clock = Arc::<Hand>::clone(&clock);
            let vault = Arc::<MemoryVault>::clone(&vault);
            let client = SalesforceClient::new(config, clock, vault).unwrap();
            client.with_jobs_above(above)
        };
        let times_out = matches!(
            fault,
            FaultKind::StallBefore | FaultKind::StallAfter | FaultKind::SlowBody
        );
        let (hasty, patient) = if times_out {
            (client(haste), Some(client(PATIENCE)))
        } else {
            (client(PATIENCE), None)
        };
        Self {
            task,
            site,
            hasty,
            patient,
            vault,
            people,
            open: Mutex::new((0..NAMES.len()).collect()),
            _server: server,
        }
    }

    /// Leaves a refresh token in the vault, as a login does.
    pub(super) fn login(&self) {
        let now = self.site.now();
        let refresh = self.site.with_brain(|brain| {
            let request = AuthorizeRequest {
                client_id: "app".to_owned(),
                redirect_uri: CALLBACK.to_owned(),
                scope: Some("api refresh_token".to_owned()),
                challenge: None,
            };
            let code = brain
                .approve(request, brain.integration_user(), now)
                .unwrap();
            let client = ("app", Some("secret"));
            let tokens = brain.grant_code(client, (&code, CALLBACK), None, now);
            tokens.unwrap().refresh.unwrap()
        });
        let kept = self
            .vault
            .write("salesforce-refresh-token", refresh.into_bytes());
        futures_util::FutureExt::now_or_never(kept)
            .unwrap()
            .unwrap();
    }

    pub(super) fn strike(&self, call: CallMatcher, fault: FaultKind) {
        self.site.gate.with_plan(|plan| {
            plan.script(call, fault);
        });
    }

    pub(super) fn was_struck(&self, fault: FaultKind) -> bool {
        let gate = &self.site.gate;
        gate.with_plan(|plan| plan.drawn().contains_key(&fault))
    }

    /// Whether the fault shows by nothing but time.
    pub(super) const fn times_out(&self) -> bool {
        self.patient.is_some()
    }

    pub(super) fn patient(&self) -> &SalesforceClient {
        self.patient.as_ref().unwrap_or(&self.hasty)
    }

    pub(super) async fn attempt(&self, client: &SalesforceClient) -> Attempt {
        let mapping = Arc::new(mapping());
        let emails = || NAMES.map(|name| format!("{name}@x.example")).to_vec();
        match self.task {
            Task::Describe => read(client.describe(Arc::new(policy())).await, |described| {
                described.objects.len() == 3
                    && described.timeline.is_some()
                    && described.users.len() == 1
            }),
            Task::Changes => {
                let window = |stream| Window {
                    stream,
                    from: Timestamp::from_seconds(START - 60),
                    until: Timestamp::from_seconds(START + 60),
                    after: None,
                };
                let windows = vec![window(Stream::Leads), window(Stream::Contacts)];
                read(client.changes(mapping, windows).await, |pages| {
                    pages.len() == 2
                        && pages.iter().all(|page| page.is_last)
                        && is_all(&pages[1].rows)
                })
            }
            Task::Rows | Task::RowsAfterLogin => {
                let ids = self.people.iter().map(|id| (Contact, *id)).collect();
                read(client.rows(mapping, ids).await, |rows| is_all(rows))
            }
            Task::Find => {
                let objects = vec![Contact, Lead];
                let found = client.find(mapping, objects, emails(), Vec::new()).await;
                read(found, |rows| is_all(rows))
            }
            Task::FindInPages => {
                let emails = vec!["crowd@x.example".to_owned()];
                let found = client
                    .find(mapping, vec![Contact], emails, Vec::new())
                    .await;
                read(found, |rows| rows.len() == CROWD)
            }
            Task::Evidence => {
                let ids = self.people.iter().map(|id| (Contact, *id)).collect();
                read(client.evidence(ids).await, |found| {
                    found.len() == 1 && found[0].1.opted_out.is_some()
                })
            }
            Task::Create | Task::Update | Task::UpdateIf => self.write(client).await,
            Task::Insert | Task::Upsert | Task::Bulk | Task::BulkWithRefusal => {
                self.send(client).await
            }
        }
    }

    async fn write(&self, client: &SalesforceClient) -> Attempt {
        let open = self.open.lock().unwrap().clone();
        let rows = open.iter().map(|n| self.row(*n)).collect();
        let written = client.write(Arc::new(mapping()), rows).await;
        let results = written.map(|answered| {
            let outcomes = answered.value.into_iter();
            outcomes
                .map(|outcome| outcome.result.map(|_| ()).map_err(|f| f.kind))
                .collect()
        });
        self.judge(&open, results)
    }

    fn row(&self, n: usize) -> RowWrite {
        let name = format!("new-{}", NAMES[n]);
        let known = RemoteId::Salesforce(Contact, self.people[n]);
        let (target, email) = if self.task == Task::Create {
            let email = format!("{name}@x.example");
            (Target::NewSalesforce(Contact), email)
        } else {
            (Target::Existing(known), format!("{}@x.example", NAMES[n]))
        };
        RowWrite {
            link: LinkId(n as u64),
            target,
            values: vec![(EMAIL, Value::Text(email)), (LAST_NAME, Value::Text(name))],
            consent: None,
            unless_modified_since: (self.task == Task::UpdateIf)
                .then(|| Timestamp::from_seconds(START)),
        }
    }

    async fn send(&self, client: &SalesforceClient) -> Attempt {
        let open = self.open.lock().unwrap().clone();
        let mut rows: Vec<ActivityRow> = open.iter().map(|n| self.activity(*n)).collect();
        if self.task == Task::BulkWithRefusal {
            let nobody = (Contact, "003Q7ZZZZZZZZZZ".parse().unwrap());
            rows.push(ActivityRow {
                reference: "refused".to_owned(),
                person: nobody,
                ..self.activity(0)
            });
        }
        let sent = client.send_activities(String::new(), rows).await;
        let results = sent.map(|answered| {
            let outcomes = answered.value.into_iter().take(open.len());
            outcomes
                .map(|outcome| outcome.result.map(|_| ()).map_err(|f| f.kind))
                .collect()
        });
        self.judge(&open, results)
    }

    fn activity(&self, n: usize) -> ActivityRow {
        ActivityRow {
            reference: format!("EmailRead{n}-{}", self.people[n]),
            at: Timestamp::from_seconds(START),
            name: "Email read".to_owned(),
            description: "\"May\",\nline".to_owned(),
            url: "https://acme.automation.example/s/contacts/view/7".to_owned(),
            person: (Contact, self.people[n]),
            automation: AutomationId(7),
        }
    }

    /// Compares what was reported of each row with what is there, and keeps what is to be tried again:
    /// every row that is not known to be done, after a look if it is in doubt.
    fn judge(
        &self,
        open: &[usize],
        results: Result<Vec<Result<(), FailureKind>>, PortError>,
    ) -> Attempt {
        let results = results.unwrap_or_else(|error| vec![Err(error.failure.kind); open.len()]);
        if results.len() != open.len() {
            return Err(format!(
                "{} outcomes for {} rows",
                results.len(),
                open.len()
            ));
        }
        let mut first = None;
        let mut left = Vec::new();
        for (n, result) in open.iter().zip(results) {
            let is_there = self.times_there(*n) > 0;
            match result {
                Ok(()) if !is_there => return Err(format!("row {n} is said to be there")),
                Ok(()) => {}
                Err(kind) => {
                    if kind != FailureKind::Unknown && is_there {
                        return Err(format!("row {n} is there, but said to be {kind:?}"));
                    }
                    // Activities are sent again without a look: their reference protects them.
                    if !is_there || self.is_activity() {
                        left.push(*n);
                    }
                    first.get_or_insert(kind);
                }
            }
        }
        *self.open.lock().unwrap() = left;
        Ok(first)
    }

    const fn is_activity(&self) -> bool {
        matches!(
            self.task,
            Task::Insert | Task::Upsert | Task::Bulk | Task::BulkWithRefusal
        )
    }

    fn times_there(&self, n: usize) -> usize {
        let (object, field, wanted) = if self.is_activity() {
            (
                "mautic_timeline__c",
                "ReferenceId__c",
                self.activity(n).reference,
            )
        } else {
            ("Contact", "LastName", format!("new-{}", NAMES[n]))
        };
        self.site.with_brain(|brain| {
            let object = brain.schema().find(object, None).unwrap();
            let ids: Vec<RecordId> = brain.records(object).map(|(id, _)| id).collect();
            let ids = ids.into_iter();
            ids.filter(|id| brain.value(*id, field).as_text() == Some(&wanted))
                .count()
        })
    }

    /// Everything is there, and nothing twice.
    pub(super) fn check_end(&self) -> Result<(), String> {
        let is_read = !self.is_activity()
            && !matches!(self.task, Task::Create | Task::Update | Task::UpdateIf);
        let times: BTreeMap<usize, usize> = (0..NAMES.len())
            .filter(|_| !is_read)
            .map(|n| (n, self.times_there(n)))
            .collect();
        if times.values().all(|times| *times == 1) {
            Ok(())
        } else {
            Err(format!(
                "in the end rows are there so many times: {times:?}"
            ))
        }
    }
}

fn config(task: Task, timeout: Duration, server: &Server) -> Config {
    let client_secret = "secret".into();
    Config {
        login_url: server.url().parse().unwrap(),
        client_id: "app".to_owned(),
        flow: if task == Task::RowsAfterLogin {
            Flow::AuthorizationCode {
                client_secret: Some(client_secret),
            }
        } else {
            Flow::ClientCredentials { client_secret }
        },
        api_version: ApiVersion::Auto,
        limits: Limits {
            read_timeout: timeout,
            write_timeout: timeout,
            body_bytes_max: 1 << 20,
        },
    }
}

fn populate(brain: &mut Salesforce, task: Task) -> Vec<SalesforceId> {
    let at = clock::Timestamp::from_seconds(START);
    let user = brain.integration_user();
    brain.track_history(CONTACT, "HasOptedOutOfEmail", true);
    let mut seed = |name: &str, email: &str| {
        let fields = [("LastName", Cell::text(name)), ("Email", Cell::text(email))];
        brain.seed(CONTACT, &fields, user, at)
    };
    let people = NAMES.map(|name| seed(name, &format!("{name}@x.example")));
    if task == Task::FindInPages {
        for _ in 0..CROWD {
            seed("crowd", "crowd@x.example");
        }
    }
    let opted_out = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(true))];
    brain
        .update(&Call::person(at, user), people[0], &opted_out)
        .unwrap();
    people.map(|id| id.to_string().parse().unwrap()).to_vec()
}

fn read<T>(answered: Result<Answered<T>, PortError>, is_right: impl Fn(&T) -> bool) -> Attempt {
    match answered {
        Ok(answered) if is_right(&answered.value) => Ok(None),
        Ok(_) => Err("something is missing from the answer".to_owned()),
        Err(error) if error.failure.kind == FailureKind::Unknown => {
            Err("a read cannot be in doubt".to_owned())
        }
        Err(error) => Ok(Some(error.failure.kind)),
    }
}

fn is_all(rows: &[Row]) -> bool {
    let names: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(row.value(LAST_NAME)?.to_string()))
        .collect();
    names.len() == NAMES.len()
        && NAMES
            .iter()
            .all(|name| names.iter().any(|known| known == name))
}
