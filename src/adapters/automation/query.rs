//! The parameters of a listing: filters, order, size. Always by id, because the default order
//! changes while it is read.

use crate::domain::time::Timestamp;

use super::super::values;

/// A filter. Inside groups only the columns' own names work, so they are used everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    Column(&'static str, &'static str, String),
    All(Vec<Where>),
    Any(Vec<Where>),
}

/// Which rows of a raw table come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Oldest,
    Newest,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Where {
    pub(super) fn equal(column: &'static str, value: impl Into<String>) -> Self {
        Self::Column(column, "eq", value.into())
    }

    pub(super) fn after(column: &'static str, value: u64) -> Self {
        Self::Column(column, "gt", value.to_string())
    }

    pub(super) fn before(column: &'static str, value: u64) -> Self {
        Self::Column(column, "lt", value.to_string())
    }

    /// One of these values. The only comparison that undoes the server's own escaping of quotes and
    /// ampersands.
    pub(super) fn one_of<S: AsRef<str>>(
        column: &'static str,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let list: Vec<String> = values
            .into_iter()
            .map(|value| csv_cell(value.as_ref()))
            .collect();
        Self::Column(column, "in", list.join(","))
    }

    /// Inside `[from, until)`. Offsets are ignored by the server: moments go out in UTC.
    pub(super) fn within(column: &'static str, from: Timestamp, until: Timestamp) -> Self {
        Self::All(vec![
            Self::Column(column, "gte", values::naive(from)),
            Self::Column(column, "lt", values::naive(until)),
        ])
    }

    fn push(&self, place: &str, query: &mut Query) {
        match self {
            Self::Column(column, expr, value) => {
                query.add(&format!("{place}[col]"), *column);
                query.add(&format!("{place}[expr]"), *expr);
                query.add(&format!("{place}[val]"), value.clone());
            }
            Self::All(filters) | Self::Any(filters) => {
                let expr = if matches!(self, Self::All(_)) {
                    "andX"
                } else {
                    "orX"
                };
                query.add(&format!("{place}[expr]"), expr);
                for (index, filter) in filters.iter().enumerate() {
                    filter.push(&format!("{place}[val][{index}]"), query);
                }
            }
        }
    }
}

impl Query {
    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.add(name, value);
        self
    }

    /// A page of a list, by id. All filters must hold.
    pub(super) fn list(limit: usize, filters: &[Where]) -> Self {
        Self::default()
            .with("limit", limit.to_string())
            .with("orderBy", "id")
            .with("orderByDir", "ASC")
            .filtered(filters)
    }

    /// A page of a raw table, by id.
    pub(super) fn table(limit: usize, order: Order, filters: &[Where]) -> Self {
        let order = match order {
            Order::Oldest => "ASC",
            Order::Newest => "DESC",
        };
        Self::default()
            .with("limit", limit.to_string())
            .with("order[0][col]", "id")
            .with("order[0][dir]", order)
            .filtered(filters)
    }

    fn filtered(mut self, filters: &[Where]) -> Self {
        for (index, filter) in filters.iter().enumerate() {
            filter.push(&format!("where[{index}]"), &mut self);
        }
        self
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// Only what needs quotes gets them: bare lists of numbers were seen to work, quoted ones were not
/// tried.
fn csv_cell(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r', ' ', '\'']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_nest_as_the_server_was_seen_to_read_them() {
        let from = Timestamp::from_seconds(1_772_615_702);
        let query = Query::list(
            200,
            &[
                Where::Any(vec![
                    Where::within("date_modified", from, from),
                    Where::equal("date_added", "x"),
                ]),
                Where::after("id", 100),
            ],
        );
        let text: Vec<String> = query
            .pairs()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            text,
            [
                "limit=200",
                "orderBy=id",
                "orderByDir=ASC",
                "where[0][expr]=orX",
                "where[0][val][0][expr]=andX",
                "where[0][val][0][val][0][col]=date_modified",
                "where[0][val][0][val][0][expr]=gte",
                "where[0][val][0][val][0][val]=2026-03-04 09:15:02",
                "where[0][val][0][val][1][col]=date_modified",
                "where[0][val][0][val][1][expr]=lt",
                "where[0][val][0][val][1][val]=2026-03-04 09:15:02",
                "where[0][val][1][col]=date_added",
                "where[0][val][1][expr]=eq",
                "where[0][val][1][val]=x",
                "where[1][col]=id",
                "where[1][expr]=gt",
                "where[1][val]=100",
            ]
        );
    }

    #[test]
    fn a_list_quotes_only_what_would_split() {
        let list = Where::one_of("companyname", ["Acme, Inc.", "He said \"no\"", "Plain"]);
        let expected = r#""Acme, Inc.","He said ""no""",Plain"#;
        assert_eq!(list, Where::Column("companyname", "in", expected.into()));
    }
}
