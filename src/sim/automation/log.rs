//! Append-only histories: what the stats tables and the activity timeline are read from.

use std::collections::BTreeMap;

use super::author::AuthorId;
use super::contact::ContactId;
use super::php::Php;
use super::segment::StageId;
use crate::sim::clock::Timestamp;

/// One row of a history.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    pub id: u32,
    /// None after the contact was deleted.
    pub contact: Option<ContactId>,
    pub at: Timestamp,
    pub what: T,
}

/// A history with rows findable by contact. Ids count from 1 without gaps.
#[derive(Clone, Debug)]
pub struct History<T> {
    rows: Vec<Entry<T>>,
    by_contact: BTreeMap<ContactId, Vec<u32>>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            by_contact: BTreeMap::new(),
        }
    }
}

impl<T> History<T> {
    pub fn push(&mut self, contact: ContactId, now: Timestamp, what: T) -> u32 {
        let id = self.rows.len() as u32 + 1;
        self.rows.push(Entry {
            id,
            contact: Some(contact),
            at: now.whole_second(),
            what,
        });
        self.by_contact.entry(contact).or_default().push(id);
        id
    }

    pub fn rows(&self) -> &[Entry<T>] {
        &self.rows
    }

    pub fn by_id(&self, id: u32) -> Option<&Entry<T>> {
        self.rows.get((id as usize).checked_sub(1)?)
    }

    pub fn by_id_mut(&mut self, id: u32) -> Option<&mut Entry<T>> {
        self.rows.get_mut((id as usize).checked_sub(1)?)
    }

    pub fn of(&self, contact: ContactId) -> impl DoubleEndedIterator<Item = &Entry<T>> {
        let ids = self.by_contact.get(&contact).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.by_id(*id))
    }

    /// Rows follow a merge; after a deletion they belong to nobody.
    fn hand_over(&mut self, loser: ContactId, winner: Option<ContactId>) {
        let Some(mut ids) = self.by_contact.remove(&loser) else {
            return;
        };
        for id in &ids {
            if let Some(row) = self.by_id_mut(*id) {
                row.contact = winner;
            }
        }
        if let Some(winner) = winner {
            let known = self.by_contact.entry(winner).or_default();
            known.append(&mut ids);
            known.sort_unstable();
        }
    }
}

/// A visit of a page.
#[derive(Clone, Debug)]
pub struct Hit {
    pub url: String,
    pub title: String,
    pub referer: Option<String>,
    /// A landing page of the instance, or a page elsewhere with the tracking code.
    pub page: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Submission {
    pub form: u32,
    pub results: Vec<(String, String)>,
    pub referer: Option<String>,
}

/// One e-mail sent to one contact. The row changes when it is read.
#[derive(Clone, Debug)]
pub struct Mail {
    pub email: u32,
    pub address: String,
    pub hash: String,
    pub read: Option<Timestamp>,
    pub opens: u32,
    pub is_failed: bool,
}

#[derive(Clone, Debug)]
pub struct PointsChange {
    pub kind: &'static str,
    pub event_name: String,
    pub action_name: String,
    pub delta: i64,
}

#[derive(Clone, Debug)]
pub struct StageChange {
    pub stage: StageId,
    pub name: String,
}

#[derive(Clone, Debug, Default)]
pub struct Utm {
    pub campaign: Option<String>,
    pub content: Option<String>,
    pub medium: Option<String>,
    pub source: Option<String>,
    pub term: Option<String>,
}

/// A row of `lead_event_log`: where a contact came from, segments, imports.
#[derive(Clone, Debug)]
pub struct Note {
    pub bundle: &'static str,
    pub object: &'static str,
    pub object_id: Option<u32>,
    pub action: &'static str,
    pub description: String,
    pub user_name: Option<String>,
}

/// What an audit row tells beside its action.
#[derive(Clone, Debug, PartialEq)]
pub enum Details {
    Nothing,
    MergedInto(ContactId),
    Name(String),
    Changes(Vec<(String, Php)>),
}

impl Details {
    pub fn to_php(&self) -> Php {
        match self {
            Self::Nothing => Php::List(Vec::new()),
            Self::MergedInto(winner) => Php::map([("merged_into", Php::Int(winner.0.into()))]),
            Self::Name(name) => Php::map([("name", Php::text(name))]),
            Self::Changes(changes) => Php::Map(changes.clone()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct AuditRow {
    pub id: u32,
    pub by: AuthorId,
    pub bundle: &'static str,
    pub object: &'static str,
    pub object_id: u32,
    pub action: &'static str,
    pub details: Details,
    pub at: Timestamp,
}

/// Every history of the instance.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    pub hits: History<Hit>,
    pub submissions: History<Submission>,
    pub mails: History<Mail>,
    pub points: History<PointsChange>,
    pub stages: History<StageChange>,
    pub utm: History<Utm>,
    pub notes: History<Note>,
    pub audit: Vec<AuditRow>,
}

impl Logs {
    pub fn audit(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        (object, object_id): (&'static str, u32),
        action: &'static str,
        details: Details,
    ) {
        let id = self.audit.len() as u32 + 1;
        let at = now.whole_second();
        self.audit.push(AuditRow {
            id,
            by,
            bundle: "lead",
            object,
            object_id,
            action,
            details,
            at,
        });
    }

    pub fn hand_over(&mut self, loser: ContactId, winner: Option<ContactId>) {
        self.hits.hand_over(loser, winner);
        self.submissions.hand_over(loser, winner);
        self.mails.hand_over(loser, winner);
        self.points.hand_over(loser, winner);
        self.stages.hand_over(loser, winner);
        self.utm.hand_over(loser, winner);
        self.notes.hand_over(loser, winner);
    }
}
