//! The second skin: the brain served over loopback HTTP as REST, Composite and Bulk, with OAuth.
//!
//! One handler takes every request apart, one function routes it, so that a composite's
//! subrequests go the same way as requests from outside.

mod catalog;
mod collections;
mod composite;
mod deploys;
mod describe;
mod graphs;
mod jobs;
mod json;
mod jwt;
mod multipart;
mod oauth;
mod queries;
mod routes;
mod rows;
mod tooling;
mod trees;
mod wire;

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::error::{ApiError, ErrorCode};
use super::org::Salesforce;
use crate::sim::clock::{Clock, Timestamp};
use crate::sim::faults::{self, Dialect, Drawn, FaultGate, FaultPlan, Pauses, Reply};
use crate::sim::http::{Server, gunzip, gzip, pause, serve};
use wire::{Answer, Asked, Content};

/// REST: URI and headers together.
const URI_BYTES_MAX: usize = 16_384;
/// Bulk: 150 MB per upload; everything else is smaller.
const BODY_BYTES_MAX: usize = 150 << 20;
/// Below this, packing an answer costs more than it saves.
const GZIP_BYTES_MIN: usize = 1_024;

/// Which of the vendor's hosts a listener plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// login.salesforce.com or test.salesforce.com.
    Login,
    MyDomain,
}

/// One request, as the log sees it.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    pub at: Timestamp,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
}

type Log = Arc<dyn Fn(Logged<'_>) + Send + Sync>;

/// A brain dressed for HTTP. Shared between the server and whoever plays the people.
pub struct Site {
    brain: Mutex<Salesforce>,
    clock: Clock,
    skew_ms: Arc<AtomicI64>,
    host: Host,
    latency: Mutex<Duration>,
    log: Option<Log>,
    pub gate: Arc<FaultGate>,
}

impl fmt::Debug for Site {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Site")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Site {
    pub fn new(brain: Salesforce, clock: Clock) -> Self {
        Self {
            skew_ms: brain.clock_skew(),
            brain: Mutex::new(brain),
            clock,
            host: Host::MyDomain,
            latency: Mutex::new(Duration::ZERO),
            log: None,
            gate: FaultGate::new(FaultPlan::calm(1), dialect(), Pauses::default()),
        }
    }

    #[must_use]
    pub fn with_host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    #[must_use]
    pub fn with_log(mut self, log: impl Fn(Logged<'_>) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    #[must_use]
    pub fn with_faults(mut self, plan: FaultPlan, pauses: Pauses) -> Self {
        self.gate = FaultGate::new(plan, dialect(), pauses);
        self
    }

    /// Acts on the brain between requests. A poisoned lock only means another act panicked.
    pub fn with_brain<T>(&self, act: impl FnOnce(&mut Salesforce) -> T) -> T {
        act(&mut self.brain.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The simulated clock that everybody shares.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What the organisation's own clock shows.
    fn own_now(&self) -> Timestamp {
        self.now().plus_millis(self.skew_ms.load(Ordering::Relaxed))
    }

    /// How long every call takes, from now on.
    pub fn set_latency(&self, latency: Duration) {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    fn latency(&self) -> Duration {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole site, faults included.
pub fn router(site: Arc<Site>) -> Router {
    let gate = Arc::clone(&site.gate);
    faults::layer(Router::new().fallback(handle).with_state(site), gate)
}

/// Serves on a bound loopback listener until the handle is dropped.
pub fn start(site: Arc<Site>, listener: TcpListener) -> io::Result<Server> {
    serve(listener, router(site))
}

async fn handle(State(site): State<Arc<Site>>, request: Request) -> Response {
    pause(site.latency()).await;
    let (head, body) = request.into_parts();
    let now = site.own_now();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let answer = match to_bytes(body, BODY_BYTES_MAX)
        .await
        .ok()
        .and_then(|body| plain(&head.headers, &body))
    {
        _ if target.len() > URI_BYTES_MAX => {
            Answer::from(ApiError::new(ErrorCode::URI_TOO_LONG, "URI too long"))
        }
        _ if target.len() + size(&head.headers) > URI_BYTES_MAX => Answer {
            status: 431,
            ..Answer::text(
                "text/html",
                "<h1>Request Header Fields Too Large</h1>".to_owned(),
            )
        },
        None => Answer::from(ApiError::new(
            ErrorCode::MALFORMED_REQUEST,
            "the body cannot be read",
        )),
        Some(body) => {
            let mut asked = Asked::new(head.method.as_str(), target, now);
            asked.host = Some((site.host, base_url(&head.headers)));
            asked.headers = head.headers.clone();
            asked.body = body;
            asked.fault = head.extensions.get::<Drawn>().map(|drawn| drawn.0);
            site.with_brain(|brain| routes::answer(brain, asked))
        }
    };
    if let Some(log) = &site.log {
        log(Logged {
            at: now,
            method: head.method.as_str(),
            path: target,
            status: answer.status,
        });
    }
    finished(&head.headers, answer, now)
}

/// As they stood on the wire.
fn size(headers: &HeaderMap) -> usize {
    let lines = headers.iter();
    lines
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum()
}

fn plain(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    match text(headers, "content-encoding") {
        Some("gzip") => gunzip(body, BODY_BYTES_MAX as u64).ok(),
        _ => Some(body.to_vec()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Where the client reached us, which is what `instance_url` must say.
fn base_url(headers: &HeaderMap) -> String {
    let scheme = text(headers, "x-forwarded-proto").unwrap_or("http");
    format!(
        "{scheme}://{}",
        text(headers, "host").unwrap_or("localhost")
    )
}

fn finished(asked: &HeaderMap, answer: Answer, now: Timestamp) -> Response {
    let (content_type, mut bytes) = match answer.content {
        Content::Empty => (None, Vec::new()),
        Content::Json(json) => (
            Some("application/json;charset=UTF-8"),
            json.to_string().into_bytes(),
        ),
        Content::Text(content_type, text) => (Some(content_type), text.into_bytes()),
    };
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    // Clients take the server's clock from here, so it must be the simulated one.
    put(header::DATE, &now.to_http_date());
    if let Some(content_type) = content_type {
        put(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in &answer.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            put(name, value);
        }
    }
    let accepts = text(asked, "accept-encoding").is_some_and(|accepts| accepts.contains("gzip"));
    if accepts
        && bytes.len() >= GZIP_BYTES_MIN
        && let Ok(packed) = gzip(&bytes)
    {
        put(header::CONTENT_ENCODING, "gzip");
        bytes = packed;
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    response
}

/// How this vendor words the protocol faults. There is no Retry-After in any of them.
pub fn dialect() -> Dialect {
    const JSON: &str = "application/json;charset=UTF-8";
    let reply = |status, body| Reply::new(status, JSON, body);
    Dialect {
        too_many_requests: reply(
            StatusCode::TOO_MANY_REQUESTS,
            r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
        ),
        unavailable: Reply::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/html",
            "<html><body><h1>Service Unavailable</h1><p>We are down for maintenance.</p></body></html>",
        ),
        internal_error: reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"[{"message":"An unexpected error occurred. Please include this ErrorId if you contact support: 1284375981-29302 (-1829)","errorCode":"UNKNOWN_EXCEPTION"}]"#,
        ),
        session_expired: reply(
            StatusCode::UNAUTHORIZED,
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
        ),
        quota_spent: reply(
            StatusCode::FORBIDDEN,
            r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
        ),
    }
}

#[cfg(test)]
mod tests;
