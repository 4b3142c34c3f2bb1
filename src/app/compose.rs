//! Builds, in order: the store, the clients, the rules, the engine. Nothing runs yet after this.

mod file;
mod mend;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::adapters::{Denial, Secret, SystemClock, automation, salesforce};
use crate::app::authorize::Logins;
use crate::app::config::{self, AutomationFlow, Instance, OwnKey, SalesforceFlow};
use crate::app::error::AppError;
use crate::app::examiner::{Examiner, Setup};
use crate::app::hooks::Registrar;
use crate::app::house::Served;
use crate::app::log::Log;
use crate::app::policy;
use crate::domain::drift::Descriptions;
use crate::domain::failure::FailureKind;
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::record::{Binding, Recovered};
use crate::domain::setup::{InForce, Timetable};
use crate::domain::time::Span;
use crate::engine::{Brake, Engine, Settings, Writes};
use crate::pool::Outside;
use crate::ports::{Answered, Clock, Hooks, PortError, Store, Vault};
use crate::session::type_secret;
use crate::store::{KeySource, Question, SealedVault, SledStore};

use file::first_policy;
pub use file::take_file_again;
pub use mend::Mendable;

/// How often a first connection is tried when it fails in a passing way.
const CONNECT_TRIES_MAX: i64 = 5;

/// Records per transaction with the store: its memory grows with the batch.
const CHUNK_SIZE_MAX: usize = 400;

/// The environment as it was when the program began.
pub type Environment = BTreeMap<String, String>;

/// An instance whose store is open. Enough for every command that only reads.
#[derive(Clone)]
pub struct Opened {
    pub instance: Instance,
    pub store: Arc<SledStore>,
    /// Tokens and secrets, sealed.
    pub vault: Arc<SealedVault>,
    pub clock: Arc<dyn Clock>,
    pub recovered: Recovered,
    /// The instance file.
    pub file: PathBuf,
    /// Of the process that has the store.
    pub log: Log,
    /// Of the process that has the store.
    pub(super) logins: Arc<Logins>,
    /// Opened by the process that serves the instance, for somebody's command.
    pub served: Option<Arc<Served>>,
}

/// An instance whose two systems have answered.
pub struct Connected {
    pub opened: Opened,
    pub outside: Outside,
    /// The same two, by what no port offers: who we are there.
    pub identities: Identities,
    /// Automation's webhooks, by the same client; `None` where none are received.
    pub(super) registrar: Option<Arc<Registrar>>,
    pub policy: Arc<Policy>,
    /// As both systems described themselves when they were connected to.
    pub described: Arc<Descriptions>,
    pub examiner: Arc<Examiner>,
}

/// The two systems' clients as what they are. One of each: two would take each other's tokens away.
#[derive(Clone)]
pub struct Identities {
    pub salesforce: Arc<salesforce::SalesforceClient>,
    pub automation: Arc<automation::AutomationClient>,
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
    let store = match &instance.audit {
        Some(audit) => SledStore::open_audited(&instance.data, &holder, audit)?,
        None => SledStore::open_instance(&instance.data, &holder)?,
    };
    let store = Arc::new(store);
    let recovered = store.recover().await?;
    let sources = key_sources(&instance);
    let vault = SealedVault::new(Arc::clone(&store), &instance.name, sources);
    Ok(Opened {
        instance,
        store,
        vault: Arc::new(vault),
        clock,
        recovered,
        file: file.to_owned(),
        log: Log::default(),
        logins: Arc::default(),
        served: None,
    })
}

/// Asks both systems who they are, binds the store to them, and works out the rules if the store
/// has none yet.
pub async fn connect(mut opened: Opened, file: &Path) -> Result<Connected, AppError> {
    if let Some(served) = opened.served.clone() {
        let ours = &served.house.connected;
        let in_force = served.house.handle.setups.borrow().clone();
        return Ok(Connected {
            opened,
            outside: ours.outside.clone(),
            identities: ours.identities.clone(),
            registrar: ours.registrar.clone(),
            policy: Arc::clone(&in_force.policy),
            described: Arc::clone(&in_force.described),
            examiner: Arc::clone(&ours.examiner),
        });
    }
    seal_anew(&opened).await;
    let Clients {
        outside: clients,
        identities,
        setup,
    } = clients(&opened)?;
    let described = describe_both(&opened, &clients).await?;
    let salesforce = &described.salesforce;
    let (name, is_sandbox) = (&salesforce.organisation_name, salesforce.is_sandbox);
    if let Some(denial) = wrong_box(&opened.instance, name, is_sandbox) {
        return Err(AppError::NotLetIn(denial));
    }
    opened.store.bind(binding(&described)).await?;
    let policy = if let Some(known) = &opened.recovered.policy {
        known.policy.clone()
    } else {
        let first = first_policy(&opened, file, &described).await?;
        let policy = first.policy.clone();
        // The next version is made from this one, and does not take its place.
        opened.recovered.policy = Some(first);
        policy
    };
    let policy = Arc::new(policy);
    Ok(Connected {
        opened,
        outside: clients,
        identities,
        registrar: setup.registrar.clone(),
        examiner: Examiner::new(setup),
        policy,
        described: Arc::new(described),
    })
}

async fn seal_anew(opened: &Opened) {
    match opened.vault.seal_anew().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(
            count,
            "kept secrets were sealed with the key that is first now"
        ),
        // Whoever needs one is told what to do.
        Err(error) => tracing::warn!(%error, "kept secrets were not sealed anew"),
    }
}

/// The two systems that a store belongs to.
fn binding(described: &Descriptions) -> Binding {
    Binding {
        organisation: described.salesforce.organisation.clone(),
        is_sandbox: described.salesforce.is_sandbox,
        automation: described.automation.instance.clone(),
    }
}

/// What the systems are to describe.
fn asked_about(opened: &Opened) -> Arc<Policy> {
    Arc::new(match &opened.recovered.policy {
        Some(known) => known.policy.clone(),
        None => policy::bare(
            &opened.instance.plugin,
            opened.instance.automation.base_url.as_str(),
        ),
    })
}

async fn describe_both(opened: &Opened, clients: &Outside) -> Result<Descriptions, AppError> {
    let asked = asked_about(opened);
    let salesforce = ask(Side::Salesforce, &*opened.clock, || {
        clients.salesforce.describe(Arc::clone(&asked))
    })
    .await?;
    let automation = ask(Side::Automation, &*opened.clock, || {
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
            None => describe_both(self, &clients(self)?.outside).await,
        }
    }

    /// Looks at the set-up of both systems. Binds nothing and keeps nothing.
    pub fn examiner(&self) -> Result<Arc<Examiner>, AppError> {
        if let Some(served) = &self.served {
            return Ok(Arc::clone(&served.house.connected.examiner));
        }
        Ok(Examiner::new(clients(self)?.setup))
    }

    /// What the instance file would have the rules be, of an instance that was never synced.
    pub fn assumed(&self, described: Option<&Descriptions>) -> Policy {
        let url = self.instance.automation.base_url.as_str();
        policy::assumed(&self.instance.plugin, described, url)
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
    /// What the sync works by, or would if it ran.
    pub fn in_force(&self) -> InForce {
        if let Some(served) = &self.opened.served {
            return (**served.house.handle.setups.borrow()).clone();
        }
        InForce {
            described: Arc::clone(&self.described),
            ..self.opened.in_force(Arc::clone(&self.policy))
        }
    }

    /// From what the store knows now: an act of the same process may be newer than what it opened.
    pub fn engine(&self, mode: Mode, recovered: Recovered) -> Engine {
        let settings = Settings {
            policy: Arc::clone(&self.policy),
            timetable: self.opened.timetable(),
            daily_share: self.opened.instance.salesforce.daily_share,
            writes: mode.writes,
            brake: mode.brake,
            chunk_size_max: CHUNK_SIZE_MAX,
        };
        let mut engine = Engine::new(settings, recovered);
        engine.take_descriptions(&self.described);
        engine
    }
}

/// In the order in which they are tried.
fn key_sources(instance: &Instance) -> Vec<KeySource> {
    let credential = instance.keys.credential.clone().map(KeySource::Credential);
    let own = match &instance.keys.own {
        OwnKey::Beside => KeySource::Beside(instance.data.clone()),
        OwnKey::File(path) => KeySource::File(path.clone()),
        OwnKey::Passphrase(phrase) => KeySource::Passphrase(phrase.clone()),
        OwnKey::Asked => {
            let name = instance.name.clone();
            KeySource::Asked(Arc::new(move |question| {
                let text = match question {
                    Question::Known => format!("passphrase of the kept secrets of {name}: "),
                    Question::New => format!("a new passphrase for the kept secrets of {name}: "),
                    Question::Again => "the same again: ".to_owned(),
                };
                type_secret(&text)
            }))
        }
    };
    credential.into_iter().chain([own]).collect()
}

pub(super) fn salesforce_config(instance: &Instance) -> salesforce::Config {
    salesforce::Config {
        login_url: instance.salesforce.login_url.clone(),
        client_id: instance.salesforce.client_id.clone(),
        flow: match instance.salesforce.flow.clone() {
            // An application without a secret has none in the vault either.
            SalesforceFlow::AuthorizationCode { client_secret } => {
                salesforce::Flow::AuthorizationCode {
                    client_secret: Some(secret(client_secret)),
                }
            }
            SalesforceFlow::ClientCredentials { client_secret } => {
                salesforce::Flow::ClientCredentials {
                    client_secret: secret(client_secret),
                }
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
    }
}

pub(super) fn automation_config(instance: &Instance) -> automation::Config {
    automation::Config {
        base_url: instance.automation.base_url.clone(),
        flow: match instance.automation.flow.clone() {
            AutomationFlow::ClientCredentials {
                client_id,
                client_secret,
            } => automation::Flow::ClientCredentials {
                client_id,
                client_secret: secret(client_secret),
            },
            AutomationFlow::AuthorizationCode {
                client_id,
                client_secret,
            } => automation::Flow::AuthorizationCode {
                client_id,
                client_secret: secret(client_secret),
            },
            AutomationFlow::Basic { username, password } => automation::Flow::Basic {
                username,
                password: secret(password),
            },
        },
        limits: crate::adapters::Limits::default(),
    }
}

fn secret(given: Option<SecretString>) -> Secret {
    given.map_or(Secret::Kept, Secret::Given)
}

pub(super) fn salesforce_client(
    opened: &Opened,
    vault: Arc<dyn Vault>,
) -> Result<salesforce::SalesforceClient, AppError> {
    let (config, clock) = (
        salesforce_config(&opened.instance),
        Arc::clone(&opened.clock),
    );
    salesforce::SalesforceClient::new(config, clock, vault).map_err(|failure| AppError::Client {
        side: Side::Salesforce,
        failure,
    })
}

pub(super) fn automation_client(
    opened: &Opened,
    vault: Arc<dyn Vault>,
) -> Result<automation::AutomationClient, AppError> {
    let (config, clock) = (
        automation_config(&opened.instance),
        Arc::clone(&opened.clock),
    );
    automation::AutomationClient::new(config, clock, vault).map_err(|failure| AppError::Client {
        side: Side::Automation,
        failure,
    })
}

/// One client for each side, behind every port that it offers.
struct Clients {
    outside: Outside,
    identities: Identities,
    setup: Setup,
}

fn clients(opened: &Opened) -> Result<Clients, AppError> {
    let salesforce = Arc::new(salesforce_client(opened, opened.vault.clone())?);
    let automation = Arc::new(automation_client(opened, opened.vault.clone())?);
    let clock = Arc::clone(&opened.clock);
    let hooks: Arc<dyn Hooks> = automation.clone();
    let setup = Setup {
        salesforce: salesforce.clone(),
        automation: automation.clone(),
        registrar: Registrar::of(&opened.instance, hooks, opened.vault.clone()),
        clock: Arc::clone(&clock),
    };
    let identities = Identities {
        salesforce: salesforce.clone(),
        automation: automation.clone(),
    };
    let outside = Outside {
        salesforce,
        automation,
        store: opened.store.clone(),
        clock,
    };
    Ok(Clients {
        outside,
        identities,
        setup,
    })
}

/// Asks a system something, again if that failed in a passing way.
pub(in crate::app) async fn ask<'a, T, F>(
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

/// Sandbox credentials on production, or the other way round, would mix two sets of people. Only the
/// two general login addresses say which of the two they are for.
pub(super) fn wrong_box(
    instance: &Instance,
    organisation: &str,
    is_sandbox: bool,
) -> Option<Denial> {
    let host = instance.salesforce.login_url.host_str().unwrap_or_default();
    let said_sandbox = match host {
        "test.salesforce.com" => true,
        "login.salesforce.com" => false,
        _ => return None,
    };
    if said_sandbox == is_sandbox {
        return None;
    }
    let words = |sandbox: bool| {
        if sandbox {
            "a sandbox"
        } else {
            "a production organisation"
        }
    };
    Some(Denial::WrongBox {
        said: words(said_sandbox),
        organisation: organisation.to_owned(),
        found: words(is_sandbox),
        remedy: if is_sandbox {
            "https://test.salesforce.com"
        } else {
            "https://login.salesforce.com"
        },
    })
}
