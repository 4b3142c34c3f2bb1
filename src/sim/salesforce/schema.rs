//! What an organisation's objects and fields are: the part of the truth that describe shows.

mod custom;
mod field;
mod rights;
mod security;
mod standard;

use std::collections::BTreeMap;

pub use custom::{ReferenceKey, custom_columns, timeline};
pub use field::{FieldAccess, FieldDef, FieldType, PicklistValue, Source, Trait, Traits};
pub use rights::{ObjectRight, ObjectRights};
pub use security::UserRight;

use super::ids::KeyPrefix;
use super::value::FieldIndex;

/// Position of an object in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectIndex(pub u16);

/// The standard objects stand first in every schema, in this order.
pub const USER: ObjectIndex = ObjectIndex(0);
pub const GROUP: ObjectIndex = ObjectIndex(1);
pub const ORGANIZATION: ObjectIndex = ObjectIndex(2);
pub const ACCOUNT: ObjectIndex = ObjectIndex(3);
pub const CONTACT: ObjectIndex = ObjectIndex(4);
pub const LEAD: ObjectIndex = ObjectIndex(5);
pub const LEAD_HISTORY: ObjectIndex = ObjectIndex(6);
pub const CONTACT_HISTORY: ObjectIndex = ObjectIndex(7);
pub const PROFILE: ObjectIndex = ObjectIndex(8);
pub const PERMISSION_SET: ObjectIndex = ObjectIndex(9);
pub const PERMISSION_SET_ASSIGNMENT: ObjectIndex = ObjectIndex(10);
pub const OBJECT_PERMISSIONS: ObjectIndex = ObjectIndex(11);
pub const FIELD_PERMISSIONS: ObjectIndex = ObjectIndex(12);

/// Rows of these say who may do what. They take no data storage.
pub const SECURITY_OBJECTS: [ObjectIndex; 5] = [
    PROFILE,
    PERMISSION_SET,
    PERMISSION_SET_ASSIGNMENT,
    OBJECT_PERMISSIONS,
    FIELD_PERMISSIONS,
];

#[derive(Clone, Debug)]
pub struct ObjectDef {
    pub name: String,
    pub label: String,
    pub label_plural: String,
    pub prefix: KeyPrefix,
    pub ability: Ability,
    pub is_custom: bool,
    pub is_history_enabled: bool,
    /// What the integration's profile alone grants, and what it and permission sets grant together.
    pub profile_rights: ObjectRights,
    pub rights: ObjectRights,
    fields: Vec<FieldDef>,
    by_name: BTreeMap<String, FieldIndex>,
}

/// What may be done with an object's records, each level including what describe says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Queries only: history, organisation, groups.
    ReadOnly,
    /// Create and update, never delete: users.
    NoDelete,
    Full,
    /// Full, and two records can become one.
    Mergeable,
}

impl ObjectDef {
    pub fn new(name: &str, label: &str, prefix: KeyPrefix, ability: Ability) -> Self {
        let mut object = Self {
            name: name.to_owned(),
            label: label.to_owned(),
            label_plural: format!("{label}s"),
            prefix,
            ability,
            is_custom: name.ends_with("__c"),
            is_history_enabled: false,
            profile_rights: ObjectRights::ALL,
            rights: ObjectRights::ALL,
            fields: Vec::new(),
            by_name: BTreeMap::new(),
        };
        object.add(
            FieldDef::computed("Id", &format!("{label} ID"), FieldType::Id, Source::Id)
                .required()
                .with(&[Trait::IdLookup, Trait::DefaultedOnCreate]),
        );
        object
    }

    /// Adds a field, or replaces the one of that name in place.
    pub fn add(&mut self, mut field: FieldDef) -> FieldIndex {
        if field.name.ends_with("__c") {
            field.traits.set(Trait::Custom, true);
        }
        let key = field.name.to_lowercase();
        if let Some(index) = self.by_name.get(&key) {
            self.fields[usize::from(index.0)] = field;
            return *index;
        }
        let index = FieldIndex(self.fields.len() as u16);
        self.fields.push(field);
        self.by_name.insert(key, index);
        index
    }

    pub fn fields(&self) -> impl Iterator<Item = (FieldIndex, &FieldDef)> {
        self.fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !field.is(Trait::Removed))
            .map(|(at, field)| (FieldIndex(at as u16), field))
    }

    /// Forgets a field. Its place stays taken, because records know their fields by place.
    pub fn remove(&mut self, name: &str) -> bool {
        let removed = self.by_name.remove(&name.to_lowercase());
        if let Some(index) = removed {
            self.fields[usize::from(index.0)]
                .traits
                .set(Trait::Removed, true);
        }
        removed.is_some()
    }

    /// Field access as the profile alone has it.
    pub(crate) fn reset_access(&mut self) {
        for field in &mut self.fields {
            field.access = field.profile_access;
        }
    }

    /// Places taken, fields that were removed included.
    pub(crate) const fn places(&self) -> usize {
        self.fields.len()
    }

    pub fn field(&self, index: FieldIndex) -> &FieldDef {
        &self.fields[usize::from(index.0)]
    }

    pub fn field_mut(&mut self, index: FieldIndex) -> &mut FieldDef {
        &mut self.fields[usize::from(index.0)]
    }

    /// By API name, in any case.
    pub fn find(&self, name: &str) -> Option<FieldIndex> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    /// The reference field a relationship name belongs to.
    pub fn find_relationship(&self, name: &str) -> Option<FieldIndex> {
        let is_named = |field: &FieldDef| {
            field
                .relationship
                .as_deref()
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        self.fields()
            .find(|(_, field)| is_named(field))
            .map(|(index, _)| index)
    }

    pub fn name_field(&self) -> Option<FieldIndex> {
        self.fields()
            .find(|(_, field)| field.is(Trait::NameField))
            .map(|(index, _)| index)
    }

    /// Whether the kind of object can be written at all, whoever asks.
    pub const fn is_writable(&self) -> bool {
        !matches!(self.ability, Ability::ReadOnly)
    }

    /// Whether the integration may know that there is such an object.
    pub const fn is_readable(&self) -> bool {
        self.rights.has(ObjectRight::Read)
    }

    /// The object's nature and the integration's rights together.
    pub const fn may(&self, right: ObjectRight) -> bool {
        let allows = match right {
            ObjectRight::Create | ObjectRight::Edit => self.is_writable(),
            ObjectRight::Delete => self.is_deletable(),
            _ => true,
        };
        allows && self.rights.has(right)
    }

    pub const fn is_deletable(&self) -> bool {
        matches!(self.ability, Ability::Full | Ability::Mergeable)
    }
}

/// All objects of the organisation.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    objects: Vec<ObjectDef>,
    by_name: BTreeMap<String, ObjectIndex>,
    by_prefix: BTreeMap<KeyPrefix, ObjectIndex>,
}

impl Schema {
    pub fn standard() -> Self {
        let mut schema = Self::default();
        for object in standard::objects() {
            schema.add(object);
        }
        schema
    }

    pub fn add(&mut self, object: ObjectDef) -> ObjectIndex {
        let index = ObjectIndex(self.objects.len() as u16);
        self.by_name.insert(object.name.to_lowercase(), index);
        self.by_prefix.insert(object.prefix, index);
        self.objects.push(object);
        index
    }

    pub fn objects(&self) -> impl Iterator<Item = (ObjectIndex, &ObjectDef)> {
        self.objects
            .iter()
            .enumerate()
            .map(|(at, object)| (ObjectIndex(at as u16), object))
            .filter(|(at, object)| self.by_prefix.get(&object.prefix) == Some(at))
    }

    /// Forgets an object and the lookups that point at it. Its place stays taken.
    pub fn remove(&mut self, index: ObjectIndex) {
        let (name, prefix) = (self.object(index).name.clone(), self.object(index).prefix);
        self.by_name.remove(&name.to_lowercase());
        self.by_prefix.remove(&prefix);
    }

    /// Places taken, objects that were removed included.
    pub(crate) const fn places(&self) -> usize {
        self.objects.len()
    }

    pub fn object(&self, index: ObjectIndex) -> &ObjectDef {
        &self.objects[usize::from(index.0)]
    }

    pub fn object_mut(&mut self, index: ObjectIndex) -> &mut ObjectDef {
        &mut self.objects[usize::from(index.0)]
    }

    /// By API name in any case; a short custom name is also tried with the namespace in front.
    pub fn find(&self, name: &str, namespace: Option<&str>) -> Option<ObjectIndex> {
        let key = name.to_lowercase();
        self.by_name.get(&key).copied().or_else(|| {
            let full = format!("{}__{key}", namespace?.to_lowercase());
            self.by_name.get(&full).copied()
        })
    }

    pub fn find_prefix(&self, prefix: KeyPrefix) -> Option<ObjectIndex> {
        self.by_prefix.get(&prefix).copied()
    }

    /// A field by API name in any case, honouring a default namespace.
    pub fn find_field(
        &self,
        object: ObjectIndex,
        name: &str,
        namespace: Option<&str>,
    ) -> Option<FieldIndex> {
        let object = self.object(object);
        object
            .find(name)
            .or_else(|| object.find(&format!("{}__{name}", namespace?)))
    }

    pub fn find_relationship(
        &self,
        object: ObjectIndex,
        name: &str,
        namespace: Option<&str>,
    ) -> Option<FieldIndex> {
        let object = self.object(object);
        let prefixed = || object.find_relationship(&format!("{}__{name}", namespace?));
        object.find_relationship(name).or_else(prefixed)
    }
}
