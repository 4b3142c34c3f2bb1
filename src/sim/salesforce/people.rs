//! What people do at their screens while the integration looks on: the acts a world is made of.

use super::coerce::{Changes, Fields};
use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Origin, Salesforce};
use super::schema::{ACCOUNT, CONTACT, FieldType, GROUP, LEAD, ObjectIndex, USER};
use super::table::Record;
use super::value::Value;
use crate::sim::clock::Timestamp;

/// What a lead became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub contact: RecordId,
    pub account: RecordId,
}

/// Into what a lead is converted; what is not named is created from the lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvertInto {
    pub contact: Option<RecordId>,
    pub account: Option<RecordId>,
}

/// Fields of a lead and where they go on the contact that it becomes.
const CARRIED: [(&str, &str); 17] = [
    ("LastName", "LastName"),
    ("FirstName", "FirstName"),
    ("Salutation", "Salutation"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Fax", "Fax"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
    ("LeadSource", "LeadSource"),
    ("HasOptedOutOfEmail", "HasOptedOutOfEmail"),
    ("DoNotCall", "DoNotCall"),
    ("Description", "Description"),
];

impl Call {
    /// A person at a screen.
    pub fn person(now: Timestamp, user: RecordId) -> Self {
        Self {
            origin: Origin::Person,
            ..Self::new(now, user)
        }
    }
}

impl Salesforce {
    pub fn add_user(&mut self, name: (&str, &str), email: &str, now: Timestamp) -> RecordId {
        let alias: String = name.1.chars().take(5).collect();
        let fields = [
            ("Username", Value::text(email)),
            ("FirstName", Value::text(name.0)),
            ("LastName", Value::text(name.1)),
            ("Email", Value::text(email)),
            ("Alias", Value::text(alias.to_lowercase())),
        ];
        self.seed(USER, &fields, self.integration_user(), now)
    }

    /// Users are never deleted, only deactivated.
    pub fn set_active(&mut self, user: RecordId, is_active: bool, now: Timestamp) -> Outcome<()> {
        let fields = vec![("IsActive".to_owned(), super::coerce::Input::Bool(is_active))];
        self.update(&Call::person(now, self.integration_user()), user, &fields)
    }

    pub fn add_queue(&mut self, name: &str, now: Timestamp) -> RecordId {
        let fields = [
            ("Name", Value::text(name)),
            ("DeveloperName", Value::text(name)),
        ];
        self.seed(GROUP, &fields, self.integration_user(), now)
    }

    /// A person turns a lead into a contact of an account. The lead stays, read-only.
    pub fn convert_lead(
        &mut self,
        call: &Call,
        lead: RecordId,
        into: ConvertInto,
    ) -> Outcome<Conversion> {
        self.existing(lead)?;
        if self.value(lead, "IsConverted") == Value::Bool(true) {
            let message = "lead already converted";
            return Err(ApiError::new(
                ErrorCode::CANNOT_UPDATE_CONVERTED_LEAD,
                message,
            ));
        }
        self.atomically(|org| {
            let owner = org.value(lead, "OwnerId").into_owned();
            let owner = owner
                .as_id()
                .filter(|owner| org.object_of(*owner) == Some(USER));
            let owner = Value::Id(owner.unwrap_or(call.user));
            let account = if let Some(account) = into.account {
                account
            } else {
                let name = org.value(lead, "Company").into_owned();
                org.save_named(call, ACCOUNT, &[("Name", name), ("OwnerId", owner.clone())])?
            };
            let contact = if let Some(contact) = into.contact {
                contact
            } else {
                let mut fields = vec![("AccountId", Value::Id(account)), ("OwnerId", owner)];
                for (from, to) in CARRIED {
                    fields.push((to, org.value(lead, from).into_owned()));
                }
                org.save_named(call, CONTACT, &fields)?
            };
            let changes = [
                ("IsConverted", Value::Bool(true)),
                ("ConvertedDate", Value::Day(call.now.day())),
                ("ConvertedContactId", Value::Id(contact)),
                ("ConvertedAccountId", Value::Id(account)),
                ("Status", Value::text("Closed - Converted")),
            ];
            let changes = org.named(LEAD, &changes);
            org.save(call, LEAD, Some(lead), changes)?;
            org.note_event(call, lead, "leadConverted");
            Ok(Conversion { contact, account })
        })
    }

    /// Up to two losers disappear into a survivor, whose fields may be overruled at the same time.
    pub fn merge(
        &mut self,
        call: &Call,
        master: RecordId,
        losers: &[RecordId],
        overrides: &Fields,
    ) -> Outcome<()> {
        let object = self.existing(master)?;
        if losers.is_empty() || losers.len() > 2 || losers.contains(&master) {
            let message = "a merge takes one or two other records";
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        }
        for loser in losers {
            if self.existing(*loser)? != object {
                return Err(ApiError::invalid_cross_reference());
            }
        }
        self.atomically(|org| {
            for loser in losers {
                org.bin(call, *loser, Some(master))?;
            }
            let writing = super::coerce::Writing::Update;
            let changes = org.changes(call, object, overrides, writing)?;
            org.save(call, object, Some(master), changes)?;
            if object == LEAD {
                org.note_event(call, master, "leadMerged");
            }
            Ok(())
        })
    }

    /// Back from the Recycle Bin under the same id.
    pub fn undelete(&mut self, call: &Call, id: RecordId) -> Outcome<()> {
        let Some(before) = self.record(id).cloned() else {
            return Err(ApiError::invalid_cross_reference());
        };
        if !before.is_deleted {
            let message = "Record is not in the recycle bin.";
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        }
        self.atomically(|org| {
            let stamp = call.now.whole_second();
            let master = org.object_of(id).and_then(|object| {
                org.schema
                    .object(object)
                    .find("MasterRecordId")
                    .map(|field| (field, Value::Null))
            });
            let cells = before.cells.with(master.as_slice());
            let record = Record {
                is_deleted: false,
                stamp,
                modified: stamp,
                modified_by: call.user,
                cells,
                ..before
            };
            let hidden = org.hidden_window(call, stamp);
            org.put(id, Some(record), hidden);
            Ok(())
        })
    }

    /// Removes every record of an object from the Recycle Bin for good. Says how many.
    pub fn empty_bin(&mut self, object: ObjectIndex) -> usize {
        let binned = self.records(object).filter(|(_, record)| record.is_deleted);
        let ids: Vec<RecordId> = binned.map(|(id, _)| id).collect();
        let removed = self.atomically(|org| {
            for id in &ids {
                org.put(*id, None, None);
            }
            Ok::<usize, ApiError>(ids.len())
        });
        removed.unwrap_or(0)
    }

    fn save_named(
        &mut self,
        call: &Call,
        object: ObjectIndex,
        fields: &[(&str, Value<'static>)],
    ) -> Outcome<RecordId> {
        let changes = self.named(object, fields);
        self.save(call, object, None, changes)
    }

    fn named(&self, object: ObjectIndex, fields: &[(&str, Value<'static>)]) -> Changes {
        let definition = self.schema.object(object);
        let known = fields
            .iter()
            .filter_map(|(name, value)| definition.find(name).map(|field| (field, value.clone())));
        known.collect()
    }

    fn note_event(&mut self, call: &Call, id: RecordId, event: &str) {
        let is_tracked = self
            .object_of(id)
            .is_some_and(|object| self.schema.object(object).is_history_enabled);
        if is_tracked {
            let none = (Value::Null, Value::Null);
            self.note(call, id, (event, None::<FieldType>), none, None);
        }
    }
}
