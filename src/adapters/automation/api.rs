//! Requests to one Automation instance: credentials, counting, refusals.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value as Json;
use url::Url;

use super::super::failures::{Effect, Fault};
use super::super::http::{self, Call, Http, Reply};
use super::super::oauth::{Token, Tokens};
use super::query::Query;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::FieldId;
use crate::domain::request::Spent;
use crate::domain::time::Timestamp;

/// Who we are.
pub(super) enum Authority {
    Basic(HeaderValue),
    Bearer(Tokens),
}

pub(super) struct Api {
    pub(super) base: Url,
    http: Http,
    authority: Authority,
}

/// One request below `/api`.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) body: Option<Json>,
    pub(super) effect: Effect,
}

impl Api {
    pub(super) fn new(base: Url, http: Http, authority: Authority) -> Self {
        Self {
            base,
            http,
            authority,
        }
    }

    pub(super) async fn get(
        &self,
        spent: &mut Spent,
        path: &str,
        query: Query,
    ) -> Result<Json, Fault> {
        self.send(spent, Request::get(path, query)).await?.json()
    }

    /// A page of a raw table. Its errors come with status 200.
    pub(super) async fn table(
        &self,
        spent: &mut Spent,
        table: &str,
        query: Query,
    ) -> Result<Vec<Json>, Fault> {
        let mut body = self.get(spent, &format!("/stats/{table}"), query).await?;
        if let Json::Array(rows) = body["stats"].take() {
            return Ok(rows);
        }
        if body.get("availableTables").is_some() {
            let message = format!("the table {table} is not offered by this instance");
            return Err(Fault::new(FailureKind::Forbidden, "table", message));
        }
        let said = Said::read(&body);
        Err(Fault::broken("table", format!("{table}: {}", said.message)))
    }

    /// Sends; success or a failure.
    pub(super) async fn send(
        &self,
        spent: &mut Spent,
        request: Request<'_>,
    ) -> Result<Reply, Fault> {
        let tokens = match &self.authority {
            Authority::Basic(header) => {
                let reply = self.attempt(spent, header.clone(), &request).await?;
                return judged(reply, request.effect);
            }
            Authority::Bearer(tokens) => tokens,
        };
        let token = tokens.current().await?;
        let reply = self.attempt(spent, bearer(&token)?, &request).await?;
        if !is_expired(&reply) {
            return judged(reply, request.effect);
        }
        let token = tokens.renewed(&token).await?;
        let reply = self.attempt(spent, bearer(&token)?, &request).await?;
        judged(reply, request.effect)
    }

    async fn attempt(
        &self,
        spent: &mut Spent,
        authorization: HeaderValue,
        request: &Request<'_>,
    ) -> Result<Reply, Fault> {
        let mut url = self.base.clone();
        // A trailing slash is a redirect there.
        let path = format!(
            "{}/api{}",
            self.base.path().trim_end_matches('/'),
            request.path
        );
        url.set_path(&path);
        if !request.query.pairs().is_empty() {
            url.query_pairs_mut().extend_pairs(request.query.pairs());
        }
        let mut call = Call::new(request.method.clone(), url, request.effect);
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        call.headers
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.headers.insert(AUTHORIZATION, authorization);
        let result = self.http.send(call).await;
        if !matches!(&result, Err(fault) if fault.failure.code == "connect") {
            spent.calls += 1;
        }
        let reply = result?;
        spent.server_time = reply.date().or(spent.server_time);
        Ok(reply)
    }
}

impl<'a> Request<'a> {
    pub(super) fn get(path: &'a str, query: Query) -> Self {
        Self {
            method: Method::GET,
            path,
            query,
            body: None,
            effect: Effect::Reads,
        }
    }

    pub(super) fn write(method: Method, path: &'a str, body: Json) -> Self {
        Self {
            method,
            path,
            query: Query::default(),
            body: Some(body),
            effect: Effect::Writes,
        }
    }
}

fn bearer(token: &Token) -> Result<HeaderValue, Fault> {
    let text = format!("Bearer {}", token.access.expose_secret());
    let mut header = HeaderValue::from_str(&text)
        .map_err(|_| Fault::broken("token", "the access token is no header value"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// A new token helps against these only; other refusals are about rights.
fn is_expired(reply: &Reply) -> bool {
    reply.status == 401
        && reply
            .json()
            .is_ok_and(|body| Said::read(&body).kind == "invalid_grant")
}

fn judged(reply: Reply, effect: Effect) -> Result<Reply, Fault> {
    if reply.is_success() {
        return Ok(reply);
    }
    let body = reply.json().unwrap_or(Json::Null);
    let said = Said::read(&body);
    let kind = match reply.status {
        429 => FailureKind::Throttled {
            until: reply
                .header("x-ratelimit-reset")
                .and_then(|reset| Some(Timestamp::from_seconds(reset.parse().ok()?))),
        },
        // A batch that is too long is refused before any row; nothing else says so.
        500.. => effect.lost(),
        status => kind_of(status, &[], &|_| None, effect),
    };
    let message = if said.message.is_empty() {
        format!("HTTP {} from {}", reply.status, "Automation")
    } else {
        said.message
    };
    Err(Fault::new(kind, reply.status.to_string(), message))
}

/// What an error of any shape says. Texts are localised: only codes and types decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) kind: String,
    /// Aliases of the fields it is about.
    pub(super) fields: Vec<String>,
}

impl Said {
    pub(super) fn read(body: &Json) -> Self {
        match &body["errors"] {
            Json::Array(errors) => errors.first().map(Self::of),
            Json::Object(errors) => errors.values().next().map(Self::of),
            // Very old cores.
            _ => body.get("error").map(|error| match error {
                Json::String(kind) => Self {
                    message: text(&body["error_description"]),
                    kind: kind.clone(),
                    fields: Vec::new(),
                },
                error => Self::of(error),
            }),
        }
        .unwrap_or_default()
    }

    /// One error.
    pub(super) fn of(error: &Json) -> Self {
        Self {
            message: text(&error["message"]),
            kind: text(&error["type"]),
            fields: error["details"]
                .as_object()
                .map(|details| details.keys().cloned().collect())
                .unwrap_or_default(),
        }
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// The kind of a status, of a whole request or of one row.
pub(super) fn kind_of(
    status: u16,
    fields: &[String],
    field: &dyn Fn(&str) -> Option<FieldId>,
    effect: Effect,
) -> FailureKind {
    match status {
        400 if effect == Effect::Writes => {
            let ids = fields.iter().filter_map(|alias| field(alias)).collect();
            FailureKind::Rejected(Rejection::Values(ids))
        }
        401 => FailureKind::Unauthorised,
        403 => FailureKind::Forbidden,
        404 => FailureKind::Gone,
        409 | 423 => FailureKind::Transient,
        422 => FailureKind::Rejected(Rejection::Duplicate),
        500.. => effect.lost(),
        _ => FailureKind::Broken,
    }
}

/// A row's failure out of its status and error.
pub(super) fn row_failure(
    status: u16,
    error: Option<&Json>,
    field: &dyn Fn(&str) -> Option<FieldId>,
) -> Failure {
    let said = error.map(Said::of).unwrap_or_default();
    let kind = kind_of(status, &said.fields, field, Effect::Writes);
    Failure::new(kind, status.to_string(), said.message)
}

pub(super) fn origin(url: &Url) -> Result<Url, Fault> {
    http::guard(url)?;
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("")
        .and_then(|()| url.set_password(None))
        .map_err(|()| Fault::broken("address", "the address has no host"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_in_every_shape_that_was_seen() {
        let listed = json!({"errors": [{"code": 400, "message": "tier: This value is not valid.",
            "details": {"tier": ["This value is not valid."]}}]});
        assert_eq!(Said::read(&listed).fields, ["tier"]);
        let expired = json!({"errors": [{"message": "The access token provided has expired.",
            "code": 401, "type": "invalid_grant"}]});
        assert_eq!(Said::read(&expired).kind, "invalid_grant");
        let old = json!({"error": "invalid_grant", "error_description": "gone"});
        assert_eq!(Said::read(&old).message, "gone");
        let keyed = json!({"errors": {"1": {"message": "x", "details": []}}});
        assert_eq!(Said::read(&keyed).message, "x");
    }
}
