//! API credentials, codes, tokens and the rate limit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::author::AuthorId;
use super::time::Shown;
use super::user::{RoleId, UserId};
use crate::sim::clock::Timestamp;

/// Who makes a call, once the credentials are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub by: AuthorId,
    /// None for a token that a credential got for itself.
    pub user: Option<UserId>,
    pub role: RoleId,
}

/// One API credential: public key, secret key, redirect addresses.
#[derive(Clone, Debug)]
pub struct Client {
    pub number: u32,
    pub name: String,
    pub random: String,
    pub secret: String,
    pub redirects: Vec<String>,
    /// Only credentials made by an administrator get the client_credentials grant.
    pub acts_alone: bool,
    /// The role of the user who made it.
    pub role: RoleId,
    pub by: AuthorId,
}

impl Client {
    /// `1_abc…`, the public key.
    pub fn public_key(&self) -> String {
        format!("{}_{}", self.number, self.random)
    }
}

/// Why a token request failed. All of them answer 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    InvalidClient,
    InvalidRequest,
    UnauthorizedClient,
    InvalidCode,
    InvalidRefreshToken,
    ExpiredCode,
    WrongRedirect,
}

impl TokenRefusal {
    pub const fn kind(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidCode | Self::InvalidRefreshToken | Self::ExpiredCode => "invalid_grant",
            Self::WrongRedirect => "redirect_uri_mismatch",
        }
    }

    pub const fn message(self) -> &'static str {
        match self {
            Self::InvalidClient => "The client credentials are invalid",
            Self::InvalidRequest => "Invalid grant_type parameter or parameter missing",
            Self::UnauthorizedClient => "The grant type is unauthorized for this client_id",
            Self::InvalidCode => "Code doesn't exist or is invalid for the client",
            Self::InvalidRefreshToken => "Invalid refresh token",
            Self::ExpiredCode => "The authorization code has expired",
            Self::WrongRedirect => "The redirect URI is missing or do not match",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub access_token: String,
    pub expires_in: i64,
    /// A client_credentials grant has none.
    pub refresh_token: Option<String>,
}

/// A request for a token.
#[derive(Clone, Debug)]
pub enum GrantRequest<'a> {
    ClientCredentials,
    Code {
        code: &'a str,
        redirect: &'a str,
    },
    Refresh(&'a str),
    /// The password grant exists and is given to nobody.
    Password,
}

/// How a bearer token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    Unknown,
    Expired,
}

#[derive(Clone, Debug)]
struct Token {
    client: u32,
    caller: Caller,
    expires: Timestamp,
}

#[derive(Clone, Debug)]
struct Code {
    token: Token,
    redirect: String,
}

/// Lifetimes an instance starts with.
const ACCESS_LIFETIME_S: i64 = 3_600;
const REFRESH_LIFETIME_S: i64 = 14 * 86_400;
const CODE_LIFETIME_S: i64 = 30;
/// Characters of a token.
const TOKEN_LENGTH: usize = 86;

#[derive(Clone, Debug)]
pub struct Auth {
    clients: Vec<Client>,
    access: BTreeMap<String, Token>,
    refresh: BTreeMap<String, Token>,
    codes: BTreeMap<String, Code>,
    pub access_lifetime_s: i64,
    dice: u64,
}

impl Auth {
    pub fn new(seed: u64) -> Self {
        Self {
            clients: Vec::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            codes: BTreeMap::new(),
            access_lifetime_s: ACCESS_LIFETIME_S,
            dice: seed,
        }
    }

    pub fn add_client(&mut self, make: impl FnOnce(u32) -> Client) -> &Client {
        let number = self.clients.len() as u32 + 1;
        self.clients.push(make(number));
        &self.clients[number as usize - 1]
    }

    pub(super) fn replace_client(&mut self, client: Client) {
        if let Some(held) = self
            .clients
            .iter_mut()
            .find(|held| held.number == client.number)
        {
            *held = client;
        }
    }

    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Answers a token request. Earlier access tokens stay valid whatever is asked.
    pub fn grant(
        &mut self,
        now: Timestamp,
        key: &str,
        secret: &str,
        request: &GrantRequest<'_>,
    ) -> Result<Grant, TokenRefusal> {
        let known = |client: &&Client| client.public_key() == key && client.secret == secret;
        let client = self
            .clients
            .iter()
            .find(known)
            .ok_or(TokenRefusal::InvalidClient)?;
        let number = client.number;
        let own = Caller {
            by: client.by,
            user: None,
            role: client.role,
        };
        let acts_alone = client.acts_alone;
        match request {
            GrantRequest::ClientCredentials if acts_alone => {
                Ok(self.issue(now, number, own, false))
            }
            GrantRequest::ClientCredentials | GrantRequest::Password => {
                Err(TokenRefusal::UnauthorizedClient)
            }
            GrantRequest::Code { code, redirect } => {
                let valid = |held: &&Code| held.token.client == number;
                let held = self
                    .codes
                    .get(*code)
                    .filter(valid)
                    .ok_or(TokenRefusal::InvalidCode)?;
                if held.redirect != *redirect {
                    return Err(TokenRefusal::WrongRedirect);
                }
                if held.token.expires < now {
                    return Err(TokenRefusal::ExpiredCode);
                }
                let caller = held.token.caller;
                self.codes.remove(*code);
                Ok(self.issue(now, number, caller, true))
            }
            GrantRequest::Refresh(token) => {
                let valid = |held: &&Token| held.client == number && held.expires >= now;
                let held = self.refresh.get(*token).filter(valid);
                let caller = held.ok_or(TokenRefusal::InvalidRefreshToken)?.caller;
                self.refresh.remove(*token);
                Ok(self.issue(now, number, caller, true))
            }
        }
    }

    /// The credential of that public key, which must list the address.
    pub fn client_for(&self, key: &str, redirect: &str) -> Result<&Client, TokenRefusal> {
        let client = self
            .clients
            .iter()
            .find(|client| client.public_key() == key);
        let client = client.ok_or(TokenRefusal::InvalidClient)?;
        if client.redirects.iter().any(|known| known == redirect) {
            Ok(client)
        } else {
            Err(TokenRefusal::WrongRedirect)
        }
    }

    /// The code a user's consent gives to a credential, for one of its redirect addresses.
    pub fn consent(
        &mut self,
        now: Timestamp,
        key: &str,
        redirect: &str,
        caller: Caller,
    ) -> Result<String, TokenRefusal> {
        let client = self.client_for(key, redirect)?;
        let expires = now.plus_seconds(CODE_LIFETIME_S);
        let token = Token {
            client: client.number,
            caller,
            expires,
        };
        let code = self.random_text();
        self.codes.insert(
            code.clone(),
            Code {
                token,
                redirect: redirect.to_owned(),
            },
        );
        Ok(code)
    }

    pub fn bearer(&self, now: Timestamp, token: &str) -> Result<Caller, BadToken> {
        let token = self.access.get(token).ok_or(BadToken::Unknown)?;
        if token.expires < now {
            Err(BadToken::Expired)
        } else {
            Ok(token.caller)
        }
    }

    /// Gives a credential another role, which its tokens act under from now on.
    pub fn set_role(&mut self, number: u32, role: super::user::RoleId) {
        for client in self.clients.iter_mut().filter(|one| one.number == number) {
            client.role = role;
        }
        let tokens = self.access.values_mut().chain(self.refresh.values_mut());
        for token in tokens.filter(|token| token.client == number) {
            if token.caller.user.is_none() {
                token.caller.role = role;
            }
        }
    }

    /// Ends every access token at once, as an administrator would by removing the credential's tokens.
    pub fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    fn issue(&mut self, now: Timestamp, client: u32, caller: Caller, renewable: bool) -> Grant {
        let access_token = self.random_text();
        let expires = now.plus_seconds(self.access_lifetime_s);
        self.access.insert(
            access_token.clone(),
            Token {
                client,
                caller,
                expires,
            },
        );
        let refresh_token = renewable.then(|| {
            let text = self.random_text();
            let expires = now.plus_seconds(REFRESH_LIFETIME_S);
            self.refresh.insert(
                text.clone(),
                Token {
                    client,
                    caller,
                    expires,
                },
            );
            text
        });
        Grant {
            access_token,
            expires_in: self.access_lifetime_s,
            refresh_token,
        }
    }

    fn random_text(&mut self) -> String {
        // SplitMix64 written out in hexadecimal: distinct and repeatable, not secret.
        let mut out = String::with_capacity(TOKEN_LENGTH + 16);
        while out.len() < TOKEN_LENGTH {
            self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.dice;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            // Writing to a String cannot fail.
            let _ = write!(out, "{:016x}", z ^ (z >> 31));
        }
        out.truncate(TOKEN_LENGTH);
        out
    }
}

/// Calls allowed in an hour, and those made in the current one.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    pub limit: u32,
    used: u32,
    resets: Timestamp,
}

/// What the rate-limit headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub limit: u32,
    pub remaining: u32,
    pub resets: Timestamp,
    pub is_exceeded: bool,
}

impl RateLimit {
    pub const fn hourly(limit: u32) -> Self {
        Self {
            limit,
            used: 0,
            resets: Timestamp::MIN,
        }
    }

    /// Counts one call.
    pub fn take(&mut self, now: Timestamp) -> Allowance {
        if now >= self.resets {
            self.used = 0;
            self.resets = now.plus_seconds(3_600);
        }
        let is_exceeded = self.used >= self.limit;
        self.used = (self.used + 1).min(self.limit);
        let remaining = self.limit - self.used;
        Allowance {
            limit: self.limit,
            remaining,
            resets: self.resets,
            is_exceeded,
        }
    }
}
