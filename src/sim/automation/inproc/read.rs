//! Windows of changes, records by id, records by address or name.

use std::collections::BTreeSet;

use super::{Session, convert, failure};
use crate::domain::cursor::{Position, Stream};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::mapping::Mapping;
use crate::domain::request::{Page, Window};
use crate::domain::row::{Row, RowState};
use crate::sim::automation::company::CompanyId;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::field::Subject;
use crate::sim::automation::instance::Automation;
use crate::sim::automation::query::{Clause, Column, ContactQuery, Direction, Expression, Operand};
use crate::sim::clock::Timestamp;

pub(super) fn changes(
    brain: &mut Automation,
    session: &Session,
    mapping: &Mapping,
    window: &Window,
) -> Result<Page, Failure> {
    let rows = match window.stream {
        Stream::AutomationContacts => contacts(brain, session, mapping, window)?,
        Stream::AutomationCompanies => companies(brain, session, mapping, window),
        stream => {
            let message = format!("{stream:?} is not a list of Automation");
            return Err(Failure::new(FailureKind::Broken, "stream", message));
        }
    };
    Ok(Page {
        stream: window.stream,
        is_last: rows.len() < session.page_rows,
        purged: Vec::new(),
        rows,
    })
}

/// Identified contacts edited in the window, or made in it; by id after the window's position.
fn contacts(
    brain: &mut Automation,
    session: &Session,
    mapping: &Mapping,
    window: &Window,
) -> Result<Vec<Row>, Failure> {
    let clause = |column, expression, operands| Clause::Test {
        column,
        expression,
        operands,
    };
    let bound = |column, expression, at| {
        clause(
            column,
            expression,
            vec![Operand::Time(convert::instant(at))],
        )
    };
    let within = |column| {
        Clause::All(vec![
            bound(column, Expression::Gte, window.from),
            bound(column, Expression::Lt, window.until),
        ])
    };
    let mut clauses = vec![
        Clause::Any(vec![within(Column::Modified), within(Column::Added)]),
        clause(Column::Identified, Expression::IsNotNull, Vec::new()),
    ];
    if let Some(Position::Id(last)) = window.after {
        clauses.push(Clause::id_above(convert::number(last)));
    }
    let query = ContactQuery {
        clauses,
        order: vec![(Column::Id, Direction::Ascending)],
        limit: Some(session.page_rows),
        ..ContactQuery::default()
    };
    let listed = brain.list_contacts(session.caller, &query);
    let ids = listed.map_err(|refusal| failure(&refusal, Vec::new()))?;
    let contacts = ids.into_iter().filter_map(|id| brain.contact(id));
    Ok(contacts
        .map(|contact| convert::contact_row(brain, mapping, contact))
        .collect())
}

fn companies(
    brain: &Automation,
    session: &Session,
    mapping: &Mapping,
    window: &Window,
) -> Vec<Row> {
    let (from, until) = (
        convert::instant(window.from),
        convert::instant(window.until),
    );
    let within = |at: Timestamp| at >= from && at < until;
    let after = match window.after {
        Some(Position::Id(last)) => CompanyId(convert::number(last)),
        _ => CompanyId(0),
    };
    let changed = brain.companies().all().filter(|company| {
        company.id > after
            && (within(company.added.at) || company.modified.is_some_and(|edit| within(edit.at)))
    });
    changed
        .take(session.page_rows)
        .map(|company| convert::company_row(brain, mapping, company))
        .collect()
}

/// Records by id. A merged contact is answered under the id asked for, naming its winner.
pub(super) fn rows(
    brain: &Automation,
    mapping: &Mapping,
    ids: &[(Kind, AutomationId)],
) -> Vec<Row> {
    let ids: BTreeSet<(Kind, AutomationId)> = ids.iter().copied().collect();
    let rows = ids.into_iter().filter_map(|(kind, id)| match kind {
        Kind::Person => person(brain, mapping, id),
        Kind::Company => {
            let company = brain.companies().by_id(CompanyId(convert::number(id)))?;
            Some(convert::company_row(brain, mapping, company))
        }
    });
    rows.collect()
}

fn person(brain: &Automation, mapping: &Mapping, id: AutomationId) -> Option<Row> {
    let contact = brain.contacts().resolve(ContactId(convert::number(id)))?;
    let mut row = convert::contact_row(brain, mapping, contact);
    let winner = convert::id(contact.id.0);
    if winner != id {
        row.id = RemoteId::Automation(Kind::Person, id);
        row.state = RowState::MergedAutomation(winner);
    }
    Some(row)
}

/// Contacts by exact address, companies by exact name, both without case.
pub(super) fn find(
    brain: &Automation,
    mapping: &Mapping,
    emails: &[String],
    companies: &[String],
) -> Vec<Row> {
    let keys = |texts: &[String]| -> BTreeSet<String> {
        let folded = texts.iter().map(|text| text.trim().to_lowercase());
        folded.filter(|text| !text.is_empty()).collect()
    };
    let mut rows = Vec::new();
    if let Some(field) = brain.fields().by_alias(Subject::Contact, "email") {
        for key in keys(emails) {
            let found = brain.contacts().unique_equal(field.position, &key);
            let found = found.into_iter().filter_map(|id| brain.contact(id));
            rows.extend(found.map(|contact| convert::contact_row(brain, mapping, contact)));
        }
    }
    for key in keys(companies) {
        let found = brain
            .companies()
            .all()
            .filter(|company| brain.company_name(company).trim().to_lowercase() == key);
        rows.extend(found.map(|company| convert::company_row(brain, mapping, company)));
    }
    rows
}
