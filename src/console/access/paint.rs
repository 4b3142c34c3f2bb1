//! What stands there, as lines: painted over the whole screen, or said.

use super::{Attempt, Deed, Focus, Problem, Stage};
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::model::{Model, Tone};
use crate::console::safe::Safe;
use crate::console::slot::Waiting as _;
use crate::console::view::tone;
use crate::console::words::{Words, clock};
use crate::domain::access::{Access, Listens, Outcome, Progress, Standing};
use crate::domain::ids::Side;

/// One line, or as many as its text takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Line {
    Text(Tone, String),
    /// The side under the cursor.
    Chosen(String),
    /// From the first column to the last, so that a mouse takes an address whole.
    Whole(String),
    Field,
}

impl Line {
    /// What is said of it.
    pub(in crate::console) fn text(&self) -> Option<String> {
        match self {
            Self::Text(_, text) | Self::Whole(text) | Self::Chosen(text) => {
                (!text.is_empty()).then(|| text.clone())
            }
            Self::Field => None,
        }
    }
}

pub(in crate::console) fn paint(model: &Model, canvas: &mut Canvas<'_>) {
    let (width, height) = (canvas.width(), canvas.height());
    let theme = canvas.theme;
    canvas.blank();
    let mut y = 0;
    for line in lines(model) {
        if y >= height {
            return;
        }
        match line {
            Line::Text(style, text) => {
                let style = tone(theme, style);
                y += canvas.paragraph(1, y, height - y, &text, style).max(1);
            }
            Line::Chosen(text) => {
                canvas.within(1, y, width.saturating_sub(2), &text, theme.plain());
                canvas.line_style(y, theme.selected());
                y += 1;
            }
            Line::Whole(text) => {
                for part in Safe::new(&text).wrapped(usize::from(width)) {
                    canvas.text(0, y, part.as_str(), theme.accent());
                    y += 1;
                }
            }
            Line::Field => {
                let end = canvas.text(1, y, ">", theme.accent()) + 1;
                let mut part = canvas.part(end, y, width.saturating_sub(end + 1), 1);
                paint_field(model, &mut part);
                y += 1;
            }
        }
    }
}

fn paint_field(model: &Model, canvas: &mut Canvas<'_>) {
    let stage = model.access.attempt.as_ref().map(|attempt| &attempt.stage);
    if let Some(
        Stage::Secret { field, .. }
        | Stage::AtBrowser {
            field,
            focus: Focus::Field,
            ..
        },
    ) = stage
    {
        return field.paint(canvas);
    }
    let text = model.shell.language.text("login-paste-here");
    let style = canvas.theme.muted();
    canvas.text(0, 0, text, style);
}

/// Everything that is in sight.
pub(in crate::console) fn lines(model: &Model) -> Vec<Line> {
    match &model.access.attempt {
        Some(attempt) => attempted(model.shell.words(), attempt),
        None => board(model),
    }
}

fn board(model: &Model) -> Vec<Line> {
    let words = model.shell.words();
    let say = words.language;
    let title = say.text("access-title").to_owned();
    let mut lines = vec![Line::Text(Tone::Strong, title)];
    if let Some(error) = model.access.slot.error() {
        let text = say.with("store-error", &[("error", error)]);
        lines.push(Line::Text(Tone::Person, text));
    }
    if model.access.slot.data.is_none() {
        lines.push(Line::Text(Tone::Muted, say.text("loading").to_owned()));
        return lines;
    }
    for side in Side::BOTH {
        let Some(access) = model.access.of(side) else {
            continue;
        };
        let (style, text) = headline(words, access);
        lines.push(if side == model.access.chosen {
            Line::Chosen(text)
        } else {
            Line::Text(style, text)
        });
    }
    lines.push(Line::Text(Tone::Plain, String::new()));
    if let Some(access) = model.access.access() {
        lines.extend(details(words, access));
    }
    lines
}

/// `Salesforce: let in · as of 09:14:02 UTC`. Meaning is never by colour alone.
fn headline(words: Words<'_>, access: &Access) -> (Tone, String) {
    let say = words.language;
    let (style, sign, key, at) = match &access.standing {
        Standing::Unknown => (Tone::Muted, "?", "access-unknown", None),
        Standing::In { at, .. } => (Tone::Plain, " ", "access-in", Some(*at)),
        Standing::Out { at, .. } => (Tone::Person, "!", "access-out", Some(*at)),
    };
    let text = words.labelled(&access.side.to_string(), say.text(key));
    let age = at.map(|at| say.with("as-of", &[("at", &clock(at))]));
    let age = age.map_or_else(String::new, |age| format!(" · {age}"));
    (style, format!("{sign} {text}{age}"))
}

fn details(words: Words<'_>, access: &Access) -> Vec<Line> {
    let say = words.language;
    let mut lines = vec![
        told(words, "access-flow", words.flow(access.flow)),
        told(words, "access-address", &access.address),
    ];
    match &access.standing {
        Standing::Unknown => {}
        Standing::In { who, .. } => {
            let known = words.entrant(who).into_iter();
            lines.extend(known.map(|(key, text)| told(words, key, &text)));
        }
        Standing::Out { why, .. } => {
            lines.push(Line::Text(Tone::Person, words.why_not(why)));
        }
    }
    let kept = say.count("access-kept", access.kept);
    lines.push(Line::Text(Tone::Muted, kept));
    lines
}

fn told(words: Words<'_>, key: &str, text: &str) -> Line {
    let text = words.labelled(words.language.text(key), text);
    Line::Text(Tone::Plain, text)
}

fn attempted(words: Words<'_>, attempt: &Attempt) -> Vec<Line> {
    let say = words.language;
    let system = attempt.side.to_string();
    let title = match attempt.deed {
        Deed::Check => "access-checks",
        Deed::LogIn => "dialog-log-in",
        Deed::Revoke => "dialog-revoke",
    };
    let mut lines = vec![Line::Text(
        Tone::Strong,
        say.with(title, &[("system", &system)]),
    )];
    match &attempt.stage {
        Stage::Secret { wanted, .. } => {
            let hint = match (wanted.is_kept, wanted.is_optional) {
                (true, _) => "login-secret-kept",
                (false, true) => "login-secret-optional",
                (false, false) => "login-secret-hidden",
            };
            let name = words.labelled(&system, words.secret(wanted.name));
            lines.push(Line::Text(Tone::Plain, name));
            lines.push(Line::Text(Tone::Muted, say.text(hint).to_owned()));
            lines.push(Line::Field);
        }
        // The addresses take the room of the title.
        Stage::AtBrowser { shown, .. } => lines = at_browser(words, attempt.side, shown),
        Stage::Working(progress) => {
            lines.push(Line::Text(Tone::Plain, words.progress(progress)));
        }
        Stage::Ended(outcome) => lines.extend(ended(words, attempt.side, outcome)),
        Stage::Unanswered(error) => {
            let text = say.with("login-unanswered", &[("error", error)]);
            lines.push(Line::Text(Tone::Person, text));
        }
    }
    lines.extend(
        attempt
            .problem
            .as_ref()
            .map(|problem| told_of(words, problem)),
    );
    lines
}

fn told_of(words: Words<'_>, problem: &Problem) -> Line {
    let say = words.language;
    match problem {
        Problem::Handed => Line::Text(Tone::Muted, say.text("login-looks").to_owned()),
        Problem::NeedsSecret => Line::Text(Tone::Person, say.text("login-needs-secret").to_owned()),
        Problem::Denied(why) => Line::Text(Tone::Person, words.why_not(why)),
        Problem::Raw(text) => Line::Text(Tone::Person, text.clone()),
    }
}

fn at_browser(words: Words<'_>, side: Side, shown: &Progress) -> Vec<Line> {
    let say = words.language;
    let Progress::AtBrowser {
        redirect,
        address,
        listens,
    } = shown
    else {
        return Vec::new();
    };
    let place = match side {
        Side::Salesforce => "login-callback-salesforce",
        Side::Automation => "login-callback-automation",
    };
    let back = match listens {
        Listens::Here => "login-comes-back",
        Listens::AtAnother => "login-comes-back-there",
        Listens::Elsewhere => "login-ends-elsewhere",
        Listens::Taken => "login-port-taken",
    };
    let plain = |key: &str| Line::Text(Tone::Plain, say.text(key).to_owned());
    let mut lines = vec![
        plain(place),
        Line::Whole(redirect.clone()),
        plain("login-open"),
        Line::Whole(address.clone()),
        plain(back),
    ];
    // Salesforce's codes live as long as anybody waits here.
    if side == Side::Automation && *listens != Listens::Here {
        lines.push(plain("login-soon"));
    }
    lines.push(Line::Field);
    lines
}

fn ended(words: Words<'_>, side: Side, outcome: &Outcome) -> Vec<Line> {
    let style = match outcome {
        Outcome::Refused(_) => Tone::Person,
        _ => Tone::Strong,
    };
    let mut lines = vec![Line::Text(style, words.outcome(side, outcome))];
    if let Outcome::Checked(who) | Outcome::LetIn(who) = outcome {
        let known = words.entrant(who).into_iter();
        lines.extend(known.map(|(key, text)| told(words, key, &text)));
    }
    lines
}

/// What can be done here and now.
pub(in crate::console) fn hints(model: &Model) -> Vec<(Action, &'static str)> {
    let role = model.shell.instance.role;
    match model.access.attempt.as_ref().map(|attempt| &attempt.stage) {
        None => {
            let mut hints = vec![
                (Action::Next, "hint-move"),
                (Action::CheckAccess, "hint-check-again"),
                (Action::LogIn, "hint-log-in"),
                (Action::Revoke, "hint-revoke"),
                (Action::Copy, "hint-copy"),
                (Action::Cancel, "hint-close"),
            ];
            hints.retain(|(action, _)| role >= action.needed());
            hints
        }
        // The keys of the field, or those beside it: the context tells which of them count.
        Some(Stage::Secret { .. } | Stage::AtBrowser { .. }) => vec![
            (Action::Accept, "hint-accept"),
            (Action::Copy, "hint-copy-address"),
            (Action::CopyCallback, "hint-copy-callback"),
            (Action::Cancel, "hint-cancel"),
            (Action::Open, "hint-type"),
        ],
        Some(Stage::Working(_) | Stage::Ended(_) | Stage::Unanswered(_)) => {
            vec![(Action::Cancel, "hint-close")]
        }
    }
}

/// For the clipboard: an address of the login under way, or what is known of the chosen side.
pub(in crate::console) fn copied(model: &Model, is_callback: bool) -> Option<String> {
    let stage = model.access.attempt.as_ref().map(|attempt| &attempt.stage);
    if let Some(Stage::AtBrowser {
        shown: Progress::AtBrowser {
            redirect, address, ..
        },
        ..
    }) = stage
    {
        let text = if is_callback { redirect } else { address };
        return Some(text.clone());
    }
    if is_callback {
        return None;
    }
    let said: Vec<String> = if stage.is_some() {
        lines(model).iter().filter_map(Line::text).collect()
    } else {
        let words = model.shell.words();
        let access = model.access.access()?;
        let headline = headline(words, access).1.trim().to_owned();
        let details = details(words, access);
        let details = details.iter().filter_map(Line::text);
        std::iter::once(headline).chain(details).collect()
    };
    Some(said.join("\n"))
}

/// The message that says what a typed line may answer.
pub(in crate::console) fn asked(model: &Model) -> &'static str {
    match model.access.attempt.as_ref().map(|attempt| &attempt.stage) {
        None => "linear-ask-access",
        Some(Stage::Secret { .. }) => "linear-ask-secret",
        Some(Stage::AtBrowser { .. }) => "linear-ask-address",
        Some(Stage::Working(_) | Stage::Ended(_) | Stage::Unanswered(_)) => "linear-ask-close",
    }
}
