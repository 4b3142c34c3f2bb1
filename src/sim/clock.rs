//! Time as the simulators know it: a number they are handed, never one they fetch.
//!
//! Calendar arithmetic goes through `jiff`; nothing here reads a wall clock.

use std::fmt;
use std::sync::Arc;

use jiff::civil;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Where a skin that serves real sockets takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl Timestamp {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * SECOND_MS)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }

    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Cut to the second, the resolution of record stamps and of HTTP dates.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self(self.0.div_euclid(SECOND_MS) * SECOND_MS)
    }

    #[must_use]
    pub const fn whole_minute(self) -> Self {
        Self(self.0.div_euclid(MINUTE_MS) * MINUTE_MS)
    }

    /// The UTC day, as days since 1970-01-01.
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_MS) as i32)
    }

    /// An ISO 8601 instant with `Z` or a numeric offset, with or without the colon.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_ascii() || !text.contains(['T', 't']) {
            return None;
        }
        // jiff wants the colon; the wire often leaves it out.
        let bytes = text.as_bytes();
        let colonless = bytes.len() > 5
            && matches!(bytes[bytes.len() - 5], b'+' | b'-')
            && bytes[bytes.len() - 4..].iter().all(u8::is_ascii_digit);
        let parsed = if colonless {
            let (head, minutes) = text.split_at(text.len() - 2);
            format!("{head}:{minutes}").parse::<jiff::Timestamp>()
        } else {
            text.parse::<jiff::Timestamp>()
        };
        parsed.ok().map(|instant| Self(instant.as_millisecond()))
    }

    /// `Wed, 04 Mar 2026 09:15:02 GMT`, the only form HTTP dates are written in today.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let parsed = civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text.trim()).ok()?;
        let zoned = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    pub fn to_http_date(self) -> String {
        self.civil()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }

    /// `2026-03-04T09:15:02.000+0000`: offset without colon, always UTC.
    pub fn to_salesforce(self) -> String {
        self.civil()
            .strftime("%Y-%m-%dT%H:%M:%S.%3f+0000")
            .to_string()
    }

    /// `2026-03-04T09:15:02.000Z`.
    pub fn to_iso(self) -> String {
        self.civil().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    fn civil(self) -> civil::DateTime {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_iso())
    }
}

/// A calendar day without time zone, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    pub const fn as_days(self) -> i32 {
        self.0
    }

    pub const fn start(self) -> Timestamp {
        Timestamp(self.0 as i64 * DAY_MS)
    }

    /// Exactly `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 {
            return None;
        }
        let date: civil::Date = text.parse().ok()?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()).day())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.start().civil().date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_in_each_of_its_three_spellings() {
        let instant = Timestamp::parse_iso("2026-03-04T10:15:02+01:00").unwrap();
        assert_eq!(instant.to_salesforce(), "2026-03-04T09:15:02.000+0000");
        assert_eq!(instant.to_iso(), "2026-03-04T09:15:02.000Z");
        assert_eq!(instant.to_http_date(), "Wed, 04 Mar 2026 09:15:02 GMT");
    }

    #[test]
    fn every_offset_spelling_is_read_and_a_bare_date_is_not() {
        let expected = Timestamp::parse_iso("2026-03-04T09:15:02Z");
        assert!(expected.is_some());
        for spelling in ["2026-03-04T09:15:02.000+0000", "2026-03-04T07:15:02-0200"] {
            assert_eq!(Timestamp::parse_iso(spelling), expected, "{spelling}");
        }
        assert_eq!(Timestamp::parse_iso("2026-03-04"), None);
        let date = Timestamp::parse_http_date("Wed, 04 Mar 2026 09:15:02 GMT");
        assert_eq!(date, expected);
        assert_eq!(Timestamp::parse_http_date("2026-03-04T09:15:02Z"), None);
    }

    #[test]
    fn days_before_the_epoch_keep_their_calendar() {
        let day = Day::parse("1958-07-29").unwrap();
        assert_eq!(day.to_string(), "1958-07-29");
        assert!(day.as_days() < 0);
        assert_eq!(Day::parse("2026-02-30"), None);
    }
}
