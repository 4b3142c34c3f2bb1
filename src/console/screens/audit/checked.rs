//! Whether anybody changed the audit: how far the check is, and what it found.

use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::list::{Selection, Step};
use crate::console::slot::{Slot, Waiting as _};
use crate::console::words::Words;
use crate::domain::audit::Verdict;

/// Lines of what is not a finding: the head, the anchor, what is not covered.
const NOTE_LINES: u16 = 2;

#[derive(Debug, Default)]
pub(in crate::console) struct Checked {
    pub(super) slot: Slot<Verdict>,
    selection: Selection<usize>,
}

impl Checked {
    /// Asked once; another key asks again. What the sync does meanwhile is no reason to.
    pub(super) fn is_wanted(&self) -> bool {
        self.slot.data.is_none() && self.slot.error().is_none()
    }

    fn keys(&self) -> Vec<usize> {
        let findings = self
            .slot
            .data
            .as_ref()
            .map_or(0, |told| told.findings.len());
        (0..findings).collect()
    }

    pub(super) fn settle(&mut self) {
        let keys = self.keys();
        self.selection.settle(&keys);
    }

    pub(super) fn step(&mut self, step: Step) {
        let keys = self.keys();
        self.selection.step(&keys, step, 1);
    }

    pub(super) fn title(words: Words<'_>) -> String {
        words.language.text("title-audit-check").to_owned()
    }

    pub(super) fn hints(&self) -> Vec<(Action, &'static str)> {
        let mut hints = vec![(Action::CheckAudit, "hint-check-again")];
        if self.keys().len() > 1 {
            hints.push((Action::Down, "hint-move"));
        }
        hints
    }

    /// The sentence, the findings from the one pointed at on, and what else there is to know.
    pub(super) fn paint(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        if let Some(error) = self.slot.error() {
            let gaps = [("error", error)];
            let text = words.language.with("audit-check-failed", &gaps);
            canvas.paragraph(1, 0, 4, &text, theme.person());
            return;
        }
        let Some(verdict) = &self.slot.data else {
            canvas.text(1, 0, words.language.text("loading"), theme.muted());
            return;
        };
        let style = if verdict.findings.is_empty() {
            theme.strong()
        } else {
            theme.person()
        };
        let mut y = canvas.paragraph(1, 0, 2, &words.verdict(verdict), style);
        for note in words.verdict_notes(verdict) {
            y += canvas.paragraph(1, y, NOTE_LINES, &note, theme.muted());
        }
        y += 1;
        let from = self.selection.index();
        for finding in verdict.findings.iter().skip(from) {
            if y + 1 >= canvas.height() {
                break;
            }
            y += canvas.paragraph(1, y, 2, &words.found(finding), theme.person());
            y += canvas.paragraph(3, y, 2, &words.remedy(finding), theme.plain());
        }
    }
}
