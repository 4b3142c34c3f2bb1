//! The chain's keys: a file of ours outside the store, one key a line, the newest last. A key that
//! was lost is followed by a new one; put back before it, the old seals can be checked again.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::domain::audit::Mac;

pub(in crate::store) const FILE: &str = "key";

pub(in crate::store) const KEY_BYTES: usize = 32;

/// What an entry's tag takes. Nobody without the key can compute one, or try more than the few that
/// are checked.
pub(super) const TAG_BYTES: usize = 8;
pub(super) type Tag = [u8; TAG_BYTES];

pub(super) struct Key {
    id: u32,
    key: hmac::Key,
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let named = hmac::sign(&key, b"id");
        let mut id = [0; 4];
        id.copy_from_slice(&named.as_ref()[..4]);
        Self {
            id: u32::from_le_bytes(id),
            key,
        }
    }

    /// Tells which key made a seal, and nothing about the key.
    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    /// The same as words have it.
    pub(super) fn name(&self) -> String {
        format!("{:08x}", self.id)
    }

    /// Of parts that cannot run into each other: the first says what it is for, each has its length.
    fn sign(&self, parts: &[&[u8]]) -> Mac {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut mac = Mac::ZERO;
        mac.0.copy_from_slice(context.sign().as_ref());
        mac
    }

    fn short(&self, parts: &[&[u8]]) -> Tag {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&self.sign(parts).0[..TAG_BYTES]);
        tag
    }

    /// Of an entry at its place in the store.
    pub(super) fn tag(&self, place: &[u8], value: &[u8]) -> Tag {
        self.short(&[b"entry", place, value])
    }

    /// Of a line of the anchor after the one with that tag.
    pub(super) fn line(&self, before: &str, line: &str) -> String {
        let tag = self.short(&[b"anchor", before.as_bytes(), line.as_bytes()]);
        hex(&tag)
    }

    pub(super) fn seal(&self, before: Mac, sequence: u64, body: &[u8]) -> Mac {
        self.sign(&[b"seal", &before.0, &sequence.to_le_bytes(), body])
    }
}

/// Never empty where the store is open.
pub(super) struct Keyring(Vec<Key>);

impl Keyring {
    /// Makes a key if there is none.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let known = Self::read(folder)?;
        if !known.0.is_empty() {
            return Ok(known);
        }
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gives no random bytes"))?;
        // A file that a power cut left empty holds no key, and is begun anew.
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(folder.join(FILE))?;
        file.write_all(format!("{}\n", hex(&bytes)).as_bytes())?;
        file.sync_all()?;
        fs::File::open(folder)?.sync_all()?;
        Ok(Self(vec![Key::new(&bytes)]))
    }

    /// Nothing if there is no such file. A line that is no key is passed over.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let keys = text
            .lines()
            .filter_map(|line| Some(Key::new(&bytes(line)?)));
        Ok(Self(keys.collect()))
    }

    pub(super) fn newest(&self) -> &Key {
        self.0.last().expect("opening makes one")
    }

    pub(super) fn named(&self, name: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.name() == name)
    }

    pub(super) fn of(&self, id: u32) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

pub(in crate::store) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

pub(in crate::store) fn bytes(line: &str) -> Option<[u8; KEY_BYTES]> {
    let line = line.trim().as_bytes();
    let mut bytes = [0; KEY_BYTES];
    if line.len() != KEY_BYTES * 2 {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(line.chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}
