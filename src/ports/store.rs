//! What is kept across restarts.

use std::error::Error;

use futures_util::future::BoxFuture;

use crate::domain::activity::HeldActivity;
use crate::domain::audit::Check;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::link::Link;
use crate::domain::record::{
    Act, Batch, Binding, HistoryEntry, LinkKey, LinkPage, Loaded, Named, PolicyVersion, Recovered,
    WordPage,
};

/// A promise kept or an error: nothing in between is ever reported as done.
pub trait Store: Send + Sync {
    /// Ends when the whole batch would survive a power cut. After any error the store refuses
    /// further commits: a failed sync must not be retried.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>>;

    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>>;

    /// Binds a new store to what it belongs to, or compares; the error names both.
    fn bind(&self, binding: Binding) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Links by any of the keys. `with_sent` adds the events already sent of each link found.
    fn load(
        &self,
        keys: Vec<LinkKey>,
        with_sent: bool,
    ) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    fn links(&self, page: LinkPage) -> BoxFuture<'_, Result<Vec<Link>, StoreError>>;

    /// Links by words of their names, from an index. What it finds is right; that it finds all is not
    /// promised: long names are indexed in part, and an index that is being built has nothing yet.
    fn named(&self, page: WordPage) -> BoxFuture<'_, Result<Named, StoreError>>;

    /// Newest first, at most so many.
    fn history(
        &self,
        link: LinkId,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryEntry>, StoreError>>;

    /// After that event reference, in its order, at most so many.
    fn held_activities(
        &self,
        after: Option<String>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HeldActivity>, StoreError>>;

    /// Newest first, at most so many.
    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>>;

    /// Older than that one, newest first, at most so many.
    fn acts_before(&self, run: RunId, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>>;

    /// Takes the check that nobody changed the audit one step on, of a few milliseconds.
    fn check_audit(&self, check: Check) -> BoxFuture<'_, Result<Check, StoreError>>;

    /// Newest first.
    fn policies(&self, max: usize) -> BoxFuture<'_, Result<Vec<PolicyVersion>, StoreError>>;
}

/// A small durable place for rotated tokens and secrets. Written before a token is used.
pub trait Vault: Send + Sync {
    fn read(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
    fn write(&self, name: &'static str, secret: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Also what cannot be read any more. Nothing there is no error.
    fn remove(&self, name: &'static str) -> BoxFuture<'_, Result<(), StoreError>>;
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it: who and since when, as far as its lock file tells.
    #[error("the store {path} is in use by {holder}")]
    Held { path: String, holder: String },
    #[error("the store {path} cannot be opened; it was left as it is")]
    Open {
        path: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the store {path} belongs to {owner}, not to {asked}; use another data folder for it")]
    Foreign {
        path: String,
        owner: String,
        asked: String,
    },
    #[error("the store was written by a newer passerelle (format {found}, this one knows {known})")]
    Newer { found: u32, known: u32 },
    #[error(
        "a stored {what} cannot be read ({key}); it is set aside and read again from its system"
    )]
    Damaged { what: &'static str, key: String },
    #[error("the store could not make the change durable; nothing is sent before a restart")]
    Commit {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An earlier commit failed; see it in the log.
    #[error("the store stopped after an error; free space or repair the disk, then start again")]
    Poisoned,
    /// The key of the kept secrets: which one was tried, and what to do. Nothing was changed.
    #[error("{0}")]
    Secret(String),
    #[error("reading the store failed")]
    Read {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
