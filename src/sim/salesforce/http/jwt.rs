//! JSON Web Tokens of the bearer flow: taken apart, dated, and checked against the app's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value as Json};

use crate::sim::clock::{MINUTE_MS, Timestamp};
use crate::sim::salesforce::oauth::{App, OAuthError};

/// OAuth: an assertion may not be valid for longer than this.
const LIFE_MS_MAX: i64 = 5 * MINUTE_MS;

pub(super) struct Assertion<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    header: Map<String, Json>,
    claims: Map<String, Json>,
}

const MALFORMED: OAuthError = OAuthError::new("invalid_grant", "invalid assertion");

impl<'t> Assertion<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, OAuthError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED)?;
            serde_json::from_slice(&bytes).map_err(|_| MALFORMED)
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?;
        Ok(Self {
            signed,
            signature,
            header: object(header)?,
            claims: object(claims)?,
        })
    }

    pub(super) fn claim(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// 1. Signed with the app's key, by RS256 and nothing else.
    /// 2. Meant for this host.
    /// 3. Neither expired nor valid for too long.
    pub(super) fn verify(
        &self,
        app: &App,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let is_rs256 = self.header.get("alg").and_then(Json::as_str) == Some("RS256");
        let key = app.public_key.as_ref().filter(|_| is_rs256);
        let key = key.ok_or(OAuthError::new(
            "invalid_grant",
            "invalid assertion signature",
        ))?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| OAuthError::new("invalid_grant", "invalid assertion signature"))?;
        if !audiences.contains(&self.claim("aud").trim_end_matches('/')) {
            return Err(OAuthError::new("invalid_grant", "audience is invalid"));
        }
        let expires = self
            .claims
            .get("exp")
            .and_then(Json::as_i64)
            .map(Timestamp::from_seconds);
        let left = expires.map_or(0, |expires| expires.millis_since(now));
        if left <= 0 || left > LIFE_MS_MAX {
            return Err(OAuthError::new(
                "invalid_grant",
                "expired authorization code",
            ));
        }
        Ok(())
    }
}
