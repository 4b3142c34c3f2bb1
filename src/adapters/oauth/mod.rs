//! Access tokens: obtained once, shared by all requests, renewed by one request at a time.
//!
//! Renewing may rotate the refresh token and kill the old one, so the new one is in the vault before
//! its access token is used, and that one can be kept is tried out before the old one is spent. A renewal
//! runs in a task of its own: a caller that gives up cannot leave it half done.

mod authorization;
mod denial;
mod grants;
mod jwt;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::failures::Fault;
use super::http::Http;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::time::{Span, Timestamp};
use crate::ports::{Clock, StoreError, Vault};

pub(super) use authorization::Endpoints;
pub use authorization::{LoggedIn, PendingAuthorization};
pub use denial::{Attempt, Denial};
pub(super) use grants::revoke;
pub(super) use jwt::SigningKey;

/// Tokens that say when they end are renewed this long before.
const EXPIRY_MARGIN: Span = Span::minutes(1);

/// A secret of the application, or a password.
#[derive(Debug, Clone)]
pub enum Secret {
    Given(SecretString),
    /// It was asked for once, and is in the vault. Read at each use, so that a new one counts at once.
    Kept,
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::Given(secret.into())
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self::Given(secret)
    }
}

/// How access tokens are obtained.
pub(super) enum Flow {
    ClientCredentials {
        secret: Secret,
    },
    /// With the refresh token that an authorization left in the vault. An application without a secret
    /// has none here, or none in the vault.
    Refresh {
        secret: Option<Secret>,
    },
    JwtBearer {
        username: String,
        key: Box<SigningKey>,
    },
}

/// What to ask for tokens, and as whom.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) flow: Flow,
    pub(super) token_url: Url,
    /// Names of the refresh token and of the application's secret in the vault.
    pub(super) vault_key: &'static str,
    pub(super) secret_key: &'static str,
    /// Scheme and host of the login server: a JWT's audience, and where calls go unless the answer
    /// names another host.
    pub(super) login: Url,
    /// Which other hosts an answer may name.
    pub(super) may_move_to: fn(&Url, &Url) -> bool,
}

/// What a token endpoint answered.
#[derive(Clone)]
pub(super) struct Granted {
    access: SecretString,
    refresh: Option<SecretString>,
    expires_in: Option<Span>,
    /// Where to call, if the answer says so.
    base: Option<Url>,
    pub(super) facts: Facts,
}

/// What an answer tells beside the token.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) scopes: Vec<String>,
    /// Salesforce's address of who logged in: `https://…/id/{organisation}/{user}`.
    pub(super) identity: Option<String>,
}

impl Facts {
    /// The ids at the end of the identity's address.
    pub(super) fn organisation_and_user(&self) -> Option<(&str, &str)> {
        let mut parts = self.identity.as_ref()?.rsplit('/');
        let (user, organisation) = (parts.next()?, parts.next()?);
        let is_id = |id: &str| id.len() == 18 && id.bytes().all(|c| c.is_ascii_alphanumeric());
        (is_id(user) && is_id(organisation)).then_some((organisation, user))
    }
}

/// A token in use.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) access: SecretString,
    /// Scheme and host of the system's API.
    pub(super) base: Url,
    pub(super) facts: Facts,
    /// Tells whether a token that was refused is still the one in use.
    serial: u64,
    expires: Option<Timestamp>,
}

/// The one owner of a system's tokens.
pub(super) struct Tokens {
    inner: Arc<Inner>,
}

type Flight = Shared<BoxFuture<'static, Result<Token, Failure>>>;

struct Inner {
    http: Http,
    clock: Arc<dyn Clock>,
    vault: Arc<dyn Vault>,
    client: Client,
    state: Mutex<State>,
    /// Of whoever spends or changes what is kept: a renewal, or a person who logs in or ends it.
    turn: Arc<Semaphore>,
}

/// Nobody renews while this is held. Dropped, whatever was in memory is forgotten, so that the next
/// request goes by what is kept then.
pub struct Held {
    inner: Arc<Inner>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        state.token = None;
        state.unkept = None;
    }
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    serial: u64,
    flight: Option<Flight>,
    /// An answer whose rotated refresh token could not be kept yet. Its token is not in use.
    unkept: Option<Granted>,
}

impl Tokens {
    pub(super) fn new(
        http: Http,
        clock: Arc<dyn Clock>,
        vault: Arc<dyn Vault>,
        client: Client,
    ) -> Self {
        let inner = Inner {
            http,
            clock,
            vault,
            client,
            state: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Waits for the renewal under way, and keeps others back. For whoever changes what is kept.
    pub(super) async fn hold(&self) -> Held {
        Held {
            inner: Arc::clone(&self.inner),
            // Never closed.
            _turn: Arc::clone(&self.inner.turn).acquire_owned().await.ok(),
        }
    }

    /// The token in use, or a new one.
    pub(super) async fn current(&self) -> Result<Token, Failure> {
        let flight = {
            let mut state = self.inner.state();
            let now = self.inner.clock.now();
            match &state.token {
                Some(token) if token.is_good_at(now) => return Ok(token.clone()),
                _ => self.take_off(&mut state),
            }
        };
        flight.await
    }

    /// A token other than this one, which the system refused.
    pub(super) async fn renewed(&self, refused: &Token) -> Result<Token, Failure> {
        let flight = {
            let mut state = self.inner.state();
            match &state.token {
                Some(token) if token.serial != refused.serial => return Ok(token.clone()),
                _ => self.take_off(&mut state),
            }
        };
        flight.await
    }

    /// Joins the renewal under way, or starts one.
    fn take_off(&self, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move {
            let _turn = inner.turn.acquire().await.ok();
            let result = inner.obtain().await.map_err(|fault| {
                let (kind, code) = (fault.failure.kind.name(), fault.failure.plain_code());
                tracing::warn!(kind, code, "no access token");
                fault.failure
            });
            let mut state = inner.state();
            state.flight = None;
            if let Ok(token) = &result {
                state.token = Some(token.clone());
            }
            result
        });
        let flight = async move {
            task.await.unwrap_or_else(|_| {
                let message = "the renewal of the access token was interrupted";
                Err(Failure::new(FailureKind::Transient, "token", message))
            })
        };
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        flight
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in this room panics while it holds the lock, and the state is valid at any point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn obtain(&self) -> Result<Token, Fault> {
        let unkept = self.state().unkept.take();
        let granted = match unkept {
            Some(granted) => granted,
            None => self.ask().await?,
        };
        // Whatever is wrong with the rest of the answer: the old refresh token may be dead already.
        if let Some(refresh) = &granted.refresh {
            let message = "the new refresh token could not be kept; its access token is unused";
            if let Err(fault) = self.keep(refresh, message).await {
                self.state().unkept = Some(granted);
                return Err(fault);
            }
        }
        let base = base(&granted, &self.client.login, self.client.may_move_to)?;
        let expires = granted
            .expires_in
            .map(|span| self.clock.now() + span - EXPIRY_MARGIN);
        let mut state = self.state();
        state.serial += 1;
        Ok(Token {
            access: granted.access,
            base,
            facts: granted.facts,
            serial: state.serial,
            expires,
        })
    }

    async fn keep(&self, refresh: &SecretString, or: &'static str) -> Result<(), Fault> {
        let secret = refresh.expose_secret().as_bytes().to_vec();
        let kept = self.vault.write(self.client.vault_key, secret).await;
        kept.map_err(|error| match error {
            StoreError::Secret(message) => {
                Fault::new(FailureKind::Unauthorised, SECRET_KEY, message)
            }
            error => Fault::new(FailureKind::Transient, "vault", or).because(error),
        })
    }

    async fn ask(&self) -> Result<Granted, Fault> {
        let refresh = match self.client.flow {
            Flow::Refresh { .. } => {
                let refresh = self.kept_refresh_token().await?;
                // It may die of being used: what cannot be kept now could not be kept then.
                let message = "the refresh token cannot be kept, so it was not used";
                self.keep(&refresh, message).await?;
                Some(refresh)
            }
            Flow::ClientCredentials { .. } | Flow::JwtBearer { .. } => None,
        };
        let secret = match &self.client.flow {
            Flow::ClientCredentials { secret } => Some(self.secret(secret).await?.ok_or_else(|| {
                let message = "the application's secret was not asked for yet: run `passerelle authorize`";
                Fault::new(FailureKind::Unauthorised, NOT_AUTHORISED, message)
            })?),
            Flow::Refresh { secret: Some(secret) } => self.secret(secret).await?,
            Flow::Refresh { secret: None } | Flow::JwtBearer { .. } => None,
        };
        let now = self.clock.now();
        grants::ask(&self.http, &self.client, now, (secret, refresh)).await
    }

    async fn secret(&self, secret: &Secret) -> Result<Option<SecretString>, Fault> {
        match secret {
            Secret::Given(secret) => Ok(Some(secret.clone())),
            Secret::Kept => kept(&*self.vault, self.client.secret_key).await,
        }
    }

    async fn kept_refresh_token(&self) -> Result<SecretString, Fault> {
        let kept = kept(&*self.vault, self.client.vault_key).await?;
        kept.ok_or_else(|| {
            let message = "not authorised yet: run `passerelle authorize`";
            Fault::new(FailureKind::Unauthorised, NOT_AUTHORISED, message)
        })
    }
}

/// Nothing was kept that is needed.
pub(super) const NOT_AUTHORISED: &str = "not-authorised";

/// The key of what is kept is another one, or is not there.
const SECRET_KEY: &str = "secret-key";

/// A secret from the vault. A wrong key asks for a person; anything else may pass.
pub(super) async fn kept(
    vault: &dyn Vault,
    name: &'static str,
) -> Result<Option<SecretString>, Fault> {
    let kept = vault.read(name).await.map_err(|error| match error {
        StoreError::Secret(message) => Fault::new(FailureKind::Unauthorised, SECRET_KEY, message),
        error => {
            let message = "a kept secret cannot be read";
            Fault::new(FailureKind::Transient, "vault", message).because(error)
        }
    })?;
    let text = kept.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(SecretString::from))
}

/// Where calls go. A token is never sent to a host that the login server could not own.
fn base(granted: &Granted, login: &Url, may_move_to: fn(&Url, &Url) -> bool) -> Result<Url, Fault> {
    let Some(base) = &granted.base else {
        return Ok(login.clone());
    };
    if may_move_to(login, base) {
        return Ok(base.clone());
    }
    let host = super::http::host(base);
    let message = format!("the login server names {host} as its instance, which is not its own");
    Err(Fault::broken("instance-url", message))
}

impl Token {
    fn is_good_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests;
