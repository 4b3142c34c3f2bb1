//! Looking for somebody: by the keys that find at once, else by a part of any text, page by page, with
//! what was found so far told on the way.

use super::{Desk, empty, push};
use crate::console::query::{Brief, Found, Page, Searched};
use crate::domain::ids::{AutomationId, Kind, LinkId, SalesforceId, Side};
use crate::domain::link::{Link, MatchKey};
use crate::domain::record::{LinkKey, LinkPage, Listing};
use crate::domain::value::Value;
use crate::ports::StoreError;

/// Links looked through at a time: a few milliseconds, after which others are asked for theirs.
const PAGE_MAX: usize = 500;

/// Rows that a search shows.
const FOUND_MAX: usize = 100;

/// With nothing new, how far it is is told once in so many links.
const TOLD_EVERY: u64 = 20_000;

/// A search under way.
pub(super) struct Search {
    wanted: String,
    /// Its words in small letters; what a name is looked for across two fields.
    words: Vec<String>,
    stage: Stage,
    page: Page<Brief>,
    read: u64,
    /// Rows and links that were told of.
    told: (usize, u64),
}

enum Stage {
    Keys,
    Texts { after: Option<LinkId> },
    Over,
}

impl Search {
    pub(super) fn new(wanted: &str) -> Self {
        let words = wanted.to_lowercase();
        Self {
            wanted: wanted.to_owned(),
            words: words.split_whitespace().map(ToOwned::to_owned).collect(),
            stage: Stage::Keys,
            page: empty(),
            read: 0,
            told: (0, 0),
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Looks through one more page; answers what is worth telling.
    pub(super) async fn step(&mut self, desk: &Desk) -> Result<Option<Found>, StoreError> {
        match self.stage {
            Stage::Keys => {
                let found = desk.store.load(keys(&self.wanted), false).await?;
                for link in found.links {
                    push(&mut self.page, desk.brief(&link), FOUND_MAX);
                }
                self.stage = if self.page.rows.is_empty() {
                    Stage::Texts { after: None }
                } else {
                    Stage::Over
                };
            }
            Stage::Texts { after } => self.look_through(desk, after).await?,
            Stage::Over => {}
        }
        let searched = if self.is_over() {
            Searched::All
        } else if self.page.rows.len() > self.told.0 || self.read >= self.told.1 + TOLD_EVERY {
            self.told = (self.page.rows.len(), self.read);
            Searched::SoFar(self.read)
        } else {
            return Ok(None);
        };
        Ok(Some(Found {
            page: self.page.clone(),
            searched,
        }))
    }

    async fn look_through(&mut self, desk: &Desk, after: Option<LinkId>) -> Result<(), StoreError> {
        let page = LinkPage {
            listing: Listing::All,
            after,
            size_max: PAGE_MAX,
        };
        let links = desk.store.links(page).await?;
        for link in &links {
            if has(link, &self.words) {
                push(&mut self.page, desk.brief(link), FOUND_MAX);
            }
        }
        self.read += links.len() as u64;
        self.stage = match links.last() {
            Some(last) if links.len() == PAGE_MAX => Stage::Texts {
                after: Some(last.id),
            },
            _ => Stage::Over,
        };
        Ok(())
    }
}

/// Whatever the text can be the key of.
pub(in crate::app) fn keys(wanted: &str) -> Vec<LinkKey> {
    let mut keys = Vec::new();
    if let Some(number) = wanted.strip_prefix("link:") {
        keys.extend(number.parse().ok().map(|id| LinkKey::Id(LinkId(id))));
        return keys;
    }
    keys.extend(wanted.parse::<SalesforceId>().ok().map(LinkKey::Salesforce));
    for kind in [Kind::Person, Kind::Company] {
        let id = wanted.parse().ok().map(AutomationId);
        keys.extend(id.map(|id| LinkKey::Automation(kind, id)));
        keys.push(LinkKey::Match(MatchKey::new(kind, wanted)));
    }
    keys
}

/// Whether one side has each of these words in one of its texts.
fn has(link: &Link, words: &[String]) -> bool {
    Side::BOTH.into_iter().any(|side| {
        words.iter().all(|word| {
            let mut texts = link
                .fields
                .iter()
                .filter_map(|state| state.on(side).and_then(Value::as_text));
            texts.any(|text| contains(text, word))
        })
    })
}

/// Whether the text has this part, which is in small letters, however it is written. ASCII, which
/// most is, is compared where it stands.
fn contains(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some((first, rest)) = part.split_first() else {
        return true;
    };
    let Some(last) = text.len().checked_sub(part.len()) else {
        return false;
    };
    (0..=last).any(|at| {
        text[at].to_ascii_lowercase() == *first
            && text[at + 1..at + part.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_however_it_is_written() {
        for (text, part, is_found) in [
            ("Sophie MARTIN", "martin", true),
            ("Sophie Martin", "martine", false),
            ("ÉLODIE", "élo", true),
            ("Élodie", "lod", true),
            ("abc", "", true),
            ("", "a", false),
            ("aab", "ab", true),
        ] {
            assert_eq!(contains(text, part), is_found, "{text} {part}");
        }
    }
}
