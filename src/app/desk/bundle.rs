//! An incident bundle in the data folder.

use super::Desk;
use crate::app::bundle::{self, Sources};
use crate::app::error::AppError;
use crate::console::query::Exported;
use crate::domain::ids::LinkId;
use crate::domain::record::LinkKey;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;

impl Desk {
    pub(super) async fn bundle(
        &self,
        contact: Option<LinkId>,
        at: Timestamp,
    ) -> Result<Exported, StoreError> {
        let path = self.data.join(bundle::file_name(&at.to_string()));
        let shown = path.display().to_string();
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
        let error = match bundle::gather(&sources).await {
            Ok(bundle) => {
                let write = move || bundle::write(&path, &bundle);
                match tokio::task::spawn_blocking(write).await {
                    Ok(Ok(_)) => return Ok(Exported::Bundle { path: shown }),
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
