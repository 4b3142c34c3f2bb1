//! What a typed filter lets through: words that must all be there, `!word` that must not, and
//! `email:word` for one column, `email:=word` for one that is exactly this. Quotes keep words together.

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
        terms(&fold(&self.typed)).iter().all(|term| {
            let (term, wanted) = match term.strip_prefix('!') {
                Some(term) => (term, false),
                None => (term.as_str(), true),
            };
            let (column, text) = match term.split_once(':') {
                Some((column, text)) if columns.iter().any(|(name, _)| *name == column) => {
                    (Some(column), text)
                }
                _ => (None, term),
            };
            let exact = text.strip_prefix('=').filter(|_| column.is_some());
            let found = columns
                .iter()
                .filter(|(name, _)| column.is_none_or(|column| column == *name))
                .any(|(_, value)| match exact {
                    Some(exact) => fold(value) == exact,
                    None => has_part(value, text),
                });
            found == wanted
        })
    }

    /// What shows exactly the rows with this text in a column.
    pub(super) fn exactly(column: &str, text: &str) -> Self {
        let text = text.to_lowercase();
        let is_word = !text.contains(char::is_whitespace);
        let quote = if is_word { "" } else { "\"" };
        Self::new(&format!("{column}:={quote}{text}{quote}"))
    }
}

/// Words, and what stands between quotes.
fn terms(typed: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut is_quoted = false;
    for letter in typed.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            letter if letter.is_whitespace() && !is_quoted => terms.push(String::new()),
            letter => {
                if let Some(term) = terms.last_mut() {
                    term.push(letter);
                }
            }
        }
    }
    terms.retain(|term| !term.is_empty());
    terms
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
            ("field:=mobilephone", true),
            ("field:=mobile", false),
            ("!field:=mobile", true),
            ("=mobile", false),
            ("\"claire@orion\"", true),
            ("field:\"mobile phone\"", false),
        ] {
            assert_eq!(Filter::new(typed).keeps(&row), expected, "{typed}");
        }
    }

    #[test]
    fn a_text_of_several_words_can_be_meant_exactly() {
        let filter = Filter::exactly("type", "Point Gained");
        let row = |kind: &str| [("type", kind.to_owned())];
        assert!(filter.keeps(&row("point gained")));
        assert!(!filter.keeps(&row("point gained twice")));
    }
}
