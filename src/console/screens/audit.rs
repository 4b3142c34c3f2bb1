//! Who did what, and why? Every operator's act, newest first. It is only added to: nothing here can
//! be changed or taken away.

mod checked;
mod detail;

pub(in crate::console) use detail::Detail;

use super::listing::{Cell, List, Listed, Opened, Topic};
use super::{Notice, Scene, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::language::{Language, Tongue};
use crate::console::linear::Reading;
use crate::console::list::{Rank, Step, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Acts, Answer, Older, Query, Ticket, Wanted};
use crate::console::slot::Waiting;
use crate::console::words::{Words, moment};
use crate::domain::ids::RunId;
use crate::domain::mapping::Policy;
use crate::domain::record::Act;
use crate::domain::time::Timestamp;
use checked::Checked;

pub(in crate::console) type Model = List<Audit>;

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
        self.filter.keeps(&Named { act, name }.texts(words))
    }
}

/// Acts of operators.
#[derive(Debug, Default)]
pub(in crate::console) struct Audit;

/// An act, and what the first contact that it was about is called now, if that is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Named<'a> {
    pub(in crate::console) act: &'a Act,
    name: &'a str,
}

/// What is open over the list.
#[derive(Debug)]
pub(in crate::console) enum Over {
    Act(Box<Detail>),
    /// Whether anybody changed the audit.
    Check(Box<Checked>),
}

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

impl Named<'_> {
    /// `12: claire@orion.example`, or what it was done to if nobody has a name.
    fn whom(&self, words: Words<'_>) -> String {
        match (self.name, self.act.links.len()) {
            ("", _) => words.acted_on(self.act),
            (name, 0 | 1) => name.to_owned(),
            (name, count) => words.labelled(&words.language.number(count as u64), name),
        }
    }
}

impl Listed for Named<'_> {
    type Key = RunId;

    fn key(&self) -> RunId {
        self.act.run
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        let act = self.act;
        vec![
            ("operator", act.operator.clone()),
            ("from", act.from.clone()),
            ("act", words.act(&act.act).to_owned()),
            ("object", format!("{} {}", words.acted_on(act), self.name)),
            ("reason", act.reason.clone()),
        ]
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let act = self.act;
        vec![
            (Tone::Muted, words.relative(act.at)),
            (Tone::Plain, act.operator.clone()),
            (Tone::Plain, words.act(&act.act).to_owned()),
            (Tone::Plain, self.whom(words)),
            (Tone::Plain, act.reason.clone()),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            0 => Rank::Number(self.act.at.0),
            _ => self.text_rank(words, column),
        }
    }
}

impl Model {
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

    /// The act that is open.
    pub(in crate::console) const fn act(&self) -> Option<&Detail> {
        match &self.open {
            Some(Over::Act(act)) => Some(act),
            Some(Over::Check(_)) | None => None,
        }
    }

    /// Asks whether anybody changed the audit, once more if it was asked before.
    pub(in crate::console) fn check(&mut self) {
        self.open = Some(Over::Check(Box::default()));
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

impl Topic for Audit {
    type Data = Acts;
    type Key = RunId;
    type Row<'a> = Named<'a>;
    type Open = Over;

    const CONTEXTS: [Context; 2] = [Context::Audit, Context::Act];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-audit");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<Named<'a>> {
        let Some(acts) = &list.slot.data else {
            return Vec::new();
        };
        let named = |act: &'a Act| {
            let name = act.links.first().and_then(|link| acts.names.get(link));
            let name = name.map_or("", String::as_str);
            Named { act, name }
        };
        let rows = acts.rows.iter().map(named);
        rows.filter(|row| list.is_kept(scene.words, row)).collect()
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
        hints.push((Action::CheckAudit, "hint-check-audit"));
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
        if let Some(Named { act, .. }) = list.chosen(scene) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            canvas.text(1, y + 1, &summary(words, act), theme.plain());
            let reason = [("reason", act.reason.as_str())];
            let reason = words.language.with("undo-reason", &reason);
            canvas.text(1, y + 2, &reason, theme.muted());
        }
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        super::empty_text(scene, &list.slot, &list.filter, "audit-empty").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let Some(Named { act, .. }) = list.chosen(scene) else {
            return Vec::new();
        };
        let reason = [("reason", act.reason.as_str())];
        let reason = scene.say().with("undo-reason", &reason);
        vec![summary(scene.words, act), reason]
    }

    /// How long ago each act was.
    fn is_timed(list: &Model, _scene: Scene<'_>) -> bool {
        let rows = list.slot.data.as_ref().map_or(0, |acts| acts.rows.len());
        list.open.is_some() || rows > 0
    }
}

impl Over {
    pub(in crate::console) fn act(act: Act) -> Self {
        Self::Act(Box::new(Detail::new(act)))
    }

    fn inner(&self) -> &dyn Opened<Acts> {
        match self {
            Self::Act(act) => act.as_ref(),
            Self::Check(check) => check.as_ref(),
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Opened<Acts> {
        match self {
            Self::Act(act) => act.as_mut(),
            Self::Check(check) => check.as_mut(),
        }
    }
}

impl Opened<Acts> for Over {
    fn slot(&self) -> Option<&dyn Waiting> {
        self.inner().slot()
    }

    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        self.inner_mut().slot_mut()
    }

    fn query(&self) -> Option<Query> {
        self.inner().query()
    }

    fn awaits(&self, ticket: Ticket) -> bool {
        self.inner().awaits(ticket)
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        self.inner_mut().take(scene, answer)
    }

    fn title(&self, scene: Scene<'_>, data: Option<&Acts>) -> String {
        self.inner().title(scene, data)
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.inner().hints(scene)
    }

    fn paint(&self, scene: Scene<'_>, data: Option<&Acts>, canvas: &mut Canvas<'_>) {
        self.inner().paint(scene, data, canvas);
    }

    fn read(&self, scene: Scene<'_>, data: Option<&Acts>) -> Reading {
        self.inner().read(scene, data)
    }

    fn choose(&mut self, key: &str) -> bool {
        self.inner_mut().choose(key)
    }

    fn step(&mut self, scene: Scene<'_>, data: Option<&Acts>, step: Step, body: u16) {
        self.inner_mut().step(scene, data, step, body);
    }

    fn copied(&self, scene: Scene<'_>, data: Option<&Acts>) -> Option<String> {
        self.inner().copied(scene, data)
    }
}
