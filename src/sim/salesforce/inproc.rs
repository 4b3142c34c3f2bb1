//! The second skin: answers the engine's own requests in process, without HTTP and without JSON.
//!
//! It keeps every promise of the ports that the real client keeps over the network, so that a
//! simulation of thousands of seeds a second and a bench of the real pool see the same Salesforce.

mod convert;
mod describe;
mod port;
mod read;
mod write;

pub use port::InProcess;

use super::error::ApiError;
use super::limits::ApiUsage;
use super::meter::CallKind;
use super::org::{AutoAssign, Call, Salesforce};
use crate::domain::failure::Failure;
use crate::domain::request::{Answer, SalesforceRequest, Spent};
use crate::domain::time::Timestamp as Moment;
use crate::sim::clock::Timestamp;
use crate::sim::faults::FaultKind;

/// What surrounds a request: when, in what portions, and what goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The organisation's own clock.
    pub now: Timestamp,
    /// Rows on a page of changes. The platform's own figure is 2,000.
    pub page_rows: usize,
    /// A fault that strikes one row of a write.
    pub fault: Option<FaultKind>,
}

impl Session {
    pub const PAGE_ROWS: usize = 2_000;

    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            page_rows: Self::PAGE_ROWS,
            fault: None,
        }
    }
}

/// What a request came to, and what it cost either way.
pub type Answered = Result<(Answer, Spent), (Failure, Spent)>;

/// Answers one request.
pub fn answer(org: &mut Salesforce, session: &Session, request: &SalesforceRequest) -> Answered {
    let counted = org.begin_call(kind(request), session.now);
    let spent = spent(org, session.now);
    let done = match counted {
        Ok(()) => carry_out(org, session, request),
        Err(refused) => Err(convert::failure(&refused, &|_| None)),
    };
    match done {
        Ok(answer) => Ok((answer, spent)),
        Err(failure) => Err((failure, spent)),
    }
}

const fn kind(request: &SalesforceRequest) -> CallKind {
    match request {
        SalesforceRequest::Describe(_) => CallKind::Describe,
        _ => CallKind::Composite,
    }
}

fn spent(org: &mut Salesforce, now: Timestamp) -> Spent {
    let ApiUsage { used, allowed } = org.api_usage(now);
    let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Spent {
        calls: 1,
        server_time: Some(Moment(now.as_millis())),
        limit: Some((short(used), short(allowed))),
    }
}

fn carry_out(
    org: &mut Salesforce,
    session: &Session,
    request: &SalesforceRequest,
) -> Result<Answer, Failure> {
    let plain = |refused: ApiError| convert::failure(&refused, &|_| None);
    match request {
        SalesforceRequest::Describe(policy) => Ok(Answer::SalesforceDescribed(Box::new(
            describe::describe(org, policy),
        ))),
        SalesforceRequest::Changes { mapping, windows } => {
            read::changes(org, session, mapping, windows)
                .map(Answer::Changes)
                .map_err(plain)
        }
        SalesforceRequest::Rows { mapping, ids } => read::rows(org, session, mapping, ids)
            .map(Answer::Rows)
            .map_err(plain),
        SalesforceRequest::Find {
            mapping,
            objects,
            emails,
            accounts,
        } => read::find(org, session, mapping, objects, (emails, accounts))
            .map(Answer::Rows)
            .map_err(plain),
        SalesforceRequest::Evidence { ids } => read::evidence(org, session, ids)
            .map(Answer::Evidence)
            .map_err(plain),
        SalesforceRequest::Write { mapping, rows } => {
            Ok(Answer::Written(write::write(org, session, mapping, rows)))
        }
        SalesforceRequest::SendActivities { namespace, rows } => {
            write::send_activities(org, session, namespace, rows)
                .map(Answer::ActivitiesSent)
                .map_err(plain)
        }
    }
}

fn call(org: &Salesforce, session: &Session, assigns: AutoAssign) -> Call {
    let mut call = Call::new(session.now, org.integration_user());
    call.options.auto_assign = assigns;
    call.fault = session.fault;
    call
}
