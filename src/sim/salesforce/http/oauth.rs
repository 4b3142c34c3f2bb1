//! OAuth over HTTP: authorize, token, revoke, introspect, who am I.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value as Json, json};

use super::Host;
use super::jwt::Assertion;
use super::routes::authenticate;
use super::wire::{Answer, Asked, form};
use crate::sim::salesforce::error::ApiError;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::meter::CallKind;
use crate::sim::salesforce::oauth::{AuthorizeRequest, OAuthError, Tokens, UNKNOWN_CLIENT};
use crate::sim::salesforce::org::Salesforce;

/// Parameters of a form post, and the client named in it or in a Basic header.
struct Form {
    parameters: Vec<(String, String)>,
    client_id: String,
    client_secret: Option<String>,
}

impl Form {
    fn read(asked: &Asked) -> Self {
        let mut parameters = form(&asked.body);
        parameters.extend(asked.query.iter().cloned());
        let find = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let basic = asked.header("authorization").and_then(basic);
        let (id, secret) = basic.unzip();
        let client_id = find("client_id").or(id).unwrap_or_default();
        let client_secret = find("client_secret").or(secret);
        Self {
            parameters,
            client_id,
            client_secret,
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    fn client(&self) -> (&str, Option<&str>) {
        (&self.client_id, self.client_secret.as_deref())
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        // The two halves are form-encoded before they are joined.
        form(format!("v={part}").as_bytes())
            .pop()
            .map(|(_, value)| value)
    };
    decoded(id).zip(decoded(secret))
}

pub(super) fn answer(org: &mut Salesforce, asked: &Asked, resource: &str) -> Answer {
    let form = Form::read(asked);
    match (asked.method.as_str(), resource) {
        ("GET", "authorize") => authorize(org, asked, &form),
        ("POST", "authorize") => consent(org, asked, &form),
        ("POST", "token") => token(org, asked, &form).unwrap_or_else(refused),
        ("POST" | "GET", "revoke") => org
            .revoke(form.text("token"))
            .map_or_else(refused, |()| Answer::empty(200)),
        ("POST", "introspect") => introspect(org, asked, &form).unwrap_or_else(refused),
        ("GET" | "POST", "userinfo") => {
            let mut asked = asked.clone();
            match authenticate(org, &mut asked) {
                Ok(()) => userinfo(org, &asked),
                Err(error) => Answer::from(ApiError {
                    status: 403,
                    ..error
                }),
            }
        }
        _ => Answer::from(ApiError::resource_missing()),
    }
}

fn refused(error: OAuthError) -> Answer {
    let body = json!({ "error": error.error, "error_description": error.description });
    Answer::json(error.status, body)
}

fn request(form: &Form) -> AuthorizeRequest {
    let own = |name: &str| form.get(name).map(str::to_owned);
    AuthorizeRequest {
        client_id: form.client_id.clone(),
        redirect_uri: form.text("redirect_uri").to_owned(),
        scope: own("scope"),
        challenge: own("code_challenge"),
    }
}

/// A page with one button, or with `prompt` absent and a `login_hint` an answer at once.
///
/// Errors that concern the redirect address are shown; others are sent to it.
fn authorize(org: &mut Salesforce, asked: &Asked, form: &Form) -> Answer {
    let checked = org.check_authorize(&request(form), asked.now);
    if let Err(error) = checked {
        return redirectable(org, form, error);
    }
    if form.text("response_type") != "code" {
        let error = OAuthError::new("unsupported_response_type", "response type not supported");
        return redirect(
            form,
            &[
                ("error", error.error),
                ("error_description", error.description),
            ],
        );
    }
    if form.get("prompt").is_none() && form.get("login_hint").is_some() {
        return consent(org, asked, form);
    }
    Answer::text("text/html;charset=UTF-8", page(org, form))
}

/// The page repeats the request as hidden fields and posts it back. The practice user is logged in
/// already: there is no password to learn.
fn page(org: &Salesforce, form: &Form) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
    };
    let hidden = form.parameters.iter().map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        )
    });
    let hidden: String = hidden.collect();
    let client = escape(&form.client_id);
    let user = text(org, org.integration_user(), "Username");
    let user = escape(user.as_str().unwrap_or_default());
    let box_words = if org.config().is_sandbox {
        "a sandbox"
    } else {
        "production"
    };
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Allow Access?</title></head><body>\
         <p>Practice: a simulated Salesforce, {box_words}. You are logged in as {user}.</p>\
         <h1>Allow Access?</h1><p>{client} is asking to manage user data via APIs.</p>\
         <form method=\"post\" action=\"/services/oauth2/authorize\">{hidden}\
         <button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form></body></html>"
    )
}

fn consent(org: &mut Salesforce, asked: &Asked, form: &Form) -> Answer {
    if form.text("decision") == "deny" {
        let denied = ("error_description", "end-user denied authorization");
        return redirect(form, &[("error", "access_denied"), denied]);
    }
    let named = form.get("login_hint").and_then(|name| org.user_named(name));
    let user = named.unwrap_or(org.integration_user());
    match org.approve(request(form), user, asked.now) {
        Ok(code) => redirect(form, &[("code", &code)]),
        Err(error) => redirectable(org, form, error),
    }
}

fn redirectable(org: &Salesforce, form: &Form, error: OAuthError) -> Answer {
    let callback = form.text("redirect_uri");
    let is_known = org
        .app(&form.client_id)
        .is_some_and(|app| app.callbacks.iter().any(|known| known == callback));
    if is_known {
        redirect(
            form,
            &[
                ("error", error.error),
                ("error_description", error.description),
            ],
        )
    } else {
        refused(error)
    }
}

fn redirect(form: &Form, pairs: &[(&str, &str)]) -> Answer {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    if let Some(state) = form.get("state") {
        query.append_pair("state", state);
    }
    let callback = form.text("redirect_uri");
    let joint = if callback.contains('?') { '&' } else { '?' };
    Answer::empty(302).with("Location", format!("{callback}{joint}{}", query.finish()))
}

fn token(org: &mut Salesforce, asked: &Asked, form: &Form) -> Result<Answer, OAuthError> {
    let client = form.client();
    let now = asked.now;
    let tokens = match form.text("grant_type") {
        "authorization_code" => {
            let code = (form.text("code"), form.text("redirect_uri"));
            org.grant_code(client, code, form.get("code_verifier"), now)?
        }
        "refresh_token" => org.grant_refresh(client, form.text("refresh_token"), now)?,
        "client_credentials" => {
            if host(asked) == Host::Login {
                let description = "request not supported on this domain";
                return Err(OAuthError::new("invalid_grant", description));
            }
            org.grant_client_credentials(client, now)?
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer(org, asked, form)?,
        "" => return Err(OAuthError::new("invalid_request", "grant_type missing")),
        _ => {
            return Err(OAuthError::new(
                "unsupported_grant_type",
                "grant type not supported",
            ));
        }
    };
    let secret = org
        .app(&tokens_client(org, form))
        .and_then(|app| app.client_secret.clone());
    Ok(Answer::json(
        200,
        token_json(org, asked, &tokens, secret.as_deref().unwrap_or("")),
    )
    .with("Cache-Control", "no-store"))
}

fn tokens_client(org: &Salesforce, form: &Form) -> String {
    if org.app(&form.client_id).is_some() {
        return form.client_id.clone();
    }
    let assertion = Assertion::parse(form.text("assertion"));
    assertion
        .map(|assertion| assertion.claim("iss").to_owned())
        .unwrap_or_default()
}

fn jwt_bearer(org: &mut Salesforce, asked: &Asked, form: &Form) -> Result<Tokens, OAuthError> {
    let assertion = Assertion::parse(form.text("assertion"))?;
    let client_id = assertion.claim("iss").to_owned();
    let app = org.app(&client_id).ok_or(UNKNOWN_CLIENT)?;
    let login = if org.config().is_sandbox {
        "https://test.salesforce.com"
    } else {
        "https://login.salesforce.com"
    };
    let mut audiences = vec![login];
    audiences.extend(own_name(asked));
    assertion.verify(app, &audiences, asked.now)?;
    org.grant_assertion(&client_id, assertion.claim("sub"), asked.now)
}

/// The name that the organisation goes by here, which is the address it was printed with. Any other
/// that leads to it (`localhost`) is like an instance's or a Lightning host: no assertion is meant for it.
fn own_name(asked: &Asked) -> Option<&str> {
    let base = asked.base_url();
    let (_, host) = base.split_once("://")?;
    host.parse::<SocketAddr>().ok().map(|_| base)
}

fn host(asked: &Asked) -> Host {
    asked
        .host
        .as_ref()
        .map_or(Host::MyDomain, |(host, _)| *host)
}

/// There is no `expires_in`, and `issued_at` is a text.
fn token_json(org: &Salesforce, asked: &Asked, tokens: &Tokens, secret: &str) -> Json {
    let id = identity_url(org, asked, tokens.user);
    let issued = tokens.issued.as_millis().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("{id}{issued}").as_bytes()));
    let mut body = Map::new();
    let mut put = |name: &str, value: &str| body.insert(name.to_owned(), json!(value));
    put("access_token", &tokens.access);
    if let Some(refresh) = &tokens.refresh {
        put("refresh_token", refresh);
    }
    put("signature", &signature);
    put("scope", &tokens.scope);
    put("instance_url", asked.base_url());
    put("id", &id);
    put("token_type", "Bearer");
    put("issued_at", &issued);
    Json::Object(body)
}

fn identity_url(org: &Salesforce, asked: &Asked, user: RecordId) -> String {
    format!("{}/id/{}/{user}", asked.base_url(), org.organization())
}

fn introspect(org: &Salesforce, asked: &Asked, form: &Form) -> Result<Answer, OAuthError> {
    let facts = org.introspect(form.client(), form.text("token"), asked.now)?;
    let Some(facts) = facts else {
        return Ok(Answer::json(200, json!({ "active": false })));
    };
    let mut body = json!({
        "active": true,
        "scope": facts.scope,
        "client_id": facts.client_id,
        "username": text(org, facts.user, "Username"),
        "sub": identity_url(org, asked, facts.user),
        "token_type": if facts.expires.is_some() { "access_token" } else { "refresh_token" },
        "iat": facts.issued.as_seconds(),
        "nbf": facts.issued.as_seconds(),
    });
    if let Some(expires) = facts.expires {
        body["exp"] = json!(expires.as_seconds());
    }
    Ok(Answer::json(200, body))
}

fn text(org: &Salesforce, user: RecordId, field: &str) -> Json {
    org.value(user, field)
        .as_text()
        .map_or(Json::Null, |text| json!(text))
}

/// `/id/{organisation}/{user}`
pub(super) fn identity(org: &mut Salesforce, asked: &mut Asked) -> Answer {
    if let Err(error) = authenticate(org, asked) {
        // The identity service answers in words, not in JSON.
        let _ = error;
        let body = "Bad_OAuth_Token".to_owned();
        return Answer {
            status: 403,
            ..Answer::text("text/html;charset=UTF-8", body)
        };
    }
    if let Err(error) = org.begin_call(CallKind::Identity, asked.now) {
        return error.into();
    }
    let user = asked.segments.get(2).and_then(|id| RecordId::parse(id));
    match user.or(asked.user) {
        Some(user) if org.record(user).is_some() => Answer::json(200, facts(org, asked, user)),
        _ => Answer::from(ApiError::resource_missing()),
    }
}

fn facts(org: &Salesforce, asked: &Asked, user: RecordId) -> Json {
    let base = asked.base_url();
    json!({
        "id": identity_url(org, asked, user),
        "asserted_user": true,
        "user_id": user.to_string(),
        "organization_id": org.organization().to_string(),
        "username": text(org, user, "Username"),
        "display_name": text(org, user, "Name"),
        "email": text(org, user, "Email"),
        "first_name": text(org, user, "FirstName"),
        "last_name": text(org, user, "LastName"),
        "timezone": text(org, user, "TimeZoneSidKey"),
        "locale": text(org, user, "LocaleSidKey"),
        "language": text(org, user, "LanguageLocaleKey"),
        "active": org.value(user, "IsActive").as_bool().unwrap_or(false),
        "user_type": "STANDARD",
        "urls": {
            "rest": format!("{base}/services/data/v{{version}}/"),
            "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
            "query": format!("{base}/services/data/v{{version}}/query/"),
        },
    })
}

/// The OpenID twin of the identity resource.
fn userinfo(org: &Salesforce, asked: &Asked) -> Answer {
    let Some(user) = asked.user else {
        return Answer::from(ApiError::resource_missing());
    };
    Answer::json(
        200,
        json!({
            "sub": identity_url(org, asked, user),
            "user_id": user.to_string(),
            "organization_id": org.organization().to_string(),
            "preferred_username": text(org, user, "Username"),
            "name": text(org, user, "Name"),
            "email": text(org, user, "Email"),
            "email_verified": true,
            "zoneinfo": text(org, user, "TimeZoneSidKey"),
            "locale": text(org, user, "LocaleSidKey"),
        }),
    )
}

pub(super) fn discovery(asked: &Asked) -> Answer {
    let base = asked.base_url();
    let at = |path: &str| format!("{base}/services/oauth2/{path}");
    Answer::json(
        200,
        json!({
            "issuer": base,
            "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"),
            "revocation_endpoint": at("revoke"),
            "userinfo_endpoint": at("userinfo"),
            "introspection_endpoint": at("introspect"),
            "scopes_supported": ["api", "refresh_token", "offline_access", "openid", "full"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }),
    )
}
