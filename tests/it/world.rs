//! Small worlds made by hand: both simulators on loopback, the real clients, engine and pool, and a
//! clock that a test may set. Waits of the program take a millisecond and pass in full.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use passerelle::adapters::{Limits, SystemClock, automation, salesforce};
use passerelle::app::config;
use passerelle::app::policy;
use passerelle::domain::command::{Command, Fact, Instruction, Scope, Told};
use passerelle::domain::drift::Descriptions;
use passerelle::domain::ids::Side;
use passerelle::domain::link::{Link, Mark};
use passerelle::domain::mapping::Policy;
use passerelle::domain::record::{LinkPage, Listing};
use passerelle::domain::setup::Timetable;
use passerelle::domain::snapshot::Snapshot;
use passerelle::domain::time::{Span, Timestamp};
use passerelle::engine::{Brake, Engine, Settings, Writes};
use passerelle::pool::{Outside, Pool};
use passerelle::ports::{Clock, Store};
use passerelle::sim;
use passerelle::sim::automation::Automation;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::{ContactInput, DncInput};
use passerelle::sim::automation::field::{self, Choice, NewField, Subject};
use passerelle::sim::automation::http::Shared;
use passerelle::sim::automation::user::{NewUser, UserId};
use passerelle::sim::faults::{CallMatcher, FaultGate, FaultKind, FaultPlan, Pauses};
use passerelle::sim::http::Server;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::http::Site;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::oauth::App;
use passerelle::sim::salesforce::schema::{
    CONTACT, FieldAccess, FieldDef, FieldType, LEAD, ObjectIndex,
};
use passerelle::sim::salesforce::value::{OwnedValue, Value as Cell};
use passerelle::sim::salesforce::{Call, OrgConfig, Salesforce};
use passerelle::store::memory::MemoryStore;

use crate::adapters::MemoryVault;

/// 2026-03-04T09:15:02Z
const START: i64 = 1_772_615_702;

/// A cycle after this many would be going in circles.
const CYCLES_MAX: u32 = 10;

const INSTANCE: &str = r#"
[instance]
name = "test"
data = "/nowhere"
[salesforce]
login_url = "http://127.0.0.1"
flow = "client_credentials"
client_id = "app"
client_secret = { env = "SECRET" }
[automation]
base_url = "http://127.0.0.1"
flow = "client_credentials"
client_id = "1_random"
client_secret = { env = "SECRET" }
"#;

pub(crate) const PLUGIN: &str = r#"
[plugin]
sync_owners = false
create_accounts = true
activity_types = ["page.hit", "point.gained"]
"#;

/// Every kind of field, most of them ↔ so that a test shows which way a value went.
pub(crate) const MAPPING: &str = r#"
[mapping]
person = [
  { salesforce = "Email", automation = "email", arrow = "both" },
  { salesforce = "FirstName", automation = "firstname", arrow = "both" },
  { salesforce = "LastName", automation = "lastname", arrow = "both" },
  { salesforce = "Company", objects = ["Lead"], automation = "lead_company", arrow = "both" },
  { salesforce = "AccountId", objects = ["Contact"], automation = "company", arrow = "both" },
  { salesforce = "Phone", automation = "phone", arrow = "both", clear = true },
  { salesforce = "Title", automation = "position", arrow = "both" },
  { salesforce = "Description", automation = "crm_note", arrow = "both" },
  { salesforce = "Loyalty__c", automation = "loyalty", arrow = "both" },
  { salesforce = "Vip__c", automation = "vip", arrow = "both" },
  { salesforce = "Interests__c", automation = "interests", arrow = "both" },
  { salesforce = "HasOptedOutOfEmail", automation = "@do_not_contact_email", arrow = "both" },
  { salesforce = "IsDeleted", automation = "crm_deleted", arrow = "salesforce" },
]
company = [
  { salesforce = "Name", automation = "companyname", arrow = "both" },
]
"#;

/// A clock whose waits take a millisecond, and then have passed in full.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        if span >= Span::hours(1) {
            // Nothing is due: whoever waits like this waits for something else.
            return Box::pin(std::future::pending());
        }
        let (moment, until) = (Arc::clone(&self.0), self.now() + span);
        Box::pin(async move {
            SystemClock.sleep(Span(1)).await;
            moment.fetch_max(until.0, Ordering::SeqCst);
        })
    }
}

/// Both systems, and a passerelle between them.
pub(crate) struct World {
    pub(crate) site: Arc<Site>,
    pub(crate) shared: Shared,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) policy: Policy,
    pub(crate) brake: Brake,
    pub(crate) writes: Writes,
    pub(crate) daily_share: f64,
    /// The engine asks both systems what they are, instead of being told.
    pub(crate) asks: bool,
    /// How old what it is told is.
    pub(crate) told_ago: Span,
    hand: Hand,
    outside: Outside,
    described: Descriptions,
    servers: (Server, Server),
}

/// What a run until idle did.
pub(crate) struct Done {
    pub(crate) snapshot: Snapshot,
    pub(crate) cycles: u32,
    /// Calls that the organisation itself counted.
    pub(crate) metered: u64,
    pub(crate) facts: Vec<Fact>,
}

impl Done {
    pub(crate) fn written(&self, side: Side) -> u64 {
        self.snapshot.totals.written.sum(side)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.snapshot.totals.calls.sum(Side::Salesforce)
    }

    /// The side was left alone for a while, by its own wish or ours.
    pub(crate) fn waited_for(&self, side: Side) -> bool {
        let waits = |fact: &Fact| matches!(fact, Fact::SideWaits { side: of, .. } if *of == side);
        self.facts.iter().any(waits)
    }

    /// Nothing was written on either side.
    #[track_caller]
    pub(crate) fn wrote_nothing(&self) {
        let written = &self.snapshot.totals.written;
        assert_eq!(written, &passerelle::domain::command::BySide::default());
        assert_eq!(self.snapshot.stopped, std::collections::BTreeMap::new());
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(OrgConfig::default(), MAPPING).await
    }

    pub(crate) async fn with(org: OrgConfig, mapping: &str) -> Self {
        let systems = (organisation(org), instance(), "1_random");
        Self::of(systems, PLUGIN, mapping).await
    }

    /// The practice company, with the rules of its own instance file, and accounts only by leave.
    pub(crate) async fn practice(seed: u64, people: u32) -> Self {
        let now = sim::clock::Timestamp::from_seconds(START);
        let sim::world::World {
            mut salesforce,
            mut automation,
        } = sim::world::World::new(seed, people, now);
        let mut app = App::new("app", "secret");
        app.run_as = Some(salesforce.integration_user());
        salesforce.add_app(app);
        automation.add_client("Sync", "random", "secret", UserId(1));
        let systems = (salesforce, automation, "2_random");
        Self::of(
            systems,
            "[plugin]\nsync_owners = true\n",
            sim::world::MAPPING,
        )
        .await
    }

    async fn of(
        (org, instance, client): (Salesforce, Automation, &str),
        plugin: &str,
        mapping: &str,
    ) -> Self {
        let hand = Hand(Arc::new(AtomicI64::new(START * 1_000)));
        let reading = hand.clone();
        let clock: sim::clock::Clock =
            Arc::new(move || sim::clock::Timestamp::from_millis(reading.now().0));
        let site = Arc::new(
            Site::new(org, Arc::clone(&clock)).with_faults(FaultPlan::calm(1), Pauses::default()),
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let salesforce_server = sim::salesforce::http::start(Arc::clone(&site), listener).unwrap();
        let shared = Shared::new(instance, clock);
        let dialect = sim::automation::http::dialect();
        let automation_gate = FaultGate::new(FaultPlan::calm(2), dialect, Pauses::default());
        let any = "127.0.0.1:0".parse().unwrap();
        let automation_server = sim::automation::http::serve(&shared, any, |router| {
            sim::faults::layer(router, Arc::clone(&automation_gate))
        })
        .unwrap();
        let store = Arc::new(MemoryStore::default());
        let servers = (salesforce_server, automation_server);
        let outside = outside(&hand, &servers, &store, client);
        let (policy, described) = rules(&outside, plugin, mapping, &servers.1.url()).await;
        Self {
            site,
            shared,
            store,
            policy,
            brake: Brake::Released,
            writes: Writes::Send,
            asks: false,
            told_ago: Span(0),
            daily_share: 0.5,
            hand,
            outside,
            described,
            servers,
        }
    }

    /// Describes both systems again and works the rules out anew, as the program does at its first start.
    pub(crate) async fn set_up(&mut self, plugin: &str, mapping: &str) {
        let url = self.servers.1.url();
        (self.policy, self.described) = rules(&self.outside, plugin, mapping, &url).await;
    }

    /// Both systems and the store, for whoever reads beside the sync.
    pub(crate) const fn outside(&self) -> &Outside {
        &self.outside
    }

    pub(crate) fn pass(&self, span: Span) {
        self.hand.0.fetch_add(span.0, Ordering::SeqCst);
    }

    /// The same in the product's own time.
    pub(crate) fn moment(&self) -> Timestamp {
        self.hand.now()
    }

    pub(crate) fn now(&self) -> sim::clock::Timestamp {
        self.site.now()
    }

    /// Starts as a new process would, and runs cycles until one writes nothing. Then a minute passes.
    pub(crate) async fn drive(&self) -> Done {
        self.go(Command::RunCycle(Scope::ALL), CYCLES_MAX).await
    }

    /// The links that wait for a person.
    pub(crate) async fn conflicts(&self) -> Vec<Link> {
        let held = LinkPage {
            listing: Listing::Marked(Mark::Conflict),
            after: None,
            size_max: 10,
        };
        self.store.links(held).await.unwrap()
    }

    /// What an operator asks, and the cycle that follows it.
    pub(crate) async fn instruct(&self, command: Command) -> Done {
        self.go(command, 1).await
    }

    /// Several commands at once, and the cycle that follows them.
    pub(crate) async fn instruct_all(&self, commands: Vec<Command>) -> Done {
        self.in_turn(vec![commands]).await
    }

    /// One command after the other in one process, each after the cycle of the one before and a minute
    /// more.
    pub(crate) async fn instruct_each(&self, commands: Vec<Command>) -> Done {
        let turns = commands.into_iter().map(|command| vec![command]);
        self.in_turn(turns.collect()).await
    }

    async fn in_turn(&self, turns: Vec<Vec<Command>>) -> Done {
        let before = self.metered();
        let engine = self.engine().await;
        let pool = Pool::spawn(engine, self.outside.clone());
        let mut facts = pool.facts();
        let mut told = Vec::new();
        let mut cycles = 0;
        for commands in turns {
            for command in commands {
                let instruction = Instruction::ourselves(command);
                pool.commands.send(instruction).await.unwrap();
            }
            let mut has_begun = false;
            while let Ok(Told { fact, .. }) = facts.recv().await {
                has_begun |= fact == Fact::CycleStarted;
                let is_end = fact == Fact::CycleEnded && has_begun;
                told.push(fact);
                if is_end {
                    break;
                }
            }
            cycles += 1;
            self.pass(Span::minutes(1));
        }
        pool.stop();
        let snapshot = pool.ended().await.unwrap();
        Done {
            snapshot,
            cycles,
            metered: self.metered() - before,
            facts: told,
        }
    }

    /// A second command comes as soon as the first one's cycle begins: until two cycles have ended.
    pub(crate) async fn instruct_twice(&self, first: Command, second: Command) -> Vec<Fact> {
        let pool = Pool::spawn(self.engine().await, self.outside.clone());
        let mut facts = pool.facts();
        pool.commands
            .send(Instruction::ourselves(first))
            .await
            .unwrap();
        let mut second = Some(second);
        let mut told = Vec::new();
        let ended = |told: &[Fact]| told.iter().filter(|f| **f == Fact::CycleEnded).count();
        while ended(&told) < 2
            && let Ok(Told { fact, .. }) = facts.recv().await
        {
            if fact == Fact::CycleStarted
                && let Some(command) = second.take()
            {
                pool.commands
                    .send(Instruction::ourselves(command))
                    .await
                    .unwrap();
            }
            told.push(fact);
        }
        pool.stop();
        pool.ended().await.unwrap();
        told
    }

    /// What an operator asks where no cycle follows: until it is taken in or refused.
    pub(crate) async fn order(&self, command: Command) -> Done {
        let is_end = |fact: &Fact| {
            matches!(
                fact,
                Fact::Accepted(_) | Fact::AcceptedInPart { .. } | Fact::Refused(_)
            )
        };
        self.go_until(command, 1, is_end).await
    }

    /// One cycle only.
    pub(crate) async fn cycle(&self, scope: Scope) -> Done {
        self.go(Command::RunCycle(scope), 1).await
    }

    async fn go(&self, first: Command, cycles_max: u32) -> Done {
        self.go_until(first, cycles_max, |fact| *fact == Fact::CycleEnded)
            .await
    }

    async fn go_until(
        &self,
        first: Command,
        cycles_max: u32,
        ends: impl Fn(&Fact) -> bool,
    ) -> Done {
        let before = self.metered();
        let pool = Pool::spawn(self.engine().await, self.outside.clone());
        let mut facts = pool.facts();
        let mut written = passerelle::domain::command::BySide::default();
        let mut cycles = 0;
        let mut told = Vec::new();
        pool.commands
            .send(Instruction::ourselves(first))
            .await
            .unwrap();
        while let Ok(Told { fact, .. }) = facts.recv().await {
            let is_end = ends(&fact);
            told.push(fact);
            if !is_end {
                continue;
            }
            cycles += 1;
            let totals = pool.snapshots.borrow().totals.written.clone();
            if totals == written || cycles == cycles_max {
                break;
            }
            written = totals;
            let again = Instruction::ourselves(Command::RunCycle(Scope::ALL));
            pool.commands.send(again).await.unwrap();
        }
        pool.stop();
        let snapshot = pool.ended().await.unwrap();
        assert!(cycles < CYCLES_MAX, "going in circles: {snapshot:#?}");
        let metered = self.metered() - before;
        self.pass(Span::minutes(1));
        Done {
            snapshot,
            cycles,
            metered,
            facts: told,
        }
    }

    async fn engine(&self) -> Engine {
        let recovered = self.store.recover().await.unwrap();
        let known = recovered.policy.as_ref().map(|known| &known.policy);
        let settings = Settings {
            policy: Arc::new(known.unwrap_or(&self.policy).clone()),
            timetable: Timetable {
                overlap: Span::minutes(20),
                ..Timetable::default()
            },
            daily_share: self.daily_share,
            writes: self.writes,
            brake: self.brake,
            chunk_size_max: 400,
        };
        let mut engine = Engine::new(settings, recovered);
        if !self.asks {
            engine.take_descriptions(&Descriptions {
                at: self.outside.clock.now() - self.told_ago,
                ..self.described.clone()
            });
        }
        engine
    }

    /// Both systems as they described themselves when the world began.
    pub(crate) const fn described(&self) -> &Descriptions {
        &self.described
    }

    pub(crate) fn metered(&self) -> u64 {
        self.site.with_brain(|brain| brain.calls().values().sum())
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        self.store.kept().links.values().cloned().collect()
    }

    /// The link of the person with that record in Automation.
    pub(crate) fn link_of(&self, id: ContactId) -> Link {
        let of = |link: &Link| link.automation.as_ref().map(|end| end.id.0);
        let mut links = self.links().into_iter();
        links
            .find(|link| of(link) == Some(u64::from(id.0)))
            .expect("a link")
    }
}

/// What people do in Salesforce.
impl World {
    pub(crate) fn seeds(&self, object: ObjectIndex, fields: &[(&str, OwnedValue)]) -> RecordId {
        let now = self.now();
        self.site.with_brain(|brain| {
            let user = brain.integration_user();
            brain.seed(object, fields, user, now)
        })
    }

    /// A person who was always there.
    pub(crate) fn record(&self, object: ObjectIndex, name: &str) -> RecordId {
        let mut fields = vec![
            ("LastName", Cell::text(name)),
            ("Email", Cell::text(format!("{name}@x.example"))),
        ];
        if object == LEAD {
            fields.push(("Company", Cell::text("Orion SARL")));
        }
        self.seeds(object, &fields)
    }

    pub(crate) fn clerk<T>(&self, act: impl FnOnce(&mut Salesforce, &Call) -> T) -> T {
        let now = self.now();
        self.site.with_brain(|brain| {
            let call = Call::person(now, brain.integration_user());
            act(brain, &call)
        })
    }

    /// Field-level security of the sync's user.
    pub(crate) fn sees(&self, object: ObjectIndex, field: &str, is_visible: bool) {
        let access = if is_visible {
            FieldAccess::Full
        } else {
            FieldAccess::Hidden
        };
        self.grants(object, field, access);
    }

    pub(crate) fn grants(&self, object: ObjectIndex, field: &str, access: FieldAccess) {
        let now = self.now();
        self.site
            .with_brain(|brain| assert!(brain.grant(object, field, access, now)));
    }

    pub(crate) fn edits(&self, id: RecordId, field: &str, value: Input) {
        let fields = vec![(field.to_owned(), value)];
        self.clerk(|brain, call| brain.update(call, id, &fields).unwrap());
    }

    pub(crate) fn cell(&self, id: RecordId, field: &str) -> OwnedValue {
        self.site
            .with_brain(|brain| brain.value(id, field).into_owned())
    }

    pub(crate) fn text(&self, id: RecordId, field: &str) -> String {
        self.cell(id, field).as_text().unwrap_or("").to_owned()
    }

    pub(crate) fn flag(&self, id: RecordId, field: &str) -> bool {
        self.cell(id, field).as_bool().unwrap_or(false)
    }

    /// Live records of an object.
    pub(crate) fn records(&self, object: ObjectIndex) -> Vec<RecordId> {
        self.site.with_brain(|brain| {
            let live = brain
                .records(object)
                .filter(|(_, record)| !record.is_deleted);
            live.map(|(id, _)| id).collect()
        })
    }

    /// `ReferenceId__c` of every row of the timeline, sorted.
    pub(crate) fn references(&self) -> Vec<String> {
        self.site.with_brain(|brain| {
            let object = brain.find_object(
                &Call::new(self.site_now(), brain.integration_user()),
                "mautic_timeline__c",
            );
            let object = object.unwrap();
            let ids: Vec<RecordId> = brain.records(object).map(|(id, _)| id).collect();
            let mut references: Vec<String> = ids
                .into_iter()
                .filter_map(|id| {
                    let reference = brain.value(id, "ReferenceId__c");
                    reference.as_text().map(str::to_owned)
                })
                .collect();
            references.sort();
            references
        })
    }

    fn site_now(&self) -> sim::clock::Timestamp {
        self.shared.now()
    }

    pub(crate) fn salesforce_fails(&self, call: CallMatcher, kind: FaultKind, times: u32) {
        self.site.gate.with_plan(|plan| {
            plan.script_times(call, kind, times);
        });
    }
}

/// What people do in Automation.
impl World {
    /// A contact that was always there.
    pub(crate) fn salesforce_recovers(&self) {
        self.site
            .gate
            .with_plan(passerelle::sim::faults::FaultPlan::heal);
    }

    pub(crate) fn contact(&self, name: &str) -> ContactId {
        self.contact_with(input(name))
    }

    pub(crate) fn contact_with(&self, input: ContactInput) -> ContactId {
        let now = self.now();
        let mut brain = self.shared.brain();
        let caller = brain.caller_for_user(UserId(1)).unwrap();
        brain.seed(now, caller, &[input])[0]
    }

    pub(crate) fn user_edits(&self, id: ContactId, input: ContactInput) {
        let now = self.now();
        let mut brain = self.shared.brain();
        brain.user_edits(now, UserId(1), id, &input).unwrap();
    }

    pub(crate) fn field(&self, id: ContactId, alias: &str) -> String {
        let brain = self.shared.brain();
        let field = brain.fields().by_alias(Subject::Contact, alias).unwrap();
        let contact = brain.contact(id).unwrap();
        contact
            .values
            .at(field.position)
            .to_text()
            .unwrap_or_default()
    }

    pub(crate) fn contacts(&self) -> Vec<ContactId> {
        let brain = self.shared.brain();
        brain.contacts().all().map(|contact| contact.id).collect()
    }

    pub(crate) fn by_email(&self, email: &str) -> ContactId {
        let found = self
            .contacts()
            .into_iter()
            .find(|id| self.field(*id, "email") == email);
        found.unwrap_or_else(|| panic!("nobody has the address {email}"))
    }

    pub(crate) fn deletes(&self, id: ContactId) {
        let now = self.now();
        assert!(
            self.shared
                .brain()
                .user_deletes(now, UserId(1), id)
                .is_some()
        );
    }

    pub(crate) fn merges(&self, loser: ContactId, winner: ContactId) {
        let now = self.now();
        let mut brain = self.shared.brain();
        let caller = brain.caller_for_user(UserId(1)).unwrap();
        brain.merge(now, caller.by, loser, winner);
    }

    /// Points, one action after the other.
    pub(crate) fn earns(&self, id: ContactId, actions: u32) {
        let now = self.now();
        let mut brain = self.shared.brain();
        for _ in 0..actions {
            brain.earn(now, id, "Visit", "Page visit", 5);
        }
    }

    /// A new user with the rights of an administrator.
    pub(crate) fn hires_in_automation(&self, name: &str, email: &str) -> UserId {
        let now = self.now();
        let mut brain = self.shared.brain();
        let role = brain.users().by_id(UserId(1)).unwrap().role;
        brain.add_user(
            now,
            &NewUser {
                username: name,
                first_name: name,
                last_name: "Seller",
                email,
                password: "secret",
                role,
            },
        )
    }

    pub(crate) fn owner(&self, id: ContactId) -> Option<UserId> {
        self.shared.brain().contact(id).unwrap().owner
    }

    /// A user puts the contact on the do-not-contact list.
    pub(crate) fn opts_out(&self, id: ContactId) {
        let now = self.now();
        let mut brain = self.shared.brain();
        assert!(brain.user_sets_dnc(now, UserId(1), id, &DncInput::default()));
    }

    /// Why the contact must not be mailed, if so.
    pub(crate) fn dnc(&self, id: ContactId) -> Option<i64> {
        let brain = self.shared.brain();
        let contact = brain.contact(id).unwrap();
        contact.dnc_on("email").map(|dnc| dnc.reason.code())
    }
}

/// Leads in agreement on both sides.
pub(crate) async fn agreed(size: usize) -> (World, Vec<RecordId>) {
    let world = World::new().await;
    let leads = (0..size)
        .map(|number| {
            world.contact(&format!("p{number}"));
            world.record(LEAD, &format!("p{number}"))
        })
        .collect();
    world.drive().await;
    world.drive().await.wrote_nothing();
    (world, leads)
}

pub(crate) fn input(name: &str) -> ContactInput {
    ContactInput::default()
        .with("email", format!("{name}@x.example"))
        .with("lastname", name)
}

pub(crate) fn owned_by(user: UserId) -> ContactInput {
    let owner = passerelle::sim::automation::value::Input::Number(f64::from(user.0));
    ContactInput {
        owner: Some(owner),
        ..ContactInput::default()
    }
}

fn organisation(config: OrgConfig) -> Salesforce {
    let mut brain = Salesforce::new(config);
    let at = sim::clock::Timestamp::from_seconds(START - 86_400);
    let mut app = App::new("app", "secret");
    app.run_as = Some(brain.integration_user());
    brain.add_app(app);
    for object in [LEAD, CONTACT] {
        let interests = FieldDef::new("Interests__c", "Interests", FieldType::MultiPicklist);
        for field in [
            FieldDef::number("Loyalty__c", "Loyalty", 6, 2),
            FieldDef::new("Vip__c", "VIP", FieldType::Boolean),
            interests.with_values(&["Salon", "Webinar"]),
        ] {
            brain.add_field(object, field, at);
        }
        brain.track_history(object, "HasOptedOutOfEmail", true);
    }
    brain
}

fn instance() -> Automation {
    let mut brain = Automation::new(7);
    brain.add_client("Sync", "random", "secret", UserId(1));
    let at = sim::clock::Timestamp::from_seconds(START - 86_400);
    let choice = |value: &str| Choice {
        label: value.to_owned(),
        value: value.to_owned(),
    };
    let yes_no = || field::Kind::Boolean {
        no: "No".to_owned(),
        yes: "Yes".to_owned(),
    };
    let interests = field::Kind::Multiselect(vec![choice("Salon"), choice("Webinar")]);
    for field in [
        NewField::contact("crm_deleted", "Deleted", yes_no()),
        NewField::contact("lead_company", "Employer", field::Kind::Text),
        NewField::contact("crm_note", "Note", field::Kind::Textarea),
        NewField::contact("loyalty", "Loyalty", field::Kind::Number(Some(2))),
        NewField::contact("vip", "VIP", yes_no()),
        NewField::contact("interests", "Interests", interests),
    ] {
        let field = NewField {
            length_limit: Some(191),
            ..field
        };
        assert!(brain.add_field(at, field).is_some());
    }
    brain
}

fn outside(
    hand: &Hand,
    servers: &(Server, Server),
    store: &Arc<MemoryStore>,
    client: &str,
) -> Outside {
    let clock: Arc<dyn Clock> = Arc::new(hand.clone());
    let vault = Arc::new(MemoryVault::default());
    let limits = Limits {
        read_timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    let config = salesforce::Config {
        login_url: servers.0.url().parse().unwrap(),
        client_id: "app".to_owned(),
        flow: salesforce::Flow::ClientCredentials {
            client_secret: "secret".into(),
        },
        api_version: salesforce::ApiVersion::Auto,
        limits,
    };
    let salesforce =
        salesforce::SalesforceClient::new(config, Arc::clone(&clock), Arc::clone(&vault) as _);
    let config = automation::Config {
        base_url: servers.1.url().parse().unwrap(),
        flow: automation::Flow::ClientCredentials {
            client_id: client.into(),
            client_secret: "secret".into(),
        },
        limits,
    };
    let automation = automation::AutomationClient::new(config, Arc::clone(&clock), vault);
    Outside {
        salesforce: Arc::new(salesforce.unwrap()),
        automation: Arc::new(automation.unwrap()),
        store: Arc::<MemoryStore>::clone(store),
        clock,
    }
}

/// The rules of the mapping, worked out as the program does at its first start.
async fn rules(
    outside: &Outside,
    plugin: &str,
    mapping: &str,
    url: &str,
) -> (Policy, Descriptions) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("instance.toml");
    private(&file, &format!("{INSTANCE}{plugin}{mapping}"));
    let env = [("SECRET".to_owned(), "secret".to_owned())].into();
    let plugin = config::load(&file, &env).unwrap().plugin;
    let asked = Arc::new(crate::adapters::policy());
    let salesforce = outside.salesforce.describe(Arc::clone(&asked)).await;
    let automation = outside.automation.describe(asked).await;
    let (salesforce, automation) = (salesforce.unwrap().value, automation.unwrap().value);
    let described = Descriptions {
        at: Timestamp::ZERO,
        salesforce,
        automation,
    };
    let policy = policy::build(&plugin, &described, url).unwrap();
    (policy, described)
}

/// Writes a file that nobody else may read.
pub(crate) fn private(file: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Tests that take minutes run only when asked for: `PASSERELLE_SLOW=1 cargo test`.
pub(crate) fn runs_slow_tests() -> bool {
    let asked = std::env::var_os("PASSERELLE_SLOW").is_some();
    if !asked {
        println!("LEFT OUT: set PASSERELLE_SLOW=1 to run this");
    }
    asked
}
