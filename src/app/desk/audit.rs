//! What operators did: the last acts, one act with its contacts, and all of them as a file.

use std::collections::BTreeMap;

use super::export::{self, Touched};
use super::{Desk, PAGE_MAX, ROWS_MAX};
use crate::console::query::{Acts, Export, Exported, Older, UndoPreview};
use crate::domain::ids::LinkId;
use crate::domain::record::{Act, LinkKey};
use crate::ports::StoreError;

/// Acts that go into one file. Years of an operator's work, and still an answer of a few seconds.
const EXPORT_MAX: usize = 100_000;

impl Desk {
    pub(super) async fn acts(&self) -> Result<Acts, StoreError> {
        let (rows, older) = self.newest(ROWS_MAX).await?;
        Ok(Acts { rows, older })
    }

    async fn newest(&self, max: usize) -> Result<(Vec<Act>, Older), StoreError> {
        let mut acts = self.store.acts(max + 1).await?;
        let older = if acts.len() > max {
            Older::NotShown
        } else {
            Older::Nothing
        };
        acts.truncate(max);
        Ok((acts, older))
    }

    /// The act, with the contacts it touched as they are now.
    pub(super) async fn act(&self, act: Act) -> Result<UndoPreview, StoreError> {
        Ok(UndoPreview {
            links: self.named(touched(&act)).await?,
            act,
        })
    }

    pub(super) async fn export(&self, export: Export) -> Result<Exported, StoreError> {
        let (mut acts, older) = self.newest(EXPORT_MAX).await?;
        if let Some(runs) = &export.runs {
            acts.retain(|act| runs.contains(&act.run));
        }
        let contacts = self.contacts(&acts).await?;
        let text = export::text(export.format, &acts, &contacts);
        let path = self.data.join(export::file_name(export.format, export.at));
        let shown = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || export::write(&path, &text)).await;
        let error = match written {
            Ok(Ok(())) => {
                return Ok(Exported::Written {
                    acts: acts.len() as u64,
                    path: shown,
                    older,
                });
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Ok(Exported::Failed { path: shown, error })
    }

    /// Names of the contacts whose fields were decided, and what their fields are called.
    async fn contacts(&self, acts: &[Act]) -> Result<BTreeMap<LinkId, Touched>, StoreError> {
        let mut ids: Vec<LinkId> = acts
            .iter()
            .flat_map(|act| act.undo.iter().map(|step| step.link))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut contacts = BTreeMap::new();
        for part in ids.chunks(PAGE_MAX) {
            let wanted = part.iter().copied().map(LinkKey::Id).collect();
            for link in self.store.load(wanted, false).await?.links {
                let rules = self.policy.mapping.rules(link.kind).iter();
                let touched = Touched {
                    name: self.name(&link),
                    fields: rules
                        .map(|rule| {
                            let names = format!("{} / {}", rule.salesforce, rule.automation);
                            (rule.id, names)
                        })
                        .collect(),
                };
                contacts.insert(link.id, touched);
            }
        }
        Ok(contacts)
    }
}

/// The links an act names: those whose fields it decided, and the one it was about.
fn touched(act: &Act) -> Vec<LinkId> {
    let mut ids: Vec<LinkId> = act.undo.iter().map(|step| step.link).collect();
    ids.extend(act.link());
    ids.sort_unstable();
    ids.dedup();
    ids
}
