//! Backfills and republishing: how far back, what it would do, begun; and events that were refused.

use super::{SAMPLES_MAX, tell};
use crate::console::dialog::{Dialog, Frozen};
use crate::console::field::{Field, Lines};
use crate::console::model::{Model, Overlay, Prompt, Tab, Tone};
use crate::console::msg::Effect;
use crate::console::screens::activities::{Draft, causes};
use crate::console::words::moment;
use crate::domain::activity::{HeldActivity, REPUBLISH_REACH, calls_to_send};
use crate::domain::command::{Command, Steer, Survey};
use crate::domain::record::PlanKind;
use crate::domain::time::Span;

/// Counting that took less says nothing about how long the plan takes.
const TOLD_FROM: Span = Span::seconds(5);

/// Asks how far back a backfill reaches.
pub(in crate::console) fn ask_window(model: &mut Model) {
    if !may_begin(model) {
        return;
    }
    let say = &model.shell.language;
    let prompt = Prompt::new(
        say.text("backfill-title").to_owned(),
        say.text("backfill-hint").to_owned(),
        Field::new(Lines::One, say.text("backfill-usual")),
    );
    model.overlay = Some(Overlay::Window(prompt));
}

/// Enter in the prompt: the counting begins, or the prompt says what is wrong.
pub(in crate::console) fn take_window(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Window(prompt)) = &mut model.overlay else {
        return Vec::new();
    };
    let reach = Span::parse_reach(&prompt.field.text()).filter(|span| *span > Span::ZERO);
    let Some(reach) = reach else {
        prompt.problem = Some(model.shell.language.text("not-a-span").to_owned());
        return Vec::new();
    };
    model.overlay = None;
    count(model, PlanKind::Backfill, reach)
}

pub(in crate::console) fn republish(model: &mut Model) -> Vec<Effect> {
    if may_begin(model) {
        count(model, PlanKind::Republish, REPUBLISH_REACH)
    } else {
        Vec::new()
    }
}

fn may_begin(model: &mut Model) -> bool {
    if !model.shell.policy.activities {
        tell(model, Tone::Person, "activities-off");
    } else if !model.known.snapshot.plans.is_empty() {
        tell(model, Tone::Person, "plan-already");
    } else if matches!(model.screens.activities.own.draft, Draft::Counting(_)) {
        tell(model, Tone::Muted, "counting-already");
    } else {
        return true;
    }
    false
}

/// Counting reads and writes nothing, so it asks for no reason.
fn count(model: &mut Model, kind: PlanKind, reach: Span) -> Vec<Effect> {
    let until = model.shell.now;
    model.screens.activities.own.draft = Draft::Counting(until);
    tell(model, Tone::Strong, "counting");
    vec![Effect::Command {
        reason: String::new(),
        command: Command::Survey {
            kind,
            from: until - reach,
            until,
        },
    }]
}

/// No numbers will come: it can be asked again.
pub(in crate::console) fn count_lost(model: &mut Model) {
    if matches!(model.screens.activities.own.draft, Draft::Counting(_)) {
        model.screens.activities.own.draft = Draft::None;
    }
}

/// The numbers are there: the dialog opens by itself where the operator waits for it.
pub(in crate::console) fn counted(model: &mut Model, survey: Survey) {
    model.screens.activities.counted(survey, model.shell.now);
    if model.tab == Tab::Activities && model.overlay.is_none() {
        offer_plan(model);
    }
}

pub(in crate::console) fn offer_plan(model: &mut Model) {
    let draft = &mut model.screens.activities.own.draft;
    let Draft::Counted(survey, took) = draft.clone() else {
        return;
    };
    *draft = Draft::None;
    let say = &model.shell.language;
    let title = match survey.kind {
        PlanKind::Backfill => "dialog-backfill",
        PlanKind::Republish => "dialog-republish",
    };
    let lines = plan_lines(model, &survey, took);
    let command = Command::Backfill {
        kind: survey.kind,
        from: survey.from,
        until: survey.until,
    };
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(say.text(title).to_owned(), lines, frozen);
    model.screens.activities.own.expected = Some(survey);
    model.shell.toast = None;
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

fn plan_lines(model: &Model, survey: &Survey, took: Span) -> Vec<(Tone, String)> {
    let words = model.shell.words();
    let say = words.language;
    let number = |n| say.number(n);
    let window = [
        ("from", moment(survey.from)),
        ("until", moment(survey.until)),
    ];
    let window = window.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mut lines = vec![(Tone::Muted, say.with("survey-window", &window))];
    if survey.to_send == 0 {
        lines.push((Tone::Strong, say.text("survey-nothing").to_owned()));
    } else {
        let (n, people) = (number(survey.to_send), number(survey.people));
        let text = say.with("survey-send", &[("n", &n), ("people", &people)]);
        lines.push((Tone::Strong, text));
        let names = survey.samples.join(", ");
        let text = say.with("survey-samples", &[("names", &names)]);
        lines.push((Tone::Muted, text));
    }
    if survey.kind == PlanKind::Republish {
        let key = if model.known.snapshot.published {
            "survey-republish-stays"
        } else {
            "survey-republish-again"
        };
        lines.push((Tone::Plain, say.text(key).to_owned()));
    }
    for (key, count) in [
        ("survey-there", survey.already_there),
        ("survey-left-out", survey.left_out),
    ] {
        if count > 0 {
            lines.push((Tone::Plain, say.with(key, &[("n", &number(count))])));
        }
    }
    let calls = calls_to_send(survey.to_send);
    let left = model.known.snapshot.budget.map(|budget| {
        let left = budget.allowed.saturating_sub(budget.spent);
        number(u64::from(left.saturating_sub(budget.reserved)))
    });
    lines.push((
        Tone::Plain,
        match left {
            Some(left) => say.count_with("survey-calls", calls, &[("left", &left)]),
            None => say.with("survey-calls-unknown", &[("n", &number(calls))]),
        },
    ));
    if survey.to_send > 0 && took >= TOLD_FROM {
        let time = words.span(took);
        lines.push((Tone::Muted, say.with("survey-time", &[("time", &time)])));
    }
    lines.push((Tone::Muted, say.text("survey-leave").to_owned()));
    lines
}

pub(in crate::console) fn offer_stop(model: &mut Model) {
    steer(model, |_| {
        (Steer::Stop, "dialog-stop-plan", "stop-plan-explained")
    });
}

pub(in crate::console) fn offer_hold(model: &mut Model) {
    steer(model, |is_paused| {
        if is_paused {
            (Steer::Resume, "dialog-resume-plan", "resume-plan-explained")
        } else {
            (Steer::Pause, "dialog-pause-plan", "pause-plan-explained")
        }
    });
}

fn steer(model: &mut Model, how: impl Fn(bool) -> (Steer, &'static str, &'static str)) {
    let Some(plan) = model.known.snapshot.plans.first() else {
        tell(model, Tone::Person, "no-plan");
        return;
    };
    let say = &model.shell.language;
    let (steer, title, explained) = how(plan.is_paused);
    let run = plan.run.to_string();
    let words = model.shell.words();
    let lines = vec![
        (
            Tone::Strong,
            crate::console::screens::activities::plan_words(words, plan),
        ),
        (Tone::Plain, say.with(explained, &[("run", &run)])),
    ];
    let frozen = Frozen {
        command: Command::SteerPlan {
            run: plan.run,
            steer,
        },
        looked_at: None,
    };
    let dialog = Dialog::new(say.text(title).to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

fn chosen(model: &Model) -> Vec<HeldActivity> {
    let line = model.screens.activities.chosen(model.scene());
    line.map_or_else(Vec::new, |line| {
        line.members.iter().map(|row| row.held.clone()).collect()
    })
}

/// Sends the chosen line again: one event, or all that have its cause, type or contact.
pub(in crate::console) fn offer_retry(model: &mut Model) {
    let held = chosen(model);
    let command = Command::RetryActivities { held: held.clone() };
    offer(
        model,
        &held,
        ("dialog-retry", "retry-activities"),
        command,
        false,
    );
}

pub(in crate::console) fn offer_discard(model: &mut Model) {
    let held = chosen(model);
    let command = Command::DiscardActivities { held: held.clone() };
    offer(
        model,
        &held,
        ("dialog-discard", "discard-activities"),
        command,
        true,
    );
}

fn offer(
    model: &mut Model,
    held: &[HeldActivity],
    (title, count): (&str, &str),
    command: Command,
    is_final: bool,
) {
    if held.is_empty() {
        tell(model, Tone::Person, "nothing-chosen-here");
        return;
    }
    let say = &model.shell.language;
    let mut lines = vec![(Tone::Strong, say.count(count, held.len() as u64))];
    if is_final {
        lines.push((Tone::Person, say.text("discard-not-undone").to_owned()));
    }
    let causes = causes(held.iter());
    let is_one = causes.len() == 1;
    lines.extend(causes.into_iter().map(|(count, held)| {
        let why = held.failure.to_string();
        let n = say.number(count);
        let told = if is_one { why } else { say.labelled(&n, &why) };
        (Tone::Plain, told)
    }));
    let unread = model.screens.activities.slot.data.as_ref();
    let unread = unread.map_or(0, |held| held.rows.more);
    if unread > 0 {
        lines.push((Tone::Person, say.count("not-in-list-events", unread)));
    }
    let samples = held.iter().take(SAMPLES_MAX);
    lines.extend(samples.map(|held| (Tone::Muted, held.activity.name.clone())));
    if let Some(more) = held.len().checked_sub(SAMPLES_MAX).filter(|n| *n > 0) {
        lines.push((Tone::Muted, say.count("not-shown-lines", more as u64)));
    }
    let word = say.text("discard-word").to_owned();
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let mut dialog = Dialog::new(say.text(title).to_owned(), lines, frozen);
    if is_final {
        dialog = dialog.with_word(&word, "dialog-word-discard");
    }
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}
