//! Creating and changing contacts: matching, checking, applying, and telling the histories.

use super::auth::Caller;
use super::author::AuthorId;
use super::check::Checked;
use super::company::CompanyId;
use super::contact::{Contact, ContactId, LastEdit, Stamp};
use super::draft::{Assigned, ContactInput, Draft, Echo, Mode, is_identifying};
use super::field::{Position, Subject};
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::{Details, Note};
use super::php::Php;
use super::refusal::Refusal;
use super::segment::StageId;
use super::user::UserId;
use super::value::{Value, Values};
use crate::sim::clock::Timestamp;

/// Which door a write came through; the histories tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Single,
    Batch,
    /// The user interface, a form, the site: no API call.
    Inside,
}

impl Door {
    const fn key(self) -> Option<&'static str> {
        match self {
            Self::Single => Some("api-single"),
            Self::Batch => Some("api-batch"),
            Self::Inside => None,
        }
    }
}

/// The outcome of one write.
#[derive(Clone, Debug)]
pub struct Written {
    pub id: ContactId,
    pub is_new: bool,
    pub echo: Vec<(Position, Echo)>,
}

impl Automation {
    /// POST: edits the contact that a unique field matches, else makes one.
    pub(super) fn post(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &ContactInput,
        door: Door,
    ) -> Result<Written, Refusal> {
        match self.matching(input) {
            Some(id) => self.change(now, caller, id, input, Mode::Match, door),
            None => self.make(now, caller, input, Mode::Create, door),
        }
    }

    /// Makes a contact without looking for a match.
    pub(super) fn make(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &ContactInput,
        mode: Mode,
        door: Door,
    ) -> Result<Written, Refusal> {
        let checked = self.check(now, None, input, mode, door)?;
        let id = self.insert_blank(now, caller.by);
        let echo = checked.draft.echo.clone();
        self.apply(now, caller.by, id, input, checked, (door, true));
        Ok(Written {
            id,
            is_new: true,
            echo,
        })
    }

    pub(super) fn change(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: ContactId,
        input: &ContactInput,
        mode: Mode,
        door: Door,
    ) -> Result<Written, Refusal> {
        let checked = self.check(now, Some(id), input, mode, door)?;
        let echo = checked.draft.echo.clone();
        self.apply(now, caller.by, id, input, checked, (door, false));
        Ok(Written {
            id,
            is_new: false,
            echo,
        })
    }

    pub(super) fn insert_blank(&mut self, now: Timestamp, by: AuthorId) -> ContactId {
        self.contacts.insert(self.fields.unique(), |id| Contact {
            id,
            values: Values::default(),
            points: 0,
            owner: None,
            stage: None,
            tags: Vec::new(),
            dnc: Vec::new(),
            addresses: Vec::new(),
            added: Stamp {
                at: now.whole_second(),
                by,
            },
            modified: LastEdit::default(),
            identified: None,
            last_active: None,
        })
    }

    fn apply(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        id: ContactId,
        input: &ContactInput,
        checked: Checked,
        (door, is_new): (Door, bool),
    ) {
        let Checked {
            draft,
            owner,
            stage,
        } = checked;
        let old_points = self.contacts.by_id(id).map_or(0, |contact| contact.points);
        let company = self.company_named_in(&draft);
        let mut changes = self.apply_draft(id, &draft);
        self.apply_references(id, owner, stage, &mut changes);
        self.apply_tags(id, &input.tags, &mut changes);
        if let Some(address) = &input.address {
            self.note_address(id, address, &mut changes);
        }
        if let Assigned::Set(name) = company {
            self.follow_company_text(now, by, id, name.as_deref());
        }
        if let Some(companies) = &input.companies {
            changes.extend(self.match_companies(now, id, companies));
        }
        for row in &input.dnc {
            changes.extend(self.put_dnc(now, id, row));
        }
        if !is_new
            && door == Door::Batch
            && !draft.names_points
            && old_points != 0
            && draft.points.is_none()
        {
            // The row's points were read back as a float: a change that changes nothing, and moves
            // dateModified all the same.
            let noise = Php::change(Php::Int(old_points), Php::Float(old_points as f64));
            changes.push(("points".to_owned(), noise));
        }
        if let Some(points) = draft.points {
            self.notify_points(now, id, old_points, points);
        }
        self.record(now, by, id, changes, (door, is_new));
    }

    /// What one write did, told to the record, the audit log, the event log and the webhooks.
    pub(super) fn record(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        id: ContactId,
        mut changes: Vec<(String, Php)>,
        (door, is_new): (Door, bool),
    ) {
        let is_identified = self.identify(now, id);
        if changes.is_empty() && !is_new {
            if door != Door::Inside {
                self.edit(id, |contact| contact.modified.by = Some(by));
            }
            return;
        }
        if !is_new {
            let at = Some(now.whole_second());
            self.edit(id, |contact| {
                contact.modified = LastEdit { at, by: Some(by) }
            });
        }
        if let Some(key) = door.key() {
            let name = Php::text(self.authors.logged(by));
            changes.push(("manipulated_by".to_owned(), name));
            changes.push((
                "manipulator_key".to_owned(),
                Php::Text(format!("lead:{key}")),
            ));
        }
        let action = if is_new { "create" } else { "update" };
        self.logs
            .audit(now, by, ("lead", id.0), action, Details::Changes(changes));
        if is_identified {
            self.logs
                .audit(now, by, ("lead", id.0), "identified", Details::Nothing);
        }
        if let Some(object) = door.key().filter(|_| is_new || is_identified) {
            let action = if is_identified {
                "identified_contact"
            } else {
                "created_contact"
            };
            let description = self.authors.logged(by).to_owned();
            let note = Note {
                bundle: "lead",
                object,
                object_id: None,
                action,
                description,
                user_name: None,
            };
            self.logs.notes.push(id, now, note);
        }
        let trigger = if is_identified {
            Trigger::ContactIdentified
        } else {
            Trigger::ContactUpdated
        };
        self.notify_contact(now, trigger, id);
    }

    pub(super) fn edit<T>(
        &mut self,
        id: ContactId,
        change: impl FnOnce(&mut Contact) -> T,
    ) -> Option<T> {
        self.contacts.edit(id, self.fields.unique(), change)
    }

    /// Sets dateIdentified if the record now tells who it is. True the first time.
    pub(super) fn identify(&mut self, now: Timestamp, id: ContactId) -> bool {
        let Some(contact) = self.contacts.by_id(id) else {
            return false;
        };
        let identifies = contact.is_anonymous() && is_identifying(&self.fields, &contact.values);
        if identifies {
            self.edit(id, |contact| contact.identified = Some(now.whole_second()));
        }
        identifies
    }

    fn apply_draft(&mut self, id: ContactId, draft: &Draft) -> Vec<(String, Php)> {
        let old = self.edit(id, |contact| {
            contact.last_active = draft.last_active.over(contact.last_active);
            let old_points = contact.points;
            contact.points = draft.points.unwrap_or(old_points);
            let put = |(position, value): &(Position, Value)| {
                (
                    *position,
                    contact.values.put(*position, value.clone()),
                    value.clone(),
                )
            };
            (
                old_points,
                draft.changes.iter().map(put).collect::<Vec<_>>(),
            )
        });
        let Some((old_points, replaced)) = old else {
            return Vec::new();
        };
        let mut fields: Vec<(String, Php)> = replaced
            .iter()
            .filter_map(|(position, old, new)| {
                let field = self.fields.at(Subject::Contact, *position)?;
                Some((field.alias.clone(), Php::change(php(old), php(new))))
            })
            .collect();
        if let Some(points) = draft.points {
            let change = Php::change(Php::Int(old_points), Php::Float(points as f64));
            fields.push(("points".to_owned(), change));
        }
        if fields.is_empty() {
            fields
        } else {
            vec![("fields".to_owned(), Php::Map(fields))]
        }
    }

    fn apply_references(
        &mut self,
        id: ContactId,
        owner: Assigned<UserId>,
        stage: Assigned<StageId>,
        changes: &mut Vec<(String, Php)>,
    ) {
        let number = |id: Option<u32>| id.map_or(Php::Null, |id| Php::Int(id.into()));
        let replaced = self.edit(id, |contact| {
            let old = (contact.owner, contact.stage);
            contact.owner = owner.over(contact.owner);
            contact.stage = stage.over(contact.stage);
            (old, (contact.owner, contact.stage))
        });
        let Some((old, new)) = replaced else { return };
        if old.0 != new.0 {
            let change = Php::change(number(old.0.map(|u| u.0)), number(new.0.map(|u| u.0)));
            changes.push(("owner".to_owned(), change));
        }
        if old.1 != new.1 {
            let change = Php::change(number(old.1.map(|s| s.0)), number(new.1.map(|s| s.0)));
            changes.push(("stage".to_owned(), change));
        }
    }

    fn apply_tags(&mut self, id: ContactId, names: &[String], changes: &mut Vec<(String, Php)>) {
        let mut told: [Vec<Php>; 2] = [Vec::new(), Vec::new()];
        for name in names {
            let name = name.trim();
            let (name, is_removal) = name
                .strip_prefix('-')
                .map_or((name, false), |name| (name, true));
            let tag = if is_removal {
                self.tags.find(name)
            } else {
                Some(self.tags.named(name))
            };
            let Some(tag) = tag.filter(|_| !name.is_empty()) else {
                continue;
            };
            let changed = self.edit(id, |contact| {
                let known = contact.tags.contains(&tag);
                if is_removal {
                    contact.tags.retain(|held| *held != tag);
                } else if !known {
                    contact.tags.push(tag);
                }
                known == is_removal
            });
            if changed == Some(true) {
                told[usize::from(is_removal)].push(Php::text(name));
            }
        }
        let [added, removed] = told;
        let parts = [("added", added), ("removed", removed)];
        let parts: Vec<(String, Php)> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(key, names)| (key.to_owned(), Php::List(names)))
            .collect();
        if !parts.is_empty() {
            changes.push(("tags".to_owned(), Php::Map(parts)));
        }
    }

    pub(super) fn note_address(
        &mut self,
        id: ContactId,
        address: &str,
        changes: &mut Vec<(String, Php)>,
    ) {
        if address.is_empty() {
            return;
        }
        let is_new = self.edit(id, |contact| {
            let known = contact.addresses.iter().any(|held| &**held == address);
            if !known {
                contact.addresses.push(address.into());
            }
            !known
        });
        if is_new == Some(true) {
            let change = Php::change(Php::text(""), Php::text(address));
            changes.push(("ipAddresses".to_owned(), change));
        }
    }

    /// The company name a draft writes, if it writes one.
    fn company_named_in(&self, draft: &Draft) -> Assigned<String> {
        self.company_text(draft)
            .map_or(Assigned::Kept, |text| Assigned::Set(text.to_text()))
    }

    fn company_text<'a>(&self, draft: &'a Draft) -> Option<&'a Value> {
        let field = self.fields.by_alias(Subject::Contact, "company")?;
        let (_, value) = draft
            .changes
            .iter()
            .find(|(position, _)| *position == field.position)?;
        Some(value)
    }

    /// The text of `company` finds or makes a company and makes it primary; cleared, nothing is.
    fn follow_company_text(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        id: ContactId,
        name: Option<&str>,
    ) {
        match name {
            Some(name) => {
                let company: CompanyId = self.company_of_name(now, by, name);
                self.companies.link_primary(id, company, now);
            }
            None => self.companies.drop_primary(id),
        }
    }

    pub(super) fn notify_points(&mut self, now: Timestamp, id: ContactId, old: i64, new: i64) {
        self.notify(now, Trigger::PointsChanged, |brain| {
            let contact = brain
                .contacts
                .by_id(id)
                .filter(|contact| !contact.is_anonymous())?;
            Some(Payload::Points {
                contact: Box::new(contact.clone()),
                old,
                new,
            })
        });
    }
}

pub(super) fn php(value: &Value) -> Php {
    match value {
        Value::Null => Php::Null,
        Value::Bool(value) => Php::Bool(*value),
        Value::Int(value) => Php::Int(*value),
        Value::Float(value) => Php::Float(*value),
        Value::Text(text) => Php::text(&**text),
    }
}
