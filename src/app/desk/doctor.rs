//! What is wrong with the set-up, from the store, the published state and the descriptions read at
//! the start. Asks neither system anything.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::{Desk, PAGE_MAX};
use crate::console::query::Diagnosis;
use crate::domain::doctor::{Disk, Facts, examine};
use crate::domain::link::Mark;
use crate::domain::record::{LinkPage, Listing};
use crate::domain::time::Timestamp;
use crate::ports::{Store, StoreError};

/// Contacts in conflict looked through for the oldest: it bounds what a refresh costs.
const CONFLICTS_MAX: usize = 1_000;

impl Desk {
    pub(super) async fn diagnosis(&self) -> Result<Diagnosis, StoreError> {
        let counts = self.store.recover().await?.counts;
        let snapshot = self.snapshots.borrow().clone();
        let in_force = self.in_force();
        let facts = Facts {
            now: self.clock.now(),
            policy: &in_force.policy,
            snapshot: &snapshot,
            counts: &counts,
            described: Some(&in_force.described),
            timetable: Some(in_force.timetable),
            oldest_conflict: oldest_conflict(&*self.store).await?,
            disk: disk(self.data.clone()).await,
        };
        Ok(Diagnosis {
            findings: examine(&facts),
            described: in_force.described.at,
        })
    }
}

/// When the oldest conflict was raised.
pub(in crate::app) async fn oldest_conflict(
    store: &dyn Store,
) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    let mut after = None;
    for _ in 0..CONFLICTS_MAX / PAGE_MAX {
        let page = LinkPage {
            listing: Listing::Marked(Mark::Conflict),
            after,
            size_max: PAGE_MAX,
        };
        let links = store.links(page).await?;
        after = links.last().map(|link| link.id);
        let raised = links.iter().flat_map(|link| &link.conflicts);
        let raised = raised.map(|conflict| conflict.raised).min();
        oldest = oldest.into_iter().chain(raised).min();
        if links.len() < PAGE_MAX {
            break;
        }
    }
    Ok(oldest)
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
