//! SOQL: text to tree (`lexer`, `parser`), tree to bound query (`bind`), bound query to truth about
//! one record (`eval`). Choosing which records to look at is `query`'s business.

pub mod ast;
pub(super) mod bind;
pub(super) mod eval;
mod lexer;
mod parser;

pub use parser::parse;

use super::error::{ApiError, ErrorCode};

/// The vendor prefixes complaints about a query with the place they are about.
fn located(text: &str, at: usize, code: ErrorCode, message: &str) -> ApiError {
    let before = text.get(..at).unwrap_or(text);
    let row = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|character| *character != '\n')
        .count()
        + 1;
    let start = before.char_indices().rev().nth(39).map_or(0, |(at, _)| at);
    let after: String = text.get(at..).unwrap_or("").chars().take(40).collect();
    let shown = format!("{}{after}", &before[start..]).replace('\n', " ");
    let caret = " ".repeat(before[start..].chars().count());
    let place = format!("\n{shown}\n{caret}^\nERROR at Row:{row}:Column:{column}\n");
    ApiError::new(
        code,
        if text.is_empty() {
            message.to_owned()
        } else {
            place + message
        },
    )
}

#[cfg(test)]
mod tests;
