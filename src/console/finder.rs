//! The help and the command palette: what can be done here, found by typing, done by Enter.

use super::canvas::Canvas;
use super::field::{Field, Lines};
use super::keymap::{ACTIONS, Action, Context, Danger, Keymap};
use super::language::{Language, Tongue};
use super::list::page_top;
use super::safe::Safe;
use super::theme::Shade;
use crate::domain::folded::{fold, has_part};
use crate::domain::ids::Side;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Help,
    Palette,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Run(Action),
    Speak(Tongue),
    Shade(Shade),
    /// Who lets us in at this side.
    Admit(Side),
}

pub(super) struct Finder {
    pub(super) purpose: Purpose,
    pub(super) field: Field,
    entries: Vec<Entry>,
    selected: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    keys: String,
    name: String,
    description: String,
    danger: Danger,
    order: Order,
}

impl Finder {
    pub(super) fn new(
        purpose: Purpose,
        keymap: &Keymap,
        contexts: &[Context],
        say: &Language,
    ) -> Self {
        // The narrowest place first: what can be done on this screen before what can be done anywhere.
        let mut entries: Vec<Entry> = Vec::new();
        for context in contexts {
            entries.extend(ACTIONS.iter().filter_map(|entry| {
                let first = contexts.iter().find(|c| entry.contexts.contains(c))?;
                let keys = keymap.keys(*context, entry.action);
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                (first == context).then(|| Entry {
                    keys: keys.join("  "),
                    name: entry.name.to_owned(),
                    description: say.text(entry.description).to_owned(),
                    danger: entry.danger,
                    order: Order::Run(entry.action),
                })
            }));
        }
        let settings = [
            ("lang fr", "palette-lang", Order::Speak(Tongue::French)),
            ("lang en", "palette-lang", Order::Speak(Tongue::English)),
            ("theme dark", "palette-theme", Order::Shade(Shade::Dark)),
            ("theme light", "palette-theme", Order::Shade(Shade::Light)),
            (
                "theme contrast",
                "palette-theme",
                Order::Shade(Shade::Contrast),
            ),
            (
                "authorize salesforce",
                "do-authorize",
                Order::Admit(Side::Salesforce),
            ),
            (
                "authorize automation",
                "do-authorize",
                Order::Admit(Side::Automation),
            ),
        ];
        entries.extend(settings.map(|(name, description, order)| Entry {
            keys: String::new(),
            name: name.to_owned(),
            description: say.text(description).to_owned(),
            danger: Danger::None,
            order,
        }));
        Self {
            purpose,
            field: Field::new(Lines::One, ""),
            entries,
            selected: 0,
        }
    }

    /// Without what has no sense here.
    pub(super) fn leave_out(&mut self, action: Action) {
        self.entries
            .retain(|entry| !matches!(entry.order, Order::Run(other) if other == action));
    }

    /// An exact name comes first, then names that begin so, then whatever contains the text.
    fn found(&self) -> Vec<&Entry> {
        let typed = fold(self.field.text().trim());
        let rank = |entry: &&Entry| {
            let name = fold(&entry.name);
            u8::from(name != typed) + u8::from(!name.starts_with(&typed))
        };
        let mut found: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| {
                let texts = [&entry.name, &entry.description, &entry.keys];
                texts.iter().any(|text| has_part(text, &typed))
            })
            .collect();
        found.sort_by_key(rank);
        found
    }

    pub(super) fn typed(&mut self) {
        self.selected = 0;
    }

    pub(super) fn step(&mut self, down: bool) {
        let last = self.found().len().saturating_sub(1);
        self.selected = if down {
            (self.selected + 1).min(last)
        } else {
            self.selected.saturating_sub(1)
        };
    }

    pub(super) fn order(&self) -> Option<Order> {
        self.found().get(self.selected).map(|entry| entry.order)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, say: &Language) {
        let theme = canvas.theme;
        let (width, height) = (canvas.width().saturating_sub(4), canvas.height());
        let mut part = canvas.part(2, 1, width, height.saturating_sub(2));
        let title = match self.purpose {
            Purpose::Help => "help-title",
            Purpose::Palette => "palette-title",
        };
        part.framed(say.text(title));
        let end = part.text(2, 1, ":", theme.accent());
        self.field
            .paint(&mut part.part(end + 1, 1, width.saturating_sub(6), 1), true);
        let found = self.found();
        let rows = usize::from(part.height().saturating_sub(6));
        let top = page_top(self.selected, rows);
        if found.is_empty() {
            part.text(2, 3, say.text("finder-nothing"), theme.muted());
        }
        for (y, (index, entry)) in found.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = 3 + y as u16;
            let mark = match entry.danger {
                Danger::None => " ",
                Danger::Writes => "!",
            };
            part.text(2, y, mark, theme.person());
            part.within(4, y, 13, &entry.keys, theme.accent());
            part.within(18, y, 16, &entry.name, theme.plain());
            part.within(
                35,
                y,
                width.saturating_sub(36),
                &entry.description,
                theme.plain(),
            );
            if index == self.selected {
                part.part(1, y, width.saturating_sub(2), 1)
                    .line_style(0, theme.selected());
            }
        }
        let last = part.height().saturating_sub(2);
        let hidden = found.len().saturating_sub(rows);
        let chosen = found.get(self.selected).map(|entry| &entry.description);
        let room = usize::from(width.saturating_sub(36));
        if let Some(cut) = chosen.filter(|text| Safe::new(text).width() > room) {
            let mut place = part.part(1, last - 1, width.saturating_sub(10), 2);
            place.paragraph(1, 0, 2, cut, theme.plain());
        } else {
            part.text(2, last, say.text("finder-keys"), theme.muted());
        }
        if hidden > 0 {
            let place = format!("{}/{}", self.selected + 1, found.len());
            part.right(last, &format!("{place} "), theme.muted());
        }
    }
}
