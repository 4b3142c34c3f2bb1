//! The brain behind a loopback port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Router};

use super::super::instance::Automation;
use super::answer::{Answer, Body};
use super::faults::act_out;
use super::request::{Node, Request};
use super::route::respond;
use crate::sim::clock::{Clock, Timestamp};
use crate::sim::faults::{Drawn, FaultKind};
use crate::sim::http::{self, Server};

/// One answered call, for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNote {
    pub at: Timestamp,
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub status: u16,
}

type Log = Arc<dyn Fn(&CallNote) + Send + Sync>;

/// The brain and what surrounds it, shared by every connection.
#[derive(Clone)]
pub struct Shared {
    brain: Arc<Mutex<Automation>>,
    clock: Clock,
    log: Option<Log>,
    latency_ms: Arc<AtomicU64>,
}

impl Shared {
    pub fn new(brain: Automation, clock: Clock) -> Self {
        Self {
            brain: Arc::new(Mutex::new(brain)),
            clock,
            log: None,
            latency_ms: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Calls the hook after every answer.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.log = Some(log);
        self
    }

    /// The brain, for acts of people and for looking in. Do not hold it across an await.
    pub fn brain(&self) -> MutexGuard<'_, Automation> {
        // A panic elsewhere leaves a model that is still whole: every operation finishes or refuses.
        self.brain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Delays every answer from now on.
    pub fn set_latency_ms(&self, latency_ms: u64) {
        self.latency_ms.store(latency_ms, Ordering::Relaxed);
    }

    fn answer(&self, request: &Request, target: &str, drawn: Option<FaultKind>) -> Response {
        let now = self.now();
        let (mut answer, version) = {
            let mut brain = self.brain();
            let answer = match drawn {
                Some(FaultKind::RowLocked) => Answer::broken(),
                _ => respond(&mut brain, now, request),
            };
            (answer, brain.settings.version.clone())
        };
        if let Some(kind) = drawn {
            act_out(kind, &mut answer);
        }
        if let Some(log) = &self.log {
            let (method, target) = (request.method.clone(), target.to_owned());
            log(&CallNote {
                at: now,
                method,
                target,
                status: answer.status,
            });
        }
        into_response(answer, now, &version)
    }
}

/// PHP's own default for a posted body.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Every path and method goes to one handler: the product's own table of routes decides.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

async fn handle(
    State(shared): State<Shared>,
    drawn: Option<Extension<Drawn>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let latency_ms = shared.latency_ms.load(Ordering::Relaxed);
    http::pause(Duration::from_millis(latency_ms)).await;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let override_name = HeaderName::from_static("x-http-method-override");
    let method = match text(override_name) {
        Some(wanted) if method == Method::POST => wanted.to_ascii_uppercase(),
        _ => method.as_str().to_owned(),
    };
    let request = Request {
        method,
        path: uri.path().to_owned(),
        query: Node::parse(uri.query().unwrap_or_default()),
        authorization: text(AUTHORIZATION).map(str::to_owned),
        content_type: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
        body: body.to_vec(),
    };
    shared.answer(
        &request,
        &uri.to_string(),
        drawn.map(|Extension(drawn)| drawn.0),
    )
}

fn into_response(answer: Answer, now: Timestamp, version: &str) -> Response {
    let (kind, body) = match answer.body {
        Body::Json(value) => ("application/json", value.to_string()),
        Body::Html(html) => ("text/html; charset=UTF-8", html),
    };
    let mut response = Response::new(axum::body::Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(
        HeaderName::from_static("cache-control"),
        "no-cache, private",
    );
    put(DATE, &now.to_http_date());
    if answer.is_versioned {
        put(HeaderName::from_static("mautic-version"), version);
    }
    if let Some(location) = &answer.location {
        put(LOCATION, location);
    }
    for (name, value) in &answer.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            put(name, value);
        }
    }
    response
}

/// Binds a loopback address (`127.0.0.1:0` for any port) and serves the instance there, with
/// whatever `wrap` puts in front of it (`|router| router`, or `faults::layer`). The instance's base address becomes the one it is reached by.
pub fn serve(
    shared: &Shared,
    address: SocketAddr,
    wrap: impl FnOnce(Router) -> Router,
) -> io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    shared.brain().settings.base_url = format!("http://{}", listener.local_addr()?);
    http::serve(listener, wrap(router(shared.clone())))
}
