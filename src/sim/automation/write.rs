//! Creating and changing contacts: matching, checking, applying, and telling the histories.

use super::auth::Caller;
use super::author::AuthorId;
use super::company::CompanyId;
use super::contact::{Contact, ContactId, LastEdit, Reason, Stamp};
use super::draft::{ContactInput, DncInput, Draft, Drafting, Echo, Mode, is_identifying};
use super::field::{Position, Subject};
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::{Details, Note};
use super::php::Php;
use super::refusal::Refusal;
use super::segment::StageId;
use super::time::read_input;
use super::user::UserId;
use super::value::{Input, Value, Values};
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

/// A write that passed every check.
struct Checked {
    draft: Draft,
    owner: Option<Option<UserId>>,
    stage: Option<Option<StageId>>,
}

const NOT_VALID: &str = "This value is not valid.";

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

    /// The contact a body matches: any unique field will do; of several, the youngest.
    pub(super) fn matching(&self, input: &ContactInput) -> Option<ContactId> {
        let mut found = Vec::new();
        for (alias, value) in &input.values {
            if let Some(field) = self.fields.by_alias(Subject::Contact, alias)
                && field.is_unique()
                && let Some(text) = value.to_text()
                && !text.trim().is_empty()
            {
                found.extend(self.contacts.unique_equal(field.position, text.trim()));
            }
        }
        let age = |id: &ContactId| self.contacts.by_id(*id).map(|c| (c.added.at, c.id));
        found.into_iter().max_by_key(age)
    }

    fn check(
        &self,
        now: Timestamp,
        id: Option<ContactId>,
        input: &ContactInput,
        mode: Mode,
        door: Door,
    ) -> Result<Checked, Refusal> {
        let current = id.and_then(|id| self.contacts.by_id(id));
        let blanks_omitted = mode == Mode::Match && door == Door::Single;
        let drafting = Drafting {
            fields: &self.fields,
            current,
            mode,
            blanks_omitted,
            now,
        };
        let mut draft = drafting.draft(input);
        let mut problems = std::mem::take(&mut draft.problems);
        let user = |id: u32| self.users.by_id(UserId(id)).map(|user| user.id);
        let stage = |id: u32| self.stages.name(StageId(id)).map(|_| StageId(id));
        let owner = reference("owner", input.owner.as_ref(), user, &mut problems);
        let stage = reference("stage", input.stage.as_ref(), stage, &mut problems);
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems));
        }
        self.check_unique(current, &draft)?;
        if let Some(text) = &input.last_active
            && let Some(moment) = read_input(text)
        {
            draft.last_active = Some(Some(moment.whole_second()));
            if let Some(field) = self.fields.by_alias(Subject::Contact, "last_active") {
                let before = current.and_then(|contact| contact.last_active);
                draft.echo.push((field.position, Echo::Before(before)));
            }
        }
        Ok(Checked {
            draft,
            owner,
            stage,
        })
    }

    /// Every unique field has to be unique after the write, whether or not the write touches it: a
    /// contact that shares its address with another cannot be edited at all.
    fn check_unique(&self, current: Option<&Contact>, draft: &Draft) -> Result<(), Refusal> {
        let mut taken = Vec::new();
        for position in self.fields.unique() {
            let drafted = draft
                .changes
                .iter()
                .find(|(changed, _)| changed == position);
            let value = match (drafted, current) {
                (Some((_, value)), _) => value,
                (None, Some(contact)) => contact.values.at(*position),
                (None, None) => &Value::Null,
            };
            let Some(text) = value.to_text() else {
                continue;
            };
            let own = current.map(|contact| contact.id);
            let others = self.contacts.unique_equal(*position, &text);
            if others.iter().any(|other| Some(*other) != own)
                && let Some(field) = self.fields.at(Subject::Contact, *position)
            {
                taken.push(field.alias.clone());
            }
        }
        if taken.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotUnique(taken))
        }
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
        if let Some(name) = company {
            self.follow_company_text(now, by, id, name.as_deref());
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
            if let Some(last_active) = draft.last_active {
                contact.last_active = last_active;
            }
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
        owner: Option<Option<UserId>>,
        stage: Option<Option<StageId>>,
        changes: &mut Vec<(String, Php)>,
    ) {
        let number = |id: Option<u32>| id.map_or(Php::Null, |id| Php::Int(id.into()));
        let replaced = self.edit(id, |contact| {
            let old = (contact.owner, contact.stage);
            contact.owner = owner.unwrap_or(contact.owner);
            contact.stage = stage.unwrap_or(contact.stage);
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

    /// The company name a draft writes, if it writes one: `Some(None)` clears it.
    fn company_named_in(&self, draft: &Draft) -> Option<Option<String>> {
        let field = self.fields.by_alias(Subject::Contact, "company")?;
        let (_, value) = draft
            .changes
            .iter()
            .find(|(position, _)| *position == field.position)?;
        Some(value.to_text())
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

    /// Adds, replaces or removes one do-not-contact row; the change, if there was one.
    ///
    /// 1. One row per channel. The same reason again changes nothing.
    /// 2. Another reason replaces the row and renews its date.
    /// 3. A person's own unsubscription is not replaced by another reason.
    /// 4. Reasons that do not exist are ignored.
    pub(super) fn put_dnc(
        &mut self,
        now: Timestamp,
        id: ContactId,
        input: &DncInput,
    ) -> Option<(String, Php)> {
        let old = self.contacts.by_id(id)?.dnc_on(&input.channel).cloned();
        let old_reason = old.as_ref().map(|row| row.reason);
        let status = match Reason::coded(input.reason) {
            None if input.reason == 0 => {
                let old = old?;
                self.edit(id, |contact| contact.dnc.retain(|row| row.id != old.id));
                Php::map([
                    ("reason", Php::Int(0)),
                    ("old_reason", Php::Int(old.reason.code())),
                    ("comments", Php::text(&*old.comments)),
                ])
            }
            None => return None,
            Some(reason) => {
                if old_reason == Some(reason) || old_reason == Some(Reason::Unsubscribed) {
                    return None;
                }
                self.store_dnc(now, id, input, reason);
                Php::map([
                    ("reason", Php::Int(reason.code())),
                    ("comments", Php::text(&*input.comments)),
                ])
            }
        };
        self.notify_channel(now, id, &input.channel, old_reason);
        Some((
            "dnc_channel_status".to_owned(),
            Php::Map(vec![(input.channel.clone(), status)]),
        ))
    }

    fn store_dnc(&mut self, now: Timestamp, id: ContactId, input: &DncInput, reason: Reason) {
        let fresh = self.last_dnc + 1;
        let is_fresh = self.edit(id, |contact| {
            let known = contact
                .dnc
                .iter()
                .find(|row| *row.channel == *input.channel);
            let row = super::contact::Dnc {
                id: known.map_or(fresh, |row| row.id),
                channel: input.channel.as_str().into(),
                reason,
                comments: input.comments.as_str().into(),
                channel_id: input.channel_id,
                added: now.whole_second(),
            };
            let is_fresh = known.is_none();
            contact.dnc.retain(|held| held.id != row.id);
            contact.dnc.push(row);
            contact.dnc.sort_by_key(|row| row.id);
            is_fresh
        });
        if is_fresh == Some(true) {
            self.last_dnc = fresh;
        }
    }

    fn notify_channel(
        &mut self,
        now: Timestamp,
        id: ContactId,
        channel: &str,
        old: Option<Reason>,
    ) {
        self.notify(now, Trigger::ChannelChanged, |brain| {
            let contact = brain.contacts.by_id(id)?;
            let new = contact.dnc_on(channel).map(|row| row.reason);
            let contact = Box::new(contact.clone());
            let channel = channel.to_owned();
            Some(Payload::Channel {
                contact,
                channel,
                old: status(old),
                new: status(new),
            })
        });
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

const fn status(reason: Option<Reason>) -> &'static str {
    match reason {
        None => "contactable",
        Some(Reason::Unsubscribed) => "unsubscribed",
        Some(Reason::Bounced) => "bounced",
        Some(Reason::Manual) => "manual",
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

/// An id sent for owner or stage: null and blank remove, an unknown one is refused.
fn reference<T>(
    name: &str,
    input: Option<&Input>,
    find: impl Fn(u32) -> Option<T>,
    problems: &mut Vec<(String, String)>,
) -> Option<Option<T>> {
    let input = input?;
    if input.is_blank() {
        return Some(None);
    }
    let id = input
        .to_number()
        .filter(|number| *number > 0.0 && number.fract() == 0.0);
    let found = id.and_then(|id| find(id as u32));
    if found.is_none() {
        problems.push((name.to_owned(), NOT_VALID.to_owned()));
    }
    Some(found)
}
