//! Who may do what: the integration's profile and the permission sets assigned to its user.
//!
//! The rows are records of the data API. What they add up to is worked out after each change and
//! kept with the schema, because every read and write asks for it.

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Origin, Salesforce};
use super::schema::{
    Ability, FIELD_PERMISSIONS, FieldAccess, OBJECT_PERMISSIONS, ObjectIndex, ObjectRight,
    ObjectRights, PERMISSION_SET, PERMISSION_SET_ASSIGNMENT, PROFILE, SECURITY_OBJECTS, Trait,
    UserRight,
};
use super::soql::eval::Subject;
use super::value::{OwnedValue, Value};
use crate::sim::clock::Timestamp;

impl Salesforce {
    /// The profile the integration's user has, with a permission set of its own as every profile.
    pub(super) fn found_profile(&mut self, at: Timestamp) -> RecordId {
        let nobody = self.integration_user();
        let name = [("Name", Value::text("Intégration"))];
        let profile = self.seed(PROFILE, &name, nobody, at);
        let mut own = vec![
            ("Name", Value::text(format!("X{profile}"))),
            ("Label", Value::text(format!("X{profile}"))),
            ("IsOwnedByProfile", Value::Bool(true)),
            ("IsCustom", Value::Bool(false)),
            ("ProfileId", Value::Id(profile)),
        ];
        own.extend(UserRight::EVERY.map(|right| (right.column(), Value::Bool(true))));
        self.seed(PERMISSION_SET, &own, nobody, at);
        profile
    }

    /// The integration's user holds its profile's own set.
    pub(super) fn found_assignment(&mut self, at: Timestamp) {
        let user = self.integration_user();
        if let Some(own) = self.profile_set() {
            let fields = [
                ("AssigneeId", Value::Id(user)),
                ("PermissionSetId", Value::Id(own)),
            ];
            self.seed(PERMISSION_SET_ASSIGNMENT, &fields, user, at);
        }
    }

    fn profile_set(&self) -> Option<RecordId> {
        let mut sets = self.records(PERMISSION_SET).map(|(id, _)| id);
        sets.find(|id| self.value(*id, "IsOwnedByProfile") == Value::Bool(true))
    }

    /// Sets the integration's user holds, its profile's own among them.
    fn assigned_sets(&self) -> Vec<RecordId> {
        let user = Value::Id(self.integration_user());
        let rows = self.records(PERMISSION_SET_ASSIGNMENT);
        rows.filter(|(id, row)| !row.is_deleted && self.value(*id, "AssigneeId") == user)
            .filter_map(|(id, _)| self.value(id, "PermissionSetId").as_id())
            .collect()
    }

    pub fn has_right(&self, right: UserRight) -> bool {
        let sets = self.assigned_sets();
        sets.into_iter()
            .any(|set| self.value(set, right.column()) == Value::Bool(true))
    }

    /// Ticks or unticks a user permission in the integration's profile.
    pub fn set_user_right(&mut self, right: UserRight, is_on: bool, now: Timestamp) {
        let Some(own) = self.profile_set() else {
            return;
        };
        let found = self.schema.object(PERMISSION_SET).find(right.column());
        if let (Some(field), Some(mut record)) = (found, self.record(own).cloned()) {
            record.cells = record.cells.with(&[(field, Value::Bool(is_on))]);
            let _ = self.atomically(|org| {
                org.put(own, Some(record), None);
                Ok::<(), ApiError>(())
            });
            self.schema_changed = now;
        }
    }

    /// Object permissions of the integration's profile. Whoever views or modifies all data is held
    /// by none of them, so those two permissions go too, unless everything is granted.
    pub fn grant_object(&mut self, object: ObjectIndex, rights: ObjectRights, now: Timestamp) {
        self.schema.object_mut(object).profile_rights = rights;
        let is_all = rights == ObjectRights::ALL;
        self.set_user_right(UserRight::ModifyAllData, is_all, now);
        self.set_user_right(UserRight::ViewAllData, is_all, now);
        self.refresh_access();
        self.schema_changed = now;
    }

    /// Field-level security of the integration's profile. False if there is no such field.
    pub fn grant(
        &mut self,
        object: ObjectIndex,
        field: &str,
        access: FieldAccess,
        now: Timestamp,
    ) -> bool {
        let found = self.schema.object(object).find(field);
        if let Some(index) = found {
            self.schema
                .object_mut(object)
                .field_mut(index)
                .profile_access = access;
            self.refresh_access();
            self.schema_changed = now;
        }
        found.is_some()
    }

    /// Adds up what the profile and the assigned sets grant.
    pub(super) fn refresh_access(&mut self) {
        let sets = self.assigned_sets();
        let of_sets = |parent: &Value<'_>| parent.as_id().is_some_and(|id| sets.contains(&id));
        let live = |org: &Self, object: ObjectIndex| -> Vec<RecordId> {
            let rows = org.records(object).filter(|(_, row)| !row.is_deleted);
            let rows = rows.map(|(id, _)| id);
            rows.filter(|id| of_sets(&org.value(*id, "ParentId")))
                .collect()
        };
        let everything = if self.has_right(UserRight::ModifyAllData) {
            ObjectRights::ALL
        } else if self.has_right(UserRight::ViewAllData) {
            ObjectRights::NONE
                .with(ObjectRight::Read)
                .with(ObjectRight::ViewAll)
        } else {
            ObjectRights::NONE
        };
        for place in 0..self.schema.places() {
            let object = self.schema.object_mut(ObjectIndex(place as u16));
            object.rights = object.profile_rights.and(everything);
            object.reset_access();
        }
        for row in live(self, OBJECT_PERMISSIONS) {
            let rights = self.granted_rights(row);
            if let Some(object) = self.named_object(row) {
                let object = self.schema.object_mut(object);
                object.rights = object.rights.and(rights);
            }
        }
        for row in live(self, FIELD_PERMISSIONS) {
            let is_on = |column: &str| self.value(row, column) == Value::Bool(true);
            let access = match (is_on("PermissionsRead"), is_on("PermissionsEdit")) {
                (_, true) => FieldAccess::Full,
                (true, false) => FieldAccess::ReadOnly,
                (false, false) => FieldAccess::Hidden,
            };
            let field = self.value(row, "Field").into_owned();
            let Some((object, field)) = field.as_text().and_then(|field| self.qualified(field))
            else {
                continue;
            };
            let field = self.schema.object_mut(object).field_mut(field);
            field.access = field.access.max(access);
        }
    }

    fn granted_rights(&self, row: RecordId) -> ObjectRights {
        let granted = ObjectRight::EVERY
            .into_iter()
            .filter(|right| self.value(row, right.column()) == Value::Bool(true));
        granted.fold(ObjectRights::NONE, ObjectRights::with)
    }

    fn named_object(&self, row: RecordId) -> Option<ObjectIndex> {
        let name = self.value(row, "SobjectType").into_owned();
        self.schema.find(name.as_text()?, None)
    }

    /// `Contact.HasOptedOutOfEmail`
    pub(crate) fn qualified(&self, name: &str) -> Option<(ObjectIndex, super::value::FieldIndex)> {
        let (object, field) = name.split_once('.')?;
        let object = self.schema.find(object, None)?;
        Some((object, self.schema.object(object).find(field)?))
    }

    /// 1. An object the caller may not read does not exist for it.
    /// 2. Without the right to create, the entity cannot be inserted.
    /// 3. Without the right to edit or delete, access to the record is insufficient.
    /// 4. Rows about permissions need the user permissions that go with them.
    pub(super) fn check_right(
        &self,
        call: &Call,
        object: ObjectIndex,
        right: ObjectRight,
    ) -> Outcome<()> {
        if call.origin == Origin::Person {
            return Ok(());
        }
        let insufficient = || {
            let message = "insufficient access rights on object id";
            ApiError::new(ErrorCode::INSUFFICIENT_ACCESS_OR_READONLY, message)
        };
        if SECURITY_OBJECTS.contains(&object) {
            let needed = if object == PERMISSION_SET_ASSIGNMENT {
                UserRight::AssignPermissionSets
            } else {
                UserRight::ManageProfilesPermissionsets
            };
            return if self.has_right(needed) {
                Ok(())
            } else {
                Err(insufficient())
            };
        }
        let definition = self.schema.object(object);
        match right {
            _ if definition.rights.has(right) => Ok(()),
            ObjectRight::Create => {
                let message = format!("entity type cannot be inserted: {}", definition.label);
                let code = ErrorCode::CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY;
                Err(ApiError::new(code, message))
            }
            _ => Err(insufficient()),
        }
    }

    /// What a row about permissions must be, besides well typed.
    pub(super) fn check_security_row(&self, subject: Subject<'_>) -> Outcome<()> {
        match subject.object {
            OBJECT_PERMISSIONS => self.check_object_row(subject),
            FIELD_PERMISSIONS => self.check_field_row(subject),
            PERMISSION_SET_ASSIGNMENT => self.check_assignment(subject),
            _ => Ok(()),
        }
    }

    fn check_object_row(&self, subject: Subject<'_>) -> Outcome<()> {
        let name = self.named_value(subject, "SobjectType").into_owned();
        let name = name.as_text().unwrap_or_default();
        let found = self.schema.find(name, None).filter(|object| {
            let definition = self.schema.object(*object);
            matches!(definition.ability, Ability::Full | Ability::Mergeable)
                && !SECURITY_OBJECTS.contains(object)
        });
        let Some(object) = found else {
            return Err(unlisted("SObject Type Name", "SobjectType", name));
        };
        let plural = &self.schema.object(object).label_plural;
        let is_on =
            |right: &ObjectRight| self.named_value(subject, right.column()) == Value::Bool(true);
        for right in ObjectRight::EVERY.into_iter().filter(is_on) {
            let missing: Vec<String> = right
                .depends_on()
                .iter()
                .filter(|needed| !is_on(needed))
                .map(|needed| format!("{} {plural}", needed.verb()))
                .collect();
            if !missing.is_empty() {
                let message = format!(
                    "Permission {} {plural} depends on permission(s): {}",
                    right.verb(),
                    missing.join(", ")
                );
                return Err(ApiError::new(ErrorCode::FIELD_INTEGRITY_EXCEPTION, message));
            }
        }
        self.check_only_row(subject, &["ParentId", "SobjectType"])
    }

    fn check_field_row(&self, subject: Subject<'_>) -> Outcome<()> {
        let text = |column: &str| self.named_value(subject, column).into_owned();
        let (named, object) = (text("Field"), text("SobjectType"));
        let (named, object) = (
            named.as_text().unwrap_or_default(),
            object.as_text().unwrap_or_default(),
        );
        let found = self.qualified(named).filter(|(found, field)| {
            let definition = self.schema.object(*found);
            definition.name.eq_ignore_ascii_case(object)
                && definition.field(*field).is(Trait::Permissionable)
        });
        // A field that takes no permissions is not in the list of those that do.
        if found.is_none() {
            return Err(unlisted("Field Name", "Field", named));
        }
        let is_on = |column: &str| self.named_value(subject, column) == Value::Bool(true);
        let is_worked_out = found.is_some_and(|(object, field)| {
            let field = self.schema.object(object).field(field);
            field.is(Trait::AutoNumber) || field.is(Trait::Calculated)
        });
        if is_on("PermissionsEdit") && is_worked_out {
            let message = format!("Permission Edit is not allowed for {named}: it is read-only");
            return Err(ApiError::new(ErrorCode::FIELD_INTEGRITY_EXCEPTION, message));
        }
        if is_on("PermissionsEdit") && !is_on("PermissionsRead") {
            let message = format!("Permission Edit {named} depends on permission(s): Read {named}");
            return Err(ApiError::new(ErrorCode::FIELD_INTEGRITY_EXCEPTION, message));
        }
        self.check_only_row(subject, &["ParentId", "SobjectType", "Field"])
    }

    fn check_assignment(&self, subject: Subject<'_>) -> Outcome<()> {
        if let Some(_twin) = self.twin(subject, &["AssigneeId", "PermissionSetId"]) {
            let id = |column: &str| self.named_value(subject, column).as_id();
            let shown = |id: Option<RecordId>| id.map(|id| id.to_string()).unwrap_or_default();
            let message = format!(
                "Duplicate PermissionSetAssignment. Assignee: {}; Permission Set: {}",
                shown(id("AssigneeId")),
                shown(id("PermissionSetId"))
            );
            return Err(ApiError::new(ErrorCode::DUPLICATE_VALUE, message));
        }
        Ok(())
    }

    fn check_only_row(&self, subject: Subject<'_>, keys: &[&str]) -> Outcome<()> {
        let Some(twin) = self.twin(subject, keys) else {
            return Ok(());
        };
        let message =
            format!("duplicate value found: <unknown> duplicates value on record with id: {twin}");
        Err(ApiError::new(ErrorCode::DUPLICATE_VALUE, message))
    }

    /// Another live row with the same keys.
    fn twin(&self, subject: Subject<'_>, keys: &[&str]) -> Option<RecordId> {
        let wanted: Vec<OwnedValue> = keys
            .iter()
            .map(|key| self.named_value(subject, key).into_owned())
            .collect();
        let is_same = |id: RecordId| {
            keys.iter().zip(&wanted).all(|(key, wanted)| {
                self.value(id, key)
                    .compare(wanted, false)
                    .is_some_and(std::cmp::Ordering::is_eq)
            })
        };
        let rows = self.records(subject.object);
        rows.filter(|(id, row)| !row.is_deleted && *id != subject.id)
            .map(|(id, _)| id)
            .find(|id| is_same(*id))
    }
}

fn unlisted(label: &str, field: &str, value: &str) -> ApiError {
    let message = format!("{label}: bad value for restricted picklist field: {value}");
    let code = ErrorCode::INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST;
    ApiError::new(code, message).on(field)
}
