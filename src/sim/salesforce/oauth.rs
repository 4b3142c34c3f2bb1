//! Who may call: apps, codes, tokens, sessions. Knows no URL and no form; the skin brings both.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::Salesforce;
use super::schema::USER;
use super::value::Value;
use crate::sim::clock::{HOUR_MS, MINUTE_MS, Timestamp};

/// OAuth: an authorization code lives this long, and once.
const CODE_LIFE_MS: i64 = 15 * MINUTE_MS;
/// OAuth: a sixth login silently revokes the oldest refresh token of a user and app.
const REFRESH_TOKENS_MAX: usize = 5;

/// A connected app (today: an external client app).
#[derive(Clone, Debug)]
pub struct App {
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<String>,
    pub callbacks: Vec<String>,
    pub scope: String,
    pub pkce: Pkce,
    pub refresh: RefreshPolicy,
    /// The user of the client credentials flow; none switches the flow off.
    pub run_as: Option<RecordId>,
    /// RSA public key (PKCS#1 DER) for the JWT bearer flow.
    pub public_key: Option<Vec<u8>>,
    /// Users an administrator has approved for the JWT bearer flow.
    pub approved: BTreeSet<RecordId>,
    /// A new application: until then no server knows it.
    pub known_from: Option<Timestamp>,
    /// An administrator blocked it.
    pub is_blocked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshPolicy {
    UntilRevoked,
    /// Each refresh gives a new token and kills the old one.
    Rotating,
    /// Dead at the first refresh.
    ExpiresImmediately,
    /// Dead when unused for so long.
    ExpiresIdle {
        after_ms: i64,
    },
}

impl App {
    pub fn new(client_id: &str, client_secret: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: Some(client_secret.to_owned()),
            callbacks: Vec::new(),
            scope: "refresh_token api".to_owned(),
            pkce: Pkce::Optional,
            refresh: RefreshPolicy::UntilRevoked,
            run_as: None,
            public_key: None,
            approved: BTreeSet::new(),
            known_from: None,
            is_blocked: false,
        }
    }
}

/// `{ "error": …, "error_description": … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    pub error: &'static str,
    pub description: &'static str,
    pub status: u16,
}

impl OAuthError {
    pub const fn new(error: &'static str, description: &'static str) -> Self {
        Self {
            error,
            description,
            status: 400,
        }
    }
}

pub const DEAD_TOKEN: OAuthError = OAuthError::new("invalid_grant", "expired access/refresh token");
pub const BAD_CODE: OAuthError = OAuthError::new("invalid_grant", "invalid authorization code");
pub const UNKNOWN_CLIENT: OAuthError =
    OAuthError::new("invalid_client_id", "client identifier invalid");
pub const BLOCKED: OAuthError =
    OAuthError::new("OAUTH_APP_BLOCKED", "this app is blocked by admin");
pub const WRONG_SECRET: OAuthError = OAuthError {
    error: "invalid_client",
    description: "invalid client credentials",
    status: 400,
};

/// What a browser asked for at the authorize endpoint.
#[derive(Clone, Debug, Default)]
pub struct AuthorizeRequest {
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: Option<String>,
    pub challenge: Option<String>,
}

#[derive(Clone, Debug)]
struct Code {
    request: AuthorizeRequest,
    user: RecordId,
    issued: Timestamp,
}

#[derive(Clone, Debug)]
struct Refresh {
    client_id: String,
    user: RecordId,
    scope: String,
    last_used: Timestamp,
}

#[derive(Clone, Debug)]
struct Session {
    client_id: String,
    user: RecordId,
    scope: String,
    issued: Timestamp,
    last_used: Timestamp,
    refresh: Option<String>,
}

/// A granted access token and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub scope: String,
    pub user: RecordId,
    pub issued: Timestamp,
}

/// What introspection says of a live token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    pub client_id: String,
    pub scope: String,
    pub user: RecordId,
    pub issued: Timestamp,
    /// None for a refresh token.
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct OAuth {
    apps: BTreeMap<String, App>,
    codes: BTreeMap<String, Code>,
    refreshes: BTreeMap<String, Refresh>,
    sessions: BTreeMap<String, Session>,
    session_ms: i64,
}

impl Default for OAuth {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            codes: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            session_ms: 2 * HOUR_MS,
        }
    }
}

impl Salesforce {
    pub fn add_app(&mut self, app: App) {
        self.oauth.apps.insert(app.client_id.clone(), app);
    }

    pub fn app(&self, client_id: &str) -> Option<&App> {
        self.oauth.apps.get(client_id)
    }

    pub fn app_mut(&mut self, client_id: &str) -> Option<&mut App> {
        self.oauth.apps.get_mut(client_id)
    }

    /// Sessions slide: each call puts their end this far away again.
    pub fn set_session_life(&mut self, life_ms: i64) {
        self.oauth.session_ms = life_ms;
    }

    /// Ends every session, as an administrator or a fault does in the middle of work.
    pub fn expire_sessions(&mut self) {
        self.oauth.sessions.clear();
    }

    /// Kills every refresh token, so that only a new login helps.
    pub fn revoke_all_grants(&mut self) {
        self.oauth.refreshes.clear();
        self.oauth.sessions.clear();
    }

    /// Logins of persons that are alive.
    pub fn grants(&self) -> usize {
        self.oauth.refreshes.len()
    }

    /// A session without any flow: `sf org login access-token`, or a test in a hurry.
    pub fn open_session(&mut self, user: RecordId, now: Timestamp) -> String {
        self.start_session("", "api", user, None, now).access
    }

    /// Whose session a bearer token is. Using it keeps it alive.
    pub fn authenticate(&mut self, token: &str, now: Timestamp) -> Outcome<RecordId> {
        let life = self.oauth.session_ms;
        let session = self.oauth.sessions.get_mut(token);
        let alive = session.filter(|session| now.millis_since(session.last_used) < life);
        let Some(session) = alive else {
            let message = "Session expired or invalid";
            return Err(ApiError::new(ErrorCode::INVALID_SESSION_ID, message));
        };
        session.last_used = session.last_used.max(now);
        Ok(session.user)
    }

    /// Checks what a browser brought before anybody is asked to log in.
    pub fn check_authorize(
        &self,
        request: &AuthorizeRequest,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let app = self.known_app(&request.client_id, now)?;
        if request.redirect_uri.is_empty() {
            let error = OAuthError::new("redirect_uri_missing", "redirect_uri missing");
            return Err(error);
        }
        if !app.callbacks.contains(&request.redirect_uri) {
            let description = "redirect_uri must match configuration";
            return Err(OAuthError::new("redirect_uri_mismatch", description));
        }
        if app.pkce == Pkce::Required && request.challenge.is_none() {
            let description = "missing required code challenge";
            return Err(OAuthError::new("invalid_request", description));
        }
        let allowed: BTreeSet<&str> = app
            .scope
            .split(' ')
            .chain(["offline_access", "full", "openid"])
            .collect();
        let asked = request.scope.as_deref().unwrap_or("");
        if asked
            .split(' ')
            .any(|one| !one.is_empty() && !allowed.contains(one))
        {
            let description = "the requested scope is not allowed";
            return Err(OAuthError::new("invalid_scope", description));
        }
        Ok(())
    }

    /// The user said yes.
    pub fn approve(
        &mut self,
        request: AuthorizeRequest,
        user: RecordId,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        self.check_authorize(&request, now)?;
        // Real codes end so too, which catches clients that forget to decode them.
        let code = format!("aPrx{}==", self.random.token(60));
        self.oauth.codes.insert(
            code.clone(),
            Code {
                request,
                user,
                issued: now,
            },
        );
        Ok(code)
    }

    pub fn grant_code(
        &mut self,
        client: (&str, Option<&str>),
        (code, redirect_uri): (&str, &str),
        verifier: Option<&str>,
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let app = self.client(client, now)?.clone();
        // Taken out before it is looked at: a code is spent by the first try.
        let code = self.oauth.codes.remove(code).ok_or(BAD_CODE)?;
        if code.request.client_id != app.client_id {
            return Err(BAD_CODE);
        }
        if now.millis_since(code.issued) > CODE_LIFE_MS {
            return Err(OAuthError::new(
                "invalid_grant",
                "expired authorization code",
            ));
        }
        if code.request.redirect_uri != redirect_uri {
            let description = "redirect_uri must match configuration";
            return Err(OAuthError::new("redirect_uri_mismatch", description));
        }
        check_verifier(code.request.challenge.as_deref(), verifier)?;
        self.check_active(code.user)?;
        let scope = code
            .request
            .scope
            .filter(|scope| !scope.is_empty())
            .unwrap_or(app.scope.clone());
        let may_refresh = scope
            .split(' ')
            .any(|one| matches!(one, "refresh_token" | "offline_access" | "full"));
        let refresh = may_refresh.then(|| self.new_refresh(&app, code.user, &scope, now));
        let mut tokens =
            self.start_session(&app.client_id, &scope, code.user, refresh.clone(), now);
        tokens.refresh = refresh;
        Ok(tokens)
    }

    pub fn grant_refresh(
        &mut self,
        client: (&str, Option<&str>),
        token: &str,
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let app = self.client(client, now)?.clone();
        let known = self.oauth.refreshes.get_mut(token);
        let grant = known
            .filter(|grant| grant.client_id == app.client_id)
            .ok_or(DEAD_TOKEN)?;
        let idle_ms = now.millis_since(grant.last_used);
        grant.last_used = now;
        let grant = grant.clone();
        let is_dead = match app.refresh {
            RefreshPolicy::ExpiresImmediately => true,
            RefreshPolicy::ExpiresIdle { after_ms } => idle_ms > after_ms,
            RefreshPolicy::UntilRevoked | RefreshPolicy::Rotating => false,
        };
        if is_dead {
            self.oauth.refreshes.remove(token);
            return Err(DEAD_TOKEN);
        }
        self.check_active(grant.user)?;
        let mut kept = token.to_owned();
        if app.refresh == RefreshPolicy::Rotating {
            self.oauth.refreshes.remove(token);
            kept = self.new_refresh(&app, grant.user, &grant.scope, now);
        }
        let rotated = (kept != token).then(|| kept.clone());
        let mut tokens =
            self.start_session(&app.client_id, &grant.scope, grant.user, Some(kept), now);
        tokens.refresh = rotated;
        Ok(tokens)
    }

    pub fn grant_client_credentials(
        &mut self,
        client: (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let app = self.client(client, now)?.clone();
        if client.1.is_none() || app.client_secret.is_none() {
            return Err(WRONG_SECRET);
        }
        let user = app.run_as.ok_or(OAuthError::new(
            "invalid_grant",
            "no client credentials user enabled",
        ))?;
        self.check_active(user)?;
        Ok(self.start_session(&app.client_id, "api", user, None, now))
    }

    /// The skin has verified the assertion's signature and dates.
    pub fn grant_assertion(
        &mut self,
        client_id: &str,
        username: &str,
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let app = self.known_app(client_id, now)?.clone();
        let user = self.user_named(username);
        let unapproved = OAuthError::new("invalid_grant", "user hasn't approved this consumer");
        let user = user
            .filter(|user| app.approved.contains(user))
            .ok_or(unapproved)?;
        self.check_active(user)?;
        Ok(self.start_session(&app.client_id, "api", user, None, now))
    }

    /// Either kind of token; a refresh token takes its access tokens with it.
    pub fn revoke(&mut self, token: &str) -> Result<(), OAuthError> {
        if self.oauth.sessions.remove(token).is_some() {
            return Ok(());
        }
        if self.oauth.refreshes.remove(token).is_none() {
            return Err(OAuthError::new("invalid_token", "invalid token"));
        }
        self.oauth
            .sessions
            .retain(|_, session| session.refresh.as_deref() != Some(token));
        Ok(())
    }

    /// None for a token that is dead or was never given.
    pub fn introspect(
        &self,
        client: (&str, Option<&str>),
        token: &str,
        now: Timestamp,
    ) -> Result<Option<TokenFacts>, OAuthError> {
        self.client(client, now)?;
        if let Some(session) = self.oauth.sessions.get(token) {
            let expires = session.last_used.plus_millis(self.oauth.session_ms);
            return Ok((now < expires).then(|| TokenFacts {
                client_id: session.client_id.clone(),
                scope: session.scope.clone(),
                user: session.user,
                issued: session.issued,
                expires: Some(expires),
            }));
        }
        Ok(self.oauth.refreshes.get(token).map(|refresh| TokenFacts {
            client_id: refresh.client_id.clone(),
            scope: refresh.scope.clone(),
            user: refresh.user,
            issued: refresh.last_used,
            expires: None,
        }))
    }

    pub fn user_named(&self, username: &str) -> Option<RecordId> {
        let field = self.schema.object(USER).find("Username")?;
        self.table(USER)
            .holders(field, &Value::text(username), false)
            .first()
            .copied()
    }

    /// An application that its administrator has not blocked, and that has spread to all servers.
    fn known_app(&self, id: &str, now: Timestamp) -> Result<&App, OAuthError> {
        let app = self.oauth.apps.get(id).ok_or(UNKNOWN_CLIENT)?;
        if app.known_from.is_some_and(|from| now < from) {
            return Err(UNKNOWN_CLIENT);
        }
        if app.is_blocked {
            return Err(BLOCKED);
        }
        Ok(app)
    }

    fn client(
        &self,
        (id, secret): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<&App, OAuthError> {
        let app = self.known_app(id, now)?;
        match (&app.client_secret, secret) {
            (Some(known), Some(given)) if known != given => Err(WRONG_SECRET),
            _ => Ok(app),
        }
    }

    fn check_active(&self, user: RecordId) -> Result<(), OAuthError> {
        if self.value(user, "IsActive") == Value::Bool(true) {
            return Ok(());
        }
        Err(OAuthError::new("inactive_user", "user is inactive"))
    }

    fn new_refresh(&mut self, app: &App, user: RecordId, scope: &str, now: Timestamp) -> String {
        let mut held: Vec<(Timestamp, String)> = self
            .oauth
            .refreshes
            .iter()
            .filter(|(_, one)| one.client_id == app.client_id && one.user == user)
            .map(|(token, one)| (one.last_used, token.clone()))
            .collect();
        held.sort();
        if held.len() >= REFRESH_TOKENS_MAX {
            self.oauth.refreshes.remove(&held[0].1);
        }
        let token = format!("5Aep861{}", self.random.token(64));
        let refresh = Refresh {
            client_id: app.client_id.clone(),
            user,
            scope: scope.to_owned(),
            last_used: now,
        };
        self.oauth.refreshes.insert(token.clone(), refresh);
        token
    }

    fn start_session(
        &mut self,
        client_id: &str,
        scope: &str,
        user: RecordId,
        refresh: Option<String>,
        now: Timestamp,
    ) -> Tokens {
        let organization = self.organization().to_string();
        let access = format!("{}!AR8AQ{}", &organization[..15], self.random.token(80));
        let session = Session {
            client_id: client_id.to_owned(),
            user,
            scope: scope.to_owned(),
            issued: now,
            last_used: now,
            refresh,
        };
        self.oauth.sessions.insert(access.clone(), session);
        Tokens {
            access,
            refresh: None,
            scope: scope.to_owned(),
            user,
            issued: now,
        }
    }
}

/// 1. A challenge without a verifier is an invalid grant.
/// 2. A verifier that is no verifier, or not the right one, is an invalid request.
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let Some(challenge) = challenge else {
        return Ok(());
    };
    let Some(verifier) = verifier else {
        return Err(OAuthError::new("invalid_grant", "code verifier missing"));
    };
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    let is_shaped = (43..=128).contains(&verifier.len());
    if !is_shaped || URL_SAFE_NO_PAD.encode(digest) != challenge.trim_end_matches('=') {
        return Err(OAuthError::new("invalid_request", "invalid code verifier"));
    }
    Ok(())
}
