//! The log's files: lines of JSON that only their owner may read, never more of them than there is
//! room for.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Of one file. All of them together are less than one store of a small instance.
pub(super) const BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// The one that grows and the older ones: about a hundred thousand lines.
pub(super) const FILES_MAX: usize = 6;

/// The log of one instance, open for more.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    file: File,
    size: u64,
}

/// Within the instance's data folder.
pub(super) fn folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// The newest has the number 0.
pub(super) fn path(folder: &Path, number: usize) -> PathBuf {
    match number {
        0 => folder.join("passerelle.jsonl"),
        _ => folder.join(format!("passerelle.{number}.jsonl")),
    }
}

impl Files {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if !fs::symlink_metadata(folder)?.is_dir() {
            return Err(io::Error::other("it is not a folder of ours"));
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let (file, size) = append(&path(folder, 0))?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            size,
        })
    }

    /// One line, which ends with its line end.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.size + line.len() as u64 > BYTES_MAX {
            self.turn()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    /// Begins a new file; the oldest one goes.
    fn turn(&mut self) -> io::Result<()> {
        for number in (0..FILES_MAX - 1).rev() {
            match fs::rename(path(&self.folder, number), path(&self.folder, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        (self.file, self.size) = append(&path(&self.folder, 0))?;
        Ok(())
    }
}

/// Never through a link, and nothing but a file.
fn append(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file of ours"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    let mut size = meta.len();
    if size > 0 {
        // A process that was killed may have left half a line.
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}

/// The latest lines, the oldest of them first. No log yet is no lines.
pub(super) fn latest(folder: &Path, max: usize) -> io::Result<Vec<String>> {
    let mut lines = VecDeque::new();
    for number in 0..FILES_MAX {
        if lines.len() >= max {
            break;
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(path(folder, number));
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        // A line more than fits may be in it, and no more.
        file.take(2 * BYTES_MAX).read_to_end(&mut bytes)?;
        for line in String::from_utf8_lossy(&bytes).lines().rev() {
            if lines.len() == max {
                break;
            }
            if !line.is_empty() {
                lines.push_front(line.to_owned());
            }
        }
    }
    Ok(lines.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_turn_before_they_are_too_large_and_the_oldest_goes() {
        let data = tempfile::tempdir().unwrap();
        let folder = folder(data.path());
        let mut files = Files::open(&folder).unwrap();
        let line = [&[b'x'; 1_023][..], b"\n"].concat();
        let lines = (FILES_MAX as u64 + 2) * BYTES_MAX / 1_024;
        for _ in 0..lines {
            files.write(&line).unwrap();
        }
        let mut sizes: Vec<u64> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes.len(), FILES_MAX);
        assert!(sizes.iter().all(|size| *size <= BYTES_MAX), "{sizes:?}");
        assert_eq!(latest(&folder, 5_000).unwrap().len(), 5_000);
    }

    #[test]
    fn only_the_owner_reads_it_and_a_link_is_not_followed() {
        let data = tempfile::tempdir().unwrap();
        let inside = folder(data.path());
        drop(Files::open(&inside).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inside), 0o700);
        assert_eq!(mode(&path(&inside, 0)), 0o600);

        let elsewhere = data.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        fs::remove_file(path(&inside, 0)).unwrap();
        std::os::unix::fs::symlink(&elsewhere, path(&inside, 0)).unwrap();
        assert!(Files::open(&inside).is_err());
        assert!(latest(&inside, 10).is_err());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
    }

    #[test]
    fn half_a_line_of_a_killed_process_spoils_no_other_one() {
        let data = tempfile::tempdir().unwrap();
        let folder = folder(data.path());
        Files::open(&folder).unwrap().write(b"{\"half\":").unwrap();
        Files::open(&folder).unwrap().write(b"{}\n").unwrap();
        assert_eq!(latest(&folder, 10).unwrap(), ["{\"half\":", "{}"]);
        assert_eq!(latest(&folder, 1).unwrap(), ["{}"]);
        assert_eq!(latest(data.path(), 1).unwrap(), Vec::<String>::new());
    }
}
