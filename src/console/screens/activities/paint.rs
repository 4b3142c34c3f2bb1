//! What the screen of activities looks like.

use super::{Model, plan_words};
use crate::console::canvas::Canvas;
use crate::console::model::Tone;
use crate::console::safe::Safe;
use crate::console::screens::overview::budget_words;
use crate::console::screens::{Scene, foot, paint_empty, paint_explained};
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::domain::command::Queue;
use crate::domain::snapshot::Transfer;
use crate::domain::time::Span;

/// Columns of the titles on the left.
const TITLE_WIDTH: u16 = 16;

impl Model {
    /// Paints what runs, how far, how fast, what it costs; answers how many lines that took.
    pub(super) fn paint_head(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) -> u16 {
        let theme = canvas.theme;
        let mut y = 0;
        for (label, (style, text)) in self.head(scene, Some(theme)) {
            let lines = lines_of(scene, &text);
            canvas.within(1, y, TITLE_WIDTH - 2, &label, theme.muted());
            canvas.paragraph(TITLE_WIDTH, y, lines, &text, tone(theme, style));
            y += lines;
        }
        y
    }

    /// How many lines it takes.
    pub(super) fn head_lines(&self, scene: Scene<'_>) -> u16 {
        let lines = self.head(scene, Some(scene.theme)).into_iter();
        lines.map(|(_, (_, text))| lines_of(scene, &text)).sum()
    }

    fn head(&self, scene: Scene<'_>, signs: Option<Theme>) -> Vec<(String, (Tone, String))> {
        let say = scene.say();
        let transfer = scene.snapshot.transfer;
        let counts = transfer.map(|transfer| (Tone::Plain, counts(scene, transfer)));
        let lines = [
            ("label-plugin", Some(plugin(scene))),
            ("label-now", Some(now(scene))),
            ("label-progress", Some(self.progress(scene, signs))),
            ("label-counts", counts),
            ("label-budget", Some(budget(scene))),
        ];
        let told = lines.into_iter();
        told.filter_map(|(label, told)| Some((say.text(label).to_owned(), told?)))
            .collect()
    }

    /// The same for whoever reads lines, and what is held below.
    pub(super) fn read_head(&self, scene: Scene<'_>) -> Vec<String> {
        let lines = self.head(scene, None).into_iter();
        let told = lines.map(|(label, (_, text))| scene.words.labelled(&label, &text));
        let say = scene.say();
        let group = say.text(self.own.grouping.title());
        let title = say.with("held-title", &[("group", group)]);
        told.chain([title]).collect()
    }

    /// The bar, the counts, the pace; as many of them as there is room for. A bar needs signs.
    fn progress(&self, scene: Scene<'_>, signs: Option<Theme>) -> (Tone, String) {
        let say = scene.say();
        let Some(transfer) = scene.snapshot.transfer else {
            return (Tone::Muted, "-".to_owned());
        };
        let mut parts = Vec::new();
        if let Some(part) = self.part(scene) {
            let percent = format!("{:.0} %", part * 100.0);
            let full = (part * 12.0).round() as usize;
            parts.push(signs.map_or(percent.clone(), |theme| {
                let rest = theme.sign("░", ".").repeat(12 - full);
                format!("{}{rest} {percent}", theme.sign("█", "#").repeat(full))
            }));
        }
        if let Some(rate) = self.own.pace.rate().filter(|rate| *rate > 0.0) {
            let rate = say.number(rate.round() as u64);
            parts.push(say.with("progress-pace", &[("rate", &rate)]));
        }
        if let Some((left, needed)) = self.calls_short(scene) {
            let (left, needed) = (say.number(left), say.number(needed));
            let gaps = [("left", left.as_str()), ("needed", needed.as_str())];
            parts.push(say.with("progress-short", &gaps));
            let eases = scene.snapshot.budget.and_then(|budget| budget.eases);
            parts.extend(eases.map(|eases| {
                let when = scene.words.relative(eases);
                say.with("progress-eases", &[("when", &when)])
            }));
        } else if is_sending(transfer) {
            parts.push(say.text("progress-sending").to_owned());
        } else if let Some(seconds) = self.seconds_left(scene) {
            let time = scene.words.span(Span::seconds(seconds as i64));
            parts.push(say.with("progress-left", &[("time", &time)]));
        }
        (Tone::Strong, parts.join(" · "))
    }

    pub(super) fn paint_list(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = scene.say();
        let lines = self.rows(scene);
        if lines.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "activities-empty");
            return;
        }
        canvas.rule(0);
        let group = say.text(self.own.grouping.title());
        let title = format!(" {} ", say.with("held-title", &[("group", group)]));
        canvas.text(1, 0, &title, theme.accent());
        let (width, height) = (canvas.width(), canvas.height());
        let room = super::list_room(0, height);
        let foot = foot(scene.width, room);
        let page = usize::from(room.saturating_sub(foot).max(1));
        let mut part = canvas.part(0, 1, width, height.saturating_sub(1));
        self.paint_rows(scene, &mut part, &lines, page);
        if let Some(line) = self.chosen(scene) {
            let y = height.saturating_sub(foot);
            canvas.rule(y);
            let mut part = canvas.part(0, y + 1, width, foot - 1);
            if let Some(told) = line.explained(scene) {
                paint_explained(&told, &mut part);
            }
        }
    }
}

/// Lines that a text takes beside its title.
fn lines_of(scene: Scene<'_>, text: &str) -> u16 {
    let room = usize::from(scene.width.saturating_sub(TITLE_WIDTH + 1));
    Safe::new(&scene.theme.spelled(text)).wrapped(room).len() as u16
}

/// Everything is read, and Salesforce has not answered yet.
const fn is_sending(transfer: Transfer) -> bool {
    transfer.kinds_read == transfer.kinds && transfer.gathered > 0 && !transfer.is_survey
}

fn plugin(scene: Scene<'_>) -> (Tone, String) {
    let say = scene.say();
    let policy = scene.words.policy;
    if !policy.activities {
        return (Tone::Person, say.text("activities-off").to_owned());
    }
    let (style, state) = if scene.snapshot.published {
        (Tone::Plain, say.text("plugin-published"))
    } else {
        (Tone::Person, say.text("plugin-unpublished"))
    };
    let types = policy.activity_types.len() as u64;
    let words = say.count_with("plugin-types", types, &[("state", state)]);
    (style, words)
}

fn now(scene: Scene<'_>) -> (Tone, String) {
    let say = scene.say();
    let snapshot = scene.snapshot;
    if let Some(transfer) = snapshot.transfer {
        let plan = snapshot
            .plans
            .iter()
            .find(|plan| Some(plan.run) == transfer.plan);
        let words = match plan {
            Some(plan) => plan_words(scene.words, plan),
            None if transfer.is_survey => say.text("now-survey").to_owned(),
            None => say.text("now-regular").to_owned(),
        };
        return (Tone::Strong, words);
    }
    if snapshot.paused.contains(&Queue::Activities) {
        return (Tone::Person, say.text("now-paused").to_owned());
    }
    if let Some(plan) = snapshot.plans.first() {
        let key = if plan.is_paused {
            "now-plan-paused"
        } else {
            "now-plan-waits"
        };
        let plan = plan_words(scene.words, plan);
        return (Tone::Strong, say.with(key, &[("plan", &plan)]));
    }
    let sent = scene
        .standing
        .data
        .as_ref()
        .map_or(0, |counts| counts.sent_activities);
    let sent = say.number(sent);
    (Tone::Muted, say.with("now-nothing", &[("sent", &sent)]))
}

fn counts(scene: Scene<'_>, transfer: Transfer) -> String {
    let say = scene.say();
    let number = |n| say.number(n);
    say.with(
        "progress-read",
        &[
            ("examined", &number(transfer.examined)),
            ("gathered", &number(transfer.gathered)),
            ("sent", &number(transfer.sent)),
            ("there", &number(transfer.already_there)),
            ("held", &number(transfer.held)),
        ],
    )
}

fn budget(scene: Scene<'_>) -> (Tone, String) {
    match scene.snapshot.budget {
        Some(budget) => budget_words(scene, budget),
        None => (Tone::Muted, "?".to_owned()),
    }
}
