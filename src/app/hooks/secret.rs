//! What signs Automation's calls: of the instance file, or made here and kept sealed. Made once, told to
//! Automation, and shown to nobody.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};

use crate::adapters::automation::hook::HookKey;
use crate::app::error::AppError;
use crate::ports::Vault;

/// Its name in the vault.
const NAME: &str = "webhook-secret";

/// As many as Automation's own have.
const BYTES: usize = 20;

pub(super) struct HookSecret {
    given: Option<SecretString>,
    vault: Arc<dyn Vault>,
    /// What calls are checked by; nothing before there is a secret.
    key: Mutex<Option<Arc<HookKey>>>,
}

/// Where a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Whereabouts {
    File,
    Vault,
    /// The next registering makes one.
    Nowhere,
}

impl Whereabouts {
    /// For scripts.
    pub(in crate::app) const fn name(self) -> &'static str {
        match self {
            Self::File => "instance file",
            Self::Vault => "kept sealed",
            Self::Nowhere => "not made yet",
        }
    }

    /// In a sentence.
    pub(in crate::app) const fn words(self) -> &'static str {
        match self {
            Self::File => "Calls are signed with the secret that the instance file names.",
            Self::Vault => {
                "Calls are signed with a secret of our own, kept sealed with the logins."
            }
            Self::Nowhere => {
                "There is no secret to sign calls with yet: passerelle webhook register makes one, \
                 and keeps it sealed."
            }
        }
    }
}

impl HookSecret {
    pub(super) fn new(given: Option<SecretString>, vault: Arc<dyn Vault>) -> Self {
        let key = given.as_ref().map(|secret| Arc::new(HookKey::new(secret)));
        Self {
            given,
            vault,
            key: Mutex::new(key),
        }
    }

    /// What a call must be signed with. It changes when a secret is made or forgotten.
    pub(super) fn key(&self) -> Option<Arc<HookKey>> {
        self.key_cell(|key| key.clone())
    }

    pub(super) async fn whereabouts(&self) -> Result<Whereabouts, AppError> {
        Ok(match (&self.given, self.known().await?) {
            (Some(_), _) => Whereabouts::File,
            (None, Some(_)) => Whereabouts::Vault,
            (None, None) => Whereabouts::Nowhere,
        })
    }

    pub(super) async fn known(&self) -> Result<Option<SecretString>, AppError> {
        if let Some(given) = &self.given {
            return Ok(Some(given.clone()));
        }
        let kept = self.vault.read(NAME).await?;
        let kept = kept.and_then(|bytes| String::from_utf8(bytes).ok());
        let kept = kept.map(SecretString::from);
        self.sign_with(kept.as_ref());
        Ok(kept)
    }

    /// Before Automation hears of it: a secret that only Automation has would refuse all its calls.
    pub(super) async fn keep(&self, secret: &SecretString) -> Result<(), AppError> {
        if self.given.is_none() {
            let bytes = secret.expose_secret().as_bytes().to_vec();
            self.vault.write(NAME, bytes).await?;
            self.sign_with(Some(secret));
        }
        Ok(())
    }

    /// Whatever it had signed is refused from then on.
    pub(super) async fn forget(&self) -> Result<(), AppError> {
        if self.given.is_none() {
            self.sign_with(None);
            self.vault.remove(NAME).await?;
        }
        Ok(())
    }

    fn sign_with(&self, secret: Option<&SecretString>) {
        let new = secret.map(|secret| Arc::new(HookKey::new(secret)));
        self.key_cell(|key| *key = new);
    }

    fn key_cell<T>(&self, look: impl FnOnce(&mut Option<Arc<HookKey>>) -> T) -> T {
        look(&mut self.key.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A new one, kept nowhere yet.
pub(super) fn made() -> Result<SecretString, AppError> {
    let mut bytes = [0; BYTES];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| std::io::Error::other("the machine has no random numbers"))?;
    let mut secret = String::with_capacity(2 * BYTES);
    for byte in bytes {
        let _ = write!(secret, "{byte:02x}"); // Into a string: cannot fail.
    }
    Ok(SecretString::from(secret))
}
