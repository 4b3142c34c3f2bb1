//! The second skin: answers the engine's own requests in process, without HTTP and without JSON.
//!
//! Like the real client it trusts no 200: each written row is read back, each id is compared with
//! the id that was asked for.

mod convert;
mod describe;
mod logs;
mod port;
mod read;
mod write;

pub use logs::reference;
pub use port::InProcess;

use super::auth::Caller;
use super::instance::Automation;
use super::refusal::Refusal;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::request::{Answer, AutomationRequest, Spent};
use crate::domain::time::Timestamp as Moment;
use crate::sim::clock::Timestamp;

/// What surrounds a request: when, as whom, and in what portions.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The instance's own clock.
    pub now: Timestamp,
    pub caller: Caller,
    /// Rows on a page of changes, of the audit log and of activities. The real client asks for
    /// 200, 500 and 1,000.
    pub page_rows: usize,
}

impl Session {
    pub const PAGE_ROWS: usize = 200;

    pub const fn new(now: Timestamp, caller: Caller) -> Self {
        Self {
            now,
            caller,
            page_rows: Self::PAGE_ROWS,
        }
    }
}

/// What a request came to, and what it cost either way.
pub type Answered = Result<(Answer, Spent), (Failure, Spent)>;

/// Answers one request.
pub fn answer(brain: &mut Automation, session: &Session, request: &AutomationRequest) -> Answered {
    let spent = Spent {
        calls: 1,
        server_time: Some(Moment(session.now.as_millis())),
        limit: None,
    };
    carry_out(brain, session, request)
        .map(|answer| (answer, spent))
        .map_err(|failure| (failure, spent))
}

fn carry_out(
    brain: &mut Automation,
    session: &Session,
    request: &AutomationRequest,
) -> Result<Answer, Failure> {
    match request {
        AutomationRequest::Describe(_) => Ok(Answer::AutomationDescribed(Box::new(
            describe::describe(brain),
        ))),
        AutomationRequest::Changes { mapping, window } => {
            let page = read::changes(brain, session, mapping, window)?;
            Ok(Answer::Changes(vec![page]))
        }
        AutomationRequest::Audit { after } => {
            Ok(Answer::Audit(logs::audit(brain, session, *after)))
        }
        AutomationRequest::Rows { mapping, ids } => {
            Ok(Answer::Rows(read::rows(brain, mapping, ids)))
        }
        AutomationRequest::Find {
            mapping,
            emails,
            companies,
        } => Ok(Answer::Rows(read::find(brain, mapping, emails, companies))),
        AutomationRequest::Evidence { ids } => Ok(Answer::Evidence(logs::evidence(brain, ids))),
        AutomationRequest::Write { mapping, rows } => {
            Ok(Answer::Written(write::write(brain, session, mapping, rows)))
        }
        AutomationRequest::Activities {
            kind,
            from,
            until,
            page,
        } => logs::activities(brain, session, kind, (*from, *until), *page).map(Answer::Activities),
    }
}

/// What a refusal means to a decision.
fn failure(refusal: &Refusal, fields: Vec<crate::domain::ids::FieldId>) -> Failure {
    let kind = match refusal {
        Refusal::NotFound | Refusal::ContactNotFound => FailureKind::Gone,
        Refusal::Forbidden => FailureKind::Forbidden,
        Refusal::Invalid(_) | Refusal::BadReason => {
            FailureKind::Rejected(Rejection::Values(fields))
        }
        Refusal::NotUnique(_) => FailureKind::Rejected(Rejection::Duplicate),
        Refusal::TooMany(_) | Refusal::Broken => FailureKind::Unknown,
    };
    Failure::new(kind, refusal.status().to_string(), refusal.to_string())
}
