//! Who is here, and what is being done: over any screen, and gone with a key.

use super::canvas::Canvas;
use super::model::{Model, Tone};
use super::safe::Safe;
use super::view::tone;
use super::words::{Words, clock};
use crate::domain::operator::Present;
use crate::domain::record::Plan;
use crate::domain::snapshot::{Phase, Snapshot};

/// Lines of the frame, and between the two lists.
const FRAME: usize = 2;

/// What stands in it.
fn lines(model: &Model) -> Vec<(Tone, String)> {
    let words = model.shell.words();
    let say = words.language;
    let mut lines = vec![(Tone::Muted, say.text("here-who").to_owned())];
    let me = model.shell.instance.session;
    for present in model.shell.present.iter() {
        lines.push((Tone::Plain, person(words, present, present.session == me)));
    }
    lines.push((Tone::Plain, String::new()));
    lines.push((Tone::Muted, say.text("here-tasks").to_owned()));
    let tasks = tasks(words, &model.known.snapshot);
    if tasks.is_empty() {
        lines.push((Tone::Plain, say.text("here-nothing").to_owned()));
    }
    lines.extend(tasks.into_iter().map(|task| (Tone::Plain, task)));
    lines
}

/// `claire, operator, ssh 192.0.2.7, since 12:03:04 UTC: link 12`.
fn person(words: Words<'_>, present: &Present, is_me: bool) -> String {
    let say = words.language;
    let key = if is_me { "here-me" } else { "here-person" };
    let gaps = [
        ("who", present.operator.name.as_str()),
        ("role", words.right(present.role)),
        ("from", present.operator.from.as_str()),
        ("since", &clock(present.since)),
    ];
    let mut line = say.with(key, &gaps);
    if let Some(link) = present.looks_at {
        let looks = say.with("here-looks", &[("link", &link.to_string())]);
        line = say.labelled(&line, &looks);
    }
    line
}

fn tasks(words: Words<'_>, snapshot: &Snapshot) -> Vec<String> {
    let say = words.language;
    let mut tasks = Vec::new();
    if snapshot.phase != Phase::Idle {
        let waiting: u64 = snapshot.queued.values().sum::<u64>() + snapshot.waiting;
        let gaps = [
            ("phase", words.phase(snapshot.phase)),
            ("waiting", &say.number(waiting)),
        ];
        tasks.push(say.with("here-cycle", &gaps));
    }
    tasks.extend(snapshot.plans.iter().map(|plan| task(words, plan)));
    tasks
}

fn task(words: Words<'_>, plan: &Plan) -> String {
    let say = words.language;
    let key = if plan.is_paused {
        "here-plan-paused"
    } else {
        "here-plan"
    };
    let gaps = [
        ("run", plan.run.to_string()),
        ("by", plan.operator.clone()),
        ("examined", say.number(plan.examined)),
        ("sent", say.number(plan.sent)),
        ("reason", plan.reason.clone()),
    ];
    let gaps = gaps.each_ref().map(|(name, value)| (*name, value.as_str()));
    say.with(key, &gaps)
}

/// The same as text.
pub(super) fn read(model: &Model) -> Vec<String> {
    let title = model.shell.language.text("here-title").to_owned();
    let lines = lines(model).into_iter().map(|(_, line)| line);
    let lines = lines.filter(|line| !line.is_empty());
    std::iter::once(title).chain(lines).collect()
}

pub(super) fn paint(model: &Model, canvas: &mut Canvas<'_>) {
    let say = &model.shell.language;
    let theme = canvas.theme;
    let width = canvas.width().saturating_sub(4).min(100);
    let inner = usize::from(width.saturating_sub(4));
    let wrap = |(style, line): (Tone, String)| {
        let parts = Safe::new(&theme.spelled(&line)).wrapped(inner).into_iter();
        parts.map(move |part| (style, part.into_string()))
    };
    let lines: Vec<(Tone, String)> = lines(model).into_iter().flat_map(wrap).collect();
    let room = usize::from(canvas.height()).saturating_sub(FRAME);
    let shown = lines.len().min(room);
    let (x, height) = (
        canvas.width().saturating_sub(width) / 2,
        (shown + FRAME) as u16,
    );
    let y = canvas.height().saturating_sub(height) / 2;
    let mut part = canvas.part(x, y, width, height);
    part.framed(say.text("here-title"));
    for (index, (style, line)) in lines.iter().take(shown).enumerate() {
        let y = 1 + index as u16;
        let inner = width.saturating_sub(4);
        if index + 1 == shown && shown < lines.len() {
            let more = say.count("not-shown-lines", (lines.len() - index) as u64);
            part.within(2, y, inner, &more, theme.person());
        } else {
            part.within(2, y, inner, line, tone(theme, *style));
        }
    }
}
