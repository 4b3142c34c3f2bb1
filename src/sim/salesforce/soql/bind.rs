//! Names to positions: a tree becomes a query that can be evaluated without looking anything up,
//! or one of the vendor's complaints.

mod condition;

use std::collections::BTreeSet;

use super::ast::{Expr, FieldGroup, Item, Nulls, Op, Path, Query, Select};
use super::located;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::schema::{
    FieldAccess, FieldDef, FieldType, GROUP, ObjectIndex, Schema, Source, Trait,
};
use crate::sim::salesforce::value::{FieldIndex, OwnedValue};

/// SOQL: FIELDS(ALL) and FIELDS(CUSTOM) need a LIMIT of at most this.
const FIELDS_LIMIT_MAX: usize = 200;
/// SOQL: child-to-parent relationships may be this many steps long.
const RELATIONSHIP_DEPTH_MAX: usize = 5;

/// One selected value: the way to a record, then what to read there.
#[derive(Clone, Debug)]
pub struct Column {
    /// Relationship names as declared, then the field's name.
    pub path: Vec<String>,
    /// Set for a part of an address: `MailingAddress` above `street`.
    pub compound: Option<String>,
    pub kind: FieldType,
    /// From a TYPEOF arm: absent where the parent is of another type.
    pub is_conditional: bool,
    pub(crate) hops: Vec<Vec<(ObjectIndex, FieldIndex)>>,
    pub(crate) leaf: Leaf,
    pub(crate) is_case_sensitive: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Leaf {
    /// The field, per object the way may end at.
    Field(Vec<(ObjectIndex, FieldIndex)>),
    /// `Owner.Type`: the name of the object itself.
    TypeName,
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare {
        column: Column,
        op: Op,
        value: OwnedValue,
    },
    In {
        column: Column,
        is_negated: bool,
        list: Vec<OwnedValue>,
        keys: BTreeSet<u64>,
    },
    /// Chosen by a subquery, which is evaluated first and becomes `In`.
    InQuery {
        column: Column,
        is_negated: bool,
        query: Box<Bound>,
        result: Column,
    },
    Includes {
        column: Column,
        is_negated: bool,
        sets: Vec<Vec<String>>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) column: Column,
    pub(crate) is_descending: bool,
    pub(crate) nulls: Nulls,
}

#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) object: ObjectIndex,
    pub(crate) columns: Vec<Column>,
    pub(crate) is_count: bool,
    pub(crate) filter: Option<Test>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<usize>,
    pub(crate) offset: usize,
    pub(crate) all_rows: bool,
}

/// Whose eyes names are looked up with.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) now: Timestamp,
}

pub(crate) fn bind(scope: Scope<'_>, query: &Query) -> Outcome<Bound> {
    let found = scope.schema.find(&query.from, scope.namespace);
    let readable = found.filter(|object| scope.schema.object(*object).is_readable());
    let Some(object) = readable else {
        return Err(unknown_object(&query.text, &query.from));
    };
    let binder = Binder {
        scope,
        object,
        query,
    };
    let mut columns = Vec::new();
    let is_count = query.select == Select::Count;
    if let Select::Items(items) = &query.select {
        for item in items {
            binder.item(item, &mut columns)?;
        }
    }
    let mut seen = BTreeSet::new();
    columns.retain(|column| seen.insert((column.path.clone(), column.compound.clone())));
    let filter = query
        .filter
        .as_ref()
        .map(|filter| binder.test(filter))
        .transpose()?;
    let order = query.order.iter().map(|order| {
        let column = binder.column(&order.path, Purpose::Order)?;
        let nulls = order.nulls.unwrap_or(Nulls::First);
        Ok(Order {
            column,
            is_descending: order.is_descending,
            nulls,
        })
    });
    Ok(Bound {
        object,
        columns,
        is_count,
        filter,
        order: order.collect::<Outcome<_>>()?,
        limit: query.limit,
        offset: query.offset,
        all_rows: query.all_rows,
    })
}

/// A condition alone, for rules that administrators write.
pub(crate) fn bind_condition(
    scope: Scope<'_>,
    object: ObjectIndex,
    condition: &Expr,
) -> Outcome<Test> {
    let query = Query::select(&[], &scope.schema.object(object).name);
    Binder {
        scope,
        object,
        query: &query,
    }
    .test(condition)
}

fn unknown_object(text: &str, name: &str) -> ApiError {
    let message = format!(
        "sObject type '{name}' is not supported. If you are attempting to use a custom object, be \
         sure to append the '__c' after the entity name. Please reference your WSDL or the \
         describe call for the appropriate names."
    );
    let at = text
        .to_lowercase()
        .find(&format!("from {}", name.to_lowercase()));
    located(
        text,
        at.map_or(0, |at| at + 5),
        ErrorCode::INVALID_TYPE,
        &message,
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Select,
    Filter,
    Order,
}

struct Binder<'a> {
    scope: Scope<'a>,
    object: ObjectIndex,
    query: &'a Query,
}

impl Binder<'_> {
    fn item(&self, item: &Item, columns: &mut Vec<Column>) -> Outcome<()> {
        match item {
            Item::Field(path) => self.select(path, columns),
            Item::Group(group) => self.group(*group, columns),
            Item::TypeOf {
                path,
                arms,
                otherwise,
            } => self.type_of(path, arms, otherwise, columns),
        }
    }

    fn select(&self, path: &Path, columns: &mut Vec<Column>) -> Outcome<()> {
        let column = self.column(path, Purpose::Select)?;
        match self.address_prefix(&column) {
            None => columns.push(column),
            Some(prefix) => {
                const PARTS: [&str; 5] = ["Street", "City", "State", "PostalCode", "Country"];
                for part in PARTS {
                    let mut names = path.names.clone();
                    let whole = names.pop().unwrap_or_default();
                    names.push(format!("{prefix}{part}"));
                    let path = Path { names, at: path.at };
                    let mut column = self.column(&path, Purpose::Select)?;
                    column.path.pop();
                    let mut key = part.to_owned();
                    key[..1].make_ascii_lowercase();
                    column.path.push(key);
                    column.compound = Some(whole);
                    columns.push(column);
                }
            }
        }
        Ok(())
    }

    fn address_prefix(&self, column: &Column) -> Option<&'static str> {
        let Leaf::Field(leaves) = &column.leaf else {
            return None;
        };
        let (object, field) = leaves.first()?;
        match self.scope.schema.object(*object).field(*field).source {
            Source::Address(prefix) => Some(prefix),
            _ => None,
        }
    }

    fn group(&self, group: FieldGroup, columns: &mut Vec<Column>) -> Outcome<()> {
        let is_bounded = self
            .query
            .limit
            .is_some_and(|limit| limit <= FIELDS_LIMIT_MAX);
        if group != FieldGroup::Standard && !is_bounded {
            let message = "The SOQL FIELDS function must have a LIMIT of at most 200";
            return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
        }
        for (_, field) in self.scope.schema.object(self.object).fields() {
            let is_wanted = match group {
                FieldGroup::All => true,
                FieldGroup::Standard => !field.is(Trait::Custom),
                FieldGroup::Custom => field.is(Trait::Custom),
            };
            if is_wanted && field.is_readable() {
                self.select(&Path::parse(&field.name), columns)?;
            }
        }
        Ok(())
    }

    fn type_of(
        &self,
        path: &Path,
        arms: &[(String, Vec<Path>)],
        otherwise: &[Path],
        columns: &mut Vec<Column>,
    ) -> Outcome<()> {
        let mut taken = Vec::new();
        for (name, fields) in arms {
            let found = self.scope.schema.find(name, self.scope.namespace);
            let readable = found.filter(|object| self.scope.schema.object(*object).is_readable());
            let Some(object) = readable else {
                return Err(unknown_object(&self.query.text, name));
            };
            taken.push(object);
            for field in fields {
                columns.push(self.conditional(path, field, |candidate| candidate == object)?);
            }
        }
        for field in otherwise {
            let column = self.conditional(path, field, |candidate| !taken.contains(&candidate))?;
            columns.push(column);
        }
        Ok(())
    }

    fn conditional(
        &self,
        path: &Path,
        field: &Path,
        keep: impl Fn(ObjectIndex) -> bool,
    ) -> Outcome<Column> {
        let names = path.names.iter().chain(&field.names).cloned().collect();
        let mut column = self.column(
            &Path {
                names,
                at: field.at,
            },
            Purpose::Select,
        )?;
        column.is_conditional = true;
        if let Leaf::Field(leaves) = &mut column.leaf {
            leaves.retain(|(object, _)| keep(*object));
        }
        Ok(column)
    }

    fn column(&self, path: &Path, purpose: Purpose) -> Outcome<Column> {
        let schema = self.scope.schema;
        let is_alias = |name: &str| {
            let is = |known: &str| known.eq_ignore_ascii_case(name);
            self.query.alias.as_deref().is_some_and(is) || is(&schema.object(self.object).name)
        };
        let mut names = path.names.as_slice();
        if names.len() > 1 && is_alias(&names[0]) {
            names = &names[1..];
        }
        let Some((leaf, relationships)) = names.split_last() else {
            return Err(self.no_such_column(path, self.object, ""));
        };
        if relationships.len() > RELATIONSHIP_DEPTH_MAX {
            let message = "the relationship path is too long (max 5)";
            return Err(located(
                &self.query.text,
                path.at,
                ErrorCode::MALFORMED_QUERY,
                message,
            ));
        }
        let mut objects = vec![self.object];
        let (mut hops, mut shown) = (Vec::new(), Vec::new());
        for relationship in relationships {
            let (hop, next) = self.hop(&objects, relationship).ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{relationship}' in field path. If you are \
                     attempting to use a custom relationship, be sure to append the '__r' after \
                     the custom relationship name. Please reference your WSDL or the describe \
                     call for the appropriate names."
                );
                located(
                    &self.query.text,
                    path.at,
                    ErrorCode::INVALID_FIELD,
                    &message,
                )
            })?;
            let (object, field) = hop[0];
            let declared = schema.object(object).field(field).relationship.clone();
            shown.push(declared.unwrap_or_default());
            hops.push(hop);
            objects = next;
        }
        self.leaf(path, leaf, &objects, (hops, shown), purpose)
    }

    fn hop(&self, objects: &[ObjectIndex], name: &str) -> Option<(Way, Vec<ObjectIndex>)> {
        let schema = self.scope.schema;
        let mut hop = Vec::new();
        let mut next = Vec::new();
        for object in objects {
            let found = schema.find_relationship(*object, name, self.scope.namespace);
            let Some(field) = found else { continue };
            let definition = schema.object(*object).field(field);
            if !definition.is_readable() {
                continue;
            }
            hop.push((*object, field));
            next.extend(
                definition
                    .reference_to
                    .iter()
                    .filter_map(|to| schema.find(to, None))
                    .filter(|object| schema.object(*object).is_readable()),
            );
        }
        (!hop.is_empty()).then_some((hop, next))
    }

    fn leaf(
        &self,
        path: &Path,
        name: &str,
        objects: &[ObjectIndex],
        (hops, mut shown): (Vec<Way>, Vec<String>),
        purpose: Purpose,
    ) -> Outcome<Column> {
        let schema = self.scope.schema;
        let is_polymorphic = objects.contains(&GROUP) && objects.len() > 1;
        let base = Column {
            path: Vec::new(),
            compound: None,
            kind: FieldType::String,
            is_conditional: false,
            hops,
            leaf: Leaf::TypeName,
            is_case_sensitive: false,
        };
        // The one the vendor calls Name: what users and queues have in common.
        if is_polymorphic && name.eq_ignore_ascii_case("Type") {
            shown.push("Type".to_owned());
            return Ok(Column {
                path: shown,
                ..base
            });
        }
        let found = objects.iter().filter_map(|object| {
            let field = schema.find_field(*object, name, self.scope.namespace)?;
            let definition = schema.object(*object).field(field);
            (definition.access != FieldAccess::Hidden).then_some((*object, field))
        });
        let leaves: Way = found.collect();
        let Some((object, field)) = leaves.first().copied() else {
            return Err(self.no_such_column(path, objects[0], name));
        };
        let definition = schema.object(object).field(field);
        self.allowed(path, definition, purpose)?;
        shown.push(definition.name.clone());
        Ok(Column {
            path: shown,
            kind: definition.kind,
            is_case_sensitive: definition.is(Trait::CaseSensitive),
            leaf: Leaf::Field(leaves),
            ..base
        })
    }

    fn allowed(&self, path: &Path, field: &FieldDef, purpose: Purpose) -> Outcome<()> {
        let (code, verb) = match purpose {
            Purpose::Filter if !field.is(Trait::Filterable) => {
                (ErrorCode::INVALID_FIELD, "filtered")
            }
            Purpose::Order if !field.is(Trait::Sortable) => (ErrorCode::MALFORMED_QUERY, "sorted"),
            _ => return Ok(()),
        };
        let message = format!("field '{}' can not be {verb} in a query call", field.name);
        Err(located(&self.query.text, path.at, code, &message))
    }

    fn no_such_column(&self, path: &Path, object: ObjectIndex, name: &str) -> ApiError {
        let message = format!(
            "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, \
             be sure to append the '__c' after the custom field name. Please reference your WSDL \
             or the describe call for the appropriate names.",
            self.scope.schema.object(object).name
        );
        located(
            &self.query.text,
            path.at,
            ErrorCode::INVALID_FIELD,
            &message,
        )
    }
}

type Way = Vec<(ObjectIndex, FieldIndex)>;
