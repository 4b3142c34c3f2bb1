//! The interactive login: the address an operator opens, and what the browser brings back.

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::failures::Fault;
use super::super::http::Http;
use super::grants;
use crate::domain::failure::Failure;
use crate::ports::{StoreError, Vault};

/// Where a login happens and as which application.
pub(in crate::adapters) struct Endpoints {
    pub(in crate::adapters) client_id: String,
    pub(in crate::adapters) secret: Option<SecretString>,
    pub(in crate::adapters) authorize_url: Url,
    pub(in crate::adapters) token_url: Url,
    pub(in crate::adapters) scopes: &'static [&'static str],
    pub(in crate::adapters) vault_key: &'static str,
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

/// Why a login did not end with a refresh token.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    #[error("this address is not the answer to this login; start again")]
    WrongState,
    #[error("the login was refused: {0}")]
    Refused(String),
    #[error("the address holds no authorization code")]
    NoCode,
    #[error("exchanging the authorization code failed")]
    Exchange(#[source] Failure),
    #[error("the application may not stay logged in: no refresh token came back")]
    NoRefreshToken,
    #[error("the refresh token could not be kept")]
    Keep(#[source] StoreError),
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

    /// Takes the address that the browser was sent to, exchanges its code, keeps the refresh token.
    pub async fn finish(
        self,
        redirected: &Url,
        vault: &dyn Vault,
    ) -> Result<(), AuthorizationError> {
        let parameter = |name: &str| {
            redirected
                .query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        if parameter("state").as_deref() != Some(self.state.secret().as_str()) {
            return Err(AuthorizationError::WrongState);
        }
        if let Some(error) = parameter("error") {
            let said = parameter("error_description").unwrap_or(error);
            return Err(AuthorizationError::Refused(said));
        }
        let code = parameter("code").ok_or(AuthorizationError::NoCode)?;
        let endpoints = &self.endpoints;
        let client = grants::token_client(
            &endpoints.client_id,
            endpoints.secret.as_ref(),
            &endpoints.token_url,
        )
        .set_redirect_uri(self.redirect);
        let carrier = grants::Carrier(self.http);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(self.verifier)
            .request_async(&carrier)
            .await;
        let granted = grants::granted(answer)
            .map_err(|Fault { failure, .. }| AuthorizationError::Exchange(failure))?;
        let refresh = granted.refresh.ok_or(AuthorizationError::NoRefreshToken)?;
        let secret = refresh.expose_secret().as_bytes().to_vec();
        let kept = vault.write(endpoints.vault_key, secret).await;
        kept.map_err(AuthorizationError::Keep)
    }
}
