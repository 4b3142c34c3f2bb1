//! The tree of a query, public so that a skin without text can build queries directly.

use crate::sim::clock::{Day, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What the client wrote, for complaints that quote it; empty for a tree built by hand.
    pub text: String,
    pub select: Select,
    pub from: String,
    pub alias: Option<String>,
    pub filter: Option<Expr>,
    pub order: Vec<OrderBy>,
    pub limit: Option<usize>,
    pub offset: usize,
    pub all_rows: bool,
}

impl Query {
    pub fn select(fields: &[&str], from: &str) -> Self {
        let items = fields
            .iter()
            .map(|field| Item::Field(Path::parse(field)))
            .collect();
        Self {
            text: String::new(),
            select: Select::Items(items),
            from: from.to_owned(),
            alias: None,
            filter: None,
            order: Vec::new(),
            limit: None,
            offset: 0,
            all_rows: false,
        }
    }

    #[must_use]
    pub fn filtered(mut self, filter: Expr) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(earlier) => Expr::And(vec![earlier, filter]),
            None => filter,
        });
        self
    }

    #[must_use]
    pub fn ordered(mut self, field: &str) -> Self {
        self.order.push(OrderBy {
            path: Path::parse(field),
            is_descending: false,
            nulls: None,
        });
        self
    }

    #[must_use]
    pub fn limited(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// `COUNT()`: a number and no records.
    Count,
    Items(Vec<Item>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Field(Path),
    Group(FieldGroup),
    /// `TYPEOF Owner WHEN User THEN Email ELSE Name END`
    TypeOf {
        path: Path,
        arms: Vec<(String, Vec<Path>)>,
        otherwise: Vec<Path>,
    },
}

/// `FIELDS(ALL)` and its halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldGroup {
    All,
    Standard,
    Custom,
}

/// A dotted name and where in the text it stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub names: Vec<String>,
    pub at: usize,
}

impl Path {
    pub fn parse(dotted: &str) -> Self {
        Self {
            names: dotted.split('.').map(str::to_owned).collect(),
            at: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderBy {
    pub path: Path,
    pub is_descending: bool,
    pub nulls: Option<Nulls>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    First,
    Last,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare {
        path: Path,
        op: Op,
        literal: Literal,
    },
    In {
        path: Path,
        is_negated: bool,
        list: Vec<Literal>,
    },
    /// `Id IN (SELECT ContactId FROM …)`
    InQuery {
        path: Path,
        is_negated: bool,
        query: Box<Query>,
    },
    /// `INCLUDES` and `EXCLUDES` on a multi-select: each literal is a set that must be contained.
    Includes {
        path: Path,
        is_negated: bool,
        list: Vec<Literal>,
    },
}

impl Expr {
    pub fn compare(field: &str, op: Op, literal: Literal) -> Self {
        Self::Compare {
            path: Path::parse(field),
            op,
            literal,
        }
    }

    pub fn is_in(field: &str, list: Vec<Literal>) -> Self {
        Self::In {
            path: Path::parse(field),
            is_negated: false,
            list,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// `\%` inside a literal. Unicode sets this code point aside for a program's own use, so no text
/// from outside can hold it.
pub const ESCAPED_PERCENT: char = '\u{FDD0}';
/// `\_` inside a literal.
pub const ESCAPED_UNDERSCORE: char = '\u{FDD1}';

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    /// In a LIKE pattern `%` and `_` are wildcards, and the two characters below are themselves.
    Text(String),
    Bool(bool),
    Number(f64),
    Instant(Timestamp),
    Day(Day),
    /// `TODAY`, `LAST_N_DAYS:7`: days from the day of the query, first and last included.
    Days {
        first: i32,
        last: i32,
    },
}
