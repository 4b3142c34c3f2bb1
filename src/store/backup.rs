//! A backup is a logical copy: every key and value with checksums, readable by any later store.
//!
//! A restored store carries a mark that tells the next start that yesterday's agreement may be
//! older than today's values: that start reads and compares before it writes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::ports::StoreError;
use crate::store::durable::{self, Durable, Staged};
use crate::store::folder;
use crate::store::{SledStore, keys, reader};

const MAGIC: &[u8; 16] = b"passerelle-bkp-1";

/// Pairs restored in one commit: memory grows with it.
const RESTORE_BATCH_MAX: usize = 500;

/// Where a restored store grows until it is whole. A leftover is removed by the next restore.
const UNFINISHED: &str = "restore.unfinished";

/// No key or value is longer: a damaged length must not fill the memory.
const PART_BYTES_MAX: u32 = 4 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("the backup {path} cannot be written or read")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not a whole backup of passerelle; nothing was restored")]
    Damaged { path: String },
    #[error(
        "{path} is a link, which a backup would take the place of; nothing was written: name the file \
         that it leads to, or remove the link"
    )]
    Link { path: String },
    #[error("the data folder {path} already holds a store; restore into an empty one")]
    NotEmpty { path: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes everything to a new file, which appears under its name only when it is whole. Answers how
/// many pairs it holds.
pub fn export(store: &SledStore, to: &Path) -> Result<u64, BackupError> {
    let failed = |source| failed(to, source);
    if fs::symlink_metadata(to).is_ok_and(|there| there.is_symlink()) {
        return Err(BackupError::Link {
            path: to.display().to_string(),
        });
    }
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let file = new_file(&unfinished).map_err(failed)?;
    let mut writer = BufWriter::new(file);
    // A batch must be in the copy as a whole or not at all.
    let written = store
        .durable
        .quietly(|| write_all(&store.durable, &mut writer));
    let count = written.map_err(|error| match error {
        WriteError::Io(source) => failed(source),
        WriteError::Store(source) => BackupError::Store(source),
    })?;
    let file = writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, to).map_err(failed)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(count)
}

/// A new file for its owner's eyes only. What an earlier export left is removed: it may be a link, or
/// open to others.
fn new_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// Puts a backup into an empty data folder. The whole file is checked before anything is made, and
/// the store appears under its name only when it is whole.
pub fn restore(from: &Path, data: &Path, holder: &str) -> Result<u64, BackupError> {
    let not_empty = || BackupError::NotEmpty {
        path: data.display().to_string(),
    };
    if data.join(durable::FOLDER).exists() {
        return Err(not_empty());
    }
    let count = check(from)?;
    folder::make_private_folder(data).map_err(|source| failed(data, source))?;
    let lock = folder::lock(data, holder)?;
    // Another process may have made one before we had the lock.
    if data.join(durable::FOLDER).exists() {
        return Err(not_empty());
    }
    let unfinished = data.join(UNFINISHED);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(&unfinished, error));
        }
        _ => {}
    }
    fill(from, &unfinished)?;
    let moved = fs::rename(unfinished.join(durable::FOLDER), data.join(durable::FOLDER))
        .and_then(|()| File::open(data)?.sync_all())
        .and_then(|()| fs::remove_dir_all(&unfinished));
    moved.map_err(|source| failed(data, source))?;
    drop(lock);
    Ok(count)
}

/// Reads the whole file, and that its format is known.
fn check(from: &Path) -> Result<u64, BackupError> {
    let mut format = Ok(());
    let count = read_all(from, |key, value| {
        if key == keys::FORMAT {
            format = reader::check_format(&value);
        }
        Ok(())
    });
    let count = count.map_err(|source| failed(from, source))?;
    let count = count.ok_or_else(|| BackupError::Damaged {
        path: from.display().to_string(),
    })?;
    format?;
    Ok(count)
}

fn fill(from: &Path, folder: &Path) -> Result<(), BackupError> {
    DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .map_err(|source| failed(folder, source))?;
    let founding = reader::founding()?;
    let durable = Durable::open_held(folder, None, (keys::FORMAT, &founding))?;
    let mut staged = Staged::new();
    let mut result = Ok(());
    let read = read_all(from, |key, value| {
        staged.insert(key, Some(value));
        if staged.len() >= RESTORE_BATCH_MAX {
            let pairs = staged.len();
            result = durable
                .commit(std::mem::take(&mut staged))
                .and_then(|()| durable.tidy(pairs, || true));
            if result.is_err() {
                return Err(io::Error::other("the store refused"));
            }
        }
        Ok(())
    });
    result?;
    read.map_err(|source| failed(from, source))?;
    staged.insert(keys::EPOCH.to_vec(), Some(vec![1]));
    staged.insert(keys::RESTORED.to_vec(), Some(vec![1]));
    durable.commit(staged)?;
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> BackupError {
    BackupError::File {
        path: path.display().to_string(),
        source,
    }
}

enum WriteError {
    Io(io::Error),
    Store(StoreError),
}

fn write_all(durable: &Durable, writer: &mut impl Write) -> Result<u64, WriteError> {
    let mut count = 0_u64;
    let mut checksum = crc32fast::Hasher::new();
    let mut failed = None;
    writer.write_all(MAGIC).map_err(WriteError::Io)?;
    durable
        .scan(&[], None, |key, value| {
            // Tokens stay where they are: a backup must not open anybody's Salesforce.
            if key.starts_with(&keys::vault("")) {
                return true;
            }
            count += 1;
            for part in [key, value] {
                let length = (part.len() as u32).to_le_bytes();
                checksum.update(&length);
                checksum.update(part);
                if let Err(error) = writer
                    .write_all(&length)
                    .and_then(|()| writer.write_all(part))
                {
                    failed = Some(error);
                }
            }
            failed.is_none()
        })
        .map_err(WriteError::Store)?;
    if let Some(error) = failed {
        return Err(WriteError::Io(error));
    }
    let end = u32::MAX.to_le_bytes();
    let sum = checksum.finalize().to_le_bytes();
    for part in [&end[..], &count.to_le_bytes(), &sum] {
        writer.write_all(part).map_err(WriteError::Io)?;
    }
    Ok(count)
}

/// Reads every pair; `None` if the file is not whole.
fn read_all(
    from: &Path,
    mut take: impl FnMut(Vec<u8>, Vec<u8>) -> io::Result<()>,
) -> io::Result<Option<u64>> {
    let mut reader = BufReader::new(File::open(from)?);
    let mut magic = [0; 16];
    if reader.read_exact(&mut magic).is_err() || magic != *MAGIC {
        return Ok(None);
    }
    let mut checksum = crc32fast::Hasher::new();
    let mut count = 0_u64;
    loop {
        let Some(length) = read_length(&mut reader)? else {
            return Ok(None);
        };
        if length == u32::MAX {
            break;
        }
        let (Some(key), Some(value_length)) = (
            read_part(&mut reader, length, &mut checksum)?,
            read_length(&mut reader)?,
        ) else {
            return Ok(None);
        };
        let Some(value) = read_part(&mut reader, value_length, &mut checksum)? else {
            return Ok(None);
        };
        count += 1;
        take(key, value)?;
    }
    let mut trailer = [0; 12];
    if reader.read_exact(&mut trailer).is_err() {
        return Ok(None);
    }
    let is_whole =
        trailer[..8] == count.to_le_bytes() && trailer[8..] == checksum.finalize().to_le_bytes();
    Ok(is_whole.then_some(count))
}

fn read_length(reader: &mut impl Read) -> io::Result<Option<u32>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Ok(()) => Ok(Some(u32::from_le_bytes(length))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_part(
    reader: &mut impl Read,
    length: u32,
    checksum: &mut crc32fast::Hasher,
) -> io::Result<Option<Vec<u8>>> {
    if length > PART_BYTES_MAX {
        return Ok(None);
    }
    let mut part = vec![0; length as usize];
    match reader.read_exact(&mut part) {
        Ok(()) => {
            checksum.update(&length.to_le_bytes());
            checksum.update(&part);
            Ok(Some(part))
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
