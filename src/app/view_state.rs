//! Where the console's view is kept between sessions: one small file for each operator, beside the
//! instance's store.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::console::Kept;

/// A larger file is none of ours: a draft holds every mapped field twice.
const BYTES_MAX: u64 = 1_024 * 1_024;

/// No two operators have the same file, and no name leads out of the folder.
fn path(data: &Path, operator: &str) -> PathBuf {
    let mut name = String::new();
    for byte in operator.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}"); // Into a string: cannot fail.
        }
    }
    data.join(format!("view-{name}.json"))
}

/// `None` if nothing was kept; an error says what is wrong with what was.
pub(super) fn read(data: &Path, operator: &str) -> Result<Option<Kept>, String> {
    let path = path(data, operator);
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(&error)),
        Ok(meta) if !meta.is_file() || meta.len() > BYTES_MAX => {
            return Err(told(&"not a file of ours"));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| told(&error))
}

/// Beside the old one and then in its place, so that a full disk leaves the old one whole.
pub(super) fn write(data: &Path, operator: &str, kept: &Kept) -> io::Result<()> {
    let path = path(data, operator);
    let new = path.with_extension("new");
    // Left by a process that was killed; none is the ordinary case.
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(kept)?)?;
    file.sync_all()?;
    fs::rename(&new, &path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept() -> Kept {
        Kept {
            language: "fr".to_owned(),
            theme: "light".to_owned(),
            screen: 3,
            filters: [(3, "email:claire".to_owned())].into(),
            ..Kept::default()
        }
    }

    #[test]
    fn what_is_kept_comes_back_for_its_operator_alone_and_only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        assert_eq!(read(data, "claire"), Ok(None));
        write(data, "claire", &kept()).unwrap();
        write(data, "claire", &kept()).unwrap();
        assert_eq!(read(data, "claire"), Ok(Some(kept())));
        for other in ["paul", "Claire", "cla.ire"] {
            assert_eq!(read(data, other), Ok(None));
        }
        write(data, "jean.paul", &kept()).unwrap();
        for other in ["jean_paul", "jean-paul", "jean%2epaul"] {
            assert_eq!(read(data, other), Ok(None), "{other}");
        }
        let meta = fs::metadata(path(data, "claire")).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        write(data, "../../etc/x", &kept()).unwrap();
        assert_eq!(fs::read_dir(data).unwrap().count(), 3, "names stay inside");
    }

    #[test]
    fn a_damaged_file_and_a_link_are_named_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        fs::write(path(data, "claire"), "{ not json").unwrap();
        let error = read(data, "claire").unwrap_err();
        assert!(error.contains("view-claire.json"), "{error}");
        std::os::unix::fs::symlink("/etc/hostname", path(data, "paul")).unwrap();
        assert!(read(data, "paul").is_err());
    }
}
