//! Carries faults out around any router. What a throttled or expired answer looks like differs per
//! system, so each simulator brings its dialect; everything below HTTP is the same for both.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use super::{CallInfo, FaultKind, FaultPlan};
use crate::sim::http::{Wire, gzip, pause};

/// The data fault drawn for a request, left in its extensions for the handler to act out.
#[derive(Clone, Copy, Debug)]
pub struct Drawn(pub FaultKind);

/// A canned answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub content_type: &'static str,
    pub body: &'static str,
}

impl Reply {
    pub const fn new(status: StatusCode, content_type: &'static str, body: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type,
            body,
        }
    }
}

/// How one system words the protocol faults.
#[derive(Clone, Debug)]
pub struct Dialect {
    pub too_many_requests: Reply,
    pub unavailable: Reply,
    pub internal_error: Reply,
    pub session_expired: Reply,
    pub quota_spent: Reply,
}

/// How long faults last, and how large they get: real time, so tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// Longer than any sane client timeout.
    pub stall: Duration,
    pub between_slow_bytes: Duration,
    pub huge_body_bytes: u64,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(600),
            between_slow_bytes: Duration::from_secs(1),
            huge_body_bytes: 100 << 20,
        }
    }
}

/// The switch in front of one router: the plan in force, replaceable while it runs.
#[derive(Debug)]
pub struct FaultGate {
    plan: Mutex<FaultPlan>,
    dialect: Dialect,
    pauses: Pauses,
}

impl FaultGate {
    pub fn new(plan: FaultPlan, dialect: Dialect, pauses: Pauses) -> Arc<Self> {
        Arc::new(Self {
            plan: Mutex::new(plan),
            dialect,
            pauses,
        })
    }

    /// Looks at or changes the plan. A poisoned lock only means a test failed while holding it.
    pub fn with_plan<T>(&self, act: impl FnOnce(&mut FaultPlan) -> T) -> T {
        act(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts the gate in front of a router. Serve it with `sim::http::serve`, or resets cannot reset.
pub fn layer(router: Router, gate: Arc<FaultGate>) -> Router {
    router.layer(middleware::from_fn_with_state(gate, pass))
}

async fn pass(State(gate): State<Arc<FaultGate>>, mut request: Request, next: Next) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());
    let call = CallInfo {
        method: request.method().as_str(),
        path,
    };
    let Some(kind) = gate.with_plan(|plan| plan.draw(&call)) else {
        return next.run(request).await;
    };
    tracing::debug!(?kind, method = call.method, path = call.path, "fault");
    let wire = request
        .extensions()
        .get::<ConnectInfo<Wire>>()
        .map(|info| info.0.clone());
    let wire = wire.unwrap_or_default();
    if kind.is_data() {
        request.extensions_mut().insert(Drawn(kind));
        return next.run(request).await;
    }
    if kind.is_after_commit() {
        let answer = next.run(request).await;
        return spoil(&gate, kind, &wire, answer).await;
    }
    instead(&gate, kind, &wire).await
}

/// Faults that strike before the router saw the call.
async fn instead(gate: &FaultGate, kind: FaultKind, wire: &Wire) -> Response {
    let dialect = &gate.dialect;
    match kind {
        FaultKind::StallBefore => {
            pause(gate.pauses.stall).await;
            cut(wire)
        }
        FaultKind::TooManyRequests => canned(&dialect.too_many_requests),
        FaultKind::UnavailableBefore => canned(&dialect.unavailable),
        FaultKind::InternalErrorBefore => canned(&dialect.internal_error),
        FaultKind::SessionExpired => canned(&dialect.session_expired),
        FaultKind::QuotaSpent => canned(&dialect.quota_spent),
        FaultKind::RedirectElsewhere => {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::MOVED_PERMANENTLY;
            let elsewhere = HeaderValue::from_static("http://elsewhere.example/");
            answer.headers_mut().insert(header::LOCATION, elsewhere);
            answer
        }
        FaultKind::HugeBody => huge(gate.pauses.huge_body_bytes),
        FaultKind::GzipBomb => bomb(gate.pauses.huge_body_bytes),
        _ => cut(wire),
    }
}

/// Faults that strike once the work is done and the answer is known.
async fn spoil(gate: &FaultGate, kind: FaultKind, wire: &Wire, answer: Response) -> Response {
    match kind {
        FaultKind::StallAfter => {
            pause(gate.pauses.stall).await;
            return cut(wire);
        }
        FaultKind::ResetAfter => return cut(wire),
        FaultKind::UnavailableAfter => return canned(&gate.dialect.unavailable),
        FaultKind::InternalErrorAfter => return canned(&gate.dialect.internal_error),
        FaultKind::ProxyPage => return canned(&PROXY_PAGE),
        _ => {}
    }
    let (mut head, content) = answer.into_parts();
    // The routers here answer from memory, so their bodies are complete and finite.
    let content = body::to_bytes(content, usize::MAX)
        .await
        .unwrap_or_default();
    let announced = content.len();
    head.headers.remove(header::CONTENT_LENGTH);
    let content = match kind {
        FaultKind::EmptyBody => Body::empty(),
        FaultKind::MalformedJson => {
            head.headers.remove(header::CONTENT_ENCODING);
            Body::from(r#"{"records":[{"Id":"003"#)
        }
        FaultKind::ByteOrderMark if !head.headers.contains_key(header::CONTENT_ENCODING) => {
            Body::from([b"\xEF\xBB\xBF".as_slice(), &content].concat())
        }
        FaultKind::TruncatedBody => {
            announce(&mut head.headers, announced.max(1));
            let half = content.slice(..announced / 2);
            let lost = Err(io::Error::from(io::ErrorKind::ConnectionReset));
            Body::from_stream(stream::iter([Ok(half), lost]))
        }
        FaultKind::WrongContentLength => {
            announce(&mut head.headers, announced + 64);
            Body::from_stream(stream::iter([Ok::<_, Infallible>(content)]))
        }
        FaultKind::SlowBody => slow(content, gate.pauses.between_slow_bytes),
        _ => Body::from(content),
    };
    Response::from_parts(head, content)
}

const PROXY_PAGE: Reply = Reply::new(
    StatusCode::OK,
    "text/html",
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
);

fn announce(headers: &mut HeaderMap, length: usize) {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

/// The answer given here is never seen: writing it fails.
fn cut(wire: &Wire) -> Response {
    wire.cut();
    Response::new(Body::empty())
}

fn canned(reply: &Reply) -> Response {
    let mut answer = Response::new(Body::from(reply.body));
    *answer.status_mut() = reply.status;
    let content_type = HeaderValue::from_static(reply.content_type);
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    for (name, value) in &reply.headers {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    answer
}

fn slow(content: Bytes, between: Duration) -> Body {
    Body::from_stream(stream::unfold(content, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        pause(between).await;
        let byte = left.split_to(1);
        Some((Ok::<_, Infallible>(byte), left))
    }))
}

/// One JSON string that never seems to end.
fn huge(length: u64) -> Response {
    const CHUNK: &[u8] = &[b'x'; 1 << 16];
    let opening = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"padding\":\""))]);
    let filling = stream::unfold(length, |left| async move {
        let size = left.min(CHUNK.len() as u64);
        (size > 0).then(|| (Ok(Bytes::from_static(&CHUNK[..size as usize])), left - size))
    });
    let filling = futures_util::StreamExt::chain(opening, filling);
    let mut answer = Response::new(Body::from_stream(filling));
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

fn bomb(length: u64) -> Response {
    let mut answer = Response::new(Body::empty());
    // Packing into memory cannot fail; an empty body would only make a duller bomb.
    let packed = gzip(&vec![b' '; length as usize]).unwrap_or_default();
    *answer.body_mut() = Body::from(packed);
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}
