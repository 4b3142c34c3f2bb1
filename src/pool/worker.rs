//! Carries one request to a port and its answer back.

use crate::domain::ids::JobId;
use crate::domain::request::{Answer, AutomationRequest, Request, SalesforceRequest};
use crate::engine::Input;
use crate::pool::journal::Entry;
use crate::pool::{Journal, Outside};
use crate::ports::{Answered, PortError};

/// Performs a request and notes what was said. A failure of the request is an input too.
pub(super) async fn perform(
    outside: &Outside,
    journal: &Journal,
    job: JobId,
    request: Request,
) -> Input {
    #[cfg(debug_assertions)]
    journal.breaks.requesting();
    let entry = Entry::of(&request, outside.clock.now());
    let input = carry(outside, job, request).await;
    if let Some(exchange) = entry.answered(&input, outside.clock.now()) {
        let (side, asked, rows) = (exchange.side, exchange.asked, exchange.rows);
        let is_failed = exchange.answer.is_err();
        let answered = exchange.answer.as_ref().ok();
        let ms = exchange.took.0;
        tracing::debug!(%side, ?asked, rows, answered, ms, is_failed, "a request was answered");
        journal.note(exchange);
    }
    input
}

async fn carry(outside: &Outside, job: JobId, request: Request) -> Input {
    let answer = match request {
        Request::Salesforce(request) => salesforce(outside, request).await,
        Request::Automation(request) => automation(outside, request).await,
    };
    match answer {
        Ok(Answered { value, spent }) => Input::Answered {
            job,
            answer: value,
            spent,
        },
        Err(error) => {
            let (kind, code) = (error.failure.kind.name(), error.failure.plain_code());
            tracing::warn!(job = job.0, kind, code, error = %Chain(&error), "a request failed");
            Input::Failed {
                job,
                failure: error.failure,
                spent: error.spent,
            }
        }
    }
}

async fn salesforce(
    outside: &Outside,
    request: SalesforceRequest,
) -> Result<Answered<Answer>, PortError> {
    let port = &outside.salesforce;
    match request {
        SalesforceRequest::Describe(policy) => {
            let description = port.describe(policy).await?;
            Ok(description.map(|value| Answer::SalesforceDescribed(Box::new(value))))
        }
        SalesforceRequest::Changes { mapping, windows } => {
            Ok(port.changes(mapping, windows).await?.map(Answer::Changes))
        }
        SalesforceRequest::Rows { mapping, ids } => {
            Ok(port.rows(mapping, ids).await?.map(Answer::Rows))
        }
        SalesforceRequest::Find {
            mapping,
            objects,
            emails,
            accounts,
        } => Ok(port
            .find(mapping, objects, emails, accounts)
            .await?
            .map(Answer::Rows)),
        SalesforceRequest::Evidence { ids } => Ok(port.evidence(ids).await?.map(Answer::Evidence)),
        SalesforceRequest::Write { mapping, rows } => {
            Ok(port.write(mapping, rows).await?.map(Answer::Written))
        }
        SalesforceRequest::SendActivities { namespace, rows } => Ok(port
            .send_activities(namespace, rows)
            .await?
            .map(Answer::ActivitiesSent)),
    }
}

async fn automation(
    outside: &Outside,
    request: AutomationRequest,
) -> Result<Answered<Answer>, PortError> {
    let port = &outside.automation;
    match request {
        AutomationRequest::Describe(policy) => {
            let description = port.describe(policy).await?;
            Ok(description.map(|value| Answer::AutomationDescribed(Box::new(value))))
        }
        AutomationRequest::Changes { mapping, window } => Ok(port
            .changes(mapping, window)
            .await?
            .map(|page| Answer::Changes(vec![page]))),
        AutomationRequest::Audit { after } => Ok(port.audit(after).await?.map(Answer::Audit)),
        AutomationRequest::Rows { mapping, ids } => {
            Ok(port.rows(mapping, ids).await?.map(Answer::Rows))
        }
        AutomationRequest::Find {
            mapping,
            emails,
            companies,
        } => Ok(port
            .find(mapping, emails, companies)
            .await?
            .map(Answer::Rows)),
        AutomationRequest::Evidence { ids } => Ok(port.evidence(ids).await?.map(Answer::Evidence)),
        AutomationRequest::Write { mapping, rows } => {
            Ok(port.write(mapping, rows).await?.map(Answer::Written))
        }
        AutomationRequest::Activities {
            kind,
            from,
            until,
            page,
        } => Ok(port
            .activities(kind, from, until, page)
            .await?
            .map(Answer::Activities)),
    }
}

/// An error with everything that led to it, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
