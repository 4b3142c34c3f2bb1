//! Contacts and companies as rows, and the program's values as input.

use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{AutomationId, Kind, RemoteId};
use crate::domain::mapping::{FieldRule, Mapping, Role};
use crate::domain::row::{Row, RowState};
use crate::domain::time::{Day, Timestamp as Moment};
use crate::domain::value::{Decimal, Value as Noun, ValueType};
use crate::sim::automation::company::Company;
use crate::sim::automation::contact::{self, Contact};
use crate::sim::automation::field::Subject;
use crate::sim::automation::instance::Automation;
use crate::sim::automation::time::read_input;
use crate::sim::automation::value::{Input, Value};
use crate::sim::clock::{self, Timestamp};

pub(super) const fn moment(at: Timestamp) -> Moment {
    Moment(at.as_millis())
}

pub(super) const fn instant(at: Moment) -> Timestamp {
    Timestamp::from_millis(at.0)
}

pub(super) fn id(id: u32) -> AutomationId {
    AutomationId(u64::from(id))
}

/// An id of ours as one of theirs; 0, which nobody has, where it cannot be one.
pub(super) fn number(id: AutomationId) -> u32 {
    u32::try_from(id.0).unwrap_or(0)
}

pub(super) fn contact_row(brain: &Automation, mapping: &Mapping, contact: &Contact) -> Row {
    let by = contact.modified.by.unwrap_or(contact.added.by);
    let edited_by = brain.authors().of(by).name.trim();
    Row {
        id: RemoteId::Automation(Kind::Person, id(contact.id.0)),
        modified: Some(modified(contact)),
        edited_by: (!edited_by.is_empty()).then(|| edited_by.to_owned()),
        state: RowState::Live,
        values: mapping
            .person
            .iter()
            .filter_map(|rule| Some((rule.id, contact_value(brain, rule, contact)?)))
            .collect(),
        consent: Some(consent(contact)),
        account: None,
    }
}

/// When the contact was last edited, or made if it never was.
pub(super) fn modified(contact: &Contact) -> Moment {
    moment(contact.modified.at.unwrap_or(contact.added.at))
}

pub(super) fn consent(contact: &Contact) -> Consent {
    let row = contact.dnc_on("email");
    row.map_or(Consent::In, |row| consent_of(row.reason))
}

pub(super) const fn consent_of(reason: contact::Reason) -> Consent {
    match reason {
        contact::Reason::Unsubscribed => Consent::Out(Reason::Unsubscribed),
        contact::Reason::Bounced => Consent::Bounced,
        contact::Reason::Manual => Consent::Out(Reason::Manual),
    }
}

fn contact_value(brain: &Automation, rule: &FieldRule, contact: &Contact) -> Option<Noun> {
    match rule.role {
        Role::Consent => None,
        Role::ContactId => Some(match rule.value_type {
            ValueType::Number => Noun::Number(Decimal::from(i64::from(contact.id.0))),
            _ => Noun::Text(contact.id.0.to_string()),
        }),
        Role::TimelineLink => {
            let base = brain.settings.base_url.trim_end_matches('/');
            Some(Noun::Text(format!("{base}/s/contacts/view/{}", contact.id)))
        }
        Role::Owner => match contact.owner {
            None => Some(Noun::Blank),
            Some(owner) => {
                let email = brain.users().by_id(owner)?.email.trim().to_lowercase();
                (!email.is_empty()).then(|| Noun::text(&email))
            }
        },
        _ => contact_field(brain, rule, contact),
    }
}

/// A plain field; `None` if the instance does not show it.
pub(super) fn contact_field(
    brain: &Automation,
    rule: &FieldRule,
    contact: &Contact,
) -> Option<Noun> {
    if rule.automation == "points" {
        return Some(Noun::Number(Decimal::from(contact.points)));
    }
    let field = brain
        .fields()
        .by_alias(Subject::Contact, &rule.automation)?;
    if !field.is_published() {
        return None;
    }
    value(rule.value_type, contact.values.at(field.position))
}

pub(super) fn company_row(brain: &Automation, mapping: &Mapping, company: &Company) -> Row {
    Row {
        id: RemoteId::Automation(Kind::Company, id(company.id.0)),
        // Answers about companies carry no date.
        modified: None,
        edited_by: None,
        state: RowState::Live,
        values: mapping
            .company
            .iter()
            .filter_map(|rule| Some((rule.id, company_field(brain, rule, company)?)))
            .collect(),
        consent: None,
        account: None,
    }
}

pub(super) fn company_field(
    brain: &Automation,
    rule: &FieldRule,
    company: &Company,
) -> Option<Noun> {
    let field = brain
        .fields()
        .by_alias(Subject::Company, &rule.automation)?;
    if !field.is_published() {
        return None;
    }
    value(rule.value_type, company.values.at(field.position))
}

/// A stored value by the mapped type; `None` if it is of another type.
fn value(value_type: ValueType, value: &Value) -> Option<Noun> {
    let Some(text) = value.to_text().filter(|text| !text.trim().is_empty()) else {
        return Some(Noun::Blank);
    };
    match value_type {
        ValueType::Text | ValueType::Email | ValueType::Choice => Some(Noun::text(&text)),
        ValueType::Bool => match text.as_str() {
            "1" | "true" => Some(Noun::Bool(true)),
            "0" | "false" => Some(Noun::Bool(false)),
            _ => None,
        },
        ValueType::Number => text.parse().ok().map(Noun::Number),
        ValueType::Date => {
            let day = clock::Day::parse(text.get(..10)?)?;
            Some(Noun::Date(Day(day.as_days())))
        }
        ValueType::Moment => Some(Noun::Moment(moment(read_input(&text)?))),
        ValueType::Time => text.get(..5).map(Noun::text),
        ValueType::Choices => Some(Noun::many(text.split('|'))),
    }
}

pub(super) fn input(rule: &FieldRule, value: &Noun) -> Input {
    match value {
        Noun::Blank => Input::Null,
        Noun::Text(user) if rule.role == Role::Owner => user
            .parse()
            .map_or_else(|_| Input::Text(user.clone()), Input::Number),
        Noun::Text(text) => Input::Text(text.clone()),
        Noun::Bool(value) => Input::Bool(*value),
        Noun::Number(number) => number
            .to_string()
            .parse()
            .map_or_else(|_| Input::Text(number.to_string()), Input::Number),
        Noun::Date(day) => Input::Text(day.to_string()),
        Noun::Moment(at) => Input::Text(at.to_string().trim_end_matches('Z').replace('T', " ")),
        Noun::Many(options) => Input::List(options.iter().cloned().map(Input::Text).collect()),
    }
}

/// The member of a body that a rule writes; `None` if Automation works it out itself.
pub(super) fn written_member(rule: &FieldRule) -> Option<&str> {
    match rule.role {
        Role::Consent | Role::TimelineLink | Role::ContactId => None,
        Role::Owner => Some("owner"),
        _ if rule.automation.starts_with('@') => None,
        _ => Some(&rule.automation),
    }
}
