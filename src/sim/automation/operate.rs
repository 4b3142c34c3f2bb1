//! The operations of the API on contacts, with rights checked and calls counted.

use std::collections::BTreeSet;

use super::accept::escape_html;
use super::auth::Caller;
use super::call::Call;
use super::company::CompanyId;
use super::contact::{Contact, ContactId};
use super::draft::{ContactInput, DncInput, Mode};
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::{Details, PointsChange, StageChange, Utm};
use super::php::Php;
use super::query::ContactQuery;
use super::refusal::Refusal;
use super::segment::{Membership, SegmentId, StageId};
use super::user::Right;
use super::write::{Door, Written};
use crate::sim::clock::Timestamp;

/// PATCH keeps what is not sent, PUT blanks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Patch,
    Put,
}

/// What happened to one row of a batch.
#[derive(Clone, Debug)]
pub enum Row {
    Done(Written),
    /// The contact exists and its row was refused.
    Refused(Option<ContactId>, Refusal),
    /// No id, or an id that is not a contact's: a merged-away id too.
    Missing,
}

/// The rows of a batch, in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub rows: Vec<Row>,
    /// Contacts as a row left them, where a later row of the same batch edited them again.
    pub earlier: Vec<(usize, Contact)>,
    /// An exception ended the batch: 500 without a body, though the rows before it are saved.
    pub is_broken: bool,
}

/// One row of a batch edit.
#[derive(Clone, Debug)]
pub struct EditRow {
    pub id: Option<ContactId>,
    pub input: ContactInput,
}

impl Automation {
    /// The ids of one page. `count` gives the total, which is a separate effort.
    pub fn list_contacts(
        &mut self,
        caller: Caller,
        query: &ContactQuery,
    ) -> Result<Vec<ContactId>, Refusal> {
        self.calls.note(Call::ContactList);
        self.may(caller, Right::ViewContacts)?;
        Ok(self.select(caller, query))
    }

    /// The contact, or the one it was merged into: compare the id of the answer.
    pub fn read_contact(&mut self, caller: Caller, id: ContactId) -> Result<&Contact, Refusal> {
        self.calls.note(Call::ContactRead);
        self.may(caller, Right::ViewContacts)?;
        self.contacts.resolve(id).ok_or(Refusal::NotFound)
    }

    pub fn create_contact(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &ContactInput,
    ) -> Result<Written, Refusal> {
        self.calls.note(Call::ContactCreate);
        self.may(caller, Right::CreateContacts)?;
        self.post(now, caller, input, Door::Single)
    }

    pub fn edit_contact(
        &mut self,
        now: Timestamp,
        caller: Caller,
        verb: Verb,
        id: ContactId,
        input: &ContactInput,
    ) -> Result<Written, Refusal> {
        self.calls.note(Call::ContactEdit);
        self.may(caller, Right::EditContacts)?;
        match (self.contacts.resolve(id).map(|contact| contact.id), verb) {
            (Some(id), Verb::Patch) => {
                self.change(now, caller, id, input, Mode::Patch, Door::Single)
            }
            (Some(id), Verb::Put) => self.change(now, caller, id, input, Mode::Put, Door::Single),
            (None, Verb::Patch) => Err(Refusal::NotFound),
            // Makes a contact, under an id of its own.
            (None, Verb::Put) => self.make(now, caller, input, Mode::Put, Door::Single),
        }
    }

    /// Deletes the contact, or the one it was merged into. The answer is the record as it was.
    pub fn delete_contact(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
    ) -> Result<Contact, Refusal> {
        self.calls.note(Call::ContactDelete);
        self.may(caller, Right::DeleteContacts)?;
        let id = self
            .contacts
            .resolve(id)
            .map(|contact| contact.id)
            .ok_or(Refusal::NotFound)?;
        self.erase(now, caller.by, id).ok_or(Refusal::NotFound)
    }

    pub fn create_contacts(
        &mut self,
        now: Timestamp,
        caller: Caller,
        inputs: &[ContactInput],
    ) -> Result<Batch, Refusal> {
        self.calls.note(Call::ContactBatchCreate);
        self.may(caller, Right::CreateContacts)?;
        self.fits_batch(inputs.len())?;
        let mut batch = Batch::default();
        for input in inputs {
            let matched = self.matching(input);
            if let Some(contact) = matched.and_then(|id| self.contacts.by_id(id)) {
                let same = |row: &Row| matches!(row, Row::Done(done) if done.id == contact.id);
                if let Some(index) = batch.rows.iter().rposition(same) {
                    batch.earlier.push((index, contact.clone()));
                }
            }
            batch
                .rows
                .push(match self.post(now, caller, input, Door::Batch) {
                    Ok(written) => Row::Done(written),
                    Err(refusal) => Row::Refused(matched, refusal),
                });
        }
        Ok(batch)
    }

    pub fn edit_contacts(
        &mut self,
        now: Timestamp,
        caller: Caller,
        verb: Verb,
        edits: &[EditRow],
    ) -> Result<Batch, Refusal> {
        self.calls.note(Call::ContactBatchEdit);
        self.may(caller, Right::EditContacts)?;
        self.fits_batch(edits.len())?;
        let mut batch = Batch::default();
        let mut seen = BTreeSet::new();
        for edit in edits {
            // The second row of the same contact finds it detached: an exception, after the first
            // row was saved.
            let known = edit.id.filter(|id| self.contacts.by_id(*id).is_some());
            if known.is_some_and(|id| !seen.insert(id)) {
                batch.is_broken = true;
                break;
            }
            batch.rows.push(self.edit_row(now, caller, verb, edit));
        }
        Ok(batch)
    }

    fn edit_row(&mut self, now: Timestamp, caller: Caller, verb: Verb, edit: &EditRow) -> Row {
        let known = edit
            .id
            .and_then(|id| self.contacts.by_id(id))
            .map(|contact| contact.id);
        let written = match (known, verb) {
            (Some(id), Verb::Patch) => {
                self.change(now, caller, id, &edit.input, Mode::Patch, Door::Batch)
            }
            (Some(id), Verb::Put) => {
                self.change(now, caller, id, &edit.input, Mode::Put, Door::Batch)
            }
            (None, Verb::Patch) => return Row::Missing,
            (None, Verb::Put) => self.make(now, caller, &edit.input, Mode::Put, Door::Batch),
        };
        match written {
            Ok(written) => Row::Done(written),
            Err(refusal) => Row::Refused(known, refusal),
        }
    }

    /// Deletes those that exist, without redirecting merged ids, and says which.
    pub fn delete_contacts(
        &mut self,
        now: Timestamp,
        caller: Caller,
        ids: &[ContactId],
    ) -> Result<Vec<Contact>, Refusal> {
        self.calls.note(Call::ContactBatchDelete);
        self.may(caller, Right::DeleteContacts)?;
        self.fits_batch(ids.len())?;
        Ok(ids
            .iter()
            .filter_map(|id| self.erase(now, caller.by, *id))
            .collect())
    }

    /// POST `/dnc/{channel}/add`. Comments come out HTML-escaped.
    pub fn add_dnc(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
        input: &DncInput,
    ) -> Result<ContactId, Refusal> {
        self.calls.note(Call::DoNotContact);
        self.may(caller, Right::EditContacts)?;
        let id = self
            .contacts
            .resolve(id)
            .map(|contact| contact.id)
            .ok_or(Refusal::NotFound)?;
        if input.reason <= 0 {
            return Err(Refusal::BadReason);
        }
        let input = DncInput {
            comments: escape_html(&input.comments),
            ..input.clone()
        };
        let changes = self.put_dnc(now, id, &input).into_iter().collect();
        self.record(now, caller.by, id, changes, (Door::Inside, false));
        Ok(id)
    }

    /// POST `/dnc/{channel}/remove`: whether there was a row. Bounces go as well.
    pub fn remove_dnc(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
        channel: &str,
    ) -> Result<(ContactId, bool), Refusal> {
        self.calls.note(Call::DoNotContact);
        self.may(caller, Right::EditContacts)?;
        let id = self
            .contacts
            .resolve(id)
            .map(|contact| contact.id)
            .ok_or(Refusal::NotFound)?;
        let input = DncInput {
            channel: channel.to_owned(),
            reason: 0,
            ..DncInput::default()
        };
        let change = self.put_dnc(now, id, &input);
        let found = change.is_some();
        self.record(
            now,
            caller.by,
            id,
            change.into_iter().collect(),
            (Door::Inside, false),
        );
        Ok((id, found))
    }

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
        by: super::author::AuthorId,
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
        let note = super::log::Note {
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

    /// Removes a contact and tells the audit log and the webhooks.
    pub(super) fn erase(
        &mut self,
        now: Timestamp,
        by: super::author::AuthorId,
        id: ContactId,
    ) -> Option<Contact> {
        let name = self.display_name(self.contacts.by_id(id)?);
        self.notify(now, Trigger::ContactDeleted, |brain| {
            let contact = Box::new(brain.contacts.by_id(id)?.clone());
            Some(Payload::ContactDeleted(id, contact))
        });
        let contact = self.contacts.remove(id, self.fields.unique())?;
        self.logs
            .audit(now, by, ("lead", id.0), "delete", Details::Name(name));
        self.logs.hand_over(id, None);
        self.companies.hand_over(id, None);
        self.segments.hand_over(id, None);
        Some(contact)
    }

    /// First and last name, or the address, or the placeholder for a visitor.
    pub(super) fn display_name(&self, contact: &Contact) -> String {
        let text = |alias: &str| {
            let field = self.fields.by_alias(super::field::Subject::Contact, alias);
            field
                .and_then(|field| contact.values.at(field.position).to_text())
                .unwrap_or_default()
        };
        let name = format!("{} {}", text("firstname"), text("lastname"));
        let candidates = [name.trim().to_owned(), text("company"), text("email")];
        let found = candidates.into_iter().find(|name| !name.is_empty());
        found.unwrap_or_else(|| "Anonymous".to_owned())
    }

    fn fits_batch(&self, length: usize) -> Result<(), Refusal> {
        let max = self.settings.batch_max;
        if length > max {
            Err(Refusal::TooMany(max))
        } else {
            Ok(())
        }
    }
}
