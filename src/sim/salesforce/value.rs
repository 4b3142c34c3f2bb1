//! Field values, and how a record keeps them: one packed allocation per record, because a world
//! may hold a million people and most of their fields are empty.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ids::RecordId;
use crate::sim::clock::{Day, Timestamp};

/// A stored or computed value. Borrowed texts point into the record they were read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    #[default]
    Null,
    Text(Cow<'a, str>),
    Bool(bool),
    Number(f64),
    Instant(Timestamp),
    Day(Day),
    Id(RecordId),
}

pub type OwnedValue = Value<'static>;

impl Value<'_> {
    pub fn text(text: impl Into<String>) -> OwnedValue {
        Value::Text(Cow::Owned(text.into()))
    }

    pub fn into_owned(self) -> OwnedValue {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Number(value) => Value::Number(value),
            Value::Instant(value) => Value::Instant(value),
            Value::Day(value) => Value::Day(value),
            Value::Id(value) => Value::Id(value),
        }
    }

    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub const fn as_id(&self) -> Option<RecordId> {
        if let Value::Id(id) = self {
            Some(*id)
        } else {
            None
        }
    }

    pub const fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// Orders values of one field; texts without regard to case unless told otherwise. Values of
    /// different kinds do not compare.
    pub fn compare(&self, other: &Value<'_>, case_sensitive: bool) -> Option<Ordering> {
        match (self, other) {
            (Value::Text(one), Value::Text(two)) if case_sensitive => Some(one.cmp(two)),
            (Value::Text(one), Value::Text(two)) => Some(compare_folded(one, two)),
            (Value::Bool(one), Value::Bool(two)) => Some(one.cmp(two)),
            (Value::Number(one), Value::Number(two)) => one.partial_cmp(two),
            (Value::Instant(one), Value::Instant(two)) => Some(one.cmp(two)),
            (Value::Day(one), Value::Day(two)) => Some(one.cmp(two)),
            (Value::Id(one), Value::Id(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }

    /// Equality-index key: equal values (case folded) share it. Null has none.
    pub fn key(&self) -> Option<u64> {
        match self {
            Value::Null => None,
            Value::Text(text) => Some(hash(text.chars().flat_map(char::to_lowercase))),
            Value::Bool(value) => Some(u64::from(*value)),
            Value::Number(value) => Some((value + 0.0).to_bits()),
            Value::Instant(value) => Some(value.as_millis() as u64),
            Value::Day(value) => Some(i64::from(value.as_days()) as u64),
            Value::Id(value) => Some(value.as_u64()),
        }
    }
}

fn compare_folded(one: &str, two: &str) -> Ordering {
    if one.is_ascii() && two.is_ascii() {
        let fold = |text: &'_ str| {
            text.bytes()
                .map(|byte| byte.to_ascii_lowercase())
                .collect::<Vec<_>>()
        };
        return if one.eq_ignore_ascii_case(two) {
            Ordering::Equal
        } else {
            fold(one).cmp(&fold(two))
        };
    }
    one.chars()
        .flat_map(char::to_lowercase)
        .cmp(two.chars().flat_map(char::to_lowercase))
}

/// FNV-1a: deterministic on every machine, which the standard hasher does not promise.
fn hash(chars: impl Iterator<Item = char>) -> u64 {
    let mut buffer = [0; 4];
    chars.fold(0xCBF2_9CE4_8422_2325, |hash, folded| {
        folded
            .encode_utf8(&mut buffer)
            .bytes()
            .fold(hash, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            })
    })
}

/// Position of a field in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIndex(pub u16);

/// The non-null cells of one record, packed as (field, tag, bytes) in field order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells(Box<[u8]>);

impl Cells {
    pub fn get(&self, field: FieldIndex) -> Value<'_> {
        self.iter()
            .take_while(|(found, _)| *found <= field)
            .find(|(found, _)| *found == field)
            .map_or(Value::Null, |(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (FieldIndex, Value<'_>)> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (cell, left) = unpack(rest)?;
            rest = left;
            Some(cell)
        })
    }

    /// A copy with some cells replaced; null removes.
    #[must_use]
    pub fn with(&self, changes: &[(FieldIndex, OwnedValue)]) -> Self {
        let mut cells: Vec<(FieldIndex, Value<'_>)> = self.iter().collect();
        for (field, value) in changes {
            match cells.binary_search_by_key(field, |(field, _)| *field) {
                Ok(at) => cells[at].1 = value.clone(),
                Err(at) => cells.insert(at, (*field, value.clone())),
            }
        }
        let mut packed = Vec::with_capacity(self.0.len() + 16 * changes.len());
        for (field, value) in &cells {
            pack(&mut packed, *field, value);
        }
        Self(packed.into_boxed_slice())
    }
}

const TAG_TEXT: u8 = 1;
const TAG_BOOL: u8 = 2;
const TAG_NUMBER: u8 = 3;
const TAG_INSTANT: u8 = 4;
const TAG_DAY: u8 = 5;
const TAG_ID: u8 = 6;

fn pack(packed: &mut Vec<u8>, field: FieldIndex, value: &Value<'_>) {
    let (tag, wide) = match value {
        Value::Null => return,
        Value::Text(text) => (TAG_TEXT, text.len() as u64),
        Value::Bool(value) => (TAG_BOOL, u64::from(*value)),
        Value::Number(value) => (TAG_NUMBER, value.to_bits()),
        Value::Instant(value) => (TAG_INSTANT, value.as_millis() as u64),
        Value::Day(value) => (TAG_DAY, i64::from(value.as_days()) as u64),
        Value::Id(value) => (TAG_ID, value.as_u64()),
    };
    packed.extend_from_slice(&field.0.to_le_bytes());
    packed.push(tag);
    match value {
        Value::Text(text) => {
            packed.extend_from_slice(&(wide as u32).to_le_bytes());
            packed.extend_from_slice(text.as_bytes());
        }
        Value::Bool(_) => packed.push(wide as u8),
        _ => packed.extend_from_slice(&wide.to_le_bytes()),
    }
}

fn unpack(packed: &[u8]) -> Option<((FieldIndex, Value<'_>), &[u8])> {
    let (field, rest) = packed.split_first_chunk::<2>()?;
    let (tag, rest) = rest.split_first()?;
    let field = FieldIndex(u16::from_le_bytes(*field));
    if *tag == TAG_TEXT {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let text = std::str::from_utf8(text).ok()?;
        return Some(((field, Value::Text(Cow::Borrowed(text))), rest));
    }
    if *tag == TAG_BOOL {
        let (value, rest) = rest.split_first()?;
        return Some(((field, Value::Bool(*value == 1)), rest));
    }
    let (wide, rest) = rest.split_first_chunk::<8>()?;
    let wide = u64::from_le_bytes(*wide);
    let value = match *tag {
        TAG_NUMBER => Value::Number(f64::from_bits(wide)),
        TAG_INSTANT => Value::Instant(Timestamp::from_millis(wide as i64)),
        TAG_DAY => Value::Day(Day::from_days(wide as i32)),
        TAG_ID => Value::Id(RecordId::from_u64(wide)),
        _ => return None,
    };
    Some(((field, value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_cells_give_back_what_was_put_in() {
        let day = Day::parse("1961-05-02").unwrap();
        let values = [
            Value::text("Zoé"),
            Value::Bool(true),
            Value::Number(12.5),
            Value::Instant(Timestamp::from_seconds(-5)),
            Value::Day(day),
            Value::Id(RecordId::parse("003Q70000000A1b").unwrap()),
        ];
        let cells: Vec<_> = (0..6)
            .map(FieldIndex)
            .zip(values.iter().cloned())
            .rev()
            .collect();
        let packed = Cells::default().with(&cells);
        for (field, value) in cells {
            assert_eq!(packed.get(field), value);
        }
        assert_eq!(packed.get(FieldIndex(9)), Value::Null);
        let packed = packed.with(&[(FieldIndex(0), Value::Null)]);
        assert_eq!(packed.get(FieldIndex(0)), Value::Null);
        assert_eq!(packed.get(FieldIndex(1)), Value::Bool(true));
    }

    #[test]
    fn texts_that_differ_in_case_are_equal_and_share_a_key() {
        let (one, two) = (
            Value::text("ÉLODIE@orion.example"),
            Value::text("élodie@Orion.example"),
        );
        assert_eq!(one.compare(&two, false), Some(Ordering::Equal));
        assert_ne!(one.compare(&two, true), Some(Ordering::Equal));
        assert_eq!(one.key(), two.key());
    }
}
