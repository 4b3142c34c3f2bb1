//! Runs queries: picks the records to look at by index where the condition allows, keeps those for
//! which it holds, sorts, cuts, and hands out pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cursors::{self, Cursor, Locator};
use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Origin, Salesforce};
use super::schema::{FieldType, ObjectIndex, Source};
use super::soql::ast::{Op, Query};
use super::soql::bind::{Bound, Column, Leaf, Scope, Test, bind};
use super::soql::eval::Subject;
use super::table::Record;
use super::value::{OwnedValue, Value};
use crate::sim::clock::Timestamp;
use crate::sim::faults::FaultKind;

/// REST: rows of a page unless the client asks for fewer.
const PAGE_SIZE_MAX: usize = 2_000;
const PAGE_SIZE_MIN: usize = 200;

/// Whether the Recycle Bin is looked into: `query` or `queryAll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    Excluded,
    Included,
}

/// One page of a result.
#[derive(Clone, Debug)]
pub struct Page {
    pub object: ObjectIndex,
    pub columns: Arc<[Column]>,
    pub total_size: usize,
    pub rows: Vec<Row>,
    pub next: Option<Locator>,
}

/// One record's values, in the order of the page's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: RecordId,
    pub values: Vec<OwnedValue>,
    /// Per column, the record its value was read from; none where a parent is missing.
    pub origins: Vec<Option<RecordId>>,
}

impl Salesforce {
    pub fn query(&mut self, call: &Call, query: &Query, deleted: Deleted) -> Outcome<Page> {
        let bound = Arc::new(self.bind(call, query)?);
        if bound.is_count {
            let total_size = self.select(&bound, deleted)?.len();
            let columns = Arc::from([]);
            return Ok(Page {
                object: bound.object,
                columns,
                total_size,
                rows: vec![],
                next: None,
            });
        }
        let mut ids = self.select(&bound, deleted)?;
        if call.fault == Some(FaultKind::RowsReordered) && bound.order.is_empty() {
            self.random.shuffle(&mut ids);
        }
        let ids: Arc<[RecordId]> = ids.into();
        let asked = call.options.batch_size.unwrap_or(PAGE_SIZE_MAX);
        let page_size = asked.clamp(PAGE_SIZE_MIN, PAGE_SIZE_MAX);
        let cursor = Cursor {
            user: call.user,
            opened: call.now,
            query: bound,
            ids,
            page_size,
        };
        let size = self.page_size(&cursor);
        let mut page = self.page(&cursor, 0, size);
        self.strike(call, &mut page);
        if size < cursor.ids.len() {
            page.next = Some(Locator {
                id: self.cursors.open(cursor),
                offset: size,
            });
        }
        Ok(page)
    }

    /// The page a locator points at.
    pub fn query_more(&mut self, call: &Call, locator: Locator) -> Outcome<Page> {
        if call.fault == Some(FaultKind::LocatorExpired) {
            return Err(cursors::invalid());
        }
        let cursor = self.cursors.find(locator, call.user, call.now)?;
        let size = self.page_size(&cursor);
        let mut page = self.page(&cursor, locator.offset, size);
        self.strike(call, &mut page);
        let offset = locator.offset + size;
        if offset < cursor.ids.len() {
            page.next = Some(Locator {
                id: locator.id,
                offset,
            });
        }
        Ok(page)
    }

    /// Loses a row of a page that was counted.
    fn strike(&mut self, call: &Call, page: &mut Page) {
        if call.fault == Some(FaultKind::RowMissing) && !page.rows.is_empty() {
            let victim = self.random.below(page.rows.len() as u64) as usize;
            drop(page.rows.remove(victim));
        }
    }

    /// Closes every open query: clients must start theirs again.
    pub fn expire_locators(&mut self) {
        self.cursors.expire();
    }

    pub(crate) fn bind(&self, call: &Call, query: &Query) -> Outcome<Bound> {
        let namespace = call.namespace();
        bind(
            Scope {
                schema: &self.schema,
                namespace,
                now: call.now,
            },
            query,
        )
    }

    /// The asked size is a hint: wide rows may come back in smaller pages.
    fn page_size(&mut self, cursor: &Cursor) -> usize {
        let size = if self.config.undercuts_pages && self.random.below(4) == 0 {
            cursor.page_size / 2 + 1
        } else {
            cursor.page_size
        };
        size.min(self.config.page_rows_max)
    }

    fn page(&self, cursor: &Cursor, offset: usize, size: usize) -> Page {
        let object = cursor.query.object;
        let ids = cursor.ids.iter().skip(offset).take(size);
        let rows = ids
            .filter_map(|id| self.row(object, *id, &cursor.query.columns))
            .collect();
        let columns = cursor.query.columns.as_slice().into();
        Page {
            object,
            columns,
            total_size: cursor.ids.len(),
            rows,
            next: None,
        }
    }

    pub(crate) fn row(&self, object: ObjectIndex, id: RecordId, columns: &[Column]) -> Option<Row> {
        let record = self.table(object).visible(id)?;
        let subject = Subject { object, id, record };
        let mut values = Vec::with_capacity(columns.len());
        let mut origins = Vec::with_capacity(columns.len());
        for column in columns {
            values.push(self.column_value(subject, column).into_owned());
            let origin = if column.hops.is_empty() {
                Some(id)
            } else {
                self.follow(subject, &column.hops).map(|parent| parent.id)
            };
            origins.push(origin);
        }
        Some(Row {
            id,
            values,
            origins,
        })
    }

    /// True if the value of a conditional column belongs to its TYPEOF arm.
    pub fn applies(&self, column: &Column, origin: RecordId) -> bool {
        let Leaf::Field(leaves) = &column.leaf else {
            return true;
        };
        self.object_of(origin)
            .is_some_and(|object| leaves.iter().any(|(leaf, _)| *leaf == object))
    }

    /// The ids a bound query selects, in order, offset and limit applied.
    pub(crate) fn select(&self, bound: &Bound, deleted: Deleted) -> Outcome<Vec<RecordId>> {
        let include = deleted == Deleted::Included || bound.all_rows;
        let filter = bound
            .filter
            .as_ref()
            .map(|test| self.resolved(test))
            .transpose()?;
        let filter = filter.as_ref();
        let keep = |id: &RecordId| {
            let Some(record) = self.table(bound.object).visible(*id) else {
                return false;
            };
            self.passes(bound.object, *id, record, include, filter)
        };
        let wanted = bound.limit.map(|limit| limit.saturating_add(bound.offset));
        let (candidates, is_sorted) = self.candidates(bound, filter);
        let mut ids: Vec<RecordId> = match wanted {
            Some(wanted) if is_sorted => candidates.filter(keep).take(wanted).collect(),
            _ => candidates.filter(keep).collect(),
        };
        if !is_sorted {
            self.sort(bound, &mut ids);
        }
        ids.drain(..bound.offset.min(ids.len()));
        ids.truncate(bound.limit.unwrap_or(usize::MAX));
        Ok(ids)
    }

    fn passes(
        &self,
        object: ObjectIndex,
        id: RecordId,
        record: &Record,
        include: bool,
        filter: Option<&Test>,
    ) -> bool {
        (include || !record.is_deleted)
            && filter.is_none_or(|test| self.holds(Subject { object, id, record }, test))
    }

    fn sort(&self, bound: &Bound, ids: &mut [RecordId]) {
        if bound.order.is_empty() {
            ids.sort_unstable();
            return;
        }
        let table = self.table(bound.object);
        let subject = |id: RecordId| {
            table.visible(id).map(|record| Subject {
                object: bound.object,
                id,
                record,
            })
        };
        ids.sort_by(|one, two| match (subject(*one), subject(*two)) {
            (Some(one), Some(two)) => self.sort_order(one, two, &bound.order),
            _ => one.cmp(two),
        });
    }

    /// Semi-joins are answered first.
    fn resolved(&self, test: &Test) -> Outcome<Test> {
        let all = |tests: &[Test]| -> Outcome<Vec<Test>> {
            tests.iter().map(|test| self.resolved(test)).collect()
        };
        Ok(match test {
            Test::And(tests) => Test::And(all(tests)?),
            Test::Or(tests) => Test::Or(all(tests)?),
            Test::Not(inner) => Test::Not(Box::new(self.resolved(inner)?)),
            Test::InQuery {
                column,
                is_negated,
                query,
                result,
            } => {
                let ids = self.select(query, Deleted::Excluded)?;
                let value = |id: RecordId| {
                    let record = self.table(query.object).visible(id)?;
                    let subject = Subject {
                        object: query.object,
                        id,
                        record,
                    };
                    Some(self.column_value(subject, result).into_owned())
                };
                let list: Vec<OwnedValue> = ids.into_iter().filter_map(value).collect();
                let keys = list.iter().filter_map(Value::key).collect();
                Test::In {
                    column: column.clone(),
                    is_negated: *is_negated,
                    list,
                    keys,
                }
            }
            other => other.clone(),
        })
    }

    /// Where to look, and whether that is already the asked order.
    ///
    /// 1. An equality on an indexed field: the index's hits.
    /// 2. Otherwise the stamp window implied by the condition, in stamp order.
    /// 3. Without a window, every record, in id order.
    fn candidates<'a>(
        &'a self,
        bound: &'a Bound,
        filter: Option<&Test>,
    ) -> (Box<dyn Iterator<Item = RecordId> + 'a>, bool) {
        let table = self.table(bound.object);
        let by_stamp = self.is_by_stamp(bound);
        if let Some(hits) = filter.and_then(|test| self.hits(bound.object, test)) {
            let hits: BTreeSet<RecordId> = hits.into_iter().chain(table.shadowed()).collect();
            return (Box::new(hits.into_iter()), bound.order.is_empty());
        }
        let (from, to) = filter.map_or(ALWAYS, |test| self.window(bound.object, test));
        if (from, to) != ALWAYS || by_stamp {
            let sorted = by_stamp && !table.has_shadows();
            return (Box::new(table.in_window(from, to)), sorted);
        }
        // A record removed for good while hidden from readers is still one they may see.
        let gone = table.shadowed().filter(|id| table.get(*id).is_none());
        let all = table.records().map(|(id, _)| id).chain(gone);
        (
            Box::new(all),
            bound.order.is_empty() && !table.has_shadows(),
        )
    }

    fn is_by_stamp(&self, bound: &Bound) -> bool {
        let is = |at: usize, source: &Source| {
            bound.order.get(at).is_some_and(|order| {
                !order.is_descending && self.is_source(bound.object, &order.column, source)
            })
        };
        is(0, &Source::SystemModstamp)
            && (bound.order.len() == 1 || bound.order.len() == 2 && is(1, &Source::Id))
    }

    fn is_source(&self, object: ObjectIndex, column: &Column, source: &Source) -> bool {
        let Leaf::Field(leaves) = &column.leaf else {
            return false;
        };
        column.hops.is_empty()
            && leaves.iter().all(|(found, field)| {
                *found == object && self.schema.object(object).field(*field).source == *source
            })
    }

    /// Records that an equality index finds for the condition; none if no index applies.
    fn hits(&self, object: ObjectIndex, test: &Test) -> Option<Vec<RecordId>> {
        match test {
            Test::And(tests) => tests.iter().find_map(|test| self.hits(object, test)),
            Test::Or(tests) => {
                let all: Option<Vec<_>> =
                    tests.iter().map(|test| self.hits(object, test)).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            Test::Compare {
                column,
                op: Op::Equal,
                value,
            } => self.indexed(object, column, std::slice::from_ref(value)),
            Test::In {
                column,
                is_negated: false,
                list,
                ..
            } => self.indexed(object, column, list),
            _ => None,
        }
    }

    fn indexed(
        &self,
        object: ObjectIndex,
        column: &Column,
        values: &[OwnedValue],
    ) -> Option<Vec<RecordId>> {
        let Leaf::Field(leaves) = &column.leaf else {
            return None;
        };
        if !column.hops.is_empty() || values.iter().any(Value::is_null) {
            return None;
        }
        if column.kind == FieldType::Id {
            return Some(values.iter().filter_map(Value::as_id).collect());
        }
        let (_, field) = leaves.first()?;
        let table = self.table(object);
        if !table.is_indexed(*field) {
            return None;
        }
        Some(
            values
                .iter()
                .flat_map(|value| table.by_key(*field, value))
                .collect(),
        )
    }

    /// The stamps a record must have for the condition to hold, at most.
    fn window(&self, object: ObjectIndex, test: &Test) -> (Timestamp, Timestamp) {
        match test {
            Test::And(tests) => tests.iter().fold(ALWAYS, |(from, to), test| {
                let (low, high) = self.window(object, test);
                (from.max(low), to.min(high))
            }),
            Test::Or(tests) => {
                let windows = tests.iter().map(|test| self.window(object, test));
                let hull = |(from, to): Window, (low, high): Window| (from.min(low), to.max(high));
                windows.reduce(hull).unwrap_or(ALWAYS)
            }
            Test::Compare {
                column,
                op,
                value: Value::Instant(at),
            } if self.is_source(object, column, &Source::SystemModstamp) => match op {
                Op::Equal => (*at, *at),
                Op::Less => (Timestamp::MIN, at.plus_millis(-1)),
                Op::LessOrEqual => (Timestamp::MIN, *at),
                Op::Greater => (at.plus_millis(1), Timestamp::MAX),
                Op::GreaterOrEqual => (*at, Timestamp::MAX),
                Op::NotEqual | Op::Like => ALWAYS,
            },
            _ => ALWAYS,
        }
    }

    /// Selected columns of one record by id, for reads outside SOQL.
    pub fn retrieve(
        &self,
        call: &Call,
        object: ObjectIndex,
        id: RecordId,
        fields: &[&str],
    ) -> Outcome<(Arc<[Column]>, Row)> {
        let definition = self.schema.object(object);
        let query = Query::select(fields, &definition.name);
        let bound = self.bind(call, &query)?;
        let record = self
            .table(object)
            .visible(id)
            .ok_or_else(ApiError::resource_missing)?;
        if record.is_deleted {
            return Err(ApiError::entity_is_deleted());
        }
        let row = self
            .row(object, id, &bound.columns)
            .ok_or_else(ApiError::resource_missing)?;
        Ok((bound.columns.into(), row))
    }

    /// Names of the fields the integration may read, compounds left out.
    pub fn readable_fields(&self, object: ObjectIndex) -> Vec<&str> {
        let fields = self.schema.object(object).fields();
        let shown = fields.filter(|(_, field)| field.is_readable());
        shown.map(|(_, field)| field.name.as_str()).collect()
    }

    pub fn find_object(&self, call: &Call, name: &str) -> Outcome<ObjectIndex> {
        self.schema
            .find(name, call.namespace())
            .filter(|object| {
                call.origin == Origin::Person || self.schema.object(*object).is_readable()
            })
            .ok_or_else(ApiError::resource_missing)
    }

    pub(crate) fn malformed_id(text: &str, label: &str) -> ApiError {
        let message = format!("{label}: id value of incorrect type: {text}");
        ApiError::new(ErrorCode::MALFORMED_ID, message)
    }
}

type Window = (Timestamp, Timestamp);
const ALWAYS: Window = (Timestamp::MIN, Timestamp::MAX);
