//! Changes of the instance's own set-up through the API: fields, segments, webhooks.

use super::author::AuthorId;
use super::contact::Stamp;
use super::field::{Field, NewField, Subject};
use super::hook::{Hook, HookId, Trigger};
use super::instance::Automation;
use super::segment::{Membership, SegmentId};
use crate::sim::clock::Timestamp;

/// What a webhook is made from.
#[derive(Clone, Debug, Default)]
pub struct NewHook {
    pub name: String,
    pub description: Option<String>,
    pub url: String,
    /// Generated when absent, and shown by the API.
    pub secret: Option<String>,
    pub order: Option<String>,
    pub triggers: Vec<Trigger>,
    pub is_unpublished: bool,
}

impl Automation {
    /// Adds a field in somebody's name; `None` when the alias is taken.
    pub fn add_field_as(&mut self, now: Timestamp, by: AuthorId, new: NewField) -> Option<Field> {
        let field = self.fields.add(new, (now.whole_second(), by))?.clone();
        if field.subject == Subject::Contact && field.is_unique() {
            self.contacts.reindex_unique(self.fields.unique());
        }
        Some(field)
    }

    pub fn alter_field(&mut self, id: u32, change: impl FnOnce(&mut Field)) -> Option<Field> {
        let before = self.fields.unique().to_vec();
        let field = self.fields.alter(id, change)?.clone();
        self.reindex_if_changed(&before);
        Some(field)
    }

    /// Publishes or unpublishes; an unpublished field vanishes from records, and writes ignore it.
    pub fn publish_field(&mut self, alias: &str, is_published: bool) -> Option<Field> {
        let contact = self.fields.by_alias(Subject::Contact, alias);
        let id = contact
            .or_else(|| self.fields.by_alias(Subject::Company, alias))?
            .id;
        self.alter_field(id, |field| {
            field
                .traits
                .set(super::field::Traits::PUBLISHED, is_published);
        })
    }

    pub fn remove_field(&mut self, id: u32) -> Option<Field> {
        let before = self.fields.unique().to_vec();
        let field = self.fields.remove(id)?;
        self.reindex_if_changed(&before);
        Some(field)
    }

    pub fn add_hook(&mut self, now: Timestamp, by: AuthorId, new: NewHook) -> HookId {
        let added = Stamp {
            at: now.whole_second(),
            by,
        };
        self.hooks.add(|id| Hook {
            id,
            name: new.name,
            description: new.description,
            url: new.url,
            secret: new
                .secret
                .unwrap_or_else(|| format!("generated-secret-{}", id.0)),
            order: new.order.unwrap_or_else(|| "ASC".to_owned()),
            triggers: new.triggers,
            is_published: !new.is_unpublished,
            added,
            modified: None,
            touched_by: None,
            failures: 0,
        })
    }

    /// What the scheduled job does: recomputes who matches the segment's filters. Hand-made
    /// memberships stay as they are.
    pub fn rebuild_segment(&mut self, now: Timestamp, id: SegmentId) {
        let Some(segment) = self.segments.by_id(id) else {
            return;
        };
        if segment.filters.is_empty() {
            return;
        }
        let wanted: Vec<_> = segment
            .filters
            .iter()
            .filter_map(|filter| {
                let field = self.fields.by_alias(Subject::Contact, &filter.field)?;
                Some((field.position, filter))
            })
            .collect();
        let joining: Vec<_> = self
            .contacts
            .all()
            .filter(|contact| segment.member(contact.id).is_none())
            .filter(|contact| {
                wanted.iter().all(|(position, filter)| {
                    let held = contact.values.at(*position).to_text();
                    filter.holds(held.as_deref())
                })
            })
            .map(|contact| contact.id)
            .collect();
        for contact in joining {
            self.join_segment(now, id, contact, Membership::Matched);
        }
    }

    fn reindex_if_changed(&mut self, before: &[super::field::Position]) {
        if before != self.fields.unique() {
            self.contacts.reindex_unique(self.fields.unique());
        }
    }
}

impl Automation {
    pub fn add_segment_as(
        &mut self,
        name: &str,
        alias: &str,
        filters: Vec<super::segment::SegmentFilter>,
        added: Stamp,
    ) -> SegmentId {
        self.segments.add(name, alias, filters, added)
    }

    pub fn segment_mut(&mut self, id: SegmentId) -> Option<&mut super::segment::Segment> {
        self.segments.by_id_mut(id)
    }

    pub fn remove_segment(&mut self, id: SegmentId) -> Option<super::segment::Segment> {
        self.segments.remove(id)
    }

    pub fn join_by_hand(
        &mut self,
        now: Timestamp,
        id: SegmentId,
        contact: super::contact::ContactId,
    ) {
        self.join_segment(now, id, contact, Membership::AddedByHand);
    }
}

impl Automation {
    pub fn set_user_email(&mut self, id: super::user::UserId, email: &str) {
        self.users.set_email(id, email);
    }

    /// Puts a changed credential in the place of the one with its number.
    pub fn replace_client(&mut self, client: super::auth::Client) {
        self.auth.replace_client(client);
    }
}
