//! Looking at both systems' set-up again, and making what is missing. Whoever may does it; here it is
//! only asked for, and shown before.

use super::tell;
use crate::console::dialog::{Dialog, Frozen};
use crate::console::model::{Model, Overlay, Tone};
use crate::console::query::{Mending, Query};
use crate::console::slot::Slot;
use crate::domain::command::Command;
use crate::domain::doctor::Finding;
use crate::domain::remedy::{Mended, Preview, Remedy};

/// One look at a time.
pub(in crate::console) fn look(model: &mut Model) {
    model.asked.looked = Some(model.shell.now);
    model.asked.look.get_or_insert_default();
    model.screens.doctor.own.is_looking = true;
}

/// It is over, well or not.
pub(in crate::console) fn looked(model: &mut Model) {
    model.asked.look = None;
    model.screens.doctor.own.is_looking = false;
}

/// What would be made is asked for first; its answer opens a dialog.
pub(in crate::console) fn ask(model: &mut Model) {
    if model.asked.mending.is_some() {
        tell(model, Tone::Muted, "mend-under-way");
        return;
    }
    let chosen = model.screens.doctor.pointed(model.scene());
    let Some(remedy) = chosen.map(|finding| finding.seen.remedy.clone()) else {
        tell(model, Tone::Muted, "choose-first");
        return;
    };
    let Some(remedy) = remedy else {
        tell(model, Tone::Plain, "mend-nothing");
        return;
    };
    tell(model, Tone::Plain, "mend-preparing");
    let query = Query::Preview(remedy.clone());
    model.asked.mending = Some((Slot::default(), query));
}

pub(in crate::console) fn mend(model: &mut Model, remedy: Remedy, reason: String) {
    tell(model, Tone::Plain, "mend-begun");
    model.asked.mending = Some((Slot::default(), Query::Mend(remedy, reason)));
}

/// The answer to either.
pub(in crate::console) fn answered(model: &mut Model, asked: Query, mending: Mending) {
    match (asked, mending) {
        (Query::Preview(remedy), Mending::Previewed(preview)) => offer(model, remedy, &preview),
        (asked, Mending::Made(mended)) => {
            let (tone, text) = told(model, &asked, &mended);
            model.shell.toast(tone, text);
            look(model);
        }
        (asked, Mending::Failed(why)) => {
            let why = model.shell.words().why_not(&why);
            let text = model.shell.language.with("mend-failed", &[("why", &why)]);
            model.shell.toast(Tone::Person, text);
            // Part of it may be there.
            if matches!(asked, Query::Mend(..)) {
                look(model);
            }
        }
        (_, Mending::Previewed(_)) => {}
    }
}

/// What was made, what was refused of it, and who sees it.
fn told(model: &Model, asked: &Query, mended: &Mended) -> (Tone, String) {
    let say = &model.shell.language;
    let names = mended.made.join(", ");
    if !mended.refused.is_empty() {
        let why = mended.refused.join(say.text("separator"));
        let gaps = [("names", names.as_str()), ("why", why.as_str())];
        let says = if mended.made.is_empty() {
            "mend-failed"
        } else {
            "mend-made-part"
        };
        return (Tone::Person, say.with(says, &gaps));
    }
    if mended.made.is_empty() {
        return (Tone::Strong, say.text("mend-there").to_owned());
    }
    let made = say.with("mend-made", &[("names", &names)]);
    match asked {
        Query::Mend(remedy, _) if remedy.is_ours_alone() => {
            (Tone::Strong, format!("{made}. {}", say.text("mend-ours")))
        }
        _ => (Tone::Strong, made),
    }
}

fn offer(model: &mut Model, remedy: Remedy, preview: &Preview) {
    if model.overlay.is_some() {
        // Nothing opens under the hands of somebody who went on to something else.
        tell(model, Tone::Plain, "mend-ready");
        return;
    }
    if let Some(refusal) = preview.refusals.first() {
        let say = &model.shell.language;
        let text = say.with("mend-refused", &[("why", refusal)]);
        model.shell.toast(Tone::Person, text);
        return;
    }
    if preview.steps.is_empty() {
        tell(model, Tone::Plain, "mend-there");
        look(model);
        return;
    }
    let lines = lines(model, &remedy, preview);
    let title = model.shell.language.text("dialog-mend").to_owned();
    let frozen = Frozen {
        command: Command::Mend(remedy),
        looked_at: None,
    };
    model.shell.toast = None;
    model.overlay = Some(Overlay::Dialog(Box::new(Dialog::new(title, lines, frozen))));
}

/// In which system, whether it would be taken, and every request.
fn lines(model: &Model, remedy: &Remedy, preview: &Preview) -> Vec<(Tone, String)> {
    let say = &model.shell.language;
    let side = remedy.side().to_string();
    let mut lines = vec![(Tone::Strong, say.with("mend-in", &[("side", &side)]))];
    if preview.is_tried {
        lines.push((Tone::Plain, say.text("mend-tried").to_owned()));
    }
    if remedy.is_ours_alone() {
        lines.push((Tone::Person, say.text("mend-ours").to_owned()));
    }
    let id = checked(model, remedy).map_or("", |finding| finding.check.id);
    lines.push((Tone::Muted, say.with("mend-whole", &[("check", id)])));
    for step in &preview.steps {
        let request = format!("{} {}", step.request, step.file);
        lines.push((Tone::Plain, request.trim_end().to_owned()));
        lines.extend(
            step.content
                .lines()
                .map(|line| (Tone::Muted, line.to_owned())),
        );
    }
    lines
}

fn checked<'a>(model: &'a Model, remedy: &Remedy) -> Option<&'a Finding> {
    let diagnosis = model.known.diagnosis.data.as_ref()?;
    let mut findings = diagnosis.findings.iter();
    findings.find(|finding| finding.seen.remedy.as_ref() == Some(remedy))
}
