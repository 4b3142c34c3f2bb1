//! The interactive login: the address an operator opens, and what the browser brings back.

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use ring::hmac;
use ring::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::failures::Fault;
use super::super::http::Http;
use super::denial::{Attempt, Denial};
use super::{Secret, grants};
use crate::domain::ids::Side;
use crate::ports::{StoreError, Vault};

/// Where a login happens and as which application.
pub(in crate::adapters) struct Endpoints {
    pub(in crate::adapters) side: Side,
    pub(in crate::adapters) client_id: String,
    pub(in crate::adapters) secret: Option<Secret>,
    pub(in crate::adapters) login: Url,
    pub(in crate::adapters) may_move_to: fn(&Url, &Url) -> bool,
    pub(in crate::adapters) authorize_url: Url,
    pub(in crate::adapters) token_url: Url,
    /// Where there is one.
    pub(in crate::adapters) revoke_url: Option<Url>,
    pub(in crate::adapters) scopes: &'static [&'static str],
    pub(in crate::adapters) vault_key: &'static str,
    pub(in crate::adapters) secret_key: &'static str,
}

/// A login that an operator has begun. Good for one redirect.
pub struct PendingAuthorization {
    /// To be opened in a browser.
    pub url: Url,
    http: Http,
    endpoints: Endpoints,
    redirect: RedirectUrl,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
}

/// A login that was kept.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    pub scopes: Vec<String>,
}

impl PendingAuthorization {
    pub(in crate::adapters) fn begin(http: Http, endpoints: Endpoints, redirect: Url) -> Self {
        let redirect = RedirectUrl::from_url(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = oauth2::basic::BasicClient::new(ClientId::new(endpoints.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize_url.clone()))
            .set_redirect_uri(redirect.clone());
        let (url, state) = client
            .authorize_url(|| CsrfToken::new_random_len(32))
            .set_pkce_challenge(challenge)
            .add_scopes(
                endpoints
                    .scopes
                    .iter()
                    .map(|scope| Scope::new((*scope).to_owned())),
            )
            .url();
        Self {
            url,
            http,
            endpoints,
            redirect,
            state,
            verifier,
        }
    }

    /// The call-back address that the application must list, letter by letter.
    pub fn redirect(&self) -> &str {
        self.redirect.as_str()
    }

    /// Whether an address is this login's answer, good or bad. Says nothing about how far a guess is
    /// from it, not even by the time that it takes.
    pub fn is_answer(&self, redirected: &Url) -> bool {
        let Some(state) = parameter(redirected, "state") else {
            return false;
        };
        let Ok(key) = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()) else {
            return false;
        };
        let tag = hmac::sign(&key, self.state.secret().as_bytes());
        hmac::verify(&key, state.as_bytes(), tag.as_ref()).is_ok()
    }

    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            redirect: Some(self.redirect.as_str()),
            ..Attempt::of(self.endpoints.side)
        }
    }

    /// Why an address holds no code for this login, if it does not. Some refusals are shown in the
    /// browser and never come back; their page's address may be pasted all the same.
    pub fn denial(&self, redirected: &Url) -> Option<Denial> {
        let is_answer = self.is_answer(redirected);
        if let Some(error) = parameter(redirected, "error") {
            let description = parameter(redirected, "error_description").unwrap_or_default();
            let is_shown = redirected.host() == self.endpoints.login.host();
            if is_answer || is_shown {
                return Some(self.attempt().redirected(&error, &description));
            }
        }
        if !is_answer {
            let is_bare = parameter(redirected, "state").is_none();
            return Some(if is_bare {
                Denial::NoCode
            } else {
                Denial::WrongState
            });
        }
        parameter(redirected, "code")
            .is_none()
            .then_some(Denial::NoCode)
    }

    /// Takes the address that the browser was sent to, exchanges its code, keeps the refresh token.
    /// `bound`: the organisation that the store belongs to; a login to another is given back at once.
    pub async fn finish(
        self,
        redirected: &Url,
        vault: &dyn Vault,
        bound: Option<&str>,
    ) -> Result<LoggedIn, Denial> {
        if let Some(denial) = self.denial(redirected) {
            return Err(denial);
        }
        let code = parameter(redirected, "code").ok_or(Denial::NoCode)?;
        let callback = self.redirect.as_str().to_owned();
        let endpoints = self.endpoints;
        let attempt = Attempt {
            redirect: Some(&callback),
            ..Attempt::of(endpoints.side)
        };
        let denied = |Fault { failure, .. }: Fault| attempt.denial(&failure);
        let secret = match &endpoints.secret {
            Some(Secret::Given(secret)) => Some(secret.clone()),
            Some(Secret::Kept) => super::kept(vault, endpoints.secret_key)
                .await
                .map_err(denied)?,
            None => None,
        };
        let client =
            grants::token_client(&endpoints.client_id, secret.as_ref(), &endpoints.token_url)
                .set_redirect_uri(self.redirect);
        let carrier = grants::Carrier(self.http.clone());
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(self.verifier)
            .request_async(&carrier)
            .await;
        let granted = grants::granted(answer).map_err(denied)?;
        // Before anything is kept, and long before it is used.
        super::base(&granted, &endpoints.login, endpoints.may_move_to).map_err(denied)?;
        let refresh = granted.refresh.ok_or(Denial::NoRefreshToken)?;
        let found = granted.facts.organisation_and_user();
        if let (Some(bound), Some((found, _))) = (bound, found)
            && bound != found
        {
            give_back(&self.http, endpoints.revoke_url.as_ref(), &refresh).await;
            return Err(Denial::OtherOrganisation {
                bound: bound.to_owned(),
                found: found.to_owned(),
            });
        }
        if let Err(denial) = keep(vault, endpoints.vault_key, &refresh).await {
            give_back(&self.http, endpoints.revoke_url.as_ref(), &refresh).await;
            return Err(denial);
        }
        Ok(LoggedIn {
            scopes: granted.facts.scopes,
        })
    }
}

async fn keep(vault: &dyn Vault, name: &'static str, secret: &SecretString) -> Result<(), Denial> {
    let bytes = secret.expose_secret().as_bytes().to_vec();
    vault.write(name, bytes).await.map_err(|error| match error {
        StoreError::Secret(message) => Denial::Key(message),
        error => Denial::Keep(error),
    })
}

/// A token that nobody is to use. Where this fails it lies unused until it ends.
async fn give_back(http: &Http, revoke_url: Option<&Url>, token: &SecretString) {
    if let Some(url) = revoke_url
        && let Err(Fault { failure, .. }) = grants::revoke(http, url, token).await
    {
        let (kind, code) = (failure.kind.name(), failure.plain_code());
        tracing::warn!(kind, code, "an unwanted login could not be revoked");
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}
