//! `keys`: what every key does, as it is in force.

use serde_json::json;

use crate::app::args::Keys;
use crate::app::commands::Place;
use crate::app::console;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::console::Language;
use crate::console::keymap::{ACTIONS, Context, Danger};

pub(super) fn perform(place: &Place, arguments: &Keys, out: &mut Out) -> Result<Status, AppError> {
    let keymap = console::keymap(&place.env, arguments.keymap.as_deref())?;
    let language = Language::new(console::tongue(&place.env));
    let mut rows = Vec::new();
    for context in Context::ALL {
        for entry in ACTIONS.iter().filter(|e| e.contexts.contains(&context)) {
            let keys = keymap.keys(context, entry.action);
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            rows.push((context, keys, entry));
        }
    }
    if out.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(context, keys, entry)| {
                json!({
                    "context": context.name(),
                    "keys": keys,
                    "action": entry.name,
                    "can_write": entry.danger == Danger::Writes,
                    "does": language.text(entry.description),
                })
            })
            .collect();
        out.json(&json!({ "keys": rows }))?;
        return Ok(Status::Done);
    }
    let mut shown = None;
    for (context, keys, entry) in rows {
        if shown != Some(context) {
            out.line(&format!("[{}]", context.name()))?;
            shown = Some(context);
        }
        let mark = match entry.danger {
            Danger::None => ' ',
            Danger::Writes => '!',
        };
        let (keys, name) = (keys.join(" | "), entry.name);
        let does = language.text(entry.description);
        out.line(&format!("{mark} {keys:<18} {name:<16} {does}"))?;
    }
    Ok(Status::Done)
}
