//! Tokens to tree, by recursive descent. Whatever the grammar leaves out (aggregates, child
//! subqueries) is refused as malformed rather than half understood.

use super::ast::{Expr, FieldGroup, Item, Literal, Nulls, Op, OrderBy, Path, Query, Select};
use super::lexer::{Placed, Token, tokens};
use super::located;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};

/// SOQL: a statement may hold this many characters.
const STATEMENT_CHARACTERS_MAX: usize = 100_000;
/// SOQL: rows that OFFSET may skip.
const OFFSET_MAX: usize = 2_000;
/// SOQL: subqueries that conditions of one statement may hold.
const SEMI_JOINS_MAX: usize = 2;
/// Deeper nesting than any client writes; a bound keeps a hostile statement off the stack.
const NESTING_MAX: usize = 100;

pub fn parse(text: &str) -> Outcome<Query> {
    if text.chars().count() > STATEMENT_CHARACTERS_MAX {
        let message = "SOQL statements cannot be longer than 100000 characters.";
        return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        depth: 0,
        semi_joins: 0,
    };
    let mut query = parser.query()?;
    if let Some(placed) = parser.tokens.get(parser.next) {
        return Err(parser.unexpected_at(placed.at, placed.end));
    }
    text.clone_into(&mut query.text);
    Ok(query)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    semi_joins: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Outcome<Query> {
        self.expect_word("SELECT")?;
        let select = self.select()?;
        self.expect_word("FROM")?;
        let from = self.name()?;
        let alias = self.alias();
        let filter = if self.take_word("WHERE") {
            Some(self.disjunction()?)
        } else {
            None
        };
        if self.take_word("WITH") {
            self.name()?;
        }
        let order = if self.take_word("ORDER") {
            self.order()?
        } else {
            Vec::new()
        };
        let limit = if self.take_word("LIMIT") {
            Some(self.count()?)
        } else {
            None
        };
        let offset = if self.take_word("OFFSET") {
            self.count()?
        } else {
            0
        };
        if offset > OFFSET_MAX {
            let message = "Maximum SOQL offset allowed is 2000";
            return Err(ApiError::new(
                ErrorCode::NUMBER_OUTSIDE_VALID_RANGE,
                message,
            ));
        }
        let all_rows = self.take_word("ALL");
        if all_rows {
            self.expect_word("ROWS")?;
        }
        // Accepted for what they are to a reader: promises about locks and usage statistics.
        if self.take_word("FOR") {
            self.name()?;
        }
        let text = String::new();
        Ok(Query {
            text,
            select,
            from,
            alias,
            filter,
            order,
            limit,
            offset,
            all_rows,
        })
    }

    fn select(&mut self) -> Outcome<Select> {
        if self.peek_word("COUNT") && self.peek_symbol(1, "(") && self.peek_symbol(2, ")") {
            self.next += 3;
            return Ok(Select::Count);
        }
        let mut items = vec![self.item()?];
        while self.take_symbol(",") {
            items.push(self.item()?);
        }
        Ok(Select::Items(items))
    }

    fn item(&mut self) -> Outcome<Item> {
        if self.take_word("TYPEOF") {
            return self.type_of();
        }
        if self.peek_word("FIELDS") && self.peek_symbol(1, "(") {
            self.next += 2;
            let at = self.at();
            let group = match self.name()?.to_ascii_uppercase().as_str() {
                "ALL" => FieldGroup::All,
                "STANDARD" => FieldGroup::Standard,
                "CUSTOM" => FieldGroup::Custom,
                _ => return Err(self.unexpected_at(at, self.previous_end())),
            };
            self.expect_symbol(")")?;
            return Ok(Item::Group(group));
        }
        Ok(Item::Field(self.path()?))
    }

    fn type_of(&mut self) -> Outcome<Item> {
        let path = self.path()?;
        let mut arms = Vec::new();
        while self.take_word("WHEN") {
            let object = self.name()?;
            self.expect_word("THEN")?;
            arms.push((object, self.paths()?));
        }
        let otherwise = if self.take_word("ELSE") {
            self.paths()?
        } else {
            Vec::new()
        };
        self.expect_word("END")?;
        Ok(Item::TypeOf {
            path,
            arms,
            otherwise,
        })
    }

    fn paths(&mut self) -> Outcome<Vec<Path>> {
        let mut paths = vec![self.path()?];
        while self.take_symbol(",") {
            paths.push(self.path()?);
        }
        Ok(paths)
    }

    fn path(&mut self) -> Outcome<Path> {
        let at = self.at();
        let mut names = vec![self.name()?];
        while self.take_symbol(".") {
            names.push(self.name()?);
        }
        if self.peek_symbol(0, "(") {
            return Err(self.unexpected());
        }
        Ok(Path { names, at })
    }

    fn alias(&mut self) -> Option<String> {
        const CLAUSES: [&str; 8] = [
            "WHERE", "WITH", "ORDER", "LIMIT", "OFFSET", "ALL", "FOR", "GROUP",
        ];
        let Token::Word(word) = &self.tokens.get(self.next)?.token else {
            return None;
        };
        if CLAUSES
            .iter()
            .any(|clause| clause.eq_ignore_ascii_case(word))
        {
            return None;
        }
        let word = word.clone();
        self.next += 1;
        // `FROM Lead AS l` spells out what `FROM Lead l` leaves unsaid.
        if word.eq_ignore_ascii_case("AS") {
            self.name().ok()
        } else {
            Some(word)
        }
    }

    fn order(&mut self) -> Outcome<Vec<OrderBy>> {
        self.expect_word("BY")?;
        let mut order = Vec::new();
        loop {
            let path = self.path()?;
            let is_descending = self.take_word("DESC");
            if !is_descending {
                self.take_word("ASC");
            }
            let nulls = if !self.take_word("NULLS") {
                None
            } else if self.take_word("FIRST") {
                Some(Nulls::First)
            } else {
                self.expect_word("LAST")?;
                Some(Nulls::Last)
            };
            order.push(OrderBy {
                path,
                is_descending,
                nulls,
            });
            if !self.take_symbol(",") {
                return Ok(order);
            }
        }
    }

    /// `a OR b`. The vendor refuses to mix AND and OR on one level without parentheses.
    fn disjunction(&mut self) -> Outcome<Expr> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            let message = "the condition is nested too deeply";
            return Err(located(
                self.text,
                self.at(),
                ErrorCode::MALFORMED_QUERY,
                message,
            ));
        }
        let first = self.negation()?;
        let joined = if self.peek_word("OR") {
            let rest = self.rest_of(first, "OR")?;
            Ok(Expr::Or(rest))
        } else if self.peek_word("AND") {
            let rest = self.rest_of(first, "AND")?;
            Ok(Expr::And(rest))
        } else {
            Ok(first)
        };
        self.depth -= 1;
        if self.peek_word("AND") || self.peek_word("OR") {
            return Err(self.unexpected());
        }
        joined
    }

    fn rest_of(&mut self, first: Expr, joint: &str) -> Outcome<Vec<Expr>> {
        let mut all = vec![first];
        while self.take_word(joint) {
            all.push(self.negation()?);
        }
        Ok(all)
    }

    fn negation(&mut self) -> Outcome<Expr> {
        if self.take_word("NOT") {
            return Ok(Expr::Not(Box::new(self.primary()?)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Outcome<Expr> {
        if self.take_symbol("(") {
            let inner = self.disjunction()?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        if self.take_word("IN") {
            return self.membership(path, false);
        }
        if self.peek_word("NOT") {
            self.next += 1;
            self.expect_word("IN")?;
            return self.membership(path, true);
        }
        for (word, is_negated) in [("INCLUDES", false), ("EXCLUDES", true)] {
            if self.take_word(word) {
                let list = self.literals()?;
                return Ok(Expr::Includes {
                    path,
                    is_negated,
                    list,
                });
            }
        }
        let op = self.operator()?;
        let literal = self.literal()?;
        Ok(Expr::Compare { path, op, literal })
    }

    fn membership(&mut self, path: Path, is_negated: bool) -> Outcome<Expr> {
        let is_query = self.peek_symbol(0, "(")
            && matches!(self.tokens.get(self.next + 1), Some(Placed { token: Token::Word(word), .. })
                if word.eq_ignore_ascii_case("SELECT"));
        if is_query {
            self.semi_joins += 1;
            if self.semi_joins > SEMI_JOINS_MAX {
                let message = "maximum 2 semi join sub-selects are allowed";
                let at = self.at();
                return Err(located(self.text, at, ErrorCode::MALFORMED_QUERY, message));
            }
            self.next += 1;
            let query = Box::new(self.query()?);
            self.expect_symbol(")")?;
            return Ok(Expr::InQuery {
                path,
                is_negated,
                query,
            });
        }
        let list = self.literals()?;
        Ok(Expr::In {
            path,
            is_negated,
            list,
        })
    }

    fn literals(&mut self) -> Outcome<Vec<Literal>> {
        self.expect_symbol("(")?;
        let mut list = vec![self.literal()?];
        while self.take_symbol(",") {
            list.push(self.literal()?);
        }
        self.expect_symbol(")")?;
        Ok(list)
    }

    fn operator(&mut self) -> Outcome<Op> {
        const OPERATORS: [(&str, Op); 7] = [
            ("=", Op::Equal),
            ("!=", Op::NotEqual),
            ("<>", Op::NotEqual),
            ("<", Op::Less),
            ("<=", Op::LessOrEqual),
            (">", Op::Greater),
            (">=", Op::GreaterOrEqual),
        ];
        if self.take_word("LIKE") {
            return Ok(Op::Like);
        }
        for (symbol, op) in OPERATORS {
            if self.take_symbol(symbol) {
                return Ok(op);
            }
        }
        Err(self.unexpected())
    }

    fn literal(&mut self) -> Outcome<Literal> {
        let Some(placed) = self.tokens.get(self.next) else {
            return Err(self.unexpected());
        };
        let literal = match &placed.token {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Number(number) => Literal::Number(*number),
            Token::Instant(instant) => Literal::Instant(*instant),
            Token::Day(day) => Literal::Day(*day),
            Token::Word(word) => return self.named_literal(&word.to_ascii_uppercase()),
            Token::Symbol(_) => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(literal)
    }

    fn named_literal(&mut self, word: &str) -> Outcome<Literal> {
        let fixed = match word {
            "NULL" => Some(Literal::Null),
            "TRUE" => Some(Literal::Bool(true)),
            "FALSE" => Some(Literal::Bool(false)),
            "TODAY" => Some(Literal::Days { first: 0, last: 0 }),
            "YESTERDAY" => Some(Literal::Days {
                first: -1,
                last: -1,
            }),
            "TOMORROW" => Some(Literal::Days { first: 1, last: 1 }),
            _ => None,
        };
        if let Some(literal) = fixed {
            self.next += 1;
            return Ok(literal);
        }
        if !matches!(word, "LAST_N_DAYS" | "NEXT_N_DAYS") || !self.peek_symbol(1, ":") {
            return Err(self.unexpected());
        }
        self.next += 2;
        let days = self.count()? as i32;
        Ok(if word == "LAST_N_DAYS" {
            Literal::Days {
                first: -days,
                last: 0,
            }
        } else {
            Literal::Days {
                first: 1,
                last: days,
            }
        })
    }

    fn count(&mut self) -> Outcome<usize> {
        match self.tokens.get(self.next).map(|placed| &placed.token) {
            Some(Token::Number(number)) if *number >= 0.0 && number.fract() == 0.0 => {
                let number = *number as usize;
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn name(&mut self) -> Outcome<String> {
        let Some(Placed {
            token: Token::Word(word),
            ..
        }) = self.tokens.get(self.next)
        else {
            return Err(self.unexpected());
        };
        let word = word.clone();
        self.next += 1;
        Ok(word)
    }

    fn expect_word(&mut self, word: &str) -> Outcome<()> {
        if self.take_word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Outcome<()> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.peek_word(word);
        self.next += usize::from(is_next);
        is_next
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_next = self.peek_symbol(0, symbol);
        self.next += usize::from(is_next);
        is_next
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.next), Some(Placed { token: Token::Word(found), .. })
            if found.eq_ignore_ascii_case(word))
    }

    fn peek_symbol(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.tokens.get(self.next + ahead), Some(Placed { token: Token::Symbol(found), .. })
            if *found == symbol)
    }

    fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.text.len(), |placed| placed.at)
    }

    fn previous_end(&self) -> usize {
        self.next
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .map_or(0, |placed| placed.end)
    }

    fn unexpected(&self) -> ApiError {
        match self.tokens.get(self.next) {
            Some(placed) => self.unexpected_at(placed.at, placed.end),
            None => located(
                self.text,
                self.text.len(),
                ErrorCode::MALFORMED_QUERY,
                "unexpected token: '<EOF>'",
            ),
        }
    }

    fn unexpected_at(&self, at: usize, end: usize) -> ApiError {
        let found = self.text.get(at..end).unwrap_or("");
        let message = format!("unexpected token: '{found}'");
        located(self.text, at, ErrorCode::MALFORMED_QUERY, &message)
    }
}
