//! A console's messages on file, one JSON line each, and the player that shows the screens again.
//!
//! `update` and `view` know nothing but the model and the message, so the same messages are the same
//! screens, on another machine too, without a store or a network.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use super::canvas::Canvas;
use super::keymap::{Chord, Keymap, KeymapError, Preset};
use super::language::{Language, Tongue};
use super::model::{Instance, Model, Settings};
use super::msg::Msg;
use super::theme::Theme;
use super::update::update;
use super::view::paint;
use super::words::clock;
use crate::domain::mapping::Policy;
use crate::domain::time::Timestamp;

/// Of the form of the lines. One that differs cannot be read.
const VERSION: u32 = 1;

/// Messages that a larger step moves by.
const LEAP: usize = 20;

/// Digits of a number that is typed: more messages than that are in no recording.
const DIGITS_MAX: usize = 9;

/// The first line: everything that a console begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Tells a recording from any other file.
    #[serde(rename = "passerelle_recording")]
    version: u32,
    start: Start,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub instance: Instance,
    pub policy: Arc<Policy>,
    pub tongue: Tongue,
    pub theme: Theme,
    pub keys: Keys,
    pub now: Timestamp,
    pub size: (u16, u16),
}

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    Default,
    /// The operator's own file, whole.
    File {
        name: String,
        text: String,
    },
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub at: Timestamp,
    pub msg: Msg,
}

/// A whole recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Tape {
    start: Start,
    entries: Vec<Entry>,
}

/// Why a file cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}; {remedy}")]
pub struct TapeError {
    pub file: String,
    pub line: usize,
    pub problem: String,
    pub remedy: String,
}

impl Keys {
    pub fn keymap(&self) -> Result<Keymap, KeymapError> {
        match self {
            Self::Default => Keymap::preset(Preset::Default),
            Self::File { name, text } => Keymap::with_file(name, text),
        }
    }
}

impl Start {
    pub fn settings(&self) -> Result<Settings, KeymapError> {
        Ok(Settings {
            instance: self.instance.clone(),
            policy: Arc::clone(&self.policy),
            language: Language::new(self.tongue),
            theme: self.theme,
            keymap: self.keys.keymap()?,
            now: self.now,
            size: self.size,
        })
    }
}

impl Head {
    pub const fn new(start: Start) -> Self {
        Self {
            version: VERSION,
            start,
        }
    }
}

impl Tape {
    /// Reads the text of a file. A last line without an end was cut off when the process died, and is
    /// left out.
    pub fn read(file: &str, text: &str) -> Result<Self, TapeError> {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.lines().enumerate();
        let error = |line: usize, problem: String, remedy: &str| TapeError {
            file: file.to_owned(),
            line: line + 1,
            problem,
            remedy: remedy.to_owned(),
        };
        let (_, first) = lines.next().unwrap_or((0, ""));
        let head = serde_json::from_str(first).ok();
        let Some(Head { start, .. }) = head.filter(|head: &Head| head.version == VERSION) else {
            let problem = version_of(first).map_or_else(
                || "this is not a recording of the console".to_owned(),
                |version| format!("a recording of version {version}, not {VERSION}"),
            );
            let remedy = "name a file that this version of passerelle wrote with --record";
            return Err(error(0, problem, remedy));
        };
        let entries = lines.map(|(number, line)| {
            serde_json::from_str(line).map_err(|cause| {
                let remedy = format!(
                    "what comes before it can be replayed: head -n {number} FILE > ANOTHER"
                );
                error(number, format!("damaged ({cause})"), &remedy)
            })
        });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            start,
        })
    }
}

/// Of a first line that is not ours to read.
fn version_of(line: &str) -> Option<u64> {
    let json: serde_json::Value = serde_json::from_str(line).ok()?;
    let version = json.get("passerelle_recording")?.as_u64()?;
    (version != u64::from(VERSION)).then_some(version)
}

/// Shows a recording, message by message.
pub struct Player {
    tape: Tape,
    /// Messages that were taken in.
    at: usize,
    model: Model,
    /// A number that is being typed.
    typed: Option<String>,
}

/// What a key did to the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    Shown,
    Left,
}

impl Player {
    pub fn new(tape: Tape) -> Result<Self, KeymapError> {
        Ok(Self {
            model: Model::new(tape.start.settings()?),
            tape,
            at: 0,
            typed: None,
        })
    }

    /// Messages in all.
    pub fn len(&self) -> usize {
        self.tape.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tape.entries.is_empty()
    }

    /// To the screen after so many messages, or after the last.
    pub fn go_to(&mut self, number: usize) {
        let number = number.min(self.len());
        if number < self.at {
            // Tried when the player was made.
            let Ok(settings) = self.tape.start.settings() else {
                return;
            };
            self.model = Model::new(settings);
            self.at = 0;
        }
        for entry in &self.tape.entries[self.at..number] {
            // Nobody asks and nobody sends: the answers are on the tape.
            drop(update(&mut self.model, entry.msg.clone()));
        }
        self.at = number;
    }

    /// The screen as it was.
    pub fn screen(&self) -> Buffer {
        let (width, height) = self.model.size();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        paint(&self.model, &mut buffer);
        buffer
    }

    pub fn press(&mut self, key: KeyEvent) -> Turned {
        if key.kind == KeyEventKind::Release {
            return Turned::Shown;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Turned::Left;
        }
        if let Some(digits) = &mut self.typed {
            match key.code {
                KeyCode::Char(c) if c.is_ascii_digit() && digits.len() < DIGITS_MAX => {
                    digits.push(c);
                }
                KeyCode::Backspace => drop(digits.pop()),
                KeyCode::Enter => {
                    let number = digits.parse().unwrap_or(self.at);
                    self.typed = None;
                    self.go_to(number);
                }
                KeyCode::Esc => self.typed = None,
                _ => {}
            }
            return Turned::Shown;
        }
        match key.code {
            KeyCode::Char(' ' | 'l') | KeyCode::Right => self.go_to(self.at + 1),
            KeyCode::Char('h') | KeyCode::Left => self.go_to(self.at.saturating_sub(1)),
            KeyCode::PageDown => self.go_to(self.at + LEAP),
            KeyCode::PageUp => self.go_to(self.at.saturating_sub(LEAP)),
            KeyCode::Home => self.go_to(0),
            KeyCode::End => self.go_to(self.len()),
            KeyCode::Char('g') => self.typed = Some(String::new()),
            KeyCode::Char('q') | KeyCode::Esc => return Turned::Left,
            _ => {}
        }
        Turned::Shown
    }

    /// The screen as it was, as far as there is room, over two lines that say where one is.
    pub fn paint(&self, buffer: &mut Buffer) {
        let screen = self.screen();
        let area = buffer.area;
        let height = area.height.saturating_sub(2);
        for y in 0..screen.area.height.min(height) {
            for x in 0..screen.area.width.min(area.width) {
                buffer[(area.x + x, area.y + y)] = screen[(x, y)].clone();
            }
        }
        let theme = self.tape.start.theme;
        let mut canvas = Canvas::new(buffer, theme);
        canvas.text(1, height, &self.place(), theme.accent());
        canvas.text(1, height + 1, &self.keys(height), theme.muted());
    }

    /// Which message was the last one.
    fn place(&self) -> String {
        let say = &self.model.shell.language;
        let last = self.at.checked_sub(1).map(|last| &self.tape.entries[last]);
        let (at, msg) = last.map_or_else(
            || {
                (
                    clock(self.tape.start.now),
                    say.text("replay-begins").to_owned(),
                )
            },
            |entry| (clock(entry.at), in_a_line(&entry.msg)),
        );
        let (n, of) = (self.at.to_string(), self.len().to_string());
        let gaps = [("n", n.as_str()), ("of", &of), ("at", &at), ("msg", &msg)];
        say.with("replay-at", &gaps)
    }

    fn keys(&self, height: u16) -> String {
        let say = &self.model.shell.language;
        if let Some(digits) = &self.typed {
            return say.with("replay-go-to", &[("n", digits)]);
        }
        let size = self.model.size();
        let keys = say.text("replay-keys");
        if size.1 <= height {
            return keys.to_owned();
        }
        let size = format!("{}×{}", size.0, size.1);
        format!("{} · {keys}", say.with("replay-cut", &[("size", &size)]))
    }
}

/// A key by its name, anything else as it is in the file.
fn in_a_line(msg: &Msg) -> String {
    match msg {
        Msg::Key(key) => format!("key {}", Chord::of(*key)),
        msg => serde_json::to_string(msg).unwrap_or_default(),
    }
}
