//! The skin as a port, so that the real pool can work against the brain without a network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Session, answer};
use crate::domain::activity::ActivityRow;
use crate::domain::consent::Evidence;
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityOutcome, Answer, Page, RowOutcome, RowWrite, SalesforceDescription, SalesforceRequest,
    Window,
};
use crate::domain::row::Row;
use crate::ports::{self, Call};
use crate::sim::clock::Clock;
use crate::sim::inproc::Desk;
use crate::sim::salesforce::org::Salesforce;

/// A brain shared by whoever works against it and whoever acts in it.
#[derive(Clone)]
pub struct InProcess {
    desk: Desk<Salesforce>,
    now: Clock,
    page_rows: usize,
}

impl InProcess {
    pub fn new(brain: Arc<Mutex<Salesforce>>, now: Clock) -> Self {
        Self {
            desk: Desk::new(brain),
            now,
            page_rows: Session::PAGE_ROWS,
        }
    }

    #[must_use]
    pub const fn with_page_rows(mut self, page_rows: usize) -> Self {
        self.page_rows = page_rows;
        self
    }

    /// Each request takes so long before it is looked at.
    #[must_use]
    pub const fn with_latency(mut self, latency: Duration) -> Self {
        self.desk.set_latency(latency);
        self
    }

    fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        request: SalesforceRequest,
        pick: fn(Answer) -> Option<T>,
    ) -> Call<'_, T> {
        let put = move |brain: &mut Salesforce| {
            let session = Session {
                page_rows: self.page_rows,
                ..Session::at((self.now)())
            };
            answer(brain, &session, &request)
        };
        Box::pin(self.desk.ask(operation, put, pick))
    }
}

impl ports::Salesforce for InProcess {
    fn describe(&self, policy: Arc<Policy>) -> Call<'_, SalesforceDescription> {
        let request = SalesforceRequest::Describe(policy);
        self.ask("describing Salesforce", request, |answer| match answer {
            Answer::SalesforceDescribed(description) => Some(*description),
            _ => None,
        })
    }

    fn changes(&self, mapping: Arc<Mapping>, windows: Vec<Window>) -> Call<'_, Vec<Page>> {
        let request = SalesforceRequest::Changes { mapping, windows };
        self.ask(
            "reading changes in Salesforce",
            request,
            |answer| match answer {
                Answer::Changes(pages) => Some(pages),
                _ => None,
            },
        )
    }

    fn rows(
        &self,
        mapping: Arc<Mapping>,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<Row>> {
        let request = SalesforceRequest::Rows { mapping, ids };
        self.ask("reading records in Salesforce", request, rows)
    }

    fn find(
        &self,
        mapping: Arc<Mapping>,
        objects: Vec<SalesforceObject>,
        emails: Vec<String>,
        accounts: Vec<String>,
    ) -> Call<'_, Vec<Row>> {
        let request = SalesforceRequest::Find {
            mapping,
            objects,
            emails,
            accounts,
        };
        self.ask("looking for records in Salesforce", request, rows)
    }

    fn evidence(
        &self,
        ids: Vec<(SalesforceObject, SalesforceId)>,
    ) -> Call<'_, Vec<(RemoteId, Evidence)>> {
        let request = SalesforceRequest::Evidence { ids };
        self.ask(
            "reading the history of opt-outs",
            request,
            |answer| match answer {
                Answer::Evidence(evidence) => Some(evidence),
                _ => None,
            },
        )
    }

    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>> {
        let request = SalesforceRequest::Write { mapping, rows };
        self.ask("writing to Salesforce", request, |answer| match answer {
            Answer::Written(outcomes) => Some(outcomes),
            _ => None,
        })
    }

    fn send_activities(
        &self,
        namespace: String,
        rows: Vec<ActivityRow>,
    ) -> Call<'_, Vec<ActivityOutcome>> {
        let request = SalesforceRequest::SendActivities { namespace, rows };
        self.ask(
            "sending activities to Salesforce",
            request,
            |answer| match answer {
                Answer::ActivitiesSent(outcomes) => Some(outcomes),
                _ => None,
            },
        )
    }
}

fn rows(answer: Answer) -> Option<Vec<Row>> {
    match answer {
        Answer::Rows(rows) => Some(rows),
        _ => None,
    }
}
