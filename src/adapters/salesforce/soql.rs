//! Queries as data. Nothing that came from outside is ever pasted into a query: names are checked,
//! values are literals.

use std::fmt;

use url::form_urlencoded;

use super::super::failures::Fault;
use crate::domain::ids::SalesforceId;
use crate::domain::time::Timestamp;

/// The platform's limit of a statement.
pub(super) const STATEMENT_CHARS_MAX: usize = 100_000;

/// The platform's limit of one text literal.
pub(super) const LITERAL_CHARS_MAX: usize = 4_000;

/// An object, a field, or a field across relationships: `Account.Name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Id(SalesforceId),
    Moment(Timestamp),
    Bool(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Equal(Name, Literal),
    Differs(Name, Literal),
    Greater(Name, Literal),
    AtLeast(Name, Literal),
    Less(Name, Literal),
    In(Name, Vec<Literal>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// One `SELECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Select {
    pub(super) fields: Vec<Name>,
    pub(super) from: Name,
    pub(super) condition: Option<Condition>,
    pub(super) order: Vec<(Name, Order)>,
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

impl Name {
    /// Checks a name from a mapping or a configuration.
    pub(super) fn new(name: &str) -> Result<Self, Fault> {
        let is_part = |part: &str| {
            part.len() <= 120
                && part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if name.split('.').count() <= 6 && name.split('.').all(is_part) {
            Ok(Self(name.to_owned()))
        } else {
            let message = format!("{name:?} is no name of a Salesforce object or field");
            Err(Fault::broken("name", message))
        }
    }

    /// A name written in this program.
    pub(super) fn known(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Select {
    /// As the parameter of a query resource, percent-encoded.
    pub(super) fn encoded(&self) -> String {
        form_urlencoded::byte_serialize(self.to_string().as_bytes()).collect()
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        separated(f, ", ", &self.fields)?;
        write!(f, " FROM {}", self.from)?;
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        if !self.order.is_empty() {
            f.write_str(" ORDER BY ")?;
            for (index, (name, order)) in self.order.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                let direction = match order {
                    Order::Ascending => "",
                    Order::Descending => " DESC",
                };
                write!(f, "{comma}{name}{direction}")?;
            }
        }
        match self.limit {
            Some(limit) => write!(f, " LIMIT {limit}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(name, literal) => write!(f, "{name} = {literal}"),
            Self::Differs(name, literal) => write!(f, "{name} != {literal}"),
            Self::Greater(name, literal) => write!(f, "{name} > {literal}"),
            Self::AtLeast(name, literal) => write!(f, "{name} >= {literal}"),
            Self::Less(name, literal) => write!(f, "{name} < {literal}"),
            Self::In(name, literals) => {
                write!(f, "{name} IN (")?;
                separated(f, ",", literals)?;
                f.write_str(")")
            }
            Self::All(conditions) => grouped(f, " AND ", conditions),
            Self::Any(conditions) => grouped(f, " OR ", conditions),
        }
    }
}

/// SOQL refuses to mix AND and OR without parentheses.
fn grouped(f: &mut fmt::Formatter<'_>, joint: &str, conditions: &[Condition]) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            f.write_str(joint)?;
        }
        match condition {
            Condition::All(_) | Condition::Any(_) => write!(f, "({condition})")?,
            _ => write!(f, "{condition}")?,
        }
    }
    Ok(())
}

fn separated(f: &mut fmt::Formatter<'_>, joint: &str, items: &[impl fmt::Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(joint)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(f, text),
            Self::Id(id) => write!(f, "'{id}'"),
            Self::Moment(moment) => write!(f, "{moment}"),
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// Single quotes; every other backslash sequence than these is an error of the platform.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("'")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\'' => f.write_str("\\'")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads one literal the way the platform's grammar describes it, and what follows it.
    fn parse(soql: &str) -> Option<(String, &str)> {
        let mut chars = soql.strip_prefix('\'')?.char_indices();
        let mut text = String::new();
        while let Some((index, c)) = chars.next() {
            match c {
                '\'' => return Some((text, &soql[index + 2..])),
                '\n' | '\r' => return None,
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        text.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    _ => return None,
                },
                c => text.push(c),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn a_literal_reads_back_as_the_text_it_was(text in any::<String>()) {
            let soql = format!("{} AND x", Literal::Text(text.clone()));
            prop_assert_eq!(parse(&soql), Some((text, " AND x")));
        }
    }

    #[test]
    fn a_query_reads_as_the_platform_documents_it() {
        let id: SalesforceId = "003Q70000000A1b".parse().unwrap();
        let stamp = Name::known("SystemModstamp");
        let at = Literal::Moment(Timestamp::from_seconds(1_772_615_702));
        let select = Select {
            fields: vec![Name::known("Id"), Name::new("Account.Name").unwrap()],
            from: Name::known("Contact"),
            condition: Some(Condition::All(vec![
                Condition::Any(vec![
                    Condition::Greater(stamp.clone(), at.clone()),
                    Condition::All(vec![
                        Condition::Equal(stamp.clone(), at.clone()),
                        Condition::Greater(Name::known("Id"), Literal::Id(id)),
                    ]),
                ]),
                Condition::In(
                    Name::known("Email"),
                    vec![Literal::Text("o'brien@x.example".into())],
                ),
                Condition::Equal(Name::known("IsDeleted"), Literal::Bool(false)),
            ])),
            order: vec![
                (stamp, Order::Ascending),
                (Name::known("Id"), Order::Descending),
            ],
            limit: Some(2000),
        };
        assert_eq!(
            select.to_string(),
            "SELECT Id, Account.Name FROM Contact WHERE (SystemModstamp > 2026-03-04T09:15:02Z OR \
             (SystemModstamp = 2026-03-04T09:15:02Z AND Id > '003Q70000000A1bIAE')) AND \
             Email IN ('o\\'brien@x.example') AND IsDeleted = false \
             ORDER BY SystemModstamp, Id DESC LIMIT 2000"
        );
        assert!(!select.encoded().contains(['\'', ' ', '&', '#']));
    }

    #[test]
    fn what_is_no_name_never_gets_into_a_query() {
        for name in [
            "",
            "Email, Name",
            "Email'",
            "1st",
            "a.b.",
            "Email--",
            "Ünïcode__c",
        ] {
            assert!(Name::new(name).is_err(), "{name}");
        }
        for name in ["Email", "ns__Mautic_url__c", "contact_id__r.Account.Name"] {
            assert!(Name::new(name).is_ok(), "{name}");
        }
    }
}
