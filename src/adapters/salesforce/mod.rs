//! Salesforce over its REST API.
//!
//! Calls are counted as the platform counts them: a Composite is one, whatever it holds, so
//! everything that can travels in one.

mod bulk;
mod csv;
mod describe;
mod errors;
mod identity;
mod org;
mod purged;
mod read;
mod setup;
mod soql;
mod timeline;
mod wire;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use url::{Host, Url};

use super::failures::{Fault, answer};
use super::http::{self, Http, Limits};
use super::oauth::{
    self, Attempt, Denial, Endpoints, Held, PendingAuthorization, Secret, SigningKey, Tokens,
};
use crate::domain::access::Entrant;
use crate::domain::activity::ActivityRow;
use crate::domain::consent::Evidence;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject, Side};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityOutcome, Page, RowOutcome, RowWrite, SalesforceDescription, Spent, Window,
};
use crate::domain::row::Row;
use crate::ports::{Call, Clock, Salesforce, Vault};

use timeline::Timeline;

/// Names of the refresh token and of the consumer secret in the vault.
pub const VAULT_KEY: &str = "salesforce-refresh-token";
pub const SECRET_KEY: &str = "salesforce-client-secret";

/// Hosts that are Salesforce's own; an organisation may move between them.
const OWN_DOMAINS: [&str; 3] = [".salesforce.com", ".force.com", ".salesforce.mil"];

/// How to reach one organisation.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the login happens: production, sandbox or My Domain. Only scheme and host count.
    pub login_url: Url,
    /// The consumer key.
    pub client_id: String,
    pub flow: Flow,
    pub api_version: ApiVersion,
    pub limits: Limits,
}

/// How access tokens are obtained.
#[derive(Debug, Clone)]
pub enum Flow {
    /// By a person, once; after that with the refresh token in the vault.
    AuthorizationCode { client_secret: Option<Secret> },
    /// Only My Domain hosts offer it.
    ClientCredentials { client_secret: Secret },
    JwtBearer {
        username: String,
        /// RSA, as PEM.
        private_key: SecretString,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiVersion {
    /// The newest that both sides know.
    Auto,
    /// Such as `62.0`.
    Pinned(String),
}

/// One organisation.
pub struct SalesforceClient {
    org: org::Org,
    clock: Arc<dyn Clock>,
    /// What was read of the timeline object, by prefix.
    timelines: Mutex<BTreeMap<String, Arc<Timeline>>>,
    bulk_above: usize,
}

impl SalesforceClient {
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        vault: Arc<dyn Vault>,
    ) -> Result<Self, Failure> {
        Self::build(config, clock, vault).map_err(|fault| fault.failure)
    }

    fn build(config: Config, clock: Arc<dyn Clock>, vault: Arc<dyn Vault>) -> Result<Self, Fault> {
        let login = origin(&config.login_url)?;
        let http = Http::new(&login, config.limits)?;
        let flow = match config.flow {
            Flow::AuthorizationCode { client_secret } => oauth::Flow::Refresh {
                secret: client_secret,
            },
            Flow::ClientCredentials { client_secret } => oauth::Flow::ClientCredentials {
                secret: client_secret,
            },
            Flow::JwtBearer {
                username,
                private_key,
            } => oauth::Flow::JwtBearer {
                username,
                key: Box::new(SigningKey::from_pem(&private_key)?),
            },
        };
        let client = oauth::Client {
            id: config.client_id,
            flow,
            token_url: below(&login, "/services/oauth2/token")?,
            vault_key: VAULT_KEY,
            secret_key: SECRET_KEY,
            login,
            may_move_to,
        };
        let tokens = Tokens::new(http.clone(), Arc::clone(&clock), vault, client);
        Ok(Self {
            org: org::Org::new(http, tokens, config.api_version, Arc::clone(&clock)),
            clock,
            timelines: Mutex::default(),
            bulk_above: timeline::COLLECTED_ROWS_MAX,
        })
    }

    /// From how many activities on a Bulk job is made. The default is where it costs fewer calls.
    #[must_use]
    pub const fn with_jobs_above(mut self, rows: usize) -> Self {
        self.bulk_above = rows;
        self
    }

    /// Begins an interactive login; its end leaves a refresh token in the vault. The redirect
    /// address must be one that the Salesforce app lists.
    pub fn authorize(config: &Config, redirect: Url) -> Result<PendingAuthorization, Failure> {
        let begin = || -> Result<PendingAuthorization, Fault> {
            let login = origin(&config.login_url)?;
            let secret = match &config.flow {
                Flow::AuthorizationCode { client_secret } => client_secret.clone(),
                Flow::ClientCredentials { .. } | Flow::JwtBearer { .. } => None,
            };
            let endpoints = Endpoints {
                side: Side::Salesforce,
                client_id: config.client_id.clone(),
                secret,
                authorize_url: below(&login, "/services/oauth2/authorize")?,
                token_url: below(&login, "/services/oauth2/token")?,
                revoke_url: Some(below(&login, REVOKE)?),
                scopes: &["api", "refresh_token"],
                vault_key: VAULT_KEY,
                secret_key: SECRET_KEY,
                login: login.clone(),
                may_move_to,
            };
            let http = Http::new(&login, config.limits)?;
            Ok(PendingAuthorization::begin(http, endpoints, redirect))
        };
        begin().map_err(|fault| fault.failure)
    }

    /// Ends a login at Salesforce that is not kept any more. `false` if it had ended already.
    pub async fn give_back(config: &Config, token: &SecretString) -> Result<bool, Denial> {
        let give_back = async || -> Result<bool, Fault> {
            let login = origin(&config.login_url)?;
            let http = Http::new(&login, config.limits)?;
            let url = below(&login, REVOKE)?;
            oauth::revoke(&http, &url, token).await
        };
        let given_back = give_back().await;
        given_back.map_err(|fault| Attempt::of(Side::Salesforce).denial(&fault.failure))
    }

    /// Ends the kept login at Salesforce, and with it every session that came of it. `None` if nothing
    /// is kept, `false` if Salesforce did not know it any more. What is kept stays.
    pub async fn revoke(config: &Config, vault: &dyn Vault) -> Result<Option<bool>, Denial> {
        let revoke = async || -> Result<Option<bool>, Fault> {
            let login = origin(&config.login_url)?;
            let http = Http::new(&login, config.limits)?;
            let Some(token) = oauth::kept(vault, VAULT_KEY).await? else {
                return Ok(None);
            };
            let url = below(&login, REVOKE)?;
            oauth::revoke(&http, &url, &token).await.map(Some)
        };
        let revoked = revoke().await;
        revoked.map_err(|fault| Attempt::of(Side::Salesforce).denial(&fault.failure))
    }

    /// Keeps renewals back while somebody changes what is kept, and has it read anew afterwards.
    pub async fn hold(&self) -> Held {
        self.org.hold().await
    }

    /// Who we are there. Asks for a token if there is none, and costs one call.
    pub async fn identity(&self) -> Result<Entrant, Failure> {
        let identity = identity::identity(&self.org).await;
        identity.map_err(|fault| fault.failure)
    }
}

/// Below the login's host.
const REVOKE: &str = "/services/oauth2/revoke";

impl SalesforceClient {
    async fn send(
        &self,
        spent: &mut Spent,
        namespace: &str,
        rows: &[ActivityRow],
    ) -> Result<Vec<ActivityOutcome>, Fault> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let timeline = self.timeline(spent, namespace).await?;
        let outcomes = timeline::send(
            &self.org,
            &*self.clock,
            spent,
            &timeline,
            (rows, self.bulk_above),
        )
        .await;
        let is_forbidden = |failure: &Failure| failure.kind == FailureKind::Forbidden;
        let is_stale = match &outcomes {
            Ok(outcomes) => outcomes
                .iter()
                .any(|outcome| outcome.result.as_ref().is_err_and(is_forbidden)),
            Err(fault) => is_forbidden(&fault.failure),
        };
        if is_stale {
            // A field came or went; the next attempt looks again.
            self.timelines().remove(namespace);
        }
        outcomes
    }

    async fn timeline(&self, spent: &mut Spent, namespace: &str) -> Result<Arc<Timeline>, Fault> {
        let known = self.timelines().get(namespace).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let timeline = Arc::new(Timeline::read(&self.org, spent, namespace).await?);
        self.timelines()
            .insert(namespace.to_owned(), Arc::clone(&timeline));
        Ok(timeline)
    }

    fn timelines(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Timeline>>> {
        // Entries are put in whole, so the map is valid even if a holder died.
        self.timelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> Result<Url, Fault> {
    http::guard(url)?;
    below(url, "/")
}

fn below(base: &Url, path: &str) -> Result<Url, Fault> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url.set_username("")
        .and_then(|()| url.set_password(None))
        .map_err(|()| Fault::broken("address", "the address has no host"))?;
    Ok(url)
}

/// May an organisation that logs in here live there? Its own login host, any host of Salesforce
/// over https, or loopback if the login is.
fn may_move_to(login: &Url, instance: &Url) -> bool {
    if login.origin() == instance.origin() {
        return true;
    }
    if http::is_loopback(login) {
        return http::is_loopback(instance);
    }
    let Some(Host::Domain(host)) = instance.host() else {
        return false;
    };
    instance.scheme() == "https"
        && instance.port().is_none()
        && OWN_DOMAINS.iter().any(|domain| host.ends_with(domain))
}

/// The timeline object under a namespace: `ns__mautic_timeline__c`.
fn prefixed(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}__{name}")
    }
}

impl Salesforce for SalesforceClient {
    fn describe(&self, policy: Arc<Policy>) -> Call<'_, SalesforceDescription> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let timeline = prefixed(&policy.namespace, "mautic_timeline__c");
            let result = describe::describe(&self.org, &mut spent, &timeline).await;
            answer("describing Salesforce", spent, result)
        })
    }

    fn changes(&self, mapping: Arc<Mapping>, windows: Vec<Window>) -> Call<'_, Vec<Page>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::changes(&self.org, &mut spent, &mapping, &windows).await;
            answer("reading changes in Salesforce", spent, result)
        })
    }

    fn rows(
        &self,
        mapping: Arc<Mapping>,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<Row>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::rows(&self.org, &mut spent, &mapping, &ids).await;
            answer("reading records in Salesforce", spent, result)
        })
    }

    fn find(
        &self,
        mapping: Arc<Mapping>,
        objects: Vec<SalesforceObject>,
        emails: Vec<String>,
        accounts: Vec<String>,
    ) -> Call<'_, Vec<Row>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::find(
                &self.org, &mut spent, &mapping, &objects, &emails, &accounts,
            )
            .await;
            answer("looking for records in Salesforce", spent, result)
        })
    }

    fn evidence(
        &self,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<(RemoteId, Evidence)>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::evidence(&self.org, &mut spent, &ids).await;
            answer(
                "reading the history of opt-outs in Salesforce",
                spent,
                result,
            )
        })
    }

    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = write::write(&self.org, &mut spent, &mapping, &rows).await;
            answer("writing to Salesforce", spent, result)
        })
    }

    fn send_activities(
        &self,
        namespace: String,
        rows: Vec<ActivityRow>,
    ) -> Call<'_, Vec<ActivityOutcome>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = self.send(&mut spent, &namespace, &rows).await;
            answer("sending activities to Salesforce", spent, result)
        })
    }
}

#[cfg(test)]
mod tests;
