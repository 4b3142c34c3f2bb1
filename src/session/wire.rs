//! What a thin client and the serving process say to each other over a socket: frames of a kind, a
//! length and a body. Bounded on both sides; the first one each way names the version.

use std::collections::BTreeMap;
use std::io;

use crossterm::event::Event;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Of this form of the frames. Both ends must speak the same; the first frame always can be read.
pub const VERSION: u16 = 2;

/// Bytes of one frame from a client: its own keymap file, or a paste.
pub const FROM_CLIENT_MAX: u32 = 256 * 1_024;

/// Bytes of one frame to a client: the largest screen, all of it new.
pub const TO_CLIENT_MAX: u32 = 16 * 1_024 * 1_024;

/// Columns or lines that a terminal may say it has. What is more than a screen is drawn on is cut off.
pub const SIDE_MAX: u16 = 10_000;

/// From the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Up {
    Hello(Box<Hello>),
    Event(Event),
    /// The terminal took the last screen.
    Taken,
    /// Where lines are read instead of keys.
    Line(String),
    /// No more of them.
    End,
}

/// From the serving process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The wish is granted: screens or words follow.
    Welcome,
    /// It is not, and why.
    Refused(String),
    Screen(Vec<u8>),
    /// For the client's standard output.
    Result(Vec<u8>),
    /// For its standard error.
    Note(Vec<u8>),
    /// A line of theirs is wanted, which comes as [`Up::Line`], or [`Up::End`] if there is none.
    Ask(Question),
    /// The last frame: the exit status, and what is left to say.
    Ended(Farewell),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    /// What is typed is not to be shown.
    pub is_secret: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    pub status: u8,
    pub word: String,
}

/// The first frame. `version` and `program` are read before everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u16,
    /// The client's own version, for the sentence that says how the two differ.
    pub program: String,
    pub claims: Claims,
    pub wish: Wish,
}

/// What the client says of who sits before it. Only as good as the peer's own user id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Who stands behind root.
    pub sudo_user: Option<String>,
    /// `SSH_CONNECTION`: address and port of both ends.
    pub ssh_connection: Option<String>,
    /// What the file `SSH_USER_AUTH` says of how they were let in.
    pub ssh_key: Option<String>,
    /// Look only, whatever the role allows.
    pub is_read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// A console on the client's terminal.
    Console {
        size: (u16, u16),
        /// The variables that say what the terminal shows and which language is spoken.
        variables: BTreeMap<String, String>,
        /// The operator's own keymap: name and text.
        keys: Option<(String, String)>,
    },
    /// A console that is read line by line: its words come as results.
    Linear {
        /// Of the client's terminal; none for a pipe.
        width: Option<u16>,
        variables: BTreeMap<String, String>,
        keys: Option<(String, String)>,
    },
    /// One command, carried out where the store is.
    Command {
        arguments: Vec<String>,
        /// Whose folder relative names belong to.
        folder: String,
    },
}

/// Enough to answer a client of another version with a sentence.
#[derive(Debug, Clone, Deserialize)]
struct Preamble {
    version: u16,
    program: String,
}

mod kind {
    pub(super) const HELLO: u8 = b'H';
    pub(super) const EVENT: u8 = b'E';
    pub(super) const TAKEN: u8 = b'T';
    pub(super) const LINE: u8 = b'L';
    pub(super) const END: u8 = b'Z';
    pub(super) const WELCOME: u8 = b'W';
    pub(super) const REFUSED: u8 = b'R';
    pub(super) const SCREEN: u8 = b'S';
    pub(super) const RESULT: u8 = b'O';
    pub(super) const NOTE: u8 = b'N';
    pub(super) const ASK: u8 = b'A';
    pub(super) const ENDED: u8 = b'X';
}

/// The next frame of a client; `None` at the end of the line.
pub async fn read_up(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Up>> {
    let Some((kind, body)) = read(from, FROM_CLIENT_MAX).await? else {
        return Ok(None);
    };
    Ok(Some(match kind {
        kind::HELLO => Up::Hello(Box::new(hello(&body)?)),
        kind::EVENT => Up::Event(parsed(&body)?),
        kind::TAKEN => Up::Taken,
        kind::LINE => Up::Line(String::from_utf8_lossy(&body).into_owned()),
        kind::END => Up::End,
        other => return Err(unknown(other)),
    }))
}

/// The next frame of the serving process; `None` at the end of the line.
pub async fn read_down(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Down>> {
    let Some((kind, body)) = read(from, TO_CLIENT_MAX).await? else {
        return Ok(None);
    };
    Ok(Some(match kind {
        kind::WELCOME => Down::Welcome,
        kind::REFUSED => Down::Refused(String::from_utf8_lossy(&body).into_owned()),
        kind::SCREEN => Down::Screen(body),
        kind::RESULT => Down::Result(body),
        kind::NOTE => Down::Note(body),
        kind::ASK => Down::Ask(parsed(&body)?),
        kind::ENDED => Down::Ended(parsed(&body)?),
        other => return Err(unknown(other)),
    }))
}

pub async fn write_up(to: &mut (impl AsyncWrite + Unpin), up: &Up) -> io::Result<()> {
    match up {
        Up::Hello(hello) => write(to, kind::HELLO, &serde_json::to_vec(hello)?).await,
        Up::Event(event) => write(to, kind::EVENT, &serde_json::to_vec(event)?).await,
        Up::Taken => write(to, kind::TAKEN, &[]).await,
        Up::Line(line) => write(to, kind::LINE, line.as_bytes()).await,
        Up::End => write(to, kind::END, &[]).await,
    }
}

pub async fn write_down(to: &mut (impl AsyncWrite + Unpin), down: &Down) -> io::Result<()> {
    match down {
        Down::Welcome => write(to, kind::WELCOME, &[]).await,
        Down::Refused(why) => write(to, kind::REFUSED, why.as_bytes()).await,
        Down::Screen(bytes) => write(to, kind::SCREEN, bytes).await,
        Down::Result(bytes) => write(to, kind::RESULT, bytes).await,
        Down::Note(bytes) => write(to, kind::NOTE, bytes).await,
        Down::Ask(question) => write(to, kind::ASK, &serde_json::to_vec(question)?).await,
        Down::Ended(farewell) => write(to, kind::ENDED, &serde_json::to_vec(farewell)?).await,
    }
}

/// A client of another version is told so, whatever else its first frame holds.
fn hello(body: &[u8]) -> io::Result<Hello> {
    let preamble: Preamble = parsed(body)?;
    if preamble.version != VERSION {
        let (theirs, ours) = (preamble.program, env!("CARGO_PKG_VERSION"));
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "this is passerelle {theirs}, and the one that serves the instance is {ours}: they do \
                 not understand each other. Use the same version, or restart the serving process with \
                 this one"
            ),
        ));
    }
    let hello: Hello = parsed(body)?;
    if let Wish::Console {
        size: (width, height),
        ..
    } = &hello.wish
        && *width.max(height) > SIDE_MAX
    {
        let message = format!(
            "a terminal of {width}×{height} cells is larger than any ({SIDE_MAX} a side): give it a size \
             with `stty cols 100 rows 30`, and attach again"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(hello)
}

async fn read(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: u32,
) -> io::Result<Option<(u8, Vec<u8>)>> {
    let kind = match from.read_u8().await {
        Ok(kind) => kind,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = from.read_u32().await?;
    if size > bytes_max {
        let message = format!("a frame of {size} bytes is larger than one may be ({bytes_max})");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    // Only as much memory as really arrives.
    let mut body = Vec::new();
    let mut rest = from.take(size.into());
    rest.read_to_end(&mut body).await?;
    if body.len() < size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((kind, body)))
}

async fn write(to: &mut (impl AsyncWrite + Unpin), kind: u8, body: &[u8]) -> io::Result<()> {
    let too_large = |_| io::Error::new(io::ErrorKind::InvalidData, "a frame is too large");
    let size = u32::try_from(body.len()).map_err(too_large)?;
    let mut head = [0; 5];
    head[0] = kind;
    head[1..].copy_from_slice(&size.to_be_bytes());
    to.write_all(&head).await?;
    to.write_all(body).await?;
    to.flush().await
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("a frame cannot be read: {error}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

fn unknown(kind: u8) -> io::Error {
    let message = format!("a frame of an unknown kind ({kind})");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    fn hello() -> Hello {
        Hello {
            version: VERSION,
            program: "0.1.0".to_owned(),
            claims: Claims::default(),
            wish: Wish::Console {
                size: (80, 24),
                variables: BTreeMap::new(),
                keys: None,
            },
        }
    }

    #[tokio::test]
    async fn every_frame_arrives_as_it_was_sent() {
        let ups = [
            Up::Hello(Box::new(hello())),
            Up::Event(Event::Key(KeyEvent::from(KeyCode::Char('é')))),
            Up::Event(Event::Paste("a\nb".to_owned())),
            Up::Event(Event::Resize(60, 20)),
            Up::Taken,
            Up::Line("open 12 é".to_owned()),
            Up::End,
        ];
        let mut bytes = Vec::new();
        for up in &ups {
            write_up(&mut bytes, up).await.unwrap();
        }
        let mut from = bytes.as_slice();
        for up in ups {
            assert_eq!(read_up(&mut from).await.unwrap(), Some(up));
        }
        assert_eq!(read_up(&mut from).await.unwrap(), None);
        let ended = Down::Ended(Farewell {
            status: 3,
            word: "the rest waits".to_owned(),
        });
        let ask = Down::Ask(Question {
            text: "the consumer secret: ".to_owned(),
            is_secret: true,
        });
        for down in [Down::Welcome, Down::Screen(vec![27, 0, 255]), ask, ended] {
            let mut bytes = Vec::new();
            write_down(&mut bytes, &down).await.unwrap();
            let read = read_down(&mut bytes.as_slice()).await.unwrap();
            assert_eq!(read, Some(down));
        }
    }

    #[tokio::test]
    async fn a_client_of_another_version_is_told_which_two_differ() {
        // As a later version might begin: with parts that this one does not know.
        let body = br#"{"version":3,"program":"9.1.0","claims":{"x":1},"wish":"fly"}"#;
        let mut bytes = vec![kind::HELLO, 0, 0, 0, body.len() as u8];
        bytes.extend_from_slice(body);
        let error = read_up(&mut bytes.as_slice()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        let told = error.to_string();
        assert!(
            told.contains("9.1.0") && told.contains("same version"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn what_is_no_frame_is_an_error_and_costs_no_memory() {
        let cases: [&[u8]; 5] = [
            &[kind::EVENT, 255, 255, 255, 255],
            &[kind::EVENT, 0, 0, 0, 9, b'{'],
            &[kind::EVENT, 0, 0, 0, 1, b'{'],
            &[b'?', 0, 0, 0, 0],
            &[kind::TAKEN, 0],
        ];
        for bytes in cases {
            let mut from = bytes;
            assert!(read_up(&mut from).await.is_err(), "{bytes:?}");
        }
    }
}
