//! The keys at the foot of the screen: what can be done here and now, the most useful first. A screen of
//! the common height has two lines for them. What finds no room is in the help, and the help's key, which
//! is always there, says how many those are.

use super::canvas::Canvas;
use super::keymap::Action;
use super::model::{Model, Overlay};
use super::safe::Safe;

/// Screens of at least so many lines give two of them to the keys.
const TWO_LINES_FROM: u16 = 24;

/// One key, and what it does here.
struct Hint {
    action: Action,
    key: String,
    label: String,
}

impl Hint {
    fn width(&self) -> u16 {
        (Safe::new(&self.key).width() + 1 + Safe::new(&self.label).width()) as u16
    }
}

/// Lines at the foot that are kept for keys.
pub(super) const fn lines(height: u16) -> u16 {
    if height >= TWO_LINES_FROM { 2 } else { 1 }
}

/// The last lines of the screen; a single line of keys is the last one.
pub(super) fn paint(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let height = canvas.height();
    let told = fitted(model, canvas.width(), usize::from(lines(height)));
    let top = height.saturating_sub(told.len() as u16);
    for (y, line) in (top..).zip(told) {
        let mut x = 1;
        for hint in line {
            x = canvas.text(x, y, &hint.key, theme.accent());
            x = canvas.text(x + 1, y, &hint.label, theme.muted()) + 2;
        }
    }
}

/// In so many lines at most. The key of the help stays, whatever else has to go.
fn fitted(model: &Model, width: u16, lines_max: usize) -> Vec<Vec<Hint>> {
    let contexts = model.contexts();
    let say = &model.shell.language;
    let all = || {
        let offered = offered(model).into_iter();
        let hints = offered.filter_map(|(action, label)| {
            Some(Hint {
                action,
                key: model.shell.keymap.hint(&contexts, action)?,
                label: say.text(label).to_owned(),
            })
        });
        hints.collect::<Vec<Hint>>()
    };
    let (whole, left_out) = fill(all(), width, lines_max, 0);
    if left_out == 0 {
        return whole;
    }
    let (help, others): (Vec<Hint>, Vec<Hint>) = all()
        .into_iter()
        .partition(|hint| hint.action == Action::Help);
    let Some(mut help) = help.into_iter().next() else {
        return whole;
    };
    let named = |left_out: usize| {
        let n = say.number(left_out as u64);
        say.with("hint-help-more", &[("n", &n)])
    };
    // Room for as many digits as the number can have.
    help.label = named(others.len());
    let (mut lines, left_out) = fill(others, width, lines_max, help.width() + 2);
    help.label = named(left_out);
    if let Some(last) = lines.last_mut() {
        last.push(help);
    }
    lines
}

/// Line by line, with so many cells of the last one left free; and how many found no room.
fn fill(hints: Vec<Hint>, width: u16, lines_max: usize, kept: u16) -> (Vec<Vec<Hint>>, usize) {
    let mut lines = vec![Vec::new()];
    let mut x = 1;
    let mut left_out = 0;
    for hint in hints {
        let needed = hint.width();
        if x + needed > width && lines.len() < lines_max {
            lines.push(Vec::new());
            x = 1;
        }
        let is_last = lines.len() == lines_max;
        let room = if is_last {
            width.saturating_sub(kept)
        } else {
            width
        };
        if x + needed > room {
            left_out += 1;
            continue;
        }
        x += needed + 2;
        if let Some(line) = lines.last_mut() {
            line.push(hint);
        }
    }
    (lines, left_out)
}

/// Of what lies over the screen, else of the screen itself.
fn offered(model: &Model) -> Vec<(Action, &'static str)> {
    if let Some(overlay) = &model.overlay {
        return over(model, overlay);
    }
    let role = model.shell.instance.role;
    let mut hints = model.screen().hints(model.scene());
    hints.retain(|(action, _)| role >= action.needed());
    if !model.papers.is_empty() {
        hints.push((Action::Papers, "hint-papers"));
    }
    for (action, label) in [
        (Action::Back, "hint-back"),
        (Action::Help, "hint-help"),
        (Action::Leave, "hint-leave"),
    ] {
        // A screen may have put it where it is more useful.
        if !hints.iter().any(|(known, _)| *known == action) {
            hints.push((action, label));
        }
    }
    hints
}

fn over(model: &Model, overlay: &Overlay) -> Vec<(Action, &'static str)> {
    match overlay {
        Overlay::Dialog(_) => vec![
            (Action::Next, "hint-next"),
            (Action::Press, "hint-press"),
            (Action::Accept, "hint-next"),
            (Action::Cancel, "hint-cancel"),
        ],
        Overlay::Here => vec![(Action::Cancel, "hint-close")],
        Overlay::Papers(_) => vec![
            (Action::Down, "hint-move"),
            (Action::PageDown, "hint-page"),
            (Action::Cancel, "hint-close"),
        ],
        Overlay::Access => super::access::hints(model),
        Overlay::Columns(_) => vec![
            (Action::Next, "hint-move"),
            (Action::ToggleColumn, "hint-toggle"),
            (Action::Cancel, "hint-close"),
        ],
        Overlay::Boxes(_) => vec![
            (Action::Next, "hint-move"),
            (Action::ToggleBox, "hint-tick"),
            (Action::Accept, "hint-take"),
            (Action::Cancel, "hint-cancel"),
        ],
        Overlay::Picker(_) => vec![
            (Action::Next, "hint-move"),
            (Action::Accept, "hint-take"),
            (Action::Cancel, "hint-cancel"),
        ],
        Overlay::Finder(_) => vec![
            (Action::Next, "hint-move"),
            (Action::Accept, "hint-do"),
            (Action::Cancel, "hint-close"),
        ],
        _ => vec![
            (Action::Accept, "hint-accept"),
            (Action::Cancel, "hint-cancel"),
        ],
    }
}
