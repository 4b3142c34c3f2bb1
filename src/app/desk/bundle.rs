//! An incident bundle in the data folder.

use std::io;
use std::path::{Path, PathBuf};

use super::Desk;
use crate::app::bundle::{self, Bundle, Sources};
use crate::app::error::AppError;
use crate::console::query::Exported;
use crate::domain::ids::LinkId;
use crate::domain::record::LinkKey;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;

/// Bundles of one second, each with a name of its own.
const NAMES_MAX: usize = 100;

impl Desk {
    pub(super) async fn recorded_bundle(
        &self,
        contact: Option<LinkId>,
        at: Timestamp,
        reason: &str,
    ) -> Result<Exported, StoreError> {
        let about = contact.map(|link| link.to_string());
        let act = ("make bundle", about.unwrap_or_default());
        match self.put_on_record(act, reason).await {
            Ok(()) => self.bundle(contact, at).await,
            Err(error) => {
                let path = bundle::file_name(&at.to_string());
                Ok(Exported::Failed { path, error })
            }
        }
    }

    pub(super) async fn bundle(
        &self,
        contact: Option<LinkId>,
        at: Timestamp,
    ) -> Result<Exported, StoreError> {
        let path = self.data.join(bundle::file_name(&at.to_string()));
        let recovered = self.store.recover().await?;
        let keys = contact.into_iter().map(LinkKey::Id).collect();
        let contact = self.store.load(keys, false).await?.links.into_iter().next();
        let snapshot = self.snapshots.borrow().clone();
        let in_force = self.in_force();
        let examiner = self.doctor.examiner.as_ref();
        let evidence = examiner.and_then(|examiner| examiner.latest());
        let sources = Sources {
            settings: &self.settings,
            store: &*self.store,
            recovered: &recovered,
            policy: Some(&in_force.policy),
            described: Some(&in_force.described),
            timetable: in_force.timetable,
            snapshot: &snapshot,
            evidence: evidence.as_deref(),
            journal: Some(&self.journal),
            data: &self.data,
            now: at,
            contact: contact.as_ref(),
        };
        let shown = path.display().to_string();
        let error = match bundle::gather(&sources).await {
            Ok(bundle) => {
                let write = move || write_beside(&path, &bundle);
                match tokio::task::spawn_blocking(write).await {
                    Ok(Ok(path)) => {
                        let path = path.display().to_string();
                        return Ok(Exported::Bundle { path });
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                }
            }
            Err(AppError::Store(error)) => return Err(error),
            Err(error) => error.to_string(),
        };
        Ok(Exported::Failed { path: shown, error })
    }
}

/// Where nothing is yet: under that name, or under it with a number. Answers the name it has.
fn write_beside(path: &Path, made: &Bundle) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = name.split_once('.').unwrap_or((&name, ""));
    let mut at = path.to_owned();
    for number in 2..=NAMES_MAX {
        match bundle::write(&at, made) {
            Ok(_) => return Ok(at),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => at = path.with_file_name(format!("{stem}-{number}.{ending}")),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
