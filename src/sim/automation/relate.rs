//! What a contact has or belongs to: points, stage, campaign tags, segments, companies.

use crate::sim::clock::Timestamp;

use super::auth::Caller;
use super::author::AuthorId;
use super::call::Call;
use super::company::CompanyId;
use super::contact::ContactId;
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::{Details, Note, PointsChange, StageChange, Utm};
use super::php::Php;
use super::refusal::Refusal;
use super::segment::{Membership, SegmentId, StageId};
use super::user::Right;
use super::write::Door;

impl Automation {
    /// Adds to, or takes from, the points, and logs the delta.
    pub fn add_points(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
        change: PointsChange,
    ) -> Result<(), Refusal> {
        self.calls.note(Call::ContactEdit);
        self.may(caller, Right::EditContacts)?;
        let id = self
            .contacts
            .resolve(id)
            .map(|contact| contact.id)
            .ok_or(Refusal::NotFound)?;
        self.gain_points(now, caller.by, id, change);
        Ok(())
    }

    pub fn set_stage(
        &mut self,
        now: Timestamp,
        caller: Caller,
        stage: StageId,
        id: ContactId,
    ) -> Result<(), Refusal> {
        self.calls.note(Call::ContactEdit);
        self.may(caller, Right::EditContacts)?;
        let name = self.stages.name(stage).ok_or(Refusal::NotFound)?;
        let name = format!("{}: {name}", stage.0);
        let id = self.contacts.resolve(id).map(|contact| contact.id);
        let id = id.ok_or(Refusal::ContactNotFound)?;
        let old = self
            .edit(id, |contact| contact.stage.replace(stage))
            .flatten();
        if old != Some(stage) {
            self.logs.stages.push(id, now, StageChange { stage, name });
            let old = old.map_or(Php::Null, |old| Php::Int(old.0.into()));
            let change = Php::change(old, Php::Int(stage.0.into()));
            self.record(
                now,
                caller.by,
                id,
                vec![("stage".into(), change)],
                (Door::Inside, false),
            );
        }
        Ok(())
    }

    pub fn add_utm(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
        utm: Utm,
    ) -> Result<ContactId, Refusal> {
        self.calls.note(Call::ContactEdit);
        self.may(caller, Right::EditContacts)?;
        let id = self
            .contacts
            .resolve(id)
            .map(|contact| contact.id)
            .ok_or(Refusal::NotFound)?;
        let source = Php::text(utm.source.clone().unwrap_or_default());
        self.logs.utm.push(id, now, utm);
        let change = Php::change(Php::text("utm_source"), source);
        self.record(
            now,
            caller.by,
            id,
            vec![("utmtags".into(), change)],
            (Door::Inside, false),
        );
        Ok(id)
    }

    /// Adds to or removes from a segment by hand. Does not move dateModified.
    pub fn set_membership(
        &mut self,
        now: Timestamp,
        caller: Caller,
        segment: SegmentId,
        id: ContactId,
        membership: Membership,
    ) -> Result<(), Refusal> {
        self.calls.note(Call::Segment);
        self.may(caller, Right::Segments)?;
        if self.segments.by_id(segment).is_none() {
            return Err(Refusal::NotFound);
        }
        match self.contacts.by_id(id) {
            Some(_) => {
                self.join_segment(now, segment, id, membership);
                Ok(())
            }
            // A merged-away id passes the check and fails inside.
            None if self.contacts.resolve(id).is_some() => Err(Refusal::Broken),
            None => Err(Refusal::ContactNotFound),
        }
    }

    /// Links or unlinks a contact and a company.
    pub fn set_company(
        &mut self,
        now: Timestamp,
        caller: Caller,
        company: CompanyId,
        id: ContactId,
        is_added: bool,
    ) -> Result<(), Refusal> {
        self.calls.note(Call::CompanyLink);
        self.may(caller, Right::EditContacts)?;
        self.companies.by_id(company).ok_or(Refusal::NotFound)?;
        let id = self.contacts.resolve(id).map(|contact| contact.id);
        let id = id.ok_or(Refusal::ContactNotFound)?;
        let is_member = self
            .companies
            .links_of(id)
            .iter()
            .any(|link| link.company == company);
        if is_added == is_member {
            return Ok(());
        }
        if is_added {
            self.companies.link_primary(id, company, now);
        } else {
            self.companies.unlink(id, company);
        }
        let changes = self.copy_primary_name(id);
        self.logs.audit(
            now,
            caller.by,
            ("lead", id.0),
            "update",
            Details::Changes(changes),
        );
        // dateModified moves, whoever edited last stays named, and no update is announced.
        self.edit(id, |contact| contact.modified.at = Some(now.whole_second()));
        self.notify(now, Trigger::CompanyLinkChanged, |brain| {
            let contact = Box::new(brain.contacts.by_id(id)?.clone());
            Some(Payload::CompanyLink {
                contact,
                company,
                is_added,
            })
        });
        Ok(())
    }

    pub(super) fn gain_points(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        id: ContactId,
        change: PointsChange,
    ) {
        let Some(old) = self.contacts.by_id(id).map(|contact| contact.points) else {
            return;
        };
        let new = old + change.delta;
        if change.delta == 0 {
            return;
        }
        self.logs.points.push(id, now, change);
        self.edit(id, |contact| contact.points = new);
        self.notify_points(now, id, old, new);
        let change = Php::change(Php::Int(old), Php::Int(new));
        self.record(
            now,
            by,
            id,
            vec![("points".to_owned(), change)],
            (Door::Inside, false),
        );
    }

    pub(super) fn join_segment(
        &mut self,
        now: Timestamp,
        segment: SegmentId,
        id: ContactId,
        membership: Membership,
    ) {
        let is_added = membership != Membership::RemovedByHand;
        let Some(joined) = self.segments.by_id_mut(segment) else {
            return;
        };
        let changed = joined.has(id) != is_added;
        joined.put(id, membership, now);
        let description = joined.name.clone();
        if !changed {
            return;
        }
        let note = Note {
            bundle: "lead",
            object: "segment",
            object_id: Some(segment.0),
            action: if is_added { "added" } else { "removed" },
            description,
            user_name: Some("System".to_owned()),
        };
        self.logs.notes.push(id, now, note);
        self.notify(now, Trigger::SegmentChanged, |brain| {
            let contact = Box::new(brain.contacts.by_id(id)?.clone());
            Some(Payload::Segment {
                contact,
                segment,
                is_added,
            })
        });
    }
}
