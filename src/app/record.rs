//! What a console is told, written to a file as it happens, and read again for replay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::app::error::AppError;
use crate::app::out::Out;
use crate::console::Msg;
use crate::console::tape::{Entry, Head, Start, Tape};
use crate::domain::time::Timestamp;

/// Of one recording: half an hour of a sync at full speed, hours of a quiet one. Replay holds it in
/// memory.
const BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// A recording under way. Copies write to the same file.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Mutex<Recording>>);

struct Recording {
    path: PathBuf,
    file: File,
    messages: u64,
    bytes: u64,
    /// Why nothing more is written.
    stopped: Option<String>,
}

impl Recorder {
    /// Into a new file that only we can read. Whatever has that name already stays as it is, a
    /// symbolic link too.
    pub(super) fn new(path: &Path, start: Start, out: &mut Out) -> Result<Self, AppError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| {
                AppError::Usage(format!(
                    "the recording {} cannot be made ({error}); name a file that does not exist yet",
                    path.display()
                ))
            })?;
        out.note(&format!(
            "recording what the console is shown, personal data included, into {}; only you can \
             read it: delete it when it is of no more use",
            path.display()
        ))?;
        let mut recording = Recording {
            path: path.to_owned(),
            file,
            messages: 0,
            bytes: 0,
            stopped: None,
        };
        recording.write(&Head::new(start));
        Ok(Self(Arc::new(Mutex::new(recording))))
    }

    pub(super) fn path(&self) -> String {
        let recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recording.path.display().to_string()
    }

    pub(super) fn hear(&self, at: Timestamp, msg: &Msg) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let msg = msg.clone();
        if recording.write(&Entry { at, msg }) {
            recording.messages += 1;
        }
    }

    /// What became of it.
    pub(super) fn tell(&self, out: &mut Out) -> io::Result<()> {
        let recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, messages) = (recording.path.display(), recording.messages);
        if let Some(why) = &recording.stopped {
            out.note(&format!("the recording stopped early: {why}"))?;
        }
        out.note(&format!(
            "{messages} messages recorded; see them with: passerelle replay {path}"
        ))
    }
}

impl Recording {
    /// One line at once: a process that dies loses none but the last.
    fn write(&mut self, line: &impl Serialize) -> bool {
        if self.stopped.is_some() {
            return false;
        }
        let written = serde_json::to_vec(line).map_err(io::Error::from);
        let written = written.and_then(|mut bytes| {
            bytes.push(b'\n');
            self.bytes += bytes.len() as u64;
            if self.bytes > BYTES_MAX {
                return Err(io::Error::other("it is as large as one may be"));
            }
            self.file.write_all(&bytes)
        });
        self.stopped = written.err().map(|error| error.to_string());
        self.stopped.is_none()
    }
}

pub(super) fn read(path: &Path) -> Result<Tape, AppError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        AppError::Usage(format!(
            "{} cannot be read ({error}); name a file that --record wrote",
            path.display()
        ))
    };
    let size = fs::metadata(path)
        .map_err(|error| unreadable(&error))?
        .len();
    if size > BYTES_MAX {
        return Err(unreadable(&"it is larger than any recording"));
    }
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Tape::read(&path.display().to_string(), &text)?)
}
