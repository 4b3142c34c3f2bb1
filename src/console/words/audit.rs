//! What a check of the audit found, put into words.

use super::{Words, moment};
use crate::console::language::Language;
use crate::domain::audit::{Entry, Finding, Verdict};
use crate::domain::mapping::Policy;
use crate::domain::time::Timestamp;

/// A verdict as text, for whoever has no screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenVerdict {
    pub summary: String,
    /// Each finding's name, what it is, and what to do.
    pub findings: Vec<(&'static str, String, String)>,
    /// Head, anchor, what is not covered.
    pub notes: Vec<String>,
}

/// Says a verdict in a language.
pub fn spoken_verdict(language: &Language, verdict: &Verdict) -> SpokenVerdict {
    let words = Words {
        language,
        policy: &Policy::default(),
        now: Timestamp::ZERO,
    };
    SpokenVerdict {
        summary: words.verdict(verdict),
        findings: verdict
            .findings
            .iter()
            .map(|finding| (finding.code(), words.found(finding), words.remedy(finding)))
            .collect(),
        notes: words.verdict_notes(verdict),
    }
}

impl Words<'_> {
    /// How it stands, in one sentence.
    pub(in crate::console) fn verdict(&self, verdict: &Verdict) -> String {
        let say = self.language;
        let found = verdict.findings.len() as u64 + verdict.more;
        let key = match (verdict.is_over, found) {
            (true, 0) => "audit-whole",
            (false, 0) => "audit-checking",
            (true, _) => "audit-found",
            (false, _) => "audit-found-so-far",
        };
        let (entries, seals) = (say.number(verdict.entries), say.number(verdict.seals));
        let gaps = [
            ("entries", entries.as_str()),
            ("seals", &seals),
            ("n", &say.number(found)),
        ];
        say.with(key, &gaps)
    }

    pub(in crate::console) fn verdict_notes(&self, verdict: &Verdict) -> Vec<String> {
        let say = self.language;
        let mut notes = Vec::new();
        if verdict.more > 0 {
            notes.push(say.count("audit-more", verdict.more));
        }
        notes.extend(verdict.accepted.iter().map(|accepted| {
            let (at, what) = (moment(accepted.at), self.found(&accepted.finding));
            let gaps = [
                ("who", accepted.by.as_str()),
                ("at", &at),
                ("why", &accepted.why),
                ("what", &what),
            ];
            say.with("audit-accepted", &gaps)
        }));
        if let Some(head) = verdict.head {
            let (sequence, at) = (say.number(head.sequence), moment(head.at));
            let mac = head.mac.short();
            let gaps = [("n", sequence.as_str()), ("at", &at), ("mac", &mac)];
            notes.push(say.with("audit-head", &gaps));
        }
        if !verdict.anchor.is_empty() {
            notes.push(say.with("audit-anchor", &[("path", &verdict.anchor)]));
        }
        if verdict.unsealed > 0 {
            notes.push(say.count("audit-unsealed", verdict.unsealed));
        }
        notes
    }

    pub(in crate::console) fn found(&self, finding: &Finding) -> String {
        let say = self.language;
        let key = said(finding);
        let with = |gaps: &[(&str, &str)]| say.with(key, gaps);
        let n = |number: &u64| say.number(*number);
        match finding {
            Finding::Edited(entry)
            | Finding::Missing(entry)
            | Finding::Added(entry)
            | Finding::Swapped(entry) => with(&[("entry", &self.entry(*entry))]),
            Finding::SealEdited(number)
            | Finding::SealSwapped(number)
            | Finding::AnchorDiffers(number)
            | Finding::AnchorEdited(number) => with(&[("n", &n(number))]),
            Finding::SealsMissing(first, last) => with(&[("first", &n(first)), ("last", &n(last))]),
            Finding::TailCut { head, anchored } => {
                with(&[("head", &n(head)), ("anchored", &n(anchored))])
            }
            Finding::AnchorMissing { path, head } => with(&[("path", path), ("head", &n(head))]),
            Finding::KeyMissing { path, first, last } => {
                with(&[("path", path), ("first", &n(first)), ("last", &n(last))])
            }
            Finding::Restored {
                head,
                until,
                anchored,
            } => with(&[
                ("head", &n(head)),
                ("until", &moment(*until)),
                ("anchored", &n(anchored)),
            ]),
        }
    }

    pub(in crate::console) fn remedy(&self, finding: &Finding) -> String {
        let key = match finding {
            Finding::Edited(_) | Finding::Missing(_) | Finding::Added(_) | Finding::Swapped(_) => {
                "remedy-entry"
            }
            Finding::SealEdited(_)
            | Finding::SealsMissing(..)
            | Finding::SealSwapped(_)
            | Finding::TailCut { .. }
            | Finding::AnchorDiffers(_) => "remedy-chain",
            Finding::AnchorEdited(_) | Finding::AnchorMissing { .. } => "remedy-anchor",
            Finding::KeyMissing { .. } => "remedy-key",
            Finding::Restored { .. } => "remedy-restored",
        };
        self.language.text(key).to_owned()
    }

    fn entry(&self, entry: Entry) -> String {
        let (key, gap, number) = match entry {
            Entry::Act(run) => ("entry-act", "run", run.0),
            Entry::History(link, ..) => ("entry-history", "link", link.0),
            Entry::Sent(link) => ("entry-sent", "link", link.0),
        };
        self.language.with(key, &[(gap, &number.to_string())])
    }
}

const fn said(finding: &Finding) -> &'static str {
    match finding {
        Finding::Edited(_) => "finding-edited",
        Finding::Missing(_) => "finding-missing",
        Finding::Added(_) => "finding-added",
        Finding::Swapped(_) => "finding-out-of-order",
        Finding::SealEdited(_) => "finding-seal-edited",
        Finding::SealsMissing(..) => "finding-seals-missing",
        Finding::SealSwapped(_) => "finding-seal-out-of-order",
        Finding::TailCut { .. } => "finding-tail-cut",
        Finding::AnchorDiffers(_) => "finding-anchor-differs",
        Finding::AnchorEdited(_) => "finding-anchor-edited",
        Finding::AnchorMissing { .. } => "finding-anchor-missing",
        Finding::KeyMissing { .. } => "finding-key-missing",
        Finding::Restored { .. } => "finding-restored",
    }
}
