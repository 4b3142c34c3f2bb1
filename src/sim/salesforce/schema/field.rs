//! What a field is: its type, its traits, where its value comes from, who may touch it.

use crate::sim::salesforce::value::OwnedValue;

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

/// What field-level security grants the integration's users. From little to much, so that the
/// greater of two grants is what both give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldAccess {
    Hidden,
    ReadOnly,
    Full,
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
    /// Deleted in the set-up; only its place is left.
    Removed,
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
    /// What the profile and every assigned permission set grant together.
    pub access: FieldAccess,
    /// What the profile alone grants.
    pub profile_access: FieldAccess,
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
            profile_access: FieldAccess::Full,
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
