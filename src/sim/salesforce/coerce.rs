//! Turns what a client sends into what is stored, field by field, or into the vendor's refusal.

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Origin, Salesforce};
use super::schema::{FieldDef, FieldType, ObjectIndex, Trait};
use super::value::{FieldIndex, OwnedValue, Value};
use crate::sim::clock::{Day, Timestamp};

/// A field value as it arrives, before anybody looked at the field's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Null,
    Text(String),
    Bool(bool),
    Number(f64),
    Instant(Timestamp),
    Id(RecordId),
    /// A parent named by one of its keys: `"Account": { "ExtKey__c": "c-17" }`.
    Parent {
        key: String,
        value: Box<Input>,
    },
}

impl Input {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Fields by API name, in the order the client sent them.
pub type Fields = Vec<(String, Input)>;

/// Creating and updating differ in which fields may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Create,
    Update,
}

pub(crate) type Changes = Vec<(FieldIndex, OwnedValue)>;

impl Salesforce {
    /// 1. A name nobody may see is no such column.
    /// 2. Fields that may not be written are refused together, before any value is looked at.
    /// 3. Then each value must fit its field.
    pub(crate) fn changes(
        &self,
        call: &Call,
        object: ObjectIndex,
        fields: &Fields,
        writing: Writing,
    ) -> Outcome<Changes> {
        let mut found = Vec::with_capacity(fields.len());
        let mut refused = Vec::new();
        for (name, input) in fields {
            let field = self.writable_name(call, object, name, input)?;
            let definition = self.schema.object(object).field(field);
            let is_allowed = match (call.origin, writing) {
                (Origin::Person, _) => {
                    definition.is(Trait::Updateable) || definition.is(Trait::Createable)
                }
                (Origin::Api, Writing::Create) => definition.is_createable(),
                (Origin::Api, Writing::Update) => definition.is_updateable(),
            };
            if !is_allowed {
                refused.push(definition.name.clone());
            }
            found.push((field, input));
        }
        if !refused.is_empty() {
            let message = format!(
                "Unable to create/update fields: {}. Please check the security settings of this \
                 field and verify that it is read/write for your profile or permission set.",
                refused.join(", ")
            );
            let mut error = ApiError::new(ErrorCode::INVALID_FIELD_FOR_INSERT_UPDATE, message);
            error.fields = refused;
            return Err(error);
        }
        let value = |(field, input): (FieldIndex, &Input)| {
            let definition = self.schema.object(object).field(field);
            Ok((field, self.coerce(object, definition, input)?))
        };
        found.into_iter().map(value).collect()
    }

    fn writable_name(
        &self,
        call: &Call,
        object: ObjectIndex,
        name: &str,
        input: &Input,
    ) -> Outcome<FieldIndex> {
        let namespace = call.namespace();
        let found = if matches!(input, Input::Parent { .. }) {
            self.schema.find_relationship(object, name, namespace)
        } else {
            self.schema.find_field(object, name, namespace)
        };
        let definition = self.schema.object(object);
        found
            .filter(|field| call.origin == Origin::Person || definition.field(*field).is_readable())
            .ok_or_else(|| {
                let message = format!(
                    "No such column '{name}' on sobject of type {}",
                    definition.name
                );
                ApiError::new(ErrorCode::INVALID_FIELD, message)
            })
    }

    pub(crate) fn coerce(
        &self,
        object: ObjectIndex,
        field: &FieldDef,
        input: &Input,
    ) -> Outcome<OwnedValue> {
        let kind = field.kind;
        match input {
            Input::Null => Ok(Value::Null),
            Input::Text(text) if text.trim().is_empty() => Ok(Value::Null),
            Input::Parent { key, value } => self.parent_by_key(object, field, key, value),
            Input::Text(text) if matches!(kind, FieldType::Reference | FieldType::Id) => {
                let id = RecordId::parse(text.trim());
                let id =
                    id.ok_or_else(|| Self::malformed_id(text, &field.label).on(&field.name))?;
                self.reference(object, field, id)
            }
            Input::Id(id) if matches!(kind, FieldType::Reference | FieldType::Id) => {
                self.reference(object, field, *id)
            }
            Input::Text(text) if kind.is_text() => fitting_text(field, text),
            Input::Text(text) => scalar(field, text),
            Input::Bool(value) if kind == FieldType::Boolean => Ok(Value::Bool(*value)),
            Input::Number(number) if kind.is_numeric() => fitting_number(field, *number),
            Input::Instant(at) if kind == FieldType::DateTime => {
                Ok(Value::Instant(at.whole_second()))
            }
            Input::Instant(at) if kind == FieldType::Date => Ok(Value::Day(at.day())),
            Input::Bool(value) => Err(wrong_type(field, "VALUE_TRUE", &value.to_string())),
            Input::Number(number) => {
                Err(wrong_type(field, "VALUE_NUMBER_FLOAT", &number.to_string()))
            }
            Input::Instant(at) => Err(wrong_type(field, "VALUE_STRING", &at.to_iso())),
            Input::Id(id) => fitting_text(field, &id.to_string()),
        }
    }

    fn reference(
        &self,
        object: ObjectIndex,
        field: &FieldDef,
        id: RecordId,
    ) -> Outcome<OwnedValue> {
        let target = self.object_of(id);
        let is_right = target.is_some_and(|target| {
            let name = &self.schema.object(target).name;
            field.reference_to.iter().any(|to| to == name)
        });
        if !is_right {
            return Err(Self::malformed_id(&id.to_string(), &field.label).on(&field.name));
        }
        match self.record(id) {
            None => Err(ApiError::invalid_cross_reference().on(&field.name)),
            Some(record) if record.is_deleted => Err(ApiError::entity_is_deleted()
                .with_status(400)
                .on(&field.name)),
            Some(_)
                if self.value(id, "IsActive") == Value::Bool(false)
                    && target == Some(super::schema::USER) =>
            {
                let owned = self.schema.object(object).name.to_lowercase();
                let message =
                    format!("operation performed with inactive user [{id}] as owner of {owned}");
                Err(ApiError::new(ErrorCode::INACTIVE_OWNER_OR_USER, message).on(&field.name))
            }
            Some(_) => Ok(Value::Id(id)),
        }
    }

    fn parent_by_key(
        &self,
        object: ObjectIndex,
        field: &FieldDef,
        key: &str,
        value: &Input,
    ) -> Outcome<OwnedValue> {
        let missing = || {
            let message = format!(
                "Foreign key external ID: {} not found for field {key} in entity {}",
                shown(value),
                field.reference_to.join(", ")
            );
            ApiError::new(ErrorCode::INVALID_FIELD, message)
        };
        for target in field
            .reference_to
            .iter()
            .filter_map(|to| self.schema.find(to, None))
        {
            let Some(key) = self.schema.object(target).find(key) else {
                continue;
            };
            let definition = self.schema.object(target).field(key);
            let wanted = self.coerce(object, definition, value)?;
            let found =
                self.table(target)
                    .holders(key, &wanted, definition.is(Trait::CaseSensitive));
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Value::Id(*one)),
                _ => {
                    let message = "more than one record found for external id field";
                    return Err(ApiError::new(ErrorCode::DUPLICATE_EXTERNAL_ID, message));
                }
            }
        }
        Err(missing())
    }
}

pub(crate) fn shown(input: &Input) -> String {
    match input {
        Input::Null | Input::Parent { .. } => "null".to_owned(),
        Input::Text(text) => text.clone(),
        Input::Bool(value) => value.to_string(),
        Input::Number(number) => number.to_string(),
        Input::Instant(at) => at.to_iso(),
        Input::Id(id) => id.to_string(),
    }
}

/// Booleans, numbers and dates that arrive as text, as all of them do in CSV.
fn scalar(field: &FieldDef, text: &str) -> Outcome<OwnedValue> {
    let text = text.trim();
    let refused = || wrong_type(field, "VALUE_STRING", text);
    match field.kind {
        FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(refused()),
        },
        FieldType::DateTime => {
            let at = Timestamp::parse_iso(text).ok_or_else(refused)?;
            Ok(Value::Instant(at.whole_second()))
        }
        FieldType::Date => {
            let day = Day::parse(text).or_else(|| Timestamp::parse_iso(text).map(Timestamp::day));
            day.map(Value::Day).ok_or_else(refused)
        }
        kind if kind.is_numeric() => fitting_number(field, text.parse().map_err(|_| refused())?),
        _ => Err(refused()),
    }
}

fn wrong_type(field: &FieldDef, token: &str, text: &str) -> ApiError {
    let kind = field
        .kind
        .soap_name()
        .rsplit(':')
        .next()
        .unwrap_or("string")
        .to_lowercase();
    let message = format!(
        "Cannot deserialize instance of {kind} from {token} value {text} or request may be missing \
         a required field at [line:1, column:1]"
    );
    ApiError::new(ErrorCode::JSON_PARSER_ERROR, message).on(&field.name)
}

fn fitting_text(field: &FieldDef, text: &str) -> Outcome<OwnedValue> {
    let text = text.trim();
    let units = text.encode_utf16().count();
    if units > field.length as usize {
        let shown: String = text.chars().take(250).collect();
        let message = format!(
            "{}: data value too large: {shown} (max length={})",
            field.label, field.length
        );
        return Err(ApiError::new(ErrorCode::STRING_TOO_LONG, message).on(&field.name));
    }
    if field.kind == FieldType::Email && !is_email(text) {
        let message = format!("{}: invalid email address: {text}", field.label);
        return Err(ApiError::new(ErrorCode::INVALID_EMAIL_ADDRESS, message).on(&field.name));
    }
    if matches!(field.kind, FieldType::Picklist | FieldType::MultiPicklist) {
        return chosen(field, text);
    }
    Ok(Value::text(text))
}

/// Restricted picklists take listed values only, in the case they were declared with.
fn chosen(field: &FieldDef, text: &str) -> Outcome<OwnedValue> {
    let is_multi = field.kind == FieldType::MultiPicklist;
    let parts = if is_multi {
        text.split(';').collect()
    } else {
        vec![text]
    };
    let mut values: Vec<&str> = Vec::new();
    for part in parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let listed = field
            .picklist
            .iter()
            .find(|listed| listed.value.eq_ignore_ascii_case(part));
        let listed = listed.filter(|listed| listed.is_active);
        if listed.is_none() && field.is(Trait::RestrictedPicklist) {
            let message = format!("bad value for restricted picklist field: {part}");
            let code = ErrorCode::INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST;
            return Err(ApiError::new(code, message).on(&field.name));
        }
        let value = listed.map_or(part, |listed| listed.value.as_str());
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if values.is_empty() {
        return Ok(Value::Null);
    }
    // A multi-select comes back in the order its values are declared.
    values.sort_by_key(|value| {
        field
            .picklist
            .iter()
            .position(|listed| listed.value == *value)
    });
    Ok(Value::text(values.join(";")))
}

/// More decimals than the scale are cut in silence; too many digits before the point are refused.
fn fitting_number(field: &FieldDef, number: f64) -> Outcome<OwnedValue> {
    let limit = 10_f64.powi((field.precision - field.scale) as i32);
    if !number.is_finite() || number.abs() >= limit {
        let message = format!(
            "{}: value outside of valid range on numeric field: {number}",
            field.label
        );
        let code = ErrorCode::NUMBER_OUTSIDE_VALID_RANGE;
        return Err(ApiError::new(code, message).on(&field.name));
    }
    let unit = 10_f64.powi(field.scale as i32);
    // The tenth of a unit's millionth keeps 0.29 from being cut to 0.28 by its binary form.
    let scaled = number * unit;
    let cut = if (scaled - scaled.round()).abs() < 1e-7 {
        scaled.round()
    } else {
        scaled.trunc()
    };
    Ok(Value::Number(cut / unit))
}

/// One `@`, a plain local part, a domain with a dot and no empty label.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_local = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.');
    is_local && domain.contains('.') && domain.split('.').all(is_label)
}
