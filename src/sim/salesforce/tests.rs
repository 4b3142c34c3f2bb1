//! The brain's behaviour, operation by operation. No HTTP here: see `http::tests` for the wire.

mod bulk;
mod oauth;
mod people;
mod querying;
mod writing;

use super::coerce::{Fields, Input};
use super::error::{ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, OrgConfig, Salesforce};
use super::query::{Deleted, Page};
use super::schema::ObjectIndex;
use super::soql::parse;
use crate::sim::clock::Timestamp;

/// 2026-03-04T09:15:02Z
const START: Timestamp = Timestamp::from_seconds(1_772_615_702);

fn at(seconds: i64) -> Timestamp {
    START.plus_millis(seconds * 1_000)
}

fn org() -> Salesforce {
    Salesforce::new(OrgConfig::default())
}

fn api(org: &Salesforce, seconds: i64) -> Call {
    Call::new(at(seconds), org.integration_user())
}

fn person(org: &Salesforce, seconds: i64) -> Call {
    Call::person(at(seconds), org.integration_user())
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Input::text(value)))
        .collect()
}

/// A record made by a person, with no surprises expected.
fn made(
    org: &mut Salesforce,
    object: ObjectIndex,
    pairs: &[(&str, &str)],
    seconds: i64,
) -> RecordId {
    let call = person(org, seconds);
    org.insert(&call, object, &fields(pairs)).unwrap()
}

fn run(org: &mut Salesforce, soql: &str, seconds: i64) -> Outcome<Page> {
    org.advance(at(seconds));
    let call = api(org, seconds);
    org.query(&call, &parse(soql)?, Deleted::Excluded)
}

/// The first column of every row, as text.
fn found(org: &mut Salesforce, soql: &str, seconds: i64) -> Vec<String> {
    let page = run(org, soql, seconds).unwrap();
    let text = |row: &super::query::Row| match &row.values[0] {
        super::value::Value::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    page.rows.iter().map(text).collect()
}

fn refusal<T: std::fmt::Debug>(outcome: Outcome<T>) -> (ErrorCode, String) {
    let error = outcome.unwrap_err();
    (error.code, error.message)
}
