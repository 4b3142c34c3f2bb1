//! What is wrong with the set-up, from the store, the published state and what was last read of both
//! systems; read again where that is asked for. What is mended is recorded before it is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::statvfs::statvfs;

use super::{Desk, PAGE_MAX};
use crate::app::compose::Connected;
use crate::app::door::Door;
use crate::app::entry::{self, Entry};
use crate::app::error::AppError;
use crate::app::examiner::Examiner;
use crate::app::machine::{self, Home};
use crate::app::said;
use crate::console::query::{Diagnosis, Mending};
use crate::domain::access::Why;
use crate::domain::conflict::{Cause, Subject};
use crate::domain::doctor::{Disk, Facts, Refused, examine};
use crate::domain::evidence::Evidence;
use crate::domain::link::Mark;
use crate::domain::record::{LinkPage, Listing};
use crate::domain::remedy::Remedy;
use crate::domain::time::Timestamp;
use crate::pool::Handle;
use crate::ports::{Store, StoreError};

/// Contacts in conflict looked through for the oldest: it bounds what a refresh costs.
const CONFLICTS_MAX: usize = 1_000;

/// What questions about the set-up need. A command that reads the store alone has none of it.
#[derive(Default)]
pub struct Doctor {
    pub(super) examiner: Option<Arc<Examiner>>,
    /// Of the process that serves the instance.
    home: Option<Home>,
    /// Where whoever asks is recorded with what they change.
    pub(super) recorded: Option<Recorded>,
}

impl Doctor {
    pub(super) fn of(connected: &Connected) -> Self {
        let opened = &connected.opened;
        Self {
            examiner: Some(Arc::clone(&connected.examiner)),
            home: Some(Home::of(&opened.instance, &opened.file)),
            recorded: None,
        }
    }
}

/// Whose acts are recorded, and where.
pub(in crate::app) struct Recorded {
    pub(in crate::app) door: Door,
    pub(in crate::app) pool: Handle,
}

impl Recorded {
    /// Ends when the act is durable; or why it was not taken.
    pub(super) async fn record(&self, store: &dyn Store, entry: Entry<'_>) -> Result<(), AppError> {
        entry::enter(&self.pool, store, &self.door, entry).await
    }
}

impl Desk {
    /// From what was read last.
    pub(super) async fn diagnosis(&self) -> Result<Diagnosis, StoreError> {
        let latest = self
            .doctor
            .examiner
            .as_ref()
            .and_then(|examiner| examiner.latest());
        self.judged(latest).await
    }

    /// Both systems are read first.
    pub(super) async fn examination(&self) -> Result<Diagnosis, StoreError> {
        let evidence = match &self.doctor.examiner {
            Some(examiner) => Some(examiner.examine(self.policy()).await),
            None => None,
        };
        self.judged(evidence).await
    }

    async fn judged(&self, evidence: Option<Arc<Evidence>>) -> Result<Diagnosis, StoreError> {
        let recovered = self.store.recover().await?;
        let snapshot = self.snapshots.borrow().clone();
        let in_force = self.in_force();
        let read = evidence
            .as_ref()
            .and_then(|evidence| evidence.descriptions());
        // Whichever was read last.
        let read = read.filter(|read| read.at >= in_force.described.at);
        let described = read.as_ref().unwrap_or(&in_force.described);
        let machine = match &self.doctor.home {
            Some(home) => machine::look(home.clone(), true).await,
            None => None,
        };
        let waiting = waiting(&*self.store).await?;
        let facts = Facts {
            now: self.clock.now(),
            policy: &in_force.policy,
            snapshot: &snapshot,
            counts: &recovered.counts,
            described: Some(described),
            evidence: evidence.as_deref(),
            machine: machine.as_ref(),
            bound: recovered.binding.as_ref(),
            timetable: Some(in_force.timetable),
            oldest_conflict: waiting.oldest,
            refused: &waiting.refused,
            disk: disk(self.data.clone()).await,
        };
        Ok(Diagnosis {
            findings: examine(&facts),
            described: described.at,
            examined: evidence.map(|evidence| evidence.at),
        })
    }

    /// What a remedy would send. Nothing is changed.
    pub(super) async fn preview(&self, remedy: Remedy) -> Mending {
        let Some(examiner) = &self.doctor.examiner else {
            return Mending::Failed(Why::said("why-not-connected", Vec::new()));
        };
        match examiner.preview(self.policy(), remedy).await {
            Ok(preview) => Mending::Previewed(preview),
            Err(error) => Mending::Failed(Why::raw(error.to_string())),
        }
    }

    /// Recorded, then made.
    pub(super) async fn mend(&self, remedy: Remedy, reason: &str) -> Mending {
        let doctor = &self.doctor;
        let (Some(examiner), Some(recorded)) = (&doctor.examiner, &doctor.recorded) else {
            return Mending::Failed(Why::said("why-not-connected", Vec::new()));
        };
        if let Err(why) = recorded
            .record(&*self.store, Entry::mend(&remedy, reason))
            .await
        {
            return Mending::Failed(said::why(&why));
        }
        match examiner.mend(self.policy(), remedy).await {
            Ok(mended) => Mending::Made(mended),
            Err(error) => Mending::Failed(Why::raw(error.to_string())),
        }
    }
}

/// What of the conflicts the checks look at.
#[derive(Default)]
pub(in crate::app) struct Waiting {
    /// When the oldest was raised.
    pub(in crate::app) oldest: Option<Timestamp>,
    pub(in crate::app) refused: Vec<Refused>,
}

pub(in crate::app) async fn waiting(store: &dyn Store) -> Result<Waiting, StoreError> {
    let mut waiting = Waiting::default();
    let mut after = None;
    for _ in 0..CONFLICTS_MAX / PAGE_MAX {
        let page = LinkPage {
            listing: Listing::Marked(Mark::Conflict),
            after,
            size_max: PAGE_MAX,
        };
        let links = store.links(page).await?;
        after = links.last().map(|link| link.id);
        for conflict in links.iter().flat_map(|link| &link.conflicts) {
            let oldest = waiting.oldest.into_iter().chain([conflict.raised]);
            waiting.oldest = oldest.min();
            if let Cause::Refused { side, failure, .. } = &conflict.cause {
                waiting.refused.push(Refused {
                    side: *side,
                    field: match conflict.subject {
                        Subject::Field(field) => Some(field),
                        _ => None,
                    },
                    code: failure.code.clone(),
                });
            }
        }
        if links.len() < PAGE_MAX {
            break;
        }
    }
    Ok(waiting)
}

/// What the instance's folder takes, and what is left where it is; `None` if that cannot be told.
pub(in crate::app) async fn disk(folder: PathBuf) -> Option<Disk> {
    let measured = tokio::task::spawn_blocking(move || measure(&folder));
    measured.await.ok().flatten()
}

fn measure(folder: &Path) -> Option<Disk> {
    let place = statvfs(folder).ok()?;
    Some(Disk {
        used_bytes: used(folder),
        free_bytes: place.blocks_available() * place.fragment_size(),
    })
}

/// Whatever vanishes while it is looked at counts nothing.
fn used(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => used(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
