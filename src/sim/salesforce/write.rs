//! Saving one record: create, update, upsert, delete. Every save either happens as a whole, with
//! its history and its triggers, or leaves no trace.

use super::coerce::{Changes, Fields, Input, Writing, shown};
use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Origin, Salesforce};
use super::schema::{LEAD, ObjectIndex, ObjectRight, Trait};
use super::soql::eval::Subject;
use super::table::Record;
use super::value::{Cells, FieldIndex, Value};
use crate::sim::clock::Timestamp;
use crate::sim::faults::FaultKind;

/// Whether an upsert may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsertMode {
    CreateOrUpdate,
    UpdateOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upserted {
    pub id: RecordId,
    pub is_created: bool,
}

impl Salesforce {
    pub fn insert(
        &mut self,
        call: &Call,
        object: ObjectIndex,
        fields: &Fields,
    ) -> Outcome<RecordId> {
        self.check_writable(call, object)?;
        self.check_right(call, object, ObjectRight::Create)?;
        if self.rules.storage_is_full {
            let message = "storage limit exceeded";
            return Err(ApiError::new(ErrorCode::STORAGE_LIMIT_EXCEEDED, message));
        }
        let changes = self.changes(call, object, fields, Writing::Create)?;
        self.atomically(|org| org.save(call, object, None, changes))
    }

    pub fn update(&mut self, call: &Call, id: RecordId, fields: &Fields) -> Outcome<()> {
        let object = self.existing(id)?;
        self.check_writable(call, object)?;
        self.check_right(call, object, ObjectRight::Edit)?;
        let changes = self.changes(call, object, fields, Writing::Update)?;
        self.atomically(|org| org.save(call, object, Some(id), changes))
            .map(|_| ())
    }

    /// Looks the record up by a key field, then updates or creates it.
    ///
    /// 1. The key must be an id lookup: an external id, or one of the few standard lookups.
    /// 2. No match creates, one match updates, several are an error that writes nothing.
    /// 3. Only records outside the Recycle Bin match.
    pub fn upsert(
        &mut self,
        call: &Call,
        object: ObjectIndex,
        (key, value): (&str, &Input),
        fields: &Fields,
        mode: UpsertMode,
    ) -> Outcome<Upserted> {
        let matches = self.key_matches(call, object, key, value)?;
        match matches.as_slice() {
            [] if mode == UpsertMode::UpdateOnly => Err(ApiError::resource_missing()),
            [] => {
                let mut fields = fields.clone();
                if !key.eq_ignore_ascii_case("Id") {
                    fields.push((key.to_owned(), value.clone()));
                }
                let id = self.insert(call, object, &fields)?;
                Ok(Upserted {
                    id,
                    is_created: true,
                })
            }
            [id] => {
                self.update(call, *id, fields)?;
                Ok(Upserted {
                    id: *id,
                    is_created: false,
                })
            }
            several => Err(several_matches(key, several)),
        }
    }

    /// Live records whose key field has a value. Several are no error here.
    pub fn key_matches(
        &self,
        call: &Call,
        object: ObjectIndex,
        key: &str,
        value: &Input,
    ) -> Outcome<Vec<RecordId>> {
        let found = self.schema.find_field(object, key, call.namespace());
        let definition = self.schema.object(object);
        let field = found.filter(|field| definition.field(*field).is_readable());
        let Some(field) = field.filter(|field| definition.field(*field).is(Trait::IdLookup)) else {
            let message =
                format!("Provided external ID field does not exist or is not accessible: {key}");
            return Err(ApiError::new(ErrorCode::NOT_FOUND, message));
        };
        let definition = definition.field(field);
        if definition.kind == super::schema::FieldType::Id {
            if matches!(value, Input::Null) || shown(value).is_empty() {
                return Ok(Vec::new());
            }
            let text = shown(value);
            let id = RecordId::parse(&text);
            let id = id.ok_or_else(|| Self::malformed_id(&text, &definition.label))?;
            self.existing(id)?;
            return Ok(vec![id]);
        }
        let wanted = self.coerce(object, definition, value)?;
        if wanted.is_null() {
            let message = format!("{} not specified", definition.name);
            return Err(ApiError::new(ErrorCode::MISSING_ARGUMENT, message));
        }
        Ok(self
            .table(object)
            .holders(field, &wanted, definition.is(Trait::CaseSensitive)))
    }

    /// Moves a record to the Recycle Bin, clearing the lookups that pointed at it.
    pub fn delete(&mut self, call: &Call, id: RecordId) -> Outcome<()> {
        let object = self.existing(id)?;
        if call.origin == Origin::Api && !self.schema.object(object).is_deletable() {
            let message = format!(
                "entity type {} does not support delete",
                self.schema.object(object).name
            );
            return Err(
                ApiError::new(ErrorCode::INSUFFICIENT_ACCESS_OR_READONLY, message).with_status(400),
            );
        }
        self.check_right(call, object, ObjectRight::Delete)?;
        if call.fault == Some(FaultKind::RowLocked) {
            return Err(ApiError::unable_to_lock(id));
        }
        self.atomically(|org| {
            if let Some(record) = org.table(object).get(id) {
                org.check_locks(id, record)?;
            }
            org.bin(call, id, None)
        })
    }

    /// The object of a record that can be written: known here, and not in the Recycle Bin.
    pub fn existing(&self, id: RecordId) -> Outcome<ObjectIndex> {
        let object = self
            .object_of(id)
            .ok_or_else(ApiError::invalid_cross_reference)?;
        match self.table(object).get(id) {
            None => Err(ApiError::invalid_cross_reference()),
            Some(record) if record.is_deleted => Err(ApiError::entity_is_deleted()),
            Some(_) => Ok(object),
        }
    }

    fn check_writable(&self, call: &Call, object: ObjectIndex) -> Outcome<()> {
        let definition = self.schema.object(object);
        if call.origin == Origin::Api && !definition.is_writable() {
            let message = format!(
                "entity type {} does not support this operation",
                definition.name
            );
            return Err(
                ApiError::new(ErrorCode::INSUFFICIENT_ACCESS_OR_READONLY, message).with_status(400),
            );
        }
        Ok(())
    }

    /// The order of the vendor's save:
    ///
    /// 1. Defaults and assignment fill in.
    /// 2. Required fields, then validation rules, then duplicate rules, then unique fields.
    /// 3. The record is stored, and what changed of the tracked fields is noted.
    /// 4. Triggers run; what they change is stored under the same stamp.
    pub(crate) fn save(
        &mut self,
        call: &Call,
        object: ObjectIndex,
        existing: Option<RecordId>,
        mut changes: Changes,
    ) -> Outcome<RecordId> {
        let id = existing.unwrap_or_else(|| self.next_id(object));
        let stamp = call.now.whole_second();
        let before = existing.and_then(|id| self.table(object).get(id).cloned());
        if before.is_none() {
            self.fill_defaults(call, object, &mut changes);
        } else if object == LEAD && self.value(id, "IsConverted") == Value::Bool(true) {
            let message = "cannot reference converted lead";
            return Err(ApiError::new(
                ErrorCode::CANNOT_UPDATE_CONVERTED_LEAD,
                message,
            ));
        }
        let mut record = drafted(call, before.as_ref(), stamp, &changes);
        if let Some(owner) = self.assigned_owner(
            call,
            Subject {
                object,
                id,
                record: &record,
            },
        )? && let Some(field) = self.schema.object(object).find("OwnerId")
        {
            record.cells = record.cells.with(&[(field, Value::Id(owner))]);
        }
        self.check_required(object, &record)?;
        let subject = Subject {
            object,
            id,
            record: &record,
        };
        self.check_validations(call, subject)?;
        self.check_duplicates(call, subject)?;
        self.check_unique(subject, before.as_ref())?;
        self.check_locks(id, &record)?;
        if call.fault == Some(FaultKind::RowLocked) {
            return Err(ApiError::unable_to_lock(id));
        }
        let hidden = self.hidden_window(call, stamp);
        self.put(id, Some(record.clone()), hidden);
        let triggered = self.triggered_changes(
            call,
            Subject {
                object,
                id,
                record: &record,
            },
        )?;
        if !triggered.is_empty() {
            record.cells = record.cells.with(&triggered);
            self.put(id, Some(record.clone()), hidden);
        }
        self.note_history(
            call,
            Subject {
                object,
                id,
                record: &record,
            },
            before.as_ref(),
            hidden,
        );
        Ok(id)
    }

    /// The window during which a slow commit is hidden; none for a fast one.
    pub(crate) fn hidden_window(
        &mut self,
        call: &Call,
        stamp: Timestamp,
    ) -> Option<(Timestamp, Timestamp)> {
        let lag = self.draw_lag(match call.origin {
            Origin::Api => self.lag.api_ms_max,
            Origin::Person => self.lag.people_ms_max,
        });
        (lag > 0).then(|| (stamp, call.now.plus_millis(lag)))
    }

    fn fill_defaults(&self, call: &Call, object: ObjectIndex, changes: &mut Changes) {
        let definition = self.schema.object(object);
        let is_given = |changes: &Changes, field: FieldIndex| {
            changes
                .iter()
                .any(|(given, value)| *given == field && !value.is_null())
        };
        for (field, one) in definition.fields() {
            if !one.default.is_null() && !is_given(changes, field) {
                changes.push((field, one.default.clone()));
            }
        }
        if let Some(owner) = definition.find("OwnerId")
            && !is_given(changes, owner)
        {
            changes.push((owner, Value::Id(call.user)));
        }
        if definition.is_custom
            && let Some(name) = definition.name_field()
            && !is_given(changes, name)
        {
            // A custom object's record without a name is shown by its id.
            changes.push((name, Value::text(self.next_id(object).to_string())));
        }
    }

    fn check_required(&self, object: ObjectIndex, record: &Record) -> Outcome<()> {
        let required = self.schema.object(object).fields().filter(|(field, one)| {
            one.is(Trait::Createable)
                && !one.is(Trait::Nillable)
                && one.kind != super::schema::FieldType::Boolean
                && record.cells.get(*field).is_null()
        });
        let missing: Vec<String> = required.map(|(_, field)| field.name.clone()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        let mut error = ApiError::new(ErrorCode::REQUIRED_FIELD_MISSING, message);
        error.fields = missing;
        Err(error)
    }

    fn check_unique(&self, subject: Subject<'_>, before: Option<&Record>) -> Outcome<()> {
        let definition = self.schema.object(subject.object);
        for (field, one) in definition.fields().filter(|(_, one)| one.is(Trait::Unique)) {
            let value = subject.record.cells.get(field);
            let is_unchanged = before.is_some_and(|before| before.cells.get(field) == value);
            if value.is_null() || is_unchanged {
                continue;
            }
            let value = value.into_owned();
            let table = self.table(subject.object);
            let holders = table.holders(field, &value, one.is(Trait::CaseSensitive));
            if let Some(holder) = holders.into_iter().find(|holder| *holder != subject.id) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {holder}",
                    one.name
                );
                // The vendor names no field here: the message alone says which.
                return Err(ApiError::new(ErrorCode::DUPLICATE_VALUE, message));
            }
        }
        Ok(())
    }

    /// To the Recycle Bin, as the loser of a merge if there is a master.
    pub(crate) fn bin(
        &mut self,
        call: &Call,
        id: RecordId,
        master: Option<RecordId>,
    ) -> Outcome<()> {
        let object = self.existing(id)?;
        let stamp = call.now.whole_second();
        let Some(before) = self.table(object).get(id).cloned() else {
            return Ok(());
        };
        let mut record = Record {
            modified: stamp,
            modified_by: call.user,
            stamp,
            is_deleted: true,
            ..before
        };
        if let Some(master) = master
            && let Some(field) = self.schema.object(object).find("MasterRecordId")
        {
            record.cells = record.cells.with(&[(field, Value::Id(master))]);
        }
        let hidden = self.hidden_window(call, stamp);
        self.put(id, Some(record), hidden);
        self.log_deletion(id, stamp);
        self.release_children(call, object, id, master)
    }

    /// Contacts of a deleted account go with it; lookups are cleared; after a merge both move to
    /// the survivor.
    fn release_children(
        &mut self,
        call: &Call,
        object: ObjectIndex,
        id: RecordId,
        master: Option<RecordId>,
    ) -> Outcome<()> {
        let name = self.schema.object(object).name.clone();
        let mut links = Vec::new();
        for (child, definition) in self.schema.objects() {
            for (field, one) in definition.fields() {
                let points_here = one.reference_to.contains(&name) && one.is(Trait::Updateable);
                if points_here && self.table(child).is_indexed(field) {
                    links.push((child, field, one.name == "AccountId"));
                }
            }
        }
        for (child, field, cascades) in links {
            for row in self.table(child).holders(field, &Value::Id(id), true) {
                if cascades && master.is_none() {
                    self.bin(call, row, None)?;
                    continue;
                }
                let Some(mut record) = self.table(child).get(row).cloned() else {
                    continue;
                };
                let value = master.map_or(Value::Null, Value::Id);
                record.cells = record.cells.with(&[(field, value)]);
                // The platform's own write: the stamp moves, the last modification does not.
                record.stamp = call.now.whole_second();
                self.put(row, Some(record), None);
            }
        }
        Ok(())
    }
}

fn several_matches(key: &str, several: &[RecordId]) -> ApiError {
    let ids: Vec<String> = several.iter().map(RecordId::to_string).collect();
    let message = format!(
        "{key}: more than one record found for external id field: [{}]",
        ids.join(", ")
    );
    ApiError::new(ErrorCode::DUPLICATE_EXTERNAL_ID, message).on(key)
}

fn drafted(call: &Call, before: Option<&Record>, stamp: Timestamp, changes: &Changes) -> Record {
    let draft = before.cloned().unwrap_or_else(|| Record {
        created: stamp,
        created_by: call.user,
        modified: stamp,
        modified_by: call.user,
        stamp,
        is_deleted: false,
        cells: Cells::default(),
    });
    let cells = draft.cells.with(changes);
    Record {
        modified: stamp,
        modified_by: call.user,
        stamp,
        cells,
        ..draft
    }
}
