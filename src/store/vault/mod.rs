//! Kept secrets, sealed: whoever has the store's files alone reads none of them.
//!
//! A stored value is `ff "psl" 1`, a byte that says how the key is made (0: as it is; 1: of a
//! passphrase, then 16 bytes of salt and 4 of rounds), the key's name (4), a random nonce (12), and what
//! ChaCha20-Poly1305 makes of the secret. What stands before the nonce is authenticated with it, and so
//! are the secret's name and the instance's: a value moved elsewhere does not open.
//!
//! Values from before there were seals are UTF-8 text, which never begins with `ff`. They are read as
//! they are, and sealed when they are written again.

mod key;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _};
use ring::aead::{Aad, NONCE_LEN, Nonce};

use crate::ports::{StoreError, Vault};
use crate::store::durable::Durable;
use crate::store::{Job, SledStore, keys};
pub use key::{Asking, KeySource, Question};
use key::{ID_BYTES, Key, KeyError, KeyId, Keyring, SALT_BYTES, Salt};

const MAGIC: &[u8] = b"\xffpsl\x01";

/// The vault of an instance.
pub struct SealedVault {
    store: Arc<SledStore>,
    seals: Arc<Seals>,
}

struct Seals {
    instance: String,
    keyring: Mutex<Keyring>,
}

/// What stands before a sealed secret.
struct Head<'a> {
    salted: Option<(Salt, u32)>,
    id: KeyId,
    /// All of it up to the nonce.
    bytes: &'a [u8],
    nonce: [u8; NONCE_LEN],
    rest: &'a [u8],
}

impl SealedVault {
    /// The keys are looked for in this order, at the first need; the first one seals.
    pub fn new(store: Arc<SledStore>, instance: &str, sources: Vec<KeySource>) -> Self {
        let seals = Seals {
            instance: instance.to_owned(),
            keyring: Mutex::new(Keyring::new(sources)),
        };
        Self {
            store,
            seals: Arc::new(seals),
        }
    }

    /// Seals whatever is kept with the key that seals now, so that the one before may go. A passphrase that
    /// is typed for it is asked for, while there is no screen yet. How much was sealed anew.
    pub async fn seal_anew(&self) -> Result<usize, StoreError> {
        let seals = Arc::clone(&self.seals);
        let anew = self.store.read(move |durable| {
            let kept = kept(durable)?;
            seals.anew(&kept).map_err(told)
        });
        let anew = anew.await?;
        let count = anew.len();
        for (name, sealed) in anew {
            let put = |answer| Job::Put(keys::vault(&name), Some(sealed), answer);
            self.store.queue(put).await?;
        }
        Ok(count)
    }

    /// Has the passphrase typed, where one is, before there is a screen over which nobody could be asked.
    pub async fn ask_ahead(&self) -> Result<(), StoreError> {
        let seals = Arc::clone(&self.seals);
        let asked = self.store.read(move |durable| {
            let kept = kept(durable)?;
            seals.ask_ahead(&kept).map_err(told)
        });
        asked.await
    }
}

impl Vault for SealedVault {
    fn read(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let seals = Arc::clone(&self.seals);
        self.store.read(move |durable| {
            let Some(kept) = durable.get(&keys::vault(name))? else {
                return Ok(None);
            };
            seals.open(name, kept).map(Some).map_err(told)
        })
    }

    /// Refused where something kept was sealed with a key that is not ours: a wrong key must not hide
    /// what the right one opens.
    fn write(&self, name: &'static str, secret: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        let seals = Arc::clone(&self.seals);
        async move {
            let sealed = self.store.read(move |durable| {
                let kept = kept(durable)?;
                seals.seal(name, secret, &kept).map_err(told)
            });
            let sealed = sealed.await?;
            let put = |answer| Job::Put(keys::vault(name), Some(sealed), answer);
            self.store.queue(put).await
        }
        .boxed()
    }

    fn remove(&self, name: &'static str) -> BoxFuture<'_, Result<(), StoreError>> {
        let put = |answer| Job::Put(keys::vault(name), None, answer);
        self.store.queue(put)
    }
}

fn told(error: KeyError) -> StoreError {
    StoreError::Secret(error.to_string())
}

/// Every kept value with its name.
fn kept(durable: &Durable) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut kept = Vec::new();
    let prefix = keys::vault("");
    durable.scan(&prefix, None, |key, value| {
        let name = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        kept.push((name, value.to_vec()));
        true
    })?;
    Ok(kept)
}

impl Seals {
    fn keyring(&self) -> MutexGuard<'_, Keyring> {
        // Keys are only ever added to it.
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, name: &str, kept: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        if !kept.starts_with(MAGIC) {
            return Ok(kept);
        }
        let changed = || KeyError::Changed {
            name: plain(name),
            instance: self.instance.clone(),
        };
        let head = Head::read(&kept).ok_or_else(changed)?;
        let mut keyring = self.keyring();
        let Some(key) = keyring.named(head.id, head.salted)? else {
            return Err(other(name, head.id, &keyring));
        };
        drop(keyring);
        let aad = Aad::from(self.context(name, head.bytes));
        let nonce = Nonce::assume_unique_for_key(head.nonce);
        let mut bytes = head.rest.to_vec();
        let opened = key.aead.open_in_place(nonce, aad, &mut bytes);
        opened.map(|secret| secret.to_vec()).map_err(|_| changed())
    }

    /// What is sealed with another key than the first, or with none, as it would be sealed now.
    fn anew(&self, kept: &[(String, Vec<u8>)]) -> Result<Vec<(String, Vec<u8>)>, KeyError> {
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.sealing(kept)?.id;
        let mut anew = Vec::new();
        for (name, value) in kept {
            if Head::read(value).is_some_and(|head| head.id == first) {
                continue;
            }
            let secret = self.open(name, value.clone())?;
            anew.push((name.clone(), self.seal(name, secret, kept)?));
        }
        Ok(anew)
    }

    fn ask_ahead(&self, kept: &[(String, Vec<u8>)]) -> Result<(), KeyError> {
        // Any other key is read, or made, at the first need.
        if !self.keyring().is_typed() {
            return Ok(());
        }
        match self.sealing(kept) {
            // Nothing is kept: whoever needs it first is told.
            Err(KeyError::NobodyToAsk(_)) if kept.is_empty() => Ok(()),
            asked => asked.map(drop),
        }
    }

    /// The key that seals; refused where something is sealed with one that is not ours.
    fn sealing(&self, kept: &[(String, Vec<u8>)]) -> Result<Key, KeyError> {
        let mut keyring = self.keyring();
        let mut salted = None;
        let mut is_anything_sealed = false;
        for (other_name, value) in kept {
            let Some(head) = Head::read(value) else {
                continue;
            };
            is_anything_sealed = true;
            salted = salted.or(head.salted);
            if keyring.named(head.id, head.salted)?.is_none() {
                return Err(other(other_name, head.id, &keyring));
            }
        }
        keyring.sealing(salted, is_anything_sealed)
    }

    fn seal(
        &self,
        name: &str,
        mut secret: Vec<u8>,
        kept: &[(String, Vec<u8>)],
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.sealing(kept)?;
        let mut sealed = MAGIC.to_vec();
        match key.salted {
            None => sealed.push(0),
            Some((salt, rounds)) => {
                sealed.push(1);
                sealed.extend_from_slice(&salt);
                sealed.extend_from_slice(&rounds.to_le_bytes());
            }
        }
        sealed.extend_from_slice(&key.id);
        let aad = Aad::from(self.context(name, &sealed));
        let nonce: [u8; NONCE_LEN] = key::random()?;
        sealed.extend_from_slice(&nonce);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let done = key.aead.seal_in_place_append_tag(nonce, aad, &mut secret);
        done.map_err(|_| KeyError::Random)?;
        sealed.extend_from_slice(&secret);
        Ok(sealed)
    }

    /// Parts that cannot run into each other: each has its length.
    fn context(&self, name: &str, head: &[u8]) -> Vec<u8> {
        let mut context = Vec::new();
        for part in [name.as_bytes(), self.instance.as_bytes(), head] {
            context.extend_from_slice(&(part.len() as u64).to_le_bytes());
            context.extend_from_slice(part);
        }
        context
    }
}

fn other(name: &str, id: KeyId, keyring: &Keyring) -> KeyError {
    KeyError::Other {
        name: plain(name),
        needed: crate::store::chain::hex(&id),
        tried: keyring.tried(),
    }
}

/// `salesforce-refresh-token` as people say it.
fn plain(name: &str) -> String {
    name.replace('-', " ")
}

impl<'a> Head<'a> {
    /// Nothing for what is not sealed, or was cut.
    fn read(value: &'a [u8]) -> Option<Self> {
        let after = value.strip_prefix(MAGIC)?;
        let (kind, after) = after.split_first()?;
        let (salted, after) = match kind {
            0 => (None, after),
            1 => {
                let (salt, after) = after.split_first_chunk::<SALT_BYTES>()?;
                let (rounds, after) = after.split_first_chunk::<4>()?;
                (Some((*salt, u32::from_le_bytes(*rounds))), after)
            }
            _ => return None,
        };
        let (id, after) = after.split_first_chunk::<ID_BYTES>()?;
        let bytes = &value[..value.len() - after.len()];
        let (nonce, rest) = after.split_first_chunk::<NONCE_LEN>()?;
        Some(Self {
            salted,
            id: *id,
            bytes,
            nonce: *nonce,
            rest,
        })
    }
}
