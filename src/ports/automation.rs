//! Automation, by intention.

use std::sync::Arc;

use super::Call;
use crate::domain::consent::Evidence;
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityPage, AuditPage, AutomationDescription, Page, RowOutcome, RowWrite, Window,
};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;

pub trait Automation: Send + Sync {
    fn describe(&self, policy: Arc<Policy>) -> Call<'_, AutomationDescription>;

    /// The next identified contacts (or companies) edited in the window, or made in it and never
    /// edited; ordered by id, after the window's position.
    fn changes(&self, mapping: Arc<Mapping>, window: Window) -> Call<'_, Page>;

    /// Deletions, merges and e-mail consent changes of the audit log after a row.
    fn audit(&self, after: u64) -> Call<'_, AuditPage>;

    /// Records by id as they are now. A merged contact is answered under the id asked for, in the
    /// state that names its winner; one that is gone is absent.
    fn rows(&self, mapping: Arc<Mapping>, ids: Vec<(Kind, AutomationId)>) -> Call<'_, Vec<Row>>;

    /// Contacts by exact e-mail address, without case; companies by exact name.
    fn find(
        &self,
        mapping: Arc<Mapping>,
        emails: Vec<String>,
        companies: Vec<String>,
    ) -> Call<'_, Vec<Row>>;

    /// Dates of the e-mail channel's do-not-contact: its row, and its changes in the audit log.
    fn evidence(&self, ids: Vec<AutomationId>) -> Call<'_, Vec<(RemoteId, Evidence)>>;

    /// Writes rows by batches of 200. Never a PUT. One outcome for each row, in order, with the
    /// written fields as the answer shows them. Fails as a whole only if nothing was written.
    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>>;

    /// One page of one type of event with `from <= timestamp < until`, oldest first. Pages count
    /// from 1.
    fn activities(
        &self,
        kind: String,
        from: Timestamp,
        until: Timestamp,
        page: u32,
    ) -> Call<'_, ActivityPage>;
}
