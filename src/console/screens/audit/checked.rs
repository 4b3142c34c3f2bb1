//! Whether anybody changed the audit: how far the check is, and what it found.

use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::{Selection, Step};
use crate::console::query::{Acts, Answer, Query};
use crate::console::screens::listing::Opened;
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::audit::Verdict;

/// Lines of what is not a finding: the head, the anchor, what is not covered.
const NOTE_LINES: u16 = 2;

#[derive(Debug, Default)]
pub(in crate::console) struct Checked {
    slot: Slot<Verdict>,
    selection: Selection<usize>,
}

impl Checked {
    /// Asked once; another key asks again. What the sync does meanwhile is no reason to.
    fn is_wanted(&self) -> bool {
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

    /// The sentence, the findings from the one pointed at on, and what else there is to know.
    fn paint_whole(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
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

impl Opened<Acts> for Checked {
    fn slot(&self) -> Option<&dyn Waiting> {
        Some(&self.slot)
    }

    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        Some(&mut self.slot)
    }

    fn query(&self) -> Option<Query> {
        self.is_wanted().then_some(Query::CheckAudit)
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let Answer::Checked(verdict) = answer else {
            return Err(answer);
        };
        if verdict.is_over {
            self.slot.answer(*verdict, scene.words.now);
        } else {
            self.slot.begin_answer(*verdict, scene.words.now);
        }
        let keys = self.keys();
        self.selection.settle(&keys);
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, _data: Option<&Acts>) -> String {
        scene.say().text("title-audit-check").to_owned()
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![(Action::CheckAudit, "hint-check-again")];
        if self.keys().len() > 1 {
            hints.push((Action::Down, "hint-move"));
        }
        hints
    }

    fn paint(&self, scene: Scene<'_>, _data: Option<&Acts>, canvas: &mut Canvas<'_>) {
        self.paint_whole(scene.words, canvas);
    }

    fn read(&self, scene: Scene<'_>, _data: Option<&Acts>) -> Reading {
        let words = scene.words;
        if let Some(error) = self.slot.error() {
            let gaps = [("error", error)];
            return Reading::of([words.language.with("audit-check-failed", &gaps)]);
        }
        let Some(verdict) = &self.slot.data else {
            return Reading::of([words.language.text("loading").to_owned()]);
        };
        let mut lines = vec![words.verdict(verdict)];
        lines.extend(words.verdict_notes(verdict));
        for finding in &verdict.findings {
            lines.push(words.found(finding));
            lines.push(words.remedy(finding));
        }
        Reading::of(lines)
    }

    fn step(&mut self, _scene: Scene<'_>, _data: Option<&Acts>, step: Step, _body: u16) {
        let keys = self.keys();
        self.selection.step(&keys, step, 1);
    }
}
