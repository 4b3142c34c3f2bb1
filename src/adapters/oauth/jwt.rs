//! The signed assertion of the JWT bearer flow (RFC 7523), RS256.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::super::failures::Fault;
use crate::domain::time::{Span, Timestamp};

/// Salesforce refuses assertions that live longer than five minutes; clocks differ a little.
const LIFETIME: Span = Span::minutes(3);

/// The private key whose certificate the Salesforce app knows.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// From PEM, PKCS #8 or PKCS #1.
    pub(crate) fn from_pem(pem: &SecretString) -> Result<Self, Fault> {
        let refused = |message| Fault::broken("private-key", message);
        let body: String = pem
            .expose_secret()
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD
            .decode(body)
            .map_err(|_| refused("the private key is no PEM text".to_owned()))?;
        RsaKeyPair::from_pkcs8(&der)
            .or_else(|_| RsaKeyPair::from_der(&der))
            .map(Self)
            .map_err(|error| refused(format!("the private key is no usable RSA key: {error}")))
    }

    pub(crate) fn assertion(
        &self,
        client_id: &str,
        username: &str,
        login: &Url,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({
            "iss": client_id,
            "sub": username,
            "aud": login.as_str().trim_end_matches('/'),
            "exp": (now + LIFETIME).seconds(),
        });
        let encode = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Fault::broken("private-key", "signing the assertion failed"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
