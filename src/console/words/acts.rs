//! Operators' acts, said to a person. An act of a name that is not known here is shown as it is.

use super::Words;
use crate::domain::record::Act;

impl Words<'_> {
    /// What was done.
    pub(in crate::console) fn act(&self, act: &Act) -> String {
        let key = match act.act.as_str() {
            "resolve" => "act-resolve",
            "retry" => "act-retry",
            "retry activities" => "act-retry-activities",
            "undo" => "act-undo",
            "backfill" => "act-backfill",
            unknown => return unknown.to_owned(),
        };
        self.language.text(key).to_owned()
    }

    /// What it was done to.
    pub(in crate::console) fn acted_on(&self, act: &Act) -> String {
        let say = self.language;
        let object = act.object.as_str();
        let counted = |key| {
            let count: Option<u64> = object.parse().ok();
            count.map(|count| say.count(key, count))
        };
        let said = match act.act.as_str() {
            "resolve" => Some(say.with("object-link", &[("link", object)])),
            "undo" => Some(say.with("object-run", &[("run", object)])),
            "retry" => counted("object-contacts"),
            "retry activities" => counted("object-activities"),
            _ => None,
        };
        said.unwrap_or_else(|| object.to_owned())
    }
}
