//! An incoming call, with its parameters nested the way PHP nests them.

use serde_json::{Map, Value};

use super::super::value::Input;

/// A parameter: text, or parameters under brackets.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    Map(Vec<(String, Node)>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Map(Vec::new())
    }
}

impl Node {
    /// Reads `a=1&where[0][col]=id&select[]=id`.
    pub fn parse(encoded: &str) -> Self {
        let mut root = Self::default();
        for (name, value) in url::form_urlencoded::parse(encoded.as_bytes()) {
            root.place_named(&name, value.into_owned());
        }
        root
    }

    fn place_named(&mut self, name: &str, value: String) {
        let (first, rest) = name.split_once('[').unwrap_or((name, ""));
        let rest = rest.strip_suffix(']').unwrap_or(rest);
        let mut path = vec![first];
        if name.contains('[') {
            path.extend(rest.split("]["));
        }
        self.place(&path, value);
    }

    fn place(&mut self, path: &[&str], value: String) {
        let Some((key, rest)) = path.split_first() else {
            *self = Self::Text(value);
            return;
        };
        if !matches!(self, Self::Map(_)) {
            *self = Self::default();
        }
        let Self::Map(entries) = self else { return };
        let key = if key.is_empty() {
            entries.len().to_string()
        } else {
            (*key).to_owned()
        };
        let known = entries.iter().position(|(held, _)| *held == key);
        let index = known.unwrap_or_else(|| {
            entries.push((key, Self::default()));
            entries.len() - 1
        });
        entries[index].1.place(rest, value);
    }

    pub fn at(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(held, _)| held == key)
            .map(|(_, node)| node)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.at(key)?.as_text()
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.entries().iter().map(|(_, node)| node)
    }

    pub fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self {
            entries
        } else {
            &[]
        }
    }

    /// The texts of a list parameter, or the one text of a plain one.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Map(entries) => entries
                .iter()
                .filter_map(|(_, node)| node.as_text())
                .collect(),
        }
    }

    /// Numbered keys make a list, as in PHP.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.to_json()));
                php_array(entries.collect())
            }
        }
    }
}

/// A PHP array as JSON: a list when the keys are 0, 1, 2 … in order, else an object.
pub(super) fn php_array(entries: Vec<(String, Value)>) -> Value {
    let is_list = entries
        .iter()
        .enumerate()
        .all(|(index, (key, _))| *key == index.to_string());
    if is_list {
        Value::Array(entries.into_iter().map(|(_, value)| value).collect())
    } else {
        Value::Object(entries.into_iter().collect())
    }
}

/// A call as the product's kernel sees it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// After `X-HTTP-Method-Override`.
    pub method: String,
    pub path: String,
    pub query: Node,
    pub authorization: Option<String>,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// Why a body could not be used: 400 from the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Node::parse(query),
            ..Self::default()
        }
    }

    /// The body as a form, if its type says that it is one.
    pub fn form(&self) -> Option<Node> {
        let kind = self.content_type.as_str();
        if kind.starts_with("application/x-www-form-urlencoded") {
            return Some(Node::parse(&String::from_utf8_lossy(&self.body)));
        }
        let (_, boundary) = kind
            .strip_prefix("multipart/form-data")?
            .split_once("boundary=")?;
        let boundary = boundary
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_matches('"');
        Some(multipart(&String::from_utf8_lossy(&self.body), boundary))
    }

    /// The body's members: of a JSON object or array, or of a form. An empty body has none.
    pub fn members(&self) -> Result<Vec<(String, Value)>, Unreadable> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Vec::new());
        }
        let value = match self.form() {
            Some(form) => form.to_json(),
            None => serde_json::from_slice(&self.body).map_err(|_| Unreadable)?,
        };
        match value {
            Value::Object(members) => Ok(members.into_iter().collect()),
            Value::Array(items) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(i, v)| (i.to_string(), v))
                .collect()),
            _ => Err(Unreadable),
        }
    }

    pub fn member_map(&self) -> Result<Map<String, Value>, Unreadable> {
        Ok(self.members()?.into_iter().collect())
    }
}

/// The named parts of a multipart form. A file is a part like any other: nothing here takes files.
fn multipart(body: &str, boundary: &str) -> Node {
    let mut root = Node::default();
    for part in body.split(&format!("--{boundary}")) {
        let Some((head, value)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let name = head
            .split_once(" name=\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        if let Some((name, _)) = name {
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            root.place_named(name, value.to_owned());
        }
    }
    root
}

/// A JSON value as a field is sent it.
pub(super) fn input(value: &Value) -> Input {
    match value {
        Value::Null => Input::Null,
        Value::Bool(value) => Input::Bool(*value),
        Value::Number(number) => number.as_f64().map_or(Input::Object, Input::Number),
        Value::String(text) => Input::Text(text.clone()),
        Value::Array(items) => Input::List(items.iter().map(input).collect()),
        Value::Object(_) => Input::Object,
    }
}

/// A scalar as text, as PHP would cast it.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    input(value).to_text()
}

/// A scalar as a whole number.
pub(super) fn scalar_number(value: &Value) -> Option<i64> {
    input(value).to_number().map(|number| number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_nest_as_in_php() {
        let node = Node::parse("where[0][expr]=orX&where[0][val][1][col]=id&select[]=a&select[]=b");
        let clause = node.at("where").unwrap().at("0").unwrap();
        assert_eq!(clause.text("expr"), Some("orX"));
        assert_eq!(
            clause.at("val").unwrap().at("1").unwrap().text("col"),
            Some("id")
        );
        assert_eq!(node.at("select").unwrap().texts(), ["a", "b"]);
    }

    #[test]
    fn gap_free_keys_make_a_list_and_others_an_object() {
        let list = vec![("0".to_owned(), Value::Null), ("1".to_owned(), Value::Null)];
        assert!(php_array(list).is_array());
        let gap = vec![("0".to_owned(), Value::Null), ("2".to_owned(), Value::Null)];
        assert!(php_array(gap).is_object());
    }

    #[test]
    fn a_scalar_body_is_unreadable_and_an_empty_one_is_not() {
        let mut request = Request::new("POST", "/api/contacts/new");
        assert_eq!(request.members(), Ok(Vec::new()));
        request.body = b"\"hello\"".to_vec();
        assert_eq!(request.members(), Err(Unreadable));
    }
}
