//! The guarded HTTP client under both adapters: what may be called, how long, and how much may come
//! back. It follows no redirect, so that a token never travels to a host that we did not choose.

use std::error::Error;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, redirect};
use url::{Host, Url};

use super::failures::{Effect, Fault};
use crate::domain::failure::FailureKind;
use crate::domain::time::{Span, Timestamp};

const USER_AGENT: &str = concat!("passerelle/", env!("CARGO_PKG_VERSION"));

/// A host that does not pick up within this is down; nothing was sent yet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const RETRY_AFTER_MAX: Span = Span::minutes(60);

/// Some proxies put it before what they pass on; no reader of JSON or CSV wants it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Both systems' answers are five levels deep; serde_json itself would allow 128.
const JSON_DEPTH_MAX: usize = 64;

/// How long a request may take from first to last byte, and how much it may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub read_timeout: Duration,
    pub write_timeout: Duration,
    /// After decompression.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Salesforce gives a query two minutes.
            read_timeout: Duration::from_secs(130),
            // A thousand rows through customers' triggers take minutes. Ten is the platform's end.
            write_timeout: Duration::from_secs(300),
            body_bytes_max: 32 << 20,
        }
    }
}

/// One client per outside system.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    limits: Limits,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) effect: Effect,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Empty,
    Bytes(&'static str, Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    effect: Effect,
}

impl Http {
    /// A client for a system at this address. Plain http only for loopback addresses, which are
    /// called without a proxy.
    pub(super) fn new(base: &Url, limits: Limits) -> Result<Self, Fault> {
        guard(base)?;
        // An error only says that a provider is installed already, which is all we need.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT);
        if is_loopback(base) {
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            // Nothing but loopback is reached from there, for which no authority vouches; reading
            // the system's certificates would take longer than most calls.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| {
            Fault::broken("client", "the HTTP client cannot be built").because(error)
        })?;
        Ok(Self { client, limits })
    }

    /// Sends and reads the whole answer, whatever its status.
    pub(super) async fn send(&self, call: Call) -> Result<Reply, Fault> {
        guard(&call.url)?;
        let effect = call.effect;
        let timeout = match effect {
            Effect::Reads => self.limits.read_timeout,
            Effect::Writes => self.limits.write_timeout,
        };
        let mut request = self
            .client
            .request(call.method, call.url)
            .headers(call.headers)
            .timeout(timeout);
        if let Body::Bytes(content_type, bytes) = call.body {
            request = request.header(CONTENT_TYPE, content_type).body(bytes);
        }
        let mut response = request.send().await.map_err(|e| transport(effect, e))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| transport(effect, e))? {
            if body.len() + chunk.len() > self.limits.body_bytes_max {
                let kind = match effect {
                    Effect::Reads => FailureKind::Broken,
                    Effect::Writes => FailureKind::Unknown,
                };
                let message = format!("the answer exceeds {} bytes", self.limits.body_bytes_max);
                return Err(Fault::new(kind, "too-large", message));
            }
            body.extend_from_slice(&chunk);
        }
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        let reply = Reply {
            status,
            headers,
            body,
            effect,
        };
        reply.refuse_redirect()?;
        Ok(reply)
    }
}

impl Call {
    pub(super) fn get(url: Url) -> Self {
        Self::new(Method::GET, url, Effect::Reads)
    }

    pub(super) fn new(method: Method, url: Url, effect: Effect) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            effect,
        }
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Body::Bytes("application/json", body.to_string().into_bytes());
        self
    }

    pub(super) fn body(mut self, content_type: &'static str, bytes: Vec<u8>) -> Self {
        self.body = Body::Bytes(content_type, bytes);
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }
}

impl Reply {
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The server's clock.
    pub(super) fn date(&self) -> Option<Timestamp> {
        let date = jiff::fmt::rfc2822::parse(self.header("date")?).ok()?;
        Some(Timestamp(date.timestamp().as_millisecond()))
    }

    /// How long the server asks us to wait, in seconds or as a date; never longer than an hour,
    /// because a proxy's mistake must not stop the sync for a year.
    pub(super) fn retry_after(&self) -> Option<Span> {
        let asked = self.header("retry-after")?.trim();
        let wait = if let Ok(seconds) = asked.parse::<u64>() {
            Span::seconds(i64::try_from(seconds.min(86_400)).ok()?)
        } else {
            let until = jiff::fmt::rfc2822::parse(asked).ok()?;
            // Against the server's own clock, as ours may differ.
            Span(until.timestamp().as_millisecond() - self.date()?.0)
        };
        (wait > Span::ZERO).then(|| wait.min(RETRY_AFTER_MAX))
    }

    /// The body as JSON. HTML from a front proxy, a cut body or a deep one is a failure.
    pub(super) fn json(&self) -> Result<serde_json::Value, Fault> {
        if nests_deeper_than(JSON_DEPTH_MAX, &self.body) {
            return Err(self.unreadable("deep-json", "the answer nests too deeply"));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("HTTP {} with a body that is not JSON", self.status);
            self.unreadable("not-json", message).because(error)
        })
    }

    fn unreadable(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(self.effect.lost(), code, message)
    }

    fn refuse_redirect(&self) -> Result<(), Fault> {
        // 300 and 304 are answers of Salesforce, not redirects.
        if (301..=399).contains(&self.status) && self.headers.contains_key(LOCATION) {
            let code = self.status.to_string();
            let message = "the server redirects elsewhere; check the configured address";
            return Err(Fault::new(FailureKind::Broken, code, message));
        }
        Ok(())
    }
}

/// Refuses addresses that would show a token to the network.
pub(super) fn guard(url: &Url) -> Result<(), Fault> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        scheme => Err(Fault::broken(
            "address",
            format!("{scheme} is refused for {}; use https", host(url)),
        )),
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("an address without a host")
}

/// Whether arrays and objects nest deeper than so many levels, read without building anything.
fn nests_deeper_than(max: usize, json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Nothing was sent if the connection was never made; after that, only a read is harmless.
fn transport(effect: Effect, error: reqwest::Error) -> Fault {
    // Addresses hold the texts of queries.
    let error = error.without_url();
    let (kind, code) = if error.is_builder() {
        (FailureKind::Broken, "request")
    } else if error.is_connect() {
        (FailureKind::Transient, "connect")
    } else if error.is_timeout() {
        (effect.lost(), "timeout")
    } else {
        (effect.lost(), "connection")
    };
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(message, ": {inner}"); // Writing to a String cannot fail.
        cause = inner.source();
    }
    Fault::new(kind, code, message).because(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::Bytes;
    use axum::response::Html;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::adapters::testing::serve;

    fn http(base: &Url) -> Http {
        let limits = Limits {
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_millis(300),
            body_bytes_max: 1 << 20,
        };
        Http::new(base, limits).unwrap()
    }

    fn kind_and_code(fault: Fault) -> (FailureKind, String) {
        (fault.failure.kind, fault.failure.code)
    }

    /// A server that answers every connection with these bytes and closes it.
    async fn answers_raw(bytes: Vec<u8>) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&bytes).await;
            }
        });
        url.parse().unwrap()
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in [
            "https://login.salesforce.com",
            "http://127.0.0.1:1",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(guard(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "http://login.salesforce.com",
            "http://localhost.evil.example",
            "ftp://127.0.0.1",
        ] {
            assert!(guard(&bad.parse().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_is_counted_outside_texts_only() {
        let nested = "[".repeat(65) + &"]".repeat(65);
        assert!(nests_deeper_than(64, nested.as_bytes()));
        assert!(!nests_deeper_than(65, nested.as_bytes()));
        let text = format!(r#"["\"{}"]"#, "[".repeat(100));
        assert!(!nests_deeper_than(64, text.as_bytes()));
    }

    #[tokio::test]
    async fn a_redirect_is_refused_and_the_token_stays_here() {
        let evil = serve(Router::new().route("/", get(|| async { "caught" }))).await;
        let target = evil.to_string();
        let app = Router::new().route(
            "/",
            get(move || async move { axum::response::Redirect::temporary(&target) }),
        );
        let base = serve(app).await;
        let call = Call::get(base.clone()).header("authorization", "Bearer secret");
        let fault = http(&base).send(call).await.unwrap_err();
        assert_eq!(kind_and_code(fault), (FailureKind::Broken, "307".into()));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_cut_off_while_it_streams() {
        let app = Router::new().route("/", get(|| async { Bytes::from(vec![b' '; 4 << 20]) }));
        let base = serve(app).await;
        let fault = http(&base).send(Call::get(base.clone())).await.unwrap_err();
        assert_eq!(
            kind_and_code(fault),
            (FailureKind::Broken, "too-large".into())
        );
    }

    #[tokio::test]
    async fn a_gzip_bomb_is_measured_after_decompression() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            packer.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let packed = packer.finish().unwrap();
        assert!(
            packed.len() < 1 << 20,
            "the bomb must pass the limit while packed"
        );
        let app = Router::new().route(
            "/",
            get(move || async move { ([("content-encoding", "gzip")], packed) }),
        );
        let base = serve(app).await;
        let fault = http(&base).send(Call::get(base.clone())).await.unwrap_err();
        assert_eq!(
            kind_and_code(fault),
            (FailureKind::Broken, "too-large".into())
        );
    }

    #[tokio::test]
    async fn html_with_status_200_is_no_answer() {
        let app = Router::new().route("/", get(|| async { Html("<h1>Down</h1>") }));
        let base = serve(app).await;
        let reply = http(&base).send(Call::get(base.clone())).await.unwrap();
        let fault = reply.json().unwrap_err();
        assert_eq!(
            kind_and_code(fault),
            (FailureKind::Transient, "not-json".into())
        );
    }

    #[tokio::test]
    async fn deep_json_is_refused_before_it_is_parsed() {
        let deep = "[".repeat(1_000_000);
        let app = Router::new().route("/", get(move || async move { deep }));
        let base = serve(app).await;
        let reply = http(&base).send(Call::get(base.clone())).await.unwrap();
        assert_eq!(reply.json().unwrap_err().failure.code, "deep-json");
    }

    #[tokio::test]
    async fn nothing_was_sent_if_the_connection_is_refused() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base: Url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        drop(listener);
        let call = Call::new(Method::POST, base.clone(), Effect::Writes);
        let fault = http(&base).send(call).await.unwrap_err();
        assert_eq!(
            kind_and_code(fault),
            (FailureKind::Transient, "connect".into())
        );
    }

    #[tokio::test]
    async fn a_cut_answer_leaves_a_write_unknown_and_a_read_repeatable() {
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
        let base = answers_raw(cut).await;
        let write = Call::new(Method::POST, base.clone(), Effect::Writes);
        let fault = http(&base).send(write).await.unwrap_err();
        assert_eq!(fault.failure.kind, FailureKind::Unknown);
        let fault = http(&base).send(Call::get(base.clone())).await.unwrap_err();
        assert_eq!(fault.failure.kind, FailureKind::Transient);
    }

    #[tokio::test]
    async fn a_silent_server_leaves_a_write_unknown_after_the_deadline() {
        let app = Router::new().route("/", axum::routing::post(std::future::pending::<&str>));
        let base = serve(app).await;
        let call = Call::new(Method::POST, base.clone(), Effect::Writes);
        let fault = http(&base).send(call).await.unwrap_err();
        assert_eq!(
            kind_and_code(fault),
            (FailureKind::Unknown, "timeout".into())
        );
    }
}
