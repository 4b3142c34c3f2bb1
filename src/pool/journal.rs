//! The latest requests and answers, for whoever asks what was said about a contact. In memory only:
//! what must outlive the process is in the contact's history.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::domain::activity::ActivityRow;
use crate::domain::exchange::{About, Asked, Exchange, Whom};
use crate::domain::ids::{RemoteId, Side};
use crate::domain::request::{
    Answer, AutomationRequest, Request, RowOutcome, RowWrite, SalesforceRequest,
};
use crate::domain::time::Timestamp;
use crate::engine::Input;

/// Links and records kept in all: some ten requests of a thousand rows, a few megabytes.
const ABOUT_MAX: usize = 20_000;

/// Requests kept, however small.
const EXCHANGES_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub struct Journal {
    kept: Mutex<Kept>,
    #[cfg(debug_assertions)]
    pub breaks: super::breaking::Breaks,
}

#[derive(Debug, Default)]
struct Kept {
    exchanges: VecDeque<Exchange>,
    about: usize,
}

impl Journal {
    /// Keeps one, newer than those before.
    pub fn note(&self, exchange: Exchange) {
        // Plain data: a panic elsewhere cannot have left it half written.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.about += exchange.about.len();
        kept.exchanges.push_back(exchange);
        while kept.exchanges.len() > EXCHANGES_MAX
            || kept.about > ABOUT_MAX && kept.exchanges.len() > 1
        {
            if let Some(oldest) = kept.exchanges.pop_front() {
                kept.about -= oldest.about.len();
            }
        }
    }

    /// What was said about any of these, newest first, each with nothing but what is about them.
    pub fn about(&self, whom: &[Whom], max: usize) -> Vec<Exchange> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let told = kept.exchanges.iter().rev().filter_map(|exchange| {
            let of_them = |about: &&About| whom.contains(&about.whom);
            let about: Vec<About> = exchange.about.iter().filter(of_them).cloned().collect();
            (!about.is_empty()).then(|| Exchange {
                about,
                answer: exchange.answer.clone(),
                ..*exchange
            })
        });
        told.take(max).collect()
    }
}

/// What a request says, noted before it leaves; the answer is added when it is there.
pub(super) struct Entry {
    at: Timestamp,
    side: Side,
    asked: Asked,
    about: Vec<About>,
    rows: u64,
}

impl Entry {
    pub(super) fn of(request: &Request, at: Timestamp) -> Self {
        let (side, asked, about) = match request {
            Request::Salesforce(request) => salesforce(request),
            Request::Automation(request) => automation(request),
        };
        let rows = match request {
            Request::Salesforce(SalesforceRequest::Find {
                emails, accounts, ..
            }) => emails.len() + accounts.len(),
            Request::Automation(AutomationRequest::Find {
                emails, companies, ..
            }) => emails.len() + companies.len(),
            Request::Salesforce(SalesforceRequest::SendActivities { rows, .. }) => rows.len(),
            _ => about.len(),
        };
        Self {
            at,
            side,
            asked,
            about,
            rows: rows as u64,
        }
    }

    pub(super) fn answered(mut self, input: &Input, now: Timestamp) -> Option<Exchange> {
        let answer = match input {
            Input::Answered { answer, .. } => {
                self.take_answer(answer);
                Ok(told(answer))
            }
            Input::Failed { failure, .. } => Err(failure.clone()),
            _ => return None,
        };
        Some(Exchange {
            at: self.at,
            took: now.since(self.at),
            side: self.side,
            asked: self.asked,
            rows: self.rows,
            answer,
            about: self.about,
        })
    }

    /// Rows that were refused for themselves, and rows that nobody had named before.
    fn take_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Written(outcomes) => {
                for (about, RowOutcome { result, .. }) in self.about.iter_mut().zip(outcomes) {
                    about.refused = result.as_ref().err().cloned();
                }
            }
            Answer::Rows(rows) if self.asked == Asked::Find => {
                let found = rows.iter().map(|row| About::of(Whom::Record(row.id)));
                self.about.extend(found);
            }
            Answer::Changes(pages) => {
                let rows = pages.iter().flat_map(|page| &page.rows);
                let found = rows.map(|row| About::of(Whom::Record(row.id)));
                self.about.extend(found);
            }
            _ => {}
        }
    }
}

fn told(answer: &Answer) -> u64 {
    let count = match answer {
        Answer::SalesforceDescribed(_) | Answer::AutomationDescribed(_) => 1,
        Answer::Changes(pages) => pages.iter().map(|page| page.rows.len()).sum(),
        Answer::Audit(page) => page.entries.len(),
        Answer::Rows(rows) => rows.len(),
        Answer::Evidence(evidence) => evidence.len(),
        Answer::Written(outcomes) => outcomes.iter().filter(|o| o.result.is_ok()).count(),
        Answer::Activities(page) => page.activities.len(),
        Answer::ActivitiesSent(outcomes) => outcomes.iter().filter(|o| o.result.is_ok()).count(),
    };
    count as u64
}

fn salesforce(request: &SalesforceRequest) -> (Side, Asked, Vec<About>) {
    let records = |ids: &[_]| -> Vec<About> {
        let record = |(object, id): &_| About::of(Whom::Record(RemoteId::Salesforce(*object, *id)));
        ids.iter().map(record).collect()
    };
    let (asked, about) = match request {
        SalesforceRequest::Describe(_) => (Asked::Describe, Vec::new()),
        SalesforceRequest::Changes { .. } => (Asked::Changes, Vec::new()),
        SalesforceRequest::Rows { ids, .. } => (Asked::Rows, records(ids)),
        SalesforceRequest::Find { .. } => (Asked::Find, Vec::new()),
        SalesforceRequest::Evidence { ids } => (Asked::Evidence, records(ids)),
        SalesforceRequest::Write { rows, .. } => (Asked::Write, written(rows)),
        SalesforceRequest::SendActivities { rows, .. } => {
            let whom = |row: &ActivityRow| {
                let (object, id) = row.person;
                Whom::Record(RemoteId::Salesforce(object, id))
            };
            let mut people: Vec<Whom> = rows.iter().map(whom).collect();
            people.sort_unstable();
            people.dedup();
            let about = people.into_iter().map(About::of).collect();
            (Asked::SendActivities, about)
        }
    };
    (Side::Salesforce, asked, about)
}

fn automation(request: &AutomationRequest) -> (Side, Asked, Vec<About>) {
    use crate::domain::ids::Kind;
    let (asked, about) = match request {
        AutomationRequest::Describe(_) => (Asked::Describe, Vec::new()),
        AutomationRequest::Changes { .. } => (Asked::Changes, Vec::new()),
        AutomationRequest::Audit { .. } => (Asked::Audit, Vec::new()),
        AutomationRequest::Rows { ids, .. } => {
            let record = |(kind, id): &_| About::of(Whom::Record(RemoteId::Automation(*kind, *id)));
            (Asked::Rows, ids.iter().map(record).collect())
        }
        AutomationRequest::Find { .. } => (Asked::Find, Vec::new()),
        AutomationRequest::Evidence { ids } => {
            let record = |id: &_| About::of(Whom::Record(RemoteId::Automation(Kind::Person, *id)));
            (Asked::Evidence, ids.iter().map(record).collect())
        }
        AutomationRequest::Write { rows, .. } => (Asked::Write, written(rows)),
        AutomationRequest::Activities { .. } => (Asked::ReadActivities, Vec::new()),
    };
    (Side::Automation, asked, about)
}

fn written(rows: &[RowWrite]) -> Vec<About> {
    let about = |row: &RowWrite| About {
        whom: Whom::Link(row.link),
        carried: row.values.clone(),
        consent: row.consent,
        refused: None,
    };
    rows.iter().map(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Failure, FailureKind};
    use crate::domain::ids::LinkId;
    use crate::domain::time::Span;

    fn exchange(at: i64, links: impl Iterator<Item = u64>) -> Exchange {
        Exchange {
            at: Timestamp(at),
            took: Span(20),
            side: Side::Salesforce,
            asked: Asked::Write,
            rows: 2,
            answer: Ok(2),
            about: links
                .map(|link| About::of(Whom::Link(LinkId(link))))
                .collect(),
        }
    }

    #[test]
    fn a_contact_is_told_of_its_own_part_newest_first() {
        let journal = Journal::default();
        journal.note(exchange(1, [1, 2].into_iter()));
        journal.note(exchange(2, [2, 3].into_iter()));
        let mut failed = exchange(3, [2].into_iter());
        failed.answer = Err(Failure::new(FailureKind::Transient, "503", "busy"));
        journal.note(failed);
        let told = journal.about(&[Whom::Link(LinkId(2))], 10);
        let at: Vec<i64> = told.iter().map(|exchange| exchange.at.0).collect();
        assert_eq!(at, [3, 2, 1]);
        assert!(told.iter().all(|exchange| exchange.about.len() == 1));
        assert!(told[0].answer.is_err());
        assert_eq!(journal.about(&[Whom::Link(LinkId(2))], 1).len(), 1);
        assert_eq!(journal.about(&[Whom::Link(LinkId(9))], 9), Vec::new());
    }

    #[test]
    fn the_oldest_are_forgotten_before_it_grows_too_large() {
        let journal = Journal::default();
        for at in 0..50 {
            journal.note(exchange(at, 0..1_000));
        }
        let told = journal.about(&[Whom::Link(LinkId(7))], 100);
        assert_eq!(told.len(), ABOUT_MAX / 1_000);
        assert_eq!(told[0].at, Timestamp(49));
    }
}
