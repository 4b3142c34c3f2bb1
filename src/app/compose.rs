//! Builds, in order: the store, the clients, the rules, the engine. Nothing runs yet after this.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::adapters::{SystemClock, automation, salesforce};
use crate::app::config::{self, AutomationFlow, Instance, SalesforceFlow};
use crate::app::error::AppError;
use crate::app::house::Served;
use crate::app::log::Log;
use crate::app::policy;
use crate::domain::drift::Descriptions;
use crate::domain::failure::FailureKind;
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::record::{Batch, Binding, Change, PolicyVersion, Recovered};
use crate::domain::request::SalesforceDescription;
use crate::domain::setup::{InForce, Timetable};
use crate::domain::time::Span;
use crate::engine::{Brake, Engine, Settings, Writes};
use crate::pool::Outside;
use crate::ports::{Answered, Clock, Hooks, PortError, Store};
use crate::store::SledStore;

/// How often a first connection is tried when it fails in a passing way.
const CONNECT_TRIES_MAX: i64 = 5;

/// Records per transaction with the store: its memory grows with the batch.
const CHUNK_SIZE_MAX: usize = 400;

/// The environment as it was when the program began.
pub type Environment = BTreeMap<String, String>;

/// An instance whose store is open. Enough for every command that only reads.
pub struct Opened {
    pub instance: Instance,
    pub store: Arc<SledStore>,
    pub clock: Arc<dyn Clock>,
    pub recovered: Recovered,
    /// Of the process that has the store.
    pub log: Log,
    /// Opened by the process that serves the instance, for somebody's command.
    pub served: Option<Arc<Served>>,
}

/// An instance whose two systems have answered.
pub struct Connected {
    pub opened: Opened,
    pub outside: Outside,
    /// Automation's webhooks, by the same client.
    pub hooks: Arc<dyn Hooks>,
    pub policy: Arc<Policy>,
    /// As both systems described themselves when they were connected to.
    pub described: Arc<Descriptions>,
}

/// How a run differs from the ordinary one.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub writes: Writes,
    pub brake: Brake,
}

impl Default for Mode {
    fn default() -> Self {
        Self {
            writes: Writes::Send,
            brake: Brake::DEFAULT,
        }
    }
}

/// Opens the store of the instance that a file describes.
pub async fn open(file: &Path, env: &Environment) -> Result<Opened, AppError> {
    open_at(file, env, Arc::new(SystemClock)).await
}

/// The same by another clock.
pub async fn open_at(
    file: &Path,
    env: &Environment,
    clock: Arc<dyn Clock>,
) -> Result<Opened, AppError> {
    let instance = config::load(file, env)?;
    let user = env
        .get("USER")
        .or_else(|| env.get("LOGNAME"))
        .map_or("", String::as_str);
    let holder = format!(
        "process {} of {user}, since {}",
        std::process::id(),
        clock.now()
    );
    let store = Arc::new(SledStore::open_instance(&instance.data, &holder)?);
    let recovered = store.recover().await?;
    Ok(Opened {
        instance,
        store,
        clock,
        recovered,
        log: Log::default(),
        served: None,
    })
}

/// Asks both systems who they are, binds the store to them, and works out the rules if the store
/// has none yet.
pub async fn connect(opened: Opened, file: &Path) -> Result<Connected, AppError> {
    if let Some(served) = opened.served.clone() {
        let ours = &served.house.connected;
        let in_force = served.house.handle.setups.borrow().clone();
        return Ok(Connected {
            opened,
            outside: ours.outside.clone(),
            hooks: Arc::clone(&ours.hooks),
            policy: Arc::clone(&in_force.policy),
            described: Arc::clone(&in_force.described),
        });
    }
    let (clients, hooks) = clients(&opened)?;
    let described = describe_both(&opened, &clients).await?;
    let (salesforce, automation) = (&described.salesforce, &described.automation);
    check_sandbox(&opened.instance, salesforce)?;
    let binding = Binding {
        organisation: salesforce.organisation.clone(),
        is_sandbox: salesforce.is_sandbox,
        automation: automation.instance.clone(),
    };
    opened.store.bind(binding).await?;
    let policy = match &opened.recovered.policy {
        Some(known) => known.policy.clone(),
        None => first_policy(&opened, file, &described).await?,
    };
    Ok(Connected {
        opened,
        outside: clients,
        hooks,
        policy: Arc::new(policy),
        described: Arc::new(described),
    })
}

async fn describe_both(opened: &Opened, clients: &Outside) -> Result<Descriptions, AppError> {
    let asked = match &opened.recovered.policy {
        Some(known) => Arc::new(known.policy.clone()),
        None => Arc::new(bare_policy(opened)),
    };
    let salesforce = describe(Side::Salesforce, &*opened.clock, || {
        clients.salesforce.describe(Arc::clone(&asked))
    })
    .await?;
    let automation = describe(Side::Automation, &*opened.clock, || {
        clients.automation.describe(Arc::clone(&asked))
    })
    .await?;
    Ok(Descriptions {
        at: opened.clock.now(),
        salesforce,
        automation,
    })
}

impl Opened {
    /// Both systems' own descriptions. Binds nothing and keeps nothing.
    pub async fn describe(&self) -> Result<Descriptions, AppError> {
        match &self.served {
            // One client for each side: two would take each other's tokens away.
            Some(served) => describe_both(self, &served.house.connected.outside).await,
            None => describe_both(self, &clients(self)?.0).await,
        }
    }

    /// What the store knows of the configuration, of a sync that does not run.
    pub fn in_force(&self, policy: Arc<Policy>) -> InForce {
        let known = self.recovered.policy.as_ref();
        InForce {
            version: known.map_or(0, |version| version.version),
            policy,
            timetable: self.timetable(),
            suspended: self.recovered.suspended.clone(),
            described: Arc::default(),
        }
    }

    /// As somebody set it from here, else as the instance file has it.
    pub fn timetable(&self) -> Timetable {
        let known = self.recovered.policy.as_ref();
        let kept = known.and_then(|version| version.timetable);
        kept.unwrap_or(self.instance.timetable)
    }
}

impl Connected {
    pub fn engine(&self, mode: Mode) -> Engine {
        let settings = Settings {
            policy: Arc::clone(&self.policy),
            timetable: self.opened.timetable(),
            daily_share: self.opened.instance.salesforce.daily_share,
            writes: mode.writes,
            brake: mode.brake,
            chunk_size_max: CHUNK_SIZE_MAX,
        };
        let mut engine = Engine::new(settings, self.opened.recovered.clone());
        engine.take_descriptions(&self.described);
        engine
    }
}

fn clients(opened: &Opened) -> Result<(Outside, Arc<dyn Hooks>), AppError> {
    let instance = &opened.instance;
    let config = salesforce::Config {
        login_url: instance.salesforce.login_url.clone(),
        client_id: instance.salesforce.client_id.clone(),
        flow: match instance.salesforce.flow.clone() {
            SalesforceFlow::AuthorizationCode { client_secret } => {
                salesforce::Flow::AuthorizationCode { client_secret }
            }
            SalesforceFlow::ClientCredentials { client_secret } => {
                salesforce::Flow::ClientCredentials { client_secret }
            }
            SalesforceFlow::JwtBearer {
                username,
                private_key,
            } => salesforce::Flow::JwtBearer {
                username,
                private_key,
            },
        },
        api_version: match instance.salesforce.api_version.clone() {
            None => salesforce::ApiVersion::Auto,
            Some(version) => salesforce::ApiVersion::Pinned(version),
        },
        limits: crate::adapters::Limits::default(),
    };
    let clock = Arc::clone(&opened.clock);
    let salesforce =
        salesforce::SalesforceClient::new(config, Arc::clone(&clock), opened.store.clone())
            .map_err(|failure| AppError::Client {
                side: Side::Salesforce,
                failure,
            })?;
    let automation = automation::AutomationClient::new(
        automation_config(instance),
        Arc::clone(&clock),
        opened.store.clone(),
    )
    .map_err(|failure| AppError::Client {
        side: Side::Automation,
        failure,
    })?;
    let automation = Arc::new(automation);
    let outside = Outside {
        salesforce: Arc::new(salesforce),
        automation: Arc::clone(&automation) as _,
        store: opened.store.clone(),
        clock,
    };
    Ok((outside, automation))
}

fn automation_config(instance: &Instance) -> automation::Config {
    automation::Config {
        base_url: instance.automation.base_url.clone(),
        flow: match instance.automation.flow.clone() {
            AutomationFlow::ClientCredentials {
                client_id,
                client_secret,
            } => automation::Flow::ClientCredentials {
                client_id,
                client_secret,
            },
            AutomationFlow::AuthorizationCode {
                client_id,
                client_secret,
            } => automation::Flow::AuthorizationCode {
                client_id,
                client_secret,
            },
            AutomationFlow::Basic { username, password } => {
                automation::Flow::Basic { username, password }
            }
        },
        limits: crate::adapters::Limits::default(),
    }
}

async fn describe<'a, T, F>(
    side: Side,
    clock: &dyn Clock,
    mut ask: impl FnMut() -> F,
) -> Result<T, AppError>
where
    F: Future<Output = Result<Answered<T>, PortError>> + 'a,
{
    let mut tries = 1;
    loop {
        match ask().await {
            Ok(answered) => return Ok(answered.value),
            Err(error) => {
                let may_pass = matches!(
                    error.failure.kind,
                    FailureKind::Transient
                        | FailureKind::Broken
                        | FailureKind::Unknown
                        | FailureKind::Throttled { until: None }
                );
                if !may_pass || tries == CONNECT_TRIES_MAX {
                    return Err(AppError::Connect {
                        side,
                        error: Box::new(error),
                    });
                }
                clock.sleep(Span(250 << tries)).await;
                tries += 1;
            }
        }
    }
}

/// Sandbox credentials on production, or the other way round, would mix two sets of people.
fn check_sandbox(instance: &Instance, description: &SalesforceDescription) -> Result<(), AppError> {
    let host = instance.salesforce.login_url.host_str().unwrap_or_default();
    let said_sandbox = match host {
        "test.salesforce.com" => true,
        "login.salesforce.com" => false,
        _ => return Ok(()),
    };
    if said_sandbox == description.is_sandbox {
        return Ok(());
    }
    let words = |sandbox: bool| {
        if sandbox {
            "a sandbox"
        } else {
            "a production organisation"
        }
    };
    Err(AppError::Sandbox {
        said: words(said_sandbox),
        organisation: description.organisation_name.clone(),
        found: words(description.is_sandbox),
        remedy: if description.is_sandbox {
            "https://test.salesforce.com"
        } else {
            "https://login.salesforce.com"
        },
    })
}

/// Enough to ask the systems to describe themselves.
fn bare_policy(opened: &Opened) -> Policy {
    let plugin = &opened.instance.plugin;
    Policy {
        mapping: crate::domain::mapping::Mapping::default(),
        published: plugin.published,
        objects: plugin.objects.clone(),
        activities: plugin.activities,
        update_blanks: plugin.update_blanks,
        latest_do_not_contact: plugin.latest_do_not_contact,
        sync_owners: plugin.sync_owners,
        create_accounts: plugin.create_accounts,
        activity_types: plugin.activity_types.clone(),
        namespace: plugin.namespace.clone(),
        automation_url: opened.instance.automation.base_url.to_string(),
    }
}

async fn first_policy(
    opened: &Opened,
    file: &Path,
    described: &Descriptions,
) -> Result<Policy, AppError> {
    let url = opened.instance.automation.base_url.as_str();
    let policy = policy::build(&opened.instance.plugin, described, url).map_err(|problems| {
        AppError::Mapping {
            path: file.display().to_string(),
            problems,
        }
    })?;
    let version = PolicyVersion {
        version: 1,
        at: opened.clock.now(),
        author: "instance file".to_owned(),
        policy: policy.clone(),
        timetable: None,
    };
    opened
        .store
        .commit(Batch(vec![Change::PutPolicy(Box::new(version))]))
        .await?;
    Ok(policy)
}
