//! What checks found, put into words.

use super::{Words, moment};
use crate::console::language::Language;
use crate::domain::doctor::{Finding, Message, Seen, Severity, Told};
use crate::domain::mapping::Policy;
use crate::domain::time::Timestamp;

/// Names in one sentence; the rest is counted.
const NAMES_MAX: usize = 8;

/// A finding as text, for whoever has no screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    pub name: String,
    pub evidence: String,
    pub why: String,
    pub path: String,
}

/// Says a finding in a language.
pub fn spoken(language: &Language, policy: &Policy, now: Timestamp, finding: &Finding) -> Spoken {
    let words = Words {
        language,
        policy,
        now,
    };
    let text = |key| language.text(key).to_owned();
    Spoken {
        name: text(finding.check.name),
        evidence: words.seen(&finding.seen),
        why: text(finding.check.why),
        path: text(finding.check.path),
    }
}

impl Words<'_> {
    pub(in crate::console) fn severity(&self, severity: Severity) -> &str {
        self.language.text(match severity {
            Severity::Fault => "severity-fault",
            Severity::Warning => "severity-warning",
            Severity::Unknown => "severity-unknown",
            Severity::Note => "severity-note",
            Severity::Ok => "severity-ok",
        })
    }

    /// The evidence, in one sentence.
    pub(in crate::console) fn seen(&self, seen: &Seen) -> String {
        self.filled(&seen.says, &seen.gaps)
    }

    /// A message with its values in it.
    pub(in crate::console) fn filled(&self, says: &str, gaps: &[(Message, Told)]) -> String {
        let gaps: Vec<(&str, String)> = gaps
            .iter()
            .map(|(name, told)| (&**name, self.told(told)))
            .collect();
        let gaps: Vec<(&str, &str)> = gaps
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        self.language.with(says, &gaps)
    }

    fn told(&self, told: &Told) -> String {
        let say = self.language;
        match told {
            Told::Text(text) => text.clone(),
            Told::Names(names) => {
                let shown = names.iter().take(NAMES_MAX).map(String::as_str);
                let shown = shown.collect::<Vec<_>>().join(", ");
                match names.len().saturating_sub(NAMES_MAX) {
                    0 => shown,
                    more => format!("{shown}, {}", say.count("names-more", more as u64)),
                }
            }
            Told::Number(number) => say.number(*number),
            Told::Bytes(bytes) => self.bytes(*bytes),
            Told::At(at) => format!("{} ({})", moment(*at), self.relative(*at)),
            Told::Time(span) => self.span(*span),
            Told::Side(side) => side.to_string(),
            Told::Queues(queues) => {
                let names: Vec<&str> = queues.iter().map(|queue| self.queue(*queue)).collect();
                names.join(", ")
            }
            Told::Objects(objects) => {
                let names: Vec<&str> = objects.iter().map(|o| self.object(*o)).collect();
                names.join(", ")
            }
            Told::Type(value_type) => self.value_type(*value_type).to_owned(),
            Told::Message(key) => say.text(key).to_owned(),
        }
    }

    fn bytes(&self, bytes: u64) -> String {
        let say = self.language;
        if bytes >= 10_000_000_000 {
            let n = say.number(bytes / 1_000_000_000);
            return say.with("bytes-gigas", &[("n", &n)]);
        }
        let n = say.number(bytes.div_ceil(1_000_000));
        say.with("bytes-megas", &[("n", &n)])
    }
}
