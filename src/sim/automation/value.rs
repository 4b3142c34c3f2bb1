//! What a field holds, and what a caller may send for it.

use super::field::Position;

/// A stored field value. A field without an entry is null.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
}

impl Value {
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text the database compares: booleans are 1 and 0.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(u8::from(*value).to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Text(text) => Some(text.to_string()),
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The number the database compares, for numeric kinds.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Null | Self::Text(_) => None,
        }
    }
}

/// The values of one record: only those that are not null, sorted by field position.
///
/// A contact has some 46 fields and fills about ten; a million contacts have to fit in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(Position, Value)>);

impl Values {
    pub fn at(&self, position: Position) -> &Value {
        match self.slot(position) {
            Ok(index) => &self.0[index].1,
            Err(_) => &Value::Null,
        }
    }

    /// Stores the value, and gives back the one it replaces.
    pub fn put(&mut self, position: Position, value: Value) -> Value {
        match (self.slot(position), value) {
            (Ok(index), Value::Null) => self.0.remove(index).1,
            (Ok(index), value) => std::mem::replace(&mut self.0[index].1, value),
            (Err(_), Value::Null) => Value::Null,
            (Err(index), value) => {
                self.0.insert(index, (position, value));
                Value::Null
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Position, &Value)> {
        self.0.iter().map(|(position, value)| (*position, value))
    }

    fn slot(&self, position: Position) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&position, |(position, _)| *position)
    }
}

/// What a caller sends for a field, before the field's rules are applied.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Input>),
    /// An object where a plain value belongs. No field accepts one.
    Object,
}

impl Input {
    /// Null, empty text and an empty list: what `overwriteWithBlank` is about.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Object => false,
        }
    }

    /// A scalar as text; lists, objects and null have none.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(true) => Some("1".to_owned()),
            Self::Bool(false) => Some(String::new()),
            Self::Null | Self::List(_) | Self::Object => None,
        }
    }

    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => numeric(text.trim()),
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Null | Self::List(_) | Self::Object => None,
        }
    }

    /// The product's idea of truth: 1, true, yes and on; any other text is false.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => ["1", "true", "yes", "on"]
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word)),
            Self::Null | Self::List(_) | Self::Object => false,
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Input {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Input {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// A number written plainly: digits, one point, an exponent. No grouping, no spaces, no `inf`.
pub fn numeric(text: &str) -> Option<f64> {
    let plain = text.bytes().any(|b| b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_only_what_is_not_null() {
        let mut values = Values::default();
        assert_eq!(values.put(Position(3), Value::Int(1)), Value::Null);
        assert_eq!(values.put(Position(1), Value::text("a")), Value::Null);
        assert_eq!(values.put(Position(3), Value::Null), Value::Int(1));
        assert_eq!(values.iter().count(), 1);
        assert_eq!(values.at(Position(1)).as_text(), Some("a"));
        assert!(values.at(Position(3)).is_null());
    }

    #[test]
    fn a_number_with_grouping_is_not_a_number() {
        assert_eq!(numeric("1e3"), Some(1000.0));
        assert_eq!(numeric("1,234.5"), None);
        assert_eq!(numeric("abc"), None);
        assert_eq!(numeric("inf"), None);
    }
}
