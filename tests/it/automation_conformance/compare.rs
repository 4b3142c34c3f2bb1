//! Compares a recorded answer with one from the simulator.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Members, types and values.
    Values,
    /// Members and types; a collection is compared by its first member.
    Shapes,
}

#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub status: u16,
    /// Names of the headers that matter.
    pub headers: Vec<String>,
    pub body: Value,
}

/// Members whose values are the recording machine's own.
const OWN: [&str; 13] = [
    "access_token",
    "refresh_token",
    "dateAdded",
    "dateModified",
    "dateIdentified",
    "lastLogin",
    "lastActive",
    "date_added",
    "date_modified",
    "date_associated",
    "timestamp",
    "details",
    "order",
];

/// What differs, one line each. `is_partial`: the recording was cut down, so members may be more.
pub(super) fn differences(
    recorded: &Sample,
    seen: &Sample,
    how: Strictness,
    is_partial: bool,
) -> Vec<String> {
    let mut out = Vec::new();
    if recorded.status != seen.status {
        out.push(format!(
            "status: {} recorded, {} answered",
            recorded.status, seen.status
        ));
    }
    for name in &recorded.headers {
        if !seen.headers.contains(name) {
            out.push(format!("header {name}: missing"));
        }
    }
    for name in &seen.headers {
        if !recorded.headers.contains(name) {
            out.push(format!("header {name}: not in the recording"));
        }
    }
    let mut walk = Walk {
        how,
        is_partial,
        out,
    };
    walk.compare("", &recorded.body, &seen.body);
    walk.out
}

struct Walk {
    how: Strictness,
    is_partial: bool,
    out: Vec<String>,
}

impl Walk {
    fn compare(&mut self, path: &str, recorded: &Value, seen: &Value) {
        let (was, is) = (kind(recorded), kind(seen));
        let loose_null = self.how == Strictness::Shapes && (recorded.is_null() || seen.is_null());
        if was != is {
            if !loose_null {
                self.out
                    .push(format!("{path}: {was} recorded, {is} answered"));
            }
            return;
        }
        match (recorded, seen) {
            (Value::Object(recorded), Value::Object(seen)) => self.members(path, recorded, seen),
            (Value::Array(recorded), Value::Array(seen)) => self.items(path, recorded, seen),
            _ if self.how == Strictness::Values && !is_own(path) && recorded != seen => {
                self.out
                    .push(format!("{path}: {recorded} recorded, {seen} answered"));
            }
            _ => {}
        }
    }

    fn members(
        &mut self,
        path: &str,
        recorded: &serde_json::Map<String, Value>,
        seen: &serde_json::Map<String, Value>,
    ) {
        let is_collection = recorded.keys().next().is_some_and(|key| is_number(key));
        if is_collection && (self.how == Strictness::Shapes || self.is_partial) {
            let pairs = recorded.values().zip(seen.values());
            for (index, (recorded, seen)) in pairs.enumerate().take(1) {
                self.compare(&join(path, &index.to_string()), recorded, seen);
            }
            return;
        }
        for (key, value) in recorded {
            match seen.get(key) {
                Some(seen) => self.compare(&join(path, key), value, seen),
                None => self.out.push(format!("{}: missing", join(path, key))),
            }
        }
        for key in seen
            .keys()
            .filter(|key| !self.is_partial && !recorded.contains_key(*key))
        {
            self.out
                .push(format!("{}: not in the recording", join(path, key)));
        }
    }

    fn items(&mut self, path: &str, recorded: &[Value], seen: &[Value]) {
        let is_loose = self.how == Strictness::Shapes || self.is_partial;
        if !is_loose && recorded.len() != seen.len() {
            self.out.push(format!(
                "{path}: {} items recorded, {} answered",
                recorded.len(),
                seen.len()
            ));
        }
        if path == "events" {
            return self.events(recorded, seen);
        }
        let count = if self.how == Strictness::Shapes {
            1
        } else {
            usize::MAX
        };
        for (index, (recorded, seen)) in recorded.iter().zip(seen).enumerate().take(count) {
            self.compare(&join(path, &index.to_string()), recorded, seen);
        }
    }

    /// Events are paired by type and by the kind of their label.
    fn events(&mut self, recorded: &[Value], seen: &[Value]) {
        for event in recorded {
            let name = event["event"].as_str().unwrap_or_default();
            let like = |other: &&Value| {
                other["event"] == event["event"]
                    && kind(&other["eventLabel"]) == kind(&event["eventLabel"])
                    && other["eventLabel"].get("isExternal").is_some()
                        == event["eventLabel"].get("isExternal").is_some()
            };
            if let Some(other) = seen.iter().find(like) {
                self.compare(&join("events", name), event, other);
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => "decimal",
        Value::Number(_) => "whole number",
        Value::String(text) if is_iso(text) => "date with zone",
        Value::String(text) if is_sql(text) => "date without zone",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn is_iso(text: &str) -> bool {
    text.len() == 25 && text.as_bytes()[10] == b'T' && text.as_bytes()[22] == b':'
}

fn is_sql(text: &str) -> bool {
    text.len() == 19 && text.as_bytes()[10] == b' ' && text.as_bytes()[13] == b':'
}

fn is_own(path: &str) -> bool {
    // Row ids count what happened before.
    let parts: Vec<&str> = path.split('.').collect();
    if let [.., list, _, "id"] = parts[..]
        && ["tags", "doNotContact", "stats"].contains(&list)
    {
        return true;
    }
    OWN.iter()
        .any(|own| path.split('.').any(|part| part == *own))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
