//! Salesforce, by intention.

use std::sync::Arc;

use super::Call;
use crate::domain::activity::ActivityRow;
use crate::domain::consent::Evidence;
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityOutcome, Page, RowOutcome, RowWrite, SalesforceDescription, Window,
};
use crate::domain::row::Row;

pub trait Salesforce: Send + Sync {
    fn describe(&self, policy: Arc<Policy>) -> Call<'_, SalesforceDescription>;

    /// The next rows of each window, deleted ones included, ordered by (`SystemModstamp`, `Id`) and
    /// after the window's position. One call for all windows: a Composite of queries.
    fn changes(&self, mapping: Arc<Mapping>, windows: Vec<Window>) -> Call<'_, Vec<Page>>;

    /// Records by id as they are now, deleted ones included. Absent: purged or not visible.
    fn rows(
        &self,
        mapping: Arc<Mapping>,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<Row>>;

    /// Live records of the objects by e-mail address, converted Leads left out; Accounts by name.
    fn find(
        &self,
        mapping: Arc<Mapping>,
        objects: Vec<SalesforceObject>,
        emails: Vec<String>,
        accounts: Vec<String>,
    ) -> Call<'_, Vec<Row>>;

    /// The last tracked changes of `HasOptedOutOfEmail`. Records without any are left out.
    fn evidence(
        &self,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<(RemoteId, Evidence)>>;

    /// Writes rows grouped by kind and object, sorted by account, in collections of 200, five to a
    /// Composite. One outcome for each row, in order; a row that the answer lacks is `Unknown`. Fails
    /// as a whole only if nothing was written.
    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>>;

    /// Inserts rows of the timeline object, by upsert on `ReferenceId__c` where the platform offers
    /// it; Bulk API 2.0 above a threshold. Safe to repeat: the reference is unique.
    fn send_activities(
        &self,
        namespace: String,
        rows: Vec<ActivityRow>,
    ) -> Call<'_, Vec<ActivityOutcome>>;
}
