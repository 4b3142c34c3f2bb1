//! PHP's serialisation, which some columns of the stats tables carry as text.

use std::fmt::Write as _;

/// A value as PHP serialises it.
#[derive(Clone, Debug, PartialEq)]
pub enum Php {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Php>),
    Map(Vec<(String, Php)>),
    /// A `DateTime` object in UTC: `2026-11-22 21:52:09`.
    DateTime(String),
}

impl Php {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn map<const N: usize>(entries: [(&str, Php); N]) -> Self {
        Self::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
    }

    /// The pair old value, new value, as change logs keep it.
    pub fn change(old: Php, new: Php) -> Self {
        Self::List(vec![old, new])
    }

    pub fn serialise(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Null => write!(out, "N;"),
            Self::Bool(value) => write!(out, "b:{};", i32::from(*value)),
            Self::Int(value) => write!(out, "i:{value};"),
            Self::Float(value) => write!(out, "d:{value};"),
            Self::Text(text) => write!(out, "s:{}:\"{text}\";", text.len()),
            Self::List(items) => {
                let _ = write!(out, "a:{}:{{", items.len());
                for (index, item) in items.iter().enumerate() {
                    let _ = write!(out, "i:{index};");
                    item.write(out);
                }
                write!(out, "}}")
            }
            Self::Map(entries) => {
                let _ = write!(out, "a:{}:{{", entries.len());
                for (key, value) in entries {
                    let _ = write!(out, "s:{}:\"{key}\";", key.len());
                    value.write(out);
                }
                write!(out, "}}")
            }
            Self::DateTime(moment) => write!(
                out,
                "O:8:\"DateTime\":3:{{s:4:\"date\";s:26:\"{moment}.000000\";\
                 s:13:\"timezone_type\";i:3;s:8:\"timezone\";s:3:\"UTC\";}}"
            ),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_written_as_the_product_writes_it() {
        let details = Php::map([("merged_into", Php::Int(228))]);
        assert_eq!(details.serialise(), "a:1:{s:11:\"merged_into\";i:228;}");
    }

    #[test]
    fn text_lengths_are_in_bytes() {
        assert_eq!(Php::text("Zoé").serialise(), "s:4:\"Zoé\";");
        let change = Php::change(Php::Null, Php::Float(52.25));
        assert_eq!(change.serialise(), "a:2:{i:0;N;i:1;d:52.25;}");
    }
}
