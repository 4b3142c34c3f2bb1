//! The index of words: by which words of a link's names it is found.
//!
//! Which fields hold names says the configuration that is stored. A link's entries change with the
//! link, in the same batch. Where there are none yet, in a store from before or after the fields of
//! names changed, they are built link by link beside everything else: how far it is stands in the same
//! batch as what was built, and links beyond that have no entries, whatever becomes of them meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::folded::each_word;
use crate::domain::ids::{FieldId, Kind, LinkId, Side};
use crate::domain::link::Link;
use crate::domain::mapping::{FieldRule, Policy};
use crate::domain::record::{Named, WordPage};
use crate::domain::value::Value;
use crate::ports::StoreError;
use crate::store::codec::encode;
use crate::store::durable::{Durable, Staged};
use crate::store::packed::PackedLink;
use crate::store::{keys, policies, reader};

/// Words of a link: first and last name, or a company's, and some to spare. The rest is not in the index.
const WORDS_MAX: usize = 8;

/// Letters of a word. Longer ones begin with as many.
const LETTERS_MAX: usize = 16;

/// How words are made of texts. With another number all entries are made anew.
const RULES: u8 = 1;

/// Links whose entries are built in one commit: some milliseconds.
const BUILT_MAX: usize = 200;

/// Entries that are cleared in one commit.
const CLEARED_MAX: usize = 1_000;

/// Words of the index that one typed beginning may stand for. One that stands for more tells little,
/// and is looked at in the links that the others find.
const MEANT_MAX: usize = 64;

/// Looks into the index in one step: some milliseconds.
const LOOKS_MAX: usize = 500;

/// Which fields hold names, of people and of companies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Naming {
    person: Vec<FieldId>,
    company: Vec<FieldId>,
}

/// The index as a commit finds it.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub(super) naming: Arc<Naming>,
    progress: Progress,
    /// Whether the store knows all this.
    is_stored: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Progress {
    /// Entries of another naming are being removed; no link has any that count.
    Clearing,
    /// Links up to this one have their entries.
    Building(Option<LinkId>),
    #[default]
    Whole,
}

#[derive(Serialize, Deserialize)]
struct Form {
    rules: u8,
    naming: Arc<Naming>,
    progress: Progress,
}

impl Naming {
    pub(super) fn of(policy: &Policy) -> Self {
        let of = |kind, is_name: fn(&FieldRule) -> bool| {
            let names = policy.mapping.rules(kind).iter();
            names
                .filter(|rule| is_name(rule))
                .map(|rule| rule.id)
                .collect()
        };
        Self {
            // With the names of their companies the entries of people would be twice as many.
            person: of(Kind::Person, |rule| rule.is_name() && !rule.is_employer()),
            company: of(Kind::Company, FieldRule::is_name),
        }
    }

    /// The words under which a link is found.
    pub(super) fn words(&self, link: &Link) -> BTreeSet<String> {
        let fields = match link.kind {
            Kind::Person => &self.person,
            Kind::Company => &self.company,
        };
        let mut words = BTreeSet::new();
        for state in fields.iter().filter_map(|field| link.field(*field)) {
            let [salesforce, automation] =
                Side::BOTH.map(|side| state.on(side).and_then(Value::as_text));
            let other = automation.filter(|text| Some(*text) != salesforce);
            for text in salesforce.into_iter().chain(other) {
                each_word(text, |word| {
                    if words.len() < WORDS_MAX {
                        words.insert(cut(word).to_owned());
                    }
                });
            }
        }
        words
    }

    /// Its entries, in order.
    pub(super) fn entries(&self, link: &Link) -> Vec<Vec<u8>> {
        let words = self.words(link);
        let keys = words.iter().map(|word| keys::word_link(word, link.id));
        let mut keys: Vec<Vec<u8>> = keys.collect();
        keys.sort_unstable();
        keys
    }

    /// Whether each of these, cut as words are, begins one of the link's.
    pub(super) fn answers(&self, link: &Link, typed: &[String]) -> bool {
        let words = self.words(link);
        let is_there = |typed: &String| words.iter().any(|word| word.starts_with(cut(typed)));
        typed.iter().all(is_there)
    }
}

impl Words {
    /// As the store has it. Without a word about it the store is empty, or from before there was one.
    pub(super) fn open(durable: &Durable, links: u64) -> Result<Self, StoreError> {
        // What cannot be read of the configuration is told by whoever starts with it.
        let policy = policies::last(durable).ok().flatten();
        let naming = policy.map(|version| Naming::of(&version.policy));
        let known = match durable.get(keys::WORDS)? {
            Some(bytes) => reader::unless_damaged::<Form>(durable, &bytes, "index", keys::WORDS)?,
            None => {
                return Ok(Self {
                    naming: Arc::new(naming.unwrap_or_default()),
                    progress: if links == 0 {
                        Progress::Whole
                    } else {
                        Progress::Building(None)
                    },
                    is_stored: false,
                });
            }
        };
        let is_ours = |form: &Form| {
            let is_same = naming.as_ref().is_none_or(|naming| *naming == *form.naming);
            is_same && form.rules == RULES
        };
        Ok(match known {
            Some(form) if is_ours(&form) => Self {
                naming: form.naming,
                progress: form.progress,
                is_stored: true,
            },
            _ => Self {
                naming: Arc::new(naming.unwrap_or_default()),
                progress: Progress::Clearing,
                is_stored: false,
            },
        })
    }

    /// A configuration comes into force. `links` are there so far.
    pub(super) fn name_by(&mut self, policy: &Policy, links: u64) {
        let naming = Naming::of(policy);
        if naming == *self.naming {
            return;
        }
        self.naming = Arc::new(naming);
        self.is_stored = false;
        if links > 0 || self.progress != Progress::Whole {
            self.progress = Progress::Clearing;
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.progress == Progress::Whole
    }

    /// Whether the link has its entries.
    pub(super) fn holds(&self, id: LinkId) -> bool {
        match self.progress {
            Progress::Clearing => false,
            Progress::Building(after) => after.is_some_and(|after| id <= after),
            Progress::Whole => true,
        }
    }

    /// What the store is to know, if it does not yet.
    pub(super) fn take_unstored(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if std::mem::replace(&mut self.is_stored, true) {
            return Ok(None);
        }
        let form = Form {
            rules: RULES,
            naming: Arc::clone(&self.naming),
            progress: self.progress,
        };
        let bytes = encode(&form).map_err(|source| StoreError::Commit {
            source: source.into(),
        })?;
        Ok(Some(bytes))
    }

    /// The next step of building: what to commit, and how far it is then. Nobody may commit meanwhile.
    pub(super) fn step(&self, durable: &Durable) -> Result<(Staged, Self), StoreError> {
        let mut staged = Staged::new();
        let progress = match self.progress {
            Progress::Clearing => clear(durable, &mut staged)?,
            Progress::Building(after) => self.build(durable, after, &mut staged)?,
            Progress::Whole => Progress::Whole,
        };
        let mut next = Self {
            progress,
            is_stored: false,
            ..self.clone()
        };
        if let Some(bytes) = next.take_unstored()? {
            staged.insert(keys::WORDS.to_vec(), Some(bytes));
        }
        Ok((staged, next))
    }

    fn build(
        &self,
        durable: &Durable,
        after: Option<LinkId>,
        staged: &mut Staged,
    ) -> Result<Progress, StoreError> {
        let (mut read, mut last) = (0, None);
        let mut built = Ok(());
        let from = after.map(keys::link);
        durable.scan(keys::LINK, from.as_deref(), |key, value| {
            if read >= BUILT_MAX {
                return false;
            }
            read += 1;
            last = keys::trailing_number(key).map(LinkId);
            let link = reader::unless_damaged::<PackedLink>(durable, value, "link", key);
            built = link.map(|link| {
                let entries = link.map(|packed| self.naming.entries(&Link::from(packed)));
                staged.extend(entries.into_iter().flatten().map(|key| (key, Some(vec![]))));
            });
            built.is_ok()
        })?;
        built?;
        Ok(match last {
            Some(last) if read == BUILT_MAX => Progress::Building(Some(last)),
            _ => Progress::Whole,
        })
    }
}

fn clear(durable: &Durable, staged: &mut Staged) -> Result<Progress, StoreError> {
    durable.scan(keys::WORD, None, |key, _| {
        staged.insert(key.to_vec(), None);
        staged.len() < CLEARED_MAX
    })?;
    Ok(if staged.len() < CLEARED_MAX {
        Progress::Building(None)
    } else {
        Progress::Clearing
    })
}

/// One step of a lookup. Typed words that stand for few of the index are followed side by side; each
/// link that all of them lead to is read, and looked at with the others.
pub(super) fn named(
    durable: &Durable,
    words: &Words,
    page: &WordPage,
) -> Result<Named, StoreError> {
    let mut named = Named::default();
    if !words.is_whole() || page.words.is_empty() {
        return Ok(named);
    }
    let Some(mut meanings) = meanings(durable, &page.words)? else {
        return Ok(named);
    };
    let mut looks = 0;
    let mut from = after(page.after);
    while let Some(id) = from
        && let Some(met) = agreed(durable, &mut meanings, id, &mut looks)?
    {
        let id = match met {
            Met::At(id) => id,
            Met::NotYet(id) => {
                // It is looked at again.
                named.after = id.0.checked_sub(1).map(LinkId);
                return Ok(named);
            }
        };
        let link = reader::stored_link(durable, id)?;
        let link = link.filter(|link| words.naming.answers(link, &page.words));
        named.links.extend(link);
        looks += LOOKS_FOR_LINK;
        if named.links.len() >= page.size_max || looks >= LOOKS_MAX {
            named.after = Some(id);
            return Ok(named);
        }
        from = after(Some(id));
    }
    Ok(named)
}

/// The first id that may come after.
fn after(id: Option<LinkId>) -> Option<LinkId> {
    id.map_or(Some(0), |id| id.0.checked_add(1)).map(LinkId)
}

/// Reading a link takes as long as so many looks.
const LOOKS_FOR_LINK: usize = 4;

/// What a typed beginning stands for: words of the index, each with the next link that has it.
type Meaning = Vec<(String, Option<LinkId>)>;

enum Met {
    /// A link that has a word of each meaning.
    At(LinkId),
    /// None before this one.
    NotYet(LinkId),
}

/// `None` if one of them stands for nothing. If all stand for too much, the first words of the first.
fn meanings(durable: &Durable, typed: &[String]) -> Result<Option<Vec<Meaning>>, StoreError> {
    let (mut narrow, mut wide) = (Vec::new(), None);
    for beginning in typed {
        let meaning = meaning(durable, cut(beginning))?;
        if meaning.is_empty() {
            return Ok(None);
        }
        if meaning.len() < MEANT_MAX {
            narrow.push(meaning);
        } else {
            wide.get_or_insert(meaning);
        }
    }
    if narrow.is_empty() {
        narrow.extend(wide);
    }
    Ok(Some(narrow))
}

fn meaning(durable: &Durable, beginning: &str) -> Result<Meaning, StoreError> {
    let mut meaning = Meaning::new();
    let within = keys::words(beginning);
    let mut from = within.clone();
    while meaning.len() < MEANT_MAX
        && let Some(key) = durable.first(&from)?
        && key.starts_with(&within)
        && let Some((word, id)) = keys::word_parts(&key)
    {
        from = keys::word_end(word);
        meaning.push((word.to_owned(), Some(id)));
    }
    Ok(meaning)
}

/// The first link, from that one on, that all meanings have; `None` if there is none.
fn agreed(
    durable: &Durable,
    meanings: &mut [Meaning],
    from: LinkId,
    looks: &mut usize,
) -> Result<Option<Met>, StoreError> {
    let mut id = from;
    loop {
        let mut furthest = id;
        for meaning in &mut *meanings {
            let Some(next) = next(durable, meaning, furthest, looks)? else {
                return Ok(None);
            };
            furthest = next;
        }
        if furthest == id || meanings.len() == 1 {
            return Ok(Some(Met::At(furthest)));
        }
        id = furthest;
        if *looks >= LOOKS_MAX {
            return Ok(Some(Met::NotYet(id)));
        }
    }
}

/// The first link of a meaning, from that one on.
fn next(
    durable: &Durable,
    meaning: &mut Meaning,
    from: LinkId,
    looks: &mut usize,
) -> Result<Option<LinkId>, StoreError> {
    for (word, head) in &mut *meaning {
        if head.is_some_and(|head| head < from) {
            *looks += 1;
            let key = durable.first(&keys::word_link(word, from))?;
            let parts = key.as_deref().and_then(keys::word_parts);
            let is_same = |(found, id): (&str, LinkId)| (found == word).then_some(id);
            *head = parts.and_then(is_same);
        }
    }
    Ok(meaning.iter().filter_map(|(_, head)| *head).min())
}

/// The letters of a word that are in the index.
fn cut(word: &str) -> &str {
    word.char_indices()
        .nth(LETTERS_MAX)
        .map_or(word, |(end, _)| &word[..end])
}
