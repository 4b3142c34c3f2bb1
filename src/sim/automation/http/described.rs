//! The `fields` of a record: grouped with their definitions, and flat.

use serde_json::{Map, Number, Value as Json, json};

use super::super::company::Company;
use super::super::contact::Contact;
use super::super::draft::Echo;
use super::super::field::{Choice, Field, Group, Kind, Subject, Traits};
use super::super::instance::Automation;
use super::super::php::Php;
use super::super::stock;
use super::super::time::Shown;
use super::super::value::Value;
use super::record::{Form, View};

pub(super) fn contact_fields(
    brain: &Automation,
    contact: &Contact,
    view: &View<'_>,
    with_all: bool,
) -> Json {
    let ranked = brain.fields().ranked(Subject::Contact);
    let places: Vec<&str> = ranked.iter().map(|field| field.alias.as_str()).collect();
    let mut fields = ranked.clone();
    if view.form == Form::Listed {
        fields.sort_by_key(|field| column_place(field));
    }
    let mut groups: Vec<(Group, Map<String, Json>)> = [
        Group::Core,
        Group::Social,
        Group::Personal,
        Group::Professional,
    ]
    .map(|group| (group, Map::new()))
    .into();
    let mut all = Map::new();
    all.insert("id".into(), Json::String(contact.id.to_string()));
    for field in fields.into_iter().filter(|field| field.is_published()) {
        let mut value = contact_value(contact, field, view);
        if let Some(selected) = view.selected
            && !selected.contains(&field.alias)
        {
            if view.form == Form::Listed {
                continue;
            }
            // Reading one record with a selection puts the field's place where its value belongs.
            value = json!(places.iter().position(|alias| *alias == field.alias));
        }
        all.insert(field.alias.clone(), value.clone());
        let described = described(field, value, view.form);
        if let Some((_, group)) = groups.iter_mut().find(|(group, _)| *group == field.group) {
            group.insert(field.alias.clone(), described);
        }
    }
    let mut out = Map::new();
    for (group, members) in groups {
        let members = if members.is_empty() {
            json!([])
        } else {
            Json::Object(members)
        };
        out.insert(group.name().into(), members);
    }
    if with_all {
        out.insert("all".into(), Json::Object(all));
    }
    Json::Object(out)
}

/// Stock fields in table order, own fields by age, then the social ones.
fn column_place(field: &Field) -> (bool, usize) {
    let stock = stock::COLUMN_ORDER
        .iter()
        .position(|alias| *alias == field.alias);
    (
        field.group == Group::Social,
        stock.unwrap_or(stock::COLUMN_ORDER.len() + field.id as usize),
    )
}

fn contact_value(contact: &Contact, field: &Field, view: &View<'_>) -> Json {
    if let Some(sent) = view.unsaved.and_then(|unsaved| unsaved.get(&field.alias)) {
        return sent.clone();
    }
    match field.alias.as_str() {
        "points" => json!(contact.points),
        "last_active" => {
            let before = view.echo.iter().find_map(|(position, echo)| match echo {
                Echo::Before(at) if *position == field.position => Some(*at),
                _ => None,
            });
            json!(before.unwrap_or(contact.last_active).map(Shown::sql))
        }
        _ => {
            let echo = view
                .echo
                .iter()
                .find(|(position, _)| *position == field.position);
            match echo {
                Some((_, Echo::Truth(truth))) => json!(truth),
                Some((_, Echo::Zero)) if field.decimals() > 0 => json!(0.0),
                Some((_, Echo::Zero)) => json!(0),
                Some((_, Echo::Empty)) => json!(""),
                Some((_, Echo::Before(_))) => Json::Null,
                None => match contact.values.at(field.position) {
                    // Lists show the column as it is, which for a boolean is text.
                    Value::Bool(value) if view.form == Form::Listed => {
                        json!(u8::from(*value).to_string())
                    }
                    value => plain(field, value),
                },
            }
        }
    }
}

/// The plain JSON of a stored value: booleans are 1 and 0, decimals keep their point.
pub(super) fn plain(field: &Field, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(u8::from(*value)),
        Value::Int(value) => json!(value),
        Value::Float(value) if field.decimals() == 0 => json!(*value as i64),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.to_string()),
    }
}

fn described(field: &Field, value: Json, form: Form) -> Json {
    let normal = normalised(field, &value);
    let mut out = Map::new();
    let mut put = |key: &str, value: Json| drop(out.insert(key.to_owned(), value));
    if form == Form::Created {
        put("id", json!(field.id));
        put("group", json!(field.group.name()));
        put("label", json!(field.label));
        put("alias", json!(field.alias));
        put("type", json!(field.kind.name()));
        if field.subject == Subject::Contact {
            put("properties", properties(field, true));
        }
    } else {
        put("id", json!(field.id.to_string()));
        put("label", json!(field.label));
        put("alias", json!(field.alias));
        put("type", json!(field.kind.name()));
        put("group", json!(field.group.name()));
        put("object", json!(field.subject.name()));
        let is_fixed = field.traits.has(Traits::FIXED);
        put("is_fixed", json!(if is_fixed { "1" } else { "0" }));
        put("properties", json!(properties_php(field).serialise()));
        put("default_value", json!(field.default));
    }
    put("value", value);
    put("normalizedValue", normal);
    Json::Object(out)
}

/// Labels of choices and booleans; empty text for null.
fn normalised(field: &Field, value: &Json) -> Json {
    if value.is_null() {
        return json!("");
    }
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Bool(truth) => u8::from(*truth).to_string(),
        other => other.to_string(),
    };
    let label = |choices: &[Choice], part: &str| {
        let choice = choices.iter().find(|choice| choice.value == part);
        choice.map_or_else(|| part.to_owned(), |choice| choice.label.clone())
    };
    match &field.kind {
        Kind::Select(choices) => json!(label(choices, &text)),
        Kind::Multiselect(choices) => {
            let labels: Vec<String> = text.split('|').map(|part| label(choices, part)).collect();
            json!(labels.join("|"))
        }
        Kind::Boolean { no, yes } if !text.is_empty() => json!(if text == "1" { yes } else { no }),
        _ => value.clone(),
    }
}

/// A field's properties as the field routes show them. `empty_list` where an empty one is `[]`.
pub(super) fn properties(field: &Field, empty_list: bool) -> Json {
    let choices = |choices: &[Choice]| {
        let entries = choices
            .iter()
            .map(|c| json!({ "label": c.label, "value": c.value }));
        json!({ "list": entries.collect::<Vec<_>>() })
    };
    match &field.kind {
        Kind::Boolean { no, yes } => json!({ "no": no, "yes": yes }),
        Kind::Select(list) | Kind::Multiselect(list) => choices(list),
        Kind::Lookup(list) => json!({ "list": list }),
        // Stock fields keep numbers, created ones the text they were sent.
        Kind::Number(Some(scale)) if field.added.is_none() => {
            json!({ "roundmode": 4, "scale": scale })
        }
        Kind::Number(Some(scale)) => json!({ "roundmode": "4", "scale": scale.to_string() }),
        _ if empty_list => json!([]),
        _ => json!({}),
    }
}

fn properties_php(field: &Field) -> Php {
    fn php(value: &Json) -> Php {
        match value {
            Json::String(text) => Php::text(text),
            Json::Array(items) => Php::List(items.iter().map(php).collect()),
            Json::Object(members) => Php::Map(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), php(value)))
                    .collect(),
            ),
            Json::Number(number) => Php::Int(number.as_i64().unwrap_or_default()),
            Json::Bool(value) => Php::Bool(*value),
            Json::Null => Php::Null,
        }
    }
    php(&properties(field, true))
}

pub(super) fn company_fields(
    brain: &Automation,
    company: &Company,
    form: Form,
    with_all: bool,
) -> Json {
    // Fresh from its creation a company shows the groups a contact has.
    let names: &[&str] = match form {
        Form::Created => &["core", "professional", "social", "personal"],
        _ => &["core", "professional", "other"],
    };
    let mut groups: Vec<(&str, Map<String, Json>)> =
        names.iter().map(|group| (*group, Map::new())).collect();
    let mut all = Map::new();
    all.insert("id".into(), json!(company.id.0));
    let fields = brain.fields().ranked(Subject::Company);
    for field in fields.into_iter().filter(|field| field.is_published()) {
        let value = plain(field, company.values.at(field.position));
        all.insert(field.alias.clone(), value.clone());
        let described = described(field, value, form);
        if let Some((_, group)) = groups
            .iter_mut()
            .find(|(name, _)| *name == field.group.name())
        {
            group.insert(field.alias.clone(), described);
        }
    }
    let mut out = Map::new();
    for (name, members) in groups {
        let members = if members.is_empty() {
            json!([])
        } else {
            Json::Object(members)
        };
        out.insert(name.into(), members);
    }
    if with_all {
        out.insert("all".into(), Json::Object(all));
    }
    Json::Object(out)
}
