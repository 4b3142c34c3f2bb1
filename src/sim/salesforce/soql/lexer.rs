//! Characters to tokens. Strings are unescaped here, because an escape outside the vendor's list
//! makes the whole statement malformed wherever the string stands.

use super::ast::{ESCAPED_PERCENT, ESCAPED_UNDERSCORE};
use super::located;
use crate::sim::clock::{Day, Timestamp};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};

/// SOQL: one string literal may hold this many characters.
const LITERAL_CHARACTERS_MAX: usize = 4_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Instant(Timestamp),
    Day(Day),
    Symbol(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
    pub(super) end: usize,
}

const SYMBOLS: [&str; 13] = [
    "<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", ".", ":", "+",
];

pub(super) fn tokens(text: &str) -> Outcome<Vec<Placed>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if character.is_whitespace() {
            at += character.len_utf8();
            continue;
        }
        let (token, length) = token(text, at, character)?;
        tokens.push(Placed {
            token,
            at,
            end: at + length,
        });
        at += length;
    }
    Ok(tokens)
}

fn token(text: &str, at: usize, first: char) -> Outcome<(Token, usize)> {
    let rest = &text[at..];
    if first == '\'' {
        return string(text, at);
    }
    if first.is_ascii_digit()
        || (first == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
    {
        return number_or_date(text, at);
    }
    if first.is_alphabetic() || first == '_' {
        let length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        return Ok((Token::Word(rest[..length].to_owned()), length));
    }
    let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
    match symbol {
        Some(symbol) => Ok((Token::Symbol(symbol), symbol.len())),
        None => Err(unexpected(text, at, &first.to_string())),
    }
}

fn unexpected(text: &str, at: usize, found: &str) -> ApiError {
    located(
        text,
        at,
        ErrorCode::MALFORMED_QUERY,
        &format!("unexpected token: '{found}'"),
    )
}

/// Digits, and everything that may continue them into a date or an instant.
fn number_or_date(text: &str, at: usize) -> Outcome<(Token, usize)> {
    let rest = &text[at..];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+');
    let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    let word = &rest[..length];
    let token = if word.len() > 10 && word.contains(['T', 't']) {
        Timestamp::parse_iso(word).map(Token::Instant)
    } else if let Some(day) = Day::parse(word) {
        Some(Token::Day(day))
    } else {
        word.parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Token::Number)
    };
    token
        .map(|token| (token, length))
        .ok_or_else(|| unexpected(text, at, word))
}

fn string(text: &str, at: usize) -> Outcome<(Token, usize)> {
    let mut value = String::new();
    let mut characters = text[at + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '\'' => {
                if value.chars().count() > LITERAL_CHARACTERS_MAX {
                    let message = "string literal is too long (max length=4000)";
                    return Err(located(text, at, ErrorCode::MALFORMED_QUERY, message));
                }
                return Ok((Token::Text(value), offset + 2));
            }
            '\\' => {
                let escaped = characters.next().map(|(_, escaped)| escaped);
                let mut hex = || -> Option<char> {
                    let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
                };
                match unescape(escaped, &mut hex) {
                    Some(Unescaped::Character(character)) => value.push(character),
                    Some(Unescaped::Wildcard(mark)) => value.push(mark),
                    None => return Err(illegal_escape(text, at, escaped)),
                }
            }
            '\n' | '\r' => {
                let message = "line breaks are not allowed in string literals";
                return Err(located(text, at, ErrorCode::MALFORMED_QUERY, message));
            }
            other => value.push(other),
        }
    }
    let message = "unexpected token: '<EOF>' (unterminated string literal)";
    Err(located(text, at, ErrorCode::MALFORMED_QUERY, message))
}

enum Unescaped {
    Character(char),
    /// Only LIKE allows these, which the lexer cannot know yet.
    Wildcard(char),
}

fn unescape(escaped: Option<char>, hex: &mut dyn FnMut() -> Option<char>) -> Option<Unescaped> {
    let character = match escaped? {
        'n' | 'N' => '\n',
        'r' | 'R' => '\r',
        't' | 'T' => '\t',
        'b' | 'B' => '\u{8}',
        'f' | 'F' => '\u{c}',
        'u' | 'U' => hex()?,
        same @ ('\'' | '"' | '\\') => same,
        '%' => return Some(Unescaped::Wildcard(ESCAPED_PERCENT)),
        '_' => return Some(Unescaped::Wildcard(ESCAPED_UNDERSCORE)),
        _ => return None,
    };
    Some(Unescaped::Character(character))
}

fn illegal_escape(text: &str, at: usize, escaped: Option<char>) -> ApiError {
    let shown: String = text[at..].chars().take(80).collect();
    let sequence = escaped.map_or_else(String::new, String::from);
    let message = format!(
        "Invalid string literal {shown}. Illegal character sequence '\\{sequence}' in string literal."
    );
    ApiError::new(ErrorCode::MALFORMED_QUERY, message)
}
