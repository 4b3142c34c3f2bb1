//! Field history: rows exist only for fields tracked at the time of the change.

use super::ids::RecordId;
use super::org::{Call, Salesforce};
use super::schema::{
    CONTACT, CONTACT_HISTORY, FieldType, LEAD, LEAD_HISTORY, ObjectIndex, Source, Trait,
};
use super::soql::eval::Subject;
use super::table::Record;
use super::value::{Cells, OwnedValue, Value};
use crate::sim::clock::Timestamp;

type Hidden = Option<(Timestamp, Timestamp)>;

impl Salesforce {
    /// A creation notes only that it happened, never the initial values.
    pub(crate) fn note_history(
        &mut self,
        call: &Call,
        subject: Subject<'_>,
        before: Option<&Record>,
        hidden: Hidden,
    ) {
        if !self.schema.object(subject.object).is_history_enabled {
            return;
        }
        let Some(before) = before else {
            self.note(
                call,
                subject.id,
                ("created", None),
                (Value::Null, Value::Null),
                hidden,
            );
            return;
        };
        let old = Subject {
            record: before,
            ..subject
        };
        let mut noted = Vec::new();
        for (field, one) in self.schema.object(subject.object).fields() {
            if !one.is(Trait::HistoryTracked) || one.source != Source::Cell {
                continue;
            }
            let values = (
                self.field_value(old, field),
                self.field_value(subject, field),
            );
            if values.0 != values.1 {
                let name = if one.name == "OwnerId" {
                    "Owner".to_owned()
                } else {
                    one.name.clone()
                };
                noted.push((name, one.kind, values.0.into_owned(), values.1.into_owned()));
            }
        }
        for (name, kind, old, new) in noted {
            self.note(call, subject.id, (&name, Some(kind)), (old, new), hidden);
        }
    }

    /// One history row. Long values are noted as changed without being kept.
    pub(crate) fn note(
        &mut self,
        call: &Call,
        parent: RecordId,
        (field, kind): (&str, Option<FieldType>),
        (old, new): (OwnedValue, OwnedValue),
        hidden: Hidden,
    ) {
        let Some((history, link)) = self.object_of(parent).and_then(history_of) else {
            return;
        };
        let kept = |value: OwnedValue| match value {
            Value::Text(text) if text.chars().count() > 255 => Value::Null,
            other => other,
        };
        let definition = self.schema.object(history);
        let data_type = kind.map_or(Value::Null, |kind| Value::text(data_type(kind)));
        let cells = [
            (link, Value::Id(parent)),
            ("Field", Value::text(field)),
            ("DataType", data_type),
            ("OldValue", kept(old)),
            ("NewValue", kept(new)),
        ];
        let cells: Vec<_> = cells
            .into_iter()
            .filter_map(|(name, value)| Some((definition.find(name)?, value)))
            .collect();
        let stamp = call.now.whole_second();
        let record = Record {
            created: stamp,
            created_by: call.user,
            modified: stamp,
            modified_by: call.user,
            stamp,
            is_deleted: false,
            cells: Cells::default().with(&cells),
        };
        let id = self.next_id(history);
        self.put(id, Some(record), hidden);
    }
}

const fn history_of(object: ObjectIndex) -> Option<(ObjectIndex, &'static str)> {
    match object {
        LEAD => Some((LEAD_HISTORY, "LeadId")),
        CONTACT => Some((CONTACT_HISTORY, "ContactId")),
        _ => None,
    }
}

const fn data_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Boolean => "Boolean",
        FieldType::DateTime => "DateTime",
        FieldType::Date => "DateOnly",
        FieldType::Reference => "EntityId",
        FieldType::Double | FieldType::Percent | FieldType::Int => "Double",
        FieldType::Currency => "Currency",
        FieldType::Email => "Email",
        FieldType::Phone => "PhoneNumber",
        FieldType::Url => "Url",
        FieldType::Picklist => "DynamicEnum",
        FieldType::MultiPicklist => "MultiEnum",
        _ => "Text",
    }
}
