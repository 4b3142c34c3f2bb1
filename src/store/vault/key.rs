//! The keys that kept secrets are sealed with. They live outside the store: with a service manager, in
//! a file, or in somebody's head.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::aead::{CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hmac, pbkdf2};
use secrecy::{ExposeSecret as _, SecretString};

use crate::store::chain::{KEY_BYTES, bytes, hex};

/// PBKDF2-HMAC-SHA256: what OWASP's Password Storage Cheat Sheet asks for; half a second here.
pub(super) const ROUNDS: u32 = 600_000;

/// A stored value that asks for more was not written by us.
const ROUNDS_MAX: u32 = 10_000_000;

pub(super) const SALT_BYTES: usize = 16;
pub(super) type Salt = [u8; SALT_BYTES];

pub(super) const ID_BYTES: usize = 4;
pub(super) type KeyId = [u8; ID_BYTES];

/// The file beside the data folder, or its ending.
const FILE: &str = "key";

/// Asks a person for the passphrase, from a thread that may wait.
pub type Asking = Arc<dyn Fn(Question) -> io::Result<SecretString> + Send + Sync>;

/// What a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The passphrase of what is sealed.
    Known,
    /// Nothing is sealed by one yet: a new one, and then again, as a slip would lock everything away.
    New,
    Again,
}

/// Where a key is.
#[derive(Clone)]
pub enum KeySource {
    /// Handed over by the service manager: systemd's `LoadCredential=`.
    Credential(PathBuf),
    /// Named by the instance file. Made at the first need.
    File(PathBuf),
    /// Of a data folder: beside it, so that a copy of the folder opens nothing; inside where we may make
    /// nothing there. Made at the first need.
    Beside(PathBuf),
    Passphrase(SecretString),
    Asked(Asking),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("the key file {path}: {source}")]
    File { path: String, source: io::Error },
    #[error("the key file {path} may be read by others on this machine; run: chmod go-rwx {path}")]
    Exposed { path: String },
    #[error(
        "{path} holds no key, which is a line of 64 hexadecimal digits; make one with: openssl rand \
         -hex 32"
    )]
    NoKey { path: String },
    #[error(
        "there is no key file {path}, and secrets are kept that were sealed before; put the file \
         back, or forget them with `passerelle revoke` and authorise again"
    )]
    Missing { path: String },
    #[error(
        "the passphrase of the kept secrets cannot be asked for here ({0}); give it in a file with \
         [instance] passphrase, or use a key file"
    )]
    NobodyToAsk(io::Error),
    #[error("a passphrase may not be empty")]
    Empty,
    #[error("the two passphrases that were typed differ, so nothing was sealed; try again")]
    Differ,
    #[error("the system gives no random bytes")]
    Random,
    #[error(
        "the kept {name} was sealed with the key {needed}, and {tried} is another one. Nothing was \
         changed: give passerelle that key again ([instance] key_file or passphrase, or the service's \
         credential passerelle.key), or forget what is kept with `passerelle revoke` and authorise \
         again"
    )]
    Other {
        name: String,
        needed: String,
        tried: String,
    },
    #[error(
        "the kept {name} cannot be opened although the key is the right one: it was changed, or \
         belongs to another instance than “{instance}”. Forget it with `passerelle revoke` and \
         authorise again"
    )]
    Changed { name: String, instance: String },
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: KeyId,
    pub(super) aead: LessSafeKey,
    /// Of a key that was made of a passphrase.
    pub(super) salted: Option<(Salt, u32)>,
    from: String,
}

impl Key {
    /// One secret, two uses: what seals, and what names the key and tells nothing about it.
    fn new(secret: &[u8; KEY_BYTES], from: String) -> Result<Self, KeyError> {
        let derive = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let sealing = hmac::sign(&derive, b"passerelle vault: seal");
        let named = hmac::sign(&derive, b"passerelle vault: id");
        let aead = UnboundKey::new(&CHACHA20_POLY1305, sealing.as_ref());
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&named.as_ref()[..ID_BYTES]);
        Ok(Self {
            id,
            aead: LessSafeKey::new(aead.map_err(|_| KeyError::Random)?),
            salted: None,
            from,
        })
    }

    /// Half a second of work.
    fn stretched(
        passphrase: &SecretString,
        (salt, rounds): (Salt, u32),
        from: String,
    ) -> Result<Self, KeyError> {
        let phrase = passphrase.expose_secret();
        if phrase.is_empty() {
            return Err(KeyError::Empty);
        }
        let counted = NonZeroU32::new(rounds.min(ROUNDS_MAX)).unwrap_or(NonZeroU32::MIN);
        let mut secret = [0; KEY_BYTES];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, counted, &salt, phrase.as_bytes(), &mut secret);
        let mut key = Self::new(&secret, from)?;
        key.salted = Some((salt, rounds));
        Ok(key)
    }

    /// For words: where it is, and its name.
    fn shown(&self) -> String {
        format!("{} ({})", self.from, hex(&self.id))
    }
}

/// The keys of one process. Once read they are kept: a file that goes away while passerelle runs must
/// not cost a rotated token.
pub(super) struct Keyring {
    sources: Vec<KeySource>,
    known: Vec<Key>,
    /// Asked for once.
    told: Option<SecretString>,
}

impl Keyring {
    /// In the order in which they are tried; the first one seals.
    pub(super) const fn new(sources: Vec<KeySource>) -> Self {
        Self {
            sources,
            known: Vec::new(),
            told: None,
        }
    }

    /// The key that a kept value names, if it is one of ours.
    pub(super) fn named(
        &mut self,
        id: KeyId,
        salted: Option<(Salt, u32)>,
    ) -> Result<Option<Key>, KeyError> {
        if let Some(key) = self.known.iter().find(|key| key.id == id) {
            return Ok(Some(key.clone()));
        }
        for source in self.sources.clone() {
            let key = match (&source, salted) {
                (KeySource::Passphrase(_) | KeySource::Asked(_), Some(salted)) => {
                    Some(self.stretched(&source, salted, Question::Known)?)
                }
                (KeySource::Passphrase(_) | KeySource::Asked(_), None) | (_, Some(_)) => None,
                (_, None) => read(&source)?,
            };
            if let Some(key) = key.filter(|key| key.id == id) {
                self.known.push(key.clone());
                return Ok(Some(key));
            }
        }
        // What was typed is not it; the next need asks again. One that opened something is right.
        if self.known.iter().all(|key| key.salted.is_none()) {
            self.told = None;
        }
        Ok(None)
    }

    /// The key that new values are sealed with. Where there is none yet it is made, unless something
    /// is sealed already. `salted`: of what is kept, so that one passphrase is one key.
    pub(super) fn sealing(
        &mut self,
        salted: Option<(Salt, u32)>,
        is_anything_sealed: bool,
    ) -> Result<Key, KeyError> {
        let first = self.sources.first().cloned().ok_or(KeyError::Random)?;
        let key = match &first {
            KeySource::Passphrase(_) | KeySource::Asked(_) => {
                let ours = self.known.iter().find_map(|key| key.salted);
                let (salted, question) = match salted.or(ours) {
                    Some(salted) => (salted, Question::Known),
                    None => ((random()?, ROUNDS), Question::New),
                };
                let known = self.known.iter().find(|key| key.salted == Some(salted));
                match known {
                    Some(key) => return Ok(key.clone()),
                    None => self.stretched(&first, salted, question)?,
                }
            }
            source => {
                let from = words(source);
                if let Some(key) = self.known.iter().find(|key| key.from == from) {
                    return Ok(key.clone());
                }
                match read(source)? {
                    Some(key) => key,
                    None if is_anything_sealed => {
                        let path = path(source).display().to_string();
                        return Err(KeyError::Missing { path });
                    }
                    None => make(source)?,
                }
            }
        };
        self.known.push(key.clone());
        Ok(key)
    }

    /// Whether the key that seals is made of what somebody types.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self.sources.first(), Some(KeySource::Asked(_)))
    }

    fn stretched(
        &mut self,
        source: &KeySource,
        salted: (Salt, u32),
        question: Question,
    ) -> Result<Key, KeyError> {
        match source {
            KeySource::Passphrase(phrase) => Key::stretched(phrase, salted, words(source)),
            KeySource::Asked(asking) => {
                let phrase = match &self.told {
                    Some(told) => told.clone(),
                    None => typed(asking, question)?,
                };
                let key = Key::stretched(&phrase, salted, words(source))?;
                self.told = Some(phrase);
                Ok(key)
            }
            KeySource::Credential(_) | KeySource::File(_) | KeySource::Beside(_) => {
                Err(KeyError::Random)
            }
        }
    }

    /// For words: every place that was looked at, with the key that is there.
    pub(super) fn tried(&self) -> String {
        let shown = self.sources.iter().map(|source| match read(source) {
            Ok(Some(key)) => key.shown(),
            Ok(None) | Err(_) => words(source),
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

fn typed(asking: &Asking, question: Question) -> Result<SecretString, KeyError> {
    let phrase = asking(question).map_err(KeyError::NobodyToAsk)?;
    if phrase.expose_secret().is_empty() {
        return Err(KeyError::Empty);
    }
    if question == Question::New {
        let again = asking(Question::Again).map_err(KeyError::NobodyToAsk)?;
        if again.expose_secret() != phrase.expose_secret() {
            return Err(KeyError::Differ);
        }
    }
    Ok(phrase)
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| KeyError::Random)
}

fn words(source: &KeySource) -> String {
    match source {
        KeySource::Credential(path) => format!("the service's credential {}", path.display()),
        KeySource::File(_) | KeySource::Beside(_) => {
            format!("the key file {}", path(source).display())
        }
        KeySource::Passphrase(_) => "the passphrase of the instance file".to_owned(),
        KeySource::Asked(_) => "the passphrase that was typed".to_owned(),
    }
}

fn path(source: &KeySource) -> PathBuf {
    match source {
        KeySource::Credential(path) | KeySource::File(path) => path.clone(),
        KeySource::Beside(data) => {
            let inside = data.join(FILE);
            match data.file_name() {
                Some(name) if !inside.exists() => {
                    let mut name = name.to_owned();
                    name.push(".");
                    name.push(FILE);
                    data.with_file_name(name)
                }
                _ => inside,
            }
        }
        KeySource::Passphrase(_) | KeySource::Asked(_) => PathBuf::new(),
    }
}

/// Nothing if there is no such file, or if no file is meant.
fn read(source: &KeySource) -> Result<Option<Key>, KeyError> {
    let is_ours = match source {
        // The service manager's own rights: it may let the service's account in by a list.
        KeySource::Credential(_) => false,
        KeySource::File(_) | KeySource::Beside(_) => true,
        KeySource::Passphrase(_) | KeySource::Asked(_) => return Ok(None),
    };
    let path = path(source);
    let shown = path.display().to_string();
    let failed = |source| KeyError::File {
        path: shown.clone(),
        source,
    };
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if is_ours && meta.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Exposed { path: shown });
    }
    let text = SecretString::from(fs::read_to_string(&path).map_err(failed)?);
    let secret = text.expose_secret().lines().find_map(bytes);
    let secret = secret.ok_or(KeyError::NoKey { path: shown })?;
    Key::new(&secret, words(source)).map(Some)
}

fn make(source: &KeySource) -> Result<Key, KeyError> {
    let secret: [u8; KEY_BYTES] = random()?;
    let wanted = path(source);
    let mut written = write_new(&wanted, &secret);
    if let (Err(error), KeySource::Beside(data)) = (&written, source)
        && is_not_allowed(error)
    {
        let inside = data.join(FILE);
        let path = inside.display();
        tracing::warn!(
            %path, "nothing may be made beside the data folder, so its key lies in it: a copy of the \
            folder opens what is kept"
        );
        written = write_new(&inside, &secret);
    }
    written.map_err(|source| KeyError::File {
        path: wanted.display().to_string(),
        source,
    })?;
    Key::new(&secret, words(source))
}

/// Anything else, like a full disk, is not mended by another place.
fn is_not_allowed(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// Whole and on the disk, or not there.
fn write_new(path: &Path, secret: &[u8; KEY_BYTES]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut half = path.as_os_str().to_owned();
    half.push(".new");
    let half = PathBuf::from(half);
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&half)?;
    file.write_all(format!("{}\n", hex(secret)).as_bytes())?;
    file.sync_all()?;
    fs::hard_link(&half, path)?;
    fs::remove_file(&half)?;
    fs::File::open(folder)?.sync_all()
}
