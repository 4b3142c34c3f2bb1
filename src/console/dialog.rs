//! A question before something is written, or lost. It freezes what it was opened on, opens on Cancel,
//! asks for a reason, and for a word where nothing can be taken back.

use super::canvas::Canvas;
use super::field::{Field, Lines};
use super::language::Language;
use super::model::Tone;
use super::query::Export;
use super::theme::Theme;
use crate::domain::command::Command;
use crate::domain::ids::{Generation, LinkId};

/// On a screen of fewer lines nothing is left blank around a dialog: its own lines need them.
const ROOMY_FROM: u16 = 20;

pub(super) struct Dialog {
    pub(super) title: String,
    pub(super) lines: Vec<(Tone, String)>,
    pub(super) on_yes: OnYes,
    reason: Field,
    /// What must be typed, and what is.
    word: Option<Word>,
    focus: Focus,
    problem: Option<&'static str>,
    /// Lines that are scrolled off.
    top: usize,
}

/// What follows if the operator says yes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OnYes {
    Send(Box<Frozen>),
    /// Acts are written to a file.
    Export(Export),
    /// A bundle is written to a file, with that contact's part.
    Bundle(Option<LinkId>),
    /// The draft of this console is forgotten. Nothing is sent, so no reason is asked for.
    ForgetDraft,
    /// The same, and that version of the configuration becomes the draft.
    ReplaceDraft(u32),
}

/// What must be typed where nothing can be taken back.
struct Word {
    word: String,
    /// The message that asks for it.
    label: &'static str,
    field: Field,
}

/// What the dialog was opened on. Nothing that happens meanwhile changes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frozen {
    pub(super) command: Command,
    /// The version of the contact that was looked at.
    pub(super) looked_at: Option<(LinkId, Generation)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Cancel,
    Reason,
    Word,
    Confirm,
}

/// What a key did to the dialog.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pressed {
    Nothing,
    Cancelled,
    Confirmed { reason: String },
}

impl Dialog {
    pub(super) fn new(title: String, lines: Vec<(Tone, String)>, frozen: Frozen) -> Self {
        Self {
            title,
            lines,
            on_yes: OnYes::Send(Box::new(frozen)),
            reason: Field::new(Lines::One, ""),
            word: None,
            focus: Focus::Cancel,
            problem: None,
            top: 0,
        }
    }

    /// Before something is done here: lost that was not sent anywhere, or taken away.
    pub(super) fn question(title: String, lines: Vec<(Tone, String)>, on_yes: OnYes) -> Self {
        Self {
            title,
            lines,
            on_yes,
            reason: Field::new(Lines::One, ""),
            word: None,
            focus: Focus::Cancel,
            problem: None,
            top: 0,
        }
    }

    #[must_use]
    pub(super) fn with_word(mut self, word: &str, label: &'static str) -> Self {
        self.word = Some(Word {
            word: word.to_owned(),
            label,
            field: Field::new(Lines::One, ""),
        });
        self
    }

    /// Whether what follows is on record with its reason.
    const fn asks_reason(&self) -> bool {
        matches!(
            self.on_yes,
            OnYes::Send(_) | OnYes::Export(_) | OnYes::Bundle(_)
        )
    }

    /// Asked once more, with what was typed: the cursor stands on Cancel again.
    #[must_use]
    pub(super) fn again(mut self: Box<Self>) -> Box<Self> {
        self.focus = Focus::Cancel;
        self.problem = None;
        self
    }

    pub(super) fn is_on_text(&self) -> bool {
        matches!(self.focus, Focus::Reason | Focus::Word)
    }

    pub(super) fn field(&mut self) -> Option<&mut Field> {
        match self.focus {
            Focus::Reason => Some(&mut self.reason),
            Focus::Word => self.word.as_mut().map(|word| &mut word.field),
            Focus::Cancel | Focus::Confirm => None,
        }
    }

    /// A letter typed before anything was chosen begins the reason: it must not be lost.
    pub(super) fn begin_text(&mut self) {
        if !self.is_on_text() && self.asks_reason() {
            self.focus = Focus::Reason;
        }
    }

    /// Or needs none.
    pub(super) fn has_reason(&self) -> bool {
        !self.asks_reason() || !self.reason.text().trim().is_empty()
    }

    /// Answered by a line: the reason, as if it had been typed in its place. `false` if it is too long.
    pub(super) fn give_reason(&mut self, text: &str) -> bool {
        let is_taken = self.reason.replace(text);
        if is_taken {
            self.focus = Focus::Confirm;
        }
        is_taken
    }

    /// The word if one is asked for, else a yes; `false` if it is neither. The button is under the
    /// cursor then.
    pub(super) fn give_word(&mut self, text: &str, is_yes: bool) -> bool {
        self.focus = Focus::Confirm;
        match &mut self.word {
            Some(word) => word.field.replace(text) && text == word.word,
            None => is_yes,
        }
    }

    /// Its lines, then what may be answered.
    pub(super) fn read(&self, say: &Language) -> Vec<String> {
        let asked = match (&self.word, self.has_reason()) {
            (_, false) => say.text("linear-ask-reason").to_owned(),
            (Some(word), true) => say.with(word.label, &[("word", &word.word)]),
            (None, true) => {
                let yes = say.text("linear-yes");
                say.with("linear-ask-yes", &[("yes", yes)])
            }
        };
        if self.asks_reason() && self.has_reason() {
            return vec![asked];
        }
        let lines = self.lines.iter().map(|(_, line)| line.clone());
        let title = std::iter::once(self.title.clone());
        title.chain(lines).chain([asked]).collect()
    }

    pub(super) fn next(&mut self) {
        self.focus = match self.focus {
            Focus::Cancel if !self.asks_reason() => Focus::Confirm,
            Focus::Cancel => Focus::Reason,
            Focus::Reason if self.word.is_some() => Focus::Word,
            Focus::Reason | Focus::Word => Focus::Confirm,
            Focus::Confirm => Focus::Cancel,
        };
    }

    pub(super) fn previous(&mut self) {
        self.focus = match self.focus {
            Focus::Cancel => Focus::Confirm,
            Focus::Reason => Focus::Cancel,
            Focus::Confirm if self.word.is_some() => Focus::Word,
            Focus::Confirm if !self.asks_reason() => Focus::Cancel,
            Focus::Word | Focus::Confirm => Focus::Reason,
        };
    }

    /// Presses the button under the cursor.
    pub(super) fn press(&mut self) -> Pressed {
        if self.focus == Focus::Cancel {
            return Pressed::Cancelled;
        }
        let reason = self.reason.text().trim().to_owned();
        if !self.has_reason() {
            self.problem = Some("dialog-needs-reason");
            self.focus = Focus::Reason;
            return Pressed::Nothing;
        }
        let is_typed = |word: &Word| word.field.text().trim() == word.word;
        if self.word.as_ref().is_some_and(|word| !is_typed(word)) {
            self.problem = Some("dialog-needs-word");
            self.focus = Focus::Word;
            return Pressed::Nothing;
        }
        Pressed::Confirmed { reason }
    }

    /// Shows the lines after, or before, those in sight on a screen of that size.
    pub(super) fn turn(&mut self, theme: Theme, size: (u16, u16), is_down: bool) {
        let (rows, room) = self.rows(theme, size);
        let page = room.saturating_sub(1).max(1);
        let last = rows.len().saturating_sub(page);
        self.top = if rows.len() <= room {
            0
        } else if is_down {
            (self.top + page).min(last)
        } else {
            self.top.saturating_sub(page)
        };
    }

    /// Its lines as wide as there is room for, and how many of them there is room for.
    fn rows(&self, theme: Theme, (width, height): (u16, u16)) -> (Vec<(Tone, String)>, usize) {
        let inner = usize::from(outer_width(width).saturating_sub(5));
        let mut rows: Vec<(Tone, String)> = Vec::new();
        for (tone, line) in &self.lines {
            for part in super::safe::Safe::new(&theme.spelled(line)).wrapped(inner) {
                rows.push((*tone, part.into_string()));
            }
        }
        let margin = if height < ROOMY_FROM { 0 } else { 2 };
        let room = height.saturating_sub(self.fixed(height) + margin);
        (rows, usize::from(room))
    }

    /// Lines that it has besides: the frame, what is asked for, the buttons, and a blank one below them.
    const fn fixed(&self, height: u16) -> u16 {
        let blank = if height < ROOMY_FROM { 0 } else { 1 };
        match (&self.word, self.asks_reason()) {
            (Some(_), _) => 8 + blank,
            (None, true) => 6 + blank,
            (None, false) => 4 + blank,
        }
    }

    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, say: &Language) {
        let theme = canvas.theme;
        let (rows, room) = self.rows(theme, (canvas.width(), canvas.height()));
        let width = outer_width(canvas.width());
        let shown = rows.len().min(room) as u16;
        let height = (shown + self.fixed(canvas.height())).min(canvas.height());
        let x = canvas.width().saturating_sub(width) / 2;
        let y = canvas.height().saturating_sub(height) / 2;
        let mut part = canvas.part(x, y, width, height);
        part.framed(&self.title);
        let is_cut = rows.len() > room;
        // The last line then says what else there is.
        let count = room - usize::from(is_cut && room > 0);
        // A screen may have become another one since it was scrolled.
        let top = self.top.min(rows.len().saturating_sub(count));
        for (index, (tone, line)) in rows.iter().skip(top).take(count).enumerate() {
            part.text(2, 1 + index as u16, line, super::view::tone(theme, *tone));
        }
        if is_cut {
            let below = rows.len().saturating_sub(top + count) as u64;
            let more = match below {
                0 => say.text("dialog-end").to_owned(),
                below => say.count("dialog-more", below),
            };
            let mut line = part.part(2, shown, width.saturating_sub(3), 1);
            line.text(0, 0, &more, theme.person());
        }
        self.paint_fields(&mut part, say, shown + 2);
    }

    fn paint_fields(&self, part: &mut Canvas<'_>, say: &Language, top: u16) {
        let theme = part.theme;
        let mut y = top;
        let fields = [
            self.asks_reason().then(|| {
                let label = say.text("dialog-reason").to_owned();
                (label, &self.reason, Focus::Reason)
            }),
            self.word.as_ref().map(|word| {
                let label = say.with(word.label, &[("word", &word.word)]);
                (label, &word.field, Focus::Word)
            }),
        ];
        for (label, field, focus) in fields.into_iter().flatten() {
            let is_focused = self.focus == focus;
            let style = if is_focused {
                theme.accent()
            } else {
                theme.plain()
            };
            let end = part.text(2, y, &label, style);
            let width = part.width().saturating_sub(end + 3);
            field.paint(&mut part.part(end + 1, y, width, 1), is_focused);
            y += 2;
        }
        if let Some(problem) = self.problem {
            part.text(2, y - 1, say.text(problem), theme.person());
        }
        let mut x = 2;
        for (label, focus) in [
            (say.text("dialog-cancel"), Focus::Cancel),
            (say.text("dialog-confirm"), Focus::Confirm),
        ] {
            let is_focused = self.focus == focus;
            let style = if is_focused {
                theme.selected()
            } else {
                theme.plain()
            };
            let label = if is_focused {
                format!("[> {label} <]")
            } else {
                format!("[  {label}  ]")
            };
            x = part.text(x, y, &label, style) + 2;
        }
        // Only where it does not run into the frame; the last line of the screen says it too.
        let keys = say.text("dialog-keys");
        let room = usize::from(part.width().saturating_sub(x + 2));
        if super::safe::Safe::new(keys).width() <= room {
            part.text(x + 1, y, keys, theme.muted());
        }
    }
}

/// Of its frame, on a screen of that width.
const fn outer_width(width: u16) -> u16 {
    let width = width.saturating_sub(4);
    if width < 100 { width } else { 100 }
}
