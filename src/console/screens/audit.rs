//! Who did what, and why? Every operator's act, newest first. It is only added to: nothing here can
//! be changed or taken away.

mod detail;

pub(in crate::console) use detail::Detail;

use super::listing::{Cell, List, Listed, Topic};
use super::{Scene, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Rank, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Acts, Answer, Older, Query};
use crate::console::words::{Words, moment};
use crate::domain::ids::RunId;
use crate::domain::record::Act;

pub(in crate::console) type Model = List<Audit>;

/// Acts of operators.
#[derive(Debug, Default)]
pub(in crate::console) struct Audit;

const TABLE: Table = Table {
    columns: &[
        column("when", "column-when", 13, 15).downwards(),
        column("operator", "column-operator", 8, 15),
        column("act", "column-act", 13, 27).identifies(),
        column("object", "column-object", 10, 23),
        column("reason", "column-reason", 11, 34),
    ],
    // The latest first.
    sorted_by: Some(0),
    left: 1,
};

impl Listed for Act {
    type Key = RunId;

    fn key(&self) -> RunId {
        self.run
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("operator", self.operator.clone()),
            ("act", words.act(&self.act).to_owned()),
            ("object", words.acted_on(self)),
            ("reason", self.reason.clone()),
        ]
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        vec![
            (Tone::Muted, words.relative(self.at)),
            (Tone::Plain, self.operator.clone()),
            (Tone::Plain, words.act(&self.act).to_owned()),
            (Tone::Plain, words.acted_on(self)),
            (Tone::Plain, self.reason.clone()),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            0 => Rank::Number(self.at.0),
            _ => self.text_rank(words, column),
        }
    }
}

impl Model {
    pub(in crate::console) fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
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

impl Topic for Audit {
    type Data = Acts;
    type Key = RunId;
    type Row<'a> = &'a Act;
    type Open = Detail;

    const CONTEXTS: [Context; 2] = [Context::Audit, Context::Act];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-audit");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<&'a Act> {
        let rows = list.slot.data.as_ref().map_or(&[][..], |acts| &acts.rows);
        let rows = rows.iter();
        rows.filter(|act| list.is_kept(scene.words, act)).collect()
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Acts)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Acts(acts) = answer else {
            return Err(answer);
        };
        list.slot.answer(acts, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let rows = Self::shown(list, scene).len() as u64;
        let title = scene.say().count("title-audit", rows);
        let title = list.titled(scene, title, 0);
        match list.slot.data.as_ref().map(|acts| acts.older) {
            Some(Older::NotShown) => format!("{title} · {}", scene.say().text("older-not-shown")),
            Some(Older::Nothing) | None => title,
        }
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![(Action::Filter, "hint-filter")];
        if list.chosen(scene).is_some() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
        if !Self::shown(list, scene).is_empty() {
            hints.push((Action::ExportCsv, "hint-csv"));
            hints.push((Action::ExportJson, "hint-json"));
        }
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let words = scene.words;
        let rows = list.rows(scene);
        if rows.is_empty() {
            paint_empty(scene, canvas, &list.slot, &list.filter, "audit-empty");
            return;
        }
        let page = page_height(canvas.height());
        list.paint_rows(scene, canvas, &rows, page);
        if let Some(act) = list.chosen(scene) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            canvas.text(1, y + 1, &summary(words, act), theme.plain());
            let reason = [("reason", act.reason.as_str())];
            let reason = words.language.with("undo-reason", &reason);
            canvas.text(1, y + 2, &reason, theme.muted());
        }
    }

    /// How long ago each act was.
    fn is_timed(list: &Model, _scene: Scene<'_>) -> bool {
        let rows = list.slot.data.as_ref().map_or(0, |acts| acts.rows.len());
        list.open.is_some() || rows > 0
    }
}
