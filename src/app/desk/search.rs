//! Looking for somebody: by the keys that find at once, else by the words of names that the store has an
//! index of, then by a part of any text, page by page, with what was found so far told on the way.

use std::collections::BTreeSet;

use super::{Desk, empty, push};
use crate::console::query::{Brief, Found, Page, Searched};
use crate::domain::folded::{each_word, fold, has_part};
use crate::domain::ids::{AutomationId, Kind, LinkId, SalesforceId, Side};
use crate::domain::link::{Link, MatchKey};
use crate::domain::record::{LinkKey, LinkPage, Listing, WordPage};
use crate::domain::value::Value;
use crate::ports::StoreError;

/// Links looked through at a time: a few milliseconds, after which others are asked for theirs.
const PAGE_MAX: usize = 500;

/// Links found by words at a time.
const NAMED_MAX: usize = 100;

/// Rows that a search shows.
const FOUND_MAX: usize = 100;

/// With nothing new, how far it is is told once in so many links.
const TOLD_EVERY: u64 = 20_000;

/// A search under way.
pub(super) struct Search {
    wanted: String,
    /// Its parts, folded: each is looked for in any text.
    parts: Vec<String>,
    /// What it has of words, folded.
    words: Vec<String>,
    stage: Stage,
    page: Page<Brief>,
    /// Those of the page that were found by their words.
    named: BTreeSet<LinkId>,
    read: u64,
    /// Rows and links that were told of.
    told: (usize, u64),
}

enum Stage {
    Keys,
    Words { after: Option<LinkId> },
    Texts { after: Option<LinkId> },
    Over,
}

impl Search {
    pub(super) fn new(wanted: &str) -> Self {
        let mut words = BTreeSet::new();
        each_word(wanted, |word| {
            words.insert(word.to_owned());
        });
        let folded = fold(wanted);
        Self {
            wanted: wanted.to_owned(),
            parts: folded.split_whitespace().map(ToOwned::to_owned).collect(),
            words: words.into_iter().collect(),
            stage: Stage::Keys,
            page: empty(),
            named: BTreeSet::new(),
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
                    Stage::Words { after: None }
                } else {
                    Stage::Over
                };
            }
            Stage::Words { after } => self.look_up(desk, after).await?,
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

    /// What has the words is shown first, as much as the page takes. The rest is counted on the way
    /// through all texts.
    async fn look_up(&mut self, desk: &Desk, after: Option<LinkId>) -> Result<(), StoreError> {
        let page = WordPage {
            words: self.words.clone(),
            after,
            size_max: NAMED_MAX,
        };
        let found = desk.store.named(page).await?;
        for link in &found.links {
            if self.page.rows.len() < FOUND_MAX && has(link, &self.parts) {
                self.named.insert(link.id);
                push(&mut self.page, desk.brief(link), FOUND_MAX);
            }
        }
        self.stage = match found.after {
            Some(after) if self.page.rows.len() < FOUND_MAX => Stage::Words { after: Some(after) },
            _ => Stage::Texts { after: None },
        };
        Ok(())
    }

    async fn look_through(&mut self, desk: &Desk, after: Option<LinkId>) -> Result<(), StoreError> {
        let page = LinkPage {
            listing: Listing::All,
            after,
            size_max: PAGE_MAX,
        };
        let links = desk.store.links(page).await?;
        for link in &links {
            if !self.named.contains(&link.id) && has(link, &self.parts) {
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

/// The number of a contact here, as commands (`link:38`) and screens (`no. 38`, `n° 38`) name it.
fn numbered(wanted: &str) -> Option<LinkId> {
    let mut signs = ["link:", "no.", "n°"].into_iter();
    let number = signs.find_map(|sign| wanted.strip_prefix(sign)?.trim().parse().ok());
    number.map(LinkId)
}

/// Whatever the text can be the key of.
pub(in crate::app) fn keys(wanted: &str) -> Vec<LinkKey> {
    let mut keys = Vec::new();
    if let Some(link) = numbered(wanted) {
        return vec![LinkKey::Id(link)];
    }
    keys.extend(wanted.parse::<SalesforceId>().ok().map(LinkKey::Salesforce));
    for kind in [Kind::Person, Kind::Company] {
        let id = wanted.parse().ok().map(AutomationId);
        keys.extend(id.map(|id| LinkKey::Automation(kind, id)));
        keys.push(LinkKey::Match(MatchKey::new(kind, wanted)));
    }
    keys
}

/// Whether one side has each of these parts in one of its texts.
fn has(link: &Link, parts: &[String]) -> bool {
    Side::BOTH.into_iter().any(|side| {
        parts.iter().all(|part| {
            let mut texts = link
                .fields
                .iter()
                .filter_map(|state| state.on(side).and_then(Value::as_text));
            texts.any(|text| has_part(text, part))
        })
    })
}
