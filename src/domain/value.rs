//! One field's value, typed, in the form in which the two systems can be compared.
//!
//! Adapters turn wire forms into these. Two values are the same exactly if they are equal here:
//! dates are moments in UTC, numbers compare by value, multi-selects are sorted sets, text is
//! trimmed with line ends as `\n`. Blank is null or empty after trimming; `false` and `0` are values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::{Day, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Value {
    #[default]
    Blank,
    Text(String),
    Bool(bool),
    Number(Decimal),
    Date(Day),
    Moment(Timestamp),
    /// Sorted, without repeats, never empty.
    Many(Vec<String>),
}

impl Value {
    /// Text as both systems store it: trimmed, `\r\n` as `\n`, blank if nothing is left.
    pub fn text(raw: &str) -> Self {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            Self::Blank
        } else if trimmed.contains('\r') {
            Self::Text(trimmed.replace("\r\n", "\n").replace('\r', "\n"))
        } else {
            Self::Text(trimmed.to_owned())
        }
    }

    /// A multi-select from its chosen options, in any order.
    pub fn many<I: IntoIterator<Item = S>, S: AsRef<str>>(options: I) -> Self {
        let mut chosen: Vec<String> = options
            .into_iter()
            .map(|option| option.as_ref().trim().to_owned())
            .filter(|option| !option.is_empty())
            .collect();
        chosen.sort();
        chosen.dedup();
        if chosen.is_empty() {
            Self::Blank
        } else {
            Self::Many(chosen)
        }
    }

    pub const fn is_blank(&self) -> bool {
        matches!(self, Self::Blank)
    }

    /// The text of a text value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// For people: what the operator reads in a conflict. Blank prints as nothing.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Bool(value) => fmt::Display::fmt(value, f),
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Date(day) => fmt::Display::fmt(day, f),
            Self::Moment(moment) => fmt::Display::fmt(moment, f),
            Self::Many(options) => f.write_str(&options.join("; ")),
        }
    }
}

/// The types of which both sides of a mapped pair must be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    Text,
    Email,
    Bool,
    Number,
    Date,
    Moment,
    /// Hours and minutes, compared as text.
    Time,
    Choice,
    Choices,
}

/// Why a typed text is no value of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAValue {
    Bool,
    Number,
    Date,
    /// A date and time cannot be typed: which zone was meant is not to be seen.
    Moment,
}

impl ValueType {
    /// Whether values are kept as text: what one such type holds, another takes as it is.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Email | Self::Choice)
    }

    /// What an operator means by a text typed for a field of this type. Nothing typed is blank.
    pub fn typed(self, text: &str) -> Result<Value, NotAValue> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Value::Blank);
        }
        match self {
            Self::Bool => match text.to_lowercase().as_str() {
                "true" | "yes" | "oui" => Ok(Value::Bool(true)),
                "false" | "no" | "non" => Ok(Value::Bool(false)),
                _ => Err(NotAValue::Bool),
            },
            Self::Number => text.parse().map(Value::Number).or(Err(NotAValue::Number)),
            Self::Date => typed_day(text).map(Value::Date).ok_or(NotAValue::Date),
            Self::Moment => Err(NotAValue::Moment),
            Self::Choices => Ok(Value::many(text.split(';'))),
            Self::Text | Self::Email | Self::Time | Self::Choice => Ok(Value::text(text)),
        }
    }
}

fn typed_day(text: &str) -> Option<Day> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    Day::from_civil(year, month, parts.next()?.parse().ok()?)
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Email => "e-mail",
            Self::Bool => "boolean",
            Self::Number => "number",
            Self::Date => "date",
            Self::Moment => "date and time",
            Self::Time => "time",
            Self::Choice => "choice",
            Self::Choices => "multiple choice",
        })
    }
}

/// An exact decimal number: eighteen digits of Salesforce exceed a binary float. Equal numbers are
/// equal here however they were written: `1.50`, `1.5` and `15e-1` are one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Decimal {
    /// Orders before `scale` only by luck; use `PartialEq`, not `Ord`, to compare amounts.
    digits: i128,
    scale: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most 30 digits")]
pub struct DecimalError;

impl Decimal {
    const DIGITS_MAX: i64 = 30;

    /// No number of so few digits has a larger exponent.
    const EXPONENT_MAX: i64 = 1_000;

    fn new(mut digits: i128, mut scale: u8) -> Self {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Self { digits, scale }
    }

    /// Rounded half away from zero to so many decimals, as both systems round.
    #[must_use]
    pub fn rounded(self, scale: u8) -> Self {
        if self.scale <= scale {
            return self;
        }
        let unit = 10_i128.pow(u32::from(self.scale - scale));
        let (quotient, remainder) = (self.digits / unit, self.digits % unit);
        let carry = if remainder.abs() * 2 >= unit {
            remainder.signum()
        } else {
            0
        };
        Self::new(quotient + carry, scale)
    }

    /// The part before the decimal point.
    pub fn trunc(self) -> i128 {
        self.digits / 10_i128.pow(u32::from(self.scale))
    }

    pub const fn scale(self) -> u8 {
        self.scale
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self::new(i128::from(number), 0)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i64>().map_err(|_| DecimalError)?)
            }
            None => (text, 0),
        };
        let (negative, plain) = match mantissa.as_bytes().first() {
            Some(b'-') => (true, &mantissa[1..]),
            Some(b'+') => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        if !(-Self::EXPONENT_MAX..=Self::EXPONENT_MAX).contains(&exponent) {
            return Err(DecimalError);
        }
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DecimalError);
        }
        let all = all.trim_start_matches('0');
        let mut scale = i64::try_from(fraction.len()).map_err(|_| DecimalError)? - exponent;
        let count = i64::try_from(all.len()).map_err(|_| DecimalError)?;
        if all.is_empty() {
            return Ok(Self {
                digits: 0,
                scale: 0,
            });
        }
        if count > Self::DIGITS_MAX || scale > Self::DIGITS_MAX || count - scale > Self::DIGITS_MAX
        {
            return Err(DecimalError);
        }
        let mut digits: i128 = all.parse().map_err(|_| DecimalError)?;
        while scale < 0 {
            digits *= 10;
            scale += 1;
        }
        Ok(Self::new(
            if negative { -digits } else { digits },
            scale as u8,
        ))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return fmt::Display::fmt(&self.digits, f);
        }
        let unit = 10_u128.pow(u32::from(self.scale));
        let digits = self.digits.unsigned_abs();
        let sign = if self.digits < 0 { "-" } else { "" };
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        let one_and_a_half: Decimal = "1.5".parse().unwrap();
        for written in ["1.50", "+1.5", "15e-1", "0.15E1", "001.500"] {
            assert_eq!(written.parse(), Ok(one_and_a_half), "{written}");
        }
        assert_eq!("-0".parse(), Ok(Decimal::from(0)));
        assert_eq!(
            "999999999999999999".parse::<Decimal>().unwrap().to_string(),
            "999999999999999999"
        );
        assert_eq!("-0.05".parse::<Decimal>().unwrap().to_string(), "-0.05");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1,5",
            "0x1",
            "1e999",
            "12345678901234567890123456789012",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError), "{text}");
        }
    }

    #[test]
    fn rounding_goes_away_from_zero_at_the_half() {
        let rounded = |text: &str| text.parse::<Decimal>().unwrap().rounded(1).to_string();
        assert_eq!(rounded("1.25"), "1.3");
        assert_eq!(rounded("-1.25"), "-1.3");
        assert_eq!(rounded("1.24"), "1.2");
        assert_eq!(rounded("7"), "7");
    }

    #[test]
    fn blank_is_what_is_empty_after_trimming_and_nothing_else() {
        assert!(Value::text(" \r\n ").is_blank());
        assert!(Value::many(["", " "]).is_blank());
        assert!(!Value::Bool(false).is_blank());
        assert!(!Value::Number(Decimal::from(0)).is_blank());
    }

    #[test]
    fn text_and_choices_compare_in_one_form() {
        assert_eq!(Value::text("a\r\nb "), Value::text("a\nb"));
        assert_eq!(Value::many(["b", "a", "b"]), Value::many(["a", "b"]));
    }

    #[test]
    fn what_is_typed_becomes_a_value_of_the_type_or_a_reason() {
        assert_eq!(ValueType::Bool.typed("Oui"), Ok(Value::Bool(true)));
        assert_eq!(ValueType::Number.typed("1,5"), Err(NotAValue::Number));
        assert_eq!(ValueType::Date.typed("1970-01-02"), Ok(Value::Date(Day(1))));
        assert_eq!(ValueType::Date.typed("1990-02-31"), Err(NotAValue::Date));
        assert_eq!(ValueType::Text.typed("  "), Ok(Value::Blank));
    }

    #[test]
    fn a_number_without_measure_is_refused_at_once() {
        for text in ["1e9223372036854775807", "1e-9223372036854775808", "1e2000"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError), "{text}");
        }
    }
}
