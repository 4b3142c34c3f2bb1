//! Reads the archive of a deployment: entries stored or deflated, nothing fancier.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::DeflateDecoder;

/// Metadata API: files of one deployment.
const FILES_MAX: usize = 10_000;
/// Metadata API: one file, unpacked; keeps an archive from unpacking without end.
const FILE_BYTES_MAX: u64 = 39 << 20;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const END_LENGTH: usize = 22;

/// Files by path; folders left out. The error is a sentence for `errorMessage`.
pub(super) fn files(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, &'static str> {
    const NONE: &str = "the file is not a zip archive";
    let end = archive
        .windows(END.len())
        .rposition(|window| window == END)
        .filter(|end| end + END_LENGTH <= archive.len())
        .ok_or(NONE)?;
    let count = number(archive, end + 10, 2).ok_or(NONE)?;
    if count > FILES_MAX {
        return Err("the archive holds more than 10000 files");
    }
    let mut at = number(archive, end + 16, 4).ok_or(NONE)?;
    let mut files = BTreeMap::new();
    for _ in 0..count {
        let entry = Entry::read(archive, at).ok_or("the archive's directory is damaged")?;
        at += entry.length;
        if entry.path.ends_with('/') {
            continue;
        }
        let bytes = entry.unpacked(archive)?;
        if files.insert(entry.path, bytes).is_some() {
            return Err("the archive holds one path twice");
        }
    }
    Ok(files)
}

/// One entry of the central directory.
struct Entry {
    path: String,
    flags: usize,
    method: usize,
    checksum: usize,
    packed: usize,
    local: usize,
    length: usize,
}

impl Entry {
    fn read(archive: &[u8], at: usize) -> Option<Self> {
        if archive.get(at..at + 4)? != ENTRY {
            return None;
        }
        let field = |offset: usize, length: usize| number(archive, at + offset, length);
        let name = field(28, 2)?;
        let path = archive.get(at + 46..at + 46 + name)?;
        Some(Self {
            path: String::from_utf8(path.to_vec()).ok()?,
            flags: field(8, 2)?,
            method: field(10, 2)?,
            checksum: field(16, 4)?,
            packed: field(20, 4)?,
            local: field(42, 4)?,
            length: 46 + name + field(30, 2)? + field(32, 2)?,
        })
    }

    fn unpacked(&self, archive: &[u8]) -> Result<Vec<u8>, &'static str> {
        const DAMAGED: &str = "a file of the archive is damaged";
        if self.flags & 1 == 1 {
            return Err("the archive is encrypted");
        }
        let header = archive.get(self.local..self.local + 30).ok_or(DAMAGED)?;
        if header[..4] != LOCAL {
            return Err(DAMAGED);
        }
        let lengths = number(header, 26, 2).zip(number(header, 28, 2));
        let (name, extra) = lengths.ok_or(DAMAGED)?;
        let from = self.local + 30 + name + extra;
        let packed = archive.get(from..from + self.packed).ok_or(DAMAGED)?;
        let mut bytes = Vec::new();
        match self.method {
            0 => bytes.extend_from_slice(packed),
            8 => {
                let mut limited = DeflateDecoder::new(packed).take(FILE_BYTES_MAX + 1);
                limited.read_to_end(&mut bytes).map_err(|_| DAMAGED)?;
            }
            _ => return Err("a file of the archive is packed in an unknown way"),
        }
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err("a file of the archive is too large");
        }
        if crc32fast::hash(&bytes) as usize == self.checksum {
            Ok(bytes)
        } else {
            Err(DAMAGED)
        }
    }
}

/// Little-endian.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | usize::from(*byte)),
    )
}
