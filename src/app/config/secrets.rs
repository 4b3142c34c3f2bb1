//! Where an instance file says that secrets are, and their key. Never the secrets themselves.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::typed::{self, Secret, Spanned};
use super::{ConfigError, Keys, OwnKey, Reader};

/// The file of a service manager's credential that is our key.
const CREDENTIAL: &str = "passerelle.key";

impl Reader<'_> {
    /// What the kept secrets are sealed with.
    pub(super) fn keys(&self, instance: &typed::Instance) -> Result<Keys, ConfigError> {
        let folder = self.env.get("CREDENTIALS_DIRECTORY");
        let credential = folder.map(|folder| Path::new(folder).join(CREDENTIAL));
        let own = match (&instance.key_file, &instance.passphrase) {
            (None, None) => OwnKey::Beside,
            (Some(file), None) => OwnKey::File(self.beside_us(file.get_ref())),
            (None, Some(passphrase)) => self.passphrase(passphrase)?,
            (Some(_), Some(passphrase)) => {
                return Err(self.at(
                    passphrase,
                    "key_file and passphrase are two keys for one lock; write one of them",
                ));
            }
        };
        Ok(Keys {
            credential: credential.filter(|credential| credential.exists()),
            own,
        })
    }

    /// Relative to the instance file, as whoever serves it may stand in another folder.
    pub(super) fn beside_us(&self, path: &Path) -> PathBuf {
        let folder = Path::new(self.path).parent().unwrap_or(Path::new(""));
        folder.join(path)
    }

    fn passphrase(&self, typed: &Spanned<typed::Passphrase>) -> Result<OwnKey, ConfigError> {
        let inner = typed.get_ref();
        if inner.ask {
            if inner.env.is_some() || inner.file.is_some() {
                return Err(self.at(
                    typed,
                    "a passphrase is asked for, or is somewhere: not both",
                ));
            }
            return Ok(OwnKey::Asked);
        }
        let secret = Secret {
            env: inner.env.clone(),
            file: inner.file.clone(),
        };
        self.secret(&Spanned::new(typed.span(), secret))
            .map(OwnKey::Passphrase)
    }

    /// One that the file does not mention is asked for once.
    pub(super) fn optional(
        &self,
        secret: Option<&Spanned<Secret>>,
    ) -> Result<Option<SecretString>, ConfigError> {
        secret.map(|secret| self.secret(secret)).transpose()
    }

    pub(super) fn required_secret<T>(
        &self,
        secret: Option<Spanned<Secret>>,
        near: &Spanned<T>,
        what: &str,
    ) -> Result<SecretString, ConfigError> {
        match secret {
            Some(secret) => self.secret(&secret),
            None => Err(self.at(
                near,
                &format!(
                    "{what} is missing; write it as {{ env = \"NAME\" }} or {{ file = \"…\" }}"
                ),
            )),
        }
    }

    fn secret(&self, typed: &Spanned<Secret>) -> Result<SecretString, ConfigError> {
        let text = match typed.get_ref() {
            Secret {
                env: Some(name),
                file: None,
            } => {
                let value = self.env.get(name).filter(|value| !value.is_empty());
                value.cloned().ok_or_else(|| {
                    self.at(
                        typed,
                        &format!("the variable {name} that holds this secret is not set"),
                    )
                })?
            }
            Secret {
                env: None,
                file: Some(path),
            } => {
                let shown = path.display();
                if is_exposed(path) {
                    return Err(ConfigError::Exposed {
                        path: shown.to_string(),
                    });
                }
                fs::read_to_string(path).map_err(|error| {
                    self.at(typed, &format!("the file {shown} of this secret: {error}"))
                })?
            }
            _ => {
                return Err(self.at(typed, "a secret is { env = \"NAME\" } or { file = \"…\" }"));
            }
        };
        Ok(SecretString::from(
            text.trim_end_matches(['\r', '\n']).to_owned(),
        ))
    }
}

/// Whether anybody but the owner may read a file.
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 != 0)
}
