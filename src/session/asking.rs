//! Questions of a command to whoever gave it: at this process's own terminal or pipe, or at the other
//! end of a line.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use super::server::Questions;
use super::stdio::next_line;
use super::wire::Question;

/// Lines that were typed ahead.
const LINES_MAX: usize = 4;

/// Bytes of a secret: more is a mistake.
const SECRET_MAX: usize = 4 * 1_024;

/// Asks one question at a time.
#[derive(Clone)]
pub struct Asker(Source);

#[derive(Clone)]
enum Source {
    /// The lines, once the first question was asked.
    Ours(Arc<Mutex<Option<mpsc::Receiver<String>>>>),
    Guest(Questions),
}

impl Asker {
    /// Of this process.
    pub fn ours() -> Self {
        Self(Source::Ours(Arc::default()))
    }

    pub(super) const fn guest(questions: Questions) -> Self {
        Self(Source::Guest(questions))
    }

    /// A line, without its end; `None` if no more come. A question that nobody waits for any more
    /// leaves its line to the next one.
    pub async fn line(&self, text: &str) -> io::Result<Option<String>> {
        match &self.0 {
            Source::Guest(questions) => questions.ask(text, false).await,
            Source::Ours(lines) => {
                say(text)?;
                typed(lines).await
            }
        }
    }

    /// The same without showing what is typed. Not while a line is asked for.
    pub async fn secret(&self, text: &str) -> io::Result<Option<SecretString>> {
        let secret = match &self.0 {
            Source::Guest(questions) => questions.ask(text, true).await?,
            Source::Ours(lines) if io::stdin().is_terminal() => {
                let taken = lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .is_some();
                if taken {
                    // Its thread reads the same terminal, and cannot be stopped.
                    return Err(io::Error::other(
                        "a secret is asked for before anything else",
                    ));
                }
                return off_the_runtime(text.to_owned()).await.map(Some);
            }
            Source::Ours(lines) => typed(lines).await?,
        };
        Ok(secret.map(SecretString::from))
    }

    /// What the other process of ours wants to know, from here.
    pub async fn answer(&self, question: &Question) -> io::Result<Option<String>> {
        use secrecy::ExposeSecret as _;
        if question.is_secret {
            let secret = self.secret(&question.text).await?;
            return Ok(secret.map(|secret| secret.expose_secret().to_owned()));
        }
        self.line(&question.text).await
    }
}

/// The lines go back where they were, whatever becomes of the question.
struct Borrowed<'a> {
    place: &'a Mutex<Option<mpsc::Receiver<String>>>,
    lines: Option<mpsc::Receiver<String>>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        *place = self.lines.take();
    }
}

async fn typed(place: &Mutex<Option<mpsc::Receiver<String>>>) -> io::Result<Option<String>> {
    let known = {
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        place.take()
    };
    let lines = match known {
        Some(lines) => lines,
        None => listen()?,
    };
    let mut borrowed = Borrowed {
        place,
        lines: Some(lines),
    };
    let line = match &mut borrowed.lines {
        Some(lines) => lines.recv().await,
        None => None,
    };
    Ok(line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The thread ends with the process: a read cannot be broken off.
fn listen() -> io::Result<mpsc::Receiver<String>> {
    let (lines, inbox) = mpsc::channel(LINES_MAX);
    let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    thread::Builder::new()
        .name("answers".to_owned())
        .spawn(move || {
            let mut from = BufReader::new(from);
            while let Ok(Some(line)) = next_line(&mut from) {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
    Ok(inbox)
}

fn say(text: &str) -> io::Result<()> {
    let mut to = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    to.write_all(text.as_bytes())
}

async fn off_the_runtime(text: String) -> io::Result<SecretString> {
    let (answer, answered) = oneshot::channel();
    thread::Builder::new()
        .name("secret".to_owned())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = answer.send(type_secret(&text));
        })?;
    answered.await.map_err(io::Error::other)?
}

/// Asks at the terminal that controls this process, whatever its standard input is, and shows nothing
/// of what is typed.
pub fn type_secret(text: &str) -> io::Result<SecretString> {
    let tty = File::options().read(true).write(true).open("/dev/tty")?;
    let mut silence = Silence::of(tty)?;
    silence.tty.write_all(text.as_bytes())?;
    let mut typed = Vec::new();
    let mut byte = [0];
    loop {
        if silence.tty.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            // Ctrl-C: signals are off, so that the terminal is given back first.
            0x03 => return Err(io::ErrorKind::Interrupted.into()),
            0x04 if typed.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            0x08 | 0x7f => drop(typed.pop()),
            0x15 => typed.clear(),
            byte if typed.len() < SECRET_MAX => typed.push(byte),
            _ => {}
        }
    }
    String::from_utf8(typed)
        .map(SecretString::from)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is no text"))
}

/// A terminal that shows nothing, until this is dropped.
struct Silence {
    tty: File,
    before: Termios,
}

impl Silence {
    fn of(tty: File) -> io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut silent = before.clone();
        let flags = LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG;
        silent.local_flags.remove(flags);
        tcsetattr(&tty, SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(&self.tty, SetArg::TCSANOW, &self.before);
        let _ = self.tty.write_all(b"\n");
    }
}
