//! What the console says, in French and English, from message files that are part of the program.
//!
//! A message that is missing in one language, or that nothing says, fails a test.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tongue {
    #[default]
    English,
    French,
}

/// Both languages, and which one is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    pub tongue: Tongue,
    english: Messages,
    french: Messages,
}

type Messages = BTreeMap<String, String>;

impl Tongue {
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "en" | "english" => Some(Self::English),
            "fr" | "français" | "francais" => Some(Self::French),
            _ => None,
        }
    }

    /// Of a locale such as `fr_FR.UTF-8`.
    pub fn of_locale(locale: &str) -> Self {
        if locale.to_lowercase().starts_with("fr") {
            Self::French
        } else {
            Self::English
        }
    }

    /// The one form for one, the other form for several: French counts nought as one.
    const fn is_one(self, count: u64) -> bool {
        match self {
            Self::English => count == 1,
            Self::French => count <= 1,
        }
    }
}

impl Language {
    pub fn new(tongue: Tongue) -> Self {
        Self {
            tongue,
            english: read(include_str!("languages/en.toml")),
            french: read(include_str!("languages/fr.toml"))
                .into_iter()
                .map(|(key, text)| (key, set_in_french(text)))
                .collect(),
        }
    }

    fn messages(&self) -> &Messages {
        match self.tongue {
            Tongue::English => &self.english,
            Tongue::French => &self.french,
        }
    }

    pub fn text<'a>(&'a self, key: &'a str) -> &'a str {
        self.messages().get(key).map_or(key, String::as_str)
    }

    /// A message with its `{gaps}` filled. What fills a gap is never looked at again: it comes from
    /// outside, and may look like a gap itself.
    pub fn with(&self, key: &str, gaps: &[(&str, &str)]) -> String {
        let mut rest = self.text(key);
        let mut filled = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let gap = after.split_once('}').and_then(|(name, after)| {
                let (_, value) = gaps.iter().find(|(known, _)| *known == name)?;
                Some((*value, after))
            });
            if let Some((value, after)) = gap {
                filled.push_str(value);
                rest = after;
            } else {
                filled.push('{');
                rest = after;
            }
        }
        filled.push_str(rest);
        filled
    }

    /// `name: value`, with the language's own colon.
    pub fn labelled(&self, name: &str, value: &str) -> String {
        self.with("labelled", &[("name", name), ("value", value)])
    }

    /// In the language's own quotes.
    pub fn quoted(&self, text: &str) -> String {
        self.with("quoted", &[("text", text)])
    }

    /// A message that counts: `<key>-one` or `<key>-many`, with `{n}` filled.
    pub fn count(&self, key: &str, count: u64) -> String {
        self.count_with(key, count, &[])
    }

    /// The same with more gaps.
    pub fn count_with(&self, key: &str, count: u64, gaps: &[(&str, &str)]) -> String {
        let form = if self.tongue.is_one(count) {
            "one"
        } else {
            "many"
        };
        let number = self.number(count);
        let mut all = vec![("n", number.as_str())];
        all.extend(gaps);
        self.with(&format!("{key}-{form}"), &all)
    }

    /// Digits in groups of three, as the language writes them.
    pub fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let gap = match self.tongue {
            Tongue::English => ",",
            Tongue::French => "\u{a0}",
        };
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push_str(gap);
            }
            grouped.push(digit);
        }
        grouped
    }
}

/// A sign that stands apart is never parted from its word by the end of a line.
fn set_in_french(mut text: String) -> String {
    for sign in [':', ';', '?', '!', '»'] {
        text = text.replace(&format!(" {sign}"), &format!("\u{a0}{sign}"));
    }
    text.replace("« ", "«\u{a0}")
}

fn read(text: &str) -> Messages {
    let table =
        DeTable::parse(text).expect("the message files are part of the program, and tested");
    table
        .get_ref()
        .iter()
        .filter_map(|(key, value)| {
            let text = value.get_ref().as_str()?;
            Some((key.get_ref().to_string(), text.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::console::keymap::ACTIONS;
    use crate::domain::doctor::CHECKS;

    #[test]
    fn what_fills_a_gap_is_not_filled_again() {
        let language = Language::new(Tongue::English);
        let told = language.with(
            "act-summary",
            &[
                ("at", "{by}"),
                ("by", "{act}{"),
                ("act", "}{object}"),
                ("object", "7"),
            ],
        );
        assert_eq!(told, "{by} · {act}{: }{object} · 7");
    }

    fn sources(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else {
                let text = fs::read_to_string(path).unwrap();
                all.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }

    /// Every text in quotes that stands in the console's sources.
    fn quoted() -> BTreeSet<String> {
        let mut all = String::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("src/console"), &mut all);
        sources(&root.join("src/session"), &mut all);
        sources(&root.join("src/domain/doctor"), &mut all);
        sources(&root.join("src/domain/setup"), &mut all);
        sources(&root.join("src/app"), &mut all);
        all.push_str(&fs::read_to_string(root.join("src/domain/access.rs")).unwrap());
        all.split('"').map(ToOwned::to_owned).collect()
    }

    fn gaps(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts
            .filter_map(|part| Some(part.split_once('}')?.0))
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_gaps() {
        let language = Language::new(Tongue::English);
        let keys = |messages: &Messages| messages.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&language.english), keys(&language.french));
        for (key, english) in &language.english {
            let french = &language.french[key];
            // One may be said in a word: “One thing waits”.
            let said = |text| {
                let mut gaps = gaps(text);
                if key.ends_with("-one") {
                    gaps.remove("n");
                }
                gaps
            };
            assert_eq!(said(english), said(french), "{key}");
            assert!(!french.trim().is_empty(), "{key}");
        }
    }

    #[test]
    fn every_message_is_said_somewhere() {
        let said = quoted();
        let language = Language::new(Tongue::English);
        let unused: Vec<&String> = language
            .english
            .keys()
            .filter(|key| {
                let counted = key
                    .strip_suffix("-one")
                    .or_else(|| key.strip_suffix("-many"));
                let is_action = ACTIONS.iter().any(|entry| entry.description == *key);
                let is_check = CHECKS
                    .iter()
                    .any(|check| [check.name, check.why, check.path].contains(&key.as_str()));
                !is_action
                    && !is_check
                    && !said.contains(*key)
                    && !counted.is_some_and(|counted| said.contains(counted))
            })
            .collect();
        assert!(unused.is_empty(), "{unused:#?}");
    }

    #[test]
    fn every_objection_is_put_into_words() {
        let language = Language::new(Tongue::English);
        let is_objection = |key: &&String| key.starts_with("unfit-") || key.starts_with("doubt-");
        let said = quoted();
        let objections: Vec<&String> = said.iter().filter(is_objection).collect();
        assert!(objections.len() > 20, "{objections:?}");
        for key in objections {
            assert!(language.english.contains_key(key), "{key}");
        }
    }

    #[test]
    fn nothing_is_said_that_no_language_has() {
        let mut all = String::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("src/console"), &mut all);
        sources(&root.join("src/session"), &mut all);
        let language = Language::new(Tongue::English);
        let mut missing = BTreeSet::new();
        for (call, forms) in [
            (".text(\"", &[""][..]),
            (".with(\"", &[""]),
            (".count(\"", &["-one", "-many"]),
        ] {
            let compact: String = all
                .replace("(\n", "(")
                .split_inclusive('\n')
                .map(str::trim_start)
                .collect();
            for part in compact.split(call).skip(1) {
                let key = part.split('"').next().unwrap();
                for form in forms {
                    let key = format!("{key}{form}");
                    if !language.english.contains_key(&key) {
                        missing.insert(key);
                    }
                }
            }
        }
        for entry in ACTIONS {
            if !language.english.contains_key(entry.description) {
                missing.insert(entry.description.to_owned());
            }
        }
        let mut seen = String::new();
        sources(&root.join("src/domain/doctor"), &mut seen);
        let seen = seen.split('"').filter(|text| text.starts_with("seen-"));
        let checks = CHECKS
            .iter()
            .flat_map(|check| [check.name, check.why, check.path]);
        for key in seen.chain(checks) {
            if !language.english.contains_key(key) {
                missing.insert(key.to_owned());
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }

    /// A message as it is read, with every gap as `{}`, in small letters.
    fn plain(text: &str) -> String {
        let mut parts = text.split('{');
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            plain.push_str("{}");
            plain.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
        }
        plain.to_lowercase()
    }

    /// Whether it has these words, one after the other.
    fn has(text: &str, wanted: &str) -> bool {
        text.match_indices(wanted).any(|(at, _)| {
            let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_letter(text[..at].chars().next_back())
                && !is_letter(text[at + wanted.len()..].chars().next())
        })
    }

    #[test]
    fn no_message_says_what_only_the_source_calls_so() {
        const ENGLISH: &[&str] = &[
            "base",
            "brake",
            "cycle",
            "cycles",
            "eases",
            "held",
            "link {}",
            "mend",
            "mended",
            "outbox",
            "plan",
            "plans",
            "planned",
            "run {}",
            "snapshot",
            "survey",
            "tombstone",
            "travel",
            "travels",
        ];
        const FRENCH: &[&str] = &[
            "base",
            "cycle",
            "cycles",
            "drapeau",
            "drapeaux",
            "dépublié",
            "exécution",
            "frein",
            "lien {}",
            "lâché",
            "plan",
            "plans",
            "planification",
            "planifié",
            "retenu",
            "retenue",
            "retenues",
            "retenus",
            "revue",
        ];
        let language = Language::new(Tongue::English);
        for (messages, banned) in [(&language.english, ENGLISH), (&language.french, FRENCH)] {
            for (key, text) in messages {
                let text = plain(text);
                let found: Vec<_> = banned.iter().filter(|word| has(&text, word)).collect();
                assert!(found.is_empty(), "{key} says {found:?}: {text}");
            }
        }
    }

    #[test]
    fn each_language_has_its_own_quotes_and_spaces() {
        let language = Language::new(Tongue::English);
        for (key, english) in &language.english {
            assert!(!english.contains(['«', '»']), "{key}: {english}");
        }
        for (key, french) in &language.french {
            assert!(!french.contains(['“', '”', '’']), "{key}: {french}");
            assert!(
                !french.replace("«\u{a0}", "").contains('«'),
                "{key}: {french}"
            );
            // What is typed into a filter is the same in both languages.
            if key.starts_with("filter-hint-") {
                continue;
            }
            let words = plain(french);
            let words = words
                .split_whitespace()
                .filter(|word| word.chars().count() > 1);
            for word in words {
                let is_stuck = word.ends_with([':', ';', '?', '!', '»']);
                assert!(!is_stuck, "{key}: “{word}” in: {french}");
            }
        }
    }

    #[test]
    fn numbers_and_plurals_are_those_of_the_language() {
        let mut language = Language::new(Tongue::French);
        assert_eq!(language.number(1_234_567), "1\u{a0}234\u{a0}567");
        assert!(Tongue::French.is_one(0) && !Tongue::English.is_one(0));
        language.tongue = Tongue::English;
        assert_eq!(language.number(999), "999");
        assert_eq!(language.number(1_000), "1,000");
    }
}
