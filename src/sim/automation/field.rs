//! Field definitions of contacts and companies: the instance's own description of itself.

use std::collections::BTreeMap;

use super::author::AuthorId;
use super::stock;
use crate::sim::clock::Timestamp;

/// A field's place in the records of its subject. Stays the same for the life of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u16);

/// The product calls contacts `lead` in field definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Contact,
    Company,
}

impl Subject {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "lead",
            Self::Company => "company",
        }
    }
}

/// One choice of a select or multiselect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub value: String,
}

impl Choice {
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
        }
    }
}

/// A field's type with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean {
        no: String,
        yes: String,
    },
    Country,
    Date,
    Datetime,
    Email,
    Html,
    Locale,
    Lookup(Vec<String>),
    Multiselect(Vec<Choice>),
    /// Decimals kept; `None` is a number without properties, an integer.
    Number(Option<u8>),
    Region,
    Select(Vec<Choice>),
    Tel,
    Text,
    Textarea,
    Time,
    Timezone,
    Url,
}

impl Kind {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Boolean { .. } => "boolean",
            Self::Country => "country",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Email => "email",
            Self::Html => "html",
            Self::Locale => "locale",
            Self::Lookup(_) => "lookup",
            Self::Multiselect(_) => "multiselect",
            Self::Number(_) => "number",
            Self::Region => "region",
            Self::Select(_) => "select",
            Self::Tel => "tel",
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Time => "time",
            Self::Timezone => "timezone",
            Self::Url => "url",
        }
    }

    /// The kind of that name, with empty properties.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean {
                no: "No".into(),
                yes: "Yes".into(),
            },
            "country" => Self::Country,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "email" => Self::Email,
            "html" => Self::Html,
            "locale" => Self::Locale,
            "lookup" => Self::Lookup(Vec::new()),
            "multiselect" => Self::Multiselect(Vec::new()),
            "number" => Self::Number(Some(0)),
            "region" => Self::Region,
            "select" => Self::Select(Vec::new()),
            "tel" => Self::Tel,
            "text" => Self::Text,
            "textarea" => Self::Textarea,
            "time" => Self::Time,
            "timezone" => Self::Timezone,
            "url" => Self::Url,
            _ => return None,
        })
    }

    /// Date, datetime and time are the kinds that empty text does not clear.
    pub const fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Datetime | Self::Time)
    }

    pub const fn is_numeric(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Boolean { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Core,
    Social,
    Personal,
    Professional,
}

impl Group {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Social => "social",
            Self::Personal => "personal",
            Self::Professional => "professional",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "core" => Self::Core,
            "social" => Self::Social,
            "personal" => Self::Personal,
            "professional" => Self::Professional,
            _ => return None,
        })
    }
}

/// The yes-or-no properties of a field, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits(u8);

impl Traits {
    pub const REQUIRED: Self = Self(1);
    pub const FIXED: Self = Self(2);
    pub const LISTABLE: Self = Self(4);
    pub const VISIBLE: Self = Self(8);
    pub const SHORT: Self = Self(16);
    pub const UNIQUE: Self = Self(32);
    pub const PUBLIC: Self = Self(64);
    pub const PUBLISHED: Self = Self(128);
    /// What a field created through the API starts with.
    pub const NEW: Self = Self(4 | 8 | 16 | 128);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn set(&mut self, other: Self, on: bool) {
        *self = if on {
            self.with(other)
        } else {
            self.without(other)
        };
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    pub id: u32,
    pub subject: Subject,
    pub position: Position,
    pub alias: String,
    pub label: String,
    pub kind: Kind,
    pub group: Group,
    pub traits: Traits,
    pub default: Option<String>,
    /// Characters a text may have; a field without its own limit takes 191.
    pub length_limit: Option<usize>,
    /// When and by whom it was added; stock fields have neither.
    pub added: Option<(Timestamp, AuthorId)>,
    pub modified: Option<(Timestamp, AuthorId)>,
}

impl Field {
    pub fn is_published(&self) -> bool {
        self.traits.has(Traits::PUBLISHED)
    }

    pub fn is_unique(&self) -> bool {
        self.traits.has(Traits::UNIQUE.with(Traits::PUBLISHED))
    }

    /// Decimals a number field keeps.
    pub fn decimals(&self) -> u8 {
        match self.kind {
            Kind::Number(Some(_)) if self.alias == stock::ALWAYS_WHOLE => 0,
            Kind::Number(scale) => scale.unwrap_or(0),
            _ => 0,
        }
    }

    /// Own fields come before stock ones, each in order of creation; stock fields of contacts and
    /// companies alternate.
    pub fn rank(&self) -> (bool, u32) {
        let stock = self.added.is_none();
        let place = match (stock, self.id) {
            (false, id) => id,
            (true, id) if id <= 15 => 2 * id - 1,
            (true, id) if id <= stock::CONTACT_FIELDS => id + 15,
            (true, id) => 2 * (id - stock::CONTACT_FIELDS),
        };
        (stock, place)
    }
}

/// What to make a field from. `alias` may come out changed.
#[derive(Clone, Debug)]
pub struct NewField {
    pub subject: Subject,
    pub alias: String,
    pub label: String,
    pub kind: Kind,
    pub group: Group,
    pub traits: Traits,
    pub default: Option<String>,
    pub length_limit: Option<usize>,
}

impl NewField {
    pub fn contact(alias: &str, label: &str, kind: Kind) -> Self {
        Self {
            subject: Subject::Contact,
            alias: alias.to_owned(),
            label: label.to_owned(),
            kind,
            group: Group::Core,
            traits: Traits::NEW,
            default: None,
            length_limit: None,
        }
    }

    pub fn company(alias: &str, label: &str, kind: Kind) -> Self {
        Self {
            subject: Subject::Company,
            ..Self::contact(alias, label, kind)
        }
    }

    /// Makes it a key by which an incoming contact is matched.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.traits = self.traits.with(Traits::UNIQUE);
        self
    }
}

/// Every field of the instance.
#[derive(Clone, Debug)]
pub struct Fields {
    contact: Vec<Field>,
    company: Vec<Field>,
    aliases: BTreeMap<String, (Subject, Position)>,
    unique: Vec<Position>,
    next_id: u32,
}

impl Default for Fields {
    fn default() -> Self {
        let mut fields = Self {
            contact: Vec::new(),
            company: Vec::new(),
            aliases: BTreeMap::new(),
            unique: Vec::new(),
            next_id: 1,
        };
        for stock in stock::fields() {
            fields.push(stock, None);
        }
        fields
    }
}

impl Fields {
    /// Adds a field; the alias is normalised, and numbered when reserved (`id` becomes `id1`).
    /// `None` when the alias is taken by another field.
    pub fn add(&mut self, mut new: NewField, added: (Timestamp, AuthorId)) -> Option<&Field> {
        new.alias = normal_alias(&new.alias);
        if RESERVED.contains(&new.alias.as_str()) {
            let stem = new.alias.clone();
            let mut number = 1;
            while self.aliases.contains_key(&new.alias) || new.alias == stem {
                new.alias = format!("{stem}{number}");
                number += 1;
            }
        }
        if self.aliases.contains_key(&new.alias) {
            return None;
        }
        Some(self.push(new, Some(added)))
    }

    /// Removes the definition; values stay in the records, out of sight.
    pub fn remove(&mut self, id: u32) -> Option<Field> {
        let field = self.by_id(id)?.clone();
        self.aliases.remove(&field.alias);
        if let Some(field) = self.by_id_mut(id) {
            field.traits = Traits(0);
            field.id = 0;
        }
        self.refresh();
        Some(field)
    }

    /// Changes a definition in place.
    pub fn alter(&mut self, id: u32, change: impl FnOnce(&mut Field)) -> Option<&Field> {
        change(self.by_id_mut(id)?);
        self.refresh();
        self.by_id(id)
    }

    pub fn of(&self, subject: Subject) -> impl Iterator<Item = &Field> {
        self.table(subject).iter().filter(|field| field.id != 0)
    }

    /// The subject's fields in display order.
    pub fn ranked(&self, subject: Subject) -> Vec<&Field> {
        let mut fields: Vec<&Field> = self.of(subject).collect();
        fields.sort_by_key(|field| field.rank());
        fields
    }

    /// The number shown as `order`: the rank among the fields of both subjects.
    pub fn order_of(&self, field: &Field) -> usize {
        let rank = field.rank();
        let all = self.of(Subject::Contact).chain(self.of(Subject::Company));
        1 + all.filter(|other| other.rank() < rank).count()
    }

    pub fn at(&self, subject: Subject, position: Position) -> Option<&Field> {
        self.table(subject)
            .get(usize::from(position.0))
            .filter(|field| field.id != 0)
    }

    pub fn by_alias(&self, subject: Subject, alias: &str) -> Option<&Field> {
        let (of, position) = self.aliases.get(alias)?;
        if *of == subject {
            self.at(subject, *position)
        } else {
            None
        }
    }

    pub fn by_id(&self, id: u32) -> Option<&Field> {
        self.contact
            .iter()
            .chain(&self.company)
            .find(|field| id != 0 && field.id == id)
    }

    /// Positions of the published contact fields that identify a contact.
    pub fn unique(&self) -> &[Position] {
        &self.unique
    }

    fn by_id_mut(&mut self, id: u32) -> Option<&mut Field> {
        self.contact
            .iter_mut()
            .chain(&mut self.company)
            .find(|field| id != 0 && field.id == id)
    }

    fn push(&mut self, new: NewField, added: Option<(Timestamp, AuthorId)>) -> &Field {
        let subject = new.subject;
        // A multiselect's missing default is empty text, not null.
        let missing_default = matches!(new.kind, Kind::Multiselect(_)).then(String::new);
        let position = Position(self.table(subject).len() as u16);
        let field = Field {
            id: self.next_id,
            subject,
            position,
            alias: new.alias,
            label: new.label,
            kind: new.kind,
            group: new.group,
            traits: new.traits,
            default: new.default.or(missing_default),
            length_limit: new.length_limit,
            added,
            modified: None,
        };
        self.next_id += 1;
        self.aliases
            .insert(field.alias.clone(), (subject, position));
        match subject {
            Subject::Contact => self.contact.push(field),
            Subject::Company => self.company.push(field),
        }
        self.refresh();
        &self.table(subject)[usize::from(position.0)]
    }

    fn refresh(&mut self) {
        self.unique = self
            .contact
            .iter()
            .filter(|field| field.is_unique())
            .map(|f| f.position)
            .collect();
    }

    fn table(&self, subject: Subject) -> &Vec<Field> {
        match subject {
            Subject::Contact => &self.contact,
            Subject::Company => &self.company,
        }
    }
}

/// Names of record columns, which no field may take.
const RESERVED: [&str; 10] = [
    "id",
    "date_added",
    "date_modified",
    "created_by",
    "modified_by",
    "owner_id",
    "is_published",
    "stage_id",
    "date_identified",
    "internal",
];

/// Lower case, other characters to `_`, at most 25 characters.
fn normal_alias(alias: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    alias.trim().chars().map(plain).take(25).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added() -> (Timestamp, AuthorId) {
        (Timestamp::from_seconds(0), AuthorId::SYSTEM)
    }

    #[test]
    fn a_reserved_alias_is_renamed_and_a_taken_one_refused() {
        let mut fields = Fields::default();
        let id = fields
            .add(NewField::contact("id", "id", Kind::Text), added())
            .unwrap();
        assert_eq!(id.alias, "id1");
        assert!(
            fields
                .add(NewField::contact("city", "Again", Kind::Text), added())
                .is_none()
        );
        let odd = fields
            .add(NewField::contact("CRM Key!", "Key", Kind::Text), added())
            .unwrap();
        assert_eq!(odd.alias, "crm_key_");
    }

    #[test]
    fn own_fields_come_first_and_stock_fields_alternate() {
        let mut fields = Fields::default();
        let first_name = fields
            .by_alias(Subject::Contact, "firstname")
            .unwrap()
            .clone();
        assert_eq!(fields.order_of(&first_name), 3);
        fields.add(NewField::contact("tier", "Tier", Kind::Text), added());
        assert_eq!(fields.order_of(&first_name), 4);
        assert_eq!(fields.ranked(Subject::Contact)[0].alias, "tier");
        assert_eq!(fields.ranked(Subject::Company)[0].alias, "companyaddress1");
    }

    #[test]
    fn an_unpublished_field_no_longer_identifies() {
        let mut fields = Fields::default();
        let new = NewField::contact("crm_key", "Key", Kind::Text).unique();
        let id = fields.add(new, added()).unwrap().id;
        assert_eq!(fields.unique().len(), 2);
        fields.alter(id, |field| field.traits.set(Traits::PUBLISHED, false));
        assert_eq!(fields.unique().len(), 1);
    }
}
