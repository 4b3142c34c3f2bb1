//! `/oauth/v2`: tokens and consent.

use std::fmt::Write as _;

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

/// The consent page: the administrator is logged in, and is asked whether to allow it. Refused before
/// anybody is asked: a request for something else than a code, an unknown credential, an address that
/// is not one of the credential's.
pub(super) fn authorize(brain: &mut Automation, now: Timestamp, request: &Request) -> Answer {
    let query = match request.query.to_json() {
        Json::Object(query) => query,
        _ => Map::new(),
    };
    let asked = Asked(query);
    if let Err(refusal) = asked.check(brain) {
        return refusal.into();
    }
    // A script that says who it is wants no page.
    if asked.is_set("login_hint") {
        return allow(brain, now, &asked);
    }
    Answer::page(asked.page())
}

/// What the page's buttons send.
pub(super) fn consent(brain: &mut Automation, now: Timestamp, request: &Request) -> Answer {
    let Ok(form) = request.member_map() else {
        return TokenRefusal::InvalidRequest.into();
    };
    let asked = Asked(form);
    if let Err(refusal) = asked.check(brain) {
        return refusal.into();
    }
    if asked.is_set("accepted") {
        return allow(brain, now, &asked);
    }
    let denied = "The user denied access to your application";
    asked.back(&[("error", "access_denied"), ("error_description", denied)])
}

fn allow(brain: &mut Automation, now: Timestamp, asked: &Asked) -> Answer {
    match brain.consent(
        now,
        &asked.text("client_id"),
        &asked.text("redirect_uri"),
        UserId(1),
    ) {
        Err(refusal) => refusal.into(),
        Ok(code) => asked.back(&[("code", &code)]),
    }
}

/// The parameters of an authorization, from the address or from the page's form.
struct Asked(Map<String, Json>);

impl Asked {
    fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(scalar_text).unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn check(&self, brain: &Automation) -> Result<(), TokenRefusal> {
        let asks_for_code =
            self.text("response_type") == "code" || self.text("grant_type") == "authorization_code";
        if !asks_for_code {
            return Err(TokenRefusal::InvalidRequest);
        }
        brain.check_redirect(&self.text("client_id"), &self.text("redirect_uri"))
    }

    fn back(&self, pairs: &[(&str, &str)]) -> Answer {
        let redirect = self.text("redirect_uri");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("state", &self.text("state"))
            .extend_pairs(pairs);
        let joint = if redirect.contains('?') { '&' } else { '?' };
        Answer::redirect(302, format!("{redirect}{joint}{}", query.finish()))
    }

    fn page(&self) -> String {
        let escape = |text: &str| {
            text.replace('&', "&amp;")
                .replace('"', "&quot;")
                .replace('<', "&lt;")
        };
        let mut hidden = String::new();
        for (name, value) in &self.0 {
            let value = scalar_text(value).unwrap_or_default();
            let (name, value) = (escape(name), escape(&value));
            // Into a string: cannot fail.
            let _ = write!(
                hidden,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        format!(
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Authorize application</title>\
             </head><body><p>Practice: a simulated Automation. You are logged in as its administrator.\
             </p><h1>Authorize application</h1><p>{} wants to use the API in your name.</p>\
             <form method=\"post\" action=\"/oauth/v2/authorize\">{hidden}\
             <button name=\"accepted\" value=\"1\">Accept</button>\
             <button name=\"rejected\" value=\"1\">Deny</button></form></body></html>",
            escape(&self.text("client_id"))
        )
    }
}
