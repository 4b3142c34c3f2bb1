//! Sending again or dropping what was given up, pausing a queue, letting the brake go.

use super::{SAMPLES_MAX, bulk, offer, tell};
use crate::console::dialog::{Dialog, Frozen};
use crate::console::field::{Field, Lines};
use crate::console::model::{Model, Overlay, Prompt, Tab, Tone};
use crate::console::query::{HeldRow, QueuedWrite, Queues, Ticket};
use crate::console::screens::decide::on_its_way;
use crate::console::screens::queues::Row;
use crate::console::slot::{Slot, Waiting as _};
use crate::console::words::Words;
use crate::domain::command::{Command, GivenUp, Queue};
use crate::domain::ids::{Kind, LinkId, Side};
use crate::domain::link::PendingState;

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
        .screens
        .queues
        .chosen(model.scene())
        .filter(|row| row.is_given_up());
    let Some(row) = chosen else {
        tell(model, Tone::Person, "nothing-to-retry");
        return;
    };
    let code = row.code().unwrap_or_default();
    let queues = model.screens.queues.slot.data.as_ref();
    let same = |row: &&HeldRow| row.held.failure.code == code;
    let command = match (row, reach) {
        (Row::Write(write), Reach::Chosen) => Command::Retry {
            links: vec![write.brief.id],
        },
        (Row::Write(_), Reach::Cause) => Command::Retry {
            links: queues
                .and_then(|queues| queues.dead.get(&code).cloned())
                .unwrap_or_default(),
        },
        (Row::Held(row), Reach::Chosen) => Command::RetryActivities {
            held: vec![row.held.clone()],
        },
        (Row::Held(_), Reach::Cause) => Command::RetryActivities {
            held: queues.map_or_else(Vec::new, |queues| {
                let rows = queues.held.rows.iter().filter(same);
                rows.map(|row| row.held.clone()).collect()
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
    // Writes are all known by their cause; of events only those that were read.
    let unread = queues.map_or(0, |queues| queues.held.more);
    if unread > 0 && matches!((row, reach), (Row::Held(_), Reach::Cause)) {
        lines.insert(1, (Tone::Person, say.count("not-in-list-events", unread)));
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
        .screens
        .queues
        .chosen(model.scene())
        .filter(|row| row.is_given_up());
    let Some(row) = chosen else {
        tell(model, Tone::Person, "nothing-to-discard");
        return;
    };
    let (count, mut named, command) = match row {
        Row::Write(write) => {
            let named = vec![
                (Tone::Plain, words.titled(&write.brief.name, write.brief.id)),
                (Tone::Plain, carried(words, write)),
            ];
            let looked_at = GivenUp {
                link: write.brief.id,
                looked_at: write.pending.clone(),
            };
            let writes = vec![looked_at];
            ("discard-writes", named, Command::Discard { writes })
        }
        Row::Held(row) => (
            "discard-activities",
            vec![
                (Tone::Plain, words.titled(&row.brief.name, row.brief.id)),
                (Tone::Plain, row.held.activity.name.clone()),
            ],
            Command::DiscardActivities {
                held: vec![row.held.clone()],
            },
        ),
    };
    let mut lines = vec![
        (Tone::Strong, say.count(count, 1)),
        (Tone::Person, say.text("discard-not-undone").to_owned()),
    ];
    lines.append(&mut named);
    lines.push((Tone::Muted, row.failure()));
    let word = say.text("discard-word").to_owned();
    let title = say.text("dialog-discard").to_owned();
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(title, lines, frozen).with_word(&word, "dialog-word-discard");
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// Asks which queue: one without rows can be paused too. That of the chosen row is offered.
pub(in crate::console) fn ask_pause(model: &mut Model) {
    if model.tab == Tab::Activities {
        offer_pause(model, Queue::Activities);
        return;
    }
    let paused = &model.known.snapshot.paused;
    let words = model.shell.words();
    let say = words.language;
    let offered = model.screens.queues.chosen(model.scene()).map(Row::queue);
    let offered = offered.or_else(|| paused.iter().next().copied());
    let offered = offered.unwrap_or(Queue::Salesforce);
    let named = Queue::ALL.iter().zip(1..).map(|(queue, number)| {
        let name = words.queue(*queue);
        if paused.contains(queue) {
            let paused = say.text("pause-which-paused");
            format!("{number} {name} ({paused})")
        } else {
            format!("{number} {name}")
        }
    });
    let hint = named.collect::<Vec<_>>().join(say.text("separator"));
    let number = Queue::ALL
        .iter()
        .zip(1..)
        .find(|(queue, _)| **queue == offered);
    let number = number.map_or_else(String::new, |(_, number): (_, usize)| number.to_string());
    let title = say.text("pause-which").to_owned();
    let prompt = Prompt::new(title, hint, Field::new(Lines::One, &number));
    model.overlay = Some(Overlay::Queue(prompt));
}

/// Enter in the number of a queue: the dialog, or that it is none.
pub(in crate::console) fn take_queue(model: &mut Model) {
    let Some(Overlay::Queue(prompt)) = &mut model.overlay else {
        return;
    };
    let number: Option<usize> = prompt.field.text().trim().parse().ok();
    let queue = number.and_then(|number| Queue::ALL.get(number.checked_sub(1)?));
    match queue {
        Some(queue) => offer_pause(model, *queue),
        None => prompt.problem = Some(model.shell.language.text("not-a-queue").to_owned()),
    }
}

/// Pauses a queue, or lets it go on if it is paused.
fn offer_pause(model: &mut Model, queue: Queue) {
    let (title, explained, command) = if model.known.snapshot.paused.contains(&queue) {
        ("dialog-resume", "resume-explained", Command::Resume(queue))
    } else {
        ("dialog-pause", "pause-explained", Command::Pause(queue))
    };
    let words = model.shell.words();
    let name = words.queue(queue);
    let text = words.language.with(explained, &[("queue", name)]);
    offer(model, title, vec![(Tone::Plain, text)], command);
}

/// What waits behind the brake is read first: nothing is let go unseen.
pub(in crate::console) fn ask_release(model: &mut Model) {
    if model.known.snapshot.is_braked {
        model.asked.release = Some(Slot::default());
    } else {
        tell(model, Tone::Muted, "brake-not-pulled");
    }
}

/// Whether that is what the answer is to.
pub(in crate::console) fn awaits(model: &mut Model, ticket: Ticket) -> bool {
    let release = &mut model.asked.release;
    release
        .take_if(|slot| slot.is_waiting_for(ticket))
        .is_some()
}

/// How much leaves, of whom, at what cost; and that nothing of it comes back.
pub(in crate::console) fn offer_release(model: &mut Model, queues: &Queues) {
    if model.overlay.is_some() {
        return tell(model, Tone::Person, "answer-dropped");
    }
    if !model.known.snapshot.is_braked {
        return tell(model, Tone::Muted, "brake-not-pulled");
    }
    let words = model.shell.words();
    let say = words.language;
    let mut lines = vec![(Tone::Person, say.text("release-brake-explained").to_owned())];
    for (side, count) in &model.known.snapshot.queued {
        let n = say.number(*count);
        lines.push((Tone::Strong, say.labelled(&side.to_string(), &n)));
    }
    let written = model.known.snapshot.queued.get(&Side::Salesforce);
    let calls = bulk::calls(written.copied().unwrap_or_default());
    lines.push((Tone::Muted, say.count("bulk-calls", calls)));
    lines.push((Tone::Person, say.text("release-not-undone").to_owned()));
    let waits = |row: &&QueuedWrite| row.pending.state == PendingState::Planned;
    let waiting = queues.writes.rows.iter().filter(waits);
    let samples = waiting.take(SAMPLES_MAX).map(|row| {
        let whom = words.titled(&row.brief.name, row.brief.id);
        (Tone::Muted, say.labelled(&whom, &carried(words, row)))
    });
    lines.extend(samples);
    let title = say.text("dialog-release-brake").to_owned();
    let word = say.text("release-word").to_owned();
    let frozen = Frozen {
        command: Command::ReleaseBrake {
            writes: model.known.snapshot.queued.values().sum(),
        },
        looked_at: None,
    };
    let dialog = Dialog::new(title, lines, frozen).with_word(&word, "dialog-word-discard");
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// Where to, how it stands, and what it carries.
fn carried(words: Words<'_>, write: &QueuedWrite) -> String {
    let record = write.brief.records.first();
    let kind = record.map_or(Kind::Person, |record| record.kind());
    on_its_way(words, kind, &write.pending)
}
