//! A bundle as a file: written once and never over anything, read with nothing taken on trust.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use serde_json::{Map, Value as Json};

use super::{BYTES_MAX, Bundle, FIRST_FORMAT, FORMAT};

/// Values of one document. Ours have some ten thousands; what is read takes memory for each.
const VALUES_MAX: usize = 300_000;

/// `bundle-20260304-091502Z.json.gz`.
pub(in crate::app) fn file_name(made: &str) -> String {
    let digits: String = made
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| if c == 'T' { '-' } else { c })
        .collect();
    format!("bundle-{digits}.json.gz")
}

/// Into a new file that only we can read. Whatever has that name already stays as it is, a symbolic
/// link too; a file that could not be written whole is taken away.
pub(in crate::app) fn write(path: &Path, bundle: &Bundle) -> io::Result<u64> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&bundle.bytes())?;
    let packed = packed.finish()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file.write_all(&packed).and_then(|()| file.sync_all());
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(path);
    }
    written.map(|()| packed.len() as u64)
}

/// The bundle of a file, or what is wrong with it in one sentence.
pub(in crate::app) fn read(path: &Path) -> Result<Bundle, String> {
    let file = OpenOptions::new()
        .read(true)
        // A pipe would never be there, and a link leads to what nobody named.
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == Errno::ELOOP as i32 => {
                "it is a symbolic link; name the file that it leads to".to_owned()
            }
            _ => error.to_string(),
        })?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    if meta.len() > BYTES_MAX as u64 {
        return Err("it is larger than any bundle".to_owned());
    }
    unpack(file)
}

fn unpack(packed: impl Read) -> Result<Bundle, String> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| "it is no bundle, or it was damaged on its way".to_owned())?;
    if bytes.len() > BYTES_MAX {
        return Err("it holds more than any bundle".to_owned());
    }
    parse(&bytes)
}

pub(in crate::app) fn parse(bytes: &[u8]) -> Result<Bundle, String> {
    // Counted before anything is made of them.
    let separators = bytes
        .iter()
        .filter(|byte| matches!(byte, b',' | b'[' | b'{'));
    if separators.count() > VALUES_MAX {
        return Err("it holds more values than any bundle".to_owned());
    }
    let parts: Map<String, Json> =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no bundle: {error}"))?;
    let format = parts
        .get("about")
        .and_then(|about| about["format"].as_str());
    match format {
        Some(FORMAT | FIRST_FORMAT) => Ok(Bundle(parts)),
        Some(_) => Err("another version of passerelle made it".to_owned()),
        None => Err("it does not say that it is a bundle of passerelle".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    fn bundle() -> Bundle {
        let about = json!({ "format": FORMAT });
        Bundle(Map::from_iter([("about".to_owned(), about)]))
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_bundle_comes_back_and_only_its_owner_reads_it_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name("1970-01-01T00:00:00Z"));
        assert!(path.ends_with("bundle-19700101-000000Z.json.gz"));
        write(&path, &bundle()).unwrap();
        assert_eq!(read(&path), Ok(bundle()));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(write(&path, &bundle()).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
        assert!(write(&link, &bundle()).is_err());
        assert!(!folder.path().join("elsewhere").exists());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).unwrap_err().contains("symbolic link"));
    }

    #[test]
    fn what_is_no_bundle_is_told_in_a_sentence() {
        let whole = packed(&bundle().bytes());
        let bomb = packed(&vec![b' '; 64 * BYTES_MAX]);
        assert!(bomb.len() < BYTES_MAX);
        let many = packed(format!("[{}0]", "0,".repeat(VALUES_MAX)).as_bytes());
        let deep = packed("[".repeat(100_000).as_bytes());
        for (bytes, says) in [
            (b"hello".to_vec(), "no bundle"),
            (whole[..whole.len() / 2].to_vec(), "damaged"),
            (bomb, "more than any bundle"),
            (many, "more values"),
            (deep, "no bundle"),
            (packed(b"{}"), "does not say"),
            (
                packed(b"{\"about\":{\"format\":\"passerelle-bundle-9\"}}"),
                "another version",
            ),
        ] {
            let error = unpack(&bytes[..]).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}
