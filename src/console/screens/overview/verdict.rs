//! Whether the sync is healthy, in one sentence; or what speaks against it.

use super::{Model, NUMBERS, Number, faults, gaps};
use crate::console::model::{SyncState, Tone};
use crate::console::screens::Scene;
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::time::Span;

/// A side that was not read for longer is not called healthy, whatever the schedule is.
const READ_AGE_MAX: Span = Span::hours(24);

/// Healthy is said only when nothing waits for a person, the set-up was looked at, the sync runs by
/// itself, and both sides were read to the end lately. What keeps it from being said is said instead, the
/// gravest first:
///
/// 0. the sync has ended: nothing of this is as it stands any more;
/// 1. nothing leaves: the brake, a pause, a side that does not let us work;
/// 2. something waits for a person;
/// 3. nobody knows yet: the store, or the doctor, has not answered;
/// 4. the sync does not run: not published;
/// 5. not everything was read: never, with gaps, or long ago;
/// 6. it is at work;
/// 7. nothing begins the next run.
pub(super) fn verdict(model: &Model, scene: Scene<'_>) -> (Tone, String) {
    let said = |tone, key| (tone, scene.say().text(key).to_owned());
    let snapshot = scene.snapshot;
    if scene.sync == SyncState::Ended {
        return said(Tone::Person, "verdict-ended");
    }
    if let Some(told) = held_back(scene) {
        return told;
    }
    if scene.standing.data.is_none() {
        return said(Tone::Muted, "loading");
    }
    if let Some(told) = waits_for_a_person(model, scene) {
        return told;
    }
    if faults(scene).is_none() {
        return said(Tone::Muted, "verdict-unexamined");
    }
    if !snapshot.published {
        return said(Tone::Person, "verdict-unpublished");
    }
    if let Some(told) = unread(scene) {
        return told;
    }
    if !snapshot.is_idle || scene.count(Mark::Pending) > 0 {
        return said(Tone::Plain, "verdict-working");
    }
    if snapshot.next_cycle.is_none() {
        return said(Tone::Plain, "verdict-unscheduled");
    }
    said(Tone::Strong, "verdict-healthy")
}

/// Nothing leaves, or not to everywhere.
fn held_back(scene: Scene<'_>) -> Option<(Tone, String)> {
    let say = scene.say();
    let snapshot = scene.snapshot;
    let text = if snapshot.is_braked {
        say.text("verdict-braked").to_owned()
    } else if !snapshot.paused.is_empty() {
        let paused = snapshot.paused.iter();
        let names: Vec<&str> = paused.map(|queue| scene.words.queue(*queue)).collect();
        say.with("verdict-paused", &[("queues", &names.join(", "))])
    } else if !snapshot.stopped.is_empty() {
        say.text("verdict-stopped").to_owned()
    } else {
        return None;
    };
    Some((Tone::Person, text))
}

fn waits_for_a_person(model: &Model, scene: Scene<'_>) -> Option<(Tone, String)> {
    let needs = NUMBERS
        .into_iter()
        // Consents that wait are conflicts, and counted as such.
        .filter(|number| !matches!(number, Number::Pending | Number::Consents))
        .map(|number| number.count(model, scene))
        .sum::<u64>();
    (needs > 0).then(|| (Tone::Person, scene.say().count("verdict-person", needs)))
}

/// Both sides were not read to the end, not without gaps, or not lately.
fn unread(scene: Scene<'_>) -> Option<(Tone, String)> {
    let say = scene.say();
    let Some(since) = scene.unread() else {
        return Some((Tone::Muted, say.text("verdict-unread").to_owned()));
    };
    let with_gaps = Side::BOTH.into_iter().find(|side| gaps(scene, *side) > 0);
    if let Some(side) = with_gaps {
        let gaps = [("side", &*side.to_string())];
        return Some((Tone::Person, say.with("verdict-gaps", &gaps)));
    }
    (since >= READ_AGE_MAX).then(|| {
        let time = scene.words.span(since);
        (Tone::Person, say.with("verdict-old", &[("time", &time)]))
    })
}
