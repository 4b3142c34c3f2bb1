//! What is kept across restarts. The only room that knows sled.
//!
//! One tree with prefixed keys, so that every batch is atomic. One thread commits: it gathers the
//! batches that wait, applies them as one and acknowledges all when they would survive a power cut.

pub mod memory;

mod acts;
mod backup;
mod cache;
mod chain;
mod codec;
mod durable;
mod folder;
mod keys;
mod packed;
mod policies;
mod reader;
mod staging;
mod sweep;
mod vault;
mod watch;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::{mpsc, oneshot};

pub use backup::{BackupError, export, restore};
pub use vault::{Asking, KeySource, Question, SealedVault};

use crate::domain::activity::HeldActivity;
use crate::domain::audit::Check;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::link::Link;
use crate::domain::record::{
    Act, Batch, Binding, Counts, HistoryEntry, LinkKey, LinkPage, Loaded, Named, PolicyVersion,
    Recovered, WordPage,
};
use crate::ports::{Store, StoreError};
use crate::store::cache::Cache;
use crate::store::chain::{Chain, Telling};
use crate::store::durable::Durable;
use crate::store::staging::Staging;
use crate::store::words::Words;

/// Batches that wait for the committer. The engine has one under way; the rest is for operators.
const QUEUE_MAX: usize = 64;

/// Stored in the store itself; a store of a newer format is refused.
const FORMAT: u32 = 1;

/// The store on disk.
pub struct SledStore {
    durable: Arc<Durable>,
    cache: Arc<Cache>,
    queue: Option<mpsc::Sender<Job>>,
    committer: Option<JoinHandle<()>>,
    path: PathBuf,
    /// Where the audit's key and anchor are.
    audit: PathBuf,
}

enum Job {
    Commit(Batch, oneshot::Sender<Result<(), StoreError>>),
    /// A pair that no batch knows; without a value it is taken out.
    Put(
        Vec<u8>,
        Option<Vec<u8>>,
        oneshot::Sender<Result<(), StoreError>>,
    ),
}

impl SledStore {
    /// Opens the store in a data folder, or makes it. `holder` is what a second process is told:
    /// who has it, since when. All of it is inside the folder.
    pub fn open(data: &Path, holder: &str) -> Result<Self, StoreError> {
        Self::open_with(data, holder, &chain::inside, Telling::Nobody)
    }

    /// The same with the audit's key and anchor beside the folder where that can be, and its head told
    /// to the system's log.
    pub fn open_instance(data: &Path, holder: &str) -> Result<Self, StoreError> {
        Self::open_with(data, holder, &chain::beside, Telling::SystemLog)
    }

    /// The same with the audit's key and anchor in a folder of its own.
    pub fn open_audited(data: &Path, holder: &str, audit: &Path) -> Result<Self, StoreError> {
        let elsewhere = |_: &Path| audit.to_owned();
        Self::open_with(data, holder, &elsewhere, Telling::SystemLog)
    }

    fn open_with(
        data: &Path,
        holder: &str,
        audit: &dyn Fn(&Path) -> PathBuf,
        telling: Telling,
    ) -> Result<Self, StoreError> {
        let founding = reader::founding()?;
        let durable = Arc::new(Durable::open(data, holder, (keys::FORMAT, &founding))?);
        reader::check_format(&durable.get(keys::FORMAT)?.unwrap_or_default())?;
        let counts = reader::counts(&durable)?;
        let audit = audit(data);
        let chain = Chain::open(&durable, &audit, telling)?;
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let cache = Arc::new(Cache::new(Words::open(&durable, counts.links)?));
        let (thread, known) = (Arc::clone(&durable), Arc::clone(&cache));
        let committer = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || commit_all(&thread, &known, (counts, chain), jobs))
            .map_err(|source| StoreError::Commit {
                source: source.into(),
            })?;
        Ok(Self {
            durable,
            cache,
            queue: Some(queue),
            committer: Some(committer),
            path: data.to_owned(),
            audit,
        })
    }

    /// Bytes on disk.
    pub fn size(&self) -> Result<u64, StoreError> {
        self.durable.size()
    }

    /// How often a value could not be read, and was passed over, since the start.
    pub fn damaged(&self) -> u64 {
        self.durable.damaged()
    }

    fn queue(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), StoreError>>) -> Job,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        let job = job(answer);
        async move {
            let queue = self.queue.as_ref().ok_or(StoreError::Poisoned)?;
            if queue.send(job).await.is_err() {
                return Err(StoreError::Poisoned);
            }
            tokio::select! {
                answer = answered => answer.map_err(|_| StoreError::Poisoned)?,
                error = self.durable.given_up() => Err(error),
            }
        }
        .boxed()
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Durable) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let durable = Arc::clone(&self.durable);
        async move {
            let done = tokio::task::spawn_blocking(move || read(&durable)).await;
            done.map_err(|source| StoreError::Read {
                source: source.into(),
            })?
        }
        .boxed()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        drop(self.queue.take());
        if self.durable.is_given_up() {
            // Its thread waits for a disk that does not answer, perhaps for ever.
            return;
        }
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the store's thread had panicked");
        }
    }
}

/// Group commit: whatever waits is made durable by one sync.
fn commit_all(
    durable: &Durable,
    cache: &Cache,
    (mut counts, mut chain): (Counts, Chain),
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut building = Building::Goes;
    while let Some(first) = next(durable, cache, &mut jobs, &mut building) {
        let mut group = vec![first];
        while group.len() < QUEUE_MAX
            && let Ok(next) = jobs.try_recv()
        {
            group.push(next);
        }
        let mut staging = Staging::new(durable, cache, counts.clone());
        let mut answers = Vec::with_capacity(group.len());
        let mut staged = Ok(());
        for job in group {
            let answer = match job {
                Job::Commit(batch, answer) => {
                    staged = staged.and_then(|()| staging.stage(batch));
                    answer
                }
                Job::Put(key, value, answer) => {
                    staging.pair(key, value);
                    answer
                }
            };
            answers.push(answer);
        }
        let result = staged
            .and_then(|()| staging.finish())
            .and_then(|(mut staged, written)| {
                let head = chain.seal(&mut staged, &written.covered, counts.commits)?;
                let pairs = staged.len();
                cache.forget(written.links.iter().map(|(id, _)| *id));
                durable.commit(staged)?;
                cache.note_written(written.links);
                cache.note_words(written.words);
                counts = written.counts;
                Ok((pairs, head, written.covered))
            });
        if let Err(error) = &result {
            // Whatever it was: what the callers believe and what is stored may differ from now on.
            durable.poison();
            tracing::error!(error = causes(error), "a commit failed");
        }
        answer_all(answers, result.as_ref().err());
        // After the answers: whoever asked goes on meanwhile.
        let Ok((pairs, head, covered)) = result else {
            continue;
        };
        if let Some(head) = head {
            chain.sealed(head, &covered);
        }
        if let Err(error) = durable.tidy(pairs, || !jobs.is_empty()) {
            tracing::error!(error = causes(&error), "cleaning up failed");
        }
        // However busy it is, the index gets ahead.
        building.step(durable, cache, || !jobs.is_empty());
    }
    chain.close();
}

/// Each is told a copy of the error, if there is one.
fn answer_all(answers: Vec<oneshot::Sender<Result<(), StoreError>>>, error: Option<&StoreError>) {
    for answer in answers {
        let told = match error {
            None => Ok(()),
            Some(StoreError::Poisoned) => Err(StoreError::Poisoned),
            Some(error) => Err(StoreError::Commit {
                source: causes(error).into(),
            }),
        };
        // Whoever asked may be gone; the batch is durable all the same.
        drop(answer.send(told));
    }
}

/// The next job. While none waits, the index of words is built.
fn next(
    durable: &Durable,
    cache: &Cache,
    jobs: &mut mpsc::Receiver<Job>,
    building: &mut Building,
) -> Option<Job> {
    loop {
        match jobs.try_recv() {
            Ok(job) => return Some(job),
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
            Err(mpsc::error::TryRecvError::Empty) => {}
        }
        if !building.step(durable, cache, || !jobs.is_empty()) {
            return jobs.blocking_recv();
        }
    }
}

/// The building of the index of words where a store has none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Building {
    Goes,
    /// It failed: the next process tries again. Without it a search takes longer.
    Failed,
}

impl Building {
    /// One step; `false` if there is none to be done.
    fn step(
        &mut self,
        durable: &Durable,
        cache: &Cache,
        somebody_waits: impl Fn() -> bool,
    ) -> bool {
        let words = cache.words();
        if words.is_whole() || *self == Self::Failed {
            return false;
        }
        let stepped = words.step(durable).and_then(|(staged, words)| {
            let pairs = staged.len();
            durable.commit(staged)?;
            cache.note_words(words);
            durable.tidy(pairs, somebody_waits)
        });
        if let Err(error) = stepped {
            *self = Self::Failed;
            tracing::error!(error = causes(&error), "building the index of words failed");
        }
        true
    }
}

impl Store for SledStore {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.queue(|answer| Job::Commit(batch, answer))
    }

    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>> {
        self.read(reader::recover)
    }

    fn bind(&self, binding: Binding) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let path = self.path.display().to_string();
            let known: Option<Binding> = self
                .read(|durable| reader::meta(durable, keys::BINDING, "binding"))
                .await?;
            match known {
                Some(known) if known == binding => Ok(()),
                Some(known) => Err(StoreError::Foreign {
                    path,
                    owner: describe(&known),
                    asked: describe(&binding),
                }),
                None => {
                    let value = codec::encode(&binding).map_err(|source| StoreError::Commit {
                        source: source.into(),
                    })?;
                    self.queue(|answer| Job::Put(keys::BINDING.to_vec(), Some(value), answer))
                        .await
                }
            }
        }
        .boxed()
    }

    fn load(
        &self,
        keys: Vec<LinkKey>,
        with_sent: bool,
    ) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let cache = Arc::clone(&self.cache);
        self.read(move |durable| reader::load(durable, &cache, &keys, with_sent))
    }

    fn links(&self, page: LinkPage) -> BoxFuture<'_, Result<Vec<Link>, StoreError>> {
        self.read(move |durable| reader::links(durable, page))
    }

    fn named(&self, page: WordPage) -> BoxFuture<'_, Result<Named, StoreError>> {
        let words = self.cache.words();
        self.read(move |durable| words::named(durable, &words, &page))
    }

    fn history(
        &self,
        link: LinkId,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryEntry>, StoreError>> {
        self.read(move |durable| reader::newest(durable, &keys::history(link), max, "history"))
    }

    fn held_activities(
        &self,
        after: Option<String>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<HeldActivity>, StoreError>> {
        self.read(move |durable| reader::held(durable, after.as_deref(), max))
    }

    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>> {
        self.read(move |durable| acts::newest(durable, None, max))
    }

    fn acts_before(&self, run: RunId, max: usize) -> BoxFuture<'_, Result<Vec<Act>, StoreError>> {
        self.read(move |durable| acts::newest(durable, Some(run), max))
    }

    fn check_audit(&self, check: Check) -> BoxFuture<'_, Result<Check, StoreError>> {
        let audit = self.audit.clone();
        self.read(move |durable| chain::step(durable, &audit, check))
    }

    fn policies(&self, max: usize) -> BoxFuture<'_, Result<Vec<PolicyVersion>, StoreError>> {
        self.read(move |durable| policies::newest(durable, max))
    }
}

/// The error and its causes, for those of the group who are told a copy.
fn causes(error: &StoreError) -> String {
    let error: &dyn std::error::Error = match error {
        StoreError::Commit { source } => &**source,
        other => other,
    };
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// For people: `sandbox 00D… with https://acme.automation.example`.
pub(in crate::store) fn describe(binding: &Binding) -> String {
    let kind = if binding.is_sandbox {
        "sandbox"
    } else {
        "organisation"
    };
    format!(
        "{kind} {} with {}",
        binding.organisation, binding.automation
    )
}

#[cfg(test)]
mod tests;
