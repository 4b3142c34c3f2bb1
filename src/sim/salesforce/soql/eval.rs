//! Reads a column of a record and says whether a condition holds of it. Two-valued, as SOQL is:
//! null equals only null, is unlike everything else, and is neither more nor less than anything.

use std::cmp::Ordering;

use super::ast::{ESCAPED_PERCENT, ESCAPED_UNDERSCORE, Nulls, Op};
use super::bind::{Column, Leaf, Order, Test};
use crate::sim::clock::Day;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::schema::{FieldType, ObjectIndex, Source};
use crate::sim::salesforce::table::Record;
use crate::sim::salesforce::value::{FieldIndex, Value};

/// A record being looked at, stored or about to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) object: ObjectIndex,
    pub(crate) id: RecordId,
    pub(crate) record: &'a Record,
}

impl Salesforce {
    /// The parent a column's way leads to, as readers see it; deleted parents are missing.
    pub(crate) fn follow<'a>(
        &'a self,
        mut subject: Subject<'a>,
        hops: &[Vec<(ObjectIndex, FieldIndex)>],
    ) -> Option<Subject<'a>> {
        for hop in hops {
            let (_, field) = hop.iter().find(|(object, _)| *object == subject.object)?;
            let id = self.field_value(subject, *field).as_id()?;
            let object = self.schema.find_prefix(id.prefix())?;
            let record = self
                .table(object)
                .visible(id)
                .filter(|record| !record.is_deleted)?;
            subject = Subject { object, id, record };
        }
        Some(subject)
    }

    pub(crate) fn column_value<'a>(&'a self, subject: Subject<'a>, column: &Column) -> Value<'a> {
        let Some(subject) = self.follow(subject, &column.hops) else {
            return Value::Null;
        };
        match &column.leaf {
            Leaf::TypeName => Value::text(self.schema.object(subject.object).name.as_str()),
            Leaf::Field(leaves) => {
                let leaf = leaves.iter().find(|(object, _)| *object == subject.object);
                leaf.map_or(Value::Null, |(_, field)| self.field_value(subject, *field))
            }
        }
    }

    pub(crate) fn field_value<'a>(&'a self, subject: Subject<'a>, field: FieldIndex) -> Value<'a> {
        let definition = self.schema.object(subject.object).field(field);
        let record = subject.record;
        match &definition.source {
            Source::Cell => match record.cells.get(field) {
                Value::Null if definition.kind == FieldType::Boolean => Value::Bool(false),
                value => value,
            },
            Source::Id => Value::Id(subject.id),
            Source::CreatedDate => Value::Instant(record.created),
            Source::CreatedById => Value::Id(record.created_by),
            Source::LastModifiedDate => Value::Instant(record.modified),
            Source::LastModifiedById => Value::Id(record.modified_by),
            Source::SystemModstamp => Value::Instant(record.stamp),
            Source::IsDeleted => Value::Bool(record.is_deleted),
            Source::FullName => self.joined(subject, &["FirstName", "LastName"]),
            Source::Joined(parts) => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.joined(subject, &parts)
            }
            Source::IsSet(name) => Value::Bool(!self.named_value(subject, name).is_null()),
            Source::Constant(value) => value.clone(),
            Source::Address(_) => Value::Null,
        }
    }

    pub(crate) fn named_value<'a>(&'a self, subject: Subject<'a>, name: &str) -> Value<'a> {
        let found = self.schema.object(subject.object).find(name);
        found.map_or(Value::Null, |field| self.field_value(subject, field))
    }

    fn joined(&self, subject: Subject<'_>, parts: &[&str]) -> Value<'static> {
        let texts: Vec<String> = parts
            .iter()
            .filter_map(|part| self.named_value(subject, part).as_text().map(str::to_owned))
            .collect();
        if texts.is_empty() {
            Value::Null
        } else {
            Value::text(texts.join(" "))
        }
    }

    pub(crate) fn holds(&self, subject: Subject<'_>, test: &Test) -> bool {
        match test {
            Test::And(tests) => tests.iter().all(|test| self.holds(subject, test)),
            Test::Or(tests) => tests.iter().any(|test| self.holds(subject, test)),
            Test::Not(test) => !self.holds(subject, test),
            Test::Compare { column, op, value } => {
                let found = self.column_value(subject, column);
                // Filters on birthdays ignore the year.
                let is_birthday = column.path.last().is_some_and(|name| name == "Birthdate");
                if is_birthday && let (Value::Day(found), Value::Day(value)) = (&found, value) {
                    let in_year = |day: &Day| Value::text(day.to_string()[5..].to_owned());
                    return compare(&in_year(found), *op, &in_year(value), true);
                }
                compare(&found, *op, value, column.is_case_sensitive)
            }
            Test::In {
                column,
                is_negated,
                list,
                keys,
            } => {
                let found = self.column_value(subject, column);
                let equals =
                    |value: &Value<'_>| compare(&found, Op::Equal, value, column.is_case_sensitive);
                let may_be = found.key().is_none_or(|key| keys.contains(&key));
                (may_be && list.iter().any(equals)) != *is_negated
            }
            // Replaced by `In` before records are looked at.
            Test::InQuery { is_negated, .. } => *is_negated,
            Test::Includes {
                column,
                is_negated,
                sets,
            } => {
                let found = self.column_value(subject, column);
                let chosen: Vec<String> = found
                    .as_text()
                    .unwrap_or("")
                    .split(';')
                    .map(str::to_lowercase)
                    .collect();
                let contains = |set: &Vec<String>| set.iter().all(|one| chosen.contains(one));
                sets.iter().any(contains) != *is_negated
            }
        }
    }

    pub(crate) fn sort_order(
        &self,
        one: Subject<'_>,
        two: Subject<'_>,
        order: &[Order],
    ) -> Ordering {
        for by in order {
            let first = self.column_value(one, &by.column);
            let second = self.column_value(two, &by.column);
            let nulls = if by.nulls == Nulls::First {
                Ordering::Less
            } else {
                Ordering::Greater
            };
            let ordering = match (first.is_null(), second.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) => nulls,
                (false, true) => nulls.reverse(),
                (false, false) => {
                    let ordering = first.compare(&second, by.column.is_case_sensitive);
                    let ordering = ordering.unwrap_or(Ordering::Equal);
                    if by.is_descending {
                        ordering.reverse()
                    } else {
                        ordering
                    }
                }
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        one.id.cmp(&two.id)
    }
}

fn compare(found: &Value<'_>, op: Op, value: &Value<'_>, case_sensitive: bool) -> bool {
    if found.is_null() || value.is_null() {
        let both = found.is_null() && value.is_null();
        return match op {
            Op::Equal => both,
            Op::NotEqual => !both,
            _ => false,
        };
    }
    if op == Op::Like {
        let (Some(text), Some(pattern)) = (found.as_text(), value.as_text()) else {
            return false;
        };
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let pattern: Vec<char> = pattern.chars().collect();
        return like(&text, &pattern);
    }
    let Some(ordering) = found.compare(value, case_sensitive) else {
        return false;
    };
    match op {
        Op::Equal | Op::Like => ordering == Ordering::Equal,
        Op::NotEqual => ordering != Ordering::Equal,
        Op::Less => ordering == Ordering::Less,
        Op::LessOrEqual => ordering != Ordering::Greater,
        Op::Greater => ordering == Ordering::Greater,
        Op::GreaterOrEqual => ordering != Ordering::Less,
    }
}

/// `%` any run, `_` any one character. Remembers the last `%` instead of recursing, so that a
/// pattern of many wildcards stays quadratic.
fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                retry = Some((next, at));
                next += 1;
            }
            Some(wanted) if *wanted == '_' || literal(*wanted) == text[at] => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((percent, from)) = retry else {
                    return false;
                };
                retry = Some((percent, from + 1));
                (at, next) = (from + 1, percent + 1);
            }
        }
    }
    pattern[next..].iter().all(|left| *left == '%')
}

const fn literal(wanted: char) -> char {
    match wanted {
        ESCAPED_PERCENT => '%',
        ESCAPED_UNDERSCORE => '_',
        other => other,
    }
}
