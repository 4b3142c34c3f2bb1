//! The parts of the wire forms that both systems write alike.

use serde_json::{Number, Value as Json};

use crate::domain::time::{Day, Timestamp};
use crate::domain::value::{Decimal, Value};

/// A moment with any offset, or without one and then in UTC. Salesforce writes `+0000`, which
/// RFC 3339 does not know; Automation leaves the zone out of raw columns.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(Timestamp(moment.as_millisecond()))
}

/// `2026-03-04`; a time after it is cut off.
pub(super) fn day(text: &str) -> Option<Day> {
    let text = text.trim();
    let civil: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    Day::from_civil(
        i32::from(civil.year()),
        u32::from(civil.month().unsigned_abs()),
        u32::from(civil.day().unsigned_abs()),
    )
}

/// Hours and minutes, out of `14:05`, `14:05:00` or `14:05:00.000Z`.
pub(super) fn time(text: &str) -> Option<Value> {
    let (hours, rest) = text.trim().split_once(':')?;
    let minutes = rest.get(..2)?;
    let is_valid = hours.parse::<u8>().is_ok_and(|hours| hours < 24)
        && minutes.parse::<u8>().is_ok_and(|minutes| minutes < 60);
    is_valid.then(|| Value::Text(format!("{hours:0>2}:{minutes}")))
}

/// The text of a JSON scalar; numbers as they were written.
pub(super) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// An exact number, from a JSON number or its text.
pub(super) fn number(json: &Json) -> Option<Value> {
    let decimal: Decimal = text(json)?.parse().ok()?;
    Some(Value::Number(decimal))
}

/// A number goes out digit by digit, never through a binary float.
pub(super) fn number_json(decimal: Decimal) -> Json {
    let digits = decimal.to_string();
    digits
        .parse::<Number>()
        .map_or(Json::String(digits), Json::Number)
}

/// A whole number that may be written as a text.
pub(super) fn id(json: &Json) -> Option<u64> {
    text(json)?.parse().ok()
}

/// `YYYY-MM-DD HH:MM:SS` in UTC.
pub(super) fn naive(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form_that_was_seen() {
        let expected = Timestamp::from_seconds(1_772_615_702);
        for text in [
            "2026-03-04T09:15:02.000+0000",
            "2026-03-04T09:15:02Z",
            "2026-03-04T10:15:02+01:00",
            "2026-03-04 09:15:02",
        ] {
            assert_eq!(moment(text), Some(expected), "{text}");
        }
        assert_eq!(moment("soon"), None);
        assert_eq!(naive(expected), "2026-03-04 09:15:02");
    }

    #[test]
    fn a_time_is_its_hours_and_minutes() {
        for text in ["14:05", "14:05:00", "14:05:00.000Z"] {
            assert_eq!(time(text), Some(Value::Text("14:05".into())), "{text}");
        }
        assert_eq!(time("25:00"), None);
    }

    #[test]
    fn eighteen_digits_survive_the_wire() {
        let json: Json = serde_json::from_str("999999999999999999.25").unwrap();
        let value = number(&json).unwrap();
        let Value::Number(decimal) = value else {
            panic!("{value:?}")
        };
        assert_eq!(number_json(decimal).to_string(), "999999999999999999.25");
    }
}
