//! Dates as the product shows them and as it reads them.

use crate::sim::clock::Timestamp;

const DAY_S: i64 = 86_400;

/// The texts of a moment.
pub trait Shown {
    /// `2026-11-22T21:39:27+00:00`, the form of record-level dates.
    fn iso(self) -> String;
    /// `2026-11-22 21:39:27`, the zone-less form of raw columns and datetime fields; UTC.
    fn sql(self) -> String;
    /// `2026-11-22`.
    fn date(self) -> String;
    #[must_use]
    fn plus_seconds(self, seconds: i64) -> Self;
}

impl Shown for Timestamp {
    fn iso(self) -> String {
        let civil = Civil::of(self.as_seconds());
        format!("{}T{}+00:00", civil.date(), civil.time())
    }

    fn sql(self) -> String {
        let civil = Civil::of(self.as_seconds());
        format!("{} {}", civil.date(), civil.time())
    }

    fn date(self) -> String {
        Civil::of(self.as_seconds()).date()
    }

    fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds * 1_000)
    }
}

/// A filter's date as the database reads it: a leading `YYYY-MM-DD[ T]HH:MM[:SS]`, and whatever
/// follows (`Z`, an offset, fractions) is ignored, not applied.
pub fn read_filter(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = take_date(text)?;
    let seconds = match rest.strip_prefix([' ', 'T']) {
        Some(time) => take_time(time).map_or(0, |(seconds, _)| seconds),
        None => 0,
    };
    Some(Timestamp::from_seconds(date * DAY_S + seconds))
}

/// A datetime as a write accepts it: `YYYY-MM-DD[[ T]HH:MM[:SS]]` with an optional `Z` or offset,
/// which is applied. Anything else is unreadable.
pub fn read_input(text: &str) -> Option<Timestamp> {
    let (date, rest) = take_date(text.trim())?;
    let base = date * DAY_S;
    if rest.is_empty() {
        return Some(Timestamp::from_seconds(base));
    }
    let (seconds, zone) = take_time(rest.strip_prefix([' ', 'T'])?)?;
    let zone = match zone.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => zone,
    };
    Some(Timestamp::from_seconds(
        base + seconds - offset_seconds(zone.trim())?,
    ))
}

/// A date-only value: what a date field stores for the text sent.
///
/// 1. `YYYY-MM-DD`, an impossible day rolls over (1990-02-31 is 1990-03-03); what follows is ignored.
/// 2. `MM/DD/YYYY` is read, `DD/MM/YYYY` is not.
/// 3. A lone year takes today's month and day.
/// 4. Anything else is unreadable.
pub fn date_from_input(text: &str, now: Timestamp) -> Option<String> {
    let text = text.trim();
    if let Some((days, _)) = take_date(text) {
        return Some(Timestamp::from_seconds(days * DAY_S).date());
    }
    if let [month, day, year] = text.split('/').collect::<Vec<_>>()[..] {
        let (month, day, year) = (digits(month)?, digits(day)?, digits(year)?);
        let plausible = (1..=12).contains(&month) && (1..=31).contains(&day) && year > 999;
        return plausible
            .then(|| Timestamp::from_seconds(days_from_civil(year, month, day) * DAY_S).date());
    }
    if text.len() == 4 {
        let year = digits(text)?;
        let today = Civil::of(now.as_seconds());
        return Some(format!("{year:04}-{:02}-{:02}", today.month, today.day));
    }
    None
}

/// `HH:MM` or `HH:MM:SS` inside a day, as `HH:MM:SS`.
pub fn time_from_input(text: &str) -> Option<String> {
    let (seconds, rest) = take_time(text.trim())?;
    rest.is_empty().then(|| {
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds % 3600 / 60,
            seconds % 60
        )
    })
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

impl Civil {
    fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY_S);
        // Days to year, month, day in the proleptic Gregorian calendar, eras of 400 years.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            second_of_day: seconds.rem_euclid(DAY_S),
        }
    }

    fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    fn time(&self) -> String {
        let s = self.second_of_day;
        format!("{:02}:{:02}:{:02}", s / 3600, s % 3600 / 60, s % 60)
    }
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// `YYYY-MM-DD` at the front: days since the epoch, and the rest.
fn take_date(text: &str) -> Option<(i64, &str)> {
    let head = text.get(..10)?;
    let (year, month, day) = (
        digits(head.get(..4)?)?,
        digits(head.get(5..7)?)?,
        digits(head.get(8..10)?)?,
    );
    let dashes = head.as_bytes()[4] == b'-' && head.as_bytes()[7] == b'-';
    let plausible = dashes && (1..=12).contains(&month) && (1..=31).contains(&day);
    plausible.then(|| (days_from_civil(year, month, day), &text[10..]))
}

/// `HH:MM[:SS]` at the front: seconds of the day, and the rest.
fn take_time(text: &str) -> Option<(i64, &str)> {
    let (hour, minute) = (digits(text.get(..2)?)?, digits(text.get(3..5)?)?);
    if text.as_bytes()[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let rest = &text[5..];
    let (second, rest) = match rest.strip_prefix(':') {
        Some(tail) => (digits(tail.get(..2)?)?, &tail[2..]),
        None => (0, rest),
    };
    (second <= 59).then_some((hour * 3600 + minute * 60 + second, rest))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let body: String = zone
        .strip_prefix(['+', '-'])?
        .chars()
        .filter(|c| *c != ':')
        .collect();
    let (hours, minutes) = (digits(body.get(..2)?)?, digits(body.get(2..4)?)?);
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_383_567); // 2026-11-22T21:39:27Z

    #[test]
    fn a_moment_is_shown_in_both_forms() {
        assert_eq!(NOW.iso(), "2026-11-22T21:39:27+00:00");
        assert_eq!(NOW.sql(), "2026-11-22 21:39:27");
        assert_eq!(read_input(&NOW.iso()), Some(NOW));
        assert_eq!(Timestamp::from_seconds(-1).sql(), "1969-12-31 23:59:59");
    }

    #[test]
    fn a_filter_ignores_the_offset_and_a_write_applies_it() {
        let text = "2026-11-22T23:45:00+02:00";
        assert_eq!(read_filter(text).unwrap().sql(), "2026-11-22 23:45:00");
        assert_eq!(read_input(text).unwrap().sql(), "2026-11-22 21:45:00");
        assert_eq!(
            read_filter("2026-11-22").unwrap().sql(),
            "2026-11-22 00:00:00"
        );
        assert_eq!(read_input("24/12/2026 18:30"), None);
        assert_eq!(read_input("1767225600"), None);
    }

    #[test]
    fn an_odd_date_is_altered_rather_than_refused() {
        assert_eq!(date_from_input("1990-02-31", NOW).unwrap(), "1990-03-03");
        assert_eq!(date_from_input("1990", NOW).unwrap(), "1990-11-22");
        assert_eq!(date_from_input("02/28/1990", NOW).unwrap(), "1990-02-28");
        assert_eq!(date_from_input("28/02/1990", NOW), None);
        assert_eq!(time_from_input("14:05").unwrap(), "14:05:00");
        assert_eq!(time_from_input("25:61"), None);
    }
}
