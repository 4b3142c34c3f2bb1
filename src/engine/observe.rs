//! Takes what a side shows into a link. Knows no rule: deciding what to do about it comes after.

use crate::domain::consent::{Consent, ConsentView, Dated, Evidence, Proof};
use crate::domain::ids::{RemoteId, Side};
use crate::domain::link::{AutomationEnd, Edited, Link, MatchKey, SalesforceEnd};
use crate::domain::mapping::{Mapping, Role};
use crate::domain::row::{Row, RowState};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;

/// What looking at a row told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The row may be older than what the link knows already, and was left out.
    Stale,
    /// Nothing that is kept changed.
    Same,
    News,
}

/// How far a row can be trusted to show what is there after our own last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The read began before our last write to the record ended.
    Uncertain,
    /// The read began later, but a lagging replica may have answered.
    Likely,
    /// Read again on purpose: take it as it is.
    Certain,
}

/// Takes one row into the link that it belongs to by id, or as a new end of it.
pub fn observe(
    link: &mut Link,
    row: &Row,
    mapping: &Mapping,
    trust: Trust,
    now: Timestamp,
) -> Sight {
    if is_stale(link, row, trust) {
        return Sight::Stale;
    }
    let side = row.id.side();
    let known = end_modified(link, side);
    let is_first = known.is_none();
    let known = known.unwrap_or_default();
    let modified = row.modified.unwrap_or(known);
    let mut is_news = put_end(link, row, modified);
    if row.state == RowState::Live || is_first {
        let edited = Edited {
            after: known,
            by: modified,
        };
        is_news |= put_values(link, row, mapping, edited);
        is_news |= put_consent(link, row, now);
        is_news |= put_match_keys(link, mapping);
    }
    if is_news { Sight::News } else { Sight::Same }
}

/// Whether a row may show the record as it was before what the link already knows.
fn is_stale(link: &Link, row: &Row, trust: Trust) -> bool {
    let (known, written_since) = match row.id.side() {
        Side::Salesforce => match &link.salesforce {
            Some(end) => (end.modified, end.written_since),
            None => return false,
        },
        Side::Automation => match &link.automation {
            Some(end) => (end.modified, end.written_since),
            None => return false,
        },
    };
    let Some(modified) = row.modified else {
        return trust == Trust::Uncertain;
    };
    match trust {
        Trust::Uncertain => true,
        Trust::Likely => modified < known || modified == known && written_since,
        // Its clock may have been put back: what it shows when asked on purpose is what is there.
        Trust::Certain => false,
    }
}

pub(super) fn end_modified(link: &Link, side: Side) -> Option<Timestamp> {
    match side {
        Side::Salesforce => link.salesforce.as_ref().map(|end| end.modified),
        Side::Automation => link.automation.as_ref().map(|end| end.modified),
    }
}

fn put_end(link: &mut Link, row: &Row, modified: Timestamp) -> bool {
    match row.id {
        RemoteId::Salesforce(object, id) => {
            let first_id = link.salesforce.as_ref().map_or(id, |end| end.first_id);
            let new = SalesforceEnd {
                object,
                id,
                first_id,
                state: row.state,
                modified,
                edited_by: row.edited_by.clone(),
                account: row.account,
                written_since: false,
            };
            let is_news = link.salesforce.as_ref().is_none_or(|old| {
                (old.object, old.id, old.state, old.account)
                    != (new.object, new.id, new.state, new.account)
            });
            link.salesforce = Some(new);
            is_news
        }
        RemoteId::Automation(_, id) => {
            let new = AutomationEnd {
                id,
                state: row.state,
                modified,
                edited_by: row.edited_by.clone(),
                written_since: false,
            };
            let is_news = link
                .automation
                .as_ref()
                .is_none_or(|old| (old.id, old.state) != (new.id, new.state));
            link.automation = Some(new);
            is_news
        }
    }
}

fn put_values(link: &mut Link, row: &Row, mapping: &Mapping, edited: Edited) -> bool {
    let side = row.id.side();
    let mut is_news = false;
    for (field, value) in &row.values {
        let Some(rule) = mapping.rule(link.kind, *field) else {
            continue;
        };
        if rule.role == Role::Consent || rule.role == Role::Deleted && side == Side::Salesforce {
            continue;
        }
        let state = link.field_mut(*field);
        if state.on(side) == Some(value) {
            continue;
        }
        is_news = true;
        let is_base = state.base_on(side) == Some(value);
        let (slot, slot_edited) = match side {
            Side::Salesforce => (&mut state.salesforce, &mut state.salesforce_edited),
            Side::Automation => (&mut state.automation, &mut state.automation_edited),
        };
        *slot = Some(value.clone());
        *slot_edited = (!is_base).then_some(edited);
    }
    is_news
}

/// An observed change from out to in on the same record dates an opt-in: it happened after the last
/// look that still showed out. The same the other way round.
fn put_consent(link: &mut Link, row: &Row, now: Timestamp) -> bool {
    let Some(value) = row.consent else {
        return false;
    };
    let view = link.consent.on_mut(row.id.side());
    let Some(old) = view else {
        let evidence = Evidence::default();
        *view = Some(ConsentView {
            value,
            since: now,
            seen: now,
            evidence,
        });
        return true;
    };
    if old.value == value {
        old.seen = now;
        return false;
    }
    let dated = Dated {
        earliest: old.seen,
        latest: now,
        proof: Proof::Observation,
    };
    match (old.value.is_out(), value.is_out()) {
        (false, true) => old.evidence.opted_out = Some(dated),
        (true, false) if value == Consent::In => old.evidence.opted_in = Some(dated),
        _ => {}
    }
    let is_cleared = old.value == Consent::Bounced && value == Consent::In;
    old.value = value;
    old.since = now;
    old.seen = now;
    if is_cleared {
        // The bounce stood for what the other side said of being mailed: that has not been said here.
        link.consent.agreed = None;
    }
    true
}

/// The addresses (or names) under which the link is found on first sight: those of either side.
fn put_match_keys(link: &mut Link, mapping: &Mapping) -> bool {
    let mut keys: Vec<MatchKey> = mapping
        .rules(link.kind)
        .iter()
        .filter(|rule| matches!(rule.role, Role::Email | Role::CompanyName))
        .filter_map(|rule| link.field(rule.id))
        .flat_map(|state| Side::BOTH.map(|side| state.on(side)))
        .filter_map(|value| value.and_then(Value::as_text))
        .map(|text| MatchKey::new(link.kind, text))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys == link.match_keys {
        return false;
    }
    link.match_keys = keys;
    true
}

/// The address (or name) that one side shows, as written.
pub fn match_text<'a>(link: &'a Link, mapping: &Mapping, side: Side) -> Option<&'a str> {
    mapping
        .rules(link.kind)
        .iter()
        .filter(|rule| matches!(rule.role, Role::Email | Role::CompanyName))
        .find_map(|rule| link.field(rule.id)?.on(side)?.as_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AutomationId, Kind, LinkId};

    /// A record of Automation, last modified at that moment, that may be mailed.
    fn row(modified: i64) -> Row {
        Row {
            id: RemoteId::Automation(Kind::Person, AutomationId(7)),
            modified: Some(Timestamp(modified)),
            edited_by: None,
            state: RowState::Live,
            values: Vec::new(),
            consent: Some(Consent::In),
            account: None,
        }
    }

    #[test]
    fn an_older_stamp_is_doubted_once_and_believed_when_it_was_asked_for() {
        let mapping = Mapping::default();
        let mut link = Link::new(LinkId(1), Kind::Person);
        let now = Timestamp(2_000);
        observe(&mut link, &row(1_000), &mapping, Trust::Likely, now);
        // The system's clock was put back, and then somebody edited the record.
        let mut edited = row(900);
        edited.consent = Some(Consent::Bounced);
        let doubted = observe(&mut link, &edited, &mapping, Trust::Likely, now);
        assert_eq!(doubted, Sight::Stale);
        let asked = observe(&mut link, &edited, &mapping, Trust::Certain, now);
        assert_eq!(asked, Sight::News);
        let known = link.consent.automation.map(|view| view.value);
        assert_eq!(known, Some(Consent::Bounced));
    }
}
