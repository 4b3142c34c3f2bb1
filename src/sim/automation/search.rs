//! The search mini-language of contact lists.
//!
//! Words are separated by spaces (all have to match) or by `or`; parentheses group and double
//! quotes keep spaces. `command:value` restricts a column, `!` negates, `+` asks for the exact value.
//! Without `+` a command matches by prefix and a plain word anywhere; `%` and `_` stay wildcards.

#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Term(Term),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    pub command: Option<String>,
    /// In lower case: the whole language is.
    pub value: String,
    pub is_exact: bool,
    pub is_negated: bool,
}

impl Term {
    /// The LIKE pattern of a command, prefix unless exact.
    pub fn prefix_pattern(&self) -> String {
        if self.is_exact {
            self.value.clone()
        } else {
            format!("{}%", self.value)
        }
    }

    /// The LIKE pattern of a plain word.
    pub fn anywhere_pattern(&self) -> String {
        if self.is_exact {
            self.value.clone()
        } else {
            format!("%{}%", self.value)
        }
    }
}

impl Search {
    /// `None` for blank text, which restricts nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(&text.to_lowercase());
        if tokens.is_empty() {
            return None;
        }
        let mut rest = tokens.as_slice();
        Some(any(&mut rest))
    }

    pub fn term(command: &str, value: &str) -> Self {
        let command = Some(command.to_owned());
        Self::Term(Term {
            command,
            value: value.to_lowercase(),
            ..Term::default()
        })
    }

    pub fn exact(command: &str, value: &str) -> Self {
        let command = Some(command.to_owned());
        Self::Term(Term {
            command,
            value: value.to_lowercase(),
            is_exact: true,
            is_negated: false,
        })
    }

    /// `!is:anonymous`: the list without visitors who never said who they are.
    pub fn identified() -> Self {
        let command = Some("is".to_owned());
        Self::Term(Term {
            command,
            value: "anonymous".into(),
            is_exact: false,
            is_negated: true,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Or,
    Term(Term),
}

fn any(rest: &mut &[Token]) -> Search {
    let mut branches = vec![all(rest)];
    while let Some((Token::Or, tail)) = rest.split_first() {
        *rest = tail;
        branches.push(all(rest));
    }
    if branches.len() == 1 {
        branches.remove(0)
    } else {
        Search::Any(branches)
    }
}

fn all(rest: &mut &[Token]) -> Search {
    let mut parts = Vec::new();
    while let Some((token, tail)) = rest.split_first() {
        match token {
            Token::Or => break,
            Token::Close => {
                *rest = tail;
                break;
            }
            Token::Open => {
                *rest = tail;
                parts.push(any(rest));
            }
            Token::Term(term) => {
                *rest = tail;
                parts.push(Search::Term(term.clone()));
            }
        }
    }
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        Search::All(parts)
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut had_quote = false;
    for c in text.chars().chain([' ']) {
        match c {
            '"' => {
                quoted = !quoted;
                had_quote = true;
            }
            '(' | ')' | ' ' | '\t' | '\n' if !quoted => {
                push_word(&mut out, &mut word, std::mem::take(&mut had_quote));
                match c {
                    '(' => out.push(Token::Open),
                    ')' => out.push(Token::Close),
                    _ => {}
                }
            }
            c => word.push(c),
        }
    }
    if quoted {
        // An unclosed quote searches for what follows it, even for nothing.
        let rest = word.trim().to_owned();
        out.push(Token::Term(term(&rest)));
    }
    out
}

fn push_word(out: &mut Vec<Token>, word: &mut String, had_quote: bool) {
    let word = std::mem::take(word);
    match word.as_str() {
        // Words are joined by `and` already.
        "" | "and" if !had_quote => {}
        "or" if !had_quote => out.push(Token::Or),
        word => out.push(Token::Term(term(word))),
    }
}

fn term(word: &str) -> Term {
    let mut term = Term::default();
    let word = operators(word, &mut term);
    match word.split_once(':') {
        Some((command, value)) if !command.is_empty() => {
            term.command = Some(command.to_owned());
            term.value = operators(value, &mut term).to_owned();
        }
        _ => word.clone_into(&mut term.value),
    }
    term
}

fn operators<'a>(word: &'a str, term: &mut Term) -> &'a str {
    let mut word = word;
    loop {
        if let Some(tail) = word.strip_prefix('!') {
            term.is_negated = !term.is_negated;
            word = tail;
        } else if let Some(tail) = word.strip_prefix('+') {
            term.is_exact = true;
            word = tail;
        } else {
            return word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_makes_a_command_exact() {
        let Some(Search::Term(term)) = Search::parse("email:+Jane@Shop.example") else {
            panic!("one term expected");
        };
        assert_eq!(term.command.as_deref(), Some("email"));
        assert_eq!(
            (term.value.as_str(), term.is_exact),
            ("jane@shop.example", true)
        );
        assert_eq!(term.prefix_pattern(), "jane@shop.example");
    }

    #[test]
    fn words_are_anded_and_or_splits() {
        let Some(Search::Any(branches)) = Search::parse("firstname:a city:b OR !is:anonymous")
        else {
            panic!("two branches expected");
        };
        assert!(matches!(&branches[0], Search::All(parts) if parts.len() == 2));
        assert_eq!(branches[1], Search::identified());
    }

    #[test]
    fn quotes_keep_spaces_and_an_unclosed_one_searches_for_nothing() {
        assert_eq!(
            Search::parse("company:\"Zephyr Cycles\""),
            Some(Search::term("company", "Zephyr Cycles"))
        );
        assert_eq!(Search::parse("\""), Some(Search::Term(Term::default())));
        assert_eq!(Search::parse("   "), None);
    }

    #[test]
    fn parentheses_group() {
        let parsed = Search::parse("(a or b) c").unwrap();
        assert!(matches!(parsed, Search::All(parts) if matches!(parts[0], Search::Any(_))));
    }
}
