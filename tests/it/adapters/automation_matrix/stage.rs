//! One instance, one client, and one thing that is done until it is done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use passerelle::adapters::Limits;
use passerelle::adapters::automation::{AutomationClient, Config, Flow};
use passerelle::domain::consent::{Consent, Reason};
use passerelle::domain::cursor::{Position, Stream};
use passerelle::domain::failure::FailureKind;
use passerelle::domain::ids::{AutomationId, Kind, LinkId, RemoteId};
use passerelle::domain::request::{AuditedChange, RowWrite, Target, Window};
use passerelle::domain::row::{Row, RowState};
use passerelle::domain::time::{Span, Timestamp};
use passerelle::domain::value::Value;
use passerelle::ports::{Answered, Automation as _, Clock, PortError, Vault as _};
use passerelle::sim::automation::Automation;
use passerelle::sim::automation::auth::{Client, GrantRequest};
use passerelle::sim::automation::companies::CompanyInput;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::{ContactInput, DncInput};
use passerelle::sim::automation::field::Subject;
use passerelle::sim::automation::http::{Shared, dialect, serve};
use passerelle::sim::automation::user::UserId;
use passerelle::sim::clock;
use passerelle::sim::faults::{self, CallMatcher, FaultGate, FaultKind, FaultPlan, Pauses};
use passerelle::sim::http::Server;

use super::super::{EMAIL, LAST_NAME, MemoryVault, NAME, mapping, policy};

const START: i64 = 1_772_615_702;
const CALLBACK: &str = "http://localhost:1717/callback";
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is there from the start; the first of them has opted out once.
const NAMES: [&str; 3] = ["a", "b", "c"];
const SENT: &str = "email.sent";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Describe,
    Changes,
    CompanyChanges,
    Audit,
    Rows,
    RowsAfterLogin,
    Merged,
    Deleted,
    Find,
    Evidence,
    Activities,
    Create,
    CreateOut,
    CreateCompany,
    Update,
    UpdateIf,
    OptOut,
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

/// Who is there, and who was.
struct Cast {
    people: Vec<AutomationId>,
    merged: AutomationId,
    deleted: AutomationId,
}

pub(super) struct Stage {
    task: Task,
    shared: Shared,
    gate: Arc<FaultGate>,
    pub(super) hasty: AutomationClient,
    /// For what comes after a fault that has to time out: the machine may be busy.
    patient: Option<AutomationClient>,
    vault: Arc<MemoryVault>,
    cast: Cast,
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
        let mut brain = Automation::new(7);
        let client = brain.add_client("Sync", "random", "secret", UserId(1));
        brain.add_client_as(&Client {
            redirects: vec![CALLBACK.to_owned()],
            ..client
        });
        let cast = populate(&mut brain);
        let shared = Shared::new(brain, clock);
        let pauses = Pauses {
            stall: Duration::from_secs(600),
            between_slow_bytes: Duration::from_secs(1),
            huge_body_bytes: 2 << 20,
        };
        let gate = FaultGate::new(FaultPlan::calm(1), dialect(), pauses);
        let any = "127.0.0.1:0".parse().unwrap();
        let behind = Arc::clone(&gate);
        let server = serve(&shared, any, |router| faults::layer(router, behind)).unwrap();
        let vault = Arc::new(MemoryVault::default());
        let clock = Arc::new(Hand(time));
        let client = |timeout| {
            let clock = Arc::<Hand>::clone(&clock);
            let vault = Arc::<MemoryVault>::clone(&vault);
            AutomationClient::new(config(task, timeout, &server), clock, vault).unwrap()
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
            shared,
            gate,
            hasty,
            patient,
            vault,
            cast,
            open: Mutex::new((0..NAMES.len()).collect()),
            _server: server,
        }
    }

    /// Leaves a refresh token in the vault, as a login does.
    pub(super) fn login(&self) {
        let now = self.shared.now();
        let refresh = {
            let mut brain = self.shared.brain();
            let code = brain.consent(now, "2_random", CALLBACK, UserId(1)).unwrap();
            let request = GrantRequest::Code {
                code: &code,
                redirect: CALLBACK,
            };
            let grant = brain.token(now, "2_random", "secret", &request).unwrap();
            grant.refresh_token.unwrap()
        };
        let kept = self
            .vault
            .write("automation-refresh-token", refresh.into_bytes());
        kept.now_or_never().unwrap().unwrap();
    }

    pub(super) fn loses_its_login(&self, fault: FaultKind) -> bool {
        self.task == Task::RowsAfterLogin && fault.is_after_commit()
    }

    pub(super) fn strike(&self, call: CallMatcher, fault: FaultKind) {
        self.gate.with_plan(|plan| {
            plan.script(call, fault);
        });
    }

    pub(super) fn was_struck(&self, fault: FaultKind) -> bool {
        self.gate
            .with_plan(|plan| plan.drawn().contains_key(&fault))
    }

    /// Whether the fault shows by nothing but time.
    pub(super) const fn times_out(&self) -> bool {
        self.patient.is_some()
    }

    pub(super) fn patient(&self) -> &AutomationClient {
        self.patient.as_ref().unwrap_or(&self.hasty)
    }

    pub(super) async fn attempt(&self, client: &AutomationClient) -> Attempt {
        let mapping = Arc::new(mapping());
        let person = |id: &AutomationId| (Kind::Person, *id);
        match self.task {
            Task::Describe => read(client.describe(Arc::new(policy())).await, |described| {
                described.contact_fields.len() > 10
                    && described.company_fields.len() > 5
                    && described.users.len() == 1
                    && described.activity_types.iter().any(|kind| kind == SENT)
            }),
            Task::Changes => self.changes(client, Stream::AutomationContacts).await,
            Task::CompanyChanges => self.changes(client, Stream::AutomationCompanies).await,
            Task::Audit => self.audit(client).await,
            Task::Rows | Task::RowsAfterLogin => {
                let ids = self.cast.people.iter().map(person).collect();
                read(client.rows(mapping, ids).await, |rows| is_all(rows))
            }
            Task::Merged => {
                let ids = vec![person(&self.cast.merged)];
                read(client.rows(mapping, ids).await, |rows| {
                    let winner = self.cast.people[0];
                    rows.len() == 1 && rows[0].state == RowState::MergedAutomation(winner)
                })
            }
            Task::Deleted => {
                let ids = vec![person(&self.cast.deleted)];
                read(client.rows(mapping, ids).await, Vec::is_empty)
            }
            Task::Find => {
                let emails = NAMES.map(|name| format!("{name}@x.example")).to_vec();
                let companies = vec!["firm".to_owned()];
                let found = client.find(mapping, emails, companies).await;
                read(found, |rows| rows.len() == 4 && is_all(&rows[..3]))
            }
            Task::Evidence => {
                let ids = self.cast.people.clone();
                read(client.evidence(ids).await, |found| {
                    found.len() == 1
                        && found[0].1.opted_out.is_some()
                        && found[0].1.opted_in.is_some()
                })
            }
            Task::Activities => {
                let (from, until) = (moment(-60), moment(60));
                let page = client.activities(SENT.to_owned(), from, until, 1).await;
                read(page, |page| page.is_last && page.activities.len() == 2)
            }
            _ => self.write(client).await,
        }
    }

    async fn changes(&self, client: &AutomationClient, stream: Stream) -> Attempt {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let window = Window {
                stream,
                from: moment(-60),
                until: moment(60),
                after,
            };
            let page = match client.changes(Arc::new(mapping()), window).await {
                Ok(answered) => answered.value,
                Err(error) => return failed(&error),
            };
            after = page.rows.last().map(|row| match row.id {
                RemoteId::Automation(_, id) => Position::Id(id),
                RemoteId::Salesforce(..) => panic!("not of this system"),
            });
            rows.extend(page.rows);
            if page.is_last {
                break;
            }
        }
        let is_right = match stream {
            Stream::AutomationCompanies => rows.len() == 1,
            _ => is_all(&rows),
        };
        is_right.then_some(None).ok_or(format!("{rows:?}"))
    }

    async fn audit(&self, client: &AutomationClient) -> Attempt {
        let mut entries = Vec::new();
        let mut after = 0;
        loop {
            let page = match client.audit(after).await {
                Ok(answered) => answered.value,
                Err(error) => return failed(&error),
            };
            after = page.after;
            entries.extend(page.entries);
            if page.is_last {
                break;
            }
        }
        let winner = AuditedChange::MergedInto(self.cast.people[0]);
        let has = |id, what| entries.iter().any(|e| e.id == id && e.what == what);
        let is_right = has(self.cast.merged, winner)
            && has(self.cast.deleted, AuditedChange::Deleted)
            && has(self.cast.people[0], AuditedChange::Consent(Consent::In))
            && !has(self.cast.merged, AuditedChange::Deleted);
        is_right.then_some(None).ok_or(format!("{entries:?}"))
    }

    async fn write(&self, client: &AutomationClient) -> Attempt {
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
        let name = Value::Text(format!("new-{}", NAMES[n]));
        let known = RemoteId::Automation(Kind::Person, self.cast.people[n]);
        let new = |email: String| vec![(EMAIL, Value::Text(email)), (LAST_NAME, name.clone())];
        let (target, values) = match self.task {
            Task::Create | Task::CreateOut => {
                let email = format!("new-{}@x.example", NAMES[n]);
                (Target::NewAutomation(Kind::Person), new(email))
            }
            Task::CreateCompany => {
                let values = vec![(NAME, name)];
                (Target::NewAutomation(Kind::Company), values)
            }
            Task::OptOut => (Target::Existing(known), Vec::new()),
            _ => (Target::Existing(known), vec![(LAST_NAME, name)]),
        };
        let is_out = matches!(self.task, Task::CreateOut | Task::OptOut);
        RowWrite {
            link: LinkId(n as u64),
            target,
            values,
            consent: is_out.then_some(Consent::Out(Reason::Manual)),
            unless_modified_since: (self.task == Task::UpdateIf).then(|| moment(0)),
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
            return Err(format!("{} outcomes for {open:?}", results.len()));
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
                    if !is_there {
                        left.push(*n);
                    }
                    first.get_or_insert(kind);
                }
            }
        }
        *self.open.lock().unwrap() = left;
        Ok(first)
    }

    fn times_there(&self, n: usize) -> usize {
        let brain = self.shared.brain();
        let wanted = format!("new-{}", NAMES[n]);
        if self.task == Task::CreateCompany {
            return brain.companies().named(&wanted).count();
        }
        if self.task == Task::OptOut {
            let AutomationId(id) = self.cast.people[n];
            let contact = brain.contact(ContactId(id as u32)).unwrap();
            return contact.dnc.len();
        }
        let field = brain.fields().by_alias(Subject::Contact, "lastname");
        let position = field.unwrap().position;
        let all = brain.contacts().all();
        all.filter(|contact| {
            contact.values.at(position).to_text().as_ref() == Some(&wanted)
                && (self.task != Task::CreateOut || contact.dnc.len() == 1)
        })
        .count()
    }

    /// Everything is there, and nothing twice.
    pub(super) fn check_end(&self) -> Result<(), String> {
        let writes = matches!(
            self.task,
            Task::Create
                | Task::CreateOut
                | Task::CreateCompany
                | Task::Update
                | Task::UpdateIf
                | Task::OptOut
        );
        let times: BTreeMap<usize, usize> = (0..NAMES.len())
            .filter(|_| writes)
            .map(|n| (n, self.times_there(n)))
            .collect();
        if times.values().all(|times| *times == 1) {
            Ok(())
        } else {
            Err(format!("in the end rows are there so often: {times:?}"))
        }
    }
}

const fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

fn config(task: Task, timeout: Duration, server: &Server) -> Config {
    let client_secret = "secret".into();
    Config {
        base_url: server.url().parse().unwrap(),
        flow: if task == Task::RowsAfterLogin {
            Flow::AuthorizationCode {
                client_id: "2_random".to_owned(),
                client_secret,
            }
        } else {
            Flow::ClientCredentials {
                client_id: "1_random".to_owned(),
                client_secret,
            }
        },
        limits: Limits {
            read_timeout: timeout,
            write_timeout: timeout,
            body_bytes_max: 1 << 20,
        },
    }
}

fn populate(brain: &mut Automation) -> Cast {
    let at = clock::Timestamp::from_seconds(START);
    let caller = brain.caller_for_client(1).unwrap();
    let mut make = |name: &str| {
        let input = ContactInput::default()
            .with("email", format!("{name}@x.example"))
            .with("lastname", name);
        brain.create_contact(at, caller, &input).unwrap().id
    };
    let people = NAMES.map(&mut make);
    let (merged, deleted) = (make("merged"), make("deleted"));
    let mail = brain.add_email("News", "May");
    for id in &people[1..] {
        brain.send(at, mail, *id).unwrap();
    }
    for reason in [3, 0] {
        let input = DncInput {
            reason,
            ..DncInput::default()
        };
        brain.user_sets_dnc(at, UserId(1), people[0], &input);
    }
    brain.merge(at, caller.by, merged, people[0]);
    // The survivor shows the newer name otherwise.
    let name = ContactInput::default().with("lastname", NAMES[0]);
    let name = name.with("email", format!("{}@x.example", NAMES[0]));
    brain.user_edits(at, UserId(1), people[0], &name).unwrap();
    brain.user_deletes(at, UserId(1), deleted).unwrap();
    let firm = CompanyInput::named("firm");
    brain.create_company_row(at, caller, &firm).unwrap();
    let id = |ContactId(id)| AutomationId(u64::from(id));
    Cast {
        people: people.map(id).to_vec(),
        merged: id(merged),
        deleted: id(deleted),
    }
}

fn read<T>(answered: Result<Answered<T>, PortError>, is_right: impl Fn(&T) -> bool) -> Attempt {
    match answered {
        Ok(answered) if is_right(&answered.value) => Ok(None),
        Ok(_) => Err("something is missing from the answer".to_owned()),
        Err(error) => failed(&error),
    }
}

fn failed(error: &PortError) -> Attempt {
    match &error.failure.kind {
        FailureKind::Unknown => Err("a read cannot be in doubt".to_owned()),
        FailureKind::Gone => Err("nobody is gone".to_owned()),
        kind => Ok(Some(kind.clone())),
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
