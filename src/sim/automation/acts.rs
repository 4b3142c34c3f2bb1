//! What people do to the instance, outside its API: visitors, recipients, users, imports.
//!
//! A world generator drives these. They are believable, not measured in every detail; what was
//! measured is said where it applies.

use super::auth::Caller;
use super::author::AuthorId;
use super::contact::{Contact, ContactId, Reason};
use super::draft::{ContactInput, DncInput, Mode};
use super::field::Subject;
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::{Details, Hit, Mail, Note, PointsChange, Submission};
use super::php::Php;
use super::refusal::Refusal;
use super::user::UserId;
use super::value::Value;
use super::write::{Door, Written};
use crate::sim::clock::Timestamp;

/// A page somebody looks at.
#[derive(Clone, Debug, Default)]
pub struct Visit<'a> {
    pub url: &'a str,
    pub title: &'a str,
    pub referer: Option<&'a str>,
    /// A landing page of the instance.
    pub page: Option<u32>,
    pub address: &'a str,
}

/// How a visitor who fills in a form is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Kept(ContactId),
    Lost,
}

impl Automation {
    /// A user edits a contact in the user interface, which stores zeros and blanks as typed.
    pub fn user_edits(
        &mut self,
        now: Timestamp,
        user: UserId,
        id: ContactId,
        input: &ContactInput,
    ) -> Result<Written, Refusal> {
        let caller = self.caller_for_user(user).ok_or(Refusal::Forbidden)?;
        let id = self.contacts.resolve(id).ok_or(Refusal::NotFound)?.id;
        let input = ContactInput {
            overwrite_with_blank: true,
            ..input.clone()
        };
        self.change(now, caller, id, &input, Mode::Patch, Door::Inside)
    }

    pub fn user_creates(
        &mut self,
        now: Timestamp,
        user: UserId,
        input: &ContactInput,
    ) -> Result<Written, Refusal> {
        let caller = self.caller_for_user(user).ok_or(Refusal::Forbidden)?;
        self.make(now, caller, input, Mode::Create, Door::Inside)
    }

    pub fn user_deletes(&mut self, now: Timestamp, user: UserId, id: ContactId) -> Option<Contact> {
        let caller = self.caller_for_user(user)?;
        self.erase(now, caller.by, id)
    }

    /// A user takes somebody off the do-not-contact list, or puts them on it.
    pub fn user_sets_dnc(
        &mut self,
        now: Timestamp,
        user: UserId,
        id: ContactId,
        input: &DncInput,
    ) -> bool {
        let Some(caller) = self.caller_for_user(user) else {
            return false;
        };
        let change = self.put_dnc(now, id, input);
        let changed = change.is_some();
        self.record(
            now,
            caller.by,
            id,
            change.into_iter().collect(),
            (Door::Inside, false),
        );
        changed
    }

    /// Rows of a file become contacts; those that a unique field matches are edited.
    pub fn import(
        &mut self,
        now: Timestamp,
        user: UserId,
        file: &str,
        rows: &[ContactInput],
    ) -> Vec<ContactId> {
        let Some(caller) = self.caller_for_user(user) else {
            return Vec::new();
        };
        let mut done = Vec::new();
        for row in rows {
            if let Ok(written) = self.post(now, caller, row, Door::Inside) {
                let note = Note {
                    bundle: "lead",
                    object: "import",
                    object_id: Some(1),
                    action: if written.is_new {
                        "inserted"
                    } else {
                        "updated"
                    },
                    description: file.to_owned(),
                    user_name: None,
                };
                self.logs.notes.push(written.id, now, note);
                done.push(written.id);
            }
        }
        done
    }

    /// What a connector leaves in a contact's log when it creates or identifies the contact.
    pub fn connector_notes(&mut self, now: Timestamp, id: ContactId, connector: &'static str) {
        let note = Note {
            bundle: "plugin",
            object: connector,
            object_id: None,
            action: "identified_contact",
            description: String::new(),
            user_name: None,
        };
        self.logs.notes.push(id, now, note);
    }

    /// Puts contacts in place without audit rows: the base a world starts from. Rows that the API
    /// would refuse are left out.
    pub fn seed(
        &mut self,
        now: Timestamp,
        caller: Caller,
        rows: &[ContactInput],
    ) -> Vec<ContactId> {
        let mut done = Vec::with_capacity(rows.len());
        for row in rows {
            let audit = self.logs.audit.len();
            if let Ok(written) = self.post(now, caller, row, Door::Inside) {
                done.push(written.id);
            }
            self.logs.audit.truncate(audit);
        }
        done
    }

    /// Two requests at once: the same body makes two contacts, which a sequence of calls never does.
    pub fn duplicate(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &ContactInput,
    ) -> [ContactId; 2] {
        [
            self.make_unchecked(now, caller, input),
            self.make_unchecked(now, caller, input),
        ]
    }

    /// A new anonymous visitor.
    pub fn visitor(&mut self, now: Timestamp, visit: &Visit<'_>) -> ContactId {
        let id = self.insert_blank(now, AuthorId::SYSTEM);
        let mut changes = Vec::new();
        self.note_address(id, visit.address, &mut changes);
        self.record(now, AuthorId::SYSTEM, id, changes, (Door::Inside, true));
        self.hit(now, id, visit);
        id
    }

    /// A page hit. The first one from a new address moves dateModified, the others only lastActive.
    pub fn hit(&mut self, now: Timestamp, id: ContactId, visit: &Visit<'_>) -> u32 {
        let mut changes = Vec::new();
        self.note_address(id, visit.address, &mut changes);
        let row = self.logs.hits.push(
            id,
            now,
            Hit {
                url: visit.url.to_owned(),
                title: visit.title.to_owned(),
                referer: visit.referer.map(str::to_owned),
                page: visit.page,
            },
        );
        self.touch(now, id);
        if !changes.is_empty() {
            self.logs.audit(
                now,
                AuthorId::SYSTEM,
                ("lead", id.0),
                "ipadded",
                address_details(visit),
            );
        }
        self.record(now, AuthorId::SYSTEM, id, changes, (Door::Inside, false));
        self.notify(now, Trigger::PageHit, |brain| {
            Some(Payload::Hit(
                Box::new(brain.contacts.by_id(id)?.clone()),
                row,
            ))
        });
        row
    }

    /// A form submitted with an address.
    ///
    /// With the cookie the visitor's contact is filled in. Without it a new contact is made, and a
    /// contact known by the address is merged *into the new id*: ids are not stable.
    pub fn submit(
        &mut self,
        now: Timestamp,
        form: u32,
        cookie: Cookie,
        values: &[(&str, &str)],
        visit: &Visit<'_>,
    ) -> ContactId {
        let mut input = ContactInput::default();
        for (alias, text) in values {
            input = input.with(alias, *text);
        }
        let known = self.matching(&input);
        let id = match cookie {
            Cookie::Kept(id) => self.contacts.resolve(id).map_or(id, |contact| contact.id),
            Cookie::Lost => self.visitor(now, visit),
        };
        if let Some(loser) = known.filter(|known| *known != id) {
            self.merge(now, AuthorId::SYSTEM, loser, id);
        }
        let name = self
            .form(form)
            .map(|form| form.name.clone())
            .unwrap_or_default();
        let was_anonymous = self.contacts.by_id(id).is_some_and(Contact::is_anonymous);
        let system = Self::system();
        // A form refused by validation leaves the submission, and the contact as it was.
        let _ = self.change(now, system, id, &input, Mode::Patch, Door::Inside);
        if was_anonymous {
            let note = Note {
                bundle: "form",
                object: "submission",
                object_id: Some(form),
                action: "identified_contact",
                description: name,
                user_name: None,
            };
            self.logs.notes.push(id, now, note);
        }
        let results = values
            .iter()
            .map(|(alias, text)| ((*alias).to_owned(), (*text).to_owned()))
            .collect();
        let referer = visit.referer.map(str::to_owned);
        let row = self.logs.submissions.push(
            id,
            now,
            Submission {
                form,
                results,
                referer,
            },
        );
        self.touch(now, id);
        self.notify(now, Trigger::FormSubmitted, |brain| {
            Some(Payload::Submission(
                Box::new(brain.contacts.by_id(id)?.clone()),
                row,
            ))
        });
        id
    }

    /// An e-mail goes out; `None` when the contact has no address or may not be mailed. Moves neither
    /// dateModified nor lastActive.
    pub fn send(&mut self, now: Timestamp, email: u32, id: ContactId) -> Option<u32> {
        let contact = self.contacts.by_id(id)?;
        let field = self.fields.by_alias(Subject::Contact, "email")?;
        let address = contact.values.at(field.position).to_text()?;
        if contact.dnc_on("email").is_some() {
            return None;
        }
        let hash = format!(
            "{:010x}{:012x}",
            now.as_seconds(),
            self.logs.mails.rows().len() + 1
        );
        let mail = Mail {
            email,
            address,
            hash,
            read: None,
            opens: 0,
            is_failed: false,
        };
        let row = self.logs.mails.push(id, now, mail);
        self.notify_mail(now, Trigger::EmailSent, row);
        Some(row)
    }

    /// The recipient opens the e-mail: lastActive moves, dateModified does not.
    pub fn open(&mut self, now: Timestamp, mail: u32) {
        let Some(entry) = self.logs.mails.by_id_mut(mail) else {
            return;
        };
        entry.what.opens += 1;
        let first = entry.what.read.is_none();
        entry.what.read.get_or_insert(now.whole_second());
        let contact = entry.contact;
        if let Some(id) = contact {
            self.touch(now, id);
        }
        if first {
            self.notify_mail(now, Trigger::EmailOpened, mail);
        }
    }

    /// The recipient follows the unsubscribe link.
    pub fn unsubscribe(&mut self, now: Timestamp, mail: u32) {
        let Some((id, email)) = self.recipient(mail) else {
            return;
        };
        self.touch(now, id);
        self.system_dnc(now, id, Reason::Unsubscribed, "User unsubscribed.", email);
    }

    /// The recipient changes their mind on the page that the unsubscribe link led to.
    pub fn resubscribe(&mut self, now: Timestamp, mail: u32) {
        let Some((id, _)) = self.recipient(mail) else {
            return;
        };
        self.touch(now, id);
        let input = DncInput {
            reason: 0,
            ..DncInput::default()
        };
        let change = self.put_dnc(now, id, &input);
        let change = change.into_iter().collect();
        self.record(now, AuthorId::SYSTEM, id, change, (Door::Inside, false));
    }

    /// The e-mail comes back.
    pub fn bounce(&mut self, now: Timestamp, mail: u32, comments: &str) {
        let Some((id, email)) = self.recipient(mail) else {
            return;
        };
        if let Some(entry) = self.logs.mails.by_id_mut(mail) {
            entry.what.is_failed = true;
        }
        self.system_dnc(now, id, Reason::Bounced, comments, email);
    }

    /// The contact earns points by a rule of the instance.
    pub fn earn(
        &mut self,
        now: Timestamp,
        id: ContactId,
        event_name: &str,
        action_name: &str,
        delta: i64,
    ) {
        let (event_name, action_name) = (event_name.to_owned(), action_name.to_owned());
        let change = PointsChange {
            kind: "url",
            event_name,
            action_name,
            delta,
        };
        self.gain_points(now, AuthorId::SYSTEM, id, change);
    }

    /// The contact was active: a later moment only.
    fn touch(&mut self, now: Timestamp, id: ContactId) {
        self.edit(id, |contact| {
            contact.last_active = contact.last_active.max(Some(now.whole_second()));
        });
    }

    fn recipient(&self, mail: u32) -> Option<(ContactId, u32)> {
        let entry = self.logs.mails.by_id(mail)?;
        Some((entry.contact?, entry.what.email))
    }

    fn system_dnc(
        &mut self,
        now: Timestamp,
        id: ContactId,
        reason: Reason,
        comments: &str,
        email: u32,
    ) {
        let input = DncInput {
            channel: "email".to_owned(),
            reason: reason.code(),
            comments: comments.to_owned(),
            channel_id: Some(email),
        };
        let change = self.put_dnc(now, id, &input);
        self.record(
            now,
            AuthorId::SYSTEM,
            id,
            change.into_iter().collect(),
            (Door::Inside, false),
        );
    }

    fn notify_mail(&mut self, now: Timestamp, trigger: Trigger, row: u32) {
        self.notify(now, trigger, |brain| {
            let contact = brain.logs.mails.by_id(row)?.contact?;
            Some(Payload::Mail(
                Box::new(brain.contacts.by_id(contact)?.clone()),
                row,
            ))
        });
    }

    fn system() -> Caller {
        Caller {
            by: AuthorId::SYSTEM,
            user: None,
            role: super::user::Users::ADMINISTRATOR,
        }
    }

    fn make_unchecked(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &ContactInput,
    ) -> ContactId {
        let unique: Vec<(super::field::Position, Value)> = self
            .fields
            .unique()
            .iter()
            .filter_map(|position| {
                let field = self.fields.at(Subject::Contact, *position)?;
                let (_, sent) = input
                    .values
                    .iter()
                    .find(|(alias, _)| *alias == field.alias)?;
                Some((*position, Value::text(sent.to_text()?.trim())))
            })
            .collect();
        let others = ContactInput {
            values: input
                .values
                .iter()
                .filter(|(alias, _)| {
                    let field = self.fields.by_alias(Subject::Contact, alias);
                    !field.is_some_and(super::field::Field::is_unique)
                })
                .cloned()
                .collect(),
            ..input.clone()
        };
        let id = match self.make(now, caller, &others, Mode::Create, Door::Single) {
            Ok(written) => written.id,
            Err(_) => self.insert_blank(now, caller.by),
        };
        self.edit(id, |contact| {
            for (position, value) in unique {
                contact.values.put(position, value);
            }
        });
        self.identify(now, id);
        id
    }
}

fn address_details(visit: &Visit<'_>) -> Details {
    Details::Changes(vec![
        ("0".to_owned(), Php::text("")),
        ("1".to_owned(), Php::text(visit.address)),
    ])
}
