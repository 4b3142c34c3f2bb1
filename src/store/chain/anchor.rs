//! What the chain's end was, from time to time, in a file outside the store that is only added to: a
//! chain that ends before it was cut.
//!
//! One line each: `head 17 2026-03-04T09:15:02Z 5f…`, the key's name, and a tag over the line and the
//! tag before.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::key::Keyring;
use crate::domain::audit::{Head, Mac};
use crate::domain::time::{Span, Timestamp};

pub(in crate::store) const FILE: &str = "anchor";

/// The most that a cut goes unnoticed where no act is cut off: so many seals, and so long.
const SEALS_MAX: u64 = 256;
const PACE: Span = Span(60_000);

/// No line is longer.
const LINE_BYTES_MAX: usize = 256;

/// Who else is told of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Telling {
    Nobody,
    /// The system's log, which may keep a copy elsewhere.
    SystemLog,
}

/// Where the system's log takes messages, whichever program keeps it.
const SYSTEM_LOG: &str = "/dev/log";

/// Facility `authpriv`, severity `info`.
const PRIORITY: u8 = 10 << 3 | 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The file was made when the chain stood there.
    Begun,
    Head,
    /// A backup was put back that ends there.
    Restored,
}

impl What {
    const ALL: [Self; 3] = [Self::Begun, Self::Head, Self::Restored];

    const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Head => "head",
            Self::Restored => "restored",
        }
    }
}

pub(super) struct Anchor {
    file: File,
    /// Tag of the last line.
    tag: String,
    last: (What, u64),
    /// The last seal that it knows; before a restore, of those that the restore took away.
    known: u64,
    /// When the last head was kept, by the chain's own time.
    kept: Timestamp,
    telling: Telling,
}

impl Anchor {
    pub(super) fn open(
        folder: &Path,
        keyring: &Keyring,
        head: Option<Head>,
        is_restored: bool,
        telling: Telling,
    ) -> io::Result<Self> {
        let mut read = Reading::default();
        let is_ended = each_line(folder, |line| read.line(keyring, line))?.unwrap_or(true);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(folder.join(FILE))?;
        if !is_ended {
            // A power cut tore the last line.
            file.write_all(b"\n")?;
        }
        let is_new = read.last.is_none();
        let mut anchor = Self {
            file,
            tag: read.tag,
            last: read.last.unwrap_or((What::Begun, 0)),
            known: read.highest,
            kept: Timestamp::ZERO,
            telling,
        };
        let stands = head.unwrap_or(Head {
            sequence: 0,
            at: Timestamp::ZERO,
            mac: Mac::ZERO,
        });
        if is_new {
            anchor.add(keyring, What::Begun, stands)?;
            File::open(folder)?.sync_all()?;
        }
        if is_restored {
            if anchor.last.0 != What::Restored || anchor.last.1 != stands.sequence {
                anchor.add(keyring, What::Restored, stands)?;
            }
        } else if stands.sequence > anchor.last.1 {
            anchor.add(keyring, What::Head, stands)?;
        }
        Ok(anchor)
    }

    pub(super) const fn known(&self) -> u64 {
        self.known
    }

    /// Keeps the head if it is time to.
    pub(super) fn follow(&mut self, keyring: &Keyring, head: Head) {
        let seals = head.sequence.abs_diff(self.last.1);
        let is_due = seals >= SEALS_MAX || head.at.since(self.kept) >= PACE;
        if is_due {
            self.hold(keyring, head);
        }
    }

    /// Keeps the head. A disk that does not take it costs no commit: the next time is soon.
    pub(super) fn hold(&mut self, keyring: &Keyring, head: Head) {
        if head.sequence == self.last.1 {
            return;
        }
        if let Err(error) = self.add(keyring, What::Head, head) {
            tracing::warn!(%error, "the audit's anchor could not be kept");
        }
    }

    fn add(&mut self, keyring: &Keyring, what: What, head: Head) -> io::Result<()> {
        let line = format!(
            "{} {} {} {} {}",
            what.name(),
            head.sequence,
            head.at,
            head.mac.short(),
            keyring.newest().name()
        );
        let tag = keyring.newest().line(&self.tag, &line);
        self.file.write_all(format!("{line} {tag}\n").as_bytes())?;
        self.file.sync_data()?;
        self.tag = tag;
        self.last = (what, head.sequence);
        self.kept = head.at;
        if self.telling == Telling::SystemLog {
            tell(&line);
        }
        Ok(())
    }
}

/// Whether it is heard is not ours to say: a log that is gone or full must not hold a commit up.
fn tell(line: &str) {
    let Ok(socket) = UnixDatagram::unbound() else {
        return;
    };
    let _ = socket.set_nonblocking(true);
    let process = std::process::id();
    let text = format!("<{PRIORITY}>passerelle[{process}]: audit {line}");
    let _ = socket.send_to(text.as_bytes(), SYSTEM_LOG);
}

/// What the lines so far come to.
#[derive(Default)]
pub(super) struct Reading {
    /// Of the last line that holds.
    tag: String,
    last: Option<(What, u64)>,
    /// The highest number of all, those before a restore too.
    highest: u64,
    /// Number of the line.
    number: u64,
    /// A line that does not hold, and its tag: the next line shows whether it ever did.
    doubtful: Option<(u64, String)>,
    /// Each line that holds, and each number of a line that does not.
    pub(super) told: Vec<Result<(What, u64, Known), u64>>,
}

/// The seal's mac, if there is the key to believe it.
pub(super) enum Known {
    Mac(String),
    No,
}

impl Reading {
    fn line(&mut self, keyring: &Keyring, line: &str) {
        self.number += 1;
        let Some(Line {
            what,
            sequence,
            mac,
            key,
            text,
            tag,
        }) = parsed(line)
        else {
            self.doubt("");
            return;
        };
        // Under a key that is gone no line can be told from a forged one: that is said of the key.
        let key = keyring.named(key);
        let holds = |before: &str| key.is_none_or(|key| key.line(before, text) == tag);
        let known = match key {
            Some(_) => Known::Mac(mac.to_owned()),
            None => Known::No,
        };
        let edited = match self.doubtful.take() {
            // Torn by a power cut, and never taken for a line.
            _ if holds(&self.tag) => None,
            Some((number, before)) if holds(&before) => Some(number),
            doubtful => {
                self.doubtful = doubtful;
                self.doubt(tag);
                return;
            }
        };
        self.told.extend(edited.map(Err));
        self.told.push(Ok((what, sequence, known)));
        tag.clone_into(&mut self.tag);
        self.last = Some((what, sequence));
        self.highest = self.highest.max(sequence);
    }

    fn doubt(&mut self, tag: &str) {
        let former = self.doubtful.replace((self.number, tag.to_owned()));
        self.told.extend(former.map(|(number, _)| Err(number)));
    }
}

/// All lines; `None` if there is no such file.
pub(super) fn read(folder: &Path, keyring: &Keyring) -> io::Result<Option<Reading>> {
    let mut reading = Reading::default();
    let is_there = each_line(folder, |line| reading.line(keyring, line))?.is_some();
    let doubtful = reading.doubtful.take();
    reading.told.extend(doubtful.map(|(number, _)| Err(number)));
    Ok(is_there.then_some(reading))
}

struct Line<'a> {
    what: What,
    sequence: u64,
    mac: &'a str,
    key: &'a str,
    /// What is tagged.
    text: &'a str,
    tag: &'a str,
}

fn parsed(line: &str) -> Option<Line<'_>> {
    let (text, tag) = line.rsplit_once(' ')?;
    let mut words = text.split(' ');
    let name = words.next()?;
    let what = What::ALL.into_iter().find(|what| what.name() == name)?;
    let sequence = words.next()?.parse().ok()?;
    let (_at, mac, key) = (words.next()?, words.next()?, words.next()?);
    words.next().is_none().then_some(Line {
        what,
        sequence,
        mac,
        key,
        text,
        tag,
    })
}

/// Hands on each line that has an end; answers whether the last one had. `None`: no such file.
fn each_line(folder: &Path, mut take: impl FnMut(&str)) -> io::Result<Option<bool>> {
    let file = match File::open(folder.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(Some(true));
        }
        if line.pop() != Some(b'\n') {
            return Ok(Some(false));
        }
        line.truncate(LINE_BYTES_MAX);
        take(&String::from_utf8_lossy(&line));
    }
}
