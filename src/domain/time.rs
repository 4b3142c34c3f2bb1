//! Moments and spans as plain numbers. Arithmetic only: nobody in this room knows what time it is.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A moment in UTC, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Span(pub i64);

/// A calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Timestamp {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// Whole seconds, rounded down: the resolution of both systems' timestamps.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same moment with its milliseconds cut off.
    #[must_use]
    pub const fn floor_second(self) -> Self {
        Self::from_seconds(self.seconds())
    }

    /// The minute this moment falls in, counted from the epoch.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60_000)
    }

    /// Later moment minus earlier one; negative if `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    pub const ZERO: Self = Self(0);

    pub const fn seconds(n: i64) -> Self {
        Self(n * 1000)
    }

    pub const fn minutes(n: i64) -> Self {
        Self(n * 60_000)
    }

    pub const fn hours(n: i64) -> Self {
        Self(n * 3_600_000)
    }

    pub const fn days(n: i64) -> Self {
        Self(n * 86_400_000)
    }

    /// As [`parse`](Self::parse) reads it: `90m`, `1h`. Parts of a second are left out.
    pub fn typed(self) -> String {
        let seconds = self.0 / 1_000;
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
        let unit = units.into_iter().find(|(unit, _)| seconds % unit == 0);
        let (unit, name) = unit.unwrap_or((1, "s"));
        format!("{}{name}", seconds / unit)
    }

    /// A length of time as files have it: a whole number and one of `s`, `m`, `h`, `d`; at most a year.
    pub fn parse(text: &str) -> Option<Self> {
        let unit = text.chars().last()?;
        let number = text[..text.len() - unit.len_utf8()].parse::<i64>().ok();
        let number = number.filter(|n| *n >= 0)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let seconds = number.checked_mul(seconds);
        seconds.filter(|n| *n <= 366 * 86_400).map(Self::seconds)
    }

    /// The same as people type it, who write it as the screens do in either language: `20 min`, `7 j`.
    pub fn parse_typed(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let unit = match text[end..].trim_start() {
            "min" => "m",
            "j" => "d",
            unit => unit,
        };
        Self::parse(&format!("{}{unit}", &text[..end]))
    }

    /// How far back somebody wants to reach: as typed, and a number alone is one of days.
    pub fn parse_reach(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::parse_typed(text).or_else(|| Self::parse(&format!("{text}d")))
    }
}

impl Day {
    /// From a civil date of the proleptic Gregorian calendar; `None` if there is no such day.
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        // Days from civil, counting years from March so that leap days come last.
        let y = i64::from(if month <= 2 { year - 1 } else { year });
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let month_shifted = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_shifted + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        i32::try_from(era * 146_097 + day_of_era - 719_468)
            .ok()
            .map(Self)
    }

    /// Year, month, day.
    pub fn civil(self) -> (i32, u32, u32) {
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = (if mp < 10 { mp + 3 } else { mp - 9 }) as u32;
        let year = (yoe + era * 400 + i64::from(month <= 2)) as i32;
        (year, month, day)
    }
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0
            && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) =>
        {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// RFC 3339 in UTC, whole seconds: `2026-03-04T09:15:02Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let day = Day(i32::try_from(seconds.div_euclid(86_400)).unwrap_or(i32::MAX / 2));
        let rest = seconds.rem_euclid(86_400);
        write!(
            f,
            "{day}T{:02}:{:02}:{:02}Z",
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_round_trip_across_leap_years_and_the_epoch() {
        for (y, m, d, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (2026, 11, 23, 20_780),
        ] {
            assert_eq!(Day::from_civil(y, m, d), Some(Day(days)));
            assert_eq!(Day(days).civil(), (y, m, d));
        }
        assert_eq!(Day::from_civil(1990, 2, 31), None);
        assert_eq!(Day::from_civil(1900, 2, 29), None);
    }

    #[test]
    fn days_are_written_with_the_letter_of_either_language_or_with_none_where_how_far_back_is_meant()
     {
        let week = Some(Span::minutes(7 * 24 * 60));
        for text in ["7d", "7j", "7 j", "168h"] {
            assert_eq!(
                (Span::parse_typed(text), Span::parse_reach(text)),
                (week, week),
                "{text}"
            );
        }
        assert_eq!(
            (Span::parse_typed("7"), Span::parse_reach("7")),
            (None, week)
        );
        for text in ["", "d", "-7", "7x", "7dd", "367", "7 d j"] {
            assert_eq!(Span::parse_reach(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_prints_as_utc() {
        assert_eq!(
            Timestamp::from_seconds(1_772_615_702).to_string(),
            "2026-03-04T09:15:02Z"
        );
    }
}
