//! An archive of a few small text files, as a deployment wants it: entries stored as they are, which
//! every reader of the format knows.

use super::super::super::failures::Fault;

/// Far more than any deployment from here; the platform's own bound is 39 MB.
const BYTES_MAX: usize = 1 << 20;

/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;

/// 1 January 1980, the format's first day: the same files make the same bytes.
const DATE: u16 = 0x21;

/// Packs files by their names, in order.
pub(super) fn archive(files: &[(String, String)]) -> Result<Vec<u8>, Fault> {
    let total: usize = files
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum();
    let count = u16::try_from(files.len()).ok();
    let Some(count) = count.filter(|_| total <= BYTES_MAX) else {
        return Err(Fault::broken("archive", "the deployment is too large"));
    };
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = bytes.len() as u32;
        let entry = entry(name, text);
        bytes.extend(0x0403_4b50_u32.to_le_bytes());
        bytes.extend(&entry);
        bytes.extend(name.as_bytes());
        bytes.extend(text.as_bytes());
        directory.extend(0x0201_4b50_u32.to_le_bytes());
        // Made by, and for whom: version 2.0 of the format on no system in particular.
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (size, start) = (directory.len() as u32, bytes.len() as u32);
    bytes.extend(directory);
    bytes.extend(0x0605_4b50_u32.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    Ok(bytes)
}

/// What a file's own header and its line in the directory share.
fn entry(name: &str, text: &str) -> Vec<u8> {
    let size = text.len() as u32;
    let mut entry = Vec::with_capacity(26);
    for half in [20, FLAGS, 0, 0, DATE] {
        entry.extend(half.to_le_bytes());
    }
    entry.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.extend((name.len() as u16).to_le_bytes());
    entry.extend(0_u16.to_le_bytes());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn u16_at(bytes: &[u8], at: usize) -> usize {
        usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    }

    fn u32_at(bytes: &[u8], at: usize) -> usize {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    }

    /// Reads an archive back from its end, as the format's description says.
    fn unpack(bytes: &[u8]) -> Vec<(String, String)> {
        let end = bytes.len() - 22;
        assert_eq!(u32_at(bytes, end), 0x0605_4b50);
        let mut at = u32_at(bytes, end + 16);
        assert_eq!(at + u32_at(bytes, end + 12), end);
        let mut files = Vec::new();
        for _ in 0..u16_at(bytes, end + 10) {
            assert_eq!(u32_at(bytes, at), 0x0201_4b50);
            let name = u16_at(bytes, at + 28);
            let local = u32_at(bytes, at + 42);
            assert_eq!(u32_at(bytes, local), 0x0403_4b50);
            assert_eq!(bytes[local + 4..local + 30], bytes[at + 6..at + 32]);
            let from = local + 30 + name;
            let text = &bytes[from..from + u32_at(bytes, at + 24)];
            assert_eq!(u32_at(bytes, at + 16), crc32fast::hash(text) as usize);
            let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            files.push((utf8(&bytes[at + 46..at + 46 + name]), utf8(text)));
            at += 46 + name;
        }
        assert_eq!(at, end);
        files
    }

    #[test]
    fn files_come_back_as_they_were_put_in() {
        let files = vec![
            ("package.xml".to_owned(), "<é/>".to_owned()),
            ("objects/Lead.object".to_owned(), String::new()),
        ];
        assert_eq!(unpack(&archive(&files).unwrap()), files);
    }

    #[test]
    fn too_much_is_refused() {
        let files = vec![("a".to_owned(), "x".repeat(BYTES_MAX))];
        assert!(archive(&files).is_err());
    }
}
