//! The receiver's own end of HTTP: one path, one method, one call on each connection, everything bounded.
//! It never answers 410, on which Automation unpublishes the webhook at once, and tells whoever is
//! refused nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{Ear, Registrar};
use crate::adapters::automation::hook::{self, SIGNATURE, Signature};
use crate::domain::time::Span;
use crate::ports::Clock;

/// Connections at once: each may hold one body. Whoever comes later waits at the door.
const CONNECTIONS_MAX: usize = 64;

/// From a connection's beginning to its end. Automation itself gives up after 15 seconds, and a call that
/// waits for a slow stranger's place must be through by then.
const CONNECTION_TIME: Span = Span::seconds(5);

/// A body of queue mode holds ten events of a few dozen kilobytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// All names and values together.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// After a connection that could not be taken.
const RETRY: Span = Span(100);

struct Door {
    ear: Arc<Ear>,
    registrar: Arc<Registrar>,
}

/// Serves until everything closes.
pub(super) async fn serve(
    ear: Arc<Ear>,
    listener: TcpListener,
    registrar: Arc<Registrar>,
    closing: CancellationToken,
) -> io::Result<()> {
    let listener = Bounded {
        listener,
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        clock: Arc::clone(&ear.clock),
    };
    let door = Door { ear, registrar };
    let router = Router::new().fallback(call).with_state(Arc::new(door));
    axum::serve(listener, router)
        .with_graceful_shutdown(closing.cancelled_owned())
        .await
}

async fn call(State(door): State<Arc<Door>>, request: Request) -> Response {
    let status = door.answer(request).await;
    let headers = [(header::CONNECTION, "close")];
    if status == StatusCode::METHOD_NOT_ALLOWED {
        return (status, headers, [(header::ALLOW, "POST")]).into_response();
    }
    (status, headers).into_response()
}

impl Door {
    /// 1. What is no call to us is refused before its body is read.
    /// 2. A body is read whole, and believed only if the secret vouches for it.
    /// 3. The answer does not wait for anything that follows.
    async fn answer(&self, request: Request) -> StatusCode {
        let (head, body) = request.into_parts();
        if head.uri.path() != self.registrar.webhook.path {
            return self.turn_away(StatusCode::NOT_FOUND);
        }
        if head.method != Method::POST {
            return self.turn_away(StatusCode::METHOD_NOT_ALLOWED);
        }
        if bytes_of(&head.headers) > HEADER_BYTES_MAX {
            return self.turn_away(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let signature = head.headers.get(SIGNATURE);
        let signature = signature.and_then(|header| Signature::parse(header.as_bytes()));
        let Some(signature) = signature else {
            return self.refuse();
        };
        let Some(body) = whole(&head.headers, body).await else {
            return self.turn_away(StatusCode::PAYLOAD_TOO_LARGE);
        };
        // Without a secret nobody can have signed anything.
        let key = self.registrar.key();
        if !key.is_some_and(|key| key.vouches_for(&body, &signature)) {
            return self.refuse();
        }
        self.hear(&body)
    }

    fn hear(&self, body: &[u8]) -> StatusCode {
        let digest = ring::digest::digest(&ring::digest::SHA256, body);
        let digest = digest.as_ref().try_into().unwrap_or_default();
        let now = self.ear.clock.now();
        if !self.ear.with(|hints| hints.is_news(now, digest)) {
            self.ear.heard.notify_one();
            return StatusCode::OK;
        }
        let status = match hook::read(body) {
            Ok(heard) => {
                let is_full = self.ear.with(|hints| {
                    hints.take_in(heard);
                    hints.is_full()
                });
                if is_full {
                    self.ear.full.notify_one();
                }
                StatusCode::OK
            }
            Err(error) => {
                self.ear.with(super::Hints::note_unreadable);
                tracing::debug!(%error, "a webhook call");
                StatusCode::BAD_REQUEST
            }
        };
        self.ear.heard.notify_one();
        status
    }

    /// The secret does not vouch for it: it may be another secret than ours, which somebody must see.
    fn refuse(&self) -> StatusCode {
        self.ear.with(super::Hints::note_refused);
        self.turn_away(StatusCode::UNAUTHORIZED)
    }

    /// Who is turned away very often is not even told why.
    fn turn_away(&self, status: StatusCode) -> StatusCode {
        let now = self.ear.clock.now();
        let is_left = self.ear.with(|hints| hints.turn_away(now));
        self.ear.heard.notify_one();
        if is_left {
            status
        } else {
            StatusCode::TOO_MANY_REQUESTS
        }
    }
}

fn bytes_of(headers: &HeaderMap) -> usize {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    lengths.sum()
}

/// `None` if it is too large, which is known beforehand where it says so, or does not arrive.
async fn whole(headers: &HeaderMap, body: Body) -> Option<bytes::Bytes> {
    let said = headers.get(header::CONTENT_LENGTH);
    let said = said.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|length| length > BODY_BYTES_MAX) {
        return None;
    }
    to_bytes(body, BODY_BYTES_MAX).await.ok()
}

/// Takes so many connections at once, and each for so long.
struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Listener for Bounded {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Timed, SocketAddr) {
        // Never closed: without a place there is nothing but waiting.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return std::future::pending().await;
        };
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let timed = Timed {
                        stream,
                        end: self.clock.sleep(CONNECTION_TIME),
                        is_over: false,
                        _place: place,
                    };
                    return (timed, address);
                }
                Err(error) => {
                    // Gone before it was taken, or no descriptor is left: the next try may do.
                    tracing::warn!(kind = ?error.kind(), "a webhook connection was not taken");
                    self.clock.sleep(RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends at its time, whatever the other end does.
struct Timed {
    stream: TcpStream,
    end: BoxFuture<'static, ()>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Timed {
    fn in_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.is_over = self.is_over || self.end.as_mut().poll(cx).is_ready();
        if self.is_over {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
