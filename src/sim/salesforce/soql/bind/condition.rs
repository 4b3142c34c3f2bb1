//! The conditions of a query: each literal must suit the field it is compared with.

use super::super::ast::{ESCAPED_PERCENT, ESCAPED_UNDERSCORE, Expr, Literal, Op, Path};
use super::super::located;
use super::{Binder, Column, Purpose, Test, bind};
use crate::sim::clock::{DAY_MS, Day};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::schema::FieldType;
use crate::sim::salesforce::value::{OwnedValue, Value};

impl Binder<'_> {
    pub(super) fn test(&self, expr: &Expr) -> Outcome<Test> {
        let all = |list: &[Expr]| -> Outcome<Vec<Test>> {
            list.iter().map(|expr| self.test(expr)).collect()
        };
        Ok(match expr {
            Expr::And(list) => Test::And(all(list)?),
            Expr::Or(list) => Test::Or(all(list)?),
            Expr::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            Expr::Compare { path, op, literal } => self.comparison(path, *op, literal)?,
            Expr::In {
                path,
                is_negated,
                list,
            } => {
                let column = self.column(path, Purpose::Filter)?;
                let value = |literal| self.value(&column, path, literal);
                let list = list.iter().map(value).collect::<Outcome<Vec<_>>>()?;
                let keys = list.iter().filter_map(Value::key).collect();
                Test::In {
                    column,
                    is_negated: *is_negated,
                    list,
                    keys,
                }
            }
            Expr::InQuery {
                path,
                is_negated,
                query,
            } => {
                let column = self.column(path, Purpose::Filter)?;
                let query = Box::new(bind(self.scope, query)?);
                let [result] = query.columns.as_slice() else {
                    let message = "a semi-join must select exactly one field";
                    return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
                };
                let result = result.clone();
                Test::InQuery {
                    column,
                    is_negated: *is_negated,
                    query,
                    result,
                }
            }
            Expr::Includes {
                path,
                is_negated,
                list,
            } => {
                let column = self.column(path, Purpose::Filter)?;
                let sets = list.iter().map(|literal| match literal {
                    Literal::Text(text) => Ok(text.split(';').map(str::to_lowercase).collect()),
                    _ => Err(self.wrong_literal(&column, path)),
                });
                let sets = sets.collect::<Outcome<_>>()?;
                Test::Includes {
                    column,
                    is_negated: *is_negated,
                    sets,
                }
            }
        })
    }

    fn comparison(&self, path: &Path, op: Op, literal: &Literal) -> Outcome<Test> {
        let column = self.column(path, Purpose::Filter)?;
        if let Literal::Days { first, last } = literal {
            return self.days(column, path, op, *first, *last);
        }
        if op == Op::Like {
            let Literal::Text(pattern) = literal else {
                return Err(self.wrong_literal(&column, path));
            };
            if !column.kind.is_text() {
                return Err(invalid_operator(&column));
            }
            let value = Value::text(pattern.to_lowercase());
            return Ok(Test::Compare { column, op, value });
        }
        if column.kind == FieldType::Boolean && !matches!(op, Op::Equal | Op::NotEqual) {
            return Err(invalid_operator(&column));
        }
        let value = self.value(&column, path, literal)?;
        Ok(Test::Compare { column, op, value })
    }

    /// A relative day is a range, so `=` means "within" and `>` means "after its end".
    fn days(&self, column: Column, path: &Path, op: Op, first: i32, last: i32) -> Outcome<Test> {
        let today = self.scope.now.day().as_days();
        let day = |days| Day::from_days(days);
        let (low, high) = (day(today + first), day(today + last));
        let (low, high) = match column.kind {
            FieldType::Date => (Value::Day(low), Value::Day(high)),
            FieldType::DateTime => {
                let end = high.start().plus_millis(DAY_MS - 1);
                (Value::Instant(low.start()), Value::Instant(end))
            }
            _ => return Err(self.wrong_literal(&column, path)),
        };
        let compare = |op, value: &OwnedValue| Test::Compare {
            column: column.clone(),
            op,
            value: value.clone(),
        };
        let within = || {
            Test::And(vec![
                compare(Op::GreaterOrEqual, &low),
                compare(Op::LessOrEqual, &high),
            ])
        };
        Ok(match op {
            Op::Equal => within(),
            Op::NotEqual => Test::Not(Box::new(within())),
            Op::Less | Op::GreaterOrEqual => compare(op, &low),
            Op::Greater | Op::LessOrEqual => compare(op, &high),
            Op::Like => return Err(invalid_operator(&column)),
        })
    }

    fn value(&self, column: &Column, path: &Path, literal: &Literal) -> Outcome<OwnedValue> {
        let kind = column.kind;
        Ok(match literal {
            Literal::Null => Value::Null,
            Literal::Text(text) if matches!(kind, FieldType::Id | FieldType::Reference) => {
                Value::Id(RecordId::parse(text).ok_or_else(|| {
                    let message = format!("invalid ID field: {text}");
                    ApiError::new(ErrorCode::INVALID_QUERY_FILTER_OPERATOR, message)
                })?)
            }
            Literal::Text(text) if kind.is_text() => {
                if text.contains([ESCAPED_PERCENT, ESCAPED_UNDERSCORE]) {
                    let message = "Illegal character sequence in string literal: '\\%' and '\\_' \
                                   are only allowed in LIKE.";
                    return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
                }
                // An empty literal matches what is stored for an empty text: nothing.
                if text.is_empty() {
                    Value::Null
                } else {
                    Value::text(text.as_str())
                }
            }
            Literal::Bool(value) if kind == FieldType::Boolean => Value::Bool(*value),
            Literal::Number(number) if kind.is_numeric() => Value::Number(*number),
            Literal::Instant(instant) if kind == FieldType::DateTime => Value::Instant(*instant),
            Literal::Day(day) if kind == FieldType::Date => Value::Day(*day),
            _ => return Err(self.wrong_literal(column, path)),
        })
    }

    fn wrong_literal(&self, column: &Column, path: &Path) -> ApiError {
        let name = column.path.last().map_or("", String::as_str);
        let is_quoted =
            column.kind.is_text() || matches!(column.kind, FieldType::Id | FieldType::Reference);
        let (kind, quotes) = match column.kind {
            FieldType::DateTime => ("dateTime", "should not"),
            kind => (
                kind.soap_name().rsplit(':').next().unwrap_or(""),
                if is_quoted { "should" } else { "should not" },
            ),
        };
        let message = format!(
            "value of filter criterion for field '{name}' must be of type {kind} and {quotes} be \
             enclosed in quotes"
        );
        located(
            &self.query.text,
            path.at,
            ErrorCode::INVALID_FIELD,
            &message,
        )
    }
}

fn invalid_operator(column: &Column) -> ApiError {
    let message = format!("invalid operator on {} field", column.kind.name());
    ApiError::new(ErrorCode::INVALID_QUERY_FILTER_OPERATOR, message)
}
