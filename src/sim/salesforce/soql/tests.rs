//! What the grammar takes and what it refuses.

use super::ast::{Expr, Literal, Op, Select};
use super::parse;
use crate::sim::salesforce::error::ErrorCode;

fn literal(text: &str) -> Literal {
    let query = parse(&format!("SELECT Id FROM Lead WHERE X = {text}")).unwrap();
    match query.filter {
        Some(Expr::Compare {
            literal,
            op: Op::Equal,
            ..
        }) => literal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn literals_of_every_kind_are_read() {
    assert_eq!(
        literal(r"'l\'été \\ \u00e9'"),
        Literal::Text("l'été \\ é".to_owned())
    );
    assert_eq!(literal("-12.50"), Literal::Number(-12.5));
    assert_eq!(literal("null"), Literal::Null);
    assert_eq!(literal("TRUE"), Literal::Bool(true));
    assert_eq!(
        literal("LAST_N_DAYS:7"),
        Literal::Days { first: -7, last: 0 }
    );
    assert!(matches!(literal("2026-03-04"), Literal::Day(_)));
    assert_eq!(
        literal("2026-03-04T09:00:00Z"),
        literal("2026-03-04T10:00:00.000+01:00")
    );
}

#[test]
fn clauses_and_keywords_come_in_any_case() {
    let text =
        "select id from Lead l where l.Name = 'x' order by Name desc nulls last limit 5 offset 2";
    let query = parse(text).unwrap();
    assert_eq!(
        (query.alias.as_deref(), query.limit, query.offset),
        (Some("l"), Some(5), 2)
    );
    assert!(query.order[0].is_descending);
    assert_eq!(
        parse("SELECT COUNT() FROM Lead ALL ROWS").unwrap().select,
        Select::Count
    );
}

#[test]
fn malformed_statements_say_where() {
    for (text, found) in [
        ("SELECT Id FRM Lead", "unexpected token: 'FRM'"),
        ("SELECT Id FROM", "unexpected token: '<EOF>'"),
        (
            "SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3",
            "unexpected token: 'OR'",
        ),
        (
            "SELECT Id FROM Lead WHERE A = \"x\"",
            "unexpected token: '\"'",
        ),
        ("SELECT * FROM Lead", "unexpected token: '*'"),
        ("SELECT Id FROM Lead WHERE A IN ()", "unexpected token: ')'"),
        (
            "SELECT Id FROM Lead extra stuff",
            "unexpected token: 'stuff'",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::MALFORMED_QUERY, "{text}");
        assert!(error.message.contains(found), "{text}: {}", error.message);
        assert!(
            error.message.contains("ERROR at Row:1:Column:"),
            "{}",
            error.message
        );
    }
}

#[test]
fn escapes_outside_the_list_and_endless_literals_are_refused() {
    let escape = parse(r"SELECT Id FROM Lead WHERE A = 'x\q'").unwrap_err();
    assert!(
        escape.message.contains(r"Illegal character sequence '\q'"),
        "{}",
        escape.message
    );
    assert!(parse("SELECT Id FROM Lead WHERE A = 'open").is_err());
    let long = format!("SELECT Id FROM Lead WHERE A = '{}'", "x".repeat(4_001));
    assert!(parse(&long).is_err());
    let statement = format!(
        "SELECT Id FROM Lead WHERE A IN ({}'x')",
        "'y',".repeat(25_000)
    );
    assert_eq!(
        parse(&statement).unwrap_err().code,
        ErrorCode::MALFORMED_QUERY
    );
    let nested = format!(
        "SELECT Id FROM Lead WHERE {}A = 1{}",
        "(".repeat(500),
        ")".repeat(500)
    );
    assert!(parse(&nested).is_err(), "nesting is bounded");
}
