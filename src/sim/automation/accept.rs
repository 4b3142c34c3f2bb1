//! What a field makes of the value it is sent: stores it, alters it, ignores it or refuses it.

use super::choices;
use super::field::{Choice, Field, Kind};
use super::time::{Shown, date_from_input, read_input, time_from_input};
use super::value::{Input, Value};
use crate::sim::clock::Timestamp;

/// The verdict on one value that is not blank.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Store(Value),
    /// Unreadable dates and times: the answer is a success and the old value stays.
    Ignore,
    Refuse(String),
}

const NOT_VALID: &str = "This value is not valid.";

/// Columns of text fields hold 191 characters.
const TEXT_LENGTH_MAX: usize = 191;
const EMAIL_LENGTH_MAX: usize = 254;
/// Larger numbers do not fit the integer the form converts through.
const NUMBER_MAX: f64 = 9.2e18;

/// Applies the rules of the field's type to a value that is not blank.
pub fn judge(field: &Field, input: &Input, now: Timestamp) -> Verdict {
    match &field.kind {
        Kind::Boolean { .. } => Verdict::Store(Value::Bool(input.is_truthy())),
        Kind::Number(_) => number(input, field.decimals()),
        Kind::Multiselect(choices) => multiselect(input, choices),
        _ => match input.to_text() {
            Some(text) => judge_text(field, &text, now),
            None => refuse(),
        },
    }
}

/// Whether POST and PATCH on contacts silently drop the value.
///
/// 1. Booleans are never dropped.
/// 2. Numbers are rounded to the field's decimals first, then dropped if the integer part is 0.
/// 3. Text that reads as a number with integer part 0 ("0", "0.75", "00000") is dropped in every
///    other type.
pub fn is_dropped_as_zero(field: &Field, input: &Input) -> bool {
    let Some(number) = input.to_number() else {
        return false;
    };
    match field.kind {
        Kind::Boolean { .. } => false,
        Kind::Number(_) => round(number, field.decimals()).trunc() == 0.0,
        _ => number.trunc() == 0.0,
    }
}

fn judge_text(field: &Field, text: &str, now: Timestamp) -> Verdict {
    match &field.kind {
        // The first day of 1970 is midnight number zero, which counts as no date.
        Kind::Date => ignore_unless(date_from_input(text, now).filter(|day| day != "1970-01-01")),
        Kind::Datetime => ignore_unless(datetime(text)),
        Kind::Time => ignore_unless(time_from_input(text)),
        Kind::Select(choices) => listed(text, choices.iter().any(|choice| choice.value == text)),
        Kind::Country => listed(text, choices::is_country(text)),
        Kind::Region => listed(text, choices::is_region(text)),
        Kind::Locale => listed(text, choices::is_locale(text)),
        Kind::Timezone => listed(text, choices::is_timezone(text)),
        Kind::Email => email(text),
        Kind::Url => limited(field, with_scheme(&clean(text))),
        Kind::Html => Verdict::Store(Value::text(text.trim())),
        Kind::Textarea => Verdict::Store(Value::text(clean(text))),
        _ => limited(field, clean(text)),
    }
}

fn refuse() -> Verdict {
    Verdict::Refuse(NOT_VALID.to_owned())
}

fn listed(text: &str, is_known: bool) -> Verdict {
    if is_known {
        Verdict::Store(Value::text(text))
    } else {
        refuse()
    }
}

fn ignore_unless(read: Option<String>) -> Verdict {
    read.map_or(Verdict::Ignore, |text| Verdict::Store(Value::text(text)))
}

/// Converted to UTC; the seconds are lost, and the epoch itself counts as no date.
fn datetime(text: &str) -> Option<String> {
    let moment = read_input(text)?;
    let minute = Timestamp::from_seconds(moment.as_seconds().div_euclid(60) * 60);
    (moment.as_seconds() != 0).then(|| minute.sql())
}

fn number(input: &Input, scale: u8) -> Verdict {
    match input.to_number() {
        Some(number) if number.abs() < NUMBER_MAX => {
            let number = round(number, scale);
            Verdict::Store(if scale == 0 {
                Value::Int(number as i64)
            } else {
                Value::Float(number)
            })
        }
        _ => refuse(),
    }
}

/// Halves go to the even neighbour: 150000.5 is 150000, and 10.555 is 10.56.
fn round(number: f64, scale: u8) -> f64 {
    let factor = 10_f64.powi(i32::from(scale));
    (number * factor).round_ties_even() / factor
}

fn multiselect(input: &Input, choices: &[Choice]) -> Verdict {
    let parts: Option<Vec<String>> = match input {
        Input::List(items) => items.iter().map(Input::to_text).collect(),
        Input::Text(text) => Some(text.split('|').map(|part| part.trim().to_owned()).collect()),
        _ => input.to_text().map(|text| vec![text]),
    };
    match parts {
        Some(parts)
            if parts
                .iter()
                .all(|part| choices.iter().any(|c| &c.value == part)) =>
        {
            Verdict::Store(Value::text(parts.join("|")))
        }
        _ => refuse(),
    }
}

/// Characters that have no place in an address are taken out before anybody looks at the rest:
/// accents too, so that `hélène@` is stored as `hlne@`.
fn email(text: &str) -> Verdict {
    let text: String = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-=?^_`{|}~@.[]".contains(*c))
        .collect();
    let text = text.as_str();
    let well_formed = match text.split_once('@') {
        Some((local, domain)) => {
            let dotted =
                domain.split('.').count() > 1 && domain.split('.').all(|part| !part.is_empty());
            !local.is_empty() && dotted && !domain.contains('@')
        }
        None => false,
    };
    if !well_formed {
        return Verdict::Refuse(format!("{text} is invalid."));
    }
    if text.chars().count() > EMAIL_LENGTH_MAX {
        return too_long(EMAIL_LENGTH_MAX);
    }
    Verdict::Store(Value::text(text))
}

fn with_scheme(text: &str) -> String {
    if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    }
}

fn limited(field: &Field, text: String) -> Verdict {
    let limit = field.length_limit.unwrap_or(TEXT_LENGTH_MAX);
    if text.chars().count() > limit {
        too_long(limit)
    } else {
        Verdict::Store(Value::text(text))
    }
}

fn too_long(limit: usize) -> Verdict {
    Verdict::Refuse(format!(
        "This value is too long. It should have {limit} characters or less."
    ))
}

/// Trimmed, entities decoded, anything that looks like a tag removed.
pub fn clean(text: &str) -> String {
    strip_tags(&decode_entities(text)).trim().to_owned()
}

/// A `<` followed by white space stays; any other opens a tag, which the end of the text closes.
fn strip_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if tail.starts_with(char::is_whitespace) || tail.is_empty() {
            out.push('<');
            rest = tail;
        } else {
            rest = tail.find('>').map_or("", |end| &tail[end + 1..]);
        }
    }
    out.push_str(rest);
    out
}

/// Named and decimal entities, as far as a form sends them.
pub fn decode_entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
    ];
    let decimal = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    let mut out = text.to_owned();
    for (entity, plain) in named.into_iter().chain(decimal) {
        out = out.replace(entity, plain);
    }
    out.replace("&amp;", "&")
}

/// The escaping the product applies to filter values and to comments of the do-not-contact route.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::author::AuthorId;
    use super::super::field::{Fields, NewField};
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_383_567);

    fn field(kind: Kind) -> Field {
        let mut fields = Fields::default();
        fields
            .add(
                NewField::contact("probe", "Probe", kind),
                (NOW, AuthorId::SYSTEM),
            )
            .unwrap()
            .clone()
    }

    fn stored(kind: Kind, input: impl Into<Input>) -> Value {
        match judge(&field(kind), &input.into(), NOW) {
            Verdict::Store(value) => value,
            other => panic!("expected a stored value, got {other:?}"),
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_fields_decimals() {
        let money = || Kind::Number(Some(2));
        assert_eq!(stored(money(), "10.555"), Value::Float(10.56));
        assert_eq!(stored(money(), "1e3"), Value::Float(1000.0));
        assert_eq!(stored(money(), -3.0), Value::Float(-3.0));
        assert_eq!(stored(Kind::Number(None), 7.0), Value::Int(7));
        for bad in ["1,234.5", "1.234,5", "abc"] {
            assert!(
                matches!(judge(&field(money()), &bad.into(), NOW), Verdict::Refuse(_)),
                "{bad}"
            );
        }
        let huge = Input::Number(12_345_678_901_234_567_890.0);
        assert!(matches!(
            judge(&field(money()), &huge, NOW),
            Verdict::Refuse(_)
        ));
    }

    #[test]
    fn zero_and_fractions_are_dropped_after_rounding_and_only_outside_booleans() {
        let money = field(Kind::Number(Some(2)));
        let text = field(Kind::Text);
        let flag = field(Kind::Boolean {
            no: "No".into(),
            yes: "Yes".into(),
        });
        for small in [0.0, 0.5, -0.4] {
            assert!(is_dropped_as_zero(&money, &small.into()), "{small}");
        }
        assert!(!is_dropped_as_zero(&money, &0.999.into()));
        assert!(is_dropped_as_zero(&text, &"0".into()));
        assert!(!is_dropped_as_zero(&text, &"0123".into()));
        assert!(!is_dropped_as_zero(&flag, &"0".into()));
    }

    #[test]
    fn text_is_trimmed_and_tags_are_stripped() {
        assert_eq!(stored(Kind::Text, "  padded  "), Value::text("padded"));
        assert_eq!(
            stored(Kind::Text, "<script>alert(1)</script>Zoé"),
            Value::text("alert(1)Zoé")
        );
        assert_eq!(
            stored(Kind::Textarea, "a <b> c & d"),
            Value::text("a  c & d")
        );
        assert_eq!(stored(Kind::Text, "1 < 2"), Value::text("1 < 2"));
        assert_eq!(stored(Kind::Text, 42.0), Value::text("42"));
        assert_eq!(
            stored(Kind::Url, "not a url"),
            Value::text("http://not a url")
        );
    }

    #[test]
    fn values_outside_a_list_are_refused() {
        let choices = vec![Choice::new("Gold", "gold"), Choice::new("Tea", "tea")];
        let select = field(Kind::Select(choices.clone()));
        assert_eq!(judge(&select, &"Gold".into(), NOW), refuse());
        let many = field(Kind::Multiselect(choices));
        assert_eq!(
            judge(&many, &"gold|tea".into(), NOW),
            Verdict::Store(Value::text("gold|tea"))
        );
        assert_eq!(judge(&many, &"gold,tea".into(), NOW), refuse());
        assert_eq!(judge(&field(Kind::Text), &Input::Object, NOW), refuse());
    }

    #[test]
    fn a_bad_address_is_named_in_the_message() {
        let email = field(Kind::Email);
        assert_eq!(
            judge(&email, &"bad".into(), NOW),
            Verdict::Refuse("bad is invalid.".into())
        );
        assert_eq!(
            stored(Kind::Email, " A@Shop.example "),
            Value::text("A@Shop.example")
        );
    }

    #[test]
    fn an_unreadable_date_is_ignored_and_an_offset_is_converted() {
        assert_eq!(
            judge(&field(Kind::Datetime), &"garbage".into(), NOW),
            Verdict::Ignore
        );
        let moved = stored(Kind::Datetime, "2026-12-24T18:30:59+02:00");
        assert_eq!(moved, Value::text("2026-12-24 16:30:00"));
        assert_eq!(
            judge(&field(Kind::Time), &"25:61".into(), NOW),
            Verdict::Ignore
        );
    }
}
