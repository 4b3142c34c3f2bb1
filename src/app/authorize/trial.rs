//! What is new is kept sealed beside what works, tried there, and takes its place only once it is proven.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::SecretString;

use crate::adapters::{automation, salesforce};
use crate::domain::ids::Side;
use crate::ports::{StoreError, Vault};

/// A name of the vault, and the one on trial.
struct Kept {
    side: Side,
    name: &'static str,
    trial: &'static str,
    /// Without one on trial the one that works is used. Never a refresh token: trying it may change it.
    falls_back: bool,
}

const ALL: [Kept; 4] = [
    Kept {
        side: Side::Salesforce,
        name: salesforce::SECRET_KEY,
        trial: "salesforce-client-secret-on-trial",
        falls_back: true,
    },
    Kept {
        side: Side::Salesforce,
        name: salesforce::VAULT_KEY,
        trial: "salesforce-refresh-token-on-trial",
        falls_back: false,
    },
    Kept {
        side: Side::Automation,
        name: automation::SECRET_KEY,
        trial: "automation-secret-on-trial",
        falls_back: true,
    },
    Kept {
        side: Side::Automation,
        name: automation::VAULT_KEY,
        trial: "automation-refresh-token-on-trial",
        falls_back: false,
    },
];

const PROBE: &str = "probe";

/// A vault in whose place the clients of one attempt look. A process that dies in between leaves a trial
/// that the next attempt clears away, and what works as it was.
pub(super) struct Trial {
    inner: Arc<dyn Vault>,
}

impl Trial {
    /// With nothing on trial for this side. Something is sealed then: what is wrong with the key is to
    /// be known before anybody logs in.
    pub(super) async fn begin(inner: Arc<dyn Vault>, side: Side) -> Result<Self, StoreError> {
        let trial = Self { inner };
        trial.drop_all(side).await?;
        // One that another process left behind may be sealed with a key of its own.
        trial.inner.remove(PROBE).await?;
        trial.inner.write(PROBE, Vec::new()).await?;
        trial.inner.remove(PROBE).await?;
        Ok(trial)
    }

    /// What was tried is kept from now on. Answers the refresh token in whose place another one is, as
    /// far as it could be read.
    pub(super) async fn keep(&self, side: Side) -> Result<Option<SecretString>, StoreError> {
        let mut replaced = None;
        for kept in of(side) {
            let Some(secret) = self.inner.read(kept.trial).await? else {
                continue;
            };
            if !kept.falls_back {
                let old = self.inner.read(kept.name).await.ok().flatten();
                replaced = old.filter(|old| *old != secret);
            }
            self.inner.write(kept.name, secret).await?;
        }
        self.drop_all(side).await?;
        let text = replaced.and_then(|old| String::from_utf8(old).ok());
        Ok(text.map(SecretString::from))
    }

    /// As if nothing had been tried.
    pub(super) async fn drop_all(&self, side: Side) -> Result<(), StoreError> {
        for kept in of(side) {
            if self.has(kept.trial).await {
                self.inner.remove(kept.trial).await?;
            }
        }
        Ok(())
    }

    /// Also what cannot be opened is there.
    async fn has(&self, name: &'static str) -> bool {
        !matches!(self.inner.read(name).await, Ok(None))
    }
}

/// Takes everything kept for a side out of a vault. How much there was.
pub(super) async fn forget(vault: &dyn Vault, side: Side) -> Result<usize, StoreError> {
    vault.remove(PROBE).await?;
    let mut forgotten = 0;
    for kept in of(side) {
        for name in [kept.name, kept.trial] {
            if !matches!(vault.read(name).await, Ok(None)) {
                vault.remove(name).await?;
                forgotten += usize::from(name == kept.name);
            }
        }
    }
    Ok(forgotten)
}

/// How much is kept for a side.
pub(super) async fn count(vault: &dyn Vault, side: Side) -> usize {
    let mut count = 0;
    for kept in of(side) {
        count += usize::from(!matches!(vault.read(kept.name).await, Ok(None)));
    }
    count
}

fn of(side: Side) -> impl Iterator<Item = &'static Kept> {
    ALL.iter().filter(move |kept| kept.side == side)
}

fn known(name: &str) -> Option<&'static Kept> {
    ALL.iter().find(|kept| kept.name == name)
}

impl Vault for Trial {
    fn read(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let Some(kept) = known(name) else {
            return self.inner.read(name);
        };
        async move {
            let tried = self.inner.read(kept.trial).await?;
            if tried.is_some() || !kept.falls_back {
                return Ok(tried);
            }
            self.inner.read(name).await
        }
        .boxed()
    }

    fn write(&self, name: &'static str, secret: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner
            .write(known(name).map_or(name, |kept| kept.trial), secret)
    }

    fn remove(&self, name: &'static str) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner
            .remove(known(name).map_or(name, |kept| kept.trial))
    }
}
