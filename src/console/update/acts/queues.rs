//! Sending again what was given up.

use super::{SAMPLES_MAX, offer, tell};
use crate::console::dialog::{Dialog, Frozen};
use crate::console::model::{Model, Overlay, Tab, Tone};
use crate::console::query::Queues;
use crate::console::screens::queues::Row;
use crate::domain::command::{Command, Queue};
use crate::domain::ids::LinkId;

/// How much of what failed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Reach {
    Chosen,
    /// Everything that failed with the same code.
    Cause,
}

fn name_of(queues: Option<&Queues>, link: LinkId) -> String {
    let rows = queues.map_or(&[][..], |queues| &queues.writes.rows);
    let row = rows.iter().find(|row| row.brief.id == link);
    row.map_or_else(String::new, |row| row.brief.name.clone())
}

pub(in crate::console) fn offer_retry(model: &mut Model, reach: Reach) {
    let words = model.shell.words();
    let say = words.language;
    let chosen = model
        .queues
        .chosen(model.scene())
        .filter(|row| row.is_given_up());
    let Some(row) = chosen else {
        tell(model, Tone::Person, "nothing-to-retry");
        return;
    };
    let code = row.code().unwrap_or_default();
    let queues = model.queues.slot.data.as_ref();
    let same = |held: &&crate::domain::activity::HeldActivity| held.failure.code == code;
    let command = match (row, reach) {
        (Row::Write(write), Reach::Chosen) => Command::Retry {
            links: vec![write.brief.id],
        },
        (Row::Write(_), Reach::Cause) => Command::Retry {
            links: queues
                .and_then(|queues| queues.dead.get(&code).cloned())
                .unwrap_or_default(),
        },
        (Row::Held(held), Reach::Chosen) => Command::RetryActivities {
            held: vec![held.clone()],
        },
        (Row::Held(_), Reach::Cause) => Command::RetryActivities {
            held: queues.map_or_else(Vec::new, |queues| {
                queues.held.rows.iter().filter(same).cloned().collect()
            }),
        },
    };
    let (count, samples) = match &command {
        Command::Retry { links } => (
            links.len(),
            links
                .iter()
                .map(|link| words.titled(&name_of(queues, *link), *link))
                .collect::<Vec<_>>(),
        ),
        Command::RetryActivities { held } => (
            held.len(),
            held.iter().map(|held| held.activity.name.clone()).collect(),
        ),
        _ => (0, Vec::new()),
    };
    let kind = match row {
        Row::Write(_) => "retry-writes",
        Row::Held(_) => "retry-activities",
    };
    let mut lines = vec![
        (Tone::Strong, say.count(kind, count as u64)),
        (Tone::Plain, row.failure()),
    ];
    lines.extend(
        samples
            .into_iter()
            .take(SAMPLES_MAX)
            .map(|sample| (Tone::Muted, sample)),
    );
    if count > SAMPLES_MAX {
        let more = (count - SAMPLES_MAX) as u64;
        lines.push((Tone::Muted, say.count("not-shown-lines", more)));
    }
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(say.text("dialog-retry").to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// Drops one write or one event for good.
pub(in crate::console) fn offer_discard(model: &mut Model) {
    let words = model.shell.words();
    let say = words.language;
    let chosen = model
        .queues
        .chosen(model.scene())
        .filter(|row| row.is_given_up());
    let Some(row) = chosen else {
        tell(model, Tone::Person, "nothing-to-discard");
        return;
    };
    let (count, name, command) = match row {
        Row::Write(write) => (
            "discard-writes",
            words.titled(&write.brief.name, write.brief.id),
            Command::Discard {
                links: vec![write.brief.id],
            },
        ),
        Row::Held(held) => (
            "discard-activities",
            held.activity.name.clone(),
            Command::DiscardActivities {
                held: vec![held.clone()],
            },
        ),
    };
    let lines = vec![
        (Tone::Strong, say.count(count, 1)),
        (Tone::Plain, name),
        (Tone::Muted, row.failure()),
        (Tone::Person, say.text("discard-not-undone").to_owned()),
    ];
    let word = say.text("discard-word").to_owned();
    let title = say.text("dialog-discard").to_owned();
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(title, lines, frozen).with_word(&word, "dialog-word-discard");
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// Pauses the queue of the chosen row, or lets go on what is paused.
pub(in crate::console) fn offer_pause(model: &mut Model) {
    let paused = &model.snapshot.paused;
    let chosen = match model.tab {
        Tab::Activities => Some(Queue::Activities),
        _ => model.queues.chosen(model.scene()).map(Row::queue),
    };
    let queue = match chosen {
        Some(queue) => queue,
        None => match paused.iter().next() {
            Some(queue) => *queue,
            None => return tell(model, Tone::Person, "nothing-chosen-here"),
        },
    };
    let (title, explained, command) = if paused.contains(&queue) {
        ("dialog-resume", "resume-explained", Command::Resume(queue))
    } else {
        ("dialog-pause", "pause-explained", Command::Pause(queue))
    };
    let words = model.shell.words();
    let name = words.queue(queue);
    let text = words.language.with(explained, &[("queue", name)]);
    offer(model, title, vec![(Tone::Plain, text)], command);
}

pub(in crate::console) fn offer_release(model: &mut Model) {
    if !model.snapshot.is_braked {
        return tell(model, Tone::Muted, "brake-not-pulled");
    }
    let say = &model.shell.language;
    let mut lines = vec![(Tone::Person, say.text("release-brake-explained").to_owned())];
    for (side, count) in &model.snapshot.queued {
        let n = say.number(*count);
        lines.push((Tone::Strong, format!("{side}: {n}")));
    }
    offer(model, "dialog-release-brake", lines, Command::ReleaseBrake);
}
