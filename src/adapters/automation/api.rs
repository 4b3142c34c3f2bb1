//! Requests to one Automation instance: credentials, counting, refusals.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value as Json;
use url::Url;

use super::super::failures::{Effect, Fault};
use super::super::http::{self, Call, Http, Reply};
use super::super::oauth::{self, Token, Tokens};
use super::super::values;
use super::SECRET_KEY;
use super::query::{Order, Query, Where};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::FieldId;
use crate::domain::request::Spent;
use crate::domain::time::{Span, Timestamp};
use crate::ports::{Clock, Vault};

/// Who we are.
pub(super) enum Authority {
    Basic(HeaderValue),
    /// The password is in the vault. Read at each request, so that a new one counts at once: its
    /// check over there takes a hundred times as long.
    KeptBasic {
        username: String,
        vault: Arc<dyn Vault>,
    },
    Bearer(Tokens),
}

pub(super) struct Api {
    pub(super) base: Url,
    http: Http,
    authority: Authority,
    clock: Arc<dyn Clock>,
}

/// The rate limit counts by the hour: a longer wait is a mistake, or seconds taken for milliseconds.
const WAIT_MAX: Span = Span::minutes(60);

/// A page of a raw table.
pub(super) struct Table {
    pub(super) rows: Vec<Json>,
    pub(super) is_last: bool,
}

/// Where a page of a raw table begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// Older rows first, after this id.
    After(u64),
    /// Newer rows first, before this id or from the newest of all.
    Before(Option<u64>),
}

impl Start {
    fn filter(self) -> Option<Where> {
        match self {
            Self::After(id) => Some(Where::after("id", id)),
            Self::Before(id) => id.map(|id| Where::before("id", id)),
        }
    }

    const fn order(self) -> Order {
        match self {
            Self::After(_) => Order::Oldest,
            Self::Before(_) => Order::Newest,
        }
    }

    fn holds(self, id: u64) -> bool {
        match self {
            Self::After(after) => id > after,
            Self::Before(before) => before.is_none_or(|before| id < before),
        }
    }
}

/// One request below `/api`.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) body: Option<Json>,
    pub(super) effect: Effect,
    /// It asks for one record by its id: only then does 404 say anything about a record.
    pub(super) names_one: bool,
}

impl Api {
    pub(super) fn new(base: Url, http: Http, authority: Authority, clock: Arc<dyn Clock>) -> Self {
        Self {
            base,
            http,
            authority,
            clock,
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

    /// A page of a raw table in the order of ids. Its errors come with status 200.
    pub(super) async fn table(
        &self,
        spent: &mut Spent,
        table: &str,
        limit: usize,
        start: Start,
        filters: &[Where],
    ) -> Result<Table, Fault> {
        let mut all: Vec<Where> = start.filter().into_iter().collect();
        all.extend_from_slice(filters);
        let query = Query::table(limit, start.order(), &all);
        let mut body = self.get(spent, &format!("/stats/{table}"), query).await?;
        if let Json::Array(rows) = body["stats"].take() {
            let is_last = is_last(&body["total"], rows.len(), limit);
            return in_order(rows, is_last, start);
        }
        if body.get("availableTables").is_some() {
            let message = format!("the table {table} is not offered by this instance");
            return Err(Fault::new(FailureKind::Forbidden, "table", message));
        }
        let said = Said::read(&body);
        Err(Fault::broken("table", format!("{table}: {}", said.message)))
    }

    pub(super) const fn tokens(&self) -> Option<&Tokens> {
        match &self.authority {
            Authority::Bearer(tokens) => Some(tokens),
            Authority::Basic(_) | Authority::KeptBasic { .. } => None,
        }
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
                return self.judged(reply, &request);
            }
            Authority::KeptBasic { username, vault } => {
                let password = oauth::kept(&**vault, SECRET_KEY).await?.ok_or_else(|| {
                    let message = "the password was not asked for yet: run `passerelle authorize`";
                    Fault::new(FailureKind::Unauthorised, oauth::NOT_AUTHORISED, message)
                })?;
                let header = super::basic(username, &password)?;
                let reply = self.attempt(spent, header, &request).await?;
                return self.judged(reply, &request);
            }
            Authority::Bearer(tokens) => tokens,
        };
        let token = tokens.current().await?;
        let reply = self.attempt(spent, bearer(&token)?, &request).await?;
        if !is_expired(&reply) {
            return self.judged(reply, &request);
        }
        let token = tokens.renewed(&token).await?;
        let reply = self.attempt(spent, bearer(&token)?, &request).await?;
        self.judged(reply, &request)
    }

    fn judged(&self, reply: Reply, request: &Request<'_>) -> Result<Reply, Fault> {
        if reply.is_success() {
            return Ok(reply);
        }
        let said = reply.json().ok().and_then(|body| Said::of_answer(&body));
        let kind = self.kind(&reply, request, said.as_ref());
        let message = match said {
            Some(said) if !said.message.is_empty() => said.message,
            Some(_) => format!("HTTP {} from Automation", reply.status),
            None => format!("HTTP {}, and not in Automation's words", reply.status),
        };
        Err(Fault::new(kind, reply.status.to_string(), message))
    }

    /// 1. A wait that the server names is kept, unless a write has to be looked at first.
    /// 2. A refusal counts only in Automation's own words: a proxy's page says nothing about rights,
    ///    values or records.
    /// 3. Only an item that was asked for by its id can be gone. Any other 404 is an address that is
    ///    not offered.
    fn kind(&self, reply: &Reply, request: &Request<'_>, said: Option<&Said>) -> FailureKind {
        let effect = request.effect;
        match (reply.status, said) {
            (429, _) => FailureKind::Throttled {
                until: self.waits_until(reply),
            },
            (503, _) if effect == Effect::Reads && reply.retry_after().is_some() => {
                FailureKind::Throttled {
                    until: self.waits_until(reply),
                }
            }
            (404, Some(said)) => {
                let is_item = said.is_detailed || reply.header("mautic-version").is_some();
                if request.names_one && is_item {
                    FailureKind::Gone
                } else {
                    FailureKind::Broken
                }
            }
            (400 | 403 | 404 | 409 | 422, None) | (500.., _) => effect.lost(),
            (status, _) => kind_of(status, &[], &|_| None, effect),
        }
    }

    /// By our clock: theirs may differ.
    fn waits_until(&self, reply: &Reply) -> Option<Timestamp> {
        let now = self.clock.now();
        let until_reset = || {
            let reset = reply.header("x-ratelimit-reset")?.trim().parse().ok()?;
            let theirs = reply.date().unwrap_or(now);
            let wait = Timestamp::from_seconds(reset).0.saturating_sub(theirs.0);
            (wait > 0).then_some(Span(wait).min(WAIT_MAX))
        };
        Some(now + reply.retry_after().or_else(until_reset)?)
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
            names_one: false,
        }
    }

    /// One record by its id.
    pub(super) fn one(path: &'a str) -> Self {
        Self {
            names_one: true,
            ..Self::get(path, Query::default())
        }
    }

    pub(super) fn write(method: Method, path: &'a str, body: Json) -> Self {
        Self {
            method,
            path,
            query: Query::default(),
            body: Some(body),
            effect: Effect::Writes,
            names_one: false,
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

/// A new token may help, unless the credentials themselves are refused.
fn is_expired(reply: &Reply) -> bool {
    let said = || Said::read(&reply.json().unwrap_or(Json::Null));
    reply.status == 401 && said().kind != "access_denied"
}

/// Whether a page is the end: it is not full, and there is no word of more. A server that caps pages
/// lower than we ask answers short ones.
pub(super) fn is_last(total: &Json, rows: usize, limit: usize) -> bool {
    let has_more = values::id(total).is_some_and(|total| total > rows as u64);
    rows == 0 || (rows < limit && !has_more)
}

/// Rows of a table by their ids. A server that does not keep to the order or to the filter would make
/// us skip rows: better to stop.
fn in_order(mut rows: Vec<Json>, is_last: bool, start: Start) -> Result<Table, Fault> {
    let ids: Option<Vec<u64>> = rows.iter().map(|row| values::id(&row["id"])).collect();
    let ids = ids.ok_or_else(|| Fault::broken("table", "a row of a table has no readable id"))?;
    let is_sorted = match start.order() {
        Order::Oldest => ids.is_sorted(),
        Order::Newest => ids.is_sorted_by(|one, next| one >= next),
    };
    if !ids.iter().all(|id| start.holds(*id)) || (!is_last && !is_sorted) {
        let message = "the server does not keep to the order or the filter of a table";
        return Err(Fault::broken("table", message));
    }
    rows.sort_by_key(|row| values::id(&row["id"]));
    if start.order() == Order::Newest {
        rows.reverse();
    }
    Ok(Table { rows, is_last })
}

/// What an error of any shape says. Texts are localised: only codes and types decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) kind: String,
    /// Aliases of the fields it is about.
    pub(super) fields: Vec<String>,
    /// It has the details that controllers give, and the front door does not.
    pub(super) is_detailed: bool,
}

impl Said {
    pub(super) fn read(body: &Json) -> Self {
        Self::of_answer(body).unwrap_or_default()
    }

    /// The first error of an answer; `None` if it holds none.
    fn of_answer(body: &Json) -> Option<Self> {
        match &body["errors"] {
            Json::Array(errors) => errors.first().map(Self::of),
            Json::Object(errors) => errors.values().next().map(Self::of),
            // Very old cores.
            _ => body.get("error").map(|error| match error {
                Json::String(kind) => Self {
                    message: text(&body["error_description"]),
                    kind: kind.clone(),
                    ..Self::default()
                },
                error => Self::of(error),
            }),
        }
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
            is_detailed: error.get("details").is_some(),
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
