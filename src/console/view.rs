//! Paints the model: tabs and title on top, the screen, one line for what just happened, one for the
//! keys that do something here.

use ratatui::Frame;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::keymap::Action;
use super::model::{Ground, HEIGHT_MIN, Model, Overlay, Prompt, SyncState, Tab, Tone, WIDTH_MIN};
use super::safe::Safe;
use super::screens::overview;
use super::theme::Theme;
use super::words::clock;
use crate::domain::link::Mark;
use crate::domain::snapshot::Phase;

/// The first line of a screen's own.
pub(super) const BODY_TOP: u16 = 3;

pub(super) fn tone(theme: Theme, tone: Tone) -> Style {
    match tone {
        Tone::Plain => theme.plain(),
        Tone::Muted => theme.muted(),
        Tone::Strong => theme.strong(),
        Tone::Person => theme.person(),
    }
}

/// Paints a frame. Asks nothing, changes nothing.
pub fn view(model: &Model, frame: &mut Frame<'_>) {
    let mut canvas = Canvas::new(frame.buffer_mut(), model.shell.theme);
    let (width, height) = (canvas.width(), canvas.height());
    if width < WIDTH_MIN || height < HEIGHT_MIN {
        too_small(model, &mut canvas);
        return;
    }
    paint_tabs(model, &mut canvas);
    paint_title(model, &mut canvas);
    canvas.rule(2);
    let body_height = height.saturating_sub(BODY_TOP + 2);
    let mut body = canvas.part(0, BODY_TOP, width, body_height);
    let words = model.shell.words();
    match model.tab {
        Tab::Overview => overview::paint(model, &mut body),
        Tab::Queues => model.queues.paint(words, &mut body),
        Tab::Conflicts => match &model.conflicts.open {
            Some(open) => open.paint(words, &mut body),
            None => model.conflicts.paint(words, &mut body),
        },
        Tab::Contacts => model.contacts.paint(words, &mut body),
    }
    match &model.overlay {
        None => {}
        Some(Overlay::Finder(finder)) => finder.paint(&mut body, &model.shell.language),
        Some(Overlay::Dialog(dialog)) => dialog.paint(&mut body, &model.shell.language),
        Some(Overlay::Filter(prompt) | Overlay::Search(prompt)) => {
            paint_prompt(prompt, &mut body, 1);
        }
        Some(Overlay::Editor(prompt)) => paint_prompt(prompt, &mut body, 4),
    }
    paint_toast(model, &mut canvas);
    paint_hints(model, &mut canvas);
}

fn too_small(model: &Model, canvas: &mut Canvas<'_>) {
    let say = &model.shell.language;
    let size = format!("{}×{}", canvas.width(), canvas.height());
    let least = format!("{WIDTH_MIN}×{HEIGHT_MIN}");
    let text = say.with("too-small", &[("size", &size), ("least", &least)]);
    let lines = canvas.height();
    canvas.paragraph(0, 0, lines, &text, canvas.theme.plain());
}

/// The tabs with their places: the count of conflicts stays in sight everywhere.
fn tabs(model: &Model) -> Vec<(Tab, u16, String)> {
    let say = &model.shell.language;
    let mut x = banner_width(model);
    Tab::ALL
        .into_iter()
        .enumerate()
        .map(|(index, tab)| {
            let title = say.text(tab.title());
            let conflicts = model.count(Mark::Conflict);
            let text = if tab == Tab::Conflicts && conflicts > 0 {
                format!(" {} {title} !{conflicts} ", index + 1)
            } else {
                format!(" {} {title} ", index + 1)
            };
            let at = x;
            x += Safe::new(&text).width() as u16;
            (tab, at, text)
        })
        .collect()
}

pub(super) fn tab_at(model: &Model, column: u16) -> Option<Tab> {
    tabs(model)
        .into_iter()
        .find(|(_, x, text)| (*x..*x + Safe::new(text).width() as u16).contains(&column))
        .map(|(tab, ..)| tab)
}

fn banner(model: &Model) -> String {
    match model.shell.instance.ground {
        Ground::Practice => format!(" {} ", model.shell.language.text("practice")),
        Ground::Real => format!(" {} ", model.shell.instance.name),
    }
}

fn banner_width(model: &Model) -> u16 {
    Safe::new(&banner(model)).fit(20).width() as u16 + 1
}

fn paint_tabs(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let style = match model.shell.instance.ground {
        Ground::Practice => theme.practice(),
        Ground::Real => theme.accent(),
    };
    canvas.within(0, 0, 20, &banner(model), style);
    for (tab, x, text) in tabs(model) {
        let is_waiting = tab == Tab::Conflicts && model.count(Mark::Conflict) > 0;
        let style = match (tab == model.tab, is_waiting) {
            (true, _) => theme.selected(),
            (false, true) => theme.person(),
            (false, false) => theme.plain(),
        };
        canvas.text(x, 0, &text, style);
    }
}

fn paint_title(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let words = model.shell.words();
    let say = words.language;
    let (title, at, error) = title(model);
    let right = match (error, at) {
        (Some(error), _) => error,
        (None, Some(at)) => say.with("as-of", &[("at", &clock(at))]),
        (None, None) => String::new(),
    };
    let right_width = Safe::new(&right)
        .width()
        .min(usize::from(canvas.width() / 2)) as u16;
    let left = canvas.width().saturating_sub(right_width + 3);
    canvas.within(1, 1, left, &title, theme.strong());
    let style = if error_of(model).is_some() {
        theme.person()
    } else {
        theme.muted()
    };
    canvas.right(
        1,
        Safe::new(&right).fit(usize::from(right_width)).as_str(),
        style,
    );
}

fn error_of(model: &Model) -> Option<&String> {
    match model.tab {
        Tab::Overview => model.standing.error.as_ref(),
        Tab::Queues => model.queues.slot.error.as_ref(),
        Tab::Conflicts => match &model.conflicts.open {
            Some(open) => open.slot.error.as_ref(),
            None => model.conflicts.slot.error.as_ref(),
        },
        Tab::Contacts => match &model.contacts.open {
            Some(open) => open.slot.error.as_ref(),
            None => model.contacts.slot.error.as_ref(),
        },
    }
}

type Title = (
    String,
    Option<crate::domain::time::Timestamp>,
    Option<String>,
);

/// The title with its count and filter, how old the data is, what went wrong.
fn title(model: &Model) -> Title {
    let words = model.shell.words();
    let say = words.language;
    let error = error_of(model).map(|error| say.with("store-error", &[("error", error)]));
    let (title, at) = match model.tab {
        Tab::Overview => {
            let instance = &model.shell.instance;
            let gaps = [
                ("name", instance.name.as_str()),
                ("operator", &instance.operator),
            ];
            let title = say.with("title-overview", &gaps);
            (
                title,
                model.standing.data.as_ref().map(|_| model.standing.at),
            )
        }
        Tab::Queues => {
            let rows = model.queues.rows(words).len() as u64;
            let title = say.count("title-queues", rows);
            let filter = model.queues.filter.typed();
            let title = filtered(model, title, filter, model.queues.hidden());
            (title, at(&model.queues.slot))
        }
        Tab::Conflicts => conflicts_title(model),
        Tab::Contacts => contacts_title(model),
    };
    (title, at, error)
}

fn conflicts_title(model: &Model) -> (String, Option<crate::domain::time::Timestamp>) {
    let words = model.shell.words();
    let say = words.language;
    if let Some(open) = &model.conflicts.open {
        let title = open.person().map_or_else(String::new, |person| {
            let link = person.link.id.to_string();
            let gaps = [("name", person.name.as_str()), ("link", link.as_str())];
            say.with("title-decide", &gaps)
        });
        return (title, at(&open.slot));
    }
    let count = model.conflicts.count(words) as u64;
    let page = model.conflicts.slot.data.as_ref();
    let title = say.count("title-conflicts", count);
    let filter = model.conflicts.filter.typed();
    let title = filtered(model, title, filter, page.map_or(0, |page| page.more));
    (title, at(&model.conflicts.slot))
}

fn contacts_title(model: &Model) -> (String, Option<crate::domain::time::Timestamp>) {
    let say = &model.shell.language;
    if let Some(open) = &model.contacts.open {
        let title = open.person().map_or_else(String::new, |person| {
            let link = person.link.id.to_string();
            let gaps = [("name", person.name.as_str()), ("link", link.as_str())];
            say.with("title-contact", &gaps)
        });
        return (title, at(&open.slot));
    }
    let Some(wanted) = &model.contacts.wanted else {
        return (say.text("title-contacts").to_owned(), None);
    };
    let page = model.contacts.slot.data.as_ref();
    let count = page.map_or(0, |page| page.rows.len() as u64);
    let title = format!("{} · “{wanted}”", say.count("title-found", count));
    let more = page.map_or(0, |page| page.more);
    (filtered(model, title, "", more), at(&model.contacts.slot))
}

fn at<T>(slot: &super::slot::Slot<T>) -> Option<crate::domain::time::Timestamp> {
    slot.data.as_ref().map(|_| slot.at)
}

fn filtered(model: &Model, title: String, filter: &str, more: u64) -> String {
    let say = &model.shell.language;
    let mut title = title;
    if !filter.is_empty() {
        title = format!("{title} · / {filter}");
    }
    if more > 0 {
        title = format!("{title} · {}", say.count("not-shown", more));
    }
    title
}

fn paint_prompt(prompt: &Prompt, canvas: &mut Canvas<'_>, lines: u16) {
    let theme = canvas.theme;
    let height = lines + 4;
    let width = canvas.width();
    let y = canvas.height().saturating_sub(height);
    let mut part = canvas.part(0, y, width, height);
    part.framed(&prompt.title);
    prompt
        .field
        .paint(&mut part.part(2, 1, width.saturating_sub(4), lines), true);
    let (text, style) = match &prompt.problem {
        Some(problem) => (problem, theme.person()),
        None => (&prompt.hint, theme.muted()),
    };
    part.within(2, lines + 2, width.saturating_sub(4), text, style);
}

fn paint_toast(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let y = canvas.height() - 2;
    let words = model.shell.words();
    if model.shell.sync == SyncState::Ended {
        canvas.text(1, y, words.language.text("sync-ended"), theme.person());
        return;
    }
    if let Some(toast) = &model.shell.toast {
        canvas.text(1, y, &toast.text, tone(theme, toast.tone));
        return;
    }
    if !model.shell.pending.is_empty() {
        let next: Vec<String> = model
            .contexts()
            .into_iter()
            .flat_map(|context| model.shell.keymap.following(context, &model.shell.pending))
            .map(|(keys, action)| {
                format!("{keys} {}", words.language.text(action.entry().description))
            })
            .collect();
        canvas.text(1, y, &next.join(" · "), theme.accent());
        return;
    }
    if model.snapshot.phase != Phase::Idle {
        let text = words.phase(model.snapshot.phase);
        canvas.text(1, y, text, theme.muted());
    }
}

/// What can be done here and now, the most useful first; what does not fit is in the help.
fn paint_hints(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let y = canvas.height() - 1;
    let contexts = model.contexts();
    let say = &model.shell.language;
    let mut x = 1;
    for (action, label) in hints(model) {
        let Some(key) = model.shell.keymap.hint(&contexts, action) else {
            continue;
        };
        let label = say.text(label);
        let width = Safe::new(&key).width() + Safe::new(label).width() + 3;
        if usize::from(x) + width > usize::from(canvas.width()) {
            break;
        }
        x = canvas.text(x, y, &key, theme.accent());
        x = canvas.text(x + 1, y, label, theme.muted()) + 2;
    }
}

fn hints(model: &Model) -> Vec<(Action, &'static str)> {
    match &model.overlay {
        Some(Overlay::Dialog(_)) => {
            return vec![
                (Action::Next, "hint-next"),
                (Action::Press, "hint-press"),
                (Action::Accept, "hint-next"),
                (Action::Cancel, "hint-cancel"),
            ];
        }
        Some(Overlay::Finder(_)) => {
            return vec![
                (Action::Next, "hint-move"),
                (Action::Accept, "hint-do"),
                (Action::Cancel, "hint-close"),
            ];
        }
        Some(_) => {
            return vec![
                (Action::Accept, "hint-accept"),
                (Action::Cancel, "hint-cancel"),
            ];
        }
        None => {}
    }
    let mut hints = match model.tab {
        Tab::Overview => vec![
            (Action::Down, "hint-move"),
            (Action::Open, "hint-go"),
            (Action::SyncNow, "hint-sync"),
        ],
        Tab::Queues => queue_hints(model),
        Tab::Conflicts if model.conflicts.open.is_some() => decide_hints(model),
        Tab::Conflicts => vec![
            (Action::Down, "hint-move"),
            (Action::Open, "hint-open"),
            (Action::Filter, "hint-filter"),
            (Action::Undo, "hint-undo"),
        ],
        Tab::Contacts => vec![
            (Action::Search, "hint-search"),
            (Action::Down, "hint-move"),
            (Action::Open, "hint-open"),
        ],
    };
    hints.push((Action::Back, "hint-back"));
    hints.push((Action::Help, "hint-help"));
    hints.push((Action::Leave, "hint-leave"));
    hints
}

/// Only what can be sent again is offered to be.
fn queue_hints(model: &Model) -> Vec<(Action, &'static str)> {
    let chosen = model.queues.chosen(model.shell.words());
    let mut hints = Vec::new();
    if let Some(row) = chosen {
        hints.push((Action::Open, "hint-open"));
        if row.is_given_up() {
            hints.push((Action::Retry, "hint-retry"));
            hints.push((Action::RetryCause, "hint-retry-cause"));
        }
    }
    hints.push((Action::Filter, "hint-filter"));
    hints
}

fn person_of(model: &Model) -> Option<&crate::domain::link::Link> {
    let open = model.conflicts.open.as_ref()?;
    open.person().map(|person| &person.link)
}

/// Only the choices that the conflict under the cursor takes.
fn decide_hints(model: &Model) -> Vec<(Action, &'static str)> {
    use crate::domain::conflict::Choice;
    let open = model.conflicts.open.as_ref();
    let found = open.and_then(|open| open.person().zip(open.conflict()));
    let Some((person, conflict)) = found else {
        let has_more = person_of(model).is_some_and(|link| !link.conflicts.is_empty());
        let mut hints = vec![(Action::Undo, "hint-undo")];
        if has_more {
            hints.insert(0, (Action::Down, "hint-move"));
        }
        return hints;
    };
    let mut hints = Vec::new();
    if open.is_some_and(|open| !open.choices.is_empty()) {
        hints.push((Action::Write, "hint-write"));
    }
    for (choice, action, label) in [
        (
            Choice::Salesforce,
            Action::TakeSalesforce,
            "hint-salesforce",
        ),
        (
            Choice::Automation,
            Action::TakeAutomation,
            "hint-automation",
        ),
        (Choice::Base, Action::TakeBase, "hint-base"),
        (Choice::KeepBoth, Action::KeepBoth, "hint-keep"),
        (Choice::OptOut, Action::OptOut, "hint-opt-out"),
        (Choice::OptIn, Action::OptIn, "hint-opt-in"),
        (Choice::Retry, Action::TryAgain, "hint-again"),
    ] {
        if super::preview::fits(&person.link, conflict, &choice) {
            hints.push((action, label));
        }
    }
    let is_field = matches!(conflict.subject, crate::domain::conflict::Subject::Field(_));
    if is_field || !super::preview::candidates(conflict).is_empty() {
        let at = hints.len().min(3);
        hints.insert(at, (Action::TypeValue, "hint-type"));
    }
    hints
}
