//! What a bundle says beside the screens: settings, versions, lines of the log. Read, not acted on.

use super::canvas::Canvas;
use super::keymap::Action;
use super::language::Language;
use super::list::Step;
use super::model::{Model, Overlay, Tone};
use super::update::{movement, say};
use crate::domain::time::Timestamp;

/// Lines and columns of the frame.
const FRAME: u16 = 2;

/// What a bundle is, when and by what it was made, and how much of the instance is in it; a bundle of
/// the first form has no contacts.
pub fn introduced(
    say: &Language,
    (name, version): (&str, &str),
    made: Timestamp,
    contacts: Option<(u64, u64)>,
) -> String {
    let key = match contacts {
        Some(_) => "bundle-opened",
        None => "bundle-opened-old",
    };
    let (is_in, all) = contacts.unwrap_or_default();
    let gaps = [
        ("name", name.to_owned()),
        ("at", made.to_string()),
        ("version", version.to_owned()),
        ("in", say.number(is_in)),
        ("all", say.number(all)),
    ];
    say.with(
        key,
        &gaps.each_ref().map(|(name, value)| (*name, value.as_str())),
    )
}

/// Opens them at their beginning; a console over a running sync has none.
pub(super) fn open(model: &mut Model) {
    if model.papers.is_empty() {
        say(model, Tone::Muted, "papers-none");
    } else {
        model.overlay = Some(Overlay::Papers(0));
    }
}

/// What a key does over them; `None` if it is for somewhere else.
pub(super) fn run(model: &mut Model, action: Action) -> Option<()> {
    let Some(Overlay::Papers(top)) = model.overlay else {
        return None;
    };
    let page = room(model.shell.body_height()).saturating_sub(1).max(1);
    let last = model.papers.len().saturating_sub(page + 1);
    let top = match (action, movement(action)) {
        (_, Some(Step::Down)) => top + 1,
        (_, Some(Step::Up)) => top.saturating_sub(1),
        (_, Some(Step::First)) => 0,
        (_, Some(Step::Last)) => last,
        (Action::Next, _) | (_, Some(Step::PageDown)) => top + page,
        (Action::Previous, _) | (_, Some(Step::PageUp)) => top.saturating_sub(page),
        (Action::Open | Action::Press | Action::Cancel, _) => {
            model.overlay = None;
            return Some(());
        }
        (Action::Copy, _) => {
            say(model, Tone::Muted, "nothing-to-copy");
            return Some(());
        }
        _ => return None,
    };
    model.overlay = Some(Overlay::Papers(top.min(last)));
    Some(())
}

fn room(height: u16) -> usize {
    usize::from(height.saturating_sub(FRAME)).max(1)
}

/// All of them as text.
pub(super) fn read(model: &Model) -> Vec<String> {
    let title = model.shell.language.text("papers-title").to_owned();
    std::iter::once(title)
        .chain(model.papers.iter().cloned())
        .collect()
}

pub(super) fn paint(model: &Model, top: usize, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let (width, height) = (canvas.width(), canvas.height());
    let room = room(height);
    let last = (top + room).min(model.papers.len());
    let gaps = [
        ("from", (top + 1).to_string()),
        ("to", last.to_string()),
        ("all", model.papers.len().to_string()),
    ];
    let gaps = gaps.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut part = canvas.part(0, 0, width, height);
    part.framed(&model.shell.language.with("papers-title-at", &gaps));
    for (row, line) in model.papers.iter().skip(top).take(room).enumerate() {
        let style = if line.starts_with("== ") {
            theme.strong()
        } else {
            theme.plain()
        };
        part.within(2, 1 + row as u16, width.saturating_sub(4), line, style);
    }
}
