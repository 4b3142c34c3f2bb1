//! What a typed filter lets through: words that must all be there, `!word` that must not, and
//! `email:word` for one column.

use crate::domain::folded::{fold, has_part};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filter {
    typed: String,
}

impl Filter {
    pub(super) fn new(typed: &str) -> Self {
        Self {
            typed: typed.trim().to_owned(),
        }
    }

    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// Whether a row with these columns stays. A column that the row does not have matches nothing.
    pub(super) fn keeps(&self, columns: &[(&str, String)]) -> bool {
        fold(&self.typed).split_whitespace().all(|term| {
            let (term, wanted) = match term.strip_prefix('!') {
                Some(term) => (term, false),
                None => (term, true),
            };
            let (column, text) = match term.split_once(':') {
                Some((column, text)) if columns.iter().any(|(name, _)| *name == column) => {
                    (Some(column), text)
                }
                _ => (None, term),
            };
            let found = columns
                .iter()
                .filter(|(name, _)| column.is_none_or(|column| column == *name))
                .any(|(_, value)| has_part(value, text));
            found == wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_and_none_that_is_negated() {
        let row = [
            ("email", "claire@orion.example".to_owned()),
            ("field", "MobilePhone".to_owned()),
            ("cause", "Cafe\u{301} Crème".to_owned()),
        ];
        for (typed, expected) in [
            ("", true),
            ("CLAIRE mobile", true),
            ("email:mobile", false),
            ("field:mobile", true),
            ("!orion", false),
            ("!paul", true),
            ("state:dead", false),
            ("cafe", true),
            ("CAFÉ", true),
            ("cause:café", true),
        ] {
            assert_eq!(Filter::new(typed).keeps(&row), expected, "{typed}");
        }
    }
}
