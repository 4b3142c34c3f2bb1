//! What an organisation's objects and fields are: the part of the truth that describe shows.

mod custom;
mod standard;

use std::collections::BTreeMap;

pub use custom::{ReferenceKey, custom_columns, timeline};

use super::ids::KeyPrefix;
use super::value::{FieldIndex, OwnedValue};

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

/// Field types, under the names describe gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Id,
    String,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Email,
    Phone,
    Url,
    TextArea,
    Picklist,
    MultiPicklist,
    Reference,
    Address,
    AnyType,
}

impl FieldType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::TextArea => "textarea",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Reference => "reference",
            Self::Address => "address",
            Self::AnyType => "anyType",
        }
    }

    pub const fn soap_name(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Address => "urn:address",
            Self::AnyType => "xsd:anyType",
            _ => "xsd:string",
        }
    }

    pub const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Int | Self::Double | Self::Currency | Self::Percent
        )
    }

    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::TextArea
                | Self::Picklist
                | Self::MultiPicklist
        )
    }
}

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Cell,
    Id,
    CreatedDate,
    CreatedById,
    LastModifiedDate,
    LastModifiedById,
    SystemModstamp,
    IsDeleted,
    /// `FirstName LastName`.
    FullName,
    /// The six parts named `{prefix}Street`, `{prefix}City`, …
    Address(&'static str),
    /// True when the named field is not null.
    IsSet(&'static str),
    /// A formula joining the text of other fields with a space.
    Joined(Vec<String>),
    /// Always the same, whatever the record.
    Constant(OwnedValue),
}

/// What field-level security grants the integration's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldAccess {
    Full,
    ReadOnly,
    Hidden,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PicklistValue {
    pub value: String,
    pub is_active: bool,
    pub is_default: bool,
}

/// One yes-or-no column of describe. A set of them replaces twenty booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    Nillable,
    Createable,
    Updateable,
    DefaultedOnCreate,
    Unique,
    CaseSensitive,
    ExternalId,
    IdLookup,
    Filterable,
    Sortable,
    Groupable,
    Permissionable,
    RestrictedPicklist,
    Calculated,
    AutoNumber,
    NameField,
    Custom,
    HistoryTracked,
    /// Kept in an equality index, so that queries by it do not scan.
    Indexed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits(u32);

impl Traits {
    pub const fn has(self, one: Trait) -> bool {
        self.0 >> one as u32 & 1 == 1
    }

    pub const fn set(&mut self, one: Trait, is_on: bool) {
        self.0 = if is_on {
            self.0 | 1 << one as u32
        } else {
            self.0 & !(1 << one as u32)
        };
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct FieldDef {
    pub name: String,
    pub label: String,
    pub kind: FieldType,
    pub source: Source,
    pub traits: Traits,
    pub access: FieldAccess,
    pub length: u32,
    pub precision: u32,
    pub scale: u32,
    pub picklist: Vec<PicklistValue>,
    pub reference_to: Vec<String>,
    pub relationship: Option<String>,
    pub compound: Option<&'static str>,
    pub default: OwnedValue,
}

impl FieldDef {
    /// A plain nullable field that everyone may write.
    pub fn new(name: &str, label: &str, kind: FieldType) -> Self {
        let mut field = Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            source: Source::Cell,
            traits: Traits::default(),
            access: FieldAccess::Full,
            length: default_length(kind),
            precision: 0,
            scale: 0,
            picklist: Vec::new(),
            reference_to: Vec::new(),
            relationship: None,
            compound: None,
            default: OwnedValue::Null,
        };
        for on in [
            Trait::Nillable,
            Trait::Createable,
            Trait::Updateable,
            Trait::Filterable,
            Trait::Sortable,
            Trait::Groupable,
            Trait::Permissionable,
        ] {
            field.traits.set(on, true);
        }
        if kind == FieldType::Boolean {
            field.traits.set(Trait::Nillable, false);
            field.traits.set(Trait::DefaultedOnCreate, true);
            field.default = OwnedValue::Bool(false);
        }
        if matches!(
            kind,
            FieldType::DateTime | FieldType::Double | FieldType::Percent
        ) {
            field.traits.set(Trait::Groupable, false);
        }
        if kind == FieldType::MultiPicklist {
            field.traits.set(Trait::Sortable, false);
            field.traits.set(Trait::Groupable, false);
        }
        if kind.is_numeric() {
            (field.precision, field.scale) = if kind == FieldType::Int {
                (9, 0)
            } else {
                (18, 2)
            };
        }
        field
    }

    pub fn text(name: &str, label: &str, length: u32) -> Self {
        Self::new(name, label, FieldType::String).with_length(length)
    }

    pub fn number(name: &str, label: &str, precision: u32, scale: u32) -> Self {
        let mut field = Self::new(name, label, FieldType::Double);
        (field.precision, field.scale) = (precision, scale);
        field
    }

    pub fn long_text(name: &str, label: &str, length: u32) -> Self {
        Self::new(name, label, FieldType::TextArea)
            .with_length(length)
            .without(&[Trait::Filterable, Trait::Sortable, Trait::Groupable])
    }

    pub fn picklist(name: &str, label: &str, values: &[&str]) -> Self {
        Self::new(name, label, FieldType::Picklist).with_values(values)
    }

    pub fn reference(name: &str, label: &str, relationship: &str, to: &[&str]) -> Self {
        let mut field = Self::new(name, label, FieldType::Reference).with(&[Trait::Indexed]);
        field.reference_to = to.iter().map(|object| (*object).to_owned()).collect();
        field.relationship = (!relationship.is_empty()).then(|| relationship.to_owned());
        field
    }

    /// A value the platform computes.
    pub fn computed(name: &str, label: &str, kind: FieldType, source: Source) -> Self {
        let mut field = Self::new(name, label, kind).read_only();
        field.source = source;
        field
    }

    #[must_use]
    pub fn with_length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    #[must_use]
    pub fn with_values(mut self, values: &[&str]) -> Self {
        let value = |value: &&str| PicklistValue {
            value: (*value).to_owned(),
            is_active: true,
            is_default: false,
        };
        self.picklist = values.iter().map(value).collect();
        self
    }

    #[must_use]
    pub fn with(mut self, traits: &[Trait]) -> Self {
        for one in traits {
            self.traits.set(*one, true);
        }
        self
    }

    #[must_use]
    pub fn without(mut self, traits: &[Trait]) -> Self {
        for one in traits {
            self.traits.set(*one, false);
        }
        self
    }

    #[must_use]
    pub fn read_only(self) -> Self {
        self.without(&[Trait::Createable, Trait::Updateable])
    }

    #[must_use]
    pub fn required(self) -> Self {
        self.without(&[Trait::Nillable, Trait::Permissionable])
    }

    /// Filled by the platform when the client leaves it out.
    #[must_use]
    pub fn defaulted(mut self, default: OwnedValue) -> Self {
        self.default = default;
        for value in &mut self.picklist {
            value.is_default = self.default.as_text() == Some(&value.value);
        }
        self.without(&[Trait::Nillable])
            .with(&[Trait::DefaultedOnCreate])
    }

    #[must_use]
    pub fn external_id(self) -> Self {
        self.with(&[Trait::ExternalId, Trait::IdLookup, Trait::Indexed])
    }

    #[must_use]
    pub fn unique(self) -> Self {
        self.with(&[Trait::Unique, Trait::Indexed])
    }

    pub const fn is(&self, one: Trait) -> bool {
        self.traits.has(one)
    }

    pub const fn is_readable(&self) -> bool {
        !matches!(self.access, FieldAccess::Hidden)
    }

    /// Field-level security and the field's own nature together.
    pub const fn is_createable(&self) -> bool {
        self.is(Trait::Createable) && matches!(self.access, FieldAccess::Full)
    }

    pub const fn is_updateable(&self) -> bool {
        self.is(Trait::Updateable) && matches!(self.access, FieldAccess::Full)
    }
}

const fn default_length(kind: FieldType) -> u32 {
    match kind {
        FieldType::Id | FieldType::Reference => 18,
        FieldType::Email => 80,
        FieldType::Phone => 40,
        FieldType::Url | FieldType::String | FieldType::Picklist | FieldType::TextArea => 255,
        FieldType::MultiPicklist => 4099,
        _ => 0,
    }
}

#[derive(Clone, Debug)]
pub struct ObjectDef {
    pub name: String,
    pub label: String,
    pub label_plural: String,
    pub prefix: KeyPrefix,
    pub ability: Ability,
    pub is_custom: bool,
    pub is_history_enabled: bool,
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
            .map(|(at, field)| (FieldIndex(at as u16), field))
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

    pub const fn is_writable(&self) -> bool {
        !matches!(self.ability, Ability::ReadOnly)
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
