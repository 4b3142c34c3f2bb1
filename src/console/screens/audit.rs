//! Who did what, and why? Every operator's act, newest first. It is only added to: nothing here can
//! be changed or taken away.

mod detail;

pub(in crate::console) use detail::Detail;

use super::{Notice, Scene, Screen, filtered, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Acts, Answer, Older, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::{Words, moment};
use crate::domain::ids::RunId;
use crate::domain::record::Act;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Acts>,
    filter: Filter,
    selection: Selection<RunId>,
    pub(in crate::console) open: Option<Detail>,
}

/// Where the columns begin: when, who, what, to what, why.
const fn columns(width: u16) -> [u16; 5] {
    if width < 100 {
        [
            1,
            15,
            15 + width * 3 / 20,
            15 + width * 39 / 100,
            15 + width * 23 / 40,
        ]
    } else {
        [1, 17, 33, 61, 85]
    }
}

impl Model {
    /// What the filter shows.
    pub(in crate::console) fn rows(&self, words: Words<'_>) -> Vec<&Act> {
        let rows = self.slot.data.as_ref().map_or(&[][..], |acts| &acts.rows);
        rows.iter()
            .filter(|act| {
                self.filter.keeps(&[
                    ("operator", act.operator.clone()),
                    ("act", words.act(&act.act).to_owned()),
                    ("object", words.acted_on(act)),
                    ("reason", act.reason.clone()),
                ])
            })
            .collect()
    }

    pub(in crate::console) fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    fn keys(&self, words: Words<'_>) -> Vec<RunId> {
        self.rows(words).into_iter().map(|act| act.run).collect()
    }

    fn settle(&mut self, words: Words<'_>) -> bool {
        let keys = self.keys(words);
        self.selection.settle(&keys)
    }

    pub(in crate::console) fn chosen(&self, words: Words<'_>) -> Option<&Act> {
        let run = self.selection.key()?;
        self.rows(words).into_iter().find(|act| act.run == run)
    }

    fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let rows = self.rows(words);
        if rows.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "audit-empty");
            return;
        }
        let width = canvas.width();
        let at = columns(width);
        let room = |index: usize| {
            let end = at.get(index + 1).copied().unwrap_or(width);
            end.saturating_sub(at[index] + 1)
        };
        let titles = [
            "column-when",
            "column-operator",
            "column-act",
            "column-object",
            "column-reason",
        ];
        for (index, title) in titles.into_iter().enumerate() {
            canvas.within(
                at[index],
                0,
                room(index),
                words.language.text(title),
                theme.muted(),
            );
        }
        let height = page_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, act) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            let texts = [
                words.relative(act.at),
                act.operator.clone(),
                words.act(&act.act).to_owned(),
                words.acted_on(act),
                act.reason.clone(),
            ];
            for (index, text) in texts.iter().enumerate() {
                let style = if index == 0 {
                    theme.muted()
                } else {
                    theme.plain()
                };
                canvas.within(at[index], y, room(index), text, style);
            }
            if self.selection.key() == Some(act.run) {
                canvas.line_style(y, theme.selected());
            }
        }
        if let Some(act) = self.chosen(words) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            canvas.text(1, y + 1, &summary(words, act), theme.plain());
            let reason = [("reason", act.reason.as_str())];
            let reason = words.language.with("undo-reason", &reason);
            canvas.text(1, y + 2, &reason, theme.muted());
        }
    }
}

/// `2026-03-04 09:15 UTC · claire: resolved a conflict, link 1`.
fn summary(words: Words<'_>, act: &Act) -> String {
    let (what, object, at) = (words.act(&act.act), words.acted_on(act), moment(act.at));
    words.language.with(
        "act-summary",
        &[
            ("at", &at),
            ("by", &act.operator),
            ("act", what),
            ("object", &object),
        ],
    )
}

impl Screen for Model {
    fn context(&self) -> Context {
        match self.open {
            Some(_) => Context::Act,
            None => Context::Audit,
        }
    }

    fn slot<'a>(&'a self, _scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(match &self.open {
            Some(open) => &open.slot,
            None => &self.slot,
        })
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        Some(match &mut self.open {
            Some(open) => (&mut open.slot, Query::Act(Box::new(open.act.clone()))),
            None => (&mut self.slot, Query::Acts),
        })
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let open = self.open.as_mut();
        super::places(&mut self.slot, open.map(|open| &mut open.slot as _))
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        match (answer, &mut self.open) {
            (Answer::Acts(acts), _) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(acts, now);
                let is_gone = self.settle(scene.words) && self.open.is_none();
                Ok(Notice::of(is_gone))
            }
            (Answer::Act(act), Some(open)) if open.slot.is_waiting_for(ticket) => {
                open.slot.answer(*act, now);
                open.settle();
                Ok(Notice::None)
            }
            (answer, _) => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        if let Some(open) = &self.open {
            return open.title(scene.words);
        }
        let rows = self.rows(scene.words).len() as u64;
        let title = scene.say().count("title-audit", rows);
        let title = filtered(scene, title, &self.filter, 0);
        match self.slot.data.as_ref().map(|acts| acts.older) {
            Some(Older::NotShown) => format!("{title} · {}", scene.say().text("older-not-shown")),
            Some(Older::Nothing) | None => title,
        }
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        if let Some(open) = &self.open {
            return open.hints();
        }
        let mut hints = vec![(Action::Filter, "hint-filter")];
        if self.chosen(scene.words).is_some() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
        if !self.rows(scene.words).is_empty() {
            hints.push((Action::ExportCsv, "hint-csv"));
            hints.push((Action::ExportJson, "hint-json"));
        }
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match &self.open {
            Some(open) => open.paint(scene.words, canvas),
            None => self.paint_list(scene, canvas),
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys(scene.words);
        match &mut self.open {
            Some(open) => open.step(step, body),
            None => self.selection.step(&keys, step, page_height(body)),
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys(scene.words);
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none();
        is_list.then_some((&self.filter, "filter-hint-audit"))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene.words);
        self.selection.narrow(&keys);
    }

    fn back(&mut self) -> bool {
        let was_open = self.open.take().is_some();
        if was_open {
            self.slot.renew();
        }
        was_open
    }

    /// How long ago each act was.
    fn is_timed(&self, _scene: Scene<'_>) -> bool {
        let rows = self.slot.data.as_ref().map_or(0, |acts| acts.rows.len());
        self.open.is_some() || rows > 0
    }
}
