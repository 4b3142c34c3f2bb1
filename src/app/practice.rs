//! The simulators as a company to practise on: served on loopback, with the instance file that
//! reaches them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::adapters::automation::hook::TRIGGERS;
use crate::app::args::{Faults, Traffic};
use crate::app::error::AppError;
use crate::domain::time::{Span, Timestamp};
use crate::ports::Clock;
use crate::sim::automation::author::AuthorId;
use crate::sim::automation::hook::Trigger;
use crate::sim::automation::http as automation_http;
use crate::sim::automation::settle::NewHook;
use crate::sim::clock::Timestamp as SimTime;
use crate::sim::faults::{self, FaultGate, FaultPlan, Pauses};
use crate::sim::http::Server;
use crate::sim::salesforce::http::{self as salesforce_http, Site};
use crate::sim::world::traffic::{self, Act, Pace};
use crate::sim::world::wrong::{Fault, WrongSetup};
use crate::sim::world::{
    self, AUTOMATION_KEY, AUTOMATION_SECRET, MAPPING, SALESFORCE_KEY, SALESFORCE_SECRET, World,
};

/// Calls in a thousand that go wrong.
const SOME_FAULTS: f64 = 0.002;
const STORM_FAULTS: f64 = 0.01;

/// What to serve, and how well it behaves.
#[derive(Debug, Clone, Copy)]
pub struct Practice {
    pub seed: u64,
    pub people: u32,
    pub salesforce: SocketAddr,
    pub automation: SocketAddr,
    pub latency: Duration,
    pub faults: Faults,
}

/// Signs the simulated webhooks. It opens nothing else.
const WEBHOOK_SECRET: &str = "practice-webhook-secret";

/// Short beside the pace of people, so that what they do looks spread over time.
const TICK: Span = Span::seconds(1);

/// Both simulators, serving until this is dropped.
pub struct Serving {
    pub site: Arc<Site>,
    pub automation: automation_http::Shared,
    salesforce_server: Server,
    automation_server: Server,
    life: Option<Life>,
}

/// What goes on without being asked; dropping it ends it.
struct Life(tokio::task::JoinHandle<()>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Practice {
    /// Fills a world and serves it.
    pub fn serve(self, clock: Arc<dyn Clock>) -> Result<Serving, AppError> {
        let now = clock.now();
        let world = World::new(self.seed, self.people, sim_time(now));
        let sim_clock: crate::sim::clock::Clock = Arc::new(move || sim_time(clock.now()));
        let site = Site::new(world.salesforce, Arc::clone(&sim_clock))
            .with_faults(self.plan(self.seed), Pauses::default());
        site.set_latency(self.latency);
        let site = Arc::new(site);
        let listener = TcpListener::bind(self.salesforce)?;
        let salesforce_server = salesforce_http::start(Arc::clone(&site), listener)?;
        let automation = automation_http::Shared::new(world.automation, sim_clock);
        automation.set_latency_ms(self.latency.as_millis() as u64);
        let dialect = automation_http::dialect();
        let gate = FaultGate::new(self.plan(self.seed + 1), dialect, Pauses::default());
        let automation_server = automation_http::serve(&automation, self.automation, |router| {
            faults::layer(router, gate)
        })?;
        let address = automation_server.url();
        site.with_brain(|org| world::address_sites(org, &address));
        Ok(Serving {
            site,
            automation,
            salesforce_server,
            automation_server,
            life: None,
        })
    }

    fn plan(self, seed: u64) -> FaultPlan {
        match self.faults {
            Faults::None => FaultPlan::calm(seed),
            Faults::Some => FaultPlan::storm(seed, SOME_FAULTS),
            Faults::Storm => FaultPlan::storm(seed, STORM_FAULTS),
        }
    }
}

impl Serving {
    /// Of Salesforce and of Automation.
    pub fn addresses(&self) -> [String; 2] {
        [self.salesforce_server.url(), self.automation_server.url()]
    }

    /// Puts faults into the set-up of both systems.
    pub fn spoil(&self, faults: &[Fault]) {
        let now = self.site.now();
        for fault in faults {
            self.site.with_brain(|org| {
                WrongSetup::one(*fault, org, &mut self.automation.brain(), now);
            });
        }
    }

    /// From now on webhooks are posted, and people work in both systems: the same ones for the same
    /// seed.
    pub fn live_on(&mut self, traffic: Traffic, seed: u64, clock: Arc<dyn Clock>) {
        let pace = match traffic {
            Traffic::None => None,
            Traffic::Calm => Some(Pace::Calm),
            Traffic::Busy => Some(Pace::Busy),
        };
        let start = sim_time(clock.now());
        let mut traffic = pace.map(|pace| traffic::Traffic::new(seed, pace, start));
        let (site, automation) = (Arc::clone(&self.site), self.automation.clone());
        let client = automation_http::poster();
        self.life = Some(Life(tokio::spawn(async move {
            loop {
                clock.sleep(TICK).await;
                let due = traffic
                    .as_mut()
                    .map(|traffic| traffic.due(sim_time(clock.now())));
                for act in due.unwrap_or_default() {
                    perform(&site, &automation, &act);
                }
                if let Ok(client) = &client {
                    automation_http::post_waiting(&automation, client).await;
                }
            }
        })));
    }

    /// Where the simulated Salesforce is.
    pub fn site_url(&self) -> String {
        self.salesforce_server.url()
    }

    /// The instance file that reaches this company, with its data in that folder. The secrets in it
    /// open nothing but the simulators.
    pub fn instance_file(&self, data: &Path, secrets: &Path) -> String {
        let toml = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| toml(&path.display().to_string());
        format!(
            "# Practice: two simulated systems on this machine, an invented company.\n\
             [instance]\nname = \"practice\"\ndata = {data}\n\n\
             [salesforce]\nlogin_url = {salesforce}\nflow = \"client_credentials\"\n\
             client_id = {sf_key}\nclient_secret = {{ file = {sf_secret} }}\n\n\
             [automation]\nbase_url = {automation}\nflow = \"client_credentials\"\n\
             client_id = {au_key}\nclient_secret = {{ file = {au_secret} }}\n\n\
             [plugin]\nactivity_types = [\"page.hit\", \"email.sent\", \"email.read\", \
             \"form.submitted\", \"point.gained\"]\n\n{MAPPING}",
            data = path(data),
            salesforce = toml(&self.salesforce_server.url()),
            sf_key = toml(SALESFORCE_KEY),
            sf_secret = path(&secrets.join("salesforce.secret")),
            automation = toml(&self.automation_server.url()),
            au_key = toml(AUTOMATION_KEY),
            au_secret = path(&secrets.join("automation.secret")),
        )
    }

    /// Has Automation post to a free port of this machine, and the instance of that file receive it.
    pub fn add_webhook(&self, file: &Path, folder: &Path) -> Result<(), AppError> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let secret = folder.join("webhook.secret");
        std::fs::write(&secret, WEBHOOK_SECRET)?;
        let path = toml::Value::String(secret.display().to_string()).to_string();
        let section = format!(
            "\n[webhook]\nlisten = \"{address}\"\npath = \"/automation\"\n\
             secret = {{ file = {path} }}\n"
        );
        let text = std::fs::read_to_string(file)?;
        std::fs::write(file, format!("{text}{section}"))?;
        let triggers = TRIGGERS.iter().filter_map(|name| Trigger::named(name));
        let hook = NewHook {
            name: "passerelle practice".to_owned(),
            url: format!("http://{address}/automation"),
            secret: Some(WEBHOOK_SECRET.to_owned()),
            triggers: triggers.collect(),
            ..NewHook::default()
        };
        let now = self.automation.now();
        self.automation
            .brain()
            .add_hook(now, AuthorId::SYSTEM, hook);
        Ok(())
    }

    /// Writes the instance file and the secrets it names into a folder; answers the file's path.
    pub fn write_instance(&self, folder: &Path) -> Result<std::path::PathBuf, AppError> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("salesforce.secret"), SALESFORCE_SECRET)?;
        std::fs::write(folder.join("automation.secret"), AUTOMATION_SECRET)?;
        let file = folder.join("instance.toml");
        std::fs::write(&file, self.instance_file(&folder.join("data"), folder))?;
        Ok(file)
    }
}

/// Whatever becomes of it, as in life: the world's tests say that both systems accept what people do.
fn perform(site: &Site, automation: &automation_http::Shared, act: &Act) {
    let now = site.now();
    let outcome = site.with_brain(|org| traffic::perform(org, &mut automation.brain(), now, act));
    tracing::debug!(?act.deed, ?outcome, "people at work");
}

const fn sim_time(now: Timestamp) -> SimTime {
    SimTime::from_millis(now.0)
}
