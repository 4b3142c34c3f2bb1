//! Waits on loopback for the browser to come back: one request is the answer, all others are turned away.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

/// Bytes of a request line and its headers: browsers send two or three thousand.
const HEAD_MAX: usize = 16 * 1_024;

/// A connection that says nothing for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at once; whoever opens more waits.
const CONNECTIONS_MAX: usize = 8;

/// Where browsers look for `localhost`.
pub(in crate::app) struct Callback {
    listeners: Vec<TcpListener>,
    port: u16,
}

/// What became of one request.
enum Heard {
    Answer(Url),
    Something,
}

impl Callback {
    /// On IPv4, and on IPv6 where there is any. Port 0 is any port.
    pub(in crate::app) async fn listen(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        // A machine without IPv6 has no browser that looks there.
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok());
        Ok(Self { listeners, port })
    }

    /// At the first of these that is free.
    pub(in crate::app) async fn listen_at_one(ports: &[u16]) -> io::Result<Self> {
        let mut refused = io::ErrorKind::InvalidInput.into();
        for port in ports {
            match Self::listen(*port).await {
                Ok(callback) => return Ok(callback),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub(in crate::app) const fn port(&self) -> u16 {
        self.port
    }

    /// The address that answers the login, as `is_answer` knows it. The path is that of `redirect`.
    pub(in crate::app) async fn hear(
        &self,
        redirect: &Url,
        is_answer: impl Fn(&Url) -> bool,
    ) -> io::Result<Url> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.accept(), if connections.len() < CONNECTIONS_MAX => {
                    let redirect = redirect.clone();
                    connections.spawn(async move {
                        let mut stream = accepted?;
                        let url = timeout(PATIENCE, asked(&mut stream, &redirect)).await??;
                        io::Result::Ok((stream, url))
                    });
                }
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    // One that broke, or said nothing, is nobody's answer.
                    let Ok(Ok((stream, url))) = ended else { continue };
                    if let Heard::Answer(url) = turn(stream, url, &is_answer).await {
                        return Ok(url);
                    }
                }
            }
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let (first, second) = (&self.listeners[0], self.listeners.get(1));
        let accepted = match second {
            Some(second) => tokio::select! {
                accepted = first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
            None => first.accept().await,
        };
        accepted.map(|(stream, _)| stream)
    }
}

/// What a request asks for: `Err` with the status and words that turn it away.
type Asked = Result<Url, (&'static str, Words)>;

/// In English and in French: nobody knows whose browser it is.
type Words = [&'static str; 2];

async fn asked(stream: &mut TcpStream, redirect: &Url) -> io::Result<Asked> {
    let mut head = Vec::new();
    let mut piece = [0; 2_048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&piece[..count]);
        if head.len() > HEAD_MAX {
            let status = "431 Request Header Fields Too Large";
            let words = [
                "This request is too large.",
                "Cette requête est trop grande.",
            ];
            return Ok(Err((status, words)));
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    if method != Some("GET") {
        let words = [
            "Only a browser's GET is expected here.",
            "Seul le GET d'un navigateur est attendu ici.",
        ];
        return Ok(Err(("405 Method Not Allowed", words)));
    }
    // The target alone decides: what the request says of its host is not believed.
    let url = target
        .starts_with('/')
        .then(|| redirect.join(target).ok())
        .flatten()
        .filter(|url| url.origin() == redirect.origin() && url.path() == redirect.path());
    let words = ["There is nothing here.", "Il n'y a rien ici."];
    Ok(url.ok_or(("404 Not Found", words)))
}

async fn turn(mut stream: TcpStream, asked: Asked, is_answer: impl Fn(&Url) -> bool) -> Heard {
    let (status, words, heard) = match asked {
        Err((status, words)) => (status, words, Heard::Something),
        Ok(url) if !is_answer(&url) => (
            "400 Bad Request",
            [
                "This is not the answer to the login that passerelle waits for. Open the address that \
                 its terminal shows.",
                "Ce n'est pas la réponse à la connexion que passerelle attend. Ouvrir l'adresse que \
                 montre son terminal.",
            ],
            Heard::Something,
        ),
        Ok(url) => {
            let is_error = url.query_pairs().any(|(name, _)| name == "error");
            let words = if is_error {
                [
                    "The login was not allowed. The terminal says what to do; this window may be closed.",
                    "La connexion n'a pas été autorisée. Le terminal dit que faire ; cette fenêtre peut \
                     être fermée.",
                ]
            } else {
                [
                    "passerelle has the answer. The terminal says how it went; this window may be closed.",
                    "passerelle a la réponse. Le terminal dit ce qu'il en est ; cette fenêtre peut être \
                     fermée.",
                ]
            };
            ("200 OK", words, Heard::Answer(url))
        }
    };
    // A browser that does not read it has told us all the same.
    let _ = timeout(PATIENCE, stream.write_all(page(status, words).as_bytes())).await;
    let _ = timeout(PATIENCE, stream.shutdown()).await;
    heard
}

/// Nothing of the request is in it.
fn page(status: &str, [english, french]: Words) -> String {
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>passerelle</title>\
         <p>{english}</p><p lang=\"fr\">{french}</p></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status that each request gets, and whether the last one was taken for the answer.
    async fn answers(requests: &[&str]) -> (Vec<String>, Option<Url>) {
        let callback = Callback::listen(0).await.unwrap();
        let port = callback.port();
        let redirect: Url = format!("http://localhost:{port}/OauthRedirect")
            .parse()
            .unwrap();
        let browser = async {
            let mut statuses = Vec::new();
            for request in requests {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.contains("<p lang=\"fr\">"), "{answer}");
                statuses.push(answer.lines().next().unwrap_or_default().to_owned());
            }
            statuses
        };
        let is_answer = |url: &Url| url.query_pairs().any(|(_, value)| value == "right");
        let mut hearing = Box::pin(callback.hear(&redirect, is_answer));
        tokio::pin!(browser);
        let mut heard = None;
        loop {
            tokio::select! {
                answer = &mut hearing, if heard.is_none() => heard = Some(answer.unwrap()),
                statuses = &mut browser => return (statuses, heard),
            }
        }
    }

    #[tokio::test]
    async fn the_first_port_that_is_free_is_taken_and_no_other() {
        let held = Callback::listen(0).await.unwrap();
        let free = Callback::listen(0).await.unwrap().port();
        let callback = Callback::listen_at_one(&[held.port(), free]).await.unwrap();
        assert_eq!(callback.port(), free);
        let both = [held.port(), free];
        let refused = Callback::listen_at_one(&both).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn only_the_answer_is_taken_and_everything_else_is_turned_away() {
        let long = format!(
            "GET /OauthRedirect?state={} HTTP/1.1\r\n",
            "x".repeat(20_000)
        );
        let (statuses, heard) = answers(&[
            "GET /favicon.ico HTTP/1.1\r\n\r\n",
            "GET /OauthRedirect/../x?state=right HTTP/1.1\r\n\r\n",
            "GET http://evil.example/OauthRedirect?state=right HTTP/1.1\r\n\r\n",
            "POST /OauthRedirect?state=right HTTP/1.1\r\n\r\n",
            "GET /OauthRedirect?code=c&state=guess HTTP/1.1\r\n\r\n",
            "GET /OauthRedirect HTTP/1.1\r\n\r\n",
            &long,
            "\u{0}\u{1}\r\n\r\n",
            "GET /OauthRedirect?code=c%3D%3D&state=right HTTP/1.1\r\nHost: x\r\n\r\n",
        ])
        .await;
        let numbers: Vec<&str> = statuses
            .iter()
            .map(|status| status.split(' ').nth(1).unwrap_or_default())
            .collect();
        assert_eq!(
            numbers,
            [
                "404", "404", "404", "405", "400", "400", "431", "405", "200"
            ]
        );
        let code = heard.unwrap();
        let code = code.query_pairs().find(|(name, _)| name == "code").unwrap();
        assert_eq!(code.1, "c==");
    }
}
