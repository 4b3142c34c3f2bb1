//! What Automation's webhooks told, in one line, where they are received.

use crate::console::model::Tone;
use crate::console::screens::Scene;

pub(super) fn line(scene: Scene<'_>) -> Option<(String, (Tone, String))> {
    let say = scene.say();
    let hearing = scene.snapshot.hearing?;
    let mut parts = vec![say.count("webhooks-received", hearing.received)];
    if let Some(last) = hearing.last {
        let when = scene.words.relative(last);
        parts.push(say.with("webhooks-last", &[("when", &when)]));
    }
    let lost = hearing.refused + hearing.unreadable;
    if lost > 0 {
        parts.push(say.count("webhooks-refused", lost));
    }
    if hearing.dropped > 0 {
        parts.push(say.count("webhooks-dropped", hearing.dropped));
    }
    let words = parts.join(say.text("separator"));
    Some((say.text("label-webhooks").to_owned(), (Tone::Plain, words)))
}
