//! `/oauth/v2`: tokens and consent.

use serde_json::{Map, Value as Json, json};

use super::super::auth::{GrantRequest, TokenRefusal};
use super::super::instance::Automation;
use super::super::user::UserId;
use super::answer::Answer;
use super::request::{Request, scalar_text};
use super::route::basic_credentials;
use crate::sim::clock::Timestamp;

/// POST or GET: parameters in a form, a JSON body or the query, credentials there or in Basic.
pub(super) fn token(brain: &mut Automation, now: Timestamp, request: &Request) -> Answer {
    let mut parameters: Map<String, Json> = match request.query.to_json() {
        Json::Object(query) => query,
        _ => Map::new(),
    };
    match request.member_map() {
        Ok(body) => parameters.extend(body),
        Err(_) => return TokenRefusal::InvalidRequest.into(),
    }
    let text = |key: &str| {
        parameters
            .get(key)
            .and_then(scalar_text)
            .unwrap_or_default()
    };
    let basic = request.authorization.as_deref().and_then(basic_credentials);
    let (key, secret) = basic.unwrap_or_else(|| (text("client_id"), text("client_secret")));
    let (code, redirect, refresh) = (text("code"), text("redirect_uri"), text("refresh_token"));
    let grant = match text("grant_type").as_str() {
        "client_credentials" => GrantRequest::ClientCredentials,
        "authorization_code" => GrantRequest::Code {
            code: &code,
            redirect: &redirect,
        },
        "refresh_token" => GrantRequest::Refresh(&refresh),
        "password" => GrantRequest::Password,
        _ => return TokenRefusal::InvalidRequest.into(),
    };
    match brain.token(now, &key, &secret, &grant) {
        Err(refusal) => refusal.into(),
        Ok(grant) => {
            let mut body = json!({
                "access_token": grant.access_token, "expires_in": grant.expires_in,
                "token_type": "bearer", "scope": null,
            });
            if let Some(refresh) = grant.refresh_token {
                body["refresh_token"] = json!(refresh);
            }
            let headers = vec![
                ("Cache-Control", "no-store, private".to_owned()),
                ("Pragma", "no-cache".to_owned()),
            ];
            Answer {
                is_versioned: false,
                headers,
                ..Answer::ok(body)
            }
        }
    }
}

/// The consent page, without the page: the administrator is logged in and says yes.
pub(super) fn authorize(brain: &mut Automation, now: Timestamp, request: &Request) -> Answer {
    let text = |key: &str| request.query.text(key).unwrap_or_default();
    let asks_for_code =
        text("response_type") == "code" || text("grant_type") == "authorization_code";
    if !asks_for_code {
        return TokenRefusal::InvalidRequest.into();
    }
    let redirect = text("redirect_uri");
    match brain.consent(now, text("client_id"), redirect, UserId(1)) {
        Err(refusal) => refusal.into(),
        Ok(code) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query
                .append_pair("state", text("state"))
                .append_pair("code", &code);
            let joint = if redirect.contains('?') { '&' } else { '?' };
            Answer::redirect(302, format!("{redirect}{joint}{}", query.finish()))
        }
    }
}
