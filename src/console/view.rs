//! Paints the model: tabs and title on top, the screen, one line for what just happened, one for the
//! keys that do something here.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::hints;
use super::keymap::Action;
use super::model::{Ground, HEIGHT_MIN, Model, Overlay, Prompt, SyncState, Tab, Tone, WIDTH_MIN};
use super::safe::Safe;
use super::slot::Waiting;
use super::theme::Theme;
use super::words::clock;
use crate::domain::link::Mark;
use crate::domain::operator::Role;
use crate::domain::snapshot::Phase;

/// The first line of a screen's own.
pub(super) const BODY_TOP: u16 = 3;

/// Lines that one message may take: a path of the length that the system allows is cut all the same.
const TOLD_LINES_MAX: usize = 3;

/// Lines of a screen's own, between its title and the line for what just happened.
pub(super) const fn body_height(height: u16) -> u16 {
    height.saturating_sub(BODY_TOP + 1 + hints::lines(height))
}

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
    paint(model, frame.buffer_mut());
}

/// The same without a terminal.
pub fn paint(model: &Model, buffer: &mut Buffer) {
    let mut canvas = Canvas::new(buffer, model.shell.theme);
    let (width, height) = (canvas.width(), canvas.height());
    if is_too_small((width, height)) {
        too_small(model, &mut canvas);
        return;
    }
    paint_tabs(model, &mut canvas);
    paint_title(model, &mut canvas);
    canvas.rule(2);
    let body_height = body_height(height);
    let mut body = canvas.part(0, BODY_TOP, width, body_height);
    model.screen().paint(model.scene(), &mut body);
    match &model.overlay {
        None => {}
        Some(Overlay::Finder(finder)) => finder.paint(&mut body, &model.shell.language),
        Some(Overlay::Here) => super::here::paint(model, &mut body),
        Some(Overlay::Papers(top)) => super::papers::paint(model, *top, &mut body),
        Some(Overlay::Access) => super::access::paint(model, &mut body),
        Some(Overlay::Dialog(dialog)) => dialog.paint(&mut body, &model.shell.language),
        Some(
            Overlay::Filter(prompt, _)
            | Overlay::Search(prompt)
            | Overlay::Window(prompt)
            | Overlay::Setting(prompt, _)
            | Overlay::Queue(prompt)
            | Overlay::Until(prompt, _),
        ) => {
            paint_prompt(prompt, &mut body, 1);
        }
        Some(Overlay::Boxes(boxes)) => boxes.paint(&mut body, &model.shell.language),
        Some(Overlay::Picker(picker)) => picker.paint(&mut body, &model.shell.language),
        Some(Overlay::Editor(prompt)) => paint_prompt(prompt, &mut body, 4),
        Some(Overlay::Columns(chooser)) => {
            if let Some(list) = model.screen().list() {
                chooser.paint(list, width, &mut body, &model.shell.language);
            }
        }
    }
    paint_toast(model, &mut canvas);
    hints::paint(model, &mut canvas);
}

const fn is_too_small((width, height): (u16, u16)) -> bool {
    width < WIDTH_MIN || height < HEIGHT_MIN
}

impl Model {
    /// Whether nothing of it is seen: its window is too small for more than a sentence.
    pub(super) fn is_hidden(&self) -> bool {
        self.linear.is_none() && is_too_small(self.shell.size)
    }
}

fn too_small(model: &Model, canvas: &mut Canvas<'_>) {
    let say = &model.shell.language;
    let size = format!("{}×{}", canvas.width(), canvas.height());
    let least = format!("{WIDTH_MIN}×{HEIGHT_MIN}");
    let mut text = say.with("too-small", &[("size", &size), ("least", &least)]);
    let leave = model.shell.keymap.hint(&model.contexts(), Action::Leave);
    if let Some(key) = leave {
        text = format!("{text} {}", say.with("too-small-leave", &[("key", &key)]));
    }
    let lines = canvas.height();
    canvas.paragraph(0, 0, lines, &text, canvas.theme.plain());
}

/// How much of their names the tabs show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Spaced,
    Whole,
    Short,
    /// Only the tab in sight and the one with conflicts are named.
    Digits,
}

/// The tabs with their places, named as far as there is room. The count of conflicts stays in sight
/// everywhere.
fn tabs(model: &Model) -> Vec<(Tab, u16, String)> {
    let left = banner_width(model);
    for names in [Names::Spaced, Names::Whole, Names::Short] {
        let tabs = tabs_named(model, left, names);
        let end = tabs.last().map_or(0, |(_, x, text)| x + width(text));
        if end <= model.shell.size.0 {
            return tabs;
        }
    }
    tabs_named(model, left, Names::Digits)
}

fn tabs_named(model: &Model, left: u16, names: Names) -> Vec<(Tab, u16, String)> {
    let mut x = left;
    let placed = Tab::ALL.into_iter().map(|tab| {
        let mut text = tab_text(model, tab, names);
        if Some(&tab) == Tab::ALL.last() {
            text.truncate(text.trim_end().len());
        }
        let at = x;
        x += width(&text);
        (tab, at, text)
    });
    placed.collect()
}

fn tab_text(model: &Model, tab: Tab, names: Names) -> String {
    let say = &model.shell.language;
    let conflicts = model.scene().count(Mark::Conflict);
    let waits = tab == Tab::Conflicts && conflicts > 0;
    let name = match names {
        Names::Spaced | Names::Whole => say.text(tab.title()),
        Names::Digits if tab == model.tab => say.text(tab.title()),
        Names::Digits if !waits => "",
        Names::Short | Names::Digits => say.text(tab.short_title()),
    };
    let mut text = format!("{} {name}", tab.digit()).trim_end().to_owned();
    if waits {
        text = format!("{text} !{conflicts}");
    }
    match names {
        Names::Spaced => format!(" {text} "),
        _ => format!("{text} "),
    }
}

fn width(text: &str) -> u16 {
    Safe::new(text).width() as u16
}

pub(super) fn tab_at(model: &Model, column: u16) -> Option<Tab> {
    tabs(model)
        .into_iter()
        .find(|(_, x, text)| (*x..*x + width(text)).contains(&column))
        .map(|(tab, ..)| tab)
}

fn banner(model: &Model) -> String {
    match model.shell.instance.ground {
        Ground::Practice => format!(" {} ", model.shell.language.text("practice")),
        Ground::Bundle(_) => {
            let gaps = [("name", model.shell.instance.name.as_str())];
            format!(" {} ", model.shell.language.with("bundle-banner", &gaps))
        }
        Ground::Real => format!(" {} ", model.shell.instance.name),
    }
}

fn banner_width(model: &Model) -> u16 {
    Safe::new(&banner(model)).fit(20).width() as u16 + 1
}

fn paint_tabs(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let style = match model.shell.instance.ground {
        Ground::Practice | Ground::Bundle(_) => theme.practice(),
        Ground::Real => theme.accent(),
    };
    canvas.within(0, 0, 20, &banner(model), style);
    for (tab, x, text) in tabs(model) {
        let is_waiting = tab == Tab::Conflicts && model.scene().count(Mark::Conflict) > 0;
        let style = match (tab == model.tab, is_waiting) {
            (true, _) => theme.selected(),
            (false, true) => theme.person(),
            (false, false) => theme.plain(),
        };
        canvas.text(x, 0, &text, style);
    }
}

/// The title with its count and filter, how old the data is or what went wrong.
fn paint_title(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let scene = model.scene();
    let (style, right) = age_told(model);
    let style = tone(theme, style);
    let right = accompanied(model, right);
    let style = if model.shell.instance.role == Role::Viewer {
        theme.person()
    } else {
        style
    };
    let right_width = Safe::new(&right)
        .width()
        .min(usize::from(canvas.width()) * 2 / 3) as u16;
    let left = canvas.width().saturating_sub(right_width + 3);
    canvas.within(1, 1, left, &model.screen().title(scene), theme.strong());
    canvas.right(
        1,
        Safe::new(&right).fit(usize::from(right_width)).as_str(),
        style,
    );
}

/// How old what is in sight is, or what went wrong.
pub(super) fn age(model: &Model) -> String {
    age_told(model).1
}

fn age_told(model: &Model) -> (Tone, String) {
    let scene = model.scene();
    let say = scene.say();
    let slot = model.screen().slot(scene);
    let error = slot.and_then(Waiting::error);
    match (error, slot.and_then(Waiting::as_of)) {
        (Some(error), _) => (Tone::Person, say.with("store-error", &[("error", error)])),
        (None, Some(at)) if model.known.held.is_some() => (
            Tone::Person,
            say.with("as-of-paused", &[("at", &clock(at))]),
        ),
        (None, Some(at)) => (Tone::Muted, say.with("as-of", &[("at", &clock(at))])),
        (None, None) => (Tone::Muted, String::new()),
    }
}

/// Before the age of the data: that nothing can be changed from here, and that somebody else is there.
fn accompanied(model: &Model, age: String) -> String {
    let say = &model.shell.language;
    let mut parts = Vec::new();
    if model.shell.instance.role == Role::Viewer {
        parts.push(say.text("read-only").to_owned());
    }
    if let Ground::Bundle(made) = model.shell.instance.ground {
        // Nothing in it grows older.
        parts.push(say.with("bundle-of", &[("at", &made.to_string())]));
        return parts.join(" · ");
    }
    let present = model.shell.present.len() as u64;
    if present > 1 {
        parts.push(say.count("present", present));
    }
    if !age.is_empty() {
        parts.push(age);
    }
    parts.join(" · ")
}

/// A field in a frame, and under it what is wrong with what was typed, or what may be: whole.
fn paint_prompt(prompt: &Prompt, canvas: &mut Canvas<'_>, lines: u16) {
    let theme = canvas.theme;
    let width = canvas.width();
    let (text, style) = match &prompt.problem {
        Some(problem) => (problem, theme.person()),
        None => (&prompt.hint, theme.muted()),
    };
    let room = usize::from(width.saturating_sub(4));
    let needed = Safe::new(&theme.spelled(text)).wrapped(room).len();
    let most = canvas.height().saturating_sub(lines + 3);
    let told = (needed as u16).min(most);
    let height = lines + 3 + told;
    let y = canvas.height().saturating_sub(height);
    let mut part = canvas.part(0, y, width, height);
    part.framed(&prompt.title);
    prompt
        .field
        .paint(&mut part.part(2, 1, width.saturating_sub(4), lines), true);
    let mut place = part.part(1, lines + 2, width.saturating_sub(2), told);
    place.paragraph(1, 0, told, text, style);
}

/// The line for what just happened.
fn told_at(canvas: &Canvas<'_>) -> u16 {
    canvas.height() - 1 - hints::lines(canvas.height())
}

fn paint_toast(model: &Model, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let y = told_at(canvas);
    let words = model.shell.words();
    if let Some(toast) = &model.shell.toast {
        paint_told(&toast.text, tone(theme, toast.tone), canvas);
        return;
    }
    if model.shell.sync == SyncState::Ended {
        paint_told(words.language.text("sync-ended"), theme.person(), canvas);
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
    if let Some(other) = model.company() {
        paint_told(&words.company(other), theme.person(), canvas);
        return;
    }
    if model.known.snapshot.phase != Phase::Idle {
        let text = words.phase(model.known.snapshot.phase);
        canvas.text(1, y, text, theme.muted());
    }
}

/// On one line, or over the end of the screen as well: the path of a file must be readable whole.
fn paint_told(text: &str, style: Style, canvas: &mut Canvas<'_>) {
    let width = canvas.width();
    let cells = usize::from(width.saturating_sub(2));
    let needed = Safe::new(&canvas.theme.spelled(text)).wrapped(cells).len();
    let lines = needed.min(TOLD_LINES_MAX) as u16;
    let top = told_at(canvas) + 1 - lines;
    let blank = " ".repeat(usize::from(width));
    for y in top..top + lines {
        canvas.text(0, y, &blank, Style::reset());
    }
    canvas.paragraph(1, top, lines, text, style);
}
