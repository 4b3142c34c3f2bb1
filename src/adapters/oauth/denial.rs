//! Why a side did not let us in, as far as its answer tells, each with what to do about it. The only
//! place where the two systems' refusals are read and put into words.
//!
//! Sources: the reference of the Salesforce API, sections 1.2, 2 and 2.5; of the Automation API,
//! section 2, and its answers as they were recorded.

use std::fmt::Write as _;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::ports::StoreError;

/// How long Salesforce takes to tell all its servers of a new application.
const PROPAGATION: &str = "10 minutes";

/// A refusal with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum Denial {
    // What the browser brings back.
    #[error(
        "this address is not the answer to this login (its state is another one); open the address \
         that was shown last, or start again"
    )]
    WrongState,
    #[error(
        "the address holds no authorization code; paste the whole address, from http to its end"
    )]
    NoCode,
    #[error(
        "the person at the browser did not allow it (access_denied); start again, log in as the \
         integration's user and choose Allow"
    )]
    DeniedByPerson,
    #[error(
        "the call-back address is not in the application's list. Enter exactly {redirect} — in \
         Salesforce: Setup > App Manager > the application > Edit > Callback URL; in Automation: \
         Settings > API Credentials > the credential > Redirect URI"
    )]
    RedirectMismatch { redirect: String },
    #[error(
        "the authorization code is spent or was never given; a code works once. Start again, and \
         paste the address of this login"
    )]
    CodeSpent,
    #[error(
        "the authorization code has expired (Salesforce's live 15 minutes, Automation's 30 seconds); \
         start again"
    )]
    CodeExpired,
    #[error(
        "nobody came back from the browser within {minutes} minutes, so this attempt has ended and \
         nothing was changed; start again"
    )]
    NobodyCame { minutes: i64 },
    #[error(
        "no refresh token came back, so the login would end with this session: give the application \
         the scope “Perform requests at any time (refresh_token, offline_access)”, then start again"
    )]
    NoRefreshToken,
    #[error(
        "the login was let in and its first refresh refused: the application's refresh token policy \
         is “Immediately expire refresh token”. Choose “valid until revoked” — Setup > App Manager > \
         the application > Manage > Edit Policies — then start again"
    )]
    RefreshExpiresAtOnce,

    // The application.
    #[error(
        "Salesforce does not know the consumer key (client_id). A new application can take \
         {PROPAGATION} until every server knows it: wait and try again. If it is older, compare the \
         key, and login_url: a sandbox's application is known only at https://test.salesforce.com or \
         at its My Domain"
    )]
    UnknownApp,
    #[error(
        "Salesforce does not accept the consumer secret. Compare it — Setup > App Manager > the \
         application > Manage Consumer Details. If the application is new, it can take {PROPAGATION} \
         until every server knows it"
    )]
    WrongSecret,
    #[error(
        "the scopes “api” and “refresh_token” are not allowed to the application; add them — Setup > \
         App Manager > the application > Edit > Selected OAuth Scopes"
    )]
    ScopeNotAllowed,
    #[error(
        "the application is blocked or not approved in this organisation ({0}): Setup > Connected Apps \
         OAuth Usage > the application > Install or Unblock"
    )]
    AppBlocked(String),
    #[error(
        "this flow is switched off at the application ({0}); switch it on, or choose another flow"
    )]
    FlowOff(String),

    // The user.
    #[error(
        "{user} has not been pre-authorised: Setup > App Manager > the application > Manage > Edit \
         Policies > Permitted Users: “Admin approved users are pre-authorized”, then Manage Profiles or \
         Manage Permission Sets, and add one that the user has. If login_url is the wrong one of \
         production and sandbox, the user is not known there"
    )]
    NotPreAuthorised { user: String },
    #[error(
        "the user is inactive or frozen: Setup > Users > the user > Edit > Active, or Unfreeze"
    )]
    InactiveUser,
    #[error(
        "the organisation is inactive or locked ({0}); ask Salesforce, or log in there and see"
    )]
    InactiveOrganisation(String),
    #[error(
        "the user may not log in from this machine's address: Setup > Profiles > the profile > Login \
         IP Ranges, or the application's IP Relaxation"
    )]
    IpRestricted,
    #[error("the user could not be authenticated ({0}); see Setup > Login History for the reason")]
    NotAuthenticated(String),

    // Where.
    #[error(
        "client credentials are refused at login.salesforce.com and test.salesforce.com: set \
         [salesforce] login_url to the organisation's My Domain, like https://acme.my.salesforce.com \
         (Setup > My Domain)"
    )]
    GenericHost,
    #[error(
        "no user is set for client credentials: Setup > App Manager > the application > Manage > Edit \
         Policies > Client Credentials Flow > Run As"
    )]
    NoRunAsUser,
    #[error(
        "the login server does not accept an assertion for this address: login_url must be \
         https://login.salesforce.com for production, https://test.salesforce.com for a sandbox, or the \
         organisation's My Domain (https://….my.salesforce.com), and no other address that leads there"
    )]
    WrongAudience,
    #[error(
        "the login server does not accept the signature: the certificate at the application is not that of \
         [salesforce] private_key: Setup > App Manager > the application > Edit > Use digital signatures"
    )]
    WrongCertificate,
    #[error(
        "the instance file says {said}, but {organisation} is {found}; set [salesforce] login_url to \
         {remedy}"
    )]
    WrongBox {
        said: &'static str,
        organisation: String,
        found: &'static str,
        remedy: &'static str,
    },
    #[error(
        "this login belongs to {found}, and what is stored here to {bound}: log in as a user of the \
         latter, or use another data folder. Nothing was kept"
    )]
    OtherOrganisation { bound: String, found: String },
    #[error(
        "{0}; nothing was sent there. Compare the address in the instance file with the one in the browser"
    )]
    HostileInstance(String),

    // What was kept.
    #[error("not authorised yet: run `passerelle authorize {}`", (*.0).word())]
    NotYet(Side),
    #[error(
        "the kept login is no longer good at {side}: it was revoked, lay unused too long, or the \
         password changed. Log in again with: passerelle authorize {}", (*.side).word()
    )]
    LoginEnded { side: Side },
    #[error("{0}")]
    Key(String),
    #[error("the login could not be kept, so it is not used")]
    Keep(#[source] StoreError),

    // Automation.
    #[error(
        "Automation does not accept the public key or the secret key: compare both — Settings > API \
         Credentials"
    )]
    WrongKeys,
    #[error(
        "this credential may not use the flow “client_credentials”: only one that an administrator made \
         may. Have an administrator make a new one — Settings > API Credentials > New > OAuth 2"
    )]
    MadeByNoAdministrator,
    #[error("the API is switched off: Settings > Configuration > API Settings > API enabled")]
    ApiDisabled,
    #[error(
        "basic authentication is switched off: Settings > Configuration > API Settings > Enable HTTP \
         basic auth, or use OAuth 2"
    )]
    BasicDisabled,
    #[error("Automation does not accept the user name or the password")]
    WrongPassword,
    #[error(
        "Automation answers but lets nobody in without credentials that it knows ({0}); some servers \
         drop the Authorization header on the way"
    )]
    NotHeard(String),

    // The line.
    #[error("what answers at this address is not {side}: compare {}", address_setting(*.side))]
    WrongAddress { side: Side },
    #[error("{side} cannot be reached ({why}): check {} and the network", address_setting(*.side))]
    Unreachable { side: Side, why: String },
    #[error("{0} asks for a pause of some minutes: too many logins; try again later")]
    TooMany(Side),
    #[error("{0} is busy or under maintenance ({1}); try again later")]
    Busy(Side, String),
    #[error("{side} refused it: {code}{}", dashed(.message))]
    Other {
        side: Side,
        code: String,
        message: String,
    },
}

/// What was being tried, as far as it tells two meanings of one answer apart.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    pub side: Side,
    /// The call-back address of a login under way.
    pub redirect: Option<&'a str>,
    /// The user of an assertion.
    pub user: Option<&'a str>,
}

impl Attempt<'_> {
    pub const fn of(side: Side) -> Self {
        Self {
            side,
            redirect: None,
            user: None,
        }
    }

    /// What a redirect or an error page says.
    pub fn redirected(self, error: &str, description: &str) -> Denial {
        let failure = Failure::new(FailureKind::Unauthorised, error, description);
        self.denial(&failure)
    }

    /// 1. What never reached the other side, or is none of its words, is about the address.
    /// 2. Our own codes say what they are.
    /// 3. Then each system's refusals by their code, and by their words where one code says many things.
    pub fn denial(self, failure: &Failure) -> Denial {
        let side = self.side;
        let said = failure.message.as_str();
        match failure.code.as_str() {
            "secret-key" => return Denial::Key(said.to_owned()),
            "not-authorised" => return Denial::NotYet(side),
            "instance-url" => return Denial::HostileInstance(said.to_owned()),
            "not-json" | "token-answer" | "deep-json" | "too-large" | "301" | "302" | "303"
            | "307" | "308" | "404" => return Denial::WrongAddress { side },
            "connect" | "connection" | "timeout" => {
                let why = said.to_owned();
                return Denial::Unreachable { side, why };
            }
            // JSON, but no refusal of either system.
            "" if failure.kind == FailureKind::Broken => return Denial::WrongAddress { side },
            _ => {}
        }
        if let FailureKind::Throttled { .. } | FailureKind::LimitReached = failure.kind {
            return Denial::TooMany(side);
        }
        let told = match side {
            Side::Salesforce => self.of_salesforce(&failure.code, said),
            Side::Automation => self.of_automation(&failure.code, said),
        };
        told.unwrap_or_else(|| match failure.kind {
            FailureKind::Transient | FailureKind::Unknown => {
                Denial::Busy(side, format!("{}{}", failure.code, dashed(said)))
            }
            _ => Denial::Other {
                side,
                code: failure.code.clone(),
                message: said.to_owned(),
            },
        })
    }

    fn redirect_mismatch(self) -> Denial {
        Denial::RedirectMismatch {
            redirect: self.redirect.unwrap_or("the call-back address").to_owned(),
        }
    }

    fn of_salesforce(self, code: &str, said: &str) -> Option<Denial> {
        Some(match code {
            "invalid_client_id" => Denial::UnknownApp,
            "invalid_client" | "invalid_client_credentials" => Denial::WrongSecret,
            "redirect_uri_mismatch" | "redirect_uri_missing" => self.redirect_mismatch(),
            "access_denied" => Denial::DeniedByPerson,
            "invalid_scope" => Denial::ScopeNotAllowed,
            "inactive_user" => Denial::InactiveUser,
            "inactive_org" | "org_locked" => Denial::InactiveOrganisation(code.to_owned()),
            "OAUTH_APP_BLOCKED" | "OAUTH_APP_ACCESS_DENIED" | "OAUTH_APPROVAL_ERROR_GENERIC" => {
                Denial::AppBlocked(code.to_owned())
            }
            "unsupported_grant_type" | "unsupported_response_type" => {
                Denial::FlowOff(code.to_owned())
            }
            "invalid_grant" | "invalid_app_access" => return self.of_grant(said),
            "INVALID_SESSION_ID" => Denial::LoginEnded { side: self.side },
            _ => return None,
        })
    }

    /// One code for everything that is wrong with a grant: the words tell it.
    fn of_grant(self, said: &str) -> Option<Denial> {
        let said = said.to_lowercase();
        let has = |words: &str| said.contains(words);
        Some(if has("expired authorization code") {
            Denial::CodeExpired
        } else if has("authorization code") {
            Denial::CodeSpent
        } else if has("access/refresh token") {
            Denial::LoginEnded { side: self.side }
        } else if has("hasn't approved") || has("not admin approved") {
            Denial::NotPreAuthorised {
                user: self.user.unwrap_or("the user").to_owned(),
            }
        } else if has("not supported on this domain") {
            Denial::GenericHost
        } else if has("no client credentials user") {
            Denial::NoRunAsUser
        } else if has("audience") {
            Denial::WrongAudience
        } else if has("assertion signature") {
            Denial::WrongCertificate
        } else if has("ip restricted") {
            Denial::IpRestricted
        } else if has("inactive") {
            Denial::InactiveUser
        } else if has("authentication failure") {
            Denial::NotAuthenticated(said)
        } else {
            return None;
        })
    }

    /// Where its kernel refuses an API call, the code is the status and the words tell the rest.
    fn of_automation(self, code: &str, said: &str) -> Option<Denial> {
        let words = said.to_lowercase();
        let has = |part: &str| words.contains(part);
        Some(match code {
            "invalid_client" => Denial::WrongKeys,
            "unauthorized_client" => Denial::MadeByNoAdministrator,
            "redirect_uri_mismatch" => self.redirect_mismatch(),
            "api_disabled" => Denial::ApiDisabled,
            "access_denied" if self.redirect.is_some() => Denial::DeniedByPerson,
            "invalid_grant" if has("expired") && has("code") => Denial::CodeExpired,
            "invalid_grant" if has("code") => Denial::CodeSpent,
            "403" if has("basic auth disabled") => Denial::BasicDisabled,
            "403" if has("api disabled") => Denial::ApiDisabled,
            "401" if has("invalid credentials") => Denial::WrongPassword,
            "401" if has("denied") => Denial::NotHeard(said.to_owned()),
            "invalid_grant" | "401" => Denial::LoginEnded { side: self.side },
            _ => return None,
        })
    }
}

const fn address_setting(side: Side) -> &'static str {
    match side {
        Side::Salesforce => "[salesforce] login_url",
        Side::Automation => "[automation] base_url, which is where people log in, without /api",
    }
}

fn dashed(said: &str) -> String {
    let mut text = String::new();
    if !said.is_empty() {
        let _ = write!(text, " ({said})"); // Into a string: cannot fail.
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a system answers, and a word of the sentence that people are told.
    #[track_caller]
    fn check(side: Side, code: &str, said: &str, word: &str) {
        let attempt = Attempt {
            side,
            redirect: Some("http://localhost:1717/OauthRedirect"),
            user: Some("sync@acme.example"),
        };
        let failure = Failure::new(FailureKind::Unauthorised, code, said);
        let told = attempt.denial(&failure).to_string();
        assert!(told.contains(word), "{code}, {said}: {told}");
    }

    #[test]
    fn every_refusal_of_salesforce_has_its_own_sentence_and_remedy() {
        let cases = [
            (
                "invalid_client_id",
                "client identifier invalid",
                "10 minutes",
            ),
            (
                "invalid_client",
                "invalid client credentials",
                "consumer secret",
            ),
            (
                "redirect_uri_mismatch",
                "",
                "http://localhost:1717/OauthRedirect",
            ),
            ("access_denied", "end-user denied authorization", "Allow"),
            ("invalid_scope", "", "Selected OAuth Scopes"),
            ("inactive_user", "user is inactive", "Unfreeze"),
            ("inactive_org", "", "organisation is inactive"),
            ("OAUTH_APP_BLOCKED", "", "Unblock"),
            (
                "invalid_grant",
                "expired access/refresh token",
                "Log in again",
            ),
            ("invalid_grant", "expired authorization code", "15 minutes"),
            ("invalid_grant", "invalid authorization code", "works once"),
            (
                "invalid_grant",
                "user hasn't approved this consumer",
                "sync@acme.example",
            ),
            (
                "invalid_grant",
                "request not supported on this domain",
                "My Domain",
            ),
            (
                "invalid_grant",
                "no client credentials user enabled",
                "Run As",
            ),
            (
                "invalid_grant",
                "audience is invalid",
                "test.salesforce.com",
            ),
            (
                "invalid_grant",
                "invalid assertion signature",
                "digital signatures",
            ),
            ("invalid_grant", "ip restricted", "Login IP Ranges"),
            ("invalid_grant", "authentication failure", "Login History"),
            (
                "not-json",
                "HTTP 404 with a body that is not JSON",
                "login_url",
            ),
            ("brand_new", "so far unheard of", "so far unheard of"),
        ];
        for (code, said, word) in cases {
            check(Side::Salesforce, code, said, word);
        }
    }

    /// The words are those of the recorded answers.
    #[test]
    fn every_refusal_of_automation_has_its_own_sentence_and_remedy() {
        let cases = [
            (
                "invalid_client",
                "The client credentials are invalid",
                "secret key",
            ),
            (
                "unauthorized_client",
                "The grant type is unauthorized",
                "administrator",
            ),
            (
                "redirect_uri_mismatch",
                "The redirect URI is missing",
                "Redirect URI",
            ),
            (
                "invalid_grant",
                "Code doesn't exist or is invalid for the client",
                "works once",
            ),
            (
                "invalid_grant",
                "The authorization code has expired",
                "30 seconds",
            ),
            ("invalid_grant", "Invalid refresh token", "Log in again"),
            (
                "403",
                "API disabled. You need to enable the API",
                "API enabled",
            ),
            ("403", "Basic Auth disabled.", "basic auth"),
            (
                "401",
                "Authorization denied, invalid credentials.",
                "password",
            ),
            ("401", "API authorization denied.", "Authorization header"),
            ("301", "the server redirects elsewhere", "base_url"),
            ("connect", "connection refused", "cannot be reached"),
        ];
        for (code, said, word) in cases {
            check(Side::Automation, code, said, word);
        }
    }
}
