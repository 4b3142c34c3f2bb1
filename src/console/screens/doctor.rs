//! What is wrong with the set-up? Every check with what was seen, the worst first. What cannot be
//! seen from here is unknown, never good.

use super::{Notice, Scene, Screen, filtered, page_height, paint_empty};
use crate::console::canvas::Canvas;
use crate::console::filter::Filter;
use crate::console::keymap::{Action, Context};
use crate::console::list::{Selection, Step, page_top};
use crate::console::model::{Tab, Tone};
use crate::console::query::{Answer, Query, Ticket};
use crate::console::slot::Waiting;
use crate::console::view::tone;
use crate::console::words::moment;
use crate::domain::doctor::{Finding, Severity};

#[derive(Debug, Default)]
pub(in crate::console) struct Model {
    filter: Filter,
    selection: Selection<&'static str>,
    open: Option<Open>,
}

/// One check, by its name, and how many of its paragraphs are scrolled away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    id: &'static str,
    top: usize,
}

/// Meaning is never by colour alone.
const fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Fault => "!!",
        Severity::Warning => "! ",
        Severity::Unknown => "? ",
        Severity::Note | Severity::Ok => "  ",
    }
}

const fn style(severity: Severity) -> Tone {
    match severity {
        Severity::Fault | Severity::Warning => Tone::Person,
        Severity::Unknown | Severity::Note => Tone::Plain,
        Severity::Ok => Tone::Muted,
    }
}

/// Where the columns begin: what is checked, what was seen.
const fn columns(width: u16) -> [u16; 3] {
    if width < 100 {
        [4, 13, 13 + (width - 13) * 3 / 8]
    } else {
        [4, 14, 42]
    }
}

/// The screen on which a check's matter is seen to.
fn destination(id: &str) -> Option<Tab> {
    Some(match id {
        "conflicts" => Tab::Conflicts,
        "given-up" | "paused" => Tab::Queues,
        "activities-held" | "activities-sent" => Tab::Activities,
        "brake" => Tab::Overview,
        "objects" | "opt-out" | "deleted" | "timeline-link" | "schedule" | "fields-seen"
        | "fields-writable" | "fields-typed" | "fields-long-enough" => Tab::Plugin,
        _ => return None,
    })
}

impl Model {
    fn rows<'a>(&self, scene: Scene<'a>) -> Vec<&'a Finding> {
        let diagnosis = scene.diagnosis.data.as_ref();
        let findings = diagnosis.map_or(&[][..], |diagnosis| &diagnosis.findings);
        let words = scene.words;
        findings
            .iter()
            .filter(|finding| {
                self.filter.keeps(&[
                    ("state", words.severity(finding.seen.severity).to_owned()),
                    ("check", scene.say().text(finding.check.name).to_owned()),
                    ("seen", words.seen(&finding.seen)),
                ])
            })
            .collect()
    }

    fn keys(&self, scene: Scene<'_>) -> Vec<&'static str> {
        let rows = self.rows(scene).into_iter();
        rows.map(|finding| finding.check.id).collect()
    }

    /// The findings are others now.
    pub(in crate::console) fn settle(&mut self, scene: Scene<'_>) -> Notice {
        let keys = self.keys(scene);
        Notice::of(self.selection.settle(&keys) && self.open.is_none())
    }

    pub(in crate::console) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(in crate::console) fn open_chosen(&mut self) -> bool {
        self.open = self.selection.key().map(|id| Open { id, top: 0 });
        self.open.is_some()
    }

    /// Where the open check's matter is seen to.
    pub(in crate::console) fn destination(&self) -> Option<Tab> {
        destination(self.open?.id)
    }

    fn found<'a>(scene: Scene<'a>, id: &str) -> Option<&'a Finding> {
        let diagnosis = scene.diagnosis.data.as_ref()?;
        let mut findings = diagnosis.findings.iter();
        findings.find(|finding| finding.check.id == id)
    }

    fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = scene.say();
        let rows = self.rows(scene);
        if rows.is_empty() {
            if scene.diagnosis.data.is_none() && scene.diagnosis.error().is_some() {
                canvas.paragraph(1, 1, 4, say.text("doctor-unread"), theme.person());
                return;
            }
            paint_empty(scene, canvas, scene.diagnosis, &self.filter, "loading");
            return;
        }
        let width = canvas.width();
        let at = columns(width);
        let room = |index: usize| {
            let end = at.get(index + 1).copied().unwrap_or(width);
            end.saturating_sub(at[index] + 1)
        };
        let titles = ["column-severity", "column-check", "column-seen"];
        for (index, title) in titles.into_iter().enumerate() {
            canvas.within(at[index], 0, room(index), say.text(title), theme.muted());
        }
        let height = page_height(canvas.height());
        let top = page_top(self.selection.index(), height);
        for (y, finding) in rows.iter().skip(top).take(height).enumerate() {
            let y = 1 + y as u16;
            let severity = finding.seen.severity;
            let style = tone(theme, style(severity));
            canvas.text(1, y, mark(severity), style);
            canvas.within(at[0], y, room(0), scene.words.severity(severity), style);
            canvas.within(
                at[1],
                y,
                room(1),
                say.text(finding.check.name),
                theme.plain(),
            );
            let seen = scene.words.seen(&finding.seen);
            canvas.within(at[2], y, room(2), &seen, theme.plain());
            if self.selection.key() == Some(finding.check.id) {
                canvas.line_style(y, theme.selected());
            }
        }
        let chosen = self.selection.key();
        if let Some(finding) = rows.iter().find(|row| Some(row.check.id) == chosen) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let seen = scene.words.seen(&finding.seen);
            canvas.paragraph(1, y + 1, 2, &seen, theme.plain());
        }
    }

    fn paint_open(scene: Scene<'_>, open: Open, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = scene.say();
        let Some(finding) = Self::found(scene, open.id) else {
            canvas.text(1, 1, say.text("loading"), theme.muted());
            return;
        };
        let mut y = 0;
        // The last line says when the fields were described.
        let height = canvas.height().saturating_sub(1);
        for (title, style, text) in paragraphs(scene, finding).into_iter().skip(open.top) {
            if y + 1 >= height {
                break;
            }
            canvas.text(1, y, say.text(title), theme.muted());
            y += 1;
            y += canvas.paragraph(3, y, height - y, &text, tone(theme, style));
            y += 1;
        }
    }
}

/// How it stands, why it matters, where to click.
fn paragraphs(scene: Scene<'_>, finding: &Finding) -> Vec<(&'static str, Tone, String)> {
    let say = scene.say();
    let severity = finding.seen.severity;
    let seen = scene.words.seen(&finding.seen);
    let seen = scene.words.labelled(scene.words.severity(severity), &seen);
    let remedy = if severity == Severity::Ok {
        "part-path-ok"
    } else {
        "part-path"
    };
    vec![
        ("part-seen", style(severity), seen),
        (
            "part-why",
            Tone::Plain,
            say.text(finding.check.why).to_owned(),
        ),
        (remedy, Tone::Plain, say.text(finding.check.path).to_owned()),
    ]
}

impl Screen for Model {
    fn context(&self) -> Context {
        match self.open {
            Some(_) => Context::Check,
            None => Context::Doctor,
        }
    }

    fn slot<'a>(&'a self, scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(scene.diagnosis)
    }

    /// The shell asks, for the overview as well.
    fn question(&mut self) -> Option<(&mut dyn Waiting, Query)> {
        None
    }

    fn slots(&mut self) -> Vec<&mut dyn Waiting> {
        Vec::new()
    }

    fn answered(&mut self, _: Scene<'_>, _: Ticket, answer: Answer) -> Result<Notice, Answer> {
        Err(answer)
    }

    fn title(&self, scene: Scene<'_>) -> String {
        let say = scene.say();
        if let Some(open) = self.open {
            let finding = Self::found(scene, open.id);
            let name = finding.map_or("", |finding| say.text(finding.check.name));
            return say.with("title-check", &[("name", name)]);
        }
        let Some(diagnosis) = &scene.diagnosis.data else {
            return say.text("tab-doctor").to_owned();
        };
        let count = |severity| diagnosis.count(severity);
        let mut title = say.count("title-doctor", count(Severity::Fault));
        for (severity, key) in [
            (Severity::Warning, "title-warnings"),
            (Severity::Unknown, "title-unknown"),
        ] {
            if count(severity) > 0 {
                title = format!("{title} · {}", say.count(key, count(severity)));
            }
        }
        filtered(scene, title, &self.filter, 0)
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        if let Some(open) = self.open {
            let mut hints = vec![
                (Action::Down, "hint-scroll"),
                (Action::Refresh, "hint-reread"),
            ];
            if destination(open.id).is_some() {
                hints.insert(0, (Action::Open, "hint-go"));
            }
            return hints;
        }
        let mut hints = vec![
            (Action::Filter, "hint-filter"),
            (Action::Refresh, "hint-reread"),
        ];
        if self.selection.key().is_some() && !self.rows(scene).is_empty() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
        hints
    }

    fn paint(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let Some(open) = self.open else {
            self.paint_list(scene, canvas);
            return;
        };
        Self::paint_open(scene, open, canvas);
        if let Some(diagnosis) = &scene.diagnosis.data {
            let at = moment(diagnosis.described);
            let text = scene.say().with("described-at", &[("at", &at)]);
            let y = canvas.height().saturating_sub(1);
            canvas.text(1, y, &text, canvas.theme.muted());
        }
    }

    fn step(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let keys = self.keys(scene);
        let Some(open) = &mut self.open else {
            self.selection.step(&keys, step, page_height(body));
            return;
        };
        open.top = match step {
            Step::Down | Step::PageDown => (open.top + 1).min(2),
            Step::Up | Step::PageUp => open.top.saturating_sub(1),
            Step::First => 0,
            Step::Last => 2,
        };
    }

    fn click(&mut self, scene: Scene<'_>, line: usize, body: u16) {
        if self.open.is_none() {
            let keys = self.keys(scene);
            self.selection.click(&keys, line, page_height(body));
        }
    }

    fn filter(&self) -> Option<(&Filter, &'static str)> {
        let is_list = self.open.is_none();
        is_list.then_some((&self.filter, "filter-hint-doctor"))
    }

    fn set_filter(&mut self, scene: Scene<'_>, filter: Filter) {
        self.filter = filter;
        let keys = self.keys(scene);
        self.selection.narrow(&keys);
    }

    /// What was seen and what to do, for a ticket or a colleague.
    fn copied(&self, scene: Scene<'_>) -> Option<String> {
        let id = match self.open {
            Some(open) => open.id,
            None => self.selection.key()?,
        };
        let finding = Self::found(scene, id)?;
        let seen = scene.words.seen(&finding.seen);
        let seen = scene
            .words
            .labelled(scene.say().text(finding.check.name), &seen);
        Some(format!("{seen}\n{}", scene.say().text(finding.check.path)))
    }

    fn back(&mut self) -> bool {
        self.open.take().is_some()
    }

    /// How long ago everything was.
    fn is_timed(&self, scene: Scene<'_>) -> bool {
        scene.diagnosis.data.is_some()
    }
}
