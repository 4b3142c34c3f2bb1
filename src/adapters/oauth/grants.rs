//! The requests to a token endpoint, and what its answers mean.

use futures_util::future::BoxFuture;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, RefreshToken, RequestTokenError,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use url::Url;

use super::super::failures::{Effect, Fault};
use super::super::http::{Body, Call, Http, Reply};
use super::{Client, Facts, Flow, Granted};
use crate::domain::failure::FailureKind;
use crate::domain::time::{Span, Timestamp};

/// What Salesforce adds to the standard answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Extra {
    instance_url: Option<Url>,
    id: Option<String>,
}

impl ExtraTokenFields for Extra {}

type Answer = StandardTokenResponse<Extra, BasicTokenType>;

/// The crate's client with a token endpoint.
pub(super) type TokenClient = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A fault as the crate wants errors.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.failure)]
pub(super) struct Refused(Fault);

pub(super) async fn ask(
    http: &Http,
    client: &Client,
    now: Timestamp,
    (secret, refresh): (Option<SecretString>, Option<SecretString>),
) -> Result<Granted, Fault> {
    let carrier = Carrier(http.clone());
    match &client.flow {
        Flow::ClientCredentials { .. } => {
            let oauth = token_client(&client.id, secret.as_ref(), &client.token_url);
            let answer = oauth
                .exchange_client_credentials()
                .request_async(&carrier)
                .await;
            granted(answer)
        }
        Flow::Refresh { .. } => {
            let oauth = token_client(&client.id, secret.as_ref(), &client.token_url);
            let token = refresh.as_ref().map_or("", |token| token.expose_secret());
            let token = RefreshToken::new(token.to_owned());
            granted(
                oauth
                    .exchange_refresh_token(&token)
                    .request_async(&carrier)
                    .await,
            )
        }
        Flow::JwtBearer { username, key } => {
            let assertion = key.assertion(&client.id, username, &client.login, now)?;
            jwt_bearer(http, &client.token_url, &assertion).await
        }
    }
}

pub(super) fn token_client(
    id: &str,
    secret: Option<&SecretString>,
    token_url: &Url,
) -> TokenClient {
    let client = oauth2::Client::new(ClientId::new(id.to_owned()))
        // Both systems document the form; not every flow of theirs reads the Basic header.
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(token_url.clone()));
    match secret {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    }
}

/// The crate has no JWT bearer grant (RFC 7523); the answer is the same.
async fn jwt_bearer(http: &Http, token_url: &Url, assertion: &str) -> Result<Granted, Fault> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", assertion)
        .finish();
    let call = Call::new(Method::POST, token_url.clone(), Effect::Reads)
        .body("application/x-www-form-urlencoded", form.into_bytes());
    let reply = judged(http.send(call).await?)?;
    let answer: Answer = serde_json::from_slice(&reply.body).map_err(unreadable)?;
    Ok(read(&answer))
}

/// Ends a token of either kind; `false` if the server did not know it any more.
pub(in crate::adapters) async fn revoke(
    http: &Http,
    url: &Url,
    token: &SecretString,
) -> Result<bool, Fault> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose_secret())
        .finish();
    let call = Call::new(Method::POST, url.clone(), Effect::Reads)
        .body("application/x-www-form-urlencoded", form.into_bytes());
    let reply = http.send(call).await?;
    if reply.is_success() {
        return Ok(true);
    }
    match judged(reply) {
        Err(fault) if fault.failure.code == "invalid_token" => Ok(false),
        Err(fault) => Err(fault),
        Ok(_) => Ok(true),
    }
}

/// Carries the crate's requests over our client.
pub(super) struct Carrier(pub(super) Http);

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Refused;
    type Future = BoxFuture<'c, Result<HttpResponse, Refused>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let reply = carry(&self.0, request).await.map_err(Refused)?;
            Ok(HttpResponse::new(reply.body))
        })
    }
}

async fn carry(http: &Http, request: HttpRequest) -> Result<Reply, Fault> {
    let (parts, body) = request.into_parts();
    let url: Url =
        parts.uri.to_string().parse().map_err(|error| {
            Fault::broken("address", "the token address is no URL").because(error)
        })?;
    let mut headers = parts.headers;
    headers.remove(reqwest::header::CONTENT_TYPE);
    let call = Call {
        method: parts.method,
        url,
        headers,
        body: Body::Bytes("application/x-www-form-urlencoded", body),
        effect: Effect::Reads,
    };
    judged(http.send(call).await?)
}

/// Lets only JSON of status 200 pass. The two systems word their refusals differently, and the crate
/// knows neither.
fn judged(reply: Reply) -> Result<Reply, Fault> {
    if reply.is_success() {
        reply.json()?;
        return Ok(reply);
    }
    if reply.status >= 500 {
        let message = format!("the login server answered HTTP {}", reply.status);
        return Err(Fault::new(
            FailureKind::Transient,
            reply.status.to_string(),
            message,
        ));
    }
    let (code, message) = refusal(&reply.json()?);
    let kind = match code.as_str() {
        "rate_limit_exceeded" => FailureKind::Throttled { until: None },
        _ if reply.status == 429 || message.contains("login rate exceeded") => {
            FailureKind::Throttled { until: None }
        }
        "REQUEST_LIMIT_EXCEEDED" => FailureKind::LimitReached,
        // No refusal of a login server, whose words these are not.
        "" if reply.status != 401 => FailureKind::Broken,
        "api_disabled" => FailureKind::Forbidden,
        "server_error" | "temporarily_unavailable" => FailureKind::Transient,
        _ => FailureKind::Unauthorised,
    };
    Err(Fault::new(kind, code, message))
}

/// Code and text of a refusal: the standard's object, Automation's list of errors, or Salesforce's
/// list, in which its other services speak.
fn refusal(body: &Json) -> (String, String) {
    let own = &body["errors"][0];
    let rest = &body[0];
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    if own.is_object() {
        (text(&own["type"]), text(&own["message"]))
    } else if rest.is_object() {
        (text(&rest["errorCode"]), text(&rest["message"]))
    } else {
        (text(&body["error"]), text(&body["error_description"]))
    }
}

pub(super) fn granted(
    answer: Result<Answer, RequestTokenError<Refused, BasicErrorResponse>>,
) -> Result<Granted, Fault> {
    match answer {
        Ok(answer) => Ok(read(&answer)),
        Err(RequestTokenError::Request(Refused(fault))) => Err(fault),
        // The crate's other errors may quote the answer, and the answer may hold a token.
        Err(_) => Err(unreadable("not a token answer")),
    }
}

fn read(answer: &Answer) -> Granted {
    Granted {
        access: answer.access_token().secret().clone().into(),
        refresh: answer
            .refresh_token()
            .map(|token| token.secret().clone().into()),
        expires_in: answer
            .expires_in()
            .map(|span| Span(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))),
        base: answer.extra_fields().instance_url.clone(),
        facts: Facts {
            scopes: answer
                .scopes()
                .into_iter()
                .flatten()
                .map(|scope| scope.to_string())
                .collect(),
            identity: answer.extra_fields().id.clone(),
        },
    }
}

fn unreadable(_: impl Sized) -> Fault {
    let message = "the login server's answer holds no token";
    Fault::new(FailureKind::Transient, "token-answer", message)
}
