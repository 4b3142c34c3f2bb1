//! Requests to one Salesforce organisation: token, version, counting, expired sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;
use url::Url;

use super::super::failures::{Effect, Fault};
use super::super::http::{Body, Call, Http, Reply};
use super::super::oauth::{Held, Token, Tokens};
use super::ApiVersion;
use super::errors::{self, ApiError};
use super::soql::Select;
use crate::domain::failure::FailureKind;
use crate::domain::request::Spent;
use crate::ports::Clock;

/// The newest version this client was written for, and the oldest it works with.
const VERSION_MAX: u32 = 67;
const VERSION_MIN: u32 = 60;

/// The platform's limit of queries and collections in one Composite.
pub(super) const HEAVY_SUBREQUESTS_MAX: usize = 5;

/// The platform's limit of subrequests in one Composite.
pub(super) const SUBREQUESTS_MAX: usize = 25;

/// Keys of one `IN` list, and rows asked for at once: what the platform puts on one page. An id takes
/// 21 characters of a statement's 100,000, so that 2,000 fit with room for 58,000 characters of
/// columns, and their rows fit one page: 10,000 ids are five queries, and five queries are one call.
/// Of e-mail addresses 2,000 fit up to 47 characters each; 10,000 looked for in Leads and Contacts
/// are ten queries, two calls.
const PORTION_MAX: usize = 2_000;

/// Less than this would only hide that something else is wrong.
const PORTION_MIN: usize = 100;

/// How the platform, a proxy before it, or our own bound says that a query is too much.
const TOO_MUCH: [&str; 9] = [
    "414",
    "431",
    "URI_TOO_LONG",
    "REQUEST_RUNNING_TOO_LONG",
    "QUERY_TIMEOUT",
    "QUERY_TOO_COMPLICATED",
    "OPERATION_TOO_LARGE",
    "EXCEEDED_ID_LIMIT",
    ANSWER_TOO_LARGE,
];

const ANSWER_TOO_LARGE: &str = "answer-too-large";

/// Pages that one query may be followed through: 200,000 rows.
const PAGES_MAX: usize = 100;

pub(super) struct Org {
    http: Http,
    tokens: Tokens,
    api_version: ApiVersion,
    version: OnceCell<String>,
    clock: Arc<dyn Clock>,
    portion: AtomicUsize,
}

/// One request below the version's root.
pub(super) struct Request {
    pub(super) method: Method,
    /// `/composite`
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Body,
    pub(super) effect: Effect,
}

/// One subrequest of a Composite.
#[derive(Debug, Clone)]
pub(super) struct Sub {
    pub(super) method: &'static str,
    /// Below the version's root: `/sobjects/Lead/describe`.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Json>,
}

/// What became of a subrequest.
#[derive(Debug, Clone)]
pub(super) struct SubReply {
    pub(super) status: u16,
    pub(super) body: Json,
}

/// A page of a query.
pub(super) struct QueryPage {
    pub(super) records: Vec<Json>,
    pub(super) is_done: bool,
    /// Of the whole query.
    total: Option<u64>,
    next: Option<String>,
}

impl Org {
    pub(super) fn new(
        http: Http,
        tokens: Tokens,
        api_version: ApiVersion,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            http,
            tokens,
            api_version,
            version: OnceCell::new(),
            clock,
            portion: AtomicUsize::new(PORTION_MAX),
        }
    }

    pub(super) async fn hold(&self) -> Held {
        self.tokens.hold().await
    }

    /// The token in use, or a new one.
    pub(super) async fn token(&self) -> Result<Token, Fault> {
        Ok(self.tokens.current().await?)
    }

    /// The version in use, such as `67.0`.
    pub(super) async fn version(&self) -> Result<&str, Fault> {
        let version = self.version.get_or_try_init(async || {
            if let ApiVersion::Pinned(version) = &self.api_version {
                return Ok(version.clone());
            }
            let token = self.tokens.current().await?;
            let url = below(&token.base, "/services/data")?;
            // Free of charge, and answered without a token.
            let reply = self.http.send(Call::get(url)).await?;
            if !reply.is_success() {
                let mut fault = errors::of_request(self.refusal(&reply, Effect::Reads));
                if fault.failure.kind == FailureKind::Unauthorised {
                    // No token was shown, so none can be bad.
                    fault.failure.kind = FailureKind::Transient;
                }
                return Err(fault);
            }
            newest_known(&reply.json()?)
        });
        version.await.map(String::as_str)
    }

    async fn root(&self) -> Result<String, Fault> {
        Ok(format!("/services/data/v{}", self.version().await?))
    }

    pub(super) async fn get(&self, spent: &mut Spent, path: String) -> Result<Json, Fault> {
        let request = Request {
            method: Method::GET,
            path,
            headers: Vec::new(),
            body: Body::Empty,
            effect: Effect::Reads,
        };
        self.send(spent, request).await?.json()
    }

    /// Sends below the version's root; success or a failure.
    pub(super) async fn send(&self, spent: &mut Spent, request: Request) -> Result<Reply, Fault> {
        let path = format!("{}{}", self.root().await?, request.path);
        self.send_to(spent, &path, &request).await
    }

    /// Whose token ours is, from the login's own resource beside the API.
    pub(super) async fn identity(&self, spent: &mut Spent) -> Result<Json, Fault> {
        let request = Request {
            method: Method::GET,
            path: String::new(),
            headers: Vec::new(),
            body: Body::Empty,
            effect: Effect::Reads,
        };
        let path = "/services/oauth2/userinfo";
        self.send_to(spent, path, &request).await?.json()
    }

    /// What our token allows, as the login said when it gave it.
    pub(super) async fn scopes(&self) -> Result<Vec<String>, Fault> {
        let token = self.tokens.current().await?;
        Ok(token.facts.scopes)
    }

    /// Sends to a path of the organisation's host; success or a failure.
    async fn send_to(
        &self,
        spent: &mut Spent,
        path: &str,
        request: &Request,
    ) -> Result<Reply, Fault> {
        let mut token = self.tokens.current().await?;
        let mut is_renewed = false;
        loop {
            let reply = self.attempt(spent, &token, path, request).await?;
            if reply.is_success() {
                return Ok(reply);
            }
            let body = reply.json().unwrap_or(Json::Null);
            if is_expired(reply.status, &body) && !is_renewed {
                token = self.tokens.renewed(&token).await?;
                is_renewed = true;
                continue;
            }
            return Err(self.refusal(&reply, request.effect));
        }
    }

    /// The failure of a whole request, with the wait that the server asks for.
    fn refusal(&self, reply: &Reply, effect: Effect) -> Fault {
        let body = reply.json().unwrap_or(Json::Null);
        let mut fault = errors::fault(reply.status, &body, effect);
        let Some(wait) = reply.retry_after() else {
            return fault;
        };
        // A write that may have been carried out has to be looked at first.
        let is_wait = matches!(
            fault.failure.kind,
            FailureKind::Throttled { .. } | FailureKind::Transient
        );
        if is_wait {
            let until = Some(self.clock.now() + wait);
            fault.failure.kind = FailureKind::Throttled { until };
        }
        fault
    }

    /// How many keys or rows one query may be about.
    pub(super) fn portion(&self) -> usize {
        self.portion.load(Ordering::Relaxed)
    }

    /// Makes queries smaller from now on, if this failure says that they are too much. Says whether
    /// asking again is worth it.
    pub(super) fn shrinks(&self, fault: &Fault) -> bool {
        let portion = self.portion();
        if !TOO_MUCH.contains(&fault.failure.code.as_str()) || portion <= PORTION_MIN {
            return false;
        }
        self.portion
            .store((portion / 4).max(PORTION_MIN), Ordering::Relaxed);
        true
    }

    async fn attempt(
        &self,
        spent: &mut Spent,
        token: &Token,
        path: &str,
        request: &Request,
    ) -> Result<Reply, Fault> {
        let mut call = Call::new(
            request.method.clone(),
            below(&token.base, path)?,
            request.effect,
        );
        call.body = request.body.clone();
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        let bearer = format!("Bearer {}", token.access.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| Fault::broken("token", "the access token is no header value"))?;
        bearer.set_sensitive(true);
        call.headers.insert(AUTHORIZATION, bearer);
        let mut result = self.http.send(call).await;
        if let Err(fault) = &mut result
            && fault.failure.code == "too-large"
        {
            // Ours to ask for less, which the answers of a login are not.
            ANSWER_TOO_LARGE.clone_into(&mut fault.failure.code);
        }
        if !matches!(&result, Err(fault) if fault.failure.code == "connect") {
            spent.calls += 1;
        }
        let reply = result?;
        spent.server_time = reply.date().or(spent.server_time);
        let usage = reply.header("sforce-limit-info").and_then(api_usage);
        spent.limit = usage.or(spent.limit);
        Ok(reply)
    }

    /// One Composite. Answers in the order of the subrequests; what the answer lacks is `None`.
    pub(super) async fn composite(
        &self,
        spent: &mut Spent,
        subs: &[Sub],
        effect: Effect,
    ) -> Result<Vec<Option<SubReply>>, Fault> {
        let replies = self.composite_once(spent, subs, effect).await?;
        let expired = |reply: &Option<SubReply>| reply.as_ref().is_some_and(SubReply::is_expired);
        // A session can end between subrequests. Reads are replayed whole; a write only if none of
        // it was carried out.
        let replays = match effect {
            Effect::Reads => replies.iter().any(expired),
            Effect::Writes => !replies.is_empty() && replies.iter().all(expired),
        };
        if !replays {
            return Ok(replies);
        }
        let token = self.tokens.current().await?;
        self.tokens.renewed(&token).await?;
        self.composite_once(spent, subs, effect).await
    }

    async fn composite_once(
        &self,
        spent: &mut Spent,
        subs: &[Sub],
        effect: Effect,
    ) -> Result<Vec<Option<SubReply>>, Fault> {
        let root = self.root().await?;
        let requests: Vec<Json> = subs
            .iter()
            .enumerate()
            .map(|(index, sub)| sub.json(&root, index))
            .collect();
        let body = json!({
            "allOrNone": false,
            "collateSubrequests": false,
            "compositeRequest": requests,
        });
        let request = Request {
            method: Method::POST,
            path: "/composite".to_owned(),
            headers: Vec::new(),
            body: Body::Bytes("application/json", body.to_string().into_bytes()),
            effect,
        };
        let sent = self.send(spent, request).await;
        let mut answer = sent.map_err(errors::of_request)?.json()?;
        let Some(answers) = answer["compositeResponse"].as_array_mut() else {
            let message = "the answer is no Composite response";
            return Err(Fault::new(effect.lost(), "composite", message));
        };
        let mut replies = vec![None; subs.len()];
        for answer in answers {
            let index = answer["referenceId"]
                .as_str()
                .and_then(|id| id.strip_prefix('r')?.parse::<usize>().ok());
            let status = answer["httpStatusCode"].as_u64();
            if let (Some(index), Some(status)) = (index, status)
                && let Some(reply) = replies.get_mut(index)
            {
                *reply = Some(SubReply {
                    status: u16::try_from(status).unwrap_or(0),
                    body: answer["body"].take(),
                });
            }
        }
        Ok(replies)
    }

    /// Runs up to five queries in one call; a failure of one is the failure of all.
    pub(super) async fn queries(
        &self,
        spent: &mut Spent,
        subs: &[Sub],
    ) -> Result<Vec<QueryPage>, Fault> {
        let replies = self.composite(spent, subs, Effect::Reads).await?;
        replies
            .into_iter()
            .map(|reply| QueryPage::read(reply.ok_or_else(missing)?))
            .collect()
    }

    /// All rows of these queries, page after page.
    pub(super) async fn whole_queries(
        &self,
        spent: &mut Spent,
        subs: &[Sub],
    ) -> Result<Vec<Vec<Json>>, Fault> {
        let mut results = Vec::with_capacity(subs.len());
        for chunk in subs.chunks(HEAVY_SUBREQUESTS_MAX) {
            for page in self.queries(spent, chunk).await? {
                results.push(self.rest(spent, page).await?);
            }
        }
        Ok(results)
    }

    /// The rows of a page and of all that follow it.
    async fn rest(&self, spent: &mut Spent, mut page: QueryPage) -> Result<Vec<Json>, Fault> {
        let mut records = std::mem::take(&mut page.records);
        for _ in 0..PAGES_MAX {
            if page.is_done {
                check_total(page.total, records.len())?;
                return Ok(records);
            }
            page = self.next_page(spent, &page).await?;
            records.append(&mut page.records);
        }
        let message = format!("a query has more than {PAGES_MAX} pages");
        Err(Fault::broken("pages", message))
    }

    /// This page, or the first of those that follow it that holds rows.
    pub(super) async fn filled(
        &self,
        spent: &mut Spent,
        mut page: QueryPage,
    ) -> Result<QueryPage, Fault> {
        for _ in 0..PAGES_MAX {
            if page.is_done || !page.records.is_empty() {
                return Ok(page);
            }
            page = self.next_page(spent, &page).await?;
        }
        let message = "the platform answers empty pages and says there is more";
        Err(Fault::new(FailureKind::Transient, "empty-page", message))
    }

    async fn next_page(&self, spent: &mut Spent, last: &QueryPage) -> Result<QueryPage, Fault> {
        let root = self.root().await?;
        // A path of our own version, never a whole address: the token goes where it goes already.
        let path = last
            .next
            .as_deref()
            .and_then(|next| next.strip_prefix(&root))
            .filter(|path| path.starts_with("/query"))
            .ok_or_else(|| Fault::broken("next-page", "the next page is at a foreign address"))?;
        let got = self.get(spent, path.to_owned()).await;
        let body = got.map_err(errors::of_request)?;
        let page = QueryPage::take(SubReply { status: 200, body })?;
        if !page.is_done && page.next == last.next {
            return Err(Fault::broken(
                "next-page",
                "a page names itself as the next",
            ));
        }
        Ok(page)
    }
}

impl Sub {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: "GET",
            path,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Live rows.
    pub(super) fn query(select: &Select) -> Self {
        Self::get(format!("/query?q={}", select.encoded()))
    }

    /// Deleted rows too.
    pub(super) fn query_all(select: &Select) -> Self {
        Self::get(format!("/queryAll?q={}", select.encoded()))
    }

    fn json(&self, root: &str, index: usize) -> Json {
        let mut json = json!({
            "method": self.method,
            "url": format!("{root}{}", self.path),
            "referenceId": format!("r{index}"),
        });
        if !self.headers.is_empty() {
            let headers = self.headers.iter();
            json["httpHeaders"] = headers
                .map(|(name, value)| ((*name).to_owned(), Json::String(value.clone())))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        if let Some(body) = &self.body {
            json["body"] = body.clone();
        }
        json
    }
}

impl SubReply {
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    pub(super) fn is_expired(&self) -> bool {
        is_expired(self.status, &self.body)
    }
}

impl QueryPage {
    /// The first page of a query. If it is the only one, it holds all that the query found.
    pub(super) fn read(reply: SubReply) -> Result<Self, Fault> {
        let page = Self::take(reply)?;
        if page.is_done {
            check_total(page.total, page.records.len())?;
        }
        Ok(page)
    }

    fn take(mut reply: SubReply) -> Result<Self, Fault> {
        if !reply.is_success() {
            let fault = errors::fault(reply.status, &reply.body, Effect::Reads);
            return Err(errors::of_request(fault));
        }
        let Json::Array(records) = reply.body["records"].take() else {
            return Err(Fault::broken("query", "the answer holds no records"));
        };
        let next = reply.body["nextRecordsUrl"].as_str().map(str::to_owned);
        Ok(Self {
            total: reply.body["totalSize"].as_u64(),
            records,
            // The only sign of the end; pages may be smaller than asked for.
            is_done: reply.body["done"].as_bool().unwrap_or(next.is_none()),
            next,
        })
    }
}

/// A record that the answer counts but does not show would pass for one that is not there.
fn check_total(total: Option<u64>, shown: usize) -> Result<(), Fault> {
    if total.is_none_or(|total| total <= shown as u64) {
        return Ok(());
    }
    let message = "the answer holds fewer records than it says it does";
    Err(Fault::new(FailureKind::Transient, "short-answer", message))
}

pub(super) fn missing() -> Fault {
    Fault::new(
        FailureKind::Transient,
        "composite",
        "the answer lacks a subrequest",
    )
}

/// A session that ended. A 401 without a word of the platform's may come from a proxy, and is worth
/// one try with a new token.
fn is_expired(status: u16, body: &Json) -> bool {
    status == 401 && ApiError::first(body).is_none_or(|error| error.is_expired_session())
}

fn below(base: &Url, path: &str) -> Result<Url, Fault> {
    base.join(path)
        .map_err(|error| Fault::broken("address", "the address is no URL").because(error))
}

/// The newest version of the organisation that this client knows.
fn newest_known(versions: &Json) -> Result<String, Fault> {
    let newest = versions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|version| version["version"].as_str()?.split_once('.')?.0.parse().ok())
        .filter(|major: &u32| (VERSION_MIN..=VERSION_MAX).contains(major))
        .max();
    newest.map(|major| format!("{major}.0")).ok_or_else(|| {
        let message =
            format!("the organisation offers no API version {VERSION_MIN}.0 to {VERSION_MAX}.0");
        Fault::broken("version", message)
    })
}

/// `api-usage=812/115000`, perhaps with more after it.
fn api_usage(header: &str) -> Option<(u32, u32)> {
    let usage = header
        .split([';', ','])
        .find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, allowed) = usage.split_once('/')?;
    Some((used.trim().parse().ok()?, allowed.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_header_is_read_with_and_without_company() {
        assert_eq!(api_usage("api-usage=812/115000"), Some((812, 115_000)));
        assert_eq!(
            api_usage("api-usage=1/5; per-app-api-usage=17/250(appName=x)"),
            Some((1, 5))
        );
        assert_eq!(api_usage("per-app-api-usage=17/250"), None);
    }

    #[test]
    fn the_newest_version_both_sides_know_is_taken() {
        let versions =
            |list: &[&str]| Json::Array(list.iter().map(|v| json!({"version": v})).collect());
        assert_eq!(
            newest_known(&versions(&["59.0", "66.0", "99.0"])).unwrap(),
            "66.0"
        );
        assert!(newest_known(&versions(&["31.0", "99.0"])).is_err());
    }
}
