//! What is wrong with the set-up? Every check with what was seen, the worst first. What cannot be
//! seen from here is unknown, never good.

use ratatui::style::Style;

use super::listing::{Cell, List, Listed, Opened, Topic};
use super::{Notice, Scene, page_height};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Action, Context};
use crate::console::linear::Reading;
use crate::console::list::{Rank, Step, Table, column};
use crate::console::model::{Ground, Tab, Tone};
use crate::console::query::{Answer, Query};
use crate::console::slot::Waiting;
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::console::words::{Words, moment};
use crate::domain::doctor::{Finding, Severity};

pub(in crate::console) type Model = List<Doctor>;

/// Checks of the set-up. The shell asks for them, for the overview as well, so that nothing is ever
/// in the list's own place.
#[derive(Debug, Default)]
pub(in crate::console) struct Doctor {
    /// Both systems are being read.
    pub(in crate::console) is_looking: bool,
}

const TABLE: Table = Table {
    columns: &[
        column("state", "column-severity", 8, 9),
        column("check", "column-check", 17, 27).identifies(),
        column("seen", "column-seen", 28, 40),
    ],
    // The worst first.
    sorted_by: Some(0),
    left: 4,
};

/// One check, by its name, and how many of its paragraphs are scrolled away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Open {
    id: &'static str,
    top: usize,
}

/// Meaning is never by colour alone.
const fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Fault => " !!",
        Severity::Warning => " ! ",
        Severity::Unknown => " ? ",
        Severity::Note | Severity::Ok => "   ",
    }
}

const fn style(severity: Severity) -> Tone {
    match severity {
        Severity::Fault | Severity::Warning => Tone::Person,
        Severity::Unknown | Severity::Note => Tone::Plain,
        Severity::Ok => Tone::Muted,
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

/// Where being let in is seen to.
fn access_hint(id: &str) -> Option<(Action, &'static str)> {
    let is_about_access = matches!(id, "salesforce" | "automation" | "credentials");
    is_about_access.then_some((Action::Authorize, "hint-access"))
}

impl Listed for Finding {
    type Key = &'static str;

    fn key(&self) -> &'static str {
        self.check.id
    }

    fn texts(&self, words: Words<'_>) -> Vec<(&'static str, String)> {
        let check = words.language.text(self.check.name).to_owned();
        vec![
            ("state", words.severity(self.seen.severity).to_owned()),
            ("check", check),
            ("seen", words.seen(&self.seen)),
        ]
    }

    fn cells(&self, words: Words<'_>) -> Vec<Cell> {
        let severity = self.seen.severity;
        let check = words.language.text(self.check.name).to_owned();
        vec![
            (style(severity), words.severity(severity).to_owned()),
            (Tone::Plain, check),
            (Tone::Plain, words.seen(&self.seen)),
        ]
    }

    fn rank(&self, words: Words<'_>, column: usize) -> Rank {
        match column {
            0 => Rank::Number(self.seen.severity as i64),
            _ => self.text_rank(words, column),
        }
    }

    fn sign(&self, theme: Theme) -> (&'static str, Style) {
        let severity = self.seen.severity;
        (mark(severity), tone(theme, style(severity)))
    }
}

impl Model {
    /// Both systems were read: what is worst now is offered, unless the operator has chosen or opened one.
    pub(in crate::console) fn offer_anew(&mut self) {
        if self.open.is_none() {
            self.selection.offer_anew();
        }
    }

    /// The findings are others now.
    pub(in crate::console) fn examined(&mut self, scene: Scene<'_>) -> Notice {
        Notice::of(self.settle(scene) && self.open.is_none())
    }

    pub(in crate::console) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(in crate::console) fn open_chosen(&mut self) -> bool {
        self.open = self.key().map(|id| Open { id, top: 0 });
        self.open.is_some()
    }

    /// The open check, or the chosen one.
    pub(in crate::console) fn pointed<'a>(&self, scene: Scene<'a>) -> Option<&'a Finding> {
        let open = self.open.map(|open| open.id);
        found(scene, open.or_else(|| self.key())?)
    }

    /// Where the open check's matter is seen to.
    pub(in crate::console) fn destination(&self) -> Option<Tab> {
        destination(self.open?.id)
    }
}

fn found<'a>(scene: Scene<'a>, id: &str) -> Option<&'a Finding> {
    let diagnosis = scene.diagnosis.data.as_ref()?;
    let mut findings = diagnosis.findings.iter();
    findings.find(|finding| finding.check.id == id)
}

fn paint_open(scene: Scene<'_>, open: Open, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let say = scene.say();
    let Some(finding) = found(scene, open.id) else {
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

fn copied(scene: Scene<'_>, id: &str) -> Option<String> {
    let finding = found(scene, id)?;
    let seen = scene.words.seen(&finding.seen);
    let seen = scene
        .words
        .labelled(scene.say().text(finding.check.name), &seen);
    Some(format!("{seen}\n{}", scene.say().text(finding.check.path)))
}

impl Opened<()> for Open {
    fn title(&self, scene: Scene<'_>, _: Option<&()>) -> String {
        let say = scene.say();
        let name = found(scene, self.id).map_or("", |finding| say.text(finding.check.name));
        say.with("title-check", &[("name", name)])
    }

    fn hints(&self, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![
            (Action::Down, "hint-scroll"),
            (Action::Refresh, "hint-look"),
        ];
        if found(scene, self.id).is_some_and(|finding| finding.seen.remedy.is_some()) {
            hints.insert(0, (Action::Mend, "hint-mend"));
        }
        if destination(self.id).is_some() {
            hints.insert(0, (Action::Open, "hint-go"));
        }
        hints.extend(access_hint(self.id));
        hints
    }

    fn paint(&self, scene: Scene<'_>, _: Option<&()>, canvas: &mut Canvas<'_>) {
        paint_open(scene, *self, canvas);
        paint_described(scene, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&()>) -> Reading {
        let say = scene.say();
        let Some(finding) = found(scene, self.id) else {
            return Reading::of([say.text("loading").to_owned()]);
        };
        let paragraphs = paragraphs(scene, finding).into_iter();
        let told = paragraphs.map(|(title, _, text)| scene.words.labelled(say.text(title), &text));
        Reading::of(told.chain(described(scene)))
    }

    fn step(&mut self, _: Scene<'_>, _: Option<&()>, step: Step, _: u16) {
        self.top = match step {
            Step::Down | Step::PageDown => (self.top + 1).min(2),
            Step::Up | Step::PageUp => self.top.saturating_sub(1),
            Step::First => 0,
            Step::Last => 2,
        };
    }

    fn copied(&self, scene: Scene<'_>, _: Option<&()>) -> Option<String> {
        copied(scene, self.id)
    }
}

/// When the fields were described that the checks look at.
fn paint_described(scene: Scene<'_>, canvas: &mut Canvas<'_>) {
    if let Some(text) = described(scene) {
        let y = canvas.height().saturating_sub(1);
        canvas.text(1, y, &text, canvas.theme.muted());
    }
}

fn described(scene: Scene<'_>) -> Option<String> {
    let diagnosis = scene.diagnosis.data.as_ref()?;
    let say = scene.say();
    Some(match diagnosis.examined {
        Some(at) => say.with("examined-at", &[("at", &moment(at))]),
        None if matches!(scene.instance.ground, Ground::Bundle(_)) => {
            say.text("bundle-unexamined").to_owned()
        }
        None => say.with("described-at", &[("at", &moment(diagnosis.described))]),
    })
}

impl Topic for Doctor {
    type Data = ();
    type Key = &'static str;
    type Row<'a> = &'a Finding;
    type Open = Open;

    const CONTEXTS: [Context; 2] = [Context::Doctor, Context::Check];
    const FILTER_HINT: Option<&'static str> = Some("filter-hint-doctor");

    fn table(_list: &Model) -> &'static Table {
        &TABLE
    }

    fn shown<'a>(list: &'a Model, scene: Scene<'a>) -> Vec<&'a Finding> {
        let diagnosis = scene.diagnosis.data.as_ref();
        let findings = diagnosis.map_or(&[][..], |diagnosis| &diagnosis.findings);
        let findings = findings.iter();
        findings
            .filter(|finding| list.is_kept(scene.words, finding))
            .collect()
    }

    fn query(_list: &Model) -> Option<Query> {
        None
    }

    fn take(_list: &mut Model, _scene: Scene<'_>, answer: Answer) -> Result<(), Answer> {
        Err(answer)
    }

    fn slot<'a>(_list: &'a Model, scene: Scene<'a>) -> Option<&'a dyn Waiting> {
        Some(scene.diagnosis)
    }

    fn title(list: &Model, scene: Scene<'_>) -> String {
        let say = scene.say();
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
        if list.own.is_looking {
            title = format!("{title} · {}", say.text("title-looking"));
        }
        list.titled(scene, title, 0)
    }

    fn hints(list: &Model, scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        let mut hints = vec![
            (Action::Filter, "hint-filter"),
            (Action::Refresh, "hint-look"),
        ];
        let chosen = list.chosen(scene);
        if chosen.is_some_and(|finding| finding.seen.remedy.is_some()) {
            hints.insert(0, (Action::Mend, "hint-mend"));
        }
        if chosen.is_some() {
            hints.insert(0, (Action::Open, "hint-open"));
        }
        hints.extend(list.key().and_then(access_hint));
        hints
    }

    fn paint(list: &Model, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let rows = list.rows(scene);
        if rows.is_empty() {
            let style = if scene.diagnosis.error().is_some() {
                theme.person()
            } else {
                theme.muted()
            };
            canvas.paragraph(1, 1, 4, &Self::empty(list, scene), style);
            return;
        }
        list.paint_rows(scene, canvas, &rows, page_height(canvas.height()));
        if let Some(finding) = list.chosen(scene) {
            let y = canvas.height().saturating_sub(3);
            canvas.rule(y);
            let seen = scene.words.seen(&finding.seen);
            canvas.paragraph(1, y + 1, 2, &seen, theme.plain());
        }
    }

    fn empty(list: &Model, scene: Scene<'_>) -> String {
        if scene.diagnosis.data.is_none() && scene.diagnosis.error().is_some() {
            return scene.say().text("doctor-unread").to_owned();
        }
        super::empty_text(scene, scene.diagnosis, &list.filter, "loading").to_owned()
    }

    fn foot(list: &Model, scene: Scene<'_>) -> Vec<String> {
        let seen = list
            .chosen(scene)
            .map(|finding| scene.words.seen(&finding.seen));
        seen.into_iter().collect()
    }

    /// What was seen and what to do, for a ticket or a colleague.
    fn copied(list: &Model, scene: Scene<'_>) -> Option<String> {
        copied(scene, list.key()?)
    }

    /// How long ago everything was.
    fn is_timed(_list: &Model, scene: Scene<'_>) -> bool {
        scene.diagnosis.data.is_some()
    }
}
