//! What operators did: the last acts, one act with its contacts, all of them as a file, and whether
//! anybody changed any of it.

use std::collections::BTreeMap;

use super::export::{self, Exporting};
use super::{Desk, PAGE_MAX, ROWS_MAX};
use crate::app::entry::Entry;
use crate::app::said;
use crate::console::query::{Acts, Export, Exported, Older, UndoPreview, Wanted};
use crate::console::{ActFilter, Answer, Msg, Ticket};
use crate::domain::audit::Check;
use crate::domain::ids::LinkId;
use crate::domain::record::{Act, LinkKey};
use crate::ports::StoreError;

/// Contacts of one act that are shown by name.
const NAMED_MAX: usize = 500;

/// How far a check is, is told once in so many entries.
const TOLD_EVERY: u64 = 20_000;

impl Desk {
    pub(super) async fn acts(&self) -> Result<Acts, StoreError> {
        let mut rows = self.store.acts(ROWS_MAX + 1).await?;
        let older = if rows.len() > ROWS_MAX {
            Older::NotShown
        } else {
            Older::Nothing
        };
        rows.truncate(ROWS_MAX);
        let mut firsts: Vec<LinkId> = rows
            .iter()
            .filter_map(|act| act.links.first().copied())
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        let mut names = BTreeMap::new();
        for part in firsts.chunks(PAGE_MAX) {
            let wanted = part.iter().copied().map(LinkKey::Id).collect();
            let links = self.store.load(wanted, false).await?.links;
            names.extend(links.iter().map(|link| (link.id, self.name(link))));
        }
        Ok(Acts { rows, older, names })
    }

    /// The act, with the contacts it touched as they are now.
    pub(super) async fn act(&self, act: Act) -> Result<UndoPreview, StoreError> {
        let mut links = export::touched(&act);
        links.truncate(NAMED_MAX);
        Ok(UndoPreview {
            links: self.named(links).await?,
            act,
            newer: Vec::new(),
        })
    }

    /// What is taken away is on record before it is: an act that is not, is not done.
    pub(super) async fn put_on_record(
        &self,
        (act, object): (&'static str, String),
        reason: &str,
    ) -> Result<(), String> {
        let Some(recorded) = &self.doctor.recorded else {
            return Err("nobody is here in whose name it could be recorded".to_owned());
        };
        let entry = Entry::of(act, object, reason);
        let recorded = recorded.record(&*self.store, entry).await;
        recorded.map_err(|error| error.to_string())
    }

    pub(super) async fn recorded_export(
        &self,
        export: Export,
        reason: &str,
    ) -> Result<Exported, StoreError> {
        let path = export::file_name(export.format, export.at);
        match self
            .put_on_record(("export audit", path.clone()), reason)
            .await
        {
            Ok(()) => self.export(export).await,
            Err(error) => Ok(Exported::Failed { path, error }),
        }
    }

    pub(super) async fn export(&self, export: Export) -> Result<Exported, StoreError> {
        let path = self.data.join(export::file_name(export.format, export.at));
        let shown = path.display().to_string();
        let exporting = Exporting {
            store: &*self.store,
            policy: Some(&self.policy()),
            format: export.format,
        };
        let filter = match &export.wanted {
            Wanted::Filtered { typed, tongue } => Some(ActFilter::new(typed, *tongue)),
            Wanted::All | Wanted::One(_) => None,
        };
        let written = exporting.write(path, |act, name| match &export.wanted {
            Wanted::All => true,
            Wanted::One(run) => act.run == *run,
            Wanted::Filtered { .. } => filter.as_ref().is_none_or(|kept| kept.keeps(act, name)),
        });
        Ok(match written.await? {
            Ok(acts) => Exported::Written { acts, path: shown },
            Err(error) => Exported::Failed {
                path: shown,
                error: error.to_string(),
            },
        })
    }

    /// One step of the check under way. Dropped before its end, it is done again.
    pub(super) async fn check_on(&self, checking: &mut Option<Checking>) -> Option<Msg> {
        let Checking {
            ticket,
            check,
            told,
        } = checking.as_mut()?;
        let ticket = *ticket;
        match self.store.check_audit(check.clone()).await {
            Ok(next) => {
                *check = next;
                let entries = check.verdict.entries;
                if !check.is_over() && told.is_some_and(|told| entries < told + TOLD_EVERY) {
                    return None;
                }
                *told = Some(entries);
                let verdict = Box::new(check.verdict.clone());
                if check.is_over() {
                    *checking = None;
                }
                Some(Msg::Answered(ticket, Answer::Checked(verdict)))
            }
            Err(error) => {
                *checking = None;
                Some(Msg::Unanswered(ticket, said::unread(&error)))
            }
        }
    }
}

/// A check of the audit under way.
pub(super) struct Checking {
    ticket: Ticket,
    check: Check,
    /// Entries looked at when it was told last.
    told: Option<u64>,
}

impl Checking {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self {
            ticket,
            check: Check::default(),
            told: None,
        }
    }
}
