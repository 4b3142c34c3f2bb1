//! The skin as a port, so that the real pool can work against the brain without a network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Session, answer};
use crate::domain::consent::Evidence;
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::request::{
    ActivityPage, Answer, AuditPage, AutomationDescription, AutomationRequest, Page, RowOutcome,
    RowWrite, Window,
};
use crate::domain::row::Row;
use crate::domain::time::Timestamp;
use crate::ports::{self, Call};
use crate::sim::automation::auth::Caller;
use crate::sim::automation::instance::Automation;
use crate::sim::clock::Clock;
use crate::sim::inproc::Desk;

/// A brain shared by whoever works against it and whoever acts in it.
#[derive(Clone)]
pub struct InProcess {
    desk: Desk<Automation>,
    now: Clock,
    caller: Caller,
    page_rows: usize,
}

impl InProcess {
    pub fn new(brain: Arc<Mutex<Automation>>, now: Clock, caller: Caller) -> Self {
        Self {
            desk: Desk::new(brain),
            now,
            caller,
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
        request: AutomationRequest,
        pick: fn(Answer) -> Option<T>,
    ) -> Call<'_, T> {
        let put = move |brain: &mut Automation| {
            let session = Session {
                page_rows: self.page_rows,
                ..Session::new((self.now)(), self.caller)
            };
            answer(brain, &session, &request)
        };
        Box::pin(self.desk.ask(operation, put, pick))
    }
}

impl ports::Automation for InProcess {
    fn describe(&self, policy: Arc<Policy>) -> Call<'_, AutomationDescription> {
        let request = AutomationRequest::Describe(policy);
        self.ask("describing Automation", request, |answer| match answer {
            Answer::AutomationDescribed(description) => Some(*description),
            _ => None,
        })
    }

    fn changes(&self, mapping: Arc<Mapping>, window: Window) -> Call<'_, Page> {
        let request = AutomationRequest::Changes { mapping, window };
        self.ask(
            "reading changes in Automation",
            request,
            |answer| match answer {
                Answer::Changes(pages) => pages.into_iter().next(),
                _ => None,
            },
        )
    }

    fn audit(&self, after: u64) -> Call<'_, AuditPage> {
        let request = AutomationRequest::Audit { after };
        self.ask("reading the audit log", request, |answer| match answer {
            Answer::Audit(page) => Some(page),
            _ => None,
        })
    }

    fn rows(&self, mapping: Arc<Mapping>, ids: Vec<(Kind, AutomationId)>) -> Call<'_, Vec<Row>> {
        let request = AutomationRequest::Rows { mapping, ids };
        self.ask("reading records in Automation", request, rows)
    }

    fn find(
        &self,
        mapping: Arc<Mapping>,
        emails: Vec<String>,
        companies: Vec<String>,
    ) -> Call<'_, Vec<Row>> {
        let request = AutomationRequest::Find {
            mapping,
            emails,
            companies,
        };
        self.ask("looking for records in Automation", request, rows)
    }

    fn evidence(&self, ids: Vec<AutomationId>) -> Call<'_, Vec<(RemoteId, Evidence)>> {
        let request = AutomationRequest::Evidence { ids };
        self.ask(
            "reading dates of do-not-contact",
            request,
            |answer| match answer {
                Answer::Evidence(evidence) => Some(evidence),
                _ => None,
            },
        )
    }

    fn write(&self, mapping: Arc<Mapping>, rows: Vec<RowWrite>) -> Call<'_, Vec<RowOutcome>> {
        let request = AutomationRequest::Write { mapping, rows };
        self.ask("writing to Automation", request, |answer| match answer {
            Answer::Written(outcomes) => Some(outcomes),
            _ => None,
        })
    }

    fn activities(
        &self,
        kind: String,
        from: Timestamp,
        until: Timestamp,
        page: u32,
    ) -> Call<'_, ActivityPage> {
        let request = AutomationRequest::Activities {
            kind,
            from,
            until,
            page,
        };
        self.ask(
            "reading activities in Automation",
            request,
            |answer| match answer {
                Answer::Activities(page) => Some(page),
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
