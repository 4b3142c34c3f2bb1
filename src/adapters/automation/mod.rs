//! Automation over its REST API.
//!
//! Answers with status 200 prove little there: each written row is checked against what the answer
//! shows, and each id against the id that was asked for.

mod activity;
mod api;
mod describe;
pub mod hook;
mod hooks;
mod logs;
mod php;
mod query;
mod read;
mod setup;
mod wire;
mod write;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::failures::{Fault, answer};
use super::http::{Http, Limits};
use super::oauth::{self, Endpoints, Held, PendingAuthorization, Secret, Tokens};
use crate::domain::access::Entrant;
use crate::domain::consent::Evidence;
use crate::domain::failure::Failure;
use crate::domain::ids::{AutomationId, Kind, RemoteId, Side};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityPage, AuditPage, AutomationDescription, Page, RowOutcome, RowWrite, Spent, Window,
};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;
use crate::ports::{Automation, Call, Clock, Vault};

use api::{Api, Authority, origin};

/// Names of the refresh token and of the secret key or password in the vault.
pub const VAULT_KEY: &str = "automation-refresh-token";
pub const SECRET_KEY: &str = "automation-secret";

/// How to reach one instance.
#[derive(Debug, Clone)]
pub struct Config {
    pub base_url: Url,
    pub flow: Flow,
    pub limits: Limits,
}

/// Who we are there.
#[derive(Debug, Clone)]
pub enum Flow {
    /// The public key and the secret key.
    ClientCredentials {
        client_id: String,
        client_secret: Secret,
    },
    /// By a person, once; after that with the refresh token in the vault.
    AuthorizationCode {
        client_id: String,
        client_secret: Secret,
    },
    Basic {
        username: String,
        password: Secret,
    },
}

/// One instance.
pub struct AutomationClient {
    api: Api,
    clock: Arc<dyn Clock>,
}

impl AutomationClient {
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        vault: Arc<dyn Vault>,
    ) -> Result<Self, Failure> {
        Self::build(config, clock, vault).map_err(|fault| fault.failure)
    }

    fn build(config: Config, clock: Arc<dyn Clock>, vault: Arc<dyn Vault>) -> Result<Self, Fault> {
        let base = origin(&config.base_url)?;
        let http = Http::new(&base, config.limits)?;
        let (id, flow) = match config.flow {
            Flow::Basic { username, password } => {
                let authority = match password {
                    Secret::Given(password) => Authority::Basic(basic(&username, &password)?),
                    Secret::Kept => Authority::KeptBasic { username, vault },
                };
                return Ok(Self {
                    api: Api::new(base, http, authority, Arc::clone(&clock)),
                    clock,
                });
            }
            Flow::ClientCredentials {
                client_id,
                client_secret,
            } => {
                let secret = client_secret;
                (client_id, oauth::Flow::ClientCredentials { secret })
            }
            Flow::AuthorizationCode {
                client_id,
                client_secret,
            } => {
                let secret = Some(client_secret);
                (client_id, oauth::Flow::Refresh { secret })
            }
        };
        let client = oauth::Client {
            id,
            flow,
            token_url: below(&base, "/oauth/v2/token"),
            vault_key: VAULT_KEY,
            secret_key: SECRET_KEY,
            login: base.clone(),
            may_move_to: stays,
        };
        let tokens = Tokens::new(http.clone(), Arc::clone(&clock), vault, client);
        let authority = Authority::Bearer(tokens);
        Ok(Self {
            api: Api::new(base, http, authority, Arc::clone(&clock)),
            clock,
        })
    }

    /// Begins an interactive login; its end leaves a refresh token in the vault.
    pub fn authorize(config: &Config, redirect: Url) -> Result<PendingAuthorization, Failure> {
        let begin = || -> Result<PendingAuthorization, Fault> {
            let Flow::AuthorizationCode {
                client_id,
                client_secret,
            } = &config.flow
            else {
                return Err(Fault::broken("flow", "this flow needs no person"));
            };
            let base = origin(&config.base_url)?;
            let endpoints = Endpoints {
                side: Side::Automation,
                client_id: client_id.clone(),
                secret: Some(client_secret.clone()),
                authorize_url: below(&base, "/oauth/v2/authorize"),
                token_url: below(&base, "/oauth/v2/token"),
                revoke_url: None,
                scopes: &[],
                vault_key: VAULT_KEY,
                secret_key: SECRET_KEY,
                login: base.clone(),
                may_move_to: stays,
            };
            let http = Http::new(&base, config.limits)?;
            Ok(PendingAuthorization::begin(http, endpoints, redirect))
        };
        begin().map_err(|fault| fault.failure)
    }

    /// Keeps renewals back while somebody changes what is kept, and has it read anew afterwards. Nothing
    /// where there are no tokens: a password is read at each use.
    pub async fn hold(&self) -> Option<Held> {
        match self.api.tokens() {
            Some(tokens) => Some(tokens.hold().await),
            None => None,
        }
    }

    /// Who we are there. Asks for a token if there is none.
    pub async fn identity(&self) -> Result<Entrant, Failure> {
        let identity = describe::identity(&self.api).await;
        identity.map_err(|fault| fault.failure)
    }
}

/// There is one host, and no other is ever named.
fn stays(login: &Url, base: &Url) -> bool {
    login.origin() == base.origin()
}

fn basic(username: &str, password: &SecretString) -> Result<HeaderValue, Fault> {
    let pair = format!("{username}:{}", password.expose_secret());
    let mut header = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| Fault::broken("password", "the password is no header value"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

impl Automation for AutomationClient {
    fn describe(&self, _: Arc<Policy>) -> Call<'_, AutomationDescription> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = describe::describe(&self.api, &mut spent).await;
            answer("describing Automation", spent, result)
        })
    }

    fn changes(&self, mapping: Arc<Mapping>, window: Window) -> Call<'_, Page> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::changes(&self.api, &mut spent, &mapping, window).await;
            answer("reading changes in Automation", spent, result)
        })
    }

    fn audit(&self, after: u64) -> Call<'_, AuditPage> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = logs::audit(&self.api, &mut spent, after).await;
            answer("reading the audit log of Automation", spent, result)
        })
    }

    fn rows(&self, mapping: Arc<Mapping>, ids: Vec<(Kind, AutomationId)>) -> Call<'_, Vec<Row>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::rows(&self.api, &mut spent, &mapping, &ids).await;
            answer("reading records in Automation", spent, result)
        })
    }

    fn find(
        &self,
        mapping: Arc<Mapping>,
        emails: Vec<String>,
        companies: Vec<String>,
    ) -> Call<'_, Vec<Row>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = read::find(&self.api, &mut spent, &mapping, &emails, &companies).await;
            answer("looking for records in Automation", spent, result)
        })
    }

    fn evidence(&self, ids: Vec<AutomationId>) -> Call<'_, Vec<(RemoteId, Evidence)>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = logs::evidence(&self.api, &mut spent, &ids).await;
            answer(
                "reading dates of do-not-contact in Automation",
                spent,
                result,
            )
        })
    }

    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = write::write(&self.api, &mut spent, &mapping, &rows).await;
            answer("writing to Automation", spent, result)
        })
    }

    fn activities(
        &self,
        kind: String,
        from: Timestamp,
        until: Timestamp,
        page: u32,
    ) -> Call<'_, ActivityPage> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result =
                activity::activities(&self.api, &mut spent, &kind, from, until, page).await;
            answer("reading activities in Automation", spent, result)
        })
    }
}

#[cfg(test)]
mod tests;
