//! One act: who, when, why, and everything it decided, before and after, in both systems.

use super::summary;
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::{ReadRow, Reading};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Acts, Answer, Query, UndoPreview};
use crate::console::screens::listing::{Opened, written};
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::Words;
use crate::domain::ids::{FieldId, Kind, LinkId, Side};
use crate::domain::record::{Act, UndoStep};

/// Lines above what was decided: what, why, a blank one, the heading.
const HEAD: u16 = 5;

/// Lines of one decision: whom and which field, then each side.
const ITEM: u16 = 3;

/// One thing that the act touched: a contact, and the field if one was decided.
type Key = (LinkId, Option<FieldId>);

#[derive(Debug)]
pub(in crate::console) struct Detail {
    /// As it was opened: an act never changes.
    pub(in crate::console) act: Act,
    pub(in crate::console) slot: Slot<UndoPreview>,
    selection: Selection<Key>,
}

impl Detail {
    pub(in crate::console) fn new(act: Act) -> Self {
        Self {
            act,
            slot: Slot::default(),
            selection: Selection::default(),
        }
    }

    /// Fields decided first, then contacts of which no field was.
    fn keys(&self) -> Vec<Key> {
        let steps = self.act.undo.iter();
        let decided = steps.map(|step| (step.link, Some(step.before.field)));
        let mut keys: Vec<Key> = decided.collect();
        let touched = self.slot.data.as_ref().map_or(&[][..], |act| &act.links);
        for (link, _) in touched {
            if keys.iter().all(|(known, _)| *known != link.id) {
                keys.push((link.id, None));
            }
        }
        keys
    }

    fn settle(&mut self) {
        let keys = self.keys();
        self.selection.settle(&keys);
    }

    /// The contact that is pointed at.
    pub(in crate::console) fn contact(&self) -> Option<LinkId> {
        self.selection.key().map(|(link, _)| link)
    }

    fn titled(&self, words: Words<'_>) -> String {
        let run = self.act.run.to_string();
        let act = words.act(&self.act.act);
        let gaps = [("act", act), ("run", run.as_str())];
        words.language.with("title-act", &gaps)
    }

    fn offered(&self) -> Vec<(Action, &'static str)> {
        let mut hints = vec![
            (Action::ExportCsv, "hint-csv"),
            (Action::ExportJson, "hint-json"),
        ];
        if self.contact().is_some() {
            hints.insert(0, (Action::Open, "hint-contact"));
        }
        if self.keys().len() > 1 {
            hints.insert(1, (Action::Down, "hint-move"));
        }
        hints
    }

    fn step_to(&mut self, step: Step, body: u16) {
        let keys = self.keys();
        self.selection.step(&keys, step, items_on_page(body));
    }

    fn paint_whole(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let mut y = canvas.paragraph(1, 0, 2, &summary(words, &self.act), theme.strong());
        y += canvas.paragraph(1, y, 2, &self.reason(words), theme.plain());
        let keys = self.keys();
        let heading = self.heading(words, &keys);
        canvas.text(1, y.max(HEAD - 1), &heading, theme.muted());
        let count = items_on_page(canvas.height());
        let top = page_top(self.selection.index(), count);
        for (index, key) in keys.iter().enumerate().skip(top).take(count) {
            let y = HEAD + (index - top) as u16 * ITEM;
            self.paint_item(words, *key, index, canvas, y);
        }
        let hidden = keys.len().saturating_sub(count);
        if hidden > 0 {
            let page = format!(
                "{}–{} / {}",
                top + 1,
                (top + count).min(keys.len()),
                keys.len()
            );
            canvas.right(y.max(HEAD - 1), &page, theme.muted());
        }
    }

    fn reason(&self, words: Words<'_>) -> String {
        let when = words.relative(self.act.at);
        let gaps = [("reason", self.act.reason.as_str())];
        format!("{when} · {}", words.language.with("undo-reason", &gaps))
    }

    fn heading(&self, words: Words<'_>, keys: &[Key]) -> String {
        let say = words.language;
        let heading = match (&self.slot.data, keys.is_empty()) {
            (None, true) => "loading",
            (Some(_), true) => "act-touched-nobody",
            (_, false) if self.act.undo.is_empty() => "act-touched",
            (_, false) => "act-decided",
        };
        let mut heading = say.text(heading).to_owned();
        let named = self.slot.data.as_ref().map_or(0, |act| act.links.len());
        let unnamed = self.act.links.len().saturating_sub(named) as u64;
        if named > 0 && unnamed > 0 {
            heading = format!("{heading} · {}", say.count("act-unnamed", unnamed));
        }
        heading
    }

    /// Whom it is about, and which field.
    fn item_title(&self, words: Words<'_>, (id, field): Key) -> String {
        let touched = self.slot.data.as_ref().map_or(&[][..], |act| &act.links);
        let found = touched.iter().find(|(link, _)| link.id == id);
        let kind = found.map_or(Kind::Person, |(link, _)| link.kind);
        let name = match found {
            Some((_, name)) if !name.is_empty() => name.as_str(),
            _ => words.language.text("no-address"),
        };
        let title = words.titled(name, id);
        match field {
            Some(field) => format!("{title} · {}", words.field(kind, field)),
            None => title,
        }
    }

    fn paint_item(
        &self,
        words: Words<'_>,
        key: Key,
        index: usize,
        canvas: &mut Canvas<'_>,
        y: u16,
    ) {
        let theme = canvas.theme;
        let title = self.item_title(words, key);
        canvas.text(1, y, &title, theme.strong());
        if let Some(step) = self.act.undo.get(index) {
            for (line, side) in (1..).zip(Side::BOTH) {
                canvas.text(3, y + line, &moved(words, step, side), theme.plain());
            }
        }
        if self.selection.key() == Some(key) {
            canvas.line_style(y, theme.selected());
        }
    }
}

impl Opened<Acts> for Detail {
    fn slot(&self) -> Option<&dyn Waiting> {
        Some(&self.slot)
    }

    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        Some(&mut self.slot)
    }

    fn query(&self) -> Option<Query> {
        Some(Query::Act(Box::new(self.act.clone())))
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let Answer::Act(answer) = answer else {
            return Err(answer);
        };
        self.slot.answer(*answer, scene.words.now);
        self.settle();
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, _: Option<&Acts>) -> String {
        self.titled(scene.words)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, _: Option<&Acts>, canvas: &mut Canvas<'_>) {
        self.paint_whole(scene.words, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&Acts>) -> Reading {
        let words = scene.words;
        let keys = self.keys();
        let chosen = self.selection.key();
        let rows = keys.iter().enumerate().map(|(index, key)| {
            let step = self.act.undo.get(index);
            let moved = step.map(|step| Side::BOTH.map(|side| moved(words, step, side)));
            let told = moved.into_iter().flatten();
            let texts = std::iter::once(self.item_title(words, *key)).chain(told);
            ReadRow {
                key: written(key),
                text: texts
                    .collect::<Vec<_>>()
                    .join(words.language.text("separator")),
            }
        });
        Reading {
            head: vec![
                summary(words, &self.act),
                self.reason(words),
                self.heading(words, &keys),
            ],
            chosen: keys.iter().position(|key| Some(*key) == chosen),
            rows: rows.collect(),
            ..Reading::default()
        }
    }

    fn choose(&mut self, key: &str) -> bool {
        let keys = self.keys();
        let found = keys.iter().position(|known| written(known) == key);
        if let Some(index) = found {
            self.selection.choose(&keys, index);
        }
        found.is_some()
    }

    fn step(&mut self, _: Scene<'_>, _: Option<&Acts>, step: Step, body: u16) {
        self.step_to(step, body);
    }
}

fn items_on_page(height: u16) -> usize {
    usize::from((height.saturating_sub(HEAD) / ITEM).max(1))
}

/// `Salesforce: “0600” → “0601”`.
fn moved(words: Words<'_>, step: &UndoStep, side: Side) -> String {
    let after = match side {
        Side::Salesforce => &step.after.salesforce,
        Side::Automation => &step.after.automation,
    };
    let (before, after) = (words.value(step.before.on(side)), words.value(Some(after)));
    if before == after {
        let gaps = [("side", &*side.to_string()), ("value", &after)];
        return words.language.with("act-unmoved", &gaps);
    }
    words.language.with(
        "act-moved",
        &[
            ("side", &side.to_string()),
            ("before", &before),
            ("after", &after),
        ],
    )
}
