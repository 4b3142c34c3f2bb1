//! Writing contacts and companies in batches, and reading back what was stored.

use std::collections::BTreeSet;

use super::{Session, convert, failure};
use crate::domain::consent::{Consent, Reason};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{AutomationId, FieldId, Kind, RemoteId};
use crate::domain::mapping::{Mapping, Role};
use crate::domain::request::{RowOutcome, RowWrite, Target, WrittenRow};
use crate::domain::value::{Decimal, Value as Noun};
use crate::sim::automation::companies::{CompanyInput, Omitted};
use crate::sim::automation::company::CompanyId;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::draft::{ContactInput, DncInput, Echo};
use crate::sim::automation::field::{Position, Subject};
use crate::sim::automation::instance::Automation;
use crate::sim::automation::operate::{Batch, EditRow, Row, Verb};
use crate::sim::automation::refusal::Refusal;
use crate::sim::automation::write::Written;

/// The server's limit of a batch.
const BATCH_ROWS_MAX: usize = 200;

type Outcome = Result<WrittenRow, Failure>;

/// A contact's row on its way, with its place in the caller's list.
struct Outgoing<'a> {
    index: usize,
    row: &'a RowWrite,
    /// `None` for a creation.
    id: Option<AutomationId>,
    input: ContactInput,
}

pub(super) fn write(
    brain: &mut Automation,
    session: &Session,
    mapping: &Mapping,
    rows: &[RowWrite],
) -> Vec<RowOutcome> {
    let mut results: Vec<Option<Outcome>> = vec![None; rows.len()];
    let (mut edits, mut creations) = (Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let (kind, id) = match row.target {
            Target::NewAutomation(kind) => (kind, None),
            Target::Existing(RemoteId::Automation(kind, id)) => (kind, Some(id)),
            Target::NewSalesforce(_) | Target::Existing(RemoteId::Salesforce(..)) => {
                let message = "a row for Salesforce was handed to Automation";
                let refused = Failure::new(FailureKind::Broken, "target", message);
                results[index] = Some(Err(refused));
                continue;
            }
        };
        if kind == Kind::Company {
            results[index] = Some(write_company(brain, session, mapping, row, id));
            continue;
        }
        let out = Outgoing {
            index,
            row,
            id,
            input: body(mapping, row, id.is_none()),
        };
        match (is_stale(brain, &out), id) {
            (Some(stale), _) => results[index] = Some(Err(stale)),
            (None, Some(_)) => edits.push(out),
            (None, None) => creations.push(out),
        }
    }
    for rows in without_repeats(edits)
        .iter()
        .chain(&without_repeats(creations))
    {
        send(brain, session, mapping, rows, &mut results);
    }
    let outcomes = rows.iter().zip(results).map(|(row, result)| RowOutcome {
        link: row.link,
        result: result.unwrap_or_else(|| Err(unanswered())),
    });
    outcomes.collect()
}

/// There are no conditional writes here: the row is read once more, right before.
fn is_stale(brain: &Automation, out: &Outgoing) -> Option<Failure> {
    let since = out.row.unless_modified_since?;
    let contact = brain.contact(ContactId(convert::number(out.id?)))?;
    let message = "the contact was edited after it was read";
    (convert::modified(contact) > since).then(|| Failure::new(FailureKind::Stale, "stale", message))
}

/// Batches in which no id and no address repeats.
fn without_repeats(rows: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batches: Vec<(BTreeSet<String>, Vec<Outgoing>)> = Vec::new();
    for row in rows {
        let email = row.input.values.iter().find(|(alias, _)| alias == "email");
        let key = match (row.id, email) {
            (Some(id), _) => id.to_string(),
            (None, Some((_, email))) => email.to_text().unwrap_or_default().to_lowercase(),
            (None, None) => row.index.to_string(),
        };
        let fits = |batch: &&mut (BTreeSet<String>, Vec<Outgoing>)| {
            batch.1.len() < BATCH_ROWS_MAX && !batch.0.contains(&key)
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => {
                batch.0.insert(key);
                batch.1.push(row);
            }
            None => batches.push((BTreeSet::from([key]), vec![row])),
        }
    }
    batches.into_iter().map(|(_, rows)| rows).collect()
}

fn body(mapping: &Mapping, row: &RowWrite, is_new: bool) -> ContactInput {
    let mut input = ContactInput::default();
    for (field, value) in &row.values {
        let Some(rule) = mapping.rule(Kind::Person, *field) else {
            continue;
        };
        let Some(member) = convert::written_member(rule) else {
            continue;
        };
        if is_new && value.is_blank() {
            continue;
        }
        if rule.role == Role::Owner {
            input.owner = Some(convert::input(rule, value));
            continue;
        }
        input.overwrite_with_blank |= value.is_blank();
        let value = convert::input(rule, value);
        input.values.push((member.to_owned(), value));
    }
    if let Some(reason) = row.consent.and_then(|consent| reason_of(consent, is_new)) {
        input.dnc.push(DncInput {
            reason,
            ..DncInput::default()
        });
    }
    input
}

const fn reason_of(consent: Consent, is_new: bool) -> Option<i64> {
    match consent {
        Consent::Out(Reason::Unsubscribed) => Some(1),
        Consent::Out(Reason::Manual | Reason::Unstated) => Some(3),
        Consent::In if !is_new => Some(0),
        Consent::In | Consent::Bounced => None,
    }
}

fn send(
    brain: &mut Automation,
    session: &Session,
    mapping: &Mapping,
    rows: &[Outgoing],
    results: &mut [Option<Outcome>],
) {
    let is_edit = rows.first().is_some_and(|row| row.id.is_some());
    let sent = if is_edit {
        let edits: Vec<EditRow> = rows
            .iter()
            .map(|row| EditRow {
                id: row.id.map(|id| ContactId(convert::number(id))),
                input: row.input.clone(),
            })
            .collect();
        brain.edit_contacts(session.now, session.caller, Verb::Patch, &edits)
    } else {
        let inputs: Vec<ContactInput> = rows.iter().map(|row| row.input.clone()).collect();
        brain.create_contacts(session.now, session.caller, &inputs)
    };
    match sent {
        Ok(Batch { rows: done, .. }) => {
            for (row, done) in rows.iter().zip(&done) {
                results[row.index] = Some(outcome(brain, mapping, row, done));
            }
        }
        Err(refusal) => {
            for row in rows {
                results[row.index] = Some(Err(failure(&refusal, Vec::new())));
            }
        }
    }
}

fn outcome(brain: &Automation, mapping: &Mapping, row: &Outgoing, done: &Row) -> Outcome {
    match done {
        Row::Done(written) => read_back(brain, mapping, row, written),
        Row::Refused(_, refusal) => Err(refused(mapping, row, refusal)),
        Row::Missing => Err(moved_or_gone(brain, row)),
    }
}

fn refused(mapping: &Mapping, row: &Outgoing, refusal: &Refusal) -> Failure {
    let named: Vec<FieldId> = refusal
        .details()
        .iter()
        .filter_map(|(member, _)| {
            let mut rules = mapping.person.iter();
            rules.find(|rule| convert::written_member(rule) == Some(member))
        })
        .map(|rule| rule.id)
        .collect();
    let sent = |field: &FieldId| {
        let mut values = row.row.values.iter();
        values.any(|(id, value)| id == field && !value.is_blank())
    };
    let is_required = !named.is_empty() && !named.iter().any(sent);
    let mut failure = failure(refusal, named.clone());
    if is_required && matches!(failure.kind, FailureKind::Rejected(Rejection::Values(_))) {
        failure.kind = FailureKind::Rejected(Rejection::Required(named));
    }
    failure
}

/// A batch does not follow merges; a single read does, and names the winner.
fn moved_or_gone(brain: &Automation, row: &Outgoing) -> Failure {
    let asked = row.id.unwrap_or_default();
    match brain.contacts().resolve(ContactId(convert::number(asked))) {
        Some(winner) => {
            let message = format!("contact {asked} was merged into contact {}", winner.id);
            Failure::new(FailureKind::Moved, "merged", message)
        }
        None => Failure::new(FailureKind::Gone, "404", "Item was not found."),
    }
}

fn read_back(brain: &Automation, mapping: &Mapping, row: &Outgoing, written: &Written) -> Outcome {
    let contact = brain.contact(written.id).ok_or_else(unanswered)?;
    if let Some(asked) = row.row.consent {
        let kept = convert::consent(contact);
        let is_kept = match asked {
            Consent::Bounced => true,
            Consent::Out(_) => kept != Consent::In,
            Consent::In => kept == Consent::In,
        };
        if !is_kept {
            let rule = mapping.with_role(Kind::Person, Role::Consent);
            let fields = rule.map(|rule| rule.id).into_iter().collect();
            let kind = FailureKind::Rejected(Rejection::Values(fields));
            let message = "the do-not-contact was not kept";
            return Err(Failure::new(kind, "consent-not-kept", message));
        }
    }
    let stored = row.row.values.iter().filter_map(|(field, _)| {
        let rule = mapping.rule(Kind::Person, *field)?;
        convert::written_member(rule)?;
        let value = if rule.role == Role::Owner {
            contact
                .owner
                .map_or(Noun::Blank, |owner| Noun::Text(owner.0.to_string()))
        } else {
            let shown = convert::contact_field(brain, rule, contact)?;
            match echo(brain, &rule.automation, &written.echo) {
                Some(Echo::Zero) => Noun::Number(Decimal::from(0)),
                _ => shown,
            }
        };
        Some((*field, value))
    });
    Ok(WrittenRow {
        id: RemoteId::Automation(Kind::Person, convert::id(written.id.0)),
        created: written.is_new,
        modified: Some(convert::modified(contact)),
        stored: Some(stored.collect()),
    })
}

fn echo(brain: &Automation, alias: &str, echo: &[(Position, Echo)]) -> Option<Echo> {
    let field = brain.fields().by_alias(Subject::Contact, alias)?;
    let mut echo = echo.iter();
    echo.find(|(position, _)| *position == field.position)
        .map(|(_, echo)| *echo)
}

fn write_company(
    brain: &mut Automation,
    session: &Session,
    mapping: &Mapping,
    row: &RowWrite,
    id: Option<AutomationId>,
) -> Outcome {
    let mut input = CompanyInput::default();
    for (field, value) in &row.values {
        if let Some(rule) = mapping.rule(Kind::Company, *field)
            && let Some(member) = convert::written_member(rule)
            && !(id.is_none() && value.is_blank())
        {
            let value = convert::input(rule, value);
            input.values.push((member.to_owned(), value));
        }
    }
    let (now, caller) = (session.now, session.caller);
    let done = match id {
        None => brain.create_company_row(now, caller, &input),
        Some(id) => {
            let id = CompanyId(convert::number(id));
            brain
                .edit_company(now, caller, id, &input, Omitted::Kept)
                .map(|()| id)
        }
    };
    let done = done.map_err(|refusal| failure(&refusal, Vec::new()))?;
    let company = brain.companies().by_id(done).ok_or_else(unanswered)?;
    let stored = row.values.iter().filter_map(|(field, _)| {
        let rule = mapping.rule(Kind::Company, *field)?;
        Some((*field, convert::company_field(brain, rule, company)?))
    });
    Ok(WrittenRow {
        id: RemoteId::Automation(Kind::Company, convert::id(done.0)),
        created: id.is_none(),
        modified: None,
        stored: Some(stored.collect()),
    })
}

fn unanswered() -> Failure {
    let message = "the answer says nothing about this row";
    Failure::new(FailureKind::Unknown, "no-outcome", message)
}
