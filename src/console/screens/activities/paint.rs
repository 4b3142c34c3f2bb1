//! What the screen of activities looks like.

use super::{Activities, Model, plan_words};
use crate::console::canvas::Canvas;
use crate::console::model::Tone;
use crate::console::screens::listing::Topic as _;
use crate::console::screens::overview::budget_words;
use crate::console::screens::{Scene, paint_empty, paint_explained};
use crate::console::theme::Theme;
use crate::console::view::tone;
use crate::domain::command::Queue;
use crate::domain::snapshot::Transfer;
use crate::domain::time::Span;

/// Columns of the titles on the left.
const TITLE_WIDTH: u16 = 16;

impl Model {
    pub(super) fn paint_head(&self, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let say = scene.say();
        let lines = [
            ("label-plugin", plugin(scene)),
            ("label-now", now(scene)),
            ("label-progress", self.progress(scene, Some(theme))),
            ("label-budget", budget(scene)),
        ];
        for (y, (label, (style, text))) in lines.into_iter().enumerate() {
            let y = y as u16;
            canvas.within(1, y, TITLE_WIDTH - 2, say.text(label), theme.muted());
            canvas.text(TITLE_WIDTH, y, &text, tone(theme, style));
        }
    }

    /// The same for whoever reads lines, and what is held below.
    pub(super) fn read_head(&self, scene: Scene<'_>) -> Vec<String> {
        let say = scene.say();
        let lines = [
            ("label-plugin", plugin(scene)),
            ("label-now", now(scene)),
            ("label-progress", self.progress(scene, None)),
            ("label-budget", budget(scene)),
        ];
        let told = lines.map(|(label, (_, text))| scene.words.labelled(say.text(label), &text));
        let counts = scene
            .snapshot
            .transfer
            .map(|transfer| counts(scene, transfer));
        let group = say.text(self.own.grouping.title());
        let title = say.with("held-title", &[("group", group)]);
        told.into_iter().chain(counts).chain([title]).collect()
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
        if is_sending(transfer) {
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
        if let Some(transfer) = scene.snapshot.transfer {
            canvas.text(TITLE_WIDTH, 0, &counts(scene, transfer), theme.plain());
        }
        let lines = self.rows(scene);
        let mut part = canvas.part(0, 1, canvas.width(), canvas.height().saturating_sub(1));
        let canvas = &mut part;
        if lines.is_empty() {
            paint_empty(scene, canvas, &self.slot, &self.filter, "activities-empty");
            return;
        }
        canvas.rule(0);
        let group = say.text(self.own.grouping.title());
        let title = format!(" {} ", say.with("held-title", &[("group", group)]));
        canvas.text(1, 0, &title, theme.accent());
        let page = Activities::page(canvas.height() + super::HEAD + 1);
        let height = canvas.height().saturating_sub(1);
        let mut part = canvas.part(0, 1, canvas.width(), height);
        self.paint_rows(scene, &mut part, &lines, page);
        if let Some(line) = self.chosen(scene) {
            let y = canvas.height().saturating_sub(4);
            canvas.rule(y);
            let height = canvas.height().saturating_sub(y + 1);
            let mut part = canvas.part(0, y + 1, canvas.width(), height);
            if let Some(told) = line.explained(scene) {
                paint_explained(&told, &mut part);
            }
        }
    }
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
