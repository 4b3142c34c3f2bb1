//! Who is deleted or unsubscribed, where, on what proof? Mismatches first. Nobody is opted in from
//! here: that is decided in the conflict, where the word is typed.

pub(in crate::console) mod entry;

use ratatui::style::Style;

pub(in crate::console) use entry::Entry;

use super::{Notice, Scene, Screen, filtered, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::query::{Answer, FlagKey, FlagRow, Page, Query, Ticket};
use crate::console::slot::{Slot, Waiting};
use crate::console::theme::Theme;
use crate::console::words::{Words, consent_on, moment};
use crate::domain::consent::Consent;
use crate::domain::flag::{Matter, Standing, Urgency};
use crate::domain::ids::Side;

/// From this width on, what is known of the chosen entry stands beside the list.
const WIDTH_WITH_PANE: u16 = 120;

/// The least and the most that the list takes beside it.
const PANE_MIN: u16 = 46;
const LIST_MAX: u16 = 120;

/// From this width on, the list says what each entry is in a column of its own.
const WIDTH_WITH_WHAT: u16 = 110;

/// From this width on, what is said of each entry has its whole room, and the name the rest.
const WIDTH_WITH_ROOM: u16 = 76;

/// Lines at the foot: a rule, the chosen entry's name and date, why it is as it is.
const FOOT: u16 = 4;

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    pub(in crate::console) slot: Slot<Page<FlagRow>>,
    filter: Filter,
    selection: Selection<FlagKey>,
    pub(in crate::console) open: Option<Entry>,
}

/// Where the columns of the list begin.
struct Columns {
    what: Option<u16>,
    salesforce: u16,
    automation: u16,
    state: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        if width >= WIDTH_WITH_WHAT {
            let state = width - 18;
            return Self {
                what: Some(state - 61),
                salesforce: state - 36,
                automation: state - 18,
                state,
            };
        }
        if width >= WIDTH_WITH_ROOM {
            let state = width - 15;
            return Self {
                what: None,
                salesforce: state - 30,
                automation: state - 17,
                state,
            };
        }
        Self {
            what: None,
            salesforce: width * 3 / 8,
            automation: width * 37 / 64,
            state: width * 51 / 64,
        }
    }
}

impl Model {
    /// What the filter shows, in the order of the list.
    pub(in crate::console) fn rows(&self, words: Words<'_>) -> Vec<&FlagRow> {
        let rows = self.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        rows.iter()
            .filter(|row| self.filter.keeps(&texts(words, row)))
            .collect()
    }

    fn keys(&self, words: Words<'_>) -> Vec<FlagKey> {
        self.rows(words).into_iter().map(FlagRow::key).collect()
    }

    fn settle(&mut self, words: Words<'_>) -> bool {
        let keys = self.keys(words);
        self.selection.settle(&keys)
    }

    pub(in crate::console) fn chosen(&self, words: Words<'_>) -> Option<&FlagRow> {
        let key = self.selection.key()?;
        self.rows(words).into_iter().find(|row| row.key() == key)
    }

    fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let words = scene.words;
        let rows = self.rows(words);
        if rows.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "flags-empty");
            return;
        }
        let (width, height) = (canvas.width(), canvas.height());
        let chosen = self.chosen(words);
        if width < WIDTH_WITH_PANE {
            self.paint_rows(words, &rows, &mut canvas.part(0, 0, width, height - FOOT));
        } else {
            let left = (width - PANE_MIN).min(LIST_MAX);
            self.paint_rows(words, &rows, &mut canvas.part(0, 0, left, height - FOOT));
            if let Some(row) = chosen {
                let mut pane = canvas.part(left + 1, 0, width - left - 1, height - FOOT);
                paint_pane(words, row, &mut pane);
            }
        }
        if let Some(row) = chosen {
            let y = height.saturating_sub(FOOT);
            let theme = canvas.theme;
            canvas.rule(y);
            let matter = words.matter(row.flag.matter);
            let about = match row.flag.at {
                Some(at) => format!("{} · {matter} · {}", name(words, row), moment(at)),
                None => format!("{} · {matter}", name(words, row)),
            };
            canvas.text(1, y + 1, &about, theme.strong());
            canvas.paragraph(1, y + 2, 2, &why(words, row), theme.plain());
        }
    }

    fn paint_rows(&self, words: Words<'_>, rows: &[&FlagRow], canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = words.language;
        let width = canvas.width();
        let at = Columns::of(width);
        let whom = at.what.unwrap_or(at.salesforce) - 3;
        canvas.text(2, 0, say.text("column-whom"), theme.muted());
        if let Some(what) = at.what {
            canvas.text(what, 0, say.text("column-what"), theme.muted());
        }
        for (x, side) in [
            (at.salesforce, Side::Salesforce),
            (at.automation, Side::Automation),
        ] {
            canvas.text(x, 0, &side.to_string(), theme.muted());
        }
        canvas.text(at.state, 0, say.text("column-state"), theme.muted());
        // Its first line names the columns; the lines about the chosen entry are left out already.
        let height = usize::from(canvas.height().saturating_sub(1));
        let top = page_top(self.selection.index(), height);
        for (y, row) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            let (sign, style) = sign(theme, row);
            canvas.text(0, y, sign, style);
            canvas.within(2, y, whom, &name(words, row), theme.plain());
            if let Some(what) = at.what {
                let matter = words.matter(row.flag.matter);
                canvas.within(what, y, at.salesforce - what - 1, &matter, theme.plain());
            }
            let [salesforce, automation] = Side::BOTH.map(|side| words.side_says(row, side));
            let room = at.automation - at.salesforce - 1;
            canvas.within(at.salesforce, y, room, &salesforce, theme.plain());
            let room = at.state - at.automation - 1;
            canvas.within(at.automation, y, room, &automation, theme.plain());
            let standing = words.standing(&row.flag.standing);
            canvas.within(at.state, y, width - at.state, standing, style);
            if self.selection.key() == Some(row.key()) {
                canvas.line_style(y, theme.selected());
            }
        }
    }
}

/// One line less than other lists have: the foot is a line longer.
fn rows_on_page(body: u16) -> usize {
    usize::from(body.saturating_sub(FOOT + 1).max(1))
}

/// Beside the state, so that no meaning is in a colour alone.
fn sign(theme: Theme, row: &FlagRow) -> (&'static str, Style) {
    match row.flag.standing.urgency() {
        Urgency::Person => ("!", theme.person()),
        Urgency::Mismatch => ("≠", theme.strong()),
        Urgency::Settled => (" ", theme.muted()),
    }
}

fn name(words: Words<'_>, row: &FlagRow) -> String {
    if row.brief.name.is_empty() {
        words.language.text("no-address").to_owned()
    } else {
        row.brief.name.clone()
    }
}

/// How far it has got, and whether an operator set it aside.
fn state(words: Words<'_>, row: &FlagRow) -> String {
    let standing = words.standing(&row.flag.standing);
    if row.is_set_aside() {
        let aside = words.language.text("flag-aside");
        format!("{standing}, {aside}")
    } else {
        standing.to_owned()
    }
}

/// What is agreed on may be set aside all the same: it is said too.
fn why(words: Words<'_>, row: &FlagRow) -> String {
    let why = words.why(row.kind, &row.flag);
    match (&row.parked, &row.flag.standing) {
        (Some(parked), standing)
            if row.is_set_aside() && !matches!(standing, Standing::Parked(_)) =>
        {
            format!("{why} {}.", words.parked(parked))
        }
        _ => why,
    }
}

/// The sides that say it.
fn sides(row: &FlagRow) -> Vec<Side> {
    match row.flag.matter {
        Matter::Deleted(side) => vec![side],
        Matter::OptOut => Side::BOTH
            .into_iter()
            .filter(|side| {
                consent_on(&row.consent, *side).is_some_and(|view| Consent::is_out(view.value))
            })
            .collect(),
    }
}

/// Only what can be done to the chosen entry is offered.
fn list_hints(chosen: Option<&FlagRow>) -> Vec<(Action, &'static str)> {
    let mut hints = Vec::new();
    if let Some(row) = chosen {
        hints.push((Action::Open, "hint-open"));
        hints.push((Action::ReadAgain, "hint-read-again"));
        hints.push(if row.is_set_aside() {
            (Action::TakeBack, "hint-take-back")
        } else {
            (Action::SetAside, "hint-set-aside")
        });
    }
    hints.push((Action::Filter, "hint-filter"));
    hints
}

/// What the filter looks at.
fn texts(words: Words<'_>, row: &FlagRow) -> [(&'static str, String); 7] {
    let views = Side::BOTH.map(|side| consent_on(&row.consent, side));
    let reasons = match row.flag.matter {
        Matter::OptOut => views.map(|view| words.reason(view)).join(" "),
        Matter::Deleted(_) => String::new(),
    };
    let proofs: Vec<&str> = views
        .into_iter()
        .filter_map(|view| view?.evidence.opted_out)
        .chain(row.consent.opted_out)
        .map(|dated| words.proof(dated.proof))
        .collect();
    let sides: Vec<String> = sides(row).iter().map(ToString::to_string).collect();
    [
        ("state", state(words, row)),
        ("side", sides.join(" ")),
        ("email", row.brief.name.clone()),
        ("what", words.matter(row.flag.matter)),
        ("reason", reasons),
        ("proof", proofs.join(" ")),
        ("record", words.records(&row.brief.records)),
    ]
}

/// What is known of the chosen entry, beside the list.
fn paint_pane(words: Words<'_>, row: &FlagRow, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let say = words.language;
    let bottom = canvas.height();
    let mut y = canvas.paragraph(1, 0, 2, &name(words, row), theme.strong());
    y += canvas.paragraph(1, y, 2, &words.records(&row.brief.records), theme.muted());
    let matter = words.matter(row.flag.matter);
    let matter = row.flag.at.map_or(matter.clone(), |at| {
        format!("{matter}, {} ({})", moment(at), words.relative(at))
    });
    y += canvas.paragraph(1, y, 2, &matter, theme.plain());
    for side in Side::BOTH {
        canvas.text(1, y + 1, &side.to_string(), theme.accent());
        y += 2;
        let view = consent_on(&row.consent, side).filter(|_| row.flag.matter == Matter::OptOut);
        let mut lines = vec![words.side_says(row, side)];
        if let Some(view) = view {
            lines.push(words.reason(Some(view)).to_owned());
            lines.push(say.with("seen-since", &[("at", &moment(view.since))]));
            let dated = view.evidence.opted_out;
            lines.extend(dated.map(|dated| words.dated(dated)));
            lines.extend(dated.map(|dated| words.proof(dated.proof).to_owned()));
        }
        for text in lines.iter().filter(|text| !text.is_empty()) {
            y += canvas.paragraph(3, y, bottom.saturating_sub(y).min(2), text, theme.plain());
        }
    }
    let next = words.next(&row.flag.standing);
    canvas.paragraph(1, y + 1, bottom.saturating_sub(y + 1), next, theme.muted());
}

impl Screen for Model {
    fn context(&self) -> Context {
        match self.open {
            Some(_) => Context::Flag,
            None => Context::Flags,
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
            Some(open) => (&mut open.slot, Query::Person(open.key.0)),
            None => (&mut self.slot, Query::Flags),
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
            (Answer::Flags(page), _) if self.slot.is_waiting_for(ticket) => {
                self.slot.answer(page, now);
                let is_gone = self.settle(scene.words) && self.open.is_none();
                Ok(Notice::of(is_gone))
            }
            (Answer::Person(person), Some(open)) if open.slot.is_waiting_for(ticket) => {
                open.slot.answer(person, now);
                Ok(Notice::None)
            }
            (answer, _) => Err(answer),
        }
    }

    fn title(&self, scene: Scene<'_>) -> String {
        if let Some(open) = &self.open {
            return open.title(scene.words);
        }
        let rows = self.rows(scene.words);
        let title = scene.say().count("title-flags", rows.len() as u64);
        // What is left out comes before what may be cut off at the end of the line.
        let more = self.slot.data.as_ref().map_or(0, |page| page.more);
        let mut title = filtered(scene, title, &Filter::default(), more);
        let is_mismatch = |row: &&&FlagRow| row.flag.standing.urgency() < Urgency::Settled;
        let mismatches = rows.iter().filter(is_mismatch).count() as u64;
        if mismatches > 0 {
            let differ = scene.say().count("title-mismatches", mismatches);
            title = format!("{title} · {differ}");
        }
        filtered(scene, title, &self.filter, 0)
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        match &self.open {
            Some(open) => open.hints(),
            None => list_hints(self.chosen(scene.words)),
        }
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
            Some(open) => open.scroll(scene.words, step, body),
            None => self.selection.step(&keys, step, rows_on_page(body)),
        }
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        let page = rows_on_page(body);
        if self.open.is_none() && line < page {
            let keys = self.keys(scene.words);
            self.selection.click(&keys, line, page);
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none();
        is_list.then_some((&self.filter, "filter-hint-flags"))
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

    /// Ages and “again in” stand beside the list, and in the reasons.
    fn is_timed(&self, _scene: Scene<'_>) -> bool {
        let rows = self.slot.data.as_ref().map_or(0, |page| page.rows.len());
        self.open.is_none() && rows > 0
    }
}
