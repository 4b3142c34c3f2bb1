//! Key files: read, laid over one another, and refused with the line that is wrong.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::action::{ACTIONS, Action, Context};
use super::chord::{Chord, Sequence};

/// A preset that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    #[default]
    Default,
    Vim,
    Emacs,
}

/// What every key does, by context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    bindings: BTreeMap<Context, BTreeMap<Sequence, Action>>,
}

/// What is wrong with a key file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct KeymapError {
    pub file: String,
    pub line: usize,
    pub problem: String,
}

impl Preset {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::Default),
            "vim" => Some(Self::Vim),
            "emacs" => Some(Self::Emacs),
            _ => None,
        }
    }

    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Default => (
                "keymaps/default.toml",
                include_str!("../../../keymaps/default.toml"),
            ),
            Self::Vim => (
                "keymaps/vim.toml",
                include_str!("../../../keymaps/vim.toml"),
            ),
            Self::Emacs => (
                "keymaps/emacs.toml",
                include_str!("../../../keymaps/emacs.toml"),
            ),
        }
    }
}

impl Keymap {
    /// A preset, always laid over the default one.
    pub fn preset(preset: Preset) -> Result<Self, KeymapError> {
        let mut keymap = Self::default();
        let (name, text) = Preset::Default.text();
        keymap.lay_over(name, text)?;
        if preset != Preset::Default {
            let (name, text) = preset.text();
            keymap.lay_over(name, text)?;
        }
        Ok(keymap)
    }

    /// An operator's file, over the preset that it names as its `base`.
    pub fn with_file(name: &str, text: &str) -> Result<Self, KeymapError> {
        let reader = Reader { name, text };
        let table = reader.table()?;
        let base = match table.get("base") {
            None => Preset::Default,
            Some(value) => {
                let named = value.get_ref().as_str().and_then(Preset::named);
                named.ok_or_else(|| {
                    reader.error(value, "base is “default”, “vim” or “emacs”".to_owned())
                })?
            }
        };
        let mut keymap = Self::preset(base)?;
        keymap.lay_over(name, text)?;
        Ok(keymap)
    }

    /// Takes in a file: what it binds replaces what was bound before.
    fn lay_over(&mut self, name: &str, text: &str) -> Result<(), KeymapError> {
        let reader = Reader { name, text };
        let mut seen: BTreeMap<(Context, Sequence), usize> = BTreeMap::new();
        for (section, bindings) in &reader.table()? {
            if section.get_ref() == "base" {
                continue;
            }
            let context = reader.context(section)?;
            let DeValue::Table(bindings) = bindings.get_ref() else {
                return Err(reader.error(section, "this is a section with keys in it".to_owned()));
            };
            for (keys, name) in bindings {
                let sequence = reader.sequence(keys)?;
                let line = reader.line(keys);
                if let Some(other) = seen.insert((context, sequence.clone()), line) {
                    let problem = format!("“{sequence}” is bound in line {other} already");
                    return Err(reader.error(keys, problem));
                }
                self.bind(&reader, context, keys, &sequence, name)?;
            }
        }
        self.check_prefixes(&reader, &seen)?;
        self.check_shared(&reader, &seen)
    }

    fn bind(
        &mut self,
        reader: &Reader<'_>,
        context: Context,
        keys: &Spanned<impl AsRef<str>>,
        sequence: &Sequence,
        name: &Spanned<DeValue<'_>>,
    ) -> Result<(), KeymapError> {
        let text = name.get_ref().as_str().unwrap_or_default();
        let bindings = self.bindings.entry(context).or_default();
        if text == "none" {
            if bindings.remove(sequence).is_none() {
                let problem = format!("“{}” is not bound here", keys.get_ref().as_ref());
                return Err(reader.error(keys, problem));
            }
            return Ok(());
        }
        let action = reader.action(name, text)?;
        if !action.entry().contexts.contains(&context) {
            let places: Vec<&str> = action.entry().contexts.iter().map(|c| c.name()).collect();
            let problem = format!("“{text}” belongs in [{}]", places.join("] or ["));
            return Err(reader.error(name, problem));
        }
        bindings.insert(sequence.clone(), action);
        Ok(())
    }

    /// A sequence that is the beginning of another could never be told from it.
    fn check_prefixes(
        &self,
        reader: &Reader<'_>,
        seen: &BTreeMap<(Context, Sequence), usize>,
    ) -> Result<(), KeymapError> {
        let is_bound = |context, sequence: &Sequence| self.action(context, &sequence.0).is_some();
        for ((context, sequence), line) in seen.iter().filter(|((c, s), _)| is_bound(*c, s)) {
            let bindings = self.bindings.get(context).into_iter().flatten();
            for (other, _) in bindings.filter(|(other, _)| *other != sequence) {
                if other.starts_with(&sequence.0) || sequence.starts_with(&other.0) {
                    return Err(KeymapError {
                        file: reader.name.to_owned(),
                        line: *line,
                        problem: format!("“{sequence}” and “{other}” begin alike"),
                    });
                }
            }
        }
        Ok(())
    }

    /// On a screen its own keys count together with those of every list and everywhere: the broader one
    /// of two that are alike would do nothing there.
    fn check_shared(
        &self,
        reader: &Reader<'_>,
        seen: &BTreeMap<(Context, Sequence), usize>,
    ) -> Result<(), KeymapError> {
        for ((context, sequence), line) in seen {
            let Some(action) = self.action(*context, &sequence.0) else {
                continue;
            };
            for other in Context::ALL
                .into_iter()
                .filter(|other| counts_with(*context, *other))
            {
                for (near, named) in self.bindings.get(&other).into_iter().flatten() {
                    let is_alike = near.starts_with(&sequence.0) || sequence.starts_with(&near.0);
                    if is_alike && *named != action {
                        let problem = format!(
                            "“{sequence}” is “{}” in [{}], and “{near}” is “{}” in [{}], which counts \
                             at the same time; give one of them another key, or take one away with \
                             “none”",
                            action.entry().name,
                            context.name(),
                            named.entry().name,
                            other.name(),
                        );
                        let file = reader.name.to_owned();
                        return Err(KeymapError {
                            file,
                            line: *line,
                            problem,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    pub fn action(&self, context: Context, keys: &[Chord]) -> Option<Action> {
        let bindings = self.bindings.get(&context)?;
        bindings.get(&Sequence(keys.to_vec())).copied()
    }

    /// What may follow keys that are not yet enough.
    pub fn following(&self, context: Context, keys: &[Chord]) -> Vec<(Sequence, Action)> {
        let bindings = self.bindings.get(&context).into_iter().flatten();
        bindings
            .filter(|(sequence, _)| sequence.0.len() > keys.len() && sequence.starts_with(keys))
            .map(|(sequence, action)| (sequence.clone(), *action))
            .collect()
    }

    /// The keys of an action in one context.
    pub fn keys(&self, context: Context, action: Action) -> Vec<&Sequence> {
        let bindings = self.bindings.get(&context).into_iter().flatten();
        bindings
            .filter(|(_, bound)| **bound == action)
            .map(|(sequence, _)| sequence)
            .collect()
    }

    /// The key to name in a hint: of the first context that binds the action a letter, else one of
    /// the keys that everybody knows by name.
    pub fn hint(&self, contexts: &[Context], action: Action) -> Option<String> {
        contexts.iter().find_map(|context| {
            let keys = self.keys(*context, action).into_iter();
            keys.map(ToString::to_string).min_by_key(|keys| {
                let is_known = matches!(keys.as_str(), "enter" | "esc" | "tab");
                (keys.chars().count() > 1, !is_known, keys.len())
            })
        })
    }
}

/// Whether the keys of both are listened for at the same time.
fn counts_with(one: Context, other: Context) -> bool {
    let is_shared = |context| matches!(context, Context::List | Context::Everywhere);
    one != other
        && (is_shared(one) || is_shared(other))
        && [one, other]
            .into_iter()
            .all(|context| is_shared(context) || context.is_of_a_screen())
}

/// One file, with what is needed to say where it is wrong.
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn table(&self) -> Result<DeTable<'a>, KeymapError> {
        let table = DeTable::parse(self.text).map_err(|error| KeymapError {
            file: self.name.to_owned(),
            line: error.span().map_or(1, |span| self.line_at(span.start)),
            problem: error.message().to_owned(),
        })?;
        Ok(table.into_inner())
    }

    fn line_at(&self, at: usize) -> usize {
        1 + self.text[..at.min(self.text.len())].matches('\n').count()
    }

    fn line<T>(&self, at: &Spanned<T>) -> usize {
        self.line_at(at.span().start)
    }

    fn error<T>(&self, at: &Spanned<T>, problem: String) -> KeymapError {
        KeymapError {
            file: self.name.to_owned(),
            line: self.line(at),
            problem,
        }
    }

    fn context(&self, section: &Spanned<impl AsRef<str>>) -> Result<Context, KeymapError> {
        let name = section.get_ref().as_ref();
        Context::named(name).ok_or_else(|| {
            let near = nearest(name, Context::ALL.into_iter().map(Context::name));
            self.error(section, format!("there is no section [{name}]{near}"))
        })
    }

    fn sequence(&self, keys: &Spanned<impl AsRef<str>>) -> Result<Sequence, KeymapError> {
        let text = keys.get_ref().as_ref();
        Sequence::parse(text).ok_or_else(|| {
            let problem = format!("“{text}” is no key; write “x”, “ctrl-x”, “f5” or “g g”");
            self.error(keys, problem)
        })
    }

    fn action<T>(&self, at: &Spanned<T>, name: &str) -> Result<Action, KeymapError> {
        Action::named(name).ok_or_else(|| {
            let near = nearest(name, ACTIONS.iter().map(|entry| entry.name));
            self.error(at, format!("there is no action “{name}”{near}"))
        })
    }
}

/// `; did you mean “…”?`, if one is near enough to be a typing error.
fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|name| (distance(typed, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map_or_else(String::new, |(_, name)| format!("; did you mean “{name}”?"))
}

/// Edits between two names.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_the_table_once_and_bound_where_it_belongs() {
        for preset in [Preset::Default, Preset::Vim, Preset::Emacs] {
            let keymap = Keymap::preset(preset).unwrap();
            for entry in ACTIONS {
                let same = ACTIONS
                    .iter()
                    .filter(|other| other.name == entry.name || other.action == entry.action);
                assert_eq!(same.count(), 1, "{}", entry.name);
                for context in entry.contexts {
                    let keys = keymap.keys(*context, entry.action);
                    assert!(!keys.is_empty(), "{} in {}", entry.name, context.name());
                }
            }
        }
    }

    #[test]
    fn keys_that_count_at_the_same_time_do_not_begin_alike() {
        for preset in [Preset::Default, Preset::Vim, Preset::Emacs] {
            let keymap = Keymap::preset(preset).unwrap();
            for context in Context::ALL {
                for (sequence, _) in keymap.bindings.get(&context).into_iter().flatten() {
                    for shared in [Context::Everywhere, Context::List] {
                        let longer = keymap.following(shared, &sequence.0);
                        assert!(longer.is_empty(), "{sequence} in {}", context.name());
                    }
                }
            }
        }
    }

    #[test]
    fn a_clash_is_none_where_one_of_both_is_taken_away() {
        let text = "[contact]\n\"x\" = \"none\"\n\"ctrl-x\" = \"incident-bundle\"\n\"k\" = \
                    \"unlink\"\n[list]\n\"k\" = \"none\"\n";
        let keymap = Keymap::with_file("keys.toml", text).unwrap();
        let keys = |text: &str| Sequence::parse(text).unwrap().0;
        let unlink = keymap.action(Context::Contact, &keys("k"));
        assert_eq!(unlink, Some(Action::Unlink));
    }

    #[test]
    fn in_vim_h_steps_back_and_sets_nobody_aside() {
        let keymap = Keymap::preset(Preset::Vim).unwrap();
        let keys = |text: &str| Sequence::parse(text).unwrap().0;
        for context in Context::ALL.into_iter().filter(|one| one.is_of_a_screen()) {
            assert_eq!(
                keymap.action(context, &keys("h")),
                None,
                "{}",
                context.name()
            );
        }
        let back = keymap.action(Context::Everywhere, &keys("h"));
        assert_eq!(back, Some(Action::Back));
    }

    #[test]
    fn in_emacs_the_same_keys_move_and_cancel_wherever_something_is_moved_or_cancelled() {
        let keymap = Keymap::preset(Preset::Emacs).unwrap();
        let keys = |text: &str| Sequence::parse(text).unwrap().0;
        for context in Context::ALL {
            let bound = |action| !keymap.keys(context, action).is_empty();
            for (key, action) in [
                ("ctrl-g", Action::Cancel),
                ("ctrl-n", Action::Next),
                ("ctrl-p", Action::Previous),
            ] {
                // On a screen ctrl-n and ctrl-p are those of its list.
                if bound(action) && !context.is_of_a_screen() {
                    let found = keymap.action(context, &keys(key));
                    assert_eq!(found, Some(action), "{key} in {}", context.name());
                }
            }
        }
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = Keymap::with_file("keys.toml", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line_and_what_was_probably_meant() {
        refused(
            "[list]\n\"x\" = \"dwon\"\n",
            "keys.toml, line 2: there is no action “dwon”; did you mean “down”?",
        );
        refused(
            "[lists]\n\"x\" = \"down\"\n",
            "keys.toml, line 1: there is no section [lists]; did you mean “list”?",
        );
        refused(
            "[list]\n\"x\" = \"write\"\n",
            "keys.toml, line 2: “write” belongs in [decide]",
        );
        refused(
            "[list]\n\"ctrl-d\" = \"down\"\n\"Ctrl-d\" = \"up\"\n",
            "keys.toml, line 3: “ctrl-d” is bound in line 2 already",
        );
        refused(
            "[list]\n\"g\" = \"last\"\n",
            "keys.toml, line 2: “g” and “g g” begin alike",
        );
        refused(
            "[list]\n\"hyper-x\" = \"last\"\n",
            "keys.toml, line 2: “hyper-x” is no key; write “x”, “ctrl-x”, “f5” or “g g”",
        );
        refused(
            "[contact]\n\"k\" = \"unlink\"\n",
            "keys.toml, line 2: “k” is “unlink” in [contact], and “k” is “up” in [list], which counts at \
             the same time; give one of them another key, or take one away with “none”",
        );
        refused(
            "[list]\n\"x\" = \"last\"\n",
            "keys.toml, line 2: “x” is “last” in [list], and “x” is “keep-both” in [decide], which counts \
             at the same time; give one of them another key, or take one away with “none”",
        );
        refused(
            "[queues]\n\"g\" = \"retry\"\n",
            "keys.toml, line 2: “g” is “retry” in [queues], and “g g” is “first” in [list], which counts \
             at the same time; give one of them another key, or take one away with “none”",
        );
        refused(
            "base = \"ed\"\n",
            "keys.toml, line 1: base is “default”, “vim” or “emacs”",
        );
    }

    #[test]
    fn an_operators_file_changes_only_what_it_names() {
        let text = "base = \"vim\"\n[list]\n\"g g\" = \"none\"\n\"g\" = \"last\"\n";
        let keymap = Keymap::with_file("keys.toml", text).unwrap();
        let keys = |text: &str| Sequence::parse(text).unwrap().0;
        assert_eq!(keymap.action(Context::List, &keys("g")), Some(Action::Last));
        assert_eq!(keymap.action(Context::List, &keys("g g")), None);
        assert_eq!(keymap.action(Context::List, &keys("l")), Some(Action::Open));
    }
}
