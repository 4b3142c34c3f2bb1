//! Reading lists of contacts through the indexes.
//!
//! A window over recent changes, a keyset page or an exact look-up never scans a large base: the
//! conditions are first turned into a set of candidates or an index range, then checked in full.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::auth::Caller;
use super::contact::{Contact, ContactId, Range};
use super::field::{Kind, Subject};
use super::instance::Automation;
use super::query::{
    Cell, Clause, Column, ContactQuery, Direction, Expression, Operand, cell, like,
};
use super::search::{Search, Term};
use crate::sim::clock::Timestamp;

/// Candidates worth collecting before a scan in index order becomes the better plan.
const CANDIDATES_MAX: usize = 5_000;

/// Columns a plain search word looks into.
const WORD_COLUMNS: [&str; 14] = [
    "firstname",
    "lastname",
    "email",
    "company",
    "city",
    "state",
    "zipcode",
    "country",
    "facebook",
    "foursquare",
    "instagram",
    "linkedin",
    "skype",
    "twitter",
];

impl Automation {
    /// The ids of one page, in result order.
    pub fn select(&self, caller: Caller, query: &ContactQuery) -> Vec<ContactId> {
        let filter = Clause::All(query.clauses.clone());
        let fits = |contact: &Contact| self.fits(caller, query, contact);
        let (start, limit) = match query.limit {
            Some(limit) => (query.start, limit),
            None => (0, usize::MAX),
        };
        if let Some(candidates) = self.candidates(query, &filter) {
            let found = candidates.iter().filter_map(|id| self.contacts.by_id(*id));
            return self.sorted(query, found.filter(|c| fits(c)).collect(), start, limit);
        }
        let page = |stream: &mut dyn Iterator<Item = &Contact>| -> Vec<ContactId> {
            stream
                .filter(|c| fits(c))
                .skip(start)
                .take(limit)
                .map(|c| c.id)
                .collect()
        };
        let by_id = self.contacts.between(ids(implied(&filter, Column::Id)));
        let modified = times(implied(&filter, Column::Modified));
        let added = times(implied(&filter, Column::Added));
        match query.order.as_slice() {
            [(Column::Id, Direction::Ascending), ..] => page(&mut { by_id }),
            [(Column::Id, Direction::Descending), ..] => page(&mut by_id.rev()),
            // Without a bound the never-edited contacts, which the index lacks, would come first.
            order if is_ascending(order, Column::Modified) && !modified.is_open() => {
                let ids = self.contacts.modified_between(modified);
                page(&mut ids.filter_map(|id| self.contacts.by_id(id)))
            }
            order if is_ascending(order, Column::Added) => {
                let ids = self.contacts.added_between(added);
                page(&mut ids.filter_map(|id| self.contacts.by_id(id)))
            }
            _ => self.sorted(query, by_id.filter(|c| fits(c)).collect(), start, limit),
        }
    }

    /// How many contacts the query finds, whatever its page.
    pub fn count(&self, caller: Caller, query: &ContactQuery) -> usize {
        if query.clauses.is_empty() && query.search.is_none() {
            return self.contacts.len();
        }
        let filter = Clause::All(query.clauses.clone());
        let fits = |contact: &Contact| self.fits(caller, query, contact);
        if let Some(candidates) = self.candidates(query, &filter) {
            let found = candidates.iter().filter_map(|id| self.contacts.by_id(*id));
            return found.filter(|c| fits(c)).count();
        }
        let range = ids(implied(&filter, Column::Id));
        self.contacts.between(range).filter(|c| fits(c)).count()
    }

    fn fits(&self, caller: Caller, query: &ContactQuery, contact: &Contact) -> bool {
        let read = |column| cell(contact, column, &self.authors);
        let found = |search: &Search| self.found(caller, search, contact);
        query.clauses.iter().all(|clause| clause.holds(&read)) && query.search.iter().all(found)
    }

    fn sorted(
        &self,
        query: &ContactQuery,
        mut found: Vec<&Contact>,
        start: usize,
        limit: usize,
    ) -> Vec<ContactId> {
        found.sort_by(|one, two| {
            let by_column = |(column, direction): &(Column, Direction)| {
                let order = self.cell(one, *column).order(&self.cell(two, *column));
                if *direction == Direction::Ascending {
                    order
                } else {
                    order.reverse()
                }
            };
            let order = query
                .order
                .iter()
                .map(by_column)
                .find(|order| *order != Ordering::Equal);
            order.unwrap_or_else(|| one.id.cmp(&two.id))
        });
        found
            .into_iter()
            .skip(start)
            .take(limit)
            .map(|contact| contact.id)
            .collect()
    }

    fn cell<'a>(&'a self, contact: &'a Contact, column: Column) -> Cell<'a> {
        cell(contact, column, &self.authors)
    }

    // Candidates: a superset of what a condition can find, when an index knows a small one.

    fn candidates(&self, query: &ContactQuery, filter: &Clause) -> Option<BTreeSet<ContactId>> {
        let by_search = query
            .search
            .as_ref()
            .and_then(|search| self.candidates_of_search(search));
        by_search.or_else(|| self.candidates_of(filter))
    }

    fn candidates_of(&self, clause: &Clause) -> Option<BTreeSet<ContactId>> {
        let modified = times(implied(clause, Column::Modified));
        let added = times(implied(clause, Column::Added));
        let recent = || {
            let by_edit = (!modified.is_open())
                .then(|| few(self.contacts.modified_between(modified)))
                .flatten();
            by_edit.or_else(|| {
                (!added.is_open())
                    .then(|| few(self.contacts.added_between(added)))
                    .flatten()
            })
        };
        let pinned = match clause {
            Clause::All(parts) => parts.iter().find_map(|part| self.candidates_of(part)),
            Clause::Any(parts) => {
                let sets: Option<Vec<_>> = parts.iter().map(|p| self.candidates_of(p)).collect();
                sets.map(|sets| sets.into_iter().flatten().collect())
            }
            Clause::Test {
                column,
                expression,
                operands,
            } => self.pinned(*column, *expression, operands),
        };
        pinned.or_else(recent)
    }

    fn pinned(
        &self,
        column: Column,
        expression: Expression,
        operands: &[Operand],
    ) -> Option<BTreeSet<ContactId>> {
        if !matches!(expression, Expression::Eq | Expression::In) {
            return None;
        }
        let mut found = BTreeSet::new();
        for operand in operands {
            match (column, operand) {
                (Column::Id, Operand::Number(id)) => {
                    found.insert(ContactId(*id as u32));
                }
                (Column::Field(position, _), Operand::Text(text))
                    if self.fields.unique().contains(&position) =>
                {
                    found.extend(self.contacts.unique_equal(position, text));
                }
                _ => return None,
            }
        }
        Some(found)
    }

    fn candidates_of_search(&self, search: &Search) -> Option<BTreeSet<ContactId>> {
        match search {
            Search::All(parts) => parts
                .iter()
                .find_map(|part| self.candidates_of_search(part)),
            Search::Any(parts) => {
                let sets: Option<Vec<_>> = parts
                    .iter()
                    .map(|part| self.candidates_of_search(part))
                    .collect();
                sets.map(|sets| sets.into_iter().flatten().collect())
            }
            Search::Term(term) if term.is_negated => None,
            Search::Term(term) => match term.command.as_deref()? {
                "ids" => Some(listed_ids(&term.value).collect()),
                alias => {
                    let field = self.fields.by_alias(Subject::Contact, alias)?;
                    let plain = !term.value.contains(['%', '_']) || term.is_exact;
                    let prefix = term.value.split(['%', '_']).next().unwrap_or_default();
                    let prefix = if plain { &term.value } else { prefix };
                    let found = self.contacts.unique_prefixed(field.position, prefix)?;
                    few(found.map(|(_, id)| id))
                }
            },
        }
    }

    // The search language, on one contact.

    fn found(&self, caller: Caller, search: &Search, contact: &Contact) -> bool {
        match search {
            Search::All(parts) => parts.iter().all(|part| self.found(caller, part, contact)),
            Search::Any(parts) => parts.iter().any(|part| self.found(caller, part, contact)),
            Search::Term(term) => self.term_holds(caller, term, contact) != term.is_negated,
        }
    }

    fn term_holds(&self, caller: Caller, term: &Term, contact: &Contact) -> bool {
        let Some(command) = term.command.as_deref() else {
            let pattern = term.anywhere_pattern();
            return WORD_COLUMNS
                .iter()
                .any(|alias| self.field_like(contact, alias, &pattern));
        };
        let pattern = term.prefix_pattern();
        let like_any = |texts: &[&str]| texts.iter().any(|t| like(&t.to_lowercase(), &pattern));
        match command {
            "is" => match term.value.as_str() {
                "anonymous" => contact.is_anonymous(),
                "unowned" => contact.owner.is_none(),
                // A credential's token has no user, so nothing is its own.
                "mine" => caller.user.is_some() && contact.owner == caller.user,
                _ => false,
            },
            "ids" => listed_ids(&term.value).any(|id| id == contact.id),
            "owner" => contact
                .owner
                .and_then(|id| self.users.by_id(id))
                .is_some_and(|user| like_any(&[&user.username, &user.first_name, &user.last_name])),
            "tag" => contact
                .tags
                .iter()
                .any(|tag| like_any(&[self.tags.name(*tag)])),
            "stage" => contact
                .stage
                .and_then(|stage| self.stages.name(stage))
                .is_some_and(|name| like_any(&[name])),
            "segment" => self
                .segments
                .by_alias(&term.value)
                .is_some_and(|segment| segment.has(contact.id)),
            "common" => term.value.split('+').all(|alias| {
                self.segments
                    .by_alias(alias)
                    .is_some_and(|segment| segment.has(contact.id))
            }),
            "name" => ["firstname", "lastname"]
                .iter()
                .any(|alias| self.field_like(contact, alias, &pattern)),
            "ip" => contact.addresses.iter().any(|address| like_any(&[address])),
            "company_id" => {
                let links = self.companies.links_of(contact.id);
                links
                    .iter()
                    .any(|link| link.company.0.to_string() == term.value)
            }
            // An unknown command finds nothing, and is no error.
            alias => self.field_like(contact, alias, &pattern),
        }
    }

    fn field_like(&self, contact: &Contact, alias: &str, pattern: &str) -> bool {
        let Some(field) = self.fields.by_alias(Subject::Contact, alias) else {
            return false;
        };
        if !field.is_published() {
            return false;
        }
        if alias == "points" {
            return like(&contact.points.to_string(), pattern);
        }
        let value = contact.values.at(field.position);
        let text = match &field.kind {
            Kind::Text | Kind::Email => value.as_text().map(str::to_lowercase),
            _ => value.to_text().map(|text| text.to_lowercase()),
        };
        text.is_some_and(|text| like(&text, pattern))
    }
}

fn listed_ids(text: &str) -> impl Iterator<Item = ContactId> + '_ {
    text.split(',')
        .filter_map(|id| id.trim().parse().ok())
        .map(ContactId)
}

/// All of them, or none when there are too many to be worth it.
fn few(ids: impl Iterator<Item = ContactId>) -> Option<BTreeSet<ContactId>> {
    let found: Vec<ContactId> = ids.take(CANDIDATES_MAX + 1).collect();
    (found.len() <= CANDIDATES_MAX).then(|| found.into_iter().collect())
}

/// The column alone, or followed by the id, which breaks ties anyway.
fn is_ascending(order: &[(Column, Direction)], column: Column) -> bool {
    let first = (column, Direction::Ascending);
    let id = (Column::Id, Direction::Ascending);
    order == [first] || order == [first, id]
}

/// The range of a column outside which the condition cannot hold. Edges are inclusive: the full
/// check comes later.
fn implied(clause: &Clause, column: Column) -> Range<i64> {
    match clause {
        Clause::All(parts) => parts
            .iter()
            .fold(Range::OPEN, |range, part| range.and(implied(part, column))),
        Clause::Any(parts) => parts
            .iter()
            .map(|part| implied(part, column))
            .reduce(Range::or)
            .unwrap_or(Range::OPEN),
        Clause::Test {
            column: tested,
            expression,
            operands,
        } if *tested == column => implied_by_test(*expression, operands),
        Clause::Test { .. } => Range::OPEN,
    }
}

fn implied_by_test(expression: Expression, operands: &[Operand]) -> Range<i64> {
    let edge = |index: usize| match operands.get(index)? {
        Operand::Number(number) => Some(*number as i64),
        Operand::Time(moment) => Some(moment.as_millis()),
        Operand::Text(_) => None,
    };
    let (from, to) = match expression {
        Expression::Eq => (edge(0), edge(0)),
        Expression::Gt | Expression::Gte => (edge(0), None),
        Expression::Lt | Expression::Lte => (None, edge(0)),
        Expression::Between => (edge(0), edge(1)),
        _ => (None, None),
    };
    Range { from, to }
}

fn ids(range: Range<i64>) -> Range<ContactId> {
    let id = |edge: i64| ContactId(edge.clamp(0, i64::from(u32::MAX)) as u32);
    Range {
        from: range.from.map(id),
        to: range.to.map(id),
    }
}

fn times(range: Range<i64>) -> Range<Timestamp> {
    Range {
        from: range.from.map(Timestamp::from_millis),
        to: range.to.map(Timestamp::from_millis),
    }
}
