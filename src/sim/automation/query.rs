//! Filters and orders over contacts, as the product's SQL would read them.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::author::Authors;
use super::contact::Contact;
use super::field::{Fields, Kind, Position, Subject};
use super::search::Search;
use super::time::{Shown, read_filter};
use super::value::{Value, numeric};
use crate::sim::clock::Timestamp;

/// A column of the contacts table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Id,
    Added,
    Modified,
    Identified,
    LastActive,
    Owner,
    Stage,
    Points,
    Published,
    CreatedBy,
    CreatedByUser,
    ModifiedBy,
    ModifiedByUser,
    Field(Position, bool),
}

impl Column {
    /// The column of that snake_case name: orders and nested groups know no other spelling.
    pub fn named(fields: &Fields, subject: Subject, name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "date_added" => Self::Added,
            "date_modified" => Self::Modified,
            "date_identified" => Self::Identified,
            "last_active" => Self::LastActive,
            "owner_id" => Self::Owner,
            "stage_id" => Self::Stage,
            // A company's points are its score.
            "points" | "score" => Self::Points,
            "is_published" => Self::Published,
            "created_by" => Self::CreatedBy,
            "created_by_user" => Self::CreatedByUser,
            "modified_by" => Self::ModifiedBy,
            "modified_by_user" => Self::ModifiedByUser,
            alias => {
                let field = fields.by_alias(subject, alias)?;
                Self::Field(field.position, matches!(field.kind, Kind::Number(_)))
            }
        })
    }

    /// A flat clause takes the property's camelCase name as well.
    pub fn named_either_way(fields: &Fields, subject: Subject, name: &str) -> Option<Self> {
        let snake = match name {
            "dateAdded" => "date_added",
            "dateModified" => "date_modified",
            "dateIdentified" => "date_identified",
            "lastActive" => "last_active",
            "isPublished" => "is_published",
            "createdBy" => "created_by",
            "createdByUser" => "created_by_user",
            "modifiedBy" => "modified_by",
            "modifiedByUser" => "modified_by_user",
            other => other,
        };
        Self::named(fields, subject, snake)
    }

    fn is_time(self) -> bool {
        matches!(
            self,
            Self::Added | Self::Modified | Self::Identified | Self::LastActive
        )
    }

    fn is_number(self) -> bool {
        match self {
            Self::Id | Self::Owner | Self::Stage | Self::Points | Self::Published => true,
            Self::CreatedBy | Self::ModifiedBy => true,
            Self::Field(_, numeric) => numeric,
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Like,
    NotLike,
    In,
    NotIn,
    Between,
    NotBetween,
    IsNull,
    IsNotNull,
    IsEmpty,
    IsNotEmpty,
}

impl Expression {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "like" => Self::Like,
            "notLike" => Self::NotLike,
            "in" => Self::In,
            "notIn" => Self::NotIn,
            "between" => Self::Between,
            "notBetween" => Self::NotBetween,
            "isNull" => Self::IsNull,
            "isNotNull" => Self::IsNotNull,
            "isEmpty" => Self::IsEmpty,
            "isNotEmpty" => Self::IsNotEmpty,
            _ => return None,
        })
    }
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Number(f64),
    Time(Timestamp),
    Text(String),
}

impl Operand {
    /// Reads text as the column's type, the way the database would.
    fn read(column: Column, text: &str) -> Self {
        if column.is_time() {
            // An unreadable date compares as the zero date.
            return Self::Time(read_filter(text).unwrap_or(Timestamp::MIN));
        }
        if column.is_number() {
            let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+'));
            return Self::Number(numeric(&text[..end.unwrap_or(text.len())]).unwrap_or(0.0));
        }
        Self::Text(text.to_lowercase())
    }
}

/// A condition on one contact.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    Test {
        column: Column,
        expression: Expression,
        operands: Vec<Operand>,
    },
    All(Vec<Clause>),
    Any(Vec<Clause>),
}

impl Clause {
    /// A comparison with text operands, converted to the column's type.
    pub fn test(column: Column, expression: Expression, texts: &[&str]) -> Self {
        let pattern = matches!(expression, Expression::Like | Expression::NotLike);
        let read = |text: &&str| {
            if pattern {
                Operand::Text(text.to_lowercase())
            } else {
                Operand::read(column, text)
            }
        };
        Self::Test {
            column,
            expression,
            operands: texts.iter().map(read).collect(),
        }
    }

    pub fn at_least(column: Column, moment: Timestamp) -> Self {
        let operands = vec![Operand::Time(moment.whole_second())];
        Self::Test {
            column,
            expression: Expression::Gte,
            operands,
        }
    }

    pub fn id_above(id: u32) -> Self {
        let operands = vec![Operand::Number(f64::from(id))];
        Self::Test {
            column: Column::Id,
            expression: Expression::Gt,
            operands,
        }
    }

    /// Whether a record satisfies it, given how to read the record's columns.
    pub fn holds<'a>(&self, cell: &dyn Fn(Column) -> Cell<'a>) -> bool {
        match self {
            Self::All(clauses) => clauses.iter().all(|clause| clause.holds(cell)),
            Self::Any(clauses) => clauses.iter().any(|clause| clause.holds(cell)),
            Self::Test {
                column,
                expression,
                operands,
            } => test(&cell(*column), *expression, operands),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A list of contacts to read.
#[derive(Clone, Debug)]
pub struct ContactQuery {
    /// All of them have to hold.
    pub clauses: Vec<Clause>,
    pub search: Option<Search>,
    /// Ties go by id, ascending.
    pub order: Vec<(Column, Direction)>,
    pub start: usize,
    /// None is everything; `start` is then ignored.
    pub limit: Option<usize>,
}

impl Default for ContactQuery {
    fn default() -> Self {
        Self {
            clauses: Vec::new(),
            search: None,
            // The default order moves under a reader's feet, and anonymous visitors are included.
            order: vec![(Column::LastActive, Direction::Descending)],
            start: 0,
            limit: Some(30),
        }
    }
}

/// A value as SQL compares it.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    Null,
    Number(f64),
    Time(Timestamp),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// Nulls sort first, and text without case.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Time(one), Self::Time(two)) => one.cmp(two),
            (one, two) => one.text().to_lowercase().cmp(&two.text().to_lowercase()),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Time(moment) => Cow::Owned(moment.sql()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    fn compare(&self, operand: &Operand) -> Option<Ordering> {
        match (self, operand) {
            (Self::Null, _) => None,
            (Self::Number(number), Operand::Number(other)) => number.partial_cmp(other),
            (Self::Time(moment), Operand::Time(other)) => Some(moment.cmp(other)),
            (Self::Time(moment), Operand::Text(other)) => Some(moment.sql().as_str().cmp(other)),
            (cell, Operand::Text(other)) => Some(cell.text().to_lowercase().cmp(other)),
            (cell, Operand::Number(other)) => {
                numeric(&cell.text()).unwrap_or(0.0).partial_cmp(other)
            }
            (cell, Operand::Time(other)) => Some((*cell.text()).cmp(&other.sql())),
        }
    }
}

pub fn cell<'a>(contact: &'a Contact, column: Column, authors: &'a Authors) -> Cell<'a> {
    let time = |moment: Option<Timestamp>| moment.map_or(Cell::Null, Cell::Time);
    let number = |number: Option<u32>| number.map_or(Cell::Null, |n| Cell::Number(f64::from(n)));
    match column {
        Column::Id => Cell::Number(f64::from(contact.id.0)),
        Column::Added => Cell::Time(contact.added.at),
        Column::Modified => time(contact.modified.at),
        Column::Identified => time(contact.identified),
        Column::LastActive => time(contact.last_active),
        Column::Owner => number(contact.owner.map(|user| user.0)),
        Column::Stage => number(contact.stage.map(|stage| stage.0)),
        Column::Points => Cell::Number(contact.points as f64),
        Column::Published => Cell::Number(1.0),
        Column::CreatedBy => number(authors.of(contact.added.by).user.map(|user| user.0)),
        Column::CreatedByUser => Cell::Text(Cow::Borrowed(&authors.of(contact.added.by).name)),
        Column::ModifiedBy => number(
            contact
                .modified
                .by
                .and_then(|by| authors.of(by).user)
                .map(|user| user.0),
        ),
        Column::ModifiedByUser => match contact.modified.by {
            Some(by) => Cell::Text(Cow::Borrowed(&authors.of(by).name)),
            None => Cell::Null,
        },
        Column::Field(position, numeric) => match contact.values.at(position) {
            Value::Null => Cell::Null,
            value if numeric => value.as_number().map_or(Cell::Null, Cell::Number),
            Value::Text(text) => Cell::Text(Cow::Borrowed(text)),
            value => value
                .to_text()
                .map_or(Cell::Null, |text| Cell::Text(Cow::Owned(text))),
        },
    }
}

/// A comparison on a raw row, where every column is text: numbers compare as numbers.
pub fn test_raw(cell: Option<&str>, expression: Expression, texts: &[&str]) -> bool {
    let number = cell.and_then(numeric);
    let read = |text: &&str| match numeric(text) {
        Some(operand) if number.is_some() => Operand::Number(operand),
        _ => Operand::Text(text.to_lowercase()),
    };
    let operands: Vec<Operand> = texts.iter().map(read).collect();
    let cell = match (cell, number) {
        (None, _) => Cell::Null,
        (_, Some(number)) => Cell::Number(number),
        (Some(text), None) => Cell::Text(Cow::Borrowed(text)),
    };
    test(&cell, expression, &operands)
}

/// SQL's three-valued logic, with unknown as false: null matches no comparison, not even `neq`.
fn test(cell: &Cell<'_>, expression: Expression, operands: &[Operand]) -> bool {
    let first = operands.first().and_then(|operand| cell.compare(operand));
    let among = || {
        operands
            .iter()
            .any(|operand| cell.compare(operand) == Some(Ordering::Equal))
    };
    let within = || {
        let above = first.is_some_and(Ordering::is_ge);
        let last = operands.get(1).and_then(|operand| cell.compare(operand));
        above && last.is_some_and(Ordering::is_le)
    };
    let is_null = matches!(cell, Cell::Null);
    let is_empty = || is_null || cell.text().is_empty();
    match expression {
        Expression::Eq => first == Some(Ordering::Equal),
        Expression::Neq => first.is_some_and(Ordering::is_ne),
        Expression::Gt => first.is_some_and(Ordering::is_gt),
        Expression::Gte => first.is_some_and(Ordering::is_ge),
        Expression::Lt => first.is_some_and(Ordering::is_lt),
        Expression::Lte => first.is_some_and(Ordering::is_le),
        Expression::Like => !is_null && likes(cell, operands),
        Expression::NotLike => !is_null && !likes(cell, operands),
        Expression::In => !is_null && among(),
        Expression::NotIn => !is_null && !among(),
        Expression::Between => within(),
        Expression::NotBetween => !is_null && !within(),
        Expression::IsNull => is_null,
        Expression::IsNotNull => !is_null,
        Expression::IsEmpty => is_empty(),
        Expression::IsNotEmpty => !is_empty(),
    }
}

fn likes(cell: &Cell<'_>, operands: &[Operand]) -> bool {
    match operands.first() {
        Some(Operand::Text(pattern)) => like(&cell.text().to_lowercase(), pattern),
        _ => false,
    }
}

/// SQL's LIKE on lower-case text: `%` is any run of characters, `_` any one.
pub fn like(text: &str, pattern: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = pattern_chars.as_str();
            rest.is_empty()
                || text.char_indices().any(|(at, _)| like(&text[at..], rest))
                || like("", rest)
        }
        Some(wanted) => {
            let mut chars = text.chars();
            let fits = chars.next().is_some_and(|c| wanted == '_' || c == wanted);
            fits && like(chars.as_str(), pattern_chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        assert!(like("amara.abbot@shop.example", "amara%"));
        assert!(like("abc", "a_c") && !like("abbc", "a_c"));
        assert!(like("", "%") && like("x", "%%") && !like("", "_"));
    }

    #[test]
    fn null_matches_no_comparison_and_sorts_first() {
        let one = [Operand::Number(1.0)];
        assert!(!test(&Cell::Null, Expression::Neq, &one));
        assert!(!test(&Cell::Null, Expression::NotIn, &one));
        assert!(test(&Cell::Null, Expression::IsEmpty, &[]));
        assert_eq!(Cell::Null.order(&Cell::Number(-5.0)), Ordering::Less);
    }

    #[test]
    fn an_unreadable_number_counts_as_its_leading_digits() {
        assert_eq!(Operand::read(Column::Id, "12abc"), Operand::Number(12.0));
        assert_eq!(Operand::read(Column::Id, "abc"), Operand::Number(0.0));
    }
}
