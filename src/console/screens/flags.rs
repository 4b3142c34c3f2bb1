//! Who is deleted or unsubscribed, where, on what proof? Mismatches first. Nobody is opted in from
//! here: that is decided in the conflict, where the word is typed.

pub(in crate::console) mod entry;

use ratatui::style::Style;

pub(in crate::console) use entry::Entry;

use super::listing::{Cell, List, Listed, Topic};
use super::{Scene, filtered, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Rank, Table, column};
use crate::console::model::Tone;
use crate::console::query::{Answer, FlagKey, FlagRow, Page, Query};
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::console::words::{Words, moment};
use crate::domain::consent::Consent;
use crate::domain::flag::{Matter, Standing, Urgency};
use crate::domain::ids::Side;

pub(in crate::console) type Model = List<Flags>;

/// Deletions and opt-outs.
#[derive(Debug, Default)]
pub(in crate::console) struct Flags;

const TABLE: Table = Table {
    columns: &[
        column("whom", "column-whom", 19, 30)
            .identifies()
            .takes_rest(),
        column("what", "column-what", 24, 24).extra(),
        column("salesforce", "column-salesforce", 12, 13),
        column("automation", "column-automation", 12, 17),
        column("state", "column-state", 12, 15),
        column("seen", "column-flagged", 16, 20).extra().downwards(),
    ],
    // Mismatches first, as they come.
    sorted_by: Some(4),
    left: 2,
};

/// From this width on, what is known of the chosen entry stands beside the list.
const WIDTH_WITH_PANE: u16 = 120;

/// The least and the most that the list takes beside it.
const PANE_MIN: u16 = 46;
const LIST_MAX: u16 = 120;

/// Lines at the foot: a rule, the chosen entry's name and date, why it is as it is.
const FOOT: u16 = 5;

impl Listed for FlagRow {
    type Key = FlagKey;

    fn key(&self) -> FlagKey {
        Self::key(self)
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        texts(words, self)
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let [salesforce, automation] = Side::BOTH.map(|side| words.side_says(self, side));
        let state = words.standing(&self.flag.standing).to_owned();
        let at = self.flag.at.map_or_else(String::new, moment);
        vec![
            (Tone::Plain, name(words, self)),
            (Tone::Plain, words.matter(self.flag.matter)),
            (Tone::Plain, salesforce),
            (Tone::Plain, automation),
            (urgent(self), state),
            (Tone::Muted, at),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            4 => Rank::Number(self.flag.standing.urgency() as i64),
            5 => Rank::Number(self.flag.at.map_or(i64::MIN, |at| at.0)),
            _ => self.text_rank(words, column),
        }
    }

    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        let sign = match self.flag.standing.urgency() {
            Urgency::Person => "!",
            Urgency::Mismatch => "≠",
            Urgency::Settled => " ",
        };
        (sign, tone(theme, urgent(self)))
    }
}

/// Beside the sign, which says the same.
fn urgent(row: &FlagRow) -> Tone {
    match row.flag.standing.urgency() {
        Urgency::Person => Tone::Person,
        Urgency::Mismatch => Tone::Strong,
        Urgency::Settled => Tone::Muted,
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
                row.consent
                    .on(*side)
                    .is_some_and(|view| Consent::is_out(view.value))
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
    if chosen.is_some() {
        hints.push((Action::ReadShownAgain, "hint-read-all"));
        hints.push((Action::SetShownAside, "hint-all-aside"));
        hints.push((Action::TakeShownBack, "hint-all-back"));
    }
    hints
}

/// What the filter looks at.
fn texts(words: Words<'_>, row: &FlagRow) -> Vec<(&'static str, String)> {
    let views = Side::BOTH.map(|side| row.consent.on(side));
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
    vec![
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
        let view = row
            .consent
            .on(side)
            .filter(|_| row.flag.matter == Matter::OptOut);
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

impl Topic for Flags {
    type Data = Page<FlagRow>;
    type Key = FlagKey;
    type Row<'a> = &'a FlagRow;
    type Open = Entry;

    const CONTEXTS: [Context; 2] = [Context::Flags, Context::Flag];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-flags");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<&'a FlagRow> {
        let rows = list.slot.data.as_ref().map_or(&[][..], |page| &page.rows);
        let rows = rows.iter();
        rows.filter(|row| list.is_kept(scene.words, row)).collect()
    }

    fn query(_list: &Model) -> Option<Query> {
        Some(Query::Flags)
    }

    fn take(list: &mut Model, scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        let Answer::Flags(page) = answer else {
            return Err(answer);
        };
        list.slot.answer(page, scene.words.now);
        Ok(())
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let rows = Self::shown(list, scene);
        let title = scene.say().count("title-flags", rows.len() as u64);
        // What is left out comes before what may be cut off at the end of the line.
        let more = list.slot.data.as_ref().map_or(0, |page| page.more);
        let mut title = filtered(scene, title, &Filter::default(), more);
        let is_mismatch = |row: &&&FlagRow| row.flag.standing.urgency() < Urgency::Settled;
        let mismatches = rows.iter().filter(is_mismatch).count() as u64;
        if mismatches > 0 {
            let differ = scene.say().count("title-mismatches", mismatches);
            title = format!("{title} · {differ}");
        }
        list.titled(scene, title, 0)
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        list_hints(list.chosen(scene))
    }

    /// One line less than other lists have: the foot is a line longer.
    fn page(_list: &Model, _scene: Scene<'_>, body: u16) -> usize {
        usize::from(body.saturating_sub(FOOT + 1).max(1))
    }

    fn width(width: u16) -> u16 {
        if width < WIDTH_WITH_PANE {
            width
        } else {
            (width - PANE_MIN).min(LIST_MAX)
        }
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let words = scene.words;
        let rows = list.rows(scene);
        if rows.is_empty() {
            paint_empty(scene, canvas, &list.slot, &list.filter, "flags-empty");
            return;
        }
        let (width, height) = (canvas.width(), canvas.height());
        let left = Self::width(width);
        let mut part = canvas.part(0, 0, left, height.saturating_sub(FOOT));
        let page = Self::page(list, scene, height);
        list.paint_rows(scene, &mut part, &rows, page);
        let Some(row) = list.chosen(scene) else {
            return;
        };
        if left < width {
            let height = height.saturating_sub(FOOT);
            let mut pane = canvas.part(left + 1, 0, width - left - 1, height);
            paint_pane(words, row, &mut pane);
        }
        let y = height.saturating_sub(FOOT);
        let theme = canvas.theme;
        canvas.rule(y);
        let matter = words.matter(row.flag.matter);
        let about = match row.flag.at {
            Some(at) => format!("{} · {matter} · {}", name(words, row), moment(at)),
            None => format!("{} · {matter}", name(words, row)),
        };
        canvas.text(1, y + 1, &about, theme.strong());
        canvas.paragraph(1, y + 2, FOOT - 2, &why(words, row), theme.plain());
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        super::empty_text(scene, &list.slot, &list.filter, "flags-empty").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let words = scene.words;
        let Some(row) = list.chosen(scene) else {
            return Vec::new();
        };
        let says =
            Side::BOTH.map(|side| words.labelled(&side.to_string(), &words.side_says(row, side)));
        let next = words.next(&row.flag.standing).to_owned();
        says.into_iter().chain([why(words, row), next]).collect()
    }

    /// Ages and “again in” stand beside the list, and in the reasons.
    fn is_timed(list: &Model, _scene: Scene<'_>) -> bool {
        let rows = list.slot.data.as_ref().map_or(0, |page| page.rows.len());
        list.open.is_none() && rows > 0
    }
}
