//! The activity timeline: who did what, read from the histories one event type at a time.

use super::auth::Caller;
use super::call::Call;
use super::contact::ContactId;
use super::instance::Automation;
use super::log::{Entry, History, Mail, Note};
use super::refusal::Refusal;
use super::user::Right;
use crate::sim::clock::Timestamp;

/// The event types the simulator records, in the order the product queries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivityKind {
    SegmentMembership,
    DoNotContact,
    EmailRead,
    EmailFailed,
    EmailSent,
    StageChanged,
    PointGained,
    PageHit,
    SourceCreated,
    SourceIdentified,
    Imported,
    UtmTagsAdded,
    FormSubmitted,
}

impl ActivityKind {
    pub const ALL: [Self; 13] = [
        Self::SegmentMembership,
        Self::DoNotContact,
        Self::EmailRead,
        Self::EmailFailed,
        Self::StageChanged,
        Self::PointGained,
        Self::PageHit,
        Self::SourceCreated,
        Self::SourceIdentified,
        Self::Imported,
        Self::UtmTagsAdded,
        Self::FormSubmitted,
        Self::EmailSent,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::SegmentMembership => "segment_membership",
            Self::DoNotContact => "lead.donotcontact",
            Self::EmailRead => "email.read",
            Self::EmailFailed => "email.failed",
            Self::EmailSent => "email.sent",
            Self::StageChanged => "stage.changed",
            Self::PointGained => "point.gained",
            Self::PageHit => "page.hit",
            Self::SourceCreated => "lead.source.created",
            Self::SourceIdentified => "lead.source.identified",
            Self::Imported => "lead.imported",
            Self::UtmTagsAdded => "lead.utmtagsadded",
            Self::FormSubmitted => "form.submitted",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What to read. Dates are inclusive at both ends.
#[derive(Clone, Debug)]
pub struct ActivityQuery {
    pub contact: Option<ContactId>,
    pub kinds: Vec<ActivityKind>,
    /// Looked for in the names of e-mails, forms and pages; switches every other type off.
    pub search: String,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub is_ascending: bool,
    /// From 1, of every type for itself.
    pub page: usize,
    /// Of every type for itself.
    pub limit: usize,
}

impl Default for ActivityQuery {
    fn default() -> Self {
        Self {
            contact: None,
            kinds: ActivityKind::ALL.to_vec(),
            search: String::new(),
            from: None,
            to: None,
            is_ascending: false,
            page: 1,
            limit: 25,
        }
    }
}

/// One event: its type and its row in the history behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    pub kind: ActivityKind,
    pub row: u32,
    pub contact: ContactId,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct ActivityPage {
    /// Ordered by time within the page only.
    pub events: Vec<Activity>,
    /// Of all types together.
    pub total: usize,
    /// Pages of the longest type.
    pub pages: usize,
}

impl Automation {
    pub fn activities(
        &mut self,
        caller: Caller,
        query: &ActivityQuery,
    ) -> Result<ActivityPage, Refusal> {
        self.calls.note(Call::Activity);
        self.may(caller, Right::ViewContacts)?;
        let mut query = query.clone();
        if let Some(id) = query.contact {
            query.contact = Some(self.contacts.resolve(id).ok_or(Refusal::NotFound)?.id);
        }
        let mut out = ActivityPage {
            pages: 1,
            ..ActivityPage::default()
        };
        for kind in ActivityKind::ALL
            .into_iter()
            .filter(|kind| query.kinds.contains(kind))
        {
            let mut found = self.activities_of(kind, &query);
            found.sort_by_key(|event| (event.at, event.row));
            if !query.is_ascending {
                found.reverse();
            }
            if query.limit == 0 && !found.is_empty() {
                return Err(Refusal::Broken);
            }
            out.total += found.len();
            out.pages = out.pages.max(found.len().div_ceil(query.limit.max(1)));
            let start = query.page.saturating_sub(1).saturating_mul(query.limit);
            out.events
                .extend(found.into_iter().skip(start).take(query.limit));
        }
        out.events.sort_by_key(|event| event.at);
        if !query.is_ascending {
            out.events.reverse();
        }
        Ok(out)
    }

    fn activities_of(&self, kind: ActivityKind, query: &ActivityQuery) -> Vec<Activity> {
        let logs = &self.logs;
        let note = |wanted: fn(&Note) -> bool| {
            pick(kind, &logs.notes, query, move |entry| {
                wanted(&entry.what).then_some(entry.at)
            })
        };
        let named = |found: Option<&super::instance::Asset>| {
            let search = query.search.to_lowercase();
            search.is_empty() || found.is_some_and(|a| a.name.to_lowercase().contains(&search))
        };
        let mail = |at: fn(&Entry<Mail>) -> Option<Timestamp>| {
            pick(kind, &logs.mails, query, |entry| {
                at(entry).filter(|_| named(self.email(entry.what.email)))
            })
        };
        match kind {
            ActivityKind::EmailRead => mail(|entry| entry.what.read),
            ActivityKind::EmailSent => mail(|entry| Some(entry.at)),
            ActivityKind::EmailFailed => mail(|entry| entry.what.is_failed.then_some(entry.at)),
            ActivityKind::PageHit => pick(kind, &logs.hits, query, |entry| {
                let page = entry.what.page.and_then(|page| self.page(page));
                named(page).then_some(entry.at)
            }),
            ActivityKind::FormSubmitted => pick(kind, &logs.submissions, query, |entry| {
                named(self.form(entry.what.form)).then_some(entry.at)
            }),
            _ if !query.search.is_empty() => Vec::new(),
            ActivityKind::SegmentMembership => note(|note| note.object == "segment"),
            ActivityKind::SourceCreated => note(|note| note.action == "created_contact"),
            ActivityKind::SourceIdentified => note(|note| note.action == "identified_contact"),
            ActivityKind::Imported => note(|note| note.object == "import"),
            ActivityKind::DoNotContact => self.dnc_activities(query),
            ActivityKind::StageChanged => pick(kind, &logs.stages, query, |entry| Some(entry.at)),
            ActivityKind::PointGained => pick(kind, &logs.points, query, |entry| Some(entry.at)),
            ActivityKind::UtmTagsAdded => pick(kind, &logs.utm, query, |entry| Some(entry.at)),
        }
    }

    /// Only rows that are there now: a removed one leaves no event.
    fn dnc_activities(&self, query: &ActivityQuery) -> Vec<Activity> {
        let kind = ActivityKind::DoNotContact;
        let event = |contact: ContactId, row: &super::contact::Dnc| {
            within(query, row.added).then_some(Activity {
                kind,
                row: row.id,
                contact,
                at: row.added,
            })
        };
        match query.contact {
            Some(id) => {
                let rows = self
                    .contacts
                    .by_id(id)
                    .into_iter()
                    .flat_map(|contact| &contact.dnc);
                rows.filter_map(|row| event(id, row)).collect()
            }
            None => self
                .contacts
                .dnc_rows()
                .filter_map(|(id, row)| event(id, row))
                .collect(),
        }
    }
}

fn within(query: &ActivityQuery, at: Timestamp) -> bool {
    query.from.is_none_or(|from| at >= from) && query.to.is_none_or(|to| at <= to)
}

/// Events of one history: `at` gives the time of a row that counts.
fn pick<T>(
    kind: ActivityKind,
    history: &History<T>,
    query: &ActivityQuery,
    at: impl Fn(&Entry<T>) -> Option<Timestamp>,
) -> Vec<Activity> {
    let event = |entry: &Entry<T>| {
        let at = at(entry).filter(|at| within(query, *at))?;
        Some(Activity {
            kind,
            row: entry.id,
            contact: entry.contact?,
            at,
        })
    };
    match query.contact {
        Some(contact) => history.of(contact).filter_map(event).collect(),
        None => history.rows().iter().filter_map(event).collect(),
    }
}
