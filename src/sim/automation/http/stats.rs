//! `/stats`: raw tables, every value as text, null columns left out.

use serde_json::{Map, Value as Json, json};

use crate::sim::clock::Timestamp;

use super::super::call::Call;
use super::super::instance::Automation;
use super::super::log::{Entry, Hit, Mail};
use super::super::php::Php;
use super::super::query::{Expression, test_raw};
use super::super::segment::Membership;
use super::super::time::Shown;
use super::super::user::Right;
use super::answer::Answer;
use super::filter::operands;
use super::request::Node;
use super::route::Context;
use super::tables::TABLES;
use super::timeline::AGENT;

type Row = Vec<(&'static str, Option<String>)>;

/// Rows of a page when no limit is given. A limit of 0 gives none.
const LIMIT_DEFAULT: usize = 100;

pub(super) fn read(cx: &mut Context<'_>, table: &str) -> Result<Answer, Answer> {
    cx.brain.note_call(Call::Stats);
    cx.brain.may(cx.caller, Right::ViewContacts)?;
    let Some((_, columns)) = TABLES.iter().find(|(name, _)| *name == table) else {
        return Ok(Answer::ok(catalogue()));
    };
    let query = &cx.request.query;
    let tests = match tests(query, columns) {
        Ok(tests) => tests,
        Err(column) => return Ok(unknown_column(&column, "WHERE")),
    };
    let order = match order(query, columns) {
        Ok(order) => order,
        Err(column) => return Ok(unknown_column(&column, "ORDER BY")),
    };
    let mut rows = rows(cx.brain, table, first_id(&tests));
    rows.retain(|row| tests.iter().all(|test| test.holds(row)));
    for (column, is_descending) in order.iter().rev() {
        rows.sort_by(|one, two| {
            let order = compare(cell(one, column), cell(two, column));
            if *is_descending {
                order.reverse()
            } else {
                order
            }
        });
    }
    let number = |key: &str| query.text(key).and_then(|text| text.parse::<usize>().ok());
    let (start, limit) = (
        number("start").unwrap_or(0),
        number("limit").unwrap_or(LIMIT_DEFAULT),
    );
    let total = rows.len().to_string();
    let page: Vec<Json> = rows
        .into_iter()
        .skip(start)
        .take(limit)
        .map(shown)
        .collect();
    Ok(Answer::ok(json!({ "total": total, "stats": page })))
}

fn catalogue() -> Json {
    let columns: Map<String, Json> = TABLES
        .iter()
        .map(|(name, columns)| {
            (
                (*name).to_owned(),
                json!(columns.split_whitespace().collect::<Vec<_>>()),
            )
        })
        .collect();
    let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
    json!({ "availableTables": names, "tableColumns": columns })
}

/// An SQL error is answered with 200.
fn unknown_column(column: &str, part: &str) -> Answer {
    let message = format!(
        "An exception occurred while executing a query: SQLSTATE[42S22]: Column not found: 1054 \
         Unknown column 'e.{column}' in '{part}'"
    );
    Answer::ok(json!({ "errors": [{ "message": message, "code": 1054 }] }))
}

fn shown(row: Row) -> Json {
    let present = row
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
    Json::Object(present.collect())
}

struct Test {
    column: String,
    expression: Expression,
    texts: Vec<String>,
}

impl Test {
    fn holds(&self, row: &Row) -> bool {
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        test_raw(cell(row, &self.column), self.expression, &texts)
    }
}

fn is_column(columns: &str, name: &str) -> bool {
    columns.split_whitespace().any(|column| column == name)
}

/// The clauses, or the column that does not exist. Unknown expressions are ignored.
fn tests(query: &Node, columns: &str) -> Result<Vec<Test>, String> {
    let clauses = query.at("where").map(Node::entries).unwrap_or_default();
    let mut out = Vec::new();
    for (_, clause) in clauses {
        let column = clause.text("col").unwrap_or_default().to_owned();
        if !is_column(columns, &column) {
            return Err(column);
        }
        if let Some(expression) = clause.text("expr").and_then(Expression::named)
            && let Ok(texts) = operands(expression, clause.at("val"))
        {
            out.push(Test {
                column,
                expression,
                texts,
            });
        }
    }
    Ok(out)
}

fn order(query: &Node, columns: &str) -> Result<Vec<(String, bool)>, String> {
    let orders = query.at("order").map(Node::entries).unwrap_or_default();
    let one = |(_, node): &(String, Node)| {
        let column = node.text("col").unwrap_or_default().to_owned();
        let is_descending = node
            .text("dir")
            .is_some_and(|dir| dir.eq_ignore_ascii_case("desc"));
        if is_column(columns, &column) {
            Ok((column, is_descending))
        } else {
            Err(column)
        }
    };
    orders.iter().map(one).collect()
}

/// Rows up to this id need not be made: a reader of the audit log asks for what is above its last.
fn first_id(tests: &[Test]) -> u32 {
    let above = tests
        .iter()
        .filter(|test| test.column == "id")
        .filter_map(|test| {
            let id: u32 = test.texts.first()?.parse().ok()?;
            match test.expression {
                Expression::Gt | Expression::Gte => Some(id),
                _ => None,
            }
        });
    above.max().unwrap_or(0)
}

fn cell<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.iter()
        .find(|(key, _)| *key == column)
        .and_then(|(_, value)| value.as_deref())
}

fn compare(one: Option<&str>, two: Option<&str>) -> std::cmp::Ordering {
    match (
        one.and_then(|text| text.parse::<f64>().ok()),
        two.and_then(|text| text.parse().ok()),
    ) {
        (Some(one), Some(two)) => one.total_cmp(&two),
        _ => one.cmp(&two),
    }
}

fn rows(brain: &Automation, table: &str, from: u32) -> Vec<Row> {
    let logs = brain.logs();
    match table {
        "audit_log" => audit(brain, from),
        "lead_donotcontact" => dnc(brain),
        "lead_event_log" => notes(brain, from),
        "page_hits" => entries(logs.hits.rows(), from, |entry| {
            let hit = &entry.what;
            vec![
                ("page_id", hit.page.map(|page| page.to_string())),
                ("lead_id", entry.contact.map(|id| id.to_string())),
                ("ip_id", text("1")),
                ("device_id", text("1")),
                ("date_hit", Some(entry.at.sql())),
                ("country", text("")),
                ("region", text("")),
                ("city", text("")),
                ("isp", text("")),
                ("organization", text("")),
                ("code", text("200")),
                ("referer", hit.referer.clone()),
                ("url", Some(hit.url.clone())),
                ("url_title", Some(hit.title.clone())),
                ("user_agent", text(AGENT)),
                ("browser_languages", text("a:0:{}")),
                ("tracking_id", Some(format!("visit{}", entry.id))),
                ("query", Some(hit_query(hit).serialise())),
            ]
        }),
        "form_submissions" => entries(logs.submissions.rows(), from, |entry| {
            vec![
                ("form_id", Some(entry.what.form.to_string())),
                ("ip_id", text("1")),
                ("lead_id", entry.contact.map(|id| id.to_string())),
                ("tracking_id", Some(format!("visit{}", entry.id))),
                ("date_submitted", Some(entry.at.sql())),
                ("referer", entry.what.referer.clone()),
            ]
        }),
        "email_stats" => entries(logs.mails.rows(), from, mail),
        "lead_points_change_log" => owned(logs.points.rows(), from, |entry| {
            vec![
                ("lead_id", entry.contact.map(|id| id.to_string())),
                ("ip_id", text("1")),
                ("type", text(entry.what.kind)),
                ("event_name", Some(entry.what.event_name.clone())),
                ("action_name", Some(entry.what.action_name.clone())),
                ("delta", Some(entry.what.delta.to_string())),
                ("date_added", Some(entry.at.sql())),
            ]
        }),
        "lead_stages_change_log" => owned(logs.stages.rows(), from, |entry| {
            vec![
                ("lead_id", entry.contact.map(|id| id.to_string())),
                ("stage_id", Some(entry.what.stage.0.to_string())),
                ("event_name", Some(entry.what.name.clone())),
                ("action_name", text("Manually Added")),
                ("date_added", Some(entry.at.sql())),
            ]
        }),
        "lead_utmtags" => owned(logs.utm.rows(), from, |entry| {
            vec![
                ("lead_id", entry.contact.map(|id| id.to_string())),
                ("date_added", Some(entry.at.sql())),
                ("query", text("a:0:{}")),
                ("utm_campaign", entry.what.campaign.clone()),
                ("utm_medium", entry.what.medium.clone()),
                ("utm_source", entry.what.source.clone()),
            ]
        }),
        "companies_leads" => company_links(brain),
        "lead_lists_leads" => memberships(brain),
        _ => Vec::new(),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn entries<T>(rows: &[Entry<T>], from: u32, columns: impl Fn(&Entry<T>) -> Row) -> Vec<Row> {
    let rows = &rows[(from.saturating_sub(1) as usize).min(rows.len())..];
    let row = |entry: &Entry<T>| {
        let mut row: Row = vec![("id", Some(entry.id.to_string()))];
        row.extend(columns(entry));
        row
    };
    rows.iter().map(row).collect()
}

/// Rows that go with their contact when it is deleted.
fn owned<T>(rows: &[Entry<T>], from: u32, columns: impl Fn(&Entry<T>) -> Row) -> Vec<Row> {
    let mut rows = entries(rows, from, columns);
    rows.retain(|row| cell(row, "lead_id").is_some());
    rows
}

fn mail(entry: &Entry<Mail>) -> Row {
    let mail = &entry.what;
    let flag = |set: bool| text(if set { "1" } else { "0" });
    vec![
        ("email_id", Some(mail.email.to_string())),
        ("lead_id", entry.contact.map(|id| id.to_string())),
        ("ip_id", text("1")),
        ("email_address", Some(mail.address.clone())),
        ("date_sent", Some(entry.at.sql())),
        ("is_read", flag(mail.read.is_some())),
        ("is_failed", flag(mail.is_failed)),
        ("viewed_in_browser", text("0")),
        ("date_read", mail.read.map(Shown::sql)),
        ("tracking_hash", Some(mail.hash.clone())),
        ("retry_count", text("0")),
        ("source", text("api")),
        ("source_id", text("0")),
        ("open_count", Some(mail.opens.to_string())),
        ("last_opened", mail.read.map(Shown::sql)),
        ("open_details", Some(opened(mail.read).serialise())),
    ]
}

/// The parameters of a hit: those of its address, then the page's own.
pub(super) fn hit_query(hit: &Hit) -> Php {
    let (_, query) = hit.url.split_once('?').unwrap_or((&hit.url, ""));
    let own = [("page_url", &hit.url), ("page_title", &hit.title)];
    let own = own.map(|(key, text)| (key.to_owned(), Php::text(text)));
    let sent = url::form_urlencoded::parse(query.as_bytes());
    let sent = sent.map(|(key, text)| (key.into_owned(), Php::text(text)));
    Php::Map(sent.chain(own).collect())
}

fn opened(read: Option<Timestamp>) -> Php {
    let opening = read.map(|read| {
        Php::map([
            ("datetime", Php::text(read.sql())),
            ("useragent", Php::text(AGENT)),
            ("inBrowser", Php::Bool(false)),
        ])
    });
    Php::List(opening.into_iter().collect())
}

fn audit(brain: &Automation, from: u32) -> Vec<Row> {
    let all = &brain.logs().audit;
    let rows = &all[(from.saturating_sub(1) as usize).min(all.len())..];
    let row = |row: &super::super::log::AuditRow| -> Row {
        let user = brain.authors().of(row.by).user.map_or(0, |user| user.0);
        vec![
            ("id", Some(row.id.to_string())),
            ("user_id", Some(user.to_string())),
            ("user_name", text(brain.authors().logged(row.by))),
            ("bundle", text(row.bundle)),
            ("object", text(row.object)),
            ("object_id", Some(row.object_id.to_string())),
            ("action", text(row.action)),
            ("details", Some(row.details.to_php().serialise())),
            ("date_added", Some(row.at.sql())),
            ("ip_address", text("127.0.0.1")),
        ]
    };
    rows.iter().map(row).collect()
}

fn notes(brain: &Automation, from: u32) -> Vec<Row> {
    owned(brain.logs().notes.rows(), from, |entry| {
        let properties = json!({ "object_description": entry.what.description });
        vec![
            ("lead_id", entry.contact.map(|id| id.to_string())),
            ("user_name", entry.what.user_name.clone()),
            ("bundle", text(entry.what.bundle)),
            ("object", text(entry.what.object)),
            ("action", text(entry.what.action)),
            ("object_id", entry.what.object_id.map(|id| id.to_string())),
            ("date_added", Some(entry.at.sql())),
            ("properties", Some(properties.to_string())),
        ]
    })
}

fn dnc(brain: &Automation) -> Vec<Row> {
    let rows = brain.contacts().dnc_rows().map(|(contact, row)| {
        vec![
            ("id", Some(row.id.to_string())),
            ("lead_id", Some(contact.to_string())),
            ("date_added", Some(row.added.sql())),
            ("reason", Some(row.reason.code().to_string())),
            ("channel", Some(row.channel.to_string())),
            ("channel_id", row.channel_id.map(|id| id.to_string())),
            ("comments", Some(row.comments.to_string())),
        ]
    });
    rows.collect()
}

fn company_links(brain: &Automation) -> Vec<Row> {
    let rows = brain.companies().links().map(|(contact, link)| {
        vec![
            ("company_id", Some(link.company.0.to_string())),
            ("lead_id", Some(contact.to_string())),
            ("date_added", Some(link.since.sql())),
            ("is_primary", text(if link.is_primary { "1" } else { "0" })),
        ]
    });
    rows.collect()
}

fn memberships(brain: &Automation) -> Vec<Row> {
    let flag = |set: bool| text(if set { "1" } else { "0" });
    let rows = brain.segments().all().flat_map(|segment| {
        segment.members().map(move |(contact, member)| {
            vec![
                ("leadlist_id", Some(segment.id.0.to_string())),
                ("lead_id", Some(contact.to_string())),
                ("date_added", Some(member.since.sql())),
                (
                    "manually_removed",
                    flag(member.membership == Membership::RemovedByHand),
                ),
                (
                    "manually_added",
                    flag(member.membership == Membership::AddedByHand),
                ),
            ]
        })
    });
    rows.collect()
}
