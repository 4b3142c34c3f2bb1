//! The serving end of the socket: who may knock, and what a guest's terminal is to a session.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::{Gid, Group, Pid, Uid};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::wire::{self, Down, Farewell, Hello, Question, Up};
use super::{Asker, INPUTS_MAX, Input, TtyWires};

/// Whoever connects says what they want within this.
const HELLO_PATIENCE: Duration = Duration::from_secs(5);

/// A client that takes nothing for so long is gone: the frame it is owed is dropped with it.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);

/// Pieces of a command's words that wait, and bytes of one of them.
const WORDS_MAX: usize = 4_096;
const WORD_MAX: usize = 16 * 1_024;

/// Where the serving process listens. Dropped, the socket is gone.
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
}

/// Who is at the other end of a socket, by the kernel's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub uid: Uid,
    pub gid: Gid,
    pub pid: Option<Pid>,
}

/// Somebody who said what they want.
pub struct Guest {
    pub hello: Hello,
    pub peer: Peer,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
}

impl Listener {
    /// For the owner alone, or for a group as well. What a dead process left behind is replaced; a
    /// socket that somebody answers, or a file of another kind, is not.
    pub fn bind(path: &Path, group: Option<&str>) -> io::Result<Self> {
        if path.as_os_str().len() > PATH_MAX {
            let message =
                "its path is too long for a socket: set [serve] socket in the instance file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let gid = group.map(group_of).transpose()?;
        clear(path)?;
        let inner = UnixListener::bind(path)?;
        let listener = Self {
            inner,
            path: path.to_owned(),
        };
        let mode = if gid.is_some() { 0o660 } else { 0o600 };
        nix::unistd::chown(path, None, gid)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        Ok(listener)
    }

    pub async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.inner.accept().await?;
        let peer = stream.peer_cred()?;
        let peer = Peer {
            uid: Uid::from_raw(peer.uid()),
            gid: Gid::from_raw(peer.gid()),
            pid: peer.pid().map(Pid::from_raw),
        };
        Ok((stream, peer))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A path that cannot be removed is replaced by the next one.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The longest path that a socket's address holds on Linux.
const PATH_MAX: usize = 107;

fn group_of(name: &str) -> io::Result<Gid> {
    let group = Group::from_name(name)?;
    group.map(|group| group.gid).ok_or_else(|| {
        let message = format!("there is no group “{name}” on this machine");
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

fn clear(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if !meta.file_type().is_socket() => {
            let message = "something else than a socket is there, and stays as it is";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            let message = "another process answers there";
            Err(io::Error::new(io::ErrorKind::AddrInUse, message))
        }
        Ok(_) => std::fs::remove_file(path),
    }
}

impl Guest {
    /// Hears what somebody wants. One who cannot be understood is told why.
    pub async fn hear(stream: UnixStream, peer: Peer) -> io::Result<Self> {
        let (mut from, mut to) = stream.into_split();
        let heard = timeout(HELLO_PATIENCE, wire::read_up(&mut from)).await;
        match heard.map_err(io::Error::from).flatten() {
            Ok(Some(Up::Hello(hello))) => Ok(Self {
                hello: *hello,
                peer,
                from,
                to,
            }),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(error) => {
                let why = Down::Refused(error.to_string());
                let _ = timeout(HELLO_PATIENCE, wire::write_down(&mut to, &why)).await;
                Err(error)
            }
        }
    }

    pub async fn refuse(mut self, why: String) -> io::Result<()> {
        timeout(
            HELLO_PATIENCE,
            wire::write_down(&mut self.to, &Down::Refused(why)),
        )
        .await?
    }

    /// Lets them in: their terminal's ends of a session's wires, and the line to say farewell on.
    pub async fn seat(self) -> io::Result<(TtyWires, Line)> {
        self.seated(Down::Screen).await
    }

    /// The same for somebody who reads lines.
    pub async fn seat_lines(self) -> io::Result<(TtyWires, Line)> {
        self.seated(Down::Result).await
    }

    async fn seated(mut self, frame: fn(Vec<u8>) -> Down) -> io::Result<(TtyWires, Line)> {
        let welcome = wire::write_down(&mut self.to, &Down::Welcome);
        timeout(WRITE_PATIENCE, welcome).await??;
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let (frames, waiting) = mpsc::channel(1);
        let (report, taken) = mpsc::channel(1);
        let reader = tokio::spawn(listen_to(self.from, inputs, report.clone()));
        let writer = tokio::spawn(show(self.to, waiting, report, frame));
        let wires = TtyWires {
            inputs: inbox,
            frames,
            taken,
        };
        Ok((wires, Line { reader, writer }))
    }

    /// Lets a command in.
    pub async fn serve(mut self) -> io::Result<CommandLine> {
        let welcome = wire::write_down(&mut self.to, &Down::Welcome);
        timeout(WRITE_PATIENCE, welcome).await??;
        let said = Arc::new(Said::default());
        let writer = tokio::spawn(tell(self.to, Arc::clone(&said)));
        let mut from = self.from;
        let answers = Arc::clone(&said);
        // Nothing but the answers to our questions, and the end of its line.
        let reader = async move {
            loop {
                match wire::read_up(&mut from).await {
                    Ok(Some(Up::Line(line))) => answers.answer(Some(line)),
                    Ok(Some(Up::End)) => answers.answer(None),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return,
                }
            }
        };
        Ok(CommandLine {
            reader: tokio::spawn(reader),
            writer,
            said,
        })
    }
}

/// The line of a command that is carried out here.
pub struct CommandLine {
    reader: JoinHandle<()>,
    writer: JoinHandle<io::Result<()>>,
    said: Arc<Said>,
}

/// What a command said and its client did not hear yet.
#[derive(Default)]
struct Said {
    waiting: Mutex<VecDeque<Down>>,
    more: Notify,
    /// Who waits for the answer to the question under way.
    asked: Mutex<Option<oneshot::Sender<Option<String>>>>,
}

/// A command's way to ask whoever gave it.
#[derive(Clone)]
pub(super) struct Questions {
    said: Arc<Said>,
}

impl Questions {
    /// One at a time: a new question takes the place of the one before it.
    pub(super) async fn ask(&self, text: &str, is_secret: bool) -> io::Result<Option<String>> {
        let (answer, answered) = oneshot::channel();
        *self.said.asked() = Some(answer);
        let text = text.to_owned();
        self.said.say(Down::Ask(Question { text, is_secret }))?;
        answered.await.map_err(io::Error::other)
    }
}

/// One of the two streams of a command that is carried out here.
pub struct Words {
    said: Arc<Said>,
    frame: fn(Vec<u8>) -> Down,
}

impl CommandLine {
    pub fn results(&self) -> Words {
        Words {
            said: Arc::clone(&self.said),
            frame: Down::Result,
        }
    }

    pub fn notes(&self) -> Words {
        Words {
            said: Arc::clone(&self.said),
            frame: Down::Note,
        }
    }

    /// Questions to whoever gave the command.
    pub fn asker(&self) -> Asker {
        Asker::guest(Questions {
            said: Arc::clone(&self.said),
        })
    }

    /// Ends when whoever gave the command is gone.
    pub async fn hung_up(&mut self) {
        // However it ended, nobody is there any more.
        let _ = (&mut self.reader).await;
    }

    /// Until all was said, or cannot be.
    pub async fn end(mut self, farewell: Farewell) -> io::Result<()> {
        self.said.say(Down::Ended(farewell))?;
        (&mut self.writer).await.map_err(io::Error::other)?
    }
}

impl Drop for CommandLine {
    /// Whoever still listens learns that nothing more comes.
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

impl Said {
    fn asked(&self) -> MutexGuard<'_, Option<oneshot::Sender<Option<String>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, line: Option<String>) {
        if let Some(answer) = self.asked().take() {
            // Whoever asked may have learnt it otherwise.
            let _ = answer.send(line);
        }
    }

    fn say(&self, down: Down) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let down = match waiting.back_mut() {
            Some(last) => match joined(last, down) {
                Some(down) => down,
                None => return Ok(()),
            },
            None => down,
        };
        // The farewell is the last thing, and always told.
        if waiting.len() >= WORDS_MAX && !matches!(down, Down::Ended(_)) {
            return Err(io::Error::other("nobody takes what this command says"));
        }
        waiting.push_back(down);
        self.more.notify_one();
        Ok(())
    }

    fn next(&self) -> Option<Down> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    }
}

/// Adds words to those that wait, where they belong together and there is room; answers what is left. A
/// command writes line by line.
fn joined(last: &mut Down, down: Down) -> Option<Down> {
    match (last, down) {
        (Down::Result(words), Down::Result(more)) | (Down::Note(words), Down::Note(more))
            if words.len() + more.len() <= WORD_MAX =>
        {
            words.extend(more);
            None
        }
        (_, down) => Some(down),
    }
}

impl io::Write for Words {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(WORD_MAX)];
        self.said.say((self.frame)(bytes.to_vec()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends words as they come, until the farewell.
async fn tell(mut to: OwnedWriteHalf, said: Arc<Said>) -> io::Result<()> {
    loop {
        while let Some(down) = said.next() {
            timeout(WRITE_PATIENCE, wire::write_down(&mut to, &down)).await??;
            if matches!(down, Down::Ended(_)) {
                return Ok(());
            }
        }
        said.more.notified().await;
    }
}

/// The line to a guest.
pub struct Line {
    reader: JoinHandle<()>,
    writer: JoinHandle<OwnedWriteHalf>,
}

impl Line {
    /// After the session has dropped its wires.
    pub async fn end(self, farewell: Farewell) -> io::Result<()> {
        self.reader.abort();
        let mut to = timeout(WRITE_PATIENCE, self.writer)
            .await?
            .map_err(io::Error::other)?;
        let down = Down::Ended(farewell);
        timeout(WRITE_PATIENCE, wire::write_down(&mut to, &down)).await?
    }
}

/// Hands on what the guest's terminal says, until it says nothing more.
async fn listen_to(
    mut from: OwnedReadHalf,
    inputs: mpsc::Sender<Input>,
    taken: mpsc::Sender<io::Result<()>>,
) {
    loop {
        match wire::read_up(&mut from).await {
            Ok(Some(Up::Event(event))) => {
                if inputs.send(Input::Event(event)).await.is_err() {
                    return;
                }
            }
            // One screen is under way at a time: what is too much is not ours.
            Ok(Some(Up::Taken)) => drop(taken.try_send(Ok(()))),
            Ok(Some(Up::Line(line))) => {
                if inputs.send(Input::Line(line)).await.is_err() {
                    return;
                }
            }
            // What they hear goes on; when they are gone it cannot be written.
            Ok(Some(Up::End)) => drop(inputs.send(Input::End).await),
            Ok(Some(Up::Hello(_)) | None) | Err(_) => {
                // Not behind what was said before, if lines wait.
                drop(taken.try_send(Err(io::ErrorKind::UnexpectedEof.into())));
                // Nobody may be listening any more, which is the end as well.
                let _ = inputs.send(Input::HungUp).await;
                return;
            }
        }
    }
}

/// Sends screens, one at a time. One that nobody takes is the last.
async fn show(
    mut to: OwnedWriteHalf,
    mut frames: mpsc::Receiver<Vec<u8>>,
    taken: mpsc::Sender<io::Result<()>>,
    down: fn(Vec<u8>) -> Down,
) -> OwnedWriteHalf {
    while let Some(words) = frames.recv().await {
        let frame = down(words);
        let written = timeout(WRITE_PATIENCE, wire::write_down(&mut to, &frame)).await;
        // A screen is taken when the client says so; words when they are on their way.
        if matches!((&written, &frame), (Ok(Ok(())), Down::Result(_))) {
            drop(taken.send(Ok(())).await);
        }
        if let Err(error) = written.map_err(io::Error::from).flatten() {
            let _ = taken.send(Err(error)).await;
            break;
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn words(said: &Arc<Said>, frame: fn(Vec<u8>) -> Down) -> Words {
        let said = Arc::clone(said);
        Words { said, frame }
    }

    #[test]
    fn any_number_of_short_lines_fits_and_arrives_in_order() {
        let said = Arc::new(Said::default());
        let mut results = words(&said, Down::Result);
        let mut expected = Vec::new();
        for number in 0..100_000 {
            let line = format!("line {number}\n");
            results.write_all(line.as_bytes()).unwrap();
            expected.extend(line.into_bytes());
        }
        words(&said, Down::Note).write_all(b"and a note").unwrap();
        results.write_all(b"the end").unwrap();
        let mut heard = Vec::new();
        let mut notes = Vec::new();
        while let Some(down) = said.next() {
            match down {
                Down::Result(bytes) => {
                    assert!(bytes.len() <= WORD_MAX);
                    heard.extend(bytes);
                }
                Down::Note(bytes) => notes.push((heard.len(), bytes)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(notes, [(expected.len(), b"and a note".to_vec())]);
        expected.extend(b"the end");
        assert!(heard == expected);
    }

    #[test]
    fn a_client_that_takes_nothing_is_told_the_end_all_the_same() {
        let said = Arc::new(Said::default());
        let mut results = words(&said, Down::Result);
        let full = vec![b'x'; WORD_MAX];
        let refused = (0..=WORDS_MAX).find_map(|_| results.write_all(&full).err());
        assert!(refused.unwrap().to_string().contains("nobody takes"));
        let farewell = Farewell {
            status: 1,
            word: String::new(),
        };
        said.say(Down::Ended(farewell)).unwrap();
        let told: Vec<Down> = std::iter::from_fn(|| said.next()).collect();
        assert!(matches!(told.last(), Some(Down::Ended(_))));
    }
}
