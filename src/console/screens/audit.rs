//! Who did what, and why? Every operator's act, newest first. It is only added to: nothing here can
//! be changed or taken away.

mod checked;
mod detail;

pub(in crate::console) use detail::Detail;

use super::{Notice, Scene, Screen, filtered, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::language::{Language, Tongue};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Acts, Answer, Older, Query, Ticket, Wanted};
use crate::console::slot::{Slot, Waiting};
use crate::console::words::{Words, moment};
use crate::domain::ids::RunId;
use crate::domain::mapping::Policy;
use crate::domain::record::Act;
use crate::domain::time::Timestamp;
use checked::Checked;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Acts>,
    filter: Filter,
    selection: Selection<RunId>,
    pub(in crate::console) open: Option<Detail>,
    checked: Option<Checked>,
}

/// The filter of this screen, for whoever goes through all acts with it.
pub struct ActFilter {
    filter: Filter,
    language: Language,
    policy: Policy,
}

impl ActFilter {
    pub fn new(typed: &str, tongue: Tongue) -> Self {
        Self {
            filter: Filter::new(typed),
            language: Language::new(tongue),
            policy: Policy::default(),
        }
    }

    /// Whether it keeps the act, whose first contact has that name now.
    pub fn keeps(&self, act: &Act, name: &str) -> bool {
        let words = Words {
            language: &self.language,
            policy: &self.policy,
            now: Timestamp::ZERO,
        };
        keeps(&self.filter, words, act, name)
    }
}

fn keeps(filter: &Filter, words: Words<'_>, act: &Act, name: &str) -> bool {
    filter.keeps(&[
        ("operator", act.operator.clone()),
        ("from", act.from.clone()),
        ("act", words.act(&act.act).to_owned()),
        ("object", format!("{} {name}", words.acted_on(act))),
        ("reason", act.reason.clone()),
    ])
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
            .filter(|act| keeps(&self.filter, words, act, self.name(act)))
            .collect()
    }

    /// What the first contact that the act was about is called now, if that is known.
    fn name(&self, act: &Act) -> &str {
        let names = self.slot.data.as_ref().map(|acts| &acts.names);
        let first = act.links.first();
        let name = names.and_then(|names| names.get(first?));
        name.map_or("", String::as_str)
    }

    /// `12: claire@orion.example`, or what it was done to if nobody has a name.
    fn whom(&self, words: Words<'_>, act: &Act) -> String {
        match (self.name(act), act.links.len()) {
            ("", _) => words.acted_on(act),
            (name, 0 | 1) => name.to_owned(),
            (name, count) => format!("{}: {name}", words.language.number(count as u64)),
        }
    }

    /// What an export is to hold.
    pub(in crate::console) fn wanted(&self, words: Words<'_>) -> Wanted {
        if self.filter.is_empty() {
            return Wanted::All;
        }
        Wanted::Filtered {
            typed: self.filter.typed().to_owned(),
            tongue: words.language.tongue,
        }
    }

    pub(in crate::console) fn has_older(&self) -> bool {
        let acts = self.slot.data.as_ref();
        acts.is_some_and(|acts| acts.older == Older::NotShown)
    }

    /// Asks whether anybody changed the audit, once more if it was asked before.
    pub(in crate::console) fn check(&mut self) {
        self.checked = Some(Checked::default());
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
                self.whom(words, act),
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

/// `2026-03-04 09:15 UTC · claire (ssh 192.0.2.7): resolved a conflict, link 1`.
fn summary(words: Words<'_>, act: &Act) -> String {
    let (what, object, at) = (words.act(&act.act), words.acted_on(act), moment(act.at));
    let by = if act.from.is_empty() {
        act.operator.clone()
    } else {
        format!("{} ({})", act.operator, act.from)
    };
    words.language.with(
        "act-summary",
        &[("at", &at), ("by", &by), ("act", what), ("object", &object)],
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
        Some(match (&self.checked, &self.open) {
            (Some(checked), _) => &checked.slot,
            (None, Some(open)) => &open.slot,
            (None, None) => &self.slot,
        })
    }

    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        if let Some(checked) = &mut self.checked {
            let is_wanted = checked.is_wanted();
            return is_wanted.then_some((&mut checked.slot, Query::CheckAudit));
        }
        Some(match &mut self.open {
            Some(open) => (&mut open.slot, Query::Act(Box::new(open.act.clone()))),
            None => (&mut self.slot, Query::Acts),
        })
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        let open = self.open.as_mut();
        let mut slots = super::places(&mut self.slot, open.map(|open| &mut open.slot as _));
        slots.extend(self.checked.as_mut().map(|checked| &mut checked.slot as _));
        slots
    }

    fn answered(
        &mut self,
        scene: Scene<'_>,
        ticket: Ticket,
        answer: Answer,
    ) -> Result<Notice, Answer> {
        let now = scene.words.now;
        if let (Answer::Checked(verdict), Some(checked)) = (&answer, &mut self.checked)
            && checked.slot.is_waiting_for(ticket)
        {
            let verdict = (**verdict).clone();
            if verdict.is_over {
                checked.slot.answer(verdict, now);
            } else {
                checked.slot.begin_answer(verdict, now);
            }
            checked.settle();
            return Ok(Notice::None);
        }
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
        if self.checked.is_some() {
            return Checked::title(scene.words);
        }
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
        if let Some(checked) = &self.checked {
            return checked.hints();
        }
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
        hints.push((Action::CheckAudit, "hint-check-audit"));
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        match (&self.checked, &self.open) {
            (Some(checked), _) => checked.paint(scene.words, canvas),
            (None, Some(open)) => open.paint(scene.words, canvas),
            (None, None) => self.paint_list(scene, canvas),
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys(scene.words);
        match (&mut self.checked, &mut self.open) {
            (Some(checked), _) => checked.step(step),
            (None, Some(open)) => open.step(step, body),
            (None, None) => self.selection.step(&keys, step, page_height(body)),
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() && self.checked.is_none() {
            let keys = self.keys(scene.words);
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none() && self.checked.is_none();
        is_list.then_some((&self.filter, "filter-hint-audit"))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene.words);
        self.selection.narrow(&keys);
    }

    fn back(&mut self) -> bool {
        if self.checked.take().is_some() {
            return true;
        }
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
