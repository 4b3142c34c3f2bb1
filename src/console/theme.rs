//! Styles by meaning. Colours are named here and nowhere else; what they say is always said by a
//! word or a sign as well.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// `NO_COLOR`, or a terminal without any.
    None,
    Sixteen,
    Palette,
    True,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shade {
    Dark,
    Light,
    Contrast,
}

/// Which signs the terminal's font has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signs {
    Unicode,
    Ascii,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    pub depth: Depth,
    pub shade: Shade,
    pub signs: Signs,
}

impl Theme {
    pub const PLAIN: Self = Self {
        depth: Depth::None,
        shade: Shade::Dark,
        signs: Signs::Unicode,
    };

    /// From the variables of the terminal that is looked at, not of this process.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let depth = if is_set("NO_COLOR") || term == "dumb" || term.starts_with("vt1") {
            Depth::None
        } else if matches!(
            variable("COLORTERM").as_deref(),
            Some("truecolor" | "24bit")
        ) {
            Depth::True
        } else if term.contains("256color") {
            Depth::Palette
        } else {
            Depth::Sixteen
        };
        let shade = variable("PASSERELLE_THEME");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let is_utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            depth,
            shade: shade
                .and_then(|name| Shade::named(&name))
                .unwrap_or(Shade::Dark),
            signs: if is_set("PASSERELLE_ASCII") || !is_utf8 {
                Signs::Ascii
            } else {
                Signs::Unicode
            },
        }
    }

    pub fn plain(self) -> Style {
        Style::default()
    }

    pub fn muted(self) -> Style {
        match self.shade {
            Shade::Contrast => Style::default(),
            Shade::Dark => self.ink(Color::DarkGray, 245, (138, 138, 138)),
            Shade::Light => self.ink(Color::DarkGray, 240, (88, 88, 88)),
        }
    }

    /// The one accent: where one is, what can be pressed.
    pub fn accent(self) -> Style {
        let style = match self.shade {
            Shade::Light => self.ink(Color::Blue, 25, (0, 95, 175)),
            Shade::Dark | Shade::Contrast => self.ink(Color::Cyan, 80, (95, 215, 215)),
        };
        style.add_modifier(Modifier::BOLD)
    }

    /// Needs a person.
    pub fn person(self) -> Style {
        let style = match self.shade {
            Shade::Light => self.ink(Color::Red, 160, (190, 0, 0)),
            Shade::Dark | Shade::Contrast => self.ink(Color::LightRed, 203, (255, 95, 95)),
        };
        style.add_modifier(Modifier::BOLD)
    }

    pub fn strong(self) -> Style {
        Style::default().add_modifier(Modifier::BOLD)
    }

    /// Where the next key acts.
    pub fn selected(self) -> Style {
        Style::default().add_modifier(Modifier::REVERSED)
    }

    /// Practice: must not be taken for the real thing, with or without colours.
    pub fn practice(self) -> Style {
        self.ink(Color::Yellow, 220, (255, 215, 0))
            .add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    fn ink(self, sixteen: Color, palette: u8, (r, g, b): (u8, u8, u8)) -> Style {
        match self.depth {
            Depth::None => Style::default(),
            Depth::Sixteen => Style::default().fg(sixteen),
            Depth::Palette => Style::default().fg(Color::Indexed(palette)),
            Depth::True => Style::default().fg(Color::Rgb(r, g, b)),
        }
    }

    /// A sign, or what stands for it where only ASCII can be shown.
    pub fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.signs {
            Signs::Unicode => unicode,
            Signs::Ascii => ascii,
        }
    }

    /// Typography of messages in ASCII; letters with accents stay, they are words.
    pub fn spelled(self, text: &str) -> String {
        match self.signs {
            Signs::Unicode => text.to_owned(),
            Signs::Ascii => text
                .chars()
                .map(|c| match c {
                    '…' => "...".to_owned(),
                    '“' | '”' | '«' | '»' => "\"".to_owned(),
                    '’' => "'".to_owned(),
                    '≠' => "#".to_owned(),
                    '≥' => ">=".to_owned(),
                    '↔' => "<->".to_owned(),
                    '→' => "->".to_owned(),
                    '↑' => "^".to_owned(),
                    '↓' => "v".to_owned(),
                    '·' => "-".to_owned(),
                    '\u{a0}' | '\u{202f}' => " ".to_owned(),
                    c => c.to_string(),
                })
                .collect(),
        }
    }
}

impl Shade {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "contrast",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "dark" => Some(Self::Dark),
            "light" => Some(Self::Light),
            "contrast" => Some(Self::Contrast),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(variables: &[(&str, &str)]) -> Theme {
        Theme::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_are_as_many_as_the_terminal_shows_and_none_where_nobody_wants_them() {
        assert_eq!(theme(&[("TERM", "xterm-256color")]).depth, Depth::Palette);
        assert_eq!(theme(&[("COLORTERM", "truecolor")]).depth, Depth::True);
        assert_eq!(theme(&[("TERM", "screen")]).depth, Depth::Sixteen);
        let none = theme(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]);
        for style in [none.accent(), none.person(), none.practice(), none.muted()] {
            assert_eq!(style.fg, None);
        }
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii_signs() {
        assert_eq!(theme(&[("LANG", "C")]).signs, Signs::Ascii);
        assert_eq!(theme(&[("LANG", "fr_FR.UTF-8")]).signs, Signs::Unicode);
        assert_eq!(theme(&[("LANG", "C")]).spelled("“a” → b…"), "\"a\" -> b...");
    }
}
