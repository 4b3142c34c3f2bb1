//! A reader for the serialised PHP values in the audit log. Reads data only: an object is its
//! members, nothing is ever built or called.

/// Real entries are four levels deep.
const DEPTH_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Php {
    /// Null, floats and whatever the audit log has no use for.
    Other,
    Bool(bool),
    Int(i64),
    Text(String),
    /// Pairs of key and value; keys as text. Objects too.
    List(Vec<(String, Php)>),
}

impl Php {
    /// Reads one value that fills the text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let value = reader.value(0)?;
        reader.rest.is_empty().then_some(value)
    }

    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::List(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// A whole number, also if it was kept as text.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Php> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (kind, rest) = self.rest.split_at_checked(1)?;
        self.rest = rest;
        match kind {
            "N" => self.skip(";").map(|()| Php::Other),
            "b" => {
                self.skip(":")?;
                Some(Php::Bool(self.until(';')? == "1"))
            }
            "i" => {
                self.skip(":")?;
                self.until(';')?.parse().ok().map(Php::Int)
            }
            "d" | "r" | "R" => {
                self.skip(":")?;
                self.until(';').map(|_| Php::Other)
            }
            "s" => {
                self.skip(":")?;
                let text = self.text()?.to_owned();
                self.skip(";")?;
                Some(Php::Text(text))
            }
            "a" => {
                self.skip(":")?;
                self.members(depth)
            }
            "O" => {
                self.skip(":")?;
                self.text()?;
                self.skip(":")?;
                self.members(depth)
            }
            _ => None,
        }
    }

    /// `5:"hello"`; the length counts bytes.
    fn text(&mut self) -> Option<&'a str> {
        let length: usize = self.until(':')?.parse().ok()?;
        self.skip("\"")?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.skip("\"")?;
        Some(text)
    }

    /// `2:{key value key value}`
    fn members(&mut self, depth: usize) -> Option<Php> {
        let count: usize = self.until(':')?.parse().ok()?;
        self.skip("{")?;
        let mut members = Vec::new();
        for _ in 0..count {
            let key = match self.value(depth + 1)? {
                Php::Text(text) => text,
                Php::Int(number) => number.to_string(),
                _ => return None,
            };
            members.push((key, self.value(depth + 1)?));
        }
        self.skip("}")?;
        Some(Php::List(members))
    }

    fn until(&mut self, end: char) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    fn skip(&mut self, expected: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recorded_entries_are_read() {
        let merged = Php::parse(r#"a:1:{s:11:"merged_into";i:228;}"#).unwrap();
        assert_eq!(
            merged.member("merged_into").and_then(Php::number),
            Some(228)
        );

        let consent = Php::parse(
            r#"a:3:{s:18:"dnc_channel_status";a:1:{s:5:"email";a:3:{s:6:"reason";i:0;s:10:"old_reason";i:3;s:8:"comments";s:7:"by edit";}}s:14:"manipulated_by";s:12:"Sync rig [1]";s:15:"manipulator_key";s:15:"lead:api-single";}"#,
        )
        .unwrap();
        let email = consent
            .member("dnc_channel_status")
            .unwrap()
            .member("email")
            .unwrap();
        assert_eq!(email.member("reason"), Some(&Php::Int(0)));
        assert_eq!(email.member("old_reason"), Some(&Php::Int(3)));

        let created = Php::parse(
            r#"a:2:{s:9:"firstname";a:2:{i:0;N;i:1;s:4:"Zoé";}s:14:"dateIdentified";a:2:{i:0;s:0:"";i:1;O:8:"DateTime":3:{s:4:"date";s:26:"2026-11-22 21:52:09.137799";s:13:"timezone_type";i:3;s:8:"timezone";s:3:"UTC";}}}"#,
        );
        assert!(created.is_some());
    }

    #[test]
    fn a_nest_without_end_is_refused() {
        let deep = "a:1:{i:0;".repeat(10_000);
        assert_eq!(Php::parse(&deep), None);
        assert_eq!(Php::parse("a:99999999999:{}"), None);
        assert_eq!(Php::parse("s:999:\"x\";"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in "[aOsibN:;{}0-9\"]{0,40}") {
            let _ = Php::parse(&text);
            let _ = Php::parse(&tail);
        }
    }
}
